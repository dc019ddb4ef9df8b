//! Deserialising out of a value.

use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor,
};

use super::marker;
use crate::encode::encode;
use crate::error::{ErrorKind, ValueError};
use crate::limits::Limits;
use crate::map::Map;
use crate::value::Value;

type Result<T> = std::result::Result<T, ValueError>;

pub(super) struct FromValueOf(pub(super) Value);

impl FromValueOf {
    /// The elements of what is a sequence in any language.
    fn elements(self, expected: &str) -> Result<Elements> {
        Ok(Elements::new(match self.0 {
            Value::List(elements) | Value::Tuple(elements) => elements,
            Value::Set(elements) => elements.into_iter().collect(),
            Value::Bytes(bytes) => bytes.iter().map(|byte| Value::from(*byte)).collect(),
            other => return Err(ValueError::mismatch(expected, &other)),
        }))
    }
}

/// What a newtype of this crate's finds inside a value of its kind: what [`super::kinds`] has put there.
fn inside(name: &str, value: Value) -> Result<Value> {
    let mismatch = |expected: &str, found: &Value| Err(ValueError::mismatch(expected, found));
    Ok(match (name, value) {
        (marker::INT, Value::BigInt(value)) => Value::from(value.to_string()),
        (marker::INT, Value::Int(value)) => Value::from(value.to_string()),
        (marker::INT, other) => return mismatch("int", &other),
        (marker::DECIMAL, Value::Decimal(value)) => Value::from(value.as_str()),
        (marker::DECIMAL, other) => return mismatch("decimal", &other),
        (marker::UUID, Value::Uuid(value)) => Value::from(value.to_string()),
        (marker::UUID, other) => return mismatch("uuid", &other),
        (marker::DATE, Value::Date(value)) => Value::from(value.days()),
        (marker::DATE, other) => return mismatch("date", &other),
        (marker::TIME, Value::Time(value)) => Value::from(value.nanos()),
        (marker::TIME, other) => return mismatch("time", &other),
        (marker::TIMESTAMP, Value::Timestamp(value)) => {
            Value::from((value.seconds(), value.nanos()))
        }
        (marker::TIMESTAMP, other) => return mismatch("timestamp", &other),
        (marker::DURATION, Value::Duration(value)) => Value::from((value.seconds(), value.nanos())),
        (marker::DURATION, other) => return mismatch("duration", &other),
        (_, other) => other,
    })
}

macro_rules! extracted {
    ($($method:ident: $visit:ident($type:ty)),*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
            visitor.$visit(self.0.extract::<$type>()?)
        }
    )*};
}

impl<'de> Deserializer<'de> for FromValueOf {
    type Error = ValueError;

    /// Kinds that serde has no word for are their text or parts.
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(value),
            Value::Int(value) => visitor.visit_i64(value),
            Value::BigInt(value) => match (value.to_u128(), value.to_i128()) {
                (Some(value), _) => match u64::try_from(value) {
                    Ok(value) => visitor.visit_u64(value),
                    Err(_) => visitor.visit_u128(value),
                },
                (None, Some(value)) => visitor.visit_i128(value),
                (None, None) => visitor.visit_string(value.to_string()),
            },
            Value::Float(value) => visitor.visit_f64(value),
            Value::String(value) => visitor.visit_string(value),
            Value::Bytes(value) => visitor.visit_byte_buf(value.into()),
            value @ (Value::List(_) | Value::Tuple(_) | Value::Set(_)) => {
                Self(value).deserialize_seq(visitor)
            }
            value @ Value::Map(_) => Self(value).deserialize_map(visitor),
            Value::Timestamp(value) => {
                Self(Value::from((value.seconds(), value.nanos()))).deserialize_seq(visitor)
            }
            Value::Duration(value) => {
                Self(Value::from((value.seconds(), value.nanos()))).deserialize_seq(visitor)
            }
            Value::Date(value) => visitor.visit_i32(value.days()),
            Value::Time(value) => visitor.visit_u64(value.nanos()),
            Value::Decimal(value) => visitor.visit_str(value.as_str()),
            Value::Uuid(value) => visitor.visit_string(value.to_string()),
            Value::Named { value, .. } => Self(*value).deserialize_any(visitor),
        }
    }

    extracted!(
        deserialize_bool: visit_bool(bool),
        deserialize_i8: visit_i8(i8),
        deserialize_i16: visit_i16(i16),
        deserialize_i32: visit_i32(i32),
        deserialize_i64: visit_i64(i64),
        deserialize_i128: visit_i128(i128),
        deserialize_u8: visit_u8(u8),
        deserialize_u16: visit_u16(u16),
        deserialize_u32: visit_u32(u32),
        deserialize_u64: visit_u64(u64),
        deserialize_u128: visit_u128(u128),
        deserialize_f32: visit_f32(f32),
        deserialize_f64: visit_f64(f64),
        deserialize_char: visit_string(String),
        deserialize_str: visit_string(String),
        deserialize_string: visit_string(String)
    );

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.0 {
            Value::Bytes(bytes) => visitor.visit_byte_buf(bytes.into()),
            other => Err(ValueError::mismatch("bytes", &other)),
        }
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.0 {
            Value::Null => visitor.visit_none(),
            value => visitor.visit_some(Self(value)),
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.0.extract::<()>()?;
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value> {
        if name == marker::VALUE {
            // Serde has no way to hand a value over as it is: the visitor decodes it again.
            let limits = Limits::default()
                .with_bytes(usize::MAX)
                .with_depth(Limits::MAX_DEPTH);
            return visitor.visit_byte_buf(encode(&self.0, &limits)?);
        }
        visitor.visit_newtype_struct(Self(inside(name, self.0)?))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.elements("list")?.visited_by(visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value> {
        let elements = self.elements("tuple")?;
        let found = elements.left();
        if found != length {
            let message = format!("expected {length} elements, found {found}");
            return Err(ValueError::new(ErrorKind::OutOfRange, message));
        }
        elements.visited_by(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value> {
        self.deserialize_tuple(length, visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.0 {
            Value::Map(map) => visitor.visit_map(Entries {
                entries: map.into_iter().enumerate(),
                next: None,
            }),
            other => Err(ValueError::mismatch("map", &other)),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        match self.0 {
            value @ (Value::List(_) | Value::Tuple(_)) => Self(value).deserialize_seq(visitor),
            value => Self(value).deserialize_map(visitor),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        let (name, content) = match self.0 {
            Value::String(name) => (name, None),
            Value::Map(map) if map.len() == 1 => match map.into_iter().next() {
                Some((Value::String(name), content)) => (name, Some(content)),
                _ => {
                    let message = "the name of an enum's variant is a string";
                    return Err(ValueError::new(ErrorKind::KindMismatch, message).in_key(0));
                }
            },
            other => {
                let expected = "string or map of one entry, an enum's variant,";
                return Err(ValueError::mismatch(expected, &other));
            }
        };
        visitor.visit_enum(Variant { name, content })
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.0 {
            Value::String(name) => visitor.visit_string(name),
            // No field is called so; it is passed over like any other that is not known.
            _ => visitor.visit_unit(),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_unit()
    }
}

/// The elements of a sequence.
struct Elements {
    values: std::vec::IntoIter<Value>,
    index: usize,
}

impl Elements {
    fn new(values: Vec<Value>) -> Self {
        Self {
            values: values.into_iter(),
            index: 0,
        }
    }

    fn left(&self) -> usize {
        self.values.len()
    }

    /// All of them, or it is an error: none is lost.
    fn visited_by<'de, V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value> {
        let count = self.left();
        let visited = visitor.visit_seq(&mut self)?;
        if self.left() == 0 {
            return Ok(visited);
        }
        let message = format!("expected {} elements, found {count}", self.index);
        Err(ValueError::new(ErrorKind::OutOfRange, message))
    }
}

impl<'de> SeqAccess<'de> for &mut Elements {
    type Error = ValueError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>> {
        let Some(value) = self.values.next() else {
            return Ok(None);
        };
        let index = self.index;
        self.index += 1;
        seed.deserialize(FromValueOf(value))
            .map(Some)
            .map_err(|error| error.at_index(index))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left())
    }
}

/// The entries of a map.
struct Entries {
    entries: std::iter::Enumerate<<Map as IntoIterator>::IntoIter>,
    /// The value that comes next, its key and its number.
    next: Option<(usize, Value, Value)>,
}

impl<'de> MapAccess<'de> for Entries {
    type Error = ValueError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>> {
        let Some((index, (key, value))) = self.entries.next() else {
            return Ok(None);
        };
        self.next = Some((index, key.clone(), value));
        seed.deserialize(FromValueOf(key))
            .map(Some)
            .map_err(|error| error.in_key(index))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value> {
        let Some((index, key, value)) = self.next.take() else {
            let message = "a value was asked for before its key";
            return Err(ValueError::new(ErrorKind::InvalidValue, message));
        };
        seed.deserialize(FromValueOf(value))
            .map_err(|error| error.at_entry(&key, index))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.entries.len())
    }
}

/// A variant of an enum.
struct Variant {
    name: String,
    content: Option<Value>,
}

impl<'de> EnumAccess<'de> for Variant {
    type Error = ValueError;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self)> {
        let name = FromValueOf(Value::from(self.name.as_str()));
        Ok((seed.deserialize(name)?, self))
    }
}

impl Variant {
    fn content<T>(self, read: impl FnOnce(FromValueOf) -> Result<T>) -> Result<T> {
        match self.content {
            Some(content) => read(FromValueOf(content)).map_err(|error| error.at_key(&self.name)),
            None => {
                let message = format!("the variant {:?} has content, none was found", self.name);
                Err(ValueError::new(ErrorKind::KindMismatch, message))
            }
        }
    }
}

impl<'de> VariantAccess<'de> for Variant {
    type Error = ValueError;

    fn unit_variant(self) -> Result<()> {
        match self.content {
            None => Ok(()),
            Some(content) => content
                .extract::<()>()
                .map_err(|error| error.at_key(&self.name)),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value> {
        self.content(|content| seed.deserialize(content))
    }

    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value> {
        self.content(|content| content.deserialize_tuple(length, visitor))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        self.content(|content| content.deserialize_struct("", fields, visitor))
    }
}
