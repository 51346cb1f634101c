//! What a workspace's engine holds in memory.
//!
//! * Everything here follows from the changes; entities are the truth, the rest is derived.
//! * Workers and channels have slots (small numbers) so that sets of them are bits.

use crate::{
    capacity::{CapacityRules, Matrix, Ruled},
    deadlines::Deadlines,
    ended::Ended,
    handle::Portion,
    map::Map,
    matching::{BitSet, Matching, Order},
    model::*,
    movement::Movement,
    ordering::{QueueOrdering, ServiceLevels},
    rows::{ReEvaluation, Settling, Touched},
    schedule::ScheduleBook,
    tally::Tallies,
    workflow::Configuration,
};
use base::{Attributes, Millis, Timestamp};
use expr::Expression;
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    ops::Bound,
    sync::Arc,
};

/// One workspace: its settings, its live work and the index that matches them.
#[derive(Default)]
pub struct Routing {
    pub(crate) workspace: Option<Workspace>,
    pub(crate) activities: BTreeMap<ActivitySid, ActivityState>,
    pub(crate) channels: Channels,
    /// The capacity matrix as it is shown; compiled it is in `channels`.
    pub(crate) capacity: Option<CapacityRules>,
    pub(crate) schedules: ScheduleBook,
    pub(crate) workers: Workers,
    pub(crate) queues: BTreeMap<TaskQueueSid, QueueState>,
    pub(crate) workflows: BTreeMap<WorkflowSid, WorkflowState>,
    /// Live tasks only.
    pub(crate) tasks: Map<TaskSid, Box<TaskState>>,
    /// Open reservations only.
    pub(crate) reservations: Map<ReservationSid, Reservation>,
    pub(crate) ended: Ended,
    pub(crate) deadlines: Deadlines,
    pub(crate) matching: Matching,
    pub(crate) tallies: Tallies,
    pub(crate) touched: Vec<Touched>,
    /// The SIDs that offers had, in a replay.
    pub(crate) offer_names: crate::handle::OfferNames,
    /// What moved since the last command or timers.
    pub(crate) movements: Vec<Movement>,
    /// Tasks that came to a target with `skip_if` and were not yet asked.
    pub(crate) fresh: VecDeque<TaskSid>,
    /// Offers that are left over.
    pub(crate) settling: Option<Settling>,
    /// Tasks that are still to go through their workflow again.
    pub(crate) driving: BTreeMap<WorkflowSid, ReEvaluation>,
    pub(crate) portion: Portion,
    /// Tasks on their way to a queue whose offers came to nothing.
    pub(crate) refused_transfers: BTreeSet<TaskSid>,
    /// Attributes that were parsed to check them, for the change that will want them parsed.
    pub(crate) parsed: Option<(Attributes, Arc<Value>)>,
    /// What there was before the workspace ended: freeing it takes longer than a call may.
    pub(crate) over: Option<Box<Routing>>,
}

pub(crate) struct ActivityState {
    pub(crate) activity: Activity,
    /// Workers in it.
    pub(crate) workers: u32,
    /// Who they are.
    pub(crate) doing: BitSet,
}

/// Task channels in slots, and the rules across them.
#[derive(Default)]
pub(crate) struct Channels {
    slots: Vec<Option<TaskChannel>>,
    by_sid: BTreeMap<TaskChannelSid, usize>,
    rules: Matrix,
}

impl Channels {
    pub(crate) fn slot(&self, sid: TaskChannelSid) -> Option<usize> {
        self.by_sid.get(&sid).copied()
    }

    pub(crate) fn get(&self, sid: TaskChannelSid) -> Option<&TaskChannel> {
        self.at(self.slot(sid)?)
    }

    pub(crate) fn at(&self, slot: usize) -> Option<&TaskChannel> {
        self.slots.get(slot)?.as_ref()
    }

    pub(crate) fn named(&self, unique_name: &str) -> Option<&TaskChannel> {
        self.iter().map(|(_, channel)| channel).find(|one| one.unique_name == unique_name)
    }

    /// What holds across channels.
    pub(crate) const fn rules(&self) -> &Matrix {
        &self.rules
    }

    pub(crate) fn set_rules(&mut self, rules: Matrix) {
        self.rules = rules.after(&self.rules);
    }

    /// In order of creation.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (usize, &TaskChannel)> {
        self.by_sid.values().filter_map(|slot| Some((*slot, self.at(*slot)?)))
    }

    /// Adds a channel or replaces it by its new form.
    pub(crate) fn put(&mut self, channel: TaskChannel) -> usize {
        let slot = self.slot(channel.sid).unwrap_or_else(|| {
            let free = self.slots.iter().position(Option::is_none);
            free.unwrap_or_else(|| {
                self.slots.push(None);
                self.slots.len() - 1
            })
        });
        self.by_sid.insert(channel.sid, slot);
        self.slots[slot] = Some(channel);
        slot
    }

    pub(crate) fn remove(&mut self, sid: TaskChannelSid) -> Option<usize> {
        let slot = self.by_sid.remove(&sid)?;
        self.slots[slot] = None;
        Some(slot)
    }

    pub(crate) fn slots(&self) -> usize {
        self.slots.len()
    }
}

/// A worker's share in one channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Share {
    pub(crate) capacity: u32,
    pub(crate) available: bool,
    pub(crate) accepted: u32,
    pub(crate) open: u32,
    pub(crate) last_reserved_at: Option<Timestamp>,
    /// When capacity or availability changed, if they ever did.
    pub(crate) updated_at: Option<Timestamp>,
}

impl Default for Share {
    fn default() -> Self {
        Self {
            capacity: 1,
            available: true,
            accepted: 0,
            open: 0,
            last_reserved_at: None,
            updated_at: None,
        }
    }
}

pub(crate) struct WorkerState {
    pub(crate) worker: Worker,
    pub(crate) slot: u32,
    /// The attributes, parsed.
    pub(crate) value: Value,
    /// Whether the activity is an available one.
    pub(crate) available: bool,
    /// By channel slot.
    pub(crate) channels: Vec<Share>,
    /// The capacity rules that are about this worker.
    pub(crate) ruled: Ruled,
    /// Open reservations, oldest first.
    pub(crate) open: Vec<ReservationSid>,
    pub(crate) idle_since: Timestamp,
    pub(crate) worked: bool,
    /// The narrow lines this worker is in: see `matching`.
    pub(crate) narrow: Vec<u32>,
}

/// Workers in slots, found by SID and by name.
#[derive(Default)]
pub(crate) struct Workers {
    slots: Vec<Option<Box<WorkerState>>>,
    free: BTreeSet<u32>,
    by_sid: Map<WorkerSid, u32>,
    /// The same in order of SID, for pages.
    in_order: BTreeMap<WorkerSid, u32>,
    /// By name in lower case: names are unique without regard to case.
    by_name: BTreeMap<String, u32>,
}

impl Workers {
    pub(crate) fn slot(&self, sid: WorkerSid) -> Option<u32> {
        self.by_sid.get(sid).copied()
    }

    pub(crate) fn slot_named(&self, name: &str) -> Option<u32> {
        self.by_name.get(&name.to_lowercase()).copied()
    }

    pub(crate) fn get(&self, sid: WorkerSid) -> Option<&WorkerState> {
        self.slot(sid).map(|slot| self.at(slot))
    }

    /// Slots in sets and maps belong to workers that are there.
    pub(crate) fn at(&self, slot: u32) -> &WorkerState {
        self.slots[slot as usize].as_deref().expect("a slot in use has its worker")
    }

    pub(crate) fn at_mut(&mut self, slot: u32) -> &mut WorkerState {
        self.slots[slot as usize].as_deref_mut().expect("a slot in use has its worker")
    }

    pub(crate) fn len(&self) -> usize {
        self.by_sid.len()
    }

    /// In order of slots, which is nobody's business outside.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &WorkerState> {
        self.slots.iter().filter_map(Option::as_deref)
    }

    pub(crate) fn sorted(&self) -> Vec<&WorkerState> {
        let mut all: Vec<&WorkerState> = self.iter().collect();
        all.sort_unstable_by_key(|state| state.worker.sid);
        all
    }

    /// Those behind a SID, in order of SID.
    pub(crate) fn after(&self, sid: Option<WorkerSid>) -> impl Iterator<Item = &WorkerState> {
        let from = sid.map_or(Bound::Unbounded, Bound::Excluded);
        self.in_order.range((from, Bound::Unbounded)).map(|(_, slot)| self.at(*slot))
    }

    pub(crate) fn insert(&mut self, worker: Worker, value: Value, available: bool) -> u32 {
        let slot = self.free.pop_first().unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len() as u32 - 1
        });
        self.by_sid.insert(worker.sid, slot);
        self.in_order.insert(worker.sid, slot);
        self.by_name.insert(worker.friendly_name.to_lowercase(), slot);
        let idle_since = worker.created_at;
        self.slots[slot as usize] = Some(Box::new(WorkerState {
            worker,
            slot,
            value,
            available,
            channels: Vec::new(),
            ruled: Ruled::default(),
            open: Vec::new(),
            idle_since,
            worked: false,
            narrow: Vec::new(),
        }));
        slot
    }

    pub(crate) fn rename(&mut self, slot: u32, name: &str) {
        let old = self.at(slot).worker.friendly_name.to_lowercase();
        self.by_name.remove(&old);
        self.by_name.insert(name.to_lowercase(), slot);
        self.at_mut(slot).worker.friendly_name = name.to_owned();
    }

    pub(crate) fn remove(&mut self, slot: u32) -> Option<Box<WorkerState>> {
        let state = self.slots[slot as usize].take()?;
        self.by_sid.remove(state.worker.sid);
        self.in_order.remove(&state.worker.sid);
        self.by_name.remove(&state.worker.friendly_name.to_lowercase());
        self.free.insert(slot);
        Some(state)
    }
}

pub(crate) struct QueueState {
    pub(crate) queue: TaskQueue,
    /// `None` selects nobody.
    pub(crate) expression: Option<Expression>,
    /// Workers for whom the expression is true.
    pub(crate) members: BitSet,
    /// As it is shown, once it was set.
    pub(crate) ordering: Option<QueueOrdering>,
    /// Where the earliest breach is served first.
    pub(crate) levels: Option<ServiceLevels>,
}

impl QueueState {
    /// Whether a task's place depends on its attributes.
    pub(crate) fn asks_attributes(&self) -> bool {
        self.levels.as_ref().is_some_and(ServiceLevels::asks_attributes)
    }

    pub(crate) fn order(&self) -> Order {
        match &self.levels {
            Some(_) => Order::Deadline,
            None => self.queue.task_order.into(),
        }
    }
}

pub(crate) struct WorkflowState {
    pub(crate) workflow: Workflow,
    pub(crate) configuration: Arc<Configuration>,
    /// Older configurations that tasks entered under.
    pub(crate) older: BTreeMap<u32, Older>,
    /// Live tasks under the current configuration.
    pub(crate) walking: u32,
}

pub(crate) struct Older {
    pub(crate) text: Arc<str>,
    pub(crate) configuration: Arc<Configuration>,
    /// Live tasks under it. Never 0.
    pub(crate) walking: u32,
}

impl WorkflowState {
    pub(crate) fn revision(&self, revision: u32) -> Option<&Arc<Configuration>> {
        if revision == self.workflow.revision {
            return Some(&self.configuration);
        }
        self.older.get(&revision).map(|older| &older.configuration)
    }
}

pub(crate) struct TaskState {
    pub(crate) task: Task,
    /// Where it waits, or would wait again if its offers came to nothing.
    pub(crate) line: Option<u32>,
    /// Open reservations, in the order they were made.
    pub(crate) open: Vec<ReservationSid>,
    /// Offers that the worker refused or that were canceled.
    pub(crate) refused: Vec<Refusal>,
    /// When the newest batch was offered.
    pub(crate) offered_at: Option<Timestamp>,
    /// Of its class, as of when it began to wait in a queue that is ordered by deadline.
    pub(crate) service_level: Millis,
}

impl TaskState {
    /// Of a task that stands nowhere yet.
    pub(crate) const fn new(task: Task) -> Self {
        Self {
            task,
            line: None,
            open: Vec::new(),
            refused: Vec::new(),
            offered_at: None,
            service_level: Millis(0),
        }
    }
}

/// An offer that came to nothing and was not a time-out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) offered_at: Timestamp,
    pub(crate) ended_at: Timestamp,
    pub(crate) worker: WorkerSid,
}

impl Routing {
    /// A workspace that does not exist yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The workspace and its settings, while it exists.
    pub fn settings(&self) -> Option<&Workspace> {
        self.workspace.as_ref()
    }

    /// A reservation that is open.
    pub fn open_reservation(&self, sid: ReservationSid) -> Option<&Reservation> {
        self.reservations.get(sid)
    }

    /// A task, live or ended not long ago.
    pub(crate) fn task(&self, sid: TaskSid) -> Option<&Task> {
        let live = self.tasks.get(sid).map(|state| &state.task);
        live.or_else(|| self.ended.tasks.get(sid).map(|ended| &ended.task))
    }

    /// A reservation, open or ended not long ago.
    pub(crate) fn reservation(&self, sid: ReservationSid) -> Option<&Reservation> {
        self.reservations.get(sid).or_else(|| self.ended.reservations.get(sid))
    }

    /// A transfer, under way or ended not long ago.
    pub(crate) fn transfer(&self, task: TaskSid, sid: TransferSid) -> Option<&Transfer> {
        let open = self.tasks.get(task).and_then(|state| state.task.transfer.as_deref());
        let open = open.filter(|transfer| transfer.sid == sid);
        open.or_else(|| self.ended.transfers().find(|transfer| transfer.sid == sid))
    }

    pub(crate) fn touch(&mut self, entity: Touched) {
        self.touched.push(entity);
    }

    /// Attributes parsed; the last ones are remembered, because a command asks more than once.
    pub(crate) fn value_of(&mut self, attributes: &Attributes) -> Arc<Value> {
        if let Some((text, value)) = &self.parsed
            && std::ptr::eq(text.text(), attributes.text())
        {
            return Arc::clone(value);
        }
        let value: Arc<Value> =
            Arc::new(serde_json::from_str(attributes.text()).unwrap_or_default());
        self.parsed = Some((attributes.clone(), Arc::clone(&value)));
        value
    }

    pub(crate) fn is_single_tasking(&self) -> bool {
        self.workspace.as_ref().is_some_and(|workspace| !workspace.multi_task_enabled)
    }

    /// A worker's share in a channel with its load, as it is shown.
    pub(crate) fn worker_channel(
        &self,
        worker: WorkerSid,
        channel: TaskChannelSid,
    ) -> Option<WorkerChannel> {
        let state = self.workers.get(worker)?;
        let created_at = state.worker.created_at.max(self.channels.get(channel)?.created_at);
        let share = state.channels.get(self.channels.slot(channel)?)?;
        Some(WorkerChannel {
            sid: worker_channel_sid(worker, channel),
            worker,
            task_channel: channel,
            configured_capacity: share.capacity,
            available: share.available,
            assigned_tasks: share.accepted,
            open_reservations: share.open,
            last_reserved_at: share.last_reserved_at,
            created_at,
            updated_at: share.updated_at.unwrap_or(created_at),
        })
    }
}
