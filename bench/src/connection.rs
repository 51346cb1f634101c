//! A plain HTTP/1.1 client on one kept-alive connection.
//!
//! * Knows answers with a length, which is what the server gives to all that the load asks.
//! * Anything but 2xx ends the slice: a figure with refused requests in it would be worthless.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Where the server is and who asks.
#[derive(Clone)]
pub(crate) struct Account {
    pub(crate) address: String,
    pub(crate) account_sid: String,
    pub(crate) auth_token: String,
    pub(crate) api_key: String,
    pub(crate) api_secret: String,
}

impl Account {
    pub(crate) fn from_environment() -> Result<Account, String> {
        let read = |name: &str| std::env::var(name).map_err(|_| format!("{name} is not set"));
        Ok(Account {
            address: read("BASE")?.trim_start_matches("http://").to_owned(),
            account_sid: read("ACCOUNT_SID")?,
            auth_token: read("AUTH_TOKEN")?,
            api_key: read("API_KEY")?,
            api_secret: read("API_SECRET")?,
        })
    }

    pub(crate) async fn connect(&self) -> Result<Connection, String> {
        let stream = TcpStream::connect(&self.address).await.map_err(|error| error.to_string())?;
        stream.set_nodelay(true).map_err(|error| error.to_string())?;
        let credentials = STANDARD.encode(format!("{}:{}", self.account_sid, self.auth_token));
        let headers = format!("Host: {}\r\nAuthorization: Basic {credentials}\r\n", self.address);
        Ok(Connection { stream, headers, buffer: Vec::with_capacity(16 * 1024) })
    }
}

pub(crate) struct Connection {
    stream: TcpStream,
    headers: String,
    buffer: Vec<u8>,
}

impl Connection {
    /// Posts a form and gives the body of the 2xx answer.
    pub(crate) async fn form(&mut self, path: &str, body: &str) -> Result<Value, String> {
        let request = format!(
            "POST {path} HTTP/1.1\r\n{}Content-Type: application/x-www-form-urlencoded\r\n\
             Content-Length: {}\r\n\r\n{body}",
            self.headers,
            body.len()
        );
        self.ask(path, &request).await
    }

    pub(crate) async fn get(&mut self, path: &str) -> Result<Value, String> {
        let request = format!("GET {path} HTTP/1.1\r\n{}\r\n", self.headers);
        self.ask(path, &request).await
    }

    async fn ask(&mut self, path: &str, request: &str) -> Result<Value, String> {
        let failed = |error: std::io::Error| format!("{path}: {error}");
        self.stream.write_all(request.as_bytes()).await.map_err(failed)?;
        self.buffer.clear();
        loop {
            if let Some((status, from, to)) = head(&self.buffer)?
                && self.buffer.len() >= to
            {
                let body = &self.buffer[from..to];
                return match status {
                    200..=299 => Ok(serde_json::from_slice(body).unwrap_or(Value::Null)),
                    _ => Err(format!("{path}: {status} {}", String::from_utf8_lossy(body))),
                };
            }
            if self.stream.read_buf(&mut self.buffer).await.map_err(failed)? == 0 {
                return Err(format!("{path}: the connection was closed"));
            }
        }
    }
}

/// Status, and where the body begins and ends, once all headers are there.
fn head(bytes: &[u8]) -> Result<Option<(u16, usize, usize)>, String> {
    let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(None) };
    let text = std::str::from_utf8(&bytes[..end]).map_err(|error| error.to_string())?;
    let mut lines = text.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok());
    let status = status.ok_or_else(|| format!("no status in {text:?}"))?;
    let length = lines
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, value)| value.trim().parse::<usize>().ok());
    let length = match (length, status) {
        (Some(length), _) => length,
        (None, 204) => 0,
        (None, _) => return Err(format!("no length in {text:?}")),
    };
    Ok(Some((status, end + 4, end + 4 + length)))
}

/// Fields as a form body.
pub(crate) fn form(fields: &[(&str, &str)]) -> String {
    let mut body = String::new();
    for (name, value) in fields {
        if !body.is_empty() {
            body.push('&');
        }
        body += name;
        body.push('=');
        for byte in value.bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => {
                    body.push(char::from(byte));
                }
                _ => body += &format!("%{byte:02X}"),
            }
        }
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_whole_when_its_length_is_there() {
        assert_eq!(head(b"HTTP/1.1 201 Created\r\nContent-Le").unwrap(), None);
        let whole = b"HTTP/1.1 201 Created\r\ncontent-length: 2\r\n\r\n{}";
        assert_eq!(head(whole).unwrap(), Some((201, whole.len() - 2, whole.len())));
        assert!(head(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
    }

    #[test]
    fn forms_are_escaped() {
        assert_eq!(form(&[("A", "x y"), ("B", "{}")]), "A=x%20y&B=%7B%7D");
    }
}
