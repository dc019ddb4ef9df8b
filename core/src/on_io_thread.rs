//! Code of the host's on the I/O thread itself: no hand-over to another thread and back, for those who keep it short.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::task::JoinHandle;

use crate::error::{Error, ErrorKind, Result};
use crate::routine::Routine;
use crate::runtime::Runtime;

impl Routine {
    /// Runs the routine's tasks on the runtime's I/O thread, from their arguments to their answer. Two changes of threads
    /// fall away, which is most of what a small call costs. For routines that compute for microseconds and else
    /// `.await`: while one computes, all sessions of the runtime wait, and one that blocks makes callers take this worker for
    /// lost.
    ///
    /// ```
    /// # use wool::{Routine, Runtime};
    /// # fn main() -> wool::Result<()> {
    /// # let runtime = Runtime::new(Default::default())?;
    /// let add = Routine::unary("calc.add", |_task, arguments| async move {
    ///     let (a, b): (i64, i64) = arguments.extract()?;
    ///     Ok(a + b)
    /// });
    /// runtime.register(add.on_io_thread()?)?;
    /// # runtime.close_blocking(None) }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] for a routine that is no async function or generator.
    pub fn on_io_thread(mut self) -> Result<Routine> {
        let Some(service) = self.service.on_io_thread() else {
            let message = format!(
                "{} cannot run on the I/O thread: only async functions and generators can",
                self.name
            );
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        };
        self.service = service;
        Ok(self)
    }
}

impl Runtime {
    /// Runs a future on the runtime's I/O thread: calls that it awaits are written and answered without a change of threads.
    /// For futures that compute for microseconds between their `.await`s: while one computes, all sessions of the runtime
    /// wait. On the I/O thread, `tokio::spawn`, tokio's timers and its sockets work, too.
    ///
    /// ```
    /// # async fn example(runtime: wool::Runtime, pool: wool::WorkerPool) -> wool::Result<()> {
    /// let sum = runtime.spawn_on_io_thread(async move {
    ///     let mut sum = 0;
    ///     for i in 0..1000 {
    ///         sum += pool.call("calc.add", (i, i)).await?.as_i64().unwrap_or(0);
    ///     }
    ///     Ok::<_, wool::Error>(sum)
    /// });
    /// assert_eq!(sum.await??, 999_000);
    /// # Ok(()) }
    /// ```
    ///
    /// The runtime's close drops futures that are not over. What is returned gives what the future gives; dropping it changes
    /// nothing.
    pub fn spawn_on_io_thread<T: Send + 'static>(
        &self,
        future: impl Future<Output = T> + Send + 'static,
    ) -> OnIoThread<T> {
        OnIoThread {
            running: self.io().spawn(future),
        }
    }
}

/// A future that runs on the I/O thread: gives what that gives, on any executor.
///
/// # Errors
/// [`ErrorKind::Closed`] when it was aborted, or the runtime closed, before the future was over,
/// [`ErrorKind::TaskFailed`] when it panicked.
#[derive(Debug)]
pub struct OnIoThread<T> {
    running: JoinHandle<T>,
}

impl<T> OnIoThread<T> {
    /// Drops the future, where it runs. Harmless when it is over.
    pub fn abort(&self) {
        self.running.abort();
    }
}

impl<T> Future for OnIoThread<T> {
    type Output = Result<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<T>> {
        Pin::new(&mut self.running).poll(cx).map_err(|failed| {
            if failed.is_panic() {
                let message = "the future on the I/O thread panicked";
                Error::new(ErrorKind::TaskFailed, message)
            } else {
                let message =
                    "the future on the I/O thread was dropped, by abort or by the runtime's close";
                Error::new(ErrorKind::Closed, message)
            }
        })
    }
}
