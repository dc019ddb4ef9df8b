//! What can be wrong with a value, and where.

use std::borrow::Cow;
use std::fmt;

use crate::value::{Kind, Value};

/// What is wrong with a value. The names (see [`ErrorKind::name`]) are the same in every language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The bytes end before the value does.
    Truncated,
    /// There are bytes after the value.
    TrailingBytes,
    /// The byte `0xc1`, which MessagePack never uses.
    ReservedByte,
    /// A string that is not UTF-8.
    InvalidUtf8,
    /// A map with equal keys, a set with equal elements, or two named arguments of one name.
    DuplicateKey,
    /// A map key or set element that is, or holds, NaN: it would not even equal itself.
    NanKey,
    /// More containers enclose one another than [`Limits`](crate::Limits) allow.
    TooDeep,
    /// Longer than [`Limits`](crate::Limits) allow, or than MessagePack can say.
    TooLarge,
    /// An extension number that stands for nothing.
    UnknownExtension,
    /// An extension whose body is not what its number promises.
    InvalidExtension,
    /// Bytes that hold a value, but not the arguments of a call.
    InvalidArguments,
    /// A value of another kind than asked for.
    KindMismatch,
    /// A value of the right kind that the target cannot hold.
    OutOfRange,
    /// Text or parts that no value of this kind has.
    InvalidValue,
    /// Too few, too many, or wrongly named arguments.
    ArgumentMismatch,
}

impl ErrorKind {
    /// The kind's name in logs, vectors and other languages, such as `duplicate_key`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Truncated => "truncated",
            Self::TrailingBytes => "trailing_bytes",
            Self::ReservedByte => "reserved_byte",
            Self::InvalidUtf8 => "invalid_utf8",
            Self::DuplicateKey => "duplicate_key",
            Self::NanKey => "nan_key",
            Self::TooDeep => "too_deep",
            Self::TooLarge => "too_large",
            Self::UnknownExtension => "unknown_extension",
            Self::InvalidExtension => "invalid_extension",
            Self::InvalidArguments => "invalid_arguments",
            Self::KindMismatch => "kind_mismatch",
            Self::OutOfRange => "out_of_range",
            Self::InvalidValue => "invalid_value",
            Self::ArgumentMismatch => "argument_mismatch",
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What is wrong with a value, and where.
///
/// The path starts at `$`, the value (or the arguments) as a whole: `$.items[3].name`. Keys that
/// are no plain words are quoted, as in `$["two words"]`; `$<key 2>` is the third *key* of a map.
///
/// ```
/// use wool_values::{Value, args};
///
/// let error = args![1, vec![Value::from(2), Value::from("three")]]
///     .extract::<(i64, Vec<i64>)>()
///     .unwrap_err();
/// assert_eq!(error.path(), "$[1][1]");
/// assert_eq!(error.to_string(), "$[1][1]: expected int, found string");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValueError(Box<Inner>);

/// Boxed: the results that decoding passes up at every step are smaller so.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Inner {
    kind: ErrorKind,
    /// Of an argument: the routine, and which one it is. Else empty.
    subject: String,
    /// What follows the `$`.
    path: String,
    message: Cow<'static, str>,
}

impl ValueError {
    /// An error about a value as a whole. Place it in what encloses the value by
    /// [`ValueError::at_index`] and [`ValueError::at_key`].
    #[must_use]
    pub fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Inner {
            kind,
            subject: String::new(),
            path: String::new(),
            message: message.into(),
        }))
    }

    /// The error of a value of another kind than `expected`, which is a word or two such as `int`.
    #[must_use]
    pub fn mismatch(expected: &str, found: &Value) -> Self {
        let found = match found {
            Value::Named { type_name, .. } => format!("{} {type_name:?}", Kind::Named),
            other => other.kind().to_string(),
        };
        Self::new(
            ErrorKind::KindMismatch,
            format!("expected {expected}, found {found}"),
        )
    }

    pub(crate) fn out_of_range(found: impl fmt::Display, target: &str) -> Self {
        Self::new(
            ErrorKind::OutOfRange,
            format!("{found} does not fit {target}"),
        )
    }

    /// What is wrong.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Where: `$` for the whole, else such as `$.items[3].name`.
    #[must_use]
    pub fn path(&self) -> String {
        format!("${}", self.0.path)
    }

    /// What is wrong, in words, without the path.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Whether it is about the arguments of a call of a routine that is known: the message begins
    /// with the routine's name.
    #[must_use]
    pub fn is_argument(&self) -> bool {
        !self.0.subject.is_empty()
    }

    /// The same error, of the argument of `routine` for the parameter number `index` (from 0), with
    /// the parameter's name if it has one, and whether the caller has used that.
    ///
    /// ```
    /// use wool_values::{Value, ValueError};
    ///
    /// let error = ValueError::mismatch("int", &Value::from("x"));
    /// let error = error.of_argument("calc.add", 1, Some("b"), false);
    /// assert_eq!(
    ///     error.to_string(),
    ///     r#"calc.add: argument 2 "b" ($[1]): expected int, found string"#
    /// );
    /// ```
    #[must_use]
    pub fn of_argument(
        self,
        routine: &str,
        index: usize,
        parameter: Option<&str>,
        by_name: bool,
    ) -> Self {
        let number = index + 1;
        match parameter {
            Some(name) if by_name => self
                .at_key(name)
                .about(format!("{routine}: argument {}", quote(name))),
            Some(name) => self
                .at_index(index)
                .about(format!("{routine}: argument {number} {}", quote(name))),
            None => self
                .at_index(index)
                .about(format!("{routine}: argument {number}")),
        }
    }

    /// The same error, of an argument or the arguments that `subject` names.
    pub(crate) fn about(mut self, subject: String) -> Self {
        self.0.subject = subject;
        self
    }

    /// The same error, seen from the list, tuple or set that has the value at `index`.
    #[must_use]
    pub fn at_index(self, index: usize) -> Self {
        self.within(&format!("[{index}]"))
    }

    /// The same error, seen from the map that has the value under the string `key`.
    #[must_use]
    pub fn at_key(self, key: &str) -> Self {
        let mut letters = key.chars();
        let word = letters
            .next()
            .is_some_and(|first| first.is_alphabetic() || first == '_')
            && letters.all(|letter| letter.is_alphanumeric() || letter == '_');
        let shown = shorten(key);
        if word && shown.len() == key.len() {
            self.within(&format!(".{key}"))
        } else {
            self.within(&format!("[{shown:?}]"))
        }
    }

    /// The same error, seen from the map that has the value under `key`, its `index`th.
    #[must_use]
    pub fn at_entry(self, key: &Value, index: usize) -> Self {
        match key {
            Value::String(key) => self.at_key(key),
            Value::Int(_) | Value::Bool(_) | Value::Null => {
                self.within(&format!("[{}]", show(key)))
            }
            _ => self.within(&format!("<value {index}>")),
        }
    }

    /// The same error, seen from the map whose key number `index` has it.
    #[must_use]
    pub fn in_key(self, index: usize) -> Self {
        self.within(&format!("<key {index}>"))
    }

    fn within(mut self, segment: &str) -> Self {
        self.0.path.insert_str(0, segment);
        self
    }
}

impl fmt::Display for ValueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner {
            subject,
            path,
            message,
            ..
        } = &*self.0;
        match (subject.is_empty(), path.is_empty()) {
            (true, true) => f.write_str(message),
            (true, false) => write!(f, "${path}: {message}"),
            (false, true) => write!(f, "{subject}: {message}"),
            (false, false) => write!(f, "{subject} (${path}): {message}"),
        }
    }
}

impl std::error::Error for ValueError {}

/// A key or element as an error message shows it: never longer than a line.
pub(crate) fn show(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Float(value) => format!("{value:?}"),
        Value::String(value) => format!("{:?}", shorten(value)),
        Value::BigInt(_) => "a big int".to_owned(),
        other => format!("a {}", other.kind()),
    }
}

/// A name as an error message shows it.
pub(crate) fn quote(name: &str) -> String {
    format!("{:?}", shorten(name))
}

/// `text`, or its beginning and an ellipsis: errors may quote what a stranger has sent.
fn shorten(text: &str) -> Cow<'_, str> {
    const MOST: usize = 64;
    match text.char_indices().nth(MOST) {
        None => Cow::Borrowed(text),
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
    }
}
