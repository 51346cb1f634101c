//! Settling: waiting tasks are offered to workers until no more offer can be made.
//!
//! `matching` says why looking only at what changed is enough.

use super::{Turn, callback::first_callback};
use crate::{
    change::Change,
    deadlines::is_readable,
    event::EventKind,
    facts::{Facts, member_counts},
    limits::{ATTEMPTS_MAX, RESERVATION_TIMEOUT_S_DEFAULT},
    matching::{BitSet, Place},
    model::*,
    state::Routing,
};
use base::{Millis, Timestamp};
use expr::{Bound, NoSchedules, Scope};
use std::{
    cmp::Reverse,
    collections::{BTreeSet, BinaryHeap},
};

/// Why a task ended that was offered too often.
const TOO_OFTEN: &str = "Task canceled after 1000 assignment attempts";
/// Up to this many workers are asked one by one whether they have room.
const FEW: usize = 16;

/// Lines whose heads may be offered now, best first, and why they may.
#[derive(Default)]
struct Agenda {
    heads: BinaryHeap<Reverse<(u8, Place, u32)>>,
    listed: BTreeSet<u32>,
    /// Lines in which a task began to wait or a worker became a member.
    dirty: BTreeSet<u32>,
    workers: Vec<u32>,
    /// The same, when there are many.
    worker_set: BitSet,
}

impl Routing {
    /// Makes every offer that can be made.
    pub(super) fn settle(&mut self, turn: &mut Turn<'_>) {
        loop {
            self.settle_lines(turn);
            if self.fresh.is_empty() {
                return;
            }
            let sid = self.fresh.remove(0);
            if let Some(counts) = self.skips(sid, turn.now) {
                self.skip_target(turn, sid, counts);
            }
        }
    }

    fn settle_lines(&mut self, turn: &mut Turn<'_>) {
        if self.matching.is_clean() {
            return;
        }
        let mut agenda = Agenda::default();
        self.extend(&mut agenda);
        while let Some(Reverse((_, place, line))) = agenda.heads.pop() {
            agenda.listed.remove(&line);
            let Some((head, sid)) = self.matching.line(line).head() else { continue };
            if head != place {
                self.enlist(&mut agenda, line);
                continue;
            }
            if !agenda.dirty.contains(&line) {
                if agenda.dirty.is_empty() && !self.have_room(&agenda) {
                    return;
                }
                if !self.has_room_in(&agenda, line) {
                    continue;
                }
            }
            let chosen = self.choose(line, sid, turn.now);
            if chosen.is_empty() {
                agenda.dirty.remove(&line);
                continue;
            }
            self.offer(turn, sid, &chosen);
            self.enlist(&mut agenda, line);
            self.extend(&mut agenda);
        }
    }

    /// Adds what was marked since the last look.
    fn extend(&mut self, agenda: &mut Agenda) {
        if self.matching.is_clean() {
            return;
        }
        let (lines, workers) = self.matching.take_dirty();
        #[cfg(feature = "planted-bugs")]
        if crate::planted::is(crate::planted::Planted::ForgetFreedWorkers) {
            return;
        }
        for line in lines {
            agenda.dirty.insert(line);
            self.enlist(agenda, line);
        }
        let mut reached = Vec::new();
        for slot in workers {
            self.matching.lines_of(self.workers.at(slot), &mut reached);
            if agenda.worker_set.insert(slot) {
                agenda.workers.push(slot);
            }
        }
        for line in reached {
            self.enlist(agenda, line);
        }
    }

    fn enlist(&self, agenda: &mut Agenda, line: u32) {
        let state = self.matching.line(line);
        let Some((place, _)) = state.head() else {
            agenda.dirty.remove(&line);
            return;
        };
        if agenda.listed.insert(line) {
            let first = self.workspace.as_ref().map(|workspace| workspace.prioritize_queue_order);
            let group = u8::from(first != Some(state.order));
            agenda.heads.push(Reverse((group, place, line)));
        }
    }

    /// Whether any of the workers who gained something can be offered anything.
    fn have_room(&self, agenda: &Agenda) -> bool {
        let channels = 0..self.channels.slots();
        agenda.workers.len() > FEW
            || agenda.workers.iter().any(|slot| {
                channels.clone().any(|channel| self.matching.ready(channel).contains(*slot))
            })
    }

    /// Whether one of them can be offered the tasks of a line.
    fn has_room_in(&self, agenda: &Agenda, line: u32) -> bool {
        let line = self.matching.line(line);
        let ready = self.matching.ready(line.key.channel);
        if agenda.workers.len() > FEW {
            return line.members.both(ready).any(|slot| agenda.worker_set.contains(slot));
        }
        let fits = |slot: &u32| line.members.contains(*slot) && ready.contains(*slot);
        agenda.workers.iter().any(fits)
    }

    /// The workers a task is offered to now, first choice first; empty if there are none.
    pub(crate) fn choose(&mut self, line: u32, sid: TaskSid, now: Timestamp) -> Vec<u32> {
        let state = self.matching.line(line);
        if state.ignores_capacity() {
            return state.members.iter().collect();
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
        let Self { matching, workers, channels, activities, .. } = self;
        let holds = |slot: u32, bound: &Bound| {
            let state = workers.at(slot);
            let facts = Facts { state, activities, channels };
            bound.evaluate(&state.value, &facts, now, &NoSchedules)
        };
        let passes = |slot: u32| bound.as_ref().is_none_or(|bound| holds(slot, bound));
        let wanted = match order_by {
            Some(_) => workers.len(),
            None => most + refused.len(),
        };
        let mut chosen = matching.idlest(workers, channels, line, wanted, &passes);
        if let Some(by) = order_by {
            chosen.sort_by(|one, two| by.compare(&workers.at(*one).value, &workers.at(*two).value));
        }
        if !refused.is_empty() {
            chosen.sort_by_key(|slot| refused.contains(&workers.at(*slot).worker.sid));
        }
        chosen.truncate(most);
        chosen
    }

    /// Workers who refused the newest offer of a task: others come first now.
    pub(crate) fn refused(&self, sid: TaskSid, now: Timestamp) -> Vec<WorkerSid> {
        let Some(state) = self.tasks.get(sid) else { return Vec::new() };
        let newest = state.refused.iter().filter(|refusal| {
            Some(refusal.offered_at) == state.offered_at && is_readable(refusal.ended_at, now)
        });
        newest.map(|refusal| refusal.worker).collect()
    }

    fn offer(&mut self, turn: &mut Turn<'_>, sid: TaskSid, chosen: &[u32]) {
        let Some(state) = self.tasks.get(sid) else { return };
        let task = &state.task;
        if task.attempts >= ATTEMPTS_MAX {
            self.cancel(turn, sid, TOO_OFTEN);
            return;
        }
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
                sid: ReservationSid::new(turn.next_id()),
                task: sid,
                worker: self.workers.at(*slot).worker.sid,
                status: ReservationStatus::Pending,
                timeout_s,
                expires_at: at + Millis::secs(timeout_s.into()),
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
