//! Items of lists and maps.

use super::{Cx, is_name, matches};
use crate::{
    apply::expiry,
    bucket::{Bucket, Stop},
    cache::Slot,
    change::{Change, ItemWrite, Removal},
    command::{IfMatch, NewItem, Put, Reply, Target, Ttl},
    model::*,
    payload::Payload,
    rejection::Rejection,
    rows::Key,
};
use std::sync::Arc;

/// What an update of an item may say: value, time of the item, time of its list or map.
type Update<'a> = (Option<&'a Payload>, Option<Ttl>, Option<Ttl>);

impl Bucket {
    /// Appends to a list, or adds to a map what is not there.
    pub(super) fn create_item(
        &mut self,
        cx: &mut Cx<'_, '_, '_>,
        target: &Target,
        key: Option<&Arc<str>>,
        new: &NewItem,
    ) -> Result<Reply, Stop> {
        let key = match (target.kind, key) {
            (ObjectKind::List, None) => None,
            (ObjectKind::Map, Some(key)) if is_name(key) => Some(ItemKey::Key(key.clone())),
            _ => return Err(Rejection::InvalidKey.into()),
        };
        let mut object = self.find(cx, target, Right::Write, key.as_ref())?;
        self.may_keep(cx, object.sid, new.collection_ttl)?;
        self.fits(Some(&new.data))?;
        let key = match key {
            None => {
                self.has_room(&object)?;
                ItemKey::Index(object.next_index)
            }
            Some(key) => {
                match self.item_at(&object, &key)? {
                    Some(item) if item.is_there(cx.now()) => {
                        return Err(Rejection::ItemExists.into());
                    }
                    Some(item) => object = self.bury(cx, &object, &item),
                    None => self.has_room(&object)?,
                }
                key
            }
        };
        Ok(self.add(cx, &object, key, new))
    }

    /// Sets a map's item, whether it is there or not.
    pub(super) fn put_item(
        &mut self,
        cx: &mut Cx<'_, '_, '_>,
        target: &Target,
        (key, new): (&Arc<str>, &NewItem),
        if_match: Option<IfMatch>,
    ) -> Result<Reply, Stop> {
        if target.kind != ObjectKind::Map || !is_name(key) {
            return Err(Rejection::InvalidKey.into());
        }
        let key = ItemKey::Key(key.clone());
        let mut object = self.find(cx, target, Right::Write, Some(&key))?;
        self.may_keep(cx, object.sid, new.collection_ttl)?;
        self.fits(Some(&new.data))?;
        let stale = Rejection::StaleItem(target.kind);
        let held = self.item_at(&object, &key)?;
        if let Some(item) = held.as_ref().filter(|item| item.is_there(cx.now())) {
            if if_match == Some(IfMatch::Absent) {
                return Err(stale.into());
            }
            matches(if_match, item.event, stale)?;
            let update = (Some(&new.data), new.ttl, new.collection_ttl);
            return Ok(self.write(cx, &object, item, update));
        }
        if matches!(if_match, Some(IfMatch::Revision(_))) {
            return Err(stale.into());
        }
        match &held {
            Some(item) => object = self.bury(cx, &object, item),
            None => self.has_room(&object)?,
        }
        Ok(self.add(cx, &object, key, new))
    }

    /// Changes an item that is there.
    pub(super) fn change_item(
        &mut self,
        cx: &mut Cx<'_, '_, '_>,
        target: &Target,
        (key, update): (&ItemKey, Update<'_>),
        if_match: Option<IfMatch>,
    ) -> Result<Reply, Stop> {
        let (object, item) = self.find_item(cx, target, key, if_match)?;
        let (data, ttl, collection_ttl) = update;
        self.may_keep(cx, object.sid, collection_ttl)?;
        if data.is_none() && ttl.is_none() {
            return Err(Rejection::NothingGiven.into());
        }
        self.fits(data)?;
        Ok(self.write(cx, &object, &item, update))
    }

    pub(super) fn delete_item(
        &mut self,
        cx: &mut Cx<'_, '_, '_>,
        target: &Target,
        key: &ItemKey,
        if_match: Option<IfMatch>,
    ) -> Result<Reply, Stop> {
        let (object, item) = self.find_item(cx, target, key, if_match)?;
        self.remove_item(cx.turn, &object, &item, Removal::Deleted, cx.caller);
        Ok(Reply::Removed { event: object.event + 1, at: cx.now() })
    }

    /// One more item fits. What has expired counts until it was removed, and the place of what has
    /// expired under the same key is free.
    fn has_room(&self, object: &Object) -> Result<(), Rejection> {
        match self.limits.items_max {
            Some(max) if object.items >= max => {
                Err(Rejection::TooManyItems { kind: object.kind(), max })
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Whoever writes an item and says how long its list or map lives must be that one's manager
    /// too: it would end with all that others wrote.
    fn may_keep(
        &mut self,
        cx: &Cx<'_, '_, '_>,
        object: ObjectSid,
        ttl: Option<Ttl>,
    ) -> Result<(), Stop> {
        let asked = ttl.and_then(|_| cx.enforced(object.kind()));
        let Some(identity) = asked else { return Ok(()) };
        match self.get(&Key::Permission(object, identity))? {
            Slot::Permission(rights) if rights.allow(Right::Manage) => Ok(()),
            _ => Err(Rejection::Forbidden.into()),
        }
    }

    /// An item that is there and as the caller saw it.
    fn find_item(
        &mut self,
        cx: &Cx<'_, '_, '_>,
        target: &Target,
        key: &ItemKey,
        if_match: Option<IfMatch>,
    ) -> Result<(Arc<Object>, Arc<Item>), Stop> {
        let fits = match (target.kind, key) {
            (ObjectKind::List, ItemKey::Index(_)) => true,
            (ObjectKind::Map, ItemKey::Key(key)) => is_name(key),
            _ => false,
        };
        if !fits {
            return Err(Rejection::ItemNotFound(target.kind).into());
        }
        let object = self.find(cx, target, Right::Write, Some(key))?;
        let item = self.item_at(&object, key)?.filter(|item| item.is_there(cx.now()));
        let item = item.ok_or(Rejection::ItemNotFound(target.kind))?;
        matches(if_match, item.event, Rejection::StaleItem(target.kind))?;
        Ok((object, item))
    }

    fn item_at(&mut self, object: &Object, key: &ItemKey) -> Result<Option<Arc<Item>>, Stop> {
        match self.get(&Key::Item(object.sid, key.clone()))? {
            Slot::Item(item) => Ok(Some(item)),
            _ => Ok(None),
        }
    }

    /// Removes an item that has expired and is in the way.
    fn bury(&mut self, cx: &mut Cx<'_, '_, '_>, object: &Object, item: &Item) -> Arc<Object> {
        self.remove_item(cx.turn, object, item, Removal::Expired, cx.caller);
        self.as_it_is(object.sid)
    }

    fn add(
        &mut self,
        cx: &mut Cx<'_, '_, '_>,
        object: &Object,
        key: ItemKey,
        new: &NewItem,
    ) -> Reply {
        let write = ItemWrite {
            object: object.sid,
            key: key.clone(),
            event: object.event + 1,
            data: new.data.clone(),
            expires_at: expiry(new.ttl, None, cx.now()),
            at: cx.now(),
            by: cx.caller.name(),
        };
        self.record(cx.turn, Change::ItemAdded(write), cx.caller);
        self.keep_until(cx, object, new.collection_ttl);
        self.reply(object.sid, key, Put::Added)
    }

    fn write(
        &mut self,
        cx: &mut Cx<'_, '_, '_>,
        object: &Object,
        item: &Item,
        (data, ttl, collection_ttl): Update<'_>,
    ) -> Reply {
        let expires_at = expiry(ttl, item.expires_at, cx.now());
        if let Some(data) = data {
            let write = ItemWrite {
                object: object.sid,
                key: item.key.clone(),
                event: object.event + 1,
                data: data.clone(),
                expires_at,
                at: cx.now(),
                by: cx.caller.name(),
            };
            self.record(cx.turn, Change::ItemUpdated(write), cx.caller);
        } else if expires_at != item.expires_at {
            let (object, key, at) = (object.sid, item.key.clone(), cx.now());
            let change = Change::ItemExpirySet { object, key, expires_at, at };
            self.record(cx.turn, change, cx.caller);
        }
        self.keep_until(cx, object, collection_ttl);
        self.reply(object.sid, item.key.clone(), Put::Updated)
    }

    fn reply(&self, object: ObjectSid, key: ItemKey, put: Put) -> Reply {
        match self.cache.peek(&Key::Item(object, key)) {
            Some(Slot::Item(item)) => {
                Reply::Item { object: self.as_it_is(object), item: item.clone(), put }
            }
            _ => unreachable!("the item was just written"),
        }
    }
}
