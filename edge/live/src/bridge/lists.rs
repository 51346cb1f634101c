//! Lists of the bridge: pages by the last SID seen, or by a token where an order is asked for.

use super::{
    Bridge,
    caller::Caller,
    params::Params,
    perform::{names, payload},
    transfers,
};
use crate::answer::Trouble;
use crate::names::lend;
use axum::response::Response;
use host::Record;
use routing::{Answer, Question, Reservation, Task, TaskQueue, Worker, WorkerSid};
use std::collections::{BTreeMap, BTreeSet};
use store::{Direction, Filter, Scan, Test, Value};
use wire::bridge::{self, Contents, ContentsMeta};

/// Entries on a page where nothing is said; the library asks for 1 000.
const PAGE_SIZE_MAX: usize = 1000;

/// A page of entries that are all at hand.
pub(crate) struct Page<'a, T> {
    entries: &'a [T],
    after_sid: Option<String>,
}

impl<'a, T> Page<'a, T> {
    /// The entries in their public shape.
    pub(crate) fn map<S>(self, shape: impl FnMut(&'a T) -> S) -> Contents<S> {
        let contents = self.entries.iter().map(shape).collect();
        Contents { contents, after_sid: self.after_sid, meta: ContentsMeta::default() }
    }
}

/// Cuts the page that `AfterSid` and `PageSize` ask for.
pub(crate) fn page<'a, T>(
    all: &'a [T],
    params: &Params,
    sid: impl Fn(&T) -> String,
) -> Result<Page<'a, T>, Trouble> {
    let from = match params.text("AfterSid")? {
        None => 0,
        Some(after) => {
            all.iter().position(|entry| sid(entry) == after).map_or(all.len(), |at| at + 1)
        }
    };
    let rest = &all[from..];
    let size = page_size(params)?.min(rest.len());
    let more = size < rest.len();
    let after_sid = rest[..size].last().filter(|_| more).map(sid);
    Ok(Page { entries: &rest[..size], after_sid })
}

fn page_size(params: &Params) -> Result<usize, Trouble> {
    match params.parsed::<usize>("PageSize")? {
        None => Ok(PAGE_SIZE_MAX),
        Some(0) => Err(Trouble::invalid("PageSize must be at least 1")),
        Some(size) => Ok(size.min(PAGE_SIZE_MAX)),
    }
}

/// The workspace's activities.
pub(crate) fn activities(caller: &Caller, params: &Params) -> Result<Response, Trouble> {
    let all: Vec<_> = caller.names.activities.values().collect();
    let page = page(&all, params, |activity| activity.sid.to_string())?;
    Ok(payload(page.map(|activity| bridge::Activity::new(activity, lend(&caller.names)))))
}

/// What the worker has on hand: pending, accepted and wrapping.
pub(crate) async fn reservations(
    bridge: &Bridge,
    worker: WorkerSid,
    caller: &Caller,
    params: &Params,
) -> Result<Response, Trouble> {
    let answer = bridge.host.ask(caller.workspace, Question::OpenReservations(worker)).await?;
    let Answer::Reservations(open) = answer else { return Err(Trouble::internal()) };
    let row: Option<Worker> =
        bridge.host.fetch(&caller.workspace.to_string(), &worker.to_string())?;
    let name = row.as_ref().map(|row| row.friendly_name.as_str());
    let (names, now) = (names(bridge, caller), bridge.host.now());
    let mut handed_over = BTreeMap::new();
    for (reservation, _) in &open {
        if let Some(transfer) = transfers::past(bridge, caller, reservation)? {
            handed_over.insert(reservation.sid, transfer);
        }
    }
    let page = page(&open, params, |(reservation, _)| reservation.sid.to_string())?;
    let shown = payload(page.map(|(reservation, task): &(Reservation, Task)| {
        bridge::Reservation::new(reservation, task, name, lend(&names), now)
            .handed_over_by(handed_over.get(&reservation.sid))
    }));
    bridge.rooms.loaded(worker, &caller.token_hash);
    Ok(shown)
}

/// The workspace's workers.
pub(crate) async fn workers(
    bridge: &Bridge,
    caller: &Caller,
    params: &Params,
) -> Result<Response, Trouble> {
    let mut filters = Vec::new();
    if let Some(name) = params.text("FriendlyName")? {
        filters.push(is("friendly_name", [name]));
    }
    if let Some(activity) = params.text("ActivitySid")? {
        filters.push(is("activity", [activity]));
    }
    if let Some(name) = params.text("ActivityName")? {
        let named = caller.names.activities.values().filter(|a| a.friendly_name == name);
        filters.push(is("activity", named.map(|activity| activity.sid.to_string())));
    }
    if let Some(expression) = params.text("TargetWorkersExpression")? {
        let answer = bridge.host.ask(caller.workspace, Question::WorkersWhere(expression)).await?;
        let Answer::Workers(matching) = answer else { return Err(Trouble::internal()) };
        filters.push(is("key", matching.iter().map(ToString::to_string)));
    }
    let order = ordering(params, "DateStatusChanged", "status_changed_at")?;
    let (rows, meta) = scan::<Worker>(bridge, caller, params, filters, order).await?;
    let names = names(bridge, caller);
    let shape = |worker| bridge::Worker::new(worker, 0, lend(&names));
    Ok(payload(meta.around(rows.iter().map(shape).collect())))
}

/// The workspace's queues.
pub(crate) async fn task_queues(
    bridge: &Bridge,
    caller: &Caller,
    params: &Params,
) -> Result<Response, Trouble> {
    let mut filters = Vec::new();
    if let Some(name) = params.text("FriendlyName")? {
        filters.push(is("friendly_name", [name]));
    }
    if let Some(worker) = params.parsed("WorkerSid")? {
        let answer = bridge.host.ask(caller.workspace, Question::QueuesOf(worker)).await?;
        let Answer::Queues(queues) = answer else { return Err(Trouble::internal()) };
        filters.push(is("key", queues.iter().map(ToString::to_string)));
    }
    let order = ordering(params, "DateUpdated", "updated_at")?;
    let (rows, meta) = scan::<TaskQueue>(bridge, caller, params, filters, order).await?;
    let names = names(bridge, caller);
    let shape = |queue| bridge::TaskQueue::new(queue, lend(&names));
    Ok(payload(meta.around(rows.iter().map(shape).collect())))
}

fn is(column: &'static str, values: impl IntoIterator<Item = String>) -> Filter {
    let values: BTreeSet<Value> = values.into_iter().map(|v| Value::from(v.as_str())).collect();
    Filter { column, test: Test::OneOf(values.into_iter().collect()) }
}

/// The one order each list knows beside that of SIDs.
fn ordering(
    params: &Params,
    name: &str,
    column: &'static str,
) -> Result<Option<(&'static str, Direction)>, Trouble> {
    let Some(asked) = params.text("Ordering")?.filter(|asked| !asked.is_empty()) else {
        return Ok(None);
    };
    match asked.split_once(':') {
        Some((by, "asc")) if by == name => Ok(Some((column, Direction::Ascending))),
        Some((by, "desc")) if by == name => Ok(Some((column, Direction::Descending))),
        _ => Err(Trouble::invalid(format!("Ordering must be {name}:asc or {name}:desc"))),
    }
}

/// How a scanned list goes on.
struct Next {
    after_sid: Option<String>,
    next_token: Option<String>,
}

impl Next {
    fn around<S>(self, contents: Vec<S>) -> Contents<S> {
        let meta = ContentsMeta { next_token: self.next_token };
        Contents { contents, after_sid: self.after_sid, meta }
    }
}

async fn scan<R: Record>(
    bridge: &Bridge,
    caller: &Caller,
    params: &Params,
    filters: Vec<Filter>,
    order: Option<(&'static str, Direction)>,
) -> Result<(Vec<R>, Next), Trouble> {
    let size = page_size(params)?;
    let scan = Scan {
        table: R::TABLE,
        partition: Some(caller.workspace.to_string().into()),
        filters,
        order: order.into_iter().collect(),
        after: after(params, order.is_some())?,
        limit: size + 1,
    };
    let mut rows = bridge.host.list::<R>(scan).await?;
    let more = rows.len() > size;
    rows.truncate(size);
    let cursor = rows.last().filter(|_| more).map(|(_, cursor)| cursor.as_slice());
    let next = match cursor {
        Some([Value::Text(key)]) => Next { after_sid: Some(key.to_string()), next_token: None },
        Some([Value::Int(at), Value::Text(key)]) => {
            Next { after_sid: None, next_token: Some(format!("{at}:{key}")) }
        }
        _ => Next { after_sid: None, next_token: None },
    };
    Ok((rows.into_iter().map(|(row, _)| row).collect(), next))
}

/// Where the page begins: `AfterSid`, or `NextToken` under an order.
fn after(params: &Params, ordered: bool) -> Result<Option<Vec<Value>>, Trouble> {
    if !ordered {
        return Ok(params.text("AfterSid")?.map(|sid| vec![Value::from(sid.as_str())]));
    }
    let Some(token) = params.text("NextToken")? else { return Ok(None) };
    let parsed = token.split_once(':').and_then(|(at, sid)| Some((at.parse::<i64>().ok()?, sid)));
    let (at, sid) = parsed.ok_or_else(|| Trouble::invalid("NextToken is not one of ours"))?;
    Ok(Some(vec![Value::Int(at), Value::from(sid)]))
}
