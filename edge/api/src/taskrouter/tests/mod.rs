//! TaskRouter over HTTP without a socket: the real layer, host and engine over the memory store.

mod events;
mod lists;
mod resources;
mod statistics;
mod work;

use crate::{Api, Disposition, Limits, Options, Site};
use access::{Command, Secret};
use axum::body::Body;
use base::{Millis, Sid};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use host::{ClockKind, Host};
use http::{HeaderMap, Request};
use http_body_util::BodyExt as _;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use std::sync::Arc;
use store::MemoryStore;
use wire::{Kind, Schema};

const ACCOUNT: Sid = Sid::new(*b"AC", 1);
const TOKEN: &str = "the account's token";

/// A server with one account and a clock that a test moves.
struct Desk {
    api: Api,
    host: Host,
}

/// What came back.
struct Got {
    status: u16,
    body: Value,
    headers: HeaderMap,
}

impl Desk {
    async fn open() -> Self {
        Self::with_limits(Limits::None).await
    }

    async fn with_limits(limits: Limits) -> Self {
        let options =
            host::Options { clock: ClockKind::Manual, seed: Some(1), ..Default::default() };
        let host = Host::start(Arc::new(MemoryStore::new()), &options).expect("an empty store");
        let auth_token = Secret::new(TOKEN);
        let account =
            Command::CreateAccount { sid: ACCOUNT, auth_token, friendly_name: String::new() };
        host.access(account).await.expect("an account");
        let site = Site::parse("http://localhost:8080").expect("a URL");
        let dispositions = Disposition::defaults();
        let api = Api::new(host.clone(), Options { site, limits, dispositions });
        Self { api, host }
    }

    /// One request as the account. `path` is below `/taskrouter/v1`, or whole.
    async fn call(&self, method: &str, path: &str, form: &[(&str, &str)]) -> Got {
        self.call_with(method, path, form, &[]).await
    }

    async fn call_with(
        &self,
        method: &str,
        path: &str,
        form: &[(&str, &str)],
        headers: &[(&str, &str)],
    ) -> Got {
        let basic = STANDARD.encode(format!("{ACCOUNT}:{TOKEN}"));
        let path = path.strip_prefix("http://localhost:8080/taskrouter/v1").unwrap_or(path);
        let (query, body) = if method == "GET" {
            (encoded(form), String::new())
        } else {
            (String::new(), encoded(form))
        };
        let mark = if query.is_empty() || path.contains('?') { "" } else { "?" };
        let mut request = Request::builder()
            .method(method)
            .uri(match path.starts_with("/sinew/") {
                true => format!("{path}{mark}{query}"),
                false => format!("/taskrouter/v1{path}{mark}{query}"),
            })
            .header("host", "localhost:8080")
            .header("authorization", format!("Basic {basic}"));
        if method == "POST" {
            request = request.header("content-type", "application/x-www-form-urlencoded");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::from(body)).expect("a request");
        self.answer(request).await
    }

    /// A POST whose body is JSON.
    async fn post_json(&self, path: &str, body: &Value) -> Got {
        let basic = STANDARD.encode(format!("{ACCOUNT}:{TOKEN}"));
        let request = Request::builder()
            .method("POST")
            .uri(format!("/taskrouter/v1{path}"))
            .header("host", "localhost:8080")
            .header("authorization", format!("Basic {basic}"))
            .header("content-type", "application/json")
            .body(Body::from(body.to_string()))
            .expect("a request");
        self.answer(request).await
    }

    async fn answer(&self, request: Request<Body>) -> Got {
        let (parts, body) = self.api.answer(request).await.into_parts();
        let bytes = body.collect().await.expect("a body").to_bytes();
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Got { status: parts.status.as_u16(), body, headers: parts.headers }
    }

    async fn get(&self, path: &str, query: &[(&str, &str)]) -> Got {
        self.call("GET", path, query).await
    }

    async fn post(&self, path: &str, form: &[(&str, &str)]) -> Got {
        self.call("POST", path, form).await
    }

    /// Makes something that must succeed; its SID.
    async fn made(&self, path: &str, form: &[(&str, &str)]) -> String {
        let got = self.post(path, form).await;
        assert_eq!(got.status, 201, "{path}: {}", got.body);
        got.sid()
    }

    async fn workspace(&self) -> String {
        let sid = self.made("/Workspaces", &[("FriendlyName", "Support")]).await;
        format!("/Workspaces/{sid}")
    }

    /// The activity of that name.
    async fn activity(&self, workspace: &str, name: &str) -> String {
        let query = [("FriendlyName", name)];
        let listed = self.get(&format!("{workspace}/Activities"), &query).await;
        text(&listed.body["activities"][0]["sid"])
    }

    async fn advance(&self, seconds: i64) {
        self.host.advance(Millis::secs(seconds)).await;
    }
}

impl Got {
    fn sid(&self) -> String {
        text(&self.body["sid"])
    }

    fn code(&self) -> (u16, i64) {
        assert_eq!(self.body["status"], self.status, "{}", self.body);
        (self.status, self.body["code"].as_i64().unwrap_or_default())
    }

    fn etag(&self) -> &str {
        self.headers["etag"].to_str().expect("an ETag is a text")
    }

    /// The names of a list's entries.
    fn names(&self, key: &str) -> Vec<String> {
        self.column(key, "friendly_name")
    }

    fn column(&self, key: &str, column: &str) -> Vec<String> {
        assert_eq!(self.status, 200, "{}", self.body);
        assert_eq!(self.body["meta"]["key"], key);
        let entries = self.body[key].as_array().expect("a list");
        entries.iter().map(|entry| text(&entry[column])).collect()
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}

fn encoded(form: &[(&str, &str)]) -> String {
    let escape = |part| utf8_percent_encode(part, NON_ALPHANUMERIC).to_string();
    let pairs = form.iter().map(|(name, value)| format!("{}={}", escape(name), escape(value)));
    pairs.collect::<Vec<_>>().join("&")
}

/// Panics unless the object has exactly the properties of the schema, each of its kind.
fn conforms(object: &Value, schema: &Schema) {
    let object = object.as_object().unwrap_or_else(|| panic!("{object} is no {}", schema.name));
    assert_eq!(object.len(), schema.properties.len(), "{} has other properties", schema.name);
    for property in schema.properties {
        let value = &object[property.name];
        let fits = match property.kind {
            Kind::Integer | Kind::Millis => value.is_i64(),
            Kind::Any => true,
            Kind::Word { words, .. } => value.as_str().is_some_and(|word| words.contains(&word)),
            _ if value.is_null() => true,
            Kind::Boolean => value.is_boolean(),
            Kind::Array => value.is_array(),
            Kind::Urls => value.is_object(),
            Kind::Sid(letters) => value.as_str().is_some_and(|sid| sid.starts_with(letters)),
            Kind::Text | Kind::Date | Kind::Url | Kind::AnySid => value.is_string(),
        };
        assert!(fits, "{}.{}: {value}", schema.name, property.name);
    }
}
