//! A batch on its way with everything that waits for it, and what is done once its fate is known.
//!
//! * In this order, for a whole group: names, then answers, then events.
//! * What was lost is told to its waiters only, as unavailable.

use crate::{
    Refusal,
    committer::{Committed, Fate},
    engine::Engine,
    outlets::Outlets,
    partition::{Said, Step, Told},
};
use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
};
use store::{Batch, PartitionId};
use tokio::sync::oneshot;

/// Where an answer goes. Dropped unanswered, it reads as unavailable.
pub type Waiter<T, R> = oneshot::Sender<Result<T, Refusal<R>>>;

/// Who waits for a step.
pub enum Asker<E: Engine> {
    /// Nobody.
    Nobody,
    /// For a command's reply.
    Reply(Waiter<E::Reply, E::Rejection>),
    /// For a question's answer.
    Answer(Waiter<E::Answer, E::Rejection>),
    /// For everything up to here to be durable and published; told whether it is.
    Settled(oneshot::Sender<bool>),
}

impl<E: Engine> Asker<E> {
    /// Tells them that there will be no answer.
    pub fn refuse(self, refusal: Refusal<E::Rejection>) {
        // A waiter that went away needs no answer.
        match self {
            Self::Nobody => {}
            Self::Reply(waiter) => _ = waiter.send(Err(refusal)),
            Self::Answer(waiter) => _ = waiter.send(Err(refusal)),
            // What is over has nothing left to settle.
            Self::Settled(waiter) => _ = waiter.send(matches!(refusal, Refusal::NoPartition)),
        }
    }
}

/// One step on its way to the store.
pub struct Work {
    /// To be committed.
    pub batch: Batch,
    /// What is done once its fate is known.
    pub rest: Rest,
}

/// What is done with a step once the fate of its batch is known; the engine's kind is hidden, so
/// that groups may mix.
pub struct Rest(Box<dyn Finish>);

trait Finish: Send {
    fn observe(&mut self, batch: &Batch, outlets: &Outlets);
    fn answer(&mut self);
    fn publish(&mut self, outlets: &Outlets);
    fn lose(&mut self, why: &str);
}

struct Parts<E: Engine> {
    told: Told<E>,
    asker: Asker<E>,
}

/// What a partition is told about its batches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settled {
    /// Batches no longer on their way.
    pub batches: usize,
    /// The engine must be dropped and restored.
    pub lost: bool,
}

impl Settled {
    /// Both together.
    pub fn add(&mut self, other: Self) {
        self.batches += other.batches;
        self.lost |= other.lost;
    }
}

impl Work {
    /// A step and who waits for it.
    pub fn new<E: Engine>(Step { batch, told }: Step<E>, asker: Asker<E>) -> Self {
        Self { batch, rest: Rest(Box::new(Parts { told, asker })) }
    }

    /// A bug to be found.
    #[cfg(feature = "planted-bugs")]
    pub(crate) fn tell_early(&mut self, outlets: &Outlets) {
        use crate::planted::{Planted, is};
        if is(Planted::AnswerBeforeDurable) {
            self.rest.0.answer();
        }
        if is(Planted::PublishBeforeDurable) {
            self.rest.0.publish(outlets);
        }
    }

    /// Parts the batches from the rest, both in order.
    pub fn split(group: Vec<Self>) -> (Vec<Batch>, Vec<Rest>) {
        group.into_iter().map(|work| (work.batch, work.rest)).unzip()
    }
}

/// Tells everybody what became of a group; answers what each partition is to be told.
pub fn deliver(
    committed: Committed,
    mut rests: Vec<Rest>,
    outlets: &Outlets,
) -> BTreeMap<PartitionId, Settled> {
    let Committed { batches, fates, lost, untold } = committed;
    let is_durable = |at: usize| fates[at] == Fate::Durable;
    for (at, Rest(rest)) in rests.iter_mut().enumerate().filter(|(at, _)| is_durable(*at)) {
        contained(|| rest.observe(&batches[at], outlets));
    }
    for (Rest(rest), fate) in rests.iter_mut().zip(&fates) {
        match fate {
            Fate::Durable => rest.answer(),
            Fate::Lost(why) => rest.lose(why),
        }
    }
    for (_, Rest(rest)) in rests.iter_mut().enumerate().filter(|(at, _)| is_durable(*at)) {
        contained(|| rest.publish(outlets));
        #[cfg(feature = "planted-bugs")]
        if crate::planted::is(crate::planted::Planted::PublishTwice) {
            rest.publish(outlets);
        }
    }
    if untold {
        outlets.hub.close_all();
        outlets.sync.hub.interrupt_all();
        outlets.queries.read_all_again();
    }
    let mut settled: BTreeMap<PartitionId, Settled> = BTreeMap::new();
    for batch in batches {
        let lost = lost.contains(&batch.partition);
        settled.entry(batch.partition).or_default().add(Settled { batches: 1, lost });
    }
    settled
}

/// One step that cannot be told must not keep the others from being told.
fn contained(telling: impl FnOnce()) {
    if catch_unwind(AssertUnwindSafe(telling)).is_err() {
        tracing::error!("something durable could not be told");
    }
}

impl<E: Engine> Parts<E> {
    fn asker(&mut self) -> Asker<E> {
        std::mem::replace(&mut self.asker, Asker::Nobody)
    }
}

/// A waiter that went away needs no answer.
impl<E: Engine> Finish for Parts<E> {
    fn observe(&mut self, batch: &Batch, outlets: &Outlets) {
        #[cfg(feature = "planted-bugs")]
        if crate::planted::is(crate::planted::Planted::ForgetNames) && batch.first > 30 {
            return;
        }
        E::observe(outlets, batch, &self.told.changes);
    }

    fn answer(&mut self) {
        match std::mem::replace(&mut self.told.said, Said::Nothing) {
            Said::Nothing => {}
            Said::Reply(reply) => {
                let Asker::Reply(waiter) = self.asker() else { return };
                let _ = waiter.send(reply.map_err(Refusal::Rejected));
            }
            Said::Answer(answer) => {
                let Asker::Answer(waiter) = self.asker() else { return };
                let _ = waiter.send(answer.map_err(Refusal::Rejected));
            }
        }
    }

    fn publish(&mut self, outlets: &Outlets) {
        #[cfg(feature = "planted-bugs")]
        if crate::planted::is(crate::planted::Planted::ForgetEvents)
            && self.told.notices.len().is_multiple_of(8)
        {
            return;
        }
        self.told.notices.iter().for_each(|notice| outlets.publish(notice));
        if matches!(self.asker, Asker::Settled(_))
            && let Asker::Settled(waiter) = self.asker()
        {
            let _ = waiter.send(true);
        }
    }

    fn lose(&mut self, why: &str) {
        self.asker().refuse(Refusal::Unavailable(why.to_owned()));
    }
}
