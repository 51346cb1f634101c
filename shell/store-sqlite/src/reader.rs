//! Reading connections: a small stack, each used by one thread at a time.
//!
//! * A read lasts at most a given time, so that no reader keeps the write-ahead log from starting
//!   again for long.
//! * After a commit whose outcome was unknown every connection is opened anew.

use crate::connect;
use rusqlite::{Connection, ErrorCode};
use std::{
    ops::Deref,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use store::StoreError;

/// How many of SQLite's steps pass between two looks at the clock: some tens of microseconds.
const STEPS: i32 = 2000;

#[derive(Debug)]
pub(crate) struct Pool {
    file: PathBuf,
    limit: Duration,
    kept: usize,
    idle: Mutex<Vec<Reader>>,
    /// Connections of an older generation are closed when they come back.
    generation: AtomicU64,
}

/// One reading connection.
#[derive(Debug)]
pub(crate) struct Reader {
    connection: Connection,
    generation: u64,
    opened: Instant,
    /// When the read must be over, in microseconds since `opened`.
    until_us: Arc<AtomicU64>,
}

impl Deref for Reader {
    type Target = Connection;
    fn deref(&self) -> &Connection {
        &self.connection
    }
}

impl Pool {
    pub(crate) fn new(file: PathBuf, limit: Duration, kept: usize) -> Self {
        let (idle, generation) = (Mutex::default(), AtomicU64::new(0));
        Self { file, limit, kept, idle, generation }
    }

    /// Asks on a connection of its own.
    pub(crate) fn read<T>(
        &self,
        ask: impl FnOnce(&Reader) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let idle = self.idle().pop();
        let reader = idle.map_or_else(|| self.open(), Ok).map_err(|e| StoreError(e.to_string()))?;
        reader.begin(self.limit);
        let answer = ask(&reader);
        let is_usable = match &answer {
            Ok(_) => true,
            Err(error) => error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted),
        };
        if is_usable && reader.generation == self.generation.load(Ordering::Acquire) {
            let mut idle = self.idle();
            if idle.len() < self.kept {
                idle.push(reader);
            }
        }
        answer.map_err(|error| match error.sqlite_error_code() {
            Some(ErrorCode::OperationInterrupted) => {
                StoreError(format!("it took longer than {} ms", self.limit.as_millis()))
            }
            _ => StoreError(error.to_string()),
        })
    }

    /// Lets go of every connection.
    pub(crate) fn renew(&self) {
        self.generation.fetch_add(1, Ordering::AcqRel);
        self.idle().clear();
    }

    fn open(&self) -> rusqlite::Result<Reader> {
        let generation = self.generation.load(Ordering::Acquire);
        let mut connection = connect(&self.file)?;
        connection.execute_batch("PRAGMA query_only=ON; PRAGMA synchronous=NORMAL;")?;
        let (opened, until_us) = (Instant::now(), Arc::new(AtomicU64::new(u64::MAX)));
        let until = until_us.clone();
        let is_late = move || micros(opened.elapsed()) > until.load(Ordering::Relaxed);
        connection.progress_handler(STEPS, Some(is_late))?;
        Ok(Reader { connection, generation, opened, until_us })
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Reader>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reader {
    fn begin(&self, limit: Duration) {
        let until = micros(self.opened.elapsed()).saturating_add(micros(limit));
        self.until_us.store(until, Ordering::Relaxed);
    }
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}
