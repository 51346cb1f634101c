//! Rows, journal, running engine and the names the edge looks up say the same.

use super::Checks;
use base::{IdSource, Timestamp};
use host::{
    Names, adapters::RoutingEngine, beginning::Beginning, engine::Engine, partition::Partition,
};
use routing::{Routing, WorkspaceSid};
use std::{collections::BTreeMap, sync::Arc};
use store::{PartitionId, Seq, Store};

/// An engine that only ever read the journal.
pub(super) struct Shadow {
    engine: RoutingEngine,
    read: Seq,
}

impl Checks {
    /// Compares the three for a workspace with nothing under way; `running` is `None` where no
    /// engine runs.
    pub(crate) fn compare(
        &mut self,
        workspace: WorkspaceSid,
        running: Option<&RoutingEngine>,
        now: Timestamp,
    ) {
        self.counts.comparisons += 1;
        let id: PartitionId = workspace.to_string().into();
        let known = self.memory.partitions().expect("memory can be read");
        let Some(known) = known.into_iter().find(|known| known.id == id) else { return };
        let last = known.last;
        let rows = Partition::<RoutingEngine>::restore(&self.memory, known, 1, IdSource::new(0));
        let Some(rows) = rows.expect("rows that were written can be read") else { return };
        let journal = self.replayed(&id, workspace);
        let stored = rows.engine().digest();
        if let Some(at) = difference(&stored, &journal) {
            self.fail("rows = journal", format!("up to change {last}: rows | journal\n{at}"));
        }
        if let Some(at) = running.and_then(|running| difference(&running.digest(), &stored)) {
            self.fail("memory = rows", format!("up to change {last}: memory | rows\n{at}"));
        }
        self.compare_statistics(workspace, rows.engine(), now);
        if let Some(running) = running {
            self.compare_statistics(workspace, running, now);
        }
    }

    /// Compares what the edge looks names up in with the rows.
    pub(crate) fn compare_names(&mut self, workspace: WorkspaceSid, names: Option<&Names>) {
        let (Some(place), Some(names)) = (self.places.get(&workspace), names) else {
            let (has_rows, has_names) = (self.places.contains_key(&workspace), names.is_some());
            if has_rows != has_names {
                let what = format!("{workspace}: rows {has_rows}, names {has_names}");
                self.fail("names = rows", what);
            }
            return;
        };
        let is_same = place.workspace.as_ref() == Some(&*names.workspace)
            && place.activities == names.activities
            && place.channels.keys().eq(names.channels.keys())
            && same(&names.queues, place.queues.iter().map(|(k, v)| (k, &*v.friendly_name)))
            && same(&names.workflows, place.workflows.iter().map(|(k, v)| (k, &*v.friendly_name)));
        if !is_same {
            self.fail("names = rows", format!("{workspace}: {names:?}"));
        }
    }

    /// Compares what is kept of forgotten entries, and the entries behind it, with all of them.
    pub(super) fn compare_beginning(&mut self, workspace: WorkspaceSid) {
        let id: PartitionId = workspace.to_string().into();
        let whole = self.replayed(&id, workspace);
        let kept = Beginning::read(&self.memory, &id, |row| row).expect("memory can be read");
        let Beginning { mark, rows } = kept;
        let mut led = Routing::restore(rows);
        for entry in self.memory.journal(&id, mark.seq, usize::MAX).expect("memory can be read") {
            led.apply(&serde_json::from_str(&entry.body).expect("changes can be read"));
        }
        let start = self.memory.journal_start(&id).expect("memory can be read");
        if start != mark.seq + 1 {
            let what = format!("{workspace}: kept up to {}, journal from {start}", mark.seq);
            self.fail("beginning + journal = whole journal", what);
        }
        if let Some(at) = difference(&led.digest(), &whole) {
            let what = format!("behind change {}: beginning | whole\n{at}", mark.seq);
            self.fail("beginning + journal = whole journal", what);
        }
    }

    fn replayed(&mut self, id: &PartitionId, workspace: WorkspaceSid) -> String {
        let new = || Shadow { engine: RoutingEngine::empty(id), read: 0 };
        let shadow = self.shadows.entry(workspace).or_insert_with(new);
        let entries = self.memory.journal(id, shadow.read, usize::MAX);
        for entry in entries.expect("memory can be read") {
            shadow.engine.replay(&entry).expect("changes that were written can be read");
            shadow.read = entry.seq;
        }
        shadow.engine.digest()
    }
}

fn same<'a, K: Ord + 'a>(
    names: &'a BTreeMap<K, Arc<str>>,
    rows: impl Iterator<Item = (&'a K, &'a str)>,
) -> bool {
    names.iter().map(|(key, name)| (key, &**name)).eq(rows)
}

/// The first line in which two texts differ.
fn difference(one: &str, two: &str) -> Option<String> {
    if one == two {
        return None;
    }
    let mut lines = one.lines().zip(two.lines());
    let differs = lines.find(|(one, two)| one != two);
    let (one, two) = differs.unwrap_or(("one is longer", "than the other"));
    Some(format!("{one}\n{two}"))
}
