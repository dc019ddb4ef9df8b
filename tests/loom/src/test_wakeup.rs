//! The doorbell and the descriptor of a completion queue.

use loom::sync::Arc;
use loom::sync::Mutex;
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;

use crate::wakeup::{Descriptor, Wakeup};

/// An eventfd, of which only counts whether it is readable. System calls are ordered like locks.
struct Readable(Arc<Mutex<bool>>);

impl Descriptor for Readable {
    fn light(&self) {
        *self.0.lock().unwrap() = true;
    }

    fn clear(&self) {
        *self.0.lock().unwrap() = false;
    }
}

/// A queue of events of which only counts how many they are, with its signal and its doorbell.
struct Queue {
    events: Mutex<usize>,
    wakeup: Wakeup<Readable>,
    readable: Arc<Mutex<bool>>,
    rings: AtomicUsize,
    /// Drains that found nothing left.
    settled: AtomicUsize,
}

impl Queue {
    fn new() -> Arc<Queue> {
        Arc::new(Queue {
            events: Mutex::new(0),
            wakeup: Wakeup::new(),
            readable: Arc::new(Mutex::new(false)),
            rings: AtomicUsize::new(0),
            settled: AtomicUsize::new(0),
        })
    }

    fn push(&self) {
        *self.events.lock().unwrap() += 1;
        if self.wakeup.raise() {
            self.rings.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Takes all events, as a drainer does who has room for them; says how many they were.
    fn drain(&self) -> usize {
        let mut taken = 0;
        loop {
            taken += std::mem::take(&mut *self.events.lock().unwrap());
            if !self.wakeup.settle(|| *self.events.lock().unwrap() > 0) {
                self.settled.fetch_add(1, Ordering::Relaxed);
                return taken;
            }
        }
    }

    fn poll(&self) {
        let made: Result<_, ()> = self
            .wakeup
            .descriptor(|| Ok(Readable(Arc::clone(&self.readable))));
        assert!(made.is_ok());
    }

    fn is_readable(&self) -> bool {
        *self.readable.lock().unwrap()
    }

    fn left(&self) -> usize {
        *self.events.lock().unwrap()
    }
}

fn spawn(queue: &Arc<Queue>, run: impl FnOnce(&Queue) + 'static) -> thread::JoinHandle<()> {
    let queue = Arc::clone(queue);
    thread::spawn(move || run(&queue))
}

fn join<const N: usize>(threads: [thread::JoinHandle<()>; N]) {
    for thread in threads {
        thread.join().unwrap();
    }
}

/// Every ring that was heard has been followed by a drain in full; so what is left must have rung again.
#[test]
fn no_event_is_left_without_a_ring() {
    crate::model(|| {
        let queue = Queue::new();
        let heard = Arc::new(AtomicUsize::new(0));
        let pushing = [spawn(&queue, Queue::push), spawn(&queue, Queue::push)];
        let draining = spawn(&queue, {
            let heard = Arc::clone(&heard);
            move |queue| {
                heard.store(queue.rings.load(Ordering::Relaxed), Ordering::Relaxed);
                queue.drain();
            }
        });
        join(pushing);
        draining.join().unwrap();
        let rings = queue.rings.load(Ordering::Relaxed);
        assert!(queue.left() == 0 || rings > heard.load(Ordering::Relaxed));
        // Not again before a drain has found nothing.
        assert!(rings <= queue.settled.load(Ordering::Relaxed) + 1);
    });
}

/// Two drainers take each event once, and leave none that did not ring after they had looked.
#[test]
fn two_drainers_lose_nothing() {
    crate::model(|| {
        let queue = Queue::new();
        let taken = Arc::new(AtomicUsize::new(0));
        let drains = || {
            let taken = Arc::clone(&taken);
            move |queue: &Queue| {
                taken.fetch_add(queue.drain(), Ordering::Relaxed);
            }
        };
        queue.push();
        let threads = [spawn(&queue, drains()), spawn(&queue, drains())];
        queue.push();
        join(threads);
        let left = queue.left();
        assert_eq!(taken.load(Ordering::Relaxed) + left, 2);
        // The first push rang for certain: an event that is left rang a second time.
        assert!(left == 0 || queue.rings.load(Ordering::Relaxed) == 2);
    });
}

/// Whoever polls, from whatever moment on, finds the descriptor readable while there are events.
#[test]
fn the_descriptor_is_readable_while_events_are_left() {
    crate::model(|| {
        let queue = Queue::new();
        let polling = spawn(&queue, Queue::poll);
        let draining = spawn(&queue, |queue| {
            queue.drain();
        });
        queue.push();
        polling.join().unwrap();
        draining.join().unwrap();
        assert!(queue.left() == 0 || queue.is_readable());
    });
}

/// A closed queue stays readable, whoever drains or asks for the descriptor meanwhile.
#[test]
fn a_closed_queue_is_readable() {
    crate::model(|| {
        let queue = Queue::new();
        let polling = spawn(&queue, Queue::poll);
        let draining = spawn(&queue, |queue| {
            queue.drain();
        });
        queue.wakeup.stick();
        polling.join().unwrap();
        draining.join().unwrap();
        assert!(queue.is_readable());
    });
}
