//! Everything that is stored, counted by the key it is under.
//!
//! * Reads only, page by page, also beside a server that writes: what comes meanwhile may be
//!   counted or not.

use crate::{
    BODY, PARTITION,
    cipher::{Broken, Opener, Place, key_of},
    is_nothing,
    key::Keys,
};
use std::collections::BTreeMap;
use store::{ColumnKind, Entry, PartitionId, Row, Scan, Store, StoreError, Table, Value};

const PAGE: usize = 500;

/// What a store holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Survey {
    /// By name, in the order in which they were declared, then `journal`; empty ones left out.
    pub tables: Vec<(&'static str, Counts)>,
}

/// What a table, or all journals, hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Rows or changes.
    pub rows: u64,
    /// Texts that are not enciphered.
    pub plain: u64,
    /// Enciphered texts by the id of their key.
    pub by_key: BTreeMap<String, u64>,
    /// Of those, how many cannot be deciphered, by why. Without keys nobody tried.
    pub broken: BTreeMap<String, u64>,
}

impl Survey {
    /// All together.
    pub fn total(&self) -> Counts {
        let mut total = Counts::default();
        for (_, counts) in &self.tables {
            total.rows += counts.rows;
            total.plain += counts.plain;
            for (into, from) in
                [(&mut total.by_key, &counts.by_key), (&mut total.broken, &counts.broken)]
            {
                from.iter().for_each(|(name, n)| *into.entry(name.clone()).or_default() += n);
            }
        }
        total
    }
}

/// Looks at everything in these tables and in the journals of a store that is not wrapped, and with
/// keys tries to decipher it.
pub fn survey(
    store: &dyn Store,
    keys: Option<&Keys>,
    tables: &'static [&'static Table],
) -> Result<Survey, StoreError> {
    let opener = keys.map(|keys| Opener::new(keys.clone()));
    let all = store.partitions()?.into_iter().map(|partition| partition.id);
    let partitions: Vec<PartitionId> = all.filter(|id| &**id != PARTITION).collect();
    let mut survey = Survey::default();
    for table in tables {
        let mut counts = Counts::default();
        for partition in &partitions {
            rows(store, opener.as_ref(), (table, partition), &mut counts)?;
        }
        survey.tables.push((table.name, counts));
    }
    let mut counts = Counts::default();
    for partition in &partitions {
        entries(store, opener.as_ref(), partition, &mut counts)?;
    }
    survey.tables.push(("journal", counts));
    survey.tables.retain(|(_, counts)| counts.rows > 0);
    Ok(survey)
}

fn rows(
    store: &dyn Store,
    opener: Option<&Opener>,
    (table, partition): (&'static Table, &PartitionId),
    counts: &mut Counts,
) -> Result<(), StoreError> {
    let mut scan = Scan { limit: PAGE, ..Scan::of(table, partition.clone()) };
    loop {
        let page = store.scan(&scan)?;
        let Some(last) = page.last() else { return Ok(()) };
        scan.after = Some(scan.cursor(last));
        for Row { key, values, body, .. } in &page {
            counts.rows += 1;
            let place = |column| Place::Row { table: table.name, partition, key, column };
            for (column, value) in table.columns.iter().zip(values) {
                if let (ColumnKind::Payload, Value::Text(text)) = (column.kind, value) {
                    counts.add(opener, place(column.name), text);
                }
            }
            if !is_nothing(body) {
                counts.add(opener, place(BODY), body);
            }
        }
    }
}

fn entries(
    store: &dyn Store,
    opener: Option<&Opener>,
    partition: &PartitionId,
    counts: &mut Counts,
) -> Result<(), StoreError> {
    let mut after = 0;
    loop {
        let page = store.journal(partition, after, PAGE)?;
        let Some(last) = page.last() else { return Ok(()) };
        after = last.seq;
        for Entry { seq, kind, body, .. } in &page {
            counts.rows += 1;
            if !is_nothing(body) {
                counts.add(opener, Place::Entry { partition, seq: *seq, kind }, body);
            }
        }
    }
}

impl Counts {
    fn add(&mut self, opener: Option<&Opener>, place: Place<'_>, text: &str) {
        let Some(id) = key_of(text) else {
            self.plain += 1;
            return;
        };
        *self.by_key.entry(id.to_owned()).or_default() += 1;
        let broken: Option<Broken> = opener.and_then(|opener| opener.open(place, text).err());
        if let Some(broken) = broken {
            *self.broken.entry(broken.to_string()).or_default() += 1;
        }
    }
}
