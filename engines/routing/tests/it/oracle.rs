//! A second opinion: the reference's matching loop, word for word, over plain values.
//!
//! It learns the state from the changes alone and looks at every task and every worker.

use base::{Millis, Sid, Timestamp};
use expr::{ChannelField, Expression, Fact, Place, Scope, WorkerFacts, WorkerField};
use routing::{capacity::CapacityRule, ordering::OrderingRule, *};
use serde_json::Value;
use std::{
    cell::RefCell,
    cmp::{Ordering, Reverse},
    collections::BTreeMap,
};

/// What the oracle knows.
#[derive(Clone, Default)]
pub(crate) struct Oracle {
    workspace: Option<Workspace>,
    activities: BTreeMap<ActivitySid, Activity>,
    channels: BTreeMap<TaskChannelSid, TaskChannel>,
    queues: BTreeMap<TaskQueueSid, TaskQueue>,
    orderings: BTreeMap<TaskQueueSid, OrderingRule>,
    rules: Vec<CapacityRule>,
    /// Names, and what is open.
    schedules: (BTreeMap<ScheduleSid, String>, BTreeMap<String, bool>),
    workflows: BTreeMap<(WorkflowSid, u32), Value>,
    workers: BTreeMap<WorkerSid, Person>,
    tasks: BTreeMap<TaskSid, Waiting>,
    reservations: BTreeMap<ReservationSid, Reservation>,
    /// Expressions by their text: only to be quick.
    compiled: RefCell<BTreeMap<(Place, String), Option<Expression>>>,
}

#[derive(Clone)]
struct Person {
    worker: Worker,
    attributes: Value,
    shares: BTreeMap<TaskChannelSid, (u32, bool)>,
    last_reserved: BTreeMap<TaskChannelSid, Timestamp>,
    idle_since: Timestamp,
    worked: bool,
}

#[derive(Clone)]
struct Waiting {
    task: Task,
    attributes: Value,
    refused_by: Vec<WorkerSid>,
}

impl Oracle {
    /// Learns one change.
    pub(crate) fn learn(&mut self, change: &Change) {
        match change {
            Change::WorkspaceCreated(one) | Change::WorkspaceUpdated(one) => {
                self.workspace = Some((**one).clone());
            }
            Change::WorkspaceDeleted => *self = Self::default(),
            Change::ActivityCreated(one) | Change::ActivityUpdated(one) => {
                self.activities.insert(one.sid, one.clone());
            }
            Change::ActivityDeleted(sid) => _ = self.activities.remove(sid),
            Change::TaskChannelCreated(one) | Change::TaskChannelUpdated(one) => {
                self.channels.insert(one.sid, one.clone());
            }
            Change::TaskChannelDeleted(sid) => _ = self.channels.remove(sid),
            Change::TaskQueueCreated(one) | Change::TaskQueueUpdated(one) => {
                self.queues.insert(one.sid, (**one).clone());
            }
            Change::CapacityRulesSet(matrix) => self.rules = matrix.rules.clone(),
            Change::QueueOrderingSet(one) => {
                self.orderings.insert(one.queue, one.rule.clone());
            }
            Change::ScheduleSet(one) => {
                self.schedules.0.insert(one.sid, one.name.clone());
                self.schedules.1.insert(one.name.clone(), one.open);
            }
            Change::ScheduleDeleted(sid) => {
                let name = self.schedules.0.remove(sid).expect("it was there");
                self.schedules.1.remove(&name);
            }
            Change::ScheduleLooked { schedule, open, .. } => {
                let name = self.schedules.0[schedule].clone();
                self.schedules.1.insert(name, *open);
            }
            Change::TaskQueueDeleted(sid) => _ = self.queues.remove(sid),
            Change::WorkflowCreated(one) | Change::WorkflowUpdated(one) => {
                let read = serde_json::from_str(&one.configuration).expect("it was accepted");
                self.workflows.insert((one.sid, one.revision), read);
            }
            Change::WorkflowDeleted(_) => {}
            Change::WorkerCreated(_)
            | Change::WorkerDeleted(_)
            | Change::WorkerRenamed { .. }
            | Change::WorkerAttributesChanged { .. }
            | Change::WorkerActivityChanged { .. }
            | Change::WorkerChannelUpdated { .. } => self.learn_of_worker(change),
            _ => {
                self.learn_of_reservation(change);
                self.learn_of_task(change);
            }
        }
    }

    fn learn_of_worker(&mut self, change: &Change) {
        if let Change::WorkerCreated(worker) = change {
            let person = Person {
                attributes: parsed(worker.attributes.text()),
                worker: (**worker).clone(),
                shares: BTreeMap::new(),
                last_reserved: BTreeMap::new(),
                idle_since: worker.created_at,
                worked: false,
            };
            self.workers.insert(worker.sid, person);
            return;
        }
        let of = |sid: &WorkerSid| *sid;
        match change {
            Change::WorkerDeleted(sid) => _ = self.workers.remove(sid),
            Change::WorkerRenamed { worker, friendly_name, .. } => {
                self.person(of(worker)).worker.friendly_name = friendly_name.clone();
            }
            Change::WorkerAttributesChanged { worker, attributes, .. } => {
                let person = self.person(of(worker));
                person.worker.attributes = attributes.clone();
                person.attributes = parsed(attributes.text());
            }
            Change::WorkerActivityChanged { worker, activity, at, .. } => {
                let old = self.activities[&self.workers[worker].worker.activity].available;
                let new = self.activities[activity].available;
                let person = self.person(of(worker));
                person.worker.activity = *activity;
                if new && !old && !person.worked {
                    person.idle_since = *at;
                }
            }
            Change::WorkerChannelUpdated {
                worker,
                task_channel,
                configured_capacity,
                available,
                ..
            } => {
                let share = (*configured_capacity, *available);
                self.person(of(worker)).shares.insert(*task_channel, share);
            }
            _ => {}
        }
    }

    fn person(&mut self, sid: WorkerSid) -> &mut Person {
        self.workers.get_mut(&sid).expect("changes name workers that are there")
    }

    fn learn_of_reservation(&mut self, change: &Change) {
        let (sid, to, at) = match change {
            Change::ReservationAccepted { reservation, at } => {
                (reservation, ReservationStatus::Accepted, at)
            }
            Change::ReservationRejected { reservation, at } => {
                (reservation, ReservationStatus::Rejected, at)
            }
            Change::ReservationTimedOut { reservation, at } => {
                (reservation, ReservationStatus::Timeout, at)
            }
            Change::ReservationCanceled { reservation, at } => {
                (reservation, ReservationStatus::Canceled, at)
            }
            Change::ReservationRescinded { reservation, at } => {
                (reservation, ReservationStatus::Rescinded, at)
            }
            Change::ReservationWrapped { reservation, at } => {
                (reservation, ReservationStatus::Wrapping, at)
            }
            Change::ReservationCompleted { reservation, at } => {
                (reservation, ReservationStatus::Completed, at)
            }
            _ => return,
        };
        let one = self.reservations.get_mut(sid).expect("changes name open reservations");
        let (was, task, worker) = (one.status, one.task, one.worker);
        one.status = to;
        if !to.is_open() {
            self.reservations.remove(sid);
            if was != ReservationStatus::Pending {
                self.person(worker).idle_since = *at;
            }
        }
        let Some(waiting) = self.tasks.get_mut(&task) else { return };
        match to {
            ReservationStatus::Accepted => {
                waiting.task.status = TaskStatus::Assigned;
                waiting.task.assigned_at = Some(*at);
            }
            ReservationStatus::Rejected | ReservationStatus::Canceled => {
                waiting.refused_by.push(worker);
            }
            _ => {}
        }
    }

    fn learn_of_task(&mut self, change: &Change) {
        match change {
            Change::TaskCreated(task) => {
                let attributes = parsed(task.attributes.text());
                let task = (**task).clone();
                let waiting = Waiting { task, attributes, refused_by: Vec::new() };
                self.tasks.insert(waiting.task.sid, waiting);
            }
            Change::TaskPlaced { task, queue, .. } => self.waiting(task).queue = *queue,
            Change::TargetEntered { task, walk, queue, priority, .. } => {
                let task = self.waiting(task);
                task.walk = Some(walk.clone());
                task.queue = Some(*queue);
                task.priority = *priority;
            }
            Change::TaskUpdated {
                task,
                attributes,
                priority,
                task_channel,
                virtual_start_at,
                ..
            } => {
                if let (Some(attributes), Some(waiting)) = (attributes, self.tasks.get_mut(task)) {
                    waiting.attributes = parsed(attributes.text());
                }
                let task = self.waiting(task);
                if let Some(attributes) = attributes {
                    task.attributes = attributes.clone();
                }
                task.priority = priority.unwrap_or(task.priority);
                task.task_channel = task_channel.unwrap_or(task.task_channel);
                task.virtual_start_at = virtual_start_at.unwrap_or(task.virtual_start_at);
            }
            Change::TaskOffered { task, reservations, at } => {
                let waiting = self.tasks.get_mut(task).expect("only known tasks are offered");
                waiting.task.status = TaskStatus::Reserved;
                waiting.refused_by.clear();
                let channel = waiting.task.task_channel;
                for one in reservations {
                    self.reservations.insert(one.sid, one.clone());
                    let person = self.person(one.worker);
                    person.idle_since = *at;
                    person.worked = true;
                    person.last_reserved.insert(channel, *at);
                }
            }
            Change::TaskRested { task, rest } => {
                self.waiting(task).rest = Some(Box::new(rest.clone()));
            }
            Change::TaskReturned { task, .. } => self.waiting(task).status = TaskStatus::Pending,
            Change::TransferInitiated { transfer, .. } => {
                let task = self.waiting(&transfer.task);
                task.status = TaskStatus::Pending;
                task.transfer = Some(transfer.clone());
                task.rest = None;
                if let TransferTarget::Queue(queue) = transfer.to {
                    task.queue = Some(queue);
                }
            }
            Change::TransferAttemptFailed { task, worker, .. } => {
                let transfer = self.waiting(task).transfer.as_mut();
                transfer.expect("a transfer is under way").passed_over.push(*worker);
            }
            Change::TransferEnded { task, task_status, queue, .. } => {
                let task = self.waiting(task);
                task.status = *task_status;
                task.queue = *queue;
                task.transfer = None;
            }
            Change::TaskWrapped { task, .. } => self.waiting(task).status = TaskStatus::Wrapping,
            Change::TaskCompleted { task, .. }
            | Change::TaskCanceled { task, .. }
            | Change::TaskDeleted { task, .. }
            | Change::TaskSystemDeleted { task, .. } => _ = self.tasks.remove(task),
            _ => {}
        }
    }

    fn waiting(&mut self, sid: &TaskSid) -> &mut Task {
        &mut self.tasks.get_mut(sid).expect("changes name live tasks").task
    }

    /// The offer that the reference's loop would make next.
    pub(crate) fn next_offer(&self, now: Timestamp) -> Option<(TaskSid, Vec<WorkerSid>)> {
        let mut pending: Vec<&Waiting> =
            self.tasks.values().filter(|one| one.task.status == TaskStatus::Pending).collect();
        pending.sort_by(|one, two| self.precedence(&one.task, &two.task));
        pending.iter().find_map(|waiting| {
            let chosen = self.eligible_in_order(waiting, now);
            (!chosen.is_empty()).then_some((waiting.task.sid, chosen))
        })
    }

    /// Whether a task is being handed over to one worker, who could be offered it now.
    pub(crate) fn is_for(&self, task: TaskSid, worker: WorkerSid, now: Timestamp) -> bool {
        let waiting = &self.tasks[&task];
        let to = waiting.task.transfer.as_ref().map(|transfer| transfer.to);
        to == Some(TransferTarget::Worker(worker))
            && self.eligible_in_order(waiting, now).contains(&worker)
    }

    fn precedence(&self, one: &Task, two: &Task) -> Ordering {
        let order = |task: &Task| {
            let queue = task.queue.and_then(|sid| self.queues.get(&sid));
            match self.breach(task) {
                Some(_) => TaskOrder::Fifo,
                None => queue.map_or(TaskOrder::Fifo, |queue| queue.task_order),
            }
        };
        let first = self.workspace.as_ref().map(|workspace| workspace.prioritize_queue_order);
        let late = |task: &Task| first != Some(order(task));
        let oldest = |task: &Task| match self.breach(task) {
            Some(at) => (Reverse(0), at, task.sid),
            None => (Reverse(task.priority), task.virtual_start_at, task.sid),
        };
        let within = match order(one) {
            TaskOrder::Fifo => oldest(one).cmp(&oldest(two)),
            TaskOrder::Lifo => {
                (two.virtual_start_at, two.sid).cmp(&(one.virtual_start_at, one.sid))
            }
        };
        late(one).cmp(&late(two)).then(within)
    }

    /// When a task's service level is over, in a queue that is ordered by that.
    fn breach(&self, task: &Task) -> Option<Timestamp> {
        let OrderingRule::Deadline { service_level_s, classes } =
            self.orderings.get(&task.queue?)?
        else {
            return None;
        };
        let value = &self.tasks[&task.sid].attributes;
        let scope = Scope { task: value, ..Scope::default() };
        let channel = &self.channels[&task.task_channel].unique_name;
        let class = classes.iter().find(|class| {
            class.priority_at_least.is_none_or(|least| task.priority >= least)
                && class.channels.as_ref().is_none_or(|all| all.contains(channel))
                && class
                    .expression
                    .as_ref()
                    .is_none_or(|text| self.holds(text, Place::Filter, &scope))
        });
        let seconds = class.map_or(*service_level_s, |class| class.service_level_s);
        Some(task.virtual_start_at + Millis::secs(seconds.into()))
    }

    fn eligible_in_order(&self, waiting: &Waiting, now: Timestamp) -> Vec<WorkerSid> {
        let task = &waiting.task;
        let target = self.target(task).filter(|_| task.transfer.is_none());
        let value = &waiting.attributes;
        let mut eligible: Vec<&Person> = self
            .workers
            .values()
            .filter(|person| !rests(task, person.worker.sid))
            .filter(|person| self.is_eligible(task, value, target, person, now))
            .collect();
        let channel = &self.channels[&task.task_channel];
        eligible.sort_by_key(|person| {
            let on_channel = person.last_reserved.get(&task.task_channel).copied();
            let optimized = channel.channel_optimized_routing;
            let on_channel = on_channel.filter(|_| optimized).unwrap_or(Timestamp(i64::MIN));
            (on_channel, person.idle_since, person.worker.sid)
        });
        if let Some(by) = target.and_then(|target| target["order_by"].as_str()) {
            eligible.sort_by(|one, two| by_clauses(by, one, two));
        }
        eligible.sort_by_key(|person| waiting.refused_by.contains(&person.worker.sid));
        let queue = task.queue.and_then(|sid| self.queues.get(&sid));
        eligible.truncate(queue.map_or(1, |queue| queue.max_reserved_workers as usize));
        eligible.into_iter().map(|person| person.worker.sid).collect()
    }

    fn target(&self, task: &Task) -> Option<&Value> {
        // Whoever took it ended the walk.
        let walk = task.walk.as_ref().filter(|_| task.assigned_at.is_none())?;
        let routing = &self.workflows[&(task.workflow?, walk.revision)]["task_routing"];
        Some(match walk.filter {
            Some(filter) => &routing["filters"][filter as usize]["targets"][walk.target as usize],
            None => &routing["default_filter"],
        })
    }

    fn is_eligible(
        &self,
        task: &Task,
        value: &Value,
        target: Option<&Value>,
        person: &Person,
        now: Timestamp,
    ) -> bool {
        let worker = &person.worker;
        let has_room = self.has_room(task, person);
        if let Some(transfer) = &task.transfer {
            return self.may_be_handed(transfer, person, has_room);
        }
        if let Some(direct) = task.routing_target.filter(|sid| sid.kind() == "WK") {
            return direct == worker.sid.sid() && (task.ignore_capacity || has_room);
        }
        let Some(queue) = task.queue.and_then(|sid| self.queues.get(&sid)) else { return false };
        let attributes = &person.attributes;
        let schedules = &self.schedules.1;
        let scope = Scope { worker: attributes, now, schedules, ..Scope::default() };
        let is_member = self.holds(&queue.target_workers, Place::Queue, &scope);
        let facts = FactsOf { oracle: self, person };
        let scope = Scope { task: value, worker: attributes, facts: &facts, now, ..scope };
        let expression = target.and_then(|target| target["expression"].as_str());
        let fits = expression.is_none_or(|text| self.holds(text, Place::Target, &scope));
        has_room && is_member && fits && is_known(target, value, worker)
    }

    fn may_be_handed(&self, transfer: &Transfer, person: &Person, has_room: bool) -> bool {
        let holds_it = self.reservations.values().any(|one| {
            one.task == transfer.task && one.worker == person.worker.sid && one.status.is_open()
        });
        let refused_it = transfer.passed_over.contains(&person.worker.sid);
        let is_meant = match transfer.to {
            TransferTarget::Worker(worker) => worker == person.worker.sid,
            TransferTarget::Queue(queue) => {
                let scope = Scope { worker: &person.attributes, ..Scope::default() };
                self.holds(&self.queues[&queue].target_workers, Place::Queue, &scope)
            }
        };
        has_room && is_meant && !holds_it && !refused_it
    }

    /// An empty text holds for nobody.
    fn holds(&self, text: &str, place: Place, scope: &Scope<'_>) -> bool {
        let mut compiled = self.compiled.borrow_mut();
        let key = (place, text.to_owned());
        let compiled = compiled.entry(key).or_insert_with(|| Expression::compile(text, place).ok());
        compiled.as_ref().is_some_and(|expression| expression.evaluate(scope))
    }

    fn has_room(&self, task: &Task, person: &Person) -> bool {
        let available = self.activities[&person.worker.activity].available;
        let of_worker = self.reservations.values().filter(|one| one.worker == person.worker.sid);
        let multi = self.workspace.as_ref().is_some_and(|workspace| workspace.multi_task_enabled);
        let (capacity, open) = self.share(person, task.task_channel);
        let room = match multi {
            true => {
                let after = Some(task.task_channel);
                self.used(person, task.task_channel) < capacity
                    && self.broken(person, after).is_none()
            }
            false => of_worker.count() == 0,
        };
        available && open && room
    }

    /// The first rule that a worker's load breaks, with one more on a channel: of those that
    /// have a say about that channel. Without a channel, of all.
    fn broken(&self, person: &Person, more: Option<TaskChannelSid>) -> Option<&str> {
        let name = |sid: TaskChannelSid| self.channels[&sid].unique_name.as_str();
        let count = |channel: &String| {
            let of = self.channels.values().find(|one| one.unique_name == *channel);
            let sid = of.expect("rules name channels that are there").sid;
            self.used(person, sid) + u32::from(more == Some(sid))
        };
        let is_broken = |rule: &&CapacityRule| {
            let about = rule.workers.as_ref().is_none_or(|text| {
                let scope = Scope { worker: &person.attributes, ..Scope::default() };
                self.holds(text, Place::Queue, &scope)
            });
            let applies = rule
                .condition
                .as_ref()
                .is_none_or(|one| one.channels.iter().map(count).sum::<u32>() >= one.at_least);
            let weight = |channel: &String| rule.weights.get(channel).copied().unwrap_or(1);
            let load: u32 = rule.channels.iter().map(|one| count(one) * weight(one)).sum();
            let has_a_say = more.is_none_or(|more| match &rule.blocks {
                Some(blocks) => blocks.iter().any(|one| one == name(more)),
                None => {
                    let is = |one: &&String| **one == name(more);
                    rule.channels.iter().any(|one| is(&one) && weight(one) > 0)
                        || rule.condition.iter().flat_map(|one| &one.channels).any(|one| is(&one))
                }
            });
            about && has_a_say && applies && load > rule.limit
        };
        self.rules.iter().find(is_broken).map(|rule| rule.name.as_str())
    }

    fn share(&self, person: &Person, channel: TaskChannelSid) -> (u32, bool) {
        person.shares.get(&channel).copied().unwrap_or((1, true))
    }

    fn on_channel<'a>(
        &'a self,
        person: &'a Person,
        channel: TaskChannelSid,
    ) -> impl Iterator<Item = &'a Reservation> {
        self.reservations.values().filter(move |one| {
            one.worker == person.worker.sid && self.tasks[&one.task].task.task_channel == channel
        })
    }

    fn used(&self, person: &Person, channel: TaskChannelSid) -> u32 {
        self.on_channel(person, channel).count() as u32
    }
}

/// Whether the task keeps away from the worker for now.
fn rests(task: &Task, worker: WorkerSid) -> bool {
    let from = task.rest.as_ref().and_then(|rest| rest.from.as_ref());
    from.is_some_and(|from| from.includes(worker))
}

fn is_known(target: Option<&Value>, task: &Value, worker: &Worker) -> bool {
    let Some(target) = target else { return true };
    let named = |key: &str| {
        let path = target[key].as_str()?.trim_start_matches("task.");
        Some(task[path].as_str().unwrap_or_default().to_owned())
    };
    named("known_worker_sid").is_none_or(|sid| sid == worker.sid.to_string())
        && named("known_worker_friendly_name").is_none_or(|name| name == worker.friendly_name)
}

fn by_clauses(by: &str, one: &Person, two: &Person) -> Ordering {
    let values = [one, two].map(|person| &person.attributes);
    for clause in by.split(',') {
        let mut words = clause.split_whitespace();
        let key = words.next().unwrap_or_default().trim_start_matches("worker.");
        let descends = words.next() == Some("DESC");
        let order = match [values[0][key].as_i64(), values[1][key].as_i64()] {
            [Some(one), Some(two)] if descends => two.cmp(&one),
            [Some(one), Some(two)] => one.cmp(&two),
            [Some(_), None] => Ordering::Less,
            [None, Some(_)] => Ordering::Greater,
            [None, None] => Ordering::Equal,
        };
        if order.is_ne() {
            return order;
        }
    }
    Ordering::Equal
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).expect("accepted attributes are JSON")
}

struct FactsOf<'a> {
    oracle: &'a Oracle,
    person: &'a Person,
}

impl WorkerFacts for FactsOf<'_> {
    fn fact(&self, field: &WorkerField) -> Fact<'_> {
        let worker = &self.person.worker;
        let sid = |sid: Sid| Fact::Sid(sid);
        match field {
            WorkerField::Sid => sid(worker.sid.sid()),
            WorkerField::FriendlyName => Fact::Text(&worker.friendly_name),
            WorkerField::ActivitySid => sid(worker.activity.sid()),
            WorkerField::ActivityName => {
                Fact::Text(&self.oracle.activities[&worker.activity].friendly_name)
            }
            WorkerField::AssignedTasks => {
                let all = self.oracle.reservations.values();
                let mine = all.filter(|one| one.worker == worker.sid);
                let taken = mine.filter(|one| one.status == ReservationStatus::Accepted);
                Fact::Number(taken.count() as i64)
            }
            WorkerField::Channel { name, what } => {
                let named = |one: &&TaskChannel| one.unique_name == **name;
                let Some(channel) = self.oracle.channels.values().find(named) else {
                    return Fact::Null;
                };
                let (capacity, _) = self.oracle.share(self.person, channel.sid);
                let used = self.oracle.used(self.person, channel.sid);
                let taken = self.oracle.on_channel(self.person, channel.sid);
                let taken = taken.filter(|one| one.status == ReservationStatus::Accepted);
                Fact::Number(match what {
                    ChannelField::ConfiguredCapacity => capacity.into(),
                    ChannelField::AssignedTasks => taken.count() as i64,
                    ChannelField::AvailableCapacityPercentage => {
                        let free = i64::from(capacity.saturating_sub(used));
                        (free * 100).checked_div(capacity.into()).unwrap_or(0)
                    }
                })
            }
        }
    }
}
