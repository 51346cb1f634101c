//! Questions: answered from the live state, changing nothing.

mod explain;
mod real_time;

use crate::{
    deadlines::is_readable,
    handle::compile,
    matching::Place as Standing,
    model::*,
    question::{Answer, Place, Question},
    rejection::Rejection,
    state::{Routing, TaskState},
};
use base::Timestamp;
use expr::{Place as Where, Scope};
use serde_json::Value;

impl Routing {
    /// Answers from the state as it is at `now`.
    pub fn ask(&self, question: &Question, now: Timestamp) -> Result<Answer, Rejection> {
        if self.workspace.is_none() {
            return Err(Rejection::NoWorkspace);
        }
        match question {
            Question::WorkerChannels(worker) => self.channels_of(*worker),
            Question::Capacity => {
                let rules = self.capacity_rules();
                let warnings = crate::capacity::warnings(&rules.rules);
                Ok(Answer::Capacity(rules, warnings))
            }
            Question::Schedules => Ok(Answer::Schedules(self.schedules.views(now))),
            Question::Schedule(name) => {
                let state = self.schedules.get(name);
                let state = state.ok_or_else(|| Rejection::UnknownSchedule(name.clone()))?;
                Ok(Answer::Schedules(vec![state.view(now)]))
            }
            Question::Ordering(queue) => Ok(Answer::Ordering(self.ordering_of(*queue)?)),
            Question::CapacityTrial(body) => {
                let rules = self.read_capacity(body)?;
                Ok(Answer::CapacityTrial(Box::new(self.try_capacity(rules, now))))
            }
            Question::Explain(look) => Ok(Answer::Seen(self.look(look, now)?)),
            Question::Place(task) => Ok(Answer::Place(self.place_of(*task, now))),
            Question::OpenReservations(worker) => self.open_reservations(*worker),
            Question::WorkersWhere(text) => self.workers_where(text, now),
            Question::QueuesFor(attributes) => self.queues_for(attributes),
            Question::QueuesOf(worker) => self.queues_of(*worker),
            Question::TasksWhere(text) => self.tasks_where(text, now),
            Question::RealTime { of, channel } => Ok(self.real_time(of, *channel)),
            Question::Doing(of) => self.doing(of),
            Question::Ended(page) => Ok(Answer::Tasks(self.ended.page(page))),
            Question::WorkerCount => Ok(Answer::Count(self.workers.len())),
        }
    }

    fn channels_of(&self, worker: WorkerSid) -> Result<Answer, Rejection> {
        self.workers.get(worker).ok_or(Rejection::Unknown(worker.sid()))?;
        let channels = self.channels.iter();
        let shares = channels.filter_map(|(_, channel)| self.worker_channel(worker, channel.sid));
        Ok(Answer::WorkerChannels(shares.collect()))
    }

    fn open_reservations(&self, worker: WorkerSid) -> Result<Answer, Rejection> {
        let state = self.workers.get(worker).ok_or(Rejection::Unknown(worker.sid()))?;
        let open = state.open.iter().filter_map(|sid| {
            let reservation = self.reservations.get(*sid)?;
            Some((reservation.clone(), self.task(reservation.task)?.clone()))
        });
        Ok(Answer::Reservations(open.collect()))
    }

    fn workers_where(&self, text: &str, now: Timestamp) -> Result<Answer, Rejection> {
        let expression = compile("TargetWorkersExpression", text, Where::WorkerList)?;
        let mut found = self.workers.sorted();
        found.retain(|state| {
            let facts = self.facts(state);
            let scope = Scope { worker: &state.value, facts: &facts, now, ..Scope::default() };
            expression.evaluate(&scope)
        });
        Ok(Answer::Workers(found.into_iter().map(|state| state.worker.sid).collect()))
    }

    fn queues_for(&self, attributes: &str) -> Result<Answer, Rejection> {
        let parameter = "EvaluateWorkerAttributes";
        let value: Value =
            serde_json::from_str(attributes).map_err(|error| Rejection::Malformed {
                parameter,
                message: format!("not JSON: {}", crate::workflow::without_place(&error)),
                position: Some(crate::workflow::position_of(attributes, &error)),
            })?;
        let scope = Scope { worker: &value, ..Scope::default() };
        let fits = self.queues.values().filter(|state| {
            state.expression.as_ref().is_some_and(|expression| expression.evaluate(&scope))
        });
        Ok(Answer::Queues(fits.map(|state| state.queue.sid).collect()))
    }

    fn queues_of(&self, worker: WorkerSid) -> Result<Answer, Rejection> {
        let slot = self.workers.slot(worker).ok_or(Rejection::Unknown(worker.sid()))?;
        let of = self.queues.values().filter(|state| state.members.contains(slot));
        Ok(Answer::Queues(of.map(|state| state.queue.sid).collect()))
    }

    fn tasks_where(&self, text: &str, now: Timestamp) -> Result<Answer, Rejection> {
        let expression = compile("EvaluateTaskAttributes", text, Where::Filter)?;
        let mut found = self.tasks.sorted_keys();
        found.retain(|sid| {
            let attributes = self.tasks.get(*sid).map(|state| state.task.attributes.text());
            let value: Value =
                serde_json::from_str(attributes.unwrap_or_default()).unwrap_or_default();
            let schedules = &self.schedules;
            expression.evaluate(&Scope { task: &value, now, schedules, ..Scope::default() })
        });
        Ok(Answer::Tasks(found))
    }

    fn place_of(&self, sid: TaskSid, now: Timestamp) -> Place {
        if let Some(state) = self.tasks.get(sid) {
            let taken = state.open.iter().filter_map(|open| self.reservations.get(*open));
            let taken = taken.filter(|one| one.status != ReservationStatus::Pending);
            let ahead = match (state.task.status, state.task.queue) {
                (TaskStatus::Pending, Some(queue)) => self.ahead_of(state, queue),
                _ => 0,
            };
            let worker = taken.map(|reservation| reservation.worker).next();
            return Place { status: Some(state.task.status), ahead, worker };
        }
        let ended = self.ended.tasks.get(sid);
        let readable = ended.filter(|one| one.task.ended_at.is_some_and(|at| is_readable(at, now)));
        Place {
            status: readable.map(|ended| ended.task.status),
            ahead: 0,
            worker: readable.and_then(|ended| ended.worker),
        }
    }

    /// Pending tasks of the queue that are served before this one.
    fn ahead_of(&self, task: &TaskState, queue: TaskQueueSid) -> u64 {
        let Some(state) = self.queues.get(&queue) else { return 0 };
        self.matching.ahead_of(queue, Standing::of(task, state.order()))
    }
}
