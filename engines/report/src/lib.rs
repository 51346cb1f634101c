//! Statistics over an interval: facts, counters, and the roll-ups that make long windows cheap.
//!
//! * Everything cumulative is a fold over [`Fact`]s, which are kept in the log of events. Counters
//!   in memory and roll-ups in rows are derived from them and can be made again.
//! * A window is exact to the millisecond: whole hours and minutes come from roll-ups, the rest
//!   from facts.
//! * Knows no tasks and no engine: a scope is a SID, and who counts in which is said by the fact.

mod counters;
mod fact;
mod recorder;
mod stay;
mod window;

pub use counters::{Channels, Counters, Scopes, Spread, Threshold, count, merge};
pub use fact::{Deleted, Fact, FactError, Outcome, Place, What, decode, encode};
pub use recorder::{Progress, Recorder, RollUp, hour_key, in_chunk, minute_key, minute_of_key};
pub use stay::{Durations, Stay};
pub use window::{HOUR, MINUTE, Parts, Window};
