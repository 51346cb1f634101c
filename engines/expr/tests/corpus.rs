//! The fuzz target as a stable test: its corpus, and inputs made from it with a fixed seed.

mod exercise;

use exercise::exercise;
use std::{fs, path::Path};

/// Inputs made from the corpus.
const GENERATED: usize = 10_000;

/// A generated input is cut to this, so that many are tried.
const BYTES_MAX: usize = 400;

/// Pieces that a random mutation would hardly hit upon.
const PIECES: [&str; 40] = [
    " AND ",
    " OR ",
    "NOT ",
    " IN ",
    " HAS ",
    " CONTAINS ",
    " NOT IN ",
    "==",
    "!=",
    ">=",
    "<-",
    ">-",
    "<",
    "=",
    "(",
    ")",
    "[",
    "]",
    ",",
    ".",
    "'",
    "\"",
    "task.",
    "worker.",
    "workers.",
    "a",
    "skills",
    "null",
    "true",
    "0",
    "1.0",
    "18446744073709551616",
    "\n",
    "\r\n",
    "é",
    "\u{feff}",
    "taskrouter.currentTime",
    "schedule.a.open",
    "worker.channel.chat.assigned_tasks",
    "'6'",
];

fn corpus() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/expr");
    let mut files: Vec<_> = fs::read_dir(folder)
        .expect("the corpus is part of the repository")
        .map(|entry| entry.expect("a readable folder").path())
        .collect();
    files.sort();
    files.iter().map(|file| fs::read(file).expect("a readable file")).collect()
}

/// A small generator whose numbers follow from its seed.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % n as u64) as usize
    }

    fn mutate(&mut self, corpus: &[Vec<u8>]) -> Vec<u8> {
        let mut input = corpus[self.below(corpus.len())].clone();
        input.truncate(BYTES_MAX);
        for _ in 0..=self.below(5) {
            let from = self.below(input.len() + 1);
            let to = (from + self.below(12)).min(input.len());
            match self.below(5) {
                0 => drop(input.drain(from..to)),
                1 => {
                    let copy = input[from..to].to_vec();
                    input.splice(from..from, copy);
                }
                2 if from < to => input[from] = self.below(256) as u8,
                3 => {
                    let other = &corpus[self.below(corpus.len())];
                    let start = self.below(other.len() + 1);
                    let end = other.len().min(start + BYTES_MAX);
                    input.splice(from..to, other[start..end].iter().copied());
                }
                _ => {
                    let piece = PIECES[self.below(PIECES.len())];
                    input.splice(from..from, piece.bytes());
                }
            }
        }
        input.truncate(BYTES_MAX);
        input
    }
}

#[test]
fn the_corpus_breaks_nothing() {
    let corpus = corpus();
    assert!(corpus.len() >= 24, "{} inputs", corpus.len());
    for input in &corpus {
        exercise(&String::from_utf8_lossy(input));
    }
}

#[test]
fn inputs_made_from_the_corpus_break_nothing() {
    let corpus = corpus();
    let mut random = Random(0x5EED_0001);
    let mut compiled = 0;
    for _ in 0..GENERATED {
        let input = random.mutate(&corpus);
        let text = String::from_utf8_lossy(&input);
        exercise(&text);
        compiled += usize::from(expr::Expression::compile(&text, expr::Place::Filter).is_ok());
    }
    assert!(compiled > GENERATED / 20, "only {compiled} inputs got past the parser");
}
