//! One worker by its uid, one call for each of many inputs, one call on every worker.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests: a panic is a failure"
)]

mod common;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use common::{Counted, Peers, block_on, eventually};
use tokio::sync::Semaphore;
use wool::{
    Arguments, CallRequest, ErrorKind, FanOut, Fault, Grace, Next, Outcome, Payload, PoolOptions,
    Progress, Routine, Runtime, Value, Worker, WorkerOptions, WorkerPool, WorkerState, args,
    retryable,
};

/// Several workers of one process, each with a runtime of its own. `test.name` tells which one ran it, `test.hold` too, once
/// it is let go.
struct Farm {
    houses: Vec<House>,
    pool: WorkerPool,
}

struct House {
    runtime: Runtime,
    worker: Worker,
    held: Arc<AtomicUsize>,
    let_go: Arc<Semaphore>,
}

impl House {
    fn new(name: usize, concurrency: u32) -> House {
        let runtime = Runtime::new(Default::default()).unwrap();
        let held = Arc::new(AtomicUsize::new(0));
        let let_go = Arc::new(Semaphore::new(0));
        let (count, gate) = (Arc::clone(&held), Arc::clone(&let_go));
        let hold = Routine::unary("test.hold", move |_task, _arguments| {
            let held = Counted::new(&count);
            let gate = Arc::clone(&gate);
            async move {
                let _held = held;
                gate.acquire().await?.forget();
                Ok(name)
            }
        });
        let tell = Routine::unary("test.name", move |_, _| async move { Ok(name) });
        for routine in [hold, tell] {
            runtime.register(routine).unwrap();
        }
        let options = WorkerOptions {
            concurrency,
            ..WorkerOptions::default()
        };
        House {
            worker: Worker::start(&runtime, options).unwrap(),
            runtime,
            held,
            let_go,
        }
    }

    fn uid(&self) -> &str {
        self.worker.uid()
    }

    async fn holds(&self, count: usize) {
        eventually(async || self.held.load(Ordering::SeqCst) == count).await;
    }
}

impl Farm {
    fn new(count: usize, concurrency: u32) -> Farm {
        let houses: Vec<_> = (0..count)
            .map(|name| House::new(name, concurrency))
            .collect();
        let addresses = houses.iter().map(|house| house.worker.address().to_owned());
        let options = PoolOptions {
            addresses: addresses.collect(),
            quorum: count,
            ..PoolOptions::default()
        };
        let pool = WorkerPool::new(&houses[0].runtime, options).unwrap();
        let farm = Farm { houses, pool };
        block_on(async {
            farm.state_is(0, WorkerState::Up).await;
            eventually(async || {
                let workers = farm.pool.status().workers;
                workers.iter().all(|worker| worker.state == WorkerState::Up)
            })
            .await;
        });
        farm
    }

    async fn state_is(&self, house: usize, state: WorkerState) {
        let address = self.houses[house].worker.address();
        eventually(async || {
            let workers = self.pool.status().workers;
            workers
                .iter()
                .any(|worker| worker.address == address && worker.state == state)
        })
        .await;
    }

    fn close(self) {
        for house in self.houses {
            house.let_go.close();
            house
                .runtime
                .close_blocking(Some(Duration::from_secs(30)))
                .unwrap();
        }
    }
}

#[test]
fn a_call_on_a_worker_goes_to_that_one_only() {
    let farm = Farm::new(3, 0);
    block_on(async {
        for (name, house) in farm.houses.iter().enumerate() {
            for uid in [house.uid().to_owned(), house.uid().to_uppercase()] {
                for _ in 0..5 {
                    let told = farm.pool.call("test.name", ()).worker(&*uid).await.unwrap();
                    assert_eq!(told, Value::from(name));
                }
            }
        }
    });
    farm.close();
}

#[test]
fn a_call_on_a_worker_that_is_none_of_the_pool_ends_at_once() {
    let farm = Farm::new(2, 0);
    let stranger = House::new(9, 0);
    block_on(async {
        let call = |uid: &str| farm.pool.call("test.name", ()).worker(uid).into_future();
        let error = call(stranger.uid()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NoWorkersAvailable);
        assert!(retryable(&error));
        assert!(error.message().contains(stranger.uid()), "{error}");
        let error = call("number 9").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        let uid = farm.houses[1].uid();
        let other = farm.pool.call("test.other", ()).worker(uid);
        let error = other.await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::RoutineNotFound);
        assert!(error.message().contains(uid), "{error}");
        let mut items = farm
            .pool
            .stream("test.name", ())
            .worker(uid)
            .open()
            .unwrap();
        let error = items.next().await.unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    });
    stranger.runtime.close_blocking(None).unwrap();
    farm.close();
}

#[test]
fn a_call_waits_for_its_worker_while_that_may_come() {
    let house = House::new(7, 0);
    let runtime = Runtime::new(Default::default()).unwrap();
    let socket = common::socket_path("later");
    let pool = WorkerPool::new(
        &runtime,
        PoolOptions {
            addresses: vec![format!("unix:{}", socket.display())],
            ..PoolOptions::default()
        },
    )
    .unwrap();
    block_on(async {
        // Nobody has answered there, so it may be this one.
        let error = pool
            .call("test.name", ())
            .worker(house.uid())
            .dispatch_timeout(Duration::from_millis(50))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NoWorkersAvailable);
        assert!(error.message().contains(house.uid()) && retryable(&error));
        let mut waiting = Box::pin(pool.call("test.name", ()).worker(house.uid()).into_future());
        tokio::select! {
            answer = &mut waiting => panic!("{answer:?}"),
            () = eventually(async || pool.status().waiting == 1) => {}
        }
        // Another one answers: the call is not for it, and nobody else can come.
        let options = WorkerOptions {
            socket_path: Some(socket.clone()),
            ..WorkerOptions::default()
        };
        let other = Worker::start(&house.runtime, options).unwrap();
        let error = waiting.await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NoWorkersAvailable);
        let call = pool.call("test.name", ()).worker(other.uid());
        assert_eq!(call.await.unwrap(), Value::from(7));
    });
    house.runtime.close_blocking(None).unwrap();
    runtime.close_blocking(None).unwrap();
}

#[test]
fn a_call_waits_for_the_place_of_its_worker_and_for_no_other() {
    let farm = Farm::new(2, 1);
    let [full, free] = &farm.houses[..] else {
        panic!("two houses")
    };
    block_on(async {
        let on = |routine: &str, house: &House| {
            let call = farm.pool.call(routine, ()).worker(house.uid());
            tokio::spawn(call.into_future())
        };
        let held = on("test.hold", full);
        full.holds(1).await;
        let waiting = on("test.name", full);
        eventually(async || farm.pool.status().waiting == 1).await;
        // Places come and go at the other.
        for _ in 0..10 {
            on("test.name", free).await.unwrap().unwrap();
        }
        assert_eq!(farm.pool.status().waiting, 1);
        let late = farm.pool.call("test.name", ()).worker(full.uid());
        let late = late.dispatch_timeout(Duration::from_millis(50));
        let error = late.await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Busy);
        assert!(error.message().contains(full.uid()) && retryable(&error));
        full.let_go.add_permits(1);
        assert_eq!(held.await.unwrap().unwrap(), Value::from(0));
        assert_eq!(waiting.await.unwrap().unwrap(), Value::from(0));
    });
    farm.close();
}

#[test]
fn calls_that_wait_for_a_worker_end_when_it_drains() {
    let farm = Farm::new(2, 1);
    let leaving = &farm.houses[0];
    block_on(async {
        let on = |routine: &str| {
            let call = farm.pool.call(routine, ()).worker(leaving.uid());
            tokio::spawn(call.into_future())
        };
        let held = on("test.hold");
        leaving.holds(1).await;
        let waiting = on("test.name");
        eventually(async || farm.pool.status().waiting == 1).await;
        leaving.worker.stop(Grace::Forever, || {});
        let error = waiting.await.unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NoWorkersAvailable);
        assert!(
            error.message().contains("draining") && retryable(&error),
            "{error}"
        );
        let error = on("test.name").await.unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NoWorkersAvailable);
        leaving.let_go.add_permits(1);
        held.await.unwrap().unwrap();
        // Gone, and not to come back: that is known, too.
        farm.state_is(0, WorkerState::Down).await;
        let error = on("test.name").await.unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NoWorkersAvailable);
        let call = farm.pool.call("test.name", ());
        assert_eq!(call.await.unwrap(), Value::from(1));
    });
    farm.close();
}

/// `test.double` doubles, but fails with multiples of ten; it counts how many run, and at most.
fn doubling(running: &Arc<AtomicUsize>, most: &Arc<AtomicUsize>) -> Routine {
    let (running, most) = (Arc::clone(running), Arc::clone(most));
    Routine::unary("test.double", move |_, arguments: Arguments| {
        let counted = Counted::new(&running);
        most.fetch_max(running.load(Ordering::SeqCst), Ordering::SeqCst);
        async move {
            let _counted = counted;
            let (n,): (i64,) = arguments.extract()?;
            // So that others come before it.
            for _ in 0..n % 7 {
                tokio::task::yield_now().await;
            }
            if n % 10 == 0 {
                return Err(Fault::new("Tens", n.to_string()));
            }
            Ok(2 * n)
        }
    })
}

#[test]
fn a_map_gives_every_input_its_result_with_its_index() {
    let (running, most) = Default::default();
    let peers = Peers::new(vec![doubling(&running, &most)]);
    block_on(async {
        let mut map = peers.pool.map("test.double", 0..1_000).in_flight(8);
        let progress = map.progress();
        assert_eq!(progress.get().total, Some(1_000));
        let (mut seen, mut failed) = (BTreeSet::new(), 0);
        while let Some((index, result)) = map.next().await {
            assert!(seen.insert(index));
            match result {
                Ok(value) => assert_eq!(value, Value::from(2 * index)),
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::TaskFailed);
                    assert_eq!(error.fault().unwrap().message, index.to_string());
                    failed += 1;
                }
            }
            let Progress { added, done, .. } = progress.get();
            assert!(added - done <= 8 && done as usize >= seen.len());
        }
        assert!(map.next().await.is_none());
        assert_eq!((seen.len(), failed), (1_000, 100));
        let all = Progress {
            total: Some(1_000),
            added: 1_000,
            done: 1_000,
            failed: 100,
        };
        assert_eq!(progress.get(), all);
        assert!((1..=8).contains(&most.load(Ordering::SeqCst)));
    });
    peers.close();
}

#[test]
fn a_map_in_order_gives_results_in_the_order_of_inputs() {
    let (running, most) = Default::default();
    let peers = Peers::new(vec![doubling(&running, &most)]);
    block_on(async {
        let inputs = (0..500).filter(|n| n % 10 != 0);
        let mut map = peers.pool.map("test.double", inputs.clone()).ordered();
        let progress = map.progress();
        assert_eq!(progress.get().total, None);
        for (index, input) in inputs.enumerate() {
            let (at, result) = map.next().await.unwrap();
            assert_eq!((at, result.unwrap()), (index, Value::from(2 * input)));
        }
        assert!(map.next().await.is_none());
        assert_eq!(progress.get().total, Some(450));
    });
    peers.close();
}

#[test]
fn a_map_takes_no_more_inputs_than_it_can_call() {
    let farm = Farm::new(1, 0);
    let house = &farm.houses[0];
    let taken = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&taken);
    let inputs = std::iter::from_fn(move || {
        count.fetch_add(1, Ordering::SeqCst);
        Some(args![])
    });
    block_on(async {
        let mut map = farm.pool.map("test.hold", inputs).in_flight(5);
        tokio::select! {
            item = map.next() => panic!("{item:?}"),
            () = house.holds(5) => {}
        }
        assert_eq!(taken.load(Ordering::SeqCst), 5);
        house.let_go.add_permits(2);
        map.next().await.unwrap().1.unwrap();
        map.next().await.unwrap().1.unwrap();
        assert!(taken.load(Ordering::SeqCst) <= 7);
        let progress = map.progress();
        drop(map);
        // What was under way is cancelled, and nothing follows.
        house.holds(0).await;
        let Progress { added, done, .. } = progress.get();
        assert_eq!(added as usize, taken.load(Ordering::SeqCst));
        assert_eq!(done, 2);
        eventually(async || farm.pool.status().workers[0].in_flight == 0).await;
    });
    farm.close();
}

#[test]
fn inputs_beyond_those_that_are_called_wait_and_are_bounded() {
    let farm = Farm::new(1, 0);
    let house = &farm.houses[0];
    let arguments = Payload::arguments(&args![]).unwrap();
    let request = CallRequest::unary("test.hold", arguments.clone());
    let calls = FanOut::new(&farm.pool, request, 2, false);
    let moment = Some(Duration::from_millis(20));
    assert!(matches!(calls.next_blocking(None), Next::End));
    for _ in 0..4 {
        calls.add(arguments.clone()).unwrap();
    }
    let error = calls.add(arguments.clone()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Busy);
    block_on(house.holds(2));
    assert!(matches!(calls.next_blocking(moment), Next::Pending));
    // As calls end, those that wait are made; nobody has to ask for it.
    house.let_go.add_permits(3);
    block_on(eventually(async || calls.progress().done == 3));
    block_on(house.holds(1));
    assert!(calls.add(arguments.clone()).is_err());
    let mut seen = BTreeSet::new();
    for _ in 0..3 {
        match calls.next_blocking(None) {
            Next::Outcome { index, outcome } => {
                assert!(index < 4 && seen.insert(index));
                assert!(matches!(outcome, Outcome::Result(_)));
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(matches!(calls.next_blocking(moment), Next::Pending));
    calls.add(arguments).unwrap();
    block_on(house.holds(2));
    drop(calls);
    block_on(house.holds(0));
    farm.close();
}

#[test]
fn a_map_that_cannot_call_says_so_for_every_input() {
    let peers = Peers::new(Vec::new());
    let pool = &peers.pool;
    block_on(async {
        let mut kinds = Vec::new();
        for (routine, input) in [("test.none", Value::from(1)), ("", Value::from(1))] {
            let mut map = pool.map(routine, vec![input; 200]).in_flight(3);
            let mut count = 0;
            while let Some((_, result)) = map.next().await {
                kinds.push(result.unwrap_err().kind());
                count += 1;
            }
            assert_eq!(count, 200);
            assert_eq!(map.progress().get().failed, 200);
        }
        kinds.dedup();
        assert_eq!(
            kinds,
            [ErrorKind::RoutineNotFound, ErrorKind::InvalidArgument]
        );
        let none: [i64; 0] = [];
        assert!(pool.map("test.none", none).next().await.is_none());
    });
    peers.close();
}

#[test]
fn a_broadcast_reaches_every_worker_that_takes_calls_once() {
    let farm = Farm::new(4, 0);
    let only = Routine::unary("test.sole", |_, _| async { Ok("only") });
    farm.houses[2].runtime.register(only).unwrap();
    block_on(async {
        let mut told = farm.pool.broadcast("test.name", ()).open().unwrap();
        assert_eq!(told.workers(), 4);
        let mut seen = BTreeSet::new();
        while let Some((uid, result)) = told.next().await {
            let house = farm.houses.iter().position(|house| house.uid() == &*uid);
            assert_eq!(result.unwrap(), Value::from(house.unwrap()));
            assert!(seen.insert(uid));
        }
        assert_eq!(seen.len(), 4);
        eventually(async || {
            let Ok(mut told) = farm.pool.broadcast("test.sole", ()).open() else {
                return false;
            };
            let (uid, result) = told.next().await.unwrap();
            assert_eq!(&*uid, farm.houses[2].uid());
            assert_eq!(result.unwrap(), Value::from("only"));
            told.next().await.is_none()
        })
        .await;
        let Err(error) = farm.pool.broadcast("test.none", ()).open() else {
            panic!("nobody serves it");
        };
        assert_eq!(error.kind(), ErrorKind::RoutineNotFound);
        assert!(retryable(&error));
        let Err(error) = farm.pool.broadcast("", ()).open() else {
            panic!("that is no name");
        };
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    });
    farm.close();
}

#[test]
fn a_worker_that_a_broadcast_loses_is_an_error_of_its_own() {
    let farm = Farm::new(3, 0);
    block_on(async {
        let mut told = farm.pool.broadcast("test.hold", ()).open().unwrap();
        for house in &farm.houses {
            house.holds(1).await;
        }
        let lost = &farm.houses[1];
        lost.worker.stop(Grace::Now, || {});
        let (uid, result) = told.next().await.unwrap();
        assert_eq!(&*uid, lost.uid());
        assert!(!retryable(&result.unwrap_err()));
        for house in [&farm.houses[2], &farm.houses[0]] {
            house.let_go.add_permits(1);
            let (uid, result) = told.next().await.unwrap();
            assert_eq!(&*uid, house.uid());
            result.unwrap();
        }
        assert!(told.next().await.is_none());
        // Left early, it is cancelled; those that drain are left out.
        let told = farm.pool.broadcast("test.hold", ()).open().unwrap();
        assert_eq!(told.workers(), 2);
        farm.houses[0].holds(1).await;
        farm.houses[2].holds(1).await;
        drop(told);
        farm.houses[0].holds(0).await;
        farm.houses[2].holds(0).await;
        for house in &farm.houses {
            house.worker.stop(Grace::Now, || {});
        }
        eventually(async || match farm.pool.broadcast("test.name", ()).open() {
            Ok(_) => false,
            Err(error) => {
                assert!(retryable(&error));
                error.kind() == ErrorKind::NoWorkersAvailable
            }
        })
        .await;
    });
    farm.close();
}
