//! Calls that wait for a place: a free worker is found, waiting ends in time, and holds up nobody else.

#![allow(clippy::unwrap_used, reason = "tests: a panic is a failure")]

mod common;

use std::time::Duration;

use common::site::Site;
use common::{block_on, eventually};
use wool::{ErrorKind, PoolOptions, Routine, Runtime, WorkerOptions, WorkerPool};

/// One that runs one task at a time.
fn site(name: &'static str) -> Site {
    let options = WorkerOptions {
        concurrency: 1,
        ..WorkerOptions::default()
    };
    Site::with(name, options)
}

fn pool(runtime: &Runtime, sites: &[&Site]) -> WorkerPool {
    let addresses = sites.iter().map(|site| site.address());
    let options = PoolOptions {
        addresses: addresses.collect(),
        quorum: sites.len(),
        ..PoolOptions::default()
    };
    WorkerPool::new(runtime, options).unwrap()
}

#[test]
fn a_call_goes_to_the_worker_that_has_a_place() {
    let (full, free) = (site("full"), site("free"));
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
        free.let_go(1);
        assert_eq!(own.await.unwrap().as_str(), Some("free"));
        assert_eq!(waiting.await.unwrap().as_str(), Some("free"));
        full.let_go(1);
        assert_eq!(held.await.unwrap().as_str(), Some("full"));
    });
    full.close();
    free.close();
}

#[test]
fn a_call_waits_for_a_place_no_longer_than_its_dispatch_timeout() {
    let only = site("full");
    let pool = pool(&only.runtime, &[&only]);
    block_on(async {
        let mut held = Box::pin(async { pool.call("test.hold", ()).await });
        tokio::select! {
            answer = &mut held => { answer.unwrap(); }
            () = only.holds(1) => {}
        }
        let late = pool
            .call("test.name", ())
            .dispatch_timeout(Duration::from_millis(100))
            .await
            .unwrap_err();
        assert_eq!(late.kind(), ErrorKind::Busy);
        assert!(late.retryable());
        only.let_go(1);
        held.await.unwrap();
        assert_eq!(
            pool.call("test.name", ()).await.unwrap().as_str(),
            Some("full")
        );
    });
    only.close();
}

#[test]
fn what_waits_for_a_full_worker_holds_up_nobody_else() {
    let (full, other) = (site("full"), site("other"));
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
        other.let_go(200);
        full.let_go(200);
        assert_eq!(only.await.unwrap().as_str(), Some("only"));
        for call in held.into_iter().chain(waiting) {
            call.await.unwrap();
        }
        assert_eq!(pool.status().waiting, 0);
    });
    full.close();
    other.close();
}
