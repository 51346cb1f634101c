//! The capacity matrix: what a worker may hold together, across channels.
//!
//! * A rule is about the open reservations (pending, accepted, wrapping) of one worker: while
//!   its condition holds, the weighted number on its channels is at most its limit.
//! * An offer on a channel that a rule blocks is made only if the rule holds afterwards; a rule
//!   that blocks all channels it speaks of holds in every state that offers lead to.
//! * The rules come on top of each worker channel's own capacity. Single-tasking workspaces and
//!   direct routing that ignores capacity do not ask them.
//! * Without rules nothing here costs anything: workers carry a mask of the rules about them.

mod read;
mod trial;
mod warnings;

pub(crate) use read::read;
pub(crate) use warnings::warnings;

use crate::{model::*, state::WorkerState};
use base::Timestamp;
use expr::{Expression, Place, Scope};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// The rules of a workspace, as they are stored and shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CapacityRules {
    /// Whose.
    pub workspace: WorkspaceSid,
    /// The ETag: 0 before any were set, then one more for each change.
    pub version: u64,
    /// When they last changed.
    pub updated_at: Timestamp,
    /// In the order in which they are asked.
    pub rules: Vec<CapacityRule>,
}

/// While the condition holds, the weighted number of open reservations on the channels is at
/// most the limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CapacityRule {
    /// What people call it; unique.
    pub name: String,
    /// Unique names of the task channels that are counted.
    pub channels: Vec<String>,
    /// The most there may be.
    pub limit: u32,
    /// How much one reservation of a channel counts; 1 where a channel is not named.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub weights: BTreeMap<String, u32>,
    /// When the limit holds; always where absent.
    #[serde(rename = "while", default, skip_serializing_if = "Option::is_none")]
    pub condition: Option<CapacityCondition>,
    /// An expression over worker attributes: whom the rule is about. Everybody where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workers: Option<String>,
    /// Channels on which the rule withholds offers. Where absent: all that it speaks of, counted
    /// (with a weight above 0) or in its condition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocks: Option<Vec<String>>,
}

/// At least so many open reservations on these channels together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CapacityCondition {
    /// Unique names of task channels.
    pub channels: Vec<String>,
    /// The number from which on the condition holds.
    pub at_least: u32,
}

/// A likely mistake in a rule that is no error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CapacityWarning {
    /// The rule's index.
    pub rule: usize,
    /// The rule's name.
    pub name: String,
    /// What is likely to be wrong.
    pub message: String,
}

/// What other rules would change, had they been set now.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CapacityTrial {
    /// The rules as they were understood.
    pub rules: Vec<CapacityRule>,
    /// Likely mistakes in them.
    pub warnings: Vec<CapacityWarning>,
    /// Workers who hold more than the rules allow: they would keep it and be offered no more.
    pub workers_over: Listed<WorkerOver>,
    /// Waiting tasks that some worker could take now, were it not for the rules tried.
    pub tasks_blocked: Listed<TaskSid>,
    /// Waiting tasks that the rules in force hold back and that could be offered at once.
    pub tasks_unblocked: Listed<TaskSid>,
}

/// How many there are, and the first of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Listed<T> {
    /// All of them.
    pub count: usize,
    /// In order, up to a bound.
    pub first: Vec<T>,
}

/// A worker beyond a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WorkerOver {
    /// Who.
    pub worker_sid: WorkerSid,
    /// The worker's name.
    pub worker_name: String,
    /// The first rule that does not hold.
    pub rule: String,
    /// What the worker holds on its channels, weighted.
    pub load: u32,
    /// What it allows.
    pub limit: u32,
}

impl CapacityRule {
    fn weight(&self, channel: &str) -> u32 {
        match self.channels.iter().any(|name| name == channel) {
            true => self.weights.get(channel).copied().unwrap_or(1),
            false => 0,
        }
    }

    /// The channels on which it withholds offers.
    pub fn blocked(&self) -> Vec<&str> {
        if let Some(blocks) = &self.blocks {
            return blocks.iter().map(String::as_str).collect();
        }
        let counted = self.channels.iter().filter(|name| self.weight(name) > 0);
        let asked = self.condition.iter().flat_map(|condition| &condition.channels);
        let mut all: Vec<&str> = counted.chain(asked).map(String::as_str).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Every channel it names.
    pub(crate) fn named(&self) -> impl Iterator<Item = &str> {
        let asked = self.condition.iter().flat_map(|condition| &condition.channels);
        let all = self.channels.iter().chain(asked).chain(self.blocks.iter().flatten());
        all.map(String::as_str)
    }

    /// Whether offers alone cannot lead beyond it: it withholds every one that adds to it.
    pub(crate) fn is_invariant(&self) -> bool {
        let blocked = self.blocked();
        let all = Self { blocks: None, ..self.clone() };
        all.blocked().iter().all(|channel| blocked.contains(channel))
    }
}

/// The rules, compiled: channels are slots, and who they are about is an expression.
#[derive(Default)]
pub(crate) struct Matrix {
    rules: Vec<Compiled>,
    /// Which of the workspace's rules these are.
    edition: u32,
}

/// Which rules are about a worker, as of one edition of them: no worker is touched when the rules
/// change.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Ruled {
    edition: u32,
    mask: Mask,
}

struct Compiled {
    counted: Vec<(usize, u32)>,
    limit: u32,
    condition: Option<(Vec<usize>, u32)>,
    blocks: Vec<usize>,
    workers: Option<Expression>,
}

/// Which rules are about a worker, by index.
pub(crate) type Mask = u64;

impl Matrix {
    /// Whatever is stored was read before: channels that rules name are not deleted.
    pub(crate) fn compile(rules: &[CapacityRule], slot: impl Fn(&str) -> Option<usize>) -> Self {
        let slots = |names: &mut dyn Iterator<Item = &str>| -> Vec<usize> {
            names.filter_map(&slot).collect()
        };
        let compiled = |rule: &CapacityRule| {
            let counted = rule.channels.iter().filter_map(|name| {
                Some((slot(name)?, rule.weight(name))).filter(|(_, weight)| *weight > 0)
            });
            let condition = rule
                .condition
                .as_ref()
                .map(|one| (slots(&mut one.channels.iter().map(String::as_str)), one.at_least));
            let workers = rule.workers.as_ref();
            Compiled {
                counted: counted.collect(),
                limit: rule.limit,
                condition,
                blocks: slots(&mut rule.blocked().into_iter()),
                workers: workers.and_then(|text| Expression::compile(text, Place::Queue).ok()),
            }
        };
        Self { rules: rules.iter().map(compiled).collect(), edition: 0 }
    }

    /// The same as what comes after `old`.
    pub(crate) fn after(self, old: &Self) -> Self {
        Self { edition: old.edition + 1, ..self }
    }

    /// See [`Matrix::about`].
    pub(crate) fn ruled(&self, attributes: &Value) -> Ruled {
        Ruled { edition: self.edition, mask: self.about(attributes) }
    }

    /// The rules about a worker.
    pub(crate) fn mask(&self, worker: &WorkerState) -> Mask {
        match worker.ruled.edition == self.edition {
            true => worker.ruled.mask,
            false => self.about(&worker.value),
        }
    }

    /// The rules about a worker with these attributes.
    pub(crate) fn about(&self, attributes: &Value) -> Mask {
        let scope = Scope { worker: attributes, ..Scope::default() };
        let is_about = |rule: &Compiled| {
            rule.workers.as_ref().is_none_or(|expression| expression.evaluate(&scope))
        };
        let rules = self.rules.iter().enumerate().filter(|(_, rule)| is_about(rule));
        rules.fold(0, |mask, (index, _)| mask | 1 << index)
    }

    /// The first rule that withholds an offer on a channel.
    pub(crate) fn withheld_by(&self, worker: &WorkerState, channel: usize) -> Option<usize> {
        self.withheld(worker, self.mask(worker), channel)
    }

    fn withheld(&self, worker: &WorkerState, mask: Mask, channel: usize) -> Option<usize> {
        if mask == 0 {
            return None;
        }
        #[cfg(feature = "planted-bugs")]
        if crate::planted::is(crate::planted::Planted::ForgetRules) {
            return None;
        }
        let about = self.rules.iter().enumerate().filter(|(index, _)| mask >> index & 1 == 1);
        let mut blocking = about.filter(|(_, rule)| rule.blocks.contains(&channel));
        let found = blocking.find(|(_, rule)| rule.is_broken(worker, Some(channel)));
        found.map(|(index, _)| index)
    }

    /// The rules that do not hold as the worker stands, by index.
    pub(crate) fn broken<'a>(
        &'a self,
        worker: &'a WorkerState,
        mask: Mask,
    ) -> impl Iterator<Item = usize> + 'a {
        let about = self.rules.iter().enumerate().filter(move |(index, _)| mask >> index & 1 == 1);
        about.filter(|(_, rule)| rule.is_broken(worker, None)).map(|(index, _)| index)
    }

    /// What a worker holds of what a rule counts.
    pub(crate) fn load(&self, rule: usize, worker: &WorkerState) -> u32 {
        self.rules.get(rule).map_or(0, |rule| rule.load(worker, None))
    }
}

impl Compiled {
    /// Whether it does not hold, as the worker stands or with one more on a channel.
    fn is_broken(&self, worker: &WorkerState, more: Option<usize>) -> bool {
        let applies = self.condition.as_ref().is_none_or(|(channels, at_least)| {
            let open: u32 = channels.iter().map(|channel| open(worker, *channel, more)).sum();
            open >= *at_least
        });
        applies && self.load(worker, more) > self.limit
    }

    fn load(&self, worker: &WorkerState, more: Option<usize>) -> u32 {
        let counted = self.counted.iter();
        counted.map(|(channel, weight)| open(worker, *channel, more).saturating_mul(*weight)).sum()
    }
}

fn open(worker: &WorkerState, channel: usize, more: Option<usize>) -> u32 {
    let open = worker.channels.get(channel).map_or(0, |share| share.open);
    open + u32::from(more == Some(channel))
}
