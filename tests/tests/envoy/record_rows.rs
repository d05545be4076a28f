//! The requests of `records`, and what the access log must say of each.

use serde_json::{Value, json};
use tests::{Algorithm, Request, SigningKey};

use crate::Chain;

/// exec, which is an upgrade.
pub(crate) const EXEC: &str = "/api/v1/namespaces/a/pods/b/exec?command=sh&row=exec";

/// A request, and what must be said of it.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    /// Path and query, without the mark.
    pub(crate) path: &'static str,
    pub(crate) request: fn(&Chain, Request) -> Request,
    pub(crate) code: u64,
    /// The line after the timestamp; `~` stands for path and mark.
    pub(crate) kube_oidc_proxy: &'static str,
    pub(crate) audit: Value,
}

pub(crate) fn alice() -> Value {
    json!({"username": "alice", "groups": ["dev", "ops", "system:authenticated"]})
}

fn pods() -> Value {
    json!({"resource": "pods", "namespace": "a", "apiVersion": "v1"})
}

pub(crate) fn refused(reason: &str) -> Value {
    json!({"authn.kube-oidc-filter.io/reason": reason})
}

#[expect(clippy::too_many_lines, reason = "a table")]
pub(crate) fn rows() -> Vec<Row> {
    let list = "/api/v1/namespaces/a/pods?limit=500";
    let inbound = "inbound:[alice / dev|ops|system:authenticated / ]";
    let success: &'static str =
        Box::leak(format!("AuSuccess src:[127.0.0.1 / ] URI:~ {inbound}").into_boxed_str());
    let failure = "AuFail src:[127.0.0.1 / ] URI:~";
    let local = json!(["127.0.0.1"]);
    vec![
        Row {
            name: "list",
            path: list,
            request: |chain, request| request.bearer(&chain.alice()).header("user-agent", "kubectl/v1.36.3"),
            code: 200,
            kube_oidc_proxy: success,
            audit: json!({"verb": "list", "user": alice(), "sourceIPs": local, "objectRef": pods(),
                "userAgent": "kubectl/v1.36.3"}),
        },
        Row {
            name: "example",
            path: "/api/v1/namespaces/a/pods/b/log?follow=true",
            request: |chain, request| {
                let token = chain.token(|token| token.claim("jti", json!("b5f2")));
                let request = request.bearer(&token).header("user-agent", "kubectl/v1.36.3");
                request.header("x-forwarded-for", "10.42.1.3")
            },
            code: 200,
            kube_oidc_proxy: "AuSuccess src:[127.0.0.1 / 10.42.1.3] URI:~ inbound:[alice / \
                dev|ops|system:authenticated / authentication.kubernetes.io/credential-id=JTI=b5f2 ]",
            audit: json!({"verb": "get", "sourceIPs": ["10.42.1.3", "127.0.0.1"], "userAgent": "kubectl/v1.36.3",
                "user": {"username": "alice", "groups": ["dev", "ops", "system:authenticated"],
                    "extra": {"authentication.kubernetes.io/credential-id": ["JTI=b5f2"]}},
                "objectRef": {"resource": "pods", "namespace": "a", "name": "b", "apiVersion": "v1",
                    "subresource": "log"}}),
        },
        Row {
            name: "forwarded-v6",
            path: list,
            request: |chain, request| {
                request.bearer(&chain.alice()).header("x-forwarded-for", "10.9.9.9, 2001:DB8:0::7")
            },
            code: 200,
            kube_oidc_proxy: "AuSuccess src:[127.0.0.1 / 2001:db8::7] URI:~ \
                inbound:[alice / dev|ops|system:authenticated / ]",
            audit: json!({"verb": "list", "user": alice(), "sourceIPs": ["2001:db8::7", "127.0.0.1"],
                "objectRef": pods()}),
        },
        Row {
            name: "extra",
            path: "/healthz?verbose",
            request: |chain, request| request.bearer(&chain.token(|token| token.claim("jti", json!("1=2")))),
            code: 200,
            kube_oidc_proxy: "AuSuccess src:[127.0.0.1 / ] URI:~ inbound:[alice / dev|ops|system:authenticated / \
                authentication.kubernetes.io/credential-id=JTI=1=2 ]",
            audit: json!({"verb": "get", "sourceIPs": local, "user": {
                "username": "alice", "groups": ["dev", "ops", "system:authenticated"],
                "extra": {"authentication.kubernetes.io/credential-id": ["JTI=1=2"]}}}),
        },
        Row {
            name: "rotated",
            path: list,
            request: |chain, request| {
                let key = SigningKey::shared(Algorithm::ES256).with_kid("rotated");
                chain.issuer.publish(&[&chain.issuer.key(), &key]);
                request.bearer(&tests::Token::of(&chain.issuer).sub("alice").sign(&key))
            },
            code: 200,
            kube_oidc_proxy: "AuSuccess src:[127.0.0.1 / ] URI:~ inbound:[alice / system:authenticated / ]",
            audit: json!({"verb": "list", "sourceIPs": local, "objectRef": pods(),
                "user": {"username": "alice", "groups": ["system:authenticated"]}}),
        },
        Row {
            name: "hostile-names",
            path: list,
            request: |chain, request| {
                let groups = json!(["a|b", "x / y", "cn=ops,dc=example", "/teams/dev"]);
                let sub = "al]\" URI:/ inbound:[root / \\";
                request.bearer(&chain.token(|token| token.sub(sub).claim("groups", groups)))
            },
            code: 200,
            kube_oidc_proxy: "AuSuccess src:[127.0.0.1 / ] URI:~ inbound:[al%5D\" URI:/ inbound:%5Broot %2F \\ / \
                a%7Cb|x %2F y|cn=ops,dc=example|/teams/dev|system:authenticated / ]",
            audit: json!({"verb": "list", "sourceIPs": local, "objectRef": pods(), "user": {
                "username": "al]\" URI:/ inbound:[root / \\",
                "groups": ["a|b", "x / y", "cn=ops,dc=example", "/teams/dev", "system:authenticated"]}}),
        },
        Row {
            name: "line-end-in-name",
            path: list,
            request: |chain, request| {
                request.bearer(&chain.token(|token| token.sub("a\n[2026-03-01T12:00:00+0000] AuSuccess")))
            },
            code: 403,
            kube_oidc_proxy: failure,
            audit: json!({"verb": "list", "user": {}, "sourceIPs": local, "objectRef": pods(),
                "annotations": refused("username_not_header_safe")}),
        },
        Row {
            name: "odd-bytes",
            path: "/api/v1/namespaces/a/pods/x%0Ay%22%ff[z]?a=%zz",
            request: |chain, request| {
                request.bearer(&chain.alice()).header("user-agent", b"a\xff\"\\\tb\xc3\xa9")
            },
            code: 200,
            kube_oidc_proxy: "AuSuccess src:[127.0.0.1 / ] \
                URI:/api/v1/namespaces/a/pods/x%0Ay%22%ff%5Bz%5D?a=%zz&row=odd-bytes \
                inbound:[alice / dev|ops|system:authenticated / ]",
            audit: json!({"verb": "get", "user": alice(), "sourceIPs": local,
                "userAgent": "a\u{fffd}\"\\\tb\u{e9}",
                "objectRef": {"resource": "pods", "namespace": "a", "name": "x\ny\"\u{fffd}[z]", "apiVersion": "v1"}}),
        },
        Row {
            name: "expired",
            path: "/apis/apps/v1/namespaces/a/deployments/b/scale?x=1",
            request: |chain, request| request.bearer(&chain.token(|token| token.expires_in(-1))),
            code: 401,
            kube_oidc_proxy: failure,
            audit: json!({"verb": "get", "user": {}, "sourceIPs": local, "annotations": refused("expired"),
                "objectRef": {"resource": "deployments", "namespace": "a", "name": "b", "apiGroup": "apps",
                    "apiVersion": "v1", "subresource": "scale"}}),
        },
        Row {
            name: "as",
            path: list,
            request: |chain, request| request.bearer(&chain.alice()).header("impersonate-user", "bob"),
            code: 200,
            kube_oidc_proxy: "AuSuccess src:[127.0.0.1 / ] URI:~ \
                inbound:[alice / dev|ops|system:authenticated / ] outbound:[bob / system:authenticated /  / \
                originaluser.jetstack.io-user=alice originaluser.jetstack.io-groups=dev|ops|system:authenticated ]",
            audit: json!({"verb": "list", "user": alice(), "sourceIPs": local, "objectRef": pods(),
                "impersonatedUser": {"username": "bob", "groups": ["system:authenticated"], "extra": {
                    "originaluser.jetstack.io-user": ["alice"],
                    "originaluser.jetstack.io-groups": ["dev", "ops", "system:authenticated"]}}}),
        },
        Row {
            name: "as-denied",
            path: list,
            request: |chain, request| request.bearer(&chain.alice()).header("impersonate-user", "root"),
            code: 403,
            kube_oidc_proxy: failure,
            audit: json!({"verb": "list", "user": alice(), "sourceIPs": local, "objectRef": pods(),
                "annotations": refused("impersonation_denied")}),
        },
    ]
}

pub(crate) fn path_of(row: &Row) -> String {
    let separator = if row.path.contains('?') { '&' } else { '?' };
    format!("{}{separator}row={}", row.path, row.name)
}
