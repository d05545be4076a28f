//! Configurations: good ones, and what makes others of them.

use std::sync::LazyLock;

use ::tests::process::repository;
use serde_json::{Value, json};

use crate::entry::Entry;
use crate::random::Random;

/// Where issuers are that nobody has to reach.
const SERVER: &str = "https://127.0.0.1:1";

/// Changes a configuration.
type Apply = fn(&mut Value, &mut Random);

const TWISTS: &[(&str, Apply)] = &[
    ("apiVersion, kind", |file, random| {
        let versions = [
            json!("apiserver.config.k8s.io/v1"),
            json!("apiserver.config.k8s.io/v1beta1"),
            json!("apiserver.config.k8s.io/v1alpha1"),
            json!("apiserver.config.k8s.io/v2"),
            json!("v1"),
            json!(""),
            json!(5),
            json!(null),
        ];
        file["apiVersion"] = random.pick(&versions).clone();
        if random.percent(30) {
            file["kind"] = random
                .pick(&[
                    json!("AuthenticationConfiguration"),
                    json!("authenticationconfiguration"),
                    json!("EncryptionConfiguration"),
                    json!(""),
                ])
                .clone();
        }
    }),
    ("jwt, how many", |file, random| {
        let count = *random.pick(&[0, 1, 2, 64, 65]);
        let first = file["jwt"][0].clone();
        let entries = (0..count).map(|number| {
            let mut entry = first.clone();
            entry["issuer"]["url"] = json!(format!("{SERVER}/{number}"));
            entry["issuer"]["discoveryURL"].take();
            entry
        });
        file["jwt"] = entries.collect();
    }),
    ("jwt, issuer twice", |file, random| {
        let mut entry = file["jwt"][0].clone();
        if random.percent(30) {
            entry["issuer"]["url"] = json!(format!("{SERVER}/other"));
        }
        if random.percent(50) {
            entry["issuer"]["discoveryURL"] = file["jwt"][0]["issuer"]["discoveryURL"].clone();
        }
        if let Some(entries) = file["jwt"].as_array_mut() {
            entries.push(entry);
        }
    }),
    ("issuer.url", |file, random| {
        file["jwt"][0]["issuer"]["url"] = json!(random.pick(URLS));
    }),
    ("issuer.discoveryURL", |file, random| {
        let own = file["jwt"][0]["issuer"]["url"].as_str().unwrap_or_default().to_owned();
        let url = random.pick(URLS).to_string();
        file["jwt"][0]["issuer"]["discoveryURL"] =
            random.take(vec![json!(own), json!(own + "/"), json!(url.clone()), json!(url)]);
    }),
    ("issuer.audiences, audienceMatchPolicy", |file, random| {
        let audiences = [
            json!([]),
            json!(["a"]),
            json!(["a", "b"]),
            json!(["a", ""]),
            json!(["a", "a"]),
            json!([""]),
            json!(null),
            json!("a"),
            json!([5]),
        ];
        let policies = [
            json!("MatchAny"),
            json!(""),
            json!("matchany"),
            json!("MatchAll"),
            json!(null),
            json!("MatchAny"),
        ];
        file["jwt"][0]["issuer"]["audiences"] = random.pick(&audiences).clone();
        file["jwt"][0]["issuer"]["audienceMatchPolicy"] = random.pick(&policies).clone();
    }),
    ("issuer.certificateAuthority", |file, random| {
        let own = file["jwt"][0]["issuer"]["certificateAuthority"].as_str().unwrap_or_default().to_owned();
        let values = [
            json!(own),
            json!(format!("text before\n{own}text after")),
            json!(own.clone() + &own),
            json!(""),
            json!("x"),
            json!(own.replace("CERTIFICATE", "PRIVATE KEY")),
            json!(own.replace("MII", "MIX")),
            json!("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"),
            json!(null),
            json!(5),
        ];
        file["jwt"][0]["issuer"]["certificateAuthority"] = random.pick(&values).clone();
    }),
    ("issuer.egressSelectorType", |file, random| {
        file["jwt"][0]["issuer"]["egressSelectorType"] = random
            .pick(&[json!(""), json!(null), json!("controlplane"), json!("cluster"), json!("x")])
            .clone();
    }),
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
    ("anonymous", |file, random| {
        file["anonymous"] = random.take(vec![
            json!({"enabled": true}),
            json!({"enabled": false}),
            json!({}),
            json!(null),
            json!({"enabled": true, "conditions": [{"path": "/healthz"}]}),
            json!({"enabled": false, "conditions": [{"path": "/healthz"}]}),
            json!({"conditions": [{"path": "/x"}]}),
            json!({"enabled": true, "conditions": [{"path": ""}]}),
            json!({"enabled": "yes"}),
            json!({"enabled": true, "conditions": []}),
            json!({"enabled": true, "condition": []}),
        ]);
    }),
    ("a field that isn't there", |file, random| {
        let pointer = *random.pick(&[
            "",
            "/jwt/0",
            "/jwt/0/issuer",
            "/jwt/0/claimMappings",
            "/jwt/0/claimMappings/username",
        ]);
        let name = *random.pick(&["foo", "Issuer", "metadata", "prefix", "a.b"]);
        let value = random.take(vec![json!(1), json!(null), json!({}), json!("x")]);
        if let Some(place) = file.pointer_mut(pointer).filter(|place| place.is_object()) {
            place[name] = value;
        }
    }),
    ("a value of another type", |file, random| {
        let value = random.take(vec![
            json!(5),
            json!(true),
            json!("x"),
            json!([]),
            json!({}),
            json!(null),
            json!([{}]),
            json!(1.5),
            json!([null]),
        ]);
        let pointers = [
            "/jwt",
            "/jwt/0",
            "/jwt/0/issuer",
            "/jwt/0/issuer/url",
            "/jwt/0/issuer/audiences",
            "/jwt/0/claimMappings",
            "/jwt/0/claimMappings/username",
            "/jwt/0/claimMappings/username/claim",
            "/jwt/0/claimMappings/username/prefix",
            "/jwt/0/claimMappings/groups",
            "/jwt/0/claimValidationRules",
            "/jwt/0/userValidationRules",
            "/jwt/0/claimMappings/extra",
            "/jwt/0/claimMappings/uid",
            "/anonymous",
            "/apiVersion",
        ];
        let (parent, name) = random.pick(&pointers).rsplit_once('/').unwrap_or_default();
        match file.pointer_mut(parent) {
            Some(Value::Object(members)) => _ = members.insert(name.to_owned(), value),
            Some(Value::Array(elements)) if !elements.is_empty() => elements[0] = value,
            _ => {}
        }
    }),
    ("a field that is left out", |file, random| {
        let pointers = [
            "/apiVersion",
            "/kind",
            "/jwt",
            "/jwt/0/issuer",
            "/jwt/0/issuer/url",
            "/jwt/0/issuer/audiences",
            "/jwt/0/claimMappings",
            "/jwt/0/claimMappings/username",
            "/jwt/0/claimMappings/username/prefix",
            "/jwt/0/claimMappings/username/claim",
            "/jwt/0/claimMappings/groups/prefix",
            "/jwt/0/claimMappings/groups/claim",
            "/jwt/0/issuer/certificateAuthority",
        ];
        let (parent, name) = random.pick(&pointers).rsplit_once('/').unwrap_or_default();
        if let Some(Value::Object(members)) = file.pointer_mut(parent) {
            members.remove(name);
        }
    }),
];

const URLS: &[&str] = &[
    "https://127.0.0.1:1/a",
    "https://127.0.0.1:1/a/",
    "HTTPS://127.0.0.1:1/a",
    "http://127.0.0.1:1/a",
    "",
    "127.0.0.1",
    "https://",
    "https://u@127.0.0.1:1",
    "https://u:p@127.0.0.1:1",
    "https://127.0.0.1:1?a",
    "https://127.0.0.1:1?",
    "https://127.0.0.1:1#a",
    "https://127.0.0.1:1#",
    "https://127.0.0.1:x",
    "https://[::1",
    "https:///x",
    "https:127.0.0.1",
    "://x",
    "https://127.0.0.1:1/%zz",
    "https://127.0.0.1:1/%41",
    "https://exa mple",
    "https://\u{e9}.example",
    "https://127.0.0.1:1/\u{7f}",
    "ftp://x",
    "https://127.0.0.1:99999",
    "https://a%20b",
    "//127.0.0.1",
    "https://127.0.0.1:1/a b",
    "https://kubernetes.default.svc",
];

/// What they are about.
pub(super) fn all() -> impl Iterator<Item = &'static str> {
    TWISTS.iter().map(|(about, _)| *about)
}

/// A configuration and what it is about: a good one, with a twist or two in most cases.
pub(super) fn configuration(random: &mut Random) -> (Vec<&'static str>, Value) {
    static CA: LazyLock<String> = LazyLock::new(|| ::tests::Ca::new("issuer CA").pem().to_owned());
    let entry = Entry::new(random.below(100), SERVER, &CA, random);
    let mut file = json!({
        "apiVersion": "apiserver.config.k8s.io/v1", "kind": "AuthenticationConfiguration", "jwt": [entry.configuration],
    });
    let mut about = Vec::new();
    let count = *random.pick(&[0, 1, 1, 1, 1, 1, 1, 2, 2, 3]);
    for _ in 0..count {
        let (what, apply) = random.pick(TWISTS);
        // Where an earlier twist left nothing to change, there is nothing to do.
        if file["jwt"][0]["issuer"].is_object() && file["jwt"][0]["claimMappings"].is_object() {
            apply(&mut file, random);
            about.push(*what);
        }
    }
    (about, file)
}

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

/// The rows of the type checker's tests: `environment purpose > expression`.
struct Expressions(Vec<(String, String)>);

static EXPRESSIONS: LazyLock<Expressions> = LazyLock::new(|| {
    let path = repository().join("cel/src/check/tests/expressions.txt");
    let rows = std::fs::read_to_string(path).expect("the rows of the checker");
    let split = |line: &str| {
        line.split_once(" > ").map(|(place, expression)| (place.to_owned(), expression.to_owned()))
    };
    Expressions(rows.lines().filter_map(split).collect())
});

impl Expressions {
    /// One for this place in most cases, else one for another.
    fn any(&self, random: &mut Random, place: &str) -> String {
        let fits = |(known, _): &&(String, String)| known == place;
        let fitting: Vec<_> = self.0.iter().filter(fits).collect();
        if random.percent(85) && !fitting.is_empty() {
            return random.pick(&fitting).1.clone();
        }
        random.pick(&self.0).1.clone()
    }
}
