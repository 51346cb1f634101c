//! Counts what moves, turns it into rows, and gets its counters back after a restart.

use crate::{
    bridge::routing_to_report,
    statistics::{Running, facts_from, minutes_in, stay_key},
    tables,
};
use base::{Sid, Timestamp};
use report::{Progress, Recorder, RollUp, Window};
use routing::{Event, Movement};
use std::ops::ControlFlow;
use store::{Batch, PartitionId, RowContent, RowWrite, Store, StoreError, Table, Value};

/// See the module.
pub(super) struct Counting {
    recorder: Recorder,
    /// The portion of roll-ups this turn writes.
    portion: Vec<RollUp>,
}

/// The key of the one row that says how far roll-ups go.
const PROGRESS: &str = "p";

impl Counting {
    /// Of a partition nothing has happened in.
    pub(super) fn new(partition: &PartitionId) -> Self {
        let workspace = partition.parse().unwrap_or(Sid::new(*b"WS", 0));
        Self { recorder: Recorder::new(workspace), portion: Vec::new() }
    }

    /// Goes on from rows. Answers a moment that has passed, by which they were written.
    pub(super) fn recall(
        &mut self,
        store: &dyn Store,
        partition: &PartitionId,
    ) -> Result<Timestamp, StoreError> {
        let progress = match store.row(&tables::STATISTIC, partition, PROGRESS)? {
            Some(row) => serde_json::from_str::<Progress>(&row.body)
                .map_err(|error| StoreError(format!("progress of statistics: {error}")))?,
            None => Progress::default(),
        };
        let workspace = partition.parse().unwrap_or(Sid::new(*b"WS", 0));
        let mut recorder = Recorder::restore(workspace, progress);
        let minutes = recorder.minutes_wanted();
        minutes_in(store, partition, minutes, |minute, scopes| {
            recorder.take_minute(minute, scopes)
        })?;
        let wanted = recorder.facts_wanted();
        facts_from(store, partition, wanted, |at, facts| {
            recorder.add(at, facts);
            ControlFlow::Continue(())
        })?;
        self.recorder = recorder;
        Ok(wanted)
    }

    /// When [`Counting::expire`] next has work.
    pub(super) fn next_deadline(&self) -> Option<Timestamp> {
        self.recorder.next_deadline()
    }

    /// Takes the portion that is due.
    pub(super) fn expire(&mut self, now: Timestamp) {
        self.portion = self.recorder.portion(now);
    }

    /// Counts what a turn did; answers its facts as text. Rows go into the turn's batch.
    pub(super) fn keep(
        &mut self,
        batch: &mut Batch,
        movements: &[Movement],
        events: &[Event],
    ) -> Option<String> {
        #[cfg(feature = "planted-bugs")]
        self.forget_roll_ups();
        for row in self.portion.drain(..) {
            batch.rows.push(match row {
                RollUp::Minute { key, began_at, body } | RollUp::Hour { key, began_at, body } => {
                    write(&tables::STATISTIC, key, vec![began_at.into()], body)
                }
                RollUp::Progress(progress) => {
                    let body = serde_json::to_string(&progress).expect("plain data");
                    write(&tables::STATISTIC, PROGRESS.to_owned(), vec![Value::Null], body)
                }
            });
        }
        if movements.is_empty() {
            return None;
        }
        let counted = routing_to_report::counted(movements, events);
        for stay in counted.stays {
            let body = serde_json::to_string(&stay).expect("plain data");
            let key = stay_key(stay.worker, stay.to);
            batch.rows.push(write(&tables::STAY, key, vec![stay.to.into()], body));
        }
        self.recorder.add(batch.at, &counted.facts);
        #[cfg(feature = "planted-bugs")]
        if crate::planted::is(crate::planted::Planted::ForgetFacts) && batch.first.is_multiple_of(8)
        {
            return None;
        }
        (!counted.facts.is_empty()).then(|| report::encode(batch.at, &counted.facts))
    }

    /// A bug to be found.
    #[cfg(feature = "planted-bugs")]
    fn forget_roll_ups(&mut self) {
        if crate::planted::is(crate::planted::Planted::ForgetRollUps) {
            let mut count = 0;
            self.portion.retain(|row| {
                count += 1;
                matches!(row, RollUp::Progress(_)) || count > 1
            });
        }
    }

    /// What is not in rows yet.
    pub(super) fn running(&self, window: Window, scopes: &[Sid], now: Timestamp) -> Running {
        let written = self.recorder.complete(now);
        let parts = window.parts(now, written.hours_until);
        let minutes = parts.minutes.into_iter();
        let minutes = minutes.flat_map(|range| self.recorder.running(range, scopes)).collect();
        Running { now, written, minutes }
    }
}

fn write(table: &'static Table, key: String, values: Vec<Value>, body: String) -> RowWrite {
    RowWrite { table, key: key.into(), content: Some(RowContent { values, body }) }
}
