//! Laws that hold for random expressions over random documents.
//!
//! The documents are made of few keys and of values that are easily confused, so that a random
//! comparison is often true.

mod exercise;

use base::Timestamp;
use expr::{Expression, NoFacts, NoSchedules, Node, Place, Scope, WorkerTest, scalars_at};
use proptest::{collection::vec, prelude::*, sample::select};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Values that differ in type, in spelling, or by less than floating point can tell.
fn scalars() -> impl Strategy<Value = Value> {
    let alike = vec![
        json!(1),
        json!(1.0),
        json!("1"),
        json!("1.0"),
        json!("01"),
        json!(true),
        json!("true"),
        Value::Null,
        json!("null"),
        json!(-1),
        json!("-1"),
    ];
    let others = vec![
        json!(false),
        json!(0),
        json!(-0.0),
        json!(5.1),
        json!(9_007_199_254_740_992_i64),
        json!(9_007_199_254_740_993_i64),
        json!(9_007_199_254_740_992.0),
        json!(u64::MAX),
        json!(1e300),
        json!(1e-7),
        json!(""),
        json!("0"),
        json!("-0.0"),
        json!("5.10"),
        json!("0.0000001"),
        json!("9007199254740993"),
        json!("18446744073709551615"),
        json!("a"),
        json!("ab"),
        json!("it's"),
    ];
    prop_oneof![2 => select(alike), 1 => select(others)]
}

fn values() -> impl Strategy<Value = Value> {
    let nested = prop_oneof![
        6 => scalars(),
        1 => Just(json!([1])),
        1 => Just(json!({"a": 1})),
    ];
    prop_oneof![
        5 => scalars(),
        3 => vec(nested, 0..4).prop_map(Value::from),
        1 => scalars().prop_map(|inner| json!({"a": inner})),
    ]
}

/// Objects that have most of the keys.
fn documents() -> impl Strategy<Value = Value> {
    let member = |key: &'static str| {
        let present = values().prop_map(move |value| Some((key, value)));
        prop_oneof![4 => present, 1 => Just(None)]
    };
    (member("a"), member("b"), member("c")).prop_map(|(a, b, c)| {
        let members = [a, b, c].into_iter().flatten();
        Value::Object(members.map(|(key, value)| (key.to_owned(), value)).collect())
    })
}

fn constants() -> impl Strategy<Value = String> {
    let alike = vec!["1", "1.0", "001", "'1'", "'1.0'", "true", "'true'", "null", "\"-1\""];
    let others = vec![
        "false",
        "0",
        "5.10",
        "9007199254740993",
        "9007199254740992",
        "18446744073709551615",
        "18446744073709551616",
        "0.0000001",
        "''",
        "'a'",
        "'ab'",
        "'9007199254740993'",
        "\"it's\"",
    ];
    prop_oneof![2 => select(alike), 1 => select(others)].prop_map(str::to_owned)
}

fn operands(prefix: &'static [&'static str]) -> impl Strategy<Value = String> {
    let keys = select(vec!["a", "b", "c", "a.a", "a[0]", "b[1]"]);
    let path = (select(prefix), keys).prop_map(|(prefix, key)| format!("{prefix}{key}"));
    let list = vec(constants(), 0..4).prop_map(|list| format!("[{}]", list.join(", ")));
    prop_oneof![5 => path, 3 => constants(), 2 => list]
}

const OPERATORS: [&str; 13] =
    ["==", "=", "!=", "<", "<=", ">", ">=", "CONTAINS", "HAS", "IN", "NOT IN", ">-", "<-"];

fn comparisons(prefix: &'static [&'static str]) -> impl Strategy<Value = String> {
    (operands(prefix), select(&OPERATORS[..]), operands(prefix))
        .prop_map(|(left, operator, right)| format!("{left} {operator} {right}"))
}

fn expressions(prefix: &'static [&'static str]) -> impl Strategy<Value = String> {
    comparisons(prefix).prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 2..4).prop_map(|parts| parts.join(" AND ")),
            vec(inner.clone(), 2..4).prop_map(|parts| parts.join(" or ")),
            vec(inner.clone(), 2..4).prop_map(|parts| format!("({})", parts.join(") AND ("))),
            vec(inner.clone(), 2..4).prop_map(|parts| format!("({})", parts.join(") OR ("))),
            inner.clone().prop_map(|inner| format!("NOT ({inner})")),
            inner.prop_map(|inner| format!("NOT {inner}")),
        ]
    })
}

const TARGET: &[&str] = &["task.", "worker."];
const PLAIN: &[&str] = &[""];

fn compile(source: &str, place: Place) -> Expression {
    Expression::compile(source, place).unwrap_or_else(|error| panic!("{source}: {error}"))
}

fn holds(source: &str, task: &Value, worker: &Value) -> bool {
    compile(source, Place::Target).evaluate(&Scope { task, worker, ..Scope::default() })
}

fn filter(source: &str, task: &Value) -> bool {
    compile(source, Place::Filter).evaluate(&Scope { task, ..Scope::default() })
}

/// The attribute tests of a question.
fn tests(node: &Node) -> Vec<WorkerTest> {
    match node {
        Node::Test(test) => vec![test.clone()],
        Node::Always(_) | Node::Volatile(_) => vec![],
        Node::Not(inner) => tests(inner),
        Node::And(parts) | Node::Or(parts) => parts.iter().flat_map(tests).collect(),
    }
}

/// No level of a question holds what the level above could have folded away.
fn is_folded(node: &Node, whole: bool) -> bool {
    let sorted = |parts: &[Node]| parts.len() > 1 && parts.windows(2).all(|p| p[0] < p[1]);
    match node {
        Node::Always(_) => whole,
        Node::Test(_) | Node::Volatile(_) => true,
        Node::Not(inner) => !matches!(**inner, Node::Not(_)) && is_folded(inner, false),
        Node::And(parts) => {
            sorted(parts) && parts.iter().all(|p| !matches!(p, Node::And(_)) && is_folded(p, false))
        }
        Node::Or(parts) => {
            sorted(parts) && parts.iter().all(|p| !matches!(p, Node::Or(_)) && is_folded(p, false))
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 1000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_text_is_compiled_or_refused(text in any::<String>()) {
        exercise::exercise(&text);
    }

    #[test]
    fn any_words_are_compiled_or_refused(words in vec(select(vec![
        "AND", "or", "Not", "IN", "NOT IN", "has", "CONTAINS", "==", "=", "!=", "<", ">=", "<-",
        ">-", "(", ")", "[", "]", ",", ".", "a", "worker.a", "task", "null", "'x'", "1", "0.5",
        "-", "\n", "é", "'", "taskrouter.currentTime", "workers.available",
    ]), 0..12)) {
        exercise::exercise(&words.join(" "));
        exercise::exercise(&words.concat());
    }

    #[test]
    fn a_printed_expression_reads_the_same(
        source in expressions(PLAIN), tasks in vec(documents(), 8),
    ) {
        let expression = compile(&source, Place::Filter);
        let printed = expression.to_string();
        let again = compile(&printed, Place::Filter);
        prop_assert_eq!(again.to_string(), printed);
        for task in &tasks {
            let scope = Scope { task, ..Scope::default() };
            prop_assert_eq!(again.evaluate(&scope), expression.evaluate(&scope), "{}", task);
        }
    }

    #[test]
    fn a_bound_expression_answers_as_before(
        source in expressions(TARGET), task in documents(), workers in vec(documents(), 8),
    ) {
        let bound = compile(&source, Place::Target).bind(&task);
        for worker in &workers {
            let answer = bound.evaluate(worker, &NoFacts, Timestamp(0), &NoSchedules);
            prop_assert_eq!(answer, holds(&source, &task, worker), "{} for {}", bound, worker);
        }
        prop_assert!(is_folded(bound.node(), true), "{}", bound);
        prop_assert!(!bound.is_volatile());
    }

    #[test]
    fn an_index_answers_as_its_test_does(
        source in expressions(TARGET), task in documents(), workers in vec(documents(), 12),
    ) {
        let bound = compile(&source, Place::Target).bind(&task);
        for test in tests(bound.node()) {
            let Some(lookup) = test.lookup() else { continue };
            let mut index: BTreeMap<_, BTreeSet<usize>> = BTreeMap::new();
            for (i, worker) in workers.iter().enumerate() {
                for key in scalars_at(lookup.path(), worker) {
                    index.entry(key).or_default().insert(i);
                }
            }
            let found: BTreeSet<usize> =
                lookup.keys().iter().filter_map(|key| index.get(key)).flatten().copied().collect();
            let held: BTreeSet<usize> =
                (0..workers.len()).filter(|i| test.evaluate(&workers[*i])).collect();
            prop_assert_eq!(found, held, "{:?}", test);
        }
    }

    #[test]
    fn mirrored_comparisons_agree(
        left in operands(TARGET), right in operands(TARGET),
        task in documents(), worker in documents(),
    ) {
        for (operator, mirror) in
            [("==", "=="), ("!=", "!="), ("<", ">"), ("<=", ">="), ("HAS", "IN")]
        {
            prop_assert_eq!(
                holds(&format!("{left} {operator} {right}"), &task, &worker),
                holds(&format!("{right} {mirror} {left}"), &task, &worker),
                "{} {} {}", left, operator, right
            );
        }
    }

    #[test]
    fn opposite_operators_never_both_hold(
        left in operands(PLAIN), right in operands(PLAIN), task in documents(),
    ) {
        for (one, other) in [("==", "!="), ("<", ">="), (">", "<="), ("IN", "NOT IN")] {
            let both = format!("{left} {one} {right} AND {left} {other} {right}");
            prop_assert!(!filter(&both, &task), "{}", both);
        }
    }

    #[test]
    fn whole_numbers_compare_as_integers(
        a in any::<i64>(), near in -3i64..=3, far in any::<u64>(), close in any::<bool>(),
        quoted in any::<[bool; 2]>(),
    ) {
        let b = if close { i128::from(a) + i128::from(near) } else { i128::from(far) };
        let b = b.clamp(i128::from(i64::MIN), i128::from(u64::MAX));
        let written = |n: i128, quoted: bool| match (quoted, u64::try_from(n)) {
            (true, _) => json!(n.to_string()),
            (false, Ok(n)) => json!(n),
            (false, Err(_)) => json!(i64::try_from(n).expect("clamped")),
        };
        let task = json!({"a": written(i128::from(a), quoted[0]), "b": written(b, quoted[1])});
        let a = i128::from(a);
        for (source, expect) in
            [("a < b", a < b), ("a <= b", a <= b), ("a == b", a == b), ("a != b", a != b)]
        {
            prop_assert_eq!(filter(source, &task), expect, "{} {}", source, task);
        }
        if let Ok(positive) = u64::try_from(b) {
            prop_assert_eq!(filter(&format!("a > 00{positive}.0"), &task), a > b);
        }
    }

    #[test]
    fn and_or_not_are_those_of_logic(
        parts in vec(comparisons(PLAIN), 3), task in documents(),
    ) {
        let [a, b, c] = [0, 1, 2].map(|i| filter(&parts[i], &task));
        let [x, y, z] = [&parts[0], &parts[1], &parts[2]];
        for (source, expect) in [
            (format!("{x} AND {y} OR {z}"), a && b || c),
            (format!("{x} OR {y} AND {z}"), a || b && c),
            (format!("({x} OR {y}) AND NOT {z}"), (a || b) && !c),
            (format!("NOT ({x} AND {y})"), !a || !b),
        ] {
            prop_assert_eq!(filter(&source, &task), expect, "{}", source);
        }
    }
}
