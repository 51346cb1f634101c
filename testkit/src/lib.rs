//! What tests of several crates share.
//!
//! * [`FaultyStore`]: any store, with commits that fail, lose their answer, or wait.
//! * [`Random`]: small, seeded, the same everywhere.
//!
//! Scenarios and fixtures are files beside this crate: `vectors/`, `fixtures/`.

mod faults;
mod random;

pub use faults::{Fault, FaultyStore};
pub use random::Random;
