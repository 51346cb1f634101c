//! Fields that look the same everywhere: dates and links.

use base::Timestamp;
use serde::{Serialize, Serializer, ser::SerializeMap};

/// A date as REST writes it: ISO 8601 with whole seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Iso(pub Timestamp);

impl Serialize for Iso {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// A date as the bridge writes it: whole seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Secs(pub Timestamp);

impl Serialize for Secs {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(self.0.epoch_secs())
    }
}

/// Related resources by name, as absolute URLs, in the order they were added.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Links(Vec<(&'static str, String)>);

impl Links {
    /// Adds one.
    #[must_use]
    pub(crate) fn to(mut self, name: &'static str, url: String) -> Self {
        self.0.push((name, url));
        self
    }

    /// Adds one where there is something to link to.
    #[must_use]
    pub(crate) fn maybe(self, name: &'static str, url: Option<String>) -> Self {
        match url {
            Some(url) => self.to(name, url),
            None => self,
        }
    }
}

impl Serialize for Links {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, url) in &self.0 {
            map.serialize_entry(name, url)?;
        }
        map.end()
    }
}
