//! Long work is cut into portions, so that no call takes long however much there is to do.
//!
//! * One call of [`Routing::handle`] or [`Routing::expire`] does a bounded number of steps. What
//!   is left over is state: it has rows, [`Routing::next_deadline`] lies in the past as long as
//!   there is any, and each [`Routing::expire`] does another portion.
//! * Steps are counted, not timed: the same calls give the same portions everywhere.
//! * Order of a portion: offers that were left over, then timers, then settling, then tasks that
//!   are to go through their workflow again. So newly created tasks are offered between portions.
//! * Small workspaces never see a second portion.

use super::Turn;
use crate::{
    change::Change,
    model::*,
    rows::{ReEvaluation, Settling},
    state::Routing,
};

/// What one call may do, and what of it the current call has left.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Portion {
    most: i64,
    pub(crate) left: i64,
}

/// Steps of one call: with the rows of what was done half a millisecond or so on one core.
const STEPS: i64 = 4_000;
/// Steps of one reservation, or of one task that moved.
pub(super) const MOVE: i64 = 100;
/// Steps of a task that was looked at and stays, or that nobody could be offered.
pub(super) const LOOK: i64 = 5;

impl Default for Portion {
    fn default() -> Self {
        #[cfg(feature = "small-portions")]
        return Self { most: MOST.get(), left: 0 };
        #[cfg(not(feature = "small-portions"))]
        Self { most: STEPS, left: 0 }
    }
}

#[cfg(feature = "small-portions")]
thread_local! {
    static MOST: std::cell::Cell<i64> = const { std::cell::Cell::new(STEPS) };
}

/// The most steps of one call of every engine that begins on this thread from now on; `None` is as
/// many as always. For the simulator, whose workspaces are too small to be cut otherwise.
#[cfg(feature = "small-portions")]
pub fn cut_engines_into(steps: Option<u32>) {
    MOST.set(steps.map_or(STEPS, |steps| i64::from(steps).max(1)));
}

impl Routing {
    /// The most steps of one call from now on; at least one thing is done by each call. For tests:
    /// with a small number everything is cut everywhere.
    pub fn cut_into(&mut self, steps: u32) {
        self.portion.most = i64::from(steps).max(1);
    }

    /// Whether something is left over for [`Routing::expire`].
    pub fn is_behind(&self) -> bool {
        self.settling.is_some() || !self.driving.is_empty()
    }

    /// Before anything of a call.
    pub(super) fn begin(&mut self) {
        self.portion.left = self.portion.most;
        self.movements.clear();
        if self.settling.is_none() {
            self.drop_marks();
        }
    }

    pub(super) fn has_steps(&self) -> bool {
        self.portion.left > 0
    }

    pub(super) fn spend(&mut self, steps: i64) {
        self.portion.left -= steps;
    }

    /// After everything of a call: what is left over is written down.
    pub(super) fn finish(&mut self, turn: &mut Turn<'_>) {
        self.parsed = None;
        let is_over = self.matching.is_clean() && self.fresh.is_empty();
        let rest = match (&self.workspace, is_over) {
            (Some(workspace), false) => Some(Settling {
                workspace: workspace.sid,
                since: self.settling.as_ref().map_or(turn.now, |settling| settling.since),
                fresh: self.fresh.iter().copied().collect(),
            }),
            _ => None,
        };
        if rest != self.settling {
            self.record(turn, Change::SettlingLeft { rest });
        }
    }

    /// Pending tasks go through the current configuration from the top. One that it has no place
    /// for stays where it is: an edit must not lose work.
    pub(super) fn drive_all_again(&mut self, turn: &mut Turn<'_>, workflow: WorkflowSid) {
        let newest = self.tallies.newest_waiting(workflow);
        let rest =
            newest.map(|until| ReEvaluation { workflow, after: None, until, since: turn.now });
        let rest = rest.and_then(|rest| self.drive_some(turn, rest));
        if rest.is_some() || self.driving.contains_key(&workflow) {
            self.record(turn, Change::ReEvaluationLeft { workflow, rest });
        }
    }

    /// Goes on with what is left over, as far as the steps reach.
    pub(super) fn drive_on(&mut self, turn: &mut Turn<'_>) {
        while self.has_steps()
            && let Some((workflow, rest)) = self.driving.iter().next()
        {
            let (workflow, rest) = (*workflow, rest.clone());
            let rest = self.drive_some(turn, rest);
            self.record(turn, Change::ReEvaluationLeft { workflow, rest });
        }
    }

    /// What is left once the steps are used up.
    fn drive_some(&mut self, turn: &mut Turn<'_>, mut rest: ReEvaluation) -> Option<ReEvaluation> {
        loop {
            let next = self.tallies.next_waiting(rest.workflow, rest.after);
            let sid = next.filter(|sid| *sid <= rest.until)?;
            if !self.has_steps() {
                return Some(rest);
            }
            rest.after = Some(sid);
            let steps = if self.drive_again(turn, sid) { MOVE } else { LOOK };
            self.spend(steps);
        }
    }

    /// Says whether the task went anywhere.
    fn drive_again(&mut self, turn: &mut Turn<'_>, sid: TaskSid) -> bool {
        let Some(state) = self.tasks.get(sid) else { return false };
        if state.task.status != TaskStatus::Pending || state.task.current_walk().is_none() {
            return false;
        }
        let Ok(step) = self.entry_of(turn, sid) else { return false };
        self.enter_workflow(turn, sid, step);
        true
    }
}
