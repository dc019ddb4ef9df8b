//! The MessagePack extension numbers of the wire contract. They never change meaning.

/// A point in time, as MessagePack itself defines it.
pub(crate) const TIMESTAMP: i8 = -1;
/// An integer beyond both `i64` and `u64`: a sign byte and a big-endian magnitude.
pub(crate) const BIG_INT: i8 = 1;
/// A tuple: one MessagePack array.
pub(crate) const TUPLE: i8 = 2;
/// A set: one MessagePack array of distinct elements.
pub(crate) const SET: i8 = 3;
/// A calendar day: `i32`.
pub(crate) const DATE: i8 = 4;
/// A time of day: `u64`.
pub(crate) const TIME: i8 = 5;
/// A span of time: `i64` seconds and `u32` nanoseconds.
pub(crate) const DURATION: i8 = 6;
/// A decimal number: its canonical text.
pub(crate) const DECIMAL: i8 = 7;
/// A UUID: 16 bytes.
pub(crate) const UUID: i8 = 8;
/// A named value: a MessagePack string and one value.
pub(crate) const NAMED: i8 = 9;
