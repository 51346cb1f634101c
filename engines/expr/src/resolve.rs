//! What a path means at a place.
//!
//! * Built-in worker fields win over attributes of the same name.
//! * A path without a meaning is null, and [`lint`](crate::Expression::lint) says so.

use crate::{
    ChannelField, Path, Place, Segment, WorkerField,
    tree::{Count, Nothing, Operand, TimeField},
    value::Constant,
};
use base::Sid;

/// The meaning of `path` at `place`.
pub(crate) fn resolve(place: Place, path: Path) -> Operand {
    let (first, rest) = split(&path);
    match place {
        Place::Filter => variable(&path, || Operand::Task(path.clone()))
            .unwrap_or_else(|| Operand::Task(path.clone())),
        Place::Queue if first == "worker" && !rest.is_empty() => {
            nothing(path, Nothing::WrongPrefix)
        }
        Place::Queue => Operand::Worker(path),
        Place::WorkerList => worker_list(path),
        Place::Target => target(path),
        Place::SkipIf => skip_if(path),
        Place::LiveQuery if first == "data" && !rest.is_empty() => Operand::Task(Path::new(rest)),
        Place::LiveQuery => nothing(path, Nothing::Unprefixed),
    }
}

fn worker_list(path: Path) -> Operand {
    let (first, rest) = split(&path);
    match named_field(first) {
        Some(field) if rest.is_empty() => Operand::Field(field),
        Some(_) => nothing(path, Nothing::UnknownVariable),
        None if first == "worker" && !rest.is_empty() => nothing(path, Nothing::WrongPrefix),
        None => Operand::Worker(path),
    }
}

fn target(path: Path) -> Operand {
    let (first, rest) = split(&path);
    match first {
        "task" if !rest.is_empty() => Operand::Task(Path::new(rest)),
        "worker" if !rest.is_empty() => target_worker(&path, Path::new(rest)),
        _ => variable(&path, || Operand::Constant(Constant::NULL))
            .unwrap_or_else(|| nothing(path, Nothing::Unprefixed)),
    }
}

fn target_worker(path: &Path, inner: Path) -> Operand {
    if let Some(field) = channel_field(&inner) {
        return Operand::Field(field);
    }
    let (first, rest) = split(&inner);
    let field = match first {
        "assigned_tasks" => Some(WorkerField::AssignedTasks),
        _ => named_field(first),
    };
    match field {
        Some(field) if rest.is_empty() => Operand::Field(field),
        Some(_) => nothing(path.clone(), Nothing::UnknownVariable),
        None => Operand::Worker(inner),
    }
}

fn skip_if(path: Path) -> Operand {
    let (first, rest) = split(&path);
    if first != "workers" || rest.is_empty() {
        return nothing(path, Nothing::Unprefixed);
    }
    let count = match rest {
        [Segment::Key(key)] => match &**key {
            "available" => Some(Count::Available),
            "unavailable" => Some(Count::Unavailable),
            sid => Sid::parse_kind(sid, "WA").ok().map(Count::Activity),
        },
        _ => None,
    };
    count.map_or_else(|| nothing(path.clone(), Nothing::UnknownVariable), Operand::Count)
}

/// `taskrouter.…` and `schedule.<name>.open`. Where there is no such schedule the path is what it
/// would be without schedules, which is `otherwise`.
fn variable(path: &Path, otherwise: impl FnOnce() -> Operand) -> Option<Operand> {
    let keys: Vec<&str> = keys(path.segments());
    match (&*keys, path.segments().len()) {
        (["taskrouter", name], 2) => Some(
            time_field(name)
                .map_or_else(|| nothing(path.clone(), Nothing::UnknownVariable), Operand::Time),
        ),
        (["taskrouter", ..], 2..) => Some(nothing(path.clone(), Nothing::UnknownVariable)),
        (["schedule", name, "open"], 3) => {
            Some(Operand::Schedule { name: (*name).into(), otherwise: Box::new(otherwise()) })
        }
        _ => None,
    }
}

fn time_field(name: &str) -> Option<TimeField> {
    match name {
        "currentTime" => Some(TimeField::CurrentTime),
        "currentHour" => Some(TimeField::CurrentHour),
        "currentMin" => Some(TimeField::CurrentMin),
        "dayOfWeek" => Some(TimeField::DayOfWeek),
        _ => None,
    }
}

fn named_field(name: &str) -> Option<WorkerField> {
    match name {
        "sid" => Some(WorkerField::Sid),
        "friendly_name" => Some(WorkerField::FriendlyName),
        "activity_sid" => Some(WorkerField::ActivitySid),
        "activity_name" => Some(WorkerField::ActivityName),
        _ => None,
    }
}

/// Only the three documented fields are built in: an attribute `channel` stays readable.
fn channel_field(path: &Path) -> Option<WorkerField> {
    let [Segment::Key(first), Segment::Key(name), Segment::Key(what)] = path.segments() else {
        return None;
    };
    let what = match &**what {
        "configured_capacity" => ChannelField::ConfiguredCapacity,
        "assigned_tasks" => ChannelField::AssignedTasks,
        "available_capacity_percentage" => ChannelField::AvailableCapacityPercentage,
        _ => return None,
    };
    (&**first == "channel").then(|| WorkerField::Channel { name: name.clone(), what })
}

fn nothing(path: Path, why: Nothing) -> Operand {
    Operand::Nothing { path, why }
}

/// The first key and what follows it.
fn split(path: &Path) -> (&str, &[Segment]) {
    match path.segments() {
        [Segment::Key(first), rest @ ..] => (first, rest),
        _ => ("", &[]),
    }
}

/// The keys up to the first index.
fn keys(segments: &[Segment]) -> Vec<&str> {
    segments
        .iter()
        .map_while(|segment| match segment {
            Segment::Key(key) => Some(&**key),
            Segment::Index(_) => None,
        })
        .collect()
}
