//! What the thread `wool-lan` does: it holds the mDNS daemon, looks and announces for all who share it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};

use mdns_sd::{IfKind, ServiceDaemon, ServiceInfo};
use tokio::sync::{mpsc, oneshot};

use super::browse::{Browse, Ended, Heard};
use super::interfaces::Filter;
use crate::discovery::listener::Listener;

/// How often the daemon looks whether the addresses of this machine have changed.
const ADDRESSES_EVERY_SECONDS: u32 = 2;
/// How often it is looked at how many records the daemon holds.
const COUNT_EVERY: Duration = Duration::from_secs(2);
/// With more, it is replaced: it has no limit of its own. Workers have about four records each.
const MOST_CACHED: i64 = 32_768;
/// Not more often than that.
const REPLACE_PAUSE: Duration = Duration::from_secs(10);
/// A goodbye is sent twice within this time.
const GOODBYE: Duration = Duration::from_millis(200);
/// The daemon's queue of commands is full for a moment.
const BUSY_PAUSE: Duration = Duration::from_millis(10);
const BUSY_FOR: usize = 300;
const SHUTDOWN_WITHIN: Duration = Duration::from_secs(1);
/// Events heard together.
const HEARD_AT_ONCE: usize = 256;

/// What users of the engine want.
pub(super) enum Order {
    Listen {
        service_type: String,
        listener: Arc<Listener>,
        namespace: Option<String>,
    },
    /// A listener has ended.
    Sweep,
    Suspect {
        service_type: String,
        key: String,
    },
    Register {
        service: Box<ServiceInfo>,
        done: SyncSender<mdns_sd::Result<()>>,
    },
    Unregister {
        fullname: String,
        done: oneshot::Sender<()>,
    },
    End,
}

pub(super) struct Engine {
    filter: Filter,
    daemon: ServiceDaemon,
    browses: BTreeMap<Arc<str>, Browse>,
    registered: BTreeMap<String, ServiceInfo>,
    heard: mpsc::Sender<Heard>,
    next_count: Instant,
    replaced: Instant,
    /// The daemon has ended, and none could be started in its place.
    replace_again: Option<Instant>,
    last_goodbye: Option<Instant>,
}

impl Engine {
    /// # Errors
    /// When the system gives no thread or no descriptor.
    pub(super) fn new(filter: Filter) -> mdns_sd::Result<(Engine, mpsc::Receiver<Heard>)> {
        let (heard, events) = mpsc::channel(HEARD_AT_ONCE);
        let now = Instant::now();
        let engine = Engine {
            daemon: start(&filter)?,
            filter,
            browses: BTreeMap::new(),
            registered: BTreeMap::new(),
            heard,
            next_count: now + COUNT_EVERY,
            replaced: now,
            replace_again: None,
            last_goodbye: None,
        };
        Ok((engine, events))
    }

    /// Until it is told to end.
    pub(super) async fn run(
        mut self,
        mut orders: mpsc::UnboundedReceiver<Order>,
        mut events: mpsc::Receiver<Heard>,
    ) {
        while self.turn(&mut orders, &mut events).await {}
        self.end().await;
    }

    /// Waits for what comes next and does it. False when it is to end.
    pub(super) async fn turn(
        &mut self,
        orders: &mut mpsc::UnboundedReceiver<Order>,
        events: &mut mpsc::Receiver<Heard>,
    ) -> bool {
        let due = self.due();
        let mut heard = Vec::new();
        tokio::select! {
            order = orders.recv() => match order {
                None | Some(Order::End) => return false,
                Some(order) => self.obey(order).await,
            },
            _ = events.recv_many(&mut heard, HEARD_AT_ONCE) => {
                for event in heard {
                    self.hear(event).await;
                }
            }
            () = tokio::time::sleep_until(due.into()) => self.tick().await,
        }
        true
    }

    fn due(&self) -> Instant {
        // Without a daemon nothing else can be done.
        if let Some(again) = self.replace_again {
            return again;
        }
        let browses = self.browses.values().filter_map(Browse::due);
        browses.fold(self.next_count, Instant::min)
    }

    async fn obey(&mut self, order: Order) {
        match order {
            Order::Listen {
                service_type,
                listener,
                namespace,
            } => {
                let service_type: Arc<str> = service_type.into();
                if let Some(browse) = self.browses.get_mut(&service_type) {
                    browse.add(listener, namespace);
                    return;
                }
                let mut browse = Browse::new(Arc::clone(&service_type), self.heard.clone());
                browse.add(listener, namespace);
                let opened = browse.open(&self.daemon);
                self.browses.insert(service_type, browse);
                self.replace_if(opened).await;
            }
            Order::Sweep => {
                let daemon = &self.daemon;
                self.browses.retain(|_, browse| {
                    let stays = browse.has_audience();
                    if !stays {
                        browse.close(daemon);
                    }
                    stays
                });
            }
            Order::Suspect { service_type, key } => {
                if let Some(browse) = self.browses.get_mut(&*service_type) {
                    browse.suspect(key);
                }
            }
            Order::Register { service, done } => {
                let registered = self.register(*service.clone()).await;
                if registered.is_ok() {
                    let fullname = service.get_fullname().to_owned();
                    self.registered.insert(fullname, *service);
                }
                // Nobody may wait any more.
                let _ = done.send(registered);
            }
            Order::Unregister { fullname, done } => {
                self.registered.remove(&fullname);
                self.unregister(&fullname).await;
                // As above.
                let _ = done.send(());
            }
            Order::End => {}
        }
    }

    async fn hear(&mut self, event: Heard) {
        match event {
            Heard::Service(service_type, event) => {
                if let Some(browse) = self.browses.get_mut(&service_type) {
                    browse.hear(event, &self.filter);
                }
            }
            Heard::Closed(service_type) => {
                if let Some(browse) = self.browses.get_mut(&service_type) {
                    browse.closed(&self.daemon);
                }
            }
            Heard::Cached(records) => {
                if records > MOST_CACHED && self.replaced.elapsed() > REPLACE_PAUSE {
                    self.replace().await;
                }
            }
        }
    }

    async fn tick(&mut self) {
        if self.replace_again.is_some() {
            self.replace().await;
            return;
        }
        let now = Instant::now();
        let mut ticked = Ok(());
        if self.next_count <= now {
            self.next_count = now + COUNT_EVERY;
            ticked = self.count();
        }
        for browse in self.browses.values_mut() {
            ticked = ticked.and(browse.tick(now, &self.daemon));
        }
        self.replace_if(ticked).await;
    }

    /// Asks the daemon how many records it holds.
    ///
    /// # Errors
    /// [`Ended`].
    fn count(&self) -> Result<(), Ended> {
        let metrics = match self.daemon.get_metrics() {
            Ok(metrics) => metrics,
            Err(mdns_sd::Error::DaemonShutdown) => return Err(Ended),
            // One that is too busy is asked the next time.
            Err(_) => return Ok(()),
        };
        let heard = self.heard.clone();
        tokio::spawn(async move {
            if let Ok(metrics) = metrics.recv_async().await {
                let cached = metrics
                    .iter()
                    .filter(|(name, _)| name.starts_with("cached-"));
                // It fails at the end only.
                let _ = heard
                    .send(Heard::Cached(cached.map(|(_, count)| count).sum()))
                    .await;
            }
        });
        Ok(())
    }

    async fn register(&self, service: ServiceInfo) -> mdns_sd::Result<()> {
        patiently(|| self.daemon.register(service.clone())).await
    }

    async fn unregister(&mut self, fullname: &str) {
        if let Ok(sent) = patiently(|| self.daemon.unregister(fullname)).await {
            // A daemon that has ended answers by that.
            let _ = tokio::time::timeout(SHUTDOWN_WITHIN, sent.recv_async()).await;
            self.last_goodbye = Some(Instant::now());
        }
    }

    async fn replace_if(&mut self, ended: Result<(), Ended>) {
        if ended.is_err() && self.replace_again.is_none() {
            self.replace().await;
        }
    }

    /// Another daemon in place of this one, which has ended or knows too much. Peers do not notice: no goodbyes are said.
    pub(super) async fn replace(&mut self) {
        self.replaced = Instant::now();
        let fresh = match start(&self.filter) {
            Ok(fresh) => fresh,
            Err(error) => {
                self.replace_again = Some(self.replaced + REPLACE_PAUSE);
                for browse in self.browses.values_mut() {
                    browse.failed(&error);
                }
                return;
            }
        };
        self.replace_again = None;
        let old = std::mem::replace(&mut self.daemon, fresh);
        tokio::spawn(async move {
            // Without interfaces it cannot say goodbye. One that has ended needs no telling, and a busy one no haste.
            while let Err(mdns_sd::Error::Again) =
                patiently(|| old.disable_interface(IfKind::All)).await
            {}
            while let Err(mdns_sd::Error::Again) = patiently(|| old.shutdown()).await {}
        });
        for service in self.registered.values() {
            // What could be registered before is not refused now.
            let _ = self.register(service.clone()).await;
        }
        for browse in self.browses.values_mut() {
            if browse.begin_anew(&self.daemon, self.heard.clone()).is_err() {
                self.replace_again = Some(self.replaced + REPLACE_PAUSE);
            }
        }
    }

    async fn end(self) {
        // Goodbyes are sent twice, in case that one is lost.
        if let Some(goodbye) = self.last_goodbye {
            tokio::time::sleep_until((goodbye + GOODBYE).into()).await;
        }
        if let Ok(ended) = patiently(|| self.daemon.shutdown()).await {
            // It ends at any rate.
            let _ = tokio::time::timeout(SHUTDOWN_WITHIN, ended.recv_async()).await;
        }
    }
}

/// Its threads inherit the signals that this one blocks.
fn start(filter: &Filter) -> mdns_sd::Result<ServiceDaemon> {
    let daemon = ServiceDaemon::new()?;
    daemon.set_ip_check_interval(ADDRESSES_EVERY_SECONDS)?;
    filter.apply(&daemon)?;
    Ok(daemon)
}

/// Commands that find the daemon's queue full are tried again.
async fn patiently<T>(command: impl Fn() -> mdns_sd::Result<T>) -> mdns_sd::Result<T> {
    let mut done = command();
    for _ in 0..BUSY_FOR {
        if !matches!(done, Err(mdns_sd::Error::Again)) {
            break;
        }
        tokio::time::sleep(BUSY_PAUSE).await;
        done = command();
    }
    done
}
