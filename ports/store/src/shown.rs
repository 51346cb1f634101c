//! How the port's values print: what customers may have written is told by its size.
//!
//! * A row in a log line or in the message of a panic says which it is and nothing that it holds.

use crate::{Entry, Rewrite, Row, RowContent, Seq, StoredChange, Value};
use std::fmt;

/// So many bytes of text.
struct Size(usize);

impl fmt::Debug for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0)
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("Null"),
            Self::Int(n) => f.debug_tuple("Int").field(n).finish(),
            Self::Text(text) => f.debug_tuple("Text").field(&Size(text.len())).finish(),
        }
    }
}

impl fmt::Debug for StoredChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, body } = self;
        let mut shown = f.debug_struct("StoredChange");
        shown.field("kind", kind).field("body", &Size(body.len())).finish()
    }
}

impl fmt::Debug for RowContent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { values, body } = self;
        let mut shown = f.debug_struct("RowContent");
        shown.field("values", values).field("body", &Size(body.len())).finish()
    }
}

impl fmt::Debug for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { partition, key, values, body } = self;
        let mut shown = f.debug_struct("Row");
        shown.field("partition", partition).field("key", key);
        shown.field("values", values).field("body", &Size(body.len())).finish()
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seq, at, kind, body } = self;
        let mut shown = f.debug_struct("Entry");
        shown.field("seq", seq).field("at", at).field("kind", kind);
        shown.field("body", &Size(body.len())).finish()
    }
}

impl fmt::Debug for Rewrite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { partition, rows, entries } = self;
        let entries: Vec<(Seq, Size)> =
            entries.iter().map(|(seq, body)| (*seq, Size(body.len()))).collect();
        let mut shown = f.debug_struct("Rewrite");
        shown.field("partition", partition).field("rows", rows);
        shown.field("entries", &entries).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Batch, Column, ColumnKind, Filter, Forget, RowWrite, Scan, Table, Test};
    use base::Timestamp;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    const PLANTED: &str = "planted";

    static LETTER: Table = Table {
        name: "letter",
        columns: &[
            Column { name: "sent_at", kind: ColumnKind::Int, changes: true },
            Column { name: "data", kind: ColumnKind::Payload, changes: true },
        ],
        indexes: &[],
        live: None,
    };

    fn write(sent_at: Value) -> RowWrite {
        let content = RowContent { values: vec![sent_at, PLANTED.into()], body: PLANTED.into() };
        RowWrite { table: &LETTER, key: "k".into(), content: Some(content) }
    }

    #[test]
    fn nothing_prints_what_it_holds() {
        let at = Timestamp(7);
        let values = vec![7.into(), PLANTED.into()];
        let body = || PLANTED.to_owned();
        let batch = Batch {
            partition: "P".into(),
            kind: "test",
            epoch: 1,
            first: 1,
            at,
            changes: vec![StoredChange { kind: "Changed", body: body() }],
            rows: vec![write(7.into())],
        };
        let row = Row { partition: "P".into(), key: "k".into(), values, body: body() };
        let entry = Entry { seq: 1, at, kind: "Changed".into(), body: body() };
        let rows = vec![write(7.into())];
        let rewrite = Rewrite { partition: "P".into(), rows, entries: vec![(1, body())] };
        let kept = vec![write(7.into())];
        let forget = Forget { partition: "P".into(), rows: vec![], journal_through: 0, kept };
        let test = Test::OneOf(vec![PLANTED.into()]);
        let filters = vec![Filter { column: "key", test }];
        let scan = Scan { filters, after: Some(vec![PLANTED.into()]), ..Scan::all(&LETTER) };
        let shown = format!("{batch:?} {row:?} {entry:?} {rewrite:?} {forget:?} {scan:?}");
        assert!(shown.contains("Text(7 bytes)") && shown.contains("body: 7 bytes"), "{shown}");
        assert!(!shown.contains(PLANTED), "{shown}");
    }

    #[test]
    fn a_panic_over_a_row_that_does_not_fit_says_nothing_of_it() {
        let refused = catch_unwind(AssertUnwindSafe(|| write(PLANTED.into()).check()));
        let message = refused.unwrap_err().downcast::<String>().unwrap();
        assert!(message.contains("column sent_at of table letter holds Int"), "{message}");
        assert!(!message.contains(PLANTED), "{message}");
    }
}
