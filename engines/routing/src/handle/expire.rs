//! What happens by itself when its time has come.

use super::{
    Turn,
    portion::{LOOK, MOVE},
};
use crate::{
    change::Change,
    deadlines::{Due, forgotten_at},
    event::EventKind,
    limits::ENDED_READABLE_S,
    state::Routing,
};
use base::{Millis, Timestamp};

/// Why a task ended that nobody took in its time to live (the wire's words).
const TIME_TO_LIVE: &str = "Task TTL Exceeded";

impl Routing {
    /// When [`Routing::expire`] next has something to do; in the past while something is left
    /// over. A deadline is state: a restart keeps it.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        let due = self.deadlines.first().map(|(at, _)| at);
        let forget = self.ended.oldest().map(forgotten_at);
        let settle = self.settling.as_ref().map(|settling| settling.since);
        let drive = self.driving.values().map(|rest| rest.since).min();
        let look = self.schedules.next_look();
        let work = [due, forget, self.matching.next_retry(), settle, drive, look];
        work.into_iter().flatten().min()
    }

    /// Does what is due at the turn's time, in order, or a portion of it: then something is still
    /// due. Harmless when called early or twice.
    pub fn expire(&mut self, turn: &mut Turn<'_>) {
        self.begin();
        // First, so that whatever else happens at this moment sees what is open then.
        while let Some((schedule, open)) = self.schedules.due(turn.now) {
            self.record(turn, Change::ScheduleLooked { schedule, open, at: turn.now });
        }
        self.settle(turn);
        while self.has_steps()
            && let Some((_, due)) = self.deadlines.first().filter(|(at, _)| *at <= turn.now)
        {
            match due {
                Due::TimeToLive(task) => self.cancel(turn, task, TIME_TO_LIVE),
                Due::Callback(reservation) => self.callback_silent(turn, reservation),
                Due::Reservation(reservation) => self.time_out(turn, reservation),
                Due::Target(task) => self.catch_up(turn, task),
                Due::Rest(task) => self.rested(turn, task),
                Due::Assigned(task) => self.delete(turn, task, EventKind::TaskSystemDeleted),
            }
            self.spend(MOVE);
        }
        self.forget_ended(turn);
        if self.has_steps() && self.matching.next_retry().is_some_and(|at| at <= turn.now) {
            self.matching.mark_timed();
            self.record(turn, Change::TimedRetried { at: turn.now });
        }
        self.settle(turn);
        self.drive_on(turn);
        self.settle(turn);
        self.finish(turn);
    }

    fn forget_ended(&mut self, turn: &mut Turn<'_>) {
        let is_due = self.ended.oldest().is_some_and(|at| forgotten_at(at) <= turn.now);
        if is_due && self.has_steps() {
            let until = turn.now + Millis::secs(-i64::from(ENDED_READABLE_S));
            let (until, count) = self.ended.some_until(until);
            self.spend(LOOK * count as i64);
            self.record(turn, Change::EndedForgotten { until });
        }
    }
}
