//! Once over everything that is stored, to write anew what is not under the newest key.
//!
//! * A portion is a page of one table or journal, within one transaction. It runs on the
//!   committer's thread, so between its reading and its writing nobody else writes.
//! * What is written meanwhile is under the newest key already: the pass need not come back.
//! * It remembers nothing over a restart: the next one begins again and finds less to do.

use crate::{
    Shared,
    cipher::{Broken, Sealer, key_of},
    is_nothing,
};
use store::{
    ColumnKind, CommitError, Committer, Entry, PartitionId, Rewrite, Row, RowContent, RowWrite,
    Scan, Seq, Store, StoreError, Table, Value,
};

/// Rows or entries that are read at once.
const PAGE: usize = 128;
/// Bytes of text from which on a portion is large enough.
const BYTES: usize = 256 * 1024;
/// Pages that a portion looks at where there is nothing to write.
const PAGES_MAX: usize = 16;

/// Where the pass is.
#[derive(Debug)]
pub(crate) struct Pass {
    partitions: Vec<PartitionId>,
    partition: usize,
    /// Beyond the tables comes the journal.
    table: usize,
    /// The last key seen in the table.
    key: Option<Box<str>>,
    /// The last entry seen in the journal.
    seq: Seq,
    written: u64,
    unreadable: u64,
}

/// What a portion came to.
pub(crate) enum Portion {
    /// There is more.
    Some,
    /// Everything is under the newest key.
    Last,
    /// There is no more, and something could not be deciphered.
    Unreadable,
}

impl Pass {
    pub(crate) fn begin(store: &dyn Store) -> Result<Self, CommitError> {
        let partitions = store.partitions().map_err(unread)?;
        Ok(Self {
            partitions: partitions.into_iter().map(|partition| partition.id).collect(),
            partition: 0,
            table: 0,
            key: None,
            seq: 0,
            written: 0,
            unreadable: 0,
        })
    }

    pub(crate) fn portion(
        &mut self,
        shared: &Shared,
        sealer: &mut Sealer,
        inner: &mut dyn Committer,
    ) -> Result<Portion, CommitError> {
        for _ in 0..PAGES_MAX {
            let Some(partition) = self.partitions.get(self.partition).cloned() else {
                return Ok(self.end());
            };
            let page = match shared.tables.get(self.table) {
                Some(table) => self.rows(shared, sealer, (table, &partition)),
                None => self.entries(shared, sealer, &partition),
            };
            let Page { rewrite, at } = page.map_err(unread)?;
            let count = rewrite.rows.len() + rewrite.entries.len();
            if count > 0 {
                inner.rewrite(&rewrite)?;
            }
            self.written += count as u64;
            self.go_on(at);
            if count > 0 {
                break;
            }
        }
        Ok(Portion::Some)
    }

    fn end(&self) -> Portion {
        let (written, unreadable) = (self.written, self.unreadable);
        if unreadable == 0 {
            tracing::info!(written, "rows and changes were enciphered anew");
            return Portion::Last;
        }
        tracing::error!(
            written,
            unreadable,
            "not everything could be deciphered, so older encryption keys stay in use; \
             see `sinew doctor`"
        );
        Portion::Unreadable
    }

    /// Behind a page that was written.
    fn go_on(&mut self, at: At) {
        match at {
            At::Key(key) => self.key = Some(key),
            At::Seq(seq) => self.seq = seq,
            At::EndOfTable => (self.table, self.key) = (self.table + 1, None),
            At::EndOfJournal => {
                (self.partition, self.table, self.key, self.seq) = (self.partition + 1, 0, None, 0);
            }
        }
    }

    fn rows(
        &mut self,
        shared: &Shared,
        sealer: &mut Sealer,
        (table, partition): (&'static Table, &PartitionId),
    ) -> Result<Page, StoreError> {
        let mut page = Page::of(partition, At::EndOfTable);
        if table.name == crate::TABLE.name {
            return Ok(page);
        }
        let after = self.key.as_deref().map(|key| vec![Value::from(key)]);
        let scan = Scan { after, limit: PAGE, ..Scan::of(table, partition.clone()) };
        let mut bytes = 0;
        for row in shared.inner.scan(&scan)? {
            page.at = At::Key(row.key.clone());
            if !is_behind(table, &row, sealer.id()) {
                continue;
            }
            match shared.reading().open_row(table, row) {
                Ok(Row { key, values, body, .. }) => {
                    bytes += size(&values) + body.len();
                    let content = Some(RowContent { values, body });
                    let row = RowWrite { table, key, content };
                    page.rewrite.rows.push(sealer.row(partition, &row));
                }
                Err(broken) => self.skip(table.name, &broken),
            }
            if bytes > BYTES {
                break;
            }
        }
        Ok(page)
    }

    fn entries(
        &mut self,
        shared: &Shared,
        sealer: &mut Sealer,
        partition: &PartitionId,
    ) -> Result<Page, StoreError> {
        let mut page = Page::of(partition, At::EndOfJournal);
        let mut bytes = 0;
        for entry in shared.inner.journal(partition, self.seq, PAGE)? {
            page.at = At::Seq(entry.seq);
            if is_nothing(&entry.body) || key_of(&entry.body) == Some(sealer.id()) {
                continue;
            }
            match shared.reading().open_entry(partition, entry) {
                Ok(Entry { seq, kind, body, .. }) => {
                    bytes += body.len();
                    let sealed = sealer.entry((partition, seq, &kind), &body);
                    page.rewrite.entries.push((seq, sealed));
                }
                Err(broken) => self.skip("journal", &broken),
            }
            if bytes > BYTES {
                break;
            }
        }
        Ok(page)
    }

    fn skip(&mut self, table: &str, broken: &Broken) {
        if self.unreadable == 0 {
            tracing::error!(table, %broken, "something stored cannot be deciphered");
        }
        self.unreadable += 1;
    }
}

/// What is to be written, and where the pass is then.
struct Page {
    rewrite: Rewrite,
    at: At,
}

enum At {
    Key(Box<str>),
    Seq(Seq),
    EndOfTable,
    EndOfJournal,
}

impl Page {
    fn of(partition: &PartitionId, at: At) -> Self {
        let (rows, entries) = (Vec::new(), Vec::new());
        Self { rewrite: Rewrite { partition: partition.clone(), rows, entries }, at }
    }
}

fn is_behind(table: &Table, row: &Row, newest: &str) -> bool {
    let payloads = table.columns.iter().zip(&row.values).filter_map(|(column, value)| {
        match (column.kind, value) {
            (ColumnKind::Payload, Value::Text(text)) => Some(&**text),
            _ => None,
        }
    });
    let body = (!is_nothing(&row.body)).then_some(&*row.body);
    payloads.chain(body).any(|text| key_of(text) != Some(newest))
}

fn size(values: &[Value]) -> usize {
    let texts = values.iter().map(|value| match value {
        Value::Text(text) => text.len(),
        Value::Null | Value::Int(_) => 0,
    });
    texts.sum()
}

fn unread(error: StoreError) -> CommitError {
    CommitError::Failed(error.to_string())
}
