//! Publishes the workers that a pool has started by a discovery that is not local. Each publishes itself in a namespace of the
//! pool's own; what is found there is published, and what has gone from there is withdrawn.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::PoolShared;
use super::keeper::until;
use crate::discovery::{Announced, Discovery, DiscoveryEvent, LocalDiscovery, Subscribed};
use crate::error::{Error, ErrorKind, Result};
use crate::log::Level;
use crate::server::WITHDRAWN_WITHIN;
use crate::wire::WorkerRecord;

/// A worker that could not be published is tried again after this, and then after twice as long each time.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LAST_PAUSE: Duration = Duration::from_secs(30);

pub(super) struct Publisher {
    shared: Arc<PoolShared>,
    discovery: Discovery,
    /// Of the pool's own namespace.
    events: mpsc::UnboundedReceiver<DiscoveryEvent>,
    _subscription: Box<dyn Subscribed>,
    /// The workers that are there, by their uids, with their newest records; `None` = it has gone.
    workers: BTreeMap<String, watch::Sender<Option<WorkerRecord>>>,
    publishing: JoinSet<()>,
}

impl Publisher {
    /// # Errors
    /// [`ErrorKind::Discovery`] when the namespace cannot be looked at.
    pub(super) fn new(
        shared: &Arc<PoolShared>,
        own: &LocalDiscovery,
        discovery: Discovery,
    ) -> Result<Publisher> {
        let (told, events) = mpsc::unbounded_channel();
        let sink = move |event| {
            // The publisher may have ended.
            let _ = told.send(event);
        };
        let own = Discovery::Local(own.clone());
        Ok(Publisher {
            _subscription: own.subscribe(&shared.runtime, Arc::new(sink))?,
            shared: Arc::clone(shared),
            discovery,
            events,
            workers: BTreeMap::new(),
            publishing: JoinSet::new(),
        })
    }

    /// Until the pool closes and its workers are withdrawn.
    pub(super) async fn keep(mut self) {
        let mut closing = self.shared.closing.subscribe();
        loop {
            tokio::select! {
                () = until(&mut closing) => break,
                // The subscription holds the sender.
                Some(event) = self.events.recv() => self.hear(event),
                // What has been withdrawn is forgotten.
                Some(_) = self.publishing.join_next() => {}
            }
        }
        for worker in self.workers.values() {
            worker.send_replace(None);
        }
        let withdrawn = async { while self.publishing.join_next().await.is_some() {} };
        if tokio::time::timeout(WITHDRAWN_WITHIN, withdrawn)
            .await
            .is_err()
        {
            self.shared.log(Level::Warn, || {
                "discovery has not confirmed that the pool's workers are withdrawn".to_owned()
            });
        }
    }

    fn hear(&mut self, event: DiscoveryEvent) {
        match event {
            DiscoveryEvent::Found(found) => {
                let uid = found.key().to_owned();
                if let Some(worker) = self.workers.get(&uid) {
                    worker.send_replace(Some(found.record));
                    return;
                }
                let (sender, newest) = watch::channel(Some(found.record));
                self.workers.insert(uid.clone(), sender);
                self.publishing.spawn(keep_published(
                    Arc::clone(&self.shared),
                    self.discovery.clone(),
                    uid,
                    newest,
                ));
            }
            DiscoveryEvent::Gone { key } => {
                if let Some(worker) = self.workers.remove(&key) {
                    worker.send_replace(None);
                }
            }
            // The pool hears the same.
            DiscoveryEvent::TurnedAway(_) | DiscoveryEvent::Scanned | DiscoveryEvent::Failed(_) => {
            }
        }
    }
}

/// Publishes one worker until it has gone, and tells the pool's problems how that goes.
async fn keep_published(
    shared: Arc<PoolShared>,
    discovery: Discovery,
    uid: String,
    mut newest: watch::Receiver<Option<WorkerRecord>>,
) {
    let mut pause = FIRST_PAUSE;
    loop {
        let Some(record) = newest.borrow_and_update().clone() else {
            break;
        };
        match publish(&shared, &discovery, uid.clone(), record).await {
            Ok(announced) => {
                pause = FIRST_PAUSE;
                shared.problems().publish.remove(&uid);
                // The sender lives in the publisher, which waits for this.
                let _ = newest.changed().await;
                announced.withdraw().await;
            }
            Err(error) if error.kind() == ErrorKind::Unsupported => {
                shared.log(Level::Info, || {
                    format!("worker {uid} is not published: {}", error.message())
                });
                let _ = newest.wait_for(Option::is_none).await;
            }
            Err(error) => {
                let message = format!(
                    "worker {uid} is not published, and tried again: {}",
                    error.message()
                );
                shared.log(Level::Warn, || message.clone());
                let error = Error::new(error.kind(), message);
                shared.problems().publish.insert(uid.clone(), error);
                tokio::select! {
                    () = tokio::time::sleep(pause) => {}
                    _ = newest.changed() => {}
                }
                pause = (pause * 2).min(LAST_PAUSE);
            }
        }
    }
    shared.problems().publish.remove(&uid);
}

/// On a thread that may block: a discovery of the host's own takes its time.
async fn publish(
    shared: &Arc<PoolShared>,
    discovery: &Discovery,
    uid: String,
    record: WorkerRecord,
) -> Result<Box<dyn Announced>> {
    let runtime = shared.runtime.clone();
    let discovery = discovery.clone();
    let published = tokio::task::spawn_blocking(move || {
        let mut announced = discovery.announce(&runtime, &uid)?;
        announced.publish(&record)?;
        Ok(announced)
    });
    published.await.unwrap_or_else(|_| {
        Err(Error::new(
            ErrorKind::Panic,
            "the discovery panicked when it was to publish it",
        ))
    })
}
