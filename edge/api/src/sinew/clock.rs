//! A clock that a test can move. With the machine's clock there is nothing here.

use super::instant;
use crate::{Answer, Cx, Param, ParamKind, Permit, Reply, Routes, wrong};
use base::{Millis, Timestamp};
use serde::Deserialize;
use serde_json::json;

/// The longest single move: ten years.
const ADVANCE_MS_MAX: i64 = 10 * 366 * 86_400_000;
/// 9999-01-01T00:00:00Z: no clock goes beyond, so that what follows from its time can be written.
const LATEST: Timestamp = Timestamp(253_370_764_800_000);

pub(super) fn routes() -> Routes {
    Routes::at("/v1/Clock")
        .json()
        .get("", "clock.fetch", Permit::Read, fetch)
        .post("", "clock.advance", Permit::Write, advance)
        .params(&[Param::required("advance_ms", ParamKind::Integer)])
}

#[derive(Deserialize)]
struct Advance {
    advance_ms: i64,
}

async fn fetch(cx: Cx) -> Reply {
    if !cx.host.manual_clock() {
        return Err(cx.not_found());
    }
    Ok(shown(cx.host.now()))
}

async fn advance(cx: Cx) -> Reply {
    if !cx.host.manual_clock() {
        return Err(cx.not_found());
    }
    let by = cx.json::<Advance>()?.advance_ms;
    if !(0..=ADVANCE_MS_MAX).contains(&by) {
        let why = format!("must be a whole number between 0 and {ADVANCE_MS_MAX}");
        return Err(wrong("advance_ms", &why));
    }
    if LATEST - cx.host.now() < Millis(by) {
        return Err(wrong("advance_ms", &format!("must not lead beyond {LATEST}")));
    }
    Ok(shown(cx.host.advance(Millis(by)).await))
}

fn shown(now: Timestamp) -> Answer {
    Answer::ok(&json!({"now": instant(now)}))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Api, Limits, Options, Site};
    use axum::{body::Body, http::Request};
    use base::Sid;
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    use host::{ClockKind, Host};
    use http_body_util::BodyExt as _;
    use serde_json::Value;
    use std::sync::Arc;
    use store::MemoryStore;

    const ACCOUNT: Sid = Sid::new(*b"AC", 1);

    async fn advance_by(api: &Api, by: Millis) -> (u16, Value) {
        let request = Request::post("/sinew/v1/Clock")
            .header("authorization", format!("Basic {}", STANDARD.encode(format!("{ACCOUNT}:t"))))
            .header("content-type", "application/json")
            .body(Body::from(json!({"advance_ms": by.0}).to_string()))
            .expect("a request");
        let (parts, body) = api.answer(request).await.into_parts();
        let body = body.collect().await.expect("a body").to_bytes();
        (parts.status.as_u16(), serde_json::from_slice(&body).expect("JSON"))
    }

    #[tokio::test]
    async fn a_clock_stops_where_times_can_no_longer_be_written() {
        let options =
            host::Options { clock: ClockKind::Manual, seed: Some(1), ..Default::default() };
        let host = Host::start(Arc::new(MemoryStore::new()), &options).expect("an empty store");
        let account = access::Command::CreateAccount {
            sid: ACCOUNT,
            auth_token: access::Secret::new("t"),
            friendly_name: String::new(),
        };
        host.access(account).await.expect("an account");
        let site = Site::parse("http://localhost").expect("a URL");
        let options = Options { site, limits: Limits::None, dispositions: Vec::new() };
        let api = Api::new(host.clone(), options);
        host.advance(Timestamp(LATEST.0 - 1_000) - host.now()).await;
        let (status, body) = advance_by(&api, Millis(1_001)).await;
        assert_eq!((status, &body["code"]), (400, &json!(20001)));
        let reached = advance_by(&api, Millis::secs(1)).await;
        assert_eq!(reached, (200, json!({"now": "9999-01-01T00:00:00Z"})));
        assert_eq!(advance_by(&api, Millis(1)).await.0, 400);
        assert_eq!(advance_by(&api, Millis(0)).await.0, 200);
    }
}
