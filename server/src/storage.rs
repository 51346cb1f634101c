//! The store as it was chosen: opened, and with keys enciphered.

use crate::{
    ServeError,
    config::{Config, StoreKind},
};
use std::{
    path::Path,
    sync::{Arc, LazyLock, Weak},
};
use store::{MemoryStore, Store, Table};
use store_sealed::{Keys, SealError, SealedStore};
use store_sqlite::{OpenError, SqliteStore};

/// Every table of the embedded store: what engines keep, and what it keeps about its keys.
pub(crate) static TABLES: LazyLock<Vec<&'static Table>> =
    LazyLock::new(|| host::tables::ALL.iter().copied().chain([&store_sealed::TABLE]).collect());

/// The chosen store, and the embedded one by its own type where that is it.
pub(crate) fn open(config: &Config) -> Result<(Arc<dyn Store>, Weak<SqliteStore>), ServeError> {
    match config.store {
        StoreKind::Sqlite => {
            let options = config.sqlite.clone();
            let inner = Arc::new(SqliteStore::open(&config.data, options, &TABLES)?);
            let sqlite = Arc::downgrade(&inner);
            let Some(keys) = config.encryption.clone() else {
                store_sealed::expect_plain(&*inner)?;
                tracing::warn!(
                    "NO ENCRYPTION KEY IS CONFIGURED: what customers write is stored as plain text"
                );
                return Ok((inner, sqlite));
            };
            let newest = keys.newest().id().to_owned();
            let sealed = SealedStore::open(inner, keys, &TABLES)?;
            tracing::info!(key = newest, "what is stored is enciphered");
            Ok((Arc::new(sealed), sqlite))
        }
        StoreKind::Memory => {
            tracing::warn!(
                "THE STORE IS MEMORY: nothing is kept, all of it is gone when this process ends"
            );
            Ok((Arc::new(MemoryStore::new()), Weak::new()))
        }
    }
}

/// Why a store cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// It needs other keys.
    #[error(transparent)]
    Seal(#[from] SealError),
}

/// A store to read only, also beside a server that writes to it.
pub(crate) fn open_to_read(
    from: &Path,
    keys: Option<&Keys>,
    tables: &'static [&'static Table],
) -> Result<Box<dyn Store>, ReadError> {
    let inner = SqliteStore::open_to_read(from, &store_sqlite::Options::default(), tables)?;
    match keys {
        Some(keys) => {
            let sealed = SealedStore::open_to_read(Arc::new(inner), keys.clone(), tables)?;
            Ok(Box::new(sealed))
        }
        None => {
            store_sealed::expect_plain(&inner)?;
            Ok(Box::new(inner))
        }
    }
}
