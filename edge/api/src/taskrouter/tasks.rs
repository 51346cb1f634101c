//! Tasks. An ended one stays readable for a while, then it is gone from reads and lists alike.

use super::{
    activities::means_true,
    filters::{EXPRESSION_LISTS_PER_S, any, any_sid, is, ordering, scan},
    read::{self, lend, names_now, unexpected},
};
use crate::{
    Answer, Cx, Listing, Param, ParamKind, Permit, Problem, Reply, Routes, Shape,
    paging::{Also, Progress},
    wrong,
};
use base::Sid;
use routing::{
    Command, EndedPage, Question, Task, TaskQueueSid, TaskSid, TaskStatus, WorkflowSid,
    command::{ChannelRef, NewTask, TaskPatch},
    limits::ENDED_PAGE_MAX,
};
use store::{Direction, Filter, Scan, Test, Value};
use wire::rest;

const LIST: &[Param] = &[
    Param::optional("Priority", ParamKind::Integer),
    Param { repeated: true, ..Param::optional("AssignmentStatus", ParamKind::Text) },
    Param::optional("WorkflowSid", ParamKind::Sid("WW")),
    Param::optional("WorkflowName", ParamKind::Text),
    Param::optional("TaskQueueSid", ParamKind::Sid("WQ")),
    Param::optional("TaskQueueName", ParamKind::Text),
    Param::optional("EvaluateTaskAttributes", ParamKind::Text),
    Param::optional("RoutingTarget", ParamKind::Text),
    Param::optional("Ordering", ParamKind::Text),
    Param::optional("HasAddons", ParamKind::Boolean),
];
const CREATE: &[Param] = &[
    Param::optional("Timeout", ParamKind::Integer),
    Param::optional("Priority", ParamKind::Integer),
    Param::optional("TaskChannel", ParamKind::Text),
    Param::optional("WorkflowSid", ParamKind::Sid("WW")),
    Param::optional("Attributes", ParamKind::Text),
    Param::optional("VirtualStartTime", ParamKind::Date),
    Param::optional("RoutingTarget", ParamKind::Text),
    Param::optional("IgnoreCapacity", ParamKind::Text),
    Param::optional("TaskQueueSid", ParamKind::Sid("WQ")),
];
const UPDATE: &[Param] = &[
    Param::optional("Attributes", ParamKind::Text),
    Param::optional("AssignmentStatus", ParamKind::Word(STATUSES)),
    Param::optional("Reason", ParamKind::Text),
    Param::optional("Priority", ParamKind::Integer),
    Param::optional("TaskChannel", ParamKind::Text),
    Param::optional("VirtualStartTime", ParamKind::Date),
];
const STATUSES: &[&str] = &["pending", "reserved", "assigned", "canceled", "completed", "wrapping"];
const ORDERS: &[(&str, &str)] = &[
    ("DateCreated", "created_at"),
    ("Priority", "priority"),
    ("VirtualStartTime", "virtual_start_at"),
];

pub(super) fn routes() -> Routes {
    let one = Shape::One(&rest::Task::SCHEMA);
    Routes::at("/v1/Workspaces/{workspace}/Tasks")
        .get("", "task.list", Permit::Read, list)
        .params(LIST)
        .answers(Shape::List("tasks", &rest::Task::SCHEMA))
        .post("", "task.create", Permit::Write, create)
        .params(CREATE)
        .answers(Shape::Made(&rest::Task::SCHEMA))
        .get("/{task}", "task.fetch", Permit::Read, fetch)
        .answers(one)
        .post("/{task}", "task.update", Permit::Write, update)
        .conditional()
        .params(UPDATE)
        .answers(one)
        .delete("/{task}", "task.delete", Permit::Write, delete)
        .conditional()
}

async fn list(cx: Cx) -> Reply {
    let mut live = scan::<Task>(&cx, filters(&cx).await?);
    live.order = order(&cx)?;
    let ended = Ended::of(&cx, live.clone());
    live.filters.push(is("live", true));
    let (now, listing) = (cx.host.now(), Listing::of("tasks", live).by_token_only());
    cx.list_and::<Task>(listing, ended, |task, items| {
        items.push(&rest::Task::new(task, cx.names(), cx.base(), now));
        Ok(())
    })
    .await
}

async fn create(cx: Cx) -> Reply {
    match cx.command(Command::CreateTask(new(&cx)?)).await? {
        routing::Reply::Task(task) => {
            let names = names_now(&cx);
            let shown = rest::Task::new(&task, lend(&names), cx.base(), cx.host.now());
            Ok(Answer::created(&shown).etag(task.version))
        }
        reply => Err(unexpected(&reply)),
    }
}

async fn fetch(cx: Cx) -> Reply {
    let task = read::task(&cx)?;
    let shown = rest::Task::new(&task, cx.names(), cx.base(), cx.host.now());
    Ok(Answer::ok(&shown).etag(task.version))
}

async fn update(cx: Cx) -> Reply {
    let (sid, if_match, patch) = (cx.path_sid("task")?, cx.if_match, patch(&cx)?);
    match cx.command(Command::UpdateTask { sid, if_match, patch }).await? {
        routing::Reply::Task(task) => {
            let names = names_now(&cx);
            let shown = rest::Task::new(&task, lend(&names), cx.base(), cx.host.now());
            Ok(Answer::ok(&shown).etag(task.version))
        }
        reply => Err(unexpected(&reply)),
    }
}

async fn delete(cx: Cx) -> Reply {
    let (sid, if_match) = (cx.path_sid("task")?, cx.if_match);
    cx.command(Command::DeleteTask { sid, if_match }).await?;
    Ok(Answer::nothing())
}

fn new(cx: &Cx) -> Result<NewTask, Problem> {
    Ok(NewTask {
        attributes: cx.input.attributes("Attributes")?.unwrap_or_default(),
        workflow: cx.input.sid("WorkflowSid")?,
        task_channel: channel(cx),
        priority: cx.input.u32("Priority")?,
        timeout_s: cx.input.u32("Timeout")?,
        virtual_start_at: cx.input.time("VirtualStartTime")?,
        routing_target: cx.input.sid::<Sid>("RoutingTarget")?,
        ignore_capacity: cx.input.text("IgnoreCapacity").map(means_true),
        queue: cx.input.sid("TaskQueueSid")?,
    })
}

fn patch(cx: &Cx) -> Result<TaskPatch, Problem> {
    Ok(TaskPatch {
        attributes: cx.input.attributes("Attributes")?,
        status: cx.input.word("AssignmentStatus", status)?,
        reason: cx.input.string("Reason"),
        priority: cx.input.u32("Priority")?,
        task_channel: channel(cx),
        virtual_start_at: cx.input.time("VirtualStartTime")?,
    })
}

/// A SID or a unique name.
fn channel(cx: &Cx) -> Option<ChannelRef> {
    let named = cx.input.text("TaskChannel")?;
    Some(named.parse().map_or_else(|_| ChannelRef::Name(named.to_owned()), ChannelRef::Sid))
}

fn status(word: &str) -> Option<TaskStatus> {
    use TaskStatus as S;
    [S::Pending, S::Reserved, S::Assigned, S::Wrapping, S::Completed, S::Canceled]
        .into_iter()
        .find(|status| status.as_str() == word)
}

/// Creation and virtual start exclude each other; the default is creation, oldest first.
fn order(cx: &Cx) -> Result<Vec<(&'static str, Direction)>, Problem> {
    let order = ordering(cx, ORDERS)?;
    let has = |column: &str| order.iter().any(|(ordered, _)| *ordered == column);
    if has("created_at") && has("virtual_start_at") {
        return Err(wrong("Ordering", "DateCreated and VirtualStartTime exclude each other"));
    }
    Ok(order)
}

/// The same list among tasks that ended a short while ago: history is long and has no index for
/// them, but the engine knows which they are. In parts, because there may be very many.
pub(super) struct Ended {
    scan: Scan,
    /// The last one of the parts so far.
    behind: Option<TaskSid>,
    is_begun: bool,
    is_over: bool,
}

impl Ended {
    pub(super) fn of(cx: &Cx, mut scan: Scan) -> Self {
        scan.filters.push(is("live", false));
        let since = Value::Int(read::readable_since(cx.host.now()).0 + 1);
        scan.filters.push(Filter { column: "ended_at", test: Test::AtLeast(since) });
        Self { scan, behind: None, is_begun: false, is_over: false }
    }
}

impl Also for Ended {
    /// The next part of it, while it could have a row that belongs on the page. In the order of
    /// SIDs, parts before the page are not asked for, and those behind a full page neither.
    async fn next(
        &mut self,
        cx: &Cx,
        Progress { page, found, last }: Progress,
    ) -> Result<Option<Scan>, Problem> {
        let is_by_sid = page.order.iter().all(|(column, _)| *column == "key");
        let backwards =
            is_by_sid && page.order.iter().any(|(_, way)| *way == Direction::Descending);
        if is_by_sid && !self.is_begun {
            self.behind = task_of(page.after.as_ref().and_then(|cursor| cursor.last()));
        }
        self.is_begun = true;
        let is_behind_page = match (self.behind, task_of(last.as_ref())) {
            (Some(behind), Some(last)) if is_by_sid && found >= page.limit => match backwards {
                false => behind >= last,
                true => behind <= last,
            },
            _ => false,
        };
        if self.is_over || is_behind_page {
            return Ok(None);
        }
        let part = EndedPage { behind: self.behind, backwards, limit: ENDED_PAGE_MAX };
        let routing::Answer::Tasks(ended) = cx.ask(Question::Ended(part)).await? else {
            return Err(Problem::internal());
        };
        self.is_over = ended.len() < ENDED_PAGE_MAX;
        self.behind = ended.last().copied();
        let part = any_sid("key", ended);
        let mut scan = self.scan.clone();
        scan.filters.push(part);
        Ok(Some(scan))
    }
}

/// The task that a key stands for.
fn task_of(key: Option<&Value>) -> Option<TaskSid> {
    match key {
        Some(Value::Text(key)) => key.parse().ok(),
        _ => None,
    }
}

async fn filters(cx: &Cx) -> Result<Vec<Filter>, Problem> {
    let mut filters = statuses(cx)?.into_iter().collect::<Vec<_>>();
    let names = cx.names();
    if let Some(priority) = cx.input.u32("Priority")? {
        filters.push(is("priority", i64::from(priority)));
    }
    if let Some(sid) = cx.input.sid::<WorkflowSid>("WorkflowSid")? {
        filters.push(any_sid("workflow", [sid]));
    }
    if let Some(name) = cx.input.text("WorkflowName") {
        let named = names.workflows.iter().filter(|(_, workflow)| ***workflow == *name);
        filters.push(any_sid("workflow", named.map(|(sid, _)| sid)));
    }
    if let Some(sid) = cx.input.sid::<TaskQueueSid>("TaskQueueSid")? {
        filters.push(any_sid("queue", [sid]));
    }
    if let Some(name) = cx.input.text("TaskQueueName") {
        let named = names.queues.iter().filter(|(_, queue)| ***queue == *name);
        filters.push(any_sid("queue", named.map(|(sid, _)| sid)));
    }
    if let Some(target) = cx.input.sid::<Sid>("RoutingTarget")? {
        filters.push(any_sid("routing_target", [target]));
    }
    // Nothing here adds add-ons, so no task has any.
    if cx.input.bool("HasAddons")? == Some(true) {
        filters.push(any("key", None::<Value>));
    }
    if let Some(expression) = cx.input.string("EvaluateTaskAttributes") {
        filters.push(matching(cx, expression).await?);
    }
    Ok(filters)
}

/// `AssignmentStatus`, repeated or with commas.
fn statuses(cx: &Cx) -> Result<Option<Filter>, Problem> {
    let words = cx.input.all("AssignmentStatus").flat_map(|list| list.split(','));
    let words = words.map(str::trim).filter(|word| !word.is_empty());
    let known = |word: &str| {
        status(word).ok_or_else(|| {
            wrong("AssignmentStatus", &format!("must be among {}", STATUSES.join(", ")))
        })
    };
    let statuses = words.map(known).collect::<Result<Vec<_>, _>>()?;
    let filter = any("status", statuses.iter().map(|status| status.as_str()));
    Ok((!statuses.is_empty()).then_some(filter))
}

async fn matching(cx: &Cx, expression: String) -> Result<Filter, Problem> {
    cx.rate("task.list by expression", EXPRESSION_LISTS_PER_S)?;
    match cx.ask(Question::TasksWhere(expression)).await? {
        routing::Answer::Tasks(tasks) => Ok(any_sid("key", tasks)),
        _ => Err(Problem::internal()),
    }
}
