//! The shipped formats of the access log, put into the shipped bootstrap.

use crate::gateway::GatewayOptions;
use crate::process::repository;

/// A file of `envoy/access-log`, its entries to stand at this indentation.
#[must_use]
pub fn entries(name: &str, indentation: usize) -> String {
    let path = repository().join("envoy/access-log").join(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| format!("{:indentation$}{line}\n", "")).collect()
}

/// kube-oidc-proxy's line and audit events, beside the JSON format that is there.
#[must_use]
pub fn with_formats(options: GatewayOptions) -> GatewayOptions {
    let formats = entries("kube-oidc-proxy.yaml", 10) + &entries("audit.yaml", 10);
    options.alter("          access_log:\n", &format!("          access_log:\n{formats}")).alter(
        r#""upstreamClusters": ["kube_apiserver"]"#,
        r#""upstreamClusters": ["kube_apiserver"], "records": {"kubeOidcProxy": true, "audit": true}"#,
    )
}
