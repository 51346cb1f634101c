//! Form and query fields: decoded once, read by name, refused by name.
//!
//! * Unknown fields are ignored, as the SDKs expect.
//! * A field of the wrong type is 400/20001 and the message names it.
//! * An empty value means "no value": a required field must not be empty, an update clears by it.

use crate::Problem;
use base::{Attributes, Patch, SidError, Timestamp};
use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, Visitor},
};
use std::{fmt, ops::Range, ops::RangeInclusive, str::FromStr};

const U32_MAX: i64 = u32::MAX as i64;

/// The fields of one request, in the order they came.
#[derive(Clone, Default)]
pub struct Input {
    text: String,
    fields: Vec<(Range<usize>, Range<usize>)>,
}

impl Input {
    /// Decodes `name=value&…`, body first, then query.
    pub fn parse(body: &[u8], query: &[u8]) -> Result<Self, Problem> {
        let mut bytes = Vec::with_capacity(body.len() + query.len());
        let mut fields = Vec::with_capacity(8);
        for source in [body, query] {
            for pair in source.split(|b| *b == b'&').filter(|pair| !pair.is_empty()) {
                let mut halves = pair.splitn(2, |b| *b == b'=');
                let mut part = || {
                    let start = bytes.len();
                    decode(halves.next().unwrap_or_default(), &mut bytes);
                    start..bytes.len()
                };
                fields.push((part(), part()));
            }
        }
        let text = String::from_utf8(bytes)
            .map_err(|_| Problem::invalid("The parameters are not valid UTF-8"))?;
        // A sequence cut in two by a separator can be whole in the buffer; each part must be whole.
        let whole = |r: &Range<usize>| text.get(r.clone()).is_some();
        if !fields.iter().all(|(name, value)| whole(name) && whole(value)) {
            return Err(Problem::invalid("The parameters are not valid UTF-8"));
        }
        Ok(Self { text, fields })
    }

    /// All fields, in the order they came.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.fields
            .iter()
            .map(|(name, value)| (&self.text[name.clone()], &self.text[value.clone()]))
    }

    /// The field as it came, empty or not; the last one if there are several.
    pub fn raw(&self, name: &str) -> Option<&str> {
        self.pairs().filter(|(n, _)| *n == name).last().map(|(_, value)| value)
    }

    /// Every value of a repeated field.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.pairs().filter(move |(n, _)| *n == name).map(|(_, value)| value)
    }

    /// The field if it is there and not empty.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.raw(name).filter(|value| !value.is_empty())
    }

    /// The field as an owned text if it is there and not empty.
    pub fn string(&self, name: &str) -> Option<String> {
        self.text(name).map(str::to_owned)
    }

    /// The field, which must be there.
    pub fn required(&self, name: &'static str) -> Result<&str, Problem> {
        self.text(name).ok_or_else(|| missing(name))
    }

    /// `true`, `1`, `yes`, `false`, `0`, `no`, in any case.
    pub fn bool(&self, name: &'static str) -> Result<Option<bool>, Problem> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let is = |words: [&str; 3]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
        match text {
            _ if is(["true", "1", "yes"]) => Ok(Some(true)),
            _ if is(["false", "0", "no"]) => Ok(Some(false)),
            _ => Err(wrong(name, "must be true or false")),
        }
    }

    /// A whole number within bounds.
    pub fn int(
        &self,
        name: &'static str,
        bounds: RangeInclusive<i64>,
    ) -> Result<Option<i64>, Problem> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let number: Option<i64> = text.parse().ok();
        match number.filter(|n| bounds.contains(n)) {
            Some(n) => Ok(Some(n)),
            None => {
                let (low, high) = (bounds.start(), bounds.end());
                // The end of a type is nobody's limit.
                let message = match *high {
                    i64::MAX | U32_MAX if number.is_none_or(|n| n < *low) => {
                        format!("must be a whole number, {low} or more")
                    }
                    _ => format!("must be a whole number between {low} and {high}"),
                };
                Err(wrong(name, &message))
            }
        }
    }

    /// A whole number from 0 to what 32 bits hold; the engine knows the bound that matters.
    pub fn u32(&self, name: &'static str) -> Result<Option<u32>, Problem> {
        let number = self.int(name, 0..=U32_MAX)?;
        Ok(number.map(|n| u32::try_from(n).expect("the bounds are those of u32")))
    }

    /// A SID. Malformed ones are 400/20001: only paths answer 404.
    pub fn sid<S: FromStr<Err = SidError>>(
        &self,
        name: &'static str,
    ) -> Result<Option<S>, Problem> {
        let Some(text) = self.text(name) else { return Ok(None) };
        text.parse().map(Some).map_err(|error: SidError| wrong(name, &error.to_string()))
    }

    /// A SID, which must be there.
    pub fn required_sid<S: FromStr<Err = SidError>>(
        &self,
        name: &'static str,
    ) -> Result<S, Problem> {
        self.sid(name)?.ok_or_else(|| missing(name))
    }

    /// An ISO 8601 time, or a date of which the day begins at midnight UTC.
    pub fn time(&self, name: &'static str) -> Result<Option<Timestamp>, Problem> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let parsed = text.parse().or_else(|_| format!("{text}T00:00:00Z").parse());
        parsed.map(Some).map_err(|_| wrong(name, "must be a time such as 2026-01-31T09:00:00Z"))
    }

    /// One of a list of words; `parse` says which.
    pub fn word<T>(
        &self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, Problem> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let cut: String = text.chars().take(64).collect();
        parse(text).map(Some).ok_or_else(|| wrong(name, &format!("'{cut}' is not a known value")))
    }

    /// A JSON object as text, kept byte for byte.
    pub fn attributes(&self, name: &'static str) -> Result<Option<Attributes>, Problem> {
        let Some(text) = self.text(name) else { return Ok(None) };
        check_object(name, text)?;
        Attributes::new(text).map(Some).map_err(|error| wrong(name, &error.to_string()))
    }

    /// JSON of any kind as text, checked to be JSON.
    pub fn json(&self, name: &'static str) -> Result<Option<&str>, Problem> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let checked: Result<serde::de::IgnoredAny, _> = serde_json::from_str(text);
        checked.map(|_| Some(text)).map_err(|error| not_json(name, &error))
    }

    /// A text field of an update: absent, empty, or a value.
    pub fn patch(&self, name: &str) -> Patch<String> {
        match self.raw(name) {
            None => Patch::Keep,
            Some("") => Patch::Clear,
            Some(text) => Patch::Set(text.to_owned()),
        }
    }

    /// A SID field of an update: absent, empty, or a value.
    pub fn patch_sid<S: FromStr<Err = SidError>>(
        &self,
        name: &'static str,
    ) -> Result<Patch<S>, Problem> {
        match self.raw(name) {
            None => Ok(Patch::Keep),
            Some("") => Ok(Patch::Clear),
            Some(_) => Ok(self.sid(name)?.map_or(Patch::Keep, Patch::Set)),
        }
    }
}

/// 400/20001 for a parameter that is not what it should be.
pub fn wrong(name: &str, why: &str) -> Problem {
    Problem::invalid(format!("{name}: {why}"))
}

fn missing(name: &str) -> Problem {
    Problem::invalid(format!("Missing required parameter {name}"))
}

/// A JSON object, of which nothing is kept.
struct Object;

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Self)
    }
}

impl<'de> Visitor<'de> for Object {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(self)
    }
}

fn check_object(name: &str, text: &str) -> Result<(), Problem> {
    serde_json::from_str::<Object>(text).map(|_| ()).map_err(|error| {
        if error.is_data() { wrong(name, "must be a JSON object") } else { not_json(name, &error) }
    })
}

fn not_json(name: &str, error: &serde_json::Error) -> Problem {
    // serde_json's own text may quote the input; the place is enough to find the mistake.
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let position = base::Position { line: count(error.line()), column: count(error.column()) };
    let why = if error.is_eof() { "the JSON ends too early" } else { "is not valid JSON" };
    let place = format!("{why} (line {}, column {})", position.line, position.column);
    wrong(name, &place).at(position)
}

/// `+` is a space, `%xx` a byte; a stray `%` stands for itself.
fn decode(encoded: &[u8], out: &mut Vec<u8>) {
    let hex = |b: Option<&u8>| b.and_then(|b| (*b as char).to_digit(16)).map(|d| d as u8);
    let mut at = 0;
    while at < encoded.len() {
        match encoded[at] {
            b'+' => out.push(b' '),
            b'%' => match (hex(encoded.get(at + 1)), hex(encoded.get(at + 2))) {
                (Some(high), Some(low)) => {
                    out.push(high << 4 | low);
                    at += 2;
                }
                _ => out.push(b'%'),
            },
            byte => out.push(byte),
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::Sid;

    fn input(text: &str) -> Input {
        Input::parse(text.as_bytes(), b"").unwrap()
    }

    #[test]
    fn fields_are_decoded_and_the_last_one_holds() {
        let fields = input("Name=J%C3%BCrg+M%26M&Name=b&Empty=&Bare&Stray=100%&A=%7B%7D");
        assert_eq!(fields.all("Name").collect::<Vec<_>>(), ["Jürg M&M", "b"]);
        assert_eq!(fields.text("Name"), Some("b"));
        assert_eq!((fields.raw("Empty"), fields.text("Empty")), (Some(""), None));
        assert_eq!((fields.raw("Bare"), fields.raw("Nothing")), (Some(""), None));
        assert_eq!(fields.text("Stray"), Some("100%"));
        assert_eq!(fields.text("A"), Some("{}"));
        assert!(Input::parse(b"A=%ff", b"").is_err());
        assert!(Input::parse(b"A=%c3&%bc=1", b"").is_err());
    }

    #[test]
    fn the_body_and_the_query_are_one() {
        let fields = Input::parse(b"A=1", b"B=2").unwrap();
        assert_eq!((fields.text("A"), fields.text("B")), (Some("1"), Some("2")));
    }

    #[test]
    fn a_wrong_type_names_its_field() {
        let fields = input("Flag=maybe&Number=7x&Big=99&Sid=WK1&When=soon&Attr=[1]&Bad={");
        let refused = |problem: Option<Problem>| problem.unwrap().0.message;
        assert!(refused(fields.bool("Flag").err()).contains("Flag"));
        assert!(refused(fields.int("Number", 0..=9).err()).contains("Number"));
        assert!(refused(fields.int("Big", 0..=9).err()).contains("between 0 and 9"));
        let no_limit = "must be a whole number, 0 or more";
        assert!(refused(fields.u32("Number").err()).ends_with(no_limit));
        assert!(refused(fields.int("Number", 0..=i64::MAX).err()).ends_with(no_limit));
        assert!(refused(fields.sid::<Sid>("Sid").err()).contains("Sid"));
        assert!(refused(fields.time("When").err()).contains("When"));
        assert!(refused(fields.attributes("Attr").err()).contains("JSON object"));
        let bad = fields.attributes("Bad").err().unwrap().0;
        assert_eq!(bad.position, Some(base::Position { line: 1, column: 1 }));
        assert!(refused(fields.required("Missing").err()).contains("Missing"));
    }

    #[test]
    fn booleans_are_read_as_people_write_them() {
        let fields = input("a=true&b=1&c=YES&d=false&e=0&f=No&g=");
        let read = |name| fields.bool(name).unwrap();
        assert_eq!([read("a"), read("b"), read("c")], [Some(true); 3]);
        assert_eq!([read("d"), read("e"), read("f")], [Some(false); 3]);
        assert_eq!([read("g"), read("h")], [None; 2]);
    }

    #[test]
    fn an_update_tells_absent_from_empty() {
        let fields = input("Url=&Name=x");
        assert_eq!(fields.patch("Url"), Patch::Clear);
        assert_eq!(fields.patch("Name"), Patch::Set("x".into()));
        assert_eq!(fields.patch("Other"), Patch::Keep);
    }

    #[test]
    fn attributes_are_kept_byte_for_byte() {
        let fields = input("A=%7B%20%22n%22%3A+1.0%2C%22n%22%3A2+%7D");
        assert_eq!(fields.attributes("A").unwrap().unwrap().text(), r#"{ "n": 1.0,"n":2 }"#);
    }
}
