//! The first seeds of sync under faults.

#[test]
fn sync_keeps_every_promise_under_faults() {
    let mut all = sim::BucketCounts::default();
    for seed in 0..60 {
        let first = sim::buckets(seed).unwrap_or_else(|broken| panic!("seed {seed}: {broken:?}"));
        assert_eq!(sim::buckets(seed), Ok(first), "one seed, one course");
        all.done += first.done;
        all.unclear += first.unclear;
        all.told += first.told;
        all.crashes += first.crashes;
    }
    assert!(
        all.done > 5_000 && all.unclear > 200 && all.told > 5_000 && all.crashes > 100,
        "{all:?}"
    );
}
