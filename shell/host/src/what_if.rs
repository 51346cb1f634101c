//! A copy of a workspace for asking what would be otherwise, made from rows, away from the
//! partition.
//!
//! * With few live tasks the copy is whole. With many only the task in question waits in it, and
//!   what others hold of their workers' capacity: then it is decided alone.

use crate::{
    adapters::{RoutingEngine, kind_of},
    engine::Engine,
    past::{self, Flow, PastError},
    tables,
};
use base::{Attributes, Timestamp};
use routing::{
    Change, Command, StoredRow, Task, TaskSid,
    explain::{Basis, Look, WhatIf, what_if},
};
use std::collections::BTreeSet;
use store::{Filter, PartitionId, Row, Scan, Seq, Store, StoreError, Table, Test, Value};

/// Live tasks up to which all of them are in the copy.
const COMPETING_MAX: usize = 5_000;
/// Rows read at once.
const ROWS_AT_ONCE: usize = 1_000;
/// How often rows are read again because something changed meanwhile.
const TRIES: usize = 3;

/// What would be otherwise, and what the copy held.
#[derive(Debug)]
pub struct Supposed {
    /// The decision, before and after.
    pub what_if: WhatIf,
    /// Whether the task was decided alone.
    pub alone: bool,
}

/// What would be otherwise now.
pub(crate) fn now(
    store: &dyn Store,
    partition: &PartitionId,
    (look, command): (&Look, &Command),
    now: Timestamp,
) -> Result<Supposed, PastError> {
    let mut read = Copied::read(store, partition, look.task)?;
    for _ in 1..TRIES {
        if newest(store, partition)? == read.newest {
            break;
        }
        read = Copied::read(store, partition, look.task)?;
    }
    let mut what_if = what_if(&read.rows, look, command, now)?;
    what_if.before.stamp(read.newest);
    what_if.after.stamp(read.newest);
    Ok(Supposed { what_if, alone: read.alone })
}

/// What would have been otherwise when a task was last decided about.
pub(crate) fn then(
    store: &dyn Store,
    partition: &PartitionId,
    (look, command): (&Look, &Command),
) -> Result<Supposed, PastError> {
    let (after, past) = past::begin(store, partition, *look)?;
    let found = decided(store, (partition, after), look.task)?;
    // A task that was offered before has no end that was its first decision.
    let found = found.filter(|(_, _, basis)| *basis != Basis::End || !past.was_decided());
    let (seq, at, basis) = found.ok_or_else(|| past::nothing_found(after))?;
    let past = std::cell::RefCell::new(past);
    past::follow(
        store,
        (partition, after),
        |kind, body| past.borrow().wants(kind, body),
        |change, reached, time| {
            if reached >= seq {
                return Flow::Enough;
            }
            past.borrow_mut().follow(change, reached, time);
            Flow::More
        },
    )?;
    let mut what_if = what_if(&past.borrow().rows(), look, command, at)?;
    for sight in [&mut what_if.before, &mut what_if.after] {
        sight.stamp(seq - 1);
        sight.based_on(basis);
    }
    Ok(Supposed { what_if, alone: true })
}

/// The change that was the last decision on a task, and its time.
fn decided(
    store: &dyn Store,
    (partition, after): (&str, Seq),
    task: TaskSid,
) -> Result<Option<(Seq, Timestamp, Basis)>, PastError> {
    let (name, mut found) = (task.to_string(), None);
    let wants = |kind: &str, body: &str| {
        let decides = matches!(kind, "task_offered" | "task_canceled" | "task_completed");
        decides && body.contains(&name)
    };
    past::follow(store, (partition, after), wants, |change, seq, at| match change {
        Change::TaskOffered { task: of, .. } if *of == task => {
            found = Some((seq, at, Basis::LastOffer));
            Flow::More
        }
        Change::TaskCanceled { task: of, .. } | Change::TaskCompleted { task: of, .. }
            if *of == task =>
        {
            found = found.or(Some((seq, at, Basis::End)));
            Flow::Enough
        }
        _ => Flow::More,
    })?;
    Ok(found)
}

/// The rows of a copy.
struct Copied {
    rows: Vec<StoredRow>,
    newest: Seq,
    alone: bool,
}

impl Copied {
    fn read(store: &dyn Store, partition: &PartitionId, task: TaskSid) -> Result<Self, PastError> {
        let newest = newest(store, partition)?;
        let mut rows = Vec::new();
        for table in RoutingEngine::TABLES.iter().copied() {
            if !std::ptr::eq(table, &tables::TASK) && !std::ptr::eq(table, &tables::RESERVATION) {
                read_into(store, live(table, partition), usize::MAX, &mut rows)?;
            }
        }
        let reservations = live(&tables::RESERVATION, partition);
        let mut open = Vec::new();
        read_into(store, reservations, usize::MAX, &mut open)?;
        let mut tasks = Vec::new();
        let all = live(&tables::TASK, partition);
        let alone = !read_into(store, all, COMPETING_MAX, &mut tasks)?;
        if alone {
            tasks = held(store, partition, &open)?;
        }
        let own = tasks.iter().position(|row| is_task(row, task));
        own.map(|at| tasks.remove(at));
        let row = store.row(&tables::TASK, partition, &task.to_string())?;
        tasks.extend(row.map(|row| parsed(&tables::TASK, &row)).transpose()?);
        // Offers that came to nothing decide who comes first.
        let column = "task";
        let test = Test::OneOf(vec![task.to_string().as_str().into()]);
        let own = Scan {
            filters: vec![Filter { column, test }],
            limit: ROWS_AT_ONCE,
            ..Scan::of(&tables::RESERVATION, partition.clone())
        };
        let known: BTreeSet<String> = open.iter().map(key).collect();
        let mut over = Vec::new();
        read_into(store, own, usize::MAX, &mut over)?;
        over.retain(|row| !known.contains(&key(row)));
        rows.extend(tasks.into_iter().chain(open).chain(over));
        Ok(Self { rows, newest, alone })
    }
}

/// The tasks that workers hold: enough of them to know what they take of whose capacity.
fn held(
    store: &dyn Store,
    partition: &str,
    open: &[StoredRow],
) -> Result<Vec<StoredRow>, PastError> {
    let tasks: BTreeSet<TaskSid> = open
        .iter()
        .filter_map(|row| match row {
            StoredRow::Reservation(one) => Some(one.task),
            _ => None,
        })
        .collect();
    let mut held = Vec::new();
    for task in tasks {
        let Some(row) = store.row(&tables::TASK, partition, &task.to_string())? else { continue };
        let StoredRow::Task(task) = parsed(&tables::TASK, &row)? else { continue };
        held.push(StoredRow::Task(Task {
            attributes: Attributes::default(),
            queue: None,
            workflow: None,
            walk: None,
            routing_target: None,
            ..task
        }));
    }
    Ok(held)
}

fn live(table: &'static Table, partition: &PartitionId) -> Scan {
    let mut scan = Scan { limit: ROWS_AT_ONCE, ..Scan::of(table, partition.clone()) };
    if let Some(column) = table.live {
        scan.filters.push(Filter { column, test: Test::OneOf(vec![Value::Int(1)]) });
    }
    scan
}

/// Reads the rows of a scan; says whether these were all, or more than `most`.
fn read_into(
    store: &dyn Store,
    mut scan: Scan,
    most: usize,
    rows: &mut Vec<StoredRow>,
) -> Result<bool, PastError> {
    loop {
        let read = store.scan(&scan)?;
        for row in &read {
            rows.push(parsed(scan.table, row)?);
        }
        if rows.len() > most {
            return Ok(false);
        }
        if read.len() < scan.limit {
            return Ok(true);
        }
        scan.after = read.last().map(|row| scan.cursor(row));
    }
}

fn parsed(table: &'static Table, row: &Row) -> Result<StoredRow, PastError> {
    StoredRow::parse(kind_of(table), &row.body).map_err(|error| {
        PastError::Store(StoreError(format!("a row of table {}: {error}", table.name)))
    })
}

fn is_task(row: &StoredRow, task: TaskSid) -> bool {
    matches!(row, StoredRow::Task(one) if one.sid == task)
}

fn key(row: &StoredRow) -> String {
    match row {
        StoredRow::Reservation(one) => one.sid.to_string(),
        _ => String::new(),
    }
}

fn newest(store: &dyn Store, partition: &str) -> Result<Seq, StoreError> {
    Ok(past::last_of(store, partition)?.unwrap_or(0))
}
