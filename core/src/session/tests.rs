//! Outboxes and inboxes joined without a transport.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use proptest::prelude::*;

use super::inbox::{Inbox, Part, Release};
use super::outbox::Outbox;
use super::transport::LinkError;
use crate::payload::{Codec, Payload};
use crate::state::hello::Limits;
use crate::wire::frame::Kind;
use crate::wire::{self, Batch, Frame};

fn limits() -> Limits {
    Limits {
        max_payload: 4 << 20,
        max_part: 16 << 10,
        call_window: 32 << 10,
        session_window: 64 << 10,
        max_batch: 64 << 10,
        ..Limits::default()
    }
}

/// The receiving side, with what it holds.
struct Receiver {
    inbox: Inbox,
    releases: Arc<Mutex<Vec<Release>>>,
    grants: Vec<Frame>,
    arrived: VecDeque<(u64, Payload)>,
}

impl Receiver {
    fn new(limits: Limits) -> Receiver {
        let releases = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&releases);
        Receiver {
            inbox: Inbox::new(
                limits,
                Arc::new(move |release| sink.lock().unwrap().push(release)),
            ),
            releases,
            grants: Vec::new(),
            arrived: VecDeque::new(),
        }
    }

    fn batch(&mut self, batch: Batch) -> Result<(), LinkError> {
        for frame in batch.frames {
            let number = frame.call;
            let part = match frame.kind {
                Some(Kind::Item(item)) => {
                    self.inbox
                        .first_part(number, item.value, true, &mut self.grants)?
                }
                Some(Kind::Chunk(chunk)) => {
                    self.inbox
                        .chunk(number, chunk.data, true, &mut self.grants)?
                }
                other => panic!("unexpected {other:?}"),
            };
            if let Part::Complete(payload) = part {
                self.arrived.push_back((number, payload));
            }
        }
        Ok(())
    }

    /// The grants that a round has brought.
    fn round(&mut self) -> Vec<Frame> {
        for release in self.releases.lock().unwrap().drain(..) {
            self.inbox.release(&release, &mut self.grants);
        }
        self.inbox.grant_session(&mut self.grants);
        std::mem::take(&mut self.grants)
    }
}

fn send_item(outbox: &mut Outbox, number: u64, data: Bytes) {
    outbox.payload(number, Payload::new(Codec::Raw, data), true, |value| {
        Kind::Item(wire::Item {
            value: Some(value),
            context: None,
        })
    });
}

fn pattern(number: u64, index: usize, len: usize) -> Bytes {
    (0..len)
        .map(|i| (number as usize * 7 + index * 13 + i) as u8)
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Items of any size on many streams, with a host that keeps some for long: all arrive, in order and
    /// whole; no window is overrun; what the host has not consumed stays within the bound.
    #[test]
    fn all_payloads_arrive_and_memory_is_bounded(
        items in proptest::collection::vec((1u64..12, 0usize..150_000), 1..60),
        consume in proptest::collection::vec(0usize..4, 1..20),
    ) {
        let limits = limits();
        let largest = items.iter().map(|(_, len)| *len).max().unwrap_or(0);
        let mut outbox = Outbox::new(limits);
        let mut receiver = Receiver::new(limits);
        let mut expected: BTreeMap<u64, VecDeque<Bytes>> = BTreeMap::new();
        for (index, (number, len)) in items.iter().enumerate() {
            let data = pattern(*number, index, *len);
            expected.entry(*number).or_default().push_back(data.clone());
            send_item(&mut outbox, *number, data);
        }
        let mut left = items.len();
        let mut rounds = 0usize;
        while left > 0 {
            rounds += 1;
            prop_assert!(rounds < 100_000, "no progress with {left} items left");
            let mut wrote = false;
            while outbox.can_fill() {
                let mut batch = Batch::default();
                outbox.fill(&mut batch, 0);
                prop_assert!(!batch.frames.is_empty());
                wrote = true;
                receiver.batch(batch).map_err(|e| TestCaseError::fail(format!("{e:?}")))?;
            }
            // First parts are small here: they spend their calls' windows only.
            let held: usize =
                receiver.arrived.iter().map(|(_, p)| p.len().saturating_sub(16 << 10)).sum();
            prop_assert!(held as u64 <= limits.session_window + 2 * largest as u64);
            // A host that consumes now and then, and always when nothing else moves.
            let grants = receiver.round();
            let mut consumed = consume[rounds % consume.len()];
            if !wrote && grants.is_empty() {
                consumed = consumed.max(1);
            }
            for frame in grants {
                if let Some(Kind::Window(window)) = frame.kind {
                    outbox.grant(frame.call, window.bytes);
                }
            }
            for _ in 0..consumed {
                let Some((number, payload)) = receiver.arrived.pop_front() else { break };
                let next = expected.get_mut(&number).and_then(VecDeque::pop_front);
                prop_assert_eq!(Some(payload.into_bytes()), next);
                left -= 1;
            }
        }
    }

    /// Whatever is said on the wire, the inbox answers or refuses; it never panics.
    #[test]
    fn any_parts_are_taken_or_refused(
        parts in proptest::collection::vec((any::<bool>(), 1u64..4, 0usize..40_000, any::<u32>(), -1i32..5), 0..50),
    ) {
        let mut receiver = Receiver::new(limits());
        for (chunk, number, len, total, codec) in parts {
            let data = Bytes::from(vec![0; len]);
            let kind = if chunk {
                Kind::Chunk(wire::Chunk { data })
            } else {
                let total = u64::from(total) % 100_000;
                Kind::Item(wire::Item {
                    value: Some(wire::Payload { codec, data, total }),
                    context: None,
                })
            };
            if receiver.batch(Batch { frames: vec![Frame::new(number, kind)] }).is_err() {
                break;
            }
            receiver.round();
        }
    }
}

#[test]
fn a_small_payload_overtakes_a_large_one_that_waits() {
    let limits = limits();
    let mut outbox = Outbox::new(limits);
    send_item(&mut outbox, 1, Bytes::from(vec![1; 1 << 20]));
    let mut batch = Batch::default();
    while outbox.can_fill() {
        batch.frames.clear();
        outbox.fill(&mut batch, 0);
    }
    send_item(&mut outbox, 2, Bytes::from_static(b"small"));
    assert!(outbox.can_fill());
    batch.frames.clear();
    outbox.fill(&mut batch, 0);
    assert_eq!(
        batch
            .frames
            .iter()
            .map(|frame| frame.call)
            .collect::<Vec<_>>(),
        [2]
    );
}

#[test]
fn the_end_follows_the_payloads_before_it() {
    let mut outbox = Outbox::new(limits());
    send_item(&mut outbox, 1, Bytes::from(vec![1; 40 << 10]));
    outbox.frame_in_order(Frame::new(1, Kind::End(wire::End::default())));
    let mut frames = Vec::new();
    for _ in 0..10 {
        let mut batch = Batch::default();
        outbox.fill(&mut batch, 0);
        frames.append(&mut batch.frames);
        outbox.grant(1, 16 << 10);
    }
    assert!(matches!(
        frames.last().and_then(|f| f.kind.as_ref()),
        Some(Kind::End(_))
    ));
    assert_eq!(frames.len(), 4);
    assert!(!outbox.can_fill());
}
