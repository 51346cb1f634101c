//! What happens by itself when its time has come.

use super::Turn;
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
    /// When [`Routing::expire`] next has something to do. A deadline is state: a restart keeps it.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        let due = self.deadlines.first().map(|(at, _)| at);
        let forget = self.ended.oldest().map(forgotten_at);
        [due, forget, self.matching.next_retry()].into_iter().flatten().min()
    }

    /// Does everything that is due at the turn's time, in order. Harmless when called early or
    /// twice.
    pub fn expire(&mut self, turn: &mut Turn<'_>) {
        self.matching.take_dirty();
        self.movements.clear();
        while let Some((_, due)) = self.deadlines.first().filter(|(at, _)| *at <= turn.now) {
            match due {
                Due::TimeToLive(task) => self.cancel(turn, task, TIME_TO_LIVE),
                Due::Callback(reservation) => self.callback_silent(turn, reservation),
                Due::Reservation(reservation) => self.time_out(turn, reservation),
                Due::Target(task) => self.catch_up(turn, task),
                Due::Rest(task) => self.rested(turn, task),
                Due::Assigned(task) => self.delete(turn, task, EventKind::TaskSystemDeleted),
            }
        }
        if self.ended.oldest().is_some_and(|at| forgotten_at(at) <= turn.now) {
            let until = turn.now + Millis::secs(-i64::from(ENDED_READABLE_S));
            self.record(turn, Change::EndedForgotten { until });
        }
        if self.matching.next_retry().is_some_and(|at| at <= turn.now) {
            self.matching.mark_timed();
            self.record(turn, Change::TimedRetried { at: turn.now });
        }
        self.settle(turn);
        self.parsed = None;
    }
}
