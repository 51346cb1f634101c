//! Planted values must not come out: not in logs, not on stdout, not in metrics or error bodies.

use crate::caller::{Caller, Got};
use crate::{
    caller::{ACCOUNT, ADMIN_PASSWORD, Folder, KEY, KEY_SECRET, TOKEN},
    program::Program,
    socket::{Socket, token as spoken_token},
};
use serde_json::json;

const PASSWORD: &str = "planted-user-password";
const ATTRIBUTE: &str = "planted-attribute";
const REASON: &str = "planted-reason";
const PAYLOAD: &str = "planted-payload";

#[tokio::test]
async fn planted_secrets_stay_inside() {
    let folder = Folder::new();
    let program = Program::start(&folder, &["--log", "trace"]);
    let address = program.url.strip_prefix("http://").unwrap().parse().unwrap();
    let nobody = Caller::at(address);
    let owner = nobody.clone().basic(ACCOUNT, TOKEN);
    let mut refusals = String::new();
    let mut refused = |got: Got| {
        assert!(got.status >= 400, "{}: {}", got.status, got.text());
        refusals.push_str(&got.text());
    };

    let (workspace, worker) = crate::caller::worker(&owner, "Ann").await;
    let base = format!("/taskrouter/v1/Workspaces/{workspace}");
    let attributes = json!({"note": ATTRIBUTE}).to_string();
    let form = [("Attributes", attributes.as_str())];
    assert_eq!(owner.post(&format!("{base}/Workers/{worker}"), &form).await.status, 200);
    let broken = format!("{{\"note\": \"{ATTRIBUTE}\"");
    refused(owner.post(&format!("{base}/Workers/{worker}"), &[("Attributes", &broken)]).await);
    let task = [("Attributes", attributes.as_str()), ("RoutingTarget", worker.as_str())];
    let made = owner.post(&format!("{base}/Tasks"), &task).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let sid = made.json()["sid"].as_str().unwrap().to_owned();
    let cancel = [("AssignmentStatus", "canceled"), ("Reason", REASON)];
    let path = format!("{base}/Tasks/{sid}");
    owner.post(&path, &cancel).await;
    refused(owner.post(&path, &[("AssignmentStatus", "nonsense"), ("Reason", REASON)]).await);

    let new = json!({
        "username": "ann", "password": PASSWORD, "role": "agent", "worker_sid": worker,
    });
    assert_eq!(owner.post_json("/sinew/v1/Users", &new).await.status, 201);
    refused(owner.post_json("/sinew/v1/Users", &new).await);
    refused(
        owner.post_json("/sinew/v1/Users", &json!({"username": 7, "password": PASSWORD})).await,
    );
    let sign_in = json!({"username": "ann", "password": PASSWORD});
    let began = nobody.post_json("/sinew/v1/Session", &sign_in).await;
    let cookie = began.header("set-cookie").split(';').next().unwrap().to_owned();
    let ann = nobody.clone().with("cookie", &cookie).with("x-sinew-csrf", "1");
    let minted = ann.post_json("/sinew/v1/Session/Token", &json!({})).await.json();
    let token = minted["token"].as_str().unwrap().to_owned();
    let spoken = spoken_token("ann");
    let mut socket = Socket::open(address, &spoken).await;
    let body = json!({"unique_name": "planted", "data": {"note": PAYLOAD}});
    let (status, document) = socket.ask("POST", "/v3/Documents", &body).await;
    assert_eq!((status, &document["data"]["note"]), (201, &json!(PAYLOAD)));
    socket.follow(&document["sid"], "document").await;
    assert_eq!(socket.ask("POST", "/v3/Documents/planted", &body).await.0, 200);
    assert_eq!(socket.told().await["event"]["document_data"]["note"], PAYLOAD);
    let (status, problem) = socket.ask("POST", "/v3/Documents", &json!({"data": [PAYLOAD]})).await;
    assert_eq!(status, 400);
    refusals.push_str(&problem.to_string());
    let mut refused = |got: Got| {
        assert!(got.status >= 400, "{}: {}", got.status, got.text());
        refusals.push_str(&got.text());
    };
    refused(nobody.clone().basic(ACCOUNT, KEY_SECRET).get(&path).await);
    refused(nobody.clone().basic(KEY, TOKEN).get(&path).await);
    let bearer = nobody.clone().with("authorization", &format!("Bearer {token}"));
    refused(bearer.get("/sinew/v1/Users").await);
    refused(nobody.get(&format!("/v1/wschannels?token={token}x")).await);
    refused(
        nobody.post_json("/sinew/v1/Session", &json!({"username": "ann", "password": TOKEN})).await,
    );
    let evaluate = json!({"context": "filter", "expression": "(", "task": {"note": ATTRIBUTE}});
    refused(owner.post_json("/sinew/v1/Expressions/Evaluate", &evaluate).await);

    let metrics = nobody.get("/metrics").await.text();
    let (out, log) = program.stop();
    let cookie = cookie.split_once('=').unwrap().1.to_owned();
    let drawn = [token.as_str(), &spoken, &cookie];
    let given = [TOKEN, KEY_SECRET, ADMIN_PASSWORD, PASSWORD, ATTRIBUTE, REASON, PAYLOAD, "argon2"];
    let planted = drawn.into_iter().chain(given);
    let places = [("stdout", out), ("log", log), ("metrics", metrics), ("problems", refusals)];
    for (place, text) in &places {
        for secret in planted.clone() {
            assert!(!text.contains(secret), "{place} holds {secret}");
        }
    }
    assert!(places[1].1.contains("task.create"), "the log was looked at while it had something");
}
