//! The `routing` engine as the host sees it: one workspace, its rows, and who hears of what.

use crate::{
    beginning::Mover,
    engine::{Aged, Engine, Loaded, Notice, Stop},
    outlets::Outlets,
    statistics::Running,
    tables,
};
use base::{Attributes, Millis, Sid, Timestamp, Turn};
use report::Window;
use routing::{
    Answer, Change, Command, Event, Question, Rejection, Reply, Routing, RowKind, RowRef,
    StoredRow, TaskStatus, TransferStatus, WorkspaceSid, limits::ENDED_READABLE_S,
};
use store::{
    Batch, Entry, PartitionId, RowContent, RowWrite, Seq, Store, StoreError, StoredChange, Table,
    Value,
};

mod aged;
mod audience;
mod counting;
mod log;
mod outgoing;

use audience::Audience;
use counting::Counting;

/// A workspace as it is served.
pub struct RoutingEngine {
    routing: Routing,
    /// Between the creation of the workspace and its end.
    is_there: bool,
    audience: Audience,
    counting: Counting,
}

/// What a workspace can be asked.
#[derive(Clone, Debug)]
pub enum Asked {
    /// Of its live work.
    Live(Question),
    /// What these scopes counted in a window, as far as it is not in rows.
    Running {
        /// The window.
        window: Window,
        /// Workspace, workflows, queues or workers.
        scopes: Vec<Sid>,
    },
}

/// What it answers.
#[derive(Clone, Debug)]
pub enum Answered {
    /// To [`Asked::Live`].
    Live(Answer),
    /// To [`Asked::Running`].
    Running(Running),
}

impl RoutingEngine {
    /// The engine itself, for looking only.
    pub fn routing(&self) -> &Routing {
        &self.routing
    }

    /// Applies kept changes, and answers the rows of what they touched as they are afterwards.
    pub(crate) fn retrace(
        &mut self,
        entries: &[Entry],
        rows: &mut Vec<RowWrite>,
    ) -> Result<(), String> {
        for entry in entries {
            let change = super::change::<Change>(entry)?;
            self.follow(&change);
            self.routing.apply(&change);
        }
        self.rows(rows);
        self.routing.forget_marks();
        Ok(())
    }

    /// Whether a row of what ended is still the engine's.
    pub(crate) fn remembers(&self, table: &'static Table, key: &str) -> bool {
        self.routing.holds_row(kind(table), key)
    }

    fn follow(&mut self, change: &Change) {
        match change {
            Change::WorkspaceCreated(_) => self.is_there = true,
            Change::WorkspaceDeleted => self.is_there = false,
            _ => {}
        }
    }
}

impl Engine for RoutingEngine {
    const KIND: &'static str = "routing";
    type Command = Command;
    type Reply = Reply;
    type Rejection = Rejection;
    type Question = Asked;
    type Answer = Answered;
    type Change = Change;
    type Event = Event;

    const ENDED_KEPT: Millis = Millis::secs(ENDED_READABLE_S as i64);

    const TABLES: &'static [&'static Table] = &[
        &tables::WORKSPACE,
        &tables::ACTIVITY,
        &tables::TASK_CHANNEL,
        &tables::CAPACITY,
        &tables::SCHEDULE,
        &tables::WORKER,
        &tables::WORKER_CHANNEL,
        &tables::WORKER_LOAD,
        &tables::TASK_QUEUE,
        &tables::QUEUE_ORDERING,
        &tables::WORKFLOW,
        &tables::WORKFLOW_REVISION,
        &tables::TASK,
        &tables::RESERVATION,
        &tables::SETTLING,
        &tables::RE_EVALUATION,
        &tables::TRANSFER,
    ];

    const ROOT: Option<&'static Table> = Some(&tables::WORKSPACE);

    const AGED: &'static [Aged] = aged::ALL;

    const LOGS: &'static [&'static Table] =
        &[&tables::EVENT, &tables::STATISTIC, &tables::STAY, &tables::DELIVERY, &tables::BEGINNING];

    fn empty(partition: &PartitionId) -> Self {
        let counting = Counting::new(partition);
        Self { routing: Routing::new(), is_there: false, audience: Audience::default(), counting }
    }

    fn restore(
        partition: &PartitionId,
        loaded: &mut dyn Iterator<Item = Loaded>,
    ) -> Result<Self, String> {
        let (mut is_there, mut audience, mut failed) = (false, Audience::default(), None);
        let texts = loaded
            .flat_map(|Loaded { table, rows }| rows.into_iter().map(move |row| (table, row.body)));
        let rows = texts.map_while(|(table, text)| match StoredRow::parse(kind(table), &text) {
            Ok(row) => {
                is_there |= matches!(row, StoredRow::Workspace(_));
                audience.restore(&row);
                Some(row)
            }
            Err(error) => {
                // The error tells a place, never a value.
                failed = Some(format!("a row of table {}: {error}", table.name));
                None
            }
        });
        let routing = Routing::restore(rows);
        let counting = Counting::new(partition);
        failed.map_or(Ok(Self { routing, is_there, audience, counting }), Err)
    }

    fn recall(
        &mut self,
        store: &dyn Store,
        partition: &PartitionId,
    ) -> Result<Option<Timestamp>, StoreError> {
        self.counting.recall(store, partition).map(Some)
    }

    fn handle(
        &mut self,
        turn: &mut Turn<'_, Change, Event>,
        command: &Command,
    ) -> Result<Reply, Stop<Rejection>> {
        self.routing.handle(turn, command).map_err(Stop::Rejected)
    }

    fn expire(&mut self, turn: &mut Turn<'_, Change, Event>) {
        self.routing.expire(turn);
        self.counting.expire(turn.now);
    }

    fn next_deadline(&self) -> Option<Timestamp> {
        let (live, counting) = (self.routing.next_deadline(), self.counting.next_deadline());
        live.into_iter().chain(counting).min()
    }

    fn ask(&self, asked: &Asked, now: Timestamp) -> Result<Answered, Rejection> {
        match asked {
            Asked::Live(question) => self.routing.ask(question, now).map(Answered::Live),
            Asked::Running { window, scopes } => {
                Ok(Answered::Running(self.counting.running(*window, scopes, now)))
            }
        }
    }

    fn stamp(answer: &mut Answered, last: Seq) {
        if let Answered::Live(Answer::Seen(sight)) = answer {
            sight.stamp(last);
        }
    }

    fn rows(&mut self, rows: &mut Vec<RowWrite>) {
        self.routing.rows(|row| rows.push(write(&row)));
    }

    fn stored(change: &Change) -> StoredChange {
        super::stored(change.kind(), change)
    }

    fn replay(&mut self, entry: &Entry) -> Result<(), String> {
        let change = super::change::<Change>(entry)?;
        self.follow(&change);
        self.routing.apply(&change);
        self.routing.rows(|_| {});
        Ok(())
    }

    const HAS_BEGINNING: bool = true;

    fn beginning(
        store: &dyn Store,
        partition: &PartitionId,
        first: Seq,
    ) -> Result<Option<Mover>, StoreError> {
        Mover::load(store, partition, first)
    }

    fn ended_by(entry: &Entry) -> Option<(&'static Table, String)> {
        let sid = |table: &'static Table, field: &str| {
            let body: serde_json::Value = serde_json::from_str(&entry.body).ok()?;
            Some((table, body.get(&entry.kind)?.get(field)?.as_str()?.to_owned()))
        };
        match entry.kind.as_str() {
            "task_completed" | "task_canceled" => sid(&tables::TASK, "task"),
            "reservation_rejected"
            | "reservation_timed_out"
            | "reservation_canceled"
            | "reservation_rescinded"
            | "reservation_completed" => sid(&tables::RESERVATION, "reservation"),
            _ => None,
        }
    }

    fn is_over(&self) -> bool {
        !self.is_there
    }

    fn ends(command: &Command) -> bool {
        matches!(command, Command::DeleteWorkspace)
    }

    fn name(command: &Command) -> &'static str {
        name(command)
    }

    fn fingerprint(command: &Command) -> u64 {
        // Attributes do not show in `Debug`, and two tasks that differ there are two commands.
        let attributes = attributes(command).map_or("", Attributes::text);
        super::hash(&format!("{command:?} {attributes}"))
    }

    fn keep(&mut self, batch: &mut Batch, changes: &[Change], events: &[Event]) {
        let movements = self.routing.take_movements();
        let facts = self.counting.keep(batch, &movements, events);
        batch.rows.extend(log::rows(&self.routing, events, facts));
        outgoing::rows(&self.routing, changes, events, &mut batch.rows);
    }

    fn notices(
        &mut self,
        partition: &PartitionId,
        changes: &[Change],
        events: Vec<Event>,
    ) -> Vec<Notice> {
        changes.iter().for_each(|change| self.follow(change));
        match partition.parse() {
            Ok(workspace) => self.audience.notices(workspace, changes, events),
            Err(_) => Vec::new(),
        }
    }

    fn observe(outlets: &Outlets, batch: &Batch, _: &[Change]) {
        outlets.names.observe(batch);
        outlets.outbox.observe(|| batch.partition.parse().ok(), batch);
        outlets.queries.observe(batch);
    }

    fn reveal(
        &self,
        outlets: &Outlets,
        store: &dyn Store,
        partition: &PartitionId,
    ) -> Result<(), StoreError> {
        match partition.parse::<WorkspaceSid>() {
            Ok(workspace) => {
                outlets.names.load(store, workspace)?;
                outlets.queries.read_again(workspace);
                outlets.outbox.reveal(store, workspace)
            }
            Err(error) => Err(StoreError(error.to_string())),
        }
    }

    fn digest(&self) -> String {
        self.routing.digest()
    }

    fn check(&self) {
        self.routing.check();
    }
}

fn table(kind: RowKind) -> &'static Table {
    match kind {
        RowKind::Workspace => &tables::WORKSPACE,
        RowKind::Activity => &tables::ACTIVITY,
        RowKind::TaskChannel => &tables::TASK_CHANNEL,
        RowKind::Capacity => &tables::CAPACITY,
        RowKind::Schedule => &tables::SCHEDULE,
        RowKind::Worker => &tables::WORKER,
        RowKind::WorkerChannel => &tables::WORKER_CHANNEL,
        RowKind::WorkerLoad => &tables::WORKER_LOAD,
        RowKind::TaskQueue => &tables::TASK_QUEUE,
        RowKind::QueueOrdering => &tables::QUEUE_ORDERING,
        RowKind::Workflow => &tables::WORKFLOW,
        RowKind::WorkflowRevision => &tables::WORKFLOW_REVISION,
        RowKind::Task => &tables::TASK,
        RowKind::Reservation => &tables::RESERVATION,
        RowKind::Settling => &tables::SETTLING,
        RowKind::ReEvaluation => &tables::RE_EVALUATION,
        RowKind::Transfer => &tables::TRANSFER,
    }
}

pub(crate) fn kind(of: &'static Table) -> RowKind {
    let mut kinds = RowKind::ALL.iter().copied();
    kinds.find(|kind| std::ptr::eq(table(*kind), of)).expect("each table has its kind")
}

fn write(row: &RowRef<'_>) -> RowWrite {
    let content = row.json().map(|body| RowContent { values: values(row), body });
    RowWrite { table: table(row.kind()), key: row.key().into(), content }
}

/// In the order of the table's columns.
fn values(row: &RowRef<'_>) -> Vec<Value> {
    match row {
        RowRef::Workspace(row) => vec![
            super::sid(row.account),
            row.friendly_name.as_str().into(),
            row.created_at.into(),
            row.updated_at.into(),
        ],
        RowRef::Activity(row) => {
            vec![row.friendly_name.as_str().into(), row.available.into(), row.created_at.into()]
        }
        RowRef::TaskChannel(row) => vec![
            row.unique_name.as_str().into(),
            row.friendly_name.as_str().into(),
            row.created_at.into(),
        ],
        RowRef::Schedule(row) => vec![row.name.as_str().into()],
        RowRef::Worker(row) => vec![
            row.friendly_name.as_str().into(),
            row.friendly_name.to_lowercase().as_str().into(),
            super::sid(row.activity.sid()),
            row.created_at.into(),
            row.updated_at.into(),
            row.status_changed_at.into(),
        ],
        RowRef::WorkerChannel(row) => {
            vec![super::sid(row.worker.sid()), super::sid(row.task_channel.sid())]
        }
        RowRef::Capacity(_)
        | RowRef::WorkerLoad(_)
        | RowRef::Settling(_)
        | RowRef::ReEvaluation(_)
        | RowRef::QueueOrdering(_)
        | RowRef::Removed { .. } => Vec::new(),
        RowRef::TaskQueue(row) => {
            vec![row.friendly_name.as_str().into(), row.created_at.into(), row.updated_at.into()]
        }
        RowRef::Workflow(row) => {
            vec![row.friendly_name.as_str().into(), row.created_at.into(), row.updated_at.into()]
        }
        RowRef::WorkflowRevision(row) => {
            vec![super::sid(row.workflow.sid()), i64::from(row.revision).into()]
        }
        RowRef::Task(row) => task(row),
        RowRef::Reservation(row) => vec![
            super::sid(row.task.sid()),
            super::sid(row.worker.sid()),
            row.status.as_str().into(),
            row.created_at.into(),
            row.status.is_open().into(),
        ],
        RowRef::Transfer(row) => vec![
            super::sid(row.task.sid()),
            row.status.as_str().into(),
            row.created_at.into(),
            (row.status == TransferStatus::Initiated).into(),
        ],
    }
}

fn task(row: &routing::Task) -> Vec<Value> {
    let or_null = |sid: Option<base::Sid>| sid.map_or(Value::Null, super::sid);
    vec![
        row.status.as_str().into(),
        or_null(row.queue.map(|queue| queue.sid())),
        or_null(row.workflow.map(|workflow| workflow.sid())),
        super::sid(row.task_channel.sid()),
        i64::from(row.priority).into(),
        or_null(row.routing_target),
        row.created_at.into(),
        row.virtual_start_at.into(),
        row.ended_at.into(),
        is_live(row.status).into(),
    ]
}

/// Whether the engine holds it after a restart.
const fn is_live(status: TaskStatus) -> bool {
    !status.is_final()
}

const fn attributes(command: &Command) -> Option<&Attributes> {
    match command {
        Command::CreateTask(new) => Some(&new.attributes),
        Command::CreateWorker(new) => Some(&new.attributes),
        Command::UpdateTask { patch, .. } => patch.attributes.as_ref(),
        Command::UpdateWorker { patch, .. } => patch.attributes.as_ref(),
        Command::CreateTransfer(new) => new.attributes.as_ref(),
        _ => None,
    }
}

const fn name(command: &Command) -> &'static str {
    match command {
        Command::CreateWorkspace(_) => "CreateWorkspace",
        Command::UpdateWorkspace(_) => "UpdateWorkspace",
        Command::DeleteWorkspace => "DeleteWorkspace",
        Command::CreateActivity(_) => "CreateActivity",
        Command::UpdateActivity { .. } => "UpdateActivity",
        Command::DeleteActivity(_) => "DeleteActivity",
        Command::CreateTaskChannel(_) => "CreateTaskChannel",
        Command::UpdateTaskChannel { .. } => "UpdateTaskChannel",
        Command::DeleteTaskChannel(_) => "DeleteTaskChannel",
        Command::SetCapacity { .. } => "SetCapacity",
        Command::SetSchedule { .. } => "SetSchedule",
        Command::DeleteSchedule { .. } => "DeleteSchedule",
        Command::CreateWorker(_) => "CreateWorker",
        Command::UpdateWorker { .. } => "UpdateWorker",
        Command::DeleteWorker { .. } => "DeleteWorker",
        Command::UpdateWorkerChannel { .. } => "UpdateWorkerChannel",
        Command::CreateTaskQueue(_) => "CreateTaskQueue",
        Command::UpdateTaskQueue { .. } => "UpdateTaskQueue",
        Command::DeleteTaskQueue(_) => "DeleteTaskQueue",
        Command::SetOrdering { .. } => "SetOrdering",
        Command::CreateWorkflow(_) => "CreateWorkflow",
        Command::UpdateWorkflow { .. } => "UpdateWorkflow",
        Command::DeleteWorkflow(_) => "DeleteWorkflow",
        Command::CreateTask(_) => "CreateTask",
        Command::UpdateTask { .. } => "UpdateTask",
        Command::DeleteTask { .. } => "DeleteTask",
        Command::UpdateReservation { .. } => "UpdateReservation",
        Command::AnswerCallback { .. } => "AnswerCallback",
        Command::CreateTransfer(_) => "CreateTransfer",
        Command::CancelTransfer { .. } => "CancelTransfer",
        Command::AskCallback { .. } => "AskCallback",
        Command::SetDisposition { .. } => "SetDisposition",
    }
}
