//! What the gateway is told to do with a client's own `Impersonate-*`, and what the cluster says about who may act as
//! whom.

use serde_json::{Value, json};
use tests::{ApiServer, GatewayOptions};

use crate::invariants::Identity;
use crate::people::{Person, ROBOT, ROBOT_TOKEN};

/// The token of the sidecar's own account.
pub(crate) const SIDECARS_TOKEN: &str = "token-of-the-sidecars-own-account";
/// Keys of the extra that only the gateway sets, with the value that each request has.
pub(crate) const ADDED: [(&str, &str); 2] = [("remote-client-ip", "127.0.0.1"), ("stage", "test")];
/// Who may be impersonated, by resource; of an extra the value, whatever its key. The service account's namespace is
/// [`NAMESPACE`].
const LEAVE: [(&str, &[&str]); 5] = [
    ("users", &["eve", "bob", "zoë", "system:anonymous"]),
    ("groups", &["dev", "a,b", "x y", "system:authenticated"]),
    ("uids", &["u-9"]),
    ("userextras", &["x", "view"]),
    ("serviceaccounts", &["deployer"]),
];
pub(crate) const NAMESPACE: &str = "ci";

/// How the filter is configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Policy {
    /// `clientImpersonation: authorize`, as shipped.
    Authorize,
    /// The same, and the API server's own tokens pass.
    PassThrough,
    /// `clientImpersonation: reject`.
    Reject,
    /// `clientImpersonation: strip`.
    Strip,
}

impl Policy {
    /// With `reviews` as the API server that the sidecar asks: apart from the one behind the hop, so that whatever
    /// arrives there came from a client.
    pub(crate) fn configure(self, options: GatewayOptions, reviews: &ApiServer) -> GatewayOptions {
        let [(address, _), (key, value)] = ADDED;
        let mut members = json!({"clientAddressExtra": address, "extraUserHeaders": {key: [value]}});
        match self {
            Self::Authorize => {}
            Self::PassThrough => members["tokenPassthrough"] = json!({}),
            Self::Reject => members["clientImpersonation"] = json!("reject"),
            Self::Strip => members["clientImpersonation"] = json!("strip"),
        }
        options.asks_at(reviews, SIDECARS_TOKEN).filter(&members)
    }
}

/// The cluster's answers to the sidecar.
pub(crate) async fn reviews(people: &[Person]) -> ApiServer {
    let reviews = ApiServer::start().await;
    reviews.accept_as(SIDECARS_TOKEN, "system:serviceaccount:kube-oidc-filter:gateway");
    let askers: Vec<_> =
        people.iter().filter(|person| person.may_act).map(|person| person.identity.clone()).collect();
    reviews.on_access_review(move |spec| json!({"allowed": is_leave(spec, &askers)}));
    reviews.on_token_review(
        |spec| json!({"authenticated": spec["token"] == ROBOT_TOKEN, "user": {"username": ROBOT}}),
    );
    reviews
}

/// Whether the authorizer lets anybody who may act at all impersonate this.
pub(crate) fn may_be(resource: &str, name: &str) -> bool {
    LEAVE.iter().any(|(known, names)| *known == resource && names.contains(&name))
}

/// Leave is the asker's: the same name with other groups or another uid is somebody else.
fn is_leave(spec: &Value, askers: &[Identity]) -> bool {
    let is_asker = |asker: &Identity| {
        spec["user"] == *asker.user && spec["uid"] == *asker.uid && spec["groups"] == json!(asker.groups)
    };
    let asked = &spec["resourceAttributes"];
    let text = |name: &str| asked[name].as_str().unwrap_or_default();
    askers.iter().any(is_asker)
        && text("verb") == "impersonate"
        && may_be(text("resource"), text("name"))
        && (text("resource") == "serviceaccounts") == (text("namespace") == NAMESPACE)
}
