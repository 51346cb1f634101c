//! Paths as they are written in `known_worker_*` and `order_by`: `task.a.b[0]`, `worker.level`.

use expr::{Path, Segment};

/// The path after `prefix.`; `None` if the text is not one.
pub(super) fn path_after(prefix: &str, text: &str) -> Option<Path> {
    let rest = text.strip_prefix(prefix)?.strip_prefix('.')?;
    let mut segments = Vec::new();
    for part in rest.split('.') {
        let (name, indexes) = match part.find('[') {
            Some(at) => part.split_at(at),
            None => (part, ""),
        };
        segments.push(Segment::Key(is_name(name).then_some(name)?.into()));
        let mut left = indexes;
        while !left.is_empty() {
            let (index, after) = left.strip_prefix('[')?.split_once(']')?;
            segments.push(Segment::Index(index.trim().parse().ok()?));
            left = after;
        }
    }
    Some(Path::new(segments))
}

fn is_name(text: &str) -> bool {
    let letter = |c: char| c.is_ascii_alphabetic() || c == '_' || c == '$';
    text.starts_with(letter) && text.chars().all(|c| letter(c) || c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn paths_reach_into_documents_and_nothing_else_is_a_path() {
        let document = json!({"a": {"b": [1, {"c": 2}]}});
        let found = |text| path_after("task", text).and_then(|p| p.find(&document).cloned());
        assert_eq!(found("task.a.b[0]"), Some(json!(1)));
        assert_eq!(found("task.a.b[1].c"), Some(json!(2)));
        for text in ["a", "task", "task.", "task.a-b", "task.a[", "task.a[x]", "{{task.a}}"] {
            assert!(path_after("task", text).is_none(), "{text}");
        }
    }
}
