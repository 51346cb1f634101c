//! People, sign-in, sessions, tokens, dispositions.

use crate::caller::{ACCOUNT, ADMIN_PASSWORD, Caller, KEY, KEY_SECRET, Server, worker};
use access::token::{Grants, TaskRouterGrant, mint};
use serde_json::{Value, json};
use std::time::SystemTime;

const USERS: &str = "/sinew/v1/Users";
const USERS_ANN: &str = "/sinew/v1/Users/ann";
const SESSION: &str = "/sinew/v1/Session";
const PASSWORD: &str = "ann's password";

#[tokio::test]
async fn a_person_is_made_shown_changed_and_removed() {
    let server = Server::start().await;
    let owner = server.owner();
    let (workspace, worker) = worker(&owner, "Ann").await;
    let new = json!({
        "username": "ann", "password": PASSWORD, "role": "agent", "worker_sid": worker,
    });
    let made = owner.post_json(USERS, &new).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let shown = made.json();
    assert_eq!(shown["username"], "ann");
    assert_eq!(shown["role"], "agent");
    assert_eq!(shown["worker_sid"], Value::from(worker.clone()));
    assert_eq!(shown["workspace_sid"], Value::from(workspace));
    assert_eq!(shown["account_sid"], ACCOUNT);
    assert!(!made.text().contains(PASSWORD) && !made.text().contains("argon2"));

    assert_eq!(owner.post_json(USERS, &new).await.json()["code"], 20409);
    let one = format!("{USERS}/ann");
    assert_eq!(owner.get(&one).await.json(), shown);
    let listed = owner.get(&format!("{USERS}?PageSize=1")).await.json();
    assert_eq!(listed["users"][0]["username"], "admin");
    let next = listed["meta"]["next_page_url"].as_str().unwrap();
    let next = next.split_once("/sinew/").unwrap().1;
    let listed = owner.get(&format!("/sinew/{next}")).await.json();
    assert_eq!(listed["users"][0]["username"], "ann");
    assert_eq!(listed["meta"]["next_page_url"], Value::Null);

    let named = json!({"username": "jörg+1@x", "password": PASSWORD, "role": "agent"});
    let named = owner.post_json(USERS, &named).await.json();
    let url = named["url"].as_str().unwrap();
    assert!(url.ends_with("/v1/Users/j%C3%B6rg%2B1%40x"), "{url}");
    let path = &url[url.find("/sinew/").unwrap()..];
    assert_eq!(owner.get(path).await.json(), named);

    let changed = owner.post_json(&one, &json!({"worker_sid": null, "role": "supervisor"})).await;
    assert_eq!(changed.json()["worker_sid"], Value::Null);
    assert_eq!(changed.json()["role"], "supervisor");
    assert_eq!(owner.delete(&one).await.status, 204);
    assert_eq!(owner.get(&one).await.status, 404);
    let last = owner.delete(&format!("{USERS}/admin")).await;
    assert_eq!((last.status, &last.json()["code"]), (409, &json!(20409)));
}

#[tokio::test]
async fn a_bad_person_is_refused() {
    let server = Server::start().await;
    let owner = server.owner();
    let missing = "WK0123456789abcdef0123456789abcdef";
    for (new, part) in [
        (json!({"username": "a/b", "password": PASSWORD, "role": "agent"}), "username"),
        (json!({"username": "ann", "password": "short", "role": "agent"}), "password"),
        (json!({"username": "ann", "password": PASSWORD, "role": "king"}), "role"),
        (json!({"username": "ann", "role": "agent"}), "password"),
        (
            json!({"username": "a", "password": PASSWORD, "role": "agent", "worker_sid": missing}),
            "worker_sid",
        ),
        (
            json!({"username": "a", "password": PASSWORD, "role": "agent", "worker_sid": "me"}),
            "worker_sid",
        ),
    ] {
        let got = owner.post_json(USERS, &new).await;
        assert_eq!((got.status, &got.json()["code"]), (400, &json!(20001)), "{}", got.text());
        assert!(got.text().contains(part), "{}", got.text());
    }
}

#[tokio::test]
async fn a_session_begins_with_a_password_and_ends() {
    let server = Server::start().await;
    let owner = server.owner();
    let (workspace, worker) = worker(&owner, "Ann").await;
    let new = json!({
        "username": "ann", "password": PASSWORD, "role": "agent", "worker_sid": worker,
    });
    assert_eq!(owner.post_json(USERS, &new).await.status, 201);

    let sign_in = json!({"username": "ann", "password": PASSWORD});
    let began = server.nobody().post_json(SESSION, &sign_in).await;
    assert_eq!(began.status, 201);
    let cookie = began.header("set-cookie");
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
    assert!(!cookie.contains("Secure"), "there is no TLS here: {cookie}");
    let expected = json!({
        "username": "ann", "role": "agent", "account_sid": ACCOUNT, "workspace_sid": workspace,
        "worker_sid": worker,
    });
    assert_eq!(began.json(), expected);

    let ann = server.signed_in("ann", PASSWORD).await;
    assert_eq!(ann.get(SESSION).await.json(), expected);
    assert_eq!(ann.get(USERS).await.status, 403);
    let path = format!("/taskrouter/v1/Workspaces/{workspace}/Tasks");
    assert_eq!(ann.get(&path).await.status, 403, "an agent does not read everybody's tasks");

    assert_eq!(ann.delete(SESSION).await.status, 204);
    let gone = ann.get(SESSION).await;
    assert_eq!((gone.status, &gone.json()["code"]), (401, &json!(20003)));
    assert_eq!(gone.header("www-authenticate"), "", "a browser must not ask by itself");
}

#[tokio::test]
async fn guessing_is_bound() {
    let server = Server::start().await;
    let wrong = json!({"username": "admin", "password": "guess"});
    let unknown = json!({"username": "nobody", "password": "guess"});
    let nobody = server.nobody();
    let (one, two) =
        (nobody.post_json(SESSION, &wrong).await, nobody.post_json(SESSION, &unknown).await);
    assert_eq!((one.status, one.text()), (401, two.text()));
    let mut last = 0;
    // Where guessing is slow, the first ones are forgotten before it was too often.
    for _ in 0..200 {
        last = nobody.post_json(SESSION, &wrong).await.status;
        if last == 429 {
            break;
        }
    }
    assert_eq!(last, 429);
    let right = json!({"username": "admin", "password": ADMIN_PASSWORD});
    assert_eq!(nobody.post_json(SESSION, &right).await.json()["code"], 20429);
}

#[tokio::test]
async fn another_site_changes_nothing_by_a_cookie() {
    let server = Server::start().await;
    let sign_in = json!({"username": "admin", "password": ADMIN_PASSWORD});
    let began = server.nobody().post_json(SESSION, &sign_in).await;
    let cookie = began.header("set-cookie").split(';').next().unwrap();
    let program = server.nobody().with("cookie", cookie);
    let new = json!({"username": "eve", "password": PASSWORD, "role": "admin"});
    for (name, value) in [
        ("origin", "https://evil.test"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ] {
        let elsewhere = program.clone().with(name, value);
        assert_eq!(elsewhere.get(USERS).await.status, 200);
        let refused = elsewhere.post_json(USERS, &new).await;
        assert_eq!((refused.status, &refused.json()["code"]), (403, &json!(20403)), "{value}");
        assert_eq!(elsewhere.delete(SESSION).await.status, 403, "{value}");
    }
    assert_eq!(program.post_json(USERS, &new).await.status, 201);
    let elsewhere = server.nobody().with("origin", "https://evil.test");
    assert_eq!(elsewhere.post_json(SESSION, &sign_in).await.status, 403);
    let token = program.post_json("/sinew/v1/Session/Token", &json!({})).await;
    assert_eq!(token.status, 201, "the session alone is enough for its own token");
}

#[tokio::test]
async fn a_token_carries_the_grants_of_its_person() {
    let server = Server::start().await;
    let owner = server.owner();
    let (workspace, worker) = worker(&owner, "Ann").await;
    let new = json!({
        "username": "ann", "password": PASSWORD, "role": "agent", "worker_sid": worker,
    });
    owner.post_json(USERS, &new).await;
    let ann = server.signed_in("ann", PASSWORD).await;
    let got = ann.post_json("/sinew/v1/Session/Token", &json!({})).await;
    assert_eq!(got.status, 201, "{}", got.text());
    let minted = got.json();
    assert_eq!(minted["identity"], "ann");
    assert_eq!(minted["role"], "agent");
    let token = minted["token"].as_str().unwrap();
    let directory = server.running.host.directory();
    let ends = minted["expires_at"].as_str().unwrap().parse::<base::Timestamp>().unwrap();
    let claims = access::token::verify(&directory, token, ends.epoch_secs() - 1).unwrap();
    assert_eq!(claims.exp - claims.iat.unwrap(), 3_600);
    let grant = claims.grants.task_router.unwrap();
    assert_eq!(grant.workspace_sid.unwrap().to_string(), workspace);
    assert_eq!(grant.worker_sid.unwrap().to_string(), worker);
    assert_eq!(grant.role.as_deref(), Some("worker"));

    let bearer = server.nobody().with("authorization", &format!("Bearer {token}"));
    assert_eq!(bearer.get(SESSION).await.json()["username"], "ann");
    assert_eq!(owner.post_json(USERS_ANN, &json!({"role": "agent"})).await.status, 200);
    assert_eq!(bearer.get(SESSION).await.status, 200, "nothing changed");
    let renewed = bearer.post_json("/sinew/v1/Session/Token", &json!({})).await;
    assert_eq!(renewed.status, 403, "a token does not live on by itself");
    let forged = server.nobody().with("authorization", &format!("Bearer {token}x"));
    assert_eq!(forged.get(SESSION).await.status, 401);

    let changed = owner.post_json(USERS_ANN, &json!({"password": "another password"})).await;
    assert_eq!(changed.status, 200, "{}", changed.text());
    assert_eq!(bearer.get(SESSION).await.status, 401, "it is older than the password");
    let ann = server.signed_in("ann", "another password").await;
    let newer = ann.post_json("/sinew/v1/Session/Token", &json!({})).await.json();
    let newer = format!("Bearer {}", newer["token"].as_str().unwrap());
    assert_eq!(server.nobody().with("authorization", &newer).get(SESSION).await.status, 200);
}

#[tokio::test]
async fn a_key_is_as_good_as_the_account_and_a_wrong_secret_is_not() {
    let server = Server::start().await;
    let path = "/taskrouter/v1/Workspaces";
    assert_eq!(server.nobody().basic(KEY, KEY_SECRET).get(path).await.status, 200);
    for (user, password) in [(KEY, "x"), (ACCOUNT, KEY_SECRET), ("SK1", "x"), ("", "")] {
        let got = server.nobody().basic(user, password).get(path).await;
        assert_eq!((got.status, &got.json()["code"]), (401, &json!(20003)));
        assert!(got.header("www-authenticate").starts_with("Basic"));
    }
    // The console's session may have ended: its page asks for a sign-in, the browser must not.
    let ended = server.nobody().with("x-sinew-csrf", "1").get("/sync/v1/Services").await;
    assert_eq!((ended.status, ended.header("www-authenticate")), (401, ""));
    let garbled = server.nobody().with("authorization", "Basic !").get(path).await;
    assert_eq!(garbled.status, 401);
}

#[tokio::test]
async fn a_token_sees_the_one_workspace_it_names() {
    let server = Server::start().await;
    let owner = server.owner();
    let (mine, _) = worker(&owner, "Ann").await;
    let (other, _) = worker(&owner, "Bob").await;
    let workspaces = "/taskrouter/v1/Workspaces";
    let tasks = |workspace: &str| format!("{workspaces}/{workspace}/Tasks");
    let bearer = |workspace_sid: Option<&str>| {
        let workspace_sid = workspace_sid.map(|sid| sid.parse().unwrap());
        let role = Some("supervisor".to_owned());
        let task_router = Some(TaskRouterGrant { workspace_sid, worker_sid: None, role });
        let key = server.running.host.directory().key(KEY.parse().unwrap()).unwrap().clone();
        let grants =
            Grants { identity: Some("a program".to_owned()), task_router, ..Grants::default() };
        let (token, _) = mint(&key, grants, now_s(), 60);
        server.nobody().with("authorization", &format!("Bearer {token}"))
    };
    let seen = async |caller: &Caller| {
        let listed = caller.get(workspaces).await.json();
        listed["workspaces"].as_array().unwrap().len()
    };
    let bound = bearer(Some(&mine));
    assert_eq!(bound.get(&tasks(&mine)).await.status, 200);
    let refused = bound.get(&tasks(&other)).await;
    assert_eq!((refused.status, &refused.json()["code"]), (404, &json!(20404)));
    assert_eq!(bound.get(&format!("{workspaces}/{other}")).await.status, 404);
    assert_eq!(bound.get(&format!("{workspaces}?FriendlyName=Support")).await.status, 200);
    assert_eq!(seen(&bound).await, 1);
    assert_eq!(bound.get(SESSION).await.json()["workspace_sid"], Value::from(mine.clone()));

    let free = bearer(None);
    assert_eq!(free.get(&tasks(&other)).await.status, 200);
    assert_eq!((seen(&free).await, seen(&owner).await), (2, 2));
    let new = json!({"username": "sue", "password": PASSWORD, "role": "supervisor"});
    assert_eq!(owner.post_json(USERS, &new).await.status, 201);
    let sue = server.signed_in("sue", PASSWORD).await;
    assert_eq!(sue.get(&tasks(&other)).await.status, 200);
    assert_eq!(seen(&sue).await, 2);
}

fn now_s() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    i64::try_from(since.as_secs()).unwrap()
}
