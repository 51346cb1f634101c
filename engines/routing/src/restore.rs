//! From rows back to a workspace.
//!
//! * Each task is taken in as its row comes; what is ordered is sorted and built once, not task by
//!   task.

use crate::{
    apply::{configured, service_level},
    capacity::CapacityRules,
    deadlines::{self, Deadlines, Due},
    ended::EndedTask,
    matching::Order,
    model::*,
    movement::Standing,
    ordering::QueueOrdering,
    rows::{
        ReEvaluation, Settling, StoredRow, WorkerChannelSettings, WorkerLoad, WorkflowRevision,
    },
    schedule::Schedule,
    state::{Older, Refusal, Routing, TaskState},
};
use serde_json::Value;

/// Live tasks as they will be kept: a vector of large values is copied as it grows.
#[allow(clippy::vec_box)]
type Boxed = Vec<Box<TaskState>>;

/// Rows by kind, in the order in which they are taken in.
#[derive(Default)]
struct Sorted {
    workspace: Option<Workspace>,
    activities: Vec<Activity>,
    channels: Vec<TaskChannel>,
    capacity: Option<CapacityRules>,
    schedules: Vec<Schedule>,
    workers: Vec<Worker>,
    settings: Vec<WorkerChannelSettings>,
    loads: Vec<WorkerLoad>,
    queues: Vec<TaskQueue>,
    orderings: Vec<QueueOrdering>,
    workflows: Vec<Workflow>,
    revisions: Vec<WorkflowRevision>,
    live: Boxed,
    ended: Vec<Task>,
    reservations: Vec<Reservation>,
    settling: Option<Settling>,
    driving: Vec<ReEvaluation>,
}

impl Routing {
    /// The workspace whose rows these are, in any order. Of tasks and reservations only those
    /// that are live or ended less than [`ENDED_READABLE_S`](crate::limits::ENDED_READABLE_S)
    /// ago are wanted.
    pub fn restore(rows: impl IntoIterator<Item = StoredRow>) -> Self {
        let mut sorted = Sorted::default();
        rows.into_iter().for_each(|row| sorted.add(row));
        sorted.sort();
        let mut routing = Self::new();
        routing.restore_settings(&sorted);
        routing.restore_workers(&sorted);
        sorted.queues.iter().for_each(|queue| routing.put_queue(queue));
        sorted.orderings.iter().for_each(|ordering| routing.put_ordering(ordering));
        routing.restore_workflows(&sorted);
        routing.prepare_all();
        routing.restore_tasks(sorted.live);
        routing.restore_work(sorted.ended, sorted.reservations);
        routing.touched.clear();
        routing.drop_marks();
        if let Some(settling) = sorted.settling {
            // Where it stood is found again: what has nobody costs a look.
            routing.fresh = settling.fresh.iter().copied().collect();
            routing.settling = Some(settling);
            routing.matching.mark_everything();
        }
        let driving = sorted.driving.into_iter();
        routing.driving = driving.map(|rest| (rest.workflow, rest)).collect();
        routing.parsed = None;
        routing
    }

    fn restore_settings(&mut self, rows: &Sorted) {
        rows.workspace.iter().for_each(|workspace| self.put_workspace(workspace));
        rows.activities.iter().for_each(|activity| self.put_activity(activity));
        rows.channels.iter().for_each(|channel| self.put_channel(channel));
        rows.schedules.iter().for_each(|schedule| self.put_schedule(schedule));
        rows.capacity.iter().for_each(|rules| self.put_capacity(rules));
    }

    fn restore_workers(&mut self, rows: &Sorted) {
        rows.workers.iter().for_each(|worker| self.add_worker(worker));
        for settings in &rows.settings {
            let Some(channel) = self.channels.slot(settings.task_channel) else { continue };
            self.change_worker(settings.worker, |state| {
                let share = &mut state.channels[channel];
                share.capacity = settings.configured_capacity;
                share.available = settings.available;
                share.updated_at = Some(settings.updated_at);
            });
        }
        for load in &rows.loads {
            let last: Vec<(usize, base::Timestamp)> = load
                .last_reserved
                .iter()
                .filter_map(|(channel, at)| Some((self.channels.slot(*channel)?, *at)))
                .collect();
            self.change_worker(load.worker, |state| {
                state.idle_since = load.idle_since;
                state.worked = load.worked;
                for (channel, at) in last {
                    state.channels[channel].last_reserved_at = Some(at);
                }
            });
        }
    }

    fn restore_workflows(&mut self, rows: &Sorted) {
        rows.workflows.iter().for_each(|workflow| self.put_workflow(workflow));
        for row in &rows.revisions {
            let Some(state) = self.workflows.get_mut(&row.workflow) else { continue };
            let older = Older {
                text: row.configuration.as_str().into(),
                configuration: configured(&row.configuration),
                walking: 0,
            };
            state.older.insert(row.revision, older);
        }
    }

    fn restore_tasks(&mut self, live: Boxed) {
        self.tasks.reserve(live.len());
        let mut due = Vec::with_capacity(live.len());
        let mut places = Vec::with_capacity(live.len());
        for mut state in live {
            let TaskState { task, .. } = &*state;
            let refused = task.transfer.as_ref().is_some_and(|one| one.attempts_failed > 0);
            if refused && task.status == TaskStatus::Pending {
                self.refused_transfers.insert(task.sid);
            }
            if let (Some(workflow), Some(walk)) = (task.workflow, &task.walk) {
                self.count_walking(workflow, walk.revision, true);
            }
            self.tallies.follow(task.sid, None, Some(Standing::of(task)));
            due.extend(deadlines::of_task(task).into_iter().flatten());
            state.line = self.line_of_restored(task);
            if let (TaskStatus::Pending, Some(line)) = (state.task.status, state.line) {
                if self.matching.line(line).order == Order::Deadline {
                    state.service_level = service_level(&self.queues, &state.task);
                }
                places.push((line, self.matching.place_in(line, &state)));
            }
            self.tasks.insert(state.task.sid, state);
        }
        self.deadlines = Deadlines(due.into_iter().collect());
        self.matching.fill(places);
    }

    /// The line of a live task. Its attributes are parsed only where that depends on them.
    fn line_of_restored(&mut self, task: &Task) -> Option<u32> {
        let is_placed = task.queue.is_some() || task.routing_target.is_some();
        let waits = matches!(task.status, TaskStatus::Pending | TaskStatus::Reserved);
        if !is_placed || !waits {
            return None;
        }
        let value = match self.asks_attributes_of(task) {
            true => serde_json::from_str(task.attributes.text()).unwrap_or_default(),
            false => Value::Null,
        };
        self.join_line(task, &value)
    }

    fn restore_work(&mut self, ended: Vec<Task>, reservations: Vec<Reservation>) {
        let mut handlers = std::collections::BTreeMap::new();
        for reservation in reservations {
            if reservation.status == ReservationStatus::Completed {
                handlers.insert(reservation.task, reservation.worker);
            }
            self.restore_reservation(reservation);
        }
        for task in ended {
            let worker = handlers.get(&task.sid).copied();
            self.ended.add_task(EndedTask {
                worker: worker.filter(|_| task.status == TaskStatus::Completed),
                task,
            });
        }
        self.ended.sort();
    }

    fn restore_reservation(&mut self, reservation: Reservation) {
        let Reservation { sid, task, worker, status, created_at, .. } = reservation;
        if let Some(state) = self.tasks.get_mut(task) {
            state.offered_at = state.offered_at.max(Some(created_at));
            if status.is_open() {
                state.open.push(sid);
            } else if matches!(status, ReservationStatus::Rejected | ReservationStatus::Canceled) {
                let ended_at = reservation.updated_at;
                state.refused.push(Refusal { offered_at: created_at, ended_at, worker });
            }
        }
        if !status.is_open() {
            self.ended.add_reservation(reservation);
            return;
        }
        let channel = self.tasks.get(task).map(|state| state.task.task_channel);
        let Some(channel) = channel.and_then(|sid| self.channels.slot(sid)) else { return };
        if status == ReservationStatus::Pending {
            self.deadlines.add(reservation.expires_at, Due::Reservation(sid));
        }
        if let Some(callback) = reservation.callback {
            self.deadlines.add(callback.until, Due::Callback(sid));
        }
        self.reservations.insert(sid, reservation);
        // The worker's own row was last written when a reservation ended, or is older still.
        self.change_worker(worker, |state| {
            state.open.push(sid);
            state.idle_since = state.idle_since.max(created_at);
            state.worked = true;
            let share = &mut state.channels[channel];
            share.open += 1;
            share.accepted += u32::from(status == ReservationStatus::Accepted);
            share.last_reserved_at = share.last_reserved_at.max(Some(created_at));
        });
    }
}

impl Sorted {
    fn add(&mut self, row: StoredRow) {
        match row {
            StoredRow::Workspace(row) => self.workspace = Some(row),
            StoredRow::Activity(row) => self.activities.push(row),
            StoredRow::TaskChannel(row) => self.channels.push(row),
            StoredRow::Capacity(row) => self.capacity = Some(row),
            StoredRow::Schedule(row) => self.schedules.push(row),
            StoredRow::Worker(row) => self.workers.push(row),
            StoredRow::WorkerChannel(row) => self.settings.push(row),
            StoredRow::WorkerLoad(row) => self.loads.push(row),
            StoredRow::TaskQueue(row) => self.queues.push(row),
            StoredRow::QueueOrdering(row) => self.orderings.push(row),
            StoredRow::Workflow(row) => self.workflows.push(row),
            StoredRow::WorkflowRevision(row) => self.revisions.push(row),
            StoredRow::Task(row) if row.status.is_final() => self.ended.push(row),
            StoredRow::Task(row) => self.live.push(Box::new(TaskState::new(row))),
            StoredRow::Reservation(row) => self.reservations.push(row),
            StoredRow::Settling(row) => self.settling = Some(row),
            StoredRow::ReEvaluation(row) => self.driving.push(row),
            // One that is under way is part of its task.
            StoredRow::Transfer(_) => {}
        }
    }

    fn sort(&mut self) {
        self.activities.sort_unstable_by_key(|row| row.sid);
        self.channels.sort_unstable_by_key(|row| row.sid);
        self.workers.sort_unstable_by_key(|row| row.sid);
        self.queues.sort_unstable_by_key(|row| row.sid);
        self.workflows.sort_unstable_by_key(|row| row.sid);
        self.live.sort_unstable_by_key(|state| state.task.sid);
        self.ended.sort_unstable_by_key(|row| row.sid);
        self.reservations.sort_unstable_by_key(|row| row.sid);
    }
}
