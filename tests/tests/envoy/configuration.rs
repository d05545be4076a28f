//! The filter's configuration: what is wrong with it stops Envoy, and the log says where it stands.

use serde_json::{Value, json};
use tests::gateway::{Upstream, bootstrap};
use tests::{Ca, Envoy, EnvoyOptions};

#[tokio::test]
async fn a_bad_configuration_stops_envoy_with_the_name_of_the_field() {
    let (directory, ca) = (tempfile::tempdir().expect("a directory"), Ca::new("gateway"));
    let upstream = Upstream { port: 1, ca_pem: ca.pem().to_owned(), name: "localhost".to_owned() };
    let bootstrap = bootstrap(directory.path(), &ca, &directory.path().join("none.sock"), &upstream);
    let last = r#""upstreamClusters": ["kube_apiserver"]"#;
    let with = |members: &Value| {
        let members = members.as_object().expect("an object");
        let more: String = members.iter().map(|(name, value)| format!(", {name:?}: {value}")).collect();
        assert!(bootstrap.contains(last), "the bootstrap has no {last}");
        EnvoyOptions::new(bootstrap.replace(last, &format!("{last}{more}")))
    };
    for (members, words) in [
        (json!({"clientImpersonations": "strip"}), "clientImpersonations: unknown field"),
        (json!({"clientImpersonation": "allow"}), "clientImpersonation: unknown variant `allow`"),
        (json!({"tokenPassthrough": {"audience": []}}), "tokenPassthrough.audience: unknown field"),
        (json!({"records": {"audit": "yes"}}), "records.audit: invalid type"),
        (json!({"extraUserHeaders": {"Stage": ["x"]}}), "must be a key in lower case"),
        (
            json!({"disableImpersonation": true, "clientAddressExtra": "a"}),
            "clientAddressExtra: has no effect",
        ),
    ] {
        let log = Envoy::try_start(with(&members)).await.map(drop).expect_err("Envoy has started");
        assert!(log.contains("plugin configuration: ") && log.contains(words), "{members}: {log}");
    }
    Envoy::start(with(&json!({"clientImpersonation": "strip"}))).await;
}
