//! Sinew beside what a team could build on: the PostgreSQL router, BullMQ on Redis, and itself with
//! durability switched off. Whole lives of tasks, and created to pushed at fixed rates.
//!
//! * Numbers of workers take turns as systems do, so that flatness is a ratio of one run too.
//! * Each system is asked how it syncs before it is measured: all answer after the disk has it, but
//!   for the one whose durability is switched off.
//! * Each figure is printed when it is there; a run that is cut short has told what it saw.

use super::bullmq::BullMq;
use super::goals::{Bound, Goals};
use super::peers::Postgres;
use super::series::{Ratio, header, row};
use super::server::{Figures, bare, with_server};
use super::{Part, Plan, Series};

const RATES: [Rate; 2] = [
    Rate { per_second: 100, p50_max: 0.5, p99_max: 0.75 },
    Rate { per_second: 400, p50_max: 0.4, p99_max: 0.5 },
];
/// Fewer samples and one stall of the disk decides a p99.
const SAMPLES_MIN: f64 = 1_000.0;
/// Of a slice this much is counted, ours and the peer's.
const COUNTED: f64 = 0.8;
/// The bare disk needs no long look.
const FLOOR_SECONDS: f64 = 3.0;
/// The PostgreSQL router is bimodal: what is less says little about it.
const ROUNDS_ASKED: usize = 5;
const SECONDS_ASKED: f64 = 10.0;

/// A rate of new tasks, and how our latency must stand to the peer's.
struct Rate {
    per_second: usize,
    p50_max: f64,
    p99_max: f64,
}

pub(crate) fn run(plan: &Plan) -> Result<(), String> {
    println!("\n== beside peers: {} slices of {} s each", plan.rounds, plan.seconds);
    if plan.rounds < ROUNDS_ASKED || plan.seconds < SECONDS_ASKED {
        println!(
            "AN INDICATION ONLY: the goals ask for {ROUNDS_ASKED} slices of {SECONDS_ASKED} s"
        );
    }
    let postgres = found("the PostgreSQL router", Postgres::start());
    println!("Sinew: SQLite, journal_mode=WAL, synchronous=FULL");
    if let Some(postgres) = &postgres {
        println!("PostgreSQL: {}", postgres.durability()?);
    }
    let mut goals = Goals::default();
    if plan.wants(Part::Lives) {
        let bullmq = found("BullMQ", BullMq::install());
        if bullmq.is_some() {
            println!("Redis: appendonly=yes, appendfsync=always");
        }
        lives(plan, postgres.as_ref(), bullmq.as_ref(), &mut goals)?;
    }
    if plan.wants(Part::Latency) {
        latency(plan, postgres.as_ref(), &mut goals)?;
    }
    goals.print();
    Ok(())
}

/// A peer, or the reason why there is none.
fn found<T>(name: &str, peer: Result<T, String>) -> Option<T> {
    match peer {
        Ok(peer) => Some(peer),
        Err(reason) => {
            println!("SKIPPED {name}: {reason}");
            None
        }
    }
}

/// Whole lives in a closed loop, with one number of workers.
struct Lives {
    workers: usize,
    /// By the number of callers, in the order they were asked for.
    ours: Vec<(usize, Figures)>,
    undurable: Figures,
    postgres: Figures,
    bullmq: Figures,
}

impl Lives {
    fn new(plan: &Plan, workers: usize) -> Lives {
        Lives {
            workers,
            ours: plan.callers.iter().map(|callers| (*callers, Figures::default())).collect(),
            undurable: Figures::default(),
            postgres: Figures::default(),
            bullmq: Figures::default(),
        }
    }

    fn round(
        &mut self,
        plan: &Plan,
        postgres: Option<&Postgres>,
        bullmq: Option<&BullMq>,
    ) -> Result<(), String> {
        let (workers, seconds) = (self.workers.to_string(), plan.seconds.to_string());
        let said = |system: &str, figures: &Figures| {
            let rate = figures.per_second.last().unwrap_or_default();
            println!("  {workers} workers, {system}: {rate:.0} lives/s");
        };
        let sinew = |callers: usize, options: &[&str]| {
            let callers = callers.to_string();
            let slice = ["lives", "--workers", &workers, "--callers", &callers];
            with_server(&[&slice[..], &["--seconds", &seconds]].concat(), options)
        };
        for (callers, figures) in &mut self.ours {
            figures.add(&sinew(*callers, &[])?);
            said(&format!("Sinew, {callers} callers"), figures);
        }
        self.undurable.add(&sinew(plan.judged_callers(), &["--store", "memory"])?);
        said("Sinew in memory", &self.undurable);
        if let Some(peer) = postgres {
            self.postgres.add(&peer.slice(self.workers, "throughput", plan.seconds, 0)?);
            said("PostgreSQL router", &self.postgres);
        }
        if let Some(peer) = bullmq {
            self.bullmq.add(&peer.slice(self.workers, plan.seconds)?);
            said("BullMQ", &self.bullmq);
        }
        Ok(())
    }

    /// The figures that goals are about.
    fn judged(&self) -> &Series {
        &self.ours.last().expect("a plan has callers").1.per_second
    }

    fn print(&self, callers: usize) {
        let line = |system: &str, figures: &Figures| {
            let ratio = self.judged().to(&figures.per_second);
            let label = format!("{} workers, {system}", self.workers);
            let ratio = ratio.map_or("-".to_owned(), |ratio: Ratio| ratio.to_string());
            let (server, client) = (figures.server_us.show(0), figures.client_us.show(0));
            let rate = figures.per_second.show(0);
            row(&[&label, &rate, &ratio, &server, &client, &figures.noise()]);
        };
        for (callers, figures) in &self.ours {
            line(&format!("Sinew, {callers} callers"), figures);
        }
        line(&format!("Sinew in memory, {callers} callers"), &self.undurable);
        line("PostgreSQL router", &self.postgres);
        line("BullMQ, always synced", &self.bullmq);
    }

    fn judge(&self, goals: &mut Goals) {
        let (workers, ours) = (self.workers, self.judged());
        let theirs = &self.postgres.per_second;
        let mut add = |what: &str, least: f64, measured: Option<Ratio>| {
            let what = format!("lives/s to {what}, {workers} workers");
            goals.add(what, Bound::AtLeast(least), measured);
        };
        add("the PostgreSQL router's median", 4.0, ours.to(theirs));
        add("the PostgreSQL router's slowest slice", 5.0, ours.to_lowest(theirs));
        add("our own without durability", 0.6, ours.to(&self.undurable.per_second));
        add("BullMQ, which matches nothing", 1.3, ours.to(&self.bullmq.per_second));
    }
}

fn lives(
    plan: &Plan,
    postgres: Option<&Postgres>,
    bullmq: Option<&BullMq>,
    goals: &mut Goals,
) -> Result<(), String> {
    println!("\n== whole lives: create, pushed, accept, complete, each durable before its answer");
    let mut all: Vec<Lives> = plan.workers.iter().map(|n| Lives::new(plan, *n)).collect();
    for round in 1..=plan.rounds {
        println!("round {round} of {}", plan.rounds);
        all.iter_mut().try_for_each(|lives| lives.round(plan, postgres, bullmq))?;
    }
    let callers = plan.judged_callers();
    let ratio = format!("Sinew, {callers} callers, to it");
    println!();
    header(&["", "lives/s", &ratio, "server us each", "client us each", "noise"]);
    all.iter().for_each(|lives| lives.print(callers));
    println!("The PostgreSQL router creates and completes, in groups, and speaks no HTTP.");
    all.iter().for_each(|lives| lives.judge(goals));
    let few = all.iter().min_by_key(|lives| lives.workers);
    let many = all.iter().max_by_key(|lives| lives.workers);
    if let (Some(few), Some(many)) = (few, many)
        && few.workers < many.workers
    {
        let what = format!("lives/s at {} workers to {} workers", many.workers, few.workers);
        goals.add(what, Bound::AtLeast(0.85), many.judged().to(few.judged()));
    }
    Ok(())
}

/// Created to pushed at one rate with one number of workers.
struct Latency {
    workers: usize,
    rate: &'static Rate,
    ours: Figures,
    postgres: Figures,
}

impl Latency {
    fn round(&mut self, plan: &Plan, postgres: Option<&Postgres>) -> Result<(), String> {
        let rate = self.rate.per_second;
        let seconds = plan.seconds.max(SAMPLES_MIN / COUNTED / rate as f64 + 0.1);
        let (workers, rated, lasts) =
            (self.workers.to_string(), rate.to_string(), seconds.to_string());
        let slice = ["latency", "--workers", &workers, "--rate", &rated, "--seconds", &lasts];
        let said = |system: &str, figures: &Figures| {
            let last = |series: &Series| series.last().unwrap_or_default();
            let (p50, p99) = (last(&figures.p50_ms), last(&figures.p99_ms));
            println!("  {workers} workers, {rate}/s, {system}: {p50:.2} / {p99:.2} ms");
        };
        self.ours.add(&with_server(&slice, &[])?);
        said("Sinew", &self.ours);
        if let Some(peer) = postgres {
            self.postgres.add(&peer.slice(self.workers, "latency", seconds, rate)?);
            said("PostgreSQL router", &self.postgres);
        }
        Ok(())
    }

    fn print(&self) {
        let line = |what: &str, of: fn(&Figures) -> &Series, cost: &str| {
            let (ours, theirs) = (of(&self.ours), of(&self.postgres));
            let label = format!("{} workers, {}/s, {what} ms", self.workers, self.rate.per_second);
            let ratio = ours.to(theirs).map_or("-".to_owned(), |ratio| ratio.to_string());
            let noise = match (self.ours.noise(), self.postgres.noise()) {
                (ours, theirs) if theirs.is_empty() => ours,
                (ours, theirs) => format!("{ours} / peer {theirs}"),
            };
            row(&[&label, &ours.show(2), &theirs.show(2), &ratio, cost, &noise]);
        };
        line("p50", |figures| &figures.p50_ms, &self.ours.server_us.show(0));
        line("p99", |figures| &figures.p99_ms, "");
    }

    fn judge(&self, goals: &mut Goals) {
        let Rate { per_second, p50_max, p99_max } = *self.rate;
        let (ours, theirs) = (&self.ours, &self.postgres);
        let mut add = |what: &str, most: f64, measured: Option<Ratio>| {
            let workers = self.workers;
            let what = format!("created to pushed at {per_second}/s, {what}, {workers} workers");
            goals.add(what, Bound::AtMost(most), measured);
        };
        add("p50", p50_max, ours.p50_ms.to(&theirs.p50_ms));
        add("p99", p99_max, ours.p99_ms.to(&theirs.p99_ms));
    }
}

fn latency(plan: &Plan, postgres: Option<&Postgres>, goals: &mut Goals) -> Result<(), String> {
    println!("\n== created -> offered: the event on an open WebSocket, for the peer the commit");
    let cells = plan.workers.iter().flat_map(|workers| RATES.iter().map(|rate| (*workers, rate)));
    let mut all: Vec<Latency> = cells
        .map(|(workers, rate)| {
            let (ours, postgres) = <(Figures, Figures)>::default();
            Latency { workers, rate, ours, postgres }
        })
        .collect();
    let mut floors: Vec<(usize, Figures)> =
        RATES.iter().map(|rate| (rate.per_second, Figures::default())).collect();
    for round in 1..=plan.rounds {
        println!("round {round} of {}", plan.rounds);
        all.iter_mut().try_for_each(|latency| latency.round(plan, postgres))?;
        for (rate, figures) in &mut floors {
            figures.add(&bare(FLOOR_SECONDS, Some(*rate))?);
        }
    }
    println!();
    header(&["", "Sinew", "PostgreSQL router", "ratio", "server us each", "noise"]);
    all.iter().for_each(Latency::print);
    for (rate, figures) in &floors {
        let (p50, p99) = (figures.p50_ms.show(2), figures.p99_ms.show(2));
        println!("one bare SQLite commit at {rate}/s: p50 {p50} ms, p99 {p99} ms");
    }
    all.iter().for_each(|latency| latency.judge(goals));
    Ok(())
}
