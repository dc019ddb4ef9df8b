//! A worker with limits: how many tasks it runs at once, whom it lets in, how large arguments may be; and what its callers
//! see of that.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use wool::value::Value;
use wool::{
    AdmissionHook, AdmissionInfo, Decision, PoolOptions, Routine, Runtime, Worker, WorkerOptions,
    WorkerPool,
};

/// What the worker serves.
fn routines(runtime: &Runtime) -> wool::Result<()> {
    runtime.register(Routine::unary("wool.card", |_task, arguments| async move {
        let (fleece,): (Value,) = arguments.extract()?;
        Ok(fleece)
    }))?;
    // Computes for a moment only: it runs on the I/O thread, and saves two changes of threads.
    let grams = Routine::unary("wool.grams", |_task, arguments| async move {
        let (ounces,): (i64,) = arguments.extract()?;
        Ok(ounces * 28)
    });
    runtime.register(grams.on_io_thread()?)?;
    // May block its thread, or compute for long: it runs on threads for that alone.
    runtime.register(Routine::blocking("wool.spin", |_task, arguments| {
        let (turns,): (u64,) = arguments.extract()?;
        Ok((1..=turns).fold(0_u64, |yarn, turn| (yarn * 31 + turn) % 1_000_003))
    }))
}

/// Decides by the label of the call.
fn admit(call: &AdmissionInfo) -> Decision {
    match &*call.tag {
        "guest" => Decision::Refuse(format!("{} is not for guests", call.routine)),
        "batch" => Decision::Busy("no batches during the day".to_owned()),
        _ => Decision::Accept,
    }
}

#[wool::main(routines)]
async fn main(runtime: Runtime) -> wool::Result<()> {
    let options = WorkerOptions {
        concurrency: 4,
        max_payload: 1 << 20,
        admit: Some(Arc::new(AdmissionHook::new(|call| async move {
            Ok(admit(&call))
        }))),
        ..WorkerOptions::default()
    };
    let worker = Worker::start(&runtime, options)?;
    let options = PoolOptions {
        addresses: vec![worker.address().to_owned()],
        ..PoolOptions::default()
    };
    let pool = WorkerPool::new(&runtime, options)?;

    // A burst waits for places instead of failing.
    let mut calls = JoinSet::new();
    for n in 0..1000 {
        calls.spawn(pool.call("wool.card", (n,)).into_future());
    }
    let results = calls.join_all().await;
    let succeeded = results.iter().filter(|result| result.is_ok()).count();
    println!("{succeeded} of 1000 calls succeeded");
    let yarn: u64 = pool.call("wool.spin", (1000,)).await?.extract()?;
    println!("spun {yarn}");
    // Calls from the I/O thread save two more.
    let caller = pool.clone();
    let total = runtime.spawn_on_io_thread(async move {
        let mut total = 0;
        for ounces in 0..1000 {
            let grams: i64 = caller.call("wool.grams", (ounces,)).await?.extract()?;
            total += grams;
        }
        Ok::<_, wool::Error>(total)
    });
    println!("{} grams", total.await??);

    if let Err(error) = pool.call("wool.card", ("fleece",)).tag("guest").await {
        println!("{error}");
    }
    let soon = Duration::from_millis(300);
    let batch = pool.call("wool.card", ("fleece",)).tag("batch");
    if let Err(error) = batch.dispatch_timeout(soon).await {
        println!("{error}");
    }
    let large = Value::from(vec![0_u8; 2 << 20]);
    if let Err(error) = pool.call("wool.card", (large,)).await {
        println!("{}", error.kind());
    }
    Ok(())
}
