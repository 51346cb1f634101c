//! Who may do what with an object. Who has no rights has no permission here either.

use super::{PAGE_SIZE_MAX, at, command, object, rates::Counted, service, target, unexpected};
use crate::{
    Answer, Cx, Param, ParamKind, Permit, Problem, Reply as Answered, Routes, Shape, paging::Turn,
};
use ::sync::{Action, ObjectKind, Permission, Reply, Rights};
use std::sync::Arc;
use wire::{Schema, rest::SyncPermission};

const RIGHTS: &[Param] = &[
    Param::required("Read", ParamKind::Boolean),
    Param::required("Write", ParamKind::Boolean),
    Param::required("Manage", ParamKind::Boolean),
];

/// Path, operations and shape of one kind.
type Described = (&'static str, [&'static str; 4], &'static Schema);

pub(super) fn routes() -> [Routes; 3] {
    [ObjectKind::Document, ObjectKind::List, ObjectKind::Map].map(|kind| {
        let (at, [list_, fetch_, set_, delete_], schema) = described(kind);
        Routes::at(at)
            .get("", list_, Permit::Read, move |cx| list(cx, kind))
            .answers(Shape::List("permissions", schema))
            .get("/{identity}", fetch_, Permit::Read, move |cx| fetch(cx, kind))
            .answers(Shape::One(schema))
            .post("/{identity}", set_, Permit::Write, move |cx| set(cx, kind))
            .params(RIGHTS)
            .answers(Shape::One(schema))
            .delete("/{identity}", delete_, Permit::Write, move |cx| delete(cx, kind))
    })
}

fn described(kind: ObjectKind) -> Described {
    match kind {
        ObjectKind::Document => (
            "/v1/Services/{service}/Documents/{object}/Permissions",
            [
                "document_permission.list",
                "document_permission.fetch",
                "document_permission.update",
                "document_permission.delete",
            ],
            &SyncPermission::SCHEMA_OF_DOCUMENT,
        ),
        ObjectKind::List => (
            "/v1/Services/{service}/Lists/{object}/Permissions",
            [
                "list_permission.list",
                "list_permission.fetch",
                "list_permission.update",
                "list_permission.delete",
            ],
            &SyncPermission::SCHEMA_OF_LIST,
        ),
        ObjectKind::Map | ObjectKind::Stream => (
            "/v1/Services/{service}/Maps/{object}/Permissions",
            [
                "map_permission.list",
                "map_permission.fetch",
                "map_permission.update",
                "map_permission.delete",
            ],
            &SyncPermission::SCHEMA_OF_MAP,
        ),
    }
}

async fn list(cx: Cx, kind: ObjectKind) -> Answered {
    let service = service(&cx)?.sid;
    let sid = object(&cx, service, kind)?.sid;
    cx.sync_rate(Counted::Permission, sid.sid(), 0)?;
    let read = |turn: Turn| {
        let host = cx.host.clone();
        async move {
            let after = turn.after.map(Arc::from);
            let found = host.sync_permissions(sid, after, turn.direction, turn.limit).await?;
            let keyed = found.into_iter().map(|one| (one.identity.to_string(), one));
            Ok::<Vec<_>, Problem>(keyed.collect())
        }
    };
    cx.list_by_key("permissions", PAGE_SIZE_MAX, read, |permission, items| {
        items.push(&SyncPermission::new(permission, at(&cx, service)));
        Ok(())
    })
    .await
}

async fn fetch(cx: Cx, kind: ObjectKind) -> Answered {
    let service = service(&cx)?.sid;
    let object = object(&cx, service, kind)?.sid;
    cx.sync_rate(Counted::Permission, object.sid(), 0)?;
    let identity = identity(&cx);
    let rights = cx.host.sync_rights(object, &identity)?.ok_or_else(|| cx.not_found())?;
    let permission = Permission { object, identity, rights };
    Ok(Answer::ok(&SyncPermission::new(&permission, at(&cx, service))))
}

async fn set(cx: Cx, kind: ObjectKind) -> Answered {
    let service = service(&cx)?.sid;
    let right = |name| -> Result<bool, Problem> {
        cx.input.required(name)?;
        Ok(cx.input.bool(name)? == Some(true))
    };
    let rights = Rights { read: right("Read")?, write: right("Write")?, manage: right("Manage")? };
    let (object, identity) = (target(&cx, kind), identity(&cx));
    let action = Action::SetPermission { object, identity, rights };
    match command(&cx, service, action).await? {
        Reply::Permission(permission) => {
            Ok(Answer::ok(&SyncPermission::new(&permission, at(&cx, service))))
        }
        reply => Err(unexpected(&reply)),
    }
}

async fn delete(cx: Cx, kind: ObjectKind) -> Answered {
    let service = service(&cx)?.sid;
    let (object, identity) = (target(&cx, kind), identity(&cx));
    command(&cx, service, Action::DeletePermission { object, identity }).await?;
    Ok(Answer::nothing())
}

fn identity(cx: &Cx) -> Arc<str> {
    (*cx.path_text("identity")).into()
}
