//! Activities: made and renamed; whether they are available never changes.

use super::{Handled, Turn, check_input, unknown};
use crate::{
    change::Change,
    command::{NewActivity, Reply},
    event::{EventKind, Setting},
    model::*,
    rejection::Rejection,
    state::Routing,
};

impl Routing {
    pub(super) fn create_activity(&mut self, turn: &mut Turn<'_>, new: &NewActivity) -> Handled {
        check_input::name("FriendlyName", &new.friendly_name)?;
        let activity = Activity {
            sid: ActivitySid::new(turn.next_id()),
            friendly_name: new.friendly_name.clone(),
            available: new.available,
            created_at: turn.now,
            updated_at: turn.now,
        };
        self.record(turn, Change::ActivityCreated(activity.clone()));
        self.tell(turn, EventKind::ActivityCreated, Setting::Activity(activity.clone()));
        Ok(Reply::Activity(activity))
    }

    pub(super) fn update_activity(
        &mut self,
        turn: &mut Turn<'_>,
        sid: ActivitySid,
        friendly_name: Option<&str>,
    ) -> Handled {
        let state = self.activities.get(&sid).ok_or_else(|| unknown(sid.sid()))?;
        check_input::new_name("FriendlyName", friendly_name)?;
        let mut activity = state.activity.clone();
        match friendly_name {
            Some(name) if name != activity.friendly_name => {
                activity.friendly_name = name.to_owned();
                activity.updated_at = turn.now;
                self.record(turn, Change::ActivityUpdated(activity.clone()));
                let setting = Setting::Activity(activity.clone());
                self.tell(turn, EventKind::ActivityUpdated, setting);
            }
            _ => {}
        }
        Ok(Reply::Activity(activity))
    }

    pub(super) fn delete_activity(&mut self, turn: &mut Turn<'_>, sid: ActivitySid) -> Handled {
        let state = self.activities.get(&sid).ok_or_else(|| unknown(sid.sid()))?;
        let workspace = self.workspace();
        let queue = self.queues.values().map(|state| &state.queue).find(|queue| {
            [queue.reservation_activity, queue.assignment_activity].contains(&Some(sid))
        });
        let because = if workspace.default_activity == sid {
            "it is the default activity of the workspace".to_owned()
        } else if workspace.timeout_activity == sid {
            "it is the timeout activity of the workspace".to_owned()
        } else if state.workers > 0 {
            format!("{} workers are in it", state.workers)
        } else if let Some(queue) = queue {
            format!("task queue {} names it", queue.sid)
        } else {
            let activity = state.activity.clone();
            self.record(turn, Change::ActivityDeleted(sid));
            self.tell(turn, EventKind::ActivityDeleted, Setting::Activity(activity));
            return Ok(Reply::Done);
        };
        Err(Rejection::InUse { sid: sid.sid(), because })
    }
}
