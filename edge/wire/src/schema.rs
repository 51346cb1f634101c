//! Shapes as values, for the OpenAPI document: one property a line.

/// The shape of one resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schema {
    /// The published component's name.
    pub name: &'static str,
    /// In the order they are written.
    pub properties: &'static [Property],
}

/// One property.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Property {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
}

/// What a property holds. All but numbers and words may be null.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Any text.
    Text,
    /// A SID with these two letters.
    Sid(&'static str),
    /// A SID of any kind.
    AnySid,
    /// A date: ISO 8601 with whole seconds.
    Date,
    /// A URL.
    Url,
    /// URLs by name.
    Urls,
    /// A whole number.
    Integer,
    /// Milliseconds since 1970.
    Millis,
    /// True or false.
    Boolean,
    /// A list of anything.
    Array,
    /// Any JSON.
    Any,
    /// One word of a list.
    Word {
        /// The published enumeration's name.
        name: &'static str,
        /// The words.
        words: &'static [&'static str],
    },
}

impl Schema {
    /// The property of that name.
    pub fn property(&self, name: &str) -> Option<&'static Property> {
        self.properties.iter().find(|property| property.name == name)
    }
}

pub(crate) const fn property(name: &'static str, kind: Kind) -> Property {
    Property { name, kind }
}

/// `FIFO` and `LIFO` under the name this resource publishes them.
pub(crate) const fn order(name: &'static str) -> Kind {
    Kind::Word { name, words: &["FIFO", "LIFO"] }
}

/// The states of a task.
pub(crate) const TASK_STATUS: Kind = Kind::Word {
    name: "task_enum_status",
    words: &["pending", "reserved", "assigned", "canceled", "completed", "wrapping"],
};

/// The states of a reservation under the name this resource publishes them.
pub(crate) const fn reservation_status(name: &'static str) -> Kind {
    Kind::Word {
        name,
        words: &[
            "pending",
            "accepted",
            "rejected",
            "timeout",
            "canceled",
            "rescinded",
            "wrapping",
            "completed",
        ],
    }
}
