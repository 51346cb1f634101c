//! Accounts and people: durable, in the directory before the answer, by the real clock.

use super::*;
use ::access::{Command, Role, Secret};
use base::Millis;
use host::{Refusal, tables};

fn account() -> Command {
    Command::CreateAccount {
        sid: ACCOUNT,
        auth_token: Secret::new("token"),
        friendly_name: "main".to_owned(),
    }
}

fn user(username: &str) -> Command {
    Command::CreateUser {
        account: ACCOUNT,
        username: username.to_owned(),
        password_hash: Secret::new("hash"),
        role: Role::Admin,
        seat: None,
        now: base::Timestamp(1),
    }
}

#[tokio::test]
async fn the_directory_knows_what_was_answered() {
    for (store, _folder) in stores() {
        let first = start(&store);
        let before = first.directory();
        first.access(account()).await.unwrap();
        let (ana, ben) = tokio::join!(first.access(user("ana")), first.access(user("ben")));
        assert!(ana.is_ok() && ben.is_ok());
        assert!(before.account(ACCOUNT).is_none(), "a snapshot never changes");
        assert!(first.directory().user(ACCOUNT, "ana").is_some());
        let again = first.access(user("ana")).await;
        assert!(matches!(again, Err(Refusal::Rejected(_))));
        let key = format!("{ACCOUNT}/ben");
        let row: Option<::access::User> = first.fetch(tables::ACCESS_PARTITION, &key).unwrap();
        assert_eq!(row.map(|user| user.username).as_deref(), Some("ben"));
        let digest = first.directory().digest();
        let now = first.now();
        first.stop().await;

        let second = start(&store);
        assert_eq!(second.directory().digest(), digest);
        assert_eq!(second.now(), now, "people do not move a clock that is moved by hand");
        assert_eq!(second.advance(Millis(0)).await, now);
        second.stop().await;
    }
}
