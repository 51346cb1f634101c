//! Expressions held against what workers and tasks really have.

use super::{
    Linter, Said, Spot,
    keys::{KeySeen, Of},
};
use crate::{
    alert::Alert,
    model::*,
    workflow::{KnownBy, Target},
};
use base::Position;
use expr::{Compared, Expression, Operands, Place, Scope, WorkerField};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Tasks that a target's expression is tried with.
const TASKS_TRIED: usize = 50;
/// Workers it is tried with for each of them.
const WORKERS_TRIED: usize = 500;

impl Linter<'_> {
    pub(super) fn expressions(&mut self) {
        let configuration = self.configuration;
        for (index, filter) in configuration.filters.iter().enumerate() {
            let spot =
                Spot { filter: Some(index as u32), key: Some("expression"), ..Spot::default() };
            self.expression(spot, &filter.expression, None);
            self.filter_matches(spot, &filter.expression);
            let mut queue = None;
            for (at, target) in filter.targets.iter().enumerate() {
                queue = target.queue.or(queue);
                self.target(Spot { target: Some(at as u32), key: None, ..spot }, target, queue);
            }
        }
        if let Some(target) = &configuration.default {
            self.target(Spot::default(), target, target.queue);
        }
        self.queues();
    }

    fn target(&mut self, spot: Spot<'_>, target: &Target, queue: Option<TaskQueueSid>) {
        if let Some(expression) = &target.expression {
            let spot = Spot { key: Some("expression"), ..spot };
            self.expression(spot, expression, queue);
            self.somebody(spot, expression, queue);
        }
        if let Some(expression) = &target.skip_if {
            self.expression(Spot { key: Some("skip_if"), ..spot }, expression, queue);
        }
        self.known_worker(spot, target, queue);
    }

    fn known_worker(&mut self, spot: Spot<'_>, target: &Target, queue: Option<TaskQueueSid>) {
        let Some(known) = &target.known_worker else { return };
        let key = match known.by {
            KnownBy::Sid => "known_worker_sid",
            KnownBy::FriendlyName => "known_worker_friendly_name",
        };
        let spot = Spot { key: Some(key), ..spot };
        let seen = self.keys.at(Of::Task, &known.path);
        let named = |value: &Value| {
            let text = value.as_str()?;
            self.evidence.workers.iter().position(|worker| match known.by {
                KnownBy::Sid => worker.sid.to_string() == text,
                KnownBy::FriendlyName => worker.friendly_name.to_lowercase() == text.to_lowercase(),
            })
        };
        let values = self.evidence.tasks.iter().filter_map(|task| known.path.find(task));
        let found: Vec<usize> = values.filter_map(named).collect();
        let members = self.members(queue);
        let in_queue = found.iter().filter(|at| members.contains(at)).count();
        let (said, alert) = if seen.is_missing() {
            let said = Said::new(
                "missing_known_worker",
                format!("No task has {}, so this target has no candidate", seen.key),
                advice_for_missing(&seen),
            );
            (said, Alert::KnownWorkerMissing)
        } else if seen.have > 0 && found.is_empty() && !self.evidence.workers.is_empty() {
            let message = format!("No task names a worker of this workspace in {}", seen.key);
            let advice = "Check what puts the value there";
            (Said::new("unknown_known_worker", message, advice), Alert::KnownWorkerUnknown)
        } else if !found.is_empty() && in_queue == 0 {
            let message = format!("No worker named in {} is in the target's task queue", seen.key);
            let advice = "Check the queue's expression, or name a queue that everybody is in";
            (Said::new("known_worker_outside_queue", message, advice), Alert::KnownWorkerOutside)
        } else {
            return;
        };
        let seen = json!({"keys": [seen], "name_a_worker": found.len(),
            "name_one_in_the_queue": in_queue, "alert": alert.code()});
        self.say(spot, Said { queue, seen, ..said });
    }

    fn expression(&mut self, spot: Spot<'_>, expression: &Expression, queue: Option<TaskQueueSid>) {
        let mut told: Vec<(Position, Said)> = Vec::new();
        for warning in expression.lint() {
            told.push((warning.position(), linted(&warning)));
        }
        for compared in expression.compared() {
            let at = compared.position;
            told.extend(self.compared(&compared).into_iter().map(|said| (at, said)));
        }
        if let Some((text, position)) = expression.contradiction() {
            let message = format!("`{text}` cannot hold together with what stands before it");
            let advice = "Write OR where either is enough, or IN with a list";
            told.push((position, Said::new("never_matches", message, advice)));
        }
        if let Some(position) = dash(expression.source()) {
            let message = "A dash that is no hyphen: it looks like `-` and equals nothing typed";
            told.push((position, Said::new("hyphen_like", message, "Type a plain `-`")));
        }
        told.sort_by_key(|(position, _)| (position.line, position.column));
        told.dedup_by(|two, one| two.0 == one.0 && two.1.code == one.1.code);
        for (position, said) in told {
            let expression = Some(expression.source().to_owned());
            let spot = Spot { inner: Some(position), ..spot };
            self.say(spot, Said { expression, queue, ..said });
        }
    }

    fn compared(&self, compared: &Compared) -> Vec<Said> {
        let Compared { text, left, operator, right, .. } = compared;
        let mut told: Vec<Said> =
            [left, right].into_iter().filter_map(|side| self.unknown(side)).collect();
        told.extend(self.unknown_activity(left, right));
        let (one, two) = (self.seen(left), self.seen(right));
        if let (Some(one), Some(two)) = (&one, &two) {
            if *operator == "==" && one.is_missing() && two.is_missing() {
                let message =
                    format!("Nobody has either side of `{text}`: it is true for everyone");
                let advice = format!("Set {} and {}, or remove the comparison", one.key, two.key);
                let seen = json!({"keys": [one, two]});
                told.push(Said { seen, ..Said::new("join_of_missing_keys", message, advice) });
                return told;
            }
            if one.have > 0 && two.have > 0 && !share_a_type(one, two, operator) {
                let message = format!("The two sides of `{text}` have different types");
                let advice = "Store both as the same type";
                let seen = json!({"keys": [one, two]});
                told.push(Said { seen, ..Said::new("mixed_types", message, advice) });
            }
        }
        let asks_presence = *left == Operands::Null || *right == Operands::Null;
        for (seen, other) in [(&one, right), (&two, left)] {
            let Some(seen) = seen else { continue };
            if seen.is_missing() && !asks_presence {
                let message = format!("`{}` is in no attributes seen: it reads as null", seen.key);
                let said = Said::new("missing_key", message, advice_for_missing(seen));
                told.push(Said { seen: json!({"keys": [seen]}), ..said });
            } else if let Some(said) = misfit(compared, seen, other) {
                told.push(Said { seen: json!({"keys": [seen]}), ..said });
            } else if seen.is_mixed() && !asks_presence {
                let message = format!("`{}` has values of different types", seen.key);
                let advice = "Store it as one type: a comparison is false where the type is unfit";
                let said = Said::new("mixed_types", message, advice);
                told.push(Said { seen: json!({"keys": [seen]}), ..said });
            }
        }
        if let (Some(seen), "HAS") = (&one, *operator)
            && (seen.is_only("text") || seen.is_only("number as text"))
        {
            let message =
                format!("HAS looks for an element of a list, and `{}` is a text", seen.key);
            let advice = "Store a list such as [\"billing\"], or write CONTAINS or ==";
            let seen = json!({"keys": [seen]});
            told.push(Said { seen, ..Said::new("has_on_text", message, advice) });
        }
        told
    }

    fn seen(&self, side: &Operands) -> Option<KeySeen> {
        match side {
            Operands::Task(path) => Some(self.keys.at(Of::Task, path)),
            Operands::Worker(path) => Some(self.keys.at(Of::Worker, path)),
            _ => None,
        }
    }

    /// A channel, schedule or activity that is not there.
    fn unknown(&self, side: &Operands) -> Option<Said> {
        if let Some((name, _)) = side.channel() {
            let is_known = self.evidence.channels.iter().any(|channel| channel == name);
            return (!is_known).then(|| {
                let message = format!("There is no task channel '{name}': its fields are null");
                let advice = format!("Use one of: {}", self.evidence.channels.join(", "));
                Said::new("unknown_channel", message, advice)
            });
        }
        match side {
            Operands::Schedule(name) if !self.evidence.schedules.contains(name) => {
                let message = format!("There is no schedule '{name}'");
                let advice = match self.evidence.schedules.is_empty() {
                    true => format!("Create it: PUT …/Schedules/{name}"),
                    false => format!("Use one of: {}", self.evidence.schedules.join(", ")),
                };
                Some(Said::new("unknown_schedule", message, advice))
            }
            Operands::InActivity(sid) => {
                let mut known = self.evidence.activities.iter();
                let is_known = known.any(|activity| activity.sid.sid() == *sid);
                (!is_known).then(|| self.no_activity(&sid.to_string()))
            }
            _ => None,
        }
    }

    fn unknown_activity(&self, left: &Operands, right: &Operands) -> Vec<Said> {
        let by_name = match left {
            Operands::Field(WorkerField::ActivityName) => true,
            Operands::Field(WorkerField::ActivitySid) => false,
            _ => return Vec::new(),
        };
        let named: Vec<&String> = match right {
            Operands::Text(text) => vec![text],
            Operands::Texts(texts) => texts.iter().collect(),
            _ => return Vec::new(),
        };
        let is_known = |text: &str| {
            self.evidence.activities.iter().any(|activity| match by_name {
                true => activity.friendly_name == text,
                false => activity.sid.to_string() == text,
            })
        };
        let unknown = named.into_iter().filter(|text| !is_known(text));
        unknown.map(|text| self.no_activity(text)).collect()
    }

    fn no_activity(&self, named: &str) -> Said {
        let known = self.evidence.activities.iter();
        let known: Vec<String> =
            known.map(|one| format!("{} ({})", one.friendly_name, one.sid)).collect();
        let message = format!("There is no activity '{named}' in this workspace");
        Said::new("unknown_activity", message, format!("Use one of: {}", known.join(", ")))
    }

    fn filter_matches(&mut self, spot: Spot<'_>, expression: &Expression) {
        let tasks = &self.evidence.tasks;
        let uses = expression.uses();
        if tasks.is_empty() || uses.time || uses.schedules {
            return;
        }
        let holds = |task: &&Value| expression.evaluate(&Scope { task, ..Scope::default() });
        let matching = tasks.iter().filter(holds).count();
        if matching == 0 {
            let message = "None of the tasks seen matches this filter";
            let advice = "Check keys, types and spelling against a task's attributes";
            let said = Said {
                seen: json!({"tasks": tasks.len(), "matching": 0}),
                expression: Some(expression.source().to_owned()),
                ..Said::new("matches_no_task", message, advice)
            };
            self.say(spot, said);
        }
    }

    /// Whether any worker of the queue fits any task.
    fn somebody(&mut self, spot: Spot<'_>, expression: &Expression, queue: Option<TaskQueueSid>) {
        let uses = expression.uses();
        if uses.time || uses.schedules || uses.worker_channels || uses.worker_activity {
            return;
        }
        let members = self.members(queue);
        if members.is_empty() || uses.task && self.evidence.tasks.is_empty() {
            return;
        }
        let tasks = match uses.task {
            true => &self.evidence.tasks[..self.evidence.tasks.len().min(TASKS_TRIED)],
            false => &[Value::Null][..],
        };
        let fits = |task: &Value, at: usize| {
            let facts = Named(&self.evidence.workers[at]);
            let worker = &self.workers[at];
            expression.evaluate(&Scope { task, worker, facts: &facts, ..Scope::default() })
        };
        let tried = &members[..members.len().min(WORKERS_TRIED)];
        if tasks.iter().any(|task| tried.iter().any(|at| fits(task, *at))) {
            return;
        }
        let message = match uses.task {
            true => "No worker of the queue fits any of the tasks seen",
            false => "No worker of the queue fits this expression",
        };
        let advice = "Check keys and types on both sides, and who is in the queue";
        let seen = json!({"workers_in_queue": members.len(), "workers_tried": tried.len(),
            "tasks_tried": tasks.len(), "fitting": 0});
        let said = Said {
            seen,
            queue,
            expression: Some(expression.source().to_owned()),
            ..Said::new("matches_nobody", message, advice)
        };
        self.say(spot, said);
    }

    /// The workers of a queue, by index.
    fn members(&self, queue: Option<TaskQueueSid>) -> Vec<usize> {
        let queue = queue.and_then(|sid| self.evidence.queues.iter().find(|it| it.sid == sid));
        let expression =
            queue.and_then(|it| Expression::compile(&it.target_workers, Place::Queue).ok());
        let Some(expression) = expression else { return Vec::new() };
        let workers = self.workers.iter().enumerate();
        let holds = |worker| expression.evaluate(&Scope { worker, ..Scope::default() });
        workers.filter(|(_, worker)| holds(worker)).map(|(at, _)| at).collect()
    }

    /// Every queue that the workflow names, once.
    fn queues(&mut self) {
        let mut named: BTreeMap<TaskQueueSid, Spot<'static>> = BTreeMap::new();
        let key = Some("queue");
        for (filter, one) in self.configuration.filters.iter().enumerate() {
            for (target, it) in one.targets.iter().enumerate() {
                let (filter, target) = (Some(filter as u32), Some(target as u32));
                let spot = Spot { filter, target, key, inner: None };
                it.queue.map(|queue| named.entry(queue).or_insert(spot));
            }
        }
        if let Some(queue) = self.configuration.default.as_ref().and_then(|target| target.queue) {
            named.entry(queue).or_insert(Spot { key, ..Spot::default() });
        }
        for (sid, spot) in named {
            self.queue(sid, spot);
        }
    }

    fn queue(&mut self, sid: TaskQueueSid, spot: Spot<'static>) {
        let Some(queue) = self.evidence.queues.iter().find(|queue| queue.sid == sid) else {
            return;
        };
        let name = queue.friendly_name.clone();
        let source = Some(queue.target_workers.clone());
        let mut told = Vec::new();
        if let Ok(expression) = Expression::compile(&queue.target_workers, Place::Queue) {
            told.extend(expression.lint().iter().map(linted));
            for compared in expression.compared() {
                told.extend(self.compared(&compared));
            }
            if let Some((text, _)) = expression.contradiction() {
                let message = format!("`{text}` cannot hold together with what stands before it");
                told.push(Said::new("never_matches", message, "Write OR, or IN with a list"));
            }
        }
        let total = self.workers.len();
        if self.members(Some(sid)).is_empty() && total > 0 {
            let message = "Nobody is in this queue: its tasks wait until they are moved or end";
            let advice = "Change TargetWorkers, or the workers' attributes";
            let seen = json!({"workers": total, "members": 0});
            told.push(Said { seen, ..Said::new("empty_queue", message, advice) });
        }
        for said in told {
            let message = format!("Task queue '{name}': {}", said.message);
            let said = Said { message, queue: Some(sid), expression: source.clone(), ..said };
            self.say(spot, said);
        }
    }
}

/// The name and SID of a worker, for expressions that ask for nothing else.
struct Named<'a>(&'a Worker);

impl expr::WorkerFacts for Named<'_> {
    fn fact(&self, field: &WorkerField) -> expr::Fact<'_> {
        match field {
            WorkerField::Sid => expr::Fact::Sid(self.0.sid.sid()),
            WorkerField::FriendlyName => expr::Fact::Text(&self.0.friendly_name),
            WorkerField::ActivitySid
            | WorkerField::ActivityName
            | WorkerField::AssignedTasks
            | WorkerField::Channel { .. } => expr::Fact::Null,
        }
    }
}

fn linted(warning: &expr::Warning) -> Said {
    use expr::Warning as W;
    let (code, advice) = match warning {
        W::Unprefixed { .. } => ("unprefixed_key", "Write the prefix that is meant"),
        W::WrongPrefix { .. } => ("wrong_prefix", "Remove or change the prefix"),
        W::UnknownVariable { .. } => ("unknown_variable", "Check the spelling"),
        W::TwoConstants { .. } => ("two_constants", "Write the key without quotes"),
        W::JoinOfMissing { .. } => ("join_of_missing", "Ask for presence first"),
        W::NeverTrue { .. } => ("never_matches", "Use an operator that fits the value"),
        W::ArrowBeforeNumber { .. } => ("arrow_before_number", "Write HAS or IN"),
    };
    Said::new(code, warning.to_string(), advice)
}

/// A constant of a type that the data never has.
fn misfit(compared: &Compared, seen: &KeySeen, other: &Operands) -> Option<Said> {
    let is = |names: &[&str]| seen.have > 0 && seen.types.keys().all(|name| names.contains(name));
    let unfit = match (compared.operator, other) {
        ("==" | "!=" | "<" | "<=" | ">" | ">=" | "IN" | "NOT IN", Operands::Text(_))
        | ("==" | "!=" | "<" | "<=" | ">" | ">=", Operands::Number) => is(&["list", "object"]),
        ("<" | "<=" | ">" | ">=", _) => is(&["boolean", "list", "object"]),
        _ => false,
    };
    let unfit = unfit
        || matches!((compared.operator, other), ("==", Operands::Number)
            if is(&["text", "boolean"]))
        || matches!((compared.operator, other), ("<" | "<=" | ">" | ">=", Operands::Number)
            if is(&["text"]));
    let is_element = matches!(compared.operator, "HAS" | "IN" | "NOT IN" | "CONTAINS");
    (unfit && !is_element).then(|| {
        let types: Vec<&str> = seen.types.keys().copied().collect();
        let message = format!(
            "`{}` can never hold: `{}` is {} wherever it was seen",
            compared.text,
            seen.key,
            types.join(" or ")
        );
        Said::new("mixed_types", message, "Compare with a value of that type, or store another one")
    })
}

/// Whether two keys have values that could ever be compared.
fn share_a_type(one: &KeySeen, two: &KeySeen, operator: &str) -> bool {
    let has = |seen: &KeySeen, names: &[&str]| names.iter().any(|it| seen.types.contains_key(it));
    let scalars = ["number", "number as text", "text", "boolean"];
    match operator {
        "HAS" => has(one, &["list"]) && has(two, &scalars),
        "IN" | "NOT IN" => has(one, &scalars) && has(two, &["list"]),
        _ => {
            let numbers = ["number", "number as text"];
            has(one, &numbers) && has(two, &numbers)
                || has(one, &["text", "number as text"]) && has(two, &["text", "number as text"])
                || has(one, &["boolean"]) && has(two, &["boolean"])
        }
    }
}

fn advice_for_missing(seen: &KeySeen) -> String {
    match seen.similar.first() {
        Some(similar) if similar.contains('-') => {
            format!("There is '{similar}': keys with a hyphen cannot be asked for; rename it")
        }
        Some(similar) => format!("Did you mean '{similar}'?"),
        None => "Check the spelling, or set the attribute".to_owned(),
    }
}

/// The first character that looks like a hyphen and is none.
fn dash(source: &str) -> Option<Position> {
    let is_dash = |c: char| matches!(c, '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{ad}');
    let at = source.find(is_dash)?;
    let before = &source[..at];
    let line = before.matches('\n').count() as u32 + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() as u32 + 1;
    Some(Position { line, column })
}
