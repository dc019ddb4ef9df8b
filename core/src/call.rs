//! The caller's side of a call: what is asked for, who is told, and the handle to change one's mind.

use std::sync::Arc;
use std::time::Duration;

use wool_values::Value;

use crate::context::{Context, ContextValue};
use crate::error::{Error, ErrorKind, Fault, Result};
use crate::payload::Payload;
use crate::routine::RoutineKind;
use crate::session::Flight;
use crate::task::TaskContext;

/// A call to make.
#[derive(Debug, Clone)]
pub struct CallRequest {
    /// Name of the routine, e.g. `"calc.add"`.
    pub routine: Arc<str>,
    /// Whether one result or a stream of items is expected. The worker refuses the wrong one.
    pub kind: RoutineKind,
    /// Encoded [`Arguments`](wool_values::Arguments), or raw bytes.
    pub arguments: Payload,
    /// The budget of time of the whole call or stream; `None` = no deadline.
    pub timeout: Option<Duration>,
    /// How long to look for a worker; `None` = the pool's.
    pub dispatch_timeout: Option<Duration>,
    /// A label for logs and admission.
    pub tag: String,
    /// The task that makes the call: it carries the task's id, has at most its time, and is cancelled with it.
    pub parent: Option<TaskContext>,
    /// What rides along, and takes up what the callee changes; `None` = the parent's.
    pub context: Option<Context>,
    /// What rides along with this call alone, on top of the context.
    pub values: Vec<ContextValue>,
    /// The budget of time of each step of a stream, from asking for an item to its coming; `None` = none.
    pub step_timeout: Option<Duration>,
    /// Of a stream, > 0: its items may be asked for ahead of their use, this many at a time, and so nothing can be
    /// sent or thrown to its yields.
    pub prefetch: u32,
    /// The uid of the only worker that may have the call, as [`WorkerStatus`](crate::WorkerStatus) tells it; `None` = the
    /// pool chooses.
    pub worker: Option<Arc<str>>,
}

impl CallRequest {
    /// A call of a routine that answers once.
    pub fn unary(routine: impl Into<Arc<str>>, arguments: Payload) -> CallRequest {
        CallRequest {
            routine: routine.into(),
            kind: RoutineKind::Unary,
            arguments,
            timeout: None,
            dispatch_timeout: None,
            tag: String::new(),
            parent: None,
            context: None,
            values: Vec::new(),
            step_timeout: None,
            prefetch: 0,
            worker: None,
        }
    }

    /// A call of a routine that streams. It runs only as far as items are asked for.
    pub fn stream(routine: impl Into<Arc<str>>, arguments: Payload) -> CallRequest {
        CallRequest {
            kind: RoutineKind::Stream,
            ..CallRequest::unary(routine, arguments)
        }
    }
}

/// How many items of a stream to ask for now, where `owed` were asked for and not taken, and `waiting` are waited for: as
/// many as are waited for, and with `prefetch`, once half of it is used up, all of it again.
pub fn items_to_ask(prefetch: u32, owed: u32, waiting: u32) -> u32 {
    let wanted = if owed <= prefetch / 2 {
        prefetch.max(waiting)
    } else {
        waiting
    };
    wanted.saturating_sub(owed)
}

/// How a call ended.
#[derive(Debug)]
pub enum Outcome {
    /// The result of a unary routine.
    Result(Payload),
    /// The stream is over.
    End,
    /// It failed, here or there.
    Error(Error),
}

impl Outcome {
    pub(crate) fn as_result(&self) -> Result<(), ErrorKind> {
        match self {
            Outcome::Result(_) | Outcome::End => Ok(()),
            Outcome::Error(error) => Err(error.kind()),
        }
    }

    /// Of a unary call.
    pub(crate) fn into_value(self) -> Result<Value> {
        match self {
            Outcome::Result(payload) => payload.to_value(),
            Outcome::Error(error) => Err(error),
            Outcome::End => Err(Error::new(
                ErrorKind::Internal,
                "the call ended without an outcome",
            )),
        }
    }
}

/// Is told what becomes of a call.
///
/// Methods are called on the I/O thread, or within the call that ended it ([`CallHandle::cancel`], a
/// pool's close). They must not block. `finish` is called exactly once, last.
pub trait CallObserver: Send + 'static {
    /// An item of a stream.
    fn item(&mut self, item: Payload);
    /// The outcome.
    fn finish(self: Box<Self>, outcome: Outcome);
}

/// Controls a call that was submitted. Everything is harmless once the call has ended. Dropping the
/// handle changes nothing.
#[derive(Clone)]
pub struct CallHandle {
    flight: Arc<Flight>,
}

impl CallHandle {
    pub(crate) fn new(flight: Arc<Flight>) -> CallHandle {
        CallHandle { flight }
    }

    pub(crate) fn flight(&self) -> &Flight {
        &self.flight
    }

    /// Ends the call as [`ErrorKind::Cancelled`]: the observer is told within this call, the routine is
    /// told to stop.
    pub fn cancel(&self) {
        // Most calls are over when their future is dropped: no error is made for them.
        if self.flight.is_over() {
            return;
        }
        let error = Error::new(ErrorKind::Cancelled, "the call was cancelled");
        self.flight.leave(error);
    }

    /// Asks for more items of a stream.
    pub fn credit(&self, items: u32) {
        self.flight.credit(items);
    }

    /// Resumes a stream's generator with a value; that asks for one item.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] when the generator is not at a yield: it has not begun, an item that was asked for
    /// has not come, the stream was closed, was opened with prefetch, or is unary. [`ErrorKind::PayloadTooLarge`] for
    /// what the worker does not accept. The call goes on in both cases.
    pub fn send(&self, value: Payload) -> Result<()> {
        self.flight.send(value)
    }

    /// Raises an error at the yield of a stream's generator; that asks for one item. What the generator does not catch
    /// is the outcome. So it is, at once, for one that has not begun, and then never does.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] as [`CallHandle::send`].
    pub fn throw(&self, fault: Fault) -> Result<()> {
        self.flight.throw(fault)
    }

    /// Closes a stream's generator at its yield point; the outcome comes after its clean-up.
    pub fn close(&self) {
        self.flight.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_ahead_is_filled_up_in_halves() {
        // Strict pull: one at a time, or one for each who waits.
        assert_eq!(items_to_ask(0, 0, 1), 1);
        assert_eq!(items_to_ask(0, 1, 1), 0);
        assert_eq!(items_to_ask(0, 1, 3), 2);
        assert_eq!(items_to_ask(8, 0, 1), 8);
        assert_eq!(items_to_ask(8, 5, 1), 0);
        assert_eq!(items_to_ask(8, 4, 1), 4);
        assert_eq!(items_to_ask(8, 5, 9), 4);
        assert_eq!(items_to_ask(u32::MAX, 0, 1), u32::MAX);
    }
}
