//! A worker process that serves, and how it ends.

use nix::sys::signal::Signal;

use super::*;
use crate::{ErrorKind, PoolOptions, WorkerPool};

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let executor = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    executor.block_on(async {
        tokio::time::timeout(WATCHDOG, future)
            .await
            .expect("the test hangs")
    })
}

fn pool(runtime: &Runtime, address: &str, dispatch_timeout: Duration) -> WorkerPool {
    let options = PoolOptions {
        addresses: vec![address.to_owned()],
        dispatch_timeout,
        ..PoolOptions::default()
    };
    WorkerPool::new(runtime, options).unwrap()
}

#[test]
fn workers_serve_until_they_are_stopped() {
    let spawned = Spawned::new(act("serve"), 2);
    let mut workers = [spawned.ready(), spawned.ready()];
    workers.sort();
    assert_eq!(
        workers.iter().map(|worker| worker.0).collect::<Vec<_>>(),
        [0, 1]
    );
    for (slot, address, pid) in &workers {
        let pool = pool(&spawned.runtime, address, WATCHDOG);
        let answer = block_on(async { pool.call("test.pid", ()).await }).unwrap();
        assert_eq!(answer.as_i64(), Some(i64::from(*pid)));
        let process = &spawned.spawner.status()[*slot];
        // `sh` and `env` have become the worker.
        assert_eq!(process.pid, Some(*pid));
        assert_eq!((process.state, process.restarts), (SlotState::Serving, 0));
        assert!(process.uid.is_some());
    }
    let stories = spawned.stop(Grace::Forever);
    assert_eq!(stories.len(), 2);
    for (story, (_, _, pid)) in stories.iter().zip(&workers) {
        assert!(story.contains("ended with exit status 0"), "{story}");
        assert_gone(*pid);
    }
}

#[test]
fn a_killed_worker_is_replaced() {
    let spawned = Spawned::new(act("serve"), 1);
    let (_, _, pid) = spawned.ready();
    signal(pid, Signal::SIGKILL);
    let SpawnEvent::Ended { slot, uid, story } = spawned.next() else {
        panic!("not ended");
    };
    assert_gone(pid);
    assert_eq!(slot, 0);
    assert!(uid.is_some());
    assert!(story.contains("signal 9 (SIGKILL)"), "{story}");
    let (_, _, next) = spawned.ready();
    assert_ne!(next, pid);
    assert_eq!(spawned.spawner.status()[0].restarts, 1);
    spawned.stop(Grace::Now);
}

#[test]
fn a_wrapper_command_may_stay_or_become_the_worker() {
    for script in ["exec \"$@\" >/dev/null", "\"$@\" >/dev/null; true"] {
        let spawned = Spawned::new(wrapped(&["sh", "-c", script, "sh"], "serve"), 1);
        let (_, _, pid) = spawned.ready();
        let started = spawned.spawner.status()[0].pid;
        assert_eq!(started == Some(pid), script.starts_with("exec"));
        let stories = spawned.stop(Grace::Now);
        assert!(stories[0].contains("exit status 0"), "{stories:?}");
        assert!(!runs(pid));
    }
}

#[test]
fn a_worker_behind_a_wrapper_is_killed_with_it() {
    let times = SpawnTimes {
        end: Duration::from_millis(50),
        ..quick()
    };
    let wrapper = ["sh", "-c", "\"$@\" >/dev/null; true", "sh"];
    let spawned = Spawned::with(wrapped(&wrapper, "serve"), 1, times);
    let (_, _, pid) = spawned.ready();
    signal(pid, Signal::SIGSTOP);
    let stories = spawned.stop(Grace::Now);
    assert!(stories[0].contains("signal 9 (SIGKILL), killed because it had not ended"));
    eventually("the worker ends", || !runs(pid));
}

#[test]
fn a_process_that_does_not_end_is_killed() {
    let times = SpawnTimes {
        end: Duration::from_millis(50),
        ..quick()
    };
    // Its main does not return.
    let spawned = Spawned::with(act("linger"), 1, times);
    spawned.ready();
    let stories = spawned.stop(Grace::Now);
    assert!(
        stories[0].contains("killed because it had not ended"),
        "{stories:?}"
    );
    // Its routine does not stop.
    let spawned = Spawned::with(act("serve"), 1, times);
    let (_, address, _) = spawned.ready();
    acts::wedge(&spawned, &address);
    spawned.spawner.stop(Grace::Forever);
    let stories = spawned.stop(Grace::Now);
    assert!(
        stories[0].contains("killed because it had not ended"),
        "{stories:?}"
    );
}

#[test]
fn a_process_that_is_still_starting_is_killed_at_once_by_a_stop() {
    for command in [SpawnCommand::new(["sleep", "1000"]).unwrap(), act("serve")] {
        let spawned = Spawned::new(command, 3);
        let stories = spawned.stop(Grace::Forever);
        assert_eq!(stories.len(), 3);
    }
    let spawned = Spawned::new(SpawnCommand::new(["sleep", "1000"]).unwrap(), 1);
    eventually("it is started", || {
        spawned.spawner.status()[0].pid.is_some()
    });
    let stories = spawned.stop(Grace::Forever);
    assert!(
        stories[0].contains("before its worker served"),
        "{stories:?}"
    );
}

#[test]
fn a_spawner_that_is_dropped_leaves_nothing_behind() {
    let spawned = Spawned::new(act("serve"), 1);
    let (_, _, pid) = spawned.ready();
    drop(spawned.spawner);
    let story = spawned.events.recv_timeout(WATCHDOG).unwrap();
    assert!(matches!(story, SpawnEvent::Ended { .. }));
    let last = spawned.events.recv_timeout(WATCHDOG).unwrap();
    assert!(matches!(last, SpawnEvent::AllEnded));
    assert_gone(pid);
}

#[test]
fn a_runtime_that_ends_under_a_spawner_leaves_nothing_behind() {
    let spawned = Spawned::new(act("serve"), 1);
    let (_, _, pid) = spawned.ready();
    spawned.runtime.close_blocking(Some(WATCHDOG)).unwrap();
    eventually("the worker is reaped", || {
        !std::path::Path::new(&format!("/proc/{pid}")).exists()
    });
}

#[test]
fn sigterm_lets_tasks_finish_and_a_second_one_does_not() {
    for signals in [1, 2] {
        let spawned = Spawned::new(act("serve"), 1);
        let (_, address, pid) = spawned.ready();
        let pool = pool(&spawned.runtime, &address, Duration::ZERO);
        let path = fresh_path("go-on");
        let name = path.display().to_string();
        let outcome = block_on(async {
            // A first call, so that there is a connection for the next.
            let begun = tokio::time::Instant::now();
            while pool.call("test.pid", ()).await.is_err() {
                assert!(begun.elapsed() < WATCHDOG, "never connected");
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            let mut call = std::pin::pin!(pool.call("test.wait", (name,)).into_future());
            // The worker begins them in order.
            tokio::select! {
                biased;
                ended = &mut call => panic!("{ended:?}"),
                pid = pool.call("test.pid", ()).into_future() => drop(pid.unwrap()),
            }
            signal(pid, Signal::SIGTERM);
            // New calls are refused, while the old one goes on.
            let refused = loop {
                tokio::select! {
                    biased;
                    ended = &mut call => panic!("{ended:?}"),
                    answer = pool.call("test.pid", ()).into_future() => if let Err(error) = answer {
                        break error;
                    },
                }
            };
            assert!(refused.retryable(), "{refused}");
            match signals {
                1 => std::fs::write(&path, "").unwrap(),
                _ => signal(pid, Signal::SIGINT),
            }
            call.await
        });
        match signals {
            1 => assert_eq!(outcome.unwrap().as_str(), Some("waited")),
            _ => assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Cancelled),
        }
        let story = spawned.ended();
        assert!(story.contains("exit status 0"), "{story}");
        if signals == 1 {
            std::fs::remove_file(path).unwrap();
        }
        spawned.stop(Grace::Now);
    }
}
