//! What is the same for all parameters: names, URLs, attributes, expressions.

use crate::{
    event::EventKind,
    limits::{NAME_CHARS_MAX, REASON_CHARS_MAX, URL_CHARS_MAX},
    rejection::Rejection,
    state::Routing,
};
use base::{Attributes, Patch, Position};
use expr::{Expression, Place};
use serde_json::Value;
use std::sync::Arc;

/// A name that has to be there.
pub(super) fn name(parameter: &'static str, text: &str) -> Result<(), Rejection> {
    if text.trim().is_empty() {
        return Err(Rejection::Required(parameter));
    }
    at_most(parameter, text, NAME_CHARS_MAX)
}

/// A name that changes, or not.
pub(super) fn new_name(parameter: &'static str, text: Option<&str>) -> Result<(), Rejection> {
    text.map_or(Ok(()), |text| name(parameter, text))
}

pub(super) fn reason(text: &str) -> Result<(), Rejection> {
    if text.trim().is_empty() {
        return Err(Rejection::Required("Reason"));
    }
    at_most("Reason", text, REASON_CHARS_MAX)
}

pub(super) fn at_most(parameter: &'static str, text: &str, most: usize) -> Result<(), Rejection> {
    let chars = text.chars().count();
    if chars <= most {
        return Ok(());
    }
    let message = format!("has {chars} characters, more than the {most} allowed");
    Err(Rejection::Invalid { parameter, message })
}

pub(super) fn url(parameter: &'static str, url: Option<&str>) -> Result<(), Rejection> {
    let Some(url) = url else { return Ok(()) };
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let has_host = |rest: &str| {
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        !authority.rsplit('@').next().unwrap_or_default().trim_start_matches(':').is_empty()
    };
    let is_plain = url.chars().all(|c| !c.is_whitespace() && !c.is_control());
    if !rest.is_some_and(has_host) || !is_plain {
        let message = "an http or https URL was expected".to_owned();
        return Err(Rejection::Invalid { parameter, message });
    }
    at_most(parameter, url, URL_CHARS_MAX)
}

pub(super) fn new_url(parameter: &'static str, patch: &Patch<String>) -> Result<(), Rejection> {
    match patch {
        Patch::Set(text) => url(parameter, Some(text)),
        Patch::Keep | Patch::Clear => Ok(()),
    }
}

/// Event types with commas between them; blanks around them do not matter.
pub(super) fn events_filter(text: Option<&str>) -> Result<(), Rejection> {
    let words = text.unwrap_or_default().split(',').map(str::trim);
    let mut unknown = words.filter(|word| !word.is_empty() && !EventKind::is_word(word));
    let Some(word) = unknown.next() else { return Ok(()) };
    let word: String = word.chars().take(NAME_CHARS_MAX).collect();
    let message = format!("'{word}' is no event type");
    Err(Rejection::Invalid { parameter: "EventsFilter", message })
}

pub(super) fn within(
    parameter: &'static str,
    number: u32,
    least: u32,
    most: u32,
) -> Result<(), Rejection> {
    if (least..=most).contains(&number) {
        return Ok(());
    }
    let message = format!("must lie between {least} and {most}, not {number}");
    Err(Rejection::Invalid { parameter, message })
}

/// A queue's expression; an empty one selects nobody.
pub(super) fn target_workers(text: &str) -> Result<(), Rejection> {
    if text.trim().is_empty() {
        return Ok(());
    }
    compile("TargetWorkers", text, Place::Queue).map(|_| ())
}

pub(crate) fn compile(
    parameter: &'static str,
    text: &str,
    place: Place,
) -> Result<Expression, Rejection> {
    Expression::compile(text, place).map_err(|error| Rejection::Malformed {
        parameter,
        message: error.message,
        position: Some(error.position),
    })
}

impl Routing {
    /// Attributes have to be a JSON object. Parsed once: the change that follows finds the value.
    pub(super) fn check_attributes(
        &mut self,
        attributes: &Attributes,
    ) -> Result<Arc<Value>, Rejection> {
        let malformed = |message: String, position| Rejection::Malformed {
            parameter: "Attributes",
            message,
            position,
        };
        let text = attributes.text();
        let value: Value = serde_json::from_str(text).map_err(|error| {
            let message = crate::workflow::without_place(&error);
            malformed(
                format!("not JSON: {message}"),
                Some(crate::workflow::position_of(text, &error)),
            )
        })?;
        if !value.is_object() {
            let position = Position { line: 1, column: 1 };
            return Err(malformed("a JSON object was expected".to_owned(), Some(position)));
        }
        let value = Arc::new(value);
        self.parsed = Some((attributes.clone(), Arc::clone(&value)));
        Ok(value)
    }
}
