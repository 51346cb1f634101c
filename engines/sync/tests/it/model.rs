//! What a bucket must answer, said a second time and naively: everything in one map, nothing paged.

use base::{Millis, Timestamp};
use std::collections::BTreeMap;
use sync::{
    Action, Caller, Command, Enforcement, EventId, IfMatch, ItemKey, Named, NewItem, ObjectKind,
    ObjectSid, Payload, Reply, Rights, ServiceSid, Target, Ttl,
};

#[derive(Clone, Debug, Default)]
pub(crate) struct Model {
    pub(crate) objects: BTreeMap<ObjectSid, Thing>,
    /// Items of one list or map.
    pub(crate) items_max: Option<u64>,
}

#[derive(Clone, Debug)]
pub(crate) struct Thing {
    service: ServiceSid,
    name: Option<String>,
    pub(crate) event: EventId,
    data: Option<String>,
    expires_at: Option<Timestamp>,
    next_index: u64,
    pub(crate) items: BTreeMap<ItemKey, Held>,
    rights: BTreeMap<String, Rights>,
}

#[derive(Clone, Debug)]
pub(crate) struct Held {
    pub(crate) data: String,
    pub(crate) event: EventId,
    expires_at: Option<Timestamp>,
}

/// A refusal by its number.
type Code = u32;

fn is_there(expires_at: Option<Timestamp>, now: Timestamp) -> bool {
    expires_at.is_none_or(|at| now < at)
}

fn until(ttl: Option<Ttl>, before: Option<Timestamp>, now: Timestamp) -> Option<Timestamp> {
    // The only way to look into a TTL is its text.
    let Some(ttl) = ttl else { return before };
    let text = format!("{ttl:?}");
    let seconds: i64 = text.trim_start_matches("Ttl(").trim_end_matches(')').parse().unwrap();
    (seconds > 0).then(|| now + Millis(seconds * 1000))
}

impl Model {
    /// Removes what is over, each with an event.
    pub(crate) fn expire(&mut self, now: Timestamp) {
        self.objects.retain(|_, thing| is_there(thing.expires_at, now));
        for thing in self.objects.values_mut() {
            let before = thing.items.len();
            thing.items.retain(|_, held| is_there(held.expires_at, now));
            thing.event += (before - thing.items.len()) as u64;
        }
    }

    fn find(
        &self,
        command: &Command,
        target: &Target,
        now: Timestamp,
        right: fn(&Rights) -> bool,
    ) -> Result<ObjectSid, Code> {
        let (kind, service) = (target.kind, command.service);
        let unknown: Code = match (&target.named, kind) {
            (Named::Name(_), _) => 54300,
            (_, ObjectKind::Document) => 54100,
            (_, ObjectKind::List) => 54150,
            (_, ObjectKind::Map) => 54200,
            (_, ObjectKind::Stream) => 20404,
        };
        let mut all = self.objects.iter();
        let found = all.find(|(sid, thing)| {
            let is_it = match &target.named {
                Named::Sid(wanted) => sid.sid() == *wanted,
                Named::Name(name) => thing.name.as_deref() == Some(name),
            };
            is_it && sid.kind() == kind && thing.service == service
        });
        let found = found.filter(|(_, thing)| is_there(thing.expires_at, now));
        let (sid, thing) = found.ok_or(unknown)?;
        if let Caller::Client { identity, enforcement: Enforcement::On, .. } = &command.caller
            && kind != ObjectKind::Stream
            && !thing.rights.get(&**identity).is_some_and(right)
        {
            return Err(54007);
        }
        Ok(*sid)
    }

    /// Carries a command out as it should be; `made` is the SID that was given to a new object.
    pub(crate) fn run(
        &mut self,
        command: &Command,
        now: Timestamp,
        reply: Option<&Reply>,
    ) -> Result<(), Code> {
        let items_max = self.items_max;
        match &command.action {
            Action::CreateObject { kind, unique_name, data, ttl } => {
                let made = match reply {
                    Some(Reply::Object(object)) => Some(object.sid),
                    _ => None,
                };
                self.create(
                    command,
                    (*kind, unique_name.as_deref()),
                    data.as_ref(),
                    *ttl,
                    now,
                    made,
                )
            }
            Action::UpdateObject { object, data, ttl, if_match } => {
                let data = data.as_ref().filter(|_| object.kind == ObjectKind::Document);
                let right =
                    if data.is_some() { |r: &Rights| r.write } else { |r: &Rights| r.manage };
                let sid = self.find(command, object, now, right)?;
                if data.is_none() && ttl.is_none() {
                    return Err(54010);
                }
                let thing = self.objects.get_mut(&sid).unwrap();
                matches(*if_match, thing.event, 54103)?;
                if let Some(data) = data {
                    thing.event += 1;
                    thing.data = Some(data.text().to_owned());
                }
                thing.expires_at = until(*ttl, thing.expires_at, now);
                Ok(())
            }
            Action::DeleteObject { object, if_match } => {
                let sid = self.find(command, object, now, |r| r.manage)?;
                matches(*if_match, self.objects[&sid].event, 54103)?;
                self.objects.remove(&sid);
                Ok(())
            }
            Action::AddItem { object, key, item } => {
                let sid = self.find(command, object, now, |r| r.write)?;
                if item.collection_ttl.is_some() {
                    self.find(command, object, now, |r| r.manage)?;
                }
                let thing = self.objects.get_mut(&sid).unwrap();
                let key = match key {
                    None => ItemKey::Index(thing.next_index),
                    Some(key) => ItemKey::Key(key.clone()),
                };
                if thing.items.get(&key).is_some_and(|held| is_there(held.expires_at, now)) {
                    return Err(54208);
                }
                thing.has_room(&key, items_max)?;
                thing.put(key, item, now);
                Ok(())
            }
            Action::PutItem { object, key, item, if_match } => {
                let sid = self.find(command, object, now, |r| r.write)?;
                if item.collection_ttl.is_some() {
                    self.find(command, object, now, |r| r.manage)?;
                }
                let thing = self.objects.get_mut(&sid).unwrap();
                let key = ItemKey::Key(key.clone());
                let held = thing.items.get(&key).filter(|held| is_there(held.expires_at, now));
                match (held, if_match) {
                    (Some(_), Some(IfMatch::Absent)) | (None, Some(IfMatch::Revision(_))) => {
                        return Err(54205);
                    }
                    (Some(held), _) => matches(*if_match, held.event, 54205)?,
                    (None, _) => {}
                }
                thing.has_room(&key, items_max)?;
                thing.put(key, item, now);
                Ok(())
            }
            Action::UpdateItem { object, key, data, ttl, collection_ttl, if_match } => {
                let may_keep = collection_ttl.is_none()
                    || self.find(command, object, now, |r| r.manage).is_ok();
                let thing = self.find_item(command, object, key, *if_match, now)?;
                if !may_keep {
                    return Err(54007);
                }
                if data.is_none() && ttl.is_none() {
                    return Err(54010);
                }
                let held = thing.items.get_mut(key).unwrap();
                held.expires_at = until(*ttl, held.expires_at, now);
                if let Some(data) = data {
                    thing.event += 1;
                    held.event = thing.event;
                    held.data = data.text().to_owned();
                }
                thing.expires_at = until(*collection_ttl, thing.expires_at, now);
                Ok(())
            }
            Action::DeleteItem { object, key, if_match } => {
                let thing = self.find_item(command, object, key, *if_match, now)?;
                thing.items.remove(key);
                thing.event += 1;
                Ok(())
            }
            Action::Publish { object, .. } => {
                self.find(command, object, now, |r| r.write).map(|_| ())
            }
            Action::SetPermission { object, identity, rights } => {
                let sid = self.find_to_permit(command, object, now)?;
                let thing = self.objects.get_mut(&sid).unwrap();
                thing.rights.insert(identity.to_string(), *rights);
                Ok(())
            }
            Action::DeletePermission { object, identity } => {
                let sid = self.find_to_permit(command, object, now)?;
                self.objects.get_mut(&sid).unwrap().rights.remove(&**identity);
                Ok(())
            }
            Action::Purge => Ok(()),
        }
    }

    fn find_to_permit(
        &self,
        command: &Command,
        object: &Target,
        now: Timestamp,
    ) -> Result<ObjectSid, Code> {
        if command.caller != Caller::System {
            return Err(54007);
        }
        self.find(command, object, now, |_| true)
    }

    fn find_item(
        &mut self,
        command: &Command,
        object: &Target,
        key: &ItemKey,
        if_match: Option<IfMatch>,
        now: Timestamp,
    ) -> Result<&mut Thing, Code> {
        let (unknown, stale): (Code, Code) = match object.kind {
            ObjectKind::Map => (54201, 54205),
            _ => (54151, 54155),
        };
        let sid = self.find(command, object, now, |r| r.write)?;
        let thing = self.objects.get_mut(&sid).unwrap();
        let held = thing.items.get(key).filter(|held| is_there(held.expires_at, now));
        matches(if_match, held.ok_or(unknown)?.event, stale)?;
        Ok(thing)
    }

    fn create(
        &mut self,
        command: &Command,
        (kind, name): (ObjectKind, Option<&str>),
        data: Option<&Payload>,
        ttl: Option<Ttl>,
        now: Timestamp,
        made: Option<ObjectSid>,
    ) -> Result<(), Code> {
        let holder = self.objects.iter().find(|(sid, thing)| {
            name.is_some()
                && thing.name.as_deref() == name
                && sid.kind() == kind
                && thing.service == command.service
        });
        if let Some((sid, thing)) = holder {
            if is_there(thing.expires_at, now) {
                return Err(54301);
            }
            let sid = *sid;
            self.objects.remove(&sid);
        }
        let mut rights = BTreeMap::new();
        if let Caller::Client { identity, .. } = &command.caller {
            rights.insert(identity.to_string(), Rights::ALL);
        }
        let given = data.map(|data| data.text().to_owned());
        let thing = Thing {
            service: command.service,
            name: name.map(str::to_owned),
            event: 0,
            data: match kind {
                ObjectKind::Document => given.or_else(|| Some("{}".to_owned())),
                ObjectKind::List => given,
                ObjectKind::Map | ObjectKind::Stream => None,
            },
            expires_at: until(ttl, None, now),
            next_index: 0,
            items: BTreeMap::new(),
            rights,
        };
        assert!(
            self.objects.insert(made.expect("it is made"), thing).is_none(),
            "a SID of its own"
        );
        Ok(())
    }

    /// What must be in rows, item by item.
    pub(crate) fn text(&self) -> String {
        let mut lines = Vec::new();
        for (sid, thing) in &self.objects {
            let Thing { event, data, expires_at, .. } = thing;
            lines.push(format!("{sid} {event} {data:?} {expires_at:?} {}", thing.items.len()));
            for (key, held) in &thing.items {
                let Held { data, event, expires_at } = held;
                lines.push(format!("{sid} {key:?} {event} {data} {expires_at:?}"));
            }
        }
        lines.sort();
        lines.join("\n")
    }
}

impl Thing {
    fn has_room(&self, key: &ItemKey, max: Option<u64>) -> Result<(), Code> {
        let is_new = !self.items.contains_key(key);
        let is_full = max.is_some_and(|max| self.items.len() as u64 >= max);
        if is_new && is_full { Err(54009) } else { Ok(()) }
    }

    fn put(&mut self, key: ItemKey, new: &NewItem, now: Timestamp) {
        let held = self.items.get(&key);
        if held.is_some_and(|held| !is_there(held.expires_at, now)) {
            // What is in the way goes first, with an event of its own.
            self.items.remove(&key);
            self.event += 1;
        }
        self.event += 1;
        let before = self.items.get(&key).and_then(|held| held.expires_at);
        let held = Held {
            data: new.data.text().to_owned(),
            event: self.event,
            expires_at: until(new.ttl, before, now),
        };
        if let ItemKey::Index(index) = key {
            self.next_index = index + 1;
        }
        self.items.insert(key, held);
        self.expires_at = until(new.collection_ttl, self.expires_at, now);
    }
}

fn matches(if_match: Option<IfMatch>, event: EventId, stale: Code) -> Result<(), Code> {
    match if_match {
        None => Ok(()),
        Some(IfMatch::Revision(seen)) if seen == event => Ok(()),
        Some(IfMatch::Revision(_)) => Err(stale),
        Some(IfMatch::Absent) => Err(54003),
    }
}
