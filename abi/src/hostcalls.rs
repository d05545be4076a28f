//! What a VM asks of Envoy. Every call returns, with the host's status where it did not do it.
//!
//! SAFETY of all calls here: each pointer that a call passes is to a value that lives until the call returns, with the
//! size of that value or with the type that the host writes; the host keeps none of them. Callbacks do not nest but for
//! `proxy_on_memory_allocate`, which touches the buffers of `memory` alone.

use std::time::Duration;

use crate::memory::{Buffer, Returned};
use crate::pairs::{self, Line};
use crate::raw;
use crate::types::{BufferType, CallId, ContextId, LogLevel, MapType, MetricId, MetricType, Status};

/// Writes a line into Envoy's log.
///
/// # Errors
/// The host's.
pub fn log(level: LogLevel, message: &str) -> Result<(), Status> {
    // SAFETY: see above.
    Status::check(unsafe { raw::proxy_log(level as u32, message.as_ptr(), message.len()) })
}

/// The time since the epoch.
///
/// # Errors
/// The host's.
pub fn current_time() -> Result<Duration, Status> {
    let mut nanoseconds = 0;
    // SAFETY: see above.
    Status::check(unsafe { raw::proxy_get_current_time_nanoseconds(&raw mut nanoseconds) })?;
    Ok(Duration::from_nanos(nanoseconds))
}

/// Asks for a tick of the present root context whenever so much time has passed.
///
/// # Errors
/// The host's, or that the period is too long.
pub fn set_tick_period(period: Duration) -> Result<(), Status> {
    let period = milliseconds(period)?;
    // SAFETY: see above; no pointers.
    Status::check(unsafe { raw::proxy_set_tick_period_milliseconds(period) })
}

/// Bytes that the present callback is about, at most so many.
///
/// # Errors
/// The host's.
pub fn buffer(buffer: BufferType, length: usize) -> Result<Buffer, Status> {
    let mut returned = Returned::new();
    // SAFETY: see above.
    Status::check(unsafe {
        raw::proxy_get_buffer_bytes(
            buffer as u32,
            0,
            length,
            &raw mut returned.address,
            &raw mut returned.size,
        )
    })?;
    returned.take()
}

/// All lines, duplicates apart, for [`pairs::parse`]. Empty where the host has no such lines now.
///
/// # Errors
/// The host's.
pub fn header_map(map: MapType) -> Result<Buffer, Status> {
    let mut returned = Returned::new();
    // SAFETY: see above.
    Status::check(unsafe {
        raw::proxy_get_header_map_pairs(map as u32, &raw mut returned.address, &raw mut returned.size)
    })?;
    returned.take()
}

/// Adds a line.
///
/// # Errors
/// The host's.
pub fn add_header(map: MapType, name: &str, value: &[u8]) -> Result<(), Status> {
    // SAFETY: see above.
    Status::check(unsafe {
        raw::proxy_add_header_map_value(map as u32, name.as_ptr(), name.len(), value.as_ptr(), value.len())
    })
}

/// Replaces every line of this name by one.
///
/// # Errors
/// The host's.
pub fn replace_header(map: MapType, name: &str, value: &[u8]) -> Result<(), Status> {
    // SAFETY: see above.
    Status::check(unsafe {
        raw::proxy_replace_header_map_value(
            map as u32,
            name.as_ptr(),
            name.len(),
            value.as_ptr(),
            value.len(),
        )
    })
}

/// Removes every line of this name.
///
/// # Errors
/// The host's.
pub fn remove_header(map: MapType, name: &str) -> Result<(), Status> {
    // SAFETY: see above.
    Status::check(unsafe { raw::proxy_remove_header_map_value(map as u32, name.as_ptr(), name.len()) })
}

/// A property: what Envoy knows of the request or of itself. The parts of its path are joined by zero bytes.
///
/// # Errors
/// The host's; `NotFound` where it knows nothing.
pub fn property(path: &str) -> Result<Buffer, Status> {
    let mut returned = Returned::new();
    // SAFETY: see above.
    Status::check(unsafe {
        raw::proxy_get_property(path.as_ptr(), path.len(), &raw mut returned.address, &raw mut returned.size)
    })?;
    returned.take()
}

/// Sets a property, which becomes filter state `wasm.<path>`.
///
/// # Errors
/// The host's.
pub fn set_property(path: &str, value: &[u8]) -> Result<(), Status> {
    // SAFETY: see above.
    Status::check(unsafe { raw::proxy_set_property(path.as_ptr(), path.len(), value.as_ptr(), value.len()) })
}

/// Answers the present request. Its callback must return [`Pause`](crate::types::Action::Pause).
///
/// # Errors
/// The host's, or that the headers are too long.
pub fn send_local_response(code: u32, headers: &[Line<'_>], body: &[u8]) -> Result<(), Status> {
    /// Not an answer to a gRPC client.
    const NO_GRPC_STATUS: i32 = -1;
    let headers = pairs::serialize(headers).ok_or(Status::TooLong)?;
    let details: &[u8] = &[];
    // SAFETY: see above.
    Status::check(unsafe {
        raw::proxy_send_local_response(
            code,
            details.as_ptr(),
            details.len(),
            body.as_ptr(),
            body.len(),
            headers.as_ptr(),
            headers.len(),
            NO_GRPC_STATUS,
        )
    })
}

/// Lets the present request go on, which was paused.
///
/// # Errors
/// The host's.
pub fn continue_request() -> Result<(), Status> {
    const REQUEST: u32 = 0;
    // SAFETY: see above; no pointers.
    Status::check(unsafe { raw::proxy_continue_stream(REQUEST) })
}

/// Reads shared data, and the number by which it can be replaced.
///
/// # Errors
/// The host's; `NotFound` where there is none.
pub fn shared_data(key: &str) -> Result<(Buffer, u32), Status> {
    let mut returned = Returned::new();
    let mut cas = 0;
    // SAFETY: see above.
    Status::check(unsafe {
        raw::proxy_get_shared_data(
            key.as_ptr(),
            key.len(),
            &raw mut returned.address,
            &raw mut returned.size,
            &raw mut cas,
        )
    })?;
    Ok((returned.take()?, cas))
}

/// Writes shared data: always, or if the number is still what was read.
///
/// # Errors
/// The host's; `CasMismatch` if it is not.
pub fn set_shared_data(key: &str, value: &[u8], cas: Option<u32>) -> Result<(), Status> {
    let cas = cas.unwrap_or_default();
    // SAFETY: see above.
    Status::check(unsafe {
        raw::proxy_set_shared_data(key.as_ptr(), key.len(), value.as_ptr(), value.len(), cas)
    })
}

/// Calls a method of the service that a serialized `envoy.config.core.v3.GrpcService` says. The answer comes to the
/// present context, or to the one that [`set_effective_context`] has put in its place.
///
/// # Errors
/// The host's, or that the timeout is too long.
pub fn grpc_call(
    target: &[u8],
    service: &str,
    method: &str,
    message: &[u8],
    timeout: Duration,
) -> Result<CallId, Status> {
    let mut call = 0;
    let metadata: &[u8] = &[];
    let timeout = milliseconds(timeout)?;
    // SAFETY: see above.
    Status::check(unsafe {
        raw::proxy_grpc_call(
            target.as_ptr(),
            target.len(),
            service.as_ptr(),
            service.len(),
            method.as_ptr(),
            method.len(),
            metadata.as_ptr(),
            metadata.len(),
            message.as_ptr(),
            message.len(),
            timeout,
            &raw mut call,
        )
    })?;
    Ok(CallId(call))
}

/// Makes the calls that follow in this callback those of another context.
///
/// # Errors
/// The host's: there is no such context, and nothing has changed.
pub fn set_effective_context(context: ContextId) -> Result<(), Status> {
    // SAFETY: see above; no pointers.
    Status::check(unsafe { raw::proxy_set_effective_context(context.0) })
}

/// Makes a metric of this name, or finds the one that there is.
///
/// # Errors
/// The host's.
pub fn define_metric(kind: MetricType, name: &str) -> Result<MetricId, Status> {
    let mut id = 0;
    // SAFETY: see above.
    Status::check(unsafe { raw::proxy_define_metric(kind as u32, name.as_ptr(), name.len(), &raw mut id) })?;
    Ok(MetricId(id))
}

/// Adds to a counter.
///
/// # Errors
/// The host's.
pub fn increment_metric(id: MetricId, offset: i64) -> Result<(), Status> {
    // SAFETY: see above; no pointers.
    Status::check(unsafe { raw::proxy_increment_metric(id.0, offset) })
}

/// Sets a gauge, or gives a histogram a value.
///
/// # Errors
/// The host's.
pub fn record_metric(id: MetricId, value: u64) -> Result<(), Status> {
    // SAFETY: see above; no pointers.
    Status::check(unsafe { raw::proxy_record_metric(id.0, value) })
}

/// Calls a function that is Envoy's own and no part of the ABI.
///
/// # Errors
/// The host's, or the function's.
pub fn call_foreign_function(name: &str, arguments: &[u8]) -> Result<Buffer, Status> {
    let mut returned = Returned::new();
    // SAFETY: see above.
    Status::check(unsafe {
        raw::proxy_call_foreign_function(
            name.as_ptr(),
            name.len(),
            arguments.as_ptr(),
            arguments.len(),
            &raw mut returned.address,
            &raw mut returned.size,
        )
    })?;
    returned.take()
}

fn milliseconds(duration: Duration) -> Result<u32, Status> {
    u32::try_from(duration.as_millis()).map_err(|_| Status::TooLong)
}
