//! How many bytes a session holds, by its own accounts, while a host takes its time.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use bytes::Bytes;

use super::inbox::{Inbox, Part, Release};
use super::outbox::Outbox;
use crate::payload::{Codec, Payload};
use crate::state::hello::Limits;
use crate::state::window::reserve;
use crate::wire::frame::Kind;
use crate::wire::{self, Batch};

/// Two ends of a session with the limits that real ones have, and no transport between them.
struct Ends {
    limits: Limits,
    outbox: Outbox,
    inbox: Inbox,
    releases: Arc<Mutex<Vec<Release>>>,
    arrived: VecDeque<(u64, Payload)>,
}

impl Ends {
    fn new() -> Ends {
        let limits = Limits::default();
        let releases = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&releases);
        let release = Arc::new(move |release| sink.lock().unwrap().push(release));
        Ends {
            limits,
            outbox: Outbox::new(limits),
            inbox: Inbox::new(limits, release),
            releases,
            arrived: VecDeque::new(),
        }
    }

    fn send(&mut self, number: u64, data: Bytes) {
        let payload = Payload::new(Codec::Raw, data);
        self.outbox.payload(number, payload, false, |value| {
            Kind::Result(wire::Result {
                value: Some(value),
                context: None,
            })
        });
    }

    /// One batch there, and what it grants back; false: nothing moves.
    fn turn(&mut self) -> bool {
        let mut batch = Batch::default();
        self.outbox.fill(&mut batch, 0);
        let mut grants = Vec::new();
        let mut moved = !batch.frames.is_empty();
        for frame in batch.frames {
            let number = frame.call;
            let part = match frame.kind {
                Some(Kind::Result(result)) => {
                    self.inbox
                        .first_part(number, result.value, false, &mut grants)
                }
                Some(Kind::Chunk(chunk)) => {
                    self.inbox.chunk(number, chunk.data, false, &mut grants)
                }
                other => panic!("unexpected {other:?}"),
            };
            if let Ok(Part::Complete(payload)) = part {
                self.arrived.push_back((number, payload));
            }
        }
        for release in self.releases.lock().unwrap().drain(..) {
            self.inbox.release(&release, &mut grants);
        }
        self.inbox.grant_session(&mut grants);
        for frame in grants {
            if let Some(Kind::Window(window)) = frame.kind {
                moved = true;
                self.outbox.grant(frame.call, window.bytes);
            }
        }
        moved
    }
}

#[test]
fn results_that_nobody_takes_wait_at_their_sender() {
    const CALLS: u64 = 10_000;
    const SIZE: usize = 40 << 10;
    let mut ends = Ends::new();
    let data = Bytes::from(vec![7; SIZE]);
    for number in 1..=CALLS {
        ends.send(number, data.clone());
    }
    let bound = ends.limits.session_window + SIZE as u64;
    while ends.turn() {
        assert!(ends.inbox.held() <= bound);
    }
    let taken: usize = ends.arrived.iter().map(|(_, payload)| payload.len()).sum();
    assert!(taken as u64 <= bound);
    assert!(taken as u64 > ends.limits.session_window / 2);
    let waiting = CALLS as usize * SIZE - taken;
    assert!(ends.outbox.waiting_bytes() <= waiting);
    assert!(ends.outbox.waiting_bytes() + ends.limits.session_window as usize >= waiting);

    // What is small passes all the same.
    for number in CALLS + 1..=CALLS + 1000 {
        ends.send(number, Bytes::from_static(b"small"));
    }
    while ends.turn() {}
    let small = ends.arrived.iter().filter(|(number, _)| *number > CALLS);
    assert_eq!(small.count(), 1000);

    // Now they are taken, as many as are there, and none is missing.
    let mut seen = BTreeMap::new();
    while !ends.arrived.is_empty() {
        for (number, payload) in ends.arrived.drain(..) {
            *seen.entry(number).or_insert(0) += payload.len();
        }
        while ends.turn() {
            assert!(ends.inbox.held() <= bound);
        }
    }
    assert_eq!(seen.len() as u64, CALLS + 1000);
    assert!(
        seen.iter()
            .all(|(number, len)| *number > CALLS || *len == SIZE)
    );
    assert_eq!(ends.inbox.held(), 0);
    assert_eq!(ends.outbox.waiting_bytes(), 0);
}

#[test]
fn a_hundred_mebibytes_hold_up_nothing_small() {
    const LARGE: usize = 100 << 20;
    let mut ends = Ends::new();
    ends.send(1, Bytes::from(vec![7; LARGE]));
    let mut small = 0;
    while !ends.arrived.iter().any(|(number, _)| *number == 1) {
        small += 1;
        ends.send(1 + small, Bytes::from_static(b"small"));
        assert!(ends.turn());
        // It is there with the very next batch.
        assert_eq!(
            ends.arrived.pop_front().map(|(number, _)| number),
            Some(1 + small)
        );
        // One payload may be larger than the window; nothing is held beside it.
        assert!(ends.inbox.held() <= LARGE as u64);
    }
    assert!(small > 100);
    drop(ends.arrived.pop_front());
    while ends.turn() {}
    assert_eq!(ends.inbox.held(), 0);
}

#[test]
fn a_hundred_mebibytes_each_of_many_calls_are_one_payload_and_the_window() {
    const LARGE: usize = 100 << 20;
    let mut ends = Ends::new();
    let data = Bytes::from(vec![7; LARGE]);
    for number in 1..=4 {
        ends.send(number, data.clone());
    }
    let bound = ends.limits.session_window + LARGE as u64 + reserve(ends.limits.session_window);
    let mut taken = 0;
    while taken < 4 {
        while ends.turn() {
            assert!(ends.inbox.held() <= bound);
        }
        taken += ends.arrived.len();
        assert!(!ends.arrived.is_empty(), "no progress");
        ends.arrived.clear();
    }
    while ends.turn() {}
    assert_eq!(ends.inbox.held(), 0);
}
