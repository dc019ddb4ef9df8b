//! Calling from Rust: futures and streams over [`WorkerPool::submit`].

use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_core::Stream;
use wool_values::{Arguments, IntoValue, Value};

use crate::ambient;
use crate::call::{CallHandle, CallRequest, Outcome, items_to_ask};
use crate::error::{Error, ErrorKind, Fault, Result};
use crate::payload::Payload;
use crate::pool::WorkerPool;
use crate::session::Arrival;

impl WorkerPool {
    /// Calls a routine that answers once. Await what it returns; dropping the future cancels the task.
    ///
    /// ```no_run
    /// # async fn example(pool: wool::WorkerPool) -> wool::Result<()> {
    /// use std::time::Duration;
    /// let sum = pool.call("calc.add", (1, 2)).timeout(Duration::from_secs(5)).await?;
    /// assert_eq!(sum.as_i64(), Some(3));
    /// # Ok(()) }
    /// ```
    pub fn call(&self, routine: &str, arguments: impl Into<Arguments>) -> Call {
        Call {
            made: made(
                CallRequest::unary,
                Ok(self.clone()),
                routine,
                arguments.into(),
            ),
        }
    }

    /// Calls a routine that streams. Nothing runs before the first item is asked for.
    ///
    /// ```no_run
    /// # async fn example(pool: wool::WorkerPool) -> wool::Result<()> {
    /// let mut items = pool.stream("calc.count", (10,)).open()?;
    /// while let Some(item) = items.next().await {
    ///     println!("{:?}", item?);
    /// }
    /// # Ok(()) }
    /// ```
    pub fn stream(&self, routine: &str, arguments: impl Into<Arguments>) -> StreamCall {
        StreamCall {
            made: made(
                CallRequest::stream,
                Ok(self.clone()),
                routine,
                arguments.into(),
            ),
        }
    }
}

/// As [`WorkerPool::call`], by the pool around the running code: in a routine, that of its caller; else that of
/// [`WorkerPool::scope`]. Without one, awaiting fails as [`ErrorKind::InvalidArgument`].
///
/// ```
/// # use wool::{Routine, Runtime};
/// # fn main() -> wool::Result<()> {
/// # let runtime = Runtime::new(Default::default())?;
/// runtime.register(Routine::unary("calc.fib", |_task, arguments| async move {
///     let (n,): (i64,) = arguments.extract()?;
///     if n < 2 {
///         return Ok(n);
///     }
///     let a = wool::call("calc.fib", (n - 1,)).await?;
///     let b = wool::call("calc.fib", (n - 2,)).await?;
///     Ok(a.as_i64().unwrap_or(0) + b.as_i64().unwrap_or(0))
/// }))?;
/// # runtime.close_blocking(None) }
/// ```
pub fn call(routine: &str, arguments: impl Into<Arguments>) -> Call {
    Call {
        made: made(
            CallRequest::unary,
            ambient::current_pool(),
            routine,
            arguments.into(),
        ),
    }
}

/// As [`WorkerPool::stream`], by the pool around the running code: see [`call`].
pub fn stream(routine: &str, arguments: impl Into<Arguments>) -> StreamCall {
    StreamCall {
        made: made(
            CallRequest::stream,
            ambient::current_pool(),
            routine,
            arguments.into(),
        ),
    }
}

/// What is asked for, as a part of the task that the running code belongs to.
fn made(
    make: fn(Arc<str>, Payload) -> CallRequest,
    pool: Result<WorkerPool>,
    routine: &str,
    arguments: Arguments,
) -> Result<(WorkerPool, CallRequest)> {
    let request = make(routine.into(), Payload::arguments(&arguments)?);
    Ok((pool?, as_part_of_task(request)))
}

/// The request of a call that the running code makes.
pub(crate) fn as_part_of_task(request: CallRequest) -> CallRequest {
    let ambient::Ambient { task, context, .. } = ambient::current();
    CallRequest {
        parent: task,
        context,
        ..request
    }
}

/// A call to be awaited, with its options.
#[must_use = "a call does nothing until it is awaited"]
pub struct Call {
    made: Result<(WorkerPool, CallRequest)>,
}

/// A stream to be opened, with its options.
#[must_use = "a stream does nothing until it is opened"]
pub struct StreamCall {
    made: Result<(WorkerPool, CallRequest)>,
}

/// The options of all that makes calls. Its type has a `set` that changes the request.
macro_rules! call_options {
    ($type:ty $(, $generic:ident)?) => {
        impl$(<$generic>)? $type {
            /// The budget of time of the whole call; without it there is no deadline.
            pub fn timeout(self, timeout: std::time::Duration) -> Self {
                self.set(|request| request.timeout = Some(timeout))
            }

            /// How long to look for a worker, instead of the pool's own.
            pub fn dispatch_timeout(self, timeout: std::time::Duration) -> Self {
                self.set(|request| request.dispatch_timeout = Some(timeout))
            }

            /// What rides along, for the worker's admission hook and the routine, instead of what is around the
            /// running code. What the routine changes in it is there with the outcome, or item.
            pub fn context(self, context: &crate::Context) -> Self {
                self.set(|request| request.context = Some(context.clone()))
            }

            /// A label for logs and admission.
            pub fn tag(self, tag: impl Into<String>) -> Self {
                self.set(|request| request.tag = tag.into())
            }
        }
    };
}

macro_rules! call_on {
    ($type:ty $(, $generic:ident)?) => {
        impl$(<$generic>)? $type {
            /// Calls this worker only, by its uid as [`WorkerStatus`](crate::WorkerStatus) tells it. One that is not of
            /// the pool, or drains, is [`NoWorkersAvailable`](crate::ErrorKind::NoWorkersAvailable): at once, or when
            /// the dispatch timeout is up while it may still come. A busy one is waited for.
            pub fn worker(self, uid: impl Into<std::sync::Arc<str>>) -> Self {
                self.set(|request| request.worker = Some(uid.into()))
            }
        }
    };
}

pub(crate) use {call_on, call_options};

call_options!(Call);
call_options!(StreamCall);
call_on!(Call);
call_on!(StreamCall);

impl Call {
    fn set(mut self, set: impl FnOnce(&mut CallRequest)) -> Self {
        if let Ok((_, request)) = &mut self.made {
            set(request);
        }
        self
    }
}

impl StreamCall {
    fn set(mut self, set: impl FnOnce(&mut CallRequest)) -> Self {
        if let Ok((_, request)) = &mut self.made {
            set(request);
        }
        self
    }

    /// The budget of time of each step, from asking for an item until it comes. A step beyond it ends the stream as
    /// [`ErrorKind::DeadlineExceeded`], and stops the routine.
    pub fn step_timeout(mut self, timeout: Duration) -> Self {
        if let Ok((_, request)) = &mut self.made {
            request.step_timeout = Some(timeout);
        }
        self
    }

    /// Lets the routine run up to this many items ahead of what is taken, from the first [`ResultStream::next`] on.
    /// For pure iteration: [`ResultStream::send`] and [`ResultStream::throw`] are refused. 0 is strict pull.
    pub fn prefetch(mut self, items: u32) -> Self {
        if let Ok((_, request)) = &mut self.made {
            request.prefetch = items;
        }
        self
    }
}

impl IntoFuture for Call {
    type Output = Result<Value>;
    type IntoFuture = CallFuture;

    fn into_future(self) -> CallFuture {
        CallFuture {
            state: Progress::New(self),
        }
    }
}

/// A [`Call`] that is awaited: it is made at the first poll. Dropping this cancels the task.
#[must_use = "a call does nothing until it is awaited"]
pub struct CallFuture {
    state: Progress,
}

#[expect(
    clippy::large_enum_variant,
    reason = "a box would cost each call an allocation"
)]
enum Progress {
    New(Call),
    Made(CallHandle),
    Over,
}

impl CallFuture {
    /// Makes the call, unless it was made.
    fn made(&mut self) -> Result<&CallHandle> {
        if let Progress::New(_) = &self.state
            && let Progress::New(call) = std::mem::replace(&mut self.state, Progress::Over)
        {
            let (pool, request) = call.made?;
            let flight = pool.launch(request, None)?;
            self.state = Progress::Made(CallHandle::new(flight));
        }
        match &self.state {
            Progress::Made(handle) => Ok(handle),
            Progress::New(_) | Progress::Over => Err(Error::new(
                ErrorKind::InvalidArgument,
                "a call was polled after its outcome",
            )),
        }
    }
}

impl Future for CallFuture {
    type Output = Result<Value>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<Value>> {
        let outcome = match self.made()?.flight().poll(cx) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Arrival::Outcome(outcome)) => outcome,
            // A unary call has none: the session ends it before.
            Poll::Ready(Arrival::Item(_)) => Outcome::End,
        };
        self.state = Progress::Over;
        Poll::Ready(outcome.into_value())
    }
}

impl Drop for CallFuture {
    fn drop(&mut self) {
        if let Progress::Made(handle) = &self.state {
            handle.cancel();
        }
    }
}

impl StreamCall {
    /// Opens the stream.
    ///
    /// # Errors
    /// [`ErrorKind::Codec`] for arguments that cannot be encoded, and those of [`WorkerPool::submit`].
    pub fn open(self) -> Result<ResultStream> {
        let (pool, request) = self.made?;
        let prefetch = request.prefetch;
        let flight = pool.launch(request, None)?;
        Ok(ResultStream {
            handle: CallHandle::new(flight),
            prefetch,
            owed: 0,
            over: false,
        })
    }
}

/// The items of a stream. Dropping it closes the generator at its yield point; [`ResultStream::close`]
/// also waits for its clean-up.
pub struct ResultStream {
    handle: CallHandle,
    prefetch: u32,
    /// Items that were asked for and not taken.
    owed: u32,
    over: bool,
}

impl ResultStream {
    /// Controls the stream from elsewhere: [`CallHandle::cancel`] ends it at once. Items are asked for here only.
    pub fn handle(&self) -> CallHandle {
        self.handle.clone()
    }

    /// Asks for the next item; the routine runs to its next yield. `None` after the last one. After an
    /// error there are no more items.
    pub async fn next(&mut self) -> Option<Result<Value>> {
        std::future::poll_fn(|cx| self.poll(cx)).await
    }

    /// Resumes the generator's yield with a value, and gives the next item. `None` when the generator ends instead, and
    /// when it had ended.
    ///
    /// ```no_run
    /// # async fn example(pool: wool::WorkerPool) -> wool::Result<()> {
    /// let mut sums = pool.stream("calc.sum", ()).open()?;
    /// assert_eq!(sums.next().await.transpose()?, Some(0.into()));
    /// assert_eq!(sums.send(5).await.transpose()?, Some(5.into()));
    /// assert_eq!(sums.send(2).await.transpose()?, Some(7.into()));
    /// sums.close().await
    /// # }
    /// ```
    ///
    /// # Errors
    /// What the generator fails with. [`ErrorKind::InvalidArgument`] before the first [`ResultStream::next`], while an
    /// item is owed whose `next` was dropped, and on a stream with prefetch: then the stream goes on as if nothing had
    /// been sent.
    pub async fn send(&mut self, value: impl IntoValue) -> Option<Result<Value>> {
        let payload = match Payload::value(&value.into_value()) {
            Ok(payload) => payload,
            Err(error) => return Some(Err(error)),
        };
        self.resume(|handle| handle.send(payload)).await
    }

    /// Raises an error at the generator's yield, and gives the next item. The generator may catch it; else it ends with
    /// that error. One that has not begun never does, and ends with it, too.
    ///
    /// # Errors
    /// As [`ResultStream::send`].
    pub async fn throw(&mut self, fault: impl Into<Fault>) -> Option<Result<Value>> {
        let fault = fault.into();
        self.resume(|handle| handle.throw(fault)).await
    }

    async fn resume(
        &mut self,
        ask: impl FnOnce(&CallHandle) -> Result<()>,
    ) -> Option<Result<Value>> {
        if self.over {
            return None;
        }
        if self.owed > 0 && self.prefetch == 0 {
            let message = "an item was asked for and not taken: take it first, one step at a time";
            return Some(Err(Error::new(ErrorKind::InvalidArgument, message)));
        }
        if let Err(error) = ask(&self.handle) {
            return Some(Err(error));
        }
        self.owed += 1;
        self.next().await
    }

    /// Closes the generator and waits until its clean-up has run. Items that are under way are dropped.
    ///
    /// # Errors
    /// What the clean-up raised.
    pub async fn close(mut self) -> Result<()> {
        if self.over {
            return Ok(());
        }
        self.handle.close();
        std::future::poll_fn(|cx| {
            loop {
                match self.take(cx) {
                    Poll::Ready(Arrival::Item(_)) => {}
                    Poll::Ready(Arrival::Outcome(Outcome::Error(error))) => {
                        return Poll::Ready(Err(error));
                    }
                    Poll::Ready(Arrival::Outcome(_)) => return Poll::Ready(Ok(())),
                    Poll::Pending => return Poll::Pending,
                }
            }
        })
        .await
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Value>>> {
        if self.over {
            return Poll::Ready(None);
        }
        let more = items_to_ask(self.prefetch, self.owed, 1);
        if more > 0 {
            self.owed += more;
            self.handle.credit(more);
        }
        let answer = match self.take(cx) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Arrival::Item(payload)) => Some(payload.to_value()),
            Poll::Ready(Arrival::Outcome(Outcome::Error(error))) => Some(Err(error)),
            Poll::Ready(Arrival::Outcome(_)) => None,
        };
        self.owed = self.owed.saturating_sub(1);
        Poll::Ready(answer)
    }

    fn take(&mut self, cx: &mut Context<'_>) -> Poll<Arrival> {
        let arrival = self.handle.flight().poll(cx);
        self.over = matches!(arrival, Poll::Ready(Arrival::Outcome(_)));
        arrival
    }
}

impl Stream for ResultStream {
    type Item = Result<Value>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Value>>> {
        self.poll(cx)
    }
}

impl Drop for ResultStream {
    fn drop(&mut self) {
        if !self.over {
            self.handle.close();
        }
    }
}
