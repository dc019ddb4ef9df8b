//! A worker's record as a file: eight bytes that say so, the length (u32, little endian), the protobuf.

use nix::sys::stat::stat;
use prost::Message;

use super::names;
use crate::discovery::{TurnedAway, TurnedAwayReason};
use crate::error::{Error, ErrorKind, Result};
use crate::wire::{LocalOrigin, WorkerRecord};

/// A file may have as many bytes.
pub(super) const LARGEST: usize = 64 * 1024;

const MAGIC: &[u8; 8] = b"woolrec1";
const HEAD: usize = MAGIC.len() + 4;

/// The machine since it started, and the network that addresses are good in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Here {
    boot_id: String,
    network_namespace: u64,
}

impl Here {
    /// Those of the current thread.
    ///
    /// # Errors
    /// [`ErrorKind::Discovery`] where `/proc` does not tell.
    pub(crate) fn find() -> Result<Here> {
        let untold = |path: &str, error: &dyn std::fmt::Display| {
            Error::new(
                ErrorKind::Discovery,
                format!(
                    "{path} cannot be read ({error}), and without it local workers cannot be told from \
                     those of another machine; mount /proc"
                ),
            )
        };
        let boot = "/proc/sys/kernel/random/boot_id";
        let boot_id = std::fs::read_to_string(boot).map_err(|error| untold(boot, &error))?;
        let network = "/proc/thread-self/ns/net";
        let network_namespace = stat(network)
            .map_err(|error| untold(network, &error))?
            .st_ino;
        Ok(Here {
            boot_id: boot_id.trim().to_owned(),
            network_namespace,
        })
    }

    pub(crate) fn to_wire(&self) -> LocalOrigin {
        LocalOrigin {
            boot_id: self.boot_id.clone(),
            network_namespace: self.network_namespace,
            ..LocalOrigin::default()
        }
    }

    /// Whether what was said there is good here.
    pub(crate) fn is(&self, origin: &LocalOrigin) -> bool {
        self.boot_id == origin.boot_id && self.network_namespace == origin.network_namespace
    }
}

#[cfg(test)]
impl Here {
    /// This place, but in another network namespace or after another start.
    pub(super) fn elsewhere(boot_id: Option<&str>, network_namespace: Option<u64>) -> Here {
        let here = Here::find().unwrap();
        Here {
            boot_id: boot_id.map_or(here.boot_id, str::to_owned),
            network_namespace: network_namespace.unwrap_or(here.network_namespace),
        }
    }
}

/// The file's content for a record of a worker of this process.
///
/// # Errors
/// [`ErrorKind::InvalidArgument`] when it is too large.
pub(super) fn encode(record: &WorkerRecord, here: &Here) -> Result<Vec<u8>> {
    let record = WorkerRecord {
        local: Some(LocalOrigin {
            secret: record.local.clone().unwrap_or_default().secret,
            ..here.to_wire()
        }),
        ..record.clone()
    };
    let length = record.encoded_len();
    if HEAD + length > LARGEST {
        return Err(Error::new(
            ErrorKind::InvalidArgument,
            format!(
                "the worker's record has {length} bytes and may have {}; give it fewer or shorter tags",
                LARGEST - HEAD
            ),
        ));
    }
    let mut bytes = Vec::with_capacity(HEAD + length);
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&(length as u32).to_le_bytes());
    bytes.extend_from_slice(&record.encode_to_vec());
    Ok(bytes)
}

/// Reads the content of the file with this name; at most one byte more than [`LARGEST`] is needed.
pub(super) fn decode(name: &str, bytes: &[u8], here: &Here) -> Result<WorkerRecord, TurnedAway> {
    if bytes.len() > LARGEST {
        return Err(turned_away(
            name,
            TurnedAwayReason::TooLarge,
            format!("its file has more than {LARGEST} bytes"),
        ));
    }
    let record = parse(name, bytes)
        .map_err(|problem| turned_away(name, TurnedAwayReason::Unreadable, problem))?;
    let origin = record.local.clone().unwrap_or_default();
    if origin.boot_id != here.boot_id {
        return Err(turned_away(
            name,
            TurnedAwayReason::OtherBoot,
            format!(
                "it was written on another machine, or before this one started: its boot id is \"{}\", \
                 here it is \"{}\"",
                origin.boot_id, here.boot_id
            ),
        ));
    }
    if origin.network_namespace != here.network_namespace {
        return Err(turned_away(
            name,
            TurnedAwayReason::OtherNetworkNamespace,
            format!(
                "its addresses are good in network namespace {}, this is {}",
                origin.network_namespace, here.network_namespace
            ),
        ));
    }
    Ok(record)
}

pub(super) fn turned_away(name: &str, reason: TurnedAwayReason, message: String) -> TurnedAway {
    TurnedAway {
        key: names::dashed(name),
        reason,
        message,
    }
}

fn parse(name: &str, bytes: &[u8]) -> Result<WorkerRecord, String> {
    let Some((head, body)) = bytes.split_at_checked(HEAD) else {
        return Err(format!("its file has only {} bytes", bytes.len()));
    };
    let Some(length) = head
        .strip_prefix(MAGIC)
        .and_then(|length| length.try_into().ok())
        .map(u32::from_le_bytes)
    else {
        return Err("its file does not begin as a record does".to_owned());
    };
    if length as usize != body.len() {
        return Err(format!(
            "its file says that {length} bytes follow, and {} do",
            body.len()
        ));
    }
    let record = WorkerRecord::decode(body).map_err(|error| error.to_string())?;
    if record.uid != names::dashed(name) {
        return Err(format!("its file holds the record of \"{}\"", record.uid));
    }
    Ok(record)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: &str = "0123456789abcdef0123456789abcdef";

    fn sample() -> WorkerRecord {
        WorkerRecord {
            uid: names::dashed(NAME),
            addresses: vec!["127.0.0.1:1".to_owned()],
            local: Some(LocalOrigin {
                secret: b"secret".as_slice().into(),
                ..LocalOrigin::default()
            }),
            ..WorkerRecord::default()
        }
    }

    fn here() -> Here {
        Here {
            boot_id: "boot".to_owned(),
            network_namespace: 7,
        }
    }

    #[test]
    fn a_record_comes_back_with_its_origin_and_secret() {
        let bytes = encode(&sample(), &here()).unwrap();
        let record = decode(NAME, &bytes, &here()).unwrap();
        assert_eq!(record.addresses, sample().addresses);
        let local = record.local.unwrap();
        assert_eq!((&*local.boot_id, local.network_namespace), ("boot", 7));
        assert_eq!(local.secret, b"secret".as_slice());
    }

    #[test]
    fn every_cut_is_noticed() {
        let bytes = encode(&sample(), &here()).unwrap();
        for length in 0..bytes.len() {
            let turned = decode(NAME, &bytes[..length], &here()).unwrap_err();
            assert_eq!(turned.reason, TurnedAwayReason::Unreadable, "{length}");
            assert_eq!(turned.key, names::dashed(NAME));
        }
    }

    #[test]
    fn what_is_not_from_here_is_turned_away_with_its_reason() {
        let bytes = encode(&sample(), &here()).unwrap();
        let reason = |name, here: Here| decode(name, &bytes, &here).unwrap_err().reason;
        let other_boot = Here {
            boot_id: "other".to_owned(),
            ..here()
        };
        assert_eq!(reason(NAME, other_boot), TurnedAwayReason::OtherBoot);
        let other_network = Here {
            network_namespace: 8,
            ..here()
        };
        assert_eq!(
            reason(NAME, other_network),
            TurnedAwayReason::OtherNetworkNamespace
        );
        let other_name = "f".repeat(32);
        assert_eq!(reason(&other_name, here()), TurnedAwayReason::Unreadable);
    }

    #[test]
    fn size_has_a_limit_on_both_sides() {
        let large = WorkerRecord {
            tags: vec!["t".repeat(LARGEST)],
            ..sample()
        };
        let error = encode(&large, &here()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        let turned = decode(NAME, &[0; LARGEST + 1], &here()).unwrap_err();
        assert_eq!(turned.reason, TurnedAwayReason::TooLarge);
    }

    #[test]
    fn this_process_knows_where_it_is() {
        let here = Here::find().unwrap();
        assert_eq!(here.boot_id.len(), 36);
        assert_ne!(here.network_namespace, 0);
    }
}
