//! The inside of a completion queue.
//!
//! A slot is reserved for every event before it can happen, and given back when it is drained: so
//! completions never fail for want of room, and what does not fit is refused where the host can act on it.

use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, TryRecvError, bounded, select_biased, unbounded};
use wool_core::{Error, ErrorKind};

use crate::handles::{self, Entry};
use crate::queue::event::Event;
use crate::queue::signal::{Doorbell, Signal};
use crate::stream::Face;

pub(crate) struct Queue {
    sender: Sender<Queued>,
    receiver: Receiver<Queued>,
    capacity: usize,
    /// Slots of events that are queued or promised.
    used: AtomicUsize,
    pub(crate) signal: Signal,
    /// Read while something is begun on the queue, written to close it: what was begun before is seen by
    /// the close, what comes after is refused.
    closing: RwLock<bool>,
    /// Promises not yet kept, and one for the queue's being open. Whoever takes the last one away closes
    /// it for good.
    promises: AtomicUsize,
    /// Dropped when no event can come any more.
    open: Mutex<Option<Sender<Infallible>>>,
    closed: Receiver<Infallible>,
    /// Whether the queue's own thread drains it.
    pub(crate) handled: bool,
}

struct Queued {
    event: Event,
    slots: usize,
}

/// What a drainer finds.
pub(crate) enum Next {
    Event(Event),
    /// None in the time given.
    Nothing,
    /// None, and none will come.
    Closed,
}

/// Keeps a queue from closing while something is begun on it.
pub(crate) struct Opened<'a> {
    queue: &'a Arc<Queue>,
    _closing: RwLockReadGuard<'a, bool>,
}

impl Queue {
    pub(crate) fn new(capacity: usize, doorbell: Option<Doorbell>, handled: bool) -> Arc<Queue> {
        let (sender, receiver) = unbounded();
        let (open, closed) = bounded(0);
        Arc::new(Queue {
            sender,
            receiver,
            capacity,
            used: AtomicUsize::new(0),
            signal: Signal::new(doorbell),
            closing: RwLock::new(false),
            promises: AtomicUsize::new(1),
            open: Mutex::new(Some(open)),
            closed,
            handled,
        })
    }

    /// # Errors
    /// [`ErrorKind::Closed`]
    pub(crate) fn opened(self: &Arc<Self>) -> Result<Opened<'_>, Error> {
        let closing = self.closing.read().unwrap_or_else(PoisonError::into_inner);
        if *closing {
            return Err(Error::new(ErrorKind::Closed, "the queue is closed"));
        }
        Ok(Opened {
            queue: self,
            _closing: closing,
        })
    }

    pub(crate) fn is_closing(&self) -> bool {
        *self.closing.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// # Errors
    /// [`ErrorKind::Busy`]
    pub(crate) fn reserve(&self, slots: usize) -> Result<(), Error> {
        let before = self.used.fetch_add(slots, Ordering::AcqRel);
        if before + slots <= self.capacity {
            return Ok(());
        }
        self.release(slots);
        Err(Error::new(
            ErrorKind::Busy,
            format!(
                "the queue has {} slots, of which {before} are taken: drain it, or give it more capacity",
                self.capacity
            ),
        ))
    }

    pub(crate) fn release(&self, slots: usize) {
        self.used.fetch_sub(slots, Ordering::AcqRel);
    }

    /// Adds an event, in slots that were reserved. Dropped once the queue is closed: nobody drains it then.
    pub(crate) fn push(&self, event: Event, slots: usize) {
        match self.sender.send(Queued { event, slots }) {
            Ok(()) => self.signal.raise(),
            // The queue holds the receiver itself.
            Err(_) => self.release(slots),
        }
    }

    /// The next event; waits for it, for ever without a timeout.
    pub(crate) fn next(&self, timeout: Option<Duration>) -> Next {
        loop {
            match self.receiver.try_recv() {
                Ok(queued) => return Next::Event(self.taken(queued)),
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => {}
            }
            if !self.signal.settle(|| !self.receiver.is_empty()) {
                break;
            }
        }
        let timeout = timeout.unwrap_or(Duration::MAX);
        // Biased: what was queued before the close comes before it.
        select_biased! {
            recv(self.receiver) -> queued => match queued {
                Ok(queued) => Next::Event(self.taken(queued)),
                Err(_) => Next::Closed,
            },
            recv(self.closed) -> _ => match self.receiver.try_recv() {
                Ok(queued) => Next::Event(self.taken(queued)),
                Err(_) => Next::Closed,
            },
            default(timeout) => Next::Nothing,
        }
    }

    fn taken(&self, queued: Queued) -> Event {
        self.release(queued.slots);
        queued.event
    }

    /// Refuses what is new, ends what was begun, and lets the drainers go when that has come to an end, which
    /// it does at once but for calls that end on another thread at this moment. True the first time.
    pub(crate) fn close(self: &Arc<Self>) -> bool {
        {
            let mut closing = self.closing.write().unwrap_or_else(PoisonError::into_inner);
            if std::mem::replace(&mut *closing, true) {
                return false;
            }
        }
        let begun = handles::collect(|entry| {
            let queue = match entry {
                Entry::Call(call) => Some(&call.queue),
                Entry::Stream(stream) => match &stream.face {
                    Face::Queue(queue) => Some(queue),
                    Face::Mailbox(_) => None,
                },
                Entry::Task(task) => task.queue(),
                Entry::Admission(question) => question.queue(),
                Entry::Subscription(subscription) => subscription.queue(),
                Entry::Publication(publication) => publication.queue(),
                Entry::Choice(choice) => choice.queue(),
                Entry::PeerCheck(claim) => claim.queue(),
            };
            queue.is_some_and(|queue| Arc::ptr_eq(queue, self))
        });
        for entry in begun {
            match entry {
                Entry::Call(call) => call.cancel(),
                Entry::Stream(stream) => stream.cancel(),
                Entry::Task(task) => task.abandon(),
                Entry::Admission(question) => question.abandon(),
                Entry::Subscription(subscription) => subscription.abandon(),
                Entry::Publication(publication) => publication.abandon(),
                Entry::Choice(choice) => choice.abandon(),
                Entry::PeerCheck(claim) => claim.abandon(),
            }
        }
        self.promise_kept();
        true
    }

    fn promise_kept(&self) {
        if self.promises.fetch_sub(1, Ordering::AcqRel) == 1 {
            // First: who was told that the queue is closed finds its descriptor readable.
            self.signal.stick();
            drop(
                self.open
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .take(),
            );
        }
    }
}

impl Opened<'_> {
    /// Reserves the place of an event that is certain to come.
    ///
    /// # Errors
    /// [`ErrorKind::Busy`]
    pub(crate) fn promise(&self) -> Result<Promise, Error> {
        self.queue.reserve(1)?;
        self.queue.promises.fetch_add(1, Ordering::AcqRel);
        Ok(Promise {
            queue: Some(Arc::clone(self.queue)),
        })
    }
}

/// The place of an event that is certain to come: a call's outcome. The queue does not end before it.
pub(crate) struct Promise {
    queue: Option<Arc<Queue>>,
}

impl Promise {
    pub(crate) fn keep(mut self, event: Event) {
        if let Some(queue) = self.queue.take() {
            queue.push(event, 1);
            queue.promise_kept();
        }
    }

    /// Whether the queue is being closed, so that what ends now ends as closed.
    pub(crate) fn is_closing(&self) -> bool {
        self.queue.as_ref().is_some_and(|queue| queue.is_closing())
    }
}

/// Slots that are held for what may come.
pub(crate) struct Slots {
    queue: Arc<Queue>,
    count: usize,
}

impl Slots {
    /// # Errors
    /// [`ErrorKind::Busy`]
    pub(crate) fn hold(queue: &Arc<Queue>, count: usize) -> Result<Slots, Error> {
        queue.reserve(count)?;
        Ok(Slots {
            queue: Arc::clone(queue),
            count,
        })
    }

    pub(crate) fn queue(&self) -> &Arc<Queue> {
        &self.queue
    }

    /// Gives them all to one event.
    pub(crate) fn fill(mut self, event: Event) {
        let count = std::mem::take(&mut self.count);
        self.queue.push(event, count);
    }
}

impl Drop for Slots {
    fn drop(&mut self) {
        self.queue.release(self.count);
    }
}

impl Drop for Promise {
    fn drop(&mut self) {
        if let Some(queue) = self.queue.take() {
            queue.release(1);
            queue.promise_kept();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::event::Body;
    use crate::types::wool_event_kind_t::WOOL_EVENT_END;

    fn event(tag: u64) -> Event {
        Event {
            kind: WOOL_EVENT_END,
            tag,
            handle: 0,
            body: Body::Nothing,
        }
    }

    fn promise(queue: &Arc<Queue>) -> Result<Promise, Error> {
        queue.opened()?.promise()
    }

    #[test]
    fn a_slot_is_taken_from_the_promise_to_the_drain() {
        let queue = Queue::new(2, None, false);
        let first = promise(&queue).unwrap();
        let second = promise(&queue).unwrap();
        assert_eq!(promise(&queue).err().unwrap().kind(), ErrorKind::Busy);
        first.keep(event(1));
        assert_eq!(promise(&queue).err().unwrap().kind(), ErrorKind::Busy);
        assert!(matches!(
            queue.next(None),
            Next::Event(Event { tag: 1, .. })
        ));
        drop(second);
        let _both = (promise(&queue).unwrap(), promise(&queue).unwrap());
    }

    #[test]
    fn a_closed_queue_ends_after_what_was_promised() {
        let queue = Queue::new(8, None, false);
        let promised = promise(&queue).unwrap();
        queue.push(event(1), 0);
        assert!(queue.close());
        assert!(!queue.close());
        assert_eq!(promise(&queue).err().unwrap().kind(), ErrorKind::Closed);
        assert!(matches!(
            queue.next(None),
            Next::Event(Event { tag: 1, .. })
        ));
        assert!(matches!(queue.next(Some(Duration::ZERO)), Next::Nothing));
        assert!(promised.is_closing());
        promised.keep(event(2));
        assert!(matches!(
            queue.next(None),
            Next::Event(Event { tag: 2, .. })
        ));
        assert!(matches!(queue.next(None), Next::Closed));
    }

    #[test]
    fn closing_wakes_whoever_waits() {
        let queue = Queue::new(8, None, false);
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| matches!(queue.next(None), Next::Closed));
            queue.close();
            assert!(waiting.join().unwrap());
        });
    }

    #[test]
    fn every_event_reaches_one_of_several_drainers() {
        const EACH: u64 = 2_000;
        let queue = Queue::new(usize::MAX >> 1, None, false);
        let sum: u64 = std::thread::scope(|scope| {
            let drainers: Vec<_> = (0..2)
                .map(|_| {
                    scope.spawn(|| {
                        let mut sum = 0;
                        while let Next::Event(event) = queue.next(None) {
                            sum += event.tag;
                        }
                        sum
                    })
                })
                .collect();
            let pushers: Vec<_> = (0..2)
                .map(|_| scope.spawn(|| (1..=EACH).for_each(|tag| queue.push(event(tag), 0))))
                .collect();
            for pusher in pushers {
                pusher.join().unwrap();
            }
            queue.close();
            drainers
                .into_iter()
                .map(|drainer| drainer.join().unwrap())
                .sum()
        });
        assert_eq!(sum, EACH * (EACH + 1));
    }
}
