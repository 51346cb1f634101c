//! Why a task is where it is, from the conditions that matching uses.

use crate::{
    apply::line_of,
    deadlines::is_readable,
    explain::{Explanation, FilterTried, Reason, TargetHeld, Verdict},
    matching::{Obstacle, Who, at_worker, idle_key},
    model::*,
    rejection::Rejection,
    state::{Routing, WorkerState},
    workflow::{Configuration, OrderBy},
};
use base::Timestamp;
use expr::{Expression, NoSchedules, Scope};
use serde_json::Value;
use std::{collections::BTreeMap, sync::Arc};

/// A task with everything its verdicts need.
pub(crate) struct Case<'a> {
    pub(crate) task: &'a Task,
    value: Value,
    who: Option<Who>,
    order_by: Option<Arc<OrderBy>>,
    expression: Option<&'a Expression>,
    now: Timestamp,
}

impl Routing {
    pub(super) fn explain(
        &self,
        sid: TaskSid,
        worker: Option<WorkerSid>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Explanation, Rejection> {
        let known =
            self.task(sid).filter(|task| task.ended_at.is_none_or(|at| is_readable(at, now)));
        let case = self.case(known.ok_or(Rejection::Unknown(sid.sid()))?, now);
        let asked = match worker {
            Some(worker) => {
                vec![self.workers.get(worker).ok_or(Rejection::Unknown(worker.sid()))?]
            }
            None => self.workers.sorted(),
        };
        let is_pending = case.task.status == TaskStatus::Pending;
        let judged: Vec<(&WorkerState, Option<Obstacle>)> = match is_pending {
            true => asked.iter().map(|state| (*state, self.obstacle(&case, state))).collect(),
            false => Vec::new(),
        };
        let candidates = self.in_order(&case, &judged);
        let verdicts: Vec<Verdict> = match (is_pending, worker) {
            (true, _) => {
                let passed_over =
                    judged.iter().filter(|(_, obstacle)| worker.is_some() || obstacle.is_some());
                let shown = passed_over.take(limit.max(1));
                shown.map(|(state, obstacle)| self.verdict(&case, state, *obstacle)).collect()
            }
            (false, Some(_)) => asked.iter().map(|state| not_pending(case.task, state)).collect(),
            (false, None) => Vec::new(),
        };
        let passed_over = judged.iter().filter(|(_, obstacle)| obstacle.is_some()).count();
        Ok(Explanation {
            task_sid: sid,
            assignment_status: case.task.status,
            at: now,
            task_queue_sid: case.task.queue,
            summary: self.summary(&case, &judged, &candidates),
            filters: self.filters(&case),
            target: self.target(&case),
            verdicts_left_out: match worker {
                Some(_) => 0,
                None => passed_over.saturating_sub(verdicts.len()),
            },
            candidates,
            verdicts,
        })
    }

    /// What a task asks, for tasks that may no longer wait.
    pub(crate) fn case<'a>(&'a self, task: &'a Task, now: Timestamp) -> Case<'a> {
        let value = serde_json::from_str(task.attributes.text()).unwrap_or_default();
        let asked = line_of(&self.workflows, &self.queues, &self.channels, task, &value);
        let (who, order_by) = asked.map(|asked| (asked.key.who, asked.order_by)).unzip();
        let expression = self.configuration_of(task).and_then(|(configuration, walk)| {
            configuration.target(walk.filter, walk.target)?.expression.as_ref()
        });
        Case { task, value, who, order_by: order_by.flatten(), expression, now }
    }

    fn configuration_of<'a>(&'a self, task: &'a Task) -> Option<(&'a Configuration, &'a Walk)> {
        let walk = task.walk.as_ref()?;
        let configuration = self.workflows.get(&task.workflow?)?.revision(walk.revision)?;
        Some((configuration, walk))
    }

    /// The first condition that rules a worker out; `None` for a candidate.
    pub(crate) fn obstacle(&self, case: &Case<'_>, state: &WorkerState) -> Option<Obstacle> {
        let who = case.who.as_ref()?;
        let channel = self.channels.slot(case.task.task_channel)?;
        let resting = case.task.rest.as_ref().and_then(|rest| rest.from.as_ref());
        let rests = resting.is_some_and(|resting| resting.includes(state.worker.sid));
        let at_worker = at_worker(state, channel, self.is_single_tasking(), self.channels.rules());
        if let Who::Direct { ignore_capacity, .. } = who {
            return match who.names(&state.worker) {
                false => Some(Obstacle::NotTheRoutingTarget),
                true if rests => Some(Obstacle::Resting),
                true => at_worker.filter(|_| !ignore_capacity),
            };
        }
        let queue = case.task.queue.and_then(|sid| self.queues.get(&sid));
        let facts = self.facts(state);
        if at_worker == Some(Obstacle::ActivityUnavailable) {
            at_worker
        } else if !queue.is_some_and(|queue| queue.members.contains(state.slot)) {
            Some(Obstacle::NotInQueue)
        } else if !who
            .bound()
            .is_none_or(|bound| bound.evaluate(&state.value, &facts, case.now, &NoSchedules))
        {
            Some(Obstacle::TargetExpression)
        } else if !who.names(&state.worker) {
            Some(Obstacle::NotTheKnownWorker)
        } else if rests {
            Some(Obstacle::Resting)
        } else {
            at_worker
        }
    }

    fn in_order(
        &self,
        case: &Case<'_>,
        judged: &[(&WorkerState, Option<Obstacle>)],
    ) -> Vec<WorkerSid> {
        let Some(channel) = self.channels.slot(case.task.task_channel) else { return Vec::new() };
        let optimized =
            self.channels.at(channel).is_some_and(|channel| channel.channel_optimized_routing);
        let mut candidates: Vec<&WorkerState> = judged
            .iter()
            .filter(|(_, obstacle)| obstacle.is_none())
            .map(|(state, _)| *state)
            .collect();
        candidates.sort_by_key(|state| idle_key(state, channel, optimized));
        if let Some(by) = &case.order_by {
            candidates.sort_by(|one, two| by.compare(&one.value, &two.value));
        }
        candidates.into_iter().map(|state| state.worker.sid).collect()
    }

    fn verdict(&self, case: &Case<'_>, state: &WorkerState, obstacle: Option<Obstacle>) -> Verdict {
        Verdict {
            worker_sid: state.worker.sid,
            worker_name: state.worker.friendly_name.clone(),
            reason: obstacle.map(|obstacle| self.reason(case, state, obstacle)),
        }
    }

    fn reason(&self, case: &Case<'_>, state: &WorkerState, obstacle: Obstacle) -> Reason {
        let channel = self.channels.get(case.task.task_channel);
        let name = || channel.map(|channel| channel.unique_name.clone()).unwrap_or_default();
        match obstacle {
            Obstacle::NotTheRoutingTarget => Reason::NotTheRoutingTarget,
            Obstacle::NotTheKnownWorker => Reason::NotTheKnownWorker,
            Obstacle::Busy => Reason::Busy,
            Obstacle::Resting => Reason::CallbackFailed {
                until: case.task.rest.as_ref().map_or(case.now, |rest| rest.until),
            },
            Obstacle::ActivityUnavailable => Reason::ActivityUnavailable {
                activity_sid: state.worker.activity,
                activity_name: self.activity_name(state),
            },
            Obstacle::NotInQueue => {
                let queue = case.task.queue.and_then(|sid| self.queues.get(&sid));
                let expression = queue.and_then(|queue| queue.expression.as_ref());
                Reason::NotInQueue { trace: self.trace(expression, case, state) }
            }
            Obstacle::TargetExpression => {
                Reason::TargetExpression { trace: self.trace(case.expression, case, state) }
            }
            Obstacle::ChannelUnavailable => Reason::ChannelUnavailable { channel: name() },
            Obstacle::NoCapacity => {
                let slot = self.channels.slot(case.task.task_channel);
                let share = slot.and_then(|slot| state.channels.get(slot));
                Reason::NoCapacity {
                    channel: name(),
                    configured_capacity: share.map_or(0, |share| share.capacity),
                    open_reservations: share.map_or(0, |share| share.open),
                }
            }
            Obstacle::CapacityRule => self.capacity_rule(case, state),
        }
    }

    /// The rule that withholds the task, with what it counted.
    fn capacity_rule(&self, case: &Case<'_>, state: &WorkerState) -> Reason {
        let channel = self.channels.slot(case.task.task_channel);
        let found = channel.and_then(|slot| self.channels.rules().withheld_by(state, slot));
        let rule = found.and_then(|index| self.capacity.as_ref()?.rules.get(index));
        let open = |name: &str| {
            let slot = self.channels.slot(self.channels.named(name)?.sid)?;
            Some((name.to_owned(), state.channels.get(slot)?.open))
        };
        Reason::CapacityRule {
            rule: rule.map(|rule| rule.name.clone()).unwrap_or_default(),
            limit: rule.map_or(0, |rule| rule.limit),
            load: found.map_or(0, |index| self.channels.rules().load(index, state)),
            open_reservations: rule.iter().flat_map(|rule| rule.named()).filter_map(open).collect(),
        }
    }

    fn activity_name(&self, state: &WorkerState) -> String {
        let activity = self.activities.get(&state.worker.activity);
        activity.map(|state| state.activity.friendly_name.clone()).unwrap_or_default()
    }

    fn trace(
        &self,
        expression: Option<&Expression>,
        case: &Case<'_>,
        state: &WorkerState,
    ) -> Value {
        let Some(expression) = expression else { return Value::Null };
        let facts = self.facts(state);
        let scope = Scope {
            task: &case.value,
            worker: &state.value,
            facts: &facts,
            now: case.now,
            ..Scope::default()
        };
        serde_json::to_value(expression.trace(&scope)).unwrap_or_default()
    }

    fn filters(&self, case: &Case<'_>) -> Vec<FilterTried> {
        let Some((configuration, walk)) = self.configuration_of(case.task) else {
            return Vec::new();
        };
        let scope = Scope { task: &case.value, now: case.now, ..Scope::default() };
        let tried = walk.filter.map_or(configuration.filters.len(), |filter| filter as usize + 1);
        let filters = configuration.filters.iter().take(tried).enumerate();
        let mut filters: Vec<FilterTried> = filters
            .map(|(index, filter)| FilterTried {
                index: Some(index as u32),
                name: filter.name.clone(),
                matched: filter.expression.evaluate(&scope),
                trace: serde_json::to_value(filter.expression.trace(&scope)).ok(),
            })
            .collect();
        if walk.filter.is_none() {
            filters.push(FilterTried { index: None, name: None, matched: true, trace: None });
        }
        filters
    }

    fn target(&self, case: &Case<'_>) -> Option<TargetHeld> {
        let walk = case.task.walk.as_ref()?;
        Some(TargetHeld {
            index: walk.target,
            expression: case.expression.map(|expression| expression.source().to_owned()),
            deadline: walk.deadline,
        })
    }

    fn summary(
        &self,
        case: &Case<'_>,
        judged: &[(&WorkerState, Option<Obstacle>)],
        candidates: &[WorkerSid],
    ) -> String {
        let task = case.task;
        match task.status {
            TaskStatus::Pending => self.why_waiting(case, judged, candidates.len()),
            TaskStatus::Reserved => {
                let names = self.names_on(task.sid);
                format!("The task is offered to {names}, who can accept it.")
            }
            TaskStatus::Assigned => format!("{} accepted the task.", self.names_on(task.sid)),
            TaskStatus::Wrapping => {
                format!("{} is in after-work on the task.", self.names_on(task.sid))
            }
            TaskStatus::Completed | TaskStatus::Canceled => {
                let reason = task.reason.as_deref().unwrap_or("no reason was given");
                format!("The task was {}: {reason}.", task.status)
            }
        }
    }

    fn names_on(&self, task: TaskSid) -> String {
        let open = self.tasks.get(task).map(|state| state.open.as_slice()).unwrap_or_default();
        let workers = open.iter().filter_map(|sid| {
            let worker = self.reservations.get(*sid)?.worker;
            Some(self.workers.get(worker)?.worker.friendly_name.clone())
        });
        listed(&workers.collect::<Vec<_>>())
    }

    fn why_waiting(
        &self,
        case: &Case<'_>,
        judged: &[(&WorkerState, Option<Obstacle>)],
        candidates: usize,
    ) -> String {
        let queue = case.task.queue.and_then(|sid| self.queues.get(&sid));
        let place = match queue {
            Some(state) => format!("The task waits in task queue '{}'", state.queue.friendly_name),
            None => "The task waits for the worker it is routed to".to_owned(),
        };
        if judged.is_empty() {
            return format!("{place}: there are no workers.");
        }
        if candidates > 0 {
            return format!("{place}: {candidates} of {} workers could take it.", judged.len());
        }
        let mut counts: BTreeMap<Obstacle, usize> = BTreeMap::new();
        for obstacle in judged.iter().filter_map(|(_, obstacle)| *obstacle) {
            *counts.entry(obstacle).or_default() += 1;
        }
        let reasons: Vec<String> =
            counts.iter().map(|(obstacle, count)| said(*obstacle, *count)).collect();
        let workers = if judged.len() == 1 { "worker" } else { "workers" };
        format!("{place}: of {} {workers}, {}.", judged.len(), listed(&reasons))
    }
}

fn not_pending(task: &Task, state: &WorkerState) -> Verdict {
    Verdict {
        worker_sid: state.worker.sid,
        worker_name: state.worker.friendly_name.clone(),
        reason: Some(Reason::TaskNotPending { assignment_status: task.status }),
    }
}

fn said(obstacle: Obstacle, count: usize) -> String {
    let (one, many) = match obstacle {
        Obstacle::NotTheRoutingTarget => {
            ("is not the one it is routed to", "are not the one it is routed to")
        }
        Obstacle::ActivityUnavailable => ("is not available", "are not available"),
        Obstacle::NotInQueue => ("is not in the queue", "are not in the queue"),
        Obstacle::TargetExpression => {
            ("does not match the target's expression", "do not match the target's expression")
        }
        Obstacle::NotTheKnownWorker => ("is not the known worker", "are not the known worker"),
        Obstacle::ChannelUnavailable => ("has the channel closed", "have the channel closed"),
        Obstacle::NoCapacity => ("has no capacity left", "have no capacity left"),
        Obstacle::CapacityRule => {
            ("is held back by a capacity rule", "are held back by a capacity rule")
        }
        Obstacle::Busy => ("is busy", "are busy"),
        Obstacle::Resting => (
            "rests from the task because its callbacks failed",
            "rest from the task because its callbacks failed",
        ),
    };
    format!("{count} {}", if count == 1 { one } else { many })
}

/// "a", "a and b", "a, b and c".
fn listed(parts: &[String]) -> String {
    match parts {
        [] => "nobody".to_owned(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}
