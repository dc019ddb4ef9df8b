//! A pool: the caller's view of a set of workers. It finds and starts workers, keeps a session to each,
//! picks one for each call, and offers what certainly did not start to another.
//!
//! `membership` decides who belongs to it, `keeper` carries that out, `member` keeps one session,
//! `dispatch` gives calls to workers, `choices` asks the host's balancer, `duplicates` sees that no worker has two sessions.

mod balancer;
mod choices;
mod dispatch;
mod duplicates;
mod keeper;
mod lots;
mod member;
mod membership;
mod options;
mod publisher;
mod status;
mod status_value;
mod wanted;

#[cfg(test)]
mod half_open_tests;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, Weak};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::{Notify, mpsc, watch};

use options::Whereabouts;

pub use balancer::{Balancer, Choice, ChoiceWorker, LoadBalancer};
pub use options::PoolOptions;
pub use status::{
    PoolStatus, ProcessState, ProcessStatus, RoutineStatus, WorkerOrigin, WorkerState, WorkerStatus,
};

use crate::call::{CallHandle, CallObserver, CallRequest, Outcome};
use crate::callers_pool;
use crate::connect::{Address, Endpoint, Tls};
use crate::discovery::LocalDiscovery;
use crate::error::{Error, ErrorKind, Result};
use crate::ids;
use crate::latch::Latch;
use crate::log::Level;
use crate::nested::Nested;
use crate::registry::Registry;
use crate::routine::RoutineKind;
use crate::runtime::{Member as RuntimeMember, MemberKind, Runtime, refuse_on_wool_thread};
use crate::session::{CallContext, Dispatch, Flight, Limits};
use crate::spawn::{SpawnCommand, SpawnPlan, SpawnTimes, Spawner, WorkerSetup};
use crate::state::asked::Asked;
use crate::state::liveness::Times as LinkTimes;
use crate::task::cancelled_with_task;
use crate::task_events::CallTeller;
use choices::Choices;
use dispatch::Parked;
use duplicates::Uids;
use keeper::{PoolEvent, keep_pool};
use lots::Lots;
use member::Member;
use membership::{Membership, Policy};
use publisher::Publisher;

/// Calls routines on a set of workers. When the last clone is dropped, it closes: pending calls end as
/// [`ErrorKind::Closed`], and the workers that it started are stopped.
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
    /// For the workers, which call on by it.
    description: Bytes,
    limits: Limits,
    times: LinkTimes,
    /// Takes what discovery and the worker processes tell to the keeper.
    events: mpsc::UnboundedSender<PoolEvent>,
    members: RwLock<Vec<Arc<Member>>>,
    /// Of members, never used again.
    next_id: AtomicU64,
    membership: Mutex<Membership>,
    /// Which member has the session to which worker.
    uids: Mutex<Uids>,
    spawner: Mutex<Option<Spawner>>,
    problems: Mutex<Problems>,
    /// Workers may join soon: processes are starting, or discovery has not looked around yet.
    expecting: AtomicBool,
    /// As many workers have been connected at once as the first call waits for.
    quorum_reached: AtomicBool,
    /// Where the next round robin begins.
    turn: AtomicUsize,
    /// Which workers are looked at, where the less loaded gets a call.
    lots: Lots,
    choices: Mutex<Choices>,
    parked: Mutex<Vec<Parked>>,
    /// Something changed that may let parked calls go.
    changed: Notify,
    /// Counts the changes: a call that was offered before one and is parked after it would wait in vain.
    changes: AtomicU64,
    /// Counts how often sessions had places again, where a balancer of the host's own is asked.
    freed: AtomicU64,
    /// A call was parked: the keeper's timer may be too late.
    parked_one: Notify,
    /// Parked calls wait for a place at a worker.
    place_wanted: AtomicBool,
    closing: watch::Sender<bool>,
    is_closing: AtomicBool,
    closed: Latch,
}

/// Why workers that should be there are not.
#[derive(Default)]
struct Problems {
    discovery: Option<Error>,
    /// The pool's processes die before they serve.
    spawn: Option<Error>,
    /// Workers of the pool that could not be published, by their uids.
    publish: BTreeMap<String, Error>,
}

/// A time to come that no program sees.
const FOREVER: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

impl WorkerPool {
    /// Makes a pool; [`PoolOptions`] says of which workers. It starts, finds and connects in the
    /// background and goes on doing so: a worker may come later, or come back.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] for options that contradict each other or an address that is none,
    /// [`ErrorKind::PermissionDenied`] for an address beyond loopback without `allow_plaintext`,
    /// [`ErrorKind::Discovery`] when workers cannot be found here at all, [`ErrorKind::SpawnFailed`] when
    /// this program may not be started again, [`ErrorKind::Closed`].
    pub fn new(runtime: &Runtime, options: PoolOptions) -> Result<WorkerPool> {
        let processes = options.processes()?;
        let whereabouts = options.whereabouts(processes)?;
        let description = callers_pool::describe(&options, whereabouts.described.as_ref());
        let times = LinkTimes::default();
        let whereabouts = (processes, whereabouts);
        WorkerPool::open(runtime, options, whereabouts, (description, 0), times)
    }

    /// The pool of a caller, made again for the calls of its tasks, which are to know it by the same description.
    pub(crate) fn as_described(
        runtime: &Runtime,
        options: PoolOptions,
        description: &Bytes,
    ) -> Result<WorkerPool> {
        let whereabouts = options.whereabouts(0)?;
        // The workers that make it again are not all to begin with the same one.
        let first_turn = usize::from_ne_bytes(ids::random()?);
        WorkerPool::open(
            runtime,
            options,
            (0, whereabouts),
            (description.clone(), first_turn),
            LinkTimes::default(),
        )
    }

    fn open(
        runtime: &Runtime,
        options: PoolOptions,
        (processes, whereabouts): (usize, Whereabouts),
        (description, first_turn): (Bytes, usize),
        times: LinkTimes,
    ) -> Result<WorkerPool> {
        runtime.check_open()?;
        if let Some(credentials) = &options.credentials {
            credentials.current().check_caller()?;
        }
        let (events, received) = mpsc::unbounded_channel();
        let shared = Arc::new(PoolShared {
            runtime: runtime.own_reference(),
            member: AtomicU64::new(0),
            limits: options.limits(),
            times,
            members: RwLock::default(),
            next_id: AtomicU64::new(0),
            membership: Mutex::new(Membership::new(Policy {
                tags: options.tags.clone(),
                lease: options.lease,
                allow_plaintext: options.allow_plaintext,
                secret: options.secret.clone().map(Bytes::from),
                credentials: options.credentials.clone(),
                peers: options.peers.clone(),
            })),
            uids: Mutex::default(),
            spawner: Mutex::default(),
            problems: Mutex::default(),
            expecting: AtomicBool::new(whereabouts.found_in.is_some()),
            quorum_reached: AtomicBool::new(options.quorum == 0),
            turn: AtomicUsize::new(first_turn),
            lots: Lots::new(u64::from_ne_bytes(ids::random()?)),
            choices: Mutex::default(),
            parked: Mutex::default(),
            changed: Notify::new(),
            changes: AtomicU64::new(0),
            freed: AtomicU64::new(0),
            parked_one: Notify::new(),
            place_wanted: AtomicBool::new(false),
            closing: watch::Sender::new(false),
            is_closing: AtomicBool::new(false),
            closed: Latch::default(),
            events,
            description,
            options,
        });
        shared.add_fixed_members()?;
        let subscription = match &whereabouts.found_in {
            Some(discovery) => Some(discovery.subscribe(runtime, shared.discovery_sink())?),
            None => None,
        };
        let publisher = match (&whereabouts.own, whereabouts.published_by) {
            (Some(own), Some(discovery)) => Some(Publisher::new(&shared, own, discovery)?),
            _ => None,
        };
        if processes > 0 {
            let is_published = publisher.is_some();
            let spawner = shared.start_processes(processes, whereabouts.own, is_published)?;
            *shared.spawner() = Some(spawner);
        }
        let member: Weak<PoolShared> = Arc::downgrade(&shared);
        shared
            .member
            .store(runtime.add_member(member)?, Ordering::Relaxed);
        runtime.spawn_io(keep_pool(
            Arc::clone(&shared),
            received,
            subscription,
            publisher,
            processes,
        ));
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
        let worker = request.worker.as_deref().map(ids::uid).transpose()?;
        let task_id = ids::task_id()?;
        let now = Instant::now();
        let parent = request.parent.as_ref();
        let context = call_context(&request)?;
        let after = |wait: Duration| now.checked_add(wait).unwrap_or(now + FOREVER);
        let dispatch_timeout = request
            .dispatch_timeout
            .unwrap_or(shared.options.dispatch_timeout);
        // A time beyond what the clock can say is no deadline.
        let own = request.timeout.and_then(|timeout| now.checked_add(timeout));
        let deadline = match (own, parent.and_then(|task| task.info().deadline)) {
            (Some(own), Some(task)) => Some(own.min(task)),
            (own, task) => own.or(task),
        };
        // As with the deadline.
        let step_timeout = request
            .step_timeout
            .filter(|timeout| now.checked_add(*timeout).is_some());
        let asked = (request.kind == RoutineKind::Stream)
            .then(|| Asked::new(request.prefetch > 0, step_timeout));
        let nested = parent.map(|task| Nested::new(Arc::clone(task.state())));
        let caller = parent.map(|task| task.info().id);
        let teller = CallTeller::created(&shared.runtime, task_id, caller, &request.routine);
        let flight = Flight::new(observer, asked, nested, teller);
        if !flight.begin() {
            flight.finish(Outcome::Error(cancelled_with_task().with_retryable(true)));
            return Ok(flight);
        }
        if let Some(deadline) = deadline {
            flight.set_deadline(
                shared
                    .runtime
                    .spawn_io(dispatch::expire(Arc::clone(&flight), deadline)),
            );
        }
        if let Some(timeout) = step_timeout {
            flight.set_step_watch(
                shared
                    .runtime
                    .spawn_io(dispatch::watch_steps(Arc::clone(&flight), timeout)),
            );
        }
        shared.offer(Box::new(Dispatch {
            routine: request.routine,
            kind: request.kind,
            arguments: request.arguments,
            task_id,
            tag: request.tag,
            caller,
            context,
            deadline,
            step_timeout,
            dispatch_deadline: after(dispatch_timeout),
            quorum_deadline: after(shared.options.quorum_timeout),
            worker,
            refused_by: Vec::new(),
            last_refusal: None,
            flight: Arc::clone(&flight),
        }));
        Ok(flight)
    }

    #[cfg(test)]
    pub(crate) fn is(&self, other: &WorkerPool) -> bool {
        Arc::ptr_eq(&self.owner, &other.owner)
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.owner.shared.is_closing.load(Ordering::Acquire)
    }

    /// The uids of the workers that are connected, take calls and serve this unary routine, each once: one may have
    /// joined by its address and by discovery, too.
    ///
    /// # Errors
    /// [`ErrorKind::NoWorkersAvailable`] when no worker takes calls, [`ErrorKind::RoutineNotFound`] when none of those
    /// that do serves it; [`ErrorKind::Closed`], [`ErrorKind::InvalidArgument`] for a name that is none.
    pub(crate) fn serving(&self, routine: &str) -> Result<Vec<Arc<str>>> {
        let shared = &self.owner.shared;
        shared.check_open()?;
        Registry::check_name(routine)?;
        let members = shared.members();
        let mut uids: Vec<_> = members
            .iter()
            .filter_map(|member| member.serving(routine))
            .collect();
        uids.sort_unstable();
        uids.dedup();
        if uids.is_empty() {
            return Err(shared.nobody_serves(routine, &members));
        }
        Ok(uids)
    }

    /// The runtime it was made with.
    pub fn runtime(&self) -> &Runtime {
        &self.owner.shared.runtime
    }

    /// Which workers the pool has, what they serve, and which were turned away, and why.
    pub fn status(&self) -> PoolStatus {
        self.owner.shared.status()
    }

    /// Closes: pending calls end as [`ErrorKind::Closed`], their tasks are cancelled, and the workers that
    /// the pool started are stopped. Never blocks; `done` is called on one of wool's threads and must not
    /// block. Closing again waits for the same end.
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

impl fmt::Debug for WorkerPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkerPool").finish_non_exhaustive()
    }
}

/// What goes along with a call beside its arguments.
fn call_context(request: &CallRequest) -> Result<Option<Box<CallContext>>> {
    let of_task = || Some(request.parent.as_ref()?.info().context.clone());
    let bag = request.context.clone().or_else(of_task);
    if bag.is_none() && request.values.is_empty() {
        return Ok(None);
    }
    // What comes back for a call without a context of its host's own is kept by nobody.
    let bag = bag.unwrap_or_default();
    let (start, seen) = bag.start(&request.values)?;
    Ok(Some(Box::new(CallContext { start, bag, seen })))
}

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

    fn add_fixed_members(&self) -> Result<()> {
        let secret = self.options.secret.clone().map(Into::into);
        for text in &self.options.addresses {
            let endpoint = Endpoint {
                addresses: vec![Address::parse(text, self.options.may_leave_this_machine())?],
                uid: String::new(),
                tls: self.options.credentials.clone().map(|credentials| Tls {
                    credentials,
                    identity: None,
                    peers: None,
                }),
                secret: secret.clone(),
            };
            self.add_member(Member::fixed(self.new_id(), text.clone(), endpoint));
        }
        Ok(())
    }

    fn start_processes(
        self: &Arc<Self>,
        count: usize,
        publish: Option<LocalDiscovery>,
        is_published: bool,
    ) -> Result<Spawner> {
        let options = &self.options;
        let plan = SpawnPlan {
            command: match &options.command {
                Some(command) => command.clone(),
                None => SpawnCommand::this_program()?,
            },
            count,
            worker: WorkerSetup {
                tags: options.tags.clone(),
                concurrency: options.concurrency,
                max_payload: options.max_payload,
                publish,
                bind: options.bind.clone(),
                advertise: options.advertise.clone(),
                allow_plaintext: options.allow_plaintext,
                credentials: options.credentials.clone(),
                identity: options.identity.clone(),
                // Those who find them elsewhere cannot know one that is drawn by lot.
                secret: is_published.then(|| options.secret.clone().unwrap_or_default()),
            },
            times: SpawnTimes::default(),
        };
        let events = self.events.clone();
        let sink = move |event| {
            // The keeper may have ended.
            let _ = events.send(PoolEvent::Process(event));
        };
        Spawner::start(&self.runtime, plan, Arc::new(sink))
    }

    fn discovery_sink(&self) -> crate::discovery::DiscoverySink {
        let events = self.events.clone();
        Arc::new(move |event| {
            // The keeper may have ended.
            let _ = events.send(PoolEvent::Discovery(event));
        })
    }

    fn new_id(&self) -> u64 {
        self.next_id.fetch_add(1, Ordering::Relaxed)
    }

    fn add_member(&self, member: Member) -> Arc<Member> {
        let member = Arc::new(member);
        let mut members = self.members.write().unwrap_or_else(PoisonError::into_inner);
        members.push(Arc::clone(&member));
        member
    }

    /// A closed pool has no workers.
    fn forget_members(&self) {
        let mut members = self.members.write().unwrap_or_else(PoisonError::into_inner);
        members.clear();
    }

    fn members(&self) -> Vec<Arc<Member>> {
        let members = self.members.read().unwrap_or_else(PoisonError::into_inner);
        members.clone()
    }

    /// A worker is connected: there may be as many now as the first call waits for.
    fn check_quorum(&self) {
        if self.quorum_reached.load(Ordering::Acquire) {
            return;
        }
        let up = self
            .members()
            .iter()
            .filter(|member| member.is_up())
            .count();
        if up >= self.options.quorum {
            self.quorum_reached.store(true, Ordering::Release);
        }
    }

    /// To be called after the change.
    fn tell_changed(&self) {
        self.changes.fetch_add(1, Ordering::AcqRel);
        self.changed.notify_one();
    }

    fn parked(&self) -> MutexGuard<'_, Vec<Parked>> {
        lock(&self.parked)
    }

    fn membership(&self) -> MutexGuard<'_, Membership> {
        lock(&self.membership)
    }

    fn spawner(&self) -> MutexGuard<'_, Option<Spawner>> {
        lock(&self.spawner)
    }

    fn problems(&self) -> MutexGuard<'_, Problems> {
        lock(&self.problems)
    }

    fn log(&self, level: Level, message: impl FnOnce() -> String) {
        self.runtime.logger().log(level, "pool", message);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
