//! What is said over a control socket: messages after their lengths, as `proto/wool/v1/spawn.proto` has it.

use std::os::fd::{AsFd, AsRawFd};
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, send};
use prost::Message;
use prost::bytes::{Buf, Bytes, BytesMut};

use super::WorkerSetup;
use crate::discovery::{Discovery, LocalDiscovery};
use crate::error::{Error, ErrorKind, Result, shorten};
use crate::tls::{self, CredentialsOptions, Pem};
use crate::wire::{self, Spawn};
use crate::worker::{Grace, WorkerOptions};

pub(super) use crate::wire::spawn::{
    Credentials, Failed, Hello, Kind, Ready, Setup, Stop, Stopped,
};

/// Longer messages are refused, in both directions.
const LONGEST: usize = 64 * 1024;
/// The wire type of all fields of a `Spawn`.
const MESSAGE: u8 = 2;
/// Of an error's message; the rest of its frame is small.
const LONGEST_FAILURE: usize = 16 * 1024;

/// Puts messages together from bytes as they come.
#[derive(Default)]
pub(super) struct Decoder {
    buffer: BytesMut,
}

impl Decoder {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next message, if all of it has come; those of an unknown kind are passed over.
    ///
    /// # Errors
    /// [`ErrorKind::Protocol`] for what is no message. What follows cannot be read either.
    pub(super) fn next(&mut self) -> Result<Option<Kind>> {
        loop {
            let Some((prefix, length)) = self.length()? else {
                return Ok(None);
            };
            // Told early, since a length can be made of anything.
            if length > 0
                && self
                    .buffer
                    .get(prefix)
                    .is_some_and(|tag| tag & 7 != MESSAGE)
            {
                return Err(protocol("what is no message".to_owned()));
            }
            if self.buffer.len() < prefix + length {
                return Ok(None);
            }
            self.buffer.advance(prefix);
            let message = self.buffer.split_to(length).freeze();
            let control = Spawn::decode(message)
                .map_err(|error| protocol(format!("an unreadable message ({error})")))?;
            if let Some(kind) = control.kind {
                return Ok(Some(kind));
            }
        }
    }

    /// The length of the next message and of the prefix that tells it.
    fn length(&self) -> Result<Option<(usize, usize)>> {
        let mut length = 0;
        // Three bytes of seven bits hold the longest length.
        for (index, byte) in self.buffer.iter().take(3).enumerate() {
            length |= usize::from(byte & 0x7f) << (7 * index);
            if byte & 0x80 == 0 {
                if length > LONGEST {
                    return Err(protocol(format!("a message of {length} bytes")));
                }
                return Ok(Some((index + 1, length)));
            }
        }
        if self.buffer.len() >= 3 {
            return Err(protocol("what is no message".to_owned()));
        }
        Ok(None)
    }
}

fn protocol(what: String) -> Error {
    Error::new(
        ErrorKind::Protocol,
        format!(
            "the control socket, which is a worker process's standard input, carried {what}; nothing but \
             libwool may write to it"
        ),
    )
}

/// Sends a message without waiting: a peer that has left the few messages of a life unread is lost.
///
/// # Errors
/// [`ErrorKind::Io`], [`ErrorKind::InvalidArgument`] for one that is too long.
pub(super) fn tell(socket: impl AsFd, kind: Kind) -> Result<()> {
    let bytes = Spawn { kind: Some(kind) }.encode_length_delimited_to_vec();
    if bytes.len() > LONGEST {
        return Err(Error::new(
            ErrorKind::InvalidArgument,
            format!(
                "what a spawned worker is told would be {} bytes, and may be {LONGEST}: give it fewer or \
                 shorter tags, or smaller credentials",
                bytes.len()
            ),
        ));
    }
    let flags = MsgFlags::MSG_NOSIGNAL | MsgFlags::MSG_DONTWAIT;
    let failed = |why: String| {
        Error::new(
            ErrorKind::Io,
            format!("the control socket takes no message: {why}"),
        )
    };
    loop {
        match send(socket.as_fd().as_raw_fd(), &bytes, flags) {
            Ok(sent) if sent == bytes.len() => return Ok(()),
            Ok(_) => return Err(failed("it is full".to_owned())),
            Err(Errno::EINTR) => {}
            Err(error) => return Err(failed(error.to_string())),
        }
    }
}

/// Whether the peer's major version is ours.
///
/// # Errors
/// [`ErrorKind::Handshake`], which names both.
pub(super) fn check_major(peer: &str, major: u32, minor: u32) -> Result<()> {
    if major == wire::MAJOR {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Handshake,
        format!(
            "{peer} speaks protocol {major}.{minor}, this one {}.{}: build both with the same libwool",
            wire::MAJOR,
            wire::MINOR
        ),
    ))
}

pub(super) fn setup(worker: &WorkerSetup) -> Setup {
    Setup {
        protocol_major: wire::MAJOR,
        protocol_minor: wire::MINOR,
        tags: worker.tags.clone(),
        concurrency: worker.concurrency,
        max_payload: worker.max_payload,
        local: worker.publish.as_ref().map(LocalDiscovery::to_wire),
        bind: worker.bind.clone(),
        advertise: worker.advertise.clone(),
        allow_plaintext: worker.allow_plaintext,
        credentials: worker.credentials.as_ref().map(credentials),
        identity: worker.identity.clone(),
        secret: worker.secret.clone().map(Into::into),
    }
}

pub(super) fn worker_options(setup: Setup) -> Result<WorkerOptions> {
    let publish = match setup.local {
        None => None,
        Some(local) => Some(Discovery::Local(LocalDiscovery::from_wire(local)?)),
    };
    let defaults = WorkerOptions::default();
    Ok(WorkerOptions {
        bind: if setup.bind.is_empty() {
            defaults.bind
        } else {
            setup.bind
        },
        advertise: setup.advertise,
        secret: setup.secret.map(Into::into),
        allow_plaintext: setup.allow_plaintext,
        credentials: setup
            .credentials
            .map(|told| tls::Credentials::new(options_of(told)))
            .transpose()?,
        identity: setup.identity,
        tags: setup.tags,
        concurrency: setup.concurrency,
        max_payload: setup.max_payload,
        publish,
        ..WorkerOptions::default()
    })
}

/// As they are in use now.
pub(super) fn credentials(credentials: &tls::Credentials) -> Credentials {
    let (texts, mutual) = credentials.texts();
    Credentials {
        ca: texts.ca.map(Into::into),
        certificate: texts.certificate.map(Into::into),
        key: texts.key.map(Into::into),
        crl: texts.crl.map(Into::into),
        mutual,
    }
}

pub(super) fn options_of(told: Credentials) -> CredentialsOptions {
    let text = |part: Option<Bytes>| part.map(|part| Pem::Text(part.into()));
    CredentialsOptions {
        ca: text(told.ca),
        certificate: text(told.certificate),
        key: text(told.key),
        crl: text(told.crl),
        mutual: told.mutual,
        ..CredentialsOptions::default()
    }
}

pub(super) fn stop(grace: Grace) -> Stop {
    Stop {
        grace_milliseconds: match grace {
            Grace::Now => Some(0),
            Grace::For(time) => Some(u64::try_from(time.as_millis()).unwrap_or(u64::MAX)),
            Grace::Forever => None,
        },
    }
}

pub(super) fn grace(stop: Stop) -> Grace {
    match stop.grace_milliseconds {
        None => Grace::Forever,
        Some(0) => Grace::Now,
        Some(milliseconds) => Grace::For(Duration::from_millis(milliseconds)),
    }
}

pub(super) fn failed(error: &Error) -> Failed {
    let mut message = error.message().to_owned();
    shorten(&mut message, LONGEST_FAILURE);
    Failed {
        kind: error.kind().number(),
        message,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::unix::net::UnixStream;

    use proptest::prelude::*;

    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;

    use super::*;

    fn ready() -> Kind {
        Kind::Ready(Ready {
            uid: "u".repeat(300),
            address: "127.0.0.1:1".to_owned(),
        })
    }

    fn encoded(kind: Option<Kind>) -> Vec<u8> {
        Spawn { kind }.encode_length_delimited_to_vec()
    }

    #[test]
    fn messages_are_put_together_from_any_pieces() {
        let mut bytes = encoded(Some(ready()));
        // A message of a kind that does not exist yet is passed over.
        bytes.extend([3, 0xfa, 0x07, 0]);
        bytes.extend(encoded(Some(Kind::Stop(stop(Grace::Forever)))));
        let mut decoder = Decoder::default();
        let mut read = Vec::new();
        for byte in bytes {
            decoder.push(&[byte]);
            read.extend(decoder.next().unwrap());
        }
        assert_eq!(read, [ready(), Kind::Stop(stop(Grace::Forever))]);
    }

    #[test]
    fn what_is_no_message_is_an_error() {
        for garbage in [
            &b"\xff\xff\xff"[..],
            b"\x81\x80\x04",
            b"\x02\xfa\xff",
            b"Hello",
        ] {
            let mut decoder = Decoder::default();
            decoder.push(garbage);
            let error = decoder.next().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Protocol, "{garbage:?}");
        }
    }

    #[test]
    fn a_grace_survives_the_way() {
        for sent in [
            Grace::Now,
            Grace::For(Duration::from_millis(1500)),
            Grace::Forever,
        ] {
            assert_eq!(grace(stop(sent)), sent);
        }
    }

    #[test]
    fn a_setup_survives_the_way() {
        let local = LocalDiscovery::new("n").unwrap();
        let local = local.in_directory(OsString::from_vec(b"/tmp/\xff".to_vec()));
        let sent = WorkerSetup {
            tags: vec!["gpu".to_owned()],
            concurrency: 3,
            max_payload: 4,
            publish: Some(local.clone()),
            bind: "0.0.0.0:0".to_owned(),
            advertise: vec!["here".to_owned()],
            allow_plaintext: true,
            credentials: None,
            identity: "worker.example".to_owned(),
            secret: Some(b"fleece".to_vec()),
        };
        let options = worker_options(setup(&sent)).unwrap();
        assert_eq!(options.secret, sent.secret);
        assert_eq!(options.tags, sent.tags);
        assert_eq!(
            (options.bind, options.advertise),
            (sent.bind, sent.advertise)
        );
        assert!(options.allow_plaintext);
        assert_eq!(options.identity, sent.identity);
        assert_eq!((options.concurrency, options.max_payload), (3, 4));
        let Some(Discovery::Local(published)) = options.publish else {
            panic!("not published");
        };
        assert_eq!(published, local);
    }

    #[test]
    fn telling_is_refused_instead_of_waited_for() {
        let (here, mut there) = UnixStream::pair().unwrap();
        let long = Kind::Failed(Failed {
            kind: 1,
            message: "x".repeat(LONGEST + 1),
        });
        let error = tell(&here, long).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        let full = (0..100_000).find_map(|_| tell(&here, ready()).err());
        assert_eq!(full.unwrap().kind(), ErrorKind::Io);
        drop(here);
        there.read_to_end(&mut Vec::new()).unwrap();
        let (here, _) = UnixStream::pair().unwrap();
        assert_eq!(tell(&here, ready()).unwrap_err().kind(), ErrorKind::Io);
    }

    proptest! {
        #[test]
        fn any_bytes_give_messages_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let mut decoder = Decoder::default();
            for byte in bytes {
                decoder.push(&[byte]);
                if decoder.next().is_err() {
                    break;
                }
            }
        }
    }
}
