//! The client libraries' socket, as a plain client speaks it.

use crate::{
    caller::{ACCOUNT, KEY, KEY_SECRET},
    table::{STRANGER, STRANGERS_KEY},
};
use access::{
    ApiKey, KeyUse, Secret,
    token::{Grants, ServiceGrant, TaskRouterGrant, mint},
};
use base::{Sid, Timestamp};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use std::{
    net::SocketAddr,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, tungstenite::Message};

const PATIENCE: Duration = Duration::from_secs(60);

/// An access token for the account's own service.
pub(crate) fn token(identity: &str) -> String {
    token_with(identity, None)
}

/// The same for the other account.
pub(crate) fn strangers_token(identity: &str) -> String {
    token_by((STRANGERS_KEY, STRANGER, "strange"), identity, None)
}

/// The same with a role in a workspace.
pub(crate) fn routing_token(identity: &str, role: &str, workspace: &str) -> String {
    let workspace_sid = Some(workspace.parse().unwrap());
    let role = Some(role.to_owned());
    token_with(identity, Some(TaskRouterGrant { workspace_sid, worker_sid: None, role }))
}

fn token_with(identity: &str, task_router: Option<TaskRouterGrant>) -> String {
    let (key, account) = (KEY.parse().unwrap(), ACCOUNT.parse().unwrap());
    token_by((key, account, KEY_SECRET), identity, task_router)
}

/// The same by a key of some account.
pub(crate) fn token_by(
    (sid, account, secret): (Sid, Sid, &str),
    identity: &str,
    task_router: Option<TaskRouterGrant>,
) -> String {
    let key = ApiKey {
        sid,
        account,
        secret: Secret::new(secret),
        purpose: KeyUse::Caller,
        friendly_name: String::new(),
        created_at: Timestamp(0),
    };
    let grant = ServiceGrant { service_sid: Some("default".to_owned()), endpoint_id: None };
    let identity = Some(identity.to_owned());
    let grants = Grants { identity, data_sync: Some(grant), task_router, ..Grants::default() };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    mint(&key, grants, i64::try_from(now).unwrap(), 3_600).0
}

/// One connection.
pub(crate) struct Socket {
    line: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// What was told while something else was waited for.
    told: Vec<Value>,
    count: u32,
}

impl Socket {
    /// A connection that was opened for somebody.
    pub(crate) async fn open(address: SocketAddr, token: &str) -> Self {
        Self::open_at(&format!("ws://{address}/v3/wsconnect"), token).await
    }

    /// The same by an address of its own.
    pub(crate) async fn open_at(url: &str, token: &str) -> Self {
        let line = tokio_tungstenite::connect_async(url).await.expect("an upgrade").0;
        let mut socket = Self { line, told: Vec::new(), count: 0 };
        let reply = socket.reply(json!({"method": "init", "token": token}), "").await.0;
        assert_eq!(reply["status"]["code"], 200, "{reply}");
        socket
    }

    /// Goes on by another token; the status of the answer.
    pub(crate) async fn renew(&mut self, token: &str) -> u64 {
        let reply = self.reply(json!({"method": "update", "token": token}), "").await.0;
        reply["status"]["code"].as_u64().expect("every reply has a status")
    }

    /// A request; status and body of its answer.
    pub(crate) async fn ask(&mut self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        self.ask_raw(method, path, &body.to_string()).await
    }

    /// The same with any bytes as its body.
    pub(crate) async fn ask_raw(&mut self, method: &str, path: &str, body: &str) -> (u16, Value) {
        let http = json!({"host": "h", "path": path, "method": method});
        let header = json!({
            "method": "message", "active_grant": "data_sync", "http_request": http,
            "payload_type": "application/json",
        });
        let (reply, body) = self.reply(header, body).await;
        let code = reply["http_status"]["code"].as_u64().expect("every answer has a status");
        (u16::try_from(code).unwrap(), body)
    }

    /// Follows an object from its beginning, and waits until that is so.
    pub(crate) async fn follow(&mut self, object: &Value, kind: &str) {
        let one = json!({"object_sid": object, "object_type": kind, "last_event_id": 0});
        let body = json!({"action": "establish", "correlation_id": 7, "requests": [one]});
        assert_eq!(self.ask("POST", "/v4/Subscriptions", &body).await.0, 200);
        let told = self.told().await;
        assert_eq!(told["event_type"], "subscription_established", "{told}");
    }

    /// What it is told next.
    pub(crate) async fn told(&mut self) -> Value {
        if !self.told.is_empty() {
            return self.told.remove(0);
        }
        let (header, payload) = self.hear().await;
        assert_eq!(header["method"], "notification", "{header}");
        payload
    }

    /// Whether it was told something that nobody looked at.
    pub(crate) fn knows_more(&self) -> bool {
        !self.told.is_empty()
    }

    async fn reply(&mut self, mut header: Value, payload: &str) -> (Value, Value) {
        self.count += 1;
        let id = format!("TM{}", self.count);
        header["id"] = id.as_str().into();
        header["payload_size"] = payload.len().into();
        let header = header.to_string();
        let frame = format!("TWILSOCK V3.0 {}\r\n{header}\r\n{payload}", header.len());
        self.line.send(Message::Binary(frame.into_bytes().into())).await.expect("an open line");
        loop {
            let (header, payload) = self.hear().await;
            if header["id"] == id.as_str() {
                return (header, payload);
            }
            self.told.push(payload);
        }
    }

    async fn hear(&mut self) -> (Value, Value) {
        loop {
            let next = timeout(PATIENCE, self.line.next()).await.expect("something in time");
            match next.expect("an open line").expect("a whole message") {
                Message::Binary(frame) => {
                    let text = str::from_utf8(&frame).expect("text");
                    let parts: Vec<&str> = text.split("\r\n").collect();
                    let header = serde_json::from_str(parts[1]).expect("a header");
                    return (header, serde_json::from_str(parts[2]).unwrap_or_default());
                }
                Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("{other:?} instead of a frame"),
            }
        }
    }
}
