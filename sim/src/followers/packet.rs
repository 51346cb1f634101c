//! Packets as a client library writes and reads them, by the public description alone.

use bytes::Bytes;
use serde_json::{Value, json};
use sync::{EventId, ObjectKind, ObjectSid};

/// A packet with a payload.
fn packet(mut header: Value, payload: &str) -> Vec<u8> {
    header["payload_size"] = payload.len().into();
    let header = header.to_string();
    format!("TWILSOCK V3.0 {}\r\n{header}\r\n{payload}", header.len()).into_bytes()
}

/// Says who one is, and which session one had.
pub(super) fn init(id: &str, token: &str, ticket: Option<&str>) -> Vec<u8> {
    let header = json!({
        "method": "init", "id": id, "token": token, "continuation_token": ticket,
        "capabilities": ["client_update"],
        "registrations": [{
            "product": "data_sync", "type": "ers", "notification_protocol_version": 0,
            "message_types": ["twilio.sync.event"],
        }],
    });
    packet(header, "")
}

/// Shows a new token.
pub(super) fn update(id: &str, token: &str) -> Vec<u8> {
    packet(json!({"method": "update", "id": id, "token": token}), "")
}

/// Takes note of something.
pub(super) fn acknowledge(id: &str) -> Vec<u8> {
    packet(json!({"method": "reply", "id": id, "status": {"code": 200, "status": "OK"}}), "")
}

/// Asks what an object is.
pub(super) fn open(id: &str, object: ObjectSid) -> Vec<u8> {
    let http = json!({"host": "cds", "method": "GET", "path": format!("/open/{object}")});
    let grant = "data_sync";
    packet(json!({"method": "message", "id": id, "active_grant": grant, "http_request": http}), "")
}

/// Asks to follow objects behind events, or no longer.
pub(super) fn subscribe(
    id: &str,
    correlation: u64,
    action: &str,
    objects: &[(ObjectSid, EventId)],
) -> Vec<u8> {
    let http = json!({"host": "cds", "method": "POST", "path": "/v4/Subscriptions"});
    let header = json!({
        "method": "message", "id": id, "active_grant": "data_sync", "http_request": http,
        "payload_type": "application/json",
    });
    let requests: Vec<Value> = objects
        .iter()
        .map(|(object, after)| {
            json!({
                "object_sid": object.to_string(), "object_type": word(object.kind()),
                "last_event_id": after,
            })
        })
        .collect();
    let body = json!({
        "event_protocol_version": 4, "action": action, "correlation_id": correlation,
        "retried_requests": 0, "ttl_in_s": -1, "requests": requests,
    });
    packet(header, &body.to_string())
}

/// What a packet's header and payload say; `None` when it cannot be read.
pub(super) fn read(frame: &Bytes) -> Option<(Value, Value)> {
    let text = str::from_utf8(frame).ok()?;
    let mut parts = text.split("\r\n");
    let (first, header, payload) = (parts.next()?, parts.next()?, parts.next()?);
    let is_whole = parts.next().is_none()
        && first.strip_prefix("TWILSOCK V3.0 ")?.parse::<usize>().ok()? == header.len();
    let header: Value = serde_json::from_str(header).ok()?;
    let size = header["payload_size"].as_u64()?;
    if !is_whole || size != payload.len() as u64 {
        return None;
    }
    let payload =
        if payload.is_empty() { Value::Null } else { serde_json::from_str(payload).ok()? };
    Some((header, payload))
}

/// What a kind is called on the wire.
pub(super) const fn word(kind: ObjectKind) -> &'static str {
    match kind {
        ObjectKind::Document => "document",
        ObjectKind::List => "list",
        ObjectKind::Map => "map",
        ObjectKind::Stream => "stream",
    }
}
