//! The state of one bucket and the calls that move it.

use crate::{
    cache::{Bounds, Cache, Slot},
    change::{Change, Removal},
    command::{Action, Caller, Command, Named, Reply, SYSTEM},
    deadlines::Deadlines,
    event::Event,
    model::*,
    rejection::Rejection,
    rows::{Deadline, Entity, Key, Mortal, Purge, Removed, RowRef},
};
use base::{Timestamp, Turn};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    sync::Arc,
};

/// Things that expire in one call, and objects of a deleted service removed in one.
const PORTION: usize = 100;

/// What an installation allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a document or an item.
    pub payload_bytes: usize,
    /// Bytes of a message.
    pub message_bytes: usize,
    /// Items of one list or map; `None` where there is no bound.
    pub items_max: Option<u64>,
    /// What stays in memory.
    pub memory: Bounds,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            payload_bytes: 16 << 10,
            message_bytes: 4 << 10,
            items_max: None,
            memory: Bounds::default(),
        }
    }
}

/// Why a command was not carried out. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// These are to be paged in first; then it may be tried again.
    Missing(Vec<Key>),
    /// The answer is no.
    Rejected(Rejection),
}

impl From<Rejection> for Stop {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(rejection)
    }
}

/// A share of all objects, with what is in memory of it.
#[derive(Debug)]
pub struct Bucket {
    pub(crate) number: BucketNumber,
    pub(crate) limits: Limits,
    pub(crate) cache: Cache,
    pub(crate) deadlines: Deadlines,
    pub(crate) purges: BTreeMap<ServiceSid, Purge>,
    /// Objects of a deleted service that were found in rows; `None` while nobody has looked.
    purging: Option<Vec<ObjectSid>>,
    pub(crate) touched: Touched,
    /// Changes of this value so far.
    pub(crate) recorded: u64,
}

/// What a turn did to rows.
#[derive(Debug, Default)]
pub(crate) struct Touched {
    pub(crate) entities: BTreeSet<Key>,
    /// Whether they are there.
    pub(crate) deadlines: BTreeMap<Deadline, bool>,
    pub(crate) graves: BTreeSet<ObjectSid>,
    pub(crate) removed: Vec<Removed>,
    pub(crate) purges: BTreeSet<ServiceSid>,
}

/// What `expire` needs before it can go on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Deadlines are to be read on behind this one, or from the beginning.
    pub deadlines: Option<Option<Deadline>>,
    /// Entities to be paged in.
    pub entities: Vec<Key>,
    /// Some objects of this service are to be found.
    pub objects_of: Option<ServiceSid>,
}

impl Wanted {
    /// Whether there is nothing to be fetched.
    pub const fn is_empty(&self) -> bool {
        self.deadlines.is_none() && self.entities.is_empty() && self.objects_of.is_none()
    }
}

impl Bucket {
    /// A bucket in which nothing was ever stored.
    pub const fn new(number: BucketNumber, limits: Limits) -> Self {
        Self {
            number,
            limits,
            cache: Cache::new(),
            deadlines: Deadlines::none(),
            purges: BTreeMap::new(),
            purging: None,
            touched: Touched::new(),
            recorded: 0,
        }
    }

    /// A bucket whose rows are there to be paged in.
    pub fn restore(
        number: BucketNumber,
        limits: Limits,
        purges: impl IntoIterator<Item = (ServiceSid, Purge)>,
    ) -> Self {
        let purges = purges.into_iter().collect();
        Self { deadlines: Deadlines::unread(), purges, ..Self::new(number, limits) }
    }

    /// Other limits from now on.
    pub const fn limit(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// Which one it is.
    pub const fn number(&self) -> BucketNumber {
        self.number
    }

    /// Carries out a command, or says what is missing, or refuses; it changes nothing then.
    pub fn handle(
        &mut self,
        turn: &mut Turn<'_, Change, Event>,
        command: &Command,
    ) -> Result<Reply, Stop> {
        self.carry_out(turn, command)
    }

    /// Whether a command on something that is there finds what it needs in memory.
    pub fn is_ready(&self, command: &Command) -> bool {
        let Some(target) = command.action.target() else {
            return match command.name_key() {
                Some(key) => self.cache.knows(&key),
                None => true,
            };
        };
        let sid = target.sid().or_else(|| {
            let Named::Name(name) = &target.named else { return None };
            match self.cache.peek(&Key::Name(command.service, target.kind, name.clone())) {
                Some(Slot::Name(sid)) => Some(*sid),
                _ => None,
            }
        });
        let Some(sid) = sid else { return false };
        let knows_item = match &command.action {
            Action::AddItem { key: Some(key), .. } | Action::PutItem { key, .. } => {
                self.cache.knows(&Key::Item(sid, ItemKey::Key(key.clone())))
            }
            Action::UpdateItem { key, .. } | Action::DeleteItem { key, .. } => {
                self.cache.knows(&Key::Item(sid, key.clone()))
            }
            _ => true,
        };
        knows_item && self.cache.knows(&Key::Object(sid))
    }

    /// What there is at a key, as its row says; `None` is remembered too. What is in memory
    /// already stays.
    pub fn page_in(&mut self, key: Key, entity: Option<Entity>) {
        if self.cache.knows(&key) {
            return;
        }
        let slot = Slot::from(entity);
        if let Some(deadline) = deadline(&slot) {
            self.deadlines.add(deadline);
        }
        self.cache.page_in(key, slot);
    }

    /// Lets go of what is out of bounds, of what the first `durable` changes of this value left.
    pub fn page_out(&mut self, durable: u64) {
        let Self { cache, deadlines, limits, .. } = self;
        cache.page_out(limits.memory, durable, |_, slot| {
            if let Some(deadline) = deadline(slot) {
                deadlines.page_out(deadline);
            }
        });
    }

    /// When [`Bucket::expire`] next has work.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        let purging = self.purge_under_way().map(|_| Timestamp(i64::MIN));
        self.deadlines.next().into_iter().chain(purging).min()
    }

    /// What is to be fetched before [`Bucket::expire`] can do its next portion at `now`.
    pub fn wants(&self, now: Timestamp) -> Wanted {
        if let Some(deadlines) = self.deadlines.reads_on(now) {
            return Wanted { deadlines: Some(deadlines), ..Wanted::default() };
        }
        let mut keys = BTreeSet::new();
        for Deadline { of, .. } in self.deadlines.due(now, PORTION) {
            if let Mortal::Item(object, _) = &of {
                keys.insert(Key::Object(*object));
            }
            keys.insert(of.key());
        }
        for object in self.purging.iter().flatten() {
            keys.insert(Key::Object(*object));
        }
        keys.retain(|key| !self.cache.knows(key));
        let unlooked = if self.purging.is_none() { self.purge_under_way() } else { None };
        Wanted { entities: keys.into_iter().collect(), objects_of: unlooked, deadlines: None }
    }

    /// Deadlines as rows say, in the order of their texts; `more` when there may be others.
    pub fn read_deadlines(&mut self, read: Vec<Deadline>, more: bool) {
        let cache = &self.cache;
        self.deadlines.read(read, more, |key| cache.knows(key));
    }

    /// Some objects of a deleted service, as rows say; none when there are no more.
    pub fn found_objects(&mut self, service: ServiceSid, mut found: Vec<ObjectSid>) {
        // What was made a moment ago is in no row that can be read yet.
        let young = self.cache.objects().filter(|object| object.service == service);
        found.extend(young.map(|object| object.sid));
        found.sort_unstable();
        found.dedup();
        self.purging = Some(found);
    }

    /// Removes a portion of what is due, as far as [`Bucket::wants`] was fetched.
    pub fn expire(&mut self, turn: &mut Turn<'_, Change, Event>) {
        let now = turn.now;
        for due in self.deadlines.due(now, PORTION) {
            self.expire_one(turn, &due);
        }
        let (Some(service), Some(found)) = (self.purge_under_way(), self.purging.take()) else {
            return;
        };
        if found.is_empty() {
            return self.record(turn, Change::PurgeEnded { service }, &Caller::System);
        }
        for sid in found {
            if let Some(Slot::Object(object)) = self.cache.get(&Key::Object(sid)).cloned() {
                self.remove_object(turn, &object, Removal::ServiceDeleted, &Caller::System);
            }
        }
    }

    fn expire_one(&mut self, turn: &mut Turn<'_, Change, Event>, due: &Deadline) {
        let slot = self.cache.get(&due.of.key()).cloned();
        let is_so = slot.as_ref().and_then(deadline).as_ref() == Some(due);
        match slot {
            // To be fetched first; see `wants`.
            None => return,
            Some(Slot::Object(object)) if is_so => {
                self.remove_object(turn, &object, Removal::Expired, &Caller::System);
            }
            Some(Slot::Item(item)) if is_so => {
                if let Some(Slot::Object(object)) =
                    self.cache.get(&Key::Object(item.object)).cloned()
                {
                    self.remove_item(turn, &object, &item, Removal::Expired, &Caller::System);
                }
            }
            Some(_) => {}
        }
        self.deadlines.remove(due);
    }

    /// Records that an object is gone.
    pub(crate) fn remove_object(
        &mut self,
        turn: &mut Turn<'_, Change, Event>,
        object: &Object,
        because: Removal,
        caller: &Caller,
    ) {
        let (sid, event) = (object.sid, object.event + 1);
        let change = Change::ObjectRemoved {
            object: sid,
            event,
            because,
            at: turn.now,
            by: by(because, caller),
        };
        self.record(turn, change, caller);
    }

    /// Records that an item is gone.
    pub(crate) fn remove_item(
        &mut self,
        turn: &mut Turn<'_, Change, Event>,
        object: &Object,
        item: &Item,
        because: Removal,
        caller: &Caller,
    ) {
        let change = Change::ItemRemoved {
            object: object.sid,
            key: item.key.clone(),
            event: object.event + 1,
            revision: item.event,
            data: item.data.clone(),
            because,
            at: turn.now,
            by: by(because, caller),
        };
        self.record(turn, change, caller);
    }

    fn purge_under_way(&self) -> Option<ServiceSid> {
        let mut purges = self.purges.iter();
        purges.find(|(_, purge)| **purge == Purge::UnderWay).map(|(service, _)| *service)
    }

    /// The one door: outside replay, nothing else calls `apply`.
    pub(crate) fn record(
        &mut self,
        turn: &mut Turn<'_, Change, Event>,
        change: Change,
        caller: &Caller,
    ) {
        // An object that goes is told of as it was.
        let before = change.object().and_then(|sid| self.object(sid).cloned());
        self.apply(&change);
        let now = change.object().and_then(|sid| self.object(sid)).or(before.as_ref());
        let event = now.and_then(|object| Event::of(&change, object));
        turn.effects.extend(event.map(|event| event.from(caller)));
        turn.changes.push(change);
    }

    /// An object in memory.
    pub(crate) fn object(&self, sid: ObjectSid) -> Option<&Arc<Object>> {
        match self.cache.peek(&Key::Object(sid)) {
            Some(Slot::Object(object)) => Some(object),
            _ => None,
        }
    }

    /// The rows touched since the last call, as they are now, each once and in order.
    pub fn rows(&mut self, mut f: impl FnMut(RowRef<'_>)) {
        let touched = std::mem::take(&mut self.touched);
        for key in &touched.entities {
            f(match self.cache.peek(key).expect("what was touched is in memory") {
                Slot::Absent => RowRef::Gone(key),
                Slot::Name(sid) => RowRef::Name(key, *sid),
                Slot::Object(object) => RowRef::Object(object),
                Slot::Item(item) => RowRef::Item(item),
                Slot::Permission(rights) => RowRef::Permission(key, *rights),
            });
        }
        for (deadline, is_there) in &touched.deadlines {
            f(if *is_there { RowRef::Deadline(deadline) } else { RowRef::NoDeadline(deadline) });
        }
        touched.graves.into_iter().for_each(|sid| f(RowRef::Grave(sid)));
        touched.removed.iter().for_each(|removed| f(RowRef::Removed(removed)));
        for service in touched.purges {
            f(RowRef::Purge(service, self.purges[&service]));
        }
    }

    /// Entities in memory, absent ones included, and the bytes of their values.
    pub fn in_memory(&self) -> (usize, usize) {
        (self.cache.len(), self.cache.bytes())
    }

    /// Deadlines in memory.
    pub fn deadlines_in_memory(&self) -> usize {
        self.deadlines.len()
    }

    /// Everything that is there and in memory, as text: equal for equal states of buckets that
    /// hold everything.
    pub fn digest(&self) -> String {
        let mut text = String::new();
        for (key, slot) in self.cache.iter() {
            let owner = match key {
                Key::Name(..) | Key::Object(_) => None,
                Key::Item(object, _) | Key::Permission(object, _) => Some(*object),
            };
            let is_left_over = owner.is_some_and(|object| self.object(object).is_none());
            if *slot == Slot::Absent || is_left_over {
                continue;
            }
            // Values show their size only; the text is compared here.
            let data = match slot {
                Slot::Object(object) => object.data.as_ref().map(crate::Payload::text),
                Slot::Item(item) => Some(item.data.text()),
                Slot::Absent | Slot::Name(_) | Slot::Permission(_) => None,
            };
            writeln!(text, "{} {slot:?} {data:?}", key.text()).expect("a String takes any text");
        }
        for (service, purge) in &self.purges {
            writeln!(text, "{service} {purge:?}").expect("a String takes any text");
        }
        text
    }

    /// Panics if an invariant is broken.
    pub fn check(&self) {
        self.cache.check();
        let mut expected = BTreeSet::new();
        for (key, slot) in self.cache.iter() {
            match (key, slot) {
                (Key::Object(sid), Slot::Object(object)) => {
                    assert_eq!(*sid, object.sid, "an object is under its SID");
                    assert_eq!(sid.bucket(), self.number, "a SID leads to its bucket");
                }
                (Key::Item(object, key), Slot::Item(item)) => {
                    assert_eq!((*object, key), (item.object, &item.key), "an item's place");
                    if let Some(owner) = self.object(*object) {
                        assert!(item.event <= owner.event, "an item is no newer than its object");
                    }
                }
                (Key::Name(service, kind, name), Slot::Name(sid)) => {
                    let at = BucketNumber::of_name(*service, *kind, name);
                    assert_eq!((at, sid.kind()), (self.number, *kind), "a name's place");
                }
                (Key::Permission(..), Slot::Permission(_)) | (_, Slot::Absent) => {}
                (key, slot) => panic!("{} holds {slot:?}", key.text()),
            }
            let is_owned = match key {
                Key::Item(object, _) => self.object(*object).is_some(),
                Key::Name(..) | Key::Object(_) | Key::Permission(..) => true,
            };
            expected.extend(deadline(slot).filter(|_| is_owned));
        }
        let known = self.deadlines.resident();
        assert!(expected.is_subset(known), "what is in memory and expires has its deadline");
        for stale in known.difference(&expected) {
            let Mortal::Item(object, _) = &stale.of else { panic!("{} is stale", stale.text()) };
            assert!(self.object(*object).is_none(), "{} is stale", stale.text());
        }
    }
}

/// Nobody does what time does.
fn by(because: Removal, caller: &Caller) -> Arc<str> {
    match because {
        Removal::Deleted => caller.name(),
        Removal::Expired | Removal::ServiceDeleted => SYSTEM.into(),
    }
}

/// When what is in a slot expires.
pub(crate) fn deadline(slot: &Slot) -> Option<Deadline> {
    let (at, of) = match slot {
        Slot::Object(object) => (object.expires_at?, Mortal::Object(object.sid)),
        Slot::Item(item) => (item.expires_at?, Mortal::Item(item.object, item.key.clone())),
        Slot::Absent | Slot::Name(_) | Slot::Permission(_) => return None,
    };
    Some(Deadline { at, of })
}

impl Touched {
    const fn new() -> Self {
        Self {
            entities: BTreeSet::new(),
            deadlines: BTreeMap::new(),
            graves: BTreeSet::new(),
            removed: Vec::new(),
            purges: BTreeSet::new(),
        }
    }
}
