use bytes::Bytes;
use wool_core::Error;
use wool_values::{Arguments, Value};

use super::builder::{codec, limits};
use crate::error::wool_error_t;
use crate::guard::{self, Failure, Result};
use crate::memory::EMPTY;
use crate::types::wool_value_kind_t::*;
use crate::types::*;

/// Reads a value, or the arguments of a call, one after the other: a container's head, then its contents. Not for
/// several threads at once.
#[safer_ffi::derive_ReprC]
#[repr(opaque)]
pub struct wool_value_reader_t {
    items: Vec<Item>,
    at: usize,
}

enum Item {
    /// A value that holds no others.
    Leaf(Value),
    /// A container; so many elements, or pairs, follow.
    Head(wool_value_kind_t, usize),
    /// A named value; what it is made of follows.
    Named(String),
}

impl Item {
    /// How many values follow that belong to it.
    fn contents(&self) -> usize {
        match self {
            Item::Leaf(_) => 0,
            Item::Head(WOOL_VALUE_MAP, pairs) => 2 * pairs,
            Item::Head(_, elements) => *elements,
            Item::Named(_) => 1,
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Item::Leaf(value) => value.kind().name(),
            Item::Head(WOOL_VALUE_LIST, _) => "list",
            Item::Head(WOOL_VALUE_MAP, _) => "map",
            Item::Head(WOOL_VALUE_TUPLE, _) => "tuple",
            Item::Head(..) => "set",
            Item::Named(_) => "named value",
        }
    }

    /// The value as C sees it; it points into the item.
    fn to_c(&self) -> wool_value_t {
        let none = wool_value_t {
            kind: WOOL_VALUE_NULL as i32,
            boolean: 0,
            integer: 0,
            unsigned_integer: 0,
            number: 0.0,
            bytes: EMPTY,
            count: 0,
            nanos: 0,
        };
        match self {
            Item::Leaf(value) => leaf_to_c(value, none),
            Item::Head(kind, count) => wool_value_t {
                kind: *kind as i32,
                count: *count,
                ..none
            },
            Item::Named(type_name) => with_bytes(none, WOOL_VALUE_NAMED, type_name.as_bytes()),
        }
    }
}

fn with_bytes(none: wool_value_t, kind: wool_value_kind_t, bytes: &[u8]) -> wool_value_t {
    wool_value_t {
        kind: kind as i32,
        bytes: wool_slice_t::of_bytes(bytes),
        ..none
    }
}

fn with_integer(
    none: wool_value_t,
    kind: wool_value_kind_t,
    integer: i64,
    nanos: u32,
) -> wool_value_t {
    wool_value_t {
        kind: kind as i32,
        integer,
        nanos,
        ..none
    }
}

fn leaf_to_c(value: &Value, none: wool_value_t) -> wool_value_t {
    match value {
        Value::Bool(boolean) => wool_value_t {
            kind: WOOL_VALUE_BOOL as i32,
            boolean: (*boolean).into(),
            ..none
        },
        Value::Int(integer) => with_integer(none, WOOL_VALUE_INT, *integer, 0),
        Value::BigInt(integer) => match value.as_u64() {
            Some(unsigned_integer) => wool_value_t {
                kind: WOOL_VALUE_UINT as i32,
                unsigned_integer,
                ..none
            },
            None => wool_value_t {
                integer: if integer.is_negative() { -1 } else { 1 },
                ..with_bytes(none, WOOL_VALUE_BIGINT, integer.magnitude())
            },
        },
        Value::Float(number) => wool_value_t {
            kind: WOOL_VALUE_FLOAT as i32,
            number: *number,
            ..none
        },
        Value::String(text) => with_bytes(none, WOOL_VALUE_STRING, text.as_bytes()),
        Value::Bytes(bytes) => with_bytes(none, WOOL_VALUE_BYTES, bytes),
        Value::Decimal(decimal) => {
            with_bytes(none, WOOL_VALUE_DECIMAL, decimal.as_str().as_bytes())
        }
        Value::Uuid(uuid) => with_bytes(none, WOOL_VALUE_UUID, uuid.as_bytes()),
        Value::Timestamp(time) => {
            with_integer(none, WOOL_VALUE_TIMESTAMP, time.seconds(), time.nanos())
        }
        Value::Duration(span) => {
            with_integer(none, WOOL_VALUE_DURATION, span.seconds(), span.nanos())
        }
        Value::Date(date) => with_integer(none, WOOL_VALUE_DATE, date.days().into(), 0),
        // Less than a day of nanoseconds.
        Value::Time(time) => with_integer(none, WOOL_VALUE_TIME, time.nanos().cast_signed(), 0),
        // Null; containers are heads.
        _ => none,
    }
}

/// Takes a value apart, a container's head before its contents.
fn flatten(value: Value, items: &mut Vec<Item>) {
    let (kind, elements) = match value {
        Value::List(elements) => (WOOL_VALUE_LIST, elements),
        Value::Tuple(elements) => (WOOL_VALUE_TUPLE, elements),
        Value::Set(elements) => (WOOL_VALUE_SET, elements.into_iter().collect()),
        Value::Map(map) => {
            items.push(Item::Head(WOOL_VALUE_MAP, map.len()));
            for (key, value) in map {
                flatten(key, items);
                flatten(value, items);
            }
            return;
        }
        Value::Named { type_name, value } => {
            items.push(Item::Named(type_name));
            return flatten(*value, items);
        }
        leaf => return items.push(Item::Leaf(leaf)),
    };
    items.push(Item::Head(kind, elements.len()));
    for element in elements {
        flatten(element, items);
    }
}

impl wool_value_reader_t {
    fn of_value(value: Value) -> wool_value_reader_t {
        let mut items = Vec::new();
        flatten(value, &mut items);
        wool_value_reader_t { items, at: 0 }
    }

    fn of_arguments(arguments: Arguments) -> wool_value_reader_t {
        let mut items = Vec::new();
        for value in arguments.positional {
            flatten(value, &mut items);
        }
        for (name, value) in arguments.named {
            items.push(Item::Leaf(Value::String(name)));
            flatten(value, &mut items);
        }
        wool_value_reader_t { items, at: 0 }
    }

    fn next(&mut self) -> Option<&Item> {
        let item = self.items.get(self.at)?;
        self.at += 1;
        Some(item)
    }

    /// The next value if it is what is wanted; else it stays the next.
    fn next_as<T>(
        &mut self,
        wanted: &str,
        take: impl FnOnce(&Item) -> Option<T>,
    ) -> Result<T, Error> {
        let item = self.items.get(self.at);
        match item.map(|item| (take(item), item)) {
            Some((Some(taken), _)) => {
                self.at += 1;
                Ok(taken)
            }
            Some((None, item)) => Err(codec(format!("expected {wanted}, found {}", item.name()))),
            None => Err(codec(format!("expected {wanted}, found the end"))),
        }
    }

    fn skip(&mut self) -> Result<(), Error> {
        let mut left = 1;
        while left > 0 {
            let Some(item) = self.next() else {
                return Err(codec("there is no value left to skip"));
            };
            left += item.contents();
            left -= 1;
        }
        Ok(())
    }
}

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
            out.put(Box::into_raw(Box::new(wool_value_reader_t::of_value(
                value,
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
            out.put(Box::into_raw(Box::new(wool_value_reader_t::of_arguments(
                arguments,
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
            let Some(item) = reader.next() else {
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
            out.put(reader.next_as(wanted, take)?);
            Ok(wool_status_t::WOOL_OK)
        })
    }
}

/// Reads a bool, as 0 or 1.
///
/// Errors, of all typed reads: WOOL_ERR_CODEC, naming what was expected and what was found, which stays the next
/// value.
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
            reader.as_mut().ok_or(Failure::Null("reader"))?.skip()?;
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

#[cfg(test)]
mod tests {
    use wool_values::{Map, args};

    use super::*;

    fn reader(value: impl Into<Value>) -> wool_value_reader_t {
        wool_value_reader_t::of_value(value.into())
    }

    #[test]
    fn a_head_comes_before_its_contents() {
        let map = Map::from_entries(vec![(Value::from("sheep"), Value::from(7))]).unwrap();
        let mut reader = reader(Value::List(vec![
            Value::Map(map),
            Value::named("Wool", 1),
            Value::Null,
        ]));
        let kinds: Vec<i32> =
            std::iter::from_fn(|| reader.next().map(|item| item.to_c().kind)).collect();
        let expected = [
            WOOL_VALUE_LIST,
            WOOL_VALUE_MAP,
            WOOL_VALUE_STRING,
            WOOL_VALUE_INT,
            WOOL_VALUE_NAMED,
            WOOL_VALUE_INT,
            WOOL_VALUE_NULL,
        ];
        assert_eq!(kinds, expected.map(|kind| kind as i32));
    }

    #[test]
    fn skipping_takes_a_container_with_its_contents() {
        let mut reader = reader(Value::List(vec![
            Value::from(vec![1, 2]),
            Value::from("after"),
        ]));
        reader.next();
        reader.skip().unwrap();
        let text = reader.next_as("string", |item| match item {
            Item::Leaf(value) => value.as_str().map(str::to_owned),
            _ => None,
        });
        assert_eq!(text.unwrap(), "after");
        assert!(reader.skip().is_err());
    }

    #[test]
    fn what_does_not_fit_is_named_and_stays() {
        let mut reader = reader("seven");
        let error = reader.next_as::<()>("int", |_| None).unwrap_err();
        assert_eq!(error.message(), "expected int, found string");
        assert!(reader.next().is_some());
        let error = reader.next_as::<()>("int", |_| None).unwrap_err();
        assert_eq!(error.message(), "expected int, found the end");
    }

    #[test]
    fn integers_of_every_size_have_their_kinds() {
        let cases = [
            (Value::from(-1), WOOL_VALUE_INT),
            (Value::from(u64::MAX), WOOL_VALUE_UINT),
            (Value::from(u128::MAX), WOOL_VALUE_BIGINT),
            (Value::from(i128::MIN), WOOL_VALUE_BIGINT),
        ];
        for (value, kind) in cases {
            assert_eq!(reader(value).next().unwrap().to_c().kind, kind as i32);
        }
    }

    #[test]
    fn arguments_are_values_and_then_pairs() {
        let mut reader = wool_value_reader_t::of_arguments(args![1, 2].with("scale", 0.5));
        let items = std::iter::from_fn(|| reader.next().map(Item::name)).collect::<Vec<_>>();
        assert_eq!(items, ["int", "int", "string", "float"]);
    }
}
