//! The file as a whole, and values where they do not belong.

use serde_json::{Value, json};

use super::{SERVER, Twist};

pub(super) const TWISTS: &[Twist] = &[
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
                    json!("AuthorizationConfiguration"),
                    json!("TracingConfiguration"),
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
