//! What of sync is read from rows: objects, pages of items, permissions, and events told again.
//!
//! * A page is a range of keys behind a key: it costs the same anywhere, and what is removed
//!   meanwhile moves nothing.
//! * What has expired by `now` is left out, whether it was removed yet or not.

use crate::{
    adapters::{SyncEngine, below, event_key, item_row, object_row},
    tables,
};
use base::Timestamp;
use std::sync::Arc;
use store::{Direction, Filter, PartitionId, Row, Scan, Seq, Store, StoreError, Test, Value};
use sync::{
    BucketNumber, Event, EventId, Item, ItemKey, Named, Object, ObjectKind, ObjectSid, Permission,
    Right, Rights, ServiceSid, Target, service::Services,
};

/// Objects of one kind in a service, by SID.
#[derive(Clone, Copy, Debug)]
pub struct ObjectRange {
    /// Of which kind.
    pub kind: ObjectKind,
    /// The last one already seen.
    pub after: Option<ObjectSid>,
    /// Which way.
    pub direction: Direction,
    /// At most.
    pub limit: usize,
}

/// Items of a list or map, by place.
#[derive(Clone, Debug)]
pub struct ItemRange {
    /// Where to begin; at the end that is first in this direction otherwise. There need not be an
    /// item there.
    pub from: Option<(ItemKey, Bounds)>,
    /// Which way.
    pub direction: Direction,
    /// At most.
    pub limit: usize,
}

/// Whether the place one begins at belongs to the range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bounds {
    /// It does.
    Inclusive,
    /// It does not.
    Exclusive,
}

/// The partition of a bucket.
pub(crate) fn partition(bucket: BucketNumber) -> PartitionId {
    format!("sync-{bucket}").into()
}

/// An object that is there, by SID or name.
pub fn object(
    store: &dyn Store,
    service: ServiceSid,
    target: &Target,
    now: Timestamp,
) -> Result<Option<Arc<Object>>, StoreError> {
    let bucket = partition(target.bucket(service));
    let sid = match &target.named {
        Named::Sid(_) => target.sid(),
        Named::Name(name) => {
            let key = sync::Key::Name(service, target.kind, name.clone()).text();
            let row = store.row(&tables::SYNC_NAME, &bucket, &key)?;
            row.and_then(|row| match row.values.first() {
                Some(Value::Text(sid)) => sid.parse().ok(),
                _ => None,
            })
        }
    };
    let Some(sid) = sid else { return Ok(None) };
    let found = by_sid(store, sid)?.filter(|object| object.service == service);
    Ok(found.filter(|object| object.is_there(now)).map(Arc::new))
}

/// An object as its row says, expired or not.
pub(crate) fn by_sid(store: &dyn Store, sid: ObjectSid) -> Result<Option<Object>, StoreError> {
    let row = store.row(&tables::SYNC_OBJECT, &partition(sid.bucket()), &sid.to_string())?;
    row.map(|row| object_row(&row).ok_or_else(|| broken("sync_object"))).transpose()
}

/// Some objects out of all buckets, by SID: as many of each as are read at once, up to where each
/// bucket was read. Behind that place one goes on; `None` when that was all.
pub(crate) fn some_objects(
    store: &dyn Store,
    (service, kind): (ServiceSid, ObjectKind),
    after: Option<ObjectSid>,
    of_a_bucket: usize,
    now: Timestamp,
) -> Result<(Vec<Object>, Option<ObjectSid>), StoreError> {
    let range = ObjectRange { kind, after, direction: Direction::Ascending, limit: of_a_bucket };
    let (mut found, mut goes_on) = (Vec::new(), None);
    for bucket in BucketNumber::all() {
        let rows = of_bucket(store, service, range, bucket, now)?;
        if let Some(last) = rows.last().filter(|_| rows.len() == of_a_bucket) {
            goes_on = Some(goes_on.map_or(last.sid, |least: ObjectSid| least.min(last.sid)));
        }
        found.extend(rows);
    }
    found.retain(|object| goes_on.is_none_or(|last| object.sid <= last));
    found.sort_unstable_by_key(|object| object.sid);
    Ok((found, goes_on))
}

/// A page of objects out of all buckets.
pub(crate) fn objects(
    store: &dyn Store,
    service: ServiceSid,
    range: ObjectRange,
    now: Timestamp,
) -> Result<Vec<Arc<Object>>, StoreError> {
    let mut found = Vec::new();
    for bucket in BucketNumber::all() {
        found.extend(of_bucket(store, service, range, bucket, now)?);
    }
    match range.direction {
        Direction::Ascending => found.sort_unstable_by_key(|object| object.sid),
        Direction::Descending => {
            found.sort_unstable_by_key(|object| std::cmp::Reverse(object.sid));
        }
    }
    found.truncate(range.limit);
    Ok(found.into_iter().map(Arc::new).collect())
}

fn of_bucket(
    store: &dyn Store,
    service: ServiceSid,
    range: ObjectRange,
    bucket: BucketNumber,
    now: Timestamp,
) -> Result<Vec<Object>, StoreError> {
    let letters = range.kind.letters();
    let bound = |digit: char| Value::from(format!("{letters}{digit}").as_str());
    let filters = vec![
        Filter { column: "service", test: Test::OneOf(vec![text(service)]) },
        Filter { column: "key", test: Test::AtLeast(bound('0')) },
        Filter { column: "key", test: Test::AtMost(bound('g')) },
        Filter { column: "expires_at", test: Test::NullOrAbove(now.into()) },
    ];
    let after = range.after.map(|sid| vec![text(sid), text(sid)]);
    let order = vec![("key", range.direction)];
    let table = Scan::of(&tables::SYNC_OBJECT, partition(bucket));
    let rows = store.scan(&Scan { filters, order, after, limit: range.limit, ..table })?;
    let objects = rows.iter().map(|row| object_row(row).ok_or_else(|| broken("sync_object")));
    objects.collect()
}

/// An item that is there.
pub(crate) fn item(
    store: &dyn Store,
    object: ObjectSid,
    key: &ItemKey,
    now: Timestamp,
) -> Result<Option<Arc<Item>>, StoreError> {
    let text = format!("{object}/{}", key.sortable());
    let row = store.row(&tables::SYNC_ITEM, &partition(object.bucket()), &text)?;
    let item =
        row.map(|row| item_row(object, key.clone(), &row).ok_or_else(|| broken("sync_item")));
    Ok(item.transpose()?.filter(|item| item.is_there(now)).map(Arc::new))
}

/// A page of items.
pub fn items(
    store: &dyn Store,
    object: ObjectSid,
    range: &ItemRange,
    now: Timestamp,
) -> Result<Vec<Arc<Item>>, StoreError> {
    let mut filters = below(&object.to_string());
    let mut after = None;
    if let Some((key, bounds)) = &range.from {
        let at = Value::from(format!("{object}/{}", key.sortable()).as_str());
        match (bounds, range.direction) {
            (Bounds::Exclusive, _) => after = Some(vec![at.clone(), at]),
            // In the place of the object's own bound: a store begins at the first one it is given.
            (Bounds::Inclusive, Direction::Ascending) => filters[0].test = Test::AtLeast(at),
            (Bounds::Inclusive, Direction::Descending) => filters[1].test = Test::AtMost(at),
        }
    }
    filters.push(Filter { column: "expires_at", test: Test::NullOrAbove(now.into()) });
    let order = vec![("key", range.direction)];
    let table = Scan::of(&tables::SYNC_ITEM, partition(object.bucket()));
    let rows = store.scan(&Scan { filters, order, after, limit: range.limit, ..table })?;
    let items = rows.iter().map(|row| {
        let (_, place) = row.key.split_once('/')?;
        let key = ItemKey::from_sortable(object.kind(), place)?;
        item_row(object, key, row).map(Arc::new)
    });
    items.collect::<Option<Vec<_>>>().ok_or_else(|| broken("sync_item"))
}

/// Somebody's rights on an object; `None` where none were ever given.
pub(crate) fn rights(
    store: &dyn Store,
    object: ObjectSid,
    identity: &str,
) -> Result<Option<Rights>, StoreError> {
    let key = format!("{object}/{identity}");
    let row = store.row(&tables::SYNC_PERMISSION, &partition(object.bucket()), &key)?;
    let rights = row.map(|row| serde_json::from_str(&row.body));
    rights.transpose().map_err(|_| broken("sync_permission"))
}

/// Whether somebody has a right on an object; everybody has where permissions do not count.
pub(crate) fn may(
    store: &dyn Store,
    services: &Services,
    object: &Object,
    identity: &str,
    right: Right,
) -> Result<bool, StoreError> {
    if object.kind() == ObjectKind::Stream || !services.enforces(object.service) {
        return Ok(true);
    }
    Ok(rights(store, object.sid, identity)?.is_some_and(|rights| rights.allow(right)))
}

/// A page of an object's permissions, by identity.
pub(crate) fn permissions(
    store: &dyn Store,
    object: ObjectSid,
    after: Option<&str>,
    (direction, limit): (Direction, usize),
) -> Result<Vec<Permission>, StoreError> {
    let key = |identity| Value::from(format!("{object}/{identity}").as_str());
    let after = after.map(|identity| vec![key(identity), key(identity)]);
    let order = vec![("key", direction)];
    let filters = below(&object.to_string());
    let table = Scan::of(&tables::SYNC_PERMISSION, partition(object.bucket()));
    let rows = store.scan(&Scan { filters, order, after, limit, ..table })?;
    let permissions = rows.iter().map(|row| {
        let (_, identity) = row.key.split_once('/')?;
        let rights = serde_json::from_str(&row.body).ok()?;
        Some(Permission { object, identity: identity.into(), rights })
    });
    permissions.collect::<Option<Vec<_>>>().ok_or_else(|| broken("sync_permission"))
}

/// Events of an object behind one of them, oldest first, out of the journal; they end early where
/// the journal was forgotten. Numbers leave no gap: a first one that is not the next one tells that
/// some are forgotten.
pub fn events(
    store: &dyn Store,
    object: &Object,
    after: EventId,
    limit: usize,
) -> Result<Vec<Event>, StoreError> {
    let id = partition(object.sid.bucket());
    let filters = below(&object.sid.to_string());
    let scan = Scan { filters, limit, ..Scan::of(&tables::SYNC_EVENT, id.clone()) };
    let mut behind = event_key(object.sid, after);
    loop {
        let after = Some(vec![behind.as_str().into()]);
        let rows = store.scan(&Scan { after, ..scan.clone() })?;
        let Some(last) = rows.last() else { return Ok(Vec::new()) };
        behind = last.key.to_string();
        let events = out_of_the_journal(store, &id, object, &rows)?;
        // The journal may be kept for less long than the log.
        if !events.is_empty() {
            return Ok(events);
        }
    }
}

fn out_of_the_journal(
    store: &dyn Store,
    id: &PartitionId,
    object: &Object,
    rows: &[Row],
) -> Result<Vec<Event>, StoreError> {
    let mut events = Vec::with_capacity(rows.len());
    for row in rows {
        let Some(Value::Int(seq)) = row.values.get(1) else { return Err(broken("sync_event")) };
        let seq = Seq::try_from(*seq).map_err(|_| broken("sync_event"))?;
        let entry = store.journal(id, seq - 1, 1)?.pop().filter(|entry| entry.seq == seq);
        let Some(entry) = entry else { continue };
        let change = SyncEngine::read(&entry).map_err(StoreError)?;
        events.extend(Event::of(&change, object));
    }
    Ok(events)
}

fn text(sid: impl std::fmt::Display) -> Value {
    Value::from(sid.to_string().as_str())
}

fn broken(table: &str) -> StoreError {
    StoreError(format!("a row of table {table} makes no sense"))
}
