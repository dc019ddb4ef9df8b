//! Values to MessagePack.

use crate::error::{ErrorKind, ValueError};
use crate::ext;
use crate::limits::Limits;
use crate::time::Timestamp;
use crate::value::Value;

/// The canonical MessagePack form of a value: integers, lengths and timestamps as short as can be,
/// floats always of 64 bits, maps and sets in their own order.
///
/// # Errors
///
/// [`ErrorKind::TooDeep`] and [`ErrorKind::TooLarge`] beyond the limits, and
/// [`ErrorKind::InvalidValue`] for a named value whose type name is empty.
pub fn encode(value: &Value, limits: &Limits) -> Result<Vec<u8>, ValueError> {
    let mut out = Vec::with_capacity(ROOM);
    encode_into(value, limits, &mut out)?;
    Ok(out)
}

/// [`encode()`], appending to `out`; after an error `out` is as before.
///
/// # Errors
///
/// As [`encode()`].
pub fn encode_into(value: &Value, limits: &Limits, out: &mut Vec<u8>) -> Result<(), ValueError> {
    Writer::write(out, limits, |writer| writer.value(value, limits.depth()))
}

/// Bytes to begin with, so that a small value is not moved as it grows.
pub(crate) const ROOM: usize = 128;

/// The longest extension header: marker, 32-bit length, number.
const EXT_HEADER: usize = 6;

pub(crate) struct Writer<'a> {
    out: &'a mut Vec<u8>,
    start: usize,
    limit: usize,
    /// Extensions begun and not ended, each with room for the longest header.
    open: usize,
}

impl Writer<'_> {
    /// Lets `fill` append to `out`, within the limits, and takes it all back if that fails.
    pub(crate) fn write(
        out: &mut Vec<u8>,
        limits: &Limits,
        fill: impl FnOnce(&mut Writer<'_>) -> Result<(), ValueError>,
    ) -> Result<(), ValueError> {
        let start = out.len();
        let mut writer = Writer {
            out,
            start,
            limit: limits.bytes(),
            open: 0,
        };
        let result = fill(&mut writer).and_then(|()| writer.room(0));
        if result.is_err() {
            out.truncate(start);
        }
        result
    }

    /// Writes a value that may have `depth` containers in one another.
    pub(crate) fn value(&mut self, value: &Value, depth: usize) -> Result<(), ValueError> {
        match value {
            Value::Null => self.put(&[0xc0]),
            Value::Bool(value) => self.put(&[0xc2 | u8::from(*value)]),
            Value::Int(value) => self.int(*value),
            Value::BigInt(big) => match (big.is_negative(), <[u8; 8]>::try_from(big.magnitude())) {
                (false, Ok(bytes)) => self.marked(0xcf, &bytes),
                (negative, _) => {
                    self.ext_header(ext::BIG_INT, 1 + big.magnitude().len())?;
                    self.put(&[u8::from(negative)])?;
                    self.put(big.magnitude())
                }
            },
            Value::Float(value) => {
                // Languages make NaN of different bits; on the wire there is one.
                let bits = if value.is_nan() {
                    0x7ff8 << 48
                } else {
                    value.to_bits()
                };
                self.marked(0xcb, &bits.to_be_bytes())
            }
            Value::String(text) => self.string(text),
            Value::Bytes(bytes) => {
                match self.length("bytes", bytes.len())? {
                    Length::Byte(length) => self.put(&[0xc4, length]),
                    Length::Short(length) => self.marked(0xc5, &length.to_be_bytes()),
                    Length::Long(length) => self.marked(0xc6, &length.to_be_bytes()),
                }?;
                self.put(bytes)
            }
            Value::List(elements) => self.array(elements, below(depth)?),
            Value::Tuple(elements) => {
                let depth = below(depth)?;
                self.ext(ext::TUPLE, |writer| writer.array(elements, depth))
            }
            Value::Map(map) => {
                let depth = below(depth)?;
                self.map_header(map.len())?;
                for (index, (key, value)) in map.iter().enumerate() {
                    self.value(key, depth)
                        .map_err(|error| error.in_key(index))?;
                    self.value(value, depth)
                        .map_err(|error| error.at_entry(key, index))?;
                }
                Ok(())
            }
            Value::Set(set) => {
                let depth = below(depth)?;
                self.ext(ext::SET, |writer| writer.array(set.as_slice(), depth))
            }
            Value::Timestamp(time) => self.timestamp(*time),
            Value::Date(date) => self.fixed(ext::DATE, &date.days().to_be_bytes()),
            Value::Time(time) => self.fixed(ext::TIME, &time.nanos().to_be_bytes()),
            Value::Duration(span) => {
                self.ext_header(ext::DURATION, 12)?;
                self.put(&span.seconds().to_be_bytes())?;
                self.put(&span.nanos().to_be_bytes())
            }
            Value::Decimal(decimal) => self.fixed(ext::DECIMAL, decimal.as_str().as_bytes()),
            Value::Uuid(uuid) => self.fixed(ext::UUID, uuid.as_bytes()),
            Value::Named { type_name, value } => {
                let depth = below(depth)?;
                if type_name.is_empty() {
                    return Err(ValueError::new(ErrorKind::InvalidValue, "empty type name"));
                }
                self.ext(ext::NAMED, |writer| {
                    writer.string(type_name)?;
                    writer.value(value, depth)
                })
            }
        }
    }

    fn int(&mut self, value: i64) -> Result<(), ValueError> {
        if let Ok(value) = u64::try_from(value) {
            if value < 0x80 {
                self.put(&[value as u8])
            } else if let Ok(value) = u8::try_from(value) {
                self.put(&[0xcc, value])
            } else if let Ok(value) = u16::try_from(value) {
                self.marked(0xcd, &value.to_be_bytes())
            } else if let Ok(value) = u32::try_from(value) {
                self.marked(0xce, &value.to_be_bytes())
            } else {
                self.marked(0xcf, &value.to_be_bytes())
            }
        } else if value >= -32 {
            self.put(&[value as u8])
        } else if let Ok(value) = i8::try_from(value) {
            self.put(&[0xd0, value as u8])
        } else if let Ok(value) = i16::try_from(value) {
            self.marked(0xd1, &value.to_be_bytes())
        } else if let Ok(value) = i32::try_from(value) {
            self.marked(0xd2, &value.to_be_bytes())
        } else {
            self.marked(0xd3, &value.to_be_bytes())
        }
    }

    pub(crate) fn string(&mut self, text: &str) -> Result<(), ValueError> {
        match self.length("string", text.len())? {
            Length::Byte(length @ 0..32) => self.put(&[0xa0 | length]),
            Length::Byte(length) => self.put(&[0xd9, length]),
            Length::Short(length) => self.marked(0xda, &length.to_be_bytes()),
            Length::Long(length) => self.marked(0xdb, &length.to_be_bytes()),
        }?;
        self.put(text.as_bytes())
    }

    /// Writes an array of elements that may each have `depth` containers in one another.
    pub(crate) fn array(&mut self, elements: &[Value], depth: usize) -> Result<(), ValueError> {
        self.array_header(elements.len())?;
        for (index, element) in elements.iter().enumerate() {
            self.value(element, depth)
                .map_err(|error| error.at_index(index))?;
        }
        Ok(())
    }

    pub(crate) fn array_header(&mut self, length: usize) -> Result<(), ValueError> {
        match self.length("list", length)? {
            Length::Byte(length @ 0..16) => self.put(&[0x90 | length]),
            Length::Byte(length) => self.put(&[0xdc, 0, length]),
            Length::Short(length) => self.marked(0xdc, &length.to_be_bytes()),
            Length::Long(length) => self.marked(0xdd, &length.to_be_bytes()),
        }
    }

    pub(crate) fn map_header(&mut self, length: usize) -> Result<(), ValueError> {
        match self.length("map", length)? {
            Length::Byte(length @ 0..16) => self.put(&[0x80 | length]),
            Length::Byte(length) => self.put(&[0xde, 0, length]),
            Length::Short(length) => self.marked(0xde, &length.to_be_bytes()),
            Length::Long(length) => self.marked(0xdf, &length.to_be_bytes()),
        }
    }

    fn timestamp(&mut self, time: Timestamp) -> Result<(), ValueError> {
        match (
            u64::try_from(time.seconds()),
            u32::try_from(time.seconds()),
            time.nanos(),
        ) {
            (_, Ok(seconds), 0) => self.fixed(ext::TIMESTAMP, &seconds.to_be_bytes()),
            (Ok(seconds), _, nanos) if seconds < 1 << 34 => {
                let both = u64::from(nanos) << 34 | seconds;
                self.fixed(ext::TIMESTAMP, &both.to_be_bytes())
            }
            (_, _, nanos) => {
                self.ext_header(ext::TIMESTAMP, 12)?;
                self.put(&nanos.to_be_bytes())?;
                self.put(&time.seconds().to_be_bytes())
            }
        }
    }

    fn fixed(&mut self, number: i8, body: &[u8]) -> Result<(), ValueError> {
        self.ext_header(number, body.len())?;
        self.put(body)
    }

    fn ext_header(&mut self, number: i8, length: usize) -> Result<(), ValueError> {
        let (header, used) = self.ext_head(number, length)?;
        self.put(&header[..used])
    }

    /// Writes an extension whose body `fill` writes, and whose length is therefore known late.
    fn ext(
        &mut self,
        number: i8,
        fill: impl FnOnce(&mut Self) -> Result<(), ValueError>,
    ) -> Result<(), ValueError> {
        let head = self.out.len();
        let body = head + EXT_HEADER;
        self.open += 1;
        self.out.extend_from_slice(&[0; EXT_HEADER]);
        fill(self)?;
        self.open -= 1;

        let end = self.out.len();
        let (header, used) = self.ext_head(number, end - body)?;
        self.out[head..head + used].copy_from_slice(&header[..used]);
        // Only a body below 64 KiB has a shorter header than there was room for.
        if used < EXT_HEADER {
            self.out.copy_within(body.., head + used);
            self.out.truncate(end - (EXT_HEADER - used));
        }
        Ok(())
    }

    /// An extension's header, and how much of the array it takes.
    fn ext_head(&self, number: i8, length: usize) -> Result<([u8; EXT_HEADER], usize), ValueError> {
        let number = number as u8;
        Ok(match self.length("extension", length)? {
            Length::Byte(1) => ([0xd4, number, 0, 0, 0, 0], 2),
            Length::Byte(2) => ([0xd5, number, 0, 0, 0, 0], 2),
            Length::Byte(4) => ([0xd6, number, 0, 0, 0, 0], 2),
            Length::Byte(8) => ([0xd7, number, 0, 0, 0, 0], 2),
            Length::Byte(16) => ([0xd8, number, 0, 0, 0, 0], 2),
            Length::Byte(length) => ([0xc7, length, number, 0, 0, 0], 3),
            Length::Short(length) => {
                let [a, b] = length.to_be_bytes();
                ([0xc8, a, b, number, 0, 0], 4)
            }
            Length::Long(length) => {
                let [a, b, c, d] = length.to_be_bytes();
                ([0xc9, a, b, c, d, number], 6)
            }
        })
    }

    fn length(&self, what: &str, length: usize) -> Result<Length, ValueError> {
        if let Ok(length) = u8::try_from(length) {
            Ok(Length::Byte(length))
        } else if let Ok(length) = u16::try_from(length) {
            Ok(Length::Short(length))
        } else {
            let message = || format!("{what} of length {length}: MessagePack ends at 2³²");
            u32::try_from(length)
                .map(Length::Long)
                .map_err(|_| ValueError::new(ErrorKind::TooLarge, message()))
        }
    }

    fn marked<const N: usize>(&mut self, marker: u8, rest: &[u8; N]) -> Result<(), ValueError> {
        self.room(1 + N)?;
        self.out.push(marker);
        self.out.extend_from_slice(rest);
        Ok(())
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), ValueError> {
        self.room(bytes.len())?;
        self.out.extend_from_slice(bytes);
        Ok(())
    }

    /// Refuses to grow beyond the limit. Headers that may yet shrink count for nothing.
    fn room(&self, more: usize) -> Result<(), ValueError> {
        let sure = self.out.len() - self.start - self.open * EXT_HEADER;
        if sure.saturating_add(more) <= self.limit {
            return Ok(());
        }
        let message = format!("longer than the limit of {} bytes", self.limit);
        Err(ValueError::new(ErrorKind::TooLarge, message))
    }
}

/// A length, in as many bytes as it needs.
enum Length {
    Byte(u8),
    Short(u16),
    Long(u32),
}

/// How deep the contents of a container may be, where itself may be `depth`.
fn below(depth: usize) -> Result<usize, ValueError> {
    depth.checked_sub(1).ok_or_else(|| {
        ValueError::new(
            ErrorKind::TooDeep,
            "more containers in one another than the limit allows",
        )
    })
}
