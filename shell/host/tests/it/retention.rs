//! What is forgotten, and what is not.

use crate::{Place, start, stores};
use base::{Attributes, Millis};
use host::{EventQuery, EventWindow, Refusal, Retention, tables};
use routing::{Command, EventKind, Reply, Task, command::NewTask};
use store::{Direction, Scan, Store, Table};

const DAY: Millis = Millis::secs(24 * 60 * 60);
const TWO_DAYS: Retention =
    Retention { history: Millis(2 * DAY.0), journal: DAY, sync_events: DAY };

fn count(store: &dyn Store, table: &'static Table, place: &Place) -> usize {
    let partition = place.workspace.to_string().into();
    store.scan(&Scan::of(table, partition)).unwrap().len()
}

#[tokio::test]
async fn what_is_old_is_forgotten_and_what_lives_stays() {
    for (store, _folder) in stores() {
        let host = start(&store);
        let place = Place::new(&host).await;
        let partition = place.workspace.to_string();
        let new = NewTask {
            attributes: Attributes::default(),
            workflow: Some(place.workflow.sid),
            timeout_s: Some(14 * 24 * 60 * 60),
            ..NewTask::default()
        };
        let made = host.routing(place.workspace, Command::CreateTask(new)).await;
        let Ok(Reply::Task(patient)) = made else { panic!("{made:?}") };
        let old = place.task("{}").await;
        place.cancel(&old).await;
        host.advance(Millis(2 * DAY.0 + 1)).await;
        let fresh = place.task("{}").await;
        place.cancel(&fresh).await;
        let newest = store.partitions().unwrap();

        let forgotten = host.forget_old_once(TWO_DAYS).await.unwrap();
        assert!(forgotten.rows > 0 && forgotten.entries > 0, "{forgotten:?}");
        assert_eq!(store.partitions().unwrap(), newest, "numbers and times stay");
        let start_at = store.journal_start(&partition).unwrap();
        let entry = store.journal(&partition, 0, 1).unwrap().remove(0);
        assert!(start_at > 1 && entry.seq == start_at);
        assert!(entry.at + DAY > host.now());
        let task = |sid| host.fetch::<Task>(&partition, &format!("{sid}")).unwrap();
        assert!(task(patient.sid).is_some(), "it waits still");
        assert!(task(old.sid).is_none() && task(fresh.sid).is_some());
        let window = EventWindow { direction: Direction::Ascending, after: None, limit: 100 };
        let events = host.events(place.workspace, EventQuery::default(), window).await.unwrap();
        assert_eq!(events.events[0].kind, EventKind::TaskCreated);
        assert!(events.events.iter().all(|event| event.task.as_ref().unwrap().sid == fresh.sid));
        let again = host.forget_old_once(TWO_DAYS).await.unwrap();
        assert_eq!(again, host::retention::Forgotten::default());

        host.stop().await;
        drop(host);
        let host = start(&store);
        let place = Place { host: host.clone(), ..place };
        place.cancel(&patient).await;
        host.stop().await;
    }
}

#[tokio::test]
async fn a_workspace_that_ended_is_gone_at_once_and_cleaned_up_bit_by_bit() {
    for (store, _folder) in stores() {
        let host = start(&store);
        let place = Place::new(&host).await;
        let other = Place::new(&host).await;
        for _ in 0..250 {
            place.task("{}").await;
        }
        let mark = store.partitions().unwrap().len();
        let gone = host.routing(place.workspace, Command::DeleteWorkspace).await;
        assert!(matches!(gone, Ok(Reply::Done)));
        assert!(host.names(place.workspace).is_none());
        let again = host.routing(place.workspace, Command::DeleteWorkspace).await;
        assert!(matches!(again, Err(Refusal::NoPartition)));
        assert_eq!(count(&*store, &tables::WORKSPACE, &place), 0);
        assert_eq!(count(&*store, &tables::TASK, &place), 250, "one call removes no more");
        host.stop().await;
        drop(host);

        // Nobody finds it after a restart, and the cleaning up goes on there.
        let host = start(&store);
        assert_eq!(host.workspaces(), [other.workspace]);
        let gone = host.routing(place.workspace, Command::DeleteWorkspace).await;
        assert!(matches!(gone, Err(Refusal::NoPartition)));
        host.forget_old_once(Retention::default()).await.unwrap();
        for table in tables::ALL {
            assert_eq!(count(&*store, table, &place), 0, "{}", table.name);
        }
        let id = place.workspace.to_string();
        assert_eq!(store.journal(&id, 0, usize::MAX).unwrap().len(), 1);
        assert_eq!(store.partitions().unwrap().len(), mark);
        let place = Place { host: host.clone(), ..other };
        place.task("{}").await;
        assert!(count(&*store, &tables::EVENT, &place) > 1);
        let again = host.forget_old_once(Retention::default()).await.unwrap();
        assert_eq!(again, host::retention::Forgotten::default());
        host.stop().await;
    }
}
