//! Tasks that are over: also those that the published API no longer shows.
//!
//! * Newest first; a task is history from its end on, as long as its row is kept.
//! * Deleted tasks left no row: what happened to them is in the log of events.

use crate::taskrouter::filters::{any, any_sid, is, scan};
use crate::{Answer, Cx, Listing, Param, ParamKind, Permit, Problem, Reply, Routes, Shape};
use base::{Sid, Timestamp};
use routing::{Reservation, Task, TaskQueueSid, TaskSid, Worker, WorkflowSid};
use store::{Direction, Filter, Test, Value};
use wire::rest::{self, Through};

const STATUSES: &[&str] = &["canceled", "completed"];

pub(super) fn routes() -> Routes {
    Routes::at("/v1/Workspaces/{workspace}/History/Tasks")
        .get("", "history.list", Permit::Read, list)
        .params(&[
            Param::optional("AssignmentStatus", ParamKind::Word(STATUSES)),
            Param::optional("WorkflowSid", ParamKind::Sid("WW")),
            Param::optional("TaskQueueSid", ParamKind::Sid("WQ")),
            Param::optional("CreatedAfter", ParamKind::Date),
            Param::optional("CreatedBefore", ParamKind::Date),
        ])
        .answers(Shape::List("tasks", &rest::Task::SCHEMA))
        .get("/{task}", "history.fetch", Permit::Read, fetch)
        .answers(Shape::One(&rest::Task::SCHEMA))
        .get("/{task}/Reservations", "history.reservations", Permit::Read, reservations)
        .answers(Shape::List("reservations", &rest::Reservation::SCHEMA_OF_TASK))
}

async fn list(cx: Cx) -> Reply {
    let mut scan = scan::<Task>(&cx, filters(&cx)?);
    scan.order = vec![("key", Direction::Descending)];
    let (now, listing) = (cx.host.now(), Listing::of("tasks", scan).by_token_only());
    cx.list::<Task>(listing, |task, items| {
        items.push(&rest::Task::new(task, cx.names(), cx.base(), now));
        Ok(())
    })
    .await
}

async fn fetch(cx: Cx) -> Reply {
    let task = ended(&cx)?;
    let shown = rest::Task::new(&task, cx.names(), cx.base(), cx.host.now());
    Ok(Answer::ok(&shown).etag(task.version))
}

async fn reservations(cx: Cx) -> Reply {
    let task = ended(&cx)?.sid;
    let filters = vec![any_sid("task", [task]), at_least(Sid::new(*b"WR", task.body()))];
    let listing = Listing::of("reservations", scan::<Reservation>(&cx, filters));
    cx.list::<Reservation>(listing, |reservation, items| {
        let worker = cx.fetch::<Worker>(&reservation.worker.sid())?;
        let name = worker.as_ref().map(|worker| worker.friendly_name.as_str());
        let (names, base) = (cx.names(), cx.base());
        items.push(&rest::Reservation::new(reservation, name, Through::Task, names, base));
        Ok(())
    })
    .await
}

fn ended(cx: &Cx) -> Result<Task, Problem> {
    let task = cx.fetch_path::<Task, TaskSid>("task")?;
    task.ended_at.is_some().then_some(task).ok_or_else(|| cx.not_found())
}

fn filters(cx: &Cx) -> Result<Vec<Filter>, Problem> {
    let mut filters = vec![is("live", false)];
    let known = |word: &str| STATUSES.iter().copied().find(|status| *status == word);
    if let Some(status) = cx.input.word("AssignmentStatus", known)? {
        filters.push(any("status", [status]));
    }
    if let Some(sid) = cx.input.sid::<WorkflowSid>("WorkflowSid")? {
        filters.push(any_sid("workflow", [sid]));
    }
    if let Some(sid) = cx.input.sid::<TaskQueueSid>("TaskQueueSid")? {
        filters.push(any_sid("queue", [sid]));
    }
    if let Some(at) = cx.input.time("CreatedAfter")? {
        filters.push(at_least(first_at(at)));
    }
    if let Some(at) = cx.input.time("CreatedBefore")? {
        let before = Value::from(first_at(at).to_string().as_str());
        filters.push(Filter { column: "key", test: Test::AtMost(before) });
    }
    Ok(filters)
}

/// SIDs sort by creation: the least of a task made at this moment.
fn first_at(at: Timestamp) -> Sid {
    let ms = u128::try_from(at.0.max(0)).expect("not negative");
    Sid::new(*b"WT", ms << 80)
}

fn at_least(sid: Sid) -> Filter {
    Filter { column: "key", test: Test::AtLeast(Value::from(sid.to_string().as_str())) }
}
