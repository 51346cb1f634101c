//! Events: what happened, out of the log.
//!
//! * Oldest first, as every list; without a window those of the last fifteen minutes.
//! * A search that no column serves ends after a bounded number of rows: its page may be short and
//!   still have a next one.

use crate::{
    Answer, Cx, Finding, Look, Param, ParamKind, Permit, Problem, Reply, Routes, Shape, wrong,
};
use base::{Millis, Timestamp};
use host::{EventQuery, EventWindow};
use routing::{EventKind, EventSid, LoggedEvent, command::ChannelRef};
use wire::rest;

/// Without a window.
const MINUTES_DEFAULT: i64 = 15;
/// A year and a day: more than any log is kept.
const MINUTES_MAX: i64 = 366 * 24 * 60;

const LIST: &[Param] = &[
    Param::optional("EndDate", ParamKind::Date),
    Param::optional("EventType", ParamKind::Text),
    Param::optional("Minutes", ParamKind::Integer),
    Param::optional("ReservationSid", ParamKind::Sid("WR")),
    Param::optional("StartDate", ParamKind::Date),
    Param::optional("TaskQueueSid", ParamKind::Sid("WQ")),
    Param::optional("TaskSid", ParamKind::Sid("WT")),
    Param::optional("WorkerSid", ParamKind::Sid("WK")),
    Param::optional("WorkflowSid", ParamKind::Sid("WW")),
    Param::optional("TaskChannel", ParamKind::Text),
    Param::optional("Sid", ParamKind::Sid("EV")),
];

pub(super) fn routes() -> Routes {
    Routes::at("/v1/Workspaces/{workspace}/Events")
        .get("", "event.list", Permit::Read, list)
        .params(LIST)
        .answers(Shape::List("events", &rest::Event::SCHEMA))
        .get("/{event}", "event.fetch", Permit::Read, fetch)
        .answers(Shape::One(&rest::Event::SCHEMA))
}

async fn list(cx: Cx) -> Reply {
    let query = query(&cx)?;
    let (host, workspace) = (cx.host.clone(), cx.workspace());
    let look = async move |look: Look| {
        let after = look.after.map(|place| place.parse::<EventSid>()).transpose();
        let after = after.map_err(|_| wrong("PageToken", "does not belong to this list"))?;
        let window = EventWindow { direction: look.direction, after, limit: look.limit };
        let page = host.events(workspace, query, window).await?;
        let rows = page.events.into_iter().map(|event| {
            let place = event.sid.to_string();
            (event, place)
        });
        let looked_until = page.looked_until.map(|sid| sid.to_string());
        Ok(Finding { rows: rows.collect(), looked_until })
    };
    cx.list_found("events", look, |event, items| {
        items.push(&shape(&cx, event));
        Ok(())
    })
    .await
}

async fn fetch(cx: Cx) -> Reply {
    let sid = cx.path_sid::<EventSid>("event")?;
    let event = cx.host.event(cx.workspace(), sid)?.ok_or_else(|| cx.not_found())?;
    Ok(Answer::ok(&shape(&cx, &event)))
}

fn shape(cx: &Cx, event: &LoggedEvent) -> rest::Event {
    let names = cx.names();
    rest::Event::new(event, (names.account, names.workspace_sid()), cx.base(), cx.host.now())
}

fn query(cx: &Cx) -> Result<EventQuery, Problem> {
    let input = &cx.input;
    let sid = input.sid("Sid")?;
    let (from, until) = window(cx, sid)?;
    Ok(EventQuery {
        from,
        until,
        kinds: input.text("EventType").map(kinds).transpose()?,
        sid,
        task: input.sid("TaskSid")?,
        reservation: input.sid("ReservationSid")?,
        worker: input.sid("WorkerSid")?,
        queue: input.sid("TaskQueueSid")?,
        workflow: input.sid("WorkflowSid")?,
        task_channel: input.text("TaskChannel").map(channel),
    })
}

/// From when and until when. A date names its whole second, as replies show them; an event that is
/// named itself is found whenever it was.
fn window(
    cx: &Cx,
    sid: Option<EventSid>,
) -> Result<(Option<Timestamp>, Option<Timestamp>), Problem> {
    let start = cx.input.time("StartDate")?;
    let end = cx.input.time("EndDate")?.map(end_of_second);
    let minutes = cx.input.int("Minutes", 0..=MINUTES_MAX)?;
    let before = |at: Timestamp, minutes: i64| at + Millis(-minutes * 60_000);
    let now = cx.host.now();
    let recent = minutes.map(|minutes| before(now, minutes));
    let from = match (start, recent) {
        (None, None) if sid.is_some() => None,
        (None, None) => Some(before(end.unwrap_or(now), MINUTES_DEFAULT)),
        (start, recent) => start.max(recent),
    };
    Ok((from, end))
}

fn end_of_second(at: Timestamp) -> Timestamp {
    match at.0.rem_euclid(1000) {
        0 => at + Millis(999),
        _ => at,
    }
}

/// One type or several with commas between; of one that is documented and never happens here, none.
fn kinds(text: &str) -> Result<Vec<EventKind>, Problem> {
    let mut kinds = Vec::new();
    for name in text.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        if !EventKind::is_word(name) {
            let shown: String = name.chars().take(64).collect();
            return Err(wrong("EventType", &format!("'{shown}' is not a type of event")));
        }
        kinds.extend(EventKind::named(name));
    }
    Ok(kinds)
}

/// A SID or a unique name.
fn channel(text: &str) -> ChannelRef {
    match text.parse() {
        Ok(sid) => ChannelRef::Sid(sid),
        Err(_) => ChannelRef::Name(text.to_owned()),
    }
}
