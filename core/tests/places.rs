//! Calls that wait for a place: a free worker is found, waiting ends in time, and holds up nobody else.

#![allow(clippy::unwrap_used, reason = "tests: a panic is a failure")]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use common::{block_on, eventually};
use tokio::sync::Semaphore;
use wool::{ErrorKind, PoolOptions, Routine, Runtime, Worker, WorkerOptions, WorkerPool};

/// `test.hold` runs until it is let go; `test.name` tells which worker ran it.
struct House {
    runtime: Runtime,
    worker: Worker,
    held: Arc<AtomicUsize>,
    let_go: Arc<Semaphore>,
}

impl House {
    fn new(name: &'static str, concurrency: u32) -> House {
        let runtime = Runtime::new(Default::default()).unwrap();
        let held = Arc::new(AtomicUsize::new(0));
        let let_go = Arc::new(Semaphore::new(0));
        let (count, gate) = (Arc::clone(&held), Arc::clone(&let_go));
        let hold = Routine::unary("test.hold", move |_task, _arguments| {
            let (count, gate) = (Arc::clone(&count), Arc::clone(&gate));
            async move {
                count.fetch_add(1, Ordering::SeqCst);
                gate.acquire().await?.forget();
                count.fetch_sub(1, Ordering::SeqCst);
                Ok(name)
            }
        });
        let tell = Routine::unary(
            "test.name",
            move |_task, _arguments| async move { Ok(name) },
        );
        for routine in [hold, tell] {
            runtime.register(routine).unwrap();
        }
        let options = WorkerOptions {
            concurrency,
            ..WorkerOptions::default()
        };
        let worker = Worker::start(&runtime, options).unwrap();
        House {
            runtime,
            worker,
            held,
            let_go,
        }
    }

    async fn holds(&self, count: usize) {
        eventually(async || self.held.load(Ordering::SeqCst) == count).await;
    }
}

fn pool(runtime: &Runtime, houses: &[&House]) -> WorkerPool {
    let addresses = houses.iter().map(|house| house.worker.address().to_owned());
    let options = PoolOptions {
        addresses: addresses.collect(),
        quorum: houses.len(),
        ..PoolOptions::default()
    };
    WorkerPool::new(runtime, options).unwrap()
}

#[test]
fn a_call_goes_to_the_worker_that_has_a_place() {
    let (full, free) = (House::new("full", 1), House::new("free", 1));
    let only_full = pool(&full.runtime, &[&full]);
    let both = pool(&full.runtime, &[&full, &free]);
    block_on(async {
        let mut held = Box::pin(async { only_full.call("test.hold", ()).await });
        tokio::select! {
            answer = &mut held => { answer.unwrap(); }
            () = full.holds(1) => {}
        }
        // The one is busy with another's call, the other with this pool's own.
        let mut own = Box::pin(async { both.call("test.hold", ()).await });
        tokio::select! {
            answer = &mut own => { answer.unwrap(); }
            () = free.holds(1) => {}
        }
        let mut waiting = Box::pin(async { both.call("test.name", ()).await });
        tokio::select! {
            answer = &mut waiting => { answer.unwrap(); }
            () = eventually(async || both.status().waiting == 1) => {}
        }
        free.let_go.add_permits(1);
        assert_eq!(own.await.unwrap().as_str(), Some("free"));
        assert_eq!(waiting.await.unwrap().as_str(), Some("free"));
        full.let_go.add_permits(1);
        assert_eq!(held.await.unwrap().as_str(), Some("full"));
    });
    full.runtime.close_blocking(None).unwrap();
    free.runtime.close_blocking(None).unwrap();
}

#[test]
fn a_call_waits_for_a_place_no_longer_than_its_dispatch_timeout() {
    let house = House::new("full", 1);
    let pool = pool(&house.runtime, &[&house]);
    block_on(async {
        let mut held = Box::pin(async { pool.call("test.hold", ()).await });
        tokio::select! {
            answer = &mut held => { answer.unwrap(); }
            () = house.holds(1) => {}
        }
        let late = pool
            .call("test.name", ())
            .dispatch_timeout(Duration::from_millis(100))
            .await
            .unwrap_err();
        assert_eq!(late.kind(), ErrorKind::Busy);
        assert!(late.retryable());
        house.let_go.add_permits(1);
        held.await.unwrap();
        assert_eq!(
            pool.call("test.name", ()).await.unwrap().as_str(),
            Some("full")
        );
    });
    house.runtime.close_blocking(None).unwrap();
}

#[test]
fn what_waits_for_a_full_worker_holds_up_nobody_else() {
    let (full, other) = (House::new("full", 1), House::new("other", 1));
    let only = Routine::unary("test.alone", |_task, _arguments| async { Ok("only") });
    other.runtime.register(only).unwrap();
    let pool = pool(&full.runtime, &[&full, &other]);
    block_on(async {
        let hold = || {
            let pool = pool.clone();
            tokio::spawn(async move { pool.call("test.hold", ()).await.unwrap() })
        };
        let held = [hold(), hold()];
        full.holds(1).await;
        other.holds(1).await;
        let waiting: Vec<_> = (0..100).map(|_| hold()).collect();
        eventually(async || pool.status().waiting == 100).await;
        // One place is free, at a worker that alone serves this.
        let only = {
            let pool = pool.clone();
            tokio::spawn(async move { pool.call("test.alone", ()).await.unwrap() })
        };
        other.let_go.add_permits(200);
        full.let_go.add_permits(200);
        assert_eq!(only.await.unwrap().as_str(), Some("only"));
        for call in held.into_iter().chain(waiting) {
            call.await.unwrap();
        }
        assert_eq!(pool.status().waiting, 0);
    });
    full.runtime.close_blocking(None).unwrap();
    other.runtime.close_blocking(None).unwrap();
}
