//! What other rules would change: worked out beside the rules in force, touching nothing.
//!
//! Costs one look at each worker and a few set operations for each line with waiting tasks.

use super::{CapacityRule, CapacityTrial, Listed, Matrix, WorkerOver, warnings};
use crate::{
    limits::TRIAL_LISTED_MAX,
    matching::{BitSet, at_worker},
    model::*,
    state::Routing,
};
use base::Timestamp;

/// By channel slot: workers whom only rules keep from being offered work.
struct Held {
    /// The rules tried would keep them from it.
    blocked: Vec<BitSet>,
    /// The rules in force do, those tried would not.
    freed: Vec<BitSet>,
}

impl Routing {
    pub(crate) fn try_capacity(&self, rules: Vec<CapacityRule>, now: Timestamp) -> CapacityTrial {
        let slot = |name: &str| self.channels.slot(self.channels.named(name)?.sid);
        let tried = Matrix::compile(&rules, slot);
        let held = self.held(&tried);
        let (mut blocked, mut unblocked) = (Vec::new(), Vec::new());
        for line in self.matching.has_lines() {
            let channel = self.matching.line(line).key.channel;
            let state = self.matching.line(line);
            if state.waiting.is_empty() || state.ignores_capacity() {
                continue;
            }
            let fits = |workers: &BitSet| {
                state.members.both(workers).any(|slot| self.may_take(line, slot, now))
            };
            let tasks = state.waiting.iter().map(|place| place.task(state.order));
            if fits(&held.freed[channel]) {
                unblocked.extend(tasks);
            } else if fits(&held.blocked[channel]) {
                blocked.extend(tasks);
            }
        }
        CapacityTrial {
            warnings: warnings(&rules),
            workers_over: self.workers_over(&rules, &tried),
            rules,
            tasks_blocked: listed(blocked),
            tasks_unblocked: listed(unblocked),
        }
    }

    /// Whether a member of a line passes what is not part of membership.
    fn may_take(&self, line: u32, slot: u32, now: Timestamp) -> bool {
        let line = self.matching.line(line);
        let Some(bound) = line.key.who.bound().filter(|_| line.is_volatile) else { return true };
        let state = self.workers.at(slot);
        bound.evaluate(&state.value, &self.facts(state), now, &self.schedules)
    }

    fn held(&self, tried: &Matrix) -> Held {
        let none = || vec![BitSet::default(); self.channels.slots()];
        let mut held = Held { blocked: none(), freed: none() };
        if self.is_single_tasking() {
            return held;
        }
        let without = Matrix::default();
        for worker in self.workers.iter() {
            let mask = tried.about(&worker.value);
            for (channel, _) in self.channels.iter() {
                if at_worker(worker, channel, false, &without).is_some() {
                    continue;
                }
                let is_held = self.channels.rules().withheld_by(worker, channel).is_some();
                if tried.withheld(worker, mask, channel).is_some() {
                    held.blocked[channel].insert(worker.slot);
                } else if is_held {
                    held.freed[channel].insert(worker.slot);
                }
            }
        }
        held
    }

    fn workers_over(&self, rules: &[CapacityRule], tried: &Matrix) -> Listed<WorkerOver> {
        let over = self.workers.sorted().into_iter().filter_map(|worker| {
            let rule = tried.broken(worker, tried.about(&worker.value)).next()?;
            Some(WorkerOver {
                worker_sid: worker.worker.sid,
                worker_name: worker.worker.friendly_name.clone(),
                rule: rules[rule].name.clone(),
                load: tried.load(rule, worker),
                limit: rules[rule].limit,
            })
        });
        listed_in_order(over.collect())
    }
}

fn listed(mut tasks: Vec<TaskSid>) -> Listed<TaskSid> {
    tasks.sort_unstable();
    listed_in_order(tasks)
}

fn listed_in_order<T>(mut all: Vec<T>) -> Listed<T> {
    let count = all.len();
    all.truncate(TRIAL_LISTED_MAX);
    Listed { count, first: all }
}
