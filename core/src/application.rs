//! Errors of an application's own: a name that all languages agree on, and data.

use std::fmt;

use wool_values::Value;

use crate::error::{Error, ErrorKind, Fault};
use crate::payload::Payload;

/// An error that keeps its type and its data on the way from a routine to its caller, whatever their languages. The
/// name is the contract: a caller that knows it gets its own type, everybody else a failed task with name, message and
/// data. Routines raise it by [`Fault::of`]; what `?` makes of it is a fault with the name of its Rust type, without data.
///
/// ```
/// use wool::value::{Map, Value};
/// use wool::{ApplicationError, Error, Fault, Serde, from_value, to_value};
///
/// #[derive(Debug, PartialEq)]
/// struct OutOfStock {
///     item: String,
///     left: u32,
/// }
///
/// impl std::fmt::Display for OutOfStock {
///     fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
///         write!(f, "{}: {} left", self.item, self.left)
///     }
/// }
///
/// impl std::error::Error for OutOfStock {}
///
/// impl ApplicationError for OutOfStock {
///     const NAME: &'static str = "shop.OutOfStock";
///
///     fn to_value(&self) -> Value {
///         Value::from((self.item.as_str(), self.left))
///     }
///
///     fn from_value(value: Value) -> Option<OutOfStock> {
///         let (item, left) = value.extract().ok()?;
///         Some(OutOfStock { item, left })
///     }
/// }
///
/// // In the routine:
/// let fault = Fault::of(&OutOfStock { item: "wool".to_owned(), left: 0 });
/// assert_eq!(fault.type_name, "shop.OutOfStock");
/// // At the caller, where it has come as an error:
/// let error = Error::from_fault(fault);
/// let own = error.downcast::<OutOfStock>();
/// assert_eq!(own, Some(OutOfStock { item: "wool".to_owned(), left: 0 }));
/// ```
pub trait ApplicationError: std::error::Error + Sized {
    /// Dotted, e.g. `"shop.OutOfStock"`.
    const NAME: &'static str;

    /// The error's data. Data that cannot be encoded, or take more than 64 KiB, stay behind; name and message travel.
    fn to_value(&self) -> Value;

    /// The error with these data; `None` when they are not what they should be. An error that came without data has
    /// null.
    fn from_value(value: Value) -> Option<Self>;
}

impl Fault {
    /// An application's error, to be raised by a routine or thrown into one; with the place of the call as its
    /// traceback and what caused it ([`std::error::Error::source`]).
    #[track_caller]
    pub fn of<E: ApplicationError>(error: &E) -> Fault {
        let mut fault = Fault::new(E::NAME, error.to_string());
        fault.value = Payload::value(&error.to_value()).ok().map(Box::new);
        fault.add_causes(error.source());
        fault
    }

    /// The application's error that this is, if it is one of this name; not one of its causes.
    pub fn downcast<E: ApplicationError>(&self) -> Option<E> {
        if self.kind != ErrorKind::TaskFailed || self.type_name != E::NAME {
            return None;
        }
        let value = match &self.value {
            Some(value) => value.to_value().ok()?,
            None => Value::Null,
        };
        E::from_value(value)
    }

    /// What caused it, and what caused that.
    pub fn causes(&self) -> impl Iterator<Item = &Fault> {
        std::iter::successors(self.cause.as_deref(), |fault| fault.cause.as_deref())
    }

    /// Everything that a person wants to read of it: type and message, where it was raised, what caused it.
    pub(crate) fn write_story(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_traceback(f)?;
        for cause in self.causes() {
            write!(f, "\ncaused by {cause}")?;
            cause.write_traceback(f)?;
        }
        Ok(())
    }

    fn write_traceback(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.traceback {
            write!(f, "\n    {}", line.trim())?;
        }
        Ok(())
    }
}

impl Error {
    /// The application's error that a routine raised, if it is one of this name, whatever language the worker has.
    pub fn downcast<E: ApplicationError>(&self) -> Option<E> {
        self.fault()?.downcast()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq)]
    struct Burnt {
        degrees: i64,
        cause: Option<std::num::ParseIntError>,
    }

    impl fmt::Display for Burnt {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "burnt at {}", self.degrees)
        }
    }

    impl std::error::Error for Burnt {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            self.cause
                .as_ref()
                .map(|cause| cause as &dyn std::error::Error)
        }
    }

    impl ApplicationError for Burnt {
        const NAME: &'static str = "kitchen.Burnt";

        fn to_value(&self) -> Value {
            match self.degrees {
                // Deeper than values may be.
                666 => (0..200).fold(Value::Null, |inner, _| Value::List(vec![inner])),
                degrees => Value::from(degrees),
            }
        }

        fn from_value(value: Value) -> Option<Burnt> {
            let degrees = match value {
                Value::Null => 0,
                value => value.extract().ok()?,
            };
            Some(Burnt {
                degrees,
                cause: None,
            })
        }
    }

    fn burnt(degrees: i64) -> Burnt {
        let cause = "x".parse::<i64>().err();
        Burnt { degrees, cause }
    }

    fn travelled(fault: Fault) -> Error {
        Error::from_fault(Fault::from_wire(fault.into_wire()))
    }

    #[test]
    fn an_error_is_found_by_its_name_with_its_data() {
        let error = travelled(Fault::of(&burnt(250)));
        assert_eq!(error.downcast::<Burnt>().map(|own| own.degrees), Some(250));
        let fault = error.fault().unwrap();
        assert_eq!(
            (&*fault.type_name, &*fault.message),
            ("kitchen.Burnt", "burnt at 250")
        );
        let causes: Vec<_> = fault.causes().map(|cause| &*cause.message).collect();
        assert_eq!(causes, ["invalid digit found in string"]);
    }

    #[test]
    fn what_is_not_that_error_is_not_found() {
        assert_eq!(
            travelled(Fault::new("kitchen.Raw", "")).downcast::<Burnt>(),
            None
        );
        let mut other_data = Fault::of(&burnt(1));
        other_data.value = Payload::value(&Value::from("hot")).ok().map(Box::new);
        assert_eq!(travelled(other_data).downcast::<Burnt>(), None);
        let mut other_kind = Fault::of(&burnt(1));
        other_kind.kind = ErrorKind::Cancelled;
        assert_eq!(travelled(other_kind).downcast::<Burnt>(), None);
        let outside = Fault {
            cause: Some(Box::new(Fault::of(&burnt(1)))),
            ..Fault::new("Outside", "")
        };
        let error = travelled(outside);
        assert_eq!(error.downcast::<Burnt>(), None);
        let mut causes = error.fault().unwrap().causes();
        assert_eq!(
            causes.find_map(Fault::downcast::<Burnt>).unwrap().degrees,
            1
        );
    }

    #[test]
    fn data_that_cannot_be_encoded_stay_behind() {
        let error = travelled(Fault::of(&burnt(666)));
        let fault = error.fault().unwrap();
        assert!(fault.value.is_none());
        assert_eq!(
            (&*fault.type_name, &*fault.message),
            ("kitchen.Burnt", "burnt at 666")
        );
        assert_eq!(error.downcast::<Burnt>().map(|own| own.degrees), Some(0));
    }

    #[test]
    fn the_long_form_tells_the_whole_story() {
        let fault = Fault {
            traceback: vec!["oven.rs:7:1".to_owned()],
            language: "rust".to_owned(),
            cause: Some(Box::new(Fault {
                traceback: vec!["  File \"grid.py\", line 3".to_owned()],
                ..Fault::new("OSError", "no power")
            })),
            ..Fault::new("kitchen.Burnt", "burnt at 250")
        };
        let error = travelled(fault);
        assert_eq!(
            error.to_string(),
            "TASK_FAILED: kitchen.Burnt: burnt at 250"
        );
        assert_eq!(
            format!("{error:#}"),
            "TASK_FAILED: kitchen.Burnt: burnt at 250\n    oven.rs:7:1\ncaused by OSError: no power\n    \
             File \"grid.py\", line 3"
        );
        assert_eq!(
            format!("{:#}", error.fault().unwrap())[..27],
            *"kitchen.Burnt: burnt at 250"
        );
    }
}
