use wool_core::Error;
use wool_values::{BigInt, Date, Decimal, Duration, Time, Timestamp, Uuid, Value, ValueError};

use super::building::{Building, Container, codec};
use crate::error::wool_error_t;
use crate::guard::{self, Failure, Result};
use crate::queue::give;
use crate::types::*;

/// Writes a value, or the arguments of a call, as MessagePack. Not for several threads at once.
///
/// Errors stick: after one, every further call returns it, and so does wool_value_builder_finish. So it is enough to
/// look at what finish answers.
#[safer_ffi::derive_ReprC]
#[repr(opaque)]
pub struct wool_value_builder_t(Building);

/// Adds what `make` makes of C's arguments.
///
/// # Safety
/// As the exported functions.
unsafe fn add(
    function: &'static str,
    builder: *mut wool_value_builder_t,
    error: *mut *mut wool_error_t,
    make: impl FnOnce() -> Result<Value>,
) -> wool_status_t {
    unsafe {
        guard::pure(function, error, || {
            let builder = builder.as_mut().ok_or(Failure::Null("builder"))?;
            builder.0.step(|value| value.add(make().map_err(as_codec)?))
        })
    }
}

/// Begins a container.
///
/// # Safety
/// As the exported functions.
unsafe fn begin(
    function: &'static str,
    builder: *mut wool_value_builder_t,
    error: *mut *mut wool_error_t,
    container: impl FnOnce() -> Result<(Container, usize)>,
) -> wool_status_t {
    unsafe {
        guard::pure(function, error, || {
            let builder = builder.as_mut().ok_or(Failure::Null("builder"))?;
            builder.0.step(|value| {
                let (container, wanted) = container().map_err(as_codec)?;
                value.begin(container, wanted)
            })
        })
    }
}

/// What is wrong with a value's bytes is wrong with the value.
fn as_codec(failure: Failure) -> Error {
    match failure {
        Failure::Null(name) => codec(format!("{name} is NULL, and not empty")),
        Failure::Core(error) => codec(error.message()),
    }
}

fn value(made: Result<Value, ValueError>) -> Result<Value> {
    made.map_err(|error| Failure::Core(error.into()))
}

/// Makes a builder. On success `*out` belongs to the caller: wool_value_builder_free. It can be used again after
/// finish.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_value_builder_new")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_value_builder_new(
    out: *mut *mut wool_value_builder_t,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        guard::pure("wool_value_builder_new", error, || {
            guard::out(out, "out")?.put(Box::into_raw(Box::new(wool_value_builder_t(
                Building::default(),
            ))));
            Ok(wool_status_t::WOOL_OK)
        })
    }
}

/// Adds null.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_value_builder_null")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_value_builder_null(
    builder: *mut wool_value_builder_t,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        add("wool_value_builder_null", builder, error, || {
            Ok(Value::Null)
        })
    }
}

/// Adds false for 0, else true.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_value_builder_bool")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_value_builder_bool(
    builder: *mut wool_value_builder_t,
    boolean: i32,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        add("wool_value_builder_bool", builder, error, || {
            Ok(Value::Bool(boolean != 0))
        })
    }
}

/// Adds an int.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_value_builder_int")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_value_builder_int(
    builder: *mut wool_value_builder_t,
    integer: i64,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        add("wool_value_builder_int", builder, error, || {
            Ok(Value::Int(integer))
        })
    }
}

/// Adds an int that may be beyond INT64_MAX.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_value_builder_uint")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_value_builder_uint(
    builder: *mut wool_value_builder_t,
    integer: u64,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        add("wool_value_builder_uint", builder, error, || {
            Ok(Value::from(integer))
        })
    }
}

/// Adds a float.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_value_builder_float")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_value_builder_float(
    builder: *mut wool_value_builder_t,
    number: f64,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        add("wool_value_builder_float", builder, error, || {
            Ok(Value::Float(number))
        })
    }
}

/// Adds a string, which is copied. It must be UTF-8.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_value_builder_string")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_value_builder_string(
    builder: *mut wool_value_builder_t,
    text: wool_slice_t,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        add("wool_value_builder_string", builder, error, || {
            Ok(Value::String(guard::text(text, "text")?.to_owned()))
        })
    }
}

/// Adds bytes, which are copied.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_value_builder_bytes")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_value_builder_bytes(
    builder: *mut wool_value_builder_t,
    bytes: wool_slice_t,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        add("wool_value_builder_bytes", builder, error, || {
            Ok(Value::from(guard::bytes(bytes, "bytes")?.to_vec()))
        })
    }
}

/// Begins a list; its `count` elements are added next.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_value_builder_list")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_value_builder_list(
    builder: *mut wool_value_builder_t,
    count: usize,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        begin("wool_value_builder_list", builder, error, || {
            Ok((Container::List, count))
        })
    }
}

/// Begins a map; its `count` pairs of key and value are added next. A key that is there twice, or NaN, is an error.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_value_builder_map")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_value_builder_map(
    builder: *mut wool_value_builder_t,
    count: usize,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        begin("wool_value_builder_map", builder, error, || {
            Ok((Container::Map, doubled(count)?))
        })
    }
}

/// Begins a tuple; its `count` elements are added next.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_value_builder_tuple")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_value_builder_tuple(
    builder: *mut wool_value_builder_t,
    count: usize,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        begin("wool_value_builder_tuple", builder, error, || {
            Ok((Container::Tuple, count))
        })
    }
}

/// Begins a set; its `count` elements are added next. An element that is there twice, or NaN, is an error.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_value_builder_set")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_value_builder_set(
    builder: *mut wool_value_builder_t,
    count: usize,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        begin("wool_value_builder_set", builder, error, || {
            Ok((Container::Set, count))
        })
    }
}

/// Adds a point in time: seconds since 1970-01-01T00:00Z, and nanoseconds (less than 10^9) forward from there.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_value_builder_timestamp")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_value_builder_timestamp(
    builder: *mut wool_value_builder_t,
    seconds: i64,
    nanos: u32,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        add("wool_value_builder_timestamp", builder, error, || {
            value(Timestamp::new(seconds, nanos).map(Value::Timestamp))
        })
    }
}

/// Adds a calendar day: days since 1970-01-01.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_value_builder_date")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_value_builder_date(
    builder: *mut wool_value_builder_t,
    days: i32,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        add("wool_value_builder_date", builder, error, || {
            Ok(Value::Date(Date::from_days(days)))
        })
    }
}

/// Adds a time of day: nanoseconds since midnight, less than a day of them.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_value_builder_time")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_value_builder_time(
    builder: *mut wool_value_builder_t,
    nanos: u64,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        add("wool_value_builder_time", builder, error, || {
            value(Time::from_nanos(nanos).map(Value::Time))
        })
    }
}

/// Adds a span of time: seconds, and nanoseconds (less than 10^9) forward from there.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_value_builder_duration")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_value_builder_duration(
    builder: *mut wool_value_builder_t,
    seconds: i64,
    nanos: u32,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        add("wool_value_builder_duration", builder, error, || {
            value(Duration::new(seconds, nanos).map(Value::Duration))
        })
    }
}

/// Adds a decimal number, given as text such as "12.50", "-1E+3" or "NaN".
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_value_builder_decimal")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_value_builder_decimal(
    builder: *mut wool_value_builder_t,
    text: wool_slice_t,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        add("wool_value_builder_decimal", builder, error, || {
            value(
                guard::text(text, "text")?
                    .parse::<Decimal>()
                    .map(Value::Decimal),
            )
        })
    }
}

/// Adds a UUID, given as its 16 bytes.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_value_builder_uuid")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_value_builder_uuid(
    builder: *mut wool_value_builder_t,
    bytes: wool_slice_t,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        add("wool_value_builder_uuid", builder, error, || {
            let bytes = guard::bytes(bytes, "bytes")?;
            let uuid: [u8; 16] = bytes
                .try_into()
                .map_err(|_| codec(format!("a UUID has 16 bytes, not {}", bytes.len())))?;
            Ok(Value::Uuid(Uuid::from_bytes(uuid)))
        })
    }
}

/// Adds an int of any size: negative or not, and its magnitude, big-endian.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_value_builder_bigint")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_value_builder_bigint(
    builder: *mut wool_value_builder_t,
    sign: i32,
    magnitude: wool_slice_t,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        add("wool_value_builder_bigint", builder, error, || {
            let magnitude = guard::bytes(magnitude, "magnitude")?;
            Ok(BigInt::new(sign < 0, magnitude).map_or_else(Value::Int, Value::BigInt))
        })
    }
}

/// Begins a named value; the one value that it is made of is added next.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_value_builder_named")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_value_builder_named(
    builder: *mut wool_value_builder_t,
    type_name: wool_slice_t,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        begin("wool_value_builder_named", builder, error, || {
            Ok((
                Container::Named(guard::text(type_name, "type_name")?.to_owned()),
                1,
            ))
        })
    }
}

/// Begins the arguments of a call: `positional` values are added next, then `named` pairs of a string and a value.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_value_builder_arguments")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_value_builder_arguments(
    builder: *mut wool_value_builder_t,
    positional: usize,
    named: usize,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        guard::pure("wool_value_builder_arguments", error, || {
            let builder = builder.as_mut().ok_or(Failure::Null("builder"))?;
            builder.0.step(|value| {
                let wanted = doubled(named)
                    .map_err(as_codec)?
                    .checked_add(positional)
                    .ok_or_else(|| codec("more arguments than memory can hold"))?;
                value.begin(Container::Arguments { positional }, wanted)
            })
        })
    }
}

/// Finishes the value or the arguments. On success `*out` belongs to the caller: wool_bytes_free; its codec is
/// WOOL_CODEC_MSGPACK. In any case the builder is empty again.
///
/// Errors: WOOL_ERR_CODEC for what is incomplete, and whatever failed before.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_value_builder_finish")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_value_builder_finish(
    builder: *mut wool_value_builder_t,
    out: *mut wool_bytes_t,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        guard::pure("wool_value_builder_finish", error, || {
            let builder = builder.as_mut().ok_or(Failure::Null("builder"))?;
            let out = guard::out(out, "out")?;
            out.put(give(builder.0.finish()?.into()));
            Ok(wool_status_t::WOOL_OK)
        })
    }
}

/// Frees a builder. NULL is fine.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_value_builder_free")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_value_builder_free(builder: *mut wool_value_builder_t) {
    unsafe { guard::free(builder, drop) }
}

fn doubled(count: usize) -> Result<usize> {
    count
        .checked_mul(2)
        .ok_or_else(|| Failure::Core(codec("more pairs than memory can hold")))
}
