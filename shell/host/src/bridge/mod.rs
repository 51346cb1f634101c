//! One file per arrow between domains: what one engine says, in the words of another.
//!
//! Engines never import engines; what joins them is here and translates only.

pub(crate) mod routing_to_insights;
pub(crate) mod routing_to_report;
