//! Pools whose workers come and go: what only shows within one process, where both sides can be seen.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "tests: a panic is a failure"
)]

mod common;

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use common::{block_on, eventually};
use tokio::sync::oneshot;
use wool::{
    Discovery, ErrorKind, Grace, LocalDiscovery, PoolOptions, Routine, Runtime, TurnedAwayReason,
    Value, Worker, WorkerOptions, WorkerOrigin, WorkerPool, WorkerState,
};

/// A place for records that goes away with the test.
struct Place {
    folder: PathBuf,
}

impl Place {
    fn new() -> Place {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("wool-pools-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir(&folder).unwrap();
        Place { folder }
    }

    fn discovery(&self) -> Option<Discovery> {
        let local = LocalDiscovery::new("sheep").unwrap();
        Some(Discovery::Local(local.in_directory(&self.folder)))
    }

    fn pool(&self, runtime: &Runtime, options: PoolOptions) -> WorkerPool {
        let options = PoolOptions {
            discovery: self.discovery(),
            ..options
        };
        WorkerPool::new(runtime, options).unwrap()
    }

    fn worker(&self, routine: Routine, options: WorkerOptions) -> (Runtime, Worker) {
        let runtime = Runtime::new(Default::default()).unwrap();
        runtime.register(routine).unwrap();
        let options = WorkerOptions {
            publish: self.discovery(),
            ..options
        };
        let worker = Worker::start(&runtime, options).unwrap();
        (runtime, worker)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.folder).unwrap();
    }
}

fn says(name: &'static str, answer: &'static str) -> Routine {
    Routine::unary(name, move |_task, _arguments| async move { Ok(answer) })
}

async fn up(pool: &WorkerPool, count: usize) {
    eventually(async || {
        let workers = pool.status().workers;
        workers.len() == count && workers.iter().all(|worker| worker.state == WorkerState::Up)
    })
    .await;
}

fn close(runtimes: Vec<Runtime>) {
    for runtime in runtimes {
        runtime
            .close_blocking(Some(Duration::from_secs(30)))
            .unwrap();
    }
}

#[test]
fn workers_that_do_not_serve_a_routine_are_no_candidates() {
    let place = Place::new();
    let caller = Runtime::new(Default::default()).unwrap();
    let pool = place.pool(&caller, PoolOptions::default());
    let (one, _first) = place.worker(says("sheep.baa", "baa"), WorkerOptions::default());
    let (two, _second) = place.worker(says("cow.moo", "moo"), WorkerOptions::default());
    block_on(async {
        up(&pool, 2).await;
        for _ in 0..20 {
            assert_eq!(
                pool.call("sheep.baa", ()).await.unwrap(),
                Value::from("baa")
            );
            assert_eq!(pool.call("cow.moo", ()).await.unwrap(), Value::from("moo"));
        }
        let error = pool.call("dog.woof", ()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::RoutineNotFound);
        assert!(error.message().contains("dog.woof"), "{error}");
    });
    drop(pool);
    close(vec![caller, one, two]);
}

#[test]
fn a_routine_that_only_a_later_worker_serves_is_found_once_it_is_there() {
    let place = Place::new();
    let caller = Runtime::new(Default::default()).unwrap();
    let pool = place.pool(&caller, PoolOptions::default());
    block_on(async {
        let call = async { pool.call("sheep.baa", ()).await };
        let come = async {
            eventually(async || pool.status().waiting == 1).await;
            place.worker(says("sheep.baa", "baa"), WorkerOptions::default())
        };
        let (answer, (runtime, _worker)) = tokio::join!(call, come);
        assert_eq!(answer.unwrap(), Value::from("baa"));
        close(vec![runtime]);
    });
    drop(pool);
    close(vec![caller]);
}

#[test]
fn a_worker_that_is_withdrawn_finishes_its_calls() {
    let place = Place::new();
    let caller = Runtime::new(Default::default()).unwrap();
    let pool = place.pool(&caller, PoolOptions::default());
    let (open, gate) = oneshot::channel::<()>();
    let gate = std::sync::Mutex::new(Some(gate));
    let waits = Routine::unary("sheep.sleep", move |_task, _arguments| {
        let gate = gate.lock().unwrap().take();
        async move {
            gate.expect("called once")
                .await
                .expect("the gate is opened");
            Ok("awake")
        }
    });
    let (runtime, worker) = place.worker(waits, WorkerOptions::default());
    block_on(async {
        up(&pool, 1).await;
        let call = tokio::spawn({
            let pool = pool.clone();
            async move { pool.call("sheep.sleep", ()).await }
        });
        eventually(async || {
            pool.status()
                .workers
                .iter()
                .any(|worker| worker.in_flight == 1)
        })
        .await;
        worker.stop(Grace::Forever, || {});
        eventually(async || pool.status().workers.is_empty()).await;
        open.send(()).unwrap();
        assert_eq!(call.await.unwrap().unwrap(), Value::from("awake"));
    });
    drop(pool);
    close(vec![caller, runtime]);
}

#[test]
fn a_status_says_who_is_there_and_who_is_not_and_why() {
    let place = Place::new();
    let caller = Runtime::new(Default::default()).unwrap();
    let options = PoolOptions {
        tags: vec!["merino".to_owned()],
        ..PoolOptions::default()
    };
    let pool = place.pool(&caller, options);
    let tagged = WorkerOptions {
        tags: vec!["merino".to_owned(), "young".to_owned()],
        concurrency: 7,
        ..WorkerOptions::default()
    };
    let (one, first) = place.worker(says("sheep.baa", "baa"), tagged);
    let (two, second) = place.worker(says("sheep.baa", "baa"), WorkerOptions::default());
    block_on(async {
        up(&pool, 1).await;
        eventually(async || pool.status().turned_away.len() == 1).await;
    });
    let status = pool.status();
    let worker = &status.workers[0];
    assert_eq!(worker.uid, first.uid());
    assert_eq!(worker.origin, WorkerOrigin::Found);
    assert_eq!(worker.tags, ["merino", "young"]);
    assert_eq!((worker.capacity, worker.in_flight), (7, 0));
    assert_eq!(worker.language, "rust");
    assert_eq!(worker.pid, std::process::id());
    assert_eq!(worker.routines.len(), 1);
    assert_eq!(worker.routines[0].name, "sheep.baa");
    let away = &status.turned_away[0];
    assert_eq!(away.key, second.uid());
    assert_eq!(away.reason, TurnedAwayReason::Tags);
    assert!(away.message.contains("merino"), "{}", away.message);
    assert_eq!(status.turned_away_counts, [(TurnedAwayReason::Tags, 1)]);
    let value = status.to_value().unwrap();
    let map = value.as_map().unwrap();
    assert_eq!(map.get("waiting"), Some(&Value::from(0)));
    drop(pool);
    close(vec![caller, one, two]);
}

#[test]
fn a_quorum_of_one_is_waited_for_as_long_as_it_says() {
    let place = Place::new();
    let caller = Runtime::new(Default::default()).unwrap();
    let options = PoolOptions {
        quorum: 1,
        quorum_timeout: Duration::from_millis(100),
        ..PoolOptions::default()
    };
    let pool = place.pool(&caller, options);
    assert!(!pool.status().quorum_reached);
    block_on(async {
        let error = pool.call("sheep.baa", ()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NoWorkersAvailable);
        assert!(error.message().contains("quorum of 1"), "{error}");
    });
    drop(pool);
    close(vec![caller]);
}

#[test]
fn a_routine_whose_worker_is_down_is_waited_for() {
    let caller = Runtime::new(Default::default()).unwrap();
    let start = |name, bind: &str| {
        let runtime = Runtime::new(Default::default()).unwrap();
        runtime.register(says(name, name)).unwrap();
        let options = WorkerOptions {
            bind: bind.to_owned(),
            ..WorkerOptions::default()
        };
        let worker = Worker::start(&runtime, options).unwrap();
        (runtime, worker)
    };
    let (sheep, first) = start("sheep.baa", "127.0.0.1:0");
    let (cow, second) = start("cow.moo", "127.0.0.1:0");
    let address = first.address().to_owned();
    let options = PoolOptions {
        addresses: vec![address.clone(), second.address().to_owned()],
        ..PoolOptions::default()
    };
    let pool = WorkerPool::new(&caller, options).unwrap();
    block_on(async {
        up(&pool, 2).await;
        first.stop(Grace::Now, || {});
        eventually(async || {
            let workers = pool.status().workers;
            workers
                .iter()
                .any(|worker| worker.state == WorkerState::Down)
        })
        .await;
        let call = async { pool.call("sheep.baa", ()).await };
        let come_back = async {
            eventually(async || pool.status().waiting == 1).await;
            start("sheep.baa", &address)
        };
        let (answer, (again, _worker)) = tokio::join!(call, come_back);
        assert_eq!(answer.unwrap(), Value::from("sheep.baa"));
        close(vec![again]);
    });
    drop(pool);
    close(vec![caller, sheep, cow]);
}

#[test]
fn options_that_contradict_each_other_are_refused() {
    let runtime = Runtime::new(Default::default()).unwrap();
    let refused = |options: PoolOptions| {
        let error = WorkerPool::new(&runtime, options).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
    };
    refused(PoolOptions {
        spawn: Some(0),
        ..PoolOptions::default()
    });
    refused(PoolOptions {
        spawn: Some(1_000_000),
        ..PoolOptions::default()
    });
    refused(PoolOptions {
        addresses: vec!["127.0.0.1:1".to_owned()],
        quorum: 2,
        ..PoolOptions::default()
    });
    let place = Place::new();
    refused(PoolOptions {
        discovery: place.discovery(),
        lease: 1,
        quorum: 2,
        ..PoolOptions::default()
    });
    close(vec![runtime]);
}

#[test]
fn this_program_is_not_started_again_unless_it_says_where_it_becomes_a_worker() {
    let runtime = Runtime::new(Default::default()).unwrap();
    let error = WorkerPool::new(&runtime, PoolOptions::default())
        .err()
        .unwrap();
    assert_eq!(error.kind(), ErrorKind::SpawnFailed);
    assert!(error.message().contains("serve_if_spawned"), "{error}");
    close(vec![runtime]);
}
