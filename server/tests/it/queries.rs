//! Live queries over the client libraries' socket: what one holds, who may ask, and what is told.

use crate::{
    caller::{Caller, Server, worker},
    socket::{Socket, routing_token, token, token_by},
    table::{STRANGER, STRANGERS_KEY, stranger},
};
use serde_json::{Value, json};

async fn ask(socket: &mut Socket, index: &str, query: &str) -> (u16, Value) {
    let body = json!({"query_string": query, "type": "live_query"});
    socket.ask("POST", &format!("/v3/Insights/{index}/Items"), &body).await
}

fn establish(page: &Value, index: &str, query: &str, after: &Value) -> Value {
    let one = json!({
        "object_sid": page["query_id"], "object_type": "live_query", "last_event_id": after,
        "index_name": index, "query_string": query,
    });
    json!({"action": "establish", "correlation_id": 7, "requests": [one]})
}

/// What is told next must be of this type.
async fn told(socket: &mut Socket, event_type: &str) -> Value {
    let told = socket.told().await;
    assert_eq!(told["event_type"], event_type, "{told}");
    told["event"].clone()
}

async fn activity(owner: &Caller, workspace: &str, available: bool) -> String {
    let path = format!("/taskrouter/v1/Workspaces/{workspace}/Activities?Available={available}");
    owner.get(&path).await.json()["activities"][0]["sid"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_item_is_the_object_of_the_wire_with_its_attributes_as_a_value() {
    let server = Server::start().await;
    let owner = server.owner();
    let (workspace, sid) = worker(&owner, "Ann").await;
    let at = format!("/taskrouter/v1/Workspaces/{workspace}");
    let attributes = "{\"level\": 3,\r\n \"rate\": 1.50, \"big\": 12345678901234567890}";
    let form = [("Attributes", attributes)];
    assert_eq!(owner.post(&format!("{at}/Workers/{sid}"), &form).await.status, 200);
    let queue = owner.made(&format!("{at}/TaskQueues"), &[("FriendlyName", "All")]).await;
    let configuration = json!({"task_routing": {"default_filter": {"queue": queue}}}).to_string();
    let form = [("FriendlyName", "To all"), ("Configuration", &*configuration)];
    let workflow = owner.made(&format!("{at}/Workflows"), &form).await;
    let mut boss =
        Socket::open(server.running.addr, &routing_token("boss", "supervisor", &workspace)).await;
    let (status, page) = ask(&mut boss, "tr-worker", "data.attributes.level == 3").await;
    assert_eq!(status, 200, "{page}");
    assert_eq!(page["items"].as_array().unwrap().len(), 1);
    let item = &page["items"][0];
    assert_eq!(item["key"], sid.as_str());
    let big: Value = serde_json::from_str("12345678901234567890").unwrap();
    assert_eq!(item["data"]["attributes"], json!({"level": 3, "rate": 1.50, "big": big}));

    // The same entity as the TaskRouter library reads it.
    let host = &server.running.host;
    let names = host.names(workspace.parse().unwrap()).unwrap();
    let names = wire::Names {
        account: names.account,
        workspace: &names.workspace,
        activities: &names.activities,
        queues: &names.queues,
        workflows: &names.workflows,
        channels: &names.channels,
    };
    let row: routing::Worker = host.fetch(&workspace, &sid).unwrap().unwrap();
    let mut shown = serde_json::to_value(wire::bridge::Worker::new(&row, 0, names)).unwrap();
    shown["attributes"] = item["data"]["attributes"].clone();
    assert_eq!(item["data"], shown);

    let (_, page) = ask(&mut boss, "tr-queue", "data.friendly_name == 'All'").await;
    assert_eq!(page["items"].as_array().unwrap().len(), 1);
    for item in page["items"].as_array().unwrap() {
        let row: routing::TaskQueue =
            host.fetch(&workspace, item["key"].as_str().unwrap()).unwrap().unwrap();
        let shown = serde_json::to_value(wire::bridge::TaskQueue::new(&row, names)).unwrap();
        assert_eq!(item["data"], shown);
    }
    let form = [("ActivitySid", &*activity(&owner, &workspace, true).await)];
    assert_eq!(owner.post(&format!("{at}/Workers/{sid}"), &form).await.status, 200);
    let form = [("WorkflowSid", &*workflow), ("Attributes", "{\"case\": 7}")];
    let task = owner.made(&format!("{at}/Tasks"), &form).await;
    let (_, page) = ask(&mut boss, "tr-reservation", "data.task.attributes.case == 7").await;
    let item = &page["items"][0];
    let row: routing::Reservation =
        host.fetch(&workspace, item["key"].as_str().unwrap()).unwrap().unwrap();
    let task: routing::Task = host.fetch(&workspace, &task).unwrap().unwrap();
    let bridged = wire::bridge::Reservation::new(&row, &task, Some("Ann"), names, task.created_at);
    let mut shown = serde_json::to_value(bridged).unwrap();
    shown["task"]["attributes"] = json!({"case": 7});
    shown["task"]["age"] = item["data"]["task"]["age"].clone();
    assert!(shown["task"]["age"].is_i64());
    assert_eq!(item["data"], shown);
    let (_, page) = ask(&mut boss, "tr-task", "").await;
    let mut of_task = page["items"][0]["data"].clone();
    of_task["age"] = shown["task"]["age"].clone();
    assert_eq!(of_task, shown["task"]);
}

#[tokio::test]
async fn what_happens_is_told_with_numbers_that_go_on_after_a_restart() {
    let server = Server::start().await;
    let (workspace, sid) = worker(&server.owner(), "Ann").await;
    let at = format!("/taskrouter/v1/Workspaces/{workspace}/Workers/{sid}");
    let (yes, no) = (
        activity(&server.owner(), &workspace, true).await,
        activity(&server.owner(), &workspace, false).await,
    );
    let boss_token = routing_token("boss", "supervisor", &workspace);
    let mut boss = Socket::open(server.running.addr, &boss_token).await;
    let text = "data.available == true";
    let (_, page) = ask(&mut boss, "tr-worker", text).await;
    assert_eq!(page["items"], json!([]));
    let after = &page["last_event_id"];
    let body = establish(&page, "tr-worker", text, after);
    assert_eq!(boss.ask("POST", "/v4/Subscriptions", &body).await.0, 200);
    let established = told(&mut boss, "subscription_established").await;
    assert_eq!(
        (&established["last_event_id"], &established["replay_status"]),
        (after, &json!("completed"))
    );

    server.owner().post(&at, &[("ActivitySid", &*yes)]).await;
    let came = told(&mut boss, "live_query_item_updated").await;
    assert_eq!((&came["item_key"], &came["query_id"]), (&json!(sid), &page["query_id"]));
    assert_eq!(came["item_data"]["available"], true);
    let number = |event: &Value| event["last_event_id"].as_u64().unwrap();
    assert!(number(&came) > after.as_u64().unwrap());
    assert_eq!(came["item_revision"], came["last_event_id"]);
    server.owner().post(&at, &[("ActivitySid", &*no)]).await;
    let left = told(&mut boss, "live_query_item_removed").await;
    assert!(number(&left) > number(&came), "{left}");

    let cancel = json!({"action": "cancel", "correlation_id": 8, "requests": [
        {"object_sid": page["query_id"], "object_type": "live_query"}]});
    assert_eq!(boss.ask("POST", "/v4/Subscriptions", &cancel).await.0, 200);
    told(&mut boss, "subscription_canceled").await;
    server.owner().post(&at, &[("ActivitySid", &*yes)]).await;

    let Server { running, folder } = server;
    running.stop().await;
    let server = Server::again(folder, |_| {}).await;
    let mut boss = Socket::open(server.running.addr, &boss_token).await;
    let body = establish(&page, "tr-worker", text, &left["last_event_id"]);
    assert_eq!(boss.ask("POST", "/v4/Subscriptions", &body).await.0, 200);
    let whole = told(&mut boss, "live_query_updated").await;
    assert_eq!(whole["items"][0]["key"], json!(sid), "what was missed");
    assert!(number(&whole) > number(&left), "numbers go on: {whole}");
    let established = told(&mut boss, "subscription_established").await;
    // Who knows the newest change of all misses nothing, whatever was restarted.
    let body = establish(&page, "tr-worker", text, &established["last_event_id"]);
    assert_eq!(boss.ask("POST", "/v4/Subscriptions", &body).await.0, 200);
    assert_eq!(told(&mut boss, "subscription_established").await, established);
    server.owner().post(&at, &[("ActivitySid", &*no)]).await;
    let left = told(&mut boss, "live_query_item_removed").await;
    assert!(number(&left) > number(&whole), "{left}");
}

#[tokio::test]
async fn only_who_supervises_the_workspace_may_ask() {
    let server = Server::start().await;
    let (workspace, _) = worker(&server.owner(), "Ann").await;
    let address = server.running.addr;
    let mut agent = Socket::open(address, &routing_token("ann", "worker", &workspace)).await;
    let mut nobody = Socket::open(address, &token("bob")).await;
    let unknown = format!("WS{:032x}", 9);
    let mut lost = Socket::open(address, &routing_token("eve", "supervisor", &unknown)).await;
    let mut boss = Socket::open(address, &routing_token("boss", "supervisor", &workspace)).await;
    let (_, page) = ask(&mut boss, "tr-worker", "").await;
    for socket in [&mut agent, &mut nobody, &mut lost] {
        let (status, body) = ask(socket, "tr-worker", "").await;
        assert_eq!((status, &body["code"]), (403, &json!(20403)));
        // Whoever knows its name does not get around that.
        let body = establish(&page, "tr-worker", "", &json!(0));
        assert_eq!(socket.ask("POST", "/v4/Subscriptions", &body).await.0, 200);
        let failed = told(socket, "subscription_failed").await;
        assert_eq!(failed["error"]["status"], 403, "{failed}");
    }
    let (status, body) = ask(&mut boss, "tr-nothing", "").await;
    assert_eq!(status, 404, "{body}");
    for wrong in ["data.", "level > 1", "data.level >> 1"] {
        let (status, body) = ask(&mut boss, "tr-worker", wrong).await;
        assert_eq!((status, &body["code"]), (400, &json!(54507)), "{wrong}: {body}");
        let mut body = establish(&page, "tr-worker", wrong, &json!(0));
        body["correlation_id"] = json!(wrong);
        assert_eq!(boss.ask("POST", "/v4/Subscriptions", &body).await.0, 200);
        let failed = told(&mut boss, "subscription_failed").await;
        assert_eq!(
            (&failed["error"]["status"], &failed["error"]["code"]),
            (&json!(400), &json!(54507))
        );
    }
    let (status, body) = boss.ask("POST", "/v3/Insights/tr-worker/Items", &json!({})).await;
    assert_eq!((status, &body["code"]), (400, &json!(54507)));
    let form = [("FriendlyName", "gone")];
    let at = format!("/taskrouter/v1/Workspaces/{workspace}");
    assert_eq!(server.owner().post(&at, &form).await.status, 200);
    let body = establish(&page, "tr-worker", "", &page["last_event_id"]);
    assert_eq!(boss.ask("POST", "/v4/Subscriptions", &body).await.0, 200);
    told(&mut boss, "subscription_established").await;
    assert_eq!(server.owner().delete(&at).await.status, 204);
    let failed = told(&mut boss, "subscription_failed").await;
    assert_eq!(
        (&failed["error"]["status"], &failed["object_type"]),
        (&json!(404), &json!("live_query"))
    );
    assert_eq!(ask(&mut boss, "tr-worker", "").await.0, 403);
}

#[tokio::test]
async fn who_no_longer_supervises_is_told_nothing_more() {
    let server = Server::start().await;
    let (workspace, _) = worker(&server.owner(), "Ann").await;
    let by = |role: &str| routing_token("boss", role, &workspace);
    let mut boss = Socket::open(server.running.addr, &by("worker")).await;
    assert_eq!(ask(&mut boss, "tr-worker", "").await.0, 403);
    assert_eq!(boss.renew(&by("supervisor")).await, 200);
    let (status, page) = ask(&mut boss, "tr-worker", "").await;
    assert_eq!(status, 200, "a new token may give a role: {page}");
    let body = establish(&page, "tr-worker", "", &page["last_event_id"]);
    assert_eq!(boss.ask("POST", "/v4/Subscriptions", &body).await.0, 200);
    told(&mut boss, "subscription_established").await;
    assert_eq!(boss.renew(&by("supervisor")).await, 200);
    let workers = format!("/taskrouter/v1/Workspaces/{workspace}/Workers");
    server.owner().made(&workers, &[("FriendlyName", "Bea")]).await;
    told(&mut boss, "live_query_item_updated").await;
    assert_eq!(boss.renew(&by("worker")).await, 200);
    let failed = told(&mut boss, "subscription_failed").await;
    assert_eq!(failed["error"]["status"], 403, "{failed}");
    server.owner().made(&workers, &[("FriendlyName", "Cid")]).await;
    assert_eq!(ask(&mut boss, "tr-worker", "").await.0, 403);
    assert!(!boss.knows_more(), "nothing of it was told");
}

#[tokio::test]
async fn another_accounts_token_sees_nothing_here() {
    let server = Server::start().await;
    let (workspace, _) = worker(&server.owner(), "Ann").await;
    stranger(&server).await;
    let grant = access::token::TaskRouterGrant {
        workspace_sid: Some(workspace.parse().unwrap()),
        worker_sid: None,
        role: Some("supervisor".to_owned()),
    };
    let theirs = token_by((STRANGERS_KEY, STRANGER, "strange"), "boss", Some(grant));
    let mut boss = Socket::open(server.running.addr, &theirs).await;
    assert_eq!(ask(&mut boss, "tr-worker", "").await.0, 403);
    let ours = routing_token("boss", "supervisor", &workspace);
    let (_, page) = ask(&mut Socket::open(server.running.addr, &ours).await, "tr-worker", "").await;
    let body = establish(&page, "tr-worker", "", &json!(0));
    assert_eq!(boss.ask("POST", "/v4/Subscriptions", &body).await.0, 200);
    let failed = told(&mut boss, "subscription_failed").await;
    assert_eq!(failed["error"]["status"], 403, "{failed}");
}

#[tokio::test]
async fn documented_rates_hold_for_live_queries() {
    let server = Server::with(|config| config.limits = api::Limits::Compat).await;
    let (workspace, _) = worker(&server.owner(), "Ann").await;
    let boss = routing_token("boss", "supervisor", &workspace);
    let mut boss = Socket::open(server.running.addr, &boss).await;
    let began = std::time::Instant::now();
    let mut answered = 0;
    let refused = loop {
        let (status, body) = ask(&mut boss, "tr-worker", "").await;
        if status != 200 {
            break (status, body["code"].clone());
        }
        answered += 1;
    };
    assert_eq!(refused, (429, json!(54009)));
    let most = 240 + 20 * began.elapsed().as_secs();
    assert!((200..most).contains(&answered), "{answered} in {:?}", began.elapsed());
}
