//! Two routines, and calls to them in other processes: the pool starts this program again, once per core, to be its
//! workers.

use wool::{Routine, Runtime, WorkerPool};

/// What the workers serve.
fn routines(runtime: &Runtime) -> wool::Result<()> {
    runtime.register(Routine::unary("calc.add", |_task, arguments| async move {
        let (a, b): (i64, i64) = arguments.extract()?;
        Ok(a + b)
    }))?;
    runtime.register(Routine::stream(
        "calc.countdown",
        |_task, arguments, mut out| async move {
            let (from,): (i64,) = arguments.extract()?;
            for n in (1..=from).rev() {
                // Runs on when the caller asks for the next item.
                out.yield_(n).await?;
            }
            Ok(())
        },
    ))
}

// A process that was started to be a worker serves the routines and never gets to main.
#[wool::main(routines)]
async fn main(runtime: Runtime) -> wool::Result<()> {
    let pool = WorkerPool::new(&runtime, Default::default())?;
    let sum: i64 = pool.call("calc.add", (1, 2)).await?.extract()?;
    println!("1 + 2 = {sum}");
    let mut numbers = pool.stream("calc.countdown", (3,)).open()?;
    while let Some(n) = numbers.next().await {
        println!("{}", n?.extract::<i64>()?);
    }
    Ok(())
}
