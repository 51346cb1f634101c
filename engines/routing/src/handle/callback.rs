//! Instructions from callback URLs, and what happens when there are none.
//!
//! * An answer counts only for the reservation and the URL it was asked for, and only while that is
//!   awaited; a late one changes nothing.
//! * A failure at the last URL withdraws the offer. The task goes to another worker at once, and to
//!   the same one only after a rest that doubles with each failure.

use super::{Handled, Turn, unknown};
use crate::{
    alert::Alert,
    change::Change,
    command::{CallbackAnswer, Followed, Reply},
    event::EventKind,
    instruction::{CallInstruction, Instruction},
    limits::{CALLBACK_S, REST_S_MAX, RESTING_WORKERS_MAX},
    model::*,
    rejection::Rejection,
    state::Routing,
};
use base::{Millis, Timestamp};
use serde_json::Value;

/// The first URL is asked as soon as the reservation is made.
pub(super) fn first_callback(now: Timestamp) -> Callback {
    Callback { stage: CallbackStage::First, until: now + Millis::secs(CALLBACK_S) }
}

impl Routing {
    pub(super) fn answer_callback(
        &mut self,
        turn: &mut Turn<'_>,
        sid: ReservationSid,
        stage: CallbackStage,
        answer: &CallbackAnswer,
    ) -> Handled {
        let asked = self
            .reservations
            .get(sid)
            .filter(|one| one.callback.is_some_and(|callback| callback.stage == stage));
        let Some(reservation) = asked.cloned() else {
            return Ok(Reply::Callback(Followed::Late(late(answer))));
        };
        let followed = match answer {
            CallbackAnswer::Failed => {
                self.callback_failed(turn, &reservation);
                Followed::Done(None)
            }
            CallbackAnswer::Nothing => {
                self.stop_asking(turn, sid);
                Followed::Done(None)
            }
            CallbackAnswer::Do(instruction) => self.follow(turn, &reservation, instruction),
        };
        Ok(Reply::Callback(followed))
    }

    /// Somebody wants the application to be asked again.
    pub(super) fn ask_callback(&mut self, turn: &mut Turn<'_>, sid: ReservationSid) -> Handled {
        let known = self.reservation(sid).ok_or_else(|| unknown(sid.sid()))?.clone();
        if known.status != ReservationStatus::Pending {
            let (reservation, status, because) = (sid, known.status, "is not pending");
            return Err(Rejection::ReservationStatus { reservation, status, because });
        }
        let task = self.task(known.task).cloned().ok_or_else(|| unknown(known.task.sid()))?;
        let workflow = task.workflow.and_then(|sid| self.workflows.get(&sid));
        if workflow.is_none_or(|state| state.workflow.assignment_callback_url.is_none()) {
            return Err(Rejection::Required("AssignmentCallbackUrl"));
        }
        let callback = Some(first_callback(turn.now));
        self.record(turn, Change::CallbackMoved { reservation: sid, callback });
        let name = self.name_of(known.worker);
        Ok(Reply::Reservation(Reservation { callback, ..known }, task, name))
    }

    fn follow(
        &mut self,
        turn: &mut Turn<'_>,
        reservation: &Reservation,
        instruction: &Instruction,
    ) -> Followed {
        match instruction {
            Instruction::Accept => {
                self.accept_reservation(turn, reservation);
                Followed::Done(None)
            }
            Instruction::Reject { activity: Some(activity) } => {
                if !self.activities.contains_key(activity) {
                    self.stop_asking(turn, reservation.sid);
                    return Followed::Refused(Alert::RejectActivity);
                }
                self.reject_reservation(turn, reservation);
                self.send_worker(turn, reservation.worker, *activity);
                Followed::Done(None)
            }
            Instruction::Reject { activity: None } => {
                self.reject_reservation(turn, reservation);
                Followed::Done(Some(Alert::RejectActivity))
            }
            Instruction::Call(call) => {
                self.stop_asking(turn, reservation.sid);
                Followed::Refused(self.trouble_with(reservation, call))
            }
        }
    }

    /// The reservation stays pending, for the worker or whoever else settles it.
    pub(super) fn stop_asking(&mut self, turn: &mut Turn<'_>, reservation: ReservationSid) {
        self.record(turn, Change::CallbackMoved { reservation, callback: None });
    }

    /// Nothing was heard in time.
    pub(super) fn callback_silent(&mut self, turn: &mut Turn<'_>, sid: ReservationSid) {
        let Some(reservation) = self.reservations.get(sid).cloned() else { return };
        #[cfg(feature = "planted-bugs")]
        if crate::planted::is(crate::planted::Planted::ForgetCallbacks) {
            let until = reservation.callback.map_or(turn.now, |asked| asked.until);
            return self.deadlines.remove(until, crate::deadlines::Due::Callback(sid));
        }
        self.callback_failed(turn, &reservation);
    }

    pub(super) fn callback_failed(&mut self, turn: &mut Turn<'_>, reservation: &Reservation) {
        let sid = reservation.sid;
        let stage = reservation.callback.map(|callback| callback.stage);
        if stage == Some(CallbackStage::First) && self.has_fallback(reservation.task) {
            let until = turn.now + Millis::secs(CALLBACK_S);
            let callback = Some(Callback { stage: CallbackStage::Fallback, until });
            self.record(turn, Change::CallbackMoved { reservation: sid, callback });
            return;
        }
        self.record(turn, Change::ReservationCanceled { reservation: sid, at: turn.now });
        self.tell_reservation(turn, EventKind::ReservationCanceled, sid);
        // In a transfer each worker is tried once, so nobody has to rest.
        let rest = self.rest_after(reservation, turn.now);
        if let Some(rest) = rest.filter(|_| reservation.transfer.is_none()) {
            self.record(turn, Change::TaskRested { task: reservation.task, rest });
        }
        self.after_refusal(turn, reservation, "No callback URL said what to do");
    }

    fn has_fallback(&self, task: TaskSid) -> bool {
        let workflow = self.tasks.get(task).and_then(|state| state.task.workflow);
        let state = workflow.and_then(|sid| self.workflows.get(&sid));
        state.is_some_and(|state| state.workflow.fallback_assignment_callback_url.is_some())
    }

    /// One more failure: the worker rests from the task, and so do those before.
    fn rest_after(&self, reservation: &Reservation, now: Timestamp) -> Option<Rest> {
        let before = self.tasks.get(reservation.task)?.task.rest.as_deref();
        let failures = before.map_or(0, |rest| rest.failures);
        let pause_s = (1_i64 << failures.min(16)).min(REST_S_MAX);
        let from = match before.and_then(|rest| rest.from.clone()) {
            Some(Resting::Everybody) => Resting::Everybody,
            Some(Resting::Workers(workers)) if workers.len() >= RESTING_WORKERS_MAX => {
                Resting::Everybody
            }
            Some(Resting::Workers(mut workers)) => {
                if !workers.contains(&reservation.worker) {
                    workers.push(reservation.worker);
                }
                Resting::Workers(workers)
            }
            None => Resting::Workers(vec![reservation.worker]),
        };
        let until = now + Millis::secs(pause_s);
        Some(Rest { from: Some(from), until, failures: failures + 1 })
    }

    /// A task kept away for long enough.
    pub(super) fn rested(&mut self, turn: &mut Turn<'_>, sid: TaskSid) {
        let Some(rest) = self.tasks.get(sid).and_then(|state| state.task.rest.clone()) else {
            return;
        };
        self.record(turn, Change::TaskRested { task: sid, rest: Rest { from: None, ..*rest } });
    }

    /// Why an instruction that needs a call is not carried out. There are no calls here yet, so
    /// there always is a reason; those that would hold anyway come first.
    pub(super) fn trouble_with(&self, reservation: &Reservation, call: &CallInstruction) -> Alert {
        let is_pending = reservation.status == ReservationStatus::Pending;
        let unknown = |activity: &Option<ActivitySid>| {
            activity.is_some_and(|sid| !self.activities.contains_key(&sid))
        };
        let has_to = |to: &Option<String>| to.is_some() || self.has_contact(reservation.worker);
        let has = |keys: &[&str]| self.task_has(reservation.task, keys);
        if reservation.transfer.is_some() {
            match call {
                CallInstruction::Conference { .. }
                    if !names_conference(&self.attributes_of(reservation.task)) =>
                {
                    return Alert::TransferNoConference;
                }
                CallInstruction::Conference { .. } | CallInstruction::Supervise { .. } => {}
                CallInstruction::Call { .. }
                | CallInstruction::Redirect { .. }
                | CallInstruction::Dequeue { .. } => return Alert::TransferInstruction,
            }
        }
        match call {
            CallInstruction::Call { .. } if !is_pending => Alert::CallNotPending,
            CallInstruction::Call { to, .. } if !has_to(to) => Alert::CallTo,
            CallInstruction::Call { from: None, .. } => Alert::CallFrom,
            CallInstruction::Call { url: None, .. } => Alert::CallUrl,
            CallInstruction::Call { .. } => Alert::CallFailed,
            CallInstruction::Redirect { .. } if !is_pending => Alert::RedirectNotPending,
            CallInstruction::Redirect { url: None, .. } => Alert::RedirectUrl,
            CallInstruction::Redirect { call_sid: None, .. } => Alert::RedirectCallSid,
            CallInstruction::Redirect { .. } => Alert::RedirectFailed,
            CallInstruction::Dequeue { .. } if !is_pending => Alert::DequeueNotPending,
            CallInstruction::Dequeue { post_work_activity, .. } if unknown(post_work_activity) => {
                Alert::DequeueActivity
            }
            CallInstruction::Dequeue { to, .. } if !has_to(to) => Alert::DequeueTo,
            CallInstruction::Dequeue { .. } if !has(&["call_sid"]) => Alert::DequeueNoCall,
            CallInstruction::Dequeue { from: None, .. } if !has(&["to", "called"]) => {
                Alert::DequeueFrom
            }
            CallInstruction::Dequeue { .. } => Alert::DequeueFailed,
            CallInstruction::Conference { .. } if !is_pending => Alert::ConferenceNotPending,
            CallInstruction::Conference { post_work_activity, .. }
                if unknown(post_work_activity) =>
            {
                Alert::ConferenceActivity
            }
            CallInstruction::Conference { to, .. } if !has_to(to) => Alert::ConferenceTo,
            CallInstruction::Conference { .. } if !has(&["call_sid", "outbound_to"]) => {
                Alert::ConferenceNoCall
            }
            CallInstruction::Conference { from: None, .. } if !has(&["to", "called"]) => {
                Alert::ConferenceFrom
            }
            CallInstruction::Conference { .. } => Alert::ConferenceFailed,
            CallInstruction::Supervise { supervisor } => {
                match supervisor.and_then(|sid| self.workers.get(sid)) {
                    None => Alert::SuperviseWorker,
                    Some(_) if reservation.status != ReservationStatus::Accepted => {
                        Alert::SuperviseNotAccepted
                    }
                    Some(one) if !self.has_contact(one.worker.sid) => Alert::SuperviseContact,
                    Some(_) if !has(&["from"]) => Alert::SuperviseFrom,
                    Some(_) => Alert::SuperviseFailed,
                }
            }
        }
    }

    fn has_contact(&self, worker: WorkerSid) -> bool {
        self.workers.get(worker).is_some_and(|state| is_text(&state.value["contact_uri"]))
    }

    fn task_has(&self, task: TaskSid, keys: &[&str]) -> bool {
        let value = self.attributes_of(task);
        keys.iter().any(|key| is_text(&value[*key]))
    }

    fn attributes_of(&self, task: TaskSid) -> Value {
        let text = self.task(task).map(|task| task.attributes.text()).unwrap_or_default();
        serde_json::from_str(text).unwrap_or_default()
    }
}

/// The platform keeps a task's conference as `conference: {"sid": …}`, applications as a text.
fn names_conference(attributes: &Value) -> bool {
    is_text(&attributes["conference_sid"]) || is_text(&attributes["conference"]["sid"])
}

fn is_text(value: &Value) -> bool {
    value.as_str().is_some_and(|text| !text.is_empty())
}

/// What an instruction that comes too late is logged as.
fn late(answer: &CallbackAnswer) -> Option<Alert> {
    let CallbackAnswer::Do(Instruction::Call(call)) = answer else { return None };
    Some(match call {
        CallInstruction::Call { .. } => Alert::CallNotPending,
        CallInstruction::Redirect { .. } => Alert::RedirectNotPending,
        CallInstruction::Dequeue { .. } => Alert::DequeueNotPending,
        CallInstruction::Conference { .. } => Alert::ConferenceNotPending,
        CallInstruction::Supervise { .. } => Alert::SuperviseFailed,
    })
}
