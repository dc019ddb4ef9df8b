//! A worker made by hand, and a real caller.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{Mutex, mpsc};
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tonic::{Request, Response, Status, Streaming};

use super::{call, run, session};
use crate::state::hello::{Limits, hello};
use crate::wire::frame::Kind;
use crate::wire::rejected::Reason;
use crate::wire::session_server::{Session, SessionServer};
use crate::wire::{self, Batch, Frame};
use crate::{
    CallObserver, CallRequest, Codec, ErrorKind, Outcome, Payload, PoolOptions, Runtime, WorkerPool,
};

/// A worker made by hand: what it says to a caller after the hellos is the test's.
struct Liar {
    say: Mutex<Option<mpsc::Receiver<Result<Batch, Status>>>>,
    heard: mpsc::UnboundedSender<Frame>,
    hello: wire::Hello,
}

#[tonic::async_trait]
impl Session for Arc<Liar> {
    type openStream = ReceiverStream<Result<Batch, Status>>;

    async fn open(
        &self,
        request: Request<Streaming<Batch>>,
    ) -> Result<Response<Self::openStream>, Status> {
        let mut incoming = request.into_inner();
        let heard = self.heard.clone();
        let (answers, stream) = mpsc::channel(100);
        let hello = Batch {
            frames: vec![session(Kind::Hello(self.hello.clone().into()))],
        };
        let say = self.say.lock().await.take();
        tokio::spawn(async move {
            let _ = answers.send(Ok(hello)).await;
            if let Some(mut say) = say {
                while let Some(batch) = say.recv().await {
                    let _ = answers.send(batch).await;
                }
            }
            // Held open until the caller ends the session.
            answers.closed().await;
        });
        tokio::spawn(async move {
            while let Ok(Some(batch)) = incoming.message().await {
                for frame in batch.frames {
                    let _ = heard.send(frame);
                }
            }
        });
        Ok(Response::new(ReceiverStream::new(stream)))
    }
}

/// A caller of a hand-made worker.
struct Deceived {
    runtime: Runtime,
    pool: WorkerPool,
    say: mpsc::Sender<Result<Batch, Status>>,
    heard: mpsc::UnboundedReceiver<Frame>,
}

impl Deceived {
    async fn new(change: impl FnOnce(&mut wire::Hello)) -> Deceived {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (say, said) = mpsc::channel(100);
        let (heard_sender, heard) = mpsc::unbounded_channel();
        let routine = |name: &str, kind: wire::RoutineKind| wire::Routine {
            name: name.to_owned(),
            kind: kind as i32,
            ..Default::default()
        };
        let mut hello = wire::Hello {
            worker_uid: "liar".to_owned(),
            serving: Some(wire::Serving {
                routines: vec![
                    routine("test.unary", wire::RoutineKind::Unary),
                    routine("test.stream", wire::RoutineKind::Stream),
                ],
                draining: false,
            }),
            ..hello(Limits::default(), "test")
        };
        change(&mut hello);
        let liar = Arc::new(Liar {
            say: Mutex::new(Some(said)),
            heard: heard_sender,
            hello,
        });
        tokio::spawn(
            tonic::transport::Server::builder()
                .add_service(SessionServer::new(liar))
                .serve_with_incoming(TcpListenerStream::new(listener)),
        );
        let runtime = Runtime::new(Default::default()).unwrap();
        let options = PoolOptions {
            addresses: vec![address],
            dispatch_timeout: Duration::from_millis(500),
            ..PoolOptions::default()
        };
        let pool = WorkerPool::new(&runtime, options).unwrap();
        Deceived {
            runtime,
            pool,
            say,
            heard,
        }
    }

    async fn say(&self, frames: impl IntoIterator<Item = Frame>) {
        let batch = Batch {
            frames: frames.into_iter().collect(),
        };
        let _ = self.say.send(Ok(batch)).await;
    }

    /// The next start that the caller wrote.
    async fn started(&mut self) -> u64 {
        loop {
            if let Some(Frame {
                call,
                kind: Some(Kind::Start(_)),
            }) = self.heard.recv().await
            {
                return call;
            }
        }
    }

    async fn close(self) {
        let (done, closed) = tokio::sync::oneshot::channel();
        self.runtime.close(move || {
            let _ = done.send(());
        });
        closed.await.unwrap();
    }
}

fn item(number: u64) -> Frame {
    call(
        number,
        Kind::Item(wire::Item {
            value: Some(wire::Payload {
                codec: 1,
                data: Bytes::from_static(&[1]),
                total: 1,
            }),
            context: None,
        }),
    )
}

fn result(number: u64) -> Frame {
    call(
        number,
        Kind::Result(wire::Result {
            value: Some(wire::Payload {
                codec: 1,
                data: Bytes::from_static(&[1]),
                total: 1,
            }),
            context: None,
        }),
    )
}

#[test]
fn a_worker_of_another_major_is_no_candidate_and_the_story_says_why() {
    run(async {
        let caller = Deceived::new(|hello| hello.major = 3).await;
        let error = caller.pool.call("test.unary", ()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NoWorkersAvailable);
        assert!(error.message().contains("3.0"), "{error}");
        caller.close().await;
    });
}

#[test]
fn a_worker_that_answers_wrongly_fails_that_call_only() {
    run(async {
        let mut caller = Deceived::new(|_| {}).await;
        for lie in [item as fn(u64) -> Frame, |number| {
            call(number, Kind::End(Default::default()))
        }] {
            let pending = tokio::spawn(caller.pool.call("test.unary", ()).into_future());
            let number = caller.started().await;
            caller.say([lie(number)]).await;
            let error = pending.await.unwrap().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Protocol, "{error}");
        }
        let pending = tokio::spawn(caller.pool.call("test.unary", ()).into_future());
        let number = caller.started().await;
        caller.say([result(number), result(number)]).await;
        assert!(pending.await.unwrap().is_ok());
        caller.close().await;
    });
}

#[test]
fn items_that_were_not_asked_for_fail_the_stream() {
    run(async {
        let mut caller = Deceived::new(|_| {}).await;
        let mut items = caller.pool.stream("test.stream", ()).open().unwrap();
        let first = {
            let next = items.next();
            tokio::pin!(next);
            let number = tokio::select! {
                number = caller.started() => number,
                _ = &mut next => panic!("an item before there was one"),
            };
            caller.say([item(number), item(number)]).await;
            next.await
        };
        assert!(first.unwrap().is_ok());
        let error = items.next().await.unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol);
        assert!(items.next().await.is_none());
        caller.close().await;
    });
}

#[test]
fn a_stream_that_is_closed_before_it_is_refused_does_not_begin_elsewhere() {
    run(async {
        let mut caller = Deceived::new(|_| {}).await;
        let mut items = caller.pool.stream("test.stream", ()).open().unwrap();
        let number = {
            let next = items.next();
            tokio::pin!(next);
            tokio::select! {
                number = caller.started() => number,
                _ = &mut next => panic!("an item before there was one"),
            }
        };
        let closed = tokio::spawn(items.close());
        while !matches!(
            caller.heard.recv().await,
            Some(Frame {
                kind: Some(Kind::Close(_)),
                ..
            })
        ) {}
        let busy = wire::Rejected {
            reason: Reason::Busy as i32,
            message: "full".to_owned(),
        };
        caller.say([call(number, Kind::Rejected(busy))]).await;
        closed.await.unwrap().unwrap();
        let next = tokio::spawn(caller.pool.call("test.unary", ()).into_future());
        let other = caller.started().await;
        assert_eq!(other, number + 1, "the closed stream was started again");
        caller.say([result(other)]).await;
        assert!(next.await.unwrap().is_ok());
        caller.close().await;
    });
}

#[test]
fn an_answer_to_a_call_never_made_ends_the_session() {
    run(async {
        let mut caller = Deceived::new(|_| {}).await;
        let pending = tokio::spawn(caller.pool.call("test.unary", ()).into_future());
        let number = caller.started().await;
        caller.say([result(number + 1)]).await;
        let error = pending.await.unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WorkerLost, "{error}");
        assert!(!error.retryable());
        caller.close().await;
    });
}

#[test]
fn calls_beyond_a_goaway_are_offered_again() {
    run(async {
        let mut caller = Deceived::new(|_| {}).await;
        let first = tokio::spawn(caller.pool.call("test.unary", ()).into_future());
        let one = caller.started().await;
        let second = tokio::spawn(caller.pool.call("test.unary", ()).into_future());
        caller.started().await;
        let goaway = wire::Goaway {
            last_call: one,
            ..wire::Goaway::default()
        };
        caller
            .say([session(Kind::Goaway(goaway)), result(one)])
            .await;
        assert!(first.await.unwrap().is_ok());
        // It is offered again, here to the worker's next session.
        assert_eq!(caller.started().await, 1);
        assert!(!second.is_finished());
        caller.close().await;
    });
}

/// Makes a call when its own has ended.
struct Another {
    pool: WorkerPool,
    made: tokio::sync::oneshot::Sender<Outcome>,
}

/// Tells the outcome.
struct Told(tokio::sync::oneshot::Sender<Outcome>);

impl CallObserver for Told {
    fn item(&mut self, _item: Payload) {}

    fn finish(self: Box<Self>, outcome: Outcome) {
        let _ = self.0.send(outcome);
    }
}

impl CallObserver for Another {
    fn item(&mut self, _item: Payload) {}

    fn finish(self: Box<Self>, _outcome: Outcome) {
        let _ = self.pool.submit(unary(), Box::new(Told(self.made)));
    }
}

fn unary() -> CallRequest {
    CallRequest::unary("test.unary", Payload::new(Codec::Raw, Bytes::new()))
}

#[test]
fn a_call_made_just_before_a_goaway_does_not_wait_for_the_others() {
    run(async {
        let mut caller = Deceived::new(|_| {}).await;
        let (made, outcome) = tokio::sync::oneshot::channel();
        let pool = caller.pool.clone();
        let another = Box::new(Another { pool, made });
        caller.pool.submit(unary(), another).unwrap();
        let one = caller.started().await;
        let (told, other) = tokio::sync::oneshot::channel();
        caller.pool.submit(unary(), Box::new(Told(told))).unwrap();
        let last_call = caller.started().await;
        // The first ends, and another is made, before the goaway of the same batch is read.
        let goaway = wire::Goaway {
            last_call,
            ..wire::Goaway::default()
        };
        caller
            .say([result(one), session(Kind::Goaway(goaway))])
            .await;
        tokio::select! {
            biased;
            _ = other => panic!("it waited until the session was given up"),
            outcome = outcome => {
                let Outcome::Error(error) = outcome.unwrap() else {
                    panic!("nobody can have answered");
                };
                assert_eq!(error.kind(), ErrorKind::NoWorkersAvailable);
            }
        }
        caller.close().await;
    });
}

#[test]
fn a_worker_that_rejects_everything_as_busy_is_tried_until_the_time_is_up() {
    run(async {
        let mut caller = Deceived::new(|_| {}).await;
        let pending = tokio::spawn(caller.pool.call("test.unary", ()).into_future());
        for _ in 0..3 {
            let number = caller.started().await;
            let rejected = wire::Rejected {
                reason: Reason::Busy as i32,
                message: "full".to_owned(),
            };
            caller.say([call(number, Kind::Rejected(rejected))]).await;
        }
        let number = caller.started().await;
        caller.say([result(number)]).await;
        assert!(pending.await.unwrap().is_ok());
        caller.close().await;
    });
}
