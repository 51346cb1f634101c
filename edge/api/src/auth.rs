//! Who is calling: Basic auth, access tokens, session cookies; and how often one may guess.
//!
//! * Credentials live by the machine's clock, whatever clock the domains live by.
//! * An `Authorization` header that does not prove anything is refused, even beside a good cookie.
//! * A cookie changes nothing on behalf of another site: a request that a browser marks as coming
//!   from elsewhere must carry `X-Sinew-Csrf`, which no form and no other origin can send.

use crate::{Limits, Problem, Site};
use access::{Access, Principal, token};
use base::{Sid, Timestamp};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, Method, header};
use std::{
    collections::BTreeMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant, SystemTime},
};

/// The session's cookie.
pub(crate) const COOKIE: &str = "sinew_session";
/// The header a page sends to show that it, and no other origin, makes the request.
pub(crate) const CSRF: &str = "x-sinew-csrf";

/// Failed sign-ins of one name from one address within [`SIGN_IN_WINDOW`] before it must wait.
const SIGN_INS_MAX: u32 = 10;
/// Failed sign-ins from one address, whatever the names: a whole office may sit behind it.
const ADDRESS_SIGN_INS_MAX: u32 = 200;
const SIGN_IN_WINDOW: Duration = Duration::from_secs(60);
/// Names and addresses remembered; beyond that the oldest window is forgotten first.
const REMEMBERED_MAX: usize = 10_000;

/// The machine's time.
pub(crate) fn real_now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let ms = since.map_or(0, |d| d.as_millis());
    Timestamp(i64::try_from(ms).expect("milliseconds of this age fit 63 bits"))
}

/// How a caller was known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    Header,
    Cookie,
}

/// Who is calling; `None` is nobody known.
pub(crate) fn caller(
    access: &Access,
    headers: &HeaderMap,
) -> Result<Option<(Principal, Proof)>, Problem> {
    if let Some(value) = headers.get(header::AUTHORIZATION) {
        let value = value.to_str().map_err(|_| wrong())?;
        let principal = by_header(access, value)?;
        return Ok(Some((principal, Proof::Header)));
    }
    let Some(cookie) = cookie(headers) else { return Ok(None) };
    let principal = access.principal_of_session(cookie, real_now());
    Ok(principal.map(|principal| (principal, Proof::Cookie)))
}

/// 403 when another site would change something by the cookie of whoever looks at it.
pub(crate) fn check_csrf(
    proof: Proof,
    method: &Method,
    headers: &HeaderMap,
    site: &Site,
) -> Result<(), Problem> {
    let changes = *method != Method::GET && *method != Method::HEAD;
    let shown = headers.get(CSRF).is_some_and(|value| !value.is_empty());
    if proof == Proof::Cookie && changes && !shown && is_from_elsewhere(headers, site) {
        let message = "A request by cookie from another origin must carry the header X-Sinew-Csrf";
        return Err(Problem::forbidden(message));
    }
    Ok(())
}

/// Whether a browser says that another origin's page sent this. Every browser names the origin of
/// a request that can change something; programs name none and hold their cookie themselves.
pub(crate) fn is_from_elsewhere(headers: &HeaderMap, site: &Site) -> bool {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    let marked = text("sec-fetch-site");
    if marked.is_some_and(|marked| marked != "same-origin" && marked != "none") {
        return true;
    }
    let Some(origin) = text("origin") else { return false };
    let here = text("host").unwrap_or_default();
    let own = origin.split_once("://").is_some_and(|(_, host)| host.eq_ignore_ascii_case(here));
    !own && origin != site.origin()
}

/// The session cookie's value.
pub(crate) fn cookie(headers: &HeaderMap) -> Option<&str> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';'));
    pairs.find_map(|pair| pair.trim().strip_prefix(COOKIE)?.strip_prefix('='))
}

fn by_header(access: &Access, value: &str) -> Result<Principal, Problem> {
    let (scheme, rest) = value.split_once(' ').ok_or_else(wrong)?;
    if scheme.eq_ignore_ascii_case("basic") {
        let decoded = STANDARD.decode(rest.trim()).map_err(|_| wrong())?;
        let text = str::from_utf8(&decoded).map_err(|_| wrong())?;
        let (name, password) = text.split_once(':').ok_or_else(wrong)?;
        return access.basic(name, password).ok_or_else(wrong);
    }
    if scheme.eq_ignore_ascii_case("bearer") {
        let claims = token::verify(access, rest.trim(), real_now().epoch_secs());
        let claims = claims.map_err(|error| Problem::unauthenticated(error.to_string()))?;
        return Ok(claims.principal());
    }
    Err(wrong())
}

fn wrong() -> Problem {
    Problem::unauthenticated("Authentication Error - the credentials are not valid")
}

/// Failed sign-ins, per name and address.
#[derive(Debug, Default)]
pub(crate) struct SignIns(Mutex<BTreeMap<(String, IpAddr), Window>>);

/// When counting began, and how many there were since.
type Window = (Instant, u32);

impl SignIns {
    /// 429 when this name failed too often from this address. Counts the attempt as failed; a
    /// success takes it back with [`SignIns::forget`].
    pub(crate) fn attempt(&self, username: &str, peer: IpAddr) -> Result<(), Problem> {
        let now = Instant::now();
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= REMEMBERED_MAX {
            known.retain(|_, (since, _)| now.duration_since(*since) < SIGN_IN_WINDOW);
        }
        if known.len() >= REMEMBERED_MAX {
            let oldest = known.iter().min_by_key(|(_, (since, _))| *since).map(|(k, _)| k.clone());
            oldest.map(|key| known.remove(&key));
        }
        let keys = Self::keys(username, peer);
        for (key, max) in &keys {
            let (since, count) = known.entry(key.clone()).or_insert((now, 0));
            if now.duration_since(*since) >= SIGN_IN_WINDOW {
                (*since, *count) = (now, 0);
            }
            if *count >= *max {
                return Err(Problem::limited("Too many failed sign-ins; wait a minute"));
            }
        }
        for (key, _) in keys {
            known.entry(key).and_modify(|(_, count)| *count += 1);
        }
        Ok(())
    }

    /// The attempt was good.
    pub(crate) fn forget(&self, username: &str, peer: IpAddr) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let [(name, _), (address, _)] = Self::keys(username, peer);
        known.remove(&name);
        known.entry(address).and_modify(|(_, count)| *count = count.saturating_sub(1));
    }

    /// The name at the address, and the address whatever the name: no user is called "".
    fn keys(username: &str, peer: IpAddr) -> [((String, IpAddr), u32); 2] {
        let name: String = username.chars().take(access::USERNAME_CHARS_MAX).collect();
        [((name, peer), SIGN_INS_MAX), ((String::new(), peer), ADDRESS_SIGN_INS_MAX)]
    }
}

/// Calls per second, where the operator asked for the incumbent's rates.
#[derive(Debug, Default)]
pub(crate) struct Rates(Mutex<BTreeMap<(Sid, &'static str), Window>>);

impl Rates {
    pub(crate) fn check(
        &self,
        account: Sid,
        what: &'static str,
        per_s: u32,
        limits: Limits,
    ) -> Result<(), Problem> {
        match limits {
            Limits::None => return Ok(()),
            Limits::Compat => {}
        }
        let now = Instant::now();
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, count) = known.entry((account, what)).or_insert((now, 0));
        if now.duration_since(*since) >= Duration::from_secs(1) {
            (*since, *count) = (now, 0);
        }
        *count += 1;
        if *count > per_s {
            return Err(Problem::limited(format!("{what}: more than {per_s} requests a second")));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cookie_is_found_among_others() {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, "a=1; sinew_session=abc; b=2".parse().unwrap());
        assert_eq!(cookie(&headers), Some("abc"));
        headers.insert(header::COOKIE, "sinew_sessions=abc".parse().unwrap());
        assert_eq!(cookie(&headers), None);
    }

    #[test]
    fn guessing_is_bound_per_name_and_address() {
        let sign_ins = SignIns::default();
        let (here, there) = (IpAddr::from([127, 0, 0, 1]), IpAddr::from([127, 0, 0, 2]));
        for _ in 0..SIGN_INS_MAX {
            sign_ins.attempt("ann", here).unwrap();
        }
        assert_eq!(sign_ins.attempt("ann", here).unwrap_err().status(), 429);
        sign_ins.attempt("ann", there).unwrap();
        sign_ins.attempt("bob", here).unwrap();
        sign_ins.forget("ann", here);
        sign_ins.attempt("ann", here).unwrap();
    }

    #[test]
    fn guessing_names_is_bound_per_address() {
        let sign_ins = SignIns::default();
        let here = IpAddr::from([127, 0, 0, 1]);
        for n in 0..ADDRESS_SIGN_INS_MAX {
            sign_ins.attempt(&format!("user{n}"), here).unwrap();
        }
        assert_eq!(sign_ins.attempt("one more", here).unwrap_err().status(), 429);
        sign_ins.forget("user7", here);
        sign_ins.attempt("one more", here).unwrap();
    }

    #[test]
    fn rates_hold_only_where_they_were_asked_for() {
        let (rates, account) = (Rates::default(), Sid::new(*b"AC", 1));
        for _ in 0..50 {
            rates.check(account, "x", 3, Limits::None).unwrap();
        }
        let checked = (0..4).map(|_| rates.check(account, "x", 3, Limits::Compat).is_ok());
        assert_eq!(checked.collect::<Vec<_>>(), [true, true, true, false]);
    }
}
