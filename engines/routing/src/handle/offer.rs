//! Settling: waiting tasks are offered to workers until no more offer can be made.
//!
//! `matching` says why looking only at what changed is enough.

use super::{
    Turn,
    callback::first_callback,
    portion::{LOOK, MOVE},
};
use crate::{
    change::Change,
    deadlines::is_readable,
    event::EventKind,
    facts::{Facts, member_counts},
    limits::{ATTEMPTS_MAX, RESERVATION_TIMEOUT_S_DEFAULT},
    matching::Next,
    model::*,
    state::Routing,
};
use base::{Millis, Timestamp};
use expr::{Bound, Scope};

/// Members of a line that come or go for one step.
const MEMBERS_A_STEP: i64 = 2;
/// Why a task ended that was offered too often.
const TOO_OFTEN: &str = "Task canceled after 1000 assignment attempts";
impl Routing {
    /// Makes every offer that can be made, as far as the steps of this call reach.
    pub(super) fn settle(&mut self, turn: &mut Turn<'_>) {
        loop {
            if !self.prepare() {
                return;
            }
            self.settle_lines(turn);
            if self.give_up_transfers(turn) {
                continue;
            }
            if !self.has_steps() {
                return;
            }
            let Some(sid) = self.fresh.pop_front() else { return };
            if let Some(counts) = self.skips(sid, turn.now) {
                self.skip_target(turn, sid, counts);
            }
            self.spend(MOVE);
        }
    }

    /// Decides about a task as if it had just begun to wait: in a copy that was made in the middle
    /// of a turn.
    pub(crate) fn reconsider(&mut self, turn: &mut Turn<'_>, sid: TaskSid) {
        let Some(state) = self.tasks.get(sid) else { return };
        let (TaskStatus::Pending, Some(line)) = (state.task.status, state.line) else { return };
        let entered = state.task.walk.as_ref().is_some_and(|walk| {
            let last = walk.passed.last().map_or(walk.clock, |passed| passed.at);
            last == turn.now
        });
        if entered {
            self.fresh.push_back(sid);
        }
        self.matching.mark_line(line);
        self.settle(turn);
    }

    fn settle_lines(&mut self, turn: &mut Turn<'_>) {
        #[cfg(feature = "planted-bugs")]
        if crate::planted::is(crate::planted::Planted::ForgetFreedWorkers) {
            return self.matching.take_dirty();
        }
        let mut chosen = std::mem::take(&mut self.matching.chosen);
        while self.has_steps() && !self.matching.is_clean() {
            let first = self.workspace.as_ref().map(|workspace| workspace.prioritize_queue_order);
            let first = first.unwrap_or_default();
            let next = self.matching.next(&self.workers, first, &mut self.portion.left);
            let Next::Line(at) = next else { break };
            let (_, _, line) = at;
            let Some((_, sid)) = self.matching.line(line).head() else { break };
            if self.matching.line(line).is_stale {
                let moved = self.refresh_line(line);
                self.spend(LOOK + moved as i64 / MEMBERS_A_STEP);
                continue;
            }
            self.choose(line, sid, turn.now, &mut chosen);
            #[cfg(feature = "planted-bugs")]
            self.misplace(sid, &mut chosen);
            if chosen.is_empty() {
                self.matching.tried(at);
                self.spend(LOOK);
            } else {
                self.offer(turn, sid, &chosen);
                self.spend(MOVE * chosen.len() as i64);
            }
        }
        self.matching.chosen = chosen;
    }

    #[cfg(feature = "planted-bugs")]
    fn misplace(&self, task: TaskSid, chosen: &mut [u32]) {
        let is_on = crate::planted::is(crate::planted::Planted::ForgetTargets);
        let channel = self.tasks.get(task).map(|state| state.task.task_channel);
        let channel = channel.and_then(|sid| self.channels.slot(sid)).filter(|_| is_on);
        let (Some(channel), [only]) = (channel, chosen) else { return };
        let (single, rules) = (self.is_single_tasking(), self.channels.rules());
        let mut others = self
            .workers
            .iter()
            .filter(|state| crate::matching::at_worker(state, channel, single, rules).is_none());
        *only = others.next().map_or(*only, |state| state.slot);
    }

    /// Finds the workers a task is offered to now, first choice first; none if there are none.
    pub(crate) fn choose(
        &mut self,
        line: u32,
        sid: TaskSid,
        now: Timestamp,
        chosen: &mut Vec<u32>,
    ) {
        chosen.clear();
        let state = self.matching.line(line);
        if state.ignores_capacity() {
            return chosen.extend(state.members.iter());
        }
        let queue = state.key.queue.and_then(|sid| self.queues.get(&sid));
        let most = queue.map_or(1, |state| state.queue.max_reserved_workers as usize);
        #[cfg(feature = "planted-bugs")]
        let most = most + usize::from(crate::planted::is(crate::planted::Planted::OfferTwice));
        let bound = match state.is_volatile {
            true => state.key.who.bound().cloned(),
            false => None,
        };
        let order_by = state.order_by.clone();
        let refused = self.refused(sid, now);
        let Self { matching, workers, channels, activities, schedules, .. } = self;
        let holds = |slot: u32, bound: &Bound| {
            let state = workers.at(slot);
            let facts = Facts { state, activities, channels };
            bound.evaluate(&state.value, &facts, now, schedules)
        };
        let passes = |slot: u32| bound.as_ref().is_none_or(|bound| holds(slot, bound));
        // However many refused it, these are enough to find the others.
        let wanted = most + refused.len();
        match &order_by {
            Some(by) => {
                matching.preferred(workers, channels, (line, by), wanted, &passes, chosen);
            }
            None => matching.idlest(workers, channels, line, wanted, &passes, chosen),
        }
        if !refused.is_empty() {
            chosen.sort_by_key(|slot| refused.contains(&workers.at(*slot).worker.sid));
        }
        chosen.truncate(most);
    }

    /// Whom the index would offer a task next, which waits or is on offer: what an assignment
    /// costs before anything is written down.
    pub fn decide(&mut self, sid: TaskSid, now: Timestamp) -> Option<WorkerSid> {
        let line = self.tasks.get(sid)?.line?;
        self.refresh_line(line);
        let mut chosen = std::mem::take(&mut self.matching.chosen);
        self.choose(line, sid, now, &mut chosen);
        let first = chosen.first().map(|slot| self.workers.at(*slot).worker.sid);
        self.matching.chosen = chosen;
        first
    }

    /// Workers who refused the newest offer of a task: others come first now.
    pub(crate) fn refused(&self, sid: TaskSid, now: Timestamp) -> Vec<WorkerSid> {
        let Some(state) = self.tasks.get(sid) else { return Vec::new() };
        let newest = state.refused.iter().filter(|refusal| {
            Some(refusal.offered_at) == state.offered_at && is_readable(refusal.ended_at, now)
        });
        newest.map(|refusal| refusal.worker).collect()
    }

    pub(super) fn offer(&mut self, turn: &mut Turn<'_>, sid: TaskSid, chosen: &[u32]) {
        let Some(state) = self.tasks.get(sid) else { return };
        let task = &state.task;
        if task.attempts >= ATTEMPTS_MAX {
            match task.transfer {
                Some(_) => self.fail_transfer(turn, sid, TOO_OFTEN),
                None => self.cancel(turn, sid, TOO_OFTEN),
            }
            return;
        }
        let transfer = task.transfer.as_ref().map(|transfer| transfer.sid);
        let workflow = task.workflow.and_then(|sid| self.workflows.get(&sid));
        let timeout_s = workflow.map_or(RESERVATION_TIMEOUT_S_DEFAULT, |state| {
            state.workflow.task_reservation_timeout_s
        });
        let is_asked =
            workflow.is_some_and(|state| state.workflow.assignment_callback_url.is_some());
        let callback = is_asked.then(|| first_callback(turn.now));
        let queue = task.queue.and_then(|sid| self.queues.get(&sid));
        let activity = match self.is_single_tasking() {
            true => queue.and_then(|state| state.queue.reservation_activity),
            false => None,
        };
        let at = turn.now;
        let reservations: Vec<Reservation> = chosen
            .iter()
            .map(|slot| Reservation {
                sid: self.offer_name(turn, task, *slot),
                task: sid,
                worker: self.workers.at(*slot).worker.sid,
                status: ReservationStatus::Pending,
                timeout_s,
                expires_at: at + Millis::secs(timeout_s.into()),
                transfer,
                version: 0,
                created_at: at,
                updated_at: at,
                callback,
            })
            .collect();
        let made: Vec<(ReservationSid, WorkerSid)> =
            reservations.iter().map(|one| (one.sid, one.worker)).collect();
        self.record(turn, Change::TaskOffered { task: sid, reservations, at });
        for (reservation, worker) in made {
            self.tell_reservation(turn, EventKind::ReservationCreated, reservation);
            if let Some(activity) = activity {
                self.send_worker(turn, worker, activity);
            }
        }
    }

    /// A new SID; in a replay the one that the offer had.
    fn offer_name(&self, turn: &mut Turn<'_>, task: &Task, slot: u32) -> ReservationSid {
        let drawn = ReservationSid::new(turn.next_id());
        if self.offer_names.is_empty() {
            return drawn;
        }
        let name = (task.sid, task.attempts, self.workers.at(slot).worker.sid);
        self.offer_names.get(&name).copied().unwrap_or(drawn)
    }

    /// The counts for which a task that came to its target just now leaves it at once.
    fn skips(&mut self, sid: TaskSid, now: Timestamp) -> Option<MemberCounts> {
        let state = self.tasks.get(sid)?;
        if state.task.status != TaskStatus::Pending {
            return None;
        }
        let queue = state.task.queue?;
        let (_, step, configuration, _) = self.standing(sid)?;
        let target = configuration.target(step.filter, step.target)?;
        let skip_if = target.skip_if.as_ref()?;
        let counts = self.counts(queue);
        let holds = skip_if.evaluate(&Scope { workers: Some(&counts), now, ..Scope::default() });
        holds.then(|| member_counts(&counts))
    }
}
