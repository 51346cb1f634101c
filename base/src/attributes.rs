//! Attributes: a JSON object as the text the caller sent.
//!
//! * The text is kept byte for byte and never rewritten.
//! * Cloning is cheap: entity, change, row and push share one text.

use serde::{Deserialize, Serialize};
use std::{fmt, sync::Arc};

/// The text of a JSON object, shared.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Attributes(Arc<str>);

/// Why a text is refused as attributes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AttributesError {
    /// Longer than [`Attributes::CHARS_MAX`].
    #[error(
        "Attributes have {0} characters, more than the {max} allowed",
        max = Attributes::CHARS_MAX
    )]
    TooLong(usize),
}

impl Attributes {
    /// Characters, white space included.
    pub const CHARS_MAX: usize = 4096;

    /// Checks the length only; whoever parses the text checks that it is an object.
    pub fn new(text: impl Into<Arc<str>>) -> Result<Self, AttributesError> {
        let text = text.into();
        let chars = text.chars().count();
        if chars > Self::CHARS_MAX { Err(AttributesError::TooLong(chars)) } else { Ok(Self(text)) }
    }

    /// The text as it was sent.
    pub fn text(&self) -> &str {
        &self.0
    }
}

impl Default for Attributes {
    fn default() -> Self {
        Self(Arc::from("{}"))
    }
}

/// Customer data: only the size shows.
impl fmt::Debug for Attributes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Attributes({} bytes)", self.0.len())
    }
}
