//! How many visitors may wait at a time.
//!
//! * Those who wait are the workflow's live tasks that nobody took yet; they are counted anew at
//!   most once a second, and in between every visitor admitted counts.
//! * Counting costs the same however many ask.

use crate::answer::Trouble;
use host::{Host, Record as _};
use routing::{Task, TaskStatus, WorkflowSid, WorkspaceSid};
use std::time::Duration;
use store::{Filter, Scan, Test, Value};
use tokio::{sync::Mutex, time::Instant};

/// Requests of visitors that may wait at a time.
const WAITING_MAX: usize = 1_000;
/// A count is good for this long.
const COUNT_EVERY: Duration = Duration::from_secs(1);

/// Who waits, as last counted.
#[derive(Debug, Default)]
pub(super) struct Crowd(Mutex<Option<Count>>);

#[derive(Clone, Copy, Debug)]
struct Count {
    of: (WorkspaceSid, Option<WorkflowSid>),
    waiting: usize,
    at: Instant,
}

impl Crowd {
    /// Counts one more; false when there are enough.
    pub(super) async fn admit(
        &self,
        host: &Host,
        workspace: WorkspaceSid,
        workflow: Option<WorkflowSid>,
    ) -> Result<bool, Trouble> {
        let of = (workspace, workflow);
        // Held while counting: whoever comes meanwhile uses the same count.
        let mut known = self.0.lock().await;
        let fresh = known.filter(|count| count.of == of && count.at.elapsed() < COUNT_EVERY);
        let mut count = match fresh {
            Some(count) => count,
            None => {
                let waiting = waiting(host, workspace, workflow).await?;
                Count { of, waiting, at: Instant::now() }
            }
        };
        let admitted = count.waiting < WAITING_MAX;
        count.waiting += usize::from(admitted);
        *known = Some(count);
        Ok(admitted)
    }
}

/// Tasks of the workflow that wait, up to as many as matter.
async fn waiting(
    host: &Host,
    workspace: WorkspaceSid,
    workflow: Option<WorkflowSid>,
) -> Result<usize, Trouble> {
    let is = |column, values| Filter { column, test: Test::OneOf(values) };
    let open = [TaskStatus::Pending, TaskStatus::Reserved];
    let mut filters = vec![
        is("live", vec![Value::Int(1)]),
        is("status", open.iter().map(|status| Value::from(status.as_str())).collect()),
    ];
    if let Some(workflow) = workflow {
        filters.push(is("workflow", vec![Value::from(workflow.to_string().as_str())]));
    }
    let scan = Scan {
        table: Task::TABLE,
        partition: Some(workspace.to_string().into()),
        filters,
        order: Vec::new(),
        after: None,
        limit: WAITING_MAX,
    };
    Ok(host.list::<Task>(scan).await?.len())
}
