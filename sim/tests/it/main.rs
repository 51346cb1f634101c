//! Seeds that must go well, and bugs that seeds must find.

#[cfg(feature = "planted-bugs")]
mod planted;
mod seeds;
mod workload;
