//! Work as slow and as large as hashing a password, away from the threads that serve requests.
//!
//! * Two at a time: each takes 19 MiB and a core.
//! * A few dozen wait; one more is refused at once, so a flood of sign-ins holds no memory and
//!   keeps nobody waiting for longer than a second or two.
//! * What began ends, and counts until then, even when the caller has gone.

use crate::Problem;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// At work at once.
const RUNNING_MAX: usize = 2;
/// At work or waiting.
const ADMITTED_MAX: usize = RUNNING_MAX + 48;

#[derive(Clone, Debug)]
pub(crate) struct Hashing {
    room: Arc<Semaphore>,
    turns: Arc<Semaphore>,
}

impl Default for Hashing {
    fn default() -> Self {
        let (room, turns) = (Semaphore::new(ADMITTED_MAX), Semaphore::new(RUNNING_MAX));
        Self { room: Arc::new(room), turns: Arc::new(turns) }
    }
}

impl Hashing {
    /// 429 when too many wait already.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let room = self.room.clone().try_acquire_owned();
        let room = room.map_err(|_| Problem::limited("Too many sign-ins at once; try again"))?;
        let turn = self.turns.clone().acquire_owned().await.map_err(|_| Problem::internal())?;
        let held = move || {
            let done = work();
            drop((turn, room));
            done
        };
        tokio::task::spawn_blocking(held).await.map_err(|_| Problem::internal())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[tokio::test]
    async fn a_flood_is_refused_and_those_who_wait_are_served() {
        let hashing = Hashing::default();
        let mut ends = Vec::new();
        let mut running = Vec::new();
        for _ in 0..ADMITTED_MAX {
            let (end, wait) = mpsc::channel::<()>();
            let own = hashing.clone();
            running.push(tokio::spawn(async move { own.run(move || wait.recv().is_ok()).await }));
            ends.push(end);
        }
        while hashing.room.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        let refused = hashing.run(|| ()).await.unwrap_err();
        assert_eq!((refused.status(), refused.0.code), (429, 20429));
        // The caller of one at work goes away: it still counts until it ends.
        running[0].abort();
        assert_eq!(hashing.run(|| ()).await.unwrap_err().status(), 429);
        for end in ends {
            end.send(()).unwrap();
        }
        for done in running.into_iter().skip(1) {
            assert!(done.await.unwrap().unwrap());
        }
        while hashing.room.available_permits() < ADMITTED_MAX {
            tokio::task::yield_now().await;
        }
        assert_eq!(hashing.run(|| 7).await.unwrap(), 7);
    }
}
