//! The types of this crate in serde's terms.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::bigint::BigInt;
use crate::decimal::Decimal;
use crate::decode::decode_shared;
use crate::limits::Limits;
use crate::map::Map;
use crate::set::Set;
use crate::time::{Date, Duration, Time, Timestamp};
use crate::uuid::Uuid;
use crate::value::{Kind, Value};

/// The names of the newtypes. A program's own type would have to be called so on purpose.
pub(crate) mod marker {
    pub(crate) const VALUE: &str = "$wool::Value";
    pub(crate) const INT: &str = "$wool::BigInt";
    pub(crate) const SET: &str = "$wool::Set";
    pub(crate) const TIMESTAMP: &str = "$wool::Timestamp";
    pub(crate) const DATE: &str = "$wool::Date";
    pub(crate) const TIME: &str = "$wool::Time";
    pub(crate) const DURATION: &str = "$wool::Duration";
    pub(crate) const DECIMAL: &str = "$wool::Decimal";
    pub(crate) const UUID: &str = "$wool::Uuid";
    pub(crate) const NAMED: &str = "$wool::Named";
}

/// A type that is a newtype around something that every format can say.
macro_rules! newtypes {
    ($($type:ty as $inner:ty, $marker:ident: $value:ident => $out:expr, $in:ident => $from:expr;)*) => {$(
        /// Keeps its kind through [`to_value`](crate::to_value); elsewhere it is text or numbers.
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let $value = self;
                let inner: $inner = $out;
                serializer.serialize_newtype_struct(marker::$marker, &inner)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let visitor = Inside::<$inner>(PhantomData);
                let $in = deserializer.deserialize_newtype_struct(marker::$marker, visitor)?;
                $from.map_err(de::Error::custom)
            }
        }
    )*};
}

newtypes! {
    BigInt as String, INT: value => value.to_string(), text => text.parse::<BigInt>();
    Decimal as String, DECIMAL: value => value.as_str().to_owned(), text => text.parse::<Decimal>();
    Uuid as String, UUID: value => value.to_string(), text => text.parse::<Uuid>();
    Date as i32, DATE: value => value.days(),
        days => Ok::<_, crate::ValueError>(Date::from_days(days));
    Time as u64, TIME: value => value.nanos(), nanos => Time::from_nanos(nanos);
    Timestamp as (i64, u32), TIMESTAMP: value => (value.seconds(), value.nanos()),
        parts => Timestamp::new(parts.0, parts.1);
    Duration as (i64, u32), DURATION: value => (value.seconds(), value.nanos()),
        parts => Duration::new(parts.0, parts.1);
}

/// What is inside a newtype.
struct Inside<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Inside<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value of one of wool's kinds")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<T, D::Error> {
        T::deserialize(inner)
    }
}

impl Serialize for Map {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.len()))?;
        for (key, value) in self.iter() {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

impl Serialize for Set {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(marker::SET, self.as_slice())
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Int(value) => serializer.serialize_i64(*value),
            Self::BigInt(value) => value.serialize(serializer),
            Self::Float(value) => serializer.serialize_f64(*value),
            Self::String(value) => serializer.serialize_str(value),
            Self::Bytes(value) => serializer.serialize_bytes(value),
            Self::List(elements) => elements.serialize(serializer),
            Self::Tuple(elements) => {
                use serde::ser::SerializeTuple;
                let mut tuple = serializer.serialize_tuple(elements.len())?;
                for element in elements {
                    tuple.serialize_element(element)?;
                }
                tuple.end()
            }
            Self::Map(map) => map.serialize(serializer),
            Self::Set(set) => set.serialize(serializer),
            Self::Timestamp(value) => value.serialize(serializer),
            Self::Date(value) => value.serialize(serializer),
            Self::Time(value) => value.serialize(serializer),
            Self::Duration(value) => value.serialize(serializer),
            Self::Decimal(value) => value.serialize(serializer),
            Self::Uuid(value) => value.serialize(serializer),
            Self::Named { type_name, value } => {
                serializer.serialize_newtype_struct(marker::NAMED, &(type_name, &**value))
            }
        }
    }
}

/// From a value it is that value; from another format what that format has.
impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(marker::VALUE, AnyValue)
    }
}

impl<'de> Deserialize<'de> for Map {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::Map(map) => Ok(map),
            other => Err(not_a(Kind::Map, &other)),
        }
    }
}

impl<'de> Deserialize<'de> for Set {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::Set(set) => Ok(set),
            other => Err(not_a(Kind::Set, &other)),
        }
    }
}

fn not_a<E: de::Error>(expected: Kind, found: &Value) -> E {
    E::custom(format!("expected {expected}, found {}", found.kind()))
}

/// A value that comes from a value, encoded; or whatever else a format has.
struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_byte_buf<E: de::Error>(self, encoded: Vec<u8>) -> Result<Value, E> {
        let limits = Limits::default()
            .with_bytes(usize::MAX)
            .with_depth(Limits::MAX_DEPTH);
        decode_shared(&encoded.into(), &limits).map_err(E::custom)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<Value, D::Error> {
        inner.deserialize_any(Foreign)
    }
}

/// A value in another format's terms.
struct Foreign;

macro_rules! scalars {
    ($($visit:ident($type:ty)),*) => {$(
        fn $visit<E: de::Error>(self, value: $type) -> Result<Value, E> {
            Ok(Value::from(value))
        }
    )*};
}

impl<'de> Visitor<'de> for Foreign {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    scalars!(
        visit_bool(bool),
        visit_i64(i64),
        visit_u64(u64),
        visit_i128(i128),
        visit_u128(u128),
        visit_f64(f64),
        visit_str(&str),
        visit_string(String),
        visit_bytes(&[u8]),
        visit_byte_buf(Vec<u8>)
    );

    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<Value, D::Error> {
        Value::deserialize(inner)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = seq.next_element()? {
            elements.push(element);
        }
        Ok(Value::List(elements))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Map::from_entries(entries)
            .map(Value::Map)
            .map_err(de::Error::custom)
    }
}
