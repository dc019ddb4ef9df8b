//! What the running code belongs to, without being told of it: a task, a pool to call by, a context. It is set around
//! each poll of a future and around each routine that is a plain function, and so is one thread's affair.

use std::cell::RefCell;
use std::future::Future;

use crate::context::Context;
use crate::error::{Error, ErrorKind, Result};
use crate::pool::WorkerPool;
use crate::task::TaskContext;

/// What is around the running code.
#[derive(Clone, Default)]
pub(crate) struct Ambient {
    pub(crate) task: Option<TaskContext>,
    /// Of a scope of its own; else it is the task's.
    pub(crate) pool: Option<WorkerPool>,
    /// Likewise.
    pub(crate) context: Option<Context>,
}

thread_local! {
    static AMBIENT: RefCell<Ambient> = const { RefCell::new(Ambient { task: None, pool: None, context: None }) };
}

/// The task that the running code belongs to: inside a routine, and inside of [`TaskContext::scope`].
///
/// ```
/// # use wool::{Routine, Runtime};
/// # fn main() -> wool::Result<()> {
/// # let runtime = Runtime::new(Default::default())?;
/// async fn who() -> Option<String> {
///     wool::current_task().map(|task| task.info().routine.to_string())
/// }
/// runtime.register(Routine::unary("app.who", |_task, _arguments| async { Ok(who().await) }))?;
/// # runtime.close_blocking(None) }
/// ```
pub fn current_task() -> Option<TaskContext> {
    AMBIENT.with_borrow(|ambient| ambient.task.clone())
}

/// The context of the running code: that of [`Context::scope`], or the task's.
pub fn current_context() -> Option<Context> {
    AMBIENT.with_borrow(|ambient| {
        let of_task = || Some(ambient.task.as_ref()?.info().context.clone());
        ambient.context.clone().or_else(of_task)
    })
}

/// The pool by which the running code calls.
///
/// # Errors
/// [`ErrorKind::InvalidArgument`] where there is none; those of [`TaskContext::pool`].
pub(crate) fn current_pool() -> Result<WorkerPool> {
    let ambient = current();
    match (ambient.pool, ambient.task) {
        (Some(pool), _) => Ok(pool),
        (None, Some(task)) => task.pool(),
        (None, None) => Err(Error::new(
            ErrorKind::InvalidArgument,
            "there is no pool around this code: call inside of a routine or of WorkerPool::scope, or use a \
             pool's own call",
        )),
    }
}

pub(crate) fn current() -> Ambient {
    AMBIENT.with_borrow(Ambient::clone)
}

impl Ambient {
    pub(crate) fn of_task(task: &TaskContext) -> Ambient {
        Ambient {
            task: Some(task.clone()),
            ..Ambient::default()
        }
    }

    /// Runs code inside of this.
    pub(crate) fn enter<T>(self, code: impl FnOnce() -> T) -> T {
        let mut ambient = self;
        let _inside = Inside::new(&mut ambient);
        code()
    }

    /// Polls a future inside of this.
    pub(crate) async fn around<F: Future>(mut self, future: F) -> F::Output {
        let mut future = std::pin::pin!(future);
        std::future::poll_fn(|cx| {
            let _inside = Inside::new(&mut self);
            future.as_mut().poll(cx)
        })
        .await
    }
}

/// Exchanges the thread's ambient for another until it is dropped, in a panic, too.
struct Inside<'a> {
    other: &'a mut Ambient,
}

impl<'a> Inside<'a> {
    fn new(other: &'a mut Ambient) -> Inside<'a> {
        exchange(other);
        Inside { other }
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        exchange(self.other);
    }
}

fn exchange(other: &mut Ambient) {
    AMBIENT.with_borrow_mut(|ambient| std::mem::swap(ambient, other));
}

impl TaskContext {
    /// Makes a future a part of this task: what it calls is called by the task. For futures that the routine has
    /// spawned; its own is a part of it.
    pub fn scope<F: Future>(&self, future: F) -> impl Future<Output = F::Output> + use<F> {
        Ambient::of_task(self).around(future)
    }
}

impl WorkerPool {
    /// Makes this the pool by which [`crate::call`] and [`crate::stream`] call inside of a future.
    ///
    /// ```no_run
    /// # async fn example(pool: wool::WorkerPool) -> wool::Result<()> {
    /// let sum = pool.scope(async { wool::call("calc.add", (1, 2)).await }).await?;
    /// # Ok(()) }
    /// ```
    pub fn scope<F: Future>(&self, future: F) -> impl Future<Output = F::Output> + use<F> {
        let ambient = Ambient {
            pool: Some(self.clone()),
            ..current()
        };
        ambient.around(future)
    }
}

impl Context {
    /// Makes this the context of the calls inside of a future.
    pub fn scope<F: Future>(&self, future: F) -> impl Future<Output = F::Output> + use<F> {
        let ambient = Ambient {
            context: Some(self.clone()),
            ..current()
        };
        ambient.around(future)
    }
}
