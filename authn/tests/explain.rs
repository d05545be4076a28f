//! What is told of a token: kube-apiserver's words for it, nothing that the configuration does not name, and never
//! another verdict than the decision's. (That last thing is asserted for each row of the other tables, too.)
#![cfg(feature = "supply")]
#![allow(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    reason = "test code"
)]

mod support;

use authn::algorithm::{Algorithm, AlgorithmSet};
use authn::base64url;
use authn::explain::{Explainer, Kubernetes, Outcome as StepOutcome, Verdict};
use authn::issuer::{ExtraMapping, Issuer, Mapping, ValidationRule};
use authn::signature::Portable;
use serde_json::{Value, json};
use support::*;

/// The refusal is told in these words of kube-apiserver's.
#[track_caller]
fn says(case: Case, words: &str) {
    // Against the decision, too.
    let _ = case.outcome();
    let explanation = case.explanation();
    let Verdict::Refused(refusal) = &explanation.verdict else { panic!("{explanation:?}") };
    assert_eq!(refusal.kubernetes, Kubernetes::Says(words.to_owned()));
}

fn claims(claims: Value) -> Case {
    case("words").claims(claims)
}

fn rule(expression: &str, message: &str) -> ValidationRule {
    ValidationRule { expression: expression.to_owned(), message: message.to_owned() }
}

fn expression<C>(text: &str) -> Mapping<C> {
    Mapping::Expression(text.to_owned())
}

#[test]
fn nobodys_tokens_are_passed_over_in_silence() {
    for nobodys in [
        claims(json!({"iss": "https://other.example"})),
        case("no iss").without("iss"),
        case("one part").mangled(|_| "abc".to_owned()),
        case("no object").payload("[]"),
        case("padding").mangled(|token| token.replacen('.', "=.", 2)),
    ] {
        says(nobodys, "invalid bearer token");
    }
}

#[test]
fn a_header_is_refused_in_the_words_of_go_oidc_and_go_jose() {
    let verify = |words: &str| format!("oidc: verify token: {words}");
    let nine = r#"["ES256" "ES384" "ES512" "PS256" "PS384" "PS512" "RS256" "RS384" "RS512"]"#;
    for (header, words) in [
        (json!({"alg": "HS256"}), format!("oidc: id token signed with unsupported algorithm, expected {nine} got \"HS256\"")),
        (json!({"alg": null}), format!("oidc: id token signed with unsupported algorithm, expected {nine} got \"\"")),
        (
            json!({"kid": 1}),
            "oidc: malformed jwt: failed to unmarshal key ID: json: cannot unmarshal number into Go value of type string: \"1\""
                .to_owned(),
        ),
        (json!({"kid": "k2"}), "failed to verify signature: failed to verify id token signature".to_owned()),
        (
            json!({"crit": ["x"]}),
            "failed to verify signature: failed to verify id token signature".to_owned(),
        ),
    ] {
        says(case("header").header(header), &verify(&words));
    }
    let rs256 =
        |issuer: &mut Issuer| issuer.algorithms = [Algorithm::Rs256].into_iter().collect::<AlgorithmSet>();
    says(
        case("algorithm").issuer(rs256),
        "oidc: verify token: oidc: id token signed with unsupported algorithm, expected [\"RS256\"] got \"ES256\"",
    );
    says(
        case("another key").signed_by(Pair::OtherP256),
        "oidc: verify token: failed to verify signature: failed to verify id token signature",
    );
    says(
        case("a bad character").mangled(|token| format!("{token}=")),
        "oidc: verify token: oidc: malformed jwt: illegal base64 data at input byte 86",
    );
}

#[test]
fn registered_claims_are_refused_in_the_words_of_go_oidc() {
    let verify = |words: &str| format!("oidc: verify token: oidc: {words}");
    for (wrong, words) in [
        (json!({"exp": 5}), "token is expired (Token Expiry: 1970-01-01 00:00:05 +0000 UTC)"),
        (
            json!({"nbf": NOW + 61}),
            "current time 2027-01-15 08:00:00 +0000 UTC before the nbf (not before) time: 2027-01-15 08:01:01 +0000 UTC",
        ),
        (json!({"aud": "x"}), r#"expected audience "kubernetes" got ["x"]"#),
        (json!({"aud": null}), r#"expected audience "kubernetes" got [""]"#),
        (json!({"aud": []}), r#"expected audience "kubernetes" got []"#),
        (
            json!({"aud": ["a", 5]}),
            "failed to unmarshal claims: json: cannot unmarshal number into Go struct field idToken.aud of type string",
        ),
        (
            json!({"aud": 5}),
            "failed to unmarshal claims: json: cannot unmarshal number into Go struct field idToken.aud of type []string",
        ),
        (
            json!({"nonce": []}),
            "failed to unmarshal claims: json: cannot unmarshal array into Go struct field idToken.nonce of type string",
        ),
        (
            json!({"iat": true}),
            "failed to unmarshal claims: json: cannot unmarshal bool into Go struct field idToken.iat of type json.Number",
        ),
        // Of several, the first of a type that reads itself, or else the first.
        (
            json!({"_claim_sources": [], "iat": [1], "nbf": true}),
            "failed to unmarshal claims: json: cannot unmarshal array into Go struct field idToken.iat of type json.Number",
        ),
        (
            json!({"_claim_sources": [], "nonce": 5}),
            "failed to unmarshal claims: json: cannot unmarshal array into Go struct field idToken._claim_sources of type map[string]oidc.claimSource",
        ),
        (
            json!({"exp": null}),
            r#"failed to unmarshal claims: strconv.ParseFloat: parsing "": invalid syntax"#,
        ),
        (
            json!({"exp": "abc"}),
            r#"failed to unmarshal claims: json: invalid number literal, trying to unmarshal "\"abc\"" into Number"#,
        ),
        (
            json!({"iat": "1e400"}),
            r#"failed to unmarshal claims: strconv.ParseFloat: parsing "1e400": value out of range"#,
        ),
        (json!({"_claim_names": {"x": "t"}, "_claim_sources": {"s": {}}}), "source does not exist"),
        (json!({"_claim_names": {"x": ""}}), "failed to obtain source from claim name"),
        (
            json!({"_claim_sources": {"s": {"endpoint": 5}}}),
            "failed to unmarshal claims: json: cannot unmarshal number into Go struct field claimSource._claim_sources.endpoint of type string",
        ),
        (
            json!({"_claim_sources": {"s": 5}}),
            "failed to unmarshal claims: json: cannot unmarshal number into Go struct field idToken._claim_sources of type oidc.claimSource",
        ),
    ] {
        says(claims(wrong), &verify(words));
    }
    says(
        case("no exp").without("exp"),
        &verify("token is expired (Token Expiry: 0001-01-01 00:00:00 +0000 UTC)"),
    );
    // go-oidc leaves several audiences to kube-apiserver, which looks at them last.
    let several = |issuer: &mut Issuer| issuer.audiences = vec!["b".to_owned(), "a".to_owned()];
    says(case("several").issuer(several), &verify(r#"expected audience in ["a" "b"] got ["kubernetes"]"#));
    says(
        claims(json!({"exp": 5})).issuer(several),
        &verify("token is expired (Token Expiry: 1970-01-01 00:00:05 +0000 UTC)"),
    );
}

#[test]
fn mapped_claims_are_refused_in_the_words_of_kube_apiserver() {
    let email = || case("email").username("email", "").claims(json!({"email": "a@b"}));
    says(case("missing").username("name", ""), "oidc: parse username claims \"name\": claim not present");
    says(
        case("a number").username("exp", ""),
        "oidc: parse username claims \"exp\": json: cannot unmarshal number into Go value of type string",
    );
    says(email().claims(json!({"email_verified": false})), "oidc: email not verified");
    says(
        email().claims(json!({"email_verified": "true"})),
        "oidc: parse 'email_verified' claim: json: cannot unmarshal string into Go value of type bool",
    );
    says(
        claims(json!({"groups": ["a", 1]})),
        "oidc: parse groups claim \"groups\": json: cannot unmarshal array into Go value of type string",
    );
    says(
        case("uid").issuer(|issuer| issuer.claim_mappings.uid = Some(Mapping::Claim("uid".to_owned()))),
        "oidc: parse uid claim \"uid\": claim not present",
    );
    let required = |value: Value| {
        let wanted = |issuer: &mut Issuer| issuer.required_claims = vec![required("hd", "example.com")];
        claims(json!({"hd": value})).issuer(wanted)
    };
    says(required(json!("x")).without("hd"), "oidc: required claim hd not present in ID token");
    says(required(json!("x")), "oidc: required claim hd value does not match. Got = x, want = example.com");
    says(
        required(json!(5)),
        "oidc: parse claim hd: json: cannot unmarshal number into Go value of type string",
    );
    says(
        case("names alone").claims(json!({"_claim_names": {}})),
        "oidc: could not expand distributed claims: oidc: no claim sources",
    );
    says(
        claims(json!({"_claim_names": {}, "_claim_sources": {"s": {"JWT": 5}}})),
        "oidc: could not expand distributed claims: oidc: could not parse claim sources: json: cannot unmarshal number \
         into Go struct field endpoint.JWT of type string",
    );
    // kube-apiserver looks there before it maps anything.
    says(
        case("both").username("name", "").claims(json!({"_claim_names": {}})),
        "oidc: could not expand distributed claims: oidc: no claim sources",
    );
}

#[test]
fn expressions_are_told_in_the_words_of_kube_apiserver() {
    let username = |text: &str| {
        let mapping = expression(text);
        claims(json!({"n": 5, "empty": ""})).issuer(|issuer| issuer.claim_mappings.username = mapping)
    };
    let prefix = "oidc: error evaluating username claim expression: ";
    says(
        username("claims.hd"),
        &format!("{prefix}expression 'claims.hd' resulted in error: no such key: hd"),
    );
    says(username("claims.n"), &format!("{prefix}username claim expression must return a string"));
    says(username("claims.empty"), "oidc: empty username via CEL expression is not allowed");
    let groups = |text: &str| {
        let mapping = Some(expression(text));
        claims(json!({"n": 5})).issuer(|issuer| issuer.claim_mappings.groups = mapping)
    };
    let prefix = "oidc: error evaluating group claim expression: ";
    says(groups("claims.hd"), &format!("{prefix}expression 'claims.hd' resulted in error: no such key: hd"));
    says(groups("claims.n"), &format!("{prefix}expression must return a string or a list of strings"));
    let uid = |text: &str| {
        let mapping = Some(expression(text));
        claims(json!({"n": 5})).issuer(|issuer| issuer.claim_mappings.uid = mapping)
    };
    says(
        uid("claims.n"),
        "oidc: error evaluating uid claim expression: uid claim expression must return a string",
    );
    let extra = |text: &str| {
        let mapping = |text: &str| ExtraMapping {
            key: format!("example.com/{}", text.len()),
            value_expression: text.to_owned(),
        };
        let mappings = vec![mapping("'x'"), mapping(text)];
        claims(json!({"n": 5})).issuer(|issuer| issuer.claim_mappings.extra = mappings)
    };
    says(extra("claims.hd"), "expression 'claims.hd' resulted in error: no such key: hd");
    says(
        extra("claims.n"),
        "oidc: error evaluating extra claim expression: claims.n: expression must return a string or a list of strings",
    );
}

#[test]
fn rules_are_told_one_by_one() {
    let with = |rules: &[(&str, &str)]| {
        let rules = rules.iter().map(|(expression, message)| rule(expression, message)).collect();
        case("rules").issuer(|issuer| issuer.claim_validation_rules = rules)
    };
    let prefix = "oidc: error evaluating claim validation expression: ";
    says(
        with(&[("true", ""), ("claims.sub == 'bob'", "only bob")]),
        &format!("{prefix}validation expression 'claims.sub == 'bob'' failed: only bob"),
    );
    says(with(&[("false", "")]), &format!("{prefix}validation expression 'false' failed: "));
    says(
        with(&[("false", "a"), ("claims.hd == 'x'", "b"), ("true", "")]),
        &format!("{prefix}expression 'claims.hd == 'x'' resulted in error: no such key: hd"),
    );
    says(
        case("user").issuer(|issuer| issuer.user_validation_rules = vec![rule("user.uid == 'x'", "no uid")]),
        "oidc: error evaluating user info validation rule: validation expression 'user.uid == 'x'' failed: no uid",
    );
    let steps =
        with(&[("true", ""), ("false", "a"), ("claims.hd == 'x'", "b"), ("true ", "")]).explanation().steps;
    let rules: Vec<_> = steps.iter().filter(|step| step.name.starts_with("claimValidationRules")).collect();
    let told: Vec<_> = rules.iter().map(|step| (step.outcome, step.detail.as_str())).collect();
    let not_reached = (StepOutcome::NotReached, "");
    let (broken, failed) = ((StepOutcome::Failed, "a"), (StepOutcome::Failed, "no such key: hd"));
    assert_eq!(told, [(StepOutcome::Passed, ""), broken, failed, not_reached]);
}

/// A token may hold more than the configuration asks for. None of it is told, whatever becomes of the token.
#[test]
fn nothing_is_told_that_the_configuration_does_not_name() {
    const SECRETS: [&str; 3] = ["hunter2", "Private Lane", "s3cr3t-access"];
    let private = || {
        claims(json!({
            "sub": "alice", "groups": ["dev"], "password": SECRETS[0], "address": {"street": SECRETS[1]},
            "_claim_sources": {"s": {"endpoint": "", "access_token": SECRETS[2]}}, "nonce": SECRETS[0],
        }))
    };
    let rules = || vec![rule("claims.sub == 'bob'", "only bob")];
    for case in [
        private(),
        private().signed_by(Pair::OtherP256),
        private().header(json!({"kid": "k2"})),
        private().header(json!({"x": SECRETS[0], "jwk": {"k": SECRETS[1]}})),
        private().claims(json!({"exp": 5})),
        private().claims(json!({"aud": "x"})),
        private().claims(json!({"iss": "https://other.example"})),
        private().claims(json!({"at_hash": [SECRETS[0]]})),
        private().username("address", ""),
        private().issuer(|issuer| issuer.claim_validation_rules = rules()),
        private().mangled(|token| token + " x"),
        private().mangled(|token| token.replace('.', "=.")),
        private().mangled(|token| token.repeat(40)),
    ] {
        let told = format!("{:?}", case.explanation());
        for secret in SECRETS {
            assert!(!told.contains(secret), "{told}");
        }
        let token = case.token();
        for part in token.split(['.', ' ', '=']).filter(|part| part.len() > 7) {
            for place in 0..part.len() - 7 {
                assert!(!told.contains(&part[place..place + 8]), "{told}");
            }
        }
    }
}

/// Whatever is done to a token, its claims or the configuration, what is told of it is what is decided.
#[test]
fn what_is_told_is_what_is_decided() {
    let mut random = Random::new(11);
    let payload = json!({"iss": ISSUER, "aud": [AUDIENCE], "sub": "alice", "exp": NOW + 600, "groups": ["dev"],
        "email": "a@b", "email_verified": true, "jti": "j", "nbf": NOW, "hd": "example.com", "n": 5,
        "_claim_names": {"x": "s"}, "_claim_sources": {"s": {"endpoint": ""}}});
    let payload = serde_json::to_vec(&payload).unwrap();
    let header = format!("{{\"alg\":\"ES256\",\"kid\":\"{KID}\"}}").into_bytes();
    let (mut let_in, mut reasons) = (0, std::collections::BTreeSet::new());
    for _ in 0..1_500 {
        let issuer = odd_issuer(&mut random);
        let (mut header, mut payload) = (header.clone(), payload.clone());
        match random.below(8) {
            0 => random.mutate(&mut header),
            1..=3 => random.mutate(&mut payload),
            4 => payload = odd_claim(&mut random, &payload),
            _ => {}
        }
        let mut token = sign(Pair::P256, Algorithm::Es256, &header, &payload).into_bytes();
        if random.below(8) == 0 {
            random.mutate(&mut token);
        }
        let value = [b"Bearer ", token.as_slice()].concat();
        let snapshot = snapshot([issuer]);
        let explanation = Explainer::new(&snapshot).unwrap().explain(&token, at(NOW), &Portable);
        let mut authenticator = authenticator(snapshot);
        let request = [("authorization", value.as_slice())];
        let request = authn::request::Request::read(&request);
        let outcome = judge(&mut authenticator, &request, at(NOW), &Portable).into();
        is_told(&explanation, &outcome);
        match outcome {
            Outcome::Reject(reason, _) => drop(reasons.insert(reason)),
            Outcome::Forward(_) => let_in += 1,
            _ => {}
        }
    }
    assert!(let_in > 150 && reasons.len() > 20, "{let_in} {reasons:?}");
}

/// A member of the claims with a value of another type or size, or taken away.
fn odd_claim(random: &mut Random, payload: &[u8]) -> Vec<u8> {
    let mut claims: Value = serde_json::from_slice(payload).unwrap();
    let claims = claims.as_object_mut().unwrap();
    let names: Vec<String> = claims.keys().cloned().collect();
    let name = &names[random.below(names.len())];
    let values =
        [json!(null), json!(5), json!("5"), json!([]), json!(["x", 1]), json!({}), json!(true), json!("")];
    match random.below(values.len() + 1) {
        place if place < values.len() => drop(claims.insert(name.clone(), values[place].clone())),
        _ => drop(claims.remove(name)),
    }
    serde_json::to_vec(&claims).unwrap()
}

/// An issuer with some of what a configuration can say.
fn odd_issuer(random: &mut Random) -> Issuer {
    let mut issuer = issuer();
    let mappings = &mut issuer.claim_mappings;
    let texts = [
        "claims.sub",
        "claims.email",
        "claims.n",
        "claims.missing",
        "'system:x'",
        "claims.groups",
        "'a\\nb'",
    ];
    let text = |random: &mut Random| texts[random.mostly(2, texts.len())].to_owned();
    match random.below(6) {
        0 => mappings.username = Mapping::Expression(text(random)),
        1 => mappings.username = prefixed("email", "o:"),
        2 => mappings.groups = Some(Mapping::Expression(text(random))),
        3 => mappings.uid = Some(Mapping::Expression(text(random))),
        4 => mappings.uid = Some(Mapping::Claim(["jti", "n", "uid"][random.below(3)].to_owned())),
        _ => mappings.groups = None,
    }
    if random.below(4) == 0 {
        let key = "example.com/x".to_owned();
        mappings.extra = vec![ExtraMapping { key, value_expression: text(random) }];
    }
    if random.below(4) == 0 {
        let value = ["example.com", "x"][random.mostly(1, 2)];
        issuer.required_claims = vec![required("hd", value)];
    }
    let rules = ["true", "claims.hd == 'example.com'", "claims.n == 6", "claims.missing == 'x'", "claims.n"];
    for _ in 0..random.below(3) {
        issuer.claim_validation_rules.push(rule(rules[random.mostly(2, rules.len())], "message"));
    }
    if random.below(4) == 0 {
        let rules = ["user.username != ''", "user.uid == 'x'", "user.groups[0] == 'dev'"];
        issuer.user_validation_rules = vec![rule(rules[random.below(rules.len())], "")];
    }
    match random.below(16) {
        0 => issuer.audiences = vec!["x".to_owned()],
        1 => issuer.audiences = vec!["x".to_owned(), AUDIENCE.to_owned()],
        2 => issuer.keys = None,
        3 => issuer.keys = Some(keys([Pair::OtherP256.key(KID)])),
        4 => issuer.algorithms = [Algorithm::Rs256].into_iter().collect(),
        _ => {}
    }
    issuer
}

#[test]
fn the_user_is_the_one_that_reaches_the_api_server() {
    let case = claims(json!({"groups": ["dev"], "jti": "1"})).username("sub", "o:");
    let explanation = case.explanation();
    let Verdict::LetIn(user) = explanation.verdict else { panic!("{explanation:?}") };
    assert_eq!((user.username(), user.uid()), ("o:alice", ""));
    assert_eq!(user.groups(), ["dev", "system:authenticated"]);
    let id = ("authentication.kubernetes.io/credential-id".to_owned(), vec!["JTI=1".to_owned()]);
    assert_eq!(user.extra(), [id]);
    assert_eq!(explanation.issuer.as_deref(), Some(ISSUER));
    assert!(explanation.steps.iter().all(|step| step.outcome == StepOutcome::Passed));
}

/// Blanks around a token are not its own: files end with a line end.
#[test]
fn blanks_around_a_token_do_not_count() {
    let text = format!("\n {} \r\n", case("whole").token());
    let explainer = Explainer::new(&snapshot([issuer()])).unwrap();
    let explanation = explainer.explain(text.as_bytes(), at(NOW), &Portable);
    assert!(matches!(explanation.verdict, Verdict::LetIn(_)), "{explanation:?}");
    assert_eq!(explainer.issuer_of(text.as_bytes(), at(NOW), &Portable).as_deref(), Some(ISSUER));
    assert_eq!(explainer.issuer_of(base64url::encode(b"x").as_bytes(), at(NOW), &Portable), None);
}
