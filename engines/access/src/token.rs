//! Access tokens: JWTs that a browser carries, signed with an API key's secret.
//!
//! * `iss` names the key, `sub` the account; a token of another account's key is refused.
//! * HS256, HS384 and HS512 only; a life of more than 24 hours is refused however it is signed.
//! * Seconds of the real clock arrive as an argument.
//! * Written here and not taken from a library: those that are kept up bring key pairs, and with
//!   them random sources that an engine must not reach.

use crate::{
    Access, ApiKey,
    model::{KeyUse, Role, Seat},
    permit::{Principal, Who},
};
use base::Sid;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sha2::{Sha256, Sha384, Sha512};

/// The longest life of a token anybody signed.
pub const LIFE_S_MAX: i64 = 86_400;
/// The longest life of a token this server signs for a person.
pub const OWN_LIFE_S_MAX: i64 = 3_600;
/// Clocks of the programs that sign tokens may be this much ahead.
const SKEW_S: i64 = 300;

/// What a token says, once its signature was proved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Claims {
    /// `<key SID>-<iat>`.
    pub jti: Option<String>,
    /// The API key's SID.
    pub iss: Sid,
    /// The account's SID.
    pub sub: Sid,
    /// When it was signed, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iat: Option<i64>,
    /// Not before, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nbf: Option<i64>,
    /// When it ends, in seconds.
    pub exp: i64,
    /// What it is good for.
    #[serde(default)]
    pub grants: Grants,
}

/// What a token is good for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Grants {
    /// Who it was made for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<String>,
    /// Routing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_router: Option<TaskRouterGrant>,
    /// State synchronisation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_sync: Option<ServiceGrant>,
    /// Conversations, and the state synchronisation that belongs to them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chat: Option<ServiceGrant>,
}

/// What a token is good for in one service.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ServiceGrant {
    /// `IS…`, or a name for it such as `default`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_sid: Option<String>,
    /// What the program calls itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint_id: Option<String>,
}

/// What a token is good for in routing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TaskRouterGrant {
    /// `WS…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace_sid: Option<Sid>,
    /// `WK…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker_sid: Option<Sid>,
    /// `worker` or `supervisor`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
}

/// Why a token is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not three parts of base64url JSON with the claims above.
    #[error("The access token cannot be read")]
    Malformed,
    /// The key, the account or the signature is wrong.
    #[error("The access token was not signed by a key of this account")]
    NotOurs,
    /// Its time is over.
    #[error("The access token has expired")]
    Expired,
    /// Its time has not come.
    #[error("The access token is not valid yet")]
    NotYet,
    /// Longer than a day.
    #[error("The access token lives longer than 24 hours")]
    TooLong,
}

/// Proves a token and says what it claims. `now_s` is the real clock's.
pub fn verify(access: &Access, token: &str, now_s: i64) -> Result<Claims, TokenError> {
    let (signed, signature) = token.rsplit_once('.').ok_or(TokenError::Malformed)?;
    let (header, claims) = signed.split_once('.').ok_or(TokenError::Malformed)?;
    let header: Header = parse(header)?;
    let claims: Claims = parse(claims)?;
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| TokenError::Malformed)?;
    let key = access.key(claims.iss).filter(|key| key.account == claims.sub);
    let key = key.ok_or(TokenError::NotOurs)?;
    if !header.alg.proves(key.secret.reveal().as_bytes(), signed.as_bytes(), &signature) {
        return Err(TokenError::NotOurs);
    }
    check_times(&claims, now_s)?;
    if key.purpose == KeyUse::Signing && !claims.fits_its_person(access) {
        return Err(TokenError::NotOurs);
    }
    Ok(claims)
}

/// Whether what was proved once would still be proved: its key is there, and so is its person.
/// The end of the token's time is not asked here.
pub fn still_holds(access: &Access, claims: &Claims) -> bool {
    let key = access.key(claims.iss).filter(|key| key.account == claims.sub);
    key.is_some_and(|key| key.purpose == KeyUse::Caller || claims.fits_its_person(access))
}

/// Signs a token for a person of this server. `life_s` is cut to an hour.
pub fn mint(key: &ApiKey, grants: Grants, now_s: i64, life_s: i64) -> (String, Claims) {
    let claims = Claims {
        jti: Some(format!("{}-{now_s}", key.sid)),
        iss: key.sid,
        sub: key.account,
        iat: Some(now_s),
        nbf: None,
        exp: now_s + life_s.clamp(1, OWN_LIFE_S_MAX),
        grants,
    };
    (sign(&claims, Algorithm::HS256, key.secret.reveal()), claims)
}

fn sign(claims: &Claims, alg: Algorithm, secret: &str) -> String {
    let header = Header { alg, typ: Some("JWT".to_owned()), cty: Some(CONTENT.to_owned()) };
    let mut token = format!("{}.{}", part(&header), part(claims));
    let signature = alg.sign(secret.as_bytes(), token.as_bytes());
    token.push('.');
    token.push_str(&URL_SAFE_NO_PAD.encode(signature));
    token
}

fn part<T: Serialize>(value: &T) -> String {
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(value).expect("headers and claims are plain data"))
}

fn parse<T: DeserializeOwned>(part: &str) -> Result<T, TokenError> {
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenError::Malformed)?;
    serde_json::from_slice(&bytes).map_err(|_| TokenError::Malformed)
}

/// What the browser SDKs expect of `cty`.
const CONTENT: &str = "twilio-fpa;v=1";

#[derive(Serialize, Deserialize)]
struct Header {
    alg: Algorithm,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    typ: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cty: Option<String>,
}

/// The algorithms a shared secret can sign with. A token that names another, or none, is malformed:
/// nothing a token says can choose a weaker proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Algorithm {
    HS256,
    HS384,
    HS512,
}

impl Algorithm {
    fn sign(self, secret: &[u8], text: &[u8]) -> Vec<u8> {
        match self {
            Self::HS256 => mac::<Hmac<Sha256>>(secret, text).finalize().into_bytes().to_vec(),
            Self::HS384 => mac::<Hmac<Sha384>>(secret, text).finalize().into_bytes().to_vec(),
            Self::HS512 => mac::<Hmac<Sha512>>(secret, text).finalize().into_bytes().to_vec(),
        }
    }

    /// Compares in constant time.
    fn proves(self, secret: &[u8], text: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::HS256 => mac::<Hmac<Sha256>>(secret, text).verify_slice(signature).is_ok(),
            Self::HS384 => mac::<Hmac<Sha384>>(secret, text).verify_slice(signature).is_ok(),
            Self::HS512 => mac::<Hmac<Sha512>>(secret, text).verify_slice(signature).is_ok(),
        }
    }
}

fn mac<M: Mac + KeyInit>(secret: &[u8], text: &[u8]) -> M {
    let mut mac = <M as KeyInit>::new_from_slice(secret).expect("HMAC takes keys of any length");
    mac.update(text);
    mac
}

impl Claims {
    /// Who calls with this token.
    pub fn principal(&self) -> Principal {
        let (role, seat) = (self.role(), self.seat());
        let workspace = self.grants.task_router.as_ref().and_then(|grant| grant.workspace_sid);
        let identity = self.grants.identity.clone().unwrap_or_default();
        Principal { account: self.sub, who: Who::Bearer { identity, role, workspace, seat } }
    }
}

impl Claims {
    /// The workspace that the token supervises, if it does.
    pub fn supervises(&self) -> Option<Sid> {
        let supervises = self.role() >= Role::Supervisor;
        self.grants.task_router.as_ref().filter(|_| supervises)?.workspace_sid
    }

    fn role(&self) -> Role {
        match self.grants.task_router.as_ref().and_then(|grant| grant.role.as_deref()) {
            Some("supervisor") => Role::Supervisor,
            _ => Role::Agent,
        }
    }

    /// What this server signed for a person holds while that person is there, works as the same
    /// worker and may still do as much, and until password, role or worker change.
    fn fits_its_person(&self, access: &Access) -> bool {
        let identity = self.grants.identity.as_deref().unwrap_or_default();
        let Some(user) = access.user(self.sub, identity) else { return false };
        let seat = self.seat();
        user.role >= self.role()
            && (seat.is_none() || seat == user.seat)
            && self.iat.is_some_and(|at_s| at_s >= user.tokens_from_s)
    }

    fn seat(&self) -> Option<Seat> {
        let routing = self.grants.task_router.as_ref()?;
        Some(Seat { workspace: routing.workspace_sid?, worker: routing.worker_sid? })
    }
}

fn check_times(claims: &Claims, now_s: i64) -> Result<(), TokenError> {
    if claims.exp <= now_s {
        return Err(TokenError::Expired);
    }
    let from = claims.nbf.or(claims.iat).unwrap_or(now_s);
    if from > now_s.saturating_add(SKEW_S) {
        return Err(TokenError::NotYet);
    }
    let begins = claims.iat.unwrap_or(now_s).min(now_s.saturating_add(SKEW_S));
    if claims.exp.saturating_sub(begins) > LIFE_S_MAX {
        return Err(TokenError::TooLong);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Account, Reach, Row, Secret, User};
    use base::Timestamp;

    const NOW_S: i64 = 1_800_000_000;
    const ACCOUNT: Sid = Sid::new(*b"AC", 1);

    fn key(body: u128, account: Sid) -> ApiKey {
        ApiKey {
            sid: Sid::new(*b"SK", body),
            account,
            secret: Secret::new(format!("secret {body}")),
            purpose: KeyUse::Caller,
            friendly_name: String::new(),
            created_at: Timestamp(0),
        }
    }

    fn none() -> Grants {
        Grants::default()
    }

    fn access() -> Access {
        let account = |sid| {
            let (auth_token, friendly_name) = (Secret::new("t"), String::new());
            Row::Account(Account { sid, auth_token, friendly_name, created_at: Timestamp(0) })
        };
        let other = Sid::new(*b"AC", 2);
        Access::restore([
            account(ACCOUNT),
            account(other),
            Row::ApiKey(key(1, ACCOUNT)),
            Row::ApiKey(key(2, other)),
        ])
    }

    fn signed(change: impl FnOnce(&mut Claims), algorithm: Algorithm, secret: &str) -> String {
        let (_, mut claims) = mint(&key(1, ACCOUNT), Grants::default(), NOW_S, 3_600);
        change(&mut claims);
        sign(&claims, algorithm, secret)
    }

    #[test]
    fn a_minted_token_is_proved_and_lives_an_hour() {
        let seat = (Sid::new(*b"WS", 1), Sid::new(*b"WK", 1));
        let grant = TaskRouterGrant {
            workspace_sid: Some(seat.0),
            worker_sid: Some(seat.1),
            role: Some("worker".into()),
        };
        let grants = Grants { identity: Some("ann".into()), task_router: Some(grant), ..none() };
        let (token, claims) = mint(&key(1, ACCOUNT), grants, NOW_S, 10_000);
        assert_eq!(claims.exp, NOW_S + OWN_LIFE_S_MAX);
        assert_eq!(verify(&access(), &token, NOW_S), Ok(claims.clone()));
        assert_eq!(verify(&access(), &token, NOW_S + 3_599), Ok(claims.clone()));
        assert_eq!(verify(&access(), &token, NOW_S + 3_600), Err(TokenError::Expired));
        let principal = claims.principal();
        assert_eq!((principal.role(), claims.supervises()), (Role::Agent, None));
        assert_eq!(principal.seat(), Some(Seat { workspace: seat.0, worker: seat.1 }));
    }

    #[test]
    fn a_token_reaches_the_workspace_it_names_whatever_its_role() {
        let reach = |role: &str, workspace_sid: Option<Sid>| {
            let role = Some(role.to_owned());
            let grant = TaskRouterGrant { workspace_sid, worker_sid: None, role };
            let grants = Grants { task_router: Some(grant), ..none() };
            mint(&key(1, ACCOUNT), grants, NOW_S, 60).1.principal().reach()
        };
        let only = Sid::new(*b"WS", 1);
        assert_eq!(reach("supervisor", Some(only)), Reach::Workspace(only));
        assert_eq!(reach("worker", Some(only)), Reach::Workspace(only));
        assert_eq!(reach("supervisor", None), Reach::Account);
        assert_eq!(reach("worker", None), Reach::Nowhere);
    }

    #[test]
    fn a_token_of_the_server_goes_with_its_person() {
        let own = ApiKey { purpose: KeyUse::Signing, ..key(3, ACCOUNT) };
        let person = |role, seat| {
            Row::User(User {
                username: "ann".into(),
                account: ACCOUNT,
                password_hash: Secret::new("h"),
                role,
                seat,
                created_at: Timestamp(0),
                updated_at: Timestamp(0),
                tokens_from_s: NOW_S,
            })
        };
        let (auth_token, friendly_name) = (Secret::new("t"), String::new());
        let account = Account { sid: ACCOUNT, auth_token, friendly_name, created_at: Timestamp(0) };
        let with = |people: Vec<Row>| {
            let rows = [Row::Account(account.clone()), Row::ApiKey(own.clone())];
            Access::restore(rows.into_iter().chain(people))
        };
        let grant = TaskRouterGrant { role: Some("supervisor".into()), ..Default::default() };
        let grants = Grants { identity: Some("ann".into()), task_router: Some(grant), ..none() };
        let (token, _) = mint(&own, grants, NOW_S, 60);
        let claims = verify(&with(vec![person(Role::Admin, None)]), &token, NOW_S).unwrap();
        assert!(still_holds(&with(vec![person(Role::Admin, None)]), &claims));
        assert!(!still_holds(&with(vec![person(Role::Agent, None)]), &claims));
        assert!(!still_holds(&Access::default(), &claims));
        let demoted = verify(&with(vec![person(Role::Agent, None)]), &token, NOW_S);
        assert_eq!(demoted, Err(TokenError::NotOurs));
        assert_eq!(verify(&with(vec![]), &token, NOW_S), Err(TokenError::NotOurs));

        let (workspace, worker) = (Sid::new(*b"WS", 1), Sid::new(*b"WK", 1));
        let (workspace_sid, worker_sid) = (Some(workspace), Some(worker));
        let grant = TaskRouterGrant { workspace_sid, worker_sid, role: Some("worker".into()) };
        let grants = Grants { identity: Some("ann".into()), task_router: Some(grant), ..none() };
        let (token, _) = mint(&own, grants, NOW_S, 60);
        let seated = |seat| verify(&with(vec![person(Role::Agent, seat)]), &token, NOW_S).is_ok();
        assert!(seated(Some(Seat { workspace, worker })));
        assert!(!seated(Some(Seat { workspace, worker: Sid::new(*b"WK", 2) })));
        assert!(!seated(Some(Seat { workspace: Sid::new(*b"WS", 2), worker })));
        assert!(!seated(None));
    }

    #[test]
    fn every_hmac_is_accepted_and_nothing_else() {
        for algorithm in [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512] {
            let token = signed(|_| {}, algorithm, "secret 1");
            assert!(verify(&access(), &token, NOW_S).is_ok(), "{algorithm:?}");
        }
        // {"alg":"none"}.{}.
        assert_eq!(
            verify(&access(), "eyJhbGciOiJub25lIn0.e30.", NOW_S),
            Err(TokenError::Malformed)
        );
        for text in ["", "a", "a.b.c", "…"] {
            assert_eq!(verify(&access(), text, NOW_S), Err(TokenError::Malformed), "{text}");
        }
    }

    #[test]
    fn tokens_signed_elsewhere_are_proved() {
        let claims = "eyJpc3MiOiJTSzAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAxIiwic3ViIjoiQU\
                      MwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMSIsImV4cCI6MTgwMDAwMzYwMH0";
        let signed = [
            ("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9", "MR9i56rU1grENaiyC9pnBux3hS-BIFh-CxLXQhLGeSU"),
            (
                "eyJhbGciOiJIUzM4NCIsInR5cCI6IkpXVCJ9",
                "HMnCosIIasdpk6n59kjQUuI5NQKOO8V7An6cFcMOGO2Rrx5zl-Jpw80wOp4OMkx8",
            ),
            (
                "eyJhbGciOiJIUzUxMiIsInR5cCI6IkpXVCJ9",
                "Rb59B10YVknzMO93ceJ_x7q77ZXs-4WhD3cUuU06L-NkIk1aUaJ5OoG3PNzg\
                 jSDQ4Vqy3XdHWZaT1Ay69-HUag",
            ),
        ];
        for (header, signature) in signed {
            let token = format!("{header}.{claims}.{signature}");
            assert_eq!(verify(&access(), &token, NOW_S).unwrap().exp, NOW_S + 3_600);
            let changed = token.replace(".eyJ", ".eyI");
            assert_ne!(
                verify(&access(), &changed, NOW_S).ok(),
                verify(&access(), &token, NOW_S).ok()
            );
        }
    }

    #[test]
    fn another_key_or_account_is_refused() {
        let by_secret = signed(|_| {}, Algorithm::HS256, "secret 2");
        assert_eq!(verify(&access(), &by_secret, NOW_S), Err(TokenError::NotOurs));
        let by_key = |c: &mut Claims| c.iss = Sid::new(*b"SK", 2);
        let foreign = signed(by_key, Algorithm::HS256, "secret 2");
        assert_eq!(verify(&access(), &foreign, NOW_S), Err(TokenError::NotOurs));
    }

    #[test]
    fn a_token_lives_a_day_at_most() {
        let life = |s| signed(move |c| c.exp = NOW_S + s, Algorithm::HS256, "secret 1");
        assert!(verify(&access(), &life(86_400), NOW_S).is_ok());
        assert_eq!(verify(&access(), &life(86_401), NOW_S), Err(TokenError::TooLong));
        let undated = |c: &mut Claims| (c.iat, c.exp) = (None, NOW_S + 90_000);
        let token = signed(undated, Algorithm::HS256, "secret 1");
        assert_eq!(verify(&access(), &token, NOW_S), Err(TokenError::TooLong));
        let later = |c: &mut Claims| c.nbf = Some(NOW_S + 600);
        let token = signed(later, Algorithm::HS256, "secret 1");
        assert_eq!(verify(&access(), &token, NOW_S), Err(TokenError::NotYet));
    }
}
