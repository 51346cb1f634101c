//! What the demo keeps in Sync: what contact centres really keep there, and who goes on
//! changing it.
//!
//! * Everything is made and written by public REST, as a program of the user's would.
//! * Nothing here is read by the desk: it is there to be looked at in the console.
//! * One object is used badly on purpose, so that the view of heat has something to name.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::http::{Caller, Connection, text};
use crate::scratch::Dice;

const SERVICE: &str = "/sync/v1/Services/default";

/// Boards of queues are forgotten when nobody writes them for so long.
const BOARD_TTL_S: &str = "3600";
/// One board, one agent or one message changes this often.
const PACE: Duration = Duration::from_millis(700);
/// A draft is written word by word, then rests.
const DRAFT_WORDS: u64 = 420;
const DRAFT_WORD: Duration = Duration::from_millis(25);
const DRAFT_REST: Duration = Duration::from_secs(30);

const QUEUES: [&str; 5] = ["spanish", "orders", "billing", "technical-help", "everyone"];
const AVAILABILITIES: [&str; 4] = ["available", "in a conversation", "wrapping up", "on a break"];
/// Key, name, extension, languages.
const DIRECTORY: [(&str, &str, u32, &[&str]); 5] = [
    ("dana", "Dana Reyes", 201, &["english", "spanish"]),
    ("ines", "Ines Duarte", 204, &["spanish", "portuguese"]),
    ("kim", "Kim Lindqvist", 205, &["english"]),
    ("noor", "Noor Albright", 202, &["english"]),
    ("sam", "Sam Okafor", 203, &["english", "french"]),
];
/// Category, label, text.
const ANSWERS: [(&str, &str, &str); 8] = [
    ("greeting", "Welcome", "Hello {{name}}, thank you for waiting. How can I help?"),
    ("greeting", "Welcome back", "Hello {{name}}, good to hear from you again."),
    ("billing", "Invoice copy", "I have sent a copy of the invoice to {{email}}."),
    ("billing", "Refund under way", "Your refund is under way. It takes up to five working days."),
    ("orders", "Where is my parcel", "Your parcel left our warehouse on {{date}}."),
    ("orders", "Change of address", "I have changed the address; you get a confirmation by mail."),
    ("technical", "Clear the cache", "Please clear the cache of your browser, then sign in again."),
    ("closing", "Anything else", "Is there anything else that I can do for you?"),
];
/// Code, label, whether it counts as solved.
const DISPOSITIONS: [(&str, &str, bool); 6] = [
    ("callback", "Call back agreed", false),
    ("duplicate", "Asked twice", true),
    ("escalated", "Handed to second level", false),
    ("no-answer", "Customer did not answer", false),
    ("solved", "Solved", true),
    ("wrong-number", "Wrong number", true),
];
const ALERTS: [&str; 4] = [
    "Somebody has waited longer than two minutes",
    "Every agent of billing is busy",
    "A customer asks for a supervisor",
    "The queue for orders is empty again",
];

/// What is written again and again.
struct Living {
    boards: Vec<String>,
    directory: String,
    alerts: String,
    draft: String,
}

/// Fills the account's own service, then goes on writing until `over` is set.
pub(crate) fn start(owner: &Caller, over: Arc<AtomicBool>) -> Result<JoinHandle<()>, String> {
    let mut state = State::of(owner)?;
    let living = fill(&mut state)?;
    let mut words = State::of(owner)?;
    let draft = living.draft.clone();
    let over_too = Arc::clone(&over);
    Ok(std::thread::spawn(move || {
        let writing = std::thread::spawn(move || write_drafts(&mut words, &draft, &over_too));
        keep_living(&mut state, &living, &over);
        writing.join().expect("whoever writes drafts does not panic");
    }))
}

fn fill(state: &mut State) -> Result<Living, String> {
    state.make("", &[("FriendlyName", "Demo contact centre")])?;
    state.document("opening-hours", &opening_hours(), &[])?;
    let notice = json!({"text": "Lines are busy after the holiday; chat is faster.", "show": true});
    state.document("notice-of-the-day", &notice, &[("Ttl", "86400")])?;
    let answers = state.object("Lists", "canned-answers", &[])?;
    for (category, label, text) in ANSWERS {
        let item = json!({"category": category, "label": label, "text": text, "language": "en"});
        state.item(&answers, None, &item, &[])?;
    }
    let dispositions = state.object("Maps", "dispositions", &[])?;
    for (code, label, is_solved) in DISPOSITIONS {
        state.item(
            &dispositions,
            Some(code),
            &json!({"label": label, "solved": is_solved}),
            &[],
        )?;
    }
    let directory = state.object("Maps", "directory", &[])?;
    for (key, ..) in DIRECTORY {
        state.item(&directory, Some(key), &entry(key, AVAILABILITIES[0]), &[])?;
    }
    for (identity, write) in [("dana", "false"), ("noor", "false"), ("sofia", "true")] {
        let rights = [("Read", "true"), ("Write", write), ("Manage", "false")];
        state.make(&format!("{directory}/Permissions/{identity}"), &rights)?;
    }
    let scheduled = state.object("Maps", "scheduled-messages:Europe/Madrid", &[])?;
    for n in 0..24 {
        let message = json!({
            "to": format!("+3460055{:04}", 100 + n * 7),
            "send_at": format!("{:02}:{:02}", 8 + n / 6, (n % 6) * 10),
            "body": "Your appointment is tomorrow. Answer 1 to confirm.",
            "made_by": "reminders",
        });
        state.item(
            &scheduled,
            Some(&format!("reminder-{n:03}")),
            &message,
            &[("ItemTtl", "43200")],
        )?;
    }
    let mut boards = Vec::new();
    for queue in QUEUES {
        let (name, ttl) = (format!("board:{queue}"), [("Ttl", BOARD_TTL_S)]);
        boards.push(state.document(&name, &board(0, 0, 0), &ttl)?);
    }
    let alerts = state.object("Streams", "alerts", &[])?;
    let draft = state.document("assist:draft-answer", &json!({"text": ""}), &[])?;
    Ok(Living { boards, directory, alerts, draft })
}

fn opening_hours() -> Value {
    json!({
        "time_zone": "Europe/Madrid",
        "weekdays": {
            "monday": ["09:00", "18:00"],
            "tuesday": ["09:00", "18:00"],
            "wednesday": ["09:00", "18:00"],
            "thursday": ["09:00", "20:00"],
            "friday": ["09:00", "16:00"],
        },
        "holidays": [
            {"date": "12-25", "name": "Christmas Day", "closed": true},
            {"date": "12-31", "name": "New Year's Eve", "open": ["09:00", "13:00"]},
        ],
        "when_closed": "callback",
    })
}

fn board(waiting: u64, longest_s: u64, available: u64) -> Value {
    json!({"waiting": waiting, "longest_wait_s": longest_s, "agents_available": available})
}

fn entry(key: &str, availability: &str) -> Value {
    let found = DIRECTORY.iter().find(|(of, ..)| *of == key);
    let (_, name, extension, languages) = found.expect("only keys of the directory are asked for");
    json!({
        "name": name,
        "extension": extension,
        "languages": languages,
        "availability": availability,
    })
}

/// Boards, availabilities and alerts change at random, one at a time.
fn keep_living(state: &mut State, living: &Living, over: &AtomicBool) {
    let mut dice = Dice::new(u64::from(std::process::id()) + 1);
    while rest(PACE, over) {
        let done = match dice.below(10) {
            0 | 1 => {
                let alert = json!({"text": dice.pick(&ALERTS), "level": "information"});
                state.write(&format!("{}/Messages", living.alerts), &alert, &[])
            }
            2..=4 => {
                let (key, ..) = dice.pick(&DIRECTORY);
                let availability: &&str = dice.pick(&AVAILABILITIES);
                let entry = entry(key, availability);
                state.write(&format!("{}/Items/{key}", living.directory), &entry, &[])
            }
            _ => {
                let waiting = dice.below(7);
                let longest_s = waiting * (5 + dice.below(30));
                let board_now = board(waiting, longest_s, dice.below(4));
                let of: &String = dice.pick(&living.boards);
                state.write(of, &board_now, &[("Ttl", BOARD_TTL_S)])
            }
        };
        // Somebody may have deleted it in the console, which is what a demo is for.
        drop(done);
    }
}

/// An assistant that saves its draft after every word, as people do before they know better.
fn write_drafts(state: &mut State, draft: &str, over: &AtomicBool) {
    loop {
        let mut words = Vec::new();
        for n in 0..DRAFT_WORDS {
            let (_, _, answer) = ANSWERS[(n as usize / 12) % ANSWERS.len()];
            words.extend(answer.split(' ').nth(n as usize % 12));
            let shown = words[words.len().saturating_sub(24)..].join(" ");
            let written = state.write(draft, &json!({"text": shown, "words": n + 1}), &[]);
            if !rest(DRAFT_WORD, over) {
                return;
            }
            if written.is_err() {
                break;
            }
        }
        if !rest(DRAFT_REST, over) {
            return;
        }
    }
}

/// Waits, and says whether to go on.
fn rest(time: Duration, over: &AtomicBool) -> bool {
    let next = Instant::now() + time;
    while !over.load(Ordering::Relaxed) {
        let left = next.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return true;
        }
        std::thread::sleep(left.min(Duration::from_millis(100)));
    }
    false
}

struct State {
    connection: Connection,
}

impl State {
    fn of(owner: &Caller) -> Result<State, String> {
        Ok(State { connection: owner.connect().map_err(|error| error.to_string())? })
    }

    fn make(&mut self, path: &str, fields: &[(&str, &str)]) -> Result<Value, String> {
        let path = format!("{SERVICE}{path}");
        let answer = self.connection.form(&path, fields).and_then(|answer| answer.success());
        answer.map_err(|error| format!("{path}: {error}"))
    }

    /// Answers where it is, below the service.
    fn object(&mut self, kind: &str, name: &str, more: &[(&str, &str)]) -> Result<String, String> {
        let fields = [&[("UniqueName", name)], more].concat();
        let made = self.make(&format!("/{kind}"), &fields)?;
        Ok(format!("/{kind}/{}", text(&made, "sid")))
    }

    fn document(
        &mut self,
        name: &str,
        data: &Value,
        more: &[(&str, &str)],
    ) -> Result<String, String> {
        let data = data.to_string();
        self.object("Documents", name, &[&[("Data", data.as_str())], more].concat())
    }

    fn item(
        &mut self,
        object: &str,
        key: Option<&str>,
        data: &Value,
        more: &[(&str, &str)],
    ) -> Result<(), String> {
        let key = key.map(|key| ("Key", key));
        let fields: Vec<_> = key.into_iter().chain(more.iter().copied()).collect();
        self.write(&format!("{object}/Items"), data, &fields)
    }

    fn write(&mut self, path: &str, data: &Value, more: &[(&str, &str)]) -> Result<(), String> {
        let data = data.to_string();
        self.make(path, &[&[("Data", data.as_str())], more].concat()).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draft_is_written_often_enough_to_be_named() {
        // The view of heat names what is written more than 20 times a second for ten seconds; a
        // write itself takes some milliseconds.
        let per_second = Duration::from_secs(1).div_duration_f64(DRAFT_WORD);
        assert!(per_second > 30.0, "{per_second}");
        assert!(DRAFT_WORD * u32::try_from(DRAFT_WORDS).unwrap() > Duration::from_secs(10));
    }

    #[test]
    fn rest_ends_at_once_when_the_demo_does() {
        assert!(rest(Duration::ZERO, &AtomicBool::new(false)));
        assert!(!rest(Duration::from_secs(600), &AtomicBool::new(true)));
    }
}
