//! The value itself.

use std::fmt;

use bytes::Bytes;

use crate::bigint::BigInt;
use crate::convert::FromValue;
use crate::decimal::Decimal;
use crate::error::ValueError;
use crate::map::Map;
use crate::set::Set;
use crate::time::{Date, Duration, Time, Timestamp};
use crate::uuid::Uuid;

/// What a task takes, yields and returns: anything that every language of the network can be told.
///
/// Rust's own types become values by [`IntoValue`](crate::IntoValue) or `Value::from`, and come
/// out of them by [`Value::extract`].
///
/// Two values are equal when they are of one kind and have equal content: `1` is not `1.0`. Floats
/// compare as IEEE says, so NaN equals nothing and `-0.0` equals `0.0`; maps and sets compare
/// without regard to order. [`Value::identical`] is stricter.
///
/// ```
/// use wool_values::Value;
///
/// let value = Value::from((1, "two", [3.0, 4.0]));
/// let (one, two, more): (u8, String, Vec<f64>) = value.extract()?;
/// assert_eq!((one, two.as_str(), more), (1, "two", vec![3.0, 4.0]));
/// # Ok::<(), wool_values::ValueError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Value {
    /// Nothing: `None`, `nil`, `null`.
    #[default]
    Null,
    /// True or false.
    Bool(bool),
    /// An integer that `i64` can hold; such a one always has this form.
    Int(i64),
    /// An integer that `i64` cannot hold, of any size.
    BigInt(BigInt),
    /// A 64-bit float. NaN is one value: its sign and payload do not travel.
    Float(f64),
    /// Unicode text.
    String(String),
    /// Bytes.
    Bytes(Bytes),
    /// A sequence.
    List(Vec<Value>),
    /// A sequence whose length is part of what it means; languages without tuples read a list.
    Tuple(Vec<Value>),
    /// Keys and values, in order.
    Map(Map),
    /// Distinct elements.
    Set(Set),
    /// A point in time.
    Timestamp(Timestamp),
    /// A calendar day.
    Date(Date),
    /// A time of day.
    Time(Time),
    /// A span of time.
    Duration(Duration),
    /// A decimal number.
    Decimal(Decimal),
    /// A UUID.
    Uuid(Uuid),
    /// What one language has and others may not: the name of its type, and a value to make it of.
    Named {
        /// What both ends call the type, such as `geometry.Point`; not empty.
        type_name: String,
        /// What to make it of.
        value: Box<Value>,
    },
}

/// What sort of thing a [`Value`] is. An integer is an integer, whatever its size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// [`Value::Null`].
    Null,
    /// [`Value::Bool`].
    Bool,
    /// [`Value::Int`] or [`Value::BigInt`].
    Int,
    /// [`Value::Float`].
    Float,
    /// [`Value::String`].
    String,
    /// [`Value::Bytes`].
    Bytes,
    /// [`Value::List`].
    List,
    /// [`Value::Tuple`].
    Tuple,
    /// [`Value::Map`].
    Map,
    /// [`Value::Set`].
    Set,
    /// [`Value::Timestamp`].
    Timestamp,
    /// [`Value::Date`].
    Date,
    /// [`Value::Time`].
    Time,
    /// [`Value::Duration`].
    Duration,
    /// [`Value::Decimal`].
    Decimal,
    /// [`Value::Uuid`].
    Uuid,
    /// [`Value::Named`].
    Named,
}

impl Kind {
    /// The kind's name, the same in every language, such as `int`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Float => "float",
            Self::String => "string",
            Self::Bytes => "bytes",
            Self::List => "list",
            Self::Tuple => "tuple",
            Self::Map => "map",
            Self::Set => "set",
            Self::Timestamp => "timestamp",
            Self::Date => "date",
            Self::Time => "time",
            Self::Duration => "duration",
            Self::Decimal => "decimal",
            Self::Uuid => "uuid",
            Self::Named => "named",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Value {
    /// The integer of this sign and big-endian magnitude, in the form that its size asks for.
    #[must_use]
    pub fn integer(negative: bool, magnitude: &[u8]) -> Self {
        BigInt::new(negative, magnitude).map_or_else(Self::Int, Self::BigInt)
    }

    /// Reads an integer of any size from decimal text. The time taken grows with the square of
    /// the length.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidValue`](crate::ErrorKind::InvalidValue) for anything but an optional
    /// sign and digits.
    pub fn parse_integer(text: &str) -> Result<Self, ValueError> {
        BigInt::parse(text).map(|parsed| parsed.map_or_else(Self::Int, Self::BigInt))
    }

    /// A named value.
    #[must_use]
    pub fn named(type_name: impl Into<String>, value: impl Into<Self>) -> Self {
        Self::Named {
            type_name: type_name.into(),
            value: Box::new(value.into()),
        }
    }

    /// What sort of thing this is.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Null => Kind::Null,
            Self::Bool(_) => Kind::Bool,
            Self::Int(_) | Self::BigInt(_) => Kind::Int,
            Self::Float(_) => Kind::Float,
            Self::String(_) => Kind::String,
            Self::Bytes(_) => Kind::Bytes,
            Self::List(_) => Kind::List,
            Self::Tuple(_) => Kind::Tuple,
            Self::Map(_) => Kind::Map,
            Self::Set(_) => Kind::Set,
            Self::Timestamp(_) => Kind::Timestamp,
            Self::Date(_) => Kind::Date,
            Self::Time(_) => Kind::Time,
            Self::Duration(_) => Kind::Duration,
            Self::Decimal(_) => Kind::Decimal,
            Self::Uuid(_) => Kind::Uuid,
            Self::Named { .. } => Kind::Named,
        }
    }

    /// Takes the value out as a Rust type.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::KindMismatch`](crate::ErrorKind::KindMismatch) or
    /// [`ErrorKind::OutOfRange`](crate::ErrorKind::OutOfRange), with the path of what does not
    /// fit.
    pub fn extract<T: FromValue>(self) -> Result<T, ValueError> {
        T::from_value(self)
    }

    /// Whether this is [`Value::Null`].
    #[must_use]
    pub const fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The boolean, if it is one.
    #[must_use]
    pub const fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// The integer, if it is one that `i64` can hold.
    #[must_use]
    pub const fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Int(value) => Some(*value),
            _ => None,
        }
    }

    /// The integer, if it is one that `u64` can hold.
    #[must_use]
    pub fn as_u64(&self) -> Option<u64> {
        match self {
            Self::Int(value) => u64::try_from(*value).ok(),
            Self::BigInt(value) => value.to_u128()?.try_into().ok(),
            _ => None,
        }
    }

    /// The integer, if it is one that `i128` can hold.
    #[must_use]
    pub fn as_i128(&self) -> Option<i128> {
        match self {
            Self::Int(value) => Some((*value).into()),
            Self::BigInt(value) => value.to_i128(),
            _ => None,
        }
    }

    /// The float, if it is one.
    #[must_use]
    pub const fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Float(value) => Some(*value),
            _ => None,
        }
    }

    /// The text, if it is text.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(value) => Some(value),
            _ => None,
        }
    }

    /// The bytes, if it is bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> Option<&Bytes> {
        match self {
            Self::Bytes(value) => Some(value),
            _ => None,
        }
    }

    /// The elements, if it is a list.
    #[must_use]
    pub fn as_list(&self) -> Option<&[Self]> {
        match self {
            Self::List(elements) => Some(elements),
            _ => None,
        }
    }

    /// The elements, if it is a tuple.
    #[must_use]
    pub fn as_tuple(&self) -> Option<&[Self]> {
        match self {
            Self::Tuple(elements) => Some(elements),
            _ => None,
        }
    }

    /// The map, if it is one.
    #[must_use]
    pub const fn as_map(&self) -> Option<&Map> {
        match self {
            Self::Map(map) => Some(map),
            _ => None,
        }
    }

    /// The set, if it is one.
    #[must_use]
    pub const fn as_set(&self) -> Option<&Set> {
        match self {
            Self::Set(set) => Some(set),
            _ => None,
        }
    }

    /// The point in time, if it is one.
    #[must_use]
    pub const fn as_timestamp(&self) -> Option<Timestamp> {
        match self {
            Self::Timestamp(value) => Some(*value),
            _ => None,
        }
    }

    /// The day, if it is one.
    #[must_use]
    pub const fn as_date(&self) -> Option<Date> {
        match self {
            Self::Date(value) => Some(*value),
            _ => None,
        }
    }

    /// The time of day, if it is one.
    #[must_use]
    pub const fn as_time(&self) -> Option<Time> {
        match self {
            Self::Time(value) => Some(*value),
            _ => None,
        }
    }

    /// The span of time, if it is one.
    #[must_use]
    pub const fn as_duration(&self) -> Option<Duration> {
        match self {
            Self::Duration(value) => Some(*value),
            _ => None,
        }
    }

    /// The decimal number, if it is one.
    #[must_use]
    pub const fn as_decimal(&self) -> Option<&Decimal> {
        match self {
            Self::Decimal(value) => Some(value),
            _ => None,
        }
    }

    /// The UUID, if it is one.
    #[must_use]
    pub const fn as_uuid(&self) -> Option<Uuid> {
        match self {
            Self::Uuid(value) => Some(*value),
            _ => None,
        }
    }

    /// The type name and the value behind it, if it is a named value.
    #[must_use]
    pub fn as_named(&self) -> Option<(&str, &Self)> {
        match self {
            Self::Named { type_name, value } => Some((type_name, value)),
            _ => None,
        }
    }

    /// Whether the two encode to the same bytes: unlike `==`, this tells `-0.0` from `0.0`, finds
    /// NaN the same as NaN, and minds the order of maps and sets.
    ///
    /// ```
    /// use wool_values::Value;
    ///
    /// let (zero, negative) = (Value::from(0.0), Value::from(-0.0));
    /// assert!(zero == negative && !zero.identical(&negative));
    /// assert!(Value::from(f64::NAN).identical(&Value::from(-f64::NAN)));
    /// ```
    #[must_use]
    pub fn identical(&self, other: &Self) -> bool {
        fn all(left: &[Value], right: &[Value]) -> bool {
            left.len() == right.len() && left.iter().zip(right).all(|(a, b)| a.identical(b))
        }
        match (self, other) {
            (Self::Float(a), Self::Float(b)) => {
                a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan())
            }
            (Self::List(a), Self::List(b)) | (Self::Tuple(a), Self::Tuple(b)) => all(a, b),
            (Self::Set(a), Self::Set(b)) => all(a.as_slice(), b.as_slice()),
            (Self::Map(a), Self::Map(b)) => {
                let pairs = a.iter().zip(b.iter());
                a.len() == b.len()
                    && pairs
                        .into_iter()
                        .all(|((a, x), (b, y))| a.identical(b) && x.identical(y))
            }
            (
                Self::Named {
                    type_name: a,
                    value: x,
                },
                Self::Named {
                    type_name: b,
                    value: y,
                },
            ) => a == b && x.identical(y),
            _ => self == other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_five_words() {
        assert_eq!(size_of::<Value>(), 40);
    }

    #[test]
    fn integers_have_one_form() {
        assert_eq!(Value::integer(true, &[0, 5]), Value::Int(-5));
        assert_eq!(Value::parse_integer("-5"), Ok(Value::Int(-5)));
        assert_eq!(Value::from(u64::MAX).as_u64(), Some(u64::MAX));
        assert_eq!(Value::from(u64::MAX).as_i64(), None);
        assert_eq!(Value::from(u64::MAX).kind(), Kind::Int);
        assert_eq!(Value::from(5_u128), Value::Int(5));
        assert_eq!(Value::from(i128::MIN).as_i128(), Some(i128::MIN));
    }

    #[test]
    fn equality_keeps_kinds_apart() {
        assert_ne!(Value::from(1), Value::from(1.0));
        assert_ne!(Value::from(0), Value::from(false));
        assert_ne!(Value::from("a"), Value::from(&b"a"[..]));
        assert_ne!(Value::List(vec![]), Value::Tuple(vec![]));
        assert_ne!(Value::from(f64::NAN), Value::from(f64::NAN));
    }
}
