//! Side by side: how it was, how it would have been.

use crate::{
    ledger::{Ledger, Story},
    run::Drawn,
};
use routing::{TaskQueueSid, TaskSid};
use serde::Serialize;
use std::{collections::BTreeSet, fmt};
use store::Seq;

/// The outcome of a replay.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// The number of the first change that is replayed: 1, unless older ones are forgotten.
    pub first_change: Seq,
    /// Whether the same replay with nothing changed was the recording, change by change.
    pub reproduced: bool,
    /// If not, the number of the first change that differs.
    pub first_difference: Option<Seq>,
    /// A wait up to this many seconds keeps the service level.
    pub service_level_s: u32,
    /// Everything together.
    pub total: Row,
    /// By queue, in order of SID; a task counts where it was taken or given up, or waits.
    pub task_queues: Vec<Row>,
    /// Tasks that went to another queue or worker.
    pub moved: Vec<Moved>,
    /// Where reaction and handle times came from.
    pub drawn: Drawn,
}

/// One line: before and after.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// The queue; `None` for all.
    pub task_queue_sid: Option<TaskQueueSid>,
    /// Its name.
    pub friendly_name: String,
    /// As recorded.
    pub before: Figures,
    /// With the other configuration.
    pub after: Figures,
}

/// What is counted.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Figures {
    /// Tasks.
    pub tasks: usize,
    /// Those that somebody took.
    pub taken: usize,
    /// Those given up before anybody did.
    pub abandoned: usize,
    /// Those that still wait at the end.
    pub waiting: usize,
    /// Transfers.
    pub transfers: usize,
    /// Seconds from creation until taken: average, median, 95th percentile, longest.
    pub wait_avg_s: Option<f64>,
    /// See above.
    pub wait_p50_s: Option<f64>,
    /// See above.
    pub wait_p95_s: Option<f64>,
    /// See above.
    pub wait_max_s: Option<f64>,
    /// Taken in time, of all taken or given up later than that; per cent.
    pub service_level: Option<f64>,
    /// Given up, of all taken or given up; per cent.
    pub abandonment: Option<f64>,
    /// Time with a task of the time available, over all workers; per cent. In the total only.
    pub utilisation: Option<f64>,
}

/// A task that went elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Moved {
    /// Which.
    pub task_sid: TaskSid,
    /// Queue and worker as recorded.
    pub before: (Option<String>, Option<String>),
    /// Queue and worker with the other configuration.
    pub after: (Option<String>, Option<String>),
}

impl Report {
    pub(crate) fn new(
        (before, after): (&Ledger, &Ledger),
        drawn: Drawn,
        (first_change, first_difference): (Seq, Option<Seq>),
        service_level_s: u32,
    ) -> Self {
        let row = |queue: Option<TaskQueueSid>| Row {
            task_queue_sid: queue,
            friendly_name: match queue {
                Some(sid) => name(before, after, sid),
                None => "all".to_owned(),
            },
            before: figures(before, queue, service_level_s),
            after: figures(after, queue, service_level_s),
        };
        let queues = [before, after].into_iter().flat_map(|one| one.tasks.values());
        let queues: BTreeSet<TaskQueueSid> = queues.filter_map(|story| story.queue).collect();
        Self {
            first_change,
            reproduced: first_difference.is_none(),
            first_difference,
            service_level_s,
            total: row(None),
            task_queues: queues.into_iter().map(|queue| row(Some(queue))).collect(),
            moved: moved(before, after),
            drawn,
        }
    }
}

fn name(before: &Ledger, after: &Ledger, queue: TaskQueueSid) -> String {
    let found = before.queue_names.get(&queue).or_else(|| after.queue_names.get(&queue));
    found.cloned().unwrap_or_else(|| queue.to_string())
}

fn moved(before: &Ledger, after: &Ledger) -> Vec<Moved> {
    let place = |story: &Story| {
        let queue = story.queue.map(|queue| name(before, after, queue));
        let worker = story.taken.map(|(_, worker)| {
            let known = before.worker_names.get(&worker);
            known.cloned().unwrap_or_else(|| worker.to_string())
        });
        (queue, worker)
    };
    let both = before.tasks.iter().filter_map(|(sid, one)| Some((sid, one, after.tasks.get(sid)?)));
    let other = both.filter(|(_, one, two)| {
        one.queue != two.queue
            || one.taken.map(|(_, worker)| worker) != two.taken.map(|(_, worker)| worker)
    });
    let moved = other.map(|(sid, one, two)| Moved {
        task_sid: *sid,
        before: place(one),
        after: place(two),
    });
    moved.collect()
}

fn figures(ledger: &Ledger, queue: Option<TaskQueueSid>, level_s: u32) -> Figures {
    let stories = ledger.tasks.values();
    let stories: Vec<&Story> =
        stories.filter(|story| queue.is_none() || story.queue == queue).collect();
    let mut waits: Vec<i64> =
        stories.iter().filter_map(|story| Some((story.taken?.0 - story.created_at).0)).collect();
    waits.sort_unstable();
    let level_ms = i64::from(level_s) * 1000;
    let gone: Vec<i64> = stories
        .iter()
        .filter_map(|story| Some((story.abandoned_at? - story.created_at).0))
        .collect();
    let in_time = waits.iter().filter(|wait| **wait <= level_ms).count();
    let too_late = gone.iter().filter(|wait| **wait > level_ms).count();
    let seconds = |ms: i64| ms as f64 / 1000.0;
    let at = |share: usize| waits.get((waits.len() * share).div_ceil(100).max(1) - 1).copied();
    let total: i64 = waits.iter().sum();
    Figures {
        tasks: stories.len(),
        taken: waits.len(),
        abandoned: gone.len(),
        waiting: stories.len() - waits.len() - gone.len(),
        transfers: stories.iter().map(|story| story.transfers).sum(),
        wait_avg_s: (!waits.is_empty()).then(|| seconds(total) / waits.len() as f64),
        wait_p50_s: at(50).map(seconds),
        wait_p95_s: at(95).map(seconds),
        wait_max_s: waits.last().copied().map(seconds),
        service_level: percent(in_time as i64, (waits.len() + too_late) as i64),
        abandonment: percent(gone.len() as i64, (waits.len() + gone.len()) as i64),
        utilisation: match queue {
            None => percent(ledger.busy_ms, ledger.there_ms),
            Some(_) => None,
        },
    }
}

fn percent(part: i64, whole: i64) -> Option<f64> {
    (whole > 0).then(|| part as f64 * 100.0 / whole as f64)
}

/// Tasks that are named in the text; the JSON has them all.
const NAMED: usize = 20;

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.first_difference {
            None => {
                writeln!(f, "With nothing changed the replay is the recording, change by change.")?
            }
            Some(at) => writeln!(
                f,
                "With nothing changed the replay differs from the recording from change {at} on: \
                 take the figures as an estimate."
            )?,
        }
        if self.first_change > 1 {
            writeln!(
                f,
                "What came before change {} is forgotten: tasks that waited then stay with the \
                 configuration they came under.",
                self.first_change
            )?;
        }
        for row in std::iter::once(&self.total).chain(&self.task_queues) {
            writeln!(f, "\n{:<34}{:>12}{:>12}", row.friendly_name, "before", "after")?;
            lines(f, row, self.service_level_s)?;
        }
        let Drawn { recorded, from_worker, from_queue, from_anybody, unknown } = self.drawn;
        writeln!(f, "\n{} tasks went to another queue or worker.", self.moved.len())?;
        for Moved { task_sid, before, after } in self.moved.iter().take(NAMED) {
            writeln!(f, "  {task_sid}  {}  ->  {}", place(before), place(after))?;
        }
        if self.moved.len() > NAMED {
            writeln!(f, "  … and {} more (--json names them all)", self.moved.len() - NAMED)?;
        }
        writeln!(
            f,
            "\nReaction and handle times: {recorded} offers as recorded, {from_worker} drawn from \
             the worker's other tasks, {from_queue} from the queue's, {from_anybody} from \
             anybody's, {unknown} unknown (not answered).\nA customer gives up when the recording \
             says so; how long others would have waited is not known."
        )
    }
}

fn lines(f: &mut fmt::Formatter<'_>, row: &Row, level_s: u32) -> fmt::Result {
    let Row { before, after, .. } = row;
    let count = |name: &str, of: fn(&Figures) -> usize| (name.to_owned(), of(before), of(after));
    for (name, one, two) in [
        count("tasks", |it| it.tasks),
        count("taken", |it| it.taken),
        count("given up", |it| it.abandoned),
        count("still waiting", |it| it.waiting),
        count("transfers", |it| it.transfers),
    ] {
        writeln!(f, "  {name:<32}{one:>12}{two:>12}")?;
    }
    let level = format!("service level at {level_s} s, %");
    for (name, one, two) in [
        ("wait, average, s", before.wait_avg_s, after.wait_avg_s),
        ("wait, median, s", before.wait_p50_s, after.wait_p50_s),
        ("wait, 95 %, s", before.wait_p95_s, after.wait_p95_s),
        ("wait, longest, s", before.wait_max_s, after.wait_max_s),
        (level.as_str(), before.service_level, after.service_level),
        ("given up, %", before.abandonment, after.abandonment),
        ("utilisation, %", before.utilisation, after.utilisation),
    ] {
        if one.is_some() || two.is_some() {
            writeln!(f, "  {name:<32}{:>12}{:>12}", shown(one), shown(two))?;
        }
    }
    Ok(())
}

fn shown(figure: Option<f64>) -> String {
    figure.map_or_else(|| "-".to_owned(), |figure| format!("{figure:.1}"))
}

fn place((queue, worker): &(Option<String>, Option<String>)) -> String {
    let queue = queue.as_deref().unwrap_or("no queue");
    format!("{queue} / {}", worker.as_deref().unwrap_or("nobody"))
}
