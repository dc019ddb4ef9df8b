//! Tasks that make tasks: by their caller's pool, as a tree, without deadlock, and stopped with their root.

#![allow(clippy::unwrap_used, reason = "tests: a panic is a failure")]

mod common;

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::{Counted, block_on, eventually};
use wool::{
    ErrorKind, Fault, PoolOptions, Routine, Runtime, RuntimeOptions, Uuid, Worker, WorkerOptions,
    WorkerPool, current_task,
};

/// What the tasks of some workers tell.
#[derive(Default)]
struct Seen {
    /// The caller of each task.
    callers: Mutex<HashMap<Uuid, Option<Uuid>>>,
    workers: Mutex<HashMap<Uuid, usize>>,
    /// Tasks of `test.wait` that wait.
    waiting: Arc<AtomicUsize>,
}

impl Seen {
    fn task(&self) {
        let task = current_task().unwrap();
        let info = task.info();
        self.callers.lock().unwrap().insert(info.id, info.caller);
        *self
            .workers
            .lock()
            .unwrap()
            .entry(info.worker_uid)
            .or_default() += 1;
    }
}

fn routines(seen: &Arc<Seen>) -> Vec<Routine> {
    let told = Arc::clone(seen);
    let fib = Routine::unary("test.fib", move |_task, arguments| {
        told.task();
        async move {
            let (n,): (i64,) = arguments.extract()?;
            if n < 2 {
                return Ok(n);
            }
            let a = wool::call("test.fib", (n - 1,));
            let b = wool::call("test.fib", (n - 2,));
            let (a, b) = (a.await?, b.await?);
            Ok(a.as_i64().unwrap() + b.as_i64().unwrap())
        }
    });
    let told = Arc::clone(seen);
    let down = Routine::stream("test.down", move |_task, arguments, mut out| {
        told.task();
        async move {
            let (n,): (i64,) = arguments.extract()?;
            out.yield_(n).await?;
            if n > 0 {
                let mut rest = wool::stream("test.down", (n - 1,)).open()?;
                while let Some(item) = rest.next().await {
                    out.yield_(item?).await?;
                }
            }
            Ok(())
        }
    });
    let told = Arc::clone(seen);
    let blocking = Routine::blocking("test.sum", move |task, arguments| {
        told.task();
        let (n,): (i64,) = arguments.extract()?;
        if n == 0 {
            return Ok(0);
        }
        let rest = task.wait(async { wool::call("test.sum", (n - 1,)).await })?;
        Ok(n + rest.as_i64().unwrap())
    });
    let told = Arc::clone(seen);
    let wait = Routine::unary("test.wait", move |_task, arguments| {
        let waiting = Arc::clone(&told.waiting);
        async move {
            let (n,): (i64,) = arguments.extract()?;
            let _waits = Counted::new(&waiting);
            if n > 0 {
                wool::call("test.wait", (n - 1,)).await?;
            }
            std::future::pending::<()>().await;
            Ok(())
        }
    });
    let left = Routine::unary("test.left", |task, arguments| async move {
        let (n,): (i64,) = arguments.extract()?;
        if n > 0 {
            return Ok::<_, Fault>(wool::call("test.left", (n - 1,)).await?);
        }
        let left = task.info().remaining().unwrap();
        Ok(i64::try_from(left.as_millis()).unwrap().into())
    });
    vec![fib, down, blocking, wait, left]
}

struct House {
    runtimes: Vec<Runtime>,
    workers: Vec<Worker>,
    caller: Runtime,
    pool: WorkerPool,
}

impl House {
    fn new(workers: usize, options: WorkerOptions, seen: &Arc<Seen>) -> House {
        let runtimes: Vec<_> = std::iter::repeat_with(|| {
            let options = RuntimeOptions {
                routine_threads: 1,
                ..RuntimeOptions::default()
            };
            Runtime::new(options).unwrap()
        })
        .take(workers)
        .collect();
        for runtime in &runtimes {
            for routine in routines(seen) {
                runtime.register(routine).unwrap();
            }
        }
        let workers: Vec<_> = runtimes
            .iter()
            .map(|runtime| Worker::start(runtime, options.clone()).unwrap())
            .collect();
        let caller = Runtime::new(Default::default()).unwrap();
        let pool = PoolOptions {
            addresses: workers.iter().map(|w| w.address().to_owned()).collect(),
            quorum: workers.len(),
            secret: options.secret,
            ..PoolOptions::default()
        };
        let pool = WorkerPool::new(&caller, pool).unwrap();
        House {
            runtimes,
            workers,
            caller,
            pool,
        }
    }

    fn close(self) {
        for runtime in [self.caller].iter().chain(&self.runtimes) {
            runtime
                .close_blocking(Some(Duration::from_secs(30)))
                .unwrap();
        }
        drop(self.workers);
    }
}

#[test]
fn a_recursion_spreads_over_the_workers_as_a_tree() {
    let seen = Arc::new(Seen::default());
    let house = House::new(2, WorkerOptions::default(), &seen);
    let result = block_on(async { house.pool.call("test.fib", (9,)).await.unwrap() });
    assert_eq!(result.as_i64(), Some(34));
    let callers = seen.callers.lock().unwrap().clone();
    // A fib(9) makes 109 tasks; all but the root were called by one of them.
    assert_eq!(callers.len(), 109);
    assert_eq!(
        callers.values().filter(|caller| caller.is_none()).count(),
        1
    );
    assert!(
        callers
            .values()
            .flatten()
            .all(|id| callers.contains_key(id))
    );
    assert_eq!(seen.workers.lock().unwrap().len(), 2);
    house.close();
}

#[test]
fn nested_streams_give_their_items_in_order() {
    let seen = Arc::new(Seen::default());
    let house = House::new(2, WorkerOptions::default(), &seen);
    block_on(async {
        let mut items = house.pool.stream("test.down", (12,)).open().unwrap();
        for n in (0..=12).rev() {
            let item = items.next().await.unwrap().unwrap();
            assert_eq!(item.as_i64(), Some(n));
        }
        assert!(items.next().await.is_none());
    });
    house.close();
}

#[test]
fn a_recursion_deeper_than_the_places_and_the_threads_ends() {
    let options = WorkerOptions {
        concurrency: 1,
        ..WorkerOptions::default()
    };
    for workers in [1, 2] {
        let seen = Arc::new(Seen::default());
        let house = House::new(workers, options.clone(), &seen);
        block_on(async {
            let result = house.pool.call("test.fib", (7,)).await.unwrap();
            assert_eq!(result.as_i64(), Some(13));
            let sum = house.pool.call("test.sum", (20,)).await.unwrap();
            assert_eq!(sum.as_i64(), Some(210));
            let mut items = house.pool.stream("test.down", (20,)).open().unwrap();
            let mut count = 0;
            while let Some(item) = items.next().await {
                item.unwrap();
                count += 1;
            }
            assert_eq!(count, 21);
            // All places are whole again.
            let calls: Vec<_> = (0..20).map(|_| house.pool.call("test.fib", (3,))).collect();
            for call in calls {
                assert_eq!(call.await.unwrap().as_i64(), Some(2));
            }
        });
        house.close();
    }
}

#[test]
fn a_root_that_is_cancelled_stops_its_tree() {
    let seen = Arc::new(Seen::default());
    let house = House::new(2, WorkerOptions::default(), &seen);
    block_on(async {
        let root = tokio::spawn({
            let pool = house.pool.clone();
            async move { pool.call("test.wait", (3,)).await }
        });
        eventually(async || seen.waiting.load(Ordering::SeqCst) == 4).await;
        root.abort();
        eventually(async || seen.waiting.load(Ordering::SeqCst) == 0).await;
        let late = house
            .pool
            .call("test.wait", (3,))
            .timeout(Duration::from_millis(50));
        let error = late.await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::DeadlineExceeded);
        eventually(async || seen.waiting.load(Ordering::SeqCst) == 0).await;
    });
    house.close();
}

#[test]
fn what_is_left_of_the_time_travels() {
    let seen = Arc::new(Seen::default());
    let house = House::new(1, WorkerOptions::default(), &seen);
    block_on(async {
        let budget = Duration::from_secs(100);
        let left = house.pool.call("test.left", (3,)).timeout(budget).await;
        let left = left.unwrap().as_i64().unwrap();
        assert!((1..=100_000).contains(&left), "{left}");
    });
    house.close();
}

#[test]
fn a_worker_presents_its_own_secret() {
    let seen = Arc::new(Seen::default());
    let options = WorkerOptions {
        secret: Some(b"wool".to_vec()),
        ..WorkerOptions::default()
    };
    let house = House::new(2, options, &seen);
    let result = block_on(async { house.pool.call("test.fib", (6,)).await.unwrap() });
    assert_eq!(result.as_i64(), Some(8));
    house.close();
}

#[test]
fn outside_of_a_task_a_pool_is_made_the_one_to_call_by() {
    let seen = Arc::new(Seen::default());
    let house = House::new(1, WorkerOptions::default(), &seen);
    block_on(async {
        assert!(current_task().is_none());
        let nobody = wool::call("test.fib", (5,)).await.unwrap_err();
        assert_eq!(nobody.kind(), ErrorKind::InvalidArgument);
        let inside = house
            .pool
            .scope(async { wool::call("test.fib", (5,)).await });
        assert_eq!(inside.await.unwrap().as_i64(), Some(5));
        assert!(wool::stream("test.down", (1,)).open().is_err());
    });
    house.close();
}
