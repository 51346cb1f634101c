//! State synchronisation beside its peers: from a write to those who follow it, many writes of one
//! map, and ten thousand connections.
//!
//! * Server and load have a processor each; systems take turns within each round.
//! * Ours answers and tells after the commit; of the peers, Redis alone does. Ours is measured with
//!   the acknowledgements that the official libraries send, and without, as the peers are.
//! * Each slice is printed when it is there; a run that is cut short has told what it saw.
//! * The load counts: an event that is missing, twice or out of order ends the slice with an error.

use std::process::{Command, Stdio};

use serde_json::Value;

use super::goals::{Bound, Goals};
use super::quiet::{self, Quiet};
use super::series::{Ratio, header, row};
use super::server::Figures;
use super::sync_peers::{LOAD_CPU, Peer, SERVER_CPU};
use super::{Plan, Series};
use crate::paths;
use crate::scratch::Scratch;
use crate::server::{Server, Settings, pinned};

/// A slice needs no more: thousands of deliveries a second.
const SECONDS_MAX: f64 = 3.0;
/// Of ten thousand connections that are told twice a second.
const CROWD_SECONDS: f64 = 8.0;
const CROWD: usize = 10_000;

/// Subscribers of one document, and how it is updated.
const CELLS: [Cell; 4] = [
    Cell { subscribers: 1, pace: Pace::PerSecond(500) },
    Cell { subscribers: 100, pace: Pace::PerSecond(100) },
    Cell { subscribers: 1_000, pace: Pace::PerSecond(20) },
    Cell { subscribers: 1_000, pace: Pace::UnderWay(4) },
];
/// The cells that goals are about.
const STEADY: usize = 2;
const SATURATED: usize = 3;

/// Subscribers of one map, and its goal in durable item writes a second.
const MAPS: [(usize, usize); 2] = [(50, 2_000), (1_000, 200)];
/// Items under way where the map is written as fast as it goes.
const ITEMS_UNDER_WAY: usize = 32;

#[derive(Clone, Copy, Debug)]
struct Cell {
    subscribers: usize,
    pace: Pace,
}

#[derive(Clone, Copy, Debug)]
enum Pace {
    PerSecond(usize),
    /// As fast as it goes, with so many updates on their way.
    UnderWay(usize),
}

impl Cell {
    fn label(self) -> String {
        match self.pace {
            Pace::PerSecond(rate) => format!("{} subscribers, {rate} updates/s", self.subscribers),
            Pace::UnderWay(window) => {
                format!("{} subscribers, {window} updates under way", self.subscribers)
            }
        }
    }

    fn arguments(self, seconds: f64) -> Vec<String> {
        let (rate, window) = match self.pace {
            Pace::PerSecond(rate) => (rate.to_string(), 1),
            Pace::UnderWay(window) => ("max".to_owned(), window),
        };
        let words = ["--subscribers", &self.subscribers.to_string(), "--rate", &rate];
        let more = ["--window", &window.to_string(), "--seconds", &seconds.to_string()];
        words.into_iter().chain(more).map(str::to_owned).collect()
    }
}

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum System {
    Peer(Peer),
    Ours,
    OursAcknowledged,
}

impl System {
    fn name(self) -> &'static str {
        match self {
            System::Peer(peer) => peer.name(),
            System::Ours => "Sinew",
            System::OursAcknowledged => "Sinew, acknowledged",
        }
    }
}

/// What one kind of slice gave over the rounds.
#[derive(Default)]
struct Seen {
    figures: Figures,
    max_ms: Series,
    updates: Series,
    delivered: Series,
    connection_kib: Series,
    storm_s: Series,
}

impl Seen {
    fn add(&mut self, slice: &Value) {
        self.figures.add(slice);
        for (series, name) in [
            (&mut self.max_ms, "max_ms"),
            (&mut self.updates, "updates_per_second"),
            (&mut self.delivered, "delivered"),
            (&mut self.connection_kib, "connection_kib"),
            (&mut self.storm_s, "storm_s"),
        ] {
            if let Some(value) = slice[name].as_f64() {
                series.add(value);
            }
        }
    }
}

/// The parts of the benchmark, each of which can be had alone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parts {
    pub(crate) fanout: bool,
    pub(crate) map: bool,
    pub(crate) crowd: bool,
}

impl Parts {
    pub(crate) fn any(self) -> bool {
        self.fanout || self.map || self.crowd
    }
}

pub(crate) fn run(plan: &Plan, parts: Parts) -> Result<(), String> {
    println!("\n== state synchronisation, {} rounds; server and load on a CPU each", plan.rounds);
    println!("Sinew: SQLite, journal_mode=WAL, synchronous=FULL; told after the commit");
    let mut goals = Goals::default();
    if parts.fanout {
        fanout(plan, &mut goals)?;
    }
    if parts.map {
        map(plan, &mut goals)?;
    }
    if parts.crowd {
        crowd(plan, &mut goals)?;
    }
    goals.print();
    Ok(())
}

/// From a write to the subscribers of one document.
fn fanout(plan: &Plan, goals: &mut Goals) -> Result<(), String> {
    let peers = installed(&Peer::ALL);
    let mut systems: Vec<System> = peers.into_iter().map(System::Peer).collect();
    systems.extend([System::Ours, System::OursAcknowledged]);
    let mut seen: Vec<(System, [Seen; CELLS.len()])> =
        systems.into_iter().map(|system| (system, Default::default())).collect();
    let seconds = plan.seconds.min(SECONDS_MAX);
    for _ in 0..plan.rounds {
        for (system, cells) in &mut seen {
            let slices = CELLS.map(|cell| cell.arguments(seconds));
            for (cell, slice) in cells.iter_mut().zip(slices_of(*system, &slices)?) {
                cell.add(&slice);
            }
        }
    }
    for (at, cell) in CELLS.iter().enumerate() {
        println!("\n{}", cell.label());
        let p99 = "p99 to bare";
        header(&[
            "",
            "deliveries/s",
            "p50 ms",
            "p99 ms",
            p99,
            "server us",
            "client us",
            "told",
            "noise",
        ]);
        let bare = &seen[0].1[at];
        for (system, cells) in &seen {
            let Seen { figures, delivered, .. } = &cells[at];
            row(&[
                system.name(),
                &figures.per_second.show(0),
                &figures.p50_ms.show(2),
                &figures.p99_ms.show(2),
                &figures.p99_ms.ratio(&bare.figures.p99_ms),
                &figures.server_us.show(2),
                &figures.client_us.show(2),
                &delivered.show(2),
                &figures.noise(),
            ]);
        }
    }
    judge_fanout(&seen, goals);
    Ok(())
}

fn judge_fanout(seen: &[(System, [Seen; CELLS.len()])], goals: &mut Goals) {
    let of = |system: System, cell: usize| {
        seen.iter().find(|(one, _)| *one == system).map(|(_, cells)| &cells[cell].figures)
    };
    let ratio = |ours: System, peer: Peer, cell: usize, of_what: fn(&Figures) -> &Series| {
        let (ours, theirs) = (of(ours, cell)?, of(System::Peer(peer), cell)?);
        of_what(ours).to(of_what(theirs))
    };
    let p99: fn(&Figures) -> &Series = |figures| &figures.p99_ms;
    let rate: fn(&Figures) -> &Series = |figures| &figures.per_second;
    for (peer, most) in [(Peer::Deepstream, 0.9), (Peer::SocketIo, 0.6)] {
        let measured = ratio(System::Ours, peer, STEADY, p99);
        let what = format!("p99 at 1 000 subscribers to {}", peer.name());
        goals.add(what, Bound::AtMost(most), measured);
    }
    for (peer, least) in [(Peer::Deepstream, 1.5), (Peer::SocketIo, 2.0), (Peer::JetStream, 2.0)] {
        let measured = ratio(System::Ours, peer, SATURATED, rate);
        let what = format!("deliveries a second to {}", peer.name());
        goals.add(what, Bound::AtLeast(least), measured);
    }
    let measured = ratio(System::OursAcknowledged, Peer::Deepstream, SATURATED, rate);
    let what = "deliveries a second, acknowledged, to deepstream".to_owned();
    goals.add(what, Bound::AtLeast(1.0), measured);
}

/// Durable writes of items of one map.
fn map(plan: &Plan, goals: &mut Goals) -> Result<(), String> {
    println!("\n== one map: durable item writes; the lag is from the request to each subscriber");
    let seconds = plan.seconds.min(SECONDS_MAX);
    let systems = [System::Ours, System::OursAcknowledged];
    let cells: Vec<Cell> = MAPS
        .iter()
        .flat_map(|&(subscribers, rate)| {
            let paces = [Pace::PerSecond(rate), Pace::UnderWay(ITEMS_UNDER_WAY)];
            paces.map(|pace| Cell { subscribers, pace })
        })
        .collect();
    let mut seen: Vec<Vec<Seen>> =
        systems.iter().map(|_| cells.iter().map(|_| Seen::default()).collect()).collect();
    for _ in 0..plan.rounds {
        for (system, seen) in systems.iter().zip(&mut seen) {
            let object = ["--object", "map"].map(str::to_owned);
            let slices: Vec<Vec<String>> =
                cells.iter().map(|cell| [&cell.arguments(seconds)[..], &object].concat()).collect();
            for (seen, slice) in seen.iter_mut().zip(slices_of(*system, &slices)?) {
                seen.add(&slice);
            }
        }
    }
    header(&["", "items/s", "deliveries/s", "lag p50 ms", "p99 ms", "max ms", "told", "noise"]);
    for (system, seen) in systems.iter().zip(&seen) {
        for (cell, seen) in cells.iter().zip(seen) {
            let Seen { figures, max_ms, updates, delivered, .. } = seen;
            row(&[
                &format!("{}, {}", system.name(), cell.label()),
                &updates.show(0),
                &figures.per_second.show(0),
                &figures.p50_ms.show(2),
                &figures.p99_ms.show(2),
                &max_ms.show(1),
                &delivered.show(3),
                &figures.noise(),
            ]);
        }
    }
    for (position, (subscribers, rate)) in MAPS.into_iter().enumerate() {
        // The second cell of each pair goes as fast as it can.
        let acknowledged = &seen[1][2 * position + 1];
        let what = format!("items a second of a map with {subscribers} subscribers, acknowledged");
        goals.add(what, Bound::AtLeast(rate as f64), absolute(&acknowledged.updates));
    }
    println!();
    super::example_with("host", "sync", &[&std::env::temp_dir().to_string_lossy(), "hold"])
}

/// Ten thousand connections that follow one document.
fn crowd(plan: &Plan, goals: &mut Goals) -> Result<(), String> {
    println!("\n== {CROWD} connections that follow one document, 2 updates a second");
    let cell = Cell { subscribers: CROWD, pace: Pace::PerSecond(2) };
    let mut slice = cell.arguments(plan.seconds.min(CROWD_SECONDS));
    slice.extend(["--storm", "yes"].map(str::to_owned));
    let systems = [System::Peer(Peer::Bare), System::Ours, System::OursAcknowledged];
    let mut seen = systems.map(|_| Seen::default());
    for _ in 0..plan.rounds {
        for (system, seen) in systems.iter().zip(&mut seen) {
            let slices = slices_of(*system, std::slice::from_ref(&slice))?;
            slices.iter().for_each(|slice| seen.add(slice));
        }
    }
    let storm = "all back s";
    header(&["", "p50 ms", "p99 ms", "max ms", "KiB each", storm, "server us", "told", "noise"]);
    for (system, seen) in systems.iter().zip(&seen) {
        let Seen { figures, max_ms, delivered, connection_kib, storm_s, .. } = seen;
        row(&[
            system.name(),
            &figures.p50_ms.show(1),
            &figures.p99_ms.show(1),
            &max_ms.show(1),
            &connection_kib.show(1),
            &storm_s.show(2),
            &figures.server_us.show(2),
            &delivered.show(3),
            &figures.noise(),
        ]);
    }
    let [bare, ours, _] = &seen;
    let p99 = ours.figures.p99_ms.to(&bare.figures.p99_ms);
    goals.add(format!("p99 of {CROWD} connections to the bare loop"), Bound::AtMost(1.3), p99);
    let what = "KiB for an idle subscribed connection".to_owned();
    goals.add(what, Bound::AtMost(13.0), absolute(&ours.connection_kib));
    Ok(())
}

/// A goal that is a number, not a ratio.
fn absolute(series: &Series) -> Option<Ratio> {
    let median = series.median()?;
    Some(Ratio { median, low: series.lowest()?, high: series.highest()? })
}

/// Those that this machine can run.
fn installed(peers: &[Peer]) -> Vec<Peer> {
    let runs = |peer: &Peer| match peer.install() {
        Ok(()) => true,
        Err(reason) => {
            println!("SKIPPED {}: {reason}", peer.name());
            false
        }
    };
    peers.iter().copied().filter(runs).collect()
}

/// A fresh server, and one slice on it after the other.
fn slices_of(system: System, slices: &[Vec<String>]) -> Result<Vec<Value>, String> {
    let quiet = quiet::wait();
    let figures: Vec<Value> = match system {
        System::Peer(peer) => {
            let started = peer.start()?;
            let mut whom = vec!["--protocol".to_owned(), peer.protocol().to_owned()];
            whom.extend(["--address".to_owned(), started.address.to_string()]);
            let process = [("SERVER_PROCESS", started.process().to_string())];
            let run = |slice: &Vec<String>| load(&[&whom[..], slice].concat(), &process);
            slices.iter().map(run).collect::<Result<_, _>>()?
        }
        System::Ours | System::OursAcknowledged => {
            let scratch = Scratch::new("sync");
            let settings =
                Settings { cpu: Some(SERVER_CPU), ..Settings::in_folder(scratch.path()) };
            let server = Server::start(&settings)?;
            let acknowledge = if system == System::Ours { "no" } else { "yes" };
            let whom = ["--protocol", "twilsock", "--acknowledge", acknowledge].map(str::to_owned);
            let mut environment = server.environment();
            environment.push(("SERVER_PROCESS", server.process().to_string()));
            let run = |slice: &Vec<String>| {
                load(&[&whom[..], slice].concat(), &environment).map_err(|error| {
                    format!("{error}\nthe server's log ends with:\n{}", server.log_tail())
                })
            };
            let figures = slices.iter().map(run).collect::<Result<_, _>>()?;
            server.stop()?;
            figures
        }
    };
    for (slice, figures) in slices.iter().zip(&figures) {
        let of = |name: &str| figures[name].as_f64().unwrap_or_default();
        let (rate, p50, p99) = (of("per_second"), of("p50_ms"), of("p99_ms"));
        let slice = slice.join(" ");
        println!("  {}: {slice}: {rate:.0}/s, {p50:.2} / {p99:.2} ms", system.name());
    }
    let noted = figures.into_iter().map(|mut slice| {
        let is_noisy = quiet == Quiet::Noisy || slice["noisy"] == true;
        slice["noisy"] = Value::Bool(is_noisy);
        slice
    });
    Ok(noted.collect())
}

fn load(arguments: &[String], environment: &[(&'static str, String)]) -> Result<Value, String> {
    let program = paths::target().join("release/bench");
    let mut command: Command = pinned(LOAD_CPU, &program.to_string_lossy());
    command.arg("fanout").args(arguments).envs(environment.iter().cloned());
    command.stdin(Stdio::null()).stderr(Stdio::inherit());
    let output = command.output().map_err(|error| format!("the load client: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let last = text.lines().last().unwrap_or_default();
    match output.status.success() {
        true => serde_json::from_str(last).map_err(|error| format!("{last:?}: {error}")),
        false => Err(format!("bench fanout {} failed", arguments.join(" "))),
    }
}
