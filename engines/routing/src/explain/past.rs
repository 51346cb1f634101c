//! The last decision on a task, found by following its workspace's journal from where it begins.
//!
//! * The decision is the last offer of the task, or its end if it was never offered; what is
//!   explained is the state just before it.
//! * A task that was offered before the journal begins is not explained by its end: the decision on
//!   it is not in the journal.
//! * Other tasks are followed only as far as they load workers: they stand in no queue here.

use super::{Basis, Look, Sight};
use crate::{change::Change, model::*, rejection::Rejection, rows::StoredRow, state::Routing};
use base::{Attributes, Timestamp};

/// See the module.
pub struct Past {
    routing: Routing,
    look: Look,
    found: Option<Result<Sight, Rejection>>,
    is_over: bool,
    /// Whether a decision was made before what is followed.
    was_decided: bool,
}

impl Past {
    /// Before the first change of the workspace.
    pub fn new(look: Look) -> Self {
        Self::since(look, Vec::new())
    }

    /// Before the first change that is followed, when the workspace had these rows
    /// ([`Past::lean`]).
    pub fn since(look: Look, rows: Vec<StoredRow>) -> Self {
        let mut routing = Routing::restore(rows);
        routing.forget_marks();
        let task = routing.task(look.task);
        let was_decided = task.is_some_and(|one| one.attempts > 0 || one.status.is_final());
        Self { routing, look, found: None, is_over: false, was_decided }
    }

    /// What of a row matters to a look at `task`.
    pub fn lean(row: StoredRow, task: TaskSid) -> StoredRow {
        match row {
            StoredRow::Task(other) if other.sid != task => {
                StoredRow::Task(Task { queue: None, walk: None, ..leaner(other) })
            }
            row => row,
        }
    }

    /// Whether a decision on the task was made before what is followed.
    pub fn was_decided(&self) -> bool {
        self.was_decided
    }

    /// Whether a stored change can matter; if not it need not be followed.
    pub fn wants(&self, kind: &str, body: &str) -> bool {
        match kind {
            "task_placed" | "target_entered" | "task_rested" | "disposition_set"
            | "ended_forgotten" | "timed_retried" => body.contains(&self.look.task.to_string()),
            _ => true,
        }
    }

    /// The next change, its number and the time of its turn. After the end of the task nothing is
    /// followed any more.
    pub fn follow(&mut self, change: &Change, seq: u64, at: Timestamp) {
        if self.is_over {
            return;
        }
        let task = self.look.task;
        match change {
            Change::TaskOffered { task: offered, .. } if *offered == task => {
                self.see(Basis::LastOffer, seq, at);
            }
            Change::TaskCompleted { task: ended, .. }
            | Change::TaskCanceled { task: ended, .. }
            | Change::TaskDeleted { task: ended, .. }
            | Change::TaskSystemDeleted { task: ended, .. }
                if *ended == task =>
            {
                if self.found.is_none() && !self.was_decided {
                    self.see(Basis::End, seq, at);
                }
                self.is_over = true;
            }
            _ => {}
        }
        if let Some(change) = lean(change, task) {
            self.routing.apply(&change);
        } else if concerns(change, task) {
            self.routing.apply(change);
        }
        self.routing.forget_marks();
    }

    /// Whether the end of the task was met.
    pub fn is_over(&self) -> bool {
        self.is_over
    }

    /// The decision; `None` if there was none yet.
    pub fn found(self) -> Option<Result<Sight, Rejection>> {
        self.found
    }

    /// The rows of the workspace as it is where the journal was followed to.
    pub fn rows(&self) -> Vec<StoredRow> {
        self.routing.copied()
    }

    fn see(&mut self, basis: Basis, seq: u64, at: Timestamp) {
        self.found = Some(self.routing.look(&self.look, at).map(|mut sight| {
            sight.based_on(basis);
            sight.stamp(seq - 1);
            sight
        }));
    }
}

/// Whether a change is applied as it is.
fn concerns(change: &Change, task: TaskSid) -> bool {
    match change {
        Change::TaskPlaced { task: of, .. }
        | Change::TargetEntered { task: of, .. }
        | Change::TaskRested { task: of, .. } => *of == task,
        Change::EndedForgotten { .. } | Change::TimedRetried { .. } => false,
        _ => true,
    }
}

/// What is left of a change of another task.
fn lean(change: &Change, task: TaskSid) -> Option<Change> {
    match change {
        Change::TaskCreated(other) if other.sid != task => {
            Some(Change::TaskCreated(Box::new(leaner((**other).clone()))))
        }
        Change::TaskUpdated {
            task: other,
            priority,
            task_channel,
            virtual_start_at,
            version,
            at,
            ..
        } if *other != task => Some(Change::TaskUpdated {
            task: *other,
            attributes: None,
            priority: *priority,
            task_channel: *task_channel,
            virtual_start_at: *virtual_start_at,
            version: *version,
            at: *at,
        }),
        _ => None,
    }
}

/// Another task without what it is routed by.
fn leaner(task: Task) -> Task {
    Task { attributes: Attributes::default(), workflow: None, routing_target: None, ..task }
}

impl Routing {
    /// Drops the marks that changes leave for those who write rows and make offers: for a copy that
    /// only follows, once its rows were taken or where nobody wants them.
    pub fn forget_marks(&mut self) {
        self.touched.clear();
        self.ended.trim();
        self.drop_marks();
        self.parsed = None;
    }
}
