//! The data folder: made for its owner alone, and held by one process.

use std::{
    fs::{DirBuilder, File, OpenOptions, TryLockError},
    io,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::Path,
};

const LOCK_NAME: &str = "sinew.lock";

/// Makes the folder, readable by its owner only, unless it is there.
pub(crate) fn make(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Makes an empty file readable by its owner only, unless it is there. SQLite gives the files it
/// makes beside it the same mode.
pub(crate) fn make_private(file: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(file)
}

/// The lock, which the system lets go when the process ends in whatever way. `None` while another
/// process, or another store in this one, has it.
pub(crate) fn lock(folder: &Path) -> io::Result<Option<File>> {
    let file = make_private(&folder.join(LOCK_NAME))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(cause)) => Err(cause),
    }
}
