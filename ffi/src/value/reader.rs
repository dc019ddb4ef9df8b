use std::sync::Arc;

use bytes::Bytes;
use wool_core::Error;
use wool_values::{Arguments, Value};

use super::building::limits;
use super::reading::{Item, Reading};
use crate::error::wool_error_t;
use crate::guard::{self, Failure, Result};
use crate::handles;
use crate::types::wool_value_kind_t::*;
use crate::types::*;

/// Reads a value, or the arguments of a call, one after the other: a container's head, then its contents. Not for
/// several threads at once.
#[safer_ffi::derive_ReprC]
#[repr(opaque)]
pub struct wool_value_reader_t(Reading);

/// Lends the host's bytes to the decoder, so that long ones are not copied.
///
/// # Safety
/// They stay valid and unchanged until the reader is freed, by the ABI's rule.
unsafe fn lent(data: wool_slice_t) -> Result<Bytes> {
    unsafe {
        let data: &[u8] = guard::bytes(data, "data")?;
        Ok(Bytes::from_static(std::slice::from_raw_parts(
            data.as_ptr(),
            data.len(),
        )))
    }
}

/// Reads a value. The whole of it is checked here: WOOL_ERR_CODEC for what is none. `data` must stay valid and unchanged
/// until the reader is freed. On success `*out` belongs to the caller: wool_value_reader_free.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_value_reader_new")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_value_reader_new(
    data: wool_slice_t,
    out: *mut *mut wool_value_reader_t,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        guard::pure("wool_value_reader_new", error, || {
            let out = guard::out(out, "out")?;
            let value = wool_values::decode_shared(&lent(data)?, &limits()).map_err(Error::from)?;
            out.put(Box::into_raw(Box::new(wool_value_reader_t(
                Reading::of_value(value),
            ))));
            Ok(wool_status_t::WOOL_OK)
        })
    }
}

/// Reads the arguments of a call: `*positional` values, then `*named` pairs of a string and a value. As
/// wool_value_reader_new otherwise.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_value_reader_new_arguments")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_value_reader_new_arguments(
    data: wool_slice_t,
    out: *mut *mut wool_value_reader_t,
    positional: *mut usize,
    named: *mut usize,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        guard::pure("wool_value_reader_new_arguments", error, || {
            let out = guard::out(out, "out")?;
            let (positional, named) = (
                guard::out(positional, "positional")?,
                guard::out(named, "named")?,
            );
            let arguments =
                Arguments::decode_shared(&lent(data)?, &limits()).map_err(Error::from)?;
            positional.put(arguments.positional.len());
            named.put(arguments.named.len());
            out.put(Box::into_raw(Box::new(wool_value_reader_t(
                Reading::of_arguments(arguments),
            ))));
            Ok(wool_status_t::WOOL_OK)
        })
    }
}

/// Reads the arguments of a task in the order of its routine's `parameters`, which must have been given when it was
/// registered, whether the caller passed them by position or by name: one value for each. Null stands for those that
/// were left out, of which the first `needed` may not be. Otherwise as wool_value_reader_new.
///
/// What is wrong, here or in a typed read from this reader, names the routine, the argument and what was expected:
/// fail the task with it, as the type "ArgumentError".
///
/// Errors: WOOL_ERR_CODEC for what are no arguments, too few, too many or wrongly named; WOOL_ERR_INVALID_ARGUMENT for
/// a task that is over.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_value_reader_new_bound")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_value_reader_new_bound(
    task: wool_task_t,
    arguments: wool_payload_t,
    needed: usize,
    out: *mut *mut wool_value_reader_t,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        guard::entry("wool_value_reader_new_bound", error, || {
            let out = guard::out(out, "out")?;
            let entry = handles::task(task)?;
            let (routine, parameters) = {
                let info = entry.task.info();
                (Arc::clone(&info.routine), Arc::clone(&info.parameters))
            };
            let data = lent(arguments.data)?;
            let arguments = if arguments.codec == wool_codec_t::WOOL_CODEC_RAW as i32 {
                Arguments::new(vec![Value::Bytes(data)])
            } else {
                Arguments::decode_shared(&data, &limits()).map_err(Error::from)?
            };
            let bound = arguments
                .for_routine(Arc::clone(&routine), Arc::clone(&parameters))
                .bind(needed)
                .map_err(Error::from)?;
            out.put(Box::into_raw(Box::new(wool_value_reader_t(
                Reading::of_bound(bound, routine, parameters),
            ))));
            Ok(wool_status_t::WOOL_OK)
        })
    }
}

/// The next value, or container's head: WOOL_OK and `*out`, or WOOL_END. What it points at is valid until the reader is
/// freed.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_value_reader_next")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_value_reader_next(
    reader: *mut wool_value_reader_t,
    out: *mut wool_value_t,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        guard::pure("wool_value_reader_next", error, || {
            let reader = reader.as_mut().ok_or(Failure::Null("reader"))?;
            let out = guard::out(out, "out")?;
            let Some(item) = reader.0.next() else {
                return Ok(wool_status_t::WOOL_END);
            };
            out.put(item.to_c());
            Ok(wool_status_t::WOOL_OK)
        })
    }
}

/// # Safety
/// As the exported functions.
unsafe fn typed<T>(
    function: &'static str,
    reader: *mut wool_value_reader_t,
    out: *mut T,
    error: *mut *mut wool_error_t,
    wanted: &str,
    take: impl FnOnce(&Item) -> Option<T>,
) -> wool_status_t {
    unsafe {
        guard::pure(function, error, || {
            let reader = reader.as_mut().ok_or(Failure::Null("reader"))?;
            let out = guard::out(out, "out")?;
            out.put(reader.0.next_as(wanted, take)?);
            Ok(wool_status_t::WOOL_OK)
        })
    }
}

/// Whether the next value is null: then `*out` is 1 and the next is the one after it; else 0 and it stays the next.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_value_reader_null")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_value_reader_null(
    reader: *mut wool_value_reader_t,
    out: *mut i32,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        guard::pure("wool_value_reader_null", error, || {
            let reader = reader.as_mut().ok_or(Failure::Null("reader"))?;
            let out = guard::out(out, "out")?;
            out.put(reader.0.pass_null().into());
            Ok(wool_status_t::WOOL_OK)
        })
    }
}

/// Reads a bool, as 0 or 1.
///
/// Errors, of all typed reads: WOOL_ERR_CODEC, naming the place, what was expected and what was found, which stays the
/// next value.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_value_reader_bool")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_value_reader_bool(
    reader: *mut wool_value_reader_t,
    out: *mut i32,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        typed(
            "wool_value_reader_bool",
            reader,
            out,
            error,
            "bool",
            |item| match item {
                Item::Leaf(value) => value.as_bool().map(i32::from),
                _ => None,
            },
        )
    }
}

/// Reads an int of at most 64 bits.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_value_reader_int")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_value_reader_int(
    reader: *mut wool_value_reader_t,
    out: *mut i64,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        typed(
            "wool_value_reader_int",
            reader,
            out,
            error,
            "int of 64 bits",
            |item| match item {
                Item::Leaf(value) => value.as_i64(),
                _ => None,
            },
        )
    }
}

/// Reads a float.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_value_reader_float")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_value_reader_float(
    reader: *mut wool_value_reader_t,
    out: *mut f64,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        typed(
            "wool_value_reader_float",
            reader,
            out,
            error,
            "float",
            |item| match item {
                Item::Leaf(value) => value.as_f64(),
                _ => None,
            },
        )
    }
}

/// Reads a string. It is valid until the reader is freed.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_value_reader_string")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_value_reader_string(
    reader: *mut wool_value_reader_t,
    out: *mut wool_slice_t,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        typed(
            "wool_value_reader_string",
            reader,
            out,
            error,
            "string",
            |item| match item {
                Item::Leaf(value) => value.as_str().map(wool_slice_t::of),
                _ => None,
            },
        )
    }
}

/// Reads bytes. They are valid until the reader is freed.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_value_reader_bytes")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_value_reader_bytes(
    reader: *mut wool_value_reader_t,
    out: *mut wool_slice_t,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        typed(
            "wool_value_reader_bytes",
            reader,
            out,
            error,
            "bytes",
            |item| match item {
                Item::Leaf(value) => value.as_bytes().map(|bytes| wool_slice_t::of_bytes(bytes)),
                _ => None,
            },
        )
    }
}

/// Reads the head of a list or tuple: `*out` elements follow.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_value_reader_list")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_value_reader_list(
    reader: *mut wool_value_reader_t,
    out: *mut usize,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        typed(
            "wool_value_reader_list",
            reader,
            out,
            error,
            "list",
            |item| match item {
                Item::Head(WOOL_VALUE_LIST | WOOL_VALUE_TUPLE, count) => Some(*count),
                _ => None,
            },
        )
    }
}

/// Reads the head of a map: `*out` pairs of key and value follow.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_value_reader_map")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_value_reader_map(
    reader: *mut wool_value_reader_t,
    out: *mut usize,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        typed(
            "wool_value_reader_map",
            reader,
            out,
            error,
            "map",
            |item| match item {
                Item::Head(WOOL_VALUE_MAP, count) => Some(*count),
                _ => None,
            },
        )
    }
}

/// Skips one value, a container with its contents.
///
/// Errors: WOOL_ERR_CODEC when there is none left.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_value_reader_skip")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_value_reader_skip(
    reader: *mut wool_value_reader_t,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        guard::pure("wool_value_reader_skip", error, || {
            reader.as_mut().ok_or(Failure::Null("reader"))?.0.skip()?;
            Ok(wool_status_t::WOOL_OK)
        })
    }
}

/// Frees a reader. NULL is fine.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_value_reader_free")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_value_reader_free(reader: *mut wool_value_reader_t) {
    unsafe { guard::free(reader, drop) }
}
