//! A soak: ends of calls race with one another, in an order that is drawn by lot. `WOOL_SOAK_RACES` says how many calls
//! (2,000), `WOOL_SOAK_SEED` which order; a failure names it.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test: a panic is a failure, and what it prints tells how to have it again"
)]

#[path = "../common/dice.rs"]
mod dice;
mod proxy;
mod round;

#[path = "../common/mod.rs"]
mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use common::{Counted, block_on, eventually};
use dice::{Dice, drawn, number};
use proxy::Proxy;
use round::{Round, Tally};
use wool::{Grace, Routine, Runtime, Worker, WorkerOptions};

const RACES: usize = 2_000;
const CALLS_OF_A_ROUND: usize = 100;
/// Fewer than a round's calls, so that some wait.
const CONCURRENCY: u32 = 48;
/// No round takes this long unless something hangs.
const WATCHDOG: Duration = Duration::from_secs(120);

/// What calls end with here.
const ENDS: [&str; 7] = [
    "result",
    "end",
    "CANCELLED",
    "CLOSED",
    "DEADLINE_EXCEEDED",
    "TASK_FAILED",
    "WORKER_LOST",
];

#[test]
fn every_call_has_one_outcome_whatever_ends_it() {
    let races = number("WOOL_SOAK_RACES").map_or(RACES, |races| races as usize);
    let seed = number("WOOL_SOAK_SEED").unwrap_or_else(drawn);
    println!("{races} races, WOOL_SOAK_SEED={seed}");
    let mut dice = Dice::new(seed);
    let running = Arc::new(AtomicUsize::new(0));
    let runtime = Runtime::new(Default::default()).unwrap();
    for routine in routines(&running) {
        runtime.register(routine).unwrap();
    }
    let options = WorkerOptions {
        concurrency: CONCURRENCY,
        ..WorkerOptions::default()
    };
    let worker = Worker::start(&runtime, options).unwrap();
    let proxy = Proxy::start(worker.address());
    let (mut calls, mut tally) = (0, Tally::new());
    while calls < races {
        let round = Round::draw(&mut dice, CALLS_OF_A_ROUND.min(races - calls));
        calls += round.calls();
        for (how, count) in round.play(&proxy) {
            *tally.entry(how).or_default() += count;
        }
    }
    println!("{tally:?}");
    assert_eq!(tally.values().sum::<usize>(), races);
    // These and no others; and each of them, else there were no races.
    assert!(tally.keys().all(|how| ENDS.contains(how)));
    assert!(tally.len() == ENDS.len() || races < RACES);
    // No routine runs, and every place is free: else the stop, which cancels nothing, would never be over.
    block_on(eventually(async || running.load(Ordering::SeqCst) == 0));
    worker
        .stop_blocking(Grace::Forever, Some(WATCHDOG))
        .unwrap();
    runtime.close_blocking(Some(WATCHDOG)).unwrap();
}

fn routines(running: &Arc<AtomicUsize>) -> Vec<Routine> {
    let counter = Arc::clone(running);
    let quick = Routine::unary("race.quick", move |_task, _arguments| {
        let running = Counted::new(&counter);
        async move {
            let _running = running;
            Ok(1)
        }
    });
    let counter = Arc::clone(running);
    let slow = Routine::unary("race.slow", move |_task, _arguments| {
        let running = Counted::new(&counter);
        async move {
            let _running = running;
            for _ in 0..20 {
                tokio::task::yield_now().await;
            }
            Ok(vec![7_i64; 10_000])
        }
    });
    let counter = Arc::clone(running);
    let never = Routine::unary("race.never", move |_task, _arguments| {
        let running = Counted::new(&counter);
        async move {
            let _running = running;
            std::future::pending::<()>().await;
            Ok(())
        }
    });
    let counter = Arc::clone(running);
    let blocking = Routine::blocking("race.blocking", move |_task, _arguments| {
        let _running = Counted::new(&counter);
        std::thread::yield_now();
        Ok(1)
    });
    let counter = Arc::clone(running);
    let few = Routine::stream("race.few", move |_task, _arguments, mut out| {
        let running = Counted::new(&counter);
        async move {
            let _running = running;
            for i in 0..3 {
                out.yield_(i).await?;
            }
            Ok(())
        }
    });
    let counter = Arc::clone(running);
    let endless = Routine::stream("race.endless", move |_task, _arguments, mut out| {
        let running = Counted::new(&counter);
        async move {
            let _running = running;
            for i in 0.. {
                out.yield_(i).await?;
            }
            Ok(())
        }
    });
    vec![quick, slow, never, blocking, few, endless]
}
