//! Every bound of the routing engine, each with its reason.

/// Characters of a friendly name, a unique name or an activity name (documented).
pub const NAME_CHARS_MAX: usize = 64;
/// Bytes of a workflow configuration (documented).
pub const CONFIGURATION_BYTES_MAX: usize = 1_038_576;
/// Seconds a task may live before it is assigned, unless it says otherwise (documented).
pub const TASK_TIMEOUT_S_DEFAULT: u32 = 86_400;
/// The longest time to live a task may ask for (documented).
pub const TASK_TIMEOUT_S_MAX: u32 = 1_209_600;
/// Seconds a worker has to answer an offer, unless the workflow says otherwise (documented).
pub const RESERVATION_TIMEOUT_S_DEFAULT: u32 = 120;
/// The longest reservation timeout (documented).
pub const RESERVATION_TIMEOUT_S_MAX: u32 = 86_400;
/// A task assigned this long is deleted by the system (documented).
pub const ASSIGNED_S_MAX: u32 = 86_400;
/// An ended task stays readable this long (choice 35).
pub const ENDED_READABLE_S: u32 = 300;
/// Workers one task may be offered to at once (documented).
pub const RESERVED_WORKERS_MAX: u32 = 50;
/// Moves from pending to reserved before a task is canceled (documented).
pub const ATTEMPTS_MAX: u32 = 1_000;
/// Priorities run from 0 to this (documented as 2^31).
pub const PRIORITY_MAX: u32 = 1 << 31;
/// The most one worker channel may hold; keeps counters small and mistakes visible.
pub const CAPACITY_MAX: u32 = 10_000;
/// Characters of a reason or a disposition note; enough for a paragraph.
pub const REASON_CHARS_MAX: usize = 4_096;
/// Characters of a disposition code.
pub const DISPOSITION_CODE_CHARS_MAX: usize = 64;
/// Characters of a URL given for callbacks.
pub const URL_CHARS_MAX: usize = 2_048;
/// Ended tasks, and ended reservations, kept in memory at most; the oldest go first. Bounds what
/// five minutes of a very busy workspace hold to some ten megabytes, and the SIDs of the others.
pub const ENDED_KEPT_MAX: usize = 10_000;
/// SIDs of ended tasks told at once.
pub const ENDED_PAGE_MAX: usize = 2_000;
/// Lines without tasks kept because their next task will probably come: about a kilobyte each.
pub const IDLE_LINES_MAX: usize = 1_024;
/// Cached answers of all workers to one test. Each costs a test when a worker's attributes change.
pub const CACHED_TESTS_MAX: usize = 512;
/// Orders of workers by an `order_by` that are kept.
pub const CACHED_ORDERS_MAX: usize = 64;
/// Attributes for which an index from values to workers is kept.
pub const INDEXED_PATHS_MAX: usize = 64;
/// The longest timeout of a workflow target. Longer than a task can live is as good as none, but
/// configurations say it.
pub const TARGET_TIMEOUT_S_MAX: u32 = i32::MAX as u32;
/// Seconds a callback URL has for its answer.
pub const CALLBACK_S: i64 = 5;
/// The longest a task keeps away from a worker because its callbacks failed.
pub const REST_S_MAX: i64 = 60;
/// Workers whose offers of one task failed within one rest; after that many it rests from
/// everybody.
pub const RESTING_WORKERS_MAX: usize = 16;
/// Rules of a capacity matrix: one bit each at every worker.
pub const CAPACITY_RULES_MAX: usize = 64;
/// Task channels named in one place of a capacity rule.
pub const CAPACITY_RULE_CHANNELS_MAX: usize = 64;
/// How much one reservation may count in a capacity rule.
pub const CAPACITY_WEIGHT_MAX: u32 = 1_000;
/// Workers, and tasks, named in the answer to a trial of capacity rules.
pub const TRIAL_LISTED_MAX: usize = 20;
/// Targets left without being taken that a task remembers, for Explain.
pub const PASSED_KEPT_MAX: usize = 32;
/// Workers one look of Explain shows.
pub const EXPLAINED_WORKERS_MAX: usize = 1_000;
/// Workers of the live state that one look of Explain judges beside those it shows: bounds how
/// long it holds the workspace.
pub const EXPLAINED_LOOKS_MAX: usize = 1_000;
/// Classes of service in one queue's ordering.
pub const SERVICE_CLASSES_MAX: usize = 64;
/// The longest service level: as long as a task can live.
pub const SERVICE_LEVEL_S_MAX: u32 = TASK_TIMEOUT_S_MAX;
/// Schedules of a workspace.
pub const SCHEDULES_MAX: usize = 200;
/// Weekly hours of one schedule, and hours of one exception.
pub const SCHEDULE_HOURS_MAX: usize = 100;
/// Exceptions of one schedule.
pub const SCHEDULE_EXCEPTIONS_MAX: usize = 500;
/// How far a calendar is looked ahead; there it is looked at again. More than a year, so that
/// whatever happens yearly is seen.
pub const SCHEDULE_HORIZON_DAYS: i64 = 400;
