//! Documents, lists, maps and streams: what is the same for all four, and what is not.

use super::{
    PAGE_SIZE_MAX, at, command, data, if_match, object, service, target, ttl, ttl_or_alias,
    unexpected,
};
use crate::{
    Answer, Cx, Param, ParamKind, Permit, Problem, Reply as Answered, Routes, Shape, paging::Turn,
};
use ::sync::{Action, Object, ObjectKind, Reply, ServiceSid, Ttl};
use host::ObjectRange;
use std::sync::Arc;
use wire::rest::SyncObject;

const NAME: Param = Param::optional("UniqueName", ParamKind::Text);
const DATA: Param = Param::optional("Data", ParamKind::Json);
const TTL: Param = Param::optional("Ttl", ParamKind::Integer);
const COLLECTION_TTL: Param = Param::optional("CollectionTtl", ParamKind::Integer);

/// What the table says of one kind.
struct Kind {
    at: &'static str,
    key: &'static str,
    operations: [&'static str; 5],
    create: &'static [Param],
    update: &'static [Param],
}

const fn described(kind: ObjectKind) -> Kind {
    match kind {
        ObjectKind::Document => Kind {
            at: "/v1/Services/{service}/Documents",
            key: "documents",
            operations: [
                "document.list",
                "document.create",
                "document.fetch",
                "document.update",
                "document.delete",
            ],
            create: &[NAME, DATA, TTL],
            update: &[DATA, TTL],
        },
        ObjectKind::List => Kind {
            at: "/v1/Services/{service}/Lists",
            key: "lists",
            operations: ["list.list", "list.create", "list.fetch", "list.update", "list.delete"],
            create: &[NAME, TTL, COLLECTION_TTL],
            update: &[TTL, COLLECTION_TTL],
        },
        ObjectKind::Map => Kind {
            at: "/v1/Services/{service}/Maps",
            key: "maps",
            operations: ["map.list", "map.create", "map.fetch", "map.update", "map.delete"],
            create: &[NAME, TTL, COLLECTION_TTL],
            update: &[TTL, COLLECTION_TTL],
        },
        ObjectKind::Stream => Kind {
            at: "/v1/Services/{service}/Streams",
            key: "streams",
            operations: [
                "stream.list",
                "stream.create",
                "stream.fetch",
                "stream.update",
                "stream.delete",
            ],
            create: &[NAME, TTL],
            update: &[TTL],
        },
    }
}

pub(super) fn routes(kind: ObjectKind) -> Routes {
    let Kind {
        at,
        key,
        operations: [list_, create_, fetch_, update_, delete_],
        create: made,
        update: changed,
    } = described(kind);
    let schema = SyncObject::schema(kind);
    let routes = Routes::at(at)
        .get("", list_, Permit::Read, move |cx| list(cx, kind))
        .answers(Shape::List(key, schema))
        .post("", create_, Permit::Write, move |cx| create(cx, kind))
        .params(made)
        .answers(Shape::Made(schema))
        .get("/{object}", fetch_, Permit::Read, move |cx| fetch(cx, kind))
        .answers(Shape::One(schema))
        .delete("/{object}", delete_, Permit::Write, move |cx| delete(cx, kind))
        .post("/{object}", update_, Permit::Write, move |cx| update(cx, kind))
        .params(changed)
        .answers(Shape::One(schema));
    match kind {
        ObjectKind::Document => routes.conditional(),
        ObjectKind::List | ObjectKind::Map | ObjectKind::Stream => routes,
    }
}

async fn list(cx: Cx, kind: ObjectKind) -> Answered {
    let service = service(&cx)?.sid;
    let read = |turn: Turn| {
        let host = cx.host.clone();
        async move {
            let after = turn.after.map(|key| key.parse()).transpose();
            let after = after.map_err(|_| Turn::foreign())?;
            let range = ObjectRange { kind, after, direction: turn.direction, limit: turn.limit };
            let found = host.sync_objects(service, range).await?;
            let keyed = found.into_iter().map(|object| (object.sid.to_string(), object));
            Ok::<Vec<_>, Problem>(keyed.collect())
        }
    };
    cx.list_by_key(described(kind).key, PAGE_SIZE_MAX, read, |object: &Arc<Object>, items| {
        items.push(&SyncObject::new(object, at(&cx, service)));
        Ok(())
    })
    .await
}

async fn create(cx: Cx, kind: ObjectKind) -> Answered {
    let service = service(&cx)?.sid;
    let data = match kind {
        ObjectKind::Document => data(&cx)?,
        ObjectKind::List | ObjectKind::Map | ObjectKind::Stream => None,
    };
    let unique_name = cx.input.raw("UniqueName").map(Into::into);
    let action = Action::CreateObject { kind, unique_name, data, ttl: life(&cx, kind)? };
    let made = changed(command(&cx, service, action).await?)?;
    Ok(shown(Answer::created(&SyncObject::new(&made, at(&cx, service))), &made))
}

async fn fetch(cx: Cx, kind: ObjectKind) -> Answered {
    let service = service(&cx)?.sid;
    let found = object(&cx, service, kind)?;
    cx.sync_read(service, found.sid)?;
    Ok(shown(Answer::ok(&SyncObject::new(&found, at(&cx, service))), &found))
}

async fn update(cx: Cx, kind: ObjectKind) -> Answered {
    let service = service(&cx)?.sid;
    let (data, if_match) = match kind {
        ObjectKind::Document => (data(&cx)?, if_match(&cx)?),
        ObjectKind::List | ObjectKind::Map | ObjectKind::Stream => (None, None),
    };
    let (object, ttl) = (target(&cx, kind), life(&cx, kind)?);
    let action = Action::UpdateObject { object, data, ttl, if_match };
    updated(&cx, service, command(&cx, service, action).await?)
}

fn updated(cx: &Cx, service: ServiceSid, reply: Reply) -> Answered {
    let object = changed(reply)?;
    Ok(shown(Answer::ok(&SyncObject::new(&object, at(cx, service))), &object))
}

async fn delete(cx: Cx, kind: ObjectKind) -> Answered {
    let service = service(&cx)?.sid;
    let if_match = match kind {
        ObjectKind::Document => if_match(&cx)?,
        ObjectKind::List | ObjectKind::Map | ObjectKind::Stream => None,
    };
    let object = target(&cx, kind);
    command(&cx, service, Action::DeleteObject { object, if_match }).await?;
    Ok(Answer::nothing())
}

/// `Ttl` is another name of `CollectionTtl` where there is one.
fn life(cx: &Cx, kind: ObjectKind) -> Result<Option<Ttl>, Problem> {
    if kind.has_items() { ttl_or_alias(cx, "CollectionTtl") } else { ttl(cx, "Ttl") }
}

fn changed(reply: Reply) -> Result<Arc<Object>, Problem> {
    match reply {
        Reply::Object(object) => Ok(object),
        reply => Err(unexpected(&reply)),
    }
}

/// With its revision, if it has one.
fn shown(answer: Answer, object: &Object) -> Answer {
    match object.kind() {
        ObjectKind::Stream => answer,
        ObjectKind::Document | ObjectKind::List | ObjectKind::Map => {
            answer.header("etag", &format!("\"{}\"", object.revision()))
        }
    }
}
