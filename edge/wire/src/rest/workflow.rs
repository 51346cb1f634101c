//! A workflow over REST.

use crate::names::Place;
use crate::schema::{Kind, Schema, property};
use crate::{Iso, Links, Names};
use base::Sid;
use routing::{WorkflowSid, WorkspaceSid};
use serde::Serialize;

/// The shape.
#[derive(Clone, Debug, Serialize)]
pub struct Workflow<'a> {
    account_sid: Sid,
    assignment_callback_url: Option<&'a str>,
    configuration: &'a str,
    date_created: Iso,
    date_updated: Iso,
    document_content_type: &'a str,
    fallback_assignment_callback_url: Option<&'a str>,
    friendly_name: &'a str,
    sid: WorkflowSid,
    task_reservation_timeout: u32,
    workspace_sid: WorkspaceSid,
    url: String,
    links: Links,
}

impl<'a> Workflow<'a> {
    /// As the published document has it.
    pub const SCHEMA: Schema = Schema {
        name: "taskrouter.v1.workspace.workflow",
        properties: &[
            property("account_sid", Kind::Sid("AC")),
            property("assignment_callback_url", Kind::Url),
            property("configuration", Kind::Text),
            property("date_created", Kind::Date),
            property("date_updated", Kind::Date),
            property("document_content_type", Kind::Text),
            property("fallback_assignment_callback_url", Kind::Url),
            property("friendly_name", Kind::Text),
            property("sid", Kind::Sid("WW")),
            property("task_reservation_timeout", Kind::Integer),
            property("workspace_sid", Kind::Sid("WS")),
            property("url", Kind::Url),
            property("links", Kind::Urls),
        ],
    };

    /// As a caller sees it.
    pub fn new(workflow: &'a routing::Workflow, names: Names<'a>, base: &str) -> Self {
        let place = Place::of(base, names.workspace_sid());
        let below = |path: &str| place.below(format_args!("Workflows/{}{path}", workflow.sid));
        Self {
            account_sid: names.account,
            assignment_callback_url: workflow.assignment_callback_url.as_deref(),
            configuration: &workflow.configuration,
            date_created: Iso(workflow.created_at),
            date_updated: Iso(workflow.updated_at),
            document_content_type: &workflow.document_content_type,
            fallback_assignment_callback_url: workflow.fallback_assignment_callback_url.as_deref(),
            friendly_name: &workflow.friendly_name,
            sid: workflow.sid,
            task_reservation_timeout: workflow.task_reservation_timeout_s,
            workspace_sid: names.workspace_sid(),
            url: below(""),
            links: Links::default()
                .to("statistics", below("/Statistics"))
                .to("real_time_statistics", below("/RealTimeStatistics"))
                .to("cumulative_statistics", below("/CumulativeStatistics")),
        }
    }
}
