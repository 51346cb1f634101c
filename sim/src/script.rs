//! What happened, one line each, as a script a person can read: names instead of SIDs, seconds
//! instead of timestamps. Two runs of one seed must give the same text.

use base::Timestamp;
use std::{collections::BTreeMap, fmt::Write};

/// The text so far.
#[derive(Debug)]
pub(crate) struct Script {
    start: Timestamp,
    text: String,
    lines: Vec<usize>,
    names: BTreeMap<String, String>,
    counts: BTreeMap<&'static str, u32>,
    echo: Echo,
}

/// Whether lines are printed as they come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Echo {
    /// Only kept.
    #[default]
    Silent,
    /// Printed too.
    Print,
}

impl Script {
    /// Nothing has happened; seconds count from `start`.
    pub(crate) fn new(start: Timestamp, echo: Echo) -> Self {
        let (names, counts) = (BTreeMap::new(), BTreeMap::new());
        Self { start, text: String::new(), lines: Vec::new(), names, counts, echo }
    }

    /// Adds a line.
    pub(crate) fn say(&mut self, now: Timestamp, what: &str) {
        let since = (now - self.start).0;
        self.lines.push(self.text.len());
        let before = self.text.len();
        writeln!(self.text, "at {:>4}.{:03}s  {what}", since / 1_000, since % 1_000)
            .expect("a string takes all");
        if self.echo == Echo::Print {
            print!("{}", &self.text[before..]);
        }
    }

    /// A short name for a SID: T12, R3, W1. The first mention gives it.
    pub(crate) fn name(&mut self, sid: impl ToString) -> String {
        let sid = sid.to_string();
        if let Some(name) = self.names.get(&sid) {
            return name.clone();
        }
        let letter = match sid.get(..2) {
            Some("WS") => "workspace",
            Some("WA") => "A",
            Some("TC") => "C",
            Some("WK") => "W",
            Some("WC") => "WC",
            Some("WQ") => "Q",
            Some("WW") => "F",
            Some("WT") => "T",
            Some("WR") => "R",
            _ => "X",
        };
        let count = self.counts.entry(letter).or_insert(0);
        *count += 1;
        let name = format!("{letter}{count}");
        self.names.insert(sid, name.clone());
        name
    }

    /// Everything.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The last lines.
    pub(crate) fn tail(&self, lines: usize) -> &str {
        let from = self.lines.len().saturating_sub(lines);
        self.lines.get(from).map_or("", |at| &self.text[*at..])
    }

    /// SIDs in a text replaced by their names, as far as they have one.
    pub(crate) fn named(&self, text: &str) -> String {
        let mut out = text.to_owned();
        for (sid, name) in &self.names {
            if out.contains(sid.as_str()) {
                out = out.replace(sid.as_str(), name);
            }
        }
        out
    }
}
