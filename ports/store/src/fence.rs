//! The rule by which a committer takes or refuses a group, the same in every store.
//!
//! * A batch starts right behind the last durable change of its partition, or behind the batch
//!   before it in the group.
//! * Epochs never fall. A failed group spends the epochs in it: an outcome may be unknown, so the
//!   numbers alone do not tell a batch that was decided on lost state from a good one.

use crate::{Batch, CommitError, Partition, PartitionId, Seq};
use std::collections::HashMap;

/// What a committer remembers of each partition.
#[derive(Debug, Default)]
pub struct Fence {
    marks: HashMap<PartitionId, Mark>,
}

#[derive(Debug, Default)]
struct Mark {
    /// The newest durable change.
    last: Seq,
    /// The newest change of the group under way.
    reached: Seq,
    epoch: u64,
    /// The epoch was in a group that failed.
    spent: bool,
}

impl Fence {
    /// Begins from what is durable.
    pub fn new(partitions: impl IntoIterator<Item = Partition>) -> Self {
        let mut fence = Self::default();
        fence.reload(partitions);
        fence
    }

    /// Takes the durable state anew and keeps the epochs: for a store that had to reopen itself.
    pub fn reload(&mut self, partitions: impl IntoIterator<Item = Partition>) {
        for mark in self.marks.values_mut() {
            *mark = Mark { last: 0, reached: 0, ..*mark };
        }
        for Partition { id, last, .. } in partitions {
            let mark = self.marks.entry(id).or_default();
            *mark = Mark { last, reached: last, ..*mark };
        }
    }

    /// Whether every batch follows. The group is then under way until [`Fence::confirm`] or
    /// [`Fence::refuse`]; an error has refused it already.
    pub fn admit(&mut self, group: &[Batch]) -> Result<(), CommitError> {
        for batch in group {
            if !self.mark(&batch.partition).follow(batch) {
                self.refuse(group);
                return Err(CommitError::Stale {
                    partition: batch.partition.clone(),
                    epoch: batch.epoch,
                    first: batch.first,
                });
            }
        }
        Ok(())
    }

    /// The group is durable.
    pub fn confirm(&mut self, group: &[Batch]) {
        for batch in group {
            let mark = self.mark(&batch.partition);
            mark.last = mark.reached;
        }
    }

    /// The group failed.
    pub fn refuse(&mut self, group: &[Batch]) {
        for batch in group {
            let mark = self.mark(&batch.partition);
            mark.reached = mark.last;
            if batch.epoch >= mark.epoch {
                (mark.epoch, mark.spent) = (batch.epoch, true);
            }
        }
    }

    fn mark(&mut self, partition: &PartitionId) -> &mut Mark {
        if !self.marks.contains_key(partition) {
            self.marks.insert(partition.clone(), Mark::default());
        }
        self.marks.get_mut(partition).expect("inserted when it was missing")
    }
}

impl Mark {
    fn follow(&mut self, batch: &Batch) -> bool {
        let known = batch.epoch < self.epoch || (self.spent && batch.epoch == self.epoch);
        if known || batch.first != self.reached + 1 {
            return false;
        }
        if batch.epoch > self.epoch {
            (self.epoch, self.spent) = (batch.epoch, false);
        }
        self.reached += batch.changes.len() as Seq;
        true
    }
}
