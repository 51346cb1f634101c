//! The public shapes: how entities look to a caller.
//!
//! * [`rest`]: snake_case JSON with ISO dates, absolute links, every property the published
//!   document lists.
//! * [`mod@event`]: what an event says, for REST and for webhooks.
//! * [`cds`]: what the client libraries for state synchronisation read.
//! * [`sync_event`]: what webhooks say of documents, lists, maps and streams.
//! * [`inspector`]: what the inspector is shown of it.
//! * [`bridge`]: what the browser library for workers reads; dates in seconds since 1970.
//! * Attributes are passed on as the text they came as.
//! * Shapes borrow: they are written once and thrown away.
//!
//! Knows no HTTP, no rules and no store. Names of related entities come in through [`Names`].

pub mod bridge;
pub mod callback;
pub mod cds;
pub mod event;
mod field;
pub mod inspector;
pub mod instruction;
mod names;
pub mod problem;
pub mod rest;
#[cfg(test)]
mod samples;
mod schema;
pub mod sync_event;

pub use field::{Iso, Links, Secs};
pub use names::Names;
pub use schema::{Kind, Property, Schema};
