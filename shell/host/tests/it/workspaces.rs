//! Workspaces come, are read, outlive restarts, and go.

use super::*;
use base::Millis;
use host::{Refusal, tables::TASK};
use routing::{Answer, EventKind, Question, Rejection, Reservation, TaskSid, TaskStatus};
use store::{Direction, Scan, Value};

#[tokio::test]
async fn what_was_answered_can_be_read_at_once() {
    for (store, _folder) in stores() {
        let host = start(&store);
        let place = Place::new(&host).await;
        let names = host.names(place.workspace).unwrap();
        assert_eq!(names.account, ACCOUNT);
        assert_eq!(&*names.queues[&place.queue.sid], "all");
        assert_eq!(&*names.workflows[&place.workflow.sid], "to all");
        assert!(names.channels.values().any(|channel| channel.unique_name == "default"));
        assert_eq!(host.workspaces(), [place.workspace]);
        let text = "{ \"größe\":1.50,  \"a\" : [ ] }";
        let task = place.task(text).await;
        let partition = place.workspace.to_string();
        let row: Option<Task> = host.fetch(&partition, &task.sid.to_string()).unwrap();
        assert_eq!(row.as_ref(), Some(&task));
        assert_eq!(row.unwrap().attributes.text(), text);
        let missing: Option<Task> = host.fetch(&partition, &TaskSid::new(1).to_string()).unwrap();
        assert_eq!(missing, None);
        host.stop().await;
    }
}

#[tokio::test]
async fn a_list_is_paged_by_its_cursors() {
    for (store, _folder) in stores() {
        let host = start(&store);
        let place = Place::new(&host).await;
        let mut made = Vec::new();
        for _ in 0..7 {
            made.push(place.task("{}").await.sid);
        }
        let mut scan = Scan {
            order: vec![("created_at", Direction::Descending)],
            limit: 3,
            ..Scan::of(&TASK, place.workspace.to_string().into())
        };
        let mut seen = Vec::new();
        loop {
            let page: Vec<(Task, Vec<Value>)> = host.list(scan.clone()).await.unwrap();
            let Some((_, cursor)) = page.last() else { break };
            scan.after = Some(cursor.clone());
            seen.extend(page.iter().map(|(task, _)| task.sid));
        }
        made.reverse();
        assert_eq!(seen, made);
        host.stop().await;
    }
}

#[tokio::test]
async fn a_restart_changes_nothing_that_can_be_seen() {
    for (store, _folder) in stores() {
        let first = start(&store);
        let place = Place::new(&first).await;
        let worker = place.worker("ana").await;
        let (taken, waiting) = (place.task("{}").await, place.task("{}").await);
        let names = first.names(place.workspace);
        let at = first.advance(Millis(5_000)).await;
        let place_of = Question::Place(waiting.sid);
        let before = format!("{:?}", first.ask(place.workspace, place_of.clone()).await);
        first.stop().await;
        let refused = first.ask(place.workspace, place_of.clone()).await;
        assert!(matches!(refused, Err(Refusal::Unavailable(_))));

        let second = start(&store);
        assert_eq!(second.names(place.workspace), names);
        assert_eq!(format!("{:?}", second.ask(place.workspace, place_of).await), before);
        let open = Question::OpenReservations(worker.sid);
        let Ok(Answer::Reservations(open)) = second.ask(place.workspace, open).await else {
            panic!("no reservations")
        };
        assert_eq!(open.len(), 1);
        assert_eq!((open[0].1.sid, open[0].1.status), (taken.sid, TaskStatus::Reserved));
        // The offer runs out when it would have without the restart.
        let left = open[0].0.expires_at - second.now();
        assert!(second.now() <= at && left > Millis(0));
        let mut events = second.subscribe(host::Topic::Task(taken.sid), 99);
        second.advance(left).await;
        let out = std::iter::from_fn(|| events.try_next())
            .find(|told| told.event.kind == EventKind::ReservationTimeout);
        assert_eq!(out.map(|told| told.event.at), Some(open[0].0.expires_at));
        second.stop().await;
    }
}

#[tokio::test]
async fn what_ended_just_before_a_restart_is_still_refused_with_its_status() {
    for (store, _folder) in stores() {
        let first = start(&store);
        let place = Place::new(&first).await;
        let task = place.task("{}").await;
        let cancel = |reason: &str| Command::UpdateTask {
            sid: task.sid,
            if_match: routing::command::IfMatch::Any,
            patch: routing::command::TaskPatch {
                status: Some(TaskStatus::Canceled),
                reason: Some(reason.to_owned()),
                ..Default::default()
            },
        };
        first.routing(place.workspace, cancel("once")).await.unwrap();
        let refused = first.routing(place.workspace, cancel("twice")).await;
        assert!(matches!(refused, Err(Refusal::Rejected(Rejection::TaskStatus { .. }))));
        first.stop().await;
        let second = start(&store);
        assert_eq!(second.routing(place.workspace, cancel("twice")).await, refused);
        second.stop().await;
    }
}

#[tokio::test]
async fn a_deleted_workspace_leaves_nothing_and_its_neighbour_everything() {
    for (store, _folder) in stores() {
        let host = start(&store);
        let (gone, stays) = (Place::new(&host).await, Place::new(&host).await);
        for place in [&gone, &stays] {
            place.worker("ana").await;
            place.task("{}").await;
            place.task("{}").await;
        }
        let (done, task) =
            tokio::join!(host.routing(gone.workspace, Command::DeleteWorkspace), stays.task("{}"),);
        assert_eq!(done, Ok(Reply::Done));
        let late = host.routing(gone.workspace, Command::DeleteWorkspace).await;
        assert_eq!(late, Err(Refusal::NoPartition));
        assert_eq!(host.names(gone.workspace), None);
        assert_eq!(host.workspaces(), [stays.workspace]);
        host.forget_old_once(host::Retention::default()).await.unwrap();
        for table in tables::ALL {
            let rows = store.scan(&Scan::of(table, gone.workspace.to_string().into())).unwrap();
            assert!(rows.is_empty(), "{}", table.name);
        }
        let partition = stays.workspace.to_string();
        assert!(host.fetch::<Task>(&partition, &task.sid.to_string()).unwrap().is_some());
        host.stop().await;
        let again = start(&store);
        assert_eq!(again.workspaces(), [stays.workspace]);
        again.stop().await;
    }
}

#[tokio::test]
async fn a_host_that_stopped_lets_go_of_its_store() {
    let (store, _) = stores().swap_remove(0);
    let host = start(&store);
    Place::new(&host).await;
    host.stop().await;
    drop(host);
    assert_eq!(Arc::strong_count(&store), 1);
}

#[tokio::test]
async fn a_refused_workspace_is_nowhere() {
    let (store, _) = stores().swap_remove(0);
    let host = start(&store);
    let refused = host.create_workspace(ACCOUNT, NewWorkspace::default()).await;
    assert!(matches!(refused, Err(Refusal::Rejected(Rejection::Required(_)))));
    assert!(host.workspaces().is_empty());
    let unknown = host.routing(WorkspaceSid::new(1), Command::DeleteWorkspace).await;
    assert_eq!(unknown, Err(Refusal::NoPartition));
    host.stop().await;
}

#[tokio::test]
async fn two_writers_at_once_are_one_behind_the_other() {
    for (store, _folder) in stores() {
        let host = start(&store);
        let place = Place::new(&host).await;
        let worker = place.worker("ana").await;
        let task = place.task("{}").await;
        let scan = Scan::of(&tables::RESERVATION, place.workspace.to_string().into());
        let offers: Vec<(Reservation, Vec<Value>)> = host.list(scan).await.unwrap();
        let accept = |owner| Command::UpdateReservation {
            sid: offers[0].0.sid,
            owner,
            if_match: routing::command::IfMatch::Any,
            step: routing::command::ReservationStep::Accept,
        };
        let (one, two) = tokio::join!(
            host.routing(
                place.workspace,
                accept(routing::command::ReservationOwner::Task(task.sid))
            ),
            host.routing(
                place.workspace,
                accept(routing::command::ReservationOwner::Worker(worker.sid))
            ),
        );
        assert!(one.is_ok());
        let second = matches!(two, Err(Refusal::Rejected(Rejection::ReservationStatus { .. })));
        assert!(second, "{two:?}");
        host.stop().await;
    }
}
