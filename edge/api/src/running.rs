//! How many requests of an account are under way at a moment.
//!
//! * One counts from when it is known whose it is until its answer is ready, or until its client
//!   went away.
//! * Accounts are few and are not forgotten: to count is one look and two atomic additions.

use base::Sid;
use std::{
    collections::BTreeMap,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
};

/// Those of all accounts.
#[derive(Debug, Default)]
pub(crate) struct Running(RwLock<BTreeMap<Sid, Arc<AtomicU32>>>);

/// A request that counts as long as this is held.
#[derive(Debug)]
pub(crate) struct UnderWay(Arc<AtomicU32>);

impl Running {
    /// One more of an account.
    pub(crate) fn one_more(&self, account: Sid) -> UnderWay {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner).get(&account).cloned();
        let count = known.unwrap_or_else(|| {
            let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
            all.entry(account).or_default().clone()
        });
        count.fetch_add(1, Relaxed);
        UnderWay(count)
    }
}

impl UnderWay {
    /// How many there are now, this one included.
    pub(crate) fn count(&self) -> u32 {
        self.0.load(Relaxed)
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_account_counts_its_own_until_they_end() {
        let running = Running::default();
        let [one, other] = [1, 2].map(|n| Sid::new(*b"AC", n));
        let first = running.one_more(one);
        let second = running.one_more(one);
        let third = running.one_more(other);
        assert_eq!([&first, &second, &third].map(UnderWay::count), [2, 2, 1]);
        drop(first);
        assert_eq!([&second, &third].map(UnderWay::count), [1, 1]);
        drop(second);
        assert_eq!(running.one_more(one).count(), 1);
    }
}
