//! The proxy-wasm ABI 0.2.1 as Envoy speaks it: what the filter uses of it, and nothing else.
//!
//! | module | what it does |
//! |---|---|
//! | [`pairs`] | lists of header lines as they cross the border |
//! | [`types`] | the numbers that mean something |
//! | `hostcalls` | what a VM asks of Envoy |
//! | `callbacks` | what Envoy asks of a VM |
//! | `memory`, `buffers` | what Envoy writes into a VM |
//!
//! Those without a link exist on wasm alone: nothing native has a host.
//!
//! All `unsafe` code of the project is here, and it is this: the declarations of the host's functions, the calls to
//! them, and the names under which the host finds ours. A call passes pointers to what is borrowed while it lasts. What
//! comes back is a number, or bytes in a buffer that this crate made and has kept: no pointer or length of the host's
//! is ever followed. No call panics, whatever its status.
//!
//! Why not the SDK: it enters the VM at each step of a request and at each frame of a watch, keeps an object for each
//! request, copies every header line, and panics at statuses that it does not expect. A callback that isn't exported is
//! one that Envoy doesn't make.
//! What is left of a request's life is `proxy_on_context_create`, which says whose it is, `proxy_on_request_headers`,
//! and `proxy_on_delete`. The last could be spared by asking, when it matters, whether there is still such a context.
//! But Envoy lets a request's context live on for a moment after the request, and whoever lets the request go on in that
//! moment touches what is being taken down.

pub mod pairs;
pub mod types;

#[cfg(any(target_arch = "wasm32", test))]
mod buffers;
#[cfg(target_arch = "wasm32")]
mod callbacks;
#[cfg(target_arch = "wasm32")]
pub mod hostcalls;
#[cfg(target_arch = "wasm32")]
mod memory;
#[cfg(target_arch = "wasm32")]
mod raw;

#[cfg(target_arch = "wasm32")]
pub use callbacks::{Vm, start};
#[cfg(target_arch = "wasm32")]
pub use memory::Buffer;

/// Says what a module's VM is: `vm!(expression)`, once in a cdylib, with a value that implements `Vm`.
#[macro_export]
macro_rules! vm {
    ($vm:expr) => {
        /// The first that Envoy calls in a new VM.
        // SAFETY: nothing else has this name; a module that had it twice would not link.
        #[unsafe(no_mangle)]
        pub extern "C" fn _initialize() {
            $crate::start(|| ::std::boxed::Box::new($vm));
        }
    };
}
