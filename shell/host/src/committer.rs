//! Commits groups and says of each batch whether it is durable.
//!
//! * A group is one transaction: all of it or nothing.
//! * After a failure the partitions in the group are lost: until a batch of a newer epoch comes,
//!   theirs are refused unseen, because they were decided on a state that does not exist.
//! * Batches with nothing in them wait their turn and never reach the store.
//! * When the outcome is unknown, the last durable change number decides.
//! * After a failure a probe of a page or so is written, to know at once whether the store takes
//!   anything; while it does not, [`Health`] says so.
//!
//! Knows no threads and no waiters.

use base::Timestamp;
use std::{
    collections::{BTreeMap, BTreeSet},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};
use store::{Batch, CommitError, Committer, Forget, PartitionId, Seq, Store, StoredChange, Upkeep};
use tokio::sync::watch;

/// The group logic over a store's one committer.
pub struct GroupCommitter {
    inner: Box<dyn Committer>,
    store: Arc<dyn Store>,
    health: Arc<Health>,
    /// The newest epoch of each partition that was in a failed group.
    bad: BTreeMap<PartitionId, u64>,
    probe: Probe,
}

/// What became of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It may be told.
    Durable,
    /// It did not happen, as far as anybody may be told.
    Lost(Arc<str>),
}

/// What became of a group.
#[derive(Debug)]
pub struct Committed {
    /// The batches as they were given.
    pub batches: Vec<Batch>,
    /// One for each batch.
    pub fates: Vec<Fate>,
    /// Partitions whose engines must be dropped and restored before they go on.
    pub lost: BTreeSet<PartitionId>,
    /// Whether something may have become durable that nobody is told about.
    pub untold: bool,
}

impl Committed {
    /// What becomes of a group that no committer takes any more.
    pub fn refused(batches: Vec<Batch>, why: &str) -> Self {
        let fates = batches.iter().map(|_| Fate::Lost(why.into())).collect();
        let lost = batches.iter().map(|batch| batch.partition.clone()).collect();
        Self { batches, fates, lost, untold: false }
    }
}

/// Whether the store takes writes.
#[derive(Debug)]
pub struct Health(watch::Sender<Option<Arc<str>>>);

impl Default for Health {
    fn default() -> Self {
        Self(watch::channel(None).0)
    }
}

impl Health {
    /// Why the store takes no writes; `None` when it does.
    pub fn trouble(&self) -> Option<Arc<str>> {
        self.0.borrow().clone()
    }

    /// Whether the store took the last write.
    pub fn writable(&self) -> bool {
        self.0.borrow().is_none()
    }

    /// Is told of each change.
    pub fn watch(&self) -> watch::Receiver<Option<Arc<str>>> {
        self.0.subscribe()
    }

    fn set(&self, trouble: Option<Arc<str>>) {
        self.0.send_if_modified(|now| {
            let changed = *now != trouble;
            *now = trouble;
            changed
        });
    }
}

/// The host's own partition: nothing but its probes.
#[derive(Debug)]
struct Probe {
    id: PartitionId,
    epoch: u64,
    next: Seq,
}

/// The name of the partition that probes are written to.
pub const PROBE_PARTITION: &str = "host";

/// A probe takes more room than most batches, of which each keeps a task's attributes in its
/// journal, its row and its log: what comes after a probe fits too.
const PROBE_BYTES: usize = 64 * 1024;

impl GroupCommitter {
    /// Takes the store's one committer.
    pub fn new(store: Arc<dyn Store>, health: Arc<Health>) -> Self {
        let inner = store.committer();
        let mut probe = Probe { id: PROBE_PARTITION.into(), epoch: 1, next: 1 };
        probe.look(&*store);
        Self { inner, store, health, bad: BTreeMap::new(), probe }
    }

    /// Commits what may be committed of a group, in order.
    pub fn commit(&mut self, batches: Vec<Batch>) -> Committed {
        let refused: Vec<bool> = batches.iter().map(|batch| self.is_bad(batch)).collect();
        let mut sorted = Sorted::new(batches, &refused);
        let outcome = match sorted.group.as_slice() {
            [] => Ok(()),
            group => commit(&mut *self.inner, group),
        };
        let verdict = match outcome {
            Ok(()) => {
                if !sorted.group.is_empty() {
                    self.health.set(None);
                }
                Verdict::durable()
            }
            Err(error) => self.failed(&sorted.group, &error),
        };
        let batches = sorted.join();
        let fates = fates(&batches, &refused, &verdict);
        let Verdict { lost, untold, .. } = verdict;
        Committed { batches, fates, lost, untold }
    }

    /// Removes what is old. Whether the store takes writes is left to commits to find out.
    pub fn forget(&mut self, forget: &Forget) -> Result<(), CommitError> {
        self.inner.forget(forget)
    }

    /// Maintenance, once the group was answered.
    pub fn after(&mut self, idle: bool) {
        self.inner.after(idle);
    }

    /// A little of what the store has to do by itself.
    pub fn tend(&mut self) -> Result<Upkeep, CommitError> {
        let upkeep = self.inner.tend();
        self.inner.after(false);
        upkeep
    }

    /// Tries a write of its own; afterwards [`Health`] is as the store is.
    pub fn probe(&mut self) {
        match commit(&mut *self.inner, &[self.probe.batch()]) {
            Ok(()) => {
                self.probe.next += 1;
                self.health.set(None);
            }
            Err(error) => {
                self.probe.epoch += 1;
                self.probe.look(&*self.store);
                self.health.set(Some(error.to_string().into()));
            }
        }
    }

    fn is_bad(&self, batch: &Batch) -> bool {
        self.bad.get(&batch.partition).is_some_and(|bad| batch.epoch <= *bad)
    }

    /// Spends the epochs, finds out what is durable, and whether the store takes anything.
    fn failed(&mut self, group: &[Batch], error: &CommitError) -> Verdict {
        tracing::warn!(batches = group.len(), %error, "a group was not committed");
        for batch in group {
            let bad = self.bad.entry(batch.partition.clone()).or_insert(0);
            *bad = batch.epoch.max(*bad);
        }
        let lost = group.iter().map(|batch| batch.partition.clone()).collect();
        let why: Arc<str> = error.to_string().into();
        let verdict = match error {
            CommitError::Full | CommitError::Stale { .. } | CommitError::Failed(_) => {
                Verdict { failed: Some(why), lost, untold: false }
            }
            #[cfg(feature = "planted-bugs")]
            CommitError::Unknown(_)
                if crate::planted::is(crate::planted::Planted::TrustUnknown) =>
            {
                Verdict { failed: None, lost, untold: false }
            }
            CommitError::Unknown(_) => match self.is_durable(group) {
                Some(true) => Verdict { failed: None, lost, untold: false },
                Some(false) => Verdict { failed: Some(why), lost, untold: false },
                None => Verdict { failed: Some(why), lost, untold: true },
            },
        };
        self.probe();
        verdict
    }

    /// Whether a group with an unknown outcome is durable; `None` when the store does not tell.
    fn is_durable(&self, group: &[Batch]) -> Option<bool> {
        let witness = group.iter().find(|batch| !batch.changes.is_empty())?;
        let known = self.store.partitions().ok()?;
        let last = known.iter().find(|known| known.id == witness.partition).map_or(0, |k| k.last);
        Some(witness.next() <= last + 1)
    }
}

/// A store that panics has told nothing; what is durable decides.
fn commit(committer: &mut dyn Committer, group: &[Batch]) -> Result<(), CommitError> {
    let committing = AssertUnwindSafe(|| committer.commit(group));
    catch_unwind(committing)
        .unwrap_or_else(|_| Err(CommitError::Unknown("the store panicked".to_owned())))
}

/// The batches that go to the store, and the others with gaps where those were.
struct Sorted {
    group: Vec<Batch>,
    rest: Vec<Option<Batch>>,
}

impl Sorted {
    fn new(batches: Vec<Batch>, refused: &[bool]) -> Self {
        let mut group = Vec::with_capacity(batches.len());
        let mut rest = Vec::with_capacity(batches.len());
        for (batch, refused) in batches.into_iter().zip(refused) {
            if *refused || batch.is_empty() {
                rest.push(Some(batch));
            } else {
                group.push(batch);
                rest.push(None);
            }
        }
        Self { group, rest }
    }

    fn join(&mut self) -> Vec<Batch> {
        let mut group = std::mem::take(&mut self.group).into_iter();
        let rest = std::mem::take(&mut self.rest).into_iter();
        rest.map(|batch| batch.or_else(|| group.next()).expect("a gap for each batch")).collect()
    }
}

struct Verdict {
    /// Why the group is not durable.
    failed: Option<Arc<str>>,
    lost: BTreeSet<PartitionId>,
    untold: bool,
}

impl Verdict {
    fn durable() -> Self {
        Self { failed: None, lost: BTreeSet::new(), untold: false }
    }
}

/// An empty batch rests on those of its partition before it, and on nothing else.
fn fates(batches: &[Batch], refused: &[bool], verdict: &Verdict) -> Vec<Fate> {
    let mut broken = BTreeSet::new();
    let each = batches.iter().zip(refused).map(|(batch, refused)| {
        if *refused {
            return Fate::Lost("an earlier change of this workspace was not stored".into());
        }
        let Some(why) = &verdict.failed else { return Fate::Durable };
        if !batch.is_empty() {
            broken.insert(&batch.partition);
        }
        if broken.contains(&batch.partition) { Fate::Lost(why.clone()) } else { Fate::Durable }
    });
    each.collect()
}

impl Probe {
    fn batch(&self) -> Batch {
        let padding = ".".repeat(PROBE_BYTES);
        Batch {
            partition: self.id.clone(),
            kind: PROBE_PARTITION,
            epoch: self.epoch,
            first: self.next,
            at: Timestamp(0),
            changes: vec![StoredChange { kind: "probe", body: format!("\"{padding}\"") }],
            rows: Vec::new(),
        }
    }

    /// An unreadable store is asked again with the next probe.
    fn look(&mut self, store: &dyn Store) {
        if let Ok(known) = store.partitions() {
            let last = known.iter().find(|known| known.id == self.id).map_or(0, |known| known.last);
            self.next = last + 1;
        }
    }
}
