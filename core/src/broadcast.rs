//! One call on every worker.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::Stream;
use wool_values::{Arguments, Value};

use crate::call::CallRequest;
use crate::client::{as_part_of_task, call_options};
use crate::error::Result;
use crate::fan_out::FanOut;
use crate::payload::Payload;
use crate::pool::WorkerPool;

impl WorkerPool {
    /// Calls a routine once on every worker that, at that moment, is connected, not draining and serves it. Nothing
    /// happens before [`BroadcastCall::open`].
    ///
    /// ```no_run
    /// # async fn example(pool: wool::WorkerPool) -> wool::Result<()> {
    /// let mut told = pool.broadcast("cache.clear", ()).open()?;
    /// while let Some((worker, result)) = told.next().await {
    ///     println!("{worker}: {result:?}");
    /// }
    /// # Ok(()) }
    /// ```
    pub fn broadcast(&self, routine: &str, arguments: impl Into<Arguments>) -> BroadcastCall {
        let request = Payload::arguments(&arguments.into())
            .map(|arguments| as_part_of_task(CallRequest::unary(routine, arguments)));
        BroadcastCall {
            pool: self.clone(),
            request,
        }
    }
}

/// A broadcast to be opened, with its options, which are those of each of its calls.
#[must_use = "a broadcast does nothing until it is opened"]
pub struct BroadcastCall {
    pool: WorkerPool,
    request: Result<CallRequest>,
}

call_options!(BroadcastCall);

impl BroadcastCall {
    fn set(mut self, set: impl FnOnce(&mut CallRequest)) -> Self {
        if let Ok(request) = &mut self.request {
            set(request);
        }
        self
    }

    /// Calls the workers.
    ///
    /// # Errors
    /// [`ErrorKind::NoWorkersAvailable`](crate::ErrorKind::NoWorkersAvailable) when no worker takes calls,
    /// [`ErrorKind::RoutineNotFound`](crate::ErrorKind::RoutineNotFound) when none of those that do serves it,
    /// [`ErrorKind::Codec`](crate::ErrorKind::Codec) for arguments that cannot be encoded,
    /// [`ErrorKind::InvalidArgument`](crate::ErrorKind::InvalidArgument) for a name that is none,
    /// [`ErrorKind::Closed`](crate::ErrorKind::Closed).
    pub fn open(self) -> Result<Broadcast> {
        let (calls, uids) = FanOut::broadcast(&self.pool, self.request?)?;
        Ok(Broadcast { calls, uids })
    }
}

/// The calls of a [`WorkerPool::broadcast`], as a stream of the workers' uids and what they answer, as they do. Each
/// worker comes once; one that is lost meanwhile comes with its error. Dropping it cancels what is under way.
pub struct Broadcast {
    calls: FanOut,
    /// By the index of their calls.
    uids: Vec<Arc<str>>,
}

impl Broadcast {
    /// How many workers were called.
    pub fn workers(&self) -> usize {
        self.uids.len()
    }

    /// The uid of the next worker whose call has ended, and its result. `None` after the last one.
    pub async fn next(&mut self) -> Option<(Arc<str>, Result<Value>)> {
        std::future::poll_fn(|cx| self.poll(cx)).await
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<(Arc<str>, Result<Value>)>> {
        let next = std::task::ready!(self.calls.poll(cx));
        Poll::Ready(next.and_then(|(index, outcome)| {
            let uid = self.uids.get(index as usize)?;
            Some((Arc::clone(uid), outcome.into_value()))
        }))
    }
}

impl Stream for Broadcast {
    type Item = (Arc<str>, Result<Value>);

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll(cx)
    }
}
