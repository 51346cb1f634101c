//! Brings somebody who begins to follow an object up to what happens: what was missed is told out
//! of rows and journal, and then, in one step, whatever happens.
//!
//! * What happens while somebody is being told is read as well before it is told live.
//! * A hole in what could be told is said, never stepped over: nothing behind it is told.
//! * Whoever may not read an object is told nothing of it.
//!
//! Knows no threads and no clock: where reading may take its time, and what time it is, are the
//! caller's, so that the simulator runs the same code.

#[cfg(feature = "planted-bugs")]
use crate::planted::{self, Planted};
use crate::{
    outlets::Outlets,
    sync_hub::{Beginning, Inbox, Mailbox, News, Post, SyncHub},
    sync_reads,
};
use base::Timestamp;
use std::{pin::Pin, sync::Arc};
use store::{Store, StoreError};
use sync::{
    Event, EventId, Object, ObjectKind, ObjectSid, Rejection, Right, ServiceSid, Target, What,
};

/// Events that are being read.
pub type Reading = Pin<Box<dyn Future<Output = Result<Vec<Event>, StoreError>> + Send>>;

/// What is looked at on the way.
#[derive(Clone, Copy)]
pub struct Around<'a> {
    /// Rows and journal.
    pub store: &'a dyn Store,
    /// Services, as they are.
    pub outlets: &'a Outlets,
    /// What time it is.
    pub now: &'a (dyn Fn() -> Timestamp + Sync),
    /// Reads the next events of an object behind one of them: [`sync_reads::events`], where that
    /// may take its time.
    pub read: &'a (dyn Fn(Arc<Object>, EventId) -> Reading + Sync),
}

/// Somebody who has begun to follow an object and was told nothing yet.
#[derive(Debug)]
pub struct Begun {
    hub: Arc<SyncHub>,
    inbox: Arc<Inbox>,
    service: ServiceSid,
    object: ObjectSid,
    after: EventId,
    since: Beginning,
}

impl Mailbox {
    /// Begins to follow an object behind event `after`: from now on nothing is missed. It is told
    /// with [`Begun::catch_up`].
    pub fn begin(
        &self,
        service: ServiceSid,
        object: ObjectSid,
        after: EventId,
        at: Timestamp,
    ) -> Begun {
        let since = self.hub.begin(&self.inbox, (object, service), at);
        let (hub, inbox) = (self.hub.clone(), self.inbox.clone());
        Begun { hub, inbox, service, object, after, since }
    }
}

impl Begun {
    /// Tells what was missed, and then that it is told live, or why not.
    pub async fn catch_up(self, around: Around<'_>) {
        if let Err(because) = self.replay(around).await {
            self.hub.fail(&self.inbox, (self.object, self.since), because);
        }
    }

    async fn replay(&self, around: Around<'_>) -> Result<(), Option<Rejection>> {
        let mut last = self.after;
        loop {
            let object = self.readable(around)?;
            if last > object.event {
                // It knows what was never durable here, or is no more.
                return self.give_up(last);
            }
            while last < object.event {
                let events = match object.value() {
                    // Of a document, the newest value says everything.
                    Some(_) => vec![newest(&object)],
                    None => (around.read)(object.clone(), last).await.map_err(|_| None)?,
                };
                if events.is_empty() {
                    return self.give_up(last);
                }
                for event in events {
                    if is_hole(&event, last) {
                        return self.give_up(last);
                    }
                    last = event.id;
                    let is_end = matches!(event.what, What::ObjectRemoved { .. });
                    let post = Post::Replayed(Arc::new(News::of(event)));
                    if !self.inbox.put_when_there_is_room(self.object, self.since, post).await {
                        return Ok(());
                    }
                    if is_end {
                        self.hub.over(&self.inbox, (self.object, self.since));
                        return Ok(());
                    }
                }
            }
            if self.hub.go_live(&self.inbox, (self.object, self.since), last) {
                return Ok(());
            }
        }
    }

    /// What comes behind a hole is not told: who heard it would never notice what is missing.
    fn give_up(&self, last: EventId) -> Result<(), Option<Rejection>> {
        self.hub.forgot(&self.inbox, (self.object, self.since), last);
        Ok(())
    }

    /// The object as it is, if it is there and may be read; no reason where rows cannot be read.
    fn readable(&self, around: Around<'_>) -> Result<Arc<Object>, Option<Rejection>> {
        let Around { store, outlets, now, .. } = around;
        let target = Target::of(self.object);
        let found = sync_reads::object(store, self.service, &target, now()).map_err(|_| None)?;
        let object = found.ok_or(Some(Rejection::NotFound(self.object.kind())))?;
        if let Some(identity) = &self.inbox.identity {
            let services = outlets.sync.services.get();
            let may = sync_reads::may(store, &services, &object, identity, Right::Read);
            may.map_err(|_| None)?.then_some(()).ok_or(Some(Rejection::Forbidden))?;
        }
        Ok(object)
    }
}

/// Whether something is missing between what was told and an event.
fn is_hole(event: &Event, last: EventId) -> bool {
    #[cfg(feature = "planted-bugs")]
    if planted::is(Planted::HideHoles) {
        return false;
    }
    event.id != last + 1 && event.object.kind() != ObjectKind::Document
}

/// A document as somebody who missed something is told of it.
fn newest(object: &Object) -> Event {
    let data = object.data.clone().unwrap_or_default();
    Event {
        object: object.sid,
        service: object.service,
        unique_name: object.unique_name.clone(),
        id: object.event,
        at: object.updated_at,
        by: object.created_by.clone(),
        endpoint: None,
        what: What::DocumentUpdated { data },
    }
}
