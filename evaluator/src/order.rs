//! Paths and `order_by`, read a second time.

use serde_json::Value;
use std::cmp::Ordering;

/// A clause: the path below `worker.`, and whether large comes first.
pub(crate) struct Clause<'a> {
    path: &'a str,
    descending: bool,
}

pub(crate) fn clauses(text: &str) -> Vec<Clause<'_>> {
    text.split(',').filter_map(one).collect()
}

fn one(text: &str) -> Option<Clause<'_>> {
    let mut words = text.split_whitespace();
    let path = words.next()?.strip_prefix("worker.")?;
    let descending = words.next().is_some_and(|word| word.eq_ignore_ascii_case("desc"));
    Some(Clause { path, descending })
}

/// Workers without the attribute come last, behind those where it is no integer.
pub(crate) fn compare(clauses: &[Clause<'_>], one: &Value, two: &Value) -> Ordering {
    for Clause { path, descending } in clauses {
        let (one, two) = (seen(find(path, one)), seen(find(path, two)));
        let order = match (one, two) {
            ((0, one), (0, two)) if *descending => two.cmp(&one),
            (one, two) => one.cmp(&two),
        };
        if order.is_ne() {
            return order;
        }
    }
    Ordering::Equal
}

fn seen(value: Option<&Value>) -> (u8, i64) {
    match value {
        None | Some(Value::Null) => (2, 0),
        Some(value) => value.as_i64().map_or((1, 0), |number| (0, number)),
    }
}

/// What stands at a path such as `a.b[0].c`.
pub(crate) fn find<'a>(path: &str, document: &'a Value) -> Option<&'a Value> {
    path.split('.').try_fold(document, |value, step| {
        let mut parts = step.split('[');
        let key = parts.next()?;
        let value = value.as_object()?.get(key)?;
        parts.try_fold(value, |value, index| {
            value.as_array()?.get(index.strip_suffix(']')?.parse::<usize>().ok()?)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn paths_lead_through_objects_and_arrays() {
        let document = json!({"a": {"b": [1, {"c": 2}]}});
        assert_eq!(find("a.b[1].c", &document), Some(&json!(2)));
        assert_eq!(find("a.b[2]", &document), None);
        assert_eq!(find("a.x.c", &document), None);
    }
}
