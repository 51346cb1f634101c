//! Conveniences on the port's values, and the checks every store makes on what it is handed.
//!
//! * A row or scan that does not fit its table is a programming error: the checks panic.

use crate::{
    Batch, ColumnKind, Direction, PartitionId, Row, RowWrite, Scan, Seq, Table, Test, Value,
};
use base::Timestamp;
use std::{cmp::Ordering, sync::Arc};

impl From<i64> for Value {
    fn from(n: i64) -> Self {
        Self::Int(n)
    }
}

impl From<bool> for Value {
    fn from(b: bool) -> Self {
        Self::Int(i64::from(b))
    }
}

impl From<Timestamp> for Value {
    fn from(t: Timestamp) -> Self {
        Self::Int(t.0)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<Arc<str>> for Value {
    fn from(text: Arc<str>) -> Self {
        Self::Text(text)
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl Value {
    /// Whether a column of this kind may hold the value.
    pub fn fits(&self, kind: ColumnKind) -> bool {
        match self {
            Self::Null => true,
            Self::Int(_) => kind == ColumnKind::Int,
            Self::Text(_) => matches!(kind, ColumnKind::Text | ColumnKind::Payload),
        }
    }
}

impl Table {
    /// Where the column stands in [`Table::columns`].
    pub fn position(&self, column: &str) -> Option<usize> {
        self.columns.iter().position(|c| c.name == column)
    }

    /// The kind of a declared column or of `key`; panics on any other name.
    pub fn kind(&self, column: &str) -> ColumnKind {
        match self.position(column) {
            Some(at) => self.columns[at].kind,
            None if column == "key" => ColumnKind::Text,
            None => panic!("table {} declares no column {column}", self.name),
        }
    }
}

impl Batch {
    /// The number that follows the batch's last change.
    pub fn next(&self) -> Seq {
        self.first + self.changes.len() as Seq
    }

    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.rows.is_empty()
    }

    /// Panics unless each row fits its table.
    pub fn check(&self) {
        for row in &self.rows {
            row.check();
        }
    }
}

impl RowWrite {
    /// Panics unless the values are those of the table's columns.
    pub fn check(&self) {
        let Some(content) = &self.content else { return };
        let table = self.table;
        let (given, declared) = (content.values.len(), table.columns.len());
        assert_eq!(given, declared, "values of a row of table {}", table.name);
        for (column, value) in table.columns.iter().zip(&content.values) {
            assert!(
                value.fits(column.kind),
                "column {} of table {} holds {:?}, not {value:?}",
                column.name,
                table.name,
                column.kind,
            );
        }
    }
}

impl Scan {
    /// Every row of a table, by key.
    pub fn all(table: &'static Table) -> Self {
        let (filters, order) = (Vec::new(), Vec::new());
        Self { table, partition: None, filters, order, after: None, limit: usize::MAX }
    }

    /// Every row of a table in one partition, by key.
    pub fn of(table: &'static Table, partition: PartitionId) -> Self {
        Self { partition: Some(partition), ..Self::all(table) }
    }

    /// Which way the key runs at the end of the order.
    pub fn key_direction(&self) -> Direction {
        self.order.last().map_or(Direction::Ascending, |(_, direction)| *direction)
    }

    /// What [`Scan::after`] must hold to go on behind this row.
    pub fn cursor(&self, row: &Row) -> Vec<Value> {
        let key = || Value::from(&*row.key);
        let mut cursor: Vec<Value> = Vec::with_capacity(self.order.len() + 1);
        for (column, _) in &self.order {
            cursor.push(match self.table.position(column) {
                Some(at) => row.values[at].clone(),
                None => key(),
            });
        }
        cursor.push(key());
        cursor
    }

    /// How the order puts two cursors.
    pub fn compare(&self, one: &[Value], other: &[Value]) -> Ordering {
        let columns = self.order.iter().map(|(_, direction)| *direction);
        let directions = columns.chain([self.key_direction()]);
        let pairs = one.iter().zip(other).zip(directions);
        let mut orders = pairs.map(|((one, other), direction)| match direction {
            Direction::Ascending => one.cmp(other),
            Direction::Descending => other.cmp(one),
        });
        orders.find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
    }

    /// Panics when a column is not declared or a value cannot be of its column.
    pub fn check(&self) {
        for filter in &self.filters {
            let kind = self.asked_kind(filter.column);
            let values = match &filter.test {
                Test::OneOf(values) => values.as_slice(),
                Test::AtLeast(value) | Test::AtMost(value) | Test::NullOrAbove(value) => {
                    std::slice::from_ref(value)
                }
            };
            for value in values {
                self.expect_fit(filter.column, kind, value);
            }
        }
        let ordering = self.order.iter().map(|(column, _)| *column).chain(["key"]);
        let kinds: Vec<_> = ordering.map(|column| (column, self.asked_kind(column))).collect();
        let Some(after) = &self.after else { return };
        assert_eq!(after.len(), kinds.len(), "values in a cursor of table {}", self.table.name);
        for ((column, kind), value) in kinds.into_iter().zip(after) {
            self.expect_fit(column, kind, value);
            assert!(column != "key" || *value != Value::Null, "a cursor names a key");
        }
    }

    fn asked_kind(&self, column: &str) -> ColumnKind {
        let (kind, table) = (self.table.kind(column), self.table.name);
        assert!(kind != ColumnKind::Payload, "column {column} of table {table} cannot be asked by");
        kind
    }

    fn expect_fit(&self, column: &str, kind: ColumnKind, value: &Value) {
        let table = self.table.name;
        assert!(value.fits(kind), "column {column} of table {table} is never {value:?}");
    }
}
