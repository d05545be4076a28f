//! What a request's headers come to: its credential, what is taken away, what is refused, and the answers' form.
#![allow(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "test code"
)]

mod support;

use std::collections::BTreeMap;

use authn::authenticator::Authenticator;
use authn::base64url;
use authn::claims::ClaimsError;
use authn::impersonation_request::ImpersonationRequestError;
use authn::policy::{ClientImpersonation, RequestPolicy};
use authn::rejection::Rejection;
use authn::request::{CredentialError, Edit, Keep, Request, RequestError, is_stripped};
use authn::signature::Portable;
use authn::token::TokenError;
use support::*;

type Line<'a> = (&'a str, &'a str);

#[track_caller]
fn credential(lines: &[(&str, &[u8])]) -> Result<String, CredentialError> {
    Request::read(lines).credential().map(|token| token.as_str().to_owned())
}

#[track_caller]
fn authorization(value: &[u8], expected: Result<&str, CredentialError>) {
    let found = credential(&[("authorization", value)]);
    assert_eq!(found, expected.map(str::to_owned), "{}", String::from_utf8_lossy(value));
}

#[test]
fn one_bearer_token_in_authorization() {
    use CredentialError::{Missing, NotOneToken, TooLong};
    authorization(b"Bearer a.b.c", Ok("a.b.c"));
    authorization(b"bearer a.b.c", Ok("a.b.c"));
    authorization(b"bEARER a.b.c", Ok("a.b.c"));
    authorization(b"  Bearer a.b.c \t", Ok("a.b.c"));
    authorization(b"Bearer opaque-token~+/=", Ok("opaque-token~+/="));
    authorization(b"", Err(Missing));
    authorization(b"   ", Err(Missing));
    authorization(b"Basic YTpi", Err(Missing));
    authorization(b"Negotiate x", Err(Missing));
    authorization(b"BearerX a.b.c", Err(Missing));
    authorization(b"Bearer\ta.b.c", Err(Missing));
    authorization(b"a.b.c", Err(Missing));
    authorization(b"Bearer", Err(Missing));
    authorization(b"Bearer ", Err(Missing));
    authorization(b"Bearer  a.b.c", Err(NotOneToken));
    authorization(b"Bearer a.b.c more", Err(NotOneToken));
    authorization(b"Bearer a.b.c\tmore", Err(NotOneToken));
    authorization(b"Bearer a.b.c,Bearer d.e.f", Err(NotOneToken));
    authorization(b"Bearer a.b.c, Bearer d.e.f", Err(NotOneToken));
    authorization(b"Bearer a.b.c,d.e.f", Err(NotOneToken));
    authorization(b"Bearer ,a.b.c", Err(NotOneToken));
    authorization(b"Basic x,Bearer a.b.c", Err(Missing));
    authorization(b"Bearer a.b\0.c", Err(NotOneToken));
    authorization(b"Bearer a.b\n.c", Err(NotOneToken));
    authorization(b"Bearer a.b.\xff", Err(NotOneToken));
    authorization(b"Bearer a.b.\xc3\xa9", Err(NotOneToken));
    authorization(b"Bearer a.b.\x7f", Err(NotOneToken));
    authorization(b"\xff\xfe", Err(Missing));
    let long = |length| format!("Bearer {}", "x".repeat(length));
    authorization(long(16_384).as_bytes(), Ok(&"x".repeat(16_384)));
    authorization(long(16_385).as_bytes(), Err(TooLong));
    authorization(long(1 << 20).as_bytes(), Err(TooLong));

    assert_eq!(credential(&[]), Err(Missing));
    let twice = [("authorization", &b"Bearer a.b.c"[..]), ("authorization", b"Bearer a.b.c")];
    assert_eq!(credential(&twice), Err(NotOneToken));
    let twice = [("authorization", &b"Basic x"[..]), ("authorization", b"Bearer a.b.c")];
    assert_eq!(credential(&twice), Err(NotOneToken));
    assert_eq!(credential(&[("proxy-authorization", b"Bearer a.b.c")]), Err(Missing));
}

// --- the WebSocket subprotocol (k8s.io/apiserver `websocket.ProtocolAuthenticator` and its own tests)

const PREFIX: &str = "base64url.bearer.authorization.k8s.io.";

/// A subprotocol with this token in it.
fn bearer(token: &str) -> String {
    format!("{PREFIX}{}", base64url::encode(token.as_bytes()))
}

/// Checks credential and remaining subprotocols of a WebSocket upgrade.
#[track_caller]
fn websocket(protocols: &[&str], expected: Result<&str, CredentialError>, rest: &[Edit<'_>]) {
    let mut lines = vec![("connection", &b"Upgrade"[..]), ("upgrade", b"websocket")];
    lines.extend(protocols.iter().map(|line| ("sec-websocket-protocol", line.as_bytes())));
    assert_eq!(credential(&lines), expected.map(str::to_owned), "{protocols:?}");
    let request = Request::read(&lines);
    let mut edits = edits(&request);
    edits.retain(is_of_protocols);
    assert_eq!(edits, rest, "{protocols:?}");
}

/// What must be changed of a request that goes on under the gateway's credential, each change once.
fn edits<'a>(request: &Request<'a>) -> Vec<Edit<'a>> {
    let mut edits = Vec::new();
    for edit in request.edits(Keep::Nothing) {
        if !edits.contains(edit) {
            edits.push(edit.clone());
        }
    }
    edits
}

fn is_of_protocols(edit: &Edit<'_>) -> bool {
    matches!(edit, Edit::Remove("sec-websocket-protocol") | Edit::Set("sec-websocket-protocol", _))
}

fn rest(protocols: &str) -> [Edit<'static>; 1] {
    [Edit::Set("sec-websocket-protocol", protocols.as_bytes().to_vec())]
}

#[test]
fn a_websocket_may_carry_its_token_as_a_subprotocol() {
    use CredentialError::{Missing, TooLong, WebSocket};
    let gone = [Edit::Remove("sec-websocket-protocol")];
    let token = bearer("a.b.c");
    websocket(&[&format!("{token}, v4.channel.k8s.io")], Ok("a.b.c"), &rest("v4.channel.k8s.io"));
    websocket(&[&format!("v4.channel.k8s.io,{token}")], Ok("a.b.c"), &rest("v4.channel.k8s.io"));
    websocket(&[&format!("p1, {token}, p2,p3")], Ok("a.b.c"), &rest("p1, p2, p3"));
    websocket(&["p1", &token, "p2"], Ok("a.b.c"), &rest("p1, p2"));
    websocket(&["v4.channel.k8s.io"], Err(Missing), &[]);
    websocket(&[], Err(Missing), &[]);
    // "missing additional subprotocol"
    websocket(&[&token], Err(WebSocket), &gone);
    websocket(&[&format!("{token},,")], Err(WebSocket), &gone);
    // "multiple base64.bearer.authorization tokens specified"
    websocket(&[&format!("{token},{token},p1")], Err(WebSocket), &rest("p1"));
    websocket(&[&token, "p1", &bearer("d.e.f")], Err(WebSocket), &rest("p1"));
    // "invalid base64.bearer.authorization token encoding", and what encodes no token
    for encoded in ["", "!", "YS5iLmM=", "YS5iLmM==", "Y", "YS5i LmM", "_/8", "w6k", "AA", "YSBi"] {
        websocket(&[&format!("{PREFIX}{encoded}, p1")], Err(WebSocket), &rest("p1"));
    }
    // "invalid base64.bearer.authorization token": no UTF-8
    let invalid = format!("{PREFIX}{}", base64url::encode(b"a.b.\xff"));
    websocket(&[&format!("{invalid}, p1")], Err(WebSocket), &rest("p1"));
    websocket(&[&format!("{}, p1", bearer(&"x".repeat(16_384)))], Ok(&"x".repeat(16_384)), &rest("p1"));
    websocket(&[&format!("{}, p1", bearer(&"x".repeat(16_385)))], Err(TooLong), &rest("p1"));
    // Other letters are not the name of the subprotocol, yet what carries a token does not go on.
    websocket(&[&format!("{}, p1", token.replace("base64url", "BASE64URL"))], Err(WebSocket), &rest("p1"));
    // Only the very name counts.
    websocket(&["base64url.bearer.authorization.k8s.io, p1"], Err(Missing), &[]);
    websocket(&["base64url.bearer.authorization.k8s.ioX.YQ, p1"], Err(Missing), &[]);
}

#[test]
fn both_kinds_of_credential_are_one_too_many() {
    let protocols = format!("{}, p1", bearer("a.b.c"));
    let with = |authorization: &'static str| {
        let lines = [
            ("connection", &b"upgrade"[..]),
            ("upgrade", b"WebSocket"),
            ("authorization", authorization.as_bytes()),
            ("sec-websocket-protocol", protocols.as_bytes()),
        ];
        credential(&lines)
    };
    assert_eq!(with("Bearer d.e.f"), Err(CredentialError::BothKinds));
    assert_eq!(with("Bearer a.b.c"), Err(CredentialError::BothKinds));
    assert_eq!(with("Bearer d.e.f more"), Err(CredentialError::NotOneToken));
    // kube-apiserver does not take another scheme, or a scheme alone, for a credential.
    assert_eq!(with("Bearer"), Ok("a.b.c".to_owned()));
    assert_eq!(with("Basic x"), Ok("a.b.c".to_owned()));
}

#[test]
fn outside_a_websocket_the_subprotocol_is_removed_and_not_read() {
    let protocols = format!("{}, p1", bearer("a.b.c"));
    for upgrade in [None, Some("SPDY/3.1"), Some("websockets"), Some("")] {
        let mut lines = vec![("sec-websocket-protocol", protocols.as_bytes())];
        lines.extend(upgrade.map(|upgrade| ("upgrade", upgrade.as_bytes())));
        assert_eq!(credential(&lines), Err(CredentialError::Missing), "{upgrade:?}");
        let request = Request::read(&lines);
        assert!(edits(&request).contains(&rest("p1")[0]), "{upgrade:?}");
    }
}

// --- what is taken away

#[test]
fn every_spelling_of_an_identity_header_is_removed() {
    let names = [
        "authorization",
        "impersonate-user",
        "impersonate-uid",
        "impersonate-group",
        "impersonate-extra-a",
        "impersonate-extra-a%2Fb",
        "impersonate-extra-",
        "impersonate-",
        "impersonate-scopes",
        "impersonate_user",
        "impersonate.user",
        "impersonate_extra.a-b",
        "x-remote-user",
        "x-remote-group",
        "x-remote-uid",
        "x_remote_extra-foo",
        "x.remote.user",
        "x-remote_user",
        "x-remote-",
        "proxy-authorization",
        "proxy_authorization",
        "Proxy.Authorization",
    ];
    for name in names {
        assert!(is_stripped(name), "{name}");
        let lines = [("accept", &b"x"[..]), (name, b"1"), ("host", b"h"), (name, b"2")];
        assert_eq!(edits(&Request::read(&lines)), [Edit::Remove(name)], "{name}");
    }
    for name in ["Impersonate_User", "IMPERSONATE-GROUP", "X-Remote-Group", "X_Remote_Extra-foo"] {
        assert!(is_stripped(name), "{name}");
        assert_eq!(edits(&Request::read(&[(name, b"1")])), [Edit::Remove(name)], "{name}");
    }
    for name in [
        "impersonate",
        "impersonator-user",
        "x-remote",
        "x-remoteuser",
        "xremote-user",
        "my-impersonate-user",
        "accept",
        ":path",
        "authorizations",
        "",
    ] {
        assert!(!is_stripped(name), "{name}");
        assert_eq!(edits(&Request::read(&[(name, b"1")])), [], "{name}");
    }
}

/// Envoy writes names in lower case; should a host ever not, nothing may slip through.
#[test]
fn names_are_read_in_any_case() {
    assert!(is_stripped("Authorization"));
    let lines = [("Authorization", &b"Bearer a.b.c"[..]), ("Connection", b"x"), ("Upgrade", b"websocket")];
    let request = Request::read(&lines);
    assert!(edits(&request).contains(&Edit::Remove("Authorization")), "{:?}", edits(&request));
    assert_eq!(request.credential().map(|token| token.as_str()), Ok("a.b.c"));
    assert_eq!(request.form(), Err(RequestError::NominatedHeaders));
}

#[test]
fn all_of_them_at_once() {
    let lines = [
        (":method", &b"GET"[..]),
        ("impersonate-group", b"system:masters"),
        ("authorization", b"Bearer x"),
        ("impersonate-group", b"b"),
        ("Impersonate_User", b"admin"),
        ("x-remote-user", b"admin"),
        ("accept", b"*/*"),
    ];
    let removed = ["impersonate-group", "authorization", "Impersonate_User", "x-remote-user"];
    assert_eq!(edits(&Request::read(&lines)), removed.map(Edit::Remove));
}

#[test]
fn the_connection_header_is_written_afresh() {
    let upgrade = |connections: &[&str]| {
        let mut lines = vec![("upgrade", &b"SPDY/3.1"[..])];
        lines.extend(connections.iter().map(|value| ("connection", value.as_bytes())));
        let request = Request::read(&lines);
        assert_eq!(edits(&request), [Edit::Set("connection", b"Upgrade".to_vec())], "{connections:?}");
        request.form()
    };
    for good in [
        &["Upgrade"][..],
        &["upgrade"],
        &["keep-alive, Upgrade"],
        &["Upgrade", "close"],
        &[" Upgrade ,, "],
        &[""],
        &[],
    ] {
        assert_eq!(upgrade(good), Ok(()), "{good:?}");
    }
    let bad = [
        &["Upgrade, Impersonate-User"][..],
        &["Upgrade", "Impersonate-User"],
        &["Upgrade,impersonate-group"],
        &["Upgrade, authorization"],
        &["Upgrade, x"],
        &["Upgrade;x"],
        &["Upgrade Impersonate-User"],
        &["Upgrade,\u{a0}Impersonate-User"],
        &["te"],
    ];
    for bad in bad {
        assert_eq!(upgrade(bad), Err(RequestError::NominatedHeaders), "{bad:?}");
    }
    // Elsewhere Envoy has removed what was named; nothing is named to the next hop.
    let request = Request::read(&[("connection", b"keep-alive, Impersonate-User")]);
    assert_eq!(request.form(), Ok(()));
    assert_eq!(edits(&request), [Edit::Remove("connection")]);
}

#[test]
fn a_websocket_without_a_key_is_noticed() {
    let lacks = |lines: &[Line<'static>]| {
        let lines: Vec<_> = lines.iter().map(|(name, value)| (*name, value.as_bytes())).collect();
        Request::read(&lines).lacks_websocket_key()
    };
    assert!(lacks(&[("upgrade", "websocket")]));
    assert!(!lacks(&[("upgrade", "websocket"), ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")]));
    assert!(!lacks(&[("upgrade", "SPDY/3.1")]));
    assert!(!lacks(&[]));
    assert_eq!(authn::websocket::key(*b"the sample nonce"), "dGhlIHNhbXBsZSBub25jZQ==");
}

#[test]
fn connect_is_not_served() {
    for (method, form) in [
        ("CONNECT", Err(RequestError::Connect)),
        ("connect", Err(RequestError::Connect)),
        ("GET", Ok(())),
        ("CONNECTX", Ok(())),
        ("", Ok(())),
    ] {
        assert_eq!(Request::read(&[(":method", method.as_bytes())]).form(), form, "{method}");
    }
}

#[test]
fn what_a_client_asks_of_impersonation() {
    let asks = |names: &[&'static str]| {
        let lines: Vec<(&str, &[u8])> = names.iter().map(|name| (*name, &b"v"[..])).collect();
        Request::read(&lines).impersonation().map(|asked| asked.is_some())
    };
    assert_eq!(asks(&[]), Ok(false));
    assert_eq!(asks(&["x-remote-user", "authorization", "x_remote_group"]), Ok(false));
    assert_eq!(asks(&["impersonate-user"]), Ok(true));
    let all = [
        "impersonate-user",
        "impersonate-uid",
        "impersonate-group",
        "impersonate-group",
        "impersonate-extra-a",
    ];
    assert_eq!(asks(&all), Ok(true));
    for malformed in [
        &["impersonate-group"][..],
        &["impersonate-uid"],
        &["impersonate-extra-a"],
        &["impersonate-user", "impersonate-user"],
        &["impersonate-scopes"],
        &["impersonate-user", "impersonate-scopes"],
        &["impersonate-"],
        &["impersonate_user"],
        &["impersonate-user", "impersonate.group"],
        &["impersonate-users"],
        &["impersonate-extra"],
    ] {
        assert_eq!(asks(malformed), Err(ImpersonationRequestError::Malformed), "{malformed:?}");
    }
}

// --- the order of the checks

struct Gate {
    authenticator: Authenticator,
    good: String,
    forged: String,
}

fn gate() -> Gate {
    Gate {
        authenticator: authenticator_with(
            RequestPolicy { client_impersonation: ClientImpersonation::Reject, ..RequestPolicy::default() },
            snapshot([issuer()]),
        ),
        good: format!("Bearer {}", good_token()),
        forged: format!("Bearer {}", case("forged").signed_by(Pair::OtherP256).token()),
    }
}

impl Gate {
    #[track_caller]
    fn answers(&mut self, lines: &[Line<'_>], code: u16, reason: &'static str) {
        let lines: Vec<_> = lines.iter().map(|(name, value)| (*name, value.as_bytes())).collect();
        let outcome: Outcome =
            judge(&mut self.authenticator, &Request::read(&lines), at(NOW), &Portable).into();
        assert_eq!(outcome, Outcome::Reject(reason, code));
    }
}

#[test]
fn form_then_credential_then_impersonation() {
    let mut gate = gate();
    let (good, forged) = (gate.good.clone(), gate.forged.clone());
    let (good, forged) = (("authorization", good.as_str()), ("authorization", forged.as_str()));
    let connect = (":method", "CONNECT");
    let (user, group) = (("impersonate-user", "admin"), ("impersonate-group", "system:masters"));
    let nominated = [("upgrade", "websocket"), ("connection", "Upgrade, Impersonate-User")];

    gate.answers(&[], 401, "no_credential");
    gate.answers(&[connect, good], 400, "connect");
    gate.answers(&[connect], 400, "connect");
    gate.answers(&[nominated[0], nominated[1], good], 400, "nominated_headers");
    gate.answers(&[nominated[0], nominated[1]], 400, "nominated_headers");
    gate.answers(&[user], 401, "no_credential");
    gate.answers(&[group], 401, "no_credential");
    gate.answers(&[forged, user], 401, "signature");
    gate.answers(&[forged, group], 401, "signature");
    for _ in 0..2 {
        gate.answers(&[good, user], 403, "impersonation_not_allowed");
        gate.answers(&[good, user, group], 403, "impersonation_not_allowed");
        gate.answers(&[good, group], 400, "malformed_impersonation");
        gate.answers(&[good, user, user], 400, "malformed_impersonation");
        gate.answers(&[good, ("impersonate_user", "x")], 400, "malformed_impersonation");
        gate.answers(&[good, user, ("impersonate-scopes", "x")], 400, "malformed_impersonation");
    }
    gate.answers(&[good, good], 401, "not_one_token");
    gate.answers(&[("authorization", "Basic eDp5")], 401, "no_credential");
    let long = format!("Bearer {}", "x".repeat(20_000));
    gate.answers(&[("authorization", &long)], 431, "token_too_long");
}

#[test]
fn a_websocket_token_is_decided_like_any_other() {
    let protocols = format!("{}, v5.channel.k8s.io", bearer(&good_token()));
    let lines = [
        ("connection", &b"Upgrade"[..]),
        ("upgrade", b"websocket"),
        ("sec-websocket-protocol", protocols.as_bytes()),
    ];
    let outcome: Outcome =
        judge(&mut authenticator(snapshot([issuer()])), &Request::read(&lines), at(NOW), &Portable).into();
    assert_eq!(outcome, Outcome::Forward(user("alice").headers()));
    let own = format!("{}, v5.channel.k8s.io", bearer(CREDENTIAL));
    gate().answers(
        &[("upgrade", "websocket"), ("connection", "upgrade"), ("sec-websocket-protocol", &own)],
        401,
        "own_credential",
    );
}

// --- the answers

/// Every rejection with the code and the headers that the contract gives it.
fn rejections() -> Vec<(Rejection, u16, Vec<Line<'static>>)> {
    let (bare, invalid) = ("Bearer", "Bearer error=\"invalid_token\"");
    let row = |rejection: Rejection| {
        let (code, headers) = match &rejection {
            Rejection::Credential(CredentialError::TooLong)
            | Rejection::ImpersonationRequest(ImpersonationRequestError::TooMany)
            | Rejection::Token(TokenError::TooLong) => (431, vec![]),
            Rejection::Credential(_) => (401, vec![("www-authenticate", bare)]),
            Rejection::AlgorithmNotAllowed
            | Rejection::Claims(_)
            | Rejection::OwnCredential
            | Rejection::Signature
            | Rejection::Token(_)
            | Rejection::UnknownIssuer
            | Rejection::UnknownKey => (401, vec![("www-authenticate", invalid)]),
            Rejection::Identity(_)
            | Rejection::ImpersonationDenied(_)
            | Rejection::ImpersonationNotAllowed => (403, vec![]),
            Rejection::ImpersonationRequest(ImpersonationRequestError::Malformed) | Rejection::Request(_) => {
                (400, vec![])
            }
            Rejection::Unavailable(_) => (503, vec![("retry-after", "1")]),
        };
        (rejection, code, headers)
    };
    Rejection::all().map(row).collect()
}

/// `metav1.StatusReason` of a code; apimachinery has none for 431.
const fn status_reason(code: u16) -> &'static str {
    match code {
        400 => "BadRequest",
        401 => "Unauthorized",
        403 => "Forbidden",
        431 => "RequestHeaderFieldsTooLarge",
        _ => "ServiceUnavailable",
    }
}

#[test]
fn every_answer_is_a_status() {
    for (rejection, code, headers) in rejections() {
        assert_eq!((rejection.code(), rejection.headers()), (code, headers.as_slice()), "{rejection:?}");
        let body: serde_json::Value = serde_json::from_str(&rejection.body()).unwrap();
        let expected = serde_json::json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": rejection.message(), "reason": status_reason(code), "code": code,
        });
        assert_eq!(body, expected, "{rejection:?}");
        assert!(!rejection.message().is_empty(), "{rejection:?}");
        let is_label = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
        assert!(rejection.reason().bytes().all(is_label), "{rejection:?}");
    }
}

/// Logs and metrics have the reason alone, so it must stand for one thing.
#[test]
fn a_reason_has_one_code_and_one_meaning() {
    let mut meanings = BTreeMap::new();
    for rejection in Rejection::all() {
        let meaning = (rejection.code(), rejection.to_string());
        let first = meanings.entry(rejection.reason()).or_insert_with(|| meaning.clone());
        assert_eq!(*first, meaning, "{rejection:?}");
    }
}

#[test]
fn answers_say_nothing_of_keys_and_configuration() {
    const WORDS: [&str; 15] = [
        "key",
        "kid",
        "jwks",
        "signature",
        "algorithm",
        "config",
        "snapshot",
        "sidecar",
        "cache",
        "issuer url",
        "serviceaccount",
        "credential",
        "expired at",
        "throttle",
        "mapping",
    ];
    for (rejection, _, _) in rejections() {
        let message = rejection.message().to_lowercase();
        for word in WORDS {
            assert!(!message.contains(word), "{rejection:?}: {message}");
        }
    }
}

#[test]
fn what_the_caller_can_act_on_is_said() {
    let message = |rejection: Rejection| rejection.message();
    assert!(message(Rejection::Claims(ClaimsError::Expired)).contains("expired"));
    assert!(message(Rejection::Claims(ClaimsError::Audience)).contains("audience"));
    assert!(message(Rejection::UnknownIssuer).contains("not from a known issuer"));
    assert!(message(Rejection::Signature).contains("not valid"));
    for (rejection, code, _) in rejections().iter().filter(|(_, code, _)| *code == 401) {
        assert!(rejection.message().starts_with("Unauthorized"), "{rejection:?} {code}");
    }
}
