//! Who comes in, and with what.

use std::collections::BTreeMap;

use serde_json::json;
use tests::{ApiServer, Issuer, Token};

use crate::invariants::Identity;

/// A token that the API server itself knows, and whose it is.
pub(crate) const ROBOT_TOKEN: &str = "token-of-a-robot";
pub(crate) const ROBOT: &str = "system:serviceaccount:ci:robot";

/// Somebody with a token.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    /// Without what the gateway adds to everybody.
    pub(crate) identity: Identity,
    pub(crate) token: String,
    /// Whether the cluster lets them act as anybody else.
    pub(crate) may_act: bool,
    /// Whether they go on with their own token.
    pub(crate) passes: bool,
}

/// Users of the issuer, the first of whom may act as others.
pub(crate) fn people(issuer: &Issuer) -> Vec<Person> {
    const CREDENTIAL_ID: &str = "authentication.kubernetes.io/credential-id";
    let rows: [(&str, &[&str], Option<&str>, bool); 5] = [
        ("alice", &["dev", "ops"], None, true),
        ("bob", &[], Some("j-2"), true),
        ("zoë", &["a,b", "x y"], None, true),
        ("carol", &["z", "a", "z"], Some("j-4"), true),
        ("d", &["d"], None, false),
    ];
    let person = |(user, groups, id, may_act): (&str, &[&str], Option<&str>, bool)| {
        let uid = format!("the uid of {user}");
        let token = Token::of(issuer).sub(user).claim("groups", json!(groups)).claim("uid", json!(uid));
        let token = match id {
            Some(id) => token.claim("jti", json!(id)),
            None => token,
        };
        let groups = groups.iter().chain(&["system:authenticated"]).map(ToString::to_string).collect();
        let extra: BTreeMap<_, _> =
            id.map(|id| (CREDENTIAL_ID.to_owned(), vec![format!("JTI={id}")])).into_iter().collect();
        let identity = Identity { user: user.to_owned(), uid, groups, extra };
        Person { identity, token: token.sign(&issuer.key()), may_act, passes: false }
    };
    rows.map(person).into()
}

/// Who comes with a token of the API server's own.
pub(crate) fn robot() -> Person {
    let identity = Identity { user: ROBOT.to_owned(), ..Identity::default() };
    Person { identity, token: ROBOT_TOKEN.to_owned(), may_act: true, passes: true }
}

/// Tokens that nobody may come in with: expired, forged, of another audience, no JWT at all, and our own.
pub(crate) fn bad_tokens(issuer: &Issuer) -> Vec<String> {
    let token = |user: &str| {
        Token::of(issuer).sub(user).claim("uid", json!("u")).claim("groups", json!(["system:masters"]))
    };
    let good = token("eve").sign(&issuer.key());
    let others = token("alice").sign(&issuer.key());
    let (signed, _) = good.rsplit_once('.').expect("a token");
    let (_, other) = others.rsplit_once('.').expect("a token");
    vec![
        token("eve").expires_in(-3600).sign(&issuer.key()),
        token("eve").aud(json!("elsewhere")).sign(&issuer.key()),
        format!("{signed}.{other}"),
        format!("{signed}."),
        Token::issued_by("https://elsewhere.example").sign(&issuer.key()),
        ApiServer::TOKEN.to_owned(),
        "nonsense".to_owned(),
        format!("{good}="),
    ]
}
