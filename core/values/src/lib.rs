//! The values wool tasks take and give, and their MessagePack form.
//!
//! A [`Value`] is what every language of a wool network can say to every other: null, booleans,
//! integers of any size, floats, text, bytes, the usual containers, points and spans of time,
//! decimals, UUIDs, and *named* values for what only one language has. [`Arguments`] are the
//! values of one call. The contract shared with the other languages, byte for byte, is
//! `proto/values.md`; the golden vectors beside it are this crate's tests.
//!
//! Nothing is lost silently. What cannot be represented, on either side, is a [`ValueError`] that
//! names the place: `$.items[3].name`. The decoder is total: any bytes give a value or an error,
//! within the memory and depth that [`Limits`] allow.
//!
//! ```
//! use wool_values::{Limits, Value, decode, encode};
//!
//! let value = Value::from(vec!["fleece", "yarn"]);
//! let bytes = encode(&value, &Limits::default())?;
//! assert_eq!(decode(&bytes, &Limits::default())?, value);
//!
//! let words: Vec<String> = value.extract()?;
//! assert_eq!(words, ["fleece", "yarn"]);
//! # Ok::<(), wool_values::ValueError>(())
//! ```

mod arguments;
mod bigint;
mod convert;
mod decimal;
mod decode;
mod encode;
mod error;
mod ext;
mod from_arguments;
mod keys;
mod limits;
mod map;
mod serde;
mod set;
mod time;
mod uuid;
mod value;

pub use arguments::{Argument, Arguments};
pub use bigint::BigInt;
pub use convert::{FromValue, IntoValue, MapKey};
pub use decimal::Decimal;
pub use decode::{decode, decode_shared};
pub use encode::{encode, encode_into};
pub use error::{ErrorKind, ValueError};
pub use from_arguments::{FromArguments, IntoInput};
pub use limits::Limits;
pub use map::Map;
pub use serde::{Serde, from_value, to_value};
pub use set::Set;
pub use time::{Date, Duration, Time, Timestamp};
pub use uuid::Uuid;
pub use value::{Kind, Value};
