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
const HEARTBEAT: Duration = Duration::from_secs(15);
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
#[derive(Debug)]
pub(crate) struct Schedule {
    /// When the token is over.
    pub(crate) expires: Instant,
    /// Frames wait until then; may be moved while the socket is open.
    pub(crate) held_until: watch::Receiver<Instant>,
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
    let mut heartbeat = interval_at(Instant::now() + HEARTBEAT, HEARTBEAT);
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
            _ = heartbeat.tick() => match write(&mut sink, Utf8Bytes::from_static(" ")).await {
                Ok(()) => Ok(()),
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

async fn write(sink: &mut Sink, frame: Utf8Bytes) -> Result<(), Stuck> {
    in_time(FLUSH_MAX, sink.send(Message::Text(frame))).await
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
