//! Workers and pools with certificates of an authority of the test's own.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Semaphore;
use wool::{
    Credentials, CredentialsOptions, CustomDiscovery, Pem, PoolOptions, Routine, Runtime,
    Subscriber, Value, Worker, WorkerOptions, WorkerPool, WorkerRecord, WorkerState,
};
use wool_certs::{Authority, Issued, Request};

use super::eventually;

pub(crate) fn request(names: &[&str]) -> Request {
    Request {
        names: names.iter().map(|&name| name.to_owned()).collect(),
        ..Request::default()
    }
}

pub(crate) fn text(text: &str) -> Option<Pem> {
    Some(Pem::Text(text.as_bytes().to_vec()))
}

pub(crate) fn options(ca: &Authority, own: Option<&Issued>) -> CredentialsOptions {
    CredentialsOptions {
        ca: text(&ca.certificate),
        certificate: own.and_then(|own| text(&own.certificate)),
        key: own.and_then(|own| text(&own.key)),
        ..CredentialsOptions::default()
    }
}

pub(crate) fn credentials(ca: &Authority, own: Option<&Issued>) -> Credentials {
    Credentials::new(options(ca, own)).unwrap()
}

/// A worker with a few routines, in this process.
pub(crate) struct Served {
    pub(crate) runtime: Runtime,
    pub(crate) worker: Worker,
    pub(crate) let_go: Arc<Semaphore>,
    /// Calls that have begun to wait for `let_go`.
    pub(crate) held: Arc<AtomicUsize>,
}

impl Served {
    pub(crate) fn new(options: WorkerOptions) -> Served {
        let runtime = Runtime::new(Default::default()).unwrap();
        let let_go = Arc::new(Semaphore::new(0));
        let held = Arc::new(AtomicUsize::new(0));
        let (gate, holding) = (Arc::clone(&let_go), Arc::clone(&held));
        let routines = [
            Routine::unary("test.add", |_task, arguments| async move {
                let (a, b): (i64, i64) = arguments.extract()?;
                Ok(a + b)
            }),
            Routine::unary("test.size", |_task, arguments| async move {
                let (bytes,): (Value,) = arguments.extract()?;
                Ok(bytes.as_bytes().map_or(0, |bytes| bytes.len() as i64))
            }),
            Routine::unary("test.peer", |task, _arguments| {
                let names = task.info().peer.to_vec();
                async move { Ok(names) }
            }),
            Routine::unary("test.hold", move |_task, _arguments| {
                let gate = Arc::clone(&gate);
                holding.fetch_add(1, Ordering::SeqCst);
                async move {
                    gate.acquire().await?.forget();
                    Ok(7)
                }
            }),
            Routine::unary("test.on", |_task, _arguments| async move {
                let pool = wool::current_task().unwrap().pool()?;
                Ok(pool.call("test.peer", ()).await?)
            }),
        ];
        for routine in routines {
            runtime.register(routine).unwrap();
        }
        let worker = Worker::start(&runtime, options).unwrap();
        Served {
            runtime,
            worker,
            let_go,
            held,
        }
    }

    pub(crate) fn secure(credentials: &Credentials) -> Served {
        Served::new(WorkerOptions {
            credentials: Some(credentials.clone()),
            ..WorkerOptions::default()
        })
    }

    pub(crate) fn pool(&self, options: PoolOptions) -> WorkerPool {
        let address = self.worker.address().to_owned();
        WorkerPool::new(
            &self.runtime,
            PoolOptions {
                addresses: vec![address],
                ..options
            },
        )
        .unwrap()
    }

    pub(crate) fn pool_with(&self, credentials: &Credentials) -> WorkerPool {
        self.pool(PoolOptions {
            credentials: Some(credentials.clone()),
            ..PoolOptions::default()
        })
    }

    pub(crate) fn close(self) {
        self.let_go.close();
        let close = self.runtime.close_blocking(Some(Duration::from_secs(30)));
        close.unwrap();
    }
}

pub(crate) async fn sum(pool: &WorkerPool) -> wool::Result<Value> {
    pool.call("test.add", (1, 2)).await
}

/// Why the pool's only worker is down.
pub(crate) async fn problem(pool: &WorkerPool) -> String {
    eventually(async || pool.status().workers[0].state == WorkerState::Down).await;
    pool.status().workers[0].problem.clone()
}

/// Finds one worker.
pub(crate) struct Knows(pub(crate) WorkerRecord);

impl CustomDiscovery for Knows {
    fn subscribe(&self, subscriber: Subscriber) -> wool::Result<Box<dyn Send>> {
        subscriber.found(self.0.clone())?;
        subscriber.scanned();
        Ok(Box::new(()))
    }
}
