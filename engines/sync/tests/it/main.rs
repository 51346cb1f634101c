//! What a bucket does, command by command, and what it promises whatever comes.

mod disk;
mod model;
mod properties;
mod scenarios;
