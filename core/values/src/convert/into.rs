//! Rust's types to values.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use bytes::Bytes;

use super::{IntoValue, MapKey, sealed};
use crate::bigint::BigInt;
use crate::decimal::Decimal;
use crate::map::Map;
use crate::set::Set;
use crate::time::{Date, Duration, Time, Timestamp};
use crate::uuid::Uuid;
use crate::value::Value;

macro_rules! into_value {
    ($($(#[$key:ident])? $type:ty: $value:ident => $into:expr;)*) => {$(
        impl IntoValue for $type {
            fn into_value(self) -> Value {
                let $value = self;
                $into
            }
        }

        impl From<$type> for Value {
            fn from(value: $type) -> Self {
                value.into_value()
            }
        }

        $(impl_key!($key $type);)?
    )*};
}

macro_rules! impl_key {
    (key $type:ty) => {
        impl sealed::Sealed for $type {}
        impl MapKey for $type {}
    };
}

into_value! {
    #[key] bool: value => Value::Bool(value);
    #[key] i8: value => Value::Int(value.into());
    #[key] i16: value => Value::Int(value.into());
    #[key] i32: value => Value::Int(value.into());
    #[key] i64: value => Value::Int(value);
    #[key] isize: value => Value::Int(value as i64);
    #[key] u16: value => Value::Int(value.into());
    #[key] u32: value => Value::Int(value.into());
    #[key] u64: value => BigInt::try_from(value).map_or_else(Value::Int, Value::BigInt);
    #[key] usize: value => (value as u64).into_value();
    #[key] i128: value => BigInt::try_from(value).map_or_else(Value::Int, Value::BigInt);
    #[key] u128: value => BigInt::try_from(value).map_or_else(Value::Int, Value::BigInt);
    #[key] BigInt: value => Value::BigInt(value);
    f32: value => Value::Float(value.into());
    f64: value => Value::Float(value);
    #[key] String: value => Value::String(value);
    #[key] &str: value => Value::String(value.to_owned());
    #[key] Bytes: value => Value::Bytes(value);
    #[key] &[u8]: value => Value::Bytes(Bytes::copy_from_slice(value));
    Map: value => Value::Map(value);
    Set: value => Value::Set(value);
    #[key] Timestamp: value => Value::Timestamp(value);
    #[key] Date: value => Value::Date(value);
    #[key] Time: value => Value::Time(value);
    #[key] Duration: value => Value::Duration(value);
    #[key] Decimal: value => Value::Decimal(value);
    #[key] Uuid: value => Value::Uuid(value);
    (): _value => Value::Null;
}

impl IntoValue for Value {
    fn into_value(self) -> Value {
        self
    }
}

impl IntoValue for u8 {
    fn into_value(self) -> Value {
        Value::Int(self.into())
    }

    fn sequence_into_value(sequence: Vec<Self>) -> Value {
        Value::Bytes(sequence.into())
    }
}

impl From<u8> for Value {
    fn from(value: u8) -> Self {
        value.into_value()
    }
}

impl_key!(key u8);

macro_rules! generic_into_value {
    ($([$($bounds:tt)*] $type:ty: $value:ident => $into:expr;)*) => {$(
        impl<$($bounds)*> IntoValue for $type {
            fn into_value(self) -> Value {
                let $value = self;
                $into
            }
        }

        impl<$($bounds)*> From<$type> for Value {
            fn from(value: $type) -> Self {
                value.into_value()
            }
        }
    )*};
}

generic_into_value! {
    [T: IntoValue] Option<T>: value => value.map_or(Value::Null, T::into_value);
    [T: IntoValue] Vec<T>: value => T::sequence_into_value(value);
    [T: IntoValue, const N: usize] [T; N]: value => T::sequence_into_value(value.into());
    [K: MapKey, V: IntoValue, S] HashMap<K, V, S>: value => map_of(value);
    [K: MapKey, V: IntoValue] BTreeMap<K, V>: value => map_of(value);
    [T: MapKey, S] HashSet<T, S>: value => set_of(value);
    [T: MapKey] BTreeSet<T>: value => set_of(value);
}

fn map_of<K: MapKey, V: IntoValue>(entries: impl IntoIterator<Item = (K, V)>) -> Value {
    let entries = entries
        .into_iter()
        .map(|(key, value)| (key.into_value(), value.into_value()));
    Value::Map(Map::from_distinct(entries.collect()))
}

fn set_of<T: MapKey>(elements: impl IntoIterator<Item = T>) -> Value {
    Value::Set(Set::from_distinct(
        elements.into_iter().map(T::into_value).collect(),
    ))
}

/// Tuples as values, for as many elements as there are names.
macro_rules! tuples {
    ($($name:ident)*) => {
        impl<$($name: IntoValue),*> IntoValue for ($($name,)*) {
            fn into_value(self) -> Value {
                #[allow(non_snake_case, reason = "one name for type and variable")]
                let ($($name,)*) = self;
                Value::Tuple(vec![$($name.into_value()),*])
            }
        }

        impl<$($name: IntoValue),*> From<($($name,)*)> for Value {
            fn from(value: ($($name,)*)) -> Self {
                value.into_value()
            }
        }
    };
}

tuples!(A);
tuples!(A B);
tuples!(A B C);
tuples!(A B C D);
tuples!(A B C D E);
tuples!(A B C D E F);
tuples!(A B C D E F G);
tuples!(A B C D E F G H);
