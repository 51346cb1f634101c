//! One HTTP request: to a checked address, without redirects, with a bounded answer.
//!
//! * Each request has a connection of its own; nothing runs on when it is dropped.
//! * Certificates are checked against the machine's authorities.
//! * How long a request may take is the caller's business; [`SILENCE_MAX`] only frees what hangs.

use crate::guard::{Guard, Unreachable};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{Request, Uri, header};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::{body::Incoming, client::conn::http1};
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
    rustls::{ClientConfig, RootCertStore, crypto::ring, pki_types::ServerName},
};

/// Bytes of an answer that are read at most.
pub(crate) const ANSWER_MAX: usize = 64 * 1024;
/// How long one connection attempt may take.
const CONNECT_MAX: Duration = Duration::from_secs(4);
/// By the machine's clock, however slowly another clock goes.
pub(crate) const SILENCE_MAX: Duration = Duration::from_secs(60);

/// Makes requests; clones are the same.
#[derive(Clone)]
pub(crate) struct Client {
    guard: Guard,
    tls: Arc<OnceLock<TlsConnector>>,
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
#[derive(Debug)]
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
    host: String,
    port: u16,
    is_tls: bool,
    path: String,
    authority: String,
    authorization: Option<String>,
}

impl Client {
    pub(crate) fn new(guard: Guard) -> Self {
        Self { guard, tls: Arc::default() }
    }

    /// Posts a form.
    pub(crate) async fn post(&self, post: Post<'_>, wanted: Wanted) -> Result<Answer, Trouble> {
        let target = Target::parse(post.url)?;
        let addresses = self.guard.resolve(&target.host, target.port).await;
        let addresses = addresses.map_err(|why| match why {
            Unreachable::Private(ip) => Trouble::Private(ip),
            Unreachable::Unknown(why) => Trouble::Failed(format!("{}: {why}", target.host)),
        })?;
        let request = target.request(post)?;
        let talking = async {
            let stream = connect(&addresses).await?;
            if !target.is_tls {
                return talk(stream, request, wanted).await;
            }
            let name = target.host.trim_start_matches('[').trim_end_matches(']').to_owned();
            let name = ServerName::try_from(name).map_err(|error| failed("the name", &error))?;
            let stream = self.tls().connect(name, stream).await;
            talk(stream.map_err(|error| failed("TLS", &error))?, request, wanted).await
        };
        let talked = tokio::time::timeout(SILENCE_MAX, talking).await;
        talked.unwrap_or_else(|_| Err(Trouble::Failed("no answer".to_owned())))
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
        Ok(Self {
            host: host.ok_or_else(|| wrong("it has no host"))?.to_owned(),
            port: uri.port_u16().unwrap_or(if is_tls { 443 } else { 80 }),
            is_tls,
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

async fn connect(addresses: &[SocketAddr]) -> Result<TcpStream, Trouble> {
    let mut last = Trouble::Failed("the name has no address".to_owned());
    for address in addresses {
        match tokio::time::timeout(CONNECT_MAX, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Ok(Err(error)) => last = failed(&format!("connecting to {address}"), &error),
            Err(_) => last = Trouble::Failed(format!("connecting to {address}: no answer")),
        }
    }
    Err(last)
}

async fn talk<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    request: Request<Full<Bytes>>,
    wanted: Wanted,
) -> Result<Answer, Trouble> {
    let shaken = http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = shaken.map_err(|error| failed("HTTP", &error))?;
    let asking = async {
        let response = sender.send_request(request).await;
        let (parts, body) = response.map_err(|error| failed("HTTP", &error))?.into_parts();
        let content_type = parts.headers.get(header::CONTENT_TYPE);
        let content_type = content_type.and_then(|value| value.to_str().ok()).unwrap_or_default();
        let body = match wanted {
            Wanted::Status => Some(Bytes::new()),
            Wanted::Body => read(body).await?,
        };
        let (status, content_type) = (parts.status.as_u16(), content_type.to_owned());
        Ok(Answer { status, content_type, body })
    };
    let (mut asking, mut connection) = (std::pin::pin!(asking), std::pin::pin!(connection));
    tokio::select! {
        answer = &mut asking => answer,
        // A peer may close behind its answer, which is then still to be read.
        _ = &mut connection => asking.await,
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
        let target = Target::parse("https://ann:s3@example.test:8443/a%20b/c'd?x=%2B").expect("ok");
        assert_eq!(
            (target.host.as_str(), target.port, target.is_tls),
            ("example.test", 8443, true)
        );
        assert_eq!(target.path, "/a%20b/c'd?x=%2B");
        assert_eq!(target.authority, "example.test:8443");
        assert_eq!(target.authorization.as_deref(), Some("Basic YW5uOnMz"));
        let bare = Target::parse("http://example.test?x=1").expect("ok");
        assert_eq!((bare.path.as_str(), bare.port), ("/?x=1", 80));
    }

    #[test]
    fn what_cannot_be_called_is_said() {
        for wrong in ["", "example.test", "ftp://example.test/", "http:///x", "http://a b/"] {
            assert!(matches!(Target::parse(wrong), Err(Trouble::Url(_))), "{wrong}");
        }
    }
}
