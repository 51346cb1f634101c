//! Rows as a store would have them, and a bucket that pages in from them.

use base::{IdSource, Timestamp, Turn};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};
use sync::{
    Bounds, Bucket, BucketNumber, Change, Command, Deadline, Entity, Event, Item, Key, Limits,
    Object, ObjectSid, Purge, Rejection, Removed, Reply, RowRef, ServiceSid, Stop,
};

/// The bucket all tests are about.
pub(crate) const BUCKET: BucketNumber = BucketNumber::new(5);

/// Everything that is kept.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Disk {
    pub(crate) entities: BTreeMap<Key, Entity>,
    pub(crate) deadlines: BTreeMap<String, Deadline>,
    pub(crate) graves: BTreeSet<ObjectSid>,
    pub(crate) removed: BTreeMap<ObjectSid, Removed>,
    pub(crate) purges: BTreeMap<ServiceSid, Purge>,
}

enum Row {
    Entity(Key, Option<Entity>),
    Deadline(Deadline, bool),
    Grave(ObjectSid),
    Removed(Removed),
    Purge(ServiceSid, Purge),
}

impl Disk {
    fn take(&mut self, row: Row) {
        match row {
            Row::Entity(key, Some(entity)) => _ = self.entities.insert(key, entity),
            Row::Entity(key, None) => _ = self.entities.remove(&key),
            Row::Deadline(deadline, true) => {
                self.deadlines.insert(deadline.text(), deadline);
            }
            Row::Deadline(deadline, false) => _ = self.deadlines.remove(&deadline.text()),
            Row::Grave(sid) => _ = self.graves.insert(sid),
            Row::Removed(removed) => _ = self.removed.insert(removed.sid, removed),
            Row::Purge(service, purge) => _ = self.purges.insert(service, purge),
        }
    }

    /// Without what belonged to objects that are gone, which a clean-up removes.
    pub(crate) fn reachable(&self) -> BTreeMap<Key, Entity> {
        let is_there = |sid: &ObjectSid| self.entities.contains_key(&Key::Object(*sid));
        let kept = self.entities.iter().filter(|(key, _)| match key {
            Key::Name(..) | Key::Object(_) => true,
            Key::Item(object, _) | Key::Permission(object, _) => is_there(object),
        });
        kept.map(|(key, entity)| (key.clone(), entity.clone())).collect()
    }

    pub(crate) fn objects(&self) -> impl Iterator<Item = &Arc<Object>> {
        self.entities.values().filter_map(|entity| match entity {
            Entity::Object(object) => Some(object),
            _ => None,
        })
    }

    pub(crate) fn items(&self) -> impl Iterator<Item = &Arc<Item>> {
        self.entities.values().filter_map(|entity| match entity {
            Entity::Item(item) => Some(item),
            _ => None,
        })
    }
}

/// A bucket with its rows, which become durable some turns later.
pub(crate) struct Served {
    pub(crate) bucket: Bucket,
    limits: Limits,
    pub(crate) disk: Disk,
    pub(crate) journal: Vec<Change>,
    pub(crate) events: Vec<Event>,
    ids: IdSource,
    /// Rows on their way, each with the changes and the events up to them.
    under_way: VecDeque<(Vec<Row>, (usize, usize))>,
    lag: usize,
    /// Changes and events that are durable.
    durable: (usize, usize),
    /// Changes before the bucket last came back.
    base: usize,
    /// How often something was read.
    pub(crate) loads: usize,
}

impl Served {
    pub(crate) fn new(memory: Bounds, lag: usize) -> Self {
        Self::within(Limits { memory, ..Limits::default() }, lag)
    }

    pub(crate) fn within(limits: Limits, lag: usize) -> Self {
        Self {
            bucket: Bucket::new(BUCKET, limits),
            limits,
            disk: Disk::default(),
            journal: Vec::new(),
            events: Vec::new(),
            ids: IdSource::new(1),
            under_way: VecDeque::new(),
            lag,
            durable: (0, 0),
            base: 0,
            loads: 0,
        }
    }

    pub(crate) fn run(&mut self, now: Timestamp, command: &Command) -> Result<Reply, Rejection> {
        loop {
            let mut turn = Turn::new(now, &mut self.ids);
            let reply = self.bucket.handle(&mut turn, command);
            let (changes, events) = (turn.changes, turn.effects);
            match reply {
                Ok(reply) => {
                    self.keep(changes, events);
                    return Ok(reply);
                }
                Err(stop) => {
                    assert!(changes.is_empty() && events.is_empty(), "nothing was left behind");
                    match stop {
                        Stop::Rejected(rejection) => {
                            self.keep(Vec::new(), Vec::new());
                            return Err(rejection);
                        }
                        Stop::Missing(keys) => self.load(keys),
                    }
                }
            }
        }
    }

    /// Runs everything that is due, as the host does.
    pub(crate) fn expire(&mut self, now: Timestamp) {
        let mut rounds = 0;
        while self.bucket.next_deadline().is_some_and(|at| at <= now) {
            rounds += 1;
            assert!(rounds < 100_000, "time goes on");
            // The host lets a portion become durable before the next.
            self.settle();
            self.fetch_due(now);
            let mut turn = Turn::new(now, &mut self.ids);
            self.bucket.expire(&mut turn);
            let (changes, events) = (turn.changes, turn.effects);
            self.keep(changes, events);
        }
    }

    fn fetch_due(&mut self, now: Timestamp) {
        let mut wanted = self.bucket.wants(now);
        if let Some(after) = wanted.deadlines.take() {
            const AT_ONCE: usize = 3;
            let after = after.map(|deadline| deadline.text());
            let next = self.disk.deadlines.iter().filter(|(key, _)| Some(*key) > after.as_ref());
            let read: Vec<_> = next.take(AT_ONCE).map(|(_, deadline)| deadline.clone()).collect();
            let more = read.len() == AT_ONCE;
            self.bucket.read_deadlines(read, more);
            wanted = self.bucket.wants(now);
        }
        if let Some(service) = wanted.objects_of {
            let own = self.disk.objects().filter(|object| object.service == service);
            let found = own.take(2).map(|object| object.sid).collect();
            self.bucket.found_objects(service, found);
            wanted = self.bucket.wants(now);
        }
        self.load(wanted.entities);
        assert!(self.bucket.wants(now).entities.is_empty(), "what was wanted is there");
    }

    fn load(&mut self, keys: Vec<Key>) {
        for key in keys {
            self.loads += 1;
            let entity = self.disk.entities.get(&key).cloned();
            self.bucket.page_in(key, entity);
        }
    }

    fn keep(&mut self, changes: Vec<Change>, events: Vec<Event>) {
        let mut rows = Vec::new();
        self.bucket.rows(|row| {
            rows.push(match row {
                RowRef::Name(key, sid) => Row::Entity(key.clone(), Some(Entity::Name(sid))),
                RowRef::Object(object) => {
                    let entity = Entity::Object(Arc::new(object.clone()));
                    Row::Entity(Key::Object(object.sid), Some(entity))
                }
                RowRef::Item(item) => {
                    let key = Key::Item(item.object, item.key.clone());
                    Row::Entity(key, Some(Entity::Item(Arc::new(item.clone()))))
                }
                RowRef::Permission(key, rights) => {
                    Row::Entity(key.clone(), Some(Entity::Permission(rights)))
                }
                RowRef::Gone(key) => Row::Entity(key.clone(), None),
                RowRef::Deadline(deadline) => Row::Deadline(deadline.clone(), true),
                RowRef::NoDeadline(deadline) => Row::Deadline(deadline.clone(), false),
                RowRef::Grave(sid) => Row::Grave(sid),
                RowRef::Removed(removed) => Row::Removed(removed.clone()),
                RowRef::Purge(service, purge) => Row::Purge(service, purge),
            });
        });
        assert!(!changes.is_empty() || rows.is_empty(), "only changes touch rows");
        self.journal.extend(changes);
        self.events.extend(events);
        self.under_way.push_back((rows, (self.journal.len(), self.events.len())));
        while self.under_way.len() > self.lag {
            self.write_one();
        }
    }

    fn write_one(&mut self) {
        let Some((rows, durable)) = self.under_way.pop_front() else { return };
        rows.into_iter().for_each(|row| self.disk.take(row));
        self.durable = durable;
        self.bucket.page_out((durable.0 - self.base) as u64);
    }

    /// Everything becomes durable.
    pub(crate) fn settle(&mut self) {
        while !self.under_way.is_empty() {
            self.write_one();
        }
    }

    /// What is not durable is lost, and the bucket comes back from rows.
    pub(crate) fn crash(&mut self, memory: Bounds) {
        self.journal.truncate(self.durable.0);
        self.events.truncate(self.durable.1);
        self.under_way.clear();
        self.base = self.journal.len();
        let limits = Limits { memory, ..self.limits };
        let purges = self.disk.purges.clone();
        self.bucket = Bucket::restore(BUCKET, limits, purges);
    }
}
