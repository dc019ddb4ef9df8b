//! The race for a call's outcome: result, cancel, deadline, close, lost link, and what the session writes meanwhile.

use std::task::{Context, Poll, Waker};

use loom::sync::atomic::{AtomicBool, Ordering};
use loom::sync::{Arc, Mutex};
use loom::thread;

use crate::due::{Arrival, Due, Listener};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    Item(u8),
    Outcome(&'static str),
}

/// A host's observer, which writes down what it is told.
struct Observer(Arc<Mutex<Vec<Told>>>);

impl Listener for Observer {
    type Item = u8;
    type Outcome = &'static str;

    fn item(&mut self, item: u8) {
        self.0.lock().unwrap().push(Told::Item(item));
    }

    fn finish(self, outcome: &'static str) {
        self.0.lock().unwrap().push(Told::Outcome(outcome));
    }
}

/// Whether the call was written to a session, which then has to hear that the host has left.
#[derive(Default)]
struct Session {
    written: bool,
    closing: bool,
}

type Call = Due<Observer, Session>;

fn spawn<T: 'static>(
    call: &Arc<Call>,
    run: impl FnOnce(&Call) -> T + 'static,
) -> thread::JoinHandle<T> {
    let call = Arc::clone(call);
    thread::spawn(move || run(&call))
}

fn asleep(_waker: Waker) {}

/// Of several outcomes one is told, once, after the items; all others learn that they came too late.
#[test]
fn one_outcome_is_told_after_the_items() {
    crate::model(|| {
        let told = Arc::new(Mutex::new(Vec::new()));
        let call = Arc::new(Due::listened(
            Observer(Arc::clone(&told)),
            Session::default(),
        ));
        let session = spawn(&call, |call| {
            call.item(1, asleep);
            call.finish("result", asleep)
        });
        let deadline = spawn(&call, |call| call.finish("deadline", asleep));
        let cancelled = call.finish("cancel", asleep);
        let outcomes = [session.join().unwrap(), deadline.join().unwrap(), cancelled];
        assert_eq!(outcomes.iter().filter(|told| **told).count(), 1);
        assert!(call.is_over());
        let told = told.lock().unwrap();
        let (last, items) = told.split_last().unwrap();
        let winner =
            ["result", "deadline", "cancel"][outcomes.iter().position(|told| *told).unwrap()];
        assert_eq!(*last, Told::Outcome(winner));
        assert!(items.is_empty() || items == [Told::Item(1)]);
    });
}

/// A host that leaves while its call is being written: either it is not written, or the session is told.
#[test]
fn a_call_that_is_left_is_not_written_or_the_session_hears_of_it() {
    crate::model(|| {
        let told = Arc::new(Mutex::new(Vec::new()));
        let call = Arc::new(Due::listened(Observer(told), Session::default()));
        let writing = spawn(&call, |call| {
            call.extra_unless_over(|session| session.written = true)
                .is_some()
        });
        let left = call.finish("cancel", asleep);
        let heard = call.extra(|session| session.written);
        assert!(left);
        assert!(!writing.join().unwrap() || heard);
    });
}

/// As the library closes a stream: one that is written ends with its worker's word, else there is nothing to end.
fn close(call: &Call) -> bool {
    let written = call.extra(|session| {
        session.closing = true;
        session.written
    });
    !written && call.finish("closed", asleep)
}

/// As the library takes a call back from a link that has died before it began: it is offered again, unless its host
/// wants no more of it.
fn take_back(call: &Call) -> bool {
    let closing = call.extra(|session| {
        session.written = false;
        session.closing
    });
    closing && call.finish("closed", asleep)
}

fn written() -> (Arc<Mutex<Vec<Told>>>, Arc<Call>) {
    let told = Arc::new(Mutex::new(Vec::new()));
    let session = Session {
        written: true,
        closing: false,
    };
    let call = Due::listened(Observer(Arc::clone(&told)), session);
    (told, Arc::new(call))
}

/// A stream that is closed while its link dies is not forgotten between the two.
#[test]
fn a_close_is_not_lost_with_the_link() {
    crate::model(|| {
        let (told, call) = written();
        let link = spawn(&call, take_back);
        let closed = close(&call);
        assert!(link.join().unwrap() != closed);
        assert_eq!(*told.lock().unwrap(), [Told::Outcome("closed")]);
    });
}

/// Cancel, completion, close and a link that dies, all at once: one of them is the outcome.
#[test]
fn whatever_ends_a_call_ends_it_once() {
    crate::model(|| {
        let (told, call) = written();
        let result = spawn(&call, |call| call.finish("result", asleep));
        let link = spawn(&call, take_back);
        let close = spawn(&call, close);
        let cancelled = call.finish("cancel", asleep);
        let others = [result, link, close].map(|ending| ending.join().unwrap());
        let ended = others.iter().filter(|ended| **ended).count() + usize::from(cancelled);
        assert_eq!(ended, 1);
        assert_eq!(told.lock().unwrap().len(), 1);
    });
}

/// A host that polls has everything or is woken: it never sleeps beside an outcome.
#[test]
fn a_host_that_polls_is_woken() {
    struct Wakes(AtomicBool);
    impl std::task::Wake for Wakes {
        fn wake(self: std::sync::Arc<Self>) {
            self.0.store(true, Ordering::SeqCst);
        }
    }
    crate::model(|| {
        let call: Arc<Call> = Arc::new(Due::polled(Session::default()));
        let wakes = std::sync::Arc::new(Wakes(AtomicBool::new(false)));
        let session = spawn(&call, |call| {
            call.item(1, Waker::wake);
            call.finish("result", Waker::wake);
        });
        let deadline = spawn(&call, |call| call.finish("deadline", Waker::wake));
        let waker = Waker::from(std::sync::Arc::clone(&wakes));
        let mut cx = Context::from_waker(&waker);
        let mut found = Vec::new();
        let mut look = || loop {
            match call.poll(&mut cx) {
                Poll::Ready(Arrival::Item(item)) => found.push(Told::Item(item)),
                Poll::Ready(Arrival::Outcome(outcome)) => {
                    found.push(Told::Outcome(outcome));
                    return true;
                }
                Poll::Pending => return false,
            }
        };
        let over = look();
        session.join().unwrap();
        deadline.join().unwrap();
        if !over {
            assert!(wakes.0.load(Ordering::SeqCst), "asleep beside an outcome");
            assert!(look());
        }
        assert!(matches!(found.last(), Some(Told::Outcome(_))));
        assert!(found.len() == 1 || found.starts_with(&[Told::Item(1)]) && found.len() == 2);
    });
}
