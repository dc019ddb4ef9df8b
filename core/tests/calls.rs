//! Calls between a worker and a pool of one process, over real sockets.

mod common;

use std::future::IntoFuture;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use common::{Counted, Peers, block_on, eventually};
use wool::{Error, ErrorKind, Fault, Grace, PoolOptions, Routine, Value, WorkerOptions, args};

fn routines() -> Vec<Routine> {
    vec![
        Routine::unary("calc.add", |_task, arguments| async move {
            let (a, b): (i64, i64) = arguments.extract()?;
            Ok(a + b)
        }),
        Routine::unary("calc.echo", |_task, arguments| async move {
            let (value,): (Value,) = arguments.extract()?;
            Ok(value)
        }),
        Routine::unary("calc.fail", |_task, _arguments| async move {
            Err::<i64, _>(Fault::new("ValueError", "bad value"))
        }),
        Routine::unary("calc.panic", |_task, arguments| async move {
            assert!(!arguments.positional.is_empty(), "deliberate");
            Ok(0)
        }),
        Routine::stream("calc.count", |_task, arguments, mut out| async move {
            let (n,): (i64,) = arguments.extract()?;
            for i in 0..n {
                out.yield_(i).await?;
            }
            Ok(())
        }),
    ]
}

/// A routine that waits for ever and counts who waits.
fn waiting(running: &Arc<AtomicUsize>) -> Routine {
    let running = Arc::clone(running);
    Routine::unary("test.wait", move |_task, _arguments| {
        let running = Counted::new(&running);
        async move {
            std::future::pending::<()>().await;
            drop(running);
            Ok(0)
        }
    })
}

#[test]
fn a_unary_call_answers() {
    let peers = Peers::new(routines());
    let sum = block_on(async { peers.pool.call("calc.add", (2, 3)).await }).unwrap();
    assert_eq!(sum, Value::from(5));
    peers.close();
}

#[test]
fn a_stream_gives_its_items_in_order_and_ends() {
    let peers = Peers::new(routines());
    block_on(async {
        let mut items = peers.pool.stream("calc.count", (100,)).open().unwrap();
        for expected in 0..100 {
            assert_eq!(items.next().await.unwrap().unwrap(), Value::from(expected));
        }
        assert!(items.next().await.is_none());
        assert!(items.next().await.is_none());
    });
    peers.close();
}

#[test]
fn payloads_of_all_sizes_come_back_whole() {
    let peers = Peers::new(routines());
    block_on(async {
        for size in [
            0,
            1,
            16 << 10,
            (16 << 10) + 1,
            256 << 10,
            (1 << 20) + 7,
            100 << 20,
        ] {
            let bytes: Vec<u8> = (0..size).map(|i: usize| (i % 251) as u8).collect();
            let value = Value::from(bytes);
            let back = peers
                .pool
                .call("calc.echo", args![value.clone()])
                .await
                .unwrap();
            assert!(back == value, "{size} bytes came back changed");
        }
    });
    peers.close();
}

#[test]
fn many_large_payloads_at_once_share_the_window() {
    let peers = Peers::new(routines());
    block_on(async {
        let value = Value::from(vec![7u8; 12 << 20]);
        let calls: Vec<_> = (0..10)
            .map(|_| {
                tokio::spawn(
                    peers
                        .pool
                        .call("calc.echo", args![value.clone()])
                        .into_future(),
                )
            })
            .collect();
        for call in calls {
            assert!(call.await.unwrap().unwrap() == value);
        }
    });
    peers.close();
}

#[test]
fn a_fault_keeps_type_message_and_place() {
    let peers = Peers::new(routines());
    let error = block_on(async { peers.pool.call("calc.fail", ()).await }).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TaskFailed);
    let fault = error.fault().unwrap();
    assert_eq!(
        (fault.type_name.as_str(), fault.message.as_str()),
        ("ValueError", "bad value")
    );
    assert_eq!(fault.language, "rust");
    assert!(
        fault.traceback[0].contains("calls.rs"),
        "{:?}",
        fault.traceback
    );
    peers.close();
}

#[test]
fn wrong_arguments_are_named() {
    let peers = Peers::new(routines());
    let error = block_on(async { peers.pool.call("calc.add", ("x", 3)).await }).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TaskFailed);
    assert!(
        error.message().contains("int") && error.message().contains("string"),
        "{error}"
    );
    peers.close();
}

#[test]
fn a_panic_harms_one_task() {
    let peers = Peers::new(routines());
    block_on(async {
        let error = peers.pool.call("calc.panic", ()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Panic);
        assert!(error.message().contains("deliberate"), "{error}");
        assert!(peers.pool.call("calc.add", (1, 1)).await.is_ok());
    });
    peers.close();
}

#[test]
fn what_nobody_serves_is_refused_at_once() {
    let peers = Peers::new(routines());
    block_on(async {
        let error = peers.pool.call("calc.absent", ()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::RoutineNotFound);
        assert!(error.retryable());
        let error = peers.pool.call("calc.count", (1,)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        let error = peers.pool.call("no name", ()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        let error = peers
            .pool
            .stream("calc.add", (1, 1))
            .open()
            .unwrap()
            .next()
            .await;
        assert_eq!(
            error.unwrap().unwrap_err().kind(),
            ErrorKind::InvalidArgument
        );
    });
    peers.close();
}

#[test]
fn a_routine_registered_later_is_served_too() {
    let peers = Peers::new(routines());
    block_on(async {
        assert!(peers.pool.call("calc.add", (1, 1)).await.is_ok());
        let late = Routine::unary("test.late", |_, _| async { Ok(1) });
        peers.runtime.register(late.clone()).unwrap();
        assert_eq!(
            peers.runtime.register(late).unwrap_err().kind(),
            ErrorKind::AlreadyExists
        );
        eventually(async || peers.pool.call("test.late", ()).await.is_ok()).await;
    });
    peers.close();
}

#[test]
fn dropping_the_future_cancels_the_routine() {
    let running = Arc::new(AtomicUsize::new(0));
    let peers = Peers::new(vec![waiting(&running)]);
    block_on(async {
        let call = tokio::spawn(peers.pool.call("test.wait", ()).into_future());
        eventually(async || running.load(Ordering::SeqCst) == 1).await;
        call.abort();
        eventually(async || running.load(Ordering::SeqCst) == 0).await;
    });
    peers.close();
}

#[test]
fn a_deadline_ends_the_call_and_the_routine() {
    let running = Arc::new(AtomicUsize::new(0));
    let peers = Peers::new(vec![waiting(&running)]);
    block_on(async {
        let call = peers
            .pool
            .call("test.wait", ())
            .timeout(Duration::from_millis(50));
        assert_eq!(call.await.unwrap_err().kind(), ErrorKind::DeadlineExceeded);
        eventually(async || running.load(Ordering::SeqCst) == 0).await;
    });
    peers.close();
}

#[test]
fn closing_the_pool_ends_what_is_pending() {
    let running = Arc::new(AtomicUsize::new(0));
    let peers = Peers::new(vec![waiting(&running)]);
    block_on(async {
        let calls: Vec<_> = (0..10)
            .map(|_| tokio::spawn(peers.pool.call("test.wait", ()).into_future()))
            .collect();
        eventually(async || running.load(Ordering::SeqCst) == 10).await;
        peers.pool.close(|| {});
        for call in calls {
            assert_eq!(call.await.unwrap().unwrap_err().kind(), ErrorKind::Closed);
        }
        let error = peers.pool.call("test.wait", ()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Closed);
        eventually(async || running.load(Ordering::SeqCst) == 0).await;
    });
    peers.close();
}

#[test]
fn a_thousand_calls_at_once() {
    let peers = Peers::new(routines());
    block_on(async {
        let calls: Vec<_> = (0..1000)
            .map(|i| tokio::spawn(peers.pool.call("calc.add", (i, 1)).into_future()))
            .collect();
        for (i, call) in (0i64..).zip(calls) {
            assert_eq!(call.await.unwrap().unwrap(), Value::from(i + 1));
        }
    });
    peers.close();
}

#[test]
fn calls_made_while_the_pool_connects_all_find_the_worker() {
    let peers = Peers::new(routines());
    block_on(async {
        for _ in 0..100 {
            let options = PoolOptions {
                addresses: vec![peers.worker.address().to_owned()],
                ..PoolOptions::default()
            };
            let pool = wool::WorkerPool::new(&peers.runtime, options).unwrap();
            let calls: Vec<_> = (0..300)
                .map(|i| tokio::spawn(pool.call("calc.add", (i, 1)).into_future()))
                .collect();
            for call in calls {
                call.await.unwrap().unwrap();
            }
        }
    });
    peers.close();
}

#[test]
fn a_burst_beyond_the_limit_waits_and_succeeds() {
    let worker = WorkerOptions {
        concurrency: 4,
        ..WorkerOptions::default()
    };
    let peers = Peers::with(routines(), worker, PoolOptions::default());
    block_on(async {
        let calls: Vec<_> = (0..500)
            .map(|i| tokio::spawn(peers.pool.call("calc.add", (i, 1)).into_future()))
            .collect();
        for call in calls {
            call.await.unwrap().unwrap();
        }
    });
    peers.close();
}

#[test]
fn an_early_exit_runs_the_clean_up_at_the_yield_point() {
    let cleaned = Arc::new(AtomicUsize::new(0));
    let running = Arc::clone(&cleaned);
    let endless = Routine::stream("test.endless", move |_task, _arguments, mut out| {
        let counted = Counted::new(&running);
        async move {
            let _counted = counted;
            for i in 0.. {
                out.yield_(i).await?;
            }
            Ok(())
        }
    });
    let peers = Peers::new(vec![endless]);
    block_on(async {
        let mut items = peers.pool.stream("test.endless", ()).open().unwrap();
        for expected in 0..3 {
            assert_eq!(items.next().await.unwrap().unwrap(), Value::from(expected));
        }
        assert_eq!(cleaned.load(Ordering::SeqCst), 1);
        items.close().await.unwrap();
        assert_eq!(cleaned.load(Ordering::SeqCst), 0);
        let mut dropped = peers.pool.stream("test.endless", ()).open().unwrap();
        dropped.next().await.unwrap().unwrap();
        drop(dropped);
        eventually(async || cleaned.load(Ordering::SeqCst) == 0).await;
    });
    peers.close();
}

#[test]
fn a_draining_worker_finishes_what_runs_and_refuses_the_rest() {
    let gate = Arc::new(tokio::sync::Semaphore::new(0));
    let running = Arc::new(AtomicUsize::new(0));
    let inside = (Arc::clone(&gate), Arc::clone(&running));
    let gated = Routine::unary("test.gated", move |_, _| {
        let gate = Arc::clone(&inside.0);
        let counted = Counted::new(&inside.1);
        async move {
            let _counted = counted;
            let _permit = gate.acquire().await?;
            Ok(1)
        }
    });
    let peers = Peers::new(vec![gated]);
    block_on(async {
        let first = tokio::spawn(peers.pool.call("test.gated", ()).into_future());
        eventually(async || running.load(Ordering::SeqCst) == 1).await;
        let (done, stopped) = tokio::sync::oneshot::channel();
        peers.worker.stop(Grace::Forever, move || {
            let _ = done.send(());
        });
        let refused = peers
            .pool
            .call("test.gated", ())
            .dispatch_timeout(Duration::from_millis(200));
        let error = refused.await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NoWorkersAvailable, "{error}");
        assert!(error.retryable());
        gate.add_permits(1);
        assert_eq!(first.await.unwrap().unwrap(), Value::from(1));
        stopped.await.unwrap();
    });
    peers.close();
}

#[test]
fn a_lost_worker_is_told_and_a_new_one_is_found() {
    let running = Arc::new(AtomicUsize::new(0));
    let peers = Peers::new(vec![waiting(&running)]);
    block_on(async {
        let call = tokio::spawn(peers.pool.call("test.wait", ()).into_future());
        eventually(async || running.load(Ordering::SeqCst) == 1).await;
        peers.worker.stop(Grace::Now, || {});
        let error: Error = call.await.unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Cancelled, "{error}");
    });
    peers.close();
}

#[test]
fn options_that_cannot_work_are_refused_with_what_to_do() {
    let peers = Peers::new(vec![]);
    let start = |bind: &str| {
        let options = WorkerOptions {
            bind: bind.to_owned(),
            ..WorkerOptions::default()
        };
        wool::Worker::start(&peers.runtime, options)
            .map(|_| ())
            .unwrap_err()
    };
    assert_eq!(start("nonsense").kind(), ErrorKind::InvalidArgument);
    assert_eq!(start("0.0.0.0:0").kind(), ErrorKind::PermissionDenied);
    let taken = start(peers.worker.address());
    assert_eq!(taken.kind(), ErrorKind::Io);
    assert!(taken.message().contains("port 0"), "{taken}");
    let pool = |address: &str| {
        let options = PoolOptions {
            addresses: vec![address.to_owned()],
            ..Default::default()
        };
        wool::WorkerPool::new(&peers.runtime, options)
            .map(|_| ())
            .unwrap_err()
            .kind()
    };
    for wrong in [
        "",
        "host",
        "host:x",
        "host:0",
        "unix:relative",
        "http://host:1",
    ] {
        assert_eq!(pool(wrong), ErrorKind::InvalidArgument, "{wrong}");
    }
    assert_eq!(pool("192.0.2.1:1"), ErrorKind::PermissionDenied);
    peers.close();
}

#[test]
fn a_secret_is_asked_for_and_a_wrong_one_is_told() {
    let secret = |text: &str| Some(text.as_bytes().to_vec());
    let right = Peers::with(
        routines(),
        WorkerOptions {
            secret: secret("sesame"),
            ..Default::default()
        },
        PoolOptions {
            secret: secret("sesame"),
            ..Default::default()
        },
    );
    block_on(async { right.pool.call("calc.add", (1, 1)).await }).unwrap();
    right.close();
    let wrong = Peers::with(
        routines(),
        WorkerOptions {
            secret: secret("sesame"),
            ..Default::default()
        },
        PoolOptions {
            secret: secret("poppy"),
            dispatch_timeout: Duration::from_millis(300),
            ..Default::default()
        },
    );
    let error = block_on(async { wrong.pool.call("calc.add", (1, 1)).await }).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NoWorkersAvailable);
    assert!(error.message().contains("secret"), "{error}");
    wrong.close();
}

#[test]
fn a_unix_socket_serves_too_and_is_removed() {
    let path = common::socket_path("calls");
    let worker = WorkerOptions {
        socket_path: Some(path.clone()),
        ..Default::default()
    };
    let pool = PoolOptions {
        addresses: vec![format!("unix:{}", path.display())],
        ..PoolOptions::default()
    };
    let peers = Peers::with(routines(), worker, pool);
    let sum = block_on(async { peers.pool.call("calc.add", (2, 3)).await }).unwrap();
    assert_eq!(sum, Value::from(5));
    peers.close();
    assert!(!path.exists());
}

#[test]
fn too_large_is_the_callers_error_and_harms_nobody() {
    let worker = WorkerOptions {
        max_payload: 1 << 20,
        ..Default::default()
    };
    let peers = Peers::with(routines(), worker, PoolOptions::default());
    block_on(async {
        let large = Value::from(vec![0u8; 2 << 20]);
        let error = peers
            .pool
            .call("calc.echo", args![large])
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PayloadTooLarge);
        assert!(error.retryable());
        assert!(peers.pool.call("calc.add", (1, 1)).await.is_ok());
    });
    peers.close();
}
