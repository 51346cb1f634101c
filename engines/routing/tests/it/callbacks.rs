//! Instructions from callback URLs: what the published scenarios leave open.

use crate::world::{World, attrs, straight_to};
use base::{Millis, Patch};
use routing::{
    command::*,
    explain::Reason,
    instruction::{CallInstruction, Instruction},
    limits::REST_S_MAX,
    *,
};

/// One queue for everybody; the workflow has as many callback URLs as are asked for.
fn centre(urls: usize, workers: &[&str]) -> World {
    let mut world = World::new();
    let queue = world.new_queue("Support", "1==1");
    let url = |at: usize| (urls > at).then(|| format!("https://example.com/{at}"));
    world.must(Command::CreateWorkflow(NewWorkflow {
        friendly_name: "wf".to_owned(),
        configuration: straight_to(queue),
        assignment_callback_url: url(0),
        fallback_assignment_callback_url: url(1),
        ..NewWorkflow::default()
    }));
    for name in workers {
        world.new_worker(name, "Available", "{}");
        world.advance(1);
    }
    world
}

fn answer(world: &mut World, task: TaskSid, answer: CallbackAnswer) -> Followed {
    let one = world.newest(task);
    let stage = one.callback.map_or(CallbackStage::First, |callback| callback.stage);
    let command = Command::AnswerCallback { reservation: one.sid, stage, answer };
    let Reply::Callback(followed) = world.must(command) else { panic!("another reply") };
    world.routing.check();
    followed
}

fn status(world: &World, task: TaskSid) -> (ReservationStatus, Option<CallbackStage>) {
    let one = world.newest(task);
    (one.status, one.callback.map(|callback| callback.stage))
}

#[test]
fn without_a_url_nothing_is_asked() {
    let mut world = centre(0, &["ann"]);
    let task = world.new_task("{}");
    assert_eq!(status(&world, task), (ReservationStatus::Pending, None));
    let text = serde_json::to_string(world.newest(task)).expect("a row");
    assert!(!text.contains("callback"), "{text}");
}

#[test]
fn silence_moves_to_the_fallback_and_then_withdraws_the_offer() {
    let mut world = centre(2, &["ann"]);
    let task = world.new_task("{}");
    assert_eq!(status(&world, task), (ReservationStatus::Pending, Some(CallbackStage::First)));
    world.advance_to(world.now + Millis(4_999));
    assert_eq!(status(&world, task).1, Some(CallbackStage::First));
    world.advance_to(world.now + Millis(1));
    assert_eq!(status(&world, task), (ReservationStatus::Pending, Some(CallbackStage::Fallback)));
    let first = world.newest(task).sid;
    world.advance_to(world.now + Millis(5_000));
    assert_eq!(world.newest(task).sid, first, "the only worker rests first");
    assert_eq!(status(&world, task), (ReservationStatus::Canceled, None));
    world.routing.check();
    world.advance(1);
    assert_ne!(world.newest(task).sid, first);
    assert_eq!(status(&world, task), (ReservationStatus::Pending, Some(CallbackStage::First)));
}

#[test]
fn the_rest_doubles_up_to_a_minute_and_survives_a_restart() {
    let mut world = centre(1, &["ann"]);
    let task = world.new_task("{}");
    for pause_s in [1, 2, 4, 8, 16, 32, 60, 60] {
        assert_eq!(answer(&mut world, task, CallbackAnswer::Failed), Followed::Done(None));
        assert_eq!(world.routing.digest(), world.restored().digest());
        assert_eq!(world.routing.digest(), world.replayed().digest());
        let question = Question::Explain(explain::Look::of(task));
        let Ok(Answer::Seen(seen)) = world.routing.ask(&question, world.now) else {
            panic!("no explanation");
        };
        let why = seen.explain(explain::Detail::Reasons);
        let reason = why.verdicts[0].reason.clone();
        let until = world.now + Millis::secs(pause_s);
        assert_eq!(reason, Some(Reason::CallbackFailed { until }), "{}", why.summary);
        world.advance_to(until + Millis(-1));
        assert_eq!(status(&world, task).0, ReservationStatus::Canceled);
        world.advance_to(until);
        assert_eq!(status(&world, task).0, ReservationStatus::Pending, "after {pause_s} s");
    }
    assert_eq!(REST_S_MAX, 60);
}

#[test]
fn a_task_behind_one_that_rests_is_served() {
    let mut world = centre(1, &["ann"]);
    let resting = world.new_task("{}");
    answer(&mut world, resting, CallbackAnswer::Failed);
    let next = world.new_task("{}");
    assert_eq!(status(&world, next).0, ReservationStatus::Pending);
    assert_eq!(status(&world, resting).0, ReservationStatus::Canceled);
}

#[test]
fn others_are_tried_at_once_and_after_many_nobody_for_a_while() {
    let names: Vec<String> = (0..30).map(|n| format!("w{n}")).collect();
    let mut world = centre(1, &names.iter().map(String::as_str).collect::<Vec<_>>());
    let task = world.new_task("{}");
    let mut failed = 0;
    while status(&world, task).0 == ReservationStatus::Pending {
        answer(&mut world, task, CallbackAnswer::Failed);
        failed += 1;
    }
    assert_eq!(failed, limits::RESTING_WORKERS_MAX + 1, "then it is not the worker");
    let newcomer = world.new_worker("newcomer", "Available", "{}");
    assert_ne!(world.newest(task).worker, newcomer);
    world.advance(REST_S_MAX);
    assert_eq!(status(&world, task).0, ReservationStatus::Pending);
}

#[test]
fn a_late_answer_changes_nothing() {
    let mut world = centre(2, &["ann"]);
    let task = world.new_task("{}");
    let reservation = world.newest(task).sid;
    world.advance(5);
    let late = |world: &mut World, stage, instruction| {
        let answer = CallbackAnswer::Do(instruction);
        match world.must(Command::AnswerCallback { reservation, stage, answer }) {
            Reply::Callback(followed) => followed,
            other => panic!("{other:?}"),
        }
    };
    let accept = Instruction::Accept;
    let first = late(&mut world, CallbackStage::First, accept.clone());
    assert_eq!(first, Followed::Late(None));
    assert_eq!(status(&world, task), (ReservationStatus::Pending, Some(CallbackStage::Fallback)));
    world.accept(task);
    world.events.clear();
    let call = CallInstruction::Call { to: None, from: None, url: None };
    let called = late(&mut world, CallbackStage::Fallback, Instruction::Call(call));
    assert_eq!(called, Followed::Late(Some(Alert::CallNotPending)));
    assert_eq!(late(&mut world, CallbackStage::Fallback, accept), Followed::Late(None));
    assert!(world.events.is_empty());
    assert_eq!(status(&world, task).0, ReservationStatus::Accepted);
}

#[test]
fn a_reject_says_where_the_worker_goes_or_raises_an_alert() {
    let reject = |activity| CallbackAnswer::Do(Instruction::Reject { activity });
    let mut world = centre(1, &["ann", "ben"]);
    let task = world.new_task("{}");
    let nowhere = reject(Some(ActivitySid::new(1)));
    let refused = answer(&mut world, task, nowhere);
    assert_eq!(refused, Followed::Refused(Alert::RejectActivity));
    assert_eq!(status(&world, task), (ReservationStatus::Pending, None), "nobody is asked again");
    let task = world.new_task("{}");
    let ben = world.newest(task).worker;
    let kept = answer(&mut world, task, reject(None));
    assert_eq!(kept, Followed::Done(Some(Alert::RejectActivity)));
    assert_eq!(world.worker(ben).activity, world.activity("Available"));
}

#[test]
fn an_instruction_that_needs_a_call_leaves_the_offer_pending() {
    let mut world = centre(2, &["ann"]);
    let task = world.new_task(r#"{"call_sid": "CA1"}"#);
    let dequeue = |to: Option<&str>, from: Option<&str>| CallInstruction::Dequeue {
        to: to.map(str::to_owned),
        from: from.map(str::to_owned),
        post_work_activity: None,
    };
    let refusal = |world: &mut World, call| {
        let sid = world.newest(task).sid;
        match world.step(sid, ReservationStep::Call(call)) {
            Err(Rejection::Instruction(alert)) => alert,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(refusal(&mut world, dequeue(None, None)), Alert::DequeueTo);
    assert_eq!(refusal(&mut world, dequeue(Some("+1"), None)), Alert::DequeueFrom);
    assert_eq!(refusal(&mut world, dequeue(Some("+1"), Some("+2"))), Alert::DequeueFailed);
    let supervise = CallInstruction::Supervise { supervisor: None };
    assert_eq!(refusal(&mut world, supervise.clone()), Alert::SuperviseWorker);
    assert_eq!(status(&world, task).1, Some(CallbackStage::First), "the answer is still awaited");
    let told = CallbackAnswer::Do(Instruction::Call(supervise));
    assert_eq!(answer(&mut world, task, told), Followed::Refused(Alert::SuperviseWorker));
    assert_eq!(status(&world, task), (ReservationStatus::Pending, None));
    world.advance(120);
    assert_eq!(status(&world, task).0, ReservationStatus::Timeout);
    let call = CallInstruction::Call { to: None, from: None, url: None };
    let sid = world.newest(task).sid;
    let gone = world.step(sid, ReservationStep::Call(call));
    assert_eq!(gone, Err(Rejection::Instruction(Alert::CallNotPending)));
}

#[test]
fn the_workers_contact_and_the_tasks_call_count() {
    let mut world = centre(0, &[]);
    world.new_worker("ann", "Available", r#"{"contact_uri": "client:ann"}"#);
    let new =
        NewTask { attributes: attrs(r#"{"outbound_to": "+1", "to": "+2"}"#), ..NewTask::default() };
    let task = world.new_task_of(new);
    let sid = world.newest(task).sid;
    let conference = CallInstruction::Conference { to: None, from: None, post_work_activity: None };
    let refused = world.step(sid, ReservationStep::Call(conference));
    assert_eq!(refused, Err(Rejection::Instruction(Alert::ConferenceFailed)));
}

#[test]
fn a_url_can_be_asked_again_while_the_reservation_is_pending() {
    let mut world = centre(1, &["ann"]);
    let task = world.new_task("{}");
    let reservation = world.newest(task).sid;
    answer(&mut world, task, CallbackAnswer::Nothing);
    assert_eq!(status(&world, task), (ReservationStatus::Pending, None));
    world.advance(30);
    world.must(Command::AskCallback { reservation });
    assert_eq!(status(&world, task).1, Some(CallbackStage::First));
    world.routing.check();
    let followed = answer(&mut world, task, CallbackAnswer::Do(Instruction::Accept));
    assert_eq!(followed, Followed::Done(None));
    let refused = world.run(&Command::AskCallback { reservation });
    assert!(matches!(refused, Err(Rejection::ReservationStatus { .. })), "{refused:?}");
    let mut without = centre(0, &["ann"]);
    let task = without.new_task("{}");
    let reservation = without.newest(task).sid;
    let refused = without.run(&Command::AskCallback { reservation });
    assert_eq!(refused, Err(Rejection::Required("AssignmentCallbackUrl")));
}

#[test]
fn a_url_that_cannot_be_called_is_refused_when_it_is_set() {
    let mut world = centre(0, &[]);
    let workflow = world.rows.keys().find(|(kind, _)| *kind == RowKind::Workflow);
    let sid: WorkflowSid = workflow.and_then(|(_, key)| key.parse().ok()).expect("there is one");
    for url in
        ["example.com", "ftp://example.com", "http://", "https:///x", "http://a b/", "http://?x"]
    {
        let set = || Patch::Set(url.to_owned());
        let patch = WorkflowPatch { assignment_callback_url: set(), ..WorkflowPatch::default() };
        let refused = world.run(&Command::UpdateWorkflow { sid, patch });
        let is =
            matches!(refused, Err(Rejection::Invalid { parameter: "AssignmentCallbackUrl", .. }));
        assert!(is, "{url}: {refused:?}");
        let patch = WorkspacePatch { event_callback_url: set(), ..WorkspacePatch::default() };
        let refused = world.run(&Command::UpdateWorkspace(patch));
        let is = matches!(refused, Err(Rejection::Invalid { parameter: "EventCallbackUrl", .. }));
        assert!(is, "{url}: {refused:?}");
    }
}
