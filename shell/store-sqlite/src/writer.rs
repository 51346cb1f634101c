//! One transaction for one group.
//!
//! * `BEGIN IMMEDIATE`, then for each batch its partition, journal, outgoing effects and rows, then
//!   `COMMIT` with one sync.
//! * Nothing is allocated for a row; texts are bound where they lie.
//! * Statements are fetched from the connection's cache once for a group, and keep their partition
//!   while it stays the same.

use crate::{
    Bound, Shared, connect,
    sql::{self, TableSql, sql},
};
use rusqlite::{CachedStatement, Connection, hooks::Wal};
use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};
use store::{Batch, Fence, Outgoing, OutgoingId, RowContent, RowWrite, Value};

/// The writing connection.
pub(crate) struct Writer {
    pub(crate) connection: Connection,
    /// The length of the log, told by SQLite at each commit.
    frames: Arc<AtomicU32>,
    page_limit: u32,
}

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
        connection.execute_batch(
            "PRAGMA synchronous=FULL; PRAGMA cache_size=-65536;
             PRAGMA journal_size_limit=33554432;",
        )?;
        let frames = Arc::new(AtomicU32::new(0));
        let count = frames.clone();
        // The hook takes the place of SQLite's own checkpoint in the middle of a commit.
        connection.wal_hook(Some(move |_: &mut Wal, pages: i32| {
            count.store(pages.unsigned_abs(), Ordering::Relaxed);
            Ok(())
        }))?;
        Ok(Self { connection, frames, page_limit: 0 })
    }

    /// The length of the log in frames, after the newest commit.
    pub(crate) fn frames(&self) -> u32 {
        self.frames.load(Ordering::Relaxed)
    }

    pub(crate) fn write(
        &mut self,
        group: &[Batch],
        shared: &Shared,
        fence: &Fence,
    ) -> Result<(), Failure> {
        self.write_uncommitted(group, shared, fence).map_err(Failure::Before)?;
        let mut commit = self.connection.prepare_cached("COMMIT").map_err(Failure::Before)?;
        commit.raw_execute().map_err(Failure::AtCommit)?;
        Ok(())
    }

    /// Whether no transaction is left open.
    pub(crate) fn roll_back(&self) -> bool {
        self.connection.is_autocommit() || self.connection.execute_batch("ROLLBACK").is_ok()
    }

    fn write_uncommitted(
        &mut self,
        group: &[Batch],
        shared: &Shared,
        fence: &Fence,
    ) -> rusqlite::Result<()> {
        self.limit_pages(shared)?;
        self.connection.prepare_cached("BEGIN IMMEDIATE")?.raw_execute()?;
        let mut statements = Statements::new(&self.connection, &shared.tables);
        for batch in group.iter().filter(|batch| !batch.is_empty()) {
            if !fence.is_stored(&batch.partition) {
                let mut add = self.connection.prepare_cached(sql::ADD_PARTITION)?;
                add.execute((&*batch.partition, batch.kind, batch.at.0))?;
            }
            statements.journal(batch)?;
            statements.outgoing(batch)?;
            for row in &batch.rows {
                statements.row(batch, row, shared.table_position(row.table))?;
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

/// The statements of one group.
struct Statements<'c, 'b> {
    connection: &'c Connection,
    journal: Option<Prepared<'c, 'b>>,
    tables: Vec<TableStatements<'c, 'b>>,
}

/// The statements of one table, each prepared when it is first needed.
struct TableStatements<'c, 'b> {
    sql: &'c TableSql,
    upsert: Option<Prepared<'c, 'b>>,
    live: Option<Prepared<'c, 'b>>,
    delete: Option<Prepared<'c, 'b>>,
}

/// A statement, and the partition that its first parameter holds.
struct Prepared<'c, 'b> {
    statement: CachedStatement<'c>,
    partition: &'b str,
}

impl<'c, 'b> Statements<'c, 'b> {
    fn new(connection: &'c Connection, tables: &'c [TableSql]) -> Self {
        let none = |sql| TableStatements { sql, upsert: None, live: None, delete: None };
        Self { connection, journal: None, tables: tables.iter().map(none).collect() }
    }

    fn journal(&mut self, batch: &'b Batch) -> rusqlite::Result<()> {
        if batch.changes.is_empty() {
            return Ok(());
        }
        let (slot, partition) = (&mut self.journal, &*batch.partition);
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

    fn outgoing(&mut self, batch: &'b Batch) -> rusqlite::Result<()> {
        for Outgoing { id: OutgoingId { partition, seq, index }, body } in &batch.outgoing {
            let mut insert = self.connection.prepare_cached(sql::ADD_OUTGOING)?;
            insert.execute((&**partition, sql(*seq), index, body))?;
        }
        for OutgoingId { partition, seq, index } in &batch.settled {
            let mut delete = self.connection.prepare_cached(sql::SETTLE)?;
            delete.execute((&**partition, sql(*seq), index))?;
        }
        Ok(())
    }

    fn row(&mut self, batch: &'b Batch, row: &RowWrite, table: usize) -> rusqlite::Result<()> {
        let (connection, partition) = (self.connection, &*batch.partition);
        let TableStatements { sql, upsert, live, delete } = &mut self.tables[table];
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

impl<'c, 'b> Prepared<'c, 'b> {
    fn fetch<'s>(
        slot: &'s mut Option<Self>,
        connection: &'c Connection,
        sql: &str,
        partition: &'b str,
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
