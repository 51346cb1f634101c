//! The client libraries' socket, frame by frame.

use crate::client::{Centre, KEY, credentials, now_s};
use access::token::{Grants, ServiceGrant, mint};
use axum::body::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use host::Host;
use http::{Request, Response};
use live::{Limits, Options, Relay, Twilsock};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};
use store::MemoryStore;
use tokio::{io::AsyncWriteExt as _, net::TcpStream, time::timeout};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, tungstenite::Message};

const PATIENCE: Duration = Duration::from_secs(60);

/// A server whose requests are answered with what was asked.
struct Server {
    host: Host,
    twilsock: Twilsock,
    address: String,
}

impl Server {
    async fn start(limits: Limits) -> Self {
        let store = Arc::new(MemoryStore::new());
        let options = host::Options { seed: Some(1), ..host::Options::default() };
        let host = Host::start(store, &options).expect("an empty store");
        credentials(&host).await;
        let relay: Relay = Arc::new(|principal, request: Request<Bytes>| {
            Box::pin(async move {
                let path = request.uri().path().to_owned();
                let slow: u64 = path.strip_prefix("/slow/").map_or(0, |ms| ms.parse().expect("ms"));
                tokio::time::sleep(Duration::from_millis(slow)).await;
                let big = path.strip_prefix("/big/").map_or(0, |n| n.parse().expect("bytes"));
                let answer = json!({
                    "who": principal.username(),
                    "uri": request.uri().to_string(),
                    "body": String::from_utf8_lossy(request.body()),
                    "pad": "x".repeat(big),
                });
                Response::new(Bytes::from(answer.to_string()))
            })
        });
        let twilsock = Twilsock::new(host.clone(), relay, limits);
        let options = Options { twilsock: Some(twilsock.clone()), ..Options::default() };
        let router = live::router(host.clone(), options);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address").to_string();
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { host, twilsock, address }
    }

    fn token(&self, identity: &str) -> String {
        let directory = self.host.directory();
        let grant = ServiceGrant { service_sid: Some("default".to_owned()), endpoint_id: None };
        let identity = Some(identity.to_owned());
        let grants = Grants { identity, data_sync: Some(grant), ..Grants::default() };
        mint(directory.key(KEY).expect("the key"), grants, now_s(), 3_600).0
    }

    async fn connect(&self) -> Client {
        let url = format!("ws://{}/v3/wsconnect", self.address);
        Client(tokio_tungstenite::connect_async(url).await.expect("an upgrade").0)
    }

    async fn open(&self, identity: &str) -> Client {
        let mut client = self.connect().await;
        client.say(json!({"method": "init", "id": "1", "token": self.token(identity)}), "").await;
        let (header, _) = client.hear().await;
        assert_eq!(header["status"]["code"], 200, "{header}");
        client
    }
}

struct Client(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Client {
    async fn say(&mut self, mut header: Value, payload: &str) {
        header["payload_size"] = payload.len().into();
        let header = header.to_string();
        let frame = format!("TWILSOCK V3.0 {}\r\n{header}\r\n{payload}", header.len());
        self.0.send(Message::Binary(frame.into_bytes().into())).await.expect("an open line");
    }

    async fn ask(&mut self, id: &str, path: &str, payload: &str) {
        let http_request = json!({"host": "h", "path": path, "method": "POST", "params": {}});
        let grant = "data_sync";
        let header = json!({
            "method": "message", "id": id, "active_grant": grant, "http_request": http_request,
        });
        self.say(header, payload).await;
    }

    /// The next frame's header and payload.
    async fn hear(&mut self) -> (Value, Value) {
        loop {
            match self.next().await {
                Some(Message::Binary(frame)) => {
                    let text = str::from_utf8(&frame).expect("text");
                    let parts: Vec<&str> = text.split("\r\n").collect();
                    let header = serde_json::from_str(parts[1]).expect("a header");
                    return (header, serde_json::from_str(parts[2]).unwrap_or_default());
                }
                Some(Message::Ping(_) | Message::Pong(_)) => {}
                other => panic!("{other:?} instead of a frame"),
            }
        }
    }

    async fn next(&mut self) -> Option<Message> {
        let next = timeout(PATIENCE, self.0.next()).await.expect("something in time");
        next.map(|message| message.expect("a whole message"))
    }

    /// Whether the line ends without another frame.
    async fn ends(&mut self) -> bool {
        loop {
            match timeout(PATIENCE, self.0.next()).await.expect("an end in time") {
                None | Some(Err(_) | Ok(Message::Close(_))) => return true,
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(_)) => return false,
            }
        }
    }
}

#[tokio::test]
async fn requests_run_side_by_side_and_answers_come_as_they_are_ready() {
    let server = Server::start(Limits::None).await;
    let mut client = server.open("ann").await;
    client.ask("slow", "/slow/200", "").await;
    client.ask("quick", "/a%2Fb", "{\"n\":1}").await;
    let (header, body) = client.hear().await;
    assert_eq!((&header["id"], &header["http_status"]["code"]), (&json!("quick"), &json!(200)));
    assert_eq!(body["who"], "ann");
    assert_eq!((&body["uri"], &body["body"]), (&json!("/a%2Fb"), &json!("{\"n\":1}")));
    let (header, _) = client.hear().await;
    assert_eq!(header["id"], "slow");
    assert_eq!(server.twilsock.open(), 1);
}

#[tokio::test]
async fn a_client_that_takes_no_answers_is_not_read_and_loses_none() {
    let server = Server::start(Limits::None).await;
    let mut client = server.open("ann").await;
    let count = 300;
    for n in 0..count {
        client.ask(&n.to_string(), "/big/50000", "").await;
    }
    let mut seen = Vec::new();
    for _ in 0..count {
        let (header, body) = client.hear().await;
        assert_eq!(body["pad"].as_str().map(str::len), Some(50_000));
        seen.push(header["id"].as_str().expect("an id").parse::<u32>().expect("a number"));
    }
    seen.sort_unstable();
    assert_eq!(seen, (0..count).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_stop_sends_every_client_away() {
    let server = Server::start(Limits::None).await;
    let mut clients = [server.open("ann").await, server.open("bob").await];
    let stopping = tokio::spawn({
        let twilsock = server.twilsock.clone();
        async move { twilsock.stop().await }
    });
    for client in &mut clients {
        let (header, payload) = client.hear().await;
        assert_eq!((&header["method"], &header["status"]["code"]), (&json!("close"), &json!(308)));
        assert!(payload["backoff_policy"]["reconnect_min_ms"].is_u64());
        client.say(json!({"method": "reply", "id": header["id"]}), "").await;
        client.0.close(None).await.expect("an open line");
    }
    timeout(PATIENCE, stopping).await.expect("all left").expect("no panic");
    assert_eq!(server.twilsock.open(), 0);
    let mut late = server.connect().await;
    let (header, _) = late.hear().await;
    assert_eq!(header["status"]["code"], 308, "nobody is let in any more");
}

#[tokio::test]
async fn a_wrong_frame_ends_the_line_with_its_reason() {
    let server = Server::start(Limits::None).await;
    let cases = [
        (Message::Text("TWILSOCK V3.0 2\r\n{}\r\n".into()), 406),
        (Message::Binary("hello".into()), 406),
        (Message::Binary("TWILSOCK V3.0 2\r\n{}\r\n".into()), 417),
    ];
    for (message, code) in cases {
        let mut client = server.open("ann").await;
        client.0.send(message).await.expect("an open line");
        let (header, _) = client.hear().await;
        assert_eq!((&header["method"], &header["status"]["code"]), (&json!("close"), &json!(code)));
        assert!(client.ends().await);
    }
}

/// A frame as a client writes it, with a mask of zeros.
fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let length = u64::try_from(payload.len()).expect("a length").to_be_bytes();
    [&[first, 0xff][..], &length, &[0; 4], payload].concat()
}

#[tokio::test]
async fn what_breaks_the_standard_is_told_its_code_before_the_line_ends() {
    let server = Server::start(Limits::None).await;
    let endless = [&[0x82, 0xff][..], &(1_u64 << 40).to_be_bytes(), &[0; 5000]].concat();
    let cases = [
        (vec![0x82, 1, b'x'], 1002),
        (masked(0x83, b"no such kind"), 1002),
        (masked(0x80, b"continues nothing"), 1002),
        (endless, 1009),
        (masked(0x88, &[0x0f, 0xa1]), 4001),
        (masked(0x88, b""), 1000),
    ];
    for (bytes, code) in cases {
        let mut client = server.open("ann").await;
        let MaybeTlsStream::Plain(stream) = client.0.get_mut() else { panic!("no TLS here") };
        stream.write_all(&bytes).await.expect("an open line");
        match client.next().await {
            Some(Message::Close(Some(frame))) => assert_eq!(u16::from(frame.code), code),
            other => panic!("{other:?} instead of {code}"),
        }
    }
}

#[tokio::test]
async fn a_request_that_is_too_long_is_refused_and_others_go_on() {
    let server = Server::start(Limits::None).await;
    let mut client = server.open("ann").await;
    client.ask("slow", "/slow/300", "").await;
    client.ask("long", "/a", &"x".repeat(3 << 20)).await;
    let (header, body) = client.hear().await;
    assert_eq!((&header["id"], &header["http_status"]["code"]), (&json!("long"), &json!(413)));
    assert_eq!(body["code"], 54006);
    assert_eq!(client.hear().await.0["id"], "slow");
}

#[tokio::test]
async fn a_token_whose_key_is_unknown_opens_nothing() {
    let server = Server::start(Limits::None).await;
    let mut client = server.connect().await;
    let token = format!("{}x", server.token("ann"));
    client.say(json!({"method": "init", "id": "1", "token": token}), "").await;
    let (header, _) = client.hear().await;
    assert_eq!(
        (&header["status"]["code"], &header["status"]["errorCode"]),
        (&json!(401), &json!(20101))
    );
    client.ask("2", "/a", "").await;
    let (header, _) = client.hear().await;
    assert_eq!((&header["id"], &header["status"]["code"]), (&json!("2"), &json!(401)));
}

#[tokio::test]
async fn requests_are_bound_where_the_incumbents_limits_hold() {
    let server = Server::start(Limits::Compat).await;
    let mut client = server.open("ann").await;
    for n in 0..501 {
        client.ask(&n.to_string(), "/a", "").await;
    }
    let mut limited = 0;
    for _ in 0..501 {
        let (header, body) = client.hear().await;
        if header["http_status"]["code"] == 429 {
            assert_eq!(
                (&body["code"], &header["http_headers"]["retry-after"]),
                (&json!(51202), &json!("1"))
            );
            limited += 1;
        }
    }
    assert!(limited <= 1, "{limited} of 501 requests");
}

#[tokio::test]
async fn without_the_option_there_is_no_such_path() {
    let centre = Centre::open().await;
    let got = centre.http("GET", "/v3/wsconnect", "", "").await;
    assert_eq!(got.status, 404);
}
