//! Changes to tasks by request, and how tasks end.
//!
//! * A task's events come before those of its reservations when it completes, wraps or is
//!   canceled.

use super::{Handled, Turn, check_input, matches, task_create::check_start, unknown};
use crate::{
    change::Change,
    command::{IfMatch, Reply, TaskPatch},
    deadlines::is_readable,
    event::EventKind,
    limits::{DISPOSITION_CODE_CHARS_MAX, PRIORITY_MAX, REASON_CHARS_MAX},
    model::*,
    rejection::Rejection,
    state::Routing,
    workflow::Step,
};
use base::Timestamp;

impl Routing {
    /// A live task; one that ended a short while ago is refused with its status.
    pub(super) fn live_task(
        &self,
        sid: TaskSid,
        if_match: IfMatch,
        now: Timestamp,
    ) -> Result<&Task, Rejection> {
        if let Some(state) = self.tasks.get(sid) {
            matches(if_match, state.task.version)?;
            return Ok(&state.task);
        }
        let task = self.ended_task(sid, now).ok_or_else(|| unknown(sid.sid()))?;
        matches(if_match, task.version)?;
        Err(not(task, "it has ended"))
    }

    pub(crate) fn ended_task(&self, sid: TaskSid, now: Timestamp) -> Option<&Task> {
        let task = &self.ended.tasks.get(sid)?.task;
        task.ended_at.is_some_and(|at| is_readable(at, now)).then_some(task)
    }

    pub(super) fn update_task_fields(
        &mut self,
        turn: &mut Turn<'_>,
        sid: TaskSid,
        if_match: IfMatch,
        patch: &TaskPatch,
    ) -> Handled {
        let task = match (self.live_task(sid, if_match, turn.now), patch.status) {
            // In the words of every other refusal of that status: clients read them in races.
            (Err(Rejection::TaskStatus { task, status, .. }), Some(asked)) => {
                let because = disallowed(asked, status).unwrap_or("it has ended");
                return Err(Rejection::TaskStatus { task, status, because });
            }
            (task, _) => task?.clone(),
        };
        self.check_patch(turn, &task, patch)?;
        let again = self.check_again(turn, &task, patch)?;
        let version = self.change_fields(turn, &task, patch)?;
        if let Some(step) = again {
            self.enter_workflow(turn, sid, step);
        }
        match patch.status {
            Some(TaskStatus::Canceled) => {
                self.cancel_at(turn, sid, patch.reason.as_deref().unwrap_or_default(), version);
            }
            Some(TaskStatus::Wrapping) => self.wrap_task(turn, sid, patch.reason.clone(), version),
            Some(TaskStatus::Completed) => {
                self.complete_task(turn, sid, patch.reason.clone(), version);
            }
            _ => {}
        }
        Ok(Reply::Task(self.task(sid).cloned().unwrap_or(task)))
    }

    fn check_patch(
        &mut self,
        turn: &Turn<'_>,
        task: &Task,
        patch: &TaskPatch,
    ) -> Result<(), Rejection> {
        if let Some(priority) = patch.priority {
            check_input::within("Priority", priority, 0, PRIORITY_MAX)?;
        }
        if let Some(at) = patch.virtual_start_at {
            check_start(at, turn.now)?;
        }
        if let Some(channel) = &patch.task_channel {
            let channel = self.channel_in(channel)?;
            let is_free = task.status == TaskStatus::Pending && self.open_of(task.sid).is_empty();
            if channel != task.task_channel && !is_free {
                return Err(not(task, "is not pending, so its channel stays"));
            }
        }
        if let Some(attributes) = &patch.attributes {
            self.check_attributes(attributes)?;
        }
        match patch.status {
            Some(status) => check_status(task, status, patch),
            None => Ok(()),
        }
    }

    /// Where new attributes lead a pending task, before anything is recorded.
    fn check_again(
        &mut self,
        turn: &Turn<'_>,
        task: &Task,
        patch: &TaskPatch,
    ) -> Result<Option<Step>, Rejection> {
        let Some(attributes) = &patch.attributes else { return Ok(None) };
        let is_driven = task.status == TaskStatus::Pending
            && task.current_walk().is_some()
            && patch.status.is_none()
            && *attributes != task.attributes;
        let Some(workflow) = task.workflow.filter(|_| is_driven) else { return Ok(None) };
        let value = self.value_of(attributes);
        let configuration = self.workflows.get(&workflow).map(|state| &state.configuration);
        let step = configuration.and_then(|one| one.entry(&value, self.outlook(turn.now)));
        step.map(Some).ok_or(Rejection::NoTarget)
    }

    /// Records the fields that change; returns the version that the request leads to.
    pub(super) fn change_fields(
        &mut self,
        turn: &mut Turn<'_>,
        task: &Task,
        patch: &TaskPatch,
    ) -> Result<u64, Rejection> {
        let channel = match &patch.task_channel {
            Some(channel) => Some(self.channel_in(channel)?),
            None => None,
        };
        let attributes = patch.attributes.clone().filter(|new| *new != task.attributes);
        let priority = patch.priority.filter(|new| *new != task.priority);
        let task_channel = channel.filter(|new| *new != task.task_channel);
        let virtual_start_at = patch.virtual_start_at.filter(|new| *new != task.virtual_start_at);
        let changes = attributes.is_some()
            || priority.is_some()
            || task_channel.is_some()
            || virtual_start_at.is_some();
        let version = task.version + u64::from(changes || patch.status.is_some());
        if changes {
            let change = Change::TaskUpdated {
                task: task.sid,
                attributes,
                priority,
                task_channel,
                virtual_start_at,
                version,
                at: turn.now,
            };
            self.record(turn, change);
            self.tell_task(turn, EventKind::TaskUpdated, task.sid);
        }
        Ok(version)
    }

    /// Gives a pending or reserved task up.
    pub(super) fn cancel(&mut self, turn: &mut Turn<'_>, sid: TaskSid, reason: &str) {
        let Some(state) = self.tasks.get(sid) else { return };
        let version = state.task.version + 1;
        self.cancel_at(turn, sid, reason, version);
    }

    fn cancel_at(&mut self, turn: &mut Turn<'_>, task: TaskSid, reason: &str, version: u64) {
        self.call_transfer_off(turn, task);
        let open = self.open_of(task);
        let at = turn.now;
        let mut told = Vec::with_capacity(open.len());
        for reservation in open {
            let (change, kind) = self.withdrawal(reservation, at);
            self.record(turn, change);
            told.push((kind, reservation));
        }
        let reason = reason.to_owned();
        self.record(turn, Change::TaskCanceled { task, reason, version, at });
        self.tell_task(turn, EventKind::TaskCanceled, task);
        for (kind, reservation) in told {
            self.tell_reservation(turn, kind, reservation);
        }
    }

    /// How an open reservation ends when its task goes away: an offer is withdrawn, work is over.
    fn withdrawal(&self, reservation: ReservationSid, at: Timestamp) -> (Change, EventKind) {
        match self.reservations.get(reservation).map(|reservation| reservation.status) {
            Some(ReservationStatus::Pending) => {
                (Change::ReservationCanceled { reservation, at }, EventKind::ReservationCanceled)
            }
            _ => {
                (Change::ReservationCompleted { reservation, at }, EventKind::ReservationCompleted)
            }
        }
    }

    pub(super) fn wrap_task(
        &mut self,
        turn: &mut Turn<'_>,
        task: TaskSid,
        reason: Option<String>,
        version: u64,
    ) {
        let open = self.open_with(task, |status| status == ReservationStatus::Accepted);
        let at = turn.now;
        for reservation in &open {
            self.record(turn, Change::ReservationWrapped { reservation: *reservation, at });
        }
        self.record(turn, Change::TaskWrapped { task, reason, version, at });
        self.tell_task(turn, EventKind::TaskWrapup, task);
        for reservation in open {
            self.tell_reservation(turn, EventKind::ReservationWrapup, reservation);
        }
    }

    pub(super) fn complete_task(
        &mut self,
        turn: &mut Turn<'_>,
        task: TaskSid,
        reason: Option<String>,
        version: u64,
    ) {
        let open = self.open_of(task);
        let at = turn.now;
        for reservation in &open {
            self.record(turn, Change::ReservationCompleted { reservation: *reservation, at });
        }
        self.record(turn, Change::TaskCompleted { task, reason, version, at });
        self.tell_task(turn, EventKind::TaskCompleted, task);
        for reservation in open {
            self.tell_reservation(turn, EventKind::ReservationCompleted, reservation);
        }
    }

    /// Open reservations of a live task.
    pub(super) fn open_of(&self, task: TaskSid) -> Vec<ReservationSid> {
        self.tasks.get(task).map(|state| state.open.clone()).unwrap_or_default()
    }

    /// Those of them that stand so.
    pub(super) fn open_with(
        &self,
        task: TaskSid,
        stands: impl Fn(ReservationStatus) -> bool,
    ) -> Vec<ReservationSid> {
        let mut open = self.open_of(task);
        open.retain(|sid| self.reservations.get(*sid).is_some_and(|one| stands(one.status)));
        open
    }

    pub(super) fn remove_task(
        &mut self,
        turn: &mut Turn<'_>,
        sid: TaskSid,
        if_match: IfMatch,
    ) -> Handled {
        let live = self.tasks.get(sid).map(|state| &state.task);
        let task = live.or_else(|| self.ended_task(sid, turn.now));
        matches(if_match, task.ok_or_else(|| unknown(sid.sid()))?.version)?;
        self.delete(turn, sid, EventKind::TaskDeleted);
        Ok(Reply::Done)
    }

    /// Removes a task in any state: offers are withdrawn, work on it is over.
    pub(super) fn delete(&mut self, turn: &mut Turn<'_>, task: TaskSid, kind: EventKind) {
        let at = turn.now;
        self.call_transfer_off(turn, task);
        for reservation in self.open_of(task) {
            let (change, kind) = self.withdrawal(reservation, at);
            self.record(turn, change);
            self.tell_reservation(turn, kind, reservation);
        }
        self.tell_task(turn, kind, task);
        let change = match kind {
            EventKind::TaskSystemDeleted => Change::TaskSystemDeleted { task, at },
            _ => Change::TaskDeleted { task, at },
        };
        self.record(turn, change);
    }

    pub(super) fn dispose(
        &mut self,
        turn: &mut Turn<'_>,
        sid: TaskSid,
        code: &str,
        note: Option<&str>,
    ) -> Handled {
        let live = self.tasks.get(sid).map(|state| &state.task);
        let task = live.or_else(|| self.ended_task(sid, turn.now));
        let task = task.ok_or_else(|| unknown(sid.sid()))?;
        use TaskStatus::{Assigned, Completed, Wrapping};
        if !matches!(task.status, Assigned | Wrapping | Completed) {
            return Err(not(task, "is not assigned, wrapping or completed"));
        }
        if code.trim().is_empty() {
            return Err(Rejection::Required("Code"));
        }
        check_input::at_most("Code", code, DISPOSITION_CODE_CHARS_MAX)?;
        check_input::at_most("Note", note.unwrap_or_default(), REASON_CHARS_MAX)?;
        let note = note.filter(|note| !note.is_empty()).map(str::to_owned);
        let disposition = Disposition { code: code.to_owned(), note, set_at: turn.now };
        self.record(turn, Change::DispositionSet { task: sid, disposition });
        self.task(sid).cloned().map(Reply::Task).ok_or_else(|| unknown(sid.sid()))
    }
}

/// Whether a request may ask for the status, and from where.
fn check_status(task: &Task, status: TaskStatus, patch: &TaskPatch) -> Result<(), Rejection> {
    use TaskStatus::{Assigned, Canceled, Pending, Reserved, Wrapping};
    if matches!(status, Pending | Reserved | Assigned) {
        let message = "canceled, wrapping or completed was expected".to_owned();
        return Err(Rejection::Invalid { parameter: "AssignmentStatus", message });
    }
    if let Some(because) = disallowed(status, task.status) {
        return Err(not(task, because));
    }
    match (status, patch.reason.as_deref()) {
        (Wrapping, None) => {}
        (_, reason) => check_input::reason(reason.unwrap_or_default())?,
    }
    if status != Canceled && patch.attributes.is_some() {
        let message = "attributes and this status take two requests".to_owned();
        return Err(Rejection::Invalid { parameter: "Attributes", message });
    }
    Ok(())
}

/// Why a task cannot go to the status `asked`, coming from `status`.
fn disallowed(asked: TaskStatus, status: TaskStatus) -> Option<&'static str> {
    use TaskStatus::{Assigned, Canceled, Completed, Pending, Reserved, Wrapping};
    match (asked, status) {
        (Canceled, Pending | Reserved) | (Wrapping, Assigned) => None,
        (Completed, Assigned | Wrapping) => None,
        (Canceled, _) => Some("is not pending or reserved"),
        (Wrapping, _) => Some("is not assigned"),
        (Completed, _) => Some("is not assigned or wrapping"),
        (Pending | Reserved | Assigned, _) => None,
    }
}

pub(super) fn not(task: &Task, because: &'static str) -> Rejection {
    Rejection::TaskStatus { task: task.sid, status: task.status, because }
}
