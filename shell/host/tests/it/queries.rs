//! Live queries through the host: what a follower holds is what rows say, whatever happened.

use super::*;
use base::Millis;
use host::{Mailbox, Post, QueryRefusal};
use insights::{Index, Item, Number, Query, What};
use routing::{
    ActivitySid, Reservation, ReservationSid, TaskSid, TaskStatus, WorkerSid,
    command::{IfMatch, ReservationOwner, ReservationStep, TaskPatch, TaskQueuePatch, WorkerPatch},
};
use serde_json::Value as Json;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};
use store::{Filter, Scan, Test};
use testkit::Random;
use tokio::time::timeout;

const ROOM: usize = 256 << 10;
const PATIENCE: Duration = Duration::from_secs(60);

fn query(workspace: WorkspaceSid, index: Index, text: &str) -> Arc<Query> {
    Arc::new(Query::parse(workspace.sid(), index, text).unwrap())
}

/// Without the one thing that moves by itself.
fn value(data: &str) -> Json {
    let mut value: Json = serde_json::from_str(data).unwrap();
    value.as_object_mut().unwrap().remove("age");
    if let Some(task) = value.get_mut("task") {
        task.as_object_mut().unwrap().remove("age");
    }
    value
}

/// What a client library makes of what it is told.
struct Client {
    query: Arc<Query>,
    mailbox: Mailbox,
    items: BTreeMap<Sid, (Option<Json>, Number)>,
    last: Number,
    interrupted: usize,
    wholes: usize,
}

impl Client {
    /// Asks first, and follows then.
    async fn open(host: &Host, query: &Arc<Query>, room: usize) -> Self {
        let page = host.query(query.clone(), None, 200).await.unwrap();
        let held = |item: &Item| (item.key, (Some(value(&item.data)), item.revision));
        let client = Self {
            query: query.clone(),
            mailbox: host.mailbox(Some("ann".into()), room),
            items: page.items.iter().map(held).collect(),
            last: page.complete,
            interrupted: 0,
            wholes: 0,
        };
        client.follow(host);
        client
    }

    fn follow(&self, host: &Host) {
        host.follow_query(&self.mailbox, self.query.clone(), self.last);
    }

    /// On another line, because the one before was cut.
    fn come_back(&mut self, host: &Host, room: usize) {
        self.mailbox = host.mailbox(Some("ann".into()), room);
        self.follow(host);
    }

    fn hear(&mut self, host: &Host, post: Post) {
        match post {
            Post::Query(news) => {
                assert_eq!(news.query, self.query.sid());
                self.take(&news.told.what);
                self.last = self.last.max(news.told.complete);
            }
            Post::QueryFollowed { last, .. } => {
                assert!(last >= self.last, "{last} after {}", self.last);
                self.last = last;
            }
            Post::QueriesInterrupted(queries) => {
                assert!(queries.contains(&self.query.sid()));
                self.interrupted += 1;
                self.follow(host);
            }
            Post::Interrupted { objects, .. } => assert!(objects.is_empty()),
            other => panic!("{other:?}"),
        }
    }

    fn take(&mut self, what: &What) {
        match what {
            What::Updated(item) => self.update(item),
            What::Removed { key, revision } => {
                if self.items.get(key).is_none_or(|(_, known)| known < revision) {
                    self.items.insert(*key, (None, *revision));
                }
            }
            What::Whole(items) => {
                self.wholes += 1;
                let kept: BTreeSet<Sid> = items.iter().map(|item| item.key).collect();
                for (key, held) in &mut self.items {
                    if !kept.contains(key) {
                        *held = (None, 0);
                    }
                }
                items.iter().for_each(|item| self.update(item));
            }
        }
    }

    fn update(&mut self, item: &Item) {
        if self.items.get(&item.key).is_none_or(|(_, known)| *known < item.revision) {
            self.items.insert(item.key, (Some(value(&item.data)), item.revision));
        }
    }

    fn holds(&self) -> BTreeMap<Sid, Json> {
        let held = self.items.iter();
        held.filter_map(|(key, (data, _))| Some((*key, data.clone()?))).collect()
    }

    fn drain(&mut self, host: &Host) {
        while let Some(post) = self.mailbox.try_next() {
            self.hear(host, post);
        }
    }

    /// Listens until it holds this.
    async fn settle(&mut self, host: &Host, wanted: &BTreeMap<Sid, Json>) {
        let listening = async {
            while self.holds() != *wanted {
                let post = self.mailbox.next().await;
                self.hear(host, post);
            }
        };
        let settled = timeout(PATIENCE, listening).await;
        assert!(settled.is_ok(), "{:?}: {:#?} is not {wanted:#?}", self.query, self.holds());
    }
}

/// The queries of the runs, each with what rows say of it.
const QUERIES: [(Index, &str); 6] = [
    (Index::Workers, "data.activity_name CONTAINS 'A' AND data.attributes.level > 1"),
    (Index::Workers, ""),
    (Index::Tasks, "data.attributes.level <= 3 AND data.assignment_status != 'wrapping'"),
    (Index::Tasks, "data.queue_name == 'renamed' OR data.priority > 2"),
    (Index::Reservations, "data.task.attributes.level > 1 AND data.worker_name CONTAINS 'o'"),
    (Index::Queues, "data.friendly_name == 'renamed'"),
];

/// Rows as they are, without anything that live queries are made of.
struct Rows {
    workers: Vec<Worker>,
    tasks: Vec<Task>,
    reservations: Vec<Reservation>,
    queues: Vec<TaskQueue>,
}

impl Rows {
    async fn read(host: &Host, workspace: WorkspaceSid) -> Self {
        async fn all<R: host::Record>(host: &Host, workspace: WorkspaceSid) -> Vec<R> {
            let scan = Scan::of(R::TABLE, workspace.to_string().into());
            let rows: Vec<(R, _)> = host.list(scan).await.unwrap();
            rows.into_iter().map(|(row, _)| row).collect()
        }
        Self {
            workers: all(host, workspace).await,
            tasks: all(host, workspace).await,
            reservations: all(host, workspace).await,
            queues: all(host, workspace).await,
        }
    }

    /// The keys that a query of [`QUERIES`] holds for.
    fn keys(&self, host: &Host, workspace: WorkspaceSid, at: usize) -> BTreeSet<Sid> {
        let names = host.names(workspace).unwrap();
        let level = |attributes: &Attributes| {
            let value: Json = serde_json::from_str(attributes.text()).unwrap();
            value["level"].as_i64()
        };
        let live = |task: &&Task| !task.status.is_final();
        let queue = |task: &Task| task.queue.and_then(|sid| names.queues.get(&sid).cloned());
        match at {
            0 => {
                let activity = |worker: &Worker| &names.activities[&worker.activity].friendly_name;
                let holds = |worker: &&Worker| {
                    activity(worker).contains('A')
                        && level(&worker.attributes).is_some_and(|level| level > 1)
                };
                self.workers.iter().filter(holds).map(|worker| worker.sid.sid()).collect()
            }
            1 => self.workers.iter().map(|worker| worker.sid.sid()).collect(),
            2 => {
                let holds = |task: &&Task| {
                    live(task)
                        && level(&task.attributes).is_some_and(|level| level <= 3)
                        && task.status != TaskStatus::Wrapping
                };
                self.tasks.iter().filter(holds).map(|task| task.sid.sid()).collect()
            }
            3 => {
                let holds = |task: &&Task| {
                    live(task) && (queue(task).as_deref() == Some("renamed") || task.priority > 2)
                };
                self.tasks.iter().filter(holds).map(|task| task.sid.sid()).collect()
            }
            4 => {
                let task = |sid| self.tasks.iter().find(|task| task.sid == sid).unwrap();
                let name = |sid| {
                    let worker = self.workers.iter().find(|worker| worker.sid == sid);
                    worker.is_some_and(|worker| worker.friendly_name.contains('o'))
                };
                let holds = |one: &&Reservation| {
                    one.status.is_open()
                        && level(&task(one.task).attributes).is_some_and(|level| level > 1)
                        && name(one.worker)
                };
                self.reservations.iter().filter(holds).map(|one| one.sid.sid()).collect()
            }
            _ => {
                let holds = |queue: &&TaskQueue| queue.friendly_name == "renamed";
                self.queues.iter().filter(holds).map(|queue| queue.sid.sid()).collect()
            }
        }
    }
}

/// A workspace to which random things happen.
struct Run {
    place: Place,
    random: Random,
    count: usize,
}

impl Run {
    fn attributes(&mut self) -> Attributes {
        let text = match self.random.below(8) {
            0 => "{\r\n \"level\" : null }".to_owned(),
            _ => format!("{{\"level\":{},\"n\":1.0}}", self.random.below(6)),
        };
        Attributes::new(text).unwrap()
    }

    fn activity(&mut self) -> Option<ActivitySid> {
        let names = self.place.host.names(self.place.workspace).unwrap();
        let all: Vec<ActivitySid> = names.activities.keys().copied().collect();
        self.random.one_of(&all).copied()
    }

    async fn some<R: host::Record>(&mut self, is_live: bool) -> Option<R> {
        let mut scan = Scan::of(R::TABLE, self.place.workspace.to_string().into());
        if let Some(column) = R::TABLE.live.filter(|_| is_live) {
            scan.filters.push(Filter { column, test: Test::OneOf(vec![true.into()]) });
        }
        let mut rows: Vec<(R, _)> = self.place.host.list(scan).await.unwrap();
        if rows.is_empty() {
            return None;
        }
        let at = self.random.below(rows.len() as u64) as usize;
        Some(rows.swap_remove(at).0)
    }

    /// Something that may be refused.
    async fn step(&mut self) {
        self.count += 1;
        let n = self.count;
        let command = match self.random.below(18) {
            0 | 1 => {
                let (activity, attributes) = (self.activity(), self.attributes());
                let friendly_name =
                    format!("{} {n}", if n.is_multiple_of(2) { "bob" } else { "ann" });
                Some(Command::CreateWorker(NewWorker { friendly_name, activity, attributes }))
            }
            2..=4 => self.change_worker().await,
            5 => self
                .some::<Worker>(false)
                .await
                .map(|worker| Command::DeleteWorker { sid: worker.sid, if_match: IfMatch::Any }),
            6..=8 => {
                let new = NewTask {
                    attributes: self.attributes(),
                    workflow: Some(self.place.workflow.sid),
                    priority: Some(self.random.below(5) as u32),
                    ..NewTask::default()
                };
                Some(Command::CreateTask(new))
            }
            9 | 10 => self.change_task().await,
            11..=14 => self.answer().await,
            15 => self.rename().await,
            16 => {
                let friendly_name = format!("queue {n}");
                Some(Command::CreateTaskQueue(NewTaskQueue { friendly_name, ..Default::default() }))
            }
            _ => {
                let by = Millis(self.random.within(1, 90_000) as i64);
                self.place.host.advance(by).await;
                None
            }
        };
        if let Some(command) = command {
            _ = self.place.host.routing(self.place.workspace, command).await;
        }
    }

    async fn change_worker(&mut self) -> Option<Command> {
        let sid: WorkerSid = self.some::<Worker>(false).await?.sid;
        let mut patch = WorkerPatch::default();
        match self.random.below(3) {
            0 => patch.activity = self.activity(),
            1 => patch.attributes = Some(self.attributes()),
            _ => patch.friendly_name = Some(format!("joe {}", self.count)),
        }
        Some(Command::UpdateWorker { sid, if_match: IfMatch::Any, patch })
    }

    async fn change_task(&mut self) -> Option<Command> {
        let sid: TaskSid = self.some::<Task>(true).await?.sid;
        let mut patch = TaskPatch::default();
        match self.random.below(3) {
            0 => {
                patch.status = Some(TaskStatus::Canceled);
                patch.reason = Some("enough".to_owned());
            }
            1 => patch.attributes = Some(self.attributes()),
            _ => patch.priority = Some(self.random.below(5) as u32),
        }
        Some(Command::UpdateTask { sid, if_match: IfMatch::Any, patch })
    }

    async fn answer(&mut self) -> Option<Command> {
        let reservation = self.some::<Reservation>(true).await?;
        let sid: ReservationSid = reservation.sid;
        let step = match self.random.below(4) {
            0 => ReservationStep::Reject { activity: None },
            1 => ReservationStep::Wrap,
            2 => ReservationStep::Complete,
            _ => ReservationStep::Accept,
        };
        let owner = ReservationOwner::Worker(reservation.worker);
        Some(Command::UpdateReservation { sid, owner, if_match: IfMatch::Any, step })
    }

    async fn rename(&mut self) -> Option<Command> {
        let names = ["renamed", "All", "other"];
        let name = (*self.random.one_of(&names)?).to_owned();
        if self.random.percent(50) {
            let friendly_name = Some(format!("{name} {}", self.count));
            return Some(Command::UpdateActivity { sid: self.activity()?, friendly_name });
        }
        let patch = TaskQueuePatch { friendly_name: Some(name), ..TaskQueuePatch::default() };
        Some(Command::UpdateTaskQueue { sid: self.place.queue.sid, patch })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follower_holds_what_rows_say_after_anything() {
    for seed in 0..6 {
        // Restarts on the store that survives them as a server's does; the other one is quicker.
        let (store, _folder) = stores().swap_remove(usize::from(seed == 5));
        let place = Place::new(&start(&store)).await;
        let mut run = Run { place, random: Random::new(seed), count: 0 };
        let workspace = run.place.workspace;
        let mut clients = Vec::new();
        for (at, (index, text)) in QUERIES.iter().enumerate() {
            let room = if at % 2 == 0 { ROOM } else { 2_000 };
            let query = query(workspace, *index, text);
            clients.push((Client::open(&run.place.host, &query, room).await, room));
        }
        for _ in 0..250 {
            run.step().await;
            for (client, room) in &mut clients {
                match run.random.below(30) {
                    0..=9 => client.drain(&run.place.host),
                    10 => client.come_back(&run.place.host, *room),
                    _ => {}
                }
            }
            if run.random.below(80) == 0 {
                run.place.host.stop().await;
                run.place.host = start(&store);
                let host = &run.place.host;
                clients.iter_mut().for_each(|(client, room)| client.come_back(host, *room));
            }
        }
        let rows = Rows::read(&run.place.host, workspace).await;
        // A host that never heard of any of it reads everything.
        run.place.host.stop().await;
        run.place.host = start(&store);
        let host = &run.place.host;
        for (at, (client, room)) in clients.iter_mut().enumerate() {
            let page = host.query(client.query.clone(), None, 10_000).await.unwrap();
            let naive: BTreeMap<Sid, Json> =
                page.items.iter().map(|item| (item.key, value(&item.data))).collect();
            let keys: BTreeSet<Sid> = naive.keys().copied().collect();
            assert_eq!(keys, rows.keys(host, workspace, at), "seed {seed}, query {at}");
            // The one comes back now; the others are still listening to the host before.
            client.come_back(host, *room);
            client.settle(host, &naive).await;
        }
        host.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_did_not_change_is_no_news_after_a_restart() {
    let (store, _folder) = stores().swap_remove(0);
    let mut place = Place::new(&start(&store)).await;
    place.worker("Ann").await;
    let mut tasks = Vec::new();
    for n in 0..4 {
        tasks.push(place.task(&format!("{{\"n\":{n}}}")).await.sid);
    }
    let workspace = place.workspace;
    let queries = [
        (Index::Tasks, "data.attributes.n < 10"),
        (Index::Workers, ""),
        (Index::Reservations, ""),
        (Index::Queues, ""),
    ]
    .map(|(index, text)| query(workspace, index, text));
    let mut clients = Vec::new();
    for query in &queries {
        clients.push(Client::open(&place.host, query, ROOM).await);
    }
    let naive = async |host: &Host, query: &Arc<Query>| {
        let page = host.query(query.clone(), None, 200).await.unwrap();
        page.items.iter().map(|item| (item.key, value(&item.data))).collect::<BTreeMap<_, _>>()
    };
    for (client, query) in clients.iter_mut().zip(&queries) {
        client.settle(&place.host, &naive(&place.host, query).await).await;
    }
    // Something that no query holds for, and what the clients are not there to hear.
    place.task("{\"n\":10}").await;
    place.host.stop().await;
    place.host = start(&store);
    let update = |sid: TaskSid, text: &str| {
        let attributes = Some(Attributes::new(text).unwrap());
        let patch = TaskPatch { attributes, ..TaskPatch::default() };
        Command::UpdateTask { sid, patch, if_match: IfMatch::Any }
    };
    place.host.routing(workspace, update(tasks[1], "{\"n\":7}")).await.unwrap();
    place.host.routing(workspace, update(tasks[2], "{\"n\":11}")).await.unwrap();
    let gone = tasks[2].sid();
    for (client, query) in clients.iter_mut().zip(&queries) {
        let before = client.items.clone();
        client.come_back(&place.host, ROOM);
        let wanted = naive(&place.host, query).await;
        client.settle(&place.host, &wanted).await;
        let changed = |key: &&Sid| before.get(*key) != client.items.get(*key);
        let news: BTreeSet<Sid> = client.items.keys().filter(changed).copied().collect();
        // Offers of the two tasks show their tasks.
        let of = |item: &Json| item["task_sid"].as_str().map(str::to_owned);
        let own = client.items.iter().filter(|(_, (data, _))| {
            let task = data.as_ref().and_then(of);
            task.is_some_and(|task| [tasks[1], tasks[2]].iter().any(|sid| sid.to_string() == task))
        });
        let own: BTreeSet<Sid> = own.map(|(key, _)| *key).collect();
        let expected = match query.index() {
            Index::Tasks => BTreeSet::from([tasks[1].sid(), gone]),
            Index::Reservations => own,
            Index::Workers | Index::Queues => BTreeSet::new(),
        };
        assert_eq!(news, expected, "{query:?}");
    }
    place.host.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn followers_of_one_query_hear_the_same_frame_and_who_left_hears_nothing() {
    let (store, _folder) = stores().swap_remove(0);
    let host = start(&store);
    let place = Place::new(&host).await;
    let query = query(place.workspace, Index::Tasks, "data.attributes.n == 1");
    let mut clients = Vec::new();
    for _ in 0..3 {
        let mut client = Client::open(&host, &query, ROOM).await;
        let Ok(post) = timeout(PATIENCE, client.mailbox.next()).await else { panic!("nothing") };
        assert!(matches!(post, Post::QueryFollowed { .. }), "{post:?}");
        client.hear(&host, post);
        clients.push(client);
    }
    clients[2].mailbox.leave_query(query.sid());
    assert!(clients[2].mailbox.queries().is_empty());
    let task = place.task("{\"n\":1}").await;
    let mut news = Vec::new();
    for client in &mut clients[..2] {
        let Post::Query(told) = timeout(PATIENCE, client.mailbox.next()).await.unwrap() else {
            panic!("no news")
        };
        news.push(told);
    }
    assert!(Arc::ptr_eq(&news[0], &news[1]), "one frame for both");
    let What::Updated(item) = &news[0].told.what else { panic!("{news:?}") };
    assert_eq!(item.key, task.sid.sid());
    assert!(clients[2].mailbox.try_next().is_none());
    // Who comes back soon is told what became of each item, and nothing twice.
    clients[0].come_back(&host, ROOM);
    place.task("{\"n\":2}").await;
    clients[0].settle(&host, &BTreeMap::from([(task.sid.sid(), value(&item.data))])).await;
    assert_eq!(clients[0].wholes, 0);
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_than_a_page_is_told_to_who_follows() {
    let (store, _folder) = stores().swap_remove(0);
    let host = start(&store);
    let place = Place::new(&host).await;
    let mut wanted = BTreeSet::new();
    // More than a page, and more than is told in one piece.
    for n in 0..1_150 {
        wanted.insert(place.task(&format!("{{\"n\":{n}}}")).await.sid.sid());
    }
    let query = query(place.workspace, Index::Tasks, "");
    let (mut behind, mut paged) = (None, BTreeSet::new());
    loop {
        let page = host.query(query.clone(), behind, 200).await.unwrap();
        assert_eq!(page.complete == 0, page.next.is_some() || behind.is_some());
        paged.extend(page.items.iter().map(|item| item.key));
        behind = page.next;
        if behind.is_none() {
            break;
        }
    }
    assert_eq!(paged, wanted);
    let mut client = Client::open(&host, &query, 4_000).await;
    assert_eq!((client.items.len(), client.last), (200, 0));
    let all = host.query(query.clone(), None, 2_000).await.unwrap();
    let all = all.items.iter().map(|item| (item.key, value(&item.data))).collect();
    client.settle(&host, &all).await;
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_workspace_that_goes_ends_its_queries() {
    let (store, _folder) = stores().swap_remove(0);
    let host = start(&store);
    let (gone, stays) = (Place::new(&host).await, Place::new(&host).await);
    let of_gone = query(gone.workspace, Index::Workers, "");
    let of_other = query(stays.workspace, Index::Workers, "");
    let client = Client::open(&host, &of_gone, ROOM).await;
    let mut other = Client::open(&host, &of_other, ROOM).await;
    assert!(matches!(client.mailbox.next().await, Post::QueryFollowed { .. }));
    host.routing(gone.workspace, Command::DeleteWorkspace).await.unwrap();
    let post = timeout(PATIENCE, client.mailbox.next()).await.unwrap();
    let because = QueryRefusal::NoWorkspace;
    assert!(matches!(post, Post::QueryFailed { because: why, .. } if why == because), "{post:?}");
    assert_eq!(host.query(of_gone, None, 10).await, Err(because));
    let worker = stays.worker("ana").await;
    let page = host.query(of_other.clone(), None, 10).await.unwrap();
    assert_eq!(page.items.len(), 1, "who asks after an answer finds what it led to");
    let wanted = BTreeMap::from([(worker.sid.sid(), value(&page.items[0].data))]);
    other.settle(&host, &wanted).await;
    host.stop().await;
    drop((host, gone, stays, client, other));
    assert_eq!(Arc::strong_count(&store), 1, "no desk holds on to the store");
}
