//! What every layer shares: ids, time, the turn, and the kinds of problem a caller can meet.
//!
//! * No domain nouns: a workspace or a task is unknown here.
//! * Nothing reads a clock or a random source; both arrive from outside.

mod attributes;
mod draws;
mod patch;
mod problem;
mod sid;
mod time;
mod turn;

pub use attributes::{Attributes, AttributesError};
pub use draws::Draws;
pub use patch::Patch;
pub use problem::{Kind, Position, Problem};
pub use sid::{Sid, SidError};
pub use time::{Millis, Timestamp, TimestampError};
pub use turn::{IdSource, Turn};
