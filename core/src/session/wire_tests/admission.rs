//! What a worker's session says while its admission hook decides.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::peer::{ONE, Peer, Target, start};
use super::{call, run, session};
use crate::admission::{Admission, AdmissionRequest};
use crate::wire::frame::Kind;
use crate::wire::rejected::Reason;
use crate::wire::{self, Frame, RoutineKind};
use crate::{ErrorKind, Grace, WorkerOptions};

struct HandOver(mpsc::UnboundedSender<AdmissionRequest>);

impl Admission for HandOver {
    fn ask(&self, request: AdmissionRequest) {
        self.0.send(request).unwrap();
    }
}

fn asking() -> (Target, mpsc::UnboundedReceiver<AdmissionRequest>) {
    let (sender, questions) = mpsc::unbounded_channel();
    let target = Target::with(WorkerOptions {
        concurrency: 1,
        admit: Some(Arc::new(HandOver(sender))),
        ..WorkerOptions::default()
    });
    (target, questions)
}

fn wait(number: u64) -> Frame {
    start(number, "test.wait", RoutineKind::Unary, ONE)
}

/// The next frame, which is of this call.
async fn terminal(peer: &mut Peer, number: u64) -> Kind {
    let frame = peer.hear().await.unwrap();
    assert_eq!(frame.call, number, "{frame:?}");
    frame.kind.unwrap()
}

/// Everything that was said before is answered: no other frame comes before the pong.
async fn nothing_follows(peer: &mut Peer) {
    peer.say([session(Kind::Ping(wire::Ping { nonce: 7 }))])
        .await;
    let answer = peer.hear().await.unwrap();
    assert!(matches!(answer.kind, Some(Kind::Pong(_))), "{answer:?}");
}

#[test]
fn a_call_that_is_ended_while_the_hook_decides_has_one_terminal_frame() {
    run(async {
        let (target, mut questions) = asking();
        let mut peer = Peer::greeted(&target).await;
        for (number, end) in [
            (1, Kind::Cancel(wire::Cancel::default())),
            (2, Kind::Close(wire::Close {})),
        ] {
            peer.say([start(number, "test.count", RoutineKind::Stream, ONE)])
                .await;
            let question = questions.recv().await.unwrap();
            assert_eq!(question.in_flight(), 0);
            peer.say([call(number, end)]).await;
            match terminal(&mut peer, number).await {
                Kind::Fault(fault) if number == 1 => {
                    assert_eq!(fault.kind, ErrorKind::Cancelled.number());
                }
                Kind::End(_) if number == 2 => {}
                other => panic!("{other:?}"),
            }
            // Whatever comes for it now.
            peer.say([
                call(
                    number,
                    Kind::Credit(wire::Credit {
                        items: 1,
                        ..wire::Credit::default()
                    }),
                ),
                call(number, Kind::Cancel(wire::Cancel::default())),
            ])
            .await;
            question.accept();
            nothing_follows(&mut peer).await;
        }
        target.close().await;
    });
}

#[test]
fn every_answer_of_the_hook_has_its_reason_and_frees_the_place() {
    run(async {
        let (target, mut questions) = asking();
        let mut peer = Peer::greeted(&target).await;
        type Answer = fn(AdmissionRequest);
        let answers: [(Answer, Reason, &str); 4] = [
            (|question| question.busy("later"), Reason::Busy, "later"),
            (
                |question| question.refuse("no"),
                Reason::PermissionDenied,
                "no",
            ),
            (
                |question| question.fail("odd"),
                Reason::AdmissionFailed,
                "the admission hook failed: odd",
            ),
            (
                drop,
                Reason::AdmissionFailed,
                "the admission hook failed: it ended without an answer",
            ),
        ];
        for (index, (answer, reason, message)) in answers.into_iter().enumerate() {
            let number = index as u64 + 1;
            peer.say([wait(number)]).await;
            answer(questions.recv().await.unwrap());
            let Kind::Rejected(rejected) = terminal(&mut peer, number).await else {
                panic!("not rejected");
            };
            assert_eq!((rejected.reason(), &*rejected.message), (reason, message));
        }
        target.close().await;
    });
}

#[test]
fn arguments_that_are_refused_leave_no_question() {
    run(async {
        let (target, mut questions) = asking();
        let mut peer = Peer::greeted(&target).await;
        let mut unknown = wait(1);
        if let Some(Kind::Start(start)) = &mut unknown.kind
            && let Some(arguments) = &mut start.arguments
        {
            arguments.codec = 99;
        }
        peer.say([unknown]).await;
        let Kind::Rejected(rejected) = terminal(&mut peer, 1).await else {
            panic!("not rejected");
        };
        assert_eq!(rejected.reason(), Reason::Codec);
        nothing_follows(&mut peer).await;
        assert!(questions.try_recv().is_err());
        target.close().await;
    });
}

#[test]
fn a_worker_that_drains_turns_away_what_it_has_not_let_in() {
    run(async {
        let (target, mut questions) = asking();
        let mut peer = Peer::greeted(&target).await;
        peer.say([wait(1)]).await;
        let question = questions.recv().await.unwrap();
        target.worker.stop(Grace::Forever, || {});
        let goaway = peer.hear().await.unwrap();
        assert!(
            matches!(&goaway.kind, Some(Kind::Goaway(goaway)) if goaway.last_call == 1),
            "{goaway:?}"
        );
        let Kind::Rejected(rejected) = terminal(&mut peer, 1).await else {
            panic!("not rejected");
        };
        assert_eq!(rejected.reason(), Reason::Draining);
        question.accept();
        target.close().await;
    });
}
