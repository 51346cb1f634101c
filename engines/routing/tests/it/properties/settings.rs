//! Rules across channels, orderings and opening hours of all shapes.

use super::{CHANNELS, Random};
use crate::dice::Dice;
use routing::{TaskQueueSid, command::*, *};

impl Random {
    /// Rules of all shapes about the three channels in use.
    pub(super) fn new_rules(&mut self) -> Command {
        let mut rules = Vec::new();
        for index in 0..self.dice.roll(4) {
            let mut rule = serde_json::json!({
                "name": format!("r{index}"),
                "channels": self.some_channels(),
                "limit": self.dice.roll(3),
            });
            if self.dice.one_in(2) {
                let at_least = 1 + self.dice.roll(2);
                rule["while"] = serde_json::json!({
                    "channels": self.some_channels(), "at_least": at_least,
                });
            }
            if self.dice.one_in(3) {
                rule["workers"] = self.dice.of(&["level >= 2", "skills HAS 's1'"]).into();
            }
            if self.dice.one_in(3) {
                let channel = rule["channels"][0].as_str().expect("one at least").to_owned();
                rule["weights"] = serde_json::json!({channel: self.dice.roll(3)});
            }
            if self.dice.one_in(3) {
                rule["blocks"] = self.some_channels().into();
            }
            rules.push(rule);
        }
        let body = serde_json::json!({"rules": rules});
        Command::SetCapacity { if_match: IfMatch::Any, body }
    }

    /// Orderings of all shapes, for one of the queues.
    pub(super) fn new_ordering(&mut self) -> Option<Command> {
        let queues: Vec<TaskQueueSid> = self.keys(RowKind::TaskQueue);
        let queue = self.dice.of(&queues)?;
        let level = |dice: &mut Dice| 1 + dice.roll(90);
        let body = match self.dice.one_in(4) {
            true => serde_json::json!({"by": "task_order"}),
            false => serde_json::json!({
                "by": "deadline",
                "service_level_s": level(&mut self.dice),
                "classes": [
                    {"priority_at_least": 2, "service_level_s": level(&mut self.dice)},
                    {"channels": ["chat"], "service_level_s": level(&mut self.dice)},
                    {"expression": "level >= 2", "service_level_s": level(&mut self.dice)},
                ],
            }),
        };
        Some(Command::SetOrdering { queue, if_match: IfMatch::Any, body })
    }

    /// Minutes at the beginning of the day, so that much opens and closes.
    pub(super) fn new_schedule(&mut self) -> Command {
        let name = if self.dice.one_in(2) { "day" } else { "night" }.to_owned();
        if self.dice.one_in(6) {
            return Command::DeleteSchedule { name, if_match: IfMatch::Any };
        }
        let mut hours = Vec::new();
        for _ in 0..4 + self.dice.roll(8) {
            let (from, length) = (self.dice.roll(30), 1 + self.dice.roll(2));
            let time = |minute: usize| format!("{:02}:{:02}", minute / 60, minute % 60);
            hours.push(serde_json::json!({
                "days": ["thu", "fri"], "from": time(from), "to": time(from + length),
            }));
        }
        let body = serde_json::json!({"timezone": "UTC", "weekly": hours});
        Command::SetSchedule { name, if_match: IfMatch::Any, body }
    }

    fn some_channels(&mut self) -> Vec<&'static str> {
        let first = self.dice.roll(CHANNELS.len());
        let count = 1 + self.dice.roll(2);
        (first..first + count).map(|index| CHANNELS[index % CHANNELS.len()]).collect()
    }
}
