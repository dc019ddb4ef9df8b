//! Payloads as they arrive: windows are checked, parts are put together, and what the host has used up
//! is granted again.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::{Bytes, BytesMut};

use super::numbers::CallMap;
use super::transport::LinkError;
use crate::payload::{Codec, Payload};
use crate::peer_limits::{PeerBytes, PeerSession};
use crate::state::hello::Limits;
use crate::state::window::{Arriving, Overrun, ReceiveWindow, SessionBudget, spends_session};
use crate::wire::frame::Kind;
use crate::wire::{self, Frame};

/// Payload bytes that the host has used up.
#[derive(Debug)]
pub(crate) struct Release {
    number: u64,
    call_bytes: u64,
    session_bytes: u64,
}

/// Tells the session's driver. It may be gone; then nobody counts any more.
pub(crate) type ReleaseFn = Arc<dyn Fn(Release) + Send + Sync>;

/// Occupies window bytes until it is dropped.
pub(crate) struct Receipt {
    window: Option<Arc<ItemWindow>>,
    call_bytes: u64,
    session_bytes: u64,
    number: u64,
    release: ReleaseFn,
}

/// What a payload holds of what is counted.
struct Held {
    session_bytes: u64,
    /// Of its peer's, for one that is larger than the session's window.
    aside: Option<PeerBytes>,
}

/// Saves up what small items give back, so that not each of them wakes the driver.
struct ItemWindow {
    returned: AtomicU64,
    threshold: u64,
}

impl Drop for Receipt {
    fn drop(&mut self) {
        let mut call_bytes = 0;
        if let Some(window) = &self.window {
            let before = window.returned.fetch_add(self.call_bytes, Ordering::AcqRel);
            if before + self.call_bytes >= window.threshold {
                call_bytes = window.returned.swap(0, Ordering::AcqRel);
            }
        }
        if call_bytes > 0 || self.session_bytes > 0 {
            (self.release)(Release {
                number: self.number,
                call_bytes,
                session_bytes: self.session_bytes,
            });
        }
    }
}

/// What came of a part.
pub(crate) enum Part {
    /// The payload is complete.
    Complete(Payload),
    /// More is to come.
    Partial,
    /// The payload is larger than this side accepts. Its call fails; the session lives.
    TooLarge(u64),
    /// The payload is larger than the session's window, and its peer has no more bytes to set aside. Its call fails; the
    /// session lives.
    NoRoom(u64),
    /// The codec is not one this side reads. Its call fails; the session lives.
    UnknownCodec(i32),
}

/// What is said of [`Part::NoRoom`].
pub(super) fn no_room(what: &str, total: u64) -> String {
    format!(
        "{what} {total} bytes, for which there is no room beside what else this peer has on its way to the worker"
    )
}

pub(crate) struct Inbox {
    limits: Limits,
    /// Whose bytes they are; `None` where nobody counts.
    share: Option<Arc<PeerSession>>,
    budget: SessionBudget,
    calls: CallMap<InCall>,
    /// The calls of payloads that are arriving, in the order in which they began.
    arriving: BTreeMap<u64, u64>,
    began: u64,
    release: ReleaseFn,
    /// The session's budget changed since the last look.
    budget_touched: bool,
}

struct InCall {
    window: ReceiveWindow,
    items: Arc<ItemWindow>,
    assembly: Option<Assembly>,
}

struct Assembly {
    codec: Codec,
    total: u64,
    data: BytesMut,
    held: Held,
    /// Its key in `arriving`.
    began: u64,
}

impl Inbox {
    /// `limits` are this side's own.
    pub(crate) fn new(limits: Limits, release: ReleaseFn) -> Inbox {
        Inbox {
            limits,
            share: None,
            budget: SessionBudget::new(limits.session_window),
            calls: CallMap::default(),
            arriving: BTreeMap::new(),
            began: 0,
            release,
            budget_touched: false,
        }
    }

    /// What comes in is counted as of a peer.
    pub(crate) fn of_peer(mut self, share: Option<Arc<PeerSession>>) -> Inbox {
        self.share = share;
        self
    }

    /// Room for a payload that the session's window has none for. An error: there is none.
    fn set_aside(&self, total: u64) -> Result<Option<PeerBytes>, ()> {
        match &self.share {
            Some(share) if total > self.limits.session_window => {
                share.set_aside(total).map(Some).ok_or(())
            }
            _ => Ok(None),
        }
    }

    /// A payload's first part. `more`: other payloads of this call may follow.
    ///
    /// An error is a violation of the protocol that ends the session.
    pub(crate) fn first_part(
        &mut self,
        number: u64,
        payload: Option<wire::Payload>,
        more: bool,
        grants: &mut Vec<Frame>,
    ) -> Result<Part, LinkError> {
        let Some(payload) = payload else {
            return Err(violation(number, "a frame without its payload"));
        };
        let len = payload.data.len() as u64;
        if len > payload.total || len as usize > self.limits.max_part {
            return Err(violation(
                number,
                "a part larger than its payload or than the limit",
            ));
        }
        let whole = len == payload.total;
        let tracked = more || !whole || self.calls.contains_key(&number);
        let session_bytes = if spends_session(false, len as usize) {
            len
        } else {
            0
        };
        if session_bytes > 0 {
            self.budget
                .receive(session_bytes)
                .map_err(|o| overrun("the session", o))?;
            self.budget_touched = true;
        }
        let size = self.limits.call_window;
        if tracked {
            let call = self
                .calls
                .entry(number)
                .or_insert_with(|| InCall::new(size));
            call.window
                .receive(len)
                .map_err(|o| overrun("its call", o))?;
            if call.assembly.is_some() {
                return Err(violation(number, "a payload within another"));
            }
        } else if len > size {
            return Err(overrun(
                "its call",
                Overrun {
                    sent: len,
                    left: size,
                },
            ));
        }
        let aside = self.set_aside(payload.total);
        let refused = if payload.total > self.limits.max_payload {
            Some(Part::TooLarge(payload.total))
        } else if aside.is_err() {
            Some(Part::NoRoom(payload.total))
        } else if let Some(codec) = Codec::from_number(payload.codec) {
            if whole {
                let data = detach(payload.data);
                return Ok(Part::Complete(self.complete(
                    number,
                    codec,
                    data,
                    len,
                    Held {
                        session_bytes,
                        aside: None,
                    },
                    more,
                )));
            }
            let call = self
                .calls
                .entry(number)
                .or_insert_with(|| InCall::new(size));
            let mut data = BytesMut::new();
            data.extend_from_slice(&payload.data);
            self.began += 1;
            call.assembly = Some(Assembly {
                codec,
                total: payload.total,
                data,
                held: Held {
                    session_bytes,
                    aside: aside.ok().flatten(),
                },
                began: self.began,
            });
            self.arriving.insert(self.began, number);
            self.budget_touched = true;
            self.grant_arriving(number, len, grants);
            return Ok(Part::Partial);
        } else {
            Some(Part::UnknownCodec(payload.codec))
        };
        self.budget.release(session_bytes);
        refused.ok_or_else(|| violation(number, "a payload that cannot be read"))
    }

    /// A further part. Chunks of calls that are over are dropped by the caller of this function through
    /// [`Inbox::chunk_of_nobody`].
    pub(crate) fn chunk(
        &mut self,
        number: u64,
        data: Bytes,
        more: bool,
        grants: &mut Vec<Frame>,
    ) -> Result<Part, LinkError> {
        let len = data.len() as u64;
        if len == 0 || len as usize > self.limits.max_part {
            return Err(violation(
                number,
                "a chunk that is empty or larger than the limit",
            ));
        }
        self.budget
            .receive(len)
            .map_err(|o| overrun("the session", o))?;
        self.budget_touched = true;
        let Some(call) = self.calls.get_mut(&number) else {
            return Err(violation(number, "a chunk of no payload"));
        };
        call.window
            .receive(len)
            .map_err(|o| overrun("its call", o))?;
        let Some(assembly) = call.assembly.as_mut() else {
            return Err(violation(number, "a chunk of no payload"));
        };
        if assembly.data.len() as u64 + len > assembly.total {
            return Err(violation(number, "chunks beyond the payload's total"));
        }
        assembly.data.extend_from_slice(&data);
        assembly.held.session_bytes += len;
        if (assembly.data.len() as u64) < assembly.total {
            self.grant_arriving(number, len, grants);
            return Ok(Part::Partial);
        }
        let Some(assembly) = call.assembly.take() else {
            return Err(violation(number, "a chunk of no payload"));
        };
        self.arriving.remove(&assembly.began);
        let data = assembly.data.freeze();
        Ok(Part::Complete(self.complete(
            number,
            assembly.codec,
            data,
            len,
            assembly.held,
            more,
        )))
    }

    /// A chunk of a call that is over on this side: legal, since the peer may not know it yet.
    pub(crate) fn chunk_of_nobody(&mut self, data: &Bytes) -> Result<(), LinkError> {
        self.part_of_nobody(true, data.len())
    }

    /// The same for a payload's first part.
    pub(crate) fn payload_of_nobody(
        &mut self,
        payload: Option<&wire::Payload>,
    ) -> Result<(), LinkError> {
        self.part_of_nobody(false, payload.map_or(0, |payload| payload.data.len()))
    }

    fn part_of_nobody(&mut self, chunk: bool, len: usize) -> Result<(), LinkError> {
        if spends_session(chunk, len) {
            self.budget
                .receive(len as u64)
                .map_err(|o| overrun("the session", o))?;
            self.budget.release(len as u64);
            self.budget_touched = true;
        }
        Ok(())
    }

    pub(crate) fn release(&mut self, release: &Release, grants: &mut Vec<Frame>) {
        if release.session_bytes > 0 {
            self.budget.release(release.session_bytes);
            self.budget_touched = true;
        }
        if release.call_bytes > 0
            && let Some(call) = self.calls.get_mut(&release.number)
            && let Some(bytes) = call.window.release(release.call_bytes)
        {
            grants.push(window_frame(release.number, bytes));
        }
    }

    /// The call is over: what of it was arriving is thrown away.
    pub(crate) fn forget(&mut self, number: u64) {
        if let Some(call) = self.calls.remove(&number)
            && let Some(assembly) = call.assembly
        {
            self.arriving.remove(&assembly.began);
            self.budget.release(assembly.held.session_bytes);
            self.budget_touched = true;
        }
    }

    /// Bytes of large parts that have come and are not given up.
    #[cfg(test)]
    pub(crate) fn held(&self) -> u64 {
        self.budget.held()
    }

    /// To be called after a round of frames and releases.
    pub(crate) fn grant_session(&mut self, grants: &mut Vec<Frame>) {
        if !std::mem::take(&mut self.budget_touched) {
            return;
        }
        let first = self.arriving.first_key_value().and_then(|(_, number)| {
            let assembly = self.calls.get(number)?.assembly.as_ref()?;
            let left = assembly.total - assembly.data.len() as u64;
            Some(Arriving {
                received: assembly.held.session_bytes,
                left,
            })
        });
        if let Some(bytes) = self.budget.grant(first) {
            grants.push(window_frame(0, bytes));
        }
    }

    /// Bytes of a payload that is still arriving give their call's window back at once: the whole payload
    /// is bounded by `max_payload` and by the session's budget.
    fn grant_arriving(&mut self, number: u64, bytes: u64, grants: &mut Vec<Frame>) {
        if let Some(call) = self.calls.get_mut(&number)
            && let Some(bytes) = call.window.release(bytes)
        {
            grants.push(window_frame(number, bytes));
        }
    }

    fn complete(
        &mut self,
        number: u64,
        codec: Codec,
        data: Bytes,
        last_part: u64,
        held: Held,
        more: bool,
    ) -> Payload {
        let window = more
            .then(|| self.calls.get(&number).map(|call| Arc::clone(&call.items)))
            .flatten();
        if !more {
            self.calls.remove(&number);
        }
        let receipt = (window.is_some() || held.session_bytes > 0).then(|| Receipt {
            window,
            call_bytes: last_part,
            session_bytes: held.session_bytes,
            number,
            release: self.release_with(held.aside),
        });
        Payload::received(codec, data, receipt)
    }

    /// What was set aside is given back with the payload's receipt.
    fn release_with(&self, aside: Option<PeerBytes>) -> ReleaseFn {
        let release = Arc::clone(&self.release);
        let Some(aside) = aside else {
            return release;
        };
        Arc::new(move |given| {
            let _until_here = &aside;
            release(given);
        })
    }
}

impl InCall {
    fn new(size: u64) -> InCall {
        InCall {
            window: ReceiveWindow::new(size),
            items: Arc::new(ItemWindow {
                returned: AtomicU64::new(0),
                threshold: size / 4,
            }),
            assembly: None,
        }
    }
}

/// A slice of a batch keeps the whole batch in memory: small payloads get their own bytes.
fn detach(data: Bytes) -> Bytes {
    const SMALL: usize = 16 * 1024;
    if data.len() <= SMALL {
        Bytes::copy_from_slice(&data)
    } else {
        data
    }
}

fn window_frame(number: u64, bytes: u64) -> Frame {
    Frame::new(number, Kind::Window(wire::Window { bytes }))
}

fn violation(number: u64, what: &str) -> LinkError {
    LinkError::protocol(format!("the peer sent {what} (call {number})"))
}

fn overrun(whose: &str, overrun: Overrun) -> LinkError {
    LinkError::protocol(format!(
        "the peer sent {} bytes where the window of {whose} had {} left",
        overrun.sent, overrun.left
    ))
}
