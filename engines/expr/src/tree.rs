//! The compiled form: comparisons joined by AND, OR and NOT, each with its place in the text.

use crate::{Path, WorkerField, value::Constant};
use base::Sid;

/// A byte range of the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl Span {
    pub(crate) fn text(self, source: &str) -> &str {
        &source[self.start..self.end]
    }

    pub(crate) fn to(self, end: Self) -> Self {
        Self { start: self.start, end: end.end }
    }
}

/// A condition and the text it was read from.
#[derive(Debug)]
pub(crate) struct Branch {
    pub(crate) span: Span,
    pub(crate) tree: Tree,
}

#[derive(Debug)]
pub(crate) enum Tree {
    /// Two or more, all of which must hold.
    And(Box<[Branch]>),
    /// Two or more, one of which must hold.
    Or(Box<[Branch]>),
    Not(Box<Branch>),
    Compare {
        comparison: Comparison,
        left: Span,
        right: Span,
    },
}

impl Branch {
    /// Calls `visit` with every comparison, in the order of the text.
    pub(crate) fn each_comparison(&self, visit: &mut impl FnMut(&Comparison)) {
        match &self.tree {
            Tree::And(parts) | Tree::Or(parts) => {
                parts.iter().for_each(|part| part.each_comparison(visit));
            }
            Tree::Not(inner) => inner.each_comparison(visit),
            Tree::Compare { comparison, .. } => visit(comparison),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Comparison {
    pub(crate) left: Operand,
    pub(crate) operator: Operator,
    pub(crate) right: Operand,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Contains,
    Has,
    In,
    NotIn,
}

impl Operator {
    pub(crate) const fn symbol(self) -> &'static str {
        match self {
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::Contains => "CONTAINS",
            Self::Has => "HAS",
            Self::In => "IN",
            Self::NotIn => "NOT IN",
        }
    }
}

/// One side of a comparison.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Operand {
    Constant(Constant),
    /// An attribute of the task.
    Task(Path),
    /// An attribute of the worker.
    Worker(Path),
    /// A built-in field of the worker.
    Field(WorkerField),
    /// A count over the members of a queue.
    Count(Count),
    /// A variable of the time of day.
    Time(TimeField),
    /// Whether a schedule is open; `otherwise` if there is none of that name.
    Schedule {
        name: Box<str>,
        otherwise: Box<Operand>,
    },
    /// A path that means nothing at this place: null.
    Nothing {
        path: Path,
        why: Nothing,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Count {
    Available,
    Unavailable,
    Activity(Sid),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum TimeField {
    CurrentTime,
    CurrentHour,
    CurrentMin,
    DayOfWeek,
}

/// Why a path means nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Nothing {
    /// The place wants a prefix before every key.
    Unprefixed,
    /// The place has no such prefix.
    WrongPrefix,
    /// The prefix is right and the variable after it is not one.
    UnknownVariable,
}
