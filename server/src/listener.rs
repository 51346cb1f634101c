//! Connections: accepted, spoken to in HTTP/1.1 (with or without TLS), and ended in order.
//!
//! * Stopping lets requests in flight finish; idle connections end at once.
//! * One slow or hostile connection holds nothing but itself: headers have a time limit.
//! * A connection that ends after an answer says so in it, or a client would lose what it asks
//!   next: see `body`.

use crate::{
    body,
    config::{ConfigError, TlsFiles},
    front::{Front, OpenConnection},
};
use api::Connection;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::{
    convert::Infallible,
    io,
    net::SocketAddr,
    path::Path,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpSocket, TcpStream},
    sync::watch,
    task::JoinSet,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        self,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    },
};

/// From the end of one request to the headers of the next; also the longest idle connection.
const HEADERS_LIMIT: Duration = Duration::from_secs(75);
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);
/// How long requests in flight may take once the server stops.
const DRAIN_LIMIT: Duration = Duration::from_secs(5);
/// Connections that wait to be accepted; one more is tried again by its client's system a second
/// later. Everybody may come back at once.
const BACKLOG: u32 = 4_096;
/// After a failed accept, most likely for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// TLS from PEM files.
pub(crate) fn tls(files: &TlsFiles) -> Result<TlsAcceptor, ConfigError> {
    let chain = certificates("tls-cert", &files.cert)?;
    let key = PrivateKeyDer::from_pem_slice(&read("tls-key", &files.key)?)
        .map_err(|error| refused("tls-key", &files.key, &error))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the provider knows the default versions")
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|error| refused("tls-key", &files.key, &error))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// The certificates of a PEM file, one at least.
pub(crate) fn certificates(
    option: &str,
    file: &Path,
) -> Result<Vec<CertificateDer<'static>>, ConfigError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&read(option, file)?).collect();
    let found = found.map_err(|error| refused(option, file, &error))?;
    if found.is_empty() {
        return Err(refused(option, file, &"holds no certificate"));
    }
    Ok(found)
}

fn read(option: &str, file: &Path) -> Result<Vec<u8>, ConfigError> {
    std::fs::read(file).map_err(|error| refused(option, file, &error))
}

fn refused(option: &str, file: &Path, why: &dyn std::fmt::Display) -> ConfigError {
    ConfigError(format!("--{option}: {}: {why}", file.display()))
}

/// Accepts until told to stop, then waits for what is in flight.
pub(crate) async fn run(
    listener: TcpListener,
    acceptor: Option<TlsAcceptor>,
    front: Front,
    mut stop: watch::Receiver<bool>,
) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = stopped(&mut stop) => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    let talk = talk(stream, peer, acceptor.clone(), front.clone(), stop.clone());
                    connections.spawn(talk);
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
    drop(listener);
    let drained = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(DRAIN_LIMIT, drained).await.is_err() {
        tracing::warn!(left = connections.len(), "connections were cut while a request ran");
    }
}

async fn talk(
    stream: TcpStream,
    peer: SocketAddr,
    acceptor: Option<TlsAcceptor>,
    front: Front,
    stop: watch::Receiver<bool>,
) {
    let open = Arc::new(front.connected());
    // Answers are written whole: waiting for more only delays them.
    if stream.set_nodelay(true).is_err() {
        return;
    }
    match acceptor {
        None => {
            serve(Counted::new(stream, open), Connection { peer, tls: false }, front, stop).await
        }
        Some(acceptor) => {
            let handshake = tokio::time::timeout(HANDSHAKE_LIMIT, acceptor.accept(stream)).await;
            let Ok(Ok(stream)) = handshake else { return };
            let stream = Counted::new(stream, open);
            serve(stream, Connection { peer, tls: true }, front, stop).await;
        }
    }
}

async fn serve<S>(
    stream: Counted<S>,
    connection: Connection,
    front: Front,
    mut stop: watch::Receiver<bool>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let open = stream.open.clone();
    let service = service_fn(move |request: http::Request<Incoming>| {
        let (front, open) = (front.clone(), open.clone());
        async move {
            let (head, body) = request.into_parts();
            let (body, rest) = body::lend(body);
            let request = http::Request::from_parts(head, body);
            let mut response = front.answer(request, connection).await;
            rest.finish(&mut response).await;
            if response.status() == http::StatusCode::SWITCHING_PROTOCOLS {
                open.becomes_socket();
            }
            Ok::<_, Infallible>(response)
        }
    });
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS_LIMIT)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut serving = std::pin::pin!(serving);
    let ended = tokio::select! {
        ended = serving.as_mut() => ended,
        () = stopped(&mut stop) => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// A stream that is counted as long as anybody holds it, HTTP or the socket it became.
struct Counted<S> {
    stream: S,
    open: Arc<OpenConnection>,
}

impl<S> Counted<S> {
    fn new(stream: S, open: Arc<OpenConnection>) -> Self {
        Self { stream, open }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Counted<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Counted<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

/// Ends when the server is to stop, or nobody is left to say so.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    _ = stop.wait_for(|stop| *stop).await;
}

/// Binds, and says in one line why not.
pub(crate) fn bind(address: SocketAddr) -> Result<TcpListener, ConfigError> {
    listen(address).map_err(|error: io::Error| {
        let why = match error.kind() {
            io::ErrorKind::AddrInUse => "the address is in use".to_owned(),
            _ => error.to_string(),
        };
        ConfigError(format!("--listen: cannot listen on {address}: {why}"))
    })
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // As for any server on this system: the address of one that just ended may be used again.
    socket.set_reuseaddr(cfg!(unix))?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}
