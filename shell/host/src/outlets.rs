//! Where durable things become visible to the edge: names first, then events.

use crate::{
    engine::Notice, heat::Heat, hub::Hub, live_queries::LiveQueries, names::NamesBook,
    outbox::Outbox, reach::Reach, sync_hub::SyncHub,
};
use access::Access;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use sync::service::{ServiceChange, Services};

/// One for the whole host.
#[derive(Debug, Default)]
pub struct Outlets {
    /// Who listens.
    pub hub: Hub,
    /// What workspaces are made of.
    pub names: NamesBook,
    /// Who may do what.
    pub directory: Directory,
    /// What is to be told outside.
    pub outbox: Outbox,
    /// Live queries on workspaces.
    pub queries: LiveQueries,
    /// Sync: who follows what, services, and what holds for all buckets.
    pub sync: SyncOutlets,
}

impl Outlets {
    /// Tells whoever listens.
    pub fn publish(&self, notice: &Notice) {
        match notice {
            Notice::Event { topics, announced } => self.hub.publish(topics, announced),
            Notice::Tick(queue) => self.hub.tick(*queue),
            Notice::Sync(news) => {
                let is_enforced = self.sync.services.get().enforces(news.event.service);
                let told = self.sync.hub.publish(news, is_enforced);
                self.sync.heat.happened(&news.event, told);
            }
        }
    }
}

/// What sync shows and is told.
#[derive(Debug, Default)]
pub struct SyncOutlets {
    /// Who follows which object.
    pub hub: Arc<SyncHub>,
    /// Which objects are used how much.
    pub heat: Heat,
    /// All services.
    pub services: ServicesBook,
    /// Who is connected.
    pub reach: Arc<Reach>,
    /// What holds for all buckets; set before the first one begins.
    pub options: OnceLock<SyncOptions>,
}

/// What an installation allows in sync.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SyncOptions {
    /// What engines look at.
    pub limits: sync::Limits,
    /// Events of an object that can be told again.
    pub events_kept: u64,
}

impl Default for SyncOptions {
    fn default() -> Self {
        Self { limits: sync::Limits::default(), events_kept: 10_000 }
    }
}

/// The durable state of services; a reader holds a snapshot that never changes.
#[derive(Debug, Default)]
pub struct ServicesBook(RwLock<Arc<Services>>);

impl ServicesBook {
    /// As it is now.
    pub fn get(&self) -> Arc<Services> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Follows changes that are durable.
    pub(crate) fn apply(&self, changes: &[ServiceChange]) {
        let mut book = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let services = Arc::make_mut(&mut book);
        changes.iter().for_each(|change| services.apply(change));
        // The rows are the partition's to write.
        services.rows(|_| {});
    }

    /// Takes over a restored state.
    pub(crate) fn replace(&self, services: Services) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(services);
    }
}

/// The durable state of `access`; a reader holds a snapshot that never changes.
#[derive(Debug, Default)]
pub struct Directory(RwLock<Arc<Access>>);

impl Directory {
    /// As it is now.
    pub fn get(&self) -> Arc<Access> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Follows changes that are durable.
    pub(crate) fn apply(&self, changes: &[access::Change]) {
        if changes.is_empty() {
            return;
        }
        let mut directory = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let access = Arc::make_mut(&mut directory);
        changes.iter().for_each(|change| access.apply(change));
        // The rows are the partition's to write.
        access.rows(|_| {});
    }

    /// Takes over a restored state.
    pub(crate) fn replace(&self, access: Access) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(access);
    }
}
