//! Paths into JSON documents.
//!
//! * Looking up never fails: what is not there is `None`, as null is to the language.

use serde_json::Value;
use std::{fmt, sync::Arc};

/// A path into a JSON document. Cloning shares it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Path(Arc<[Segment]>);

/// One step of a [`Path`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Segment {
    /// The member of an object.
    Key(Box<str>),
    /// The element of an array, from zero.
    Index(usize),
}

impl Path {
    /// A path of these steps.
    pub fn new(segments: impl Into<Arc<[Segment]>>) -> Self {
        Self(segments.into())
    }

    /// The path of one key.
    pub fn key(key: &str) -> Self {
        Self::new([Segment::Key(key.into())])
    }

    /// The steps.
    pub fn segments(&self) -> &[Segment] {
        &self.0
    }

    /// What stands at the path, if anything does.
    pub fn find<'a>(&self, document: &'a Value) -> Option<&'a Value> {
        self.0.iter().try_fold(document, |value, segment| match (segment, value) {
            (Segment::Key(key), Value::Object(members)) => members.get(&**key),
            (Segment::Index(index), Value::Array(elements)) => elements.get(*index),
            (Segment::Key(_) | Segment::Index(_), _) => None,
        })
    }
}

/// As it is written in an expression.
impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, segment) in self.0.iter().enumerate() {
            match segment {
                Segment::Key(key) if i == 0 => f.write_str(key)?,
                Segment::Key(key) => write!(f, ".{key}")?,
                Segment::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Path({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_not_there_is_none() {
        let document = json!({"a": {"b": [10, {"c": null}]}, "0": 1});
        let find = |segments: &[Segment]| Path::new(segments).find(&document).cloned();
        let key = |k: &str| Segment::Key(k.into());
        assert_eq!(find(&[key("a"), key("b"), Segment::Index(0)]), Some(json!(10)));
        assert_eq!(
            find(&[key("a"), key("b"), Segment::Index(1), key("c")]),
            Some(serde_json::Value::Null)
        );
        assert_eq!(find(&[key("a"), key("b"), Segment::Index(2)]), None);
        assert_eq!(find(&[key("a"), Segment::Index(0)]), None, "an object has no index");
        assert_eq!(find(&[key("a"), key("b"), key("0")]), None, "an array has no key");
        assert_eq!(find(&[key("0"), key("x")]), None, "a number has no members");
    }
}
