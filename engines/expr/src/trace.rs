//! The value of every sub-expression, for people.

use crate::{
    Scope,
    evaluate::{holds, view},
    tree::{Branch, Span, Tree},
    value::{Scalar, View},
};
use serde::Serialize;
use serde_json::{Number, Value};

/// An expression and all its parts, each before its own parts. A list rather than a tree: it
/// reads from top to bottom and its JSON is never deep.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Trace {
    /// The whole expression first.
    pub steps: Vec<TraceStep>,
}

/// One part of an expression.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TraceStep {
    /// How deep it stands: 0 for the whole.
    pub depth: usize,
    /// Its text.
    pub expression: String,
    /// Its value: true or false for a condition, what was found for a side of a comparison.
    pub value: Value,
}

/// The trace of a whole expression.
pub(crate) fn trace(branch: &Branch, source: &str, scope: &Scope<'_>) -> Trace {
    let mut tracer = Tracer { source, scope, steps: Vec::new() };
    tracer.branch(branch, 0);
    Trace { steps: tracer.steps }
}

struct Tracer<'a> {
    source: &'a str,
    scope: &'a Scope<'a>,
    steps: Vec<TraceStep>,
}

impl Tracer<'_> {
    fn branch(&mut self, branch: &Branch, depth: usize) {
        self.step(branch.span, depth, Value::Bool(holds(branch, self.scope)));
        match &branch.tree {
            Tree::And(parts) | Tree::Or(parts) => {
                parts.iter().for_each(|part| self.branch(part, depth + 1));
            }
            Tree::Not(inner) => self.branch(inner, depth + 1),
            Tree::Compare { comparison, left, right } => {
                self.step(*left, depth + 1, json(view(&comparison.left, self.scope)));
                self.step(*right, depth + 1, json(view(&comparison.right, self.scope)));
            }
        }
    }

    fn step(&mut self, span: Span, depth: usize, value: Value) {
        let expression = span.text(self.source).to_owned();
        self.steps.push(TraceStep { depth, expression, value });
    }
}

/// A value as JSON. The inside of an object is left out: no operator looks at it.
fn json(view: View<'_>) -> Value {
    match view {
        View::Null => Value::Null,
        View::Bool(b) => Value::Bool(b),
        View::Int(n) => Value::from(n),
        View::Number(n) => Value::Number(n.clone()),
        View::Decimal(text) => {
            text.parse::<Number>().map_or_else(|_| Value::from(text), Value::Number)
        }
        View::Text(text) => Value::from(text),
        View::Sid(sid) => Value::from(sid.to_string()),
        View::Array(elements) => Value::Array(elements.to_vec()),
        View::List(elements) => elements.iter().map(Scalar::view).map(json).collect(),
        View::Object => Value::Object(serde_json::Map::new()),
    }
}

#[cfg(test)]
mod tests {
    use crate::{Expression, Place, Scope};
    use serde_json::json;

    #[test]
    fn every_part_is_listed_with_its_text_and_value() {
        let source = "(a == 1 OR skills HAS 'x')\n AND NOT price > 1.5";
        let expression = Expression::compile(source, Place::Filter).unwrap();
        let task = json!({"a": "1", "skills": ["y"], "price": 0.5});
        let trace = expression.trace(&Scope { task: &task, ..Scope::default() });
        assert_eq!(
            serde_json::to_value(trace).unwrap(),
            json!([
                {"depth": 0, "expression": source, "value": true},
                {"depth": 1, "expression": "(a == 1 OR skills HAS 'x')", "value": true},
                {"depth": 2, "expression": "a == 1", "value": true},
                {"depth": 3, "expression": "a", "value": "1"},
                {"depth": 3, "expression": "1", "value": 1},
                {"depth": 2, "expression": "skills HAS 'x'", "value": false},
                {"depth": 3, "expression": "skills", "value": ["y"]},
                {"depth": 3, "expression": "'x'", "value": "x"},
                {"depth": 1, "expression": "NOT price > 1.5", "value": true},
                {"depth": 2, "expression": "price > 1.5", "value": false},
                {"depth": 3, "expression": "price", "value": 0.5},
                {"depth": 3, "expression": "1.5", "value": 1.5},
            ])
        );
    }
}
