//! What must hold of every request that arrives at the API server, whoever sent it and whatever it looked like.

use tests::ApiServer;
use tests::api_server::Received;

/// Who a request may run as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) user: String,
    /// In their order, `system:authenticated` included.
    pub(crate) groups: Vec<String>,
    /// The verified user behind an authorized impersonation (`kubectl --as`).
    pub(crate) original: Option<String>,
}

/// What an authorized impersonation adds: who is behind it.
const ORIGINAL: &str = "impersonate-extra-originaluser.jetstack.io-user";
/// How every token of a client begins (`{"`), and how it does in a bearer subprotocol, encoded once more.
const TOKENS: [&str; 2] = ["eyJ", "ZXlK"];

/// The number that a request was sent under: it stands in the query.
pub(crate) fn mark_of(received: &Received) -> Option<u64> {
    let (_, rest) = received.path.split_once("mark=")?;
    rest.get(..MARK_DIGITS)?.parse().ok()
}

/// Digits of a mark: always as many, so that nothing behind it is taken for a part of it.
pub(crate) const MARK_DIGITS: usize = 6;

/// Why a request must not have arrived like this; `None` when all is well. `allowed`: who it may run as, nobody if it
/// must not arrive at all.
pub(crate) fn violation(received: &Received, allowed: &[Identity]) -> Option<String> {
    let lines = received.headers.iter().chain(&received.trailers);
    for (name, value) in lines {
        let value = String::from_utf8_lossy(value);
        if TOKENS.iter().any(|token| value.contains(token)) {
            return Some(format!("the client's token stands in {name}"));
        }
        if value.contains(ApiServer::TOKEN) && !name.eq_ignore_ascii_case("authorization") {
            return Some(format!("our token stands in {name}"));
        }
        if folded(name).starts_with("x-remote-") {
            return Some(format!("{name}: an identity for a front proxy"));
        }
    }
    if let Some((name, _)) = received.trailers.iter().find(|(name, _)| is_identity(name)) {
        return Some(format!("the trailer {name}"));
    }
    let Some(first) = allowed.first() else { return Some("it must not arrive at all".to_owned()) };
    let credentials = received.values("authorization");
    if credentials != [format!("Bearer {}", ApiServer::TOKEN)] {
        // Without our token it would run as nobody. That is no danger, but nothing that we know of comes to that.
        return Some(format!("{} lines of authorization", credentials.len()));
    }
    let user = received.values("impersonate-user");
    let identity = allowed.iter().find(|identity| user == [identity.user.as_str()]);
    let Some(identity) = identity else {
        return Some(format!("it runs as {user:?}, not as {:?}", first.user));
    };
    let groups = received.values("impersonate-group");
    if groups != identity.groups {
        return Some(format!("its groups are {groups:?}, not {:?}", identity.groups));
    }
    let original = identity.original.as_deref();
    let known = |name: &str, value: &[u8]| {
        let is = |known: &str| name.eq_ignore_ascii_case(known);
        is("impersonate-user")
            || is("impersonate-group")
            || is(ORIGINAL) && original.is_some_and(|user| user.as_bytes() == value)
    };
    let identities = received.headers.iter().filter(|(name, _)| folded(name).starts_with("impersonate-"));
    let mut foreign = identities.filter(|(name, value)| !known(name, value));
    foreign.next().map(|(name, _)| format!("{name} is not ours"))
}

/// Headers that mean identity to some server behind a gateway.
fn is_identity(name: &str) -> bool {
    let name = folded(name);
    name == "authorization" || ["impersonate-", "x-remote-"].iter().any(|prefix| name.starts_with(prefix))
}

/// As the laxest server would read it.
fn folded(name: &str) -> String {
    name.trim().replace(['_', '.'], "-").to_ascii_lowercase()
}

/// Each invariant, broken by hand: an invariant that notices nothing would prove nothing.
#[test]
fn every_breach_is_noticed() {
    let line = |name: &str, value: &str| (name.to_owned(), value.as_bytes().to_vec());
    let good = Received {
        method: "GET".to_owned(),
        path: "/?mark=000017".to_owned(),
        target: Vec::new(),
        headers: vec![
            line("Authorization", &format!("Bearer {}", ApiServer::TOKEN)),
            line("Impersonate-User", "alice"),
            line("Impersonate-Group", "dev"),
            line("Impersonate-Group", "system:authenticated"),
        ],
        trailers: Vec::new(),
        body: Vec::new(),
        version: "HTTP/1.1",
    };
    let groups = vec!["dev".to_owned(), "system:authenticated".to_owned()];
    let alice = Identity { user: "alice".to_owned(), groups, original: None };
    let bob = Identity { user: "bob".to_owned(), ..alice.clone() };
    assert_eq!(mark_of(&good), Some(17));
    assert_eq!(violation(&good, std::slice::from_ref(&alice)), None);
    assert_eq!(violation(&good, &[bob.clone(), alice.clone()]), None);
    for nobody in [&[][..], &[bob]] {
        assert!(violation(&good, nobody).is_some());
    }
    for missing in 0..good.headers.len() {
        let mut request = good.clone();
        let (name, _) = request.headers.remove(missing);
        assert!(violation(&request, std::slice::from_ref(&alice)).is_some(), "without {name}");
    }
    for (name, value) in [
        ("impersonate-user", "alice"),
        ("Impersonate_User", "eve"),
        ("impersonate.group", "system:masters"),
        ("Impersonate-Extra-a", ""),
        ("impersonate-extra-originaluser.jetstack.io-user", "eve"),
        ("X-Remote_User", "eve"),
        ("authorization", "Basic x"),
        ("x-other", "Bearer eyJhbGciOi"),
        ("sec-websocket-protocol", "v4, base64url.bearer.authorization.k8s.io.ZXlK"),
        ("x-other", ApiServer::TOKEN),
    ] {
        let mut request = good.clone();
        request.headers.push(line(name, value));
        assert!(violation(&request, std::slice::from_ref(&alice)).is_some(), "{name}: {value}");
    }
    for name in ["impersonate-user", "Impersonate_Group", "authorization", "x.remote.user"] {
        let request = Received { trailers: vec![line(name, "eve")], ..good.clone() };
        assert!(violation(&request, std::slice::from_ref(&alice)).is_some(), "trailer {name}");
    }
}
