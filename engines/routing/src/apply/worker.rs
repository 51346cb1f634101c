//! Workers and their shares in channels.

use crate::{
    change::Change,
    matching::Asker,
    model::*,
    rows::Touched,
    state::{Routing, Share, WorkerState},
};
use base::Timestamp;
use expr::Scope;
use serde_json::Value;
use std::collections::BTreeSet;

impl Routing {
    pub(crate) fn add_worker(&mut self, worker: &Worker) {
        let sid = worker.sid;
        self.touch(Touched::Worker(sid));
        let available = self.count_in(worker.activity, 1);
        let value = serde_json::from_str(worker.attributes.text()).unwrap_or_default();
        let slot = self.workers.insert(worker.clone(), value, available);
        self.list_doing(worker.activity, slot, true);
        let ruled = self.channels.rules().ruled(&self.workers.at(slot).value);
        let state = self.workers.at_mut(slot);
        state.channels.resize_with(self.channels.slots(), Share::default);
        state.ruled = ruled;
        self.matching.learn_values(self.workers.at(slot), &Value::Null);
        self.change_worker(sid, |_| ());
        let asking = self.matching.askers.of_new(self.workers.at(slot));
        self.refit(slot, &asking);
    }

    pub(crate) fn remove_worker(&mut self, sid: WorkerSid) {
        let Some(slot) = self.workers.slot(sid) else { return };
        self.touched.extend([Touched::Worker(sid), Touched::WorkerLoad(sid)]);
        let shares = self.workers.at(slot).channels.iter().enumerate();
        for (channel, _) in shares.filter(|(_, share)| share.updated_at.is_some()) {
            if let Some(channel) = self.channels.at(channel) {
                self.touched.push(Touched::WorkerChannel(sid, channel.sid));
            }
        }
        let activity = self.workers.at(slot).worker.activity;
        self.count_in(activity, -1);
        self.list_doing(activity, slot, false);
        self.matching.unlist(self.workers.at(slot), &self.channels);
        for line in self.matching.lines_with(self.workers.at(slot)) {
            self.matching.set_member(&mut self.workers, line, slot, false);
        }
        self.queues.values_mut().for_each(|state| _ = state.members.remove(slot));
        self.matching.forget_worker(self.workers.at(slot));
        self.workers.remove(slot);
    }

    pub(crate) fn apply_to_worker(&mut self, change: &Change) {
        match change {
            Change::WorkerRenamed { worker, friendly_name, version, at } => {
                let Some(slot) = self.workers.slot(*worker) else { return };
                let asking = self.matching.askers.of_names(self.workers.at(slot), friendly_name);
                self.workers.rename(slot, friendly_name);
                self.change_worker(*worker, |state| show_change(state, *version, *at));
                self.refit(slot, &asking);
            }
            Change::WorkerAttributesChanged { worker, attributes, version, at } => {
                let Some(slot) = self.workers.slot(*worker) else { return };
                let mut value = serde_json::from_str(attributes.text()).unwrap_or_default();
                let ruled = self.channels.rules().ruled(&value);
                self.change_worker(*worker, |state| {
                    state.ruled = ruled;
                    state.worker.attributes = attributes.clone();
                    std::mem::swap(&mut state.value, &mut value);
                    show_change(state, *version, *at);
                });
                let (before, state) = (value, self.workers.at(slot));
                self.matching.learn_values(state, &before);
                let asking = self.matching.askers.of_change(&before, &state.value);
                self.refit(slot, &asking);
            }
            Change::WorkerActivityChanged { worker, activity, version, at } => {
                self.set_activity(*worker, *activity, *version, *at);
            }
            Change::WorkerChannelUpdated {
                worker,
                task_channel,
                configured_capacity,
                available,
                at,
            } => {
                let Some(slot) = self.channels.slot(*task_channel) else { return };
                self.touch(Touched::WorkerChannel(*worker, *task_channel));
                self.change_worker(*worker, |state| {
                    let share = &mut state.channels[slot];
                    share.capacity = *configured_capacity;
                    share.available = *available;
                    share.updated_at = Some(*at);
                });
                return;
            }
            _ => return,
        }
        self.touch_worker(change);
    }

    fn touch_worker(&mut self, change: &Change) {
        if let Change::WorkerRenamed { worker, .. }
        | Change::WorkerAttributesChanged { worker, .. }
        | Change::WorkerActivityChanged { worker, .. } = change
        {
            self.touch(Touched::Worker(*worker));
        }
    }

    fn set_activity(&mut self, sid: WorkerSid, activity: ActivitySid, version: u64, at: Timestamp) {
        let found = self.workers.get(sid).map(|state| (state.worker.activity, state.slot));
        let Some((old, slot)) = found else { return };
        self.count_in(old, -1);
        self.list_doing(old, slot, false);
        let available = self.count_in(activity, 1);
        self.list_doing(activity, slot, true);
        self.change_worker(sid, |state| {
            if available && !state.available && !state.worked {
                state.idle_since = at;
            }
            state.worker.activity = activity;
            state.worker.status_changed_at = at;
            state.available = available;
            show_change(state, version, at);
        });
        self.touch(Touched::WorkerLoad(sid));
    }

    /// Counts a worker into an activity or out of it; says whether it is an available one.
    pub(crate) fn count_in(&mut self, activity: ActivitySid, by: i32) -> bool {
        let Some(state) = self.activities.get_mut(&activity) else { return false };
        state.workers = state.workers.saturating_add_signed(by);
        state.activity.available
    }

    /// Lists a worker among those in an activity, or no longer.
    fn list_doing(&mut self, activity: ActivitySid, slot: u32, is: bool) {
        if let Some(state) = self.activities.get_mut(&activity) {
            state.doing.set(slot, is);
        }
    }

    /// The only way to change what readiness, order or expressions see of a worker.
    pub(crate) fn change_worker(&mut self, sid: WorkerSid, change: impl FnOnce(&mut WorkerState)) {
        let Some(slot) = self.workers.slot(sid) else { return };
        self.matching.unlist(self.workers.at(slot), &self.channels);
        change(self.workers.at_mut(slot));
        let single = self.is_single_tasking();
        self.matching.relist(self.workers.at(slot), &self.channels, single);
        self.matching.mark_volatile(self.workers.at(slot));
    }

    /// Works out again whether a worker is in those queues and lines.
    fn refit(&mut self, slot: u32, asking: &BTreeSet<Asker>) {
        let worker = self.workers.at(slot);
        let scope = Scope { worker: &worker.value, ..Scope::default() };
        let mut lines = BTreeSet::new();
        for asker in asking {
            match asker {
                Asker::Line(line) => _ = lines.insert(*line),
                Asker::Queue(sid) => {
                    let Some(state) = self.queues.get_mut(sid) else { continue };
                    let is = state.expression.as_ref().is_some_and(|one| one.evaluate(&scope));
                    if state.members.set(slot, is) {
                        lines.extend(self.matching.lines_in(*sid));
                    }
                }
            }
        }
        for line in lines {
            let queue = self.matching.line(line).key.queue;
            let in_queue = queue
                .is_some_and(|sid| self.queues.get(&sid).is_some_and(|q| q.members.contains(slot)));
            let is = self.matching.belongs(line, in_queue, self.workers.at(slot));
            self.matching.set_member(&mut self.workers, line, slot, is);
        }
    }
}

fn show_change(state: &mut WorkerState, version: u64, at: Timestamp) {
    state.worker.version = version;
    state.worker.updated_at = at;
}
