//! What is to be told outside, and what became of it: outbox and log are the same rows.
//!
//! * A row is written with the changes it tells of, so nothing that is durable goes untold, and
//!   nothing is told that did not become durable.
//! * A row is live until it was delivered or given up: a restart finds the live ones and goes on.
//!   So everything is told at least once, and its SID says so to whoever hears it twice.
//!
//! Knows neither how things are told nor when to try again.

use crate::tables::{self, Record};
use base::{Millis, Sid, Timestamp};
use routing::{CallbackStage, EventSid, ReservationSid, TaskSid, WorkspaceSid};
use serde::{Deserialize, Serialize};
use std::fmt;
use store::{RowContent, RowWrite, Table, Value};

base::sid_kinds! {
    /// Something told outside.
    DeliverySid = "DL",
}

/// Something told outside.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Delivery {
    /// Its name; deliveries sort by it in the order in which they came up.
    pub sid: DeliverySid,
    /// What is told.
    pub about: About,
    /// The task it is about, if it is about one.
    pub task: Option<TaskSid>,
    /// What it is about keeps its order: the task, else the worker or whatever it is.
    pub order: Option<Sid>,
    /// Where it stands.
    pub status: DeliveryStatus,
    /// Where it was sent last.
    pub url: Option<String>,
    /// What was sent, where it cannot be worked out again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameters: Option<Vec<(String, String)>>,
    /// The newest attempts, at most [`Delivery::ATTEMPTS_KEPT`].
    pub attempts: Vec<Attempt>,
    /// All attempts, those that are no longer kept included.
    pub attempt_count: u32,
    /// When it came up.
    pub created_at: Timestamp,
    /// When it is tried again.
    pub next_attempt_at: Option<Timestamp>,
    /// When somebody last asked to send it again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replayed_at: Option<Timestamp>,
}

/// Without its parameters: attributes are among them.
impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sid, about, status, attempts, .. } = self;
        let mut shown = f.debug_struct("Delivery");
        shown.field("sid", sid).field("about", about).field("status", status);
        shown.field("attempts", attempts).finish_non_exhaustive()
    }
}

/// What is told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum About {
    /// A reservation, to be told what to do with it.
    Callback {
        /// Which.
        reservation: ReservationSid,
        /// Which of the workflow's URLs is asked.
        stage: CallbackStage,
    },
    /// An event.
    Webhook {
        /// Which.
        event: EventSid,
        /// Its type.
        event_type: String,
    },
}

impl About {
    /// A word for lists.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Callback { .. } => "callback",
            Self::Webhook { .. } => "webhook",
        }
    }
}

/// Where a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryStatus {
    /// Not tried yet.
    Pending,
    /// Tried in vain, and tried again.
    Retrying,
    /// Heard.
    Delivered,
    /// Given up.
    Failed,
}

impl DeliveryStatus {
    /// Every status, for lists.
    pub const ALL: [Self; 4] = [Self::Pending, Self::Retrying, Self::Delivered, Self::Failed];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Retrying => "retrying",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
        }
    }

    /// Whether it is still to be told.
    pub const fn is_live(self) -> bool {
        matches!(self, Self::Pending | Self::Retrying)
    }
}

/// One try.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    /// When it began.
    pub at: Timestamp,
    /// How long it took, by the machine's clock.
    pub took: Millis,
    /// The status of the answer, if one came.
    pub response_status: Option<u16>,
    /// What went wrong, in words.
    pub error: Option<String>,
    /// The number of the alert it raised.
    pub alert: Option<u32>,
}

impl Delivery {
    /// Attempts that are kept, the newest ones: a day of retries.
    pub const ATTEMPTS_KEPT: usize = 48;

    /// One that came up; its SID ends as the one that is given.
    pub fn new(sid: Sid, about: About, task: Option<TaskSid>, at: Timestamp) -> Self {
        Self {
            sid: DeliverySid::new(sid.body()),
            about,
            task,
            order: task.map(TaskSid::sid),
            status: DeliveryStatus::Pending,
            url: None,
            parameters: None,
            attempts: Vec::new(),
            attempt_count: 0,
            created_at: at,
            next_attempt_at: None,
            replayed_at: None,
        }
    }

    /// The SID of asking for an instruction once more: another one each time.
    pub fn sid_of_asking(reservation: ReservationSid, until: Timestamp) -> DeliverySid {
        let mixed = (until.0 as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        DeliverySid::new(reservation.body() ^ u128::from(mixed))
    }

    /// Remembers an attempt.
    pub fn add(&mut self, attempt: Attempt) {
        if self.attempts.len() == Self::ATTEMPTS_KEPT {
            self.attempts.remove(0);
        }
        self.attempts.push(attempt);
        self.attempt_count += 1;
    }

    /// Its row.
    pub fn row(&self) -> RowWrite {
        let event_type = match &self.about {
            About::Webhook { event_type, .. } => event_type.as_str().into(),
            About::Callback { .. } => Value::Null,
        };
        let values = vec![
            self.about.kind().into(),
            self.status.as_str().into(),
            self.task.map_or(Value::Null, |task| task.to_string().as_str().into()),
            event_type,
            self.created_at.into(),
            self.status.is_live().into(),
        ];
        let body = serde_json::to_string(self).expect("deliveries are plain data");
        let content = Some(RowContent { values, body });
        RowWrite { table: &tables::DELIVERY, key: self.sid.to_string().into(), content }
    }
}

impl Record for Delivery {
    const TABLE: &'static Table = &tables::DELIVERY;
}

/// A delivery that came up, and where.
#[derive(Clone, Debug)]
pub struct ToDeliver {
    /// In which workspace.
    pub workspace: WorkspaceSid,
    /// What.
    pub delivery: Delivery,
}
