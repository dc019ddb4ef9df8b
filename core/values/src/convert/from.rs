//! Rust's types out of values.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::hash::{BuildHasher, Hash};
use std::time::SystemTime;

use bytes::Bytes;

use super::{FromValue, MapKey, elements_from};
use crate::bigint::BigInt;
use crate::decimal::Decimal;
use crate::error::{ErrorKind, ValueError, show};
use crate::map::Map;
use crate::set::Set;
use crate::time::{Date, Duration, Time, Timestamp};
use crate::uuid::Uuid;
use crate::value::Value;

/// `Value: TryFrom` beside `FromValue`, for concrete types.
macro_rules! from_value {
    ($($type:ty: $value:ident => $from:expr;)*) => {$(
        impl FromValue for $type {
            fn from_value($value: Value) -> Result<Self, ValueError> {
                $from
            }
        }

        impl_try_from!([] $type);
    )*};
}

macro_rules! impl_try_from {
    ([$($bounds:tt)*] $type:ty) => {
        impl<$($bounds)*> TryFrom<Value> for $type {
            type Error = ValueError;

            fn try_from(value: Value) -> Result<Self, ValueError> {
                Self::from_value(value)
            }
        }
    };
}

macro_rules! kind_from_value {
    ($($type:ty: $variant:ident, $name:literal;)*) => {
        from_value! {$(
            $type: value => match value {
                Value::$variant(value) => Ok(value),
                other => Err(ValueError::mismatch($name, &other)),
            };
        )*}
    };
}

kind_from_value! {
    bool: Bool, "bool";
    String: String, "string";
    Bytes: Bytes, "bytes";
    Map: Map, "map";
    Set: Set, "set";
    Timestamp: Timestamp, "timestamp";
    Date: Date, "date";
    Time: Time, "time";
    Duration: Duration, "duration";
    Decimal: Decimal, "decimal";
    Uuid: Uuid, "uuid";
}

macro_rules! integer_from_value {
    ($($type:ty),*) => {
        from_value! {$(
            $type: value => {
                let found = match &value {
                    Value::Int(value) => <$type>::try_from(*value).ok(),
                    Value::BigInt(value) => {
                        let unsigned = value.to_u128().and_then(|value| value.try_into().ok());
                        unsigned.or_else(|| value.to_i128().and_then(|value| value.try_into().ok()))
                    }
                    other => return Err(ValueError::mismatch("int", other)),
                };
                found.ok_or_else(|| ValueError::out_of_range(show(&value), stringify!($type)))
            };
        )*}
    };
}

integer_from_value!(i8, i16, i32, i64, i128, isize, u16, u32, u64, u128, usize);

impl FromValue for u8 {
    fn from_value(value: Value) -> Result<Self, ValueError> {
        let wide = u16::from_value(value)?;
        Self::try_from(wide).map_err(|_| ValueError::out_of_range(wide, "u8"))
    }

    fn sequence_from_value(value: Value) -> Result<Vec<Self>, ValueError> {
        match value {
            Value::Bytes(bytes) => Ok(bytes.into()),
            other => Err(ValueError::mismatch("bytes", &other)),
        }
    }
}

impl_try_from!([] u8);

from_value! {
    f64: value => match value {
        Value::Float(value) => Ok(value),
        Value::Int(int) => {
            // Rounding could take it beyond i64, so the way back goes through i128.
            let float = int as f64;
            if float as i128 == i128::from(int) {
                Ok(float)
            } else {
                Err(ValueError::out_of_range(int, "f64 exactly"))
            }
        }
        Value::BigInt(_) => Err(ValueError::out_of_range(show(&value), "f64 exactly")),
        other => Err(ValueError::mismatch("float", &other)),
    };
    f32: value => {
        let wide = f64::from_value(value)?;
        let narrow = wide as f32;
        if f64::from(narrow) == wide || wide.is_nan() {
            Ok(narrow)
        } else {
            Err(ValueError::out_of_range(wide, "f32 exactly"))
        }
    };
    BigInt: value => match value {
        Value::BigInt(value) => Ok(value),
        Value::Int(_) => Err(ValueError::out_of_range(show(&value), "BigInt, being small")),
        other => Err(ValueError::mismatch("int", &other)),
    };
    (): value => match value {
        Value::Null => Ok(()),
        other => Err(ValueError::mismatch("null", &other)),
    };
    SystemTime: value => Timestamp::from_value(value)?.try_into();
    std::time::Duration: value => Duration::from_value(value)?.try_into();
}

impl FromValue for Value {
    fn from_value(value: Value) -> Result<Self, ValueError> {
        Ok(value)
    }
}

impl<T: FromValue> FromValue for Option<T> {
    fn from_value(value: Value) -> Result<Self, ValueError> {
        if value.is_null() {
            Ok(None)
        } else {
            T::from_value(value).map(Some)
        }
    }

    fn absent() -> Option<Self> {
        Some(None)
    }
}

impl<T: FromValue> FromValue for Vec<T> {
    fn from_value(value: Value) -> Result<Self, ValueError> {
        T::sequence_from_value(value)
    }
}

impl<T: FromValue, const N: usize> FromValue for [T; N] {
    fn from_value(value: Value) -> Result<Self, ValueError> {
        Vec::from_value(value)?
            .try_into()
            .map_err(|elements: Vec<T>| wrong_length(N, elements.len()))
    }
}

impl<K, V, S> FromValue for HashMap<K, V, S>
where
    K: MapKey + FromValue + Eq + Hash,
    V: FromValue,
    S: BuildHasher + Default,
{
    fn from_value(value: Value) -> Result<Self, ValueError> {
        entries_from(value)?.collect()
    }
}

impl<K: MapKey + FromValue + Ord, V: FromValue> FromValue for BTreeMap<K, V> {
    fn from_value(value: Value) -> Result<Self, ValueError> {
        entries_from(value)?.collect()
    }
}

fn entries_from<K: FromValue, V: FromValue>(
    value: Value,
) -> Result<impl Iterator<Item = Result<(K, V), ValueError>>, ValueError> {
    let entries = Map::from_value(value)?.into_iter().enumerate();
    Ok(entries.map(|(index, (key, value))| {
        // The path of a value tells its key, which is gone by then.
        let value = V::from_value(value).map_err(|error| error.at_entry(&key, index))?;
        let key = K::from_value(key).map_err(|error| error.in_key(index))?;
        Ok((key, value))
    }))
}

impl<T, S> FromValue for HashSet<T, S>
where
    T: MapKey + FromValue + Eq + Hash,
    S: BuildHasher + Default,
{
    fn from_value(value: Value) -> Result<Self, ValueError> {
        elements_from(Set::from_value(value)?).collect()
    }
}

impl<T: MapKey + FromValue + Ord> FromValue for BTreeSet<T> {
    fn from_value(value: Value) -> Result<Self, ValueError> {
        elements_from(Set::from_value(value)?).collect()
    }
}

impl_try_from!([T: FromValue] Vec<T>);
impl_try_from!([K: MapKey + FromValue + Ord, V: FromValue] BTreeMap<K, V>);
impl_try_from!([T: MapKey + FromValue + Ord] BTreeSet<T>);
impl_try_from!([K: MapKey + FromValue + Eq + Hash, V: FromValue, S: BuildHasher + Default] HashMap<K, V, S>);
impl_try_from!([T: MapKey + FromValue + Eq + Hash, S: BuildHasher + Default] HashSet<T, S>);

fn wrong_length(expected: usize, found: usize) -> ValueError {
    let message = format!("expected {expected} elements, found {found}");
    ValueError::new(ErrorKind::OutOfRange, message)
}

/// The tuple of an array's values, each taken out as the type of that name.
macro_rules! tuple_from {
    ($elements:expr; $($name:ident)*) => {{
        #[allow(non_snake_case, reason = "one name for type and variable")]
        let [$($name),*] = $elements;
        let mut index = 0..;
        Ok(($(
            {
                let index = index.next().unwrap_or_default();
                $name::from_value($name).map_err(|error| error.at_index(index))?
            },
        )*))
    }};
}

/// Tuples out of values, for as many elements as there are names.
macro_rules! tuples {
    ($($name:ident)*; $count:literal) => {
        impl<$($name: FromValue),*> FromValue for ($($name,)*) {
            fn from_value(value: Value) -> Result<Self, ValueError> {
                let elements = match value {
                    Value::Tuple(elements) | Value::List(elements) => elements,
                    other => return Err(ValueError::mismatch("tuple", &other)),
                };
                let elements = <[Value; $count]>::try_from(elements)
                    .map_err(|elements| wrong_length($count, elements.len()))?;
                tuple_from!(elements; $($name)*)
            }
        }

        impl_try_from!([$($name: FromValue),*] ($($name,)*));
    };
}

tuples!(A; 1);
tuples!(A B; 2);
tuples!(A B C; 3);
tuples!(A B C D; 4);
tuples!(A B C D E; 5);
tuples!(A B C D E F; 6);
tuples!(A B C D E F G; 7);
tuples!(A B C D E F G H; 8);
