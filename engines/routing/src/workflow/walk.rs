//! Which target comes next.

use super::Configuration;
use crate::model::AfterLastTarget;
use base::Timestamp;
use expr::{Schedules, Scope};
use serde_json::Value;

/// A place in a configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    /// `None` is the default filter.
    pub(crate) filter: Option<u32>,
    pub(crate) target: u32,
}

/// What filters see beside the task.
#[derive(Clone, Copy)]
pub(crate) struct Outlook<'a> {
    pub(crate) now: Timestamp,
    pub(crate) schedules: &'a dyn Schedules,
}

impl Configuration {
    /// The first filter from `from` on whose expression is true, at its first target.
    pub(crate) fn matching(&self, task: &Value, outlook: Outlook<'_>, from: u32) -> Option<Step> {
        let Outlook { now, schedules } = outlook;
        let scope = Scope { task, now, schedules, ..Scope::default() };
        let below = self.filters.iter().enumerate().skip(from as usize);
        let mut matching = below.filter(|(_, filter)| filter.expression.evaluate(&scope));
        matching.next().map(|(index, _)| Step { filter: Some(index as u32), target: 0 })
    }

    /// Where a task enters: the first matching filter, else the default filter.
    pub(crate) fn entry(&self, task: &Value, outlook: Outlook<'_>) -> Option<Step> {
        self.matching(task, outlook, 0).or_else(|| self.default_step())
    }

    /// The next target of the same filter.
    pub(crate) fn next_target(&self, step: Step) -> Option<Step> {
        let next = Step { target: step.target + 1, ..step };
        step.filter.and_then(|_| self.target(next.filter, next.target)).map(|_| next)
    }

    /// After a time-out: the next target, else the next matching filter where the workspace has
    /// it so. Never the default filter.
    pub(crate) fn after_timeout(
        &self,
        step: Step,
        task: &Value,
        outlook: Outlook<'_>,
        after: AfterLastTarget,
    ) -> Option<Step> {
        let below = || match after {
            AfterLastTarget::NextFilter => self.matching(task, outlook, step.filter? + 1),
            AfterLastTarget::Cancel => None,
        };
        self.next_target(step).or_else(below)
    }

    /// After a skip: the next target, else the next matching filter, else the default filter.
    pub(crate) fn after_skip(
        &self,
        step: Step,
        task: &Value,
        outlook: Outlook<'_>,
    ) -> Option<Step> {
        let below = || self.matching(task, outlook, step.filter? + 1);
        let default = || step.filter.and_then(|_| self.default_step());
        self.next_target(step).or_else(below).or_else(default)
    }

    fn default_step(&self) -> Option<Step> {
        self.default.as_ref().map(|_| Step { filter: None, target: 0 })
    }
}
