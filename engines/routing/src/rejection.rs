//! Why the answer is no: one variant per reason a caller can act on. Knows no status codes.

use crate::{alert::Alert, model::*};
use base::{Position, Sid};

/// States of the world in which a command changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// Nothing of that SID is in this workspace.
    #[error("{0} is not in this workspace")]
    Unknown(Sid),
    /// No task channel of that name is in this workspace.
    #[error("There is no task channel '{0}' in this workspace")]
    UnknownChannel(String),
    /// No schedule of that name is in this workspace.
    #[error("There is no schedule '{0}' in this workspace")]
    UnknownSchedule(String),
    /// A SID in a parameter names nothing here.
    #[error("{parameter} {sid} is not in this workspace")]
    UnknownParameter {
        /// The parameter's wire name.
        parameter: &'static str,
        /// What it said.
        sid: Sid,
    },
    /// The caller saw another version.
    #[error("The resource is at version {current}, not at the one If-Match names")]
    Stale {
        /// The version it is at.
        current: u64,
    },
    /// A parameter is missing.
    #[error("{0} field is required")]
    Required(&'static str),
    /// A parameter is outside its bounds.
    #[error("{parameter}: {message}")]
    Invalid {
        /// The parameter's wire name.
        parameter: &'static str,
        /// What is wrong.
        message: String,
    },
    /// An expression does not compile, or a configuration is not what it should be.
    #[error("{parameter}: {message}")]
    Malformed {
        /// The parameter's wire name.
        parameter: &'static str,
        /// What is wrong; names the place in words too (e.g. `task_routing.filters[0].targets[1]`).
        message: String,
        /// Where in the parameter's text.
        position: Option<Position>,
    },
    /// The name belongs to another one.
    #[error("{what} '{name}' already exists in this workspace")]
    NameTaken {
        /// Worker, activity, …
        what: &'static str,
        /// The name.
        name: String,
    },
    /// It cannot be deleted while something depends on it.
    #[error("{sid} cannot be deleted: {because}")]
    InUse {
        /// What was to be deleted.
        sid: Sid,
        /// What depends on it.
        because: String,
    },
    /// The task's status does not allow it.
    #[error("Task {task} is {status}: {because}")]
    TaskStatus {
        /// The task.
        task: TaskSid,
        /// Where it stands.
        status: TaskStatus,
        /// What would be allowed, e.g. "is not pending or reserved".
        because: &'static str,
    },
    /// The reservation's status does not allow it.
    #[error("Reservation {reservation} is {status}: {because}")]
    ReservationStatus {
        /// The reservation.
        reservation: ReservationSid,
        /// Where it stands.
        status: ReservationStatus,
        /// What would be allowed.
        because: &'static str,
    },
    /// An instruction cannot be carried out.
    #[error("{0}")]
    Instruction(Alert),
    /// Another worker of the batch was faster.
    #[error("Reservation {0} was rescinded: another worker accepted the task")]
    Rescinded(ReservationSid),
    /// The worker a task should be handed over to cannot be offered it now.
    #[error("Worker {worker} cannot be offered the task: {because}")]
    TransferTarget {
        /// The worker.
        worker: WorkerSid,
        /// What stands in the way.
        because: &'static str,
    },
    /// The transfer is not under way (any more).
    #[error("Transfer {transfer} of task {task} is not under way")]
    TransferOver {
        /// The transfer.
        transfer: TransferSid,
        /// The task.
        task: TaskSid,
    },
    /// Multi-tasking cannot be switched off.
    #[error("A multi-tasking workspace cannot be turned back to single-tasking")]
    MultiTaskIsForEver,
    /// Pending reservations are rejected only when going unavailable.
    #[error("RejectPendingReservations needs an ActivitySid whose activity is unavailable")]
    RejectNeedsUnavailable,
    /// No filter matches and there is no default filter.
    #[error("The task matches no filter of the workflow and the workflow has no default filter")]
    NoTarget,
    /// The workspace is being deleted, or was never created.
    #[error("There is no such workspace")]
    NoWorkspace,
}
