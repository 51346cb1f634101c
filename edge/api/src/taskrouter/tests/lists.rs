//! Filters, orders and pages.

use super::{resources::leads_to, *};

/// Three workers who differ in skill and activity, two queues for them.
async fn people(desk: &Desk) -> (String, Vec<String>) {
    let workspace = desk.workspace().await;
    let available = desk.activity(&workspace, "Available").await;
    let mut workers = Vec::new();
    for (name, skill, is_there) in [("Ada", 9, true), ("Bob", 5, false), ("Cy", 1, true)] {
        let attributes = format!(r#"{{"skill":{skill}}}"#);
        let mut form = vec![("FriendlyName", name), ("Attributes", attributes.as_str())];
        if is_there {
            form.push(("ActivitySid", &available));
        }
        workers.push(desk.made(&format!("{workspace}/Workers"), &form).await);
        desk.advance(1).await;
    }
    for (name, targets) in [("Experts", "skill > 4"), ("Anybody", "1==1"), ("Nobody", "")] {
        let form = [("FriendlyName", name), ("TargetWorkers", targets)];
        desk.made(&format!("{workspace}/TaskQueues"), &form).await;
    }
    (workspace, workers)
}

#[tokio::test]
async fn workers_are_filtered_by_everything_the_document_lists() {
    let desk = Desk::open().await;
    let (workspace, _) = people(&desk).await;
    let at = format!("{workspace}/Workers");
    let available = desk.activity(&workspace, "Available").await;
    let queues = desk.get(&format!("{workspace}/TaskQueues"), &[("FriendlyName", "Experts")]).await;
    let experts = text(&queues.body["task_queues"][0]["sid"]);
    for (name, value, expected) in [
        ("FriendlyName", "Bob", &["Bob"][..]),
        ("FriendlyName", "bo", &[]),
        ("ActivityName", "Offline", &["Bob"]),
        ("ActivityName", "Nowhere", &[]),
        ("ActivitySid", &available, &["Ada", "Cy"]),
        ("Available", "true", &["Ada", "Cy"]),
        ("Available", "0", &["Bob"]),
        ("TargetWorkersExpression", "skill >= 5", &["Ada", "Bob"]),
        ("TargetWorkersExpression", "skill > 99", &[]),
        ("TaskQueueSid", &experts, &["Ada", "Bob"]),
        ("TaskQueueName", "Experts", &["Ada", "Bob"]),
        ("TaskQueueName", "Nobody", &[]),
        ("TaskQueueName", "No such queue", &[]),
        ("Ordering", "DateStatusChanged:desc", &["Cy", "Bob", "Ada"]),
        ("Ordering", "DateStatusChanged:asc", &["Ada", "Bob", "Cy"]),
    ] {
        let got = desk.get(&at, &[(name, value)]).await;
        assert_eq!(got.names("workers"), expected, "{name}={value}");
    }
    let both = [("Available", "true"), ("TargetWorkersExpression", "skill > 4")];
    assert_eq!(desk.get(&at, &both).await.names("workers"), ["Ada"]);
    for (name, value) in [("TargetWorkersExpression", "skill >"), ("Ordering", "Name:up")] {
        assert_eq!(desk.get(&at, &[(name, value)]).await.code(), (400, 20001), "{name}");
    }
}

#[tokio::test]
async fn queues_are_found_by_who_belongs_to_them() {
    let desk = Desk::open().await;
    let (workspace, workers) = people(&desk).await;
    let at = format!("{workspace}/TaskQueues");
    for (name, value, expected) in [
        ("FriendlyName", "Anybody", &["Anybody"][..]),
        ("EvaluateWorkerAttributes", r#"{"skill":"6"}"#, &["Experts", "Anybody"]),
        ("EvaluateWorkerAttributes", "{}", &["Anybody"]),
        ("WorkerSid", &workers[2], &["Anybody"]),
        ("WorkerSid", &workers[0], &["Experts", "Anybody"]),
        ("Ordering", "DateUpdated:asc", &["Experts", "Anybody", "Nobody"]),
    ] {
        let got = desk.get(&at, &[(name, value)]).await;
        assert_eq!(got.names("task_queues"), expected, "{name}={value}");
    }
    let bad = [("EvaluateWorkerAttributes", "skill")];
    assert_eq!(desk.get(&at, &bad).await.code(), (400, 20001));
}

/// A queue and a workflow without anybody to work: tasks wait.
async fn waiting_room(desk: &Desk) -> String {
    let workspace = desk.workspace().await;
    let queue = desk.made(&format!("{workspace}/TaskQueues"), &[("FriendlyName", "All")]).await;
    let configuration = leads_to(&queue);
    let form = [("FriendlyName", "Main"), ("Configuration", configuration.as_str())];
    desk.made(&format!("{workspace}/Workflows"), &form).await;
    workspace
}

#[tokio::test]
async fn tasks_are_filtered_by_everything_the_document_lists() {
    let desk = Desk::open().await;
    let workspace = waiting_room(&desk).await;
    let at = format!("{workspace}/Tasks");
    for (n, priority) in [(1, "5"), (2, "0"), (3, "9")] {
        let attributes = format!(r#"{{"n":{n}}}"#);
        desk.made(&at, &[("Attributes", attributes.as_str()), ("Priority", priority)]).await;
        desk.advance(1).await;
    }
    let ended = desk.made(&at, &[("Attributes", r#"{"n":4}"#)]).await;
    let form = [("AssignmentStatus", "canceled"), ("Reason", "x")];
    desk.post(&format!("{at}/{ended}"), &form).await;
    let n = |n: i32| format!(r#"{{"n":{n}}}"#);
    for (name, value, expected) in [
        ("Priority", "9", &[3][..]),
        ("AssignmentStatus", "pending", &[1, 2, 3]),
        ("AssignmentStatus", "canceled", &[4]),
        ("AssignmentStatus", "pending,canceled", &[1, 2, 3, 4]),
        ("WorkflowName", "Main", &[1, 2, 3, 4]),
        ("WorkflowName", "Other", &[]),
        ("TaskQueueName", "All", &[1, 2, 3, 4]),
        ("EvaluateTaskAttributes", "n > 1", &[2, 3]),
        ("HasAddons", "true", &[]),
        ("HasAddons", "false", &[1, 2, 3, 4]),
        ("Ordering", "Priority:desc", &[3, 1, 2, 4]),
        ("Ordering", "Priority:asc,DateCreated:desc", &[4, 2, 1, 3]),
        ("Ordering", "DateCreated:desc", &[4, 3, 2, 1]),
        ("Ordering", "VirtualStartTime:asc", &[1, 2, 3, 4]),
    ] {
        let expected: Vec<String> = expected.iter().copied().map(n).collect();
        let mut got = desk.get(&at, &[(name, value)]).await.column("tasks", "attributes");
        if name == "Ordering" && value == "Priority:desc" {
            got[2..].sort();
        }
        assert_eq!(got, expected, "{name}={value}");
    }
    let repeated = [("AssignmentStatus", "pending"), ("AssignmentStatus", "canceled")];
    assert_eq!(desk.get(&at, &repeated).await.column("tasks", "sid").len(), 4);
    for (name, value) in [
        ("AssignmentStatus", "sleeping"),
        ("Ordering", "DateCreated:asc,VirtualStartTime:asc"),
        ("EvaluateTaskAttributes", "n >"),
        ("Priority", "low"),
    ] {
        assert_eq!(desk.get(&at, &[(name, value)]).await.code(), (400, 20001), "{name}={value}");
    }
}

#[tokio::test]
async fn pages_lead_through_live_and_ended_tasks_while_more_come() {
    let desk = Desk::open().await;
    let workspace = waiting_room(&desk).await;
    let at = format!("{workspace}/Tasks");
    let mut made = Vec::new();
    for n in 0..9 {
        made.push(desk.made(&at, &[]).await);
        if n % 3 == 0 {
            let form = [("AssignmentStatus", "canceled"), ("Reason", "x")];
            desk.post(&format!("{at}/{}", made[n]), &form).await;
        }
    }
    let mut seen = Vec::new();
    let mut page = desk.get(&at, &[("PageSize", "4")]).await;
    let mut pages = 1;
    loop {
        seen.extend(page.column("tasks", "sid"));
        if pages == 1 {
            made.push(desk.made(&at, &[]).await);
        }
        let Some(next) = page.body["meta"]["next_page_url"].as_str() else { break };
        assert!(next.contains("Page=") && next.contains("PageToken="), "{next}");
        page = desk.get(next, &[]).await;
        pages += 1;
    }
    assert_eq!(seen, made);
    let back = text(&page.body["meta"]["previous_page_url"]);
    let back = desk.get(&back, &[]).await.column("tasks", "sid");
    assert_eq!(back, made[4..8]);
}

#[tokio::test]
async fn big_lists_want_a_token() {
    let desk = Desk::open().await;
    let workspace = waiting_room(&desk).await;
    for list in ["Tasks", "Workers"] {
        let at = format!("{workspace}/{list}");
        assert_eq!(desk.get(&at, &[("Page", "2")]).await.code(), (400, 40153));
        assert_eq!(desk.get(&at, &[("Page", "0")]).await.status, 200);
    }
    let other = format!("{workspace}/Activities");
    assert_eq!(
        desk.get(&other, &[("Page", "2"), ("PageSize", "1")]).await.names("activities").len(),
        1
    );
}

#[tokio::test]
async fn the_incumbents_rates_hold_where_asked_for() {
    let desk = Desk::with_limits(Limits::Compat).await;
    let workspace = waiting_room(&desk).await;
    let at = format!("{workspace}/Workers");
    let query = [("TargetWorkersExpression", "1==1")];
    let mut refused = 0;
    for _ in 0..8 {
        let got = desk.get(&at, &query).await;
        refused += usize::from(got.status == 429 && got.code() == (429, 20429));
    }
    assert!(refused >= 2, "{refused} of 8 were refused");
}
