//! Values: constants that are kept, and views of values wherever they lie.
//!
//! * Numbers are kept in one spelling, so equal numbers are equal constants.

use crate::{
    Fact,
    decimal::{Decimal, NumberText},
};
use base::Sid;
use serde_json::Value;

/// A constant that is neither a list nor an object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Scalar {
    Null,
    Bool(bool),
    Int(i64),
    /// Any other number, as [`Decimal`] prints it.
    Decimal(Box<str>),
    Text(Box<str>),
}

impl Scalar {
    /// A number that is the same constant however it was spelled.
    pub(crate) fn number(decimal: Decimal<'_>) -> Self {
        let text = decimal.to_string();
        let whole = match text.split_once('e') {
            None => text.parse().ok(),
            Some((digits, exponent)) => scaled(digits, exponent),
        };
        whole.map_or_else(|| Self::Decimal(text.into()), Self::Int)
    }

    /// `None` for arrays and objects.
    pub(crate) fn of(value: &Value) -> Option<Self> {
        Some(match value {
            Value::Null => Self::Null,
            Value::Bool(b) => Self::Bool(*b),
            Value::Number(n) => match n.as_i64() {
                Some(n) => Self::Int(n),
                None => Self::number(NumberText::new().json(n)?),
            },
            Value::String(text) => Self::Text(text.as_str().into()),
            Value::Array(_) | Value::Object(_) => return None,
        })
    }

    /// The string, if it is one.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Null | Self::Bool(_) | Self::Int(_) | Self::Decimal(_) => None,
        }
    }

    pub(crate) fn view(&self) -> View<'_> {
        match self {
            Self::Null => View::Null,
            Self::Bool(b) => View::Bool(*b),
            Self::Int(n) => View::Int(*n),
            Self::Decimal(text) => View::Decimal(text),
            Self::Text(text) => View::Text(text),
        }
    }
}

/// A whole number with zeros at its end, if it fits.
fn scaled(digits: &str, exponent: &str) -> Option<i64> {
    let power = 10i64.checked_pow(exponent.parse().ok()?)?;
    digits.parse::<i64>().ok()?.checked_mul(power)
}

/// A value fixed when the expression is compiled or bound.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Constant {
    Scalar(Scalar),
    List(Box<[Scalar]>),
    /// No operator looks inside.
    Object,
}

impl Constant {
    pub(crate) const NULL: Self = Self::Scalar(Scalar::Null);

    /// Elements that are arrays or objects are left out: no scalar equals them.
    pub(crate) fn of(value: Option<&Value>) -> Self {
        match value {
            None => Self::NULL,
            Some(Value::Array(elements)) => {
                Self::List(elements.iter().filter_map(Scalar::of).collect())
            }
            Some(value) => Scalar::of(value).map_or(Self::Object, Self::Scalar),
        }
    }

    pub(crate) fn view(&self) -> View<'_> {
        match self {
            Self::Scalar(scalar) => scalar.view(),
            Self::List(elements) => View::List(elements),
            Self::Object => View::Object,
        }
    }
}

/// A value where it lies.
#[derive(Clone, Copy, Debug)]
pub(crate) enum View<'a> {
    Null,
    Bool(bool),
    Int(i64),
    /// A JSON number outside `i64`.
    Number(&'a serde_json::Number),
    /// A constant outside `i64`.
    Decimal(&'a str),
    Text(&'a str),
    /// The text of a SID, not yet written out.
    Sid(Sid),
    Array(&'a [Value]),
    List(&'a [Scalar]),
    Object,
}

impl<'a> View<'a> {
    pub(crate) fn of(value: Option<&'a Value>) -> Self {
        match value {
            None | Some(Value::Null) => Self::Null,
            Some(Value::Bool(b)) => Self::Bool(*b),
            Some(Value::Number(n)) => n.as_i64().map_or(Self::Number(n), Self::Int),
            Some(Value::String(text)) => Self::Text(text),
            Some(Value::Array(elements)) => Self::Array(elements),
            Some(Value::Object(_)) => Self::Object,
        }
    }

    pub(crate) fn fact(fact: Fact<'a>) -> Self {
        match fact {
            Fact::Null => Self::Null,
            Fact::Text(text) => Self::Text(text),
            Fact::Sid(sid) => Self::Sid(sid),
            Fact::Number(n) => Self::Int(n),
        }
    }

    pub(crate) fn is_scalar(self) -> bool {
        match self {
            Self::Array(_) | Self::List(_) | Self::Object => false,
            Self::Null
            | Self::Bool(_)
            | Self::Int(_)
            | Self::Number(_)
            | Self::Decimal(_)
            | Self::Text(_)
            | Self::Sid(_) => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn equal_numbers_are_equal_constants() {
        assert_eq!(Scalar::of(&json!(1.0)), Some(Scalar::Int(1)));
        assert_eq!(Scalar::of(&json!(-1200.0)), Some(Scalar::Int(-1200)));
        assert_eq!(Scalar::of(&json!(5.10)), Some(Scalar::Decimal("51e-1".into())));
        assert_eq!(Scalar::of(&json!(u64::MAX)).map(|s| s == Scalar::Int(-1)), Some(false));
        let parsed = |text| Scalar::number(Decimal::from_json(text).expect(text));
        assert_eq!(parsed("9223372036854775807"), Scalar::Int(i64::MAX));
        assert_eq!(parsed("-9223372036854775808"), Scalar::Int(i64::MIN));
        assert_eq!(parsed("9223372036854775808"), Scalar::Decimal("9223372036854775808".into()));
        assert_eq!(parsed("1000000000000000000"), Scalar::Int(1_000_000_000_000_000_000));
    }

    #[test]
    fn arrays_inside_arrays_are_left_out() {
        let list = Constant::of(Some(&json!([1, [2], {"a": 3}, "4"])));
        assert_eq!(list, Constant::List(Box::new([Scalar::Int(1), Scalar::Text("4".into())])));
    }
}
