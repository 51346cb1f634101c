//! Sign-in: a cookie for the pages, and from it access tokens for the browser SDKs.
//!
//! * The cookie is 256 random bits; only its hash is kept.
//! * An unknown name takes as long as a wrong password, and both are told alike.

use super::{password, place_of};
use crate::{Answer, Cx, Param, ParamKind, Permit, Problem, Reply, Routes, auth, wrong};
use access::{
    Command, Role, Secret, User, Who,
    token::{self, Grants, TaskRouterGrant},
};
use base::{Millis, Sid, Timestamp};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use std::sync::{Arc, LazyLock};
use wire::Iso;

/// A working day and the way home.
const SESSION_LIFE_S: i64 = 12 * 3600;

/// What a password is checked against where there is nobody of that name.
static NOBODY: LazyLock<Secret> = LazyLock::new(|| password::hash("nobody"));

pub(super) fn routes() -> Routes {
    Routes::at("/v1/Session")
        .json()
        .get("", "session.fetch", Permit::Signed, fetch)
        .post("", "session.create", Permit::Public, create)
        .params(&[
            Param::required("username", ParamKind::Text),
            Param::required("password", ParamKind::Text),
            Param::optional("account_sid", ParamKind::Sid("AC")),
        ])
        .delete("", "session.delete", Permit::Public, delete)
        .post("/Token", "session.token", Permit::Signed, mint)
}

#[derive(Deserialize)]
struct SignIn {
    username: String,
    password: Secret,
    /// Needed only where two accounts have somebody of that name.
    #[serde(default)]
    account_sid: Option<String>,
}

#[derive(Serialize)]
struct Shown<'a> {
    username: Option<&'a str>,
    role: &'static str,
    account_sid: Sid,
    workspace_sid: Option<Sid>,
    worker_sid: Option<Sid>,
}

#[derive(Serialize)]
struct Token<'a> {
    token: String,
    expires_at: Iso,
    identity: &'a str,
    worker_sid: Option<Sid>,
    workspace_sid: Option<Sid>,
    role: &'static str,
}

async fn fetch(cx: Cx) -> Reply {
    let principal = cx.principal();
    let (workspace_sid, worker_sid) = match &principal.who {
        Who::Person(user) => place_of(&cx, user)?,
        Who::Bearer { workspace, seat, .. } => (*workspace, seat.map(|seat| seat.worker)),
        Who::Account | Who::Key(_) | Who::Endpoint { .. } => (None, None),
    };
    Ok(Answer::ok(&Shown {
        username: principal.username(),
        role: principal.role().as_str(),
        account_sid: principal.account,
        workspace_sid,
        worker_sid,
    }))
}

async fn create(cx: Cx) -> Reply {
    check_origin(&cx)?;
    let sign_in: SignIn = cx.json()?;
    cx.sign_ins().attempt(&sign_in.username, cx.peer)?;
    let user = prove(&cx, &sign_in).await?;
    cx.sign_ins().forget(&sign_in.username, cx.peer);

    let mut bits = [0; 32];
    getrandom::fill(&mut bits).map_err(|_| Problem::internal())?;
    let cookie = URL_SAFE_NO_PAD.encode(bits);
    let now = auth::real_now();
    let open = Command::OpenSession {
        account: user.account,
        username: user.username.clone(),
        password_hash: user.password_hash.clone(),
        token_hash: access::hash_of_cookie(&cookie),
        now,
        expires_at: now + Millis::secs(SESSION_LIFE_S),
    };
    cx.host.access(open).await?;
    // The browser forgets an older session's cookie, so nobody could end that session any more.
    if let Some(older) = auth::cookie(&cx.headers) {
        let token_hash = access::hash_of_cookie(older);
        cx.host.access(Command::CloseSession { token_hash }).await?;
    }
    let cx = cx.on_behalf_of(user.clone());
    let (workspace_sid, worker_sid) = place_of(&cx, &user)?;
    let shown = Shown {
        username: Some(&user.username),
        role: user.role.as_str(),
        account_sid: user.account,
        workspace_sid,
        worker_sid,
    };
    Ok(Answer::created(&shown).header("set-cookie", &set_cookie(&cx, &cookie, SESSION_LIFE_S)))
}

async fn delete(cx: Cx) -> Reply {
    cx.check_csrf()?;
    if let Some(cookie) = auth::cookie(&cx.headers) {
        let token_hash = access::hash_of_cookie(cookie);
        cx.host.access(Command::CloseSession { token_hash }).await?;
    }
    Ok(Answer::nothing().header("set-cookie", &set_cookie(&cx, "", 0)))
}

async fn mint(cx: Cx) -> Reply {
    let Who::Person(user) = &cx.principal().who else {
        return Err(Problem::forbidden("Only a person who signed in is given a token"));
    };
    let directory = cx.directory();
    let key = directory.signing_key(user.account).ok_or_else(Problem::internal)?;
    let (workspace_sid, worker_sid) = place_of(&cx, user)?;
    let role = match user.role {
        Role::Agent => "worker",
        Role::Supervisor | Role::Admin => "supervisor",
    };
    let grant = TaskRouterGrant { workspace_sid, worker_sid, role: Some(role.to_owned()) };
    let grants = Grants {
        identity: Some(user.username.clone()),
        task_router: Some(grant),
        ..Grants::default()
    };
    let now_s = auth::real_now().epoch_secs().max(user.tokens_from_s);
    let (token, claims) = token::mint(key, grants, now_s, token::OWN_LIFE_S_MAX);
    Ok(Answer::created(&Token {
        token,
        expires_at: Iso(Timestamp(claims.exp * 1000)),
        identity: &user.username,
        worker_sid,
        workspace_sid,
        role: user.role.as_str(),
    }))
}

/// The person, if name and password belong together.
async fn prove(cx: &Cx, sign_in: &SignIn) -> Result<Arc<User>, Problem> {
    let account: Option<Sid> = match &sign_in.account_sid {
        Some(text) => Some(text.parse().map_err(|_| wrong("account_sid", "must be a SID"))?),
        None => None,
    };
    let directory = cx.directory();
    let mut named = directory.users_named(&sign_in.username);
    let found = named.find(|user| account.is_none_or(|account| account == user.account)).cloned();
    if account.is_none() && named.next().is_some() {
        return Err(wrong("account_sid", "several accounts have a user of that name"));
    }
    drop(named);
    let hash = found.as_ref().map_or_else(|| NOBODY.clone(), |user| user.password_hash.clone());
    let given = sign_in.password.clone();
    let proved = cx.hash(move || password::verify(&hash, given.reveal())).await?;
    let wrong = || Problem::unauthenticated("Username or password is wrong");
    found.filter(|_| proved).ok_or_else(wrong)
}

/// Another site must not sign its visitors in here.
fn check_origin(cx: &Cx) -> Result<(), Problem> {
    if auth::is_from_elsewhere(&cx.headers, &cx.options().site) {
        return Err(Problem::forbidden("Sign-in is answered to this server's own pages only"));
    }
    Ok(())
}

fn set_cookie(cx: &Cx, value: &str, life_s: i64) -> String {
    let name = auth::COOKIE;
    let secure = if cx.tls || cx.options().site.is_https() { "; Secure" } else { "" };
    format!("{name}={value}; Path=/; Max-Age={life_s}; HttpOnly; SameSite=Lax{secure}")
}
