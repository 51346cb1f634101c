//! The command `sinew`.

use clap::{Parser, Subcommand, error::ErrorKind};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use sinew::{
    Config, Flags, Given, ServeError, config::DEFAULTS, doctor::DoctorFlags, replay::ReplayFlags,
};
use std::{io::Write as _, process::ExitCode};
use tokio::signal::unix::{SignalKind, signal};

/// A request makes and drops some hundred small values on one thread: with this allocator a whole
/// life of a task takes about a tenth less processor time than with the system's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// An omnichannel contact centre that answers the incumbent's SDKs.
#[derive(Parser)]
#[command(name = "sinew", version, about)]
struct Command {
    #[command(subcommand)]
    subcommand: Sub,
}

#[derive(Subcommand)]
enum Sub {
    /// Serves HTTP and WebSocket until SIGTERM.
    Serve(Box<Flags>),
    /// Leads recorded traffic through another workflow configuration; reads only.
    Replay(Box<ReplayFlags>),
    /// Looks at a store and its encryption.
    Doctor(Box<DoctorFlags>),
    /// About the configuration file.
    Config {
        /// Prints a file with every key and its default.
        #[arg(long, required = true)]
        print_defaults: bool,
    },
}

fn main() -> ExitCode {
    let command = match Command::try_parse() {
        Ok(command) => command,
        Err(error) => return usage(&error),
    };
    match command.subcommand {
        Sub::Serve(flags) => match serve(&flags.and_environment()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => refuse(&error),
        },
        Sub::Replay(flags) => match sinew::replay::run(&flags) {
            Ok(told) => {
                // Whoever reads may have stopped reading.
                _ = writeln!(std::io::stdout(), "{told}");
                ExitCode::SUCCESS
            }
            Err(error) => refuse(&error),
        },
        Sub::Doctor(flags) => match sinew::doctor::run(&flags, &mut std::io::stdout().lock()) {
            Ok(health) => health.into(),
            Err(error) => refuse(&error),
        },
        Sub::Config { .. } => {
            print!("{DEFAULTS}");
            ExitCode::SUCCESS
        }
    }
}

/// Help and version as they are; a mistake in one line.
fn usage(error: &clap::Error) -> ExitCode {
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        print!("{error}");
        return ExitCode::SUCCESS;
    }
    let text = error.to_string();
    let text = text.split("\n\n").next().unwrap_or_default().replace('\n', " ");
    refuse(&format!("{} (see sinew --help)", text.trim_start_matches("error: ").trim()))
}

fn refuse(error: &dyn std::fmt::Display) -> ExitCode {
    eprintln!("sinew: {}", error.to_string().replace('\n', " "));
    ExitCode::from(2)
}

/// As many connections as the machine's owner allows, not only as many as a shell does at first:
/// agents' sockets and callbacks that wait for an answer are one file each.
fn allow_open_files() {
    let limit = getrlimit(Resource::Nofile);
    if setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).is_err() {
        tracing::warn!(now = ?limit.current, "the limit of open files cannot be raised");
    }
}

fn serve(flags: &Flags) -> Result<(), ServeError> {
    let config = Config::load(flags)?;
    sinew::logging::start(&config)?;
    sinew::panics::keep_messages_inside();
    allow_open_files();
    if config.encryption.is_some() {
        sinew::keep_memory_inside();
    }
    // A thread for each processor: a partition decides on one, the edge uses them all.
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.expect("the operating system gives a runtime its event queue");
    runtime.block_on(async {
        let mut term = signal(SignalKind::terminate()).expect("SIGTERM can be listened to");
        let mut int = signal(SignalKind::interrupt()).expect("SIGINT can be listened to");
        let running = sinew::serve(config, &Given::from_env()).await?;
        if let Some(file) = &running.credentials {
            let file = file.display();
            tracing::info!(%file, "first start: credentials were drawn and written");
        }
        let mut out = std::io::stdout();
        // Whoever started us may have stopped reading: no reason to stop serving.
        _ = writeln!(out, "sinew ready {}", running.url).and_then(|()| out.flush());
        tokio::select! {
            _ = term.recv() => {}
            _ = int.recv() => {}
        }
        tracing::info!("stopping");
        running.stop().await;
        Ok(())
    })
}
