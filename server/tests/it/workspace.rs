//! A workspace to try decisions in: made over HTTP, on a clock that is moved by hand.

use crate::caller::{Caller, Server};
use serde_json::{Value, json};

/// A new workspace on a server of its own.
pub(crate) struct Workspace {
    pub(crate) server: Server,
    pub(crate) owner: Caller,
    pub(crate) sid: String,
    /// Its path.
    pub(crate) base: String,
    available: String,
}

impl Workspace {
    pub(crate) async fn open() -> Self {
        Self::with(|_| {}).await
    }

    /// The same with something else in the configuration.
    pub(crate) async fn with(change: impl FnOnce(&mut sinew::Config)) -> Self {
        let server = Server::with(|config| {
            config.clock = sinew::config::Clock::Manual;
            change(config);
        })
        .await;
        let owner = server.owner();
        let sid = owner.made("/taskrouter/v1/Workspaces", &[("FriendlyName", "W")]).await;
        let base = format!("/taskrouter/v1/Workspaces/{sid}");
        let listed = owner.get(&format!("{base}/Activities?Available=true")).await.json();
        let available = listed["activities"][0]["sid"].as_str().unwrap().to_owned();
        Self { server, owner, sid, base, available }
    }

    /// A queue for those who fit.
    pub(crate) async fn queue(&self, name: &str, target_workers: &str) -> String {
        let queue = [("FriendlyName", name), ("TargetWorkers", target_workers)];
        self.owner.made(&format!("{}/TaskQueues", self.base), &queue).await
    }

    /// A workflow with this configuration.
    pub(crate) async fn workflow(&self, name: &str, configuration: &Value) -> String {
        let configuration = configuration.to_string();
        let workflow = [("FriendlyName", name), ("Configuration", configuration.as_str())];
        self.owner.made(&format!("{}/Workflows", self.base), &workflow).await
    }

    /// Somebody who is available.
    pub(crate) async fn worker(&self, name: &str, attributes: &str) -> String {
        let form = [
            ("FriendlyName", name),
            ("ActivitySid", self.available.as_str()),
            ("Attributes", attributes),
        ];
        self.owner.made(&format!("{}/Workers", self.base), &form).await
    }
}

/// Everything goes to one queue.
pub(crate) fn straight_to(queue: &str) -> Value {
    json!({"task_routing": {"default_filter": {"queue": queue}}})
}
