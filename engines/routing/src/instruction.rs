//! What an application may tell us to do with a reservation: the decision, without its wire names.
//!
//! Instructions that need a call carry what is checked before one is made; the rest of their
//! parameters belongs to whoever makes calls.

use crate::model::*;

/// An instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Instruction {
    /// Pending → accepted.
    Accept,
    /// Pending → rejected.
    Reject {
        /// The worker's activity after it.
        activity: Option<ActivitySid>,
    },
    /// One that needs a call.
    Call(CallInstruction),
}

/// An instruction that needs a call. What is `None` was not given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallInstruction {
    /// Dial the worker and run a document.
    Call {
        /// Whom to dial; else the worker's `contact_uri`.
        to: Option<String>,
        /// The number shown.
        from: Option<String>,
        /// The document.
        url: Option<String>,
    },
    /// Dial the worker and connect the caller who waits.
    Dequeue {
        /// Whom to dial; else the worker's `contact_uri`.
        to: Option<String>,
        /// The number shown; else the one the caller dialed.
        from: Option<String>,
        /// The worker's activity after the call.
        post_work_activity: Option<ActivitySid>,
    },
    /// Send a call that is up to another document.
    Redirect {
        /// The call.
        call_sid: Option<String>,
        /// The document.
        url: Option<String>,
    },
    /// Put caller and worker in a conference.
    Conference {
        /// Whom to dial; else the worker's `contact_uri`.
        to: Option<String>,
        /// The number shown.
        from: Option<String>,
        /// The worker's activity after the call.
        post_work_activity: Option<ActivitySid>,
    },
    /// Let a supervisor join.
    Supervise {
        /// Who.
        supervisor: Option<WorkerSid>,
    },
}
