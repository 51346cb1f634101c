//! State synchronisation as the client libraries ask for it through their socket: JSON bodies,
//! `/v3`, one file for objects and one for what they hold.
//!
//! * The service is the one of the caller's grant; a path that names another one leads nowhere.
//! * Where the service enforces permissions, reads ask for them here and commands in the engine.

mod items;
mod objects;
mod queries;

use crate::{Cx, Problem, Routes};
use access::Who;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::sync::Arc;
use sync::{
    Action, Caller, Command, Enforcement, IfMatch, Object, ObjectKind, Payload, Rejection, Reply,
    Right, ServiceSid, Target, Ttl,
};

/// Every route of the product.
pub(crate) fn routes() -> Vec<Routes> {
    let mut routes: Vec<Routes> = ObjectKind::ALL.into_iter().flat_map(objects::routes).collect();
    routes.extend(items::routes_of_lists());
    routes.extend(items::routes_of_maps());
    routes.extend(items::routes_of_streams());
    routes.push(queries::routes());
    routes
}

/// Who asks, in which service.
struct Asker {
    service: ServiceSid,
    caller: Caller,
}

impl Asker {
    fn of(cx: &Cx) -> Result<Self, Problem> {
        let Who::Endpoint { identity, service, endpoint, .. } = &cx.principal().who else {
            return Err(Problem::forbidden("This is for client libraries"));
        };
        let account = cx.account();
        let service = match &**service {
            "default" => ServiceSid::default_of(account),
            sid => sid.parse().map_err(|_| Rejection::ServiceNotFound)?,
        };
        let created_at = cx.directory().account(account).map(|account| account.created_at);
        let services = cx.host.sync_services();
        let known = created_at.and_then(|at| services.get(account, at, service));
        let known = known.ok_or(Rejection::ServiceNotFound)?;
        if cx.has_path("service") && *cx.path_text("service") != *service.to_string() {
            return Err(cx.not_found());
        }
        let enforcement = match known.acl_enabled {
            true => Enforcement::On,
            false => Enforcement::Off,
        };
        let (identity, endpoint) = (identity.clone(), Some(endpoint.clone()));
        Ok(Self { service, caller: Caller::Client { identity, endpoint, enforcement } })
    }

    async fn command(&self, cx: &Cx, action: Action) -> Result<Reply, Problem> {
        cx.sync_rate_of(self.service, &action)?;
        let (service, caller) = (self.service, self.caller.clone());
        Ok(cx.host.sync(Command { service, caller, action }).await?)
    }

    /// An object that the caller may read.
    fn object(&self, cx: &Cx, target: &Target) -> Result<Arc<Object>, Problem> {
        let object = cx.host.sync_object(self.service, target)?;
        let object = object.ok_or_else(|| not_found(target))?;
        match cx.host.sync_may(&object, &self.caller, Right::Read)? {
            true => {
                cx.sync_read(self.service, object.sid)?;
                Ok(object)
            }
            false => Err(Rejection::Forbidden.into()),
        }
    }
}

fn not_found(target: &Target) -> Rejection {
    match target.named {
        sync::Named::Sid(_) => Rejection::NotFound(target.kind),
        sync::Named::Name(_) => Rejection::NameNotFound,
    }
}

/// What the path names.
fn target(cx: &Cx, kind: ObjectKind) -> Target {
    Target::parse(kind, &cx.path_text("object"))
}

fn if_match(cx: &Cx) -> Result<Option<IfMatch>, Problem> {
    let Some(value) = cx.headers.get(http::header::IF_MATCH) else { return Ok(None) };
    let text = value.to_str().map_err(|_| Rejection::InvalidIfMatch)?;
    Ok(Some(IfMatch::parse(text)?))
}

/// What a body may say; what is not known is ignored.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Body {
    unique_name: Option<String>,
    data: Option<Box<RawValue>>,
    context: Option<Box<RawValue>>,
    ttl: Option<Box<RawValue>>,
    item_ttl: Option<Box<RawValue>>,
    collection_ttl: Option<Box<RawValue>>,
    key: Option<String>,
}

impl Body {
    fn of(cx: &Cx) -> Result<Self, Problem> {
        cx.json().map_err(|Problem(problem)| Problem(base::Problem { code: 54008, ..problem }))
    }

    fn data(&self) -> Result<Option<Payload>, Problem> {
        payload(self.data.as_deref())
    }

    /// A list's.
    fn context(&self) -> Result<Option<Payload>, Problem> {
        payload(self.context.as_deref())
    }

    fn required_data(&self) -> Result<Payload, Problem> {
        let missing = || Rejection::InvalidJson("data is missing".to_owned());
        Ok(self.data()?.ok_or_else(missing)?)
    }

    fn ttl(&self) -> Result<Option<Ttl>, Problem> {
        ttl("ttl", self.ttl.as_deref())
    }

    /// An item's own: `ttl` is another name for it.
    fn item_ttl(&self) -> Result<Option<Ttl>, Problem> {
        ttl("item_ttl", self.item_ttl.as_deref().or(self.ttl.as_deref()))
    }

    fn collection_ttl(&self) -> Result<Option<Ttl>, Problem> {
        ttl("collection_ttl", self.collection_ttl.as_deref())
    }
}

fn payload(given: Option<&RawValue>) -> Result<Option<Payload>, Problem> {
    let Some(given) = given else { return Ok(None) };
    let parsed = Payload::parse(given.get());
    Ok(Some(parsed.map_err(|error| Rejection::InvalidJson(error.to_string()))?))
}

/// What is no whole number is a time to live all the same: a wrong one.
fn ttl(name: &'static str, seconds: Option<&RawValue>) -> Result<Option<Ttl>, Problem> {
    let parse = |seconds: &RawValue| Ttl::parse(name, seconds.get());
    Ok(seconds.map(parse).transpose()?)
}

/// An answer that is JSON already, with the revision that `If-Match` compares.
fn shown(status: u16, json: String, revision: Option<&str>) -> crate::Answer {
    let answer = crate::Answer::text(status, Bytes::from(json));
    match revision {
        Some(revision) => answer.header("etag", &format!("\"{revision}\"")),
        None => answer,
    }
}
