//! Items of lists and maps, and messages of streams.
//!
//! * A page is found by the key it begins at, so nothing is passed over when items come and go.
//! * What is expired is not there, whether it was removed yet or not.
//! * Whoever writes no value is answered none: to write and to read are different rights.
//! * A token says order, size and place; what else the request says does not matter then.

use super::{Asker, Body, if_match, objects::places, shown, target};
use crate::{Cx, Problem, Reply as Answered, Routes, wrong};
use access::Permit;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use host::{Bounds, ItemRange};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use store::Direction;
use sync::{Action, Item, ItemKey, NewItem, Object, ObjectKind, Put, Rejection, Reply, ServiceSid};
use wire::cds;

/// Items of a page, if nothing is said.
const PAGE_SIZE: usize = 50;
/// The largest page: the library asks for one more than its user did.
const PAGE_SIZE_MAX: usize = 1_001;

/// `…/Lists/{object}/Items`.
pub(super) fn routes_of_lists() -> [Routes; 2] {
    const NAMES: [[&str; 5]; 2] = [
        [
            "list_item.list",
            "list_item.create",
            "list_item.fetch",
            "list_item.update",
            "list_item.delete",
        ],
        [
            "service_list_item.list",
            "service_list_item.create",
            "service_list_item.fetch",
            "service_list_item.update",
            "service_list_item.delete",
        ],
    ];
    let of = |at: usize| {
        let [list, create, fetch, update, delete] = NAMES[at];
        Routes::at(places(ObjectKind::List)[at])
            .json()
            .get("/{object}/Items", list, Permit::Endpoint, |cx| page(cx, ObjectKind::List))
            .post("/{object}/Items", create, Permit::Endpoint, |cx| add(cx, ObjectKind::List))
            .get("/{object}/Items/{item}", fetch, Permit::Endpoint, |cx| one(cx, ObjectKind::List))
            .post("/{object}/Items/{item}", update, Permit::Endpoint, |cx| {
                change(cx, ObjectKind::List)
            })
            .conditional()
            .delete("/{object}/Items/{item}", delete, Permit::Endpoint, |cx| {
                remove(cx, ObjectKind::List)
            })
            .conditional()
    };
    [of(0), of(1)]
}

/// `…/Maps/{object}/Items`.
pub(super) fn routes_of_maps() -> [Routes; 2] {
    const NAMES: [[&str; 6]; 2] = [
        [
            "map_item.list",
            "map_item.create",
            "map_item.fetch",
            "map_item.put",
            "map_item.update",
            "map_item.delete",
        ],
        [
            "service_map_item.list",
            "service_map_item.create",
            "service_map_item.fetch",
            "service_map_item.put",
            "service_map_item.update",
            "service_map_item.delete",
        ],
    ];
    let of = |at: usize| {
        let [list, create, fetch, put_, update, delete] = NAMES[at];
        Routes::at(places(ObjectKind::Map)[at])
            .json()
            .get("/{object}/Items", list, Permit::Endpoint, |cx| page(cx, ObjectKind::Map))
            .post("/{object}/Items", create, Permit::Endpoint, |cx| add(cx, ObjectKind::Map))
            .get("/{object}/Items/{item}", fetch, Permit::Endpoint, |cx| one(cx, ObjectKind::Map))
            .put("/{object}/Items/{item}", put_, Permit::Endpoint, put)
            .conditional()
            .post("/{object}/Items/{item}", update, Permit::Endpoint, |cx| {
                change(cx, ObjectKind::Map)
            })
            .conditional()
            .delete("/{object}/Items/{item}", delete, Permit::Endpoint, |cx| {
                remove(cx, ObjectKind::Map)
            })
            .conditional()
    };
    [of(0), of(1)]
}

/// `…/Streams/{object}/Messages`.
pub(super) fn routes_of_streams() -> [Routes; 2] {
    const NAMES: [&str; 2] = ["stream_message.create", "service_stream_message.create"];
    let of = |at: usize| {
        let routes = Routes::at(places(ObjectKind::Stream)[at]).json();
        routes.post("/{object}/Messages", NAMES[at], Permit::Endpoint, publish)
    };
    [of(0), of(1)]
}

async fn add(cx: Cx, kind: ObjectKind) -> Answered {
    let (asker, body) = (Asker::of(&cx)?, Body::of(&cx)?);
    let key = match kind {
        ObjectKind::Map => Some(body.key.as_deref().ok_or(Rejection::InvalidKey)?.into()),
        ObjectKind::Document | ObjectKind::List | ObjectKind::Stream => None,
    };
    let action = Action::AddItem { object: target(&cx, kind), key, item: new(&body)? };
    written(&asker, asker.command(&cx, action).await?, cds::item)
}

async fn put(cx: Cx) -> Answered {
    let (asker, body) = (Asker::of(&cx)?, Body::of(&cx)?);
    let (object, key) = (target(&cx, ObjectKind::Map), (*cx.path_text("item")).into());
    let action = Action::PutItem { object, key, item: new(&body)?, if_match: if_match(&cx)? };
    written(&asker, asker.command(&cx, action).await?, cds::item)
}

async fn change(cx: Cx, kind: ObjectKind) -> Answered {
    let (asker, body) = (Asker::of(&cx)?, Body::of(&cx)?);
    let data = body.data()?;
    let show = if data.is_some() { cds::item } else { cds::item_without_data };
    let action = Action::UpdateItem {
        object: target(&cx, kind),
        key: key(&cx, kind)?,
        data,
        ttl: body.item_ttl()?,
        collection_ttl: body.collection_ttl()?,
        if_match: if_match(&cx)?,
    };
    written(&asker, asker.command(&cx, action).await?, show)
}

async fn remove(cx: Cx, kind: ObjectKind) -> Answered {
    let asker = Asker::of(&cx)?;
    let (object, key, if_match) = (target(&cx, kind), key(&cx, kind)?, if_match(&cx)?);
    match asker.command(&cx, Action::DeleteItem { object, key, if_match }).await? {
        Reply::Removed { event, at } => Ok(shown(200, cds::removed(event, at), None)),
        Reply::Object(_)
        | Reply::Item { .. }
        | Reply::Published(_)
        | Reply::Permission(_)
        | Reply::Done => Err(Problem::internal()),
    }
}

async fn publish(cx: Cx) -> Answered {
    let (asker, body) = (Asker::of(&cx)?, Body::of(&cx)?);
    let (object, data) = (target(&cx, ObjectKind::Stream), body.required_data()?);
    match asker.command(&cx, Action::Publish { object, data }).await? {
        Reply::Published(sid) => Ok(shown(201, format!("{{\"sid\":\"{sid}\"}}"), None)),
        Reply::Object(_)
        | Reply::Item { .. }
        | Reply::Removed { .. }
        | Reply::Permission(_)
        | Reply::Done => Err(Problem::internal()),
    }
}

fn new(body: &Body) -> Result<NewItem, Problem> {
    let (ttl, collection_ttl) = (body.item_ttl()?, body.collection_ttl()?);
    Ok(NewItem { data: body.required_data()?, ttl, collection_ttl })
}

fn written(asker: &Asker, reply: Reply, show: fn(ServiceSid, &Item) -> String) -> Answered {
    match reply {
        Reply::Item { item, put, .. } => {
            let status = match put {
                Put::Added => 201,
                Put::Updated => 200,
            };
            Ok(shown(status, show(asker.service, &item), Some(&item.revision())))
        }
        Reply::Object(_)
        | Reply::Removed { .. }
        | Reply::Published(_)
        | Reply::Permission(_)
        | Reply::Done => Err(Problem::internal()),
    }
}

/// The item in the path.
fn key(cx: &Cx, kind: ObjectKind) -> Result<ItemKey, Problem> {
    parse(kind, &cx.path_text("item")).ok_or_else(|| Rejection::ItemNotFound(kind).into())
}

fn parse(kind: ObjectKind, text: &str) -> Option<ItemKey> {
    match kind {
        ObjectKind::List => text.parse().ok().map(ItemKey::Index),
        ObjectKind::Document | ObjectKind::Map | ObjectKind::Stream => {
            Some(ItemKey::Key(text.into()))
        }
    }
}

async fn one(cx: Cx, kind: ObjectKind) -> Answered {
    let asker = Asker::of(&cx)?;
    let object = asker.object(&cx, &target(&cx, kind))?;
    let item = cx.host.sync_item(object.sid, &key(&cx, kind)?)?;
    let item = item.ok_or(Rejection::ItemNotFound(kind))?;
    Ok(shown(200, cds::item(asker.service, &item), Some(&item.revision())))
}

/// Where a page begins, which way it goes, and how long it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Window {
    /// The first key, or the last one that is not part of it.
    from: Option<ItemKey>,
    /// Whether `from` is part of it.
    inclusive: bool,
    /// Whether it goes down.
    descending: bool,
    /// Whether it was read the other way round, from the page after it.
    backwards: bool,
    size: usize,
}

impl Window {
    fn of(cx: &Cx, kind: ObjectKind) -> Result<Self, Problem> {
        let input = &cx.input;
        if let Some(token) = input.text("PageToken") {
            return Self::from_token(token);
        }
        let descending = match input.text("Order") {
            None | Some("asc") => false,
            Some("desc") => true,
            Some(_) => return Err(wrong("Order", "must be asc or desc")),
        };
        let inclusive = match input.text("Bounds") {
            None | Some("inclusive") => true,
            Some("exclusive") => false,
            Some(_) => return Err(wrong("Bounds", "must be inclusive or exclusive")),
        };
        let from = match input.text("From") {
            Some(text) => Some(parse(kind, text).ok_or_else(|| wrong("From", "must be an index"))?),
            None => None,
        };
        let size: Option<usize> = match input.text("PageSize") {
            Some(text) => Some(text.parse().map_err(|_| wrong("PageSize", "must be a number"))?),
            None => None,
        };
        let size = size.unwrap_or(PAGE_SIZE).clamp(1, PAGE_SIZE_MAX);
        Ok(Self { from, inclusive, descending, backwards: false, size })
    }

    fn from_token(token: &str) -> Result<Self, Problem> {
        let window: Option<Self> = URL_SAFE_NO_PAD
            .decode(token)
            .ok()
            .and_then(|json| serde_json::from_slice(&json).ok())
            .filter(|window: &Self| (1..=PAGE_SIZE_MAX).contains(&window.size));
        window.ok_or_else(|| wrong("PageToken", "is no token of this server"))
    }

    fn token(&self) -> String {
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).expect("windows are plain data"))
    }

    fn direction(&self) -> Direction {
        match self.descending != self.backwards {
            true => Direction::Descending,
            false => Direction::Ascending,
        }
    }

    /// What to read: `more` items than fit say whether the page is the last one.
    fn range(&self, more: usize) -> ItemRange {
        let bounds = match self.inclusive {
            true => Bounds::Inclusive,
            false => Bounds::Exclusive,
        };
        let from = self.from.clone().map(|key| (key, bounds));
        ItemRange { from, direction: self.direction(), limit: self.size + more }
    }

    /// The page that follows this one's last key, or comes before its first.
    fn beside(&self, key: &ItemKey, backwards: bool) -> Self {
        Self { from: Some(key.clone()), inclusive: false, backwards, ..self.clone() }
    }
}

async fn page(cx: Cx, kind: ObjectKind) -> Answered {
    let asker = Asker::of(&cx)?;
    let object = asker.object(&cx, &target(&cx, kind))?;
    let single = match kind {
        ObjectKind::List => "Index",
        ObjectKind::Document | ObjectKind::Map | ObjectKind::Stream => "Key",
    };
    if let Some(text) = cx.input.raw(single) {
        let item = match parse(kind, text) {
            Some(key) => cx.host.sync_item(object.sid, &key)?,
            None => None,
        };
        let found: Vec<String> = item.iter().map(|item| cds::item(asker.service, item)).collect();
        return Ok(shown(200, cds::items(&found, None, None), None));
    }
    let window = Window::of(&cx, kind)?;
    let mut items = cx.host.sync_items(object.sid, window.range(1)).await?;
    let has_more = items.len() > window.size;
    items.truncate(window.size);
    // A page that was read backwards has the page it was asked from after it.
    let (has_previous, has_next) = match window.backwards {
        true => (has_more, true),
        false => (has_before(&cx, &object, &window).await?, has_more),
    };
    if window.backwards {
        items.reverse();
    }
    let token =
        |item: Option<&Arc<Item>>, backwards| Some(window.beside(&item?.key, backwards).token());
    let previous = token(items.first(), true).filter(|_| has_previous);
    let next = token(items.last(), false).filter(|_| has_next);
    let written: Vec<String> = items.iter().map(|item| cds::item(asker.service, item)).collect();
    Ok(shown(200, cds::items(&written, previous.as_deref(), next.as_deref()), None))
}

/// Whether there is anything before the page, in its own order.
async fn has_before(cx: &Cx, object: &Object, window: &Window) -> Result<bool, Problem> {
    let Some(from) = &window.from else { return Ok(false) };
    let before = Window {
        inclusive: !window.inclusive,
        backwards: true,
        size: 1,
        ..window.beside(from, true)
    };
    Ok(!cx.host.sync_items(object.sid, before.range(0)).await?.is_empty())
}

/// The first items of an object, as the object's own descriptor shows them.
pub(super) async fn first_page(cx: &Cx, asker: &Asker, object: &Object) -> Result<String, Problem> {
    let first = Window {
        from: None,
        inclusive: true,
        descending: false,
        backwards: false,
        size: PAGE_SIZE,
    };
    let items = cx.host.sync_items(object.sid, first.range(0)).await?;
    let written: Vec<String> = items.iter().map(|item| cds::item(asker.service, item)).collect();
    Ok(format!("[{}]", written.join(",")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(descending: bool, backwards: bool) -> Window {
        let from = Some(ItemKey::Key("ü/b".into()));
        Window { from, inclusive: false, descending, backwards, size: 10 }
    }

    #[test]
    fn a_token_says_where_a_page_is() {
        for one in [window(false, false), window(true, true)] {
            assert_eq!(Window::from_token(&one.token()).unwrap(), one);
        }
        let list = Window { from: Some(ItemKey::Index(7)), ..window(false, false) };
        assert_eq!(Window::from_token(&list.token()).unwrap(), list);
        let huge = Window { size: usize::MAX, ..window(false, false) };
        for wrong in ["", "x", "e30", &huge.token()] {
            assert!(Window::from_token(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn backwards_is_the_other_way_round() {
        assert_eq!(window(false, false).direction(), Direction::Ascending);
        assert_eq!(window(true, false).direction(), Direction::Descending);
        assert_eq!(window(false, true).direction(), Direction::Descending);
        assert_eq!(window(true, true).direction(), Direction::Ascending);
    }
}
