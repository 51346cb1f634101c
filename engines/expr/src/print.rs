//! Trees and what is left of them, as text.
//!
//! * What was read from a text prints as a text that reads the same.
//! * Values that came from a task may have no spelling in the language (a minus sign, both
//!   quotes); they print for people only.

use crate::{
    ChannelField, Node, Place, WorkerField,
    tree::{Branch, Comparison, Count, Operand, TimeField, Tree},
    value::{Constant, Scalar},
};
use std::fmt::{self, Display, Formatter, Write};

/// A condition as it would be written at `place`.
pub(crate) fn branch(f: &mut Formatter<'_>, branch: &Branch, place: Place) -> fmt::Result {
    match &branch.tree {
        Tree::And(parts) => joined(f, parts, " AND ", |f, part| {
            let needed = matches!(part.tree, Tree::Or(_));
            enclosed(f, needed, |f| self::branch(f, part, place))
        }),
        Tree::Or(parts) => joined(f, parts, " OR ", |f, part| self::branch(f, part, place)),
        Tree::Not(inner) => {
            f.write_str("NOT ")?;
            let needed = matches!(inner.tree, Tree::And(_) | Tree::Or(_));
            enclosed(f, needed, |f| self::branch(f, inner, place))
        }
        Tree::Compare { comparison, .. } => self::comparison(f, comparison, place),
    }
}

/// What is left to ask, with the prefixes of a target.
pub(crate) fn node(f: &mut Formatter<'_>, node: &Node) -> fmt::Result {
    match node {
        Node::Always(true) => f.write_str("1 == 1"),
        Node::Always(false) => f.write_str("1 == 0"),
        Node::And(parts) => joined(f, parts, " AND ", |f, part| {
            enclosed(f, matches!(part, Node::Or(_)), |f| self::node(f, part))
        }),
        Node::Or(parts) => joined(f, parts, " OR ", self::node),
        Node::Not(inner) => {
            f.write_str("NOT ")?;
            let needed = matches!(**inner, Node::And(_) | Node::Or(_));
            enclosed(f, needed, |f| self::node(f, inner))
        }
        Node::Test(test) => Display::fmt(test, f),
        Node::Volatile(test) => Display::fmt(test, f),
    }
}

/// One comparison as it would be written at `place`.
pub(crate) fn comparison(f: &mut Formatter<'_>, of: &Comparison, place: Place) -> fmt::Result {
    operand(f, &of.left, place)?;
    write!(f, " {} ", of.operator.symbol())?;
    operand(f, &of.right, place)
}

fn joined<T>(
    f: &mut Formatter<'_>,
    parts: &[T],
    between: &str,
    mut one: impl FnMut(&mut Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    for (i, part) in parts.iter().enumerate() {
        if i > 0 {
            f.write_str(between)?;
        }
        one(f, part)?;
    }
    Ok(())
}

fn enclosed(
    f: &mut Formatter<'_>,
    needed: bool,
    inside: impl FnOnce(&mut Formatter<'_>) -> fmt::Result,
) -> fmt::Result {
    if !needed {
        return inside(f);
    }
    f.write_str("(")?;
    inside(f)?;
    f.write_str(")")
}

fn operand(f: &mut Formatter<'_>, of: &Operand, place: Place) -> fmt::Result {
    let prefixed = place == Place::Target;
    match of {
        Operand::Constant(Constant::Scalar(value)) => scalar(f, value),
        Operand::Constant(Constant::List(values)) => {
            f.write_str("[")?;
            joined(f, values, ", ", scalar)?;
            f.write_str("]")
        }
        Operand::Constant(Constant::Object) => f.write_str("{…}"),
        Operand::Task(path) if prefixed => write!(f, "task{}", AfterPrefix(path)),
        Operand::Task(path) if place == Place::LiveQuery => {
            write!(f, "data{}", AfterPrefix(path))
        }
        Operand::Worker(path) if prefixed => write!(f, "worker{}", AfterPrefix(path)),
        Operand::Task(path) | Operand::Worker(path) | Operand::Nothing { path, .. } => {
            write!(f, "{path}")
        }
        Operand::Field(field) if prefixed => write!(f, "worker.{field}"),
        Operand::Field(field) => write!(f, "{field}"),
        Operand::Count(Count::Available) => f.write_str("workers.available"),
        Operand::Count(Count::Unavailable) => f.write_str("workers.unavailable"),
        Operand::Count(Count::Activity(sid)) => write!(f, "workers.{sid}"),
        Operand::Time(field) => write!(f, "taskrouter.{}", time_name(*field)),
        Operand::Schedule { name, .. } => write!(f, "schedule.{name}.open"),
    }
}

/// A path behind a prefix: `.key` or `[0]`.
struct AfterPrefix<'a>(&'a crate::Path);

impl Display for AfterPrefix<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if let Some(crate::Segment::Key(_)) = self.0.segments().first() {
            f.write_str(".")?;
        }
        Display::fmt(self.0, f)
    }
}

fn scalar(f: &mut Formatter<'_>, of: &Scalar) -> fmt::Result {
    match of {
        Scalar::Null => f.write_str("null"),
        Scalar::Bool(b) => write!(f, "{b}"),
        Scalar::Int(n) => write!(f, "{n}"),
        Scalar::Decimal(text) => decimal(f, text),
        Scalar::Text(text) => {
            let quote = if text.contains('\'') { '"' } else { '\'' };
            write!(f, "{quote}{text}{quote}")
        }
    }
}

/// Zeros that are written out; a larger exponent can only come from a task.
const ZEROS_MAX: i64 = 400;

/// The language has no exponents, so they are written out as zeros.
fn decimal(f: &mut Formatter<'_>, text: &str) -> fmt::Result {
    let (number, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let exponent: i64 = exponent.parse().unwrap_or(i64::MAX);
    let (sign, digits) = number.strip_prefix('-').map_or(("", number), |digits| ("-", digits));
    let shift = usize::try_from(exponent.unsigned_abs()).unwrap_or(usize::MAX);
    if exponent > ZEROS_MAX || exponent < -(ZEROS_MAX + digits.len() as i64) {
        return f.write_str(text);
    }
    f.write_str(sign)?;
    if exponent >= 0 {
        f.write_str(digits)?;
        return zeros(f, shift);
    }
    if shift < digits.len() {
        let (whole, fraction) = digits.split_at(digits.len() - shift);
        return write!(f, "{whole}.{fraction}");
    }
    f.write_str("0.")?;
    zeros(f, shift - digits.len())?;
    f.write_str(digits)
}

fn zeros(f: &mut Formatter<'_>, count: usize) -> fmt::Result {
    (0..count).try_for_each(|_| f.write_char('0'))
}

const fn time_name(field: TimeField) -> &'static str {
    match field {
        TimeField::CurrentTime => "currentTime",
        TimeField::CurrentHour => "currentHour",
        TimeField::CurrentMin => "currentMin",
        TimeField::DayOfWeek => "dayOfWeek",
    }
}

/// As it is written after `worker.`.
impl Display for WorkerField {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sid => f.write_str("sid"),
            Self::FriendlyName => f.write_str("friendly_name"),
            Self::ActivitySid => f.write_str("activity_sid"),
            Self::ActivityName => f.write_str("activity_name"),
            Self::AssignedTasks => f.write_str("assigned_tasks"),
            Self::Channel { name, what } => write!(f, "channel.{name}.{what}"),
        }
    }
}

impl Display for ChannelField {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ConfiguredCapacity => "configured_capacity",
            Self::AssignedTasks => "assigned_tasks",
            Self::AvailableCapacityPercentage => "available_capacity_percentage",
        })
    }
}
