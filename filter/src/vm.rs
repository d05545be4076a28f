//! What Envoy asks of the VM, and which plugin answers.

use std::cell::{OnceCell, RefCell};
use std::rc::Rc;

use authn::rejection::Unavailable;
use proxy_wasm_abi::Vm;
use proxy_wasm_abi::types::{Action, CallId, ContextId};

use crate::contexts::Contexts;
use crate::host;
use crate::request;
use crate::root::Plugin;
use crate::verify::Verifier;

/// The filter in one VM, for all plugins that share it.
#[derive(Default)]
pub(crate) struct Filter {
    verifier: OnceCell<Verifier>,
    contexts: RefCell<Contexts<Rc<Plugin>>>,
}

impl Filter {
    fn plugin(&self, root: ContextId) -> Option<Rc<Plugin>> {
        self.contexts.borrow().plugin(root)
    }
}

impl Vm for Filter {
    fn on_context_create(&self, context: ContextId, parent: Option<ContextId>) {
        if let Some(root) = parent {
            self.contexts.borrow_mut().created(context, root);
        }
    }

    fn on_vm_start(&self, _: ContextId) -> bool {
        self.verifier.get_or_init(|| {
            let verifier = Verifier::probe();
            host::info(&format!("signatures verified in the host: {verifier:?}"));
            verifier
        });
        true
    }

    fn on_configure(&self, root: ContextId, size: usize) -> bool {
        let verifier = self.verifier.get().copied().unwrap_or_default();
        let Some(plugin) = Plugin::configure(root, size, verifier) else { return false };
        self.contexts.borrow_mut().configured(root, Rc::new(plugin));
        true
    }

    fn on_tick(&self, root: ContextId) {
        if let Some(plugin) = self.plugin(root) {
            plugin.tick();
        }
    }

    fn on_delete(&self, context: ContextId) {
        if let Some(plugin) = self.plugin(context) {
            plugin.tell_counts();
        }
        self.contexts.borrow_mut().deleted(context);
        for plugin in self.contexts.borrow().plugins() {
            plugin.forget(context);
        }
    }

    fn on_request_headers(&self, request: ContextId) -> Action {
        let plugin = self.contexts.borrow().plugin_of(request);
        if let Some(plugin) = plugin {
            plugin.on_headers(request)
        } else {
            host::reply(&Unavailable::NoSnapshot.into());
            Action::Pause
        }
    }

    fn on_request_trailers(&self, _: ContextId) -> Action {
        request::on_trailers()
    }

    fn on_grpc_receive(&self, root: ContextId, call: CallId, size: usize) {
        if let Some(plugin) = self.plugin(root) {
            plugin.answered(call, Ok(size));
        }
    }

    fn on_grpc_close(&self, root: ContextId, call: CallId, status: u32) {
        if let Some(plugin) = self.plugin(root) {
            plugin.answered(call, Err(status));
        }
    }
}
