//! Types of your own as values, by serde.
//!
//! The types of this crate keep their kinds on the way: each serialises as a newtype of a name that only it has, which
//! the serialiser here knows again. In other formats they are what is inside: text, or numbers.

mod de;
mod kinds;
mod ser;

use serde::de::DeserializeOwned;
use serde::ser::Serialize;

use crate::convert::FromValue;
use crate::error::{ErrorKind, ValueError};
use crate::value::Value;

pub(crate) use kinds::marker;

/// The value of anything that serde can serialise.
///
/// Structs are maps from the names of their fields, maps are maps, sequences lists, tuples and arrays tuples. A unit
/// variant of an enum is its name; any other is a map of one entry, the name and the content. `None` and `()` are null.
/// Integers of 128 bits are ints. The types of this crate, [`Value`] among them, keep their kinds. Bytes are bytes where
/// the type says so (`bytes::Bytes`, `serde_bytes`); serde sees in a `Vec<u8>` a sequence like any other, so it is a
/// list.
///
/// ```
/// use serde::Serialize;
/// use wool_values::{Value, to_value};
///
/// #[derive(Serialize)]
/// struct Point { x: f64, y: f64 }
///
/// let point = to_value(&Point { x: 1.0, y: 2.0 })?;
/// assert_eq!(point.as_map().and_then(|map| map.get("y")), Some(&Value::from(2.0)));
/// # Ok::<(), wool_values::ValueError>(())
/// ```
///
/// # Errors
///
/// [`ErrorKind::DuplicateKey`] and [`ErrorKind::NanKey`] for keys that no map can have, and
/// [`ErrorKind::InvalidValue`] for what a `Serialize` refuses, with the path.
pub fn to_value<T: Serialize + ?Sized>(from: &T) -> Result<Value, ValueError> {
    from.serialize(ser::ToValue)
}

/// Anything that serde can deserialise, from a value. The reverse of [`to_value`]; it converts where nothing is lost, as
/// [`FromValue`] does. Sequences take lists, tuples, sets and (of `u8`) bytes.
///
/// ```
/// use serde::Deserialize;
/// use wool_values::{Map, Value, from_value};
///
/// #[derive(Deserialize, Debug)]
/// struct Point { x: f64, y: f64 }
///
/// let entries = vec![("x".into(), 1.into()), ("y".into(), "two".into())];
/// let error = from_value::<Point>(Value::Map(Map::from_entries(entries)?)).unwrap_err();
/// assert_eq!(error.to_string(), "$.y: expected float, found string");
/// # Ok::<(), wool_values::ValueError>(())
/// ```
///
/// # Errors
///
/// [`ErrorKind::KindMismatch`] and [`ErrorKind::OutOfRange`] for what does not fit, and
/// [`ErrorKind::InvalidValue`] for what a `Deserialize` refuses, such as a missing field, with the path.
pub fn from_value<T: DeserializeOwned>(value: Value) -> Result<T, ValueError> {
    T::deserialize(de::FromValueOf(value))
}

/// Takes anything that serde can deserialise out of a value, where a [`FromValue`] is asked for, as among arguments.
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use wool_values::{Serde, args, to_value};
///
/// #[derive(Serialize, Deserialize, Debug, PartialEq)]
/// enum Shape { Dot, Circle { radius: f64 } }
///
/// let arguments = args![to_value(&Shape::Circle { radius: 1.5 })?, 2];
/// let (Serde(shape), times): (Serde<Shape>, u32) = arguments.extract()?;
/// assert_eq!((shape, times), (Shape::Circle { radius: 1.5 }, 2));
/// # Ok::<(), wool_values::ValueError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Serde<T>(pub T);

impl<T: DeserializeOwned> FromValue for Serde<T> {
    fn from_value(value: Value) -> Result<Self, ValueError> {
        from_value(value).map(Self)
    }
}

fn refused(message: impl std::fmt::Display) -> ValueError {
    ValueError::new(ErrorKind::InvalidValue, message.to_string())
}

impl serde::ser::Error for ValueError {
    fn custom<T: std::fmt::Display>(message: T) -> Self {
        refused(message)
    }
}

impl serde::de::Error for ValueError {
    fn custom<T: std::fmt::Display>(message: T) -> Self {
        refused(message)
    }
}
