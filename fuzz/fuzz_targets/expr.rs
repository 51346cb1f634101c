//! Any bytes as an expression: compiled, printed, evaluated, traced and bound without a panic.
#![no_main]

#[path = "../../engines/expr/tests/exercise/mod.rs"]
mod exercise;

libfuzzer_sys::fuzz_target!(|input: &[u8]| exercise::exercise(&String::from_utf8_lossy(input)));
