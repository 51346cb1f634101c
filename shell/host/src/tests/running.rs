//! The whole shell: tasks, writer thread, clock.

use super::{counter::Command, *};
use crate::{Readiness, Refusal, Topic, clock::MANUAL_START};
use base::Millis;
use std::time::Duration;
use store::CommitError;
use testkit::Fault;

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn answers_and_rejections_wait_for_the_disk() {
    for (store, _folder) in stores() {
        let core = Arc::new(core(&store, ClockKind::System));
        let inbox = open(&core, "P");
        store.hold();
        let ask = |command| {
            let (waiter, answer) = tokio::sync::oneshot::channel();
            inbox.push(crate::seat::Job::Command(Box::new(command), waiter));
            answer
        };
        let (mut first, mut second) = (ask(Command::Add("a", 1)), ask(Command::Refuse));
        let waiting = store.clone();
        tokio::task::spawn_blocking(move || waiting.wait_for_commit()).await.unwrap();
        let unanswered = [first.try_recv().is_err(), second.try_recv().is_err()];
        store.release();
        assert_eq!(unanswered, [true, true]);
        assert_eq!(first.await.unwrap(), Ok(1));
        assert_eq!(second.await.unwrap(), Err(Refusal::Rejected("refused")));
        core.stop().await;
    }
}

#[tokio::test]
async fn commands_of_one_caller_are_carried_out_in_order() {
    for (store, _folder) in stores() {
        let core = core(&store, ClockKind::System);
        let inbox = open(&core, "P");
        let mut events = core.outlets.hub.subscribe(Topic::Workspace(counter::HOME), 1_000);
        let mut answers = Vec::new();
        for n in 0..200 {
            let (waiter, answer) = tokio::sync::oneshot::channel();
            inbox.push(crate::seat::Job::Command(Box::new(Command::Add("a", n)), waiter));
            answers.push(answer);
        }
        let mut sum = 0;
        for (n, answer) in (0..200).zip(answers) {
            sum += n;
            assert_eq!(answer.await.unwrap(), Ok(sum));
        }
        core.settle().await;
        let told: Vec<_> = std::iter::from_fn(|| events.try_next()).map(|a| a.event.at.0).collect();
        assert_eq!(told, (0..200).collect::<Vec<_>>());
        core.stop().await;
    }
}

#[tokio::test]
async fn a_host_that_starts_again_is_where_it_was() {
    for (store, _folder) in stores() {
        let first = core(&store, ClockKind::Manual);
        let inbox = open(&first, "P");
        let later = Command::Later("t", Millis(1_000), 3);
        assert_eq!(first.command(&inbox, later).await, Ok(0));
        assert_eq!(first.command(&inbox, Command::Add("a", 4)).await, Ok(4));
        first.advance(Millis(1_500)).await;
        first.stop().await;
        let stopped = first.command(&inbox, Command::Add("a", 1)).await;
        assert!(matches!(stopped, Err(Refusal::Unavailable(_))));
        drop(first);
        let (rows, journal) = truths(&store, "P");
        assert_eq!(rows, journal);

        let second = core(&store, ClockKind::Manual);
        let inbox = open(&second, "P");
        assert_eq!(second.clock.now(), MANUAL_START + Millis(1_000), "the newest durable time");
        second.advance(Millis(2_500)).await;
        let at = |ms| MANUAL_START + Millis(ms);
        let (value, seen) = second.question(&inbox, "t").await.unwrap();
        assert_eq!((value, seen), (3, vec![at(1_000), at(2_000), at(3_000)]));
        second.stop().await;
    }
}

#[tokio::test]
async fn a_manual_clock_runs_each_timer_at_its_own_instant_over_all_partitions() {
    for (store, _folder) in stores() {
        let core = core(&store, ClockKind::Manual);
        let (one, two) = (open(&core, "P"), open(&core, "Q"));
        let mut events = core.outlets.hub.subscribe(Topic::Workspace(counter::HOME), 100);
        core.command(&one, Command::Later("t", Millis(300), 3)).await.unwrap();
        core.command(&two, Command::Later("t", Millis(400), 2)).await.unwrap();
        assert_eq!(core.advance(Millis(0)).await, MANUAL_START);
        while events.try_next().is_some() {}
        assert_eq!(core.advance(Millis(1_000)).await, MANUAL_START + Millis(1_000));
        assert_eq!(std::iter::from_fn(|| events.try_next()).count(), 10, "delivered by then");
        let at = |ms| MANUAL_START + Millis(ms);
        let seen = core.question(&one, "t").await.unwrap().1;
        assert_eq!(seen, [at(300), at(600), at(900)]);
        let seen = core.question(&two, "t").await.unwrap().1;
        assert_eq!(seen, [at(400), at(800)]);
        let mut order = Vec::new();
        for name in ["P", "Q"] {
            let journal = store.journal(name, 0, 99).unwrap();
            order.extend(journal.into_iter().map(|entry| (entry.at, name)));
        }
        assert!(order.iter().all(|(time, _)| *time <= at(1_000)));
        core.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_timer_whose_commit_fails_runs_again_when_the_clock_is_moved() {
    let (store, _) = stores().swap_remove(0);
    let core = core(&store, ClockKind::Manual);
    let inbox = open(&core, "P");
    core.command(&inbox, Command::Later("t", Millis(300), 1)).await.unwrap();
    store.plan(Fault::Refuse(CommitError::Failed("planted".to_owned())));
    core.advance(Millis(500)).await;
    let seen = core.question(&inbox, "t").await.unwrap().1;
    assert_eq!(seen, [MANUAL_START + Millis(300)]);
    core.stop().await;
}

#[tokio::test]
async fn a_timer_runs_by_itself_on_the_system_clock() {
    let (store, _) = stores().swap_remove(0);
    let core = core(&store, ClockKind::System);
    let inbox = open(&core, "P");
    let mut events = core.outlets.hub.subscribe(Topic::Workspace(counter::HOME), 10);
    core.command(&inbox, Command::Later("t", Millis(20), 1)).await.unwrap();
    for _ in 0..3 {
        assert!(events.next().await.is_some());
    }
    assert_eq!(core.question(&inbox, "t").await.unwrap().0, 1);
    core.stop().await;
}

#[tokio::test]
async fn a_full_disk_shows_in_readiness_and_heals_by_itself() {
    for (store, _folder) in stores() {
        let core = core(&store, ClockKind::System);
        let inbox = open(&core, "P");
        assert_eq!(core.command(&inbox, Command::Add("a", 1)).await, Ok(1));
        store.set_full(true);
        let refused = core.command(&inbox, Command::Add("a", 1)).await;
        assert!(matches!(refused, Err(Refusal::Unavailable(_))));
        assert!(matches!(core.readiness(), Readiness::NotReady { .. }));
        assert_eq!(core.question(&inbox, "a").await.unwrap().0, 1, "reads go on");
        store.set_full(false);
        while core.readiness() != Readiness::Ready {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(core.command(&inbox, Command::Add("a", 1)).await, Ok(2));
        core.stop().await;
    }
}

#[tokio::test]
async fn one_failed_commit_does_not_keep_the_next_command_out() {
    for (store, _folder) in stores() {
        let core = core(&store, ClockKind::System);
        let inbox = open(&core, "P");
        assert_eq!(core.command(&inbox, Command::Add("a", 0)).await, Ok(0));
        for round in 0..20 {
            store.plan(match round % 3 {
                0 => Fault::Refuse(CommitError::Failed("planted".to_owned())),
                1 => Fault::LoseGroup,
                _ => Fault::None,
            });
            let answer = core.command(&inbox, Command::Add("a", 1)).await;
            assert_eq!(answer.is_ok(), round % 3 == 2);
            store.heal();
            assert_eq!(core.readiness(), Readiness::Ready);
        }
        assert_eq!(core.question(&inbox, "a").await.unwrap().0, 6);
        core.settle().await;
        let (rows, journal) = truths(&store, "P");
        assert_eq!(rows, journal);
        core.stop().await;
    }
}

#[tokio::test]
async fn a_partition_that_cannot_be_read_does_not_keep_another_waiting() {
    let (store, _) = stores().swap_remove(0);
    let core = core(&store, ClockKind::System);
    let (one, two) = (open(&core, "P"), open(&core, "Q"));
    assert_eq!(core.command(&one, Command::Add("a", 1)).await, Ok(1));
    store.plan(Fault::Refuse(CommitError::Failed("planted".to_owned())));
    store.plan(Fault::None);
    store.set_unreadable(true);
    assert!(core.command(&one, Command::Add("a", 1)).await.is_err());
    assert!(core.command(&one, Command::Add("a", 1)).await.is_err());
    assert_eq!(core.command(&two, Command::Add("a", 1)).await, Ok(1));
    store.set_unreadable(false);
    assert_eq!(core.command(&one, Command::Add("a", 1)).await, Ok(2));
    core.stop().await;
}

#[tokio::test]
async fn a_slow_subscriber_is_closed_and_nobody_waits_for_it() {
    let (store, _) = stores().swap_remove(0);
    let core = core(&store, ClockKind::System);
    let inbox = open(&core, "P");
    let mut slow = core.outlets.hub.subscribe(Topic::Workspace(counter::HOME), 2);
    for n in 1..=5 {
        assert_eq!(core.command(&inbox, Command::Add("a", 1)).await, Ok(n));
    }
    assert!(slow.next().await.is_some() && slow.next().await.is_some());
    assert!(slow.next().await.is_none() && slow.lagged());
    core.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_callers_with_failing_commits_get_true_answers() {
    for (store, _folder) in stores() {
        let core = Arc::new(core(&store, ClockKind::System));
        let inbox = open(&core, "P");
        assert_eq!(core.command(&inbox, Command::Add("a", 0)).await, Ok(0));
        let callers = (0..16).map(|caller| {
            let (core, inbox, store) = (core.clone(), inbox.clone(), store.clone());
            tokio::spawn(async move {
                let mut kept = 0;
                for n in 0..60 {
                    if (n + caller) % 23 == 0 {
                        store.plan(Fault::Refuse(CommitError::Failed("planted".to_owned())));
                    }
                    kept += i64::from(core.command(&inbox, Command::Add("a", 1)).await.is_ok());
                }
                kept
            })
        });
        let mut kept = 0;
        for caller in callers.collect::<Vec<_>>() {
            kept += caller.await.unwrap();
        }
        store.heal();
        core.settle().await;
        assert_eq!(core.question(&inbox, "a").await.unwrap().0, kept, "no more and no less");
        core.stop().await;
        let (rows, journal) = truths(&store, "P");
        assert_eq!(rows, journal);
    }
}

#[tokio::test]
async fn a_partition_that_is_read_for_long_does_not_keep_another_waiting() {
    let (store, _) = stores().swap_remove(0);
    let core = core(&store, ClockKind::System);
    let (one, two) = (open(&core, "P"), open(&core, "Q"));
    assert_eq!(core.command(&one, Command::Add("a", 1)).await, Ok(1));
    store.plan(Fault::Refuse(CommitError::Failed("planted".to_owned())));
    store.set_reads_held(true);
    let (waiter, lost) = tokio::sync::oneshot::channel();
    one.push(crate::seat::Job::Command(Box::new(Command::Add("a", 1)), waiter));
    assert!(lost.await.unwrap().is_err());
    let (waiter, mut late) = tokio::sync::oneshot::channel();
    one.push(crate::seat::Job::Command(Box::new(Command::Add("a", 1)), waiter));
    for n in 1..=20 {
        assert_eq!(core.command(&two, Command::Add("a", 1)).await, Ok(n));
    }
    assert!(late.try_recv().is_err(), "its rows are still being read");
    store.set_reads_held(false);
    assert_eq!(late.await.unwrap(), Ok(2));
    core.stop().await;
}

#[tokio::test]
async fn a_clock_moved_over_lost_timers_runs_them_at_their_instants() {
    for (store, _folder) in stores() {
        let core = core(&store, ClockKind::Manual);
        let inbox = open(&core, "P");
        core.command(&inbox, Command::Later("t", Millis(100), 5)).await.unwrap();
        for _ in 0..3 {
            store.plan(Fault::LoseGroup);
            store.plan(Fault::None);
            store.plan(Fault::None);
        }
        core.advance(Millis(1_000)).await;
        let seen = core.question(&inbox, "t").await.unwrap().1;
        let at: Vec<_> = (1..=5).map(|n| MANUAL_START + Millis(n * 100)).collect();
        assert_eq!(seen, at);
        core.stop().await;
    }
}

/// What is under an old key is written anew while nobody writes, and beside callers that never
/// stop.
#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn what_a_store_has_to_do_by_itself_is_done_in_idleness_and_under_load() {
    let inner = MemoryStore::new();
    let under = |ids: &[&str]| FaultyStore::new(Arc::new(sealed(inner.clone(), ids)));
    let used = || store_sealed::State::read(&inner).unwrap().keys;
    let first = core(&under(&["a"]), ClockKind::System);
    let inbox = open(&first, "P");
    for n in 0..300 {
        first.command(&inbox, Command::Add("a", n)).await.unwrap();
    }
    first.stop().await;

    let store = under(&["b", "a"]);
    let second = core(&store, ClockKind::System);
    assert_eq!(used(), ["a", "b"]);
    until(|| used() == ["b"]).await;
    second.stop().await;

    let store = under(&["c", "b"]);
    let third = Arc::new(core(&store, ClockKind::System));
    let inbox = open(&third, "P");
    let is_over = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let callers: Vec<_> = (0..16)
        .map(|_| {
            let (core, inbox, is_over) = (third.clone(), inbox.clone(), is_over.clone());
            tokio::spawn(async move {
                while !is_over.load(std::sync::atomic::Ordering::Acquire) {
                    core.command(&inbox, Command::Add("a", 1)).await.unwrap();
                }
            })
        })
        .collect();
    until(|| used() == ["c"]).await;
    is_over.store(true, std::sync::atomic::Ordering::Release);
    for caller in callers {
        caller.await.unwrap();
    }
    third.stop().await;
    let (rows, replayed) = truths(&store, "P");
    assert_eq!(rows, replayed);
}

async fn until(is_so: impl Fn() -> bool) {
    for _ in 0..6_000 {
        if is_so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it does not become so");
}
