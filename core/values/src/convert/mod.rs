//! Rust's types to values and back.

mod from;
mod into;

use crate::error::ValueError;
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
    /// [`KindMismatch`](crate::ErrorKind::KindMismatch) for a value of another kind,
    /// [`OutOfRange`](crate::ErrorKind::OutOfRange) for one that does not fit.
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

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

    use bytes::Bytes;

    use super::*;
    use crate::error::ErrorKind;

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
