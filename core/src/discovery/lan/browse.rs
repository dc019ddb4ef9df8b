//! Looks for the workers of one service type, for all subscriptions of the process at once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use mdns_sd::{Receiver, ServiceDaemon, ServiceEvent};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::interfaces::Filter;
use super::known::Known;
use super::looks::Looks;
use super::sighting;
use crate::discovery::listener::Listener;
use crate::error::{Error, ErrorKind};

/// How long the first look around takes: the daemon asks at once, and again after a second.
const FIRST_LOOK: Duration = Duration::from_millis(1500);
/// How long a name without a TXT record may stay without one.
const TXT_WITHIN: Duration = Duration::from_secs(3);
/// How long a suspect may take to answer. It is asked twice.
const ANSWER_WITHIN: Duration = Duration::from_secs(3);
/// Suspects that are asked together, and the time between.
const ASKED_AT_ONCE: usize = 16;
const ASKING_PAUSE: Duration = Duration::from_millis(50);
/// When the daemon has forgotten all, those that are there have as long to answer: it asks five times meanwhile.
const SEEN_AGAIN_WITHIN: Duration = Duration::from_secs(30);
/// The daemon's events are never so many that it gives up twice within this time.
const REOPEN_PAUSE: Duration = Duration::from_secs(1);
/// The daemon's queue of commands is full for a moment.
const BUSY_PAUSE: Duration = Duration::from_millis(50);

/// What comes from the daemon.
pub(super) enum Heard {
    Service(Arc<str>, ServiceEvent),
    /// The daemon tells no more: it has ended, or could not be listened to fast enough.
    Closed(Arc<str>),
    /// How many records it holds.
    Cached(i64),
}

/// The daemon's thread has ended.
pub(super) struct Ended;

pub(super) struct Browse {
    service_type: Arc<str>,
    known: Known,
    looks: Looks,
    first_look_until: Instant,
    opened: Instant,
    reopen: Option<Instant>,
    /// To be asked, and those who were.
    suspects: BTreeSet<String>,
    asked: BTreeMap<String, Instant>,
    next_asking: Instant,
    receivers: mpsc::UnboundedSender<Receiver<ServiceEvent>>,
    forwarder: JoinHandle<()>,
}

impl Browse {
    /// On the thread of the engine.
    pub(super) fn new(service_type: Arc<str>, heard: mpsc::Sender<Heard>) -> Browse {
        let (receivers, theirs) = mpsc::unbounded_channel();
        let now = Instant::now();
        Browse {
            forwarder: tokio::spawn(forward(Arc::clone(&service_type), theirs, heard)),
            service_type,
            known: Known::default(),
            looks: Looks::default(),
            first_look_until: now + FIRST_LOOK,
            opened: now,
            reopen: None,
            suspects: BTreeSet::new(),
            asked: BTreeMap::new(),
            next_asking: now,
            receivers,
        }
    }

    pub(super) fn add(&mut self, listener: Arc<Listener>, namespace: Option<String>) {
        self.known.add(listener, namespace);
    }

    /// False when nobody listens any more.
    pub(super) fn has_audience(&mut self) -> bool {
        self.known.has_audience()
    }

    /// Lets the daemon look, again or for the first time: what it knows comes again, and all that are missing are asked
    /// for.
    ///
    /// # Errors
    /// [`Ended`].
    pub(super) fn open(&mut self, daemon: &ServiceDaemon) -> Result<(), Ended> {
        self.opened = Instant::now();
        match daemon.browse(&self.service_type) {
            Ok(receiver) => {
                // The forwarder lives as long as this.
                let _ = self.receivers.send(receiver);
            }
            Err(mdns_sd::Error::DaemonShutdown) => return Err(Ended),
            Err(_) => self.reopen = Some(self.opened + BUSY_PAUSE),
        }
        Ok(())
    }

    /// With another daemon, which knows nothing. What the old one still tells is not heard.
    ///
    /// # Errors
    /// [`Ended`].
    pub(super) fn begin_anew(
        &mut self,
        daemon: &ServiceDaemon,
        heard: mpsc::Sender<Heard>,
    ) -> Result<(), Ended> {
        let (receivers, theirs) = mpsc::unbounded_channel();
        self.forwarder.abort();
        self.forwarder = tokio::spawn(forward(Arc::clone(&self.service_type), theirs, heard));
        self.receivers = receivers;
        self.doubt_all();
        self.known.works_again();
        self.open(daemon)
    }

    fn doubt_all(&mut self) {
        self.known.doubt_all(Instant::now() + SEEN_AGAIN_WITHIN);
    }

    pub(super) fn close(&self, daemon: &ServiceDaemon) {
        // One that is busy or has ended notices that nobody listens.
        let _ = daemon.stop_browse(&self.service_type);
    }

    /// The daemon has given up. It has to forget what it knows: telling it all at once may be what was too much.
    pub(super) fn closed(&mut self, daemon: &ServiceDaemon) {
        self.close(daemon);
        self.doubt_all();
        self.reopen = Some(Instant::now().max(self.opened + REOPEN_PAUSE));
    }

    pub(super) fn failed(&mut self, error: &mdns_sd::Error) {
        self.known.failed(&Error::new(
            ErrorKind::Discovery,
            format!("the network cannot be listened to: {error}"),
        ));
    }

    pub(super) fn hear(&mut self, event: ServiceEvent, filter: &Filter) {
        match event {
            ServiceEvent::ServiceResolved(service) => {
                let key = sighting::key(&service.fullname, &self.service_type);
                let silent_until = match sighting::is_whole(&service) {
                    true => None,
                    false => Some(Instant::now() + TXT_WITHIN),
                };
                let reading = sighting::read(&service, &self.service_type, filter);
                self.known
                    .seen(key, &service.fullname, reading, silent_until);
            }
            ServiceEvent::ServiceRemoved(_, fullname) => {
                let key = sighting::key(&fullname, &self.service_type);
                self.suspects.remove(&key);
                if self.known.gone(&key) {
                    self.looks.lose(Instant::now());
                }
            }
            // A name alone says nothing yet.
            _ => {}
        }
    }

    /// A worker does not answer; has it gone?
    pub(super) fn suspect(&mut self, key: String) {
        let now = Instant::now();
        self.asked
            .retain(|_, asked| now.duration_since(*asked) < ANSWER_WITHIN);
        if self.known.fullname(&key).is_some() && !self.asked.contains_key(&key) {
            self.suspects.insert(key);
        }
    }

    /// When [`Browse::tick`] has something to do.
    pub(super) fn due(&self) -> Option<Instant> {
        let first_look = (!self.known.is_scanned_for_all()).then_some(self.first_look_until);
        let asking = (!self.suspects.is_empty()).then_some(self.next_asking);
        let times = [
            first_look,
            asking,
            self.known.due(),
            self.looks.due(),
            self.reopen,
        ];
        times.into_iter().flatten().min()
    }

    /// Does what is due.
    ///
    /// # Errors
    /// [`Ended`].
    pub(super) fn tick(&mut self, now: Instant, daemon: &ServiceDaemon) -> Result<(), Ended> {
        if now >= self.first_look_until {
            self.known.scanned();
        }
        self.known.expire(now);
        if self.known.has_place_again() {
            self.looks.ask(now);
        }
        if now >= self.next_asking && !self.suspects.is_empty() {
            self.next_asking = now + ASKING_PAUSE;
            self.ask_suspects(now, daemon)?;
        }
        let reopens = self.reopen.is_some_and(|reopen| reopen <= now);
        if reopens {
            self.reopen = None;
        }
        if self.looks.take(now) || reopens {
            self.open(daemon)?;
        }
        Ok(())
    }

    fn ask_suspects(&mut self, now: Instant, daemon: &ServiceDaemon) -> Result<(), Ended> {
        for _ in 0..ASKED_AT_ONCE {
            let Some(key) = self.suspects.pop_first() else {
                break;
            };
            let Some(fullname) = self.known.fullname(&key) else {
                continue;
            };
            match daemon.verify(fullname.to_owned(), ANSWER_WITHIN) {
                Ok(()) => {
                    self.asked.insert(key, now);
                }
                Err(mdns_sd::Error::DaemonShutdown) => return Err(Ended),
                Err(_) => {
                    self.suspects.insert(key);
                    break;
                }
            }
        }
        Ok(())
    }
}

impl Drop for Browse {
    fn drop(&mut self) {
        self.forwarder.abort();
    }
}

/// Hands on what each receiver has, in order: one after the other is the daemon's, for the same service type.
async fn forward(
    service_type: Arc<str>,
    mut receivers: mpsc::UnboundedReceiver<Receiver<ServiceEvent>>,
    heard: mpsc::Sender<Heard>,
) {
    while let Some(receiver) = receivers.recv().await {
        while let Ok(event) = receiver.recv_async().await {
            let event = Heard::Service(Arc::clone(&service_type), event);
            if heard.send(event).await.is_err() {
                return;
            }
        }
        let is_last = receivers.is_empty();
        let closed = Heard::Closed(Arc::clone(&service_type));
        if is_last && heard.send(closed).await.is_err() {
            return;
        }
    }
}
