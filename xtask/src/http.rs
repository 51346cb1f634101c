//! A plain HTTP/1.1 client on a kept-alive connection: what the demo, the crash test and the
//! browser-less checks need, and no more.
//!
//! * One request at a time; the answer is read in full before the next request.
//! * A broken connection is an error to the caller; nothing is retried, because the crash test
//!   must know which requests were answered.

use std::io::{BufRead, BufReader, Error, ErrorKind, Read, Result, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

const ANSWER_LIMIT: Duration = Duration::from_secs(20);

/// Who asks and whom.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) address: SocketAddr,
    pub(crate) user: String,
    pub(crate) password: String,
}

impl Caller {
    pub(crate) fn connect(&self) -> Result<Connection> {
        let stream = TcpStream::connect_timeout(&self.address, ANSWER_LIMIT)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(ANSWER_LIMIT))?;
        let credentials = STANDARD.encode(format!("{}:{}", self.user, self.password));
        Ok(Connection {
            host: self.address.to_string(),
            authorization: format!("Basic {credentials}"),
            stream: BufReader::new(stream),
        })
    }
}

/// One kept-alive connection.
pub(crate) struct Connection {
    host: String,
    authorization: String,
    stream: BufReader<TcpStream>,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) etag: Option<String>,
    pub(crate) body: Value,
}

impl Answer {
    /// The body of a 2xx answer, or a sentence about the refusal.
    pub(crate) fn success(self) -> Result<Value> {
        match self.status {
            200..=299 => Ok(self.body),
            status => Err(Error::other(format!("answered {status}: {}", self.body))),
        }
    }

    /// A text field of the body, empty where there is none.
    pub(crate) fn text(&self, field: &str) -> String {
        text(&self.body, field)
    }
}

/// A text field of a JSON object, empty where there is none.
pub(crate) fn text(body: &Value, field: &str) -> String {
    body.get(field).and_then(Value::as_str).unwrap_or_default().to_owned()
}

impl Connection {
    pub(crate) fn get(&mut self, path: &str) -> Result<Answer> {
        self.ask("GET", path, "", "")
    }

    /// Sends a form, as the helper libraries do.
    pub(crate) fn form(&mut self, path: &str, fields: &[(&str, &str)]) -> Result<Answer> {
        self.ask("POST", path, "application/x-www-form-urlencoded", &form(fields))
    }

    pub(crate) fn json(&mut self, path: &str, body: &Value) -> Result<Answer> {
        self.ask("POST", path, "application/json", &body.to_string())
    }

    fn ask(&mut self, method: &str, path: &str, kind: &str, body: &str) -> Result<Answer> {
        let mut request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: {}\r\n",
            self.host, self.authorization
        );
        if !kind.is_empty() {
            request += &format!("Content-Type: {kind}\r\nContent-Length: {}\r\n", body.len());
        }
        request += "\r\n";
        request += body;
        self.stream.get_mut().write_all(request.as_bytes())?;
        self.read_answer()
    }

    fn read_answer(&mut self) -> Result<Answer> {
        let first = self.line()?;
        let status = first.split(' ').nth(1).and_then(|code| code.parse().ok());
        let status = status.ok_or_else(|| malformed("no status in the first line"))?;
        let (mut length, mut chunked, mut etag) = (0, false, None);
        loop {
            let line = self.line()?;
            if line.is_empty() {
                break;
            }
            let (name, value) = line.split_once(':').ok_or_else(|| malformed("a bad header"))?;
            match name.to_ascii_lowercase().as_str() {
                "content-length" => {
                    length = value.trim().parse().map_err(|_| malformed("a bad length"))?;
                }
                "transfer-encoding" => chunked = value.trim().eq_ignore_ascii_case("chunked"),
                "etag" => etag = Some(value.trim().to_owned()),
                _ => {}
            }
        }
        let bytes = if chunked { self.chunks()? } else { self.exactly(length)? };
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Ok(Answer { status, etag, body })
    }

    fn chunks(&mut self) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        loop {
            let size = self.line()?;
            let size = usize::from_str_radix(size.trim(), 16);
            let size = size.map_err(|_| malformed("a bad chunk length"))?;
            bytes.extend(self.exactly(size)?);
            self.line()?;
            if size == 0 {
                return Ok(bytes);
            }
        }
    }

    fn exactly(&mut self, length: usize) -> Result<Vec<u8>> {
        let mut bytes = vec![0; length];
        self.stream.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end().to_owned())
    }
}

fn malformed(what: &str) -> Error {
    Error::new(ErrorKind::InvalidData, what)
}

/// Fields as a form body.
pub(crate) fn form(fields: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn reads_answers_with_a_length_and_in_chunks_on_one_connection() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let answers = [
                "HTTP/1.1 201 Created\r\nContent-Length: 7\r\nETag: \"3\"\r\n\r\n{\"a\":1}",
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\
                 3\r\n{\"b\r\n4\r\n\":2}\r\n0\r\n\r\n",
                "HTTP/1.1 204 No Content\r\n\r\n",
            ];
            let mut seen = Vec::new();
            for answer in answers {
                let mut buffer = [0; 1024];
                let length = stream.read(&mut buffer).unwrap();
                seen.push(String::from_utf8_lossy(&buffer[..length]).into_owned());
                stream.write_all(answer.as_bytes()).unwrap();
            }
            seen
        });
        let caller = Caller { address, user: "u".into(), password: "p".into() };
        let mut connection = caller.connect().unwrap();
        let first = connection.form("/x", &[("Name", "v w")]).unwrap();
        assert_eq!((first.status, first.etag.as_deref()), (201, Some("\"3\"")));
        assert_eq!(first.body["a"], 1);
        assert_eq!(connection.get("/y").unwrap().body["b"], 2);
        assert_eq!(connection.json("/z", &Value::Null).unwrap().status, 204);
        let seen = server.join().unwrap();
        assert!(seen[0].contains("Authorization: Basic dTpw\r\n"), "{}", seen[0]);
        assert!(seen[0].ends_with("Name=v+w"), "{}", seen[0]);
        assert!(connection.get("/gone").is_err());
    }
}
