//! The bridge and the visitor's page over real sockets: host and engine over the memory store, the
//! router on a free port, WebSocket clients that read frames.

mod bridge;
mod chat;
mod client;
mod events;
mod twilsock;
