//! An item as JSON text, with the one thing in it that moves by itself.

use base::Timestamp;
use serde_json::Value;
use std::{fmt, sync::Arc};

/// An item. Cloning shares the text.
///
/// Two are equal when they read the same at every moment.
#[derive(Clone, PartialEq, Eq)]
pub struct Document {
    text: Arc<str>,
    age: Option<Age>,
}

/// `age`, in whole seconds, is written when the text is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Age {
    /// Behind the brace that opens the object.
    at: usize,
    since: Timestamp,
}

/// Customer data: only the size shows.
impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Document({} bytes)", self.text.len())
    }
}

impl Document {
    /// `text` is a JSON object. Line ends between its parts become spaces: frames have none.
    pub fn new(text: &str) -> Self {
        Self { text: text.replace(['\r', '\n'], " ").into(), age: None }
    }

    /// The same with a field `age`: the seconds that have passed. `text` has another field.
    pub fn aging(text: &str, since: Timestamp) -> Self {
        Self { age: Some(Age { at: 1, since }), ..Self::new(text) }
    }

    /// An object whose last field is another document: `outer` is a JSON object with a field.
    pub fn around(outer: &str, name: &str, inner: &Self) -> Self {
        let outer = outer.strip_suffix('}').unwrap_or(outer).replace(['\r', '\n'], " ");
        let before = format!("{outer},\"{name}\":");
        let age = inner.age.map(|age| Age { at: age.at + before.len(), ..age });
        Self { text: format!("{before}{}}}", inner.text).into(), age }
    }

    /// As it reads at a moment.
    pub fn text(&self, now: Timestamp) -> Arc<str> {
        let Some(Age { at, since }) = self.age else { return self.text.clone() };
        let age_s = (now - since).0.max(0) / 1_000;
        let (before, after) = self.text.split_at(at);
        format!("{before}\"age\":{age_s},{after}").into()
    }

    /// The same as a value; null if it is no JSON.
    pub(crate) fn value(&self, now: Timestamp) -> Value {
        serde_json::from_str(&self.text(now)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_age_is_that_of_the_moment() {
        let since = Timestamp(5_000);
        let task = Document::aging("{\"sid\":\"WT\",\r\n \"n\":1.0}", since);
        assert_eq!(&*task.text(Timestamp(7_999)), "{\"age\":2,\"sid\":\"WT\",   \"n\":1.0}");
        assert_eq!(task.value(Timestamp(0))["age"], 0);
        let whole = Document::around("{\"a\":1}", "task", &task);
        let wanted = json!({"a": 1, "task": {"age": 60, "sid": "WT", "n": 1.0}});
        assert_eq!(whole.value(Timestamp(65_000)), wanted);
        assert_ne!(whole, Document::around("{\"a\":2}", "task", &task));
        let plain = Document::new("{\"a\":1}");
        assert_eq!(&*plain.text(since), "{\"a\":1}");
        assert_eq!(Document::new("nonsense").value(since), Value::Null);
    }
}
