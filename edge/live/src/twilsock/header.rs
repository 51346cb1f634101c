//! Headers as they are read and written. What nobody needs is not read, and never refused.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::borrow::Cow;

/// The longest id that is repeated in a reply.
pub(crate) const ID_BYTES_MAX: usize = 256;

/// What a client's packet says. Not printable: it may hold a token.
#[derive(Deserialize)]
pub(crate) struct Header<'a> {
    /// What it asks for.
    #[serde(borrow)]
    pub(crate) method: Cow<'a, str>,
    /// Repeated in the reply.
    #[serde(borrow)]
    pub(crate) id: Cow<'a, str>,
    /// Bytes of the payload.
    pub(crate) payload_size: Option<u64>,
    /// How the payload is written.
    #[serde(borrow)]
    pub(crate) payload_type: Option<Cow<'a, str>>,
    /// `init`, `update`: the access token.
    #[serde(borrow)]
    pub(crate) token: Option<Cow<'a, str>>,
    /// `init`: what the last `init` was answered with.
    #[serde(borrow)]
    pub(crate) continuation_token: Option<Cow<'a, str>>,
    /// `init`: what the client wants to be told.
    pub(crate) registrations: Option<Vec<Registration>>,
    /// `init`: what the client can do.
    pub(crate) capabilities: Option<Vec<String>>,
    /// `message`: on which grant.
    #[serde(borrow)]
    pub(crate) active_grant: Option<Cow<'a, str>>,
    /// `message`: the request.
    pub(crate) http_request: Option<HttpRequest>,
}

/// What is read of a packet that is refused.
#[derive(Deserialize)]
pub(crate) struct Name<'a> {
    /// What it asks for.
    #[serde(borrow)]
    pub(crate) method: Cow<'a, str>,
    /// Repeated in the refusal.
    #[serde(borrow)]
    pub(crate) id: Cow<'a, str>,
}

/// What a client wants to be told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Registration {
    /// `data_sync` or `ip_messaging`.
    #[serde(default)]
    pub(crate) product: String,
    /// How: `ers`.
    #[serde(default, rename = "type")]
    pub(crate) kind: String,
    /// Of which form.
    #[serde(default)]
    pub(crate) notification_protocol_version: i64,
    /// Which messages.
    #[serde(default)]
    pub(crate) message_types: Vec<String>,
}

/// A request in the tunnel.
#[derive(Deserialize)]
pub(crate) struct HttpRequest {
    /// The path, percent-encoded.
    pub(crate) path: String,
    /// `GET`, …
    pub(crate) method: String,
    /// Query parameters, percent-encoded: texts, or arrays of texts for repeated names.
    pub(crate) params: Option<Map<String, Value>>,
    /// Headers: texts.
    pub(crate) headers: Option<Map<String, Value>>,
}

/// How it went with a packet, or why a connection ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Status {
    /// As in HTTP.
    pub(crate) code: u16,
    /// The same as a word.
    pub(crate) status: &'static str,
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
    /// For programs.
    #[serde(rename = "errorCode", skip_serializing_if = "Option::is_none")]
    pub(crate) error_code: Option<u32>,
}

/// It went well.
pub(crate) static OK: Status = Status::new(200, "OK");

impl Status {
    pub(crate) const fn new(code: u16, status: &'static str) -> Self {
        Self { code, status, description: None, error_code: None }
    }
}

/// How it went with a tunnelled request.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct HttpStatus<'a> {
    pub(crate) code: u16,
    pub(crate) status: &'a str,
}

/// An answer to a client's packet.
#[derive(Serialize)]
pub(crate) struct ReplyHeader<'a> {
    method: &'static str,
    id: &'a str,
    status: &'a Status,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    init: Option<&'a InitHeader<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    http_status: Option<HttpStatus<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    http_headers: Option<Map<String, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload_type: Option<&'static str>,
    payload_size: usize,
}

impl<'a> ReplyHeader<'a> {
    pub(crate) fn new(id: &'a str, status: &'a Status, payload: &[u8]) -> Self {
        Self {
            method: "reply",
            id,
            status,
            init: None,
            http_status: None,
            http_headers: None,
            payload_type: (!payload.is_empty()).then_some(JSON),
            payload_size: payload.len(),
        }
    }

    pub(crate) fn of_init(id: &'a str, init: &'a InitHeader<'a>) -> Self {
        Self { init: Some(init), ..Self::new(id, &OK, b"") }
    }

    pub(crate) fn of_request(
        id: &'a str,
        http_status: HttpStatus<'a>,
        headers: Map<String, Value>,
        payload: &[u8],
    ) -> Self {
        let (http_status, http_headers) = (Some(http_status), Some(headers));
        Self { http_status, http_headers, ..Self::new(id, &OK, payload) }
    }
}

/// What an `init` is answered with besides.
#[derive(Serialize)]
pub(crate) struct InitHeader<'a> {
    pub(crate) continuation_token: &'a str,
    pub(crate) continuation_token_status: Continuation,
    pub(crate) capabilities: Vec<&'static str>,
    pub(crate) offline_storage: Map<String, Value>,
    pub(crate) init_registrations: Vec<Registered<'a>>,
    pub(crate) debug_info: &'static str,
}

/// What became of the continuation token that came.
#[derive(Serialize)]
pub(crate) struct Continuation {
    pub(crate) reissued: bool,
    pub(crate) reissue_reason: &'static str,
    pub(crate) reissue_message: &'static str,
}

/// What became of a registration.
#[derive(Serialize)]
pub(crate) struct Registered<'a> {
    pub(crate) notification_ctx_id: String,
    #[serde(flatten)]
    pub(crate) registration: &'a Registration,
    pub(crate) status: u16,
}

/// What the server says by itself.
#[derive(Serialize)]
pub(crate) struct ServerHeader<'a> {
    method: &'static str,
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_update_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'a Status>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload_type: Option<&'static str>,
    payload_size: usize,
}

const JSON: &str = "application/json";

impl<'a> ServerHeader<'a> {
    fn new(method: &'static str, id: &'a str, payload: &[u8]) -> Self {
        Self {
            method,
            id,
            message_type: None,
            client_update_type: None,
            status: None,
            payload_type: (!payload.is_empty()).then_some(JSON),
            payload_size: payload.len(),
        }
    }

    /// Something to be told.
    pub(crate) fn notification(id: &'a str, kind: &'static str, payload: &[u8]) -> Self {
        Self { message_type: Some(kind), ..Self::new("notification", id, payload) }
    }

    /// The token ends soon.
    pub(crate) fn client_update(id: &'a str, kind: &'static str) -> Self {
        Self { client_update_type: Some(kind), ..Self::new("client_update", id, b"") }
    }

    /// The end.
    pub(crate) fn close(id: &'a str, status: &'a Status, payload: &[u8]) -> Self {
        Self { status: Some(status), ..Self::new("close", id, payload) }
    }
}
