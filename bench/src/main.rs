//! The load client and the benchmarks: what `cargo xtask bench` runs beside its peers.
//!
//! * Knows the server by its contract alone: the binary, its options, HTTP and the event socket.
//! * Systems that are compared take turns in short slices of one run; only medians, ranges and
//!   ratios of one run are printed.
//! * A slice during which the machine did other work says so; figures are never judged by time.
//! * Nothing is installed or built here: that is `cargo xtask bench`.

mod board;
mod centre;
mod floor;
mod http;
mod machine;
mod options;
mod peer;
mod report;
mod serving;
mod sinew;
mod slices;
mod sockets;
mod starting;
mod stats;
mod token;

use std::process::ExitCode;

use options::{Benchmark, Options};

fn main() -> ExitCode {
    let done = Options::parse(std::env::args().skip(1)).and_then(|options| {
        // One thread: on two cores the server needs the other one.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| format!("no runtime: {error}"))?;
        let local = tokio::task::LocalSet::new();
        match options.benchmark {
            Benchmark::Server => local.block_on(&runtime, serving::run(&options)),
            Benchmark::Start => local.block_on(&runtime, starting::run(&options)),
        }
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}
