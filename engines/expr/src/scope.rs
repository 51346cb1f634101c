//! What an expression may ask for while it is evaluated.

use base::{Sid, Timestamp};
use serde_json::Value;
use std::collections::BTreeMap;

/// Everything an expression can see. Start from [`Scope::default`], which is empty, and set what
/// the place has: `Scope { task: &task, now, ..Scope::default() }`.
#[derive(Clone, Copy)]
pub struct Scope<'a> {
    /// The task's attributes; for a live query, the item.
    pub task: &'a Value,
    /// The worker's attributes.
    pub worker: &'a Value,
    /// The worker's built-in fields.
    pub facts: &'a dyn WorkerFacts,
    /// The counts `skip_if` sees.
    pub workers: Option<&'a WorkerCounts>,
    /// The time of `taskrouter.*`.
    pub now: Timestamp,
    /// The opening hours of `schedule.*`.
    pub schedules: &'a dyn Schedules,
}

pub(crate) static NOTHING: Value = Value::Null;

/// No task, no worker, no counts, no schedules, at the beginning of 1970.
impl Default for Scope<'_> {
    fn default() -> Self {
        Self {
            task: &NOTHING,
            worker: &NOTHING,
            facts: &NoFacts,
            workers: None,
            now: Timestamp(0),
            schedules: &NoSchedules,
        }
    }
}

/// The built-in fields of one worker.
pub trait WorkerFacts {
    /// The value of `field`, [`Fact::Null`] where the worker has none.
    fn fact(&self, field: &WorkerField) -> Fact<'_>;
}

/// A built-in field of a worker, which wins over an attribute of the same name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WorkerField {
    /// `sid`.
    Sid,
    /// `friendly_name`.
    FriendlyName,
    /// `activity_sid`.
    ActivitySid,
    /// `activity_name`.
    ActivityName,
    /// `assigned_tasks`: the accepted tasks on all channels.
    AssignedTasks,
    /// `channel.<name>.<what>`.
    Channel {
        /// The channel's unique name.
        name: Box<str>,
        /// Which of its fields.
        what: ChannelField,
    },
}

/// A field of one of a worker's channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChannelField {
    /// `configured_capacity`.
    ConfiguredCapacity,
    /// `assigned_tasks`: accepted only.
    AssignedTasks,
    /// `available_capacity_percentage`: pending, accepted and wrapping are used.
    AvailableCapacityPercentage,
}

/// The value of a [`WorkerField`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fact<'a> {
    /// There is none.
    Null,
    /// A name.
    Text(&'a str),
    /// A SID, which an expression sees as its 34 characters.
    Sid(Sid),
    /// A count or a percentage.
    Number(i64),
}

/// A worker without built-in fields.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoFacts;

impl WorkerFacts for NoFacts {
    fn fact(&self, _: &WorkerField) -> Fact<'_> {
        Fact::Null
    }
}

/// How many members of a queue are in which activity.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WorkerCounts {
    /// In an available activity.
    pub available: i64,
    /// In an unavailable activity.
    pub unavailable: i64,
    /// In each activity; one that is not listed has none.
    pub by_activity: BTreeMap<Sid, i64>,
}

/// Opening hours by name.
pub trait Schedules {
    /// Whether the schedule is open now, `None` where there is none of that name.
    fn open(&self, name: &str) -> Option<bool>;
}

/// No schedules at all.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoSchedules;

impl Schedules for NoSchedules {
    fn open(&self, _: &str) -> Option<bool> {
        None
    }
}

/// Schedules whose state is known.
impl Schedules for BTreeMap<String, bool> {
    fn open(&self, name: &str) -> Option<bool> {
        self.get(name).copied()
    }
}
