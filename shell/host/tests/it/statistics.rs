//! What was counted is told from roll-ups, running minutes and facts alike, before and after a
//! restart.

use super::*;
use base::{Millis, Timestamp};
use report::{Counters, Scopes, Window};
use routing::{
    Answer, Question, ReservationStatus, TaskSid, WorkersOf,
    command::{IfMatch, ReservationOwner, ReservationStep, TaskPatch},
};
use std::collections::BTreeSet;

const MINUTE: i64 = 60_000;

/// Accepts, or completes, the one reservation a task has.
async fn step(place: &Place, worker: &Worker, task: TaskSid, step: ReservationStep) {
    let question = Question::OpenReservations(worker.sid);
    let open = place.host.ask(place.workspace, question).await.unwrap();
    let Answer::Reservations(open) = open else { panic!("{open:?}") };
    let (one, _) = open.into_iter().find(|(one, _)| one.task == task).expect("it was offered");
    assert!(matches!(one.status, ReservationStatus::Pending | ReservationStatus::Accepted));
    let command = Command::UpdateReservation {
        sid: one.sid,
        owner: ReservationOwner::Task(task),
        if_match: IfMatch::Any,
        step,
    };
    place.host.routing(place.workspace, command).await.unwrap();
}

async fn cancel(place: &Place, task: TaskSid) {
    let patch = TaskPatch {
        status: Some(routing::TaskStatus::Canceled),
        reason: Some("left".to_owned()),
        ..TaskPatch::default()
    };
    let command = Command::UpdateTask { sid: task, if_match: IfMatch::Any, patch };
    place.host.routing(place.workspace, command).await.unwrap();
}

/// Two hours and a half of tasks; when each was made, and who works.
async fn a_shift(place: &Place) -> (Vec<Timestamp>, Worker) {
    let worker = place.worker("Ada").await;
    let mut made = Vec::new();
    for n in 0..60 {
        place.host.advance(Millis(97_123 + 1_711 * n)).await;
        made.push(place.host.now());
        let task = place.task("{}").await.sid;
        place.host.advance(Millis(1_234)).await;
        if n % 3 == 0 {
            cancel(place, task).await;
        } else {
            step(place, &worker, task, ReservationStep::Accept).await;
            place.host.advance(Millis(20_000)).await;
            step(place, &worker, task, ReservationStep::Complete).await;
        }
    }
    (made, worker)
}

/// Windows that begin and end anywhere.
fn windows(first: Timestamp, last: Timestamp) -> Vec<Window> {
    let window = |from: i64, to: i64| Window { from: Timestamp(from), to: Timestamp(to) };
    vec![
        window(0, last.0 + 1),
        window(first.0, last.0),
        window(first.0 + 77_777, last.0 - 3_333_333),
        window(last.0 - 15 * MINUTE, last.0 + 1),
        window(last.0 - 2_000, last.0 + 1),
        window(first.0 + 1_000, first.0 + 2_000),
    ]
}

async fn told(place: &Place, windows: &[Window], scopes: &BTreeSet<Sid>) -> Vec<Scopes> {
    let mut told = Vec::new();
    for window in windows {
        let counted = place.host.counted(place.workspace, *window, scopes.clone()).await;
        told.push(counted.unwrap());
    }
    told
}

#[tokio::test]
async fn a_restart_tells_the_same_of_every_window() {
    for (store, _folder) in stores() {
        let host = start(&store);
        let place = Place::new(&host).await;
        let (made, worker) = a_shift(&place).await;
        let scopes: BTreeSet<Sid> = [
            place.workspace.sid(),
            place.queue.sid.sid(),
            place.workflow.sid.sid(),
            worker.sid.sid(),
        ]
        .into();
        let windows = windows(made[0], host.now());
        let before = told(&place, &windows, &scopes).await;
        for (window, told) in windows.iter().zip(&before) {
            let wanted = made.iter().filter(|at| window.contains(**at)).count() as u64;
            let sum = told.get(&place.workspace.sid()).map(Counters::sum).unwrap_or_default();
            assert_eq!(sum.tasks_created, wanted, "{window:?}");
        }
        let whole = Counters::sum(&before[0][&place.queue.sid.sid()]);
        assert_eq!(
            (whole.tasks_entered, whole.tasks_canceled, whole.waiting_in_queue()),
            (60, 20, 0)
        );
        assert_eq!(whole.until_accepted.total, Millis(40 * 1_234));
        let stays =
            host.durations(place.workspace, windows[1], WorkersOf::default()).await.unwrap();
        host.stop().await;
        for _ in 0..2 {
            // The second time from rows that the first start wrote.
            let host = start(&store);
            let place = Place { host, ..place_of(&place) };
            assert_eq!(told(&place, &windows, &scopes).await, before);
            let again = place.host.durations(place.workspace, windows[1], WorkersOf::default());
            assert_eq!(again.await.unwrap(), stays);
            place.host.advance(Millis(5_000)).await;
            assert_eq!(told(&place, &windows, &scopes).await, before);
            place.host.stop().await;
        }
    }
}

fn place_of(place: &Place) -> Place {
    Place {
        host: place.host.clone(),
        workspace: place.workspace,
        queue: place.queue.clone(),
        workflow: place.workflow.clone(),
    }
}

#[tokio::test]
async fn nothing_is_written_when_nothing_happens() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let host = start(&store);
    let place = Place::new(&host).await;
    place.worker("Ada").await;
    host.advance(Millis(26 * 60 * MINUTE)).await;
    let partition = place.workspace.to_string();
    let scan = store::Scan::of(&tables::STATISTIC, partition.into());
    assert_eq!(store.scan(&scan).unwrap().len(), 0);
    host.stop().await;
}
