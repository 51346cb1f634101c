//! One HTTP request: to a checked address, without redirects, with a bounded answer.
//!
//! * Every request looks its host up and checks where it leads; a connection that is used again
//!   leads to an address that this look-up allowed.
//! * A request has its connection for itself; nothing runs on when it is dropped.
//! * Certificates are checked against the machine's authorities and those the operator adds.
//! * How long a request may take is the caller's business; [`SILENCE_MAX`] only frees what hangs.

use crate::{
    guard::{Guard, Unreachable},
    pool::{Connection, Origin, Pool},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{Request, Uri, header};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::{
    body::{Body as _, Incoming},
    client::conn::http1,
};
use hyper_util::rt::TokioIo;
use std::{
    net::{IpAddr, SocketAddr},
    sync::{Arc, OnceLock},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::{
    TlsConnector,
    rustls::{
        ClientConfig, RootCertStore,
        crypto::ring,
        pki_types::{CertificateDer, ServerName},
    },
};

/// Bytes of an answer that are read at most.
pub(crate) const ANSWER_MAX: usize = 64 * 1024;
/// How long one connection attempt may take.
const CONNECT_MAX: Duration = Duration::from_secs(4);
/// How long the rest of an answer is waited for of which only the status matters: what takes longer
/// costs the connection.
const REST_MAX: Duration = Duration::from_millis(100);
/// By the machine's clock, however slowly another clock goes.
pub(crate) const SILENCE_MAX: Duration = Duration::from_secs(60);

/// Makes requests; clones are the same.
#[derive(Clone)]
pub(crate) struct Client {
    guard: Guard,
    /// Authorities beside the machine's.
    roots: Arc<[CertificateDer<'static>]>,
    tls: Arc<OnceLock<TlsConnector>>,
    pool: Arc<Pool>,
}

/// What is posted.
pub(crate) struct Post<'a> {
    pub(crate) url: &'a str,
    pub(crate) form: String,
    pub(crate) signature: String,
    /// The same whenever the same thing is told again.
    pub(crate) key: String,
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) content_type: String,
    /// `None` where more came than is read.
    pub(crate) body: Option<Bytes>,
}

/// How much of an answer is wanted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// Whether it was heard.
    Status,
    /// All of it, within bounds.
    Body,
}

/// Why nothing came back.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// It is no URL that can be called.
    Url(String),
    /// It leads where callbacks may not go.
    Private(IpAddr),
    /// Whatever may be better the next time.
    Failed(String),
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Url(why) => write!(f, "The URL cannot be called: {why}"),
            Self::Private(ip) => write!(
                f,
                "The URL leads to {ip}, which callbacks may not reach \
                 (see --allow-private-callbacks)"
            ),
            Self::Failed(why) => f.write_str(why),
        }
    }
}

/// A URL in parts.
struct Target {
    origin: Origin,
    path: String,
    authority: String,
    authorization: Option<String>,
}

impl Client {
    pub(crate) fn new(guard: Guard, roots: Vec<CertificateDer<'static>>) -> Self {
        Self { guard, roots: roots.into(), tls: Arc::default(), pool: Arc::default() }
    }

    /// Ends connections that nobody used for a while.
    pub(crate) fn sweep(&self) {
        self.pool.sweep();
    }

    /// Posts a form.
    pub(crate) async fn post(&self, post: Post<'_>, wanted: Wanted) -> Result<Answer, Trouble> {
        let target = Target::parse(post.url)?;
        let addresses = self.guard.resolve(&target.origin.host, target.origin.port).await;
        let addresses = addresses.map_err(|why| match why {
            Unreachable::Private(ip) => Trouble::Private(ip),
            Unreachable::Unknown(why) => Trouble::Failed(format!("{}: {why}", target.origin.host)),
        })?;
        let request = target.request(post)?;
        let talking = self.talk(&target.origin, &addresses, request, wanted);
        let talked = tokio::time::timeout(SILENCE_MAX, talking).await;
        talked.unwrap_or_else(|_| Err(Trouble::Failed("no answer".to_owned())))
    }

    /// Over a connection that is there, else over a new one. The other side may end an idle
    /// connection at the very moment it is used: what got no answer at all that way is sent again,
    /// which its token allows.
    async fn talk(
        &self,
        origin: &Origin,
        addresses: &[SocketAddr],
        request: Request<Full<Bytes>>,
        wanted: Wanted,
    ) -> Result<Answer, Trouble> {
        if let Some(mut connection) = self.pool.take(origin, addresses) {
            match ask(&mut connection, request.clone(), wanted).await {
                Ok((answer, rest)) => {
                    self.keep(origin, connection, rest);
                    return Ok(answer);
                }
                Err(Unheard::Ended) => {}
                Err(Unheard::Failed(trouble)) => return Err(trouble),
            }
        }
        let mut connection = self.connect(origin, addresses).await?;
        match ask(&mut connection, request, wanted).await {
            Ok((answer, rest)) => {
                self.keep(origin, connection, rest);
                Ok(answer)
            }
            Err(Unheard::Ended) => {
                Err(Trouble::Failed("HTTP: the connection was closed without an answer".to_owned()))
            }
            Err(Unheard::Failed(trouble)) => Err(trouble),
        }
    }

    fn keep(&self, origin: &Origin, connection: Connection, rest: Rest) {
        match rest {
            Rest::Read => self.pool.keep(origin.clone(), connection),
            Rest::Left => drop(connection),
        }
    }

    async fn connect(
        &self,
        origin: &Origin,
        addresses: &[SocketAddr],
    ) -> Result<Connection, Trouble> {
        let (stream, address) = connect(addresses).await?;
        if !origin.is_tls {
            return open(stream, address).await;
        }
        let name = origin.host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let name = ServerName::try_from(name).map_err(|error| failed("the name", &error))?;
        let stream = self.tls().connect(name, stream).await;
        open(stream.map_err(|error| failed("TLS", &error))?, address).await
    }

    /// Read when it is first needed: a server without webhooks reads no certificates.
    fn tls(&self) -> &TlsConnector {
        self.tls.get_or_init(|| {
            let mut roots = RootCertStore::empty();
            let loaded = rustls_native_certs::load_native_certs();
            if !loaded.errors.is_empty() {
                tracing::warn!("some of the machine's certificate authorities cannot be read");
            }
            roots.add_parsable_certificates(loaded.certs);
            roots.add_parsable_certificates(self.roots.iter().cloned());
            let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
                .with_safe_default_protocol_versions()
                .expect("the provider knows the default versions")
                .with_root_certificates(roots)
                .with_no_client_auth();
            TlsConnector::from(Arc::new(config))
        })
    }
}

impl Target {
    fn parse(url: &str) -> Result<Self, Trouble> {
        let wrong = |why: &str| Trouble::Url(why.to_owned());
        let uri: Uri = url.parse().map_err(|_| wrong("it is malformed"))?;
        let is_tls = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(wrong("http or https was expected")),
        };
        let authority = uri.authority().ok_or_else(|| wrong("it has no host"))?;
        let text = authority.as_str();
        let (user, authority) = match text.rsplit_once('@') {
            Some((user, rest)) => (Some(user), rest),
            None => (None, text),
        };
        let host = uri.host().filter(|host| !host.is_empty());
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let host = host.ok_or_else(|| wrong("it has no host"))?.to_ascii_lowercase();
        let port = uri.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
        Ok(Self {
            origin: Origin { is_tls, host, port },
            path: if path.starts_with('/') { path.to_owned() } else { format!("/{path}") },
            authority: authority.to_owned(),
            authorization: user.map(|user| format!("Basic {}", STANDARD.encode(user))),
        })
    }

    fn request(&self, post: Post<'_>) -> Result<Request<Full<Bytes>>, Trouble> {
        let mut request = Request::post(&self.path)
            .header(header::HOST, &self.authority)
            .header(header::USER_AGENT, concat!("Sinew/", env!("CARGO_PKG_VERSION")))
            .header(header::ACCEPT, "*/*")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded; charset=utf-8")
            .header(crate::sign::HEADER, post.signature)
            .header("i-twilio-idempotency-token", post.key);
        if let Some(authorization) = &self.authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        let request = request.body(Full::new(Bytes::from(post.form)));
        request.map_err(|_| Trouble::Url("it is malformed".to_owned()))
    }
}

fn failed(what: &str, error: &dyn std::error::Error) -> Trouble {
    Trouble::Failed(format!("{what}: {error}"))
}

async fn connect(addresses: &[SocketAddr]) -> Result<(TcpStream, SocketAddr), Trouble> {
    let mut last = Trouble::Failed("the name has no address".to_owned());
    for address in addresses {
        match tokio::time::timeout(CONNECT_MAX, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                _ = stream.set_nodelay(true);
                return Ok((stream, *address));
            }
            Ok(Err(error)) => last = failed(&format!("connecting to {address}"), &error),
            Err(_) => last = Trouble::Failed(format!("connecting to {address}: no answer")),
        }
    }
    Err(last)
}

async fn open<S>(stream: S, address: SocketAddr) -> Result<Connection, Trouble>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let shaken = http1::handshake(TokioIo::new(stream)).await;
    let (sender, talk) = shaken.map_err(|error| failed("HTTP", &error))?;
    // What goes wrong is told to whoever waits for an answer.
    let driver = tokio::spawn(async move { _ = talk.await }).abort_handle();
    Ok(Connection { sender, address, driver })
}

/// Why a request over a connection got no answer.
enum Unheard {
    /// The connection ended before any of the answer came.
    Ended,
    Failed(Trouble),
}

/// What became of an answer's bytes.
enum Rest {
    /// All are read: the connection may be used again.
    Read,
    /// More may come.
    Left,
}

async fn ask(
    connection: &mut Connection,
    request: Request<Full<Bytes>>,
    wanted: Wanted,
) -> Result<(Answer, Rest), Unheard> {
    connection.sender.ready().await.map_err(|_| Unheard::Ended)?;
    let response = connection.sender.send_request(request).await.map_err(|error| {
        let is_ended = error.is_canceled() || error.is_closed() || error.is_incomplete_message();
        if is_ended { Unheard::Ended } else { Unheard::Failed(failed("HTTP", &error)) }
    })?;
    let (parts, body) = response.into_parts();
    let content_type = parts.headers.get(header::CONTENT_TYPE);
    let content_type = content_type.and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (status, content_type) = (parts.status.as_u16(), content_type.to_owned());
    let (body, rest) = match wanted {
        Wanted::Status => (Some(Bytes::new()), pass_over(body).await),
        Wanted::Body => match read(body).await.map_err(Unheard::Failed)? {
            Some(body) => (Some(body), Rest::Read),
            None => (None, Rest::Left),
        },
    };
    Ok((Answer { status, content_type, body }, rest))
}

/// Reads what nobody wants, if it is little and comes at once.
async fn pass_over(body: Incoming) -> Rest {
    if body.is_end_stream() {
        return Rest::Read;
    }
    match tokio::time::timeout(REST_MAX, read(body)).await {
        Ok(Ok(Some(_))) => Rest::Read,
        Ok(Ok(None) | Err(_)) | Err(_) => Rest::Left,
    }
}

async fn read(body: Incoming) -> Result<Option<Bytes>, Trouble> {
    match Limited::new(body, ANSWER_MAX).collect().await {
        Ok(body) => Ok(Some(body.to_bytes())),
        Err(error) if error.is::<LengthLimitError>() => Ok(None),
        Err(error) => Err(Trouble::Failed(format!("HTTP: {error}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_taken_apart_and_its_path_kept_as_it_is() {
        let target = Target::parse("https://ann:s3@Example.test:8443/a%20b/c'd?x=%2B").expect("ok");
        assert_eq!(
            target.origin,
            Origin { is_tls: true, host: "example.test".to_owned(), port: 8443 }
        );
        assert_eq!(target.path, "/a%20b/c'd?x=%2B");
        assert_eq!(target.authority, "Example.test:8443");
        assert_eq!(target.authorization.as_deref(), Some("Basic YW5uOnMz"));
        let bare = Target::parse("http://example.test?x=1").expect("ok");
        assert_eq!((bare.path.as_str(), bare.origin.port), ("/?x=1", 80));
    }

    #[test]
    fn what_cannot_be_called_is_said() {
        for wrong in ["", "example.test", "ftp://example.test/", "http:///x", "http://a b/"] {
            assert!(matches!(Target::parse(wrong), Err(Trouble::Url(_))), "{wrong}");
        }
    }
}
