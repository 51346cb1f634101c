//! A workspace in virtual time, with the rows a store would have and the journal so far.

use base::{Attributes, IdSource, Millis, Timestamp};
use routing::{command::*, *};
use std::collections::BTreeMap;

/// 2026-01-01T00:00:00Z, a Thursday.
pub(crate) const START: Timestamp = Timestamp(1_767_225_600_000);

/// An engine and everything around it.
pub(crate) struct World {
    pub(crate) routing: Routing,
    pub(crate) now: Timestamp,
    pub(crate) ids: IdSource,
    pub(crate) rows: BTreeMap<(RowKind, String), StoredRow>,
    pub(crate) journal: Vec<Change>,
    /// Events since they were last taken.
    pub(crate) events: Vec<Event>,
}

impl World {
    /// Nothing there yet.
    pub(crate) fn empty() -> Self {
        Self {
            routing: Routing::new(),
            now: START,
            ids: IdSource::new(7),
            rows: BTreeMap::new(),
            journal: Vec::new(),
            events: Vec::new(),
        }
    }

    /// A workspace with what every workspace starts with.
    pub(crate) fn new() -> Self {
        let mut world = Self::empty();
        world.must(Command::CreateWorkspace(NewWorkspace {
            friendly_name: "W".to_owned(),
            ..NewWorkspace::default()
        }));
        world
    }

    /// Runs a command and whatever it left over.
    pub(crate) fn run(&mut self, command: &Command) -> Result<Reply, Rejection> {
        let result = self.run_only(command);
        while self.routing.is_behind() {
            self.expire();
        }
        result
    }

    pub(crate) fn run_only(&mut self, command: &Command) -> Result<Reply, Rejection> {
        let mut turn = Turn::new(self.now, &mut self.ids);
        let result = self.routing.handle(&mut turn, command);
        let Turn { changes, effects, .. } = turn;
        if result.is_err() {
            assert!(changes.is_empty() && effects.is_empty(), "a rejected command left a trace");
        }
        self.take(changes, effects);
        result
    }

    pub(crate) fn must(&mut self, command: Command) -> Reply {
        self.run(&command).unwrap_or_else(|rejection| panic!("{command:?}: {rejection}"))
    }

    pub(crate) fn expire(&mut self) {
        let mut turn = Turn::new(self.now, &mut self.ids);
        self.routing.expire(&mut turn);
        let Turn { changes, effects, .. } = turn;
        self.take(changes, effects);
    }

    /// Runs every timer due up to `to`, each at its own instant.
    pub(crate) fn advance_to(&mut self, to: Timestamp) {
        while let Some(at) = self.routing.next_deadline().filter(|at| *at <= to) {
            self.now = self.now.max(at);
            self.expire();
        }
        self.now = self.now.max(to);
    }

    pub(crate) fn advance(&mut self, seconds: i64) {
        self.advance_to(self.now + Millis::secs(seconds));
    }

    fn take(&mut self, changes: Vec<Change>, effects: Vec<Event>) {
        self.journal.extend(changes);
        self.events.extend(effects);
        let rows = &mut self.rows;
        self.routing.rows(|row| {
            let key = (row.kind(), row.key());
            match row.stored() {
                Some(stored) => _ = rows.insert(key, stored),
                None => _ = rows.remove(&key),
            }
        });
    }

    pub(crate) fn task(&self, sid: TaskSid) -> Option<&Task> {
        match self.rows.get(&(RowKind::Task, sid.to_string())) {
            Some(StoredRow::Task(task)) => Some(task),
            _ => None,
        }
    }

    pub(crate) fn worker(&self, sid: WorkerSid) -> &Worker {
        match self.rows.get(&(RowKind::Worker, sid.to_string())) {
            Some(StoredRow::Worker(worker)) => worker,
            _ => panic!("no worker {sid}"),
        }
    }

    /// All reservations of a task, in order of creation.
    pub(crate) fn reservations(&self, task: TaskSid) -> Vec<&Reservation> {
        let rows = self.rows.values().filter_map(|row| match row {
            StoredRow::Reservation(reservation) => Some(reservation),
            _ => None,
        });
        rows.filter(|reservation| reservation.task == task).collect()
    }

    pub(crate) fn newest(&self, task: TaskSid) -> &Reservation {
        self.reservations(task).pop().expect("the task was offered")
    }

    pub(crate) fn activity(&self, name: &str) -> ActivitySid {
        let found = self.rows.values().find_map(|row| match row {
            StoredRow::Activity(activity) if activity.friendly_name == name => Some(activity.sid),
            _ => None,
        });
        found.unwrap_or_else(|| panic!("no activity {name}"))
    }

    pub(crate) fn share(&self, worker: WorkerSid, channel: &str) -> WorkerChannel {
        let question = Question::WorkerChannels(worker);
        let Ok(Answer::WorkerChannels(shares)) = self.routing.ask(&question, self.now) else {
            panic!("no worker {worker}");
        };
        let is = |share: &WorkerChannel| {
            let row = self.rows.get(&(RowKind::TaskChannel, share.task_channel.to_string()));
            matches!(row, Some(StoredRow::TaskChannel(one)) if one.unique_name == channel)
        };
        shares.into_iter().find(is).unwrap_or_else(|| panic!("no channel {channel}"))
    }

    pub(crate) fn events_taken(&mut self) -> Vec<&'static str> {
        std::mem::take(&mut self.events).iter().map(|event| event.kind.as_str()).collect()
    }

    /// What a restart would find: live rows and those that ended a short while ago.
    pub(crate) fn restored(&self) -> Routing {
        let first = self.now.0 - i64::from(limits::ENDED_READABLE_S) * 1000;
        let rows = self.rows.values().filter(|row| match row {
            StoredRow::Task(task) => task.ended_at.is_none_or(|at| at.0 > first),
            StoredRow::Reservation(one) => one.status.is_open() || one.updated_at.0 > first,
            _ => true,
        });
        // Through text, as in a store.
        let texts = rows.map(|row| {
            let text = serde_json::to_string(row).expect("rows are plain values");
            serde_json::from_str(&text).expect("rows read back")
        });
        Routing::restore(texts.collect::<Vec<_>>())
    }

    pub(crate) fn replayed(&self) -> Routing {
        let mut routing = Routing::new();
        for change in &self.journal {
            let text = serde_json::to_string(change).expect("changes are plain values");
            routing.apply(&serde_json::from_str(&text).expect("changes read back"));
        }
        routing.rows(|_| ());
        routing
    }

    // Short forms for tests.

    pub(crate) fn new_worker(&mut self, name: &str, activity: &str, attributes: &str) -> WorkerSid {
        let activity = Some(self.activity(activity));
        match self.must(Command::CreateWorker(NewWorker {
            friendly_name: name.to_owned(),
            activity,
            attributes: attrs(attributes),
        })) {
            Reply::Worker(worker) => worker.sid,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn new_queue(&mut self, name: &str, target_workers: &str) -> TaskQueueSid {
        self.new_queue_of(NewTaskQueue {
            friendly_name: name.to_owned(),
            target_workers: Some(target_workers.to_owned()),
            ..NewTaskQueue::default()
        })
    }

    pub(crate) fn new_queue_of(&mut self, new: NewTaskQueue) -> TaskQueueSid {
        match self.must(Command::CreateTaskQueue(new)) {
            Reply::TaskQueue(queue) => queue.sid,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn new_workflow(&mut self, name: &str, configuration: String) -> WorkflowSid {
        match self.must(Command::CreateWorkflow(NewWorkflow {
            friendly_name: name.to_owned(),
            configuration,
            ..NewWorkflow::default()
        })) {
            Reply::Workflow(workflow) => workflow.sid,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn new_task(&mut self, attributes: &str) -> TaskSid {
        self.new_task_of(NewTask { attributes: attrs(attributes), ..NewTask::default() })
    }

    pub(crate) fn new_task_of(&mut self, new: NewTask) -> TaskSid {
        match self.must(Command::CreateTask(new)) {
            Reply::Task(task) => task.sid,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn step(
        &mut self,
        sid: ReservationSid,
        step: ReservationStep,
    ) -> Result<Reply, Rejection> {
        let row = self.rows.get(&(RowKind::Reservation, sid.to_string()));
        let Some(StoredRow::Reservation(reservation)) = row else { panic!("no {sid}") };
        let owner = ReservationOwner::Task(reservation.task);
        self.run(&Command::UpdateReservation { sid, owner, if_match: IfMatch::Any, step })
    }

    pub(crate) fn accept(&mut self, task: TaskSid) {
        let sid = self.newest(task).sid;
        self.step(sid, ReservationStep::Accept).expect("the newest offer is open");
    }

    pub(crate) fn set_status(
        &mut self,
        task: TaskSid,
        status: TaskStatus,
    ) -> Result<Reply, Rejection> {
        let patch = TaskPatch {
            status: Some(status),
            reason: Some("x".to_owned()),
            ..TaskPatch::default()
        };
        self.run(&Command::UpdateTask { sid: task, if_match: IfMatch::Any, patch })
    }

    pub(crate) fn go(&mut self, worker: WorkerSid, activity: &str) {
        let patch =
            WorkerPatch { activity: Some(self.activity(activity)), ..WorkerPatch::default() };
        self.must(Command::UpdateWorker { sid: worker, if_match: IfMatch::Any, patch });
    }
}

pub(crate) fn attrs(text: &str) -> Attributes {
    Attributes::new(text).expect("test attributes are short")
}

/// A configuration that sends everything to one queue.
pub(crate) fn straight_to(queue: TaskQueueSid) -> String {
    format!(r#"{{"task_routing": {{"default_filter": {{"queue": "{queue}"}}}}}}"#)
}
