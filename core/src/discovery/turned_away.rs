//! Records that are not admitted, and why.

use std::fmt;

/// A worker's record that a pool does not use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TurnedAway {
    /// The worker's uid, or what the record is called where no uid can be read.
    pub key: String,
    /// Why, to count by.
    pub reason: TurnedAwayReason,
    /// Why, to read.
    pub message: String,
}

/// Why a record was turned away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum TurnedAwayReason {
    /// It cannot be read as a record.
    Unreadable,
    /// It is larger than a record may be.
    TooLarge,
    /// It belongs to another user.
    OtherUser,
    /// It was written before this machine started, or on another machine.
    OtherBoot,
    /// Its addresses are those of another network namespace.
    OtherNetworkNamespace,
    /// It is of another namespace, which has the same short name on the network.
    Namespace,
    /// The worker speaks another major version of the protocol.
    Protocol,
    /// It is a worker of Python wool, of another major version than those that this library knows.
    Version,
    /// The worker has no door that this pool can use.
    NoDoor,
    /// The worker lacks a tag that the pool asks for.
    Tags,
    /// The pool has as many found workers as its lease allows.
    Lease,
    /// It has no address that this pool may dial: none at all, or beyond loopback without TLS.
    NoAddress,
    /// It serves with TLS, and this pool has no credentials.
    Secure,
}

impl TurnedAwayReason {
    /// The name in every language, e.g. `"other_boot"`.
    pub fn name(self) -> &'static str {
        match self {
            TurnedAwayReason::Unreadable => "unreadable",
            TurnedAwayReason::TooLarge => "too_large",
            TurnedAwayReason::OtherUser => "other_user",
            TurnedAwayReason::OtherBoot => "other_boot",
            TurnedAwayReason::OtherNetworkNamespace => "other_network_namespace",
            TurnedAwayReason::Namespace => "namespace",
            TurnedAwayReason::Protocol => "protocol",
            TurnedAwayReason::Version => "version",
            TurnedAwayReason::NoDoor => "no_door",
            TurnedAwayReason::Tags => "tags",
            TurnedAwayReason::Lease => "lease",
            TurnedAwayReason::NoAddress => "no_address",
            TurnedAwayReason::Secure => "secure",
        }
    }
}

impl fmt::Display for TurnedAwayReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
