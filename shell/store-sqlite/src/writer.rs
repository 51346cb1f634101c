//! One transaction for one group.
//!
//! * `BEGIN IMMEDIATE`, then for each batch its partition, journal and rows, then
//!   `COMMIT` with one sync.
//! * Nothing is allocated for a row; texts are bound where they lie.
//! * Statements are fetched from the connection's cache once for a group, and keep their partition
//!   while it stays the same; a partition is a number here.

use crate::{
    Bound, Shared, connect,
    sql::{self, TableSql, sql},
};
use rusqlite::{CachedStatement, Connection, OptionalExtension as _, hooks::Wal};
use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};
use store::{Batch, Forget, PartitionId, Rewrite, RowContent, RowWrite, Value};

/// The writing connection.
pub(crate) struct Writer {
    pub(crate) connection: Connection,
    /// The length of the log, told by SQLite at each commit.
    frames: Arc<AtomicU32>,
    page_limit: u32,
    /// The numbers of partitions; of a group that failed, none is kept.
    numbers: HashMap<PartitionId, i64>,
}

/// Kibibytes of pages that the writer keeps. A commit in which a tree was balanced walks all of
/// them: SQLite gives a page the number of one at 1 GiB for a moment, and then looks for pages
/// behind the end of the file. With 64 MiB that was a twentieth of all processor time of the server
/// under load; a page that was let go is read from the system's memory instead.
const CACHE_KIB: u32 = 8192;

/// What went wrong, and when.
pub(crate) enum Failure {
    /// Nothing of the group is durable.
    Before(rusqlite::Error),
    /// The group may be durable.
    AtCommit(rusqlite::Error),
}

impl Writer {
    pub(crate) fn open(shared: &Shared) -> rusqlite::Result<Self> {
        let mut connection = connect(&shared.file)?;
        connection.execute_batch("PRAGMA synchronous=FULL; PRAGMA journal_size_limit=33554432;")?;
        connection.execute_batch(&format!("PRAGMA cache_size=-{CACHE_KIB};"))?;
        let frames = Arc::new(AtomicU32::new(0));
        let count = frames.clone();
        // The hook takes the place of SQLite's own checkpoint in the middle of a commit.
        connection.wal_hook(Some(move |_: &mut Wal, pages: i32| {
            count.store(pages.unsigned_abs(), Ordering::Relaxed);
            Ok(())
        }))?;
        Ok(Self { connection, frames, page_limit: 0, numbers: HashMap::new() })
    }

    /// The length of the log in frames, after the newest commit.
    pub(crate) fn frames(&self) -> u32 {
        self.frames.load(Ordering::Relaxed)
    }

    pub(crate) fn write(&mut self, group: &[Batch], shared: &Shared) -> Result<(), Failure> {
        self.write_uncommitted(group, shared).map_err(Failure::Before)?;
        let mut commit = self.connection.prepare_cached("COMMIT").map_err(Failure::Before)?;
        commit.raw_execute().map_err(Failure::AtCommit)?;
        Ok(())
    }

    /// Removes what is old and writes what is kept of it.
    pub(crate) fn forget(&mut self, forget: &Forget, shared: &Shared) -> Result<(), Failure> {
        self.forget_uncommitted(forget, shared).map_err(Failure::Before)?;
        let mut commit = self.connection.prepare_cached("COMMIT").map_err(Failure::Before)?;
        commit.raw_execute().map_err(Failure::AtCommit)?;
        Ok(())
    }

    /// Writes texts anew.
    pub(crate) fn rewrite(&mut self, rewrite: &Rewrite, shared: &Shared) -> Result<(), Failure> {
        self.rewrite_uncommitted(rewrite, shared).map_err(Failure::Before)?;
        let mut commit = self.connection.prepare_cached("COMMIT").map_err(Failure::Before)?;
        commit.raw_execute().map_err(Failure::AtCommit)?;
        Ok(())
    }

    fn rewrite_uncommitted(&self, rewrite: &Rewrite, shared: &Shared) -> rusqlite::Result<()> {
        self.connection.prepare_cached("BEGIN IMMEDIATE")?.raw_execute()?;
        let mut select = self.connection.prepare_cached(sql::NUMBER)?;
        let number = select.query_row([&*rewrite.partition], |row| row.get::<_, i64>(0));
        let Some(number) = number.optional()? else { return Ok(()) };
        let mut update = self.connection.prepare_cached(sql::REWRITE_ENTRY)?;
        for (seq, body) in &rewrite.entries {
            update.execute((number, sql(*seq), &**body))?;
        }
        let mut statements = Statements::new(&self.connection, &shared.tables);
        for row in &rewrite.rows {
            statements.row(number, row, shared.table_position(row.table))?;
        }
        Ok(())
    }

    fn forget_uncommitted(&self, forget: &Forget, shared: &Shared) -> rusqlite::Result<()> {
        self.connection.prepare_cached("BEGIN IMMEDIATE")?.raw_execute()?;
        let mut select = self.connection.prepare_cached(sql::NUMBER)?;
        let number = select.query_row([&*forget.partition], |row| row.get::<_, i64>(0));
        let Some(number) = number.optional()? else { return Ok(()) };
        if forget.journal_through > 0 {
            let mut delete = self.connection.prepare_cached(sql::FORGET_ENTRIES)?;
            delete.execute((number, sql(forget.journal_through)))?;
        }
        for (table, key) in &forget.rows {
            let statements = &shared.tables[shared.table_position(table)];
            self.connection.prepare_cached(&statements.delete)?.execute((number, &**key))?;
        }
        let mut statements = Statements::new(&self.connection, &shared.tables);
        for row in &forget.kept {
            statements.row(number, row, shared.table_position(row.table))?;
        }
        Ok(())
    }

    /// Whether no transaction is left open.
    pub(crate) fn roll_back(&mut self) -> bool {
        self.numbers.clear();
        self.connection.is_autocommit() || self.connection.execute_batch("ROLLBACK").is_ok()
    }

    fn write_uncommitted(&mut self, group: &[Batch], shared: &Shared) -> rusqlite::Result<()> {
        self.limit_pages(shared)?;
        self.connection.prepare_cached("BEGIN IMMEDIATE")?.raw_execute()?;
        let mut statements = Statements::new(&self.connection, &shared.tables);
        for batch in group.iter().filter(|batch| !batch.is_empty()) {
            let number = match self.numbers.get(&batch.partition) {
                Some(number) => *number,
                None => {
                    let number = number(&self.connection, batch)?;
                    self.numbers.insert(batch.partition.clone(), number);
                    number
                }
            };
            statements.journal(batch, number)?;
            for row in &batch.rows {
                statements.row(number, row, shared.table_position(row.table))?;
            }
        }
        Ok(())
    }

    fn limit_pages(&mut self, shared: &Shared) -> rusqlite::Result<()> {
        let limit = shared.page_limit.load(Ordering::Acquire);
        if limit == self.page_limit {
            return Ok(());
        }
        // No limit is the most that SQLite allows.
        let pages = if limit == 0 { u32::MAX - 1 } else { limit };
        let sql = format!("PRAGMA max_page_count={pages}");
        self.connection.query_row(&sql, [], |_| Ok(()))?;
        self.page_limit = limit;
        Ok(())
    }
}

/// The number of the batch's partition, which becomes known with its first batch.
fn number(connection: &Connection, batch: &Batch) -> rusqlite::Result<i64> {
    let mut add = connection.prepare_cached(sql::ADD_PARTITION)?;
    add.execute((&*batch.partition, batch.kind, batch.at.0))?;
    let mut select = connection.prepare_cached(sql::NUMBER)?;
    select.query_row([&*batch.partition], |row| row.get(0))
}

/// The statements of one group.
struct Statements<'c> {
    connection: &'c Connection,
    journal: Option<Prepared<'c>>,
    tables: Vec<TableStatements<'c>>,
}

/// The statements of one table, each prepared when it is first needed.
struct TableStatements<'c> {
    sql: &'c TableSql,
    upsert: Option<Prepared<'c>>,
    steady: Option<Prepared<'c>>,
    live: Option<Prepared<'c>>,
    delete: Option<Prepared<'c>>,
}

/// A statement, and the partition's number that its first parameter holds.
struct Prepared<'c> {
    statement: CachedStatement<'c>,
    partition: i64,
}

impl<'c> Statements<'c> {
    fn new(connection: &'c Connection, tables: &'c [TableSql]) -> Self {
        let none =
            |sql| TableStatements { sql, upsert: None, steady: None, live: None, delete: None };
        Self { connection, journal: None, tables: tables.iter().map(none).collect() }
    }

    fn journal(&mut self, batch: &Batch, partition: i64) -> rusqlite::Result<()> {
        if batch.changes.is_empty() {
            return Ok(());
        }
        let slot = &mut self.journal;
        let insert = Prepared::fetch(slot, self.connection, sql::ADD_ENTRY, partition)?;
        insert.raw_bind_parameter(3, batch.at.0)?;
        for (seq, change) in (batch.first..).zip(&batch.changes) {
            insert.raw_bind_parameter(2, sql(seq))?;
            insert.raw_bind_parameter(4, change.kind)?;
            insert.raw_bind_parameter(5, &*change.body)?;
            insert.raw_execute()?;
        }
        Ok(())
    }

    fn row(&mut self, partition: i64, row: &RowWrite, table: usize) -> rusqlite::Result<()> {
        let connection = self.connection;
        let TableStatements { sql, upsert, steady, live, delete } = &mut self.tables[table];
        let Some(content) = &row.content else {
            let delete = Prepared::fetch(delete, connection, &sql.delete, partition)?;
            delete.raw_bind_parameter(2, &*row.key)?;
            return delete.raw_execute().map(drop);
        };
        if let Some(live_sql) = &sql.live
            && content.values[live_sql.position] == Value::Int(1)
        {
            let live = Prepared::fetch(live, connection, &live_sql.upsert, partition)?;
            if put(live, &row.key, content)? {
                return Ok(());
            }
        }
        if let Some(steady_sql) = &sql.steady {
            let steady = Prepared::fetch(steady, connection, steady_sql, partition)?;
            if put(steady, &row.key, content)? {
                return Ok(());
            }
        }
        let upsert = Prepared::fetch(upsert, connection, &sql.upsert, partition)?;
        put(upsert, &row.key, content).map(drop)
    }
}

/// Whether a row was written.
fn put(
    upsert: &mut CachedStatement<'_>,
    key: &str,
    content: &RowContent,
) -> rusqlite::Result<bool> {
    upsert.raw_bind_parameter(2, key)?;
    let mut place = 3;
    for value in &content.values {
        upsert.raw_bind_parameter(place, Bound(value))?;
        place += 1;
    }
    upsert.raw_bind_parameter(place, &*content.body)?;
    Ok(upsert.raw_execute()? > 0)
}

impl<'c> Prepared<'c> {
    fn fetch<'s>(
        slot: &'s mut Option<Self>,
        connection: &'c Connection,
        sql: &str,
        partition: i64,
    ) -> rusqlite::Result<&'s mut CachedStatement<'c>> {
        let prepared = match slot {
            Some(prepared) => prepared,
            None => {
                let mut statement = connection.prepare_cached(sql)?;
                statement.raw_bind_parameter(1, partition)?;
                slot.insert(Self { statement, partition })
            }
        };
        if prepared.partition != partition {
            prepared.statement.raw_bind_parameter(1, partition)?;
            prepared.partition = partition;
        }
        Ok(&mut prepared.statement)
    }
}
