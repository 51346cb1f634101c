//! Our own server's socket as the official client libraries speak it, without one of them.
//!
//! * Every notification is looked at: events of an object must come one after the other, none
//!   missing and none twice.
//! * Notifications are acknowledged like the libraries do it, or not at all, to compare equals.
//!   What came in one read is acknowledged in one write.

use std::cell::Cell;
use std::net::SocketAddr;

use memchr::memmem;
use serde_json::json;

use super::line::{BINARY, Line, PING, PONG, frame, server_frame};
use crate::connection::{Account, text_after};
use crate::sockets::sign;

/// Whether notifications are acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Acknowledge {
    Yes,
    No,
}

/// What everybody follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Document,
    Map,
}

/// Ours.
pub(crate) struct Twilsock {
    account: Account,
    kind: Kind,
    /// Once it was made.
    object: String,
    /// Its newest event when it was made.
    pub(crate) first: u64,
    written: Cell<usize>,
}

impl Twilsock {
    pub(crate) fn new(account: Account, kind: Kind) -> Self {
        Self { account, kind, object: String::new(), first: 0, written: Cell::new(0) }
    }

    pub(crate) async fn open(
        &self,
        line: &mut Line,
        address: SocketAddr,
        number: usize,
    ) -> Result<(), String> {
        line.upgrade("/v3/wsconnect", address).await?;
        let identity = format!("identity-{number}");
        let grant = json!({"data_sync": {"service_sid": "default"}});
        let token = sign(&self.account, &identity, &grant);
        let registration = json!({
            "product": "data_sync", "type": "ers", "notification_protocol_version": 0,
            "message_types": ["twilio.sync.event"],
        });
        let init = json!({
            "method": "init", "id": "TM1", "token": token, "registrations": [registration],
            "capabilities": ["client_update"], "payload_size": 0,
        });
        line.send(&packet(&init.to_string(), "")).await?;
        let reply = reply(line, "TM1").await?;
        match reply.contains("\"code\":200") {
            true => Ok(()),
            false => Err(format!("{identity}: {reply}")),
        }
    }

    pub(crate) async fn make(&mut self, line: &mut Line) -> Result<(), String> {
        let (path, body) = match self.kind {
            Kind::Document => ("/v3/Documents", "{\"data\":{}}"),
            Kind::Map => ("/v3/Maps", "{}"),
        };
        line.send(&request(path, body)).await?;
        let made = reply(line, "TM2").await?;
        let sid = text_after(&made, "\"sid\":\"").ok_or_else(|| format!("not made: {made}"))?;
        sid.clone_into(&mut self.object);
        let first = after(made.as_bytes(), b"\"last_event_id\":").and_then(number);
        self.first = first.ok_or_else(|| format!("no event: {made}"))?;
        Ok(())
    }

    pub(crate) async fn subscribe(
        &self,
        line: &mut Line,
        number: usize,
        after: u64,
    ) -> Result<(), String> {
        let kind = match self.kind {
            Kind::Document => "document",
            Kind::Map => "map",
        };
        let one = json!({
            "object_sid": self.object, "object_type": kind, "last_event_id": after,
        });
        let body = json!({
            "event_protocol_version": 4, "action": "establish", "correlation_id": number,
            "retried_requests": 0, "ttl_in_s": -1, "requests": [one],
        });
        line.send(&request("/v4/Subscriptions", &body.to_string())).await?;
        let reply = reply(line, "TM2").await?;
        match reply.contains("\"http_status\":{\"code\":200") {
            true => Ok(()),
            false => Err(reply),
        }
    }

    /// A document's whole value, or one more item.
    pub(crate) fn update(&self, value: &str) -> Vec<u8> {
        self.written.set(self.written.get() + 1);
        let object = &self.object;
        match self.kind {
            Kind::Document => {
                request(&format!("/v3/Documents/{object}"), &format!("{{\"data\":{value}}}"))
            }
            Kind::Map => {
                let body = format!("{{\"key\":\"key {}\",\"data\":{value}}}", self.written.get());
                request(&format!("/v3/Maps/{object}/Items"), &body)
            }
        }
    }
}

/// A request in the tunnel.
fn request(path: &str, body: &str) -> Vec<u8> {
    let header = format!(
        "{{\"method\":\"message\",\"id\":\"TM2\",\"active_grant\":\"data_sync\",\
         \"http_request\":{{\"host\":\"h\",\"path\":\"{path}\",\"method\":\"POST\",\
         \"params\":{{}},\"headers\":{{}}}},\
         \"payload_type\":\"application/json\",\"payload_size\":{}}}",
        body.len()
    );
    packet(&header, body)
}

fn packet(header: &str, payload: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(header.len() + payload.len() + 40);
    put_packet(header, payload, &mut out);
    out
}

fn put_packet(header: &str, payload: &str, out: &mut Vec<u8>) {
    let line = format!("TWILSOCK V3.0 {}\r\n", header.len());
    frame(BINARY, &[line.as_bytes(), header.as_bytes(), b"\r\n", payload.as_bytes()], out);
}

/// The whole packet that replies to `id`.
async fn reply(line: &mut Line, id: &str) -> Result<String, String> {
    let wanted = format!("\"id\":\"{id}\"");
    loop {
        while server_frame(&line.buffer).is_none() {
            use tokio::io::AsyncReadExt;
            let read = line.stream.read_buf(&mut line.buffer).await;
            if read.map_err(|error| error.to_string())? == 0 {
                return Err("the connection was closed".to_owned());
            }
        }
        let (_, payload) = server_frame(&line.buffer).expect("seen a moment ago");
        let bytes: Vec<u8> = line.buffer.drain(..payload.end).skip(payload.start).collect();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if text.contains(&wanted) {
            return Ok(text);
        }
    }
}

/// What a subscriber heard.
#[derive(Default)]
pub(crate) struct Ear {
    /// The newest event.
    pub(crate) last: u64,
    pub(crate) is_established: bool,
    /// What is to be said about it.
    pub(crate) out: Vec<u8>,
}

impl Ear {
    /// Looks at whole frames; hands the time of each update to `heard`, and answers how many bytes
    /// it looked at.
    pub(crate) fn hear(
        &mut self,
        bytes: &[u8],
        acknowledge: Acknowledge,
        mut heard: impl FnMut(&[u8]),
    ) -> Result<usize, String> {
        let mut at = 0;
        while let Some((opcode, payload)) = server_frame(&bytes[at..]) {
            let content = &bytes[at + payload.start..at + payload.end];
            match opcode {
                BINARY => self.hear_packet(content, acknowledge, &mut heard)?,
                PING => frame(PONG, &[], &mut self.out),
                other => return Err(format!("a frame of kind {other}")),
            }
            at += payload.end;
        }
        Ok(at)
    }

    fn hear_packet(
        &mut self,
        packet: &[u8],
        acknowledge: Acknowledge,
        heard: &mut impl FnMut(&[u8]),
    ) -> Result<(), String> {
        let said = || String::from_utf8_lossy(packet).into_owned();
        let begin = &packet[..packet.len().min(120)];
        let Some(id) = after(begin, b"\"method\":\"notification\",\"id\":\"") else {
            return match memmem::find(begin, b"\"method\":\"reply\"") {
                Some(_) => Ok(()),
                None => Err(said()),
            };
        };
        let id = &id[..memchr::memchr(b'"', id).ok_or_else(said)?];
        match after(packet, b"\"event\":{\"id\":") {
            Some(event) => {
                let event = number(event).ok_or_else(said)?;
                if event != self.last + 1 {
                    return Err(format!("event {event} came behind event {}", self.last));
                }
                self.last = event;
                heard(packet);
            }
            None if memmem::find(packet, b"\"subscription_established\"").is_some() => {
                self.is_established = true;
            }
            None => return Err(said()),
        }
        if acknowledge == Acknowledge::Yes {
            let id = str::from_utf8(id).map_err(|_| said())?;
            let header = format!(
                "{{\"method\":\"reply\",\"id\":\"{id}\",\"payload_type\":\"application/json\",\
                 \"status\":{{\"code\":200,\"status\":\"OK\"}},\"payload_size\":0}}"
            );
            put_packet(&header, "", &mut self.out);
        }
        Ok(())
    }
}

/// What the publisher was answered.
#[derive(Default)]
pub(crate) struct Answers {
    pub(crate) good: u64,
    /// The first one that was not.
    pub(crate) bad: Option<String>,
    buffer: Vec<u8>,
}

impl Answers {
    /// Looks at what came.
    pub(crate) fn hear(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
        let mut at = 0;
        while let Some((opcode, payload)) = server_frame(&self.buffer[at..]) {
            let packet = &self.buffer[at + payload.start..at + payload.end];
            match after(packet, b"\"http_status\":{\"code\":20") {
                Some(_) => self.good += 1,
                // A slice is over before the server minds that it hears no answer.
                None if opcode == PING => {}
                None => {
                    let said = || String::from_utf8_lossy(packet).into_owned();
                    self.bad.get_or_insert_with(said);
                }
            }
            at += payload.end;
        }
        self.buffer.drain(..at);
    }
}

fn after<'a>(bytes: &'a [u8], what: &[u8]) -> Option<&'a [u8]> {
    memmem::find(bytes, what).map(|at| &bytes[at + what.len()..])
}

fn number(bytes: &[u8]) -> Option<u64> {
    let digits = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    str::from_utf8(&bytes[..digits]).ok()?.parse().ok()
}
