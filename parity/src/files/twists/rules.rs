//! Rules about claims and users.

use serde_json::json;

use super::Twist;
use super::expressions::EXPRESSIONS;

pub(super) const TWISTS: &[Twist] = &[
    ("claimValidationRules", |file, random| {
        let rules = (0..=random.below(2)).map(|_| {
            random.take(vec![
                json!({"claim": "hd", "requiredValue": "x"}),
                json!({"claim": "hd"}),
                json!({"claim": "hd", "requiredValue": "x", "message": "m"}),
                json!({}),
                json!({"claim": "a", "expression": "true"}),
                json!({"expression": "claims.a == 'x'", "message": "m"}),
                json!({"expression": "true", "requiredValue": "x"}),
                json!({"expression": "claims.a"}),
                json!({"expression": "'x'"}),
                json!({"expression": "claims.a == 'x'"}),
                json!({"requiredValue": "x"}),
                json!({"message": "x"}),
                json!({"claim": ""}),
            ])
        });
        file["jwt"][0]["claimValidationRules"] = rules.collect();
    }),
    ("claimValidationRules.expression", |file, random| {
        file["jwt"][0]["claimValidationRules"] =
            json!([{"expression": EXPRESSIONS.any(random, "claims rule")}]);
    }),
    ("userValidationRules.expression", |file, random| {
        let more = [
            "",
            "user.username == 'x'",
            "user.name == 'x'",
            "claims.sub == 'x'",
            "user.extra['a'] == ['x']",
            "user.groups",
            "user.username",
            "true",
        ];
        let expression = if random.percent(40) {
            (*random.pick(&more)).to_owned()
        } else {
            EXPRESSIONS.any(random, "user rule")
        };
        file["jwt"][0]["userValidationRules"] =
            json!([{"expression": expression, "message": random.pick(&["", "m"])}]);
        if random.percent(15) {
            let rule = file["jwt"][0]["userValidationRules"][0].clone();
            file["jwt"][0]["userValidationRules"] = json!([rule, rule]);
        }
    }),
];
