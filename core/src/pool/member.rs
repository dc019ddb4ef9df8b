//! One worker of a pool: the session to it, kept up as long as the worker belongs to the pool.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, mpsc, watch};

use super::PoolShared;
use super::keeper::until;
use super::membership::Candidate;
use super::status::WorkerOrigin;
use crate::connect::{self, Address, Endpoint};
use crate::error::{Error, ErrorKind};
use crate::log::Level;
use crate::routine::RoutineKind;
use crate::session::{CallerCommand, CallerSession, LinkState, Owner, SessionEnd};

pub(super) struct Member {
    pub(super) id: u64,
    /// What discovery knows it by, or its address.
    key: String,
    /// What it must be; empty = whoever answers.
    pub(super) uid: String,
    pub(super) origin: WorkerOrigin,
    about: RwLock<About>,
    pub(super) link: RwLock<Link>,
    /// It belongs to the pool no longer.
    leaving: watch::Sender<bool>,
    /// It may answer now.
    again: Notify,
}

/// What was told of a worker last.
#[derive(Clone)]
pub(super) struct About {
    endpoint: Endpoint,
    /// Where it was reached last. Tried, too: what was told since may be wrong.
    reached: Option<Address>,
    pub(super) tags: Vec<String>,
    /// 0 = not known.
    pub(super) pid: u32,
}

pub(super) enum Link {
    /// Not tried yet.
    Connecting,
    Up {
        commands: mpsc::UnboundedSender<CallerCommand>,
        state: Arc<LinkState>,
        address: Address,
    },
    Down {
        error: Error,
        /// Of the session before, if there was one.
        last: Option<Arc<LinkState>>,
    },
    /// Another member has the session to this worker.
    Duplicate { uid: String, problem: String },
}

const FIRST_BACKOFF: Duration = Duration::from_millis(100);
const LAST_BACKOFF: Duration = Duration::from_secs(10);
/// How long a problem that was logged is not logged again.
const LOGGED_AGAIN_AFTER: Duration = Duration::from_secs(60);
/// Problems of a member that are remembered to have been logged.
const LOGGED_AT_MOST: usize = 8;

impl Member {
    /// One at an address that the pool was given.
    pub(super) fn fixed(id: u64, key: String, endpoint: Endpoint) -> Member {
        Member::new(id, key, WorkerOrigin::Fixed, About::at(endpoint))
    }

    pub(super) fn found(id: u64, candidate: Candidate) -> Member {
        let origin = if candidate.own {
            WorkerOrigin::Spawned
        } else {
            WorkerOrigin::Found
        };
        let key = candidate.key.clone();
        Member::new(id, key, origin, About::from(candidate))
    }

    fn new(id: u64, key: String, origin: WorkerOrigin, about: About) -> Member {
        Member {
            id,
            key,
            uid: about.endpoint.uid.clone(),
            origin,
            about: RwLock::new(about),
            link: RwLock::new(Link::Connecting),
            leaving: watch::Sender::new(false),
            again: Notify::new(),
        }
    }

    /// The same worker, not connected to yet.
    pub(super) fn renewed(&self, id: u64) -> Member {
        let about = self.about().clone();
        Member::new(id, self.key.clone(), self.origin, about)
    }

    /// It was found again, maybe elsewhere. A session that is up goes on.
    pub(super) fn update(&self, candidate: Candidate) {
        let mut about = self.about.write().unwrap_or_else(PoisonError::into_inner);
        let reached = about.reached.take();
        *about = About {
            reached,
            ..About::from(candidate)
        };
        drop(about);
        self.try_again();
    }

    /// Ends a pause between two attempts.
    pub(super) fn try_again(&self) {
        self.again.notify_one();
    }

    /// Whether discovery knows it by this key.
    pub(super) fn is_found_as(&self, key: &str) -> bool {
        self.origin != WorkerOrigin::Fixed && self.key == key
    }

    pub(super) fn about(&self) -> RwLockReadGuard<'_, About> {
        self.about.read().unwrap_or_else(PoisonError::into_inner)
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
            _ => false,
        }
    }

    /// Its uid, if it is connected, takes calls and serves this unary routine.
    pub(super) fn serving(&self, routine: &str) -> Option<Arc<str>> {
        let link = self.link.read().unwrap_or_else(PoisonError::into_inner);
        match &*link {
            Link::Up { state, .. } => (!state.draining()
                && state.serves(routine) == Some(RoutineKind::Unary))
            .then(|| state.peer().worker_uid.as_str().into()),
            _ => None,
        }
    }

    pub(super) fn is_up(&self) -> bool {
        let link = self.link.read().unwrap_or_else(PoisonError::into_inner);
        matches!(&*link, Link::Up { .. })
    }

    pub(super) fn is_duplicate(&self) -> bool {
        let link = self.link.read().unwrap_or_else(PoisonError::into_inner);
        matches!(&*link, Link::Duplicate { .. })
    }

    /// What people call it.
    pub(super) fn name(&self) -> String {
        match self.about().endpoint.addresses.first() {
            Some(address) => address.to_string(),
            None => self.uid.clone(),
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
            Link::Duplicate { problem, .. } => format!("{name} is not used ({problem})"),
        }
    }

    fn set_up(
        &self,
        commands: mpsc::UnboundedSender<CallerCommand>,
        state: Arc<LinkState>,
        address: Address,
    ) {
        let mut about = self.about.write().unwrap_or_else(PoisonError::into_inner);
        about.reached = Some(address.clone());
        drop(about);
        self.set(Link::Up {
            commands,
            state,
            address,
        });
    }

    /// True: it was not down before.
    fn set_down(&self, error: Error) -> bool {
        let mut link = self.link.write().unwrap_or_else(PoisonError::into_inner);
        let (last, news) = match &*link {
            Link::Connecting | Link::Duplicate { .. } => (None, true),
            Link::Up { state, .. } => (Some(Arc::clone(state)), true),
            Link::Down { last, .. } => (last.clone(), false),
        };
        *link = Link::Down { error, last };
        news
    }

    pub(super) fn set(&self, link: Link) {
        *self.link.write().unwrap_or_else(PoisonError::into_inner) = link;
    }
}

impl PoolShared {
    pub(super) fn remove_member(&self, key: &str) -> Option<Arc<Member>> {
        let member = self.found_member(key)?;
        // Another that turned out to be the same worker takes over.
        self.give_up_uid(&member);
        let mut members = self.members.write().unwrap_or_else(PoisonError::into_inner);
        members.retain(|other| other.id != member.id);
        Some(member)
    }

    /// Puts a new member in the place of each of these. The sessions of before go on to the end of what runs there.
    pub(super) fn renew_members(&self, these: impl Fn(&Member) -> bool) -> Vec<Arc<Member>> {
        let mut members = self.members.write().unwrap_or_else(PoisonError::into_inner);
        let (mut renewed, mut old) = (Vec::new(), Vec::new());
        for member in members.iter_mut().filter(|member| these(member)) {
            let new = Arc::new(member.renewed(self.new_id()));
            renewed.push(Arc::clone(&new));
            old.push(std::mem::replace(member, new));
        }
        drop(members);
        for member in old {
            self.give_up_uid(&member);
            member.leave();
        }
        renewed
    }

    /// The one that discovery knows by this key.
    pub(super) fn found_member(&self, key: &str) -> Option<Arc<Member>> {
        let members = self.members.read().unwrap_or_else(PoisonError::into_inner);
        let found = members.iter().find(|member| member.is_found_as(key));
        found.map(Arc::clone)
    }

    pub(super) fn is_up(&self, key: &str) -> bool {
        self.found_member(key).is_some_and(|member| member.is_up())
    }
}

impl About {
    fn at(endpoint: Endpoint) -> About {
        About {
            endpoint,
            reached: None,
            tags: Vec::new(),
            pid: 0,
        }
    }

    /// Where it is tried now.
    fn endpoint(&self) -> Endpoint {
        let mut endpoint = self.endpoint.clone();
        if let Some(reached) = &self.reached
            && !endpoint.addresses.contains(reached)
        {
            // Before those that were told of it: an invented record has room for many.
            endpoint.addresses.insert(0, reached.clone());
        }
        endpoint
    }
}

impl From<Candidate> for About {
    fn from(candidate: Candidate) -> About {
        About {
            tags: candidate.tags,
            pid: candidate.pid,
            ..About::at(candidate.endpoint)
        }
    }
}

/// The problems of a member that were logged lately.
#[derive(Default)]
struct Logged {
    lately: Vec<(String, Instant)>,
}

impl Logged {
    /// Whether a problem is to be logged. The same one is not for a while.
    fn is_news(&mut self, problem: &str, now: Instant) -> bool {
        self.lately.retain(|(_, at)| *at + LOGGED_AGAIN_AFTER > now);
        if self.lately.len() >= LOGGED_AT_MOST
            || self.lately.iter().any(|(known, _)| known == problem)
        {
            return false;
        }
        self.lately.push((problem.to_owned(), now));
        true
    }
}

/// How an attempt to have a session ended.
enum Ended {
    /// The pool closes.
    Closed,
    /// Another member has it.
    Duplicate,
    Drained,
    Lost(Error),
}

/// Returns when the pool closes or the member leaves.
async fn until_over(closing: &mut watch::Receiver<bool>, leaving: &mut watch::Receiver<bool>) {
    tokio::select! {
        () = until(closing) => {}
        () = until(leaving) => {}
    }
}

/// Keeps a session to the worker, from that time on and for as long as it belongs to the pool.
pub(super) async fn keep_member(shared: Arc<PoolShared>, member: Arc<Member>, from: Instant) {
    let mut closing = shared.closing.subscribe();
    let mut leaving = member.leaving.subscribe();
    let mut backoff = FIRST_BACKOFF;
    let mut logged = Logged::default();
    if from > Instant::now() {
        tokio::select! {
            () = until_over(&mut closing, &mut leaving) => return,
            () = tokio::time::sleep_until(from.into()) => {}
        }
    }
    loop {
        let tried = Instant::now();
        let endpoint = member.about().endpoint();
        let connected = tokio::select! {
            () = until_over(&mut closing, &mut leaving) => return,
            connected = connect::open(&endpoint, shared.limits, &shared.runtime) => connected,
        };
        let ended = match connected {
            Ok(connected) => {
                backoff = FIRST_BACKOFF;
                run_session(&shared, &member, connected).await
            }
            Err(error) => Ended::Lost(error),
        };
        let (error, lost) = match ended {
            Ended::Closed => return,
            _ if *leaving.borrow() => return,
            Ended::Duplicate => {
                let story = member.story();
                if logged.is_news(&story, Instant::now()) {
                    shared.log(Level::Info, || story);
                }
                shared.tell_changed();
                tokio::select! {
                    () = until_over(&mut closing, &mut leaving) => return,
                    () = called_again(&member, tried) => continue,
                }
            }
            Ended::Drained => {
                let error = Error::new(ErrorKind::WorkerLost, "the worker has drained");
                (error, false)
            }
            Ended::Lost(error) => (error, true),
        };
        if logged.is_news(error.message(), Instant::now()) {
            let level = if lost { Level::Warn } else { Level::Info };
            shared.log(level, || format!("{}: {}", member.name(), error.message()));
        }
        let news = member.set_down(error);
        if member.origin != WorkerOrigin::Fixed {
            shared.tell_down(&member.key, lost);
        }
        if news {
            shared.tell_changed();
        }
        tokio::select! {
            () = until_over(&mut closing, &mut leaving) => return,
            () = tokio::time::sleep(backoff) => backoff = (backoff * 2).min(LAST_BACKOFF),
            () = called_again(&member, tried) => backoff = FIRST_BACKOFF,
        }
    }
}

/// Returns when the worker may answer now; not so soon that invented records keep the pool dialling.
async fn called_again(member: &Member, tried: Instant) {
    member.again.notified().await;
    tokio::time::sleep_until((tried + FIRST_BACKOFF).into()).await;
}

/// How a member's session speaks to the pool.
fn owner(shared: &Arc<PoolShared>, member: u64) -> Owner {
    let begun = Instant::now();
    let [returning, changing, freeing, superseding] = std::array::from_fn(|_| Arc::clone(shared));
    Owner {
        returned: Arc::new(move |dispatch, why| returning.returned(dispatch, why, member)),
        changed: Arc::new(move || changing.tell_changed()),
        freed: Arc::new(move || freeing.place_freed()),
        // Not so soon that a worker which never has enough keeps the pool dialling.
        superseded: Arc::new(move || superseding.tell_superseded(member, begun + FIRST_BACKOFF)),
    }
}

/// Runs a session to its end.
async fn run_session(
    shared: &Arc<PoolShared>,
    member: &Arc<Member>,
    connected: connect::Connected,
) -> Ended {
    if !shared.take_uid(&connected.peer.worker_uid, member) {
        return Ended::Duplicate;
    }
    let state = Arc::new(LinkState::new(&connected.peer));
    let (commands, receiver) = mpsc::unbounded_channel();
    let session = CallerSession::new(
        connected.transport,
        (shared.limits, shared.times),
        &connected.peer,
        Arc::clone(&state),
        (commands.clone(), receiver),
        owner(shared, member.id),
        shared.description.clone(),
    );
    shared.log(Level::Info, || {
        format!(
            "{}: connected to worker {} ({} libwool {})",
            connected.address,
            connected.peer.worker_uid,
            connected.peer.language,
            connected.peer.package_version
        )
    });
    member.set_up(commands.clone(), state, connected.address);
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
    shared.give_up_uid(member);
    match end {
        SessionEnd::Shutdown => Ended::Closed,
        SessionEnd::Drained => Ended::Drained,
        SessionEnd::Lost(error) => Ended::Lost(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_problem_is_logged_once_a_minute() {
        let mut logged = Logged::default();
        let start = Instant::now();
        assert!(logged.is_news("refused", start));
        assert!(!logged.is_news("refused", start + LOGGED_AGAIN_AFTER / 2));
        assert!(logged.is_news("no secret", start + LOGGED_AGAIN_AFTER / 2));
        assert!(logged.is_news("refused", start + LOGGED_AGAIN_AFTER));
        assert!(!logged.is_news("no secret", start + LOGGED_AGAIN_AFTER));
        let later = start + LOGGED_AGAIN_AFTER * 3;
        let new = (0..100).filter(|n| logged.is_news(&n.to_string(), later));
        assert_eq!(new.count(), LOGGED_AT_MOST);
    }

    #[test]
    fn where_a_worker_was_reached_is_tried_besides_what_is_told_of_it() {
        let address = |text: &str| Address::parse(text, false).unwrap();
        let [first, second] = [address("127.0.0.1:1"), address("127.0.0.1:2")];
        let mut about = About::at(Endpoint {
            tls: None,
            addresses: vec![first.clone()],
            uid: String::new(),
            secret: None,
        });
        about.reached = Some(first.clone());
        assert_eq!(about.endpoint().addresses.len(), 1);
        about.endpoint.addresses = vec![second.clone()];
        assert_eq!(about.endpoint().addresses, [first, second]);
    }
}
