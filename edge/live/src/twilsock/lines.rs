//! Every open connection of this server: counted, bounded where that was asked for, and recalled.

use super::{Limits, line::Recall, second::Second, session::Denial};
use base::Sid;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::Notify;

/// Connections of one account, by the incumbent's documentation.
const ACCOUNT_MAX: usize = 7_000;
/// Connections in all.
const ALL_MAX: usize = 100_000;
/// Connections of one account that may be opened within a second.
const ACCOUNT_PER_S: u32 = 110;
/// Connections that may be opened within a second in all.
const ALL_PER_S: u32 = 1_000;
/// Requests of one account within a second, over all its connections.
const ACCOUNT_REQUESTS_PER_S: u32 = 20_000;
/// When a client that was refused should come back.
const BACK_AFTER_MS: u32 = 2_000;

/// All of them.
#[derive(Default)]
pub(crate) struct Lines {
    known: Mutex<Known>,
    emptied: Notify,
}

#[derive(Default)]
struct Known {
    lines: BTreeMap<u64, Arc<Recall>>,
    next: u64,
    /// Connections that said who they are, by account.
    accounts: BTreeMap<Sid, Account>,
    /// All that were opened in the second that began then.
    second: Second,
    is_stopping: bool,
}

#[derive(Default)]
struct Account {
    open: usize,
    second: Second,
    requests: Second,
}

/// A connection that is counted until it is given back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place(u64);

impl Lines {
    /// Counts one more.
    pub(crate) fn add(&self, recall: Arc<Recall>) -> Place {
        let mut known = self.lock();
        if known.is_stopping {
            recall.tell();
        }
        known.next += 1;
        let number = known.next;
        known.lines.insert(number, recall);
        Place(number)
    }

    /// Whether one more connection of this account may be opened, where rates hold.
    pub(crate) fn admit(&self, account: Sid, limits: Limits, now_ms: i64) -> Result<(), Denial> {
        let mut known = self.lock();
        let all = known.lines.len();
        let mut second = known.second;
        let of = known.accounts.entry(account).or_default();
        let fits = match limits {
            Limits::None => true,
            Limits::Compat => {
                of.open < ACCOUNT_MAX
                    && all <= ALL_MAX
                    && of.second.admits(ACCOUNT_PER_S, now_ms)
                    && second.admits(ALL_PER_S, now_ms)
            }
        };
        if fits {
            of.open += 1;
        }
        known.second = second;
        match fits {
            true => Ok(()),
            false => Err(Denial::Busy { after_ms: BACK_AFTER_MS }),
        }
    }

    /// Whether one more request of an account with connections may pass, where rates hold.
    pub(crate) fn admit_request(&self, account: Sid, limits: Limits, now_ms: i64) -> bool {
        match limits {
            Limits::None => true,
            Limits::Compat => {
                let mut known = self.lock();
                let of = known.accounts.get_mut(&account);
                of.is_none_or(|of| of.requests.admits(ACCOUNT_REQUESTS_PER_S, now_ms))
            }
        }
    }

    /// An admitted connection is gone.
    pub(crate) fn leave(&self, account: Sid) {
        let mut known = self.lock();
        if let Some(of) = known.accounts.get_mut(&account) {
            of.open = of.open.saturating_sub(1);
            if of.open == 0 {
                known.accounts.remove(&account);
            }
        }
    }

    /// A connection is gone.
    pub(crate) fn remove(&self, place: Place) {
        let mut known = self.lock();
        known.lines.remove(&place.0);
        if known.lines.is_empty() {
            self.emptied.notify_waiters();
        }
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.lock().lines.len()
    }

    /// Asks all, and all that still come, to send their clients away.
    pub(crate) fn recall(&self) {
        let mut known = self.lock();
        known.is_stopping = true;
        known.lines.values().for_each(|recall| recall.tell());
    }

    /// Waits until there is none.
    pub(crate) async fn emptied(&self) {
        loop {
            let emptied = self.emptied.notified();
            let mut emptied = std::pin::pin!(emptied);
            emptied.as_mut().enable();
            if self.count() == 0 {
                return;
            }
            emptied.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCOUNT: Sid = Sid::new(*b"AC", 1);

    #[test]
    fn connections_are_bound_where_that_was_asked_for() {
        let lines = Lines::default();
        let mut admitted = 0;
        for second in 0..80 {
            for _ in 0..ACCOUNT_PER_S + 5 {
                admitted +=
                    usize::from(lines.admit(ACCOUNT, Limits::Compat, second * 1_000).is_ok());
            }
            assert_eq!(admitted, ACCOUNT_MAX.min((second as usize + 1) * ACCOUNT_PER_S as usize));
        }
        let other = Sid::new(*b"AC", 2);
        assert!(lines.admit(other, Limits::Compat, 100_000).is_ok());
        lines.leave(ACCOUNT);
        assert!(lines.admit(ACCOUNT, Limits::Compat, 100_000).is_ok());
        assert_eq!(
            lines.admit(ACCOUNT, Limits::Compat, 100_000),
            Err(Denial::Busy { after_ms: BACK_AFTER_MS })
        );
        assert!(lines.admit(ACCOUNT, Limits::None, 100_000).is_ok());
    }

    #[test]
    fn requests_of_an_account_are_counted_together() {
        let lines = Lines::default();
        let other = Sid::new(*b"AC", 2);
        for account in [ACCOUNT, other] {
            lines.admit(account, Limits::Compat, 0).expect("the first");
        }
        let pass = |account, limits, now_ms| {
            let all = (0..ACCOUNT_REQUESTS_PER_S + 7).map(|_| ());
            all.filter(|()| lines.admit_request(account, limits, now_ms)).count() as u32
        };
        assert_eq!(pass(ACCOUNT, Limits::Compat, 1_000), ACCOUNT_REQUESTS_PER_S);
        assert_eq!(pass(ACCOUNT, Limits::Compat, 1_999), 0);
        assert_eq!(pass(other, Limits::Compat, 1_999), ACCOUNT_REQUESTS_PER_S);
        assert_eq!(pass(ACCOUNT, Limits::Compat, 2_000), ACCOUNT_REQUESTS_PER_S);
        assert_eq!(pass(ACCOUNT, Limits::None, 2_000), ACCOUNT_REQUESTS_PER_S + 7);
    }

    #[test]
    fn an_account_without_connections_is_forgotten() {
        let lines = Lines::default();
        lines.admit(ACCOUNT, Limits::None, 0).expect("there is no bound");
        lines.leave(ACCOUNT);
        assert!(lines.lock().accounts.is_empty());
    }

    #[tokio::test]
    async fn a_stop_waits_for_all() {
        let lines = Arc::new(Lines::default());
        lines.emptied().await;
        let place = lines.add(Arc::default());
        let waiting = tokio::spawn({
            let lines = lines.clone();
            async move { lines.emptied().await }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        lines.remove(place);
        waiting.await.expect("it ends");
    }
}
