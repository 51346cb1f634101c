//! `GET /v1/wschannels`: a socket that pushes one worker's events.

use super::{
    Bridge,
    caller::Caller,
    frame,
    rooms::{Crowded, Joined, Others},
};
use crate::answer::Trouble;
use crate::{
    clock::real_now_ms,
    socket::{self, End, HEARTBEAT, Parted, Schedule},
};
use axum::{
    extract::{
        Query, State,
        ws::{WebSocket, WebSocketUpgrade, rejection::WebSocketUpgradeRejection},
    },
    response::Response,
};
use routing::{
    Command, Worker, WorkerSid,
    command::{IfMatch, WorkerPatch},
};
use serde::Deserialize;
use std::time::Duration;
use tokio::time::Instant;

/// A library that got a new token has had time to reconnect by itself.
const EXPIRY_GRACE: Duration = Duration::from_secs(5);
/// A broken line may come back within this; then the worker was never away.
const BROKEN_LINE_GRACE: Duration = Duration::from_secs(30);
/// The library's timers cannot hold more milliseconds than this.
const LIFETIME_MS_MAX: i64 = i32::MAX as i64;

/// The query: pairs as they came; of several of one name the last one holds.
#[derive(Deserialize)]
#[serde(transparent)]
pub(crate) struct Asked(Vec<(String, String)>);

impl Asked {
    fn value(&self, name: &str) -> Option<&str> {
        self.0.iter().rfind(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }

    fn is_true(&self, name: &str) -> bool {
        self.value(name) == Some("true")
    }
}

/// What happens to the worker when its last socket is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Afterwards {
    Stay,
    GoOffline,
}

/// Proves the token, then upgrades.
pub(crate) async fn open(
    State(bridge): State<Bridge>,
    Query(asked): Query<Asked>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Trouble> {
    let token = asked.value("token").ok_or_else(|| Trouble::unauthenticated("token is missing"))?;
    let caller = bridge.caller(token)?;
    let worker = caller.worker.ok_or_else(|| Trouble::forbidden("The token names no worker"))?;
    let row = bridge.host.fetch::<Worker>(&caller.workspace.to_string(), &worker.to_string())?;
    let row = row.ok_or_else(|| Trouble::forbidden("The token's worker is gone"))?;
    let upgrade = upgrade.map_err(|error| Trouble::invalid(error.body_text()))?;

    let others = match asked.is_true("closeExistingSessions") {
        true => Others::Close,
        false => Others::Stay,
    };
    let afterwards = match asked.is_true("setWorkerOfflineIfDisconnected") {
        true => Afterwards::GoOffline,
        false => Afterwards::Stay,
    };
    let may_stay = bridge.may_stay(token);
    let session = Session { bridge, caller, worker, afterwards, may_stay };
    Ok(socket::sized(upgrade).on_upgrade(move |socket| async move {
        // Joined only now: a caller that never completes the upgrade must not take a place.
        let (rooms, caller) = (&session.bridge.rooms, &session.caller);
        let named = (worker, row.friendly_name.as_str());
        match rooms.join(named, caller.names.clone(), caller.token_hash, others) {
            Ok(joined) => serve(session, socket, joined).await,
            Err(Crowded) => socket::refuse(socket, End::Crowded).await,
        }
    }))
}

/// Whose socket it is, and what goes with it.
struct Session {
    bridge: Bridge,
    caller: Caller,
    worker: WorkerSid,
    afterwards: Afterwards,
    may_stay: Box<dyn Fn() -> bool + Send + Sync>,
}

async fn serve(session: Session, mut socket: WebSocket, joined: Joined) {
    let Session { bridge, caller, worker, afterwards, may_stay } = session;
    let left_ms = (caller.expires_s * 1000 - real_now_ms()).clamp(0, LIFETIME_MS_MAX);
    let init = wire::bridge::Init {
        channel_id: worker,
        account_sid: caller.names.account,
        workspace_sid: caller.workspace,
        token_lifetime: left_ms,
    };
    let left = Duration::from_millis(left_ms.unsigned_abs());
    let schedule = Schedule {
        expires: Instant::now() + left + EXPIRY_GRACE,
        held_until: joined.held_until,
        heartbeat: HEARTBEAT,
        may_stay,
    };
    let parted = match socket::greet(&mut socket, frame::write("init", init)).await {
        Ok(()) => socket::run(socket, joined.inbox, schedule).await,
        Err(_) => Parted::Lost,
    };
    let alone = bridge.rooms.leave(&joined.place);
    if alone && afterwards == Afterwards::GoOffline {
        go_offline(&bridge, &caller, worker, parted).await;
    }
}

/// How long after its last socket a worker counts as there; `None` where that is left as it is. A
/// goodbye counts at once. A line that broke, or that we ended for the library to come back, gets
/// its time.
const fn grace(parted: Parted) -> Option<Duration> {
    match parted {
        Parted::Left => Some(Duration::ZERO),
        Parted::Lost | Parted::Ended(End::Expired | End::Revoked | End::Slow | End::Reload) => {
            Some(BROKEN_LINE_GRACE)
        }
        Parted::Ended(End::Replaced | End::Gone | End::Told | End::Crowded) => None,
    }
}

/// The worker's last socket is gone.
async fn go_offline(bridge: &Bridge, caller: &Caller, worker: WorkerSid, parted: Parted) {
    let Some(grace) = grace(parted) else { return };
    tokio::time::sleep(grace).await;
    if !bridge.rooms.is_empty(worker) {
        return;
    }
    let Some(names) = bridge.host.names(caller.workspace) else { return };
    let unavailable = || names.activities.values().filter(|activity| !activity.available);
    let offline = unavailable().find(|activity| activity.friendly_name == "Offline");
    let Some(offline) = offline.or_else(|| unavailable().next()) else { return };
    let patch = WorkerPatch { activity: Some(offline.sid), ..WorkerPatch::default() };
    let command = Command::UpdateWorker { sid: worker, if_match: IfMatch::Any, patch };
    if let Err(refusal) = bridge.host.routing(caller.workspace, command).await {
        tracing::warn!(%worker, %refusal, "a worker who left could not be set offline");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_who_does_not_come_back_goes_offline_however_the_line_ended() {
        assert_eq!(grace(Parted::Left), Some(Duration::ZERO));
        for end in [End::Expired, End::Revoked, End::Slow, End::Reload] {
            assert_eq!(grace(Parted::Ended(end)), grace(Parted::Lost), "{end:?}");
        }
        assert_eq!(grace(Parted::Lost), Some(Duration::from_secs(30)));
        for end in [End::Replaced, End::Gone] {
            assert_eq!(grace(Parted::Ended(end)), None, "{end:?}");
        }
    }
}
