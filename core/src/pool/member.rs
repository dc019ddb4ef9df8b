//! One worker of a pool: the session to it, kept up as long as the worker belongs to the pool.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use super::PoolShared;
use super::keeper::until;
use super::membership::Candidate;
use super::status::WorkerOrigin;
use crate::connect::{self, Endpoint};
use crate::error::{Error, ErrorKind};
use crate::log::Level;
use crate::routine::RoutineKind;
use crate::session::{CallerCommand, CallerSession, LinkState, Owner, SessionEnd};

pub(super) struct Member {
    pub(super) id: u64,
    /// What discovery knows it by, or its address.
    pub(super) key: String,
    pub(super) endpoint: Endpoint,
    pub(super) origin: WorkerOrigin,
    pub(super) tags: Vec<String>,
    /// 0 = not known.
    pub(super) pid: u32,
    pub(super) link: RwLock<Link>,
    /// It belongs to the pool no longer.
    leaving: watch::Sender<bool>,
}

pub(super) enum Link {
    /// Not tried yet.
    Connecting,
    Up {
        commands: mpsc::UnboundedSender<CallerCommand>,
        state: Arc<LinkState>,
    },
    Down {
        error: Error,
        /// Of the session before, if there was one.
        last: Option<Arc<LinkState>>,
    },
}

const FIRST_BACKOFF: Duration = Duration::from_millis(100);
const LAST_BACKOFF: Duration = Duration::from_secs(10);

impl Member {
    /// One at an address that the pool was given.
    pub(super) fn fixed(id: u64, key: String, endpoint: Endpoint) -> Member {
        Member {
            id,
            key,
            endpoint,
            origin: WorkerOrigin::Fixed,
            tags: Vec::new(),
            pid: 0,
            link: RwLock::new(Link::Connecting),
            leaving: watch::Sender::new(false),
        }
    }

    pub(super) fn found(id: u64, candidate: Candidate) -> Member {
        Member {
            origin: if candidate.own {
                WorkerOrigin::Spawned
            } else {
                WorkerOrigin::Found
            },
            tags: candidate.tags,
            pid: candidate.pid,
            ..Member::fixed(id, candidate.key, candidate.endpoint)
        }
    }

    /// The same worker, not connected to yet.
    pub(super) fn renewed(&self, id: u64) -> Member {
        Member {
            origin: self.origin,
            tags: self.tags.clone(),
            pid: self.pid,
            ..Member::fixed(id, self.key.clone(), self.endpoint.clone())
        }
    }

    /// Takes no new tasks; those that run go on.
    pub(super) fn leave(&self) {
        self.leaving.send_replace(true);
    }

    /// Whether it is such a worker, and has a place for another call.
    pub(super) fn has_place(&self, such: impl Fn(&LinkState) -> bool) -> bool {
        let link = self.link.read().unwrap_or_else(PoisonError::into_inner);
        match &*link {
            Link::Up { state, .. } => state.has_place() && !state.draining() && such(state),
            Link::Connecting | Link::Down { .. } => false,
        }
    }

    /// Its uid, if it is connected, takes calls and serves this unary routine.
    pub(super) fn serving(&self, routine: &str) -> Option<Arc<str>> {
        let link = self.link.read().unwrap_or_else(PoisonError::into_inner);
        match &*link {
            Link::Up { state, .. } => (!state.draining()
                && state.serves(routine) == Some(RoutineKind::Unary))
            .then(|| state.peer().worker_uid.as_str().into()),
            Link::Connecting | Link::Down { .. } => None,
        }
    }

    pub(super) fn is_up(&self) -> bool {
        let link = self.link.read().unwrap_or_else(PoisonError::into_inner);
        matches!(&*link, Link::Up { .. })
    }

    /// What people call it.
    pub(super) fn name(&self) -> String {
        match self.endpoint.addresses.first() {
            Some(address) => address.to_string(),
            None => self.endpoint.uid.clone(),
        }
    }

    pub(super) fn story(&self) -> String {
        let name = self.name();
        let link = self.link.read().unwrap_or_else(PoisonError::into_inner);
        match &*link {
            Link::Connecting => format!("{name} has not answered yet"),
            Link::Up { state, .. } if state.draining() => format!("{name} is draining"),
            Link::Up { .. } => format!("{name} is connected"),
            Link::Down { error, .. } => format!("{name} is down ({})", error.message()),
        }
    }

    fn set_down(&self, error: Error) {
        let mut link = self.link.write().unwrap_or_else(PoisonError::into_inner);
        let last = match &*link {
            Link::Connecting => None,
            Link::Up { state, .. } => Some(Arc::clone(state)),
            Link::Down { last, .. } => last.clone(),
        };
        *link = Link::Down { error, last };
    }

    fn set(&self, link: Link) {
        *self.link.write().unwrap_or_else(PoisonError::into_inner) = link;
    }
}

/// Returns when the pool closes or the member leaves.
async fn until_over(closing: &mut watch::Receiver<bool>, leaving: &mut watch::Receiver<bool>) {
    tokio::select! {
        () = until(closing) => {}
        () = until(leaving) => {}
    }
}

/// Keeps a session to the worker for as long as it belongs to the pool.
pub(super) async fn keep_member(shared: Arc<PoolShared>, member: Arc<Member>) {
    let mut closing = shared.closing.subscribe();
    let mut leaving = member.leaving.subscribe();
    let mut backoff = FIRST_BACKOFF;
    loop {
        let connected = tokio::select! {
            () = until_over(&mut closing, &mut leaving) => return,
            connected = connect::open(&member.endpoint, shared.limits, &shared.runtime) => connected,
        };
        let error = match connected {
            Ok(connected) => {
                backoff = FIRST_BACKOFF;
                match run_session(&shared, &member, connected).await {
                    Some(error) => error,
                    None => return,
                }
            }
            Err(error) => error,
        };
        if *leaving.borrow() {
            return;
        }
        shared.log(Level::Warn, || {
            format!("{}: {}", member.name(), error.message())
        });
        member.set_down(error);
        if member.origin == WorkerOrigin::Found {
            shared.tell_suspect(&member.key);
        }
        shared.tell_changed();
        tokio::select! {
            () = until_over(&mut closing, &mut leaving) => return,
            () = tokio::time::sleep(backoff) => {}
        }
        backoff = (backoff * 2).min(LAST_BACKOFF);
    }
}

/// How a member's session speaks to the pool.
fn owner(shared: &Arc<PoolShared>, member: u64) -> Owner {
    let [returning, changing, freeing] = std::array::from_fn(|_| Arc::clone(shared));
    Owner {
        returned: Arc::new(move |dispatch, why| returning.returned(dispatch, why, member)),
        changed: Arc::new(move || changing.tell_changed()),
        freed: Arc::new(move || freeing.place_freed()),
    }
}

/// Runs a session to its end; `None` when the pool closes.
async fn run_session(
    shared: &Arc<PoolShared>,
    member: &Arc<Member>,
    connected: connect::Connected,
) -> Option<Error> {
    let state = Arc::new(LinkState::new(&connected.peer));
    let (commands, receiver) = mpsc::unbounded_channel();
    let session = CallerSession::new(
        connected.transport,
        shared.limits,
        &connected.peer,
        Arc::clone(&state),
        (commands.clone(), receiver),
        owner(shared, member.id),
        shared.description.clone(),
    );
    shared.log(Level::Info, || {
        format!(
            "{}: connected to worker {} ({} libwool {})",
            member.name(),
            connected.peer.worker_uid,
            connected.peer.language,
            connected.peer.package_version
        )
    });
    member.set(Link::Up {
        commands: commands.clone(),
        state,
    });
    shared.check_quorum();
    shared.tell_changed();
    let running = session.run(connected.early);
    tokio::pin!(running);
    let mut closing = shared.closing.subscribe();
    let mut leaving = member.leaving.subscribe();
    let mut retired = false;
    let end = loop {
        tokio::select! {
            end = &mut running => break end,
            () = until(&mut closing) => {
                // It may have ended this moment.
                let _ = commands.send(CallerCommand::Shutdown);
                break running.await;
            }
            () = until(&mut leaving), if !retired => {
                retired = true;
                let _ = commands.send(CallerCommand::Retire);
            }
        }
    };
    match end {
        SessionEnd::Shutdown => None,
        SessionEnd::Drained => Some(Error::new(ErrorKind::WorkerLost, "the worker has drained")),
        SessionEnd::Lost(error) => Some(error),
    }
}
