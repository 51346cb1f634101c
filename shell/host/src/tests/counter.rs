//! A tiny engine for tests: named counters, timers that add, and commands that panic.

use crate::{
    engine::{Engine, Loaded, Notice, Stop},
    hub::{Announced, Topic},
    outlets::Outlets,
};
use base::{Millis, Timestamp, Turn};
use routing::{Event, EventKind, WorkspaceSid};
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};
use store::{
    Batch, Column, ColumnKind, Entry, PartitionId, RowContent, RowWrite, Store, StoreError,
    StoredChange, Table,
};

pub(super) static COUNTER: Table = Table {
    name: "counter",
    columns: &[Column { name: "value", kind: ColumnKind::Int, changes: true }],
    indexes: &[],
    live: None,
};

/// The workspace in which a counter's events are announced.
pub(super) const HOME: WorkspaceSid = WorkspaceSid::new(7);

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Counter {
    values: BTreeMap<String, Entity>,
    touched: Vec<String>,
    began: bool,
}

#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub(super) struct Entity {
    value: i64,
    timer: Option<(Timestamp, i64)>,
    seen: Vec<Timestamp>,
}

#[derive(Clone, Debug)]
pub(super) enum Command {
    Add(&'static str, i64),
    /// Adds after a while, and then again after the same while, so many times.
    Later(&'static str, Millis, i64),
    Refuse,
    /// Panics as long as this is above zero.
    Panic(Arc<AtomicUsize>),
    /// Its timer panics.
    Bomb(&'static str, Millis),
    End,
}

#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub(super) enum Change {
    Added(String, i64, Timestamp),
    Timer(String, Option<(Timestamp, i64)>),
    Ended,
}

const BOMB: i64 = -13;

impl Counter {
    fn record(&mut self, turn: &mut Turn<'_, Change, ()>, change: Change) {
        self.apply(&change);
        turn.changes.push(change);
        turn.effects.push(());
    }

    fn apply(&mut self, change: &Change) {
        self.began = true;
        match change {
            Change::Added(name, by, at) => {
                let entity = self.values.entry(name.clone()).or_default();
                entity.value += by;
                entity.seen.push(*at);
                self.touched.push(name.clone());
            }
            Change::Timer(name, timer) => {
                self.values.entry(name.clone()).or_default().timer = *timer;
                self.touched.push(name.clone());
            }
            Change::Ended => {
                self.touched.extend(std::mem::take(&mut self.values).into_keys());
                self.began = false;
            }
        }
    }
}

impl Engine for Counter {
    const KIND: &'static str = "counter";
    type Command = Command;
    type Reply = i64;
    type Rejection = &'static str;
    type Question = &'static str;
    type Answer = (i64, Vec<Timestamp>);
    type Change = Change;
    type Event = ();
    const TABLES: &'static [&'static Table] = &[&COUNTER];

    fn empty(_: &PartitionId) -> Self {
        Self::default()
    }

    fn restore(_: &PartitionId, rows: &mut dyn Iterator<Item = Loaded>) -> Result<Self, String> {
        let mut counter = Self::default();
        for row in rows.flat_map(|loaded| loaded.rows) {
            let entity = serde_json::from_str(&row.body).map_err(|error| error.to_string())?;
            counter.values.insert(row.key.into(), entity);
            counter.began = true;
        }
        Ok(counter)
    }

    fn handle(
        &mut self,
        turn: &mut Turn<'_, Change, ()>,
        command: &Command,
    ) -> Result<i64, Stop<&'static str>> {
        match command {
            Command::Add(name, by) => {
                self.record(turn, Change::Added((*name).to_owned(), *by, turn.now));
                Ok(self.values[*name].value)
            }
            Command::Later(name, after, times) => {
                let timer = Some((turn.now + *after, after.0 << 8 | *times));
                self.record(turn, Change::Timer((*name).to_owned(), timer));
                Ok(0)
            }
            Command::Refuse => Err(Stop::Rejected("refused")),
            Command::Panic(times) => {
                let left =
                    times.fetch_update(Ordering::AcqRel, Ordering::Acquire, |n| n.checked_sub(1));
                self.values.clear();
                assert!(left.is_err(), "asked to panic");
                Ok(-1)
            }
            Command::Bomb(name, after) => {
                let timer = Some((turn.now + *after, BOMB));
                self.record(turn, Change::Timer((*name).to_owned(), timer));
                Ok(0)
            }
            Command::End => {
                self.record(turn, Change::Ended);
                Ok(0)
            }
        }
    }

    fn expire(&mut self, turn: &mut Turn<'_, Change, ()>) {
        while let Some((at, name)) = self.due()
            && at <= turn.now
        {
            let plan = self.values[&name].timer.expect("it is due").1;
            assert!(plan != BOMB, "a timer that panics");
            let (after, left) = (plan >> 8, (plan & 0xff) - 1);
            let next = (left > 0).then(|| (turn.now + Millis(after), after << 8 | left));
            self.record(turn, Change::Timer(name.clone(), next));
            self.record(turn, Change::Added(name, 1, turn.now));
            if after == 0 {
                // A portion of long work: the rest is left over.
                return;
            }
        }
    }

    fn next_deadline(&self) -> Option<Timestamp> {
        self.due().map(|(at, _)| at)
    }

    fn ask(&self, name: &&'static str, _: Timestamp) -> Result<Self::Answer, &'static str> {
        let entity = self.values.get(*name).ok_or("unknown")?;
        Ok((entity.value, entity.seen.clone()))
    }

    fn rows(&mut self, rows: &mut Vec<RowWrite>) {
        let mut touched = std::mem::take(&mut self.touched);
        touched.sort();
        touched.dedup();
        for name in touched {
            let content = self.values.get(&name).map(|entity| RowContent {
                values: vec![entity.value.into()],
                body: serde_json::to_string(entity).unwrap(),
            });
            rows.push(RowWrite { table: &COUNTER, key: name.into(), content });
        }
    }

    fn stored(change: &Change) -> StoredChange {
        let body = serde_json::to_string(change).unwrap();
        StoredChange { kind: "change", body }
    }

    fn replay(&mut self, entry: &Entry) -> Result<(), String> {
        self.apply(&serde_json::from_str(&entry.body).map_err(|error| error.to_string())?);
        self.touched.clear();
        Ok(())
    }

    fn is_over(&self) -> bool {
        !self.began
    }

    fn ends(command: &Command) -> bool {
        matches!(command, Command::End)
    }

    fn name(command: &Command) -> &'static str {
        match command {
            Command::Add(..) => "Add",
            Command::Later(..) => "Later",
            Command::Refuse => "Refuse",
            Command::Panic(_) => "Panic",
            Command::Bomb(..) => "Bomb",
            Command::End => "End",
        }
    }

    fn fingerprint(command: &Command) -> u64 {
        crate::adapters::hash(Self::name(command))
    }

    fn notices(&mut self, _: &PartitionId, changes: &[Change], _: Vec<()>) -> Vec<Notice> {
        let told = changes.iter().map(|change| {
            let at = match change {
                Change::Added(_, by, _) => Timestamp(*by),
                Change::Timer(..) | Change::Ended => Timestamp(0),
            };
            let event = Event {
                sid: routing::EventSid::new(1),
                kind: EventKind::TaskCreated,
                at,
                task: None,
                reservation: None,
                worker: None,
                worker_channel: None,
                transfer: None,
                setting: None,
                before: None,
            };
            let announced = Arc::new(Announced { workspace: HOME, event });
            Notice::Event { topics: vec![Topic::Workspace(HOME)], announced }
        });
        told.collect()
    }

    fn observe(_: &Outlets, _: &Batch, _: &[Change]) {}

    fn reveal(&self, _: &Outlets, _: &dyn Store, _: &PartitionId) -> Result<(), StoreError> {
        Ok(())
    }

    fn digest(&self) -> String {
        format!("{:?}", self.values)
    }

    fn check(&self) {}
}

impl Counter {
    fn due(&self) -> Option<(Timestamp, String)> {
        let timers = self.values.iter();
        timers.filter_map(|(name, entity)| Some((entity.timer?.0, name.clone()))).min()
    }
}
