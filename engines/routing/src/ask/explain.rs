//! One look at a task, from the conditions that matching uses.
//!
//! * Bounded: the workers of the page are judged one by one, all others are counted as bits.

use crate::{
    apply::line_of,
    deadlines::is_readable,
    explain::{Basis, KnownSeen, Look, RuleSeen, RulesShown, Seen, Sight, WorkerSeen},
    facts::member_counts,
    limits::{EXPLAINED_LOOKS_MAX, EXPLAINED_WORKERS_MAX},
    matching::{BitSet, Known, Obstacle, Who, at_worker, idle_key},
    model::*,
    rejection::Rejection,
    state::{Routing, WorkerState},
    workflow::{Configuration, OrderBy},
};
use base::Timestamp;
use serde_json::Value;
use std::{collections::BTreeMap, sync::Arc};

/// A task with everything its verdicts need.
pub(crate) struct Case<'a> {
    pub(crate) task: &'a Task,
    who: Option<Who>,
    order_by: Option<Arc<OrderBy>>,
    channel: Option<usize>,
    now: Timestamp,
}

/// Everybody who is not shown: how many each condition rules out, and who might be a candidate.
#[derive(Default)]
struct Rest {
    counts: BTreeMap<Obstacle, usize>,
    candidates: Vec<u32>,
    unseen: usize,
}

impl Routing {
    pub(crate) fn look(&self, look: &Look, now: Timestamp) -> Result<Sight, Rejection> {
        let known =
            self.task(look.task).filter(|task| task.ended_at.is_none_or(|at| is_readable(at, now)));
        let case = self.case(known.ok_or(Rejection::Unknown(look.task.sid()))?, now);
        let (page, next) = self.page(look)?;
        let rest = match case.task.status {
            TaskStatus::Pending => self.rest(&case),
            _ => Rest::default(),
        };
        let refused = self.refused(look.task, now);
        let ordered = self.in_order(&case, rest.candidates, &refused);
        let shown = ordered.len().min(EXPLAINED_WORKERS_MAX);
        let queue = case.task.queue.and_then(|sid| self.queues.get(&sid));
        let most = match &case.who {
            Some(Who::Direct { ignore_capacity: true, .. }) => usize::MAX,
            _ => queue.map_or(1, |state| state.queue.max_reserved_workers as usize),
        };
        let channel = self.channels.get(case.task.task_channel);
        let seen = Seen {
            task: case.task.clone(),
            at: now,
            basis: Basis::Now,
            change: None,
            configuration: self.configuration_of(case.task).cloned(),
            queue: queue.map(|state| state.queue.clone()),
            queue_expression: queue.and_then(|state| state.expression.clone()),
            channels: (0..self.channels.slots())
                .map(|slot| self.channels.at(slot).map(|channel| channel.unique_name.clone()))
                .collect(),
            channel: case.channel,
            rules: RulesShown {
                multi_task_enabled: !self.is_single_tasking(),
                channel_optimized_routing: channel.is_some_and(|it| it.channel_optimized_routing),
                capacity: self.capacity.as_ref().map(|it| it.rules.clone()).unwrap_or_default(),
                schedules: self.schedules.all_open(),
            },
            calendars: self.schedules.calendars(),
            refused_by: refused,
            holders: self.holders(look.task),
            known: self.known_seen(&case),
            members: self.members_seen(&case),
            offer: ordered.iter().copied().take(most).collect(),
            candidates_left_out: ordered.len() - shown,
            candidates: ordered.into_iter().take(shown).collect(),
            total: self.workers.len(),
            counts: rest.counts,
            unseen: rest.unseen,
            is_one: look.worker.is_some(),
            workers: page.into_iter().map(|state| self.seen(&case, state)).collect(),
            next,
        };
        Ok(Sight(Box::new(seen)))
    }

    fn page(&self, look: &Look) -> Result<(Vec<&WorkerState>, Option<WorkerSid>), Rejection> {
        if let Some(worker) = look.worker {
            let state = self.workers.get(worker).ok_or(Rejection::Unknown(worker.sid()))?;
            return Ok((vec![state], None));
        }
        let limit = look.limit.clamp(1, EXPLAINED_WORKERS_MAX);
        let mut behind = self.workers.after(look.after);
        let page: Vec<&WorkerState> = behind.by_ref().take(limit).collect();
        let last = page.last().map(|state| state.worker.sid);
        Ok((page, behind.next().and(last)))
    }

    /// What a task asks, for tasks that may no longer wait.
    pub(crate) fn case<'a>(&'a self, task: &'a Task, now: Timestamp) -> Case<'a> {
        let value: Value = serde_json::from_str(task.attributes.text()).unwrap_or_default();
        let asked = line_of(&self.workflows, &self.queues, &self.channels, task, &value);
        let (who, order_by) = asked.map(|asked| (asked.key.who, asked.order_by)).unzip();
        let channel = self.channels.slot(task.task_channel);
        Case { task, who, order_by: order_by.flatten(), channel, now }
    }

    fn configuration_of(&self, task: &Task) -> Option<&Arc<Configuration>> {
        self.workflows.get(&task.workflow?)?.revision(task.current_walk()?.revision)
    }

    /// The first condition that rules a worker out; `None` for a candidate.
    pub(crate) fn obstacle(&self, case: &Case<'_>, state: &WorkerState) -> Option<Obstacle> {
        let who = case.who.as_ref()?;
        let resting = case.task.rest.as_ref().and_then(|rest| rest.from.as_ref());
        let rests = resting.is_some_and(|resting| resting.includes(state.worker.sid));
        let (single, rules) = (self.is_single_tasking(), self.channels.rules());
        let at_worker = at_worker(state, case.channel?, single, rules);
        if let Who::Direct { ignore_capacity, .. } = who {
            return match who.names(&state.worker) {
                false => Some(Obstacle::NotTheRoutingTarget),
                true if rests => Some(Obstacle::Resting),
                true => at_worker.filter(|_| !ignore_capacity),
            };
        }
        let queue = case.task.queue.and_then(|sid| self.queues.get(&sid));
        if at_worker == Some(Obstacle::ActivityUnavailable) {
            at_worker
        } else if !queue.is_some_and(|queue| queue.members.contains(state.slot)) {
            Some(Obstacle::NotInQueue)
        } else if !self.holds(case, state) {
            Some(Obstacle::TargetExpression)
        } else if !who.names(&state.worker) {
            match who {
                Who::Transfer(_) => Some(Obstacle::PassedOver),
                _ => Some(Obstacle::NotTheKnownWorker),
            }
        } else if rests {
            Some(Obstacle::Resting)
        } else {
            at_worker
        }
    }

    fn holds(&self, case: &Case<'_>, state: &WorkerState) -> bool {
        let bound = case.who.as_ref().and_then(Who::bound);
        bound.is_none_or(|bound| {
            bound.evaluate(&state.value, &self.facts(state), case.now, &self.schedules)
        })
    }

    /// Counts everybody of a waiting task's workspace.
    fn rest(&self, case: &Case<'_>) -> Rest {
        let mut rest = Rest::default();
        match &case.who {
            Some(Who::Direct { worker, .. }) => {
                self.judge(case, self.workers.slot(*worker), &mut rest);
                let others = self.workers.len() - usize::from(self.workers.slot(*worker).is_some());
                rest.count(Obstacle::NotTheRoutingTarget, others);
            }
            Some(Who::Known(known, _)) => self.known_rest(case, known, &mut rest),
            Some(Who::Members(_)) => self.members_rest(case, &mut rest),
            Some(Who::Transfer(_)) => self.transfer_rest(case, &mut rest),
            None => {}
        }
        rest
    }

    /// One worker can be a candidate; of the others only the number matters. Those the target's
    /// expression rules out are not told from those it would not.
    fn known_rest(&self, case: &Case<'_>, known: &Known, rest: &mut Rest) {
        let slot = self.slot_of_known(known);
        self.judge(case, slot, rest);
        let Some(queue) = case.task.queue.and_then(|sid| self.queues.get(&sid)) else { return };
        let others =
            |set: &BitSet| set.count() - usize::from(slot.is_some_and(|it| set.contains(it)));
        let available = self.matching.available();
        let mut able = available.clone();
        able.intersect(&queue.members);
        rest.count(
            Obstacle::ActivityUnavailable,
            others(self.matching.everybody()) - others(available),
        );
        rest.count(Obstacle::NotInQueue, others(available) - others(&able));
        rest.count(Obstacle::NotTheKnownWorker, others(&able));
    }

    fn slot_of_known(&self, known: &Known) -> Option<u32> {
        match known {
            Known::Sid(sid) => self.workers.slot(*sid),
            Known::FriendlyName(name) => self.workers.slot_named(name),
            Known::Nobody => None,
        }
    }

    fn known_seen(&self, case: &Case<'_>) -> Option<KnownSeen> {
        let Some(Who::Known(known, _)) = &case.who else { return None };
        let queue = case.task.queue.and_then(|sid| self.queues.get(&sid));
        Some(match self.slot_of_known(known) {
            None => KnownSeen::Nobody,
            Some(slot) if queue.is_some_and(|queue| queue.members.contains(slot)) => {
                KnownSeen::Member
            }
            Some(_) => KnownSeen::Outside,
        })
    }

    fn members_rest(&self, case: &Case<'_>, rest: &mut Rest) {
        let (Some(channel), Some(state)) = (case.channel, self.tasks.get(case.task.sid)) else {
            return;
        };
        let queue = case.task.queue.and_then(|sid| self.queues.get(&sid));
        let (Some(queue), Some(line)) = (queue, state.line) else { return };
        let is_done = self.matching.is_done(line);
        let line = self.matching.line(line);
        let available = self.matching.available();
        let mut able = available.clone();
        able.intersect(&queue.members);
        let mut members = able.clone();
        members.intersect(&line.members);
        let (everybody, all, in_queue) = (self.workers.len(), available.count(), able.count());
        rest.count(Obstacle::ActivityUnavailable, everybody - all);
        rest.count(Obstacle::NotInQueue, all - in_queue);
        if line.is_stale
            || !is_done
            || case.task.rest.as_ref().is_some_and(|rest| rest.from.is_some())
        {
            return self.judge_all(case, &able, rest);
        }
        rest.count(Obstacle::TargetExpression, in_queue - members.count());
        if line.is_volatile || self.capacity.is_some() || !self.matching.is_prepared() {
            return self.judge_all(case, &members, rest);
        }
        let closed = members.both(self.matching.closed(channel)).count();
        let mut ready = members.clone();
        ready.intersect(self.matching.ready(channel));
        let full = match self.is_single_tasking() {
            true => Obstacle::Busy,
            false => Obstacle::NoCapacity,
        };
        rest.count(Obstacle::ChannelUnavailable, closed);
        rest.count(full, members.count() - closed - ready.count());
        self.judge_all(case, &ready, rest);
    }

    /// Whoever is in the queue is a candidate, but for those who hold the task or refused it.
    fn transfer_rest(&self, case: &Case<'_>, rest: &mut Rest) {
        let Some(queue) = case.task.queue.and_then(|sid| self.queues.get(&sid)) else { return };
        let available = self.matching.available();
        let mut able = available.clone();
        able.intersect(&queue.members);
        rest.count(Obstacle::ActivityUnavailable, self.workers.len() - available.count());
        rest.count(Obstacle::NotInQueue, available.count() - able.count());
        self.judge_all(case, &able, rest);
    }

    /// Judges workers one by one, up to the bound.
    fn judge_all(&self, case: &Case<'_>, slots: &BitSet, rest: &mut Rest) {
        let mut slots = slots.iter();
        for slot in slots.by_ref().take(EXPLAINED_LOOKS_MAX) {
            self.judge(case, Some(slot), rest);
        }
        rest.unseen += slots.count();
    }

    fn judge(&self, case: &Case<'_>, slot: Option<u32>, rest: &mut Rest) {
        let Some(slot) = slot else { return };
        match self.obstacle(case, self.workers.at(slot)) {
            Some(obstacle) => rest.count(obstacle, 1),
            None => rest.candidates.push(slot),
        }
    }

    fn in_order(
        &self,
        case: &Case<'_>,
        candidates: Vec<u32>,
        refused: &[WorkerSid],
    ) -> Vec<WorkerSid> {
        let Some(channel) = case.channel else { return Vec::new() };
        let optimized =
            self.channels.at(channel).is_some_and(|channel| channel.channel_optimized_routing);
        let mut candidates: Vec<&WorkerState> =
            candidates.into_iter().map(|slot| self.workers.at(slot)).collect();
        candidates.sort_by_key(|state| idle_key(state, channel, optimized));
        if let Some(by) = &case.order_by {
            candidates.sort_by_cached_key(|one| by.preferred(&one.value));
        }
        candidates.sort_by_key(|state| refused.contains(&state.worker.sid));
        candidates.into_iter().map(|state| state.worker.sid).collect()
    }

    fn seen(&self, case: &Case<'_>, state: &WorkerState) -> WorkerSeen {
        let activity = self.activities.get(&state.worker.activity);
        let obstacle = match case.task.status {
            TaskStatus::Pending => self.obstacle(case, state),
            _ => None,
        };
        WorkerSeen {
            sid: state.worker.sid,
            name: state.worker.friendly_name.clone(),
            attributes: state.worker.attributes.clone(),
            activity: state.worker.activity,
            activity_name: activity
                .map(|state| state.activity.friendly_name.clone())
                .unwrap_or_default(),
            available: state.available,
            shares: state.channels.clone(),
            open: state.open.len(),
            idle_since: state.idle_since,
            withheld: obstacle
                .filter(|obstacle| *obstacle == Obstacle::CapacityRule)
                .and_then(|_| self.withheld(case, state)),
            obstacle,
        }
    }

    /// The rule that withholds the task from a worker, with what it counted.
    fn withheld(&self, case: &Case<'_>, state: &WorkerState) -> Option<RuleSeen> {
        let index = self.channels.rules().withheld_by(state, case.channel?)?;
        let rule = self.capacity.as_ref()?.rules.get(index)?.clone();
        Some(RuleSeen { rule, load: self.channels.rules().load(index, state) })
    }

    fn holders(&self, task: TaskSid) -> Vec<String> {
        let open = self.tasks.get(task).map(|state| state.open.as_slice()).unwrap_or_default();
        // Whoever hands a reserved task over holds it too, and so does whoever did before.
        let status = self.tasks.get(task).map(|state| state.task.status);
        let counts = |one: &&Reservation| match status {
            Some(TaskStatus::Reserved) => one.status == ReservationStatus::Pending,
            Some(TaskStatus::Assigned) => one.status == ReservationStatus::Accepted,
            _ => true,
        };
        let workers = open.iter().filter_map(|sid| {
            let worker = self.reservations.get(*sid).filter(counts)?.worker;
            Some(self.workers.get(worker)?.worker.friendly_name.clone())
        });
        workers.collect()
    }

    /// What `skip_if` would see, if the target has one.
    fn members_seen(&self, case: &Case<'_>) -> Option<MemberCounts> {
        let walk = case.task.current_walk()?;
        let target = self.configuration_of(case.task)?.target(walk.filter, walk.target)?;
        target.skip_if.as_ref()?;
        let queue = self.queues.get(&case.task.queue?)?;
        if queue.members.count() <= EXPLAINED_LOOKS_MAX {
            return Some(member_counts(&self.counts(queue.queue.sid)));
        }
        let available = queue.members.both(self.matching.available()).count();
        Some(MemberCounts {
            available: available as i64,
            unavailable: (queue.members.count() - available) as i64,
            by_activity: Vec::new(),
        })
    }
}

impl Rest {
    fn count(&mut self, obstacle: Obstacle, count: usize) {
        if count > 0 {
            *self.counts.entry(obstacle).or_default() += count;
        }
    }
}
