//! A real worker, and a caller made by hand that says to it whatever it likes.

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};

use super::{call, session};
use crate::state::hello::{Limits, hello};
use crate::wire::frame::Kind;
use crate::wire::session_client::SessionClient;
use crate::wire::{self, Batch, Frame};
use crate::{PoolOptions, Routine, Runtime, Worker, WorkerOptions, WorkerPool};

/// A worker with a few routines.
pub(super) struct Target {
    pub(super) runtime: Runtime,
    pub(super) worker: Worker,
}

impl Target {
    pub(super) fn new() -> Target {
        Target::with(Default::default())
    }

    pub(super) fn with(options: WorkerOptions) -> Target {
        let runtime = Runtime::new(Default::default()).unwrap();
        let echo = Routine::unary("test.echo", |_, arguments| async move {
            let (value,): (crate::Value,) = arguments.extract()?;
            Ok(value)
        });
        let wait = Routine::unary("test.wait", |_, _| async {
            std::future::pending::<()>().await;
            Ok(())
        });
        let count = Routine::stream("test.count", |_, _, mut out| async move {
            for i in 0.. {
                out.yield_(i).await?;
            }
            Ok(())
        });
        for routine in [echo, wait, count] {
            runtime.register(routine).unwrap();
        }
        let worker = Worker::start(&runtime, options).unwrap();
        Target { runtime, worker }
    }

    /// Another peer is served as if nothing had happened.
    pub(super) async fn is_well(&self) {
        let options = PoolOptions {
            addresses: vec![self.worker.address().to_owned()],
            ..PoolOptions::default()
        };
        let pool = WorkerPool::new(&self.runtime, options).unwrap();
        let answer = pool.call("test.echo", (1,)).await.unwrap();
        assert_eq!(answer.as_i64(), Some(1));
    }

    pub(super) async fn close(self) {
        let (done, closed) = tokio::sync::oneshot::channel();
        self.runtime.close(move || {
            let _ = done.send(());
        });
        closed.await.unwrap();
    }
}

pub(super) async fn channel(target: &Target) -> tonic::transport::Channel {
    let address = format!("http://{}", target.worker.address());
    tonic::transport::Endpoint::from_shared(address)
        .unwrap()
        .connect()
        .await
        .unwrap()
}

/// A caller made by hand.
pub(super) struct Peer {
    outgoing: mpsc::Sender<Batch>,
    incoming: Streaming<Batch>,
    waiting: std::collections::VecDeque<Frame>,
}

impl Peer {
    pub(super) async fn connect(target: &Target) -> Peer {
        let (outgoing, batches) = mpsc::channel(100);
        let mut client = SessionClient::new(channel(target).await);
        let incoming = client
            .open(ReceiverStream::new(batches))
            .await
            .unwrap()
            .into_inner();
        Peer {
            outgoing,
            incoming,
            waiting: Default::default(),
        }
    }

    pub(super) async fn greeted(target: &Target) -> Peer {
        let mut peer = Peer::connect(target).await;
        peer.say([session(Kind::Hello(
            hello(Limits::default(), "test").into(),
        ))])
        .await;
        let answer = peer.hear().await.unwrap();
        assert!(matches!(answer.kind, Some(Kind::Hello(_))), "{answer:?}");
        peer
    }

    pub(super) async fn say(&self, frames: impl IntoIterator<Item = Frame>) {
        let batch = Batch {
            frames: frames.into_iter().collect(),
        };
        // The worker may have ended the session already.
        let _ = self.outgoing.send(batch).await;
    }

    pub(super) async fn hear(&mut self) -> Result<Frame, Status> {
        loop {
            if let Some(frame) = self.waiting.pop_front() {
                return Ok(frame);
            }
            match self.incoming.message().await? {
                Some(batch) => self.waiting.extend(batch.frames),
                None => return Err(Status::ok("the stream ended")),
            }
        }
    }

    /// The status with which the worker ends the session.
    pub(super) async fn end(mut self) -> Status {
        loop {
            if let Err(status) = self.hear().await {
                return status;
            }
        }
    }
}

pub(super) fn start(
    number: u64,
    routine: &str,
    kind: wire::RoutineKind,
    arguments: &[u8],
) -> Frame {
    call(
        number,
        Kind::Start(Box::new(wire::Start {
            task_id: Bytes::from_static(&[7; 16]),
            routine: routine.to_owned(),
            kind: kind as i32,
            arguments: Some(wire::Payload {
                codec: wire::Codec::Msgpack as i32,
                data: Bytes::copy_from_slice(arguments),
                total: arguments.len() as u64,
            }),
            ..Default::default()
        })),
    )
}

/// The arguments `(1,)`.
pub(super) const ONE: &[u8] = &[0x91, 0x91, 0x01];

pub(super) fn echo(number: u64) -> Frame {
    start(number, "test.echo", wire::RoutineKind::Unary, ONE)
}
