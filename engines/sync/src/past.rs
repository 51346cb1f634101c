//! What an object was at an earlier moment, found by going back through its changes.
//!
//! * Changes come newest first. Those behind the moment are undone; those before it are asked for
//!   what undoing does not tell, such as the value that an update replaced.
//! * Held is only what was touched behind the moment. Everything else is as it is now, and whoever
//!   reads rows knows it by its time ([`Past::is_untouched`]).
//! * Of an object that is gone now, all it held is found in the changes before.
//! * What no change told stays unknown; it is not made up.
//! * Changes that came after the object was looked at are known by their numbers.

use crate::{change::Change, model::*, payload::Payload};
use base::Timestamp;
use std::{collections::BTreeMap, sync::Arc};

/// What is found out about one object at one moment.
#[derive(Clone, Debug)]
pub struct Past {
    kind: ObjectKind,
    moment: Timestamp,
    state: State,
    items: BTreeMap<ItemKey, Fate>,
    /// Items of which something is not known yet.
    open: usize,
    /// Whether rows say nothing: the object is gone now, so every item comes from changes.
    is_gone: bool,
    /// Whether the moment is the one before it went, be it because its time was over.
    is_end: bool,
}

/// What is known of the object.
#[derive(Clone, Debug)]
enum State {
    /// It is gone now, and no change was met yet.
    Unmet,
    /// It was not there at the moment.
    NotThere,
    /// It was.
    There(ObjectThen),
}

/// An object at an earlier moment. What is `None` on the outside is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectThen {
    /// Its newest event then, which was its revision.
    pub event: EventId,
    /// How many items it had, expired ones that were not removed yet included.
    pub items: Option<u64>,
    /// Its value, if it is a document; others have none.
    pub data: Option<Payload>,
    /// When its value, its items or its expiry had last changed.
    pub updated_at: Option<Timestamp>,
    /// When it was to expire.
    pub expires_at: Option<Option<Timestamp>>,
    /// What never changes.
    pub origin: Option<Origin>,
}

/// What an object has from its beginning on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Where it belongs.
    pub service: ServiceSid,
    /// Its name for people.
    pub unique_name: Option<Arc<str>>,
    /// Who made it.
    pub created_by: Arc<str>,
    /// When.
    pub created_at: Timestamp,
}

/// What is known of an item that was touched.
#[derive(Clone, Debug)]
enum Fate {
    Absent,
    There(ItemThen),
}

/// An item at an earlier moment. What is `None` on the outside is not known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ItemThen {
    /// Its value.
    pub data: Option<Payload>,
    /// The event that had last written its value, which was its revision.
    pub event: Option<EventId>,
    /// When its value or its expiry had last changed.
    pub updated_at: Option<Timestamp>,
    /// When it was to expire.
    pub expires_at: Option<Option<Timestamp>>,
}

impl ItemThen {
    /// An item as it is, which it was then too.
    pub fn of(item: &Item) -> Self {
        Self {
            data: Some(item.data.clone()),
            event: Some(item.event),
            updated_at: Some(item.updated_at),
            expires_at: Some(item.expires_at),
        }
    }

    /// Whether nothing of it is unknown.
    pub const fn is_whole(&self) -> bool {
        self.data.is_some()
            && self.event.is_some()
            && self.updated_at.is_some()
            && self.expires_at.is_some()
    }

    fn is_there(&self, moment: Timestamp) -> bool {
        self.expires_at.flatten().is_none_or(|at| moment < at)
    }
}

impl Past {
    /// Of an object at a moment: everything at that very millisecond counts as before it. `now` is
    /// the object as it is, `None` for one that is gone.
    pub fn new(kind: ObjectKind, now: Option<&Object>, moment: Timestamp) -> Self {
        let state = match now {
            None => State::Unmet,
            Some(object) if object.created_at > moment => State::NotThere,
            Some(object) => State::There(ObjectThen::of(object)),
        };
        let (items, is_gone) = (BTreeMap::new(), now.is_none());
        Self { kind, moment, state, items, open: 0, is_gone, is_end: false }
    }

    /// Of an object that is gone, as it was to the last: just before the event that ended it at
    /// that time. What happened in the same millisecond before it counts; items that had
    /// expired by then do not.
    pub fn at_end(kind: ObjectKind, event: EventId, at: Timestamp) -> Self {
        let state = State::There(ObjectThen::before(event));
        Self { state, is_end: true, ..Self::new(kind, None, at) }
    }

    /// The next older change of the object, made at `at`.
    pub fn back(&mut self, change: &Change, at: Timestamp) {
        if at > self.moment { self.undo(change) } else { self.ask(change, at) }
    }

    /// Whether an older change can tell anything more. False as well while nothing behind the
    /// moment was met that has to be explained: call it when all of that is undone.
    pub fn wants_more(&self) -> bool {
        match &self.state {
            State::NotThere => false,
            State::Unmet => true,
            State::There(_) if self.is_gone => self.origin().is_none(),
            State::There(object) => self.open > 0 || !object.is_whole(self.kind),
        }
    }

    /// The object at the moment, `None` if it was not there: not yet, not any more, or expired.
    pub fn object(&self) -> Option<&ObjectThen> {
        match &self.state {
            State::NotThere | State::Unmet => None,
            State::There(object) => {
                let has_expired = object.expires_at.flatten().is_some_and(|at| at <= self.moment);
                (self.is_end || !has_expired).then_some(object)
            }
        }
    }

    /// Items that were there at the moment and were touched since, in order.
    pub fn items(&self) -> impl DoubleEndedIterator<Item = (&ItemKey, &ItemThen)> {
        self.items.iter().filter_map(|(key, fate)| match fate {
            Fate::There(item) if item.is_there(self.moment) => Some((key, item)),
            Fate::There(_) | Fate::Absent => None,
        })
    }

    /// How many items are held.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether no item is held.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Whether an item that is there now is as it was at the moment, expired or not.
    pub fn is_untouched(&self, item: &Item) -> bool {
        item.updated_at <= self.moment && !self.items.contains_key(&item.key)
    }

    fn origin(&self) -> Option<&Origin> {
        match &self.state {
            State::There(object) => object.origin.as_ref(),
            State::NotThere | State::Unmet => None,
        }
    }

    fn undo(&mut self, change: &Change) {
        match change {
            Change::ObjectCreated { .. } => {
                self.state = State::NotThere;
                self.items.clear();
                self.open = 0;
            }
            // Of one that was there when it was looked at, it is news: nothing of it is left out.
            Change::ObjectRemoved { event, .. } => {
                if matches!(self.state, State::Unmet) {
                    self.state = State::There(ObjectThen::before(*event));
                }
            }
            Change::DocumentUpdated { event, .. } => self.unsay(|object| {
                if object.lose_event(*event, 0) {
                    object.data = None;
                }
            }),
            Change::ObjectExpirySet { .. } => self.unsay(|object| {
                object.expires_at = None;
                object.updated_at = None;
            }),
            Change::ItemAdded(write) => {
                self.unsay(|object| _ = object.lose_event(write.event, -1));
                self.set(&write.key, Fate::Absent);
            }
            Change::ItemUpdated(write) => {
                self.unsay(|object| _ = object.lose_event(write.event, 0));
                self.set(&write.key, Fate::There(ItemThen::default()));
            }
            Change::ItemRemoved { key, event, revision, data, .. } => {
                self.unsay(|object| _ = object.lose_event(*event, 1));
                let (data, event) = (Some(data.clone()), Some(*revision));
                let item = ItemThen { data, event, ..ItemThen::default() };
                self.set(key, Fate::There(item));
            }
            Change::ItemExpirySet { key, .. } => {
                let known = match self.items.get(key) {
                    Some(Fate::There(item)) => item.clone(),
                    Some(Fate::Absent) | None => ItemThen::default(),
                };
                let item = ItemThen { updated_at: None, expires_at: None, ..known };
                self.set(key, Fate::There(item));
            }
            Change::PermissionSet(_)
            | Change::PermissionRemoved { .. }
            | Change::PurgeBegan { .. }
            | Change::PurgeEnded { .. } => {}
        }
    }

    fn unsay(&mut self, unsay: impl FnOnce(&mut ObjectThen)) {
        if let State::There(object) = &mut self.state {
            unsay(object);
        }
    }

    fn set(&mut self, key: &ItemKey, fate: Fate) {
        let is_open = |fate: &Fate| matches!(fate, Fate::There(item) if !item.is_whole());
        self.open += usize::from(is_open(&fate));
        if let Some(before) = self.items.insert(key.clone(), fate) {
            self.open -= usize::from(is_open(&before));
        }
    }

    /// A change at the moment or before.
    fn ask(&mut self, change: &Change, at: Timestamp) {
        if let (State::Unmet, Change::ObjectRemoved { .. }) = (&self.state, change) {
            self.state = State::NotThere;
        }
        let State::There(object) = &mut self.state else { return };
        object.ask(change, at);
        match change {
            Change::ItemAdded(write) | Change::ItemUpdated(write) => {
                let told = ItemThen {
                    data: Some(write.data.clone()),
                    event: Some(write.event),
                    updated_at: Some(write.at),
                    expires_at: Some(write.expires_at),
                };
                self.tell(&write.key, told);
            }
            Change::ItemExpirySet { key, expires_at, at, .. } => {
                let (updated_at, expires_at) = (Some(*at), Some(*expires_at));
                self.tell(key, ItemThen { updated_at, expires_at, ..ItemThen::default() });
            }
            Change::ItemRemoved { key, .. } if self.is_gone && !self.items.contains_key(key) => {
                self.set(key, Fate::Absent);
            }
            Change::ObjectCreated { .. } if self.is_gone => self.count(),
            Change::ItemRemoved { .. }
            | Change::ObjectCreated { .. }
            | Change::DocumentUpdated { .. }
            | Change::ObjectExpirySet { .. }
            | Change::ObjectRemoved { .. }
            | Change::PermissionSet(_)
            | Change::PermissionRemoved { .. }
            | Change::PurgeBegan { .. }
            | Change::PurgeEnded { .. } => {}
        }
    }

    /// Takes of an item what was not known yet; the newest change that tells something holds.
    fn tell(&mut self, key: &ItemKey, told: ItemThen) {
        let known = match self.items.get(key) {
            Some(Fate::There(item)) if item.is_whole() => return,
            Some(Fate::There(item)) => item.clone(),
            None if self.is_gone => ItemThen::default(),
            Some(Fate::Absent) | None => return,
        };
        let item = ItemThen {
            data: known.data.or(told.data),
            event: known.event.or(told.event),
            updated_at: known.updated_at.or(told.updated_at),
            expires_at: known.expires_at.or(told.expires_at),
        };
        self.set(key, Fate::There(item));
    }

    /// Everything it held is known: what was there is counted.
    fn count(&mut self) {
        let there = self.items.values().filter(|fate| matches!(fate, Fate::There(_))).count();
        self.unsay(|object| object.items = Some(there as u64));
    }
}

impl ObjectThen {
    fn of(object: &Object) -> Self {
        Self {
            event: object.event,
            items: Some(object.items),
            data: object.data.clone(),
            updated_at: Some(object.updated_at),
            expires_at: Some(object.expires_at),
            origin: Some(Origin::of(object)),
        }
    }

    /// As it was before an event ended it.
    const fn before(event: EventId) -> Self {
        Self {
            event: event - 1,
            items: None,
            data: None,
            updated_at: None,
            expires_at: None,
            origin: None,
        }
    }

    /// False for an event that came after the object was looked at, which left no trace in it.
    fn lose_event(&mut self, event: EventId, items: i64) -> bool {
        if event > self.event {
            return false;
        }
        self.event = event - 1;
        self.items = self.items.and_then(|count| count.checked_add_signed(items));
        self.updated_at = None;
        true
    }

    /// Whether nothing of it is unknown. Only documents have a value.
    fn is_whole(&self, kind: ObjectKind) -> bool {
        let has_value = self.data.is_some() || kind != ObjectKind::Document;
        let has_times = self.updated_at.is_some() && self.expires_at.is_some();
        has_value && has_times && self.origin.is_some()
    }

    fn ask(&mut self, change: &Change, at: Timestamp) {
        match change {
            Change::DocumentUpdated { data, .. } => {
                self.data.get_or_insert_with(|| data.clone());
                self.updated_at.get_or_insert(at);
            }
            Change::ObjectExpirySet { expires_at, .. } => {
                self.expires_at.get_or_insert(*expires_at);
                self.updated_at.get_or_insert(at);
            }
            Change::ItemAdded(_) | Change::ItemUpdated(_) | Change::ItemRemoved { .. } => {
                self.updated_at.get_or_insert(at);
            }
            Change::ObjectCreated { object, data } => {
                if self.data.is_none() {
                    self.data.clone_from(data);
                }
                self.updated_at.get_or_insert(object.updated_at);
                self.expires_at.get_or_insert(object.expires_at);
                self.origin.get_or_insert_with(|| Origin::of(object));
            }
            Change::ObjectRemoved { .. }
            | Change::ItemExpirySet { .. }
            | Change::PermissionSet(_)
            | Change::PermissionRemoved { .. }
            | Change::PurgeBegan { .. }
            | Change::PurgeEnded { .. } => {}
        }
    }
}

impl Origin {
    fn of(object: &Object) -> Self {
        Self {
            service: object.service,
            unique_name: object.unique_name.clone(),
            created_by: object.created_by.clone(),
            created_at: object.created_at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::{ItemWrite, Removal};

    const MAP: ObjectSid = ObjectSid::new(ObjectKind::Map, 0x10);
    const DOCUMENT: ObjectSid = ObjectSid::new(ObjectKind::Document, 0x10);

    fn object(sid: ObjectSid, event: EventId, items: u64, updated_at: i64) -> Object {
        Object {
            sid,
            service: ServiceSid::new(1),
            unique_name: None,
            data: (sid == DOCUMENT).then(|| data(event)),
            event,
            next_index: 0,
            items,
            created_by: "ann".into(),
            created_at: Timestamp(0),
            updated_at: Timestamp(updated_at),
            expires_at: None,
        }
    }

    fn data(n: u64) -> Payload {
        Payload::trusted(format!("{{\"n\":{n}}}"))
    }

    fn key(text: &str) -> ItemKey {
        ItemKey::Key(text.into())
    }

    fn write(text: &str, event: EventId, expires_at: Option<i64>) -> ItemWrite {
        ItemWrite {
            object: MAP,
            key: key(text),
            event,
            data: data(event),
            expires_at: expires_at.map(Timestamp),
            at: Timestamp(event as i64),
            by: "ann".into(),
        }
    }

    fn removed(text: &str, event: EventId, revision: EventId) -> Change {
        Change::ItemRemoved {
            object: MAP,
            key: key(text),
            event,
            revision,
            data: data(revision),
            because: Removal::Deleted,
            at: Timestamp(event as i64),
            by: "ann".into(),
        }
    }

    fn created(sid: ObjectSid) -> Change {
        let data = (sid == DOCUMENT).then(|| data(0));
        Change::ObjectCreated { object: Object { data: None, ..object(sid, 0, 0, 0) }, data }
    }

    /// Goes back through changes, each made at the millisecond of its place.
    fn past(now: Option<&Object>, kind: ObjectKind, moment: i64, changes: &[Change]) -> Past {
        let mut past = Past::new(kind, now, Timestamp(moment));
        for (at, change) in changes.iter().enumerate().rev() {
            if at as i64 <= moment && !past.wants_more() {
                break;
            }
            past.back(change, Timestamp(at as i64));
        }
        past
    }

    #[test]
    fn what_was_removed_or_replaced_since_comes_back_and_what_was_added_goes() {
        let changes = [
            created(MAP),
            Change::ItemAdded(write("a", 1, Some(100))),
            Change::ItemAdded(write("b", 2, None)),
            Change::ItemAdded(write("c", 3, Some(4))),
            Change::ItemUpdated(write("a", 4, None)),
            removed("b", 5, 2),
            Change::ItemAdded(write("b", 6, None)),
            Change::ItemAdded(write("d", 7, None)),
        ];
        let now = object(MAP, 7, 4, 7);
        let past = past(Some(&now), ObjectKind::Map, 3, &changes);
        assert!(!past.wants_more());
        let object = past.object().expect("it was there");
        assert_eq!(
            (object.event, object.items, object.updated_at),
            (3, Some(3), Some(Timestamp(3)))
        );
        let items: Vec<_> = past.items().map(|(key, item)| (key.clone(), item.clone())).collect();
        let item = |event, expires_at: Option<i64>| ItemThen {
            data: Some(data(event)),
            event: Some(event),
            updated_at: Some(Timestamp(event as i64)),
            expires_at: Some(expires_at.map(Timestamp)),
        };
        assert_eq!(items, [(key("a"), item(1, Some(100))), (key("b"), item(2, None))]);
    }

    #[test]
    fn a_value_that_no_change_tells_stays_unknown() {
        let now = object(MAP, 5, 1, 5);
        let kept = [Change::ItemUpdated(write("a", 5, None))];
        let mut past = Past::new(ObjectKind::Map, Some(&now), Timestamp(4));
        past.back(&kept[0], Timestamp(5));
        assert!(past.wants_more(), "there may be something older");
        let (_, item) = past.items().next().expect("it was there to be updated");
        assert_eq!(item, &ItemThen::default());
        assert!(!item.is_whole());

        let now = object(DOCUMENT, 5, 0, 5);
        let (at, by) = (Timestamp(5), "ann".into());
        let update = Change::DocumentUpdated { object: DOCUMENT, event: 5, data: data(5), at, by };
        let mut past = Past::new(ObjectKind::Document, Some(&now), Timestamp(4));
        past.back(&update, Timestamp(5));
        let set = Change::ObjectExpirySet { object: DOCUMENT, expires_at: None, at: Timestamp(3) };
        past.back(&set, Timestamp(3));
        assert!(past.wants_more(), "its times are known, its value is not");
        assert_eq!(past.object().expect("it was there").data, None);
    }

    #[test]
    fn of_an_object_that_is_gone_everything_is_found_behind_its_end() {
        let (at, by) = (Timestamp(5), "ann".into());
        let because = Removal::Deleted;
        let changes = [
            created(MAP),
            Change::ItemAdded(write("a", 1, None)),
            Change::ItemAdded(write("b", 2, None)),
            removed("b", 3, 2),
            Change::ItemAdded(write("c", 4, None)),
            Change::ObjectRemoved { object: MAP, event: 5, because, at, by },
        ];
        let at = |moment| past(None, ObjectKind::Map, moment, &changes);
        assert_eq!(at(5).object(), None);
        assert!(!at(5).wants_more());
        let keys = |past: &Past| past.items().map(|(key, _)| key.clone()).collect::<Vec<_>>();
        assert_eq!(keys(&at(4)), [key("a"), key("c")]);
        assert_eq!(keys(&at(3)), [key("a")]);
        assert_eq!(keys(&at(2)), [key("a"), key("b")]);
        let then = at(2);
        let object = then.object().expect("it was there");
        assert_eq!((object.event, object.items), (2, Some(2)));
        assert_eq!(at(-1).object(), None, "nothing is there before it is made");
    }

    #[test]
    fn to_the_last_it_was_what_it_was_before_its_end_also_in_the_same_millisecond() {
        let (end, by) = (Timestamp(3), "ann".into());
        let (because, event) = (Removal::Expired, 4);
        let changes = [
            (0, created(MAP)),
            (1, Change::ItemAdded(write("gone", 1, Some(2)))),
            (2, Change::ItemAdded(write("a", 2, None))),
            (2, Change::ObjectExpirySet { object: MAP, expires_at: Some(end), at: Timestamp(2) }),
            (3, Change::ItemAdded(write("b", 3, None))),
            (3, Change::ObjectRemoved { object: MAP, event, because, at: end, by }),
        ];
        let mut past = Past::at_end(ObjectKind::Map, event, end);
        for (at, change) in changes.iter().rev() {
            assert!(past.wants_more());
            past.back(change, Timestamp(*at));
        }
        assert!(!past.wants_more());
        let object = past.object().expect("its end does not hide it");
        assert_eq!((object.event, object.expires_at), (3, Some(Some(end))));
        let keys: Vec<_> = past.items().map(|(key, _)| key.clone()).collect();
        assert_eq!(keys, [key("a"), key("b")], "what had expired was not there to the last");
    }

    #[test]
    fn what_came_after_the_object_was_looked_at_left_no_trace_in_it() {
        let now = object(MAP, 2, 2, 2);
        let mut past = Past::new(ObjectKind::Map, Some(&now), Timestamp(2));
        past.back(&Change::ItemAdded(write("c", 3, None)), Timestamp(3));
        let object = past.object().expect("it was there");
        assert_eq!(
            (object.event, object.items, object.updated_at),
            (2, Some(2), Some(Timestamp(2)))
        );
        assert_eq!(past.items().count(), 0);
    }
}
