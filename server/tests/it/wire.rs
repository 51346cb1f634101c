//! What is the same for every route: headers, methods, hosts, sizes.

use crate::{
    caller::{ACCOUNT, Caller, Folder, Server, TOKEN, given},
    socket::{Socket, token},
};
use serde_json::{Value, json};
use sinew::{Config, Given};
use std::time::{Duration, Instant};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

const WORKSPACES: &str = "/taskrouter/v1/Workspaces";

#[tokio::test]
async fn a_problem_has_the_documented_body() {
    let server = Server::start().await;
    let owner = server.owner();
    let path = format!("{WORKSPACES}/WS0123456789abcdef0123456789abcdef");
    for path in
        [&path, "/taskrouter/v1/Nothing", &format!("{WORKSPACES}/WS0bad"), "/voice/v1/Nothing"]
    {
        let got = owner.get(path).await;
        assert_eq!(got.status, 404, "{path}");
        assert_eq!(got.header("content-type"), "application/json");
        let body = got.json();
        assert_eq!((&body["code"], &body["status"]), (&json!(20404), &json!(404)));
        assert_eq!(body["more_info"], "https://www.twilio.com/docs/errors/20404");
        assert!(body["message"].as_str().unwrap().starts_with("The requested resource /v1/"));
    }
    let wrong = owner.send("PUT", WORKSPACES, None, String::new()).await;
    assert_eq!((wrong.status, &wrong.json()["code"]), (405, &json!(20004)));
    assert_eq!(wrong.header("allow"), "GET, POST");
    let wrong = owner.send("POST", WORKSPACES, Some("application/json"), "{}".to_owned()).await;
    assert_eq!((wrong.status, &wrong.json()["code"]), (400, &json!(20001)));
    let large = "x".repeat(5 << 20);
    let large = owner.post(WORKSPACES, &[("FriendlyName", &large)]).await;
    assert_eq!((large.status, &large.json()["code"]), (413, &json!(20413)));
}

/// What comes on a line up to the end of an answer, by its content-length.
async fn answer(line: &mut TcpStream) -> String {
    let mut came = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&came).to_lowercase();
        let length = text.split_once("content-length: ").and_then(|(_, rest)| {
            rest.split("\r\n").next().and_then(|length| length.parse::<usize>().ok())
        });
        let body = text.split_once("\r\n\r\n").map(|(_, body)| body.len());
        if length.is_some() && body >= length {
            return text;
        }
        let mut buffer = [0; 4096];
        let count = line.read(&mut buffer).await.unwrap();
        assert!(count > 0, "it ended after {text:?}");
        came.extend_from_slice(&buffer[..count]);
    }
}

#[tokio::test]
async fn who_is_refused_before_its_body_came_may_go_on() {
    let server = Server::start().await;
    let mut line = TcpStream::connect(server.running.addr).await.unwrap();
    for path in ["/taskrouter/v1/Nothing", "/nothing", WORKSPACES] {
        let head = format!("POST {path} HTTP/1.1\r\nhost: h\r\ncontent-length: 5\r\n\r\n");
        loop {
            let began = Instant::now();
            line.write_all(head.as_bytes()).await.unwrap();
            // The body comes in a packet of its own, after the server has seen the headers.
            tokio::time::sleep(Duration::from_millis(30)).await;
            line.write_all(b"A=1&B").await.unwrap();
            let took = began.elapsed();
            let text = answer(&mut line).await;
            if !text.contains("connection: close") {
                break;
            }
            // A second is waited for a body; a machine that stood still so long says nothing.
            assert!(took > Duration::from_millis(500), "{path}: {text}");
            line = TcpStream::connect(server.running.addr).await.unwrap();
        }
    }
    line.write_all(b"POST /nothing HTTP/1.1\r\nhost: h\r\ncontent-length: 5\r\n\r\n")
        .await
        .unwrap();
    let text = answer(&mut line).await;
    assert!(text.contains("connection: close"), "its body never came: {text}");
    let end = line.read(&mut [0; 16]).await;
    assert!(matches!(end, Ok(0) | Err(_)), "{end:?}");
}

#[tokio::test]
async fn other_origins_may_ask_and_are_answered() {
    let server = Server::start().await;
    let asked = server.nobody().send("OPTIONS", WORKSPACES, None, String::new()).await;
    assert_eq!(asked.status, 204);
    assert_eq!(asked.header("access-control-allow-origin"), "*");
    let allowed = asked.header("access-control-allow-headers").to_ascii_lowercase();
    for name in ["authorization", "content-type", "apiversion", "clientversion", "if-match"] {
        assert!(allowed.contains(name), "{name}");
    }
    assert!(!allowed.contains("x-sinew-csrf"), "no other origin may change by cookie");
    let got = server.owner().get(WORKSPACES).await;
    assert_eq!(got.header("access-control-allow-origin"), "*");
    assert_eq!(got.header("access-control-allow-credentials"), "");
    assert_eq!(got.header("x-content-type-options"), "nosniff");
    assert!(got.header("x-request-id").starts_with("RQ"));
}

#[tokio::test]
async fn head_is_get_without_a_body() {
    let server = Server::start().await;
    let got = server.owner().get(WORKSPACES).await;
    let head = server.owner().send("HEAD", WORKSPACES, None, String::new()).await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.header("content-length"), got.body.len().to_string());
}

#[tokio::test]
async fn links_keep_the_host_the_client_used() {
    let server = Server::with(|config| {
        config.public = Some(api::Site::parse("https://desk.example.test").unwrap());
    })
    .await;
    let here = server.running.addr;
    let link = async |host: &str, path: &str| {
        let caller = server.nobody().with("host", host).basic(ACCOUNT, TOKEN);
        let got = caller.get(path).await;
        assert_eq!(got.status, 200, "{host}{path}: {}", got.text());
        got.json()["meta"]["url"].as_str().unwrap().split("/v1").next().unwrap().to_owned()
    };
    let direct = format!("http://{here}/taskrouter");
    assert_eq!(link(&here.to_string(), WORKSPACES).await, direct);
    let public = "https://desk.example.test/taskrouter";
    assert_eq!(link("desk.example.test", WORKSPACES).await, public);
    let product = "taskrouter.desk.example.test";
    assert_eq!(link(product, "/v1/Workspaces").await, format!("https://{product}"));
    assert_eq!(link("elsewhere.test", WORKSPACES).await, public);
    let stripped = format!("/_.twilio.com{WORKSPACES}");
    let direct = format!("http://{here}/_.twilio.com/taskrouter");
    assert_eq!(link(&here.to_string(), &stripped).await, direct);
}

#[tokio::test]
async fn sockets_are_found_behind_the_prefix_of_a_region_too() {
    let server = Server::start().await;
    let prefix = format!("ws://{}/_.twilio.com", server.running.addr);
    Socket::open_at(&format!("{prefix}/v3/wsconnect"), &token("ada")).await;
    let owner = server.owner();
    for path in ["/v1/wschannels?token=none", "/v3/wsconnect", "/v3/else"] {
        let (bare, behind) =
            (owner.get(path).await, owner.get(&format!("/_.twilio.com{path}")).await);
        assert_eq!((bare.status, bare.text()), (behind.status, behind.text()), "{path}");
    }
}

#[tokio::test]
async fn lists_page_both_ways() {
    let server = Server::start().await;
    let owner = server.owner();
    let mut made = Vec::new();
    for n in 0..7 {
        let name = format!("w{n}");
        let got = owner.post(WORKSPACES, &[("FriendlyName", &name)]).await;
        assert_eq!(got.status, 201, "{}", got.text());
        made.push(got.json()["sid"].clone());
    }
    let path = |url: &Value| {
        let url = url.as_str().unwrap();
        format!("/taskrouter/{}", url.split_once("/taskrouter/").unwrap().1)
    };
    let (mut seen, mut pages, mut at) =
        (Vec::new(), Vec::new(), format!("{WORKSPACES}?PageSize=3"));
    loop {
        let page = owner.get(&at).await.json();
        seen.extend(page["workspaces"].as_array().unwrap().iter().map(|w| w["sid"].clone()));
        pages.push(page.clone());
        if page["meta"]["next_page_url"].is_null() {
            break;
        }
        at = path(&page["meta"]["next_page_url"]);
    }
    let mut sorted = seen.clone();
    sorted.sort_by_key(|sid| sid.as_str().unwrap().to_owned());
    sorted.dedup();
    assert_eq!((pages.len(), seen.len(), sorted.len()), (3, 7, 7));
    assert_eq!(pages[0]["meta"]["previous_page_url"], Value::Null);
    assert_eq!(pages[2]["meta"]["page"], 2);
    let back = owner.get(&path(&pages[2]["meta"]["previous_page_url"])).await.json();
    assert_eq!(back["workspaces"], pages[1]["workspaces"]);
    let first = owner.get(&path(&back["meta"]["previous_page_url"])).await.json();
    assert_eq!(first["workspaces"], pages[0]["workspaces"]);
    assert_eq!(first["meta"]["previous_page_url"], Value::Null);
    let again = owner.get(&path(&back["meta"]["next_page_url"])).await.json();
    assert_eq!(again["workspaces"], pages[2]["workspaces"]);
    let third = owner.get(&format!("{WORKSPACES}?PageSize=3&Page=2")).await.json();
    assert_eq!(third["workspaces"], pages[2]["workspaces"]);

    for bad in ["PageSize=0", "PageSize=x", "Page=-1", "PageToken=abc", "PageToken=e30"] {
        let got = owner.get(&format!("{WORKSPACES}?{bad}")).await;
        assert_eq!((got.status, &got.json()["code"]), (400, &json!(20001)), "{bad}");
    }
    let token = at.split("PageToken=").nth(1).unwrap();
    let other = format!("{WORKSPACES}?FriendlyName=w1&PageToken={token}");
    assert_eq!(owner.get(&other).await.status, 400, "a token of another list");
}

#[tokio::test]
async fn a_manual_clock_moves_and_the_machines_clock_is_not_there() {
    let server = Server::with(|config| config.clock = sinew::config::Clock::Manual).await;
    let owner = server.owner();
    let clock = "/sinew/v1/Clock";
    assert_eq!(owner.get(clock).await.json(), json!({"now": "2026-01-01T00:00:00Z"}));
    let moved = owner.post_json(clock, &json!({"advance_ms": 30_000})).await;
    assert_eq!((moved.status, moved.json()), (200, json!({"now": "2026-01-01T00:00:30Z"})));
    let settled = owner.post_json(clock, &json!({"advance_ms": 0})).await;
    assert_eq!(settled.json(), json!({"now": "2026-01-01T00:00:30Z"}));
    for bad in [json!({"advance_ms": -1}), json!({"advance_ms": "1"}), json!({})] {
        assert_eq!(owner.post_json(clock, &bad).await.json()["code"], 20001, "{bad}");
    }
    assert_eq!(server.nobody().get(clock).await.status, 401);

    let system = Server::start().await;
    assert_eq!(system.owner().get(clock).await.status, 404);
    assert_eq!(system.owner().post_json(clock, &json!({"advance_ms": 0})).await.status, 404);
}

#[tokio::test]
async fn a_clock_moved_by_hand_stands_where_it_stood_after_a_restart() {
    let folder = Folder::new();
    let mut config = Config::in_folder(&folder.path().join("data"));
    config.clock = sinew::config::Clock::Manual;
    let first = sinew::serve(config.clone(), &Given::from(given)).await.expect("it starts");
    let owner = Caller::at(first.addr).basic(ACCOUNT, TOKEN);
    let clock = "/sinew/v1/Clock";
    owner.post_json(clock, &json!({"advance_ms": 5_000})).await;
    let made = owner.post(WORKSPACES, &[("FriendlyName", "w")]).await;
    assert_eq!(made.status, 201);
    first.stop().await;
    let second = sinew::serve(config, &Given::from(given)).await.expect("it starts again");
    let owner = Caller::at(second.addr).basic(ACCOUNT, TOKEN);
    assert_eq!(owner.get(clock).await.json(), json!({"now": "2026-01-01T00:00:05Z"}));
    second.stop().await;
}
