//! What is ours alone: people, sign-in, the clock, evaluate and explain. JSON bodies.

pub mod password;

use crate::Routes;

/// Every route of ours.
pub(crate) fn routes() -> Vec<Routes> {
    Vec::new()
}
