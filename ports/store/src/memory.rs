//! The memory form of a store.
/// Rows and journal in memory.
#[derive(Debug, Default)]
pub struct MemoryStore;
