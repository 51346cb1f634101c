//! What of a workspace grows with time: its log, and the rows of what ended.
//!
//! * A task that lives stays however old it is; one that ended is kept by the time of its end.
//! * A reservation that is over is kept by the time it was made, which is at most some days
//!   earlier.

use crate::{engine::Aged, events::first_at, retention::Retention, tables};
use base::{Millis, Sid, Timestamp};
use store::{Filter, Test, Value};

/// All of it.
pub(super) const ALL: &[Aged] = &[
    Aged { table: &tables::EVENT, before: |at| vec![made_before(at, *b"EV")], kept: HISTORY },
    Aged { table: &tables::TASK, before: ended_tasks, kept: HISTORY },
    Aged { table: &tables::DELIVERY, before: deliveries, kept: HISTORY },
    Aged {
        table: &tables::RESERVATION,
        before: |at| vec![made_before(at, *b"WR"), is_over()],
        kept: HISTORY,
    },
    Aged {
        table: &tables::STATISTIC,
        before: |at| vec![at_most("began_at", at + HOUR_BACK)],
        kept: HISTORY,
    },
    Aged { table: &tables::STAY, before: |at| vec![at_most("ended_at", at)], kept: HISTORY },
];

const HISTORY: fn(&Retention) -> Millis = |retention| retention.history;

/// What was counted in the hour that a moment lies in is needed for that moment.
const HOUR_BACK: Millis = Millis(-report::HOUR);

fn ended_tasks(at: Timestamp) -> Vec<Filter> {
    vec![made_before(at, *b"WT"), is_over(), at_most("ended_at", at)]
}

/// One that asks again has its SID from a reservation made earlier.
fn deliveries(at: Timestamp) -> Vec<Filter> {
    vec![made_before(at, *b"DL"), is_over(), at_most("created_at", at)]
}

/// SIDs begin with the time they were made at.
fn made_before(at: Timestamp, kind: [u8; 2]) -> Filter {
    let bound = Sid::new(kind, first_at(at).body());
    Filter { column: "key", test: Test::AtMost(Value::from(bound.to_string().as_str())) }
}

fn at_most(column: &'static str, at: Timestamp) -> Filter {
    Filter { column, test: Test::AtMost(at.into()) }
}

fn is_over() -> Filter {
    Filter { column: "live", test: Test::OneOf(vec![Value::Int(0)]) }
}
