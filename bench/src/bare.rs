//! The smallest server that tells everybody what one says: a WebSocket library in a loop.
//!
//! * It has no state, no names, no rights and no disk, so it bounds what a service on the same
//!   library can reach on this machine.
//! * A task and a bounded queue for each connection; what waits in the queue leaves in one write.
//!
//! Runs until it is ended.

use std::sync::{Arc, Mutex, PoisonError};

use futures_util::{SinkExt, StreamExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::mpsc;
use tokio_tungstenite::accept_async_with_config;
use tokio_tungstenite::tungstenite::protocol::{Message, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Bytes, Utf8Bytes};

use crate::Options;

/// Updates that may wait for one connection.
const WAITING_MAX: usize = 64;
const READ_BUFFER_BYTES: usize = 2_048;
const BACKLOG: u32 = 4_096;

type Subscribers = Arc<Mutex<Vec<mpsc::Sender<Bytes>>>>;

/// Serves on a port of loopback, with one thread as any server has.
pub(crate) fn run(options: &Options) -> Result<serde_json::Value, String> {
    let port = u16::try_from(options.number("port")?).map_err(|_| "--port is no port")?;
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let runtime = builder.worker_threads(1).enable_all().build();
    let runtime = runtime.map_err(|error| format!("no runtime: {error}"))?;
    runtime.block_on(async { tokio::spawn(accept(port)).await.map_err(|error| error.to_string())? })
}

async fn accept(port: u16) -> Result<serde_json::Value, String> {
    let listener = listen(port).map_err(|error| format!("port {port}: {error}"))?;
    let subscribers = Subscribers::default();
    loop {
        let (stream, _) = listener.accept().await.map_err(|error| error.to_string())?;
        stream.set_nodelay(true).map_err(|error| error.to_string())?;
        tokio::spawn(serve(stream, subscribers.clone()));
    }
}

fn listen(port: u16) -> std::io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(([127, 0, 0, 1], port).into())?;
    socket.listen(BACKLOG)
}

async fn serve(stream: TcpStream, subscribers: Subscribers) {
    let buffers =
        WebSocketConfig::default().read_buffer_size(READ_BUFFER_BYTES).write_buffer_size(0);
    let Ok(socket) = accept_async_with_config(stream, Some(buffers)).await else { return };
    let (mut sink, mut source) = socket.split();
    let (queue, mut waiting) = mpsc::channel::<Bytes>(WAITING_MAX);
    tokio::spawn(async move {
        while let Some(first) = waiting.recv().await {
            if sink.feed(Message::Binary(first)).await.is_err() {
                return;
            }
            while let Ok(next) = waiting.try_recv() {
                if sink.feed(Message::Binary(next)).await.is_err() {
                    return;
                }
            }
            if sink.flush().await.is_err() {
                return;
            }
        }
    });
    while let Some(Ok(message)) = source.next().await {
        match message {
            Message::Text(text) if text == Utf8Bytes::from_static("sub") => {
                lock(&subscribers).push(queue.clone());
                _ = queue.try_send(Bytes::from_static(b"ready"));
            }
            Message::Binary(update) => publish(&subscribers, &update),
            _ => {}
        }
    }
}

fn publish(subscribers: &Subscribers, update: &Bytes) {
    lock(subscribers).retain(|queue| {
        !matches!(queue.try_send(update.clone()), Err(mpsc::error::TrySendError::Closed(_)))
    });
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
