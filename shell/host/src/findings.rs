//! What the use of an object says about how it is used: the known ways to use sync badly, by name.
//!
//! * A finding is a hint to a person. Nothing is refused or slowed down because of one.
//! * Bounds are the documented rates, whether they are enforced or not.

use crate::heat::Usage;
use sync::{Object, ObjectKind};

/// Writes a second that an object should take at most; messages of a stream.
const WRITES_PER_S: f64 = 20.0;
const MESSAGES_PER_S: f64 = 30.0;
/// Reads a second.
const READS_PER_S: f64 = 20.0;
/// What of all writes of a service makes an object the one that everything goes through.
const SHARE_OF_ALL: f64 = 0.8;
/// Beside that, so many writes a second and followers.
const WRITES_OF_ALL_PER_S: f64 = 5.0;
/// From how many on there are many: writers, followers, items of a map.
const MANY: usize = 10;
/// Items from which on a list or map is a database; and from which on it is if it keeps growing.
const ITEMS_MAX: u64 = 10_000;
const ITEMS_GROWING: u64 = 1_000;
const GROWTH_PER_S: f64 = 1.0;
/// Beginnings to follow in a second, from which on clients come and go.
const FOLLOWS_PER_S: f64 = 1.0;

/// One of the known ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pattern {
    /// Everything goes through one object.
    GlobalObject,
    /// One map holds all agents, each writing their own item.
    MapOfAllAgents,
    /// It grows as a database does.
    DatabaseGrowth,
    /// It is written in a loop.
    HotLoop,
    /// Large values are written often.
    LargeValues,
    /// It is read over and over instead of being followed.
    UncachedReads,
    /// A client is made for each request.
    ClientPerRequest,
}

impl Pattern {
    /// Its name for programs.
    pub const fn code(self) -> &'static str {
        match self {
            Self::GlobalObject => "one_global_object",
            Self::MapOfAllAgents => "single_map_of_all_agents",
            Self::DatabaseGrowth => "database_like_growth",
            Self::HotLoop => "hot_loop_writes",
            Self::LargeValues => "large_values_written_often",
            Self::UncachedReads => "reads_without_a_cache",
            Self::ClientPerRequest => "client_for_each_request",
        }
    }

    /// What it means and what helps.
    pub const fn advice(self) -> &'static str {
        match self {
            Self::GlobalObject => {
                "One global object takes nearly all writes of the service, and everybody who \
                 follows it is told each: give each queue, team or conversation its own."
            }
            Self::MapOfAllAgents => {
                "A single map of all agents: every change of one is told to all. Give each agent, \
                 or each team, a map of its own."
            }
            Self::DatabaseGrowth => {
                "It grows as a database does: let items expire (ItemTtl), or keep records \
                 elsewhere."
            }
            Self::HotLoop => {
                "It is written in a hot loop, more often than anybody can read: gather changes \
                 and write the newest."
            }
            Self::LargeValues => {
                "Large values are written often: split what changes from what does not."
            }
            Self::UncachedReads => {
                "It is read over and over: keep the value and follow the object, or read it once \
                 in a while."
            }
            Self::ClientPerRequest => {
                "Followers come and go as requests do: make one client and keep it."
            }
        }
    }
}

/// What else is known of an object.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Surroundings {
    /// Who follows it now.
    pub(crate) followers: usize,
    /// Writes a second of everything in its service.
    pub(crate) writes_of_all_per_s: f64,
}

/// What an object's use within a minute, and within the last ten seconds, says.
pub(crate) fn findings(
    object: &Object,
    minute: &Usage,
    latest: &Usage,
    around: Surroundings,
) -> Vec<Pattern> {
    let mut found = Vec::new();
    let mut note = |is_so: bool, pattern: Pattern| found.extend(is_so.then_some(pattern));
    let is_followed = around.followers >= MANY;
    let is_most = minute.writes_per_s >= SHARE_OF_ALL * around.writes_of_all_per_s;
    let is_busy = minute.writes_per_s >= WRITES_OF_ALL_PER_S;
    note(is_most && is_busy && is_followed, Pattern::GlobalObject);

    let is_shared = object.kind() == ObjectKind::Map && minute.writers as usize >= MANY;
    note(is_shared && is_followed && object.items >= MANY as u64, Pattern::MapOfAllAgents);

    let grows = object.items >= ITEMS_GROWING && minute.growth_per_s >= GROWTH_PER_S;
    note(object.items >= ITEMS_MAX || grows, Pattern::DatabaseGrowth);

    let most = match object.kind() {
        ObjectKind::Stream => MESSAGES_PER_S,
        ObjectKind::Document | ObjectKind::List | ObjectKind::Map => WRITES_PER_S,
    };
    let is_loop = latest.writes_per_s > most;
    note(is_loop, Pattern::HotLoop);
    note(!is_loop && latest.weighed_per_s > most, Pattern::LargeValues);
    note(latest.reads_per_s > READS_PER_S, Pattern::UncachedReads);

    let begun = minute.follows_per_s * 60.0;
    let stay = around.followers as f64;
    let come_and_go = minute.follows_per_s >= FOLLOWS_PER_S && begun > 10.0 * stay;
    note(come_and_go, Pattern::ClientPerRequest);
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::Timestamp;
    use sync::{ObjectSid, ServiceSid};

    fn object(kind: ObjectKind, items: u64) -> Object {
        Object {
            sid: ObjectSid::new(kind, 1),
            service: ServiceSid::new(1),
            unique_name: None,
            data: None,
            event: 1,
            next_index: 0,
            items,
            created_by: "system".into(),
            created_at: Timestamp(0),
            updated_at: Timestamp(0),
            expires_at: None,
        }
    }

    fn alone(followers: usize) -> Surroundings {
        Surroundings { followers, writes_of_all_per_s: 100.0 }
    }

    #[test]
    fn each_pattern_is_named_by_what_shows_it_and_by_nothing_less() {
        let (map, quiet) = (object(ObjectKind::Map, 20), Usage::default());
        assert_eq!(findings(&map, &quiet, &quiet, alone(100)), []);

        let loud = Usage { writes_per_s: 20.1, ..quiet };
        assert_eq!(findings(&map, &quiet, &loud, alone(0)), [Pattern::HotLoop]);
        assert_eq!(findings(&object(ObjectKind::Stream, 0), &quiet, &loud, alone(0)), []);

        let heavy = Usage { writes_per_s: 3.0, weighed_per_s: 30.0, ..quiet };
        assert_eq!(findings(&map, &quiet, &heavy, alone(0)), [Pattern::LargeValues]);
        let read = Usage { reads_per_s: 20.1, ..quiet };
        assert_eq!(findings(&map, &read, &read, alone(0)), [Pattern::UncachedReads]);

        let most = Usage { writes_per_s: 80.0, ..quiet };
        assert_eq!(findings(&map, &most, &quiet, alone(10)), [Pattern::GlobalObject]);
        assert_eq!(findings(&map, &most, &quiet, alone(9)), []);
        let part = Usage { writes_per_s: 79.0, ..quiet };
        assert_eq!(findings(&map, &part, &quiet, alone(10)), []);

        let shared = Usage { writers: 10, writes_per_s: 1.0, ..quiet };
        assert_eq!(findings(&map, &shared, &quiet, alone(10)), [Pattern::MapOfAllAgents]);
        assert_eq!(findings(&object(ObjectKind::List, 20), &shared, &quiet, alone(10)), []);

        let large = object(ObjectKind::List, 10_000);
        assert_eq!(findings(&large, &quiet, &quiet, alone(0)), [Pattern::DatabaseGrowth]);
        let growing = Usage { growth_per_s: 1.0, ..quiet };
        let grown = object(ObjectKind::Map, 1_000);
        assert_eq!(findings(&grown, &growing, &quiet, alone(0)), [Pattern::DatabaseGrowth]);
        assert_eq!(findings(&grown, &quiet, &quiet, alone(0)), []);

        let churn = Usage { follows_per_s: 2.0, ..quiet };
        assert_eq!(findings(&map, &churn, &quiet, alone(3)), [Pattern::ClientPerRequest]);
        assert_eq!(findings(&map, &churn, &quiet, alone(120)), []);
    }
}
