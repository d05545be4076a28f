//! Expressions in the Common Expression Language (CEL), as kube-apiserver's structured authentication takes them.
//!
//! # What
//! An AuthenticationConfiguration holds expressions over a token's `claims` or over the mapped `user`.
//! [`check`](check::check) says whether kube-apiserver would take one, and if not, why, in its words: an operator reads
//! here what they would read there.
//!
//! The measure is kube-apiserver 1.36 (cel-go 0.26). What it takes and can't be made equal here is refused.
//!
//! # Why not the crate `cel`
//! Whether a configuration is good depends on cel-go's inference of types, on the place of each node in the text, and on
//! ANTLR's words for mistakes. The crates that there are know none of these.
//!
//! # Rooms
//! | question | module |
//! |---|---|
//! | what does the text say? | [`parse`], [`ast`] |
//! | would kube-apiserver take it? | [`check`] |
//! | what is a constant worth? | `value`, `convert`, `time` |

pub mod ast;
pub mod check;
mod convert;
pub mod parse;
mod time;
mod value;
