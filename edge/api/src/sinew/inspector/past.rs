//! What happened to an object, and what it was at an earlier second; of one that is gone, to the
//! last.

use super::{OBJECT, item_key, item_range, items::RANGE, page_size, service, sid};
use crate::{Answer, Cx, Param, ParamKind, Permit, Problem, Reply, Routes, input::wrong};
use ::sync::{ObjectSid, Rejection, ServiceSid};
use base::{Kind, Millis, Timestamp};
use host::{HistoryRange, ItemRange, SyncPastError};
use serde::Serialize;
use wire::inspector::{
    InspectedEvent, InspectedItem, InspectedObject, InspectedRemoval, Instant, cursor,
};

pub(super) fn routes() -> Routes {
    let [from, after, order, page_size] = RANGE;
    Routes::at(OBJECT)
        .json()
        .get("/History", "inspected_history.list", Permit::Admin, history)
        .params(&[
            Param::optional("Key", ParamKind::Text),
            Param::optional("Before", ParamKind::Integer),
            page_size,
        ])
        .get("/At", "inspected_past.fetch", Permit::Admin, at)
        .params(&[Param::optional("Time", ParamKind::Date), from, after, order, page_size])
}

#[derive(Serialize)]
struct History<'a> {
    entries: Vec<InspectedEvent<'a>>,
    /// For `Before`; there may be more even where nothing was found.
    next: Option<String>,
    /// Where there is a next one: back to when everything was looked at.
    looked_to: Option<Instant>,
    /// The oldest instant that can be asked for.
    reaches_to: Instant,
    /// Whether what happened before that is forgotten.
    forgotten: bool,
}

async fn history(cx: Cx) -> Reply {
    let (service, sid) = (service(&cx)?, sid(&cx)?);
    let key = cx.input.raw("Key").filter(|text| !text.is_empty());
    let item = key.map(|text| item_key(sid.kind(), "Key", text)).transpose()?;
    let before = cx.input.int("Before", 0..=i64::MAX)?.map(i64::unsigned_abs);
    let range = HistoryRange { item, before, limit: page_size(&cx, 50)? };
    let told = cx.host.sync_history(service, sid, range).await.map_err(|e| refused(sid, e))?;
    let entries = told.entries.iter();
    let entries = entries.map(|one| InspectedEvent::kept(sid.kind(), &one.change, one.at));
    Ok(Answer::ok(&History {
        entries: entries.collect(),
        next: told.next.map(|(seq, _)| seq.to_string()),
        looked_to: told.next.map(|(_, at)| Instant(at)),
        reaches_to: Instant(told.reaches_to),
        forgotten: told.is_cut,
    }))
}

#[derive(Serialize)]
struct Then<'a> {
    time: Instant,
    object: InspectedObject<'a>,
    items: Vec<InspectedItem<'a>>,
    /// For `After`.
    next: Option<String>,
    /// Of an object that is gone, to the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    removal: Option<InspectedRemoval<'a>>,
}

async fn at(cx: Cx) -> Reply {
    let (service, sid) = (service(&cx)?, sid(&cx)?);
    let range = item_range(&cx, sid.kind())?;
    if cx.input.text("Time").is_none() {
        return last_state(cx, (service, sid), range).await;
    }
    let moment = moment(&cx)?;
    let then = cx.host.sync_then(service, sid, (moment, range)).await;
    let then = then.map_err(|error| refused(sid, error))?;
    Ok(Answer::ok(&shown(sid, moment, &then)))
}

/// Without a time: of what is gone there is a last moment, of what is there none.
async fn last_state(cx: Cx, (service, sid): (ServiceSid, ObjectSid), range: ItemRange) -> Reply {
    if cx.host.sync_removed(service, sid).await?.is_none() {
        super::object(&cx, service)?;
        return Err(cx.input.required("Time").map(|_| ()).expect_err("it was not given"));
    }
    let last = cx.host.sync_last_state(service, sid, range).await;
    let (removed, then) = last.map_err(|error| refused(sid, error))?;
    let removal = Some(InspectedRemoval::new(&removed));
    Ok(Answer::ok(&Then { removal, ..shown(sid, removed.at, &then) }))
}

fn shown(sid: ObjectSid, moment: Timestamp, then: &host::Then) -> Then<'_> {
    Then {
        time: Instant(moment),
        object: InspectedObject::then(sid, &then.object),
        items: then.items.iter().map(|(key, item)| InspectedItem::then(key, item)).collect(),
        next: then.next.as_ref().map(cursor),
        removal: None,
    }
}

/// A second that is named is meant as a whole: everything that happened in it counts.
fn moment(cx: &Cx) -> Result<Timestamp, Problem> {
    let text = cx.input.required("Time")?;
    let at = cx.input.time("Time")?.ok_or_else(|| wrong("Time", "must be a time"))?;
    let now = cx.host.now();
    if at > now {
        return Err(wrong("Time", "lies ahead"));
    }
    let at = if text.contains('.') { at } else { at + Millis(999) };
    Ok(at.min(now))
}

fn refused(sid: ObjectSid, error: SyncPastError) -> Problem {
    match error {
        SyncPastError::NotFound => Rejection::NotFound(sid.kind()).into(),
        SyncPastError::NotThere => {
            Problem(base::Problem::new(Kind::NotFound, 20404, in_sentence(&error)))
        }
        SyncPastError::Forgotten(_)
        | SyncPastError::ValueForgotten(_)
        | SyncPastError::TooFar(_) => wrong("Time", &error.to_string()),
        SyncPastError::Store(error) => error.into(),
    }
}

fn in_sentence(error: &SyncPastError) -> String {
    let text = error.to_string();
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}
