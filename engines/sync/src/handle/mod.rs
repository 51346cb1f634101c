//! Commands → changes: one file per kind of thing.
//!
//! * What is missing is asked for, and what is wrong refused, before anything is recorded.
//! * What has expired is not there, whether it was removed yet or not; whoever makes it anew
//!   removes it first.

mod item;
mod object;
mod permission;

use crate::{
    bucket::{Bucket, Stop},
    cache::Slot,
    change::Change,
    command::{Action, Caller, Command, Enforcement, IfMatch, Named, Reply, Target},
    event::{Event, What},
    model::*,
    payload::Payload,
    rejection::Rejection,
    rows::Key,
};
use base::{Timestamp, Turn};
use std::sync::Arc;

/// Characters of a unique name or a map's key.
const NAME_CHARS_MAX: usize = 320;

/// What every part of a command needs.
pub(crate) struct Cx<'a, 'b, 'c> {
    turn: &'a mut Turn<'b, Change, Event>,
    service: ServiceSid,
    caller: &'c Caller,
}

impl Bucket {
    pub(crate) fn carry_out(
        &mut self,
        turn: &mut Turn<'_, Change, Event>,
        command: &Command,
    ) -> Result<Reply, Stop> {
        let Command { service, caller, action } = command;
        let cx = &mut Cx { turn, service: *service, caller };
        match action {
            Action::CreateObject { kind, unique_name, data, ttl } => {
                self.create_object(cx, *kind, (unique_name.as_ref(), data.as_ref(), *ttl))
            }
            Action::UpdateObject { object, data, ttl, if_match } => {
                self.update_object(cx, object, (data.as_ref(), *ttl), *if_match)
            }
            Action::DeleteObject { object, if_match } => self.delete_object(cx, object, *if_match),
            Action::AddItem { object, key, item } => {
                self.create_item(cx, object, key.as_ref(), item)
            }
            Action::PutItem { object, key, item, if_match } => {
                self.put_item(cx, object, (key, item), *if_match)
            }
            Action::UpdateItem { object, key, data, ttl, collection_ttl, if_match } => {
                let update = (data.as_ref(), *ttl, *collection_ttl);
                self.change_item(cx, object, (key, update), *if_match)
            }
            Action::DeleteItem { object, key, if_match } => {
                self.delete_item(cx, object, key, *if_match)
            }
            Action::Publish { object, data } => self.publish(cx, object, data),
            Action::SetPermission { object, identity, rights } => {
                self.set_permission(cx, object, identity, *rights)
            }
            Action::DeletePermission { object, identity } => {
                self.delete_permission(cx, object, identity)
            }
            Action::Purge => {
                if !self.purges.contains_key(service) {
                    self.record(cx.turn, Change::PurgeBegan { service: *service }, caller);
                }
                Ok(Reply::Done)
            }
        }
    }

    /// The object that a path names, with what else is needed of it in memory; the caller has the
    /// right to it.
    fn find(
        &mut self,
        cx: &Cx<'_, '_, '_>,
        target: &Target,
        right: Right,
        also: Option<&ItemKey>,
    ) -> Result<Arc<Object>, Stop> {
        let kind = target.kind;
        let (sid, unknown) = match &target.named {
            Named::Sid(_) => {
                let unknown = Rejection::NotFound(kind);
                (target.sid().ok_or_else(|| unknown.clone())?, unknown)
            }
            Named::Name(name) => {
                let key = Key::Name(cx.service, kind, name.clone());
                match self.get(&key)? {
                    Slot::Name(sid) => (sid, Rejection::NameNotFound),
                    _ => return Err(Rejection::NameNotFound.into()),
                }
            }
        };
        let asked = cx.enforced(kind).map(|identity| Key::Permission(sid, identity));
        let item = also.map(|key| Key::Item(sid, key.clone()));
        self.need([Some(Key::Object(sid)), asked.clone(), item])?;
        let object = match self.get(&Key::Object(sid))? {
            Slot::Object(object) => object,
            _ => return Err(unknown.into()),
        };
        if object.service != cx.service || !object.is_there(cx.turn.now) {
            return Err(unknown.into());
        }
        match asked.map(|key| self.get(&key)).transpose()? {
            None => Ok(object),
            Some(Slot::Permission(rights)) if rights.allow(right) => Ok(object),
            Some(_) => Err(Rejection::Forbidden.into()),
        }
    }

    fn get(&mut self, key: &Key) -> Result<Slot, Stop> {
        let missing = || Stop::Missing(vec![key.clone()]);
        self.cache.get(key).cloned().ok_or_else(missing)
    }

    fn need(&self, keys: impl IntoIterator<Item = Option<Key>>) -> Result<(), Stop> {
        let unknown = keys.into_iter().flatten().filter(|key| !self.cache.knows(key));
        let missing: Vec<Key> = unknown.collect();
        if missing.is_empty() { Ok(()) } else { Err(Stop::Missing(missing)) }
    }

    fn fits(&self, data: Option<&Payload>) -> Result<(), Rejection> {
        let (size, max) = (data.map_or(0, Payload::size), self.limits.payload_bytes);
        if size > max { Err(Rejection::TooLarge { size, max }) } else { Ok(()) }
    }

    /// The object as it is after what was recorded.
    fn as_it_is(&self, sid: ObjectSid) -> Arc<Object> {
        self.object(sid).cloned().expect("it was found or made by this command")
    }

    /// Passes a message on; that it happened is in no row and no journal.
    fn publish(
        &mut self,
        cx: &mut Cx<'_, '_, '_>,
        target: &Target,
        data: &Payload,
    ) -> Result<Reply, Stop> {
        let object = self.find(cx, target, Right::Write, None)?;
        let (size, max) = (data.size(), self.limits.message_bytes);
        if size > max {
            return Err(Rejection::TooLarge { size, max }.into());
        }
        let message = MessageSid::new(cx.turn.next_id());
        let event = Event {
            object: object.sid,
            service: object.service,
            unique_name: object.unique_name.clone(),
            id: object.event,
            at: cx.turn.now,
            by: cx.caller.name(),
            endpoint: None,
            what: What::MessagePublished { message, data: data.clone() },
        };
        cx.turn.effects.push(event.from(cx.caller));
        Ok(Reply::Published(message))
    }
}

impl Cx<'_, '_, '_> {
    fn now(&self) -> Timestamp {
        self.turn.now
    }

    /// Whose permission is to be asked for. Nobody can be given any on a stream, so none is
    /// needed there.
    fn enforced(&self, kind: ObjectKind) -> Option<Arc<str>> {
        match self.caller {
            Caller::Client { identity, enforcement: Enforcement::On, .. }
                if kind != ObjectKind::Stream =>
            {
                Some(identity.clone())
            }
            Caller::System | Caller::Client { .. } => None,
        }
    }
}

fn is_name(text: &str) -> bool {
    let has_one = !text.is_empty();
    // A character takes at most four bytes, so most texts need no counting.
    has_one && (text.len() <= NAME_CHARS_MAX || text.chars().count() <= NAME_CHARS_MAX)
}

/// Whether what is there is what the caller saw; a write of what is there cannot ask for nothing.
fn matches(if_match: Option<IfMatch>, event: EventId, stale: Rejection) -> Result<(), Rejection> {
    match if_match {
        None => Ok(()),
        Some(IfMatch::Revision(seen)) if seen == event => Ok(()),
        Some(IfMatch::Revision(_)) => Err(stale),
        Some(IfMatch::Absent) => Err(Rejection::InvalidIfMatch),
    }
}
