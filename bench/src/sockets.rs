//! One open WebSocket for each worker, as if each sat at a desk.
//!
//! * The moment of an event is taken before anything of it is read.

use std::time::Instant;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::StreamExt;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::sync::mpsc::UnboundedSender;
use tokio_tungstenite::tungstenite::Message;

use crate::connection::Account;
use crate::site::Site;

const OPENERS: usize = 32;

/// An offer as a worker's socket showed it.
pub(crate) struct Offered {
    pub(crate) task: String,
    pub(crate) reservation: String,
    pub(crate) at: Instant,
}

/// Opens a socket for every worker; each sends what it is offered until the process ends.
pub(crate) async fn open(site: &Site, offers: &UnboundedSender<Offered>) -> Result<(), String> {
    let share = site.workers.len().div_ceil(OPENERS).max(1);
    let parts = site.workers.chunks(share).map(|workers| async move {
        for worker in workers {
            listen(site, worker, offers.clone()).await?;
        }
        Ok::<_, String>(())
    });
    futures_util::future::try_join_all(parts).await.map(|_| ())
}

async fn listen(site: &Site, worker: &str, out: UnboundedSender<Offered>) -> Result<(), String> {
    let token = token(&site.account, &site.workspace, worker);
    let url = format!("ws://{}/v1/wschannels?token={token}", site.account.address);
    let opened = tokio_tungstenite::connect_async(url).await;
    let (mut socket, _) = opened.map_err(|error| format!("{worker}: {error}"))?;
    match socket.next().await {
        Some(Ok(Message::Text(text))) if text.contains("init") => {}
        other => return Err(format!("{worker}: no init but {other:?}")),
    }
    tokio::spawn(async move {
        while let Some(Ok(message)) = socket.next().await {
            let at = Instant::now();
            let Message::Text(text) = message else { continue };
            if let Some(offered) = offer(&text, at)
                && out.send(offered).is_err()
            {
                break;
            }
        }
    });
    Ok(())
}

fn offer(text: &str, at: Instant) -> Option<Offered> {
    if !text.contains("reservation.created") {
        return None;
    }
    let event: Value = serde_json::from_str(text).ok()?;
    let reservation = event["payload"]["sid"].as_str()?.to_owned();
    let task = event["payload"]["task"]["sid"].as_str()?.to_owned();
    Some(Offered { task, reservation, at })
}

fn token(account: &Account, workspace: &str, worker: &str) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let now = now.expect("the clock is after 1970").as_secs();
    let head = json!({"alg": "HS256", "typ": "JWT", "cty": "twilio-fpa;v=1"});
    let grant = json!({"workspace_sid": workspace, "worker_sid": worker, "role": "worker"});
    let body = json!({
        "jti": format!("{}-{now}", account.api_key), "iss": account.api_key,
        "sub": account.account_sid, "iat": now, "exp": now + 3600,
        "grants": {"identity": worker, "task_router": grant},
    });
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(&head), part(&body));
    let key = Hmac::<Sha256>::new_from_slice(account.api_secret.as_bytes());
    let mut key = key.expect("a key of any length will do");
    key.update(signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(key.finalize().into_bytes()))
}
