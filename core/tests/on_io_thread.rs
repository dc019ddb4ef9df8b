//! Routines and futures of the host's on the I/O thread.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use common::{Counted, Peers, block_on, eventually};
use wool::{ErrorKind, Fault, Routine, Runtime, Value, args};

fn thread_name() -> String {
    let thread = std::thread::current();
    thread.name().unwrap_or_default().to_owned()
}

#[allow(clippy::unwrap_used, reason = "a test's helper")]
fn on_io_thread(routine: Routine) -> Routine {
    routine.on_io_thread().unwrap()
}

#[test]
fn a_routine_runs_there_from_its_arguments_to_its_answer() {
    let peers = Peers::new(vec![
        on_io_thread(Routine::unary("io.where", |_task, _arguments| async {
            let before = thread_name();
            tokio::time::sleep(Duration::from_millis(1)).await;
            Ok(vec![before, thread_name()])
        })),
        on_io_thread(Routine::stream(
            "io.items",
            |_task, arguments, mut out| async move {
                let (n,): (i64,) = arguments.extract()?;
                for _ in 0..n {
                    out.yield_(thread_name()).await?;
                }
                Ok(())
            },
        )),
        Routine::unary("task.where", |_task, _arguments| async {
            Ok(thread_name())
        }),
    ]);
    block_on(async {
        let there = peers.pool.call("io.where", ()).await.unwrap();
        assert_eq!(there, Value::from(vec!["wool-io", "wool-io"]));
        let mut items = peers.pool.stream("io.items", (3,)).open().unwrap();
        for _ in 0..3 {
            assert_eq!(items.next().await.unwrap().unwrap(), Value::from("wool-io"));
        }
        assert!(items.next().await.is_none());
        let elsewhere = peers.pool.call("task.where", ()).await.unwrap();
        assert_eq!(elsewhere, Value::from("wool-task"));
    });
    peers.close();
}

#[test]
fn what_it_fails_with_fails_its_task_and_nothing_else() {
    let peers = Peers::new(vec![
        on_io_thread(Routine::unary("io.add", |_task, arguments| async move {
            let (a, b): (i64, i64) = arguments.extract()?;
            Ok(a + b)
        })),
        on_io_thread(Routine::unary("io.fail", |_task, _arguments| async {
            Err::<i64, _>(Fault::new("ValueError", "bad value"))
        })),
        on_io_thread(Routine::unary("io.panic", |_task, arguments| async move {
            assert!(!arguments.positional.is_empty(), "deliberate");
            Ok(0)
        })),
    ]);
    block_on(async {
        let failed = peers.pool.call("io.fail", ()).await.unwrap_err();
        assert_eq!(failed.kind(), ErrorKind::TaskFailed);
        let panicked = peers.pool.call("io.panic", ()).await.unwrap_err();
        assert_eq!(panicked.kind(), ErrorKind::Panic);
        let misfit = peers.pool.call("io.add", ("2", 3)).await.unwrap_err();
        assert_eq!(misfit.kind(), ErrorKind::TaskFailed);
        let sum = peers.pool.call("io.add", (2, 3)).await.unwrap();
        assert_eq!(sum, Value::from(5));
    });
    peers.close();
}

#[test]
fn a_cancel_drops_its_future() {
    let running = Arc::new(AtomicUsize::new(0));
    let counts = Arc::clone(&running);
    let waits = Routine::unary("io.wait", move |_task, _arguments| {
        let running = Counted::new(&counts);
        async move {
            std::future::pending::<()>().await;
            drop(running);
            Ok(0)
        }
    });
    let peers = Peers::new(vec![on_io_thread(waits)]);
    block_on(async {
        let call = peers
            .pool
            .call("io.wait", ())
            .timeout(Duration::from_millis(50));
        assert_eq!(call.await.unwrap_err().kind(), ErrorKind::DeadlineExceeded);
        eventually(async || running.load(Ordering::SeqCst) == 0).await;
    });
    peers.close();
}

#[test]
fn it_calls_others_and_waits_for_them() {
    let peers = Peers::new(vec![on_io_thread(Routine::unary(
        "io.fib",
        |_task, arguments| async move {
            let (n,): (i64,) = arguments.extract()?;
            if n < 2 {
                return Ok(Value::from(n));
            }
            let one = wool::call("io.fib", (n - 1,)).await?;
            let two = wool::call("io.fib", (n - 2,)).await?;
            Ok(Value::from(
                one.as_i64().unwrap_or(0) + two.as_i64().unwrap_or(0),
            ))
        },
    ))]);
    let sum = block_on(async { peers.pool.call("io.fib", (10,)).await.unwrap() });
    assert_eq!(sum, Value::from(55));
    peers.close();
}

#[test]
fn what_blocks_does_not_run_there() {
    let blocks = Routine::blocking("io.blocks", |_task, _arguments| Ok(1));
    let error = blocks.on_io_thread().err().unwrap();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    assert!(error.message().contains("io.blocks"), "{error}");
}

#[test]
fn a_future_runs_there_and_tells_what_comes_of_it() {
    let peers = Peers::new(vec![Routine::unary(
        "calc.add",
        |_task, arguments| async move {
            let (a, b): (i64, i64) = arguments.extract()?;
            Ok(a + b)
        },
    )]);
    let pool = peers.pool.clone();
    let sums = peers.runtime.spawn_on_io_thread(async move {
        assert_eq!(thread_name(), "wool-io");
        let mut sum = 0;
        for i in 0..100 {
            let answer = pool.call("calc.add", args![i, 1]).await?;
            sum += answer.as_i64().unwrap_or(0);
        }
        Ok::<_, wool::Error>(sum)
    });
    block_on(async {
        assert_eq!(sums.await.unwrap().unwrap(), 5050);
        let panics = peers.runtime.spawn_on_io_thread(async {
            assert!(thread_name().is_empty(), "deliberate");
        });
        assert_eq!(panics.await.unwrap_err().kind(), ErrorKind::TaskFailed);
        let sum = peers.pool.call("calc.add", (1, 2)).await.unwrap();
        assert_eq!(sum, Value::from(3));
        let waits = peers
            .runtime
            .spawn_on_io_thread(std::future::pending::<()>());
        waits.abort();
        assert_eq!(waits.await.unwrap_err().kind(), ErrorKind::Closed);
    });
    peers.close();
}

#[test]
fn a_close_ends_the_futures_that_run_there() {
    let runtime = Runtime::new(Default::default()).unwrap();
    let waits = runtime.spawn_on_io_thread(std::future::pending::<()>());
    runtime.close_blocking(None).unwrap();
    let late = runtime.spawn_on_io_thread(async { 1 });
    block_on(async {
        assert_eq!(waits.await.unwrap_err().kind(), ErrorKind::Closed);
        assert_eq!(late.await.unwrap_err().kind(), ErrorKind::Closed);
    });
}
