//! Frames: a first line with the length of the header, the header as JSON, the payload.
//!
//! * Lengths count bytes. What is written holds no CRLF but the two that divide a frame: clients
//!   split by them.
//! * What is read may lack the second CRLF where there is no payload, may end in one more, and may
//!   leave the length of its payload out.
//! * Everything is bounded, and any bytes at all end in a packet or in a refusal.
//!
//! Knows neither sockets nor what a packet asks for.

use super::header::{Header, Name};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// The longest header: a token, what the client says of itself, and room.
pub(crate) const HEADER_BYTES_MAX: usize = 64 * 1024;
/// The longest payload: the largest object that can be configured, all of it, and its wrapping.
pub(crate) const PAYLOAD_BYTES_MAX: usize = (1 << 20) + 64 * 1024;
/// The longest frame.
pub(crate) const FRAME_BYTES_MAX: usize = LINE_BYTES_MAX + HEADER_BYTES_MAX + PAYLOAD_BYTES_MAX + 6;

/// What is enough of a longer one to read its header.
pub(crate) const HEAD_BYTES_MAX: usize = LINE_BYTES_MAX + HEADER_BYTES_MAX;

/// The protocol's name and a length.
const LINE_BYTES_MAX: usize = 32;
const MAGIC: &[u8] = b"TWILSOCK V3.0 ";
const CRLF: &[u8] = b"\r\n";

/// A frame that was read.
pub(crate) struct Packet<'a> {
    /// What it says.
    pub(crate) header: Header<'a>,
    /// What it carries.
    pub(crate) payload: &'a [u8],
}

/// Why bytes are no frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Malformed {
    /// Another protocol, or another version of it.
    #[error("The frame does not begin with TWILSOCK V3.0")]
    Foreign,
    /// The first line or its length.
    #[error("The first line does not tell the length of the header")]
    Line,
    /// The header is shorter or longer than said.
    #[error("The header has another length than the first line says")]
    HeaderLength,
    /// Not JSON, or a value in it has a type that it must not have.
    #[error("The header cannot be read")]
    Header,
    /// The payload is shorter or longer than said.
    #[error("The payload has another length than the header says")]
    PayloadLength,
}

impl Malformed {
    /// The status that a connection is closed with for it.
    pub(crate) const fn code(self) -> (u16, &'static str) {
        match self {
            Self::Foreign => (406, "NOT_ACCEPTABLE"),
            Self::Line | Self::HeaderLength | Self::Header | Self::PayloadLength => {
                (417, "EXPECTATION_FAILED")
            }
        }
    }
}

/// Reads one frame: the whole of a binary message.
pub(crate) fn decode(frame: &[u8]) -> Result<Packet<'_>, Malformed> {
    let (header, rest) = split(frame)?;
    let rest = match rest.strip_prefix(CRLF) {
        Some(rest) => rest,
        None if rest.is_empty() => rest,
        None => return Err(Malformed::HeaderLength),
    };
    let header: Header<'_> = read(header)?;
    let payload = payload(rest, header.payload_size)?;
    Ok(Packet { header, payload })
}

/// Reads what is enough to refuse a frame, from its beginning: one that is too long, or one whose
/// header cannot be read whole.
pub(crate) fn decode_name(head: &[u8]) -> Result<Name<'_>, Malformed> {
    read(split(head)?.0)
}

fn read<'a, T: Deserialize<'a>>(header: &'a [u8]) -> Result<T, Malformed> {
    serde_json::from_slice(header).map_err(|_| Malformed::Header)
}

/// The header, and what is behind it.
fn split(frame: &[u8]) -> Result<(&[u8], &[u8]), Malformed> {
    let rest = frame.strip_prefix(MAGIC).ok_or(Malformed::Foreign)?;
    let line = &rest[..rest.len().min(LINE_BYTES_MAX - MAGIC.len())];
    let end = line.windows(2).position(|two| two == CRLF).ok_or(Malformed::Line)?;
    let length = length(&line[..end]).ok_or(Malformed::Line)?;
    let rest = &rest[end + CRLF.len()..];
    rest.split_at_checked(length).ok_or(Malformed::HeaderLength)
}

/// Decimal digits, and not too many.
fn length(digits: &[u8]) -> Option<usize> {
    let whole = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    let text = str::from_utf8(digits).ok().filter(|_| whole)?;
    text.parse().ok().filter(|length| *length <= HEADER_BYTES_MAX)
}

fn payload(rest: &[u8], said: Option<u64>) -> Result<&[u8], Malformed> {
    let bare = rest.strip_suffix(CRLF).unwrap_or(rest);
    let payload = match said {
        None => bare,
        Some(said) if said == rest.len() as u64 => rest,
        Some(said) if said == bare.len() as u64 => bare,
        Some(_) => return Err(Malformed::PayloadLength),
    };
    match payload.len() <= PAYLOAD_BYTES_MAX {
        true => Ok(payload),
        false => Err(Malformed::PayloadLength),
    }
}

/// Writes a frame. `header` says the length of this payload; the payload is JSON or nothing.
pub(crate) fn encode<H: Serialize>(header: &H, payload: &[u8]) -> Bytes {
    let mut json = Vec::with_capacity(256);
    serde_json::to_writer(&mut json, header).expect("headers are plain data");
    let mut frame = Vec::with_capacity(MAGIC.len() + 12 + json.len() + payload.len());
    frame.extend_from_slice(MAGIC);
    frame.extend_from_slice(json.len().to_string().as_bytes());
    frame.extend_from_slice(CRLF);
    frame.extend_from_slice(&json);
    frame.extend_from_slice(CRLF);
    let start = frame.len();
    frame.extend_from_slice(payload);
    // JSON holds line breaks only between its parts, where any blank will do.
    let breaks = frame[start..].iter_mut().filter(|byte| **byte == b'\r');
    breaks.for_each(|byte| *byte = b' ');
    frame.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn refused(frame: &[u8]) -> Malformed {
        decode(frame).err().expect("this is no frame")
    }

    fn framed(header: &str, rest: &str) -> Vec<u8> {
        format!("TWILSOCK V3.0 {}\r\n{header}{rest}", header.len()).into_bytes()
    }

    #[test]
    fn what_is_written_is_read() {
        for payload in ["", "{}", "{\"text\":\"Grüße 🎈\"}"] {
            let header = json!({"method": "reply", "id": "TM1é", "payload_size": payload.len()});
            let frame = encode(&header, payload.as_bytes());
            let packet = decode(&frame).expect("our own");
            assert_eq!((&*packet.header.method, &*packet.header.id), ("reply", "TM1é"));
            assert_eq!(packet.payload, payload.as_bytes());
        }
    }

    #[test]
    fn lengths_count_bytes() {
        let frame = encode(&json!({"id": "ü"}), b"");
        assert_eq!(&frame[..], "TWILSOCK V3.0 11\r\n{\"id\":\"ü\"}\r\n".as_bytes());
    }

    #[test]
    fn a_frame_holds_two_line_breaks_and_the_same_json() {
        let payload = b"{\r\n \"a\": [1,\r\n2] }";
        let frame = encode(&json!({"method": "reply", "payload_size": payload.len()}), payload);
        assert_eq!(frame.windows(2).filter(|two| two == b"\r\n").count(), 2);
        let parts: Vec<&str> = str::from_utf8(&frame).unwrap().split("\r\n").collect();
        let value: Value = serde_json::from_str(parts[2]).expect("JSON");
        assert_eq!(value, json!({"a": [1, 2]}));
        assert_eq!(parts[2].len(), payload.len());
    }

    #[test]
    fn an_end_may_be_left_out_or_be_there_twice() {
        let none = r#"{"method":"close","id":"1","payload_size":0}"#;
        for rest in ["", "\r\n", "\r\n\r\n"] {
            let frame = framed(none, rest);
            assert_eq!(decode(&frame).expect(rest).payload, b"", "{rest:?}");
        }
        let some = r#"{"method":"message","id":"1","payload_size":2}"#;
        for rest in ["\r\n{}", "\r\n{}\r\n"] {
            let frame = framed(some, rest);
            assert_eq!(decode(&frame).expect(rest).payload, b"{}", "{rest:?}");
        }
        let unsaid = framed(r#"{"method":"message","id":"1"}"#, "\r\n{}\r\n");
        assert_eq!(decode(&unsaid).expect("a frame").payload, b"{}");
    }

    #[test]
    fn what_is_no_frame_is_told_apart() {
        let header = r#"{"method":"close","id":"1","payload_size":0}"#;
        assert_eq!(refused(b""), Malformed::Foreign);
        assert_eq!(refused(b"GET / HTTP/1.1\r\n"), Malformed::Foreign);
        assert_eq!(refused(b"TWILSOCK V2.0 2\r\n{}\r\n"), Malformed::Foreign);
        for line in ["", "-1\r\n", "+2\r\n", "2 \r\n", "2x\r\n", "2\n", "99999999\r\n", "65537\r\n"]
        {
            let frame = format!("TWILSOCK V3.0 {line}{{}}\r\n");
            assert_eq!(refused(frame.as_bytes()), Malformed::Line, "{line:?}");
        }
        let short = format!("TWILSOCK V3.0 {}\r\n{header}", header.len() + 1);
        assert_eq!(refused(short.as_bytes()), Malformed::HeaderLength);
        let long = format!("TWILSOCK V3.0 {}\r\n{header}\r\n", header.len() - 1);
        assert_eq!(refused(long.as_bytes()), Malformed::HeaderLength);
        for wrong in ["{}", "[]", "{\"method\":1,\"id\":\"1\"}", "\u{1}", "{\"method\":\"a\"}"] {
            assert_eq!(refused(&framed(wrong, "\r\n")), Malformed::Header, "{wrong}");
        }
        let said = r#"{"method":"message","id":"1","payload_size":3}"#;
        for rest in ["\r\n{}", "\r\n{}  ", "", "\r\n"] {
            assert_eq!(refused(&framed(said, rest)), Malformed::PayloadLength, "{rest:?}");
        }
        let huge = r#"{"method":"message","id":"1","payload_size":18446744073709551615}"#;
        assert_eq!(refused(&framed(huge, "\r\n")), Malformed::PayloadLength);
    }

    #[test]
    fn a_foreign_protocol_and_a_broken_frame_have_their_codes() {
        assert_eq!(Malformed::Foreign.code().0, 406);
        assert_eq!(Malformed::Header.code().0, 417);
    }
}
