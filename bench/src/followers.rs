//! Many connections of the client libraries' socket that follow one document.
//!
//! * What an idle one takes of the server's memory is measured first, then how long an update takes
//!   to reach all of them, then how long all of them take to come back after every line was cut.
//! * Each update must reach every follower, before and after the cut, or there is no figure.
//! * Followers acknowledge like the official libraries unless `--acknowledge no` is given.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use crate::Options;
use crate::connection::{Account, text_after};
use crate::figures::{Samples, with_usage};
use crate::machine::Meter;
use crate::sockets::sign;

const OPENERS: usize = 64;
/// Thousands of sockets with the library's own buffers would fill the memory.
const BUFFER_BYTES: usize = 1_024;
/// An update's text besides its time: about what a small document holds.
const PADDING: usize = 150;
/// Until the last of it was heard.
const HEARD_LIMIT: Duration = Duration::from_secs(30);

/// Everything the slice has in common.
struct Crowd {
    account: Account,
    began: Instant,
    acknowledges: bool,
    heard: Cell<usize>,
    established: Cell<usize>,
    samples: RefCell<Samples>,
    /// Every line is cut when this is told.
    cut: Notify,
}

pub(crate) async fn run(options: &Options) -> Result<Value, String> {
    let (count, seconds) = (options.number("connections")?, options.seconds()?);
    let rate = options.number("rate")?;
    let crowd = Rc::new(Crowd {
        account: Account::from_environment()?,
        began: Instant::now(),
        acknowledges: options.given("acknowledge") != Some("no"),
        heard: Cell::new(0),
        established: Cell::new(0),
        samples: RefCell::default(),
        cut: Notify::new(),
    });
    let mut publisher = Client::open(&crowd.account, "publisher").await?;
    let made = publisher.request("POST", "/v3/Documents", "{\"data\":{}}").await?;
    let document = text_after(&made, "\"sid\":\"").ok_or("no document was made")?.to_owned();
    let before_kb = resident_kb()?;
    follow(&crowd, &document, count).await?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let connection_kib = (resident_kb()? as f64 - before_kb as f64) / count as f64;

    let meter = Meter::start().await;
    let updates = publish(&crowd, &mut publisher, &document, rate, seconds).await?;
    all_heard(&crowd, updates * count).await?;
    let usage = meter.stop();
    let figures = crowd.samples.take().figures();

    crowd.heard.set(0);
    crowd.established.set(0);
    let cut = Instant::now();
    crowd.cut.notify_waiters();
    // One update while everybody is away: all must be told of it.
    publisher.request("POST", &format!("/v3/Documents/{document}"), &update(&crowd)).await?;
    follow(&crowd, &document, count).await?;
    all_heard(&crowd, count).await?;
    let storm_s = cut.elapsed().as_secs_f64();

    let mut figures = with_usage(figures, usage, updates * count);
    figures["connection_kib"] = json!(connection_kib);
    figures["storm_s"] = json!(storm_s);
    Ok(figures)
}

/// Opens all followers and waits until each follows.
async fn follow(crowd: &Rc<Crowd>, document: &str, count: usize) -> Result<(), String> {
    let share = count.div_ceil(OPENERS).max(1);
    let parts = (0..count).step_by(share).map(|first| async move {
        for n in first..(first + share).min(count) {
            let mut client = Client::open(&crowd.account, &format!("follower-{n}")).await?;
            client.subscribe(document, n).await?;
            tokio::task::spawn_local(listen(client, Rc::clone(crowd)));
        }
        Ok::<_, String>(())
    });
    futures_util::future::try_join_all(parts).await?;
    let deadline = Instant::now() + HEARD_LIMIT;
    while crowd.established.get() < count {
        if Instant::now() > deadline {
            return Err(format!("only {} of {count} follow", crowd.established.get()));
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(())
}

/// Updates at a steady rate; how many there were.
async fn publish(
    crowd: &Crowd,
    publisher: &mut Client,
    document: &str,
    rate: usize,
    seconds: Duration,
) -> Result<usize, String> {
    let path = format!("/v3/Documents/{document}");
    let mut tick = tokio::time::interval(Duration::from_secs_f64(1.0 / rate as f64));
    let (end, mut updates) = (Instant::now() + seconds, 0);
    while Instant::now() < end {
        tick.tick().await;
        publisher.request("POST", &path, &update(crowd)).await?;
        updates += 1;
    }
    Ok(updates)
}

fn update(crowd: &Crowd) -> String {
    let at = crowd.began.elapsed().as_nanos();
    format!("{{\"data\":{{\"at\":{at}.0,\"pad\":\"{}\"}}}}", "x".repeat(PADDING))
}

async fn all_heard(crowd: &Crowd, wanted: usize) -> Result<(), String> {
    let deadline = Instant::now() + HEARD_LIMIT;
    while crowd.heard.get() < wanted {
        if Instant::now() > deadline {
            return Err(format!("only {} of {wanted} updates were heard", crowd.heard.get()));
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    match crowd.heard.get() == wanted {
        true => Ok(()),
        false => Err(format!("{} updates were heard, not {wanted}", crowd.heard.get())),
    }
}

async fn listen(mut client: Client, crowd: Rc<Crowd>) {
    loop {
        let message = tokio::select! {
            biased;
            () = crowd.cut.notified() => return,
            message = client.socket.next() => message,
        };
        let now = crowd.began.elapsed();
        let Some(Ok(message)) = message else { return };
        let Message::Binary(frame) = message else { continue };
        let Ok(text) = str::from_utf8(&frame) else { return };
        if text.contains("\"subscription_established\"") {
            crowd.established.set(crowd.established.get() + 1);
        }
        if text.contains("\"document_updated\"") {
            crowd.heard.set(crowd.heard.get() + 1);
            let at = text_after_number(text, "\"at\":").unwrap_or_default();
            crowd.samples.borrow_mut().add(now.saturating_sub(Duration::from_nanos(at)));
        }
        let acknowledged = crowd.acknowledges && text.contains("\"method\":\"notification\"");
        if acknowledged && client.acknowledge(text).await.is_none() {
            return;
        }
    }
}

fn text_after_number(text: &str, key: &str) -> Option<u64> {
    let rest = &text[text.find(key)? + key.len()..];
    rest[..rest.find(|c: char| !c.is_ascii_digit())?].parse().ok()
}

/// One connection.
struct Client {
    socket: WebSocketStream<TcpStream>,
}

impl Client {
    async fn open(account: &Account, identity: &str) -> Result<Self, String> {
        let address = &account.address;
        let wrong = |error: &dyn std::fmt::Display| format!("{identity}: {error}");
        let stream = TcpStream::connect(address).await.map_err(|error| wrong(&error))?;
        stream.set_nodelay(true).map_err(|error| wrong(&error))?;
        let buffers = WebSocketConfig::default()
            .read_buffer_size(BUFFER_BYTES)
            .write_buffer_size(BUFFER_BYTES)
            .max_write_buffer_size(64 * BUFFER_BYTES);
        let url = format!("ws://{address}/v3/wsconnect");
        let opened = client_async_with_config(url, stream, Some(buffers)).await;
        let (socket, _) = opened.map_err(|error| wrong(&error))?;
        let mut client = Self { socket };
        let token = sign(account, identity, &json!({"data_sync": {"service_sid": "default"}}));
        let registration = json!({
            "product": "data_sync", "type": "ers", "notification_protocol_version": 0,
            "message_types": ["twilio.sync.event"],
        });
        let init = json!({
            "method": "init", "id": "TM1", "token": token, "registrations": [registration],
            "capabilities": ["client_update"], "payload_size": 0,
        });
        client.say(&init.to_string(), "").await?;
        let reply = client.hear("TM1").await?;
        match reply.contains("\"code\":200") {
            true => Ok(client),
            false => Err(format!("{identity}: {reply}")),
        }
    }

    /// A request; the whole frame of its answer, which must be good.
    async fn request(&mut self, method: &str, path: &str, body: &str) -> Result<String, String> {
        let http =
            json!({"host": "h", "path": path, "method": method, "params": {}, "headers": {}});
        let header = json!({
            "method": "message", "id": "TM2", "active_grant": "data_sync", "http_request": http,
            "payload_type": "application/json", "payload_size": body.len(),
        });
        self.say(&header.to_string(), body).await?;
        let reply = self.hear("TM2").await?;
        match reply.contains("\"http_status\":{\"code\":20") {
            true => Ok(reply),
            false => Err(reply),
        }
    }

    async fn subscribe(&mut self, document: &str, n: usize) -> Result<(), String> {
        let one = json!({"object_sid": document, "object_type": "document", "last_event_id": 0});
        let body = json!({
            "event_protocol_version": 4, "action": "establish", "correlation_id": n,
            "retried_requests": 0, "ttl_in_s": -1, "requests": [one],
        });
        self.request("POST", "/v4/Subscriptions", &body.to_string()).await.map(|_| ())
    }

    async fn say(&mut self, header: &str, payload: &str) -> Result<(), String> {
        let frame = format!("TWILSOCK V3.0 {}\r\n{header}\r\n{payload}", header.len());
        let sent = self.socket.send(Message::Binary(frame.into_bytes().into())).await;
        sent.map_err(|error| error.to_string())
    }

    async fn acknowledge(&mut self, frame: &str) -> Option<()> {
        let id = text_after(frame, "\"id\":\"")?;
        let header = format!(
            "{{\"method\":\"reply\",\"id\":\"{id}\",\"payload_type\":\"application/json\",\
             \"status\":{{\"code\":200,\"status\":\"OK\"}},\"payload_size\":0}}"
        );
        self.say(&header, "").await.ok()
    }

    /// The reply to a packet; what else comes before it is passed over.
    async fn hear(&mut self, id: &str) -> Result<String, String> {
        let key = format!("\"id\":\"{id}\"");
        loop {
            match self.socket.next().await {
                Some(Ok(Message::Binary(frame))) => {
                    let text = String::from_utf8_lossy(&frame);
                    if text.contains("\"method\":\"reply\"") && text.contains(&key) {
                        return Ok(text.into_owned());
                    }
                }
                Some(Ok(_)) => {}
                other => return Err(format!("no reply but {other:?}")),
            }
        }
    }
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
    fn the_time_of_an_update_is_read_from_its_frame() {
        let frame = "…\"document_data\":{\"at\":12345.0,\"pad\":\"x\"}…";
        assert_eq!(text_after_number(frame, "\"at\":"), Some(12_345));
        assert_eq!(text_after_number(frame, "\"to\":"), None);
    }
}
