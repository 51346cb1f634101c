//! From JSON to a configuration, or to the first problem and its place.
//!
//! * Both wrappers are read: with `task_routing` around and without.
//! * Unknown keys are ignored; numbers may be strings.

use super::{
    Configuration, Filter, KnownBy, KnownWorker, OrderBy, Target,
    path::path_after,
    reader::{Members, Node},
};
use crate::{
    limits::{CONFIGURATION_BYTES_MAX, PRIORITY_MAX, TARGET_TIMEOUT_S_MAX},
    model::TaskQueueSid,
    rejection::Rejection,
};
use base::Position;
use expr::{Expression, Path, Place};
use std::sync::Arc;

/// Reads and compiles a configuration; `exists` says which queues there are.
pub(crate) fn read(
    text: &str,
    exists: &dyn Fn(TaskQueueSid) -> bool,
) -> Result<Configuration, Rejection> {
    if text.len() > CONFIGURATION_BYTES_MAX {
        return Err(Rejection::Invalid {
            parameter: "Configuration",
            message: format!(
                "has {} bytes, more than the {CONFIGURATION_BYTES_MAX} allowed",
                text.len()
            ),
        });
    }
    let whole = Node::whole(text)?.members()?;
    let routing = match whole.get("task_routing")? {
        Some(inner) => inner.members()?,
        None => whole,
    };
    let mut filters = Vec::new();
    if let Some(list) = routing.get("filters")? {
        for node in list.elements()? {
            filters.push(filter(&node, exists)?);
        }
    }
    let default = match routing.get("default_filter")? {
        Some(node) => Some(default_filter(&node, exists)?),
        None => None,
    };
    if filters.is_empty() && default.is_none() {
        return Err(routing.problem("neither filters nor default_filter: nothing would be routed"));
    }
    Ok(Configuration { filters, default })
}

/// Where in the text, in words and as a position, something of a filter or target stands: the
/// whole of it, or the member `key`, or a place inside that. `None` if it is not there.
pub(crate) fn place_of(
    text: &str,
    (filter, target): (Option<u32>, Option<u32>),
    key: Option<&str>,
    inner: Option<Position>,
) -> Option<(String, Position)> {
    let whole = Node::whole(text).ok()?.members().ok()?;
    let routing = match whole.get("task_routing").ok()? {
        Some(inner) => inner.members().ok()?,
        None => whole,
    };
    let mut node = match filter {
        None => routing.get("default_filter").ok()??,
        Some(index) => {
            let filters = routing.get("filters").ok()??.elements().ok()?;
            let filter = filters.into_iter().nth(index as usize)?;
            match target {
                None => filter,
                Some(target) => {
                    let targets = filter.members().ok()?.get("targets").ok()??;
                    targets.elements().ok()?.into_iter().nth(target as usize)?
                }
            }
        }
    };
    if let Some(key) = key {
        node = node.members().ok()?.get(key).ok()??;
    }
    let position = inner.map_or_else(|| node.start(), |inner| node.place_inside(inner));
    Some((node.words().to_owned(), position))
}

type Exists<'a> = &'a dyn Fn(TaskQueueSid) -> bool;

fn filter(node: &Node<'_>, exists: Exists<'_>) -> Result<Filter, Rejection> {
    let members = node.members()?;
    let name = match members.get("filter_friendly_name")? {
        Some(name) => Some(name.string()?),
        None => members.get("friendly_name")?.map(|name| name.string()).transpose()?,
    };
    let Some(expression) = expression(&members, "expression", Place::Filter)? else {
        return Err(members.problem("'expression' is required"));
    };
    let list = members.get("targets")?;
    let list = list.ok_or_else(|| members.problem("'targets' is required"))?;
    let mut targets = Vec::new();
    for node in list.elements()? {
        let target = target(&node, exists)?;
        if targets.is_empty() && target.queue.is_none() {
            return Err(node.problem("'queue' is required in the first target of a filter"));
        }
        targets.push(target);
    }
    if targets.is_empty() {
        return Err(list.problem("at least one target was expected"));
    }
    Ok(Filter { name, expression, targets })
}

fn default_filter(node: &Node<'_>, exists: Exists<'_>) -> Result<Target, Rejection> {
    let mut target = target(node, exists)?;
    if target.queue.is_none() {
        return Err(node.problem("'queue' is required in default_filter"));
    }
    // Nothing comes after the default filter, so it has no timeout, whatever the text says.
    target.timeout_s = None;
    Ok(target)
}

fn target(node: &Node<'_>, exists: Exists<'_>) -> Result<Target, Rejection> {
    let members = node.members()?;
    Ok(Target {
        queue: queue(&members, exists)?,
        priority: number(&members, "priority", 0, PRIORITY_MAX)?,
        timeout_s: number(&members, "timeout", 1, TARGET_TIMEOUT_S_MAX)?,
        expression: expression(&members, "expression", Place::Target)?,
        order_by: order_by(&members)?,
        skip_if: expression(&members, "skip_if", Place::SkipIf)?,
        known_worker: known_worker(&members)?,
    })
}

fn queue(members: &Members<'_>, exists: Exists<'_>) -> Result<Option<TaskQueueSid>, Rejection> {
    let Some(node) = members.get("queue")? else { return Ok(None) };
    let text = node.string()?;
    match text.parse() {
        Ok(sid) if exists(sid) => Ok(Some(sid)),
        Ok(sid) => Err(node.problem(&format!("there is no task queue {sid} in this workspace"))),
        Err(error) => Err(node.problem(&error.to_string())),
    }
}

fn number(
    members: &Members<'_>,
    name: &str,
    least: u32,
    most: u32,
) -> Result<Option<u32>, Rejection> {
    members.get(name)?.map(|node| node.number(least, most)).transpose()
}

/// An empty expression counts as absent: consoles write it that way.
fn expression(
    members: &Members<'_>,
    name: &str,
    place: Place,
) -> Result<Option<Expression>, Rejection> {
    let Some(node) = members.get(name)? else { return Ok(None) };
    let text = node.string()?;
    if text.trim().is_empty() && place != Place::Filter {
        return Ok(None);
    }
    let compiled = Expression::compile(&text, place);
    compiled.map(Some).map_err(|error| node.problem_inside(error.position, &error.message))
}

fn order_by(members: &Members<'_>) -> Result<Option<Arc<OrderBy>>, Rejection> {
    let Some(node) = members.get("order_by")? else { return Ok(None) };
    let text = node.string()?;
    if text.trim().is_empty() {
        return Ok(None);
    }
    let parsed = OrderBy::parse(&text);
    parsed
        .map(|by| Some(Arc::new(by)))
        .map_err(|error| node.problem_inside(error.position, &error.message))
}

fn known_worker(members: &Members<'_>) -> Result<Option<KnownWorker>, Rejection> {
    let sid = members.get("known_worker_sid")?;
    let name = members.get("known_worker_friendly_name")?;
    let (by, node) = match (sid, name) {
        (None, None) => return Ok(None),
        (Some(node), None) => (KnownBy::Sid, node),
        (None, Some(node)) => (KnownBy::FriendlyName, node),
        (Some(_), Some(node)) => {
            return Err(node.problem("stands beside known_worker_sid; only one of them may"));
        }
    };
    let path = known_path(&node.string()?);
    let path = path.ok_or_else(|| node.problem("a path such as task.agent_sid was expected"))?;
    Ok(Some(KnownWorker { by, path }))
}

/// Public files write the path with and without quotes around it.
fn known_path(text: &str) -> Option<Path> {
    let bare = text.trim();
    let unquoted = ['\'', '"']
        .into_iter()
        .find_map(|quote| bare.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote)));
    path_after("task", unquoted.unwrap_or(bare).trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUEUE: &str = "WQ00000000000000000000000000000001";

    fn parse(text: &str) -> Result<Configuration, Rejection> {
        let text = text.replace("@q", QUEUE);
        read(&text, &|sid| sid.to_string() == QUEUE)
    }

    fn refused(text: &str) -> (String, Position) {
        match parse(text).map(|_| ()) {
            Err(Rejection::Malformed { message, position, .. }) => {
                (message, position.expect("every problem has its place"))
            }
            other => panic!("{text} gave {other:?}"),
        }
    }

    #[test]
    fn both_wrappers_synonyms_and_numeric_strings_are_read() {
        let filters = r#""filters": [{"friendly_name": "F", "unknown": 1, "expression": "a == 1",
            "targets": [{"queue": "@q", "priority": "7", "timeout": "30"}, {"priority": 2}]}],
            "default_filter": {"queue": "@q", "timeout": 5}"#;
        for text in [format!("{{{filters}}}"), format!(r#"{{"task_routing": {{{filters}}}}}"#)] {
            let read = parse(&text).unwrap();
            let filter = &read.filters[0];
            assert_eq!(filter.name.as_deref(), Some("F"));
            assert_eq!(
                (filter.targets[0].priority, filter.targets[0].timeout_s),
                (Some(7), Some(30))
            );
            assert_eq!(read.default.unwrap().timeout_s, None);
        }
    }

    #[test]
    fn a_known_worker_is_a_path_with_or_without_quotes() {
        for path in ["task.agent", "'task.agent'", "\\\"task.agent\\\""] {
            let text =
                format!(r#"{{"default_filter": {{"queue": "@q", "known_worker_sid": "{path}"}}}}"#);
            assert!(parse(&text).is_ok(), "{path}");
        }
        let (message, _) =
            refused(r#"{"default_filter": {"queue": "@q", "known_worker_sid": "{{task.agent}}"}}"#);
        assert!(message.starts_with("default_filter.known_worker_sid: "), "{message}");
    }

    #[test]
    fn problems_name_their_place_in_words_and_in_the_text() {
        let (message, at) = refused(
            "{\"task_routing\": {\n \"filters\": [{\"expression\": \"a-b == 1\",\n\
             \"targets\": []}]}}",
        );
        assert!(message.starts_with("task_routing.filters[0].expression: "), "{message}");
        assert_eq!((at.line, at.column > 28), (2, true), "inside the string: {at:?}");
        let (message, at) =
            refused("{\n\"filters\": [\n {\"expression\": \"1==1\", \"targets\": [{}]}]}");
        assert!(message.starts_with("filters[0].targets[0]: 'queue' is required"), "{message}");
        assert_eq!(at, Position { line: 3, column: 37 });
        let (message, at) = refused("{\"filters\": [}");
        assert!(message.starts_with("not JSON"), "{message}");
        assert_eq!(at, Position { line: 1, column: 14 });
    }

    #[test]
    fn what_cannot_work_is_refused() {
        for inner in [
            r#""queue": "@q", "timeout": 0"#,
            r#""queue": "@q", "timeout": -5"#,
            r#""queue": "@q", "timeout": "soon""#,
            r#""queue": "@q", "timeout": 1.5"#,
            r#""queue": "@q", "priority": -1"#,
            r#""queue": "@q", "priority": 2147483649"#,
            r#""queue": "@q", "order_by": "level DESC""#,
            r#""queue": "@q", "skip_if": "workers.available ==""#,
            r#""queue": "@q", "known_worker_sid": "task.a",
               "known_worker_friendly_name": "task.b""#,
            r#""queue": "@q", "known_worker_sid": "task.a", "known_worker_sid": "task.b""#,
            r#""queue": "WQ00000000000000000000000000000002""#,
            r#""queue": "support""#,
            r#""queue": 5"#,
        ] {
            refused(&format!(
                r#"{{"filters": [{{"expression": "1==1", "targets": [{{{inner}}}]}}]}}"#
            ));
        }
        for text in [
            "{}",
            "[]",
            "5",
            r#"{"filters": {}}"#,
            r#"{"filters": [1]}"#,
            r#"{"filters": [{"targets": [{"queue": "@q"}]}]}"#,
            r#"{"filters": [{"expression": "", "targets": [{"queue": "@q"}]}]}"#,
            r#"{"filters": [{"expression": "1==1"}]}"#,
            r#"{"default_filter": {}}"#,
        ] {
            refused(text);
        }
        assert!(parse(&" ".repeat(CONFIGURATION_BYTES_MAX + 1)).is_err());
    }
}
