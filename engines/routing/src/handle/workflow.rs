//! Workflows.

use super::{Handled, Turn, check_input, unknown};
use crate::{
    change::Change,
    command::{NewWorkflow, Reply, WorkflowPatch},
    event::{EventKind, Setting},
    limits::{RESERVATION_TIMEOUT_S_DEFAULT, RESERVATION_TIMEOUT_S_MAX},
    model::*,
    rejection::Rejection,
    state::Routing,
    workflow,
};

const TIMEOUT: &str = "TaskReservationTimeout";

impl Routing {
    pub(super) fn create_workflow(&mut self, turn: &mut Turn<'_>, new: &NewWorkflow) -> Handled {
        check_input::name("FriendlyName", &new.friendly_name)?;
        check_input::url("AssignmentCallbackUrl", new.assignment_callback_url.as_deref())?;
        let fallback = new.fallback_assignment_callback_url.as_deref();
        check_input::url("FallbackAssignmentCallbackUrl", fallback)?;
        let timeout_s = new.task_reservation_timeout_s.unwrap_or(RESERVATION_TIMEOUT_S_DEFAULT);
        check_input::within(TIMEOUT, timeout_s, 1, RESERVATION_TIMEOUT_S_MAX)?;
        self.check_configuration(&new.configuration)?;
        let workflow = Workflow {
            sid: WorkflowSid::new(turn.next_id()),
            friendly_name: new.friendly_name.clone(),
            configuration: new.configuration.clone(),
            revision: 1,
            assignment_callback_url: new.assignment_callback_url.clone(),
            fallback_assignment_callback_url: new.fallback_assignment_callback_url.clone(),
            task_reservation_timeout_s: timeout_s,
            document_content_type: "application/json".to_owned(),
            created_at: turn.now,
            updated_at: turn.now,
        };
        self.record(turn, Change::WorkflowCreated(Box::new(workflow.clone())));
        self.tell(turn, EventKind::WorkflowCreated, Setting::Workflow(workflow.clone()));
        Ok(Reply::Workflow(workflow))
    }

    fn check_configuration(&self, text: &str) -> Result<(), Rejection> {
        if text.trim().is_empty() {
            return Err(Rejection::Required("Configuration"));
        }
        workflow::read(text, &|sid| self.queues.contains_key(&sid)).map(|_| ())
    }

    pub(super) fn update_workflow(
        &mut self,
        turn: &mut Turn<'_>,
        sid: WorkflowSid,
        patch: &WorkflowPatch,
    ) -> Handled {
        let old = &self.workflows.get(&sid).ok_or_else(|| unknown(sid.sid()))?.workflow;
        check_input::new_name("FriendlyName", patch.friendly_name.as_deref())?;
        check_input::new_url("AssignmentCallbackUrl", &patch.assignment_callback_url)?;
        let fallback = &patch.fallback_assignment_callback_url;
        check_input::new_url("FallbackAssignmentCallbackUrl", fallback)?;
        let mut new = old.clone();
        if let Some(timeout_s) = patch.task_reservation_timeout_s {
            check_input::within(TIMEOUT, timeout_s, 1, RESERVATION_TIMEOUT_S_MAX)?;
            new.task_reservation_timeout_s = timeout_s;
        }
        if let Some(text) = patch.configuration.as_ref().filter(|text| **text != new.configuration)
        {
            self.check_configuration(text)?;
            new.configuration = text.clone();
            new.revision += 1;
        }
        if let Some(name) = &patch.friendly_name {
            new.friendly_name = name.clone();
        }
        patch.assignment_callback_url.clone().apply(&mut new.assignment_callback_url);
        fallback.clone().apply(&mut new.fallback_assignment_callback_url);
        if new != *old {
            new.updated_at = turn.now;
            self.record(turn, Change::WorkflowUpdated(Box::new(new.clone())));
            self.tell(turn, EventKind::WorkflowUpdated, Setting::Workflow(new.clone()));
        }
        if patch.re_evaluate_tasks {
            self.drive_all_again(turn, sid);
        }
        Ok(Reply::Workflow(new))
    }

    /// Pending tasks go through the current configuration from the top. One that it has no place
    /// for stays where it is: an edit must not lose work.
    fn drive_all_again(&mut self, turn: &mut Turn<'_>, workflow: WorkflowSid) {
        for sid in self.tasks.sorted_keys() {
            let Some(state) = self.tasks.get(sid) else { continue };
            let task = &state.task;
            let is_driven = task.status == TaskStatus::Pending
                && task.workflow == Some(workflow)
                && task.walk.is_some();
            if is_driven && let Ok(step) = self.entry_of(turn, sid) {
                self.enter_workflow(turn, sid, step);
            }
        }
    }

    pub(super) fn delete_workflow(&mut self, turn: &mut Turn<'_>, sid: WorkflowSid) -> Handled {
        let state = self.workflows.get(&sid).ok_or_else(|| unknown(sid.sid()))?;
        let workflow = state.workflow.clone();
        if self.tasks.any(|state| state.task.workflow == Some(sid)) {
            let because = "tasks run under it".to_owned();
            return Err(Rejection::InUse { sid: sid.sid(), because });
        }
        self.record(turn, Change::WorkflowDeleted(sid));
        self.tell(turn, EventKind::WorkflowDeleted, Setting::Workflow(workflow));
        Ok(Reply::Done)
    }
}
