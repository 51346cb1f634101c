//! The live state as text: equal states have equal texts, whatever their slots.
//!
//! What ended is left out: it is on its way out, and how long it is kept is not state anybody
//! relies on.

use crate::{model::TransferStatus, rows::RowRef, state::Routing};
use std::fmt::Write;

impl Routing {
    /// Every live entity with its load and membership, and every deadline, one per line.
    pub fn digest(&self) -> String {
        let mut text = String::new();
        let mut line = |row: RowRef<'_>| {
            let is_live = match &row {
                RowRef::Task(task) => !task.status.is_final(),
                RowRef::Reservation(reservation) => reservation.status.is_open(),
                RowRef::Transfer(transfer) => transfer.status == TransferStatus::Initiated,
                _ => true,
            };
            if is_live {
                let json = row.json().unwrap_or_default();
                writeln!(text, "{} {json}", row.kind().as_str()).expect("a string takes all");
            }
        };
        self.all_rows(&mut line);
        for worker in self.workers.sorted() {
            let shares = self.channels.iter().map(|(slot, channel)| {
                let share = &worker.channels[slot];
                format!("{}:{}/{}", channel.unique_name, share.accepted, share.open)
            });
            let shares: Vec<String> = shares.collect();
            let sid = worker.worker.sid;
            writeln!(text, "load {sid} {} {:?}", shares.join(" "), worker.open)
                .expect("a string takes all");
        }
        for (sid, state) in &self.queues {
            let mut members: Vec<_> =
                state.members.iter().map(|slot| self.workers.at(slot).worker.sid).collect();
            members.sort_unstable();
            writeln!(text, "members {sid} {members:?}").expect("a string takes all");
        }
        for (at, due) in &self.deadlines.0 {
            writeln!(text, "due {} {due:?}", at.0).expect("a string takes all");
        }
        text
    }
}
