//! What must hold, whatever goes wrong. The first promise that is broken ends the run.
//!
//! * `place`: the durable rows, parsed, batch by batch; offers and capacities are judged on them.
//! * `rules`: rules across channels, and transfers, on the same rows.
//! * `ledger`: what callers were told is durable, at that moment and for good.
//! * `hearing`: events come after their rows, once, and none is left out.
//! * `counting`: what came is what left and what waits; statistics are their facts.
//! * `log`: every durable turn's events are in the log once and in order, and are heard as logged.
//! * `agreement`: rows, journal and running engine say the same.
//! * `order`: who is asked for, and who goes first, on the same rows.
//! * `telling`: what is to be told outside is written with what it tells of, and told in the end.
//! * `age`: what is old is forgotten, and nothing of what ended is left.
//! * `watching`: whoever follows live queries ends with what the rows say.
//! * `liveness`: once nothing goes wrong any more, what can be offered is offered.

mod age;
mod agreement;
mod counting;
mod hearing;
mod ledger;
mod liveness;
mod log;
mod order;
mod place;
mod rules;
mod telling;
mod watching;

pub use liveness::GRACE;
pub(crate) use place::Place;

use base::Timestamp;
use hearing::Hearing;
use host::outlets::Outlets;
use ledger::Ledger;
use routing::{ReservationSid, WorkspaceSid};
use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
};
use store::{Batch, MemoryStore, PartitionId, Seq, Store, StoredChange};

/// All checkers with what they remember. They outlive crashes.
pub(crate) struct Checks {
    /// The store below all faults.
    memory: MemoryStore,
    places: BTreeMap<WorkspaceSid, Place>,
    /// The newest change that was seen to be durable.
    applied: BTreeMap<PartitionId, Seq>,
    ledger: Ledger,
    counting: counting::Counting,
    log: log::Log,
    hearing: Hearing,
    telling: telling::Telling,
    watching: watching::Watching,
    shadows: BTreeMap<WorkspaceSid, agreement::Shadow>,
    since: liveness::Since,
    broken: Option<Broken>,
    counts: Counts,
    /// Changes that became durable, by kind.
    kinds: BTreeMap<&'static str, u64>,
    /// Durable changes that are not in the script yet.
    news: Vec<String>,
}

/// A promise that was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// Which checker saw it.
    pub checker: &'static str,
    /// What it saw.
    pub what: String,
}

/// How much there was to check.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Changes that became durable.
    pub changes: u64,
    /// Offers that became durable.
    pub offers: u64,
    /// Answers whose entity was looked up.
    pub answers: u64,
    /// Events that were heard.
    pub events: u64,
    /// Times the three truths were compared.
    pub comparisons: u64,
}

impl Checks {
    /// Nothing has happened.
    pub(crate) fn new(memory: MemoryStore) -> Self {
        Self {
            memory,
            places: BTreeMap::new(),
            applied: BTreeMap::new(),
            ledger: Ledger::default(),
            counting: counting::Counting::default(),
            log: log::Log::default(),
            hearing: Hearing::default(),
            telling: telling::Telling::default(),
            watching: watching::Watching::default(),
            shadows: BTreeMap::new(),
            since: liveness::Since::default(),
            broken: None,
            counts: Counts::default(),
            kinds: BTreeMap::new(),
            news: Vec::new(),
        }
    }

    /// What was broken, if anything.
    pub(crate) fn broken(&self) -> Option<&Broken> {
        self.broken.as_ref()
    }

    /// How much was checked.
    pub(crate) fn counts(&self) -> Counts {
        self.counts
    }

    /// Changes that became durable, by kind.
    pub(crate) fn kinds(&self) -> &BTreeMap<&'static str, u64> {
        &self.kinds
    }

    /// A workspace's durable rows.
    pub(crate) fn place(&self, workspace: WorkspaceSid) -> Option<&Place> {
        self.places.get(&workspace)
    }

    /// Workspaces that durably exist.
    pub(crate) fn workspaces(&self) -> Vec<WorkspaceSid> {
        self.places.keys().copied().collect()
    }

    /// What became durable since the last call, in words.
    pub(crate) fn take_news(&mut self) -> Vec<String> {
        std::mem::take(&mut self.news)
    }

    /// Reports a broken promise; the first one counts.
    pub(crate) fn fail(&mut self, checker: &'static str, what: String) {
        self.broken.get_or_insert(Broken { checker, what });
    }

    /// Runs assertions; a panic is a broken promise.
    pub(crate) fn hold(&mut self, checker: &'static str, assertions: impl FnOnce()) {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(assertions)) {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            self.fail(checker, text.unwrap_or_else(|| "a panic without words".to_owned()));
        }
    }

    /// Listens to a workspace from now on, on a machine that just started or just made it.
    pub(crate) fn listen(&mut self, outlets: &Outlets, workspace: WorkspaceSid) {
        self.hearing.listen(outlets, workspace);
    }

    /// Nobody listens: the machine is gone.
    pub(crate) fn deafen(&mut self) {
        self.hearing.deafen();
    }

    /// A group was committed, or not: says of each batch whether it is durable now.
    pub(crate) fn committed(&mut self, now: Timestamp, batches: &[Batch]) -> Vec<bool> {
        let known = self.memory.partitions().expect("memory can be read");
        let last = |id: &PartitionId| known.iter().find(|p| p.id == *id).map_or(0, |p| p.last);
        let mut durable = Vec::with_capacity(batches.len());
        for batch in batches {
            if batch.changes.is_empty() {
                self.written_down(batch);
            }
            let applied = self.applied.entry(batch.partition.clone()).or_insert(0);
            let is_durable = !batch.changes.is_empty()
                && batch.first == *applied + 1
                && batch.next() <= last(&batch.partition) + 1;
            durable.push(is_durable);
            if is_durable {
                *applied = batch.next() - 1;
                self.counts.changes += batch.changes.len() as u64;
                self.apply(now, batch);
            }
        }
        durable
    }

    /// Rows that are no engine's: those that the store has.
    fn written_down(&mut self, batch: &Batch) {
        let Ok(workspace) = batch.partition.parse::<WorkspaceSid>() else { return };
        let Some(place) = self.places.get_mut(&workspace) else { return };
        for row in &batch.rows {
            let stored = self.memory.row(row.table, &batch.partition, &row.key);
            let stored = stored.expect("memory can be read").map(|row| row.body);
            if stored == row.content.as_ref().map(|content| content.body.clone()) {
                place.put(row);
            }
        }
    }

    fn apply(&mut self, now: Timestamp, batch: &Batch) {
        let Ok(workspace) = batch.partition.parse::<WorkspaceSid>() else { return };
        for change in &batch.changes {
            *self.kinds.entry(change.kind).or_default() += 1;
        }
        self.news.extend(batch.changes.iter().map(|change| told(workspace, change)));
        let place = self.places.entry(workspace).or_default();
        let offered = place.apply(batch);
        self.counts.offers += offered.len() as u64;
        let mut broken = place.judge(&offered, batch);
        broken.extend(self.telling.apply(batch, place));
        broken.extend(self.log.apply(workspace, batch));
        if !place.is_gone() {
            broken.extend(self.counting.apply(workspace, batch, place));
        }
        broken.extend(self.watching.apply(workspace, batch, &self.memory));
        if place.is_gone() {
            self.watching.gone(workspace);
            self.counting.gone(workspace);
            self.places.remove(&workspace);
            self.hearing.gone(workspace);
        }
        for (checker, what) in broken {
            self.fail(checker, format!("{what} at {}", now.to_string_ms()));
        }
    }

    /// A seat took a turn: nothing may have been heard of it yet.
    pub(crate) fn turned(&mut self) {
        self.hear();
    }

    /// A group was told: every offer in it must have been heard.
    pub(crate) fn delivered(&mut self, offers: &[(WorkspaceSid, ReservationSid)]) {
        self.hear();
        for (workspace, offer) in offers {
            if !self.hearing.has_heard_of(*workspace, *offer) {
                let what = format!("reservation.created of {offer} was not told");
                self.fail("every event is announced", what);
            }
        }
    }

    fn hear(&mut self) {
        let (heard, broken) = self.hearing.hear(&self.places, &self.log);
        self.counts.events += heard;
        for (checker, what) in broken {
            self.fail(checker, what);
        }
    }

    /// A caller was told that it worked.
    pub(crate) fn acknowledged(&mut self, workspace: WorkspaceSid, reply: &routing::Reply) {
        self.counts.answers += 1;
        if let Some(what) = self.ledger.acknowledge(&self.memory, workspace, reply) {
            self.fail("what is acknowledged is durable", what);
        }
    }

    /// Somebody asked for a removal: whatever comes of it, the thing may be gone from now on.
    pub(crate) fn doom(&mut self, workspace: WorkspaceSid, command: &routing::Command) {
        self.ledger.doom(workspace, command);
    }

    /// A removal was acknowledged.
    pub(crate) fn removed(&mut self, workspace: WorkspaceSid, command: &routing::Command) {
        self.counts.answers += 1;
        if let Some(what) = self.ledger.removed(&self.memory, workspace, command) {
            self.fail("what is acknowledged is durable", what);
        }
    }

    /// Everything that was ever acknowledged is there.
    pub(crate) fn look_through_the_ledger(&mut self) {
        if let Some(what) = self.ledger.look_through(&self.memory) {
            self.fail("nothing acknowledged is lost", what);
        }
        if let Some((checker, what)) = self.log.look_through(&self.memory) {
            self.fail(checker, what);
        }
        if let Some((checker, what)) = self.watching.look(&self.places, &self.memory) {
            self.fail(checker, what);
        }
    }
}

/// A change in a line: its kind and the SIDs in it.
fn told(workspace: WorkspaceSid, change: &StoredChange) -> String {
    let mut line = format!("{workspace} . {}", change.kind);
    let mut seen = Vec::new();
    for word in change.body.split(|c: char| !c.is_ascii_alphanumeric()) {
        if word.len() == 34 && word.parse::<base::Sid>().is_ok() && !seen.contains(&word) {
            seen.push(word);
            line.push(' ');
            line.push_str(word);
        }
    }
    line
}
