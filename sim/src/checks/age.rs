//! What is old is forgotten, and of a workspace that ended nothing is left but its newest entry.

use super::Checks;
use base::Timestamp;
use host::{Retention, adapters::RoutingEngine, engine::Engine, retention};
use routing::WorkspaceSid;
use store::{Committer, MemoryStore, Partition, Scan, Store};

/// More portions than any seed has.
const PORTIONS_MAX: usize = 10_000;

impl Checks {
    /// Forgets what is old by now, portion by portion, and looks at what is left.
    pub(crate) fn grow_old(&mut self, now: Timestamp) {
        for known in self.memory.partitions().expect("memory can be read") {
            let portions = forget(&self.memory, &known, now);
            if portions >= PORTIONS_MAX {
                self.fail("forgetting comes to an end", format!("of {}", known.id));
            }
            let Ok(workspace) = known.id.parse::<WorkspaceSid>() else { continue };
            self.counting.gone(workspace);
            self.log.gone(workspace);
            if self.places.contains_key(&workspace) {
                continue;
            }
            if let Some(what) = left_over(&self.memory, &known) {
                self.fail("nothing is left of a workspace that ended", what);
            }
        }
    }
}

fn forget(memory: &MemoryStore, known: &Partition, now: Timestamp) -> usize {
    let mut committer = memory.memory_committer();
    let next = || retention::portion::<RoutingEngine>(memory, known, now, Retention::default());
    for done in 0..PORTIONS_MAX {
        let Some((forget, _)) = next().expect("memory can be read") else { return done };
        committer.forget(&forget).expect("memory takes everything");
    }
    PORTIONS_MAX
}

fn left_over(memory: &MemoryStore, known: &Partition) -> Option<String> {
    let tables = RoutingEngine::TABLES.iter().chain(RoutingEngine::LOGS);
    for table in tables {
        let rows = memory.scan(&Scan::of(table, known.id.clone())).expect("memory can be read");
        if let Some(row) = rows.first() {
            return Some(format!("{} of table {} in {}", row.key, table.name, known.id));
        }
    }
    let entries = memory.journal(&known.id, 0, 2).expect("memory can be read");
    (entries.len() > 1).then(|| format!("{} entries and more of {}", entries.len(), known.id))
}
