//! The writing half: texts are enciphered on their way to the inner store.

use crate::{
    BODY, Shared,
    cipher::{Place, Sealer},
    is_nothing, marks,
    pass::{Pass, Portion},
};
use std::sync::{Arc, atomic::Ordering};
use store::{
    Batch, ColumnKind, CommitError, Committer, Forget, Rewrite, RowContent, RowWrite, StoredChange,
    Upkeep, Value,
};

pub(crate) struct SealedCommitter {
    inner: Box<dyn Committer>,
    sealer: Sealer,
    work: Work,
    shared: Arc<Shared>,
}

/// How far the store is on the way to the newest key.
enum Work {
    /// Nobody looked yet.
    Unknown,
    /// Rows and changes are written anew.
    Passing(Pass),
    /// Everything is under the newest key, or cannot be brought there.
    Done,
}

impl SealedCommitter {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        let sealer = Sealer::new(shared.opener.keys().newest().clone());
        Self { inner: shared.inner.committer(), sealer, work: Work::Unknown, shared }
    }

    /// What is to be done at the start.
    fn look(&self) -> Result<Work, CommitError> {
        let state = marks::State::read(&*self.shared.inner);
        let state = state.map_err(|error| CommitError::Failed(error.to_string()))?;
        if !state.is_behind(self.sealer.id()) {
            return Ok(Work::Done);
        }
        let key = self.sealer.id();
        tracing::info!(key, "what is stored is brought under the newest encryption key");
        Pass::begin(&*self.shared.inner).map(Work::Passing)
    }

    fn end(&mut self) -> Result<(), CommitError> {
        let (store, key) = (&*self.shared.inner, self.sealer.id());
        let unused = marks::end(store, &mut *self.inner, key)?;
        self.shared.has_plain.store(false, Ordering::Release);
        tracing::info!(key, ?unused, "all that is stored is under the newest encryption key");
        self.work = Work::Done;
        Ok(())
    }
}

impl Committer for SealedCommitter {
    fn commit(&mut self, group: &[Batch]) -> Result<(), CommitError> {
        // What panics does so before anything has begun.
        group.iter().for_each(Batch::check);
        let sealed: Vec<Batch> = group.iter().map(|batch| self.sealer.batch(batch)).collect();
        self.inner.commit(&sealed)
    }

    fn forget(&mut self, forget: &Forget) -> Result<(), CommitError> {
        forget.kept.iter().for_each(RowWrite::check);
        let Forget { partition, rows, journal_through, kept } = forget;
        let kept = self.sealer.rows(partition, kept);
        let (partition, rows) = (partition.clone(), rows.clone());
        self.inner.forget(&Forget { partition, rows, journal_through: *journal_through, kept })
    }

    fn rewrite(&mut self, rewrite: &Rewrite) -> Result<(), CommitError> {
        rewrite.rows.iter().for_each(RowWrite::check);
        let kinds = self.shared.kinds(rewrite);
        let kinds = kinds.map_err(|error| CommitError::Failed(error.to_string()))?;
        let partition = &rewrite.partition;
        let entries = rewrite.entries.iter().zip(kinds).filter_map(|((seq, body), kind)| {
            Some((*seq, self.sealer.entry((partition, *seq, &kind?), body)))
        });
        let entries = entries.collect();
        let rows = self.sealer.rows(partition, &rewrite.rows);
        self.inner.rewrite(&Rewrite { partition: partition.clone(), rows, entries })
    }

    fn after(&mut self, idle: bool) {
        self.inner.after(idle);
    }

    fn tend(&mut self) -> Result<Upkeep, CommitError> {
        match &mut self.work {
            Work::Unknown => {
                self.work = self.look()?;
                Ok(Upkeep::More)
            }
            Work::Passing(pass) => {
                match pass.portion(&self.shared, &mut self.sealer, &mut *self.inner)? {
                    Portion::Some => {}
                    Portion::Last => self.end()?,
                    Portion::Unreadable => self.work = Work::Done,
                }
                Ok(Upkeep::More)
            }
            Work::Done => self.inner.tend(),
        }
    }
}

impl Shared {
    /// The kinds of the journal entries that are to be written anew, `None` for what is not there.
    fn kinds(&self, rewrite: &Rewrite) -> Result<Vec<Option<String>>, store::StoreError> {
        let kinds = rewrite.entries.iter().map(|(seq, _)| {
            let Some(before) = seq.checked_sub(1) else { return Ok(None) };
            let found = self.inner.journal(&rewrite.partition, before, 1)?;
            Ok(found.into_iter().find(|entry| entry.seq == *seq).map(|entry| entry.kind))
        });
        kinds.collect()
    }
}

impl Sealer {
    fn batch(&mut self, batch: &Batch) -> Batch {
        let partition = &batch.partition;
        let changes = (batch.first..).zip(&batch.changes).map(|(seq, change)| {
            let body = self.entry((partition, seq, change.kind), &change.body);
            StoredChange { kind: change.kind, body }
        });
        let changes = changes.collect();
        let rows = self.rows(partition, &batch.rows);
        let Batch { kind, epoch, first, at, .. } = *batch;
        Batch { partition: partition.clone(), kind, epoch, first, at, changes, rows }
    }

    fn rows(&mut self, partition: &str, rows: &[RowWrite]) -> Vec<RowWrite> {
        rows.iter().map(|row| self.row(partition, row)).collect()
    }

    pub(crate) fn row(&mut self, partition: &str, row: &RowWrite) -> RowWrite {
        let RowWrite { table, key, content } = row;
        let content = content.as_ref().map(|RowContent { values, body }| {
            let place = |column| Place::Row { table: table.name, partition, key, column };
            let columns = table.columns.iter().zip(values);
            let values = columns.map(|(column, value)| match (column.kind, value) {
                (ColumnKind::Payload, Value::Text(text)) => {
                    Value::Text(self.seal(place(column.name), text).into())
                }
                _ => value.clone(),
            });
            let values = values.collect();
            let body = match is_nothing(body) {
                true => body.clone(),
                false => self.seal(place(BODY), body),
            };
            RowContent { values, body }
        });
        RowWrite { table, key: key.clone(), content }
    }

    pub(crate) fn entry(
        &mut self,
        (partition, seq, kind): (&str, store::Seq, &str),
        body: &str,
    ) -> String {
        match is_nothing(body) {
            true => body.to_owned(),
            false => self.seal(Place::Entry { partition, seq, kind }, body),
        }
    }
}
