//! One seat, one committer, no runtime.

use super::{counter::Command, *};
use crate::{
    Refusal, Topic,
    committer::{GroupCommitter, Health},
    seat::{Job, Weather},
    work::{Settled, Work, deliver},
};
use base::Timestamp;
use store::CommitError;
use testkit::Fault;
use tokio::sync::oneshot::{Receiver, channel, error::TryRecvError};

type Answer = Receiver<Result<i64, Refusal<&'static str>>>;

struct Bench {
    store: FaultyStore,
    outlets: Arc<Outlets>,
    health: Arc<Health>,
    committer: GroupCommitter,
    seat: Seat<Counter>,
    under_way: Vec<Work>,
    settled: Settled,
    now: Timestamp,
}

impl Bench {
    fn new(store: FaultyStore) -> Self {
        let (outlets, health) = (Arc::new(Outlets::default()), Arc::new(Health::default()));
        let seat = seat(&store, &outlets, &"P".into());
        let committer = GroupCommitter::new(Arc::new(store.clone()), health.clone());
        let (under_way, settled, now) = (Vec::new(), Settled::default(), Timestamp(1_000));
        Self { store, outlets, health, committer, seat, under_way, settled, now }
    }

    /// Runs commands; nothing is committed yet.
    fn run(&mut self, commands: impl IntoIterator<Item = Command>) -> Vec<Answer> {
        let (jobs, answers): (Vec<_>, Vec<_>) = commands
            .into_iter()
            .map(|command| {
                let (waiter, answer) = channel();
                (Job::Command(Box::new(command), waiter), answer)
            })
            .unzip();
        let weather = Weather { now: self.now, trouble: self.health.trouble() };
        let settled = std::mem::take(&mut self.settled);
        self.under_way.extend(self.seat.turn(settled, jobs, &weather));
        answers
    }

    /// Commits everything under way as one group.
    fn commit(&mut self) {
        let (batches, rests) = Work::split(std::mem::take(&mut self.under_way));
        let committed = self.committer.commit(batches);
        for (_, settled) in deliver(committed, rests, &self.outlets) {
            self.settled.add(settled);
        }
    }

    fn agree(&mut self) {
        self.run([]);
        let running = self.seat.engine().unwrap().digest();
        let (rows, journal) = truths(&self.store, "P");
        assert_eq!(running, rows);
        assert_eq!(running, journal);
    }
}

fn now(answer: &mut Answer) -> Option<Result<i64, Refusal<&'static str>>> {
    match answer.try_recv() {
        Ok(answer) => Some(answer),
        Err(TryRecvError::Empty) => None,
        Err(TryRecvError::Closed) => panic!("a waiter was dropped"),
    }
}

#[test]
fn nothing_is_told_before_its_batch_is_durable() {
    for (store, _folder) in stores() {
        let mut bench = Bench::new(store);
        let mut events = bench.outlets.hub.subscribe(Topic::Workspace(counter::HOME), 8);
        let mut answers = bench.run([Command::Add("a", 1), Command::Refuse, Command::Add("a", 1)]);
        assert!(answers.iter_mut().all(|answer| now(answer).is_none()));
        assert!(events.try_next().is_none());
        bench.commit();
        let told: Vec<_> = answers.iter_mut().map(|answer| now(answer).unwrap()).collect();
        assert_eq!(told, [Ok(1), Err(Refusal::Rejected("refused")), Ok(2)]);
        assert_eq!(std::iter::from_fn(|| events.try_next()).count(), 2);
        bench.agree();
    }
}

#[test]
fn a_failed_group_and_what_rests_on_it_did_not_happen() {
    for (store, _folder) in stores() {
        let mut bench = Bench::new(store);
        let mut events = bench.outlets.hub.subscribe(Topic::Workspace(counter::HOME), 8);
        bench.run([Command::Add("a", 1)]);
        bench.commit();
        bench.store.plan(Fault::Refuse(CommitError::Failed("planted".to_owned())));
        let mut lost = bench.run([Command::Add("a", 10)]);
        bench.commit();
        // The seat has not heard of it: what it decides now rests on the lost change.
        let settled = std::mem::take(&mut bench.settled);
        lost.extend(bench.run([Command::Add("a", 100), Command::Refuse]));
        bench.commit();
        for answer in &mut lost {
            assert!(matches!(now(answer), Some(Err(Refusal::Unavailable(_)))));
        }
        bench.settled.add(settled);
        let mut next = bench.run([Command::Add("a", 1)]);
        bench.commit();
        assert_eq!(now(&mut next[0]), Some(Ok(2)));
        assert_eq!(std::iter::from_fn(|| events.try_next()).count(), 2, "lost events are not told");
        bench.agree();
    }
}

#[test]
fn an_empty_batch_ahead_of_the_failure_is_told_and_one_behind_it_is_not() {
    let (store, _) = stores().swap_remove(0);
    let mut bench = Bench::new(store);
    bench.store.plan(Fault::Refuse(CommitError::Full));
    let mut answers = bench.run([Command::Refuse, Command::Add("a", 1), Command::Refuse]);
    bench.commit();
    assert_eq!(now(&mut answers[0]), Some(Err(Refusal::Rejected("refused"))));
    assert!(matches!(now(&mut answers[1]), Some(Err(Refusal::Unavailable(_)))));
    assert!(matches!(now(&mut answers[2]), Some(Err(Refusal::Unavailable(_)))));
}

#[test]
fn an_unknown_outcome_is_decided_by_what_is_durable() {
    for (store, _folder) in stores() {
        let mut bench = Bench::new(store);
        let mut events = bench.outlets.hub.subscribe(Topic::Workspace(counter::HOME), 8);
        bench.store.plan(Fault::LoseAnswer);
        let mut kept = bench.run([Command::Add("a", 1), Command::Refuse]);
        bench.commit();
        assert_eq!(now(&mut kept[0]), Some(Ok(1)));
        assert_eq!(now(&mut kept[1]), Some(Err(Refusal::Rejected("refused"))));
        assert_eq!(std::iter::from_fn(|| events.try_next()).count(), 1);
        bench.agree();

        bench.store.plan(Fault::LoseGroup);
        let mut lost = bench.run([Command::Add("a", 10)]);
        bench.commit();
        assert!(matches!(now(&mut lost[0]), Some(Err(Refusal::Unavailable(_)))));
        assert!(events.try_next().is_none());
        bench.agree();
        let mut next = bench.run([Command::Add("a", 1)]);
        bench.commit();
        assert_eq!(now(&mut next[0]), Some(Ok(2)));
        bench.agree();
    }
}

#[test]
fn an_outcome_that_stays_unknown_closes_every_subscription() {
    let (store, _) = stores().swap_remove(0);
    let mut bench = Bench::new(store);
    let events = bench.outlets.hub.subscribe(Topic::Workspace(counter::HOME), 8);
    bench.store.plan(Fault::LoseAnswer);
    let mut answers = bench.run([Command::Add("a", 1)]);
    bench.store.set_unreadable(true);
    bench.commit();
    assert!(matches!(now(&mut answers[0]), Some(Err(Refusal::Unavailable(_)))));
    assert!(events.is_closed());
    bench.store.heal();
    bench.agree();
}

#[test]
fn a_group_fails_for_all_and_a_bad_epoch_for_nobody_else() {
    let (store, _) = stores().swap_remove(0);
    let mut bench = Bench::new(store);
    let mut other = seat(&bench.store, &bench.outlets, &"Q".into());
    bench.store.plan(Fault::Refuse(CommitError::Failed("planted".to_owned())));
    bench.run([Command::Add("a", 1)]);
    bench.commit();
    bench.settled = Settled::default();
    // P is lost and does not know; Q shares its next group.
    let mut lost = bench.run([Command::Add("a", 1)]);
    let (waiter, mut answer) = channel();
    let weather = Weather { now: bench.now, trouble: None };
    let job = Job::Command(Box::new(Command::Add("q", 5)), waiter);
    bench.under_way.extend(other.turn(Settled::default(), [job], &weather));
    bench.commit();
    assert!(matches!(now(&mut lost[0]), Some(Err(Refusal::Unavailable(_)))));
    assert_eq!(now(&mut answer), Some(Ok(5)));
}

#[test]
fn while_the_store_is_full_commands_are_refused_at_once_and_timers_wait() {
    for (store, _folder) in stores() {
        let mut bench = Bench::new(store);
        bench.run([Command::Later("t", base::Millis(50), 1)]);
        bench.commit();
        bench.store.set_full(true);
        bench.run([Command::Add("a", 1)]);
        bench.commit();
        assert!(!bench.health.writable());
        bench.now = Timestamp(2_000);
        let tried = bench.store.tried();
        let mut refused = bench.run([Command::Add("a", 1)]);
        assert!(matches!(now(&mut refused[0]), Some(Err(Refusal::Unavailable(_)))));
        assert!(bench.under_way.is_empty(), "the timer waits too");
        assert_eq!(bench.store.tried(), tried);
        bench.committer.probe();
        assert!(!bench.health.writable());
        bench.store.set_full(false);
        bench.committer.probe();
        assert!(bench.health.writable());
        let mut answers = bench.run([Command::Add("t", 1)]);
        bench.commit();
        assert_eq!(now(&mut answers[0]), Some(Ok(2)), "the timer ran first");
        bench.agree();
    }
}

#[test]
fn timers_run_before_commands_at_the_same_instant() {
    let (store, _) = stores().swap_remove(0);
    let mut bench = Bench::new(store);
    bench.run([Command::Later("t", base::Millis(50), 1)]);
    bench.now = Timestamp(1_050);
    let mut answers = bench.run([Command::Add("t", 10)]);
    bench.commit();
    assert_eq!(now(&mut answers[0]), Some(Ok(11)));
    assert_eq!(bench.seat.next_deadline(), None);
    bench.agree();
}

#[test]
fn the_next_portion_of_long_work_waits_for_the_last_one_and_for_nobody_else() {
    let (store, _) = stores().swap_remove(0);
    let mut bench = Bench::new(store);
    bench.run([Command::Later("t", base::Millis(0), 3)]);
    assert_eq!(bench.under_way.len(), 2, "the command, and the first portion behind it");
    bench.run([Command::Add("a", 1)]);
    assert_eq!(bench.under_way.len(), 3, "the first portion is not durable");
    bench.commit();
    bench.run([]);
    assert_eq!(bench.under_way.len(), 1, "the second portion");
    bench.commit();
    let second = std::mem::take(&mut bench.settled);
    bench.run([Command::Add("a", 1)]);
    bench.settled = second;
    bench.run([]);
    assert_eq!(bench.under_way.len(), 2, "the third, while a command is under way");
    assert_eq!(bench.seat.next_deadline(), None);
    bench.commit();
    bench.agree();
}

#[test]
fn a_clock_that_was_set_back_holds_up_no_work_that_is_due() {
    let (store, _) = stores().swap_remove(0);
    let mut bench = Bench::new(store);
    bench.run([Command::Later("t", base::Millis(0), 3)]);
    bench.now = Timestamp(10);
    for _ in 0..2 {
        bench.commit();
        bench.run([]);
    }
    assert_eq!(bench.seat.next_deadline(), None);
    bench.commit();
    bench.agree();
}

#[test]
fn time_never_runs_backwards_in_a_partition() {
    let (store, _) = stores().swap_remove(0);
    let mut bench = Bench::new(store);
    bench.run([Command::Add("a", 1)]);
    bench.now = Timestamp(10);
    bench.run([Command::Add("a", 1)]);
    bench.commit();
    let at: Vec<_> = bench.store.journal("P", 0, 9).unwrap().iter().map(|entry| entry.at).collect();
    assert_eq!(at, [Timestamp(1_000), Timestamp(1_000)]);
    let (outlets, known) = (bench.outlets.clone(), bench.store.partitions().unwrap().remove(0));
    let store = Arc::new(bench.store.clone());
    drop(bench);
    let mut restored =
        Seat::<Counter>::restore(known, store, outlets, IdSource::new(2)).unwrap().unwrap();
    let (waiter, _answer) = channel();
    let job = Job::Command(Box::new(Command::Add("a", 1)), waiter);
    let weather = Weather { now: Timestamp(20), trouble: None };
    let works = restored.turn(Settled::default(), [job], &weather);
    assert_eq!((works[0].batch.at, works[0].batch.first), (Timestamp(1_000), 3));
}

#[test]
fn more_rows_than_are_read_at_once_come_back_whole() {
    for (store, _folder) in stores() {
        let mut bench = Bench::new(store.clone());
        let names = (0..2_500).map(|number| &*format!("name {number}").leak());
        bench.run(names.map(|name| Command::Add(name, 1)));
        bench.commit();
        let (rows, journal) = truths(&store, "P");
        assert_eq!(rows, journal);
        assert!(rows.contains("name 2499"), "{rows}");
    }
}
