//! Sync as somebody sees it who looks after it: searching, who follows, what is hot, what was.
//!
//! * A search looks at so many rows at most and says how far it came: it goes on from there.
//! * Nothing here is counted as a read of an object.

use super::Host;
use crate::{
    findings::{Pattern, Surroundings, findings},
    heat::{Usage, WINDOW_MAX},
    sync_hub::Following,
    sync_past::{self, History, HistoryRange, SyncPastError, Then},
    sync_reads::{self, Bounds, ItemRange},
    sync_removed::{self, RemovedSearch},
};
use base::{Millis, Timestamp};
use std::sync::Arc;
use store::{Store, StoreError};
use sync::{Item, ItemKey, Object, ObjectKind, ObjectSid, Removed, ServiceSid};

/// Items read at once.
const ROWS_AT_ONCE: usize = 500;
/// Objects read at once, out of each bucket.
const OBJECTS_OF_A_BUCKET: usize = 32;
/// Objects or items that one search looks at.
pub(crate) const ROWS_MAX: usize = 5_000;
/// The same in bytes of values.
const BYTES_MAX: usize = 16 << 20;
/// What tells a loop.
const LATEST: Millis = Millis(10_000);

/// Which objects of a service are wanted.
#[derive(Clone, Debug)]
pub struct ObjectSearch {
    /// Of which kind; of all, one kind after the other, otherwise.
    pub kind: Option<ObjectKind>,
    /// What their unique name holds.
    pub name_holds: Option<Arc<str>>,
    /// Behind which one.
    pub after: Option<ObjectSid>,
    /// At most.
    pub limit: usize,
}

/// Which items of an object are wanted.
#[derive(Clone, Debug)]
pub struct ItemSearch {
    /// Where to begin, which way, and how many at most.
    pub range: ItemRange,
    /// What their key or the text of their value holds, in any case.
    pub holds: Option<Arc<str>>,
}

/// What a search found.
#[derive(Clone, Debug)]
pub struct Searched<T, K> {
    /// In order.
    pub found: Vec<T>,
    /// Behind which one to go on; `None` where nothing follows. There may be a next one where
    /// nothing was found.
    pub next: Option<K>,
}

/// An object with what it is used for.
#[derive(Clone, Debug)]
pub struct Heated {
    /// The object.
    pub object: Arc<Object>,
    /// Who follows it now.
    pub followers: usize,
    /// How much it was used in the window.
    pub usage: Usage,
    /// What that says.
    pub findings: Vec<Pattern>,
}

impl Host {
    /// Objects of a service, by kind and SID.
    pub async fn sync_search_objects(
        &self,
        service: ServiceSid,
        search: ObjectSearch,
    ) -> Result<Searched<Arc<Object>, ObjectSid>, StoreError> {
        let now = self.now();
        self.blocking(move |store| objects(store, service, &search, now)).await
    }

    /// Items of an object that is there.
    pub async fn sync_search_items(
        &self,
        object: ObjectSid,
        search: ItemSearch,
    ) -> Result<Searched<Arc<Item>, ItemKey>, StoreError> {
        let now = self.now();
        self.blocking(move |store| items(store, object, search, now)).await
    }

    /// Who follows an object, by connection, and how many do.
    pub fn sync_following(
        &self,
        object: ObjectSid,
        after: Option<u64>,
        limit: usize,
    ) -> (Vec<Following>, usize) {
        let hub = &self.0.core.outlets.sync.hub;
        (hub.following(object, after, limit), hub.count(object))
    }

    /// Counts a read of an object, or of something in it.
    pub fn sync_was_read(&self, service: ServiceSid, object: ObjectSid) {
        self.0.core.outlets.sync.heat.read(service, object, self.now());
    }

    /// What objects of one service are used for, in a window up to now.
    pub fn sync_heated(&self, objects: Vec<Arc<Object>>, window: Millis) -> Vec<Heated> {
        let Some(service) = objects.first().map(|object| object.service) else {
            return Vec::new();
        };
        let (sync, now) = (&self.0.core.outlets.sync, self.now());
        let of_all = sync.heat.hottest(service, now, WINDOW_MAX);
        let writes_of_all_per_s = of_all.iter().map(|one| one.usage.writes_per_s).sum();
        let heated = objects.into_iter().map(|object| {
            let usage = |window| sync.heat.of(object.sid, now, window);
            let followers = sync.hub.count(object.sid);
            let around = Surroundings { followers, writes_of_all_per_s };
            let findings = findings(&object, &usage(WINDOW_MAX), &usage(LATEST), around);
            let usage = usage(window);
            Heated { object, followers, usage, findings }
        });
        heated.collect()
    }

    /// Since when it is counted what objects are used for: the start of this process.
    pub fn sync_heat_since(&self) -> Timestamp {
        self.0.began_at
    }

    /// The hottest objects of a service in a window up to now.
    pub async fn sync_hottest(
        &self,
        service: ServiceSid,
        window: Millis,
        limit: usize,
    ) -> Result<Vec<Heated>, StoreError> {
        let now = self.now();
        let hottest = self.0.core.outlets.sync.heat.hottest(service, now, window);
        let read = move |store: &dyn Store| {
            let mut found = Vec::new();
            for used in hottest {
                if found.len() == limit {
                    break;
                }
                // What is gone by now was hot once.
                let object = sync_reads::by_sid(store, used.object)?;
                found.extend(object.filter(|object| object.is_there(now)).map(Arc::new));
            }
            Ok(found)
        };
        Ok(self.sync_heated(self.blocking(read).await?, window))
    }

    /// Some of what happened to an object, the newest first, as far as the journal is kept.
    pub async fn sync_history(
        &self,
        service: ServiceSid,
        object: ObjectSid,
        range: HistoryRange,
    ) -> Result<History, SyncPastError> {
        self.looking_back(move |store| sync_past::history(store, service, object, &range)).await
    }

    /// What an object was at a moment that has passed, with a page of its items.
    pub async fn sync_then(
        &self,
        service: ServiceSid,
        object: ObjectSid,
        (moment, range): (Timestamp, ItemRange),
    ) -> Result<Then, SyncPastError> {
        self.looking_back(move |store| sync_past::then(store, service, object, (moment, &range)))
            .await
    }

    /// An object that is gone, as it was to the last, with a page of its items.
    pub async fn sync_last_state(
        &self,
        service: ServiceSid,
        object: ObjectSid,
        range: ItemRange,
    ) -> Result<(Removed, Then), SyncPastError> {
        self.looking_back(move |store| sync_past::last_state(store, service, object, &range)).await
    }

    /// An object that is gone, as long as the journal is kept.
    pub async fn sync_removed(
        &self,
        service: ServiceSid,
        object: ObjectSid,
    ) -> Result<Option<Removed>, StoreError> {
        self.blocking(move |store| sync_removed::of(store, service, object)).await
    }

    /// Objects of a service that are gone, the newest first, as long as the journal is kept.
    pub async fn sync_search_removed(
        &self,
        service: ServiceSid,
        search: RemovedSearch,
    ) -> Result<Searched<Removed, (Timestamp, ObjectSid)>, StoreError> {
        self.blocking(move |store| sync_removed::search(store, service, &search)).await
    }

    async fn looking_back<T: Send + 'static>(
        &self,
        look: impl FnOnce(&dyn Store) -> Result<T, SyncPastError> + Send + 'static,
    ) -> Result<T, SyncPastError> {
        let looked = self.at_length(move |store| Ok(look(store))).await;
        looked.map_err(|error| SyncPastError::Store(StoreError(error.to_string())))?
    }
}

fn objects(
    store: &dyn Store,
    service: ServiceSid,
    search: &ObjectSearch,
    now: Timestamp,
) -> Result<Searched<Arc<Object>, ObjectSid>, StoreError> {
    let (mut found, mut after, mut looked, mut bytes) = (Vec::new(), search.after, 0, 0);
    let kinds = ObjectKind::ALL.into_iter().filter(|kind| search.kind.is_none_or(|k| k == *kind));
    for kind in kinds.filter(|kind| search.after.is_none_or(|sid| sid.kind() <= *kind)) {
        loop {
            let within = after.filter(|sid| sid.kind() == kind);
            let (rows, goes_on) =
                sync_reads::some_objects(store, (service, kind), within, OBJECTS_OF_A_BUCKET, now)?;
            for object in rows {
                if found.len() == search.limit {
                    return Ok(Searched { found, next: after });
                }
                after = Some(object.sid);
                looked += 1;
                bytes += object.data.as_ref().map_or(0, sync::Payload::size);
                let is_wanted =
                    holds_name(object.unique_name.as_deref(), search.name_holds.as_deref());
                found.extend(is_wanted.then(|| Arc::new(object)));
            }
            // All objects up to here were looked at, also where none is left of them.
            after = after.max(goes_on);
            if goes_on.is_none() {
                break;
            }
            if looked >= ROWS_MAX || bytes >= BYTES_MAX {
                return Ok(Searched { found, next: after });
            }
        }
    }
    Ok(Searched { found, next: None })
}

pub(crate) fn holds_name(name: Option<&str>, wanted: Option<&str>) -> bool {
    let Some(wanted) = wanted else { return true };
    name.is_some_and(|name| holds(name, wanted))
}

fn items(
    store: &dyn Store,
    object: ObjectSid,
    search: ItemSearch,
    now: Timestamp,
) -> Result<Searched<Arc<Item>, ItemKey>, StoreError> {
    let ItemSearch { mut range, holds: wanted } = search;
    let (limit, mut found, mut last) = (range.limit, Vec::new(), None);
    let (mut looked, mut bytes) = (0, 0);
    loop {
        range.limit = if wanted.is_none() { limit + 1 } else { ROWS_AT_ONCE };
        let rows = sync_reads::items(store, object, &range, now)?;
        let is_end = rows.len() < range.limit;
        for item in rows {
            if found.len() == limit {
                return Ok(Searched { found, next: last });
            }
            last = Some(item.key.clone());
            looked += 1;
            bytes += item.data.size();
            let is_wanted = wanted.as_deref().is_none_or(|wanted| holds_item(&item, wanted));
            found.extend(is_wanted.then_some(item));
        }
        if is_end {
            return Ok(Searched { found, next: None });
        }
        if looked >= ROWS_MAX || bytes >= BYTES_MAX {
            return Ok(Searched { found, next: last });
        }
        range.from = last.clone().map(|key| (key, Bounds::Exclusive));
    }
}

fn holds_item(item: &Item, wanted: &str) -> bool {
    let in_key = match &item.key {
        ItemKey::Index(index) => index.to_string().contains(wanted),
        ItemKey::Key(key) => holds(key, wanted),
    };
    in_key || holds(item.data.text(), wanted)
}

/// Whether a text holds another one, in any case. ASCII, which most texts are, is not copied.
fn holds(text: &str, wanted: &str) -> bool {
    if !wanted.is_ascii() {
        return text.to_lowercase().contains(&wanted.to_lowercase());
    }
    let (text, wanted) = (text.as_bytes(), wanted.as_bytes());
    wanted.is_empty() || text.windows(wanted.len()).any(|part| part.eq_ignore_ascii_case(wanted))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_found_in_any_case() {
        assert!(holds("Queue:Sales", "sales") && holds("ÄRGER", "ärg") && holds("x", ""));
        assert!(!holds("sale", "sales") && !holds("", "s"));
    }
}
