//! The workspace itself: made with what every workspace starts with.

use super::{Handled, Turn, check_input};
use crate::{
    change::Change,
    command::{NewWorkspace, Reply, Template, WorkspacePatch},
    event::{EventKind, Setting},
    limits::RESERVATION_TIMEOUT_S_DEFAULT,
    model::*,
    rejection::Rejection,
    state::Routing,
};
use base::{Patch, Sid};

/// The activities every workspace starts with; the first is its default and timeout activity.
const ACTIVITIES: [(&str, bool); 3] =
    [("Offline", false), ("Unavailable", false), ("Available", true)];
/// The task channels every workspace starts with.
const CHANNELS: [(&str, &str); 5] = [
    ("default", "Default"),
    ("voice", "Voice"),
    ("sms", "SMS"),
    ("chat", "Chat"),
    ("video", "Video"),
];

impl Routing {
    pub(super) fn create_workspace(&mut self, turn: &mut Turn<'_>, new: &NewWorkspace) -> Handled {
        if let Some(workspace) = &self.workspace {
            let message = format!("this is workspace {} already", workspace.sid);
            return Err(Rejection::Invalid { parameter: "Sid", message });
        }
        check_input::name("FriendlyName", &new.friendly_name)?;
        check_input::url("EventCallbackUrl", new.event_callback_url.as_deref())?;
        check_input::events_filter(new.events_filter.as_deref())?;
        let sid = new.sid.unwrap_or_else(|| WorkspaceSid::new(turn.next_id()));
        let activities = ACTIVITIES.map(|(name, available)| Activity {
            sid: ActivitySid::new(turn.next_id()),
            friendly_name: name.to_owned(),
            available,
            created_at: turn.now,
            updated_at: turn.now,
        });
        let workspace = Workspace {
            sid,
            account: new.account.unwrap_or(Sid::new(*b"AC", 0)),
            friendly_name: new.friendly_name.clone(),
            event_callback_url: new.event_callback_url.clone(),
            events_filter: new.events_filter.clone(),
            default_activity: activities[0].sid,
            timeout_activity: activities[0].sid,
            multi_task_enabled: new.multi_task_enabled.unwrap_or(true),
            prioritize_queue_order: new.prioritize_queue_order.unwrap_or_default(),
            after_last_target: AfterLastTarget::default(),
            created_at: turn.now,
            updated_at: turn.now,
        };
        self.record(turn, Change::WorkspaceCreated(Box::new(workspace.clone())));
        self.tell(turn, EventKind::WorkspaceCreated, Setting::Workspace(workspace.clone()));
        for activity in activities {
            self.record(turn, Change::ActivityCreated(activity.clone()));
            self.tell(turn, EventKind::ActivityCreated, Setting::Activity(activity));
        }
        for (unique_name, friendly_name) in CHANNELS {
            self.add_channel(turn, unique_name, friendly_name, false);
        }
        if new.template == Template::Fifo {
            self.add_fifo_template(turn);
        }
        Ok(Reply::Workspace(workspace))
    }

    fn add_fifo_template(&mut self, turn: &mut Turn<'_>) {
        let queue = TaskQueueSid::new(turn.next_id());
        self.add_queue(
            turn,
            TaskQueue {
                sid: queue,
                friendly_name: "Sample Queue".to_owned(),
                target_workers: "1==1".to_owned(),
                task_order: TaskOrder::Fifo,
                max_reserved_workers: 1,
                reservation_activity: None,
                assignment_activity: None,
                created_at: turn.now,
                updated_at: turn.now,
            },
        );
        let workflow = Workflow {
            sid: WorkflowSid::new(turn.next_id()),
            friendly_name: "Default Fifo Workflow".to_owned(),
            configuration: format!(
                r#"{{"task_routing":{{"filters":[],"default_filter":{{"queue":"{queue}"}}}}}}"#
            ),
            revision: 1,
            assignment_callback_url: None,
            fallback_assignment_callback_url: None,
            task_reservation_timeout_s: RESERVATION_TIMEOUT_S_DEFAULT,
            document_content_type: "application/json".to_owned(),
            created_at: turn.now,
            updated_at: turn.now,
        };
        self.record(turn, Change::WorkflowCreated(Box::new(workflow.clone())));
        self.tell(turn, EventKind::WorkflowCreated, Setting::Workflow(workflow));
    }

    pub(super) fn update_workspace(
        &mut self,
        turn: &mut Turn<'_>,
        patch: &WorkspacePatch,
    ) -> Handled {
        check_input::new_name("FriendlyName", patch.friendly_name.as_deref())?;
        check_input::new_url("EventCallbackUrl", &patch.event_callback_url)?;
        if let Patch::Set(filter) = &patch.events_filter {
            check_input::events_filter(Some(filter))?;
        }
        let old = self.workspace();
        if patch.multi_task_enabled == Some(false) && old.multi_task_enabled {
            return Err(Rejection::MultiTaskIsForEver);
        }
        let mut new = old.clone();
        if let Some(sid) = patch.default_activity {
            new.default_activity = self.activity_in("DefaultActivitySid", sid)?.sid;
        }
        if let Some(sid) = patch.timeout_activity {
            new.timeout_activity = self.activity_in("TimeoutActivitySid", sid)?.sid;
        }
        if let Some(name) = &patch.friendly_name {
            new.friendly_name = name.clone();
        }
        patch.event_callback_url.clone().apply(&mut new.event_callback_url);
        patch.events_filter.clone().apply(&mut new.events_filter);
        new.multi_task_enabled = patch.multi_task_enabled.unwrap_or(new.multi_task_enabled);
        new.prioritize_queue_order =
            patch.prioritize_queue_order.unwrap_or(new.prioritize_queue_order);
        new.after_last_target = patch.after_last_target.unwrap_or(new.after_last_target);
        if new != *old {
            new.updated_at = turn.now;
            self.record(turn, Change::WorkspaceUpdated(Box::new(new.clone())));
            self.tell(turn, EventKind::WorkspaceUpdated, Setting::Workspace(new.clone()));
        }
        Ok(Reply::Workspace(new))
    }

    pub(super) fn delete_workspace(&mut self, turn: &mut Turn<'_>) -> Handled {
        let workspace = self.workspace().clone();
        self.record(turn, Change::WorkspaceDeleted);
        self.tell(turn, EventKind::WorkspaceDeleted, Setting::Workspace(workspace));
        Ok(Reply::Done)
    }
}
