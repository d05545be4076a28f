//! What is compared.

use tests::Algorithm;

/// Groups of an ordinary user.
const GROUPS: usize = 10;
/// Groups of a user with many.
const MANY_GROUPS: usize = 500;
/// Tokens in rotation, where there is more than one.
pub(crate) const ROTATION: usize = 10_000;

/// One way to serve one kind of requests. Each has an Envoy of its own, with one worker.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Variant {
    /// Its name, in results.json too.
    pub(crate) name: &'static str,
    /// In words, for people.
    pub(crate) title: &'static str,
    /// Who authenticates.
    pub(crate) gate: Gate,
    /// What tokens are signed with.
    pub(crate) algorithm: Algorithm,
    /// Groups in each token.
    pub(crate) groups: usize,
    /// Which tokens come.
    pub(crate) tokens: Tokens,
    /// Who answers.
    pub(crate) answer: Answer,
    /// Requests in a turn: some tenths of a second, so that those which are compared meet the same machine.
    pub(crate) requests: usize,
}

/// Who authenticates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gate {
    /// Nobody.
    Bare,
    /// Envoy's `jwt_authn`, with or without its cache, then a script for the rest.
    Native { caches: bool, script: Script },
    /// The filter, with so many issuers configured.
    Filter { issuers: Issuers },
    /// Nobody: a filter that makes this many of the filter's calls to Envoy (bench/floor), and does nothing else.
    Floor { calls: &'static str },
}

/// The rest of the work, in Lua.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Script {
    /// As people write it: from `jwt_authn`'s metadata.
    Plain,
    /// Reads each token itself, and remembers what it made of it.
    Remembering,
}

/// How many issuers are configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Issuers {
    One,
    /// One, whose users are mapped and checked by expressions: two rules, user name and groups.
    Expressions,
    /// 99 others stand before the one that the tokens are from. A configuration may have 64; the filter takes more.
    Hundred,
}

/// Which tokens come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Tokens {
    /// Always the same.
    One,
    /// [`ROTATION`] of them, in turn.
    Rotating,
    /// Each request has one that was never seen before.
    EachNew,
}

/// Who answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Envoy itself, behind the filters.
    Envoy,
    /// The stand-in for the API server, over TLS.
    ApiServer,
}

const WARM: Variant = Variant {
    name: "warm",
    title: "this filter, token seen before",
    gate: Gate::Filter { issuers: Issuers::One },
    algorithm: Algorithm::RS256,
    groups: GROUPS,
    tokens: Tokens::One,
    answer: Answer::Envoy,
    requests: 6_000,
};
const NATIVE: Variant = Variant {
    name: "native_cached",
    title: "jwt_authn with its cache, and Lua",
    gate: Gate::Native { caches: true, script: Script::Plain },
    ..WARM
};
const COLD: Variant = Variant {
    name: "cold_rs256",
    title: "this filter, every token new, RS256",
    tokens: Tokens::EachNew,
    requests: 2_500,
    ..WARM
};
const NATIVE_COLD: Variant = Variant {
    name: "native_cold_rs256",
    title: "jwt_authn without cache, and Lua, RS256",
    gate: Gate::Native { caches: false, script: Script::Plain },
    ..COLD
};

const FLOOR: Variant = Variant {
    name: "floor",
    title: "wasm: the filter's calls to Envoy, and no work",
    gate: Gate::Floor { calls: "all" },
    ..WARM
};

/// All of them, in the order of a turn: what is compared stands side by side.
pub(crate) const VARIANTS: [Variant; 25] = [
    Variant { name: "bare", title: "no filter", gate: Gate::Bare, ..WARM },
    Variant {
        name: "floor_nothing",
        title: "wasm: a filter that does nothing",
        gate: Gate::Floor { calls: "nothing" },
        ..FLOOR
    },
    Variant {
        name: "floor_headers",
        title: "wasm: reads the headers, makes the edits",
        gate: Gate::Floor { calls: "headers" },
        ..FLOOR
    },
    FLOOR,
    Variant {
        name: "floor_rs256",
        title: "wasm: the same, and an RS256 signature",
        gate: Gate::Floor { calls: "RS256" },
        requests: 2_500,
        ..FLOOR
    },
    Variant {
        name: "floor_es256",
        title: "wasm: the same, and an ES256 signature",
        gate: Gate::Floor { calls: "ES256" },
        requests: 2_500,
        ..FLOOR
    },
    WARM,
    NATIVE,
    Variant {
        name: "native_remembering",
        title: "jwt_authn with its cache, and Lua with one of its own",
        gate: Gate::Native { caches: true, script: Script::Remembering },
        ..WARM
    },
    Variant {
        name: "warm_10k",
        title: "this filter, 10,000 tokens in turn",
        tokens: Tokens::Rotating,
        ..WARM
    },
    Variant {
        name: "native_10k",
        title: "jwt_authn with its cache, and Lua, 10,000 tokens in turn",
        tokens: Tokens::Rotating,
        ..NATIVE
    },
    Variant {
        name: "warm_100_issuers",
        title: "this filter, 100 issuers",
        gate: Gate::Filter { issuers: Issuers::Hundred },
        ..WARM
    },
    Variant {
        name: "warm_expressions",
        title: "this filter, token seen before, users by expressions",
        gate: Gate::Filter { issuers: Issuers::Expressions },
        ..WARM
    },
    Variant {
        name: "warm_500_groups",
        title: "this filter, 500 groups",
        groups: MANY_GROUPS,
        requests: 1_500,
        ..WARM
    },
    Variant {
        name: "native_500_groups",
        title: "jwt_authn with its cache, and Lua, 500 groups",
        groups: MANY_GROUPS,
        requests: 1_500,
        ..NATIVE
    },
    COLD,
    NATIVE_COLD,
    Variant {
        name: "cold_es256",
        title: "this filter, every token new, ES256",
        algorithm: Algorithm::ES256,
        ..COLD
    },
    Variant {
        name: "native_cold_es256",
        title: "jwt_authn without cache, and Lua, ES256",
        algorithm: Algorithm::ES256,
        ..NATIVE_COLD
    },
    Variant {
        name: "cold_expressions",
        title: "this filter, every token new, RS256, users by expressions",
        gate: Gate::Filter { issuers: Issuers::Expressions },
        ..COLD
    },
    Variant {
        name: "cold_ps256",
        title: "this filter, every token new, PS256 (verified in wasm)",
        algorithm: Algorithm::PS256,
        requests: 300,
        ..COLD
    },
    Variant {
        name: "cold_100_issuers",
        title: "this filter, every token new, RS256, 100 issuers",
        gate: Gate::Filter { issuers: Issuers::Hundred },
        ..COLD
    },
    Variant {
        name: "bare_upstream",
        title: "no filter, an API server behind",
        gate: Gate::Bare,
        answer: Answer::ApiServer,
        requests: 2_500,
        ..WARM
    },
    Variant {
        name: "warm_upstream",
        title: "this filter, token seen before, an API server behind",
        answer: Answer::ApiServer,
        requests: 2_500,
        ..WARM
    },
    Variant {
        name: "native_upstream",
        title: "jwt_authn with its cache, and Lua, an API server behind",
        answer: Answer::ApiServer,
        requests: 2_500,
        ..NATIVE
    },
];

/// A ratio of two variants' CPU time per request, with what it should be: higher is better for the filter.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Comparison {
    /// The filter.
    pub(crate) ours: &'static str,
    /// What it is held against.
    pub(crate) other: &'static str,
    /// What the project wants of `other / ours`; `None`: just to know.
    pub(crate) target: Option<f64>,
}

/// What is held against what.
pub(crate) const COMPARISONS: [Comparison; 21] = [
    Comparison { ours: "warm", other: "native_cached", target: Some(1.30) },
    Comparison { ours: "warm", other: "bare", target: Some(0.72) },
    Comparison { ours: "warm_10k", other: "warm", target: Some(0.95) },
    Comparison { ours: "cold_rs256", other: "native_cold_rs256", target: Some(1.30) },
    Comparison { ours: "cold_es256", other: "native_cold_es256", target: Some(1.30) },
    Comparison { ours: "warm_100_issuers", other: "warm", target: Some(0.97) },
    Comparison { ours: "warm_500_groups", other: "native_500_groups", target: Some(1.20) },
    Comparison { ours: "floor_nothing", other: "bare", target: None },
    Comparison { ours: "floor_headers", other: "bare", target: None },
    Comparison { ours: "floor", other: "bare", target: None },
    Comparison { ours: "floor", other: "native_cached", target: None },
    Comparison { ours: "floor_rs256", other: "native_cold_rs256", target: None },
    Comparison { ours: "floor_es256", other: "native_cold_es256", target: None },
    Comparison { ours: "warm", other: "floor", target: None },
    Comparison { ours: "warm", other: "native_remembering", target: None },
    Comparison { ours: "warm_10k", other: "native_10k", target: None },
    Comparison { ours: "cold_expressions", other: "cold_rs256", target: None },
    Comparison { ours: "warm_expressions", other: "warm", target: None },
    Comparison { ours: "cold_100_issuers", other: "cold_rs256", target: None },
    Comparison { ours: "warm_upstream", other: "native_upstream", target: None },
    Comparison { ours: "warm_upstream", other: "bare_upstream", target: None },
];
