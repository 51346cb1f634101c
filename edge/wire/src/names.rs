//! What a shape needs to know besides its entity: who owns it and what its neighbours are called.

use base::Sid;
use routing::{
    Activity, ActivitySid, TaskChannel, TaskChannelSid, TaskQueueSid, WorkflowSid, Workspace,
    WorkspaceSid,
};
use std::{collections::BTreeMap, sync::Arc};

/// The small things of one workspace, borrowed from whoever keeps them.
#[derive(Clone, Copy, Debug)]
pub struct Names<'a> {
    /// The account that owns the workspace.
    pub account: Sid,
    /// The workspace.
    pub workspace: &'a Workspace,
    /// All activities.
    pub activities: &'a BTreeMap<ActivitySid, Activity>,
    /// Names of all queues.
    pub queues: &'a BTreeMap<TaskQueueSid, Arc<str>>,
    /// Names of all workflows.
    pub workflows: &'a BTreeMap<WorkflowSid, Arc<str>>,
    /// All task channels.
    pub channels: &'a BTreeMap<TaskChannelSid, TaskChannel>,
}

impl<'a> Names<'a> {
    /// The workspace's SID.
    pub fn workspace_sid(&self) -> WorkspaceSid {
        self.workspace.sid
    }

    /// An activity's name and availability.
    pub fn activity(&self, sid: ActivitySid) -> Option<&'a Activity> {
        self.activities.get(&sid)
    }

    /// An activity's name, if one is named.
    pub(crate) fn activity_name(&self, sid: Option<ActivitySid>) -> Option<&'a str> {
        self.activities.get(&sid?).map(|activity| activity.friendly_name.as_str())
    }

    pub(crate) fn queue_name(&self, sid: Option<TaskQueueSid>) -> Option<&'a str> {
        self.queues.get(&sid?).map(AsRef::as_ref)
    }

    pub(crate) fn workflow_name(&self, sid: Option<WorkflowSid>) -> Option<&'a str> {
        self.workflows.get(&sid?).map(AsRef::as_ref)
    }

    pub(crate) fn channel_name(&self, sid: TaskChannelSid) -> Option<&'a str> {
        self.channels.get(&sid).map(|channel| channel.unique_name.as_str())
    }
}

/// Where resources of one workspace live, below the product's base URL.
#[derive(Clone, Debug)]
pub(crate) struct Place(String);

impl Place {
    pub(crate) fn of(base: &str, workspace: WorkspaceSid) -> Self {
        Self(format!("{base}/v1/Workspaces/{workspace}"))
    }

    /// The workspace itself.
    pub(crate) fn workspace(&self) -> String {
        self.0.clone()
    }

    /// A resource below it.
    pub(crate) fn below(&self, path: impl std::fmt::Display) -> String {
        format!("{}/{path}", self.0)
    }
}
