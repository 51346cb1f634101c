//! Sync as the edge sees it: commands, reads of what is durable, and following.

use super::{Host, Shared};
use crate::{
    Mailbox, Refusal,
    adapters::SyncEngine,
    core::Core,
    following::{Around, Reading},
    inbox::Inbox,
    outlets::Outlets,
    reach::{Connection, Reached, Window},
    sync_hub::{News, SyncHub},
    sync_reads::{self, ItemRange, ObjectRange},
    tables::SYNC_SERVICES_PARTITION,
};
use base::Millis;
use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicU64, Ordering},
};
use store::{Direction, Store, StoreError};
use sync::{
    Action, BUCKETS, BucketNumber, Caller, Command, Event, EventId, Item, ItemKey, Object,
    ObjectKind, ObjectSid, Permission, Rejection, Reply, Right, Rights, ServiceSid, Target,
    service::{ServiceCommand, ServiceReply, Services},
};
use tokio::sync::mpsc;

/// Events read at once for somebody who comes back.
const REPLAYED_AT_ONCE: usize = 100;

/// The partitions of sync.
#[derive(Default)]
pub(super) struct SyncHomes {
    services: OnceLock<Arc<Inbox<Services>>>,
    buckets: [OnceLock<Arc<Inbox<SyncEngine>>>; BUCKETS as usize],
    /// Where the next object without a name is made.
    turn: AtomicU64,
}

impl SyncHomes {
    /// Takes a partition that the store knows.
    pub(super) fn set_services(&self, inbox: Option<Arc<Inbox<Services>>>) {
        inbox.map(|inbox| self.services.set(inbox));
    }

    /// Takes a bucket that the store knows.
    pub(super) fn set_bucket(&self, id: &str, inbox: Option<Arc<Inbox<SyncEngine>>>) {
        let mut all = BucketNumber::all();
        let number = all.find(|number| *sync_reads::partition(*number) == *id);
        if let (Some(number), Some(inbox)) = (number, inbox) {
            _ = self.buckets[usize::from(number.number())].set(inbox);
        }
    }
}

impl Host {
    /// Answers once the command's changes are durable. A rejection waits for the batches ahead.
    pub async fn sync(&self, command: Command) -> Result<Reply, Refusal<Rejection>> {
        let next = || BucketNumber::new(self.0.sync.turn.fetch_add(1, Ordering::Relaxed));
        let bucket = command.bucket().unwrap_or_else(next);
        self.0.core.command(&self.0.bucket(bucket), command).await
    }

    /// All services: durable, and updated before the answer to a command.
    pub fn sync_services(&self) -> Arc<Services> {
        self.0.core.outlets.sync.services.get()
    }

    /// A command about a service. When it is answered, nobody is told any more what a permission
    /// that is enforced from now on keeps from them; what a deleted service held is removed bit by
    /// bit after that.
    pub async fn sync_service(
        &self,
        command: ServiceCommand,
    ) -> Result<ServiceReply, Refusal<Rejection>> {
        let is_end = matches!(command, ServiceCommand::Delete { .. });
        let reply = self.0.core.command(&self.0.services(), command).await?;
        let Some(service) = &reply else { return Ok(reply) };
        if is_end {
            self.purge(service.sid);
        } else if service.acl_enabled {
            let (hub, sid) = (self.0.core.outlets.sync.hub.clone(), service.sid);
            let checked = self.blocking(move |store| enforce(store, &hub, sid)).await;
            checked.map_err(|error| Refusal::Unavailable(error.to_string()))?;
        }
        Ok(reply)
    }

    /// Goes on with services that were deleted before a restart.
    pub(super) fn purge_ending(&self) {
        for service in self.sync_services().ending() {
            self.purge(*service);
        }
    }

    fn purge(&self, service: ServiceSid) {
        let host = self.clone();
        tokio::spawn(async move {
            for bucket in BucketNumber::all() {
                let (caller, action) = (Caller::System, Action::Purge);
                let command = Command { service, caller, action };
                // What was not reached is reached after a restart.
                if host.0.core.command(&host.0.bucket(bucket), command).await.is_err() {
                    return;
                }
            }
            _ = host.0.core.command(&host.0.services(), ServiceCommand::Purged(service)).await;
        });
    }

    /// An object that is there, with a document's value; takes microseconds.
    pub fn sync_object(
        &self,
        service: ServiceSid,
        target: &Target,
    ) -> Result<Option<Arc<Object>>, StoreError> {
        sync_reads::object(&*self.0.core.store, service, target, self.now())
    }

    /// A page of a service's objects of one kind.
    pub async fn sync_objects(
        &self,
        service: ServiceSid,
        range: ObjectRange,
    ) -> Result<Vec<Arc<Object>>, StoreError> {
        let now = self.now();
        self.blocking(move |store| sync_reads::objects(store, service, range, now)).await
    }

    /// An item that is there, of an object that is; takes microseconds.
    pub fn sync_item(
        &self,
        object: ObjectSid,
        key: &ItemKey,
    ) -> Result<Option<Arc<Item>>, StoreError> {
        sync_reads::item(&*self.0.core.store, object, key, self.now())
    }

    /// A page of items of an object that is there; expired ones are left out.
    pub async fn sync_items(
        &self,
        object: ObjectSid,
        range: ItemRange,
    ) -> Result<Vec<Arc<Item>>, StoreError> {
        let now = self.now();
        self.blocking(move |store| sync_reads::items(store, object, &range, now)).await
    }

    /// Somebody's rights on an object; takes microseconds.
    pub fn sync_rights(
        &self,
        object: ObjectSid,
        identity: &str,
    ) -> Result<Option<Rights>, StoreError> {
        sync_reads::rights(&*self.0.core.store, object, identity)
    }

    /// Whether a caller has a right on an object, for reads; writes are asked by the engine.
    pub fn sync_may(
        &self,
        object: &Object,
        caller: &Caller,
        right: Right,
    ) -> Result<bool, StoreError> {
        let Caller::Client { identity, .. } = caller else { return Ok(true) };
        sync_reads::may(&*self.0.core.store, &self.sync_services(), object, identity, right)
    }

    /// A page of an object's permissions, by identity.
    pub async fn sync_permissions(
        &self,
        object: ObjectSid,
        after: Option<Arc<str>>,
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<Permission>, StoreError> {
        let read = move |store: &dyn Store| {
            sync_reads::permissions(store, object, after.as_deref(), (direction, limit))
        };
        self.blocking(read).await
    }

    /// Events of an object behind one of them, oldest first, as far as they are kept.
    pub async fn sync_events(
        &self,
        object: Arc<Object>,
        after: EventId,
        limit: usize,
    ) -> Result<Vec<Event>, StoreError> {
        self.blocking(move |store| sync_reads::events(store, &object, after, limit)).await
    }

    /// Everything that happens from now on, in order, for those who tell others; what finds
    /// `capacity` waiting is left out.
    pub fn sync_feed(&self, capacity: usize) -> mpsc::Receiver<Arc<News>> {
        self.0.core.outlets.sync.hub.feed(capacity)
    }

    /// Who follows an object: identities, each as often as it does.
    pub fn sync_followers(&self, object: ObjectSid) -> Vec<Option<Arc<str>>> {
        self.0.core.outlets.sync.hub.followers(object)
    }

    /// A device of an identity is connected as long as this lives. Where a service debounces, its
    /// window is looked up when the device goes.
    pub fn connect(
        &self,
        service: ServiceSid,
        identity: Arc<str>,
        endpoint: Arc<str>,
    ) -> Connection {
        let Core { outlets, clock, .. } = &self.0.core;
        let window = Arc::new(Windows(outlets.clone()));
        outlets.sync.reach.connect(clock, window, (service, identity), endpoint)
    }

    /// Who comes and goes from now on, in order; what finds `capacity` waiting is left out.
    pub fn reach_feed(&self, capacity: usize) -> mpsc::Receiver<Reached> {
        self.0.core.outlets.sync.reach.feed(capacity)
    }

    /// A mailbox for a connection; `identity` is who reads, `None` for the account itself.
    pub fn mailbox(&self, identity: Option<Arc<str>>, bytes_max: usize) -> Mailbox {
        self.0.core.outlets.sync.hub.mailbox(identity, bytes_max)
    }

    /// Follows an object in a mailbox: what happened behind event `after` comes first, then
    /// [`Post::Followed`], then what happens, or else [`Post::Failed`]. Following again begins
    /// anew.
    pub fn follow(
        &self,
        mailbox: &Mailbox,
        service: ServiceSid,
        object: ObjectSid,
        after: EventId,
    ) {
        let now = self.now();
        self.0.core.outlets.sync.heat.followed(service, object, now);
        let (host, begun) = (self.clone(), mailbox.begin(service, object, after, now));
        tokio::spawn(async move {
            let read = |object, after| -> Reading {
                let host = host.clone();
                Box::pin(async move { host.sync_events(object, after, REPLAYED_AT_ONCE).await })
            };
            let Core { store, outlets, .. } = &host.0.core;
            let now = || host.now();
            begun.catch_up(Around { store: &**store, outlets, now: &now, read: &read }).await;
        });
    }

    pub(super) async fn blocking<T: Send + 'static>(
        &self,
        read: impl FnOnce(&dyn Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let store = self.0.core.store.clone();
        let read = tokio::task::spawn_blocking(move || read(&*store)).await;
        read.map_err(|error| StoreError(error.to_string()))?
    }
}

/// The windows of services as they are set.
struct Windows(Arc<Outlets>);

impl std::fmt::Debug for Windows {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Windows")
    }
}

impl Window for Windows {
    fn of(&self, service: ServiceSid) -> Millis {
        let services = self.0.sync.services.get();
        let debounced = services.stored(service).filter(|s| s.reachability_debouncing_enabled);
        Millis(debounced.map_or(0, |s| i64::from(s.reachability_debouncing_window_ms)))
    }
}

impl Shared {
    /// A bucket begins when it is first needed.
    fn bucket(&self, number: BucketNumber) -> Arc<Inbox<SyncEngine>> {
        let bucket = &self.sync.buckets[usize::from(number.number())];
        let open = || self.core.open_new(sync_reads::partition(number), &self.core.clock);
        bucket.get_or_init(open).clone()
    }

    fn services(&self) -> Arc<Inbox<Services>> {
        let open = || self.core.open_new(SYNC_SERVICES_PARTITION.into(), &self.core.clock);
        self.sync.services.get_or_init(open).clone()
    }
}

/// Takes from everybody who follows something in a service what they may not read.
fn enforce(store: &dyn Store, hub: &SyncHub, service: ServiceSid) -> Result<(), StoreError> {
    for (object, identity) in hub.readers(service) {
        if object.kind() == ObjectKind::Stream {
            continue;
        }
        let rights = sync_reads::rights(store, object, &identity)?;
        if !rights.is_some_and(|rights| rights.read) {
            hub.revoke(object, &identity);
        }
    }
    Ok(())
}
