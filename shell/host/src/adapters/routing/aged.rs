//! What of a workspace grows with time: its log, and the rows of what ended.
//!
//! * A task that lives stays however old it is; one that ended is kept by the time of its end.
//! * A reservation that is over is kept by the time it was made, which is at most some days earlier.

use crate::{engine::Aged, events::first_at, tables};
use base::{Sid, Timestamp};
use store::{Filter, Test, Value};

/// All of it.
pub(super) const ALL: &[Aged] = &[
    Aged { table: &tables::EVENT, before: |at| vec![made_before(at, *b"EV")] },
    Aged { table: &tables::TASK, before: ended_tasks },
    Aged { table: &tables::RESERVATION, before: |at| vec![made_before(at, *b"WR"), is_over()] },
];

fn ended_tasks(at: Timestamp) -> Vec<Filter> {
    let ended = Filter { column: "ended_at", test: Test::AtMost(at.into()) };
    vec![made_before(at, *b"WT"), is_over(), ended]
}

/// SIDs begin with the time they were made at.
fn made_before(at: Timestamp, kind: [u8; 2]) -> Filter {
    let bound = Sid::new(kind, first_at(at).body());
    Filter { column: "key", test: Test::AtMost(Value::from(bound.to_string().as_str())) }
}

fn is_over() -> Filter {
    Filter { column: "live", test: Test::OneOf(vec![Value::Int(0)]) }
}
