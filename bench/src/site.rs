//! Makes what a slice needs by REST: workspace, queue, workflow, workers, and a large store.
//!
//! * Workers are made by several callers at once, or ten thousand would take a minute.

use std::rc::Rc;
use std::time::Instant;

use serde_json::{Value, json};
use testkit::Random;

use crate::Options;
use crate::connection::{Account, Connection, form, text_after};
use crate::load::{CHANNELS, MATCH, Offer, idle_task};

const CALLERS: usize = 32;

/// A workspace under load.
pub(crate) struct Site {
    pub(crate) account: Account,
    /// `/taskrouter/v1/Workspaces/WS…`
    pub(crate) path: String,
    pub(crate) workspace: String,
    pub(crate) workflow: String,
    pub(crate) workers: Vec<String>,
    pub(crate) offers: Vec<Offer>,
}

impl Site {
    pub(crate) async fn make(workers: usize) -> Result<Site, String> {
        let account = Account::from_environment()?;
        let mut connection = account.connect().await?;
        let create = form(&[("FriendlyName", "Load")]);
        let workspace = connection.form("/taskrouter/v1/Workspaces", &create).await?;
        let workspace = sid(&workspace)?;
        let path = format!("/taskrouter/v1/Workspaces/{workspace}");
        let available = available(&mut connection, &path).await?;
        let queue = form(&[("FriendlyName", "All"), ("TargetWorkers", "1==1")]);
        let queue = sid(&connection.form(&format!("{path}/TaskQueues"), &queue).await?)?;
        let workflow = form(&[
            ("FriendlyName", "Match"),
            // Longer than any slice: a task is offered once.
            ("TaskReservationTimeout", "3600"),
            ("Configuration", &configuration(&queue)),
        ]);
        let workflow = sid(&connection.form(&format!("{path}/Workflows"), &workflow).await?)?;
        let mut dice = Random::new(42);
        let offers: Vec<Offer> = (0..workers).map(|_| Offer::random(&mut dice)).collect();
        let workers = make_workers(&account, &path, &available, &offers).await?;
        Ok(Site { account, path, workspace, workflow, workers, offers })
    }
}

fn configuration(queue: &str) -> String {
    let target = |expression: String| json!([{"queue": queue, "expression": expression}]);
    json!({"task_routing": {"filters": [
        {
            "filter_friendly_name": "pinned to a region",
            "expression": "region IN ['r0', 'r1', 'r2', 'r3']",
            "targets": target(format!("{MATCH} AND worker.region == task.region")),
        },
        {
            "filter_friendly_name": "any region",
            "expression": "level >= 1",
            "targets": target(MATCH.to_owned()),
        },
        {
            "filter_friendly_name": "for nobody",
            "expression": "1==1",
            "targets": target("worker.level == 99".to_owned()),
        },
    ]}})
    .to_string()
}

async fn available(connection: &mut Connection, path: &str) -> Result<String, String> {
    let list = connection.get(&format!("{path}/Activities")).await?;
    let all = list["activities"].as_array().ok_or("no list of activities")?;
    sid(all.iter().find(|activity| activity["available"] == true).ok_or("no available activity")?)
}

async fn make_workers(
    account: &Account,
    path: &str,
    available: &str,
    offers: &[Offer],
) -> Result<Vec<String>, String> {
    let share = offers.len().div_ceil(CALLERS).max(1);
    let made = offers.chunks(share).enumerate().map(|(part, offers)| async move {
        let mut connection = account.connect().await?;
        let mut sids = Vec::with_capacity(offers.len());
        for (number, offer) in offers.iter().enumerate() {
            let name = format!("worker {part}-{number}");
            let fields = [
                ("FriendlyName", name.as_str()),
                ("ActivitySid", available),
                ("Attributes", &offer.attributes()),
            ];
            let worker = connection.form(&format!("{path}/Workers"), &form(&fields)).await?;
            let worker = sid(&worker)?;
            for (channel, capacity) in CHANNELS {
                let channel = format!("{path}/Workers/{worker}/Channels/{channel}");
                let capacity = form(&[("Capacity", &capacity.to_string())]);
                connection.form(&channel, &capacity).await?;
            }
            sids.push(worker);
        }
        Ok::<_, String>(sids)
    });
    let parts = futures_util::future::try_join_all(made).await?;
    Ok(parts.into_iter().flatten().collect())
}

/// A sid of an answer.
pub(crate) fn sid(body: &Value) -> Result<String, String> {
    let sid = body["sid"].as_str().ok_or_else(|| format!("no sid in {body}"))?;
    Ok(sid.to_owned())
}

/// A store with many workers and many open tasks of 400-byte attributes, which nobody can take.
/// The figures name one of the tasks, for `look`.
pub(crate) async fn fill(options: &Options) -> Result<Value, String> {
    let (workers, tasks) = (options.number("workers")?, options.number("tasks")?);
    let started = Instant::now();
    let site = Rc::new(Site::make(workers).await?);
    let share = tasks.div_ceil(CALLERS).max(1);
    let callers = (0..CALLERS).map(|caller| {
        let site = Rc::clone(&site);
        async move {
            let (mut connection, mut last) = (site.account.connect().await?, None);
            for number in caller * share..((caller + 1) * share).min(tasks) {
                let attributes = idle_task(number);
                let body = form(&[("WorkflowSid", &site.workflow), ("Attributes", &attributes)]);
                let answer = connection.send(&format!("{}/Tasks", site.path), &body).await?;
                last = text_after(answer, "\"sid\":\"").map(|sid| (sid.to_owned(), attributes));
            }
            Ok::<_, String>(last)
        }
    });
    let last = futures_util::future::try_join_all(callers).await?;
    let (task, attributes) = last.into_iter().flatten().next().ok_or("no task was made")?;
    Ok(json!({
        "workspace": site.workspace, "task": task, "attributes": attributes,
        "seconds": started.elapsed().as_secs_f64(),
    }))
}

/// Whether a task that `fill` made is there, pending and unchanged.
pub(crate) async fn look(options: &Options) -> Result<Value, String> {
    let (workspace, task) = (options.text("workspace")?, options.text("task")?);
    let mut connection = Account::from_environment()?.connect().await?;
    let path = format!("/taskrouter/v1/Workspaces/{workspace}/Tasks/{task}");
    let found = connection.get(&path).await?;
    let same = found["attributes"] == options.text("attributes")?;
    match (same, found["assignment_status"].as_str()) {
        (true, Some("pending")) => Ok(found),
        _ => Err(format!("the task is not as it was left: {found}")),
    }
}
