//! The Envoy tier: the real filter in a real Envoy, with the shipped bootstrap and the real sidecar.
//!
//! The issuer and the API server are the support library's. `docs/request-contract.md` lists what a request meets;
//! each row of it has a test here that bears its id (see `contract`).
#![expect(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::string_slice,
    reason = "a test stops at the first surprise"
)]

mod anonymous;
mod answers;
mod cached;
mod claims;
mod configuration;
mod contract;
mod credential;
mod destinations;
mod expressions;
mod extras;
mod headers;
mod hostile;
mod impersonation;
mod isolation;
mod metrics;
mod other_tokens;
mod outages;
mod record_rows;
mod records;
mod rotation;
mod snapshots;
mod streams;

use serde_json::Value;
use tests::{ApiServer, Gateway, GatewayOptions, Issuer, Response, Token, gateway};

/// An issuer, an API server and the gateway between them.
struct Chain {
    issuer: Issuer,
    api: ApiServer,
    gateway: Gateway,
}

/// Starts the usual chain.
async fn chain() -> Chain {
    chain_with(|options| options).await
}

/// Starts the usual chain with other options for the gateway.
async fn chain_with(options: impl FnOnce(GatewayOptions) -> GatewayOptions) -> Chain {
    let (issuer, api) = (Issuer::start().await, ApiServer::start().await);
    let usual = GatewayOptions::new(&api, gateway::configuration(&[&issuer]));
    let gateway = options(usual).start().await;
    Chain { issuer, api, gateway }
}

impl Chain {
    /// A good token of alice, in the groups dev and ops.
    fn alice(&self) -> String {
        self.token(|token| token)
    }

    /// A token of alice with something about it changed.
    fn token(&self, change: impl FnOnce(Token) -> Token) -> String {
        let alice = Token::of(&self.issuer).sub("alice").claim("groups", serde_json::json!(["dev", "ops"]));
        change(alice).sign(&self.issuer.key())
    }

    /// A GET with this token.
    async fn get(&self, token: &str) -> Response {
        self.gateway.client().get("/api/v1/pods").bearer(token).send().await
    }
}

/// Holds an answer against what it must be: a `Status` with this code and message.
#[track_caller]
fn assert_status(answer: &Response, code: u16, message: &str) {
    let status = answer.json();
    let expected = serde_json::json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": message, "reason": reason_of(code), "code": code,
    });
    assert_eq!((answer.status, &status), (code, &expected));
    assert_eq!(answer.value("content-type").as_deref(), Some("application/json"));
}

fn reason_of(code: u16) -> Value {
    let reason = match code {
        400 => "BadRequest",
        401 => "Unauthorized",
        403 => "Forbidden",
        431 => "RequestHeaderFieldsTooLarge",
        _ => "ServiceUnavailable",
    };
    reason.into()
}
