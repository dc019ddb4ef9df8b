//! The way in: what every exported function goes through, and how it reads what C gave it.
//!
//! `tests/entries.rs` holds every exported function to begin with one of the four ways in: [`entry`], [`pure`],
//! [`get`] and [`free`].

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use bytes::Bytes;
use wool_core::{Codec, Error, ErrorKind, Payload};

use crate::error::wool_error_t;
use crate::fork;
use crate::types::*;

/// What the body of an exported function may fail with.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The named argument is NULL.
    Null(&'static str),
    Core(Error),
}

impl Failure {
    /// For what the library keeps of it.
    pub(crate) fn into_error(self) -> Error {
        match self {
            Failure::Null(name) => {
                Error::new(ErrorKind::InvalidArgument, format!("{name} is NULL"))
            }
            Failure::Core(error) => error,
        }
    }
}

pub(crate) type Result<T, E = Failure> = std::result::Result<T, E>;

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure::Core(error)
    }
}

pub(crate) fn invalid(message: impl Into<String>) -> Failure {
    Failure::Core(Error::new(ErrorKind::InvalidArgument, message))
}

/// A function that needs the library to work: not in a forked child.
///
/// # Safety
/// `error` is NULL or may be written.
pub(crate) unsafe fn entry(
    function: &'static str,
    error: *mut *mut wool_error_t,
    body: impl FnOnce() -> Result<wool_status_t>,
) -> wool_status_t {
    unsafe {
        pure(function, error, || {
            fork::check(function)?;
            body()
        })
    }
}

/// A function that touches memory only, and so works in a forked child, too.
///
/// # Safety
/// `error` is NULL or may be written.
pub(crate) unsafe fn pure(
    function: &'static str,
    error: *mut *mut wool_error_t,
    body: impl FnOnce() -> Result<wool_status_t>,
) -> wool_status_t {
    // Unwind safe: after a panic no half-made state is used but behind locks that tolerate poison.
    let failure = match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(status)) => return status,
        Ok(Err(Failure::Core(failure))) => failure,
        Ok(Err(Failure::Null(argument))) => Error::new(
            ErrorKind::InvalidArgument,
            format!("{function}: {argument} is NULL"),
        ),
        Err(panic) => Error::new(
            ErrorKind::Panic,
            format!(
                "{function} panicked, which is a defect of libwool: {}",
                panic_text(&*panic)
            ),
        ),
    };
    let status = wool_status_t::of(failure.kind());
    if let Some(error) = unsafe { error.as_mut() } {
        *error = wool_error_t::from(failure).into_raw();
    }
    status
}

/// A getter, with what it answers when there is nothing to be got. It works in a forked child, too.
pub(crate) fn get<T>(otherwise: T, body: impl FnOnce() -> Option<T>) -> T {
    catch_unwind(AssertUnwindSafe(body))
        .ok()
        .flatten()
        .unwrap_or(otherwise)
}

/// A destructor: NULL is fine, and a forked child frees nothing but memory that is its own (`drop` decides).
///
/// # Safety
/// `pointer` is NULL or came from `Box::into_raw` and is not used again.
pub(crate) unsafe fn free<T>(pointer: *mut T, body: impl FnOnce(Box<T>)) {
    if pointer.is_null() {
        return;
    }
    // What a destructor panicked with has reached the log through the panic hook.
    let _ = catch_unwind(AssertUnwindSafe(|| body(unsafe { Box::from_raw(pointer) })));
}

pub(crate) fn panic_text(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a payload that is no text")
}

/// A pointer that must not be NULL.
///
/// # Safety
/// `pointer` is NULL or valid for `'a`.
pub(crate) unsafe fn required<'a, T>(pointer: *const T, name: &'static str) -> Result<&'a T> {
    unsafe { pointer.as_ref() }.ok_or(Failure::Null(name))
}

/// Where a result goes. Nothing is written unless there is one.
pub(crate) struct Out<T>(*mut T);

impl<T> Out<T> {
    pub(crate) fn put(self, value: T) {
        // SAFETY: `out` was given a pointer that may be written. It may hold anything yet: nothing is dropped.
        unsafe { self.0.write(value) }
    }
}

/// An out-parameter that must not be NULL.
///
/// # Safety
/// `pointer` is NULL or may be written until the function returns.
pub(crate) unsafe fn out<T>(pointer: *mut T, name: &'static str) -> Result<Out<T>> {
    if pointer.is_null() {
        Err(Failure::Null(name))
    } else {
        Ok(Out(pointer))
    }
}

/// # Safety
/// `pointer` is NULL or points at `len` elements, valid for `'a`.
pub(crate) unsafe fn array<'a, T>(
    pointer: *const T,
    len: usize,
    name: &'static str,
) -> Result<&'a [T]> {
    if len == 0 {
        return Ok(&[]);
    }
    if pointer.is_null() {
        return Err(Failure::Null(name));
    }
    if len > isize::MAX as usize / size_of::<T>() {
        return Err(invalid(format!(
            "{name} claims {len} elements, more than memory can hold"
        )));
    }
    Ok(unsafe { std::slice::from_raw_parts(pointer, len) })
}

/// # Safety
/// The slice is valid for `'a`.
pub(crate) unsafe fn bytes<'a>(slice: wool_slice_t, name: &'static str) -> Result<&'a [u8]> {
    unsafe { array(slice.ptr, slice.len, name) }
}

/// # Safety
/// The slice is valid for `'a`.
pub(crate) unsafe fn text<'a>(slice: wool_slice_t, name: &'static str) -> Result<&'a str> {
    std::str::from_utf8(unsafe { bytes(slice, name) }?)
        .map_err(|error| invalid(format!("{name} is not UTF-8: {error}")))
}

/// # Safety
/// The array and its slices are valid during the call.
pub(crate) unsafe fn texts(
    pointer: *const wool_slice_t,
    len: usize,
    name: &'static str,
) -> Result<Vec<String>> {
    unsafe {
        array(pointer, len, name)?
            .iter()
            .map(|line| Ok(text(*line, name)?.to_owned()))
            .collect()
    }
}

/// Copies a payload.
///
/// # Safety
/// Its data are valid during the call.
pub(crate) unsafe fn payload(payload: wool_payload_t, name: &'static str) -> Result<Payload> {
    let codec = Codec::from_number(payload.codec).ok_or_else(|| {
        invalid(format!(
            "{name}.codec is {}, which is no wool_codec_t",
            payload.codec
        ))
    })?;
    Ok(Payload::new(
        codec,
        Bytes::copy_from_slice(unsafe { bytes(payload.data, name) }?),
    ))
}

/// An options struct as its C caller knows it: what the caller's version does not have is its default, zero.
/// A newer caller's additions are refused unless they are zero.
///
/// # Safety
/// `pointer` is NULL or points at as many bytes as its first member, `struct_size`, says.
pub(crate) unsafe fn options<T: Options>(pointer: *const T, name: &'static str) -> Result<T> {
    let known = size_of::<T>();
    // SAFETY: all zeros are a value of every Options.
    let mut read: T = unsafe { std::mem::zeroed() };
    if pointer.is_null() {
        return Ok(read);
    }
    let given = unsafe { pointer.cast::<usize>().read() };
    if given < size_of::<usize>() {
        return Err(no_struct_size(name, given));
    }
    if given > known {
        let unknown = unsafe { array(pointer.cast::<u8>().add(known), given - known, name) }?;
        if unknown.iter().any(|byte| *byte != 0) {
            return Err(Failure::Core(Error::new(
                ErrorKind::Unsupported,
                format!("{name} uses options that this version of libwool does not know"),
            )));
        }
    }
    unsafe {
        std::ptr::copy_nonoverlapping(
            pointer.cast::<u8>(),
            std::ptr::from_mut(&mut read).cast::<u8>(),
            given.min(known),
        );
    }
    Ok(read)
}

/// Writes a struct as far as its C caller knows it; `struct_size` stays as the caller set it.
///
/// # Safety
/// `pointer` points at as many bytes as its first member, `struct_size`, says, and they may be written.
pub(crate) unsafe fn fill<T: Options>(pointer: *mut T, name: &'static str, value: T) -> Result<()> {
    let head = size_of::<usize>();
    let known = unsafe { pointer.cast::<usize>().read() }.min(size_of::<T>());
    if known < head {
        return Err(no_struct_size(name, known));
    }
    unsafe {
        std::ptr::copy_nonoverlapping(
            std::ptr::from_ref(&value).cast::<u8>().add(head),
            pointer.cast::<u8>().add(head),
            known - head,
        );
    }
    Ok(())
}

fn no_struct_size(name: &str, given: usize) -> Failure {
    invalid(format!(
        "{name}.struct_size is {given}: set it to the struct's size, as its _INIT macro does"
    ))
}

/// Milliseconds as a wait: negative is for ever, 0 is not at all.
pub(crate) fn wait(timeout_ms: i64) -> Option<Duration> {
    u64::try_from(timeout_ms).ok().map(Duration::from_millis)
}

/// Milliseconds as an option: 0 is the default.
pub(crate) fn unless_zero(ms: u64) -> Option<Duration> {
    (ms > 0).then(|| Duration::from_millis(ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(failure: Failure) -> String {
        match failure {
            Failure::Null(name) => format!("{name} is NULL"),
            Failure::Core(error) => error.message().to_owned(),
        }
    }

    fn call_options(struct_size: usize) -> wool_call_options_t {
        wool_call_options_t {
            struct_size,
            timeout_ms: 7,
            dispatch_timeout_ms: 8,
            tag: wool_slice_t::of("tag"),
            step_timeout_ms: 0,
            prefetch: 0,
            context: std::ptr::null(),
            context_count: 0,
            parent: 0,
            bag: std::ptr::null(),
            worker_uid: wool_slice_t::of(""),
        }
    }

    #[test]
    fn options_of_an_older_caller_are_filled_up() {
        let given = call_options(size_of::<usize>() + size_of::<u64>());
        let read = unsafe { options(&given, "options") }.unwrap();
        assert_eq!(
            (read.timeout_ms, read.dispatch_timeout_ms, read.tag.len),
            (7, 0, 0)
        );
    }

    #[test]
    fn options_of_a_newer_caller_are_taken_while_they_ask_for_nothing_unknown() {
        #[repr(C)]
        struct Newer {
            known: wool_call_options_t,
            added: u64,
        }
        let mut newer = Newer {
            known: call_options(size_of::<Newer>()),
            added: 0,
        };
        let pointer = std::ptr::from_ref(&newer).cast::<wool_call_options_t>();
        assert_eq!(
            unsafe { options(pointer, "options") }.unwrap().timeout_ms,
            7
        );
        newer.added = 1;
        let pointer = std::ptr::from_ref(&newer).cast::<wool_call_options_t>();
        let failure = unsafe { options(pointer, "options") }.unwrap_err();
        assert!(message(failure).contains("does not know"));
    }

    #[test]
    fn options_without_their_size_are_refused() {
        let failure = unsafe { options(&call_options(0), "options") }.unwrap_err();
        assert!(message(failure).contains("struct_size is 0"));
    }

    #[test]
    fn slices_are_checked() {
        let null = wool_slice_t {
            ptr: std::ptr::null(),
            len: 1,
        };
        assert_eq!(
            message(unsafe { text(null, "name") }.unwrap_err()),
            "name is NULL"
        );
        let empty = wool_slice_t {
            ptr: std::ptr::null(),
            len: 0,
        };
        assert_eq!(unsafe { text(empty, "name") }.unwrap(), "");
        let endless = wool_slice_t {
            ptr: [0].as_ptr(),
            len: usize::MAX,
        };
        assert!(
            message(unsafe { text(endless, "name") }.unwrap_err()).contains("more than memory")
        );
        let broken = wool_slice_t {
            ptr: [0xff].as_ptr(),
            len: 1,
        };
        assert!(message(unsafe { text(broken, "name") }.unwrap_err()).contains("not UTF-8"));
    }

    #[test]
    fn a_panic_becomes_a_status_and_an_error() {
        let mut error = std::ptr::null_mut();
        let status = unsafe { pure("wool_x", &mut error, || panic!("the sheep exploded")) };
        assert_eq!(status, wool_status_t::WOOL_ERR_PANIC);
        let error = unsafe { Box::from_raw(error) };
        assert_eq!(error.status(), status);
        assert_eq!(get(5, || panic!("in a getter")), 5);
    }
}
