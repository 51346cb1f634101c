//! What a connection is told by itself, as frames.
//!
//! * What happened is the same frame for everybody who hears it live: its id belongs to the event.
//! * What a client is told of something it did not ask for carries `null` where the request's
//!   correlation would be: the library heeds nothing else then.

use super::{codec, header::ServerHeader, subscriptions::LIVE_QUERY};
use bytes::Bytes;
use host::{News, QueryNews};
use insights::QuerySid;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use sync::ObjectSid;
use wire::cds::{self, Outcome};

/// The message type of everything that is told: it means "in order".
const MESSAGE_TYPE: &str = "twilio.sync.event";
/// What stands for the request where a client is told something it did not ask for.
pub(crate) const UNASKED: &str = "null";

/// Writes frames, each with an id of its own.
pub(crate) struct Told {
    /// Random, so that ids of different servers differ.
    prefix: u64,
    count: AtomicU64,
}

impl Told {
    pub(crate) const fn new(prefix: u64) -> Self {
        Self { prefix, count: AtomicU64::new(0) }
    }

    /// Something that just happened, for whoever hears it; `None` where clients are not told.
    pub(crate) fn live(&self, news: &News) -> Option<Bytes> {
        cds::event_type(&news.event)?;
        Some(news.frame(|event| self.event(event, None)))
    }

    /// Something that happened before, for whoever asked.
    pub(crate) fn replayed(&self, news: &News, correlation: &str) -> Option<Bytes> {
        cds::event_type(&news.event)?;
        Some(self.event(&news.event, Some(correlation)))
    }

    /// What became of a live query, for whoever follows it.
    pub(crate) fn query(&self, news: &QueryNews) -> Bytes {
        news.frame(|news| self.frame(&cds::query_message(news.query, &news.told)))
    }

    /// How a subscription to a live query stands.
    pub(crate) fn query_outcome(
        &self,
        query: QuerySid,
        correlation: &str,
        outcome: &Outcome,
    ) -> Bytes {
        self.outcome_of(&query.to_string(), LIVE_QUERY, correlation, outcome)
    }

    /// How a subscription stands.
    pub(crate) fn outcome(&self, object: ObjectSid, correlation: &str, outcome: &Outcome) -> Bytes {
        let (sid, kind) = (object.to_string(), object.kind().word());
        self.outcome_of(&sid, kind, correlation, outcome)
    }

    /// The same for something that is named as the client did.
    pub(crate) fn outcome_of(
        &self,
        object: &str,
        kind: &str,
        correlation: &str,
        outcome: &Outcome,
    ) -> Bytes {
        self.frame(&cds::outcome(object, kind, correlation, outcome))
    }

    fn event(&self, event: &sync::Event, correlation: Option<&str>) -> Bytes {
        let event_type = cds::event_type(event).unwrap_or_default();
        self.frame(&cds::message(event_type, correlation, &cds::event(event)))
    }

    fn frame(&self, message: &str) -> Bytes {
        let count = self.count.fetch_add(1, Relaxed);
        let id = format!("TN{:016x}{count:016x}", self.prefix);
        let header = ServerHeader::notification(&id, MESSAGE_TYPE, message.as_bytes());
        codec::encode(&header, message.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::Timestamp;
    use serde_json::{Value, json};
    use sync::{Event, ItemKey, ItemSeen, ObjectKind, Payload, Rights, ServiceSid, What};

    const MAP: ObjectSid = ObjectSid::new(ObjectKind::Map, 1);

    fn news(what: What) -> News {
        News::of(Event {
            object: MAP,
            service: ServiceSid::new(1),
            unique_name: None,
            id: 26,
            at: Timestamp(1_800_000_000_123),
            by: "ann".into(),
            endpoint: None,
            what,
        })
    }

    fn updated() -> News {
        let data = Payload::parse("{\"n\":9007199254740993,\r\n\"f\":1.0}").expect("an object");
        let key = ItemKey::Key("a/b".into());
        news(What::ItemUpdated(ItemSeen { key, revision: 26, data, expires_at: None }))
    }

    fn payload(frame: &Bytes) -> Value {
        let packet = codec::decode(frame).expect("our own");
        serde_json::from_slice(packet.payload).expect("JSON")
    }

    #[test]
    fn everybody_hears_the_same_frame() {
        let (told, news) = (Told::new(0xab), updated());
        let (one, two) = (told.live(&news).expect("told"), told.live(&news).expect("told"));
        assert_eq!((one.as_ptr(), one.len()), (two.as_ptr(), two.len()), "one frame, shared");
        let text = str::from_utf8(&one).expect("text");
        assert_eq!(text.matches("\r\n").count(), 2, "{text}");
        assert!(text.contains("9007199254740993") && text.contains("1.0"), "{text}");
        let below = format!("{}/v3/Services/{}", cds::BASE, ServiceSid::new(1));
        let expected = json!({
            "event_type": "map_item_updated",
            "event": {
                "id": 26, "map_sid": MAP.to_string(), "map_revision": "1a", "item_key": "a/b",
                "item_revision": "1a", "item_data": {"n": 9_007_199_254_740_993_i64, "f": 1.0},
                "date_created": "2027-01-15T08:00:00.123Z", "date_expires": null,
                "item_url": format!("{below}/Maps/{MAP}/Items/a%2Fb"),
            },
        });
        assert_eq!(payload(&one), expected);
    }

    #[test]
    fn what_is_replayed_names_its_request() {
        let (told, news) = (Told::new(1), updated());
        let frame = told.replayed(&news, "1795248297042").expect("told");
        assert_eq!(payload(&frame)["correlation_id"], 1_795_248_297_042_i64);
        let other = told.replayed(&news, "1795248297042").expect("told");
        assert_ne!(frame, other, "each has an id of its own");
    }

    #[test]
    fn a_change_of_rights_is_nobodys_news() {
        let (identity, rights) = ("ann".into(), Rights::ALL);
        let news = news(What::PermissionChanged { identity, rights });
        assert!(Told::new(1).live(&news).is_none());
    }

    #[test]
    fn an_unasked_word_carries_null() {
        let frame = Told::new(1).outcome(MAP, UNASKED, &Outcome::Interrupted(0));
        let told = payload(&frame);
        assert!(told.as_object().expect("an object").contains_key("correlation_id"));
        assert_eq!(told["correlation_id"], Value::Null);
        assert_eq!(told["event"]["replay_status"], "interrupted");
        assert_eq!(told["event"]["object_type"], "map");
    }
}
