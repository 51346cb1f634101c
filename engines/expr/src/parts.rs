//! What an expression compares with what: for those who hold it against real data.

use crate::{
    ChannelField, Path, WorkerField,
    error::position_at,
    tree::{Branch, Count, Operand, Operator, Tree},
    value::{Constant, Scalar},
};
use base::{Position, Sid};

/// One comparison of an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compared {
    /// As it is written.
    pub text: String,
    /// Where it stands.
    pub position: Position,
    /// What stands left.
    pub left: Operands,
    /// The operator's one spelling: `==`, `HAS`, `NOT IN`, ….
    pub operator: &'static str,
    /// What stands right.
    pub right: Operands,
}

/// One side of a comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operands {
    /// A string.
    Text(String),
    /// A number.
    Number,
    /// True, false or null, or a list.
    Other,
    /// A list of strings, at least one.
    Texts(Vec<String>),
    /// Null.
    Null,
    /// An attribute of the task.
    Task(Path),
    /// An attribute of the worker.
    Worker(Path),
    /// A built-in field of the worker.
    Field(WorkerField),
    /// The workers in this activity.
    InActivity(Sid),
    /// The schedule of this name.
    Schedule(String),
    /// Something that always has a value: a count, the time.
    Given,
    /// A path that means nothing here.
    Nothing,
}

impl Operands {
    /// The unique name of the channel it asks for.
    pub fn channel(&self) -> Option<(&str, ChannelField)> {
        match self {
            Self::Field(WorkerField::Channel { name, what }) => Some((name, *what)),
            _ => None,
        }
    }
}

/// All comparisons, in the order of the text.
pub(crate) fn compared(branch: &Branch, source: &str) -> Vec<Compared> {
    let mut found = Vec::new();
    collect(branch, source, &mut found);
    found
}

fn collect(branch: &Branch, source: &str, found: &mut Vec<Compared>) {
    match &branch.tree {
        Tree::And(parts) | Tree::Or(parts) => {
            parts.iter().for_each(|part| collect(part, source, found));
        }
        Tree::Not(inner) => collect(inner, source, found),
        Tree::Compare { comparison, .. } => found.push(Compared {
            text: branch.span.text(source).to_owned(),
            position: position_at(source, branch.span.start),
            left: side(&comparison.left),
            operator: comparison.operator.symbol(),
            right: side(&comparison.right),
        }),
    }
}

fn side(operand: &Operand) -> Operands {
    match operand {
        Operand::Constant(Constant::Scalar(Scalar::Text(text))) => Operands::Text((**text).into()),
        Operand::Constant(Constant::Scalar(Scalar::Int(_) | Scalar::Decimal(_))) => {
            Operands::Number
        }
        Operand::Constant(Constant::Scalar(Scalar::Null)) => Operands::Null,
        Operand::Constant(Constant::List(list)) => {
            let texts: Option<Vec<String>> =
                list.iter().map(|one| one.text().map(str::to_owned)).collect();
            texts.filter(|texts| !texts.is_empty()).map_or(Operands::Other, Operands::Texts)
        }
        Operand::Constant(_) => Operands::Other,
        Operand::Task(path) => Operands::Task(path.clone()),
        Operand::Worker(path) => Operands::Worker(path.clone()),
        Operand::Field(field) => Operands::Field(field.clone()),
        Operand::Count(Count::Activity(sid)) => Operands::InActivity(*sid),
        Operand::Count(_) | Operand::Time(_) => Operands::Given,
        Operand::Schedule { name, .. } => Operands::Schedule((**name).into()),
        Operand::Nothing { .. } => Operands::Nothing,
    }
}

/// Two comparisons that cannot both hold although both must: the later one's text and place.
pub(crate) fn contradiction(branch: &Branch, source: &str) -> Option<(String, Position)> {
    match &branch.tree {
        Tree::And(parts) => {
            let mut known: Vec<(&Operand, &Constant)> = Vec::new();
            for part in parts {
                let Tree::Compare { comparison, .. } = &part.tree else { continue };
                let (Operator::Equal, Operand::Constant(constant)) =
                    (comparison.operator, &comparison.right)
                else {
                    continue;
                };
                let left = &comparison.left;
                let differs = |(operand, other): &(&Operand, &Constant)| {
                    *operand == left && !same(other, constant)
                };
                if !matches!(left, Operand::Constant(_)) && known.iter().any(differs) {
                    let text = part.span.text(source).to_owned();
                    return Some((text, position_at(source, part.span.start)));
                }
                known.push((left, constant));
            }
            parts.iter().find_map(|part| contradiction(part, source))
        }
        Tree::Or(parts) => {
            let found: Option<Vec<_>> =
                parts.iter().map(|part| contradiction(part, source)).collect();
            found?.into_iter().next()
        }
        Tree::Not(_) | Tree::Compare { .. } => None,
    }
}

/// Whether one value can equal both: a number may be spelled as a text.
fn same(one: &Constant, two: &Constant) -> bool {
    match (one, two) {
        (Constant::Scalar(Scalar::Text(one)), Constant::Scalar(Scalar::Text(two))) => one == two,
        (
            Constant::Scalar(Scalar::Text(_)),
            Constant::Scalar(Scalar::Int(_) | Scalar::Decimal(_)),
        )
        | (
            Constant::Scalar(Scalar::Int(_) | Scalar::Decimal(_)),
            Constant::Scalar(Scalar::Text(_)),
        ) => true,
        (one, two) => one == two,
    }
}

#[cfg(test)]
mod tests {
    use crate::{Expression, Place};

    #[test]
    fn a_value_cannot_be_two_things_at_once() {
        let impossible = |text: &str| {
            Expression::compile(text, Place::Filter).expect(text).contradiction().is_some()
        };
        assert!(impossible("a == 1 AND a == 2"));
        assert!(impossible("b > 3 AND (a == 'x' AND a == 'y')"));
        assert!(impossible("(a == 1 AND a == 2) OR (a == 'x' AND a == 'y')"));
        assert!(!impossible("a == 1 OR a == 2"));
        assert!(!impossible("a == 1 AND a == '1'"));
        assert!(!impossible("(a == 1 AND a == 2) OR a == 3"));
        assert!(!impossible("a == 1 AND b == 2"));
    }
}
