//! Filters, orders and pages.

use super::{resources::leads_to, *};
use crate::{
    Cx, Items, Listing, Permit, Problem, Reply, Routes,
    paging::{Also, Progress},
    routes::Product,
    taskrouter::{
        filters::{is, scan},
        tasks::Ended,
    },
};
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use routing::{
    Command as Work, Task, TaskSid, TaskStatus,
    command::{IfMatch, NewTask, NewTaskQueue, NewWorker, TaskPatch},
};
use serde_json::json;
use store::Scan;

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

/// Ends a task at the first question, before or after it is answered.
struct Meanwhile {
    ended: Ended,
    first: Option<TaskSid>,
    is_asked_first: bool,
}

impl Also for Meanwhile {
    async fn next(&mut self, cx: &Cx, so_far: Progress) -> Result<Option<Scan>, Problem> {
        let part = match self.is_asked_first {
            true => Some(self.ended.next(cx, so_far.clone()).await?),
            false => None,
        };
        if let Some(sid) = self.first.take() {
            let (status, reason) = (Some(TaskStatus::Canceled), Some("x".to_owned()));
            let patch = TaskPatch { status, reason, ..TaskPatch::default() };
            cx.command(Work::UpdateTask { sid, if_match: IfMatch::Any, patch }).await?;
        }
        match part {
            Some(part) => Ok(part),
            None => self.ended.next(cx, so_far).await,
        }
    }
}

/// The list of tasks while the first of them ends between the two reads, before or after the
/// engine was asked what ended.
async fn list_meanwhile(cx: Cx, is_asked_first: bool) -> Reply {
    let all = scan::<Task>(&cx, Vec::new());
    let mut live = all.clone();
    live.filters.push(is("live", true));
    let first = cx.host.list::<Task>(live.clone()).await?.remove(0).0.sid;
    let also = Meanwhile { ended: Ended::of(&cx, all), first: Some(first), is_asked_first };
    let listing = Listing::of("tasks", live);
    let show = |task: &Task, items: &mut Items| {
        items.push(&json!({"sid": task.sid, "status": task.status.as_str()}));
        Ok(())
    };
    cx.list_and::<Task>(listing, also, show).await
}

#[tokio::test]
async fn a_task_that_ends_between_two_reads_is_listed_once() {
    let desk = Desk::open().await;
    let workspace = waiting_room(&desk).await;
    let at = format!("{workspace}/Tasks");
    let sids = [desk.made(&at, &[]).await, desk.made(&at, &[]).await, desk.made(&at, &[]).await];
    let routes = Routes::at("/v1/Workspaces/{workspace}")
        .get("/Asked", "asked", Permit::Read, |cx| list_meanwhile(cx, true))
        .get("/Ended", "ended", Permit::Read, |cx| list_meanwhile(cx, false));
    let site = Site::parse("http://localhost:8080").expect("a URL");
    let options = Options { site, limits: Limits::None, dispositions: Vec::new() };
    let products = vec![Product::new("taskrouter", vec![routes])];
    let api = Api::over(desk.host.clone(), options, products);
    let meanwhile = Desk { api, host: desk.host.clone() };
    for (path, statuses) in [
        // Too late for the answer, so it is shown as it was read.
        ("Asked", ["pending", "pending", "pending"]),
        ("Ended", ["canceled", "canceled", "pending"]),
    ] {
        let listed = meanwhile.get(&format!("{workspace}/{path}"), &[]).await;
        assert_eq!(listed.column("tasks", "sid"), sids, "{path}");
        assert_eq!(listed.column("tasks", "status"), statuses, "{path}");
    }
    assert_eq!(desk.get(&at, &[]).await.column("tasks", "sid"), sids);
}

fn sid_of(workspace: &str) -> routing::WorkspaceSid {
    let (_, sid) = workspace.rsplit_once('/').expect("a path");
    sid.parse().expect("a workspace")
}

/// More ended within five minutes than the engine keeps more of than their SIDs.
#[tokio::test]
async fn the_list_holds_all_that_ended_a_short_while_ago_and_pages_through_them() {
    let desk = Desk::open().await;
    let workspace = waiting_room(&desk).await;
    let sid = sid_of(&workspace);
    let at = format!("{workspace}/Tasks");
    let count = routing::limits::ENDED_KEPT_MAX + 100;
    let mut made = Vec::new();
    for n in 0..count {
        let priority = Some(u32::try_from(n % 5).expect("small"));
        let new = Work::CreateTask(NewTask { priority, ..NewTask::default() });
        let Ok(routing::Reply::Task(task)) = desk.host.routing(sid, new).await else {
            panic!("a task was to be made");
        };
        made.push(task.sid.to_string());
        if n % 1_000 != 0 {
            let (status, reason) = (Some(TaskStatus::Canceled), Some("x".to_owned()));
            let patch = TaskPatch { status, reason, ..TaskPatch::default() };
            let end = Work::UpdateTask { sid: task.sid, if_match: IfMatch::Any, patch };
            desk.host.routing(sid, end).await.expect("it is canceled");
        }
    }
    let mut seen = Vec::new();
    let mut page = desk.get(&at, &[("PageSize", "1000")]).await;
    let mut back = None;
    loop {
        seen.extend(page.column("tasks", "sid"));
        let Some(next) = page.body["meta"]["next_page_url"].as_str() else { break };
        page = desk.get(next, &[]).await;
        back = page.body["meta"]["previous_page_url"].as_str().map(str::to_owned).or(back);
    }
    assert_eq!(seen, made);
    let back = desk.get(&back.expect("a page before"), &[]).await.column("tasks", "sid");
    assert_eq!(back, made[count - 100 - 1_000..count - 100]);
    let other =
        [("Ordering", "Priority:desc"), ("PageSize", "3"), ("AssignmentStatus", "canceled")];
    let listed = desk.get(&at, &other).await.column("tasks", "sid");
    assert_eq!(listed, [&*made[count - 1], &*made[count - 6], &*made[count - 11]]);
    desk.advance(301).await;
    let left = desk.get(&at, &[("PageSize", "1000")]).await.column("tasks", "sid");
    assert_eq!(left.len(), count.div_ceil(1_000), "those that did not end");
}

#[tokio::test]
async fn a_made_up_page_token_is_refused() {
    let desk = Desk::open().await;
    let workspace = waiting_room(&desk).await;
    let at = format!("{workspace}/Activities");
    let first = desk.get(&at, &[("PageSize", "1")]).await;
    let next = text(&first.body["meta"]["next_page_url"]);
    let (link, token) = next.split_once("PageToken=").expect("a token");
    let token = URL_SAFE_NO_PAD.decode(token).expect("base64");
    let token: Value = serde_json::from_slice(&token).expect("JSON");
    for cursor in [json!([null]), json!([]), json!([1]), json!(["a", "b"])] {
        let mut forged = token.clone();
        forged["c"] = cursor;
        let forged = URL_SAFE_NO_PAD.encode(forged.to_string());
        let got = desk.get(&format!("{link}PageToken={forged}"), &[]).await;
        assert_eq!(got.code(), (400, 20001), "{}", got.body);
        assert!(got.body["message"].as_str().is_some_and(|text| text.contains("PageToken")));
    }
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
    for (limits, most) in [(Limits::Compat, 6), (Limits::None, 8)] {
        let desk = Desk::with_limits(limits).await;
        let workspace = waiting_room(&desk).await;
        for (list, name, value) in [
            ("Workers", "TargetWorkersExpression", "1==1"),
            ("Tasks", "EvaluateTaskAttributes", "1==1"),
            ("TaskQueues", "EvaluateWorkerAttributes", "{}"),
        ] {
            let mut served = 0;
            for _ in 0..8 {
                let got = desk.get(&format!("{workspace}/{list}"), &[(name, value)]).await;
                served += usize::from(got.status == 200);
                assert!(got.status == 200 || got.code() == (429, 20429), "{}", got.body);
            }
            assert!(served <= most && served >= 3, "{list}: {served} of 8 were served");
            // A list without an expression is not counted.
            assert_eq!(desk.get(&format!("{workspace}/{list}"), &[]).await.status, 200);
        }
    }
}

#[tokio::test]
async fn the_incumbents_counts_hold_where_asked_for() {
    for (limits, status) in [(Limits::Compat, 400), (Limits::None, 201)] {
        let desk = Desk::with_limits(limits).await;
        let at = format!("{}/Activities", desk.workspace().await);
        for n in 3..100 {
            desk.made(&at, &[("FriendlyName", format!("a{n}").as_str())]).await;
        }
        assert_eq!(desk.post(&at, &[("FriendlyName", "one more")]).await.status, status);
    }
}

#[tokio::test]
async fn the_incumbents_counts_of_queues_and_workers_hold_where_asked_for() {
    for (limits, status) in [(Limits::Compat, 400), (Limits::None, 201)] {
        let desk = Desk::with_limits(limits).await;
        let workspace = desk.workspace().await;
        let sid = sid_of(&workspace);
        for n in 0..15_000 {
            let new = NewWorker { friendly_name: format!("w{n}"), ..NewWorker::default() };
            desk.host.routing(sid, Work::CreateWorker(new)).await.expect("a worker");
        }
        for n in 0..5_000 {
            let (friendly_name, target_workers) = (format!("q{n}"), Some(String::new()));
            let new = NewTaskQueue { friendly_name, target_workers, ..NewTaskQueue::default() };
            desk.host.routing(sid, Work::CreateTaskQueue(new)).await.expect("a queue");
        }
        for (list, what) in [("Workers", "workers"), ("TaskQueues", "task queues")] {
            let got = desk.post(&format!("{workspace}/{list}"), &[("FriendlyName", "more")]).await;
            assert_eq!(got.status, status, "{}", got.body);
            if status == 400 {
                let message = text(&got.body["message"]);
                assert!(message.contains(what) && got.code() == (400, 20001), "{message}");
            }
        }
        let gone = desk.get(&format!("{workspace}/Workers"), &[("PageSize", "1")]).await;
        let gone = &gone.column("workers", "sid")[0];
        assert_eq!(
            desk.call("DELETE", &format!("{workspace}/Workers/{gone}"), &[]).await.status,
            204
        );
        let one = [("FriendlyName", "one more")];
        assert_eq!(desk.post(&format!("{workspace}/Workers"), &one).await.status, 201);
    }
}

#[tokio::test]
async fn the_incumbents_rate_of_bulk_statistics_holds_where_asked_for() {
    for (limits, most) in [(Limits::Compat, 10), (Limits::None, 15)] {
        let desk = Desk::with_limits(limits).await;
        let workspace = waiting_room(&desk).await;
        let queue = desk.get(&format!("{workspace}/TaskQueues"), &[]).await;
        let body = json!({"QueueSids": queue.column("task_queues", "sid")});
        let mut served = 0;
        for _ in 0..15 {
            let at = format!("{workspace}/TaskQueues/RealTimeStatistics");
            let got = desk.post_json(&at, &body).await;
            served += usize::from(got.status == 200);
            assert!(got.status == 200 || got.code() == (429, 20429), "{}", got.body);
        }
        // Two windows of a second at most.
        assert!((5..=most).contains(&served), "{served} of 15 were served");
        assert!(limits == Limits::None || served < 15);
    }
}

#[tokio::test]
async fn what_is_over_is_listed_as_history_for_good() {
    let desk = Desk::open().await;
    let workspace = waiting_room(&desk).await;
    let (tasks, history) = (format!("{workspace}/Tasks"), history_of(&workspace));
    let mut ended = Vec::new();
    for n in 0..3 {
        let task = desk.made(&tasks, &[("Priority", n.to_string().as_str())]).await;
        let form = [("AssignmentStatus", "canceled"), ("Reason", "x")];
        desk.post(&format!("{tasks}/{task}"), &form).await;
        ended.push(task);
        desk.advance(10).await;
    }
    let waiting = desk.made(&tasks, &[]).await;
    desk.advance(400).await;
    let live = desk.get(&tasks, &[]).await;
    assert_eq!(live.column("tasks", "sid"), std::slice::from_ref(&waiting));
    ended.reverse();
    let listed = desk.get(&history, &[]).await;
    assert_eq!(listed.column("tasks", "sid"), ended);
    for (name, value, expected) in [
        ("AssignmentStatus", "completed", &[][..]),
        ("AssignmentStatus", "canceled", &ended),
        ("CreatedAfter", "2026-01-01T00:00:05Z", &ended[..2]),
        ("CreatedBefore", "2026-01-01T00:00:05Z", &ended[2..]),
        ("TaskQueueSid", "WQ00000000000000000000000000000000", &[]),
        ("WorkflowSid", "WW00000000000000000000000000000000", &[]),
    ] {
        let got = desk.get(&history, &[(name, value)]).await.column("tasks", "sid");
        assert_eq!(got, expected, "{name}={value}");
    }
    let first = desk.get(&history, &[("PageSize", "2")]).await;
    let next = text(&first.body["meta"]["next_page_url"]);
    let next = next.strip_prefix("http://localhost:8080").expect("a link to here");
    assert_eq!(desk.get(next, &[]).await.column("tasks", "sid"), ended[2..]);
    let one = desk.get(&format!("{history}/{}", ended[0]), &[]).await;
    assert_eq!((&one.body["priority"], &one.body["reason"]), (&2.into(), &"x".into()));
    assert_eq!(desk.get(&format!("{history}/{waiting}"), &[]).await.code(), (404, 20404));
    let offers = desk.get(&format!("{history}/{}/Reservations", ended[0]), &[]).await;
    assert!(offers.column("reservations", "sid").is_empty());
}

fn history_of(workspace: &str) -> String {
    format!("/sinew/v1{workspace}/History/Tasks")
}
