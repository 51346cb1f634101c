//! A worker as an explanation shows one.

use crate::{compiled, instant, text, texts};
use base::{Sid, Timestamp};
use expr::{ChannelField, Fact, Place, Scope, WorkerFacts, WorkerField};
use serde_json::Value;

pub(crate) struct Worker<'a> {
    pub(crate) sid: &'a str,
    pub(crate) name: &'a str,
    pub(crate) attributes: &'a Value,
    pub(crate) idle_since: Timestamp,
    shown: &'a Value,
}

impl<'a> Worker<'a> {
    pub(crate) fn of(shown: &'a Value) -> Result<Self, String> {
        Ok(Self {
            sid: text(&shown["worker_sid"])?,
            name: text(&shown["worker_name"])?,
            attributes: &shown["attributes"],
            idle_since: instant(&shown["idle_since"])?,
            shown,
        })
    }

    /// What rules the worker out whatever the task.
    pub(crate) fn obstacle(
        &self,
        channel: &str,
        single: bool,
        rules: &Value,
    ) -> Result<Option<&'static str>, String> {
        let share = &self.shown["channels"][channel];
        let number = |name: &str| share[name].as_u64().unwrap_or_default();
        Ok(if self.shown["available"] != true {
            Some("activity_unavailable")
        } else if share["available"] != true {
            Some("channel_unavailable")
        } else if single {
            (self.shown["open_reservations"] != 0).then_some("busy")
        } else if number("open_reservations") >= number("configured_capacity") {
            Some("no_capacity")
        } else {
            self.is_withheld(channel, rules)?.then_some("capacity_rule")
        })
    }

    /// Whether a rule of the capacity matrix would not hold with one more on the channel.
    fn is_withheld(&self, channel: &str, rules: &Value) -> Result<bool, String> {
        for rule in rules.as_array().into_iter().flatten() {
            let about = compiled(&rule["workers"], Place::Queue)?;
            let scope = Scope { worker: self.attributes, ..Scope::default() };
            if about.is_some_and(|about| !about.evaluate(&scope)) {
                continue;
            }
            let open = |name: &str| {
                let open = &self.shown["channels"][name]["open_reservations"];
                open.as_u64().unwrap_or_default() + u64::from(name == channel)
            };
            let weight = |name: &str| rule["weights"][name].as_u64().unwrap_or(1);
            let (counted, condition) = (texts(&rule["channels"]), &rule["while"]);
            let asked = texts(&condition["channels"]);
            let blocks = match rule["blocks"].is_null() {
                false => texts(&rule["blocks"]).contains(&channel),
                true => {
                    let counts = counted.contains(&channel) && weight(channel) > 0;
                    counts || asked.contains(&channel)
                }
            };
            let applies = condition.is_null() || {
                let open: u64 = asked.iter().map(|name| open(name)).sum();
                open >= condition["at_least"].as_u64().unwrap_or_default()
            };
            let load: u64 = counted.iter().map(|name| open(name) * weight(name)).sum();
            if blocks && applies && load > rule["limit"].as_u64().unwrap_or_default() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    pub(crate) fn last_reserved_at(&self, channel: &str) -> Option<Timestamp> {
        instant(&self.shown["channels"][channel]["last_reserved_at"]).ok()
    }

    fn share(&self, channel: &str, what: ChannelField) -> Option<i64> {
        let share = self.shown["channels"].get(channel)?;
        let number = |name: &str| share[name].as_i64().unwrap_or_default();
        let (capacity, open) = (number("configured_capacity"), number("open_reservations"));
        Some(match what {
            ChannelField::ConfiguredCapacity => capacity,
            ChannelField::AssignedTasks => number("assigned_tasks"),
            ChannelField::AvailableCapacityPercentage if capacity == 0 => 0,
            ChannelField::AvailableCapacityPercentage => (capacity - open).max(0) * 100 / capacity,
        })
    }
}

impl WorkerFacts for Worker<'_> {
    fn fact(&self, field: &WorkerField) -> Fact<'_> {
        let sid = |name: &str| {
            let sid = self.shown[name].as_str().and_then(|sid| sid.parse::<Sid>().ok());
            sid.map_or(Fact::Null, Fact::Sid)
        };
        match field {
            WorkerField::Sid => sid("worker_sid"),
            WorkerField::FriendlyName => Fact::Text(self.name),
            WorkerField::ActivitySid => sid("activity_sid"),
            WorkerField::ActivityName => {
                self.shown["activity_name"].as_str().map_or(Fact::Null, Fact::Text)
            }
            WorkerField::AssignedTasks => {
                let shares = self.shown["channels"].as_object().into_iter().flatten();
                let accepted = shares.filter_map(|(_, share)| share["assigned_tasks"].as_i64());
                Fact::Number(accepted.sum())
            }
            WorkerField::Channel { name, what } => {
                self.share(name, *what).map_or(Fact::Null, Fact::Number)
            }
        }
    }
}
