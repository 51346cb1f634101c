//! Pages, health, metrics and the document.

use crate::caller::Server;

#[tokio::test]
async fn health_is_told_to_anybody() {
    let server = Server::start().await;
    let nobody = server.nobody();
    assert_eq!(nobody.get("/healthz").await.status, 200);
    assert_eq!(nobody.get("/readyz").await.status, 200);
    server.owner().get("/taskrouter/v1/Workspaces").await;
    let metrics = nobody.get("/metrics").await.text();
    let counted = "sinew_requests_total{product=\"taskrouter\",operation=\"workspace.list\",\
                   status=\"200\"} 1";
    assert!(metrics.contains(counted), "{metrics}");
    assert!(metrics.contains("sinew_ready 1"), "{metrics}");
    let committed = metrics.lines().find_map(|l| l.strip_prefix("sinew_commit_batches_total "));
    assert!(committed.unwrap().parse::<u32>().unwrap() >= 4, "the first account was stored");
}

#[tokio::test]
async fn the_document_is_what_is_served() {
    let server = Server::start().await;
    let document = server.nobody().get("/openapi/taskrouter.json").await;
    assert_eq!(document.status, 200);
    let document = document.json();
    for (product, routes) in server.running.api.routes() {
        if product != "taskrouter" {
            continue;
        }
        for route in routes {
            let method = route.method.as_str().to_ascii_lowercase();
            let operation = &document["paths"][&route.path][&method];
            assert_eq!(operation["operationId"], route.operation, "{route:?}");
        }
    }
    assert_eq!(server.nobody().get("/openapi/nothing.json").await.status, 404);
}

#[tokio::test]
async fn pages_may_call_nobody_but_this_server() {
    let server = Server::start().await;
    let nobody = server.nobody();
    for path in ["/", "/desk", "/desk/tasks/WT1", "/admin", "/admin/sync/default"] {
        let page = nobody.get(path).await;
        if page.status == 503 {
            assert!(page.text().contains("cargo xtask demo"), "{}", page.text());
            continue;
        }
        assert_eq!(page.status, 200, "{path}");
        let policy = page.header("content-security-policy");
        for part in ["default-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"] {
            assert!(policy.contains(part), "{policy}");
        }
        assert!(!policy.contains("script-src") && !policy.contains('*'), "{policy}");
        assert_eq!(page.header("x-content-type-options"), "nosniff");
        assert_eq!(page.header("cache-control"), "no-cache");
        let known = nobody.clone().with("if-none-match", page.header("etag"));
        assert_eq!(known.get(path).await.status, 304);
        let html = page.text();
        let script = html.split("src=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
        let asset = nobody.get(script).await;
        assert_eq!(asset.status, 200, "{script}");
        assert!(asset.header("cache-control").contains("immutable"));
        assert!(asset.header("content-type").starts_with("text/javascript"));
    }
    let nothing = ["/nothing", "/assets/nothing.js", "/admin/assets/nothing.js", "/administer"];
    for path in nothing.into_iter().chain(["/assets/../index.html", "/index.html"]) {
        assert_eq!(nobody.get(path).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn the_visitors_page_is_off_until_it_is_switched_on() {
    let off = Server::start().await;
    assert_eq!(off.nobody().get("/chat/demo").await.status, 404);
    assert_eq!(off.nobody().get("/chat/demo/topics").await.status, 404);
    let on = Server::with(|config| config.demo = Some(live::Demo::default())).await;
    assert!([200, 503].contains(&on.nobody().get("/chat/demo").await.status));
    assert_eq!(on.nobody().get("/chat/demo/topics").await.status, 200);
    assert_eq!(on.owner().get("/chat/v2/Services").await.json()["code"], 20404);
}
