//! What an assignment callback tells of its reservation, under the names of the wire.

use crate::Names;
use base::Timestamp;
use routing::{Reservation, Task, Worker};

/// The form parameters, in a fixed order. What there is not is left out.
pub fn parameters(
    (reservation, task, worker): (&Reservation, &Task, &Worker),
    names: Names<'_>,
    now: Timestamp,
) -> Vec<(&'static str, String)> {
    let workflow = task.workflow.and_then(|sid| names.workflows.get(&sid));
    let queue = task.queue.and_then(|sid| names.queues.get(&sid));
    let channel = names.channels.get(&task.task_channel);
    let age_s = (now - task.created_at).0.max(0) / 1000;
    let text = |found: Option<String>, name| found.map(|value| (name, value));
    let all = [
        Some(("Timestamp", now.epoch_secs().to_string())),
        Some(("AccountSid", names.account.to_string())),
        Some(("WorkspaceSid", names.workspace.sid.to_string())),
        text(task.workflow.map(|sid| sid.to_string()), "WorkflowSid"),
        text(workflow.map(|name| name.to_string()), "WorkflowName"),
        text(task.queue.map(|sid| sid.to_string()), "TaskQueueSid"),
        text(queue.map(|name| name.to_string()), "TaskQueueName"),
        Some(("WorkerSid", worker.sid.to_string())),
        Some(("WorkerName", worker.friendly_name.clone())),
        Some(("WorkerAttributes", worker.attributes.text().to_owned())),
        Some(("TaskSid", task.sid.to_string())),
        Some(("TaskAttributes", task.attributes.text().to_owned())),
        Some(("TaskAge", age_s.to_string())),
        Some(("TaskPriority", task.priority.to_string())),
        Some(("TaskChannelSid", task.task_channel.to_string())),
        text(channel.map(|channel| channel.unique_name.clone()), "TaskChannelUniqueName"),
        Some(("ReservationSid", reservation.sid.to_string())),
    ];
    all.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use crate::samples;
    use base::Millis;

    #[test]
    fn the_documented_names_are_all_there() {
        let (reservation, task, worker) =
            (samples::reservation(), samples::task(), samples::worker());
        let (now, book) = (task.created_at + Millis(7_900), samples::Book::new());
        let all = super::parameters((&reservation, &task, &worker), book.names(), now);
        let value = |name: &str| {
            let found = all.iter().find(|(known, _)| *known == name);
            found.unwrap_or_else(|| panic!("no {name}")).1.clone()
        };
        for name in [
            "Timestamp",
            "AccountSid",
            "WorkspaceSid",
            "WorkflowSid",
            "TaskQueueSid",
            "WorkerSid",
            "WorkerAttributes",
            "TaskSid",
            "TaskAttributes",
            "TaskPriority",
            "ReservationSid",
        ] {
            assert!(!value(name).is_empty(), "{name}");
        }
        assert_eq!(value("TaskAge"), "7");
        assert_eq!(value("Timestamp"), now.epoch_secs().to_string());
    }
}
