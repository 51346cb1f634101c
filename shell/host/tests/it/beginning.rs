//! What a workspace was when its journal begins: what is kept of forgotten entries.

use crate::{Place, start, stores};
use base::{IdSource, Millis};
use host::{
    PastError, Retention, adapters::RoutingEngine, beginning::Beginning, engine::Engine,
    partition::Partition, retention::Forgetting, tables,
};
use routing::{
    Change, Command, Reservation, Routing, Task, TaskSid,
    command::{IfMatch, ReservationOwner, ReservationStep},
    explain::{Detail, Look},
};
use serde_json::Value;
use store::{Scan, Store};

const DAY: Millis = Millis::secs(24 * 60 * 60);
/// History outlives the journal, so that a task is known whose decision is not.
const RETENTION: Retention =
    Retention { history: Millis(90 * DAY.0), journal: Millis(30 * DAY.0), sync_events: DAY };

async fn step(place: &Place, task: TaskSid, step: ReservationStep) {
    let scan = Scan::of(&tables::RESERVATION, place.workspace.to_string().into());
    let all = place.host.list::<Reservation>(scan).await.unwrap();
    let of_task = all.into_iter().map(|(one, _)| one).filter(|one| one.task == task);
    let open = of_task.into_iter().rfind(|one| one.status.is_open()).expect("it was offered");
    let (sid, owner) = (open.sid, ReservationOwner::Task(task));
    let command = Command::UpdateReservation { sid, owner, if_match: IfMatch::Any, step };
    place.host.routing(place.workspace, command).await.unwrap();
}

async fn handle(place: &Place, task: &Task) {
    step(place, task.sid, ReservationStep::Accept).await;
    place.host.advance(Millis::secs(60)).await;
    step(place, task.sid, ReservationStep::Complete).await;
}

async fn explained(place: &Place, task: &Task) -> Result<Value, PastError> {
    let sight = place.host.decision(place.workspace, Look::of(task.sid)).await?;
    Ok(serde_json::to_value(sight.explain(Detail::Full)).unwrap())
}

/// What rows, and what is kept with the journal behind it, tell of the live state.
fn told(store: &dyn Store, id: &str) -> (String, String, u64) {
    let known = store.partitions().unwrap().into_iter().find(|known| &*known.id == id).unwrap();
    let rows = Partition::<RoutingEngine>::restore(store, known, 1, IdSource::new(0)).unwrap();
    let Beginning { mark, rows: kept } = Beginning::read(store, id, |row| row).unwrap();
    let mut led = Routing::restore(kept);
    let mut reached = mark.seq;
    for entry in store.journal(id, mark.seq, usize::MAX).unwrap() {
        assert_eq!(entry.seq, reached + 1, "the journal goes on where what is kept ends");
        reached = entry.seq;
        led.apply(&serde_json::from_str::<Change>(&entry.body).unwrap());
    }
    led.check();
    (rows.unwrap().engine().digest(), led.digest(), mark.seq)
}

#[tokio::test]
async fn a_decision_is_explained_as_long_as_the_journal_holds_it() {
    for (store, _folder) in stores() {
        let host = start(&store);
        let place = Place::new(&host).await;
        let ann = place.worker("ann").await;
        host.advance(Millis(40 * DAY.0)).await;
        let early = place.task(r#"{"n": 1}"#).await;
        handle(&place, &early).await;
        // It came and was offered in time to be forgotten, and ends later.
        let long = place.task(r#"{"n": 2}"#).await;
        step(&place, long.sid, ReservationStep::Accept).await;
        let waits = place.task(r#"{"n": 3}"#).await;
        host.advance(Millis(DAY.0 / 2)).await;
        place.cancel(&waits).await;
        step(&place, long.sid, ReservationStep::Complete).await;
        let late = place.task(r#"{"n": 4}"#).await;
        handle(&place, &late).await;
        let unmet = place.task(r#"{"n": 5}"#).await;
        step(&place, unmet.sid, ReservationStep::Reject { activity: None }).await;
        place.cancel(&unmet).await;
        host.advance(Millis(30 * DAY.0 - DAY.0 / 4)).await;
        let before = (explained(&place, &late).await, explained(&place, &unmet).await);
        assert!(before.0.is_ok() && before.1.is_ok(), "{before:?}");
        assert!(explained(&place, &early).await.is_ok() && explained(&place, &long).await.is_ok());

        let forgotten = host.forget_old_once(RETENTION).await.unwrap();
        assert!(forgotten.entries > 10, "{forgotten:?}");
        assert!(store.journal_start(&place.workspace.to_string()).unwrap() > 10);
        let after = (explained(&place, &late).await, explained(&place, &unmet).await);
        assert_eq!(after, before);
        for task in [&early, &long] {
            assert_eq!(explained(&place, task).await, Err(PastError::Older));
        }
        host.stop().await;
        drop(host);

        // Months more, one forgotten after the other; a restart between.
        let host = start(&store);
        let place = Place { host: host.clone(), ..place };
        assert_eq!(explained(&place, &late).await, before.0);
        for month in 0..3 {
            host.advance(Millis(20 * DAY.0)).await;
            let one = place.task(&format!(r#"{{"month": {month}}}"#)).await;
            handle(&place, &one).await;
            let seen = explained(&place, &one).await.unwrap();
            assert!(seen.to_string().contains(&ann.sid.to_string()), "{seen}");
            host.advance(Millis(15 * DAY.0)).await;
            host.forget_old_once(RETENTION).await.unwrap();
            assert_eq!(explained(&place, &one).await.unwrap(), seen);
        }
        assert_eq!(explained(&place, &late).await, Err(PastError::Older));
        let (rows, led, mark) = told(&*store, &place.workspace.to_string());
        assert!(mark > 20, "{mark}");
        assert_eq!(rows, led);
        host.stop().await;
    }
}

#[tokio::test]
async fn what_is_kept_and_the_journal_fit_together_wherever_a_process_ends() {
    for (store, _folder) in stores() {
        let host = start(&store);
        let place = Place::new(&host).await;
        place.worker("ann").await;
        let long = place.task("{}").await;
        step(&place, long.sid, ReservationStep::Accept).await;
        place.worker("bob").await;
        let id = place.workspace.to_string();
        for n in 0..120 {
            let task = place.task(&format!("{{\"n\": {n}}}")).await;
            if n % 3 == 0 {
                step(&place, task.sid, ReservationStep::Reject { activity: None }).await;
            }
            match n % 2 {
                0 => handle(&place, &task).await,
                _ => place.cancel(&task).await,
            }
            host.advance(Millis::secs(600)).await;
        }
        host.advance(Millis(32 * DAY.0)).await;
        place.task("{}").await;
        let now = host.now();
        host.stop().await;
        drop((place, host));

        let known = store.partitions().unwrap();
        let known = known.into_iter().find(|known| *known.id == *id).unwrap();
        let mut forgetting = Forgetting::of(known.clone(), RETENTION);
        let (mut portions, mut newest) = (0, 0);
        while let Some((forget, count)) = forgetting.portion::<RoutingEngine>(&*store, now).unwrap()
        {
            portions += 1;
            // Killed before it is carried out, and the next one begins from what is there.
            let lost = portions % 3 == 2;
            if !lost {
                store.committer().forget(&forget).unwrap();
            }
            if portions % 2 == 0 {
                forgetting = Forgetting::of(known.clone(), RETENTION);
            }
            let (rows, led, mark) = told(&*store, &id);
            assert_eq!(rows, led, "portion {portions}");
            assert!(if lost || count.entries == 0 { mark == newest } else { mark > newest });
            newest = mark;
            assert_eq!(store.journal_start(&id).unwrap(), mark + 1);
        }
        assert!(portions > 4 && newest > 400, "{portions} {newest}");
        // What ended is not kept for ever.
        let kept = Beginning::read(&*store, &id, |row| row).unwrap().rows;
        let ended = kept.iter().filter(|row| match row {
            routing::StoredRow::Task(task) => task.status.is_final(),
            routing::StoredRow::Reservation(one) => !one.status.is_open(),
            _ => false,
        });
        assert_eq!(ended.count(), 0, "{kept:#?}");
    }
}
