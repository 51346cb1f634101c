//! Rights on an object. Only the account sets them.

use super::Cx;
use crate::{
    bucket::{Bucket, Stop},
    cache::Slot,
    change::Change,
    command::{Caller, Reply, Target},
    model::*,
    rejection::Rejection,
    rows::Key,
};
use std::sync::Arc;

impl Bucket {
    pub(super) fn set_permission(
        &mut self,
        cx: &mut Cx<'_, '_, '_>,
        target: &Target,
        identity: &Arc<str>,
        rights: Rights,
    ) -> Result<Reply, Stop> {
        let object = self.find_to_permit(cx, target, identity)?;
        let permission = Permission { object, identity: identity.clone(), rights };
        let key = Key::Permission(object, identity.clone());
        if self.get(&key)? != Slot::Permission(rights) {
            self.record(cx.turn, Change::PermissionSet(permission.clone()), cx.caller);
        }
        Ok(Reply::Permission(permission))
    }

    pub(super) fn delete_permission(
        &mut self,
        cx: &mut Cx<'_, '_, '_>,
        target: &Target,
        identity: &Arc<str>,
    ) -> Result<Reply, Stop> {
        let object = self.find_to_permit(cx, target, identity)?;
        if self.get(&Key::Permission(object, identity.clone()))? != Slot::Absent {
            let change = Change::PermissionRemoved { object, identity: identity.clone() };
            self.record(cx.turn, change, cx.caller);
        }
        Ok(Reply::Done)
    }

    fn find_to_permit(
        &mut self,
        cx: &Cx<'_, '_, '_>,
        target: &Target,
        identity: &Arc<str>,
    ) -> Result<ObjectSid, Stop> {
        if *cx.caller != Caller::System {
            return Err(Rejection::Forbidden.into());
        }
        let object = self.find(cx, target, Right::Manage, None)?;
        self.need([Some(Key::Permission(object.sid, identity.clone()))])?;
        Ok(object.sid)
    }
}
