//! Replays of recordings that an engine made in virtual time.

use base::{Attributes, Draws, IdSource, Millis, Timestamp};
mod richer;

use replay::{Options, Origin, ReplayError, Report, replay_changes};
use routing::{command::*, *};
use std::collections::BTreeMap;

const START: Timestamp = Timestamp(1_767_225_600_000);

/// An engine with its journal.
struct Centre {
    routing: Routing,
    ids: IdSource,
    now: Timestamp,
    journal: Vec<(Timestamp, Change)>,
    open: BTreeMap<ReservationSid, Reservation>,
    dice: Draws,
}

impl Centre {
    fn new(seed: u64) -> Self {
        let mut centre = Self {
            routing: Routing::new(),
            ids: IdSource::new(seed),
            now: START,
            journal: Vec::new(),
            open: BTreeMap::new(),
            dice: Draws::new(seed),
        };
        let new = NewWorkspace { friendly_name: "W".to_owned(), ..NewWorkspace::default() };
        centre.run(Command::CreateWorkspace(new)).expect("the first command");
        centre
    }

    fn below(&mut self, n: u64) -> u64 {
        self.dice.below(n)
    }

    fn run(&mut self, command: Command) -> Result<Reply, Rejection> {
        let mut turn = Turn::new(self.now, &mut self.ids);
        let reply = self.routing.handle(&mut turn, &command);
        let changes = turn.changes;
        self.keep(changes);
        reply
    }

    fn keep(&mut self, changes: Vec<Change>) {
        for change in changes {
            match &change {
                Change::TaskOffered { reservations, .. } => {
                    self.open.extend(reservations.iter().map(|one| (one.sid, one.clone())));
                }
                Change::ReservationAccepted { reservation, .. } => {
                    if let Some(one) = self.open.get_mut(reservation) {
                        one.status = ReservationStatus::Accepted;
                    }
                }
                Change::ReservationRejected { reservation, .. }
                | Change::ReservationTimedOut { reservation, .. }
                | Change::ReservationCanceled { reservation, .. }
                | Change::ReservationRescinded { reservation, .. }
                | Change::ReservationCompleted { reservation, .. } => {
                    self.open.remove(reservation);
                }
                _ => {}
            }
            self.journal.push((self.now, change));
        }
        self.routing.rows(|_| ());
    }

    /// Lets time pass; timers run up to some milliseconds late, as in life.
    fn pass(&mut self, ms: i64) {
        let to = self.now + Millis(ms);
        while let Some(due) = self.routing.next_deadline().filter(|due| *due <= to) {
            let late = Millis(self.below(4) as i64);
            self.now = self.now.max(due + late);
            let mut turn = Turn::new(self.now, &mut self.ids);
            self.routing.expire(&mut turn);
            let changes = turn.changes;
            self.keep(changes);
        }
        self.now = self.now.max(to);
    }

    fn worker(&mut self, name: &str, attributes: &str) -> WorkerSid {
        let activity = self.journal.iter().find_map(|(_, change)| match change {
            Change::ActivityCreated(one) if one.friendly_name == "Available" => Some(one.sid),
            _ => None,
        });
        let new = NewWorker {
            friendly_name: name.to_owned(),
            activity,
            attributes: Attributes::new(attributes).expect("short"),
        };
        match self.run(Command::CreateWorker(new)) {
            Ok(Reply::Worker(worker)) => worker.sid,
            other => panic!("{other:?}"),
        }
    }

    fn queue(&mut self, name: &str, target_workers: &str) -> TaskQueueSid {
        let new = NewTaskQueue {
            friendly_name: name.to_owned(),
            target_workers: Some(target_workers.to_owned()),
            ..NewTaskQueue::default()
        };
        match self.run(Command::CreateTaskQueue(new)) {
            Ok(Reply::TaskQueue(queue)) => queue.sid,
            other => panic!("{other:?}"),
        }
    }

    fn workflow(&mut self, configuration: &str) -> WorkflowSid {
        let new = NewWorkflow {
            friendly_name: "wf".to_owned(),
            configuration: configuration.to_owned(),
            task_reservation_timeout_s: Some(20),
            ..NewWorkflow::default()
        };
        match self.run(Command::CreateWorkflow(new)) {
            Ok(Reply::Workflow(workflow)) => workflow.sid,
            other => panic!("{other:?}"),
        }
    }

    fn task(&mut self, attributes: &str) -> TaskSid {
        let new = NewTask {
            attributes: Attributes::new(attributes).expect("short"),
            ..NewTask::default()
        };
        match self.run(Command::CreateTask(new)) {
            Ok(Reply::Task(task)) => task.sid,
            other => panic!("{other:?}"),
        }
    }

    fn step(&mut self, sid: ReservationSid, step: ReservationStep) {
        let owner = ReservationOwner::Task(self.open[&sid].task);
        let if_match = IfMatch::Any;
        self.run(Command::UpdateReservation { sid, owner, if_match, step }).expect("it is open");
    }

    /// The newest reservation of a task.
    fn offer(&self, task: TaskSid) -> ReservationSid {
        let of_task = self.open.values().filter(|one| one.task == task);
        of_task.map(|one| one.sid).max().expect("it is on offer")
    }

    fn replayed(&self, configuration: &str, seed: u64) -> Report {
        self.replayed_behind(0, configuration, seed)
    }

    /// Once the first changes are forgotten, and what they came to is known.
    fn replayed_behind(&self, forgotten: usize, configuration: &str, seed: u64) -> Report {
        let (first, journal) = self.journal.split_at(forgotten);
        let mut led = Routing::new();
        first.iter().for_each(|(_, change)| led.apply(change));
        let mut rows = Vec::new();
        led.all_rows(|row| rows.extend(row.stored()));
        let at = first.last().map_or(Timestamp(0), |(at, _)| *at);
        let origin = Origin { seq: forgotten as u64, at, rows };
        let options = Options {
            workspace: String::new(),
            workflow: None,
            configuration: configuration.to_owned(),
            seed,
            service_level_s: 20,
        };
        replay_changes(&origin, journal, &options).expect("it can be replayed")
    }
}

fn straight(queue: TaskQueueSid) -> String {
    format!(r#"{{"task_routing": {{"default_filter": {{"queue": "{queue}"}}}}}}"#)
}

/// A busy day with everything that people do.
fn busy(seed: u64) -> (Centre, String) {
    let mut centre = Centre::new(seed);
    let a = centre.queue("a", "skill HAS 'a'");
    let b = centre.queue("b", "1==1");
    let workers: Vec<WorkerSid> = (0..4)
        .map(|i| centre.worker(&format!("w{i}"), [r#"{"skill":["a"]}"#, r#"{"skill":[]}"#][i % 2]))
        .collect();
    let configuration = format!(
        r#"{{"filters": [{{"expression": "kind == 'a'", "targets": [
        {{"queue": "{a}", "timeout": 15}}, {{"queue": "{b}", "timeout": 60, "priority": 5}}]}}],
        "default_filter": {{"queue": "{b}"}}}}"#
    );
    let workflow = centre.workflow(&configuration);
    let activities: Vec<ActivitySid> = centre
        .journal
        .iter()
        .filter_map(|(_, change)| match change {
            Change::ActivityCreated(one) => Some(one.sid),
            _ => None,
        })
        .collect();
    let mut tasks: Vec<TaskSid> = Vec::new();
    for _ in 0..250 {
        let wait = 200 + centre.below(9_000) as i64;
        centre.pass(wait);
        let roll = centre.below(20);
        let open: Vec<Reservation> = centre.open.values().cloned().collect();
        let pick = |centre: &mut Centre| {
            let n = open.len() as u64;
            open.get(centre.below(n.max(1)) as usize).cloned()
        };
        match roll {
            0..=6 => {
                tasks.push(centre.task(["{\"kind\":\"a\"}", "{\"kind\":\"b\"}"][roll as usize % 2]))
            }
            7..=12 => {
                let Some(one) = pick(&mut centre) else { continue };
                let step = match (one.status, centre.below(4)) {
                    (ReservationStatus::Pending, 0) => ReservationStep::Reject { activity: None },
                    (ReservationStatus::Pending, 1) => {
                        ReservationStep::Reject { activity: Some(activities[0]) }
                    }
                    (ReservationStatus::Pending, _) => ReservationStep::Accept,
                    _ => ReservationStep::Complete,
                };
                centre.step(one.sid, step);
            }
            13 => {
                let Some(one) = pick(&mut centre) else { continue };
                if one.status == ReservationStatus::Accepted {
                    let sid = one.task;
                    let patch =
                        TaskPatch { status: Some(TaskStatus::Wrapping), ..TaskPatch::default() };
                    _ = centre.run(Command::UpdateTask { sid, if_match: IfMatch::Any, patch });
                }
            }
            14 => {
                let Some(one) = pick(&mut centre) else { continue };
                let patch = TaskPatch {
                    status: Some(TaskStatus::Completed),
                    reason: Some("done".to_owned()),
                    ..TaskPatch::default()
                };
                let sid = one.task;
                _ = centre.run(Command::UpdateTask { sid, if_match: IfMatch::Any, patch });
            }
            15 => {
                let at = centre.below(tasks.len().max(1) as u64) as usize;
                let Some(sid) = tasks.get(at).copied() else { continue };
                let patch = TaskPatch {
                    status: Some(TaskStatus::Canceled),
                    reason: Some("hung up".to_owned()),
                    ..TaskPatch::default()
                };
                _ = centre.run(Command::UpdateTask { sid, if_match: IfMatch::Any, patch });
            }
            16..=17 => {
                let sid = workers[centre.below(4) as usize];
                let activity = activities[centre.below(activities.len() as u64) as usize];
                let patch = WorkerPatch { activity: Some(activity), ..WorkerPatch::default() };
                _ = centre.run(Command::UpdateWorker { sid, if_match: IfMatch::Any, patch });
            }
            18 => {
                let at = centre.below(tasks.len().max(1) as u64) as usize;
                let Some(sid) = tasks.get(at).copied() else { continue };
                let attributes = Attributes::new(r#"{"kind":"a","again":1}"#).expect("short");
                let patch = TaskPatch { attributes: Some(attributes), ..TaskPatch::default() };
                _ = centre.run(Command::UpdateTask { sid, if_match: IfMatch::Any, patch });
            }
            _ => {
                let patch = WorkflowPatch {
                    configuration: Some(configuration.clone() + " "),
                    re_evaluate_tasks: true,
                    ..WorkflowPatch::default()
                };
                _ = centre.run(Command::UpdateWorkflow { sid: workflow, patch });
            }
        }
    }
    centre.pass(1_000);
    (centre, configuration)
}

#[test]
fn unchanged_the_recording_is_reproduced_change_by_change() {
    for seed in 1..=40 {
        let (centre, configuration) = busy(seed);
        let report = centre.replayed(&configuration, 7);
        let at = report.first_difference.map(|at| at as usize - 1);
        let near =
            at.map(|at| &centre.journal[at.saturating_sub(3)..(at + 2).min(centre.journal.len())]);
        assert!(report.reproduced, "seed {seed}, change {at:?}: {near:#?}");
        assert!(centre.journal.len() > 300);
    }
}

#[test]
fn a_journal_whose_beginning_is_forgotten_is_reproduced_from_what_is_kept() {
    for seed in 1..=40 {
        let (centre, configuration) = busy(seed);
        let journal = &centre.journal;
        let begins = |at: &usize| journal[at - 1].0 != journal[*at].0;
        let cuts: Vec<usize> = (60..journal.len() - 20).filter(begins).collect();
        for cut in [0, 1, 2].map(|part| cuts[(cuts.len() - 1) * part / 2]) {
            let report = centre.replayed_behind(cut, &configuration, 7);
            let at = report.first_difference.map(|at| at as usize - 1);
            let near = at.map(|at| &journal[at.saturating_sub(6)..(at + 2).min(journal.len())]);
            assert!(report.reproduced, "seed {seed}, cut {cut}, change {at:?}: {near:#?}");
            assert_eq!(report.first_change, cut as u64 + 1);
            assert_eq!((report.moved.len(), &report.total.before), (0, &report.total.after));
        }
    }
}

#[test]
fn another_configuration_holds_for_whoever_comes_behind_what_is_forgotten() {
    let (centre, _) = busy(3);
    let queue = centre.journal.iter().find_map(|(_, change)| match change {
        Change::TaskQueueCreated(queue) if queue.friendly_name == "b" => Some(queue.sid),
        _ => None,
    });
    let other = straight(queue.expect("it was made"));
    let half = centre.journal.len() / 2;
    let begins = |at: &usize| centre.journal[at - 1].0 != centre.journal[*at].0;
    let cut = (half..).find(begins).expect("time goes on");
    let report = centre.replayed_behind(cut, &other, 1);
    assert!(report.reproduced && !report.moved.is_empty(), "{report}");
    let came_before = |sid: &TaskSid| {
        centre.journal[..cut].iter().any(|(_, change)| match change {
            Change::TaskCreated(task) => task.sid == *sid,
            _ => false,
        })
    };
    assert!(report.moved.iter().any(|one| !came_before(&one.task_sid)), "{report}");
    assert!(report.to_string().contains(&format!("before change {}", cut + 1)), "{report}");
}

#[test]
fn the_same_seed_draws_the_same_times() {
    let (centre, _) = busy(3);
    let queue = centre.journal.iter().find_map(|(_, change)| match change {
        Change::TaskQueueCreated(queue) if queue.friendly_name == "b" => Some(queue.sid),
        _ => None,
    });
    let other = straight(queue.expect("it was made"));
    let report = centre.replayed(&other, 1);
    assert_eq!(report, centre.replayed(&other, 1));
    assert!(report.drawn.from_worker > 0 && !report.moved.is_empty(), "{report}");
    let others = (2..9).map(|seed| centre.replayed(&other, seed));
    assert!(others.into_iter().any(|other| other != report), "the seed decides");
    assert!(report.to_string().contains("drawn from"), "{report}");
}

#[test]
fn a_second_queue_takes_work_off_the_only_worker() {
    let mut centre = Centre::new(1);
    let few = centre.queue("few", "skill HAS 'a'");
    let all = centre.queue("all", "1==1");
    let ann = centre.worker("ann", r#"{"skill":["a"]}"#);
    centre.worker("bob", r#"{"skill":[]}"#);
    centre.workflow(&straight(few));
    // Each task takes half a minute and the next one comes after four seconds: the queue grows.
    let mut waiting = Vec::new();
    for _ in 0..3 {
        waiting.push(centre.task("{}"));
        centre.pass(4_000);
    }
    for task in waiting {
        let offer = centre.offer(task);
        assert_eq!(centre.open[&offer].worker, ann);
        centre.pass(2_000);
        centre.step(offer, ReservationStep::Accept);
        centre.pass(25_000);
        centre.step(offer, ReservationStep::Complete);
    }
    let given_up = centre.task("{}");
    centre.pass(1_000);
    let patch = TaskPatch {
        status: Some(TaskStatus::Canceled),
        reason: Some("hung up".to_owned()),
        ..TaskPatch::default()
    };
    let cancel = Command::UpdateTask { sid: given_up, if_match: IfMatch::Any, patch };
    centre.run(cancel).expect("it waits");
    centre.pass(60_000);

    let report = centre.replayed(&straight(all), 5);
    assert!(report.reproduced);
    let (before, after) = (&report.total.before, &report.total.after);
    assert_eq!((before.taken, before.abandoned, before.waiting), (3, 1, 0), "{report}");
    assert!(after.taken >= 3, "{report}");
    assert!(after.wait_max_s < before.wait_max_s, "{report}");
    assert!(after.service_level > before.service_level, "{report}");
    assert!(report.moved.iter().all(|one| one.after.0.as_deref() == Some("all")), "{report}");
    assert!(report.moved.iter().any(|one| one.after.1.as_deref() == Some("bob")), "{report}");
    assert_eq!((report.drawn.from_worker, report.drawn.from_queue), (0, 0));
    assert!(report.drawn.from_anybody > 0, "neither bob nor the queue was ever seen: {report}");
}

#[test]
fn what_cannot_be_replayed_is_refused_with_its_reason() {
    let (centre, configuration) = busy(2);
    let options = Options {
        workspace: String::new(),
        workflow: None,
        configuration,
        seed: 1,
        service_level_s: 20,
    };
    let refused = |options: &Options| {
        replay_changes(&Origin::default(), &centre.journal, options).map(|_| ())
    };
    let bad = Options { configuration: "{\"filters\": 1}".to_owned(), ..options.clone() };
    assert!(
        matches!(refused(&bad), Err(ReplayError::Configuration(why)) if why.contains("filters"))
    );
    let other = Options { workflow: Some(WorkflowSid::new(1)), ..options.clone() };
    assert_eq!(refused(&other), Err(ReplayError::NoWorkflow));
    assert_eq!(
        replay_changes(&Origin::default(), &[], &options).map(|_| ()),
        Err(ReplayError::NoWorkflow)
    );
}
