//! A worker and a pool of one process.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "tests: each file uses its part, and a panic is a failure"
)]

pub(crate) mod secure;
pub(crate) mod site;

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use wool::{PoolOptions, Routine, Runtime, Worker, WorkerOptions, WorkerPool};

/// No test takes this long unless it hangs.
pub(crate) const WATCHDOG: Duration = Duration::from_secs(60);

pub(crate) struct Peers {
    pub(crate) runtime: Runtime,
    pub(crate) worker: Worker,
    pub(crate) pool: WorkerPool,
}

impl Peers {
    pub(crate) fn new(routines: Vec<Routine>) -> Peers {
        Peers::with(routines, WorkerOptions::default(), PoolOptions::default())
    }

    /// A pool without addresses gets the worker's.
    pub(crate) fn with(
        routines: Vec<Routine>,
        worker: WorkerOptions,
        mut pool: PoolOptions,
    ) -> Peers {
        let runtime = Runtime::new(Default::default()).unwrap();
        for routine in routines {
            runtime.register(routine).unwrap();
        }
        let worker = Worker::start(&runtime, worker).unwrap();
        if pool.addresses.is_empty() {
            pool.addresses = vec![worker.address().to_owned()];
        }
        let pool = WorkerPool::new(&runtime, pool).unwrap();
        Peers {
            runtime,
            worker,
            pool,
        }
    }

    pub(crate) fn close(self) {
        self.runtime.close_blocking(Some(WATCHDOG)).unwrap();
    }
}

pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    runtime.block_on(async {
        tokio::time::timeout(WATCHDOG, future)
            .await
            .expect("the test hangs")
    })
}

/// Counts itself for as long as it lives.
pub(crate) struct Counted(Arc<AtomicUsize>);

impl Counted {
    pub(crate) fn new(count: &Arc<AtomicUsize>) -> Counted {
        count.fetch_add(1, Ordering::SeqCst);
        Counted(Arc::clone(count))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Asks again until it holds.
pub(crate) async fn eventually(mut holds: impl AsyncFnMut() -> bool) {
    while !holds().await {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// A fresh path for a socket; short, since the system limits its length.
pub(crate) fn socket_path(name: &str) -> PathBuf {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    std::env::temp_dir().join(format!("wool-{name}-{}-{number}.sock", std::process::id()))
}
