//! Serialising into a value.

use serde::ser::{self, Serialize, Serializer};

use super::marker;
use crate::convert::IntoValue;
use crate::decimal::Decimal;
use crate::error::{ErrorKind, ValueError};
use crate::map::Map;
use crate::set::Set;
use crate::time::{Date, Duration, Time, Timestamp};
use crate::value::Value;

type Result<T = Value> = std::result::Result<T, ValueError>;

pub(super) struct ToValue;

/// The one entry that is a variant of an enum.
fn variant(name: &'static str, content: Value) -> Value {
    Value::Map(Map::from_distinct(vec![(Value::from(name), content)]))
}

/// The value of the newtype of this name, if it is one of this crate's.
fn of_kind(name: &str, inner: Value) -> Result {
    Ok(match name {
        marker::INT => Value::parse_integer(&inner.extract::<String>()?)?,
        marker::DECIMAL => Value::Decimal(inner.extract::<String>()?.parse::<Decimal>()?),
        marker::UUID => Value::Uuid(inner.extract::<String>()?.parse()?),
        marker::DATE => Value::Date(Date::from_days(inner.extract()?)),
        marker::TIME => Value::Time(Time::from_nanos(inner.extract()?)?),
        marker::TIMESTAMP => {
            let (seconds, nanos) = inner.extract()?;
            Value::Timestamp(Timestamp::new(seconds, nanos)?)
        }
        marker::DURATION => {
            let (seconds, nanos) = inner.extract()?;
            Value::Duration(Duration::new(seconds, nanos)?)
        }
        marker::SET => Value::Set(Set::from_elements(inner.extract()?)?),
        marker::NAMED => {
            let (type_name, value): (String, Value) = inner.extract()?;
            Value::named(type_name, value)
        }
        _ => inner,
    })
}

macro_rules! scalars {
    ($($method:ident($type:ty)),*) => {$(
        fn $method(self, value: $type) -> Result {
            Ok(value.into_value())
        }
    )*};
}

impl Serializer for ToValue {
    type Ok = Value;
    type Error = ValueError;
    type SerializeSeq = Elements;
    type SerializeTuple = Elements;
    type SerializeTupleStruct = Elements;
    type SerializeTupleVariant = Elements;
    type SerializeMap = Entries;
    type SerializeStruct = Entries;
    type SerializeStructVariant = Entries;

    scalars!(
        serialize_bool(bool),
        serialize_i8(i8),
        serialize_i16(i16),
        serialize_i32(i32),
        serialize_i64(i64),
        serialize_i128(i128),
        serialize_u8(u8),
        serialize_u16(u16),
        serialize_u32(u32),
        serialize_u64(u64),
        serialize_u128(u128),
        serialize_f32(f32),
        serialize_f64(f64),
        serialize_str(&str),
        serialize_bytes(&[u8])
    );

    fn serialize_char(self, value: char) -> Result {
        Ok(Value::from(value.to_string()))
    }

    fn serialize_none(self) -> Result {
        Ok(Value::Null)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result {
        Ok(Value::Null)
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result {
        Ok(Value::Null)
    }

    fn serialize_unit_variant(
        self,
        _name: &'static str,
        _index: u32,
        name: &'static str,
    ) -> Result {
        Ok(Value::from(name))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result {
        of_kind(name, value.serialize(self)?)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        name: &'static str,
        value: &T,
    ) -> Result {
        let content = value.serialize(self).map_err(|error| error.at_key(name))?;
        Ok(variant(name, content))
    }

    fn serialize_seq(self, length: Option<usize>) -> Result<Elements> {
        Ok(Elements::new(length.unwrap_or_default(), Value::List))
    }

    fn serialize_tuple(self, length: usize) -> Result<Elements> {
        Ok(Elements::new(length, Value::Tuple))
    }

    fn serialize_tuple_struct(self, _name: &'static str, length: usize) -> Result<Elements> {
        self.serialize_tuple(length)
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        name: &'static str,
        length: usize,
    ) -> Result<Elements> {
        Ok(Elements {
            variant: Some(name),
            ..Elements::new(length, Value::Tuple)
        })
    }

    fn serialize_map(self, length: Option<usize>) -> Result<Entries> {
        Ok(Entries::new(length.unwrap_or_default(), None))
    }

    fn serialize_struct(self, _name: &'static str, length: usize) -> Result<Entries> {
        Ok(Entries::new(length, None))
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        name: &'static str,
        length: usize,
    ) -> Result<Entries> {
        Ok(Entries::new(length, Some(name)))
    }
}

/// How many elements room is made for beforehand: a length is only a hint.
const ROOM: usize = 1024;

pub(super) struct Elements {
    values: Vec<Value>,
    make: fn(Vec<Value>) -> Value,
    variant: Option<&'static str>,
}

impl Elements {
    fn new(length: usize, make: fn(Vec<Value>) -> Value) -> Self {
        Self {
            values: Vec::with_capacity(length.min(ROOM)),
            make,
            variant: None,
        }
    }

    fn push<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        let index = self.values.len();
        let value = value.serialize(ToValue).map_err(|error| {
            let error = error.at_index(index);
            self.variant
                .iter()
                .fold(error, |error, name| error.at_key(name))
        })?;
        self.values.push(value);
        Ok(())
    }

    fn finish(self) -> Value {
        let value = (self.make)(self.values);
        match self.variant {
            Some(name) => variant(name, value),
            None => value,
        }
    }
}

macro_rules! elements {
    ($($trait:ident::$method:ident),*) => {$(
        impl ser::$trait for Elements {
            type Ok = Value;
            type Error = ValueError;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
                self.push(value)
            }

            fn end(self) -> Result {
                Ok(self.finish())
            }
        }
    )*};
}

elements!(
    SerializeSeq::serialize_element,
    SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field,
    SerializeTupleVariant::serialize_field
);

pub(super) struct Entries {
    entries: Vec<(Value, Value)>,
    key: Option<Value>,
    variant: Option<&'static str>,
}

impl Entries {
    fn new(length: usize, variant: Option<&'static str>) -> Self {
        Self {
            entries: Vec::with_capacity(length.min(ROOM)),
            key: None,
            variant,
        }
    }

    fn push<T: Serialize + ?Sized>(&mut self, key: Value, value: &T) -> Result<()> {
        let index = self.entries.len();
        let value = value.serialize(ToValue).map_err(|error| {
            let error = error.at_entry(&key, index);
            self.variant
                .iter()
                .fold(error, |error, name| error.at_key(name))
        })?;
        self.entries.push((key, value));
        Ok(())
    }

    fn finish(self) -> Result {
        let value = Value::Map(Map::from_entries(self.entries)?);
        Ok(match self.variant {
            Some(name) => variant(name, value),
            None => value,
        })
    }
}

impl ser::SerializeMap for Entries {
    type Ok = Value;
    type Error = ValueError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<()> {
        let index = self.entries.len();
        let key = key
            .serialize(ToValue)
            .map_err(|error| error.in_key(index))?;
        self.key = Some(key);
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        let key = self.key.take().ok_or_else(|| {
            ValueError::new(
                ErrorKind::InvalidValue,
                "a value was serialised before its key",
            )
        })?;
        self.push(key, value)
    }

    fn end(self) -> Result {
        self.finish()
    }
}

macro_rules! fields {
    ($($trait:ident),*) => {$(
        impl ser::$trait for Entries {
            type Ok = Value;
            type Error = ValueError;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<()> {
                self.push(Value::from(name), value)
            }

            fn end(self) -> Result {
                self.finish()
            }
        }
    )*};
}

fields!(SerializeStruct, SerializeStructVariant);
