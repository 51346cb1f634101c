//! Who may do what with an object, and who follows it.

use super::{OBJECT, object, page_size, service};
use crate::{Answer, Cx, Param, ParamKind, Permit, Reply, Routes};
use serde::Serialize;
use std::sync::Arc;
use store::Direction;
use wire::inspector::Instant;

const PAGE: &[Param] =
    &[Param::optional("After", ParamKind::Text), Param::optional("PageSize", ParamKind::Integer)];

pub(super) fn routes() -> Routes {
    Routes::at(OBJECT)
        .json()
        .get("/Permissions", "inspected_permission.list", Permit::Admin, permissions)
        .params(PAGE)
        .get("/Subscribers", "inspected_subscriber.list", Permit::Admin, subscribers)
        .params(&[
            Param::optional("After", ParamKind::Integer),
            Param::optional("PageSize", ParamKind::Integer),
        ])
}

#[derive(Serialize)]
struct Permissions<'a> {
    permissions: Vec<Permission<'a>>,
    /// For `After`.
    next: Option<&'a str>,
}

#[derive(Serialize)]
struct Permission<'a> {
    identity: &'a str,
    read: bool,
    write: bool,
    manage: bool,
}

async fn permissions(cx: Cx) -> Reply {
    let object = object(&cx, service(&cx)?)?;
    let (after, limit) = (cx.input.text("After").map(Arc::from), page_size(&cx, 100)?);
    let mut found =
        cx.host.sync_permissions(object.sid, after, Direction::Ascending, limit + 1).await?;
    let has_more = found.len() > limit;
    found.truncate(limit);
    let permissions = found.iter().map(|one| Permission {
        identity: &one.identity,
        read: one.rights.read,
        write: one.rights.write,
        manage: one.rights.manage,
    });
    let next = found.last().filter(|_| has_more).map(|one| &*one.identity);
    Ok(Answer::ok(&Permissions { permissions: permissions.collect(), next }))
}

#[derive(Serialize)]
struct Subscribers {
    subscribers: Vec<Subscriber>,
    total: usize,
    /// For `After`.
    next: Option<u64>,
}

#[derive(Serialize)]
struct Subscriber {
    /// `null` for who reads on behalf of the account, as this page does.
    identity: Option<Arc<str>>,
    connection: u64,
    since: Instant,
    /// `null` while it is told what it missed.
    last_event_id: Option<u64>,
    waiting_bytes: usize,
}

async fn subscribers(cx: Cx) -> Reply {
    let object = object(&cx, service(&cx)?)?;
    let after = cx.input.int("After", 0..=i64::MAX)?.map(i64::unsigned_abs);
    let limit = page_size(&cx, 100)?;
    let (mut found, total) = cx.host.sync_following(object.sid, after, limit + 1);
    let has_more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| has_more).map(|one| one.connection);
    let subscribers = found.into_iter().map(|one| Subscriber {
        identity: one.identity,
        connection: one.connection,
        since: Instant(one.since),
        last_event_id: one.last,
        waiting_bytes: one.waiting_bytes,
    });
    Ok(Answer::ok(&Subscribers { subscribers: subscribers.collect(), total, next }))
}
