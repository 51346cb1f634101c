//! Routing decides which worker is offered which task, and until when.
//!
//! * One value of [`Routing`] is one workspace: its activities, channels, workers, queues,
//!   workflows, live tasks and reservations.
//! * State moves only by `apply`; `apply` never refuses and never looks at time, so replaying
//!   the changes rebuilds the state exactly.
//! * A command that is rejected leaves no change behind.
//! * Nothing here reads a clock, a random source, a socket or a disk.

pub mod command;
pub mod event;
pub mod explain;
pub mod limits;
pub mod model;
pub mod question;
pub mod rejection;

pub use command::{Command, Reply};
pub use event::{Event, EventKind};
pub use model::*;
pub use question::{Answer, Question};
pub use rejection::Rejection;
