//! What counting costs a life of a task: `cargo run --release -p report --example counting`.

// A benchmark measures real time; the ban is for the engine.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

use base::{Millis, Sid, Timestamp};
use report::{Fact, Outcome, Place, Recorder, What, encode};
use std::time::Instant;

const LIVES: u128 = 400_000;

fn main() {
    for (queues, workers) in [(10, 100), (500, 10_000), (5_000, 10_000)] {
        measure(queues, workers);
    }
}

fn measure(queues: u128, workers: u128) {
    let mut recorder = Recorder::new(Sid::new(*b"WS", 1));
    let (mut bytes, mut rows) = (0, 0);
    let started = Instant::now();
    for n in 0..LIVES {
        // A thousand lives a second.
        let now = Timestamp(1_767_225_600_000 + n as i64);
        for facts in life(n, queues, workers) {
            bytes += encode(now, &facts).len();
            recorder.add(now, &facts);
        }
        while recorder.next_deadline().is_some_and(|at| at <= now) {
            rows += recorder.portion(now).len();
        }
    }
    let ns = started.elapsed().as_nanos() / LIVES;
    println!(
        "{queues} queues, {workers} workers: {ns} ns a life, {} bytes of facts, {:.4} rows",
        bytes / LIVES as usize,
        rows as f64 / LIVES as f64,
    );
}

/// Made and offered; taken; done.
fn life(n: u128, queues: u128, workers: u128) -> [Vec<Fact>; 3] {
    let channel = Sid::new(*b"TC", n % 3);
    let workflow = Some(Sid::new(*b"WW", n % 7));
    let nowhere = Place { queue: None, workflow, channel };
    let place = Place { queue: Some(Sid::new(*b"WQ", n % queues)), ..nowhere };
    let worker = Sid::new(*b"WK", n % workers);
    let of = |outcome| Fact { place, what: What::Reservation { worker, outcome } };
    let wait = Millis((n % 90_000) as i64);
    let accepted = Outcome::Accepted { wait, in_queue: Some(wait) };
    [
        vec![
            Fact { place: nowhere, what: What::Created },
            Fact { place, what: What::Entered },
            of(Outcome::Created),
        ],
        vec![of(accepted), Fact { place, what: What::Taken }],
        vec![Fact { place, what: What::Completed }],
    ]
}
