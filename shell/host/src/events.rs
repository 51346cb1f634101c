//! Reading the log of events: one by its SID, or a page of those a query asks for.
//!
//! * SIDs of events sort in the order in which they happened, so a window of time is a range of
//!   keys, and the row of an event is the last one whose key is not above it.
//! * Rows are read some at a time, and most are passed over unparsed: a row that does not contain
//!   the text of a SID holds no event about it.
//! * One call looks at a bounded number of rows; where that ends it, it says how far it came.

use crate::tables;
use base::Timestamp;
use routing::{
    EventKind, EventSid, LoggedEvent, ReservationSid, TaskQueueSid, TaskSid, WorkerSid,
    WorkflowSid, command::ChannelRef, log,
};
use store::{Direction, Filter, PartitionId, Row, Scan, Store, StoreError, Test, Value};

/// Rows read at once: some milliseconds.
const ROWS_AT_ONCE: usize = 500;
/// Rows one call looks at: some tenths of a second.
const ROWS_MAX: usize = 50_000;
/// Where very many ids were minted within a millisecond the next ones borrow from later ones.
const BORROWED_MS: i64 = 1_000;

/// Which events are wanted; what is `None` asks nothing.
#[derive(Clone, Debug, Default)]
pub struct EventQuery {
    /// Not before this moment.
    pub from: Option<Timestamp>,
    /// Not after this moment.
    pub until: Option<Timestamp>,
    /// Of one of these types.
    pub kinds: Option<Vec<EventKind>>,
    /// This event.
    pub sid: Option<EventSid>,
    /// About this task or a reservation of it.
    pub task: Option<TaskSid>,
    /// About this reservation.
    pub reservation: Option<ReservationSid>,
    /// About this worker or a reservation for it.
    pub worker: Option<WorkerSid>,
    /// About a task in this queue, or the queue.
    pub queue: Option<TaskQueueSid>,
    /// About a task of this workflow, or the workflow.
    pub workflow: Option<WorkflowSid>,
    /// About a task on this channel, a worker's share in it, or the channel.
    pub task_channel: Option<ChannelRef>,
}

/// Which of them.
#[derive(Clone, Debug)]
pub struct EventWindow {
    /// Ascending: those behind `after`. Descending: those before it, newest first.
    pub direction: Direction,
    /// Not counted itself; `None` begins at the end.
    pub after: Option<EventSid>,
    /// At most so many.
    pub limit: usize,
}

/// Events that were found.
#[derive(Clone, Debug, Default)]
pub struct EventPage {
    /// In the direction asked for.
    pub events: Vec<LoggedEvent>,
    /// Where the look ended before all rows were looked at and before the page was full: go on
    /// behind it.
    pub looked_until: Option<EventSid>,
}

/// The event of that SID.
pub(crate) fn one(
    store: &dyn Store,
    partition: &PartitionId,
    sid: EventSid,
) -> Result<Option<LoggedEvent>, StoreError> {
    let Some(row) = row_of(store, partition, sid)? else { return Ok(None) };
    Ok(read(&row)?.into_iter().find(|event| event.sid == sid))
}

/// The row that holds an event, if it is there.
fn row_of(
    store: &dyn Store,
    partition: &PartitionId,
    sid: EventSid,
) -> Result<Option<Row>, StoreError> {
    let scan = Scan {
        filters: vec![at_most(sid)],
        order: vec![("key", Direction::Descending)],
        limit: 1,
        ..Scan::of(&tables::EVENT, partition.clone())
    };
    Ok(store.scan(&scan)?.pop())
}

/// A page of events.
pub(crate) fn page(
    store: &dyn Store,
    partition: &PartitionId,
    query: &EventQuery,
    window: &EventWindow,
) -> Result<EventPage, StoreError> {
    look(store, partition, query, window, ROWS_MAX)
}

/// Looks at little more than `rows_max` rows.
fn look(
    store: &dyn Store,
    partition: &PartitionId,
    query: &EventQuery,
    window: &EventWindow,
    rows_max: usize,
) -> Result<EventPage, StoreError> {
    let mut page = EventPage::default();
    let Some(mut scan) = scan(store, partition, query, window)? else { return Ok(page) };
    let texts = query.texts();
    let mut looked = 0;
    loop {
        let rows = store.scan(&scan)?;
        looked += rows.len();
        scan.after = rows.last().map(|row| scan.cursor(row));
        let is_last = rows.len() < scan.limit;
        for row in &rows {
            let may_hold = texts.iter().all(|text| row.body.contains(text.as_str()));
            if may_hold || query.sid.is_some() {
                page.take(read(row)?, query, window);
            }
            if page.events.len() >= window.limit {
                page.events.truncate(window.limit);
                return Ok(page);
            }
        }
        if is_last {
            return Ok(page);
        }
        if looked >= rows_max {
            page.looked_until = rows.last().map(|row| seen_until(row, window)).transpose()?;
            return Ok(page);
        }
    }
}

/// The last event of a row in the window's direction.
fn seen_until(row: &Row, window: &EventWindow) -> Result<EventSid, StoreError> {
    let first = key(row)?;
    match window.direction {
        Direction::Descending => Ok(first),
        Direction::Ascending => Ok(read(row)?.last().map_or(first, |event| event.sid)),
    }
}

/// The rows that may hold what is wanted; `None` when there are none.
fn scan(
    store: &dyn Store,
    partition: &PartitionId,
    query: &EventQuery,
    window: &EventWindow,
) -> Result<Option<Scan>, StoreError> {
    let mut filters = Vec::new();
    let mut begin = query.begin();
    match (window.direction, window.after) {
        (_, None) => {}
        (Direction::Descending, Some(after)) => filters.push(at_most(after)),
        (Direction::Ascending, Some(after)) => begin = begin.max(after),
    }
    // The row that begins before it may hold further ones.
    if let Some(row) = row_of(store, partition, begin)? {
        begin = key(&row)?;
    }
    if let Some(sid) = query.sid {
        let Some(row) = row_of(store, partition, sid)? else { return Ok(None) };
        let holder = Value::from(&*row.key);
        filters.push(Filter { column: "key", test: Test::OneOf(vec![holder]) });
    }
    filters.push(Filter { column: "key", test: Test::AtLeast(value(begin)) });
    if let Some(until) = query.until {
        filters.push(at_most(first_at(Timestamp(until.0.saturating_add(BORROWED_MS)))));
    }
    Ok(Some(Scan {
        filters,
        order: vec![("key", window.direction)],
        limit: ROWS_AT_ONCE,
        ..Scan::of(&tables::EVENT, partition.clone())
    }))
}

impl EventPage {
    /// Those of a row's events that are wanted.
    fn take(&mut self, mut events: Vec<LoggedEvent>, query: &EventQuery, window: &EventWindow) {
        events.retain(|event| query.wants(event) && window.holds(event.sid));
        if window.direction == Direction::Descending {
            events.reverse();
        }
        self.events.extend(events);
    }
}

impl EventWindow {
    fn holds(&self, sid: EventSid) -> bool {
        match (self.after, self.direction) {
            (None, _) => true,
            (Some(after), Direction::Ascending) => sid > after,
            (Some(after), Direction::Descending) => sid < after,
        }
    }
}

impl EventQuery {
    /// No row before it is wanted: a task has no events before its own beginning. A row is named
    /// by the first event of its turn, which may come before the task or reservation of that turn.
    fn begin(&self) -> EventSid {
        let by_time = self.from.map(first_at);
        let by_task = self.task.map(|task| EventSid::new(stamp(task.body())));
        let by_reservation = self.reservation.map(|one| EventSid::new(stamp(one.body())));
        let begins = [by_time, by_task, by_reservation];
        begins.into_iter().flatten().max().unwrap_or(EventSid::new(0))
    }

    /// What the text of a row must contain.
    fn texts(&self) -> Vec<String> {
        let sids = [
            self.task.map(|sid| sid.sid()),
            self.reservation.map(|sid| sid.sid()),
            self.worker.map(|sid| sid.sid()),
            self.queue.map(|sid| sid.sid()),
            self.workflow.map(|sid| sid.sid()),
        ];
        let mut texts: Vec<String> = sids.into_iter().flatten().map(|s| s.to_string()).collect();
        match &self.task_channel {
            Some(ChannelRef::Sid(sid)) => texts.push(sid.to_string()),
            Some(ChannelRef::Name(_)) | None => {}
        }
        if let Some([kind]) = self.kinds.as_deref() {
            texts.push(format!("\"{}\"", kind.as_str()));
        }
        texts
    }

    /// Whether all that is asked holds for it.
    fn wants(&self, event: &LoggedEvent) -> bool {
        let of_task = event.task.as_ref().map(|task| task.sid);
        let of_reservation = event.reservation.as_ref().map(|reservation| reservation.sid);
        self.from.is_none_or(|from| event.at >= from)
            && self.until.is_none_or(|until| event.at <= until)
            && self.kinds.as_ref().is_none_or(|kinds| kinds.contains(&event.kind))
            && self.sid.is_none_or(|sid| event.sid == sid)
            && self.task.is_none_or(|task| of_task == Some(task))
            && self.reservation.is_none_or(|one| of_reservation == Some(one))
            && self.worker.is_none_or(|worker| event.worker_sid() == Some(worker))
            && self.queue.is_none_or(|queue| event.is_of_queue(queue))
            && self.workflow.is_none_or(|workflow| event.is_of_workflow(workflow))
            && self.task_channel.as_ref().is_none_or(|channel| is_of_channel(event, channel))
    }
}

fn is_of_channel(event: &LoggedEvent, wanted: &ChannelRef) -> bool {
    let Some((sid, name)) = event.task_channel() else { return false };
    match wanted {
        ChannelRef::Sid(wanted) => sid == *wanted,
        ChannelRef::Name(wanted) => name == Some(wanted),
    }
}

/// No event of that moment has a smaller SID.
pub(crate) fn first_at(at: Timestamp) -> EventSid {
    EventSid::new(u128::from(at.0.max(0).unsigned_abs()) << 80)
}

/// A SID's time to the millisecond, without its counter and what is random.
const fn stamp(body: u128) -> u128 {
    body >> 80 << 80
}

fn value(sid: EventSid) -> Value {
    Value::from(sid.to_string().as_str())
}

fn at_most(sid: EventSid) -> Filter {
    Filter { column: "key", test: Test::AtMost(value(sid)) }
}

fn key(row: &Row) -> Result<EventSid, StoreError> {
    row.key.parse().map_err(|_| StoreError("a row of table event has another key".to_owned()))
}

fn read(row: &Row) -> Result<Vec<LoggedEvent>, StoreError> {
    log::read(key(row)?, &row.body).map_err(|error| StoreError(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use routing::WorkspaceSid;
    use std::sync::Arc;
    use store::{Batch, MemoryStore, RowContent, RowWrite};

    const ROWS: u128 = 1_800;

    /// Rows of one event each, with the SIDs from 1 on; one of a hundred is about a worker.
    fn filled() -> (MemoryStore, PartitionId) {
        let store = MemoryStore::new();
        let partition: PartitionId = Arc::from(WorkspaceSid::new(1).to_string());
        let worker = WorkerSid::new(7);
        let line =
            format!(r#"[{{"i":"{worker}","n":"Ada","a":{{}},"y":["WA{:032x}",null],"v":0}}]"#, 1);
        let rows = (1..=ROWS).map(|n| {
            let about =
                if n % 100 == 0 { format!(r#","w":0}}],"w":{line}}}"#) } else { "}]}".into() };
            let body = format!(r#"{{"at":{n},"ws":"W","e":[{{"k":"worker.created"{about}"#);
            let content = RowContent { values: vec![Value::Null], body };
            let key = EventSid::new(n).to_string().into();
            RowWrite { table: &tables::EVENT, key, content: Some(content) }
        });
        let batch = Batch {
            partition: partition.clone(),
            kind: "routing",
            epoch: 1,
            first: 1,
            at: Timestamp(1),
            changes: Vec::new(),
            rows: rows.collect(),
        };
        store.committer().commit(&[batch]).expect("an empty store takes it");
        (store, partition)
    }

    #[test]
    fn a_look_ends_after_some_rows_and_goes_on_where_it_ended() {
        let (store, partition) = filled();
        let of_worker = EventQuery { worker: Some(WorkerSid::new(7)), ..EventQuery::default() };
        for direction in [Direction::Ascending, Direction::Descending] {
            let (mut found, mut after, mut looks) = (Vec::new(), None, 0);
            loop {
                let window = EventWindow { direction, after, limit: 50 };
                let page = look(&store, &partition, &of_worker, &window, 500).expect("readable");
                found.extend(page.events.iter().map(|event| event.sid.body()));
                looks += 1;
                let Some(until) = page.looked_until else { break };
                after = Some(until);
            }
            if direction == Direction::Descending {
                found.reverse();
            }
            assert_eq!(found, (1..=18).map(|n| n * 100).collect::<Vec<u128>>());
            assert_eq!(looks, 4, "{direction:?}");
        }
    }

    #[test]
    fn a_full_page_tells_no_end_of_the_look() {
        let (store, partition) = filled();
        let window = EventWindow { direction: Direction::Ascending, after: None, limit: 3 };
        let page = look(&store, &partition, &EventQuery::default(), &window, 1).expect("readable");
        assert_eq!((page.events.len(), page.looked_until), (3, None));
    }
}
