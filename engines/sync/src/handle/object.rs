//! Documents, lists, maps and streams as such.

use super::{Cx, is_name, matches};
use crate::{
    apply::expiry,
    bucket::{Bucket, Stop},
    cache::Slot,
    change::{Change, Removal},
    command::{Caller, IfMatch, Reply, Target, Ttl, looks_like_a_sid},
    model::*,
    payload::Payload,
    rejection::Rejection,
    rows::Key,
};
use std::sync::Arc;

impl Bucket {
    pub(super) fn create_object(
        &mut self,
        cx: &mut Cx<'_, '_, '_>,
        kind: ObjectKind,
        (name, data, ttl): (Option<&Arc<str>>, Option<&Payload>, Option<Ttl>),
    ) -> Result<Reply, Stop> {
        if self.purges.contains_key(&cx.service) {
            return Err(Rejection::ServiceNotFound.into());
        }
        self.fits(data)?;
        if let Some(name) = name {
            self.make_room(cx, kind, name)?;
        }
        let sid = ObjectSid::new(kind, self.number.mark(cx.turn.next_id()));
        let object = Object {
            sid,
            service: cx.service,
            unique_name: name.cloned(),
            data: None,
            event: 0,
            next_index: 0,
            items: 0,
            created_by: cx.caller.name(),
            created_at: cx.now(),
            updated_at: cx.now(),
            expires_at: expiry(ttl, None, cx.now()),
        };
        let data = match kind {
            ObjectKind::Document => Some(data.cloned().unwrap_or_default()),
            ObjectKind::List => data.cloned(),
            ObjectKind::Map | ObjectKind::Stream => None,
        };
        self.record(cx.turn, Change::ObjectCreated { object, data }, cx.caller);
        if let Caller::Client { identity, .. } = cx.caller {
            let (identity, rights) = (identity.clone(), Rights::ALL);
            let permission = Permission { object: sid, identity, rights };
            self.record(cx.turn, Change::PermissionSet(permission), cx.caller);
        }
        Ok(Reply::Object(self.as_it_is(sid)))
    }

    /// Sees that a name is free; who has it and has expired goes.
    fn make_room(
        &mut self,
        cx: &mut Cx<'_, '_, '_>,
        kind: ObjectKind,
        name: &Arc<str>,
    ) -> Result<(), Stop> {
        if !is_name(name) || looks_like_a_sid(name) {
            return Err(Rejection::InvalidName.into());
        }
        let Slot::Name(holder) = self.get(&Key::Name(cx.service, kind, name.clone()))? else {
            return Ok(());
        };
        let Slot::Object(holder) = self.get(&Key::Object(holder))? else { return Ok(()) };
        if holder.is_there(cx.now()) {
            return Err(Rejection::NameTaken.into());
        }
        self.remove_object(cx.turn, &holder, Removal::Expired, cx.caller);
        Ok(())
    }

    pub(super) fn update_object(
        &mut self,
        cx: &mut Cx<'_, '_, '_>,
        target: &Target,
        (data, ttl): (Option<&Payload>, Option<Ttl>),
        if_match: Option<IfMatch>,
    ) -> Result<Reply, Stop> {
        // Only a document has a value: what is given for another object is none.
        let data = data.filter(|_| target.kind == ObjectKind::Document);
        // Whoever may write a value may say how long that lives; the time alone is the manager's.
        let right = if data.is_some() { Right::Write } else { Right::Manage };
        let object = self.find(cx, target, right, None)?;
        if data.is_none() && ttl.is_none() {
            return Err(Rejection::NothingGiven.into());
        }
        matches(if_match, object.event, Rejection::StaleObject(target.kind))?;
        self.fits(data)?;
        if let Some(data) = data {
            let change = Change::DocumentUpdated {
                object: object.sid,
                event: object.event + 1,
                data: data.clone(),
                at: cx.now(),
                by: cx.caller.name(),
            };
            self.record(cx.turn, change, cx.caller);
        }
        self.keep_until(cx, &object, ttl);
        Ok(Reply::Object(self.as_it_is(object.sid)))
    }

    pub(super) fn delete_object(
        &mut self,
        cx: &mut Cx<'_, '_, '_>,
        target: &Target,
        if_match: Option<IfMatch>,
    ) -> Result<Reply, Stop> {
        let object = self.find(cx, target, Right::Manage, None)?;
        matches(if_match, object.event, Rejection::StaleObject(target.kind))?;
        self.remove_object(cx.turn, &object, Removal::Deleted, cx.caller);
        Ok(Reply::Removed { event: object.event + 1, at: cx.now() })
    }

    /// Says how long an object lives from now on, if that was said.
    pub(super) fn keep_until(
        &mut self,
        cx: &mut Cx<'_, '_, '_>,
        object: &Object,
        ttl: Option<Ttl>,
    ) {
        let expires_at = expiry(ttl, object.expires_at, cx.now());
        if ttl.is_some() && expires_at != object.expires_at {
            let change = Change::ObjectExpirySet { object: object.sid, expires_at, at: cx.now() };
            self.record(cx.turn, change, cx.caller);
        }
    }
}
