//! REST shapes against their schemas, and the schemas against the published document.

use super::*;
use crate::samples::{self, BASE, Book, LATER};
use crate::{Kind, Property};
use serde_json::{Value, json};
use std::path::Path;

fn shown(shape: impl serde::Serialize) -> Value {
    serde_json::to_value(shape).expect("shapes are plain JSON")
}

/// Every shape as it is written, with its schema.
fn written() -> Vec<(&'static Schema, Value)> {
    let book = Book::new();
    let names = book.names();
    let reservation =
        |through| Reservation::new(&samples::reservation(), Some("Ada"), through, names, BASE);
    vec![
        (&Activity::SCHEMA, shown(Activity::new(&samples::activity(), names, BASE))),
        (&Event::SCHEMA, shown(event())),
        (&Reservation::SCHEMA_OF_TASK, shown(reservation(Through::Task))),
        (&Reservation::SCHEMA_OF_WORKER, shown(reservation(Through::Worker))),
        (&Task::SCHEMA, shown(Task::new(&samples::task(), names, BASE, LATER))),
        (&TaskChannel::SCHEMA, shown(TaskChannel::new(&samples::task_channel(), names, BASE))),
        (&TaskQueue::SCHEMA, shown(TaskQueue::new(&samples::task_queue(), names, BASE))),
        (&Worker::SCHEMA, shown(Worker::new(&samples::worker(), names, BASE))),
        (
            &WorkerChannel::SCHEMA,
            shown(WorkerChannel::new(&samples::worker_channel(), names, BASE)),
        ),
        (&Workflow::SCHEMA, shown(Workflow::new(&samples::workflow(), names, BASE))),
        (&Workspace::SCHEMA, shown(Workspace::new(&book.workspace, names, BASE))),
    ]
}

fn event() -> Event {
    let workspace = samples::workspace();
    Event::new(&samples::event(), (workspace.account, workspace.sid), BASE, LATER)
}

#[test]
fn every_shape_has_exactly_the_properties_of_its_schema() {
    let written = written();
    assert_eq!(written.len(), SCHEMAS.len());
    for ((schema, shown), listed) in written.iter().zip(SCHEMAS) {
        assert_eq!(schema, listed);
        let object = shown.as_object().expect("a shape is an object");
        assert_eq!(object.len(), schema.properties.len(), "{}", schema.name);
        for Property { name, kind } in schema.properties {
            let value = object.get(*name).unwrap_or_else(|| panic!("{}.{name}", schema.name));
            assert!(fits(value, *kind), "{}.{name}: {value} is no {kind:?}", schema.name);
        }
    }
}

fn fits(value: &Value, kind: Kind) -> bool {
    let text = value.as_str();
    match kind {
        Kind::Integer | Kind::Millis => value.is_i64() || value.is_u64(),
        Kind::Array => value.is_array(),
        Kind::Word { words, .. } => text.is_some_and(|text| words.contains(&text)),
        _ if value.is_null() => true,
        Kind::Any => true,
        Kind::Text => text.is_some(),
        Kind::AnySid => text.is_some_and(|t| t.parse::<base::Sid>().is_ok()),
        Kind::Boolean => value.is_boolean(),
        Kind::Sid(letters) => text.is_some_and(|t| t.len() == 34 && t.starts_with(letters)),
        Kind::Date => text.is_some_and(|t| t.len() == 20 && t.ends_with('Z') && !t.contains('.')),
        Kind::Url => text.is_some_and(|t| t.starts_with(BASE)),
        Kind::Urls => value.as_object().is_some_and(|urls| {
            urls.values().all(|url| url.as_str().is_some_and(|url| url.starts_with(BASE)))
        }),
    }
}

#[test]
fn attributes_are_the_text_that_was_sent() {
    let book = Book::new();
    let sent = samples::attributes();
    let task = shown(Task::new(&samples::task(), book.names(), BASE, LATER));
    let worker = shown(Worker::new(&samples::worker(), book.names(), BASE));
    assert_eq!(task["attributes"], json!(sent.text()));
    assert_eq!(worker["attributes"], json!(sent.text()));
}

#[test]
fn links_lead_to_neighbours_below_the_base() {
    let book = Book::new();
    let worker = shown(Worker::new(&samples::worker(), book.names(), BASE));
    let url = worker["url"].as_str().expect("a text");
    assert!(url.starts_with("http://127.0.0.1:8080/taskrouter/v1/Workspaces/WS"), "{url}");
    for (name, path) in [
        ("channels", "/Channels"),
        ("worker_channels", "/Channels"),
        ("reservations", "/Reservations"),
        ("worker_statistics", "/Statistics"),
    ] {
        assert_eq!(worker["links"][name], json!(format!("{url}{path}")));
    }
    let through = |through| {
        let reservation = samples::reservation();
        shown(Reservation::new(&reservation, None, through, book.names(), BASE))["url"].clone()
    };
    assert!(through(Through::Task).as_str().is_some_and(|url| url.contains("/Tasks/WT")));
    assert!(through(Through::Worker).as_str().is_some_and(|url| url.contains("/Workers/WK")));
}

/// The published document lies beside the checkout where it can be had; it is not ours to copy.
#[test]
fn schemas_equal_the_published_document() {
    compare("taskrouter_v1.json", SCHEMAS.iter().chain(statistics::STATISTICS));
}

fn compare<'a>(file: &str, schemas: impl IntoIterator<Item = &'a &'a Schema>) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/specs");
    let Ok(text) = std::fs::read_to_string(root.join(file)) else {
        eprintln!("not compared: {} has no published document", root.display());
        return;
    };
    let document: Value = serde_json::from_str(&text).expect("the document is JSON");
    for schema in schemas {
        let published = &document["components"]["schemas"][schema.name];
        let properties = published["properties"].as_object().expect(schema.name);
        assert_eq!(properties.len(), schema.properties.len(), "{}", schema.name);
        for Property { name, kind } in schema.properties {
            let property = &properties[*name];
            assert_eq!(described(property, &document), Described::of(*kind), "{name}");
        }
    }
}

#[derive(Debug, PartialEq)]
struct Described {
    kind: String,
    format: String,
    words: Vec<String>,
}

impl Described {
    fn of(kind: Kind) -> Self {
        let (name, format) = match kind {
            Kind::Text => ("string", String::new()),
            Kind::Sid(letters) => ("string", format!("^{letters}[0-9a-fA-F]{{32}}$")),
            Kind::Date => ("string", "date-time".to_owned()),
            Kind::Url => ("string", "uri".to_owned()),
            Kind::Urls => ("object", "uri-map".to_owned()),
            Kind::AnySid => ("string", "^[a-zA-Z]{2}[0-9a-fA-F]{32}$".to_owned()),
            Kind::Integer => ("integer", String::new()),
            Kind::Millis => ("integer", "int64".to_owned()),
            Kind::Boolean => ("boolean", String::new()),
            Kind::Array => ("array", String::new()),
            Kind::Any => ("", String::new()),
            Kind::Word { words, .. } => {
                let mut words: Vec<_> = words.iter().map(ToString::to_string).collect();
                words.sort();
                return Self { kind: "string".to_owned(), format: String::new(), words };
            }
        };
        Self { kind: name.to_owned(), format, words: Vec::new() }
    }
}

fn described(property: &Value, document: &Value) -> Described {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    if let Some(reference) = property["$ref"].as_str() {
        let name = reference.rsplit('/').next().unwrap_or_default();
        let enumeration = &document["components"]["schemas"][name];
        let listed = enumeration["enum"].as_array().expect(name);
        let mut words: Vec<_> = listed.iter().map(text).collect();
        words.sort();
        return Described { kind: text(&enumeration["type"]), format: String::new(), words };
    }
    let format = match property["format"].as_str() {
        Some(format) => format.to_owned(),
        None => text(&property["pattern"]),
    };
    Described { kind: text(&property["type"]), format, words: Vec::new() }
}

/// Every shape of sync as it is written, with its schema.
fn written_of_sync() -> Vec<(&'static Schema, Value)> {
    use ::sync::{Item, ItemKey, ObjectKind, ObjectSid, Payload, Permission, Rights, ServiceSid};
    let (account, service) = (base::Sid::new(*b"AC", 1), ServiceSid::new(1));
    let at = Whereabouts { base: BASE, account, service };
    let data = || Payload::parse(r#" {"z":1.0, "n":9007199254740993} "#).expect("an object");
    let object = |kind| ::sync::Object {
        sid: ObjectSid::new(kind, 7),
        service,
        unique_name: Some("a/b".into()),
        data: (kind == ObjectKind::Document).then(data),
        event: 31,
        next_index: 0,
        items: 0,
        created_by: "system".into(),
        created_at: samples::AT,
        updated_at: LATER,
        expires_at: Some(LATER),
    };
    let item = |kind, key| Item {
        object: ObjectSid::new(kind, 7),
        key,
        data: data(),
        event: 31,
        created_by: "ann".into(),
        created_at: samples::AT,
        updated_at: LATER,
        expires_at: None,
    };
    let permission = |kind| Permission {
        object: ObjectSid::new(kind, 7),
        identity: "ann@example.test".into(),
        rights: Rights::ALL,
    };
    let mut written = vec![(
        &SyncService::SCHEMA,
        shown(SyncService::new(&::sync::service::Service::new(service, account, LATER), BASE)),
    )];
    for kind in ObjectKind::ALL {
        written.push((SyncObject::schema(kind), shown(SyncObject::new(&object(kind), at))));
    }
    let (index, key) = (ItemKey::Index(7), ItemKey::Key("é/ü b".into()));
    let (list, map) = (item(ObjectKind::List, index), item(ObjectKind::Map, key));
    written.push((&SyncItem::SCHEMA_OF_LIST, shown(SyncItem::new(&list, at))));
    written.push((&SyncItem::SCHEMA_OF_MAP, shown(SyncItem::new(&map, at))));
    let rights = [
        (&SyncPermission::SCHEMA_OF_DOCUMENT, ObjectKind::Document),
        (&SyncPermission::SCHEMA_OF_LIST, ObjectKind::List),
        (&SyncPermission::SCHEMA_OF_MAP, ObjectKind::Map),
    ];
    for (schema, kind) in rights {
        written.push((schema, shown(SyncPermission::new(&permission(kind), at))));
    }
    let message = ::sync::MessageSid::new(3);
    written.push((&StreamMessage::SCHEMA, shown(StreamMessage::new(message, &data()))));
    written
}

#[test]
fn every_shape_of_sync_has_exactly_the_properties_of_its_schema() {
    let written = written_of_sync();
    assert_eq!(written.len(), SYNC.len());
    for ((schema, shown), listed) in written.iter().zip(SYNC) {
        assert_eq!(schema, listed);
        let object = shown.as_object().expect("a shape is an object");
        let names: Vec<&str> = schema.properties.iter().map(|property| property.name).collect();
        assert_eq!(object.len(), names.len(), "{}: {names:?} and {shown}", schema.name);
        for Property { name, kind } in schema.properties {
            let value = object.get(*name).unwrap_or_else(|| panic!("{}.{name}", schema.name));
            assert!(fits(value, *kind), "{}.{name}: {value} is no {kind:?}", schema.name);
        }
    }
}

#[test]
fn urls_of_sync_are_of_sids_and_what_is_in_them_is_encoded() {
    let written = written_of_sync();
    let url = |name: &str| {
        let found = written.iter().find(|(schema, _)| schema.name.ends_with(name));
        found.and_then(|(_, shown)| shown["url"].as_str()).expect(name).to_owned()
    };
    let (service, body) = (format!("{BASE}/v1/Services/IS{:032x}", 1), format!("{:032x}", 7));
    assert_eq!(url("document"), format!("{service}/Documents/ET{body}"));
    assert_eq!(url("list_item"), format!("{service}/Lists/ES{body}/Items/7"));
    assert_eq!(url("map_item"), format!("{service}/Maps/MP{body}/Items/%C3%A9%2F%C3%BC%20b"));
    let permission = format!("{service}/Maps/MP{body}/Permissions/ann%40example.test");
    assert_eq!(url("map_permission"), permission);
}

#[test]
fn values_of_sync_are_the_text_that_was_sent() {
    let data = ::sync::Payload::parse(r#"{"b":1.0, "a":9007199254740993}"#).expect("an object");
    let message = StreamMessage::new(::sync::MessageSid::new(3), &data);
    let text = serde_json::to_string(&message).expect("shapes are plain JSON");
    assert!(text.contains(r#""data":{"b":1.0, "a":9007199254740993}"#), "{text}");
}

#[test]
fn schemas_of_sync_equal_the_published_document() {
    compare("sync_v1.json", SYNC);
}
