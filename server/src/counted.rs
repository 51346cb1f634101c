//! The store, counted on its way to the host: commits, how many batches shared one, how long they
//! took.

use std::{
    fmt::Write as _,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Instant,
};
use store::{
    Batch, CommitError, Committer, Entry, Forget, Partition, Rewrite, Row, Scan, Seq, Store,
    StoreError, Table, Upkeep,
};

/// What was committed since the start.
#[derive(Debug, Default)]
pub(crate) struct Commits {
    groups: AtomicU64,
    batches: AtomicU64,
    failed: AtomicU64,
    us: AtomicU64,
}

impl Commits {
    /// Appends Prometheus' text form.
    pub(crate) fn write(&self, out: &mut String) {
        let mut counter = |name: &str, help: &str, value: f64| {
            _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} counter\n{name} {value}");
        };
        let count = |n: &AtomicU64| n.load(Relaxed) as f64;
        counter("sinew_commits_total", "Groups made durable.", count(&self.groups));
        let help = "Batches in them: divided by the groups, the size of a group.";
        counter("sinew_commit_batches_total", help, count(&self.batches));
        counter("sinew_commits_failed_total", "Groups the store refused.", count(&self.failed));
        let seconds = count(&self.us) / 1e6;
        counter("sinew_commit_seconds_total", "Time spent in durable commits.", seconds);
    }
}

/// A store whose commits are counted.
pub(crate) struct CountedStore<S: ?Sized> {
    inner: Arc<S>,
    commits: Arc<Commits>,
}

impl<S: Store + ?Sized> CountedStore<S> {
    pub(crate) fn new(inner: Arc<S>, commits: Arc<Commits>) -> Self {
        Self { inner, commits }
    }
}

impl<S: Store + ?Sized> Store for CountedStore<S> {
    fn committer(&self) -> Box<dyn Committer> {
        let inner = self.inner.committer();
        Box::new(CountedCommitter { inner, commits: self.commits.clone() })
    }

    fn row(
        &self,
        table: &'static Table,
        partition: &str,
        key: &str,
    ) -> Result<Option<Row>, StoreError> {
        self.inner.row(table, partition, key)
    }

    fn scan(&self, scan: &Scan) -> Result<Vec<Row>, StoreError> {
        self.inner.scan(scan)
    }

    fn journal(&self, partition: &str, after: Seq, limit: usize) -> Result<Vec<Entry>, StoreError> {
        self.inner.journal(partition, after, limit)
    }

    fn journal_start(&self, partition: &str) -> Result<Seq, StoreError> {
        self.inner.journal_start(partition)
    }

    fn partitions(&self) -> Result<Vec<Partition>, StoreError> {
        self.inner.partitions()
    }
}

struct CountedCommitter {
    inner: Box<dyn Committer>,
    commits: Arc<Commits>,
}

impl Committer for CountedCommitter {
    fn commit(&mut self, group: &[Batch]) -> Result<(), CommitError> {
        let begun = Instant::now();
        let committed = self.inner.commit(group);
        match committed {
            Ok(()) => {
                let us = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
                self.commits.groups.fetch_add(1, Relaxed);
                self.commits.batches.fetch_add(group.len() as u64, Relaxed);
                self.commits.us.fetch_add(us, Relaxed);
            }
            Err(_) => _ = self.commits.failed.fetch_add(1, Relaxed),
        }
        committed
    }

    fn forget(&mut self, forget: &Forget) -> Result<(), CommitError> {
        self.inner.forget(forget)
    }

    fn rewrite(&mut self, rewrite: &Rewrite) -> Result<(), CommitError> {
        self.inner.rewrite(rewrite)
    }

    fn after(&mut self, idle: bool) {
        self.inner.after(idle);
    }

    fn tend(&mut self) -> Result<Upkeep, CommitError> {
        self.inner.tend()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use store::{MemoryStore, conformance};

    #[test]
    fn a_counted_store_in_memory_is_a_store() {
        let commits = Arc::new(Commits::default());
        conformance::run(|_tables| {
            let memory: Arc<dyn Store> = Arc::new(MemoryStore::new());
            CountedStore::new(memory, commits.clone())
        });
        let mut text = String::new();
        commits.write(&mut text);
        let count = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(&format!("{name} ")));
            line.and_then(|value| value.parse::<f64>().ok()).unwrap()
        };
        assert!(count("sinew_commits_total") > 0.0 && count("sinew_commits_failed_total") > 0.0);
    }
}
