//! `POST /v1/wschannels`: one request of the library, as JSON in the body whatever its label says.

use super::{
    Bridge,
    operation::{self, Method},
    params::Params,
    perform,
};
use crate::{answer::Trouble, body::Whole};
use axum::{
    extract::State,
    http::{HeaderMap, header},
    response::Response,
};
use routing::command::IfMatch;
use serde::Deserialize;

/// The body.
#[derive(Deserialize)]
struct Request {
    url: Option<String>,
    method: Option<String>,
    #[serde(default)]
    params: Option<Params>,
    token: Option<String>,
}

/// Proves the token, finds the operation, performs it.
pub(crate) async fn request(
    State(bridge): State<Bridge>,
    headers: HeaderMap,
    Whole(body): Whole,
) -> Result<Response, Trouble> {
    let request: Request = serde_json::from_slice(&body)
        .map_err(|error| Trouble::invalid(format!("The body is not a request: {error}")))?;
    let token = request.token.ok_or_else(|| Trouble::unauthenticated("token is missing"))?;
    let caller = bridge.caller(&token)?;
    let method = match request.method.as_deref() {
        Some("GET") => Method::Get,
        Some("POST") => Method::Post,
        _ => return Err(Trouble::invalid("method must be GET or POST")),
    };
    let url = request.url.ok_or_else(|| Trouble::invalid("url is missing"))?;
    let (workspace, operation) = operation::parse(method, &url)?;
    caller.within(workspace)?;
    let wanted = perform::Wanted {
        caller: &caller,
        params: request.params.unwrap_or_default(),
        if_match: if_match(&headers),
    };
    perform::perform(&bridge, operation, wanted).await
}

/// Quotes and a weak prefix do not matter; `*` is any version, what is no version matches nothing.
fn if_match(headers: &HeaderMap) -> IfMatch {
    let Some(header) = headers.get(header::IF_MATCH) else { return IfMatch::Any };
    let text = header.to_str().unwrap_or_default().trim();
    if text == "*" {
        return IfMatch::Any;
    }
    let text = text.strip_prefix("W/").unwrap_or(text).trim_matches('"');
    text.parse().map_or(IfMatch::Nothing, IfMatch::Version)
}
