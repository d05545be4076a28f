//! Writes the gRPC service of `authn/proto/feed.proto`. The messages are `authn::feed`'s own types, so no generated
//! message type comes into this crate.

use tonic_build::manual::{Builder, Method, Service};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let method = |name: &str, route: &str| {
        Method::builder()
            .name(name)
            .route_name(route)
            .input_type(format!("authn::feed::{route}Request"))
            .output_type(format!("authn::feed::{route}Response"))
            .codec_path("crate::codec::FeedCodec")
            .build()
    };
    let service = Service::builder()
        .name("Feed")
        .package("kubeoidcfilter.v1")
        .method(method("get_snapshot", "GetSnapshot"))
        .method(method("refresh_keys", "RefreshKeys"))
        .method(method("resolve_claims", "ResolveClaims"))
        .method(method("review_impersonation", "ReviewImpersonation"))
        .method(method("review_token", "ReviewToken"))
        .build();
    Builder::new().build_client(false).compile(&[service]);
}
