//! Workers.

use super::{Handled, Turn, check_input, matches, unknown};
use crate::{
    change::Change,
    command::{IfMatch, NewWorker, Reply, WorkerPatch},
    event::EventKind,
    model::*,
    rejection::Rejection,
    state::Routing,
};

impl Routing {
    pub(super) fn create_worker(&mut self, turn: &mut Turn<'_>, new: &NewWorker) -> Handled {
        check_input::name("FriendlyName", &new.friendly_name)?;
        self.check_attributes(&new.attributes)?;
        self.name_is_free(&new.friendly_name, None)?;
        let activity = match new.activity {
            Some(sid) => self.activity_in("ActivitySid", sid)?.sid,
            None => self.workspace().default_activity,
        };
        let worker = Worker {
            sid: WorkerSid::new(turn.next_id()),
            friendly_name: new.friendly_name.clone(),
            attributes: new.attributes.clone(),
            activity,
            version: 0,
            created_at: turn.now,
            updated_at: turn.now,
            status_changed_at: turn.now,
        };
        self.record(turn, Change::WorkerCreated(Box::new(worker.clone())));
        self.tell_worker(turn, EventKind::WorkerCreated, worker.sid);
        Ok(Reply::Worker(worker))
    }

    fn name_is_free(&self, name: &str, except: Option<WorkerSid>) -> Result<(), Rejection> {
        match self.workers.slot_named(name) {
            Some(slot) if Some(self.workers.at(slot).worker.sid) != except => {
                Err(Rejection::NameTaken { what: "Worker", name: name.to_owned() })
            }
            _ => Ok(()),
        }
    }

    pub(super) fn update_worker(
        &mut self,
        turn: &mut Turn<'_>,
        sid: WorkerSid,
        if_match: IfMatch,
        patch: &WorkerPatch,
    ) -> Handled {
        let Some(state) = self.workers.get(sid) else { return Err(unknown(sid.sid())) };
        let old = state.worker.clone();
        matches(if_match, old.version)?;
        check_input::new_name("FriendlyName", patch.friendly_name.as_deref())?;
        if let Some(name) = &patch.friendly_name {
            self.name_is_free(name, Some(sid))?;
        }
        if let Some(attributes) = &patch.attributes {
            self.check_attributes(attributes)?;
        }
        let available = match patch.activity {
            Some(activity) => Some(self.activity_in("ActivitySid", activity)?.available),
            None => None,
        };
        if patch.reject_pending_reservations && available != Some(false) {
            return Err(Rejection::RejectNeedsUnavailable);
        }
        self.change_worker_fields(turn, &old, patch);
        if patch.reject_pending_reservations {
            self.reject_all_of(turn, sid);
        }
        let worker = self.workers.get(sid).map_or(old, |state| state.worker.clone());
        Ok(Reply::Worker(worker))
    }

    /// One request is one version, however many fields it changes.
    fn change_worker_fields(&mut self, turn: &mut Turn<'_>, old: &Worker, patch: &WorkerPatch) {
        let (worker, version, at) = (old.sid, old.version + 1, turn.now);
        if let Some(name) = patch.friendly_name.clone().filter(|name| *name != old.friendly_name) {
            let friendly_name = name;
            self.record(turn, Change::WorkerRenamed { worker, friendly_name, version, at });
        }
        if let Some(attributes) = patch.attributes.clone().filter(|new| *new != old.attributes) {
            self.record(turn, Change::WorkerAttributesChanged { worker, attributes, version, at });
            self.tell_worker(turn, EventKind::WorkerAttributesUpdate, worker);
        }
        if let Some(activity) = patch.activity.filter(|activity| *activity != old.activity) {
            self.move_worker(turn, worker, activity, version);
        }
    }

    /// Into another activity.
    fn move_worker(
        &mut self,
        turn: &mut Turn<'_>,
        worker: WorkerSid,
        activity: ActivitySid,
        version: u64,
    ) {
        let at = turn.now;
        let state = self.workers.get(worker);
        let before = state.map(|state| (state.worker.activity, state.worker.status_changed_at));
        self.record(turn, Change::WorkerActivityChanged { worker, activity, version, at });
        self.tell_activity(turn, worker, before);
    }

    /// Into another activity by a rule, not by request: counts as a change of its own.
    pub(super) fn send_worker(
        &mut self,
        turn: &mut Turn<'_>,
        worker: WorkerSid,
        activity: ActivitySid,
    ) {
        let Some(state) = self.workers.get(worker) else { return };
        if state.worker.activity != activity && self.activities.contains_key(&activity) {
            let version = state.worker.version + 1;
            self.move_worker(turn, worker, activity, version);
        }
    }

    pub(super) fn delete_worker(
        &mut self,
        turn: &mut Turn<'_>,
        sid: WorkerSid,
        if_match: IfMatch,
    ) -> Handled {
        let state = self.workers.get(sid).ok_or_else(|| unknown(sid.sid()))?;
        matches(if_match, state.worker.version)?;
        if !state.open.is_empty() {
            let because = format!("it has {} open reservations", state.open.len());
            return Err(Rejection::InUse { sid: sid.sid(), because });
        }
        self.tell_worker(turn, EventKind::WorkerDeleted, sid);
        self.record(turn, Change::WorkerDeleted(sid));
        Ok(Reply::Done)
    }
}
