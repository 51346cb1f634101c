//! The indexes of one workspace: read from rows when they are first asked for, and kept up with
//! what is written from then on.
//!
//! * Rows are read while others are written: what was read may be ahead of the batches that are
//!   still to be taken in, and how far is noted.
//! * What an item says of others (names of activities and queues, the task of a reservation) is
//!   brought up to date when they change.

#[cfg(feature = "planted-bugs")]
use crate::planted::{self, Planted};

use super::concerns;
use crate::{
    Names,
    bridge::routing_to_insights as items,
    tables::{self, Record},
};
use base::{Sid, Timestamp};
use insights::{Answers, Document, Index, Number, Place, Query, QuerySid, Told};
use routing::{
    Reservation, ReservationSid, Task, TaskQueue, TaskSid, Worker, WorkerSid, WorkspaceSid,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
};
use store::{Batch, Filter, PartitionId, Row, Scan, Store, StoreError, Table, Test};

/// Rows read at a time.
const ROWS_AT_ONCE: usize = 1_000;

/// A row that was written, as far as indexes care for it.
#[derive(Clone)]
pub struct Written {
    table: &'static Table,
    key: Box<str>,
    body: Option<String>,
}

/// Customer data does not show.
impl fmt::Debug for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Written({}, {})", self.table.name, self.key)
    }
}

/// What a batch wrote that may concern an index.
pub fn written(batch: &Batch) -> Vec<Written> {
    let of_interest = batch.rows.iter().filter(|row| concerns(row.table));
    let copied = of_interest.map(|row| Written {
        table: row.table,
        key: row.key.clone(),
        body: row.content.as_ref().map(|content| content.body.clone()),
    });
    copied.collect()
}

fn concerns(table: &'static Table) -> bool {
    let named = is_named(table) || is(table, &tables::WORKSPACE);
    named || [&tables::WORKER, &tables::TASK, &tables::RESERVATION].iter().any(|one| is(table, one))
}

/// Tables whose rows give others their names.
fn is_named(table: &'static Table) -> bool {
    [&tables::ACTIVITY, &tables::TASK_CHANNEL, &tables::TASK_QUEUE, &tables::WORKFLOW]
        .iter()
        .any(|one| is(table, one))
}

fn is(table: &'static Table, other: &'static Table) -> bool {
    std::ptr::eq(table, other)
}

/// Whether the workspace was removed.
pub fn is_end(written: &[Written]) -> bool {
    written.iter().any(|row| is(row.table, &tables::WORKSPACE) && row.body.is_none())
}

/// See the module.
#[derive(Debug)]
pub struct Indexes {
    workspace: WorkspaceSid,
    partition: PartitionId,
    /// What entities were called when items were last written; `None` before the first.
    names: Option<Names>,
    answers: BTreeMap<Index, Answers>,
    open: Open,
}

/// Items by index; `None` for those that are gone.
type Changed = BTreeMap<Index, BTreeMap<Sid, Option<Document>>>;

/// Open reservations, once they are asked for, with what their items say of others.
#[derive(Debug, Default)]
struct Open {
    reservations: BTreeMap<ReservationSid, Reservation>,
    of_task: BTreeMap<TaskSid, BTreeSet<ReservationSid>>,
    tasks: BTreeMap<TaskSid, Task>,
    workers: BTreeMap<WorkerSid, String>,
}

/// What became of queries, in order.
pub type AllTold = Vec<(QuerySid, Told)>;

/// The items of one index as they were read, and up to which change some may be in them beyond
/// those that were durable before.
type Read = (BTreeMap<Sid, Document>, Number);

/// Why there are no items.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unread {
    /// There is no such workspace.
    #[error("there is no such workspace")]
    Gone,
    /// Rows could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Indexes {
    /// None is read yet.
    pub fn new(workspace: WorkspaceSid) -> Self {
        let partition = workspace.to_string().into();
        let (names, answers, open) = (None, BTreeMap::new(), Open::default());
        Self { workspace, partition, names, answers, open }
    }

    /// Answers a query from now on, and reads its index if nobody asked for it yet.
    pub fn open(
        &mut self,
        query: &Arc<Query>,
        store: &dyn Store,
        now: Timestamp,
    ) -> Result<AllTold, Unread> {
        let mut told = Vec::new();
        if !self.reads(query.index()) {
            let through = self.newest(store)?;
            let names = self.read_names(store)?;
            let is_alike = self.names.as_ref().is_none_or(|before| call_alike(before, &names));
            self.names = Some(names);
            if !is_alike {
                // The batch that says so is still to come, and has nothing new to say then.
                told = self.read_again(None, store, now)?;
            }
            let (documents, ahead) = self.read(query.index(), store)?;
            let mut answers = Answers::default();
            answers.replace((through, ahead), documents, now);
            self.answers.insert(query.index(), answers);
        }
        let answers = self.answers.get_mut(&query.index());
        answers.expect("it was put there").open(query, now);
        Ok(told)
    }

    /// Answers a query no longer; an index without queries is let go of.
    pub fn close(&mut self, query: QuerySid) {
        self.answers.values_mut().for_each(|answers| answers.close(query));
        self.answers.retain(|_, answers| answers.count() > 0);
        if !self.reads(Index::Reservations) {
            self.open = Open::default();
        }
        if self.answers.is_empty() {
            self.names = None;
        }
    }

    /// The items of an index, while it is there.
    pub fn answers(&self, index: Index) -> Option<&Answers> {
        self.answers.get(&index)
    }

    /// How many queries are answered.
    pub fn count(&self) -> usize {
        self.answers.values().map(Answers::count).sum()
    }

    /// Takes in what a batch wrote whose last change is `through`. After an error everything is to
    /// be read again.
    pub fn take(
        &mut self,
        through: Number,
        written: &[Written],
        store: &dyn Store,
        now: Timestamp,
    ) -> Result<AllTold, Unread> {
        let is_new = self.answers.values().all(|answers| answers.through() < through);
        if is_new && written.iter().any(|row| is_named(row.table)) {
            let names = self.read_names(store)?;
            let is_alike = self.names.as_ref().is_some_and(|before| call_alike(before, &names));
            self.names = Some(names);
            if !is_alike || self.answers.values().any(|answers| through <= answers.ahead()) {
                return self.read_again(Some(through), store, now);
            }
        }
        let mut changed = self.changed(written, store)?;
        #[cfg(feature = "planted-bugs")]
        if planted::is(Planted::PassOverItems) && through % 8 == 0 {
            changed.clear();
        }
        let mut told = Vec::new();
        for (index, answers) in &mut self.answers {
            let of = changed.remove(index).unwrap_or_default();
            told.extend(answers.take(through, of, now));
        }
        Ok(told)
    }

    fn changed(&mut self, written: &[Written], store: &dyn Store) -> Result<Changed, StoreError> {
        let Some(names) = &self.names else { return Ok(Changed::new()) };
        let mut changed = Changed::new();
        let mut touched = BTreeSet::new();
        for row in written {
            let Ok(key) = row.key.parse::<Sid>() else { continue };
            let (index, document) = if is(row.table, &tables::WORKER) {
                let worker: Option<Worker> = row.value()?;
                self.open.call(key, worker.as_ref(), &mut touched);
                (Index::Workers, worker.map(|worker| items::worker(&worker, names)))
            } else if is(row.table, &tables::TASK_QUEUE) {
                let queue: Option<TaskQueue> = row.value()?;
                (Index::Queues, queue.map(|queue| items::queue(&queue, names)))
            } else if is(row.table, &tables::TASK) {
                let task: Option<Task> = row.value()?;
                let document = task.as_ref().and_then(|task| items::task(task, names));
                task.into_iter().for_each(|task| self.open.update(task, &mut touched));
                (Index::Tasks, document)
            } else {
                if is(row.table, &tables::RESERVATION)
                    && self.answers.contains_key(&Index::Reservations)
                {
                    let sid = ReservationSid::new(key.body());
                    self.open.put(sid, row.value()?, (store, &self.partition))?;
                    touched.insert(sid);
                }
                continue;
            };
            changed.entry(index).or_default().insert(key, document);
        }
        let reservations = touched.into_iter().map(|sid| (sid.sid(), self.open.item(sid, names)));
        changed.entry(Index::Reservations).or_default().extend(reservations);
        Ok(changed)
    }

    /// Reads everything again that is there, because something was not taken in. What is told of
    /// it has the number of the batch that led to it, or of the newest that is durable.
    pub fn read_again(
        &mut self,
        through: Option<Number>,
        store: &dyn Store,
        now: Timestamp,
    ) -> Result<AllTold, Unread> {
        let newest = self.newest(store)?;
        if through.is_none() && !self.answers.is_empty() {
            self.names = Some(self.read_names(store)?);
        }
        let mut told = Vec::new();
        for index in Index::ALL {
            if !self.reads(index) {
                continue;
            }
            let (documents, ahead) = self.read(index, store)?;
            let answers = self.answers.get_mut(&index).expect("it is there");
            told.extend(answers.replace((through.unwrap_or(newest), ahead), documents, now));
        }
        Ok(told)
    }

    /// Looks back over what concerned the items of a query before they were read, if somebody who
    /// comes back to it is told more than is new to them without.
    pub fn look_back(
        &mut self,
        query: &Query,
        place: Place,
        store: &dyn Store,
    ) -> Result<(), StoreError> {
        let index = query.index();
        let Some(answers) = self.answers.get_mut(&index) else { return Ok(()) };
        let Some(asked) = answers.looks_back(query.sid(), place) else { return Ok(()) };
        let open = self.open.reservations.values();
        let tasks = open.map(|reservation| (reservation.sid, reservation.task)).collect();
        let recent = concerns::recent((index, asked), &tasks, (store, &self.partition))?;
        answers.remember(recent);
        answers.forget_before(asked.1.saturating_sub(concerns::LOOKED_BACK));
        Ok(())
    }

    fn reads(&self, index: Index) -> bool {
        self.answers.contains_key(&index)
    }

    fn read_names(&self, store: &dyn Store) -> Result<Names, Unread> {
        Names::read(store, self.workspace)?.ok_or(Unread::Gone)
    }

    fn read(&mut self, index: Index, store: &dyn Store) -> Result<Read, Unread> {
        let names = self.names.as_ref().ok_or(Unread::Gone)?;
        let mut found = BTreeMap::new();
        match index {
            Index::Workers => self.each(store, Part::All, |worker: Worker| {
                found.insert(worker.sid.sid(), items::worker(&worker, names));
            })?,
            Index::Queues => self.each(store, Part::All, |queue: TaskQueue| {
                found.insert(queue.sid.sid(), items::queue(&queue, names));
            })?,
            Index::Tasks => self.each(store, Part::Live, |task: Task| {
                found.extend(items::task(&task, names).map(|item| (task.sid.sid(), item)));
            })?,
            Index::Reservations => {
                let open = self.read_open(store)?;
                let all = open.reservations.keys();
                found.extend(all.filter_map(|sid| Some((sid.sid(), open.item(*sid, names)?))));
                self.open = open;
            }
        }
        Ok((found, self.newest(store)?))
    }

    fn read_open(&self, store: &dyn Store) -> Result<Open, StoreError> {
        let mut open = Open::default();
        self.each(store, Part::Live, |one: Reservation| open.insert(one))?;
        self.each(store, Part::Live, |task: Task| {
            if open.of_task.contains_key(&task.sid) {
                open.tasks.insert(task.sid, task);
            }
        })?;
        let workers: BTreeSet<WorkerSid> =
            open.reservations.values().map(|reservation| reservation.worker).collect();
        self.each(store, Part::All, |worker: Worker| {
            if workers.contains(&worker.sid) {
                open.workers.insert(worker.sid, worker.friendly_name);
            }
        })?;
        Ok(open)
    }

    fn newest(&self, store: &dyn Store) -> Result<Number, StoreError> {
        let known = store.partitions()?.into_iter().find(|known| known.id == self.partition);
        Ok(known.map_or(0, |known| known.last))
    }

    fn each<R: Record>(
        &self,
        store: &dyn Store,
        part: Part,
        mut f: impl FnMut(R),
    ) -> Result<(), StoreError> {
        let mut scan = Scan::of(R::TABLE, self.partition.clone());
        scan.limit = ROWS_AT_ONCE;
        if let (Part::Live, Some(column)) = (part, R::TABLE.live) {
            scan.filters.push(Filter { column, test: Test::OneOf(vec![true.into()]) });
        }
        loop {
            let rows: Vec<Row> = store.scan(&scan)?;
            let is_last = rows.len() < ROWS_AT_ONCE;
            scan.after = rows.last().map(|row| scan.cursor(row));
            for row in rows {
                f(value(&row.body)?);
            }
            if is_last {
                return Ok(());
            }
        }
    }
}

#[derive(Clone, Copy)]
enum Part {
    All,
    Live,
}

impl Open {
    fn insert(&mut self, reservation: Reservation) {
        self.of_task.entry(reservation.task).or_default().insert(reservation.sid);
        self.reservations.insert(reservation.sid, reservation);
    }

    fn put(
        &mut self,
        sid: ReservationSid,
        reservation: Option<Reservation>,
        (store, partition): (&dyn Store, &PartitionId),
    ) -> Result<(), StoreError> {
        let Some(reservation) = reservation.filter(|one| one.status.is_open()) else {
            #[cfg(feature = "planted-bugs")]
            if planted::is(Planted::KeepOverItems) {
                return Ok(());
            }
            self.remove(sid);
            return Ok(());
        };
        let (task, worker) = (reservation.task, reservation.worker);
        self.insert(reservation);
        if !self.tasks.contains_key(&task)
            && let Some(row) = store.row(&tables::TASK, partition, &task.to_string())?
        {
            self.tasks.insert(task, value(&row.body)?);
        }
        if !self.workers.contains_key(&worker)
            && let Some(row) = store.row(&tables::WORKER, partition, &worker.to_string())?
        {
            let found: Worker = value(&row.body)?;
            self.workers.insert(worker, found.friendly_name);
        }
        Ok(())
    }

    fn remove(&mut self, sid: ReservationSid) {
        let Some(reservation) = self.reservations.remove(&sid) else { return };
        if let Some(of_task) = self.of_task.get_mut(&reservation.task) {
            of_task.remove(&sid);
            if of_task.is_empty() {
                self.of_task.remove(&reservation.task);
                self.tasks.remove(&reservation.task);
            }
        }
    }

    /// A task that has open reservations, or has not.
    fn update(&mut self, task: Task, touched: &mut BTreeSet<ReservationSid>) {
        if let Some(of_task) = self.of_task.get(&task.sid) {
            touched.extend(of_task);
            self.tasks.insert(task.sid, task);
        }
    }

    /// What a worker is called.
    fn call(&mut self, key: Sid, worker: Option<&Worker>, touched: &mut BTreeSet<ReservationSid>) {
        let sid = WorkerSid::new(key.body());
        let Some(name) = self.workers.get_mut(&sid) else { return };
        let Some(worker) = worker else {
            self.workers.remove(&sid);
            return;
        };
        if *name != worker.friendly_name {
            name.clone_from(&worker.friendly_name);
            let of = self.reservations.values().filter(|one| one.worker == sid);
            touched.extend(of.map(|one| one.sid));
        }
    }

    /// `None` for a reservation that is over, or whose task is gone.
    fn item(&self, sid: ReservationSid, names: &Names) -> Option<Document> {
        let reservation = self.reservations.get(&sid)?;
        let task = self.tasks.get(&reservation.task)?;
        let worker = self.workers.get(&reservation.worker).map(String::as_str);
        Some(items::reservation(reservation, task, worker, names))
    }
}

impl Written {
    fn value<R: Record>(&self) -> Result<Option<R>, StoreError> {
        self.body.as_deref().map(value).transpose()
    }
}

fn value<R: Record>(body: &str) -> Result<R, StoreError> {
    serde_json::from_str(body)
        .map_err(|error| StoreError(format!("a row of table {}: {error}", R::TABLE.name)))
}

/// Whether items that name others read the same.
fn call_alike(one: &Names, other: &Names) -> bool {
    let activities = |names: &Names| -> Vec<_> {
        let all = names.activities.values();
        all.map(|one| (one.sid, one.friendly_name.clone(), one.available)).collect()
    };
    let channels = |names: &Names| -> Vec<_> {
        names.channels.values().map(|one| (one.sid, one.unique_name.clone())).collect()
    };
    one.queues == other.queues
        && one.workflows == other.workflows
        && activities(one) == activities(other)
        && channels(one) == channels(other)
}
