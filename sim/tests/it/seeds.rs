//! The first seeds, in parts that run side by side, and the seeds of bugs that were fixed.

/// Seeds in all; `SINEW_SIM_SEEDS` changes it. The many run optimised: `cargo xtask sim --seeds N`.
const SEEDS: u64 = 48;
const PARTS: u64 = 6;

fn part(part: u64) {
    let asked = std::env::var("SINEW_SIM_SEEDS").ok();
    let seeds = asked.map_or(SEEDS, |text| text.parse().expect("SINEW_SIM_SEEDS is a number"));
    for seed in (part..seeds).step_by(PARTS as usize) {
        if let Err(failure) = sim::run_twice(seed) {
            panic!("{failure}");
        }
    }
}

macro_rules! parts {
    ($($name:ident = $part:literal),+ $(,)?) => {
        $(#[test] fn $name() { part($part); })+
        #[test]
        fn the_parts_are_all_there() {
            let all = std::array::from_fn::<u64, { PARTS as usize }, _>(|n| n as u64);
            assert_eq!([$($part),+], all);
        }
    };
}

parts! {
    every_promise_holds_1_of_6 = 0,
    every_promise_holds_2_of_6 = 1,
    every_promise_holds_3_of_6 = 2,
    every_promise_holds_4_of_6 = 3,
    every_promise_holds_5_of_6 = 4,
    every_promise_holds_6_of_6 = 5,
}

#[test]
fn bugs_that_were_fixed_stay_fixed() {
    let fixed = include_str!("../../seeds/fixed.txt");
    for line in fixed.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let seed = line.split_whitespace().next().and_then(|seed| seed.parse().ok());
        let seed = seed.unwrap_or_else(|| panic!("'{line}' does not begin with a seed"));
        if let Err(failure) = sim::run_twice(seed) {
            panic!("{line}\n{failure}");
        }
    }
}
