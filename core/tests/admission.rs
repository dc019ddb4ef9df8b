//! Admission hooks, over real sockets.

#![allow(clippy::unwrap_used, reason = "tests: a panic is a failure")]

mod common;

use std::future::IntoFuture;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use common::{Peers, block_on, eventually};
use tokio::sync::mpsc;
use wool::{
    Admission, AdmissionHook, AdmissionInfo, AdmissionRequest, Decision, ErrorKind, Grace,
    PoolOptions, Routine, Runtime, Value, Worker, WorkerOptions, WorkerPool, args,
};

/// Counts its runs.
fn counting(runs: &Arc<AtomicUsize>) -> Vec<Routine> {
    let (unary, stream) = (Arc::clone(runs), Arc::clone(runs));
    vec![
        Routine::unary("test.size", move |_task, arguments| {
            unary.fetch_add(1, Ordering::SeqCst);
            async move {
                let (value,): (Value,) = arguments.extract()?;
                Ok(value.as_bytes().map_or(0, |bytes| bytes.len() as u64))
            }
        }),
        Routine::stream("test.count", move |_task, _arguments, mut out| {
            stream.fetch_add(1, Ordering::SeqCst);
            async move {
                for i in 0.. {
                    out.yield_(i).await?;
                }
                Ok(())
            }
        }),
    ]
}

fn admitting(admission: impl Admission) -> WorkerOptions {
    WorkerOptions {
        admit: Some(Arc::new(admission)),
        ..WorkerOptions::default()
    }
}

/// Hands the questions to the test, which answers them when it likes.
struct HandOver(mpsc::UnboundedSender<AdmissionRequest>);

impl Admission for HandOver {
    fn ask(&self, request: AdmissionRequest) {
        self.0.send(request).unwrap();
    }
}

/// One worker with one place, and a pool; the test decides.
struct Questioned {
    peers: Peers,
    questions: mpsc::UnboundedReceiver<AdmissionRequest>,
    runs: Arc<AtomicUsize>,
}

impl Questioned {
    fn new() -> Questioned {
        let (sender, questions) = mpsc::unbounded_channel();
        let runs = Arc::default();
        let options = WorkerOptions {
            concurrency: 1,
            ..admitting(HandOver(sender))
        };
        Questioned {
            peers: Peers::with(counting(&runs), options, PoolOptions::default()),
            questions,
            runs,
        }
    }

    fn call(&self) -> tokio::task::JoinHandle<wool::Result<Value>> {
        let call = self.peers.pool.call("test.size", args![Value::Null]);
        tokio::spawn(call.tag("asked").into_future())
    }

    async fn question(&mut self) -> AdmissionRequest {
        self.questions.recv().await.unwrap()
    }

    /// The only place is free: a further call gets it and runs.
    async fn another_passes(&mut self) {
        let before = self.runs.load(Ordering::SeqCst);
        let call = self.call();
        self.question().await.accept();
        call.await.unwrap().unwrap();
        assert_eq!(self.runs.load(Ordering::SeqCst), before + 1);
    }
}

#[test]
fn the_hook_decides_by_what_is_called_and_how_busy_the_worker_is() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let seeing = Arc::clone(&seen);
    let hook = AdmissionHook::new(move |call: AdmissionInfo| {
        seeing.lock().unwrap().push(call.clone());
        async move {
            Ok(match &*call.tag {
                "guest" => Decision::Refuse(format!("{} is not for guests", call.routine)),
                _ => Decision::Accept,
            })
        }
    });
    let runs = Arc::default();
    let peers = Peers::with(counting(&runs), admitting(hook), PoolOptions::default());
    block_on(async {
        let mut items = peers.pool.stream("test.count", ()).open().unwrap();
        items.next().await.unwrap().unwrap();
        let call = || peers.pool.call("test.size", args![Value::Null]);
        let error = call().tag("guest").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PermissionDenied);
        assert_eq!(error.message(), "test.size is not for guests");
        assert!(error.retryable());
        call().tag("member").await.unwrap();
        items.close().await.unwrap();
    });
    assert_eq!(runs.load(Ordering::SeqCst), 2);
    let seen = seen.lock().unwrap();
    let seen: Vec<_> = seen
        .iter()
        .map(|call| (&*call.routine, &*call.tag, call.in_flight))
        .collect();
    let expected = [
        ("test.count", "", 0),
        ("test.size", "guest", 1),
        ("test.size", "member", 1),
    ];
    assert_eq!(seen, expected);
    peers.close();
}

#[test]
fn a_busy_worker_sends_callers_to_another_one() {
    let asked = Arc::new(AtomicUsize::new(0));
    let asking = Arc::clone(&asked);
    let hook = AdmissionHook::blocking(move |_call| {
        asking.fetch_add(1, Ordering::SeqCst);
        Ok(Decision::Busy("having lunch".to_owned()))
    });
    let idle = Arc::default();
    let runtime = Runtime::new(Default::default()).unwrap();
    for routine in counting(&idle) {
        runtime.register(routine).unwrap();
    }
    let other = Worker::start(&runtime, WorkerOptions::default()).unwrap();
    let runs = Arc::default();
    let peers = Peers::with(counting(&runs), admitting(hook), PoolOptions::default());
    let both = PoolOptions {
        addresses: vec![
            peers.worker.address().to_owned(),
            other.address().to_owned(),
        ],
        ..PoolOptions::default()
    };
    let pool = WorkerPool::new(&peers.runtime, both).unwrap();
    block_on(async {
        for _ in 0..20 {
            pool.call("test.size", args![Value::Null]).await.unwrap();
        }
        // Alone, it is asked again and again, and in the end its word is the reason.
        let call = peers.pool.call("test.size", args![Value::Null]);
        let error = call
            .dispatch_timeout(Duration::from_millis(50))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Busy);
        assert_eq!(error.message(), "having lunch");
        assert!(error.retryable());
    });
    assert_eq!(idle.load(Ordering::SeqCst), 20);
    assert_eq!(runs.load(Ordering::SeqCst), 0);
    assert!(asked.load(Ordering::SeqCst) > 2);
    runtime.close_blocking(None).unwrap();
    peers.close();
}

#[test]
fn a_hook_that_does_not_decide_fails_its_call_only() {
    fn decide(tag: &str) -> Result<Decision, wool::Fault> {
        match tag {
            "panic" => panic!("the hook fell over"),
            "error" => Err(wool::Fault::new("IoError", "the list is missing")),
            _ => Ok(Decision::Accept),
        }
    }
    let hooks: [AdmissionHook; 2] = [
        AdmissionHook::new(|call| async move { decide(&call.tag) }),
        AdmissionHook::blocking(|call| decide(&call.tag)),
    ];
    for hook in hooks {
        let peers = Peers::with(
            counting(&Arc::default()),
            admitting(hook),
            PoolOptions::default(),
        );
        block_on(async {
            let call = |tag: &str| peers.pool.call("test.size", args![Value::Null]).tag(tag);
            for (tag, why) in [
                ("panic", "it panicked: the hook fell over"),
                ("error", "IoError: the list is missing"),
            ] {
                let error = call(tag).await.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Rejected);
                assert_eq!(error.message(), format!("the admission hook failed: {why}"));
                assert!(error.retryable());
            }
            call("fine").await.unwrap();
        });
        peers.close();
    }
}

#[test]
fn a_question_that_is_dropped_is_answered() {
    let mut asked = Questioned::new();
    block_on(async {
        let call = asked.call();
        drop(asked.question().await);
        let error = call.await.unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Rejected);
        assert!(error.message().contains("without an answer"), "{error}");
        asked.another_passes().await;
    });
    asked.peers.close();
}

/// Lets hooks that block go on.
#[derive(Default)]
struct Barrier {
    open: Mutex<bool>,
    opened: Condvar,
    waiting: AtomicUsize,
}

impl Barrier {
    fn pass(&self) {
        let mut open = self.open.lock().unwrap();
        self.waiting.fetch_add(1, Ordering::SeqCst);
        while !*open {
            open = self.opened.wait(open).unwrap();
        }
    }

    fn open(&self) {
        *self.open.lock().unwrap() = true;
        self.opened.notify_all();
    }
}

#[test]
fn a_hook_that_blocks_holds_up_its_call_only() {
    let barrier = Arc::new(Barrier::default());
    let holding = Arc::clone(&barrier);
    let hook = AdmissionHook::blocking(move |call| {
        if &*call.tag == "hold" {
            holding.pass();
        }
        Ok(Decision::Accept)
    });
    let runs = Arc::default();
    let peers = Peers::with(counting(&runs), admitting(hook), PoolOptions::default());
    block_on(async {
        let call = |tag: &str| {
            let call = peers.pool.call("test.size", args![Value::Null]);
            tokio::spawn(call.tag(tag).into_future())
        };
        let held: Vec<_> = (0..8).map(|_| call("hold")).collect();
        eventually(async || barrier.waiting.load(Ordering::SeqCst) == 8).await;
        let others: Vec<_> = (0..100).map(|_| call("")).collect();
        for other in others {
            other.await.unwrap().unwrap();
        }
        assert_eq!(runs.load(Ordering::SeqCst), 100);
        barrier.open();
        for call in held {
            call.await.unwrap().unwrap();
        }
    });
    peers.close();
}

#[test]
fn arguments_arrive_while_the_hook_decides() {
    let mut asked = Questioned::new();
    block_on(async {
        // Far more than the windows hold.
        let bytes = Value::from(vec![7_u8; 100 << 20]);
        let call = asked.peers.pool.call("test.size", args![bytes]);
        let call = tokio::spawn(call.into_future());
        let question = asked.question().await;
        assert_eq!(question.routine(), "test.size");
        assert_eq!(asked.runs.load(Ordering::SeqCst), 0);
        question.accept();
        let size = call.await.unwrap().unwrap();
        assert_eq!(size.as_i64(), Some(100 << 20));
    });
    asked.peers.close();
}

#[test]
fn a_caller_that_leaves_while_the_hook_decides_frees_the_place_at_once() {
    let mut asked = Questioned::new();
    block_on(async {
        let call = asked.call();
        let mut question = asked.question().await;
        call.abort();
        question.abandoned().await;
        assert!(question.is_abandoned());
        asked.another_passes().await;
        // Too late, and harmless.
        question.accept();
        asked.another_passes().await;
        assert_eq!(asked.runs.load(Ordering::SeqCst), 2);
    });
    asked.peers.close();
}

#[test]
fn a_budget_that_is_used_up_while_the_hook_decides_frees_the_place_at_once() {
    let mut asked = Questioned::new();
    block_on(async {
        let call = asked.peers.pool.call("test.size", args![Value::Null]);
        let call = tokio::spawn(call.timeout(Duration::from_millis(50)).into_future());
        let mut question = asked.question().await;
        let error = call.await.unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::DeadlineExceeded);
        question.abandoned().await;
        asked.another_passes().await;
        question.refuse("too late");
        assert_eq!(asked.runs.load(Ordering::SeqCst), 1);
    });
    asked.peers.close();
}

#[test]
fn a_stream_that_is_closed_while_the_hook_decides_never_begins() {
    let mut asked = Questioned::new();
    block_on(async {
        let mut items = asked.peers.pool.stream("test.count", ()).open().unwrap();
        let first = tokio::time::timeout(Duration::from_millis(1), items.next());
        assert!(first.await.is_err());
        let mut question = asked.question().await;
        items.close().await.unwrap();
        question.abandoned().await;
        assert_eq!(asked.runs.load(Ordering::SeqCst), 0);
        asked.another_passes().await;
    });
    asked.peers.close();
}

#[test]
fn a_worker_that_stops_waits_for_no_answer() {
    let mut asked = Questioned::new();
    block_on(async {
        let call = asked.call();
        let mut question = asked.question().await;
        let stopped = Arc::new(AtomicBool::new(false));
        let stopping = Arc::clone(&stopped);
        // Nothing was taken: even the longest grace is over at once.
        let done = move || stopping.store(true, Ordering::SeqCst);
        asked.peers.worker.stop(Grace::Forever, done);
        question.abandoned().await;
        eventually(async || stopped.load(Ordering::SeqCst)).await;
        question.accept();
        call.abort();
        assert_eq!(asked.runs.load(Ordering::SeqCst), 0);
    });
    asked.peers.close();
}

#[test]
fn what_a_stopping_worker_has_not_let_in_goes_to_another() {
    let mut asked = Questioned::new();
    let runtime = Runtime::new(Default::default()).unwrap();
    let runs = Arc::default();
    for routine in counting(&runs) {
        runtime.register(routine).unwrap();
    }
    let other = Worker::start(&runtime, WorkerOptions::default()).unwrap();
    let both = PoolOptions {
        addresses: vec![
            asked.peers.worker.address().to_owned(),
            other.address().to_owned(),
        ],
        ..PoolOptions::default()
    };
    let pool = WorkerPool::new(&runtime, both).unwrap();
    block_on(async {
        let mut calls = Vec::new();
        let question = loop {
            let call = pool.call("test.size", args![Value::Null]);
            calls.push(tokio::spawn(call.into_future()));
            let question = tokio::time::timeout(Duration::from_millis(20), asked.question());
            if let Ok(question) = question.await {
                break question;
            }
        };
        asked.peers.worker.stop(Grace::Forever, || {});
        let count = calls.len();
        for call in calls {
            call.await.unwrap().unwrap();
        }
        question.accept();
        assert_eq!(runs.load(Ordering::SeqCst), count);
    });
    assert_eq!(asked.runs.load(Ordering::SeqCst), 0);
    runtime.close_blocking(None).unwrap();
    asked.peers.close();
}

#[test]
fn a_session_that_is_lost_while_the_hook_decides_frees_the_place_at_once() {
    let mut asked = Questioned::new();
    block_on(async {
        let runtime = Runtime::new(Default::default()).unwrap();
        let options = PoolOptions {
            addresses: vec![asked.peers.worker.address().to_owned()],
            ..PoolOptions::default()
        };
        let pool = WorkerPool::new(&runtime, options).unwrap();
        let call = tokio::spawn(pool.call("test.size", args![Value::Null]).into_future());
        let mut question = asked.question().await;
        runtime.close(|| {});
        let error = call.await.unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Closed);
        question.abandoned().await;
        asked.another_passes().await;
        question.accept();
        assert_eq!(asked.runs.load(Ordering::SeqCst), 1);
    });
    asked.peers.close();
}

#[test]
fn a_long_message_is_cut_with_a_note() {
    let hook = AdmissionHook::new(|_| async { Ok(Decision::Refuse("no ".repeat(100_000))) });
    let peers = Peers::with(
        counting(&Arc::default()),
        admitting(hook),
        PoolOptions::default(),
    );
    block_on(async {
        let calls: Vec<_> = (0..100)
            .map(|_| {
                let call = peers.pool.call("test.size", args![Value::Null]);
                tokio::spawn(call.into_future())
            })
            .collect();
        for call in calls {
            let error = call.await.unwrap().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::PermissionDenied);
            assert!(error.message().ends_with("more bytes)"));
        }
    });
    peers.close();
}
