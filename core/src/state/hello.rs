//! What two peers agree on before anything else is said.

use crate::wire;

/// What one side accepts; the peer keeps to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) max_payload: u64,
    pub(crate) max_batch: usize,
    pub(crate) max_part: usize,
    pub(crate) max_open_calls: usize,
    pub(crate) max_depth: u32,
    pub(crate) call_window: u64,
    pub(crate) session_window: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            max_payload: 256 << 20,
            max_batch: 1 << 20,
            max_part: 64 << 10,
            max_open_calls: 16_384,
            max_depth: 128,
            call_window: 256 << 10,
            session_window: 64 << 20,
        }
    }
}

impl Limits {
    pub(crate) fn to_wire(self) -> wire::Limits {
        wire::Limits {
            max_payload: self.max_payload,
            max_batch: u32::try_from(self.max_batch).unwrap_or(u32::MAX),
            max_part: u32::try_from(self.max_part).unwrap_or(u32::MAX),
            max_open_calls: u32::try_from(self.max_open_calls).unwrap_or(u32::MAX),
            max_depth: self.max_depth,
            call_window: self.call_window,
            session_window: self.session_window,
        }
    }

    /// Zeros mean defaults. A window smaller than a part would never let one pass, so the parts shrink.
    fn from_wire(limits: Option<wire::Limits>) -> Limits {
        let limits = limits.unwrap_or_default();
        let defaults = Limits::default();
        let or = |value: u64, default: u64| if value == 0 { default } else { value };
        let call_window = or(limits.call_window, defaults.call_window);
        let session_window = or(limits.session_window, defaults.session_window);
        let max_batch = or(limits.max_batch.into(), defaults.max_batch as u64).max(4096);
        let max_part = or(limits.max_part.into(), defaults.max_part as u64)
            .min(call_window)
            .min(session_window)
            .min(max_batch / 2)
            .max(1);
        Limits {
            max_payload: or(limits.max_payload, defaults.max_payload),
            max_batch: max_batch as usize,
            max_part: max_part as usize,
            max_open_calls: or(limits.max_open_calls.into(), defaults.max_open_calls as u64)
                as usize,
            max_depth: if limits.max_depth == 0 {
                defaults.max_depth
            } else {
                limits.max_depth
            },
            call_window,
            session_window,
        }
    }
}

/// Why a session does not come about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Other major, or no hello at all.
    Handshake(String),
    /// The secret is missing or wrong.
    PermissionDenied(String),
    /// The worker behind the address is not the one that was expected.
    OtherWorker(String),
    /// The peer broke the protocol after its hello.
    Protocol(String),
}

impl Refusal {
    pub(crate) fn message(&self) -> &str {
        match self {
            Refusal::Handshake(message)
            | Refusal::PermissionDenied(message)
            | Refusal::OtherWorker(message)
            | Refusal::Protocol(message) => message,
        }
    }
}

/// What is known of the peer once its hello was accepted.
#[derive(Debug, Clone)]
pub(crate) struct Peer {
    pub(crate) limits: Limits,
    pub(crate) language: String,
    pub(crate) package_version: String,
    pub(crate) worker_uid: String,
    pub(crate) serving: wire::Serving,
}

/// This side's hello, but for what only one of the roles says.
pub(crate) fn hello(limits: Limits, language: &str) -> wire::Hello {
    wire::Hello {
        major: wire::MAJOR,
        minor: wire::MINOR,
        features: Vec::new(),
        package_version: wire::PACKAGE_VERSION.to_owned(),
        language: language.to_owned(),
        limits: Some(limits.to_wire()),
        codecs: vec![wire::Codec::Msgpack as i32, wire::Codec::Raw as i32],
        worker_uid: String::new(),
        serving: None,
        secret: Default::default(),
    }
}

/// The worker's look at a caller's hello.
pub(crate) fn accept_caller(
    hello: wire::Hello,
    own_uid: &str,
    own_secret: Option<&[u8]>,
) -> Result<Peer, Refusal> {
    check_major(&hello)?;
    if !hello.worker_uid.is_empty() && hello.worker_uid != own_uid {
        return Err(Refusal::OtherWorker(format!(
            "the caller expects worker {}, this is {own_uid}",
            hello.worker_uid
        )));
    }
    if let Some(secret) = own_secret
        && !equal_in_constant_time(secret, &hello.secret)
    {
        return Err(Refusal::PermissionDenied(
            "the worker asks for a secret that the caller did not present".to_owned(),
        ));
    }
    Ok(peer(hello))
}

/// The caller's look at a worker's hello.
pub(crate) fn accept_worker(hello: wire::Hello, expected_uid: &str) -> Result<Peer, Refusal> {
    check_major(&hello)?;
    if !expected_uid.is_empty() && hello.worker_uid != expected_uid {
        return Err(Refusal::OtherWorker(format!(
            "expected worker {expected_uid}, found {}",
            hello.worker_uid
        )));
    }
    Ok(peer(hello))
}

fn check_major(hello: &wire::Hello) -> Result<(), Refusal> {
    if hello.major == wire::MAJOR {
        return Ok(());
    }
    Err(Refusal::Handshake(format!(
        "the peer (libwool {}) speaks protocol {}.{}, this side (libwool {}) speaks {}.{}: \
         peers must have the same major version",
        hello.package_version,
        hello.major,
        hello.minor,
        wire::PACKAGE_VERSION,
        wire::MAJOR,
        wire::MINOR,
    )))
}

fn peer(hello: wire::Hello) -> Peer {
    Peer {
        limits: Limits::from_wire(hello.limits),
        language: hello.language,
        package_version: hello.package_version,
        worker_uid: hello.worker_uid,
        serving: hello.serving.unwrap_or_default(),
    }
}

/// How long it takes tells nothing about where the two differ.
fn equal_in_constant_time(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |differ, (a, b)| differ | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller_hello() -> wire::Hello {
        hello(Limits::default(), "rust")
    }

    #[test]
    fn another_major_is_refused_with_both_versions_named() {
        let other = wire::Hello {
            major: 2,
            minor: 7,
            ..caller_hello()
        };
        let refusal = accept_caller(other, "uid", None).unwrap_err();
        assert!(matches!(&refusal, Refusal::Handshake(_)));
        assert!(refusal.message().contains("2.7"), "{refusal:?}");
        assert!(refusal.message().contains("1.0"), "{refusal:?}");
    }

    #[test]
    fn another_minor_is_welcome() {
        let newer = wire::Hello {
            minor: 1,
            ..caller_hello()
        };
        assert!(accept_caller(newer, "uid", None).is_ok());
    }

    #[test]
    fn the_secret_must_match_where_there_is_one() {
        let with = |secret: &'static [u8]| wire::Hello {
            secret: secret.into(),
            ..caller_hello()
        };
        assert!(accept_caller(with(b"open sesame"), "uid", Some(b"open sesame")).is_ok());
        for wrong in [&b""[..], b"open sesamE", b"open"] {
            let refused = accept_caller(with(wrong), "uid", Some(b"open sesame"));
            assert!(matches!(refused, Err(Refusal::PermissionDenied(_))));
        }
    }

    #[test]
    fn a_port_that_was_reused_is_noticed_by_both() {
        let expecting = wire::Hello {
            worker_uid: "old".to_owned(),
            ..caller_hello()
        };
        assert!(matches!(
            accept_caller(expecting, "new", None),
            Err(Refusal::OtherWorker(_))
        ));
        let found = wire::Hello {
            worker_uid: "new".to_owned(),
            ..caller_hello()
        };
        assert!(matches!(
            accept_worker(found, "old"),
            Err(Refusal::OtherWorker(_))
        ));
    }

    #[test]
    fn limits_that_could_never_let_a_part_pass_are_made_to() {
        let limits = Limits::from_wire(Some(wire::Limits {
            call_window: 10,
            ..Default::default()
        }));
        assert_eq!(limits.max_part, 10);
        assert_eq!(Limits::from_wire(None), Limits::default());
    }
}
