//! The same decision with something changed, in a copy that is thrown away.
//!
//! * The change is a command like any other: what it refuses is refused here, and what it leads to
//!   is what it would lead to.
//! * Two copies: one in which everything happens, one that is led to just before the offer, to be
//!   looked at.

use super::{Look, Sight};
use crate::{
    change::Change, command::Command, handle::Turn, model::*, rejection::Rejection,
    rows::StoredRow, state::Routing,
};
use base::{IdSource, Timestamp};
use serde::Serialize;

/// What would be otherwise.
#[derive(Clone, Debug)]
pub struct WhatIf {
    /// The decision as it is.
    pub before: Sight,
    /// The decision as it would be.
    pub after: Sight,
    /// What would follow.
    pub outcome: Outcome,
    /// Whom the task would be offered to, once every waiting task of the copy had its turn.
    pub offered: Vec<WorkerSid>,
}

/// What would follow for the task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It would be offered.
    Offered,
    /// It would wait.
    Waits,
    /// It would end without being taken.
    Ends,
}

/// Carries out `command` at `now` on a copy made of `rows` and looks at one task before and after.
pub fn what_if(
    rows: &[StoredRow],
    look: &Look,
    command: &Command,
    now: Timestamp,
) -> Result<WhatIf, Rejection> {
    let copy = || Routing::restore(rows.iter().cloned());
    let mut real = copy();
    // A copy may take as long as it takes.
    real.cut_into(u32::MAX);
    let before = real.look(look, now)?;
    let mut ids = IdSource::new(0);
    let mut turn = Turn::new(now, &mut ids);
    real.handle(&mut turn, command)?;
    real.reconsider(&mut turn, look.task);
    let mut seen = copy();
    let (mut outcome, mut offered) = (Outcome::Waits, Vec::new());
    for change in &turn.changes {
        match change {
            Change::TaskOffered { task, reservations, .. } if *task == look.task => {
                outcome = Outcome::Offered;
                offered = reservations.iter().map(|one| one.worker).collect();
                break;
            }
            Change::TaskCanceled { task, .. } if *task == look.task => {
                outcome = Outcome::Ends;
                break;
            }
            _ => seen.apply(change),
        }
    }
    let after = seen.look(look, now)?;
    Ok(WhatIf { before, after, outcome, offered })
}

impl Routing {
    /// Every row there is, owned: to make copies of.
    pub(crate) fn copied(&self) -> Vec<StoredRow> {
        let mut rows = Vec::new();
        self.all_rows(|row| rows.extend(row.stored()));
        rows
    }
}
