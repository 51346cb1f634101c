//! Statistics of workers: of all, of those that filters choose, of one.
//!
//! A filter chooses workers; what is counted is theirs, whatever queue it came from. The activities
//! of workers are on no channel: `TaskChannel` chooses among reservations only.

use super::{Wanted, input, names_now, url};
use crate::{
    Answer, Cx, Problem, Reply,
    taskrouter::read::{self, lend},
};
use base::Sid;
use report::{Counters, Window};
use routing::{ActivitySid, Doing, Question, RealTime, TaskQueueSid, WorkersOf};
use std::collections::BTreeMap;
use wire::rest::statistics::{Figures, Of};

pub(super) async fn real_time(cx: Cx) -> Reply {
    input::channel(&cx)?;
    let figures = present(&cx, &WorkersOf::default()).await?;
    Ok(shown(&cx, Of::Workers, figures))
}

pub(super) async fn cumulative(cx: Cx) -> Reply {
    let figures = past(&cx, WorkersOf::default(), &Wanted::of(&cx)?).await?;
    Ok(shown(&cx, Of::Workers, figures))
}

pub(super) async fn combined(cx: Cx) -> Reply {
    let (of, wanted) = (chosen(&cx)?, Wanted::of(&cx)?);
    let present = present(&cx, &of).await?;
    let past = past(&cx, of, &wanted).await?;
    Ok(shown(&cx, Of::Workers, Figures::combined(Some(present), past)))
}

pub(super) async fn one(cx: Cx) -> Reply {
    let worker = read::worker(&cx)?.sid;
    let of = WorkersOf { worker: Some(worker), ..WorkersOf::default() };
    let past = past(&cx, of, &Wanted::of(&cx)?).await?;
    Ok(shown(&cx, Of::Worker(worker), Figures::combined(None, past)))
}

fn shown(cx: &Cx, of: Of, figures: Figures) -> Answer {
    Answer::ok(&figures.identified(of, cx.names(), url(cx)))
}

/// `TaskQueueSid`, `TaskQueueName` and `FriendlyName`: all that are given must fit.
fn chosen(cx: &Cx) -> Result<WorkersOf, Problem> {
    let sid: Option<TaskQueueSid> = cx.input.sid("TaskQueueSid")?;
    let named = cx.input.text("TaskQueueName").map(|name| {
        let queues = cx.names().queues.iter();
        queues.filter(|(_, known)| &***known == name).map(|(sid, _)| *sid).collect::<Vec<_>>()
    });
    let queues = match (sid, named) {
        (Some(sid), Some(named)) => Some(named.into_iter().filter(|one| *one == sid).collect()),
        (Some(sid), None) => Some(vec![sid]),
        (None, named) => named,
    };
    Ok(WorkersOf { worker: None, friendly_name: cx.input.string("FriendlyName"), queues })
}

async fn doing(cx: &Cx, of: &WorkersOf) -> Result<Vec<Doing>, Problem> {
    match cx.ask(Question::Doing(of.clone())).await? {
        routing::Answer::Doing(doing) => Ok(doing),
        _ => Err(Problem::internal()),
    }
}

async fn present(cx: &Cx, of: &WorkersOf) -> Result<Figures, Problem> {
    let mut workers: BTreeMap<ActivitySid, u32> = BTreeMap::new();
    for doing in doing(cx, of).await? {
        *workers.entry(doing.activity).or_default() += 1;
    }
    let found = RealTime { workers: workers.into_iter().collect(), ..RealTime::default() };
    Ok(Figures::real_time(Of::Workers, &found, cx.host.now(), lend(&names_now(cx))))
}

async fn past(cx: &Cx, of: WorkersOf, wanted: &Wanted) -> Result<Figures, Problem> {
    let counted = counted(cx, &of, wanted).await?;
    let window = Window { from: wanted.interval.from, to: wanted.interval.to };
    let durations = cx.host.durations(cx.workspace(), window, of).await?;
    let names = names_now(cx);
    Ok(Figures::cumulative_of_workers(&counted, &durations, &wanted.interval, lend(&names)))
}

/// What everybody counted is what the workspace did: workers that are gone belong to it.
async fn counted(cx: &Cx, of: &WorkersOf, wanted: &Wanted) -> Result<Counters, Problem> {
    let scopes: Vec<Sid> = match of.is_everybody() {
        true => vec![cx.workspace().sid()],
        false => doing(cx, of).await?.iter().map(|doing| doing.worker.sid()).collect(),
    };
    if scopes.is_empty() {
        return Ok(Counters::default());
    }
    let counted = wanted.counted(cx, scopes.iter().copied()).await?;
    let mut sum = Counters::default();
    scopes.into_iter().for_each(|scope| sum.add(&counted.of(scope)));
    Ok(sum)
}
