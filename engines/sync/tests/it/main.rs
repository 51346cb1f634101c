//! What a bucket does, command by command, and what it promises whatever comes.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod disk;
mod model;
mod properties;
mod scenarios;
