//! Rust's types to values and back.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::hash::{BuildHasher, Hash};
use std::time::SystemTime;

use bytes::Bytes;

use crate::bigint::BigInt;
use crate::decimal::Decimal;
use crate::error::{ErrorKind, ValueError, show};
use crate::map::Map;
use crate::set::Set;
use crate::time::{Date, Duration, Time, Timestamp};
use crate::uuid::Uuid;
use crate::value::Value;

/// A type that becomes a value, whatever it holds.
///
/// Every type here that has it has `Value: From` too. It is a trait of its own so that `Vec<u8>`
/// can be bytes while `Vec` of all else is a list.
///
/// ```
/// use wool_values::{IntoValue, Map, Value};
///
/// struct Point { x: f64, y: f64 }
///
/// impl IntoValue for Point {
///     fn into_value(self) -> Value {
///         Value::named("geometry.Point", (self.x, self.y))
///     }
/// }
///
/// let points = vec![Point { x: 1.0, y: 2.0 }].into_value();
/// assert_eq!(points.as_list().map(<[_]>::len), Some(1));
/// ```
pub trait IntoValue: Sized {
    /// The value.
    fn into_value(self) -> Value;

    /// The value of a sequence of these.
    #[doc(hidden)]
    fn sequence_into_value(sequence: Vec<Self>) -> Value {
        Value::List(sequence.into_iter().map(Self::into_value).collect())
    }
}

/// A type that can be taken out of a value that fits it.
///
/// Nothing is lost on the way: an integer out of range or a float that would be rounded is an
/// error. A float takes an integer that it can hold exactly, since a language may have but one
/// kind of number; an integer takes no float. `Vec` and tuples take lists and tuples alike.
///
/// ```
/// use wool_values::{FromValue, Value, ValueError};
///
/// struct Point { x: f64, y: f64 }
///
/// impl FromValue for Point {
///     fn from_value(value: Value) -> Result<Self, ValueError> {
///         match value {
///             Value::Named { type_name, value } if type_name == "geometry.Point" => {
///                 let (x, y) = value.extract()?;
///                 Ok(Self { x, y })
///             }
///             other => Err(ValueError::mismatch("geometry.Point", &other)),
///         }
///     }
/// }
///
/// let error = Value::from("north").extract::<Point>().err().unwrap();
/// assert_eq!(error.to_string(), "expected geometry.Point, found string");
/// ```
pub trait FromValue: Sized {
    /// Takes it out of the value.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::KindMismatch`] for a value of another kind, [`ErrorKind::OutOfRange`] for
    /// one that does not fit.
    fn from_value(value: Value) -> Result<Self, ValueError>;

    /// What an argument of this type is where it was left out, if it may be.
    #[doc(hidden)]
    fn absent() -> Option<Self> {
        None
    }

    /// Takes a sequence of these out of the value.
    ///
    /// # Errors
    ///
    /// As [`FromValue::from_value`].
    #[doc(hidden)]
    fn sequence_from_value(value: Value) -> Result<Vec<Self>, ValueError> {
        match value {
            Value::List(elements) | Value::Tuple(elements) => elements_from(elements).collect(),
            other => Err(ValueError::mismatch("list", &other)),
        }
    }
}

fn elements_from<T: FromValue>(
    elements: impl IntoIterator<Item = Value>,
) -> impl Iterator<Item = Result<T, ValueError>> {
    let indexed = elements.into_iter().enumerate();
    indexed.map(|(index, value)| T::from_value(value).map_err(|error| error.at_index(index)))
}

mod sealed {
    pub trait Sealed {}
}

/// A type whose distinct values are distinct keys, so that Rust's own maps and sets of it become
/// values without fail: text, bytes, booleans, integers, points and spans of time, decimals,
/// UUIDs.
pub trait MapKey: IntoValue + sealed::Sealed {}

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

/// Tuples as values, for as many elements as there are names.
macro_rules! tuples {
    ($($name:ident)*; $count:literal) => {
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

tuples!(A; 1);
tuples!(A B; 2);
tuples!(A B C; 3);
tuples!(A B C D; 4);
tuples!(A B C D E; 5);
tuples!(A B C D E F; 6);
tuples!(A B C D E F G; 7);
tuples!(A B C D E F G H; 8);

#[cfg(test)]
mod tests {
    use super::*;

    fn back<T: IntoValue + FromValue + Clone + PartialEq + std::fmt::Debug>(value: T) {
        assert_eq!(value.clone().into_value().extract(), Ok(value));
    }

    #[test]
    fn rust_types_there_and_back() {
        back(true);
        back(u8::MAX);
        back([1_u8, 2, 3]);
        back(vec![1_u8, 2, 3]);
        back(vec![-1_i8, 2]);
        back((i64::MIN, u64::MAX, i128::MIN, u128::MAX));
        back((0.5_f32, 1e300));
        back(vec![Some("a".to_owned()), None]);
        back(HashMap::from([
            ("a".to_owned(), vec![1]),
            ("b".to_owned(), vec![]),
        ]));
        back(BTreeMap::from([(1_u8, true), (2, false)]));
        back(HashSet::from([1_u64, u64::MAX]));
        back(BTreeSet::from(["x".to_owned()]));
        back((1, (2, 3), [4, 5]));
        back(());
    }

    #[test]
    fn sequences_of_bytes_are_bytes() {
        assert_eq!(
            Value::from(vec![1_u8]),
            Value::Bytes(Bytes::from_static(&[1]))
        );
        assert_eq!(Value::from([1_u8]), Value::Bytes(Bytes::from_static(&[1])));
        assert_eq!(Value::from(vec![1_u16]), Value::List(vec![Value::Int(1)]));
        assert_eq!(Value::from(1_u8), Value::Int(1));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        fn refusal<T: FromValue>(value: impl IntoValue) -> String {
            value
                .into_value()
                .extract::<T>()
                .err()
                .map(|error| error.to_string())
                .unwrap_or_default()
        }
        assert_eq!(refusal::<u8>(256), "256 does not fit u8");
        assert_eq!(refusal::<i8>(256), "256 does not fit i8");
        assert_eq!(refusal::<u64>(-1), "-1 does not fit u64");
        assert_eq!(refusal::<i64>(u64::MAX), "a big int does not fit i64");
        assert_eq!(
            refusal::<f64>(u64::MAX),
            "a big int does not fit f64 exactly"
        );
        assert_eq!(refusal::<i64>(1.0), "expected int, found float");
        assert_eq!(refusal::<Vec<u8>>("x"), "expected bytes, found string");
        assert!(Value::from(0.1).extract::<f32>().is_err());
        assert!(Value::from(1e300).extract::<f32>().is_err());
        assert!(
            Value::from(f64::NAN)
                .extract::<f32>()
                .is_ok_and(f32::is_nan)
        );
    }

    #[test]
    fn floats_take_integers_that_they_hold() {
        assert_eq!(
            Value::from(1_i64 << 53).extract(),
            Ok(9_007_199_254_740_992.0)
        );
        assert!(Value::from((1_i64 << 53) + 1).extract::<f64>().is_err());
        assert_eq!(
            Value::from(i64::MIN).extract(),
            Ok(-9_223_372_036_854_775_808.0)
        );
        assert!(Value::from(i64::MAX).extract::<f64>().is_err());
        assert!(Value::from(16_777_217).extract::<f32>().is_err());
    }

    #[test]
    fn errors_tell_the_place() {
        let value = Value::from(HashMap::from([("list of pairs", vec![(1, "a"), (2, "b")])]));
        let error = value
            .extract::<HashMap<String, Vec<(i64, i64)>>>()
            .unwrap_err();
        assert_eq!(error.path(), r#"$["list of pairs"][0][1]"#);
        assert_eq!(error.kind(), ErrorKind::KindMismatch);

        let value = Value::from(BTreeMap::from([(1, 1), (300, 2)]));
        let error = value.extract::<BTreeMap<u8, i64>>().unwrap_err();
        assert_eq!(error.to_string(), "$<key 1>: 300 does not fit u8");

        let error = Value::from((1, 2))
            .extract::<(i64, i64, i64)>()
            .unwrap_err();
        assert_eq!(error.to_string(), "expected 3 elements, found 2");
    }
}
