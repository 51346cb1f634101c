//! One workspace as its durable rows say, and what they may never say.

use host::delivery::{Delivery, DeliverySid};
use routing::{
    Activity, ActivitySid, Reservation, ReservationSid, ReservationStatus, ScheduleSid, Task,
    TaskChannel, TaskChannelSid, TaskQueue, TaskQueueSid, TaskSid, TaskStatus, Transfer,
    TransferSid, Worker, WorkerSid, Workflow, WorkflowSid, Workspace,
    capacity::CapacityRules,
    ordering::QueueOrdering,
    rows::{WorkerChannelSettings, WorkflowRevision},
    schedule::Schedule,
};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    str::FromStr,
};
use store::{Batch, RowWrite};

/// The rows of a workspace, parsed.
#[derive(Debug, Default)]
pub(crate) struct Place {
    /// The workspace; `None` once it is gone.
    pub workspace: Option<Workspace>,
    /// Activities.
    pub activities: BTreeMap<ActivitySid, Activity>,
    /// Task channels and their unique names.
    pub channels: BTreeMap<TaskChannelSid, String>,
    /// Rules across channels, once there are any.
    pub rules: Option<CapacityRules>,
    /// Transfers, ended ones included.
    pub transfers: BTreeMap<TransferSid, Transfer>,
    /// Queues.
    pub queues: BTreeMap<TaskQueueSid, TaskQueue>,
    /// Workflows.
    pub workflows: BTreeMap<WorkflowSid, Workflow>,
    /// Older configurations, by workflow and revision.
    pub revisions: BTreeMap<String, WorkflowRevision>,
    /// Workers with their attributes, parsed.
    pub workers: BTreeMap<WorkerSid, (Worker, Value)>,
    /// Shares that differ from the default, by their row's key.
    pub settings: BTreeMap<String, WorkerChannelSettings>,
    /// Tasks, ended ones included.
    pub tasks: BTreeMap<TaskSid, Task>,
    /// Reservations, ended ones included.
    pub reservations: BTreeMap<ReservationSid, Reservation>,
    /// Open reservations.
    open: BTreeSet<ReservationSid>,
    /// Schedules.
    pub schedules: BTreeMap<ScheduleSid, Schedule>,
    /// In which order queues are served, where that was set.
    pub orderings: BTreeMap<TaskQueueSid, QueueOrdering>,
    /// What was or is to be told outside.
    pub deliveries: BTreeMap<DeliverySid, Delivery>,
    /// Rows that were removed.
    pub removed: Vec<String>,
}

/// A checker and what it saw.
pub(super) type Finding = (&'static str, String);

impl Place {
    /// Takes a durable batch in; answers the reservations it made.
    pub(crate) fn apply(&mut self, batch: &Batch) -> Vec<ReservationSid> {
        let mut offered = Vec::new();
        for row in &batch.rows {
            if let Some(reservation) = self.put(row) {
                offered.push(reservation);
            }
        }
        // In the order in which they were made.
        offered.sort_unstable();
        offered
    }

    /// Whether the workspace was removed.
    pub(crate) fn is_gone(&self) -> bool {
        self.workspace.is_none()
    }

    pub(crate) fn put(&mut self, row: &RowWrite) -> Option<ReservationSid> {
        let (key, body) = (&*row.key, row.content.as_ref().map(|content| content.body.as_str()));
        if body.is_none() {
            self.removed.push(key.to_owned());
        }
        match row.table.name {
            "workspace" => self.workspace = body.map(parse),
            "activity" => set(&mut self.activities, key, body),
            "task_channel" => match body.map(parse::<TaskChannel>) {
                Some(channel) => _ = self.channels.insert(channel.sid, channel.unique_name),
                None => _ = self.channels.remove(&sid(key)),
            },
            "schedule" => set(&mut self.schedules, key, body),
            "queue_ordering" => set(&mut self.orderings, key, body),
            "delivery" => set(&mut self.deliveries, key, body),
            "capacity" => self.rules = body.map(parse),
            "transfer" => set(&mut self.transfers, key, body),
            "task_queue" => set(&mut self.queues, key, body),
            "workflow" => set(&mut self.workflows, key, body),
            "workflow_revision" => set_named(&mut self.revisions, key, body),
            "worker" => match body.map(parse::<Worker>) {
                Some(worker) => {
                    let attributes = parse(worker.attributes.text());
                    self.workers.insert(worker.sid, (worker, attributes));
                }
                None => _ = self.workers.remove(&sid(key)),
            },
            "worker_channel" => set_named(&mut self.settings, key, body),
            "task" => set(&mut self.tasks, key, body),
            "reservation" => {
                let sid: ReservationSid = sid(key);
                let is_new = !self.reservations.contains_key(&sid);
                set(&mut self.reservations, key, body);
                match self.reservations.get(&sid).is_some_and(|now| now.status.is_open()) {
                    true => self.open.insert(sid),
                    false => self.open.remove(&sid),
                };
                return (is_new && body.is_some()).then_some(sid);
            }
            _ => {}
        }
        None
    }

    /// What a batch that made these reservations must not have done.
    pub(crate) fn judge(&self, offered: &[ReservationSid], batch: &Batch) -> Vec<Finding> {
        let mut findings = Vec::new();
        let tasks = batch.rows.iter().filter(|row| row.table.name == "task");
        let moved: BTreeSet<TaskSid> = tasks.map(|row| sid(&row.key)).collect();
        for sid in offered {
            let Some(offer) = self.reservations.get(sid) else { continue };
            let Some(task) = self.tasks.get(&offer.task) else {
                findings.push(("an offer has its task", format!("{sid} offers {}", offer.task)));
                continue;
            };
            findings.extend(self.judge_task(task));
            findings.extend(self.judge_worker(task, offer.worker, offered));
            findings.extend(self.judge_rules(task, offer, offered));
            findings.extend(self.judge_match(task, offer));
            findings.extend(self.judge_order(task, &moved));
        }
        findings.extend(self.transfers.values().filter_map(|one| self.judge_transfer(one)));
        findings
    }

    /// A task is offered to as many workers as its queue says, and taken by one. Whoever else
    /// has it was handed it over.
    fn judge_task(&self, task: &Task) -> Option<Finding> {
        let open = self.open().filter(|reservation| reservation.task == task.sid);
        let is_offer = |one: &&Reservation| one.status == ReservationStatus::Pending;
        let (offers, taken): (Vec<_>, Vec<_>) = open.partition(is_offer);
        let open = offers.len() + taken.iter().filter(|one| one.transfer.is_none()).count();
        let offers_most = match task.status {
            TaskStatus::Reserved => {
                let queue = task.queue.and_then(|queue| self.queues.get(&queue));
                queue.map_or(1, |queue| queue.max_reserved_workers as usize)
            }
            _ => 0,
        };
        let taken_most = match task.status {
            TaskStatus::Assigned | TaskStatus::Wrapping => 1,
            TaskStatus::Pending | TaskStatus::Reserved => usize::from(task.transfer.is_some()),
            TaskStatus::Completed | TaskStatus::Canceled => 0,
        };
        (open > offers_most + taken_most).then(|| {
            let what = format!("{} is {} with {open} open reservations", task.sid, task.status);
            ("one open reservation per single-offer task", what)
        })
    }

    /// A worker is offered no more than fits, unless the task ignores that.
    fn judge_worker(
        &self,
        task: &Task,
        worker: WorkerSid,
        offered: &[ReservationSid],
    ) -> Option<Finding> {
        if task.ignore_capacity {
            return None;
        }
        let (all, most) = if self.is_single_tasking() {
            (self.open().filter(|reservation| reservation.worker == worker).count(), 1)
        } else {
            (self.load(worker, task.task_channel), self.share(worker, task).0 as usize)
        };
        // What ignores capacity may have come on top in the same step.
        let on_top = offered.iter().filter_map(|sid| self.reservations.get(sid)).filter(|offer| {
            let of = self.tasks.get(&offer.task);
            offer.worker == worker && of.is_some_and(|of| of.ignore_capacity)
        });
        let open = all - on_top.count().min(all);
        (open > most).then(|| {
            let (sid, channel) = (task.sid, task.task_channel);
            let what = format!("{worker} has {open} of {most} on {channel} with {sid}");
            ("capacity is never exceeded", what)
        })
    }

    /// Open reservations.
    pub(crate) fn open(&self) -> impl Iterator<Item = &Reservation> {
        self.open.iter().filter_map(|sid| self.reservations.get(sid))
    }

    /// Open reservations of a worker on a channel.
    pub(crate) fn load(&self, worker: WorkerSid, channel: TaskChannelSid) -> usize {
        let mine = self.open().filter(|reservation| reservation.worker == worker);
        let on_channel = |reservation: &&Reservation| {
            self.tasks.get(&reservation.task).is_some_and(|task| task.task_channel == channel)
        };
        mine.filter(on_channel).count()
    }

    /// A worker's capacity and availability on a task's channel.
    pub(crate) fn share(&self, worker: WorkerSid, task: &Task) -> (u32, bool) {
        let mut settings = self.settings.values();
        let own =
            settings.find(|row| row.worker == worker && row.task_channel == task.task_channel);
        own.map_or((1, true), |row| (row.configured_capacity, row.available))
    }

    /// Whether workers do one thing at a time.
    pub(crate) fn is_single_tasking(&self) -> bool {
        self.workspace.as_ref().is_some_and(|workspace| !workspace.multi_task_enabled)
    }

    /// A worker's open reservations with what can be done about each.
    pub(crate) fn open_of(&self, worker: WorkerSid) -> Vec<(ReservationSid, ReservationStatus)> {
        let mine = self.open().filter(|reservation| reservation.worker == worker);
        mine.map(|reservation| (reservation.sid, reservation.status)).collect()
    }
}

fn sid<K: FromStr>(key: &str) -> K {
    key.parse().ok().expect("rows are kept under the SIDs of their kind")
}

fn parse<T: serde::de::DeserializeOwned>(body: &str) -> T {
    serde_json::from_str(body).expect("rows are the JSON of their kind")
}

fn set<K: FromStr + Ord, T: serde::de::DeserializeOwned>(
    map: &mut BTreeMap<K, T>,
    key: &str,
    body: Option<&str>,
) {
    match body {
        Some(body) => _ = map.insert(sid(key), parse(body)),
        None => _ = map.remove(&sid(key)),
    }
}

fn set_named<T: serde::de::DeserializeOwned>(
    map: &mut BTreeMap<String, T>,
    key: &str,
    body: Option<&str>,
) {
    match body {
        Some(body) => _ = map.insert(key.to_owned(), parse(body)),
        None => _ = map.remove(key),
    }
}
