//! What the file looks like, and how an older one is brought up to it.
//!
//! * A new store is made from the declared tables and has the newest version at once.
//! * Each numbered migration leads from one version to the next, in the transaction that also sets
//!   the version; a store whose version is newer is not touched.
//! * Rows lie in the order in which they came, beside an index on their key. As entries of an index
//!   (`WITHOUT ROWID`) all above 1 002 bytes, and that is most tasks, would take a page of their
//!   own each: twice the file and a sixth more processor time for each task.
//! * A declared table or index that is missing is made without a new version: a program that does
//!   not know it is not disturbed by it. Any change to an existing table needs a migration.

use crate::{
    OpenError, connect,
    sql::{self, quoted},
};
use rusqlite::{Connection, ErrorCode, Transaction, TransactionBehavior};
use std::{collections::BTreeSet, path::Path};
use store::{ColumnKind, Table};

/// One step from a version to the next.
pub(crate) struct Migration {
    /// The version it leads to.
    pub(crate) to: i64,
    /// Makes the file what it is in that version. Tables that did not exist need no mention.
    pub(crate) sql: &'static str,
}

/// Version 1 is what [`create`] makes of the tables declared then.
const MIGRATIONS: &[Migration] = &[];

/// The version of a new store.
pub(crate) const VERSION: i64 = 1 + MIGRATIONS.len() as i64;

/// Marks the file as ours ("SINW").
const APPLICATION_ID: i64 = 0x5349_4e57;

/// Makes the file a store of the newest version with at least these tables.
pub(crate) fn prepare(file: &Path, tables: &[&'static Table]) -> Result<(), OpenError> {
    check_declarations(tables);
    let mut connection = connect(file)?;
    prepare_with(&mut connection, file, tables, MIGRATIONS).map_err(|error| match error {
        OpenError::Sqlite(cause) if cause.sqlite_error_code() == Some(ErrorCode::NotADatabase) => {
            OpenError::Foreign { file: file.to_owned() }
        }
        other => other,
    })
}

pub(crate) fn prepare_with(
    connection: &mut Connection,
    file: &Path,
    tables: &[&'static Table],
    migrations: &[Migration],
) -> Result<(), OpenError> {
    let known = 1 + sql::sql(migrations.len());
    let found = pragma(connection, "user_version")?;
    let objects: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0))?;
    let is_ours = pragma(connection, "application_id")? == APPLICATION_ID;
    let is_empty = objects == 0 && found == 0;
    if !is_ours && !is_empty {
        return Err(OpenError::Foreign { file: file.to_owned() });
    }
    if found > known {
        return Err(OpenError::Newer { found, known });
    }
    // The size of a page is set before the first table, the journal's mode outside transactions.
    connection.execute_batch("PRAGMA page_size=4096; PRAGMA journal_mode=WAL;")?;
    connection.execute_batch("PRAGMA synchronous=FULL;")?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if found == 0 {
        transaction.execute_batch(sql::FIXED_TABLES)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    } else {
        for migration in migrations.iter().filter(|migration| migration.to > found) {
            tracing::info!(to = migration.to, "the store is brought to a newer version");
            transaction.execute_batch(migration.sql)?;
        }
    }
    for table in tables {
        create(&transaction, table)?;
        create_indexes(&transaction, table)?;
    }
    if found != known {
        transaction.pragma_update(None, "user_version", known)?;
    }
    Ok(transaction.commit()?)
}

/// The tables that a store does not have.
pub(crate) fn missing(
    file: &Path,
    tables: &[&'static Table],
) -> Result<Vec<&'static str>, OpenError> {
    let connection = connect(file)?;
    let mut select = connection
        .prepare("SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = ?1")?;
    let mut missing = Vec::new();
    for table in tables {
        if select.query_row([table.name], |row| row.get::<_, i64>(0))? == 0 {
            missing.push(table.name);
        }
    }
    Ok(missing)
}

/// The version of a store that is there.
pub(crate) fn version(file: &Path) -> Result<i64, OpenError> {
    let foreign = || OpenError::Foreign { file: file.to_owned() };
    let connection = connect(file)?;
    let is_ours = pragma(&connection, "application_id").map_err(|_| foreign())? == APPLICATION_ID;
    if !is_ours {
        return Err(foreign());
    }
    pragma(&connection, "user_version").map_err(OpenError::from)
}

/// A declaration that cannot become a table is a programming error.
fn check_declarations(tables: &[&'static Table]) {
    let mut names: BTreeSet<&str> = sql::FIXED_NAMES.iter().copied().collect();
    for table in tables {
        assert!(names.insert(table.name), "table {} has a name that is taken", table.name);
        let mut columns = BTreeSet::new();
        let is_new = |name| columns.insert(name);
        assert!(sql::columns(table).all(is_new), "table {} has a column twice", table.name);
        for column in table.indexes.iter().copied().flatten().chain(&table.live) {
            assert!(
                table.position(column).is_some(),
                "an index of table {} is on {column}, which is not declared",
                table.name
            );
        }
    }
}

/// Makes the table unless it is there, and compares it if it is.
fn create(transaction: &Transaction<'_>, table: &'static Table) -> Result<(), OpenError> {
    let declared = definition(table);
    let mut columns =
        transaction.prepare("SELECT name || ' ' || type FROM pragma_table_info(?1)")?;
    let found = columns.query_map([table.name], |row| row.get(0))?;
    let found = found.collect::<rusqlite::Result<Vec<String>>>()?;
    if found.is_empty() {
        let columns: Vec<String> = declared
            .iter()
            .map(|(name, kind, null)| format!("  {} {kind}{null}", quoted(name)))
            .collect();
        transaction.execute_batch(&format!(
            "CREATE TABLE {} (\n{},\n  PRIMARY KEY (partition, \"key\")\n) STRICT",
            quoted(table.name),
            columns.join(",\n"),
        ))?;
        return Ok(());
    }
    let declared: Vec<String> =
        declared.iter().map(|(name, kind, _)| format!("{name} {kind}")).collect();
    if found == declared {
        return Ok(());
    }
    let (found, declared) = (found.join(", "), declared.join(", "));
    Err(OpenError::Schema { table: table.name, found, declared })
}

/// Name, type and `NOT NULL` of each column.
fn definition(table: &Table) -> Vec<(&'static str, &'static str, &'static str)> {
    sql::columns(table)
        .map(|name| match table.position(name) {
            None if name == "partition" => (name, "INTEGER", " NOT NULL"),
            None => (name, "TEXT", " NOT NULL"),
            Some(at) => match table.columns[at].kind {
                ColumnKind::Text | ColumnKind::Payload => (name, "TEXT", ""),
                ColumnKind::Int => (name, "INTEGER", ""),
            },
        })
        .collect()
}

/// An index as declared.
struct Index {
    name: String,
    /// Columns and condition.
    on: String,
    /// What SQLite is told about it.
    statistics: String,
}

/// Makes the declared indexes and removes those that are no longer declared.
fn create_indexes(transaction: &Transaction<'_>, table: &Table) -> Result<(), OpenError> {
    let declared = indexes(table);
    let mut indexes = transaction.prepare(
        "SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name = ?1 AND sql IS NOT NULL",
    )?;
    let found = indexes.query_map([table.name], |row| row.get(0))?;
    let found = found.collect::<rusqlite::Result<BTreeSet<String>>>()?;
    for name in &found {
        if !declared.iter().any(|index| index.name == *name) {
            transaction.execute_batch(&format!("DROP INDEX {}", quoted(name)))?;
        }
    }
    for index in declared.iter().filter(|index| !found.contains(&index.name)) {
        let (name, table, on) = (quoted(&index.name), quoted(table.name), &index.on);
        transaction.execute_batch(&format!("CREATE INDEX {name} ON {table} {on}"))?;
    }
    Ok(describe(transaction, table, &declared)?)
}

fn indexes(table: &Table) -> Vec<Index> {
    let mut declared = Vec::new();
    for columns in table.indexes {
        let listed: Vec<String> = columns.iter().map(|column| quoted(column)).collect();
        let mut statistics = format!("{ROWS} {ROWS_OF_PARTITION}");
        for depth in 1..=sql::sql(columns.len()) {
            statistics += &format!(" {}", ROWS_OF_VALUE / depth);
        }
        declared.push(Index {
            name: format!("{}__{}", table.name, columns.join("__")),
            on: format!("(partition, {}, \"key\")", listed.join(", ")),
            statistics: statistics + " 1",
        });
    }
    if let Some(live) = table.live {
        declared.push(Index {
            name: format!("{}___live", table.name),
            on: format!("(partition, \"key\") WHERE {} = 1", quoted(live)),
            statistics: format!("{ROWS_LIVE} {ROWS_LIVE} 1"),
        });
    }
    declared
}

const ROWS: i64 = 1_000_000;
const ROWS_OF_PARTITION: i64 = 500_000;
const ROWS_OF_VALUE: i64 = 50_000;
const ROWS_LIVE: i64 = 5_000;

/// Tells SQLite what a large store looks like, so that it chooses the right index from the first
/// day on: without being told it takes a partition for some ten rows.
fn describe(
    transaction: &Transaction<'_>,
    table: &Table,
    indexes: &[Index],
) -> rusqlite::Result<()> {
    // So SQLite names the index of a primary key.
    let key = format!("sqlite_autoindex_{}_1", table.name);
    let key = (&*key, format!("{ROWS} {ROWS_OF_PARTITION} 1"));
    let others = indexes.iter().map(|index| (&*index.name, index.statistics.clone()));
    let declared: BTreeSet<_> = [key].into_iter().chain(others).collect();
    // Looks at no row, and makes the table of the statistics.
    transaction.execute_batch("ANALYZE sqlite_master")?;
    let mut known = transaction.prepare("SELECT idx, stat FROM sqlite_stat1 WHERE tbl = ?1")?;
    let known = known.query_map([table.name], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let known = known.collect::<rusqlite::Result<BTreeSet<(String, String)>>>()?;
    if known.iter().map(|(name, stat)| (&**name, stat)).eq(declared.iter().map(|(n, s)| (*n, s))) {
        return Ok(());
    }
    transaction.execute("DELETE FROM sqlite_stat1 WHERE tbl = ?1", [table.name])?;
    let mut insert =
        transaction.prepare("INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES (?1, ?2, ?3)")?;
    for (name, statistics) in declared {
        insert.execute((table.name, name, statistics))?;
    }
    Ok(())
}

fn pragma(connection: &Connection, name: &str) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, name, |row| row.get(0))
}
