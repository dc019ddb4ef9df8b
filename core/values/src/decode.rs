//! MessagePack to values. Any bytes give a value or an error.

use bytes::Bytes;

use crate::bigint::BigInt;
use crate::decimal::Decimal;
use crate::error::{ErrorKind, ValueError};
use crate::ext;
use crate::limits::Limits;
use crate::map::Map;
use crate::set::Set;
use crate::time::{Date, Duration, Time, Timestamp};
use crate::uuid::Uuid;
use crate::value::Value;

/// The value whose MessagePack form `input` is, canonical or not: integers and lengths may be
/// longer than they need be, and floats of 32 bits.
///
/// # Errors
///
/// Whatever is not exactly one value within the limits; [`ErrorKind`] lists what there is, from
/// [`ErrorKind::Truncated`] to [`ErrorKind::InvalidExtension`].
pub fn decode(input: &[u8], limits: &Limits) -> Result<Value, ValueError> {
    Reader::read(input, None, limits, |reader| reader.value(limits.depth()))
}

/// [`decode()`], without a copy of what is long: [`Value::Bytes`] of 1 KiB or more share `input`,
/// and keep all of it in memory while they live.
///
/// # Errors
///
/// As [`decode()`].
pub fn decode_shared(input: &Bytes, limits: &Limits) -> Result<Value, ValueError> {
    Reader::read(input, Some(input), limits, |reader| {
        reader.value(limits.depth())
    })
}

/// Below this, a copy costs no more than a share, and keeps no large buffer alive.
const WORTH_SHARING: usize = 1024;

pub(crate) struct Reader<'a> {
    input: &'a [u8],
    shared: Option<&'a Bytes>,
    at: usize,
    /// Where the input, or the body of the extension being read, ends.
    end: usize,
    /// How many values are still to come before `end`, by the containers begun so far. Each takes
    /// a byte at least, so what a container claims can be held against what there is, and room
    /// made for it, before it is read: all the room ever made is for no more values than `input`
    /// has bytes.
    owed: usize,
}

/// What [`Reader::end`] and [`Reader::owed`] were, outside of an extension's body.
struct Outer {
    end: usize,
    owed: usize,
}

/// What the first bytes of a value say.
pub(crate) enum Head {
    Null,
    Bool(bool),
    Int(i64),
    Unsigned(u64),
    Float(f64),
    String(usize),
    Bytes(usize),
    Array(usize),
    Map(usize),
    Ext(usize, i8),
}

impl<'a> Reader<'a> {
    /// Reads what is to be one value and all of `input`.
    pub(crate) fn read<T>(
        input: &'a [u8],
        shared: Option<&'a Bytes>,
        limits: &Limits,
        one: impl FnOnce(&mut Self) -> Result<T, ValueError>,
    ) -> Result<T, ValueError> {
        if input.len() > limits.bytes() {
            let message = format!(
                "{} bytes are more than the limit of {}",
                input.len(),
                limits.bytes()
            );
            return Err(ValueError::new(ErrorKind::TooLarge, message));
        }
        let mut reader = Self {
            input,
            shared,
            at: 0,
            end: input.len(),
            owed: 0,
        };
        reader.owe(1)?;
        let value = one(&mut reader)?;
        reader.ended()?;
        Ok(value)
    }

    /// Reads a value that may have `depth` containers in one another.
    pub(crate) fn value(&mut self, depth: usize) -> Result<Value, ValueError> {
        Ok(match self.head()? {
            Head::Null => Value::Null,
            Head::Bool(value) => Value::Bool(value),
            Head::Int(value) => Value::Int(value),
            Head::Unsigned(value) => value.into(),
            Head::Float(value) => Value::Float(value),
            Head::String(length) => Value::String(self.text(length)?.to_owned()),
            Head::Bytes(length) => Value::Bytes(self.bytes(length)?),
            Head::Array(length) => Value::List(self.array(length, self.below(depth)?)?),
            Head::Map(length) => Value::Map(self.map(length, self.below(depth)?)?),
            Head::Ext(length, number) => self.ext(length, number, depth)?,
        })
    }

    /// Reads the beginning of a value.
    pub(crate) fn head(&mut self) -> Result<Head, ValueError> {
        self.owed -= 1;
        let [marker] = self.take()?;
        Ok(match marker {
            0x00..=0x7f => Head::Int(marker.into()),
            0x80..=0x8f => Head::Map((marker & 0x0f).into()),
            0x90..=0x9f => Head::Array((marker & 0x0f).into()),
            0xa0..=0xbf => Head::String((marker & 0x1f).into()),
            0xc0 => Head::Null,
            0xc1 => return Err(self.error(ErrorKind::ReservedByte, "the reserved byte 0xc1")),
            0xc2 => Head::Bool(false),
            0xc3 => Head::Bool(true),
            0xc4 => Head::Bytes(self.length_8()?),
            0xc5 => Head::Bytes(self.length_16()?),
            0xc6 => Head::Bytes(self.length_32()?),
            0xc7 => Head::Ext(self.length_8()?, self.number()?),
            0xc8 => Head::Ext(self.length_16()?, self.number()?),
            0xc9 => Head::Ext(self.length_32()?, self.number()?),
            0xca => Head::Float(f32::from_be_bytes(self.take()?).into()),
            0xcb => Head::Float(f64::from_be_bytes(self.take()?)),
            0xcc => Head::Int(u8::from_be_bytes(self.take()?).into()),
            0xcd => Head::Int(u16::from_be_bytes(self.take()?).into()),
            0xce => Head::Int(u32::from_be_bytes(self.take()?).into()),
            0xcf => Head::Unsigned(u64::from_be_bytes(self.take()?)),
            0xd0 => Head::Int(i8::from_be_bytes(self.take()?).into()),
            0xd1 => Head::Int(i16::from_be_bytes(self.take()?).into()),
            0xd2 => Head::Int(i32::from_be_bytes(self.take()?).into()),
            0xd3 => Head::Int(i64::from_be_bytes(self.take()?)),
            0xd4 => Head::Ext(1, self.number()?),
            0xd5 => Head::Ext(2, self.number()?),
            0xd6 => Head::Ext(4, self.number()?),
            0xd7 => Head::Ext(8, self.number()?),
            0xd8 => Head::Ext(16, self.number()?),
            0xd9 => Head::String(self.length_8()?),
            0xda => Head::String(self.length_16()?),
            0xdb => Head::String(self.length_32()?),
            0xdc => Head::Array(self.length_16()?),
            0xdd => Head::Array(self.length_32()?),
            0xde => Head::Map(self.length_16()?),
            0xdf => Head::Map(self.length_32()?),
            0xe0..=0xff => Head::Int((marker as i8).into()),
        })
    }

    /// Reads a string's text.
    pub(crate) fn text(&mut self, length: usize) -> Result<&'a str, ValueError> {
        let bytes = self.slice(length)?;
        std::str::from_utf8(bytes)
            .map_err(|_| self.error(ErrorKind::InvalidUtf8, "a string that is not UTF-8"))
    }

    fn bytes(&mut self, length: usize) -> Result<Bytes, ValueError> {
        let start = self.at;
        let slice = self.slice(length)?;
        Ok(match self.shared {
            Some(shared) if length >= WORTH_SHARING => shared.slice(start..self.at),
            _ => Bytes::copy_from_slice(slice),
        })
    }

    /// Reads an array's elements, each of which may have `depth` containers in one another.
    pub(crate) fn array(&mut self, length: usize, depth: usize) -> Result<Vec<Value>, ValueError> {
        self.owe(length)?;
        let mut elements = Vec::with_capacity(length);
        for index in 0..length {
            elements.push(self.value(depth).map_err(|error| error.at_index(index))?);
        }
        Ok(elements)
    }

    fn map(&mut self, length: usize, depth: usize) -> Result<Map, ValueError> {
        self.owe(length.saturating_mul(2))?;
        let mut entries = Vec::with_capacity(length);
        for index in 0..length {
            let key = self.value(depth).map_err(|error| error.in_key(index))?;
            let value = self
                .value(depth)
                .map_err(|error| error.at_entry(&key, index))?;
            entries.push((key, value));
        }
        Map::from_entries(entries)
    }

    fn ext(&mut self, length: usize, number: i8, depth: usize) -> Result<Value, ValueError> {
        match number {
            ext::TUPLE => Ok(Value::Tuple(self.only_array(length, depth)?)),
            ext::SET => Ok(Value::Set(Set::from_elements(
                self.only_array(length, depth)?,
            )?)),
            ext::NAMED => self.named(length, depth),
            _ => self.scalar(length, number),
        }
    }

    /// Reads the body of a tuple or set.
    fn only_array(&mut self, length: usize, depth: usize) -> Result<Vec<Value>, ValueError> {
        let depth = self.below(depth)?;
        let outer = self.enter(length)?;
        let Head::Array(length) = self.head()? else {
            let message = "the body of a tuple or set is an array";
            return Err(self.error(ErrorKind::InvalidExtension, message));
        };
        let elements = self.array(length, depth)?;
        self.leave(outer)?;
        Ok(elements)
    }

    fn named(&mut self, length: usize, depth: usize) -> Result<Value, ValueError> {
        let depth = self.below(depth)?;
        let outer = self.enter(length)?;
        let type_name = match self.head()? {
            Head::String(length) if length > 0 => self.text(length)?.to_owned(),
            _ => {
                let message = "a named value begins with a type name";
                return Err(self.error(ErrorKind::InvalidExtension, message));
            }
        };
        self.owe(1)?;
        let value = Box::new(self.value(depth)?);
        self.leave(outer)?;
        Ok(Value::Named { type_name, value })
    }

    fn scalar(&mut self, length: usize, number: i8) -> Result<Value, ValueError> {
        let body = self.slice(length)?;
        scalar(number, body).map_err(|fault| match fault {
            Fault::Number => {
                let message = format!("extension {number} stands for nothing");
                self.error(ErrorKind::UnknownExtension, &message)
            }
            Fault::Body(what) => {
                self.error(ErrorKind::InvalidExtension, &format!("not a valid {what}"))
            }
        })
    }

    /// Goes into the body of an extension, which holds one value or more; [`Reader::leave`] takes
    /// what this returns.
    fn enter(&mut self, length: usize) -> Result<Outer, ValueError> {
        self.available(length)?;
        let outer = Outer {
            end: self.end,
            owed: self.owed,
        };
        self.end = self.at + length;
        self.owed = 0;
        self.owe(1)?;
        Ok(outer)
    }

    /// Goes back to what encloses the body, which must have been read to its end.
    fn leave(&mut self, outer: Outer) -> Result<(), ValueError> {
        self.ended()?;
        self.end = outer.end;
        self.owed = outer.owed;
        Ok(())
    }

    fn ended(&self) -> Result<(), ValueError> {
        if self.at < self.end {
            return Err(self.error(ErrorKind::TrailingBytes, "bytes after the value"));
        }
        Ok(())
    }

    fn length_8(&mut self) -> Result<usize, ValueError> {
        Ok(u8::from_be_bytes(self.take()?).into())
    }

    fn length_16(&mut self) -> Result<usize, ValueError> {
        Ok(u16::from_be_bytes(self.take()?).into())
    }

    fn length_32(&mut self) -> Result<usize, ValueError> {
        // A length beyond the address space is beyond the input, too.
        Ok(usize::try_from(u32::from_be_bytes(self.take()?)).unwrap_or(usize::MAX))
    }

    fn number(&mut self) -> Result<i8, ValueError> {
        Ok(i8::from_be_bytes(self.take()?))
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], ValueError> {
        match self.slice(N)?.try_into() {
            Ok(bytes) => Ok(bytes),
            Err(_) => Err(self.truncated()),
        }
    }

    fn slice(&mut self, length: usize) -> Result<&'a [u8], ValueError> {
        self.available(length)?;
        let slice = &self.input[self.at..self.at + length];
        self.at += length;
        Ok(slice)
    }

    /// Notes that `count` more values are to come.
    pub(crate) fn owe(&mut self, count: usize) -> Result<(), ValueError> {
        self.available(count)?;
        self.owed += count;
        Ok(())
    }

    /// Refuses what would not leave a byte for each value that is still to come.
    fn available(&self, length: usize) -> Result<(), ValueError> {
        if length > self.end - self.at - self.owed {
            Err(self.truncated())
        } else {
            Ok(())
        }
    }

    /// How deep the contents of a container may be, where itself may be `depth`.
    fn below(&self, depth: usize) -> Result<usize, ValueError> {
        depth.checked_sub(1).ok_or_else(|| {
            self.error(
                ErrorKind::TooDeep,
                "more containers in one another than the limit allows",
            )
        })
    }

    #[cold]
    fn truncated(&self) -> ValueError {
        self.error(ErrorKind::Truncated, "not enough bytes for the value")
    }

    #[cold]
    pub(crate) fn error(&self, kind: ErrorKind, message: &str) -> ValueError {
        ValueError::new(kind, format!("{message} (near byte {})", self.at))
    }
}

/// Why an extension is none.
enum Fault {
    /// Its number is unknown.
    Number,
    /// Its body is no such thing.
    Body(&'static str),
}

/// The value of an extension that holds no other values.
fn scalar(number: i8, body: &[u8]) -> Result<Value, Fault> {
    let (what, value) = match number {
        ext::TIMESTAMP => ("timestamp", timestamp(body).map(Value::Timestamp)),
        ext::BIG_INT => ("big integer", big_integer(body)),
        ext::DATE => (
            "date",
            body.try_into()
                .ok()
                .map(|days| Value::Date(Date::from_days(i32::from_be_bytes(days)))),
        ),
        ext::TIME => ("time of day", time(body).map(Value::Time)),
        ext::DURATION => ("duration", duration(body).map(Value::Duration)),
        ext::DECIMAL => {
            let text = std::str::from_utf8(body).ok();
            (
                "canonical decimal",
                text.and_then(Decimal::from_canonical).map(Value::Decimal),
            )
        }
        ext::UUID => (
            "UUID",
            body.try_into()
                .ok()
                .map(|bytes| Value::Uuid(Uuid::from_bytes(bytes))),
        ),
        _ => return Err(Fault::Number),
    };
    value.ok_or(Fault::Body(what))
}

fn timestamp(body: &[u8]) -> Option<Timestamp> {
    let (seconds, nanos) = match body.len() {
        4 => (u32::from_be_bytes(body.try_into().ok()?).into(), 0),
        8 => {
            let both = u64::from_be_bytes(body.try_into().ok()?);
            (
                i64::try_from(both & ((1 << 34) - 1)).ok()?,
                u32::try_from(both >> 34).ok()?,
            )
        }
        _ => {
            let (nanos, seconds) = body.split_first_chunk()?;
            (
                i64::from_be_bytes(seconds.try_into().ok()?),
                u32::from_be_bytes(*nanos),
            )
        }
    };
    Timestamp::new(seconds, nanos).ok()
}

fn big_integer(body: &[u8]) -> Option<Value> {
    let (sign, magnitude) = body.split_first()?;
    let negative = match sign {
        0 => false,
        1 => true,
        _ => return None,
    };
    Some(BigInt::new(negative, magnitude).map_or_else(Value::Int, Value::BigInt))
}

fn time(body: &[u8]) -> Option<Time> {
    Time::from_nanos(u64::from_be_bytes(body.try_into().ok()?)).ok()
}

fn duration(body: &[u8]) -> Option<Duration> {
    let (seconds, nanos) = body.split_first_chunk()?;
    let nanos = u32::from_be_bytes(nanos.try_into().ok()?);
    Duration::new(i64::from_be_bytes(*seconds), nanos).ok()
}
