//! Everything that must hold for any text at all. The fuzz target and the stable tests share it.

use base::Timestamp;
use expr::{
    Bound, ChannelField, Expression, Fact, Node, Place, SOURCE_CHARS_MAX, Scope, WorkerCounts,
    WorkerFacts, WorkerField, WorkerTest, scalars_at,
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, sync::LazyLock};

/// Compiles `text` at every place and checks what must hold of the result.
///
/// # Panics
/// If something does not hold.
pub(crate) fn exercise(text: &str) {
    for place in Place::ALL {
        match Expression::compile(text, place) {
            Err(error) => {
                assert!(!error.message.is_empty());
                let lines = 1 + text.matches(['\n', '\r']).count();
                assert!((1..=lines).contains(&(error.position.line as usize)), "{error}");
                let columns = 1 + text.chars().count();
                assert!((1..=columns).contains(&(error.position.column as usize)), "{error}");
            }
            Ok(expression) => exercise_compiled(&expression),
        }
    }
}

fn exercise_compiled(expression: &Expression) {
    for warning in expression.lint() {
        assert!(!warning.to_string().is_empty());
    }
    let printed = expression.to_string();
    let again = (printed.chars().count() <= SOURCE_CHARS_MAX).then(|| {
        Expression::compile(&printed, expression.place()).expect("what is printed compiles")
    });
    if let Some(again) = &again {
        assert_eq!(again.to_string(), printed);
        assert_eq!(again.uses(), expression.uses());
    }
    for (i, task) in DOCUMENTS.iter().enumerate() {
        let bound = expression.bind(task);
        for worker in DOCUMENTS.iter() {
            let now = Timestamp(i as i64 * 37_000_000);
            let schedules = BTreeMap::from([("a".to_owned(), i % 2 == 0)]);
            let scope = Scope {
                task,
                worker,
                facts: &Facts,
                workers: Some(&COUNTS),
                now,
                schedules: &schedules,
            };
            let answer = expression.evaluate(&scope);
            let trace = expression.trace(&scope);
            assert_eq!(trace.steps[0].value, Value::Bool(answer), "{expression:?}");
            assert_eq!(trace.steps[0].expression, expression.source().trim());
            if let Some(again) = &again {
                assert_eq!(again.evaluate(&scope), answer, "{expression:?} as {printed}");
            }
            if expression.place() != Place::SkipIf {
                let later = bound.evaluate(worker, &Facts, now, &schedules);
                assert_eq!(later, answer, "{expression:?} as {bound}");
            }
            exercise_lookups(&bound, worker);
        }
    }
}

/// An index over any path answers as the tests do.
fn exercise_lookups(bound: &Bound, worker: &Value) {
    for test in tests(bound.node()) {
        if let Some(lookup) = test.lookup() {
            let stored = scalars_at(lookup.path(), worker);
            let found = lookup.keys().iter().any(|key| stored.binary_search(key).is_ok());
            assert_eq!(found, test.evaluate(worker), "{test:?} for {worker}");
        }
    }
}

fn tests(node: &Node) -> Vec<&WorkerTest> {
    match node {
        Node::Test(test) => vec![test],
        Node::Always(_) | Node::Volatile(_) => vec![],
        Node::Not(inner) => tests(inner),
        Node::And(parts) | Node::Or(parts) => parts.iter().flat_map(tests).collect(),
    }
}

struct Facts;

impl WorkerFacts for Facts {
    fn fact(&self, field: &WorkerField) -> Fact<'_> {
        let sid = |text: &str| Fact::Sid(text.parse().expect("a SID"));
        match field {
            WorkerField::Sid => sid("WK00000000000000000000000000000001"),
            WorkerField::ActivitySid => sid("WA00000000000000000000000000000002"),
            WorkerField::FriendlyName => Fact::Text("ana"),
            WorkerField::ActivityName => Fact::Null,
            WorkerField::AssignedTasks => Fact::Number(1),
            WorkerField::Channel { what: ChannelField::AvailableCapacityPercentage, .. } => {
                Fact::Number(50)
            }
            WorkerField::Channel { .. } => Fact::Number(1),
        }
    }
}

static COUNTS: LazyLock<WorkerCounts> = LazyLock::new(|| WorkerCounts {
    available: 1,
    unavailable: 0,
    by_activity: BTreeMap::from([(
        "WA11111111111111111111111111111111".parse().expect("a SID"),
        1,
    )]),
});

/// Documents that serve as tasks and as workers, with the keys of the vectors.
static DOCUMENTS: LazyLock<[Value; 3]> = LazyLock::new(|| {
    [
        Value::Null,
        json!({
            "a": 1, "b": "1", "c": [1, "x", null, 1.5], "s": "Gold", "n": -6, "ns": "6.0",
            "type": "ticket", "level": 4, "skills": ["billing", "x"], "o": {"k": 1}, "vip": true,
            "worker": {"a": 1}, "schedule": {"b": {"open": true}},
        }),
        json!({
            "a": "1.0", "b": 1.0, "c": "x", "s": ["Gold"], "n": 9_007_199_254_740_993_i64,
            "ns": u64::MAX, "type": null, "level": 5.1, "skills": [["x"]], "o": 1e300,
        }),
    ]
});
