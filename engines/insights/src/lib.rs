//! Live queries: which items of an index an expression holds for, and what a change does to that.
//!
//! * An item is JSON under a key; where it comes from is the business of whoever hands it over.
//! * A change is looked at once for each query, however many follow it.
//! * Whoever follows is told in the order of changes. The number of an event is that of the change
//!   that led to it, so it is never smaller later, whatever was restarted in between.
//! * Somebody who comes back says up to which change they know everything, and is told what became
//!   of each item since then; where that is not known any more, everything anew.
//!
//! Knows no tasks, no workers, no sockets and no rows.

mod answers;
mod document;
mod query;

pub use answers::{Answers, Bounds, Item, Page, Place, Recent, Told, What};
pub use document::Document;
pub use query::{Query, QueryError};

use std::fmt;

/// The number of a change, from 1 without gaps.
pub type Number = u64;

base::sid_kinds! {
    /// A query: the same for the same text on the same index of the same workspace.
    QuerySid = "LQ",
}

/// What can be queried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Index {
    /// All workers.
    Workers,
    /// Tasks that are not over.
    Tasks,
    /// Reservations that are not over, with their tasks.
    Reservations,
    /// All task queues.
    Queues,
}

impl Index {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Workers, Self::Tasks, Self::Reservations, Self::Queues];

    /// The wire's word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Workers => "tr-worker",
            Self::Tasks => "tr-task",
            Self::Reservations => "tr-reservation",
            Self::Queues => "tr-queue",
        }
    }

    /// From the wire's word.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|index| index.name() == name)
    }
}

impl fmt::Display for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
