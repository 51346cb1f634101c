//! The host owns the engines and everything that waits between a command and its answer.
//!
//! * A partition's engine runs ahead of the disk; nothing that depends on a batch leaves the
//!   process before the batch is durable: not an answer, not a rejection, not an event.
//! * Batches that wait together are committed as one group with one sync; there is no timer.
//! * A failed commit or a panic drops the engine and restores it from rows; there is no undo code.
//! * Everything that decides is synchronous and told the time, so that the simulator drives the
//!   same code; tokio is only in `host` and `runtime`.
//!
//! Knows no HTTP and no rule of a domain.

pub mod adapters;
pub mod beginning;
mod bridge;
pub mod clock;
pub mod committer;
mod core;
pub mod delivery;
pub mod engine;
mod events;
mod findings;
pub mod following;
mod heat;
mod host;
pub mod hub;
mod inbox;
mod listing;
pub mod live_queries;
mod loading;
pub mod names;
pub mod outbox;
pub mod outlets;
pub mod partition;
mod past;
#[cfg(feature = "planted-bugs")]
pub mod planted;
pub mod reach;
mod refusal;
pub mod retention;
mod runtime;
pub mod seat;
pub mod statistics;
pub mod sync_hub;
mod sync_past;
pub mod sync_reads;
mod sync_removed;
mod sync_trail;
pub mod tables;
mod what_if;
pub mod work;

pub use clock::ClockKind;
pub use delivery::Delivery;
pub use events::{EventPage, EventQuery, EventWindow};
pub use findings::Pattern;
pub use heat::{Usage, WINDOW_MAX};
pub use host::{Heated, Host, ItemSearch, Noted, ObjectSearch, Options, Searched};
pub use hub::{Announced, Subscription, Ticks, Topic};
pub use live_queries::{QueryNews, QueryPage, QueryRefusal};
pub use names::Names;
pub use outlets::SyncOptions;
pub use past::PastError;
pub use refusal::{Readiness, Refusal, StartError};
pub use retention::Retention;
pub use sync_hub::{Following, Loss, Mailbox, News, Post, Replay};
pub use sync_past::{Happened, History, HistoryRange, SyncPastError, Then};
pub use sync_reads::{Bounds, ItemRange, ObjectRange};
pub use sync_removed::RemovedSearch;
pub use tables::Record;
pub use what_if::Supposed;

#[cfg(test)]
mod tests;
