//! A routine over many inputs, on every worker, and on one of them.

use wool::{PoolOptions, Routine, Runtime, WorkerPool, current_task};

/// What the workers serve.
fn routines(runtime: &Runtime) -> wool::Result<()> {
    runtime.register(Routine::unary(
        "wool.square",
        |_task, arguments| async move {
            let (n,): (i64,) = arguments.extract()?;
            Ok(n * n)
        },
    ))?;
    runtime.register(Routine::unary("wool.where", |_task, _arguments| async {
        let worker = current_task().map(|task| task.info().worker_uid);
        let uid = wool::value::Uuid::from_bytes(worker.unwrap_or_default());
        Ok(uid.to_string())
    }))
}

#[wool::main(routines)]
async fn main(runtime: Runtime) -> wool::Result<()> {
    let options = PoolOptions {
        spawn: Some(2),
        quorum: 2,
        ..PoolOptions::default()
    };
    let pool = WorkerPool::new(&runtime, options)?;

    let mut squares = pool.map("wool.square", 1..=10).in_flight(4).ordered();
    let progress = squares.progress();
    let mut all = Vec::new();
    while let Some((_index, square)) = squares.next().await {
        // One that fails does not stop the others.
        let square: i64 = square?.extract()?;
        all.push(square.to_string());
    }
    println!("{}", all.join(" "));
    let progress = progress.get();
    let total = progress.total.unwrap_or_default();
    println!(
        "{} of {total} done, {} failed",
        progress.done, progress.failed
    );

    let mut answers = pool.broadcast("wool.where", ()).open()?;
    let mut workers = Vec::new();
    while let Some((worker, answer)) = answers.next().await {
        answer?;
        workers.push(worker);
    }
    println!("{} workers answered", workers.len());

    let one = workers.remove(0);
    let there = pool.call("wool.where", ()).worker(one.clone()).await?;
    println!("it was that one: {}", there.as_str() == Some(&*one));
    Ok(())
}
