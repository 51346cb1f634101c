//! Change → state: total and deterministic.
//!
//! * Told the same changes from the beginning, with nothing paged out, a bucket is the same.
//! * A change about what is not in memory changes nothing: it was refused before it was recorded.

use crate::{
    bucket::{Bucket, deadline},
    cache::Slot,
    change::{Change, ItemWrite, Removal},
    model::*,
    rows::{Key, Purge, Removed},
};
use base::Timestamp;
use std::sync::Arc;

impl Bucket {
    /// Takes a change in, newly recorded or read back from the journal.
    pub fn apply(&mut self, change: &Change) {
        self.recorded += 1;
        match change {
            Change::ObjectCreated { object, data } => self.create(object, data.clone()),
            Change::DocumentUpdated { object, event, data, at, .. } => {
                self.write_object(*object, |object| {
                    object.event = *event;
                    object.data = Some(data.clone());
                    object.updated_at = *at;
                });
            }
            Change::ObjectExpirySet { object, expires_at, at } => {
                self.write_object(*object, |object| {
                    object.expires_at = *expires_at;
                    object.updated_at = *at;
                });
            }
            Change::ObjectRemoved { object, event, because, at, by } => {
                self.remove(*object, (*event, *because, *at, by));
            }
            Change::ItemAdded(write) => self.add_item(write),
            Change::ItemUpdated(write) => self.update_item(write),
            Change::ItemExpirySet { object, key, expires_at, at } => {
                let key = Key::Item(*object, key.clone());
                if let Some(Slot::Item(item)) = self.cache.peek(&key) {
                    let mut item = Item::clone(item);
                    item.expires_at = *expires_at;
                    item.updated_at = *at;
                    self.put(key, Slot::Item(Arc::new(item)));
                }
            }
            Change::ItemRemoved { object, key, event, at, .. } => {
                self.put(Key::Item(*object, key.clone()), Slot::Absent);
                self.write_object(*object, |object| {
                    object.event = *event;
                    object.items = object.items.saturating_sub(1);
                    object.updated_at = *at;
                });
            }
            Change::PermissionSet(permission) => {
                let key = Key::Permission(permission.object, permission.identity.clone());
                self.put(key, Slot::Permission(permission.rights));
            }
            Change::PermissionRemoved { object, identity } => {
                self.put(Key::Permission(*object, identity.clone()), Slot::Absent);
            }
            Change::PurgeBegan { service } => self.purge(*service, Purge::UnderWay),
            Change::PurgeEnded { service } => self.purge(*service, Purge::Ended),
        }
    }

    fn create(&mut self, object: &Object, data: Option<crate::Payload>) {
        let object = Object { data, ..object.clone() };
        if let Some(name) = &object.unique_name {
            let key = Key::Name(object.service, object.kind(), name.clone());
            self.put(key, Slot::Name(object.sid));
        }
        self.put(Key::Object(object.sid), Slot::Object(Arc::new(object)));
    }

    fn write_object(&mut self, sid: ObjectSid, write: impl FnOnce(&mut Object)) {
        let Some(object) = self.object(sid) else { return };
        let mut object = Object::clone(object);
        write(&mut object);
        self.put(Key::Object(sid), Slot::Object(Arc::new(object)));
    }

    /// What it held is left: nobody can reach it any more, and the grave says that it is there.
    fn remove(
        &mut self,
        sid: ObjectSid,
        (event, because, at, by): (EventId, Removal, Timestamp, &Arc<str>),
    ) {
        let Some(object) = self.object(sid).cloned() else { return };
        if let Some(name) = &object.unique_name {
            let key = Key::Name(object.service, object.kind(), name.clone());
            self.put(key, Slot::Absent);
        }
        self.put(Key::Object(sid), Slot::Absent);
        self.touched.graves.insert(sid);
        if because != Removal::ServiceDeleted {
            self.touched.removed.push(Removed {
                sid,
                service: object.service,
                unique_name: object.unique_name.clone(),
                created_by: object.created_by.clone(),
                created_at: object.created_at,
                event,
                because,
                at,
                by: by.clone(),
            });
        }
    }

    fn add_item(&mut self, write: &ItemWrite) {
        let next_index = match &write.key {
            ItemKey::Index(index) => index + 1,
            ItemKey::Key(_) => 0,
        };
        let item = Item {
            object: write.object,
            key: write.key.clone(),
            data: write.data.clone(),
            event: write.event,
            created_by: write.by.clone(),
            created_at: write.at,
            updated_at: write.at,
            expires_at: write.expires_at,
        };
        self.put(Key::Item(write.object, write.key.clone()), Slot::Item(Arc::new(item)));
        self.write_object(write.object, |object| {
            object.event = write.event;
            object.items += 1;
            object.next_index = object.next_index.max(next_index);
            object.updated_at = write.at;
        });
    }

    fn update_item(&mut self, write: &ItemWrite) {
        let key = Key::Item(write.object, write.key.clone());
        if let Some(Slot::Item(item)) = self.cache.peek(&key) {
            let mut item = Item::clone(item);
            item.data = write.data.clone();
            item.event = write.event;
            item.updated_at = write.at;
            item.expires_at = write.expires_at;
            self.put(key, Slot::Item(Arc::new(item)));
        }
        self.write_object(write.object, |object| {
            object.event = write.event;
            object.updated_at = write.at;
        });
    }

    fn purge(&mut self, service: ServiceSid, purge: Purge) {
        self.purges.insert(service, purge);
        self.touched.purges.insert(service);
    }

    /// What there is at a key from now on, with its deadline.
    fn put(&mut self, key: Key, slot: Slot) {
        let before = self.cache.peek(&key).and_then(deadline);
        let now = deadline(&slot);
        if before != now {
            if let Some(before) = before {
                self.deadlines.remove(&before);
                self.touched.deadlines.insert(before, false);
            }
            if let Some(now) = now {
                self.deadlines.add(now.clone());
                self.touched.deadlines.insert(now, true);
            }
        }
        self.touched.entities.insert(key.clone());
        self.cache.put(key, slot, self.recorded);
    }
}

/// When what is written now expires: as it is said, else as before.
pub(crate) fn expiry(
    said: Option<crate::Ttl>,
    before: Option<Timestamp>,
    now: Timestamp,
) -> Option<Timestamp> {
    said.map_or(before, |ttl| ttl.from(now))
}
