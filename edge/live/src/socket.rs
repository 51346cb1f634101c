//! One open socket: drains its inbox, flushes once, keeps the line warm, and ends with a reason.
//!
//! * Frames leave in the order they were put in.
//! * Nobody waits for the peer: the inbox is bounded, and a flush that takes too long ends the
//!   socket.
//! * What the peer sends is read only to notice that it left.

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use futures_util::{SinkExt, StreamExt, stream::SplitSink};
use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, MissedTickBehavior, interval_at, sleep_until, timeout},
};

/// A frame of blanks this often: the browser library gives up after 30 s of silence.
pub(crate) const HEARTBEAT: Duration = Duration::from_secs(15);
/// A peer that takes longer than this to take what is there is too slow.
const FLUSH_MAX: Duration = Duration::from_secs(10);
/// How long a farewell may take.
const FAREWELL_MAX: Duration = Duration::from_secs(1);
/// Frames written between two flushes.
const DRAIN_MAX: usize = 256;
/// Frames that may wait for a socket.
pub(crate) const INBOX: usize = 256;
/// The peer only ever sends control frames, so little is read at a time.
const READ_BUFFER_BYTES: usize = 1024;
/// The largest message a peer may send.
const MESSAGE_BYTES_MAX: usize = 4096;
/// Frames are gathered up to this size before they are written.
const WRITE_BUFFER_BYTES: usize = 8 * 1024;
/// Bytes that may wait in the socket's own buffer; beyond it writing waits for the peer.
const WRITE_BUFFER_BYTES_MAX: usize = 1 << 20;

/// Why the server ends a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The token it was opened with is over.
    Expired,
    /// Whoever opened it may no longer listen.
    Revoked,
    /// Another session of this worker asked to be the only one.
    Replaced,
    /// The peer did not take what was sent.
    Slow,
    /// Events may be missing: what the peer knows must be read again.
    Reload,
    /// The worker or the task is gone.
    Gone,
    /// There is nothing more to tell.
    Told,
    /// There are too many sockets of this kind already.
    Crowded,
}

impl End {
    const fn frame(self) -> (u16, &'static str) {
        match self {
            Self::Expired => (4401, "The access token has expired"),
            Self::Revoked => (4403, "The access token is no longer valid"),
            Self::Replaced => (4409, "Another session of this worker was opened"),
            Self::Slow => (4413, "Events were not taken fast enough"),
            Self::Reload => (4412, "The state must be read again"),
            Self::Gone => (4404, "There is nothing to listen to any more"),
            Self::Told => (1000, "There is nothing more to tell"),
            Self::Crowded => (4429, "Too many connections are open"),
        }
    }
}

/// How a socket came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Parted {
    /// The peer said goodbye.
    Left,
    /// The line broke, or the peer was too slow.
    Lost,
    /// We said goodbye.
    Ended(End),
}

/// The sending half, held by whoever produces frames. Dropping it ends the socket.
#[derive(Debug)]
pub(crate) struct Outbox {
    frames: mpsc::Sender<Utf8Bytes>,
    end: Arc<OnceLock<End>>,
}

impl Outbox {
    /// Puts a frame in; false when the socket is over or cannot keep up.
    pub(crate) fn put(&self, frame: Utf8Bytes) -> bool {
        match self.frames.try_send(frame) {
            Ok(()) => true,
            Err(mpsc::error::TrySendError::Full(_)) => {
                _ = self.end.set(End::Slow);
                false
            }
            Err(mpsc::error::TrySendError::Closed(_)) => false,
        }
    }

    /// Ends the socket once what is in it was sent.
    pub(crate) fn end(self, end: End) {
        _ = self.end.set(end);
    }
}

/// The receiving half.
#[derive(Debug)]
pub(crate) struct Inbox {
    frames: mpsc::Receiver<Utf8Bytes>,
    end: Arc<OnceLock<End>>,
}

/// Both halves.
pub(crate) fn boxes() -> (Outbox, Inbox) {
    let (sender, receiver) = mpsc::channel(INBOX);
    let end = Arc::new(OnceLock::new());
    (Outbox { frames: sender, end: end.clone() }, Inbox { frames: receiver, end })
}

/// Small buffers: there may be ten thousand sockets, and a peer sends next to nothing.
pub(crate) fn sized(upgrade: WebSocketUpgrade) -> WebSocketUpgrade {
    upgrade
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(WRITE_BUFFER_BYTES)
        .max_write_buffer_size(WRITE_BUFFER_BYTES_MAX)
        .max_message_size(MESSAGE_BYTES_MAX)
        .max_frame_size(MESSAGE_BYTES_MAX)
}

/// When a socket must end, and until when its frames are held back.
pub(crate) struct Schedule {
    /// When the token is over.
    pub(crate) expires: Instant,
    /// Frames wait until then; may be moved while the socket is open.
    pub(crate) held_until: watch::Receiver<Instant>,
    /// How often a frame of blanks is sent.
    pub(crate) heartbeat: Duration,
    /// Whether whoever opened it may still listen; asked with every heartbeat.
    pub(crate) may_stay: Box<dyn Fn() -> bool + Send + Sync>,
}

/// The peer does not take what is sent.
#[derive(Debug)]
pub(crate) struct Stuck;

/// The first frame, before anything else.
pub(crate) async fn greet(socket: &mut WebSocket, frame: Utf8Bytes) -> Result<(), Stuck> {
    in_time(FLUSH_MAX, socket.send(Message::Text(frame))).await
}

/// Ends a socket that never began.
pub(crate) async fn refuse(socket: WebSocket, end: End) {
    let (mut sink, _) = socket.split();
    farewell(&mut sink, end).await;
}

/// Runs a socket to its end.
pub(crate) async fn run(socket: WebSocket, mut inbox: Inbox, mut schedule: Schedule) -> Parted {
    let (mut sink, mut stream) = socket.split();
    let mut heartbeat = interval_at(Instant::now() + schedule.heartbeat, schedule.heartbeat);
    heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let held_until = *schedule.held_until.borrow_and_update();
        let held = held_until > Instant::now();
        let step = tokio::select! {
            biased;
            message = stream.next() => match message {
                Some(Ok(Message::Close(_))) => return Parted::Left,
                Some(Ok(_)) => Ok(()),
                Some(Err(_)) | None => return Parted::Lost,
            },
            () = sleep_until(schedule.expires) => Err(End::Expired),
            () = sleep_until(held_until), if held => Ok(()),
            Ok(()) = schedule.held_until.changed() => Ok(()),
            frame = inbox.frames.recv(), if !held => match frame {
                Some(frame) => match drain(&mut sink, frame, &mut inbox).await {
                    Ok(()) => Ok(()),
                    Err(Stuck) => return Parted::Lost,
                },
                None => Err(ending(&inbox)),
            },
            _ = heartbeat.tick() => match beat(&mut sink, &schedule).await {
                Ok(step) => step,
                Err(Stuck) => return Parted::Lost,
            },
        };
        if let Err(end) = step {
            farewell(&mut sink, end).await;
            return Parted::Ended(end);
        }
    }
}

/// Whoever fed the inbox is gone; without a reason given, events may be missing.
fn ending(inbox: &Inbox) -> End {
    inbox.end.get().copied().unwrap_or(End::Reload)
}

type Sink = SplitSink<WebSocket, Message>;

/// Writes what waits, then flushes once.
async fn drain(sink: &mut Sink, first: Utf8Bytes, inbox: &mut Inbox) -> Result<(), Stuck> {
    let writing = async {
        sink.feed(Message::Text(first)).await?;
        for _ in 1..DRAIN_MAX {
            let Ok(frame) = inbox.frames.try_recv() else { break };
            sink.feed(Message::Text(frame)).await?;
        }
        sink.flush().await
    };
    in_time(FLUSH_MAX, writing).await
}

/// A sign of life, unless it is time to end.
async fn beat(sink: &mut Sink, schedule: &Schedule) -> Result<Result<(), End>, Stuck> {
    if !(schedule.may_stay)() {
        return Ok(Err(End::Revoked));
    }
    let blank = Message::Text(Utf8Bytes::from_static(" "));
    in_time(FLUSH_MAX, sink.send(blank)).await.map(Ok)
}

async fn farewell(sink: &mut Sink, end: End) {
    let (code, reason) = end.frame();
    let frame = CloseFrame { code, reason: Utf8Bytes::from_static(reason) };
    _ = in_time(FAREWELL_MAX, sink.send(Message::Close(Some(frame)))).await;
}

async fn in_time(
    most: Duration,
    writing: impl Future<Output = Result<(), axum::Error>>,
) -> Result<(), Stuck> {
    match timeout(most, writing).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) | Err(_) => Err(Stuck),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::{Router, extract::State, response::Response, routing::get};
    use futures_util::{Stream, stream};
    use std::sync::Mutex;
    use tokio::net::TcpListener;
    use tokio_tungstenite::{connect_async, tungstenite::Message as Received};

    type Waiting = Arc<Mutex<Option<(Inbox, Schedule)>>>;

    async fn open(State(waiting): State<Waiting>, upgrade: WebSocketUpgrade) -> Response {
        let (inbox, schedule) = waiting.lock().unwrap().take().expect("one socket a test");
        sized(upgrade).on_upgrade(async |socket| _ = run(socket, inbox, schedule).await)
    }

    /// A socket run by this schedule, as its peer sees it: texts, then the close frame's reason.
    async fn peer(inbox: Inbox, schedule: Schedule) -> impl Stream<Item = String> {
        let waiting: Waiting = Arc::new(Mutex::new(Some((inbox, schedule))));
        let router = Router::new().route("/", get(open)).with_state(waiting);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("ws://{}/", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let (socket, _) = connect_async(url).await.unwrap();
        Box::pin(stream::unfold(socket, async |mut socket| match socket.next().await? {
            Ok(Received::Text(text)) => Some((text.to_string(), socket)),
            Ok(Received::Close(Some(frame))) => Some((frame.reason.to_string(), socket)),
            other => panic!("{other:?}"),
        }))
    }

    fn schedule(
        may_stay: impl Fn() -> bool + Send + Sync + 'static,
    ) -> (Schedule, watch::Sender<Instant>) {
        let (held, held_until) = watch::channel(Instant::now());
        let expires = Instant::now() + Duration::from_secs(60);
        let heartbeat = Duration::from_millis(5);
        (Schedule { expires, held_until, heartbeat, may_stay: Box::new(may_stay) }, held)
    }

    #[tokio::test]
    async fn an_idle_socket_shows_signs_of_life() {
        let (_outbox, inbox) = boxes();
        let (schedule, _held) = schedule(|| true);
        let seen: Vec<String> = peer(inbox, schedule).await.take(3).collect().await;
        assert_eq!(seen, [" ", " ", " "]);
    }

    #[tokio::test]
    async fn a_socket_ends_when_its_owner_may_no_longer_listen() {
        let (_outbox, inbox) = boxes();
        let beats = Mutex::new(0);
        let (schedule, _held) = schedule(move || {
            let mut beats = beats.lock().unwrap();
            *beats += 1;
            *beats < 3
        });
        let seen: Vec<String> = peer(inbox, schedule).await.take(3).collect().await;
        assert_eq!(seen, [" ", " ", "The access token is no longer valid"]);
    }

    #[tokio::test]
    async fn held_frames_wait_and_the_end_comes_after_them() {
        let (outbox, inbox) = boxes();
        let (schedule, held) = schedule(|| true);
        held.send_replace(Instant::now() + Duration::from_secs(60));
        assert!(outbox.put("one".into()) && outbox.put("two".into()));
        let mut peer = peer(inbox, schedule).await;
        assert_eq!(peer.next().await.as_deref(), Some(" "), "only signs of life while held");
        held.send_replace(Instant::now());
        outbox.end(End::Told);
        let seen: Vec<String> =
            peer.filter(|text| std::future::ready(text != " ")).take(3).collect().await;
        assert_eq!(seen, ["one", "two", "There is nothing more to tell"]);
    }
}
