//! What settings changed for many workers or tasks at once, done before offers go on.
//!
//! `matching/prepare` says what is left to do and why nothing is offered meanwhile.

use super::portion::LOOK;
use crate::{
    apply::service_level,
    matching::{Order, Reworked},
    model::TaskQueueSid,
    state::Routing,
};

/// Steps of a worker who is looked at.
const SEE: i64 = 4;
/// Steps of a task that is sorted in by classes that ask for its attributes.
const CLASSIFY: i64 = 20;
/// Workers looked at before the steps left are asked again.
const SOME: i64 = 64;

impl Routing {
    /// Does what is left, as far as the steps reach; says whether offers can be made.
    pub(super) fn prepare(&mut self) -> bool {
        while self.has_steps() && !self.matching.is_prepared() {
            self.prepare_some();
        }
        self.matching.is_prepared()
    }

    /// Does all that is left: where nobody waits.
    pub(crate) fn prepare_all(&mut self) {
        let left = self.portion.left;
        while !self.matching.is_prepared() {
            self.portion.left = i64::MAX;
            self.prepare_some();
        }
        self.portion.left = left;
    }

    fn prepare_some(&mut self) {
        let some = (self.portion.left / SEE).clamp(1, SOME);
        let (unseen, paid) = self.matching.next_unseen(some as usize);
        unseen.into_iter().for_each(|slot| self.see(slot));
        self.spend(SEE * paid as i64);
        if self.has_steps()
            && let Some(queue) = self.matching.next_renewed()
        {
            self.rework_some(queue);
        }
    }

    fn rework_some(&mut self, queue: TaskQueueSid) {
        let state = self.queues.get(&queue).expect("a queue that is gone is not gone through");
        let order = state.order();
        let asks_attributes = order == Order::Deadline && state.asks_attributes();
        if self.matching.pay(queue) {
            self.spend(if asks_attributes { CLASSIFY } else { LOOK });
        }
        match self.matching.rework(queue, order) {
            Some(Reworked::Task(line, sid)) => {
                let state = self.tasks.get_mut(sid).expect("a waiting task is live");
                if order == Order::Deadline {
                    state.service_level = service_level(&self.queues, &state.task);
                }
                self.matching.stand(line, state);
            }
            Some(Reworked::Line) | None => {}
        }
    }

    /// Works out where a worker has room.
    fn see(&mut self, slot: u32) {
        let state = self.workers.at_mut(slot);
        state.ruled = self.channels.rules().ruled(&state.value);
        let single = self.is_single_tasking();
        self.matching.relist(self.workers.at(slot), &self.channels, single);
    }
}
