//! Tables, batches and random values for the checks.

use crate::{
    Batch, Column, ColumnKind, PartitionId, Row, RowContent, RowWrite, Seq, Store, StoredChange,
    Table, Value,
};
use base::Timestamp;
use std::sync::Arc;

/// The tables a store under test is opened with.
pub static TABLES: &[&Table] = &[&JOB, &NOTE, &LETTER];

/// A table with all that a table can have.
pub(super) static JOB: Table = Table {
    name: "job",
    columns: &[
        Column { name: "queue", kind: ColumnKind::Text, changes: false },
        Column { name: "created_at", kind: ColumnKind::Int, changes: false },
        Column { name: "status", kind: ColumnKind::Text, changes: true },
        Column { name: "priority", kind: ColumnKind::Int, changes: true },
        Column { name: "open", kind: ColumnKind::Int, changes: true },
    ],
    indexes: &[&["queue"], &["created_at"]],
    live: Some("open"),
};

/// A table with the least a table can have.
pub(super) static NOTE: Table = Table { name: "note", columns: &[], indexes: &[], live: None };

/// A table with what customers wrote.
pub(super) static LETTER: Table = Table {
    name: "letter",
    columns: &[
        Column { name: "sent_at", kind: ColumnKind::Int, changes: true },
        Column { name: "data", kind: ColumnKind::Payload, changes: true },
    ],
    indexes: &[&["sent_at"]],
    live: None,
};

pub(super) const ALPHA: &str = "WSalpha";
pub(super) const BETA: &str = "WSbeta";

/// A batch with nothing in it.
pub(super) fn batch(partition: &str, epoch: u64, first: Seq) -> Batch {
    Batch {
        partition: partition.into(),
        kind: "routing",
        epoch,
        first,
        at: Timestamp(1000 + i64::try_from(first).expect("small in tests")),
        changes: Vec::new(),
        rows: Vec::new(),
    }
}

impl Batch {
    /// With that many changes, named after their numbers.
    pub(super) fn changes(mut self, count: u64) -> Self {
        for seq in self.first..self.first + count {
            self.changes.push(StoredChange { kind: "Changed", body: change_body(seq) });
        }
        self
    }

    pub(super) fn row(mut self, row: RowWrite) -> Self {
        self.rows.push(row);
        self
    }
}

pub(super) fn change_body(seq: Seq) -> String {
    format!("{{\"change\":{seq}}}")
}

/// A row of [`NOTE`].
pub(super) fn note(key: &str, body: &str) -> RowWrite {
    let content = RowContent { values: Vec::new(), body: body.to_owned() };
    RowWrite { table: &NOTE, key: key.into(), content: Some(content) }
}

/// A row of [`LETTER`].
pub(super) fn letter(key: &str, sent_at: i64, data: Value, body: &str) -> RowWrite {
    let content = RowContent { values: vec![sent_at.into(), data], body: body.to_owned() };
    RowWrite { table: &LETTER, key: key.into(), content: Some(content) }
}

/// A row of [`JOB`].
pub(super) fn job(key: &str, values: [Value; 5], body: &str) -> RowWrite {
    let content = RowContent { values: values.to_vec(), body: body.to_owned() };
    RowWrite { table: &JOB, key: key.into(), content: Some(content) }
}

/// Removes a row.
pub(super) fn removed(table: &'static Table, key: &str) -> RowWrite {
    RowWrite { table, key: key.into(), content: None }
}

/// The body of a note, if it is there.
pub(super) fn read_note(store: &dyn Store, partition: &str, key: &str) -> Option<String> {
    let row = store.row(&NOTE, partition, key).expect("a row can be read");
    row.map(|Row { body, .. }| body)
}

/// The newest change of a partition, 0 when the store does not know it.
pub(super) fn last(store: &dyn Store, partition: &str) -> Seq {
    let partitions = store.partitions().expect("partitions can be read");
    partitions.iter().find(|p| &*p.id == partition).map_or(0, |p| p.last)
}

/// Numbers that look random and are the same in each run (an additive counter with a mixing step).
pub(super) struct Numbers(pub(super) u64);

impl Numbers {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound).expect("fits");
        usize::try_from(self.next() % bound).expect("below a usize")
    }

    /// One of these.
    pub(super) fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    /// A text of a small set, or now and then null.
    pub(super) fn text(&mut self) -> Value {
        const TEXTS: &[&str] = &["", "a", "A", "ab", "b", "é", "z", "\u{ff61}", "\u{10348}", "10"];
        if self.below(6) == 0 { Value::Null } else { Value::from(*self.pick(TEXTS)) }
    }

    /// A number of a small set, or now and then null.
    pub(super) fn int(&mut self) -> Value {
        const INTS: &[i64] = &[i64::MIN, -7, -1, 0, 1, 2, 10, 1 << 53, i64::MAX];
        if self.below(6) == 0 { Value::Null } else { Value::Int(*self.pick(INTS)) }
    }

    /// 0, 1 or null.
    pub(super) fn flag(&mut self) -> Value {
        self.pick(&[Value::Int(0), Value::Int(1), Value::Int(1), Value::Null]).clone()
    }

    /// A partition's name.
    pub(super) fn partition(&mut self) -> PartitionId {
        Arc::from(*self.pick(&[ALPHA, BETA]))
    }
}
