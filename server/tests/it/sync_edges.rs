//! State synchronisation where it is easy to be wrong: odd names, odd values, bounds, and requests
//! that meet.

use crate::{
    caller::Server,
    peer::Peer,
    sync::{Space, asked, etag, reaches_home, told},
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

fn keys(page: &Value) -> Vec<String> {
    let of = |item: &Value| item["key"].as_str().unwrap().to_owned();
    page["items"].as_array().unwrap().iter().map(of).collect()
}

fn indexes(page: &Value) -> Vec<u64> {
    let of = |item: &Value| item["index"].as_u64().unwrap();
    page["items"].as_array().unwrap().iter().map(of).collect()
}

/// Characters, not bytes, are counted.
fn long(count: usize) -> [String; 2] {
    ["a".repeat(count), "\u{1F600}".repeat(count)]
}

#[tokio::test]
async fn any_name_finds_its_object_unless_it_could_be_a_sid() {
    let space = Space::open().await;
    let odd = ["a/b:c %", "%2F", "..", ".", " ", "default", "\0", "a\nb", "é"];
    let small = format!("et{:032x}", 1);
    let large = format!("ET{}", "F".repeat(32));
    let fitting = odd.map(str::to_owned).into_iter().chain(long(320)).chain([small, large]);
    for name in fitting {
        let made = space.made("/Documents", &[("UniqueName", &name)]).await;
        assert_eq!(made["unique_name"], *name);
        let found = space.get(&format!("/Documents/{}", encoded(&name))).await;
        assert_eq!(found.json(), made, "{name:?}");
        assert_eq!(space.refused("/Documents", &[("UniqueName", &name)]).await, (409, 54301));
        // A name is taken for its own kind of object.
        space.made("/Maps", &[("UniqueName", &name)]).await;
    }
    let sids = [format!("ET{:032x}", 1), format!("ZZ{:032x}", 1), String::new()];
    for name in long(321).into_iter().chain(sids) {
        for kind in ["/Documents", "/Lists", "/Maps", "/Streams"] {
            let refused = space.refused(kind, &[("UniqueName", &name)]).await;
            assert_eq!(refused, (400, 54302), "{kind} {name:?}");
        }
    }
}

#[tokio::test]
async fn any_key_finds_its_item_and_keys_come_in_the_order_of_their_bytes() {
    let space = Space::open().await;
    space.made("/Maps", &[("UniqueName", "m")]).await;
    let odd =
        ["b", "a", "B", "é", "10", "9", "\u{1F600}", "\u{ffff}", "a/b", "%", "%2F", "..", "\0"];
    let more = ["+", "a?b#c", "\"\\", "&=", "ET00000000000000000000000000000000"];
    let mut all: Vec<String> = odd.into_iter().chain(more).map(str::to_owned).collect();
    all.extend(long(320));
    for key in &all {
        let item = space.made("/Maps/m/Items", &[("Key", key), ("Data", "{}")]).await;
        assert_eq!(item["key"], **key);
        let path = format!("/Maps/m/Items/{}", encoded(key));
        assert_eq!(space.get(&path).await.json(), item, "{key:?}");
        let again = space.refused("/Maps/m/Items", &[("Key", key), ("Data", "{}")]).await;
        assert_eq!(again, (409, 54208), "{key:?}");
        assert_eq!(space.post(&path, &[("Data", "{\"n\":1}")]).await.status, 200, "{key:?}");
    }
    // Texts of Rust are compared by their bytes, too.
    all.sort();
    assert_eq!(keys(&space.get("/Maps/m/Items?PageSize=100").await.json()), all);
    all.reverse();
    assert_eq!(keys(&space.get("/Maps/m/Items?PageSize=100&Order=desc").await.json()), all);
    for key in long(321).into_iter().chain([String::new()]) {
        let refused = space.refused("/Maps/m/Items", &[("Key", &key), ("Data", "{}")]).await;
        assert_eq!(refused, (400, 54209));
    }
    assert_eq!(space.refused("/Maps/m/Items", &[("Data", "{}")]).await, (400, 54209));
    let no_text = "/Maps/m/Items/%FF";
    assert_eq!(space.refused(no_text, &[("Data", "{}")]).await, (404, 20404));
    let unknown = format!("/Maps/m/Items/{}", "k".repeat(321));
    assert_eq!(told(&space.get(&unknown).await), (404, 54201));
    assert_eq!(space.refused(&unknown, &[("Data", "{}")]).await, (404, 54201));
}

#[tokio::test]
async fn a_value_is_an_object_of_json_and_nothing_else() {
    let space = Space::open().await;
    space.made("/Documents", &[("UniqueName", "d")]).await;
    space.made("/Lists", &[("UniqueName", "l")]).await;
    space.made("/Streams", &[("UniqueName", "s")]).await;
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(8_000), "]".repeat(8_000));
    let fitting = [
        "{\"a\":1e400}",
        "{\"a\":1,\"a\":2}",
        "{\"a\":\"\\ud800\"}",
        "{\"a\":\"\\u0000\"}",
        "{\"a\":123456789012345678901234567890,\"b\":-0,\"c\":1.0}",
        &deep,
    ];
    for data in fitting {
        let got = space.post("/Documents/d", &[("Data", data)]).await;
        assert!(got.text().contains(&format!("\"data\":{data}")), "{}", got.text());
        let got = space.post("/Lists/l/Items", &[("Data", data)]).await;
        assert!(got.text().contains(&format!("\"data\":{data}")), "{}", got.text());
    }
    let before = space.get("/Documents/d").await;
    let others = ["", "null", "1", "\"s\"", "[]", "true", "{", "{}x", "{'a':1}", "{\"a\":NaN}"];
    for data in others.into_iter().chain(["\u{feff}{}", "{\"a\":\"\0\"}", "{\"a\":01}"]) {
        for path in ["/Documents/d", "/Documents", "/Lists/l/Items", "/Streams/s/Messages"] {
            let refused = space.refused(path, &[("Data", data)]).await;
            assert_eq!(refused, (400, 54008), "{path} {data:?}");
        }
    }
    assert_eq!(
        space.get("/Documents/d").await.body,
        before.body,
        "what is refused changes nothing"
    );
    // Bytes are counted: each of these characters has two.
    let filled = |bytes: usize| format!("{{\"t\":\"{}\"}}", "é".repeat((bytes - 8) / 2));
    assert_eq!(space.post("/Documents/d", &[("Data", &filled(16_384))]).await.status, 200);
    assert_eq!(space.refused("/Documents/d", &[("Data", &filled(16_386))]).await, (413, 54006));
    let message = |bytes| filled(bytes);
    space.made("/Streams/s/Messages", &[("Data", &message(4_096))]).await;
    let too_large = space.refused("/Streams/s/Messages", &[("Data", &message(4_098))]).await;
    assert_eq!(too_large, (413, 54006));
}

#[tokio::test]
async fn a_list_begins_where_it_was_asked_to_whatever_is_there() {
    let space = Space::open().await;
    space.made("/Lists", &[("UniqueName", "l")]).await;
    for _ in 0..12 {
        space.made("/Lists/l/Items", &[("Data", "{}")]).await;
    }
    for gone in [0, 3, 7, 11] {
        assert_eq!(space.delete(&format!("/Lists/l/Items/{gone}")).await.status, 204);
    }
    let all = [1, 2, 4, 5, 6, 8, 9, 10];
    let cases: [(&str, &[u64]); 11] = [
        ("", &all),
        ("?Bounds=exclusive", &all),
        ("?From=0", &all),
        ("?From=3", &all[2..]),
        ("?From=3&Bounds=exclusive", &all[2..]),
        ("?From=4&Bounds=exclusive", &all[3..]),
        ("?From=3&Order=desc", &[2, 1]),
        ("?From=4&Order=desc&Bounds=exclusive", &[2, 1]),
        ("?From=0&Order=desc", &[]),
        ("?From=11", &[]),
        ("?From=99&Order=desc", &[10, 9, 8, 6, 5, 4, 2, 1]),
    ];
    for (query, wanted) in cases {
        let page = space.get(&format!("/Lists/l/Items{query}")).await.json();
        assert_eq!(indexes(&page), wanted, "{query}");
        assert_eq!(page["meta"]["next_page_url"], Value::Null, "{query}");
    }
    for query in ["From=-1", "From=x", "Order=up", "Bounds=both", "PageSize=0", "PageSize=-1"] {
        let refused = space.get(&format!("/Lists/l/Items?{query}")).await;
        assert_eq!(told(&refused), (400, 20001), "{query}");
    }
    // The libraries ask for as many as their caller wants at most, which may be more than fit.
    for size in [("1", 1), ("100", 100), ("101", 100), ("1000", 100), ("", 50)] {
        let page = space.get(&format!("/Lists/l/Items?PageSize={}", size.0)).await.json();
        assert_eq!(page["meta"]["page_size"], size.1);
    }
    for index in ["0", "12", "-1", "x", "1.0", "18446744073709551616"] {
        let path = format!("/Lists/l/Items/{index}");
        assert_eq!(told(&space.get(&path).await), (404, 54151), "{index}");
        assert_eq!(space.refused(&path, &[("Data", "{}")]).await, (404, 54151), "{index}");
        assert_eq!(told(&space.delete(&path).await), (404, 54151), "{index}");
    }
}

#[tokio::test]
async fn a_name_is_free_again_once_its_object_is_gone() {
    let space = Space::with(|config| config.clock = sinew::config::Clock::Manual).await;
    let pass = async |ms: i64| {
        let moved = space.owner.post_json("/sinew/v1/Clock", &json!({"advance_ms": ms})).await;
        assert_eq!(moved.status, 200, "{}", moved.text());
    };
    let form = [("UniqueName", "d"), ("Data", "{\"n\":1}"), ("Ttl", "5")];
    let first = space.made("/Documents", &form).await;
    assert_eq!(space.post("/Documents/d", &[("Data", "{\"n\":2}")]).await.status, 200);
    pass(4_999).await;
    assert_eq!(space.refused("/Documents", &form).await, (409, 54301));
    pass(1).await;
    let sid = first["sid"].as_str().unwrap();
    assert_eq!(told(&space.get("/Documents/d").await), (404, 54300));
    assert_eq!(told(&space.get(&format!("/Documents/{sid}")).await), (404, 54100));
    let listed = space.get("/Documents").await.json();
    assert_eq!(listed["documents"], json!([]));
    let second = space.made("/Documents", &[("UniqueName", "d")]).await;
    assert_ne!(second["sid"], first["sid"]);
    assert_eq!((&second["revision"], &second["data"]), (&first["revision"], &json!({})));
    assert_eq!(space.delete("/Documents/d").await.status, 204);
    assert_eq!(told(&space.delete("/Documents/d").await), (404, 54300));
    let third = space.made("/Documents", &[("UniqueName", "d")]).await;
    assert_ne!(third["sid"], second["sid"]);
    // Pages are as long as they say, however much of what they pass over has expired.
    space.made("/Lists", &[("UniqueName", "l")]).await;
    for n in 0..10 {
        let ttl = if n % 2 == 0 { "0" } else { "1" };
        space.made("/Lists/l/Items", &[("Data", "{}"), ("Ttl", ttl)]).await;
    }
    pass(1_000).await;
    let page = space.get("/Lists/l/Items?PageSize=3").await.json();
    assert_eq!(indexes(&page), [0, 2, 4]);
    let next = page["meta"]["next_page_url"].as_str().unwrap();
    let next = next.strip_prefix(&space.server.running.url).unwrap();
    assert_eq!(indexes(&space.owner.get(next).await.json()), [6, 8]);
}

#[tokio::test]
async fn of_those_who_want_the_same_one_has_it() {
    let space = Space::open().await;
    space.made("/Maps", &[("UniqueName", "m")]).await;
    space.made("/Lists", &[("UniqueName", "l")]).await;
    let all = async |path: &'static str, form: &'static [(&'static str, &'static str)]| {
        let calls = (0..20).map(|_| {
            let (caller, path) = (space.owner.clone(), format!("{}{path}", space.at));
            tokio::spawn(async move { caller.post(&path, form).await })
        });
        let mut told = Vec::new();
        for call in calls.collect::<Vec<_>>() {
            told.push(call.await.unwrap());
        }
        told
    };
    let one_of = |all: &[crate::caller::Got], code: u64| {
        let made = all.iter().filter(|got| got.status == 201).count();
        let refused = all.iter().filter(|got| told(got) == (409, code)).count();
        assert_eq!((made, refused), (1, 19));
    };
    one_of(&all("/Documents", &[("UniqueName", "race")]).await, 54301);
    one_of(&all("/Maps/m/Items", &[("Key", "race"), ("Data", "{}")]).await, 54208);
    let appended = all("/Lists/l/Items", &[("Data", "{}")]).await;
    let mut given: Vec<u64> =
        appended.iter().map(|got| got.json()["index"].as_u64().unwrap()).collect();
    given.sort_unstable();
    assert_eq!(given, (0..20).collect::<Vec<_>>());
    let seen = etag(&space.get("/Maps/m/Items/race").await);
    let claims = (0..20).map(|_| {
        let caller = space.owner.clone().with("if-match", &seen);
        let path = format!("{}/Maps/m/Items/race", space.at);
        tokio::spawn(async move { caller.delete(&path).await.status })
    });
    let mut answers = Vec::new();
    for claim in claims.collect::<Vec<_>>() {
        answers.push(claim.await.unwrap());
    }
    assert_eq!(answers.iter().filter(|status| **status == 204).count(), 1);
    assert_eq!(answers.iter().filter(|status| **status == 404).count(), 19);
}

#[tokio::test]
async fn what_is_in_one_service_is_not_in_another() {
    let space = Space::open().await;
    let other = space.owner.made("/sync/v1/Services", &[]).await;
    let other = format!("/sync/v1/Services/{other}");
    let kinds = [("Documents", 54100), ("Lists", 54150), ("Maps", 54200), ("Streams", 20404)];
    for (kind, code) in kinds {
        let made = space.made(&format!("/{kind}"), &[("UniqueName", "here")]).await;
        let sid = made["sid"].as_str().unwrap();
        for (object, code) in [(sid, code), ("here", 54300)] {
            let at = format!("{other}/{kind}/{object}");
            assert_eq!(told(&space.owner.get(&at).await), (404, code), "{at}");
            assert_eq!(told(&space.owner.post(&at, &[("Ttl", "1")]).await), (404, code), "{at}");
            assert_eq!(told(&space.owner.delete(&at).await), (404, code), "{at}");
            let below: &[&str] = match kind {
                "Documents" => &["Permissions"],
                "Streams" => &[],
                _ => &["Permissions", "Items", "Items/0"],
            };
            for path in below {
                let got = space.owner.get(&format!("{at}/{path}")).await;
                assert_eq!(told(&got), (404, code), "{at}/{path}");
            }
        }
        assert_eq!(space.get(&format!("/{kind}/{sid}")).await.json(), made, "it is as it was");
    }
    assert_eq!(space.owner.delete(&other).await.status, 204);
    for path in ["", "/Documents", "/Maps/here/Items"] {
        let got = space.owner.get(&format!("{other}{path}")).await;
        assert_eq!(told(&got), (404, 54050), "{path}");
    }
    let late = space.owner.post(&format!("{other}/Documents"), &[]).await;
    assert_eq!(told(&late), (404, 54050));
}

#[tokio::test]
async fn a_condition_that_is_none_is_told_apart_from_one_that_does_not_hold() {
    let space = Space::open().await;
    space.made("/Documents", &[("UniqueName", "d")]).await;
    space.made("/Maps", &[("UniqueName", "m")]).await;
    space.made("/Maps/m/Items", &[("Key", "k"), ("Data", "{}")]).await;
    let send = async |method: &str, path: &str, seen: &str| {
        let caller = space.owner.clone().with("if-match", seen);
        let path = format!("{}{path}", space.at);
        match method {
            "DELETE" => caller.delete(&path).await,
            _ => caller.post(&path, &[("Data", "{}")]).await,
        }
    };
    for (path, stale) in [("/Documents/d", 54103), ("/Maps/m/Items/k", 54205)] {
        for method in ["POST", "DELETE"] {
            for seen in ["", "\"\"", "*", "-1", "xyz", "1,2", "\"1", "ffffffffffffffffffff"] {
                let refused = send(method, path, seen).await;
                assert_eq!(told(&refused), (400, 54003), "{method} {path} {seen:?}");
            }
            for seen in ["77", "\"77\"", "abc", "W/\"77\""] {
                let refused = send(method, path, seen).await;
                assert_eq!(told(&refused), (412, stale), "{method} {path} {seen:?}");
            }
        }
        for form in ["", "W/", "bare"] {
            let seen = etag(&space.get(path).await);
            let seen = if form == "bare" { seen } else { format!("{form}\"{seen}\"") };
            assert_eq!(send("POST", path, &seen).await.status, 200, "{path} {seen}");
        }
    }
    let nothing = send("POST", "/Maps/m/Items/unknown", "1").await;
    assert_eq!(told(&nothing), (404, 54201));
}

#[tokio::test]
async fn who_makes_an_object_may_do_everything_with_it() {
    let server = Server::start().await;
    let (owner, at) = (server.owner(), "/sync/v1/Services/default");
    assert_eq!(owner.post(at, &[("AclEnabled", "true")]).await.status, 200);
    let made = asked(&server, "POST", "/v3/Maps", r#"{"unique_name":"hers"}"#).await;
    assert_eq!(made.status().as_u16(), 201);
    let rights = owner.get(&format!("{at}/Maps/hers/Permissions")).await.json();
    let rights = &rights["permissions"][0];
    assert_eq!(rights["identity"], "ann");
    let may = ["read", "write", "manage"].map(|right| rights[right] == true);
    assert_eq!(may, [true; 3]);
    assert_eq!(owner.get(&format!("{at}/Maps/hers")).await.json()["created_by"], "ann");
    let put = asked(&server, "PUT", "/v3/Maps/hers/Items/k", r#"{"data":{}}"#).await;
    assert_eq!(put.status().as_u16(), 201);
    // The account asks nobody, and what it makes is for those whom it lets in.
    let item = owner.get(&format!("{at}/Maps/hers/Items/k")).await.json();
    assert_eq!(item["created_by"], "ann");
    owner.made(&format!("{at}/Maps"), &[("UniqueName", "ours")]).await;
    let ours = owner.get(&format!("{at}/Maps/ours")).await.json();
    assert_eq!(ours["created_by"], "system");
    let refused = asked(&server, "GET", "/v3/Maps/ours", "").await;
    let said: Value = serde_json::from_slice(refused.body()).unwrap();
    assert_eq!((refused.status().as_u16(), &said["code"]), (403, &json!(54007)));
    let gone = asked(&server, "DELETE", "/v3/Maps/hers", "").await;
    assert_eq!(gone.status().as_u16(), 204);
}

#[tokio::test]
async fn rights_are_anybodys_and_all_three_are_said() {
    let space = Space::open().await;
    space.made("/Documents", &[("UniqueName", "d")]).await;
    let all = [("Read", "true"), ("Write", "false"), ("Manage", "false")];
    for identity in ["ann@example.test", "a/b:c %", "é \u{1F600}", ".."] {
        let path = format!("/Documents/d/Permissions/{}", encoded(identity));
        let set = space.post(&path, &all).await;
        assert_eq!((set.status, &set.json()["identity"]), (200, &json!(identity)));
        assert_eq!(space.get(&path).await.json(), set.json(), "{identity}");
        for left_out in 0..3 {
            let two: Vec<_> = (0..3).filter(|n| *n != left_out).map(|n| all[n]).collect();
            assert_eq!(space.refused(&path, &two).await, (400, 20001), "{left_out}");
        }
        assert_eq!(space.delete(&path).await.status, 204);
        assert_eq!(told(&space.get(&path).await), (404, 20404));
        assert_eq!(space.delete(&path).await.status, 204, "who has none has none afterwards");
    }
    space.made("/Streams", &[("UniqueName", "s")]).await;
    let of_a_stream = space.get("/Streams/s/Permissions").await;
    assert_eq!(told(&of_a_stream), (404, 20404), "there are none on streams");
}

#[tokio::test]
async fn what_expires_is_told_where_the_accounts_own_doings_are() {
    let peer = Peer::start().await;
    let space = Space::with(|config| {
        reaches_home(config);
        config.clock = sinew::config::Clock::Manual;
    })
    .await;
    let url = peer.url("/sync");
    let pass = async |ms: i64| {
        let moved = space.owner.post_json("/sinew/v1/Clock", &json!({"advance_ms": ms})).await;
        assert_eq!(moved.status, 200, "{}", moved.text());
    };
    let settings = [("WebhookUrl", &*url), ("WebhooksFromRestEnabled", "true")];
    assert_eq!(space.post("", &settings).await.status, 200);
    space.made("/Maps", &[("UniqueName", "m")]).await;
    let item = [("Key", "k"), ("Data", "{\"n\":1}"), ("Ttl", "1")];
    space.made("/Maps/m/Items", &item).await;
    pass(1_000).await;
    let heard = peer.hears("/sync", 3).await;
    let mut kinds: Vec<&str> = heard.iter().map(|one| one.get("EventType")).collect();
    kinds.sort_unstable();
    assert_eq!(kinds, ["map_created", "map_item_added", "map_item_removed"]);
    let removed = heard.iter().find(|one| one.get("EventType") == "map_item_removed").unwrap();
    assert_eq!(
        ["ItemKey", "ItemData", "EventId"].map(|name| removed.get(name)),
        ["k", "{\"n\":1}", "2"]
    );
    assert_eq!(removed.get("Identity"), "system");
}
