//! The writing half: which groups are taken, and what follows when one fails.
//!
//! * A refusal before `COMMIT` rolls back and leaves nothing. An error of `COMMIT` itself, a full
//!   disk excepted, leaves the outcome open: after a failed sync the same file handle is not to be
//!   trusted, so every connection is opened anew and the owner must look.

use crate::{
    Shared,
    checkpoint::Checkpoints,
    partitions,
    writer::{Failure, Writer},
};
use rusqlite::ErrorCode;
use std::sync::{Arc, atomic::Ordering};
use store::{Batch, CommitError, Committer, Fence, Forget, Rewrite, Upkeep};

pub(crate) struct SqliteCommitter {
    shared: Arc<Shared>,
    /// `None` when it could not be opened again after a failure; the next commit tries.
    pub(crate) writer: Option<Writer>,
    fence: Fence,
    pub(crate) checkpoints: Checkpoints,
}

impl SqliteCommitter {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        let taken = shared.has_committer.swap(true, Ordering::AcqRel);
        assert!(!taken, "the store has a committer already");
        let checkpoints = Checkpoints::new(shared.file.clone());
        let mut committer = Self { shared, writer: None, fence: Fence::default(), checkpoints };
        if let Err(error) = committer.reopen() {
            // The first commit tries again and answers with what it finds.
            tracing::error!(%error, "the store cannot be written");
        }
        committer
    }

    /// Opens the writing connection and takes the durable state from it.
    fn reopen(&mut self) -> rusqlite::Result<()> {
        self.writer = None;
        let writer = Writer::open(&self.shared)?;
        self.fence.reload(partitions(&writer.connection)?);
        self.writer = Some(writer);
        Ok(())
    }

    fn open_again(&mut self) -> Result<(), CommitError> {
        if self.writer.is_none() {
            self.reopen().map_err(|error| CommitError::Failed(error.to_string()))?;
        }
        Ok(())
    }

    fn write(&mut self, group: &[Batch]) -> Result<(), CommitError> {
        let writer = self.writer.as_mut().expect("commit has opened it");
        match writer.write(group, &self.shared) {
            Ok(()) => Ok(()),
            Err(failure) => Err(self.failed(failure)),
        }
    }

    /// Leaves a writer behind that can be trusted, or none.
    fn failed(&mut self, failure: Failure) -> CommitError {
        let writer = self.writer.as_mut().expect("it failed");
        let (Failure::Before(error) | Failure::AtCommit(error)) = &failure;
        let is_full = error.sqlite_error_code() == Some(ErrorCode::DiskFull);
        // A full disk fails the writing of a frame, so the transaction's last one, which alone
        // makes it count, is not there: the outcome is known.
        let is_known = is_full || matches!(failure, Failure::Before(_));
        if !writer.roll_back() || !is_known {
            self.writer = None;
            self.checkpoints = Checkpoints::new(self.shared.file.clone());
            self.shared.readers.renew();
        }
        match error.to_string() {
            _ if is_full => CommitError::Full,
            text if is_known => CommitError::Failed(text),
            text => CommitError::Unknown(text),
        }
    }
}

impl Committer for SqliteCommitter {
    fn commit(&mut self, group: &[Batch]) -> Result<(), CommitError> {
        // What panics does so before anything has begun.
        for batch in group {
            batch.check();
            for row in &batch.rows {
                self.shared.table_position(row.table);
            }
        }
        if self.writer.is_none()
            && let Err(error) = self.reopen()
        {
            self.fence.refuse(group);
            return Err(CommitError::Failed(error.to_string()));
        }
        self.fence.admit(group)?;
        if group.iter().all(Batch::is_empty) {
            self.fence.confirm(group);
            return Ok(());
        }
        let outcome = self.write(group);
        match &outcome {
            Ok(()) => self.fence.confirm(group),
            Err(error) => {
                tracing::warn!(%error, batches = group.len(), "a group was not committed");
                self.fence.refuse(group);
                if self.writer.is_none()
                    && let Err(error) = self.reopen()
                {
                    tracing::error!(%error, "the store cannot be opened again");
                }
            }
        }
        outcome
    }

    fn forget(&mut self, forget: &Forget) -> Result<(), CommitError> {
        for (table, _) in &forget.rows {
            self.shared.table_position(table);
        }
        for row in &forget.kept {
            row.check();
            self.shared.table_position(row.table);
        }
        self.open_again()?;
        let writer = self.writer.as_mut().expect("it was opened");
        match writer.forget(forget, &self.shared) {
            Ok(()) => Ok(()),
            Err(failure) => Err(self.failed(failure)),
        }
    }

    fn rewrite(&mut self, rewrite: &Rewrite) -> Result<(), CommitError> {
        for row in &rewrite.rows {
            row.check();
            self.shared.table_position(row.table);
        }
        self.open_again()?;
        let writer = self.writer.as_mut().expect("it was opened");
        match writer.rewrite(rewrite, &self.shared) {
            Ok(()) => Ok(()),
            Err(failure) => Err(self.failed(failure)),
        }
    }

    fn after(&mut self, idle: bool) {
        if let Some(writer) = &self.writer {
            self.checkpoints.after_group(&writer.connection, writer.frames(), idle);
        }
    }

    fn tend(&mut self) -> Result<Upkeep, CommitError> {
        Ok(Upkeep::Done)
    }
}

impl Drop for SqliteCommitter {
    fn drop(&mut self) {
        self.writer = None;
        self.shared.has_committer.store(false, Ordering::Release);
    }
}
