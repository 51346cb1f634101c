//! What a handler knows about its request. Only the layer can make one: whoever holds a [`Cx`] is
//! known, may use the route, and owns the workspace in the path.

use crate::{
    Input, Options, Problem,
    auth::{self, Proof, SignIns},
    routes::PathParams,
    shared::Shared,
};
use access::{Access, Permit, Principal, User, Who};
use base::{Sid, SidError};
use bytes::Bytes;
use host::{Host, Names};
use http::{HeaderMap, Method, Uri};
use percent_encoding::percent_decode_str;
use routing::command::IfMatch;
use serde::de::DeserializeOwned;
use std::{borrow::Cow, net::IpAddr, str::FromStr, sync::Arc};
use store::PartitionId;

/// One request on its way through a handler.
pub struct Cx {
    /// The engines and their rows.
    pub host: Host,
    /// Form and query fields.
    pub input: Input,
    /// The version the caller saw.
    pub if_match: IfMatch,
    pub(crate) shared: Arc<Shared>,
    pub(crate) principal: Option<Principal>,
    pub(crate) names: Option<Arc<Names>>,
    pub(crate) body: Bytes,
    pub(crate) headers: HeaderMap,
    pub(crate) uri: Uri,
    pub(crate) prefix_len: usize,
    pub(crate) base: String,
    pub(crate) route: (usize, usize),
    pub(crate) params: PathParams,
    pub(crate) peer: IpAddr,
    pub(crate) tls: bool,
}

impl Cx {
    /// Who is calling. Panics on public routes, whose caller may be nobody.
    pub fn principal(&self) -> &Principal {
        self.principal.as_ref().expect("the layer lets nobody pass but on public routes")
    }

    /// Who is calling, if anybody known is.
    pub fn caller(&self) -> Option<&Principal> {
        self.principal.as_ref()
    }

    /// The account everything happens in.
    pub fn account(&self) -> Sid {
        self.principal().account
    }

    /// 403 unless the caller may do this too.
    pub fn require(&self, permit: Permit) -> Result<(), Problem> {
        if self.principal().may(permit) {
            return Ok(());
        }
        Err(Problem::forbidden("This needs more rights than the caller has"))
    }

    /// Accounts, keys and people, as they are durable.
    pub fn directory(&self) -> Arc<Access> {
        self.host.directory()
    }

    /// What the operator chose.
    pub fn options(&self) -> &Options {
        &self.shared.options
    }

    /// A path parameter as text, percent-decoded. Panics on names the path does not have.
    pub fn path_text(&self, name: &str) -> Cow<'_, str> {
        let (product, route) = self.route;
        let names = &self.shared.products[product].routes[route].names;
        let at = names.iter().position(|n| **n == *name).expect("the route names its parameters");
        let value = &self.path()[self.params[at].clone()];
        percent_decode_str(value).decode_utf8_lossy()
    }

    /// Whether the path has a parameter of this name.
    pub fn has_path(&self, name: &str) -> bool {
        let (product, route) = self.route;
        self.shared.products[product].routes[route].names.iter().any(|n| **n == *name)
    }

    /// A path parameter as a typed SID. One that is malformed cannot exist: 404/20404.
    pub fn path_sid<S: FromStr<Err = SidError>>(&self, name: &str) -> Result<S, Problem> {
        self.path_text(name).parse().map_err(|_| self.not_found())
    }

    /// The path below the product, as it came.
    pub fn path(&self) -> &str {
        &self.uri.path()[self.prefix_len..]
    }

    /// The query, as it came.
    pub fn query(&self) -> &str {
        self.uri.query().unwrap_or_default()
    }

    /// Where links begin: scheme, host and product, without a slash at the end.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// 404/20404 for what this path names.
    pub fn not_found(&self) -> Problem {
        Problem::not_found(self.path())
    }

    /// The workspace in the path: its owner is the caller. Panics on paths without `{workspace}`.
    pub fn names(&self) -> wire::Names<'_> {
        let names = self.host_names();
        wire::Names {
            account: names.account,
            workspace: &names.workspace,
            activities: &names.activities,
            queues: &names.queues,
            workflows: &names.workflows,
            channels: &names.channels,
        }
    }

    /// The same, shared: for what outlives the request.
    pub fn host_names(&self) -> &Arc<Names> {
        self.names.as_ref().expect("the path has a workspace, and the layer looked it up")
    }

    /// The SID of the workspace in the path.
    pub fn workspace(&self) -> routing::WorkspaceSid {
        self.host_names().workspace.sid
    }

    /// The partition its rows are in.
    pub fn partition(&self) -> PartitionId {
        self.workspace().to_string().into()
    }

    /// Hands a command to the workspace in the path; answers once it is durable.
    pub async fn command(&self, command: routing::Command) -> Result<routing::Reply, Problem> {
        Ok(self.host.routing(self.workspace(), command).await?)
    }

    /// Asks the live state of the workspace in the path.
    pub async fn ask(&self, question: routing::Question) -> Result<routing::Answer, Problem> {
        Ok(self.host.ask(self.workspace(), question).await?)
    }

    /// A durable row of the workspace in the path.
    pub fn fetch<R: host::Record>(&self, key: &Sid) -> Result<Option<R>, Problem> {
        let (partition, key) = (self.workspace().sid().encode(), key.encode());
        let text = |sid| str::from_utf8(sid).expect("SIDs are ASCII");
        Ok(self.host.fetch::<R>(text(&partition[..]), text(&key[..]))?)
    }

    /// The row that a path parameter names, or 404.
    pub fn fetch_path<R, S>(&self, name: &str) -> Result<R, Problem>
    where
        R: host::Record,
        S: FromStr<Err = SidError> + Into<Sid>,
    {
        let sid: S = self.path_sid(name)?;
        self.fetch::<R>(&sid.into())?.ok_or_else(|| self.not_found())
    }

    /// The JSON body.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        json(&self.body)
    }

    /// 400 when there are as many of these as the incumbent allows, where the operator asked for
    /// its counts.
    pub fn room_for_one(&self, what: &str, have: usize, most: usize) -> Result<(), Problem> {
        match self.options().limits {
            crate::Limits::Compat if have >= most => {
                let why = format!("there are {have} {what}, and no more than {most} are allowed");
                Err(Problem::invalid(why))
            }
            _ => Ok(()),
        }
    }

    /// 429 when the caller did this more than `per_s` times within a second, where the operator
    /// asked for the incumbent's rates.
    pub fn rate(&self, what: &'static str, per_s: u32) -> Result<(), Problem> {
        self.shared.rates.check(self.account(), what, per_s, self.options().limits)
    }

    /// For public routes that change something for whoever the cookie stands for.
    pub(crate) fn check_csrf(&self) -> Result<(), Problem> {
        match auth::cookie(&self.headers) {
            Some(_) => {
                let site = &self.options().site;
                auth::check_csrf(Proof::Cookie, &Method::POST, &self.headers, site)
            }
            None => Ok(()),
        }
    }

    pub(crate) fn sign_ins(&self) -> &SignIns {
        &self.shared.sign_ins
    }

    /// Runs something as slow as hashing a password; see [`Hashing`](crate::hashing::Hashing).
    pub(crate) async fn hash<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Problem> {
        self.shared.hashing.run(work).await
    }

    /// The same request once its caller proved to be this person.
    pub(crate) fn on_behalf_of(self, user: Arc<User>) -> Self {
        let principal = Principal { account: user.account, who: Who::Person(user) };
        Self { principal: Some(principal), ..self }
    }
}

/// Parses a JSON body; the problem names the place, and quotes nothing of the body.
fn json<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    let text: &[u8] = if body.is_empty() { b"{}" } else { body };
    serde_json::from_slice(text).map_err(|error| {
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let position = base::Position { line: count(error.line()), column: count(error.column()) };
        let what = if error.is_data() {
            public_text(&error)
        } else {
            "The body is not valid JSON".to_owned()
        };
        let place = format!("{what} (line {}, column {})", position.line, position.column);
        Problem::invalid(place).at(position)
    })
}

/// serde's text about a wrong type, without the values it may quote.
fn public_text(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let end = text.find(" at line ").unwrap_or(text.len());
    let text = &text[..end];
    match text.split_once(": ") {
        Some(("invalid type" | "invalid value", rest)) => {
            let wanted = rest.rsplit_once("expected ").map_or("", |(_, wanted)| wanted);
            format!("A value in the body has the wrong type: it must be {}", in_words(wanted))
        }
        _ if text.starts_with("missing field") => format!("The body has a {text}"),
        _ if text.starts_with("unknown variant") => "A word in the body is not known".to_owned(),
        _ => "The body has not the shape this call needs".to_owned(),
    }
}

/// What serde calls a type, for somebody who knows JSON and no Rust.
fn in_words(wanted: &str) -> &str {
    match wanted {
        "a string" | "a boolean" => wanted,
        "i8" | "i16" | "i32" | "i64" | "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number",
        "f32" | "f64" => "a number",
        "a sequence" => "an array",
        wanted if wanted.starts_with("struct ") || wanted == "a map" => "an object",
        _ => "another one",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    struct Wanted {
        #[serde(rename = "n")]
        _n: u32,
    }

    #[test]
    fn a_wrong_body_is_placed_and_not_quoted() {
        let refused = |text: &str| json::<Wanted>(text.as_bytes()).unwrap_err().0;
        let problem = refused("{\n \"n\": \"geheim\"}");
        assert_eq!(problem.position, Some(base::Position { line: 2, column: 14 }));
        assert!(!problem.message.contains("geheim"), "{}", problem.message);
        let plain = "it must be a whole number (line 2, column 14)";
        assert!(problem.message.ends_with(plain), "{}", problem.message);
        assert!(refused("7").message.contains("it must be an object"));
        assert!(refused("{\"n\": 1.5}").message.contains("it must be a whole number"));
        assert!(refused("{\"n\": -1}").message.contains("it must be a whole number"));
        assert!(refused("{}").message.contains("missing field `n`"));
        assert!(refused("{").message.contains("not valid JSON"));
        assert!(refused("").message.contains("missing field `n`"));
    }
}
