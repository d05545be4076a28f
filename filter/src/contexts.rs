//! Which plugin a request belongs to.
//!
//! Several plugins may share a VM: two listeners with the same `vm_id`, or the old and the new configuration of one
//! while its old connections drain. Envoy says whose a request is when it makes the request's context, right before it
//! hands over the headers. So it is enough to remember the newest: a request that is not the newest is nobody's, and
//! must not be let through.

use proxy_wasm_abi::types::ContextId;

/// The plugins of a VM by their root contexts.
#[derive(Debug)]
pub struct Contexts<P> {
    plugins: Vec<(ContextId, P)>,
    /// The newest context of a request, and its root.
    newest: Option<(ContextId, ContextId)>,
}

impl<P> Default for Contexts<P> {
    fn default() -> Self {
        Self { plugins: Vec::new(), newest: None }
    }
}

impl<P: Clone> Contexts<P> {
    /// There is a request now, of this root context.
    pub const fn created(&mut self, request: ContextId, root: ContextId) {
        self.newest = Some((request, root));
    }

    /// A root context was configured, or configured anew.
    pub fn configured(&mut self, root: ContextId, plugin: P) {
        self.plugins.retain(|(id, _)| *id != root);
        self.plugins.push((root, plugin));
    }

    /// The plugin of a root context.
    #[must_use]
    pub fn plugin(&self, root: ContextId) -> Option<P> {
        self.plugins.iter().find(|(id, _)| *id == root).map(|(_, plugin)| plugin.clone())
    }

    /// The plugin of the request whose headers are there; `None` where that is in doubt.
    #[must_use]
    pub fn plugin_of(&self, request: ContextId) -> Option<P> {
        let (_, root) = self.newest.filter(|(newest, _)| *newest == request)?;
        self.plugin(root)
    }

    /// All plugins.
    pub fn plugins(&self) -> impl Iterator<Item = &P> {
        self.plugins.iter().map(|(_, plugin)| plugin)
    }

    /// A context is no more. If it was a root context, its plugin is let go.
    pub fn deleted(&mut self, context: ContextId) {
        self.plugins.retain(|(id, _)| *id != context);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: ContextId = ContextId(1);
    const B: ContextId = ContextId(7);

    fn two() -> Contexts<&'static str> {
        let mut contexts = Contexts::default();
        contexts.configured(A, "a");
        contexts.configured(B, "b");
        contexts
    }

    #[test]
    fn a_request_is_its_roots() {
        let mut contexts = two();
        for (request, root, plugin) in [(8, A, "a"), (9, B, "b"), (2, A, "a")] {
            contexts.created(ContextId(request), root);
            assert_eq!(contexts.plugin_of(ContextId(request)), Some(plugin));
        }
    }

    #[test]
    fn a_request_that_is_not_the_newest_is_nobodys() {
        let mut contexts = two();
        assert_eq!(contexts.plugin_of(ContextId(8)), None);
        contexts.created(ContextId(8), A);
        contexts.created(ContextId(9), B);
        assert_eq!(contexts.plugin_of(ContextId(8)), None);
        contexts.created(ContextId(10), ContextId(5));
        assert_eq!(contexts.plugin_of(ContextId(10)), None);
    }

    #[test]
    fn a_root_that_is_no_more_is_let_go() {
        let mut contexts = two();
        contexts.created(ContextId(8), A);
        contexts.deleted(ContextId(8));
        assert_eq!((contexts.plugin(A), contexts.plugin(B)), (Some("a"), Some("b")));
        contexts.deleted(A);
        assert_eq!((contexts.plugin(A), contexts.plugin(B)), (None, Some("b")));
        contexts.configured(B, "c");
        assert_eq!(contexts.plugin(B), Some("c"));
        assert_eq!(contexts.plugins().collect::<Vec<_>>(), [&"c"]);
    }
}
