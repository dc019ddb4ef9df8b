//! A worker of its own runtime, whose tasks can be held.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Semaphore;
use wool::{Routine, Runtime, Worker, WorkerOptions, WorkerPool, WorkerState};

use super::eventually;

/// `test.hold` runs until it is let go; `test.name` tells which worker ran it; `test.fail` fails; `test.size` tells how many
/// bytes it was given.
pub(crate) struct Site {
    pub(crate) runtime: Runtime,
    pub(crate) worker: Worker,
    held: Arc<AtomicUsize>,
    let_go: Arc<Semaphore>,
}

impl Site {
    pub(crate) fn new(name: &'static str) -> Site {
        Site::with(name, WorkerOptions::default())
    }

    pub(crate) fn with(name: &'static str, options: WorkerOptions) -> Site {
        let runtime = Runtime::new(Default::default()).unwrap();
        let held = Arc::new(AtomicUsize::new(0));
        let let_go = Arc::new(Semaphore::new(0));
        let (count, gate) = (Arc::clone(&held), Arc::clone(&let_go));
        let hold = Routine::unary("test.hold", move |_task, _arguments| {
            let (count, gate) = (Arc::clone(&count), Arc::clone(&gate));
            async move {
                count.fetch_add(1, Ordering::SeqCst);
                gate.acquire().await?.forget();
                count.fetch_sub(1, Ordering::SeqCst);
                Ok(name)
            }
        });
        let tell = Routine::unary(
            "test.name",
            move |_task, _arguments| async move { Ok(name) },
        );
        let fail = Routine::unary("test.fail", |_task, _arguments| async {
            let number: u8 = "no number".parse()?;
            Ok(number)
        });
        let size = Routine::unary("test.size", |_task, arguments| async move {
            let (text,): (String,) = arguments.extract()?;
            Ok(text.len() as u64)
        });
        for routine in [hold, tell, fail, size] {
            runtime.register(routine).unwrap();
        }
        let worker = Worker::start(&runtime, options).unwrap();
        Site {
            runtime,
            worker,
            held,
            let_go,
        }
    }

    pub(crate) fn address(&self) -> String {
        self.worker.address().to_owned()
    }

    pub(crate) fn uid(&self) -> &str {
        self.worker.uid()
    }

    pub(crate) async fn holds(&self, count: usize) {
        eventually(async || self.held.load(Ordering::SeqCst) == count).await;
    }

    pub(crate) fn let_go(&self, count: usize) {
        self.let_go.add_permits(count);
    }

    pub(crate) fn close(self) {
        self.runtime.close_blocking(None).unwrap();
    }
}

/// Waits until the pool's workers are in these states, whatever their order.
pub(crate) async fn states(pool: &WorkerPool, states: &[WorkerState]) {
    let sorted = |states: Vec<WorkerState>| {
        let mut names: Vec<_> = states.iter().map(|state| state.name()).collect();
        names.sort_unstable();
        names
    };
    let wanted = sorted(states.to_vec());
    eventually(async || {
        let workers = pool.status().workers;
        sorted(workers.iter().map(|worker| worker.state).collect()) == wanted
    })
    .await;
}

/// A call that is under way.
pub(crate) fn call(
    pool: &WorkerPool,
    routine: &'static str,
) -> tokio::task::JoinHandle<wool::Result<wool::Value>> {
    tokio::spawn(pool.call(routine, ()).into_future())
}
