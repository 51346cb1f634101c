//! The load client and the benchmarks: what `cargo xtask bench` runs beside its peers.
fn main() {}
