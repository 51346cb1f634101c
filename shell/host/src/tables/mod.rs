//! One static table per kind of row, one file per engine, and the way back from a row to a value.
//!
//! * A column is what is listed or filtered by; everything else is in the JSON body.
//! * An index costs more than journal and JSON together, so there are few.

mod access;
mod routing;
mod sync;

pub use access::*;
pub use routing::*;
pub use sync::*;

use serde::de::DeserializeOwned;
use store::{Column, ColumnKind, Table};

/// Every table, in the order in which a store creates them.
pub static ALL: &[&Table] = &[
    &WORKSPACE,
    &ACTIVITY,
    &TASK_CHANNEL,
    &CAPACITY,
    &SCHEDULE,
    &WORKER,
    &WORKER_CHANNEL,
    &WORKER_LOAD,
    &TASK_QUEUE,
    &QUEUE_ORDERING,
    &WORKFLOW,
    &WORKFLOW_REVISION,
    &TASK,
    &RESERVATION,
    &SETTLING,
    &RE_EVALUATION,
    &TRANSFER,
    &EVENT,
    &STATISTIC,
    &STAY,
    &DELIVERY,
    &BEGINNING,
    &ACCOUNT,
    &API_KEY,
    &USER,
    &SESSION,
    &SYNC_SERVICE,
    &SYNC_SERVICE_END,
    &SYNC_OBJECT,
    &SYNC_NAME,
    &SYNC_ITEM,
    &SYNC_PERMISSION,
    &SYNC_DEADLINE,
    &SYNC_EVENT,
    &SYNC_ASIDE,
    &SYNC_GRAVE,
    &SYNC_REMOVED,
    &SYNC_PURGE,
];

/// A value that is kept as a row.
pub trait Record: DeserializeOwned + Send + 'static {
    /// Where it is kept.
    const TABLE: &'static Table;
}

/// The partition of everything the `access` engine owns.
pub const ACCESS_PARTITION: &str = "access";

const fn text(name: &'static str) -> Column {
    Column { name, kind: ColumnKind::Text, changes: true }
}

const fn int(name: &'static str) -> Column {
    Column { name, kind: ColumnKind::Int, changes: true }
}

const fn payload(name: &'static str) -> Column {
    Column { name, kind: ColumnKind::Payload, changes: true }
}

const fn fixed(column: Column) -> Column {
    Column { changes: false, ..column }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn tables_are_well_formed() {
        let names: BTreeSet<_> = ALL.iter().map(|table| table.name).collect();
        assert_eq!(names.len(), ALL.len());
        for table in ALL {
            for index in table.indexes {
                for column in *index {
                    assert!(table.position(column).is_some(), "{}.{column}", table.name);
                }
            }
            if let Some(live) = table.live {
                assert_eq!(table.kind(live), ColumnKind::Int, "{}", table.name);
            }
        }
    }
}
