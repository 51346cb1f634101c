//! Which sockets each worker has open, and the one reader that feeds them.
//!
//! * A worker with sockets has one room; its reader turns each event into a frame once, for all of
//!   the worker's sockets, in order.
//! * The library counts three events as changes of the worker's version
//!   ([`frame::bumps_version`]); a room counts along, so that versions it is given and versions it
//!   sends back agree. Without sockets nobody counts and there is nothing to add.
//! * The library loses events that arrive while it loads its state. A socket whose token starts to
//!   load is held until shortly after the load ([`Rooms::loading`], [`Rooms::loaded`]).

use super::frame;
use crate::socket::{End, Inbox, Outbox, boxes};
use host::{Host, Names, Topic};
use routing::{EventKind, WorkerSid, WorkspaceSid};
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{sync::watch, time::Instant};

/// Sockets one worker may have open: tabs and devices, with room for those not yet noticed dead.
const SOCKETS_PER_WORKER_MAX: usize = 64;
/// Events that may wait for a room's reader.
const EVENTS_WAITING_MAX: usize = 1024;
/// Frames are held at most this long for a library that began to load and did not finish.
const LOADING_MAX: Duration = Duration::from_secs(2);
/// How long after the last answer of a load the library has surely begun to listen.
const SETTLING: Duration = Duration::from_millis(150);

/// All rooms of this server.
pub(crate) struct Rooms {
    host: Host,
    rooms: Mutex<BTreeMap<WorkerSid, Arc<Room>>>,
    /// Places are numbered across rooms, so an old place never names a new one.
    next_place: AtomicU64,
}

struct Room {
    workspace: WorkspaceSid,
    worker: WorkerSid,
    bumps: AtomicU64,
    seats: Mutex<Seats>,
}

#[derive(Default)]
struct Seats {
    open: BTreeMap<u64, Seat>,
    reader: Option<tokio::task::AbortHandle>,
}

struct Seat {
    outbox: Outbox,
    token_hash: [u8; 32],
    load: Load,
    held_until: watch::Sender<Instant>,
    /// What the library can know: an activity that is not among these stops its event stream.
    known: Arc<Names>,
}

/// Where the library stands in reading its state.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Load {
    Fresh,
    Begun,
    Done,
}

/// A place in a room, to be given back.
#[derive(Debug)]
pub(crate) struct Place {
    worker: WorkerSid,
    number: u64,
}

/// What a new socket is given.
pub(crate) struct Joined {
    pub(crate) place: Place,
    pub(crate) inbox: Inbox,
    pub(crate) held_until: watch::Receiver<Instant>,
}

/// What to do with a worker's other sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Others {
    Stay,
    Close,
}

/// The worker has too many sockets open.
#[derive(Debug)]
pub(crate) struct Crowded;

impl Rooms {
    pub(crate) fn new(host: Host) -> Self {
        Self { host, rooms: Mutex::default(), next_place: AtomicU64::new(0) }
    }

    /// Opens a place: from now on every event of the worker reaches it.
    pub(crate) fn join(
        self: &Arc<Self>,
        worker: (WorkerSid, &str),
        known: Arc<Names>,
        token_hash: [u8; 32],
        others: Others,
    ) -> Result<Joined, Crowded> {
        let mut rooms = lock(&self.rooms);
        let (worker, name) = worker;
        let room = rooms.entry(worker).or_insert_with(|| self.open(worker, name, &known));
        let mut seats = lock(&room.seats);
        if others == Others::Close {
            std::mem::take(&mut seats.open)
                .into_values()
                .for_each(|seat| seat.outbox.end(End::Replaced));
        }
        if seats.open.len() >= SOCKETS_PER_WORKER_MAX {
            return Err(Crowded);
        }
        let (outbox, inbox) = boxes();
        let (held, held_until) = watch::channel(Instant::now());
        let number = self.next_place.fetch_add(1, Ordering::Relaxed);
        let seat = Seat { outbox, token_hash, load: Load::Fresh, held_until: held, known };
        seats.open.insert(number, seat);
        Ok(Joined { place: Place { worker, number }, inbox, held_until })
    }

    fn open(self: &Arc<Self>, worker: WorkerSid, name: &str, names: &Names) -> Arc<Room> {
        let subscription = self.host.subscribe(Topic::Worker(worker), EVENTS_WAITING_MAX);
        let room = Arc::new(Room {
            workspace: names.workspace.sid,
            worker,
            bumps: AtomicU64::new(0),
            seats: Mutex::default(),
        });
        let reading = read(self.clone(), room.clone(), subscription, name.into());
        lock(&room.seats).reader = Some(tokio::spawn(reading).abort_handle());
        room
    }

    /// Gives a place back; says whether the worker has no socket left.
    pub(crate) fn leave(&self, place: &Place) -> bool {
        let mut rooms = lock(&self.rooms);
        let Some(room) = rooms.get(&place.worker) else { return true };
        let mut seats = lock(&room.seats);
        seats.open.remove(&place.number);
        if !seats.open.is_empty() {
            return false;
        }
        if let Some(reader) = seats.reader.take() {
            reader.abort();
        }
        drop(seats);
        rooms.remove(&place.worker);
        true
    }

    /// Whether the worker has no socket.
    pub(crate) fn is_empty(&self, worker: WorkerSid) -> bool {
        !lock(&self.rooms).contains_key(&worker)
    }

    /// What to add to the worker's version before it is shown.
    pub(crate) fn bumps(&self, worker: WorkerSid) -> u64 {
        lock(&self.rooms).get(&worker).map_or(0, |room| room.bumps.load(Ordering::Acquire))
    }

    /// The library with this token begins to read its state.
    pub(crate) fn loading(&self, worker: WorkerSid, token_hash: &[u8; 32]) {
        self.hold(worker, token_hash, Load::Fresh, Load::Begun, LOADING_MAX);
    }

    /// The library with this token was given the last of its state.
    pub(crate) fn loaded(&self, worker: WorkerSid, token_hash: &[u8; 32]) {
        self.hold(worker, token_hash, Load::Begun, Load::Done, SETTLING);
    }

    fn hold(&self, worker: WorkerSid, token: &[u8; 32], from: Load, to: Load, span: Duration) {
        let rooms = lock(&self.rooms);
        let Some(room) = rooms.get(&worker) else { return };
        for seat in lock(&room.seats).open.values_mut() {
            if seat.token_hash == *token && seat.load == from {
                seat.load = to;
                seat.held_until.send_replace(Instant::now() + span);
            }
        }
    }

    /// Ends all sockets of a room and forgets it, if it is still the worker's room.
    fn close(&self, room: &Arc<Room>, end: End) {
        let mut rooms = lock(&self.rooms);
        if rooms.get(&room.worker).is_some_and(|current| Arc::ptr_eq(current, room)) {
            rooms.remove(&room.worker);
        }
        let open = std::mem::take(&mut lock(&room.seats).open);
        open.into_values().for_each(|seat| seat.outbox.end(end));
    }
}

/// Feeds a room until its events end.
async fn read(
    rooms: Arc<Rooms>,
    room: Arc<Room>,
    mut events: host::Subscription,
    mut name: Arc<str>,
) {
    while let Some(announced) = events.next().await {
        if announced.workspace != room.workspace {
            // The end of another workspace.
            continue;
        }
        let event = &announced.event;
        if matches!(event.kind, EventKind::WorkerDeleted | EventKind::WorkspaceDeleted) {
            return rooms.close(&room, End::Gone);
        }
        let Some(names) = rooms.host.names(room.workspace) else {
            return rooms.close(&room, End::Gone);
        };
        if let Some(worker) = event.worker.as_ref().filter(|worker| worker.sid == room.worker) {
            name = worker.friendly_name.as_str().into();
        }
        if frame::bumps_version(event.kind) {
            room.bumps.fetch_add(1, Ordering::AcqRel);
        }
        let bumps = room.bumps.load(Ordering::Acquire);
        let Some(text) = frame::text(event, &name, bumps, &names) else { continue };
        let unknown = frame::activity_shown(event);
        lock(&room.seats).open.retain(|_, seat| {
            let known = unknown.is_none_or(|sid| seat.known.activities.contains_key(&sid));
            known && seat.outbox.put(text.clone())
        });
    }
    rooms.close(&room, End::Reload);
}

/// A panic elsewhere leaves the maps whole: each step on them is one call.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
