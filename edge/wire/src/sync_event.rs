//! What a webhook says of something that happened to an object, under the names of the wire.
//!
//! * Revisions are whole numbers here, as they are documented for webhooks; over REST the same
//!   number is written in hex digits.
//! * What there is not is left out.

use base::Sid;
use sync::{Event, ItemKey, ItemSeen, ObjectKind, What};

/// The form parameters; `None` for what no webhook tells.
pub fn parameters(event: &Event, account: Sid) -> Option<Vec<(&'static str, String)>> {
    let kind = event.object.kind();
    let names = Names::of(kind);
    let mut parameters = vec![
        ("AccountSid", account.to_string()),
        ("ServiceSid", event.service.to_string()),
        ("EventType", event_type(kind, &event.what)?),
        ("Identity", event.by.to_string()),
    ];
    parameters.extend(event.endpoint.as_deref().map(|id| ("EndpointId", id.to_owned())));
    parameters.push((names.sid, event.object.to_string()));
    parameters
        .extend(event.unique_name.as_deref().map(|name| (names.unique_name, name.to_owned())));
    parameters.extend(names.revision.map(|name| (name, event.id.to_string())));
    match &event.what {
        What::ObjectCreated { data: Some(data) } | What::DocumentUpdated { data } => {
            parameters.push(("DocumentData", data.text().to_owned()));
        }
        What::ItemAdded(item) | What::ItemUpdated(item) | What::ItemRemoved { item, .. } => {
            parameters.push(("EventId", event.id.to_string()));
            parameters.extend(of_item(item));
        }
        What::MessagePublished { message, data } => {
            parameters.push(("MessageSid", message.to_string()));
            parameters.push(("MessageData", data.text().to_owned()));
        }
        What::ObjectCreated { data: None }
        | What::ObjectRemoved { .. }
        | What::PermissionChanged { .. } => {}
    }
    Some(parameters)
}

/// Whether somebody came or went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reachability {
    /// Came.
    Connected,
    /// Went.
    Disconnected,
}

/// The form parameters of somebody who came or went.
pub fn reachability(
    what: Reachability,
    (account, service): (Sid, sync::ServiceSid),
    (identity, endpoint): (&str, &str),
) -> Vec<(&'static str, String)> {
    let kind = match what {
        Reachability::Connected => "endpoint_connected",
        Reachability::Disconnected => "endpoint_disconnected",
    };
    vec![
        ("AccountSid", account.to_string()),
        ("ServiceSid", service.to_string()),
        ("EventType", kind.to_owned()),
        ("Identity", identity.to_owned()),
        ("EndpointId", endpoint.to_owned()),
    ]
}

fn event_type(kind: ObjectKind, what: &What) -> Option<String> {
    let word = kind.word();
    Some(match what {
        What::ObjectCreated { .. } => format!("{word}_created"),
        What::DocumentUpdated { .. } => format!("{word}_updated"),
        What::ObjectRemoved { .. } => format!("{word}_removed"),
        What::ItemAdded(_) => format!("{word}_item_added"),
        What::ItemUpdated(_) => format!("{word}_item_updated"),
        What::ItemRemoved { .. } => format!("{word}_item_removed"),
        What::MessagePublished { .. } => format!("{word}_message_published"),
        What::PermissionChanged { .. } => return None,
    })
}

/// What an object of a kind calls what every object has.
struct Names {
    sid: &'static str,
    unique_name: &'static str,
    revision: Option<&'static str>,
}

impl Names {
    const fn of(kind: ObjectKind) -> Self {
        let (sid, unique_name, revision) = match kind {
            ObjectKind::Document => ("DocumentSid", "DocumentUniqueName", Some("DocumentRevision")),
            ObjectKind::List => ("ListSid", "ListUniqueName", Some("ListRevision")),
            ObjectKind::Map => ("MapSid", "MapUniqueName", Some("MapRevision")),
            ObjectKind::Stream => ("StreamSid", "StreamUniqueName", None),
        };
        Self { sid, unique_name, revision }
    }
}

fn of_item(item: &ItemSeen) -> [(&'static str, String); 3] {
    let place = match &item.key {
        ItemKey::Index(index) => ("ItemIndex", index.to_string()),
        ItemKey::Key(key) => ("ItemKey", key.to_string()),
    };
    let revision = ("ItemRevision", item.revision.to_string());
    [place, revision, ("ItemData", item.data.text().to_owned())]
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::Timestamp;
    use std::collections::BTreeMap;
    use sync::{MessageSid, ObjectSid, Payload, Removal, Rights, ServiceSid};

    fn payload() -> Payload {
        Payload::parse(r#"{ "n": 9007199254740993 }"#).expect("an object")
    }

    fn told(kind: ObjectKind, what: What) -> BTreeMap<&'static str, String> {
        let event = Event {
            object: ObjectSid::new(kind, 7),
            service: ServiceSid::new(1),
            unique_name: Some("hours".into()),
            id: 31,
            at: Timestamp(0),
            by: "ann".into(),
            endpoint: Some("tab".into()),
            what,
        };
        let all = parameters(&event, Sid::new(*b"AC", 1)).expect("it is told");
        all.into_iter().collect()
    }

    fn item(key: ItemKey) -> ItemSeen {
        ItemSeen { key, revision: 31, data: payload(), expires_at: None }
    }

    #[test]
    fn every_event_has_its_type_and_its_parameters() {
        let (because, data) = (Removal::Deleted, payload());
        let index = || item(ItemKey::Index(4));
        let key = || item(ItemKey::Key("a b".into()));
        let item_of = |list: [&'static str; 3], place: &'static str| {
            [list.as_slice(), &["EventId", place, "ItemRevision", "ItemData"]].concat()
        };
        let (document, list, map, stream) = (
            ["DocumentSid", "DocumentUniqueName", "DocumentRevision"],
            ["ListSid", "ListUniqueName", "ListRevision"],
            ["MapSid", "MapUniqueName", "MapRevision"],
            ["StreamSid", "StreamUniqueName"],
        );
        let with_data = [document.as_slice(), &["DocumentData"]].concat();
        let message = MessageSid::new(3);
        let published = What::MessagePublished { message, data: data.clone() };
        let created = |data| What::ObjectCreated { data };
        let updated = What::DocumentUpdated { data: data.clone() };
        let removed = |item| What::ItemRemoved { item, because };
        use ObjectKind::{Document, List, Map, Stream};
        let cases: [(ObjectKind, What, &str, Vec<&str>); 15] = [
            (Document, created(Some(data)), "document_created", with_data.clone()),
            (Document, updated, "document_updated", with_data),
            (Document, What::ObjectRemoved { because }, "document_removed", document.to_vec()),
            (List, created(None), "list_created", list.to_vec()),
            (List, What::ObjectRemoved { because }, "list_removed", list.to_vec()),
            (List, What::ItemAdded(index()), "list_item_added", item_of(list, "ItemIndex")),
            (List, What::ItemUpdated(index()), "list_item_updated", item_of(list, "ItemIndex")),
            (List, removed(index()), "list_item_removed", item_of(list, "ItemIndex")),
            (Map, created(None), "map_created", map.to_vec()),
            (Map, What::ObjectRemoved { because }, "map_removed", map.to_vec()),
            (Map, What::ItemAdded(key()), "map_item_added", item_of(map, "ItemKey")),
            (Map, What::ItemUpdated(key()), "map_item_updated", item_of(map, "ItemKey")),
            (Map, removed(key()), "map_item_removed", item_of(map, "ItemKey")),
            (Stream, created(None), "stream_created", stream.to_vec()),
            (
                Stream,
                published,
                "stream_message_published",
                [stream.as_slice(), &["MessageSid", "MessageData"]].concat(),
            ),
        ];
        for (kind, what, name, own) in cases {
            let told = told(kind, what);
            assert_eq!(told["EventType"], name);
            let common =
                ["AccountSid", "ServiceSid", "EventType", "Identity", "EndpointId"].as_slice();
            let mut expected = [common, &own].concat();
            expected.sort_unstable();
            assert_eq!(told.keys().copied().collect::<Vec<_>>(), expected, "{name}");
        }
    }

    #[test]
    fn values_are_the_text_that_was_sent_and_revisions_whole_numbers() {
        let told = told(ObjectKind::Map, What::ItemAdded(item(ItemKey::Key("a b".into()))));
        assert_eq!(told["ItemData"], r#"{ "n": 9007199254740993 }"#);
        assert_eq!((&*told["MapRevision"], &*told["ItemRevision"]), ("31", "31"));
        assert_eq!((&*told["ItemKey"], &*told["Identity"]), ("a b", "ann"));
    }

    #[test]
    fn permissions_are_nobody_elses_business() {
        let what = What::PermissionChanged { identity: "bob".into(), rights: Rights::ALL };
        let event = Event {
            object: ObjectSid::new(ObjectKind::Map, 7),
            service: ServiceSid::new(1),
            unique_name: None,
            id: 1,
            at: Timestamp(0),
            by: sync::SYSTEM.into(),
            endpoint: None,
            what,
        };
        assert_eq!(parameters(&event, Sid::new(*b"AC", 1)), None);
    }
}
