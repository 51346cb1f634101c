//! Start and idle memory: an empty store and a large one, beside two Node servers.
//!
//! * Measured as the peers' own script does: from the start of the process to the first accepted
//!   connection, and resident memory half a second later. Ours is also timed to its ready line,
//!   which comes when every endpoint answers.

use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::Series;
use super::peers::{Running, free_port, node_servers};
use super::quiet::{self, Quiet};
use super::series::{header, row};
use super::server::load;
use crate::scratch::Scratch;
use crate::server::{Server, Settings, resident_kb};

const STARTS: usize = 5;
const START_LIMIT: Duration = Duration::from_secs(20);
const WORKERS: &str = "10000";
const TASKS: &str = "100000";

/// What one kind of server needs to start and to stand idle.
#[derive(Default)]
struct Cost {
    accepts_ms: Series,
    ready_ms: Series,
    idle_mib: Series,
}

pub(crate) fn run() -> Result<(), String> {
    println!("\n== start and idle memory, {STARTS} starts each");
    let (large, made) = large_store()?;
    let empty = Scratch::new("empty");
    let empty = Settings::in_folder(empty.path());
    let (mut first, mut later, mut full) = <(Cost, Cost, Cost)>::default();
    let mut peers = node_servers();
    peers.retain(|(name, command)| match command {
        Ok(_) => true,
        Err(reason) => {
            println!("SKIPPED {name}: {reason}");
            false
        }
    });
    let mut theirs: Vec<Cost> = peers.iter().map(|_| Cost::default()).collect();
    // Once unmeasured, so that the account is there as on every later start.
    Server::start(&empty)?.stop()?;
    let mut noisy = 0;
    for _ in 0..STARTS {
        noisy += usize::from(quiet::wait() == Quiet::Noisy);
        let fresh = Scratch::new("fresh");
        ours(&Settings::in_folder(fresh.path()), &mut first, None)?;
        ours(&empty, &mut later, None)?;
        for ((_, command), cost) in peers.iter().zip(&mut theirs) {
            peer(command.as_ref().expect("those without are gone"), cost)?;
        }
        ours(&large.settings, &mut full, Some(&made))?;
    }
    header(&["", "first connection ms", "ready ms", "idle MiB"]);
    show("Sinew, very first start (makes the store and its account)", &first);
    show("Sinew, empty store", &later);
    show(&format!("Sinew, {WORKERS} workers, {TASKS} open tasks"), &full);
    for ((name, _), cost) in peers.iter().zip(&theirs) {
        show(name, cost);
    }
    for ((name, _), cost) in peers.iter().zip(&theirs) {
        let ready = later.ready_ms.ratio(&cost.accepts_ms);
        let memory = later.idle_mib.ratio(&cost.idle_mib);
        println!("empty store to {name}: ready in {ready} of its start, memory {memory}");
    }
    if noisy > 0 {
        println!("NOISY before {noisy} of {STARTS} rounds");
    }
    Ok(())
}

/// A store as after weeks of work, made by REST.
struct Large {
    settings: Settings,
    _folder: Scratch,
}

fn large_store() -> Result<(Large, Value), String> {
    let folder = Scratch::new("full");
    let settings = Settings::in_folder(folder.path());
    let server = Server::start(&settings)?;
    let made = load(Some(&server), &["fill", "--workers", WORKERS, "--tasks", TASKS]);
    let made = made.map_err(|error| format!("{error}\n{}", server.log_tail()))?;
    server.stop()?;
    let seconds = made["seconds"].as_f64().unwrap_or_default();
    println!("the large store was made by REST in {seconds:.0} s");
    Ok((Large { settings, _folder: folder }, made))
}

fn show(label: &str, cost: &Cost) {
    let (accepts, ready) = (cost.accepts_ms.show(1), cost.ready_ms.show(1));
    row(&[label, &accepts, &ready, &cost.idle_mib.show(1)]);
}

/// One start; with `made`, a task of the large store must be there, or the start was worth nothing.
fn ours(settings: &Settings, cost: &mut Cost, made: Option<&Value>) -> Result<(), String> {
    let mut settings = settings.clone();
    let port = free_port()?;
    settings.listen = format!("127.0.0.1:{port}");
    let started = Instant::now();
    let accepted = std::thread::spawn(move || accepted(port, started));
    let server = Server::start(&settings)?;
    cost.ready_ms.add(server.ready_in.as_secs_f64() * 1e3);
    let accepted = accepted.join().expect("connecting does not panic")?;
    cost.accepts_ms.add(accepted.as_secs_f64() * 1e3);
    std::thread::sleep(Duration::from_millis(500));
    cost.idle_mib.add(server.resident_kb().ok_or("no resident memory")? as f64 / 1024.0);
    if let Some(made) = made {
        let text = |name: &str| made[name].as_str().unwrap_or_default();
        let (workspace, task) = (text("workspace"), text("task"));
        let task = ["--workspace", workspace, "--task", task, "--attributes", text("attributes")];
        load(Some(&server), &[&["look"], &task[..]].concat())?;
    }
    server.stop()
}

fn peer(command: &[String], cost: &mut Cost) -> Result<(), String> {
    let port = free_port()?;
    let mut process = Command::new(&command[0]);
    process.args(&command[1..]).arg(port.to_string());
    process.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let started = Instant::now();
    let child = process.spawn().map_err(|error| format!("{}: {error}", command[0]))?;
    let running = Running(child);
    cost.accepts_ms.add(accepted(port, started)?.as_secs_f64() * 1e3);
    std::thread::sleep(Duration::from_millis(500));
    let resident = resident_kb(running.0.id()).ok_or("no resident memory")?;
    cost.idle_mib.add(resident as f64 / 1024.0);
    Ok(())
}

/// How long it took until a connection was accepted.
fn accepted(port: u16, started: Instant) -> Result<Duration, String> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    while started.elapsed() < START_LIMIT {
        if TcpStream::connect_timeout(&address, Duration::from_millis(200)).is_ok() {
            return Ok(started.elapsed());
        }
        std::thread::sleep(Duration::from_micros(500));
    }
    Err(format!("nothing accepted a connection on port {port}"))
}
