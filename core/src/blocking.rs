//! Routines that are plain functions: they may block, and compute.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use wool_values::{Arguments, IntoValue};

use crate::ambient::Ambient;
use crate::error::{Error, Fault};
use crate::payload::Payload;
use crate::routine::{
    Routine, RoutineKind, Service, Step, TaskControl, fail, fail_with, panic_fault, unencodable,
};
use crate::runtime::Runtime;
use crate::task::{Task, TaskContext};

impl Routine {
    /// A plain function, which may block its thread or compute for long. It runs on threads that are there for such
    /// routines alone, as many as [`RuntimeOptions::routine_threads`](crate::RuntimeOptions::routine_threads)
    /// says; further tasks wait for one. A cancelled task that has not begun never does; one that runs should
    /// look at [`TaskContext::is_cancelled`] from time to time. A panic fails the task, nothing else.
    ///
    /// ```
    /// # use wool::{Routine, Runtime};
    /// # fn main() -> wool::Result<()> {
    /// # let runtime = Runtime::new(Default::default())?;
    /// runtime.register(Routine::blocking("text.lines", |_task, arguments| {
    ///     let (path,): (String,) = arguments.extract()?;
    ///     let text = std::fs::read_to_string(path)?;
    ///     Ok(text.lines().count() as u64)
    /// }))?;
    /// # runtime.close_blocking(None) }
    /// ```
    pub fn blocking<F, V>(name: impl Into<Arc<str>>, function: F) -> Routine
    where
        F: Fn(TaskContext, Arguments) -> Result<V, Fault> + Send + Sync + 'static,
        V: IntoValue,
    {
        Routine::with_service(
            name,
            RoutineKind::Unary,
            Blocking {
                function: Arc::new(function),
            },
        )
    }
}

struct Blocking<F> {
    function: Arc<F>,
}

impl<F, V> Service for Blocking<F>
where
    F: Fn(TaskContext, Arguments) -> Result<V, Fault> + Send + Sync + 'static,
    V: IntoValue,
{
    fn prepare(&self, runtime: &Runtime) -> Result<(), Error> {
        runtime.start_task_threads()
    }

    fn start(&self, task: Task) -> Box<dyn TaskControl> {
        let function = Arc::clone(&self.function);
        let runtime = task.runtime().clone();
        let waiting = Arc::new(Waiting {
            task: Mutex::new(Some(task)),
        });
        let control = Control {
            waiting: Arc::clone(&waiting),
        };
        runtime.run_blocking(move || {
            if let Some(task) = waiting.take() {
                run(&*function, &task);
            }
        });
        Box::new(control)
    }
}

fn run<V: IntoValue>(
    function: &(dyn Fn(TaskContext, Arguments) -> Result<V, Fault> + Send + Sync),
    task: &Task,
) {
    task.begin();
    let arguments = match task.decode_arguments() {
        Ok(arguments) => arguments,
        Err(error) => return fail_with(task, &error),
    };
    let context = task.context();
    // Unwind safe: what the function shares between its tasks is its own affair, as in any thread.
    let answered = AssertUnwindSafe(|| {
        let ambient = Ambient::of_task(&context);
        let answer = ambient.enter(|| function(context, arguments));
        answer.map(IntoValue::into_value).map_err(Box::new)
    });
    match std::panic::catch_unwind(answered) {
        Ok(Ok(value)) => match Payload::value(&value) {
            Ok(payload) => {
                if let Err(error) = task.result(payload) {
                    fail_with(task, &error);
                }
            }
            Err(error) => fail(task, unencodable(task, error)),
        },
        Ok(Err(fault)) => fail(task, *fault),
        Err(panic) => fail(task, panic_fault(&*panic)),
    }
}

/// A task until a thread takes it.
struct Waiting {
    task: Mutex<Option<Task>>,
}

impl Waiting {
    fn take(&self) -> Option<Task> {
        self.lock().take()
    }

    fn lock(&self) -> MutexGuard<'_, Option<Task>> {
        self.task.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Control {
    waiting: Arc<Waiting>,
}

impl TaskControl for Control {
    fn step(&mut self, _step: Step) {}

    fn cancel(&mut self) {
        // Dropping the task answers it.
        drop(self.waiting.take());
    }
}
