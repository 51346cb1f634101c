//! State synchronisation over HTTP, for programs of the account: one file per resource.
//!
//! * Whoever calls here acts for the account: permissions of identities are not asked for.
//! * `default` names the service that every account has.
//! * Rules live in the engine; these files only translate.

mod items;
mod messages;
mod objects;
mod permissions;
pub(crate) mod rates;
mod services;

use crate::{Cx, Problem, Routes};
use ::sync::{
    Action, Caller, Command, IfMatch, Named, Object, ObjectKind, Payload, Rejection, Reply,
    ServiceSid, Target, Ttl, service::Service,
};
use std::sync::Arc;
use wire::rest::Whereabouts;

/// Every route of the product.
pub(crate) fn routes() -> Vec<Routes> {
    let mut routes = vec![services::routes()];
    routes.extend(ObjectKind::ALL.map(objects::routes));
    routes.extend([items::routes_of_lists(), items::routes_of_maps(), messages::routes()]);
    routes.extend(permissions::routes());
    routes
}

/// The most rows of a page.
const PAGE_SIZE_MAX: usize = 100;

/// The service in the path: it is there, and the caller's.
pub(crate) fn service(cx: &Cx) -> Result<Arc<Service>, Problem> {
    let account = cx.account();
    let sid = match &*cx.path_text("service") {
        "default" => ServiceSid::default_of(account),
        text => text.parse().map_err(|_| Rejection::ServiceNotFound)?,
    };
    let created_at = cx.directory().account(account).map(|account| account.created_at);
    let services = cx.host.sync_services();
    let found = created_at.and_then(|created_at| services.get(account, created_at, sid));
    Ok(found.ok_or(Rejection::ServiceNotFound)?)
}

/// Hands a command of the account to a service's objects; answers once it is durable.
async fn command(cx: &Cx, service: ServiceSid, action: Action) -> Result<Reply, Problem> {
    cx.sync_rate_of(service, &action)?;
    Ok(cx.host.sync(Command { service, caller: Caller::System, action }).await?)
}

/// The object that the path names, whether it is there or not.
fn target(cx: &Cx, kind: ObjectKind) -> Target {
    Target::parse(kind, &cx.path_text("object"))
}

/// The object that the path names, or the 404 that says how it was named.
fn object(cx: &Cx, service: ServiceSid, kind: ObjectKind) -> Result<Arc<Object>, Problem> {
    let target = target(cx, kind);
    let missing = match target.named {
        Named::Sid(_) => Rejection::NotFound(kind),
        Named::Name(_) => Rejection::NameNotFound,
    };
    Ok(cx.host.sync_object(service, &target)?.ok_or(missing)?)
}

/// What shapes need beside their entity.
fn at<'a>(cx: &'a Cx, service: ServiceSid) -> Whereabouts<'a> {
    Whereabouts { base: cx.base(), account: cx.account(), service }
}

/// The header, bare or quoted.
fn if_match(cx: &Cx) -> Result<Option<IfMatch>, Problem> {
    let Some(value) = cx.headers.get(http::header::IF_MATCH) else { return Ok(None) };
    let text = value.to_str().map_err(|_| Rejection::InvalidIfMatch)?;
    Ok(Some(IfMatch::parse(text)?))
}

/// A value, if one is given; one that is empty is no JSON.
fn data(cx: &Cx) -> Result<Option<Payload>, Problem> {
    let Some(text) = cx.input.raw("Data") else { return Ok(None) };
    let parsed = Payload::parse(text).map_err(|error| Rejection::InvalidJson(error.to_string()))?;
    Ok(Some(parsed))
}

/// A value, which must be given.
fn required_data(cx: &Cx) -> Result<Payload, Problem> {
    let missing = || Problem::invalid("Missing required parameter Data");
    data(cx)?.ok_or_else(missing)
}

fn ttl(cx: &Cx, name: &'static str) -> Result<Option<Ttl>, Problem> {
    Ok(cx.input.raw(name).map(|text| Ttl::parse(name, text)).transpose()?)
}

/// A time to live that `Ttl` is another name of: ignored where both are given.
fn ttl_or_alias(cx: &Cx, name: &'static str) -> Result<Option<Ttl>, Problem> {
    if cx.input.raw(name).is_some() { ttl(cx, name) } else { ttl(cx, "Ttl") }
}

/// A reply of another kind than the command's: a bug, and the caller cannot help it.
fn unexpected(reply: &Reply) -> Problem {
    // The kind alone: the reply itself holds customer data.
    let kind = std::mem::discriminant(reply);
    tracing::error!(?kind, "a command was answered with another kind of reply");
    Problem::internal()
}
