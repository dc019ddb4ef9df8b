//! What waits to be written to one session: frames that can go at once, and payloads that wait for their
//! windows.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bytes::Bytes;
use prost::Message as _;

use super::numbers::CallMap;
use crate::payload::Payload;
use crate::state::hello::Limits;
use crate::state::window::{SMALL_PART, SendWindow, reserve, spends_session};
use crate::wire::frame::Kind;
use crate::wire::{self, Batch, Frame};

/// How full a batch gets. Larger batches amortise no more and make small frames wait.
const BATCH_TARGET: usize = 256 * 1024;
/// What a frame costs beyond its payload, at the most, when it is not a fault or a hello.
const FRAME_OVERHEAD: usize = 128;

/// Puts a payload's first part into the frame that carries it.
pub(crate) type Wrap = Box<dyn FnOnce(wire::Payload) -> Kind + Send>;

pub(crate) struct Outbox {
    limits: Limits,
    batch_target: usize,
    session: SendWindow,
    ready: VecDeque<Frame>,
    /// Calls that track a window: streams, and whatever has payloads waiting.
    calls: CallMap<OutCall>,
    /// Those of `calls` with something waiting and a call window that is not empty. Older calls first.
    runnable: BTreeSet<u64>,
    /// The calls of payloads that were begun and are not complete, in the order in which they began. The
    /// session's reserve is for the first.
    begun: BTreeMap<u64, u64>,
    last_begun: u64,
}

struct OutCall {
    window: SendWindow,
    waiting: VecDeque<Waiting>,
    /// Other payloads may follow, which the window is kept for.
    more: bool,
}

enum Waiting {
    First {
        wrap: Wrap,
        codec: i32,
        data: Bytes,
    },
    Rest {
        data: Bytes,
        begun: u64,
    },
    /// A frame that must not overtake the payloads before it.
    Frame(Box<Frame>),
}

impl Outbox {
    /// `limits` are the peer's.
    pub(crate) fn new(limits: Limits) -> Outbox {
        Outbox {
            batch_target: BATCH_TARGET.min(limits.max_batch / 2),
            session: SendWindow::new(limits.session_window),
            limits,
            ready: VecDeque::new(),
            calls: CallMap::default(),
            runnable: BTreeSet::new(),
            begun: BTreeMap::new(),
            last_begun: 0,
        }
    }

    /// A frame that may overtake payloads.
    pub(crate) fn frame(&mut self, frame: Frame) {
        self.ready.push_back(frame);
    }

    /// A frame that follows the payloads of its call, e.g. the end of a stream.
    pub(crate) fn frame_in_order(&mut self, frame: Frame) {
        match self.calls.get_mut(&frame.call) {
            Some(call) if !call.waiting.is_empty() => {
                call.waiting.push_back(Waiting::Frame(Box::new(frame)));
            }
            _ => {
                if is_last(&frame) {
                    self.forget(frame.call);
                }
                self.ready.push_back(frame);
            }
        }
    }

    /// A payload of a call. `more` says that other payloads of this call follow or went before (streams),
    /// so that its window has to be tracked.
    pub(crate) fn payload(
        &mut self,
        number: u64,
        payload: Payload,
        more: bool,
        wrap: impl FnOnce(wire::Payload) -> Kind + Send + 'static,
    ) {
        let codec = payload.codec() as i32;
        let data = payload.into_bytes();
        let tracked = more || self.calls.contains_key(&number);
        let small = data.len() <= SMALL_PART.min(self.limits.max_part);
        if !tracked && small && data.len() as u64 <= self.limits.call_window {
            self.ready.push_back(first_part(number, wrap, codec, data));
            return;
        }
        let window = self.limits.call_window;
        let call = self.calls.entry(number).or_insert_with(|| OutCall {
            window: SendWindow::new(window),
            waiting: VecDeque::new(),
            more,
        });
        if small && call.waiting.is_empty() && data.len() as u64 <= call.window.left() {
            call.window.spend(data.len() as u64);
            self.ready.push_back(first_part(number, wrap, codec, data));
            return;
        }
        call.waiting.push_back(Waiting::First {
            wrap: Box::new(wrap),
            codec,
            data,
        });
        if call.window.left() > 0 {
            self.runnable.insert(number);
        }
    }

    /// The peer grants payload bytes, to a call or (0) to the session.
    pub(crate) fn grant(&mut self, number: u64, bytes: u64) {
        if number == 0 {
            self.session.grant(bytes);
        } else if let Some(call) = self.calls.get_mut(&number) {
            call.window.grant(bytes);
            if !call.waiting.is_empty() {
                self.runnable.insert(number);
            }
        }
    }

    /// The call is over or nobody wants it any more.
    pub(crate) fn forget(&mut self, number: u64) {
        if let Some(call) = self.calls.remove(&number) {
            self.runnable.remove(&number);
            if let Some(Waiting::Rest { begun, .. }) = call.waiting.front() {
                self.begun.remove(begun);
            }
        }
    }

    /// Whether `fill` would find something to write.
    pub(crate) fn can_fill(&self) -> bool {
        !self.ready.is_empty()
            || self
                .runnable
                .iter()
                .any(|number| self.part_len(*number).is_some())
    }

    /// Adds to the batch what can be written now; returns how many payload bytes and overheads that is.
    pub(crate) fn fill(&mut self, batch: &mut Batch, mut size: usize) -> usize {
        while size < self.batch_target
            && let Some(frame) = self.ready.pop_front()
        {
            size += frame_size(&frame);
            batch.frames.push(frame);
        }
        while size < self.batch_target
            && let Some((_, first)) = self.begun.first_key_value()
            && let first = *first
            && self.runnable.contains(&first)
            && let Some(len) = self.part_len(first)
            && let Some(frame) = self.next_part(first, len)
        {
            size += frame_size(&frame);
            batch.frames.push(frame);
        }
        let mut after = 0;
        while size < self.batch_target
            && let Some(number) = self.runnable.range(after + 1..).next().copied()
        {
            match self.part_len(number) {
                Some(len) => {
                    if let Some(frame) = self.next_part(number, len) {
                        size += frame_size(&frame);
                        batch.frames.push(frame);
                    }
                }
                None => after = number,
            }
        }
        size
    }

    pub(crate) fn batch_target(&self) -> usize {
        self.batch_target
    }

    /// Payload bytes that wait for their windows.
    #[cfg(test)]
    pub(crate) fn waiting_bytes(&self) -> usize {
        let waiting = self.calls.values().flat_map(|call| &call.waiting);
        waiting
            .map(|waiting| match waiting {
                Waiting::First { data, .. } | Waiting::Rest { data, .. } => data.len(),
                Waiting::Frame(_) => 0,
            })
            .sum()
    }

    /// How much of the front of a call's queue can be written now; `None`: nothing.
    fn part_len(&self, number: u64) -> Option<usize> {
        let call = self.calls.get(&number)?;
        let (data, chunk) = match call.waiting.front()? {
            Waiting::Frame(_) => return Some(0),
            Waiting::First { data, .. } => (data, false),
            Waiting::Rest { data, .. } => (data, true),
        };
        let window = usize::try_from(call.window.left()).unwrap_or(usize::MAX);
        let mut len = data.len().min(self.limits.max_part).min(window);
        if spends_session(chunk, len) {
            let first = self
                .begun
                .first_key_value()
                .is_none_or(|(_, first)| *first == number);
            let kept = if first {
                0
            } else {
                reserve(self.limits.session_window)
            };
            let left = self.session.left().saturating_sub(kept);
            len = len.min(usize::try_from(left).unwrap_or(usize::MAX));
        }
        // An empty payload is a part too.
        (len > 0 || data.is_empty()).then_some(len)
    }

    fn next_part(&mut self, number: u64, len: usize) -> Option<Frame> {
        let call = self.calls.get_mut(&number)?;
        let mut spent_session = false;
        let frame = match call.waiting.pop_front()? {
            Waiting::Frame(frame) => *frame,
            Waiting::First {
                wrap,
                codec,
                mut data,
            } => {
                let total = data.len() as u64;
                let part = data.split_to(len);
                if !data.is_empty() {
                    self.last_begun += 1;
                    self.begun.insert(self.last_begun, number);
                    call.waiting.push_front(Waiting::Rest {
                        data,
                        begun: self.last_begun,
                    });
                }
                spent_session = spends_session(false, len);
                Frame::new(
                    number,
                    wrap(wire::Payload {
                        codec,
                        data: part,
                        total,
                    }),
                )
            }
            Waiting::Rest { mut data, begun } => {
                let part = data.split_to(len);
                if data.is_empty() {
                    self.begun.remove(&begun);
                } else {
                    call.waiting.push_front(Waiting::Rest { data, begun });
                }
                spent_session = spends_session(true, len);
                Frame::new(number, Kind::Chunk(wire::Chunk { data: part }))
            }
        };
        call.window.spend(len as u64);
        if spent_session {
            self.session.spend(len as u64);
        }
        let front_is_frame = matches!(call.waiting.front(), Some(Waiting::Frame(_)));
        if is_last(&frame) || (call.waiting.is_empty() && !call.more) {
            self.forget(number);
        } else if call.waiting.is_empty() || (call.window.left() == 0 && !front_is_frame) {
            self.runnable.remove(&number);
        }
        Some(frame)
    }
}

fn first_part(
    number: u64,
    wrap: impl FnOnce(wire::Payload) -> Kind,
    codec: i32,
    data: Bytes,
) -> Frame {
    let total = data.len() as u64;
    Frame::new(number, wrap(wire::Payload { codec, data, total }))
}

/// Whether nothing of the call is written after this frame. (A result's chunks come after it.)
fn is_last(frame: &Frame) -> bool {
    matches!(frame.kind, Some(Kind::End(_) | Kind::Fault(_)))
}

fn frame_size(frame: &Frame) -> usize {
    let payload = |payload: &Option<wire::Payload>| payload.as_ref().map_or(0, |p| p.data.len());
    let context = |context: Option<&wire::Context>| context.map_or(0, wire::Context::encoded_len);
    FRAME_OVERHEAD
        + match &frame.kind {
            Some(Kind::Item(item)) => payload(&item.value) + context(item.context.as_deref()),
            Some(Kind::Result(result)) => {
                payload(&result.value) + context(result.context.as_deref())
            }
            Some(Kind::Start(start)) => {
                payload(&start.arguments)
                    + start.routine.len()
                    + start.tag.len()
                    + context(start.context.as_ref())
            }
            Some(Kind::Send(send)) => payload(&send.value) + context(send.context.as_ref()),
            Some(Kind::Credit(credit)) => context(credit.context.as_deref()),
            Some(Kind::End(end)) => context(end.context.as_deref()),
            Some(Kind::Define(define)) => define.data.len(),
            Some(Kind::Chunk(chunk)) => chunk.data.len(),
            Some(Kind::Rejected(rejected)) => rejected.message.len(),
            Some(Kind::Fault(_) | Kind::Throw(_) | Kind::Hello(_) | Kind::Serving(_)) => {
                frame.encoded_len()
            }
            _ => 0,
        }
}
