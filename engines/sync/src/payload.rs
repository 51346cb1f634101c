//! Values as the text that was sent.
//!
//! * A value is a JSON object; its text is never rewritten, so big integers, `1.0` beside `1`, the
//!   order of keys and every character stay as they were.
//! * Its size is counted in bytes of UTF-8.
//! * It shows nowhere: only its size does.

use serde::{Deserialize, Serialize, de::IgnoredAny};
use std::{fmt, sync::Arc};

/// The text of a JSON object, shared.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Payload(Arc<str>);

/// The text is not a JSON object.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the data must be a JSON object: {0}")]
pub struct PayloadError(String);

impl Payload {
    /// Takes the text as it is if it is a JSON object.
    pub fn parse(text: impl Into<Arc<str>>) -> Result<Self, PayloadError> {
        let text = text.into();
        // The message tells a place, never a value.
        serde_json::from_str::<IgnoredAny>(&text).map_err(|error| {
            PayloadError(format!("line {} column {}", error.line(), error.column()))
        })?;
        if !text.trim_start_matches([' ', '\t', '\r', '\n']).starts_with('{') {
            return Err(PayloadError("it is another value".to_owned()));
        }
        Ok(Self(text))
    }

    /// A text that was a payload before: from a row.
    pub fn trusted(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// The text as it was sent.
    pub fn text(&self) -> &str {
        &self.0
    }

    /// Bytes of UTF-8.
    pub fn size(&self) -> usize {
        self.0.len()
    }
}

impl Default for Payload {
    fn default() -> Self {
        Self(Arc::from("{}"))
    }
}

/// Customer data: only the size shows.
impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Payload({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_stays_as_it_was_sent() {
        let texts = [
            "{}",
            " {\"b\":1.0, \"a\":1}\n",
            "{\"n\":9007199254740993,\"e\":1e400,\"d\":0.1000000000000000055}",
            "{\"s\":\"\u{1F600} \\ud83d\\ude00 \\u0000\",\"s\":2}",
        ];
        for text in texts {
            let payload = Payload::parse(text).expect("an object");
            assert_eq!(payload.text(), text);
            assert_eq!(payload.size(), text.len());
            let kept = serde_json::to_string(&payload).expect("a text");
            assert_eq!(serde_json::from_str::<Payload>(&kept).expect("a text"), payload);
            assert!(!format!("{payload:?}").contains('{'));
        }
    }

    #[test]
    fn anything_but_an_object_is_refused() {
        for text in
            ["", "1", "null", "[]", "\"{}\"", "{", "{}x", "{\"a\":01}", "{'a':1}", "\u{feff}{}"]
        {
            assert!(Payload::parse(text).is_err(), "{text}");
        }
    }
}
