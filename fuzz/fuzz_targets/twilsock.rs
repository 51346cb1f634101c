//! Any bytes as a client's frame: read, answered and outlived without a panic.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| live::exercise_twilsock(input));
