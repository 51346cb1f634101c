//! Objects of a service that are gone: listed newest first, and one at a time.

use super::{SERVICE, objects::KINDS, page_size, service, sid};
use crate::{Answer, Cx, Param, ParamKind, Permit, Problem, Reply, Routes, input::wrong};
use ::sync::{ObjectKind, ObjectSid, Rejection};
use base::Timestamp;
use host::{RemovedSearch, Searched};
use serde::Serialize;
use wire::inspector::InspectedRemoval;

pub(super) fn routes() -> Routes {
    Routes::at(SERVICE)
        .json()
        .get("/Removed", "inspected_removal.list", Permit::Admin, list)
        .params(&[
            Param::optional("Kind", ParamKind::Word(KINDS)),
            Param::optional("Filter", ParamKind::Text),
            Param::optional("PageSize", ParamKind::Integer),
            Param::optional("PageToken", ParamKind::Text),
        ])
        .get("/Removed/{object}", "inspected_removal.fetch", Permit::Admin, fetch)
}

#[derive(Serialize)]
struct Page<'a> {
    removed: Vec<InspectedRemoval<'a>>,
    /// There may be a next one where nothing was found.
    next_page_token: Option<String>,
}

async fn list(cx: Cx) -> Reply {
    let service = service(&cx)?;
    let kind = |text: &str| ObjectKind::ALL.into_iter().find(|kind| kind.word() == text);
    let (kind, filter) = (cx.input.word("Kind", kind)?, cx.input.text("Filter"));
    let after = cx.input.text("PageToken").map(place).transpose()?;
    let limit = page_size(&cx, 50)?;
    let searched = if let Some(Ok(sid)) = filter.map(str::parse::<ObjectSid>) {
        let is_wanted = kind.is_none_or(|kind| sid.kind() == kind) && after.is_none();
        let found = cx.host.sync_removed(service, sid).await?.filter(|_| is_wanted);
        Searched { found: found.into_iter().collect(), next: None }
    } else {
        let search = RemovedSearch { kind, name_holds: filter.map(Into::into), after, limit };
        cx.host.sync_search_removed(service, search).await?
    };
    let removed = searched.found.iter().map(InspectedRemoval::new).collect();
    let next_page_token = searched.next.map(|(at, sid)| format!("{}-{sid}", at.0));
    Ok(Answer::ok(&Page { removed, next_page_token }))
}

/// Back from the token of a page.
fn place(token: &str) -> Result<(Timestamp, ObjectSid), Problem> {
    let (at, sid) = token.split_once('-').unwrap_or_default();
    let place = at.parse().ok().map(Timestamp).zip(sid.parse().ok());
    place.ok_or_else(|| wrong("PageToken", "is no token of this list"))
}

async fn fetch(cx: Cx) -> Reply {
    let (service, sid) = (service(&cx)?, sid(&cx)?);
    let removed = cx.host.sync_removed(service, sid).await?;
    let removed = removed.ok_or(Rejection::NotFound(sid.kind()))?;
    Ok(Answer::ok(&InspectedRemoval::new(&removed)))
}
