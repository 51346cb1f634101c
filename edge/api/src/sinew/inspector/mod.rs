//! The inspector's view of state synchronisation: what there is, who follows it, what is hot, what
//! happened and what was. Writes go over the routes of `sync`.
//!
//! * For administrators and keys of the account alone: permissions of identities are not asked for.
//! * Nothing read here counts as a read of an object.
//! * Each call does a bounded amount of work and says how to go on.

mod heat;
mod items;
mod live;
mod objects;
mod past;
mod people;
mod removed;

use crate::{Cx, Problem, Routes, input::wrong};
use ::sync::{ItemKey, Object, ObjectKind, ObjectSid, Rejection, ServiceSid, Target};
use host::{Bounds, ItemRange};
use std::{ops::RangeInclusive, sync::Arc};
use store::Direction;

pub(super) fn routes() -> Vec<Routes> {
    let mut routes = vec![
        objects::routes(),
        items::routes(),
        people::routes(),
        heat::routes(),
        past::routes(),
        removed::routes(),
    ];
    routes.extend(live::routes());
    routes
}

const SERVICE: &str = "/v1/Sync/Services/{service}";
const OBJECT: &str = "/v1/Sync/Services/{service}/Objects/{object}";

/// Rows of a page at most.
const PAGE_SIZES: RangeInclusive<i64> = 1..=500;

fn service(cx: &Cx) -> Result<ServiceSid, Problem> {
    Ok(crate::sync::service(cx)?.sid)
}

/// The SID in the path, whether there is anything or not.
fn sid(cx: &Cx) -> Result<ObjectSid, Problem> {
    cx.path_text("object").parse().map_err(|_| cx.not_found())
}

/// The object in the path.
fn object(cx: &Cx, service: ServiceSid) -> Result<Arc<Object>, Problem> {
    let sid = sid(cx)?;
    let found = cx.host.sync_object(service, &Target::of(sid))?;
    Ok(found.ok_or(Rejection::NotFound(sid.kind()))?)
}

fn page_size(cx: &Cx, unless_given: i64) -> Result<usize, Problem> {
    let size = cx.input.int("PageSize", PAGE_SIZES)?.unwrap_or(unless_given);
    Ok(usize::try_from(size).expect("the bounds are small numbers"))
}

/// `From`, `After`, `Order` and `PageSize`.
fn item_range(cx: &Cx, kind: ObjectKind) -> Result<ItemRange, Problem> {
    let order = |text: &str| match text {
        "asc" => Some(Direction::Ascending),
        "desc" => Some(Direction::Descending),
        _ => None,
    };
    let direction = cx.input.word("Order", order)?.unwrap_or(Direction::Ascending);
    let from = match (cx.input.text("After"), cx.input.text("From")) {
        (Some(_), Some(_)) => {
            return Err(wrong("After", "only one of After and From may be given"));
        }
        (Some(text), None) => Some((item_key(kind, "After", text)?, Bounds::Exclusive)),
        (None, Some(text)) => Some((item_key(kind, "From", text)?, Bounds::Inclusive)),
        (None, None) => None,
    };
    Ok(ItemRange { from, direction, limit: page_size(cx, 100)? })
}

/// A key of a map, an index of a list.
fn item_key(kind: ObjectKind, parameter: &str, text: &str) -> Result<ItemKey, Problem> {
    match kind {
        ObjectKind::List => {
            let is_index = text.bytes().all(|byte| byte.is_ascii_digit());
            let index = text.parse().ok().filter(|_| is_index).map(ItemKey::Index);
            index.ok_or_else(|| wrong(parameter, "must be an index of the list"))
        }
        ObjectKind::Map => Ok(ItemKey::Key(text.into())),
        ObjectKind::Document | ObjectKind::Stream => {
            Err(wrong(parameter, "this object has no items"))
        }
    }
}
