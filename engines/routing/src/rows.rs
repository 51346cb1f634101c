//! The stored form: one row per entity, written when a change touched it.
//!
//! * A row is the entity as it is now; what is derived (load, membership, order) is not stored.
//! * What is written at each end of work is kept apart from what is large: see [`WorkerLoad`].
//! * A row that is to go is named by [`RowRef::Removed`]; removing what is not there is harmless.

use crate::{
    capacity::CapacityRules, model::*, ordering::QueueOrdering, schedule::Schedule, state::Routing,
};
use base::Timestamp;
use serde::{Deserialize, Serialize};

/// How a worker's share in a channel differs from what every worker starts with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerChannelSettings {
    /// Its name for programs.
    pub sid: WorkerChannelSid,
    /// The worker.
    pub worker: WorkerSid,
    /// The task channel.
    pub task_channel: TaskChannelSid,
    /// See [`WorkerChannel::configured_capacity`].
    pub configured_capacity: u32,
    /// See [`WorkerChannel::available`].
    pub available: bool,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// What decides whose turn it is, as far as open reservations do not say it: it is written when one
/// ends, not when it is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerLoad {
    /// The worker.
    pub worker: WorkerSid,
    /// The later of the newest reservation and the last end of work; before any work, when the
    /// worker became available.
    pub idle_since: Timestamp,
    /// Whether the worker ever had a reservation.
    pub worked: bool,
    /// The newest reservation on each channel that had one.
    pub last_reserved: Vec<(TaskChannelSid, Timestamp)>,
}

/// A configuration that is no longer the workflow's, kept for the tasks that entered under it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkflowRevision {
    /// The workflow.
    pub workflow: WorkflowSid,
    /// Which of its configurations.
    pub revision: u32,
    /// JSON, as it was sent.
    pub configuration: String,
}

/// Offers that were too many for one call: where they go on is found again from the entities.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settling {
    /// The workspace.
    pub workspace: WorkspaceSid,
    /// When there first was something left over.
    pub since: Timestamp,
    /// Tasks at a target with `skip_if`, which leave it if nobody is offered them now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fresh: Vec<TaskSid>,
}

/// Tasks of a workflow that are still to go through its configuration again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReEvaluation {
    /// The workflow.
    pub workflow: WorkflowSid,
    /// The last task that went; they go in order of their SIDs.
    pub after: Option<TaskSid>,
    /// The last one that has to: newer ones came under this configuration.
    pub until: TaskSid,
    /// When it began.
    pub since: Timestamp,
}

macro_rules! rows {
    ($($(#[$doc:meta])* $variant:ident($type:ty) = $name:literal),+ $(,)?) => {
        /// A touched entity as it is now.
        #[derive(Clone, Debug)]
        pub enum RowRef<'a> {
            $($(#[$doc])* $variant(&'a $type),)+
            /// The row of that kind and key is to go.
            Removed {
                /// Its kind.
                kind: RowKind,
                /// Its key: see [`RowRef::key`].
                key: String,
            },
        }

        /// The kinds of rows.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum RowKind { $($(#[$doc])* $variant),+ }

        impl RowKind {
            /// All kinds.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The kind's name in a store.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }
        }

        /// A row as it comes back from a store.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        // Most rows are tasks, and each is taken in and dropped: a box would be one more of them.
        #[allow(clippy::large_enum_variant)]
        pub enum StoredRow { $($(#[$doc])* $variant($type)),+ }

        impl StoredRow {
            /// The row of that kind whose entity is this JSON.
            pub fn parse(kind: RowKind, json: &str) -> Result<Self, serde_json::Error> {
                match kind {
                    $(RowKind::$variant => serde_json::from_str(json).map(Self::$variant)),+
                }
            }
        }

        impl RowRef<'_> {
            /// Its kind.
            pub const fn kind(&self) -> RowKind {
                match self {
                    $(Self::$variant(_) => RowKind::$variant,)+
                    Self::Removed { kind, .. } => *kind,
                }
            }

            /// The entity as JSON; `None` for a row that is to go.
            pub fn json(&self) -> Option<String> {
                let text = match self {
                    $(Self::$variant(row) => crate::json::text(row),)+
                    Self::Removed { .. } => return None,
                };
                Some(text.expect("rows are plain values, which always have a JSON form"))
            }

            /// The same row, owned; `None` for a row that is to go.
            pub fn stored(&self) -> Option<StoredRow> {
                match *self {
                    $(Self::$variant(row) => Some(StoredRow::$variant(row.clone())),)+
                    Self::Removed { .. } => None,
                }
            }
        }
    };
}

rows! {
    /// The workspace.
    Workspace(Workspace) = "workspace",
    /// An activity.
    Activity(Activity) = "activity",
    /// A task channel.
    TaskChannel(TaskChannel) = "task_channel",
    /// The capacity matrix.
    Capacity(CapacityRules) = "capacity",
    /// A schedule.
    Schedule(Schedule) = "schedule",
    /// A worker.
    Worker(Worker) = "worker",
    /// A worker's settings on one channel.
    WorkerChannel(WorkerChannelSettings) = "worker_channel",
    /// A worker's place in the order of idleness.
    WorkerLoad(WorkerLoad) = "worker_load",
    /// A queue.
    TaskQueue(TaskQueue) = "task_queue",
    /// In which order a queue is served.
    QueueOrdering(QueueOrdering) = "queue_ordering",
    /// A workflow.
    Workflow(Workflow) = "workflow",
    /// An older configuration still in use.
    WorkflowRevision(WorkflowRevision) = "workflow_revision",
    /// A task.
    Task(Task) = "task",
    /// A reservation.
    Reservation(Reservation) = "reservation",
    /// Offers left over.
    Settling(Settling) = "settling",
    /// Tasks that are still to go through their workflow again.
    ReEvaluation(ReEvaluation) = "re_evaluation",
    /// A transfer. One that is under way is part of its task's row too.
    Transfer(Transfer) = "transfer",
}

impl RowRef<'_> {
    /// The key of the row within its kind: the entity's SID, the worker's for its load, and
    /// `WW…-<revision>` for a configuration.
    pub fn key(&self) -> String {
        match self {
            Self::Workspace(row) => row.sid.to_string(),
            Self::Activity(row) => row.sid.to_string(),
            Self::TaskChannel(row) => row.sid.to_string(),
            Self::Capacity(row) => row.workspace.to_string(),
            Self::Schedule(row) => row.sid.to_string(),
            Self::Worker(row) => row.sid.to_string(),
            Self::WorkerChannel(row) => row.sid.to_string(),
            Self::WorkerLoad(row) => row.worker.to_string(),
            Self::TaskQueue(row) => row.sid.to_string(),
            Self::QueueOrdering(row) => row.queue.to_string(),
            Self::Workflow(row) => row.sid.to_string(),
            Self::WorkflowRevision(row) => revision_key(row.workflow, row.revision),
            Self::Task(row) => row.sid.to_string(),
            Self::Reservation(row) => row.sid.to_string(),
            Self::Settling(row) => row.workspace.to_string(),
            Self::ReEvaluation(row) => row.workflow.to_string(),
            Self::Transfer(row) => row.sid.to_string(),
            Self::Removed { key, .. } => key.clone(),
        }
    }
}

fn revision_key(workflow: WorkflowSid, revision: u32) -> String {
    format!("{workflow}-{revision}")
}

/// An entity whose row has to be written again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Touched {
    Workspace(WorkspaceSid),
    Activity(ActivitySid),
    TaskChannel(TaskChannelSid),
    Capacity(WorkspaceSid),
    Schedule(ScheduleSid),
    Worker(WorkerSid),
    WorkerChannel(WorkerSid, TaskChannelSid),
    WorkerLoad(WorkerSid),
    TaskQueue(TaskQueueSid),
    QueueOrdering(TaskQueueSid),
    Workflow(WorkflowSid),
    WorkflowRevision(WorkflowSid, u32),
    Task(TaskSid),
    Reservation(ReservationSid),
    Settling(WorkspaceSid),
    ReEvaluation(WorkflowSid),
    Transfer(TaskSid, TransferSid),
}

impl Touched {
    fn removed(self) -> RowRef<'static> {
        let (kind, key) = match self {
            Self::Workspace(sid) => (RowKind::Workspace, sid.to_string()),
            Self::Activity(sid) => (RowKind::Activity, sid.to_string()),
            Self::TaskChannel(sid) => (RowKind::TaskChannel, sid.to_string()),
            Self::Capacity(sid) => (RowKind::Capacity, sid.to_string()),
            Self::Schedule(sid) => (RowKind::Schedule, sid.to_string()),
            Self::Worker(sid) => (RowKind::Worker, sid.to_string()),
            Self::WorkerChannel(worker, channel) => {
                (RowKind::WorkerChannel, worker_channel_sid(worker, channel).to_string())
            }
            Self::WorkerLoad(sid) => (RowKind::WorkerLoad, sid.to_string()),
            Self::TaskQueue(sid) => (RowKind::TaskQueue, sid.to_string()),
            Self::QueueOrdering(sid) => (RowKind::QueueOrdering, sid.to_string()),
            Self::Workflow(sid) => (RowKind::Workflow, sid.to_string()),
            Self::WorkflowRevision(sid, revision) => {
                (RowKind::WorkflowRevision, revision_key(sid, revision))
            }
            Self::Task(sid) => (RowKind::Task, sid.to_string()),
            Self::Reservation(sid) => (RowKind::Reservation, sid.to_string()),
            Self::Settling(sid) => (RowKind::Settling, sid.to_string()),
            Self::ReEvaluation(sid) => (RowKind::ReEvaluation, sid.to_string()),
            Self::Transfer(_, sid) => (RowKind::Transfer, sid.to_string()),
        };
        RowRef::Removed { kind, key }
    }
}

impl Routing {
    /// The rows that changed since the last call, as they are now: sorted, each once.
    ///
    /// Afterwards what ended longest ago is dropped from memory, down to the bound on it.
    pub fn rows(&mut self, mut write: impl FnMut(RowRef<'_>)) {
        let mut touched = std::mem::take(&mut self.touched);
        touched.sort_unstable();
        touched.dedup();
        for entity in &touched {
            self.row(*entity, &mut write);
        }
        touched.clear();
        self.touched = touched;
        self.ended.trim();
    }

    /// Every row there is, as after a first start from nothing.
    pub fn all_rows(&self, mut write: impl FnMut(RowRef<'_>)) {
        for entity in self.everything() {
            if self.has_row(entity) {
                self.row(entity, &mut write);
            }
        }
    }

    /// Whether a task or reservation is held, also one that ended a short while ago. Of other kinds
    /// of rows nothing is held that ended.
    pub fn holds_row(&self, kind: RowKind, key: &str) -> bool {
        match kind {
            RowKind::Task => key.parse().is_ok_and(|sid| self.task(sid).is_some()),
            RowKind::Reservation => key.parse().is_ok_and(|sid| self.reservation(sid).is_some()),
            _ => false,
        }
    }

    fn row(&self, entity: Touched, write: &mut impl FnMut(RowRef<'_>)) {
        let row = match entity {
            Touched::Workspace(_) => self.workspace.as_ref().map(RowRef::Workspace),
            Touched::Activity(sid) => {
                self.activities.get(&sid).map(|state| RowRef::Activity(&state.activity))
            }
            Touched::TaskChannel(sid) => self.channels.get(sid).map(RowRef::TaskChannel),
            Touched::Capacity(_) => self.capacity.as_ref().map(RowRef::Capacity),
            Touched::Schedule(sid) => self.schedules.at(sid).map(RowRef::Schedule),
            Touched::Worker(sid) => self.workers.get(sid).map(|w| RowRef::Worker(&w.worker)),
            Touched::TaskQueue(sid) => {
                self.queues.get(&sid).map(|state| RowRef::TaskQueue(&state.queue))
            }
            Touched::QueueOrdering(sid) => {
                let queue = self.queues.get(&sid);
                queue.and_then(|state| state.ordering.as_ref()).map(RowRef::QueueOrdering)
            }
            Touched::Workflow(sid) => {
                self.workflows.get(&sid).map(|state| RowRef::Workflow(&state.workflow))
            }
            Touched::Task(sid) => self.task(sid).map(RowRef::Task),
            Touched::Reservation(sid) => self.reservation(sid).map(RowRef::Reservation),
            Touched::Settling(_) => self.settling.as_ref().map(RowRef::Settling),
            Touched::ReEvaluation(sid) => self.driving.get(&sid).map(RowRef::ReEvaluation),
            Touched::Transfer(task, sid) => self.transfer(task, sid).map(RowRef::Transfer),
            Touched::WorkerChannel(worker, channel) => {
                return match self.channel_settings(worker, channel) {
                    Some(settings) => write(RowRef::WorkerChannel(&settings)),
                    None => write(entity.removed()),
                };
            }
            Touched::WorkerLoad(sid) => {
                return match self.workers.get(sid) {
                    Some(_) => write(RowRef::WorkerLoad(&self.worker_load(sid))),
                    None => write(entity.removed()),
                };
            }
            Touched::WorkflowRevision(sid, revision) => {
                return match self.older_configuration(sid, revision) {
                    Some(row) => write(RowRef::WorkflowRevision(&row)),
                    None => write(entity.removed()),
                };
            }
        };
        write(row.unwrap_or_else(|| entity.removed()));
    }

    fn channel_settings(
        &self,
        worker: WorkerSid,
        channel: TaskChannelSid,
    ) -> Option<WorkerChannelSettings> {
        let view = self.worker_channel(worker, channel)?;
        (view.updated_at != view.created_at || view.configured_capacity != 1 || !view.available)
            .then_some(WorkerChannelSettings {
                sid: view.sid,
                worker,
                task_channel: channel,
                configured_capacity: view.configured_capacity,
                available: view.available,
                updated_at: view.updated_at,
            })
    }

    /// Call only for a worker that is there.
    pub(crate) fn worker_load(&self, sid: WorkerSid) -> WorkerLoad {
        let state = self.workers.get(sid).expect("the caller saw the worker");
        let last_reserved = self.channels.iter().filter_map(|(index, channel)| {
            Some((channel.sid, state.channels.get(index)?.last_reserved_at?))
        });
        WorkerLoad {
            worker: sid,
            idle_since: state.idle_since,
            worked: state.worked,
            last_reserved: last_reserved.collect(),
        }
    }

    fn older_configuration(&self, sid: WorkflowSid, revision: u32) -> Option<WorkflowRevision> {
        let older = self.workflows.get(&sid)?.older.get(&revision)?;
        Some(WorkflowRevision { workflow: sid, revision, configuration: older.text.to_string() })
    }

    fn has_row(&self, entity: Touched) -> bool {
        match entity {
            Touched::WorkerChannel(worker, channel) => {
                self.channel_settings(worker, channel).is_some()
            }
            _ => true,
        }
    }

    pub(crate) fn everything(&self) -> Vec<Touched> {
        let mut all: Vec<Touched> =
            self.workspace.iter().map(|workspace| Touched::Workspace(workspace.sid)).collect();
        all.extend(self.activities.keys().copied().map(Touched::Activity));
        all.extend(self.channels.iter().map(|(_, channel)| Touched::TaskChannel(channel.sid)));
        all.extend(self.capacity.iter().map(|rules| Touched::Capacity(rules.workspace)));
        all.extend(self.schedules.iter().map(|schedule| Touched::Schedule(schedule.sid)));
        for worker in self.workers.iter() {
            let sid = worker.worker.sid;
            all.extend([Touched::Worker(sid), Touched::WorkerLoad(sid)]);
            let channels = self.channels.iter();
            all.extend(channels.map(|(_, channel)| Touched::WorkerChannel(sid, channel.sid)));
        }
        all.extend(self.queues.keys().copied().map(Touched::TaskQueue));
        let ordered = self.queues.iter().filter(|(_, state)| state.ordering.is_some());
        all.extend(ordered.map(|(sid, _)| Touched::QueueOrdering(*sid)));
        for (sid, state) in &self.workflows {
            all.push(Touched::Workflow(*sid));
            all.extend(state.older.keys().map(|at| Touched::WorkflowRevision(*sid, *at)));
        }
        all.extend(self.settling.iter().map(|settling| Touched::Settling(settling.workspace)));
        all.extend(self.driving.keys().copied().map(Touched::ReEvaluation));
        all.extend(self.tasks.sorted_keys().into_iter().map(Touched::Task));
        all.extend(self.reservations.sorted_keys().into_iter().map(Touched::Reservation));
        all.extend(self.ended.tasks.sorted_keys().into_iter().map(Touched::Task));
        all.extend(self.ended.reservations.sorted_keys().into_iter().map(Touched::Reservation));
        let transfer = |task: &Task| {
            task.transfer.as_ref().map(|transfer| Touched::Transfer(task.sid, transfer.sid))
        };
        let live = self.tasks.sorted_keys().into_iter();
        all.extend(live.filter_map(|sid| transfer(&self.tasks.get(sid)?.task)));
        all.extend(self.ended.transfers().map(|one| Touched::Transfer(one.task, one.sid)));
        all.sort_unstable();
        all
    }
}
