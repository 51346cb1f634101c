//! The server as its callers meet it: a real socket, the embedded store, a folder of its own.

mod caller;
mod evaluate;
mod first_start;
mod pages;
mod people;
mod program;
mod secrets;
mod table;
mod wire;
