//! Kept-alive HTTP/1.1 to one server: small enough not to be what is measured.
//!
//! * One request at a time on a connection; as many connections as there are callers at once.
//! * Every answer that is not 2xx is an error with its body; nothing is retried.

use std::cell::RefCell;
use std::io::{Error, ErrorKind, Result};
use std::net::SocketAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const READ_BYTES: usize = 8_192;

/// Connections to one server as one caller; they are opened when needed and kept.
pub(crate) struct Pool {
    address: SocketAddr,
    authorization: String,
    free: RefCell<Vec<Connection>>,
}

impl Pool {
    pub(crate) fn new(address: SocketAddr, user: &str, password: &str) -> Pool {
        let credentials = STANDARD.encode(format!("{user}:{password}"));
        let authorization = format!("Basic {credentials}");
        Pool { address, authorization, free: RefCell::default() }
    }

    /// Sends a form and returns the body of the 2xx answer.
    pub(crate) async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Result<String> {
        self.ask("POST", path, &form(fields)).await
    }

    pub(crate) async fn get(&self, path: &str) -> Result<String> {
        self.ask("GET", path, "").await
    }

    async fn ask(&self, method: &str, path: &str, body: &str) -> Result<String> {
        let kept = self.free.borrow_mut().pop();
        let mut connection = match kept {
            Some(connection) => connection,
            None => Connection::open(self.address).await?,
        };
        let request = self.request(method, path, body);
        let (status, answer) = connection.ask(&request).await?;
        self.free.borrow_mut().push(connection);
        match status {
            200..=299 => Ok(answer),
            _ => Err(Error::other(format!("{method} {path} answered {status}: {answer}"))),
        }
    }

    fn request(&self, method: &str, path: &str, body: &str) -> String {
        let Pool { address, authorization, .. } = self;
        let length = body.len();
        let kind = match method {
            "POST" => "Content-Type: application/x-www-form-urlencoded\r\n",
            _ => "",
        };
        format!(
            "{method} {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: {authorization}\r\n\
             {kind}Content-Length: {length}\r\n\r\n{body}"
        )
    }
}

struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    async fn open(address: SocketAddr) -> Result<Connection> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Connection { stream, buffer: Vec::with_capacity(READ_BYTES) })
    }

    async fn ask(&mut self, request: &str) -> Result<(u16, String)> {
        self.buffer.clear();
        self.stream.write_all(request.as_bytes()).await?;
        let head_end = loop {
            if let Some(position) = find(&self.buffer, b"\r\n\r\n") {
                break position + 4;
            }
            self.read_more().await?;
        };
        let head = String::from_utf8_lossy(&self.buffer[..head_end]).to_ascii_lowercase();
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
        let status = status.ok_or_else(|| malformed("no status"))?;
        let body = if head.contains("\r\ntransfer-encoding: chunked") {
            self.read_chunks(head_end).await?
        } else {
            let length = header(&head, "content-length").and_then(|text| text.parse().ok());
            let end = head_end + length.unwrap_or(0);
            self.read_to(end).await?;
            self.buffer[head_end..end].to_vec()
        };
        String::from_utf8(body).map(|body| (status, body)).map_err(|_| malformed("not UTF-8"))
    }

    async fn read_chunks(&mut self, start: usize) -> Result<Vec<u8>> {
        let (mut body, mut at) = (Vec::new(), start);
        loop {
            let line_end = loop {
                match find(&self.buffer[at..], b"\r\n") {
                    Some(position) => break at + position,
                    None => self.read_more().await?,
                }
            };
            let digits = String::from_utf8_lossy(&self.buffer[at..line_end]).into_owned();
            let size = usize::from_str_radix(digits.trim(), 16);
            let size = size.map_err(|_| malformed("a bad chunk length"))?;
            let data = line_end + 2;
            self.read_to(data + size + 2).await?;
            body.extend_from_slice(&self.buffer[data..data + size]);
            at = data + size + 2;
            if size == 0 {
                return Ok(body);
            }
        }
    }

    async fn read_to(&mut self, end: usize) -> Result<()> {
        while self.buffer.len() < end {
            self.read_more().await?;
        }
        Ok(())
    }

    async fn read_more(&mut self) -> Result<()> {
        self.buffer.reserve(READ_BYTES);
        match self.stream.read_buf(&mut self.buffer).await? {
            0 => Err(ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let lines = head.lines().filter_map(|line| line.split_once(':'));
    lines.filter(|(key, _)| *key == name).map(|(_, value)| value.trim()).next()
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}

fn malformed(what: &str) -> Error {
    Error::new(ErrorKind::InvalidData, what)
}

/// Fields as a form body.
fn form(fields: &[(&str, &str)]) -> String {
    let mut body = String::new();
    for (name, value) in fields {
        if !body.is_empty() {
            body.push('&');
        }
        body.push_str(name);
        body.push('=');
        escape(value, &mut body);
    }
    body
}

fn escape(text: &str, body: &mut String) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                body.push(char::from(byte));
            }
            _ => {
                body.push('%');
                body.push(char::from(DIGITS[usize::from(byte >> 4)]));
                body.push(char::from(DIGITS[usize::from(byte & 15)]));
            }
        }
    }
}

/// The text of a JSON key's string value, without parsing the rest. `key` is written with its
/// quotes and colon, so that `"sid":"` does not find `"task_sid":"`.
pub(crate) fn text_after<'a>(json: &'a str, key: &str) -> Option<&'a str> {
    let rest = &json[json.find(key)? + key.len()..];
    Some(&rest[..rest.find('"')?])
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::TcpListener;

    #[test]
    fn keeps_a_connection_over_lengths_chunks_and_refusals() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let answers = [
                "HTTP/1.1 201 Created\r\nContent-Length: 7\r\n\r\n{\"a\":1}",
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{\"b\r\n4\r\n\":2}\r\n0\r\n\r\n",
                "HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\n\r\nno",
            ];
            let mut first = String::new();
            for answer in answers {
                let mut bytes = [0; 1_024];
                let length = stream.read(&mut bytes).unwrap();
                if first.is_empty() {
                    first = String::from_utf8_lossy(&bytes[..length]).into_owned();
                }
                stream.write_all(answer.as_bytes()).unwrap();
            }
            first
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let pool = Pool::new(address, "u", "p");
            assert_eq!(pool.post("/x", &[("Name", "v w")]).await.unwrap(), "{\"a\":1}");
            assert_eq!(pool.get("/y").await.unwrap(), "{\"b\":2}");
            let refused = pool.get("/z").await.unwrap_err().to_string();
            assert!(refused.contains("400") && refused.ends_with("no"), "{refused}");
        });
        let first = server.join().unwrap();
        assert!(first.contains("Authorization: Basic dTpw\r\n"), "{first}");
        assert!(first.ends_with("\r\n\r\nName=v%20w"), "{first}");
    }

    #[test]
    fn finds_a_key_and_not_its_longer_namesake() {
        let json = r#"{"task_sid":"WT1","sid":"WR2"}"#;
        assert_eq!(text_after(json, "\"sid\":\""), Some("WR2"));
        assert_eq!(text_after(json, "\"name\":\""), None);
    }
}
