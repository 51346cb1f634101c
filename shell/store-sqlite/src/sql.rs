//! The statements: fixed ones as constants, those of a table made once when the store is opened.

use store::{Column, Seq, Table};

/// The tables that every store has. Elsewhere a partition is known by its number: its name in each
/// row and index entry would cost a sixth of all writing. `since` holds the time of a partition's
/// first batch; its newest change is the last in the journal, which a clean-up must therefore
/// leave.
pub(crate) const FIXED_TABLES: &str = "
CREATE TABLE partition (
  number INTEGER NOT NULL PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL,
  since INTEGER NOT NULL
) STRICT;
CREATE TABLE journal (
  partition INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  at INTEGER NOT NULL,
  kind TEXT NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (partition, seq)
) STRICT, WITHOUT ROWID;
";

pub(crate) const FIXED_NAMES: &[&str] = &["partition", "journal"];

pub(crate) const ADD_PARTITION: &str =
    "INSERT INTO partition (id, kind, since) VALUES (?1, ?2, ?3) ON CONFLICT (id) DO NOTHING";
pub(crate) const NUMBER: &str = "SELECT number FROM partition WHERE id = ?1";
pub(crate) const NAME: &str = "SELECT id FROM partition WHERE number = ?1";
pub(crate) const ADD_ENTRY: &str =
    "INSERT INTO journal (partition, seq, at, kind, body) VALUES (?1, ?2, ?3, ?4, ?5)";
pub(crate) const REWRITE_ENTRY: &str =
    "UPDATE journal SET body = ?3 WHERE partition = ?1 AND seq = ?2";
/// All but the newest entry, which tells the partition's last number.
pub(crate) const FORGET_ENTRIES: &str = "DELETE FROM journal
 WHERE partition = ?1 AND seq <= ?2 AND seq < (SELECT max(seq) FROM journal WHERE partition = ?1)";

pub(crate) const JOURNAL: &str = "SELECT seq, at, kind, body FROM journal
 WHERE partition = (SELECT number FROM partition WHERE id = ?1) AND seq > ?2 ORDER BY seq LIMIT ?3";
pub(crate) const PARTITIONS: &str = "SELECT p.id, p.kind, j.seq, coalesce(j.at, p.since)
 FROM partition p LEFT JOIN journal j ON j.partition = p.number
  AND j.seq = (SELECT max(seq) FROM journal WHERE partition = p.number)
 ORDER BY p.id";

/// The statements of one table.
#[derive(Debug)]
pub(crate) struct TableSql {
    pub(crate) table: &'static Table,
    /// Parameters: the partition's number, key, the columns, body.
    pub(crate) upsert: String,
    /// The same where indexed columns keep their values: they are left alone, and with them their
    /// indexes, because SQLite rewrites the index entry of every column that a statement sets,
    /// changed or not. It does nothing when one has changed; then `upsert` must follow. For a table
    /// in which an indexed column can change.
    pub(crate) steady: Option<String>,
    /// For a table with a live column; see [`LiveUpsert`].
    pub(crate) live: Option<LiveUpsert>,
    /// Parameters: the partition's number, key.
    pub(crate) delete: String,
    /// Parameters: the partition's name, key.
    pub(crate) row: String,
    /// `SELECT` with everything a row has, up to and with the table's name.
    pub(crate) select: String,
}

/// A steady update that leaves the live column alone too, and with it the partial index. It does
/// nothing when the row is there and not live; then another statement must follow.
#[derive(Debug)]
pub(crate) struct LiveUpsert {
    /// Where the live column stands among the columns.
    pub(crate) position: usize,
    /// The same parameters as the general statement.
    pub(crate) upsert: String,
}

impl TableSql {
    pub(crate) fn new(table: &'static Table) -> Self {
        let name = quoted(table.name);
        let columns: Vec<String> = columns(table).map(quoted).collect();
        let columns = columns.join(", ");
        let count = table.columns.len() + 3;
        let places: Vec<String> = (1..=count).map(|n| format!("?{n}")).collect();
        let insert = format!("INSERT INTO {name} ({columns}) VALUES ({})", places.join(", "));
        let indexed = indexed(table);
        let kept: Vec<String> =
            indexed.iter().map(|name| format!("{0} IS excluded.{0}", quoted(name))).collect();
        let live = table.live.map(|live| {
            let but: Vec<&str> = indexed.iter().copied().chain([live]).collect();
            let is_live = [format!("{} = 1", quoted(live))];
            let holds: Vec<&str> = is_live.iter().chain(&kept).map(String::as_str).collect();
            LiveUpsert {
                position: table.position(live).expect("the live column is declared"),
                upsert: format!(
                    "{insert} {} WHERE {}",
                    on_conflict(table, &but),
                    holds.join(" AND ")
                ),
            }
        });
        let steady = (!indexed.is_empty()).then(|| {
            format!("{insert} {} WHERE {}", on_conflict(table, &indexed), kept.join(" AND "))
        });
        let select = format!("SELECT {columns} FROM {name}");
        Self {
            table,
            upsert: format!("{insert} {}", on_conflict(table, &[])),
            steady,
            live,
            delete: format!("DELETE FROM {name} WHERE partition = ?1 AND \"key\" = ?2"),
            row: format!("{select} WHERE partition = ({NUMBER}) AND \"key\" = ?2"),
            select,
        }
    }
}

/// Columns that can change and are in an index of their table.
fn indexed(table: &Table) -> Vec<&'static str> {
    let changing = table.columns.iter().filter(|column| column.changes).map(|column| column.name);
    changing.filter(|name| table.indexes.iter().any(|index| index.contains(name))).collect()
}

/// Sets only what can change, so that no other index is touched.
fn on_conflict(table: &Table, but: &[&str]) -> String {
    let changing = table.columns.iter().filter(|c| c.changes && !but.contains(&c.name));
    let names = changing.map(|c| quoted(c.name)).chain([quoted("body")]);
    let sets: Vec<String> = names.map(|name| format!("{name} = excluded.{name}")).collect();
    format!("ON CONFLICT (partition, \"key\") DO UPDATE SET {}", sets.join(", "))
}

/// The names of all columns of a table as they stand in the file.
pub(crate) fn columns(table: &Table) -> impl Iterator<Item = &'static str> + '_ {
    let declared = table.columns.iter().map(|Column { name, .. }| *name);
    ["partition", "key"].into_iter().chain(declared).chain(["body"])
}

/// A name as SQL writes it.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A number for SQL, which has no unsigned ones: what is too large is the largest there.
pub(crate) fn sql(n: impl TryInto<i64>) -> i64 {
    n.try_into().unwrap_or(i64::MAX)
}

/// A change's number out of SQL.
pub(crate) fn seq(n: i64) -> Seq {
    Seq::try_from(n).expect("numbers of changes begin at 1")
}
