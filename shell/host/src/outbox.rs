//! From durable rows to whoever tells them outside.
//!
//! * What came up is handed over once it is durable, in order of commits; before the first start of
//!   a teller nothing is kept here, because the rows are there to be read.
//! * Counts what is under way, so that a clock that is moved by hand waits for it.

use crate::{
    delivery::{Delivery, DeliveryStatus, ToDeliver},
    tables,
};
use base::Timestamp;
use routing::WorkspaceSid;
use std::{
    pin::Pin,
    sync::{
        Mutex, OnceLock, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};
use store::{Batch, Filter, Scan, Store, StoreError, Test, Value};
use tokio::sync::{
    Notify,
    mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
};

/// Rows read at once.
const AT_ONCE: usize = 1_000;

/// What has to happen outside before a clock that is moved by hand goes on.
pub trait Teller: Send + Sync {
    /// When it next has something to do by the domain's clock.
    fn next_deadline(&self) -> Option<Timestamp>;
    /// Does what is due by now, and waits until what is under way has been told or has failed; not
    /// for long for those who are silent.
    fn settle(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}

/// One for the whole host.
#[derive(Default)]
pub struct Outbox {
    to_teller: Mutex<Option<UnboundedSender<ToDeliver>>>,
    teller: OnceLock<Box<dyn Teller>>,
    /// Handed over and not taken note of yet.
    handed: AtomicUsize,
    taken: Notify,
}

impl std::fmt::Debug for Outbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outbox").field("handed", &self.handed).finish_non_exhaustive()
    }
}

impl Outbox {
    /// From now on, everything that comes up; a second call takes it from the first.
    pub fn open(&self) -> UnboundedReceiver<ToDeliver> {
        let (send, receive) = unbounded_channel();
        *self.to_teller.lock().unwrap_or_else(PoisonError::into_inner) = Some(send);
        receive
    }

    /// Who does the telling, once.
    pub fn employ(&self, teller: Box<dyn Teller>) {
        _ = self.teller.set(teller);
    }

    pub(crate) fn teller(&self) -> Option<&dyn Teller> {
        self.teller.get().map(|teller| &**teller)
    }

    /// The teller took note of what it was handed.
    pub fn took(&self, count: usize) {
        if self.handed.fetch_sub(count, Ordering::AcqRel) == count {
            self.taken.notify_waiters();
        }
    }

    /// Waits until the teller took note of everything that was handed over.
    pub async fn all_taken(&self) {
        loop {
            let mut taken = std::pin::pin!(self.taken.notified());
            taken.as_mut().enable();
            if self.handed.load(Ordering::Acquire) == 0 {
                return;
            }
            taken.await;
        }
    }

    /// Hands over what came up and may have become durable without anybody being told: after a
    /// commit whose outcome nobody knew. The teller passes over what it has already.
    pub(crate) fn reveal(
        &self,
        store: &dyn Store,
        workspace: WorkspaceSid,
    ) -> Result<(), StoreError> {
        let to_teller = self.to_teller.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(to_teller) = to_teller else { return Ok(()) };
        let is = |column, value| Filter { column, test: Test::OneOf(vec![value]) };
        let pending = Value::from(DeliveryStatus::Pending.as_str());
        let mut scan = Scan {
            filters: vec![is("live", Value::Int(1)), is("status", pending)],
            limit: AT_ONCE,
            ..Scan::of(&tables::DELIVERY, workspace.to_string().into())
        };
        loop {
            let rows = store.scan(&scan)?;
            for row in &rows {
                let Ok(delivery) = serde_json::from_str(&row.body) else { continue };
                self.hand_over(&to_teller, ToDeliver { workspace, delivery });
            }
            match rows.last() {
                Some(last) if rows.len() == AT_ONCE => {
                    scan.after = Some(vec![Value::from(&*last.key)]);
                }
                _ => return Ok(()),
            }
        }
    }

    fn hand_over(&self, to_teller: &UnboundedSender<ToDeliver>, delivery: ToDeliver) {
        self.handed.fetch_add(1, Ordering::AcqRel);
        if to_teller.send(delivery).is_err() {
            // The teller ended; the row is there for the next one.
            self.handed.fetch_sub(1, Ordering::AcqRel);
        }
    }

    /// Hands over what came up in a durable batch.
    pub(crate) fn observe(&self, workspace: impl FnOnce() -> Option<WorkspaceSid>, batch: &Batch) {
        let rows = || batch.rows.iter().filter(|row| std::ptr::eq(row.table, &tables::DELIVERY));
        if rows().next().is_none() {
            return;
        }
        let to_teller = self.to_teller.lock().unwrap_or_else(PoisonError::into_inner);
        let (Some(to_teller), Some(workspace)) = (&*to_teller, workspace()) else { return };
        for content in rows().filter_map(|row| row.content.as_ref()) {
            let came_up = content.values.get(1) == Some(&Value::from("pending"));
            let Ok(delivery) = serde_json::from_str::<Delivery>(&content.body) else { continue };
            if !came_up {
                continue;
            }
            #[cfg(feature = "planted-bugs")]
            if crate::planted::is(crate::planted::Planted::ForgetDeliveries)
                && delivery.sid.body().is_multiple_of(8)
            {
                continue;
            }
            self.hand_over(to_teller, ToDeliver { workspace, delivery });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::About;
    use routing::EventSid;
    use store::MemoryStore;

    fn stored(deliveries: &[Delivery], workspace: WorkspaceSid) -> MemoryStore {
        let store = MemoryStore::new();
        let batch = Batch {
            partition: workspace.to_string().into(),
            kind: "routing",
            epoch: 1,
            first: 1,
            at: Timestamp(1),
            changes: Vec::new(),
            rows: deliveries.iter().map(Delivery::row).collect(),
        };
        store.committer().commit(&[batch]).expect("an empty store takes it");
        store
    }

    #[test]
    fn what_may_have_become_durable_unheard_is_handed_over_when_rows_are_revealed() {
        let workspace = WorkspaceSid::new(1);
        let many = 2 * AT_ONCE as u128 + 7;
        let deliveries: Vec<Delivery> = (1..=many)
            .map(|n| {
                let event = EventSid::new(n);
                let about = About::Webhook { event, event_type: "task.created".to_owned() };
                let status = match n {
                    1 => DeliveryStatus::Delivered,
                    // Whoever tried it knows of it.
                    2 => DeliveryStatus::Retrying,
                    _ => DeliveryStatus::Pending,
                };
                Delivery { status, ..Delivery::new(event.sid(), about, None, Timestamp(0)) }
            })
            .collect();
        let store = stored(&deliveries, workspace);
        let outbox = Outbox::default();
        outbox.reveal(&store, workspace).expect("memory can be read");
        let mut handed = outbox.open();
        assert!(handed.try_recv().is_err(), "before its start a teller reads the rows itself");
        outbox.reveal(&store, workspace).expect("memory can be read");
        let sids = std::iter::from_fn(|| handed.try_recv().ok()).map(|one| one.delivery.sid);
        let wanted = deliveries.iter().skip(2).map(|delivery| delivery.sid);
        assert!(sids.eq(wanted), "those that nobody tried, in order, each once");
        assert_eq!(outbox.handed.load(Ordering::Acquire), many as usize - 2);
    }
}
