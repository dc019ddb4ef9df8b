//! The generated wire types, and what this build says of itself in a hello.

#[allow(
    missing_docs,
    non_camel_case_types,
    unreachable_pub,
    clippy::all,
    reason = "generated from proto/, which holds the documentation"
)]
mod generated {
    tonic::include_proto!("wool.v1");
}

pub(crate) use generated::*;

use frame::Kind;

/// Peers of another major are refused.
pub(crate) const MAJOR: u32 = 1;
/// Each minor talks to the one before it.
pub(crate) const MINOR: u32 = 0;
/// Version of this package.
pub(crate) const PACKAGE_VERSION: &str = env!("CARGO_PKG_VERSION");
/// For gRPC reflection.
pub(crate) const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/wool.v1.bin"));

impl Frame {
    pub(crate) fn new(call: u64, kind: Kind) -> Frame {
        Frame {
            call,
            kind: Some(kind),
        }
    }

    /// A frame of the session itself.
    pub(crate) fn session(kind: Kind) -> Frame {
        Frame::new(0, kind)
    }
}
