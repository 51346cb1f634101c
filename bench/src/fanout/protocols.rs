//! The wire protocols, just enough of each to subscribe to one document and to update it.

use std::net::SocketAddr;

use serde_json::json;

use super::line::{BINARY, Line, TEXT, framed};
use super::twilsock::Twilsock;

/// Whom the load talks to.
pub(crate) enum Protocol {
    /// The bare loop of this program.
    Bare,
    SocketIo,
    Deepstream,
    /// NATS with a bucket of JetStream's key-value store, watched.
    JetStream,
    /// `SET` and `PUBLISH` in one transaction, `SUBSCRIBE`.
    Redis,
    /// Ours.
    Twilsock(Twilsock),
}

impl Protocol {
    /// A connection that said who it is.
    pub(crate) async fn open(&self, address: SocketAddr, number: usize) -> Result<Line, String> {
        let mut line = Line::open(address, number).await?;
        match self {
            Self::Bare => line.upgrade("/", address).await?,
            Self::SocketIo => {
                line.upgrade("/socket.io/?EIO=4&transport=websocket", address).await?;
                line.until(b"\"sid\"").await?;
                line.send(&framed(TEXT, b"40")).await?;
                line.until(b"40{").await?;
            }
            Self::Deepstream => {
                line.upgrade("/deepstream-v3", address).await?;
                line.until(b"C\x1fA\x1e").await?;
                line.send(&deepstream("A|REQ|{}+")).await?;
                line.until(b"A\x1fA").await?;
            }
            Self::JetStream => {
                line.until(b"INFO ").await?;
                let connect: &[u8] =
                    b"CONNECT {\"verbose\":false,\"pedantic\":false,\"headers\":true}\r\nPING\r\n";
                line.send(connect).await?;
                line.until(b"PONG\r\n").await?;
            }
            Self::Redis => {}
            Self::Twilsock(ours) => ours.open(&mut line, address, number).await?,
        }
        Ok(line)
    }

    /// Makes what is updated.
    pub(crate) async fn make(&mut self, line: &mut Line) -> Result<(), String> {
        match self {
            Self::Bare | Self::SocketIo | Self::Deepstream | Self::Redis => Ok(()),
            Self::JetStream => {
                let stream = json!({
                    "name": "KV_bench", "subjects": ["$KV.bench.>"], "max_msgs_per_subject": 1,
                    "storage": "file", "allow_rollup_hdrs": true, "discard": "new",
                });
                let stream = stream.to_string();
                let ask = format!(
                    "SUB _INBOX.pub.* 1\r\nPUB $JS.API.STREAM.CREATE.KV_bench _INBOX.pub.c \
                     {}\r\n{stream}\r\n",
                    stream.len()
                );
                line.send(ask.as_bytes()).await?;
                line.until(b"_INBOX.pub.c").await?;
                line.until(b"}").await.map(|_| ())
            }
            Self::Twilsock(ours) => ours.make(line).await,
        }
    }

    /// Subscribes; `after` is what the subscriber heard last, where the protocol knows that.
    pub(crate) async fn subscribe(
        &self,
        line: &mut Line,
        number: usize,
        after: u64,
    ) -> Result<(), String> {
        match self {
            Self::Bare => {
                line.send(&framed(TEXT, b"sub")).await?;
                line.until(b"ready").await.map(|_| ())
            }
            Self::SocketIo => {
                line.send(&framed(TEXT, br#"42["sub","doc1"]"#)).await?;
                line.until(b"ready").await.map(|_| ())
            }
            Self::Deepstream => {
                line.send(&deepstream("R|CR|doc1+")).await?;
                line.until(b"doc1").await.map(|_| ())
            }
            Self::JetStream => {
                let name = format!("{number}.{}", std::process::id());
                let config = json!({
                    "deliver_subject": format!("_D.{name}"), "deliver_policy": "new",
                    "ack_policy": "none", "replay_policy": "instant", "mem_storage": true,
                    "num_replicas": 1, "filter_subject": "$KV.bench.doc1",
                });
                let consumer = json!({"stream_name": "KV_bench", "config": config}).to_string();
                let ask = format!(
                    "SUB _D.{name} 1\r\nSUB _INBOX.s{number} 2\r\n\
                     PUB $JS.API.CONSUMER.CREATE.KV_bench _INBOX.s{number} {}\r\n{consumer}\r\n",
                    consumer.len()
                );
                line.send(ask.as_bytes()).await?;
                line.until(b"consumer_create_response").await.map(|_| ())
            }
            Self::Redis => {
                line.send(&redis(&[b"SUBSCRIBE", b"doc1"])).await?;
                line.until(b":1\r\n").await.map(|_| ())
            }
            Self::Twilsock(ours) => ours.subscribe(line, number, after).await,
        }
    }

    /// The bytes of an update with this value.
    pub(crate) fn update(&self, value: &str) -> Vec<u8> {
        match self {
            Self::Bare => framed(BINARY, value.as_bytes()),
            Self::SocketIo => framed(TEXT, format!(r#"42["update","doc1",{value}]"#).as_bytes()),
            Self::Deepstream => deepstream(&format!("R|U|doc1|-1|{value}+")),
            Self::JetStream => {
                format!("PUB $KV.bench.doc1 _INBOX.pub.a {}\r\n{value}\r\n", value.len())
                    .into_bytes()
            }
            Self::Redis => [
                redis(&[b"MULTI"]),
                redis(&[b"SET", b"doc1", value.as_bytes()]),
                redis(&[b"PUBLISH", b"doc1", value.as_bytes()]),
                redis(&[b"EXEC"]),
            ]
            .concat(),
            Self::Twilsock(ours) => ours.update(value),
        }
    }
}

fn redis(words: &[&[u8]]) -> Vec<u8> {
    let mut out = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        out.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
        out.extend_from_slice(word);
        out.extend_from_slice(b"\r\n");
    }
    out
}

/// Separators are control characters.
fn deepstream(text: &str) -> Vec<u8> {
    framed(TEXT, text.replace('|', "\u{1f}").replace('+', "\u{1e}").as_bytes())
}
