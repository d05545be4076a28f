//! How claims become a user.

use serde_json::{Value, json};

use super::Twist;
use super::expressions::EXPRESSIONS;
use crate::random::Random;

pub(super) const TWISTS: &[Twist] = &[
    ("username", |file, random| mapping(&mut file["jwt"][0]["claimMappings"]["username"], random)),
    ("groups", |file, random| mapping(&mut file["jwt"][0]["claimMappings"]["groups"], random)),
    ("uid", |file, random| {
        let values = [
            json!({"claim": "sub"}),
            json!({}),
            json!({"expression": "claims.sub"}),
            json!({"claim": "sub", "expression": "claims.sub"}),
            json!({"claim": "sub", "prefix": "x"}),
            json!(null),
            json!({"expression": ""}),
            json!({"expression": "user.x"}),
        ];
        file["jwt"][0]["claimMappings"]["uid"] = random.pick(&values).clone();
    }),
    ("extra", |file, random| {
        let keys = [
            "example.com/a",
            "example.com/a",
            "example.com",
            "/a",
            "example.com/",
            "Example.com/a",
            "example.com/A",
            "k8s.io/a",
            "x.kubernetes.io/a",
            "a_b.com/a",
            "example.com/a b",
            "",
            "example.com/a/b",
            "example.com/%zz",
            "\u{e9}.com/a",
            "-a.com/b",
            "xk8s.io/a",
            "example..com/a",
            "localhost/a",
        ];
        let expression = if random.percent(60) { json!("claims.sub") } else { json!(mapped(random)) };
        let mut extra = vec![json!({"key": random.pick(&keys), "valueExpression": expression})];
        if random.percent(30) {
            extra.push(json!({"key": random.pick(&keys), "valueExpression": random.pick(&["claims.sub", "", "[1]"])}));
        }
        file["jwt"][0]["claimMappings"]["extra"] = json!(extra);
    }),
    ("mapping expressions", |file, random| {
        let expression = json!({"expression": mapped(random)});
        let field = *random.pick(&["username", "groups", "uid"]);
        file["jwt"][0]["claimMappings"][field] = expression;
    }),
    ("the email rule", |file, random| {
        let uses = [
            "claims.email",
            "claims.?email.orValue('x')",
            "has(claims.email) ? 'a' : 'b'",
            "claims['email']",
            "claims.other.claims.email",
            "'x' + claims.email.lowerAscii()",
            "dyn(claims.x).map(claims, claims.email)[0]",
            "[claims.email][0]",
        ];
        file["jwt"][0]["claimMappings"]["username"] = json!({"expression": random.pick(&uses)});
        let verified = "claims.email_verified";
        match random.below(6) {
            0 => {
                file["jwt"][0]["claimValidationRules"] =
                    json!([{"expression": "claims.email_verified == true"}])
            }
            1 => {
                file["jwt"][0]["claimMappings"]["extra"] =
                    json!([{"key": "a.b/c", "valueExpression": format!("{verified} ? 'a' : 'b'")}])
            }
            2 => {
                file["jwt"][0]["userValidationRules"] =
                    json!([{"expression": "user.username != 'email_verified'"}])
            }
            3 => {
                file["jwt"][0]["claimMappings"]["groups"] =
                    json!({"expression": format!("{verified} ? 'a' : 'b'")})
            }
            4 => {
                file["jwt"][0]["claimValidationRules"] =
                    json!([{"expression": "claims['email_verified'] == true"}])
            }
            _ => {}
        }
    }),
];

fn mapping(place: &mut Value, random: &mut Random) {
    let mapped = mapped(random);
    *place = random.take(vec![
        json!({"claim": "sub", "prefix": ""}),
        json!({"claim": "sub", "prefix": "x:"}),
        json!({"claim": "sub"}),
        json!({"expression": "claims.sub"}),
        json!({"expression": "claims.sub", "prefix": "x"}),
        json!({"expression": "claims.sub", "prefix": ""}),
        json!({"claim": "sub", "expression": "claims.sub"}),
        json!({}),
        json!({"prefix": "x"}),
        json!(null),
        json!({"claim": "", "prefix": ""}),
        json!({"expression": ""}),
        json!({"claim": "sub", "prefix": null}),
        json!({"claim": 5, "prefix": ""}),
        json!({"expression": mapped}),
    ]);
}

fn mapped(random: &mut Random) -> String {
    EXPRESSIONS.any(random, "claims mapping")
}
