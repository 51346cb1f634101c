//! JSON: bodies of our own settings, read strictly, and rows and changes, written.
//!
//! * Errors name the place and the reason.
//! * A field that is not known is refused: a misspelt limit must not be no limit.
//! * `null` is as good as absent.

use crate::rejection::Rejection;
use serde::Serialize;
use serde_json::{Map, Value};
use std::{cell::RefCell, ops::RangeInclusive};

/// A larger text's room is not kept.
const ROOM_KEPT: usize = 64 * 1024;

thread_local! {
    /// Where texts are written before they are copied whole: one that grows as it is written is
    /// moved four times before it holds a task, and there are a dozen for each task.
    static ROOM: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// A value as JSON text that takes no more memory than it needs. Fails where `serde_json` does.
pub fn text<T: Serialize + ?Sized>(value: &T) -> Result<String, serde_json::Error> {
    // Writing a value may ask for the text of another.
    let mut room = ROOM.take();
    room.clear();
    let written = serde_json::to_writer(&mut room, value);
    let text = str::from_utf8(&room).expect("JSON is UTF-8").to_owned();
    if room.capacity() <= ROOM_KEPT {
        ROOM.set(room);
    }
    written.map(|()| text)
}

/// An object somewhere in a body.
pub(crate) struct Fields<'a> {
    parameter: &'static str,
    /// Where it is: `rules[2]`, or empty for the body itself.
    path: String,
    map: &'a Map<String, Value>,
}

impl<'a> Fields<'a> {
    /// The object at `path`, with no fields but the known ones.
    pub(crate) fn of(
        parameter: &'static str,
        path: impl Into<String>,
        value: &'a Value,
        known: &[&str],
    ) -> Result<Self, Rejection> {
        let path = path.into();
        let Some(map) = value.as_object() else {
            return Err(wrong(parameter, &path, "must be an object"));
        };
        let fields = Self { parameter, path, map };
        match map.keys().find(|key| !known.contains(&key.as_str())) {
            Some(key) => {
                let shown: String = key.chars().take(64).collect();
                let why = format!("is not known here; known are {}", known.join(", "));
                Err(fields.wrong(&shown, &why))
            }
            None => Ok(fields),
        }
    }

    /// What is wrong with a field; an empty name is the object itself.
    pub(crate) fn wrong(&self, name: &str, why: &str) -> Rejection {
        wrong(self.parameter, &self.at(name), why)
    }

    /// Where a field is.
    pub(crate) fn at(&self, name: &str) -> String {
        match (self.path.is_empty(), name.is_empty()) {
            (true, _) => name.to_owned(),
            (false, true) => self.path.clone(),
            (false, false) => format!("{}.{name}", self.path),
        }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&'a Value> {
        self.map.get(name).filter(|value| !value.is_null())
    }

    pub(crate) fn text(&self, name: &str) -> Result<Option<&'a str>, Rejection> {
        let read =
            |value: &'a Value| value.as_str().ok_or_else(|| self.wrong(name, "must be text"));
        self.get(name).map(read).transpose()
    }

    pub(crate) fn required_text(&self, name: &str) -> Result<&'a str, Rejection> {
        self.text(name)?.ok_or_else(|| self.wrong(name, "is required"))
    }

    pub(crate) fn bool(&self, name: &str) -> Result<Option<bool>, Rejection> {
        let read = |value: &Value| {
            value.as_bool().ok_or_else(|| self.wrong(name, "must be true or false"))
        };
        self.get(name).map(read).transpose()
    }

    pub(crate) fn number(
        &self,
        name: &str,
        bounds: RangeInclusive<u32>,
    ) -> Result<Option<u32>, Rejection> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let number = value.as_u64().and_then(|number| u32::try_from(number).ok());
        match number.filter(|number| bounds.contains(number)) {
            Some(number) => Ok(Some(number)),
            None => {
                let (least, most) = (bounds.start(), bounds.end());
                let why = format!("must be a whole number between {least} and {most}");
                Err(self.wrong(name, &why))
            }
        }
    }

    pub(crate) fn list(&self, name: &str) -> Result<Option<&'a [Value]>, Rejection> {
        let read = |value: &'a Value| {
            value.as_array().map(Vec::as_slice).ok_or_else(|| self.wrong(name, "must be a list"))
        };
        self.get(name).map(read).transpose()
    }

    /// A list of texts, each with its place.
    pub(crate) fn texts(&self, name: &str) -> Result<Option<Vec<(String, &'a str)>>, Rejection> {
        let Some(list) = self.list(name)? else { return Ok(None) };
        let read = |(index, value): (usize, &'a Value)| {
            let at = format!("{}[{index}]", self.at(name));
            match value.as_str() {
                Some(text) => Ok((at, text)),
                None => Err(wrong(self.parameter, &at, "must be text")),
            }
        };
        list.iter().enumerate().map(read).collect::<Result<_, _>>().map(Some)
    }
}

/// What is wrong at a place of a body.
pub(crate) fn wrong(parameter: &'static str, path: &str, why: &str) -> Rejection {
    let message = match path {
        "" => why.to_owned(),
        path => format!("{path} {why}"),
    };
    Rejection::Malformed { parameter, message, position: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_text_is_what_serde_json_writes_and_nothing_is_left_of_the_one_before() {
        let values =
            [json!({"a": "ü\"", "b": [1, null]}), json!("x".repeat(3 * ROOM_KEPT)), json!(7)];
        for value in &values {
            assert_eq!(text(value).unwrap(), value.to_string());
        }
    }

    #[test]
    fn a_value_without_a_json_form_is_an_error_and_spoils_nothing() {
        let keyed: std::collections::BTreeMap<Vec<u8>, u8> = [(vec![1], 1)].into();
        assert!(text(&keyed).is_err());
        assert_eq!(text("whole").unwrap(), "\"whole\"");
    }
}
