//! Decimal numbers, kept as text.

use std::fmt;
use std::str::FromStr;

use crate::error::{ErrorKind, ValueError};

/// A finite decimal number that keeps its scale: `1.10` is not `1.1`.
///
/// It is held as canonical text, the scientific string of the General Decimal Arithmetic
/// specification, which is what Python's `str(Decimal)` and Java's `BigDecimal.toString` give.
/// Any decimal text parses to it; sign, digits and exponent are kept as they are.
///
/// ```
/// use wool_values::Decimal;
///
/// assert_eq!("+01.50e3".parse::<Decimal>()?.as_str(), "1.50E+3");
/// assert_eq!("0.0000001".parse::<Decimal>()?.as_str(), "1E-7");
/// assert_eq!("-19.90".parse::<Decimal>()?.as_str(), "-19.90");
/// # Ok::<(), wool_values::ValueError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Decimal(Box<str>);

impl Decimal {
    /// The canonical text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The decimal whose canonical text this is, or `None` if it is not canonical.
    pub(crate) fn from_canonical(text: &str) -> Option<Self> {
        canonical(text)
            .filter(|canonical| canonical == text)
            .map(|text| Self(text.into()))
    }
}

/// Exponents have as many digits as Python's `decimal` allows at most.
const EXPONENT_DIGITS: usize = 18;

fn canonical(text: &str) -> Option<String> {
    let (negative, rest) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (number, exponent) = match rest.split_once(['e', 'E']) {
        Some((number, exponent)) => (number, exponent_of(exponent)?),
        None => (rest, 0),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.len() + fraction.len() == 0 || !all_digits(whole) || !all_digits(fraction) {
        return None;
    }

    let digits = [whole, fraction].concat();
    let coefficient = match digits.trim_start_matches('0') {
        "" => "0",
        digits => digits,
    };
    let exponent = exponent.checked_sub(i64::try_from(fraction.len()).ok()?)?;
    let length = i64::try_from(coefficient.len()).ok()?;
    let adjusted = exponent.checked_add(length - 1)?;

    let mut out = String::with_capacity(coefficient.len() + 24);
    if negative {
        out.push('-');
    }
    if exponent <= 0 && adjusted >= -6 {
        // Here the exponent is no longer than the coefficient and six zeros.
        let point = length + exponent;
        match usize::try_from(point) {
            Ok(point) if point > 0 => {
                out.push_str(&coefficient[..point]);
                if point < coefficient.len() {
                    out.push('.');
                    out.push_str(&coefficient[point..]);
                }
            }
            _ => {
                out.push_str("0.");
                out.extend((point..0).map(|_| '0'));
                out.push_str(coefficient);
            }
        }
    } else {
        let (first, others) = coefficient.split_at(1);
        out.push_str(first);
        if !others.is_empty() {
            out.push('.');
            out.push_str(others);
        }
        let sign = if adjusted < 0 { '-' } else { '+' };
        let adjusted = adjusted.unsigned_abs().to_string();
        if adjusted.len() > EXPONENT_DIGITS {
            return None;
        }
        out.push('E');
        out.push(sign);
        out.push_str(&adjusted);
    }
    Some(out)
}

fn exponent_of(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

impl FromStr for Decimal {
    type Err = ValueError;

    /// # Errors
    ///
    /// [`ErrorKind::InvalidValue`] for text that is no finite decimal number, or whose exponent
    /// has more than 18 digits.
    fn from_str(text: &str) -> Result<Self, ValueError> {
        canonical(text)
            .map(|text| Self(text.into()))
            .ok_or_else(|| ValueError::new(ErrorKind::InvalidValue, "not a finite decimal number"))
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Decimal({})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_decimal_text_has_a_canonical_form() {
        for (text, expected) in [
            ("0", "0"),
            ("-0", "-0"),
            ("+7", "7"),
            ("007", "7"),
            (".5", "0.5"),
            ("5.", "5"),
            ("0.00", "0.00"),
            ("00.10", "0.10"),
            ("1e3", "1E+3"),
            ("1000", "1000"),
            ("12E-1", "1.2"),
            ("12E1", "1.2E+2"),
            ("0.000001", "0.000001"),
            ("0.0000010", "0.0000010"),
            ("0.0000001", "1E-7"),
            ("0.00E+2", "0"),
            ("0.0E+3", "0E+2"),
            ("1E+0", "1"),
            ("-123.456e-20", "-1.23456E-18"),
        ] {
            assert_eq!(
                text.parse::<Decimal>().unwrap().as_str(),
                expected,
                "{text}"
            );
            assert!(Decimal::from_canonical(expected).is_some(), "{expected}");
        }
    }

    #[test]
    fn text_that_is_no_decimal() {
        for text in [
            "",
            ".",
            "-",
            "e5",
            "1e",
            "1e+",
            "1.2.3",
            "1 ",
            "NaN",
            "inf",
            "1_0",
            "1e1.5",
            "٣",
            "1E+1000000000000000000",
            "1E-9223372036854775808",
            "1.5E99999999999999999999",
            "é",
        ] {
            assert!(text.parse::<Decimal>().is_err(), "{text:?}");
        }
    }
}
