//! The arguments of a call.

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;

use crate::convert::IntoValue;
use crate::decode::{Head, Reader};
use crate::encode::{ROOM, Writer};
use crate::error::{ErrorKind, ValueError, quote};
use crate::from_arguments::FromArguments;
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
#[derive(Clone, Debug, Default)]
pub struct Arguments {
    /// Those without a name, in order.
    pub positional: Vec<Value>,
    /// Those with a name, in order; no name twice.
    pub named: Vec<(String, Value)>,
    routine: Option<Routine>,
}

/// Whose arguments they are: errors name it.
#[derive(Clone, Debug)]
struct Routine {
    name: Arc<str>,
    parameters: Arc<[String]>,
}

/// Equal when both have equal values under equal places and names, whosever they are.
impl PartialEq for Arguments {
    fn eq(&self, other: &Self) -> bool {
        self.positional == other.positional && self.named == other.named
    }
}

impl Arguments {
    /// These arguments in order, none named.
    #[must_use]
    pub const fn new(positional: Vec<Value>) -> Self {
        Self {
            positional,
            named: Vec::new(),
            routine: None,
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

    /// The same arguments, of a call of `routine`, whose parameters have these names, as far as they
    /// have any. From here on errors name the routine and the parameter, and
    /// [`Arguments::extract`] finds the places of named arguments.
    ///
    /// ```
    /// use wool_values::args;
    ///
    /// let parameters = ["width".to_owned(), "height".to_owned()];
    /// let arguments = args![640].with("height", "tall").for_routine("image.scale", parameters);
    /// let error = arguments.extract::<(u32, u32)>().unwrap_err();
    /// assert_eq!(
    ///     error.to_string(),
    ///     r#"image.scale: argument "height" ($.height): expected int, found string"#
    /// );
    /// ```
    #[must_use]
    pub fn for_routine(
        mut self,
        routine: impl Into<Arc<str>>,
        parameters: impl Into<Arc<[String]>>,
    ) -> Self {
        self.routine = Some(Routine {
            name: routine.into(),
            parameters: parameters.into(),
        });
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
        let mut out = Vec::with_capacity(ROOM);
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

    /// Takes the arguments out as Rust types, all at once. Parameters that are an `Option` may be
    /// left out; named arguments go where the routine's parameters have their names (see
    /// [`Arguments::for_routine`]).
    ///
    /// ```
    /// use wool_values::args;
    ///
    /// let (a, b): (i64, i64) = args![1, 2].extract()?;
    /// assert_eq!(a + b, 3);
    ///
    /// let (text, times): (String, Option<u32>) = args!["baa"].extract()?;
    /// assert_eq!((text.as_str(), times), ("baa", None));
    ///
    /// let error = args![1, 2, 3].extract::<(i64, i64)>().unwrap_err();
    /// assert_eq!(error.to_string(), "expects 2 arguments, got 3");
    /// # Ok::<(), wool_values::ValueError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ArgumentMismatch`] when they are too few, too many or wrongly named, else what
    /// the argument that does not fit says, with its index or name.
    pub fn extract<T: FromArguments>(self) -> Result<T, ValueError> {
        T::from_arguments(self)
    }

    /// The values of the routine's parameters (see [`Arguments::for_routine`]) in their order. Null
    /// stands for those that were left out, of which the first `needed` may not be.
    ///
    /// ```
    /// use wool_values::{Value, args};
    ///
    /// let parameters = ["a", "b", "scale"].map(str::to_owned);
    /// let bound = args![1; b = 2].for_routine("calc.add", parameters).bind(2)?;
    /// let values = bound.into_iter().map(|argument| argument.value).collect::<Vec<_>>();
    /// assert_eq!(values, [Value::from(1), Value::from(2), Value::Null]);
    /// # Ok::<(), wool_values::ValueError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ArgumentMismatch`] when they are too few, too many or wrongly named.
    pub fn bind(mut self, needed: usize) -> Result<Vec<Argument>, ValueError> {
        let callee = Callee(self.routine.take());
        let most = callee.0.as_ref().map_or(0, |it| it.parameters.len());
        let found = self.positional.len() + self.named.len();
        let mut places: Vec<Option<Argument>> =
            std::iter::repeat_with(|| None).take(most).collect();
        self.fill(&mut places, &callee, needed)?;
        let values = places
            .into_iter()
            .enumerate()
            .map(|(index, place)| match place {
                Some(argument) => Ok(argument),
                None if index >= needed => Ok(Argument {
                    value: Value::Null,
                    by_name: false,
                }),
                None => Err(callee.missing(index, needed, most, found)),
            });
        values.collect()
    }

    /// The values of `N` parameters in their order, `None` for those left out; and whose they are.
    pub(crate) fn places<const N: usize>(
        mut self,
        needed: usize,
    ) -> Result<([Option<Argument>; N], Callee), ValueError> {
        let callee = Callee(self.routine.take());
        let mut places = [const { None }; N];
        self.fill(&mut places, &callee, needed)?;
        Ok((places, callee))
    }

    fn fill(
        self,
        places: &mut [Option<Argument>],
        callee: &Callee,
        needed: usize,
    ) -> Result<(), ValueError> {
        let found = self.positional.len() + self.named.len();
        if self.positional.len() > places.len() {
            return Err(callee.mismatch(wrong_count(needed, places.len(), found)));
        }
        for (place, value) in places.iter_mut().zip(self.positional) {
            *place = Some(Argument {
                value,
                by_name: false,
            });
        }
        for (name, value) in self.named {
            let Some(place) = callee
                .position(&name)
                .and_then(|index| places.get_mut(index))
            else {
                return Err(callee.mismatch(format!("takes no argument named {}", quote(&name))));
            };
            if place.is_some() {
                return Err(
                    callee.mismatch(format!("the argument {} is given twice", quote(&name)))
                );
            }
            *place = Some(Argument {
                value,
                by_name: true,
            });
        }
        Ok(())
    }

    /// The positional arguments, when there are no others; and whose they are.
    pub(crate) fn unnamed(mut self) -> Result<(Vec<Value>, Callee), ValueError> {
        let callee = Callee(self.routine.take());
        match self.named.first() {
            None => Ok((self.positional, callee)),
            Some((name, _)) => {
                Err(callee.mismatch(format!("takes no argument named {}", quote(name))))
            }
        }
    }
}

/// The argument for one parameter of a routine.
#[derive(Clone, Debug, PartialEq)]
pub struct Argument {
    /// Its value.
    pub value: Value,
    /// Whether it was given by the parameter's name.
    pub by_name: bool,
}

/// Whose arguments they are, if that is known.
pub(crate) struct Callee(Option<Routine>);

impl Callee {
    fn position(&self, name: &str) -> Option<usize> {
        let parameters = &self.0.as_ref()?.parameters;
        parameters.iter().position(|parameter| parameter == name)
    }

    fn parameter(&self, index: usize) -> Option<&str> {
        let parameters = &self.0.as_ref()?.parameters;
        parameters.get(index).map(String::as_str)
    }

    fn mismatch(&self, message: String) -> ValueError {
        let error = ValueError::new(ErrorKind::ArgumentMismatch, message);
        match &self.0 {
            Some(routine) => error.about(routine.name.to_string()),
            None => error,
        }
    }

    /// The parameter at `index` has no argument, of `found` that were given.
    pub(crate) fn missing(
        &self,
        index: usize,
        needed: usize,
        most: usize,
        found: usize,
    ) -> ValueError {
        let mut message = wrong_count(needed, most, found);
        if let Some(name) = self.parameter(index) {
            message.push_str(&format!(": {name:?} is missing"));
        }
        self.mismatch(message)
    }

    /// What is wrong with the argument for the parameter number `index`.
    pub(crate) fn place(&self, error: ValueError, index: usize, by_name: bool) -> ValueError {
        match &self.0 {
            Some(routine) => {
                error.of_argument(&routine.name, index, self.parameter(index), by_name)
            }
            None => error.at_index(index),
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
    Ok(Arguments {
        positional,
        named,
        routine: None,
    })
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

fn wrong_count(needed: usize, most: usize, found: usize) -> String {
    let plural = if most == 1 { "" } else { "s" };
    if needed == most {
        format!("expects {most} argument{plural}, got {found}")
    } else {
        format!("expects {needed} to {most} argument{plural}, got {found}")
    }
}

/// [`Arguments`] of any number of values, each of any type that is
/// [`IntoValue`](crate::IntoValue): positional ones first, then, after a semicolon, those by name.
///
/// ```
/// use wool_values::{Value, args};
///
/// assert_eq!(args![1, "x"].positional, [Value::from(1), Value::from("x")]);
/// assert_eq!(args![1; scale = 2, unit = "m"], args![1].with("scale", 2).with("unit", "m"));
/// assert_eq!(args![], ().into());
/// ```
#[macro_export]
macro_rules! args {
    ($($value:expr),* $(,)?) => {
        $crate::Arguments::new(::std::vec![$($crate::IntoValue::into_value($value)),*])
    };
    ($($value:expr),* ; $($name:ident = $named:expr),* $(,)?) => {
        $crate::args![$($value),*]$(.with(::std::stringify!($name), $named))*
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

    fn scaled(arguments: Arguments) -> Arguments {
        let parameters = ["a", "b", "scale"].map(str::to_owned);
        arguments.for_routine("calc.scaled", parameters)
    }

    #[test]
    fn named_arguments_find_their_places() {
        type Scaled = (i64, i64, Option<i64>);
        let extract = |arguments: Arguments| scaled(arguments).extract::<Scaled>();
        assert_eq!(extract(args![1, 2]), Ok((1, 2, None)));
        assert_eq!(extract(args![1, 2, 3]), Ok((1, 2, Some(3))));
        assert_eq!(extract(args![1; scale = 3, b = 2]), Ok((1, 2, Some(3))));
        assert_eq!(extract(args![; b = 2, a = 1]), Ok((1, 2, None)));

        let refused = |arguments| extract(arguments).unwrap_err().to_string();
        assert_eq!(
            refused(args![1, 2; size = 2]),
            r#"calc.scaled: takes no argument named "size""#
        );
        assert_eq!(
            refused(args![1, 2; a = 2]),
            r#"calc.scaled: the argument "a" is given twice"#
        );
        assert_eq!(
            refused(args![; scale = 2]),
            r#"calc.scaled: expects 2 to 3 arguments, got 1: "a" is missing"#
        );
        assert_eq!(
            refused(args![1, 2, 3, 4]),
            "calc.scaled: expects 2 to 3 arguments, got 4"
        );
        assert_eq!(
            refused(args![1, "2"]),
            r#"calc.scaled: argument 2 "b" ($[1]): expected int, found string"#
        );
        assert_eq!(
            refused(args![1; b = 2.5]),
            r#"calc.scaled: argument "b" ($.b): expected int, found float"#
        );
        let unnamed = args![1, "x"].for_routine("calc.sum", Vec::new());
        assert_eq!(
            message::<Vec<i64>>(unnamed.clone()),
            "calc.sum: argument 2 ($[1]): expected int, found string"
        );
        assert!(unnamed.extract::<(i64, i64)>().unwrap_err().is_argument());
        assert_eq!(
            message::<(i64,)>(args![; a = 1].for_routine("calc.neg", Vec::new())),
            r#"calc.neg: takes no argument named "a""#
        );
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
