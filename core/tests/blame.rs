//! Whose fault it is: for each cause, what becomes of the call and of the worker, and that the worker is used again when it is
//! well.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "tests: a panic is a failure"
)]

mod common;
#[path = "races/proxy.rs"]
mod proxy;

use std::sync::{Arc, Mutex};

use common::site::{Site, call, states};
use common::{block_on, eventually};
use proxy::Proxy;
use wool::{
    CustomDiscovery, Discovery, ErrorKind, Grace, PoolOptions, Subscriber, WorkerOptions,
    WorkerPool, WorkerRecord, WorkerState,
};

const UP: WorkerState = WorkerState::Up;
const DOWN: WorkerState = WorkerState::Down;
const DUPLICATE: WorkerState = WorkerState::Duplicate;

/// Tells what the test says.
#[derive(Default)]
struct Told(Mutex<Option<Subscriber>>);

impl CustomDiscovery for Told {
    fn subscribe(&self, subscriber: Subscriber) -> wool::Result<Box<dyn Send>> {
        subscriber.scanned();
        *self.0.lock().unwrap() = Some(subscriber);
        Ok(Box::new(()))
    }
}

impl Told {
    fn tell(&self, tell: impl FnOnce(&Subscriber)) {
        tell(self.0.lock().unwrap().as_ref().unwrap());
    }

    fn found(&self, uid: &str, address: &str) {
        let record = WorkerRecord {
            uid: uid.to_owned(),
            ..WorkerRecord::at(address)
        };
        self.tell(|subscriber| subscriber.found(record).unwrap());
    }

    fn gone(&self, key: &str) {
        self.tell(|subscriber| subscriber.gone(key));
    }
}

fn at(site: &Site, addresses: &[&str]) -> WorkerPool {
    let options = PoolOptions {
        addresses: addresses
            .iter()
            .map(|&address| address.to_owned())
            .collect(),
        ..PoolOptions::default()
    };
    WorkerPool::new(&site.runtime, options).unwrap()
}

fn finding(site: &Site) -> (WorkerPool, Arc<Told>) {
    let told = Arc::new(Told::default());
    let options = PoolOptions {
        discovery: Some(Discovery::Custom(told.clone())),
        ..PoolOptions::default()
    };
    (WorkerPool::new(&site.runtime, options).unwrap(), told)
}

async fn named(pool: &WorkerPool) -> String {
    let answer = pool.call("test.name", ()).await.unwrap();
    answer.as_str().unwrap().to_owned()
}

/// Calls until the loss of a link is known and made good: one that is written before may be lost with it.
async fn named_again(pool: &WorkerPool) -> String {
    let mut name = String::new();
    eventually(async || match pool.call("test.name", ()).await {
        Ok(answer) => {
            answer.as_str().unwrap().clone_into(&mut name);
            true
        }
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::WorkerLost);
            false
        }
    })
    .await;
    name
}

fn limited(concurrency: u32, max_payload: u64) -> WorkerOptions {
    WorkerOptions {
        concurrency,
        max_payload,
        ..WorkerOptions::default()
    }
}

/// An address where nobody is, and nobody will be.
fn nowhere() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

#[test]
fn what_is_the_calls_fault_leaves_the_worker_in_rotation() {
    let small = Site::with("small", limited(0, 1000));
    let pool = at(&small, &[&small.address()]);
    block_on(async {
        let large = "x".repeat(5000);
        let error = pool.call("test.size", (large.clone(),)).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.retryable()),
            (ErrorKind::PayloadTooLarge, true)
        );
        let error = pool.call("test.nothing", ()).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.retryable()),
            (ErrorKind::RoutineNotFound, true)
        );
        let error = pool.call("test.fail", ()).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.retryable()),
            (ErrorKind::TaskFailed, false)
        );
        states(&pool, &[UP]).await;
        assert_eq!(named(&pool).await, "small");

        // One that takes more gets it, each time.
        let roomy = Site::new("roomy");
        let both = at(&small, &[&small.address(), &roomy.address()]);
        states(&both, &[UP, UP]).await;
        for _ in 0..4 {
            let size = both.call("test.size", (large.clone(),)).await.unwrap();
            assert_eq!(size.as_i64(), Some(5000));
        }
        roomy.close();
    });
    small.close();
}

#[test]
fn a_busy_worker_is_passed_over_until_it_has_a_place() {
    let (busy, free) = (Site::with("busy", limited(1, 0)), Site::new("free"));
    let others = at(&busy, &[&busy.address()]);
    let pool = at(&busy, &[&busy.address(), &free.address()]);
    block_on(async {
        states(&pool, &[UP, UP]).await;
        let held = call(&others, "test.hold");
        busy.holds(1).await;
        for _ in 0..4 {
            assert_eq!(named(&pool).await, "free");
        }
        states(&pool, &[UP, UP]).await;
        busy.let_go(1);
        held.await.unwrap().unwrap();
        eventually(async || named(&pool).await == "busy").await;
    });
    busy.close();
    free.close();
}

#[test]
fn a_draining_worker_ends_its_calls_and_gets_no_more() {
    let (going, staying) = (Site::new("going"), Site::new("staying"));
    let pool = at(&staying, &[&going.address(), &staying.address()]);
    block_on(async {
        states(&pool, &[UP, UP]).await;
        let held = [call(&pool, "test.hold"), call(&pool, "test.hold")];
        going.holds(1).await;
        staying.holds(1).await;
        going.worker.stop(Grace::Forever, || {});
        states(&pool, &[UP, WorkerState::Draining]).await;
        for _ in 0..4 {
            assert_eq!(named(&pool).await, "staying");
        }
        for site in [&going, &staying] {
            site.let_go(1);
        }
        for call in held {
            call.await.unwrap().unwrap();
        }
        states(&pool, &[UP, DOWN]).await;
        // Another serves at its address.
        let again = Site::with(
            "again",
            WorkerOptions {
                bind: going.address(),
                ..WorkerOptions::default()
            },
        );
        eventually(async || named(&pool).await == "again").await;
        states(&pool, &[UP, UP]).await;
        again.close();
    });
    going.close();
    staying.close();
}

#[test]
fn a_dead_link_loses_the_calls_that_may_have_run_and_is_made_again() {
    let site = Site::new("one");
    let proxy = Proxy::start(&site.address());
    let pool = at(&site, &[proxy.address()]);
    block_on(async {
        let held = call(&pool, "test.hold");
        site.holds(1).await;
        proxy.cut();
        let error = held.await.unwrap().unwrap_err();
        assert_eq!(
            (error.kind(), error.retryable()),
            (ErrorKind::WorkerLost, false)
        );
        // A call that has not been sent waits for the link.
        assert_eq!(named(&pool).await, "one");
        states(&pool, &[UP]).await;
    });
    site.close();
}

#[test]
fn another_worker_at_a_fixed_address_is_taken() {
    let (first, caller) = (Site::new("first"), Site::new("caller"));
    let address = first.address();
    let pool = at(&caller, &[&address]);
    block_on(async {
        states(&pool, &[UP]).await;
        let before = pool.status().workers[0].uid.clone();
        first.close();
        states(&pool, &[DOWN]).await;
        let options = WorkerOptions {
            bind: address,
            ..WorkerOptions::default()
        };
        let second = Site::with("second", options);
        assert_eq!(named(&pool).await, "second");
        assert_ne!(pool.status().workers[0].uid, before);
        second.close();
    });
    caller.close();
}

#[test]
fn another_worker_at_a_found_ones_address_is_not_taken_for_it() {
    let (first, caller) = (Site::new("first"), Site::new("caller"));
    let (pool, told) = finding(&caller);
    let (old, address) = (first.uid().to_owned(), first.address());
    told.found(&old, &address);
    block_on(async {
        states(&pool, &[UP]).await;
        first.close();
        let options = WorkerOptions {
            bind: address.clone(),
            ..WorkerOptions::default()
        };
        let second = Site::with("second", options);
        eventually(async || pool.status().workers[0].problem.contains(second.uid())).await;
        states(&pool, &[DOWN]).await;
        told.found(second.uid(), &address);
        assert_eq!(named(&pool).await, "second");
        states(&pool, &[DOWN, UP]).await;
        told.gone(&old);
        states(&pool, &[UP]).await;
        assert_eq!(named(&pool).await, "second");
        second.close();
    });
    caller.close();
}

#[test]
fn a_worker_that_is_reached_twice_is_used_once() {
    let site = Site::new("one");
    let [near, far] = [(); 2].map(|()| Proxy::start(&site.address()));
    let (pool, told) = finding(&site);
    block_on(async {
        told.found("", near.address());
        states(&pool, &[UP]).await;
        told.found("", far.address());
        states(&pool, &[UP, DUPLICATE]).await;
        let workers = pool.status().workers;
        let duplicate = workers
            .iter()
            .find(|worker| worker.state == DUPLICATE)
            .unwrap();
        assert_eq!(duplicate.uid, site.uid());
        assert!(
            duplicate.problem.contains(near.address()),
            "{}",
            duplicate.problem
        );
        assert_eq!(pool.broadcast("test.name", ()).open().unwrap().workers(), 1);
        // Whichever is back first has it.
        near.cut();
        far.cut();
        assert_eq!(named_again(&pool).await, "one");
        states(&pool, &[UP, DUPLICATE]).await;
        // The one that has it leaves: the other takes over.
        let workers = pool.status().workers;
        let used = workers.iter().find(|worker| worker.state == UP).unwrap();
        told.gone(&used.address);
        assert_eq!(named(&pool).await, "one");
        states(&pool, &[UP]).await;
        assert_ne!(pool.status().workers[0].address, used.address);
    });
    site.close();
}

#[test]
fn duplicates_do_not_make_a_quorum() {
    let site = Site::new("one");
    let [near, far] = [(); 2].map(|()| Proxy::start(&site.address()));
    let options = PoolOptions {
        addresses: vec![near.address().to_owned(), far.address().to_owned()],
        quorum: 2,
        ..PoolOptions::default()
    };
    let pool = WorkerPool::new(&site.runtime, options).unwrap();
    block_on(async {
        states(&pool, &[UP, DUPLICATE]).await;
        assert!(!pool.status().quorum_reached);
    });
    site.close();
}

#[test]
fn a_record_that_is_wrong_does_not_end_a_session_that_works() {
    let site = Site::new("one");
    let proxy = Proxy::start(&site.address());
    let (pool, told) = finding(&site);
    told.found(site.uid(), proxy.address());
    block_on(async {
        let held = call(&pool, "test.hold");
        site.holds(1).await;
        told.found(site.uid(), &nowhere());
        assert_eq!(named(&pool).await, "one");
        site.let_go(1);
        held.await.unwrap().unwrap();
        states(&pool, &[UP]).await;
        // It is reached where it was, though nobody says so any more.
        proxy.cut();
        assert_eq!(named_again(&pool).await, "one");
    });
    site.close();
}

#[test]
fn a_worker_that_moved_is_found_where_it_is() {
    let site = Site::new("one");
    let (pool, told) = finding(&site);
    let (gone, proxy) = (nowhere(), Proxy::start(&site.address()));
    told.found(site.uid(), &gone);
    block_on(async {
        states(&pool, &[DOWN]).await;
        told.found(site.uid(), proxy.address());
        assert_eq!(named(&pool).await, "one");
        assert_eq!(pool.status().workers[0].address, proxy.address());
    });
    site.close();
}
