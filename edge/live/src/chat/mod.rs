//! The visitor's page: a request for help without an account, and its place in the queue.
//!
//! * A visitor is shown one task's place, and the agent's name once it is taken; nothing else.
//! * The task is made inside the server; the visitor chooses name, topic and text, nothing more.
//! * Requests are bound per address and in all, sockets per task.

mod bounds;
mod crowd;
mod request;
mod token;
mod updates;

use crate::answer;
use axum::{
    Router,
    extract::{DefaultBodyLimit, State},
    http::StatusCode,
    response::Response,
    routing::{get, post},
};
use bounds::{Addresses, Sockets};
use crowd::Crowd;
use host::{Host, Names};
use routing::{WorkflowSid, WorkspaceSid};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use token::Signer;

/// The largest request: every character of name, topic and text escaped.
const BODY_BYTES_MAX: usize = 32 * 1024;
/// The workspace that is meant where none is named.
const WORKSPACE_NAME: &str = "Demo";

/// Where visitors' requests go, and what they may be about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Demo {
    /// The workspace; else the newest one called `Demo`, else the only one.
    pub workspace: Option<WorkspaceSid>,
    /// The workflow; else the workspace's oldest.
    pub workflow: Option<WorkflowSid>,
    /// What a request may be about.
    pub topics: Vec<Topic>,
}

/// What a request may be about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Topic {
    /// Its name for programs: the task's attribute `topic`.
    pub id: String,
    /// Its name for people.
    pub label: String,
}

impl Default for Demo {
    fn default() -> Self {
        let topic = |id: &str, label: &str| Topic { id: id.to_owned(), label: label.to_owned() };
        let topics = vec![
            topic("order", "An order"),
            topic("billing", "A bill"),
            topic("technical", "Something does not work"),
            topic("other", "Something else"),
        ];
        Self { workspace: None, workflow: None, topics }
    }
}

/// What every request needs.
#[derive(Clone)]
struct Desk(Arc<Shared>);

struct Shared {
    host: Host,
    demo: Demo,
    signer: Signer,
    addresses: Addresses,
    crowd: Crowd,
    sockets: Arc<Sockets>,
}

/// The three paths.
pub(crate) fn router(host: Host, demo: Demo) -> Router {
    let (signer, addresses) = (Signer::new(), Addresses::default());
    let (crowd, sockets) = (Crowd::default(), Arc::new(Sockets::default()));
    let desk = Desk(Arc::new(Shared { host, demo, signer, addresses, crowd, sockets }));
    Router::new()
        .route("/chat/demo/topics", get(topics))
        .route("/chat/demo/requests", post(request::make))
        .route("/chat/demo/updates", get(updates::open))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(desk)
}

#[derive(Serialize)]
struct Topics<'a> {
    topics: &'a [Topic],
}

async fn topics(State(desk): State<Desk>) -> Response {
    answer::json(StatusCode::OK, &Topics { topics: &desk.0.demo.topics })
}

impl Shared {
    /// Where requests go now: the demo's workspace may be made after the server started.
    fn workspace(&self) -> Option<Arc<Names>> {
        if let Some(sid) = self.demo.workspace {
            return self.host.names(sid);
        }
        let all: Vec<Arc<Names>> =
            self.host.workspaces().into_iter().filter_map(|sid| self.host.names(sid)).collect();
        let called = |names: &&Arc<Names>| names.workspace.friendly_name == WORKSPACE_NAME;
        match (all.iter().rfind(called), all.as_slice()) {
            (Some(demo), _) => Some(demo.clone()),
            (None, [only]) => Some(only.clone()),
            (None, _) => None,
        }
    }
}
