//! The wire form. The generated types are named in this room alone and die here: everything else uses the crate's own.

mod claims;
mod feed;
mod review;
pub(crate) mod snapshot;

mod generated {
    #![allow(missing_docs, unreachable_pub, clippy::doc_markdown)] // generated; documented in proto/feed.proto

    include!(concat!(env!("OUT_DIR"), "/kubeoidcfilter.v1.rs"));
}
