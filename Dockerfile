# syntax=docker/dockerfile:1
#
# One image with both artifacts of one version: the sidecar jwks-sync, and the filter for Envoy. With BuildKit:
#
#   docker build -t kube-oidc-filter .
#
# Base images are pinned by tag only. Replace the tags by digests where your builds must be reproducible.

# Alpine, because its Rust links statically with musl: the sidecar then runs in an image without any library.
FROM rust:1.95.0-alpine3.22 AS build
# The C compiler's headers, for ring.
RUN apk add --no-cache musl-dev
# Uses the compiler of this image. Else rust-toolchain.toml would fetch one more, with clippy and rustfmt.
ENV RUSTUP_TOOLCHAIN=1.95.0
RUN rustup target add wasm32-wasip1
WORKDIR /src
COPY . .
ARG TARGETARCH
# What Cargo downloads and builds stays in the cache of the builder, so the results are taken out of it right away.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target,id=kube-oidc-filter-target-$TARGETARCH \
    set -eu; mkdir /out; \
    cargo build --locked --release --target wasm32-wasip1 -p kube-oidc-filter; \
    cargo build --locked --profile sidecar -p jwks-sync; \
    cp target/wasm32-wasip1/release/kube_oidc_filter.wasm target/sidecar/jwks-sync /out/
# `cp` for an image without a shell: with it an init container puts the filter where Envoy finds it. By rename, so
# that nobody ever sees half a file.
RUN <<EOF
set -eu
cat >/tmp/copy.rs <<'RUST'
fn main() -> std::io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [from, to] = arguments.as_slice() else { panic!("usage: copy FROM TO") };
    let partial = format!("{to}.partial");
    std::fs::copy(from, &partial)?;
    std::fs::rename(partial, to)
}
RUST
rustc --edition 2024 -O -C strip=symbols -o /out/copy /tmp/copy.rs
EOF

# Nothing but root certificates, time zones and the user nonroot (65532).
FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /out/kube_oidc_filter.wasm /out/jwks-sync /out/copy /
USER 65532:65532
ENTRYPOINT ["/jwks-sync"]
