//! State synchronisation over REST: services, objects, items, permissions.
//!
//! * Values are passed on as the text they came as; nothing here rewrites one.
//! * URLs name things by their SIDs, whatever name they were asked for by; keys and identities in
//!   them are percent-encoded.

use crate::schema::{Kind, Schema, property};
use crate::{Iso, Links};
use ::sync::service::Service;
use ::sync::{
    Item, ItemKey, MessageSid, Object, ObjectKind, ObjectSid, Payload, Permission, ServiceSid,
};
use base::Sid;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde_json::value::RawValue;

/// What may stand in a part of a path as it is.
const IN_PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// All of them, for the OpenAPI document.
pub const SYNC: &[&Schema] = &[
    &SyncService::SCHEMA,
    SyncObject::schema(ObjectKind::Document),
    SyncObject::schema(ObjectKind::List),
    SyncObject::schema(ObjectKind::Map),
    SyncObject::schema(ObjectKind::Stream),
    &SyncItem::SCHEMA_OF_LIST,
    &SyncItem::SCHEMA_OF_MAP,
    &SyncPermission::SCHEMA_OF_DOCUMENT,
    &SyncPermission::SCHEMA_OF_LIST,
    &SyncPermission::SCHEMA_OF_MAP,
    &StreamMessage::SCHEMA,
];

/// A service.
#[derive(Clone, Debug, Serialize)]
pub struct SyncService<'a> {
    sid: ServiceSid,
    unique_name: Option<&'a str>,
    account_sid: Sid,
    friendly_name: Option<&'a str>,
    date_created: Iso,
    date_updated: Iso,
    url: String,
    webhook_url: Option<&'a str>,
    webhooks_from_rest_enabled: bool,
    reachability_webhooks_enabled: bool,
    acl_enabled: bool,
    reachability_debouncing_enabled: bool,
    reachability_debouncing_window: u32,
    links: Links,
}

impl<'a> SyncService<'a> {
    /// As the published document has it.
    pub const SCHEMA: Schema = Schema {
        name: "sync.v1.service",
        properties: &[
            property("sid", Kind::Sid("IS")),
            property("unique_name", Kind::Text),
            property("account_sid", Kind::Sid("AC")),
            property("friendly_name", Kind::Text),
            property("date_created", Kind::Date),
            property("date_updated", Kind::Date),
            property("url", Kind::Url),
            property("webhook_url", Kind::Url),
            property("webhooks_from_rest_enabled", Kind::Boolean),
            property("reachability_webhooks_enabled", Kind::Boolean),
            property("acl_enabled", Kind::Boolean),
            property("reachability_debouncing_enabled", Kind::Boolean),
            property("reachability_debouncing_window", Kind::Integer),
            property("links", Kind::Urls),
        ],
    };

    /// As a caller sees it.
    pub fn new(service: &'a Service, base: &str) -> Self {
        let url = format!("{base}/v1/Services/{}", service.sid);
        let below = |path: &str| format!("{url}/{path}");
        Self {
            sid: service.sid,
            // The default one is found by an alias, which is not its name.
            unique_name: None,
            account_sid: service.account,
            friendly_name: service.friendly_name.as_deref(),
            date_created: Iso(service.created_at),
            date_updated: Iso(service.updated_at),
            webhook_url: service.webhook_url.as_deref(),
            webhooks_from_rest_enabled: service.webhooks_from_rest_enabled,
            reachability_webhooks_enabled: service.reachability_webhooks_enabled,
            acl_enabled: service.acl_enabled,
            reachability_debouncing_enabled: service.reachability_debouncing_enabled,
            reachability_debouncing_window: service.reachability_debouncing_window_ms,
            links: Links::default()
                .to("documents", below("Documents"))
                .to("lists", below("Lists"))
                .to("maps", below("Maps"))
                .to("streams", below("Streams")),
            url,
        }
    }
}

/// Where an object is, and whose it is.
#[derive(Clone, Copy, Debug)]
pub struct Whereabouts<'a> {
    /// The product's base URL.
    pub base: &'a str,
    /// Whose.
    pub account: Sid,
    /// In which service.
    pub service: ServiceSid,
}

impl Whereabouts<'_> {
    fn object(&self, object: ObjectSid) -> String {
        let plural = plural(object.kind());
        format!("{}/v1/Services/{}/{plural}/{object}", self.base, self.service)
    }
}

const fn plural(kind: ObjectKind) -> &'static str {
    match kind {
        ObjectKind::Document => "Documents",
        ObjectKind::List => "Lists",
        ObjectKind::Map => "Maps",
        ObjectKind::Stream => "Streams",
    }
}

/// A document, list, map or stream.
#[derive(Clone, Serialize)]
pub struct SyncObject<'a> {
    sid: ObjectSid,
    unique_name: Option<&'a str>,
    account_sid: Sid,
    service_sid: ServiceSid,
    url: String,
    links: Links,
    /// Streams have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<String>,
    /// Of documents alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a RawValue>,
    date_expires: Option<Iso>,
    date_created: Iso,
    date_updated: Iso,
    created_by: &'a str,
}

impl<'a> SyncObject<'a> {
    /// As the published document has it.
    pub const fn schema(kind: ObjectKind) -> &'static Schema {
        match kind {
            ObjectKind::Document => &DOCUMENT,
            ObjectKind::List => &LIST,
            ObjectKind::Map => &MAP,
            ObjectKind::Stream => &STREAM,
        }
    }

    /// As a caller sees it.
    pub fn new(object: &'a Object, at: Whereabouts<'_>) -> Self {
        let url = at.object(object.sid);
        let below = |path: &str| format!("{url}/{path}");
        let (links, kind) = (Links::default(), object.kind());
        let links = match kind {
            ObjectKind::Document => links.to("permissions", below("Permissions")),
            ObjectKind::List | ObjectKind::Map => {
                links.to("items", below("Items")).to("permissions", below("Permissions"))
            }
            ObjectKind::Stream => links.to("messages", below("Messages")),
        };
        Self {
            sid: object.sid,
            unique_name: object.unique_name.as_deref(),
            account_sid: at.account,
            service_sid: object.service,
            links,
            revision: (kind != ObjectKind::Stream).then(|| object.revision()),
            data: object.value().map(raw),
            date_expires: object.expires_at.map(Iso),
            date_created: Iso(object.created_at),
            date_updated: Iso(object.updated_at),
            created_by: &object.created_by,
            url,
        }
    }
}

macro_rules! object_schema {
    ($schema:ident, $name:literal, $letters:literal $(, $own:expr)*) => {
        static $schema: Schema = Schema {
            name: $name,
            properties: &[
                property("sid", Kind::Sid($letters)),
                property("unique_name", Kind::Text),
                property("account_sid", Kind::Sid("AC")),
                property("service_sid", Kind::Sid("IS")),
                property("url", Kind::Url),
                property("links", Kind::Urls),
                $($own,)*
                property("date_expires", Kind::Date),
                property("date_created", Kind::Date),
                property("date_updated", Kind::Date),
                property("created_by", Kind::Text),
            ],
        };
    };
}

object_schema!(
    DOCUMENT,
    "sync.v1.service.document",
    "ET",
    property("revision", Kind::Text),
    property("data", Kind::Any)
);
object_schema!(LIST, "sync.v1.service.sync_list", "ES", property("revision", Kind::Text));
object_schema!(MAP, "sync.v1.service.sync_map", "MP", property("revision", Kind::Text));
object_schema!(STREAM, "sync.v1.service.sync_stream", "TO");

/// An item of a list or map.
#[derive(Clone, Serialize)]
pub struct SyncItem<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a str>,
    account_sid: Sid,
    service_sid: ServiceSid,
    #[serde(skip_serializing_if = "Option::is_none")]
    list_sid: Option<ObjectSid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    map_sid: Option<ObjectSid>,
    url: String,
    revision: String,
    data: &'a RawValue,
    date_expires: Option<Iso>,
    date_created: Iso,
    date_updated: Iso,
    created_by: &'a str,
}

impl<'a> SyncItem<'a> {
    /// As the published document has it.
    pub const SCHEMA_OF_LIST: Schema = Schema {
        name: "sync.v1.service.sync_list.sync_list_item",
        properties: &[
            property("index", Kind::Integer),
            property("account_sid", Kind::Sid("AC")),
            property("service_sid", Kind::Sid("IS")),
            property("list_sid", Kind::Sid("ES")),
            property("url", Kind::Url),
            property("revision", Kind::Text),
            property("data", Kind::Any),
            property("date_expires", Kind::Date),
            property("date_created", Kind::Date),
            property("date_updated", Kind::Date),
            property("created_by", Kind::Text),
        ],
    };
    /// As the published document has it.
    pub const SCHEMA_OF_MAP: Schema = Schema {
        name: "sync.v1.service.sync_map.sync_map_item",
        properties: &[
            property("key", Kind::Text),
            property("account_sid", Kind::Sid("AC")),
            property("service_sid", Kind::Sid("IS")),
            property("map_sid", Kind::Sid("MP")),
            property("url", Kind::Url),
            property("revision", Kind::Text),
            property("data", Kind::Any),
            property("date_expires", Kind::Date),
            property("date_created", Kind::Date),
            property("date_updated", Kind::Date),
            property("created_by", Kind::Text),
        ],
    };

    /// As a caller sees it.
    pub fn new(item: &'a Item, at: Whereabouts<'_>) -> Self {
        let object = at.object(item.object);
        let (index, key, url) = match &item.key {
            ItemKey::Index(index) => (Some(*index), None, format!("{object}/Items/{index}")),
            ItemKey::Key(key) => {
                let encoded = utf8_percent_encode(key, IN_PATH);
                (None, Some(&**key), format!("{object}/Items/{encoded}"))
            }
        };
        Self {
            index,
            key,
            account_sid: at.account,
            service_sid: at.service,
            list_sid: index.map(|_| item.object),
            map_sid: key.map(|_| item.object),
            url,
            revision: item.revision(),
            data: raw(&item.data),
            date_expires: item.expires_at.map(Iso),
            date_created: Iso(item.created_at),
            date_updated: Iso(item.updated_at),
            created_by: &item.created_by,
        }
    }
}

/// Somebody's rights on an object.
#[derive(Clone, Debug, Serialize)]
pub struct SyncPermission<'a> {
    account_sid: Sid,
    service_sid: ServiceSid,
    #[serde(skip_serializing_if = "Option::is_none")]
    document_sid: Option<ObjectSid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    list_sid: Option<ObjectSid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    map_sid: Option<ObjectSid>,
    identity: &'a str,
    read: bool,
    write: bool,
    manage: bool,
    url: String,
}

macro_rules! permission_schema {
    ($name:literal, $object:literal, $letters:literal) => {
        Schema {
            name: $name,
            properties: &[
                property("account_sid", Kind::Sid("AC")),
                property("service_sid", Kind::Sid("IS")),
                property($object, Kind::Sid($letters)),
                property("identity", Kind::Text),
                property("read", Kind::Boolean),
                property("write", Kind::Boolean),
                property("manage", Kind::Boolean),
                property("url", Kind::Url),
            ],
        }
    };
}

impl<'a> SyncPermission<'a> {
    /// As the published document has it.
    pub const SCHEMA_OF_DOCUMENT: Schema =
        permission_schema!("sync.v1.service.document.document_permission", "document_sid", "ET");
    /// As the published document has it.
    pub const SCHEMA_OF_LIST: Schema =
        permission_schema!("sync.v1.service.sync_list.sync_list_permission", "list_sid", "ES");
    /// As the published document has it.
    pub const SCHEMA_OF_MAP: Schema =
        permission_schema!("sync.v1.service.sync_map.sync_map_permission", "map_sid", "MP");

    /// As a caller sees it.
    pub fn new(permission: &'a Permission, at: Whereabouts<'_>) -> Self {
        let (object, rights) = (permission.object, permission.rights);
        let of = |kind| (object.kind() == kind).then_some(object);
        let identity = utf8_percent_encode(&permission.identity, IN_PATH);
        Self {
            account_sid: at.account,
            service_sid: at.service,
            document_sid: of(ObjectKind::Document),
            list_sid: of(ObjectKind::List),
            map_sid: of(ObjectKind::Map),
            identity: &permission.identity,
            read: rights.read,
            write: rights.write,
            manage: rights.manage,
            url: format!("{}/Permissions/{identity}", at.object(object)),
        }
    }
}

/// A message that went through a stream.
#[derive(Clone, Serialize)]
pub struct StreamMessage<'a> {
    sid: MessageSid,
    data: &'a RawValue,
}

impl<'a> StreamMessage<'a> {
    /// As the published document has it.
    pub const SCHEMA: Schema = Schema {
        name: "sync.v1.service.sync_stream.stream_message",
        properties: &[property("sid", Kind::Sid("TZ")), property("data", Kind::Any)],
    };

    /// As a caller sees it.
    pub fn new(sid: MessageSid, data: &'a Payload) -> Self {
        Self { sid, data: raw(data) }
    }
}

fn raw(payload: &Payload) -> &RawValue {
    serde_json::from_str(payload.text()).expect("a payload was checked when it came")
}
