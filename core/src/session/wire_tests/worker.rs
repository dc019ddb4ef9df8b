//! A caller made by hand, and a real worker.

use bytes::Bytes;

use super::peer::{ONE, Peer, Target, channel, echo, start};
use super::{call, run, session};
use crate::ErrorKind;
use crate::state::hello::{Limits, hello};
use crate::wire::catalog_client::CatalogClient;
use crate::wire::frame::Kind;
use crate::wire::rejected::Reason;
use crate::wire::{self, Frame};

#[test]
fn a_session_made_by_hand_works() {
    run(async {
        let target = Target::new();
        let mut peer = Peer::greeted(&target).await;
        peer.say([echo(1)]).await;
        let Some(Kind::Result(result)) = peer.hear().await.unwrap().kind else {
            panic!("no result");
        };
        assert_eq!(result.value.unwrap().data, Bytes::from_static(&[0x01]));
        target.close().await;
    });
}

#[test]
fn what_is_no_greeting_is_refused_with_the_reason() {
    run(async {
        let target = Target::new();
        let other_major = wire::Hello {
            major: 9,
            ..hello(Limits::default(), "test")
        };
        let other_worker = wire::Hello {
            worker_uid: "somebody".to_owned(),
            ..hello(Limits::default(), "test")
        };
        for (frames, code, text) in [
            (
                vec![session(Kind::Hello(other_major.into()))],
                tonic::Code::FailedPrecondition,
                "9.0",
            ),
            (
                vec![session(Kind::Hello(other_worker.into()))],
                tonic::Code::FailedPrecondition,
                "somebody",
            ),
            (vec![echo(1)], tonic::Code::FailedPrecondition, "hello"),
            (vec![], tonic::Code::FailedPrecondition, "hello"),
            (
                vec![
                    session(Kind::Hello(hello(Limits::default(), "test").into())),
                    echo(1),
                ],
                tonic::Code::FailedPrecondition,
                "before",
            ),
        ] {
            let peer = Peer::connect(&target).await;
            peer.say(frames).await;
            let status = peer.end().await;
            assert_eq!(status.code(), code, "{status:?}");
            assert!(status.message().contains(text), "{status:?}");
        }
        target.is_well().await;
        target.close().await;
    });
}

#[test]
fn breaking_the_protocol_ends_the_session_and_nothing_else() {
    let chunk = |len| {
        Kind::Chunk(wire::Chunk {
            data: Bytes::from(vec![0; len]),
        })
    };
    let cases: Vec<(&str, Vec<Frame>)> = vec![
        (
            "never started",
            vec![call(
                5,
                Kind::Credit(wire::Credit {
                    items: 1,
                    ..wire::Credit::default()
                }),
            )],
        ),
        ("used before", vec![echo(3), echo(3)]),
        ("used before", vec![echo(3), echo(2)]),
        (
            "second hello",
            vec![session(Kind::Hello(
                hello(Limits::default(), "test").into(),
            ))],
        ),
        ("cannot define 0", vec![define(0, 1)]),
        ("cannot define 3", vec![define(3, 1), define(3, 1)]),
        ("defines more than 16", vec![define(1, 65 << 10)]),
        (
            "defines more than 16",
            (1..=17).map(|id| define(id, 1)).collect(),
        ),
        ("beyond", vec![partial(1, 20), call(1, chunk(16))]),
        ("empty", vec![partial(1, 100), call(1, chunk(0))]),
        (
            "larger than the limit",
            vec![partial(1, 1 << 20), call(1, chunk(65 << 10))],
        ),
        ("larger than its payload", vec![partial(1, 3)]),
        (
            "no payload",
            vec![
                start(1, "test.count", wire::RoutineKind::Stream, ONE),
                call(1, chunk(10)),
            ],
        ),
    ];
    run(async {
        let target = Target::new();
        for (text, frames) in cases {
            let peer = Peer::greeted(&target).await;
            peer.say(frames).await;
            let status = peer.end().await;
            assert_eq!(
                status.code(),
                tonic::Code::InvalidArgument,
                "{text}: {status:?}"
            );
            assert!(status.message().contains(text), "{text}: {status:?}");
        }
        target.is_well().await;
        target.close().await;
    });
}

fn define(id: u32, len: usize) -> Frame {
    session(Kind::Define(wire::Define {
        id,
        data: Bytes::from(vec![0; len]),
    }))
}

/// A payload's first part, with what is still to come.
fn partial(number: u64, total: u64) -> Frame {
    let mut frame = start(number, "test.echo", wire::RoutineKind::Unary, &[0; 16]);
    if let Some(Kind::Start(start)) = &mut frame.kind
        && let Some(arguments) = &mut start.arguments
    {
        arguments.total = total;
    }
    frame
}

#[test]
fn a_window_overrun_ends_the_session() {
    run(async {
        let target = Target::new();
        let peer = Peer::greeted(&target).await;
        let part = Bytes::from(vec![0; 64 << 10]);
        let chunks = |number, count| {
            let chunk = call(number, Kind::Chunk(wire::Chunk { data: part.clone() }));
            std::iter::repeat_n(chunk, count)
        };
        // Within the windows: the whole budget of the session goes to one payload.
        peer.say([partial(1, 200 << 20)]).await;
        for _ in 0..64 {
            peer.say(chunks(1, 16)).await;
        }
        // What is left is kept for that payload; another one takes more.
        peer.say(std::iter::once(partial(2, 200 << 20)).chain(chunks(2, 8)))
            .await;
        let status = peer.end().await;
        assert_eq!(status.code(), tonic::Code::InvalidArgument, "{status:?}");
        assert!(
            status.message().contains("window of the session"),
            "{status:?}"
        );
        target.is_well().await;
        target.close().await;
    });
}

#[test]
fn a_call_that_cannot_be_is_rejected_and_the_session_lives() {
    let no_id = {
        let mut frame = echo(1);
        if let Some(Kind::Start(start)) = &mut frame.kind {
            start.task_id = Bytes::from_static(b"short");
        }
        frame
    };
    let codec = |codec| {
        let mut frame = echo(1);
        if let Some(Kind::Start(start)) = &mut frame.kind
            && let Some(arguments) = &mut start.arguments
        {
            arguments.codec = codec;
        }
        frame
    };
    let huge = {
        let mut frame = echo(1);
        if let Some(Kind::Start(start)) = &mut frame.kind
            && let Some(arguments) = &mut start.arguments
        {
            arguments.total = u64::MAX;
        }
        frame
    };
    let unary = wire::RoutineKind::Unary;
    let cases = vec![
        (Reason::RoutineNotFound, start(1, "test.absent", unary, ONE)),
        (Reason::KindMismatch, start(1, "test.count", unary, ONE)),
        (
            Reason::KindMismatch,
            start(1, "test.echo", wire::RoutineKind::Unspecified, ONE),
        ),
        (Reason::Invalid, no_id),
        (Reason::Codec, codec(3)),
        (Reason::Codec, codec(77)),
        (Reason::PayloadTooLarge, huge),
    ];
    run(async {
        let target = Target::new();
        for (reason, frame) in cases {
            let mut peer = Peer::greeted(&target).await;
            peer.say([frame]).await;
            let Some(Kind::Rejected(rejected)) = peer.hear().await.unwrap().kind else {
                panic!("not rejected: {reason:?}");
            };
            assert_eq!(rejected.reason(), reason, "{rejected:?}");
            peer.say([echo(2)]).await;
            assert!(matches!(
                peer.hear().await.unwrap().kind,
                Some(Kind::Result(_))
            ));
        }
        target.close().await;
    });
}

#[test]
fn a_frame_of_no_known_kind_faults_its_call_only() {
    run(async {
        let target = Target::new();
        let mut peer = Peer::greeted(&target).await;
        let wait = start(1, "test.wait", wire::RoutineKind::Unary, ONE);
        peer.say([
            wait,
            Frame {
                call: 1,
                kind: None,
            },
            Frame {
                call: 0,
                kind: None,
            },
        ])
        .await;
        let answer = peer.hear().await.unwrap();
        assert!(
            matches!(&answer, Frame { call: 1, kind: Some(Kind::Fault(fault)) }
                if fault.kind == ErrorKind::Unsupported.number()),
            "{answer:?}"
        );
        peer.say([echo(2)]).await;
        assert!(matches!(
            peer.hear().await.unwrap().kind,
            Some(Kind::Result(_))
        ));
        target.close().await;
    });
}

#[test]
fn frames_for_calls_that_have_ended_are_ignored() {
    run(async {
        let target = Target::new();
        let mut peer = Peer::greeted(&target).await;
        peer.say([echo(1)]).await;
        assert!(matches!(
            peer.hear().await.unwrap().kind,
            Some(Kind::Result(_))
        ));
        peer.say([
            call(1, Kind::Cancel(wire::Cancel::default())),
            call(
                1,
                Kind::Credit(wire::Credit {
                    items: 5,
                    ..wire::Credit::default()
                }),
            ),
            call(1, Kind::Close(wire::Close {})),
            call(1, Kind::Window(wire::Window { bytes: u64::MAX })),
            call(
                1,
                Kind::Chunk(wire::Chunk {
                    data: Bytes::from_static(b"late"),
                }),
            ),
            echo(2),
        ])
        .await;
        let answer = peer.hear().await.unwrap();
        assert!(
            matches!(
                answer,
                Frame {
                    call: 2,
                    kind: Some(Kind::Result(_))
                }
            ),
            "{answer:?}"
        );
        target.close().await;
    });
}

#[test]
fn a_cancelled_call_gets_its_one_terminal_frame() {
    run(async {
        let target = Target::new();
        let mut peer = Peer::greeted(&target).await;
        let wait = start(1, "test.wait", wire::RoutineKind::Unary, ONE);
        peer.say([wait, call(1, Kind::Cancel(wire::Cancel::default()))])
            .await;
        let answer = peer.hear().await.unwrap();
        assert!(
            matches!(
                answer,
                Frame {
                    call: 1,
                    kind: Some(Kind::Fault(_))
                }
            ),
            "{answer:?}"
        );
        target.close().await;
    });
}

#[test]
fn a_ping_is_answered_with_its_nonce() {
    run(async {
        let target = Target::new();
        let mut peer = Peer::greeted(&target).await;
        peer.say([session(Kind::Ping(wire::Ping { nonce: 42 }))])
            .await;
        let answer = peer.hear().await.unwrap();
        assert_eq!(answer, session(Kind::Pong(wire::Pong { nonce: 42 })));
        target.close().await;
    });
}

#[test]
fn a_stopping_worker_says_goaway_and_names_the_last_call() {
    run(async {
        let target = Target::new();
        let mut peer = Peer::greeted(&target).await;
        peer.say([echo(1)]).await;
        assert!(matches!(
            peer.hear().await.unwrap().kind,
            Some(Kind::Result(_))
        ));
        target.worker.stop(crate::Grace::Now, || {});
        let Some(Kind::Goaway(goaway)) = peer.hear().await.unwrap().kind else {
            panic!("no goaway");
        };
        assert_eq!(goaway.last_call, 1);
        target.close().await;
    });
}

#[test]
fn the_catalog_describes_the_worker() {
    run(async {
        let target = Target::new();
        let mut client = CatalogClient::new(channel(&target).await);
        let about = client
            .describe(wire::DescribeRequest {})
            .await
            .unwrap()
            .into_inner();
        let names: Vec<&str> = about.routines.iter().map(|r| r.name.as_str()).collect();
        assert_eq!(names, ["test.count", "test.echo", "test.wait"]);
        let worker = about.worker.unwrap();
        assert_eq!(worker.uid, target.worker.uid());
        assert_eq!(worker.addresses, [target.worker.address()]);
        assert!(worker.local.is_none(), "a secret is nobody's business");
        target.close().await;
    });
}

fn send(number: u64) -> Frame {
    let value = wire::Payload {
        codec: wire::Codec::Raw as i32,
        data: Bytes::from_static(b"wool"),
        total: 4,
    };
    let send = wire::Send {
        value: Some(value),
        context: None,
    };
    call(number, Kind::Send(Box::new(send)))
}

#[test]
fn what_is_sent_to_no_yield_fails_its_call_only() {
    run(async {
        let target = Target::new();
        let mut peer = Peer::greeted(&target).await;
        let stream = |number| start(number, "test.count", wire::RoutineKind::Stream, ONE);
        let throw = call(3, Kind::Throw(Box::default()));
        let credit = |number| {
            call(
                number,
                Kind::Credit(wire::Credit {
                    items: 1,
                    ..wire::Credit::default()
                }),
            )
        };
        // Before its first item, to a unary task, nothing thrown, and twice at one yield.
        peer.say([stream(1), send(1)]).await;
        peer.say([
            start(2, "test.wait", wire::RoutineKind::Unary, ONE),
            send(2),
        ])
        .await;
        peer.say([stream(3), throw]).await;
        peer.say([stream(4), credit(4)]).await;
        let mut ended = Vec::new();
        while ended.len() < 4 {
            let answer = peer.hear().await.unwrap();
            match answer.kind {
                Some(Kind::Item(_)) => peer.say([send(4), send(4), send(4)]).await,
                Some(Kind::Fault(fault)) => {
                    assert_eq!(fault.kind, ErrorKind::Protocol.number(), "{fault:?}");
                    ended.push(answer.call);
                }
                Some(Kind::Window(_)) => {}
                other => panic!("{other:?}"),
            }
        }
        ended.sort_unstable();
        assert_eq!(ended, [1, 2, 3, 4]);
        peer.say([echo(5)]).await;
        assert!(matches!(
            peer.hear().await.unwrap().kind,
            Some(Kind::Result(_))
        ));
        target.is_well().await;
        target.close().await;
    });
}

/// It would be left without an answer: the sessions end once nobody has a place.
#[test]
fn a_drain_takes_no_call_of_a_session_that_is_not_told_yet() {
    run(async {
        let target = Target::new();
        let mut peer = Peer::greeted(&target).await;
        target.worker.drain_silently();
        peer.say([echo(1)]).await;
        let Some(Kind::Rejected(rejected)) = peer.hear().await.unwrap().kind else {
            panic!("taken");
        };
        assert_eq!(rejected.reason(), Reason::Draining);
        target.close().await;
    });
}
