//! What kube-apiserver 1.36 accepts and refuses. The messages are those that its own code gave for the same files.

use serde_json::{Value, json};

use super::*;
use crate::algorithm::Algorithm;
use crate::issuer::{ExtraMapping, Mapping, PrefixedClaim};

mod decoding;

/// The smallest file with an issuer, and the `changes` to it: JSON pointers with the value to set there.
fn file(changes: &Value) -> Value {
    let mut file = json!({
        "apiVersion": "apiserver.config.k8s.io/v1",
        "kind": "AuthenticationConfiguration",
        "jwt": [{
            "issuer": {"url": "https://issuer", "audiences": ["kubernetes"]},
            "claimMappings": {"username": {"claim": "sub", "prefix": ""}}
        }]
    });
    for (pointer, value) in changes.as_object().unwrap() {
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        match file.pointer_mut(parent).unwrap() {
            Value::Array(elements) => elements.push(value.clone()),
            object => object[name] = value.clone(),
        }
    }
    file
}

/// A second issuer.
fn other(issuer: Value) -> Value {
    json!({"issuer": issuer, "claimMappings": {"username": {"claim": "sub", "prefix": ""}}})
}

fn load(changes: &Value) -> Result<AuthenticationConfiguration, ConfigError> {
    AuthenticationConfiguration::load(file(changes).to_string().as_bytes(), &ServiceAccountIssuers::default())
}

#[track_caller]
fn refused(rows: &[(Value, &str)]) {
    for (changes, message) in rows {
        assert_eq!(load(changes).map_err(|error| error.to_string()), Err((*message).to_owned()), "{changes}");
    }
}

#[test]
fn what_kube_apiserver_accepts_is_accepted() {
    for changes in [
        json!({}),
        json!({"/jwt/0/issuer/url": "HTTPS://issuer"}),
        json!({"/jwt/0/issuer/url": "https://issuer/?"}),
        json!({"/jwt/0/issuer/url": "https://issuer/#"}),
        json!({"/jwt/0/issuer/url": "https:///"}),
        json!({"/jwt/0/issuer/url": "https:issuer"}),
        json!({"/jwt/0/issuer/discoveryURL": ""}),
        json!({"/jwt/0/issuer/discoveryURL": null}),
        json!({"/jwt/0/issuer/discoveryURL": "https://issuer/x"}),
        json!({"/jwt/0/issuer/audienceMatchPolicy": "MatchAny"}),
        json!({"/jwt/0/issuer/audiences": ["a", "b"], "/jwt/0/issuer/audienceMatchPolicy": "MatchAny"}),
        json!({"/jwt/0/claimMappings/groups": {"prefix": "p"}}),
        json!({"/jwt/0/claimMappings/groups": {}}),
        json!({"/jwt/0/claimMappings/uid": {}}),
        json!({"/jwt/0/claimMappings/uid": {"claim": "sub"}}),
        json!({"/jwt/0/claimMappings/username": {"claim": "sub", "prefix": " "}}),
        json!({"/jwt/0/claimValidationRules": [{"claim": "hd"}]}),
        json!({"/jwt/0/claimValidationRules": null}),
        json!({"/jwt/0/userValidationRules": []}),
        json!({"/jwt": []}),
        json!({"/jwt": null}),
        json!({"/anonymous": null}),
        json!({"/anonymous": {}}),
        json!({"/anonymous": {"enabled": true}}),
        json!({"/anonymous": {"enabled": true, "conditions": [{"path": "x"}, {"path": "x"}, null]}}),
        json!({"/jwt/1": other(json!({"url": "https://other", "audiences": ["kubernetes"]}))}),
        json!({"/apiVersion": "apiserver.config.k8s.io/v1beta1"}),
        json!({"/apiVersion": "apiserver.config.k8s.io/v1alpha1"}),
    ] {
        assert_eq!(load(&changes).map(drop), Ok(()), "{changes}");
    }
}

#[test]
fn every_field_ends_where_it_belongs() {
    let pem = "-----BEGIN CERTIFICATE-----\nMAMCAQE=\n-----END CERTIFICATE-----\n";
    let configuration = load(&json!({
        "/jwt/0/issuer": {
            "url": "https://issuer/",
            "discoveryURL": "https://discovery/document",
            "certificateAuthority": pem,
            "audiences": ["a", "b"],
            "audienceMatchPolicy": "MatchAny",
        },
        "/jwt/0/claimValidationRules": [{"claim": "hd", "requiredValue": "example.com"}, {"claim": "empty"}],
        "/jwt/0/claimMappings": {
            "username": {"claim": "email", "prefix": "oidc:"},
            "groups": {"claim": "groups", "prefix": ""},
            "uid": {"claim": "sub"},
        },
        "/anonymous": {"enabled": true, "conditions": [{"path": "/livez"}, {"path": "/readyz"}]},
    }));
    let required = |claim: &str, value: &str| RequiredClaim {
        claim: claim.to_owned(),
        required_value: value.to_owned(),
    };
    let prefixed =
        |claim: &str, prefix: &str| PrefixedClaim { claim: claim.to_owned(), prefix: prefix.to_owned() };
    let expected = AuthenticationConfiguration {
        jwt: vec![JwtAuthenticator {
            url: "https://issuer/".to_owned(),
            discovery_url: Some("https://discovery/document".to_owned()),
            certificate_authority: Some(pem.to_owned()),
            audiences: vec!["a".to_owned(), "b".to_owned()],
            algorithms: Algorithm::ALL.into_iter().collect(),
            claim_mappings: ClaimMappings {
                username: prefixed("email", "oidc:").into(),
                groups: Some(prefixed("groups", "").into()),
                uid: Some(Mapping::Claim("sub".to_owned())),
                extra: Vec::new(),
            },
            required_claims: vec![required("hd", "example.com"), required("empty", "")],
            claim_validation_rules: Vec::new(),
            user_validation_rules: Vec::new(),
        }],
        anonymous: Some(AnonymousAuth {
            enabled: true,
            conditions: Some(vec!["/livez".to_owned(), "/readyz".to_owned()]),
        }),
    };
    assert_eq!(configuration, Ok(expected));
}

#[test]
fn unset_fields_are_none() {
    let configuration = load(&json!({"/jwt/0/claimMappings/groups": {"prefix": "p"}})).unwrap();
    let jwt = &configuration.jwt[0];
    assert_eq!((&jwt.discovery_url, &jwt.certificate_authority), (&None, &None));
    assert_eq!((&jwt.claim_mappings.groups, &jwt.claim_mappings.uid), (&None, &None));
    assert_eq!((&jwt.required_claims, &configuration.anonymous), (&vec![], &None));
}

#[test]
fn the_document_is_at_the_well_known_place_or_where_the_file_says() {
    for (changes, expected) in [
        (json!({}), "https://issuer/.well-known/openid-configuration"),
        (json!({"/jwt/0/issuer/url": "https://issuer/"}), "https://issuer/.well-known/openid-configuration"),
        (json!({"/jwt/0/issuer/url": "https://a/b//"}), "https://a/b//.well-known/openid-configuration"),
        (json!({"/jwt/0/issuer/discoveryURL": "https://d/x"}), "https://d/x"),
    ] {
        assert_eq!(load(&changes).unwrap().jwt[0].document_url(), expected);
    }
}

#[test]
fn rules_of_the_issuer() {
    refused(&[
        (json!({"/jwt/0/issuer/url": ""}), "jwt[0].issuer.url: Required value"),
        (json!({"/jwt/0/issuer/url": null}), "jwt[0].issuer.url: Required value"),
        (
            json!({"/jwt/0/issuer/url": "http://issuer"}),
            "jwt[0].issuer.url: Invalid value: \"http://issuer\": URL scheme must be https",
        ),
        (
            json!({"/jwt/0/issuer/url": "issuer"}),
            "jwt[0].issuer.url: Invalid value: \"issuer\": URL scheme must be https",
        ),
        (
            json!({"/jwt/0/issuer/url": "https://user:pw@issuer"}),
            "jwt[0].issuer.url: Invalid value: \"https://user:pw@issuer\": URL must not contain a \
             username or password",
        ),
        (
            json!({"/jwt/0/issuer/url": "https://issuer?x=1"}),
            "jwt[0].issuer.url: Invalid value: \"https://issuer?x=1\": URL must not contain a query",
        ),
        (
            json!({"/jwt/0/issuer/url": "https://issuer#x"}),
            "jwt[0].issuer.url: Invalid value: \"https://issuer#x\": URL must not contain a fragment",
        ),
        (
            json!({"/jwt/0/issuer/url": "http://user@issuer?x#y"}),
            "[jwt[0].issuer.url: Invalid value: \"http://user@issuer?x#y\": URL scheme must be https, \
             jwt[0].issuer.url: Invalid value: \"http://user@issuer?x#y\": URL must not contain a \
             username or password, jwt[0].issuer.url: Invalid value: \"http://user@issuer?x#y\": URL must \
             not contain a query, jwt[0].issuer.url: Invalid value: \"http://user@issuer?x#y\": URL must \
             not contain a fragment]",
        ),
        (
            json!({"/jwt/0/issuer/url": "https://h:invalid-port"}),
            "jwt[0].issuer.url: Invalid value: \"https://h:invalid-port\": parse \
             \"https://h:invalid-port\": invalid port \":invalid-port\" after host",
        ),
        (
            json!({"/jwt/0/issuer/url": "https://issuer/%zz"}),
            "jwt[0].issuer.url: Invalid value: \"https://issuer/%zz\": parse \"https://issuer/%zz\": \
             invalid URL escape \"%zz\"",
        ),
        (
            json!({"/jwt/0/issuer/url": "https://a\nb"}),
            "jwt[0].issuer.url: Invalid value: \"https://a\\nb\": parse \"https://a\\nb\": net/url: \
             invalid control character in URL",
        ),
        (
            json!({"/jwt/0/issuer/url": " https://issuer"}),
            "jwt[0].issuer.url: Invalid value: \" https://issuer\": parse \" https://issuer\": first path \
             segment in URL cannot contain colon",
        ),
        (
            json!({"/jwt/0/issuer/discoveryURL": "https://issuer"}),
            "jwt[0].issuer.discoveryURL: Invalid value: \"https://issuer\": discoveryURL must be \
             different from URL",
        ),
        (
            json!({"/jwt/0/issuer/discoveryURL": "https://issuer//"}),
            "jwt[0].issuer.discoveryURL: Invalid value: \"https://issuer//\": discoveryURL must be \
             different from URL",
        ),
        (
            json!({"/jwt/0/issuer/discoveryURL": "http://discovery"}),
            "jwt[0].issuer.discoveryURL: Invalid value: \"http://discovery\": URL scheme must be https",
        ),
        (
            json!({"/jwt/0/issuer/discoveryURL": "https://u@discovery?q#f"}),
            "[jwt[0].issuer.discoveryURL: Invalid value: \"https://u@discovery?q#f\": URL must not \
             contain a username or password, jwt[0].issuer.discoveryURL: Invalid value: \
             \"https://u@discovery?q#f\": URL must not contain a query, jwt[0].issuer.discoveryURL: \
             Invalid value: \"https://u@discovery?q#f\": URL must not contain a fragment]",
        ),
        (
            json!({"/jwt/0/issuer/discoveryURL": "://"}),
            "jwt[0].issuer.discoveryURL: Invalid value: \"://\": parse \"://\": missing protocol scheme",
        ),
        (
            json!({"/jwt/0/issuer/url": "", "/jwt/0/issuer/discoveryURL": "https://discovery?"}),
            "jwt[0].issuer.url: Required value",
        ),
        (
            json!({"/jwt/0/issuer/audiences": []}),
            "jwt[0].issuer.audiences: Required value: at least one jwt[0].issuer.audiences is required",
        ),
        (
            json!({"/jwt/0/issuer/audiences": null, "/jwt/0/issuer/audienceMatchPolicy": "x"}),
            "jwt[0].issuer.audiences: Required value: at least one jwt[0].issuer.audiences is required",
        ),
        (json!({"/jwt/0/issuer/audiences": [""]}), "jwt[0].issuer.audiences[0]: Required value"),
        (
            json!({"/jwt/0/issuer/audiences": ["a", "b"]}),
            "jwt[0].issuer.audienceMatchPolicy: Invalid value: \"\": audienceMatchPolicy must be MatchAny \
             for multiple audiences",
        ),
        (
            json!({"/jwt/0/issuer/audiences": ["a", "b"], "/jwt/0/issuer/audienceMatchPolicy": "MatchAll"}),
            "jwt[0].issuer.audienceMatchPolicy: Invalid value: \"MatchAll\": audienceMatchPolicy must be \
             MatchAny for multiple audiences",
        ),
        (
            json!({"/jwt/0/issuer/audiences": ["a", ""], "/jwt/0/issuer/audienceMatchPolicy": "MatchAny"}),
            "jwt[0].issuer.audiences[1]: Required value",
        ),
        (
            json!({"/jwt/0/issuer/audienceMatchPolicy": "matchAny"}),
            "jwt[0].issuer.audienceMatchPolicy: Invalid value: \"matchAny\": audienceMatchPolicy must be \
             empty or MatchAny for single audience",
        ),
        (
            json!({"/jwt/0/issuer/audienceMatchPolicy": "<"}),
            "jwt[0].issuer.audienceMatchPolicy: Invalid value: \"\\u003c\": audienceMatchPolicy must be \
             empty or MatchAny for single audience",
        ),
        (
            json!({"/jwt/0/issuer/audiences": ["a", "b", "a"], "/jwt/0/issuer/audienceMatchPolicy": "MatchAny"}),
            "jwt[0].issuer.audiences[2]: Duplicate value: \"a\"",
        ),
        (
            json!({"/jwt/0/issuer/certificateAuthority": "no certificate"}),
            "jwt[0].issuer.certificateAuthority: Invalid value: \"<omitted>\": data does not contain any \
             valid RSA or ECDSA certificates",
        ),
        (
            json!({"/jwt/0/issuer/certificateAuthority": "-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n"}),
            "jwt[0].issuer.certificateAuthority: Invalid value: \"<omitted>\": data does not contain any \
             valid RSA or ECDSA certificates",
        ),
        (
            json!({"/jwt/0/issuer/certificateAuthority": "-----BEGIN CERTIFICATE-----\nBAA=\n-----END CERTIFICATE-----\n"}),
            "jwt[0].issuer.certificateAuthority: Invalid value: \"<omitted>\": x509: malformed \
             certificate",
        ),
        (
            json!({"/jwt/0/issuer/egressSelectorType": "etcd"}),
            "jwt[0].issuer.egressSelectorType: Invalid value: \"etcd\": egress selector must be either \
             controlplane or cluster",
        ),
    ]);
}

#[test]
fn rules_of_claim_validation_rules() {
    refused(&[
        (
            json!({"/jwt/0/claimValidationRules": [null]}),
            "jwt[0].claimValidationRules[0]: Required value: claim or expression is required",
        ),
        (
            json!({"/jwt/0/claimValidationRules": [{"claim": "hd", "expression": "true"}]}),
            "jwt[0].claimValidationRules[0]: Invalid value: \"hd\": claim and expression can't both be \
             set",
        ),
        (
            json!({"/jwt/0/claimValidationRules": [{}]}),
            "jwt[0].claimValidationRules[0]: Required value: claim or expression is required",
        ),
        (
            json!({"/jwt/0/claimValidationRules": [{"message": "m"}]}),
            "jwt[0].claimValidationRules[0]: Required value: claim or expression is required",
        ),
        (
            json!({"/jwt/0/claimValidationRules": [{"claim": "hd", "message": "m"}]}),
            "jwt[0].claimValidationRules[0].message: Invalid value: \"m\": may not be specified when \
             claim is set",
        ),
        (
            json!({"/jwt/0/claimValidationRules": [{"claim": "hd"}, {"claim": "hd", "requiredValue": "x"}]}),
            "jwt[0].claimValidationRules[1].claim: Duplicate value: \"hd\"",
        ),
        (
            json!({"/jwt/0/claimValidationRules": [{"claim": "hd", "requiredValue": "x", "expression": "true", "message": "m"}]}),
            "jwt[0].claimValidationRules[0]: Invalid value: \"hd\": claim and expression can't both be \
             set",
        ),
    ]);
}

#[test]
fn rules_of_claim_mappings() {
    refused(&[
        (
            json!({"/jwt/0/claimMappings/username": null}),
            "jwt[0].claimMappings.username: Required value: claim or expression is required",
        ),
        (
            json!({"/jwt/0/claimMappings/username": {}}),
            "jwt[0].claimMappings.username: Required value: claim or expression is required",
        ),
        (
            json!({"/jwt/0/claimMappings/username": {"prefix": ""}}),
            "jwt[0].claimMappings.username: Required value: claim or expression is required",
        ),
        (
            json!({"/jwt/0/claimMappings/username": {"claim": "sub"}}),
            "jwt[0].claimMappings.username.prefix: Required value: prefix is required when claim is set. \
             It can be set to an empty string to disable prefixing",
        ),
        (
            json!({"/jwt/0/claimMappings/username": {"claim": "sub", "prefix": null}}),
            "jwt[0].claimMappings.username.prefix: Required value: prefix is required when claim is set. \
             It can be set to an empty string to disable prefixing",
        ),
        (
            json!({"/jwt/0/claimMappings/username": {"claim": "sub", "expression": "claims.sub"}}),
            "jwt[0].claimMappings.username: Invalid value: \"\": claim and expression can't both be set",
        ),
        (
            json!({"/jwt/0/claimMappings/username": {"claim": "sub", "prefix": "p", "expression": "claims.sub"}}),
            "jwt[0].claimMappings.username: Invalid value: \"\": claim and expression can't both be set",
        ),
        (
            json!({"/jwt/0/claimMappings/groups": {"claim": "groups"}}),
            "jwt[0].claimMappings.groups.prefix: Required value: prefix is required when claim is set. It \
             can be set to an empty string to disable prefixing",
        ),
        (
            json!({"/jwt/0/claimMappings/groups": {"claim": "groups", "prefix": "", "expression": "claims.groups"}}),
            "jwt[0].claimMappings.groups: Invalid value: \"\": claim and expression can't both be set",
        ),
        (
            json!({"/jwt/0/claimMappings/uid": {"claim": "sub", "expression": "claims.sub"}}),
            "jwt[0].claimMappings.uid: Invalid value: \"\": claim and expression can't both be set",
        ),
    ]);
}

#[test]
fn rules_of_the_file() {
    refused(&[
        (
            json!({"/jwt/0/userValidationRules": [{}]}),
            "jwt[0].userValidationRules[0].expression: Required value",
        ),
        (
            json!({"/jwt/0/userValidationRules": [{"message": "m"}]}),
            "jwt[0].userValidationRules[0].expression: Required value",
        ),
        (
            json!({"/jwt/1": other(json!({"url": "https://issuer", "audiences": ["kubernetes"]}))}),
            "jwt[1].issuer.url: Duplicate value: \"https://issuer\"",
        ),
        (
            json!({"/jwt/0/issuer/discoveryURL": "https://d", "/jwt/1": other(json!({"url": "https://other", "audiences": ["kubernetes"], "discoveryURL": "https://d"}))}),
            "jwt[1].issuer.discoveryURL: Duplicate value: \"https://d\"",
        ),
        (
            json!({"/jwt/1": other(json!({"url": "", "audiences": ["kubernetes"]})), "/jwt/2": other(json!({"url": "", "audiences": ["kubernetes"]}))}),
            "[jwt[1].issuer.url: Required value, jwt[2].issuer.url: Required value, jwt[2].issuer.url: \
             Duplicate value: \"\"]",
        ),
        (
            json!({"/jwt": [null, null]}),
            "[jwt[0].issuer.url: Required value, jwt[0].issuer.audiences: Required value: at least one \
             jwt[0].issuer.audiences is required, jwt[0].claimMappings.username: Required value: claim or \
             expression is required, jwt[1].issuer.url: Required value, jwt[1].issuer.audiences: Required \
             value: at least one jwt[1].issuer.audiences is required, jwt[1].claimMappings.username: \
             Required value: claim or expression is required, jwt[1].issuer.url: Duplicate value: \"\"]",
        ),
        (
            json!({"/anonymous": {"enabled": false, "conditions": [{"path": "/livez"}, {"path": "/<"}]}}),
            "anonymous.conditions: Invalid value: [{\"Path\":\"/livez\"},{\"Path\":\"/\\u003c\"}]: \
             enabled should be set to true when conditions are defined",
        ),
        (
            json!({"/anonymous": {"conditions": [{}]}}),
            "anonymous.conditions: Invalid value: [{\"Path\":\"\"}]: enabled should be set to true when \
             conditions are defined",
        ),
        (
            json!({"/anonymous": {"conditions": [{}]}, "/jwt": [{}]}),
            "[jwt[0].issuer.url: Required value, jwt[0].issuer.audiences: Required value: at least one \
             jwt[0].issuer.audiences is required, jwt[0].claimMappings.username: Required value: claim or \
             expression is required, anonymous.conditions: Invalid value: [{\"Path\":\"\"}]: enabled \
             should be set to true when conditions are defined]",
        ),
    ]);
}

#[test]
fn an_issuer_of_the_api_servers_own_is_refused() {
    let own = ["https://b", "https://a"].map(str::to_owned);
    let own = ServiceAccountIssuers::new(own).unwrap();
    let overlap = |path: &str, url: &str| {
        let detail = "URL must not overlap with disallowed issuers: [https://a https://b]";
        format!("{path}: Invalid value: \"{url}\": {detail}")
    };
    let egress = "oidc: egress lookup required with egress selector type \"cluster\"".to_owned();
    let second = other(json!({"url": "https://b", "audiences": ["k"]}));
    for (changes, at_first, when_changed) in [
        (json!({"/jwt/0/issuer/url": "https://c"}), Ok(()), Ok(())),
        (json!({"/jwt/0/issuer/url": "https://a/"}), Ok(()), Ok(())),
        (
            json!({"/jwt/0/issuer/url": "https://c", "/jwt/0/issuer/discoveryURL": "https://a"}),
            Ok(()),
            Ok(()),
        ),
        (
            json!({"/jwt/0/issuer/url": "https://a"}),
            Err(overlap("issuer.url", "https://a")),
            Err(overlap("jwt[0].issuer.url", "https://a")),
        ),
        // Only the first authenticator that can't be built is named, and none while the file breaks rules.
        (
            json!({"/jwt/0/issuer/url": "https://a", "/jwt/-": second.clone()}),
            Err(overlap("issuer.url", "https://a")),
            Err(format!(
                "[{}, {}]",
                overlap("jwt[0].issuer.url", "https://a"),
                overlap("jwt[1].issuer.url", "https://b")
            )),
        ),
        (
            json!({"/jwt/0/issuer/egressSelectorType": "cluster", "/jwt/-": second}),
            Err(egress),
            Err(overlap("jwt[1].issuer.url", "https://b")),
        ),
        (
            json!({"/jwt/0/issuer/url": "https://a", "/jwt/0/issuer/audiences": [""]}),
            Err("jwt[0].issuer.audiences[0]: Required value".to_owned()),
            Err(format!(
                "[{}, jwt[0].issuer.audiences[0]: Required value]",
                overlap("jwt[0].issuer.url", "https://a")
            )),
        ),
    ] {
        let bytes = file(&changes).to_string().into_bytes();
        let said = |loaded: Result<AuthenticationConfiguration, ConfigError>| {
            loaded.map(drop).map_err(|error| error.to_string())
        };
        assert_eq!(said(AuthenticationConfiguration::load(&bytes, &own)), at_first, "{changes}");
        let changed = AuthenticationConfiguration::load_changed(&bytes, &own, None);
        assert_eq!(said(changed), when_changed, "{changes}");
    }
    let flags = OidcFlags {
        issuer_url: "https://a".to_owned(),
        client_id: "k".to_owned(),
        signing_algs: vec!["none".to_owned()],
        service_account_issuers: own,
        ..OidcFlags::default()
    };
    assert_eq!(flags.into_configuration().unwrap_err().to_string(), overlap("issuer.url", "https://a"));
}

#[test]
fn who_may_come_without_a_token_is_settled_by_the_first_file() {
    const CHANGED: &str = "anonymous: Forbidden: changed from initial configuration file";
    let load = |initial: &Value, changes: &Value| {
        let initial = load(initial).unwrap().anonymous;
        let (bytes, own) = (file(changes).to_string().into_bytes(), ServiceAccountIssuers::default());
        AuthenticationConfiguration::load_changed(&bytes, &own, initial.as_ref())
            .map_err(|error| error.to_string())
    };
    let [none, off, on] = [json!({}), json!({"/anonymous": {}}), json!({"/anonymous": {"enabled": true}})];
    let some = json!({"/anonymous": {"enabled": true, "conditions": [{"path": "/livez"}]}});
    let empty = json!({"/anonymous": {"enabled": true, "conditions": []}});
    let rows = [&none, &off, &on, &some, &empty];
    for (first, initial) in rows.iter().enumerate() {
        for (second, changes) in rows.iter().enumerate() {
            let expected = if first == second { Ok(()) } else { Err(CHANGED.to_owned()) };
            assert_eq!(load(initial, changes).map(drop), expected, "{initial} {changes}");
        }
    }
    assert_eq!(
        load(&none, &json!({"/anonymous": {}, "/jwt/0/issuer/audiences": []})),
        Err(format!(
            "[jwt[0].issuer.audiences: Required value: at least one jwt[0].issuer.audiences is required, {CHANGED}]"
        ))
    );
}

/// The key's errors, which come before that of the missing expression.
#[test]
fn rules_of_extra_keys() {
    let path = "jwt[0].claimMappings.extra[0]";
    let subdomain = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', \
        and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is \
        '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
    let prefixed = "must be a domain-prefixed path (such as \"acme.io/foo\")";
    let http_path = "Invalid path (regex used for validation is '[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+')";
    let reserved = "k8s.io, kubernetes.io and their subdomains are reserved for Kubernetes use";
    let lower = "must be lowercase";
    let (long, longest) = ("a".repeat(254), "a".repeat(253));
    let (long_key, longest_key) = (format!("{long}/b"), format!("{longest}/b"));
    for (key, problems) in [
        ("acme.io/foo", &[][..]),
        ("acme/-._~%!$&'()*+,;=:/", &[]),
        (&longest_key, &[]),
        ("xk8s.io/a", &[]),
        ("k8s.io.x/a", &[]),
        ("foo", &[("foo", prefixed)]),
        ("/foo", &[("/foo", prefixed)]),
        ("a.io/", &[("a.io/", prefixed)]),
        ("FOO", &[("FOO", prefixed), ("FOO", lower)]),
        ("A.io/foo", &[("A.io", subdomain), ("A.io/foo", lower)]),
        ("a_b.io/foo", &[("a_b.io", subdomain)]),
        ("-a.io/foo", &[("-a.io", subdomain)]),
        ("a-/foo", &[("a-", subdomain)]),
        ("a..io/foo", &[("a..io", subdomain)]),
        ("a.io./foo", &[("a.io.", subdomain)]),
        (&long_key, &[(&long, "must be no more than 253 characters")]),
        ("a.io/Foo", &[("a.io/Foo", lower)]),
        ("a.io/f o", &[("f o", http_path)]),
        ("a.io/f/é", &[("f/é", http_path)]),
        ("k8s.io/a", &[("k8s.io/a", reserved)]),
        ("x.k8s.io/a", &[("x.k8s.io/a", reserved)]),
        ("kubernetes.io/a", &[("kubernetes.io/a", reserved)]),
        ("x.y.kubernetes.io/a", &[("x.y.kubernetes.io/a", reserved)]),
        (".k8s.io/a", &[(".k8s.io", subdomain), (".k8s.io/a", reserved)]),
    ] {
        let missing = format!("{path}.valueExpression: Required value");
        let mut errors: Vec<String> = problems
            .iter()
            .map(|(value, detail)| format!("{path}.key: Invalid value: \"{value}\": {detail}"))
            .chain([missing])
            .collect();
        let message = if errors.len() == 1 { errors.remove(0) } else { format!("[{}]", errors.join(", ")) };
        refused(&[(json!({"/jwt/0/claimMappings/extra": [{"key": key}]}), &message)]);
    }
    refused(&[
        (
            json!({"/jwt/0/claimMappings/extra": [{}]}),
            "[jwt[0].claimMappings.extra[0].key: Required value, \
             jwt[0].claimMappings.extra[0].valueExpression: Required value]",
        ),
        (
            json!({"/jwt/0/claimMappings/extra": [{"key": "a.io/b"}, {"key": "a.io/b"}]}),
            "[jwt[0].claimMappings.extra[0].valueExpression: Required value, \
             jwt[0].claimMappings.extra[1].key: Duplicate value: \"a.io/b\"]",
        ),
    ]);
}

#[test]
fn expressions_are_taken_over() {
    let expression = |text: &str| Some(Mapping::Expression(text.to_owned()));
    let rule = |expression: &str, message: &str| ValidationRule {
        expression: expression.to_owned(),
        message: message.to_owned(),
    };
    let configuration = load(&json!({
        "/jwt/0/claimMappings/username": {"expression": "claims.sub"},
        "/jwt/0/claimMappings/groups": {"expression": "claims.g"},
        "/jwt/0/claimMappings/uid": {"expression": "claims.id"},
        "/jwt/0/claimMappings/extra": [{"key": "a.io/b", "valueExpression": "claims.b"}],
        "/jwt/0/claimValidationRules": [
            {"claim": "hd", "requiredValue": "x"},
            {"expression": "true", "message": "never said"},
        ],
        "/jwt/0/userValidationRules": [{"expression": "user.uid != ''"}],
    }));
    let jwt = configuration.unwrap().jwt.remove(0);
    let extra = ExtraMapping { key: "a.io/b".to_owned(), value_expression: "claims.b".to_owned() };
    let expected = ClaimMappings {
        username: Mapping::Expression("claims.sub".to_owned()),
        groups: expression("claims.g"),
        uid: Some(Mapping::Expression("claims.id".to_owned())),
        extra: vec![extra],
    };
    assert_eq!(jwt.claim_mappings, expected);
    assert_eq!(
        jwt.required_claims,
        [RequiredClaim { claim: "hd".to_owned(), required_value: "x".to_owned() }]
    );
    assert_eq!(jwt.claim_validation_rules, [rule("true", "never said")]);
    assert_eq!(jwt.user_validation_rules, [rule("user.uid != ''", "")]);
}

/// The one place where a good file is refused: kube-apiserver takes it, and it can't be the same here.
#[test]
fn expressions_that_are_not_supported_are_refused_where_they_stand() {
    refused(&[
        (
            json!({"/jwt/0/claimMappings/uid": {"expression": "string(timestamp(0).getHours('Asia/Tokyo'))"}}),
            "jwt[0].claimMappings.uid.expression: Forbidden: not supported: ERROR: <input>:1:30: timezones by name are not \
             supported\n | string(timestamp(0).getHours('Asia/Tokyo'))\n | .............................^",
        ),
        (
            json!({"/jwt/0/claimMappings/uid": {"expression": "google.protobuf.StringValue{value: 'x'}"}}),
            "jwt[0].claimMappings.uid.expression: Forbidden: not supported: messages ('google.protobuf.StringValue') are \
             not supported",
        ),
        (
            json!({"/jwt/0/claimMappings/uid": {"expression": "google.protobuf.Empty"}}),
            "jwt[0].claimMappings.uid.expression: Forbidden: not supported: the name 'google' is not supported",
        ),
    ]);
}

/// With kube-apiserver's messages. What is only not supported goes unsaid beside them.
#[test]
fn bad_expressions_are_refused_as_by_kubernetes() {
    const PREFIX: &str = "may not be specified when expression is set";
    let email_rule = "claims.email_verified must be used in claimMappings.username.expression or \
         claimMappings.extra[*].valueExpression or claimValidationRules[*].expression when claims.email is used in \
         claimMappings.username.expression";
    let email_refused =
        format!("jwt[0].claimMappings.username.expression: Invalid value: \"claims.email\": {email_rule}");
    refused(&[
        (
            json!({"/jwt/0/claimMappings/username": {"expression": "claims.sub", "prefix": ""}}),
            &format!("jwt[0].claimMappings.username.prefix: Invalid value: \"\": {PREFIX}"),
        ),
        (
            json!({"/jwt/0/claimMappings/groups": {"expression": "claims.", "prefix": "p"}}),
            &format!(
                "[jwt[0].claimMappings.groups.prefix: Invalid value: \"p\": {PREFIX}, \
                 jwt[0].claimMappings.groups.expression: Invalid value: \"claims.\": compilation failed: \
                 ERROR: <input>:1:8: Syntax error: no viable alternative at input '.'\n | claims.\n | .......^]"
            ),
        ),
        (
            json!({"/jwt/0/claimMappings/uid": {"expression": "user.uid"}}),
            "jwt[0].claimMappings.uid.expression: Invalid value: \"user.uid\": compilation failed: \
             ERROR: <input>:1:1: undeclared reference to 'user' (in container '')\n | user.uid\n | ^",
        ),
        (
            json!({"/jwt/0/claimMappings/uid": {"expression": "string(int('x'))"}}),
            "jwt[0].claimMappings.uid.expression: Internal error: program instantiation failed: \
             type conversion error from 'string' to 'int'",
        ),
        (
            json!({"/jwt/0/claimMappings/extra": [
                {"key": "a.io/b", "valueExpression": "[1, 'a']"},
                {"key": "a.io/c", "valueExpression": "claims.c"},
            ]}),
            "jwt[0].claimMappings.extra[0].valueExpression: Invalid value: \"[1, 'a']\": compilation failed: \
             ERROR: <input>:1:5: expected type 'int' but found 'string'\n | [1, 'a']\n | ....^",
        ),
        (
            json!({"/jwt/0/claimValidationRules": [{"expression": "claims.?x.orValue(true)"}]}),
            "jwt[0].claimValidationRules[0].expression: Invalid value: \"claims.?x.orValue(true)\": \
             must evaluate to bool",
        ),
        (
            json!({"/jwt/0/claimValidationRules": [{"expression": "true", "requiredValue": "x"}]}),
            &format!("jwt[0].claimValidationRules[0].requiredValue: Invalid value: \"x\": {PREFIX}"),
        ),
        (
            json!({"/jwt/0/claimValidationRules": [{"expression": "true"}, {"expression": "true"}]}),
            "jwt[0].claimValidationRules[1].expression: Duplicate value: \"true\"",
        ),
        (
            json!({"/jwt/0/userValidationRules": [{"expression": "user.nobody == ''"}]}),
            "jwt[0].userValidationRules[0].expression: Invalid value: \"user.nobody == ''\": compilation failed: \
             ERROR: <input>:1:5: undefined field 'nobody'\n | user.nobody == ''\n | ....^",
        ),
        (
            json!({"/jwt/0/userValidationRules": [{"expression": "true"}, {"expression": "true"}]}),
            "jwt[0].userValidationRules[1].expression: Duplicate value: \"true\"",
        ),
        (json!({"/jwt/0/claimMappings/username": {"expression": "claims.email"}}), &email_refused),
        (
            json!({
                "/jwt/0/claimMappings/username": {"expression": "claims.email"},
                // Neither of these counts.
                "/jwt/0/claimMappings/groups": {"expression": "string(claims.email_verified)"},
                "/jwt/0/claimValidationRules": [{"expression": "claims['email_verified'] == true"}],
            }),
            &email_refused,
        ),
    ]);
    for (place, value) in [
        (
            "/jwt/0/claimValidationRules",
            json!([{"expression": "claims.?email_verified.orValue(true) == true"}]),
        ),
        (
            "/jwt/0/claimMappings/extra",
            json!([{"key": "a.io/b", "valueExpression": "string(claims.email_verified)"}]),
        ),
    ] {
        let mut changes = json!({"/jwt/0/claimMappings/username": {"expression": "claims.email"}});
        changes[place] = value;
        assert_eq!(load(&changes).map(drop), Ok(()), "{changes}");
    }
}

#[test]
fn there_is_no_egress_configuration() {
    for selector in ["controlplane", "cluster"] {
        let message = format!("oidc: egress lookup required with egress selector type \"{selector}\"");
        refused(&[(json!({"/jwt/0/issuer/egressSelectorType": selector}), &message)]);
    }
}

#[test]
fn there_may_be_64_issuers() {
    let issuers = |count| -> Value {
        let issuer = |number| other(json!({"url": format!("https://{number}"), "audiences": ["a"]}));
        (0..count).map(issuer).collect()
    };
    assert_eq!(load(&json!({"/jwt": issuers(64)})).unwrap().jwt.len(), 64);
    refused(&[
        (json!({"/jwt": issuers(65)}), "jwt: Too many: 65: must have at most 64 items"),
        // Nothing else is looked at then.
        (json!({"/jwt": vec![Value::Null; 66]}), "jwt: Too many: 66: must have at most 64 items"),
    ]);
}
