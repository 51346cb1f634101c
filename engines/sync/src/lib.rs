//! Sync decides what becomes of documents, lists, maps and streams, and who may do what with them.
//!
//! * One value of [`Bucket`] is one of sixteen shares of all objects, of all services; a SID says
//!   which, and so does a unique name. One value of [`service::Services`] is all services.
//! * Objects, items, names and permissions come into a bucket when they are needed and leave it
//!   when they were not for a while. A command that misses one says which ([`Stop::Missing`]) and
//!   has changed nothing.
//! * State moves only by `apply`; `apply` never refuses, so replaying the changes rebuilds it.
//! * Event numbers of an object rise by one, and nothing but a change in the journal raises them.
//! * Nothing here reads a clock, a random source, a socket or a disk.
//!
//! Knows no other engine and no wire: pages of lists are read from rows, by whoever asks.

mod apply;
mod bucket;
mod cache;
mod change;
mod command;
mod deadlines;
mod event;
mod handle;
mod model;
mod past;
mod payload;
mod rejection;
mod rows;
pub mod service;

pub use bucket::{Bucket, Limits, Stop, Wanted};
pub use cache::Bounds;
pub use change::{Change, ItemWrite, Removal};
pub use command::{
    Action, Caller, Command, Enforcement, IfMatch, Named, NewItem, Put, Reply, SYSTEM, Target, Ttl,
};
pub use deadlines::READ_AT_ONCE as DEADLINES_READ_AT_ONCE;
pub use event::{Event, ItemSeen, What};
pub use model::*;
pub use past::{ItemThen, ObjectThen, Origin, Past};
pub use payload::{Payload, PayloadError};
pub use rejection::Rejection;
pub use rows::{Deadline, Entity, Key, Mortal, Purge, Removed, RowRef};
