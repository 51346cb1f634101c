//! Who hears of what.

use super::*;
use host::{Subscription, Topic};
use routing::{
    EventKind, TaskStatus,
    command::{IfMatch, TaskPatch},
};

fn heard(subscription: &mut Subscription) -> Vec<EventKind> {
    std::iter::from_fn(|| subscription.try_next()).map(|told| told.event.kind).collect()
}

#[tokio::test]
async fn an_offer_reaches_its_worker_its_task_and_its_workspace() {
    for (store, _folder) in stores() {
        let host = start(&store);
        let place = Place::new(&host).await;
        let (ana, ben) = (place.worker("ana").await, place.worker("ben").await);
        let mut of_place = host.subscribe(Topic::Workspace(place.workspace), 99);
        let mut of_ana = host.subscribe(Topic::Worker(ana.sid), 99);
        let mut of_ben = host.subscribe(Topic::Worker(ben.sid), 99);
        let mut ticks = host.ticks(place.queue.sid);
        let task = place.task("{}").await;
        let mut of_task = host.subscribe(Topic::Task(task.sid), 99);
        host.advance(base::Millis(0)).await;
        assert_eq!(heard(&mut of_ana), [EventKind::ReservationCreated]);
        assert_eq!(heard(&mut of_ben), []);
        let all = heard(&mut of_place);
        assert_eq!(all.first(), Some(&EventKind::TaskCreated));
        assert_eq!(all.last(), Some(&EventKind::ReservationCreated));
        assert!(ticks.try_next() && !ticks.try_next());

        // Whoever holds an offer of the task hears how the task changes and ends.
        let update = |patch| Command::UpdateTask { sid: task.sid, if_match: IfMatch::Any, patch };
        let attributes = Attributes::new("{\"a\": 1}").unwrap();
        let changed = TaskPatch { attributes: Some(attributes), ..TaskPatch::default() };
        host.routing(place.workspace, update(changed)).await.unwrap();
        let canceled = TaskPatch {
            status: Some(TaskStatus::Canceled),
            reason: Some("enough".to_owned()),
            ..TaskPatch::default()
        };
        host.routing(place.workspace, update(canceled)).await.unwrap();
        host.advance(base::Millis(0)).await;
        let mut of_ana = heard(&mut of_ana);
        of_ana.sort_unstable();
        let expected =
            [EventKind::ReservationCanceled, EventKind::TaskUpdated, EventKind::TaskCanceled];
        let mut expected = expected.to_vec();
        expected.sort_unstable();
        assert_eq!(of_ana, expected);
        assert_eq!(heard(&mut of_ben), []);
        assert!(heard(&mut of_task).contains(&EventKind::TaskCanceled));
        assert!(ticks.try_next());
        host.stop().await;
    }
}

#[tokio::test]
async fn the_audience_of_an_offer_is_known_after_a_restart() {
    for (store, _folder) in stores() {
        let first = start(&store);
        let place = Place::new(&first).await;
        let ana = place.worker("ana").await;
        let task = place.task("{}").await;
        first.stop().await;
        let second = start(&store);
        let mut of_ana = second.subscribe(Topic::Worker(ana.sid), 99);
        let patch = TaskPatch {
            status: Some(TaskStatus::Canceled),
            reason: Some("enough".to_owned()),
            ..TaskPatch::default()
        };
        let cancel = Command::UpdateTask { sid: task.sid, if_match: IfMatch::Any, patch };
        second.routing(place.workspace, cancel).await.unwrap();
        second.advance(base::Millis(0)).await;
        assert!(heard(&mut of_ana).contains(&EventKind::TaskCanceled));
        second.stop().await;
    }
}
