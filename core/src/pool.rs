//! A pool: the caller's view of a set of workers. It keeps a session to each, picks one for each call,
//! and offers what certainly did not start to another.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, Weak};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, mpsc, watch};

use crate::call::{CallHandle, CallObserver, CallRequest, Outcome};
use crate::connect::{self, Address};
use crate::error::{Error, ErrorKind, Result};
use crate::ids;
use crate::latch::Latch;
use crate::log::Level;
use crate::registry::Registry;
use crate::runtime::{Member as RuntimeMember, MemberKind, Runtime, refuse_on_wool_thread};
use crate::session::{CallerCommand, CallerSession, Dispatch, Flight, LinkState, SessionEnd, Why};
use crate::state::hello::Limits;

/// How a pool is set up.
#[derive(Debug, Clone)]
pub struct PoolOptions {
    /// The workers: `"host:port"` or `"unix:/path"`.
    pub addresses: Vec<String>,
    /// How long a call looks for a worker.
    pub dispatch_timeout: Duration,
    /// Presented to the workers.
    pub secret: Option<Vec<u8>>,
    /// Dialling beyond loopback without TLS has to be asked for.
    pub allow_plaintext: bool,
    /// Largest results and items accepted, bytes. 0 = 256 MiB.
    pub max_payload: u64,
}

impl Default for PoolOptions {
    fn default() -> PoolOptions {
        PoolOptions {
            addresses: Vec::new(),
            dispatch_timeout: Duration::from_secs(60),
            secret: None,
            allow_plaintext: false,
            max_payload: 0,
        }
    }
}

/// Calls routines on a set of workers. When the last clone is dropped, it closes: pending calls end as
/// [`ErrorKind::Closed`].
#[derive(Clone)]
pub struct WorkerPool {
    owner: Arc<Owner>,
}

struct Owner {
    shared: Arc<PoolShared>,
    /// Keeps the runtime from closing while the pool is held.
    _runtime: Runtime,
}

struct PoolShared {
    runtime: Runtime,
    member: AtomicU64,
    options: PoolOptions,
    limits: Limits,
    members: Vec<Member>,
    /// Where the next round robin begins.
    turn: AtomicUsize,
    parked: Mutex<Vec<Parked>>,
    /// Something changed that may let parked calls go.
    changed: Notify,
    /// Counts the changes: a call that was offered before one and is parked after it would wait in vain.
    changes: AtomicU64,
    /// A call was parked: the keeper's timer may be too late.
    parked_one: Notify,
    closing: watch::Sender<bool>,
    is_closing: AtomicBool,
    closed: Latch,
}

/// One worker of the pool.
struct Member {
    id: u64,
    address: Address,
    link: RwLock<Link>,
}

enum Link {
    /// Not tried yet.
    Connecting,
    Up {
        commands: mpsc::UnboundedSender<CallerCommand>,
        state: Arc<LinkState>,
    },
    Down(Error),
}

/// A call that waits for a worker.
struct Parked {
    dispatch: Box<Dispatch>,
    /// All workers were busy: try again then. Otherwise something has to change.
    retry: Option<Instant>,
}

/// How long a call waits when all workers are busy.
const BUSY_RETRY: Duration = Duration::from_millis(5);
const FIRST_BACKOFF: Duration = Duration::from_millis(100);
const LAST_BACKOFF: Duration = Duration::from_secs(10);

impl WorkerPool {
    /// A pool of the workers at fixed addresses. It connects in the background and goes on trying: a
    /// worker may come later, or come back.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] for no address or one that is none,
    /// [`ErrorKind::PermissionDenied`] for one beyond loopback without `allow_plaintext`,
    /// [`ErrorKind::Closed`].
    pub fn new(runtime: &Runtime, options: PoolOptions) -> Result<WorkerPool> {
        runtime.check_open()?;
        if options.addresses.is_empty() {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                "a pool needs the address of at least one worker",
            ));
        }
        let members = options
            .addresses
            .iter()
            .zip(0..)
            .map(|(address, id)| {
                Ok(Member {
                    id,
                    address: Address::parse(address, options.allow_plaintext)?,
                    link: RwLock::new(Link::Connecting),
                })
            })
            .collect::<Result<Vec<_>>>()?;
        let limits = Limits {
            max_payload: match options.max_payload {
                0 => Limits::default().max_payload,
                bytes => bytes,
            },
            ..Limits::default()
        };
        let shared = Arc::new(PoolShared {
            runtime: runtime.own_reference(),
            member: AtomicU64::new(0),
            options,
            limits,
            members,
            turn: AtomicUsize::new(0),
            parked: Mutex::default(),
            changed: Notify::new(),
            changes: AtomicU64::new(0),
            parked_one: Notify::new(),
            closing: watch::Sender::new(false),
            is_closing: AtomicBool::new(false),
            closed: Latch::default(),
        });
        let member: Weak<PoolShared> = Arc::downgrade(&shared);
        shared
            .member
            .store(runtime.add_member(member)?, Ordering::Relaxed);
        runtime.spawn_io(keep_pool(Arc::clone(&shared)));
        Ok(WorkerPool {
            owner: Arc::new(Owner {
                shared,
                _runtime: runtime.clone(),
            }),
        })
    }

    /// Makes a call. Never blocks. Once it has returned `Ok`, the observer is told the outcome exactly
    /// once.
    ///
    /// # Errors
    /// [`ErrorKind::Closed`], [`ErrorKind::InvalidArgument`] for a name that is none. The observer is
    /// then dropped untold.
    pub fn submit(
        &self,
        request: CallRequest,
        observer: Box<dyn CallObserver>,
    ) -> Result<CallHandle> {
        Ok(CallHandle::new(self.launch(request, Some(observer))?))
    }

    /// Makes a call whose outcome its observer is told; without one it is there to be polled.
    pub(crate) fn launch(
        &self,
        request: CallRequest,
        observer: Option<Box<dyn CallObserver>>,
    ) -> Result<Arc<Flight>> {
        let shared = &self.owner.shared;
        shared.check_open()?;
        Registry::check_name(&request.routine)?;
        let task_id = ids::task_id()?;
        let now = Instant::now();
        let dispatch_timeout = request
            .dispatch_timeout
            .unwrap_or(shared.options.dispatch_timeout);
        // A time beyond what the clock can say is no deadline.
        let deadline = request.timeout.and_then(|timeout| now.checked_add(timeout));
        let flight = Flight::new(observer, request.credit);
        if let Some(deadline) = deadline {
            flight.set_deadline(
                shared
                    .runtime
                    .spawn_io(expire(Arc::clone(&flight), deadline)),
            );
        }
        shared.offer(Box::new(Dispatch {
            routine: request.routine,
            kind: request.kind,
            arguments: request.arguments,
            task_id,
            tag: request.tag,
            deadline,
            dispatch_deadline: now.checked_add(dispatch_timeout).unwrap_or(now + FOREVER),
            refused_by: Vec::new(),
            last_refusal: None,
            flight: Arc::clone(&flight),
        }));
        Ok(flight)
    }

    /// Closes: pending calls end as [`ErrorKind::Closed`], their tasks are cancelled. Never blocks;
    /// `done` is called on one of wool's threads and must not block. Closing again waits for the same
    /// end.
    pub fn close(&self, done: impl FnOnce() + Send + 'static) {
        self.owner.shared.closed.on_open(done);
        self.owner.shared.begin_close();
    }

    /// Closes as [`WorkerPool::close`] does and waits, for ever without a timeout.
    ///
    /// # Errors
    /// [`ErrorKind::Timeout`]; [`ErrorKind::InvalidArgument`] on one of wool's threads.
    pub fn close_blocking(&self, timeout: Option<Duration>) -> Result<()> {
        refuse_on_wool_thread("a pool's close")?;
        let shared = &self.owner.shared;
        shared.begin_close();
        if shared.closed.wait(timeout) {
            return Ok(());
        }
        Err(shared.runtime.timed_out("the pool has not closed"))
    }
}

/// A time to come that no program sees.
const FOREVER: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

impl Drop for Owner {
    fn drop(&mut self) {
        self.shared.begin_close();
    }
}

impl RuntimeMember for PoolShared {
    fn kind(&self) -> MemberKind {
        MemberKind::Pool
    }

    fn begin_close(&self) {
        PoolShared::begin_close(self);
    }

    fn closed(&self) -> &Latch {
        &self.closed
    }
}

impl PoolShared {
    fn begin_close(&self) {
        if !self.is_closing.swap(true, Ordering::AcqRel) {
            // The keeper and the members watch it.
            self.closing.send_replace(true);
        }
    }

    fn check_open(&self) -> Result<()> {
        if self.is_closing.load(Ordering::Acquire) {
            return Err(Error::new(
                ErrorKind::Closed,
                "the pool is closed: make the call before close, or make a new pool",
            ));
        }
        Ok(())
    }

    /// Gives a call to a worker, or parks it, or ends it when no worker can ever take it.
    fn offer(&self, mut dispatch: Box<Dispatch>) {
        let changes = self.changes.load(Ordering::Acquire);
        let count = self.members.len();
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let mut seen = Seen::default();
        for index in 0..count {
            let member = &self.members[turn.wrapping_add(index) % count];
            let link = member.link.read().unwrap_or_else(PoisonError::into_inner);
            let Link::Up { commands, state } = &*link else {
                seen.hopeful |= matches!(*link, Link::Connecting);
                continue;
            };
            if state.draining() {
                continue;
            }
            seen.known = true;
            match state.serves(&dispatch.routine) {
                None => continue,
                Some(kind) if kind != dispatch.kind => {
                    seen.other_kind = true;
                    continue;
                }
                Some(_) => {}
            }
            if let Err(error) = dispatch.arguments.check_size(state.max_payload()) {
                seen.too_large = Some(error);
                continue;
            }
            if dispatch.refused_by.contains(&member.id) {
                seen.refused = true;
                continue;
            }
            match commands.send(CallerCommand::Start(dispatch)) {
                Ok(()) => return,
                // The session ended this moment.
                Err(mpsc::error::SendError(CallerCommand::Start(back))) => dispatch = back,
                Err(_) => return,
            }
        }
        self.nobody_took(dispatch, seen, changes);
    }

    fn nobody_took(&self, mut dispatch: Box<Dispatch>, seen: Seen, changes: u64) {
        if seen.refused {
            dispatch.refused_by.clear();
            let retry = Some(Instant::now() + BUSY_RETRY);
            self.park(Parked { dispatch, retry }, changes);
            return;
        }
        let name = &dispatch.routine;
        let error = if let Some(error) = seen.too_large {
            error
        } else if seen.hopeful || !seen.known {
            self.park(
                Parked {
                    dispatch,
                    retry: None,
                },
                changes,
            );
            return;
        } else if seen.other_kind {
            Error::new(
                ErrorKind::InvalidArgument,
                format!(
                    "{name} was called as {}, the workers serve it as {}",
                    dispatch.kind.name(),
                    match dispatch.kind {
                        crate::RoutineKind::Unary => "stream",
                        crate::RoutineKind::Stream => "unary",
                    }
                ),
            )
        } else {
            Error::new(
                ErrorKind::RoutineNotFound,
                format!("no worker of this pool serves {name}: is it registered under this name?"),
            )
        };
        dispatch
            .flight
            .finish(Outcome::Error(error.with_retryable(true)));
    }

    /// `changes`: their count when the call was offered.
    fn park(&self, mut parked: Parked, changes: u64) {
        let mut list = self.parked();
        if self.changes.load(Ordering::Acquire) != changes {
            parked.retry = Some(Instant::now());
        }
        if self.is_closing.load(Ordering::Acquire) {
            drop(list);
            end_as_closed(&parked.dispatch);
            return;
        }
        list.push(parked);
        drop(list);
        self.parked_one.notify_one();
    }

    fn returned(&self, mut dispatch: Box<Dispatch>, why: Why, member: u64) {
        match why {
            Why::Busy => dispatch.refused_by.push(member),
            // The worker's list of routines was older than this answer; a newer one is on its way.
            Why::RoutineNotFound => {
                if let Some(refusal) = dispatch.last_refusal.take() {
                    dispatch.flight.finish(Outcome::Error(refusal));
                }
                return;
            }
            Why::Draining | Why::LinkLost => {}
        }
        self.offer(dispatch);
    }

    /// Offers parked calls again; `all`, or only those whose time has come. Returns when to look next.
    fn unpark(&self, all: bool) -> Option<Instant> {
        let now = Instant::now();
        let ready = {
            let mut parked = self.parked();
            let (ready, waiting): (Vec<_>, Vec<_>) =
                std::mem::take(&mut *parked).into_iter().partition(|entry| {
                    let due = entry.retry.is_some_and(|retry| retry <= now)
                        || entry.dispatch.dispatch_deadline <= now;
                    all || due || entry.dispatch.flight.is_over()
                });
            *parked = waiting;
            ready
        };
        for Parked { dispatch, .. } in ready {
            if dispatch.flight.is_over() {
                continue;
            }
            if dispatch.dispatch_deadline <= now {
                self.dispatch_timed_out(&dispatch);
            } else {
                self.offer(dispatch);
            }
        }
        let parked = self.parked();
        parked
            .iter()
            .map(|entry| {
                let deadline = entry.dispatch.dispatch_deadline;
                entry.retry.map_or(deadline, |retry| retry.min(deadline))
            })
            .min()
    }

    fn dispatch_timed_out(&self, dispatch: &Dispatch) {
        if let Some(refusal) = &dispatch.last_refusal {
            dispatch.flight.finish(Outcome::Error(refusal.clone()));
            return;
        }
        let reasons: Vec<String> = self.members.iter().map(Member::story).collect();
        let error = Error::new(
            ErrorKind::NoWorkersAvailable,
            format!(
                "no worker took {} within the dispatch timeout: {}",
                dispatch.routine,
                reasons.join("; ")
            ),
        );
        dispatch
            .flight
            .finish(Outcome::Error(error.with_retryable(true)));
    }

    /// To be called after the change.
    fn tell_changed(&self) {
        self.changes.fetch_add(1, Ordering::AcqRel);
        self.changed.notify_one();
    }

    fn parked(&self) -> MutexGuard<'_, Vec<Parked>> {
        self.parked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn log(&self, level: Level, message: impl FnOnce() -> String) {
        self.runtime.logger().log(level, "pool", message);
    }
}

/// What an offer met on its way.
#[derive(Default)]
struct Seen {
    /// A worker whose routines are known.
    known: bool,
    /// One that has not been tried yet.
    hopeful: bool,
    /// One that serves the routine and refused this call.
    refused: bool,
    other_kind: bool,
    too_large: Option<Error>,
}

impl Member {
    fn set(&self, link: Link) {
        *self.link.write().unwrap_or_else(PoisonError::into_inner) = link;
    }

    fn story(&self) -> String {
        let link = self.link.read().unwrap_or_else(PoisonError::into_inner);
        match &*link {
            Link::Connecting => format!("{} has not answered yet", self.address),
            Link::Up { state, .. } if state.draining() => format!("{} is draining", self.address),
            Link::Up { .. } => format!("{} is connected", self.address),
            Link::Down(error) => format!("{} is down ({})", self.address, error.message()),
        }
    }
}

/// Ends a call whose budget of time is used up.
async fn expire(flight: Arc<Flight>, deadline: Instant) {
    tokio::time::sleep_until(deadline.into()).await;
    flight.leave(Error::new(
        ErrorKind::DeadlineExceeded,
        "the call's budget of time was used up before its outcome came",
    ));
}

fn end_as_closed(dispatch: &Dispatch) {
    let error = Error::new(
        ErrorKind::Closed,
        "the pool was closed while the call was pending",
    );
    dispatch
        .flight
        .finish(Outcome::Error(error.with_retryable(true)));
}

/// The pool's own task: looks after parked calls, and ends last.
async fn keep_pool(shared: Arc<PoolShared>) {
    let mut members = tokio::task::JoinSet::new();
    for index in 0..shared.members.len() {
        members.spawn(keep_member(Arc::clone(&shared), index));
    }
    let mut closing = shared.closing.subscribe();
    let mut next = None;
    loop {
        let due = async {
            match next {
                Some(next) => tokio::time::sleep_until(Instant::into(next)).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = until_closing(&mut closing) => break,
            () = shared.changed.notified() => next = shared.unpark(true),
            () = shared.parked_one.notified() => next = shared.unpark(false),
            () = due => next = shared.unpark(false),
        }
    }
    let parked = std::mem::take(&mut *shared.parked());
    for Parked { dispatch, .. } in parked {
        end_as_closed(&dispatch);
    }
    while members.join_next().await.is_some() {}
    shared
        .runtime
        .remove_member(shared.member.load(Ordering::Relaxed));
    shared.closed.open();
}

/// Returns when the pool closes.
async fn until_closing(closing: &mut watch::Receiver<bool>) {
    // The sender lives in the pool, which its tasks hold.
    let _ = closing.wait_for(|closing| *closing).await;
}

/// Keeps a session to one worker for as long as the pool lives.
async fn keep_member(shared: Arc<PoolShared>, index: usize) {
    let member = &shared.members[index];
    let mut closing = shared.closing.subscribe();
    let mut backoff = FIRST_BACKOFF;
    loop {
        let connected = tokio::select! {
            () = until_closing(&mut closing) => return,
            connected = connect::open(
                &member.address,
                &shared.options,
                shared.limits,
                &shared.runtime,
            ) => connected,
        };
        let error = match connected {
            Ok(connected) => {
                backoff = FIRST_BACKOFF;
                match run_session(&shared, index, connected, &mut closing).await {
                    Some(error) => error,
                    None => return,
                }
            }
            Err(error) => error,
        };
        shared.log(Level::Warn, || {
            format!("{}: {}", member.address, error.message())
        });
        member.set(Link::Down(error));
        shared.tell_changed();
        tokio::select! {
            () = until_closing(&mut closing) => return,
            () = tokio::time::sleep(backoff) => {}
        }
        backoff = (backoff * 2).min(LAST_BACKOFF);
    }
}

/// Runs a session to its end; `None` when the pool closes.
async fn run_session(
    shared: &Arc<PoolShared>,
    index: usize,
    connected: connect::Connected,
    closing: &mut watch::Receiver<bool>,
) -> Option<Error> {
    let member = &shared.members[index];
    let state = Arc::new(LinkState::new(&connected.peer));
    let (commands, receiver) = mpsc::unbounded_channel();
    let returned = {
        let shared = Arc::clone(shared);
        let id = member.id;
        Arc::new(move |dispatch, why| shared.returned(dispatch, why, id))
    };
    let changed = {
        let shared = Arc::clone(shared);
        Arc::new(move || shared.tell_changed())
    };
    let session = CallerSession::new(
        connected.transport,
        shared.limits,
        &connected.peer,
        Arc::clone(&state),
        (commands.clone(), receiver),
        returned,
        changed,
    );
    shared.log(Level::Info, || {
        format!(
            "{}: connected to worker {} ({} libwool {})",
            member.address,
            connected.peer.worker_uid,
            connected.peer.language,
            connected.peer.package_version
        )
    });
    member.set(Link::Up {
        commands: commands.clone(),
        state,
    });
    shared.tell_changed();
    let running = session.run(connected.early);
    tokio::pin!(running);
    let end = tokio::select! {
        end = &mut running => end,
        () = until_closing(closing) => {
            // It may have ended this moment.
            let _ = commands.send(CallerCommand::Shutdown);
            running.await
        }
    };
    match end {
        SessionEnd::Shutdown => None,
        SessionEnd::Drained => Some(Error::new(ErrorKind::WorkerLost, "the worker has drained")),
        SessionEnd::Lost(error) => Some(error),
    }
}
