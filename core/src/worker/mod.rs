//! A worker: serves the runtime's routines to whoever may call them.

mod options;
mod policy;

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use crate::admission::Admission;
use crate::callers_pool::Own;
use crate::discovery::{Announced, Withdrawn, advertised};
use crate::error::{Error, ErrorKind, Result};
use crate::ids::{self, Uuid};
use crate::latch::Latch;
use crate::log::Level;
use crate::peer_limits::PeerLoads;
use crate::place::Places;
use crate::pool::WorkerPool;
use crate::routine::Routine;
use crate::runtime::{Member, MemberKind, Runtime, refuse_on_wool_thread};
use crate::server::{self, Listeners};
use crate::session::WorkerCommand;
use crate::state::hello::{self, Limits, Peer, Refusal};
use crate::tls::Credentials;
use crate::wire;

pub use options::WorkerOptions;
pub(crate) use options::is_loopback;

/// How long a stopping worker lets its tasks run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grace {
    /// Cancel them now.
    Now,
    /// Cancel them after this time.
    For(Duration),
    /// Wait for them.
    Forever,
}

/// Serves in this process. When the last clone is dropped, it stops with [`Grace::Now`].
#[derive(Clone)]
pub struct Worker {
    owner: Arc<Owner>,
}

struct Owner {
    shared: Arc<WorkerShared>,
    /// Keeps the runtime from closing while the worker is held.
    _runtime: Runtime,
}

/// What the sessions of a worker share.
pub(crate) struct WorkerShared {
    runtime: Runtime,
    member: AtomicU64,
    uid: String,
    uid_bytes: Uuid,
    address: String,
    /// In its record.
    advertised: Vec<String>,
    options: WorkerOptions,
    announcement: Mutex<Announcement>,
    limits: Limits,
    places: Places,
    peers: Arc<PeerLoads>,
    draining: AtomicBool,
    sessions: Mutex<Sessions>,
    grace: watch::Sender<Option<Grace>>,
    stopped: Latch,
}

/// Whether the worker can be found.
#[derive(Default)]
enum Announcement {
    #[default]
    NotYet,
    Shown(Box<dyn Announced>),
    Withdrawn,
}

#[derive(Default)]
struct Sessions {
    next: u64,
    open: BTreeMap<u64, OpenSession>,
}

struct OpenSession {
    commands: mpsc::UnboundedSender<WorkerCommand>,
    /// Of the credentials by which its connection was made; `None` = without TLS.
    generation: Option<u64>,
}

impl Worker {
    /// Binds and serves. When this returns, callers can connect.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] for an address that is none, [`ErrorKind::PermissionDenied`] for one
    /// beyond loopback without `allow_plaintext`, [`ErrorKind::Io`] when it cannot be bound,
    /// [`ErrorKind::Closed`].
    pub fn start(runtime: &Runtime, mut options: WorkerOptions) -> Result<Worker> {
        runtime.check_open()?;
        if let Some(admission) = &options.admit {
            admission.prepare(runtime)?;
        }
        let uid_bytes = ids::random_uuid()?;
        let uid = ids::dashed(&uid_bytes);
        let announcement = match &options.publish {
            Some(discovery) => Some(discovery.announce(runtime, &uid)?),
            None => None,
        };
        if let Some(announcement) = &announcement {
            if options.socket_path.is_none() {
                options.socket_path = announcement.socket_path().map(Path::to_owned);
            }
            if options.secret.is_none() && announcement.holds_secret() {
                options.secret = Some(ids::random_secret()?);
            }
        }
        options.check_credentials()?;
        options.secret = options.secret.filter(|secret| !secret.is_empty());
        let address = options.resolve()?;
        let tcp = TcpListener::bind(address).map_err(|error| {
            Error::new(
                ErrorKind::Io,
                format!(
                    "the worker cannot bind {}: {error}; choose another address, or port 0 for any \
                     free one",
                    options.bind
                ),
            )
        })?;
        let local = tcp
            .local_addr()
            .map_err(|error| Error::new(ErrorKind::Io, error.to_string()))?;
        let listeners = Listeners::open(runtime, tcp, options.socket_path.as_deref())?;
        let limits = Limits {
            max_payload: match options.max_payload {
                0 => Limits::default().max_payload,
                bytes => bytes,
            },
            // A caller alone then never meets the limit: its burst waits at its own gate.
            max_open_calls: Limits::default()
                .max_open_calls
                .min(options.concurrency() as usize),
            ..Limits::default()
        };
        let shared = Arc::new(WorkerShared {
            runtime: runtime.own_reference(),
            member: AtomicU64::new(0),
            uid,
            uid_bytes,
            address: local.to_string(),
            advertised: advertised(&options.advertise, local)?,
            limits,
            places: Places::new(options.concurrency()),
            peers: PeerLoads::new(options.peer_limits),
            options,
            announcement: Mutex::default(),
            draining: AtomicBool::new(false),
            sessions: Mutex::default(),
            grace: watch::Sender::new(None),
            stopped: Latch::default(),
        });
        let member: Weak<WorkerShared> = Arc::downgrade(&shared);
        shared
            .member
            .store(runtime.add_member(member)?, Ordering::Relaxed);
        runtime.spawn_io(server::serve(Arc::clone(&shared), listeners));
        shared.log(Level::Info, || {
            format!("worker {} serves at {}", shared.uid, shared.address)
        });
        let worker = Worker {
            owner: Arc::new(Owner {
                shared,
                _runtime: runtime.clone(),
            }),
        };
        // Not before callers can connect. A worker that cannot be found stops when it is dropped here.
        if let Some(announcement) = announcement {
            worker.owner.shared.publish(announcement)?;
        }
        Ok(worker)
    }

    /// Where it is reached, e.g. `"127.0.0.1:43211"`.
    pub fn address(&self) -> &str {
        &self.owner.shared.address
    }

    /// Its UUID; a restarted worker has another.
    pub fn uid(&self) -> &str {
        &self.owner.shared.uid
    }

    /// Stops: takes no new tasks from now on (callers offer them elsewhere), lets those that run go on
    /// for the grace, cancels what is left, and ends when the last routine has stopped. Never blocks;
    /// `done` is called on one of wool's threads and must not block. Stopping again can shorten the
    /// grace, never lengthen it.
    pub fn stop(&self, grace: Grace, done: impl FnOnce() + Send + 'static) {
        self.owner.shared.stopped.on_open(done);
        self.owner.shared.stop(grace);
    }

    /// The moment in which a drain has begun and no session has been told.
    #[cfg(test)]
    pub(crate) fn drain_silently(&self) {
        self.owner.shared.draining.store(true, Ordering::Release);
    }

    /// Calls `done` back when it has stopped, whoever stopped it: at once if it has already. Never blocks; `done` must not
    /// block either.
    pub fn on_stopped(&self, done: impl FnOnce() + Send + 'static) {
        self.owner.shared.stopped.on_open(done);
    }

    /// Stops as [`Worker::stop`] does and waits, for ever without a timeout.
    ///
    /// # Errors
    /// [`ErrorKind::Timeout`]: stopping goes on, and can be waited for again.
    /// [`ErrorKind::InvalidArgument`] on one of wool's threads.
    pub fn stop_blocking(&self, grace: Grace, timeout: Option<Duration>) -> Result<()> {
        refuse_on_wool_thread("a worker's stop")?;
        let shared = &self.owner.shared;
        shared.stop(grace);
        if shared.stopped.wait(timeout) {
            return Ok(());
        }
        Err(shared.runtime.timed_out("the worker has not stopped"))
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.shared.stop(Grace::Now);
    }
}

impl Member for WorkerShared {
    fn kind(&self) -> MemberKind {
        MemberKind::Worker
    }

    fn begin_close(&self) {
        self.stop(Grace::Now);
    }

    fn closed(&self) -> &Latch {
        &self.stopped
    }
}

impl WorkerShared {
    pub(crate) fn stop(&self, grace: Grace) {
        self.grace.send_if_modified(|asked| {
            let shorter = match (*asked, grace) {
                (None, _) => true,
                (Some(Grace::Now), _) | (_, Grace::Forever) => false,
                (Some(Grace::Forever), _) | (_, Grace::Now) => true,
                (Some(Grace::For(before)), Grace::For(now)) => now < before,
            };
            if shorter {
                *asked = Some(grace);
            }
            shorter
        });
    }

    /// Changes when the worker is to stop, or to stop sooner.
    pub(crate) fn grace(&self) -> watch::Receiver<Option<Grace>> {
        self.grace.subscribe()
    }

    fn publish(&self, mut announcement: Box<dyn Announced>) -> Result<()> {
        let record = wire::WorkerRecord {
            local: Some(wire::LocalOrigin {
                secret: self.secret().unwrap_or_default().to_vec().into(),
                ..wire::LocalOrigin::default()
            }),
            ..self.record()
        };
        let mut announced = self.announcement();
        // A worker that was stopped meanwhile is not to be found any more.
        if !matches!(*announced, Announcement::Withdrawn) {
            announcement.publish(&record)?;
            *announced = Announcement::Shown(announcement);
        }
        Ok(())
    }

    fn announcement(&self) -> MutexGuard<'_, Announcement> {
        self.announcement
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// From here on nobody finds this worker any more.
    pub(crate) fn withdraw(&self) -> Withdrawn {
        let before = std::mem::replace(&mut *self.announcement(), Announcement::Withdrawn);
        match before {
            Announcement::Shown(announced) => announced.withdraw(),
            Announcement::NotYet | Announcement::Withdrawn => Box::pin(std::future::ready(())),
        }
    }

    /// From here on new tasks are refused, and callers are told.
    pub(crate) fn drain(&self) {
        self.draining.store(true, Ordering::Release);
        self.tell_sessions(|| WorkerCommand::Drain);
    }

    pub(crate) fn cancel_all(&self) {
        self.tell_sessions(|| WorkerCommand::CancelAll);
    }

    pub(crate) fn finish_sessions(&self) {
        self.tell_sessions(|| WorkerCommand::Finish);
    }

    /// The last word: whoever waits for the stop is told.
    pub(crate) fn set_stopped(&self) {
        if let Some(admission) = self.admission() {
            admission.stopped();
        }
        self.runtime
            .remove_member(self.member.load(Ordering::Relaxed));
        self.log(Level::Info, || format!("worker {} has stopped", self.uid));
        self.stopped.open();
    }

    fn tell_sessions(&self, command: impl Fn() -> WorkerCommand) {
        for session in self.sessions().open.values() {
            // A session that has ended needs no telling.
            let _ = session.commands.send(command());
        }
    }

    /// The credentials were renewed: sessions by those of before take no more calls. Their callers connect again.
    pub(crate) fn drain_sessions_of_before(&self) {
        let sessions = self.sessions();
        for session in sessions
            .open
            .values()
            .filter(|open| self.is_of_before(open))
        {
            // As above.
            let _ = session.commands.send(WorkerCommand::Renew);
        }
    }

    fn is_of_before(&self, session: &OpenSession) -> bool {
        session
            .generation
            .is_some_and(|made| self.has_renewed(made))
    }

    /// Whether the credentials are others than those of this generation.
    pub(crate) fn has_renewed(&self, generation: u64) -> bool {
        let credentials = self.options.credentials.as_ref();
        credentials.is_some_and(|credentials| credentials.generation() != generation)
    }

    /// Adds a session; it leaves when the guard is dropped. `generation`: of the credentials by which its connection was made;
    /// `None` = without TLS.
    pub(crate) fn enter(
        self: &Arc<Self>,
        commands: mpsc::UnboundedSender<WorkerCommand>,
        generation: Option<u64>,
    ) -> SessionGuard {
        let open = OpenSession {
            commands,
            generation,
        };
        let mut sessions = self.sessions();
        let id = sessions.next;
        sessions.next += 1;
        if self.is_of_before(&open) {
            // The others have been told.
            let _ = open.commands.send(WorkerCommand::Renew);
        }
        sessions.open.insert(id, open);
        SessionGuard {
            worker: Arc::clone(self),
            id,
        }
    }

    fn sessions(&self) -> MutexGuard<'_, Sessions> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What each of them has open here.
    pub(crate) fn peers(&self) -> &Arc<PeerLoads> {
        &self.peers
    }

    pub(crate) fn places(&self) -> &Places {
        &self.places
    }

    /// By which tasks call whose caller's pool cannot be used here.
    pub(crate) fn own_pool(&self) -> Option<&WorkerPool> {
        self.options.pool.as_ref()
    }

    /// What it gives to the pools that it makes for its tasks.
    pub(crate) fn own(&self) -> Own {
        Own {
            secret: self.options.secret.clone(),
            allow_plaintext: self.options.allow_plaintext,
            credentials: self.options.credentials.clone(),
            peers: self.options.peers.clone(),
        }
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }

    pub(crate) fn admission(&self) -> Option<&Arc<dyn Admission>> {
        self.options.admit.as_ref()
    }

    /// `limits`: of the session.
    pub(crate) fn hello(&self, limits: Limits) -> wire::Hello {
        wire::Hello {
            worker_uid: self.uid.clone(),
            serving: Some(self.serving()),
            ..hello::hello(limits, self.runtime.language())
        }
    }

    pub(crate) fn serving(&self) -> wire::Serving {
        wire::Serving {
            routines: self.runtime.registry().describe(),
            draining: self.draining.load(Ordering::Acquire),
        }
    }

    /// For people and tools.
    pub(crate) fn describe(&self) -> wire::WorkerDescription {
        let serving = self.serving();
        wire::WorkerDescription {
            worker: Some(self.record()),
            routines: serving.routines,
            in_flight: self.places.tasks(),
            concurrency: self.places.most(),
            draining: serving.draining,
        }
    }

    fn record(&self) -> wire::WorkerRecord {
        let socket_path = self.options.socket_path.as_ref();
        wire::WorkerRecord {
            uid: self.uid.clone(),
            addresses: self.advertised.clone(),
            socket_path: socket_path
                .map(|path| path.display().to_string())
                .unwrap_or_default(),
            doors: vec![wire::Door::Session as i32],
            protocol_major: wire::MAJOR,
            protocol_minor: wire::MINOR,
            package_version: wire::PACKAGE_VERSION.to_owned(),
            language: self.runtime.language().to_owned(),
            tags: self.options.tags.clone(),
            extra: self.options.extra.clone().into_iter().collect(),
            secure: self.options.credentials.is_some(),
            identity: self.options.identity.clone(),
            pid: std::process::id(),
            ..wire::WorkerRecord::default()
        }
    }

    pub(crate) fn routine(&self, name: &str) -> Option<Arc<Routine>> {
        self.runtime.registry().get(name)
    }

    pub(crate) fn registry_changes(&self) -> watch::Receiver<u64> {
        self.runtime.registry().changes()
    }

    pub(crate) fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    pub(crate) fn uid(&self) -> &str {
        &self.uid
    }

    pub(crate) fn uid_bytes(&self) -> Uuid {
        self.uid_bytes
    }

    pub(crate) fn limits(&self) -> Limits {
        self.limits
    }

    pub(crate) fn credentials(&self) -> Option<&Credentials> {
        self.options.credentials.as_ref()
    }

    pub(crate) fn secret(&self) -> Option<&[u8]> {
        self.options.secret.as_deref()
    }

    pub(crate) fn language(&self) -> &str {
        self.runtime.language()
    }

    pub(crate) fn log_refusal(&self, refusal: &Refusal) {
        self.log(Level::Warn, || {
            format!("a session was refused: {}", refusal.message())
        });
    }

    pub(crate) fn log_lost_caller(&self, peer: &Peer, error: &Error) {
        self.log(Level::Warn, || {
            format!(
                "the session of a caller ({} libwool {}) ended: {}",
                peer.language,
                peer.package_version,
                error.message()
            )
        });
    }

    pub(crate) fn log(&self, level: Level, message: impl FnOnce() -> String) {
        self.runtime.logger().log(level, "worker", message);
    }
}

/// A session's place in the worker's list.
pub(crate) struct SessionGuard {
    worker: Arc<WorkerShared>,
    id: u64,
}

impl Drop for SessionGuard {
    fn drop(&mut self) {
        self.worker.sessions().open.remove(&self.id);
    }
}
