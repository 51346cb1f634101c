//! What is left of an expression once the task is known.
//!
//! * A bound expression answers as the expression did with that task, for every worker.
//! * Equal questions have one form: operators that mirror each other become one, conditions are
//!   sorted, what is known is folded away. So a bound expression is a good key for a cache.

use crate::{
    Path, Place, Schedules, Scope, Uses, WorkerFacts, WorkerField,
    compare::{Side, compare, fits},
    evaluate::compares,
    print,
    tree::{Branch, Comparison, Operand, Operator, Tree},
    value::{Constant, Scalar},
};
use base::Timestamp;
use serde_json::Value;
use std::{fmt, sync::Arc};

/// A question about one worker and the time. Cloning shares it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bound(Arc<Node>);

/// The shape of a [`Bound`]. Inside AND and OR the cheap and cacheable parts come first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Node {
    /// The answer does not depend on the worker or the time. Only ever the whole question.
    Always(bool),
    /// Asks for attributes of the worker only.
    Test(WorkerTest),
    /// Asks for something that changes without the attributes.
    Volatile(VolatileTest),
    /// The opposite.
    Not(Box<Node>),
    /// All of these, two or more.
    And(Vec<Node>),
    /// Any of these, two or more.
    Or(Vec<Node>),
}

/// One comparison that reads attributes of the worker and nothing else. Cloning shares it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WorkerTest(pub(crate) Arc<Comparison>);

/// One comparison that reads a built-in field of the worker, the time or opening hours.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VolatileTest(Arc<Comparison>);

impl Bound {
    /// The question that every worker answers with yes.
    pub fn always() -> Self {
        Self::of(Node::Always(true))
    }

    /// The question that no worker answers with yes.
    pub fn never() -> Self {
        Self::of(Node::Always(false))
    }

    /// Both questions at once.
    pub fn and(&self, other: &Self) -> Self {
        match (self.node(), other.node()) {
            (Node::Always(true), _) => other.clone(),
            (_, Node::Always(true)) => self.clone(),
            (one, other) => Self::of(all(vec![one.clone(), other.clone()])),
        }
    }

    fn of(node: Node) -> Self {
        Self(Arc::new(node))
    }

    /// The answer of one worker at one time.
    pub fn evaluate(
        &self,
        worker: &Value,
        facts: &dyn WorkerFacts,
        now: Timestamp,
        schedules: &dyn Schedules,
    ) -> bool {
        self.0.holds(&Scope { worker, facts, now, schedules, ..Scope::default() })
    }

    /// Its shape.
    pub fn node(&self) -> &Node {
        &self.0
    }

    /// Whether the answer can change while the worker's attributes stay the same. If not, it can
    /// be kept until they change.
    pub fn is_volatile(&self) -> bool {
        self.0.is_volatile()
    }

    /// What kinds of data are left to ask for.
    pub fn uses(&self) -> Uses {
        let mut uses = Uses::default();
        self.0.each_comparison(&mut |comparison| uses.add_comparison(comparison));
        uses
    }
}

impl Node {
    fn holds(&self, scope: &Scope<'_>) -> bool {
        match self {
            Self::Always(answer) => *answer,
            Self::Test(test) => compares(&test.0, scope),
            Self::Volatile(test) => compares(&test.0, scope),
            Self::Not(inner) => !inner.holds(scope),
            Self::And(parts) => parts.iter().all(|part| part.holds(scope)),
            Self::Or(parts) => parts.iter().any(|part| part.holds(scope)),
        }
    }

    /// As [`Bound::is_volatile`], for a part.
    pub fn is_volatile(&self) -> bool {
        match self {
            Self::Always(_) | Self::Test(_) => false,
            Self::Volatile(_) => true,
            Self::Not(inner) => inner.is_volatile(),
            Self::And(parts) | Self::Or(parts) => parts.iter().any(Self::is_volatile),
        }
    }

    fn each_comparison(&self, visit: &mut impl FnMut(&Comparison)) {
        match self {
            Self::Always(_) => {}
            Self::Test(test) => visit(&test.0),
            Self::Volatile(test) => visit(&test.0),
            Self::Not(inner) => inner.each_comparison(visit),
            Self::And(parts) | Self::Or(parts) => {
                parts.iter().for_each(|part| part.each_comparison(visit));
            }
        }
    }
}

impl WorkerTest {
    /// The answer of one worker.
    pub fn evaluate(&self, worker: &Value) -> bool {
        compares(&self.0, &Scope { worker, ..Scope::default() })
    }

    /// The attributes it reads, one or two.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        [&self.0.left, &self.0.right].into_iter().filter_map(|operand| match operand {
            Operand::Worker(path) => Some(path),
            _ => None,
        })
    }
}

impl VolatileTest {
    /// The answer of one worker at one time.
    pub fn evaluate(
        &self,
        worker: &Value,
        facts: &dyn WorkerFacts,
        now: Timestamp,
        schedules: &dyn Schedules,
    ) -> bool {
        compares(&self.0, &Scope { worker, facts, now, schedules, ..Scope::default() })
    }

    /// What kinds of data it asks for.
    pub fn uses(&self) -> Uses {
        let mut uses = Uses::default();
        uses.add_comparison(&self.0);
        uses
    }

    /// If only workers can answer yes whose `field` is one of certain texts: the field and the
    /// texts. A join on `worker.sid` names its only candidate this way.
    pub fn named(&self) -> Option<(&WorkerField, Vec<&str>)> {
        let Comparison { left: Operand::Field(field), operator, right: Operand::Constant(right) } =
            &*self.0
        else {
            return None;
        };
        let texts = match (operator, right) {
            (Operator::Equal, Constant::Scalar(scalar)) => vec![scalar.text()?],
            (Operator::In, Constant::List(scalars)) => {
                scalars.iter().map(Scalar::text).collect::<Option<_>>()?
            }
            _ => return None,
        };
        Some((field, texts))
    }
}

/// What is left of `branch` for this task.
pub(crate) fn bind(branch: &Branch, task: &Value) -> Bound {
    Bound::of(node(branch, task))
}

fn node(branch: &Branch, task: &Value) -> Node {
    let nodes = |parts: &[Branch]| parts.iter().map(|part| node(part, task)).collect();
    match &branch.tree {
        Tree::And(parts) => all(nodes(parts)),
        Tree::Or(parts) => any(nodes(parts)),
        Tree::Not(inner) => match node(inner, task) {
            Node::Always(answer) => Node::Always(!answer),
            Node::Not(twice) => *twice,
            inner => Node::Not(Box::new(inner)),
        },
        Tree::Compare { comparison, .. } => leaf(Comparison {
            left: operand(&comparison.left, task),
            operator: comparison.operator,
            right: operand(&comparison.right, task),
        }),
    }
}

fn all(parts: Vec<Node>) -> Node {
    let mut flat = Vec::new();
    for part in parts {
        match part {
            Node::Always(true) => {}
            Node::Always(false) => return part,
            Node::And(inner) => flat.extend(inner),
            part => flat.push(part),
        }
    }
    joined(flat, true, Node::And)
}

fn any(parts: Vec<Node>) -> Node {
    let mut flat = Vec::new();
    for part in parts {
        match part {
            Node::Always(false) => {}
            Node::Always(true) => return part,
            Node::Or(inner) => flat.extend(inner),
            part => flat.push(part),
        }
    }
    joined(flat, false, Node::Or)
}

fn joined(mut parts: Vec<Node>, of_none: bool, join: fn(Vec<Node>) -> Node) -> Node {
    parts.sort_unstable();
    parts.dedup();
    match parts.len() {
        0 => Node::Always(of_none),
        1 => parts.remove(0),
        _ => join(parts),
    }
}

/// The side with what the task says put in its place.
fn operand(operand: &Operand, task: &Value) -> Operand {
    match operand {
        Operand::Task(path) => Operand::Constant(Constant::of(path.find(task))),
        Operand::Nothing { .. } | Operand::Count(_) => Operand::Constant(Constant::NULL),
        Operand::Schedule { name, otherwise } => Operand::Schedule {
            name: name.clone(),
            otherwise: Box::new(self::operand(otherwise, task)),
        },
        Operand::Constant(_) | Operand::Worker(_) | Operand::Field(_) | Operand::Time(_) => {
            operand.clone()
        }
    }
}

/// The one form of a comparison, or its answer.
fn leaf(comparison: Comparison) -> Node {
    let Comparison { mut left, operator, mut right } = mirrored(comparison);
    for (side, operand) in [(Side::Left, &left), (Side::Right, &right)] {
        if let Operand::Constant(constant) = operand
            && !fits(constant.view(), operator, side)
        {
            return Node::Always(false);
        }
    }
    if let (Operand::Constant(left), Operand::Constant(right)) = (&left, &right) {
        return Node::Always(compare(left.view(), operator, right.view()));
    }
    let mut operator = operator;
    if let Operand::Constant(Constant::List(elements)) = &mut right {
        let mut sorted = std::mem::take(elements).into_vec();
        sorted.sort_unstable();
        sorted.dedup();
        match (operator, sorted.len()) {
            (Operator::In, 0) => return Node::Always(false),
            (Operator::In | Operator::NotIn, 1) => {
                operator =
                    if operator == Operator::In { Operator::Equal } else { Operator::NotEqual };
                right = Operand::Constant(Constant::Scalar(sorted.remove(0)));
            }
            _ => *elements = sorted.into(),
        }
    }
    if matches!(operator, Operator::Equal | Operator::NotEqual) && is_after(&left, &right) {
        std::mem::swap(&mut left, &mut right);
    }
    let is_lasting =
        |operand: &Operand| matches!(operand, Operand::Constant(_) | Operand::Worker(_));
    let lasting = is_lasting(&left) && is_lasting(&right);
    let comparison = Arc::new(Comparison { left, operator, right });
    if lasting {
        Node::Test(WorkerTest(comparison))
    } else {
        Node::Volatile(VolatileTest(comparison))
    }
}

/// The same question with IN for HAS, and `<` and `<=` for their mirror images between two
/// things that both vary; a constant stands right of an ordering or equality.
fn mirrored(comparison: Comparison) -> Comparison {
    let Comparison { left, operator, right } = comparison;
    let constant = |operand: &Operand| matches!(operand, Operand::Constant(_));
    let vary = !constant(&left) && !constant(&right);
    let mirror = match operator {
        Operator::Has => Some(Operator::In),
        Operator::Equal | Operator::NotEqual => constant(&left).then_some(operator),
        Operator::Less => constant(&left).then_some(Operator::Greater),
        Operator::LessOrEqual => constant(&left).then_some(Operator::GreaterOrEqual),
        Operator::Greater => (vary || constant(&left)).then_some(Operator::Less),
        Operator::GreaterOrEqual => (vary || constant(&left)).then_some(Operator::LessOrEqual),
        Operator::Contains | Operator::In | Operator::NotIn => None,
    };
    match mirror {
        Some(operator) => Comparison { left: right, operator, right: left },
        None => Comparison { left, operator, right },
    }
}

/// Whether two sides that may be swapped stand in the wrong order: constants go right.
fn is_after(left: &Operand, right: &Operand) -> bool {
    match (left, right) {
        (_, Operand::Constant(_)) => false,
        (Operand::Constant(_), _) => true,
        _ => left > right,
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print::node(f, &self.0)
    }
}

impl fmt::Debug for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bound({self})")
    }
}

impl fmt::Display for WorkerTest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print::comparison(f, &self.0, Place::Target)
    }
}

impl fmt::Debug for WorkerTest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WorkerTest({self})")
    }
}

impl fmt::Display for VolatileTest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print::comparison(f, &self.0, Place::Target)
    }
}

impl fmt::Debug for VolatileTest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VolatileTest({self})")
    }
}
