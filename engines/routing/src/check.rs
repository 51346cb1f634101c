//! The invariants of a workspace, as asserts: run after each step in tests and simulation.
//!
//! * Counters and indexes are compared with what they would be if worked out from the entities.
//! * A task is held by more than one worker only by transfer.
//! * Between commands no waiting task has an eligible worker, unless offers are left over. Tasks
//!   whose expression asks for the time are left out: time passes by itself, and they are tried
//!   again once a minute.

use crate::{
    apply::line_of,
    deadlines::{self, Due},
    model::*,
    movement::Standing,
    state::{Routing, TaskState, WorkerState},
};
use base::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

impl Routing {
    /// Panics if an invariant is broken.
    pub fn check(&self) {
        self.check_reservations();
        self.check_tasks();
        self.check_workers();
        self.check_settings();
        self.check_deadlines();
        self.check_lines();
        self.check_waiting();
        self.check_tallies();
    }

    fn check_reservations(&self) {
        for sid in self.reservations.sorted_keys() {
            let one = self.reservations.get(sid).expect("just listed");
            assert!(one.status.is_open(), "{sid} is {} and still here", one.status);
            let task = self.tasks.get(one.task).expect("an open reservation's task is live");
            assert!(task.open.contains(&sid), "{} does not know {sid}", one.task);
            let worker = self.workers.get(one.worker).expect("its worker is there");
            assert!(worker.open.contains(&sid), "{} does not know {sid}", one.worker);
        }
    }

    fn check_tasks(&self) {
        let mut walking: BTreeMap<(WorkflowSid, u32), u32> = BTreeMap::new();
        for sid in self.tasks.sorted_keys() {
            let state = self.tasks.get(sid).expect("just listed");
            self.check_task(state);
            if let (Some(workflow), Some(walk)) = (state.task.workflow, &state.task.walk) {
                *walking.entry((workflow, walk.revision)).or_default() += 1;
            }
        }
        for (sid, state) in &self.workflows {
            let current = walking.remove(&(*sid, state.workflow.revision)).unwrap_or(0);
            assert_eq!(state.walking, current, "tasks walking {sid}");
            for (revision, older) in &state.older {
                let counted = walking.remove(&(*sid, *revision)).unwrap_or(0);
                assert_eq!(older.walking, counted, "tasks walking {sid}-{revision}");
                assert!(counted > 0, "{sid}-{revision} is kept for nobody");
            }
        }
        assert!(walking.is_empty(), "tasks walk configurations that are gone: {walking:?}");
    }

    fn check_task(&self, state: &TaskState) {
        let sid = state.task.sid;
        self.check_holders(state);
        let status = state.task.status;
        let value = serde_json::from_str(state.task.attributes.text()).unwrap_or_default();
        let asked = line_of(&self.workflows, &self.queues, &self.channels, &state.task, &value);
        let waits = matches!(status, TaskStatus::Pending | TaskStatus::Reserved);
        let key = asked.map(|asked| asked.key).filter(|_| waits);
        let line = state.line.map(|line| self.matching.line(line));
        assert_eq!(line.map(|line| &line.key), key.as_ref(), "the line of {sid}");
    }

    /// The open reservations of a task fit its status. Several workers hold it only by transfer.
    fn check_holders(&self, state: &TaskState) {
        let task = &state.task;
        let (sid, in_transfer) = (task.sid, task.transfer.is_some());
        let (mut pending, mut accepted, mut wrapping) = (0, 0, 0);
        let (mut transfers, mut workers) = (BTreeSet::new(), BTreeSet::new());
        for open in &state.open {
            let one = self.reservations.get(*open).expect("a task's open reservation is there");
            assert_eq!(one.task, sid, "{open} belongs to another task");
            assert!(workers.insert(one.worker), "{} has {sid} twice", one.worker);
            match one.status {
                ReservationStatus::Pending => {
                    let of = task.transfer.as_ref().map(|transfer| transfer.sid);
                    assert_eq!(one.transfer, of, "{open} is on offer for something else");
                    pending += 1;
                }
                ReservationStatus::Accepted => {
                    assert!(transfers.insert(one.transfer), "{sid} was taken twice");
                    accepted += 1;
                }
                _ => wrapping += 1,
            }
        }
        let is_held = accepted + wrapping > 0;
        match task.status {
            TaskStatus::Pending => {
                assert!(pending == 0 && (in_transfer || !is_held), "{sid} is pending");
            }
            TaskStatus::Reserved => {
                assert!(pending > 0 && (in_transfer || !is_held), "{sid} is reserved");
            }
            TaskStatus::Assigned => {
                assert!(pending == 0 && accepted > 0 && !in_transfer, "{sid} is assigned");
            }
            TaskStatus::Wrapping => {
                let only_wraps = pending == 0 && accepted == 0 && wrapping > 0;
                assert!(only_wraps && !in_transfer, "{sid} is wrapping");
            }
            TaskStatus::Completed | TaskStatus::Canceled => panic!("{sid} ended and is live"),
        }
    }

    fn check_workers(&self) {
        let mut in_activity: BTreeMap<ActivitySid, u32> = BTreeMap::new();
        for state in self.workers.iter() {
            *in_activity.entry(state.worker.activity).or_default() += 1;
            self.check_load(state);
            self.check_rules(state);
        }
        for (sid, state) in &self.activities {
            let counted = in_activity.remove(sid).unwrap_or(0);
            assert_eq!(state.workers, counted, "workers in {sid}");
        }
        assert!(in_activity.is_empty(), "workers are in activities that are gone");
    }

    /// Rules about all they count hold, except beyond what was there when a rule was set or came
    /// to be about the worker, and what was routed directly.
    fn check_rules(&self, state: &WorkerState) {
        let rules = self.channels.rules();
        let mask = rules.mask(state);
        assert_eq!(mask, rules.about(&state.value), "rules about {}", state.worker.sid);
        let Some(matrix) = self.capacity.as_ref().filter(|_| !self.is_single_tasking()) else {
            return;
        };
        let open = state.open.iter().filter_map(|sid| self.reservations.get(*sid));
        let oldest = open.clone().map(|one| one.created_at).min();
        let direct = |one: &Reservation| {
            self.tasks.get(one.task).is_some_and(|state| state.task.ignore_capacity)
        };
        if open.clone().any(direct) || Some(matrix.updated_at) >= oldest {
            return;
        }
        for rule in rules.broken(state, mask).map(|index| &matrix.rules[index]) {
            let became = rule.workers.is_some() && Some(state.worker.updated_at) >= oldest;
            let sid = state.worker.sid;
            assert!(!rule.is_invariant() || became, "{sid} is beyond rule '{}'", rule.name);
        }
    }

    fn check_load(&self, state: &WorkerState) {
        let sid = state.worker.sid;
        let activity = &self.activities[&state.worker.activity].activity;
        assert_eq!(state.available, activity.available, "availability of {sid}");
        let open: Vec<(&Reservation, &Task)> = state
            .open
            .iter()
            .map(|open| {
                let one = self.reservations.get(*open).expect("a worker's reservation is open");
                assert_eq!(one.worker, sid, "{open} belongs to another worker");
                (one, &self.tasks.get(one.task).expect("its task is live").task)
            })
            .collect();
        for (slot, channel) in self.channels.iter() {
            let share = &state.channels[slot];
            let on_channel: Vec<_> =
                open.iter().filter(|(_, task)| task.task_channel == channel.sid).collect();
            let accepted =
                on_channel.iter().filter(|(one, _)| one.status == ReservationStatus::Accepted);
            assert_eq!(share.open as usize, on_channel.len(), "load of {sid}");
            assert_eq!(share.accepted as usize, accepted.count(), "accepted by {sid}");
            // A capacity lowered below the load, and direct routing, may exceed it; single-tasking
            // does not ask for it.
            let oldest = on_channel.iter().map(|(one, _)| one.created_at).min();
            let lowered = share.updated_at.is_some_and(|at| Some(at) >= oldest);
            let direct = on_channel.iter().any(|(_, task)| task.ignore_capacity);
            if !lowered && !direct && !self.is_single_tasking() {
                assert!(share.open <= share.capacity, "{sid} has too much on its plate");
            }
        }
    }

    fn check_tallies(&self) {
        let live = self.tasks.sorted_keys().into_iter();
        let standing = |sid| Some((sid, Standing::of(&self.tasks.get(sid)?.task)));
        self.tallies.check(live.filter_map(standing));
        for (sid, state) in &self.activities {
            let doing = self.workers.iter().filter(|worker| worker.worker.activity == *sid);
            let doing: crate::matching::BitSet = doing.map(|worker| worker.slot).collect();
            assert_eq!(state.doing, doing, "who is in {sid}");
        }
    }

    fn check_settings(&self) {
        for (sid, state) in &self.queues {
            for worker in self.workers.iter() {
                let scope = expr::Scope { worker: &worker.value, ..expr::Scope::default() };
                let is = state.expression.as_ref().is_some_and(|one| one.evaluate(&scope));
                let member = state.members.contains(worker.slot);
                assert_eq!(member, is, "{} in queue {sid}", worker.worker.sid);
            }
            assert!(state.members.count() <= self.workers.len(), "{sid} has ghosts");
        }
    }

    fn check_deadlines(&self) {
        let mut wanted: BTreeSet<(Timestamp, Due)> = BTreeSet::new();
        for sid in self.tasks.sorted_keys() {
            let state = self.tasks.get(sid).expect("just listed");
            wanted.extend(deadlines::of_task(&state.task).into_iter().flatten());
        }
        for sid in self.reservations.sorted_keys() {
            let one = self.reservations.get(sid).expect("just listed");
            if one.status == ReservationStatus::Pending {
                wanted.insert((one.expires_at, Due::Reservation(sid)));
            }
            if let Some(callback) = one.callback {
                assert_eq!(one.status, ReservationStatus::Pending, "{sid} is settled and asked");
                #[cfg(feature = "planted-bugs")]
                if crate::planted::is(crate::planted::Planted::ForgetCallbacks)
                    && !self.deadlines.0.contains(&(callback.until, Due::Callback(sid)))
                {
                    continue;
                }
                wanted.insert((callback.until, Due::Callback(sid)));
            }
        }
        assert_eq!(self.deadlines.0, wanted, "deadlines");
    }

    fn check_lines(&self) {
        let mut tasks: BTreeMap<u32, (u32, BTreeSet<_>)> = BTreeMap::new();
        for sid in self.tasks.sorted_keys() {
            let state = self.tasks.get(sid).expect("just listed");
            let Some(line) = state.line else { continue };
            let (count, waiting) = tasks.entry(line).or_default();
            *count += 1;
            if state.task.status == TaskStatus::Pending {
                if self.matching.line(line).is_unsorted(state) {
                    continue;
                }
                let order = self.matching.line(line).order;
                if order == crate::matching::Order::Deadline && self.matching.is_done(line) {
                    let level = crate::apply::service_level(&self.queues, &state.task);
                    assert_eq!(state.service_level, level, "service level of {sid}");
                }
                waiting.insert(crate::matching::Place::of(state, order));
            }
        }
        for line in self.matching.has_lines() {
            let (count, waiting) = tasks.remove(&line).unwrap_or_default();
            let state = self.matching.line(line);
            assert_eq!(state.tasks, count, "tasks of line {:?}", state.key);
            assert_eq!(state.waiting, waiting, "waiting in line {:?}", state.key);
            let queue = state.key.queue.and_then(|sid| self.queues.get(&sid));
            if let Some(queue) = queue.filter(|_| self.matching.is_done(line)) {
                assert_eq!(state.order, queue.order(), "order of {:?}", state.key);
            }
            // A line in which tasks wait is worked out when it is tried, the others when a task
            // comes.
            let is_marked = state.waiting.is_empty() || self.matching.is_marked(line);
            assert!(!state.is_stale || is_marked, "{:?} would never be tried", state.key);
            let is_known = !state.is_stale && self.matching.is_done(line);
            for worker in self.workers.iter().filter(|_| is_known) {
                let in_queue = queue.is_some_and(|queue| queue.members.contains(worker.slot));
                let belongs = self.matching.belongs(line, in_queue, worker);
                let member = state.members.contains(worker.slot);
                assert_eq!(member, belongs, "{} in {:?}", worker.worker.sid, state.key);
            }
        }
        assert!(tasks.is_empty(), "tasks stand in lines that are gone");
        self.matching.check(&self.workers, &self.channels, self.is_single_tasking());
    }

    fn check_waiting(&self) {
        if self.settling.is_some() {
            return;
        }
        for sid in self.tasks.sorted_keys() {
            let state = self.tasks.get(sid).expect("just listed");
            if state.task.status != TaskStatus::Pending
                || state.line.is_some_and(|line| self.matching.line(line).is_timed)
            {
                continue;
            }
            let case = self.case(&state.task, Timestamp(0));
            for worker in self.workers.iter() {
                let obstacle = self.obstacle(&case, worker);
                assert!(
                    obstacle.is_some(),
                    "{sid} waits although {} could take it",
                    worker.worker.sid
                );
            }
        }
    }
}
