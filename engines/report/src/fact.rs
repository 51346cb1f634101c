//! Facts: the smallest things that are counted, and their text in the log.
//!
//! * A fact says where it counts: queue, workflow, channel, and the worker of a reservation.
//! * The text of a turn's facts begins with its time in milliseconds; a SID is 22 characters, and
//!   what several facts have in common is written once.

use base::{Millis, Sid, Timestamp};
use std::fmt::Write;

/// Something that is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fact {
    /// Where.
    pub place: Place,
    /// What.
    pub what: What,
}

/// Where a task stood when something happened to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its queue (`WQ…`), if it was in one.
    pub queue: Option<Sid>,
    /// Its workflow (`WW…`), if it had one.
    pub workflow: Option<Sid>,
    /// Its channel (`TC…`).
    pub channel: Sid,
}

/// What happened to a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// It was made. It waits from now on, and counts as entered in its workflow.
    Created,
    /// It waits again after it had been taken: on its way to somebody else.
    Returned,
    /// It began to wait in the queue.
    Entered,
    /// It left the queue for another one, waiting.
    Moved,
    /// It no longer waits because somebody took it.
    Taken,
    /// It was given up while it waited.
    Canceled {
        /// Since its creation.
        wait: Millis,
    },
    /// It was done.
    Completed,
    /// It was removed.
    Deleted(Deleted),
    /// It ran out of its workflow.
    TimedOut,
    /// Something happened to an offer of it.
    Reservation {
        /// To whom it was offered (`WK…`).
        worker: Sid,
        /// What.
        outcome: Outcome,
    },
}

/// Whether a task that was removed was waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deleted {
    /// It was pending or reserved.
    Waiting,
    /// It was being worked on, or over.
    Otherwise,
}

/// What happened to an offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was made.
    Created,
    /// The worker took the task.
    Accepted {
        /// Since the task was created.
        wait: Millis,
        /// Since it entered its queue, if it was in one.
        in_queue: Option<Millis>,
    },
    /// The worker refused.
    Rejected,
    /// The worker did not answer.
    TimedOut,
    /// It was withdrawn.
    Canceled,
    /// Another worker was faster.
    Rescinded,
}

/// The text is not that of a turn's facts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("facts cannot be read from place {0} on")]
pub struct FactError(pub usize);

/// The facts of a turn as text.
pub fn encode(at: Timestamp, facts: &[Fact]) -> String {
    let mut text = String::with_capacity(96 + 28 * facts.len());
    let _ = write!(text, "{}", at.0);
    let mut place = None;
    for fact in facts {
        if place != Some(fact.place) {
            place = Some(fact.place);
            text.push_str(";x");
            put_maybe(&mut text, fact.place.queue);
            put_maybe(&mut text, fact.place.workflow);
            put(&mut text, fact.place.channel);
        }
        text.push(';');
        put_what(&mut text, fact.what);
    }
    text
}

/// The facts of a turn and its time.
pub fn decode(text: &str) -> Result<(Timestamp, Vec<Fact>), FactError> {
    let mut parts = text.split(';');
    let at = parts.next().and_then(|at| at.parse().ok()).ok_or(FactError(0))?;
    let (mut facts, mut place) = (Vec::new(), None);
    for part in parts {
        let wrong = || FactError(part.as_ptr() as usize - text.as_ptr() as usize);
        match part.strip_prefix('x') {
            Some(words) => place = Some(read_place(words).ok_or_else(wrong)?),
            None => {
                let what = read_what(part).ok_or_else(wrong)?;
                facts.push(Fact { place: place.ok_or_else(wrong)?, what });
            }
        }
    }
    Ok((Timestamp(at), facts))
}

fn put_what(text: &mut String, what: What) {
    match what {
        What::Created => text.push('t'),
        What::Returned => text.push('r'),
        What::Entered => text.push('e'),
        What::Moved => text.push('m'),
        What::Taken => text.push('k'),
        What::Completed => text.push('p'),
        What::Deleted(Deleted::Waiting) => text.push('d'),
        What::Deleted(Deleted::Otherwise) => text.push('D'),
        What::TimedOut => text.push('w'),
        What::Canceled { wait } => _ = write!(text, "c{}", wait.0),
        What::Reservation { worker, outcome } => {
            text.push(match outcome {
                Outcome::Created => 'R',
                Outcome::Accepted { .. } => 'A',
                Outcome::Rejected => 'J',
                Outcome::TimedOut => 'O',
                Outcome::Canceled => 'N',
                Outcome::Rescinded => 'S',
            });
            put(text, worker);
            if let Outcome::Accepted { wait, in_queue } = outcome {
                let _ = write!(text, "{}", wait.0);
                if let Some(in_queue) = in_queue {
                    let _ = write!(text, ",{}", in_queue.0);
                }
            }
        }
    }
}

fn read_what(part: &str) -> Option<What> {
    let letter = part.chars().next()?;
    let rest = &part[letter.len_utf8()..];
    let plain = match letter {
        't' => What::Created,
        'r' => What::Returned,
        'e' => What::Entered,
        'm' => What::Moved,
        'k' => What::Taken,
        'p' => What::Completed,
        'd' => What::Deleted(Deleted::Waiting),
        'D' => What::Deleted(Deleted::Otherwise),
        'w' => What::TimedOut,
        'c' => return Some(What::Canceled { wait: read_span(rest)? }),
        _ => return read_reservation(letter, rest),
    };
    rest.is_empty().then_some(plain)
}

fn read_reservation(letter: char, rest: &str) -> Option<What> {
    let (worker, rest) = read_sid(rest, *b"WK")?;
    let outcome = match letter {
        'A' => {
            let (wait, in_queue) = match rest.split_once(',') {
                Some((wait, in_queue)) => (wait, Some(read_span(in_queue)?)),
                None => (rest, None),
            };
            let outcome = Outcome::Accepted { wait: read_span(wait)?, in_queue };
            return Some(What::Reservation { worker, outcome });
        }
        'R' => Outcome::Created,
        'J' => Outcome::Rejected,
        'O' => Outcome::TimedOut,
        'N' => Outcome::Canceled,
        'S' => Outcome::Rescinded,
        _ => return None,
    };
    rest.is_empty().then_some(What::Reservation { worker, outcome })
}

fn read_span(text: &str) -> Option<Millis> {
    text.parse().ok().map(Millis)
}

fn read_place(words: &str) -> Option<Place> {
    let (queue, rest) = read_maybe(words, *b"WQ")?;
    let (workflow, rest) = read_maybe(rest, *b"WW")?;
    let (channel, rest) = read_sid(rest, *b"TC")?;
    rest.is_empty().then_some(Place { queue, workflow, channel })
}

/// What stands for no SID.
const NOTHING: char = '.';
const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
/// Six bits each.
const SID_CHARS: usize = 22;

fn put_maybe(text: &mut String, sid: Option<Sid>) {
    match sid {
        Some(sid) => put(text, sid),
        None => text.push(NOTHING),
    }
}

fn put(text: &mut String, sid: Sid) {
    let mut body = sid.body();
    let mut chars = [0; SID_CHARS];
    for place in chars.iter_mut().rev() {
        *place = DIGITS[(body & 63) as usize];
        body >>= 6;
    }
    text.push_str(std::str::from_utf8(&chars).expect("the digits are ASCII"));
}

fn read_maybe(text: &str, kind: [u8; 2]) -> Option<(Option<Sid>, &str)> {
    match text.strip_prefix(NOTHING) {
        Some(rest) => Some((None, rest)),
        None => read_sid(text, kind).map(|(sid, rest)| (Some(sid), rest)),
    }
}

fn read_sid(text: &str, kind: [u8; 2]) -> Option<(Sid, &str)> {
    let (digits, rest) = text.split_at_checked(SID_CHARS)?;
    let mut body = 0u128;
    for (at, digit) in digits.bytes().enumerate() {
        let value = match digit {
            b'A'..=b'Z' => digit - b'A',
            b'a'..=b'z' => digit - b'a' + 26,
            b'0'..=b'9' => digit - b'0' + 52,
            b'-' => 62,
            b'_' => 63,
            _ => return None,
        };
        // 22 digits hold four bits more than a SID.
        if at == 0 && value > 3 {
            return None;
        }
        body = body << 6 | u128::from(value);
    }
    Some((Sid::new(kind, body), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sid(kind: [u8; 2], n: u128) -> Sid {
        Sid::new(kind, n)
    }

    fn some_facts() -> Vec<Fact> {
        let channel = sid(*b"TC", u128::MAX);
        let nowhere = Place { queue: None, workflow: Some(sid(*b"WW", 7)), channel };
        let queue = Place { queue: Some(sid(*b"WQ", 1 << 127)), ..nowhere };
        let worker = sid(*b"WK", 0x0123_4567_89ab_cdef_0123_4567_89ab_cdef);
        let of = |outcome| What::Reservation { worker, outcome };
        let accepted = |in_queue| Outcome::Accepted { wait: Millis(12_345), in_queue };
        let mut facts = vec![Fact { place: nowhere, what: What::Created }];
        let others = [
            What::Entered,
            What::Returned,
            What::Moved,
            What::Taken,
            What::Canceled { wait: Millis(7) },
            What::Completed,
            What::Deleted(Deleted::Waiting),
            What::Deleted(Deleted::Otherwise),
            What::TimedOut,
            of(Outcome::Created),
            of(accepted(Some(Millis(0)))),
            of(accepted(None)),
            of(Outcome::Rejected),
            of(Outcome::TimedOut),
            of(Outcome::Canceled),
            of(Outcome::Rescinded),
        ];
        facts.extend(others.map(|what| Fact { place: queue, what }));
        facts
    }

    #[test]
    fn facts_survive_text() {
        let (at, facts) = (Timestamp(1_767_225_600_123), some_facts());
        assert_eq!(decode(&encode(at, &facts)), Ok((at, facts)));
        assert_eq!(decode("5"), Ok((Timestamp(5), Vec::new())));
    }

    #[test]
    fn what_facts_share_is_written_once() {
        let text = encode(Timestamp(1_767_225_600_123), &some_facts()[..3]);
        assert_eq!(text.len(), 13 + (2 + 1 + 22 + 22) + 2 + (2 + 66) + 4, "{text}");
    }

    #[test]
    fn other_text_is_refused_where_it_is_wrong() {
        let good = encode(Timestamp(9), &some_facts());
        for text in ["", "x", "9;t", "9;x..", "9;", "9;é", "9;x..AAAAAAAAAAAAAAAAAAAAAA;tt"] {
            assert!(decode(text).is_err(), "{text}");
        }
        assert_eq!(decode(&format!("{good};Q")), Err(FactError(good.len() + 1)));
        for cut in 2..good.len() {
            // Whatever is read from a part of it, nothing panics.
            let _ = decode(&good[..cut]);
        }
    }
}
