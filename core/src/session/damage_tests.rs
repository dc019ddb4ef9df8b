//! Batches that are nearly right, to what decodes them and takes them apart: an answer or a refusal, within the
//! bounds, and never a panic.

use std::sync::Arc;

use bytes::Bytes;
use proptest::prelude::*;
use prost::Message;

use super::inbox::{Inbox, Part};
use crate::error::Fault;
use crate::state::hello::{self, Limits, hello};
use crate::wire::frame::Kind;
use crate::wire::{self, Batch, Frame};

fn limits() -> Limits {
    Limits {
        max_payload: 1 << 20,
        max_part: 4 << 10,
        call_window: 8 << 10,
        session_window: 16 << 10,
        ..Limits::default()
    }
}

fn payload(len: usize, total: u64) -> Option<wire::Payload> {
    Some(wire::Payload {
        codec: wire::Codec::Raw as i32,
        total,
        data: Bytes::from(vec![7; len]),
    })
}

/// A conversation of every kind of frame that carries more than a number.
fn conversation() -> Batch {
    let start = wire::Start {
        task_id: vec![1; 16].into(),
        routine: "test.echo".to_owned(),
        kind: wire::RoutineKind::Unary as i32,
        arguments: payload(100, 300),
        deadline_us: 1,
        ..Default::default()
    };
    let fault = Fault {
        cause: Some(Box::new(Fault::new("Cause", "why"))),
        ..Fault::new("Error", "what")
    };
    let item = wire::Item {
        value: payload(3000, 3000),
        context: None,
    };
    let chunk = |len: usize| {
        Kind::Chunk(wire::Chunk {
            data: Bytes::from(vec![1; len]),
        })
    };
    let frames = [
        (0, Kind::Hello(hello(Limits::default(), "test").into())),
        (1, Kind::Start(start.into())),
        (1, chunk(200)),
        (2, Kind::Item(item)),
        (2, chunk(100)),
        (3, Kind::Fault(fault.into_wire().into())),
        (0, Kind::Window(wire::Window { bytes: 1 << 40 })),
        (
            2,
            Kind::Credit(wire::Credit {
                items: 1,
                ..wire::Credit::default()
            }),
        ),
    ];
    Batch {
        frames: frames
            .into_iter()
            .map(|(call, kind)| Frame::new(call, kind))
            .collect(),
    }
}

/// Takes a batch apart as a session does; the payload bytes that came of it. It ends at the first violation.
fn take_apart(batch: Batch) -> usize {
    let mut inbox = Inbox::new(limits(), Arc::new(|_| ()));
    let mut grants = Vec::new();
    let mut arrived = Vec::new();
    for Frame { call, kind } in batch.frames {
        let part = match kind {
            Some(Kind::Hello(hello)) => {
                let _ = hello::accept_caller((*hello).clone(), "uid", Some(b"secret"));
                let _ = hello::accept_worker(*hello, "");
                continue;
            }
            Some(Kind::Start(start)) => inbox.first_part(call, start.arguments, false, &mut grants),
            Some(Kind::Item(item)) => inbox.first_part(call, item.value, true, &mut grants),
            Some(Kind::Result(result)) => inbox.first_part(call, result.value, false, &mut grants),
            Some(Kind::Chunk(chunk)) => inbox.chunk(call, chunk.data, true, &mut grants),
            Some(Kind::Fault(fault)) => {
                let fault = Fault::from_wire(*fault);
                let _ = Fault::from_wire(fault.into_wire());
                inbox.forget(call);
                continue;
            }
            _ => continue,
        };
        match part {
            // Kept, so that nothing is granted for it.
            Ok(Part::Complete(payload)) => arrived.push(payload),
            Ok(_) => {}
            Err(_) => break,
        }
        inbox.grant_session(&mut grants);
    }
    arrived.iter().map(|payload| payload.len()).sum()
}

#[test]
fn the_undamaged_conversation_is_taken() {
    assert_eq!(take_apart(conversation()), 300 + 3000);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    #[test]
    fn a_damaged_conversation_is_taken_or_refused(
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        cut in proptest::option::of(any::<prop::sample::Index>()),
        again in 1_usize..4,
    ) {
        let mut bytes = conversation().encode_to_vec();
        for (index, byte) in damage {
            let index = index.index(bytes.len());
            bytes[index] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        if let Ok(batch) = Batch::decode(bytes.as_slice()) {
            let frames = batch.frames.iter().cycle().take(batch.frames.len() * again);
            let held = take_apart(Batch { frames: frames.cloned().collect() });
            // What nobody has used up stays within what was granted.
            prop_assert!(held <= 1 << 20, "{held} bytes are held");
        }
    }

    #[test]
    fn any_bytes_are_a_batch_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(batch) = Batch::decode(bytes.as_slice()) {
            take_apart(batch);
        }
    }
}
