//! In which order a queue is served, where that is not its `task_order`: by earliest breach.
//!
//! * A task breaches when its virtual start plus the service level of its class has passed.
//! * The class follows from the task and the queue's ordering alone, so it is worked out when the
//!   task begins to wait and is not stored.
//! * Within the queue: earliest breach first, then the task made first. A task is overtaken only
//!   by tasks that began less than the largest difference of service levels after it.
//! * Beside other queues a task stands in the FIFO group as one of priority 0 that began at its
//!   breach: so queues ordered by deadline that share a worker are one such order.

mod read;

pub(crate) use read::read;

use crate::{model::*, state::Channels};
use base::{Millis, Timestamp};
use expr::{Expression, Place, Scope};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A queue's ordering, as it is stored and shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueOrdering {
    /// The queue.
    pub queue: TaskQueueSid,
    /// The ETag: 0 before it was ever set, then one more for each change.
    pub version: u64,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// What decides.
    pub rule: OrderingRule,
}

/// What decides the order within a queue.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum OrderingRule {
    /// The queue's `task_order`.
    #[default]
    TaskOrder,
    /// Earliest breach first.
    Deadline {
        /// Seconds in which a task of no class is to be taken.
        service_level_s: u32,
        /// The first one that fits decides.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        classes: Vec<ServiceClass>,
    },
}

/// Tasks with a service level of their own: those for which everything that is said holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceClass {
    /// What people call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Seconds in which its tasks are to be taken.
    pub service_level_s: u32,
    /// Tasks of at least this priority.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority_at_least: Option<u32>,
    /// Tasks on one of these channels, by unique name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channels: Option<Vec<String>>,
    /// Tasks for whose attributes this is true; it does not ask for the time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expression: Option<String>,
}

impl OrderingRule {
    /// A task is overtaken only by tasks that began less than this after it; `None` where
    /// `task_order` decides, which has no such bound.
    pub fn starvation_bound_s(&self) -> Option<u32> {
        let Self::Deadline { service_level_s, classes } = self else { return None };
        let all = || classes.iter().map(|class| class.service_level_s).chain([*service_level_s]);
        Some(all().max().unwrap_or(0) - all().min().unwrap_or(0))
    }

    pub(crate) fn classes(&self) -> &[ServiceClass] {
        match self {
            Self::TaskOrder => &[],
            Self::Deadline { classes, .. } => classes,
        }
    }
}

/// The service levels of a queue, compiled.
pub(crate) struct ServiceLevels {
    otherwise: Millis,
    classes: Vec<Compiled>,
}

struct Compiled {
    service_level: Millis,
    priority: u32,
    channels: Option<Vec<TaskChannelSid>>,
    expression: Option<Expression>,
}

impl ServiceLevels {
    /// `None` where `task_order` decides. Whatever is stored was read before: channels that
    /// classes name are not deleted.
    pub(crate) fn compile(rule: &OrderingRule, channels: &Channels) -> Option<Self> {
        let OrderingRule::Deadline { service_level_s, classes } = rule else { return None };
        let sid = |name: &String| channels.named(name).map(|channel| channel.sid);
        let compiled = |class: &ServiceClass| Compiled {
            service_level: Millis::secs(class.service_level_s.into()),
            priority: class.priority_at_least.unwrap_or(0),
            channels: class.channels.as_ref().map(|names| names.iter().filter_map(sid).collect()),
            expression: class
                .expression
                .as_ref()
                .and_then(|text| Expression::compile(text, Place::Filter).ok()),
        };
        let classes = classes.iter().map(compiled).collect();
        Some(Self { otherwise: Millis::secs((*service_level_s).into()), classes })
    }

    /// Whether a class asks for attributes.
    pub(crate) fn asks_attributes(&self) -> bool {
        self.classes.iter().any(|class| class.expression.is_some())
    }

    /// The service level of a task. Its attributes are parsed only where a class asks for them.
    pub(crate) fn of(&self, task: &Task) -> Millis {
        let value: Value = match self.asks_attributes() {
            true => serde_json::from_str(task.attributes.text()).unwrap_or_default(),
            false => Value::Null,
        };
        let scope = Scope { task: &value, ..Scope::default() };
        let fits = |class: &&Compiled| {
            task.priority >= class.priority
                && class.channels.as_ref().is_none_or(|all| all.contains(&task.task_channel))
                && class.expression.as_ref().is_none_or(|one| one.evaluate(&scope))
        };
        self.classes.iter().find(fits).map_or(self.otherwise, |class| class.service_level)
    }
}
