//! Tasks handed over: each statement of the reference about transfers, one test each.

use crate::world::{World, attrs, straight_to};
use routing::{command::*, instruction::CallInstruction, limits::ASSIGNED_S_MAX, *};

/// Ann has a task; Ben and Cat can be handed it, each alone in a queue of their own and together
/// in a third one.
struct Desk {
    world: World,
    home: TaskQueueSid,
    pair: TaskQueueSid,
    ann: WorkerSid,
    ben: WorkerSid,
    cat: WorkerSid,
    task: TaskSid,
    /// Ann's.
    own: ReservationSid,
}

impl Desk {
    fn open() -> Self {
        let mut world = World::new();
        let home = world.new_queue("Home", "team == 'home'");
        let pair = world.new_queue("Pair", "team == 'pair'");
        world.new_workflow("wf", straight_to(home));
        let ann = world.new_worker("ann", "Available", r#"{"team": "home"}"#);
        let ben = world.new_worker("ben", "Available", r#"{"team": "pair"}"#);
        let cat = world.new_worker("cat", "Available", r#"{"team": "pair"}"#);
        let task = world.new_task(r#"{"case": 1}"#);
        world.accept(task);
        let own = world.newest(task).sid;
        world.events_taken();
        Self { world, home, pair, ann, ben, cat, task, own }
    }

    fn asked(&self, to: TransferTarget, mode: TransferMode) -> NewTransfer {
        NewTransfer {
            task: self.task,
            reservation: self.own,
            worker: Some(self.ann),
            to,
            mode,
            attributes: None,
            priority: None,
        }
    }

    fn hand_to_ben(&mut self, mode: TransferMode) -> Transfer {
        self.must(self.asked(TransferTarget::Worker(self.ben), mode))
    }

    fn hand_to_pair(&mut self, mode: TransferMode) -> Transfer {
        self.must(self.asked(TransferTarget::Queue(self.pair), mode))
    }

    fn must(&mut self, new: NewTransfer) -> Transfer {
        match self.world.must(Command::CreateTransfer(new)) {
            Reply::Transfer(transfer) => *transfer,
            other => panic!("{other:?}"),
        }
    }

    fn refused(&mut self, to: TransferTarget) -> Rejection {
        let new = self.asked(to, TransferMode::Warm);
        self.world.run(&Command::CreateTransfer(new)).expect_err("this cannot begin")
    }

    fn cancel(&mut self, transfer: &Transfer) -> Result<Reply, Rejection> {
        self.world.run(&Command::CancelTransfer { sid: transfer.sid, task: transfer.task })
    }

    fn task(&self) -> &Task {
        self.world.task(self.task).expect("the task is there")
    }

    fn status(&self) -> TaskStatus {
        self.task().status
    }

    fn newest(&self) -> Reservation {
        self.world.newest(self.task).clone()
    }

    fn of(&self, worker: WorkerSid) -> Reservation {
        let mut all = self.world.reservations(self.task).into_iter();
        let found = all.rfind(|one| one.worker == worker);
        found.expect("the worker was offered the task").clone()
    }

    fn step(&mut self, sid: ReservationSid, step: ReservationStep) -> Result<Reply, Rejection> {
        let told = self.world.step(sid, step);
        self.world.routing.check();
        told
    }

    fn row(&self, transfer: &Transfer) -> Transfer {
        match self.world.rows.get(&(RowKind::Transfer, transfer.sid.to_string())) {
            Some(StoredRow::Transfer(row)) => row.clone(),
            other => panic!("{other:?}"),
        }
    }
}

use ReservationStatus as R;
use ReservationStep::{Accept, Complete, Reject, Wrap};
use TaskStatus::{Assigned, Canceled, Completed, Pending, Reserved, Wrapping};
use TransferMode::{Cold, Warm};

const REJECT: ReservationStep = Reject { activity: None };

#[test]
fn a_warm_transfer_reserves_the_task_for_the_target_while_the_transferor_keeps_it() {
    let mut desk = Desk::open();
    let transfer = desk.hand_to_ben(Warm);
    assert_eq!(
        desk.world.events_taken(),
        ["task.transfer-initiated", "task-queue.entered", "reservation.created"]
    );
    assert_eq!((desk.status(), desk.of(desk.ann).status), (Reserved, R::Accepted));
    let offer = desk.newest();
    assert_eq!((offer.worker, offer.transfer), (desk.ben, Some(transfer.sid)));
    assert_eq!(transfer.initiating_queue, Some(desk.home));
    desk.step(offer.sid, Accept).expect("it is pending");
    assert_eq!(desk.world.events_taken(), ["reservation.accepted", "task.transfer-completed"]);
    assert_eq!((desk.status(), desk.row(&transfer).status), (Assigned, TransferStatus::Complete));
    assert_eq!((desk.of(desk.ann).status, desk.newest().status), (R::Accepted, R::Accepted));
}

#[test]
fn each_part_ends_by_itself_and_the_task_follows_the_last_one() {
    let mut desk = Desk::open();
    desk.hand_to_ben(Warm);
    let theirs = desk.newest().sid;
    desk.step(theirs, Accept).expect("it is pending");
    desk.step(desk.own, Wrap).expect("it is accepted");
    assert_eq!(desk.status(), Assigned);
    desk.step(desk.own, Complete).expect("it is wrapping");
    assert_eq!(desk.status(), Assigned);
    desk.step(theirs, Wrap).expect("it is accepted");
    assert_eq!(desk.status(), Wrapping);
    desk.step(theirs, Complete).expect("it is wrapping");
    assert_eq!(desk.status(), Completed);
}

#[test]
fn who_is_left_in_after_work_puts_the_task_there() {
    let mut desk = Desk::open();
    desk.hand_to_ben(Warm);
    let theirs = desk.newest().sid;
    desk.step(theirs, Accept).expect("it is pending");
    desk.step(desk.own, Wrap).expect("it is accepted");
    desk.step(theirs, Complete).expect("it is accepted");
    assert_eq!(desk.status(), Wrapping);
    desk.step(desk.own, Complete).expect("it is wrapping");
    assert_eq!(desk.status(), Completed);
}

#[test]
fn ending_the_task_ends_every_part() {
    let mut desk = Desk::open();
    desk.hand_to_ben(Warm);
    let theirs = desk.newest().sid;
    desk.step(theirs, Accept).expect("it is pending");
    desk.step(desk.own, Wrap).expect("it is accepted");
    desk.world.set_status(desk.task, Wrapping).expect("it is assigned");
    assert_eq!(desk.newest().status, R::Wrapping);
    desk.world.set_status(desk.task, Completed).expect("it is wrapping");
    assert_eq!((desk.of(desk.ann).status, desk.newest().status), (R::Completed, R::Completed));
    desk.world.routing.check();
}

#[test]
fn while_a_transfer_is_open_the_task_cannot_be_ended_as_a_whole() {
    let mut desk = Desk::open();
    let transfer = desk.hand_to_ben(Warm);
    for status in [Wrapping, Completed] {
        let refused = desk.world.set_status(desk.task, status);
        assert!(matches!(refused, Err(Rejection::TaskStatus { status: Reserved, .. })));
    }
    assert!(matches!(
        desk.refused(TransferTarget::Queue(desk.pair)),
        Rejection::TaskStatus { because: "a transfer of it is under way", .. }
    ));
    assert_eq!(desk.row(&transfer).status, TransferStatus::Initiated);
}

#[test]
fn a_target_that_cannot_be_offered_the_task_is_refused_and_nothing_begins() {
    let mut desk = Desk::open();
    let (ann, ben, cat) = (desk.ann, desk.ben, desk.cat);
    desk.world.go(ben, "Unavailable");
    let channel = WorkerChannelRef::Channel(ChannelRef::Name("default".to_owned()));
    let (capacity, available) = (Some(0), None);
    desk.world.must(Command::UpdateWorkerChannel { worker: cat, channel, capacity, available });
    for (worker, why) in [
        (ben, "its activity is not available"),
        (cat, "it has no capacity left on the task's channel"),
        (ann, "it holds the task already"),
    ] {
        let refused = desk.refused(TransferTarget::Worker(worker));
        assert_eq!(refused, Rejection::TransferTarget { worker, because: why });
    }
    let nobody = TransferTarget::Worker(WorkerSid::new(1));
    let nowhere = TransferTarget::Queue(TaskQueueSid::new(1));
    for to in [nobody, nowhere] {
        assert!(matches!(desk.refused(to), Rejection::UnknownParameter { parameter: "To", .. }));
    }
    assert_eq!(desk.status(), Assigned);
}

#[test]
fn only_who_has_accepted_hands_over() {
    let mut desk = Desk::open();
    let to = TransferTarget::Worker(desk.ben);
    let others = NewTransfer { worker: Some(desk.cat), ..desk.asked(to, Warm) };
    let unknown = NewTransfer { reservation: ReservationSid::new(1), ..desk.asked(to, Warm) };
    for new in [others, unknown] {
        assert!(matches!(
            desk.world.run(&Command::CreateTransfer(new)),
            Err(Rejection::UnknownParameter { parameter: "ReservationSid", .. })
        ));
    }
    let high = NewTransfer { priority: Some(u32::MAX), ..desk.asked(to, Warm) };
    assert!(matches!(
        desk.world.run(&Command::CreateTransfer(high)),
        Err(Rejection::Invalid { parameter: "Priority", .. })
    ));
    let broken = NewTransfer { attributes: Some(attrs("[")), ..desk.asked(to, Warm) };
    assert!(matches!(
        desk.world.run(&Command::CreateTransfer(broken)),
        Err(Rejection::Malformed { parameter: "Attributes", .. })
    ));
    desk.step(desk.own, Wrap).expect("it is accepted");
    assert!(matches!(
        desk.refused(to),
        Rejection::ReservationStatus { because: "is not accepted", .. }
    ));
    desk.step(desk.own, Complete).expect("it is wrapping");
    assert!(matches!(desk.refused(to), Rejection::TaskStatus { status: Completed, .. }));
}

#[test]
fn a_worker_who_refuses_ends_the_transfer() {
    let mut desk = Desk::open();
    let transfer = desk.hand_to_ben(Warm);
    desk.world.events_taken();
    desk.step(desk.newest().sid, REJECT).expect("it is pending");
    assert_eq!(
        desk.world.events_taken(),
        ["reservation.rejected", "task.transfer-failed", "task-queue.moved"]
    );
    let row = desk.row(&transfer);
    assert_eq!((row.status, desk.status()), (TransferStatus::Failed, Assigned));
    assert_eq!(row.failed_reason.as_deref(), Some("The worker rejected the task"));
    desk.hand_to_ben(Warm);
    assert_eq!(desk.status(), Reserved, "it can be tried again");
}

#[test]
fn a_worker_who_does_not_answer_ends_it_and_goes_into_the_timeout_activity() {
    let mut desk = Desk::open();
    let transfer = desk.hand_to_ben(Warm);
    desk.world.advance(120);
    assert_eq!((desk.row(&transfer).status, desk.status()), (TransferStatus::Failed, Assigned));
    let offline = desk.world.activity("Offline");
    assert_eq!(desk.world.worker(desk.ben).activity, offline);
    desk.world.routing.check();
}

#[test]
fn a_queue_tries_one_after_the_other_and_fails_when_nobody_is_left() {
    let mut desk = Desk::open();
    let transfer = desk.hand_to_pair(Warm);
    assert_eq!((desk.status(), desk.task().queue), (Reserved, Some(desk.pair)));
    let first = desk.newest();
    desk.world.events_taken();
    desk.step(first.sid, REJECT).expect("it is pending");
    assert_eq!(
        desk.world.events_taken(),
        ["reservation.rejected", "task.transfer-attempt-failed", "reservation.created"]
    );
    assert_eq!((desk.row(&transfer).status, desk.status()), (TransferStatus::Initiated, Reserved));
    let second = desk.newest();
    assert_ne!(first.worker, second.worker);
    desk.step(second.sid, REJECT).expect("it is pending");
    let row = desk.row(&transfer);
    assert_eq!((row.status, row.attempts_failed), (TransferStatus::Failed, 2));
    assert_eq!((desk.status(), desk.task().queue), (Assigned, Some(desk.home)));
    assert_eq!(
        desk.world.events_taken(),
        [
            "reservation.rejected",
            "task.transfer-attempt-failed",
            "task.transfer-failed",
            "task-queue.moved"
        ]
    );
}

#[test]
fn a_queue_without_anybody_free_lets_the_task_wait() {
    let mut desk = Desk::open();
    desk.world.go(desk.ben, "Offline");
    desk.world.go(desk.cat, "Offline");
    let transfer = desk.hand_to_pair(Warm);
    assert_eq!(desk.status(), Pending);
    desk.world.advance(3600);
    assert_eq!(desk.status(), Pending);
    desk.world.go(desk.cat, "Available");
    assert_eq!((desk.status(), desk.newest().worker), (Reserved, desk.cat));
    desk.step(desk.newest().sid, Accept).expect("it is pending");
    assert_eq!(desk.row(&transfer).status, TransferStatus::Complete);
    assert_eq!(desk.task().queue, Some(desk.pair));
}

#[test]
fn a_transferor_is_not_offered_the_own_task_again() {
    let mut desk = Desk::open();
    let channel = WorkerChannelRef::Channel(ChannelRef::Name("default".to_owned()));
    let (worker, capacity, available) = (desk.ann, Some(5), None);
    desk.world.must(Command::UpdateWorkerChannel { worker, channel, capacity, available });
    let home = TransferTarget::Queue(desk.home);
    desk.must(desk.asked(home, Warm));
    assert_eq!(desk.status(), Pending, "Ann alone is in that queue");
    let other = desk.world.new_task("{}");
    assert_eq!(desk.world.newest(other).worker, desk.ann, "what waits behind it is offered");
    desk.world.routing.check();
}

#[test]
fn several_at_once_are_each_an_attempt() {
    let mut desk = Desk::open();
    let both = desk.world.new_queue_of(NewTaskQueue {
        friendly_name: "Both".to_owned(),
        target_workers: Some("team == 'pair'".to_owned()),
        max_reserved_workers: Some(2),
        ..NewTaskQueue::default()
    });
    let transfer = desk.must(desk.asked(TransferTarget::Queue(both), Warm));
    let (ben, cat) = (desk.of(desk.ben), desk.of(desk.cat));
    desk.step(ben.sid, REJECT).expect("it is pending");
    assert_eq!((desk.status(), desk.row(&transfer).status), (Reserved, TransferStatus::Initiated));
    desk.step(cat.sid, Accept).expect("it is pending");
    assert_eq!((desk.status(), desk.row(&transfer).status), (Assigned, TransferStatus::Complete));
}

#[test]
fn canceled_by_the_transferor_the_offer_is_withdrawn() {
    let mut desk = Desk::open();
    let transfer = desk.hand_to_ben(Warm);
    desk.world.events_taken();
    desk.cancel(&transfer).expect("it is under way");
    assert_eq!(
        desk.world.events_taken(),
        ["task.transfer-canceled", "reservation.canceled", "task-queue.moved"]
    );
    assert_eq!((desk.newest().status, desk.status()), (R::Canceled, Assigned));
    let over = Rejection::TransferOver { transfer: transfer.sid, task: desk.task };
    assert_eq!(desk.cancel(&transfer), Err(over));
    desk.world.routing.check();
}

#[test]
fn a_cold_transfer_sends_the_transferor_into_after_work_at_once() {
    let mut desk = Desk::open();
    desk.hand_to_ben(Cold);
    assert_eq!(
        desk.world.events_taken(),
        [
            "task.transfer-initiated",
            "task-queue.entered",
            "reservation.wrapup",
            "reservation.created"
        ]
    );
    assert_eq!((desk.status(), desk.of(desk.ann).status), (Reserved, R::Wrapping));
    desk.step(desk.own, Complete).expect("it is wrapping");
    assert_eq!(desk.status(), Reserved);
    desk.step(desk.newest().sid, Accept).expect("it is pending");
    assert_eq!(desk.status(), Assigned);
    desk.step(desk.newest().sid, Complete).expect("it is accepted");
    assert_eq!(desk.status(), Completed);
}

#[test]
fn a_cold_transfer_that_fails_leaves_the_task_with_who_is_in_after_work() {
    let mut desk = Desk::open();
    desk.hand_to_ben(Cold);
    desk.step(desk.newest().sid, REJECT).expect("it is pending");
    assert_eq!(desk.status(), Wrapping);
    desk.step(desk.own, Complete).expect("it is wrapping");
    assert_eq!(desk.status(), Completed);
}

#[test]
fn a_task_that_everybody_left_waits_where_it_came_from() {
    let mut desk = Desk::open();
    desk.hand_to_ben(Cold);
    let offer = desk.newest().sid;
    desk.step(desk.own, Complete).expect("it is wrapping");
    desk.world.go(desk.ann, "Offline");
    desk.world.advance(90);
    desk.step(offer, REJECT).expect("it is pending");
    assert_eq!((desk.status(), desk.task().queue), (Pending, Some(desk.home)));
    desk.world.advance(i64::from(desk.task().timeout_s) / 2);
    assert_eq!(desk.status(), Pending, "its time to live no longer matters");
    desk.world.go(desk.ann, "Available");
    assert_eq!((desk.status(), desk.newest().worker), (Reserved, desk.ann));
    desk.step(desk.newest().sid, Accept).expect("it is pending");
    assert_eq!(desk.status(), Assigned);
}

#[test]
fn attributes_and_priority_of_a_transfer_are_the_tasks_from_then_on() {
    let mut desk = Desk::open();
    let new = desk.asked(TransferTarget::Worker(desk.ben), Warm);
    let new = NewTransfer { attributes: Some(attrs(r#"{"n":1}"#)), priority: Some(9), ..new };
    let transfer = desk.must(new);
    assert_eq!(
        (desk.task().attributes.text(), desk.task().priority, desk.task().version),
        (r#"{"n":1}"#, 9, 1)
    );
    assert_eq!(desk.world.events_taken()[..2], ["task.updated", "task.transfer-initiated"]);
    desk.cancel(&transfer).expect("it is under way");
    assert_eq!(desk.task().priority, 9);
}

#[test]
fn the_workflow_is_not_asked_again_and_times_of_the_first_wait_are_over() {
    let mut world = World::new();
    let home = world.new_queue("Home", "1==1");
    let pair = world.new_queue("Pair", "team == 'pair'");
    let target = format!(r#"{{"queue": "{home}", "timeout": 30}}"#);
    let filter = format!(r#"{{"expression": "1==1", "targets": [{target}]}}"#);
    let workflow = world.new_workflow("wf", format!(r#"{{"filters": [{filter}]}}"#));
    let ann = world.new_worker("ann", "Available", "{}");
    let task = world.new_task_of(NewTask {
        timeout_s: Some(40),
        workflow: Some(workflow),
        ..NewTask::default()
    });
    world.accept(task);
    world.advance(100);
    let to = TransferTarget::Queue(pair);
    let reservation = world.newest(task).sid;
    let (worker, mode, attributes) = (Some(ann), Warm, None);
    let new = NewTransfer { task, reservation, worker, to, mode, attributes, priority: None };
    world.must(Command::CreateTransfer(new));
    let patch = TaskPatch { attributes: Some(attrs(r#"{"again": true}"#)), ..TaskPatch::default() };
    world.must(Command::UpdateTask { sid: task, if_match: IfMatch::Any, patch });
    let patch = WorkflowPatch { re_evaluate_tasks: true, ..WorkflowPatch::default() };
    world.must(Command::UpdateWorkflow { sid: workflow, patch });
    world.advance(1000);
    let now = world.task(task).expect("it is live");
    assert_eq!((now.status, now.queue), (Pending, Some(pair)));
    let channel = Some(ChannelRef::Name("chat".to_owned()));
    let patch = TaskPatch { task_channel: channel, ..TaskPatch::default() };
    let update = Command::UpdateTask { sid: task, if_match: IfMatch::Any, patch };
    assert!(matches!(world.run(&update), Err(Rejection::TaskStatus { .. })));
    world.routing.check();
    world.advance(i64::from(ASSIGNED_S_MAX));
    assert!(world.task(task).is_none(), "a day after it was assigned it is removed");
    world.routing.check();
}

#[test]
fn a_task_that_is_canceled_or_removed_takes_its_transfer_along() {
    for remove in [false, true] {
        let mut desk = Desk::open();
        let transfer = desk.hand_to_ben(Warm);
        desk.world.events_taken();
        if remove {
            let (sid, if_match) = (desk.task, IfMatch::Any);
            desk.world.must(Command::DeleteTask { sid, if_match });
            assert!(desk.world.task(desk.task).is_none());
        } else {
            desk.world.set_status(desk.task, Canceled).expect("it is reserved");
            assert_eq!(
                (desk.newest().status, desk.of(desk.ann).status),
                (R::Canceled, R::Completed)
            );
        }
        assert_eq!(desk.world.events_taken()[0], "task.transfer-canceled");
        assert_eq!(desk.row(&transfer).status, TransferStatus::Canceled);
        desk.world.routing.check();
        assert_eq!(desk.world.routing.digest(), desk.world.restored().digest());
    }
}

#[test]
fn workers_and_queues_in_a_transfer_stay() {
    let mut desk = Desk::open();
    desk.hand_to_pair(Warm);
    for sid in [desk.ann, desk.newest().worker] {
        let delete = Command::DeleteWorker { sid, if_match: IfMatch::Any };
        assert!(matches!(desk.world.run(&delete), Err(Rejection::InUse { .. })));
    }
    let delete = Command::DeleteTaskQueue(desk.pair);
    assert!(matches!(desk.world.run(&delete), Err(Rejection::InUse { .. })));
}

#[test]
fn going_unavailable_with_rejection_ends_what_is_pending() {
    let mut desk = Desk::open();
    let transfer = desk.hand_to_ben(Warm);
    let patch = WorkerPatch {
        activity: Some(desk.world.activity("Unavailable")),
        reject_pending_reservations: true,
        ..WorkerPatch::default()
    };
    desk.world.must(Command::UpdateWorker { sid: desk.ben, if_match: IfMatch::Any, patch });
    assert_eq!((desk.row(&transfer).status, desk.status()), (TransferStatus::Failed, Assigned));
}

#[test]
fn a_task_goes_on_from_worker_to_worker() {
    let mut desk = Desk::open();
    desk.hand_to_ben(Warm);
    let bens = desk.newest().sid;
    desk.step(bens, Accept).expect("it is pending");
    let to = TransferTarget::Worker(desk.cat);
    let new = NewTransfer { reservation: bens, worker: Some(desk.ben), ..desk.asked(to, Cold) };
    desk.must(new);
    desk.step(desk.newest().sid, Accept).expect("it is pending");
    assert_eq!((desk.status(), desk.of(desk.ben).status), (Assigned, R::Wrapping));
    let back = TransferTarget::Worker(desk.ben);
    let new = desk.asked(back, Warm);
    let refused = desk.world.run(&Command::CreateTransfer(new));
    assert!(matches!(refused, Err(Rejection::TransferTarget { .. })), "Ben is in after-work on it");
}

#[test]
fn a_task_that_was_handed_over_takes_few_instructions() {
    let mut desk = Desk::open();
    desk.hand_to_ben(Warm);
    let offer = desk.newest().sid;
    let conference = || {
        ReservationStep::Call(CallInstruction::Conference {
            to: Some("client:ben".to_owned()),
            from: None,
            post_work_activity: None,
        })
    };
    let redirect = CallInstruction::Redirect { call_sid: None, url: None };
    let refused = desk.step(offer, ReservationStep::Call(redirect));
    assert_eq!(refused, Err(Rejection::Instruction(Alert::TransferInstruction)));
    let refused = desk.step(offer, conference());
    assert_eq!(refused, Err(Rejection::Instruction(Alert::TransferNoConference)));
    let text = r#"{"conference_sid": "CF1", "call_sid": "CA1", "called": "+1"}"#;
    let patch = TaskPatch { attributes: Some(attrs(text)), ..TaskPatch::default() };
    desk.world.must(Command::UpdateTask { sid: desk.task, if_match: IfMatch::Any, patch });
    let refused = desk.step(offer, conference());
    assert_eq!(refused, Err(Rejection::Instruction(Alert::ConferenceFailed)));
    assert_eq!(desk.newest().status, R::Pending);
}

#[test]
fn a_restart_in_the_middle_keeps_it() {
    let mut desk = Desk::open();
    let transfer = desk.hand_to_pair(Cold);
    let restored = desk.world.restored();
    restored.check();
    assert_eq!(restored.digest(), desk.world.routing.digest());
    desk.world.routing = restored;
    desk.step(desk.newest().sid, REJECT).expect("it is pending");
    desk.step(desk.newest().sid, REJECT).expect("the next one was tried");
    assert_eq!((desk.row(&transfer).status, desk.status()), (TransferStatus::Failed, Wrapping));
}
