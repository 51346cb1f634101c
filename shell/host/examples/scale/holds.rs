//! How long each kind of call holds the partition: its first step, and the portions that finish
//! what that left over, each in processor time.

use crate::shape::{Shape, new_task, of_worker};
use crate::{QUEUES, REGIONS, WORKERS, worked};
use base::{Attributes, Millis};
use host::{
    adapters::{Answered, Asked},
    partition::Said,
};
use routing::{command::*, *};
use std::time::Duration;
use store::Store;

fn row(name: &str, mut holds: Vec<Duration>) {
    holds.sort_unstable();
    let at = |share: f64| {
        let index = ((holds.len() - 1) as f64 * share) as usize;
        holds[index].as_secs_f64() * 1e3
    };
    let total: Duration = holds.iter().sum();
    println!(
        "{name:<50} {:>7} {:>8.3} {:>8.3} {:>8.3} {:>9.0}",
        holds.len(),
        at(0.5),
        at(0.99),
        at(1.0),
        total.as_secs_f64() * 1e3
    );
}

impl Shape {
    /// Every kind of call, one after the other.
    pub(crate) fn holds(mut self, store: &dyn Store) {
        self.commit();
        self.committer = None;
        println!(
            "\n{:<50} {:>7} {:>8} {:>8} {:>8} {:>9}",
            "", "steps", "p50 ms", "p99 ms", "max ms", "all ms"
        );
        self.plain();
        self.choices();
        self.questions(store);
        self.changes();
        self.settings();
        let mut holds = Vec::new();
        let patch = WorkflowPatch {
            configuration: Some(self.by_kind(2)),
            re_evaluate_tasks: true,
            ..WorkflowPatch::default()
        };
        self.call(Command::UpdateWorkflow { sid: self.main, patch }, &mut holds);
        row("workflow change that re-evaluates its tasks", holds);
        let mut holds = Vec::new();
        self.expression(self.held.1, "1==1", &mut holds);
        row("tasks newly matchable, workers free", holds);
        self.prune();
        let mut holds = Vec::new();
        self.now = self.now + Millis::secs(21_600);
        self.expire(&mut holds);
        row("targets that run out at one instant", holds);
        let mut holds = Vec::new();
        self.call(Command::DeleteWorkspace, &mut holds);
        row("the workspace is deleted", holds);
    }

    /// Tasks come and are taken as ever.
    fn plain(&mut self) {
        let mut holds = Vec::new();
        let calls = self.workflow_named("calls");
        for number in 0..2_000 {
            self.now = self.now + Millis(1);
            let task = new_task(calls, "voice", number);
            self.call(Command::CreateTask(task), &mut holds);
            assert!(!self.offered.is_empty(), "a worker was free for {number}");
            let task = self.offered.last().expect("just seen").1;
            self.accept();
            self.complete(task);
        }
        row("create and offer a call, beside all that waits", holds);
        let mut holds = Vec::new();
        for number in 0..50 {
            let task = self.task(self.main, "chat", number);
            let look = worked();
            let step = self.partition.ask(&Asked::Live(Question::Place(task)), self.now);
            assert!(matches!(step.told.said, Said::Answer(Ok(_))), "the task is there");
            holds.push(worked() - look);
        }
        row("place of the last waiting task", holds);
    }

    /// Choices among thousands of eligible workers.
    fn choices(&mut self) {
        let best = self.workflow_named("best");
        let mut holds = Vec::new();
        for number in 0..500 {
            self.now = self.now + Millis(1);
            self.call(Command::CreateTask(new_task(best, "voice", number)), &mut holds);
            let task = self.offered.last().expect("a worker is free").1;
            self.accept();
            self.complete(task);
        }
        row("create and offer by order_by, 7 500 eligible", holds);
        let unlike = self.workflow_named("unlike");
        let mut holds = Vec::new();
        for number in 0..500 {
            self.now = self.now + Millis(1);
            let text = format!(r#"{{"number":{}}}"#, 1_000 + number);
            let attributes = Attributes::new(text).expect("short");
            let new = NewTask { attributes, ..new_task(unlike, "voice", 0) };
            self.call(Command::CreateTask(new), &mut holds);
            let task = self.offered.last().expect("a worker is free").1;
            self.accept();
            self.complete(task);
        }
        row("create and offer on a new line of 15 000 workers", holds);
    }

    /// What is asked of the live state, and what does not ask it.
    fn questions(&mut self, store: &dyn Store) {
        let mut holds = Vec::new();
        let mut told = Vec::new();
        for number in 0..2_000usize {
            let task = self.tasks[number * 7_919 % self.tasks.len()];
            let look = explain::Look::of(task);
            let answer = self.ask(Question::Explain(look), &mut holds);
            let Ok(Answered::Live(Answer::Seen(sight))) = answer else { continue };
            if number % 20 == 0 {
                let start = worked();
                let explanation = sight.explain(explain::Detail::Full);
                told.push(worked() - start);
                assert!(explanation.counts["workers"] == WORKERS);
            }
        }
        row("Explain of one task: the look", holds);
        row("  and the explanation, elsewhere", told);
        let mut holds = Vec::new();
        for call in 0..2_000 {
            let some = self.queues.iter().cycle().skip(call * 50 % QUEUES).take(50);
            let of = some.map(|queue| Whole::TaskQueue(*queue)).collect();
            let answer = self.ask(Question::RealTime { of, channel: None }, &mut holds);
            assert!(matches!(answer, Ok(Answered::Live(Answer::RealTime(all))) if all.len() == 50));
        }
        row("real-time statistics of 50 queues", holds);
        let mut holds = Vec::new();
        for call in 0..2_000 {
            let some = self.queues.iter().cycle().skip(call * 50 % QUEUES).take(50);
            let scopes = some.map(|queue| queue.sid()).collect();
            let from = self.now + Millis::secs(-900);
            let window = report::Window { from, to: self.now };
            let start = worked();
            let step = self.partition.ask(&Asked::Running { window, scopes }, self.now);
            holds.push(worked() - start);
            assert!(matches!(step.told.said, Said::Answer(Ok(_))));
        }
        row("counted statistics of 50 queues: the live part", holds);
        let mut holds = Vec::new();
        for _ in 0..20 {
            let partition = self.partition.id().clone();
            let scan = store::Scan {
                limit: QUEUES,
                ..store::Scan::of(&host::tables::TASK_QUEUE, partition)
            };
            let start = worked();
            assert_eq!(store.scan(&scan).expect("rows are there").len(), QUEUES);
            holds.push(worked() - start);
        }
        row("listing 5 000 queues, from rows, elsewhere", holds);
    }

    fn ask(
        &mut self,
        question: Question,
        holds: &mut Vec<Duration>,
    ) -> Result<Answered, Rejection> {
        let start = worked();
        let step = self.partition.ask(&Asked::Live(question), self.now);
        holds.push(worked() - start);
        let Said::Answer(answer) = step.told.said else { panic!("a question is answered") };
        answer
    }

    /// Settings that concern many workers or tasks at once.
    fn settings(&mut self) {
        let queue = self.held.1;
        let bodies = [
            r#"{"by":"deadline","service_level_s":60}"#,
            r#"{"by":"deadline","service_level_s":60,"classes":[
                {"service_level_s":20,"expression":"level == 2"}]}"#,
            r#"{"by":"task_order"}"#,
        ];
        let mut holds = Vec::new();
        for body in bodies.iter().cycle().take(9) {
            let body = serde_json::from_str(body).expect("it is JSON");
            let command = Command::SetOrdering { queue, if_match: IfMatch::Any, body };
            self.call(command, &mut holds);
        }
        row("ordering of a queue in which 20 000 tasks wait", holds);
        let mut holds = Vec::new();
        for order in [TaskOrder::Lifo, TaskOrder::Fifo].into_iter().cycle().take(6) {
            let patch = TaskQueuePatch { task_order: Some(order), ..TaskQueuePatch::default() };
            self.call(Command::UpdateTaskQueue { sid: queue, patch }, &mut holds);
        }
        row("task_order of that queue", holds);
        let mut holds = Vec::new();
        for limit in [1, 2, 3].into_iter().cycle().take(9) {
            let body = serde_json::json!({"rules": [
                {"name": "together", "channels": ["voice", "chat"], "limit": limit},
                {"name": "some", "channels": ["chat"], "limit": 1, "workers": "level >= 2"},
            ]});
            self.call(Command::SetCapacity { if_match: IfMatch::Any, body }, &mut holds);
        }
        let body = serde_json::json!({"rules": []});
        self.call(Command::SetCapacity { if_match: IfMatch::Any, body }, &mut holds);
        row("capacity rules for 15 000 workers", holds);
    }

    fn complete(&mut self, sid: TaskSid) {
        let patch = TaskPatch {
            status: Some(TaskStatus::Completed),
            reason: Some("done".to_owned()),
            ..TaskPatch::default()
        };
        self.run(Command::UpdateTask { sid, if_match: IfMatch::Any, patch });
    }

    fn changes(&mut self) {
        let mut holds = Vec::new();
        for number in 0..500 {
            let sid = self.workers[number * 29 % WORKERS];
            let patch = WorkerPatch {
                attributes: Some(of_worker(number, 1 + number)),
                ..WorkerPatch::default()
            };
            self.call(Command::UpdateWorker { sid, if_match: IfMatch::Any, patch }, &mut holds);
        }
        row("attributes of a worker", holds);
        let mut holds = Vec::new();
        for number in 0..200 {
            let queue = self.queues[100 + number * 7];
            let text = format!("skills HAS 's{}' AND level >= {}", number * 3, number % 4);
            self.expression(queue, &text, &mut holds);
        }
        row("expression of a queue", holds);
        let mut holds = Vec::new();
        for number in 0..20 {
            let queue = self.queues[2 + number];
            let text = format!("level >= {} OR region == 'r{}'", number % 4, number % REGIONS);
            self.expression(queue, &text, &mut holds);
        }
        row("expression of a queue in which tasks wait", holds);
        let mut holds = Vec::new();
        let activities = ["Offline", "Ready"].map(|name| self.activity(name));
        for number in 0..400 {
            let sid = self.workers[number * 2];
            for activity in activities {
                let activity = Some(activity);
                let patch = WorkerPatch { activity, ..WorkerPatch::default() };
                self.call(Command::UpdateWorker { sid, if_match: IfMatch::Any, patch }, &mut holds);
            }
        }
        row("activity of a worker", holds);
        self.offered.clear();
    }

    fn activity(&self, name: &str) -> ActivitySid {
        let mut found = None;
        self.partition.engine().routing().all_rows(|row| match row {
            RowRef::Activity(one) if one.friendly_name == name => found = Some(one.sid),
            _ => {}
        });
        found.expect("it was made")
    }

    fn expression(&mut self, sid: TaskQueueSid, text: &str, holds: &mut Vec<Duration>) {
        let patch =
            TaskQueuePatch { target_workers: Some(text.to_owned()), ..TaskQueuePatch::default() };
        self.call(Command::UpdateTaskQueue { sid, patch }, holds);
    }

    /// Ten thousand tasks that ended are forgotten in one minute.
    fn prune(&mut self) {
        self.now = self.now + Millis::secs(60);
        let mut taken: Vec<(ReservationSid, TaskSid)> = std::mem::take(&mut self.offered);
        taken.truncate(6_000);
        self.offered = taken.clone();
        self.accept();
        taken.into_iter().for_each(|(_, task)| self.complete(task));
        self.now = self.now + Millis::secs(400);
        let mut holds = Vec::new();
        self.expire(&mut holds);
        row("ended tasks forgotten", holds);
    }
}
