//! The embedded store: journal and rows in one SQLite file.
//!
//! * A group is one transaction with one sync; what `commit` acknowledged survives a power cut.
//! * The write-ahead log is reused and never left to grow (`checkpoint`).
//! * One process at a time: a lock file in the data folder says so.
//! * Tables are real tables with real columns, so that one can open the file and look.
//!
//! Knows no engine: what the tables mean is their owner's business.

mod checkpoint;
mod committer;
mod folder;
mod reader;
mod scan;
mod schema;
mod sql;
mod writer;

use committer::SqliteCommitter;
use reader::{Pool, Reader};
use rusqlite::{Connection, OpenFlags};
use sql::TableSql;
use std::{
    fs::File,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};
use store::{Committer, Entry, Partition, Row, Scan, Seq, Store, StoreError, Table, Value};

/// The file's name in the data folder.
pub const FILE_NAME: &str = "sinew.db";

/// How long a statement waits for a lock that another connection holds.
const BUSY: Duration = Duration::from_secs(5);

/// The newest version of the store that this program knows.
pub const VERSION: i64 = schema::VERSION;

/// What can be chosen when a store is opened.
#[derive(Clone, Debug)]
pub struct Options {
    /// The most pages (of 4 096 bytes) the file may have; a commit that needs more is answered with
    /// [`store::CommitError::Full`]. See [`SqliteStore::set_page_limit`].
    pub page_limit: Option<u32>,
    /// A read that takes longer is broken off. While a read lasts the write-ahead log cannot start
    /// again from its beginning.
    pub read_limit: Duration,
    /// How many reading connections are kept open when nobody reads.
    pub readers_kept: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { page_limit: None, read_limit: Duration::from_secs(3), readers_kept: 4 }
    }
}

/// Why a store could not be opened. Nothing in the file was changed.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another server has the folder.
    #[error("the data folder {} is in use by another server", .folder.display())]
    InUse {
        /// The folder.
        folder: PathBuf,
    },
    /// A newer program has written the store.
    #[error("the store has version {found}, this program knows versions up to {known}")]
    Newer {
        /// The store's version.
        found: i64,
        /// The newest version this program knows.
        known: i64,
    },
    /// The file is a database of something else.
    #[error("{} is not a store of this program", .file.display())]
    Foreign {
        /// The file.
        file: PathBuf,
    },
    /// A table in the file is not the one that was declared: a migration is missing.
    #[error("table {table} of the store has columns {found}, not {declared}")]
    Schema {
        /// The table.
        table: &'static str,
        /// The columns in the file.
        found: String,
        /// The columns of the declared table.
        declared: String,
    },
    /// There is nothing to be read.
    #[error("there is no store at {}", .file.display())]
    Absent {
        /// Where it would be.
        file: PathBuf,
    },
    /// The folder or a file in it cannot be used.
    #[error("the data folder {} cannot be used: {cause}", .folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// SQLite failed.
    #[error("the store cannot be opened: {0}")]
    Sqlite(#[from] rusqlite::Error),
}

/// The embedded store. Cloning gives another handle to the same store.
#[derive(Clone, Debug)]
pub struct SqliteStore {
    shared: Arc<Shared>,
}

/// What the handles and the committer have in common.
#[derive(Debug)]
struct Shared {
    file: PathBuf,
    tables: Vec<TableSql>,
    /// Declared, and not in a file that is only read.
    missing: Vec<&'static str>,
    readers: Pool,
    has_committer: AtomicBool,
    /// 0 for no limit.
    page_limit: AtomicU32,
    /// Held as long as anyone may write; `None` where nobody may.
    _lock: Option<File>,
}

impl SqliteStore {
    /// Opens the store in the folder, or makes folder and store. Tables that are declared and
    /// missing are made; tables of the file that are not declared are left alone.
    pub fn open(
        folder: &Path,
        options: Options,
        tables: &'static [&'static Table],
    ) -> Result<Self, OpenError> {
        let refused = |cause| OpenError::Folder { folder: folder.to_owned(), cause };
        folder::make(folder).map_err(refused)?;
        let lock = folder::lock(folder).map_err(refused)?;
        let lock = lock.ok_or_else(|| OpenError::InUse { folder: folder.to_owned() })?;
        let file = folder.join(FILE_NAME);
        folder::make_private(&file).map_err(refused)?;
        schema::prepare(&file, tables)?;
        let readers = Pool::new(file.clone(), options.read_limit, options.readers_kept);
        let shared = Shared {
            file,
            tables: tables.iter().map(|table| TableSql::new(table)).collect(),
            missing: Vec::new(),
            readers,
            has_committer: AtomicBool::new(false),
            page_limit: AtomicU32::new(options.page_limit.unwrap_or(0)),
            _lock: Some(lock),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Opens a store for reading only, also beside a server that writes to it. `from` is the data
    /// folder or the file in it. Beside the journal and the partitions only these tables can be
    /// read; one that the file does not have yet is empty.
    pub fn open_to_read(
        from: &Path,
        options: &Options,
        tables: &'static [&'static Table],
    ) -> Result<Self, OpenError> {
        let file = if from.is_dir() { from.join(FILE_NAME) } else { from.to_owned() };
        if let Err(cause) = std::fs::metadata(&file) {
            return Err(match cause.kind() {
                std::io::ErrorKind::NotFound => OpenError::Absent { file },
                _ => OpenError::Folder { folder: from.to_owned(), cause },
            });
        }
        let known = schema::version(&file)?;
        if known > VERSION {
            return Err(OpenError::Newer { found: known, known: VERSION });
        }
        let missing = schema::missing(&file, tables)?;
        let readers = Pool::new(file.clone(), options.read_limit, options.readers_kept);
        let shared = Shared {
            file,
            tables: tables.iter().map(|table| TableSql::new(table)).collect(),
            missing,
            readers,
            has_committer: AtomicBool::new(true),
            page_limit: AtomicU32::new(0),
            _lock: None,
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Changes the most pages the file may have, from the next commit on. A limit below what the
    /// file has already means that it may not grow.
    pub fn set_page_limit(&self, pages: Option<u32>) {
        self.shared.page_limit.store(pages.unwrap_or(0), Ordering::Release);
    }

    /// Writes the whole file anew, without the room in which something was once and without what
    /// is left of it there. It takes as long as copying, and as much room in the folder for
    /// temporary files. Panics while there is a committer.
    pub fn compact(&self) -> Result<(), StoreError> {
        let taken = self.shared.has_committer.swap(true, Ordering::AcqRel);
        assert!(!taken, "the store has a committer");
        self.shared.readers.renew();
        let compacted = compact(&self.shared.file);
        self.shared.has_committer.store(false, Ordering::Release);
        match compacted {
            Ok(true) => Ok(()),
            Ok(false) => Err(StoreError("somebody else reads it".to_owned())),
            Err(error) => Err(StoreError(error.to_string())),
        }
    }

    /// How large the write-ahead log is.
    pub fn wal_bytes(&self) -> u64 {
        let mut name = self.shared.file.clone().into_os_string();
        name.push("-wal");
        std::fs::metadata(name).map_or(0, |log| log.len())
    }

    fn read<T>(&self, ask: impl FnOnce(&Reader) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        self.shared.readers.read(ask)
    }
}

impl Store for SqliteStore {
    fn committer(&self) -> Box<dyn Committer> {
        Box::new(SqliteCommitter::new(self.shared.clone()))
    }

    fn row(
        &self,
        table: &'static Table,
        partition: &str,
        key: &str,
    ) -> Result<Option<Row>, StoreError> {
        let statements = self.shared.table(table);
        if self.shared.missing.contains(&table.name) {
            return Ok(None);
        }
        self.read(|reader| {
            let mut select = reader.prepare_cached(&statements.row)?;
            let mut rows = select.query([partition, key])?;
            rows.next()?.map(|row| scan::row(row, table, partition.into())).transpose()
        })
    }

    fn scan(&self, scan: &Scan) -> Result<Vec<Row>, StoreError> {
        scan.check();
        let statements = self.shared.table(scan.table);
        if self.shared.missing.contains(&scan.table.name) {
            return Ok(Vec::new());
        }
        self.read(|reader| scan::run(reader, scan, statements))
    }

    fn journal(&self, partition: &str, after: Seq, limit: usize) -> Result<Vec<Entry>, StoreError> {
        self.read(|reader| {
            let mut select = reader.prepare_cached(sql::JOURNAL)?;
            let entries =
                select.query_map((partition, sql::sql(after), sql::sql(limit)), |row| {
                    Ok(Entry {
                        seq: sql::seq(row.get(0)?),
                        at: base::Timestamp(row.get(1)?),
                        kind: row.get(2)?,
                        body: row.get(3)?,
                    })
                })?;
            entries.collect()
        })
    }

    fn partitions(&self) -> Result<Vec<Partition>, StoreError> {
        self.read(|reader| partitions(reader))
    }
}

impl Shared {
    fn table(&self, table: &'static Table) -> &TableSql {
        &self.tables[self.table_position(table)]
    }

    /// The same table may have several addresses when it is a constant, so its value decides in the
    /// end.
    fn table_position(&self, table: &'static Table) -> usize {
        let here = |known: &TableSql| std::ptr::eq(known.table, table);
        let at = self.tables.iter().position(here);
        at.or_else(|| self.tables.iter().position(|known| known.table == table))
            .unwrap_or_else(|| panic!("the store was opened without table {}", table.name))
    }
}

/// The partitions, each with its newest change.
fn partitions(connection: &Connection) -> rusqlite::Result<Vec<Partition>> {
    let mut select = connection.prepare_cached(sql::PARTITIONS)?;
    let partitions = select.query_map([], |row| {
        let id: String = row.get(0)?;
        let last = row.get::<_, Option<i64>>(2)?.map_or(0, sql::seq);
        let at = base::Timestamp(row.get(3)?);
        Ok(Partition { id: id.into(), kind: row.get(1)?, last, at })
    })?;
    partitions.collect()
}

/// A connection with what all connections have in common. Each is used by one thread at a time.
fn connect(file: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags)?;
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(64);
    connection.execute_batch("PRAGMA temp_store=MEMORY; PRAGMA foreign_keys=OFF;")?;
    Ok(connection)
}

/// Whether nothing is left in the log either.
fn compact(file: &Path) -> rusqlite::Result<bool> {
    let connection = connect(file)?;
    // A whole store does not belong in memory.
    connection.execute_batch("PRAGMA temp_store=FILE; PRAGMA synchronous=FULL; VACUUM;")?;
    checkpoint::empty(&connection)
}

/// A value as a parameter, bound where it lies.
struct Bound<'a>(&'a Value);

impl rusqlite::ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
        use rusqlite::types::{ToSqlOutput, ValueRef};
        Ok(ToSqlOutput::Borrowed(match self.0 {
            Value::Null => ValueRef::Null,
            Value::Int(n) => ValueRef::Integer(*n),
            Value::Text(text) => ValueRef::Text(text.as_bytes()),
        }))
    }
}

#[cfg(test)]
mod tests;
