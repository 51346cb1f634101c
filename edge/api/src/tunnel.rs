//! Requests that client libraries send through their sockets, led into the same route table.
//!
//! * Who calls was proved when the socket was opened; each route still says what it asks.
//! * Only products made for these libraries answer here, and they answer nowhere else: no HTTP
//!   request names them.
//! * Parameters and paths arrive percent-encoded and are decoded once, where they are read.

use crate::{
    Answer, Cx, Input, Problem, Reply, layer,
    routes::{Found, Product},
    shared::Shared,
};
use access::Principal;
use bytes::Bytes;
use http::{HeaderMap, Request, Response, header};
use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
    time::Instant,
};

/// Products that answer through sockets. Their paths do not overlap.
pub(crate) const TUNNELLED: [&str; 1] = ["cds"];

pub(crate) async fn answer(
    shared: &Arc<Shared>,
    principal: Principal,
    request: Request<Bytes>,
) -> Response<Bytes> {
    let started = Instant::now();
    let _under_way = shared.running.one_more(principal.account);
    let mut at = None;
    let reply = handle(shared, principal, request, &mut at).await;
    let answer = reply.unwrap_or_else(|problem| problem.answer());
    let (status, took) = (answer.status.as_u16(), started.elapsed());
    shared.metrics.count(at, status, took);
    let operation = at.map_or("none", |(p, r)| shared.products[p].routes[r].operation);
    let us = took.as_micros();
    if status >= 500 {
        tracing::warn!(target: "access", operation, status, us);
    } else {
        tracing::debug!(target: "access", operation, status, us);
    }
    let mut response = Response::new(answer.body);
    *response.status_mut() = answer.status;
    response.headers_mut().extend(answer.headers);
    response
}

async fn handle(
    shared: &Arc<Shared>,
    principal: Principal,
    request: Request<Bytes>,
    at: &mut Option<(usize, usize)>,
) -> Reply {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path();
    let products = shared.products.iter().enumerate();
    let mut wrong_method: Option<Answer> = None;
    let mut found = None;
    for (product, table) in products.filter(|(_, product)| is_tunnelled(product)) {
        match table.find(&parts.method, path) {
            Found::Route { index, route, params } => found = Some((product, index, route, params)),
            Found::WrongMethod { allowed } => {
                wrong_method = Some(layer::wrong_method(&parts.method, &allowed));
            }
            Found::Nothing => {}
        }
    }
    let Some((product, index, route, params)) = found else {
        return wrong_method.ok_or_else(|| Problem::not_found(path));
    };
    *at = Some((product, index));
    if !principal.may(route.permit) {
        return Err(Problem::forbidden("This needs more rights than the caller has"));
    }
    let query = parts.uri.query().unwrap_or_default().as_bytes();
    let (input, body) = match is_form(&parts.headers) {
        true => (Input::parse(&body, query)?, Bytes::new()),
        false => (Input::parse(b"", query)?, body),
    };
    let cx = Cx {
        host: shared.host.clone(),
        input,
        if_match: layer::if_match(&parts.headers),
        shared: shared.clone(),
        principal: Some(principal),
        names: None,
        body,
        headers: parts.headers,
        uri: parts.uri,
        prefix_len: 0,
        base: wire::cds::BASE.to_owned(),
        route: (product, index),
        params,
        peer: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        tls: true,
    };
    layer::run(route, cx).await
}

pub(crate) fn is_tunnelled(product: &Product) -> bool {
    TUNNELLED.contains(&product.name)
}

fn is_form(headers: &HeaderMap) -> bool {
    let declared = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    declared.is_some_and(|text| text.starts_with("application/x-www-form-urlencoded"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Api, Disposition, Limits, Options, Routes, Site};
    use access::{Permit, Who};
    use base::Sid;
    use host::Host;
    use serde_json::{Value, json};
    use store::MemoryStore;

    async fn echo(cx: Cx) -> Reply {
        let body: Value = cx.json()?;
        let filters: Vec<&str> = cx.input.all("Filter").collect();
        let key = cx.path_text("key").into_owned();
        let text = cx.input.text("Text");
        Ok(Answer::created(&json!({"key": key, "filters": filters, "body": body, "text": text})))
    }

    fn api() -> Api {
        let options = host::Options::default();
        let host = Host::start(Arc::new(MemoryStore::new()), &options).expect("an empty store");
        let routes = Routes::at("/v3").json().put("/{key}", "key.put", Permit::Endpoint, echo);
        let admin = Routes::at("/v1").put("/{key}", "key.write", Permit::Write, echo);
        let site = Site::parse("http://localhost").expect("a URL");
        let options = Options { site, limits: Limits::None, dispositions: Disposition::defaults() };
        let products = vec![Product::new("cds", vec![routes, admin])];
        Api::over(host, options, products)
    }

    async fn put(api: &Api, who: Who, uri: &str, media: &str, body: &'static str) -> (u16, Value) {
        let principal = Principal { account: Sid::new(*b"AC", 1), who };
        let request = Request::put(uri).header("content-type", media);
        let request = request.body(Bytes::from_static(body.as_bytes())).expect("a request");
        let response = api.tunnelled(principal, request).await;
        let body = serde_json::from_slice(response.body()).unwrap_or_default();
        (response.status().as_u16(), body)
    }

    fn ann() -> Who {
        let (identity, service, endpoint) = ("ann".into(), "default".into(), "e".into());
        Who::Endpoint { identity, service, endpoint, supervises: None }
    }

    #[tokio::test]
    async fn paths_and_parameters_are_decoded_once_and_names_repeat() {
        let (api, json) = (api(), "application/json; charset=utf-8");
        let uri = "/v3/a%252Fb?Filter=x%20y&Filter=%2B";
        let (status, got) = put(&api, ann(), uri, json, r#"{"n":1}"#).await;
        assert_eq!(status, 201, "{got}");
        let expected = json!(
            {"key": "a%2Fb", "filters": ["x y", "+"], "body": {"n": 1}, "text": null}
        );
        assert_eq!(got, expected);
        let form = "application/x-www-form-urlencoded";
        let (_, got) = put(&api, ann(), "/v3/a", form, "Text=a%26b&Filter=1").await;
        assert_eq!(got["text"], "a&b");
        assert_eq!(got["filters"], json!(["1"]));
    }

    #[tokio::test]
    async fn every_route_asks_for_its_permit_and_unknown_paths_are_404() {
        let (api, json) = (api(), "application/json");
        assert_eq!(put(&api, Who::Account, "/v3/a", json, "{}").await.0, 403);
        assert_eq!(put(&api, ann(), "/v1/a", json, "{}").await.0, 403);
        let (status, got) = put(&api, ann(), "/v3/a/b", json, "{}").await;
        assert_eq!((status, &got["status"], &got["code"]), (404, &json!(404), &json!(20404)));
        let principal = Principal { account: Sid::new(*b"AC", 1), who: ann() };
        let get = Request::get("/v3/a").body(Bytes::new()).expect("a request");
        let got = api.tunnelled(principal, get).await;
        assert_eq!(
            (got.status().as_u16(), &got.headers()["allow"]),
            (405, &"PUT".parse().unwrap())
        );
    }

    #[tokio::test]
    async fn no_request_over_http_reaches_a_tunnelled_product() {
        let api = api();
        for uri in ["/cds/v3/a", "/_.twilio.com/cds/v3/a", "/v3/a"] {
            let request = Request::put(uri).header("host", "cds.localhost");
            let request = request.body(axum::body::Body::empty()).expect("a request");
            assert!(!api.is_for(&request), "{uri}");
        }
    }
}
