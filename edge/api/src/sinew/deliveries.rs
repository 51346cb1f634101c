//! What was told outside: every callback and webhook with its attempts, and the way to send it
//! again.
//!
//! * Newest first. What was sent is shown to admins only, one delivery at a time.

use super::instant;
use crate::taskrouter::filters::{any, scan};
use crate::{Answer, Cx, Listing, Param, ParamKind, Permit, Problem, Reply, Routes};
use host::{
    Noted,
    delivery::{About, Attempt, Delivery, DeliverySid, DeliveryStatus},
};
use routing::{Command, EventSid, ReservationSid, TaskSid};
use serde::Serialize;
use std::collections::BTreeMap;
use store::{Direction, Filter, Scan, Test};

const KINDS: &[&str] = &["callback", "webhook"];
const STATUSES: &[&str] = &["pending", "retrying", "delivered", "failed"];

pub(super) fn routes() -> Routes {
    Routes::at("/v1/Workspaces/{workspace}/Deliveries")
        .json()
        .get("", "delivery.list", Permit::Read, list)
        .params(&[
            Param::optional("EventType", ParamKind::Text),
            Param::optional("Kind", ParamKind::Word(KINDS)),
            Param::optional("Since", ParamKind::Date),
            Param::optional("Status", ParamKind::Word(STATUSES)),
            Param::optional("TaskSid", ParamKind::Sid("WT")),
        ])
        .get("/{delivery}", "delivery.fetch", Permit::Admin, fetch)
        .post("/{delivery}/Replay", "delivery.replay", Permit::Admin, replay)
}

#[derive(Serialize)]
struct Shown<'a> {
    sid: DeliverySid,
    kind: &'static str,
    status: DeliveryStatus,
    task_sid: Option<TaskSid>,
    reservation_sid: Option<ReservationSid>,
    stage: Option<&'static str>,
    event_sid: Option<EventSid>,
    event_type: Option<&'a str>,
    url: Option<&'a str>,
    attempt_count: u32,
    attempts: Vec<ShownAttempt<'a>>,
    date_created: String,
    date_next_attempt: Option<String>,
    date_replayed: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters: Option<BTreeMap<String, String>>,
}

#[derive(Serialize)]
struct ShownAttempt<'a> {
    date: String,
    duration_ms: i64,
    response_status: Option<u16>,
    error: Option<&'a str>,
    alert: Option<u32>,
}

async fn list(cx: Cx) -> Reply {
    let mut filters = Vec::new();
    let known = |words: &'static [&'static str]| {
        move |word: &str| words.iter().copied().find(|known| *known == word)
    };
    if let Some(kind) = cx.input.word("Kind", known(KINDS))? {
        filters.push(any("kind", [kind]));
    }
    if let Some(status) = cx.input.word("Status", known(STATUSES))? {
        filters.push(any("status", [status]));
    }
    if let Some(task) = cx.input.sid::<TaskSid>("TaskSid")? {
        filters.push(any("task", [task.to_string().as_str()]));
    }
    if let Some(event_type) = cx.input.text("EventType") {
        filters.push(any("event_type", [event_type]));
    }
    if let Some(since) = cx.input.time("Since")? {
        filters.push(Filter { column: "created_at", test: Test::AtLeast(since.into()) });
    }
    let order = vec![("key", Direction::Descending)];
    let scan = Scan { order, ..scan::<Delivery>(&cx, filters) };
    cx.list::<Delivery>(Listing::of("deliveries", scan), |delivery, items| {
        items.push(&shown(delivery));
        Ok(())
    })
    .await
}

async fn fetch(cx: Cx) -> Reply {
    let delivery = cx.fetch_path::<Delivery, DeliverySid>("delivery")?;
    let parameters = parameters(&cx, &delivery)?;
    Ok(Answer::ok(&Shown { parameters, ..shown(&delivery) }))
}

/// A webhook goes out once more as it is; for a callback the workflow's URL is asked again.
async fn replay(cx: Cx) -> Reply {
    let delivery = cx.fetch_path::<Delivery, DeliverySid>("delivery")?;
    let delivery = match delivery.about {
        About::Callback { reservation, .. } => ask_again(&cx, reservation).await?,
        About::Webhook { .. } => send_again(&cx, delivery).await?,
    };
    Ok(Answer::ok(&shown(&delivery)))
}

async fn ask_again(cx: &Cx, reservation: ReservationSid) -> Result<Delivery, Problem> {
    let reply = cx.command(Command::AskCallback { reservation }).await?;
    let routing::Reply::Reservation(one, ..) = reply else { return Err(Problem::internal()) };
    let asked = one.callback.ok_or_else(Problem::internal)?;
    let sid = Delivery::sid_of_asking(reservation, asked.until);
    cx.fetch::<Delivery>(&sid.sid())?.ok_or_else(Problem::internal)
}

async fn send_again(cx: &Cx, delivery: Delivery) -> Result<Delivery, Problem> {
    let again = Delivery {
        status: DeliveryStatus::Pending,
        next_attempt_at: None,
        replayed_at: Some(cx.host.now()),
        ..delivery
    };
    match cx.host.note(cx.workspace(), std::slice::from_ref(&again)).await {
        Noted::Durable => Ok(again),
        Noted::Nowhere => Err(cx.not_found()),
        Noted::NotYet => {
            Err(base::Problem::unavailable("The store takes nothing at the moment").into())
        }
    }
}

fn shown(delivery: &Delivery) -> Shown<'_> {
    let (mut reservation_sid, mut stage) = (None, None);
    let (mut event_sid, mut event_type) = (None, None);
    match &delivery.about {
        About::Callback { reservation, stage: asked } => {
            (reservation_sid, stage) = (Some(*reservation), Some(asked.as_str()));
        }
        About::Webhook { event, event_type: of } => {
            (event_sid, event_type) = (Some(*event), Some(of.as_str()));
        }
    }
    Shown {
        sid: delivery.sid,
        kind: delivery.about.kind(),
        status: delivery.status,
        task_sid: delivery.task,
        reservation_sid,
        stage,
        event_sid,
        event_type,
        url: delivery.url.as_deref(),
        attempt_count: delivery.attempt_count,
        attempts: delivery.attempts.iter().map(shown_attempt).collect(),
        date_created: instant(delivery.created_at),
        date_next_attempt: delivery.next_attempt_at.map(instant),
        date_replayed: delivery.replayed_at.map(instant),
        parameters: None,
    }
}

fn shown_attempt(attempt: &Attempt) -> ShownAttempt<'_> {
    ShownAttempt {
        date: instant(attempt.at),
        duration_ms: attempt.took.0,
        response_status: attempt.response_status,
        error: attempt.error.as_deref(),
        alert: attempt.alert,
    }
}

/// What was sent, or will be; an event that the log no longer has says nothing.
fn parameters(cx: &Cx, delivery: &Delivery) -> Result<Option<BTreeMap<String, String>>, Problem> {
    let About::Webhook { event, .. } = delivery.about else {
        return Ok(delivery.parameters.clone().map(|pairs| pairs.into_iter().collect()));
    };
    let Some(logged) = cx.host.event(cx.workspace(), event)? else { return Ok(None) };
    let pairs = wire::event::parameters(&logged, cx.account(), cx.workspace());
    Ok(Some(pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_can_be_asked_for() {
        assert_eq!(DeliveryStatus::ALL.map(DeliveryStatus::as_str), STATUSES);
    }

    #[test]
    fn a_delivery_shows_what_it_is_about() {
        let about = About::Callback {
            reservation: ReservationSid::new(1),
            stage: routing::CallbackStage::Fallback,
        };
        let sid = ReservationSid::new(1).sid();
        let delivery = Delivery::new(sid, about, Some(TaskSid::new(2)), base::Timestamp(0));
        let json = serde_json::to_value(shown(&delivery)).expect("plain data");
        assert_eq!((&json["kind"], &json["stage"]), (&"callback".into(), &"fallback".into()));
        assert_eq!(json["status"], "pending");
        assert!(json.get("parameters").is_none());
    }
}
