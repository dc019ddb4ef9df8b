//! Worker processes that a pool spawns.
//!
//! In the parent, `wool-spawn` starts processes, `wool-io` lives with them, `slot` decides; in the child,
//! `wool-control` does it all.

mod child;
mod command;
mod control;
mod pidfd;
mod process;
mod slot;
mod stderr;
#[cfg(test)]
mod tests;
mod thread;
mod ticket;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::mpsc;

pub use child::{serve_if_spawned, serve_if_spawned_with};
pub use command::SpawnCommand;
pub(crate) use slot::{SlotState, SpawnTimes};

use crate::discovery::LocalDiscovery;
use crate::error::{Error, Result};
use crate::runtime::Runtime;
use crate::tls::Credentials;
use crate::worker::Grace;
use command::failed;
use process::{Common, Event, Order, Started};
use slot::{Action, Slots};
use stderr::Forwarder;
use thread::SpawnThread;

/// What the worker of a spawned process is to be like.
#[derive(Clone, Debug, Default)]
pub(crate) struct WorkerSetup {
    pub(crate) tags: Vec<String>,
    /// As in [`crate::WorkerOptions`].
    pub(crate) concurrency: u32,
    /// As in [`crate::WorkerOptions`].
    pub(crate) max_payload: u64,
    pub(crate) publish: Option<LocalDiscovery>,
    /// Empty = the default.
    pub(crate) bind: String,
    pub(crate) advertise: Vec<String>,
    pub(crate) allow_plaintext: bool,
    pub(crate) credentials: Option<Credentials>,
    pub(crate) identity: String,
    /// As in [`crate::WorkerOptions`].
    pub(crate) secret: Option<Vec<u8>>,
}

#[derive(Clone, Debug)]
pub(crate) struct SpawnPlan {
    pub(crate) command: SpawnCommand,
    /// How many processes.
    pub(crate) count: usize,
    pub(crate) worker: WorkerSetup,
    pub(crate) times: SpawnTimes,
}

/// What a spawner tells. Each slot has one process after the other.
#[derive(Clone, Debug)]
pub(crate) enum SpawnEvent {
    /// A worker serves. The pid is the worker's own, which a wrapper command may have started.
    Ready {
        slot: usize,
        uid: String,
        address: String,
        pid: u32,
    },
    /// A process has ended and is no more; with the uid of the worker that served in it, if one did.
    Ended {
        slot: usize,
        uid: Option<String>,
        story: String,
    },
    /// Three died one after the other and none serves. It goes on trying, seldom.
    CrashLoop(Error),
    /// After a crash loop, a worker serves.
    Recovered,
    /// After a stop: the last process is no more. Nothing is told any more.
    AllEnded,
}

/// Takes events, on `wool-io`. Must not block.
pub(crate) type SpawnSink = Arc<dyn Fn(SpawnEvent) + Send + Sync>;

/// A slot, for people and tools.
#[derive(Clone, Debug)]
pub(crate) struct SpawnedProcess {
    pub(crate) slot: usize,
    /// Of the process that was started, if there is one.
    pub(crate) pid: Option<u32>,
    /// Of the worker that serves, if one does.
    pub(crate) uid: Option<String>,
    pub(crate) state: SlotState,
    pub(crate) restarts: u64,
}

/// Keeps worker processes running. When it is dropped, it stops with [`Grace::Now`].
pub(crate) struct Spawner {
    messages: mpsc::UnboundedSender<Message>,
    processes: Arc<Mutex<Vec<SpawnedProcess>>>,
}

enum Message {
    Stop(Grace),
    Renew(control::Credentials),
    /// A process has been started, or could not be.
    Started(usize, Result<Started>),
    Process(usize, Event),
}

impl Spawner {
    /// Starts the processes, in the background. The events go on until [`SpawnEvent::AllEnded`], which the
    /// runtime must not be closed before.
    ///
    /// # Errors
    /// [`crate::ErrorKind::SpawnFailed`] when the command is this program and has not passed
    /// [`serve_if_spawned`], or there are no threads. [`crate::ErrorKind::Closed`].
    pub(crate) fn start(runtime: &Runtime, plan: SpawnPlan, sink: SpawnSink) -> Result<Spawner> {
        runtime.check_open()?;
        if plan.command.is_own() && !child::passed() {
            return Err(failed(
                "this program cannot be started again as a worker, since it has not come to the point where \
                 a spawned process becomes one, and its main would run twice. First thing in main, once the \
                 routines are registered, add: #[wool::main(...)] or wool::serve_if_spawned (Rust), \
                 wool.Main (Go), await wool.main (Node), \
                 if (wool_serve_if_spawned(runtime)) return 0; (C). Or give the pool a command that starts \
                 another program"
                    .to_owned(),
            ));
        }
        let (messages, inbox) = mpsc::unbounded_channel();
        let (slots, actions) = Slots::new(plan.count, plan.times, Instant::now());
        let processes = Arc::new(Mutex::default());
        let actor = Actor {
            runtime: runtime.own_reference(),
            thread: SpawnThread::get()?,
            common: Arc::new(Common {
                command: plan.command,
                environment: std::env::vars_os().collect(),
                setup: Mutex::new(control::setup(&plan.worker)),
                forwarder: Forwarder::get()?,
            }),
            sink,
            messages: messages.clone(),
            slots,
            live: (0..plan.count).map(|_| Live::default()).collect(),
            stories: vec![String::new(); plan.count],
            processes: Arc::clone(&processes),
        };
        actor.show();
        runtime.spawn_io(actor.run(actions, inbox));
        Ok(Spawner {
            messages,
            processes,
        })
    }

    /// Ends them all: their workers stop as [`crate::Worker::stop`] does; a process that has not ended within
    /// [`SpawnTimes::end`] after the grace is killed, one that does not serve yet at once. Then comes [`SpawnEvent::AllEnded`].
    /// Never blocks. Stopping again can shorten the grace.
    pub(crate) fn stop(&self, grace: Grace) {
        // Without a receiver it has ended.
        let _ = self.messages.send(Message::Stop(grace));
    }

    /// The workers of the processes, those to come as well, present and believe this from now on.
    pub(crate) fn renew(&self, credentials: &Credentials) {
        // As above.
        let _ = self
            .messages
            .send(Message::Renew(control::credentials(credentials)));
    }

    pub(crate) fn status(&self) -> Vec<SpawnedProcess> {
        lock(&self.processes).clone()
    }
}

impl Drop for Spawner {
    fn drop(&mut self) {
        self.stop(Grace::Now);
    }
}

/// What is known of a slot's process.
#[derive(Default)]
struct Live {
    orders: Option<mpsc::UnboundedSender<Order>>,
    pid: Option<u32>,
    uid: Option<String>,
}

/// Lives on `wool-io` until all has ended.
struct Actor {
    runtime: Runtime,
    thread: Arc<SpawnThread>,
    common: Arc<Common>,
    sink: SpawnSink,
    messages: mpsc::UnboundedSender<Message>,
    slots: Slots,
    live: Vec<Live>,
    /// How each slot's last process ended.
    stories: Vec<String>,
    processes: Arc<Mutex<Vec<SpawnedProcess>>>,
}

impl Actor {
    async fn run(mut self, begin: Vec<Action>, mut inbox: mpsc::UnboundedReceiver<Message>) {
        let mut actions = begin;
        loop {
            self.show();
            if self.act(actions) {
                return;
            }
            let due = self.slots.next_tick();
            actions = tokio::select! {
                Some(message) = inbox.recv() => self.hear(message),
                () = until(due) => self.slots.tick(Instant::now()),
            };
        }
    }

    /// True: all has ended.
    fn act(&mut self, actions: Vec<Action>) -> bool {
        for action in actions {
            match action {
                Action::Start { slot } => self.start(slot),
                Action::Stop { slot, grace } => self.order(slot, Order::Stop(grace)),
                Action::Kill { slot, why } => self.order(slot, Order::Kill(why)),
                Action::CrashLoop { slot } => {
                    let error = failed(format!(
                        "the worker processes of this pool end before they serve; the last one: {}",
                        self.stories[slot]
                    ));
                    self.tell(SpawnEvent::CrashLoop(error));
                }
                Action::Recovered => self.tell(SpawnEvent::Recovered),
                Action::AllEnded => {
                    self.tell(SpawnEvent::AllEnded);
                    return true;
                }
            }
        }
        false
    }

    fn start(&self, slot: usize) {
        let (common, thread) = (Arc::clone(&self.common), Arc::clone(&self.thread));
        let messages = self.messages.clone();
        self.thread.run(move || {
            let started = process::start(&common, thread);
            // Without a receiver, what was started is killed when it is dropped here.
            let _ = messages.send(Message::Started(slot, started));
        });
    }

    fn order(&self, slot: usize, order: Order) {
        // A process that is still being started gets its order when it is there.
        if let Some(orders) = &self.live[slot].orders {
            let _ = orders.send(order);
        }
    }

    fn hear(&mut self, message: Message) -> Vec<Action> {
        let now = Instant::now();
        match message {
            Message::Stop(grace) => self.slots.stop(grace, now),
            Message::Renew(credentials) => {
                self.common.setup().credentials = Some(credentials);
                for slot in 0..self.live.len() {
                    self.order(slot, Order::Renew);
                }
                Vec::new()
            }
            Message::Started(slot, Ok(started)) => {
                self.live_with(slot, started);
                Vec::new()
            }
            Message::Started(slot, Err(error)) => self.ended(slot, error.message().to_owned(), now),
            Message::Process(slot, event) => match event {
                Event::Ready(ready, pid) => {
                    let actions = self.slots.ready(slot, now);
                    if self.slots.state(slot) == SlotState::Serving {
                        self.live[slot].uid = Some(ready.uid.clone());
                        self.tell(SpawnEvent::Ready {
                            slot,
                            uid: ready.uid,
                            address: ready.address,
                            pid,
                        });
                    }
                    actions
                }
                Event::Leaving => self.slots.leaving(slot, now),
                Event::Distrust => self.slots.distrust(slot, now),
                Event::Ended { story } => self.ended(slot, story, now),
            },
        }
    }

    fn live_with(&mut self, slot: usize, started: Started) {
        let (orders, inbox) = mpsc::unbounded_channel();
        self.live[slot] = Live {
            orders: Some(orders),
            pid: Some(started.pid()),
            uid: None,
        };
        if let Some(why) = self.slots.killed(slot) {
            self.order(slot, Order::Kill(why));
        }
        let messages = self.messages.clone();
        let tell = move |event| {
            // Without a receiver nobody wants to know.
            let _ = messages.send(Message::Process(slot, event));
        };
        let life = started.live(Arc::clone(&self.common), inbox, tell);
        self.runtime.spawn_io(life);
    }

    fn ended(&mut self, slot: usize, story: String, now: Instant) -> Vec<Action> {
        let uid = std::mem::take(&mut self.live[slot]).uid;
        self.stories[slot].clone_from(&story);
        let actions = self.slots.ended(slot, now);
        self.tell(SpawnEvent::Ended { slot, uid, story });
        actions
    }

    /// Whoever asks for the status when he is told sees what he was told.
    fn tell(&self, event: SpawnEvent) {
        self.show();
        (self.sink)(event);
    }

    /// Keeps what [`Spawner::status`] shows.
    fn show(&self) {
        let slots = self.live.iter().enumerate().map(|(slot, live)| {
            let state = self.slots.state(slot);
            SpawnedProcess {
                slot,
                pid: live.pid,
                uid: live.uid.clone().filter(|_| state == SlotState::Serving),
                state,
                restarts: self.slots.restarts(slot),
            }
        });
        *lock(&self.processes) = slots.collect();
    }
}

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due.into()).await,
        None => std::future::pending().await,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
