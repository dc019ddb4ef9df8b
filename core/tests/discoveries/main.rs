//! Discoveries other than the local one, as programs use and write them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "tests: a panic is a failure"
)]

mod board;
#[path = "../common/mod.rs"]
mod common;
mod custom;
mod fixed;
mod hybrid;
mod listing;
mod stacked;

use std::time::Duration;

use common::{block_on, eventually};
use wool::{
    Discovery, PoolOptions, Routine, Runtime, Worker, WorkerOptions, WorkerPool, WorkerState,
};

/// No test takes this long unless it hangs.
const WATCHDOG: Duration = Duration::from_secs(60);

/// Serves one routine, which says who it is.
fn worker(options: WorkerOptions) -> (Runtime, Worker) {
    let runtime = Runtime::new(Default::default()).unwrap();
    runtime.register(who()).unwrap();
    let worker = Worker::start(&runtime, options).unwrap();
    (runtime, worker)
}

fn published(discovery: Discovery) -> WorkerOptions {
    WorkerOptions {
        publish: Some(discovery),
        ..WorkerOptions::default()
    }
}

fn who() -> Routine {
    Routine::unary("test.who", |_task, _arguments| async move {
        Ok(std::process::id())
    })
}

fn pool(runtime: &Runtime, discovery: Discovery) -> WorkerPool {
    let options = PoolOptions {
        discovery: Some(discovery),
        ..PoolOptions::default()
    };
    WorkerPool::new(runtime, options).unwrap()
}

/// Waits until these workers belong to the pool, by their uids, and are connected.
fn until_up(pool: &WorkerPool, uids: &[&str]) {
    let mut expected = uids.to_vec();
    expected.sort_unstable();
    block_on(eventually(async || {
        let workers = pool.status().workers;
        let mut up: Vec<&str> = workers.iter().map(|worker| worker.uid.as_str()).collect();
        up.sort_unstable();
        up == expected && workers.iter().all(|worker| worker.state == WorkerState::Up)
    }));
}

/// Who answers: a process.
fn call(pool: &WorkerPool) -> u32 {
    let answer = block_on(async { pool.call("test.who", ()).await.unwrap() });
    let pid = answer.as_i64().expect("a process id");
    pid.try_into().unwrap()
}

fn close<const N: usize>(runtimes: [Runtime; N]) {
    for runtime in runtimes {
        runtime.close_blocking(Some(WATCHDOG)).unwrap();
    }
}
