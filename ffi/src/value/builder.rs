use wool_core::{Error, ErrorKind};
use wool_values::{
    Arguments, BigInt, Date, Decimal, Duration, Limits, Map, Set, Time, Timestamp, Uuid, Value,
    ValueError,
};

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
pub struct wool_value_builder_t {
    /// Containers that are not complete, outermost first.
    open: Vec<Open>,
    complete: Option<Complete>,
    failed: Option<Error>,
}

enum Complete {
    Value(Value),
    Arguments(Arguments),
}

/// A container that still gets values.
struct Open {
    container: Container,
    wanted: usize,
    values: Vec<Value>,
}

enum Container {
    List,
    Tuple,
    Set,
    Map,
    Named(String),
    Arguments { positional: usize },
}

impl Container {
    fn name(&self) -> &'static str {
        match self {
            Container::List => "list",
            Container::Tuple => "tuple",
            Container::Set => "set",
            Container::Map => "map",
            Container::Named(_) => "named value",
            Container::Arguments { .. } => "list of arguments",
        }
    }
}

/// A container of which C was told a count has no more room made for it beforehand than this.
const ROOM: usize = 1024;

impl wool_value_builder_t {
    fn new() -> wool_value_builder_t {
        wool_value_builder_t {
            open: Vec::new(),
            complete: None,
            failed: None,
        }
    }

    /// Does something, unless something failed before; what fails sticks.
    fn step(&mut self, step: impl FnOnce(&mut Self) -> Result<(), Error>) -> Result<wool_status_t> {
        if let Some(error) = &self.failed {
            return Err(error.clone().into());
        }
        match step(self) {
            Ok(()) => Ok(wool_status_t::WOOL_OK),
            Err(error) => {
                self.failed = Some(error.clone());
                Err(error.into())
            }
        }
    }

    fn add(&mut self, value: Value) -> Result<(), Error> {
        let mut value = value;
        loop {
            let Some(open) = self.open.last_mut() else {
                if self.complete.is_some() {
                    return Err(codec(
                        "the value is complete: finish it before the next begins",
                    ));
                }
                self.complete = Some(Complete::Value(value));
                return Ok(());
            };
            open.values.push(value);
            match self.close_full()? {
                Some(container) => value = container,
                None => return Ok(()),
            }
        }
    }

    fn begin(&mut self, container: Container, wanted: usize) -> Result<(), Error> {
        if self.open.len() >= Limits::MAX_DEPTH {
            return Err(codec(
                "more containers in one another than the limit allows",
            ));
        }
        if self.open.is_empty() && self.complete.is_some() {
            return Err(codec(
                "the value is complete: finish it before the next begins",
            ));
        }
        self.open.push(Open {
            container,
            wanted,
            values: Vec::with_capacity(wanted.min(ROOM)),
        });
        match self.close_full()? {
            Some(empty) => self.add(empty),
            None => Ok(()),
        }
    }

    /// The innermost container's value, if it has all it wants.
    fn close_full(&mut self) -> Result<Option<Value>, Error> {
        let Some(open) = self.open.pop_if(|open| open.values.len() == open.wanted) else {
            return Ok(None);
        };
        let values = open.values;
        Ok(Some(match open.container {
            Container::List => Value::List(values),
            Container::Tuple => Value::Tuple(values),
            Container::Set => Value::Set(Set::from_elements(values)?),
            Container::Map => Value::Map(Map::from_entries(pairs(values))?),
            Container::Named(name) => {
                Value::named(name, values.into_iter().next().unwrap_or_default())
            }
            Container::Arguments { positional } => {
                self.complete = Some(Complete::Arguments(arguments(values, positional)?));
                return Ok(None);
            }
        }))
    }

    fn finish(&mut self) -> Result<Vec<u8>, Error> {
        let wool_value_builder_t {
            open,
            complete,
            failed,
        } = std::mem::replace(self, Self::new());
        if let Some(error) = failed {
            return Err(error);
        }
        if let Some(open) = open.last() {
            return Err(codec(format!(
                "the {} is incomplete: it wants {} values and has {}",
                open.container.name(),
                open.wanted,
                open.values.len()
            )));
        }
        let limits = limits();
        match complete {
            Some(Complete::Value(value)) => Ok(wool_values::encode(&value, &limits)?),
            Some(Complete::Arguments(arguments)) => Ok(arguments.encode(&limits)?),
            None => Err(codec("nothing was built")),
        }
    }
}

/// Values of any length that the host has memory for: what may be sent is the pool's and the worker's business.
pub(super) fn limits() -> Limits {
    Limits::default().with_bytes(usize::MAX)
}

pub(super) fn codec(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Codec, message)
}

fn pairs(values: Vec<Value>) -> Vec<(Value, Value)> {
    let mut pairs = Vec::with_capacity(values.len() / 2);
    let mut values = values.into_iter();
    while let (Some(key), Some(value)) = (values.next(), values.next()) {
        pairs.push((key, value));
    }
    pairs
}

fn arguments(mut values: Vec<Value>, positional: usize) -> Result<Arguments, Error> {
    let named = values.split_off(positional);
    let named = pairs(named).into_iter().map(|(name, value)| match name {
        Value::String(name) => Ok((name, value)),
        other => Err(codec(format!(
            "the name of an argument is a {}, not a string",
            other.kind()
        ))),
    });
    let mut arguments = Arguments::new(values);
    arguments.named = named.collect::<Result<_, _>>()?;
    Ok(arguments)
}

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
            builder.step(|builder| builder.add(make().map_err(as_codec)?))
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
            builder.step(|builder| {
                let (container, wanted) = container().map_err(as_codec)?;
                builder.begin(container, wanted)
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
            guard::out(out, "out")?.put(Box::into_raw(Box::new(wool_value_builder_t::new())));
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
            builder.step(|builder| {
                if !builder.open.is_empty() {
                    return Err(codec("arguments cannot be inside of another value"));
                }
                let wanted = doubled(named)
                    .map_err(as_codec)?
                    .checked_add(positional)
                    .ok_or_else(|| codec("more arguments than memory can hold"))?;
                builder.begin(Container::Arguments { positional }, wanted)
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
            out.put(give(builder.finish()?.into()));
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

#[cfg(test)]
mod tests {
    use super::*;

    fn built(
        steps: impl FnOnce(&mut wool_value_builder_t) -> Result<(), Error>,
    ) -> Result<Value, Error> {
        let mut builder = wool_value_builder_t::new();
        steps(&mut builder)?;
        Ok(wool_values::decode(&builder.finish()?, &limits())?)
    }

    #[test]
    fn containers_close_when_they_are_full() {
        let value = built(|builder| {
            builder.begin(Container::List, 3)?;
            builder.begin(Container::Tuple, 0)?;
            builder.begin(Container::Map, 2)?;
            builder.add(Value::from("key"))?;
            builder.begin(Container::Named("Point".to_owned()), 1)?;
            builder.add(Value::from(1))?;
            builder.add(Value::Null)
        });
        let map = Map::from_entries(vec![(Value::from("key"), Value::named("Point", 1))]).unwrap();
        let expected = Value::List(vec![Value::Tuple(vec![]), Value::Map(map), Value::Null]);
        assert_eq!(value.unwrap(), expected);
    }

    #[test]
    fn what_is_incomplete_or_too_much_is_an_error() {
        let incomplete = built(|builder| builder.begin(Container::List, 2)).unwrap_err();
        assert_eq!(
            incomplete.message(),
            "the list is incomplete: it wants 2 values and has 0"
        );
        let nothing = built(|_| Ok(())).unwrap_err();
        assert_eq!(nothing.message(), "nothing was built");
        let too_much = built(|builder| {
            builder.add(Value::Null)?;
            builder.add(Value::Null)
        });
        assert_eq!(too_much.unwrap_err().kind(), ErrorKind::Codec);
        let too_deep = built(|builder| {
            (0..=Limits::MAX_DEPTH).try_for_each(|_| builder.begin(Container::List, 1))
        });
        assert_eq!(too_deep.unwrap_err().kind(), ErrorKind::Codec);
    }

    #[test]
    fn errors_stick_until_the_builder_is_finished() {
        let mut builder = wool_value_builder_t::new();
        builder
            .step(|builder| builder.begin(Container::Set, 2))
            .unwrap();
        builder.step(|builder| builder.add(Value::Int(1))).unwrap();
        assert!(builder.step(|builder| builder.add(Value::Int(1))).is_err());
        assert!(builder.step(|builder| builder.add(Value::Int(2))).is_err());
        assert!(builder.finish().is_err());
        builder.step(|builder| builder.add(Value::Int(3))).unwrap();
        assert_eq!(builder.finish().unwrap(), [3]);
    }

    #[test]
    fn arguments_have_positions_and_names() {
        let mut builder = wool_value_builder_t::new();
        builder
            .begin(Container::Arguments { positional: 1 }, 3)
            .unwrap();
        builder.add(Value::Int(1)).unwrap();
        builder.add(Value::from("scale")).unwrap();
        builder.add(Value::Float(0.5)).unwrap();
        let expected = Arguments::new(vec![Value::Int(1)]).with("scale", 0.5);
        assert_eq!(
            Arguments::decode(&builder.finish().unwrap(), &limits()).unwrap(),
            expected
        );

        builder
            .begin(Container::Arguments { positional: 0 }, 2)
            .unwrap();
        builder.add(Value::Int(1)).unwrap();
        assert!(
            builder
                .add(Value::Int(2))
                .unwrap_err()
                .message()
                .contains("is a int")
        );
    }
}
