//! How Envoy is told where the sidecar is: a serialized `envoy.config.core.v3.GrpcService`.
//!
//! Envoy also takes a bare cluster name, but reads it as that message first, and a name that happens to be a valid
//! one (`envoy` is) aborts the whole process. The message also carries an authority (Istio's cluster names are none)
//! and a limit to what an answer may take.

use authn::snapshot::MAX_ENCODED;
use prost::Message;

/// Longest cluster name that can be used, in bytes.
pub const MAX_CLUSTER_NAME: usize = 64;
/// What the sidecar is called in `:authority`.
const AUTHORITY: &str = "jwks-sync";

/// Where calls go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    service: Vec<u8>,
    cluster: String,
}

/// Why a cluster can't be called: its name is empty, longer than [`MAX_CLUSTER_NAME`], or not visible ASCII.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to {MAX_CLUSTER_NAME} visible ASCII characters")]
pub struct TargetError;

#[derive(Clone, PartialEq, Message)]
struct GrpcService {
    #[prost(message, optional, tag = "1")]
    envoy_grpc: Option<EnvoyGrpc>,
}

#[derive(Clone, PartialEq, Message)]
struct EnvoyGrpc {
    #[prost(string, tag = "1")]
    cluster_name: String,
    #[prost(string, tag = "2")]
    authority: String,
    /// A `google.protobuf.UInt32Value`.
    #[prost(message, optional, tag = "4")]
    max_receive_message_length: Option<u32>,
}

impl Target {
    /// The sidecar behind `cluster`.
    ///
    /// # Errors
    /// [`TargetError`] when the name can't be used.
    pub fn new(cluster: &str) -> Result<Self, TargetError> {
        if cluster.is_empty()
            || cluster.len() > MAX_CLUSTER_NAME
            || !cluster.bytes().all(|byte| byte.is_ascii_graphic())
        {
            return Err(TargetError);
        }
        let service = GrpcService {
            envoy_grpc: Some(EnvoyGrpc {
                cluster_name: cluster.to_owned(),
                authority: AUTHORITY.to_owned(),
                max_receive_message_length: u32::try_from(MAX_ENCODED).ok(),
            }),
        };
        Ok(Self { service: service.encode_to_vec(), cluster: cluster.to_owned() })
    }

    /// The serialized message.
    #[must_use]
    pub fn service(&self) -> &[u8] {
        &self.service
    }

    /// The cluster's name.
    #[must_use]
    pub fn cluster(&self) -> &str {
        &self.cluster
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_is_what_envoy_reads() {
        let target = Target::new("ab").unwrap();
        // Field 1 { field 1 "ab", field 2 authority, field 4 { field 1: 1048642 as the varint c2 80 40 } }.
        let expected =
            [&[0x0a, 21, 0x0a, 2][..], b"ab", &[0x12, 9], b"jwks-sync", &[0x22, 4, 0x08, 0xc2, 0x80, 0x40]]
                .concat();
        assert_eq!(target.service(), expected);
        assert_eq!(target.cluster(), "ab");
    }

    #[test]
    fn names_that_are_allowed() {
        for length in 1..=MAX_CLUSTER_NAME {
            assert!(Target::new(&"c".repeat(length)).is_ok(), "{length}");
        }
        for name in ["", "a b", "ü", &"c".repeat(MAX_CLUSTER_NAME + 1)] {
            assert_eq!(Target::new(name), Err(TargetError), "{name}");
        }
    }
}
