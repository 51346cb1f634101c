//! Mistakes that compile: an expression that is allowed and hardly does what its author meant.

use crate::{
    Place, Segment,
    compare::{Side, fits},
    error::position_at,
    tree::{Branch, Comparison, Nothing, Operand, Operator, Span, Tree},
    value::{Constant, Scalar, View},
};
use base::Position;
use std::fmt;

/// Something in an expression that is allowed and hardly meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Warning {
    /// A key without the prefix that the place wants: null.
    Unprefixed {
        /// The key as written.
        key: String,
        /// What the place knows.
        place: Place,
        /// Where it stands.
        position: Position,
    },
    /// A prefix that this place does not have.
    WrongPrefix {
        /// The path as written.
        path: String,
        /// What the place knows.
        place: Place,
        /// Where it stands.
        position: Position,
    },
    /// A variable or built-in field that does not exist: null.
    UnknownVariable {
        /// The path as written.
        path: String,
        /// Where it stands.
        position: Position,
    },
    /// Two constants, one of them a quoted word that was probably meant as a key.
    TwoConstants {
        /// The comparison as written.
        comparison: String,
        /// Where it stands.
        position: Position,
    },
    /// `==` of two attributes: true for everyone where both are missing.
    JoinOfMissing {
        /// The comparison as written.
        comparison: String,
        /// The side to compare with null first.
        guard: String,
        /// Where it stands.
        position: Position,
    },
    /// A constant that its operator can do nothing with: always false.
    NeverTrue {
        /// The comparison as written.
        comparison: String,
        /// What the operator wants.
        wanted: &'static str,
        /// Where it stands.
        position: Position,
    },
    /// `>-` or `<-` before a number, which mean HAS and IN, not a negative number.
    ArrowBeforeNumber {
        /// The comparison as written.
        comparison: String,
        /// Where it stands.
        position: Position,
    },
}

impl Warning {
    /// Where it stands.
    pub fn position(&self) -> Position {
        match self {
            Self::Unprefixed { position, .. }
            | Self::WrongPrefix { position, .. }
            | Self::UnknownVariable { position, .. }
            | Self::TwoConstants { position, .. }
            | Self::JoinOfMissing { position, .. }
            | Self::NeverTrue { position, .. }
            | Self::ArrowBeforeNumber { position, .. } => *position,
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unprefixed { key, place, .. } => {
                write!(f, "`{key}` is null: {}", prefixes(*place))
            }
            Self::WrongPrefix { path, place, .. } => {
                write!(f, "`{path}` is hardly what was meant: {}", prefixes(*place))
            }
            Self::UnknownVariable { path, .. } => {
                write!(f, "`{path}` is null: there is no such variable")
            }
            Self::TwoConstants { comparison, .. } => write!(
                f,
                "`{comparison}` compares two constants: a quoted word is a string, never a key"
            ),
            Self::JoinOfMissing { comparison, guard, .. } => {
                write!(f, "`{comparison}` is true when both are missing: add `{guard} != null AND`")
            }
            Self::NeverTrue { comparison, wanted, .. } => {
                write!(f, "`{comparison}` is always false: {wanted}")
            }
            Self::ArrowBeforeNumber { comparison, .. } => write!(
                f,
                "in `{comparison}` the arrow means HAS or IN: there are no negative numbers"
            ),
        }
    }
}

const fn prefixes(place: Place) -> &'static str {
    match place {
        Place::Filter => "keys are task attributes and stand without a prefix",
        Place::Queue | Place::WorkerList => "keys are worker attributes and stand without a prefix",
        Place::Target => "write task. or worker. before the key",
        Place::SkipIf => "only workers.available, workers.unavailable and workers.WA… can be read",
        Place::LiveQuery => "write data. before the key",
    }
}

/// All warnings, in the order of the text.
pub(crate) fn lint(branch: &Branch, source: &str, place: Place) -> Vec<Warning> {
    let mut linter = Linter { source, place, guarded: Vec::new(), warnings: Vec::new() };
    linter.branch(branch);
    linter.warnings
}

struct Linter<'a> {
    source: &'a str,
    place: Place,
    /// Sides that are known not to be null here.
    guarded: Vec<&'a Operand>,
    warnings: Vec<Warning>,
}

/// A comparison and where it stands.
struct Seen<'a> {
    comparison: &'a Comparison,
    whole: Span,
    left: Span,
    right: Span,
}

impl<'a> Linter<'a> {
    fn branch(&mut self, branch: &'a Branch) {
        match &branch.tree {
            Tree::And(parts) => {
                let outer = self.guarded.len();
                self.guarded.extend(parts.iter().filter_map(presence_test));
                parts.iter().for_each(|part| self.branch(part));
                self.guarded.truncate(outer);
            }
            Tree::Or(parts) => parts.iter().for_each(|part| self.branch(part)),
            Tree::Not(inner) => self.branch(inner),
            Tree::Compare { comparison, left, right } => {
                let seen = Seen { comparison, whole: branch.span, left: *left, right: *right };
                self.operand(&comparison.left, *left);
                self.operand(&comparison.right, *right);
                self.comparison(&seen);
            }
        }
    }

    fn operand(&mut self, operand: &Operand, span: Span) {
        let (path, position) = (self.text(span), position_at(self.source, span.start));
        let place = self.place;
        let why = match operand {
            Operand::Nothing { why, .. } => *why,
            Operand::Task(path) if place == Place::Filter && is_foreign(path.segments(), place) => {
                Nothing::WrongPrefix
            }
            Operand::Worker(path)
                if place != Place::Target && is_foreign(path.segments(), place) =>
            {
                Nothing::WrongPrefix
            }
            _ => return,
        };
        self.warnings.push(match why {
            Nothing::Unprefixed => Warning::Unprefixed { key: path, place, position },
            Nothing::WrongPrefix => Warning::WrongPrefix { path, place, position },
            Nothing::UnknownVariable => Warning::UnknownVariable { path, position },
        });
    }

    fn comparison(&mut self, seen: &Seen<'a>) {
        let Comparison { left, operator, right } = seen.comparison;
        let position = position_at(self.source, seen.whole.start);
        let comparison = self.text(seen.whole);
        let between = &self.source[seen.left.end..seen.right.start];
        let warning =
            if between.trim_start().len() == 2 && between.ends_with('-') && is_number(right) {
                Warning::ArrowBeforeNumber { comparison, position }
            } else if let (Operand::Constant(a), Operand::Constant(b)) = (left, right) {
                if ![a, b].into_iter().any(is_quoted) {
                    return;
                }
                Warning::TwoConstants { comparison, position }
            } else if let Some(wanted) = unfit(left, *operator, right) {
                Warning::NeverTrue { comparison, wanted, position }
            } else if *operator == Operator::Equal && self.is_open_join(left, right) {
                Warning::JoinOfMissing { comparison, guard: self.text(seen.left), position }
            } else {
                return;
            };
        self.warnings.push(warning);
    }

    fn is_open_join(&self, left: &Operand, right: &Operand) -> bool {
        let is_attribute =
            |operand: &Operand| matches!(operand, Operand::Task(_) | Operand::Worker(_));
        let is_guarded = |operand: &Operand| self.guarded.contains(&operand);
        is_attribute(left) && is_attribute(right) && !is_guarded(left) && !is_guarded(right)
    }

    fn text(&self, span: Span) -> String {
        span.text(self.source).to_owned()
    }
}

/// The side that `x != null` shows to be there.
fn presence_test(branch: &Branch) -> Option<&Operand> {
    const NULL: Operand = Operand::Constant(Constant::NULL);
    let Tree::Compare { comparison: Comparison { left, operator, right }, .. } = &branch.tree
    else {
        return None;
    };
    match operator {
        Operator::NotEqual if *right == NULL => Some(left),
        Operator::NotEqual if *left == NULL => Some(right),
        _ => None,
    }
}

/// Whether the first key is a prefix of some other place.
fn is_foreign(segments: &[Segment], place: Place) -> bool {
    let [Segment::Key(first), _, ..] = segments else { return false };
    match &**first {
        "task" | "worker" | "workers" => true,
        "taskrouter" => place != Place::Filter,
        _ => false,
    }
}

fn is_number(operand: &Operand) -> bool {
    matches!(operand, Operand::Constant(Constant::Scalar(Scalar::Int(_) | Scalar::Decimal(_))))
}

fn is_quoted(constant: &Constant) -> bool {
    matches!(constant, Constant::Scalar(Scalar::Text(_)))
}

/// What the operator wants where a constant does not fit it.
fn unfit(left: &Operand, operator: Operator, right: &Operand) -> Option<&'static str> {
    let is_unfit = |operand: &Operand, side| match operand {
        Operand::Constant(constant) => !fits(constant.view(), operator, side),
        Operand::Nothing { .. } => !fits(View::Null, operator, side),
        _ => false,
    };
    if !is_unfit(left, Side::Left) && !is_unfit(right, Side::Right) {
        return None;
    }
    Some(match operator {
        Operator::Equal | Operator::NotEqual => "it compares single values, not lists",
        Operator::Less | Operator::LessOrEqual | Operator::Greater | Operator::GreaterOrEqual => {
            "only numbers and strings have an order"
        }
        Operator::Contains => "CONTAINS looks for a string in a string",
        Operator::Has => "HAS wants a list on its left and a single value on its right",
        Operator::In | Operator::NotIn => {
            "IN wants a single value on its left, a list on its right"
        }
    })
}
