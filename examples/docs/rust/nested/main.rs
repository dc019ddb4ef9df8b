//! Routines that call routines: a recursion, a stream over streams, and a tree of tasks that ends with its root.

use std::time::Duration;

use wool::{PoolOptions, Routine, Runtime, WorkerPool};

/// What the workers serve.
fn routines(runtime: &Runtime) -> wool::Result<()> {
    runtime.register(Routine::unary("wool.fib", |_task, arguments| async move {
        let (n,): (u64,) = arguments.extract()?;
        if n < 2 {
            return Ok(n);
        }
        // By the caller's pool, wherever that has a place for it.
        let a: u64 = wool::call("wool.fib", (n - 1,)).await?.extract()?;
        let b: u64 = wool::call("wool.fib", (n - 2,)).await?.extract()?;
        Ok(a + b)
    }))?;
    let countdown = Routine::stream("wool.countdown", |_task, arguments, mut out| async move {
        let (n,): (u64,) = arguments.extract()?;
        out.yield_(n).await?;
        if n > 0 {
            let mut rest = wool::stream("wool.countdown", (n - 1,)).open()?;
            while let Some(item) = rest.next().await {
                out.yield_(item?).await?;
            }
        }
        Ok(())
    });
    runtime.register(countdown)?;
    runtime.register(Routine::unary(
        "wool.sleep",
        |_task, arguments| async move {
            let (depth,): (u64,) = arguments.extract()?;
            if depth > 0 {
                wool::call("wool.sleep", (depth - 1,)).await?;
            }
            std::future::pending::<()>().await;
            Ok(())
        },
    ))
}

#[wool::main(routines)]
async fn main(runtime: Runtime) -> wool::Result<()> {
    // One task at a time each: tasks that wait for their calls lend their places.
    let options = PoolOptions {
        spawn: Some(2),
        concurrency: 1,
        ..PoolOptions::default()
    };
    let pool = WorkerPool::new(&runtime, options)?;
    let fib: u64 = pool.call("wool.fib", (10,)).await?.extract()?;
    println!("fib(10) = {fib}");

    let mut items = pool.stream("wool.countdown", (3,)).open()?;
    print!("countdown:");
    while let Some(item) = items.next().await {
        let n: u64 = item?.extract()?;
        print!(" {n}");
    }
    println!();

    // Three tasks deep, and none is left of them.
    let sleep = pool.call("wool.sleep", (2,));
    if let Err(error) = sleep.timeout(Duration::from_millis(200)).await {
        println!("{}", error.kind());
    }
    Ok(())
}
