//! Statistics of tasks: of a workspace, a workflow, a queue, a page of queues, or many queues.

use super::{Wanted, input, names_now, url};
use crate::{
    Answer, Cx, Listing, Problem, Reply,
    taskrouter::{
        filters::{by_name, scan},
        read::lend,
    },
    wrong,
};
use base::Sid;
use routing::{Question, RealTime, TaskChannelSid, TaskQueue, TaskQueueSid, Whole, WorkflowSid};
use serde::Deserialize;
use std::collections::BTreeMap;
use wire::rest::statistics::{Figures, Of};

/// Finds what a path is about, or 404.
type Finder = fn(&Cx) -> Result<Of, Problem>;

/// Queues of one bulk call.
const BULK_MAX: usize = 50;
/// The incumbent answers bulk calls this often a second.
const BULK_PER_S: u32 = 5;

pub(super) fn workspace(_: &Cx) -> Result<Of, Problem> {
    Ok(Of::Workspace)
}

pub(super) fn workflow(cx: &Cx) -> Result<Of, Problem> {
    let sid: WorkflowSid = cx.path_sid("workflow")?;
    let is_there = names_now(cx).workflows.contains_key(&sid);
    if is_there { Ok(Of::Workflow(sid)) } else { Err(cx.not_found()) }
}

pub(super) fn queue(cx: &Cx) -> Result<Of, Problem> {
    let sid: TaskQueueSid = cx.path_sid("queue")?;
    let is_there = names_now(cx).queues.contains_key(&sid);
    if is_there { Ok(Of::TaskQueue(sid)) } else { Err(cx.not_found()) }
}

pub(super) async fn real_time(cx: Cx, find: Finder) -> Reply {
    let of = find(&cx)?;
    let figures = present(&cx, of, input::channel(&cx)?).await?;
    Ok(shown(&cx, of, figures))
}

pub(super) async fn cumulative(cx: Cx, find: Finder) -> Reply {
    let of = find(&cx)?;
    let figures = past(&cx, of, &Wanted::of(&cx)?).await?;
    Ok(shown(&cx, of, figures))
}

pub(super) async fn combined(cx: Cx, find: Finder) -> Reply {
    let of = find(&cx)?;
    let wanted = Wanted::of(&cx)?;
    let present = present(&cx, of, wanted.channel).await?;
    let past = past(&cx, of, &wanted).await?;
    Ok(shown(&cx, of, Figures::combined(Some(present), past)))
}

fn shown(cx: &Cx, of: Of, figures: Figures) -> Answer {
    Answer::ok(&figures.identified(of, cx.names(), url(cx)))
}

async fn present(cx: &Cx, of: Of, channel: Option<TaskChannelSid>) -> Result<Figures, Problem> {
    let found = ask(cx, vec![whole(of)], channel).await?;
    let found = found.into_iter().next().unwrap_or_default();
    Ok(Figures::real_time(of, &found, cx.host.now(), lend(&names_now(cx))))
}

async fn past(cx: &Cx, of: Of, wanted: &Wanted) -> Result<Figures, Problem> {
    let scope = scope(cx, of);
    let counted = wanted.counted(cx, [scope]).await?;
    Ok(Figures::cumulative(of, &counted.of(scope), &wanted.interval))
}

/// Few at a time, so that none of the questions takes long.
async fn ask(
    cx: &Cx,
    of: Vec<Whole>,
    channel: Option<TaskChannelSid>,
) -> Result<Vec<RealTime>, Problem> {
    let mut all = Vec::with_capacity(of.len());
    for of in of.chunks(BULK_MAX) {
        match cx.ask(Question::RealTime { of: of.to_vec(), channel }).await? {
            routing::Answer::RealTime(found) => all.extend(found),
            _ => return Err(Problem::internal()),
        }
    }
    Ok(all)
}

fn whole(of: Of) -> Whole {
    match of {
        Of::Workflow(sid) => Whole::Workflow(sid),
        Of::TaskQueue(sid) => Whole::TaskQueue(sid),
        Of::Workspace | Of::Workers | Of::Worker(_) => Whole::Workspace,
    }
}

fn scope(cx: &Cx, of: Of) -> Sid {
    match of {
        Of::Workflow(sid) => sid.sid(),
        Of::TaskQueue(sid) => sid.sid(),
        Of::Worker(sid) => sid.sid(),
        Of::Workspace | Of::Workers => cx.workspace().sid(),
    }
}

/// A page of queues with both kinds of figures.
pub(super) async fn list(cx: Cx) -> Reply {
    let wanted = Wanted::of(&cx)?;
    let scan = scan::<TaskQueue>(&cx, by_name(&cx));
    let listing = Listing::of("task_queues_statistics", scan);
    let gather = async |rows: Vec<TaskQueue>| {
        let queues: Vec<TaskQueueSid> = rows.iter().map(|queue| queue.sid).collect();
        let of = queues.iter().map(|queue| Whole::TaskQueue(*queue)).collect();
        let present = ask(&cx, of, wanted.channel).await?;
        let counted = wanted.counted(&cx, queues.iter().map(|queue| queue.sid())).await?;
        let names = names_now(&cx);
        let each = queues.into_iter().zip(present).map(|(sid, present)| {
            let of = Of::TaskQueue(sid);
            let past = Figures::cumulative(of, &counted.of(sid.sid()), &wanted.interval);
            let present = Figures::real_time(of, &present, cx.host.now(), lend(&names));
            (sid, Figures::combined(Some(present), past).identified(of, lend(&names), None))
        });
        Ok(each.collect::<BTreeMap<TaskQueueSid, Figures>>())
    };
    cx.list_with(listing, gather, |queue: &TaskQueue, figures, items| {
        if let Some(figures) = figures.get(&queue.sid) {
            items.push(figures);
        }
        Ok(())
    })
    .await
}

/// What a bulk call sends.
#[derive(Deserialize)]
struct Bulk {
    #[serde(rename = "QueueSids")]
    queues: Vec<String>,
    #[serde(rename = "TaskChannel", default)]
    channel: Option<String>,
}

/// The present of up to 50 queues; a queue that is not there has none of anything.
pub(super) async fn bulk(cx: Cx) -> Reply {
    cx.rate("task_queue.bulk_real_time", BULK_PER_S)?;
    let Bulk { queues, channel } = cx.json()?;
    if !(1..=BULK_MAX).contains(&queues.len()) {
        return Err(wrong("QueueSids", &format!("must hold between 1 and {BULK_MAX} SIDs")));
    }
    let parsed = queues.iter().map(|queue| queue.parse::<TaskQueueSid>());
    let queues: Vec<TaskQueueSid> =
        parsed.collect::<Result<_, _>>().map_err(|error| wrong("QueueSids", &error.to_string()))?;
    let channel = match channel.as_deref().filter(|text| !text.is_empty()) {
        Some(text) => Some(input::channel_of(&cx, text)?),
        None => input::channel(&cx)?,
    };
    let of = queues.iter().map(|queue| Whole::TaskQueue(*queue)).collect();
    let (found, now, names) = (ask(&cx, of, channel).await?, cx.host.now(), names_now(&cx));
    let each = queues.into_iter().zip(found).map(|(sid, found)| {
        (sid, Figures::real_time(Of::TaskQueue(sid), &found, now, lend(&names)))
    });
    Ok(Answer::ok(&Figures::bulk(each.collect(), cx.names(), cx.base())))
}
