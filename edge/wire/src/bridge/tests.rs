//! The bridge's objects against the keys the browser library insists on.

use super::*;
use crate::samples::{self, AT, Book, LATER};
use serde_json::{Value, json};

fn shown(shape: impl Serialize) -> Value {
    serde_json::to_value(shape).expect("shapes are plain JSON")
}

fn assert_keys(shape: impl Serialize, keys: &str) -> Value {
    let shown = shown(shape);
    for key in keys.split(", ") {
        assert!(shown.get(key).is_some(), "{key} is missing in {shown}");
    }
    shown
}

#[test]
fn a_worker_has_every_key_and_a_counted_version() {
    let (book, worker) = (Book::new(), samples::worker());
    let shown = assert_keys(
        Worker::new(&worker, 3, book.names()),
        "account_sid, activity_name, activity_sid, attributes, available, date_created, \
         date_status_changed, date_updated, friendly_name, sid, workspace_sid, version",
    );
    assert_eq!(shown["version"], json!("7"));
    assert_eq!(shown["date_created"], json!(AT.epoch_secs()));
    assert_eq!(shown["attributes"], json!(worker.attributes.text()));
    assert_eq!((&shown["available"], &shown["activity_name"]), (&json!(true), &json!("Available")));
}

#[test]
fn an_activity_has_every_key() {
    let (book, activity) = (Book::new(), samples::activity());
    assert_keys(
        Activity::new(&activity, book.names()),
        "account_sid, available, date_created, date_updated, friendly_name, sid, workspace_sid",
    );
}

#[test]
fn a_worker_channel_has_every_key() {
    let (book, channel) = (Book::new(), samples::worker_channel());
    let shown = assert_keys(
        WorkerChannel::new(&channel, book.names()),
        "account_sid, assigned_tasks, available, available_capacity_percentage, \
         configured_capacity, date_created, date_updated, last_reserved_time, sid, \
         task_channel_sid, task_channel_unique_name, worker_sid, workspace_sid",
    );
    assert_eq!(shown["available_capacity_percentage"], json!(33));
    assert_eq!(shown["last_reserved_time"], json!(AT.0));
}

#[test]
fn a_reservation_has_every_key_and_no_transfer() {
    let (book, task) = (Book::new(), samples::task());
    let reservation = samples::reservation();
    let shown = assert_keys(
        Reservation::new(&reservation, &task, Some("Ada"), book.names(), LATER),
        "account_sid, date_created, date_updated, reservation_status, sid, task, \
         reservation_timeout, worker_sid, workspace_sid, version",
    );
    assert!(shown.get("task_transfer").is_none());
    assert!(shown.get("active_outgoing_task_transfer").is_none());
    assert_eq!(shown["version"], json!("0"));
    assert_eq!(shown["task"]["age"], json!(60));
}

#[test]
fn a_task_has_every_key_and_its_own_attributes() {
    let (book, task) = (Book::new(), samples::task());
    let shown = assert_keys(
        Task::new(&task, book.names(), LATER),
        "addons, age, attributes, date_created, date_updated, priority, queue_name, queue_sid, \
         reason, routing_target, sid, assignment_status, task_channel_unique_name, \
         task_channel_sid, timeout, workflow_name, workflow_sid, version, virtual_start_time",
    );
    assert_eq!(shown["attributes"], json!(task.attributes.text()));
    assert_eq!(shown["addons"], json!("{}"));
    assert_eq!(shown["version"], json!("2"));
    assert_eq!(shown["queue_name"], json!("Everybody"));
}

#[test]
fn an_ended_task_no_longer_ages() {
    let mut task = samples::task();
    task.ended_at = Some(Timestamp(AT.0 + 9_000));
    assert_eq!(shown(Task::new(&task, Book::new().names(), LATER))["age"], json!(9));
}

#[test]
fn a_queue_has_every_key() {
    let (book, queue) = (Book::new(), samples::task_queue());
    let shown = assert_keys(
        TaskQueue::new(&queue, book.names()),
        "friendly_name, reservation_activity_name, assignment_activity_name, target_workers, \
         max_reserved_workers, task_order, reservation_activity_sid, assignment_activity_sid, \
         workspace_sid, account_sid, sid, date_created, date_updated, lifo_queue",
    );
    assert_eq!(shown["lifo_queue"], json!(true));
}
