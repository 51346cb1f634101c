//! What the store itself says about its keys: one row for each key that something may be under, and
//! one each for what may be left from a time without a key.
//!
//! * A key is entered before anything is written under it, and struck out when nothing is.
//! * Beside a key's id stands a text that only that key deciphers: so a wrong one is known at once.

use crate::{
    SealError,
    cipher::{Opener, Place, Sealer},
    key::Keys,
};
use base::Timestamp;
use store::{
    Batch, Column, ColumnKind, CommitError, Committer, Forget, RowContent, RowWrite, Scan, Store,
    StoreError, Table, Value,
};

/// The table of marks. A store that may be enciphered is opened with it.
pub static TABLE: Table = Table {
    name: "encryption",
    columns: &[Column { name: "kind", kind: ColumnKind::Text, changes: true }],
    indexes: &[],
    live: None,
};

/// Where the marks are.
pub const PARTITION: &str = "encryption";

const KEY: &str = "key";
/// Rows and changes that are not enciphered yet.
const PLAIN: &str = "plain";
/// What was there before, plain or under older keys, and may be left in free room of the file.
const REMAINS: &str = "remains";
const CHECK: &str = "sinew";

/// What a store says about its keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// Ids of the keys that something in it may be under; none for a plain store.
    pub keys: Vec<String>,
    /// Whether something may not be enciphered yet.
    pub has_plain: bool,
    /// Whether free room of its file may hold what was there before the newest key.
    pub has_remains: bool,
    checks: Vec<String>,
}

impl State {
    /// Reads it. The store must know [`TABLE`].
    pub fn read(store: &dyn Store) -> Result<Self, SealError> {
        let mut state = Self::default();
        for row in store.scan(&Scan::of(&TABLE, PARTITION.into()))? {
            let [Value::Text(kind)] = &row.values[..] else { return Err(SealError::Marks) };
            match &**kind {
                KEY => {
                    let id = row.key.strip_prefix("key:").ok_or(SealError::Marks)?;
                    state.keys.push(id.to_owned());
                    state.checks.push(row.body);
                }
                PLAIN => state.has_plain = true,
                REMAINS => state.has_remains = true,
                _ => return Err(SealError::Marks),
            }
        }
        Ok(state)
    }

    /// Whether something is to be enciphered anew.
    pub(crate) fn is_behind(&self, newest: &str) -> bool {
        self.has_plain || self.keys.iter().any(|id| id != newest)
    }
}

/// Whether the keys are those that the store needs.
pub(crate) fn check(store: &dyn Store, keys: &Keys) -> Result<State, SealError> {
    let state = State::read(store)?;
    let missing = state.keys.iter().filter(|id| keys.get(id).is_none());
    let ids: Vec<String> = missing.cloned().collect();
    if !ids.is_empty() {
        return Err(SealError::Missing { ids });
    }
    let opener = Opener::new(keys.clone());
    for (id, check) in state.keys.iter().zip(&state.checks) {
        let opened = opener.open(Place::Check { id }, check);
        if opened.as_deref() != Ok(CHECK) {
            return Err(SealError::Wrong { id: id.clone() });
        }
    }
    Ok(state)
}

/// Enters the newest key, unless it is entered; whether there may be plain text.
pub(crate) fn begin(store: &dyn Store, keys: &Keys, found: &State) -> Result<bool, SealError> {
    let newest = keys.newest();
    if found.keys.iter().any(|id| id == newest.id()) {
        return Ok(found.has_plain);
    }
    let is_new = store.partitions()?.is_empty();
    let was_plain = found.keys.is_empty() && !is_new;
    let mut sealer = Sealer::new(newest.clone());
    let check = sealer.seal(Place::Check { id: newest.id() }, CHECK);
    let mut rows = vec![mark(&format!("key:{}", newest.id()), KEY, check)];
    let left = [(PLAIN, was_plain), (REMAINS, !is_new)].into_iter().filter(|(_, is)| *is);
    rows.extend(left.map(|(kind, _)| mark(kind, kind, "{}".to_owned())));
    // A batch without a change leaves no number behind.
    let batch = Batch {
        partition: PARTITION.into(),
        kind: PARTITION,
        epoch: 1,
        first: 1,
        at: Timestamp(0),
        changes: Vec::new(),
        rows,
    };
    store.committer().commit(&[batch])?;
    Ok(found.has_plain || was_plain)
}

/// Strikes out every key but the newest, and that there is plain text.
pub(crate) fn end(
    store: &dyn Store,
    committer: &mut dyn Committer,
    newest: &str,
) -> Result<Vec<String>, CommitError> {
    let state = State::read(store).map_err(|error| CommitError::Failed(error.to_string()))?;
    let old: Vec<String> = state.keys.into_iter().filter(|id| id != newest).collect();
    let keys = old.iter().map(|id| format!("key:{id}")).chain([PLAIN.to_owned()]);
    strike(committer, keys)?;
    Ok(old)
}

/// Says that the store's file was written anew, so that free room holds nothing any more. Whether
/// that is so: while something is not under the newest key, more will be left.
pub fn forget_remains(store: &dyn Store) -> Result<bool, SealError> {
    let state = State::read(store)?;
    let is_done = !state.has_plain && state.keys.len() <= 1;
    if state.has_remains && is_done {
        strike(&mut *store.committer(), [REMAINS.to_owned()].into_iter())?;
    }
    Ok(is_done)
}

fn strike(
    committer: &mut dyn Committer,
    keys: impl Iterator<Item = String>,
) -> Result<(), CommitError> {
    let rows: Vec<(&'static Table, Box<str>)> = keys.map(|key| (&TABLE, key.into())).collect();
    let kept = Vec::new();
    committer.forget(&Forget { partition: PARTITION.into(), rows, journal_through: 0, kept })
}

fn mark(key: &str, kind: &str, body: String) -> RowWrite {
    let content = RowContent { values: vec![kind.into()], body };
    RowWrite { table: &TABLE, key: key.into(), content: Some(content) }
}

impl From<SealError> for StoreError {
    fn from(error: SealError) -> Self {
        Self(error.to_string())
    }
}
