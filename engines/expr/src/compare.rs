//! The operators.
//!
//! * A scalar operator with an array or an object on either side is false, `!=` too.
//! * An array operator without an array is false, `NOT IN` too.
//! * Numbers compare as exact decimals. A string of digits is a number beside a number, and
//!   beside another such string when the two are ordered; `==` of two strings is of their text.
//! * Nothing here allocates.

use crate::{
    decimal::{Decimal, NumberText, short_int},
    tree::Operator,
    value::View,
};
use std::cmp::Ordering;

/// Whether `left operator right` holds.
pub(crate) fn compare(left: View<'_>, operator: Operator, right: View<'_>) -> bool {
    let ordered = |wanted: fn(Ordering) -> bool| order(left, right).is_some_and(wanted);
    match operator {
        Operator::Equal => equal(left, right),
        Operator::NotEqual => left.is_scalar() && right.is_scalar() && !equal(left, right),
        Operator::Less => ordered(Ordering::is_lt),
        Operator::LessOrEqual => ordered(Ordering::is_le),
        Operator::Greater => ordered(Ordering::is_gt),
        Operator::GreaterOrEqual => ordered(Ordering::is_ge),
        Operator::Contains => contains(left, right),
        Operator::Has => is_element(right, left) == Some(true),
        Operator::In => is_element(left, right) == Some(true),
        Operator::NotIn => is_element(left, right) == Some(false),
    }
}

/// `==`. False unless both are scalars.
fn equal(left: View<'_>, right: View<'_>) -> bool {
    match (left, right) {
        (View::Null, View::Null) => true,
        (View::Bool(a), View::Bool(b)) => a == b,
        (View::Text(a), View::Text(b)) => a == b,
        (View::Sid(a), View::Sid(b)) => a == b,
        (View::Sid(sid), View::Text(text)) | (View::Text(text), View::Sid(sid)) => {
            sid.encode() == *text.as_bytes()
        }
        _ => number_order(left, right) == Some(Ordering::Equal),
    }
}

/// `<` and its kin. `None` where the two have no order.
fn order(left: View<'_>, right: View<'_>) -> Option<Ordering> {
    let (mut left_text, mut right_text) = ([0; 34], [0; 34]);
    match (text(&left, &mut left_text), text(&right, &mut right_text)) {
        (Some(a), Some(b)) => Some(match (Decimal::from_plain(a), Decimal::from_plain(b)) {
            (Some(a), Some(b)) => a.cmp(&b),
            // The order of UTF-8 is the order of code points.
            _ => a.cmp(b),
        }),
        _ => number_order(left, right),
    }
}

/// The order of two numbers, either of which may be inside a string. `None` where one is none.
fn number_order(left: View<'_>, right: View<'_>) -> Option<Ordering> {
    match (small(left), small(right)) {
        (Some(a), Some(b)) => Some(a.cmp(&b)),
        _ => {
            let (mut left_text, mut right_text) = (NumberText::new(), NumberText::new());
            Some(decimal(left, &mut left_text)?.cmp(&decimal(right, &mut right_text)?))
        }
    }
}

fn small(view: View<'_>) -> Option<i64> {
    match view {
        View::Int(n) => Some(n),
        View::Text(text) => short_int(text),
        _ => None,
    }
}

fn decimal<'a>(view: View<'a>, room: &'a mut NumberText) -> Option<Decimal<'a>> {
    match view {
        View::Int(n) => room.int(n),
        View::Number(n) => room.json(n),
        View::Decimal(text) => Decimal::from_json(text),
        View::Text(text) => Decimal::from_plain(text),
        View::Null
        | View::Bool(_)
        | View::Sid(_)
        | View::Array(_)
        | View::List(_)
        | View::Object => None,
    }
}

fn contains(left: View<'_>, right: View<'_>) -> bool {
    let (mut left_text, mut right_text) = ([0; 34], [0; 34]);
    match (text(&left, &mut left_text), text(&right, &mut right_text)) {
        (Some(whole), Some(part)) => whole.contains(part),
        _ => false,
    }
}

fn text<'a>(view: &View<'a>, room: &'a mut [u8; 34]) -> Option<&'a str> {
    match view {
        View::Text(text) => Some(text),
        View::Sid(sid) => {
            *room = sid.encode();
            Some(std::str::from_utf8(room).expect("a SID is letters and digits"))
        }
        _ => None,
    }
}

/// `None` unless `scalar` is a scalar and `array` an array.
fn is_element(scalar: View<'_>, array: View<'_>) -> Option<bool> {
    if !scalar.is_scalar() {
        return None;
    }
    match array {
        View::Array(elements) => {
            Some(elements.iter().any(|element| equal(scalar, View::of(Some(element)))))
        }
        View::List(elements) => Some(elements.iter().any(|element| equal(scalar, element.view()))),
        _ => None,
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Left,
    Right,
}

/// Whether a comparison with this value on this side can ever hold.
pub(crate) fn fits(value: View<'_>, operator: Operator, side: Side) -> bool {
    let is_array = matches!(value, View::Array(_) | View::List(_));
    let is_text = matches!(value, View::Text(_) | View::Sid(_));
    let is_ordered = is_text || matches!(value, View::Int(_) | View::Number(_) | View::Decimal(_));
    match (operator, side) {
        (Operator::Equal | Operator::NotEqual, _) => value.is_scalar(),
        (
            Operator::Less | Operator::LessOrEqual | Operator::Greater | Operator::GreaterOrEqual,
            _,
        ) => is_ordered,
        (Operator::Contains, _) => is_text,
        (Operator::Has, Side::Left) | (Operator::In | Operator::NotIn, Side::Right) => is_array,
        (Operator::Has, Side::Right) | (Operator::In | Operator::NotIn, Side::Left) => {
            value.is_scalar()
        }
    }
}
