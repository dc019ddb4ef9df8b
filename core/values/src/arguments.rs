//! The arguments of a call.

use std::collections::HashSet;

use bytes::Bytes;

use crate::convert::{FromValue, IntoValue, tuple_from};
use crate::decode::{Head, Reader};
use crate::encode::Writer;
use crate::error::{ErrorKind, ValueError};
use crate::limits::Limits;
use crate::value::Value;

/// The arguments of a call: values in order, and values by name.
///
/// Paths in errors count them as the elements of a list and the entries of a map: `$[1]` is the
/// second positional argument, `$.scale` the one named `scale`.
///
/// ```
/// use wool_values::{Arguments, Limits, args};
///
/// let bytes = args![20, "ewes"].encode(&Limits::default())?;
/// let (count, what): (u32, String) = Arguments::decode(&bytes, &Limits::default())?.extract()?;
/// assert_eq!((count, what.as_str()), (20, "ewes"));
/// # Ok::<(), wool_values::ValueError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Arguments {
    /// Those without a name, in order.
    pub positional: Vec<Value>,
    /// Those with a name, in order; no name twice.
    pub named: Vec<(String, Value)>,
}

impl Arguments {
    /// These arguments in order, none named.
    #[must_use]
    pub const fn new(positional: Vec<Value>) -> Self {
        Self {
            positional,
            named: Vec::new(),
        }
    }

    /// The same arguments, and one more by name.
    ///
    /// ```
    /// use wool_values::args;
    ///
    /// let arguments = args![1.5].with("scale", 2);
    /// assert_eq!(arguments.named[0].0, "scale");
    /// ```
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl IntoValue) -> Self {
        self.named.push((name.into(), value.into_value()));
        self
    }

    /// The canonical MessagePack form: an array of the list of positional arguments and, where
    /// there are any, the map of named ones. The depth limit holds for each argument by itself.
    ///
    /// # Errors
    ///
    /// As [`encode`](crate::encode()), and [`ErrorKind::DuplicateKey`] for a name that is there
    /// twice.
    pub fn encode(&self, limits: &Limits) -> Result<Vec<u8>, ValueError> {
        let mut out = Vec::new();
        self.encode_into(limits, &mut out)?;
        Ok(out)
    }

    /// [`Arguments::encode`], appending to `out`; after an error `out` is as before.
    ///
    /// # Errors
    ///
    /// As [`Arguments::encode`].
    pub fn encode_into(&self, limits: &Limits, out: &mut Vec<u8>) -> Result<(), ValueError> {
        check_names(&self.named)?;
        Writer::write(out, limits, |writer| {
            writer.array_header(if self.named.is_empty() { 1 } else { 2 })?;
            writer.array(&self.positional, limits.depth())?;
            if self.named.is_empty() {
                return Ok(());
            }
            writer.map_header(self.named.len())?;
            for (name, value) in &self.named {
                writer.string(name)?;
                writer
                    .value(value, limits.depth())
                    .map_err(|error| error.at_key(name))?;
            }
            Ok(())
        })
    }

    /// The arguments whose MessagePack form `input` is.
    ///
    /// # Errors
    ///
    /// As [`decode`](crate::decode()), and [`ErrorKind::InvalidArguments`] for what are no
    /// arguments.
    pub fn decode(input: &[u8], limits: &Limits) -> Result<Self, ValueError> {
        Reader::read(input, None, limits, |reader| read(reader, limits.depth()))
    }

    /// [`Arguments::decode`], without a copy of what is long; see
    /// [`decode_shared`](crate::decode_shared).
    ///
    /// # Errors
    ///
    /// As [`Arguments::decode`].
    pub fn decode_shared(input: &Bytes, limits: &Limits) -> Result<Self, ValueError> {
        Reader::read(input, Some(input), limits, |reader| {
            read(reader, limits.depth())
        })
    }

    /// Takes the arguments out as Rust types, all at once.
    ///
    /// ```
    /// use wool_values::args;
    ///
    /// let (a, b): (i64, i64) = args![1, 2].extract()?;
    /// assert_eq!(a + b, 3);
    ///
    /// let error = args![1, 2, 3].extract::<(i64, i64)>().unwrap_err();
    /// assert_eq!(error.to_string(), "expects 2 arguments, got 3");
    /// # Ok::<(), wool_values::ValueError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ArgumentMismatch`] when they are too few, too many or named, else what the
    /// argument that does not fit says, with its index.
    pub fn extract<T: FromArguments>(self) -> Result<T, ValueError> {
        T::from_arguments(self)
    }

    /// Moves the named arguments to the places that `parameters`, the names of all parameters in
    /// order, give them. Parameters left out at the end stay so.
    ///
    /// ```
    /// use wool_values::args;
    ///
    /// let arguments = args![640].with("height", 480).bind(&["width", "height"])?;
    /// assert_eq!(arguments, args![640, 480]);
    /// # Ok::<(), wool_values::ValueError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ArgumentMismatch`] for a name that is no parameter or has a value already,
    /// for a parameter left out before one that is given, and for too many.
    pub fn bind(self, parameters: &[&str]) -> Result<Self, ValueError> {
        let given = self.positional.len();
        if given > parameters.len() {
            return Err(wrong_count(parameters.len(), given));
        }
        let mut places: Vec<Option<Value>> = self.positional.into_iter().map(Some).collect();
        for (name, value) in self.named {
            let Some(index) = parameters.iter().position(|parameter| *parameter == name) else {
                return Err(argument_mismatch(format!("no parameter is named {name:?}")));
            };
            if places.len() <= index {
                places.resize(index + 1, None);
            }
            if places[index].replace(value).is_some() {
                return Err(argument_mismatch(format!("{name:?} is given twice")));
            }
        }
        let values = places
            .into_iter()
            .zip(parameters)
            .map(|(value, parameter)| {
                value.ok_or_else(|| argument_mismatch(format!("{parameter:?} is missing")))
            });
        Ok(Self::new(values.collect::<Result<_, _>>()?))
    }

    /// The positional arguments, when they are `N` and there are no others.
    fn exactly<const N: usize>(self) -> Result<[Value; N], ValueError> {
        let positional = self.unnamed()?;
        positional
            .try_into()
            .map_err(|values: Vec<Value>| wrong_count(N, values.len()))
    }

    fn unnamed(self) -> Result<Vec<Value>, ValueError> {
        match self.named.first() {
            None => Ok(self.positional),
            Some((name, _)) => Err(argument_mismatch(format!(
                "takes no argument named {name:?}"
            ))),
        }
    }
}

fn read(reader: &mut Reader<'_>, depth: usize) -> Result<Arguments, ValueError> {
    let invalid = |reader: &Reader<'_>| {
        let message = "arguments are an array of a list and, where needed, a map";
        reader.error(ErrorKind::InvalidArguments, message)
    };
    let parts = match reader.head()? {
        Head::Array(parts @ (1 | 2)) => parts,
        _ => return Err(invalid(reader)),
    };
    reader.owe(parts)?;
    let positional = match reader.head()? {
        Head::Array(length) => reader.array(length, depth)?,
        _ => return Err(invalid(reader)),
    };
    let mut named = Vec::new();
    if parts == 2 {
        let Head::Map(length) = reader.head()? else {
            return Err(invalid(reader));
        };
        reader.owe(length.saturating_mul(2))?;
        named.reserve_exact(length);
        for index in 0..length {
            let Head::String(length) = reader.head().map_err(|error| error.in_key(index))? else {
                let message = "the name of an argument is a string";
                return Err(reader
                    .error(ErrorKind::InvalidArguments, message)
                    .in_key(index));
            };
            let name = reader
                .text(length)
                .map_err(|error| error.in_key(index))?
                .to_owned();
            let value = reader.value(depth).map_err(|error| error.at_key(&name))?;
            named.push((name, value));
        }
        check_names(&named)?;
    }
    Ok(Arguments { positional, named })
}

fn check_names(named: &[(String, Value)]) -> Result<(), ValueError> {
    let mut seen = HashSet::new();
    match named.iter().find(|(name, _)| !seen.insert(name)) {
        None => Ok(()),
        Some((name, _)) => {
            let error = ValueError::new(ErrorKind::DuplicateKey, "two arguments of one name");
            Err(error.at_key(name))
        }
    }
}

fn argument_mismatch(message: String) -> ValueError {
    ValueError::new(ErrorKind::ArgumentMismatch, message)
}

fn wrong_count(expected: usize, found: usize) -> ValueError {
    let plural = if expected == 1 { "" } else { "s" };
    argument_mismatch(format!("expects {expected} argument{plural}, got {found}"))
}

/// Rust types that the arguments of a call can be taken out as: a tuple of what the parameters
/// are, a `Vec` for any number of them, or the [`Arguments`] themselves.
///
/// All but the last want no named arguments: [`Arguments::bind`] gives them their places.
pub trait FromArguments: Sized {
    /// Takes it out of the arguments.
    ///
    /// # Errors
    ///
    /// As [`Arguments::extract`].
    fn from_arguments(arguments: Arguments) -> Result<Self, ValueError>;
}

impl FromArguments for Arguments {
    fn from_arguments(arguments: Arguments) -> Result<Self, ValueError> {
        Ok(arguments)
    }
}

impl<T: FromValue> FromArguments for Vec<T> {
    fn from_arguments(arguments: Arguments) -> Result<Self, ValueError> {
        let values = arguments.unnamed()?.into_iter().enumerate();
        values
            .map(|(index, value)| T::from_value(value).map_err(|error| error.at_index(index)))
            .collect()
    }
}

impl FromArguments for () {
    fn from_arguments(arguments: Arguments) -> Result<Self, ValueError> {
        arguments.exactly::<0>().map(|[]| ())
    }
}

/// No arguments.
impl From<()> for Arguments {
    fn from((): ()) -> Self {
        Self::default()
    }
}

/// One positional argument for each value.
impl<T: IntoValue> From<Vec<T>> for Arguments {
    fn from(values: Vec<T>) -> Self {
        Self::new(values.into_iter().map(T::into_value).collect())
    }
}

macro_rules! tuples {
    ($($name:ident)*) => {
        /// One positional argument for each element.
        impl<$($name: IntoValue),*> From<($($name,)*)> for Arguments {
            fn from(values: ($($name,)*)) -> Self {
                #[allow(non_snake_case, reason = "one name for type and variable")]
                let ($($name,)*) = values;
                Self::new(vec![$($name.into_value()),*])
            }
        }

        impl<$($name: FromValue),*> FromArguments for ($($name,)*) {
            fn from_arguments(arguments: Arguments) -> Result<Self, ValueError> {
                tuple_from!(arguments.exactly()?; $($name)*)
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

/// [`Arguments`] of any number of positional values, each of any type that is
/// [`IntoValue`](crate::IntoValue).
///
/// ```
/// use wool_values::{Value, args};
///
/// assert_eq!(args![1, "x"].positional, [Value::from(1), Value::from("x")]);
/// assert_eq!(args![], ().into());
/// ```
#[macro_export]
macro_rules! args {
    ($($value:expr),* $(,)?) => {
        $crate::Arguments::new(::std::vec![$($crate::IntoValue::into_value($value)),*])
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message<T: FromArguments>(arguments: Arguments) -> String {
        arguments
            .extract::<T>()
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default()
    }

    #[test]
    fn tuples_become_arguments() {
        assert_eq!(Arguments::from((1, "x", 2.5)), args![1, "x", 2.5]);
        assert_eq!(Arguments::from(vec![1_u8, 2]), args![1, 2]);
        assert_eq!(args![vec![1_u8]].positional, [Value::from(vec![1_u8])]);
    }

    #[test]
    fn arguments_become_types() {
        assert_eq!(args![].extract(), Ok(()));
        assert_eq!(args![1].extract(), Ok((1_u8,)));
        assert_eq!(
            args![1, "x", Value::Null].extract(),
            Ok((1_i64, "x".to_owned(), None::<f64>))
        );
        assert_eq!(args![1, 2, 3].extract(), Ok(vec![1_i64, 2, 3]));
        let named = args![1].with("a", 2);
        assert_eq!(named.clone().extract(), Ok(named));
    }

    #[test]
    fn arguments_that_do_not_fit() {
        assert_eq!(message::<()>(args![1]), "expects 0 arguments, got 1");
        assert_eq!(message::<(i64,)>(args![]), "expects 1 argument, got 0");
        assert_eq!(
            message::<(i64, i64)>(args![1, 2, 3]),
            "expects 2 arguments, got 3"
        );
        assert_eq!(
            message::<(i64, i64)>(args![1, "2"]),
            "$[1]: expected int, found string"
        );
        assert_eq!(
            message::<Vec<u8>>(args![1, 256]),
            "$[1]: 256 does not fit u8"
        );
        assert_eq!(
            message::<(i64,)>(args![1].with("b", 2)),
            "takes no argument named \"b\""
        );
    }

    #[test]
    fn named_arguments_find_their_places() {
        let bind = |arguments: Arguments| arguments.bind(&["a", "b", "c"]);
        assert_eq!(bind(args![1].with("c", 3).with("b", 2)), Ok(args![1, 2, 3]));
        assert_eq!(bind(args![].with("a", 1)), Ok(args![1]));
        let refused = |arguments| bind(arguments).unwrap_err().to_string();
        assert_eq!(
            refused(args![1].with("d", 2)),
            "no parameter is named \"d\""
        );
        assert_eq!(refused(args![1].with("a", 2)), "\"a\" is given twice");
        assert_eq!(
            refused(args![].with("b", 2).with("b", 3)),
            "\"b\" is given twice"
        );
        assert_eq!(refused(args![].with("c", 2)), "\"a\" is missing");
        assert_eq!(refused(args![1, 2, 3, 4]), "expects 3 arguments, got 4");
    }

    #[test]
    fn errors_name_the_argument() {
        let limits = Limits::default().with_depth(1);
        let nested = || vec![vec![1]];
        let path = |arguments: Arguments| arguments.encode(&limits).unwrap_err().path();
        assert_eq!(path(args![1, nested()]), "$[1][0]");
        assert_eq!(path(args![].with("deep", nested())), "$.deep[0]");
        assert_eq!(path(args![].with("a", 1).with("a", 1)), "$.a");

        let bytes = args![1]
            .with("deep", nested())
            .encode(&Limits::default())
            .unwrap();
        let error = Arguments::decode(&bytes, &limits).unwrap_err();
        assert_eq!(
            (error.kind(), error.path().as_str()),
            (ErrorKind::TooDeep, "$.deep[0]")
        );
    }
}
