//! Workflows.

use super::{Handled, Turn, check_input, unknown};
use crate::{
    change::Change,
    command::{NewWorkflow, Reply, WorkflowPatch},
    event::{EventKind, Setting},
    limits::{RESERVATION_TIMEOUT_S_DEFAULT, RESERVATION_TIMEOUT_S_MAX},
    model::*,
    real_time::Whole,
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

    pub(super) fn delete_workflow(&mut self, turn: &mut Turn<'_>, sid: WorkflowSid) -> Handled {
        let state = self.workflows.get(&sid).ok_or_else(|| unknown(sid.sid()))?;
        let workflow = state.workflow.clone();
        if self.tallies.has_live(Whole::Workflow(sid)) {
            let because = "tasks run under it".to_owned();
            return Err(Rejection::InUse { sid: sid.sid(), because });
        }
        self.record(turn, Change::WorkflowDeleted(sid));
        self.tell(turn, EventKind::WorkflowDeleted, Setting::Workflow(workflow));
        Ok(Reply::Done)
    }
}
