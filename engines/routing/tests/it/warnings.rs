//! What is said about configurations that compile and hardly do what was meant.

use crate::world::World;
use routing::{
    warnings::{Evidence, WorkflowWarning, warnings},
    *,
};
use serde_json::{Value, json};

/// A workspace with three workers, a queue they are in, and tasks that were seen.
struct Floor {
    world: World,
    queue: TaskQueueSid,
    tasks: Vec<Value>,
}

impl Floor {
    fn new() -> Self {
        let mut world = World::new();
        let queue = world.new_queue("Support", "1==1");
        world.new_worker("ann", "Available", r#"{"skills": ["de"], "level": 3, "tier": "gold"}"#);
        world.new_worker("bob", "Available", r#"{"skills": ["en"], "level": 5, "tier": 2}"#);
        world.new_worker("cy", "Offline", r#"{"skills": [], "lang-code": "de", "langs": "de en"}"#);
        let tasks = vec![json!({"kind": "a", "skill": "de"}), json!({"kind": "b", "n": 4})];
        Self { world, queue, tasks }
    }

    fn warnings(&mut self, text: &str) -> Vec<WorkflowWarning> {
        let configuration = text.replace("@q", &self.queue.to_string());
        let workflow = self.world.new_workflow("wf", configuration);
        let rows = || self.world.rows.values();
        let mut evidence = Evidence { tasks: self.tasks.clone(), ..Evidence::default() };
        let mut found = None;
        for row in rows() {
            match row {
                StoredRow::Worker(row) => evidence.workers.push(row.clone()),
                StoredRow::TaskQueue(row) => evidence.queues.push(row.clone()),
                StoredRow::TaskChannel(row) => evidence.channels.push(row.unique_name.clone()),
                StoredRow::Activity(row) => evidence.activities.push(row.clone()),
                StoredRow::Workflow(row) if row.sid == workflow => found = Some(row.clone()),
                _ => {}
            }
        }
        warnings(&found.expect("it was made"), &evidence)
    }

    /// The codes said about one target's expression.
    fn about(&mut self, expression: &str) -> Vec<&'static str> {
        let text = json!({"filters": [{"expression": "kind == 'a'", "targets": [
            {"queue": "@q", "expression": expression}]}], "default_filter": {"queue": "@q"}});
        let found = self.warnings(&text.to_string());
        found.iter().map(|warning| warning.code).collect()
    }
}

#[test]
fn a_sound_workflow_is_left_in_peace() {
    let mut floor = Floor::new();
    assert!(floor.about("worker.skills HAS task.skill").is_empty());
    assert!(floor.about("worker.level >= 3 AND worker.activity_name == 'Available'").is_empty());
    assert!(floor.about("worker.channel.chat.assigned_tasks < 3").is_empty());
}

#[test]
fn expressions_are_held_against_real_data() {
    let mut floor = Floor::new();
    for (expression, code) in [
        ("worker.level == 1 AND worker.level == 2", "never_matches"),
        ("worker.nosuch == task.nosuch", "join_of_missing_keys"),
        ("worker.skills HAS task.skil", "missing_key"),
        ("worker.tier == 'gold'", "mixed_types"),
        ("worker.skills > 3", "mixed_types"),
        ("worker.level == task.skill", "mixed_types"),
        ("level > 2", "unprefixed_key"),
        ("worker.langs HAS 'de'", "has_on_text"),
        ("worker.channel.fax.assigned_tasks < 3 OR 1==1", "unknown_channel"),
        ("worker.activity_name == 'Avaliable' OR worker.level > 0", "unknown_activity"),
        ("schedule.shop.open == true OR worker.level > 0", "unknown_schedule"),
        ("worker.skills HAS 'fr'", "matches_nobody"),
        ("worker.tier != 'a\u{2013}b'", "hyphen_like"),
    ] {
        let found = floor.about(expression);
        assert!(found.contains(&code), "{expression}: {found:?}");
    }
}

#[test]
fn a_warning_names_filter_target_place_what_was_seen_and_what_to_do() {
    let mut floor = Floor::new();
    let found = floor.warnings(
        "{\"task_routing\": {\n\"filters\": [{\"filter_friendly_name\": \"F\", \"expression\": \
         \"kind == 'a'\",\n\"targets\": [{\"queue\": \"@q\", \"timeout\": 5},\n {\"expression\": \
         \"worker.lang_code == 'de'\"}]}], \"default_filter\": {\"queue\": \"@q\"}}}",
    );
    let one = found.iter().find(|warning| warning.code == "missing_key").expect("it is missing");
    assert_eq!(one.path, "task_routing.filters[0].targets[1].expression");
    let position = one.position.expect("it stands in the text");
    assert_eq!((position.line, position.column), (4, 18));
    assert_eq!((one.filter, one.target), (Some(0), Some(1)));
    assert_eq!(one.filter_friendly_name.as_deref(), Some("F"));
    assert_eq!(one.seen["keys"][0]["of"], 3);
    assert_eq!(one.seen["keys"][0]["have"], 0);
    assert!(one.advice.contains("lang-code") && one.advice.contains("hyphen"), "{}", one.advice);
}

#[test]
fn what_is_never_reached_and_where_tasks_fall_out_is_said() {
    let mut floor = Floor::new();
    let codes = |found: Vec<WorkflowWarning>| -> Vec<(&str, Option<u32>, Option<u32>)> {
        found.iter().map(|one| (one.code, one.filter, one.target)).collect()
    };
    let found = floor.warnings(
        r#"{"filters": [
        {"expression": "1==1", "targets": [{"queue": "@q"}, {"queue": "@q", "timeout": 3}]},
        {"expression": "kind == 'a'", "targets": [{"queue": "@q"}]}],
        "default_filter": {"queue": "@q"}}"#,
    );
    let found = codes(found);
    assert!(found.contains(&("unreachable_target", Some(0), Some(1))), "{found:?}");
    assert!(found.contains(&("unreachable_filter", Some(1), None)), "{found:?}");
    assert!(found.contains(&("unreachable_default", None, None)), "{found:?}");

    let found = floor.warnings(
        r#"{"filters": [
        {"expression": "1==1", "targets": [{"queue": "@q", "timeout": 3}]},
        {"expression": "kind == 'z'", "targets": [{"queue": "@q", "skip_if": "1==1"}]}]}"#,
    );
    let found = codes(found);
    assert!(found.contains(&("falls_off_the_end", Some(0), Some(0))), "{found:?}");
    assert!(!found.iter().any(|one| one.0 == "unreachable_filter"), "after the timeout: {found:?}");
    assert!(found.contains(&("skips_off_the_end", Some(1), Some(0))), "{found:?}");
    assert!(found.contains(&("matches_no_task", Some(1), None)), "{found:?}");
    assert!(!found.iter().any(|one| one.0 == "no_default"), "everything matches: {found:?}");
}

#[test]
fn queues_and_known_workers_are_looked_at_too() {
    let mut floor = Floor::new();
    let empty = floor.world.new_queue("Nobody", "worker.level > 2");
    let text = format!(
        r#"{{"filters": [{{"expression": "kind == 'a'", "targets": [
        {{"queue": "{empty}"}}]}}, {{"expression": "kind == 'b'", "targets": [
        {{"queue": "@q", "known_worker_sid": "task.agent"}}]}}]}}"#
    );
    let found = floor.warnings(&text);
    let of = |code: &str| found.iter().find(|one| one.code == code);
    assert_eq!(of("empty_queue").and_then(|one| one.task_queue_sid), Some(empty));
    assert!(of("wrong_prefix").is_some_and(|one| one.message.contains("'Nobody'")), "{found:?}");
    let missing = of("missing_known_worker").expect("no task names one");
    assert_eq!((missing.filter, &missing.seen["alert"]), (Some(1), &json!(40154)));
    assert!(of("no_default").is_some());

    floor.tasks = vec![json!({"kind": "b", "agent": "WK1"})];
    let found = floor.warnings(
        r#"{"default_filter": {"queue": "@q", "known_worker_friendly_name": "task.agent"}}"#,
    );
    let unknown = found.iter().find(|one| one.code == "unknown_known_worker");
    assert_eq!(unknown.map(|one| &one.seen["alert"]), Some(&json!(40154)), "{found:?}");

    let few = floor.world.new_queue("Few", "level > 4");
    let text = format!(
        r#"{{"default_filter": {{"queue": "{few}", "known_worker_friendly_name": "task.agent"}}}}"#
    );
    for (agent, alert) in [("ann", Some(&json!(40152))), ("BOB", None)] {
        floor.tasks = vec![json!({"kind": "b", "agent": agent})];
        let found = floor.warnings(&text);
        let outside = found.iter().find(|one| one.code == "known_worker_outside_queue");
        assert_eq!(outside.map(|one| &one.seen["alert"]), alert, "{agent}: {found:?}");
    }
}
