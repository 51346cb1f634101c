//! A bucket of sync as the host sees it: what it needs is read from rows, and its events are found
//! again in the journal.

use crate::{
    engine::{Aged, Engine, Loaded, Notice, Stop},
    outlets::{Outlets, SyncOptions},
    sync_hub::News,
    sync_trail::goes_with,
    tables,
};
use base::{Millis, Timestamp, Turn};
use std::{convert::Infallible, sync::Arc};
use store::{
    Batch, Entry, Filter, PartitionId, Row, RowContent, RowWrite, Scan, Seq, Store, StoreError,
    StoredChange, Table, Test, Value,
};
use sync::{
    Bucket, BucketNumber, Change, Command, DEADLINES_READ_AT_ONCE, Deadline, Entity, Event, Item,
    ItemKey, Key, Object, ObjectKind, ObjectSid, Payload, Purge, Rejection, Reply, Rights, RowRef,
    ServiceSid,
};

/// Objects of a deleted service looked for at once.
const OBJECTS_FOUND_AT_ONCE: usize = 100;

/// How much longer places of what is no event are kept than those of events.
const ASIDE_LONGER: Millis = Millis::secs(60 * 60);

/// A bucket as it is served.
pub struct SyncEngine {
    bucket: Bucket,
    missing: Vec<Key>,
    events_kept: u64,
}

impl SyncEngine {
    /// The engine itself, for looking only.
    pub const fn bucket(&self) -> &Bucket {
        &self.bucket
    }

    fn of(bucket: Bucket) -> Self {
        let SyncOptions { events_kept, .. } = SyncOptions::default();
        Self { bucket, missing: Vec::new(), events_kept }
    }
}

/// The bucket of a partition, by its name.
fn number(partition: &str) -> BucketNumber {
    let digit = partition.chars().next_back().and_then(|digit| digit.to_digit(16));
    BucketNumber::new(u64::from(digit.expect("the name of a bucket ends with its digit")))
}

impl Engine for SyncEngine {
    const KIND: &'static str = "sync";
    const READS: bool = true;
    type Command = Command;
    type Reply = Reply;
    type Rejection = Rejection;
    type Question = Infallible;
    type Answer = Infallible;
    type Change = Change;
    type Event = Event;

    const TABLES: &'static [&'static Table] = &[&tables::SYNC_PURGE];
    const LOGS: &'static [&'static Table] =
        &[&tables::SYNC_EVENT, &tables::SYNC_ASIDE, &tables::SYNC_REMOVED];
    const AGED: &'static [Aged] = &[
        Aged {
            table: &tables::SYNC_EVENT,
            before: |at| vec![Filter { column: "at", test: Test::AtMost(at.into()) }],
            kept: |retention| retention.sync_events,
        },
        // Whoever finds an event also finds what is beside it.
        Aged {
            table: &tables::SYNC_ASIDE,
            before: |at| vec![Filter { column: "at", test: Test::AtMost(at.into()) }],
            kept: |retention| Millis(retention.sync_events.0 + ASIDE_LONGER.0),
        },
        Aged {
            table: &tables::SYNC_REMOVED,
            before: |at| vec![Filter { column: "at", test: Test::AtMost(at.into()) }],
            kept: |retention| retention.journal,
        },
    ];

    fn empty(partition: &PartitionId) -> Self {
        Self::of(Bucket::new(number(partition), sync::Limits::default()))
    }

    fn restore(
        partition: &PartitionId,
        loaded: &mut dyn Iterator<Item = Loaded>,
    ) -> Result<Self, String> {
        let mut purges = Vec::new();
        for row in loaded.flat_map(|loaded| loaded.rows) {
            let service: ServiceSid = row.key.parse().map_err(|_| "a purge's key".to_owned())?;
            let purge: Purge = serde_json::from_str(&row.body)
                .map_err(|error| format!("a row of table sync_purge: {error}"))?;
            purges.push((service, purge));
        }
        Ok(Self::of(Bucket::restore(number(partition), sync::Limits::default(), purges)))
    }

    fn settle_in(&mut self, outlets: &Outlets) {
        if let Some(options) = outlets.sync.options.get() {
            self.bucket.limit(options.limits);
            self.events_kept = options.events_kept;
        }
    }

    fn handle(
        &mut self,
        turn: &mut Turn<'_, Change, Event>,
        command: &Command,
    ) -> Result<Reply, Stop<Rejection>> {
        self.bucket.handle(turn, command).map_err(|stop| match stop {
            sync::Stop::Rejected(rejection) => Stop::Rejected(rejection),
            sync::Stop::Missing(keys) => {
                self.missing = keys;
                Stop::Missing
            }
        })
    }

    fn may_read(&self, command: &Command) -> bool {
        !self.bucket.is_ready(command)
    }

    fn page_in(&mut self, store: &dyn Store, id: &PartitionId) -> Result<(), StoreError> {
        for key in std::mem::take(&mut self.missing) {
            let entity = entity(store, id, &key)?;
            self.bucket.page_in(key, entity);
        }
        Ok(())
    }

    fn page_in_due(
        &mut self,
        store: &dyn Store,
        id: &PartitionId,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut wanted = self.bucket.wants(now);
        if let Some(after) = wanted.deadlines.take() {
            let (read, more) = deadlines(store, id, after.as_ref())?;
            self.bucket.read_deadlines(read, more);
            wanted = self.bucket.wants(now);
        }
        if let Some(service) = wanted.objects_of {
            let found = objects_of(store, id, service)?;
            self.bucket.found_objects(service, found);
            wanted = self.bucket.wants(now);
        }
        self.missing = wanted.entities;
        self.page_in(store, id)
    }

    fn page_out(&mut self, durable: u64) {
        self.bucket.page_out(durable);
    }

    fn leftovers(
        store: &dyn Store,
        id: &PartitionId,
        limit: usize,
    ) -> Result<Vec<(&'static Table, Box<str>)>, StoreError> {
        let graves = Scan { limit: 1, ..Scan::of(&tables::SYNC_GRAVE, id.clone()) };
        let Some(grave) = store.scan(&graves)?.pop() else { return Ok(Vec::new()) };
        let tables = [
            &tables::SYNC_ITEM,
            &tables::SYNC_PERMISSION,
            &tables::SYNC_EVENT,
            &tables::SYNC_ASIDE,
        ];
        for table in tables {
            let scan = Scan { limit, filters: below(&grave.key), ..Scan::of(table, id.clone()) };
            let rows = store.scan(&scan)?;
            if !rows.is_empty() {
                return Ok(rows.into_iter().flat_map(|row| with_deadline(table, row)).collect());
            }
        }
        Ok(vec![(&tables::SYNC_GRAVE, grave.key)])
    }

    fn expire(&mut self, turn: &mut Turn<'_, Change, Event>) {
        self.bucket.expire(turn);
    }

    fn next_deadline(&self) -> Option<Timestamp> {
        self.bucket.next_deadline()
    }

    fn ask(&self, question: &Infallible, _: Timestamp) -> Result<Infallible, Rejection> {
        match *question {}
    }

    fn rows(&mut self, rows: &mut Vec<RowWrite>) {
        self.bucket.rows(|row| rows.push(write(row)));
    }

    fn stored(change: &Change) -> StoredChange {
        super::stored(change.kind(), change)
    }

    fn replay(&mut self, entry: &Entry) -> Result<(), String> {
        let change = Self::read(entry)?;
        self.bucket.apply(&change);
        self.bucket.rows(|_| {});
        Ok(())
    }

    fn is_over(&self) -> bool {
        false
    }

    fn ends(_: &Command) -> bool {
        false
    }

    fn name(command: &Command) -> &'static str {
        command.action.name()
    }

    fn fingerprint(command: &Command) -> u64 {
        super::hash(&format!("{command:?}"))
    }

    fn keep(&mut self, batch: &mut Batch, changes: &[Change], _: &[Event]) {
        let mut newest = None;
        for (seq, change) in (batch.first..).zip(changes) {
            let before = std::mem::replace(&mut newest, change.logged().map(|(object, _)| object));
            let Some((object, event)) = change.logged() else {
                let object = change.object();
                let is_found = goes_with(change) && before.is_some() && before == object;
                batch.rows.extend(object.filter(|_| !is_found).map(|o| aside(o, seq, batch.at)));
                continue;
            };
            let seq = i64::try_from(seq).unwrap_or(i64::MAX);
            let values = vec![batch.at.into(), seq.into()];
            let content = Some(RowContent { values, body: String::new() });
            let row = |event| event_key(object, event).into();
            let table = &tables::SYNC_EVENT;
            batch.rows.push(RowWrite { table, key: row(event), content });
            if let Some(old) = event.checked_sub(self.events_kept).filter(|old| *old > 0) {
                batch.rows.push(RowWrite { table, key: row(old), content: None });
            }
        }
    }

    fn notices(&mut self, _: &PartitionId, _: &[Change], events: Vec<Event>) -> Vec<Notice> {
        events.into_iter().map(|event| Notice::Sync(Arc::new(News::of(event)))).collect()
    }

    fn observe(_: &Outlets, _: &Batch, _: &[Change]) {}

    fn reveal(&self, _: &Outlets, _: &dyn Store, _: &PartitionId) -> Result<(), StoreError> {
        Ok(())
    }

    fn digest(&self) -> String {
        self.bucket.digest()
    }

    fn check(&self) {
        self.bucket.check();
    }
}

impl SyncEngine {
    /// A bucket with everything in memory, as rows say: for comparing.
    pub fn whole(store: &dyn Store, id: &PartitionId) -> Result<Self, StoreError> {
        let rows = |table| store.scan(&Scan::of(table, id.clone()));
        let purges = rows(&tables::SYNC_PURGE)?;
        let mut loaded = [Loaded { table: &tables::SYNC_PURGE, rows: purges }].into_iter();
        let mut engine = Self::restore(id, &mut loaded).map_err(StoreError)?;
        let of_objects = [&tables::SYNC_NAME, &tables::SYNC_OBJECT];
        let in_objects = [&tables::SYNC_ITEM, &tables::SYNC_PERMISSION];
        for table in of_objects.into_iter().chain(in_objects) {
            for row in rows(table)? {
                let broken = || StoreError(format!("a key of table {} makes no sense", table.name));
                let key = key(table, &row.key).ok_or_else(broken)?;
                let entity = entity(store, id, &key)?;
                engine.bucket.page_in(key, entity);
            }
        }
        Ok(engine)
    }

    /// A change as it was kept. The message names no customer data.
    pub fn read(entry: &Entry) -> Result<Change, String> {
        super::change(entry)
    }
}

/// Says where a change is that is no event.
fn aside(object: ObjectSid, seq: Seq, at: Timestamp) -> RowWrite {
    let content = Some(RowContent { values: vec![at.into()], body: String::new() });
    RowWrite { table: &tables::SYNC_ASIDE, key: event_key(object, seq).into(), content }
}

/// The key of an event's row.
pub(crate) fn event_key(object: ObjectSid, event: u64) -> String {
    format!("{object}/{event:016x}")
}

/// Rows that belong to an object, from the first and up to the last; the digit 0 follows the slash.
pub(crate) fn below(object: &str) -> Vec<Filter> {
    let bound = |end: char| Value::from(format!("{object}{end}").as_str());
    let filter = |test| Filter { column: "key", test };
    vec![filter(Test::AtLeast(bound('/'))), filter(Test::AtMost(bound('0')))]
}

fn with_deadline(table: &'static Table, row: Row) -> Vec<(&'static Table, Box<str>)> {
    let mut gone = Vec::new();
    if let (true, Some(Value::Int(at))) =
        (std::ptr::eq(table, &tables::SYNC_ITEM), row.values.first())
    {
        let key = format!("{:016x}/{}", at.max(&0), row.key);
        gone.push((&tables::SYNC_DEADLINE, key.into()));
    }
    gone.push((table, row.key));
    gone
}

/// The key of a row.
fn key(table: &'static Table, text: &str) -> Option<Key> {
    if std::ptr::eq(table, &tables::SYNC_OBJECT) {
        return text.parse().ok().map(Key::Object);
    }
    let (first, rest) = text.split_once('/')?;
    if std::ptr::eq(table, &tables::SYNC_NAME) {
        let (letters, name) = rest.split_once('/')?;
        let kind = ObjectKind::ALL.into_iter().find(|kind| kind.letters() == letters)?;
        return Some(Key::Name(first.parse().ok()?, kind, name.into()));
    }
    let object: ObjectSid = first.parse().ok()?;
    if std::ptr::eq(table, &tables::SYNC_PERMISSION) {
        return Some(Key::Permission(object, rest.into()));
    }
    Some(Key::Item(object, ItemKey::from_sortable(object.kind(), rest)?))
}

/// What the row of a key says.
fn entity(store: &dyn Store, id: &PartitionId, key: &Key) -> Result<Option<Entity>, StoreError> {
    let text = key.text();
    let table = match key {
        Key::Name(..) => &tables::SYNC_NAME,
        Key::Object(_) => &tables::SYNC_OBJECT,
        Key::Item(..) => &tables::SYNC_ITEM,
        Key::Permission(..) => &tables::SYNC_PERMISSION,
    };
    let Some(row) = store.row(table, id, &text)? else { return Ok(None) };
    let entity = match key {
        Key::Name(..) => match row.values.first() {
            Some(Value::Text(sid)) => sid.parse().ok().map(Entity::Name),
            _ => None,
        },
        Key::Object(_) => object_row(&row).map(|object| {
            #[cfg(feature = "planted-bugs")]
            let object = crate::planted::spoilt_object(object);
            Entity::Object(Arc::new(object))
        }),
        Key::Item(object, key) => {
            item_row(*object, key.clone(), &row).map(|item| Entity::Item(Arc::new(item)))
        }
        Key::Permission(..) => {
            serde_json::from_str::<Rights>(&row.body).ok().map(Entity::Permission)
        }
    };
    let broken = || StoreError(format!("a row of table {} makes no sense", table.name));
    entity.map(Some).ok_or_else(broken)
}

/// An object as its row says.
pub(crate) fn object_row(row: &Row) -> Option<Object> {
    let object: Object = serde_json::from_str(&row.body).ok()?;
    let data = match row.values.last()? {
        Value::Text(text) => Some(Payload::trusted(text.clone())),
        Value::Null | Value::Int(_) => None,
    };
    Some(Object { data, ..object })
}

/// An item as its row says.
pub(crate) fn item_row(object: ObjectSid, key: ItemKey, row: &Row) -> Option<Item> {
    let kept: KeptItem = serde_json::from_str(&row.body).ok()?;
    let Value::Text(text) = row.values.last()? else { return None };
    let data = Payload::trusted(text.clone());
    let KeptItem { event, created_by, created_at, updated_at } = kept;
    let expires_at = match row.values.first()? {
        Value::Int(at) => Some(Timestamp(*at)),
        Value::Null | Value::Text(_) => None,
    };
    Some(Item { object, key, data, event, created_by, created_at, updated_at, expires_at })
}

/// What of an item is neither in its key nor in columns.
#[derive(serde::Serialize, serde::Deserialize)]
struct KeptItem {
    event: u64,
    created_by: Arc<str>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

fn deadlines(
    store: &dyn Store,
    id: &PartitionId,
    after: Option<&Deadline>,
) -> Result<(Vec<Deadline>, bool), StoreError> {
    let after = after.map(|deadline| vec![deadline.text().as_str().into()]);
    let limit = DEADLINES_READ_AT_ONCE;
    let rows =
        store.scan(&Scan { after, limit, ..Scan::of(&tables::SYNC_DEADLINE, id.clone()) })?;
    let more = rows.len() == limit;
    let read = rows.iter().map(|row| Deadline::parse(&row.key)).collect::<Option<Vec<_>>>();
    let broken = || StoreError("a row of table sync_deadline makes no sense".to_owned());
    Ok((read.ok_or_else(broken)?, more))
}

fn objects_of(
    store: &dyn Store,
    id: &PartitionId,
    service: ServiceSid,
) -> Result<Vec<ObjectSid>, StoreError> {
    let service = Test::OneOf(vec![super::sid(service.sid())]);
    let filters = vec![Filter { column: "service", test: service }];
    let limit = OBJECTS_FOUND_AT_ONCE;
    let rows =
        store.scan(&Scan { filters, limit, ..Scan::of(&tables::SYNC_OBJECT, id.clone()) })?;
    Ok(rows.iter().filter_map(|row| row.key.parse().ok()).collect())
}

fn write(row: RowRef<'_>) -> RowWrite {
    let put = |table, key: String, values, body| {
        let content = Some(RowContent { values, body });
        RowWrite { table, key: key.into(), content }
    };
    match row {
        RowRef::Name(key, object) => {
            let values = vec![super::sid(object.sid())];
            put(&tables::SYNC_NAME, key.text(), values, "{}".to_owned())
        }
        RowRef::Object(object) => {
            let values = vec![
                super::sid(object.service.sid()),
                object.unique_name.clone().into(),
                object.expires_at.into(),
                object.data.as_ref().map(Payload::text).into(),
            ];
            let body = serde_json::to_string(object).expect("rows are plain data");
            put(&tables::SYNC_OBJECT, object.sid.to_string(), values, body)
        }
        RowRef::Item(item) => {
            let kept = KeptItem {
                event: item.event,
                created_by: item.created_by.clone(),
                created_at: item.created_at,
                updated_at: item.updated_at,
            };
            let body = serde_json::to_string(&kept).expect("rows are plain data");
            let values = vec![item.expires_at.into(), item.data.text().into()];
            let key = format!("{}/{}", item.object, item.key.sortable());
            put(&tables::SYNC_ITEM, key, values, body)
        }
        RowRef::Permission(key, rights) => {
            let body = serde_json::to_string(&rights).expect("rows are plain data");
            put(&tables::SYNC_PERMISSION, key.text(), Vec::new(), body)
        }
        RowRef::Deadline(deadline) => {
            put(&tables::SYNC_DEADLINE, deadline.text(), Vec::new(), String::new())
        }
        RowRef::Grave(sid) => put(&tables::SYNC_GRAVE, sid.to_string(), Vec::new(), String::new()),
        RowRef::Removed(removed) => {
            let values = vec![super::sid(removed.service.sid()), removed.at.into()];
            let body = serde_json::to_string(removed).expect("rows are plain data");
            put(&tables::SYNC_REMOVED, removed.sid.to_string(), values, body)
        }
        RowRef::Purge(service, purge) => {
            let body = serde_json::to_string(&purge).expect("rows are plain data");
            put(&tables::SYNC_PURGE, service.to_string(), Vec::new(), body)
        }
        RowRef::Gone(key) => {
            let table = match key {
                Key::Name(..) => &tables::SYNC_NAME,
                Key::Object(_) => &tables::SYNC_OBJECT,
                Key::Item(..) => &tables::SYNC_ITEM,
                Key::Permission(..) => &tables::SYNC_PERMISSION,
            };
            RowWrite { table, key: key.text().into(), content: None }
        }
        RowRef::NoDeadline(deadline) => {
            let (table, key) = (&tables::SYNC_DEADLINE, deadline.text().into());
            RowWrite { table, key, content: None }
        }
    }
}
