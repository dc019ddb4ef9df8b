//! Which of the workers that were found belong to a pool. A plain state machine: it is told what
//! discovery and spawning say, and answers who joins and who leaves.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::PathBuf;

use bytes::Bytes;

use crate::connect::{Address, Endpoint, Tls};
use crate::discovery::{Found, TurnedAway, TurnedAwayReason, usable};
use crate::tls::{Credentials, Peers};
use crate::wire::WorkerRecord;

/// Records turned away that are remembered one by one; beyond, they are only counted.
const REMEMBERED: usize = 1000;

/// What a found worker must be like.
pub(super) struct Policy {
    pub(super) tags: Vec<String>,
    /// 0 = all.
    pub(super) lease: usize,
    pub(super) allow_plaintext: bool,
    /// For workers that are believed, and whose records hold none.
    pub(super) secret: Option<Bytes>,
    /// What workers are dialled with.
    pub(super) credentials: Option<Credentials>,
    /// Whose identities are believed.
    pub(super) peers: Option<Peers>,
}

/// What the pool has to do.
#[derive(Debug, PartialEq)]
pub(super) enum Change {
    Join(Box<Candidate>),
    /// One that has joined was found again, maybe elsewhere: its session goes on if there is one.
    Update(Box<Candidate>),
    /// Takes no new tasks; those that run go on.
    Leave {
        key: String,
    },
}

/// A worker to connect to.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Candidate {
    /// What discovery knows it by: its uid, if it has one.
    pub(super) key: String,
    pub(super) endpoint: Endpoint,
    pub(super) tags: Vec<String>,
    pub(super) pid: u32,
    /// The pool has started it.
    pub(super) own: bool,
    /// What was told of it is believed against what a session to it shows.
    pub(super) trusted: bool,
}

/// Whether the session to the worker of this key is up.
pub(super) type IsUp<'a> = &'a dyn Fn(&str) -> bool;

pub(super) struct Membership {
    policy: Policy,
    /// Acceptable workers by what discovery knows them by.
    candidates: BTreeMap<String, Candidate>,
    /// Of those, the ones that were told to join.
    joined: BTreeSet<String>,
    /// Of those, the ones whose session is up although they were said to have gone: they leave with it.
    lapsed: BTreeSet<String>,
    /// The others, in the order in which they were found: the lease is used up.
    waiting: VecDeque<String>,
    /// Processes of the pool that serve.
    own: BTreeSet<String>,
    turned_away: BTreeMap<String, TurnedAway>,
    counts: BTreeMap<TurnedAwayReason, u64>,
}

impl Membership {
    pub(super) fn new(policy: Policy) -> Membership {
        Membership {
            policy,
            candidates: BTreeMap::new(),
            joined: BTreeSet::new(),
            lapsed: BTreeSet::new(),
            waiting: VecDeque::new(),
            own: BTreeSet::new(),
            turned_away: BTreeMap::new(),
            counts: BTreeMap::new(),
        }
    }

    /// A record, new or newer.
    pub(super) fn found(&mut self, found: Found, is_up: IsUp<'_>) -> Vec<Change> {
        let key = found.key().to_owned();
        if !found.trusted && self.is_trusted(&key) {
            // Anybody can say so.
            return Vec::new();
        }
        match self.judge(found) {
            Ok(candidate) => {
                self.turned_away.remove(&key);
                self.lapsed.remove(&key);
                self.accept(candidate)
            }
            Err(turned_away) => self.turned_away(turned_away, is_up),
        }
    }

    /// A record that cannot be used.
    pub(super) fn turned_away(&mut self, turned_away: TurnedAway, is_up: IsUp<'_>) -> Vec<Change> {
        let changes = self.lapse(&turned_away.key, is_up);
        self.turn_away(turned_away);
        changes
    }

    pub(super) fn gone(&mut self, key: &str, is_up: IsUp<'_>) -> Vec<Change> {
        self.turned_away.remove(key);
        self.lapse(key, is_up)
    }

    /// The session to it has ended, or did not come about.
    pub(super) fn down(&mut self, key: &str) -> Vec<Change> {
        if !self.lapsed.contains(key) {
            return Vec::new();
        }
        self.forget(key)
    }

    /// What anybody may have said does not end a session that works.
    fn lapse(&mut self, key: &str, is_up: IsUp<'_>) -> Vec<Change> {
        if self.joined.contains(key) && !self.is_trusted(key) && is_up(key) {
            self.lapsed.insert(key.to_owned());
            return Vec::new();
        }
        self.forget(key)
    }

    fn is_trusted(&self, key: &str) -> bool {
        self.candidates
            .get(key)
            .is_some_and(|candidate| candidate.trusted || candidate.own)
    }

    /// A process of the pool serves. It joins when its record is found.
    pub(super) fn own_ready(&mut self, uid: &str) -> Vec<Change> {
        self.own.insert(uid.to_owned());
        let Some(candidate) = self.candidates.get_mut(uid) else {
            return Vec::new();
        };
        candidate.own = true;
        if self.joined.contains(uid) {
            // It no longer counts against the lease.
            return self.fill_lease();
        }
        self.waiting.retain(|waiting| waiting != uid);
        // It was never for the lease to turn away.
        if self.turned_away.remove(uid).is_some()
            && let Some(count) = self.counts.get_mut(&TurnedAwayReason::Lease)
        {
            *count -= 1;
            self.counts.retain(|_, count| *count > 0);
        }
        self.join(uid.to_owned()).into_iter().collect()
    }

    pub(super) fn own_ended(&mut self, uid: &str) -> Vec<Change> {
        self.own.remove(uid);
        self.turned_away.remove(uid);
        self.forget(uid)
    }

    /// Whether a process of the pool serves whose record has not been found yet.
    pub(super) fn expects_own(&self) -> bool {
        self.own.iter().any(|uid| !self.joined.contains(uid))
    }

    /// Whether the worker is one of the pool's processes, as far as is known.
    pub(super) fn is_own(&self, uid: &str) -> bool {
        self.own.contains(uid)
    }

    pub(super) fn turned_away_now(&self) -> Vec<TurnedAway> {
        self.turned_away.values().cloned().collect()
    }

    /// How many are turned away now, by reason.
    pub(super) fn counts_now(&self) -> BTreeMap<TurnedAwayReason, usize> {
        let mut counts = BTreeMap::new();
        for turned_away in self.turned_away.values() {
            *counts.entry(turned_away.reason).or_default() += 1;
        }
        counts
    }

    /// How many records were turned away since the beginning, by reason.
    pub(super) fn counts(&self) -> &BTreeMap<TurnedAwayReason, u64> {
        &self.counts
    }

    fn judge(&self, found: Found) -> Result<Candidate, TurnedAway> {
        let key = found.key().to_owned();
        let Found { record, trusted } = found;
        let refuse = |reason, message: String| {
            Err(TurnedAway {
                key: key.clone(),
                reason,
                message,
            })
        };
        let record = match usable(record) {
            Ok(record) => record,
            Err((reason, message)) => return refuse(reason, message),
        };
        let own = self.own.contains(&record.uid);
        let lacking = self
            .policy
            .tags
            .iter()
            .find(|tag| !record.tags.contains(tag));
        if let Some(tag) = lacking
            && !own
        {
            return refuse(
                TurnedAwayReason::Tags,
                format!("it lacks the tag \"{tag}\""),
            );
        }
        let dials_securely = self.policy.credentials.is_some();
        // Of an address alone nothing is known.
        if record.secure != dials_securely && !record.uid.is_empty() {
            return refuse(
                TurnedAwayReason::Secure,
                if record.secure {
                    "it serves with TLS, and this pool has no credentials".to_owned()
                } else {
                    "it serves without TLS, and this pool has credentials".to_owned()
                },
            );
        }
        let addresses = match self.addresses(&record) {
            Ok(addresses) => addresses,
            Err(message) => return refuse(TurnedAwayReason::NoAddress, message),
        };
        Ok(Candidate {
            endpoint: Endpoint {
                addresses,
                tls: self.tls(record.identity),
                uid: record.uid,
                secret: match record.local {
                    Some(local) => Some(local.secret),
                    None => self.policy.secret.clone().filter(|_| trusted),
                },
            },
            key,
            tags: record.tags,
            pid: record.pid,
            own,
            trusted,
        })
    }

    /// How it is dialled, if with TLS.
    fn tls(&self, identity: String) -> Option<Tls> {
        Some(Tls {
            credentials: self.policy.credentials.clone()?,
            identity: Some(identity.into()).filter(|_| self.policy.peers.is_some()),
            peers: self.policy.peers.clone(),
        })
    }

    /// The socket first: it is faster, and not reachable by other users.
    fn addresses(&self, record: &WorkerRecord) -> Result<Vec<Address>, String> {
        let may_leave = self.policy.allow_plaintext || self.policy.credentials.is_some();
        let mut addresses = Vec::new();
        if record.local.is_some() && !record.socket_path.is_empty() {
            addresses.push(Address::Unix(PathBuf::from(&record.socket_path)));
        }
        let mut problem = "its record holds no address".to_owned();
        for address in &record.addresses {
            match Address::parse(address, may_leave) {
                Ok(address) => addresses.push(address),
                Err(error) => error.message().clone_into(&mut problem),
            }
        }
        if addresses.is_empty() {
            return Err(problem);
        }
        Ok(addresses)
    }

    fn accept(&mut self, candidate: Candidate) -> Vec<Change> {
        let key = candidate.key.clone();
        self.candidates.insert(key.clone(), candidate.clone());
        if self.joined.contains(&key) {
            return vec![Change::Update(Box::new(candidate))];
        }
        if candidate.own || self.has_room() {
            self.waiting.retain(|waiting| *waiting != key);
            return self.join(key).into_iter().collect();
        }
        if !self.waiting.contains(&key) {
            self.waiting.push_back(key.clone());
        }
        let message = format!(
            "the pool has the {} that its lease allows",
            self.policy.lease
        );
        self.turn_away(TurnedAway {
            key,
            reason: TurnedAwayReason::Lease,
            message,
        });
        Vec::new()
    }

    fn has_room(&self) -> bool {
        let found = self.joined.iter().filter(|uid| !self.own.contains(*uid));
        self.policy.lease == 0 || found.count() < self.policy.lease
    }

    fn join(&mut self, key: String) -> Option<Change> {
        let candidate = self.candidates.get(&key)?.clone();
        self.joined.insert(key);
        Some(Change::Join(Box::new(candidate)))
    }

    fn fill_lease(&mut self) -> Vec<Change> {
        let mut changes = Vec::new();
        while self.has_room()
            && let Some(key) = self.waiting.pop_front()
        {
            self.turned_away.remove(&key);
            changes.extend(self.join(key));
        }
        changes
    }

    fn forget(&mut self, key: &str) -> Vec<Change> {
        self.candidates.remove(key);
        self.lapsed.remove(key);
        self.waiting.retain(|waiting| waiting != key);
        if !self.joined.remove(key) {
            return Vec::new();
        }
        let mut changes = vec![Change::Leave {
            key: key.to_owned(),
        }];
        changes.append(&mut self.fill_lease());
        changes
    }

    fn turn_away(&mut self, turned_away: TurnedAway) {
        let known = self.turned_away.get(&turned_away.key);
        if known.is_none_or(|known| known.reason != turned_away.reason) {
            *self.counts.entry(turned_away.reason).or_default() += 1;
        }
        if known.is_some() || self.turned_away.len() < REMEMBERED {
            self.turned_away
                .insert(turned_away.key.clone(), turned_away);
        }
    }
}

#[cfg(test)]
mod tests;
