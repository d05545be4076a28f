//! Decides who a request to a Kubernetes API server is from.
//!
//! # What
//! A gateway in front of an API server calls [`Authenticator::decide`](authenticator::Authenticator::decide) with a
//! request's headers, the time and a signature verifier. The answer is a [`Decision`](decision::Decision): forward
//! the request with these headers, refuse it with this Kubernetes `Status`, or [`Ask`](decision::Decision::Ask) the
//! sidecar something, note what it says among the request's [`Answers`](decision::Answers), and call again. What it
//! decides by is a [`Snapshot`](snapshot::Snapshot), which the sidecar makes, and the gateway's own
//! [`RequestPolicy`](policy::RequestPolicy).
//!
//! # Trust is a type
//! ```text
//! HeaderLine -> Request -> BearerToken -> UnverifiedToken -> VerifiedClaims -> ExpandedClaims -> UserInfo -> ImpersonationHeaders
//!                                                     signature, times,  distributed     mapping,   header safety     |
//!                                                     issuer, audience   claims          guard                        v
//!            UserInfo + ImpersonationRequest (kubectl --as) -- allowed -> UserInfo ----------> Decision::Forward(Forward)
//! ```
//! Each step has a private constructor and the one before it as its argument. Impersonation fails open: a request
//! with the ServiceAccount's token and without `impersonate-user` runs as the proxy itself. So a
//! [`Forward`](decision::Forward) can't be made without a verified, header-safe, non-empty user, and it hands
//! out credential and identity together or not at all. What somebody is allowed to act as is remembered beside the
//! very question that was asked.
//!
//! # Threat model
//! Everything a client sends is hostile: tokens, header names and values, their number and order. Issuers are
//! trusted for their own users only; a key, an algorithm or an audience of one is never used for another. The
//! sidecar is trusted, and its snapshots are checked for what would make a decision unsafe. No input panics, loops
//! without bound, or costs more than a good token of the same kind.
//!
//! # Wrinkles
//! The measure is kube-apiserver's own OIDC authenticator: the same user wherever both accept, never looser, and
//! stricter only where `docs/deviations.md` says so.
//!
//! # Rooms
//! | question | module |
//! |---|---|
//! | what does the request bring? | [`request`] (and [`websocket`]) |
//! | what is in the token? | [`token`], [`claims`], `json`, `base64url` |
//! | what stands elsewhere? | `distributed`, [`claim_hosts`] |
//! | is it good? | `verifier`, [`signature`], `budget`, [`cache`] (and [`texts`]) |
//! | who is it? | [`user`], `programs` (remembered: [`described`]), [`impersonation`], [`anonymous`] |
//! | whom do they act as? | [`impersonation_request`] |
//! | what becomes of it? | [`authenticator`], [`decision`], [`rejection`] |
//! | what is it judged by? | [`snapshot`], [`issuer`], [`keys`], [`algorithm`], [`policy`] |
//! | how does that get here? | [`feed`] |
//! | where does it come from? (feature `supply`) | `config`, `discovery`, `jwks`, `claims_token` |
//! | why is it so? (feature `supply`) | `explain` |

pub mod algorithm;
pub mod anonymous;
pub mod authenticator;
pub mod base64url;
mod budget;
pub mod cache;
pub mod claim_hosts;
pub mod claims;
pub mod decision;
pub mod described;
mod distributed;
pub mod feed;
pub mod impersonation;
pub mod impersonation_request;
pub mod issuer;
mod json;
pub mod keys;
mod percent;
pub mod policy;
mod programs;
pub mod rejection;
pub mod request;
pub mod signature;
pub mod snapshot;
pub mod texts;
pub mod time;
pub mod token;
pub mod user;
mod verifier;
pub mod websocket;
mod wire;

#[cfg(feature = "supply")]
pub mod claims_token;
#[cfg(feature = "supply")]
pub mod config;
#[cfg(feature = "supply")]
pub mod discovery;
#[cfg(feature = "supply")]
pub mod explain;
#[cfg(feature = "supply")]
pub mod jwks;
