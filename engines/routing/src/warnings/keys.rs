//! What real data has at a path: in how many documents, and of which types.

use expr::{Path, Segment};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// The documents a workflow is held against.
pub(super) struct Keys<'a> {
    tasks: &'a [Value],
    workers: &'a [Value],
}

/// What was seen at a path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct KeySeen {
    /// `task.…` or `worker.…`.
    pub(super) key: String,
    /// Documents looked at.
    pub(super) of: usize,
    /// Those that have something there that is not null.
    pub(super) have: usize,
    /// How many have what type.
    pub(super) types: BTreeMap<&'static str, usize>,
    /// Keys that differ in case, hyphens or underscores only.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) similar: Vec<String>,
}

/// Whose attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Of {
    Task,
    Worker,
}

impl<'a> Keys<'a> {
    pub(super) const fn new(tasks: &'a [Value], workers: &'a [Value]) -> Self {
        Self { tasks, workers }
    }

    pub(super) fn at(&self, of: Of, path: &Path) -> KeySeen {
        let (documents, prefix) = match of {
            Of::Task => (self.tasks, "task"),
            Of::Worker => (self.workers, "worker"),
        };
        let mut types: BTreeMap<&'static str, usize> = BTreeMap::new();
        let mut have = 0;
        for value in documents.iter().filter_map(|document| path.find(document)) {
            if let Some(name) = type_of(value) {
                have += 1;
                *types.entry(name).or_default() += 1;
            }
        }
        let similar = match have {
            0 => similar(documents, path),
            _ => Vec::new(),
        };
        KeySeen { key: format!("{prefix}.{path}"), of: documents.len(), have, types, similar }
    }
}

impl KeySeen {
    /// Whether nobody has it, though somebody was looked at.
    pub(super) const fn is_missing(&self) -> bool {
        self.of > 0 && self.have == 0
    }

    /// Whether all who have it have this type.
    pub(super) fn is_only(&self, name: &str) -> bool {
        self.have > 0 && self.types.len() == 1 && self.types.contains_key(name)
    }

    /// Whether it has types that no comparison brings together.
    pub(super) fn is_mixed(&self) -> bool {
        let kinds = ["text", "boolean", "list", "object"];
        let words = kinds.iter().filter(|kind| self.types.contains_key(*kind)).count();
        let numbers = ["number", "number as text"].iter().any(|it| self.types.contains_key(it));
        words + usize::from(numbers) > 1
    }
}

fn type_of(value: &Value) -> Option<&'static str> {
    Some(match value {
        Value::Null => return None,
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(text) if is_numeric(text) => "number as text",
        Value::String(_) => "text",
        Value::Array(_) => "list",
        Value::Object(_) => "object",
    })
}

fn is_numeric(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let mut halves = digits.splitn(2, '.');
    halves.all(|half| !half.is_empty() && half.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Keys beside the missing one that somebody may have meant.
fn similar(documents: &[Value], path: &Path) -> Vec<String> {
    let Some((Segment::Key(last), before)) = path.segments().split_last() else {
        return Vec::new();
    };
    let parent = Path::new(before);
    let wanted = plain(last);
    let mut found: Vec<String> = Vec::new();
    for document in documents {
        let members = parent.find(document).and_then(Value::as_object);
        for key in members.into_iter().flat_map(|members| members.keys()) {
            if plain(key) == wanted && !found.contains(key) {
                found.push(key.clone());
            }
        }
    }
    found
}

fn plain(key: &str) -> String {
    key.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}
