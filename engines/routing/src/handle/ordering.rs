//! In which order a queue is served.

use super::{Handled, Turn, matches, unknown};
use crate::{
    change::Change,
    command::{IfMatch, Reply},
    event::{EventKind, Setting},
    model::*,
    ordering::{self, OrderingRule, QueueOrdering},
    rejection::Rejection,
    state::Routing,
};
use serde_json::Value;

impl Routing {
    /// Sorts the tasks that wait in the queue anew; who could be offered what stays the same.
    pub(super) fn set_ordering(
        &mut self,
        turn: &mut Turn<'_>,
        queue: TaskQueueSid,
        if_match: IfMatch,
        body: &Value,
    ) -> Handled {
        let old = self.ordering_of(queue)?;
        matches(if_match, old.version)?;
        let rule = ordering::read(body, &|name| self.channels.named(name).is_some())?;
        if rule == old.rule {
            return Ok(Reply::Ordering(old));
        }
        let new = QueueOrdering { version: old.version + 1, updated_at: turn.now, rule, ..old };
        self.record(turn, Change::QueueOrderingSet(Box::new(new.clone())));
        let workspace = Setting::Workspace(self.workspace().clone());
        self.tell(turn, EventKind::WorkspaceUpdated, workspace);
        Ok(Reply::Ordering(new))
    }

    /// A queue's ordering; `task_order` before any was set.
    pub(crate) fn ordering_of(&self, queue: TaskQueueSid) -> Result<QueueOrdering, Rejection> {
        let state = self.queues.get(&queue).ok_or_else(|| unknown(queue.sid()))?;
        Ok(state.ordering.clone().unwrap_or(QueueOrdering {
            queue,
            version: 0,
            updated_at: state.queue.created_at,
            rule: OrderingRule::TaskOrder,
        }))
    }
}
