//! The one place where a call ends. `tests/loom` compiles this file, too, and tries its races.

use std::collections::VecDeque;
use std::task::{Context, Poll, Waker};

use crate::sync::{Mutex, MutexGuard, PoisonError};

/// What a host has given to be told. Called outside the lock: it may do what it likes with its call.
pub(crate) trait Listener {
    type Item;
    type Outcome;

    fn item(&mut self, item: Self::Item);
    /// Once, last.
    fn finish(self, outcome: Self::Outcome);
}

/// An outcome that is due, once: whoever comes first with one (result, cancel, deadline, close, lost link) has told
/// it; all others find that it is over. `E` is what else belongs to the call and is guarded by the same lock.
pub(crate) struct Due<L: Listener, E> {
    state: Mutex<State<L, E>>,
}

struct State<L: Listener, E> {
    host: Host<L>,
    extra: E,
}

/// How the host learns.
enum Host<L: Listener> {
    Listens(L),
    /// The listener is being handed an item, outside the lock; an outcome that comes meanwhile is kept here.
    Busy(Option<L::Outcome>),
    /// It looks here for itself.
    Polls {
        items: VecDeque<L::Item>,
        outcome: Option<L::Outcome>,
        waker: Option<Waker>,
    },
    /// It knows.
    Told,
}

/// What a host that looks for itself finds.
pub(crate) enum Arrival<L: Listener> {
    Item(L::Item),
    Outcome(L::Outcome),
}

impl<L: Listener, E> Due<L, E> {
    pub(crate) fn listened(listener: L, extra: E) -> Due<L, E> {
        Due::new(Host::Listens(listener), extra)
    }

    pub(crate) fn polled(extra: E) -> Due<L, E> {
        let host = Host::Polls {
            items: VecDeque::new(),
            outcome: None,
            waker: None,
        };
        Due::new(host, extra)
    }

    fn new(host: Host<L>, extra: E) -> Due<L, E> {
        Due {
            state: Mutex::new(State { host, extra }),
        }
    }

    pub(crate) fn is_over(&self) -> bool {
        self.lock().host.is_over()
    }

    pub(crate) fn extra<T>(&self, look: impl FnOnce(&mut E) -> T) -> T {
        look(&mut self.lock().extra)
    }

    /// As [`Due::extra`], unless the call is over.
    pub(crate) fn extra_unless_over<T>(&self, look: impl FnOnce(&mut E) -> T) -> Option<T> {
        let mut state = self.lock();
        if state.host.is_over() {
            return None;
        }
        Some(look(&mut state.extra))
    }

    /// Hands an item over; not for two threads at once. `wake` is given whom to wake. False: the call is over.
    pub(crate) fn item(&self, item: L::Item, wake: impl FnOnce(Waker)) -> bool {
        let mut state = self.lock();
        match &mut state.host {
            Host::Listens(_) => self.hand_over(state, item),
            Host::Polls {
                items,
                outcome: None,
                waker,
            } => {
                items.push_back(item);
                let waker = waker.take();
                drop(state);
                waker.map(wake);
                true
            }
            Host::Busy(_) | Host::Polls { .. } | Host::Told => false,
        }
    }

    fn hand_over(&self, mut state: MutexGuard<'_, State<L, E>>, item: L::Item) -> bool {
        let Host::Listens(mut listener) = std::mem::replace(&mut state.host, Host::Busy(None))
        else {
            return false;
        };
        drop(state);
        listener.item(item);
        let mut state = self.lock();
        match std::mem::replace(&mut state.host, Host::Told) {
            Host::Busy(Some(outcome)) => {
                drop(state);
                listener.finish(outcome);
                false
            }
            _ => {
                state.host = Host::Listens(listener);
                true
            }
        }
    }

    /// Ends the call, if nobody has. `wake` is given whom to wake. True: this was the outcome.
    pub(crate) fn finish(&self, outcome: L::Outcome, wake: impl FnOnce(Waker)) -> bool {
        let mut state = self.lock();
        if state.host.is_over() {
            return false;
        }
        match &mut state.host {
            Host::Listens(_) => {
                let host = std::mem::replace(&mut state.host, Host::Told);
                drop(state);
                if let Host::Listens(listener) = host {
                    listener.finish(outcome);
                }
            }
            Host::Busy(kept) => *kept = Some(outcome),
            Host::Polls {
                outcome: kept,
                waker,
                ..
            } => {
                *kept = Some(outcome);
                let waker = waker.take();
                drop(state);
                waker.map(wake);
            }
            Host::Told => {}
        }
        true
    }

    /// For a host that looks for itself: what has come, in order, the outcome last.
    pub(crate) fn poll(&self, cx: &mut Context<'_>) -> Poll<Arrival<L>> {
        let mut state = self.lock();
        let Host::Polls {
            items,
            outcome,
            waker,
        } = &mut state.host
        else {
            return Poll::Pending;
        };
        if let Some(item) = items.pop_front() {
            return Poll::Ready(Arrival::Item(item));
        }
        if let Some(outcome) = outcome.take() {
            state.host = Host::Told;
            return Poll::Ready(Arrival::Outcome(outcome));
        }
        let before = match waker {
            Some(waker) if waker.will_wake(cx.waker()) => None,
            waker => waker.replace(cx.waker().clone()),
        };
        drop(state);
        // Outside the lock: with the last waker of a task goes whatever that task held.
        drop(before);
        Poll::Pending
    }

    fn lock(&self) -> MutexGuard<'_, State<L, E>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<L: Listener> Host<L> {
    fn is_over(&self) -> bool {
        match self {
            Host::Listens(_) => false,
            Host::Busy(outcome) | Host::Polls { outcome, .. } => outcome.is_some(),
            Host::Told => true,
        }
    }
}
