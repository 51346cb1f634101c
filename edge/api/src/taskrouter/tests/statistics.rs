//! The published scenarios of statistics, over HTTP without a socket, in virtual time.

use super::*;
use serde_json::json;
use std::collections::BTreeMap;

const SCENARIOS: &str = include_str!("../../../../../testkit/vectors/routing-stats.json");

/// One scenario's workspace.
struct Scenario {
    desk: Desk,
    workspace: String,
    sids: BTreeMap<String, String>,
    now: i64,
}

impl Scenario {
    async fn set_up(setup: &Value) -> Self {
        let desk = Desk::open().await;
        let workspace = desk.workspace().await;
        let mut this = Self { desk, workspace, sids: BTreeMap::new(), now: 0 };
        for name in ["Offline", "Unavailable", "Available"] {
            let sid = this.desk.activity(&this.workspace, name).await;
            this.sids.insert(name.to_owned(), sid);
        }
        let mut before = None;
        for worker in list(&setup["workers"]) {
            let idle_since = worker["idle_since"].as_i64().unwrap_or(0);
            this.desk.advance(idle_since - before.unwrap_or(idle_since)).await;
            before = Some(idle_since);
            let activity = this.sids[text(&worker["activity"]).as_str()].clone();
            let sid = this.make("Workers", worker, &[("ActivitySid", &activity)]).await;
            for (channel, share) in worker["channels"].as_object().into_iter().flatten() {
                let path = format!("{}/Workers/{sid}/Channels/{channel}", this.workspace);
                let capacity = share["capacity"].to_string();
                let got = this.desk.post(&path, &[("Capacity", &capacity)]).await;
                assert_eq!(got.status, 200, "{}", got.body);
            }
        }
        this.desk.advance(-before.unwrap_or(0)).await;
        for queue in list(&setup["queues"]) {
            this.make("TaskQueues", queue, &[("TargetWorkers", &text(&queue["target_workers"]))])
                .await;
        }
        for workflow in list(&setup["workflows"]) {
            let timeout = workflow["task_reservation_timeout"].as_i64().unwrap_or(120).to_string();
            let configuration = this.named(&workflow["configuration"]).to_string();
            let form = [("Configuration", &*configuration), ("TaskReservationTimeout", &*timeout)];
            this.make("Workflows", workflow, &form).await;
        }
        this
    }

    async fn make(&mut self, kind: &str, what: &Value, form: &[(&str, &str)]) -> String {
        let name = text(&what["name"]);
        let form = [&[("FriendlyName", &*name)], form].concat();
        let sid = self.desk.made(&format!("{}/{kind}", self.workspace), &form).await;
        self.sids.insert(name, sid.clone());
        sid
    }

    /// The value with SIDs in place of `@names`.
    fn named(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => {
                let sid = text.strip_prefix('@').and_then(|name| self.sids.get(name));
                sid.map_or_else(|| value.clone(), |sid| json!(sid))
            }
            Value::Array(elements) => elements.iter().map(|one| self.named(one)).collect(),
            Value::Object(members) => {
                Value::Object(members.iter().map(|(k, v)| (k.clone(), self.named(v))).collect())
            }
            other => other.clone(),
        }
    }

    async fn step(&mut self, step: &Value) {
        let at = step["at"].as_i64().expect("a time");
        self.desk.advance(at - self.now).await;
        self.now = at;
        let got = self.act(step).await;
        if let (Some(got), Some(wanted)) = (&got, step["http"].as_u64()) {
            assert_eq!(u64::from(got.status), wanted, "{step}: {}", got.body);
            let expected = self.named(&step["expect"]["stats"]);
            assert!(holds(&got.body, &expected), "{step}: {}", got.body);
        }
        for (task, fields) in step["expect"]["tasks"].as_object().into_iter().flatten() {
            let path = format!("{}/Tasks/{}", self.workspace, self.sids[task]);
            assert!(holds(&self.desk.get(&path, &[]).await.body, fields), "{step}");
        }
    }

    async fn act(&mut self, step: &Value) -> Option<Got> {
        let params = self.named(&step["params"]);
        let form: Vec<(String, String)> =
            params.as_object().into_iter().flatten().map(|(k, v)| (k.clone(), plain(v))).collect();
        let form: Vec<(&str, &str)> = form.iter().map(|(k, v)| (&**k, &**v)).collect();
        let tasks = format!("{}/Tasks", self.workspace);
        let sid = |key: &str| self.sids.get(step[key].as_str().unwrap_or_default()).cloned();
        match text(&step["op"]).as_str() {
            "check" => None,
            "create_task" => {
                let got = self.desk.post(&tasks, &form).await;
                self.sids.insert(text(&step["as"]), got.sid());
                Some(got)
            }
            "update_task" => {
                Some(self.desk.post(&format!("{tasks}/{}", sid("task").unwrap()), &form).await)
            }
            "update_reservation" => {
                let path = format!("{tasks}/{}/Reservations", sid("task").unwrap());
                let query = [("WorkerSid", &*sid("worker").unwrap())];
                let listed = self.desk.get(&path, &query).await.body;
                let newest = list(&listed["reservations"]).last().expect("it was offered").clone();
                Some(self.desk.post(&format!("{path}/{}", text(&newest["sid"])), &form).await)
            }
            "stats" => Some(self.statistics(step, &params, &form).await),
            other => panic!("there is no operation {other}"),
        }
    }

    async fn statistics(&self, step: &Value, params: &Value, form: &[(&str, &str)]) -> Got {
        let sid = self.sids.get(step["name"].as_str().unwrap_or_default());
        let sid = sid.map_or("", |sid| sid);
        let path = match text(&step["resource"]).as_str() {
            "task_queue_real_time" => format!("TaskQueues/{sid}/RealTimeStatistics"),
            "task_queue_cumulative" => format!("TaskQueues/{sid}/CumulativeStatistics"),
            "workflow_real_time" => format!("Workflows/{sid}/RealTimeStatistics"),
            "workflow_cumulative" => format!("Workflows/{sid}/CumulativeStatistics"),
            "workspace_cumulative" => "CumulativeStatistics".to_owned(),
            "task_queue_bulk_real_time" => return self.bulk(params).await,
            other => panic!("there is no resource {other}"),
        };
        let start = params["StartDateOffset"].as_i64();
        let start = start.map(|s| (self.desk.host.now() + Millis::secs(s)).to_string());
        let start = start.as_deref().map(|start| ("StartDate", start));
        let form: Vec<_> = form.iter().copied().chain(start).collect();
        self.desk.get(&format!("{}/{path}", self.workspace), &form).await
    }

    async fn bulk(&self, params: &Value) -> Got {
        let repeated = params["QueueSidsRepeat"].as_array();
        let queues = match repeated {
            Some(repeat) => json!(vec![&repeat[0]; repeat[1].as_u64().unwrap_or(0) as usize]),
            None => params["QueueSids"].clone(),
        };
        let path = format!("{}/TaskQueues/RealTimeStatistics", self.workspace);
        self.desk.post_json(&path, &json!({ "QueueSids": queues })).await
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Objects may have more than is wanted; the order of a list is nobody's business.
fn holds(got: &Value, wanted: &Value) -> bool {
    match (got, wanted) {
        (_, Value::Null) => true,
        (Value::Object(got), Value::Object(wanted)) => {
            wanted.iter().all(|(key, value)| got.get(key).is_some_and(|got| holds(got, value)))
        }
        (Value::Array(got), Value::Array(wanted)) => {
            got.len() == wanted.len()
                && wanted.iter().all(|one| got.iter().any(|got| holds(got, one)))
        }
        (got, wanted) => got == wanted,
    }
}

#[tokio::test]
async fn the_scenarios_of_statistics_hold() {
    let scenarios: Vec<Value> = serde_json::from_str(SCENARIOS).expect("vectors are JSON");
    // The ninth is of event callbacks, which no test without sockets can hear.
    let statistics = scenarios.iter().filter(|scenario| scenario["id"] != "stat-09");
    let mut count = 0;
    for scenario in statistics {
        let mut this = Scenario::set_up(&scenario["setup"]).await;
        for step in list(&scenario["steps"]) {
            this.step(step).await;
        }
        count += 1;
    }
    assert_eq!(count, 8);
}
