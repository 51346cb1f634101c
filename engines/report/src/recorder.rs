//! The running counters of one workspace, and how they become rows.
//!
//! * Facts are counted into their minute at once. A minute that is over is written, many scopes a
//!   row, and then added to its hour; an hour that is over is written, one row a scope.
//! * Rows are written in small portions. What is written counts only once its whole minute or hour
//!   is: until then a restart writes the same rows again.
//! * Without facts nothing is written. Times are those of turns, which never go back.

use crate::{
    Channels, Fact, HOUR, MINUTE, Scopes,
    counters::{count, merge},
};
use base::{Millis, Sid, Timestamp};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    ops::{Bound, Range},
};

/// How far rows go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Facts of minutes before this one (counted from 1970) are in rows.
    pub minutes_until: i64,
    /// Minutes of hours before this one are in rows of hours.
    pub hours_until: i64,
}

/// A row to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RollUp {
    /// Some scopes of a minute: see [`minute_key`].
    Minute {
        /// Its key.
        key: String,
        /// When what it counts began.
        began_at: Timestamp,
        /// Of JSON.
        body: String,
    },
    /// One scope of an hour: see [`hour_key`].
    Hour {
        /// Its key.
        key: String,
        /// When what it counts began.
        began_at: Timestamp,
        /// Of JSON.
        body: String,
    },
    /// How far rows go with this portion.
    Progress(Progress),
}

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorder {
    workspace: Sid,
    /// Minutes that are not in rows.
    minutes: BTreeMap<i64, Scopes>,
    /// Sums of minutes that are, by hours that are not.
    hours: BTreeMap<i64, Scopes>,
    progress: Progress,
    /// Of the oldest minute or hour, the scopes up to this one are written.
    written: Option<Sid>,
    /// When the last portion was written.
    wrote_at: Timestamp,
}

/// Scopes in a row of a minute.
const CHUNK: usize = 32;
/// Rows of a portion.
const PORTION: usize = 32;
/// Between the end of a minute and its first portion: what happens by itself comes first.
const GRACE: Millis = Millis(1_000);
/// Between two portions.
const PACE: Millis = Millis(20);
const MINUTES: i64 = HOUR / MINUTE;

impl Recorder {
    /// Nothing has been counted in a workspace (`WS…`).
    pub fn new(workspace: Sid) -> Self {
        Self {
            workspace,
            minutes: BTreeMap::new(),
            hours: BTreeMap::new(),
            progress: Progress::default(),
            written: None,
            wrote_at: Timestamp(i64::MIN / 2),
        }
    }

    /// Goes on from rows. What is to follow: the minutes of [`Recorder::minutes_wanted`], then the
    /// facts from [`Recorder::facts_wanted`] on.
    pub fn restore(workspace: Sid, progress: Progress) -> Self {
        Self { progress, ..Self::new(workspace) }
    }

    /// Minutes whose rows belong to hours that are not written.
    pub fn minutes_wanted(&self) -> Range<i64> {
        self.progress.hours_until * MINUTES..self.progress.minutes_until
    }

    /// The time of the first fact that is not in rows.
    pub fn facts_wanted(&self) -> Timestamp {
        Timestamp(self.progress.minutes_until * MINUTE)
    }

    /// Takes back a row of a minute.
    pub fn take_minute(&mut self, minute: i64, scopes: Scopes) {
        merge(self.hours.entry(minute.div_euclid(MINUTES)).or_default(), scopes);
    }

    /// Counts the facts of a turn.
    pub fn add(&mut self, at: Timestamp, facts: &[Fact]) {
        if !facts.is_empty() {
            let minute = at.0.div_euclid(MINUTE).max(self.progress.minutes_until);
            count(self.minutes.entry(minute).or_default(), self.workspace, facts);
        }
    }

    /// How far rows go when asked at `now`: what is neither counted here nor in a row did not
    /// happen.
    pub fn complete(&self, now: Timestamp) -> Progress {
        let minute = self.minutes.first_key_value().map(|(minute, _)| *minute);
        let hour = self.hours.first_key_value().map(|(hour, _)| *hour);
        let minutes_until = minute.unwrap_or(i64::MAX).min(now.0.div_euclid(MINUTE));
        let hours_until = hour.unwrap_or(i64::MAX).min(minutes_until.div_euclid(MINUTES));
        Progress { minutes_until, hours_until }
    }

    /// What these scopes counted in minutes that are not in rows, by minute.
    pub fn running(&self, minutes: Range<i64>, scopes: &[Sid]) -> Vec<(i64, Scopes)> {
        if minutes.is_empty() {
            return Vec::new();
        }
        let found = self.minutes.range(minutes).map(|(minute, all)| {
            let asked = scopes.iter().filter_map(|scope| Some((*scope, all.get(scope)?.clone())));
            (*minute, asked.collect())
        });
        found.collect()
    }

    /// When the next portion is to be written.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        let minute = self.minutes.first_key_value().map(|(minute, _)| (minute + 1) * MINUTE);
        let hour = self.hours.first_key_value().map(|(hour, _)| (hour + 1) * HOUR);
        let over = minute.into_iter().chain(hour).min()?;
        Some((Timestamp(over) + GRACE).max(self.wrote_at + PACE))
    }

    /// The next portion, if one is due.
    pub fn portion(&mut self, now: Timestamp) -> Vec<RollUp> {
        let mut rows = Vec::new();
        if self.next_deadline().is_none_or(|at| at > now) {
            return rows;
        }
        self.wrote_at = now;
        let minute = self.minutes.first_key_value().map(|(minute, _)| *minute);
        let hour = self.hours.first_key_value().map(|(hour, _)| *hour);
        match (minute, hour) {
            (Some(minute), Some(hour)) if minute >= (hour + 1) * MINUTES => {
                self.write_hour(hour, &mut rows);
            }
            (Some(minute), _) => self.write_minute(minute, &mut rows),
            (None, Some(hour)) => self.write_hour(hour, &mut rows),
            (None, None) => {}
        }
        rows
    }

    fn write_minute(&mut self, minute: i64, rows: &mut Vec<RollUp>) {
        let Some(scopes) = self.minutes.get(&minute) else { return };
        let mut rest = scopes.range(behind(self.written)).peekable();
        while rows.len() < PORTION && rest.peek().is_some() {
            let chunk: BTreeMap<&Sid, &Channels> = rest.by_ref().take(CHUNK).collect();
            let first = chunk.first_key_value().map(|(first, _)| **first);
            let last = chunk.last_key_value().map(|(last, _)| **last);
            let key = minute_key(minute, first.expect("somebody is in the chunk"));
            let began_at = Timestamp(minute * MINUTE);
            rows.push(RollUp::Minute { key, began_at, body: text(&chunk) });
            self.written = last;
        }
        if rest.peek().is_none() {
            let scopes = self.minutes.remove(&minute).unwrap_or_default();
            self.take_minute(minute, scopes);
            self.written = None;
            self.progress.minutes_until = minute + 1;
            rows.push(RollUp::Progress(self.progress));
        }
    }

    fn write_hour(&mut self, hour: i64, rows: &mut Vec<RollUp>) {
        let Some(scopes) = self.hours.get(&hour) else { return };
        let mut rest = scopes.range(behind(self.written)).peekable();
        for (scope, channels) in rest.by_ref().take(PORTION) {
            let (key, began_at) = (hour_key(*scope, hour), Timestamp(hour * HOUR));
            rows.push(RollUp::Hour { key, began_at, body: text(channels) });
            self.written = Some(*scope);
        }
        if rest.peek().is_none() {
            self.hours.remove(&hour);
            self.written = None;
            self.progress.hours_until = hour + 1;
            self.progress.minutes_until = self.progress.minutes_until.max((hour + 1) * MINUTES);
            rows.push(RollUp::Progress(self.progress));
        }
    }
}

/// The key of a row with some scopes of a minute, by the first of them.
pub fn minute_key(minute: i64, first: Sid) -> String {
    format!("m{minute:010}-{first}")
}

/// The minute of such a key.
pub fn minute_of_key(key: &str) -> Option<i64> {
    key.strip_prefix('m')?.split_once('-')?.0.parse().ok()
}

/// The key of a row with one scope of an hour.
pub fn hour_key(scope: Sid, hour: i64) -> String {
    format!("h{scope}-{hour:08}")
}

/// What one scope counted, out of a row with several.
pub fn in_chunk(body: &str, scope: Sid) -> Result<Option<Channels>, serde_json::Error> {
    let chunk: BTreeMap<Sid, &serde_json::value::RawValue> = serde_json::from_str(body)?;
    chunk.get(&scope).map(|channels| serde_json::from_str(channels.get())).transpose()
}

fn behind(written: Option<Sid>) -> (Bound<Sid>, Bound<Sid>) {
    (written.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded)
}

fn text(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("counters are plain data")
}

#[cfg(test)]
mod tests;
