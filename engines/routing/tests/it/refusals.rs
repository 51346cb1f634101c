//! What is wrong with a configuration is told with its place: which filter, target or member in
//! words, and where in the text.
//!
//! A `§` in a text of these tables is the place that is to be named; it is taken out first.

use crate::world::{World, straight_to};
use base::Position;
use routing::{Command, Rejection, TaskQueueSid, TaskStatus, command::*};
use serde_json::{Value, json};

/// The text without its mark, and where that stood.
fn marked(text: &str) -> (String, Position) {
    let (before, after) = text.split_once('§').expect("a place is marked");
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    let position = Position { line: line as u32, column: column as u32 };
    (format!("{before}{after}"), position)
}

fn refused(world: &mut World, command: &Command) -> (&'static str, String, Option<Position>) {
    match world.run(command) {
        Err(Rejection::Malformed { parameter, message, position }) => {
            (parameter, message, position)
        }
        Err(Rejection::Invalid { parameter, message }) => (parameter, message, None),
        other => panic!("{command:?} gave {other:?}"),
    }
}

/// In words, the text, and a part of what is said.
const OF_FILTERS: &[(&str, &str, &str)] = &[
    ("", r#"{"filters": [§}"#, "not JSON"),
    ("", "§5", "an object was expected"),
    ("", "§[]", "an object was expected"),
    ("", "§{}", "neither filters nor default_filter"),
    ("task_routing", r#"{"task_routing": §[]}"#, "an object was expected"),
    ("filters", r#"{"filters": §{}}"#, "an array was expected"),
    ("filters", r#"{"filters": [], "filters": §[]}"#, "stands here twice"),
    ("filters[0]", r#"{"filters": [§1]}"#, "an object was expected"),
    ("filters[0]", r#"{"filters": [§{"targets": [{"queue": "@q"}]}]}"#, "'expression' is required"),
    ("filters[0]", r#"{"filters": [§{"expression": "1==1"}]}"#, "'targets' is required"),
    ("filters[0].filter_friendly_name", r#"{"filters": [{"filter_friendly_name": §7}]}"#, "string"),
    ("filters[0].targets", r#"{"filters": [{"expression": "1==1", "targets": §{}}]}"#, "array"),
    ("filters[0].targets", r#"{"filters": [{"expression": "1==1", "targets": §[]}]}"#, "at least"),
    (
        "filters[0].targets[0]",
        r#"{"filters": [{"expression": "1==1", "targets": [§{}]}]}"#,
        "queue",
    ),
    (
        "filters[0].targets[0]",
        r#"{"filters": [{"expression": "1==1", "targets": [§9]}]}"#,
        "object",
    ),
    ("filters[0].expression", r#"{"filters": [{"expression": §7}]}"#, "a string was expected"),
    ("filters[0].expression", r#"{"filters": [{"expression": "a §~ 1"}]}"#, "column 3"),
    ("default_filter", r#"{"default_filter": §{}}"#, "'queue' is required"),
    ("default_filter", r#"{"default_filter": §"@q"}"#, "an object was expected"),
    (
        "task_routing.filters[1].targets[1].expression",
        "{\"task_routing\": {\"filters\": [\n{\"expression\": \"1==1\", \"targets\": [{\"queue\": \
         \"@q\"}]},\n{\"expression\": \"1==1\", \"targets\": [{\"queue\": \"@q\"},\n\
         {\"expression\": \"worker.a == 1 AND\\n worker.b == \\\"\\u00e9\\\" §~ 1\"}]}]}}",
        "line 2, column 18",
    ),
];

/// The member of a target, what it says, and a part of what is said about it.
const OF_TARGETS: &[(&str, &str, &str)] = &[
    ("queue", "§5", "a string was expected"),
    ("queue", r#"§"support""#, "SID"),
    ("queue", r#"§"WQ00000000000000000000000000000002""#, "there is no task queue WQ0"),
    ("priority", "§-1", "a whole number from 0"),
    ("priority", "§2147483649", "a whole number from 0"),
    ("timeout", "§0", "a whole number from 1"),
    ("timeout", r#"§"soon""#, "a whole number from 1"),
    ("timeout", "§1.5", "a whole number from 1"),
    ("expression", r#""worker.a == 1 §1""#, "column 15"),
    ("expression", r#""worker.a == \"\ud83d\ude00\" §~ 1""#, "column 17"),
    ("skip_if", r#""workers.available §~ 0""#, "column 19"),
    ("order_by", "§true", "a string was expected"),
    ("order_by", r#""worker.a DESC, §level""#, "is not worker.<attribute>"),
    ("order_by", r#""worker.a §down""#, "neither ASC nor DESC"),
    ("order_by", r#""worker.a DESC §worker.b""#, "a comma was expected"),
    ("known_worker_sid", "§{}", "a string was expected"),
    ("known_worker_sid", r#"§"{{task.agent}}""#, "a path such as"),
    ("known_worker_friendly_name", r#"§"agent""#, "a path such as"),
    ("known_worker_friendly_name", r#"§"task.b", "known_worker_sid": "task.a""#, "stands beside"),
];

fn whole(words: &str, said: &str, told: &(&'static str, String, Option<Position>)) -> bool {
    let (parameter, message, _) = told;
    *parameter == "Configuration" && message.starts_with(words) && message.contains(said)
}

#[test]
fn every_mistake_in_a_workflow_names_filter_target_and_place() {
    let mut world = World::new();
    let queue = world.new_queue("q", "1==1");
    let mut cases: Vec<(String, String, &str)> = OF_FILTERS
        .iter()
        .map(|(words, text, said)| ((*words).to_owned(), (*text).to_owned(), *said))
        .collect();
    for (key, value, said) in OF_TARGETS {
        let own = if *key == "queue" { "" } else { r#""queue": "@q", "# };
        cases.push((
            format!("filters[0].targets[0].{key}"),
            format!(
                "{{\"filters\": [{{\"expression\": \"1==1\", \"targets\":\n\
                 [{{{own}\"{key}\": {value}}}]}}]}}"
            ),
            said,
        ));
        cases.push((
            format!("task_routing.default_filter.{key}"),
            format!("{{\"task_routing\":\n {{\"default_filter\": {{{own}\"{key}\": {value}}}}}}}"),
            said,
        ));
    }
    for (words, text, said) in cases {
        let (configuration, position) = marked(&text.replace("@q", &queue.to_string()));
        let new =
            NewWorkflow { friendly_name: "wf".to_owned(), configuration, ..NewWorkflow::default() };
        let told = refused(&mut world, &Command::CreateWorkflow(new));
        assert!(whole(&words, said, &told), "{text}: {told:?}");
        assert_eq!(told.2, Some(position), "{text}: {told:?}");
    }
}

#[test]
fn every_mistake_in_a_queues_expression_names_its_place() {
    let mut world = World::new();
    for text in ["skill §~ 1", "skill > 1 AND §", "a == 1\nOR b §~ 2", "skill§-level > 3"] {
        let (target_workers, position) = marked(text);
        let (friendly_name, target_workers) = ("q".to_owned(), Some(target_workers));
        let new = NewTaskQueue { friendly_name, target_workers, ..NewTaskQueue::default() };
        let (parameter, message, told) = refused(&mut world, &Command::CreateTaskQueue(new));
        assert_eq!((parameter, told), ("TargetWorkers", Some(position)), "{text}: {message}");
    }
}

/// Members in words, the body, and the place inside the expression where one is wrong.
type OfSettings = (&'static str, Value, Option<u32>);

fn settings(
    parameter: &'static str,
    cases: Vec<OfSettings>,
    set: impl Fn(Value) -> Command,
    world: &mut World,
) {
    for (words, body, column) in cases {
        let (named, message, position) = refused(world, &set(body.clone()));
        assert_eq!(named, parameter, "{body}: {message}");
        assert!(message.starts_with(words), "{body}: {message}");
        let expected = column.map(|column| Position { line: 1, column });
        assert_eq!(position, expected, "{body}: {message}");
    }
}

#[test]
fn every_mistake_in_capacity_rules_names_the_rule_and_the_member() {
    let mut world = World::new();
    let rule = |change: Value| {
        let mut rule = json!({"name": "r", "channels": ["default"], "limit": 1});
        for (key, value) in change.as_object().expect("members") {
            rule[key] = value.clone();
        }
        json!({"rules": [{"name": "first", "channels": ["default"], "limit": 9}, rule]})
    };
    let cases = vec![
        ("must be an object", json!([]), None),
        ("rules is required", json!({}), None),
        ("rules must be a list", json!({"rules": {}}), None),
        ("colour is not known", json!({"colour": 1}), None),
        ("rules[0] must be an object", json!({"rules": [1]}), None),
        ("rules[1].name", rule(json!({"name": ""})), None),
        ("rules[1].name", rule(json!({"name": "first"})), None),
        ("rules[1].channels", rule(json!({"channels": []})), None),
        ("rules[1].channels[0]", rule(json!({"channels": ["fax"]})), None),
        ("rules[1].channels[1]", rule(json!({"channels": ["default", "default"]})), None),
        ("rules[1].limit", rule(json!({"limit": null})), None),
        ("rules[1].limit", rule(json!({"limit": -1})), None),
        ("rules[1].limits is not known", rule(json!({"limits": 1})), None),
        ("rules[1].weights.fax", rule(json!({"weights": {"fax": 1}})), None),
        ("rules[1].weights.default", rule(json!({"weights": {"default": 0.5}})), None),
        ("rules[1].while.channels", rule(json!({"while": {}})), None),
        (
            "rules[1].while.at_least",
            { rule(json!({"while": {"channels": ["voice"], "at_least": 0}})) },
            None,
        ),
        ("rules[1].blocks[0]", rule(json!({"blocks": ["fax"]})), None),
        ("rules[1].workers", rule(json!({"workers": 1})), None),
        ("rules[1].workers", rule(json!({"workers": "a == 1 ~"})), Some(8)),
    ];
    let set = |body| Command::SetCapacity { if_match: IfMatch::Any, body };
    settings("Capacity", cases, set, &mut world);
}

#[test]
fn every_mistake_in_a_schedule_names_the_entry_and_the_member() {
    let mut world = World::new();
    let weekly = |entry: Value| json!({"timezone": "Europe/Berlin", "weekly": [entry]});
    let exception = |entry: Value| json!({"timezone": "Europe/Berlin", "exceptions": [entry]});
    let cases = vec![
        ("must be an object", json!(7), None),
        ("timezone is required", json!({}), None),
        ("timezone", json!({"timezone": "Mars/Olympus"}), None),
        ("hours is not known", json!({"timezone": "UTC", "hours": []}), None),
        ("weekly must be a list", json!({"timezone": "UTC", "weekly": {}}), None),
        ("weekly[0].days", weekly(json!({"from": "08:00", "to": "09:00"})), None),
        ("weekly[0].days[0]", weekly(json!({"days": ["someday"]})), None),
        ("weekly[0].days[1]", weekly(json!({"days": ["mon", "mon"]})), None),
        ("weekly[0].from", weekly(json!({"days": ["mon"], "from": "8", "to": "9:00"})), None),
        ("weekly[0].from", weekly(json!({"days": ["mon"], "from": "24:00", "to": "09:00"})), None),
        ("weekly[0].to", weekly(json!({"days": ["mon"], "from": "08:00", "to": "08:00"})), None),
        ("exceptions[0].date is required", exception(json!({"closed": true})), None),
        ("exceptions[0].date", exception(json!({"date": "2026-02-30", "closed": true})), None),
        (
            "exceptions[0].until",
            { exception(json!({"date": "2026-02-03", "until": "2026-02-02", "closed": true})) },
            None,
        ),
        ("exceptions[0]", exception(json!({"date": "2026-02-03"})), None),
        (
            "exceptions[0].hours[0].to",
            { exception(json!({"date": "2026-02-03", "hours": [{"from": "08:00"}]})) },
            None,
        ),
    ];
    let set = |body| Command::SetSchedule { name: "shop".to_owned(), if_match: IfMatch::Any, body };
    settings("Schedule", cases, set, &mut world);
}

#[test]
fn every_mistake_in_an_ordering_names_the_class_and_the_member() {
    let mut world = World::new();
    let queue: TaskQueueSid = world.new_queue("q", "1==1");
    let class = |class: Value| json!({"by": "deadline", "service_level_s": 9, "classes": [class]});
    let cases = vec![
        ("must be an object", json!(null), None),
        ("by is required", json!({}), None),
        ("by must be", json!({"by": "size"}), None),
        ("service_level_s is required", json!({"by": "deadline"}), None),
        ("service_level_s", json!({"by": "deadline", "service_level_s": 0}), None),
        ("service_level_s is not known", json!({"by": "task_order", "service_level_s": 9}), None),
        ("classes[0].service_level_s", class(json!({"priority_at_least": 1})), None),
        ("classes[0] must say", class(json!({"service_level_s": 1})), None),
        (
            "classes[0].channels[0]",
            { class(json!({"service_level_s": 1, "channels": ["fax"]})) },
            None,
        ),
        (
            "classes[0].expression",
            { class(json!({"service_level_s": 1, "expression": "a == 1 ~"})) },
            Some(8),
        ),
        (
            "classes[0].expression",
            { class(json!({"service_level_s": 1, "expression": "taskrouter.currentHour > 1"})) },
            None,
        ),
    ];
    let set = |body| Command::SetOrdering { queue, if_match: IfMatch::Any, body };
    settings("Ordering", cases, set, &mut world);
}

#[test]
fn what_a_task_cannot_become_is_refused_in_the_same_words_before_and_after_its_end() {
    let mut world = World::new();
    let queue = world.new_queue("q", "1==1");
    world.new_workflow("wf", straight_to(queue));
    world.new_worker("ana", "Available", "{}");
    let task = world.new_task("{}");
    let why = |world: &mut World, status: TaskStatus| match world.set_status(task, status) {
        Err(Rejection::TaskStatus { because, .. }) => because,
        other => panic!("{status:?} gave {other:?}"),
    };
    assert_eq!(why(&mut world, TaskStatus::Wrapping), "is not assigned");
    assert_eq!(why(&mut world, TaskStatus::Completed), "is not assigned or wrapping");
    world.accept(task);
    assert_eq!(why(&mut world, TaskStatus::Canceled), "is not pending or reserved");
    world.set_status(task, TaskStatus::Completed).expect("it is assigned");
    assert_eq!(why(&mut world, TaskStatus::Canceled), "is not pending or reserved");
    assert_eq!(why(&mut world, TaskStatus::Wrapping), "is not assigned");
    assert_eq!(why(&mut world, TaskStatus::Completed), "is not assigned or wrapping");
}
