//! TLS between callers and workers: what both present, whom they believe, and how that changes while they run.
//!
//! rustls with ring, for this library alone: no process-wide provider is installed.

mod accept;
mod credentials;
mod dial;
mod material;
mod peer_check;
mod peers;
mod reasons;
mod verify;

pub(crate) use accept::{PeerNames, accept};
pub(crate) use credentials::watch;
pub use credentials::{Credentials, CredentialsOptions, Pem};
pub(crate) use dial::{Expected, Verdict, dial};
pub use peer_check::{PeerCheck, PeerRequest};
pub use peers::Peers;

/// What is spoken inside.
const ALPN: &[u8] = b"h2";
