//! A worker and its caller in one program. Either half works alone, in two processes and two languages.

use wool::{PoolOptions, Routine, Runtime, Worker, WorkerPool};

#[tokio::main(flavor = "current_thread")]
async fn main() -> wool::Result<()> {
    let runtime = Runtime::new(Default::default())?;

    // The worker: functions, and where to find them.
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
    ))?;
    let worker = Worker::start(&runtime, Default::default())?;

    // The caller: a pool of workers, and calls by name.
    let addresses = vec![worker.address().to_owned()];
    let pool = WorkerPool::new(
        &runtime,
        PoolOptions {
            addresses,
            ..Default::default()
        },
    )?;
    let sum: i64 = pool.call("calc.add", (1, 2)).await?.extract()?;
    println!("1 + 2 = {sum}");
    let mut numbers = pool.stream("calc.countdown", (3,)).open()?;
    while let Some(n) = numbers.next().await {
        println!("{}", n?.extract::<i64>()?);
    }
    runtime.close_blocking(None)
}
