//! `/v3/{Documents,Lists,Maps,Streams}` and the same below `/v3/Services/{service}`.

use super::{Asker, Body, if_match, items, shown, target};
use crate::{Answer, Cx, Problem, Reply as Answered, Routes};
use access::Permit;
use sync::{Action, Object, ObjectKind, Reply, Target};
use wire::cds;

/// The operations of one kind.
struct Operations {
    create: &'static str,
    fetch: [&'static str; 2],
    update: [&'static str; 2],
    delete: [&'static str; 2],
}

const fn operations(kind: ObjectKind) -> Operations {
    match kind {
        ObjectKind::Document => Operations {
            create: "document.create",
            fetch: ["document.fetch", "service_document.fetch"],
            update: ["document.update", "service_document.update"],
            delete: ["document.delete", "service_document.delete"],
        },
        ObjectKind::List => Operations {
            create: "list.create",
            fetch: ["list.fetch", "service_list.fetch"],
            update: ["list.update", "service_list.update"],
            delete: ["list.delete", "service_list.delete"],
        },
        ObjectKind::Map => Operations {
            create: "map.create",
            fetch: ["map.fetch", "service_map.fetch"],
            update: ["map.update", "service_map.update"],
            delete: ["map.delete", "service_map.delete"],
        },
        ObjectKind::Stream => Operations {
            create: "stream.create",
            fetch: ["stream.fetch", "service_stream.fetch"],
            update: ["stream.update", "service_stream.update"],
            delete: ["stream.delete", "service_stream.delete"],
        },
    }
}

/// What a list's context is called among operations.
const CONTEXT: [&str; 2] = ["list_context.fetch", "service_list_context.fetch"];

/// Where objects of a kind are: by name or SID, and below their service.
pub(super) const fn places(kind: ObjectKind) -> [&'static str; 2] {
    match kind {
        ObjectKind::Document => ["/v3/Documents", "/v3/Services/{service}/Documents"],
        ObjectKind::List => ["/v3/Lists", "/v3/Services/{service}/Lists"],
        ObjectKind::Map => ["/v3/Maps", "/v3/Services/{service}/Maps"],
        ObjectKind::Stream => ["/v3/Streams", "/v3/Services/{service}/Streams"],
    }
}

/// All routes of one kind.
pub(super) fn routes(kind: ObjectKind) -> [Routes; 2] {
    let names = operations(kind);
    let of = |at: usize| {
        let routes = Routes::at(places(kind)[at])
            .json()
            .get("/{object}", names.fetch[at], Permit::Endpoint, move |cx| fetch(cx, kind))
            .post("/{object}", names.update[at], Permit::Endpoint, move |cx| update(cx, kind))
            .conditional()
            .delete("/{object}", names.delete[at], Permit::Endpoint, move |cx| delete(cx, kind));
        let routes = match kind {
            ObjectKind::List => {
                routes.get("/{object}/Context", CONTEXT[at], Permit::Endpoint, context)
            }
            ObjectKind::Document | ObjectKind::Map | ObjectKind::Stream => routes,
        };
        match at {
            0 => routes.post("", names.create, Permit::Endpoint, move |cx| create(cx, kind)),
            _ => routes,
        }
    };
    [of(0), of(1)]
}

async fn create(cx: Cx, kind: ObjectKind) -> Answered {
    let (asker, body) = (Asker::of(&cx)?, Body::of(&cx)?);
    let data = match kind {
        ObjectKind::Document => body.data()?,
        ObjectKind::List => body.context()?,
        ObjectKind::Map | ObjectKind::Stream => None,
    };
    let unique_name = body.unique_name.as_deref().map(Into::into);
    let action = Action::CreateObject { kind, unique_name, data, ttl: body.ttl()? };
    let object = changed(asker.command(&cx, action).await?)?;
    answer(201, &cx, &object, None)
}

async fn fetch(cx: Cx, kind: ObjectKind) -> Answered {
    let asker = Asker::of(&cx)?;
    let object = asker.object(&cx, &target(&cx, kind))?;
    let with_items = kind.has_items() && cx.input.text("Include") == Some("items");
    let items = match with_items {
        true => Some(items::first_page(&cx, &asker, &object).await?),
        false => None,
    };
    answer(200, &cx, &object, items.as_deref())
}

/// What a list was made with beside its items.
async fn context(cx: Cx) -> Answered {
    let asker = Asker::of(&cx)?;
    let list = asker.object(&cx, &target(&cx, ObjectKind::List))?;
    Ok(shown(200, cds::context(&list), None))
}

async fn update(cx: Cx, kind: ObjectKind) -> Answered {
    let (asker, body) = (Asker::of(&cx)?, Body::of(&cx)?);
    let (object, if_match) = (target(&cx, kind), if_match(&cx)?);
    let data = body.data()?;
    let is_write = data.is_some();
    let action = Action::UpdateObject { object, data, ttl: body.ttl()?, if_match };
    let object = changed(asker.command(&cx, action).await?)?;
    if is_write {
        return answer(200, &cx, &object, None);
    }
    // Who may say how long it lives may not be allowed to read it.
    let object = Object { data: None, ..Object::clone(&object) };
    answer(200, &cx, &object, None)
}

async fn delete(cx: Cx, kind: ObjectKind) -> Answered {
    let asker = Asker::of(&cx)?;
    let (object, if_match): (Target, _) = (target(&cx, kind), if_match(&cx)?);
    asker.command(&cx, Action::DeleteObject { object, if_match }).await?;
    Ok(Answer::nothing())
}

fn changed(reply: Reply) -> Result<std::sync::Arc<Object>, Problem> {
    match reply {
        Reply::Object(object) => Ok(object),
        Reply::Item { .. }
        | Reply::Removed { .. }
        | Reply::Published(_)
        | Reply::Permission(_)
        | Reply::Done => Err(Problem::internal()),
    }
}

fn answer(status: u16, cx: &Cx, object: &Object, items: Option<&str>) -> Answered {
    let json = cds::object(object, cx.account(), items);
    Ok(shown(status, json, Some(&object.revision())))
}
