//! What no filter in wasm can be cheaper than: the calls to Envoy that a warm request of ours makes, with no work between
//! them. `make bench` measures it beside the filter, to tell the filter's own cost from that of the border.
//!
//! Its configuration is a word: `nothing`, `headers` (the list is read, and the edits are made), `all` (the clock, the
//! route's cluster and the fields of the access log as well), or `RS256` or `ES256` (all of it, and a signature is checked).

#[cfg(target_arch = "wasm32")]
mod floor {
    use std::cell::{Cell, RefCell};

    use proxy_wasm_abi::types::{Action, BufferType, CallId, ContextId, MapType};
    use proxy_wasm_abi::{Vm, hostcalls};

    proxy_wasm_abi::vm!(Floor::default());

    /// A user's values, as long as those of the bench.
    const NAME: &str = "user-00000@example.com";
    const UID: &str = "00u1a2b3c4d5e6f7g00000";
    const GROUPS: [&str; 11] = [
        "team-000-devs",
        "team-001-devs",
        "team-002-devs",
        "team-003-devs",
        "team-004-devs",
        "team-005-devs",
        "team-006-devs",
        "team-007-devs",
        "team-008-devs",
        "team-009-devs",
        "system:authenticated",
    ];
    const EXTRA: &str = "JTI=AT.kq1-9xYzAbCdEfGhIjKlMnOpQrStUv00000";
    const FIELDS: [(&str, &str); 7] = [
        ("authn_outcome", "forwarded"),
        ("authn_reason", "ok"),
        ("authn_issuer", "https://127.0.0.1:40000"),
        ("authn_user", NAME),
        ("authn_uid", UID),
        (
            "authn_groups",
            "team-000-devs|team-001-devs|team-002-devs|team-003-devs|team-004-devs|team-005-devs|team-006-devs|team-007-devs|team-008-devs|team-009-devs|system:authenticated",
        ),
        (
            "authn_extra",
            "authentication.kubernetes.io/credential-id=JTI=AT.kq1-9xYzAbCdEfGhIjKlMnOpQrStUv00000",
        ),
    ];

    /// Keys and signatures of the filter's own.
    const RSA: [&[u8]; 2] = [
        include_bytes!("../../../filter/src/known_answers/rsa.spki"),
        include_bytes!("../../../filter/src/known_answers/rsa.sig"),
    ];
    const P256: [&[u8]; 2] = [
        include_bytes!("../../../filter/src/known_answers/p256.spki"),
        include_bytes!("../../../filter/src/known_answers/p256.sig"),
    ];

    /// What is asked of Envoy's `verify_signature`: as much to hash as a token has. That the signature is another text's
    /// is found when all is computed.
    fn question([key, signature]: [&[u8]; 2]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (tag, value) in [(1, &b"sha256"[..]), (2, key), (3, signature), (4, &[b'x'; 900])] {
            bytes.push(tag << 3 | 2);
            // A varint of two bytes.
            let length = u16::try_from(value.len()).unwrap_or_default();
            let [low, _] = (length | 0x80).to_le_bytes();
            let [high, _] = (length >> 7).to_le_bytes();
            bytes.extend([low, high]);
            bytes.extend_from_slice(value);
        }
        bytes
    }

    #[derive(Default)]
    struct Floor {
        edits: Cell<bool>,
        rest: Cell<bool>,
        question: RefCell<Vec<u8>>,
    }

    impl Floor {
        fn edit() {
            let headers = MapType::HttpRequestHeaders;
            let add = |name, value: &str| _ = hostcalls::add_header(headers, name, value.as_bytes());
            _ = hostcalls::header_map(headers);
            _ = hostcalls::remove_header(headers, "authorization");
            add("impersonate-user", NAME);
            add("impersonate-uid", UID);
            GROUPS.iter().for_each(|group| add("impersonate-group", group));
            add("impersonate-extra-authentication.kubernetes.io%2Fcredential-id", EXTRA);
            add("authorization", "Bearer upstream-token-1");
        }

        fn tell() {
            _ = hostcalls::current_time();
            _ = hostcalls::property("xds\0cluster_name");
            FIELDS.iter().for_each(|(name, value)| _ = hostcalls::set_property(name, value.as_bytes()));
        }
    }

    impl Vm for Floor {
        fn on_context_create(&self, _: ContextId, _: Option<ContextId>) {}

        fn on_vm_start(&self, _: ContextId) -> bool {
            true
        }

        fn on_configure(&self, _: ContextId, size: usize) -> bool {
            let word = hostcalls::buffer(BufferType::PluginConfiguration, size);
            let word = word.as_deref().unwrap_or_default();
            self.edits.set(word != b"nothing");
            self.rest.set(![&b"nothing"[..], b"headers"].contains(&word));
            match word {
                b"nothing" | b"headers" | b"all" => true,
                b"RS256" | b"ES256" => {
                    *self.question.borrow_mut() = question(if word == b"RS256" { RSA } else { P256 });
                    true
                }
                _ => false,
            }
        }

        fn on_tick(&self, _: ContextId) {}

        fn on_delete(&self, _: ContextId) {}

        fn on_request_headers(&self, _: ContextId) -> Action {
            if self.edits.get() {
                Self::edit();
            }
            if self.rest.get() {
                Self::tell();
            }
            let question = self.question.borrow();
            if !question.is_empty() {
                _ = hostcalls::call_foreign_function("verify_signature", &question);
            }
            Action::Continue
        }

        fn on_request_trailers(&self, _: ContextId) -> Action {
            Action::Continue
        }

        fn on_grpc_receive(&self, _: ContextId, _: CallId, _: usize) {}

        fn on_grpc_close(&self, _: ContextId, _: CallId, _: u32) {}
    }
}
