//! `/v3/Insights/{index}/Items`: live and instant queries on the workspace that the caller
//! supervises.
//!
//! * A page holds at most 200 items. The first one of a live query that has more says that it knows
//!   nothing: whoever follows it is told all the rest.

use super::{Asker, shown};
use crate::{Cx, Problem, Reply as Answered, Routes, sync::rates::Counted, wrong};
use access::Permit;
use base::{Kind, Sid};
use host::QueryRefusal;
use insights::{Index, Query};
use serde::Deserialize;
use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::Arc,
};
use wire::cds;

/// Items of a page, if nothing is said, and at most.
const PAGE_SIZE: usize = 200;

pub(super) fn routes() -> Routes {
    let routes = Routes::at("/v3/Insights").json();
    routes.post("/{index}/Items", "query.ask", Permit::Supervision, ask)
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Body {
    query_string: Option<String>,
}

async fn ask(cx: Cx) -> Answered {
    let asker = Asker::of(&cx)?;
    let workspace = cx.principal().supervises().ok_or_else(gone)?;
    let is_own = |sid| cx.host.names(sid).is_some_and(|names| names.account == cx.account());
    if !workspace.to_string().parse().is_ok_and(is_own) {
        return Err(gone());
    }
    let index = Index::parse(&cx.path_text("index")).ok_or_else(|| cx.not_found())?;
    cx.sync_rate(Counted::Query(index), asker.service.sid(), 0)?;
    cx.sync_rate(Counted::QueryBy, identity(&cx), 0)?;
    let body: Body =
        cx.json().map_err(|Problem(problem)| Problem(base::Problem { code: 54507, ..problem }))?;
    let text = body.query_string.ok_or_else(|| invalid("query_string is missing".to_owned()))?;
    let query = Query::parse(workspace, index, &text)
        .map_err(|error| invalid(error.to_string()).at(error.position))?;
    let page = cx.host.query(Arc::new(query), behind(&cx)?, page_size(&cx)?).await;
    let page = page.map_err(|refusal| match refusal {
        QueryRefusal::NoWorkspace => gone(),
        QueryRefusal::TooMany => {
            Problem(base::Problem::new(Kind::Limited, 54009, refusal.to_string()))
        }
        QueryRefusal::Unavailable => Problem(base::Problem::unavailable(refusal.to_string())),
    })?;
    let next = page.next.map(|sid| sid.to_string());
    let json = cds::query_page(page.query, page.complete, &page.items, next.as_deref());
    Ok(shown(200, json, None))
}

fn invalid(message: String) -> Problem {
    Problem(base::Problem::new(Kind::Invalid, 54507, message))
}

fn gone() -> Problem {
    Problem::forbidden("The token's workspace is gone")
}

/// Stands for whoever asks, where rates are counted.
fn identity(cx: &Cx) -> Sid {
    let mut hasher = DefaultHasher::new();
    cx.principal().username().hash(&mut hasher);
    Sid::new(*b"ID", hasher.finish().into())
}

/// Where a page begins: behind the last item of the one before.
fn behind(cx: &Cx) -> Result<Option<Sid>, Problem> {
    let Some(token) = cx.input.text("PageToken") else { return Ok(None) };
    token.parse().map(Some).map_err(|_| wrong("PageToken", "is none of this server's"))
}

fn page_size(cx: &Cx) -> Result<usize, Problem> {
    let Some(text) = cx.input.text("PageSize") else { return Ok(PAGE_SIZE) };
    let size = text.parse().ok().filter(|size| (1..=PAGE_SIZE).contains(size));
    size.ok_or_else(|| wrong("PageSize", &format!("must be a whole number from 1 to {PAGE_SIZE}")))
}
