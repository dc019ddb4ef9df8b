//! Generators from outside: what callers send and throw, how far they run, how long they may take.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests: a panic is a failure"
)]

mod common;

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::time::Duration;

use common::{Peers, block_on, eventually};
use wool::value::Value;
use wool::{Error, ErrorKind, Fault, ResultStream, Routine, WorkerOptions};

/// Counts the clean-ups of what holds it.
#[derive(Clone, Default)]
struct Cleaned(Arc<AtomicUsize>);

impl Cleaned {
    fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

struct Cleaning(Cleaned);

impl Drop for Cleaning {
    fn drop(&mut self) {
        self.0.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Yields a total, to which it adds what it is sent. Catches `Reset`; ends below zero.
fn accumulate(cleaned: &Cleaned) -> Routine {
    let cleaned = cleaned.clone();
    Routine::stream("test.accumulate", move |_task, arguments, mut out| {
        let cleaning = Cleaning(cleaned.clone());
        async move {
            let _cleaning = cleaning;
            let (mut total,): (i64,) = arguments.extract()?;
            while total >= 0 {
                match out.yield_(total).await {
                    Ok(sent) => total += sent.as_i64().unwrap_or(0),
                    Err(fault) if fault.type_name == "Reset" => total = 0,
                    Err(fault) => return Err(fault),
                }
            }
            Ok(())
        }
    })
}

/// One task at a time: what comes next shows that the place of the one before is free.
fn peers(routine: Routine) -> Peers {
    let worker = WorkerOptions {
        concurrency: 1,
        ..WorkerOptions::default()
    };
    Peers::with(vec![routine], worker, Default::default())
}

fn open(peers: &Peers) -> ResultStream {
    peers.pool.stream("test.accumulate", (10,)).open().unwrap()
}

fn int(answer: Option<wool::Result<Value>>) -> i64 {
    answer.unwrap().unwrap().as_i64().unwrap()
}

fn failed(answer: Option<wool::Result<Value>>) -> Error {
    answer.unwrap().unwrap_err()
}

#[test]
fn a_generator_gets_what_is_sent_and_catches_what_is_thrown() {
    let cleaned = Cleaned::default();
    let peers = peers(accumulate(&cleaned));
    block_on(async {
        let mut sums = open(&peers);
        assert_eq!(int(sums.next().await), 10);
        assert_eq!(int(sums.send(5).await), 15);
        assert_eq!(int(sums.next().await), 15);
        assert_eq!(int(sums.throw(Fault::new("Reset", "")).await), 0);
        assert_eq!(int(sums.send(2).await), 2);
        // It ends on what it is sent, and is over then.
        assert!(sums.send(-3).await.is_none());
        assert!(sums.next().await.is_none());
        assert!(sums.send(1).await.is_none());
        assert!(sums.throw(Fault::new("Late", "")).await.is_none());
    });
    assert_eq!(cleaned.count(), 1);
    peers.close();
}

#[test]
fn what_is_not_caught_ends_the_stream_with_that_error() {
    let cleaned = Cleaned::default();
    let peers = peers(accumulate(&cleaned));
    block_on(async {
        let mut sums = open(&peers);
        assert_eq!(int(sums.next().await), 10);
        let thrown = Fault::new("Moth", "in the wool");
        let error = failed(sums.throw(thrown).await);
        assert_eq!(error.kind(), ErrorKind::TaskFailed);
        let fault = error.fault().unwrap();
        assert_eq!(
            (&*fault.type_name, &*fault.message),
            ("Moth", "in the wool")
        );
        assert!(sums.next().await.is_none());
        // Its place is free.
        assert_eq!(int(open(&peers).next().await), 10);
    });
    peers.close();
}

#[test]
fn what_is_thrown_first_is_the_outcome_and_nothing_runs() {
    let cleaned = Cleaned::default();
    let peers = peers(accumulate(&cleaned));
    block_on(async {
        let mut sums = open(&peers);
        let error = failed(sums.throw(Fault::new("Early", "bird")).await);
        assert_eq!(error.fault().unwrap().type_name, "Early");
        assert!(sums.next().await.is_none());
        let mut second = open(&peers);
        assert_eq!(int(second.next().await), 10);
        second.close().await.unwrap();
    });
    assert_eq!(cleaned.count(), 1);
    peers.close();
}

#[test]
fn sending_where_there_is_no_yield_is_refused_and_changes_nothing() {
    let peers = peers(accumulate(&Cleaned::default()));
    block_on(async {
        let mut sums = open(&peers);
        assert_eq!(
            failed(sums.send(1).await).kind(),
            ErrorKind::InvalidArgument
        );
        assert_eq!(int(sums.next().await), 10);
        // Asked for, and given up: the item is still to be taken.
        let mut asked = Box::pin(sums.next());
        assert!(poll_once(&mut asked).await.is_none());
        drop(asked);
        assert_eq!(
            failed(sums.send(1).await).kind(),
            ErrorKind::InvalidArgument
        );
        assert_eq!(int(sums.next().await), 10);
        assert_eq!(int(sums.send(1).await), 11);
        sums.close().await.unwrap();

        let mut ahead = peers.pool.stream("test.accumulate", (10,)).prefetch(4);
        ahead = ahead.tag("ahead");
        let mut ahead = ahead.open().unwrap();
        assert_eq!(int(ahead.next().await), 10);
        for refused in [ahead.send(1).await, ahead.throw(Fault::new("No", "")).await] {
            assert_eq!(failed(refused).kind(), ErrorKind::InvalidArgument);
        }
        assert_eq!(int(ahead.next().await), 10);
    });
    peers.close();
}

/// Polls a future once: `None` when it is not ready.
async fn poll_once<T>(future: &mut (impl Future<Output = T> + Unpin)) -> Option<T> {
    std::future::poll_fn(|cx| {
        std::task::Poll::Ready(match std::pin::Pin::new(&mut *future).poll(cx) {
            std::task::Poll::Ready(value) => Some(value),
            std::task::Poll::Pending => None,
        })
    })
    .await
}

#[test]
fn large_values_are_sent_in_parts() {
    let echo = Routine::stream("test.echo", |_task, _arguments, mut out| async move {
        let mut last = Value::Null;
        loop {
            last = out.yield_(last).await?;
        }
    });
    let peers = peers(echo);
    block_on(async {
        let mut echoes = peers.pool.stream("test.echo", ()).open().unwrap();
        assert_eq!(echoes.next().await.unwrap().unwrap(), Value::Null);
        for size in [0, 1, 100_000, 3 << 20] {
            let value = Value::from(vec![7_u8; size]);
            assert_eq!(echoes.send(value.clone()).await.unwrap().unwrap(), value);
        }
        echoes.close().await.unwrap();
    });
    peers.close();
}

#[test]
fn a_value_larger_than_the_worker_accepts_is_refused_and_the_stream_goes_on() {
    let worker = WorkerOptions {
        max_payload: 1000,
        ..WorkerOptions::default()
    };
    let routine = accumulate(&Cleaned::default());
    let peers = Peers::with(vec![routine], worker, Default::default());
    block_on(async {
        let mut sums = open(&peers);
        assert_eq!(int(sums.next().await), 10);
        let refused = failed(sums.send(Value::from(vec![0_u8; 2000])).await);
        assert_eq!(refused.kind(), ErrorKind::PayloadTooLarge);
        assert_eq!(int(sums.send(1).await), 11);
    });
    peers.close();
}

/// Yields `0 .. n-1`, counting each before it does; and a call that shows that the worker had its time.
fn counted() -> (Peers, Arc<AtomicI64>) {
    let yields = Arc::new(AtomicI64::new(0));
    let counter = Arc::clone(&yields);
    let count = Routine::stream("test.count", move |_task, arguments, mut out| {
        let counter = Arc::clone(&counter);
        async move {
            let (n,): (i64,) = arguments.extract()?;
            for i in 0..n {
                counter.fetch_add(1, Ordering::SeqCst);
                out.yield_(i).await?;
            }
            Ok(())
        }
    });
    let barrier = Routine::unary("test.barrier", |_task, _arguments| async { Ok(()) });
    (Peers::new(vec![count, barrier]), yields)
}

#[test]
fn prefetch_runs_ahead_as_far_as_it_was_told_and_no_farther() {
    let (peers, yields) = counted();
    block_on(async {
        let stream = peers.pool.stream("test.count", (100,));
        let mut numbers = stream.prefetch(8).open().unwrap();
        peers.pool.call("test.barrier", ()).await.unwrap();
        assert_eq!(yields.load(Ordering::SeqCst), 0);
        assert_eq!(int(numbers.next().await), 0);
        eventually(async || yields.load(Ordering::SeqCst) == 8).await;
        // A whole round trip: time for one that runs too far to show it.
        peers.pool.call("test.barrier", ()).await.unwrap();
        assert_eq!(yields.load(Ordering::SeqCst), 8);
        for expected in 1..100 {
            assert_eq!(int(numbers.next().await), expected);
            assert!(yields.load(Ordering::SeqCst) <= expected + 1 + 8);
        }
        assert!(numbers.next().await.is_none());
    });
    peers.close();
}

/// `WOOL_SOAK_ITEMS` of them: a soak takes a million, in as little memory as these.
const ITEMS: i64 = 20_000;

#[test]
fn however_long_a_stream_and_slow_its_consumer_no_more_is_under_way_than_was_asked_for() {
    let items = std::env::var("WOOL_SOAK_ITEMS").map_or(ITEMS, |items| items.parse().unwrap());
    let ahead = 256;
    let (peers, yields) = counted();
    block_on(async {
        let stream = peers.pool.stream("test.count", (items,));
        let mut numbers = stream.prefetch(ahead).open().unwrap();
        for expected in 0..items {
            assert_eq!(int(numbers.next().await), expected);
            if expected % 997 == 0 {
                // The worker has all the time it wants.
                peers.pool.call("test.barrier", ()).await.unwrap();
            }
            let under_way = yields.load(Ordering::SeqCst) - expected - 1;
            assert!(
                under_way <= i64::from(ahead),
                "{under_way} at item {expected}"
            );
        }
        assert!(numbers.next().await.is_none());
    });
    peers.close();
}

#[test]
fn a_yield_after_the_close_fails_the_task() {
    let stubborn = Routine::stream("test.stubborn", |_task, _arguments, mut out| async move {
        while out.yield_(1).await.is_ok() {}
        assert!(out.is_closed());
        out.yield_(2).await?;
        Ok(())
    });
    let peers = peers(stubborn);
    block_on(async {
        for _ in 0..2 {
            let mut items = peers.pool.stream("test.stubborn", ()).open().unwrap();
            assert_eq!(int(items.next().await), 1);
            let error = items.close().await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::TaskFailed);
            assert_eq!(error.fault().unwrap().type_name, "StreamClosed");
        }
    });
    peers.close();
}

#[test]
fn a_clean_up_that_fails_is_what_close_reports() {
    let untidy = Routine::stream("test.untidy", |_task, _arguments, mut out| async move {
        while out.yield_(1).await.is_ok() {}
        Err(Fault::new("Untidy", "left a mess"))
    });
    let peers = peers(untidy);
    block_on(async {
        let mut items = peers.pool.stream("test.untidy", ()).open().unwrap();
        assert_eq!(int(items.next().await), 1);
        let error = items.close().await.unwrap_err();
        assert_eq!(error.fault().unwrap().type_name, "Untidy");
    });
    peers.close();
}

/// Yields once, then never again.
fn stall(cleaned: &Cleaned) -> Routine {
    let cleaned = cleaned.clone();
    Routine::stream("test.stall", move |_task, _arguments, mut out| {
        let cleaning = Cleaning(cleaned.clone());
        async move {
            let _cleaning = cleaning;
            out.yield_(0).await?;
            pending().await
        }
    })
}

#[test]
fn a_step_beyond_its_budget_ends_the_stream_and_stops_the_routine() {
    let cleaned = Cleaned::default();
    let peers = peers(stall(&cleaned));
    block_on(async {
        let stream = peers.pool.stream("test.stall", ());
        let mut items = stream
            .step_timeout(Duration::from_millis(300))
            .open()
            .unwrap();
        assert_eq!(int(items.next().await), 0);
        // The clock stands still while nothing is asked for.
        tokio::time::sleep(Duration::from_millis(700)).await;
        assert_eq!(cleaned.count(), 0);
        let error = failed(items.next().await);
        assert_eq!(error.kind(), ErrorKind::DeadlineExceeded);
        eventually(async || cleaned.count() == 1).await;
        assert!(items.next().await.is_none());
    });
    peers.close();
}

#[test]
fn budgets_beyond_the_clock_are_none() {
    let peers = peers(accumulate(&Cleaned::default()));
    block_on(async {
        let mut sums = peers
            .pool
            .stream("test.accumulate", (1,))
            .step_timeout(Duration::MAX)
            .timeout(Duration::MAX)
            .dispatch_timeout(Duration::MAX)
            .open()
            .unwrap();
        assert_eq!(int(sums.next().await), 1);
    });
    peers.close();
}
