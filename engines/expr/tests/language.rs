//! The rules that the published vectors leave out: precedence, errors and their places, limits,
//! built-in fields, exact numbers, warnings and what is left after binding.

use expr::{
    Bound, DEPTH_MAX, Expression, Fact, NoFacts, NoSchedules, Node, Place, SOURCE_CHARS_MAX, Scope,
    Uses, WorkerCounts, WorkerFacts, WorkerField,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn compile(source: &str, place: Place) -> Expression {
    Expression::compile(source, place).unwrap_or_else(|error| panic!("{source}: {error}"))
}

/// A filter over this task.
fn filter(source: &str, task: &Value) -> bool {
    compile(source, Place::Filter).evaluate(&Scope { task, ..Scope::default() })
}

/// A queue over this worker.
fn queue(source: &str, worker: &Value) -> bool {
    compile(source, Place::Queue).evaluate(&Scope { worker, ..Scope::default() })
}

/// Line, column and message of the refusal.
fn refusal(source: &str) -> (u32, u32, String) {
    let error = Expression::compile(source, Place::Filter).expect_err(source);
    (error.position.line, error.position.column, error.message)
}

#[test]
fn not_binds_tighter_than_and_which_binds_tighter_than_or() {
    let truth = |p: u8| json!({"a": p & 1, "b": p >> 1 & 1, "c": p >> 2 & 1});
    for (source, grouped) in [
        ("a==1 OR b==1 AND c==1", "a==1 OR (b==1 AND c==1)"),
        ("a==1 AND b==1 OR c==1", "(a==1 AND b==1) OR c==1"),
        ("NOT a==1 AND b==1", "(NOT a==1) AND b==1"),
        ("NOT a==1 OR b==1 AND NOT c==1", "(NOT (a==1)) OR (b==1 AND (NOT (c==1)))"),
        ("not not a==1", "a==1"),
    ] {
        for p in 0..8 {
            assert_eq!(filter(source, &truth(p)), filter(grouped, &truth(p)), "{source} {p}");
        }
    }
    let printed = compile("not (a==1 oR b=2) and ((c<-[1]))", Place::Filter).to_string();
    assert_eq!(printed, "NOT (a == 1 OR b == 2) AND c IN [1]");
}

#[test]
fn refusals_name_the_place_and_what_was_expected() {
    for (source, line, column, part) in [
        ("", 1, 1, "expected a condition"),
        (" \n ", 2, 2, "found the end"),
        ("skill-level > 3", 1, 6, "hyphen"),
        ("n > -5", 1, 5, "minus"),
        ("a == 'x", 1, 6, "expected another '"),
        ("a ==", 1, 5, "expected a value"),
        ("(a == 1", 1, 8, "expected AND, OR or `)`"),
        ("a == 1)", 1, 7, "expected AND, OR or the end, found `)`"),
        ("a == 1 == 1", 1, 8, "do not chain"),
        ("a == 1 HAS 1", 1, 8, "do not chain"),
        ("a LIKE 'x'", 1, 3, "an operator"),
        ("vip", 1, 4, "`vip` alone is not a condition"),
        ("a == 1 AND vip OR b == 1", 1, 16, "`vip` alone is not a condition"),
        ("a === 1", 1, 5, "found `=`"),
        ("a == 1 && b == 2", 1, 8, "expected AND"),
        ("a == 1 || b == 2", 1, 8, "expected OR"),
        ("!a", 1, 1, "NOT"),
        ("a == ‘x’", 1, 6, "plain '"),
        ("a\n== 1\r\n  AND é == 2", 3, 7, "`é`"),
        ("'日本' == a AND b # 1", 1, 17, "`#`"),
        ("a IN ['x' 'y']", 1, 11, "`,` or `]`"),
        ("a IN ['x',]", 1, 11, "a constant"),
        ("a IN [,]", 1, 7, "a constant or `]`"),
        ("a IN [b]", 1, 7, "a constant"),
        ("a IN [['x']]", 1, 7, "a constant"),
        ("a NOT 1", 1, 7, "IN after NOT"),
        ("a[x] == 1", 1, 3, "number of an element"),
        ("a[1.5] == 1", 1, 3, "number of an element"),
        ("a[1 == 1", 1, 5, "`]`"),
        ("a.1 == 1", 1, 3, "a key after `.`"),
        ("in == 1", 1, 1, "cannot be a key"),
        ("a == and", 1, 6, "cannot be a key"),
        ("a == (b)", 1, 6, "expected a value"),
        ("()", 1, 2, "expected a condition"),
        ("a == \u{1}", 1, 6, "u{1}"),
    ] {
        let (at_line, at_column, message) = refusal(source);
        assert_eq!((at_line, at_column), (line, column), "{source:?}: {message}");
        assert!(message.contains(part), "{source:?}: {message}");
    }
    let error = Expression::compile("a b", Place::Queue).expect_err("no operator");
    assert!(error.to_string().ends_with("found `b` (line 1, column 3)"), "{error}");
}

#[test]
fn length_and_depth_are_limited() {
    let nested = |n: usize| format!("{}1==1{}", "(".repeat(n), ")".repeat(n));
    assert!(filter(&nested(DEPTH_MAX), &Value::Null));
    assert_eq!(refusal(&nested(DEPTH_MAX + 1)).1, DEPTH_MAX as u32 + 1);
    assert!(filter(&format!("{}1==1", "NOT ".repeat(DEPTH_MAX)), &Value::Null));
    for deep in ["(", "NOT ", "NOT(", "((NOT "] {
        let (.., message) = refusal(&deep.repeat(SOURCE_CHARS_MAX / deep.len()));
        assert!(message.contains("inside each other"), "{message}");
    }

    let long = |chars: usize| format!("'{}' != ''", "é".repeat(chars - 8));
    assert!(filter(&long(SOURCE_CHARS_MAX), &Value::Null));
    let (line, column, message) = refusal(&long(SOURCE_CHARS_MAX + 1));
    assert_eq!((line, column), (1, SOURCE_CHARS_MAX as u32 + 1));
    assert!(message.contains("at most 65536 characters"), "{message}");

    let wide = vec!["a==1"; SOURCE_CHARS_MAX / 8].join(" OR ");
    assert!(filter(&wide, &json!({"a": 1})), "width is no depth");
    let path = format!("a{} == null", ".a".repeat(30_000));
    assert!(filter(&path, &json!({"a": {"a": 1}})), "a long path is no depth");
}

#[test]
fn numbers_are_exact_decimals() {
    let task = json!({
        "big": 9_007_199_254_740_993_u64, "max": u64::MAX, "min": i64::MIN, "f": 5.1,
        "text": "9007199254740993", "long": "123456789012345678901234567890.5", "e": 1e22,
        "half": 0.5, "zero": -0.0, "neg": "-7", "padded": "007", "spaced": " 7", "plus": "+7",
        "exp": "1e3", "dot": "7.",
    });
    for source in [
        "big == 9007199254740993",
        "big != 9007199254740992",
        "big > 9007199254740992.9",
        "text == big",
        "text > 9007199254740992",
        "max == 18446744073709551615",
        "max < 18446744073709551616",
        "max == '18446744073709551615.0'",
        "min == '-9223372036854775808'",
        "long > 123456789012345678901234567890.49",
        "long == 123456789012345678901234567890.500",
        "e == 10000000000000000000000",
        "f == 5.10 AND f == '5.1' AND f < 5.11 AND 5.09 < f",
        "half == 0.5 AND half == '00.50'",
        "zero == 0 AND zero == '-0.0'",
        "neg < 0 AND neg == neg",
        "padded == 7 AND padded != '7' AND padded <= '7' AND padded >= '7.0'",
        "padded == 0007.00",
        "0800 == 800",
        "f IN ['5.1'] AND 5.1 IN [1, 5.10]",
    ] {
        assert!(filter(source, &task), "{source}");
    }
    for text in ["spaced", "plus", "exp", "dot"] {
        assert!(!filter(&format!("{text} == 7 OR {text} == 1000 OR {text} > 0"), &task), "{text}");
    }
}

#[test]
fn strings_order_by_code_point_unless_both_are_numbers() {
    for (source, expect) in [
        ("'10' > '9'", true),
        ("'10' > '9a'", false),
        ("'-2' < '-1'", true),
        ("'Z' < 'a'", true),
        ("'\u{ffff}' < '\u{10000}'", true),
        ("'' < 'a'", true),
        ("'1' == '1.0'", false),
        ("'1' <= '1.0'", true),
        ("true <= true", false),
        ("true == true", true),
        ("null <= null", false),
        ("'a' < 1", false),
        ("'a' > 1", false),
    ] {
        assert_eq!(filter(source, &Value::Null), expect, "{source}");
    }
}

#[test]
fn operators_on_unfit_values_are_false() {
    let task = json!({"list": [1, null, "a", [2], {"k": 3}], "o": {"k": 1}, "s": "abc", "n": 12});
    for source in [
        "list == list",
        "list != 1",
        "list != null",
        "o != null",
        "o == o",
        "o IN list",
        "o NOT IN list",
        "list NOT IN list",
        "s NOT IN s",
        "s HAS 'a'",
        "list HAS list",
        "list HAS 2",
        "list CONTAINS 'a'",
        "n CONTAINS '1'",
        "s CONTAINS n",
        "o HAS 'k'",
        "missing NOT IN missing",
    ] {
        assert!(!filter(source, &task), "{source}");
        assert!(filter(&format!("NOT ({source})"), &task), "{source}");
    }
    for source in ["list HAS null", "missing IN list", "missing IN [null]", "s CONTAINS 'bc'"] {
        assert!(filter(source, &task), "{source}");
    }
}

#[test]
fn keys_that_look_like_words_of_the_language() {
    let task = json!({"order": {"in": 1, "null": 2, "not": [3]}, "TRUE": 4, "android": 5, "$_": 6});
    for source in [
        "order.in == 1",
        "order.null == 2",
        "order . not [ 0 ] == 3",
        "TRUE == 4",
        "android == 5",
        "$_ == 6",
        "order.in==1and android in[5]or 1==0",
        "order[99999999999999999999999].x == null",
    ] {
        assert!(filter(source, &task), "{source}");
    }
}

/// A worker whose every built-in field answers.
struct Ana;

impl WorkerFacts for Ana {
    fn fact(&self, field: &WorkerField) -> Fact<'_> {
        let sid = |text: &str| Fact::Sid(text.parse().expect("a SID"));
        match field {
            WorkerField::Sid => sid("WK000000000000000000000000000000aa"),
            WorkerField::ActivitySid => sid("WA000000000000000000000000000000bb"),
            WorkerField::FriendlyName => Fact::Text("ana"),
            WorkerField::ActivityName => Fact::Text("Idle"),
            WorkerField::AssignedTasks => Fact::Number(3),
            WorkerField::Channel { name, .. } if &**name == "voice" => Fact::Number(2),
            WorkerField::Channel { .. } => Fact::Null,
        }
    }
}

fn asks(source: &str, place: Place, worker: &Value) -> bool {
    compile(source, place).evaluate(&Scope { worker, facts: &Ana, ..Scope::default() })
}

#[test]
fn built_in_fields_win_over_attributes() {
    let worker = json!({
        "sid": "mine", "friendly_name": "mine", "assigned_tasks": 99, "team": "a",
        "activity_name": {"x": 1},
        "channel": {"voice": {"assigned_tasks": 99, "note": "kept"}, "chat": 5},
    });
    for (source, place) in [
        ("worker.sid == 'WK000000000000000000000000000000aa'", Place::Target),
        ("worker.sid CONTAINS 'WK0' AND worker.sid > 'WA'", Place::Target),
        ("worker.sid NOT IN ['WK000000000000000000000000000000AA']", Place::Target),
        ("worker.sid != worker.activity_sid", Place::Target),
        ("worker.friendly_name == 'ana' AND worker.assigned_tasks == 3", Place::Target),
        ("worker.channel.voice.assigned_tasks == 2", Place::Target),
        ("worker.channel.sms.assigned_tasks == null", Place::Target),
        ("worker.channel.voice.note == 'kept' AND worker.channel.chat == 5", Place::Target),
        ("worker.activity_name.x == null AND worker.team == 'a'", Place::Target),
        ("activity_name.x == null", Place::WorkerList),
        ("activity_name.x == 1", Place::Queue),
        ("sid == 'WK000000000000000000000000000000aa'", Place::WorkerList),
        ("friendly_name == 'ana' AND activity_name == 'Idle' AND team = 'a'", Place::WorkerList),
        ("activity_sid == 'WA000000000000000000000000000000bb'", Place::WorkerList),
        ("assigned_tasks == 99", Place::WorkerList),
        ("sid == 'mine' AND friendly_name == 'mine'", Place::Queue),
    ] {
        assert!(asks(source, place, &worker), "{source}");
        assert!(!asks(&format!("NOT ({source})"), place, &worker), "{source}");
    }
}

#[test]
fn prefixes_mean_nothing_where_they_do_not_belong() {
    let worker = json!({"worker": {"a": 1}, "a": 1, "task": 1});
    for (source, place) in [
        ("worker.a == null", Place::Queue),
        ("worker.a == null", Place::WorkerList),
        ("a == null", Place::Target),
        ("TRUE == null AND task == null AND worker[0] == null", Place::Target),
        ("workers.available == null", Place::Target),
        ("taskrouter.tomorrow == null", Place::Target),
        ("a == null", Place::SkipIf),
    ] {
        assert!(asks(source, place, &worker), "{source}");
    }
    assert!(filter("taskrouter.currentTime.x == null", &json!({"taskrouter": 1})));
}

#[test]
fn a_live_query_reads_an_item_behind_data() {
    let item = json!({"activity_name": "Idle", "attributes": {"skills": ["de"], "level": 3}});
    let holds = |source: &str| {
        let expression = compile(source, Place::LiveQuery);
        expression.evaluate(&Scope { task: &item, ..Scope::default() })
    };
    assert!(holds("data.activity_name == 'Idle' AND data.attributes.skills HAS 'de'"));
    assert!(holds("data.attributes.level > 2 AND data.attributes.skills[0] == 'de'"));
    assert!(!holds("data.attributes.level > 3"));
    for source in ["activity_name == null", "data == null", "task.activity_name == null"] {
        assert!(holds(source), "{source}");
        let warnings = compile(source, Place::LiveQuery).lint();
        assert!(matches!(&*warnings, [expr::Warning::Unprefixed { .. }]), "{source}: {warnings:?}");
    }
    let printed = compile("not (data.a[0]=1)", Place::LiveQuery).to_string();
    assert_eq!(printed, "NOT data.a[0] == 1");
}

#[test]
fn counts_of_an_activity_without_workers_are_zero() {
    let workers = WorkerCounts { available: 2, unavailable: 1, ..WorkerCounts::default() };
    let scope = Scope { workers: Some(&workers), ..Scope::default() };
    let skip = |source: &str| compile(source, Place::SkipIf).evaluate(&scope);
    assert!(skip("workers.WA000000000000000000000000000000bb == 0 AND workers.available == 2"));
    assert!(skip("workers.WK000000000000000000000000000000bb == null"));
    assert!(skip("workers.available.x == null"));
}

#[test]
fn a_schedule_is_open_closed_or_unknown() {
    let schedules = BTreeMap::from([("sales".to_owned(), true), ("night".to_owned(), false)]);
    let task = json!({"schedule": {"sales": {"open": "task"}, "own": {"open": "task"}}});
    let scope = Scope { task: &task, schedules: &schedules, ..Scope::default() };
    for place in [Place::Filter, Place::Target] {
        let asked = |source: &str| compile(source, place).evaluate(&scope);
        assert!(asked("schedule.sales.open == true AND schedule.night.open == false"));
        assert_eq!(asked("schedule.own.open == 'task'"), place == Place::Filter);
        assert_eq!(asked("schedule.own.open == null"), place == Place::Target);
    }
    assert!(queue("schedule.sales.open == null", &json!({})));
    assert!(queue("schedule.sales.open == 1", &json!({"schedule": {"sales": {"open": 1}}})));
}

#[test]
fn an_expression_knows_what_it_reads() {
    let uses = |source, place| compile(source, place).uses();
    let none = Uses::default();
    assert_eq!(uses("1==1", Place::Target), none);
    assert_eq!(uses("a==1", Place::Filter), Uses { task: true, ..none });
    assert_eq!(uses("a==1", Place::Queue), Uses { worker: true, ..none });
    assert_eq!(
        uses("task.a == worker.a OR NOT worker.sid == 'x'", Place::Target),
        Uses { task: true, worker: true, worker_identity: true, ..none }
    );
    assert_eq!(
        uses("worker.activity_name == 'x' AND worker.channel.c.assigned_tasks < 1", Place::Target),
        Uses { worker_activity: true, worker_channels: true, ..none }
    );
    assert_eq!(
        uses("taskrouter.dayOfWeek == 'Sat' OR schedule.x.open == true", Place::Target),
        Uses { time: true, schedules: true, ..none }
    );
    let counts = Uses { worker_counts: true, ..none };
    assert_eq!(uses("workers.available == 0", Place::SkipIf), counts);
}

#[test]
fn expressions_are_equal_by_text_and_place() {
    let one = compile("a == 1", Place::Queue);
    assert_eq!(one, one.clone());
    assert_eq!(one, compile("a == 1", Place::Queue));
    assert_ne!(one, compile("a == 1", Place::Filter));
    assert_ne!(one, compile("a==1", Place::Queue));
    assert_eq!(format!("{one:?}"), "Expression(Queue, \"a == 1\")");
    assert_eq!((one.source(), one.place()), ("a == 1", Place::Queue));
}

/// Each warning as "column: message".
fn warnings(source: &str, place: Place) -> Vec<String> {
    let warnings = compile(source, place).lint();
    warnings.iter().map(|w| format!("{}: {w}", w.position().column)).collect()
}

#[test]
fn likely_mistakes_are_warned_of() {
    for (source, place, column, part) in [
        ("1==1 AND level > 3", Place::Target, 10, "`level` is null"),
        ("worker.level > 3", Place::Queue, 1, "`worker.level`"),
        ("worker.level > 3", Place::WorkerList, 1, "stand without a prefix"),
        ("task.type == 'x'", Place::Filter, 1, "stand without a prefix"),
        ("available == 0", Place::SkipIf, 1, "workers.available"),
        ("taskrouter.hour > 3", Place::Filter, 1, "no such variable"),
        ("taskrouter.currentHour > 3", Place::Queue, 1, "without a prefix"),
        ("workers.free > 3", Place::SkipIf, 1, "no such variable"),
        ("\"language\" == 'spanish'", Place::Queue, 1, "a quoted word is a string"),
        ("'a' IN ['a', 'b']", Place::Filter, 1, "two constants"),
        ("task.x == worker.y", Place::Target, 1, "add `task.x != null AND`"),
        ("a == b", Place::Filter, 1, "true when both are missing"),
        ("task.x != null OR task.x == worker.y", Place::Target, 19, "both are missing"),
        ("(a != null AND a > 1) OR a == b", Place::Filter, 26, "both are missing"),
        ("skills == ['a']", Place::Queue, 1, "single values"),
        ("skills HAS ['a']", Place::Queue, 1, "HAS wants a list"),
        ("'a' HAS skill", Place::Queue, 1, "HAS wants a list"),
        ("'a' IN 'abc' OR level IN 'abc'", Place::Queue, 17, "IN wants"),
        ("level CONTAINS 3", Place::Queue, 1, "a string in a string"),
        ("vip > true", Place::Queue, 1, "have an order"),
        ("level >-5", Place::Queue, 1, "no negative numbers"),
        ("level<-5", Place::Queue, 1, "no negative numbers"),
    ] {
        let found = warnings(source, place);
        let expected = format!("{column}: ");
        let fits = |w: &String| w.starts_with(&expected) && w.contains(part);
        assert!(found.iter().any(fits), "{source}: {found:?}");
    }
}

#[test]
fn what_is_meant_is_not_warned_of() {
    for (source, place) in [
        ("1==1", Place::Queue),
        ("task.x != null AND task.x == worker.y", Place::Target),
        ("(worker.y != null) AND (1==0 OR task.x == worker.y)", Place::Target),
        ("null != a AND a == b", Place::Filter),
        ("task.sid == worker.sid", Place::Target),
        ("task.language IN worker.languages", Place::Target),
        ("skills >- 'x' AND dept <- ['y'] AND skills >-'x'", Place::Queue),
        ("taskrouter.dayOfWeek IN ['Sat'] OR schedule.x.open == true", Place::Filter),
        ("workers.available == 0 OR workers.WA000000000000000000000000000000bb > 1", Place::SkipIf),
        ("a == null OR b != null", Place::Filter),
        ("sid == 'x' AND activity_name CONTAINS 'y'", Place::WorkerList),
    ] {
        assert_eq!(warnings(source, place), [""; 0], "{source}");
    }
}

fn bound(source: &str, task: &Value) -> Bound {
    compile(source, Place::Target).bind(task)
}

#[test]
fn binding_puts_the_task_in_its_place() {
    let task = json!({
        "lang": "es", "langs": ["es", "en", "es"], "none": [], "one": [1.0], "min": -3.5,
        "deep": {"a": [null, {"b": 0.001}]}, "huge": 1e300,
    });
    for (source, left) in [
        ("task.lang == 'es'", "1 == 1"),
        ("task.lang == 'fr' AND worker.a == 1", "1 == 0"),
        ("task.lang == 'fr' OR worker.a == 1", "worker.a == 1"),
        ("NOT NOT worker.a == 1", "worker.a == 1"),
        ("task.lang IN worker.langs", "'es' IN worker.langs"),
        ("worker.langs HAS task.lang", "'es' IN worker.langs"),
        ("worker.lang IN task.langs", "worker.lang IN ['en', 'es']"),
        ("worker.lang IN task.none", "1 == 0"),
        ("worker.lang IN task.lang", "1 == 0"),
        ("worker.lang NOT IN task.none", "worker.lang NOT IN []"),
        ("worker.lang IN task.one", "worker.lang == 1"),
        ("worker.lang == task.langs", "1 == 0"),
        ("worker.lang == task.deep", "1 == 0"),
        ("task.min < worker.level", "worker.level > -3.5"),
        ("worker.level >= task.deep.a[1].b", "worker.level >= 0.001"),
        ("worker.level > task.absent", "1 == 0"),
        ("worker.level == task.absent", "worker.level == null"),
        ("worker.b == 1 AND (worker.a == 1 AND worker.b == 1)", "worker.a == 1 AND worker.b == 1"),
        ("level > 3", "1 == 0"),
        (
            "worker.sid == 'x' AND (worker.b == 1 OR worker.c == 2)",
            "worker.sid == 'x' AND (worker.b == 1 OR worker.c == 2)",
        ),
    ] {
        assert_eq!(bound(source, &task).to_string(), left, "{source}");
    }
    assert!(bound("worker.level < task.huge", &task).to_string().len() > 300);
}

#[test]
fn the_same_question_is_the_same_key() {
    let task = json!({"a": 1, "b": "x", "c": [2, 1]});
    let same = [
        "worker.l HAS task.b AND worker.k >= 1 AND worker.m IN [1, 2]",
        "(task.a <= worker.k AND 'x' IN worker.l) AND worker.m IN task.c",
        "worker.m IN [2.0, 1, 1] AND worker.k >= 1.0 AND worker.l >- \"x\" AND 1 == 1",
    ];
    let keys: Vec<Bound> = same.map(|source| bound(source, &task)).into();
    assert!(keys.windows(2).all(|pair| pair[0] == pair[1]), "{keys:?}");
    assert_eq!(bound("worker.a == worker.b", &task), bound("worker.b == worker.a", &task));
    assert_eq!(bound("worker.a < worker.b", &task), bound("worker.b > worker.a", &task));
    assert_ne!(bound("worker.a == 1", &task), bound("worker.a == '1'", &task));
    assert_eq!(bound("1 == 1", &task), Bound::always());
    assert_eq!(bound("1 == 0", &task), Bound::never());
    let (one, two) = (bound("worker.a == 1", &task), bound("worker.b == 1", &task));
    assert_eq!(one.and(&two), bound("worker.b == 1 AND worker.a == 1", &task));
    assert_eq!(one.and(&Bound::always()), one);
    assert_eq!(Bound::never().and(&one), Bound::never());
}

#[test]
fn volatile_questions_are_told_apart() {
    let task = json!({"who": "WK000000000000000000000000000000aa", "several": ["a", "b"]});
    assert!(!bound("worker.a == 1 AND worker.b > 2", &task).is_volatile());
    for source in [
        "worker.a == 1 AND worker.channel.voice.assigned_tasks == 0",
        "NOT worker.activity_name == 'x'",
        "worker.b == 1 OR worker.sid == task.who",
        "taskrouter.currentTime > 900",
        "schedule.x.open == true",
    ] {
        assert!(bound(source, &task).is_volatile(), "{source}");
    }
    let question = bound("worker.sid == task.who", &task);
    let Node::Volatile(test) = question.node() else { panic!("{question:?}") };
    let who = "WK000000000000000000000000000000aa";
    assert_eq!(test.named(), Some((&WorkerField::Sid, vec![who])));
    assert!(test.evaluate(&Value::Null, &Ana, base::Timestamp(0), &NoSchedules));
    assert!(!test.evaluate(&Value::Null, &NoFacts, base::Timestamp(0), &NoSchedules));
    assert!(test.uses().worker_identity && question.uses() == test.uses());

    let question = bound("worker.friendly_name IN task.several", &task);
    let Node::Volatile(test) = question.node() else { panic!("{question:?}") };
    assert_eq!(test.named(), Some((&WorkerField::FriendlyName, vec!["a", "b"])));
    let question = bound("worker.friendly_name != 'a'", &task);
    let Node::Volatile(test) = question.node() else { panic!("{question:?}") };
    assert_eq!(test.named(), None);
}
