//! The first seeds of sync under faults.

#[test]
fn sync_keeps_every_promise_under_faults() {
    let mut all = sim::BucketCounts::default();
    for seed in 0..30 {
        let first = sim::buckets(seed).unwrap_or_else(|broken| panic!("seed {seed}: {broken:?}"));
        assert_eq!(sim::buckets(seed), Ok(first), "one seed, one course");
        all.done += first.done;
        all.unclear += first.unclear;
        all.told += first.told;
        all.crashes += first.crashes;
        let of = first.followers;
        all.followers.connections += of.connections;
        all.followers.events += of.events;
        all.followers.interruptions += of.interruptions;
        all.followers.sent_away += of.sent_away;
        all.followers.expired += of.expired;
        all.followers.forgotten += of.forgotten;
    }
    println!("{all:?}");
    assert!(
        all.done > 5_000 && all.unclear > 200 && all.told > 5_000 && all.crashes > 40,
        "{all:?}"
    );
    let of = all.followers;
    assert!(of.connections > 800 && of.events > 3_000, "{of:?}");
    assert!(of.interruptions > 100 && of.sent_away > 100, "{of:?}");
    assert!(of.expired > 10 && of.forgotten > 10, "{of:?}");
}
