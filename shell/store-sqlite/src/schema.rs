//! What the file looks like, and how an older one is brought up to it.
//!
//! * A new store is made from the declared tables and has the newest version at once.
//! * Each numbered migration leads from one version to the next, in the transaction that also sets the
//!   version; a store whose version is newer is not touched.
//! * A declared table or index that is missing is made without a new version: a program that does not
//!   know it is not disturbed by it. Any change to an existing table needs a migration.

use crate::{
    OpenError, connect,
    sql::{self, quoted},
};
use rusqlite::{Connection, Transaction, TransactionBehavior};
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
    prepare_with(&mut connection, file, tables, MIGRATIONS)
}

fn prepare_with(
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
            "CREATE TABLE {} (\n{},\n  PRIMARY KEY (partition, \"key\")\n) STRICT, WITHOUT ROWID",
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
            None => (name, "TEXT", " NOT NULL"),
            Some(at) => match table.columns[at].kind {
                ColumnKind::Text => (name, "TEXT", ""),
                ColumnKind::Int => (name, "INTEGER", ""),
            },
        })
        .collect()
}

/// Makes the declared indexes and removes those that are no longer declared.
fn create_indexes(transaction: &Transaction<'_>, table: &Table) -> Result<(), OpenError> {
    let mut declared: Vec<(String, String)> = Vec::new();
    for columns in table.indexes {
        let name = format!("{}__{}", table.name, columns.join("__"));
        let listed: Vec<String> = columns.iter().map(|column| quoted(column)).collect();
        declared.push((name, format!("(partition, {}, \"key\")", listed.join(", "))));
    }
    if let Some(live) = table.live {
        let on = format!("(partition, \"key\") WHERE {} = 1", quoted(live));
        declared.push((format!("{}___live", table.name), on));
    }
    let mut indexes = transaction.prepare(
        "SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name = ?1 AND sql IS NOT NULL",
    )?;
    let found = indexes.query_map([table.name], |row| row.get(0))?;
    let found = found.collect::<rusqlite::Result<BTreeSet<String>>>()?;
    for name in &found {
        if !declared.iter().any(|(wanted, _)| wanted == name) {
            transaction.execute_batch(&format!("DROP INDEX {}", quoted(name)))?;
        }
    }
    for (name, on) in declared.iter().filter(|(name, _)| !found.contains(name)) {
        let (name, table) = (quoted(name), quoted(table.name));
        transaction.execute_batch(&format!("CREATE INDEX {name} ON {table} {on}"))?;
    }
    Ok(())
}

fn pragma(connection: &Connection, name: &str) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, name, |row| row.get(0))
}
