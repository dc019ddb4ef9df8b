//! The standard routines, and the counters they keep.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use wool::value::Value;
use wool::{Fault, Result, Routine, Runtime};

use crate::blocking::{self, Barrier};
use crate::credentials;
use crate::failures;
use crate::generators;
use crate::nested;
use crate::process_routines;
use crate::protocol::fill;

/// What ran and how it went, over the life of the process, what holds some of it, and in whose name it calls.
#[derive(Default)]
pub(crate) struct Counters {
    started: AtomicU64,
    finished: AtomicU64,
    cancelled: AtomicU64,
    cleaned: AtomicU64,
    yielded: AtomicU64,
    held: AtomicU64,
    pub(crate) barrier: Barrier,
    pub(crate) credentials: credentials::Kept,
}

impl Counters {
    /// The answer to `count`.
    pub(crate) fn report(&self) -> String {
        let counters = self.list();
        let parts = counters.map(|(name, count)| format!(" {name}={count}"));
        format!("count{}", parts.concat())
    }

    pub(crate) fn list(&self) -> [(&'static str, u64); 6] {
        // Finished before started, so that the difference is never negative.
        let finished = self.finished.load(Ordering::SeqCst);
        let started = self.started.load(Ordering::SeqCst);
        [
            ("running", started - finished),
            ("started", started),
            ("finished", finished),
            ("cancelled", self.cancelled.load(Ordering::SeqCst)),
            ("cleaned", self.cleaned.load(Ordering::SeqCst)),
            ("yielded", self.yielded.load(Ordering::SeqCst)),
        ]
    }

    /// An item is about to be yielded.
    fn count_yield(&self) {
        self.yielded.fetch_add(1, Ordering::SeqCst);
    }

    /// How many tasks of `conf.hold` are held.
    pub(crate) fn held(&self) -> u64 {
        self.held.load(Ordering::SeqCst)
    }

    pub(crate) fn hold(self: &Arc<Self>) -> Holding {
        self.held.fetch_add(1, Ordering::SeqCst);
        Holding(Arc::clone(self))
    }

    /// A body begins; it has ended when the guard is dropped, in whatever way.
    pub(crate) fn begin(self: &Arc<Self>) -> Running {
        self.started.fetch_add(1, Ordering::SeqCst);
        Running(Arc::clone(self))
    }
}

pub(crate) struct Running(Arc<Counters>);

/// A task of `conf.hold` that has not been let go.
pub(crate) struct Holding(Arc<Counters>);

impl Drop for Holding {
    fn drop(&mut self) {
        self.0.held.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.finished.fetch_add(1, Ordering::SeqCst);
    }
}

/// A stream's clean-up.
pub(crate) struct Cleaning(pub(crate) Arc<Counters>);

impl Drop for Cleaning {
    fn drop(&mut self) {
        self.0.cleaned.fetch_add(1, Ordering::SeqCst);
    }
}

/// A wait that only a cancel ends: in Rust, by dropping the future.
pub(crate) struct Waiting(pub(crate) Arc<Counters>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.cancelled.fetch_add(1, Ordering::SeqCst);
    }
}

/// `conf.echo`, by itself because one scenario registers it twice.
pub(crate) fn register_echo(runtime: &Runtime, counters: &Arc<Counters>) -> Result<()> {
    runtime.register(echo("conf.echo", counters))
}

fn echo(name: &str, counters: &Arc<Counters>) -> Routine {
    let counters = Arc::clone(counters);
    Routine::unary(name, move |_task, arguments| {
        let running = counters.begin();
        async move {
            let _running = running;
            let (value,): (Value,) = arguments.extract()?;
            Ok(value)
        }
    })
}

fn count(name: &str, counters: &Arc<Counters>) -> Routine {
    let counters = Arc::clone(counters);
    Routine::stream(name, move |_task, arguments, mut out| {
        let running = counters.begin();
        let cleaning = Cleaning(Arc::clone(&counters));
        let counters = Arc::clone(&counters);
        async move {
            let (_running, _cleaning) = (running, cleaning);
            let (n,): (i64,) = arguments.extract()?;
            for i in 0..n {
                counters.count_yield();
                out.yield_(i).await?;
            }
            Ok(())
        }
    })
}

/// Every standard routine.
pub(crate) fn register(runtime: &Runtime, counters: &Arc<Counters>) -> Result<()> {
    register_echo(runtime, counters)?;
    register_unary(runtime, counters)?;
    register_waits(runtime, counters)?;
    process_routines::register(runtime, counters)?;
    blocking::register(runtime, counters)?;
    failures::register(runtime, counters)?;
    generators::register(runtime, counters)?;
    nested::register(runtime, counters)?;
    register_streams(runtime, counters)
}

fn register_unary(runtime: &Runtime, all: &Arc<Counters>) -> Result<()> {
    runtime.register(echo("conf.direct", all).on_io_thread()?)?;
    let counters = Arc::clone(all);
    let add = Routine::unary("conf.add", move |_task, arguments| {
        let running = counters.begin();
        async move {
            let _running = running;
            let (a, b): (i64, i64) = arguments.extract()?;
            a.checked_add(b)
                .ok_or_else(|| Fault::new("Overflow", format!("{a} + {b} overflows 64 bits")))
        }
    });
    runtime.register(add.parameters(["a", "b"]))?;
    let counters = Arc::clone(all);
    runtime.register(Routine::unary("conf.context", move |task, arguments| {
        let running = counters.begin();
        async move {
            let _running = running;
            let (namespace, name): (String, String) = arguments.extract()?;
            let value = task.info().context.get(&namespace, &name)?;
            Ok(value.unwrap_or_default())
        }
    }))?;
    let counters = Arc::clone(all);
    let named = Routine::unary("conf.named", move |_task, arguments| {
        let running = counters.begin();
        async move {
            let _running = running;
            let (a, b, scale): (i64, i64, Option<i64>) = arguments.extract()?;
            Ok((a + b) * scale.unwrap_or(1))
        }
    });
    runtime.register(named.parameters(["a", "b", "scale"]))?;
    let counters = Arc::clone(all);
    runtime.register(Routine::unary("conf.concat", move |_task, arguments| {
        let running = counters.begin();
        async move {
            let _running = running;
            let (parts,): (Vec<String>,) = arguments.extract()?;
            Ok(parts.concat())
        }
    }))?;
    let counters = Arc::clone(all);
    runtime.register(Routine::unary("conf.size", move |_task, arguments| {
        let running = counters.begin();
        async move {
            let _running = running;
            let (value,): (Value,) = arguments.extract()?;
            match value.as_bytes() {
                Some(bytes) => Ok(i64::try_from(bytes.len())?),
                None => Err(Fault::new(
                    "TypeError",
                    format!("conf.size takes bytes, got {}", value.kind()),
                )),
            }
        }
    }))?;
    let counters = Arc::clone(all);
    runtime.register(Routine::unary("conf.fill", move |_task, arguments| {
        let running = counters.begin();
        async move {
            let _running = running;
            let (size, seed): (u32, u32) = arguments.extract()?;
            Ok(Value::from(fill(size as usize, seed as usize)))
        }
    }))?;
    let counters = Arc::clone(all);
    runtime.register(Routine::unary("conf.fail", move |_task, arguments| {
        let running = counters.begin();
        async move {
            let _running = running;
            let (type_name, message): (String, String) = arguments.extract()?;
            Err::<(), Fault>(conf_inner(type_name, message))
        }
    }))?;
    let counters = Arc::clone(all);
    runtime.register(Routine::unary("conf.panic", move |_task, arguments| {
        let running = counters.begin();
        async move {
            let _running = running;
            let (message,): (String,) = arguments.extract()?;
            blow_up(message);
            Ok(())
        }
    }))
}

fn conf_inner(type_name: String, message: String) -> Fault {
    Fault::new(type_name, message)
}

/// Panics, as routines may do, whatever the lints of this project say.
pub(crate) fn blow_up(message: String) {
    std::panic::resume_unwind(Box::new(message))
}

fn register_waits(runtime: &Runtime, all: &Arc<Counters>) -> Result<()> {
    for name in ["conf.wait", "conf.gate"] {
        let counters = Arc::clone(all);
        runtime.register(Routine::unary(name, move |_task, _arguments| {
            let running = counters.begin();
            let waiting = Waiting(Arc::clone(&counters));
            async move {
                // Dropped in reverse order: `cancelled` is counted before `finished`.
                let _running = running;
                let _waiting = waiting;
                pending::<Result<(), Fault>>().await
            }
        }))?;
    }
    Ok(())
}

fn register_streams(runtime: &Runtime, all: &Arc<Counters>) -> Result<()> {
    runtime.register(count("conf.count", all))?;
    runtime.register(count("conf.directcount", all).on_io_thread()?)?;
    let counters = Arc::clone(all);
    runtime.register(Routine::stream(
        "conf.failafter",
        move |_task, arguments, mut out| {
            let running = counters.begin();
            let cleaning = Cleaning(Arc::clone(&counters));
            async move {
                let (_running, _cleaning) = (running, cleaning);
                let (n, message): (i64, String) = arguments.extract()?;
                for i in 0..n {
                    out.yield_(i).await?;
                }
                Err(Fault::new("StreamError", message))
            }
        },
    ))?;
    let counters = Arc::clone(all);
    runtime.register(Routine::stream(
        "conf.endless",
        move |_task, _arguments, mut out| {
            let running = counters.begin();
            let cleaning = Cleaning(Arc::clone(&counters));
            let counters = Arc::clone(&counters);
            async move {
                let (_running, _cleaning) = (running, cleaning);
                for i in 0_i64.. {
                    counters.count_yield();
                    out.yield_(i).await?;
                }
                Ok(())
            }
        },
    ))
}
