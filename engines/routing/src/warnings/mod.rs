//! Likely mistakes of a workflow that are no errors, held against real data.
//!
//! * Pure: whoever asks brings workers, tasks and settings; nothing is decided by a warning.
//! * Each names filter, target and place, what was seen, and what to do.

mod expressions;
mod keys;
mod paths;

use crate::{
    model::*,
    workflow::{Configuration, place_of, read},
};
use base::Position;
use keys::Keys;
use serde::Serialize;
use serde_json::Value;

/// What a workflow is held against.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    /// Workers, all or many of them.
    pub workers: Vec<Worker>,
    /// Attributes of tasks that came to this workflow, all or the newest.
    pub tasks: Vec<Value>,
    /// Every queue of the workspace.
    pub queues: Vec<TaskQueue>,
    /// The unique names of the task channels.
    pub channels: Vec<String>,
    /// The activities.
    pub activities: Vec<Activity>,
    /// The names of the schedules.
    pub schedules: Vec<String>,
    /// Whether a task ends after the last target of a filter, whatever the filters below say.
    pub ends_after_last_target: bool,
}

/// A likely mistake.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WorkflowWarning {
    /// A word for programs.
    pub code: &'static str,
    /// The place in words, e.g. `task_routing.filters[0].targets[1].expression`.
    pub path: String,
    /// The same in the text of the configuration; absent for what is said in a queue.
    pub position: Option<Position>,
    /// Index of the filter; `None` for the default filter and for the whole.
    pub filter: Option<u32>,
    /// The filter's name, if it has one.
    pub filter_friendly_name: Option<String>,
    /// Index of the target within the filter.
    pub target: Option<u32>,
    /// The queue, where one is meant.
    pub task_queue_sid: Option<TaskQueueSid>,
    /// The expression, where one is meant.
    pub expression: Option<String>,
    /// What is likely wrong.
    pub message: String,
    /// What to do about it.
    pub advice: String,
    /// What was seen in real data.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub seen: Value,
}

/// Where something stands.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Spot<'a> {
    filter: Option<u32>,
    target: Option<u32>,
    key: Option<&'a str>,
    inner: Option<Position>,
}

/// What is said about a spot.
pub(super) struct Said {
    code: &'static str,
    message: String,
    advice: String,
    expression: Option<String>,
    queue: Option<TaskQueueSid>,
    seen: Value,
}

impl Said {
    fn new(code: &'static str, message: impl Into<String>, advice: impl Into<String>) -> Self {
        let (message, advice) = (message.into(), advice.into());
        Self { code, message, advice, expression: None, queue: None, seen: Value::Null }
    }
}

/// All warnings about a workflow, in the order of its configuration.
pub fn warnings(workflow: &Workflow, evidence: &Evidence) -> Vec<WorkflowWarning> {
    let Ok(configuration) = read(&workflow.configuration, &|_| true) else { return Vec::new() };
    let workers: Vec<Value> = evidence
        .workers
        .iter()
        .map(|worker| serde_json::from_str(worker.attributes.text()).unwrap_or_default())
        .collect();
    let mut linter = Linter {
        text: &workflow.configuration,
        configuration: &configuration,
        evidence,
        keys: Keys::new(&evidence.tasks, &workers),
        workers: &workers,
        found: Vec::new(),
    };
    linter.paths();
    linter.expressions();
    linter.found
}

/// A workflow on its way through every check.
pub(super) struct Linter<'a> {
    text: &'a str,
    configuration: &'a Configuration,
    evidence: &'a Evidence,
    keys: Keys<'a>,
    workers: &'a [Value],
    found: Vec<WorkflowWarning>,
}

/// Warnings shown at most: nobody reads more, and each is placed by reading the text again.
const SHOWN_MAX: usize = 500;

impl Linter<'_> {
    pub(super) fn say(&mut self, spot: Spot<'_>, said: Said) {
        if self.found.len() >= SHOWN_MAX {
            return;
        }
        let wanted = (spot.filter, spot.target);
        let is_whole = spot.filter.is_none() && spot.target.is_none() && spot.key.is_none();
        let place = match is_whole {
            true => None,
            false => place_of(self.text, wanted, spot.key, spot.inner),
        };
        let (path, position) = place.unzip();
        let filter = spot.filter.and_then(|at| self.configuration.filters.get(at as usize));
        self.found.push(WorkflowWarning {
            code: said.code,
            path: path.unwrap_or_default(),
            position,
            filter: spot.filter,
            filter_friendly_name: filter.and_then(|filter| filter.name.clone()),
            target: spot.target,
            task_queue_sid: said.queue,
            expression: said.expression,
            message: said.message,
            advice: said.advice,
            seen: said.seen,
        });
    }
}
