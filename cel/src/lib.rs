//! Expressions in the Common Expression Language (CEL), as kube-apiserver's structured authentication takes them.
//!
//! # What
//! An AuthenticationConfiguration holds expressions over a token's `claims` or over the mapped `user`.
//! [`check`](check::check) says whether kube-apiserver would take one, and if not, why, in its words: an operator reads
//! here what they would read there. A [`Program`](program::Program) is one that was taken, planned once and evaluated for
//! each new token.
//!
//! The measure is kube-apiserver 1.36 (cel-go 0.26): the same value, or the same error. What can't be made equal is refused
//! when it is checked, or fails when it is evaluated: an error in place of a value lets in nobody. So there are no time zones by
//! name, no messages of Protocol Buffers as literals, no keys but texts, whole numbers and truth values.
//!
//! # Why not the crate `cel`
//! Whether a configuration is good depends on cel-go's inference of types, on the place of each node in the text, and on
//! ANTLR's words for mistakes; and what an expression gives, on numbers that are doubles, on lists that know what Go makes of
//! them, on names that are unescaped, on a budget. The crates that there are know none of these.
//!
//! # Rooms
//! | question | module |
//! |---|---|
//! | what does the text say? | [`parse`], [`ast`] |
//! | would kube-apiserver take it? | [`check`] |
//! | what does it give? | [`program`], [`value`], `convert`, `time`, `escape` |
//! | which functions are there? | `library` |
//! | what may it cost? | `cost` |

pub mod ast;
pub mod check;
mod convert;
mod cost;
mod escape;
mod library;
pub mod parse;
pub mod program;
mod time;
pub mod value;

pub use library::kubernetes::quote;
pub use library::url::Url;
