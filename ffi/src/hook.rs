//! What the library asks its host: by a callback, or through a queue.

use std::sync::{Arc, Mutex, PoisonError};

use crate::callback::{Gate, UserData};
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
