//! Objects of sync that are gone: found by SID, and listed newest first.
//!
//! * Known as long as the journal is kept, but for those that went with their whole service.
//! * A search looks at so many rows at most and says how far it came: it goes on from there.

use crate::{
    host::{ROWS_MAX, Searched, holds_name},
    sync_reads::partition,
    tables,
};
use base::Timestamp;
use std::{cmp::Reverse, sync::Arc};
use store::{Direction, Filter, Row, Scan, Store, StoreError, Test, Value};
use sync::{BucketNumber, ObjectKind, ObjectSid, Removed, ServiceSid};

/// Which objects of a service that are gone are wanted.
#[derive(Clone, Debug)]
pub struct RemovedSearch {
    /// Of which kind.
    pub kind: Option<ObjectKind>,
    /// What their unique name holds, in any case.
    pub name_holds: Option<Arc<str>>,
    /// Behind which one: when it went, and its SID.
    pub after: Option<(Timestamp, ObjectSid)>,
    /// At most.
    pub limit: usize,
}

/// An object that is gone, if that is known.
pub(crate) fn of(
    store: &dyn Store,
    service: ServiceSid,
    sid: ObjectSid,
) -> Result<Option<Removed>, StoreError> {
    let row = store.row(&tables::SYNC_REMOVED, &partition(sid.bucket()), &sid.to_string())?;
    let removed = row.as_ref().map(removed).transpose()?;
    Ok(removed.filter(|removed| removed.service == service))
}

/// Some that are gone, the newest first.
pub(crate) fn search(
    store: &dyn Store,
    service: ServiceSid,
    search: &RemovedSearch,
) -> Result<Searched<Removed, (Timestamp, ObjectSid)>, StoreError> {
    let (mut found, mut after, mut looked) = (Vec::new(), search.after, 0);
    loop {
        let rows = newest(store, service, after, search.limit + 1)?;
        let is_end = rows.len() <= search.limit;
        for one in rows {
            if found.len() == search.limit {
                return Ok(Searched { found, next: after });
            }
            after = Some((one.at, one.sid));
            looked += 1;
            let is_wanted = search.kind.is_none_or(|kind| one.sid.kind() == kind)
                && holds_name(one.unique_name.as_deref(), search.name_holds.as_deref());
            found.extend(is_wanted.then_some(one));
        }
        if is_end {
            return Ok(Searched { found, next: None });
        }
        if looked >= ROWS_MAX {
            return Ok(Searched { found, next: after });
        }
    }
}

/// The newest ones of all buckets behind a place.
fn newest(
    store: &dyn Store,
    service: ServiceSid,
    after: Option<(Timestamp, ObjectSid)>,
    limit: usize,
) -> Result<Vec<Removed>, StoreError> {
    let text = |sid: String| Value::from(sid.as_str());
    let after = after.map(|(at, sid)| vec![at.into(), text(sid.to_string())]);
    let mut rows = Vec::new();
    for bucket in BucketNumber::all() {
        let service = Test::OneOf(vec![text(service.to_string())]);
        let scan = Scan {
            filters: vec![Filter { column: "service", test: service }],
            order: vec![("at", Direction::Descending)],
            after: after.clone(),
            limit,
            ..Scan::of(&tables::SYNC_REMOVED, partition(bucket))
        };
        for row in &store.scan(&scan)? {
            rows.push(removed(row)?);
        }
    }
    rows.sort_unstable_by_key(|one| Reverse((one.at, one.sid.to_string())));
    rows.truncate(limit);
    Ok(rows)
}

fn removed(row: &Row) -> Result<Removed, StoreError> {
    let broken = |_| StoreError("a row of table sync_removed makes no sense".to_owned());
    serde_json::from_str(&row.body).map_err(broken)
}
