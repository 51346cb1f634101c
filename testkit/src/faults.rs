//! A store whose commits go wrong on demand. What it wraps is a real one.

use std::{
    collections::VecDeque,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
};
use store::{
    Batch, CommitError, Committer, Entry, Forget, Partition, Rewrite, Row, Scan, Seq, Store,
    StoreError, Table, Upkeep,
};

/// What happens to one commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing: it works.
    None,
    /// Refused before anything is durable.
    Refuse(CommitError),
    /// It becomes durable, and the answer says that nobody knows.
    LoseAnswer,
    /// It does not become durable, and the answer says that nobody knows.
    LoseGroup,
}

/// A store with faults. Clones share store and faults.
#[derive(Clone)]
pub struct FaultyStore {
    inner: Arc<dyn Store>,
    faults: Arc<Faults>,
}

#[derive(Default)]
struct Faults {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    next: VecDeque<Fault>,
    is_full: bool,
    is_held: bool,
    is_unreadable: bool,
    are_reads_held: bool,
    /// Commits that wait while held.
    waiting: usize,
    /// Groups that were tried.
    tried: usize,
}

impl FaultyStore {
    /// Without faults so far.
    pub fn new(inner: Arc<dyn Store>) -> Self {
        Self { inner, faults: Arc::default() }
    }

    /// Happens to the next commit that has none in line yet.
    pub fn plan(&self, fault: Fault) {
        self.lock().next.push_back(fault);
    }

    /// Forgets what is planned.
    pub fn heal(&self) {
        let mut state = self.lock();
        state.next.clear();
        state.is_full = false;
        state.is_unreadable = false;
    }

    /// While full, every commit is refused.
    pub fn set_full(&self, is_full: bool) {
        self.lock().is_full = is_full;
    }

    /// While unreadable, every read fails.
    pub fn set_unreadable(&self, is_unreadable: bool) {
        self.lock().is_unreadable = is_unreadable;
    }

    /// From now on reads wait, or no longer.
    pub fn set_reads_held(&self, are_held: bool) {
        self.lock().are_reads_held = are_held;
        self.faults.changed.notify_all();
    }

    /// From now on commits wait until [`FaultyStore::release`].
    pub fn hold(&self) {
        self.lock().is_held = true;
    }

    /// Lets commits go on.
    pub fn release(&self) {
        self.lock().is_held = false;
        self.faults.changed.notify_all();
    }

    /// Blocks until a commit waits.
    pub fn wait_for_commit(&self) {
        let mut state = self.lock();
        while state.waiting == 0 {
            state = self.faults.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Groups that were tried so far.
    pub fn tried(&self) -> usize {
        self.lock().tried
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.faults.lock()
    }

    fn readable(&self) -> Result<&dyn Store, StoreError> {
        let mut state = self.lock();
        while state.are_reads_held {
            state = self.faults.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.is_unreadable {
            return Err(StoreError("unreadable for a while".to_owned()));
        }
        Ok(&*self.inner)
    }
}

impl Faults {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct FaultyCommitter {
    inner: Box<dyn Committer>,
    faults: Arc<Faults>,
}

impl Committer for FaultyCommitter {
    fn commit(&mut self, group: &[Batch]) -> Result<(), CommitError> {
        let mut state = self.faults.lock();
        state.tried += 1;
        state.waiting += 1;
        self.faults.changed.notify_all();
        while state.is_held {
            state = self.faults.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.waiting -= 1;
        let is_full = state.is_full;
        let fault = state.next.pop_front().unwrap_or(Fault::None);
        drop(state);
        match fault {
            _ if is_full => Err(CommitError::Full),
            Fault::None => self.inner.commit(group),
            Fault::Refuse(error) => Err(error),
            Fault::LoseAnswer => {
                self.inner.commit(group)?;
                Err(CommitError::Unknown("the answer was lost".to_owned()))
            }
            Fault::LoseGroup => Err(CommitError::Unknown("the group was lost".to_owned())),
        }
    }

    fn forget(&mut self, forget: &Forget) -> Result<(), CommitError> {
        match self.faults.lock().is_full {
            true => Err(CommitError::Full),
            false => self.inner.forget(forget),
        }
    }

    fn rewrite(&mut self, rewrite: &Rewrite) -> Result<(), CommitError> {
        match self.faults.lock().is_full {
            true => Err(CommitError::Full),
            false => self.inner.rewrite(rewrite),
        }
    }

    fn after(&mut self, idle: bool) {
        self.inner.after(idle);
    }

    fn tend(&mut self) -> Result<Upkeep, CommitError> {
        self.inner.tend()
    }
}

impl Store for FaultyStore {
    fn committer(&self) -> Box<dyn Committer> {
        let (inner, faults) = (self.inner.committer(), self.faults.clone());
        Box::new(FaultyCommitter { inner, faults })
    }

    fn row(
        &self,
        table: &'static Table,
        partition: &str,
        key: &str,
    ) -> Result<Option<Row>, StoreError> {
        self.readable()?.row(table, partition, key)
    }

    fn scan(&self, scan: &Scan) -> Result<Vec<Row>, StoreError> {
        self.readable()?.scan(scan)
    }

    fn journal(&self, partition: &str, after: Seq, limit: usize) -> Result<Vec<Entry>, StoreError> {
        self.readable()?.journal(partition, after, limit)
    }

    fn partitions(&self) -> Result<Vec<Partition>, StoreError> {
        self.readable()?.partitions()
    }
}
