//! A plain HTTP/1.1 client on one kept-alive connection.
//!
//! * Knows answers with a length, which is what the server gives to all that the load asks.
//! * Anything but 2xx ends the slice: a figure with refused requests in it would be worthless.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use memchr::{memchr, memmem};
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
        let host = &self.address;
        let headers =
            format!(" HTTP/1.1\r\nHost: {host}\r\nAuthorization: Basic {credentials}\r\n");
        let (request, buffer) = (Vec::with_capacity(2 * 1024), Vec::with_capacity(16 * 1024));
        Ok(Connection { stream, headers, request, buffer })
    }
}

pub(crate) struct Connection {
    stream: TcpStream,
    /// The rest of the first line, and what every request says.
    headers: String,
    request: Vec<u8>,
    buffer: Vec<u8>,
}

impl Connection {
    /// Posts a form and gives the body of the 2xx answer, parsed.
    pub(crate) async fn form(&mut self, path: &str, body: &str) -> Result<Value, String> {
        let text = self.send(path, body).await?;
        serde_json::from_str(text).map_err(|error| format!("{path}: {error}: {text}"))
    }

    /// Posts a form and gives the body of the 2xx answer as it came: parsing is the client's work,
    /// not the server's, and both share the processors.
    pub(crate) async fn send(&mut self, path: &str, body: &str) -> Result<&str, String> {
        self.begin("POST ", path);
        self.add(&["Content-Type: application/x-www-form-urlencoded\r\nContent-Length: "]);
        self.add(&[&body.len().to_string(), "\r\n\r\n", body]);
        self.ask(path).await
    }

    pub(crate) async fn get(&mut self, path: &str) -> Result<Value, String> {
        self.begin("GET ", path);
        self.add(&["\r\n"]);
        let text = self.ask(path).await?;
        serde_json::from_str(text).map_err(|error| format!("{path}: {error}: {text}"))
    }

    /// One buffer for all requests, written at once.
    fn begin(&mut self, method: &str, path: &str) {
        self.request.clear();
        for part in [method, path, &self.headers] {
            self.request.extend_from_slice(part.as_bytes());
        }
    }

    fn add(&mut self, parts: &[&str]) {
        parts.iter().for_each(|part| self.request.extend_from_slice(part.as_bytes()));
    }

    async fn ask(&mut self, path: &str) -> Result<&str, String> {
        let failed = |error: std::io::Error| format!("{path}: {error}");
        self.stream.write_all(&self.request).await.map_err(failed)?;
        self.buffer.clear();
        let (status, from, to) = loop {
            if let Some(found) = head(&self.buffer)?
                && self.buffer.len() >= found.2
            {
                break found;
            }
            if self.stream.read_buf(&mut self.buffer).await.map_err(failed)? == 0 {
                return Err(format!("{path}: the connection was closed"));
            }
        };
        let body = std::str::from_utf8(&self.buffer[from..to]);
        let body = body.map_err(|error| format!("{path}: {error}"))?;
        match status {
            200..=299 => Ok(body),
            _ => Err(format!("{path}: {status} {body}")),
        }
    }
}

/// Status, and where the body begins and ends, once all headers are there.
fn head(bytes: &[u8]) -> Result<Option<(u16, usize, usize)>, String> {
    let Some(end) = memmem::find(bytes, b"\r\n\r\n") else { return Ok(None) };
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

/// The rest of a JSON string that follows `key`, without parsing anything else. A key is written
/// with its quotes, so that `"sid":"` does not find `"task_sid":"`.
pub(crate) fn text_after<'a>(json: &'a str, key: &str) -> Option<&'a str> {
    let rest = &json[memmem::find(json.as_bytes(), key.as_bytes())? + key.len()..];
    Some(&rest[..memchr(b'"', rest.as_bytes())?])
}

/// Fields as a form body.
pub(crate) fn form(fields: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
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
}
