//! One function per command: refuse, then record.

use crate::{
    Access, Change, Command, Rejection, Reply, SESSIONS_PER_USER_MAX, USERNAME_CHARS_MAX,
    USERS_PER_ACCOUNT_MAX, model::*,
};
use base::{Patch, Sid, Timestamp, Turn};

type Step<'a, 'b> = &'a mut Turn<'b, Change, ()>;

pub(crate) fn handle(
    access: &mut Access,
    turn: Step<'_, '_>,
    command: &Command,
) -> Result<Reply, Rejection> {
    match command {
        Command::CreateAccount { sid, auth_token, friendly_name } => {
            create_account(access, turn, *sid, auth_token, friendly_name)
        }
        Command::CreateApiKey { sid, account, secret, purpose, friendly_name } => {
            let key = ApiKey {
                sid: *sid,
                account: *account,
                secret: secret.clone(),
                purpose: *purpose,
                friendly_name: friendly_name.clone(),
                created_at: turn.now,
            };
            create_key(access, turn, key)
        }
        Command::CreateUser { account, username, password_hash, role, seat, now } => {
            let user = User {
                username: username.clone(),
                account: *account,
                password_hash: password_hash.clone(),
                role: *role,
                seat: *seat,
                created_at: turn.now,
                updated_at: turn.now,
                tokens_from_s: second_after(*now),
            };
            create_user(access, turn, user)
        }
        Command::UpdateUser { account, username, password_hash, role, seat, now } => {
            let patch = (password_hash.as_ref(), *role, seat);
            update_user(access, turn, *account, username, patch, *now)
        }
        Command::DeleteUser { account, username } => delete_user(access, turn, *account, username),
        Command::OpenSession { account, username, password_hash, token_hash, now, expires_at } => {
            let session = Session {
                token_hash: token_hash.clone(),
                account: *account,
                username: username.clone(),
                created_at: *now,
                expires_at: *expires_at,
            };
            open_session(access, turn, session, password_hash)
        }
        Command::CloseSession { token_hash } => {
            if access.sessions.contains_key(token_hash) {
                access.record(turn, Change::SessionClosed { token_hash: token_hash.clone() });
            }
            Ok(Reply::Done)
        }
    }
}

fn create_account(
    access: &mut Access,
    turn: Step<'_, '_>,
    sid: Sid,
    auth_token: &Secret,
    friendly_name: &str,
) -> Result<Reply, Rejection> {
    if access.accounts.contains_key(&sid) {
        return Err(Rejection::AccountTaken(sid));
    }
    let friendly_name = friendly_name.to_owned();
    let account =
        Account { sid, auth_token: auth_token.clone(), friendly_name, created_at: turn.now };
    access.record(turn, Change::AccountCreated(account.clone()));
    Ok(Reply::Account(account))
}

fn create_key(access: &mut Access, turn: Step<'_, '_>, key: ApiKey) -> Result<Reply, Rejection> {
    if !access.accounts.contains_key(&key.account) {
        return Err(Rejection::UnknownAccount(key.account));
    }
    if access.keys.contains_key(&key.sid) {
        return Err(Rejection::KeyTaken(key.sid));
    }
    access.record(turn, Change::ApiKeyCreated(key.clone()));
    Ok(Reply::ApiKey(key))
}

fn create_user(access: &mut Access, turn: Step<'_, '_>, user: User) -> Result<Reply, Rejection> {
    if !access.accounts.contains_key(&user.account) {
        return Err(Rejection::UnknownAccount(user.account));
    }
    check_name(&user.username)?;
    if access.user(user.account, &user.username).is_some() {
        return Err(Rejection::NameTaken(user.username));
    }
    if access.users(user.account).count() >= USERS_PER_ACCOUNT_MAX {
        return Err(Rejection::TooMany("The account has as many users as it may have"));
    }
    access.record(turn, Change::UserCreated(user.clone()));
    Ok(Reply::User(user))
}

fn update_user(
    access: &mut Access,
    turn: Step<'_, '_>,
    account: Sid,
    username: &str,
    (password_hash, role, seat): (Option<&Secret>, Option<Role>, &Patch<Seat>),
    now: Timestamp,
) -> Result<Reply, Rejection> {
    let known = access.user(account, username);
    let mut user = known
        .map(|user| User::clone(user))
        .ok_or_else(|| Rejection::UnknownUser(username.to_owned()))?;
    let before = user.clone();
    if let Some(hash) = password_hash {
        user.password_hash = hash.clone();
    }
    user.role = role.unwrap_or(user.role);
    seat.clone().apply(&mut user.seat);
    if user.role != Role::Admin && is_last_admin(access, &before) {
        return Err(Rejection::LastAdmin(username.to_owned()));
    }
    if user == before {
        return Ok(Reply::User(user));
    }
    user.updated_at = turn.now;
    user.tokens_from_s = second_after(now).max(before.tokens_from_s + 1);
    if user.role != before.role || user.password_hash != before.password_hash {
        close_sessions(access, turn, account, username);
    }
    access.record(turn, Change::UserUpdated(user.clone()));
    Ok(Reply::User(user))
}

fn delete_user(
    access: &mut Access,
    turn: Step<'_, '_>,
    account: Sid,
    username: &str,
) -> Result<Reply, Rejection> {
    let known = access.user(account, username);
    let user = known.cloned().ok_or_else(|| Rejection::UnknownUser(username.to_owned()))?;
    if is_last_admin(access, &user) {
        return Err(Rejection::LastAdmin(username.to_owned()));
    }
    close_sessions(access, turn, account, username);
    access.record(turn, Change::UserDeleted { account, username: username.to_owned() });
    Ok(Reply::Done)
}

fn open_session(
    access: &mut Access,
    turn: Step<'_, '_>,
    session: Session,
    password_hash: &Secret,
) -> Result<Reply, Rejection> {
    let unknown = || Rejection::UnknownUser(session.username.clone());
    let user = access.user(session.account, &session.username).ok_or_else(unknown)?;
    if user.password_hash != *password_hash {
        return Err(Rejection::PasswordChanged);
    }
    close_ended_sessions(access, turn, session.created_at);
    let open = access.sessions_of(session.account, &session.username);
    let surplus = (open.len() + 1).saturating_sub(SESSIONS_PER_USER_MAX);
    let oldest: Vec<String> = open[..surplus].iter().map(|s| s.token_hash.clone()).collect();
    for token_hash in oldest {
        access.record(turn, Change::SessionClosed { token_hash });
    }
    access.record(turn, Change::SessionOpened(session.clone()));
    Ok(Reply::Session(session))
}

fn close_sessions(access: &mut Access, turn: Step<'_, '_>, account: Sid, username: &str) {
    let open = access.sessions_of(account, username);
    let hashes: Vec<String> = open.iter().map(|s| s.token_hash.clone()).collect();
    for token_hash in hashes {
        access.record(turn, Change::SessionClosed { token_hash });
    }
}

fn close_ended_sessions(access: &mut Access, turn: Step<'_, '_>, now: Timestamp) {
    let ended = access.sessions.values().filter(|s| s.expires_at <= now);
    let hashes: Vec<String> = ended.map(|s| s.token_hash.clone()).collect();
    for token_hash in hashes {
        access.record(turn, Change::SessionClosed { token_hash });
    }
}

/// Tokens say in whole seconds when they were signed; one of this second may be older than `now`.
fn second_after(now: Timestamp) -> i64 {
    now.epoch_secs() + 1
}

fn is_last_admin(access: &Access, user: &User) -> bool {
    user.role == Role::Admin
        && access.users(user.account).filter(|u| u.role == Role::Admin).count() == 1
}

fn check_name(name: &str) -> Result<(), Rejection> {
    if name.is_empty() {
        return Err(Rejection::BadName("a name is needed"));
    }
    if name.chars().count() > USERNAME_CHARS_MAX {
        return Err(Rejection::BadName("at most 64 characters"));
    }
    let fits = |c: char| c.is_alphanumeric() || "._-@+".contains(c);
    if !name.chars().all(fits) {
        return Err(Rejection::BadName("letters, digits and . _ - @ + only"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::IdSource;

    const ACCOUNT: Sid = Sid::new(*b"AC", 1);
    const REAL_MS: i64 = 1_800_000_000_400;

    struct Case {
        access: Access,
        ids: IdSource,
        journal: Vec<Change>,
    }

    impl Case {
        fn new() -> Self {
            let access = Access::default();
            let mut case = Self { access, ids: IdSource::new(1), journal: Vec::new() };
            let auth_token = Secret::new("token");
            let friendly_name = "Main".to_owned();
            case.ask(Command::CreateAccount { sid: ACCOUNT, auth_token, friendly_name }).unwrap();
            case
        }

        fn ask(&mut self, command: Command) -> Result<Reply, Rejection> {
            let mut turn = Turn::new(Timestamp(1_000), &mut self.ids);
            let reply = self.access.handle(&mut turn, &command);
            assert!(reply.is_ok() || turn.changes.is_empty(), "a rejection changes nothing");
            self.journal.extend(turn.changes);
            self.access.check();
            reply
        }

        fn add(&mut self, username: &str, role: Role) -> Result<Reply, Rejection> {
            let password_hash = Secret::new("hash");
            let username = username.to_owned();
            self.ask(Command::CreateUser {
                account: ACCOUNT,
                username,
                password_hash,
                role,
                seat: None,
                now: Timestamp(REAL_MS),
            })
        }

        fn sign_in(&mut self, username: &str, cookie: &str, now: i64) -> Result<Reply, Rejection> {
            self.ask(Command::OpenSession {
                account: ACCOUNT,
                username: username.to_owned(),
                password_hash: Secret::new("hash"),
                token_hash: crate::hash_of_cookie(cookie),
                now: Timestamp(now),
                expires_at: Timestamp(now + 100),
            })
        }

        fn who(&self, cookie: &str, now: i64) -> Option<String> {
            let principal = self.access.principal_of_session(cookie, Timestamp(now))?;
            principal.username().map(str::to_owned)
        }
    }

    #[test]
    fn a_session_names_its_person_until_it_ends() {
        let mut case = Case::new();
        case.add("ann", Role::Agent).unwrap();
        case.sign_in("ann", "c1", 50).unwrap();
        assert_eq!(case.who("c1", 149).as_deref(), Some("ann"));
        assert_eq!(case.who("c1", 150), None);
        assert_eq!(case.who("other", 60), None);
    }

    #[test]
    fn a_new_password_ends_the_sessions() {
        let mut case = Case::new();
        case.add("ann", Role::Agent).unwrap();
        case.sign_in("ann", "c1", 50).unwrap();
        let update = Command::UpdateUser {
            account: ACCOUNT,
            username: "ann".into(),
            password_hash: Some(Secret::new("other")),
            role: None,
            seat: Patch::Keep,
            now: Timestamp(REAL_MS),
        };
        case.ask(update).unwrap();
        assert_eq!(case.who("c1", 60), None);
        assert_eq!(case.sign_in("ann", "c2", 60), Err(Rejection::PasswordChanged));
    }

    #[test]
    fn a_change_ends_the_tokens_signed_before_it_and_none_signed_after() {
        use crate::token::{Grants, TokenError, mint, verify};
        let mut case = Case::new();
        let key = ApiKey {
            sid: Sid::new(*b"SK", 1),
            account: ACCOUNT,
            secret: Secret::new("s"),
            purpose: KeyUse::Signing,
            friendly_name: String::new(),
            created_at: Timestamp(0),
        };
        case.access.apply(&Change::ApiKeyCreated(key.clone()));
        case.add("ann", Role::Agent).unwrap();
        let now_s = REAL_MS / 1_000;
        let sign = |case: &Case| {
            let user = case.access.user(ACCOUNT, "ann").unwrap();
            let grants = Grants { identity: Some("ann".into()), ..Default::default() };
            mint(&key, grants, now_s.max(user.tokens_from_s), 60).0
        };
        let seat = |worker| {
            Patch::Set(Seat { workspace: Sid::new(*b"WS", 1), worker: Sid::new(*b"WK", worker) })
        };
        let (plain, _) =
            mint(&key, Grants { identity: Some("ann".into()), ..Default::default() }, now_s, 60);
        assert_eq!(verify(&case.access, &plain, now_s), Err(TokenError::NotOurs), "older");
        // All within one second.
        let changes = [
            (Some(Secret::new("other")), None, Patch::Keep),
            (None, Some(Role::Supervisor), Patch::Keep),
            (None, None, seat(1)),
            (None, None, seat(2)),
            (None, None, Patch::Clear),
        ];
        for (password_hash, role, seat) in changes {
            let earlier = sign(&case);
            assert!(verify(&case.access, &earlier, now_s).is_ok());
            let (account, username, now) = (ACCOUNT, "ann".into(), Timestamp(REAL_MS));
            let update = Command::UpdateUser { account, username, password_hash, role, seat, now };
            case.ask(update.clone()).unwrap();
            assert_eq!(verify(&case.access, &earlier, now_s), Err(TokenError::NotOurs));
            let later = sign(&case);
            case.ask(update).unwrap();
            assert!(verify(&case.access, &later, now_s).is_ok(), "nothing changed");
        }
    }

    #[test]
    fn the_oldest_session_gives_way() {
        let mut case = Case::new();
        case.add("ann", Role::Agent).unwrap();
        for n in 0..=SESSIONS_PER_USER_MAX {
            case.sign_in("ann", &format!("c{n}"), 50 + n as i64).unwrap();
        }
        assert_eq!(case.who("c0", 60), None);
        assert_eq!(case.who("c1", 60).as_deref(), Some("ann"));
    }

    #[test]
    fn the_last_admin_stays() {
        let mut case = Case::new();
        case.add("root", Role::Admin).unwrap();
        let delete = Command::DeleteUser { account: ACCOUNT, username: "root".into() };
        assert_eq!(case.ask(delete.clone()), Err(Rejection::LastAdmin("root".into())));
        case.add("other", Role::Admin).unwrap();
        assert_eq!(case.ask(delete), Ok(Reply::Done));
    }

    #[test]
    fn names_are_unique_and_fit_a_path() {
        let mut case = Case::new();
        case.add("ann", Role::Agent).unwrap();
        assert_eq!(case.add("ann", Role::Admin), Err(Rejection::NameTaken("ann".into())));
        for name in ["", "a/b", "a b", &"x".repeat(65)] {
            assert!(matches!(case.add(name, Role::Agent), Err(Rejection::BadName(_))), "{name}");
        }
    }

    #[test]
    fn rows_and_journal_rebuild_the_state() {
        let mut case = Case::new();
        case.add("ann", Role::Agent).unwrap();
        case.add("bob", Role::Admin).unwrap();
        case.sign_in("ann", "c1", 50).unwrap();
        case.sign_in("bob", "c2", 50).unwrap();
        case.ask(Command::DeleteUser { account: ACCOUNT, username: "ann".into() }).unwrap();

        let mut replayed = Access::default();
        case.journal.iter().for_each(|change| replayed.apply(change));
        assert_eq!(replayed.digest(), case.access.digest());

        let (mut rows, mut gone) = (Vec::new(), 0);
        case.access.rows(|row| match row {
            crate::RowRef::Account(a) => rows.push(crate::Row::Account(a.clone())),
            crate::RowRef::ApiKey(k) => rows.push(crate::Row::ApiKey(k.clone())),
            crate::RowRef::User(u) => rows.push(crate::Row::User(u.clone())),
            crate::RowRef::Session(s) => rows.push(crate::Row::Session(s.clone())),
            crate::RowRef::Gone(_) => gone += 1,
        });
        assert_eq!((rows.len(), gone), (3, 2));
        assert_eq!(Access::restore(rows).digest(), case.access.digest());
    }

    #[test]
    fn basic_auth_takes_the_token_and_caller_keys_only() {
        let mut case = Case::new();
        let mut add_key = |n, purpose| {
            let sid = Sid::new(*b"SK", n);
            let secret = Secret::new("s3cret");
            let friendly_name = String::new();
            let account = ACCOUNT;
            case.ask(Command::CreateApiKey { sid, account, secret, purpose, friendly_name })
                .unwrap();
            sid.to_string()
        };
        let (caller, signing) = (add_key(1, KeyUse::Caller), add_key(2, KeyUse::Signing));
        let access = &case.access;
        assert!(access.basic(&ACCOUNT.to_string(), "token").is_some());
        assert!(access.basic(&ACCOUNT.to_string(), "Token").is_none());
        assert!(access.basic(&caller, "s3cret").is_some());
        assert!(access.basic(&caller, "").is_none());
        assert!(access.basic(&signing, "s3cret").is_none());
        assert!(!format!("{access:?}").contains("s3cret"));
    }
}
