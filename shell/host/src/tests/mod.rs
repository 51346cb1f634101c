//! The parts together, over real stores and a tiny real engine.

mod counter;
mod losses;
mod running;
mod seats;

use crate::{
    Options, clock::ClockKind, core::Core, engine::Engine, inbox::Inbox, outlets::Outlets,
    seat::Seat,
};
use base::IdSource;
use counter::{COUNTER, Counter};
use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};
use store::{MemoryStore, PartitionId, Store};
use store_sealed::{Key, Keys, SealedStore};
use store_sqlite::SqliteStore;
use testkit::FaultyStore;

static TABLES: &[&store::Table] = &[&COUNTER, &store_sealed::TABLE];

/// A folder that is removed when the test ends.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        Self(std::env::temp_dir().join(format!("sinew-host-{}-{count}", std::process::id())))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Every store there is, each with faults on demand and the folder it lives in.
fn stores() -> Vec<(FaultyStore, Option<Folder>)> {
    let folder = Folder::new();
    let sqlite = SqliteStore::open(&folder.0, store_sqlite::Options::default(), TABLES).unwrap();
    vec![
        (FaultyStore::new(Arc::new(MemoryStore::new())), None),
        (FaultyStore::new(Arc::new(sealed(MemoryStore::new(), &["a"]))), None),
        (FaultyStore::new(Arc::new(sqlite)), Some(folder)),
    ]
}

/// A store around another, under keys with these ids, newest first.
fn sealed(inner: impl Store, ids: &[&str]) -> SealedStore {
    let key = |id: &&str| Key::parse(id, &format!("{:02x}", id.as_bytes()[0]).repeat(32)).unwrap();
    let keys = Keys::new(ids.iter().map(key).collect()).unwrap().unwrap();
    SealedStore::open(Arc::new(inner), keys, TABLES).unwrap()
}

fn core(store: &FaultyStore, clock: ClockKind) -> Core {
    Core::start(Arc::new(store.clone()), &Options { clock, seed: Some(1), ..Options::default() })
        .unwrap()
}

fn open(core: &Core, name: &str) -> Arc<Inbox<Counter>> {
    let known = core.store.partitions().unwrap().into_iter().find(|known| &*known.id == name);
    let reopened = known.and_then(|known| core.open_known(known, &core.clock).unwrap());
    reopened.unwrap_or_else(|| core.open_new(name.into(), &core.clock))
}

fn seat(store: &FaultyStore, outlets: &Arc<Outlets>, id: &PartitionId) -> Seat<Counter> {
    Seat::new(id.clone(), Arc::new(store.clone()), outlets.clone(), IdSource::new(1))
}

/// What the rows alone say, and what the journal alone says.
fn truths(store: &dyn Store, id: &str) -> (String, String) {
    let known = store.partitions().unwrap().into_iter().find(|known| &*known.id == id).unwrap();
    let ids = IdSource::new(0);
    let rows = crate::partition::Partition::<Counter>::restore(store, known, 1, ids).unwrap();
    let mut replayed = Counter::empty(&id.into());
    for entry in store.journal(id, 0, usize::MAX).unwrap() {
        replayed.replay(&entry).unwrap();
    }
    (rows.unwrap().engine().digest(), replayed.digest())
}
