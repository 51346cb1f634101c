//! A clock that a test can move. With the machine's clock there is nothing here.

use super::instant;
use crate::{Answer, Cx, Param, ParamKind, Permit, Reply, Routes, wrong};
use base::{Millis, Timestamp};
use serde::Deserialize;
use serde_json::json;

/// The longest single move: ten years.
const ADVANCE_MS_MAX: i64 = 10 * 366 * 86_400_000;

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
    Ok(shown(cx.host.advance(Millis(by)).await))
}

fn shown(now: Timestamp) -> Answer {
    Answer::ok(&json!({"now": instant(now)}))
}
