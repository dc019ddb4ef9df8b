//! Calls that are given up, and calls whose time is up: the routine is told, and the worker is free again.

use std::future::pending;
use std::time::Duration;

use wool::{Fault, PoolOptions, Routine, Runtime, Value, WorkerPool};

/// What the worker serves.
fn routines(runtime: &Runtime) -> wool::Result<()> {
    runtime.register(Routine::unary("wool.wait", |_task, _arguments| async {
        // A cancel drops this future where it waits; what it holds is dropped with it.
        pending::<Result<(), Fault>>().await
    }))?;
    runtime.register(Routine::unary("wool.left", |task, _arguments| async move {
        let left = task
            .info()
            .remaining()
            .is_some_and(|left| left.as_secs() > 50);
        Ok(left)
    }))?;
    runtime.register(Routine::stream(
        "wool.stall",
        |_task, _arguments, mut out| async move {
            out.yield_("an item").await?;
            pending::<Result<(), Fault>>().await
        },
    ))
}

#[wool::main(routines)]
async fn main(runtime: Runtime) -> wool::Result<()> {
    // Runs one task at a time: the next one begins when the routine before it has stopped.
    let options = PoolOptions {
        spawn: Some(1),
        concurrency: 1,
        ..PoolOptions::default()
    };
    let pool = WorkerPool::new(&runtime, options)?;

    // Whatever drops the future of a call cancels its task.
    let moment = Duration::from_millis(200);
    let waited = tokio::time::timeout(moment, pool.call("wool.wait", ())).await;
    if waited.is_err() {
        println!("nobody waits any more");
    }

    // The whole budget of a call, told to the worker and kept there, too.
    let minute = Duration::from_secs(60);
    let left = pool.call("wool.left", ()).timeout(minute).await?;
    println!("most of the minute is left: {}", left.extract::<bool>()?);
    let late = pool.call("wool.wait", ()).timeout(moment).await;
    println!("the call: {}", kind(late));

    // The budget of each step of a stream.
    let second = Duration::from_secs(1);
    let stalls = pool.stream("wool.stall", ()).step_timeout(second);
    let mut items = stalls.open()?;
    while let Some(item) = items.next().await {
        println!("the step: {}", kind(item));
    }
    Ok(())
}

/// How a call or a step went.
fn kind(outcome: wool::Result<Value>) -> &'static str {
    match outcome {
        Ok(_) => "went well",
        Err(error) => error.kind().name(),
    }
}
