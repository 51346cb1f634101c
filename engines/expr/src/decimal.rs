//! Decimal numbers as text, compared digit by digit.
//!
//! * Exact at any length: nothing goes through floating point.
//! * Borrows its digits and allocates nothing.

use std::{cmp::Ordering, fmt};

/// A decimal number: `0.d1d2d3… × 10^point`, the digits without zeros at either end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Decimal<'a> {
    negative: bool,
    whole: &'a [u8],
    fraction: &'a [u8],
    point: i64,
}

impl<'a> Decimal<'a> {
    /// What the language takes for a number inside a string: `-?digits[.digits]`.
    pub(crate) fn from_plain(text: &'a str) -> Option<Self> {
        let (decimal, rest) = Self::split(text.as_bytes())?;
        rest.is_empty().then_some(decimal)
    }

    /// A JSON number, which may have an exponent.
    pub(crate) fn from_json(text: &'a str) -> Option<Self> {
        let (mut decimal, rest) = Self::split(text.as_bytes())?;
        let Some((b'e' | b'E', exponent)) = rest.split_first() else {
            return rest.is_empty().then_some(decimal);
        };
        let (sign, digits) = match exponent.split_first()? {
            (b'-', digits) => (-1, digits),
            (b'+', digits) => (1, digits),
            _ => (1, exponent),
        };
        let (digits, []) = digits_of(digits) else { return None };
        let size = digits
            .iter()
            .fold(0i64, |n, digit| n.saturating_mul(10).saturating_add(i64::from(digit - b'0')));
        if digits.is_empty() {
            return None;
        }
        if !decimal.is_zero() {
            decimal.point = decimal.point.saturating_add(size.saturating_mul(sign));
        }
        Some(decimal)
    }

    /// The number at the front, and what follows it.
    fn split(text: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (negative, text) = match text.split_first()? {
            (b'-', rest) => (true, rest),
            _ => (false, text),
        };
        let (whole, rest) = digits_of(text);
        let (fraction, rest) = match rest.split_first() {
            Some((b'.', rest)) => {
                let (fraction, rest) = digits_of(rest);
                if fraction.is_empty() {
                    return None;
                }
                (fraction, rest)
            }
            _ => (&[][..], rest),
        };
        let found = !whole.is_empty();
        found.then(|| (Self::trimmed(negative, whole, fraction), rest))
    }

    fn trimmed(negative: bool, whole: &'a [u8], fraction: &'a [u8]) -> Self {
        let mut whole = skip_zeros(whole);
        let mut point = whole.len() as i64;
        let mut significant = fraction;
        if whole.is_empty() {
            significant = skip_zeros(fraction);
            point = significant.len() as i64 - fraction.len() as i64;
        }
        let fraction = drop_zeros(significant);
        if fraction.is_empty() {
            whole = drop_zeros(whole);
        }
        if whole.is_empty() && fraction.is_empty() {
            return Self { negative: false, whole, fraction, point: 0 };
        }
        Self { negative, whole, fraction, point }
    }

    fn is_zero(&self) -> bool {
        self.whole.is_empty() && self.fraction.is_empty()
    }

    fn digits(&self) -> impl Iterator<Item = u8> {
        self.whole.iter().chain(self.fraction).copied()
    }

    fn cmp_size(&self, other: &Self) -> Ordering {
        match (self.is_zero(), other.is_zero()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            (false, false) => {
                self.point.cmp(&other.point).then_with(|| self.digits().cmp(other.digits()))
            }
        }
    }
}

impl Ord for Decimal<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.negative, other.negative) {
            (false, false) => self.cmp_size(other),
            (true, true) => other.cmp_size(self),
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
        }
    }
}

impl PartialOrd for Decimal<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Decimal<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Decimal<'_> {}

/// The one spelling of this number: all its digits as a whole number, then the exponent if any.
impl fmt::Display for Decimal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_zero() {
            return f.write_str("0");
        }
        if self.negative {
            f.write_str("-")?;
        }
        for digit in self.digits() {
            write!(f, "{}", char::from(digit))?;
        }
        let exponent = self.point.saturating_sub((self.whole.len() + self.fraction.len()) as i64);
        if exponent == 0 { Ok(()) } else { write!(f, "e{exponent}") }
    }
}

fn digits_of(text: &[u8]) -> (&[u8], &[u8]) {
    text.split_at(text.iter().take_while(|byte| byte.is_ascii_digit()).count())
}

fn skip_zeros(digits: &[u8]) -> &[u8] {
    &digits[digits.iter().take_while(|digit| **digit == b'0').count()..]
}

fn drop_zeros(digits: &[u8]) -> &[u8] {
    &digits[..digits.len() - digits.iter().rev().take_while(|digit| **digit == b'0').count()]
}

/// Digits enough for any `i64` are few; those that surely fit in one are at most these.
const SHORT_DIGITS_MAX: usize = 18;

/// A short plain whole number: the common case, without the general comparison.
pub(crate) fn short_int(text: &str) -> Option<i64> {
    let (negative, digits) = match text.as_bytes() {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    if digits.is_empty() || digits.len() > SHORT_DIGITS_MAX {
        return None;
    }
    let size = digits.iter().try_fold(0i64, |n, digit| {
        digit.is_ascii_digit().then(|| n * 10 + i64::from(digit - b'0'))
    })?;
    Some(if negative { -size } else { size })
}

/// Room for the text of a number on the stack.
pub(crate) struct NumberText {
    bytes: [u8; Self::BYTES_MAX],
    len: usize,
}

impl NumberText {
    /// Twice the longest spelling of an `f64`, `i64` or `u64`.
    const BYTES_MAX: usize = 64;

    pub(crate) const fn new() -> Self {
        Self { bytes: [0; Self::BYTES_MAX], len: 0 }
    }

    /// Writes a whole number and reads it back.
    pub(crate) fn int(&mut self, n: i64) -> Option<Decimal<'_>> {
        fmt::Write::write_fmt(self, format_args!("{n}")).ok()?;
        Decimal::from_json(self.text())
    }

    /// Writes a JSON number and reads it back. A floating-point number is the shortest decimal
    /// that reads as it, so 5.1 in a document is 5.1 in an expression.
    ///
    /// Only where numbers are kept as text can one be too long for the room; it is then as near
    /// as floating point comes.
    pub(crate) fn json(&mut self, n: &serde_json::Number) -> Option<Decimal<'_>> {
        if fmt::Write::write_fmt(self, format_args!("{n}")).is_err() {
            self.len = 0;
            fmt::Write::write_fmt(self, format_args!("{:e}", n.as_f64()?)).ok()?;
        }
        Decimal::from_json(self.text())
    }

    fn text(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.len]).expect("only whole strings are written")
    }
}

impl fmt::Write for NumberText {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.len + text.len();
        self.bytes.get_mut(self.len..end).ok_or(fmt::Error)?.copy_from_slice(text.as_bytes());
        self.len = end;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Decimal<'_> {
        Decimal::from_json(text).expect(text)
    }

    #[test]
    fn numbers_in_order() {
        let ascending = [
            "-1e400",
            "-12",
            "-1.25",
            "-1.2",
            "-1e-9",
            "0",
            "1e-400",
            "0.001",
            "0.01",
            "0.1",
            "0.10000000000000000000000001",
            "1",
            "9",
            "10",
            "99.99",
            "100",
            "9007199254740992",
            "9007199254740993",
            "18446744073709551615",
            "1e20",
            "1e400",
        ];
        for pair in ascending.windows(2) {
            assert!(json(pair[0]) < json(pair[1]), "{pair:?}");
            assert!(json(pair[1]) > json(pair[0]), "{pair:?}");
        }
    }

    #[test]
    fn spellings_of_one_number_are_equal_and_print_alike() {
        for same in [
            &["1", "1.0", "01", "1.000", "10e-1", "0.1e1", "1E0", "1e+0"][..],
            &["0", "0.0", "-0", "-0.000", "0e99999999999999999999"],
            &["1200", "1.2e3", "0001200.00"],
            &["-0.05", "-5e-2", "-00.050"],
        ] {
            for text in same {
                assert_eq!(json(text), json(same[0]), "{text}");
                assert_eq!(json(text).to_string(), json(same[0]).to_string(), "{text}");
                assert_eq!(json(&json(text).to_string()), json(text));
            }
        }
    }

    #[test]
    fn other_texts_are_no_numbers() {
        for text in
            ["", "-", ".5", "5.", "+5", " 5", "5 ", "1e5", "0x1", "1,5", "--1", "1.2.3", "٣"]
        {
            assert!(Decimal::from_plain(text).is_none(), "{text:?}");
        }
        for text in ["1e", "1e+", "1e5x", "e5"] {
            assert!(Decimal::from_json(text).is_none(), "{text:?}");
        }
    }

    #[test]
    fn short_whole_numbers_agree_with_decimals() {
        for text in ["0", "-0", "007", "-12", "999999999999999999"] {
            let n = short_int(text).expect(text);
            assert_eq!(json(&n.to_string()), json(text));
        }
        for text in ["", "-", "1.0", "9999999999999999999", "1a"] {
            assert_eq!(short_int(text), None, "{text:?}");
        }
    }

    #[test]
    fn floating_point_numbers_are_their_shortest_decimal() {
        for (n, text) in [(5.1, "5.1"), (1e300, "1e300"), (-0.0, "0"), (1.0, "1"), (1e-7, "1e-7")] {
            let n = serde_json::Number::from_f64(n).expect("finite");
            assert_eq!(NumberText::new().json(&n), Some(json(text)));
        }
        let n = serde_json::Number::from(u64::MAX);
        assert_eq!(NumberText::new().json(&n), Some(json("18446744073709551615")));
    }
}
