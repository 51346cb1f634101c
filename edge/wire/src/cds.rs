//! State synchronisation as the client libraries read it through their socket: snake_case JSON with
//! milliseconds in its dates, links that lead back into the socket, and the events of objects.
//!
//! * Values are passed on as the text they came as; nothing here parses one.
//! * What is told of an event is the same for everybody who hears it.

mod queries;

pub use queries::{query_message, query_page};

use base::{Sid, Timestamp};
use std::fmt::Write as _;
use sync::{
    Event, EventId, Item, ItemKey, ItemSeen, Object, ObjectKind, ObjectSid, Payload, ServiceSid,
    What,
};

/// Where links begin. The libraries send them back through the socket, whatever host they name; one
/// host for all keeps an event the same for everybody who hears it.
pub const BASE: &str = "https://cds.us1.twilio.com";

/// An object of JSON as it is written.
struct Json(String);

impl Json {
    fn new() -> Self {
        Self("{".to_owned())
    }

    fn key(&mut self, name: &str) {
        if self.0.len() > 1 {
            self.0.push(',');
        }
        write!(self.0, "\"{name}\":").expect(TEXT);
    }

    fn text(mut self, name: &str, value: &str) -> Self {
        self.key(name);
        self.0.push_str(&quoted(value));
        self
    }

    fn optional(self, name: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.text(name, value),
            None => self.raw(name, "null"),
        }
    }

    /// A value that is JSON already.
    fn raw(mut self, name: &str, json: &str) -> Self {
        self.key(name);
        self.0.push_str(json);
        self
    }

    fn number(mut self, name: &str, value: u64) -> Self {
        self.key(name);
        write!(self.0, "{value}").expect(TEXT);
        self
    }

    /// A text that needs no escapes.
    fn plain(mut self, name: &str, value: impl std::fmt::Display) -> Self {
        self.key(name);
        write!(self.0, "\"{value}\"").expect(TEXT);
        self
    }

    fn date(self, name: &str, at: Timestamp) -> Self {
        self.plain(name, date(at))
    }

    fn maybe_date(self, name: &str, at: Option<Timestamp>) -> Self {
        match at {
            Some(at) => self.date(name, at),
            None => self.raw(name, "null"),
        }
    }

    fn end(mut self) -> String {
        self.0.push('}');
        self.0
    }
}

const TEXT: &str = "a String takes any text";

fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("a text is plain data")
}

/// ISO 8601 with milliseconds.
fn date(at: Timestamp) -> String {
    let seconds = at.to_string();
    let seconds = seconds.strip_suffix('Z').unwrap_or(&seconds);
    format!("{seconds}.{:03}Z", at.0.rem_euclid(1_000))
}

/// The plural of a kind in paths.
pub const fn plural(kind: ObjectKind) -> &'static str {
    match kind {
        ObjectKind::Document => "Documents",
        ObjectKind::List => "Lists",
        ObjectKind::Map => "Maps",
        ObjectKind::Stream => "Streams",
    }
}

/// Where an object is.
pub fn object_url(service: ServiceSid, object: ObjectSid) -> String {
    format!("{BASE}/v3/Services/{service}/{}/{object}", plural(object.kind()))
}

/// Where an item is.
pub fn item_url(service: ServiceSid, object: ObjectSid, key: &ItemKey) -> String {
    let mut url = object_url(service, object);
    url.push_str("/Items/");
    match key {
        ItemKey::Index(index) => write!(url, "{index}").expect(TEXT),
        ItemKey::Key(key) => encode(key, &mut url),
    }
    url
}

/// Everything but letters, digits and `-_.~` as `%XX`.
fn encode(text: &str, out: &mut String) {
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                out.push(char::from(byte));
            }
            _ => write!(out, "%{byte:02X}").expect(TEXT),
        }
    }
}

/// An object's descriptor. `items` is a page of its items where it was asked for.
pub fn object(object: &Object, account: Sid, items: Option<&str>) -> String {
    let url = object_url(object.service, object.sid);
    let mut links = Json::new();
    match object.kind() {
        ObjectKind::Document => {}
        ObjectKind::List => {
            links = links.plain("items", format!("{url}/Items"));
            links = links.plain("context", format!("{url}/Context"));
        }
        ObjectKind::Map => links = links.plain("items", format!("{url}/Items")),
        ObjectKind::Stream => links = links.plain("messages", format!("{url}/Messages")),
    }
    let shown = Json::new()
        .plain("sid", object.sid)
        .optional("unique_name", object.unique_name.as_deref())
        .plain("account_sid", account)
        .plain("service_sid", object.service)
        .plain("url", &url)
        .plain("revision", object.revision())
        .number("last_event_id", object.event)
        .date("date_created", object.created_at)
        .date("date_updated", object.updated_at)
        .maybe_date("date_expires", object.expires_at)
        .text("created_by", &object.created_by)
        .raw("links", &links.end());
    let shown = match object.value() {
        Some(data) => shown.raw("data", data.text()),
        None => shown,
    };
    match items {
        Some(items) => shown.raw("items", items),
        None => shown,
    }
    .end()
}

/// A list's context: empty if it was made without.
pub fn context(list: &Object) -> String {
    let data = list.context().map_or("{}", Payload::text);
    let shown = Json::new().raw("data", data).number("last_event_id", list.event);
    shown.date("date_updated", list.updated_at).end()
}

/// An item's descriptor.
pub fn item(service: ServiceSid, item: &Item) -> String {
    described(service, item, Some(&item.data))
}

/// The same for whoever wrote no value, and may not be allowed to read the one that is there.
pub fn item_without_data(service: ServiceSid, item: &Item) -> String {
    described(service, item, None)
}

fn described(service: ServiceSid, item: &Item, data: Option<&Payload>) -> String {
    let (container, key) = names_of(item.object.kind());
    let shown = Json::new();
    let shown = match &item.key {
        ItemKey::Index(index) => shown.number(key, *index),
        ItemKey::Key(text) => shown.text(key, text),
    };
    let shown = shown
        .plain(container, item.object)
        .plain("service_sid", service)
        .plain("url", item_url(service, item.object, &item.key))
        .plain("revision", item.revision())
        .number("last_event_id", item.event);
    let shown = match data {
        Some(data) => shown.raw("data", data.text()),
        None => shown,
    };
    shown
        .date("date_created", item.created_at)
        .date("date_updated", item.updated_at)
        .maybe_date("date_expires", item.expires_at)
        .text("created_by", &item.created_by)
        .end()
}

const fn names_of(kind: ObjectKind) -> (&'static str, &'static str) {
    match kind {
        ObjectKind::List => ("list_sid", "index"),
        ObjectKind::Document | ObjectKind::Map | ObjectKind::Stream => ("map_sid", "key"),
    }
}

/// A page of items, each as [`item`] writes it.
pub fn items(items: &[String], previous: Option<&str>, next: Option<&str>) -> String {
    let meta = Json::new().optional("previous_token", previous).optional("next_token", next);
    let listed = format!("[{}]", items.join(","));
    Json::new().raw("items", &listed).raw("meta", &meta.end()).end()
}

/// What is answered when something was removed and the client reads it.
pub fn removed(event: EventId, at: Timestamp) -> String {
    Json::new().number("last_event_id", event).date("date_updated", at).end()
}

/// The name of an event on the wire; `None` for what clients are not told.
pub fn event_type(event: &Event) -> Option<&'static str> {
    use ObjectKind::{Document, List, Map, Stream};
    let kind = event.object.kind();
    Some(match (&event.what, kind) {
        (What::DocumentUpdated { .. }, _) => "document_updated",
        (What::ObjectRemoved { .. }, Document) => "document_removed",
        (What::ObjectRemoved { .. }, List) => "list_removed",
        (What::ObjectRemoved { .. }, Map) => "map_removed",
        (What::ObjectRemoved { .. }, Stream) => "stream_removed",
        (What::ItemAdded(_), List) => "list_item_added",
        (What::ItemAdded(_), _) => "map_item_added",
        (What::ItemUpdated(_), List) => "list_item_updated",
        (What::ItemUpdated(_), _) => "map_item_updated",
        (What::ItemRemoved { .. }, List) => "list_item_removed",
        (What::ItemRemoved { .. }, _) => "map_item_removed",
        (What::MessagePublished { .. }, _) => "stream_message_published",
        (What::ObjectCreated { .. } | What::PermissionChanged { .. }, _) => return None,
    })
}

/// What is told of an event.
pub fn event(event: &Event) -> String {
    let shown = Json::new();
    let sid = match event.object.kind() {
        ObjectKind::Document => "document_sid",
        ObjectKind::List => "list_sid",
        ObjectKind::Map => "map_sid",
        ObjectKind::Stream => "stream_sid",
    };
    match &event.what {
        What::DocumentUpdated { data } => shown
            .number("id", event.id)
            .plain(sid, event.object)
            .plain("document_revision", sync::revision(event.id))
            .optional("document_unique_name", event.unique_name.as_deref())
            .raw("document_data", data.text())
            .date("date_created", event.at),
        What::ItemAdded(item) | What::ItemUpdated(item) => item_event(shown, sid, event, item)
            .plain("item_url", item_url(event.service, event.object, &item.key))
            .maybe_date("date_expires", item.expires_at),
        What::ItemRemoved { item, .. } => item_event(shown, sid, event, item),
        What::MessagePublished { message, data } => shown
            .plain(sid, event.object)
            .plain("message_sid", message)
            .raw("message_data", data.text()),
        What::ObjectRemoved { .. }
        | What::ObjectCreated { .. }
        | What::PermissionChanged { .. } => {
            shown.number("id", event.id).plain(sid, event.object).date("date_created", event.at)
        }
    }
    .end()
}

fn item_event(shown: Json, sid: &str, event: &Event, item: &ItemSeen) -> Json {
    let revision = match event.object.kind() {
        ObjectKind::List => "list_revision",
        ObjectKind::Document | ObjectKind::Map | ObjectKind::Stream => "map_revision",
    };
    let shown = shown
        .number("id", event.id)
        .plain(sid, event.object)
        .plain(revision, sync::revision(event.id));
    let shown = match &item.key {
        ItemKey::Index(index) => shown.number("item_index", *index),
        ItemKey::Key(key) => shown.text("item_key", key),
    };
    shown
        .plain("item_revision", sync::revision(item.revision))
        .raw("item_data", item.data.text())
        .date("date_created", event.at)
}

/// A message to subscribers: one event, as [`event`] writes it. `correlation` names the request
/// that it answers, as JSON.
pub fn message(event_type: &str, correlation: Option<&str>, event: &str) -> String {
    let shown = Json::new().plain("event_type", event_type);
    let shown = match correlation {
        Some(correlation) => shown.raw("correlation_id", correlation),
        None => shown,
    };
    shown.raw("event", event).end()
}

/// What a subscription came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Everything missed was told; from now on everything is.
    Established(EventId),
    /// Not everything missed was told: the client is to ask again from where it is.
    Interrupted(EventId),
    /// It is over because that was asked for.
    Canceled,
    /// It cannot be.
    Failed {
        /// As in HTTP.
        status: u16,
        /// For programs.
        code: u32,
        /// For people.
        message: String,
    },
}

/// What a client is told of its subscription to an object, named as the client did.
pub fn outcome(object: &str, kind: &str, correlation: &str, outcome: &Outcome) -> String {
    let shown = Json::new().text("object_sid", object).text("object_type", kind);
    let (event_type, shown) = match outcome {
        Outcome::Established(last) => (
            "subscription_established",
            shown.plain("replay_status", "completed").number("last_event_id", *last),
        ),
        Outcome::Interrupted(last) => (
            "subscription_established",
            shown.plain("replay_status", "interrupted").number("last_event_id", *last),
        ),
        Outcome::Canceled => ("subscription_canceled", shown),
        Outcome::Failed { status, code, message } => {
            let error = Json::new()
                .number("status", u64::from(*status))
                .number("code", u64::from(*code))
                .text("message", message);
            ("subscription_failed", shown.raw("error", &error.end()))
        }
    };
    message(event_type, Some(correlation), &shown.end())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const ACCOUNT: Sid = Sid::new(*b"AC", 1);
    const SERVICE: ServiceSid = ServiceSid::new(2);
    const AT: Timestamp = Timestamp(1_800_000_000_007);

    fn some(kind: ObjectKind, data: Option<&str>) -> Object {
        Object {
            sid: ObjectSid::new(kind, 3),
            service: SERVICE,
            unique_name: Some("a \"name\"".into()),
            data: data.map(|text| Payload::parse(text).expect("an object")),
            event: 31,
            next_index: 0,
            items: 0,
            created_by: "ann".into(),
            created_at: AT,
            updated_at: AT,
            expires_at: None,
        }
    }

    fn read(json: &str) -> Value {
        serde_json::from_str(json).expect("JSON")
    }

    #[test]
    fn a_document_shows_its_value_as_it_was_sent() {
        let shown = object(&some(ObjectKind::Document, Some("{ \"n\": 1.0 }")), ACCOUNT, None);
        assert!(shown.contains("{ \"n\": 1.0 }"), "{shown}");
        let url = format!("{BASE}/v3/Services/{SERVICE}/Documents/ET{:032x}", 3);
        let expected = json!({
            "sid": format!("ET{:032x}", 3), "unique_name": "a \"name\"",
            "account_sid": ACCOUNT.to_string(), "service_sid": SERVICE.to_string(), "url": url,
            "revision": "1f", "last_event_id": 31, "date_created": "2027-01-15T08:00:00.007Z",
            "date_updated": "2027-01-15T08:00:00.007Z", "date_expires": null, "created_by": "ann",
            "links": {}, "data": {"n": 1.0},
        });
        assert_eq!(read(&shown), expected);
    }

    #[test]
    fn links_lead_to_what_an_object_holds() {
        let links = |kind| read(&object(&some(kind, None), ACCOUNT, None))["links"].clone();
        let below = |path: &str| format!("{BASE}/v3/Services/{SERVICE}/{path}");
        let map = below(&format!("Maps/MP{:032x}/Items", 3));
        assert_eq!(links(ObjectKind::Map), json!({ "items": map }));
        let list = |path: &str| below(&format!("Lists/ES{:032x}/{path}", 3));
        let of_list = json!({ "items": list("Items"), "context": list("Context") });
        assert_eq!(links(ObjectKind::List), of_list);
        let stream = below(&format!("Streams/TO{:032x}/Messages", 3));
        assert_eq!(links(ObjectKind::Stream), json!({ "messages": stream }));
    }

    #[test]
    fn an_item_is_found_under_its_encoded_key() {
        let shown = item(
            SERVICE,
            &Item {
                object: ObjectSid::new(ObjectKind::Map, 3),
                key: ItemKey::Key("ü/ %".into()),
                data: Payload::default(),
                event: 10,
                created_by: "system".into(),
                created_at: AT,
                updated_at: AT,
                expires_at: Some(AT),
            },
        );
        let shown = read(&shown);
        assert_eq!(shown["key"], "ü/ %");
        assert!(shown["url"].as_str().is_some_and(|url| url.ends_with("/Items/%C3%BC%2F%20%25")));
        assert_eq!((&shown["revision"], &shown["last_event_id"]), (&json!("a"), &json!(10)));
        assert_eq!(shown["date_expires"], "2027-01-15T08:00:00.007Z");
    }

    #[test]
    fn a_page_says_whether_there_is_more() {
        let page = read(&items(&["{\"n\":1}".to_owned()], None, Some("t")));
        let meta = json!({"previous_token": null, "next_token": "t"});
        assert_eq!(page, json!({"items": [{"n": 1}], "meta": meta}));
    }

    #[test]
    fn a_failed_subscription_says_why() {
        let because = Outcome::Failed { status: 404, code: 54100, message: "gone".to_owned() };
        let told = read(&outcome("ET1", "document", "17", &because));
        assert_eq!(
            (&told["event_type"], &told["correlation_id"]),
            (&json!("subscription_failed"), &json!(17))
        );
        let error = json!({"status": 404, "code": 54100, "message": "gone"});
        assert_eq!(
            told["event"],
            json!({"object_sid": "ET1", "object_type": "document", "error": error})
        );
    }
}
