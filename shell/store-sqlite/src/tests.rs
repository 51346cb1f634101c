//! The suite, and what only a store on a disk can be asked.

use super::*;
use std::sync::atomic::AtomicUsize;
use store::conformance;

/// A folder that is removed when the test ends.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let name =
            format!("sinew-store-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        Self(std::env::temp_dir().join(name))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}

#[test]
fn sqlite_passes_the_suite() {
    let folders = std::cell::RefCell::new(Vec::new());
    conformance::run(|tables| {
        let folder = Folder::new();
        let store = SqliteStore::open(&folder.0, Options::default(), tables).unwrap();
        folders.borrow_mut().push(folder);
        store
    });
}
