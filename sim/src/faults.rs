//! What goes wrong in a seed: which kinds at all, and when.

use crate::agenda::{Agenda, What};
use store::CommitError;
use testkit::{Fault, FaultyStore, Random};

/// One thing that goes wrong, or is put right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mishap {
    /// One of the next commits goes wrong.
    Commit,
    /// Everything but the store is gone.
    Crash,
    /// It starts again.
    Restart,
    /// No room on the disk.
    Full,
    /// Room again.
    Room,
    /// Reads fail.
    Unreadable,
    /// Reads work again.
    Readable,
}

/// Which features of the world are on in a seed: all on at once would hide what needs calm.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Switches {
    /// Commits go wrong.
    pub commits: bool,
    /// The process crashes.
    pub crashes: bool,
    /// The disk is full for a while.
    pub full: bool,
    /// The store cannot be read for a while.
    pub unreadable: bool,
    /// Tasks are routed to workers directly.
    pub direct: bool,
    /// Some queues offer a task to several workers.
    pub multi_offer: bool,
    /// Workers do one thing at a time.
    pub single_tasking: bool,
    /// Things are deleted.
    pub deletes: bool,
    /// Agents fetch their events seldom, from small buffers.
    pub slow: bool,
    /// Rules across channels limit what workers hold together.
    pub capacity: bool,
    /// Workflows ask an application for instructions.
    pub callbacks: bool,
    /// Agents hand tasks over.
    pub transfers: bool,
    /// A month passes at the end.
    pub ages: bool,
    /// Targets skip, order workers, and name one worker.
    pub rich: bool,
    /// Filters and targets ask whether somebody is there at this time of day.
    pub schedules: bool,
    /// Queues are served by earliest breach.
    pub deadlines: bool,
    /// Events are posted from the beginning on.
    pub webhooks: bool,
}

impl Switches {
    /// Whether anything ever goes wrong.
    pub(crate) fn any_faults(&self) -> bool {
        self.commits || self.crashes || self.full || self.unreadable
    }

    /// Drawn from the seed.
    pub(crate) fn draw(random: &mut Random) -> Self {
        let calm = random.percent(15);
        let mut on = |share| random.percent(share);
        Self {
            commits: on(60) && !calm,
            crashes: on(50) && !calm,
            full: on(25) && !calm,
            unreadable: on(20) && !calm,
            direct: on(50),
            multi_offer: on(40),
            single_tasking: on(25),
            deletes: on(50),
            slow: on(30),
            capacity: on(40),
            callbacks: on(40),
            transfers: on(50),
            ages: on(15),
            rich: on(60),
            schedules: on(40),
            deadlines: on(40),
            webhooks: on(20),
        }
    }
}

/// Lays the mishaps of a seed out over its time.
pub(crate) fn plan(agenda: &mut Agenda, switches: Switches, random: &mut Random, length_ms: u64) {
    let put = |agenda: &mut Agenda, random: &mut Random, mishap| {
        let at = agenda.after(random.below(length_ms) as i64);
        agenda.at(at, What::Mishap(mishap));
        at
    };
    if switches.commits {
        for _ in 0..random.within(2, 25) {
            put(agenda, random, Mishap::Commit);
        }
    }
    if switches.crashes {
        for _ in 0..random.within(1, 5) {
            put(agenda, random, Mishap::Crash);
        }
    }
    for (is_on, begin, end) in [
        (switches.full, Mishap::Full, Mishap::Room),
        (switches.unreadable, Mishap::Unreadable, Mishap::Readable),
    ] {
        if is_on {
            let from = put(agenda, random, begin);
            let until = from + base::Millis(random.within(50, 6_000) as i64);
            agenda.at(until, What::Mishap(end));
        }
    }
}

/// Makes one of the next commits go wrong.
pub(crate) fn spoil(store: &FaultyStore, random: &mut Random) -> &'static str {
    for _ in 0..random.below(2) {
        store.plan(Fault::None);
    }
    let (fault, name) = match random.below(5) {
        0 => (Fault::Refuse(CommitError::Failed("planted".to_owned())), "a commit fails"),
        1 => (Fault::Refuse(CommitError::Full), "a commit finds no room"),
        2 | 3 => (Fault::LoseAnswer, "a commit succeeds and its answer is lost"),
        _ => (Fault::LoseGroup, "a commit fails and its answer is lost"),
    };
    store.plan(fault);
    name
}
