//! A recorder with its rows, against counting every fact anew.

use super::*;
use crate::{Counters, Deleted, Outcome, Place, What, Window, counters::merge_channels};
use base::Draws;

const WORKSPACE: Sid = Sid::new(*b"WS", 1);
/// Near the end of an hour.
const START: i64 = 490_000 * HOUR - 90_000;

/// Facts that follow from a seed.
struct Dice(Draws);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0.below(sides)
    }

    fn sid(&mut self, kind: [u8; 2], of: u64) -> Sid {
        Sid::new(kind, u128::from(self.roll(of)))
    }

    fn fact(&mut self) -> Fact {
        let place = Place {
            queue: (self.roll(5) > 0).then(|| self.sid(*b"WQ", 40)),
            workflow: (self.roll(5) > 0).then(|| self.sid(*b"WW", 3)),
            channel: self.sid(*b"TC", 3),
        };
        let wait = Millis(self.roll(20_000) as i64);
        let worker = self.sid(*b"WK", 90);
        let in_queue = (self.roll(2) > 0).then_some(Millis(wait.0 / 2));
        let what = match self.roll(8) {
            0 => What::Created,
            1 => What::Entered,
            2 => What::Moved,
            3 => What::Canceled { wait },
            4 => What::Deleted(Deleted::Waiting),
            5 => What::Reservation { worker, outcome: Outcome::Created },
            _ => What::Reservation { worker, outcome: Outcome::Accepted { wait, in_queue } },
        };
        Fact { place, what }
    }
}

/// What a store would hold.
#[derive(Default)]
struct Rows {
    rows: BTreeMap<String, String>,
    progress: Progress,
    /// Every turn's facts.
    log: Vec<(Timestamp, Vec<Fact>)>,
}

impl Rows {
    fn put(&mut self, portion: Vec<RollUp>) {
        assert!(portion.len() <= PORTION + 1, "a portion is small");
        for row in portion {
            match row {
                RollUp::Minute { key, body, .. } | RollUp::Hour { key, body, .. } => {
                    self.rows.insert(key, body);
                }
                RollUp::Progress(progress) => self.progress = progress,
            }
        }
    }

    fn restart(&self) -> Recorder {
        let mut recorder = Recorder::restore(WORKSPACE, self.progress);
        for (key, body) in &self.rows {
            let minute = minute_of_key(key);
            if let Some(minute) = minute.filter(|m| recorder.minutes_wanted().contains(m)) {
                recorder.take_minute(minute, serde_json::from_str(body).expect("its own text"));
            }
        }
        let wanted = recorder.facts_wanted();
        for (at, facts) in self.log.iter().filter(|(at, _)| *at >= wanted) {
            recorder.add(*at, facts);
        }
        recorder
    }

    /// As a reader puts it together.
    fn read(&self, recorder: &Recorder, window: Window, now: Timestamp, scope: Sid) -> Channels {
        let mut sum = Channels::new();
        let progress = recorder.complete(now);
        let parts = window.parts(now, progress.hours_until);
        for hour in parts.hours {
            if let Some(body) = self.rows.get(&hour_key(scope, hour)) {
                merge_channels(&mut sum, &serde_json::from_str(body).expect("its own text"));
            }
        }
        for minutes in parts.minutes {
            for (key, body) in &self.rows {
                let minute = minute_of_key(key);
                let fits = |m: i64| minutes.contains(&m) && m < progress.minutes_until;
                if minute.is_some_and(fits)
                    && let Some(found) = in_chunk(body, scope).expect("its own text")
                {
                    merge_channels(&mut sum, &found);
                }
            }
            for (_, scopes) in recorder.running(minutes, &[scope]) {
                scopes.values().for_each(|channels| merge_channels(&mut sum, channels));
            }
        }
        for edge in parts.edges {
            merge_channels(&mut sum, &self.naive(edge, scope));
        }
        sum
    }

    /// Every fact anew.
    fn naive(&self, window: Window, scope: Sid) -> Channels {
        let mut scopes = Scopes::new();
        for (_, facts) in self.log.iter().filter(|(at, _)| window.contains(*at)) {
            count(&mut scopes, WORKSPACE, facts);
        }
        scopes.remove(&scope).unwrap_or_default()
    }
}

/// Three hours of facts with pauses, portions as they come due, and restarts.
fn run(seed: u64, look: impl Fn(&mut Dice, &Rows, &Recorder, Timestamp)) {
    let mut dice = Dice(Draws::new(seed));
    let (mut rows, mut recorder) = (Rows::default(), Recorder::new(WORKSPACE));
    let mut now = Timestamp(START);
    while now.0 < START + 3 * HOUR {
        let pause = match dice.roll(60) {
            0 => dice.roll(50 * 60_000),
            1..10 => dice.roll(60_000),
            _ => dice.roll(900),
        };
        let next = now + Millis(pause as i64);
        while let Some(at) = recorder.next_deadline().filter(|at| *at <= next) {
            // After a restart what was under way is begun again at once.
            now = now.max(at);
            rows.put(recorder.portion(now));
            assert!(recorder.next_deadline().is_none_or(|next| next > now), "it is due again");
            if dice.roll(8) == 0 {
                let restarted = rows.restart();
                assert_eq!(restarted.minutes, recorder.minutes, "seed {seed} at {now}");
                assert_eq!(restarted.hours, recorder.hours, "seed {seed} at {now}");
                recorder = restarted;
            }
        }
        now = next;
        let facts: Vec<Fact> = (0..dice.roll(4)).map(|_| dice.fact()).collect();
        recorder.add(now, &facts);
        rows.log.push((now, facts));
        if dice.roll(20) == 0 {
            look(&mut dice, &rows, &recorder, now);
        }
    }
}

#[test]
fn any_window_is_the_sum_of_its_facts() {
    for seed in 0..6 {
        run(seed, |dice, rows, recorder, now| {
            let span = (now.0 - START + 120_000) as u64;
            let from = Timestamp(now.0 - dice.roll(span) as i64);
            let to = Timestamp(from.0 + dice.roll(span) as i64);
            let window = match dice.roll(3) {
                0 => Window { from, to: now + Millis(1) },
                _ => Window { from, to },
            };
            let kinds = [*b"WQ", *b"WW", *b"WK"];
            let scope = match dice.roll(4) {
                0 => WORKSPACE,
                n => dice.sid(kinds[n as usize - 1], [40, 3, 90][n as usize - 1]),
            };
            let read = rows.read(recorder, window, now, scope);
            assert_eq!(read, rows.naive(window, scope), "seed {seed}: {scope} in {window:?}");
        });
    }
}

#[test]
fn without_facts_nothing_is_written() {
    let mut recorder = Recorder::new(WORKSPACE);
    recorder.add(Timestamp(START), &[]);
    assert_eq!(recorder.next_deadline(), None);
    assert_eq!(recorder.portion(Timestamp(START + HOUR)), Vec::new());
}

#[test]
fn a_busy_hour_is_written_in_small_portions() {
    let mut recorder = Recorder::new(WORKSPACE);
    let channel = Sid::new(*b"TC", 1);
    for queue in 0..3_000 {
        let queue = Some(Sid::new(*b"WQ", queue));
        let place = Place { queue, workflow: None, channel };
        recorder.add(Timestamp(START), &[Fact { place, what: What::Entered }]);
    }
    let (mut portions, mut rows) = (0, Rows::default());
    while let Some(at) = recorder.next_deadline() {
        rows.put(recorder.portion(at));
        portions += 1;
    }
    // The workspace and its queues: 94 rows of a minute, 3 001 of an hour.
    assert_eq!((portions, rows.rows.len()), (3 + 94, 94 + 3_001));
    let whole = Window { from: Timestamp(0), to: Timestamp(START + HOUR) };
    let last = Sid::new(*b"WQ", 2_999);
    let read = rows.read(&recorder, whole, Timestamp(START + HOUR), last);
    assert_eq!(Counters::sum(&read).tasks_entered, 1);
}
