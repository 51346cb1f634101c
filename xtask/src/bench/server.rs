//! The whole server over loopback HTTP with full sync, beside bare SQLite commits and beside the
//! PostgreSQL router, in slices that take turns.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::peers::Postgres;
use super::series::row;
use super::{Plan, Series};
use crate::paths;
use crate::scratch::Scratch;
use crate::server::{Server, Settings};

const CALLERS: [usize; 3] = [1, 16, 128];
const WORKERS: [usize; 3] = [100, 1_000, 10_000];
const RATES: [usize; 2] = [100, 400];
const LIVES_CALLERS: usize = 64;
/// The peer has two modes and needs longer slices to show its usual one.
const PEER_SECONDS_MIN: f64 = 6.0;

/// Durable creations with 1, 16 and 128 callers, beside one bare commit after the other.
pub(crate) fn durable(plan: Plan) -> Result<(), String> {
    println!("\n== durable task creations per second, 400-byte attributes, {} slices", plan.rounds);
    let seconds = plan.seconds.to_string();
    let mut rates: BTreeMap<usize, Series> = BTreeMap::new();
    let mut waits: BTreeMap<usize, [Series; 2]> = BTreeMap::new();
    let (mut floor, mut floor_p50, mut floor_p99) = <(Series, Series, Series)>::default();
    for _ in 0..plan.rounds {
        let scratch = Scratch::new("floor");
        let folder = scratch.path().to_string_lossy().into_owned();
        let bare = load(None, &["floor", "--dir", &folder, "--seconds", &seconds])?;
        floor.add(number(&bare, "per_second")?);
        floor_p50.add(number(&bare, "p50_ms")?);
        floor_p99.add(number(&bare, "p99_ms")?);
        for callers in CALLERS {
            let slice = with_server(&[
                "creations",
                "--callers",
                &callers.to_string(),
                "--seconds",
                &seconds,
            ])?;
            rates.entry(callers).or_default().add(number(&slice, "per_second")?);
            let [p50, p99] = waits.entry(callers).or_default();
            p50.add(number(&slice, "p50_ms")?);
            p99.add(number(&slice, "p99_ms")?);
        }
    }
    row(&["", "per second", "p50 ms", "p99 ms", "to a bare commit"]);
    row(&["bare SQLite commit", &floor.show(0), &floor_p50.show(2), &floor_p99.show(2), "1"]);
    for callers in CALLERS {
        let (rate, [p50, p99]) = (&rates[&callers], &waits[&callers]);
        let label = format!("{callers} callers");
        row(&[&label, &rate.show(0), &p50.show(2), &p99.show(2), &rate.ratio(&floor)]);
    }
    Ok(())
}

/// One line of the comparison: what, ours, the peer's.
struct Compared {
    label: String,
    digits: usize,
    ours: Series,
    peer: Series,
}

/// Created to offered at fixed rates, and whole lives in a closed loop.
pub(crate) fn against_the_peer(plan: Plan) -> Result<(), String> {
    println!("\n== created -> event on an open WebSocket; whole lives; {} slices", plan.rounds);
    let peer = match Postgres::start() {
        Ok(peer) => Some(peer),
        Err(reason) => {
            println!("without the PostgreSQL peer: {reason}");
            None
        }
    };
    let mut table = Vec::new();
    for workers in WORKERS {
        for rate in RATES {
            table.extend(latency(plan, peer.as_ref(), workers, rate)?);
        }
        table.push(lives(plan, peer.as_ref(), workers)?);
    }
    row(&["", "Sinew", "PostgreSQL peer", "ratio"]);
    for Compared { label, digits, ours, peer } in &table {
        row(&[label, &ours.show(*digits), &peer.show(*digits), &ours.ratio(peer)]);
    }
    Ok(())
}

fn latency(
    plan: Plan,
    peer: Option<&Postgres>,
    workers: usize,
    rate: usize,
) -> Result<[Compared; 2], String> {
    let start = |what: &str| Compared {
        label: format!("{workers} workers, {rate}/s, {what} ms"),
        digits: 2,
        ours: Series::default(),
        peer: Series::default(),
    };
    let mut table = [start("p50"), start("p99")];
    for _ in 0..plan.rounds {
        let slice = with_server(&[
            "latency",
            "--workers",
            &workers.to_string(),
            "--rate",
            &rate.to_string(),
            "--seconds",
            &plan.seconds.to_string(),
        ])?;
        table[0].ours.add(number(&slice, "p50_ms")?);
        table[1].ours.add(number(&slice, "p99_ms")?);
        if let Some(peer) = peer {
            let seconds = plan.seconds.max(PEER_SECONDS_MIN);
            let [_, p50, p99] = peer.slice(workers, "latency", seconds, rate)?;
            table[0].peer.add(p50);
            table[1].peer.add(p99);
        }
    }
    Ok(table)
}

fn lives(plan: Plan, peer: Option<&Postgres>, workers: usize) -> Result<Compared, String> {
    let (mut ours, mut theirs) = (Series::default(), Series::default());
    for _ in 0..plan.rounds {
        let slice = with_server(&[
            "lives",
            "--workers",
            &workers.to_string(),
            "--callers",
            &LIVES_CALLERS.to_string(),
            "--seconds",
            &plan.seconds.to_string(),
        ])?;
        ours.add(number(&slice, "per_second")?);
        if let Some(peer) = peer {
            let seconds = plan.seconds.max(PEER_SECONDS_MIN);
            theirs.add(peer.slice(workers, "throughput", seconds, 0)?[0]);
        }
    }
    let label = format!("{workers} workers, lives/s");
    Ok(Compared { label, digits: 0, ours, peer: theirs })
}

/// One slice on a server of its own with an empty store.
fn with_server(arguments: &[&str]) -> Result<Value, String> {
    let scratch = Scratch::new("bench");
    let server = Server::start(&Settings::in_folder(scratch.path()))?;
    let figures = load(Some(&server), arguments)
        .map_err(|error| format!("{error}\nthe server's log ends with:\n{}", server.log_tail()))?;
    server.stop()?;
    Ok(figures)
}

/// Runs the load client; its last line is the figures.
pub(crate) fn load(server: Option<&Server>, arguments: &[&str]) -> Result<Value, String> {
    let mut command = Command::new(paths::target().join("release/bench"));
    command.args(arguments).stdin(Stdio::null()).stderr(Stdio::inherit());
    if let Some(server) = server {
        command.envs(server.environment());
    }
    let output = command.output().map_err(|error| format!("the load client: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let last = text.lines().last().unwrap_or_default();
    match output.status.success() {
        true => serde_json::from_str(last).map_err(|error| format!("{last:?}: {error}")),
        false => Err(format!("bench {} failed", arguments.join(" "))),
    }
}

fn number(figures: &Value, name: &str) -> Result<f64, String> {
    figures[name].as_f64().ok_or_else(|| format!("no {name} in {figures}"))
}
