//! WebSocket frames as a server reads and writes them (RFC 6455), without a socket.
//!
//! * What a client sends is masked, whole or in fragments, with control frames in between.
//! * Nothing is larger than it may be, and any bytes at all end in a message or in a refusal.

/// The longest payload of a control frame.
const CONTROL_BYTES_MAX: usize = 125;

/// What came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Message {
    Binary(Vec<u8>),
    Text,
    Ping(Vec<u8>),
    Pong,
    Close,
}

/// The client does not speak the protocol, or sends more than it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Foul;

/// What a frame that is written carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Binary,
    Close,
    Ping,
    Pong,
}

impl Kind {
    const fn opcode(self) -> u8 {
        match self {
            Self::Binary => 2,
            Self::Close => 8,
            Self::Ping => 9,
            Self::Pong => 10,
        }
    }
}

/// Appends a whole frame.
pub(crate) fn put(kind: Kind, payload: &[u8], out: &mut Vec<u8>) {
    out.push(0x80 | kind.opcode());
    match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
        (Ok(length @ 0..126), _) => out.push(length),
        (_, Ok(length)) => {
            out.push(126);
            out.extend_from_slice(&length.to_be_bytes());
        }
        (_, Err(_)) => {
            out.push(127);
            out.extend_from_slice(&(payload.len() as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(payload);
}

/// Makes messages of what comes.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    /// Earlier fragments of a message whose last one is yet to come.
    begun: Option<Begun>,
}

#[derive(Debug)]
struct Begun {
    is_text: bool,
    payload: Vec<u8>,
}

/// A frame's header.
struct Header {
    is_last: bool,
    opcode: u8,
    mask: [u8; 4],
    /// Where its payload begins and ends.
    payload: std::ops::Range<usize>,
}

impl Reader {
    /// The first message in `bytes`, and how many of them it took; `None` when its end is yet to
    /// come. Fragments in front of that are taken as well.
    pub(crate) fn read(
        &mut self,
        bytes: &[u8],
        bytes_max: usize,
    ) -> Result<(Option<Message>, usize), Foul> {
        let mut taken = 0;
        while let Some(header) = header(&bytes[taken..], bytes_max)? {
            let Some(masked) = bytes[taken..].get(header.payload.clone()) else { break };
            taken += header.payload.end;
            let message = self.take(&header, masked, bytes_max)?;
            if message.is_some() {
                return Ok((message, taken));
            }
        }
        Ok((None, taken))
    }

    fn take(
        &mut self,
        header: &Header,
        masked: &[u8],
        bytes_max: usize,
    ) -> Result<Option<Message>, Foul> {
        let is_control = header.opcode & 8 != 0;
        if is_control && !(header.is_last && masked.len() <= CONTROL_BYTES_MAX) {
            return Err(Foul);
        }
        Ok(match (header.opcode, &mut self.begun) {
            (0, Some(begun)) => {
                if begun.payload.len() + masked.len() > bytes_max {
                    return Err(Foul);
                }
                unmask(masked, header.mask, &mut begun.payload);
                match header.is_last {
                    true => self.begun.take().map(Begun::message),
                    false => None,
                }
            }
            (1 | 2, None) => {
                let mut payload = Vec::with_capacity(masked.len());
                unmask(masked, header.mask, &mut payload);
                let begun = Begun { is_text: header.opcode == 1, payload };
                match header.is_last {
                    true => Some(begun.message()),
                    false => {
                        self.begun = Some(begun);
                        None
                    }
                }
            }
            (8, _) => Some(Message::Close),
            (9, _) => {
                let mut payload = Vec::with_capacity(masked.len());
                unmask(masked, header.mask, &mut payload);
                Some(Message::Ping(payload))
            }
            (10, _) => Some(Message::Pong),
            _ => return Err(Foul),
        })
    }
}

impl Begun {
    fn message(self) -> Message {
        if self.is_text { Message::Text } else { Message::Binary(self.payload) }
    }
}

/// `None` until all of the header is there.
fn header(bytes: &[u8], bytes_max: usize) -> Result<Option<Header>, Foul> {
    let [first, second, rest @ ..] = bytes else { return Ok(None) };
    // No extension was agreed on, and clients mask.
    if first & 0x70 != 0 || second & 0x80 == 0 {
        return Err(Foul);
    }
    let length = match second & 0x7f {
        126 => rest.first_chunk().map(|length| (u64::from(u16::from_be_bytes(*length)), 4)),
        127 => rest.first_chunk().map(|length| (u64::from_be_bytes(*length), 10)),
        short => Some((u64::from(short), 2)),
    };
    let Some((length, mask_at)) = length else { return Ok(None) };
    let length = usize::try_from(length).ok().filter(|length| *length <= bytes_max).ok_or(Foul)?;
    let Some(mask) = bytes.get(mask_at..).and_then(|rest| rest.first_chunk()) else {
        return Ok(None);
    };
    let from = mask_at + 4;
    let (is_last, opcode) = (first & 0x80 != 0, first & 0x0f);
    Ok(Some(Header { is_last, opcode, mask: *mask, payload: from..from + length }))
}

fn unmask(masked: &[u8], mask: [u8; 4], out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(masked);
    let (wide, rest) = out[start..].as_chunks_mut::<4>();
    for four in wide {
        *four = (u32::from_ne_bytes(*four) ^ u32::from_ne_bytes(mask)).to_ne_bytes();
    }
    rest.iter_mut().zip(mask).for_each(|(byte, key)| *byte ^= key);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A frame as a client sends it.
    fn sent(first: u8, payload: &[u8]) -> Vec<u8> {
        let mut frame = Vec::new();
        put(Kind::Binary, payload, &mut frame);
        let from = frame.len() - payload.len();
        let mask = [7, 0, 255, 3];
        frame[0] = first;
        frame[1] |= 0x80;
        for (byte, key) in frame[from..].iter_mut().zip(mask.iter().cycle()) {
            *byte ^= key;
        }
        frame.splice(from..from, mask);
        frame
    }

    /// All messages, whatever pieces the bytes come in.
    fn all(bytes: &[u8], piece: usize, bytes_max: usize) -> Result<Vec<Message>, Foul> {
        let (mut reader, mut messages, mut waiting) = (Reader::default(), Vec::new(), Vec::new());
        for piece in bytes.chunks(piece) {
            waiting.extend_from_slice(piece);
            loop {
                let (message, taken) = reader.read(&waiting, bytes_max)?;
                waiting.drain(..taken);
                match message {
                    Some(message) => messages.push(message),
                    None => break,
                }
            }
        }
        Ok(messages)
    }

    const FIRST_BINARY: u8 = 0x02;
    const BINARY: u8 = 0x82;
    const CONTINUED: u8 = 0x00;
    const LAST: u8 = 0x80;

    #[test]
    fn messages_come_whole_in_whatever_pieces() {
        for length in [0, 1, 125, 126, 65_535, 65_536] {
            let payload: Vec<u8> = (0..length).map(|n: usize| n as u8).collect();
            let bytes = [sent(BINARY, &payload), sent(0x8a, b""), sent(0x81, b"text")].concat();
            let wanted = [Message::Binary(payload), Message::Pong, Message::Text];
            for piece in [1, 7, 1_000, usize::MAX] {
                if length < 1_000 || piece > 1 {
                    assert_eq!(all(&bytes, piece, 1 << 20).as_deref(), Ok(&wanted[..]));
                }
            }
        }
    }

    #[test]
    fn fragments_are_joined_and_control_frames_come_in_between() {
        let frames = [
            sent(FIRST_BINARY, b"one "),
            sent(0x89, b"still there?"),
            sent(CONTINUED, b"two "),
            sent(CONTINUED, b""),
            sent(LAST, b"three"),
            sent(0x88, &[3, 232]),
        ];
        let wanted = [
            Message::Ping(b"still there?".to_vec()),
            Message::Binary(b"one two three".to_vec()),
            Message::Close,
        ];
        for piece in [1, 5, usize::MAX] {
            assert_eq!(all(&frames.concat(), piece, 100).as_deref(), Ok(&wanted[..]));
        }
    }

    #[test]
    fn what_is_foul_is_refused() {
        let mut unmasked = Vec::new();
        put(Kind::Binary, b"x", &mut unmasked);
        let foul: [Vec<u8>; 9] = [
            unmasked,
            sent(BINARY | 0x40, b"an extension"),
            sent(0x83, b"no such kind"),
            sent(LAST, b"continues nothing"),
            [sent(FIRST_BINARY, b"a"), sent(BINARY, b"begins within another")].concat(),
            sent(0x09, b"a control frame in fragments"),
            sent(0x89, &[0; 126]),
            sent(BINARY, &[0; 201]),
            [sent(FIRST_BINARY, &[0; 150]), sent(LAST, &[0; 51])].concat(),
        ];
        for bytes in foul {
            assert_eq!(all(&bytes, usize::MAX, 200), Err(Foul), "{bytes:?}");
        }
        let huge = [0x82, 0xff, 255, 255, 255, 255, 255, 255, 255, 255];
        assert_eq!(all(&huge, usize::MAX, 200), Err(Foul), "before anything of it came");
    }

    proptest! {
        #[test]
        fn any_bytes_end_in_messages_or_a_refusal(
            bytes in proptest::collection::vec(any::<u8>(), 0..400),
            piece in 1usize..50,
        ) {
            let whole = all(&bytes, usize::MAX, 300);
            prop_assert_eq!(all(&bytes, piece, 300).is_err(), whole.is_err());
        }
    }
}
