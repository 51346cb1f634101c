//! A bare connection of the load: bytes out, bytes until something was seen, WebSocket frames.
//!
//! * Client frames are masked with zeros: as good as any key on loopback, and free.

use std::net::SocketAddr;
use std::time::Duration;

use memchr::memmem;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Everybody is answered within this, or the slice ends with an error.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);

/// The opcode of a text frame.
pub(crate) const TEXT: u8 = 1;
/// The opcode of a binary frame.
pub(crate) const BINARY: u8 = 2;
/// The opcode of a ping.
pub(crate) const PING: u8 = 9;
/// The opcode of its answer.
pub(crate) const PONG: u8 = 10;

/// One connection.
pub(crate) struct Line {
    pub(crate) stream: TcpStream,
    /// What came and was not looked at.
    pub(crate) buffer: Vec<u8>,
}

impl Line {
    /// Connects to `address`.
    pub(crate) async fn open(address: SocketAddr, number: usize) -> Result<Self, String> {
        let wrong = |error: std::io::Error| format!("connection {number}: {error}");
        let stream = TcpStream::connect(address).await.map_err(wrong)?;
        stream.set_nodelay(true).map_err(wrong)?;
        Ok(Self { stream, buffer: Vec::new() })
    }

    /// Writes all of it.
    pub(crate) async fn send(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.stream.write_all(bytes).await.map_err(|error| error.to_string())
    }

    /// Reads until `wanted` was seen; what came before it is handed out, what came behind is kept.
    pub(crate) async fn until(&mut self, wanted: &[u8]) -> Result<Vec<u8>, String> {
        let reading = async {
            loop {
                if let Some(at) = memmem::find(&self.buffer, wanted) {
                    return Ok(self.buffer.drain(..at + wanted.len()).collect());
                }
                match self.stream.read_buf(&mut self.buffer).await {
                    Ok(0) => return Err("the connection was closed".to_owned()),
                    Ok(_) => {}
                    Err(error) => return Err(error.to_string()),
                }
            }
        };
        let told: Result<Result<Vec<u8>, String>, _> =
            tokio::time::timeout(ANSWER_LIMIT, reading).await;
        let told = told.unwrap_or_else(|_| Err("nothing came".to_owned()));
        told.map_err(|error| {
            let (wanted, had) =
                (String::from_utf8_lossy(wanted), String::from_utf8_lossy(&self.buffer));
            format!("waiting for {wanted:?}: {error}; there is {had:?}")
        })
    }

    /// Becomes a WebSocket.
    pub(crate) async fn upgrade(&mut self, path: &str, host: SocketAddr) -> Result<(), String> {
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        );
        self.send(request.as_bytes()).await?;
        self.until(b" 101 ").await?;
        self.until(b"\r\n\r\n").await.map(|_| ())
    }
}

/// Appends a client's frame.
pub(crate) fn frame(opcode: u8, parts: &[&[u8]], out: &mut Vec<u8>) {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    out.push(0x80 | opcode);
    match (u16::try_from(length), length) {
        (_, 0..126) => out.push(0x80 | length as u8),
        (Ok(length), _) => {
            out.push(0x80 | 126);
            out.extend_from_slice(&length.to_be_bytes());
        }
        (Err(_), _) => {
            out.push(0x80 | 127);
            out.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(&[0; 4]);
    parts.iter().for_each(|part| out.extend_from_slice(part));
}

/// A client's frame alone.
pub(crate) fn framed(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(payload.len() + 14);
    frame(opcode, &[payload], &mut out);
    out
}

/// A server's frame at the beginning of `bytes`: opcode, where its payload is, and where it ends;
/// `None` until all of it is there.
pub(crate) fn server_frame(bytes: &[u8]) -> Option<(u8, std::ops::Range<usize>)> {
    let (first, second) = (*bytes.first()?, *bytes.get(1)?);
    let (length, from) = match second & 0x7f {
        126 => (usize::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?)), 4),
        127 => (u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?) as usize, 10),
        short => (usize::from(short), 2),
    };
    (bytes.len() >= from + length).then_some((first & 0x0f, from..from + length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_whole_when_all_of_it_came() {
        for length in [0, 125, 126, 65_535, 65_536] {
            let mut bytes = framed(BINARY, &vec![b'x'; length]);
            // The server's form: no mask.
            let from = bytes.len() - length;
            bytes.drain(from - 4..from);
            bytes[1] &= 0x7f;
            let end = bytes.len();
            assert_eq!(server_frame(&bytes), Some((BINARY, end - length..end)));
            assert_eq!(server_frame(&bytes[..end - 1]), None);
        }
    }
}
