//! Figures of the present: counted before they are asked for, so that asking costs microseconds.

use crate::{
    matching::BitSet,
    model::*,
    question::Answer,
    real_time::{Doing, RealTime, Whole, WorkersOf},
    rejection::Rejection,
    state::{Routing, WorkerState},
};

impl Routing {
    pub(super) fn real_time(&self, of: &[Whole], channel: Option<TaskChannelSid>) -> Answer {
        Answer::RealTime(of.iter().map(|whole| self.figures_of(*whole, channel)).collect())
    }

    /// What is not there has no tasks and no workers.
    fn figures_of(&self, whole: Whole, channel: Option<TaskChannelSid>) -> RealTime {
        let made = |sid| self.tasks.get(sid).map(|state| state.task.created_at);
        let figures = self.tallies.figures(whole, channel).told(made);
        let members = match whole {
            Whole::Workspace => None,
            Whole::TaskQueue(queue) => match self.queues.get(&queue) {
                Some(state) => Some(&state.members),
                None => return figures,
            },
            Whole::Workflow(_) => return figures,
        };
        let (mut workers, mut available_workers) = (Vec::new(), 0);
        for (sid, state) in &self.activities {
            let count = match members {
                None => state.workers,
                Some(members) => state.doing.count_both(members),
            };
            available_workers += if state.activity.available { count } else { 0 };
            workers.push((*sid, count));
        }
        RealTime { workers, available_workers, ..figures }
    }

    pub(super) fn doing(&self, of: &WorkersOf) -> Result<Answer, Rejection> {
        let slots: Option<BitSet> = of.queues.as_ref().map(|queues| {
            let mut all = BitSet::new();
            let members = queues.iter().filter_map(|queue| self.queues.get(queue));
            members.for_each(|state| all.unite(&state.members));
            all
        });
        let one = match (of.worker, &of.friendly_name) {
            (Some(sid), _) => Some(self.workers.slot(sid)),
            (None, Some(name)) => Some(self.workers.slot_named(name)),
            (None, None) => None,
        };
        let meant = |state: &&WorkerState| {
            slots.as_ref().is_none_or(|slots| slots.contains(state.slot))
                && of.friendly_name.as_ref().is_none_or(|name| {
                    name.to_lowercase() == state.worker.friendly_name.to_lowercase()
                })
        };
        let doing = |state: &WorkerState| Doing {
            worker: state.worker.sid,
            activity: state.worker.activity,
            since: state.worker.status_changed_at,
        };
        let mut found: Vec<Doing> = match one {
            Some(slot) => slot
                .map(|slot| self.workers.at(slot))
                .iter()
                .copied()
                .filter(meant)
                .map(doing)
                .collect(),
            None => self.workers.iter().filter(meant).map(doing).collect(),
        };
        found.sort_unstable_by_key(|doing| doing.worker);
        Ok(Answer::Doing(found))
    }
}
