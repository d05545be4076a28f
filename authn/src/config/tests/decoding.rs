//! How files are read, before any rule is looked at.

use super::super::*;

const HEAD: &str = "apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\n";
const JWT: &str = "\
jwt:
- issuer: {url: https://a, audiences: [x]}
  claimMappings: {username: {claim: sub, prefix: ''}}
";

fn load(bytes: &[u8]) -> Result<AuthenticationConfiguration, ConfigError> {
    AuthenticationConfiguration::load(bytes, &ServiceAccountIssuers::default())
}

#[track_caller]
fn refused(file: &str, message: &str) {
    let outcome = load(file.as_bytes()).map_err(|error| error.to_string());
    assert_eq!(outcome, Err(message.to_owned()), "{file}");
}

#[track_caller]
fn issuers(file: &str) -> Vec<String> {
    match load(file.as_bytes()) {
        Ok(configuration) => configuration.jwt.into_iter().map(|jwt| jwt.url).collect(),
        Err(error) => panic!("{file}: {error}"),
    }
}

#[test]
fn yaml_and_json_are_read_in_every_version() {
    for version in ["v1", "v1beta1", "v1alpha1"] {
        let head = HEAD.replace("v1", version);
        assert_eq!(issuers(&format!("{head}{JWT}")), ["https://a"]);
        let json = format!(
            "\n {{\"apiVersion\":\"apiserver.config.k8s.io/{version}\",\"kind\":\"AuthenticationConfiguration\"}}\n"
        );
        assert_eq!(issuers(&json), [""; 0]);
    }
}

#[test]
fn the_first_yaml_document_counts() {
    for file in [
        format!("{HEAD}{JWT}---\nfoo: [\n"),
        format!("{HEAD}{JWT}---\n"),
        format!("---\n{HEAD}{JWT}...\nfoo\n"),
        format!("# comment\n---\n{HEAD}{JWT}"),
        format!("\u{feff}{HEAD}{JWT}"),
    ] {
        assert_eq!(issuers(&file), ["https://a"]);
    }
}

#[test]
fn anchors_and_merge_keys_are_followed() {
    let anchored = format!(
        "{HEAD}jwt:
- issuer: {{url: https://a, audiences: &audiences [x]}}
  claimMappings: &mappings {{username: {{claim: sub, prefix: ''}}}}
- issuer: {{url: https://b, audiences: *audiences}}
  claimMappings: *mappings
- issuer: {{url: https://c, audiences: *audiences}}
  claimMappings:
    <<: *mappings
    groups: {{claim: groups, prefix: ''}}
"
    );
    assert_eq!(issuers(&anchored), ["https://a", "https://b", "https://c"]);
    let overridden =
        anchored.replace("groups: {claim: groups, prefix: ''}", "username: {claim: x, prefix: ''}");
    refused(&overridden, r#"strict decoding error: duplicate field "jwt[2].claimMappings.username""#);
}

#[test]
fn aliases_can_not_blow_up() {
    let mut file = format!("{HEAD}a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for (level, below) in (1..9).zip(0..) {
        let aliases = vec![format!("*a{below}"); 10].join(", ");
        file.push_str(&format!("a{level}: &a{level} [{aliases}]\n"));
    }
    for file in
        [file, format!("{HEAD}x: {}{}", "[".repeat(5000), "]".repeat(5000)), format!("{HEAD}a: &a [*a]")]
    {
        let error = load(file.as_bytes()).unwrap_err();
        assert_eq!(error.reason(), "syntax", "{error}");
    }
    let deep = format!("{{\"x\":{}{}}}", "[".repeat(5000), "]".repeat(5000));
    assert_eq!(load(deep.as_bytes()).unwrap_err().reason(), "syntax");
}

#[test]
fn unknown_and_repeated_fields_are_refused() {
    for (rest, message) in [
        ("x: 1\njwt: []\nb: 1\na: 1\n", r#"unknown field "a", unknown field "b", unknown field "x""#),
        ("metadata: {}\n", r#"unknown field "metadata""#),
        ("JWT: []\n", r#"unknown field "JWT""#),
        ("1: 2\ntrue: 3\n", r#"unknown field "1", unknown field "true""#),
        ("kind: AuthenticationConfiguration\n", r#"duplicate field "kind""#),
        (
            "jwt:\n- issuer: {url: https://a, x: {y: 1}}\n  claimValidationRules: [{q: 1}]\n  z: 1\n",
            r#"unknown field "jwt[0].claimValidationRules[0].q", unknown field "jwt[0].issuer.x", unknown field "jwt[0].z""#,
        ),
        (
            "jwt:\n- issuer: {}\n  issuer: {}\n  zz: 3\n",
            r#"duplicate field "jwt[0].issuer", unknown field "jwt[0].zz""#,
        ),
        ("jwt: [{issuer: {Url: x}}]\n", r#"unknown field "jwt[0].issuer.Url""#),
        (
            "jwt: [{claimMappings: {username: {value: x}}}]\n",
            r#"unknown field "jwt[0].claimMappings.username.value""#,
        ),
        (
            "jwt: [{claimMappings: {uid: {prefix: x}}}]\n",
            r#"unknown field "jwt[0].claimMappings.uid.prefix""#,
        ),
        (
            "jwt: [{claimMappings: {extra: [{value: x}]}}]\n",
            r#"unknown field "jwt[0].claimMappings.extra[0].value""#,
        ),
        (
            "jwt: [{userValidationRules: [{claim: x}]}]\n",
            r#"unknown field "jwt[0].userValidationRules[0].claim""#,
        ),
        ("anonymous: {enable: true}\n", r#"unknown field "anonymous.enable""#),
        ("anonymous: {conditions: [{paths: x}]}\n", r#"unknown field "anonymous.conditions[0].paths""#),
    ] {
        refused(&format!("{HEAD}{rest}"), &format!("strict decoding error: {message}"));
    }
    refused(
        r#"{"kind":"AuthenticationConfiguration","apiVersion":"apiserver.config.k8s.io/v1","jwt":[],"jwt":[],"z":1,"a":2}"#,
        r#"strict decoding error: duplicate field "jwt", unknown field "z", unknown field "a""#,
    );
    let many: String = (0..200).map(|number| format!("f{number:03}: 1\n")).collect();
    let error = load(format!("{HEAD}{many}").as_bytes()).unwrap_err();
    assert_eq!(error.to_string().matches("unknown field").count(), 100);
}

#[test]
fn types_are_those_of_kubernetes() {
    for (rest, message) in [
        (
            "jwt: yes\n",
            "bool into Go struct field AuthenticationConfiguration.jwt of type []v1.JWTAuthenticator",
        ),
        (
            "jwt: {}\n",
            "object into Go struct field AuthenticationConfiguration.jwt of type []v1.JWTAuthenticator",
        ),
        (
            "jwt: [3]\n",
            "number into Go struct field AuthenticationConfiguration.jwt of type v1.JWTAuthenticator",
        ),
        ("jwt: [{issuer: 3}]\n", "number into Go struct field JWTAuthenticator.jwt.issuer of type v1.Issuer"),
        ("jwt: [{issuer: {url: 1}}]\n", "number into Go struct field Issuer.jwt.issuer.url of type string"),
        ("jwt: [{issuer: {url: yes}}]\n", "bool into Go struct field Issuer.jwt.issuer.url of type string"),
        ("jwt: [{issuer: {url: 010}}]\n", "number into Go struct field Issuer.jwt.issuer.url of type string"),
        ("jwt: [{issuer: {url: 1.5}}]\n", "number into Go struct field Issuer.jwt.issuer.url of type string"),
        (
            "jwt: [{issuer: {audiences: x}}]\n",
            "string into Go struct field Issuer.jwt.issuer.audiences of type []string",
        ),
        (
            "jwt: [{issuer: {audiences: [1]}}]\n",
            "number into Go struct field Issuer.jwt.issuer.audiences of type string",
        ),
        (
            "jwt: [{issuer: {audienceMatchPolicy: 1}}]\n",
            "number into Go struct field Issuer.jwt.issuer.audienceMatchPolicy of type v1.AudienceMatchPolicyType",
        ),
        (
            "anonymous: []\n",
            "array into Go struct field AuthenticationConfiguration.anonymous of type v1.AnonymousAuthConfig",
        ),
        (
            "anonymous: {enabled: 'true'}\n",
            "string into Go struct field AnonymousAuthConfig.anonymous.enabled of type bool",
        ),
    ] {
        refused(&format!("{HEAD}{rest}"), &format!("json: cannot unmarshal {message}"));
        // A wrong type comes before a field that is not known.
        refused(&format!("{HEAD}a: 1\n{rest}"), &format!("json: cannot unmarshal {message}"));
    }
    refused(
        &format!("{}jwt: [3]\n", HEAD.replace("v1", "v1beta1")),
        "json: cannot unmarshal number into Go struct field AuthenticationConfiguration.jwt \
         of type v1beta1.JWTAuthenticator",
    );
}

#[test]
fn null_is_absent() {
    assert_eq!(issuers(&format!("{HEAD}jwt: null\nanonymous: ~\n")), [""; 0]);
    assert_eq!(issuers(&format!("{HEAD}jwt:\nanonymous:\n")), [""; 0]);
    let configuration = load(format!("{HEAD}anonymous: {{}}\n").as_bytes()).unwrap();
    assert_eq!(configuration.anonymous, Some(AnonymousAuth { enabled: false, conditions: None }));
    refused(
        &format!("{HEAD}jwt: [{{issuer: {{url: https://a, audiences: [null]}}, claimMappings: null}}]\n"),
        "[jwt[0].issuer.audiences[0]: Required value, \
         jwt[0].claimMappings.username: Required value: claim or expression is required]",
    );
}

#[test]
fn kind_and_version_must_be_known() {
    let group = "apiserver.config.k8s.io";
    let go_type = r#"struct { APIVersion string "json:\"apiVersion,omitempty\""; Kind string "json:\"kind,omitempty\"" }"#;
    let head =
        |what: &str| format!("couldn't get version/kind; json parse error: json: cannot unmarshal {what}");
    for (file, message) in [
        (String::new(), "empty config data".to_owned()),
        (" ".to_owned(), "Object 'Kind' is missing".to_owned()),
        ("null".to_owned(), "Object 'Kind' is missing".to_owned()),
        ("{}".to_owned(), "Object 'Kind' is missing".to_owned()),
        ("apiVersion: v1\n".to_owned(), "Object 'Kind' is missing".to_owned()),
        ("kind: ''\napiVersion: ''\n".to_owned(), "Object 'Kind' is missing".to_owned()),
        ("kind: AuthenticationConfiguration\n".to_owned(), "Object 'apiVersion' is missing".to_owned()),
        (
            format!("kind: X\napiVersion: {group}/v1\n"),
            format!(r#"no kind "X" is registered for version "{group}/v1" in scheme "pkg/runtime/scheme.go:111""#),
        ),
        (
            format!("kind: AuthenticationConfiguration\napiVersion: {group}/v2\n"),
            format!(r#"no kind "AuthenticationConfiguration" is registered for version "{group}/v2" in scheme "pkg/runtime/scheme.go:111""#),
        ),
        (
            "kind: AuthenticationConfiguration\napiVersion: v1\n".to_owned(),
            r#"no kind "AuthenticationConfiguration" is registered for version "v1" in scheme "pkg/runtime/scheme.go:111""#.to_owned(),
        ),
        (
            "kind: AuthenticationConfiguration\napiVersion: a/b/c\n".to_owned(),
            "unexpected GroupVersion string: a/b/c".to_owned(),
        ),
        (
            format!("kind: EncryptionConfiguration\napiVersion: {group}/v1\n"),
            "expected AuthenticationConfiguration, got *apiserver.EncryptionConfiguration".to_owned(),
        ),
        (
            format!("kind: EncryptionConfiguration\napiVersion: {group}/v1\nresources: []\njwt: [{{a: b}}]\nanonymous: 1\n"),
            r#"strict decoding error: unknown field "anonymous", unknown field "jwt""#.to_owned(),
        ),
        (
            "kind: EgressSelectorConfiguration\napiVersion: apiserver.k8s.io/v1beta1\n".to_owned(),
            "expected AuthenticationConfiguration, got *apiserver.EgressSelectorConfiguration".to_owned(),
        ),
        (
            format!("kind: EncryptionConfiguration\napiVersion: {group}/v1beta1\n"),
            format!(r#"no kind "EncryptionConfiguration" is registered for version "{group}/v1beta1" in scheme "pkg/runtime/scheme.go:111""#),
        ),
        (
            format!("kind: 1\napiVersion: {group}/v1\n"),
            head("number into Go struct field .kind of type string"),
        ),
        ("[]".to_owned(), head(&format!("array into Go value of type {go_type}"))),
        ("foo".to_owned(), head(&format!("string into Go value of type {go_type}"))),
        ("5".to_owned(), head(&format!("number into Go value of type {go_type}"))),
    ] {
        refused(&file, &message);
    }
}

#[test]
fn what_is_neither_yaml_nor_json_is_refused() {
    for file in [
        format!("{HEAD}\tjwt: []"),
        format!("{HEAD}a: ["),
        format!("{HEAD}jwt: *unknown"),
        format!("{HEAD}null: 1\n"),
        format!("{HEAD}[1]: 1\n"),
        format!("{HEAD}<<: 1\n"),
    ] {
        let error = load(file.as_bytes()).unwrap_err();
        assert_eq!(error.reason(), "syntax", "{file}: {error}");
    }
    for file in [
        r#"{"kind":"AuthenticationConfiguration""#,
        // What begins like JSON is JSON.
        "{kind: AuthenticationConfiguration, apiVersion: apiserver.config.k8s.io/v1}",
        r#"{"kind":"AuthenticationConfiguration","apiVersion":"apiserver.config.k8s.io/v1"} x"#,
    ] {
        let error = load(file.as_bytes()).unwrap_err();
        assert_eq!(error.reason(), "head", "{file}: {error}");
    }
    assert_eq!(load(b"kind: \xff"), Err(ConfigError::NotUtf8));
    assert_eq!(load(&vec![b'#'; MAX_FILE + 1]), Err(ConfigError::TooLarge));
}
