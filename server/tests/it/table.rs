//! Every route of the table, called as nobody, as a stranger, and as its owner.

use crate::caller::{ACCOUNT, Caller, Server, worker};
use access::{Command, KeyUse, Permit, Principal, Secret, Who};
use base::Sid;
use bytes::Bytes;
use http::Request;

pub(crate) const STRANGER: Sid = Sid::new(*b"AC", 0xbad);
pub(crate) const STRANGERS_KEY: Sid = Sid::new(*b"SK", 0xbad);

/// A path with something in place of each parameter: what is there, else a SID of the right kind.
fn filled(path: &str, (workspace, worker, service): (&str, &str, &str)) -> String {
    let sid = |kind: &str| format!("{kind}{:032x}", 7);
    path.split_inclusive('}')
        .map(|part| {
            let Some((before, name)) = part.split_once('{') else { return part.to_owned() };
            let value = match name.trim_end_matches('}') {
                "workspace" => workspace.to_owned(),
                "worker" => worker.to_owned(),
                "task" => sid("WT"),
                "activity" => sid("WA"),
                "reservation" => sid("WR"),
                "workflow" => sid("WW"),
                "channel" | "task_channel" => sid("TC"),
                "queue" | "task_queue" => sid("WQ"),
                "delivery" => sid("DL"),
                "transfer" => sid("TT"),
                "service" => service.to_owned(),
                "index" => "tr-worker".to_owned(),
                other => other.to_owned(),
            };
            format!("{before}{value}")
        })
        .collect()
}

async fn call(caller: &Caller, method: &str, path: &str, json: bool) -> u16 {
    let media = if json { "application/json" } else { "application/x-www-form-urlencoded" };
    let media = (method != "GET" && method != "DELETE").then_some(media);
    let body = if json && media.is_some() { "{}" } else { "" };
    caller.status(method, path, media, body.to_owned()).await
}

#[tokio::test]
async fn every_route_knows_nobody_strangers_and_owners() {
    let server = Server::start().await;
    let owner = server.owner();
    let (workspace, worker) = worker(&owner, "Ann").await;
    let service = owner.made("/sync/v1/Services", &[]).await;
    stranger(&server).await;
    let stranger = server.nobody().basic(&STRANGERS_KEY.to_string(), "strange");
    let nobody = server.nobody();
    let mut count = 0;
    for (product, routes) in server.running.api.routes() {
        for route in routes {
            let path =
                format!("/{product}{}", filled(&route.path, (&workspace, &worker, &service)));
            let (method, json) = (route.method.as_str(), route.body == api::BodyKind::Json);
            let told = call(&nobody, method, &path, json).await;
            if matches!(route.permit, Permit::Endpoint | Permit::Supervision) {
                assert_eq!(told, 404, "{route:?} answers through a socket only");
                through_the_tunnel(&server, route, &workspace).await;
                count += 1;
                continue;
            }
            if route.permit == Permit::Public {
                assert!(![401, 403, 404, 405, 500].contains(&told), "{route:?} as nobody: {told}");
                continue;
            }
            assert_eq!(told, 401, "{route:?} as nobody");
            if route.path.contains("{workspace}") || route.path.contains("{service}") {
                let told = call(&stranger, method, &path, json).await;
                assert_eq!(told, 404, "{route:?} as a stranger");
            }
            let at_end = method == "DELETE"
                && (route.path.ends_with("{workspace}") || route.path.ends_with("{service}"));
            let fits = !at_end && !path.contains("Session");
            if fits {
                let told = call(&owner, method, &path, json).await;
                assert!(![401, 403, 405].contains(&told) && told < 500, "{route:?}: {told}");
            }
            count += 1;
        }
    }
    assert!(count > 40, "the table has {count} routes that ask for somebody");
}

/// Routes of client libraries: for them, and for nobody else whatever their rights; some only for
/// those whose token supervises a workspace.
async fn through_the_tunnel(server: &Server, route: &api::Route, workspace: &str) {
    let account = ACCOUNT.parse().unwrap();
    let endpoint = |supervises| {
        let (identity, service, endpoint) = ("ann".into(), "default".into(), "e".into());
        Who::Endpoint { identity, service, endpoint, supervises }
    };
    let supervisor = endpoint(Some(workspace.parse().unwrap()));
    for who in [Who::Account, endpoint(None), supervisor] {
        let is_endpoint = Principal { account, who: who.clone() }.may(route.permit);
        let path = filled(&route.path, ("", "", "default"));
        let request = Request::builder().method(route.method.clone()).uri(path);
        let request = request.header("content-type", "application/json");
        let request = request.body(Bytes::from_static(b"{}")).unwrap();
        let response = server.running.api.tunnelled(Principal { account, who }, request).await;
        let told = response.status().as_u16();
        match is_endpoint {
            true => assert!(![401, 403, 405].contains(&told) && told < 500, "{route:?}: {told}"),
            false => assert_eq!(told, 403, "{route:?} as somebody else"),
        }
    }
}

pub(crate) async fn stranger(server: &Server) {
    let host = &server.running.host;
    let account = Command::CreateAccount {
        sid: STRANGER,
        auth_token: Secret::new("stranger's token"),
        friendly_name: "Elsewhere".to_owned(),
    };
    host.access(account).await.unwrap();
    let key = Command::CreateApiKey {
        sid: STRANGERS_KEY,
        account: STRANGER,
        secret: Secret::new("strange"),
        purpose: KeyUse::Caller,
        friendly_name: String::new(),
    };
    host.access(key).await.unwrap();
}

#[tokio::test]
async fn operations_are_named_once() {
    let server = Server::start().await;
    for (product, routes) in server.running.api.routes() {
        let mut names: Vec<_> = routes.iter().map(|route| route.operation).collect();
        names.sort_unstable();
        let all = names.len();
        names.dedup();
        assert_eq!(names.len(), all, "{product}");
    }
}
