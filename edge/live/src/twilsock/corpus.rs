//! The fuzz target as a stable test: its corpus, inputs made from it with a fixed seed, and frames
//! of any shape.

use super::{codec, exercise::exercise};
use base::Draws;
use proptest::prelude::*;
use std::{fs, path::Path};

/// Inputs made from the corpus.
const GENERATED: usize = 10_000;
/// A generated input is cut to this.
const BYTES_MAX: usize = 1_000;

/// Pieces that a random change would hardly hit upon.
const PIECES: [&[u8]; 16] = [
    b"\r\n",
    b"TWILSOCK V3.0 ",
    b"\"payload_size\":0",
    b"\"payload_size\":18446744073709551615",
    b"\"method\":\"init\"",
    b"\"method\":\"message\"",
    b"\"method\":\"close\"",
    b"\"params\":{\"a\":[\"b\",null]}",
    b"\"active_grant\":\"data_sync\"",
    b"null",
    b"{}",
    b"[",
    b"\"",
    b"\xff",
    b"\\u0000",
    "é🎈".as_bytes(),
];

fn corpus() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/twilsock");
    let entries = fs::read_dir(folder).expect("the corpus is part of the repository");
    let mut files: Vec<_> = entries.map(|entry| entry.expect("a readable folder").path()).collect();
    files.sort();
    files.iter().map(|file| fs::read(file).expect("a readable file")).collect()
}

fn changed(draws: &mut Draws, corpus: &[Vec<u8>]) -> Vec<u8> {
    let mut below = |n: usize| draws.below(n as u64) as usize;
    let mut input = corpus[below(corpus.len())].clone();
    for _ in 0..=below(5) {
        let from = below(input.len() + 1);
        let to = (from + below(12)).min(input.len());
        match below(4) {
            0 => drop(input.drain(from..to)),
            1 => {
                let copy = input[from..to].to_vec();
                input.splice(from..from, copy);
            }
            2 if from < to => input[from] = below(256) as u8,
            _ => {
                let piece = PIECES[below(PIECES.len())];
                input.splice(from..from, piece.iter().copied());
            }
        }
    }
    input.truncate(BYTES_MAX);
    input
}

/// The same header again with the length that it has now: most changes would end at the first line.
fn relengthened(input: &[u8]) -> Vec<u8> {
    let Some(start) = input.windows(2).position(|two| two == b"\r\n") else {
        return input.to_vec();
    };
    let rest = &input[start + 2..];
    let end = rest.windows(2).position(|two| two == b"\r\n").unwrap_or(rest.len());
    [format!("TWILSOCK V3.0 {end}\r\n").as_bytes(), rest].concat()
}

#[test]
fn the_corpus_breaks_nothing() {
    let corpus = corpus();
    assert!(corpus.len() >= 24, "{} inputs", corpus.len());
    corpus.iter().for_each(|input| exercise(input));
}

#[test]
fn inputs_made_from_the_corpus_break_nothing() {
    let corpus = corpus();
    let mut draws = Draws::new(0x5EED_0002);
    let mut read = 0;
    for _ in 0..GENERATED {
        let input = changed(&mut draws, &corpus);
        exercise(&input);
        let input = relengthened(&input);
        exercise(&input);
        read += usize::from(codec::decode(&input).is_ok());
    }
    assert!(read > GENERATED / 20, "only {read} inputs were frames");
}

proptest! {
    #[test]
    fn any_header_and_payload_come_back(
        method in "[a-z._0-9]{1,20}",
        id in "\\PC{0,40}",
        payload in "\\PC{0,200}",
    ) {
        let header = serde_json::json!({
            "method": method, "id": id, "payload_size": payload.len(), "more": [payload],
        });
        let frame = codec::encode(&header, payload.as_bytes());
        let packet = codec::decode(&frame).expect("our own");
        prop_assert_eq!(&*packet.header.method, &*method);
        prop_assert_eq!(&*packet.header.id, &*id);
        prop_assert_eq!(packet.payload, payload.as_bytes());
        for end in 0..frame.len() {
            // A frame that was cut short is refused, unless only its last line break is missing.
            let cut = codec::decode(&frame[..end]);
            prop_assert!(cut.is_err() || (payload.is_empty() && end + 2 == frame.len()), "{}", end);
        }
    }
}
