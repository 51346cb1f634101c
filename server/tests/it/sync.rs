//! State synchronisation over REST, without a client library in between.

use crate::{
    caller::{ACCOUNT, Caller, Got, Server, TOKEN, basic},
    peer::Peer,
};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// A service of its own on a server of its own.
pub(crate) struct Space {
    pub(crate) server: Server,
    pub(crate) owner: Caller,
    pub(crate) at: String,
}

impl Space {
    pub(crate) async fn with(change: impl FnOnce(&mut sinew::Config)) -> Self {
        let server = Server::with(change).await;
        let owner = server.owner();
        let service = owner.made("/sync/v1/Services", &[]).await;
        Self { server, owner, at: format!("/sync/v1/Services/{service}") }
    }

    pub(crate) async fn open() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn get(&self, path: &str) -> Got {
        self.owner.get(&format!("{}{path}", self.at)).await
    }

    pub(crate) async fn post(&self, path: &str, form: &[(&str, &str)]) -> Got {
        self.owner.post(&format!("{}{path}", self.at), form).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Got {
        self.owner.delete(&format!("{}{path}", self.at)).await
    }

    pub(crate) async fn made(&self, path: &str, form: &[(&str, &str)]) -> Value {
        let got = self.post(path, form).await;
        assert_eq!(got.status, 201, "{path}: {}", got.text());
        got.json()
    }

    pub(crate) async fn refused(&self, path: &str, form: &[(&str, &str)]) -> (u16, u64) {
        told(&self.post(path, form).await)
    }

    /// Keys of items, page by page as links lead, with something done between two pages.
    async fn keys(&self, first: &str, between: impl AsyncFn(usize)) -> Vec<String> {
        let (mut keys, mut next, mut page) = (Vec::new(), format!("{}{first}", self.at), 0);
        loop {
            let got = self.owner.get(&next).await;
            assert_eq!(got.status, 200, "{}", got.text());
            let body = got.json();
            let of = |item: &Value| item["key"].as_str().unwrap().to_owned();
            keys.extend(body["items"].as_array().unwrap().iter().map(of));
            let Some(url) = body["meta"]["next_page_url"].as_str() else { return keys };
            next = url.strip_prefix(&self.server.running.url).unwrap().to_owned();
            between(page).await;
            page += 1;
        }
    }
}

pub(crate) fn told(got: &Got) -> (u16, u64) {
    (got.status, got.json()["code"].as_u64().unwrap_or_default())
}

pub(crate) fn etag(got: &Got) -> String {
    got.header("etag").trim_matches('"').to_owned()
}

#[tokio::test]
async fn values_come_back_byte_for_byte() {
    let space = Space::open().await;
    let sent =
        "{\"b\":1.0, \"a\":1,\"n\":9007199254740993,\"t\":\"\u{1F600}\\ud83d\\ude00 é\",\"a\":2}";
    let form = [("UniqueName", "doc"), ("Data", sent)];
    let made = space.post("/Documents", &form).await;
    let holds = |got: &Got| got.text().contains(&format!("\"data\":{sent}"));
    assert!(holds(&made), "{}", made.text());
    assert!(holds(&space.get("/Documents/doc").await));
    space.made("/Maps", &[("UniqueName", "map")]).await;
    let item = space.post("/Maps/map/Items", &[("Key", "k"), ("Data", sent)]).await;
    assert!(holds(&item) && holds(&space.get("/Maps/map/Items/k").await));
    assert!(holds(&space.get("/Maps/map/Items").await));
    space.made("/Streams", &[("UniqueName", "stream")]).await;
    assert!(holds(&space.post("/Streams/stream/Messages", &[("Data", sent)]).await));
}

#[tokio::test]
async fn names_and_keys_in_paths_are_decoded_once_and_links_lead_by_sid() {
    let space = Space::open().await;
    let name = "shop: a/b %25 é";
    let made = space.made("/Maps", &[("UniqueName", name)]).await;
    let by_name = space.get("/Maps/shop%3A%20a%2Fb%20%2525%20%C3%A9").await;
    assert_eq!(by_name.json(), made);
    let url = made["links"]["items"].as_str().unwrap();
    assert!(url.contains(made["sid"].as_str().unwrap()), "{url}");
    let form = [("Key", "x/y?%20"), ("Data", "{}")];
    let path = format!("/Maps/{}/Items", made["sid"].as_str().unwrap());
    let item = space.made(&path, &form).await;
    let url = item["url"].as_str().unwrap().strip_prefix(&space.server.running.url).unwrap();
    assert_eq!(space.owner.get(url).await.json(), item);
    assert_eq!(space.get(&format!("{path}/x%2Fy%3F%2520")).await.json(), item);
    // What looks like a SID is looked up as one, whatever it is called.
    let sid = format!("MP{:032x}", 7);
    assert_eq!(told(&space.get(&format!("/Maps/{sid}")).await), (404, 54200));
    assert_eq!(told(&space.get("/Maps/nothing").await), (404, 54300));
}

#[tokio::test]
async fn an_answer_says_how_many_requests_of_the_account_are_under_way() {
    let space = Space::open().await;
    let under_way = async || {
        let got = space.get("/Documents").await;
        let exposed = got.header("access-control-expose-headers");
        assert!(exposed.split(", ").any(|name| name == "Twilio-Concurrent-Requests"), "{exposed}");
        got.header("twilio-concurrent-requests").parse::<u32>().unwrap()
    };
    assert_eq!(under_way().await, 1, "the request itself");
    // One whose end is still to come, and of another product: it counts all the same.
    let mut half = tokio::net::TcpStream::connect(space.server.running.addr).await.unwrap();
    let head = format!(
        "POST /taskrouter/v1/Workspaces HTTP/1.1\r\nHost: localhost\r\nAuthorization: {}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 14\r\n\r\nFriendly",
        basic(ACCOUNT, TOKEN)
    );
    half.write_all(head.as_bytes()).await.unwrap();
    let mut seen = under_way().await;
    for _ in 0..1_000 {
        if seen == 2 {
            break;
        }
        seen = under_way().await;
    }
    assert_eq!(seen, 2);
    half.write_all(b"Name=x").await.unwrap();
    let mut answer = [0; 12];
    half.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 201");
    assert_eq!(under_way().await, 1);
    // One that its client gives up is not under way any more.
    let mut given_up = tokio::net::TcpStream::connect(space.server.running.addr).await.unwrap();
    given_up.write_all(head.as_bytes()).await.unwrap();
    while under_way().await != 2 {}
    drop(given_up);
    while under_way().await != 1 {}
    // Whose nobody knows counts for nobody.
    let nobody = space.server.nobody().get(&format!("{}/Documents", space.at)).await;
    assert_eq!((nobody.status, nobody.header("twilio-concurrent-requests")), (401, ""));
}

#[tokio::test]
async fn the_etag_is_the_revision_and_stale_ones_are_refused() {
    let space = Space::open().await;
    let origin = space.owner.clone().with("origin", "https://elsewhere.test");
    let form = [("UniqueName", "doc"), ("Data", "{\"n\":1}")];
    let made = origin.post(&format!("{}/Documents", space.at), &form).await;
    assert_eq!(made.json()["revision"], etag(&made));
    assert!(made.header("twilio-request-id").starts_with("RQ"));
    assert!(made.header("twilio-request-duration").parse::<f64>().is_ok());
    let exposed = made.header("access-control-expose-headers");
    assert!(exposed.split(", ").any(|name| name == "ETag"), "{exposed}");
    let preflight = origin.send("OPTIONS", &space.at, None, String::new()).await;
    let allowed = preflight.header("access-control-allow-headers").to_owned();
    assert!(allowed.split(", ").any(|name| name == "If-Match"), "{allowed}");
    let path = format!("{}/Documents/doc", space.at);
    let write = async |if_match: &str, n: &str| {
        let caller = space.owner.clone().with("if-match", if_match);
        caller.post(&path, &[("Data", &format!("{{\"n\":{n}}}"))]).await
    };
    let first = etag(&made);
    let second = write(&first, "2").await;
    assert_eq!((second.status, second.json()["revision"] == etag(&second)), (200, true));
    assert_eq!(told(&write(&first, "3").await), (412, 54103));
    assert_eq!(told(&write("no revision", "3").await), (400, 54003));
    assert_eq!(write(&format!("\"{}\"", etag(&second)), "3").await.status, 200);
    assert_eq!(space.get("/Documents/doc").await.json()["data"], json!({"n": 3}));
}

#[tokio::test]
async fn pages_pass_nothing_over_and_repeat_nothing_while_items_come_and_go() {
    let space = Space::open().await;
    space.made("/Maps", &[("UniqueName", "map")]).await;
    let all: Vec<String> = (0..40).map(|n| format!("k{n:02}")).collect();
    for key in &all {
        space.made("/Maps/map/Items", &[("Key", key), ("Data", "{}")]).await;
    }
    let untouched = space.keys("/Maps/map/Items?PageSize=7", async |_| {}).await;
    assert_eq!(untouched, all);
    let first = "/Maps/map/Items?PageSize=5&From=k03&Bounds=exclusive";
    assert_eq!(space.keys(first, async |_| {}).await, all[4..]);
    // Half of what was shown goes, and so does the item a page would begin behind.
    let disturbed = space
        .keys("/Maps/map/Items?PageSize=10", async |page| {
            for n in (page * 10..page * 10 + 10).filter(|n| n % 2 == 1) {
                assert_eq!(space.delete(&format!("/Maps/map/Items/k{n:02}")).await.status, 204);
            }
            let form = [("Key", &*format!("k{:02}x", page * 10)), ("Data", "{}")];
            space.made("/Maps/map/Items", &form).await;
        })
        .await;
    assert_eq!(disturbed, all, "what was there all the time is shown once");
    let left = space.keys("/Maps/map/Items?PageSize=100", async |_| {}).await;
    assert_eq!(left.len(), 40 - 15 + 3);
    assert_eq!(left.iter().collect::<BTreeSet<_>>().len(), left.len());
    let second = space.get("/Maps/map/Items?PageSize=2&Order=desc&From=k38").await.json();
    let next = second["meta"]["next_page_url"].as_str().unwrap();
    let next = space.owner.get(next.strip_prefix(&space.server.running.url).unwrap()).await.json();
    let back = next["meta"]["previous_page_url"].as_str().unwrap();
    let back = space.owner.get(back.strip_prefix(&space.server.running.url).unwrap()).await.json();
    assert_eq!(back["items"], second["items"], "and back again, not beyond where it began");
}

#[tokio::test]
async fn a_token_leads_into_its_own_list_only() {
    let space = Space::open().await;
    for name in ["a", "b"] {
        space.made("/Maps", &[("UniqueName", name)]).await;
        for key in ["1", "2", "3"] {
            let path = format!("/Maps/{name}/Items");
            space.made(&path, &[("Key", key), ("Data", "{}")]).await;
        }
    }
    let page = space.get("/Maps/a/Items?PageSize=1").await.json();
    let url = page["meta"]["next_page_url"].as_str().unwrap().to_owned();
    let elsewhere = url.replace("/Maps/a/", "/Maps/b/");
    let elsewhere = elsewhere.strip_prefix(&space.server.running.url).unwrap();
    assert_eq!(told(&space.owner.get(elsewhere).await), (400, 20001));
    let maps = space.get("/Maps?PageSize=1").await.json();
    assert_eq!(maps["maps"].as_array().unwrap().len(), 1);
    assert!(maps["meta"]["next_page_url"].is_string());
    assert_eq!(space.get("/Maps?PageSize=500").await.json()["meta"]["page_size"], 100);
    let services = space.owner.get("/sync/v1/Services?PageSize=500").await.json();
    assert_eq!(services["meta"]["page_size"], 100);
}

#[tokio::test]
async fn everything_is_there_after_a_restart() {
    let space = Space::open().await;
    let document = [("UniqueName", "doc"), ("Data", "{\"n\":1.0}"), ("Ttl", "1000")];
    space.made("/Documents", &document).await;
    space.made("/Lists", &[("UniqueName", "list")]).await;
    space.made("/Maps", &[("UniqueName", "map")]).await;
    space.made("/Streams", &[("UniqueName", "stream")]).await;
    for n in ["0", "1", "2"] {
        let data = format!("{{\"n\":{n}}}");
        space.made("/Lists/list/Items", &[("Data", &data)]).await;
        space.made("/Maps/map/Items", &[("Key", n), ("Data", &data)]).await;
    }
    assert_eq!(space.delete("/Lists/list/Items/2").await.status, 204);
    let rights = [("Read", "true"), ("Write", "false"), ("Manage", "false")];
    assert_eq!(space.post("/Maps/map/Permissions/ann", &rights).await.status, 200);
    assert_eq!(space.post("", &[("AclEnabled", "true")]).await.status, 200);
    let paths = [
        "",
        "/Documents",
        "/Documents/doc",
        "/Lists/list",
        "/Lists/list/Items",
        "/Maps/map",
        "/Maps/map/Items",
        "/Maps/map/Permissions",
        "/Streams/stream",
    ];
    // Links begin with the address, which is another one after the restart.
    let seen = async |space: &Space| {
        let mut seen = Vec::new();
        for path in paths {
            seen.push(space.get(path).await.text().replace(&space.server.running.url, ""));
        }
        seen
    };
    let before = seen(&space).await;
    let Space { server, at, .. } = space;
    let Server { running, folder } = server;
    running.stop().await;
    let server = Server::again(folder, |_| {}).await;
    let space = Space { owner: server.owner(), server, at };
    assert_eq!(seen(&space).await, before);
    let next = space.made("/Lists/list/Items", &[("Data", "{}")]).await;
    assert_eq!(next["index"], 3, "an index is never used again");
    assert_eq!(space.refused("/Maps", &[("UniqueName", "map")]).await, (409, 54301));
}

#[tokio::test]
async fn payloads_have_the_bound_that_was_chosen() {
    let data = |bytes: usize| format!("{{\"t\":\"{}\"}}", "x".repeat(bytes - 8));
    let space = Space::open().await;
    space.made("/Maps", &[("UniqueName", "map")]).await;
    let item = |data| [("Key", "k"), ("Data", data)];
    let (whole, more) = (data(16_384), data(16_385));
    assert_eq!(space.refused("/Documents", &[("Data", &more)]).await, (413, 54006));
    assert_eq!(space.refused("/Maps/map/Items", &item(&more)).await, (413, 54006));
    space.made("/Documents", &[("Data", &whole)]).await;
    space.made("/Maps/map/Items", &item(&whole)).await;
    let space = Space::with(|config| config.sync.limits.payload_bytes = 1 << 20).await;
    let (whole, more) = (data(1 << 20), data((1 << 20) + 1));
    space.made("/Documents", &[("UniqueName", "large"), ("Data", &whole)]).await;
    assert_eq!(space.refused("/Documents/large", &[("Data", &more)]).await, (413, 54006));
    assert!(space.get("/Documents/large").await.text().contains(&whole));
}

#[tokio::test]
async fn documented_rates_hold_where_they_were_asked_for_and_leave_no_trace() {
    let space = Space::with(|config| config.limits = api::Limits::Compat).await;
    let map = space.made("/Maps", &[("UniqueName", "map")]).await["sid"].clone();
    space.made("/Maps/map/Items", &[("Key", "k"), ("Data", "{\"n\":0}")]).await;
    let mut told_of = space.server.running.host.sync_feed(10_000);
    // Many at once: one after the other, a slow machine never writes faster than it may.
    let write = async |n: u64| {
        (n, space.post("/Maps/map/Items/k", &[("Data", &format!("{{\"n\":{n}}}"))]).await)
    };
    let (mut taken, mut refused) = (BTreeSet::new(), None);
    for batch in 0.. {
        let writes = (1..=50).map(|n| write(batch * 50 + n));
        for (n, got) in futures_util::future::join_all(writes).await {
            match got.status {
                200 => _ = taken.insert(n),
                _ => refused = Some(got),
            }
        }
        if refused.is_some() {
            break;
        }
        assert!(batch < 100, "nothing was ever refused");
    }
    let refused = refused.expect("the loop ends with one");
    assert!(taken.len() >= 198, "ten seconds of writes may come at once, not {}", taken.len());
    assert_eq!(told(&refused), (429, 54009));
    let what = format!("Rate limit exceeded for write-map-{}", map.as_str().unwrap());
    assert_eq!(refused.json()["message"], what);
    assert_eq!(refused.header("retry-after"), "1");
    let item = space.get("/Maps/map/Items/k").await.json();
    let kept = item["data"]["n"].as_u64();
    assert!(kept.is_some_and(|n| taken.contains(&n)), "a refused write wrote nothing: {item}");
    let object = space.get("/Maps/map").await.json();
    assert_eq!(object["revision"], item["revision"], "the refused write raised no revision");
    let mut newest = 1;
    while newest < taken.len() as u64 + 1 {
        let news = tokio::time::timeout(std::time::Duration::from_secs(60), told_of.recv()).await;
        let id = news.expect("every write is told").expect("the host runs").event.id;
        assert_eq!(id, newest + 1);
        newest = id;
    }
    assert!(told_of.try_recv().is_err(), "the refused write told nobody");
    // Another object has a bucket of its own.
    space.made("/Lists", &[("UniqueName", "list")]).await;
    space.made("/Lists/list/Items", &[("Data", "{}")]).await;
}

#[tokio::test]
async fn one_item_more_than_documented_is_refused_where_limits_were_asked_for() {
    let space = Space::with(|config| {
        config.limits = api::Limits::Compat;
        // The documented million, made smaller.
        config.sync.limits.items_max = Some(2);
    })
    .await;
    for (kind, key) in [("Lists", None), ("Maps", Some("Key"))] {
        space.made(&format!("/{kind}"), &[("UniqueName", "full")]).await;
        let items = format!("/{kind}/full/Items");
        let item = |n: &'static str| key.map(|key| (key, n)).into_iter().chain([("Data", "{}")]);
        let add = async |n| space.post(&items, &item(n).collect::<Vec<_>>()).await;
        for n in ["0", "1"] {
            assert_eq!(add(n).await.status, 201);
        }
        let before = space.get(&format!("/{kind}/full")).await.text();
        let refused = add("2").await;
        assert_eq!(told(&refused), (429, 54009), "{kind}");
        let message = format!("The {} has 2 items", &kind[..kind.len() - 1].to_lowercase());
        assert!(refused.text().contains(&message), "{}", refused.text());
        assert_eq!(space.get(&format!("/{kind}/full")).await.text(), before);
        assert_eq!(space.delete(&format!("{items}/0")).await.status, 204);
        assert_eq!(add("2").await.status, 201, "one gone makes room for one");
    }
    let put = asked(&space.server, "POST", "/v3/Maps", r#"{"unique_name":"m"}"#).await;
    assert_eq!(put.status().as_u16(), 201);
    let put = async |key: &str| {
        let path = format!("/v3/Maps/m/Items/{key}");
        asked(&space.server, "PUT", &path, r#"{"data":{}}"#).await.status().as_u16()
    };
    let answers = [put("a").await, put("b").await, put("c").await, put("b").await];
    assert_eq!(answers, [201, 201, 429, 200]);
}

/// What a client library of ann's asks through its socket.
pub(crate) async fn asked(
    server: &Server,
    method: &str,
    path: &str,
    body: &'static str,
) -> http::Response<bytes::Bytes> {
    let account = ACCOUNT.parse().unwrap();
    let (identity, service, endpoint) = ("ann".into(), "default".into(), "e".into());
    let who = access::Who::Endpoint { identity, service, endpoint, supervises: None };
    let request = http::Request::builder().method(method).uri(path);
    let request = request.header("content-type", "application/json");
    let request = request.body(bytes::Bytes::from_static(body.as_bytes())).unwrap();
    server.running.api.tunnelled(access::Principal { account, who }, request).await
}

#[tokio::test]
async fn who_may_not_read_is_answered_no_value() {
    let server = Server::start().await;
    let (owner, at) = (server.owner(), "/sync/v1/Services/default");
    assert_eq!(owner.post(at, &[("AclEnabled", "true")]).await.status, 200);
    let hidden = ("Data", "{\"hidden\":1}");
    owner.made(&format!("{at}/Documents"), &[("UniqueName", "d"), hidden]).await;
    for (kind, key) in [("Lists", None), ("Maps", Some(("Key", "0")))] {
        owner.made(&format!("{at}/{kind}"), &[("UniqueName", "c")]).await;
        let item: Vec<_> = key.into_iter().chain([hidden]).collect();
        assert_eq!(owner.post(&format!("{at}/{kind}/c/Items"), &item).await.status, 201);
    }
    for object in ["Documents/d", "Lists/c", "Maps/c"] {
        let all_but_read = [("Read", "false"), ("Write", "true"), ("Manage", "true")];
        let path = format!("{at}/{object}/Permissions/ann");
        assert_eq!(owner.post(&path, &all_but_read).await.status, 200);
    }
    let places = ["/v3/Documents/d", "/v3/Lists/c/Items/0", "/v3/Maps/c/Items/0"];
    for path in places {
        assert_eq!(asked(&server, "GET", path, "").await.status().as_u16(), 403, "{path}");
        let longer = asked(&server, "POST", path, r#"{"ttl":100}"#).await;
        let body = String::from_utf8_lossy(longer.body()).into_owned();
        assert_eq!(longer.status().as_u16(), 200, "{body}");
        assert!(body.contains("\"date_expires\":\"") && !body.contains("hidden"), "{body}");
        let written = asked(&server, "POST", path, r#"{"data":{"mine":1}}"#).await;
        let body = String::from_utf8_lossy(written.body()).into_owned();
        assert!(body.contains("\"data\":{\"mine\":1}"), "{body}");
    }
}

#[tokio::test]
async fn what_is_no_whole_number_is_a_wrong_time_to_live() {
    let server = Server::start().await;
    let made = asked(&server, "POST", "/v3/Maps", r#"{"unique_name":"m"}"#).await;
    assert_eq!(made.status().as_u16(), 201);
    let bodies = [
        r#"{"data":{},"ttl":1.5}"#,
        r#"{"data":{},"ttl":"5"}"#,
        r#"{"data":{},"ttl":-1}"#,
        r#"{"data":{},"item_ttl":31536001}"#,
        r#"{"data":{},"collection_ttl":99999999999999999999}"#,
    ];
    for body in bodies {
        let refused = asked(&server, "PUT", "/v3/Maps/m/Items/k", body).await;
        let said: Value = serde_json::from_slice(refused.body()).unwrap();
        assert_eq!((refused.status().as_u16(), &said["code"]), (400, &json!(54011)), "{body}");
    }
    for body in [r#"{"data":{},"ttl":null}"#, r#"{"data":{},"ttl":0}"#] {
        let put = asked(&server, "PUT", "/v3/Maps/m/Items/k", body).await;
        let put: Value = serde_json::from_slice(put.body()).unwrap();
        assert_eq!(put["date_expires"], Value::Null, "{body}");
    }
}

#[tokio::test]
async fn documented_rates_hold_for_client_libraries_too() {
    let server = Server::with(|config| config.limits = api::Limits::Compat).await;
    let call = async |method: &str, path: &str, body| asked(&server, method, path, body).await;
    let made = call("POST", "/v3/Maps", r#"{"unique_name":"map"}"#).await;
    assert_eq!(made.status().as_u16(), 201);
    // Many at once, as above.
    let (mut written, mut refused) = (0, None);
    for batch in 0.. {
        let put = |_| call("PUT", "/v3/Maps/map/Items/k", r#"{"data":{}}"#);
        for got in futures_util::future::join_all((0..50).map(put)).await {
            match got.status().is_success() {
                true => written += 1,
                false => refused = Some(got),
            }
        }
        if refused.is_some() {
            break;
        }
        assert!(batch < 100, "nothing was ever refused");
    }
    let refused = refused.expect("the loop ends with one");
    assert!(written >= 200, "ten seconds of writes may come at once, not {written}");
    assert_eq!(refused.status().as_u16(), 429);
    assert_eq!(refused.headers()["retry-after"], "1");
    let body: Value = serde_json::from_slice(refused.body()).unwrap();
    assert_eq!(body["code"], 54009);
}

#[tokio::test]
async fn no_rate_holds_otherwise() {
    let space = Space::open().await;
    space.made("/Maps", &[("UniqueName", "map")]).await;
    space.made("/Maps/map/Items", &[("Key", "k"), ("Data", "{}")]).await;
    for n in 0..300 {
        let data = format!("{{\"n\":{n}}}");
        assert_eq!(space.post("/Maps/map/Items/k", &[("Data", &data)]).await.status, 200);
    }
}

#[tokio::test]
async fn one_account_knows_nothing_of_anothers() {
    let space = Space::open().await;
    crate::table::stranger(&space.server).await;
    space.made("/Documents", &[("UniqueName", "doc")]).await;
    let key = crate::table::STRANGERS_KEY.to_string();
    let stranger = space.server.nobody().basic(&key, "strange");
    assert_eq!(told(&stranger.get(&format!("{}/Documents/doc", space.at)).await), (404, 54050));
    let own = stranger.get("/sync/v1/Services/default").await;
    assert_eq!(own.status, 200, "{}", own.text());
    let ours = space.owner.get("/sync/v1/Services/default").await.json();
    assert_ne!(own.json()["sid"], ours["sid"]);
    let listed = stranger.get("/sync/v1/Services").await.json();
    assert_eq!(listed["services"].as_array().unwrap().len(), 1);
}

pub(crate) fn reaches_home(config: &mut sinew::Config) {
    config.allow_private_callbacks = vec!["127.0.0.0/8".parse().unwrap()];
}

/// Does one of everything.
async fn everything(space: &Space) {
    space.made("/Documents", &[("UniqueName", "doc"), ("Data", "{\"n\": 1}")]).await;
    space.post("/Documents/doc", &[("Data", "{\"n\": 2}")]).await;
    space.made("/Lists", &[("UniqueName", "list")]).await;
    space.made("/Lists/list/Items", &[("Data", "{\"n\": 3}")]).await;
    space.post("/Lists/list/Items/0", &[("Data", "{\"n\": 4}")]).await;
    space.delete("/Lists/list/Items/0").await;
    space.made("/Maps", &[("UniqueName", "map")]).await;
    space.made("/Maps/map/Items", &[("Key", "k"), ("Data", "{\"n\": 5}")]).await;
    space.post("/Maps/map/Items/k", &[("Data", "{\"n\": 6}")]).await;
    space.delete("/Maps/map/Items/k").await;
    space.made("/Streams", &[("UniqueName", "stream")]).await;
    space.made("/Streams/stream/Messages", &[("Data", "{\"n\": 7}")]).await;
    for path in ["/Documents/doc", "/Lists/list", "/Maps/map", "/Streams/stream"] {
        assert_eq!(space.delete(path).await.status, 204);
    }
}

const EVENTS: [&str; 16] = [
    "document_created",
    "document_removed",
    "document_updated",
    "list_created",
    "list_item_added",
    "list_item_removed",
    "list_item_updated",
    "list_removed",
    "map_created",
    "map_item_added",
    "map_item_removed",
    "map_item_updated",
    "map_removed",
    "stream_created",
    "stream_message_published",
    "stream_removed",
];

#[tokio::test]
async fn webhooks_tell_everything_once() {
    let peer = Peer::start().await;
    let space = Space::with(reaches_home).await;
    let url = peer.url("/sync?from=sinew");
    let settings = [("WebhookUrl", &*url), ("WebhooksFromRestEnabled", "true")];
    assert_eq!(space.post("", &settings).await.status, 200);
    everything(&space).await;
    let heard = peer.hears("/sync?from=sinew", 16).await;
    let mut kinds: Vec<&str> = heard.iter().map(|one| one.get("EventType")).collect();
    kinds.sort_unstable();
    assert_eq!(kinds, EVENTS);
    for one in &heard {
        assert_eq!((one.get("AccountSid"), one.get("Identity")), (ACCOUNT, "system"));
        assert!(!one.form.contains_key("EndpointId"));
        assert!(one.headers.contains_key("x-twilio-signature"));
    }
    let of = |kind: &str| heard.iter().find(|one| one.get("EventType") == kind).unwrap();
    assert_eq!(of("document_updated").get("DocumentData"), "{\"n\": 2}");
    assert_eq!(of("list_item_updated").get("ItemIndex"), "0");
    assert_eq!(of("map_item_removed").get("ItemData"), "{\"n\": 6}");
    assert_eq!(of("map_item_added").get("EventId"), "1");
    assert_eq!(of("stream_message_published").get("MessageData"), "{\"n\": 7}");
}

#[tokio::test]
async fn a_webhook_that_is_not_heard_is_not_told_again_and_delays_nobody() {
    let peer = Peer::start().await;
    let space = Space::with(reaches_home).await;
    peer.says("/sync", [crate::peer::Say::Json(500, "{}")]);
    let url = peer.url("/sync");
    let settings = [("WebhookUrl", &*url), ("WebhooksFromRestEnabled", "true")];
    assert_eq!(space.post("", &settings).await.status, 200);
    everything(&space).await;
    peer.hears("/sync", 16).await;
    // What is told last is heard after whatever would have been told again.
    space.made("/Documents", &[("UniqueName", "last")]).await;
    let heard = peer.hears("/sync", 17).await;
    assert_eq!(heard.len(), 17);
    assert_eq!(heard[16].get("DocumentUniqueName"), "last");
}

#[tokio::test]
async fn what_the_account_does_is_told_only_if_wanted_and_never_into_private_networks() {
    let peer = Peer::start().await;
    let space = Space::with(reaches_home).await;
    let url = peer.url("/sync");
    assert_eq!(space.post("", &[("WebhookUrl", &*url)]).await.status, 200);
    space.made("/Documents", &[("UniqueName", "untold")]).await;
    assert_eq!(space.post("", &[("WebhooksFromRestEnabled", "true")]).await.status, 200);
    space.made("/Documents", &[("UniqueName", "told")]).await;
    let heard = peer.hears("/sync", 1).await;
    assert_eq!(heard[0].get("DocumentUniqueName"), "told");
    let guarded = Space::open().await;
    let settings = [("WebhookUrl", &*peer.url("/guarded")), ("WebhooksFromRestEnabled", "true")];
    assert_eq!(guarded.post("", &settings).await.status, 200);
    guarded.made("/Documents", &[("UniqueName", "secret")]).await;
    let failed = "sinew_deliveries_total{kind=\"sync\",result=\"failed\"} 1";
    for _ in 0..3_000 {
        if guarded.server.nobody().get("/metrics").await.text().contains(failed) {
            assert!(peer.heard("/guarded").is_empty());
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("the refusal was never counted");
}

#[tokio::test]
async fn who_comes_and_goes_is_told_where_that_is_wanted() {
    let peer = Peer::start().await;
    let space = Space::with(|config| {
        reaches_home(config);
        config.clock = sinew::config::Clock::Manual;
    })
    .await;
    let service = space.at.rsplit('/').next().unwrap().to_owned();
    let url = peer.url("/sync");
    let host = &space.server.running.host;
    let connect = |identity: &str, device: &str| {
        host.connect(service.parse().unwrap(), identity.into(), device.into())
    };
    let silent = space.owner.made("/sync/v1/Services", &[("WebhookUrl", &*url)]).await;
    drop(host.connect(silent.parse().unwrap(), "nobody".into(), "untold".into()));
    let settings = [
        ("WebhookUrl", &*url),
        ("ReachabilityWebhooksEnabled", "true"),
        ("ReachabilityDebouncingEnabled", "true"),
        ("ReachabilityDebouncingWindow", "2000"),
    ];
    assert_eq!(space.post("", &settings).await.status, 200);
    let ann = connect("ann", "tab");
    let heard = peer.hears("/sync", 1).await;
    let told = |one: &crate::peer::Heard| {
        ["EventType", "Identity", "EndpointId"].map(|name| one.get(name).to_owned())
    };
    assert_eq!(told(&heard[0]), ["endpoint_connected", "ann", "tab"]);
    drop(ann);
    let advance = async |ms: i64| {
        let got = space.owner.post_json("/sinew/v1/Clock", &json!({"advance_ms": ms})).await;
        assert_eq!(got.status, 200, "{}", got.text());
    };
    advance(1_999).await;
    let back = connect("ann", "tab");
    advance(60_000).await;
    drop(back);
    advance(2_000).await;
    let heard = peer.hears("/sync", 2).await;
    assert_eq!(told(&heard[1]), ["endpoint_disconnected", "ann", "tab"], "once, and late");
    assert_eq!(heard.len(), 2);
}
