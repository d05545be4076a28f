//! Every call to Envoy, and nothing else calls it.
//!
//! Only the calls that take and return bytes are used: the others unwrap UTF-8, and a header value need not be any.
//! The SDK's calls panic on statuses that Envoy does not give for them; where a call can fail by what a client or an
//! operator does, it fails by one of the statuses that come back as an error.

use std::net::IpAddr;
use std::time::{Duration, UNIX_EPOCH};

use authn::algorithm::Hash;
use authn::rejection::Rejection;
use authn::time::UnixSeconds;
use proxy_wasm::hostcalls;
use proxy_wasm::types::{BufferType, LogLevel, MapType, MetricType};

use crate::address;
use crate::metric::Kind;
use crate::target::Target;

/// Header or trailer lines: names in lower case, values as they came.
pub(crate) type Lines = Vec<(String, Vec<u8>)>;

/// Which lines of a request.
#[derive(Clone, Copy)]
pub(crate) enum Part {
    Headers,
    Trailers,
}

impl Part {
    const fn map(self) -> MapType {
        match self {
            Self::Headers => MapType::HttpRequestHeaders,
            Self::Trailers => MapType::HttpRequestTrailers,
        }
    }
}

/// The time since the epoch; `None` when the host has none, and then nothing can be decided.
pub(crate) fn clock() -> Option<Duration> {
    hostcalls::get_current_time().ok()?.duration_since(UNIX_EPOCH).ok()
}

/// The same in whole seconds.
pub(crate) fn now() -> Option<UnixSeconds> {
    clock().map(|since| UnixSeconds::new(since.as_secs()))
}

/// All lines, duplicates apart, pseudo headers included.
pub(crate) fn lines(part: Part) -> Lines {
    hostcalls::get_map_bytes(part.map()).unwrap_or_default()
}

/// Removes every line of this name.
pub(crate) fn remove_line(part: Part, name: &str) {
    let _ = hostcalls::remove_map_value(part.map(), name);
}

/// Replaces every header of this name by one.
pub(crate) fn set_header(name: &str, value: &[u8]) {
    let _ = hostcalls::set_map_value_bytes(MapType::HttpRequestHeaders, name, Some(value));
}

/// Adds a header line.
pub(crate) fn add_header(name: &str, value: &str) {
    let _ = hostcalls::add_map_value_bytes(MapType::HttpRequestHeaders, name, value.as_bytes());
}

/// Answers the request here.
pub(crate) fn reply(rejection: &Rejection) {
    let mut headers = vec![("content-type", "application/json")];
    headers.extend_from_slice(rejection.headers());
    let _ =
        hostcalls::send_http_response(rejection.code().into(), headers, Some(rejection.body().as_bytes()));
}

/// Lets a paused request go on.
pub(crate) fn resume() {
    let _ = hostcalls::resume_http_request();
}

/// The client's address by Envoy's own finding: the connection's peer, or what the trusted proxies before it say
/// (X-Forwarded-For, PROXY protocol).
pub(crate) fn client_address() -> Option<IpAddr> {
    address::parse(&hostcalls::get_property(vec!["source", "address"]).ok().flatten()?)
}

/// The address of who opened the connection, if Envoy was told to tell (envoy/access-log/peer.yaml). No property has
/// it of itself.
pub(crate) fn peer_address() -> Option<IpAddr> {
    address::parse(&hostcalls::get_property(vec!["filter_state", "kube_oidc_filter.peer"]).ok().flatten()?)
}

/// The cluster that the request's route leads to, if any. Envoy picks the route anew once the filter is done, by the
/// headers as they are then, and a filter can't see that: routes must not match on headers that this one sets.
pub(crate) fn route_cluster() -> Option<Vec<u8>> {
    hostcalls::get_property(vec!["xds", "cluster_name"]).ok().flatten()
}

/// The name of this plugin in Envoy's configuration.
pub(crate) fn plugin_name() -> Vec<u8> {
    hostcalls::get_property(vec!["plugin_name"]).ok().flatten().unwrap_or_default()
}

/// Sets a field for the access log: filter state `wasm.<name>`.
pub(crate) fn set_log_field(name: &str, value: &str) {
    let _ = hostcalls::set_property(vec![name], Some(value.as_bytes()));
}

/// Reads shared data and the number by which it can be replaced.
pub(crate) fn shared_data(key: &str) -> (Option<Vec<u8>>, Option<u32>) {
    hostcalls::get_shared_data(key).unwrap_or_default()
}

/// Writes shared data if it is still what was read with `cas`. Returns whether it was.
pub(crate) fn set_shared_data(key: &str, value: &[u8], cas: Option<u32>) -> bool {
    hostcalls::set_shared_data(key, Some(value), cas).is_ok()
}

/// Calls a method of the sidecar. The answer comes to the context that calls.
pub(crate) fn call(target: &Target, method: &str, message: &[u8], timeout: Duration) -> Option<u32> {
    hostcalls::dispatch_grpc_call(
        target.service(),
        authn::feed::SERVICE,
        method,
        Vec::new(),
        Some(message),
        timeout,
    )
    .ok()
}

/// A context, by the number that Envoy gave it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ContextId(pub(crate) u32);

/// Does something in the name of `owner`, in a callback of `current`.
///
/// A call to the sidecar belongs to the root context, though a request waits for it: a call of a request's own would
/// end with the request, and the SDK would remember it for ever, for each client that gives up.
pub(crate) fn on_behalf_of<T>(
    owner: ContextId,
    current: ContextId,
    act: impl FnOnce() -> Option<T>,
) -> Option<T> {
    hostcalls::set_effective_context(owner.0).ok()?;
    let result = act();
    let _ = hostcalls::set_effective_context(current.0);
    result
}

/// The message of a gRPC answer, in its callback.
pub(crate) fn call_response(size: usize) -> Option<Vec<u8>> {
    hostcalls::get_buffer(BufferType::GrpcReceiveBuffer, 0, size).ok().flatten()
}

/// The plugin's configuration, in its callback.
pub(crate) fn plugin_configuration(size: usize) -> Vec<u8> {
    hostcalls::get_buffer(BufferType::PluginConfiguration, 0, size).ok().flatten().unwrap_or_default()
}

/// Asks for ticks.
pub(crate) fn set_tick_period(milliseconds: u64) {
    let _ = hostcalls::set_tick_period(Duration::from_millis(milliseconds));
}

/// A metric, by the number that Envoy gave it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MetricId(u32);

/// Makes a metric of this name, or finds the one that there is.
pub(crate) fn metric(kind: Kind, name: &str) -> Option<MetricId> {
    let kind = match kind {
        Kind::Counter => MetricType::Counter,
        Kind::Gauge => MetricType::Gauge,
        Kind::Histogram => MetricType::Histogram,
    };
    hostcalls::define_metric(kind, name).ok().map(MetricId)
}

/// Adds to a counter, sets a gauge, or gives a histogram a value. The kind must be the metric's.
pub(crate) fn record(kind: Kind, metric: MetricId, value: u64) {
    let _ = match kind {
        Kind::Counter => hostcalls::increment_metric(metric.0, i64::try_from(value).unwrap_or(i64::MAX)),
        Kind::Gauge | Kind::Histogram => hostcalls::record_metric(metric.0, value),
    };
}

/// Logs, as a rule once a start or a change.
pub(crate) fn info(message: &str) {
    let _ = hostcalls::log(LogLevel::Info, message);
}

/// Logs what an operator must see.
pub(crate) fn error(message: &str) {
    let _ = hostcalls::log(LogLevel::Error, message);
}

/// Whether `signature` is good, by the foreign function `verify_signature`.
///
/// `spki` is DER SubjectPublicKeyInfo; an ECDSA signature is DER as well.
pub(crate) fn verify_signature(hash: Hash, spki: &[u8], signature: &[u8], text: &[u8]) -> bool {
    /// `VerifySignatureResult { result: true }`, to the byte: whatever else comes back is no proof.
    const GOOD: &[u8] = &[0x08, 0x01];
    let hash = match hash {
        Hash::Sha256 => "sha256",
        Hash::Sha384 => "sha384",
        Hash::Sha512 => "sha512",
    };
    let size = [hash.len(), spki.len(), signature.len(), text.len()].into_iter().sum::<usize>();
    // `VerifySignatureArguments` of envoy.source.extensions.common.wasm: four length-delimited fields.
    let mut arguments = Vec::with_capacity(size.saturating_add(24));
    for (tag, value) in [(1, hash.as_bytes()), (2, spki), (3, signature), (4, text)] {
        prost::encoding::encode_key(tag, prost::encoding::WireType::LengthDelimited, &mut arguments);
        prost::encoding::encode_varint(value.len() as u64, &mut arguments);
        arguments.extend_from_slice(value);
    }
    let result = hostcalls::call_foreign_function("verify_signature", Some(&arguments));
    matches!(result, Ok(Some(result)) if result == GOOD)
}
