//! An application that callbacks reach: it remembers what it heard and answers as it is told to.
//! It keeps its connections open.

use std::{
    collections::{BTreeMap, VecDeque},
    net::SocketAddr,
    sync::{Arc, Mutex},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpListener,
    sync::Notify,
    task::AbortHandle,
};
use tokio_rustls::TlsAcceptor;

/// What it says to one request.
#[derive(Clone, Debug)]
pub(crate) enum Say {
    /// This status and this JSON.
    Json(u16, &'static str),
    /// This status, this media type, this text.
    Other(u16, &'static str, String),
    /// Nothing, ever.
    Nothing,
    /// A body without end.
    Endless,
    /// To go elsewhere.
    GoTo(String),
    /// Nothing, and the connection is closed.
    Close,
    /// These bytes, which are no answer.
    Raw(&'static str),
    /// This status and this JSON, byte by byte.
    Slowly(u16, &'static str),
}

/// One request it heard.
#[derive(Clone, Debug)]
pub(crate) struct Heard {
    pub(crate) path: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) form: BTreeMap<String, String>,
}

impl Heard {
    pub(crate) fn get(&self, name: &str) -> &str {
        self.form.get(name).map_or("", String::as_str)
    }
}

#[derive(Default)]
struct State {
    heard: Vec<Heard>,
    /// How often somebody connected.
    connections: usize,
    /// By path, or by path and attributes of the task: answers in turn, the last one repeating;
    /// without any 204.
    says: BTreeMap<String, VecDeque<Say>>,
}

/// A running application; ends with the value.
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    scheme: &'static str,
    state: Arc<Mutex<State>>,
    news: Arc<Notify>,
    running: AbortHandle,
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.running.abort();
    }
}

impl Peer {
    pub(crate) async fn start() -> Self {
        Self::at("127.0.0.1:0".parse().unwrap()).await
    }

    pub(crate) async fn at(address: SocketAddr) -> Self {
        Self::listening(address, None).await
    }

    /// The same over HTTPS.
    pub(crate) async fn secure(acceptor: TlsAcceptor) -> Self {
        Self::listening("127.0.0.1:0".parse().unwrap(), Some(acceptor)).await
    }

    async fn listening(address: SocketAddr, acceptor: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (state, news) = (Arc::new(Mutex::new(State::default())), Arc::new(Notify::new()));
        let (shared, tell) = (state.clone(), news.clone());
        let scheme = if acceptor.is_some() { "https" } else { "http" };
        let running = tokio::spawn(async move {
            let mut talks = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                shared.lock().unwrap().connections += 1;
                let (shared, tell, acceptor) = (shared.clone(), tell.clone(), acceptor.clone());
                talks.spawn(async move {
                    match acceptor {
                        None => talk(stream, shared, tell).await,
                        Some(acceptor) => {
                            if let Ok(stream) = acceptor.accept(stream).await {
                                talk(stream, shared, tell).await;
                            }
                        }
                    }
                });
            }
        });
        Self { address, scheme, state, news, running: running.abort_handle() }
    }

    /// How often somebody connected.
    pub(crate) fn connections(&self) -> usize {
        self.state.lock().unwrap().connections
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}://{}{path}", self.scheme, self.address)
    }

    pub(crate) fn says(&self, path: &str, says: impl IntoIterator<Item = Say>) {
        let says = says.into_iter().collect();
        self.state.lock().unwrap().says.insert(path.to_owned(), says);
    }

    pub(crate) fn heard(&self, path: &str) -> Vec<Heard> {
        let state = self.state.lock().unwrap();
        state.heard.iter().filter(|heard| heard.path == path).cloned().collect()
    }

    /// Waits until it heard so many on a path.
    pub(crate) async fn hears(&self, path: &str, count: usize) -> Vec<Heard> {
        let waiting = async {
            loop {
                let news = self.news.notified();
                let heard = self.heard(path);
                if heard.len() >= count {
                    return heard;
                }
                news.await;
            }
        };
        let waited = tokio::time::timeout(std::time::Duration::from_secs(60), waiting).await;
        waited.unwrap_or_else(|_| panic!("{path} heard {} of {count}", self.heard(path).len()))
    }
}

async fn talk<S>(mut stream: S, state: Arc<Mutex<State>>, news: Arc<Notify>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    while let Some(heard) = read(&mut stream).await {
        if answer(&mut stream, heard, &state, &news).await.is_none() {
            return;
        }
    }
}

/// `None` once the connection is of no use any more.
async fn answer(
    stream: &mut (impl AsyncWrite + Unpin),
    heard: Heard,
    state: &Mutex<State>,
    news: &Notify,
) -> Option<()> {
    let say = {
        let mut state = state.lock().unwrap();
        let about_task = format!("{} {}", heard.path, heard.get("TaskAttributes"));
        let key = if state.says.contains_key(&about_task) { &about_task } else { &heard.path };
        let say = state.says.get_mut(key).and_then(|says| match says.len() {
            0 | 1 => says.front().cloned(),
            _ => says.pop_front(),
        });
        state.heard.push(heard);
        say.unwrap_or_else(|| Say::Other(204, "", String::new()))
    };
    news.notify_waiters();
    let answer = |status: u16, media: &str, body: &str| {
        let length = body.len();
        format!(
            "HTTP/1.1 {status} X\r\ncontent-type: {media}\r\ncontent-length: {length}\r\n\r\n{body}"
        )
    };
    let text = match say {
        Say::Json(status, body) => answer(status, "application/json", body),
        Say::Other(204, ..) => "HTTP/1.1 204 X\r\n\r\n".to_owned(),
        Say::Other(status, media, body) => answer(status, media, &body),
        Say::GoTo(url) => format!("HTTP/1.1 307 X\r\nlocation: {url}\r\ncontent-length: 0\r\n\r\n"),
        Say::Close => return None,
        Say::Raw(text) => text.to_owned(),
        Say::Slowly(status, body) => {
            for byte in answer(status, "application/json", body).bytes() {
                stream.write_all(&[byte]).await.ok()?;
                tokio::time::sleep(std::time::Duration::from_millis(2)).await;
            }
            return Some(());
        }
        Say::Nothing => return std::future::pending().await,
        Say::Endless => {
            let head = "HTTP/1.1 200 X\r\ncontent-type: application/json\r\n\
                        transfer-encoding: chunked\r\n\r\n";
            let chunk = format!("1000\r\n{}\r\n", " ".repeat(0x1000));
            _ = stream.write_all(head.as_bytes()).await;
            while stream.write_all(chunk.as_bytes()).await.is_ok() {}
            return None;
        }
    };
    stream.write_all(text.as_bytes()).await.ok()
}

async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Option<Heard> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).ok()?;
    let mut lines = head.lines();
    let path = lines.next()?.split(' ').nth(1)?.to_owned();
    let pairs = lines.filter_map(|line| line.split_once(": "));
    let headers: BTreeMap<String, String> =
        pairs.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect();
    let length: usize = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    while bytes.len() < end + length {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    let form = String::from_utf8(bytes[end..].to_vec()).ok()?;
    Some(Heard { path, headers, form: parsed(&form) })
}

fn parsed(form: &str) -> BTreeMap<String, String> {
    let decode = |text: &str| {
        let text = text.replace('+', " ");
        percent_encoding::percent_decode_str(&text).decode_utf8().unwrap().into_owned()
    };
    let pairs = form.split('&').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (decode(name), decode(value))).collect()
}
