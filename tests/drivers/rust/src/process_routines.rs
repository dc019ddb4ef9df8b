//! The standard routines that are about the process which serves them.

use std::sync::Arc;

use tokio::sync::oneshot;
use wool::value::{Arguments, IntoValue, Map, Value};
use wool::{Fault, PoolOptions, Result, Routine, Runtime, WorkerPool};

use crate::finding;
use crate::routines::Counters;

pub(crate) fn register(runtime: &Runtime, all: &Arc<Counters>) -> Result<()> {
    let counters = Arc::clone(all);
    runtime.register(Routine::unary("conf.pid", move |_task, _arguments| {
        let running = counters.begin();
        async move {
            let _running = running;
            Ok(std::process::id())
        }
    }))?;
    let counters = Arc::clone(all);
    runtime.register(Routine::unary("conf.exit", move |_task, arguments| {
        let running = counters.begin();
        async move {
            let _running = running;
            let (status,): (i32,) = arguments.extract()?;
            end_process(status);
            Ok(())
        }
    }))?;
    let counters = Arc::clone(all);
    runtime.register(Routine::unary("conf.counters", move |_task, _arguments| {
        let counters = counters.list();
        async move {
            let entries = counters
                .into_iter()
                .map(|(name, count)| (name.into_value(), count.into_value()));
            Ok(Value::Map(Map::from_entries(entries.collect())?))
        }
    }))?;
    let (counters, on) = (Arc::clone(all), runtime.clone());
    runtime.register(Routine::unary("conf.relay", move |_task, arguments| {
        let (running, counters, runtime) = (counters.begin(), Arc::clone(&counters), on.clone());
        async move {
            let _running = running;
            let (namespace, directory, routine, arguments): (String, String, String, Vec<Value>) =
                arguments.extract()?;
            let discovery = finding::local(&namespace, &directory)?;
            relay(&runtime, &counters, discovery, &routine, arguments).await
        }
    }))
}

fn end_process(status: i32) {
    std::process::exit(status)
}

async fn relay(
    runtime: &Runtime,
    counters: &Counters,
    discovery: wool::Discovery,
    routine: &str,
    arguments: Vec<Value>,
) -> Result<Value, Fault> {
    let options = PoolOptions {
        discovery: Some(discovery),
        credentials: counters.credentials.get().cloned(),
        ..PoolOptions::default()
    };
    let pool = WorkerPool::new(runtime, options)?;
    let result = pool.call(routine, Arguments::new(arguments)).await;
    let (closed, end) = oneshot::channel();
    pool.close(move || {
        // The receiver waits below, unless the task was cancelled.
        let _ = closed.send(());
    });
    // It fails only when the runtime has closed, and the pool with it.
    let _ = end.await;
    Ok(result?)
}
