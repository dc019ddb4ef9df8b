//! Calling from Rust: futures and streams over [`WorkerPool::submit`].

use std::collections::VecDeque;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures_core::Stream;
use tokio::sync::oneshot;
use wool_values::{Arguments, Value};

use crate::call::{CallHandle, CallObserver, CallRequest, Outcome};
use crate::error::{Error, ErrorKind, Result};
use crate::payload::Payload;
use crate::pool::WorkerPool;

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
        let request = Payload::arguments(&arguments.into())
            .map(|arguments| CallRequest::unary(routine, arguments));
        Call {
            pool: self.clone(),
            request,
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
        let request = Payload::arguments(&arguments.into())
            .map(|arguments| CallRequest::stream(routine, arguments));
        StreamCall {
            pool: self.clone(),
            request,
        }
    }
}

/// A call to be awaited, with its options.
#[must_use = "a call does nothing until it is awaited"]
pub struct Call {
    pool: WorkerPool,
    request: Result<CallRequest>,
}

/// A stream to be opened, with its options.
#[must_use = "a stream does nothing until it is opened"]
pub struct StreamCall {
    pool: WorkerPool,
    request: Result<CallRequest>,
}

macro_rules! call_options {
    ($type:ty) => {
        impl $type {
            /// The budget of time of the whole call; without it there is no deadline.
            pub fn timeout(mut self, timeout: Duration) -> Self {
                if let Ok(request) = &mut self.request {
                    request.timeout = Some(timeout);
                }
                self
            }

            /// How long to look for a worker, instead of the pool's own.
            pub fn dispatch_timeout(mut self, timeout: Duration) -> Self {
                if let Ok(request) = &mut self.request {
                    request.dispatch_timeout = Some(timeout);
                }
                self
            }

            /// A label for logs and admission.
            pub fn tag(mut self, tag: impl Into<String>) -> Self {
                if let Ok(request) = &mut self.request {
                    request.tag = tag.into();
                }
                self
            }
        }
    };
}

call_options!(Call);
call_options!(StreamCall);

impl IntoFuture for Call {
    type Output = Result<Value>;
    type IntoFuture = Pin<Box<dyn Future<Output = Result<Value>> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let (sender, receiver) = oneshot::channel();
            let observer = Box::new(Once {
                sender: Some(sender),
            });
            let handle = self.pool.submit(self.request?, observer)?;
            let _cancel = CancelOnDrop(handle);
            match receiver.await {
                Ok(Outcome::Result(payload)) => payload.to_value(),
                Ok(Outcome::Error(error)) => Err(error),
                Ok(Outcome::End) | Err(_) => Err(Error::new(
                    ErrorKind::Internal,
                    "the call ended without an outcome",
                )),
            }
        })
    }
}

struct CancelOnDrop(CallHandle);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

struct Once {
    sender: Option<oneshot::Sender<Outcome>>,
}

impl CallObserver for Once {
    fn item(&mut self, _item: Payload) {}

    fn finish(mut self: Box<Self>, outcome: Outcome) {
        if let Some(sender) = self.sender.take() {
            // The future may have been dropped.
            let _ = sender.send(outcome);
        }
    }
}

impl StreamCall {
    /// Opens the stream.
    ///
    /// # Errors
    /// [`ErrorKind::Codec`] for arguments that cannot be encoded, and those of [`WorkerPool::submit`].
    pub fn open(self) -> Result<ResultStream> {
        let inbox = Arc::new(Mutex::new(Inbox::default()));
        let observer = Box::new(Many {
            inbox: Arc::clone(&inbox),
        });
        let handle = self.pool.submit(self.request?, observer)?;
        Ok(ResultStream {
            handle,
            inbox,
            asked: false,
            over: false,
        })
    }
}

/// The items of a stream. Dropping it closes the generator at its yield point; [`ResultStream::close`]
/// also waits for its clean-up.
pub struct ResultStream {
    handle: CallHandle,
    inbox: Arc<Mutex<Inbox>>,
    /// An item was asked for and has not come.
    asked: bool,
    over: bool,
}

#[derive(Default)]
struct Inbox {
    items: VecDeque<Payload>,
    outcome: Option<Outcome>,
    waker: Option<Waker>,
}

struct Many {
    inbox: Arc<Mutex<Inbox>>,
}

impl CallObserver for Many {
    fn item(&mut self, item: Payload) {
        let waker = {
            let mut inbox = lock(&self.inbox);
            inbox.items.push_back(item);
            inbox.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn finish(self: Box<Self>, outcome: Outcome) {
        let waker = {
            let mut inbox = lock(&self.inbox);
            inbox.outcome = Some(outcome);
            inbox.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl ResultStream {
    /// Asks for the next item; the routine runs to its next yield. `None` after the last one. After an
    /// error there are no more items.
    pub async fn next(&mut self) -> Option<Result<Value>> {
        std::future::poll_fn(|cx| self.poll(cx)).await
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
                    Poll::Ready(Taken::Item(_)) => {}
                    Poll::Ready(Taken::Outcome(Outcome::Error(error))) => {
                        return Poll::Ready(Err(error));
                    }
                    Poll::Ready(Taken::Outcome(_)) => return Poll::Ready(Ok(())),
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
        if !self.asked {
            self.asked = true;
            self.handle.credit(1);
        }
        let answer = match self.take(cx) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Taken::Item(payload)) => Some(payload.to_value()),
            Poll::Ready(Taken::Outcome(Outcome::Error(error))) => Some(Err(error)),
            Poll::Ready(Taken::Outcome(_)) => None,
        };
        self.asked = false;
        Poll::Ready(answer)
    }

    fn take(&mut self, cx: &mut Context<'_>) -> Poll<Taken> {
        let mut inbox = lock(&self.inbox);
        if let Some(item) = inbox.items.pop_front() {
            return Poll::Ready(Taken::Item(item));
        }
        if let Some(outcome) = inbox.outcome.take() {
            drop(inbox);
            self.over = true;
            return Poll::Ready(Taken::Outcome(outcome));
        }
        inbox.waker = Some(cx.waker().clone());
        Poll::Pending
    }
}

enum Taken {
    Item(Payload),
    Outcome(Outcome),
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

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
