//! The project's own commands: `cargo xtask help` lists them.
//!
//! * Everything that CI runs is a step of `cargo xtask test`, so it runs here too.
//! * Compiles in seconds: few dependencies, no async runtime, its own plain HTTP client.
//! * It talks to the server as anybody else would: the binary, its one line on stdout, and HTTP.

mod bench;
mod count;
mod crash;
mod customers;
mod demo;
mod demo_state;
mod http;
mod layers;
mod parameters;
mod paths;
mod rust_text;
mod scratch;
mod server;
mod setup;
mod step;
mod test;
mod tidy;

use std::process::ExitCode;

const HELP: &str = "\
cargo xtask test [STEP...]      all that CI runs; with names, only the steps whose name holds one
cargo xtask demo [--customers] [--listen ADDR]
                                a small contact centre on http://127.0.0.1:8080, until Ctrl-C
cargo xtask bench [NAME...]     benchmarks beside their peers: engine, server, durable, cold, size,
                                decisions, scale; routing is decisions, scale and server
                                (--workers 100,1000,10000 --callers 64,200 --rounds 5 --seconds 10
                                --only lives|latency; --quick; --build-time)
cargo xtask sim SEED [--trace]  runs one simulation seed and prints its script
cargo xtask sim --seeds N       the first N seeds on all cores, or FROM..TO; each twice
cargo xtask sim --nightly       new seeds until it is interrupted; prints seeds per hour
cargo xtask crash [SEED]        kill -9 at 100 random moments under load (part of `test`)
cargo xtask parameters [--write]
                                which test shows each published parameter; writes the table
cargo xtask tidy                file and function lengths, module docs, left-overs
cargo xtask layers              crate arrows against xtask/layers.toml
cargo xtask help                this text";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let rest = arguments.get(1..).unwrap_or_default();
    let done = match arguments.first().map(String::as_str) {
        Some("test") => test::run(rest),
        Some("demo") => demo::run(rest),
        Some("bench") => bench::run(rest),
        Some("sim") => test::sim(rest),
        Some("crash") => crash::run(rest),
        Some("parameters") => parameters::run(rest),
        Some("tidy") => report("tidy", tidy::check()),
        Some("layers") => report("layers", layers::check()),
        None | Some("help" | "--help" | "-h") => {
            println!("{HELP}");
            Ok(())
        }
        Some(other) => Err(format!("there is no command {other:?}\n\n{HELP}")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

/// Prints the findings of a check; none is success.
fn report(name: &str, findings: Vec<String>) -> Result<(), String> {
    if findings.is_empty() {
        println!("{name}: nothing found");
        return Ok(());
    }
    Err(format!("{}\n{name}: {} found", findings.join("\n"), findings.len()))
}
