//! The standard routines that call others, and those about the task itself.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use wool::value::{Arguments, Map, Value};
use wool::{Fault, Result, Routine, Runtime, TaskContext, TaskInfo, current_context, current_task};

use crate::routines::{Cleaning, Counters};

pub(crate) fn register(runtime: &Runtime, counters: &Arc<Counters>) -> Result<()> {
    register_tasks(runtime, counters)?;
    register_calls(runtime, counters)?;
    register_streams(runtime, counters)?;
    register_contexts(runtime, counters)?;
    register_holding(runtime, counters)
}

/// What the current task is.
fn told() -> Result<Value, Fault> {
    let task = current_task().ok_or_else(|| Fault::new("NoTask", "there is no current task"))?;
    let info = task.info();
    let text = |id: &[u8; 16]| wool::value::Uuid::from_bytes(*id).to_string();
    let milliseconds = |left: Duration| i64::try_from(left.as_millis()).unwrap_or(i64::MAX);
    let entries = vec![
        ("id".into(), text(&info.id).into()),
        ("caller".into(), info.caller.as_ref().map(text).into()),
        ("routine".into(), info.routine.to_string().into()),
        ("tag".into(), info.tag.clone().into()),
        (
            "remaining".into(),
            info.remaining().map(milliseconds).into(),
        ),
        ("worker".into(), text(&info.worker_uid).into()),
        ("peer".into(), names(info)),
    ];
    Ok(Value::Map(Map::from_entries(entries)?))
}

/// Of the caller's certificate.
fn names(task: &TaskInfo) -> Value {
    Value::List(task.peer.iter().map(|name| Value::from(&**name)).collect())
}

fn register_tasks(runtime: &Runtime, all: &Arc<Counters>) -> Result<()> {
    let counters = Arc::clone(all);
    runtime.register(Routine::unary("conf.peer", move |task, _arguments| {
        let running = counters.begin();
        async move {
            let _running = running;
            Ok(names(task.info()))
        }
    }))?;
    let counters = Arc::clone(all);
    runtime.register(Routine::unary("conf.task", move |_task, _arguments| {
        let running = counters.begin();
        async move {
            let _running = running;
            told()
        }
    }))?;
    let counters = Arc::clone(all);
    runtime.register(Routine::unary("conf.chain", move |_task, arguments| {
        let running = counters.begin();
        async move {
            let _running = running;
            let (depth,): (i64,) = arguments.extract()?;
            let mut chain = vec![told()?];
            if depth > 0 {
                let rest: Vec<Value> = wool::call("conf.chain", (depth - 1,)).await?.extract()?;
                chain.extend(rest);
            }
            Ok(Value::List(chain))
        }
    }))
}

fn register_calls(runtime: &Runtime, all: &Arc<Counters>) -> Result<()> {
    let counters = Arc::clone(all);
    runtime.register(Routine::unary("conf.fib", move |_task, arguments| {
        let running = counters.begin();
        async move {
            let _running = running;
            let (n,): (i64,) = arguments.extract()?;
            if n < 2 {
                return Ok(n);
            }
            let a: i64 = wool::call("conf.fib", (n - 1,)).await?.extract()?;
            let b: i64 = wool::call("conf.fib", (n - 2,)).await?.extract()?;
            Ok(a + b)
        }
    }))?;
    let counters = Arc::clone(all);
    runtime.register(Routine::unary("conf.nest", move |_task, arguments| {
        let running = counters.begin();
        async move {
            let _running = running;
            let (routine, arguments) = below("conf.nest", arguments)?;
            Ok::<_, Fault>(wool::call(&routine, arguments).await?)
        }
    }))
}

/// What a routine of this name calls, by its arguments `depth`, `routine`, `arguments`.
fn below(name: &str, arguments: Arguments) -> Result<(String, Arguments), Fault> {
    let (depth, routine, rest): (i64, String, Vec<Value>) = arguments.extract()?;
    Ok(if depth > 0 {
        let rest = vec![(depth - 1).into(), routine.into(), Value::List(rest)];
        (name.to_owned(), Arguments::new(rest))
    } else {
        (routine, Arguments::new(rest))
    })
}

fn register_streams(runtime: &Runtime, all: &Arc<Counters>) -> Result<()> {
    let counters = Arc::clone(all);
    let fibs = Routine::stream("conf.fibs", move |_task, arguments, mut out| {
        let (running, cleaning) = (counters.begin(), Cleaning(Arc::clone(&counters)));
        async move {
            let (_running, _cleaning) = (running, cleaning);
            let (n,): (i64,) = arguments.extract()?;
            if n < 2 {
                out.yield_(n).await?;
                return Ok(());
            }
            for n in [n - 1, n - 2] {
                let mut items = wool::stream("conf.fibs", (n,)).open()?;
                while let Some(item) = items.next().await {
                    out.yield_(item?).await?;
                }
            }
            Ok(())
        }
    });
    runtime.register(fibs)?;
    let counters = Arc::clone(all);
    let nest = Routine::stream("conf.neststream", move |_task, arguments, mut out| {
        let (running, cleaning) = (counters.begin(), Cleaning(Arc::clone(&counters)));
        async move {
            let (_running, _cleaning) = (running, cleaning);
            let (routine, arguments) = below("conf.neststream", arguments)?;
            let mut items = wool::stream(&routine, arguments).open()?;
            while let Some(item) = items.next().await {
                if let Err(fault) = out.yield_(item?).await {
                    items.close().await?;
                    return Err(fault);
                }
            }
            Ok(())
        }
    });
    runtime.register(nest)
}

/// The value that the current context has, and null for none.
fn found(namespace: &str, name: &str) -> Result<Value, Fault> {
    let context = current_context().unwrap_or_default();
    Ok(context.get(namespace, name)?.unwrap_or_default())
}

fn set(task: &TaskContext, namespace: &str, name: &str, value: Value) -> Result<(), Fault> {
    let context = &task.info().context;
    match value {
        Value::Null => context.unset(namespace, name),
        value => context.set(namespace, name, value)?,
    }
    Ok(())
}

fn register_contexts(runtime: &Runtime, all: &Arc<Counters>) -> Result<()> {
    let counters = Arc::clone(all);
    runtime.register(Routine::unary("conf.setcontext", move |task, arguments| {
        let running = counters.begin();
        async move {
            let _running = running;
            let (namespace, name, value, depth): (String, String, Value, i64) =
                arguments.extract()?;
            if depth > 0 {
                let arguments = (namespace.clone(), name.clone(), value, depth - 1);
                wool::call("conf.setcontext", arguments).await?;
            } else {
                set(&task, &namespace, &name, value)?;
            }
            found(&namespace, &name)
        }
    }))?;
    let counters = Arc::clone(all);
    runtime.register(Routine::unary(
        "conf.failcontext",
        move |task, arguments| {
            let running = counters.begin();
            async move {
                let _running = running;
                let (namespace, name, value): (String, String, Value) = arguments.extract()?;
                set(&task, &namespace, &name, value)?;
                Err::<(), _>(Fault::new("conf.Failed", "as asked"))
            }
        },
    ))?;
    let counters = Arc::clone(all);
    runtime.register(Routine::unary("conf.owncontext", move |task, arguments| {
        let running = counters.begin();
        async move {
            let _running = running;
            let (n,): (Value,) = arguments.extract()?;
            set(&task, "conf", "own", n)?;
            let there = wool::call("conf.context", ("conf", "own")).await?;
            Ok(Value::List(vec![there, found("conf", "own")?]))
        }
    }))?;
    let counters = Arc::clone(all);
    let count = Routine::stream("conf.countcontext", move |task, arguments, mut out| {
        let (running, cleaning) = (counters.begin(), Cleaning(Arc::clone(&counters)));
        async move {
            let (_running, _cleaning) = (running, cleaning);
            let (namespace, name): (String, String) = arguments.extract()?;
            loop {
                let count = found(&namespace, &name)?.as_i64().unwrap_or(0);
                set(&task, &namespace, &name, (count + 1).into())?;
                out.yield_(count).await?;
            }
        }
    });
    runtime.register(count)
}

fn register_holding(runtime: &Runtime, all: &Arc<Counters>) -> Result<()> {
    let gate = Arc::new(Notify::new());
    let (counters, held) = (Arc::clone(all), Arc::clone(&gate));
    runtime.register(Routine::unary("conf.hold", move |_task, arguments| {
        let running = counters.begin();
        let holding = counters.hold();
        let gate = Arc::clone(&held);
        // Before the task can be counted as held.
        let let_go = gate.clone().notified_owned();
        async move {
            let (_running, _holding) = (running, holding);
            let (x,): (Value,) = arguments.extract()?;
            let_go.await;
            Ok(x)
        }
    }))?;
    let counters = Arc::clone(all);
    runtime.register(Routine::unary("conf.letgo", move |_task, _arguments| {
        let running = counters.begin();
        let held = counters.held();
        gate.notify_waiters();
        async move {
            let _running = running;
            Ok(held)
        }
    }))
}
