//! The whole server over loopback HTTP with full sync, beside bare SQLite commits and beside the
//! PostgreSQL router, in slices that take turns.

use std::process::{Command, Stdio};

use serde_json::Value;

use super::peers::Postgres;
use super::quiet::{self, Quiet};
use super::series::{header, row};
use super::{Plan, Series};
use crate::paths;
use crate::scratch::Scratch;
use crate::server::{Server, Settings};

const CALLERS: [usize; 3] = [1, 16, 128];
const RATES: [usize; 2] = [100, 400];
const LIVES_CALLERS: [usize; 2] = [64, 200];
/// Fewer samples and one stall of the disk decides a p99.
const SAMPLES_MIN: f64 = 1_000.0;
/// Of a slice this much is counted, ours and the peer's.
const COUNTED: f64 = 0.8;
/// The peer has two modes and needs longer slices to show its usual one.
const PEER_LIVES_SECONDS: f64 = 10.0;

/// What one kind of slice gave over the rounds.
#[derive(Default)]
struct Figures {
    per_second: Series,
    p50_ms: Series,
    p99_ms: Series,
    server_us: Series,
    slices: usize,
    noisy: usize,
}

impl Figures {
    fn add(&mut self, slice: &Value) {
        let note = |series: &mut Series, name: &str| {
            if let Some(value) = slice[name].as_f64() {
                series.add(value);
            }
        };
        note(&mut self.per_second, "per_second");
        note(&mut self.p50_ms, "p50_ms");
        note(&mut self.p99_ms, "p99_ms");
        note(&mut self.server_us, "server_us");
        self.slices += 1;
        self.noisy += usize::from(slice["noisy"] == true);
    }

    /// How many slices were disturbed.
    fn noise(&self) -> String {
        match self.noisy {
            0 => String::new(),
            noisy => format!("NOISY {noisy} of {}", self.slices),
        }
    }
}

/// Durable creations with 1, 16 and 128 callers, beside one bare commit after the other.
pub(crate) fn durable(plan: &Plan) -> Result<(), String> {
    println!("\n== durable task creations, 400-byte attributes, {} slices each", plan.rounds);
    let mut floor = Figures::default();
    let mut ours: Vec<(usize, Figures)> =
        CALLERS.into_iter().map(|callers| (callers, Figures::default())).collect();
    for _ in 0..plan.rounds {
        floor.add(&bare(plan.seconds, None)?);
        for (callers, figures) in &mut ours {
            let seconds = plan.seconds.to_string();
            let callers = callers.to_string();
            let slice = ["creations", "--callers", &callers, "--seconds", &seconds];
            figures.add(&with_server(&slice)?);
        }
    }
    header(&["", "per second", "p50 ms", "p99 ms", "to a bare commit", "server us each", "noise"]);
    let show = |label: &str, of: &Figures| {
        let (rate, p50, p99) = (of.per_second.show(0), of.p50_ms.show(2), of.p99_ms.show(2));
        let ratio = of.per_second.ratio(&floor.per_second);
        row(&[label, &rate, &p50, &p99, &ratio, &of.server_us.show(0), &of.noise()]);
    };
    show("bare SQLite commit", &floor);
    ours.iter().for_each(|(callers, figures)| show(&format!("{callers} callers"), figures));
    Ok(())
}

/// Created to offered at fixed rates, and whole lives in a closed loop.
pub(crate) fn against_the_peer(plan: &Plan) -> Result<(), String> {
    println!(
        "\n== created -> event on an open WebSocket; whole lives; {} slices each",
        plan.rounds
    );
    let peer = match Postgres::start() {
        Ok(peer) => Some(peer),
        Err(reason) => {
            println!("SKIPPED the PostgreSQL peer: {reason}");
            None
        }
    };
    header(&["", "Sinew", "PostgreSQL peer", "ratio", "bare commits", "server us each", "noise"]);
    for workers in &plan.workers {
        for rate in RATES {
            latency(plan, peer.as_ref(), *workers, rate)?;
        }
        lives(plan, peer.as_ref(), *workers)?;
    }
    Ok(())
}

fn latency(
    plan: &Plan,
    peer: Option<&Postgres>,
    workers: usize,
    rate: usize,
) -> Result<(), String> {
    let seconds = plan.seconds.max(SAMPLES_MIN / COUNTED / rate as f64 + 0.1);
    let (mut ours, mut theirs, mut floor) = <(Figures, Figures, Figures)>::default();
    for _ in 0..plan.rounds {
        ours.add(&with_server(&[
            "latency",
            "--workers",
            &workers.to_string(),
            "--rate",
            &rate.to_string(),
            "--seconds",
            &seconds.to_string(),
        ])?);
        if let Some(peer) = peer {
            theirs.add(&peer.slice(workers, "latency", seconds, rate)?);
        }
        floor.add(&bare(plan.seconds, Some(rate))?);
    }
    let label = |what: &str| format!("{workers} workers, {rate}/s, {what} ms");
    let line = |what: &str, of: fn(&Figures) -> &Series, cost: &str| {
        let (ours_shown, theirs_shown) = (of(&ours).show(2), of(&theirs).show(2));
        let (ratio, floor) = (of(&ours).ratio(of(&theirs)), of(&floor).show(2));
        row(&[
            &label(what),
            &ours_shown,
            &theirs_shown,
            &ratio,
            &floor,
            cost,
            &noise(&ours, &theirs),
        ]);
    };
    line("p50", |figures| &figures.p50_ms, &ours.server_us.show(0));
    line("p99", |figures| &figures.p99_ms, "");
    Ok(())
}

fn lives(plan: &Plan, peer: Option<&Postgres>, workers: usize) -> Result<(), String> {
    let mut theirs = Figures::default();
    let mut ours: Vec<(usize, Figures)> =
        LIVES_CALLERS.into_iter().map(|callers| (callers, Figures::default())).collect();
    for _ in 0..plan.rounds {
        for (callers, figures) in &mut ours {
            figures.add(&with_server(&[
                "lives",
                "--workers",
                &workers.to_string(),
                "--callers",
                &callers.to_string(),
                "--seconds",
                &plan.seconds.to_string(),
            ])?);
        }
        if let Some(peer) = peer {
            let seconds = plan.seconds.max(PEER_LIVES_SECONDS);
            theirs.add(&peer.slice(workers, "throughput", seconds, 0)?);
        }
    }
    for (callers, figures) in &ours {
        let label = format!("{workers} workers, lives/s, {callers} callers");
        let (shown, peer) = (figures.per_second.show(0), theirs.per_second.show(0));
        let ratio = figures.per_second.ratio(&theirs.per_second);
        let cost = figures.server_us.show(0);
        row(&[&label, &shown, &peer, &ratio, "", &cost, &noise(figures, &theirs)]);
    }
    Ok(())
}

/// Which side's slices were disturbed.
fn noise(ours: &Figures, theirs: &Figures) -> String {
    match (ours.noise(), theirs.noise()) {
        (ours, theirs) if theirs.is_empty() => ours,
        (ours, theirs) => format!("{ours} / peer {theirs}"),
    }
}

/// Bare commits, as fast as they go or at a rate.
fn bare(seconds: f64, rate: Option<usize>) -> Result<Value, String> {
    let scratch = Scratch::new("floor");
    let folder = scratch.path().to_string_lossy().into_owned();
    let (seconds, rate) = (seconds.to_string(), rate.map(|rate| rate.to_string()));
    let mut slice = vec!["floor", "--dir", &folder, "--seconds", &seconds];
    if let Some(rate) = &rate {
        slice.extend(["--rate", rate]);
    }
    let before = quiet::wait();
    let mut figures = load(None, &slice)?;
    figures["noisy"] = Value::Bool(before == Quiet::Noisy);
    Ok(figures)
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
        command.env("SERVER_PROCESS", server.process().to_string());
    }
    let output = command.output().map_err(|error| format!("the load client: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let last = text.lines().last().unwrap_or_default();
    match output.status.success() {
        true => serde_json::from_str(last).map_err(|error| format!("{last:?}: {error}")),
        false => Err(format!("bench {} failed", arguments.join(" "))),
    }
}
