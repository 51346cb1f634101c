//! One publisher and many subscribers of one object, in the protocol of any server.
//!
//! * Every update carries the moment it was sent, as `~T<16 hex digits of nanoseconds>~`.
//!   Subscribers look for it in the bytes as they come: no client library is measured.
//! * Of our own server every event is looked at: each must reach every subscriber once and in
//!   order, or there is no figure.
//! * At a rate the publisher does not wait for anybody; without one it keeps a few updates under
//!   way and sends the next when the oldest has reached everybody.
//! * On demand all lines are cut at last, and all come back at once: what was missed must be told.

mod line;
mod protocols;
mod twilsock;

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use futures_util::future::try_join_all;
use memchr::memmem::Finder;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::Notify;

use self::line::Line;
use self::protocols::Protocol;
use self::twilsock::{Acknowledge, Answers, Ear, Kind, Twilsock};
use crate::Options;
use crate::connection::Account;
use crate::figures::{Samples, with_usage};
use crate::machine::{Meter, Noise};

/// Connections that are opened at a time at first.
const OPENERS: usize = 64;
/// What is read at a time, by one subscriber after the other.
const SCRATCH_BYTES: usize = 128 * 1024;
/// Updates before anything is measured.
const WARM_UP: Duration = Duration::from_millis(500);
/// Until the last subscriber has heard the last update.
const HEARD_LIMIT: Duration = Duration::from_secs(30);
/// A server that tells nothing for this long has lost something.
const STALL: Duration = Duration::from_secs(5);
/// An update's text besides its time: about what a small document holds.
const PADDING: usize = 140;
const MARK: &[u8] = b"~T";
/// The mark, 16 digits, and its end.
const MARK_BYTES: usize = 19;

/// What the slice has in common.
struct Crowd {
    began: Instant,
    address: SocketAddr,
    protocol: Protocol,
    is_ours: bool,
    acknowledge: Acknowledge,
    heard: Cell<u64>,
    established: Cell<usize>,
    is_measuring: Cell<bool>,
    samples: RefCell<Samples>,
    scratch: RefCell<Vec<u8>>,
    /// Somebody heard something.
    news: Notify,
    /// All lines are cut.
    cut: Notify,
    /// What went wrong first.
    trouble: RefCell<Option<String>>,
}

/// How updates are sent.
#[derive(Clone, Copy)]
enum Pace {
    PerSecond(f64),
    UnderWay(u64),
}

pub(crate) async fn run(options: &Options) -> Result<Value, String> {
    let (count, seconds) = (options.number("subscribers")?, options.seconds()?);
    let pace = match options.text("rate")? {
        "max" => Pace::UnderWay(options.number("window")? as u64),
        _ => Pace::PerSecond(options.number("rate")? as f64),
    };
    let (crowd, line) = Crowd::gather(options).await?;
    let crowd = Rc::new(crowd);
    let mut publisher = Publisher::new(line, &crowd);
    let before_kb = resident_kb();
    follow(&crowd, count, crowd.first(), OPENERS).await?;
    tokio::time::sleep(Duration::from_millis(700)).await;
    let connection_kib = (resident_kb()? as f64 - before_kb? as f64) / count as f64;

    let everybody = count as u64;
    publisher.publish(&crowd, pace, WARM_UP, everybody).await?;
    crowd.wait_for_all(&publisher, everybody).await?;
    let told = crowd.heard.get();
    crowd.is_measuring.set(true);
    let meter = Meter::start_at_once(noise(options));
    let begin = Instant::now();
    let sent = publisher.publish(&crowd, pace, seconds, everybody).await?;
    let heard = crowd.heard.get() - told;
    let took_s = begin.elapsed().as_secs_f64();
    let usage = meter.stop();
    crowd.wait_for_all(&publisher, everybody).await?;
    crowd.is_measuring.set(false);
    let delivered = (crowd.heard.get() - told) as f64 / (sent * everybody) as f64;

    let figures = crowd.samples.take().figures();
    let mut figures = with_usage(figures, usage, heard as usize);
    figures["per_second"] = json!(heard as f64 / took_s);
    figures["updates_per_second"] = json!(sent as f64 / took_s);
    figures["delivered"] = json!(delivered);
    figures["connection_kib"] = json!(connection_kib);
    if options.given("storm") == Some("yes") {
        figures["storm_s"] = json!(storm(&crowd, &mut publisher, count).await?);
    }
    publisher.check(&crowd)?;
    Ok(figures)
}

/// The machine was looked at before: slices of one server follow each other.
fn noise(options: &Options) -> Noise {
    match options.given("machine") {
        Some("noisy") => Noise::Noisy,
        _ => Noise::Quiet,
    }
}

/// Cuts all lines, updates once while everybody is away, and lets all come back at once; how long
/// until each had heard of it.
async fn storm(crowd: &Rc<Crowd>, publisher: &mut Publisher, count: usize) -> Result<f64, String> {
    let last = crowd.first() + publisher.sent;
    crowd.heard.set(0);
    crowd.established.set(0);
    crowd.cut.notify_waiters();
    tokio::task::yield_now().await;
    let cut = Instant::now();
    publisher.update(crowd).await?;
    publisher.answered(crowd).await?;
    follow(crowd, count, last, count).await?;
    let wanted = if crowd.is_ours { count as u64 } else { 0 };
    crowd.wait_for(wanted).await?;
    let settled_s = cut.elapsed().as_secs_f64();
    // They are told what happens from here on, too.
    publisher.update(crowd).await?;
    crowd.wait_for(wanted + count as u64).await?;
    Ok(settled_s)
}

/// Opens all subscribers, some at a time, and waits until each follows.
async fn follow(crowd: &Rc<Crowd>, count: usize, after: u64, openers: usize) -> Result<(), String> {
    let share = count.div_ceil(openers).max(1);
    let parts = (0..count).step_by(share).map(|first| async move {
        for number in first..(first + share).min(count) {
            let subscriber = Subscriber::open(crowd, number, after).await?;
            tokio::task::spawn_local(subscriber.listen());
        }
        Ok::<_, String>(())
    });
    try_join_all(parts).await?;
    let deadline = Instant::now() + HEARD_LIMIT;
    while crowd.is_ours && crowd.established.get() < count {
        crowd.sound()?;
        if Instant::now() > deadline {
            return Err(format!("only {} of {count} follow", crowd.established.get()));
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    Ok(())
}

impl Crowd {
    /// Nobody but the publisher yet.
    async fn gather(options: &Options) -> Result<(Self, Line), String> {
        let acknowledge = match options.given("acknowledge") {
            Some("yes") => Acknowledge::Yes,
            _ => Acknowledge::No,
        };
        let kind = match options.given("object") {
            Some("map") => Kind::Map,
            _ => Kind::Document,
        };
        let (mut protocol, address) = match options.text("protocol")? {
            "twilsock" => {
                let account = Account::from_environment()?;
                let address = account.address.clone();
                (Protocol::Twilsock(Twilsock::new(account, kind)), address)
            }
            other => (peer(other)?, options.text("address")?.to_owned()),
        };
        let address = address.parse().map_err(|_| format!("{address:?} is no address"))?;
        let mut line = protocol.open(address, 0).await?;
        protocol.make(&mut line).await?;
        let crowd = Self {
            began: Instant::now(),
            address,
            is_ours: matches!(protocol, Protocol::Twilsock(_)),
            protocol,
            acknowledge,
            heard: Cell::new(0),
            established: Cell::new(0),
            is_measuring: Cell::new(false),
            samples: RefCell::default(),
            scratch: RefCell::new(vec![0; SCRATCH_BYTES]),
            news: Notify::new(),
            cut: Notify::new(),
            trouble: RefCell::new(None),
        };
        Ok((crowd, line))
    }

    /// The newest event when nothing was updated yet.
    fn first(&self) -> u64 {
        match &self.protocol {
            Protocol::Twilsock(ours) => ours.first,
            _ => 0,
        }
    }

    fn sound(&self) -> Result<(), String> {
        match &*self.trouble.borrow() {
            Some(trouble) => Err(trouble.clone()),
            None => Ok(()),
        }
    }

    fn fail(&self, trouble: String) {
        self.trouble.borrow_mut().get_or_insert(trouble);
        self.news.notify_one();
    }

    /// Waits until every subscriber heard every update, where all are told.
    async fn wait_for_all(&self, publisher: &Publisher, everybody: u64) -> Result<(), String> {
        match self.is_ours {
            true => self.wait_for(publisher.sent * everybody).await,
            false => {
                tokio::time::sleep(Duration::from_millis(400)).await;
                self.sound()
            }
        }
    }

    async fn wait_for(&self, wanted: u64) -> Result<(), String> {
        let deadline = Instant::now() + HEARD_LIMIT;
        while self.heard.get() < wanted {
            self.sound()?;
            if Instant::now() > deadline {
                return Err(format!("only {} of {wanted} updates were heard", self.heard.get()));
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        self.sound()
    }

    /// A document's value, with the time.
    fn value(&self) -> String {
        let now = self.began.elapsed().as_nanos() as u64;
        let padding = "a".repeat(PADDING);
        format!("{{\"status\":\"busy\",\"note\":\"{padding}\",\"t\":\"~T{now:016x}~\"}}")
    }

    /// An update came.
    fn note(&self, sent_at: Duration, now: Duration) {
        self.heard.set(self.heard.get() + 1);
        if self.is_measuring.get() {
            self.samples.borrow_mut().add(now.saturating_sub(sent_at));
        }
    }
}

fn peer(name: &str) -> Result<Protocol, String> {
    Ok(match name {
        "bare" => Protocol::Bare,
        "socketio" => Protocol::SocketIo,
        "deepstream" => Protocol::Deepstream,
        "jetstream" => Protocol::JetStream,
        "redis" => Protocol::Redis,
        other => return Err(format!("there is no protocol {other:?}")),
    })
}

/// Who updates.
struct Publisher {
    line: OwnedWriteHalf,
    sent: u64,
    answers: Rc<RefCell<Answers>>,
}

impl Publisher {
    fn new(line: Line, crowd: &Crowd) -> Self {
        let (reading, writing) = line.stream.into_split();
        let answers = Rc::new(RefCell::new(Answers::default()));
        tokio::task::spawn_local(drain(reading, crowd.is_ours.then(|| answers.clone())));
        Self { line: writing, sent: 0, answers }
    }

    async fn update(&mut self, crowd: &Crowd) -> Result<(), String> {
        let update = crowd.protocol.update(&crowd.value());
        self.sent += 1;
        self.line.write_all(&update).await.map_err(|error| error.to_string())
    }

    /// Sends for a while; how many updates.
    async fn publish(
        &mut self,
        crowd: &Crowd,
        pace: Pace,
        time: Duration,
        everybody: u64,
    ) -> Result<u64, String> {
        let (before, heard) = (self.sent, crowd.heard.get());
        let end = Instant::now() + time;
        match pace {
            Pace::PerSecond(rate) => {
                let mut next = Instant::now();
                while next < end {
                    tokio::time::sleep_until(next.into()).await;
                    self.update(crowd).await?;
                    next += Duration::from_secs_f64(1.0 / rate);
                    crowd.sound()?;
                }
                tokio::time::sleep_until(end.into()).await;
            }
            Pace::UnderWay(window) => {
                while Instant::now() < end {
                    let done = (crowd.heard.get() - heard) / everybody;
                    if self.sent - before < window + done {
                        self.update(crowd).await?;
                        continue;
                    }
                    let news = tokio::time::timeout(STALL, crowd.news.notified()).await;
                    crowd.sound()?;
                    if news.is_err() {
                        return Err(format!("stalled: {} sent, {done} heard", self.sent - before));
                    }
                }
            }
        }
        Ok(self.sent - before)
    }

    /// Waits until every update was answered, where they are.
    async fn answered(&self, crowd: &Crowd) -> Result<(), String> {
        let deadline = Instant::now() + HEARD_LIMIT;
        while crowd.is_ours && self.answers.borrow().good < self.sent {
            self.check_answers()?;
            if Instant::now() > deadline {
                return Err("updates were not answered".to_owned());
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Ok(())
    }

    fn check(&self, crowd: &Crowd) -> Result<(), String> {
        crowd.sound()?;
        self.check_answers()
    }

    fn check_answers(&self) -> Result<(), String> {
        match &self.answers.borrow().bad {
            Some(bad) => Err(format!("an update was refused: {bad}")),
            None => Ok(()),
        }
    }
}

/// Takes what a publisher is told.
async fn drain(mut line: OwnedReadHalf, answers: Option<Rc<RefCell<Answers>>>) {
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(length @ 1..) = line.read(&mut buffer).await {
        if let Some(answers) = &answers {
            answers.borrow_mut().hear(&buffer[..length]);
        }
    }
}

/// Who listens.
struct Subscriber {
    crowd: Rc<Crowd>,
    stream: TcpStream,
    /// The beginning of something whose end is yet to come.
    rest: Vec<u8>,
    ear: Ear,
}

impl Subscriber {
    async fn open(crowd: &Rc<Crowd>, number: usize, after: u64) -> Result<Self, String> {
        let number = number + 1;
        let Line { stream, buffer } = {
            let mut line = crowd.protocol.open(crowd.address, number).await?;
            crowd.protocol.subscribe(&mut line, number, after).await?;
            line
        };
        let ear = Ear { last: after, ..Ear::default() };
        Ok(Self { crowd: crowd.clone(), stream, rest: buffer, ear })
    }

    async fn listen(mut self) {
        let crowd = self.crowd.clone();
        let mut cut = std::pin::pin!(crowd.cut.notified());
        cut.as_mut().enable();
        // Something may have come with the last answer.
        let first = std::mem::take(&mut self.rest);
        if let Err(trouble) = self.hear(&first) {
            return crowd.fail(trouble);
        }
        let ended = poll_fn(|cx| {
            if cut.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Ok(()));
            }
            loop {
                if let Err(error) = ready!(self.poll_hear(cx)) {
                    return Poll::Ready(Err(error));
                }
            }
        });
        if let Err(trouble) = ended.await {
            crowd.fail(trouble);
        }
    }

    fn poll_hear(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), String>> {
        let crowd = self.crowd.clone();
        let mut scratch = crowd.scratch.borrow_mut();
        let kept = self.rest.len();
        scratch[..kept].copy_from_slice(&self.rest);
        let mut buffer = ReadBuf::new(&mut scratch);
        buffer.advance(kept);
        let read = Pin::new(&mut self.stream).poll_read(cx, &mut buffer);
        if let Err(error) = ready!(read) {
            return Poll::Ready(Err(error.to_string()));
        }
        match buffer.filled().len() == kept {
            true => Poll::Ready(Err("a subscriber was cut off".to_owned())),
            false => Poll::Ready(self.hear(buffer.filled())),
        }
    }

    /// Looks at what came; keeps the beginning of what is not all there.
    fn hear(&mut self, bytes: &[u8]) -> Result<(), String> {
        let crowd = self.crowd.clone();
        let now = crowd.began.elapsed();
        let done = match crowd.is_ours {
            true => self.hear_ours(bytes, now)?,
            false => hear(bytes, |sent_at| crowd.note(sent_at, now)),
        };
        self.rest.clear();
        self.rest.extend_from_slice(&bytes[done..]);
        crowd.news.notify_one();
        Ok(())
    }

    fn hear_ours(&mut self, bytes: &[u8], now: Duration) -> Result<usize, String> {
        let crowd = &self.crowd;
        let was_established = self.ear.is_established;
        let done = self.ear.hear(bytes, crowd.acknowledge, |packet| {
            hear(packet, |sent_at| crowd.note(sent_at, now));
        })?;
        if self.ear.is_established && !was_established {
            crowd.established.set(crowd.established.get() + 1);
        }
        if !self.ear.out.is_empty() {
            // A few hundred bytes fit as long as the server reads at all.
            let written = self.stream.try_write(&self.ear.out);
            if !written.as_ref().is_ok_and(|length| *length == self.ear.out.len()) {
                return Err(format!("acknowledgements are not taken: {written:?}"));
            }
            self.ear.out.clear();
        }
        Ok(done)
    }
}

thread_local! {
    static FINDER: Finder<'static> = Finder::new(MARK);
}

/// Finds marks; answers how many bytes need not be looked at again.
fn hear(bytes: &[u8], mut heard: impl FnMut(Duration)) -> usize {
    let mut at = 0;
    FINDER.with(|finder| {
        while let Some(found) = finder.find(&bytes[at..]) {
            let Some(mark) = bytes.get(at + found..at + found + MARK_BYTES) else {
                at += found;
                return;
            };
            if let Some(nanos) = time(mark) {
                heard(Duration::from_nanos(nanos));
            }
            at += found + MARK_BYTES;
        }
        // The last byte may begin a mark.
        at = at.max(bytes.len().saturating_sub(1));
    });
    at
}

fn time(mark: &[u8]) -> Option<u64> {
    let digits = str::from_utf8(mark.strip_prefix(MARK)?.strip_suffix(b"~")?).ok()?;
    u64::from_str_radix(digits, 16).ok()
}

/// The server's memory.
fn resident_kb() -> Result<u64, String> {
    let process = std::env::var("SERVER_PROCESS").map_err(|_| "SERVER_PROCESS is not set")?;
    let status = std::fs::read_to_string(format!("/proc/{process}/status"));
    let status = status.map_err(|error| format!("the server's memory: {error}"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kb = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    kb.ok_or_else(|| "the server's memory is not told".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_found_wherever_they_are_cut() {
        let text = b"..~T00000000000003e8~..~T00000000000007d0~~";
        for cut in 0..text.len() {
            let mut times = Vec::new();
            let done = hear(&text[..cut], |time| times.push(time.as_nanos()));
            hear(&text[done..], |time| times.push(time.as_nanos()));
            assert_eq!(times, [1_000, 2_000], "cut at {cut}");
        }
    }
}
