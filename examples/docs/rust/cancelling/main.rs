//! Calls that are given up, and calls whose time is up: the routine is told, and the worker is free again.

use std::future::pending;
use std::time::Duration;

use wool::{ErrorKind, Fault, PoolOptions, Routine, Runtime, WorkerPool};

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
    if tokio::time::timeout(moment, pool.call("wool.wait", ()))
        .await
        .is_err()
    {
        println!("nobody waits any more");
    }

    // The whole budget of a call, told to the worker and kept there, too.
    let minute = Duration::from_secs(60);
    let left = pool.call("wool.left", ()).timeout(minute).await?;
    println!("most of the minute is left: {}", left.extract::<bool>()?);
    match pool.call("wool.wait", ()).timeout(moment).await {
        Err(error) if error.kind() == ErrorKind::DeadlineExceeded => {
            println!("the call's time is up")
        }
        other => println!("unexpected: {other:?}"),
    }

    // The budget of each step of a stream.
    let mut items = pool
        .stream("wool.stall", ())
        .step_timeout(Duration::from_secs(1))
        .open()?;
    while let Some(item) = items.next().await {
        match item {
            Ok(item) => println!("got {}", item.extract::<String>()?),
            Err(error) => println!("then {}", error.kind()),
        }
    }
    Ok(())
}
