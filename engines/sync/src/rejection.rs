//! Why the answer is no: one variant per reason a caller can act on, each with its number.

use crate::model::ObjectKind;
use base::{Kind, Problem};

/// States of the world in which a command changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// No such service, or it was deleted.
    #[error("Service not found")]
    ServiceNotFound,
    /// Everything of an account belongs there.
    #[error("The default service cannot be deleted")]
    DefaultService,
    /// No object of that SID and kind in this service.
    #[error("{} not found", title(*.0))]
    NotFound(ObjectKind),
    /// No object of that name and kind in this service.
    #[error("Unique name not found")]
    NameNotFound,
    /// No item there.
    #[error("Item not found")]
    ItemNotFound(ObjectKind),
    /// Another object of the kind has the name.
    #[error("An object with the unique name already exists in this service")]
    NameTaken,
    /// Not a name, or it could be taken for a SID.
    #[error(
        "Invalid unique name: it must have 1 to 320 characters and must not match \
         [A-Z]{{2}}[a-f0-9]{{32}}"
    )]
    InvalidName,
    /// The map has an item there.
    #[error("An item with this key already exists in the map")]
    ItemExists,
    /// Not a key.
    #[error("Invalid item key: it must have 1 to 320 characters")]
    InvalidKey,
    /// The caller saw another revision of the object.
    #[error("The revision of the {} does not match If-Match", .0.word())]
    StaleObject(ObjectKind),
    /// The caller saw another revision of the item.
    #[error("The revision of the item does not match If-Match")]
    StaleItem(ObjectKind),
    /// No revision reads like this.
    #[error("Invalid If-Match header: it must be a revision")]
    InvalidIfMatch,
    /// Not a number of seconds, or too many.
    #[error("{parameter} must be a whole number of seconds from 0 to 31536000")]
    InvalidTtl {
        /// The parameter's wire name.
        parameter: &'static str,
    },
    /// An update that says nothing.
    #[error("At least one parameter must be given")]
    NothingGiven,
    /// Not the text of a JSON object.
    #[error("Invalid JSON: {0}")]
    InvalidJson(String),
    /// Larger than this server keeps.
    #[error("The data has {size} bytes, more than the {max} allowed")]
    TooLarge {
        /// Bytes of UTF-8.
        size: usize,
        /// At most.
        max: usize,
    },
    /// The identity has no such right on the object.
    #[error("The identity has no permission for this")]
    Forbidden,
    /// Too many in too short a time; nothing was done.
    #[error("Rate limit exceeded for {what}")]
    Limited {
        /// Of what, e.g. `write-map-MP…`.
        what: String,
        /// Seconds until it is worth trying again.
        retry_after_s: u32,
    },
    /// One item more than this server was asked to allow; nothing was done.
    #[error("The {} has {max} items, and more are not allowed", .kind.word())]
    TooManyItems {
        /// A list or a map.
        kind: ObjectKind,
        /// At most.
        max: u64,
    },
    /// A setting is outside its bounds.
    #[error("{parameter}: {message}")]
    InvalidSetting {
        /// The parameter's wire name.
        parameter: &'static str,
        /// What is wrong.
        message: &'static str,
    },
}

impl Rejection {
    /// What the caller is told.
    pub fn problem(&self) -> Problem {
        Problem::new(self.kind(), self.code(), self.to_string())
    }

    /// The number programs look at.
    pub const fn code(&self) -> u32 {
        use ObjectKind::{Document, List, Map, Stream};
        match self {
            Self::ServiceNotFound => 54050,
            Self::DefaultService | Self::InvalidSetting { .. } => 20001,
            Self::NotFound(Document) => 54100,
            Self::NotFound(List) => 54150,
            Self::NotFound(Map) => 54200,
            Self::NotFound(Stream) => 20404,
            Self::NameNotFound => 54300,
            Self::ItemNotFound(Map) => 54201,
            Self::ItemNotFound(_) => 54151,
            Self::NameTaken => 54301,
            Self::InvalidName => 54302,
            Self::ItemExists => 54208,
            Self::InvalidKey => 54209,
            Self::StaleObject(_) => 54103,
            Self::StaleItem(Map) => 54205,
            Self::StaleItem(_) => 54155,
            Self::InvalidIfMatch => 54003,
            Self::InvalidTtl { .. } => 54011,
            Self::NothingGiven => 54010,
            Self::InvalidJson(_) => 54008,
            Self::TooLarge { .. } => 54006,
            Self::Forbidden => 54007,
            Self::Limited { .. } | Self::TooManyItems { .. } => 54009,
        }
    }

    const fn kind(&self) -> Kind {
        match self {
            Self::ServiceNotFound
            | Self::NotFound(_)
            | Self::NameNotFound
            | Self::ItemNotFound(_) => Kind::NotFound,
            Self::NameTaken | Self::ItemExists => Kind::Conflict,
            Self::StaleObject(_) | Self::StaleItem(_) => Kind::Stale,
            Self::TooLarge { .. } => Kind::TooLarge,
            Self::Forbidden => Kind::Forbidden,
            Self::Limited { .. } | Self::TooManyItems { .. } => Kind::Limited,
            Self::DefaultService
            | Self::InvalidName
            | Self::InvalidKey
            | Self::InvalidIfMatch
            | Self::InvalidTtl { .. }
            | Self::NothingGiven
            | Self::InvalidJson(_)
            | Self::InvalidSetting { .. } => Kind::Invalid,
        }
    }
}

const fn title(kind: ObjectKind) -> &'static str {
    match kind {
        ObjectKind::Document => "Document",
        ObjectKind::List => "List",
        ObjectKind::Map => "Map",
        ObjectKind::Stream => "Stream",
    }
}
