//! What is old is forgotten, nothing else is, what is kept of it goes on with the journal behind
//! it, and of a workspace that ended nothing is left but its newest entry.

use super::Checks;
use base::{Millis, Sid, Timestamp};
use host::{Retention, adapters::RoutingEngine, engine::Engine, retention::Forgetting, tables};
use routing::WorkspaceSid;
use serde_json::Value as Json;
use std::collections::BTreeSet;
use store::{Committer, MemoryStore, Partition, Row, Scan, Store, Table, Value};

/// More portions than any seed has.
const PORTIONS_MAX: usize = 10_000;
/// What is as old as the bound, give or take this, may be there or not.
const SLACK: Millis = Millis(1_000);
/// Old entries may wait until they are older than they have to be by such a part of their time.
const ENTRIES_SPARE: i64 = 30;
/// Tables of which something is forgotten while the workspace lives.
const AGED: [&Table; 6] = [
    &tables::EVENT,
    &tables::TASK,
    &tables::DELIVERY,
    &tables::RESERVATION,
    &tables::STATISTIC,
    &tables::STAY,
];
const CHECKER: &str = "what is old is forgotten, and nothing else";

impl Checks {
    /// Forgets what is old by now, portion by portion, and looks at what is left.
    pub(crate) fn grow_old(&mut self, now: Timestamp, retention: Retention) {
        for known in self.memory.partitions().expect("memory can be read") {
            let rows = rows(&self.memory, &known);
            let entries = entries(&self.memory, &known);
            let portions = forget(&self.memory, &known, now, retention);
            if portions >= PORTIONS_MAX {
                self.fail("forgetting comes to an end", format!("of {}", known.id));
            }
            let Ok(workspace) = known.id.parse::<WorkspaceSid>() else { continue };
            self.counting.gone(workspace);
            self.log.gone(workspace);
            if self.places.contains_key(&workspace) {
                let bound = now + Millis(-retention.history.0);
                let kept = wrong_row(&self.memory, &known, &rows, bound);
                let kept =
                    kept.or_else(|| wrong_entry(&self.memory, &known, &entries, (now, retention)));
                if let Some(what) = kept {
                    self.fail(CHECKER, format!("{what} in {}", known.id));
                }
                self.compare_beginning(workspace);
            } else if let Some(what) = left_over(&self.memory, &known) {
                self.fail("nothing is left of a workspace that ended", what);
            }
        }
    }
}

fn forget(memory: &MemoryStore, known: &Partition, now: Timestamp, retention: Retention) -> usize {
    let mut committer = memory.memory_committer();
    let mut forgetting = Forgetting::of(known.clone(), retention);
    for done in 0..PORTIONS_MAX {
        let next = forgetting.portion::<RoutingEngine>(memory, now).expect("memory can be read");
        let Some((forget, _)) = next else { return done };
        committer.forget(&forget).expect("memory takes everything");
    }
    PORTIONS_MAX
}

type Rows = Vec<(&'static Table, Row)>;

fn rows(memory: &MemoryStore, known: &Partition) -> Rows {
    let all = RoutingEngine::TABLES.iter().chain(RoutingEngine::LOGS);
    let of = |table: &'static Table| {
        let scan = Scan { limit: usize::MAX, ..Scan::of(table, known.id.clone()) };
        let rows = memory.scan(&scan).expect("memory can be read");
        rows.into_iter().map(move |row| (table, row))
    };
    all.flat_map(|table| of(table)).collect()
}

fn entries(memory: &MemoryStore, known: &Partition) -> Vec<(u64, Timestamp)> {
    let all = memory.journal(&known.id, 0, usize::MAX).expect("memory can be read");
    all.iter().map(|entry| (entry.seq, entry.at)).collect()
}

/// A row that should have gone, or one that should have stayed.
fn wrong_row(
    memory: &MemoryStore,
    known: &Partition,
    before: &Rows,
    bound: Timestamp,
) -> Option<String> {
    let after = rows(memory, known);
    let left: BTreeSet<_> = after.iter().map(|(table, row)| (table.name, &*row.key)).collect();
    before.iter().find_map(|(table, row)| {
        let is_left = left.contains(&(table.name, &*row.key));
        let wanted = is_kept(table, row, bound)?;
        (wanted != is_left).then(|| {
            let (name, key) = (table.name, &row.key);
            format!("{key} of table {name} is to be kept: {wanted}, is there: {is_left}")
        })
    })
}

/// Whether a row is to stay; `None` for one that is just as old as the bound.
fn is_kept(table: &Table, row: &Row, bound: Timestamp) -> Option<bool> {
    if table.name == tables::BEGINNING.name {
        return None;
    }
    if !AGED.iter().any(|aged| aged.name == table.name) {
        return Some(true);
    }
    let body: Json = serde_json::from_str(&row.body).expect("rows are JSON");
    let word = |key: &str| body[key].as_str().unwrap_or_default().to_owned();
    let time = |key: &str| body[key].as_i64().map(Timestamp);
    let column = || match row.values.first() {
        Some(Value::Int(at)) => Some(Timestamp(*at)),
        _ => None,
    };
    let at = match table.name {
        "task" => time("ended_at"),
        "reservation" => match word("status").as_str() {
            "pending" | "accepted" | "wrapping" => None,
            _ => time("created_at"),
        },
        "delivery" => match word("status").as_str() {
            "pending" | "retrying" => None,
            _ => time("created_at"),
        },
        // The hour that the bound lies in is needed for what comes after it.
        "statistic" => column().map(|began_at| began_at + Millis(report::HOUR)),
        "stay" => column(),
        _ => row.key.parse::<Sid>().ok().map(made_at),
    };
    // What lives is kept however old it is.
    let Some(at) = at else { return Some(true) };
    ((at - bound).0.abs() > SLACK.0).then_some(at > bound)
}

/// SIDs begin with the milliseconds they were made at.
fn made_at(sid: Sid) -> Timestamp {
    Timestamp((sid.body() >> 80) as i64)
}

fn wrong_entry(
    memory: &MemoryStore,
    known: &Partition,
    before: &[(u64, Timestamp)],
    (now, retention): (Timestamp, Retention),
) -> Option<String> {
    let bound = now + Millis(-retention.journal.0);
    let spare = Millis(retention.journal.0 / ENTRIES_SPARE);
    let after: BTreeSet<u64> = entries(memory, known).into_iter().map(|(seq, _)| seq).collect();
    let newest = before.last().map(|(_, at)| *at);
    before.iter().find_map(|(seq, at)| {
        let is_near = *at <= bound + SLACK && bound <= *at + spare + SLACK;
        // Of the newest instant nothing goes.
        let wanted = *at > bound || Some(*at) == newest;
        (!is_near && wanted != after.contains(seq))
            .then(|| format!("entry {seq} of the journal is to be kept: {wanted}"))
    })
}

fn left_over(memory: &MemoryStore, known: &Partition) -> Option<String> {
    if let Some((table, row)) = rows(memory, known).first() {
        return Some(format!("{} of table {} in {}", row.key, table.name, known.id));
    }
    let entries = entries(memory, known).len();
    (entries > 1).then(|| format!("{entries} entries and more of {}", known.id))
}
