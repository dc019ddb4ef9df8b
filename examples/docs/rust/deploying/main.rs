//! Every worker is replaced while calls are made, and no call fails.

use std::time::Duration;

use tokio::task::JoinSet;
use wool::{
    Discovery, Grace, LocalDiscovery, PoolOptions, Routine, Runtime, Worker, WorkerOptions,
    WorkerPool, WorkerState,
};

fn serve(runtime: &Runtime, discovery: &Discovery) -> wool::Result<Worker> {
    let options = WorkerOptions {
        publish: Some(discovery.clone()),
        ..WorkerOptions::default()
    };
    Worker::start(runtime, options)
}

/// Waits until the pool is connected to a worker.
async fn joined(pool: &WorkerPool, worker: &Worker) {
    let is_up = || {
        let workers = pool.status().workers;
        workers
            .iter()
            .any(|found| found.uid == worker.uid() && found.state == WorkerState::Up)
    };
    while !is_up() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Stops a worker: it is not found any more, takes no new tasks, and lets those that run end.
async fn drain(worker: &Worker) {
    let (done, stopped) = tokio::sync::oneshot::channel();
    worker.stop(Grace::For(Duration::from_secs(10)), || {
        // The other end waits.
        let _ = done.send(());
    });
    // It is told, or the worker is gone.
    let _ = stopped.await;
}

fn routines(runtime: &Runtime) -> wool::Result<()> {
    runtime.register(Routine::unary("wool.card", |_task, arguments| async move {
        let (n,): (u64,) = arguments.extract()?;
        Ok(n)
    }))
}

#[wool::main(routines)]
async fn main(runtime: Runtime) -> wool::Result<()> {
    let directory = std::env::temp_dir().join(format!("wool-deploying-{}", std::process::id()));
    std::fs::create_dir_all(&directory).map_err(no_directory)?;
    let local = LocalDiscovery::new("flock")?.in_directory(&directory);
    let discovery = Discovery::Local(local);
    let mut workers = [serve(&runtime, &discovery)?, serve(&runtime, &discovery)?];
    let options = PoolOptions {
        discovery: Some(discovery.clone()),
        quorum: 2,
        ..PoolOptions::default()
    };
    let pool = WorkerPool::new(&runtime, options)?;

    // Calls, a few of them under way at any time.
    let calling = pool.clone();
    let load = tokio::spawn(async move {
        let mut calls = JoinSet::new();
        let mut failed = 0;
        for n in 0..200_u64 {
            if calls.len() == 8
                && let Some(Ok(Err(_))) = calls.join_next().await
            {
                failed += 1;
            }
            calls.spawn(calling.call("wool.card", (n,)).into_future());
        }
        failed += calls.join_all().await.iter().filter(|c| c.is_err()).count();
        failed
    });
    for worker in &mut workers {
        let new = serve(&runtime, &discovery)?;
        joined(&pool, &new).await;
        let old = std::mem::replace(worker, new);
        drain(&old).await;
    }
    let failed = load.await.unwrap_or(200);
    println!("200 calls, {failed} failed");
    // The pool hears of the last one's end a little later.
    while pool.status().workers.len() > 2 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    println!("{} workers", pool.status().workers.len());
    std::fs::remove_dir_all(&directory).map_err(no_directory)
}

fn no_directory(error: std::io::Error) -> wool::Error {
    wool::Error::new(wool::ErrorKind::Io, error.to_string())
}
