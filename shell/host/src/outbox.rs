//! From durable rows to whoever tells them outside.
//!
//! * What came up is handed over once it is durable, in order of commits; before the first start of
//!   a teller nothing is kept here, because the rows are there to be read.
//! * Counts what is under way, so that a clock that is moved by hand waits for it.

use crate::{
    delivery::{Delivery, ToDeliver},
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
use store::{Batch, Value};
use tokio::sync::{
    Notify,
    mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
};

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
            self.handed.fetch_add(1, Ordering::AcqRel);
            if to_teller.send(ToDeliver { workspace, delivery }).is_err() {
                // The teller ended; the row is there for the next one.
                self.handed.fetch_sub(1, Ordering::AcqRel);
            }
        }
    }
}
