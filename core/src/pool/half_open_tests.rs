//! Links on which nothing arrives any more though nobody has closed them.

use std::future::Future;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use super::*;
use crate::error::Fault;
use crate::routine::Routine;
use crate::worker::{Worker, WorkerOptions};

/// Passes bytes on, until it swallows them. Its threads end with their connections, and with the process.
struct Hole {
    address: String,
    connections: Arc<Mutex<Vec<Arc<AtomicBool>>>>,
}

impl Hole {
    fn before(target: &str) -> Hole {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let hole = Hole {
            address: listener.local_addr().unwrap().to_string(),
            connections: Arc::default(),
        };
        let (target, connections) = (target.to_owned(), Arc::clone(&hole.connections));
        thread::spawn(move || {
            for near in listener.incoming() {
                let near = near.unwrap();
                // The worker has stopped: so ends whoever comes now.
                let Ok(far) = TcpStream::connect(&target) else {
                    continue;
                };
                let swallows = Arc::new(AtomicBool::new(false));
                for (from, to) in [(&near, &far), (&far, &near)] {
                    pass(from, to, Arc::clone(&swallows));
                }
                connections.lock().unwrap().push(swallows);
            }
        });
        hole
    }

    /// What is sent on the connections that there are arrives nowhere.
    fn swallow(&self) {
        for swallows in &*self.connections.lock().unwrap() {
            swallows.store(true, Ordering::SeqCst);
        }
    }

    fn connections(&self) -> usize {
        self.connections.lock().unwrap().len()
    }
}

fn pass(from: &TcpStream, to: &TcpStream, swallows: Arc<AtomicBool>) {
    let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            if !swallows.load(Ordering::SeqCst) && to.write_all(&buffer[..count]).is_err() {
                return;
            }
        }
    });
}

fn run<T>(test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let watchdog = Duration::from_secs(60);
    let tested = async { tokio::time::timeout(watchdog, test).await };
    runtime.block_on(tested).expect("the test hangs")
}

async fn until(mut holds: impl FnMut() -> bool) {
    while !holds() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

fn is_up(pool: &WorkerPool) -> bool {
    let workers = pool.status().workers;
    workers[0].state == WorkerState::Up
}

struct Peers {
    runtime: Runtime,
    hole: Hole,
    pool: WorkerPool,
    running: Arc<AtomicUsize>,
    _worker: Worker,
}

/// `test.hang` never ends.
fn peers(times: LinkTimes) -> Peers {
    let runtime = Runtime::new(Default::default()).unwrap();
    let running = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&running);
    let hang = Routine::unary("test.hang", move |_task, _arguments| {
        count.fetch_add(1, Ordering::SeqCst);
        std::future::pending::<std::result::Result<(), Fault>>()
    });
    let name = Routine::unary("test.name", |_task, _arguments| async { Ok("one") });
    for routine in [hang, name] {
        runtime.register(routine).unwrap();
    }
    let worker = Worker::start(&runtime, WorkerOptions::default()).unwrap();
    let hole = Hole::before(worker.address());
    let options = PoolOptions {
        addresses: vec![hole.address.clone()],
        ..PoolOptions::default()
    };
    let whereabouts = (0, options.whereabouts(0).unwrap());
    let described = (Bytes::new(), 0);
    let pool = WorkerPool::open(&runtime, options, whereabouts, described, times).unwrap();
    Peers {
        runtime,
        hole,
        pool,
        running,
        _worker: worker,
    }
}

const NEVER: Duration = Duration::from_secs(3600);
const SOON: Duration = Duration::from_millis(50);
const DEAD_AFTER: Duration = Duration::from_secs(1);

#[test]
fn a_call_on_a_link_that_swallows_everything_is_lost_and_the_worker_is_used_again() {
    let peers = peers(LinkTimes {
        ping_after: SOON,
        idle_ping_after: NEVER,
        dead_after: DEAD_AFTER,
    });
    run(async {
        let mut hanging = std::pin::pin!(peers.pool.call("test.hang", ()).into_future());
        tokio::select! {
            _ = &mut hanging => panic!("it hangs"),
            () = until(|| peers.running.load(Ordering::SeqCst) == 1) => {}
        }
        peers.hole.swallow();
        let error = hanging.await.unwrap_err();
        assert_eq!(
            (error.kind(), error.retryable()),
            (ErrorKind::WorkerLost, false)
        );
        let answer = peers.pool.call("test.name", ()).await.unwrap();
        assert_eq!(answer.as_str(), Some("one"));
    });
    drop(peers.pool);
    peers.runtime.close_blocking(None).unwrap();
}

#[test]
fn an_idle_link_that_swallows_everything_is_found_before_a_call_is_lost_there() {
    let peers = peers(LinkTimes {
        ping_after: NEVER,
        idle_ping_after: SOON,
        dead_after: DEAD_AFTER,
    });
    run(async {
        until(|| is_up(&peers.pool)).await;
        let before = peers.hole.connections();
        peers.hole.swallow();
        until(|| peers.hole.connections() > before && is_up(&peers.pool)).await;
        let answer = peers.pool.call("test.name", ()).await.unwrap();
        assert_eq!(answer.as_str(), Some("one"));
    });
    drop(peers.pool);
    peers.runtime.close_blocking(None).unwrap();
}
