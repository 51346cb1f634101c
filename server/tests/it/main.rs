//! The server as its callers meet it: a real socket, the embedded store, a folder of its own.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do: by a panic")]

mod caller;
mod encryption;
mod evaluate;
mod first_start;
mod follow;
mod hooks;
mod inspector;
mod last_target;
mod memory;
mod pages;
mod panics;
mod peer;
mod people;
mod program;
mod queries;
mod replays;
mod secrets;
mod settings;
mod socket;
mod store;
mod storm;
mod sync;
mod sync_edges;
mod table;
mod tls;
mod why;
mod wire;
mod work;
mod workspace;
