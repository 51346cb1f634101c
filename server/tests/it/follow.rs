//! Following objects over the client libraries' socket: what a permission keeps from whom, and what
//! a restart keeps.

use crate::{
    caller::{ACCOUNT, Server},
    socket::{Socket, strangers_token, token},
    table::stranger,
};
use serde_json::{Value, json};
use sync::{
    Action, Caller, Command, Rights, ServiceSid, Target,
    service::{ServiceCommand, Settings},
};

async fn enforce(server: &Server, acl_enabled: bool) {
    let account = ACCOUNT.parse().unwrap();
    let directory = server.running.host.directory();
    let update = ServiceCommand::Update {
        account,
        account_created_at: directory.account(account).unwrap().created_at,
        service: ServiceSid::default_of(account),
        settings: Settings { acl_enabled: Some(acl_enabled), ..Settings::default() },
    };
    server.running.host.sync_service(update).await.unwrap();
}

async fn allow(server: &Server, object: &Value, identity: &str, read: bool) {
    let object = object.as_str().unwrap().parse().unwrap();
    let rights = Rights { read, ..Rights::default() };
    let action =
        Action::SetPermission { object: Target::of(object), identity: identity.into(), rights };
    let service = ServiceSid::default_of(ACCOUNT.parse().unwrap());
    let command = Command { service, caller: Caller::System, action };
    server.running.host.sync(command).await.unwrap();
}

#[tokio::test]
async fn a_permission_counts_from_the_next_event_on() {
    let server = Server::start().await;
    let address = server.running.addr;
    let [mut ann, mut bob, mut eve] = [
        Socket::open(address, &token("ann")).await,
        Socket::open(address, &token("bob")).await,
        Socket::open(address, &token("eve")).await,
    ];
    let (status, made) = ann.ask("POST", "/v3/Maps", &json!({"unique_name": "m"})).await;
    assert_eq!(status, 201, "{made}");
    let (sid, path) = (&made["sid"], format!("/v3/Maps/{}", made["sid"].as_str().unwrap()));
    for socket in [&mut ann, &mut bob, &mut eve] {
        socket.follow(sid, "map").await;
    }
    let put = |n: u32| json!({"data": {"n": n}});
    assert_eq!(ann.ask("PUT", &format!("{path}/Items/k"), &put(1)).await.0, 201);
    for socket in [&mut ann, &mut bob, &mut eve] {
        assert_eq!(socket.told().await["event"]["item_data"]["n"], 1);
    }

    allow(&server, sid, "bob", true).await;
    enforce(&server, true).await;
    assert_eq!(ann.ask("PUT", &format!("{path}/Items/k"), &put(2)).await.0, 200);
    assert_eq!(ann.told().await["event"]["item_data"]["n"], 2, "who made it may read it");
    assert_eq!(bob.told().await["event"]["item_data"]["n"], 2);
    let told = eve.told().await;
    assert_eq!(told["event_type"], "subscription_failed", "{told}");
    assert_eq!(told["event"]["error"]["code"], 54007);

    assert_eq!(bob.ask("PUT", &format!("{path}/Items/k"), &put(3)).await.0, 403);
    assert_eq!(eve.ask("GET", &path, &json!({})).await.0, 403);
    let one = json!({"object_sid": sid, "object_type": "map", "last_event_id": 0});
    let again = json!({"action": "establish", "correlation_id": 8, "requests": [one]});
    assert_eq!(eve.ask("POST", "/v4/Subscriptions", &again).await.0, 200);
    let told = eve.told().await;
    assert_eq!(
        (&told["event_type"], &told["correlation_id"]),
        (&json!("subscription_failed"), &json!(8))
    );

    allow(&server, sid, "bob", false).await;
    assert_eq!(bob.told().await["event_type"], "subscription_failed");
    allow(&server, sid, "eve", true).await;
    assert_eq!(eve.ask("POST", "/v4/Subscriptions", &again).await.0, 200);
    assert_eq!(eve.told().await["event"]["id"], 1, "what was missed comes first");
    assert_eq!(eve.told().await["event"]["id"], 2);
    assert_eq!(eve.told().await["event_type"], "subscription_established");
}

#[tokio::test]
async fn what_was_missed_is_told_after_a_restart_with_its_own_numbers() {
    let server = Server::start().await;
    let mut ann = Socket::open(server.running.addr, &token("ann")).await;
    let list = json!({"unique_name": "l", "context": {"made": "with", "n": 1.0}});
    let (_, made) = ann.ask("POST", "/v3/Lists", &list).await;
    let items = format!("/v3/Lists/{}/Items", made["sid"].as_str().unwrap());
    for n in 0..250 {
        assert_eq!(ann.ask("POST", &items, &json!({"data": {"n": n}})).await.0, 201);
    }
    let Server { running, folder } = server;
    running.stop().await;
    let server = Server::again(folder, |_| {}).await;
    let mut ann = Socket::open(server.running.addr, &token("ann")).await;
    let context = made["links"]["context"].as_str().unwrap();
    let context = context.strip_prefix("https://cds.us1.twilio.com").unwrap();
    let (status, told) = ann.ask("GET", context, &Value::Null).await;
    assert_eq!((status, &told["last_event_id"]), (200, &json!(250)));
    assert_eq!(told["data"].to_string(), r#"{"made":"with","n":1.0}"#);
    assert_eq!(ann.ask("GET", "/v3/Lists/l", &Value::Null).await.1.get("data"), None);
    let one = json!({"object_sid": made["sid"], "object_type": "list", "last_event_id": 10});
    let body = json!({"action": "establish", "correlation_id": "c", "requests": [one]});
    assert_eq!(ann.ask("POST", "/v4/Subscriptions", &body).await.0, 200);
    for id in 11..=250 {
        let told = ann.told().await;
        assert_eq!((&told["event"]["id"], &told["correlation_id"]), (&json!(id), &json!("c")));
        assert_eq!(told["event"]["item_data"]["n"], id - 1);
    }
    let told = ann.told().await;
    assert_eq!(told["event"]["last_event_id"], 250);
    assert_eq!(ann.ask("POST", &items, &json!({"data": {}})).await.0, 201);
    assert_eq!(ann.told().await["event"]["id"], 251, "numbers go on");
}

#[tokio::test]
async fn one_account_sees_nothing_of_another() {
    let server = Server::start().await;
    let mut ann = Socket::open(server.running.addr, &token("ann")).await;
    let (_, made) = ann.ask("POST", "/v3/Documents", &json!({"data": {"n": 1}})).await;
    let path = made["url"].as_str().unwrap().strip_prefix(wire::cds::BASE).unwrap().to_owned();
    assert_eq!(ann.ask("GET", &path, &json!({})).await.1["data"]["n"], 1);
    let elsewhere = path.replace(made["service_sid"].as_str().unwrap(), &format!("IS{:032x}", 9));
    assert_eq!(ann.ask("GET", &elsewhere, &json!({})).await.0, 404);
    let sid = format!("ET{:032x}", 9);
    let one = json!({"object_sid": sid, "object_type": "document", "last_event_id": 0});
    let wrong = json!({"object_sid": made["sid"], "object_type": "map", "last_event_id": 0});
    let body = json!({"action": "establish", "correlation_id": 1, "requests": [one, wrong]});
    assert_eq!(ann.ask("POST", "/v4/Subscriptions", &body).await.0, 200);
    for _ in 0..2 {
        let told = ann.told().await;
        assert_eq!(told["event_type"], "subscription_failed");
        assert_eq!(told["event"]["error"]["status"], 404);
    }
}

#[tokio::test]
async fn a_caller_of_another_account_sees_nothing_over_its_own_socket() {
    let server = Server::start().await;
    stranger(&server).await;
    let mut ann = Socket::open(server.running.addr, &token("ann")).await;
    let mut eve = Socket::open(server.running.addr, &strangers_token("ann")).await;
    let (_, made) = ann.ask("POST", "/v3/Maps", &json!({"unique_name": "m"})).await;
    let path = format!("/v3/Maps/{}", made["sid"].as_str().unwrap());
    ann.follow(&made["sid"], "map").await;
    for there in [&*path, "/v3/Maps/m", made["url"].as_str().unwrap()] {
        let there = there.strip_prefix(wire::cds::BASE).unwrap_or(there);
        assert_eq!(eve.ask("GET", there, &json!({})).await.0, 404, "{there}");
        let put = eve.ask("PUT", &format!("{there}/Items/k"), &json!({"data": {"n": 9}})).await;
        assert_eq!(put.0, 404, "{there}: {}", put.1);
        assert_eq!(eve.ask("DELETE", there, &json!({})).await.0, 404, "{there}");
    }
    let one = json!({"object_sid": made["sid"], "object_type": "map", "last_event_id": 0});
    let body = json!({"action": "establish", "correlation_id": 1, "requests": [one]});
    assert_eq!(eve.ask("POST", "/v4/Subscriptions", &body).await.0, 200);
    assert_eq!(eve.told().await["event"]["error"]["status"], 404);
    let (status, own) = eve.ask("POST", "/v3/Maps", &json!({"unique_name": "m"})).await;
    assert_eq!(status, 201, "names of accounts do not meet: {own}");
    assert_ne!(own["service_sid"], made["service_sid"]);
    eve.follow(&own["sid"], "map").await;
    for (socket, sid, n) in [(&mut ann, &made["sid"], 1), (&mut eve, &own["sid"], 2)] {
        let path = format!("/v3/Maps/{}/Items/k", sid.as_str().unwrap());
        assert_eq!(socket.ask("PUT", &path, &json!({"data": {"n": n}})).await.0, 201);
    }
    for (socket, n) in [(&mut ann, 1), (&mut eve, 2)] {
        assert_eq!(socket.told().await["event"]["item_data"]["n"], n);
        let path = format!("/v3/Documents/{n}");
        assert_eq!(socket.ask("GET", &path, &json!({})).await.0, 404);
        assert!(!socket.knows_more(), "nobody hears of the other's");
    }
}

#[tokio::test]
async fn a_log_that_does_not_reach_back_is_never_stepped_over() {
    let server = Server::with(|config| config.sync.events_kept = 5).await;
    let mut ann = Socket::open(server.running.addr, &token("ann")).await;
    let (_, made) = ann.ask("POST", "/v3/Maps", &json!({"unique_name": "m"})).await;
    let path = format!("/v3/Maps/{}/Items/k", made["sid"].as_str().unwrap());
    for n in 1..=20 {
        let status = ann.ask("PUT", &path, &json!({"data": {"n": n}})).await.0;
        assert!(matches!(status, 200 | 201));
    }
    let ask = async |socket: &mut Socket, after: u64, correlation: u64| {
        let one = json!({"object_sid": made["sid"], "object_type": "map", "last_event_id": after});
        let body = json!({"action": "establish", "correlation_id": correlation, "requests": [one]});
        assert_eq!(socket.ask("POST", "/v4/Subscriptions", &body).await.0, 200);
    };
    ask(&mut ann, 3, 1).await;
    let told = ann.told().await;
    assert_eq!(told["event"]["replay_status"], "interrupted", "nothing before that: {told}");
    assert_eq!(told["event"]["last_event_id"], 3);
    assert_eq!(ann.ask("PUT", &path, &json!({"data": {"n": 21}})).await.0, 200);
    ask(&mut ann, 3, 2).await;
    let told = ann.told().await;
    assert_eq!(told["event_type"], "subscription_failed", "no event in between: {told}");
    assert_eq!(
        told["event"]["error"],
        json!({
            "status": 410, "code": 20410,
            "message": "What was missed is no longer kept: open the object again",
        })
    );
    // Opened again, it knows where it is.
    let (_, opened) = ann.ask("GET", "/v3/Maps/m", &json!({})).await;
    ask(&mut ann, opened["last_event_id"].as_u64().unwrap(), 3).await;
    assert_eq!(ann.told().await["event"]["replay_status"], "completed");
    assert_eq!(ann.ask("PUT", &path, &json!({"data": {"n": 22}})).await.0, 200);
    assert_eq!(ann.told().await["event"]["id"], 22);
    // What is still in the log is told.
    ask(&mut ann, 20, 4).await;
    for id in [21, 22] {
        assert_eq!(ann.told().await["event"]["id"], id);
    }
    assert_eq!(ann.told().await["event"]["replay_status"], "completed");
}

#[tokio::test]
async fn a_list_has_a_context_whoever_may_read_it_asks_for() {
    let server = Server::start().await;
    let mut ann = Socket::open(server.running.addr, &token("ann")).await;
    let mut bob = Socket::open(server.running.addr, &token("bob")).await;
    let none = Value::Null;
    assert_eq!(ann.ask("POST", "/v3/Lists", &json!({"unique_name": "bare"})).await.0, 201);
    let (status, told) = ann.ask("GET", "/v3/Lists/bare/Context", &none).await;
    assert_eq!((status, &told["data"]), (200, &json!({})), "{told}");
    for wrong in [json!("text"), json!([1])] {
        let (status, body) = ann.ask("POST", "/v3/Lists", &json!({"context": wrong})).await;
        assert_eq!((status, &body["code"]), (400, &json!(54008)), "{body}");
    }
    let big = json!({"context": {"pad": "x".repeat(20_000)}});
    assert_eq!(ann.ask("POST", "/v3/Lists", &big).await.0, 413);
    assert_eq!(ann.ask("GET", "/v3/Lists/nobody/Context", &none).await.1["code"], 54300);
    assert_eq!(ann.ask("GET", "/v3/Maps/bare/Context", &none).await.0, 404);
    enforce(&server, true).await;
    let (status, body) = bob.ask("GET", "/v3/Lists/bare/Context", &none).await;
    assert_eq!((status, &body["code"]), (403, &json!(54007)));
}

#[tokio::test]
async fn a_body_that_is_no_json_is_refused_with_the_code_for_it() {
    let server = Server::start().await;
    let mut ann = Socket::open(server.running.addr, &token("ann")).await;
    for path in ["/v3/Documents", "/v3/Maps", "/v3/Lists", "/v3/Streams"] {
        for body in ["{\"data\":", "nonsense", "{\"unique_name\":5}", "{\"data\":{}}}"] {
            let (status, told) = ann.ask_raw("POST", path, body).await;
            assert_eq!((status, &told["code"]), (400, &json!(54008)), "{path} {body}: {told}");
        }
    }
}
