//! Copying the write-ahead log back into the file, in two steps, so that the log is reused.
//!
//! * The log starts again from its beginning only when every frame was copied at the moment of a
//!   write, and nobody reads an older state. A log that grows instead costs the kernel more than
//!   all of SQLite.
//! * First a thread of low priority copies the bulk beside the writer. Then the writer, after it
//!   has answered a group, copies the short rest; its next write starts the log again.
//! * Where readers prevent that for long, the writer waits for them: the log has a bound.

use crate::connect;
use rusqlite::Connection;
use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
        mpsc,
    },
    thread::JoinHandle,
    time::Duration,
};

/// The first step begins when the log has so many frames (of 4 120 bytes).
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
    /// Frames in the log when the first step is due.
    due: u32,
    /// Frames in the log when the writer waits for readers.
    bound: u32,
}

/// The thread for the first step.
#[derive(Debug)]
struct Bulk {
    ask: mpsc::Sender<()>,
    state: Arc<AtomicU8>,
    thread: JoinHandle<()>,
}

impl Checkpoints {
    pub(crate) fn new(file: PathBuf) -> Self {
        Self { bulk: None, file, due: BULK_FRAMES, bound: BOUND_FRAMES }
    }

    /// Called by the writer when it has answered a group; `frames` is the length of the log.
    pub(crate) fn after_group(&mut self, writer: &Connection, frames: u32) {
        if frames >= self.bound {
            self.wait_for_readers(writer, frames);
        }
        let state = self.bulk.as_ref().map_or(IDLE, |bulk| bulk.state.load(Ordering::Acquire));
        match state {
            COPIED => {
                self.copy_rest(writer, frames);
                self.set_state(IDLE);
            }
            IDLE if frames < self.due.min(BULK_FRAMES) => {
                // The log has started again.
                (self.due, self.bound) = (BULK_FRAMES, BOUND_FRAMES);
            }
            IDLE if frames >= self.due => self.copy_bulk(writer, frames),
            _ => {}
        }
    }

    fn copy_bulk(&mut self, writer: &Connection, frames: u32) {
        if self.bulk.is_none() {
            self.bulk = Bulk::start(&self.file).ok();
        }
        match &self.bulk {
            Some(bulk) => {
                bulk.state.store(ASKED, Ordering::Release);
                if bulk.ask.send(()).is_err() {
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
    fn start(file: &Path) -> std::io::Result<Self> {
        let (ask, asked) = mpsc::channel::<()>();
        let state = Arc::new(AtomicU8::new(IDLE));
        let (file, done) = (file.to_owned(), state.clone());
        let thread = std::thread::Builder::new().name("checkpoint".to_owned());
        let thread = thread.spawn(move || {
            yield_to_others();
            let mut connection = None;
            while asked.recv().is_ok() {
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
