//! WebSocket frames as a server reads and writes them (RFC 6455), without a socket.
//!
//! * What a client sends is masked, whole or in fragments, with control frames in between.
//! * Nothing that is kept is larger than it may be: of a message that is too long the beginning is
//!   kept and the rest passed over as it comes.
//! * Any bytes at all end in a message or in a refusal.

/// The longest payload of a control frame.
const CONTROL_BYTES_MAX: u64 = 125;
/// The longest message that is passed over; nobody waits for the end of a longer one.
const PASSED_BYTES_MAX: u64 = 64 << 20;

/// What came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Message {
    Binary(Vec<u8>),
    /// The beginning of a binary message that is longer than it may be.
    Long(Vec<u8>),
    Text,
    Ping(Vec<u8>),
    Pong,
    /// With the client's code, if it gave one.
    Close(Option<u16>),
}

/// How much of a message is kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lengths {
    /// Of one that is not too long: all of it, up to so many bytes.
    pub(crate) whole: usize,
    /// Of a longer one.
    pub(crate) head: usize,
}

/// Why a client is not listened to any longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Foul {
    /// It does not speak the protocol.
    Protocol,
    /// It sends more than anybody waits for.
    TooLong,
}

impl Foul {
    /// The code that it is told.
    pub(crate) const fn code(self) -> u16 {
        match self {
            Self::Protocol => 1002,
            Self::TooLong => 1009,
        }
    }
}

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
    /// What came of a message whose end is yet to come.
    begun: Option<Begun>,
    /// The frame of it that is passed over.
    passing: Option<Passing>,
}

#[derive(Debug)]
struct Begun {
    is_text: bool,
    /// All of it, or the beginning of one that is too long.
    payload: Vec<u8>,
    /// Of all its frames so far.
    bytes: u64,
    /// Its last frame came.
    is_whole: bool,
}

#[derive(Clone, Copy, Debug)]
struct Passing {
    mask: [u8; 4],
    /// How much of it came, and is yet to come.
    came: u64,
    left: u64,
    is_last: bool,
}

/// A frame's header.
struct Header {
    is_last: bool,
    opcode: u8,
    mask: [u8; 4],
    /// Where its payload begins, and how long it is.
    from: usize,
    bytes: u64,
}

impl Reader {
    /// The first message in `bytes`, and how many of them it took; `None` when its end is yet to
    /// come. Fragments in front of that are taken as well.
    pub(crate) fn read(
        &mut self,
        bytes: &[u8],
        lengths: Lengths,
    ) -> Result<(Option<Message>, usize), Foul> {
        let mut taken = 0;
        loop {
            let rest = &bytes[taken..];
            let message = if self.passing.is_some() {
                taken += self.pass(rest, lengths.head);
                if self.passing.is_some() {
                    return Ok((None, taken));
                }
                self.ended(lengths)
            } else {
                let Some(header) = header(rest)? else { return Ok((None, taken)) };
                let before = self.fits(&header)?;
                if !header.is_control() && before + header.bytes > lengths.whole as u64 {
                    self.begin_passing(&header, before, lengths.head)?;
                    taken += header.from;
                    continue;
                }
                let end = header.from + usize::try_from(header.bytes).map_err(|_| Foul::TooLong)?;
                let Some(masked) = rest.get(header.from..end) else { return Ok((None, taken)) };
                taken += end;
                self.take(&header, masked, lengths)?
            };
            if message.is_some() {
                return Ok((message, taken));
            }
        }
    }

    /// Bytes of the message that a frame goes on with, if it may come now.
    fn fits(&self, header: &Header) -> Result<u64, Foul> {
        match (header.opcode, &self.begun) {
            (0, Some(begun)) => Ok(begun.bytes),
            (1 | 2, None) => Ok(0),
            (8..=10, _) if header.is_last && header.bytes <= CONTROL_BYTES_MAX => Ok(0),
            _ => Err(Foul::Protocol),
        }
    }

    fn begin_passing(&mut self, header: &Header, before: u64, head: usize) -> Result<(), Foul> {
        let bytes = before.saturating_add(header.bytes);
        if bytes > PASSED_BYTES_MAX {
            return Err(Foul::TooLong);
        }
        let begun = self.begun.get_or_insert_with(|| Begun::new(header, 0));
        begun.bytes = bytes;
        begun.payload.truncate(head);
        let Header { mask, is_last, bytes: left, .. } = *header;
        self.passing = Some(Passing { mask, came: 0, left, is_last });
        Ok(())
    }

    /// How many of these bytes are of the frame that is passed over.
    fn pass(&mut self, bytes: &[u8], head: usize) -> usize {
        let (Some(passing), Some(begun)) = (&mut self.passing, &mut self.begun) else { return 0 };
        let here = usize::try_from(passing.left).map_or(bytes.len(), |left| left.min(bytes.len()));
        let kept = here.min(head.saturating_sub(begun.payload.len()));
        let mut mask = passing.mask;
        mask.rotate_left((passing.came % 4) as usize);
        unmask(&bytes[..kept], mask, &mut begun.payload);
        passing.came += here as u64;
        passing.left -= here as u64;
        if passing.left == 0 {
            begun.is_whole = passing.is_last;
            self.passing = None;
        }
        here
    }

    fn take(
        &mut self,
        header: &Header,
        masked: &[u8],
        lengths: Lengths,
    ) -> Result<Option<Message>, Foul> {
        if header.is_control() {
            let mut payload = Vec::with_capacity(masked.len());
            unmask(masked, header.mask, &mut payload);
            return Ok(Some(match header.opcode {
                8 => Message::Close(close_code(&payload)?),
                9 => Message::Ping(payload),
                _ => Message::Pong,
            }));
        }
        let begun = self.begun.get_or_insert_with(|| Begun::new(header, masked.len()));
        unmask(masked, header.mask, &mut begun.payload);
        begun.bytes += header.bytes;
        begun.is_whole = header.is_last;
        Ok(self.ended(lengths))
    }

    /// The message, if that was the end of it.
    fn ended(&mut self, lengths: Lengths) -> Option<Message> {
        let begun = self.begun.take_if(|begun| begun.is_whole)?;
        Some(match begun.bytes <= lengths.whole as u64 {
            _ if begun.is_text => Message::Text,
            true => Message::Binary(begun.payload),
            false => Message::Long(begun.payload),
        })
    }
}

impl Begun {
    fn new(header: &Header, room: usize) -> Self {
        let (is_text, payload) = (header.opcode == 1, Vec::with_capacity(room));
        Self { is_text, payload, bytes: 0, is_whole: false }
    }
}

impl Header {
    const fn is_control(&self) -> bool {
        self.opcode & 8 != 0
    }
}

/// Why the client leaves, if it says so as the standard wants it.
fn close_code(payload: &[u8]) -> Result<Option<u16>, Foul> {
    if payload.is_empty() {
        return Ok(None);
    }
    let code = payload.first_chunk().map(|code| u16::from_be_bytes(*code));
    let code = code.filter(|code| matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999));
    code.map(Some).ok_or(Foul::Protocol)
}

/// `None` until all of the header is there.
fn header(bytes: &[u8]) -> Result<Option<Header>, Foul> {
    let [first, second, rest @ ..] = bytes else { return Ok(None) };
    // No extension was agreed on, and clients mask.
    if first & 0x70 != 0 || second & 0x80 == 0 {
        return Err(Foul::Protocol);
    }
    let length = match second & 0x7f {
        126 => rest.first_chunk().map(|length| (u64::from(u16::from_be_bytes(*length)), 4)),
        127 => rest.first_chunk().map(|length| (u64::from_be_bytes(*length), 10)),
        short => Some((u64::from(short), 2)),
    };
    let Some((length, mask_at)) = length else { return Ok(None) };
    if length > PASSED_BYTES_MAX {
        return Err(Foul::TooLong);
    }
    let Some(mask) = bytes.get(mask_at..).and_then(|rest| rest.first_chunk()) else {
        return Ok(None);
    };
    let (is_last, opcode) = (first & 0x80 != 0, first & 0x0f);
    Ok(Some(Header { is_last, opcode, mask: *mask, from: mask_at + 4, bytes: length }))
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
    fn all(bytes: &[u8], piece: usize, whole: usize) -> Result<Vec<Message>, Foul> {
        let lengths = Lengths { whole, head: 10 };
        let (mut reader, mut messages, mut waiting) = (Reader::default(), Vec::new(), Vec::new());
        for piece in bytes.chunks(piece) {
            waiting.extend_from_slice(piece);
            loop {
                let (message, taken) = reader.read(&waiting, lengths)?;
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
            Message::Close(Some(1000)),
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
            sent(0x88, &[3]),
            sent(0x88, &[3, 237]),
        ];
        for bytes in foul {
            assert_eq!(all(&bytes, usize::MAX, 200), Err(Foul::Protocol), "{bytes:?}");
        }
        let huge = [0x82, 0xff, 255, 255, 255, 255, 255, 255, 255, 255];
        assert_eq!(all(&huge, usize::MAX, 200), Err(Foul::TooLong), "before anything of it came");
    }

    #[test]
    fn a_client_may_leave_without_a_word_or_with_a_code() {
        for (payload, code) in
            [(&[][..], None), (&[3, 233], Some(1001)), (b"\x0f\xa1bye", Some(4001))]
        {
            assert_eq!(all(&sent(0x88, payload), 3, 200), Ok(vec![Message::Close(code)]));
        }
    }

    #[test]
    fn of_what_is_too_long_the_beginning_is_kept_and_the_rest_passed_over() {
        let payload: Vec<u8> = (0..=255).collect();
        let next = sent(BINARY, b"next");
        let whole = [sent(BINARY, &payload), next.clone()].concat();
        let fragments = [
            sent(FIRST_BINARY, &payload[..3]),
            sent(0x89, b"?"),
            sent(CONTINUED, &payload[3..240]),
            sent(CONTINUED, b""),
            sent(LAST, &payload[240..]),
            next,
        ];
        let wanted = [Message::Long(payload[..10].to_vec()), Message::Binary(b"next".to_vec())];
        for piece in [1, 7, 11, 100, usize::MAX] {
            assert_eq!(all(&whole, piece, 200).as_deref(), Ok(&wanted[..]), "{piece}");
            let told = all(&fragments.concat(), piece, 200).expect("a client may write so");
            assert_eq!((&told[0], &told[1..]), (&Message::Ping(b"?".to_vec()), &wanted[..]));
        }
        assert_eq!(all(&sent(0x81, &payload), 9, 200), Ok(vec![Message::Text]));
        let endless = [sent(FIRST_BINARY, &payload), vec![0, 0xff, 0, 0, 0, 0, 4, 0, 0, 0]];
        let endless = [endless.concat(), vec![1, 2, 3, 4]].concat();
        assert_eq!(all(&endless, usize::MAX, 200), Err(Foul::TooLong));
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
