//! `order_by`: which of the eligible workers comes first.
//!
//! * A worker without the attribute comes after those that have it, for ASC and DESC alike.
//! * An attribute that is no integer says nothing about the order.

use super::{path::path_after, reader::position_at};
use base::Position;
use expr::Path;
use serde_json::Value;

/// The clauses, compiled, beside their text.
#[derive(Debug)]
pub(crate) struct OrderBy {
    text: String,
    clauses: Vec<(Path, Direction)>,
}

#[derive(Clone, Copy, Debug)]
enum Direction {
    Ascending,
    Descending,
}

/// What one clause sees of one worker: the least comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Seen {
    /// Complemented where the largest comes first.
    Integer(i64),
    NoInteger,
    Missing,
}

/// Why a text is no `order_by`, and where.
#[derive(Debug)]
pub(crate) struct OrderByError {
    pub(crate) position: Position,
    pub(crate) message: String,
}

/// What the clauses see of one worker, in turn: the least comes first, equal ones are ordered by
/// idleness.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Preferred(Box<[Seen]>);

impl OrderBy {
    /// Reads `worker.path [ASC|DESC] (, worker.path [ASC|DESC])*`.
    pub(crate) fn parse(text: &str) -> Result<Self, OrderByError> {
        let clauses = text.split(',').map(|part| {
            clause(part).map_err(|(at, message)| OrderByError {
                // Each word is a part of the text.
                position: position_at(text, at.as_ptr() as usize - text.as_ptr() as usize),
                message,
            })
        });
        Ok(Self { text: text.to_owned(), clauses: clauses.collect::<Result<_, _>>()? })
    }

    /// The text it was read from.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// What each clause sees of one worker; null where the attribute is missing.
    pub(crate) fn values(&self, worker: &Value) -> Vec<Value> {
        let found = self.clauses.iter().map(|(path, _)| path.find(worker).cloned());
        found.map(Option::unwrap_or_default).collect()
    }

    /// Where a worker with these attributes comes.
    pub(crate) fn preferred(&self, worker: &Value) -> Preferred {
        let seen = self.clauses.iter().map(|(path, direction)| {
            match (see(path.find(worker)), direction) {
                (Seen::Integer(number), Direction::Descending) => Seen::Integer(!number),
                (seen, _) => seen,
            }
        });
        Preferred(seen.collect())
    }
}

/// With a problem comes the part of the text that it is about.
fn clause(text: &str) -> Result<(Path, Direction), (&str, String)> {
    let mut words = text.split_whitespace();
    let path = words.next().and_then(|word| path_after("worker", word));
    let path = path.ok_or_else(|| {
        (text.trim_start(), format!("'{}' is not worker.<attribute>", text.trim()))
    })?;
    let direction = match words.next() {
        None => Direction::Ascending,
        Some(word) if word.eq_ignore_ascii_case("asc") => Direction::Ascending,
        Some(word) if word.eq_ignore_ascii_case("desc") => Direction::Descending,
        Some(word) => return Err((word, format!("'{word}' is neither ASC nor DESC"))),
    };
    match words.next() {
        None => Ok((path, direction)),
        Some(word) => Err((word, format!("a comma was expected before '{word}'"))),
    }
}

fn see(value: Option<&Value>) -> Seen {
    match value {
        None | Some(Value::Null) => Seen::Missing,
        Some(value) => value.as_i64().map_or(Seen::NoInteger, Seen::Integer),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::cmp::Ordering;

    #[test]
    fn clauses_decide_in_turn_and_missing_goes_last() {
        let by = OrderBy::parse("worker.a DESC, worker.b.c").unwrap();
        let order = |one, two| by.preferred(&one).cmp(&by.preferred(&two));
        assert_eq!(order(json!({"a": 2}), json!({"a": 1})), Ordering::Less);
        assert_eq!(order(json!({}), json!({"a": 1})), Ordering::Greater);
        assert_eq!(
            order(json!({"a": 1, "b": {"c": 1}}), json!({"a": 1, "b": {"c": 2}})),
            Ordering::Less
        );
        assert_eq!(order(json!({"a": 1}), json!({"a": 1, "b": {"c": 2}})), Ordering::Greater);
        assert_eq!(order(json!({"a": "x"}), json!({"a": "y"})), Ordering::Equal);
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "level DESC", "worker.a down", "worker.a DESC worker.b", "worker.a,"] {
            assert!(OrderBy::parse(text).is_err(), "{text}");
        }
    }
}
