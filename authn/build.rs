//! Compiles the wire contract. `protox` is a protobuf compiler in Rust, so that no `protoc` has to be installed.
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=proto/feed.proto");
    let descriptors = protox::compile(["proto/feed.proto"], ["proto"])?;
    prost_build::Config::new()
        // A derived Debug would print the ServiceAccount token, or a client's.
        .skip_debug([
            ".kubeoidcfilter.v1.GetSnapshotResponse",
            ".kubeoidcfilter.v1.RefreshKeysResponse",
            ".kubeoidcfilter.v1.ReviewTokenRequest",
            ".kubeoidcfilter.v1.Snapshot",
            ".kubeoidcfilter.v1.UpstreamCredential",
        ])
        .compile_fds(descriptors)?;
    Ok(())
}
