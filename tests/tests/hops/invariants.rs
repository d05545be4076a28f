//! What must hold of every request that arrives at the API server, whoever sent it and whatever it looked like.

use std::collections::BTreeMap;

use tests::api_server::Received;
use tests::{ApiServer, mint};

use crate::asking::{Arrival, Asked, EXTRA, ORIGINAL, unescaped};
use crate::people::ROBOT_TOKEN;
use crate::policy::{ADDED, SIDECARS_TOKEN};

/// Who a request may run as, or runs as, as kube-apiserver reads it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) user: String,
    pub(crate) uid: String,
    /// In their order, `system:authenticated` included.
    pub(crate) groups: Vec<String>,
    pub(crate) extra: BTreeMap<String, Vec<String>>,
}

/// How every token of an issuer begins (`{"`), and how it does in a bearer subprotocol, encoded once more.
const TOKENS: [&str; 2] = ["eyJ", "ZXlK"];

impl Identity {
    /// With the extra that the gateway adds to everybody.
    pub(crate) fn with_added(mut self) -> Self {
        self.extra.extend(ADDED.map(|(key, value)| (key.to_owned(), vec![value.to_owned()])));
        self
    }

    /// Whether somebody else is behind it.
    pub(crate) fn is_acted(&self) -> bool {
        self.extra.keys().any(|key| key.starts_with(ORIGINAL))
    }

    /// Reads it off a request, whose `impersonate-*` lines must be such that no server could read another one.
    pub(crate) fn of(received: &Received) -> Result<Self, String> {
        let one = |name: &str, least: usize| {
            let values = received.values(name);
            let is_fit = (least..=1).contains(&values.len());
            if is_fit { Ok(values.concat()) } else { Err(format!("{} lines of {name}", values.len())) }
        };
        let (user, uid) = (one("impersonate-user", 1)?, one("impersonate-uid", 0)?);
        if user.is_empty() {
            return Err("it runs as us".to_owned());
        }
        let mut extra = BTreeMap::<String, Vec<String>>::new();
        for (name, value) in identity_lines(received) {
            let name = name.to_ascii_lowercase();
            match name.strip_prefix(EXTRA) {
                Some(key) => {
                    let value = String::from_utf8_lossy(value).into_owned();
                    extra.entry(unescaped(key)).or_default().push(value);
                }
                None if OWN_NAMES.contains(&name.as_str()) => {}
                None => return Err(format!("{name} is not ours")),
            }
        }
        Ok(Self { user, uid, groups: received.values("impersonate-group"), extra })
    }
}

/// kube-apiserver's own names, without those of the extra.
const OWN_NAMES: [&str; 3] = ["impersonate-user", "impersonate-uid", "impersonate-group"];

/// The number that a request was sent under: it stands in the query.
pub(crate) fn mark_of(received: &Received) -> Option<u64> {
    let (_, rest) = received.path.split_once("mark=")?;
    rest.get(..MARK_DIGITS)?.parse().ok()
}

/// Digits of a mark: always as many, so that nothing behind it is taken for a part of it.
pub(crate) const MARK_DIGITS: usize = 6;

/// Why a request must not have arrived like this; `None` when all is well. `allowed`: how it may arrive; nowise if it
/// must not arrive at all.
pub(crate) fn violation(received: &Received, allowed: &[Arrival]) -> Option<String> {
    for (name, value) in received.headers.iter().chain(&received.trailers) {
        let value = String::from_utf8_lossy(value);
        if TOKENS.iter().any(|token| value.contains(token)) {
            return Some(format!("the client's token stands in {name}"));
        }
        let is_authorization = name.eq_ignore_ascii_case("authorization");
        if value.contains(SIDECARS_TOKEN) || value.contains(ApiServer::TOKEN) && !is_authorization {
            return Some(format!("our token stands in {name}"));
        }
        if folded(name).starts_with("x-remote-") {
            return Some(format!("{name}: an identity for a front proxy"));
        }
    }
    if let Some((name, _)) = received.trailers.iter().find(|(name, _)| is_identity(name)) {
        return Some(format!("the trailer {name}"));
    }
    match allowed.first() {
        None => Some("it must not arrive at all".to_owned()),
        Some(Arrival::Own(asked)) => violation_of_own(received, asked),
        Some(Arrival::As(_)) => violation_of_impersonated(received, allowed),
    }
}

/// A request of ours: our credential and exactly one of these identities.
fn violation_of_impersonated(received: &Received, allowed: &[Arrival]) -> Option<String> {
    let credentials = received.values("authorization");
    if credentials != [format!("Bearer {}", ApiServer::TOKEN)] {
        // Without our token it would run as nobody. That is no danger, but nothing that we know of comes to that.
        return Some(format!("{} lines of authorization", credentials.len()));
    }
    if robots_tokens().iter().any(|token| carries(received, token)) {
        return Some("it has somebody else's token as well".to_owned());
    }
    match Identity::of(received) {
        Err(why) => Some(why),
        Ok(identity) if allowed.contains(&Arrival::As(identity.clone())) => None,
        Ok(identity) => Some(format!("it runs as {identity:?}, which is none of {allowed:?}")),
    }
}

/// A request with its own token: nothing of ours, and no other identity than it has asked for.
fn violation_of_own(received: &Received, asked: &[Asked]) -> Option<String> {
    let credentials = received.values("authorization");
    let is_its_own = match credentials.as_slice() {
        [] => carries(received, &robots_tokens()[1]),
        [one] => one.split_once(' ').is_some_and(|(scheme, token)| {
            scheme.eq_ignore_ascii_case("bearer") && token.trim() == ROBOT_TOKEN
        }),
        _ => false,
    };
    if !is_its_own {
        return Some(format!("it passes with {credentials:?}"));
    }
    let is_asked = |name: &str, value: &[u8]| {
        asked
            .iter()
            .any(|line| is_line(line, name, value) || !line.certain && line.name == name.to_ascii_lowercase())
    };
    let mut strange = identity_lines(received)
        .filter(|(name, value)| !is_own_name(&name.to_ascii_lowercase()) || !is_asked(name, value));
    if let Some((name, _)) = strange.next() {
        return Some(format!("{name} is an alias, or was not asked for"));
    }
    // Nor less: half of what it asks to be is somebody else.
    let own_names = asked.iter().filter(|line| line.certain && is_own_name(&line.name));
    let mut lost =
        own_names.filter(|line| !received.headers.iter().any(|(name, value)| is_line(line, name, value)));
    lost.next().map(|line| format!("it has lost its {}", line.name))
}

fn is_line(line: &Asked, name: &str, value: &[u8]) -> bool {
    line.name == name.to_ascii_lowercase() && line.value.trim_ascii() == value
}

/// Whether it is a name of kube-apiserver's.
fn is_own_name(name: &str) -> bool {
    OWN_NAMES.contains(&name) || name.starts_with(EXTRA)
}

/// The robot's token as it stands in `authorization`, and in a bearer subprotocol.
fn robots_tokens() -> [String; 2] {
    [ROBOT_TOKEN.to_owned(), mint::encode(ROBOT_TOKEN.as_bytes())]
}

fn carries(received: &Received, text: &str) -> bool {
    received.headers.iter().any(|(_, value)| String::from_utf8_lossy(value).contains(text))
}

/// The header lines that some server could take for impersonation.
fn identity_lines(received: &Received) -> impl Iterator<Item = &(String, Vec<u8>)> {
    received.headers.iter().filter(|(name, _)| means_impersonation(name))
}

/// Whether some server could take a header of this name for impersonation.
pub(crate) fn means_impersonation(name: &str) -> bool {
    folded(name).starts_with("impersonate-")
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
            line("Impersonate-Uid", "u"),
            line("Impersonate-Group", "dev"),
            line("Impersonate-Group", "system:authenticated"),
            line("Impersonate-Extra-Stage", "test"),
            line("Impersonate-Extra-Remote-Client-Ip", "127.0.0.1"),
        ],
        trailers: Vec::new(),
        body: Vec::new(),
        version: "HTTP/1.1",
    };
    let groups = vec!["dev".to_owned(), "system:authenticated".to_owned()];
    let (user, uid) = ("alice".to_owned(), "u".to_owned());
    let alice = Identity { user, uid, groups, extra: BTreeMap::new() }.with_added();
    let bob = Arrival::As(Identity { user: "bob".to_owned(), ..alice.clone() });
    let alice = Arrival::As(alice);
    let as_alice = |request: &Received| violation(request, std::slice::from_ref(&alice));
    assert_eq!(mark_of(&good), Some(17));
    assert_eq!(as_alice(&good), None);
    assert_eq!(violation(&good, &[bob.clone(), alice.clone()]), None);
    for nobody in [&[][..], &[bob], &[Arrival::Own(vec![])]] {
        assert!(violation(&good, nobody).is_some());
    }
    for missing in 0..good.headers.len() {
        let mut request = good.clone();
        let (name, _) = request.headers.remove(missing);
        assert!(as_alice(&request).is_some(), "without {name}");
    }
    for (name, value) in [
        ("impersonate-user", "alice"),
        ("Impersonate_User", "eve"),
        ("impersonate-uid", "u"),
        ("impersonate.group", "system:masters"),
        ("impersonate-group", "system:masters"),
        ("Impersonate-Extra-a", ""),
        ("Impersonate-Extra_a", ""),
        ("Impersonate-Extra-Stage", "test"),
        ("impersonate-extra-originaluser.jetstack.io-user", "eve"),
        ("X-Remote_User", "eve"),
        ("authorization", "Basic x"),
        ("x-other", "Bearer eyJhbGciOi"),
        ("sec-websocket-protocol", "v4, base64url.bearer.authorization.k8s.io.ZXlK"),
        ("x-other", ApiServer::TOKEN),
        ("x-other", SIDECARS_TOKEN),
        ("x-other", ROBOT_TOKEN),
    ] {
        let mut request = good.clone();
        request.headers.push(line(name, value));
        assert!(as_alice(&request).is_some(), "{name}: {value}");
    }
    for name in ["impersonate-user", "Impersonate_Group", "authorization", "x.remote.user"] {
        let request = Received { trailers: vec![line(name, "eve")], ..good.clone() };
        assert!(as_alice(&request).is_some(), "trailer {name}");
    }
    every_breach_with_an_own_token_is_noticed(&good);
}

#[cfg(test)]
fn every_breach_with_an_own_token_is_noticed(request: &Received) {
    let line = |name: &str, value: &str| (name.to_owned(), value.as_bytes().to_vec());
    let asked = |name: &str, value: &str| Asked {
        name: name.to_owned(),
        value: value.as_bytes().to_vec(),
        certain: true,
    };
    let own = [Arrival::Own(vec![asked("impersonate-user", "bob"), asked("impersonate.user", "eve")])];
    let good = Received {
        headers: vec![
            line("Authorization", &format!("bearer {ROBOT_TOKEN}")),
            line("Impersonate-User", "bob"),
        ],
        ..request.clone()
    };
    assert_eq!(violation(&good, &own), None);
    assert!(violation(&Received { headers: vec![good.headers[0].clone()], ..good.clone() }, &own).is_some());
    for (name, value) in [
        ("Authorization", "Basic x"),
        ("Authorization", ApiServer::TOKEN),
        ("Impersonate-User", "alice"),
        ("Impersonate-Extra-Stage", "test"),
        ("Impersonate.User", "eve"),
        ("X-Remote-User", "bob"),
        ("x-other", ApiServer::TOKEN),
    ] {
        let mut request = good.clone();
        request.headers.push(line(name, value));
        assert!(violation(&request, &own).is_some(), "{name}: {value}");
    }
}
