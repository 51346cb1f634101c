//! Opening hours: when they flip, and what that does to tasks that wait for it.

use crate::world::{World, attrs, straight_to};
use base::{Millis, Timestamp};
use jiff::{
    civil::{Date, DateTime, Time},
    tz::{TimeZone, TimeZoneDatabase},
};
use routing::{command::*, schedule::ScheduleView, *};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const MINUTE: i64 = 60_000;
const DAY_S: i64 = 86_400;

fn set(world: &mut World, name: &str, body: Value) -> ScheduleView {
    let set = Command::SetSchedule { name: name.to_owned(), if_match: IfMatch::Any, body };
    match world.must(set) {
        Reply::Schedule(view) => *view,
        other => panic!("{other:?}"),
    }
}

fn view(world: &World, name: &str) -> ScheduleView {
    match world.routing.ask(&Question::Schedule(name.to_owned()), world.now) {
        Ok(Answer::Schedules(mut views)) => views.remove(0),
        other => panic!("{other:?}"),
    }
}

fn at(text: &str) -> Timestamp {
    text.parse().expect("tests write times well")
}

/// When a schedule opens and closes from `from` on, as the engine's deadlines have it.
fn flips(body: Value, from: &str, days: i64) -> Vec<(Timestamp, bool)> {
    let mut world = World::new();
    world.now = at(from);
    let first = set(&mut world, "s", body);
    let mut open = first.open;
    let mut flips = Vec::new();
    let known = world.journal.len();
    world.advance(days * DAY_S);
    for change in &world.journal[known..] {
        if let Change::ScheduleLooked { open: is, at, .. } = change
            && *is != open
        {
            open = *is;
            flips.push((*at, open));
        }
    }
    flips
}

fn shown(flips: &[(Timestamp, bool)]) -> Vec<String> {
    let word = |open| if open { "opens" } else { "closes" };
    flips.iter().map(|(at, open)| format!("{at} {}", word(*open))).collect()
}

/// Every minute of the time in question with what the clock on the wall shows: where a time is
/// shown first and last, in minutes since the beginning.
struct Wall {
    begin: i64,
    shows: BTreeMap<DateTime, (usize, usize)>,
    minutes: usize,
}

impl Wall {
    fn of(zone: &TimeZone, begin: Timestamp, days: i64) -> Self {
        let minutes = usize::try_from(days * 24 * 60).expect("it is not negative");
        let mut shows: BTreeMap<DateTime, (usize, usize)> = BTreeMap::new();
        for minute in 0..minutes {
            let instant = begin.0 + minute as i64 * MINUTE;
            let instant = jiff::Timestamp::from_millisecond(instant).expect("it is near");
            let wall = zone.to_datetime(instant);
            shows.entry(wall).and_modify(|(_, last)| *last = minute).or_insert((minute, minute));
        }
        Self { begin: begin.0, shows, minutes }
    }

    fn opens(&self, wall: DateTime) -> Option<usize> {
        self.shows.range(wall..).next().map(|(_, (first, _))| *first)
    }

    fn closes(&self, wall: DateTime) -> Option<usize> {
        match self.shows.get(&wall) {
            Some((_, last)) => Some(*last),
            None => self.opens(wall),
        }
    }

    /// Minute by minute: open or not.
    fn walk(&self, hours: &dyn Fn(Date) -> Vec<(i64, i64)>) -> Vec<(Timestamp, bool)> {
        let mut open = vec![false; self.minutes];
        let mut dates: Vec<Date> = self.shows.keys().map(|wall| wall.date()).collect();
        dates.dedup();
        for date in dates {
            for (from, to) in hours(date) {
                let wall = |minutes: i64| {
                    let midnight = date.to_datetime(Time::midnight());
                    midnight + jiff::SignedDuration::from_mins(minutes)
                };
                let (from, to) = (self.opens(wall(from)), self.closes(wall(to)));
                let from = from.unwrap_or(self.minutes);
                let to = to.unwrap_or(self.minutes);
                (from..to.max(from)).for_each(|minute| open[minute] = true);
            }
        }
        let pairs = open.windows(2).enumerate();
        let flips = pairs.filter(|(_, pair)| pair[0] != pair[1]);
        flips.map(|(i, pair)| (Timestamp(self.begin + (i as i64 + 1) * MINUTE), pair[1])).collect()
    }
}

#[test]
fn a_year_is_what_a_walk_through_its_minutes_says() {
    let weekly = json!([
        {"days": ["mon", "tue", "wed", "thu", "fri"], "from": "08:00", "to": "18:00"},
        {"days": ["sat"], "from": "22:30", "to": "02:30"},
        {"days": ["sun"], "from": "01:45", "to": "03:15"},
        {"days": ["sun"], "from": "03:15", "to": "04:00"},
        {"days": ["thu"], "from": "17:00", "to": "24:00"},
    ]);
    let hours = |date: Date| {
        let mut hours = match date.weekday().to_monday_zero_offset() {
            5 => vec![(22 * 60 + 30, 26 * 60 + 30)],
            6 => vec![(105, 195), (195, 240)],
            3 => vec![(480, 1080), (1020, 1440)],
            _ => vec![(480, 1080)],
        };
        if (date.month(), date.day()) == (12, 25) {
            hours.clear();
        }
        hours
    };
    // The last one moves its clock by half an hour, Samoa's lost a day, Havana's goes back at
    // midnight.
    let zones = [
        ("Europe/Berlin", 2026),
        ("America/New_York", 2026),
        ("America/Havana", 2026),
        ("Pacific/Apia", 2011),
        ("Australia/Lord_Howe", 2026),
    ];
    for (name, year) in zones {
        let zone = TimeZoneDatabase::bundled().get(name).expect("it is compiled in");
        let begin = format!("{year}-01-05T00:00:00Z");
        let wall = Wall::of(&zone, at(&begin) + Millis::secs(-3 * DAY_S), 372);
        let wanted: Vec<_> = wall.walk(&hours);
        let (first, last) = (at(&begin), at(&begin) + Millis::secs(365 * DAY_S));
        let wanted: Vec<_> =
            wanted.into_iter().filter(|(at, _)| *at > first && *at <= last).collect();
        let body = json!({"timezone": name, "weekly": weekly,
            "exceptions": [{"date": format!("{year}-12-25"), "closed": true}]});
        let got = flips(body, &begin, 365);
        assert!(wanted.len() > 500, "{name}: {} flips", wanted.len());
        for (got, wanted) in got.iter().zip(&wanted) {
            assert_eq!(got, wanted, "{name}: {} / {}", got.0, wanted.0);
        }
        assert_eq!(got.len(), wanted.len(), "{name}");
    }
}

#[test]
fn a_skipped_time_is_the_moment_of_the_jump() {
    let night = |from: &str, to: &str| {
        let weekly = json!([{"days": ["sun"], "from": from, "to": to}]);
        json!({"timezone": "Europe/Berlin", "weekly": weekly})
    };
    // On 29 March 2026 the clock goes from 02:00 to 03:00, which is 01:00 in UTC.
    let day = |from, to| shown(&flips(night(from, to), "2026-03-28T12:00:00Z", 1));
    assert_eq!(
        day("02:30", "04:00"),
        ["2026-03-29T01:00:00Z opens", "2026-03-29T02:00:00Z closes"]
    );
    assert_eq!(
        day("01:30", "02:30"),
        ["2026-03-29T00:30:00Z opens", "2026-03-29T01:00:00Z closes"]
    );
    assert_eq!(day("02:10", "02:50"), Vec::<String>::new());
}

#[test]
fn of_a_repeated_time_opening_takes_the_first_and_closing_the_last() {
    let night = |from: &str, to: &str| {
        let weekly = json!([{"days": ["sun"], "from": from, "to": to}]);
        json!({"timezone": "Europe/Berlin", "weekly": weekly})
    };
    // On 25 October 2026 the clock goes from 03:00 back to 02:00, which is 01:00 in UTC.
    let day = |from, to| shown(&flips(night(from, to), "2026-10-24T12:00:00Z", 1));
    assert_eq!(
        day("02:30", "04:00"),
        ["2026-10-25T00:30:00Z opens", "2026-10-25T03:00:00Z closes"]
    );
    assert_eq!(
        day("01:30", "02:30"),
        ["2026-10-24T23:30:00Z opens", "2026-10-25T01:30:00Z closes"]
    );
    assert_eq!(
        day("02:10", "02:50"),
        ["2026-10-25T00:10:00Z opens", "2026-10-25T01:50:00Z closes"]
    );
}

#[test]
fn exceptions_replace_what_begins_on_their_dates() {
    let body = json!({
        "timezone": "UTC",
        "weekly": [{"days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"],
                    "from": "20:00", "to": "02:00"}],
        "exceptions": [
            {"name": "short", "date": "2026-12-23", "from": "10:00", "to": "11:00"},
            {"name": "holidays", "date": "2025-12-24", "until": "2026-01-01", "yearly": true,
             "closed": true},
            {"date": "2026-12-31", "from": "00:00", "to": "24:00"},
            {"date": "2027-01-02", "hours": [{"from": "08:00", "to": "09:00"},
                                             {"from": "09:00", "to": "10:00"}]},
        ],
    });
    let told = shown(&flips(body, "2026-12-22T12:00:00Z", 12));
    let wanted = [
        "2026-12-22T20:00:00Z opens",
        "2026-12-23T02:00:00Z closes",
        "2026-12-23T10:00:00Z opens",
        "2026-12-23T11:00:00Z closes",
        "2027-01-02T08:00:00Z opens",
        "2027-01-02T10:00:00Z closes",
        "2027-01-03T02:00:00Z closes",
    ];
    // The first exception that covers the 31st closes it; on the 2nd nothing begins at 20:00.
    assert_eq!(told, wanted[..6]);
}

#[test]
fn a_leap_day_comes_round_in_leap_years_only_and_open_always_never_flips() {
    let leap = json!({"timezone": "UTC", "exceptions": [
        {"date": "2024-02-29", "yearly": true, "from": "08:00", "to": "09:00"}]});
    let told = shown(&flips(leap, "2027-01-01T00:00:00Z", 800));
    assert_eq!(told, ["2028-02-29T08:00:00Z opens", "2028-02-29T09:00:00Z closes"]);
    let days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let always = json!({"timezone": "Europe/Berlin",
        "weekly": [{"days": days, "from": "00:00", "to": "24:00"}]});
    assert_eq!(flips(always.clone(), "2026-01-01T00:00:00Z", 1_000), []);
    let mut world = World::new();
    let set = set(&mut world, "always", always);
    assert_eq!((set.open, set.next_flip), (true, None));
}

/// A worker, a queue, and a workflow whose target waits for `schedule.support.open`.
fn waiting() -> (World, TaskSid) {
    let mut world = World::new();
    let queue = world.new_queue("Support", "1==1");
    let target =
        format!(r#"{{"queue": "{queue}", "expression": "schedule.support.open == true"}}"#);
    world.new_workflow(
        "wf",
        format!(
            r#"{{"task_routing": {{"filters": [{{"filter_friendly_name": "all",
                "expression": "1==1", "targets": [{target}]}}]}}}}"#
        ),
    );
    world.new_worker("Ann", "Available", "{}");
    let task = world.new_task_of(NewTask {
        attributes: attrs("{}"),
        timeout_s: Some(7 * 86_400),
        ..NewTask::default()
    });
    (world, task)
}

/// Berlin opens at eight, which on 1 January 2026 is seven in UTC.
fn berlin() -> Value {
    json!({"timezone": "Europe/Berlin", "weekly": [
        {"days": ["mon", "tue", "wed", "thu", "fri"], "from": "08:00", "to": "18:00"}]})
}

fn status(world: &World, task: TaskSid) -> TaskStatus {
    world.task(task).expect("it is there").status
}

#[test]
fn a_flip_offers_what_waited_for_it_at_that_instant() {
    let (mut world, task) = waiting();
    assert_eq!(status(&world, task), TaskStatus::Pending, "no such schedule is null");
    let set = set(&mut world, "support", berlin());
    assert_eq!((set.open, set.next_flip), (false, Some(at("2026-01-01T07:00:00Z"))));
    assert_eq!(world.routing.next_deadline(), set.next_flip, "nothing is tried in between");
    world.advance_to(at("2026-01-01T06:59:59Z"));
    world.routing.check();
    assert_eq!(status(&world, task), TaskStatus::Pending);
    world.advance_to(at("2026-01-01T07:00:00Z"));
    world.routing.check();
    assert_eq!(status(&world, task), TaskStatus::Reserved);
    assert_eq!(world.newest(task).created_at, at("2026-01-01T07:00:00Z"));
    assert_eq!(world.replayed().digest(), world.routing.digest());
}

#[test]
fn a_flip_that_passed_during_a_restart_is_made_up_for() {
    let (mut world, task) = waiting();
    set(&mut world, "support", berlin());
    let mut restored = world.restored();
    restored.check();
    assert_eq!(restored.digest(), world.routing.digest());
    assert_eq!(restored.next_deadline(), Some(at("2026-01-01T07:00:00Z")));
    world.now = at("2026-01-01T09:30:00Z");
    let mut turn = Turn::new(world.now, &mut world.ids);
    restored.expire(&mut turn);
    let offered = turn.changes.iter().any(
        |change| matches!(change, Change::TaskOffered { task: offered, .. } if *offered == task),
    );
    assert!(offered, "{:?}", turn.changes);
    assert_eq!(restored.next_deadline().map(|at| at > world.now), Some(true));
}

#[test]
fn other_hours_match_at_once_and_none_at_all_is_null_again() {
    let (mut world, task) = waiting();
    set(&mut world, "support", berlin());
    let mut body = berlin();
    body["weekly"][0]["from"] = "00:00".into();
    let set_again = set(&mut world, "support", body.clone());
    assert_eq!((set_again.schedule.version, set_again.open), (2, true));
    assert_eq!(status(&world, task), TaskStatus::Reserved);
    assert_eq!(set(&mut world, "support", body).schedule.version, 2, "nothing changed");
    world.accept(task);
    world.set_status(task, TaskStatus::Completed).expect("it was accepted");
    let delete = |version| Command::DeleteSchedule {
        name: "support".to_owned(),
        if_match: IfMatch::Version(version),
    };
    assert_eq!(world.run(&delete(1)), Err(Rejection::Stale { current: 2 }));
    world.must(delete(2));
    let unknown = Rejection::UnknownSchedule("support".to_owned());
    assert_eq!(world.run(&delete(2)), Err(unknown));
    let task = world.new_task("{}");
    world.routing.check();
    assert_eq!(status(&world, task), TaskStatus::Pending);
    assert_eq!(world.restored().digest(), world.routing.digest());
}

#[test]
fn filters_see_what_is_open_when_a_task_comes() {
    let mut world = World::new();
    let (day, night) = (world.new_queue("Day", "1==1"), world.new_queue("Night", "1==1"));
    world.new_workflow(
        "wf",
        format!(
            r#"{{"task_routing": {{"filters": [{{"filter_friendly_name": "open",
                "expression": "schedule.support.open == true", "targets": [{{"queue": "{day}"}}]}}],
                "default_filter": {{"queue": "{night}"}}}}}}"#
        ),
    );
    let queue_of = |world: &mut World| {
        let task = world.new_task("{}");
        world.task(task).expect("it was made").queue
    };
    assert_eq!(queue_of(&mut world), Some(night));
    set(&mut world, "support", berlin());
    assert_eq!(queue_of(&mut world), Some(night));
    world.advance_to(at("2026-01-01T07:00:00Z"));
    assert_eq!(queue_of(&mut world), Some(day));
    world.advance_to(at("2026-01-01T17:00:00Z"));
    assert_eq!(queue_of(&mut world), Some(night));
    let now = view(&world, "support");
    assert_eq!((now.open, now.next_flip), (false, Some(at("2026-01-02T07:00:00Z"))));
}

#[test]
fn errors_name_the_field_and_the_reason() {
    let mut world = World::new();
    let queue = world.new_queue("Support", "1==1");
    world.new_workflow("wf", straight_to(queue));
    let weekly = |weekly: Value| json!({"timezone": "UTC", "weekly": [weekly]});
    let except = |exception: Value| json!({"timezone": "UTC", "exceptions": [exception]});
    let told = [
        (json!({}), "timezone is required"),
        (json!({"timezone": "Mars/Base"}), "timezone 'Mars/Base' is not an IANA time zone"),
        (json!({"timezone": "UTC", "hours": []}), "hours is not known here"),
        (weekly(json!({"from": "08:00", "to": "09:00"})), "weekly[0].days must name a day"),
        (
            weekly(json!({"days": ["mon", "Tue"], "from": "08:00", "to": "09:00"})),
            "weekly[0].days[1] must be one of mon, tue",
        ),
        (weekly(json!({"days": ["mon"], "to": "09:00"})), "weekly[0].from is required"),
        (
            weekly(json!({"days": ["mon"], "from": "8:00", "to": "09:00"})),
            "weekly[0].from must be a time of day such as 08:30",
        ),
        (
            weekly(json!({"days": ["mon"], "from": "08:00", "to": "25:00"})),
            "weekly[0].to must be a time of day",
        ),
        (
            weekly(json!({"days": ["mon"], "from": "08:00", "to": "08:00"})),
            "weekly[0].to must not be 'from'",
        ),
        (except(json!({"closed": true})), "exceptions[0].date is required"),
        (
            except(json!({"date": "2026-02-29", "closed": true})),
            "exceptions[0].date must be a date such as",
        ),
        (except(json!({"date": "2026-12-25"})), "exceptions[0] must say either closed, or"),
        (
            except(json!({"date": "2026-12-25", "closed": true, "from": "08:00"})),
            "exceptions[0] must say either closed, or",
        ),
        (
            except(json!({"date": "2026-12-25", "until": "2026-12-24", "closed": true})),
            "exceptions[0].until must not be before date",
        ),
        (
            except(json!({"date": "2026-12-25", "until": "2028-01-01", "yearly": true,
                          "closed": true})),
            "exceptions[0].until must be less than a year",
        ),
        (
            except(json!({"date": "2026-12-25", "hours": [{"from": "08:00"}]})),
            "exceptions[0].hours[0].to is required",
        ),
    ];
    for (body, wanted) in told {
        let set = Command::SetSchedule { name: "s".to_owned(), if_match: IfMatch::Any, body };
        let got = world.run(&set).expect_err(wanted).to_string();
        assert!(got.contains(wanted), "{got} / {wanted}");
    }
    for name in ["", "9to5", "a-b", &"x".repeat(65)] {
        let (name, body) = (name.to_owned(), berlin());
        let set = Command::SetSchedule { name, if_match: IfMatch::Any, body };
        let got = world.run(&set).expect_err("no expression could name it");
        assert!(matches!(got, Rejection::Invalid { parameter: "Name", .. }), "{got}");
    }
}
