//! Seeds that must go well, and bugs that seeds must find.

mod buckets;
#[cfg(feature = "planted-bugs")]
mod planted;
mod seeds;
mod workload;
