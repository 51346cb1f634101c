//! People who sign in.

use super::{password, place_of, seat_of, three_state};
use crate::{Answer, Cx, Param, ParamKind, Permit, Problem, Reply, Routes, auth, wrong};
use access::{Command, Role, Seat, Secret, User};
use base::{Patch, Sid};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use std::{fmt::Display, sync::Arc};
use store::Value;
use wire::Iso;

const ROLES: &[&str] = &["agent", "supervisor", "admin"];

pub(super) fn routes() -> Routes {
    Routes::at("/v1/Users")
        .json()
        .get("", "user.list", Permit::Admin, list)
        .post("", "user.create", Permit::Admin, create)
        .params(&[
            Param::required("username", ParamKind::Text),
            Param::required("password", ParamKind::Text),
            Param::required("role", ParamKind::Word(ROLES)),
            Param::optional("worker_sid", ParamKind::Sid("WK")),
        ])
        .get("/{user}", "user.fetch", Permit::Admin, fetch)
        .post("/{user}", "user.update", Permit::Admin, update)
        .params(&[
            Param::optional("password", ParamKind::Text),
            Param::optional("role", ParamKind::Word(ROLES)),
            Param::optional("worker_sid", ParamKind::Sid("WK")),
        ])
        .delete("/{user}", "user.delete", Permit::Admin, delete)
}

#[derive(Deserialize)]
struct New {
    username: String,
    password: Secret,
    role: String,
    #[serde(default)]
    worker_sid: Option<String>,
}

#[derive(Deserialize)]
struct Update {
    #[serde(default)]
    password: Option<Secret>,
    #[serde(default)]
    role: Option<String>,
    #[serde(default, deserialize_with = "three_state")]
    worker_sid: Option<Option<String>>,
}

#[derive(Serialize)]
struct Shown<'a> {
    username: &'a str,
    role: &'static str,
    account_sid: Sid,
    workspace_sid: Option<Sid>,
    worker_sid: Option<Sid>,
    date_created: Iso,
    date_updated: Iso,
    url: String,
}

async fn list(cx: Cx) -> Reply {
    let directory = cx.directory();
    let people = directory.users(cx.account());
    let entries: Vec<(Vec<Value>, Arc<User>)> =
        people.map(|user| (vec![Value::from(user.username.as_str())], user.clone())).collect();
    cx.list_of("users", entries, |user, out| {
        out.push(&shown(&cx, user)?);
        Ok(())
    })
}

async fn create(cx: Cx) -> Reply {
    let new: New = cx.json()?;
    let role = role(&new.role)?;
    let seat = new.worker_sid.map(|worker| seat_of(&cx, &worker)).transpose()?;
    let password_hash = hashed(&cx, new.password).await?;
    let (account, username) = (cx.account(), new.username);
    let now = auth::real_now();
    let command = Command::CreateUser { account, username, password_hash, role, seat, now };
    Ok(Answer::created(&shown(&cx, &user(cx.host.access(command).await?)?)?))
}

async fn fetch(cx: Cx) -> Reply {
    let directory = cx.directory();
    let user = directory.user(cx.account(), &cx.path_text("user"));
    Ok(Answer::ok(&shown(&cx, user.ok_or_else(|| cx.not_found())?)?))
}

async fn update(cx: Cx) -> Reply {
    let update: Update = cx.json()?;
    let role = update.role.as_deref().map(role).transpose()?;
    let seat: Patch<Seat> = match update.worker_sid {
        None => Patch::Keep,
        Some(None) => Patch::Clear,
        Some(Some(worker)) => Patch::Set(seat_of(&cx, &worker)?),
    };
    let password_hash = match update.password {
        Some(password) => Some(hashed(&cx, password).await?),
        None => None,
    };
    let (account, username) = (cx.account(), cx.path_text("user").into_owned());
    let now = auth::real_now();
    let command = Command::UpdateUser { account, username, password_hash, role, seat, now };
    Ok(Answer::ok(&shown(&cx, &user(cx.host.access(command).await?)?)?))
}

async fn delete(cx: Cx) -> Reply {
    let (account, username) = (cx.account(), cx.path_text("user").into_owned());
    cx.host.access(Command::DeleteUser { account, username }).await?;
    Ok(Answer::nothing())
}

fn user(reply: access::Reply) -> Result<User, Problem> {
    match reply {
        access::Reply::User(user) => Ok(user),
        _ => Err(Problem::internal()),
    }
}

fn role(word: &str) -> Result<Role, Problem> {
    Role::parse(word).ok_or_else(|| wrong("role", &format!("must be one of {}", ROLES.join(", "))))
}

async fn hashed(cx: &Cx, given: Secret) -> Result<Secret, Problem> {
    let (low, high) = (password::LENGTH.start(), password::LENGTH.end());
    if !password::LENGTH.contains(&given.reveal().chars().count()) {
        return Err(wrong("password", &format!("must have {low} to {high} characters")));
    }
    cx.hash(move || password::hash(given.reveal())).await
}

/// A name as a path holds it.
fn in_path(name: &str) -> impl Display {
    const OWN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
    utf8_percent_encode(name, OWN)
}

fn shown<'a>(cx: &Cx, user: &'a User) -> Result<Shown<'a>, Problem> {
    let (workspace_sid, worker_sid) = place_of(cx, user)?;
    Ok(Shown {
        username: &user.username,
        role: user.role.as_str(),
        account_sid: user.account,
        workspace_sid,
        worker_sid,
        date_created: Iso(user.created_at),
        date_updated: Iso(user.updated_at),
        url: format!("{}/v1/Users/{}", cx.base(), in_path(&user.username)),
    })
}
