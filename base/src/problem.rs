//! What went wrong, in words a caller can act on.
//!
//! Knows no HTTP: the edge turns a kind into a status.

use serde::Serialize;

/// The kind decides how the edge answers; the code decides what a program does about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The request itself is wrong, whoever sends it.
    Invalid,
    /// Nobody known sent it.
    Unauthenticated,
    /// Somebody known sent it who may not.
    Forbidden,
    /// Nothing of that name is there, or not for this caller.
    NotFound,
    /// The state of the thing does not allow it.
    Conflict,
    /// It was there and is over for good.
    Gone,
    /// The caller's `If-Match` names another version.
    Stale,
    /// Larger than a stated limit.
    TooLarge,
    /// Too many in too short a time.
    Limited,
    /// Not now; the same request may succeed later.
    Unavailable,
    /// Our fault.
    Internal,
}

/// A place in a text the caller sent, counted from 1 in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Position {
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1.
    pub column: u32,
}

/// An answer that is not the one hoped for. `message` is public; anything private stays in the log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} ({code})")]
pub struct Problem {
    /// What sort of problem.
    pub kind: Kind,
    /// The number programs look at, as in the errors table of the reference documentation.
    pub code: u32,
    /// A sentence for the person who reads the answer.
    pub message: String,
    /// Where in the text they sent.
    pub position: Option<Position>,
}

impl Problem {
    /// Any problem without a place in a text.
    pub fn new(kind: Kind, code: u32, message: impl Into<String>) -> Self {
        Self { kind, code, message: message.into(), position: None }
    }

    /// 20001: a parameter is wrong.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(Kind::Invalid, 20001, message)
    }

    /// 20404: nothing there.
    pub fn not_found(what: &str) -> Self {
        Self::new(Kind::NotFound, 20404, format!("The requested resource {what} was not found"))
    }

    /// 20503: the store cannot take writes now.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::new(Kind::Unavailable, 20503, message)
    }

    /// The same problem at a place in the caller's text.
    #[must_use]
    pub fn at(mut self, position: Position) -> Self {
        self.position = Some(position);
        self
    }
}
