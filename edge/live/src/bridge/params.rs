//! The parameters of a request: JSON values of any kind, read as what the operation expects.
//!
//! * The library sends numbers, booleans and texts as it likes; null is the same as absent.
//! * A document (attributes) comes as an object or as text. Either way the text that was sent is
//!   kept byte for byte: no key changes place, no number changes its digits.

use crate::answer::Trouble;
use base::{Attributes, Timestamp};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::{collections::BTreeMap, str::FromStr};

/// Parameters by name, each as the text it was sent as.
#[derive(Default, Deserialize)]
#[serde(transparent)]
pub(crate) struct Params(BTreeMap<String, Box<RawValue>>);

impl Params {
    fn raw(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|value| value.get()).filter(|text| *text != "null")
    }

    /// A text, number or boolean as text.
    pub(crate) fn text(&self, name: &str) -> Result<Option<String>, Trouble> {
        let Some(raw) = self.raw(name) else { return Ok(None) };
        match raw.as_bytes().first() {
            Some(b'"') => Ok(Some(unquoted(raw))),
            Some(b'{' | b'[') => Err(Trouble::invalid(format!("{name} must be a text"))),
            _ => Ok(Some(raw.to_owned())),
        }
    }

    /// A text that something can be made of.
    pub(crate) fn parsed<T: FromStr>(&self, name: &str) -> Result<Option<T>, Trouble>
    where
        T::Err: std::fmt::Display,
    {
        let Some(text) = self.text(name)?.filter(|text| !text.is_empty()) else { return Ok(None) };
        let parsed = text.parse().map_err(|error| Trouble::invalid(format!("{name}: {error}")));
        parsed.map(Some)
    }

    /// The same where it has to be there.
    pub(crate) fn required<T: FromStr>(&self, name: &str) -> Result<T, Trouble>
    where
        T::Err: std::fmt::Display,
    {
        self.parsed(name)?.ok_or_else(|| Trouble::invalid(format!("{name} is required")))
    }

    /// `true` or `false`.
    pub(crate) fn flag(&self, name: &str) -> Result<Option<bool>, Trouble> {
        match self.text(name)?.as_deref() {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(_) => Err(Trouble::invalid(format!("{name} must be true or false"))),
        }
    }

    /// An ISO 8601 time.
    pub(crate) fn time(&self, name: &str) -> Result<Option<Timestamp>, Trouble> {
        self.parsed(name)
    }

    /// A document: the object as it was sent, or the text it was wrapped in.
    pub(crate) fn attributes(&self, name: &str) -> Result<Option<Attributes>, Trouble> {
        let Some(raw) = self.raw(name) else { return Ok(None) };
        let text = if raw.starts_with('"') { unquoted(raw) } else { raw.to_owned() };
        let checked = Attributes::new(text);
        checked.map(Some).map_err(|error| Trouble::invalid(format!("{name}: {error}")))
    }
}

fn unquoted(raw: &str) -> String {
    serde_json::from_str(raw).expect("a raw value is valid JSON")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(json: &str) -> Params {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn a_document_keeps_every_byte() {
        let object = r#"{"z":1.50,"a":{"é":"\u00e9"},"n":12345678901234567890123}"#;
        let sent = params(&format!(r#"{{"Attributes":{object}}}"#));
        assert_eq!(sent.attributes("Attributes").unwrap().unwrap().text(), object);
        let wrapped = serde_json::to_string(object).unwrap();
        let sent = params(&format!(r#"{{"Attributes":{wrapped}}}"#));
        assert_eq!(sent.attributes("Attributes").unwrap().unwrap().text(), object);
    }

    #[test]
    fn values_are_read_as_what_is_expected() {
        let sent = params(r#"{"n":7,"t":"x","yes":true,"no":"false","nil":null,"o":{}}"#);
        assert_eq!(sent.parsed::<u32>("n").unwrap(), Some(7));
        assert_eq!(sent.text("t").unwrap().as_deref(), Some("x"));
        assert_eq!(sent.flag("yes").unwrap(), Some(true));
        assert_eq!(sent.flag("no").unwrap(), Some(false));
        assert_eq!(sent.text("nil").unwrap(), None);
        assert_eq!(sent.text("absent").unwrap(), None);
        assert!(sent.text("o").is_err() && sent.flag("t").is_err());
        assert!(sent.parsed::<u32>("t").is_err());
    }
}
