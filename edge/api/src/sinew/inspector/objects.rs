//! Objects of a service: found by kind and name, and one at a time.

use super::{
    SERVICE,
    heat::{Finding, finding, rounded},
    object, page_size, service,
};
use crate::{Answer, Cx, Param, ParamKind, Permit, Problem, Reply, Routes, input::wrong};
use ::sync::{ObjectKind, ObjectSid, Target};
use host::{Heated, ObjectSearch, Searched, WINDOW_MAX};
use serde::Serialize;
use store::Direction;
use wire::inspector::InspectedObject;

pub(super) const KINDS: &[&str] = &["document", "list", "map", "stream"];
/// Permissions that are counted.
const PERMISSIONS_MAX: usize = 1_000;

pub(super) fn routes() -> Routes {
    Routes::at(SERVICE)
        .json()
        .get("/Objects", "inspected_object.list", Permit::Admin, list)
        .params(&[
            Param::optional("Kind", ParamKind::Word(KINDS)),
            Param::optional("Filter", ParamKind::Text),
            Param::optional("PageSize", ParamKind::Integer),
            Param::optional("PageToken", ParamKind::Text),
        ])
        .get("/Objects/{object}", "inspected_object.fetch", Permit::Admin, fetch)
}

#[derive(Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    object: InspectedObject<'a>,
    subscribers: usize,
    reads_per_second: f64,
    writes_per_second: f64,
    events_per_second: f64,
    findings: Vec<Told>,
    #[serde(skip_serializing_if = "Option::is_none")]
    acl: Option<Acl>,
}

/// A finding by its name; of one object, with what it means.
#[derive(Serialize)]
#[serde(untagged)]
enum Told {
    Named(&'static str),
    Explained(Finding),
}

/// Who may do anything, in short.
#[derive(Serialize)]
struct Acl {
    /// Whether the service asks for permissions.
    enforced: bool,
    /// Identities with rights; a thousand are a thousand or more.
    permissions: usize,
}

#[derive(Serialize)]
struct Page<'a> {
    objects: Vec<Shown<'a>>,
    next_page_token: Option<ObjectSid>,
}

async fn list(cx: Cx) -> Reply {
    let service = service(&cx)?;
    let searched = search(&cx, service).await?;
    let heated = cx.host.sync_heated(searched.found, WINDOW_MAX);
    let objects = heated.iter().map(|one| {
        let shown = shown(one);
        Shown { object: shown.object.without_data(), ..shown }
    });
    let page = Page { objects: objects.collect(), next_page_token: searched.next };
    Ok(Answer::ok(&page))
}

type Found = Searched<std::sync::Arc<::sync::Object>, ObjectSid>;

async fn search(cx: &Cx, service: ::sync::ServiceSid) -> Result<Found, Problem> {
    let kind = |text: &str| ObjectKind::ALL.into_iter().find(|kind| kind.word() == text);
    let kind = cx.input.word("Kind", kind)?;
    let filter = cx.input.text("Filter");
    let after = cx.input.text("PageToken").map(str::parse).transpose();
    let after = after.map_err(|_| wrong("PageToken", "is no token of this list"))?;
    let limit = page_size(cx, 50)?;
    if let Some(Ok(sid)) = filter.map(str::parse::<ObjectSid>) {
        let is_wanted = kind.is_none_or(|kind| sid.kind() == kind) && after.is_none();
        let found = cx.host.sync_object(service, &Target::of(sid))?;
        let found = found.filter(|_| is_wanted).into_iter().collect();
        return Ok(Searched { found, next: None });
    }
    let search = ObjectSearch { kind, name_holds: filter.map(Into::into), after, limit };
    Ok(cx.host.sync_search_objects(service, search).await?)
}

async fn fetch(cx: Cx) -> Reply {
    let service = crate::sync::service(&cx)?;
    let object = object(&cx, service.sid)?;
    let (sid, ascending) = (object.sid, Direction::Ascending);
    let permissions = cx.host.sync_permissions(sid, None, ascending, PERMISSIONS_MAX).await?.len();
    let heated = cx.host.sync_heated(vec![object], WINDOW_MAX);
    let one = heated.first().ok_or_else(|| cx.not_found())?;
    let acl = Acl { enforced: service.acl_enabled, permissions };
    let findings = one.findings.iter().map(|pattern| Told::Explained(finding(*pattern))).collect();
    Ok(Answer::ok(&Shown { acl: Some(acl), findings, ..shown(one) }))
}

fn shown(one: &Heated) -> Shown<'_> {
    Shown {
        object: InspectedObject::new(&one.object),
        subscribers: one.followers,
        reads_per_second: rounded(one.usage.reads_per_s),
        writes_per_second: rounded(one.usage.writes_per_s),
        events_per_second: rounded(one.usage.events_per_s),
        findings: one.findings.iter().map(|pattern| Told::Named(pattern.code())).collect(),
        acl: None,
    }
}
