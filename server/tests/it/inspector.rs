//! The inspector's API: what there is, who follows it, what is hot, what happened and what was.

use crate::{
    caller::{ADMIN_PASSWORD, Caller, Got, Server},
    socket::{Socket, token},
};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use std::time::Duration;

const SYNC: &str = "/sync/v1/Services/default";
const OURS: &str = "/sinew/v1/Sync/Services/default";
const PATIENCE: Duration = Duration::from_secs(60);

/// A server whose time is moved by hand.
async fn with_manual_clock() -> (Server, Caller) {
    let server = Server::with(|config| config.clock = sinew::config::Clock::Manual).await;
    let owner = server.owner();
    (server, owner)
}

async fn advance(owner: &Caller, ms: u64) -> String {
    let moved = owner.post_json("/sinew/v1/Clock", &json!({"advance_ms": ms})).await;
    assert_eq!(moved.status, 200, "{}", moved.text());
    moved.json()["now"].as_str().unwrap().to_owned()
}

async fn get(owner: &Caller, path: &str) -> Value {
    let got = owner.get(&format!("{OURS}{path}")).await;
    assert_eq!(got.status, 200, "{path}: {}", got.text());
    got.json()
}

fn told(got: &Got) -> (u16, u64) {
    (got.status, got.json()["code"].as_u64().unwrap_or_default())
}

async fn put(owner: &Caller, map: &str, key: &str, data: &str) {
    let path = format!("{SYNC}/Maps/{map}/Items");
    let got = owner.post(&format!("{path}/{key}"), &[("Data", data)]).await;
    if got.status == 404 {
        owner.post(&path, &[("Key", key), ("Data", data)]).await;
    }
}

/// All pages of something, as `next` leads.
async fn pages(owner: &Caller, path: &str, list: &str, parameter: &str) -> Vec<Value> {
    let (mut all, mut next) = (Vec::new(), Value::Null);
    loop {
        let more = match &next {
            Value::Null => String::new(),
            Value::String(text) => format!("&{parameter}={text}"),
            other => format!("&{parameter}={other}"),
        };
        let page = get(owner, &format!("{path}{more}")).await;
        all.extend(page[list].as_array().unwrap().iter().cloned());
        next = match page.get("next") {
            Some(next) => next.clone(),
            None => page["next_page_token"].clone(),
        };
        if next.is_null() {
            return all;
        }
    }
}

#[tokio::test]
async fn objects_are_found_by_kind_name_and_sid_with_what_they_are_used_for() {
    let server = Server::start().await;
    let owner = server.owner();
    let mut maps = Vec::new();
    for n in 0..30 {
        let name = format!("queue:{n:02}");
        maps.push(owner.made(&format!("{SYNC}/Maps"), &[("UniqueName", &name)]).await);
    }
    let document = [("UniqueName", "Hours"), ("Data", "{\"n\":1.0}")];
    let document = owner.made(&format!("{SYNC}/Documents"), &document).await;
    owner.made(&format!("{SYNC}/Streams"), &[]).await;

    let all = pages(&owner, "/Objects?PageSize=7", "objects", "PageToken").await;
    assert_eq!(all.len(), 32);
    let of_maps = pages(&owner, "/Objects?Kind=map&PageSize=7", "objects", "PageToken").await;
    let sids: Vec<&str> = of_maps.iter().map(|one| one["sid"].as_str().unwrap()).collect();
    assert_eq!(sids, maps, "as they were made");
    let named = pages(&owner, "/Objects?Filter=UEUE%3A2&PageSize=3", "objects", "PageToken").await;
    assert_eq!(named.len(), 10);
    assert_eq!(named[0]["unique_name"], "queue:20");
    assert_eq!(named[0].get("data"), None);
    let by_sid = get(&owner, &format!("/Objects?Filter={document}")).await;
    assert_eq!(by_sid["objects"][0]["unique_name"], "Hours");
    assert_eq!(get(&owner, "/Objects?Filter=nothing").await["objects"], json!([]));
    let elsewhere = get(&owner, &format!("/Objects?Kind=map&Filter={document}")).await;
    assert_eq!(elsewhere["objects"], json!([]));

    let got = owner.get(&format!("{OURS}/Objects/{document}")).await;
    assert!(got.text().contains("\"data\":{\"n\":1.0}"), "{}", got.text());
    let one = got.json();
    assert_eq!((&one["kind"], &one["event_id"]), (&json!("document"), &json!(0)));
    assert_eq!(one["acl"], json!({"enforced": false, "permissions": 0}));
    assert_eq!(one["writes_per_second"], 0.02, "it was made within the last minute");

    for (path, expected) in [
        ("/Objects?Kind=table", (400, 20001)),
        ("/Objects?PageToken=x", (400, 20001)),
        ("/Objects?PageSize=0", (400, 20001)),
        ("/Objects?PageSize=501", (400, 20001)),
        ("/Objects/Hours", (404, 20404)),
        ("/Objects/MP00000000000000000000000000000007", (404, 54200)),
    ] {
        assert_eq!(told(&owner.get(&format!("{OURS}{path}")).await), expected, "{path}");
    }
    let unknown = format!("/sinew/v1/Sync/Services/IS{:032x}/Objects", 7);
    assert_eq!(told(&owner.get(&unknown).await), (404, 54050));
}

#[tokio::test]
async fn administrators_and_keys_may_look_and_nobody_else() {
    let server = Server::start().await;
    let owner = server.owner();
    for (name, role) in [("sue", "supervisor"), ("ann", "agent")] {
        let body = json!({"username": name, "password": "long enough a password", "role": role});
        let made = owner.post_json("/sinew/v1/Users", &body).await;
        assert_eq!(made.status, 201, "{}", made.text());
        let person = server.signed_in(name, "long enough a password").await;
        for path in ["Objects", "Removed", "Removed/MP00000000000000000000000000000007"] {
            let got = person.get(&format!("{OURS}/{path}")).await;
            assert_eq!(told(&got), (403, 20403), "{role}: {path}");
        }
    }
    let admin = server.signed_in("admin", ADMIN_PASSWORD).await;
    assert_eq!(admin.get(&format!("{OURS}/Objects")).await.status, 200);
    let made = admin.post(&format!("{SYNC}/Maps"), &[("UniqueName", "m")]).await;
    assert_eq!(made.status, 201, "the page writes over the ordinary routes: {}", made.text());
}

#[tokio::test]
async fn items_are_paged_both_ways_and_found_by_what_they_hold() {
    let server = Server::start().await;
    let owner = server.owner();
    let map = owner.made(&format!("{SYNC}/Maps"), &[("UniqueName", "m")]).await;
    for n in 0..40 {
        put(&owner, "m", &format!("k{n:02}"), &format!("{{\"city\":\"Town {}\"}}", n % 10)).await;
    }
    let key = |item: &Value| item["key"].as_str().unwrap().to_owned();
    let path = format!("/Objects/{map}/Items?PageSize=9");
    let up: Vec<String> = pages(&owner, &path, "items", "After").await.iter().map(key).collect();
    assert_eq!(up, (0..40).map(|n| format!("k{n:02}")).collect::<Vec<_>>());
    let down = pages(&owner, &format!("{path}&Order=desc"), "items", "After").await;
    assert!(down.iter().map(key).eq(up.iter().rev().cloned()));
    let from = get(&owner, &format!("{path}&From=k07")).await;
    assert_eq!((key(&from["items"][0]), &from["next"]), ("k07".to_owned(), &json!("k15")));
    let found = pages(&owner, &format!("{path}&Filter=tOWN%203"), "items", "After").await;
    assert_eq!(found.iter().map(key).collect::<Vec<_>>(), ["k03", "k13", "k23", "k33"]);
    let by_key = get(&owner, &format!("{path}&Filter=K3")).await;
    assert_eq!(by_key["items"].as_array().unwrap().len(), 9);

    let list = owner.made(&format!("{SYNC}/Lists"), &[]).await;
    for _ in 0..3 {
        owner.post(&format!("{SYNC}/Lists/{list}/Items"), &[("Data", "{}")]).await;
    }
    let path = format!("/Objects/{list}/Items");
    let page = get(&owner, &format!("{path}?PageSize=2")).await;
    assert_eq!((&page["items"][1]["index"], &page["next"]), (&json!(1), &json!("1")));
    let rest = get(&owner, &format!("{path}?After=1")).await;
    assert_eq!((&rest["items"][0]["index"], &rest["next"]), (&json!(2), &Value::Null));
    for wrong in ["?From=x", "?After=-1", "?From=1&After=1", "?Order=up", "?PageSize=x"] {
        let got = owner.get(&format!("{OURS}{path}{wrong}")).await;
        assert_eq!(told(&got), (400, 20001), "{wrong}");
    }
    let document = owner.made(&format!("{SYNC}/Documents"), &[]).await;
    assert_eq!(get(&owner, &format!("/Objects/{document}/Items")).await["items"], json!([]));
}

#[tokio::test]
async fn a_search_looks_at_so_much_and_goes_on_where_it_was() {
    let server = Server::start().await;
    let owner = server.owner();
    let map = owner.made(&format!("{SYNC}/Maps"), &[("UniqueName", "m")]).await;
    let sid: sync::ObjectSid = map.parse().unwrap();
    let account = crate::caller::ACCOUNT.parse().unwrap();
    let service = sync::ServiceSid::default_of(account);
    let mut writes = tokio::task::JoinSet::new();
    for n in 0..6_000 {
        let text = if n == 5_900 { "{\"here\":1}" } else { "{}" };
        let data = sync::Payload::parse(text).unwrap();
        let item = sync::NewItem { data, ttl: None, collection_ttl: None };
        let (object, key) = (sync::Target::of(sid), Some(format!("k{n:05}").into()));
        let action = sync::Action::AddItem { object, key, item };
        let caller = sync::Caller::System;
        let host = server.running.host.clone();
        writes.spawn(async move {
            host.sync(sync::Command { service, caller, action }).await.unwrap();
        });
    }
    writes.join_all().await;
    let first = get(&owner, &format!("/Objects/{map}/Items?Filter=here")).await;
    assert_eq!((&first["items"], &first["next"]), (&json!([]), &json!("k04999")));
    let path = format!("/Objects/{map}/Items?Filter=here&After=k04999");
    let second = get(&owner, &path).await;
    assert_eq!(second["items"][0]["key"], "k05900");
    assert_eq!(second["next"], Value::Null);
    let busy = get(&owner, "/Heat?Seconds=60").await;
    let hot = &busy["objects"][0];
    assert_eq!((&hot["sid"], &hot["unique_name"]), (&json!(map), &json!("m")));
    let codes: Vec<&str> = hot["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| finding["code"].as_str().unwrap())
        .collect();
    assert_eq!(codes, ["database_like_growth", "hot_loop_writes"], "{hot}");
    assert!(hot["findings"][1]["text"].as_str().unwrap().contains("hot loop"));
}

#[tokio::test]
async fn heat_says_since_when_it_counts() {
    let (_server, owner) = with_manual_clock().await;
    let began = get(&owner, "/Heat").await["counted_since"].clone();
    let now = advance(&owner, 90_000).await;
    assert!(began.as_str().unwrap() < &*now, "{began} {now}");
    assert_eq!(get(&owner, "/Heat?Seconds=10").await["counted_since"], began);
}

#[tokio::test]
async fn who_may_and_who_follows_is_told() {
    let server = Server::start().await;
    let owner = server.owner();
    let map = owner.made(&format!("{SYNC}/Maps"), &[("UniqueName", "m")]).await;
    for identity in ["ann@example.test", "bob", "eve"] {
        let path = format!("{SYNC}/Maps/m/Permissions/{}", identity.replace('@', "%40"));
        let rights = [("Read", "true"), ("Write", "false"), ("Manage", "false")];
        assert_eq!(owner.post(&path, &rights).await.status, 200);
    }
    let path = format!("/Objects/{map}/Permissions?PageSize=2");
    let permissions = pages(&owner, &path, "permissions", "After").await;
    let ann =
        json!({"identity": "ann@example.test", "read": true, "write": false, "manage": false});
    assert_eq!((permissions.len(), &permissions[0]), (3, &ann));

    let path = format!("/Objects/{map}/Subscribers");
    assert_eq!(get(&owner, &path).await["subscribers"], json!([]));
    let mut sockets = Vec::new();
    for identity in ["ann", "bob", "ann"] {
        let mut socket = Socket::open(server.running.addr, &token(identity)).await;
        socket.follow(&json!(map), "map").await;
        sockets.push(socket);
    }
    put(&owner, "m", "k", "{\"n\":1}").await;
    let page = get(&owner, &path).await;
    assert_eq!(page["total"], 3);
    let subscribers = pages(&owner, &format!("{path}?PageSize=2"), "subscribers", "After").await;
    let mut identities: Vec<&str> =
        subscribers.iter().map(|one| one["identity"].as_str().unwrap()).collect();
    identities.sort_unstable();
    assert_eq!(identities, ["ann", "ann", "bob"]);
    for one in &subscribers {
        assert_eq!(one["last_event_id"], 1);
        assert!(one["since"].as_str().unwrap().ends_with('Z') && one["waiting_bytes"].is_u64());
    }
    assert_eq!(get(&owner, &format!("/Objects/{map}")).await["subscribers"], 3);
    assert_eq!(told(&owner.get(&format!("{OURS}{path}?After=x")).await), (400, 20001));
}

#[tokio::test]
async fn the_history_and_an_earlier_second_come_back_also_after_a_restart() {
    let (server, owner) = with_manual_clock().await;
    let map = owner.made(&format!("{SYNC}/Maps"), &[("UniqueName", "m")]).await;
    let before = advance(&owner, 10_000).await;
    put(&owner, "m", "a", "{\"n\":1.0}").await;
    put(&owner, "m", "b", "{\"n\":2}").await;
    let first = advance(&owner, 5_000).await;
    put(&owner, "m", "a", "{\"n\":9007199254740993}").await;
    assert_eq!(owner.delete(&format!("{SYNC}/Maps/m/Items/b")).await.status, 204);
    let second = advance(&owner, 5_000).await;
    put(&owner, "m", "b", "{\"n\":4}").await;
    let rights = [("Read", "true"), ("Write", "false"), ("Manage", "false")];
    assert_eq!(owner.post(&format!("{SYNC}/Maps/m/Permissions/ann"), &rights).await.status, 200);

    let Server { running, folder } = server;
    running.stop().await;
    let server = Server::again(folder, |config| config.clock = sinew::config::Clock::Manual).await;
    let owner = server.owner();
    let path = format!("/Objects/{map}/History?PageSize=2");
    let entries = pages(&owner, &path, "entries", "Before").await;
    let kinds: Vec<&str> = entries.iter().map(|one| one["kind"].as_str().unwrap()).collect();
    let expected = [
        "permission_set",
        "map_item_added",
        "map_item_removed",
        "map_item_updated",
        "map_item_added",
        "map_item_added",
        "map_created",
    ];
    assert_eq!(kinds, expected);
    assert_eq!((&entries[1]["event_id"], &entries[1]["key"]), (&json!(5), &json!("b")));
    assert_eq!((&entries[2]["because"], &entries[2]["by"]), (&json!("deleted"), &json!("system")));
    assert_eq!(entries[0]["rights"], json!({"read": true, "write": false, "manage": false}));
    let of_a = get(&owner, &format!("/Objects/{map}/History?Key=a")).await;
    assert_eq!(of_a["entries"].as_array().unwrap().len(), 2);
    assert_eq!((&of_a["next"], &of_a["forgotten"]), (&Value::Null, &json!(false)));
    assert_eq!(of_a["reaches_to"], "2026-01-01T00:00:00.000Z");

    let at = async |time: &str| get(&owner, &format!("/Objects/{map}/At?Time={time}")).await;
    let earliest = at("2026-01-01T00:00:03Z").await;
    assert_eq!((&earliest["items"], &earliest["object"]["event_id"]), (&json!([]), &json!(0)));
    // Of a second that is named, everything counts that happened in it.
    let whole = at(&before).await;
    assert_eq!(whole["object"]["items"], 2, "{whole}");
    let got = owner.get(&format!("{OURS}/Objects/{map}/At?Time=2026-01-01T00:00:12Z")).await;
    assert!(got.text().contains("{\"key\":\"a\",\"data\":{\"n\":1.0},"), "{}", got.text());
    let at_first = at(&first).await;
    assert_eq!(at_first["object"]["revision"], "4");
    assert_eq!(at_first["items"].as_array().unwrap().len(), 1);
    let at_second = at(&second).await;
    assert_eq!(at_second["items"][1]["data"], json!({"n": 4}));
    let page = get(&owner, &format!("/Objects/{map}/At?Time={second}&PageSize=1")).await;
    assert_eq!(page["next"], "a");
    let rest = get(&owner, &format!("/Objects/{map}/At?Time={second}&After=a")).await;
    assert_eq!((&rest["items"][0]["key"], &rest["next"]), (&json!("b"), &Value::Null));
}

#[tokio::test]
async fn a_past_that_is_not_there_is_refused_with_a_reason() {
    let (server, owner) = with_manual_clock().await;
    let early = owner.made(&format!("{SYNC}/Maps"), &[("UniqueName", "early")]).await;
    put(&owner, "early", "k", "{\"n\":1}").await;
    advance(&owner, 1_000_000).await;
    let late = owner.made(&format!("{SYNC}/Documents"), &[("Data", "{\"n\":1}")]).await;
    let refused = async |path: &str| {
        let got = owner.get(&format!("{OURS}/Objects/{path}")).await;
        let message = got.json()["message"].as_str().unwrap_or_default().to_owned();
        (told(&got), message)
    };
    for (path, code, hint) in [
        (format!("{early}/At"), (400, 20001), "Time"),
        (format!("{early}/At?Time=yesterday"), (400, 20001), "Time"),
        (format!("{early}/At?Time=2099-01-01T00:00:00Z"), (400, 20001), "ahead"),
        (format!("{late}/At?Time=2026-01-01T00:00:00Z"), (404, 20404), "not there at that time"),
        (format!("{late}/At?Time=2026-01-01T00:16:40Z&After=k"), (400, 20001), "no items"),
        (format!("{early}/History?Before=x"), (400, 20001), "Before"),
        ("MP00000000000000000000000000000007/History".to_owned(), (404, 54200), ""),
        ("MP00000000000000000000000000000007/At?Time=2026-01-01".to_owned(), (404, 54200), ""),
        ("early/History".to_owned(), (404, 20404), ""),
    ] {
        let (told, message) = refused(&path).await;
        assert_eq!(told, code, "{path}: {message}");
        assert!(message.contains(hint), "{path}: {message}");
    }

    // What is gone still has a past, as long as the journal tells of its beginning.
    let gone = owner.made(&format!("{SYNC}/Documents"), &[("Data", "{\"n\":5}")]).await;
    let there = advance(&owner, 10_000).await;
    assert_eq!(owner.delete(&format!("{SYNC}/Documents/{gone}")).await.status, 204);
    advance(&owner, 10_000).await;
    let path = format!("/Objects/{gone}/History?PageSize=1");
    let entries = pages(&owner, &path, "entries", "Before").await;
    let kinds: Vec<Value> = entries.iter().map(|one| one["kind"].clone()).collect();
    assert_eq!(kinds, ["document_removed", "document_created"]);
    let was = get(&owner, &format!("/Objects/{gone}/At?Time=2026-01-01T00:16:45Z")).await;
    assert_eq!(was["object"]["data"], json!({"n": 5}));
    let (told_now, message) = refused(&format!("{gone}/At?Time={there}")).await;
    assert_eq!(told_now, (404, 20404), "{message}");

    // Without a time it is what it was to the last, which only what is gone has.
    let last = get(&owner, &format!("/Objects/{gone}/At")).await;
    assert_eq!(last["object"]["data"], json!({"n": 5}));
    assert_eq!(last["removal"]["because"], "deleted");
    assert_eq!(last["time"], there.replace('Z', ".000Z"));

    // The journal is shortened: what it still tells is told, the rest is not made up.
    advance(&owner, 40 * 24 * 60 * 60 * 1_000).await;
    put(&owner, "early", "k", "{\"n\":2}").await;
    let now = advance(&owner, 1_000).await;
    let forgotten = server.running.host.forget_old_once(host::Retention::default()).await.unwrap();
    assert!(forgotten.entries > 0);
    let (told, message) = refused(&format!("{early}/At?Time=2026-01-01T00:16:50Z")).await;
    assert_eq!(told, (400, 20001), "{message}");
    assert!(message.contains("begins at 2026-02-10T"), "{message}");
    let was = get(&owner, &format!("/Objects/{early}/At?Time={now}")).await;
    assert_eq!(was["items"][0]["data"], json!({"n": 2}));
    let history = get(&owner, &format!("/Objects/{early}/History")).await;
    assert_eq!(history["forgotten"], true);
    assert!(history["reaches_to"].as_str().unwrap().starts_with("2026-02-10T"), "{history}");
}

#[tokio::test]
async fn what_was_deleted_is_listed_and_opened_as_it_was_to_the_last() {
    let (_server, owner) = with_manual_clock().await;
    let map = owner.made(&format!("{SYNC}/Maps"), &[("UniqueName", "Board of today")]).await;
    for (key, data) in [("a", "{\"n\":1.0}"), ("b", "{\"n\":9007199254740993}")] {
        put(&owner, &map, key, data).await;
    }
    let went = advance(&owner, 1_000).await;
    assert_eq!(owner.delete(&format!("{SYNC}/Maps/{map}")).await.status, 204);
    let ttl = [("Data", "{\"n\":3}"), ("Ttl", "60")];
    let expired = owner.made(&format!("{SYNC}/Documents"), &ttl).await;
    advance(&owner, 61_000).await;
    let again = owner.made(&format!("{SYNC}/Maps"), &[("UniqueName", "Board of today")]).await;

    let removed = pages(&owner, "/Removed?PageSize=1", "removed", "PageToken").await;
    let sids: Vec<_> = removed.iter().map(|one| one["sid"].as_str().unwrap()).collect();
    assert_eq!(sids, [&*expired, &*map]);
    assert_eq!(removed[0]["because"], "expired");
    let expected = json!({
        "sid": map, "kind": "map", "unique_name": "Board of today", "event_id": 3,
        "date_created": "2026-01-01T00:00:00.000Z", "created_by": "system",
        "date_removed": went.replace('Z', ".000Z"), "because": "deleted", "removed_by": "system",
    });
    assert_eq!(removed[1], expected);
    assert_eq!(get(&owner, &format!("/Removed/{map}")).await, expected);
    let found = async |filter: &str| {
        let page = get(&owner, &format!("/Removed?{filter}")).await;
        page["removed"].as_array().unwrap().len()
    };
    assert_eq!(found("Filter=of%20TODAY").await, 1);
    assert_eq!(found("Filter=of%20today&Kind=list").await, 0);
    assert_eq!(found(&format!("Filter={map}")).await, 1);
    assert_eq!(found(&format!("Filter={map}&Kind=list")).await, 0);

    let page = owner.get(&format!("{OURS}/Objects/{map}/At?PageSize=1")).await;
    assert!(page.text().contains("{\"key\":\"a\",\"data\":{\"n\":1.0},"), "{}", page.text());
    assert_eq!((&page.json()["next"], &page.json()["object"]["items"]), (&json!("a"), &json!(2)));
    let rest = owner.get(&format!("{OURS}/Objects/{map}/At?After=a")).await;
    assert!(rest.text().contains("9007199254740993"), "{}", rest.text());
    // It had expired just then, which hides it from clients and not from here.
    let last = get(&owner, &format!("/Objects/{expired}/At")).await;
    assert_eq!(last["object"]["data"], json!({"n": 3}));

    for (path, code) in [
        (format!("/Objects/{again}/At"), (400, 20001)),
        (format!("/Removed/{again}"), (404, 54200)),
        ("/Removed/nothing".to_owned(), (404, 20404)),
        ("/Removed?PageToken=x".to_owned(), (400, 20001)),
        ("/Removed?Kind=thing".to_owned(), (400, 20001)),
        ("/Objects/MP00000000000000000000000000000007/At".to_owned(), (404, 54200)),
    ] {
        let got = owner.get(&format!("{OURS}{path}")).await;
        assert_eq!(told(&got), code, "{path}: {}", got.text());
    }
    // Another service has nothing of it.
    let other = owner.made("/sync/v1/Services", &[]).await;
    for path in [format!("Objects/{map}/At"), format!("Removed/{map}")] {
        let got = owner.get(&format!("/sinew/v1/Sync/Services/{other}/{path}")).await;
        assert_eq!(told(&got), (404, 54200), "{path}");
    }
}

/// Reads a line of events until it holds a text.
struct Line {
    body: hyper::body::Incoming,
    text: String,
}

impl Line {
    async fn open(owner: &Caller, path: &str) -> Self {
        let body = owner.open(&format!("{OURS}{path}")).await;
        let mut line = Self { body, text: String::new() };
        line.until(": alive").await;
        line
    }

    /// Everything up to the end of the block that holds a text.
    async fn until(&mut self, wanted: &str) -> String {
        let waiting = async {
            loop {
                let at = self.text.find(wanted);
                let end = at.and_then(|at| Some(at + self.text[at..].find("\n\n")? + 2));
                if let Some(end) = end {
                    return self.text.drain(..end).collect();
                }
                assert!(self.more().await, "the line ended before {wanted}: {}", self.text);
            }
        };
        let waited = tokio::time::timeout(PATIENCE, waiting).await;
        waited.unwrap_or_else(|_| panic!("no {wanted} in {}", self.text))
    }

    /// False at the end.
    async fn more(&mut self) -> bool {
        let frame = tokio::time::timeout(PATIENCE, self.body.frame()).await.expect("in time");
        let Some(frame) = frame else { return false };
        if let Ok(data) = frame.expect("whole frames").into_data() {
            self.text.push_str(str::from_utf8(&data).unwrap());
        }
        true
    }
}

#[tokio::test]
async fn events_come_as_they_happen_and_end_with_the_object() {
    let server = Server::start().await;
    let owner = server.owner();
    let map = owner.made(&format!("{SYNC}/Maps"), &[("UniqueName", "m")]).await;
    put(&owner, "m", "k", "{\"n\":\n1.0}").await;
    let path = format!("/Objects/{map}/Events");
    let mut line = Line::open(&owner, &path).await;
    let mut replayed = Line::open(&owner, &format!("{path}?After=0")).await;
    let first = replayed.until("id: ").await;
    assert!(first.starts_with("id: 1\nevent: change\ndata: {"), "{first}");
    assert!(first.contains("\"data\":{\"n\": 1.0}"), "one line: {first}");
    put(&owner, "m", "k", "{\"n\":2}").await;
    let live = line.until("\"kind\":\"map_item_updated\"").await;
    assert!(live.contains("id: 2\n") && !live.contains("id: 1\n"), "from now on: {live}");
    let resumed = owner.clone().with("last-event-id", "1");
    Line::open(&resumed, &path).await.until("id: 2\n").await;

    let mut of_service = Line::open(&owner, "/Events").await;
    let mut of_both = Line::open(&owner, &format!("{path}?Service=true")).await;
    let other = owner.made(&format!("{SYNC}/Documents"), &[]).await;
    let beside = format!("event: object\ndata: {{\"kind\":\"document\",\"sid\":\"{other}\"}}");
    let told = of_both.until(&beside).await;
    assert!(!told.contains("event: change"), "nothing happened to the object itself: {told}");
    owner.delete(&format!("{SYNC}/Maps/m")).await;
    for line in [&mut line, &mut of_both] {
        line.until("\"kind\":\"map_removed\"").await;
        while line.more().await {}
    }
    of_service.until(&format!("{{\"kind\":\"map\",\"sid\":\"{map}\"}}")).await;

    let stream = owner.made(&format!("{SYNC}/Streams"), &[]).await;
    let mut line = Line::open(&owner, &format!("/Objects/{stream}/Events")).await;
    owner.post(&format!("{SYNC}/Streams/{stream}/Messages"), &[("Data", "{\"hi\":1}")]).await;
    let told = line.until("event: ").await;
    assert!(told.contains("stream_message_published") && told.contains("{\"hi\":1}"), "{told}");
    let wrong = owner.get(&format!("{OURS}/Objects/{stream}/Events?After=x")).await;
    assert_eq!(self::told(&wrong), (400, 20001));
}

#[tokio::test]
async fn stopping_waits_for_no_reader() {
    // Who waited would wait five seconds; where the machine is slow, another time tells.
    let mut took = Duration::MAX;
    for _ in 0..5 {
        let server = Server::start().await;
        let owner = server.owner();
        let map = owner.made(&format!("{SYNC}/Maps"), &[]).await;
        let _line = Line::open(&owner, &format!("/Objects/{map}/Events")).await;
        let stopping = std::time::Instant::now();
        server.running.stop().await;
        took = took.min(stopping.elapsed());
        if took < Duration::from_secs(4) {
            return;
        }
    }
    panic!("{took:?}");
}

#[tokio::test]
async fn a_reader_that_cannot_keep_up_is_told_so() {
    let server = Server::start().await;
    let owner = server.owner();
    let map = owner.made(&format!("{SYNC}/Maps"), &[("UniqueName", "m")]).await;
    let mut line = Line::open(&owner, &format!("/Objects/{map}/Events")).await;
    let large = format!("{{\"t\":\"{}\"}}", "x".repeat(16_000));
    // More than the mailbox, the socket's buffers and hyper's own hold together.
    for n in 0..600 {
        put(&owner, "m", &format!("k{}", n % 5), &large).await;
    }
    while line.more().await {
        if line.text.contains("event: lost") {
            return;
        }
    }
    panic!("the line ended without a word");
}
