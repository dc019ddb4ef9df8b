//! What one peer may take of a worker, so that it leaves enough to the others.

use std::collections::HashMap;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// What one peer may take of a worker. A peer is whoever presents certificates of the same names; without names, an IP address
/// (of IPv6 a network of 64 bits, which one host can have whole). Sessions over the worker's Unix socket are this user's own
/// and are not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeerLimits {
    /// Connections at once; further ones are closed. 0 = 1,024.
    pub connections: u32,
    /// Sessions at once; further ones are refused. 0 = 1,024.
    pub sessions: u32,
    /// Tasks at once, over all sessions; further calls are answered as busy. 0 = 65,536.
    pub calls: u32,
    /// Bytes of large payloads that may be on their way to the worker, or held by its tasks, over all sessions. Each session
    /// sets aside what it lets its caller send ahead: 64 MiB, or half of what is left; a payload that is larger than that, its
    /// size. What does not fit is refused. 0 = 64 GiB.
    pub bytes: u64,
}

/// A session that has less to receive in would crawl.
const LEAST_WINDOW: u64 = 64 << 10;

impl Default for PeerLimits {
    fn default() -> PeerLimits {
        PeerLimits {
            connections: 1024,
            sessions: 1024,
            calls: 65_536,
            bytes: 64 << 30,
        }
    }
}

impl PeerLimits {
    /// With the defaults in the place of zeros.
    pub(crate) fn or_defaults(self) -> PeerLimits {
        let defaults = PeerLimits::default();
        let or = |value: u32, default: u32| if value == 0 { default } else { value };
        PeerLimits {
            connections: or(self.connections, defaults.connections),
            sessions: or(self.sessions, defaults.sessions),
            calls: or(self.calls, defaults.calls),
            bytes: if self.bytes == 0 {
                defaults.bytes
            } else {
                self.bytes
            },
        }
    }
}

/// Who is counted as one.
#[derive(Clone, PartialEq, Eq, Hash)]
enum PeerKey {
    Names(Arc<[String]>),
    Address(IpAddr),
}

impl PeerKey {
    fn new(names: &Arc<[String]>, address: IpAddr) -> PeerKey {
        if !names.is_empty() {
            return PeerKey::Names(Arc::clone(names));
        }
        PeerKey::Address(match address.to_canonical() {
            IpAddr::V6(address) => {
                let network = u128::from(address) & (u128::MAX << 64);
                IpAddr::V6(Ipv6Addr::from(network))
            }
            address => address,
        })
    }
}

impl fmt::Display for PeerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PeerKey::Names(names) => f.write_str(&names.join(", ")),
            PeerKey::Address(address) => address.fmt(f),
        }
    }
}

/// The peers of a worker, as long as they have something open.
pub(crate) struct PeerLoads {
    limits: PeerLimits,
    loads: Mutex<HashMap<PeerKey, Weak<PeerLoad>>>,
}

impl PeerLoads {
    pub(crate) fn new(limits: PeerLimits) -> Arc<PeerLoads> {
        Arc::new(PeerLoads {
            limits: limits.or_defaults(),
            loads: Mutex::default(),
        })
    }

    pub(crate) fn of(self: &Arc<Self>, names: &Arc<[String]>, address: IpAddr) -> Arc<PeerLoad> {
        let key = PeerKey::new(names, address);
        let mut loads = self.lock();
        if let Some(load) = loads.get(&key).and_then(Weak::upgrade) {
            return load;
        }
        let load = Arc::new(PeerLoad {
            key: key.clone(),
            peers: Arc::clone(self),
            connections: AtomicU32::new(0),
            sessions: AtomicU32::new(0),
            calls: AtomicU32::new(0),
            bytes: AtomicU64::new(0),
        });
        loads.insert(key, Arc::downgrade(&load));
        load
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<PeerKey, Weak<PeerLoad>>> {
        self.loads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What one peer has open.
pub(crate) struct PeerLoad {
    key: PeerKey,
    peers: Arc<PeerLoads>,
    connections: AtomicU32,
    sessions: AtomicU32,
    calls: AtomicU32,
    bytes: AtomicU64,
}

impl Drop for PeerLoad {
    fn drop(&mut self) {
        let mut loads = self.peers.lock();
        // Meanwhile it may have come again.
        if loads
            .get(&self.key)
            .is_some_and(|load| load.strong_count() == 0)
        {
            loads.remove(&self.key);
        }
    }
}

/// Why a peer gets no more; for people.
type Exceeded = String;

impl PeerLoad {
    fn limits(&self) -> &PeerLimits {
        &self.peers.limits
    }

    pub(crate) fn connect(self: &Arc<Self>) -> Result<PeerConnection, Exceeded> {
        let most = self.limits().connections;
        if !add(&self.connections, most) {
            return Err(format!(
                "{} has {most} connections to this worker, as many as a peer may",
                self.key
            ));
        }
        Ok(PeerConnection(Arc::clone(self)))
    }

    /// `window`: what its caller might send ahead. It may get less.
    pub(crate) fn open_session(self: &Arc<Self>, window: u64) -> Result<PeerSession, Exceeded> {
        let most = self.limits().sessions;
        if !add(&self.sessions, most) {
            return Err(format!(
                "{} has {most} sessions with this worker, as many as a peer may",
                self.key
            ));
        }
        // Given back with it.
        let mut session = PeerSession {
            peer: Arc::clone(self),
            window: 0,
        };
        let most = self.limits().bytes;
        let mut granted = 0;
        let reserved = self
            .bytes
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |used| {
                let left = most.saturating_sub(used);
                // Others of the peer, and large payloads, need some, too.
                granted = window.min(left.min((left / 2).max(LEAST_WINDOW)));
                (granted >= LEAST_WINDOW.min(window)).then_some(used + granted)
            });
        if reserved.is_err() {
            return Err(format!(
                "the sessions of {} may hold {most} bytes at this worker together, and have set them aside",
                self.key
            ));
        }
        session.window = granted;
        Ok(session)
    }

    fn begin_call(&self) -> Result<(), Exceeded> {
        let most = self.limits().calls;
        if !add(&self.calls, most) {
            return Err(format!(
                "{} has {most} tasks at this worker, as many as a peer may",
                self.key
            ));
        }
        Ok(())
    }

    fn set_aside(self: &Arc<Self>, bytes: u64) -> Option<PeerBytes> {
        let most = self.limits().bytes;
        let add = |used: u64| used.checked_add(bytes).filter(|sum| *sum <= most);
        self.bytes
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, add)
            .ok()?;
        Some(PeerBytes {
            peer: Arc::clone(self),
            bytes,
        })
    }
}

fn add(count: &AtomicU32, most: u32) -> bool {
    let add = |count| (count < most).then_some(count + 1);
    count
        .fetch_update(Ordering::AcqRel, Ordering::Acquire, add)
        .is_ok()
}

/// A connection of a peer, until it is dropped.
pub(crate) struct PeerConnection(Arc<PeerLoad>);

impl Drop for PeerConnection {
    fn drop(&mut self) {
        self.0.connections.fetch_sub(1, Ordering::AcqRel);
    }
}

/// A session of a peer, until it is dropped.
pub(crate) struct PeerSession {
    peer: Arc<PeerLoad>,
    window: u64,
}

impl PeerSession {
    /// What its caller may send ahead.
    pub(crate) fn window(&self) -> u64 {
        self.window
    }

    /// What all sessions of its peer may hold together.
    pub(crate) fn most_bytes(&self) -> u64 {
        self.peer.limits().bytes
    }

    /// Each that is begun is ended, also when the session ends before.
    pub(crate) fn begin_call(&self) -> Result<(), Exceeded> {
        self.peer.begin_call()
    }

    pub(crate) fn end_call(&self) {
        self.peer.calls.fetch_sub(1, Ordering::AcqRel);
    }

    /// Room for a payload that is larger than the window.
    pub(crate) fn set_aside(&self, bytes: u64) -> Option<PeerBytes> {
        self.peer.set_aside(bytes)
    }
}

impl Drop for PeerSession {
    fn drop(&mut self) {
        self.peer.bytes.fetch_sub(self.window, Ordering::AcqRel);
        self.peer.sessions.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Bytes that are set aside, until it is dropped.
pub(crate) struct PeerBytes {
    peer: Arc<PeerLoad>,
    bytes: u64,
}

impl Drop for PeerBytes {
    fn drop(&mut self) {
        self.peer.bytes.fetch_sub(self.bytes, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loads(limits: PeerLimits) -> Arc<PeerLoads> {
        PeerLoads::new(limits)
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_peer_is_its_names_and_without_names_its_address() {
        let loads = loads(PeerLimits {
            connections: 1,
            ..PeerLimits::default()
        });
        let names = |name: &str| -> Arc<[String]> { Arc::from([name.to_owned()]) };
        let none: Arc<[String]> = Arc::default();
        let [here, there] = ["192.0.2.1", "192.0.2.2"].map(address);
        let first = loads.of(&names("a"), here).connect().unwrap();
        let refused = loads.of(&names("a"), there).connect().err().unwrap();
        assert!(refused.starts_with("a has 1 connections"), "{refused}");
        let _other = loads.of(&names("b"), here).connect().unwrap();
        let _address = loads.of(&none, here).connect().unwrap();
        assert!(loads.of(&none, here).connect().is_err());
        assert!(
            loads
                .of(&none, address("::ffff:192.0.2.1"))
                .connect()
                .is_err()
        );
        let _v6 = loads.of(&none, address("2001:db8::1")).connect().unwrap();
        assert!(loads.of(&none, address("2001:db8::2")).connect().is_err());
        loads
            .of(&none, address("2001:db8:0:1::1"))
            .connect()
            .unwrap();
        drop(first);
        loads.of(&names("a"), there).connect().unwrap();
        assert_eq!(loads.lock().len(), 3, "who has nothing open is forgotten");
    }

    #[test]
    fn sessions_get_what_is_left_of_the_bytes() {
        let loads = loads(PeerLimits {
            sessions: 3,
            bytes: 100 << 20,
            ..PeerLimits::default()
        });
        let peer = loads.of(&Arc::default(), address("192.0.2.1"));
        let first = peer.open_session(64 << 20).unwrap();
        let second = peer.open_session(64 << 20).unwrap();
        assert_eq!((first.window(), second.window()), (50 << 20, 25 << 20));
        assert!(first.set_aside((25 << 20) + 1).is_none());
        let aside = first.set_aside(25 << 20).unwrap();
        let refused = peer.open_session(64 << 20).err().unwrap();
        assert!(refused.contains("may hold 104857600 bytes"), "{refused}");
        drop(aside);
        let _third = peer.open_session(1 << 20).unwrap();
        let refused = peer.open_session(1 << 20).err().unwrap();
        assert!(refused.contains("has 3 sessions"), "{refused}");
    }

    #[test]
    fn tasks_are_counted_over_all_sessions() {
        let loads = loads(PeerLimits {
            calls: 2,
            ..PeerLimits::default()
        });
        let peer = loads.of(&Arc::default(), address("192.0.2.1"));
        let [one, other] = [(), ()].map(|()| peer.open_session(1 << 20).unwrap());
        one.begin_call().unwrap();
        other.begin_call().unwrap();
        assert!(one.begin_call().is_err());
        one.end_call();
        one.begin_call().unwrap();
    }
}
