//! An event inside the library, and its way into C's memory.

use bytes::Bytes;
use wool_core::{Codec, Error, Outcome, Payload, Step};

use crate::error::{wool_error_free, wool_error_t};
use crate::guard::{Failure, Result, invalid};
use crate::memory::NO_BYTES;
use crate::task_events::Waiting;
use crate::types::*;

use wool_event_kind_t::*;

/// Something that happened.
pub(crate) struct Event {
    pub(crate) kind: wool_event_kind_t,
    pub(crate) tag: u64,
    pub(crate) handle: u64,
    pub(crate) body: Body,
}

pub(crate) enum Body {
    Nothing,
    Payload(Payload),
    Step(Step),
    Error(Error),
    /// Counted until it is drained.
    TaskEvent(Payload, Waiting),
}

impl Event {
    /// How a call or stream ended.
    pub(crate) fn outcome(outcome: Outcome, tag: u64, handle: u64) -> Event {
        let (kind, body) = match outcome {
            Outcome::Result(payload) => (WOOL_EVENT_RESULT, Body::Payload(payload)),
            Outcome::End => (WOOL_EVENT_END, Body::Nothing),
            Outcome::Error(error) => (WOOL_EVENT_ERROR, Body::Error(error)),
        };
        Event {
            kind,
            tag,
            handle,
            body,
        }
    }

    /// Writes the event as C sees it. The payload is copied into the slab, if there is room.
    pub(crate) fn into_c(self, slab: &mut Slab) -> wool_event_t {
        let mut event = wool_event_t {
            kind: self.kind as i32,
            status: wool_status_t::WOOL_OK as i32,
            tag: self.tag,
            handle: self.handle,
            payload: NO_BYTES,
            codec: 0,
            step: 0,
            error: std::ptr::null_mut(),
        };
        match self.body {
            Body::Nothing => {}
            Body::Payload(payload) => event.put_payload(payload, slab),
            Body::Step(step) => {
                event.step = step_number(&step) as i32;
                match step {
                    Step::Next | Step::Close => {}
                    Step::Send(value) => event.put_payload(value, slab),
                    Step::Throw(fault) => event.put_error(Error::from_fault(*fault)),
                }
            }
            Body::Error(error) => event.put_error(error),
            Body::TaskEvent(payload, _waiting) => event.put_payload(payload, slab),
        }
        event
    }
}

impl wool_event_t {
    fn put_payload(&mut self, payload: Payload, slab: &mut Slab) {
        self.codec = payload.codec() as i32;
        self.payload = match slab.copy(payload.bytes()) {
            Some(copied) => copied,
            None => give(payload.into_bytes()),
        };
    }

    fn put_error(&mut self, error: Error) {
        let error = wool_error_t::from(error);
        self.status = error.status() as i32;
        self.error = error.into_raw();
    }
}

/// A step, as C names it.
pub(crate) fn step_number(step: &Step) -> wool_step_t {
    match step {
        Step::Next => wool_step_t::WOOL_STEP_NEXT,
        Step::Send(_) => wool_step_t::WOOL_STEP_SEND,
        Step::Throw(_) => wool_step_t::WOOL_STEP_THROW,
        Step::Close => wool_step_t::WOOL_STEP_CLOSE,
    }
}

/// The drainer's memory for events, as large as the wool_event_t that it was compiled with.
pub(crate) struct Events {
    start: *mut u8,
    size: usize,
    capacity: usize,
    filled: usize,
}

/// Room for all but the error, whose status an event tells, too.
const SMALLEST_EVENT: usize = std::mem::offset_of!(wool_event_t, error);
/// More than the event of any version to come has.
const LARGEST_EVENT: usize = 1024;

impl Events {
    /// # Errors
    /// For sizes that are none.
    ///
    /// # Safety
    /// `start` is NULL or points at `capacity` elements of `size` bytes, which may be written while this is used.
    pub(crate) unsafe fn new(
        start: *mut wool_event_t,
        size: usize,
        capacity: usize,
    ) -> Result<Events> {
        if start.is_null() {
            return Err(Failure::Null("events"));
        }
        if !(SMALLEST_EVENT..=LARGEST_EVENT).contains(&size)
            || !size.is_multiple_of(align_of::<wool_event_t>())
        {
            return Err(invalid(format!(
                "event_size is {size}: pass sizeof(wool_event_t)"
            )));
        }
        if capacity == 0 {
            return Err(invalid("capacity is 0: give room for at least one event"));
        }
        if capacity > isize::MAX as usize / size {
            return Err(invalid(format!(
                "capacity is {capacity}: more events than memory can hold"
            )));
        }
        Ok(Events {
            start: start.cast(),
            size,
            capacity,
            filled: 0,
        })
    }

    pub(crate) fn have_room(&self) -> bool {
        self.filled < self.capacity
    }

    pub(crate) fn filled(&self) -> usize {
        self.filled
    }

    /// Writes the next event. There has to be room.
    pub(crate) fn put(&mut self, event: wool_event_t) {
        let known = size_of::<wool_event_t>();
        let written = self.size.min(known);
        // SAFETY: the element is within the array, which may hold anything yet. An error that has no room there has
        // no owner but this event.
        unsafe {
            let element = self.start.add(self.filled * self.size);
            std::ptr::copy_nonoverlapping(
                std::ptr::from_ref(&event).cast::<u8>(),
                element,
                written,
            );
            element.add(written).write_bytes(0, self.size - written);
            if written < known {
                wool_error_free(event.error);
            }
        }
        self.filled += 1;
    }
}

/// The drainer's memory for payloads.
pub(crate) struct Slab {
    start: *mut u8,
    len: usize,
    used: usize,
}

impl Slab {
    /// No room: every payload is handed over with its owner.
    pub(crate) fn none() -> Slab {
        Slab {
            start: std::ptr::null_mut(),
            len: 0,
            used: 0,
        }
    }

    /// # Safety
    /// `start` points at `len` bytes that may be written while the slab is used.
    pub(crate) unsafe fn new(start: *mut u8, len: usize) -> Slab {
        Slab {
            start,
            len,
            used: 0,
        }
    }

    fn copy(&mut self, data: &[u8]) -> Option<wool_bytes_t> {
        if data.is_empty() {
            return Some(NO_BYTES);
        }
        // So that hosts may read numbers in place. Aligned to the address, not to the offset.
        let at = self.used + (self.start as usize + self.used).wrapping_neg() % 8;
        if data.len() > self.len.checked_sub(at)? {
            return None;
        }
        // SAFETY: `at + data.len()` bytes are within the slab.
        let target = unsafe {
            let target = self.start.add(at);
            std::ptr::copy_nonoverlapping(data.as_ptr(), target, data.len());
            target
        };
        self.used = at + data.len();
        Some(wool_bytes_t {
            ptr: target,
            len: data.len(),
            owner: std::ptr::null_mut(),
        })
    }
}

/// Hands bytes over to C, which gives them back with wool_bytes_free.
pub(crate) fn give(data: Bytes) -> wool_bytes_t {
    if data.is_empty() {
        return NO_BYTES;
    }
    let (ptr, len) = (data.as_ptr(), data.len());
    wool_bytes_t {
        ptr,
        len,
        owner: Box::into_raw(Box::new(data)).cast(),
    }
}

/// Lends a payload to C.
pub(crate) fn lend(payload: &Payload) -> wool_payload_t {
    wool_payload_t {
        data: wool_slice_t::of_bytes(payload.bytes()),
        codec: payload.codec() as i32,
    }
}

/// Hands a value over as C's two out-parameters; `codec` may be NULL.
///
/// # Safety
/// `codec` is NULL or may be written.
pub(crate) unsafe fn give_payload(payload: Payload, codec: *mut i32) -> wool_bytes_t {
    let number: Codec = payload.codec();
    if let Some(codec) = unsafe { codec.as_mut() } {
        *codec = number as i32;
    }
    give(payload.into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slab_is_filled_aligned_and_never_beyond_its_end() {
        let mut memory = [0_u64; 5];
        let start: *mut u8 = memory.as_mut_ptr().cast();
        // Begins at an odd address, to see that what is aligned is the address.
        let mut slab = unsafe { Slab::new(start.add(1), 33) };
        let first = slab.copy(b"abc").unwrap();
        let second = slab.copy(b"defghijk").unwrap();
        assert_eq!(first.ptr as usize, start as usize + 8);
        assert_eq!(second.ptr as usize, start as usize + 16);
        assert!(slab.copy(&[1; 11]).is_none());
        assert!(slab.copy(&[1; 10]).is_some());
        assert!(slab.copy(b"x").is_none());
        assert!(slab.copy(b"").is_some());
        let second = unsafe { std::slice::from_raw_parts(second.ptr, second.len) };
        assert_eq!(second, b"defghijk");
    }

    #[test]
    fn without_a_slab_payloads_have_owners() {
        let body = Body::Payload(Payload::raw(&b"fleece"[..]));
        let event = Event {
            kind: WOOL_EVENT_ITEM,
            tag: 1,
            handle: 2,
            body,
        }
        .into_c(&mut Slab::none());
        assert!(!event.payload.owner.is_null());
        assert_eq!((event.kind, event.codec, event.payload.len), (2, 2, 6));
        drop(unsafe { Box::from_raw(event.payload.owner.cast::<Bytes>()) });
    }
}
