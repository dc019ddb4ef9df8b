//! Integers beyond 64 bits.

use std::fmt;
use std::str::FromStr;

use crate::error::{ErrorKind, ValueError};

/// An integer that `i64` cannot hold, of any size.
///
/// Those that `i64` can hold are always [`Value::Int`](crate::Value::Int), so that every integer
/// has one form. [`Value::integer`](crate::Value::integer) and
/// [`Value::parse_integer`](crate::Value::parse_integer) choose between the two.
///
/// ```
/// use wool_values::BigInt;
///
/// let big: BigInt = "-340282366920938463463374607431768211456".parse()?;
/// assert!(big.is_negative());
/// assert_eq!(big.magnitude(), [&[1][..], &[0; 16]].concat());
/// assert_eq!(big.to_string(), "-340282366920938463463374607431768211456");
/// # Ok::<(), wool_values::ValueError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct BigInt {
    negative: bool,
    /// Big-endian, without leading zeros.
    magnitude: Box<[u8]>,
}

impl BigInt {
    /// The integer of this sign and big-endian magnitude, which may have leading zeros.
    ///
    /// # Errors
    ///
    /// The integer itself, when it fits `i64`.
    pub fn new(negative: bool, magnitude: &[u8]) -> Result<Self, i64> {
        let zeros = magnitude.iter().take_while(|byte| **byte == 0).count();
        let magnitude = &magnitude[zeros..];
        match small(negative, magnitude) {
            Some(small) => Err(small),
            None => Ok(Self {
                negative,
                magnitude: magnitude.into(),
            }),
        }
    }

    /// Whether the integer is below zero.
    #[must_use]
    pub fn is_negative(&self) -> bool {
        self.negative
    }

    /// The absolute value, big-endian, without leading zeros.
    #[must_use]
    pub fn magnitude(&self) -> &[u8] {
        &self.magnitude
    }

    /// The integer as `i128`, if that can hold it.
    #[must_use]
    pub fn to_i128(&self) -> Option<i128> {
        signed(self.negative, unsigned(&self.magnitude)?)
    }

    /// The integer as `u128`, if that can hold it.
    #[must_use]
    pub fn to_u128(&self) -> Option<u128> {
        if self.negative {
            None
        } else {
            unsigned(&self.magnitude)
        }
    }

    /// Reads decimal text: an optional sign and digits, nothing else.
    pub(crate) fn parse(text: &str) -> Result<Result<Self, i64>, ValueError> {
        let (negative, digits) = match text.as_bytes() {
            [b'-', digits @ ..] => (true, digits),
            [b'+', digits @ ..] => (false, digits),
            digits => (false, digits),
        };
        if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
            return Err(ValueError::new(
                ErrorKind::InvalidValue,
                "not a decimal integer",
            ));
        }
        let mut limbs: Vec<u32> = Vec::new();
        for group in digits.chunks(DIGITS) {
            let scale = 10_u64.pow(group.len() as u32);
            let mut carry = group
                .iter()
                .fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0'));
            for limb in &mut limbs {
                carry += u64::from(*limb) * scale;
                *limb = carry as u32;
                carry >>= 32;
            }
            if carry > 0 {
                limbs.push(carry as u32);
            }
        }
        let magnitude: Vec<u8> = limbs
            .iter()
            .rev()
            .flat_map(|limb| limb.to_be_bytes())
            .collect();
        Ok(Self::new(negative, &magnitude))
    }
}

/// Decimal digits that fit a 32-bit limb.
const DIGITS: usize = 9;

fn small(negative: bool, magnitude: &[u8]) -> Option<i64> {
    signed(negative, unsigned(magnitude)?)?.try_into().ok()
}

fn unsigned(magnitude: &[u8]) -> Option<u128> {
    let mut wide = [0; 16];
    let start = wide.len().checked_sub(magnitude.len())?;
    wide[start..].copy_from_slice(magnitude);
    Some(u128::from_be_bytes(wide))
}

fn signed(negative: bool, magnitude: u128) -> Option<i128> {
    if negative {
        0_i128.checked_sub_unsigned(magnitude)
    } else {
        magnitude.try_into().ok()
    }
}

/// Decimal. The time taken grows with the square of the length.
impl fmt::Display for BigInt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut limbs: Vec<u32> = self
            .magnitude
            .rchunks(4)
            .map(|bytes| {
                bytes
                    .iter()
                    .fold(0, |limb, byte| limb << 8 | u32::from(*byte))
            })
            .collect();
        let mut groups = Vec::new();
        while !limbs.is_empty() {
            let mut remainder = 0;
            for limb in limbs.iter_mut().rev() {
                let dividend = remainder << 32 | u64::from(*limb);
                *limb = (dividend / 10_u64.pow(DIGITS as u32)) as u32;
                remainder = dividend % 10_u64.pow(DIGITS as u32);
            }
            groups.push(remainder);
            while limbs.last() == Some(&0) {
                limbs.pop();
            }
        }
        let mut digits = String::with_capacity(groups.len() * DIGITS);
        for (index, group) in groups.iter().rev().enumerate() {
            let width = if index == 0 { 0 } else { DIGITS };
            digits.push_str(&format!("{group:0width$}"));
        }
        f.pad_integral(!self.negative, "", &digits)
    }
}

impl fmt::Debug for BigInt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Decimal is quadratic, and what is printed for debugging may come from anywhere.
        const MOST: usize = 256;
        if self.magnitude.len() <= MOST {
            write!(f, "BigInt({self})")
        } else {
            let sign = if self.negative { "-" } else { "" };
            write!(f, "BigInt({sign}[{} bytes])", self.magnitude.len())
        }
    }
}

/// Reads decimal text. The time taken grows with the square of the length.
impl FromStr for BigInt {
    type Err = ValueError;

    /// # Errors
    ///
    /// [`ErrorKind::InvalidValue`] for text that is no decimal integer, and
    /// [`ErrorKind::OutOfRange`] for an integer that `i64` can hold.
    fn from_str(text: &str) -> Result<Self, ValueError> {
        Self::parse(text)?.map_err(|small| {
            ValueError::new(
                ErrorKind::OutOfRange,
                format!("{small} fits 64 bits, so it is an Int"),
            )
        })
    }
}

macro_rules! try_from_native {
    ($($native:ty),*) => {$(
        /// The integer as a `BigInt`, or back as `i64` where that can hold it.
        impl TryFrom<$native> for BigInt {
            type Error = i64;

            fn try_from(value: $native) -> Result<Self, i64> {
                #[allow(unused_comparisons, reason = "one body for signed and unsigned")]
                let negative = value < 0;
                let magnitude = if negative { (value as u128).wrapping_neg() } else { value as u128 };
                Self::new(negative, &magnitude.to_be_bytes())
            }
        }
    )*};
}

try_from_native!(u64, i128, u128);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_of_64_bits_are_not_big() {
        assert_eq!(BigInt::new(false, &[]), Err(0));
        assert_eq!(BigInt::new(true, &[0, 0]), Err(0));
        assert_eq!(BigInt::new(false, &i64::MAX.to_be_bytes()), Err(i64::MAX));
        assert_eq!(
            BigInt::new(true, &i64::MIN.unsigned_abs().to_be_bytes()),
            Err(i64::MIN)
        );
        assert!(BigInt::new(false, &i64::MIN.unsigned_abs().to_be_bytes()).is_ok());
        assert_eq!(BigInt::try_from(7_u64), Err(7));
        assert_eq!(BigInt::try_from(i128::from(i64::MIN)), Err(i64::MIN));
    }

    #[test]
    fn natives_and_text_agree() {
        for value in [
            i128::MIN,
            i128::MAX,
            i128::from(i64::MIN) - 1,
            1 << 64,
            10_i128.pow(27),
        ] {
            let big = BigInt::try_from(value).unwrap();
            assert_eq!(big.to_string(), value.to_string());
            assert_eq!(value.to_string().parse(), Ok(big.clone()));
            assert_eq!(big.to_i128(), Some(value));
            assert_eq!(big.to_u128(), u128::try_from(value).ok());
        }
        let big = BigInt::try_from(u128::MAX).unwrap();
        assert_eq!((big.to_u128(), big.to_i128()), (Some(u128::MAX), None));
        assert_eq!(big.to_string(), u128::MAX.to_string());
    }

    #[test]
    fn text_with_zeros_inside_and_before() {
        let text = format!("-1{}7{}", "0".repeat(40), "0".repeat(18));
        assert_eq!(text.parse::<BigInt>().unwrap().to_string(), text);
        let padded = format!("+{}{}", "0".repeat(30), u64::MAX);
        assert_eq!(
            padded.parse::<BigInt>().unwrap(),
            BigInt::try_from(u64::MAX).unwrap()
        );
    }

    #[test]
    fn text_that_is_no_big_integer() {
        for text in ["", "-", "1_000", " 1", "0x10", "--1", "1.0", "٣"] {
            let error = text.parse::<BigInt>().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidValue, "{text:?}");
        }
        assert_eq!(
            "12".parse::<BigInt>().unwrap_err().kind(),
            ErrorKind::OutOfRange
        );
    }

    #[test]
    fn debug_of_a_huge_one_is_short() {
        let huge = BigInt::new(true, &[1; 1_000_000]).unwrap();
        assert_eq!(format!("{huge:?}"), "BigInt(-[1000000 bytes])");
    }
}
