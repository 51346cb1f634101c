//! Where an expression stands, which decides what its keys mean.

use std::{fmt, str::FromStr};

/// Where an expression stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// A workflow filter or a list of tasks: a key is a task attribute.
    Filter,
    /// A queue's `target_workers`: a key is a worker attribute.
    Queue,
    /// A list of workers: as a queue, with `sid`, `friendly_name`, `activity_sid` and
    /// `activity_name`.
    WorkerList,
    /// A workflow target: `task.` and `worker.` before every key.
    Target,
    /// A target's `skip_if`: counts under `workers.`.
    SkipIf,
    /// A live query: `data.` before every key of an item.
    LiveQuery,
}

/// The text names no [`Place`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{0}' is not a place: filter, queue, worker_list, target, skip_if or live_query was expected"
)]
pub struct UnknownPlace(pub String);

impl Place {
    /// All places.
    pub const ALL: [Self; 6] =
        [Self::Filter, Self::Queue, Self::WorkerList, Self::Target, Self::SkipIf, Self::LiveQuery];

    /// The name in requests and test vectors.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Filter => "filter",
            Self::Queue => "queue",
            Self::WorkerList => "worker_list",
            Self::Target => "target",
            Self::SkipIf => "skip_if",
            Self::LiveQuery => "live_query",
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Place {
    type Err = UnknownPlace;

    fn from_str(text: &str) -> Result<Self, UnknownPlace> {
        Self::ALL
            .into_iter()
            .find(|place| place.name() == text)
            .ok_or_else(|| UnknownPlace(text.chars().take(64).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_is_found_by_its_name() {
        for place in Place::ALL {
            assert_eq!(place.name().parse(), Ok(place));
        }
        assert!("Filter".parse::<Place>().is_err());
    }
}
