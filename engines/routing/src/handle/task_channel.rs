//! Task channels.

use super::{Handled, Turn, check_input};
use crate::{
    capacity::CapacityRule,
    change::Change,
    command::{ChannelRef, NewTaskChannel, Reply},
    event::{EventKind, Setting},
    model::*,
    rejection::Rejection,
    state::{QueueState, Routing},
};

impl Routing {
    pub(super) fn create_task_channel(
        &mut self,
        turn: &mut Turn<'_>,
        new: &NewTaskChannel,
    ) -> Handled {
        check_input::name("FriendlyName", &new.friendly_name)?;
        check_input::name("UniqueName", &new.unique_name)?;
        if !is_unique_name(&new.unique_name) {
            let message = "letters, digits, _ and $ were expected, no digit first".to_owned();
            return Err(Rejection::Invalid { parameter: "UniqueName", message });
        }
        if self.channels.named(&new.unique_name).is_some() {
            let name = new.unique_name.clone();
            return Err(Rejection::NameTaken { what: "Task channel", name });
        }
        let (name, optimized) = (&new.friendly_name, new.channel_optimized_routing);
        Ok(Reply::TaskChannel(self.add_channel(turn, &new.unique_name, name, optimized)))
    }

    pub(super) fn add_channel(
        &mut self,
        turn: &mut Turn<'_>,
        unique_name: &str,
        friendly_name: &str,
        channel_optimized_routing: bool,
    ) -> TaskChannel {
        let channel = TaskChannel {
            sid: TaskChannelSid::new(turn.next_id()),
            unique_name: unique_name.to_owned(),
            friendly_name: friendly_name.to_owned(),
            channel_optimized_routing,
            created_at: turn.now,
            updated_at: turn.now,
        };
        self.record(turn, Change::TaskChannelCreated(channel.clone()));
        self.tell(turn, EventKind::TaskChannelCreated, Setting::TaskChannel(channel.clone()));
        channel
    }

    pub(super) fn update_task_channel(
        &mut self,
        turn: &mut Turn<'_>,
        channel: &ChannelRef,
        friendly_name: Option<&str>,
        channel_optimized_routing: Option<bool>,
    ) -> Handled {
        let old = self.channel(channel)?;
        check_input::new_name("FriendlyName", friendly_name)?;
        let mut new = old.clone();
        if let Some(name) = friendly_name {
            new.friendly_name = name.to_owned();
        }
        new.channel_optimized_routing =
            channel_optimized_routing.unwrap_or(new.channel_optimized_routing);
        if new != *old {
            new.updated_at = turn.now;
            self.record(turn, Change::TaskChannelUpdated(new.clone()));
            let setting = Setting::TaskChannel(new.clone());
            self.tell(turn, EventKind::TaskChannelUpdated, setting);
        }
        Ok(Reply::TaskChannel(new))
    }

    pub(super) fn delete_task_channel(
        &mut self,
        turn: &mut Turn<'_>,
        channel: &ChannelRef,
    ) -> Handled {
        let channel = self.channel(channel)?.clone();
        let sid = channel.sid;
        if self.tallies.has_live_on(sid) {
            let because = "tasks are on it".to_owned();
            return Err(Rejection::InUse { sid: sid.sid(), because });
        }
        let mut rules = self.capacity.iter().flat_map(|matrix| &matrix.rules);
        let naming = |rule: &&CapacityRule| rule.named().any(|name| name == channel.unique_name);
        if let Some(rule) = rules.find(naming) {
            let because = format!("capacity rule '{}' names it", rule.name);
            return Err(Rejection::InUse { sid: sid.sid(), because });
        }
        let names = |state: &&QueueState| {
            let rule = state.ordering.iter().flat_map(|ordering| ordering.rule.classes());
            rule.flat_map(|class| class.channels.iter().flatten())
                .any(|name| *name == channel.unique_name)
        };
        if let Some(state) = self.queues.values().find(names) {
            let because = format!("the ordering of task queue {} names it", state.queue.sid);
            return Err(Rejection::InUse { sid: sid.sid(), because });
        }
        self.record(turn, Change::TaskChannelDeleted(sid));
        self.tell(turn, EventKind::TaskChannelDeleted, Setting::TaskChannel(channel));
        Ok(Reply::Done)
    }
}

/// Names that expressions can read.
fn is_unique_name(text: &str) -> bool {
    let letter = |c: char| c.is_ascii_alphabetic() || c == '_' || c == '$';
    text.starts_with(letter) && text.chars().all(|c| letter(c) || c.is_ascii_digit())
}
