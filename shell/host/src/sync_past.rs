//! What happened to an object of sync, and what it was at an earlier moment.
//!
//! * Both come from the journal, and from the object as it is now: nothing is kept for them but
//!   where in the journal the latest changes are.
//! * What does not reach the journal any more is said to be forgotten, not made up.
//! * Of an object that is gone all is told that the journal still has. Whose it was is kept with
//!   its removal; of one that went with its whole service, its beginning has to be there.
//! * Bounded in time and memory: a history goes on where it ended, what is out of reach is refused.

use crate::{
    sync_reads::{self, Bounds, ItemRange},
    sync_removed,
    sync_trail::{End, Flow, Trail},
};
use base::Timestamp;
use std::{sync::Arc, time::Duration};
use store::{Direction, Seq, Store, StoreError};
use sync::{
    Change, Item, ItemKey, ItemThen, Object, ObjectKind, ObjectSid, ObjectThen, Origin, Past,
    Removed, ServiceSid,
};

/// How long a page of a history may take; then it ends where it is.
const HISTORY_LIMIT: Duration = Duration::from_secs(2);
/// How long the way to a moment may take.
const MOMENT_LIMIT: Duration = Duration::from_secs(20);
/// Items held that were touched since a moment.
const TOUCHED_MAX: usize = 500_000;
/// Items looked at for a page of a moment.
const LOOKED_AT_MAX: usize = 20_000;

/// Which changes of an object.
#[derive(Clone, Debug)]
pub struct HistoryRange {
    /// Those of one item alone.
    pub item: Option<ItemKey>,
    /// Those before this journal entry; the newest ones otherwise.
    pub before: Option<Seq>,
    /// At most.
    pub limit: usize,
}

/// Something that happened to an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Happened {
    /// The journal entry that says so.
    pub seq: Seq,
    /// When.
    pub at: Timestamp,
    /// What.
    pub change: Change,
}

/// Some of an object's history, the newest first.
#[derive(Clone, Debug)]
pub struct History {
    /// What happened.
    pub entries: Vec<Happened>,
    /// There may be more before this entry, which was made then; also where nothing was found.
    pub next: Option<(Seq, Timestamp)>,
    /// The oldest instant of which the journal tells something.
    pub reaches_to: Timestamp,
    /// Whether what happened to the object before that is forgotten.
    pub is_cut: bool,
}

/// An object at an earlier moment.
#[derive(Clone, Debug)]
pub struct Then {
    /// The object.
    pub object: ObjectThen,
    /// A page of its items, in the order that was asked for.
    pub items: Vec<(ItemKey, ItemThen)>,
    /// Behind which place to go on; `None` where nothing follows.
    pub next: Option<ItemKey>,
}

/// Why the past of an object is not told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SyncPastError {
    /// No object of this SID is there, and the journal knows of none in the service.
    #[error("there is no such object, and the journal does not tell of one")]
    NotFound,
    /// The object was made later, or was gone already.
    #[error("the object was not there at that time")]
    NotThere,
    /// The journal does not reach back that far.
    #[error("the journal tells nothing of that time: it begins at {}", .0.to_string_ms())]
    Forgotten(Timestamp),
    /// A document's value, or what was in a list or map that is gone, was written before the
    /// journal begins.
    #[error("the value at that time is older than the journal, from {}", .0.to_string_ms())]
    ValueForgotten(Timestamp),
    /// Too much happened since.
    #[error("too much happened since: within the time allowed {} was reached", .0.to_string_ms())]
    TooFar(Timestamp),
    /// The store could not be read, or what it holds makes no sense.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// An object of which the past is asked for.
struct Subject {
    sid: ObjectSid,
    /// As it is; `None` if it is gone.
    now: Option<Arc<Object>>,
    /// How it went, where that is kept.
    removed: Option<Removed>,
    created_at: Timestamp,
}

/// Some of an object's history.
pub(crate) fn history(
    store: &dyn Store,
    service: ServiceSid,
    sid: ObjectSid,
    range: &HistoryRange,
) -> Result<History, SyncPastError> {
    let mut trail = Trail::new(store, sid, HISTORY_LIMIT)?.ok_or(SyncPastError::NotFound)?;
    let subject = Subject::of(store, &mut trail, service, sid)?;
    let floor = trail.floor(subject.created_at)?;
    let from = range.before.map_or(trail.last, |before| before.saturating_sub(1));
    let mut entries = Vec::new();
    let end = trail.walk((from, floor), subject.event(), |seq, at, change| {
        if range.item.is_none() || change.item() == range.item.as_ref() {
            entries.push(Happened { seq, at, change });
        }
        Ok(if entries.len() == range.limit { Flow::Enough } else { Flow::More })
    })?;
    let is_cut = trail.is_cut() && subject.created_at < trail.first_at;
    let next = match (end, entries.last()) {
        (End::Enough, Some(Happened { seq, at, .. })) => Some((*seq, *at)),
        (End::Late(seq, at), _) => Some((seq, at)),
        (End::Enough | End::Floor, _) => None,
    };
    let reaches_to = if is_cut { trail.first_at } else { subject.created_at };
    Ok(History { entries, next, reaches_to, is_cut })
}

/// What an object was at a moment, with a page of its items.
pub(crate) fn then(
    store: &dyn Store,
    service: ServiceSid,
    sid: ObjectSid,
    (moment, range): (Timestamp, &ItemRange),
) -> Result<Then, SyncPastError> {
    let mut trail = Trail::new(store, sid, MOMENT_LIMIT)?.ok_or(SyncPastError::NotFound)?;
    let subject = Subject::of(store, &mut trail, service, sid)?;
    if subject.created_at > moment {
        return Err(SyncPastError::NotThere);
    }
    if trail.is_cut() && trail.first_at > moment {
        return Err(SyncPastError::Forgotten(trail.first_at));
    }
    // Rows first: what changes after they were read is in the journal behind them.
    let rows = match &subject.now {
        Some(_) => {
            let rows = untouched(store, sid, moment, range)?;
            trail = Trail::new(store, sid, MOMENT_LIMIT)?.ok_or(SyncPastError::NotFound)?;
            rows
        }
        None => Rows::default(),
    };
    let past = Past::new(sid.kind(), subject.now.as_deref(), moment);
    let past = go_back(&trail, &subject, past, moment)?;
    found(&trail, &subject, &past, (rows, range))
}

/// What an object that is gone was to the last, with a page of its items.
pub(crate) fn last_state(
    store: &dyn Store,
    service: ServiceSid,
    sid: ObjectSid,
    range: &ItemRange,
) -> Result<(Removed, Then), SyncPastError> {
    let mut trail = Trail::new(store, sid, MOMENT_LIMIT)?.ok_or(SyncPastError::NotFound)?;
    let subject = Subject::of(store, &mut trail, service, sid)?;
    let removed = subject.removed.clone().ok_or(SyncPastError::NotFound)?;
    let past = Past::at_end(sid.kind(), removed.event, removed.at);
    let past = go_back(&trail, &subject, past, removed.at)?;
    let then = found(&trail, &subject, &past, (Rows::default(), range))?;
    Ok((removed, then))
}

fn found(
    trail: &Trail<'_>,
    subject: &Subject,
    past: &Past,
    (rows, range): (Rows, &ItemRange),
) -> Result<Then, SyncPastError> {
    let mut object = past.object().ok_or(SyncPastError::NotThere)?.clone();
    let kind = subject.sid.kind();
    // Of what is gone, rows do not tell what was in it; only all changes together do.
    let is_cut = subject.now.is_none() && object.origin.is_none();
    let is_forgotten = match kind {
        ObjectKind::Document => object.data.is_none(),
        ObjectKind::List | ObjectKind::Map => is_cut,
        ObjectKind::Stream => false,
    };
    if is_forgotten {
        return Err(SyncPastError::ValueForgotten(trail.first_at));
    }
    object.origin = object.origin.or_else(|| subject.origin());
    let (items, next) = page(past, rows, range);
    Ok(Then { object, items, next })
}

fn go_back(
    trail: &Trail<'_>,
    subject: &Subject,
    mut past: Past,
    moment: Timestamp,
) -> Result<Past, SyncPastError> {
    let turn = trail.upto(moment)?;
    let since = trail.walk((trail.last, turn + 1), subject.event(), |_, at, change| {
        past.back(&change, at);
        Ok(if past.len() > TOUCHED_MAX { Flow::Enough } else { Flow::More })
    })?;
    match since {
        End::Floor => {}
        End::Enough => return Err(SyncPastError::TooFar(moment)),
        End::Late(_, at) => return Err(SyncPastError::TooFar(at)),
    }
    if !past.wants_more() {
        return Ok(past);
    }
    let floor = trail.floor(subject.created_at)?;
    let before = trail.walk((turn, floor), subject.event(), |_, at, change| {
        past.back(&change, at);
        let is_enough = !past.wants_more() || past.len() > TOUCHED_MAX;
        Ok(if is_enough { Flow::Enough } else { Flow::More })
    })?;
    match before {
        End::Late(_, at) => Err(SyncPastError::TooFar(at)),
        End::Enough if past.wants_more() => Err(SyncPastError::TooFar(moment)),
        End::Enough | End::Floor => Ok(past),
    }
}

impl Subject {
    /// Of one that is gone, the trail ends where it went.
    fn of(
        store: &dyn Store,
        trail: &mut Trail<'_>,
        service: ServiceSid,
        sid: ObjectSid,
    ) -> Result<Self, SyncPastError> {
        if let Some(object) = sync_reads::by_sid(store, sid)? {
            let is_own = object.service == service;
            let created_at = object.created_at;
            let now = is_own.then(|| Arc::new(object)).ok_or(SyncPastError::NotFound)?;
            return Ok(Self { sid, now: Some(now), removed: None, created_at });
        }
        if let Some(removed) = sync_removed::of(store, service, sid)? {
            trail.last = trail.upto(removed.at)?;
            let created_at = removed.created_at;
            return Ok(Self { sid, now: None, removed: Some(removed), created_at });
        }
        let birth = trail.birth()?.ok_or(SyncPastError::NotFound)?;
        match trail.change(&birth)? {
            Some(Change::ObjectCreated { object, .. }) if object.service == service => {
                Ok(Self { sid, now: None, removed: None, created_at: object.created_at })
            }
            _ => Err(SyncPastError::NotFound),
        }
    }

    /// An event it had; where none is known, one that it never had.
    fn event(&self) -> u64 {
        let removed = self.removed.as_ref().map(|removed| removed.event);
        self.now.as_ref().map(|object| object.event).or(removed).unwrap_or(u64::MAX)
    }

    /// What its removal tells of its beginning.
    fn origin(&self) -> Option<Origin> {
        self.removed.as_ref().map(|removed| Origin {
            service: removed.service,
            unique_name: removed.unique_name.clone(),
            created_by: removed.created_by.clone(),
            created_at: removed.created_at,
        })
    }
}

/// Items that are as they were at a moment, in order.
#[derive(Default)]
struct Rows {
    items: Vec<Arc<Item>>,
    /// Where looking ended, if there may be more.
    looked_to: Option<ItemKey>,
}

fn untouched(
    store: &dyn Store,
    sid: ObjectSid,
    moment: Timestamp,
    range: &ItemRange,
) -> Result<Rows, StoreError> {
    let mut rows = Rows::default();
    if !sid.kind().has_items() {
        return Ok(rows);
    }
    let (mut range, wanted) = (range.clone(), range.limit + 1);
    let mut looked = 0;
    loop {
        range.limit = wanted;
        // What had expired by then is left out; what expired since is not.
        let found = sync_reads::items(store, sid, &range, moment)?;
        looked += found.len();
        let last = found.last().map(|item| item.key.clone());
        let is_end = found.len() < wanted;
        rows.items.extend(found.into_iter().filter(|item| item.updated_at <= moment));
        if is_end {
            return Ok(rows);
        }
        if rows.items.len() >= wanted || looked >= LOOKED_AT_MAX {
            rows.looked_to = last;
            return Ok(rows);
        }
        range.from = last.map(|key| (key, Bounds::Exclusive));
    }
}

/// What was not touched and what was, in one order.
fn page(past: &Past, rows: Rows, range: &ItemRange) -> (Vec<(ItemKey, ItemThen)>, Option<ItemKey>) {
    let before = |one: &ItemKey, other: &ItemKey| match range.direction {
        Direction::Ascending => one < other,
        Direction::Descending => other < one,
    };
    let is_in = |key: &ItemKey| match &range.from {
        None => true,
        Some((from, Bounds::Inclusive)) => !before(key, from),
        Some((from, Bounds::Exclusive)) => before(from, key),
    };
    // Of what lies behind the last row, nobody knows yet what else is there.
    let is_known = |key: &ItemKey| rows.looked_to.as_ref().is_none_or(|last| !before(last, key));
    let rows_then = rows.items.iter().filter(|item| past.is_untouched(item));
    let mut items: Vec<(ItemKey, ItemThen)> =
        rows_then.map(|item| (item.key.clone(), ItemThen::of(item))).collect();
    let touched = past.items().filter(|(key, _)| is_in(key) && is_known(key));
    items.extend(touched.map(|(key, item)| (key.clone(), item.clone())));
    items.sort_unstable_by(|(one, _), (other, _)| match range.direction {
        Direction::Ascending => one.cmp(other),
        Direction::Descending => other.cmp(one),
    });
    let has_more = items.len() > range.limit;
    items.truncate(range.limit);
    let next = match has_more {
        true => items.last().map(|(key, _)| key.clone()),
        false => rows.looked_to,
    };
    (items, next)
}

impl Then {
    /// What the object has from its beginning on; unknown where that is forgotten, which it never
    /// is of one that is there now.
    pub const fn origin(&self) -> Option<&Origin> {
        self.object.origin.as_ref()
    }
}
