//! What is told of tasks: in order, in pairs, on both sides, and nothing to who does not listen.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests: a panic is a failure"
)]

mod common;

use std::net::{Shutdown, TcpStream};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use common::{Peers, block_on, eventually, socket_path};
use wool::{
    AdmissionHook, Decision, ErrorKind, Fault, PoolOptions, Routine, Runtime, RuntimeOptions,
    TaskEvent, TaskEventKind, TaskEvents, TaskSide, Uuid, Worker, WorkerOptions, WorkerPool,
};

fn routines() -> Vec<Routine> {
    let echo = Routine::unary("test.echo", |_task, arguments| async move {
        let (value,): (i64,) = arguments.extract()?;
        Ok(value)
    });
    let fail = Routine::unary("test.fail", |_task, _arguments| async {
        Err::<(), _>(Fault::new("Failed", "as asked"))
    });
    let panics = Routine::unary("test.panic", |_task, _arguments| async {
        if true {
            panic!("as asked");
        }
        Ok(())
    });
    let wait = Routine::unary("test.wait", |_task, _arguments| async {
        std::future::pending::<()>().await;
        Ok(())
    });
    let mirror = Routine::stream("test.mirror", |_task, arguments, mut out| async move {
        let (n,): (i64,) = arguments.extract()?;
        for i in 0..n {
            out.yield_(i).await.ok();
        }
        Ok(())
    });
    let blocking = Routine::blocking("test.blocking", |_task, _arguments| Ok(1));
    vec![echo, fail, panics, wait, mirror, blocking]
}

/// All that was told.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<TaskEvent>>>);

impl Told {
    fn listen(peers: &Peers) -> (Told, TaskEvents) {
        Told::by(&peers.runtime)
    }

    fn by(runtime: &Runtime) -> (Told, TaskEvents) {
        let told = Told::default();
        let events = Arc::clone(&told.0);
        let listening = runtime
            .on_task_event(0, move |event| events.lock().unwrap().push(event.clone()))
            .unwrap();
        (told, listening)
    }

    /// Of one side, in its order: the names without `task-`, with step and outcome.
    fn of(&self, side: TaskSide) -> Vec<String> {
        let events = self.0.lock().unwrap();
        let of_side = events.iter().filter(|event| event.side == side);
        of_side
            .map(|event| {
                let name = event.kind.name().trim_start_matches("task-").to_owned();
                let step = event.iteration.map(|step| format!(" {}", step.name()));
                let outcome = event.outcome.map(|outcome| match outcome {
                    Ok(()) => " OK".to_owned(),
                    Err(kind) => format!(" {kind}"),
                });
                name + &step.or(outcome).unwrap_or_default()
            })
            .collect()
    }

    /// Waits until as many tasks are completed on both sides.
    async fn completed(&self, tasks: usize) {
        self.ends(2 * tasks).await;
    }

    async fn ends(&self, count: usize) {
        eventually(async || {
            let events = self.0.lock().unwrap();
            let completed = events
                .iter()
                .filter(|event| event.kind == TaskEventKind::Completed);
            completed.count() == count
        })
        .await;
    }

    fn check(&self, caller: &[&str], worker: &[&str]) {
        assert_eq!(self.of(TaskSide::Caller), caller);
        assert_eq!(self.of(TaskSide::Worker), worker);
        self.0.lock().unwrap().clear();
    }
}

const UNARY_CALLER: [&str; 2] = ["created", "scheduled"];
const UNARY_WORKER: [&str; 3] = ["scheduled", "started", "stopped"];

#[test]
fn a_call_is_told_from_its_beginning_to_its_end() {
    let peers = Peers::new(routines());
    block_on(async {
        peers.pool.call("test.echo", (0,)).await.unwrap();
        let (told, listening) = Told::listen(&peers);
        for (routine, end) in [
            ("test.echo", "completed OK"),
            ("test.blocking", "completed OK"),
            ("test.fail", "completed TASK_FAILED"),
            ("test.panic", "completed PANIC"),
        ] {
            let _ = peers.pool.call(routine, (1,)).await;
            told.completed(1).await;
            {
                let events = told.0.lock().unwrap();
                let first = events[0].clone();
                assert!(events.iter().all(|event| event.id == first.id));
                assert!(events.iter().all(|event| &*event.routine == routine));
                assert!(events.iter().all(|event| event.caller.is_none()));
                let worker = |event: &TaskEvent| event.worker.is_some();
                assert!(events.iter().filter(|event| worker(event)).count() == events.len() - 1);
            }
            told.check(
                &[&UNARY_CALLER[..], &[end]].concat(),
                &[&UNARY_WORKER[..], &[end]].concat(),
            );
        }
        assert_eq!(listening.missed(), 0);
        drop(listening);
        peers.pool.call("test.echo", (0,)).await.unwrap();
        assert!(told.0.lock().unwrap().is_empty());
    });
    peers.close();
}

#[test]
fn each_step_of_a_stream_is_told() {
    let peers = Peers::new(routines());
    block_on(async {
        let (told, _listening) = Told::listen(&peers);
        let mut items = peers.pool.stream("test.mirror", (3,)).open().unwrap();
        items.next().await.unwrap().unwrap();
        items.send(1).await.unwrap().unwrap();
        items
            .throw(Fault::new("Thrown", ""))
            .await
            .unwrap()
            .unwrap();
        assert!(items.next().await.is_none());
        told.completed(1).await;
        told.check(
            &[
                "created",
                "iteration-initiated next",
                "scheduled",
                "iteration-completed next",
                "iteration-initiated send",
                "iteration-completed send",
                "iteration-initiated throw",
                "iteration-completed throw",
                "iteration-initiated next",
                "completed OK",
            ],
            &[
                "scheduled",
                "started",
                "iteration-started next",
                "iteration-completed next",
                "iteration-started send",
                "iteration-completed send",
                "iteration-started throw",
                "iteration-completed throw",
                "iteration-started next",
                "stopped",
                "completed OK",
            ],
        );
        // Closed at a yield, and goes on yielding.
        let mut items = peers.pool.stream("test.mirror", (3,)).open().unwrap();
        items.next().await.unwrap().unwrap();
        items.close().await.unwrap_err();
        told.completed(1).await;
        let worker = told.of(TaskSide::Worker);
        let end = ["stopped", "completed TASK_FAILED"];
        assert_eq!(worker[worker.len() - 2..], end);
    });
    peers.close();
}

#[test]
fn what_has_no_time_left_ends_for_that_reason() {
    // On a busy machine the time may be up before the task has begun; then it gets more.
    let began = [30, 300, 3_000]
        .map(Duration::from_millis)
        .into_iter()
        .any(|timeout| {
            let peers = Peers::new(routines());
            let (told, _listening) = Told::listen(&peers);
            let began = block_on(async {
                let call = peers.pool.call("test.wait", ()).timeout(timeout);
                let call = tokio::spawn(call.into_future());
                let began = || told.of(TaskSide::Worker).len() >= 2;
                eventually(async || began() || call.is_finished()).await;
                call.await.unwrap().unwrap_err();
                if !told.of(TaskSide::Worker).contains(&"started".to_owned()) {
                    return false;
                }
                told.completed(1).await;
                let caller = told.of(TaskSide::Caller);
                assert_eq!(caller.last().unwrap(), "completed DEADLINE_EXCEEDED");
                // The worker's clock or the caller's cancel, whichever came first.
                assert_eq!(told.of(TaskSide::Worker)[..3], UNARY_WORKER);
                true
            });
            peers.close();
            began
        });
    assert!(began);
}

#[test]
fn what_is_asked_for_ahead_is_told_step_by_step() {
    let peers = Peers::new(routines());
    block_on(async {
        let (told, _listening) = Told::listen(&peers);
        let ahead = peers.pool.stream("test.mirror", (2,)).prefetch(u32::MAX);
        let mut items = ahead.open().unwrap();
        while let Some(item) = items.next().await {
            item.unwrap();
        }
        told.completed(1).await;
        // The first may be asked for before or after the call is given to the worker.
        let mut caller = told.of(TaskSide::Caller);
        caller.retain(|event| event != "scheduled");
        assert_eq!(
            caller,
            [
                "created",
                "iteration-initiated next",
                "iteration-completed next",
                "iteration-initiated next",
                "iteration-completed next",
                "iteration-initiated next",
                "completed OK",
            ]
        );
    });
    peers.close();
}

#[test]
fn what_is_stopped_ends_for_that_reason() {
    let peers = Peers::new(routines());
    block_on(async {
        let (told, _listening) = Told::listen(&peers);
        let call = tokio::spawn(peers.pool.call("test.wait", ()).into_future());
        eventually(async || told.of(TaskSide::Worker).len() == 2).await;
        call.abort();
        told.completed(1).await;
        told.check(
            &[&UNARY_CALLER[..], &["completed CANCELLED"]].concat(),
            &[&UNARY_WORKER[..], &["completed CANCELLED"]].concat(),
        );
        peers.pool.call("test.nowhere", ()).await.unwrap_err();
        told.ends(1).await;
        told.check(&["created", "completed ROUTINE_NOT_FOUND"], &[]);
    });
    peers.close();
}

#[test]
fn a_call_that_waits_for_a_place_is_scheduled_when_it_has_one() {
    let worker = WorkerOptions {
        concurrency: 1,
        ..WorkerOptions::default()
    };
    let peers = Peers::with(routines(), worker, PoolOptions::default());
    block_on(async {
        let (told, _listening) = Told::listen(&peers);
        let first = tokio::spawn(peers.pool.call("test.wait", ()).into_future());
        eventually(async || told.of(TaskSide::Worker).len() == 2).await;
        let second = tokio::spawn(peers.pool.call("test.echo", (1,)).into_future());
        eventually(async || told.of(TaskSide::Caller).len() == 3).await;
        assert_eq!(told.of(TaskSide::Caller)[2], "created");
        first.abort();
        second.await.unwrap().unwrap();
        told.completed(2).await;
        let mut ids: Vec<Uuid> = told.0.lock().unwrap().iter().map(|e| e.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 2);
        let _ = first.await;
    });
    peers.close();
}

#[test]
fn what_is_cancelled_before_a_thread_takes_it_never_starts() {
    let gate = Arc::new((Mutex::new(false), Condvar::new()));
    let held = Arc::clone(&gate);
    let hold = Routine::blocking("test.hold", move |_task, _arguments| {
        let open = held.0.lock().unwrap();
        drop(held.1.wait_while(open, |open| !*open).unwrap());
        Ok(())
    });
    let one_thread = RuntimeOptions {
        routine_threads: 1,
        ..RuntimeOptions::default()
    };
    let runtime = Runtime::new(one_thread).unwrap();
    for routine in routines().into_iter().chain([hold]) {
        runtime.register(routine).unwrap();
    }
    let worker = Worker::start(&runtime, WorkerOptions::default()).unwrap();
    let pool = pool_of(&runtime, vec![worker.address().to_owned()]);
    block_on(async {
        let (told, _listening) = Told::by(&runtime);
        let first = tokio::spawn(pool.call("test.hold", ()).into_future());
        eventually(async || told.of(TaskSide::Worker).len() == 2).await;
        told.0.lock().unwrap().clear();
        let second = tokio::spawn(pool.call("test.blocking", ()).into_future());
        eventually(async || told.of(TaskSide::Worker) == ["scheduled"]).await;
        second.abort();
        told.completed(1).await;
        told.check(
            &[&UNARY_CALLER[..], &["completed CANCELLED"]].concat(),
            &["scheduled", "completed CANCELLED"],
        );
        *gate.0.lock().unwrap() = true;
        gate.1.notify_all();
        first.await.unwrap().unwrap();
    });
    runtime.close_blocking(None).unwrap();
}

fn pool_of(runtime: &Runtime, addresses: Vec<String>) -> WorkerPool {
    let options = PoolOptions {
        addresses,
        ..PoolOptions::default()
    };
    WorkerPool::new(runtime, options).unwrap()
}

#[test]
fn a_call_that_no_worker_gets_completes_at_its_caller_alone() {
    let runtime = Runtime::new(Default::default()).unwrap();
    let nowhere = format!("unix:{}", socket_path("events").display());
    let pool = pool_of(&runtime, vec![nowhere]);
    block_on(async {
        let (told, _listening) = Told::by(&runtime);
        let call = pool
            .call("test.echo", (1,))
            .dispatch_timeout(Duration::from_millis(30));
        let error = call.await.unwrap_err();
        told.ends(1).await;
        let end = format!("completed {}", error.kind());
        told.check(&["created", &end], &[]);

        let call = tokio::spawn(pool.call("test.echo", (1,)).into_future());
        eventually(async || told.of(TaskSide::Caller) == ["created"]).await;
        pool.close(|| {});
        call.await.unwrap().unwrap_err();
        told.ends(1).await;
        told.check(&["created", "completed CLOSED"], &[]);
        // What is refused was no call.
        pool.call("test.echo", (1,)).await.unwrap_err();
        assert!(told.0.lock().unwrap().is_empty());
    });
    runtime.close_blocking(None).unwrap();
}

#[test]
fn a_call_that_is_turned_away_is_scheduled_again() {
    let runtime = Runtime::new(Default::default()).unwrap();
    for routine in routines() {
        runtime.register(routine).unwrap();
    }
    let busy = WorkerOptions {
        admit: Some(Arc::new(AdmissionHook::blocking(|_call| {
            Ok(Decision::Busy("not now".to_owned()))
        }))),
        ..WorkerOptions::default()
    };
    let busy = Worker::start(&runtime, busy).unwrap();
    let free = Worker::start(&runtime, WorkerOptions::default()).unwrap();
    let addresses = [&busy, &free].map(|worker| worker.address().to_owned());
    let pool = pool_of(&runtime, addresses.to_vec());
    block_on(async {
        let both = async || {
            pool.status()
                .workers
                .iter()
                .all(|worker| worker.state == wool::WorkerState::Up)
        };
        eventually(both).await;
        // One of two calls comes to the busy worker first.
        let again = async || {
            let (told, _listening) = Told::by(&runtime);
            pool.call("test.echo", (1,)).await.unwrap();
            told.completed(1).await;
            assert_eq!(
                told.of(TaskSide::Worker),
                [&UNARY_WORKER[..], &["completed OK"]].concat()
            );
            let events = told.0.lock().unwrap();
            let scheduled = events.iter().filter(|event| {
                event.kind == TaskEventKind::Scheduled && event.side == TaskSide::Caller
            });
            let workers: Vec<_> = scheduled.map(|event| event.worker.unwrap()).collect();
            let ran = events.iter().find(|event| event.side == TaskSide::Worker);
            assert_eq!(workers.last(), ran.unwrap().worker.as_ref());
            workers.len() == 2 && workers[0] != workers[1]
        };
        eventually(again).await;
    });
    runtime.close_blocking(None).unwrap();
}

/// Passes one connection on, until what it gives is shut down.
fn between(path: &Path, address: String) -> JoinHandle<TcpStream> {
    let listener = UnixListener::bind(path).unwrap();
    std::thread::spawn(move || {
        let (near, _) = listener.accept().unwrap();
        let far = TcpStream::connect(address).unwrap();
        let mut there = (near.try_clone().unwrap(), far.try_clone().unwrap());
        let mut back = (far.try_clone().unwrap(), near);
        std::thread::spawn(move || std::io::copy(&mut there.0, &mut there.1));
        std::thread::spawn(move || {
            // It may end by an error as well.
            let _ = std::io::copy(&mut back.0, &mut back.1);
            back.1.shutdown(Shutdown::Both)
        });
        far
    })
}

#[test]
fn a_task_whose_caller_is_gone_completes_at_its_worker() {
    let runtimes = [(); 2].map(|()| Runtime::new(Default::default()).unwrap());
    let [caller, serving] = &runtimes;
    for routine in routines() {
        serving.register(routine).unwrap();
    }
    let worker = Worker::start(serving, WorkerOptions::default()).unwrap();
    let path = socket_path("events");
    let between = between(&path, worker.address().to_owned());
    block_on(async {
        let pool = pool_of(caller, vec![format!("unix:{}", path.display())]);
        let (at_caller, _listening) = Told::by(caller);
        let (at_worker, _also) = Told::by(serving);
        let call = tokio::spawn(pool.call("test.wait", ()).into_future());
        let connected = between.join().unwrap();
        eventually(async || at_worker.of(TaskSide::Worker).len() == 2).await;
        connected.shutdown(Shutdown::Both).unwrap();
        call.await.unwrap().unwrap_err();
        at_caller.ends(1).await;
        at_caller.check(
            &[&UNARY_CALLER[..], &["completed WORKER_LOST"]].concat(),
            &[],
        );
        at_worker.ends(1).await;
        at_worker.check(&[], &[&UNARY_WORKER[..], &["completed CANCELLED"]].concat());
    });
    std::fs::remove_file(path).unwrap();
    for runtime in &runtimes {
        runtime.close_blocking(None).unwrap();
    }
}

#[test]
fn who_is_slow_misses_events_and_holds_up_nobody() {
    let peers = Peers::new(routines());
    let gate = Arc::new((Mutex::new(false), Condvar::new()));
    let (entered, has_entered) = mpsc::channel();
    let held = Arc::clone(&gate);
    let listening = peers
        .runtime
        .on_task_event(4, move |_event| {
            let _ = entered.send(());
            let open = held.0.lock().unwrap();
            drop(held.1.wait_while(open, |open| !*open).unwrap());
        })
        .unwrap();
    block_on(async { peers.pool.call("test.echo", (0,)).await.unwrap() });
    has_entered.recv().unwrap();
    block_on(async {
        for n in 1..10 {
            peers.pool.call("test.echo", (n,)).await.unwrap();
        }
    });
    // Three events at the caller and four at the worker; one is being handled, four wait.
    block_on(async { eventually(async || listening.missed() == 10 * 7 - 5).await });
    drop(listening);
    *gate.0.lock().unwrap() = true;
    gate.1.notify_all();
    // Those that waited are not told any more.
    assert!(has_entered.recv().is_err());
    peers.close();
}

#[test]
fn a_handler_may_stop_itself_and_panic() {
    let peers = Peers::new(routines());
    let own: Arc<Mutex<Option<TaskEvents>>> = Arc::default();
    let (told, heard) = mpsc::channel();
    let stop = Arc::clone(&own);
    let listening = peers
        .runtime
        .on_task_event(0, move |event| {
            told.send(event.kind).unwrap();
            if event.kind == TaskEventKind::Created {
                panic!("as asked");
            }
            drop(stop.lock().unwrap().take());
        })
        .unwrap();
    *own.lock().unwrap() = Some(listening);
    block_on(async { peers.pool.call("test.echo", (1,)).await.unwrap() });
    assert_eq!(heard.recv().unwrap(), TaskEventKind::Created);
    assert_eq!(heard.recv().unwrap(), TaskEventKind::Scheduled);
    assert!(heard.recv().is_err());
    peers.runtime.close_blocking(None).unwrap();
    let closed = peers.runtime.on_task_event(0, |_| {}).unwrap_err();
    assert_eq!(closed.kind(), ErrorKind::Closed);
}
