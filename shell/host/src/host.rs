//! The host as the edge sees it.

mod inspect;
mod queries;
mod sync;

use crate::{
    ClockKind, EventPage, EventQuery, EventWindow, Names, Readiness, Record, Refusal, StartError,
    Subscription, Ticks, Topic,
    adapters::{Answered, Asked, RoutingEngine, SyncEngine},
    clock::Clock,
    core::Core,
    delivery::Delivery,
    engine::Engine,
    events,
    inbox::{Home, Inbox},
    listing,
    outbox::Outbox,
    outlets::SyncOptions,
    past::{self, PastError},
    retention::{self, Forgetting, Forgotten, Retention},
    statistics,
    tables::ACCESS_PARTITION,
    what_if::{self, Supposed},
};
use ::sync::service::Services;
use access::Access;
use base::{IdSource, Millis, Sid, Timestamp};
use report::{Durations, Scopes, Stay, Window};
use routing::{
    Answer, Command, EventSid, LoggedEvent, Question, Rejection, Reply, TaskQueueSid, TaskStatus,
    WorkersOf, Workspace, WorkspaceSid,
    command::NewWorkspace,
    explain::{Look, Sight},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError, RwLock, RwLockWriteGuard, Weak},
};
use store::{Scan, Store, StoreError, Value};

pub use inspect::{Heated, ItemSearch, ObjectSearch, Searched};
pub(crate) use inspect::{ROWS_MAX, holds_name};

/// Following a journal keeps a processor busy and a copy of a workspace in memory.
const LOOKING_BACK_MAX: usize = 2;

/// What became of a note.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Noted {
    /// It is written.
    Durable,
    /// It is not, and may be tried again.
    NotYet,
    /// There is no such workspace any more.
    Nowhere,
}

/// How a host is started.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Which time domains live in.
    pub clock: ClockKind,
    /// Where ids come from; `None` asks the operating system.
    pub seed: Option<u64>,
    /// What is allowed in sync.
    pub sync: SyncOptions,
}

/// A handle; clones are the same host. Methods that wait run on the ambient tokio runtime.
#[derive(Clone)]
pub struct Host(Arc<Shared>);

struct Shared {
    core: Core,
    access: Arc<Inbox<Access>>,
    workspaces: RwLock<BTreeMap<WorkspaceSid, Arc<Inbox<RoutingEngine>>>>,
    /// Mints the SIDs of workspaces.
    ids: Mutex<IdSource>,
    /// Those who may follow a journal at the same time.
    looking_back: tokio::sync::Semaphore,
    sync: sync::SyncHomes,
    /// Held by those who read beginning and journal of a workspace, and by who forgets entries.
    journals: Arc<tokio::sync::RwLock<()>>,
    /// What is counted in memory alone is counted since then.
    began_at: Timestamp,
}

impl Host {
    /// Restores every partition from rows and starts to take commands. Takes the store's one
    /// committer; call it within a tokio runtime with a timer.
    pub fn start(store: Arc<dyn Store>, options: &Options) -> Result<Self, StartError> {
        let core = Core::start(store, options)?;
        // Nothing of sync is open yet.
        _ = core.outlets.sync.options.set(options.sync);
        let (mut access, mut workspaces) = (None, BTreeMap::new());
        let sync = sync::SyncHomes::default();
        let mut ids = core.ids("workspaces");
        for known in core.store.partitions()? {
            if &*known.id == ACCESS_PARTITION {
                access = core.open_known(known, &core.real_clock)?;
            } else if known.kind == SyncEngine::KIND {
                let id = known.id.clone();
                sync.set_bucket(&id, core.open_known(known, &core.clock)?);
            } else if known.kind == Services::KIND {
                sync.set_services(core.open_known(known, &core.clock)?);
            } else if let Ok(workspace) = known.id.parse::<WorkspaceSid>() {
                ids.follow(workspace.body());
                if let Some(inbox) = core.open_known(known, &core.clock)? {
                    workspaces.insert(workspace, inbox);
                }
            }
        }
        let access =
            access.unwrap_or_else(|| core.open_new(ACCESS_PARTITION.into(), &core.real_clock));
        let (workspaces, ids) = (RwLock::new(workspaces), Mutex::new(ids));
        let looking_back = tokio::sync::Semaphore::new(LOOKING_BACK_MAX);
        let journals = Arc::default();
        let began_at = core.clock.now();
        let shared =
            Shared { core, access, workspaces, ids, looking_back, sync, journals, began_at };
        let host = Self(Arc::new(shared));
        host.purge_ending();
        Ok(host)
    }

    /// Refuses new work, waits until what was taken is answered, and ends.
    pub async fn stop(&self) {
        self.0.core.stop().await;
    }

    /// A command about accounts, keys, people or sessions.
    pub async fn access(
        &self,
        command: access::Command,
    ) -> Result<access::Reply, Refusal<access::Rejection>> {
        self.0.core.command(&self.0.access, command).await
    }

    /// Accounts, keys, people and sessions: durable, and updated before the answer to a command.
    pub fn directory(&self) -> Arc<Access> {
        self.0.core.outlets.directory.get()
    }

    /// Makes a workspace for an account.
    pub async fn create_workspace(
        &self,
        account: Sid,
        new: NewWorkspace,
    ) -> Result<Workspace, Refusal<Rejection>> {
        let now = self.0.core.clock.now();
        let sid = {
            let mut ids = self.0.ids.lock().unwrap_or_else(PoisonError::into_inner);
            WorkspaceSid::new(ids.next(now))
        };
        let inbox = self.0.core.open_new(sid.to_string().into(), &self.0.core.clock);
        self.workspaces_mut().insert(sid, inbox.clone());
        let new = NewWorkspace { sid: Some(sid), account: Some(account), ..new };
        let made = self.0.core.command(&inbox, Command::CreateWorkspace(new)).await;
        match made {
            Ok(Reply::Workspace(workspace)) => Ok(workspace),
            Ok(_) => Err(Refusal::Internal),
            Err(refusal) => {
                inbox.close();
                self.workspaces_mut().remove(&sid);
                Err(refusal)
            }
        }
    }

    /// Answers once the command's changes are durable. A rejection waits for the batches ahead.
    pub async fn routing(
        &self,
        workspace: WorkspaceSid,
        command: Command,
    ) -> Result<Reply, Refusal<Rejection>> {
        let inbox = self.inbox(workspace)?;
        self.noticing(workspace, self.0.core.command(&inbox, command).await)
    }

    /// Asks the live state; answered behind the batches ahead.
    pub async fn ask(
        &self,
        workspace: WorkspaceSid,
        question: Question,
    ) -> Result<Answer, Refusal<Rejection>> {
        match self.asked(workspace, Asked::Live(question)).await? {
            Answered::Live(answer) => Ok(answer),
            Answered::Running(_) => Err(Refusal::Internal),
        }
    }

    async fn asked(
        &self,
        workspace: WorkspaceSid,
        asked: Asked,
    ) -> Result<Answered, Refusal<Rejection>> {
        let inbox = self.inbox(workspace)?;
        self.noticing(workspace, self.0.core.question(&inbox, asked).await)
    }

    /// What each of these scopes (the workspace, workflows, queues, workers) counted in a window;
    /// one that counted nothing is left out. Rows are read on a blocking thread.
    pub async fn counted(
        &self,
        workspace: WorkspaceSid,
        window: Window,
        scopes: BTreeSet<Sid>,
    ) -> Result<Scopes, Refusal<Rejection>> {
        let asked = Asked::Running { window, scopes: scopes.iter().copied().collect() };
        let Answered::Running(running) = self.asked(workspace, asked).await? else {
            return Err(Refusal::Internal);
        };
        let (store, partition) = (self.0.core.store.clone(), workspace.to_string().into());
        let read = move || statistics::counted(&*store, &partition, window, &scopes, running);
        on_a_blocking_thread(read).await
    }

    /// How long these workers did what in a window, by activity. Rows are read on a blocking
    /// thread.
    pub async fn durations(
        &self,
        workspace: WorkspaceSid,
        window: Window,
        of: WorkersOf,
    ) -> Result<BTreeMap<Sid, Durations>, Refusal<Rejection>> {
        let everybody = of.is_everybody();
        let Answer::Doing(doing) = self.ask(workspace, Question::Doing(of)).await? else {
            return Err(Refusal::Internal);
        };
        let (store, partition) = (self.0.core.store.clone(), workspace.to_string().into());
        let read = move || {
            let now: Vec<Stay> = doing
                .iter()
                .map(|doing| Stay {
                    worker: doing.worker.sid(),
                    activity: doing.activity.sid(),
                    from: doing.since,
                    to: window.to,
                })
                .collect();
            let workers: BTreeSet<Sid> = now.iter().map(|stay| stay.worker).collect();
            let workers = (!everybody).then_some(&workers);
            // Somebody may have gone on to something else since: what was told first holds.
            let since: BTreeMap<Sid, Timestamp> =
                now.iter().map(|stay| (stay.worker, stay.from)).collect();
            let mut stays = statistics::stays(&*store, &partition, window, workers)?;
            stays.retain(|stay| since.get(&stay.worker).is_none_or(|since| stay.to <= *since));
            Ok(Durations::of(stays.into_iter().chain(now), window))
        };
        on_a_blocking_thread(read).await
    }

    /// What was decided last about a task, as the journal tells. On a blocking thread, a few at a
    /// time.
    pub async fn decision(&self, workspace: WorkspaceSid, look: Look) -> Result<Sight, PastError> {
        let partition = workspace.to_string();
        self.at_length(move |store| past::decision(store, &partition, look)).await
    }

    /// What would be otherwise, had `command` been carried out before the decision on a task: the
    /// one that is due now for a task that waits, else its last.
    pub async fn what_if(
        &self,
        workspace: WorkspaceSid,
        look: Look,
        command: Command,
        status: TaskStatus,
    ) -> Result<Supposed, PastError> {
        let (partition, now) = (workspace.to_string().into(), self.now());
        self.at_length(move |store| match status {
            TaskStatus::Pending => what_if::now(store, &partition, (&look, &command), now),
            _ => what_if::then(store, &partition, (&look, &command)),
        })
        .await
    }

    /// Runs something long that only reads: on a blocking thread, a few at a time.
    pub async fn at_length<T: Send + 'static>(
        &self,
        work: impl FnOnce(&dyn Store) -> Result<T, PastError> + Send + 'static,
    ) -> Result<T, PastError> {
        let turn = self.0.looking_back.acquire().await;
        let failed =
            |error: &dyn std::fmt::Display| PastError::Store(StoreError(error.to_string()));
        let _turn = turn.map_err(|error| failed(&error))?;
        let reading = self.0.journals.clone().read_owned().await;
        let store = self.0.core.store.clone();
        let work = move || {
            let _reading = reading;
            work(&*store)
        };
        tokio::task::spawn_blocking(work).await.map_err(|error| failed(&error))?
    }

    /// What came up to be told outside, and the count of what is on its way.
    pub fn outbox(&self) -> &Outbox {
        &self.0.core.outlets.outbox
    }

    /// Writes down what became of deliveries of a workspace; whether that is durable. A workspace
    /// that is gone needs no notes.
    pub async fn note(&self, workspace: WorkspaceSid, deliveries: &[Delivery]) -> Noted {
        let Ok(inbox) = self.inbox(workspace) else { return Noted::Nowhere };
        if inbox.is_closed() {
            return Noted::Nowhere;
        }
        let rows = deliveries.iter().map(Delivery::row).collect();
        match self.0.core.write(&inbox, rows).await {
            true => Noted::Durable,
            false => Noted::NotYet,
        }
    }

    fn inbox(
        &self,
        workspace: WorkspaceSid,
    ) -> Result<Arc<Inbox<RoutingEngine>>, Refusal<Rejection>> {
        let workspaces = self.0.workspaces.read().unwrap_or_else(PoisonError::into_inner);
        workspaces.get(&workspace).cloned().ok_or(Refusal::NoPartition)
    }

    /// A workspace that is gone is forgotten.
    fn noticing<T>(
        &self,
        workspace: WorkspaceSid,
        answer: Result<T, Refusal<Rejection>>,
    ) -> Result<T, Refusal<Rejection>> {
        if matches!(answer, Err(Refusal::NoPartition)) {
            self.workspaces_mut().remove(&workspace);
        }
        answer
    }

    fn workspaces_mut(
        &self,
    ) -> RwLockWriteGuard<'_, BTreeMap<WorkspaceSid, Arc<Inbox<RoutingEngine>>>> {
        self.0.workspaces.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a workspace is made of; `None` when there is no such workspace. Durable.
    pub fn names(&self, workspace: WorkspaceSid) -> Option<Arc<Names>> {
        self.0.core.outlets.names.get(workspace)
    }

    /// All workspaces, in order of creation.
    pub fn workspaces(&self) -> Vec<WorkspaceSid> {
        self.0.core.outlets.names.workspaces()
    }

    /// One durable row; takes microseconds.
    pub fn fetch<R: Record>(&self, partition: &str, key: &str) -> Result<Option<R>, StoreError> {
        self.0.core.store.row(R::TABLE, partition, key)?.map(|row| read(&row.body)).transpose()
    }

    /// Durable rows in order, each with the cursor that goes on behind it. On a blocking thread.
    pub async fn list<R: Record>(&self, scan: Scan) -> Result<Vec<(R, Vec<Value>)>, StoreError> {
        let store = self.0.core.store.clone();
        let listing = move || {
            let rows = listing::rows(&*store, scan.clone())?;
            rows.into_iter().map(|row| Ok((read(&row.body)?, scan.cursor(&row)))).collect()
        };
        let listed = tokio::task::spawn_blocking(listing).await;
        listed.map_err(|error| StoreError(error.to_string()))?
    }

    /// One durable event as it is kept; takes some tens of microseconds.
    pub fn event(
        &self,
        workspace: WorkspaceSid,
        sid: EventSid,
    ) -> Result<Option<LoggedEvent>, StoreError> {
        events::one(&*self.0.core.store, &workspace.to_string().into(), sid)
    }

    /// Durable events that a query asks for, oldest first, from one of them on or back from it. On
    /// a blocking thread. A page may end before it is full: see [`EventPage::looked_until`].
    pub async fn events(
        &self,
        workspace: WorkspaceSid,
        query: EventQuery,
        window: EventWindow,
    ) -> Result<EventPage, StoreError> {
        let store = self.0.core.store.clone();
        let partition = workspace.to_string().into();
        let looking = move || events::page(&*store, &partition, &query, &window);
        let page = tokio::task::spawn_blocking(looking).await;
        page.map_err(|error| StoreError(error.to_string()))?
    }

    /// From now on; at most `capacity` events wait to be fetched.
    pub fn subscribe(&self, topic: Topic, capacity: usize) -> Subscription {
        self.0.core.outlets.hub.subscribe(topic, capacity)
    }

    /// A tick whenever anything in the queue's order changed.
    pub fn ticks(&self, queue: TaskQueueSid) -> Ticks {
        self.0.core.outlets.hub.ticks(queue)
    }

    /// Forgets what is old from now on: again and again, a little at a time, as long as this host
    /// lives.
    pub fn forget_old(&self, retention: Retention) {
        let host = Arc::downgrade(&self.0);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(retention::PAUSE_BETWEEN_PASSES).await;
                match forget_old(&host, retention).await {
                    None => return,
                    Some(Ok(_)) => {}
                    Some(Err(error)) => tracing::warn!(%error, "what is old was not forgotten"),
                }
            }
        });
    }

    /// Forgets all that is old now, a little at a time, and tells how much it was.
    pub async fn forget_old_once(&self, retention: Retention) -> Result<Forgotten, StoreError> {
        forget_old(&Arc::downgrade(&self.0), retention).await.unwrap_or(Ok(Forgotten::default()))
    }

    /// The time domains live in.
    pub fn now(&self) -> Timestamp {
        self.0.core.clock.now()
    }

    /// Whether the clock stands still until [`Host::advance`].
    pub fn manual_clock(&self) -> bool {
        matches!(*self.0.core.clock, Clock::Manual(_))
    }

    /// Moves a manual clock: every timer due on the way runs, in order, each at its own instant.
    /// Answers the time reached once all that follows is durable and delivered.
    pub async fn advance(&self, by: Millis) -> Timestamp {
        self.0.core.advance(by).await
    }

    /// Whether new work can be taken.
    pub fn readiness(&self) -> Readiness {
        self.0.core.readiness()
    }
}

/// `None` once nobody has the host any more, or it was stopped.
async fn forget_old(
    host: &Weak<Shared>,
    retention: Retention,
) -> Option<Result<Forgotten, StoreError>> {
    let mut forgotten = Forgotten::default();
    let store = host.upgrade()?.core.store.clone();
    let partitions = match store.partitions() {
        Ok(partitions) => partitions,
        Err(error) => return Some(Err(error)),
    };
    drop(store);
    for known in partitions {
        let mut forgetting = Forgetting::of(known, retention);
        loop {
            let shared = host.upgrade()?;
            // The host is let go of between two portions, so that it can end.
            let look = move || {
                let done = shared.forget_a_little(&mut forgetting);
                (forgetting, done)
            };
            let (back, done) = match tokio::task::spawn_blocking(look).await {
                Ok(both) => both,
                Err(error) => return Some(Err(StoreError(error.to_string()))),
            };
            forgetting = back;
            match done {
                Ok(Some(some)) => forgotten.add(some),
                Ok(None) => break,
                Err(error) => return Some(Err(error)),
            }
            tokio::time::sleep(retention::PAUSE_BETWEEN_PORTIONS).await;
        }
    }
    Some(Ok(forgotten))
}

impl Shared {
    /// One portion of what is old in a partition; `None` when there is nothing more.
    fn forget_a_little(
        &self,
        forgetting: &mut Forgetting,
    ) -> Result<Option<Forgotten>, StoreError> {
        let core = &self.core;
        let (store, now) = (&*core.store, core.clock.now());
        let portion = match forgetting.kind() {
            RoutingEngine::KIND => forgetting.portion::<RoutingEngine>(store, now),
            SyncEngine::KIND => forgetting.portion::<SyncEngine>(store, now),
            Services::KIND => forgetting.portion::<Services>(store, now),
            _ => forgetting.portion::<Access>(store, core.real_clock.now()),
        };
        let Some((forget, count)) = portion? else { return Ok(None) };
        let _alone = (forget.journal_through > 0).then(|| self.journals.blocking_write());
        match core.forget_old(&forget) {
            Some(Ok(())) => Ok(Some(count)),
            Some(Err(error)) => Err(StoreError(error.to_string())),
            None => Ok(None),
        }
    }
}

async fn on_a_blocking_thread<T: Send + 'static>(
    read: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, Refusal<Rejection>> {
    let unavailable = |error: String| {
        tracing::error!(error, "statistics could not be read");
        Refusal::Unavailable("the store could not be read".to_owned())
    };
    match tokio::task::spawn_blocking(read).await {
        Ok(read) => read.map_err(|error| unavailable(error.to_string())),
        Err(error) => Err(unavailable(error.to_string())),
    }
}

fn read<R: Record>(body: &str) -> Result<R, StoreError> {
    serde_json::from_str(body)
        .map_err(|error| StoreError(format!("a row of table {}: {error}", R::TABLE.name)))
}
