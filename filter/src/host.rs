//! Every call to Envoy, and nothing else calls it.
//!
//! What changes a request says whether that was done: a request that was changed in part must not go on. Of the other
//! calls a failure has no consequence but its own.

use std::net::IpAddr;
use std::time::Duration;

use authn::algorithm::Hash;
use authn::rejection::Rejection;
use authn::request::HeaderLine;
use authn::time::UnixSeconds;
use proxy_wasm_abi::types::{BufferType, CallId, ContextId, LogLevel, MapType, MetricType};
use proxy_wasm_abi::{Buffer, hostcalls, pairs};

use crate::address;
use crate::metric::Kind;
use crate::target::Target;

pub(crate) use proxy_wasm_abi::types::MetricId;

/// Header or trailer lines as the host wrote them.
pub(crate) struct Lines(Buffer);

impl Lines {
    /// All lines, duplicates apart, pseudo headers included: names in lower case, values as they came. `None` if the
    /// host wrote something else.
    pub(crate) fn read(&self) -> Option<Vec<HeaderLine<'_>>> {
        pairs::parse(&self.0).ok()
    }
}

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
    hostcalls::current_time().ok()
}

/// The same in whole seconds.
pub(crate) fn now() -> Option<UnixSeconds> {
    clock().map(|since| UnixSeconds::new(since.as_secs()))
}

/// The lines that the present context has.
pub(crate) fn lines(part: Part) -> Option<Lines> {
    hostcalls::header_map(part.map()).ok().map(Lines)
}

/// Removes every line of this name. Returns whether that was done.
#[must_use]
pub(crate) fn remove_line(part: Part, name: &str) -> bool {
    hostcalls::remove_header(part.map(), name).is_ok()
}

/// Replaces every header of this name by one. Returns whether that was done.
#[must_use]
pub(crate) fn set_header(name: &str, value: &[u8]) -> bool {
    hostcalls::replace_header(MapType::HttpRequestHeaders, name, value).is_ok()
}

/// Adds a header line. Returns whether that was done.
#[must_use]
pub(crate) fn add_header(name: &str, value: &str) -> bool {
    hostcalls::add_header(MapType::HttpRequestHeaders, name, value.as_bytes()).is_ok()
}

/// Answers the request here.
pub(crate) fn reply(rejection: &Rejection) {
    let mut headers: Vec<HeaderLine<'_>> = vec![("content-type", b"application/json")];
    headers.extend(rejection.headers().iter().map(|(name, value)| (*name, value.as_bytes())));
    let _ = hostcalls::send_local_response(rejection.code().into(), &headers, rejection.body().as_bytes());
}

/// Lets a paused request go on.
pub(crate) fn resume() {
    let _ = hostcalls::continue_request();
}

/// The client's address by Envoy's own finding: the connection's peer, or what the trusted proxies before it say
/// (X-Forwarded-For, PROXY protocol).
pub(crate) fn client_address() -> Option<IpAddr> {
    address::parse(&hostcalls::property("source\0address").ok()?)
}

/// The address of who opened the connection, if Envoy was told to tell (envoy/access-log/peer.yaml). No property has
/// it of itself.
pub(crate) fn peer_address() -> Option<IpAddr> {
    address::parse(&hostcalls::property("filter_state\0kube_oidc_filter.peer").ok()?)
}

/// The cluster that the request's route leads to, if any. Envoy picks the route anew once the filter is done, by the
/// headers as they are then, and a filter can't see that: routes must not match on headers that this one sets.
pub(crate) fn route_cluster() -> Option<Buffer> {
    hostcalls::property("xds\0cluster_name").ok()
}

/// The name of this plugin in Envoy's configuration.
pub(crate) fn plugin_name() -> Option<Buffer> {
    hostcalls::property("plugin_name").ok()
}

/// Sets a field for the access log: filter state `wasm.<name>`.
pub(crate) fn set_log_field(name: &str, value: &str) {
    let _ = hostcalls::set_property(name, value.as_bytes());
}

/// Reads shared data and the number by which it can be replaced.
pub(crate) fn shared_data(key: &str) -> (Option<Buffer>, Option<u32>) {
    hostcalls::shared_data(key).ok().unzip()
}

/// Writes shared data if it is still what was read with `cas`. Returns whether it was.
pub(crate) fn set_shared_data(key: &str, value: &[u8], cas: Option<u32>) -> bool {
    hostcalls::set_shared_data(key, value, cas).is_ok()
}

/// Calls a method of the sidecar. The answer comes to the context in whose name it is called.
pub(crate) fn call(target: &Target, method: &str, message: &[u8], timeout: Duration) -> Option<CallId> {
    hostcalls::grpc_call(target.service(), authn::feed::SERVICE, method, message, timeout).ok()
}

/// Does something in the name of `owner`, in a callback of `current`.
///
/// A call to the sidecar belongs to the root context, though a request waits for it: a call of a request's own would
/// end with the request, and a client that gives up would end what others may have joined.
pub(crate) fn on_behalf_of<T>(
    owner: ContextId,
    current: ContextId,
    act: impl FnOnce() -> Option<T>,
) -> Option<T> {
    hostcalls::set_effective_context(owner).ok()?;
    let result = act();
    let _ = hostcalls::set_effective_context(current);
    result
}

/// Does the rest of this callback in the name of another context. Returns whether there is such a one.
pub(crate) fn proceed_as(context: ContextId) -> bool {
    hostcalls::set_effective_context(context).is_ok()
}

/// The message of a gRPC answer, in its callback.
pub(crate) fn call_response(size: usize) -> Option<Buffer> {
    hostcalls::buffer(BufferType::GrpcReceiveBuffer, size).ok()
}

/// The plugin's configuration, in its callback.
pub(crate) fn plugin_configuration(size: usize) -> Option<Buffer> {
    hostcalls::buffer(BufferType::PluginConfiguration, size).ok()
}

/// Asks for ticks.
pub(crate) fn set_tick_period(milliseconds: u64) {
    let _ = hostcalls::set_tick_period(Duration::from_millis(milliseconds));
}

/// Makes a metric of this name, or finds the one that there is.
pub(crate) fn metric(kind: Kind, name: &str) -> Option<MetricId> {
    let kind = match kind {
        Kind::Counter => MetricType::Counter,
        Kind::Gauge => MetricType::Gauge,
        Kind::Histogram => MetricType::Histogram,
    };
    hostcalls::define_metric(kind, name).ok()
}

/// Adds to a counter, sets a gauge, or gives a histogram a value. The kind must be the metric's.
pub(crate) fn record(kind: Kind, metric: MetricId, value: u64) {
    let _ = match kind {
        Kind::Counter => hostcalls::increment_metric(metric, i64::try_from(value).unwrap_or(i64::MAX)),
        Kind::Gauge | Kind::Histogram => hostcalls::record_metric(metric, value),
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
    hostcalls::call_foreign_function("verify_signature", &arguments).is_ok_and(|result| *result == *GOOD)
}
