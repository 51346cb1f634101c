//! What was decided about a task that is over, read from the journal.
//!
//! * A copy of the workspace is led through its journal, away from the partition, from what the
//!   workspace was when the journal begins; some entries at a time, so that a long journal is never
//!   in memory.
//! * Bounded in time. A decision that is older than the journal is not made up.

use crate::{adapters, beginning::Beginning};
use base::Timestamp;
use routing::{
    Change, Rejection,
    explain::{Look, Past, Sight},
};
use std::time::{Duration, Instant};
use store::{Seq, Store, StoreError};

/// Entries read at once.
const ENTRIES_AT_ONCE: usize = 2_000;
/// How long one look back may take.
const LOOK_BACK_LIMIT: Duration = Duration::from_secs(30);

/// Why the past was not found.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PastError {
    /// What the workspace was when the journal begins was not kept.
    #[error("the journal of this workspace no longer reaches back to its beginning")]
    Forgotten,
    /// The last decision was made before the journal begins.
    #[error("the last decision on this task is older than the journal of this workspace")]
    Older,
    /// No decision on the task is in the journal.
    #[error("the journal holds no decision on this task")]
    NoDecision,
    /// The journal is too long to be followed within the bound.
    #[error("the journal is too long: change {reached} of {last} was reached in the time allowed")]
    TooLong {
        /// The change that was reached.
        reached: Seq,
        /// The newest change.
        last: Seq,
    },
    /// The question names what was not there.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// The store could not be read, or what it holds makes no sense.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Calls `visit` with every kept change of a workspace behind `after` that is wanted, in order,
/// until it has enough.
pub(crate) fn follow(
    store: &dyn Store,
    (partition, after): (&str, Seq),
    wants: impl Fn(&str, &str) -> bool,
    mut visit: impl FnMut(&Change, Seq, Timestamp) -> Flow,
) -> Result<(), PastError> {
    let (begun, mut reached) = (Instant::now(), after);
    loop {
        let entries = store.journal(partition, reached, ENTRIES_AT_ONCE)?;
        let Some(newest) = entries.last().map(|entry| entry.seq) else { return Ok(()) };
        for entry in &entries {
            if reached + 1 != entry.seq {
                return Err(PastError::Forgotten);
            }
            reached = entry.seq;
            if !wants(&entry.kind, &entry.body) {
                continue;
            }
            let change = adapters::change::<Change>(entry).map_err(StoreError)?;
            if visit(&change, entry.seq, entry.at) == Flow::Enough {
                return Ok(());
            }
        }
        if begun.elapsed() > LOOK_BACK_LIMIT {
            let last = last_of(store, partition)?.unwrap_or(newest);
            return Err(PastError::TooLong { reached, last });
        }
    }
}

/// Whether more changes are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    More,
    Enough,
}

/// The last decision on a task.
pub(crate) fn decision(store: &dyn Store, partition: &str, look: Look) -> Result<Sight, PastError> {
    let (after, past) = begin(store, partition, look)?;
    let past = std::cell::RefCell::new(past);
    let wants = |kind: &str, body: &str| past.borrow().wants(kind, body);
    follow(store, (partition, after), wants, |change, seq, at| {
        let mut past = past.borrow_mut();
        past.follow(change, seq, at);
        if past.is_over() { Flow::Enough } else { Flow::More }
    })?;
    let nothing = nothing_found(after);
    Ok(past.into_inner().found().ok_or(nothing)??)
}

/// What is followed from where: a copy of the workspace as it was when its journal begins, and the
/// number of the change before.
pub(crate) fn begin(
    store: &dyn Store,
    partition: &str,
    look: Look,
) -> Result<(Seq, Past), PastError> {
    let pick = |row| Past::lean(row, look.task);
    let Beginning { mark, rows } = Beginning::read(store, partition, pick)?;
    Ok((mark.seq, Past::since(look, rows)))
}

/// Why a journal that begins behind a change holds no decision.
pub(crate) const fn nothing_found(after: Seq) -> PastError {
    match after {
        0 => PastError::NoDecision,
        _ => PastError::Older,
    }
}

pub(crate) fn last_of(store: &dyn Store, partition: &str) -> Result<Option<Seq>, StoreError> {
    let partitions = store.partitions()?;
    Ok(partitions.iter().find(|known| &*known.id == partition).map(|known| known.last))
}
