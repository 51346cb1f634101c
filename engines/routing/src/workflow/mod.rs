//! Workflow configurations: read from JSON, and walked by tasks.
//!
//! * A configuration is read once; everything in it is compiled.
//! * Walking is a pure question: which target comes next is decided here, recorded elsewhere.

mod order_by;
mod path;
mod read;
mod reader;
mod walk;

pub(crate) use order_by::{OrderBy, Preferred};
pub(crate) use read::{place_of, read};
pub(crate) use reader::{position_of, without_place};
pub(crate) use walk::{Outlook, Step};

use crate::model::TaskQueueSid;
use expr::{Expression, Path};
use std::sync::Arc;

/// A configuration, compiled.
#[derive(Debug, Default)]
pub(crate) struct Configuration {
    pub(crate) filters: Vec<Filter>,
    pub(crate) default: Option<Target>,
}

/// Tasks for which the expression is true go through the targets.
#[derive(Debug)]
pub(crate) struct Filter {
    pub(crate) name: Option<String>,
    pub(crate) expression: Expression,
    /// Never empty; the first one names its queue.
    pub(crate) targets: Vec<Target>,
}

/// Where a task waits, and for whom.
#[derive(Debug, Default)]
pub(crate) struct Target {
    /// Inherited from the target before where absent.
    pub(crate) queue: Option<TaskQueueSid>,
    /// Unchanged where absent.
    pub(crate) priority: Option<u32>,
    pub(crate) timeout_s: Option<u32>,
    pub(crate) expression: Option<Expression>,
    pub(crate) order_by: Option<Arc<OrderBy>>,
    pub(crate) skip_if: Option<Expression>,
    pub(crate) known_worker: Option<KnownWorker>,
}

/// Only the worker whom the task names.
#[derive(Debug)]
pub(crate) struct KnownWorker {
    pub(crate) by: KnownBy,
    /// Where the task names the worker.
    pub(crate) path: Path,
}

/// How the task names the worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KnownBy {
    Sid,
    FriendlyName,
}

impl Configuration {
    /// The target of a filter, or of the default filter.
    pub(crate) fn target(&self, filter: Option<u32>, target: u32) -> Option<&Target> {
        match filter {
            Some(filter) => self.filters.get(filter as usize)?.targets.get(target as usize),
            None => self.default.as_ref(),
        }
    }

    /// Every queue it names, some more than once.
    pub(crate) fn queues(&self) -> impl Iterator<Item = TaskQueueSid> {
        let of_filters = self.filters.iter().flat_map(|filter| &filter.targets);
        of_filters.chain(&self.default).filter_map(|target| target.queue)
    }
}
