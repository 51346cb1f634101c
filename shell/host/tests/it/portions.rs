//! Work too long for one step: others come in between, and a restart goes on with it.

use super::*;
use base::Millis;
use host::tables::{RESERVATION, SETTLING};
use routing::command::TaskQueuePatch;
use store::Scan;

/// More offers than one step makes.
const MANY: usize = 200;

fn rows(store: &Arc<dyn Store>, table: &'static store::Table, place: &Place) -> usize {
    let scan = Scan { limit: 1_000, ..Scan::of(table, place.workspace.to_string().into()) };
    store.scan(&scan).unwrap().len()
}

/// As many tasks as workers, whom their queue does not select yet; then it does.
async fn matchable_at_once(place: &Place) {
    let select = |expression: &str| Command::UpdateTaskQueue {
        sid: place.queue.sid,
        patch: TaskQueuePatch {
            target_workers: Some(expression.to_owned()),
            ..TaskQueuePatch::default()
        },
    };
    place.host.routing(place.workspace, select("1==2")).await.unwrap();
    for number in 0..MANY {
        place.worker(&format!("worker {number}")).await;
        place.task("{}").await;
    }
    place.host.routing(place.workspace, select("1==1")).await.unwrap();
}

/// In a task of its own, as every connection is: a test's first task has to wait for several turns
/// of the others.
#[tokio::test]
async fn a_mass_of_offers_lets_others_in_between() {
    tokio::spawn(others_come_in_between()).await.expect("what was said of portions holds");
}

async fn others_come_in_between() {
    for (store, _folder) in stores() {
        let host = start(&store);
        let place = Place::new(&host).await;
        matchable_at_once(&place).await;
        let offered = rows(&store, &RESERVATION, &place);
        assert!(offered > 0 && offered < MANY, "{offered} offers in the first step");
        place.worker("late").await;
        let offered = rows(&store, &RESERVATION, &place);
        assert!(offered < MANY, "an answer came before all {offered} offers were made");
        host.advance(Millis(0)).await;
        assert_eq!(rows(&store, &RESERVATION, &place), MANY);
        assert_eq!(rows(&store, &SETTLING, &place), 0);
        host.stop().await;
    }
}

#[tokio::test]
async fn what_was_left_over_goes_on_after_a_restart() {
    for (store, _folder) in stores() {
        let host = start(&store);
        let place = Place::new(&host).await;
        matchable_at_once(&place).await;
        host.stop().await;
        let before = rows(&store, &RESERVATION, &place);
        let left = rows(&store, &SETTLING, &place);
        // However far it came meanwhile: what is missing is written down.
        assert_eq!(left, usize::from(before < MANY), "{before} offers before the restart");
        let host = start(&store);
        host.advance(Millis(0)).await;
        assert_eq!(rows(&store, &RESERVATION, &place), MANY);
        assert_eq!(rows(&store, &SETTLING, &place), 0);
        host.stop().await;
    }
}
