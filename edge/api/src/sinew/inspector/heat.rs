//! Which objects of a service are used most, and what is known to go wrong with such use.

use super::{SERVICE, page_size, service};
use crate::{Answer, Cx, Param, ParamKind, Permit, Reply, Routes};
use ::sync::ObjectSid;
use base::Millis;
use host::{Heated, Pattern};
use serde::Serialize;
use wire::inspector::Instant;

pub(super) fn routes() -> Routes {
    Routes::at(SERVICE).json().get("/Heat", "inspected_heat.list", Permit::Admin, list).params(&[
        Param::optional("Seconds", ParamKind::Integer),
        Param::optional("PageSize", ParamKind::Integer),
    ])
}

#[derive(Serialize)]
struct Heat<'a> {
    seconds: i64,
    /// Before it nothing is counted: the window may reach back to where nobody looked.
    counted_since: Instant,
    objects: Vec<Hot<'a>>,
}

#[derive(Serialize)]
struct Hot<'a> {
    sid: ObjectSid,
    kind: &'static str,
    unique_name: Option<&'a str>,
    subscribers: usize,
    reads_per_second: f64,
    writes_per_second: f64,
    events_per_second: f64,
    findings: Vec<Finding>,
}

#[derive(Serialize)]
pub(super) struct Finding {
    code: &'static str,
    text: &'static str,
}

async fn list(cx: Cx) -> Reply {
    let service = service(&cx)?;
    let seconds = cx.input.int("Seconds", 5..=60)?.unwrap_or(60);
    let limit = page_size(&cx, 50)?;
    let hottest = cx.host.sync_hottest(service, Millis::secs(seconds), limit).await?;
    let counted_since = Instant(cx.host.sync_heat_since());
    let objects = hottest.iter().map(hot).collect();
    Ok(Answer::ok(&Heat { seconds, counted_since, objects }))
}

fn hot(one: &Heated) -> Hot<'_> {
    let object = &one.object;
    Hot {
        sid: object.sid,
        kind: object.kind().word(),
        unique_name: object.unique_name.as_deref(),
        subscribers: one.followers,
        reads_per_second: rounded(one.usage.reads_per_s),
        writes_per_second: rounded(one.usage.writes_per_s),
        events_per_second: rounded(one.usage.events_per_s),
        findings: one.findings.iter().map(|pattern| finding(*pattern)).collect(),
    }
}

pub(super) const fn finding(pattern: Pattern) -> Finding {
    Finding { code: pattern.code(), text: pattern.advice() }
}

/// To hundredths: one use in a minute still shows.
pub(super) fn rounded(per_s: f64) -> f64 {
    (per_s * 100.0).round() / 100.0
}
