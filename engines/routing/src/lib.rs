//! Routing decides which worker is offered which task, and until when.
//!
//! * One value of [`Routing`] is one workspace: its activities, channels, workers, queues,
//!   workflows, live tasks and reservations.
//! * State moves only by `apply`; `apply` never refuses and never looks at time, so replaying
//!   the changes rebuilds the state exactly.
//! * A command that is rejected leaves no change behind.
//! * Nothing here reads a clock, a random source, a socket or a disk.

pub mod alert;
mod apply;
mod ask;
pub mod capacity;
pub mod change;
mod check;
pub mod command;
mod deadlines;
mod digest;
mod ended;
pub mod event;
pub mod explain;
mod facts;
mod handle;
pub mod instruction;
pub mod json;
pub mod limits;
pub mod log;
mod map;
mod matching;
pub mod model;
mod movement;
pub mod ordering;
#[cfg(feature = "planted-bugs")]
pub mod planted;
pub mod question;
mod real_time;
pub mod rejection;
mod restore;
pub mod rows;
pub mod schedule;
mod state;
mod tally;
pub mod warnings;
mod workflow;

pub use alert::Alert;
pub use change::Change;
pub use command::{Command, Reply};
pub use event::{Before, Event, EventKind, Setting};
#[cfg(feature = "small-portions")]
pub use handle::cut_engines_into;
pub use handle::{Asking, Deed, OfferNames, REFUSED, Through, Turn, check_configuration};
pub use log::LoggedEvent;
pub use model::*;
pub use movement::{Movement, Standing};
pub use question::{Answer, EndedPage, Question};
pub use real_time::{Doing, RealTime, Whole, WorkersOf};
pub use rejection::Rejection;
pub use rows::{RowKind, RowRef, StoredRow};
pub use state::Routing;
