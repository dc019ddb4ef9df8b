//! The pool's own task: carries out who joins and leaves, looks after parked calls, and ends last.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::PoolShared;
use super::member::{Member, keep_member};
use super::membership::Change;
use super::publisher::Publisher;
use crate::discovery::{DiscoveryEvent, Subscribed};
use crate::log::Level;
use crate::spawn::SpawnEvent;
use crate::tls::{self, Credentials};

/// Events heard together, so that parked calls are offered once for them all.
const EVENTS_AT_ONCE: usize = 256;

/// What the keeper is told.
#[derive(Debug)]
pub(super) enum PoolEvent {
    Discovery(DiscoveryEvent),
    Process(SpawnEvent),
    /// The session to a found worker has ended or did not come about.
    Down {
        key: String,
        /// It does not answer; otherwise it has drained.
        lost: bool,
    },
    /// The worker wants another session instead of this member's.
    Superseded {
        member: u64,
        /// When the other one may be opened.
        from: Instant,
    },
}

impl PoolShared {
    pub(super) fn tell_down(&self, key: &str, lost: bool) {
        let key = key.to_owned();
        // The keeper may have ended.
        let _ = self.events.send(PoolEvent::Down { key, lost });
    }

    pub(super) fn tell_superseded(&self, member: u64, from: Instant) {
        // As above.
        let _ = self.events.send(PoolEvent::Superseded { member, from });
    }
}

struct Keeper {
    shared: Arc<PoolShared>,
    members: JoinSet<()>,
    /// Processes that the pool keeps up, and how many of them serve.
    processes: usize,
    serving: usize,
    /// The processes die before they serve: nobody waits for them.
    crash_loop: bool,
    /// Discovery has told all that was there at the beginning.
    scanned: bool,
    all_ended: bool,
    /// Workers of processes that have ended, and that others have yet to be told of: the discovery that they were
    /// published by may still have them.
    ended: BTreeSet<String>,
    /// Publishes the workers of the processes; none where they publish themselves, or nobody does.
    publishing: JoinSet<()>,
}

pub(super) async fn keep_pool(
    shared: Arc<PoolShared>,
    mut events: mpsc::UnboundedReceiver<PoolEvent>,
    subscription: Option<Box<dyn Subscribed>>,
    publisher: Option<Publisher>,
    processes: usize,
) {
    let mut keeper = Keeper {
        members: JoinSet::new(),
        processes,
        serving: 0,
        crash_loop: false,
        scanned: subscription.is_none(),
        all_ended: processes == 0,
        ended: BTreeSet::new(),
        publishing: JoinSet::new(),
        shared: Arc::clone(&shared),
    };
    for member in shared.members() {
        keeper.keep(member);
    }
    if let Some(publisher) = publisher {
        keeper.publishing.spawn(publisher.keep());
    }
    let mut closing = shared.closing.subscribe();
    let mut renewals = Renewals::of(&shared);
    let mut next = None;
    let mut heard = Vec::new();
    loop {
        let due = async {
            match next {
                Some(next) => tokio::time::sleep_until(Instant::into(next)).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = until(&mut closing) => break,
            () = shared.changed.notified() => next = shared.unpark(true),
            () = shared.parked_one.notified() => next = shared.unpark(false),
            () = due => next = shared.unpark(false),
            count = events.recv_many(&mut heard, EVENTS_AT_ONCE) => if count > 0 {
                keeper.hear(heard.drain(..), subscription.as_deref());
            },
            () = renewals.next() => keeper.renew(),
            // What has left is forgotten.
            Some(_) = keeper.members.join_next() => {}
        }
    }
    shared.end_parked();
    keeper.end(events, subscription).await;
    shared
        .runtime
        .remove_member(shared.member.load(Ordering::Relaxed));
    shared.closed.open();
}

/// What a pool presents to workers has changed.
struct Renewals {
    changes: Option<watch::Receiver<u64>>,
    /// Looks at the files.
    _watching: Option<JoinSet<()>>,
}

impl Renewals {
    fn of(shared: &PoolShared) -> Renewals {
        let credentials = shared.options.credentials.as_ref();
        Renewals {
            changes: credentials.map(Credentials::generations),
            _watching: credentials.map(|credentials| {
                let mut watching = JoinSet::new();
                watching.spawn(tls::watch(credentials.clone(), shared.runtime.clone()));
                watching
            }),
        }
    }

    async fn next(&mut self) {
        let Some(changes) = &mut self.changes else {
            return std::future::pending().await;
        };
        // The sender lives in the pool's credentials.
        if changes.changed().await.is_err() {
            self.changes = None;
        }
    }
}

/// Returns when it has been said.
pub(super) async fn until(said: &mut watch::Receiver<bool>) {
    // The sender lives in the pool or its member, which the tasks hold.
    let _ = said.wait_for(|said| *said).await;
}

impl Keeper {
    /// Each worker is connected to anew; sessions of before go on to the end of what runs there.
    fn renew(&mut self) {
        if let (Some(spawner), Some(credentials)) =
            (&*self.shared.spawner(), &self.shared.options.credentials)
        {
            spawner.renew(credentials);
        }
        for member in self.shared.renew_members(|_| true) {
            self.keep(member);
        }
        self.shared.tell_changed();
    }

    fn keep(&mut self, member: Arc<Member>) {
        self.keep_from(Instant::now(), member);
    }

    fn keep_from(&mut self, from: Instant, member: Arc<Member>) {
        self.members
            .spawn(keep_member(Arc::clone(&self.shared), member, from));
    }

    fn hear(
        &mut self,
        events: impl Iterator<Item = PoolEvent>,
        subscription: Option<&dyn Subscribed>,
    ) {
        for event in events {
            match event {
                PoolEvent::Discovery(event) => self.hear_discovery(event),
                PoolEvent::Process(event) => self.hear_process(event),
                PoolEvent::Down { key, lost } => {
                    if let Some(subscription) = subscription.filter(|_| lost) {
                        subscription.suspect(&key);
                    }
                    let changes = self.shared.membership().down(&key);
                    self.carry_out(changes);
                }
                PoolEvent::Superseded { member, from } => {
                    for member in self.shared.renew_members(|old| old.id == member) {
                        self.keep_from(from, member);
                    }
                }
            }
        }
        let starting = self.serving < self.processes && !self.crash_loop;
        let expecting = !self.scanned || starting || self.shared.membership().expects_own();
        self.shared.expecting.store(expecting, Ordering::Release);
        self.shared.tell_changed();
    }

    fn hear_discovery(&mut self, event: DiscoveryEvent) {
        match &event {
            DiscoveryEvent::Found(found) if self.ended.contains(found.key()) => return,
            DiscoveryEvent::Gone { key } => _ = self.ended.remove(key),
            _ => {}
        }
        let shared = Arc::clone(&self.shared);
        let is_up = |key: &str| shared.is_up(key);
        let mut membership = shared.membership();
        let changes = match event {
            DiscoveryEvent::Found(found) => membership.found(*found, &is_up),
            DiscoveryEvent::TurnedAway(turned_away) => membership.turned_away(turned_away, &is_up),
            DiscoveryEvent::Gone { key } => membership.gone(&key, &is_up),
            DiscoveryEvent::Scanned => {
                drop(membership);
                self.scanned = true;
                self.shared.problems().discovery = None;
                return;
            }
            DiscoveryEvent::Failed(error) => {
                drop(membership);
                self.shared
                    .log(Level::Warn, || format!("discovery: {}", error.message()));
                self.shared.problems().discovery = Some(error);
                return;
            }
        };
        drop(membership);
        self.carry_out(changes);
    }

    fn hear_process(&mut self, event: SpawnEvent) {
        let changes = match event {
            SpawnEvent::Ready {
                slot,
                uid,
                address,
                pid,
            } => {
                self.shared.log(Level::Info, || {
                    format!("process {pid} (place {slot}) serves as worker {uid} at {address}")
                });
                self.serving += 1;
                self.shared.membership().own_ready(&uid)
            }
            SpawnEvent::Ended { slot, uid, story } => {
                self.shared
                    .log(Level::Warn, || format!("place {slot}: {story}"));
                let Some(uid) = uid else {
                    return;
                };
                self.serving -= 1;
                if !self.publishing.is_empty() {
                    self.ended.insert(uid.clone());
                }
                self.shared.membership().own_ended(&uid)
            }
            SpawnEvent::CrashLoop(error) => {
                self.crash_loop = true;
                self.shared.problems().spawn = Some(error);
                return;
            }
            SpawnEvent::Recovered => {
                self.crash_loop = false;
                self.shared.problems().spawn = None;
                return;
            }
            SpawnEvent::AllEnded => {
                self.all_ended = true;
                return;
            }
        };
        self.carry_out(changes);
    }

    fn carry_out(&mut self, changes: Vec<Change>) {
        for change in changes {
            match change {
                Change::Join(candidate) => {
                    let member = Member::found(self.shared.new_id(), *candidate);
                    let member = self.shared.add_member(member);
                    self.keep(member);
                }
                Change::Update(candidate) => {
                    if let Some(member) = self.shared.found_member(&candidate.key) {
                        member.update(*candidate);
                    }
                }
                Change::Leave { key } => {
                    if let Some(member) = self.shared.remove_member(&key) {
                        member.leave();
                    }
                }
            }
        }
    }

    /// Calls end before the workers that might answer them.
    async fn end(
        mut self,
        mut events: mpsc::UnboundedReceiver<PoolEvent>,
        subscription: Option<Box<dyn Subscribed>>,
    ) {
        while self.members.join_next().await.is_some() {}
        self.shared.forget_members();
        // Nobody is to find workers that are about to stop.
        while self.publishing.join_next().await.is_some() {}
        if let Some(spawner) = &*self.shared.spawner() {
            spawner.stop(self.shared.options.grace);
        }
        while !self.all_ended
            && let Some(event) = events.recv().await
        {
            if let PoolEvent::Process(SpawnEvent::AllEnded) = event {
                self.all_ended = true;
            }
        }
        drop(self.shared.spawner().take());
        // Whoever looks for workers tidies up after those that were killed.
        drop(subscription);
    }
}
