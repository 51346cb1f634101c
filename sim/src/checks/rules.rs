//! Rules across channels and transfers, judged on rows: without the engine and its expressions.

use super::place::{Finding, Place};
use crate::rules::Rule;
use base::Timestamp;
use routing::{
    Reservation, ReservationSid, ReservationStatus, Task, TaskChannelSid, Transfer, TransferStatus,
    TransferTarget, WorkerSid, capacity::CapacityRule,
};
use std::collections::BTreeMap;

/// What a worker holds by channel.
type Held = BTreeMap<TaskChannelSid, u32>;

impl Place {
    /// An offer is made only if every rule that blocks its channel holds with it; those made after
    /// it in the same step do not count yet.
    pub(super) fn judge_rules(
        &self,
        task: &Task,
        offer: &Reservation,
        offered: &[ReservationSid],
    ) -> Option<Finding> {
        if task.ignore_capacity || self.is_single_tasking() {
            return None;
        }
        let is_later = |sid: ReservationSid| sid > offer.sid && offered.contains(&sid);
        let held = self.held(offer.worker, is_later);
        let rule = self.broken_rule(offer.worker, task.task_channel, &held)?;
        let what = format!("{} goes to {} against {rule:?}: {held:?}", offer.sid, offer.worker);
        Some(("rules across channels hold", what))
    }

    /// Whether a rule withholds one more task on a channel from a worker.
    pub(crate) fn is_withheld(&self, worker: WorkerSid, channel: TaskChannelSid) -> bool {
        let mut held = self.held(worker, |_| false);
        *held.entry(channel).or_default() += 1;
        self.broken_rule(worker, channel, &held).is_some()
    }

    fn held(&self, worker: WorkerSid, is_left_out: impl Fn(ReservationSid) -> bool) -> Held {
        let mut held = Held::new();
        for open in self.open().filter(|open| open.worker == worker && !is_left_out(open.sid)) {
            if let Some(task) = self.tasks.get(&open.task) {
                *held.entry(task.task_channel).or_default() += 1;
            }
        }
        held
    }

    fn broken_rule(
        &self,
        worker: WorkerSid,
        channel: TaskChannelSid,
        held: &Held,
    ) -> Option<&CapacityRule> {
        let (_, about) = self.workers.get(&worker)?;
        let name = self.channels.get(&channel)?;
        let count = |wanted: &str| -> u32 {
            let is_it = |sid: &TaskChannelSid| self.channels.get(sid).is_some_and(|n| n == wanted);
            held.iter().filter(|(sid, _)| is_it(sid)).map(|(_, count)| count).sum()
        };
        let is_broken = |rule: &&CapacityRule| {
            let weight = |name: &str| rule.weights.get(name).copied().unwrap_or(1);
            let is_about = rule.workers.as_deref().is_none_or(|text| {
                Rule::parse(Some(text))
                    .is_some_and(|rule| rule.holds(about, &about[""], Timestamp(0), |_| false))
            });
            let mut blocks: Vec<&str> = match &rule.blocks {
                Some(blocks) => blocks.iter().map(String::as_str).collect(),
                None => {
                    rule.channels.iter().map(String::as_str).filter(|n| weight(n) > 0).collect()
                }
            };
            if let (Some(condition), None) = (&rule.condition, &rule.blocks) {
                blocks.extend(condition.channels.iter().map(String::as_str));
            }
            let applies = rule.condition.as_ref().is_none_or(|condition| {
                let sum: u32 = condition.channels.iter().map(|name| count(name)).sum();
                sum >= condition.at_least
            });
            let load: u32 = rule.channels.iter().map(|name| count(name) * weight(name)).sum();
            is_about && applies && load > rule.limit && blocks.contains(&name.as_str())
        };
        self.rules.as_ref()?.rules.iter().find(is_broken)
    }

    /// A transfer that is under way is its task's, and one to a worker is on offer there.
    pub(super) fn judge_transfer(&self, transfer: &Transfer) -> Option<Finding> {
        let checker = "a transfer under way has its task and its offer";
        if transfer.status != TransferStatus::Initiated {
            return None;
        }
        let task = self.tasks.get(&transfer.task);
        let of_task = task.and_then(|task| task.transfer.as_ref()).map(|open| open.sid);
        if of_task != Some(transfer.sid) {
            let what = format!("{} of {} is initiated", transfer.sid, transfer.task);
            return Some((checker, format!("{what}, the task has {of_task:?}")));
        }
        let TransferTarget::Worker(to) = transfer.to else { return None };
        let mut offers = self
            .open()
            .filter(|open| open.task == transfer.task && open.status == ReservationStatus::Pending);
        let is_fine = offers
            .next()
            .is_some_and(|offer| offer.worker == to && offer.transfer == Some(transfer.sid))
            && offers.next().is_none();
        (!is_fine).then(|| (checker, format!("{} is not on offer at {to} alone", transfer.task)))
    }
}
