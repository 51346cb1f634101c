//! An application that callbacks reach: it remembers what it heard and answers as it is told to.
//! told to.

use std::{
    collections::{BTreeMap, VecDeque},
    net::SocketAddr,
    sync::{Arc, Mutex},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::Notify,
    task::AbortHandle,
};

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
    /// By path: answers in turn, the last one repeating; without any 204.
    says: BTreeMap<String, VecDeque<Say>>,
}

/// A running application; ends with the value.
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
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
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (state, news) = (Arc::new(Mutex::new(State::default())), Arc::new(Notify::new()));
        let (shared, tell) = (state.clone(), news.clone());
        let running = tokio::spawn(async move {
            let mut talks = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                talks.spawn(talk(stream, shared.clone(), tell.clone()));
            }
        });
        Self { address, state, news, running: running.abort_handle() }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
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
        let waited = tokio::time::timeout(std::time::Duration::from_secs(20), waiting).await;
        waited.unwrap_or_else(|_| panic!("{path} heard {} of {count}", self.heard(path).len()))
    }
}

async fn talk(mut stream: TcpStream, state: Arc<Mutex<State>>, news: Arc<Notify>) {
    let Some(heard) = read(&mut stream).await else { return };
    let say = {
        let mut state = state.lock().unwrap();
        let says = state.says.get_mut(&heard.path);
        let say = says.and_then(|says| match says.len() {
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
        Say::Close => return,
        Say::Nothing => return std::future::pending().await,
        Say::Endless => {
            let head = "HTTP/1.1 200 X\r\ncontent-type: application/json\r\n\
                        transfer-encoding: chunked\r\n\r\n";
            let chunk = format!("1000\r\n{}\r\n", " ".repeat(0x1000));
            _ = stream.write_all(head.as_bytes()).await;
            while stream.write_all(chunk.as_bytes()).await.is_ok() {}
            return;
        }
    };
    _ = stream.write_all(text.as_bytes()).await;
    _ = stream.shutdown().await;
}

async fn read(stream: &mut TcpStream) -> Option<Heard> {
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
