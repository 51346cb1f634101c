//! Services.

use super::{PAGE_SIZE_MAX, service};
use crate::{Answer, Cx, Param, ParamKind, Permit, Problem, Reply, Routes, Shape, input::wrong};
use ::sync::{
    Rejection,
    service::{Service, ServiceCommand, Settings},
};
use base::{Patch, Timestamp};
use http::Uri;
use std::sync::Arc;
use wire::rest::SyncService;

const SETTINGS: &[Param] = &[
    Param::optional("FriendlyName", ParamKind::Text),
    Param::optional("WebhookUrl", ParamKind::Url),
    Param::optional("WebhooksFromRestEnabled", ParamKind::Boolean),
    Param::optional("ReachabilityWebhooksEnabled", ParamKind::Boolean),
    Param::optional("AclEnabled", ParamKind::Boolean),
    Param::optional("ReachabilityDebouncingEnabled", ParamKind::Boolean),
    Param::optional("ReachabilityDebouncingWindow", ParamKind::Integer),
];

pub(super) fn routes() -> Routes {
    let one = Shape::One(&SyncService::SCHEMA);
    Routes::at("/v1/Services")
        .get("", "service.list", Permit::Read, list)
        .answers(Shape::List("services", &SyncService::SCHEMA))
        .post("", "service.create", Permit::Write, create)
        .params(SETTINGS)
        .answers(Shape::Made(&SyncService::SCHEMA))
        .get("/{service}", "service.fetch", Permit::Read, fetch)
        .answers(one)
        .post("/{service}", "service.update", Permit::Write, update)
        .params(SETTINGS)
        .answers(one)
        .delete("/{service}", "service.delete", Permit::Write, delete)
}

/// The default one first, the others as they were made.
async fn list(cx: Cx) -> Reply {
    let services = cx.host.sync_services().of(cx.account(), account_created_at(&cx)?);
    let entry = |service: Arc<Service>| {
        let (rank, sid) = (i64::from(!service.is_default()), service.sid.to_string());
        (vec![rank.into(), sid.as_str().into()], service)
    };
    let entries = services.into_iter().map(entry).collect();
    cx.list_of_at_most("services", PAGE_SIZE_MAX, entries, |service, items| {
        items.push(&SyncService::new(service, cx.base()));
        Ok(())
    })
}

async fn create(cx: Cx) -> Reply {
    let (account, settings) = (cx.account(), settings(&cx)?);
    let made = said(&cx, ServiceCommand::Create { account, settings }).await?;
    Ok(Answer::created(&SyncService::new(&made, cx.base())))
}

async fn fetch(cx: Cx) -> Reply {
    Ok(Answer::ok(&SyncService::new(&*service(&cx)?, cx.base())))
}

async fn update(cx: Cx) -> Reply {
    let (account, account_created_at) = (cx.account(), account_created_at(&cx)?);
    let (service, settings) = (service(&cx)?.sid, settings(&cx)?);
    let command = ServiceCommand::Update { account, account_created_at, service, settings };
    Ok(Answer::ok(&SyncService::new(&*said(&cx, command).await?, cx.base())))
}

async fn delete(cx: Cx) -> Reply {
    let (account, service) = (cx.account(), service(&cx)?.sid);
    said(&cx, ServiceCommand::Delete { account, service }).await?;
    Ok(Answer::nothing())
}

async fn said(cx: &Cx, command: ServiceCommand) -> Result<Arc<Service>, Problem> {
    let service = cx.host.sync_service(command).await?;
    // Only the host's own commands are answered without one.
    service.ok_or_else(Problem::internal)
}

/// Of when the account's default service is.
fn account_created_at(cx: &Cx) -> Result<Timestamp, Problem> {
    let account = cx.directory().account(cx.account()).map(|account| account.created_at);
    Ok(account.ok_or(Rejection::ServiceNotFound)?)
}

fn settings(cx: &Cx) -> Result<Settings, Problem> {
    let input = &cx.input;
    let window = match input.text("ReachabilityDebouncingWindow") {
        None => None,
        Some(text) => {
            let whole = |_| wrong("ReachabilityDebouncingWindow", "must be a whole number");
            Some(text.parse().map_err(whole)?)
        }
    };
    Ok(Settings {
        friendly_name: shared(input.patch("FriendlyName")),
        webhook_url: webhook_url(input.patch("WebhookUrl"))?,
        webhooks_from_rest_enabled: input.bool("WebhooksFromRestEnabled")?,
        reachability_webhooks_enabled: input.bool("ReachabilityWebhooksEnabled")?,
        acl_enabled: input.bool("AclEnabled")?,
        reachability_debouncing_enabled: input.bool("ReachabilityDebouncingEnabled")?,
        reachability_debouncing_window_ms: window,
    })
}

fn webhook_url(url: Patch<String>) -> Result<Patch<Arc<str>>, Problem> {
    if let Patch::Set(text) = &url {
        let uri: Option<Uri> = text.parse().ok();
        let is_http = |uri: &Uri| matches!(uri.scheme_str(), Some("http" | "https"));
        let fits = uri.is_some_and(|uri| is_http(&uri) && uri.authority().is_some());
        fits.then_some(()).ok_or_else(|| wrong("WebhookUrl", "must be an http or https URL"))?;
    }
    Ok(shared(url))
}

fn shared(patch: Patch<String>) -> Patch<Arc<str>> {
    match patch {
        Patch::Keep => Patch::Keep,
        Patch::Clear => Patch::Clear,
        Patch::Set(text) => Patch::Set(text.into()),
    }
}
