//! The capacity matrix: what workers may hold together, and what happens as that changes.

use crate::world::{World, attrs, straight_to};
use routing::{
    capacity::{CapacityTrial, CapacityWarning},
    command::*,
    explain::{Detail, Look, Reason},
    *,
};
use serde_json::{Value, json};

/// One worker with room for ten tasks on each channel, and a queue.
struct Desk {
    world: World,
    worker: WorkerSid,
}

impl Desk {
    fn new() -> Self {
        let mut world = World::new();
        let queue = world.new_queue("Support", "1==1");
        world.new_workflow("wf", straight_to(queue));
        world.must(Command::CreateTaskChannel(NewTaskChannel {
            unique_name: "email".to_owned(),
            friendly_name: "Mail".to_owned(),
            channel_optimized_routing: false,
        }));
        let worker = world.new_worker("Ann", "Available", "{}");
        for channel in ["voice", "chat", "sms", "email"] {
            world.must(Command::UpdateWorkerChannel {
                worker,
                channel: WorkerChannelRef::Channel(ChannelRef::Name(channel.to_owned())),
                capacity: Some(10),
                available: None,
            });
        }
        Self { world, worker }
    }

    fn set(&mut self, rules: Value) -> Result<Vec<CapacityWarning>, Rejection> {
        let body = json!({"rules": rules});
        let set = Command::SetCapacity { if_match: IfMatch::Any, body };
        match self.world.run(&set)? {
            Reply::Capacity(_, warnings) => Ok(warnings),
            other => panic!("{other:?}"),
        }
    }

    fn must(&mut self, rules: Value) {
        let warnings = self.set(rules).unwrap_or_else(|rejection| panic!("{rejection}"));
        assert_eq!(warnings, []);
    }

    fn refused(&mut self, rules: Value) -> String {
        self.set(rules).expect_err("these rules are wrong").to_string()
    }

    fn warned(&mut self, rules: Value) -> Vec<String> {
        let warnings = self.set(rules).expect("these rules are right");
        warnings.into_iter().map(|one| format!("{}: {}", one.name, one.message)).collect()
    }

    fn task(&mut self, channel: &str) -> TaskSid {
        self.world.new_task_of(NewTask {
            attributes: attrs("{}"),
            task_channel: Some(ChannelRef::Name(channel.to_owned())),
            ..NewTask::default()
        })
    }

    fn is_offered(&self, task: TaskSid) -> bool {
        self.world.routing.check();
        self.world.task(task).is_some_and(|task| task.status != TaskStatus::Pending)
    }

    /// Whether one more task of a channel is offered; if so it stays.
    fn takes(&mut self, channel: &str) -> bool {
        let task = self.task(channel);
        let is = self.is_offered(task);
        if !is {
            self.world.must(Command::DeleteTask { sid: task, if_match: IfMatch::Any });
        }
        is
    }

    fn finish(&mut self, task: TaskSid) {
        self.world.accept(task);
        self.world.set_status(task, TaskStatus::Completed).expect("it was accepted");
    }

    fn reason(&self, task: TaskSid) -> Option<Reason> {
        let look = Look { worker: Some(self.worker), ..Look::of(task) };
        match self.world.routing.ask(&Question::Explain(look), self.world.now) {
            Ok(Answer::Seen(seen)) => seen.explain(Detail::Reasons).verdicts[0].reason.clone(),
            other => panic!("{other:?}"),
        }
    }

    fn tried(&self, rules: Value) -> CapacityTrial {
        let question = Question::CapacityTrial(json!({"rules": rules}));
        match self.world.routing.ask(&question, self.world.now) {
            Ok(Answer::CapacityTrial(trial)) => *trial,
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn one_call_and_eight_chats() {
    let mut desk = Desk::new();
    desk.must(json!([
        {"name": "one call", "channels": ["voice"], "limit": 1},
        {"name": "eight chats", "channels": ["chat"], "limit": 8},
    ]));
    assert!(desk.takes("voice") && !desk.takes("voice"));
    for _ in 0..8 {
        assert!(desk.takes("chat"));
    }
    assert!(!desk.takes("chat"));
    assert!(desk.takes("email"), "mail never blocks and is never blocked");
}

#[test]
fn no_chat_while_on_a_call_and_a_call_during_one_chat_but_not_during_two() {
    let rules = json!([
        {"name": "no chat while on a call", "channels": ["chat"], "limit": 0,
         "while": {"channels": ["voice"], "at_least": 1}, "blocks": ["chat"]},
        {"name": "a call may come during one chat", "channels": ["chat"], "limit": 1,
         "while": {"channels": ["voice"], "at_least": 1}, "blocks": ["voice"]},
    ]);
    let mut desk = Desk::new();
    desk.must(rules.clone());
    assert!(desk.takes("voice") && !desk.takes("chat") && desk.takes("email"));

    let mut desk = Desk::new();
    desk.must(rules.clone());
    assert!(desk.takes("chat") && desk.takes("voice"), "a call during one chat");
    assert!(!desk.takes("chat"), "no chat while on the call");

    let mut desk = Desk::new();
    desk.must(rules);
    let (first, second) = (desk.task("chat"), desk.task("chat"));
    let call = desk.task("voice");
    assert!(!desk.is_offered(call), "no call during two chats");
    let Some(Reason::CapacityRule { rule, limit, load, open_reservations }) = desk.reason(call)
    else {
        panic!("{:?}", desk.reason(call))
    };
    assert_eq!((rule.as_str(), limit, load), ("a call may come during one chat", 1, 2));
    assert_eq!((open_reservations["chat"], open_reservations["voice"]), (2, 0));
    desk.finish(first);
    assert!(desk.is_offered(call), "the call comes as soon as one chat is left");
    desk.finish(second);
}

/// Wrapping counts, as it does for a channel's own capacity.
#[test]
fn after_work_still_counts() {
    let mut desk = Desk::new();
    desk.must(json!([{"name": "quiet calls", "channels": ["chat"], "limit": 0,
                      "while": {"channels": ["voice"]}}]));
    let call = desk.task("voice");
    let chat = desk.task("chat");
    desk.world.accept(call);
    desk.world.set_status(call, TaskStatus::Wrapping).expect("it was accepted");
    assert!(!desk.is_offered(chat));
    desk.world.set_status(call, TaskStatus::Completed).expect("it was wrapping");
    assert!(desk.is_offered(chat));
}

#[test]
fn weights_share_one_budget() {
    let mut desk = Desk::new();
    desk.must(json!([{"name": "budget", "channels": ["voice", "chat", "email"], "limit": 10,
                      "weights": {"voice": 7, "chat": 3, "email": 0}}]));
    assert!(desk.takes("chat") && desk.takes("voice") && !desk.takes("chat"));
    assert!(!desk.takes("voice") && desk.takes("email"));
}

#[test]
fn a_rule_is_about_whom_its_expression_says() {
    let mut desk = Desk::new();
    desk.must(json!([{"name": "juniors", "channels": ["chat"], "limit": 1,
                      "workers": "level == 1"}]));
    assert!(desk.takes("chat") && desk.takes("chat"), "nobody knows Ann's level");
    let task = desk.task("chat");
    let patch =
        |attributes| WorkerPatch { attributes: Some(attrs(attributes)), ..WorkerPatch::default() };
    let (sid, if_match) = (desk.worker, IfMatch::Any);
    let junior = Command::UpdateWorker { sid, if_match, patch: patch(r#"{"level": 1}"#) };
    desk.world.must(junior);
    let waits = desk.task("chat");
    assert!(desk.is_offered(task) && !desk.is_offered(waits), "she keeps three and gets no more");
    let senior = Command::UpdateWorker { sid, if_match, patch: patch(r#"{"level": 2}"#) };
    desk.world.must(senior);
    assert!(desk.is_offered(waits), "attributes decide at once");
}

#[test]
fn tightened_rules_leave_work_alone_and_loosened_ones_match_at_once() {
    let mut desk = Desk::new();
    let tasks = [desk.task("chat"), desk.task("chat"), desk.task("chat")];
    desk.must(json!([{"name": "one chat", "channels": ["chat"], "limit": 1}]));
    assert!(tasks.iter().all(|task| desk.is_offered(*task)));
    let waits = desk.task("chat");
    assert!(!desk.is_offered(waits));
    desk.finish(tasks[0]);
    desk.finish(tasks[1]);
    assert!(!desk.is_offered(waits), "one is still held");
    desk.must(json!([{"name": "one chat", "channels": ["chat"], "limit": 2}]));
    assert!(desk.is_offered(waits), "room for it at once");
    desk.must(json!([]));
    assert!(desk.takes("chat"));
    assert_eq!(desk.world.routing.digest(), desk.world.restored().digest());
    assert_eq!(desk.world.routing.digest(), desk.world.replayed().digest());
}

#[test]
fn direct_routing_passes_the_rules_only_where_it_ignores_capacity() {
    let mut desk = Desk::new();
    desk.must(json!([{"name": "one chat", "channels": ["chat"], "limit": 1}]));
    assert!(desk.takes("chat"));
    let mut direct = |ignore_capacity| {
        desk.world.new_task_of(NewTask {
            attributes: attrs("{}"),
            task_channel: Some(ChannelRef::Name("chat".to_owned())),
            routing_target: Some(desk.worker.sid()),
            ignore_capacity: Some(ignore_capacity),
            ..NewTask::default()
        })
    };
    let (passes, waits) = (direct(true), direct(false));
    assert!(desk.is_offered(passes) && !desk.is_offered(waits));
}

#[test]
fn one_at_a_time_asks_no_rules() {
    let mut world = World::empty();
    world.must(Command::CreateWorkspace(NewWorkspace {
        friendly_name: "W".to_owned(),
        multi_task_enabled: Some(false),
        ..NewWorkspace::default()
    }));
    let queue = world.new_queue("Support", "1==1");
    world.new_workflow("wf", straight_to(queue));
    let worker = world.new_worker("Ann", "Available", "{}");
    let mut desk = Desk { world, worker };
    let warned = desk.warned(json!([{"name": "none", "channels": ["default"], "limit": 0}]));
    assert_eq!(warned.len(), 1);
    assert!(desk.takes("default"));
}

#[test]
fn a_trial_tells_what_would_change_and_changes_nothing() {
    let mut desk = Desk::new();
    desk.must(json!([{"name": "two chats", "channels": ["chat"], "limit": 2}]));
    let (_, _, third) = (desk.task("chat"), desk.task("chat"), desk.task("chat"));
    let before = desk.world.routing.digest();
    let trial = desk.tried(json!([{"name": "one chat", "channels": ["chat"], "limit": 1}]));
    let over = &trial.workers_over;
    assert_eq!((over.count, over.first[0].worker_sid, over.first[0].load), (1, desk.worker, 2));
    assert_eq!((trial.tasks_blocked.first, trial.tasks_unblocked.count), (vec![third], 0));
    let trial = desk.tried(json!([]));
    assert_eq!((trial.tasks_blocked.count, trial.tasks_unblocked.first), (0, vec![third]));
    assert_eq!(trial.workers_over.count, 0);
    assert_eq!(desk.world.routing.digest(), before);
    desk.must(json!([]));
    assert!(desk.is_offered(third), "as the trial said");
}

#[test]
fn errors_name_the_rule_the_field_and_the_reason() {
    let mut desk = Desk::new();
    let ok = json!({"name": "a", "channels": ["chat"], "limit": 1});
    let wrong = |field: &str, value: Value| {
        let mut rule = json!({"name": "b", "channels": ["chat"], "limit": 1});
        rule[field] = value;
        json!([ok, rule])
    };
    let told = [
        (wrong("limit", json!(-1)), "rules[1].limit must be a whole number between 0 and 10000"),
        (wrong("limit", json!(null)), "rules[1].limit is required"),
        (wrong("name", json!("a")), "rules[1].name is the name of another rule too"),
        (wrong("name", json!("")), "rules[1].name must have between 1 and 64 characters"),
        (wrong("channels", json!("chat")), "rules[1].channels must be a list"),
        (
            wrong("channels", json!(["chat", "fax"])),
            "rules[1].channels[1] names 'fax', which is no task channel of this workspace",
        ),
        (wrong("channels", json!(["chat", "chat"])), "rules[1].channels[1] is there twice"),
        (wrong("weights", json!({"sms": 1})), "rules[1].weights.sms is not known here"),
        (wrong("while", json!({})), "rules[1].while.channels is required"),
        (
            wrong("while", json!({"channels": ["sms"], "at_least": 0})),
            "rules[1].while.at_least must be a whole number between 1 and 10000",
        ),
        (wrong("limits", json!(3)), "rules[1].limits is not known here"),
        (wrong("workers", json!("level >")), "rules[1].workers: "),
        (json!({}), "rules must be a list"),
    ];
    for (rules, wanted) in told {
        let got = desk.refused(rules);
        assert!(got.contains(wanted), "{got} / {wanted}");
    }
    assert!(desk.takes("chat") && desk.takes("chat"), "nothing was set");
}

#[test]
fn rules_that_change_nothing_are_set_with_a_warning() {
    let mut desk = Desk::new();
    let warned = desk.warned(json!([
        {"name": "all", "channels": ["voice", "chat"], "limit": 2},
        {"name": "chats", "channels": ["chat"], "limit": 5},
        {"name": "busy", "channels": ["sms"], "limit": 1,
         "while": {"channels": ["voice", "chat"], "at_least": 3}},
        {"name": "closed", "channels": ["email"], "limit": 0},
        {"name": "typo", "channels": ["sms"], "limit": 4, "workers": "worker.level == 1"},
    ]));
    let begins = [
        "chats: rule 'all' is at least as strict",
        "busy: its condition is never met",
        "closed: no task on channel 'email'",
        "typo: workers: ",
    ];
    assert_eq!(warned.len(), begins.len(), "{warned:?}");
    for (got, wanted) in warned.iter().zip(begins) {
        assert!(got.starts_with(wanted), "{got} / {wanted}");
    }
}

#[test]
fn rules_have_versions_and_keep_their_channels() {
    let mut desk = Desk::new();
    let set = |version, limit| Command::SetCapacity {
        if_match: IfMatch::Version(version),
        body: json!({"rules": [{"name": "mails", "channels": ["email"], "limit": limit}]}),
    };
    assert_eq!(desk.world.run(&set(1, 3)), Err(Rejection::Stale { current: 0 }));
    desk.world.must(set(0, 3));
    desk.world.must(set(1, 3));
    desk.world.must(set(1, 4));
    assert_eq!(desk.world.run(&set(1, 5)), Err(Rejection::Stale { current: 2 }));
    let email = ChannelRef::Name("email".to_owned());
    let refused = desk.world.run(&Command::DeleteTaskChannel(email.clone()));
    assert!(matches!(refused, Err(Rejection::InUse { .. })), "{refused:?}");
    desk.must(json!([]));
    desk.world.must(Command::DeleteTaskChannel(email));
}
