//! REST: one file per resource, each with its shape and its schema.
//!
//! `base` is the product's base URL without a slash at its end, e.g.
//! `http://127.0.0.1:8080/taskrouter`.

mod activity;
mod event;
mod reservation;
pub mod statistics;
mod sync;
mod task;
mod task_channel;
mod task_queue;
mod worker;
mod worker_channel;
mod workflow;
mod workspace;

pub use self::sync::{
    SYNC, StreamMessage, SyncItem, SyncObject, SyncPermission, SyncService, Whereabouts,
};
pub use activity::Activity;
pub use event::Event;
pub use reservation::{Reservation, Through};
pub use task::Task;
pub(crate) use task::age_s;
pub use task_channel::TaskChannel;
pub use task_queue::TaskQueue;
pub use worker::Worker;
pub use worker_channel::WorkerChannel;
pub use workflow::Workflow;
pub use workspace::Workspace;

use crate::Schema;

/// All of them, for the OpenAPI document.
pub const SCHEMAS: &[&Schema] = &[
    &Activity::SCHEMA,
    &Event::SCHEMA,
    &Reservation::SCHEMA_OF_TASK,
    &Reservation::SCHEMA_OF_WORKER,
    &Task::SCHEMA,
    &TaskChannel::SCHEMA,
    &TaskQueue::SCHEMA,
    &Worker::SCHEMA,
    &WorkerChannel::SCHEMA,
    &Workflow::SCHEMA,
    &Workspace::SCHEMA,
];

#[cfg(test)]
mod tests;
