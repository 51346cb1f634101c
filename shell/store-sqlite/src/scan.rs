//! A scan as SQL.
//!
//! * Names come from the declared table, values are bound: nothing a caller sends becomes SQL.
//! * SQLite sorts null first, integers next, texts by their bytes: the order of [`Value`].
//! * A cursor is a condition on the ordering columns, not an offset.

use crate::{
    Bound,
    reader::Reader,
    sql::{self, TableSql, quoted, sql},
};
use rusqlite::types::ValueRef;
use std::fmt::Write;
use store::{Direction, Filter, PartitionId, Row, Scan, Table, Test, Value};

/// Asks and collects.
pub(crate) fn run(
    reader: &Reader,
    scan: &Scan,
    statements: &TableSql,
) -> rusqlite::Result<Vec<Row>> {
    let question = Question::new(scan, statements);
    let mut select = reader.prepare_cached(&question.text)?;
    let mut place = 0;
    if let Some(partition) = &scan.partition {
        place += 1;
        select.raw_bind_parameter(place, &**partition)?;
    }
    for value in &question.values {
        place += 1;
        select.raw_bind_parameter(place, Bound(value))?;
    }
    select.raw_bind_parameter(place + 1, sql(scan.limit))?;
    let mut names = Names { reader, last: None };
    let mut rows = select.raw_query();
    let mut found = Vec::new();
    while let Some(read) = rows.next()? {
        let partition = match &scan.partition {
            Some(partition) => partition.clone(),
            None => names.of(read.get(0)?)?,
        };
        found.push(row(read, scan.table, partition)?);
    }
    Ok(found)
}

/// The question as SQL.
#[cfg(test)]
pub(crate) fn text(scan: &Scan, statements: &TableSql) -> String {
    Question::new(scan, statements).text
}

/// One row of a `SELECT` that begins as [`TableSql::select`] does.
pub(crate) fn row(
    row: &rusqlite::Row<'_>,
    table: &Table,
    partition: PartitionId,
) -> rusqlite::Result<Row> {
    let key = row.get_ref(1)?.as_str()?.into();
    let mut values = Vec::with_capacity(table.columns.len());
    for place in 2..table.columns.len() + 2 {
        values.push(match row.get_ref(place)? {
            ValueRef::Null => Value::Null,
            ValueRef::Integer(n) => Value::Int(n),
            other => Value::Text(other.as_str()?.into()),
        });
    }
    let body = row.get_ref(table.columns.len() + 2)?.as_str()?.to_owned();
    Ok(Row { partition, key, values, body })
}

/// The names of partitions, asked for when the number changes from one row to the next.
struct Names<'r> {
    reader: &'r Reader,
    last: Option<(i64, PartitionId)>,
}

impl Names<'_> {
    fn of(&mut self, number: i64) -> rusqlite::Result<PartitionId> {
        if let Some((last, name)) = &self.last
            && *last == number
        {
            return Ok(name.clone());
        }
        let mut select = self.reader.prepare_cached(sql::NAME)?;
        let name: PartitionId = select.query_row([number], |row| row.get(0))?;
        self.last = Some((number, name.clone()));
        Ok(name)
    }
}

/// The text of a question, and its values between the partition and the limit.
struct Question<'a> {
    scan: &'a Scan,
    text: String,
    conditions: usize,
    values: Vec<&'a Value>,
}

/// One column of a cursor.
#[derive(Clone, Copy)]
struct Term<'a> {
    column: &'static str,
    direction: Direction,
    value: &'a Value,
}

impl<'a> Question<'a> {
    fn new(scan: &'a Scan, statements: &TableSql) -> Self {
        let text = String::with_capacity(statements.select.len() + 200);
        let mut question = Self { scan, text, conditions: 0, values: Vec::new() };
        question.text.push_str(&statements.select);
        if scan.partition.is_some() {
            question.condition("partition = (SELECT number FROM partition WHERE id = ?)");
        }
        for filter in scan.filters.iter().filter(|filter| !is_implied(scan, filter)) {
            question.filter(filter);
        }
        if let Some(after) = &scan.after {
            question.after(after);
        }
        question.order();
        question.text.push_str(" LIMIT ?");
        question
    }

    fn condition(&mut self, condition: &str) {
        self.text.push_str(if self.conditions == 0 { " WHERE " } else { " AND " });
        self.text.push_str(condition);
        self.conditions += 1;
    }

    fn filter(&mut self, filter: &'a Filter) {
        let Filter { column, test } = filter;
        let is_live_scan = self.scan.filters.iter().any(|filter| is_live(self.scan, filter));
        // Ended rows outnumber live ones by far, so the partial index is the right one whatever
        // else is asked; the sign keeps SQLite from taking another for this column.
        let sign = if is_live_scan && *column != "key" { "+" } else { "" };
        let name = format!("{sign}{}", quoted(column));
        match test {
            // As a literal, so that SQLite sees that the partial index holds all such rows.
            _ if is_live(self.scan, filter) => {
                self.condition(&format!("{} = 1", quoted(column)));
            }
            Test::AtLeast(Value::Null) => self.condition(&format!("{name} IS NOT NULL")),
            Test::AtMost(Value::Null) => self.condition("0"),
            Test::NullOrAbove(Value::Null) => {}
            Test::NullOrAbove(value) => {
                self.condition(&format!("({name} IS NULL OR {name} > ?)"));
                self.values.push(value);
            }
            Test::AtLeast(value) => self.compare(&name, ">=", value),
            Test::AtMost(value) => self.compare(&name, "<=", value),
            Test::OneOf(values) => self.one_of(&name, values),
        }
    }

    fn compare(&mut self, name: &str, operator: &str, value: &'a Value) {
        self.condition(&format!("{name} {operator} ?"));
        self.values.push(value);
    }

    fn one_of(&mut self, name: &str, values: &'a [Value]) {
        let has_null = values.contains(&Value::Null);
        let mut given: Vec<&Value> = values.iter().filter(|v| **v != Value::Null).collect();
        match given[..] {
            [] if has_null => self.condition(&format!("{name} IS NULL")),
            [] => self.condition("0"),
            [value] if !has_null => self.compare(name, "=", value),
            _ => {
                // Lists of about one length share a statement: the last value is repeated.
                let last = given[given.len() - 1];
                given.resize(given.len().next_power_of_two(), last);
                let places = vec!["?"; given.len()].join(",");
                let null = if has_null { format!(" OR {name} IS NULL") } else { String::new() };
                self.condition(&format!("({name} IN ({places}){null})"));
                self.values.extend(given);
            }
        }
    }

    /// The ordering columns, the key at the end.
    fn ordering(&self) -> Vec<(&'static str, Direction)> {
        let last = ("key", self.scan.key_direction());
        self.scan.order.iter().copied().chain([last]).collect()
    }

    fn after(&mut self, after: &'a [Value]) {
        let mut terms: Vec<Term<'a>> = Vec::with_capacity(after.len());
        for ((column, direction), value) in self.ordering().into_iter().zip(after) {
            // A column that comes again decides nothing more.
            if !terms.iter().any(|t| t.column == column && t.value == value) {
                terms.push(Term { column, direction, value });
            }
        }
        if let [Term { column: "key", direction, value }] = terms[..] {
            let operator = match direction {
                Direction::Ascending => ">",
                Direction::Descending => "<",
            };
            return self.compare("\"key\"", operator, value);
        }
        let ascends = terms.iter().all(|term| term.direction == Direction::Ascending);
        if ascends && !after.contains(&Value::Null) {
            // A null column makes the comparison null, hence false: nulls come first, so it is
            // right.
            let names: Vec<String> = terms.iter().map(|term| quoted(term.column)).collect();
            let places = vec!["?"; names.len()].join(",");
            self.condition(&format!("({}) > ({places})", names.join(",")));
            self.values.extend(terms.iter().map(|term| term.value));
        } else {
            let mut condition = String::new();
            self.behind(&mut condition, &terms);
            self.condition(&condition);
        }
    }

    /// Behind in the first column, or equal there and behind in the rest.
    fn behind(&mut self, text: &mut String, terms: &[Term<'a>]) {
        let [Term { column, direction, value }, rest @ ..] = terms else {
            text.push('0');
            return;
        };
        let name = quoted(column);
        let written = match (value, direction) {
            (Value::Null, Direction::Ascending) => write!(text, "({name} IS NOT NULL"),
            (Value::Null, Direction::Descending) => write!(text, "(0"),
            (_, Direction::Ascending) => write!(text, "({name} > ?"),
            (_, Direction::Descending) => write!(text, "({name} < ? OR {name} IS NULL"),
        };
        written.expect("a String takes any text");
        if **value == Value::Null {
            write!(text, " OR ({name} IS NULL AND ").expect("a String takes any text");
        } else {
            write!(text, " OR ({name} = ? AND ").expect("a String takes any text");
            self.values.extend([*value, *value]);
        }
        self.behind(text, rest);
        text.push_str("))");
    }

    fn order(&mut self) {
        self.text.push_str(" ORDER BY ");
        let mut ordering = self.ordering();
        if self.scan.partition.is_none() {
            ordering.push(("partition", self.scan.key_direction()));
        }
        for (place, (column, direction)) in ordering.iter().enumerate() {
            // SQLite would sort by a column that comes again.
            if ordering[..place].iter().any(|(before, _)| before == column) {
                continue;
            }
            let comma = if place == 0 { "" } else { ", " };
            let way = match direction {
                Direction::Ascending => "",
                Direction::Descending => " DESC",
            };
            write!(self.text, "{comma}{}{way}", quoted(column)).expect("a String takes any text");
        }
    }
}

/// Whether all rows behind the cursor pass the filter, as far as the key tells. SQLite begins at
/// the first bound it is given, and would walk everything from there to the cursor for each page.
fn is_implied(scan: &Scan, filter: &Filter) -> bool {
    let Some(cursor) = scan.after.as_ref().and_then(|after| after.first()) else { return false };
    let (first, direction) = scan.order.first().copied().unwrap_or(("key", Direction::Ascending));
    if filter.column != "key" || first != "key" {
        return false;
    }
    match (direction, &filter.test) {
        (Direction::Ascending, Test::AtLeast(from)) => from <= cursor,
        (Direction::Descending, Test::AtMost(to)) => cursor <= to,
        (_, Test::AtLeast(_) | Test::AtMost(_) | Test::OneOf(_) | Test::NullOrAbove(_)) => false,
    }
}

/// Whether the filter lets pass just the rows of the table's partial index.
fn is_live(scan: &Scan, filter: &Filter) -> bool {
    let is_one = |test: &Test| matches!(test, Test::OneOf(v) if matches!(v[..], [Value::Int(1)]));
    scan.table.live == Some(filter.column) && is_one(&filter.test)
}
