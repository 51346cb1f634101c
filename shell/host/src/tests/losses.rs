//! Engines that panic and partitions that end.

use super::{counter::Command, *};
use crate::Refusal;
use base::Millis;

/// What the engine's panic prints is expected here.
fn quietly() {
    std::panic::set_hook(Box::new(|_| {}));
}

#[tokio::test]
async fn a_command_that_panics_once_is_carried_out_on_the_restored_engine() {
    quietly();
    for (store, _folder) in stores() {
        let core = core(&store, ClockKind::Manual);
        let inbox = open(&core, "P");
        assert_eq!(core.command(&inbox, Command::Add("a", 5)).await, Ok(5));
        let once = Command::Panic(Arc::new(AtomicUsize::new(1)));
        assert_eq!(core.command(&inbox, once).await, Ok(-1));
        core.stop().await;
    }
}

#[tokio::test]
async fn a_command_that_panics_twice_is_refused_and_so_is_any_like_it() {
    quietly();
    for (store, _folder) in stores() {
        let core = core(&store, ClockKind::Manual);
        let inbox = open(&core, "P");
        assert_eq!(core.command(&inbox, Command::Add("a", 5)).await, Ok(5));
        let times = Arc::new(AtomicUsize::new(9));
        let panics = Command::Panic(times.clone());
        let (bad, good) = tokio::join!(
            core.command(&inbox, panics.clone()),
            core.command(&inbox, Command::Add("a", 1)),
        );
        assert_eq!(bad, Err(Refusal::Internal));
        assert_eq!(good, Ok(6), "the state is as it was, and those behind go on");
        assert_eq!(core.command(&inbox, panics).await, Err(Refusal::Internal));
        assert_eq!(times.load(Ordering::Acquire), 7, "the third was not tried");
        core.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_timer_that_panics_rests_and_commands_go_on() {
    quietly();
    let (store, _) = stores().swap_remove(0);
    let core = core(&store, ClockKind::Manual);
    let inbox = open(&core, "P");
    assert_eq!(core.command(&inbox, Command::Bomb("b", Millis(10))).await, Ok(0));
    let began = core.clock.now();
    assert_eq!(core.advance(Millis(10_000)).await, began + Millis(10_000));
    assert_eq!(core.command(&inbox, Command::Add("a", 1)).await, Ok(1));
    core.stop().await;
}

#[tokio::test]
async fn a_partition_that_ended_leaves_no_row_and_is_unknown() {
    for (store, _folder) in stores() {
        let first = core(&store, ClockKind::System);
        let (inbox, other) = (open(&first, "P"), open(&first, "Q"));
        for _ in 0..3 {
            let (a, b, c) = tokio::join!(
                first.command(&inbox, Command::Add("a", 1)),
                first.command(&inbox, Command::Add("b", 1)),
                first.command(&other, Command::Add("a", 1)),
            );
            assert!(a.is_ok() && b.is_ok() && c.is_ok());
        }
        let (last, end, late) = tokio::join!(
            first.command(&inbox, Command::Add("c", 1)),
            first.command(&inbox, Command::End),
            first.command(&inbox, Command::Add("a", 1)),
        );
        assert_eq!((last, end, late), (Ok(1), Ok(0), Err(Refusal::NoPartition)));
        assert_eq!(first.command(&inbox, Command::Refuse).await, Err(Refusal::NoPartition));
        let rows = store.scan(&store::Scan::all(&COUNTER)).unwrap();
        assert!(rows.iter().all(|row| &*row.partition == "Q"));
        assert_eq!(first.command(&other, Command::Add("a", 1)).await, Ok(4));
        first.stop().await;
        drop(first);
        let second = core(&store, ClockKind::System);
        let known = store.partitions().unwrap().into_iter().find(|known| &*known.id == "P");
        assert!(second.open_known::<Counter>(known.unwrap(), &second.clock).unwrap().is_none());
        second.stop().await;
    }
}
