//! How much one address and one task may ask for.

use crate::clock::real_now_ms;
use routing::TaskSid;
use std::{
    collections::BTreeMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Requests an address may make in one go.
const BURST: i64 = 10;
/// Then one more each so often.
const REFILL_MS: i64 = 6_000;
/// Addresses remembered; beyond it those who asked longest ago are forgotten.
const ADDRESSES_MAX: usize = 10_000;
/// Sockets of one task: a few tabs, and those not yet noticed dead.
const SOCKETS_PER_TASK_MAX: u32 = 8;

/// When each address will have its full allowance again (milliseconds of the real clock).
#[derive(Debug, Default)]
pub(super) struct Addresses(Mutex<BTreeMap<IpAddr, i64>>);

impl Addresses {
    /// Takes one request from an address's allowance; false when there is none left.
    pub(super) fn admit(&self, address: IpAddr) -> bool {
        self.admit_at(address, real_now_ms())
    }

    fn admit_at(&self, address: IpAddr, now_ms: i64) -> bool {
        let mut full_at = lock(&self.0);
        let entry = full_at.entry(neighbourhood(address)).or_insert(now_ms);
        let next = (*entry).max(now_ms) + REFILL_MS;
        if next - now_ms > BURST * REFILL_MS {
            return false;
        }
        *entry = next;
        if full_at.len() > ADDRESSES_MAX {
            full_at.retain(|_, at| *at > now_ms);
        }
        if full_at.len() > ADDRESSES_MAX {
            let oldest = full_at.iter().min_by_key(|(_, at)| **at).map(|(address, _)| *address);
            oldest.map(|address| full_at.remove(&address));
        }
        true
    }
}

/// Whoever has one address of IPv6 has 2⁶⁴ of them.
fn neighbourhood(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6((u128::from(address) >> 64 << 64).into()),
    }
}

/// Open sockets by task.
#[derive(Debug, Default)]
pub(super) struct Sockets(Mutex<BTreeMap<TaskSid, u32>>);

impl Sockets {
    /// Counts one more; `None` when there are enough.
    pub(super) fn open(self: &Arc<Self>, task: TaskSid) -> Option<Counted> {
        let mut open = lock(&self.0);
        let count = open.entry(task).or_insert(0);
        if *count >= SOCKETS_PER_TASK_MAX {
            return None;
        }
        *count += 1;
        Some(Counted { sockets: self.clone(), task })
    }
}

/// A socket that counts as long as this lives.
#[derive(Debug)]
pub(super) struct Counted {
    sockets: Arc<Sockets>,
    task: TaskSid,
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut open = lock(&self.sockets.0);
        let left = open.get(&self.task).map_or(0, |count| count - 1);
        if left == 0 {
            open.remove(&self.task);
        } else {
            open.insert(self.task, left);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_burst_and_then_a_trickle() {
        let addresses = Addresses::default();
        let (one, other) = ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
        for _ in 0..BURST {
            assert!(addresses.admit_at(one, 1_000));
        }
        assert!(!addresses.admit_at(one, 1_000));
        assert!(addresses.admit_at(other, 1_000));
        assert!(addresses.admit_at(one, 1_000 + REFILL_MS));
        assert!(!addresses.admit_at(one, 1_000 + REFILL_MS));
    }

    #[test]
    fn neighbours_share_an_allowance_and_memory_is_bounded() {
        let addresses = Addresses::default();
        for i in 0..BURST {
            assert!(addresses.admit_at(format!("2001:db8::{i}").parse().unwrap(), 0));
        }
        assert!(!addresses.admit_at("2001:db8::ffff".parse().unwrap(), 0));
        for i in 0..ADDRESSES_MAX as u32 + 100 {
            addresses.admit_at(IpAddr::V4(i.into()), 0);
        }
        assert!(lock(&addresses.0).len() <= ADDRESSES_MAX);
    }

    #[test]
    fn a_task_has_a_few_sockets() {
        let sockets = Arc::new(Sockets::default());
        let task = TaskSid::new(1);
        let mut open: Vec<_> = std::iter::from_fn(|| sockets.open(task)).collect();
        assert_eq!(open.len(), SOCKETS_PER_TASK_MAX as usize);
        open.pop();
        assert!(sockets.open(task).is_some());
        open.clear();
        assert!(lock(&sockets.0).is_empty());
    }
}
