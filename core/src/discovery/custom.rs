//! Discoveries of the host's own.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

use super::advertised::refuse_wildcard;
use super::{
    Announced, DiscoveryEvent, DiscoverySink, Found, Subscribed, TurnedAway, TurnedAwayReason,
    Withdrawn, WorkerRecord,
};
use crate::error::{Error, ErrorKind, Result};
use crate::wire;

/// How long a worker waits for its record to be published.
const PUBLISHED_WITHIN: Duration = Duration::from_secs(30);

/// A way of the host's own to announce workers and to find them. Nothing that it is asked may block: it is asked on the
/// threads of whoever makes a pool or starts a worker, and on wool's.
pub trait CustomDiscovery: Send + Sync {
    /// A pool wants to be told of workers from now on, through `subscriber`, from any thread. What is returned is dropped when
    /// it does not any more; what is told afterwards does no harm.
    ///
    /// # Errors
    /// What makes it impossible here; the pool is not made.
    fn subscribe(&self, subscriber: Subscriber) -> Result<Box<dyn Send>>;

    /// A worker serves and wants to be found, or has a newer record. It waits for the answer.
    ///
    /// The one that is not overridden answers that workers cannot be published here.
    fn publish(&self, record: WorkerRecord, publication: Publication) {
        let _ = record;
        publication.answer(Err(Error::new(
            ErrorKind::Unsupported,
            "this discovery only finds workers: it has no way to publish them",
        )));
    }

    /// A worker that was published, under its uid, takes no more calls.
    fn withdraw(&self, uid: &str, publication: Publication) {
        let _ = uid;
        publication.answer(Ok(()));
    }
}

/// A pool that wants to be told of workers.
#[derive(Clone)]
pub struct Subscriber {
    listener: Arc<Listener>,
}

struct Listener {
    /// Gone when the pool does not listen any more.
    sink: Mutex<Option<DiscoverySink>>,
}

/// What was asked for a worker waits for this to be answered. Dropped, it answers with an error.
pub struct Publication {
    answer: Option<Answer>,
}

type Answer = Box<dyn FnOnce(Result<()>) + Send>;

impl Subscriber {
    /// There is a worker, or a newer record of it.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] for a record without an address, or with a uid that is none.
    pub fn found(&self, record: WorkerRecord) -> Result<()> {
        let record = WorkerRecord::from_bytes(&record.to_bytes())?.to_wire();
        self.tell(DiscoveryEvent::Found(Box::new(Found {
            record,
            trusted: true,
        })));
        Ok(())
    }

    /// There is a worker of which nothing can be made, and why: pools tell of it where they say whom they turned away.
    pub fn unreadable(&self, key: impl Into<String>, why: impl Into<String>) {
        self.tell(DiscoveryEvent::TurnedAway(TurnedAway {
            key: key.into(),
            reason: TurnedAwayReason::Unreadable,
            message: why.into(),
        }));
    }

    /// A worker has gone: `key` is its uid, or, where its record has none, its first address.
    pub fn gone(&self, key: impl Into<String>) {
        self.tell(DiscoveryEvent::Gone { key: key.into() });
    }

    /// All that was there at the beginning has been told, or, after [`Subscriber::failed`], it works again. Until then calls
    /// wait for workers that may still come, up to their dispatch timeout.
    pub fn scanned(&self) {
        self.tell(DiscoveryEvent::Scanned);
    }

    /// It does not work at present; the workers that are known stay.
    pub fn failed(&self, error: Error) {
        self.tell(DiscoveryEvent::Failed(error));
    }

    fn tell(&self, event: DiscoveryEvent) {
        // Held while it is told: after the end of the subscription no event begins.
        if let Some(sink) = &*self.listener.lock() {
            sink(event);
        }
    }
}

impl Listener {
    fn lock(&self) -> MutexGuard<'_, Option<DiscoverySink>> {
        self.sink.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Publication {
    fn new(answer: impl FnOnce(Result<()>) + Send + 'static) -> Publication {
        Publication {
            answer: Some(Box::new(answer)),
        }
    }

    /// Says how it went. From any thread.
    pub fn answer(mut self, answered: Result<()>) {
        if let Some(answer) = self.answer.take() {
            answer(answered);
        }
    }
}

impl Drop for Publication {
    fn drop(&mut self) {
        if let Some(answer) = self.answer.take() {
            answer(Err(Error::new(
                ErrorKind::Discovery,
                "the discovery has dropped the question without an answer",
            )));
        }
    }
}

/// A pool's, dropped in this order: nothing is told any more when the host hears of the end.
pub(super) struct Subscription {
    _listener: Silenced,
    _held: Box<dyn Send>,
}

struct Silenced(Arc<Listener>);

impl Drop for Silenced {
    fn drop(&mut self) {
        drop(self.0.lock().take());
    }
}

impl Subscribed for Subscription {}

pub(super) fn subscribe(
    discovery: &Arc<dyn CustomDiscovery>,
    sink: DiscoverySink,
) -> Result<Subscription> {
    let listener = Arc::new(Listener {
        sink: Mutex::new(Some(sink)),
    });
    let subscriber = Subscriber {
        listener: Arc::clone(&listener),
    };
    Ok(Subscription {
        _listener: Silenced(listener),
        _held: discovery.subscribe(subscriber)?,
    })
}

/// A worker's record with the host.
pub(super) struct Announcement {
    discovery: Arc<dyn CustomDiscovery>,
    uid: String,
    published: bool,
    /// How long it waits for the host's answer.
    within: Duration,
}

pub(super) fn announce(discovery: &Arc<dyn CustomDiscovery>, uid: &str) -> Announcement {
    Announcement {
        discovery: Arc::clone(discovery),
        uid: uid.to_owned(),
        published: false,
        within: PUBLISHED_WITHIN,
    }
}

impl Announced for Announcement {
    fn publish(&mut self, record: &wire::WorkerRecord) -> Result<()> {
        refuse_wildcard(&record.addresses)?;
        let (answered, answer) = mpsc::sync_channel(1);
        let publication = Publication::new(move |result| {
            // Nobody may wait any more.
            let _ = answered.send(result);
        });
        // Also a host that is late, or fails half-way, may have shown it.
        self.published = true;
        let record = WorkerRecord::from_wire(record.clone());
        self.discovery.publish(record, publication);
        match answer.recv_timeout(self.within) {
            Ok(result) => result,
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => Err(Error::new(
                ErrorKind::Discovery,
                format!(
                    "the discovery has not published the worker within {:?}",
                    self.within
                ),
            )),
        }
    }

    fn withdraw(mut self: Box<Self>) -> Withdrawn {
        if !std::mem::take(&mut self.published) {
            return Box::pin(std::future::ready(()));
        }
        let (answered, answer) = oneshot::channel();
        let publication = Publication::new(move |result| {
            // As above.
            let _ = answered.send(result);
        });
        self.discovery.withdraw(&self.uid, publication);
        Box::pin(async move {
            // However it went, there is no more to do.
            let _ = answer.await;
        })
    }
}

impl Drop for Announcement {
    fn drop(&mut self) {
        if self.published {
            self.discovery.withdraw(&self.uid, Publication::new(|_| {}));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Keeps what it is asked, and answers nothing.
    #[derive(Default)]
    struct Silent {
        publications: Mutex<Vec<Publication>>,
        withdrawn: Mutex<Vec<String>>,
    }

    impl CustomDiscovery for Silent {
        fn subscribe(&self, _subscriber: Subscriber) -> Result<Box<dyn Send>> {
            Ok(Box::new(()))
        }

        fn publish(&self, _record: WorkerRecord, publication: Publication) {
            self.publications.lock().unwrap().push(publication);
        }

        fn withdraw(&self, uid: &str, _publication: Publication) {
            self.withdrawn.lock().unwrap().push(uid.to_owned());
        }
    }

    #[test]
    fn a_host_that_never_answers_has_not_published_and_is_told_so() {
        let silent = Arc::new(Silent::default());
        let discovery: Arc<dyn CustomDiscovery> = silent.clone();
        let mut announcement = announce(&discovery, "uid");
        announcement.within = Duration::from_millis(1);
        let error = announcement
            .publish(&wire::WorkerRecord::default())
            .expect_err("nobody has answered");
        assert_eq!(error.kind(), ErrorKind::Discovery);
        assert!(error.message().contains("within 1ms"), "{error}");
        // The answer comes too late.
        for publication in silent.publications.lock().unwrap().drain(..) {
            publication.answer(Ok(()));
        }
        // It may have been shown all the same.
        drop(announcement);
        assert_eq!(*silent.withdrawn.lock().unwrap(), ["uid"]);
    }

    #[test]
    fn an_address_that_nobody_can_dial_is_not_published() {
        let silent = Arc::new(Silent::default());
        let discovery: Arc<dyn CustomDiscovery> = silent.clone();
        let bound = wire::WorkerRecord {
            addresses: vec!["0.0.0.0:7000".to_owned()],
            ..wire::WorkerRecord::default()
        };
        let error = announce(&discovery, "uid").publish(&bound);
        let error = error.expect_err("it is bound to all addresses");
        assert_eq!(error.kind(), ErrorKind::Discovery);
        assert!(error.message().contains("advertise"), "{error}");
        assert!(silent.publications.lock().unwrap().is_empty());
    }
}
