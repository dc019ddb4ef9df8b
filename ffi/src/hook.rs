//! What the library asks its host: by a callback, or through a queue.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use wool_core::{Error, ErrorKind};

use crate::callback::{Gate, UserData};
use crate::guard::Result;
use crate::handles;
use crate::queue::{Body, Event, Queue};
use crate::types::wool_event_kind_t;

/// How the host is asked. `C` is what it gave to be called, with its user data.
pub(crate) enum Hook<C> {
    Callback(Arc<Gate<C>>),
    Queue(ByQueue),
}

impl<C> Hook<C> {
    pub(crate) fn by_callback(callback: C) -> Hook<C> {
        Hook::Callback(Arc::new(Gate::new(Some(callback))))
    }

    pub(crate) fn by_queue(queue: &Arc<Queue>, tag: u64, user_data: UserData) -> Hook<C> {
        Hook::Queue(ByQueue {
            queue: Arc::clone(queue),
            tag,
            user_data: Mutex::new(Some(user_data)),
        })
    }
}

/// The end of a hook, whatever it asks.
pub(crate) trait Shut: Send + Sync {
    /// No callback starts after this, though one may be under way.
    fn shut(&self);

    /// As [`Shut::shut`], and none is under way. Not for callbacks.
    fn shut_and_wait(&self);
}

impl<C: Send + Sync> Shut for Hook<C> {
    fn shut(&self) {
        match self {
            Hook::Callback(gate) => gate.shut(),
            Hook::Queue(by_queue) => by_queue.let_go(),
        }
    }

    fn shut_and_wait(&self) {
        match self {
            Hook::Callback(gate) => gate.shut_and_wait(),
            Hook::Queue(by_queue) => by_queue.let_go(),
        }
    }
}

pub(crate) struct ByQueue {
    queue: Arc<Queue>,
    tag: u64,
    /// Only kept, until nobody is asked any more.
    user_data: Mutex<Option<UserData>>,
}

/// Why a question was not put.
pub(crate) enum Unasked {
    QueueClosed,
    /// The queue has no room; its words.
    QueueFull(String),
}

impl ByQueue {
    fn let_go(&self) {
        let user_data = self
            .user_data
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        drop(user_data);
    }

    /// Puts a question. `insert` gives it its handle, by which the queue's close finds it; `None`: there is none left, and
    /// the question is gone.
    ///
    /// # Errors
    /// The question, and why it was not put.
    pub(crate) fn ask<T>(
        &self,
        kind: wool_event_kind_t,
        question: T,
        insert: impl FnOnce(T, Arc<Queue>) -> Option<u64>,
    ) -> Result<(), (T, Unasked)> {
        // Until the question is there, so that a close of the queue sees it, or this sees the close.
        let Ok(_opened) = self.queue.opened() else {
            return Err((question, Unasked::QueueClosed));
        };
        if let Err(full) = self.queue.reserve(1) {
            let why = full.message().to_owned();
            return Err((question, Unasked::QueueFull(why)));
        }
        match insert(question, Arc::clone(&self.queue)) {
            Some(handle) => self.queue.push(
                Event {
                    kind,
                    tag: self.tag,
                    handle,
                    body: Body::Nothing,
                },
                1,
            ),
            None => self.queue.release(1),
        }
        Ok(())
    }
}

/// A question that waits for its answer, beside what its handle tells of it. It is there until it is answered, also when nobody
/// waits for that any more.
pub(crate) struct Pending<T> {
    /// Gone with the answer.
    question: Mutex<Option<T>>,
    /// Where it was asked, if through a queue.
    queue: Option<Arc<Queue>>,
    handle: u64,
}

impl<T> Pending<T> {
    pub(crate) fn new(question: T, queue: Option<Arc<Queue>>, handle: u64) -> Pending<T> {
        Pending {
            question: Mutex::new(Some(question)),
            queue,
            handle,
        }
    }

    pub(crate) fn queue(&self) -> Option<&Arc<Queue>> {
        self.queue.as_ref()
    }

    pub(crate) fn handle(&self) -> u64 {
        self.handle
    }

    /// The question, which as of now is answered: its handle is stale. `None`: somebody else has answered.
    pub(crate) fn settle(&self) -> Option<T> {
        if handles::remove(self.handle) {
            self.lock().take()
        } else {
            None
        }
    }

    /// As [`Pending::settle`], for the host's answer.
    ///
    /// # Errors
    /// Of two answers at once, for the second.
    pub(crate) fn answer(&self) -> Result<T> {
        self.settle().ok_or_else(|| {
            let message = "the question was answered this moment";
            Error::new(ErrorKind::InvalidArgument, message).into()
        })
    }

    /// Looks at the question, if it has no answer yet.
    pub(crate) fn look<R>(&self, look: impl FnOnce(&mut T) -> R) -> Option<R> {
        self.lock().as_mut().map(look)
    }

    fn lock(&self) -> MutexGuard<'_, Option<T>> {
        self.question.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
