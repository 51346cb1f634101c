//! Who is connected with which device, and who is told of it.
//!
//! * A device that is connected more than once comes with its first connection and goes with its
//!   last.
//! * Where a service debounces, an identity's last device goes after the window only: who comes
//!   back within it with that device never went. Any other device that comes ends the waiting, and
//!   is told.
//! * What is not durable: after a restart nobody is connected.
//!
//! Knows no sockets and no webhooks.

use crate::clock::Clock;
use base::{Millis, Timestamp};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use sync::ServiceSid;
use tokio::sync::mpsc;

/// A device came or went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reached {
    /// For which service.
    pub service: ServiceSid,
    /// Whose.
    pub identity: Arc<str>,
    /// Which.
    pub endpoint: Arc<str>,
    /// Which of the two.
    pub what: Reachability,
    /// When it counts from.
    pub at: Timestamp,
}

/// Whether a device can be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reachability {
    /// From now on.
    Connected,
    /// No longer.
    Disconnected,
}

/// One for the whole host.
#[derive(Debug, Default)]
pub struct Reach {
    people: Mutex<BTreeMap<Who, Devices>>,
    feeds: Mutex<Vec<mpsc::Sender<Reached>>>,
}

type Who = (ServiceSid, Arc<str>);

#[derive(Debug, Default)]
struct Devices {
    /// How often each is connected.
    connected: BTreeMap<Arc<str>, usize>,
    /// The last one, which goes then unless somebody comes.
    leaving: Option<(Timestamp, Arc<str>)>,
}

/// A connection of a device; dropped, it has ended.
#[derive(Debug)]
pub struct Connection {
    reach: Arc<Reach>,
    clock: Arc<Clock>,
    /// How long a last device is waited for, asked when the connection ends.
    window: Arc<dyn Window>,
    who: Who,
    endpoint: Arc<str>,
}

/// How long an identity's last device is waited for in a service; 0 for not at all.
pub(crate) trait Window: Send + Sync + std::fmt::Debug {
    fn of(&self, service: ServiceSid) -> Millis;
}

impl Reach {
    /// Everything from now on, in order; what finds `capacity` waiting is left out.
    pub fn feed(&self, capacity: usize) -> mpsc::Receiver<Reached> {
        let (send, receive) = mpsc::channel(capacity.max(1));
        lock(&self.feeds).push(send);
        receive
    }

    /// The devices of an identity that are connected.
    pub fn devices(&self, service: ServiceSid, identity: &Arc<str>) -> Vec<Arc<str>> {
        let people = lock(&self.people);
        let devices = people.get(&(service, identity.clone()));
        devices.into_iter().flat_map(|devices| devices.connected.keys().cloned()).collect()
    }

    pub(crate) fn connect(
        self: &Arc<Self>,
        clock: &Arc<Clock>,
        window: Arc<dyn Window>,
        who: Who,
        endpoint: Arc<str>,
    ) -> Connection {
        let now = clock.now();
        self.sweep(now);
        let mut people = lock(&self.people);
        let devices = people.entry(who.clone()).or_default();
        let count = devices.connected.entry(endpoint.clone()).or_insert(0);
        *count += 1;
        let is_first = *count == 1;
        let left = devices.leaving.take().map(|(_, left)| left);
        if is_first && left.as_ref() != Some(&endpoint) {
            self.tell(&who, endpoint.clone(), Reachability::Connected, now);
        }
        drop(people);
        Connection { reach: self.clone(), clock: clock.clone(), window, who, endpoint }
    }

    /// Tells of those whose window is over.
    pub(crate) fn sweep(&self, now: Timestamp) {
        let mut people = lock(&self.people);
        people.retain(|who, devices| {
            if let Some((at, endpoint)) = devices.leaving.take_if(|(at, _)| *at <= now) {
                self.tell(who, endpoint, Reachability::Disconnected, at);
            }
            devices.leaving.is_some() || !devices.connected.is_empty()
        });
    }

    /// Answers when it is worth sweeping, if somebody is waited for.
    fn leave(&self, who: &Who, endpoint: &Arc<str>, now: Timestamp, window: Millis) -> bool {
        let mut people = lock(&self.people);
        let Some(devices) = people.get_mut(who) else { return false };
        let Some(count) = devices.connected.get_mut(endpoint) else { return false };
        *count -= 1;
        if *count > 0 {
            return false;
        }
        devices.connected.remove(endpoint);
        let is_last = devices.connected.is_empty();
        if is_last && window > Millis(0) {
            devices.leaving = Some((now + window, endpoint.clone()));
            return true;
        }
        if is_last {
            people.remove(who);
        }
        self.tell(who, endpoint.clone(), Reachability::Disconnected, now);
        false
    }

    fn tell(
        &self,
        (service, identity): &Who,
        endpoint: Arc<str>,
        what: Reachability,
        at: Timestamp,
    ) {
        let (service, identity) = (*service, identity.clone());
        let reached = Reached { service, identity, endpoint, what, at };
        lock(&self.feeds).retain(|feed| {
            !matches!(feed.try_send(reached.clone()), Err(mpsc::error::TrySendError::Closed(_)))
        });
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let (now, window) = (self.clock.now(), self.window.of(self.who.0));
        if !self.reach.leave(&self.who, &self.endpoint, now, window) {
            return;
        }
        // A clock that is moved by hand sweeps when it is moved.
        let (Some(until), Ok(runtime)) =
            (self.clock.until(now + window), tokio::runtime::Handle::try_current())
        else {
            return;
        };
        let (reach, clock) = (self.reach.clone(), self.clock.clone());
        runtime.spawn(async move {
            tokio::time::sleep(Duration::from_millis(until.0.unsigned_abs() + 1)).await;
            reach.sweep(clock.now());
        });
    }
}

/// A panic elsewhere leaves the lists whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ClockKind;

    #[derive(Debug)]
    struct Fixed(i64);

    impl Window for Fixed {
        fn of(&self, _: ServiceSid) -> Millis {
            Millis(self.0)
        }
    }

    struct World {
        reach: Arc<Reach>,
        clock: Arc<Clock>,
        window: i64,
        heard: mpsc::Receiver<Reached>,
    }

    impl World {
        fn new(window: i64) -> Self {
            let reach = Arc::new(Reach::default());
            let clock = Arc::new(Clock::new(ClockKind::Manual, Timestamp(0)));
            let heard = reach.feed(100);
            Self { reach, clock, window, heard }
        }

        fn connect(&self, endpoint: &str) -> Connection {
            let who = (ServiceSid::new(1), "ann".into());
            let window = Arc::new(Fixed(self.window));
            self.reach.connect(&self.clock, window, who, endpoint.into())
        }

        fn pass(&self, ms: i64) {
            self.clock.reach(self.clock.now() + Millis(ms));
            self.reach.sweep(self.clock.now());
        }

        fn heard(&mut self) -> Vec<(Arc<str>, Reachability)> {
            let heard = std::iter::from_fn(|| self.heard.try_recv().ok());
            heard.map(|reached| (reached.endpoint, reached.what)).collect()
        }
    }

    use Reachability::{Connected, Disconnected};

    #[test]
    fn a_device_comes_with_its_first_connection_and_goes_with_its_last() {
        let mut world = World::new(0);
        let (one, two) = (world.connect("a"), world.connect("a"));
        drop(one);
        assert_eq!(world.heard(), [("a".into(), Connected)]);
        drop(two);
        assert_eq!(world.heard(), [("a".into(), Disconnected)]);
    }

    #[test]
    fn who_comes_back_within_the_window_never_went() {
        let mut world = World::new(5_000);
        drop(world.connect("a"));
        world.pass(4_999);
        let back = world.connect("a");
        world.pass(10_000);
        assert_eq!(world.heard(), [("a".into(), Connected)]);
        drop(back);
        world.pass(5_000);
        assert_eq!(world.heard(), [("a".into(), Disconnected)]);
        let (a, b) = (world.connect("a"), world.connect("b"));
        drop(a);
        let both = [("a".into(), Connected), ("b".into(), Connected), ("a".into(), Disconnected)];
        assert_eq!(world.heard(), both, "only the last device is waited for");
        drop(b);
    }
}
