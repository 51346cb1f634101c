//! Where durable things become visible to the edge: names first, then events.

use crate::{engine::Notice, hub::Hub, names::NamesBook, outbox::Outbox};
use access::Access;
use std::sync::{Arc, PoisonError, RwLock};

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
}

impl Outlets {
    /// Tells whoever listens.
    pub fn publish(&self, notice: &Notice) {
        match notice {
            Notice::Event { topics, announced } => self.hub.publish(topics, announced),
            Notice::Tick(queue) => self.hub.tick(*queue),
        }
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
