//! The condition language of queues, workflows and worker lists: compile, evaluate, explain, bind.
//!
//! * A text is compiled once; evaluating it allocates nothing and cannot fail.
//! * A missing key is null and a comparison of unfit types is false; neither is an error.
//! * Compiling any text ends with an [`Expression`] or a [`CompileError`] that names a position:
//!   length and nesting have limits, so no text can exhaust the stack.
//! * Knows nothing of tasks, workers or activities beyond JSON documents and the few built-in
//!   fields it asks [`WorkerFacts`] for. Reads no clock: the time arrives in the [`Scope`].

mod bind;
mod compare;
mod decimal;
mod error;
mod evaluate;
mod lexer;
mod lint;
mod lookup;
mod parser;
mod parts;
mod path;
mod place;
mod print;
mod resolve;
mod scope;
mod trace;
mod tree;
mod uses;
mod value;

pub use bind::{Bound, Node, VolatileTest, WorkerTest};
pub use error::CompileError;
pub use lint::Warning;
pub use lookup::{Lookup, ScalarKey, scalars_at};
pub use parser::{DEPTH_MAX, SOURCE_CHARS_MAX};
pub use parts::{Compared, Operands};
pub use path::{Path, Segment};
pub use place::{Place, UnknownPlace};
pub use scope::{
    ChannelField, Fact, NoFacts, NoSchedules, Schedules, Scope, WorkerCounts, WorkerFacts,
    WorkerField,
};
pub use trace::{Trace, TraceStep};
pub use uses::Uses;

use serde_json::Value;
use std::{fmt, sync::Arc};

/// A compiled expression. Cloning shares it.
///
/// Two expressions are equal when their text and place are.
#[derive(Clone)]
pub struct Expression(Arc<Compiled>);

struct Compiled {
    source: Box<str>,
    place: Place,
    tree: tree::Branch,
    uses: Uses,
    /// What is left to ask, where that is the same for every task.
    bound: Option<Bound>,
}

impl Expression {
    /// Checks and compiles `source` with the keys and variables of `place`.
    ///
    /// An empty text is refused: what it means is a rule of whoever allows it.
    pub fn compile(source: &str, place: Place) -> Result<Self, CompileError> {
        let tree = parser::parse(source, place)?;
        let uses = uses::uses(&tree);
        let bound = (!uses.task).then(|| bind::bind(&tree, &Value::Null));
        Ok(Self(Arc::new(Compiled { source: source.into(), place, tree, uses, bound })))
    }

    /// The text it was compiled from.
    pub fn source(&self) -> &str {
        &self.0.source
    }

    /// The place it was compiled for.
    pub fn place(&self) -> Place {
        self.0.place
    }

    /// Whether it holds. Allocates nothing and stops as soon as the answer is known.
    pub fn evaluate(&self, scope: &Scope<'_>) -> bool {
        evaluate::holds(&self.0.tree, scope)
    }

    /// The value of every sub-expression beside its text, also of those that
    /// [`evaluate`](Self::evaluate) has no need to look at.
    pub fn trace(&self, scope: &Scope<'_>) -> Trace {
        trace::trace(&self.0.tree, &self.0.source, scope)
    }

    /// What kinds of data it reads.
    pub fn uses(&self) -> Uses {
        self.0.uses
    }

    /// Likely mistakes that are no errors, in the order of the text.
    pub fn lint(&self) -> Vec<Warning> {
        lint::lint(&self.0.tree, &self.0.source, self.0.place)
    }

    /// What it compares with what, in the order of the text.
    pub fn compared(&self) -> Vec<Compared> {
        parts::compared(&self.0.tree, &self.0.source)
    }

    /// A comparison that cannot hold together with one before it although both must, with its
    /// place.
    pub fn contradiction(&self) -> Option<(String, base::Position)> {
        parts::contradiction(&self.0.tree, &self.0.source)
    }

    /// What is left to ask about a worker and the time once the task is known.
    ///
    /// Counts of `skip_if` are not part of that question: they read as null. An expression that
    /// reads nothing of the task is bound once, when it is compiled.
    pub fn bind(&self, task: &Value) -> Bound {
        self.0.bound.clone().unwrap_or_else(|| bind::bind(&self.0.tree, task))
    }
}

impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
            || (self.place() == other.place() && self.source() == other.source())
    }
}

impl Eq for Expression {}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Expression").field(&self.place()).field(&self.source()).finish()
    }
}

/// One spelling for all texts with the same reading: keywords in capitals, single spaces, the
/// parentheses that are needed. Compiling it at the same place gives the same answers.
impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print::branch(f, &self.0.tree, self.0.place)
    }
}
