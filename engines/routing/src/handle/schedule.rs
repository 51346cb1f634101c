//! Opening hours.

use super::{Handled, Turn, matches};
use crate::{
    change::Change,
    command::{IfMatch, Reply},
    event::{EventKind, Setting},
    limits::SCHEDULES_MAX,
    model::*,
    rejection::Rejection,
    schedule::{self, Calendar, Schedule},
    state::Routing,
};
use serde_json::Value;

impl Routing {
    /// Makes a schedule or replaces its hours; tasks that wait for it are matched as this turn
    /// settles.
    pub(super) fn set_schedule(
        &mut self,
        turn: &mut Turn<'_>,
        name: &str,
        if_match: IfMatch,
        body: &Value,
    ) -> Handled {
        schedule::check_name(name)?;
        let old = self.schedules.get(name).map(|state| state.schedule.clone());
        matches(if_match, old.as_ref().map_or(0, |old| old.version))?;
        let hours = schedule::read(body)?;
        if old.as_ref().is_some_and(|old| old.hours == hours) {
            return self.shown(name, turn);
        }
        if old.is_none() && self.schedules.len() >= SCHEDULES_MAX {
            let message = format!("there are {SCHEDULES_MAX} schedules already");
            return Err(Rejection::Invalid { parameter: "Schedule", message });
        }
        let new = Schedule {
            sid: match &old {
                Some(old) => old.sid,
                None => ScheduleSid::new(turn.next_id()),
            },
            name: name.to_owned(),
            version: old.as_ref().map_or(0, |old| old.version) + 1,
            created_at: old.map_or(turn.now, |old| old.created_at),
            updated_at: turn.now,
            open: Calendar::of(&hours).is_open(turn.now),
            looked_at: turn.now,
            hours,
        };
        self.record(turn, Change::ScheduleSet(Box::new(new)));
        self.tell_of_workspace(turn);
        self.shown(name, turn)
    }

    pub(super) fn delete_schedule(
        &mut self,
        turn: &mut Turn<'_>,
        name: &str,
        if_match: IfMatch,
    ) -> Handled {
        let state = self.schedules.get(name);
        let state = state.ok_or_else(|| Rejection::UnknownSchedule(name.to_owned()))?;
        let (sid, version) = (state.schedule.sid, state.schedule.version);
        matches(if_match, version)?;
        self.record(turn, Change::ScheduleDeleted(sid));
        self.tell_of_workspace(turn);
        Ok(Reply::Done)
    }

    fn shown(&self, name: &str, turn: &Turn<'_>) -> Handled {
        let state = self.schedules.get(name);
        let state = state.ok_or_else(|| Rejection::UnknownSchedule(name.to_owned()))?;
        Ok(Reply::Schedule(Box::new(state.view(turn.now))))
    }

    fn tell_of_workspace(&self, turn: &mut Turn<'_>) {
        let workspace = Setting::Workspace(self.workspace().clone());
        self.tell(turn, EventKind::WorkspaceUpdated, workspace);
    }
}
