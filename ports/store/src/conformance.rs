//! The suite each store passes.
