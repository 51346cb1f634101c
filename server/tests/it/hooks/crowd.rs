//! Hundreds of tasks whose callbacks are answered badly or not at all, at one URL.

use super::{ACCEPT, Floor, by_hand};
use crate::peer::{Peer, Say};
use serde_json::json;

const SILENT: usize = 150;
/// How many of each other kind.
const OF_EACH: usize = 30;

impl Floor {
    /// A worker who may have very many tasks.
    async fn add_busy_worker(&self, name: &str, available: &str) {
        let form = [("FriendlyName", name), ("ActivitySid", available)];
        let worker = self.made("/Workers", &form).await;
        let channel = self.at(&format!("/Workers/{worker}/Channels/default"));
        assert_eq!(self.owner.post(&channel, &[("Capacity", "1000")]).await.status, 200);
    }

    async fn task_of_kind(&self, workflow: &str, kind: &str) -> String {
        let attributes = json!({"kind": kind}).to_string();
        let form = [("WorkflowSid", workflow), ("Attributes", attributes.as_str())];
        self.made("/Tasks", &form).await
    }

    async fn all_become(&self, tasks: &[String], wanted: &str) {
        for task in tasks {
            self.becomes(task, wanted).await;
        }
    }
}

/// The clock stands still: whatever waited for the time of another callback would wait for ever.
#[tokio::test]
async fn hundreds_of_bad_answers_at_the_same_url_delay_no_other_task() {
    let peer = Peer::start().await;
    let floor = Floor::open(by_hand, &[]).await;
    let listed = floor.owner.get(&floor.at("/Activities?Available=true")).await.json();
    let available = listed["activities"][0]["sid"].as_str().unwrap().to_owned();
    floor.add_busy_worker("ann", &available).await;
    let bad = [
        ("wrong", Say::Json(500, "{}")),
        ("unparsable", Say::Json(200, "{")),
        ("huge", Say::Endless),
        ("closed", Say::Close),
        ("garbage", Say::Raw("What?\r\n\r\n")),
        ("slow", Say::Slowly(200, r#"{"instruction": "accept"}"#)),
    ];
    peer.says("/assign {\"kind\":\"silent\"}", [Say::Nothing]);
    for (kind, say) in &bad {
        peer.says(&format!("/assign {{\"kind\":\"{kind}\"}}"), [say.clone()]);
    }
    peer.says("/assign {\"kind\":\"good\"}", [ACCEPT]);
    peer.says("/fallback", [ACCEPT]);
    let workflow = floor.workflow(&[peer.url("/assign"), peer.url("/fallback")]).await;
    let (mut silent, mut others) = (Vec::new(), Vec::new());
    for _ in 0..SILENT {
        silent.push(floor.task_of_kind(&workflow, "silent").await);
    }
    peer.hears("/assign", SILENT).await;
    for _ in 0..OF_EACH {
        for (kind, _) in &bad {
            others.push(floor.task_of_kind(&workflow, kind).await);
        }
        let good = floor.task_of_kind(&workflow, "good").await;
        floor.becomes(&good, "assigned").await;
    }
    floor.all_become(&others, "assigned").await;
    for task in &silent {
        assert_eq!(floor.status(task).await, "reserved", "it is still waited for");
    }
    floor.advance(5_000).await;
    floor.all_become(&silent, "assigned").await;
    assert_eq!(peer.heard("/fallback").len(), SILENT + 5 * OF_EACH, "all but the slow ones");
}
