//! Every task of a slice by its number: when it was sent, whether it was offered, who waits for it.
//!
//! * The number travels in the task's attributes, so an event that comes before the answer to the
//!   create is known all the same.
//! * A task offered twice, or never sent, is counted: the speed of a router that routes wrongly is
//!   worth nothing.

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

/// What a worker was offered.
#[derive(Clone, Debug)]
pub(crate) struct Offer {
    pub(crate) task: String,
    pub(crate) reservation: String,
    /// From the request to the event on the socket.
    pub(crate) after: Duration,
}

#[derive(Default)]
pub(crate) struct Board {
    lots: RefCell<Vec<Lot>>,
    offered: Cell<usize>,
    doubled: Cell<usize>,
    strange: Cell<usize>,
}

struct Lot {
    sent: Instant,
    offered: bool,
    waiting: Option<oneshot::Sender<Offer>>,
}

impl Board {
    /// A number for a task, whose offer will arrive on the receiver.
    pub(crate) fn open(&self) -> (usize, oneshot::Receiver<Offer>) {
        let (sender, receiver) = oneshot::channel();
        let mut lots = self.lots.borrow_mut();
        lots.push(Lot { sent: Instant::now(), offered: false, waiting: Some(sender) });
        (lots.len() - 1, receiver)
    }

    /// The task's clock starts when its request is about to be written.
    pub(crate) fn sent(&self, number: usize) {
        self.lots.borrow_mut()[number].sent = Instant::now();
    }

    /// An offer reached a worker's socket.
    pub(crate) fn offered(&self, number: usize, task: String, reservation: String, at: Instant) {
        let mut lots = self.lots.borrow_mut();
        match lots.get_mut(number) {
            None => self.strange.set(self.strange.get() + 1),
            Some(lot) if lot.offered => self.doubled.set(self.doubled.get() + 1),
            Some(lot) => {
                lot.offered = true;
                self.offered.set(self.offered.get() + 1);
                let after = at.saturating_duration_since(lot.sent);
                let waiting = lot.waiting.take().expect("it is taken with the first offer only");
                // A life that gave up has said so itself.
                let _ = waiting.send(Offer { task, reservation, after });
            }
        }
    }

    /// Each created task was offered once, and nothing else was.
    pub(crate) fn check(&self, created: usize) -> Result<(), String> {
        let seen = (self.offered.get(), self.doubled.get(), self.strange.get());
        match seen {
            (offered, 0, 0) if offered == created => Ok(()),
            (offered, doubled, strange) => Err(format!(
                "offers do not match creates: {created} created, {offered} offered, \
                 {doubled} offered twice, {strange} unknown"
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(board: &Board, number: usize) {
        board.offered(number, format!("WT{number}"), "WR1".into(), Instant::now());
    }

    #[test]
    fn counts_each_task_once_and_reports_the_rest() {
        let board = Board::default();
        let (first, mut waits) = board.open();
        let (second, _gone) = board.open();
        board.sent(first);
        offer(&board, first);
        assert_eq!(waits.try_recv().unwrap().task, "WT0");
        assert!(board.check(2).unwrap_err().contains("1 offered,"));
        offer(&board, second);
        assert_eq!(board.check(2), Ok(()));
        offer(&board, second);
        offer(&board, 7);
        let error = board.check(2).unwrap_err();
        assert!(error.contains("1 offered twice, 1 unknown"), "{error}");
    }
}
