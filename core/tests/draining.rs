//! A worker that drains while calls are on their way to it: each runs there or elsewhere, and none is lost.

#![allow(clippy::unwrap_used, reason = "tests: a panic is a failure")]

mod common;

use std::time::Duration;

use common::block_on;
use tokio::task::JoinSet;
use wool::{Grace, PoolOptions, Routine, Runtime, Worker, WorkerOptions, WorkerPool};

const ROUNDS: usize = 100;
const CALLS: u64 = 64;

fn serving() -> (Runtime, Worker) {
    let runtime = Runtime::new(Default::default()).unwrap();
    let echo = Routine::unary("test.echo", |_task, arguments| async move {
        let (value,): (u64,) = arguments.extract()?;
        Ok(value)
    });
    runtime.register(echo).unwrap();
    let worker = Worker::start(&runtime, WorkerOptions::default()).unwrap();
    (runtime, worker)
}

#[test]
fn calls_that_meet_a_drain_all_succeed() {
    let (staying, stays) = serving();
    for round in 0..ROUNDS {
        let (going, goes) = serving();
        let caller = Runtime::new(Default::default()).unwrap();
        let options = PoolOptions {
            addresses: vec![stays.address().to_owned(), goes.address().to_owned()],
            quorum: 2,
            ..PoolOptions::default()
        };
        let pool = WorkerPool::new(&caller, options).unwrap();
        block_on(async {
            pool.call("test.echo", (0_u64,)).await.unwrap();
            let mut calls = JoinSet::new();
            for n in 0..CALLS {
                calls.spawn(pool.call("test.echo", (n,)).into_future());
                if n == round as u64 % CALLS {
                    goes.stop(Grace::For(Duration::from_secs(30)), || {});
                    tokio::task::yield_now().await;
                }
            }
            for outcome in calls.join_all().await {
                outcome.unwrap();
            }
        });
        for runtime in [caller, going] {
            runtime.close_blocking(None).unwrap();
        }
    }
    staying.close_blocking(None).unwrap();
}
