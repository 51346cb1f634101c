//! Items of lists and maps.
//!
//! * A page is found by the key it begins at, so nothing is passed over when items come and go.
//! * `From` need not name an item that is there.

use super::{
    PAGE_SIZE_MAX, at, command, data, if_match, object, required_data, service, target, ttl,
    ttl_or_alias, unexpected,
};
use crate::{
    Answer, Cx, Param, ParamKind, Permit, Problem, Reply as Answered, Routes, Shape, input::wrong,
    paging::Turn,
};
use ::sync::{Action, Item, ItemKey, NewItem, ObjectKind, Rejection, Reply};
use host::{Bounds, ItemRange};
use std::sync::Arc;
use store::Direction;
use wire::rest::SyncItem;

const LIST: &[Param] = &[
    Param::optional("Order", ParamKind::Word(&["asc", "desc"])),
    Param::optional("From", ParamKind::Text),
    Param::optional("Bounds", ParamKind::Word(&["inclusive", "exclusive"])),
];
const TTL: Param = Param::optional("Ttl", ParamKind::Integer);
const ITEM_TTL: Param = Param::optional("ItemTtl", ParamKind::Integer);
const COLLECTION_TTL: Param = Param::optional("CollectionTtl", ParamKind::Integer);
const DATA: Param = Param::required("Data", ParamKind::Json);
const ADD: &[Param] = &[DATA, TTL, ITEM_TTL, COLLECTION_TTL];
const ADD_BY_KEY: &[Param] =
    &[Param::required("Key", ParamKind::Text), DATA, TTL, ITEM_TTL, COLLECTION_TTL];
const UPDATE: &[Param] = &[Param::optional("Data", ParamKind::Json), TTL, ITEM_TTL, COLLECTION_TTL];

pub(super) fn routes_of_lists() -> Routes {
    const KIND: ObjectKind = ObjectKind::List;
    let schema = &SyncItem::SCHEMA_OF_LIST;
    Routes::at("/v1/Services/{service}/Lists/{object}/Items")
        .get("", "list_item.list", Permit::Read, |cx| list(cx, KIND))
        .params(LIST)
        .answers(Shape::List("items", schema))
        .post("", "list_item.create", Permit::Write, |cx| create(cx, KIND))
        .params(ADD)
        .answers(Shape::Made(schema))
        .get("/{item}", "list_item.fetch", Permit::Read, |cx| fetch(cx, KIND))
        .answers(Shape::One(schema))
        .post("/{item}", "list_item.update", Permit::Write, |cx| update(cx, KIND))
        .params(UPDATE)
        .answers(Shape::One(schema))
        .conditional()
        .delete("/{item}", "list_item.delete", Permit::Write, |cx| delete(cx, KIND))
        .conditional()
}

pub(super) fn routes_of_maps() -> Routes {
    const KIND: ObjectKind = ObjectKind::Map;
    let schema = &SyncItem::SCHEMA_OF_MAP;
    Routes::at("/v1/Services/{service}/Maps/{object}/Items")
        .get("", "map_item.list", Permit::Read, |cx| list(cx, KIND))
        .params(LIST)
        .answers(Shape::List("items", schema))
        .post("", "map_item.create", Permit::Write, |cx| create(cx, KIND))
        .params(ADD_BY_KEY)
        .answers(Shape::Made(schema))
        .get("/{item}", "map_item.fetch", Permit::Read, |cx| fetch(cx, KIND))
        .answers(Shape::One(schema))
        .post("/{item}", "map_item.update", Permit::Write, |cx| update(cx, KIND))
        .params(UPDATE)
        .answers(Shape::One(schema))
        .conditional()
        .delete("/{item}", "map_item.delete", Permit::Write, |cx| delete(cx, KIND))
        .conditional()
}

async fn list(cx: Cx, kind: ObjectKind) -> Answered {
    let service = service(&cx)?.sid;
    let sid = object(&cx, service, kind)?.sid;
    let window = Window::of(&cx, kind)?;
    cx.sync_read(service, sid)?;
    let read = |turn: Turn| {
        let (host, window) = (cx.host.clone(), window.clone());
        async move {
            let found = host.sync_items(sid, window.range(kind, &turn)?).await?;
            let found = found.into_iter().take_while(|item| window.holds(&item.key));
            Ok::<Vec<_>, Problem>(found.map(|item| (item.key.sortable(), item)).collect())
        }
    };
    cx.list_by_key("items", PAGE_SIZE_MAX, read, |item: &Arc<Item>, items| {
        items.push(&SyncItem::new(item, at(&cx, service)));
        Ok(())
    })
    .await
}

/// Which items a list of them shows.
#[derive(Clone, Debug)]
struct Window {
    from: Option<(ItemKey, Bounds)>,
    direction: Direction,
}

impl Window {
    fn of(cx: &Cx, kind: ObjectKind) -> Result<Self, Problem> {
        let order = |text: &str| match text {
            "asc" => Some(Direction::Ascending),
            "desc" => Some(Direction::Descending),
            _ => None,
        };
        let bounds = |text: &str| match text {
            "inclusive" => Some(Bounds::Inclusive),
            "exclusive" => Some(Bounds::Exclusive),
            _ => None,
        };
        let direction = cx.input.word("Order", order)?.unwrap_or(Direction::Ascending);
        let bounds = cx.input.word("Bounds", bounds)?.unwrap_or(Bounds::Inclusive);
        let from = match cx.input.text("From") {
            None => None,
            Some(text) => {
                let key = key(kind, text).ok_or_else(|| wrong("From", "must be an index"))?;
                Some((key, bounds))
            }
        };
        Ok(Self { from, direction })
    }

    /// Whether an item is not before `From`, which a turn back from a page may reach.
    fn holds(&self, key: &ItemKey) -> bool {
        let Some((from, bounds)) = &self.from else { return true };
        let order = match self.direction {
            Direction::Ascending => key.cmp(from),
            Direction::Descending => from.cmp(key),
        };
        order.is_gt() || (order.is_eq() && *bounds == Bounds::Inclusive)
    }

    /// What one turn reads.
    fn range(&self, kind: ObjectKind, turn: &Turn) -> Result<ItemRange, Problem> {
        let direction = turn.within(self.direction);
        let from = match &turn.after {
            None => self.from.clone(),
            Some(text) => {
                let key = ItemKey::from_sortable(kind, text).ok_or_else(Turn::foreign)?;
                Some((key, Bounds::Exclusive))
            }
        };
        Ok(ItemRange { from, direction, limit: turn.limit })
    }
}

async fn create(cx: Cx, kind: ObjectKind) -> Answered {
    let service = service(&cx)?.sid;
    let key = match kind {
        ObjectKind::Map => Some(cx.input.raw("Key").ok_or(Rejection::InvalidKey)?.into()),
        ObjectKind::Document | ObjectKind::List | ObjectKind::Stream => None,
    };
    let (data, ttl) = (required_data(&cx)?, ttl_or_alias(&cx, "ItemTtl")?);
    let item = NewItem { data, ttl, collection_ttl: self::ttl(&cx, "CollectionTtl")? };
    let object = target(&cx, kind);
    let made = written(command(&cx, service, Action::AddItem { object, key, item }).await?)?;
    Ok(shown(Answer::created(&SyncItem::new(&made, at(&cx, service))), &made))
}

async fn fetch(cx: Cx, kind: ObjectKind) -> Answered {
    let service = service(&cx)?.sid;
    let object = object(&cx, service, kind)?.sid;
    cx.sync_read(service, object)?;
    let item = cx.host.sync_item(object, &in_path(&cx, kind)?)?;
    let item = item.ok_or(Rejection::ItemNotFound(kind))?;
    Ok(shown(Answer::ok(&SyncItem::new(&item, at(&cx, service))), &item))
}

async fn update(cx: Cx, kind: ObjectKind) -> Answered {
    let service = service(&cx)?.sid;
    let (object, key) = (target(&cx, kind), in_path(&cx, kind)?);
    let (data, if_match) = (data(&cx)?, if_match(&cx)?);
    let (ttl, collection_ttl) = (ttl_or_alias(&cx, "ItemTtl")?, ttl(&cx, "CollectionTtl")?);
    let action = Action::UpdateItem { object, key, data, ttl, collection_ttl, if_match };
    let item = written(command(&cx, service, action).await?)?;
    Ok(shown(Answer::ok(&SyncItem::new(&item, at(&cx, service))), &item))
}

async fn delete(cx: Cx, kind: ObjectKind) -> Answered {
    let service = service(&cx)?.sid;
    let (object, key, if_match) = (target(&cx, kind), in_path(&cx, kind)?, if_match(&cx)?);
    command(&cx, service, Action::DeleteItem { object, key, if_match }).await?;
    Ok(Answer::nothing())
}

/// The item in the path; what is no index names no item of a list.
fn in_path(cx: &Cx, kind: ObjectKind) -> Result<ItemKey, Problem> {
    Ok(key(kind, &cx.path_text("item")).ok_or(Rejection::ItemNotFound(kind))?)
}

fn key(kind: ObjectKind, text: &str) -> Option<ItemKey> {
    match kind {
        ObjectKind::List => {
            let is_index = text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse().ok().filter(|_| is_index).map(ItemKey::Index)
        }
        ObjectKind::Document | ObjectKind::Map | ObjectKind::Stream => {
            Some(ItemKey::Key(text.into()))
        }
    }
}

fn written(reply: Reply) -> Result<Arc<Item>, Problem> {
    match reply {
        Reply::Item { item, .. } => Ok(item),
        reply => Err(unexpected(&reply)),
    }
}

fn shown(answer: Answer, item: &Item) -> Answer {
    answer.header("etag", &format!("\"{}\"", item.revision()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_back_ends_where_the_list_was_asked_to_begin() {
        let at = |key: &str| ItemKey::Key(key.into());
        let window = |bounds, direction| Window { from: Some((at("m"), bounds)), direction };
        let held = |window: Window| ["a", "m", "z"].map(|key| window.holds(&at(key)));
        let (up, down) = (Direction::Ascending, Direction::Descending);
        assert_eq!(held(window(Bounds::Inclusive, up)), [false, true, true]);
        assert_eq!(held(window(Bounds::Exclusive, up)), [false, false, true]);
        assert_eq!(held(window(Bounds::Inclusive, down)), [true, true, false]);
        assert_eq!(held(Window { from: None, direction: down }), [true; 3]);
    }

    #[test]
    fn only_digits_are_an_index() {
        assert_eq!(key(ObjectKind::List, "7"), Some(ItemKey::Index(7)));
        for text in ["", "+7", "-1", "7.0", "x", "99999999999999999999"] {
            assert_eq!(key(ObjectKind::List, text), None, "{text}");
        }
        assert_eq!(key(ObjectKind::Map, "7"), Some(ItemKey::Key("7".into())));
    }
}
