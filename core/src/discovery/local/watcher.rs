//! The thread that looks for changes, and the subscriptions that it works for.

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::eventfd::{EfdFlags, EventFd};
use once_cell::sync::OnceCell;

use super::hints::{Hint, Hints};
use super::root::Root;
use super::schedule::SWEEP_ALONE;
use super::sweep_once;
use super::watched::Watched;
use crate::discovery::fork::Origin;
use crate::discovery::listener::Listener;
use crate::discovery::{DiscoverySink, Subscribed};
use crate::error::{Error, ErrorKind, Result};
use crate::runtime::Runtime;

/// Looks for changes on one thread, while there are subscriptions.
pub(super) struct Watcher {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    /// Rings for what is new in the state, and for listeners that have ended.
    bell: EventFd,
    with_hints: bool,
    origin: Origin,
}

#[derive(Default)]
struct State {
    is_running: bool,
    newcomers: Vec<Newcomer>,
}

struct Newcomer {
    root: Root,
    namespace: String,
    listener: Arc<Listener>,
}

/// Ends when dropped: no event begins afterwards. Waits for the sink if that is being called just now,
/// unless by itself.
pub(in crate::discovery) struct Subscription {
    shared: Arc<Shared>,
    listener: Arc<Listener>,
}

impl Watcher {
    /// The one that all of this process share.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] when the system gives no descriptor; the next call tries again.
    pub(super) fn of_process() -> Result<&'static Watcher> {
        static WATCHER: OnceCell<Watcher> = OnceCell::new();
        WATCHER.get_or_try_init(|| Watcher::new(true))
    }

    /// Without hints it sweeps.
    pub(super) fn new(with_hints: bool) -> Result<Watcher> {
        let bell = EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)
            .map_err(|errno| no_thread(errno.into()))?;
        Ok(Watcher {
            shared: Arc::new(Shared {
                state: Mutex::default(),
                bell,
                with_hints,
                origin: Origin::here()?,
            }),
        })
    }

    /// # Errors
    /// [`ErrorKind::Io`] when the system gives no thread, [`ErrorKind::Forked`], else as [`Root::find`].
    pub(super) fn subscribe(
        &self,
        root: Root,
        namespace: &str,
        sink: DiscoverySink,
    ) -> Result<Subscription> {
        self.shared.origin.check()?;
        // What does not work at all is told here and now.
        root.open_namespace(namespace)?;
        let listener = Arc::new(Listener::new(sink));
        let mut state = self.shared.state();
        if !state.is_running {
            self.shared.start_thread()?;
            state.is_running = true;
        }
        state.newcomers.push(Newcomer {
            root,
            namespace: namespace.to_owned(),
            listener: Arc::clone(&listener),
        });
        drop(state);
        self.shared.ring();
        Ok(Subscription {
            shared: Arc::clone(&self.shared),
            listener,
        })
    }
}

impl Subscribed for Subscription {}

impl Drop for Subscription {
    fn drop(&mut self) {
        // A forked child has no thread that would call the sink, and shares the bell with its parent.
        if self.shared.origin.is_here() {
            self.listener.end();
            self.shared.ring();
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ring(&self) {
        // It fails only when it rings already.
        let _ = self.bell.write(1);
    }

    fn start_thread(self: &Arc<Self>) -> Result<()> {
        let shared = Arc::clone(self);
        std::thread::Builder::new()
            .name("wool-local".to_owned())
            .spawn(move || {
                Runtime::mark_wool_thread();
                Loop::new(shared).run();
            })
            .map_err(no_thread)?;
        Ok(())
    }
}

/// What the thread holds.
struct Loop {
    shared: Arc<Shared>,
    hints: Hints,
    watched: Vec<Watched>,
}

impl Loop {
    fn new(shared: Arc<Shared>) -> Loop {
        Loop {
            hints: Hints::new(shared.with_hints),
            shared,
            watched: Vec::new(),
        }
    }

    fn run(mut self) {
        while self.take_newcomers() {
            self.look();
            self.wait();
            let now = Instant::now();
            for hint in self.hints.take() {
                self.hint(&hint, now);
            }
        }
    }

    /// False when nobody is left, and the thread has to end.
    fn take_newcomers(&mut self) -> bool {
        // Before the state is looked at: what comes later rings again.
        let _ = self.shared.bell.read();
        self.leave_ended();
        let newcomers = {
            let mut state = self.shared.state();
            if state.newcomers.is_empty() && self.watched.is_empty() {
                state.is_running = false;
                return false;
            }
            std::mem::take(&mut state.newcomers)
        };
        let now = Instant::now();
        for newcomer in newcomers {
            let place = self
                .watched
                .iter()
                .position(|watched| watched.is(&newcomer.root, &newcomer.namespace));
            let place = place.unwrap_or_else(|| {
                let watched = Watched::new(newcomer.root, newcomer.namespace, now);
                self.watched.push(watched);
                self.watched.len() - 1
            });
            self.watched[place].add(newcomer.listener, now);
        }
        true
    }

    fn leave_ended(&mut self) {
        for left in self
            .watched
            .extract_if(.., |watched| !watched.has_audience())
            .collect::<Vec<_>>()
        {
            let watch = left.watch();
            // The same directory can have two paths.
            let is_shared = self.watched.iter().any(|kept| kept.watch() == watch);
            if let Some(watch) = watch
                && !is_shared
            {
                self.hints.forget(watch);
            }
            left.leave();
        }
    }

    fn look(&mut self) {
        for watched in &mut self.watched {
            if watched.due() <= Instant::now() {
                watched.look(&mut self.hints);
                // After the first look, for which somebody waits.
                sweep_once(watched.root());
            }
        }
    }

    fn wait(&self) {
        let due = self.watched.iter().map(Watched::due).min();
        let time = due.map_or(SWEEP_ALONE, |due| {
            due.saturating_duration_since(Instant::now())
        });
        let bell = self.shared.bell.as_fd();
        let descriptors = [Some(bell), self.hints.descriptor()];
        let mut descriptors: Vec<PollFd<'_>> =
            descriptors.into_iter().flatten().map(readable).collect();
        if let Err(errno) = poll(&mut descriptors, timeout(time))
            && errno != nix::errno::Errno::EINTR
        {
            // The system is out of memory: what is due will be looked at, but not in a busy loop.
            std::thread::park_timeout(SWEEP_ALONE);
        }
    }

    fn hint(&mut self, hint: &Hint, now: Instant) {
        for watched in &mut self.watched {
            let is_meant = match hint {
                Hint::All => true,
                Hint::One(watch) => watched.watch() == Some(*watch),
            };
            if is_meant {
                watched.hint(now);
            }
        }
    }
}

fn readable(descriptor: BorrowedFd<'_>) -> PollFd<'_> {
    PollFd::new(descriptor, PollFlags::POLLIN)
}

/// In whole milliseconds, rather late than in a busy loop.
fn timeout(time: Duration) -> PollTimeout {
    let millis = time.as_nanos().div_ceil(1_000_000);
    PollTimeout::try_from(millis).unwrap_or(PollTimeout::MAX)
}

fn no_thread(error: std::io::Error) -> Error {
    Error::new(
        ErrorKind::Io,
        format!("the thread for local discovery cannot be started: {error}"),
    )
}
