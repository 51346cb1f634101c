//! The log of events as the host reads it.

use crate::{Place, start, stores};
use base::Millis;
use host::{EventQuery, EventWindow, tables};
use routing::{EventKind, EventSid, LoggedEvent};
use store::{Direction, Scan};

fn forth(after: Option<EventSid>, limit: usize) -> EventWindow {
    EventWindow { direction: Direction::Ascending, after, limit }
}

fn back(after: Option<EventSid>, limit: usize) -> EventWindow {
    EventWindow { direction: Direction::Descending, after, limit }
}

fn sids(events: &[LoggedEvent]) -> Vec<EventSid> {
    events.iter().map(|event| event.sid).collect()
}

#[tokio::test]
async fn a_turn_is_one_row_and_each_event_is_found_by_its_sid() {
    for (store, _folder) in stores() {
        let host = start(&store);
        let place = Place::new(&host).await;
        let rows = || store.scan(&Scan::all(&tables::EVENT)).unwrap().len();
        let before = rows();
        let task = place.task("{\"n\": 1}").await;
        assert_eq!(rows(), before + 1);
        let query = EventQuery { task: Some(task.sid), ..EventQuery::default() };
        let found = host.events(place.workspace, query, forth(None, 100)).await.unwrap().events;
        assert_eq!(found.len(), 4);
        for event in &found {
            let one = host.event(place.workspace, event.sid).unwrap();
            assert_eq!(one.as_ref(), Some(event));
        }
        let unknown = EventSid::new(found[0].sid.body() + 1);
        assert_eq!(host.event(place.workspace, unknown).unwrap(), None);
        let other = Place::new(&host).await;
        assert_eq!(host.event(other.workspace, found[0].sid).unwrap(), None);
        host.stop().await;
    }
}

#[tokio::test]
async fn pages_lead_through_the_middle_of_rows_both_ways() {
    for (store, _folder) in stores() {
        let host = start(&store);
        let place = Place::new(&host).await;
        for _ in 0..5 {
            place.task("{}").await;
            host.advance(Millis(1)).await;
        }
        let page = async |window| {
            host.events(place.workspace, EventQuery::default(), window).await.unwrap().events
        };
        let all = sids(&page(forth(None, 1_000)).await);
        assert!(all.len() > 20 && all.is_sorted());
        let mut reversed = sids(&page(back(None, 1_000)).await);
        reversed.reverse();
        assert_eq!(reversed, all);
        let (mut forwards, mut after) = (Vec::new(), None);
        loop {
            let some = sids(&page(forth(after, 3)).await);
            let Some(last) = some.last() else { break };
            after = Some(*last);
            forwards.extend(some);
        }
        assert_eq!(forwards, all);
        let before = sids(&page(back(Some(all[7]), 4)).await);
        assert_eq!(before, [all[6], all[5], all[4], all[3]]);
        host.stop().await;
    }
}

#[tokio::test]
async fn a_time_bounds_what_is_found() {
    for (store, _folder) in stores() {
        let host = start(&store);
        let place = Place::new(&host).await;
        let mut times = Vec::new();
        for _ in 0..3 {
            host.advance(Millis(10)).await;
            times.push(host.now());
            place.task("{}").await;
        }
        for (from, until, expected) in [
            (Some(times[1]), None, 2),
            (None, Some(times[1]), 2),
            (Some(times[1]), Some(times[1]), 1),
            (Some(times[2] + Millis(1)), None, 0),
            (None, Some(times[0] + Millis(-1)), 0),
        ] {
            let kinds = Some(vec![EventKind::TaskCreated]);
            let query = EventQuery { from, until, kinds, ..EventQuery::default() };
            let page = host.events(place.workspace, query, forth(None, 100)).await.unwrap();
            assert_eq!(page.events.len(), expected, "{from:?} {until:?}");
        }
        host.stop().await;
    }
}
