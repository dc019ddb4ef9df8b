//! Bursts and hosts that take their time, over real sockets: counted, not timed.

#![allow(clippy::unwrap_used, reason = "tests: a panic is a failure")]

mod common;

use std::future::IntoFuture;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};

use common::{Peers, block_on, eventually};
use wool::value::Arguments;
use wool::{
    CallObserver, CallRequest, Outcome, Payload, PoolOptions, Routine, RuntimeOptions, Value,
    Worker, WorkerOptions, WorkerPool, WorkerState, args,
};

const CALLS: usize = 10_000;
const CONCURRENCY: usize = 16;

fn few_at_once() -> WorkerOptions {
    WorkerOptions {
        concurrency: CONCURRENCY as u32,
        ..WorkerOptions::default()
    }
}

/// Gives as many bytes as it is asked for, and counts.
fn giving(runs: &Arc<AtomicUsize>) -> Routine {
    let runs = Arc::clone(runs);
    Routine::unary("test.give", move |_task, arguments| {
        runs.fetch_add(1, Ordering::SeqCst);
        async move {
            let (size,): (usize,) = arguments.extract()?;
            Ok(Value::from(vec![7_u8; size]))
        }
    })
}

#[test]
fn a_burst_of_ten_thousand_neither_fails_nor_costs_a_worker() {
    let runs = Arc::default();
    let peers = Peers::with(vec![giving(&runs)], few_at_once(), PoolOptions::default());
    block_on(async {
        let calls: Vec<_> = (0..CALLS)
            .map(|_| tokio::spawn(peers.pool.call("test.give", (1,)).into_future()))
            .collect();
        for call in calls {
            call.await.unwrap().unwrap();
        }
    });
    assert_eq!(runs.load(Ordering::SeqCst), CALLS);
    let status = peers.pool.status();
    assert_eq!(status.workers.len(), 1);
    assert_eq!(status.workers[0].state, WorkerState::Up);
    assert_eq!(status.waiting, 0);
    assert!(status.problems.is_empty());
    peers.close();
}

/// Keeps its outcome, as a host does that does not look at it.
struct Keeps(Arc<Mutex<Vec<Outcome>>>);

impl CallObserver for Keeps {
    fn item(&mut self, _item: Payload) {}

    fn finish(self: Box<Self>, outcome: Outcome) {
        self.0.lock().unwrap().push(outcome);
    }
}

#[test]
fn results_that_nobody_reads_do_not_pile_up() {
    const SIZE: usize = 32 << 10;
    /// What a session takes before its host has read anything.
    const WINDOW: usize = 64 << 20;
    let runs = Arc::default();
    let peers = Peers::with(vec![giving(&runs)], few_at_once(), PoolOptions::default());
    let kept = Arc::new(Mutex::new(Vec::new()));
    let arguments = Payload::arguments(&Arguments::from((SIZE,))).unwrap();
    for _ in 0..CALLS {
        let request = CallRequest::unary("test.give", arguments.clone());
        let keeps = Box::new(Keeps(Arc::clone(&kept)));
        peers.pool.submit(request, keeps).unwrap();
    }
    block_on(async {
        let options = PoolOptions {
            addresses: vec![peers.worker.address().to_owned()],
            ..PoolOptions::default()
        };
        let other = WorkerPool::new(&peers.runtime, options).unwrap();
        let full = WINDOW / SIZE / 2;
        eventually(async || kept.lock().unwrap().len() >= full).await;
        // Others are served meanwhile; and however long nobody reads, no more is begun than the window and the
        // calls that are open at once can hold.
        for _ in 0..1000 {
            other.call("test.give", (1,)).await.unwrap();
        }
        let begun = runs.load(Ordering::SeqCst) - 1000;
        assert!(begun <= WINDOW / SIZE + 1 + CONCURRENCY, "{begun} have run");
        let mut read = 0;
        while read < CALLS {
            let outcomes = std::mem::take(&mut *kept.lock().unwrap());
            for outcome in outcomes {
                let Outcome::Result(payload) = outcome else {
                    panic!("{outcome:?}");
                };
                assert!(payload.len() > SIZE);
                read += 1;
            }
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
    });
    assert_eq!(runs.load(Ordering::SeqCst), CALLS + 1000);
    peers.close();
}

#[test]
fn a_large_argument_holds_up_no_small_call() {
    let sized = Routine::unary("test.size", |_task, arguments| async move {
        let (value,): (Value,) = arguments.extract()?;
        Ok(value.as_bytes().map_or(0, |bytes| bytes.len() as u64))
    });
    let peers = Peers::new(vec![sized]);
    block_on(async {
        let size = |bytes: usize| {
            let call = peers
                .pool
                .call("test.size", args![Value::from(vec![7_u8; bytes])]);
            tokio::spawn(call.into_future())
        };
        let large = size(100 << 20);
        let small: Vec<_> = (0..1000).map(size).collect();
        for (len, call) in small.into_iter().enumerate() {
            assert_eq!(call.await.unwrap().unwrap().as_i64(), Some(len as i64));
        }
        assert_eq!(large.await.unwrap().unwrap().as_i64(), Some(100 << 20));
    });
    peers.close();
}

/// Keeps a thread busy until it is told to stop.
fn spinning(stop: &Arc<AtomicBool>, spinning: &Arc<AtomicUsize>) -> Routine {
    let (stop, spinning) = (Arc::clone(stop), Arc::clone(spinning));
    Routine::unary("test.spin", move |_task, _arguments| {
        let (stop, spinning) = (Arc::clone(&stop), Arc::clone(&spinning));
        async move {
            spinning.fetch_add(1, Ordering::SeqCst);
            while !stop.load(Ordering::SeqCst) {
                std::thread::yield_now();
            }
            Ok(())
        }
    })
}

/// Peers whose routines have so many threads.
fn on_threads(threads: usize, routines: Vec<Routine>) -> Peers {
    let runtime = wool::Runtime::new(RuntimeOptions {
        routine_threads: threads,
        ..RuntimeOptions::default()
    })
    .unwrap();
    for routine in routines {
        runtime.register(routine).unwrap();
    }
    let worker = Worker::start(&runtime, WorkerOptions::default()).unwrap();
    let options = PoolOptions {
        addresses: vec![worker.address().to_owned()],
        ..PoolOptions::default()
    };
    let pool = WorkerPool::new(&runtime, options).unwrap();
    Peers {
        runtime,
        worker,
        pool,
    }
}

#[test]
fn an_async_routine_that_computes_on_one_of_three_threads_holds_up_no_others() {
    let (stop, spins) = (Arc::default(), Arc::default());
    let waits = Routine::unary("test.waits", |_task, _arguments| async move {
        tokio::task::yield_now().await;
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        Ok(())
    });
    let count = Routine::stream("test.count", |_task, _arguments, mut out| async move {
        for i in 0..5 {
            out.yield_(i).await?;
        }
        Ok(())
    });
    let runs = Arc::default();
    let routines = vec![spinning(&stop, &spins), giving(&runs), waits, count];
    let peers = on_threads(3, routines);
    block_on(async {
        // Together with others, so that they come in one batch, in every order.
        let mut others = Vec::new();
        let mut busy = Vec::new();
        for round in 0..40 {
            if round == 7 || round == 23 {
                busy.push(tokio::spawn(peers.pool.call("test.spin", ()).into_future()));
            }
            others.push(tokio::spawn(
                peers.pool.call("test.waits", ()).into_future(),
            ));
            others.push(tokio::spawn(
                peers.pool.call("test.give", (1,)).into_future(),
            ));
        }
        for call in others {
            call.await.unwrap().unwrap();
        }
        assert_eq!(spins.load(Ordering::SeqCst), 2);
        for _ in 0..100 {
            peers.pool.call("test.give", (1,)).await.unwrap();
        }
        let mut items = peers.pool.stream("test.count", ()).open().unwrap();
        let mut count = 0;
        while let Some(item) = items.next().await {
            item.unwrap();
            count += 1;
        }
        assert_eq!(count, 5);
        stop.store(true, Ordering::SeqCst);
        for call in busy {
            call.await.unwrap().unwrap();
        }
    });
    peers.close();
}

#[test]
fn routines_that_block_hold_up_neither_async_ones_nor_more_than_their_threads() {
    let gate = Arc::new((Mutex::new(false), Condvar::new()));
    let blocked = Arc::new(AtomicUsize::new(0));
    let (waiting, counting) = (Arc::clone(&gate), Arc::clone(&blocked));
    let block = Routine::blocking("test.block", move |_task, arguments| {
        let (n,): (u64,) = arguments.extract()?;
        counting.fetch_add(1, Ordering::SeqCst);
        let (open, opened) = &*waiting;
        let mut open = open.lock().unwrap();
        while !*open {
            open = opened.wait(open).unwrap();
        }
        Ok(n)
    });
    let runs = Arc::default();
    let peers = on_threads(2, vec![block, giving(&runs)]);
    block_on(async {
        let call = |n: u64| tokio::spawn(peers.pool.call("test.block", (n,)).into_future());
        let mut calls: Vec<_> = (0..5).map(call).collect();
        eventually(async || blocked.load(Ordering::SeqCst) == 2).await;
        for _ in 0..100 {
            peers.pool.call("test.give", (1,)).await.unwrap();
        }
        assert_eq!(blocked.load(Ordering::SeqCst), 2);
        // One that has not begun never does.
        let unwanted = calls.remove(4);
        unwanted.abort();
        assert!(unwanted.await.is_err());
        peers.pool.call("test.give", (1,)).await.unwrap();
        let (open, opened) = &*gate;
        *open.lock().unwrap() = true;
        opened.notify_all();
        for (n, call) in calls.into_iter().enumerate() {
            assert_eq!(call.await.unwrap().unwrap().as_i64(), Some(n as i64));
        }
        assert_eq!(blocked.load(Ordering::SeqCst), 4);
    });
    peers.close();
}

#[test]
fn a_routine_that_blocks_may_fail_and_panic() {
    let odd = Routine::blocking("test.odd", |_task, arguments| {
        let (what,): (String,) = arguments.extract()?;
        match &*what {
            "fail" => Err(wool::Fault::new("OddError", "it is odd")),
            "panic" => panic!("deliberate"),
            // Deeper than values may be.
            "deep" => Ok((0..1000).fold(Value::Null, |inner, _| Value::List(vec![inner]))),
            _ => Ok(Value::from(what)),
        }
    });
    let peers = Peers::new(vec![odd]);
    block_on(async {
        let call = |what: &str| peers.pool.call("test.odd", (what,)).into_future();
        let fault = call("fail").await.unwrap_err().fault().unwrap().clone();
        assert_eq!(fault.type_name, "OddError");
        assert!(fault.traceback[0].contains("bounds.rs"));
        let error = call("panic").await.unwrap_err();
        assert_eq!(error.kind(), wool::ErrorKind::Panic);
        assert!(error.message().contains("deliberate"));
        let error = call("deep").await.unwrap_err();
        assert_eq!(error.kind(), wool::ErrorKind::Codec);
        assert_eq!(call("fine").await.unwrap().as_str(), Some("fine"));
    });
    peers.close();
}
