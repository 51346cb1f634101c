//! Copying the write-ahead log back into the file, so that the log is reused.
//!
//! * The log starts again from its beginning only when every frame was copied at the moment of a
//!   write, and nobody reads an older state. A log that grows instead costs the kernel more than
//!   all of SQLite.
//! * Where commits leave gaps, a thread of low priority copies a little in one of them, often: the
//!   writer does nothing, and nobody's commit waits behind many pages on their way to the disk.
//! * Where they leave none, that happens in two steps. First the thread copies the bulk beside the
//!   writer. Then the writer, after it has answered a group, copies the short rest, and waits until
//!   all of it is on the disk: SQLite syncs the file only with the last frame. Its next write
//!   starts the log again.
//! * Where readers prevent that for long, the writer waits for them: the log has a bound.

use crate::connect;
use rusqlite::Connection;
use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU8, AtomicU32, Ordering},
        mpsc,
    },
    thread::JoinHandle,
    time::Duration,
};

/// So many frames (of 4 120 bytes) are copied in a gap.
const GAP_FRAMES: u32 = 1_000;
/// So many further frames must come before a gap is tried again that was none.
const NEXT_GAP_FRAMES: u32 = 50;
/// A gap is so long, at first.
const GAP: Duration = Duration::from_millis(1);
/// So often one is waited for.
const GAPS_MAX: u32 = 20;
/// The first of the two steps begins when the log has so many frames.
const BULK_FRAMES: u32 = 2_000;
/// So many further frames must come before a checkpoint is tried again that a reader prevented.
const AGAIN_FRAMES: u32 = 500;
/// From here on the writer waits for readers: about 45 MB.
const BOUND_FRAMES: u32 = 11_000;
/// How long it waits for them at a time.
const READERS_WAIT: Duration = Duration::from_millis(200);

const IDLE: u8 = 0;
const ASKED: u8 = 1;
const COPIED: u8 = 2;

/// Decides when which step is due.
#[derive(Debug)]
pub(crate) struct Checkpoints {
    bulk: Option<Bulk>,
    file: PathBuf,
    /// Groups written so far.
    groups: Arc<AtomicU32>,
    /// Frames in the log when that was last told.
    length: u32,
    /// Frames in the log when a gap is tried.
    gap_due: u32,
    /// Frames in the log when the first of the two steps is due.
    due: u32,
    /// Frames in the log when the writer waits for readers.
    bound: u32,
}

/// The thread for the first step.
#[derive(Debug)]
struct Bulk {
    ask: mpsc::Sender<Moment>,
    state: Arc<AtomicU8>,
    thread: JoinHandle<()>,
}

/// When the thread copies.
#[derive(Clone, Copy, Debug)]
enum Moment {
    /// When no group was written for a while, but soon.
    Gap,
    /// Beside the writer.
    Now,
}

impl Checkpoints {
    pub(crate) fn new(file: PathBuf) -> Self {
        let groups = Arc::default();
        let (gap_due, due, bound) = (GAP_FRAMES, BULK_FRAMES, BOUND_FRAMES);
        Self { bulk: None, file, groups, length: 0, gap_due, due, bound }
    }

    /// Called by the writer when it has answered a group; `frames` is the length of the log, and
    /// `idle` says that no other group waits.
    pub(crate) fn after_group(&mut self, writer: &Connection, frames: u32, idle: bool) {
        self.groups.fetch_add(1, Ordering::Release);
        if frames >= self.bound {
            self.wait_for_readers(writer, frames);
        }
        let has_started_again = frames < self.length;
        self.length = frames;
        if has_started_again {
            (self.gap_due, self.due, self.bound) = (GAP_FRAMES, BULK_FRAMES, BOUND_FRAMES);
        }
        let state = self.bulk.as_ref().map_or(IDLE, |bulk| bulk.state.load(Ordering::Acquire));
        match state {
            COPIED => {
                if frames >= BULK_FRAMES {
                    self.copy_rest(writer, frames);
                } else if !has_started_again {
                    self.gap_due = frames + NEXT_GAP_FRAMES;
                }
                self.set_state(IDLE);
            }
            IDLE if frames >= self.due => self.copy(Moment::Now, writer, frames),
            IDLE if idle && frames >= self.gap_due && frames < BULK_FRAMES => {
                self.copy(Moment::Gap, writer, frames);
            }
            _ => {}
        }
    }

    fn copy(&mut self, moment: Moment, writer: &Connection, frames: u32) {
        if self.bulk.is_none() {
            self.bulk = Bulk::start(&self.file, &self.groups).ok();
        }
        match &self.bulk {
            Some(bulk) => {
                bulk.state.store(ASKED, Ordering::Release);
                if bulk.ask.send(moment).is_err() {
                    self.bulk = None;
                }
            }
            // Without a thread the writer does both steps.
            None => self.copy_rest(writer, frames),
        }
    }

    fn copy_rest(&mut self, writer: &Connection, frames: u32) {
        report(checkpoint(writer, "PRAGMA wal_checkpoint(PASSIVE)"));
        self.due = frames + AGAIN_FRAMES;
    }

    fn wait_for_readers(&mut self, writer: &Connection, frames: u32) {
        let outcome = writer
            .busy_timeout(READERS_WAIT)
            .and_then(|()| checkpoint(writer, "PRAGMA wal_checkpoint(RESTART)"));
        if matches!(outcome, Ok(Outcome::Prevented)) {
            tracing::warn!(frames, "a reader keeps the write-ahead log from starting again");
        }
        report(outcome);
        report(writer.busy_timeout(crate::BUSY).map(|()| Outcome::Whole));
        // In the end ever more rarely: whoever forgot a transaction must not slow every commit.
        let step = if frames < 2 * BOUND_FRAMES { AGAIN_FRAMES } else { frames / 2 };
        self.bound = frames + step;
    }

    fn set_state(&self, state: u8) {
        if let Some(bulk) = &self.bulk {
            bulk.state.store(state, Ordering::Release);
        }
    }
}

impl Drop for Checkpoints {
    fn drop(&mut self) {
        if let Some(Bulk { ask, thread, .. }) = self.bulk.take() {
            drop(ask);
            if thread.join().is_err() {
                tracing::error!("the checkpoint thread panicked");
            }
        }
    }
}

impl Bulk {
    fn start(file: &Path, groups: &Arc<AtomicU32>) -> std::io::Result<Self> {
        let (ask, asked) = mpsc::channel();
        let state = Arc::new(AtomicU8::new(IDLE));
        let (file, groups, done) = (file.to_owned(), groups.clone(), state.clone());
        let thread = std::thread::Builder::new().name("checkpoint".to_owned());
        let thread = thread.spawn(move || {
            yield_to_others();
            let mut connection = None;
            while let Ok(moment) = asked.recv() {
                if let Moment::Gap = moment {
                    wait_for_a_gap(&groups);
                }
                if let Err(error) = copy(&mut connection, &file) {
                    // The next time it begins with a connection of its own again.
                    connection = None;
                    tracing::warn!(%error, "a checkpoint failed");
                }
                done.store(COPIED, Ordering::Release);
            }
        })?;
        Ok(Self { ask, state, thread })
    }
}

fn wait_for_a_gap(groups: &AtomicU32) {
    for _ in 0..GAPS_MAX {
        let before = groups.load(Ordering::Acquire);
        std::thread::sleep(GAP);
        if groups.load(Ordering::Acquire) == before {
            return;
        }
    }
}

/// The kernel's niceness belongs to a thread on Linux; elsewhere it would slow the whole process.
fn yield_to_others() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, 10) {
        tracing::debug!(%error, "the checkpoint thread keeps its priority");
    }
}

fn copy(connection: &mut Option<Connection>, file: &Path) -> rusqlite::Result<()> {
    let connection = match connection {
        Some(connection) => connection,
        None => {
            let opened = connect(file)?;
            opened.execute_batch("PRAGMA synchronous=NORMAL; PRAGMA wal_autocheckpoint=0;")?;
            connection.insert(opened)
        }
    };
    checkpoint(connection, "PRAGMA wal_checkpoint(PASSIVE)").map(drop)
}

/// Copies every frame and cuts the log to nothing; whether no reader prevented it.
pub(crate) fn empty(connection: &Connection) -> rusqlite::Result<bool> {
    let outcome = checkpoint(connection, "PRAGMA wal_checkpoint(TRUNCATE)")?;
    Ok(matches!(outcome, Outcome::Whole))
}

enum Outcome {
    /// Every frame was copied.
    Whole,
    /// Someone reads or copies.
    Prevented,
}

fn checkpoint(connection: &Connection, sql: &str) -> rusqlite::Result<Outcome> {
    connection.prepare_cached(sql)?.query_row([], |row| {
        let (busy, log, copied): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        Ok(if busy == 0 && log == copied { Outcome::Whole } else { Outcome::Prevented })
    })
}

/// A failed checkpoint loses nothing: the frames stay in the log, and the next one tries again.
fn report(outcome: rusqlite::Result<Outcome>) {
    if let Err(error) = outcome {
        tracing::warn!(%error, "a checkpoint failed");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{committer::SqliteCommitter, tests};
    use store::Committer as _;

    /// How long a thread may have to wait for a processor.
    const PATIENCE: Duration = Duration::from_secs(60);

    impl Checkpoints {
        fn is_copying(&self) -> bool {
            self.bulk.as_ref().is_some_and(|bulk| bulk.state.load(Ordering::Acquire) == ASKED)
        }
    }

    #[test]
    fn a_log_with_gaps_between_commits_starts_again_while_it_is_short() {
        let folder = tests::Folder::new();
        let store = tests::open(&folder);
        let mut committer = SqliteCommitter::new(store.shared.clone());
        let (mut restarts, mut length) = (0, 0);
        for first in 1.. {
            committer.commit(&[tests::batch(1, first, &format!("WT{first:06}"), "{}")]).unwrap();
            committer.after(true);
            let now = committer.writer.as_ref().unwrap().frames();
            restarts += u32::from(now < length);
            length = now;
            assert!(length < 2 * GAP_FRAMES, "the log has {length} frames");
            let since = std::time::Instant::now();
            while committer.checkpoints.is_copying() && since.elapsed() < PATIENCE {
                std::thread::yield_now();
            }
            if restarts == 3 {
                return;
            }
        }
    }
}
