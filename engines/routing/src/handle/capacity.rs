//! The capacity matrix.

use super::{Handled, Turn, matches};
use crate::{
    capacity::{self, CapacityRule, CapacityRules, warnings},
    change::Change,
    command::{IfMatch, Reply},
    event::{EventKind, Setting},
    rejection::Rejection,
    state::Routing,
};
use serde_json::Value;

impl Routing {
    /// Replaces the rules. What exceeds the new ones is kept; what they no longer withhold is
    /// offered as this turn settles.
    pub(super) fn set_capacity(
        &mut self,
        turn: &mut Turn<'_>,
        if_match: IfMatch,
        body: &Value,
    ) -> Handled {
        let old = self.capacity_rules();
        matches(if_match, old.version)?;
        let rules = self.read_capacity(body)?;
        let warnings = warnings(&rules);
        if rules == old.rules {
            return Ok(Reply::Capacity(old, warnings));
        }
        let new = CapacityRules { version: old.version + 1, updated_at: turn.now, rules, ..old };
        self.record(turn, Change::CapacityRulesSet(Box::new(new.clone())));
        let workspace = Setting::Workspace(self.workspace().clone());
        self.tell(turn, EventKind::WorkspaceUpdated, workspace);
        Ok(Reply::Capacity(new, warnings))
    }

    pub(crate) fn read_capacity(&self, body: &Value) -> Result<Vec<CapacityRule>, Rejection> {
        capacity::read(body, &|name| self.channels.named(name).is_some())
    }

    /// The rules in force; none before any were set. Call only where there is a workspace.
    pub(crate) fn capacity_rules(&self) -> CapacityRules {
        self.capacity.clone().unwrap_or_else(|| CapacityRules {
            workspace: self.workspace().sid,
            version: 0,
            updated_at: self.workspace().created_at,
            rules: Vec::new(),
        })
    }
}
