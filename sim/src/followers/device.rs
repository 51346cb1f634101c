//! A client library on its line: what it asks, what it is told, and what it makes of it.
//!
//! * It follows the public description: it asks again from the newest event it knows, opens an
//!   object anew when that is refused, and never takes an event twice.
//! * It complains at once about an event out of turn, one left out, or one it did not ask for.

use super::{
    course::{Course, Effect, Entries},
    packet,
    switchboard::{Link, Switchboard, token},
};
use crate::Broken;
use base::{Millis, Timestamp};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use sync::{EventId, ObjectKind, ObjectSid};
use testkit::Random;

/// Objects one device follows.
const FOLLOWED_MAX: usize = 4;

/// How somebody takes what is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    /// All of it whenever there is something.
    Quick,
    /// A packet now and then.
    Slow,
}

/// How far a copy of an object has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    /// It is not known what is in it.
    #[default]
    Unopened,
    /// That was asked.
    Opening,
    /// It is known up to an event.
    Known,
    /// Whatever comes behind it was asked for, in the request of this number.
    Asked(u64),
    /// Whatever happens is told.
    Live,
    /// It is no more.
    Gone,
}

/// What a device knows of an object.
#[derive(Debug, Default)]
struct Copy {
    stage: Stage,
    last: EventId,
    entries: Entries,
    /// What had expired when it was read, as far as nothing was told of it since.
    hidden: Entries,
}

/// What is known of one connection.
#[derive(Debug)]
struct Talk {
    number: u64,
    is_open: bool,
    /// How often the client was told, unasked, that it was interrupted, by object.
    interruptions: BTreeMap<ObjectSid, u64>,
    /// How often the server had not known what was durable before.
    untold_before: u64,
    opening: BTreeMap<String, ObjectSid>,
    /// What it asked not to follow any more.
    leaving: BTreeSet<ObjectSid>,
}

/// A client library.
#[derive(Debug)]
pub(super) struct Device {
    name: String,
    random: Random,
    pace: Pace,
    renews_its_token: bool,
    /// Everything that was under way is durable or lost.
    is_calm: bool,
    ticket: Option<String>,
    talk: Option<Talk>,
    away_until: Timestamp,
    copies: BTreeMap<ObjectSid, Copy>,
    count: u64,
    /// Every event it took, as it was told.
    heard: Vec<(ObjectSid, EventId, Effect)>,
    pub(super) tally: Tally,
}

/// What happened to devices, in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Connections.
    pub connections: u64,
    /// Events that were taken.
    pub events: u64,
    /// Times a queue was lost.
    pub interruptions: u64,
    /// Times somebody was sent away.
    pub sent_away: u64,
    /// Times a token ended.
    pub expired: u64,
    /// Times the log did not reach back.
    pub forgotten: u64,
}

impl Tally {
    pub(super) fn add(&mut self, other: Self) {
        self.connections += other.connections;
        self.events += other.events;
        self.interruptions += other.interruptions;
        self.sent_away += other.sent_away;
        self.expired += other.expired;
        self.forgotten += other.forgotten;
    }
}

type Checked = Result<(), Broken>;

fn broken(checker: &'static str, what: String) -> Checked {
    Err(Broken { checker, what })
}

impl Device {
    pub(super) fn new(number: u64, mut random: Random) -> Self {
        let pace = if random.percent(35) { Pace::Slow } else { Pace::Quick };
        Self {
            name: format!("device-{number}"),
            pace,
            renews_its_token: random.percent(60),
            is_calm: false,
            random,
            ticket: None,
            talk: None,
            away_until: Timestamp(0),
            copies: BTreeMap::new(),
            count: 0,
            heard: Vec::new(),
            tally: Tally::default(),
        }
    }

    /// Hurries, and stays, from now on.
    pub(super) fn calm_down(&mut self, now: Timestamp) {
        (self.pace, self.renews_its_token, self.is_calm) = (Pace::Quick, true, true);
        self.away_until = now.min(self.away_until);
    }

    /// Whether it knows everything it wants to.
    pub(super) fn is_settled(&self) -> bool {
        self.talk.as_ref().is_some_and(|talk| talk.is_open && talk.leaving.is_empty())
            && self.copies.values().all(|copy| matches!(copy.stage, Stage::Live | Stage::Gone))
    }

    /// What it is about.
    pub(super) fn status(&self) -> String {
        let stages: Vec<_> =
            self.copies.iter().map(|(sid, copy)| (sid.to_string(), copy.stage)).collect();
        format!("{} away until {}: {:?} {stages:?}", self.name, self.away_until.0, self.talk)
    }

    /// Wants to follow other objects.
    pub(super) fn look_around(&mut self, known: &[ObjectSid], board: &mut Switchboard) {
        if self.copies.len() >= FOLLOWED_MAX && self.random.percent(20) {
            let all: Vec<ObjectSid> = self.copies.keys().copied().collect();
            self.random.one_of(&all).copied().into_iter().for_each(|sid| self.leave(sid, board));
        }
        let Some(sid) = self.random.one_of(known).copied() else { return };
        let is_leaving = self.talk.as_ref().is_some_and(|talk| talk.leaving.contains(&sid));
        if self.copies.len() < FOLLOWED_MAX && !self.copies.contains_key(&sid) && !is_leaving {
            let copy = Copy::default();
            self.copies.insert(sid, copy);
        }
    }

    fn leave(&mut self, sid: ObjectSid, board: &mut Switchboard) {
        let copy = self.copies.remove(&sid);
        let is_followed = copy.is_some_and(|c| matches!(c.stage, Stage::Asked(_) | Stage::Live));
        let Some(talk) = self.talk.as_mut().filter(|talk| talk.is_open && is_followed) else {
            return;
        };
        talk.leaving.insert(sid);
        let number = talk.number;
        let (id, correlation) = self.next_id("S");
        send(board, number, packet::subscribe(&id, correlation, "cancel", &[(sid, 0)]));
    }

    /// The line breaks; the server may not notice.
    pub(super) fn lose_the_line(&mut self, now: Timestamp, board: &mut Switchboard) {
        let Some(talk) = self.talk.take() else { return };
        if self.random.percent(50) {
            board.links.remove(&talk.number);
        } else if let Some(link) = board.links.get_mut(&talk.number) {
            (link.is_cut, link.up) = (true, VecDeque::new());
        }
        // From a millisecond to ten minutes, each length as likely as its double.
        let most = 1 << self.random.below(21);
        let away_ms = self.random.within(1, most).min(600_000);
        self.away_until = now + Millis(away_ms as i64);
    }

    /// Does whatever there is to be done.
    pub(super) fn act(
        &mut self,
        (now, lines): (Timestamp, &mut u64),
        board: &mut Switchboard,
    ) -> Checked {
        if self.talk.as_ref().is_some_and(|talk| !board.links.contains_key(&talk.number)) {
            // It was ended from there: the library waits a little.
            self.talk = None;
            self.away_until = now + Millis(self.random.within(100, 2_000) as i64);
        }
        if self.talk.is_none() {
            if now >= self.away_until {
                self.connect(now, lines, board);
            }
            return Ok(());
        }
        self.read(now, board)?;
        self.ask(board);
        Ok(())
    }

    fn connect(&mut self, now: Timestamp, lines: &mut u64, board: &mut Switchboard) {
        *lines += 1;
        self.tally.connections += 1;
        board.connect(*lines, now);
        self.talk = Some(Talk {
            number: *lines,
            is_open: false,
            interruptions: BTreeMap::new(),
            untold_before: board.untold,
            opening: BTreeMap::new(),
            leaving: BTreeSet::new(),
        });
        for copy in self.copies.values_mut() {
            copy.stage = match copy.stage {
                Stage::Opening | Stage::Unopened => Stage::Unopened,
                Stage::Known | Stage::Asked(_) | Stage::Live => Stage::Known,
                Stage::Gone => Stage::Gone,
            };
        }
        let (id, _) = self.next_id("I");
        let token = self.token(now);
        send(board, *lines, packet::init(&id, &token, self.ticket.as_deref()));
    }

    /// Mostly good for an hour.
    fn token(&mut self, now: Timestamp) -> String {
        let life_s = if self.random.percent(70) { 3_600 } else { self.random.within(20, 900) };
        token(&self.name, now.0 / 1_000 + life_s as i64)
    }

    /// Asks what is not known, and for what comes.
    fn ask(&mut self, board: &mut Switchboard) {
        let Some(talk) = self.talk.as_ref().filter(|talk| talk.is_open) else { return };
        let number = talk.number;
        let of = |stage, copies: &BTreeMap<ObjectSid, Copy>| -> Vec<(ObjectSid, EventId)> {
            let fits = copies.iter().filter(|(_, copy)| copy.stage == stage);
            fits.map(|(sid, copy)| (*sid, copy.last)).collect()
        };
        for (sid, _) in of(Stage::Unopened, &self.copies) {
            let (id, _) = self.next_id("G");
            send(board, number, packet::open(&id, sid));
            self.set(sid, Stage::Opening);
            if let Some(talk) = &mut self.talk {
                talk.opening.insert(id, sid);
            }
        }
        let known = of(Stage::Known, &self.copies);
        if known.is_empty() {
            return;
        }
        let (id, correlation) = self.next_id("S");
        send(board, number, packet::subscribe(&id, correlation, "establish", &known));
        known.iter().for_each(|(sid, _)| self.set(*sid, Stage::Asked(correlation)));
    }

    fn read(&mut self, now: Timestamp, board: &mut Switchboard) -> Checked {
        let looks = match self.pace {
            Pace::Quick => usize::MAX,
            Pace::Slow => usize::from(self.random.percent(40)),
        };
        for _ in 0..looks {
            let Some(number) = self.talk.as_ref().map(|talk| talk.number) else { return Ok(()) };
            let link: Option<&mut Link> = board.links.get_mut(&number);
            let Some(frame) = link.and_then(|link| link.down.pop_front()) else { return Ok(()) };
            let Some((header, payload)) = packet::read(&frame) else {
                return broken("a packet can be read", format!("{frame:?}"));
            };
            let id = header["id"].as_str().unwrap_or_default().to_owned();
            if header["method"] == "reply" {
                self.answered(&id, &header, &payload, (now, number), board)?;
                continue;
            }
            send(board, number, packet::acknowledge(&id));
            match header["method"].as_str() {
                Some("notification") => self.told(&payload, board)?,
                Some("client_update") if self.renews_its_token => {
                    let token = self.token(now + Millis(600_000));
                    let (id, _) = self.next_id("U");
                    send(board, number, packet::update(&id, &token));
                }
                Some("client_update") => {}
                Some("close") => self.sent_away(now, header["status"]["code"].as_u64(), board)?,
                other => return broken("a packet is one of the known", format!("{other:?}")),
            }
        }
        Ok(())
    }

    fn sent_away(&mut self, now: Timestamp, code: Option<u64>, board: &mut Switchboard) -> Checked {
        match code {
            Some(308) => self.tally.sent_away += 1,
            Some(410) => self.tally.expired += 1,
            _ => return broken("an end has its reason", format!("{code:?}")),
        }
        self.talk.take().map(|talk| board.links.remove(&talk.number));
        self.away_until = now + Millis(self.random.within(1_000, 2_000) as i64);
        Ok(())
    }

    fn answered(
        &mut self,
        id: &str,
        header: &Value,
        payload: &Value,
        (now, number): (Timestamp, u64),
        board: &mut Switchboard,
    ) -> Checked {
        let Some(talk) = &mut self.talk else { return Ok(()) };
        let code = |of: &str| header[of]["code"].as_u64().unwrap_or_default();
        match id.split_at(1).0 {
            "I" if code("status") == 200 => {
                talk.is_open = true;
                self.ticket = header["continuation_token"].as_str().map(str::to_owned);
            }
            "I" => {
                // The token ended on its way.
                board.links.remove(&number);
                (self.talk, self.away_until) = (None, now);
            }
            "G" => {
                let Some(sid) = talk.opening.remove(id) else { return Ok(()) };
                let copy = self.copies.get_mut(&sid);
                let Some(copy) = copy.filter(|copy| copy.stage == Stage::Opening) else {
                    return Ok(());
                };
                match code("http_status") {
                    200 => {
                        let read = |name: &str| {
                            let entries = payload[name].as_object().into_iter().flatten();
                            let text = |data: &Value| data.as_str().unwrap_or_default().to_owned();
                            entries.map(|(place, data)| (place.clone(), text(data))).collect()
                        };
                        (copy.entries, copy.hidden) = (read("entries"), read("hidden"));
                        copy.last = payload["last"].as_u64().unwrap_or_default();
                        copy.stage = Stage::Known;
                    }
                    404 => self.not_found(sid),
                    _ => copy.stage = Stage::Unopened,
                }
            }
            _ if matches!(code("status"), 200 | 401) => {}
            _ => return broken("a request is answered", header.to_string()),
        }
        Ok(())
    }

    fn told(&mut self, payload: &Value, board: &Switchboard) -> Checked {
        let kind = payload["event_type"].as_str().unwrap_or_default();
        let (event, asked) = (&payload["event"], payload["correlation_id"].as_u64());
        let object = match kind {
            "subscription_established" | "subscription_canceled" | "subscription_failed" => {
                &event["object_sid"]
            }
            _ => {
                let sids = ["document_sid", "list_sid", "map_sid"].into_iter();
                sids.map(|name| &event[name]).find(|sid| sid.is_string()).unwrap_or(&Value::Null)
            }
        };
        let Some(sid) = object.as_str().and_then(|sid| sid.parse::<ObjectSid>().ok()) else {
            return broken("an event says what it is about", payload.to_string());
        };
        let leaving = self.talk.as_mut().map(|talk| &mut talk.leaving);
        if let Some(leaving) = leaving
            && leaving.contains(&sid)
        {
            if kind == "subscription_canceled" {
                leaving.remove(&sid);
            }
            return Ok(());
        }
        match kind {
            "subscription_established" => self.established(sid, asked, event, board),
            "subscription_failed" => self.refused(sid, asked, event),
            _ => self.happened(sid, asked, kind, event),
        }
    }

    fn established(
        &mut self,
        sid: ObjectSid,
        asked: Option<u64>,
        event: &Value,
        board: &Switchboard,
    ) -> Checked {
        let (Some(copy), Some(talk)) = (self.copies.get_mut(&sid), &mut self.talk) else {
            return broken("only what is followed is told", format!("{} {sid}", self.name));
        };
        let fits = match (copy.stage, asked) {
            (Stage::Asked(wanted), Some(asked)) => wanted == asked,
            (Stage::Live, None) => event["replay_status"] == "interrupted",
            _ => false,
        };
        if !fits {
            let what = format!("{} {sid} {:?}: {event} to {asked:?}", self.name, copy.stage);
            return broken("an answer is to what was asked", what);
        }
        if event["replay_status"] == "completed" {
            copy.stage = Stage::Live;
            let last = event["last_event_id"].as_u64();
            return match last == Some(copy.last) {
                true => Ok(()),
                false => {
                    let what = format!("{} {sid} at {}: {last:?}", self.name, copy.last);
                    broken("what was missed is told before what happens", what)
                }
            };
        }
        copy.stage = Stage::Known;
        if asked.is_some() {
            return Ok(());
        }
        self.tally.interruptions += 1;
        let count = talk.interruptions.entry(sid).or_insert(0);
        *count += 1;
        match *count <= 1 + board.untold - talk.untold_before {
            true => Ok(()),
            false => {
                let what = format!("{} {sid}: told {count} times on one line", self.name);
                broken("who cannot keep up is sent away the second time", what)
            }
        }
    }

    /// An object that lived too long is not there, although a longer life may be on its way to the
    /// disk: nobody is to believe it for ever. In the end it is true.
    fn not_found(&mut self, sid: ObjectSid) {
        let gone = Copy { stage: Stage::Gone, ..Copy::default() };
        match self.is_calm {
            true => _ = self.copies.insert(sid, gone),
            false => _ = self.copies.remove(&sid),
        }
    }

    fn refused(&mut self, sid: ObjectSid, asked: Option<u64>, event: &Value) -> Checked {
        let Some(copy) = self.copies.get_mut(&sid) else {
            return broken("only what is followed is told", format!("{} {sid}", self.name));
        };
        let is_awaited = asked.is_some_and(|asked| copy.stage == Stage::Asked(asked));
        copy.stage = match event["error"]["status"].as_u64() {
            Some(404) if is_awaited => {
                self.not_found(sid);
                return Ok(());
            }
            Some(503) if is_awaited => Stage::Known,
            Some(410) if is_awaited => {
                self.tally.forgotten += 1;
                Stage::Unopened
            }
            _ => {
                let what = format!("{} {sid} {:?}: {event}", self.name, copy.stage);
                return broken("a refusal has its reason", what);
            }
        };
        Ok(())
    }

    fn happened(
        &mut self,
        sid: ObjectSid,
        asked: Option<u64>,
        kind: &str,
        event: &Value,
    ) -> Checked {
        let Some(copy) = self.copies.get_mut(&sid) else {
            return broken("only what is followed is told", format!("{} {sid}", self.name));
        };
        let is_replayed = match (copy.stage, asked) {
            (Stage::Asked(wanted), Some(asked)) if wanted == asked => true,
            (Stage::Live, None) => false,
            _ => {
                let what = format!("{} {sid} {:?}: {event} to {asked:?}", self.name, copy.stage);
                return broken("only what is followed is told", what);
            }
        };
        let id = event["id"].as_u64().unwrap_or_default();
        let at = format!("{} {sid}: {id} after {}", self.name, copy.last);
        if id <= copy.last {
            return broken("numbers rise for everybody who follows", at);
        }
        let newest_is_enough = is_replayed && sid.kind() == ObjectKind::Document;
        if id != copy.last + 1 && !newest_is_enough {
            return broken("nothing is left out", at);
        }
        let place = || match &event["item_key"] {
            Value::String(key) => key.clone(),
            _ => event["item_index"].to_string(),
        };
        let effect = match kind {
            "document_updated" => Effect::Put(String::new(), event["document_data"].to_string()),
            "list_item_added" | "list_item_updated" | "map_item_added" | "map_item_updated" => {
                Effect::Put(place(), event["item_data"].to_string())
            }
            "list_item_removed" | "map_item_removed" => Effect::Removed(place()),
            "document_removed" | "list_removed" | "map_removed" => Effect::Ended,
            _ => return broken("an event is one of the known", kind.to_owned()),
        };
        effect.apply(&mut copy.entries);
        if let Effect::Put(place, _) | Effect::Removed(place) = &effect {
            copy.hidden.remove(place);
        }
        copy.last = id;
        if effect == Effect::Ended {
            copy.stage = Stage::Gone;
        }
        self.tally.events += 1;
        self.heard.push((sid, id, effect));
        Ok(())
    }

    /// Whether what it took and what it has in the end is what happened.
    pub(super) fn compare(&self, course: &Course) -> Checked {
        for (sid, id, effect) in &self.heard {
            if course.effect(*sid, *id) != Some(effect) {
                let what =
                    format!("{} {sid} {id}: {effect:?}, {:?}", self.name, course.effect(*sid, *id));
                return broken("what followers are told is in the journal", what);
            }
        }
        for (sid, copy) in &self.copies {
            let end = course.end(*sid);
            let agrees = match (copy.stage, &end) {
                (Stage::Live, Some((last, entries))) => {
                    let is_hidden = |place: &String| copy.hidden.contains_key(place);
                    let told = entries.iter().filter(|(place, _)| !is_hidden(place));
                    copy.last == *last && told.eq(&copy.entries)
                }
                (Stage::Gone, None) => true,
                _ => false,
            };
            if !agrees {
                let what = format!("{} {sid}: {copy:?}\n{end:?}", self.name);
                return broken("in the end everybody knows what is there", what);
            }
        }
        Ok(())
    }

    fn set(&mut self, sid: ObjectSid, stage: Stage) {
        if let Some(copy) = self.copies.get_mut(&sid) {
            copy.stage = stage;
        }
    }

    fn next_id(&mut self, kind: &str) -> (String, u64) {
        self.count += 1;
        (format!("{kind}{}", self.count), self.count)
    }
}

fn send(board: &mut Switchboard, number: u64, packet: Vec<u8>) {
    if let Some(link) = board.links.get_mut(&number) {
        link.up.push_back(packet);
    }
}
