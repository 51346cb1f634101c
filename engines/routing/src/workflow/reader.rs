//! JSON with places: each value knows where in the text it stands and how one gets there.
//!
//! Every problem names its place twice: as a line and column, and in words.

use crate::rejection::Rejection;
use base::Position;
use serde::{
    Deserializer, de,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;
use std::fmt;

/// The parameter that problems name.
const PARAMETER: &str = "Configuration";

/// A value and its place.
#[derive(Clone)]
pub(super) struct Node<'a> {
    text: &'a str,
    raw: &'a RawValue,
    /// In words, e.g. `task_routing.filters[0]`; empty for the whole.
    words: String,
}

impl<'a> Node<'a> {
    /// The whole text.
    pub(super) fn whole(text: &'a str) -> Result<Self, Rejection> {
        let raw = serde_json::from_str(text).map_err(|error| Rejection::Malformed {
            parameter: PARAMETER,
            message: format!("not JSON: {}", without_place(&error)),
            position: Some(position_of(text, &error)),
        })?;
        Ok(Self { text, raw, words: String::new() })
    }

    /// The members of an object, in the order of the text.
    pub(super) fn members(&self) -> Result<Members<'a>, Rejection> {
        if !self.raw.get().starts_with('{') {
            return Err(self.problem("an object was expected"));
        }
        let mut json = serde_json::Deserializer::from_str(self.raw.get());
        let members = json
            .deserialize_map(Collect)
            .map_err(|error| self.problem(&format!("not an object: {}", without_place(&error))))?;
        Ok(Members { node: self.clone(), members })
    }

    /// The elements of an array.
    pub(super) fn elements(&self) -> Result<Vec<Self>, Rejection> {
        let raws: Vec<&'a RawValue> = serde_json::from_str(self.raw.get())
            .map_err(|_| self.problem("an array was expected"))?;
        let nodes = raws.into_iter().enumerate();
        Ok(nodes.map(|(i, raw)| self.inside(raw, format!("{}[{i}]", self.words))).collect())
    }

    /// A string.
    pub(super) fn string(&self) -> Result<String, Rejection> {
        serde_json::from_str(self.raw.get()).map_err(|_| self.problem("a string was expected"))
    }

    /// A whole number, also written as a string, from `least` to `most`.
    pub(super) fn number(&self, least: u32, most: u32) -> Result<u32, Rejection> {
        let raw = self.raw.get();
        let digits = match raw.starts_with('"') {
            true => self.string()?,
            false => raw.to_owned(),
        };
        let number = digits.trim().parse().ok().filter(|n: &u32| (least..=most).contains(n));
        number.ok_or_else(|| {
            self.problem(&format!("a whole number from {least} to {most} was expected, not {raw}"))
        })
    }

    /// Whether it is `null`.
    pub(super) fn is_null(&self) -> bool {
        self.raw.get() == "null"
    }

    /// A problem with this value.
    pub(super) fn problem(&self, message: &str) -> Rejection {
        self.problem_at(self.start(), message)
    }

    /// A problem inside this string, at a place in the text that the string stands for.
    pub(super) fn problem_inside(&self, inner: Position, message: &str) -> Rejection {
        let position = self.place_inside(inner);
        let message = format!("{message} (line {}, column {})", inner.line, inner.column);
        self.problem_at(position, &message)
    }

    /// A place in the text that this string stands for, as a place in the whole text.
    pub(super) fn place_inside(&self, inner: Position) -> Position {
        let mut position = self.start();
        position.column += 1; // The quote.
        let (mut line, mut column) = (1, 1);
        let mut rest = self.raw.get().get(1..).unwrap_or_default();
        while (line, column) < (inner.line, inner.column) {
            let width = character(rest);
            if width == 0 {
                break;
            }
            (line, column) =
                if rest.starts_with("\\n") { (line + 1, 1) } else { (line, column + 1) };
            position.column += rest[..width].chars().count() as u32;
            rest = &rest[width..];
        }
        position
    }

    /// How one gets there, in words.
    pub(super) fn words(&self) -> &str {
        &self.words
    }

    fn problem_at(&self, position: Position, message: &str) -> Rejection {
        let place = if self.words.is_empty() { "" } else { ": " };
        Rejection::Malformed {
            parameter: PARAMETER,
            message: format!("{}{place}{message}", self.words),
            position: Some(position),
        }
    }

    pub(super) fn start(&self) -> Position {
        // A raw value is a part of the text it was read from.
        let offset = self.raw.get().as_ptr() as usize - self.text.as_ptr() as usize;
        position_at(self.text, offset)
    }

    fn inside(&self, raw: &'a RawValue, words: String) -> Self {
        Self { text: self.text, raw, words }
    }
}

/// The members of an object.
pub(super) struct Members<'a> {
    node: Node<'a>,
    members: Vec<(String, &'a RawValue)>,
}

impl<'a> Members<'a> {
    /// The member of that name; `null` counts as absent. Twice the same name is refused.
    pub(super) fn get(&self, name: &str) -> Result<Option<Node<'a>>, Rejection> {
        let mut found = self.members.iter().filter(|(key, _)| key == name).map(|(_, raw)| {
            let words = &self.node.words;
            let dot = if words.is_empty() { "" } else { "." };
            self.node.inside(raw, format!("{words}{dot}{name}"))
        });
        let first = found.next();
        match found.next() {
            Some(second) => Err(second.problem("stands here twice")),
            None => Ok(first.filter(|node| !node.is_null())),
        }
    }

    /// A problem with the object itself.
    pub(super) fn problem(&self, message: &str) -> Rejection {
        self.node.problem(message)
    }
}

struct Collect;

impl<'de> Visitor<'de> for Collect {
    type Value = Vec<(String, &'de RawValue)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry().map_err(de::Error::custom)? {
            members.push(member);
        }
        Ok(members)
    }
}

/// Where serde_json stumbled, counted in characters.
pub(crate) fn position_of(text: &str, error: &serde_json::Error) -> Position {
    let line = error.line().max(1);
    let start: usize = text.split_inclusive('\n').take(line - 1).map(str::len).sum();
    let until = (start + error.column().saturating_sub(1)).min(text.len());
    let before = text.get(start..until).map_or(until - start, |before| before.chars().count());
    Position { line: line as u32, column: before as u32 + 1 }
}

/// The message without serde_json's own line and column.
pub(crate) fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line ").next().unwrap_or_default().to_owned()
}

/// Bytes that the first character of a JSON string's inside takes; 0 at its end.
fn character(raw: &str) -> usize {
    let is_within = |raw: &str, from: &str, until: &str| {
        let first = raw.strip_prefix("\\u").and_then(|digits| digits.get(..2));
        first.map(str::to_lowercase).is_some_and(|it| (from..until).contains(&it.as_str()))
    };
    let is_pair = is_within(raw, "d8", "dc")
        && raw.get(6..).is_some_and(|second| is_within(second, "dc", "e0"));
    match raw.chars().next() {
        None | Some('"') => 0,
        Some('\\') if is_pair => 12,
        Some('\\') if raw.starts_with("\\u") => 6,
        Some('\\') => 2,
        Some(other) => other.len_utf8(),
    }
}

/// The place of a byte of a text.
pub(super) fn position_at(text: &str, offset: usize) -> Position {
    let before = &text[..offset];
    let line = before.matches('\n').count() as u32 + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() as u32 + 1;
    Position { line, column }
}
