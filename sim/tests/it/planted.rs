//! Each checker finds the bug that was planted for it.

use sim::Options;

/// Within as many seeds as every test runs.
const SEEDS: u64 = 300;

/// The first seed in which the checker cries out, with the bug planted on this thread.
fn found_by(checker: &str) {
    let mut others = Vec::new();
    for seed in 0..SEEDS {
        match sim::run(seed, Options::default()) {
            Ok(_) => {}
            Err(failure) if failure.broken.checker == checker => {
                println!("found by seed {seed}: {}", failure.broken.what);
                assert!(failure.to_string().contains(&format!("cargo xtask sim {seed}")));
                return;
            }
            Err(failure) => others.push((seed, failure.broken.checker)),
        }
    }
    panic!("not found in {SEEDS} seeds; other checkers: {others:?}");
}

/// The first seed of sync under faults in which the checker cries out.
fn found_by_followers(checker: &str) {
    let mut others = Vec::new();
    for seed in 0..SEEDS {
        match sim::buckets(seed) {
            Ok(_) => {}
            Err(broken) if broken.checker == checker => {
                return println!("found by seed {seed}: {}", broken.what);
            }
            Err(broken) => others.push((seed, broken.checker)),
        }
    }
    panic!("not found in {SEEDS} seeds; other checkers: {others:?}");
}

mod in_sync {
    use super::found_by_followers;
    use host::planted::{Planted, plant};
    use live::planted as of_lines;

    #[test]
    fn a_follower_that_is_forgotten() {
        plant(Planted::ForgetFollowers);
        found_by_followers("nothing is left out");
    }

    #[test]
    fn a_full_queue_that_nobody_speaks_of() {
        plant(Planted::ForgetOverflow);
        found_by_followers("nothing is left out");
    }

    #[test]
    fn a_queue_without_end() {
        plant(Planted::QueueWithoutEnd);
        found_by_followers("what waits for a connection is bounded");
    }

    #[test]
    fn live_too_soon() {
        plant(Planted::GoLiveTooSoon);
        found_by_followers("nothing is left out");
    }

    #[test]
    fn a_hole_that_is_stepped_over() {
        plant(Planted::HideHoles);
        found_by_followers("nothing is left out");
    }

    #[test]
    fn numbers_that_come_again() {
        plant(Planted::CountAgain);
        found_by_followers("numbers never fall");
    }

    #[test]
    fn a_slow_client_that_is_never_sent_away() {
        of_lines::plant(of_lines::Planted::NeverSendAway);
        found_by_followers("who cannot keep up is sent away the second time");
    }

    #[test]
    fn a_lost_queue_of_which_the_client_is_not_told() {
        of_lines::plant(of_lines::Planted::ForgetInterruptions);
        found_by_followers("in the end everybody knows what is there");
    }

    #[test]
    fn a_token_that_never_ends() {
        of_lines::plant(of_lines::Planted::ForgetExpiry);
        found_by_followers("the end of a token is the end");
    }
}

mod in_host {
    use super::{SEEDS, found_by};
    use host::planted::{Planted, plant};

    #[test]
    fn an_answer_before_it_is_durable() {
        plant(Planted::AnswerBeforeDurable);
        found_by("what is acknowledged is durable");
    }

    #[test]
    fn an_answer_to_a_commit_nobody_knows_of() {
        plant(Planted::TrustUnknown);
        // Whoever listens is told a moment before whoever asked.
        found_by("no event is announced before it is durable");
    }

    #[test]
    fn an_event_before_it_is_durable() {
        plant(Planted::PublishBeforeDurable);
        found_by("no event is announced before it is durable");
    }

    #[test]
    fn an_event_told_twice() {
        plant(Planted::PublishTwice);
        found_by("no event is announced twice");
    }

    #[test]
    fn an_event_left_out() {
        plant(Planted::ForgetEvents);
        found_by("every event is announced");
    }

    #[test]
    fn an_engine_that_goes_on_after_a_failed_commit() {
        plant(Planted::SkipRestore);
        found_by("memory = rows");
    }

    #[test]
    fn a_row_left_out() {
        plant(Planted::ForgetRow);
        found_by("rows = journal");
    }

    #[test]
    fn rows_that_are_lost_in_a_restart() {
        plant(Planted::LoseRow);
        found_by("nothing acknowledged is lost");
    }

    #[test]
    fn an_event_that_is_not_logged() {
        plant(Planted::ForgetLog);
        found_by("the log of events is complete and in order");
    }

    #[test]
    fn facts_left_out() {
        plant(Planted::ForgetFacts);
        found_by("what came is what left and what waits");
    }

    #[test]
    fn roll_ups_left_out() {
        plant(Planted::ForgetRollUps);
        found_by("statistics = facts");
    }

    #[test]
    fn what_live_queries_do_not_look_at() {
        plant(Planted::PassOverItems);
        found_by("who follows a live query holds what rows say");
    }

    #[test]
    fn what_is_over_and_remains_in_live_queries() {
        plant(Planted::KeepOverItems);
        found_by("who follows a live query holds what rows say");
    }

    #[test]
    fn names_that_do_not_follow() {
        plant(Planted::ForgetNames);
        found_by("names = rows");
    }

    #[test]
    fn a_webhook_left_out() {
        plant(Planted::ForgetWebhooks);
        found_by("what is to be told outside is written with what it tells of");
    }

    #[test]
    fn a_delivery_that_nobody_is_handed() {
        plant(Planted::ForgetDeliveries);
        found_by("what is to be told outside is told");
    }

    #[test]
    fn old_rows_that_are_kept() {
        plant(Planted::KeepOld);
        found_by("what is old is forgotten, and nothing else");
    }

    #[test]
    fn rows_that_live_and_are_forgotten() {
        plant(Planted::ForgetTooMuch);
        found_by("what is old is forgotten, and nothing else");
    }

    #[test]
    fn timers_that_do_not_run() {
        plant(Planted::ForgetTimers);
        found_by("every routable task is offered, every timer runs");
    }

    #[test]
    fn a_choice_that_does_not_follow_from_the_seed() {
        plant(Planted::UseTheClock);
        // What the clock says by chance may make another checker cry out before.
        let mut others = Vec::new();
        for seed in 0..SEEDS {
            match sim::run_twice(seed).map_err(|failure| failure.broken.checker) {
                Ok(_) => {}
                Err("one seed, one script") => return,
                Err(checker) => others.push((seed, checker)),
            }
        }
        panic!("not found in {SEEDS} seeds; other checkers: {others:?}");
    }
}

mod in_routing {
    use super::found_by;
    use routing::planted::{Planted, plant};

    #[test]
    fn a_full_worker_is_offered_more() {
        plant(Planted::ForgetCapacity);
        found_by("capacity is never exceeded");
    }

    #[test]
    fn a_task_is_offered_to_one_worker_too_many() {
        plant(Planted::OfferTwice);
        found_by("one open reservation per single-offer task");
    }

    #[test]
    fn a_rule_across_channels_is_forgotten() {
        plant(Planted::ForgetRules);
        found_by("rules across channels hold");
    }

    #[test]
    fn a_silent_application_is_waited_for() {
        plant(Planted::ForgetCallbacks);
        found_by("no callback is overdue");
    }

    #[test]
    fn a_schedule_never_opens() {
        plant(Planted::ForgetSchedules);
        found_by("schedules open and close in time");
    }

    #[test]
    fn a_deadline_decides_nothing() {
        plant(Planted::ForgetDeadlines);
        found_by("the earliest breach goes first");
    }

    #[test]
    fn a_worker_is_offered_what_is_for_others() {
        plant(Planted::ForgetTargets);
        found_by("offers are made to those who are asked for");
    }

    #[test]
    fn a_transfer_is_never_offered() {
        plant(Planted::ForgetTransferOffers);
        found_by("a transfer under way has its task and its offer");
    }

    #[test]
    fn a_worker_with_room_is_forgotten() {
        plant(Planted::ForgetFreedWorkers);
        found_by("every routable task is offered, every timer runs");
    }
}
