//! One open event socket for each worker, as if each sat at a desk.
//!
//! * The moment of an event is taken before anything of it is read.

use std::rc::Rc;
use std::time::Instant;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::StreamExt;
use hmac::{Hmac, KeyInit, Mac};
use memchr::memmem;
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use crate::board::Board;
use crate::connection::{Account, text_after};
use crate::load::NUMBER;
use crate::site::Site;

const OPENERS: usize = 32;
/// Ten thousand sockets with the library's own buffers would fill the memory.
const BUFFER_BYTES: usize = 4_096;

/// Opens a socket for every worker; each notes its offers on the board until the process ends.
pub(crate) async fn open(site: &Site, board: &Rc<Board>) -> Result<(), String> {
    let share = site.workers.len().div_ceil(OPENERS).max(1);
    let parts = site.workers.chunks(share).map(|workers| async move {
        for worker in workers {
            let socket = connect(site, worker).await?;
            tokio::task::spawn_local(listen(socket, Rc::clone(board)));
        }
        Ok::<_, String>(())
    });
    futures_util::future::try_join_all(parts).await.map(|_| ())
}

type Socket = WebSocketStream<TcpStream>;

async fn connect(site: &Site, worker: &str) -> Result<Socket, String> {
    let address = &site.account.address;
    let token = token(&site.account, &site.workspace, worker);
    let url = format!("ws://{address}/v1/wschannels?token={token}&clientVersion=2.1.1");
    let stream = TcpStream::connect(address).await.map_err(|error| format!("{worker}: {error}"))?;
    stream.set_nodelay(true).map_err(|error| format!("{worker}: {error}"))?;
    let buffers = WebSocketConfig::default()
        .read_buffer_size(BUFFER_BYTES)
        .write_buffer_size(BUFFER_BYTES)
        .max_write_buffer_size(16 * BUFFER_BYTES);
    let opened = client_async_with_config(url, stream, Some(buffers)).await;
    let (mut socket, _) = opened.map_err(|error| format!("{worker}: {error}"))?;
    match socket.next().await {
        Some(Ok(Message::Text(text))) if text.contains("\"init\"") => Ok(socket),
        other => Err(format!("{worker}: no init but {other:?}")),
    }
}

async fn listen(mut socket: Socket, board: Rc<Board>) {
    while let Some(Ok(message)) = socket.next().await {
        let at = Instant::now();
        if let Message::Text(text) = message {
            note(text.as_str(), at, &board);
        }
    }
}

/// Notes an offer; other events are of no interest here.
fn note(frame: &str, at: Instant, board: &Board) {
    if memmem::find(frame.as_bytes(), b"\"event_type\":\"reservation.created\"").is_none() {
        return;
    }
    let sid = |prefix: &str| {
        let rest = text_after(frame, &format!("\"sid\":\"{prefix}")).unwrap_or_default();
        format!("{prefix}{rest}")
    };
    board.offered(number(frame).unwrap_or(usize::MAX), sid("WT"), sid("WR"), at);
}

/// The task's number, from the attributes that the frame carries as a JSON string.
fn number(frame: &str) -> Option<usize> {
    let key = format!("\\\"{NUMBER}\\\":");
    let rest = &frame[memmem::find(frame.as_bytes(), key.as_bytes())? + key.len()..];
    let end = rest.find(|digit: char| !digit.is_ascii_digit())?;
    rest[..end].parse().ok()
}

fn token(account: &Account, workspace: &str, worker: &str) -> String {
    let grant = json!({"workspace_sid": workspace, "worker_sid": worker, "role": "worker"});
    sign(account, worker, &json!({"task_router": grant}))
}

/// An access token for an hour.
pub(crate) fn sign(account: &Account, identity: &str, grants: &Value) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let now = now.expect("the clock is after 1970").as_secs();
    let head = json!({"alg": "HS256", "typ": "JWT", "cty": "twilio-fpa;v=1"});
    let mut grants = grants.clone();
    grants["identity"] = identity.into();
    let body = json!({
        "jti": format!("{}-{now}", account.api_key), "iss": account.api_key,
        "sub": account.account_sid, "iat": now, "exp": now + 3600, "grants": grants,
    });
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(&head), part(&body));
    let key = Hmac::<Sha256>::new_from_slice(account.api_secret.as_bytes());
    let mut key = key.expect("a key of any length will do");
    key.update(signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(key.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offer_is_read_from_its_frame_and_other_events_are_not() {
        let board = Board::default();
        let (number, mut waits) = board.open();
        let attributes = Value::String(crate::load::idle_task(number));
        let frame = format!(
            "{{\"event_type\":\"reservation.created\",\"payload\":{{\"account_sid\":\"AC1\",\
             \"sid\":\"WR9\",\"task_sid\":\"WT8\",\"task\":{{\"sid\":\"WT8\",\
             \"attributes\":{attributes}}}}}}}"
        );
        note(&frame, Instant::now(), &board);
        let offer = waits.try_recv().unwrap();
        assert_eq!((offer.task.as_str(), offer.reservation.as_str()), ("WT8", "WR9"));
        note(&frame.replace(".created", ".accepted"), Instant::now(), &board);
        assert_eq!(board.check(1), Ok(()));
    }
}
