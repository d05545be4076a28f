//! What Envoy asks of a VM.

use std::cell::OnceCell;
use std::panic;

use crate::hostcalls;
use crate::raw;
use crate::types::{Action, CallId, ContextId, LogLevel};

/// What a VM does. A VM has a root context for each plugin that runs in it, and a context for each request.
///
/// Callbacks do not nest: what a call to the host brings about comes when the callback has returned.
pub trait Vm {
    /// There is a context now, of this parent; of none, if it is a root context. That of a request is made right before
    /// its headers come.
    fn on_context_create(&self, context: ContextId, parent: Option<ContextId>);

    /// A root context starts. Returns whether it can.
    fn on_vm_start(&self, root: ContextId) -> bool;

    /// A root context's configuration is there, so many bytes of it. Returns whether it is good.
    fn on_configure(&self, root: ContextId, size: usize) -> bool;

    /// The time that the root context asked for has passed.
    fn on_tick(&self, root: ContextId);

    /// A context is no more. Of a request this comes as soon as it has ended, in whatever way; nothing may be done to it
    /// from now on.
    fn on_delete(&self, context: ContextId);

    /// A request's headers are there.
    fn on_request_headers(&self, request: ContextId) -> Action;

    /// A request's trailers are there.
    fn on_request_trailers(&self, request: ContextId) -> Action;

    /// A call that the context made was answered with a message of so many bytes.
    fn on_grpc_receive(&self, context: ContextId, call: CallId, size: usize);

    /// A call that the context made has failed, with this gRPC status.
    fn on_grpc_close(&self, context: ContextId, call: CallId, status: u32);
}

thread_local! {
    static VM: OnceCell<Box<dyn Vm>> = const { OnceCell::new() };
}

/// Starts the VM: the first callback, by [`vm!`](crate::vm).
pub fn start(make: impl FnOnce() -> Box<dyn Vm>) {
    // SAFETY: this is the first callback in a VM, so they run once and before all else.
    unsafe { raw::__wasm_call_ctors() };
    panic::set_hook(Box::new(|info| {
        // The VM ends here; this is what is left for whoever wants to know why.
        let _ = hostcalls::log(LogLevel::Critical, &info.to_string());
    }));
    VM.with(|vm| {
        vm.get_or_init(make);
    });
}

fn with_vm<T>(act: impl FnOnce(&dyn Vm) -> T) -> T {
    VM.with(|vm| match vm.get() {
        Some(vm) => act(vm.as_ref()),
        // Envoy starts a VM before it uses it. One that was not started must not let a request pass; when the VM ends,
        // Envoy answers.
        None => std::process::abort(),
    })
}

// Below: the names under which Envoy looks for callbacks.
//
// SAFETY of all: nothing else has these names; a module that had one twice would not link.

#[unsafe(no_mangle)]
extern "C" fn proxy_abi_version_0_2_1() {}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_context_create(context: u32, parent: u32) {
    let parent = (parent != 0).then_some(ContextId(parent));
    with_vm(|vm| vm.on_context_create(ContextId(context), parent));
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_delete(context: u32) {
    with_vm(|vm| vm.on_delete(ContextId(context)));
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_vm_start(root: u32, _: usize) -> u32 {
    with_vm(|vm| vm.on_vm_start(ContextId(root))).into()
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_configure(root: u32, size: usize) -> u32 {
    with_vm(|vm| vm.on_configure(ContextId(root), size)).into()
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_tick(root: u32) {
    with_vm(|vm| vm.on_tick(ContextId(root)));
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_request_headers(request: u32, _: u32, _: u32) -> u32 {
    with_vm(|vm| vm.on_request_headers(ContextId(request))).code()
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_request_trailers(request: u32, _: u32) -> u32 {
    with_vm(|vm| vm.on_request_trailers(ContextId(request))).code()
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_grpc_receive(context: u32, call: u32, size: usize) {
    with_vm(|vm| vm.on_grpc_receive(ContextId(context), CallId(call), size));
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_grpc_close(context: u32, call: u32, status: u32) {
    with_vm(|vm| vm.on_grpc_close(ContextId(context), CallId(call), status));
}
