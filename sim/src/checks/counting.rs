//! What is counted: conservation at every durable instant, and statistics that equal their facts,
//! from the running engine and from one that was just restored.

use super::{
    Checks,
    place::{Finding, Place},
};
use base::{Millis, Timestamp};
use host::{
    adapters::{Answered, Asked, RoutingEngine},
    engine::Engine,
    statistics,
};
use report::{Counters, Fact, Scopes, Window, count};
use routing::{TaskStatus, WorkspaceSid};
use std::collections::{BTreeMap, BTreeSet};
use store::{Batch, MemoryStore, Value};

/// Every durable fact.
#[derive(Default)]
pub(super) struct Counting(BTreeMap<WorkspaceSid, Counted>);

#[derive(Default)]
struct Counted {
    facts: Vec<(Timestamp, Vec<Fact>)>,
    sum: Scopes,
}

impl Counting {
    /// Takes a durable batch in; `place` is as it is after the batch.
    pub(super) fn apply(
        &mut self,
        workspace: WorkspaceSid,
        batch: &Batch,
        place: &Place,
    ) -> Option<Finding> {
        let counted = self.0.entry(workspace).or_default();
        let rows = batch.rows.iter().filter(|row| row.table.name == "event");
        let texts = rows.filter_map(|row| match row.content.as_ref()?.values.first()? {
            Value::Text(text) => Some(text.clone()),
            Value::Null | Value::Int(_) => None,
        });
        for text in texts {
            let (at, facts) = report::decode(&text).expect("facts that were written can be read");
            count(&mut counted.sum, workspace.sid(), &facts);
            counted.facts.push((at, facts));
        }
        counted.conserves(workspace, place)
    }

    pub(super) fn gone(&mut self, workspace: WorkspaceSid) {
        self.0.remove(&workspace);
    }
}

impl Counted {
    /// What came is what left and what waits: of the workspace, each workflow and each queue.
    fn conserves(&self, workspace: WorkspaceSid, place: &Place) -> Option<Finding> {
        let mut waiting: BTreeMap<base::Sid, i64> = BTreeMap::new();
        for task in place.tasks.values() {
            if matches!(task.status, TaskStatus::Pending | TaskStatus::Reserved) {
                let queue = task.queue.map(|queue| queue.sid());
                let workflow = task.workflow.map(|workflow| workflow.sid());
                for scope in queue.into_iter().chain(workflow).chain([workspace.sid()]) {
                    *waiting.entry(scope).or_default() += 1;
                }
            }
        }
        let scopes: BTreeSet<base::Sid> = self.sum.keys().chain(waiting.keys()).copied().collect();
        let wrong = scopes.into_iter().filter(|scope| scope.kind() != "WK").find_map(|scope| {
            let sum = self.sum.get(&scope).map(Counters::sum).unwrap_or_default();
            let counted = match scope.kind() {
                "WQ" => sum.waiting_in_queue(),
                _ => sum.waiting(),
            };
            let waits = waiting.get(&scope).copied().unwrap_or(0);
            (counted != waits)
                .then(|| format!("{scope}: {counted} by what is counted, {waits} wait"))
        });
        wrong.map(|what| ("what came is what left and what waits", what))
    }

    /// Every fact anew.
    fn naive(&self, workspace: WorkspaceSid, window: Window) -> Scopes {
        let mut scopes = Scopes::new();
        for (_, facts) in self.facts.iter().filter(|(at, _)| window.contains(*at)) {
            count(&mut scopes, workspace.sid(), facts);
        }
        scopes
    }

    /// Windows with whole hours, with whole minutes, and within one minute.
    fn windows(&self) -> Vec<Window> {
        let Some((newest, _)) = self.facts.last() else { return Vec::new() };
        let back = |ms: i64| *newest + Millis(-ms);
        let all = Window { from: Timestamp(0), to: *newest + Millis(1) };
        let some = Window { from: back(200_123), to: back(7_001) };
        let few = Window { from: back(30_000), to: back(29_000) };
        vec![all, some, few]
    }
}

impl Checks {
    /// Compares statistics with their facts, as an engine with nothing under way tells them.
    pub(super) fn compare_statistics(
        &mut self,
        workspace: WorkspaceSid,
        engine: &RoutingEngine,
        now: Timestamp,
    ) {
        let Some(counted) = self.counting.0.get(&workspace) else { return };
        let scopes: BTreeSet<base::Sid> = counted.sum.keys().copied().collect();
        let partition = workspace.to_string().into();
        let mut wrong = None;
        for window in counted.windows() {
            let asked = Asked::Running { window, scopes: scopes.iter().copied().collect() };
            let Ok(Answered::Running(running)) = engine.ask(&asked, now) else { return };
            let store: &MemoryStore = &self.memory;
            let read = statistics::counted(store, &partition, window, &scopes, running);
            let read = read.expect("memory can be read");
            let naive = counted.naive(workspace, window);
            if read != naive {
                let scope = scopes.iter().find(|scope| read.get(scope) != naive.get(scope));
                wrong = Some(format!("{workspace}: {scope:?} in {window:?}"));
            }
        }
        if let Some(what) = wrong {
            self.fail("statistics = facts", what);
        }
    }
}
