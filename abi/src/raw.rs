//! The host's functions, as it declares them. Pointers are into this VM's memory; each pair of a pointer and a size is
//! one argument, and each pointer to a pointer is where the host says where it has put a result.

#[link(wasm_import_module = "env")]
// SAFETY: names, parameters and results are those of ABI 0.2.1; a VM whose declarations differ from the host's does not
// link.
unsafe extern "C" {
    pub(crate) fn proxy_add_header_map_value(
        map: u32,
        name: *const u8,
        name_size: usize,
        value: *const u8,
        value_size: usize,
    ) -> u32;
    pub(crate) fn proxy_call_foreign_function(
        name: *const u8,
        name_size: usize,
        arguments: *const u8,
        arguments_size: usize,
        results: *mut *mut u8,
        results_size: *mut usize,
    ) -> u32;
    pub(crate) fn proxy_continue_stream(stream: u32) -> u32;
    pub(crate) fn proxy_define_metric(kind: u32, name: *const u8, name_size: usize, id: *mut u32) -> u32;
    pub(crate) fn proxy_get_buffer_bytes(
        buffer: u32,
        start: usize,
        length: usize,
        bytes: *mut *mut u8,
        size: *mut usize,
    ) -> u32;
    pub(crate) fn proxy_get_current_time_nanoseconds(time: *mut u64) -> u32;
    pub(crate) fn proxy_get_header_map_pairs(map: u32, pairs: *mut *mut u8, size: *mut usize) -> u32;
    pub(crate) fn proxy_get_property(
        path: *const u8,
        path_size: usize,
        value: *mut *mut u8,
        value_size: *mut usize,
    ) -> u32;
    pub(crate) fn proxy_get_shared_data(
        key: *const u8,
        key_size: usize,
        value: *mut *mut u8,
        value_size: *mut usize,
        cas: *mut u32,
    ) -> u32;
    pub(crate) fn proxy_grpc_call(
        service: *const u8,
        service_size: usize,
        service_name: *const u8,
        service_name_size: usize,
        method: *const u8,
        method_size: usize,
        metadata: *const u8,
        metadata_size: usize,
        message: *const u8,
        message_size: usize,
        timeout_milliseconds: u32,
        call: *mut u32,
    ) -> u32;
    pub(crate) fn proxy_increment_metric(id: u32, offset: i64) -> u32;
    pub(crate) fn proxy_log(level: u32, message: *const u8, message_size: usize) -> u32;
    pub(crate) fn proxy_record_metric(id: u32, value: u64) -> u32;
    pub(crate) fn proxy_remove_header_map_value(map: u32, name: *const u8, name_size: usize) -> u32;
    pub(crate) fn proxy_replace_header_map_value(
        map: u32,
        name: *const u8,
        name_size: usize,
        value: *const u8,
        value_size: usize,
    ) -> u32;
    pub(crate) fn proxy_send_local_response(
        code: u32,
        details: *const u8,
        details_size: usize,
        body: *const u8,
        body_size: usize,
        headers: *const u8,
        headers_size: usize,
        grpc_status: i32,
    ) -> u32;
    pub(crate) fn proxy_set_effective_context(context: u32) -> u32;
    pub(crate) fn proxy_set_property(
        path: *const u8,
        path_size: usize,
        value: *const u8,
        value_size: usize,
    ) -> u32;
    pub(crate) fn proxy_set_shared_data(
        key: *const u8,
        key_size: usize,
        value: *const u8,
        value_size: usize,
        cas: u32,
    ) -> u32;
    pub(crate) fn proxy_set_tick_period_milliseconds(period: u32) -> u32;
}

unsafe extern "C" {
    /// What the linker makes of constructors. Called by name: else it would put a call before each export.
    pub(crate) fn __wasm_call_ctors();
}
