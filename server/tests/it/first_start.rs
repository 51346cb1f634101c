//! The first start, the second, and those that fail.

use crate::caller::{ACCOUNT, Folder, Server, TOKEN, given};
use host::Host;
use sinew::{Config, Given};
use std::{os::unix::fs::PermissionsExt as _, sync::Arc};
use store_sqlite::SqliteStore;

#[tokio::test]
async fn what_is_not_given_is_drawn_and_kept_in_a_file() {
    let folder = Folder::new();
    let data = folder.path().join("data");
    let none = Given::from(|_| None);
    let running = sinew::serve(Config::in_folder(&data), &none).await.unwrap();
    let file = running.credentials.clone().unwrap();
    assert_eq!(file, data.join("credentials"));
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let text = std::fs::read_to_string(&file).unwrap();
    let value = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(&format!("{name}=")));
        line.unwrap_or_else(|| panic!("{name} is in the file")).to_owned()
    };
    let directory = running.host.directory();
    let token = value("SINEW_AUTH_TOKEN");
    assert!(directory.basic(&value("SINEW_ACCOUNT_SID"), &token).is_some());
    let secret = value("SINEW_API_KEY_SECRET");
    assert!(directory.basic(&value("SINEW_API_KEY_SID"), &secret).is_some());
    let account = value("SINEW_ACCOUNT_SID").parse().unwrap();
    let admin = directory.user(account, "admin").unwrap();
    assert!(api::password::verify(&admin.password_hash, &value("SINEW_ADMIN_PASSWORD")));
    assert!(directory.signing_key(account).is_some());
    running.stop().await;

    let again = sinew::serve(Config::in_folder(&data), &Given::from(given)).await.unwrap();
    assert_eq!(again.credentials, None, "a store that has an account keeps it");
    assert!(again.host.directory().basic(ACCOUNT, TOKEN).is_none());
    again.stop().await;
}

#[tokio::test]
async fn what_is_given_is_taken_and_nothing_is_written() {
    let server = Server::start().await;
    assert_eq!(server.running.credentials, None);
    assert!(!server.folder.path().join("data/credentials").exists());
    assert_eq!(server.owner().get("/taskrouter/v1/Workspaces").await.status, 200);
}

#[tokio::test]
async fn a_bad_start_says_why_in_one_line() {
    let server = Server::start().await;
    let other = Folder::new();
    let taken = Config { listen: server.running.addr, ..Config::in_folder(other.path()) };
    let same = Config::in_folder(&server.folder.path().join("data"));
    let file = other.path().join("file");
    std::fs::write(&file, "").unwrap();
    let no_folder = Config::in_folder(&file);
    let no_cert = Config {
        tls: Some(sinew::config::TlsFiles { cert: file.clone(), key: file.clone() }),
        ..Config::in_folder(other.path())
    };
    let none = || Given::from(given);
    let bad_sid = Given::from(|name| (name == "SINEW_ACCOUNT_SID").then(|| "geheim".to_owned()));
    for (config, given, part) in [
        (taken, none(), "in use"),
        (same, none(), "in use by another server"),
        (no_folder, none(), "cannot be used"),
        (no_cert, none(), "holds no certificate"),
        (Config::in_folder(&other.path().join("x")), bad_sid, "SINEW_ACCOUNT_SID"),
    ] {
        let Err(error) = sinew::serve(config, &given).await else { panic!("{part}: it started") };
        let text = error.to_string();
        assert!(text.contains(part), "{text}");
        assert!(!text.contains('\n') && !text.contains("geheim"), "{text}");
    }
}

#[tokio::test]
async fn a_first_start_that_was_cut_short_goes_on_with_the_same_values() {
    let folder = Folder::new();
    let data = folder.path().join("data");
    let none = Given::from(|_| None);
    {
        let store = SqliteStore::open(&data, store_sqlite::Options::default(), host::tables::ALL);
        let store = Arc::new(store.unwrap());
        let held = Arc::downgrade(&store);
        let host = Host::start(store, &host::Options::default()).unwrap();
        let sid = ACCOUNT.parse().unwrap();
        let auth_token = access::Secret::new(TOKEN);
        let friendly_name = String::new();
        host.access(access::Command::CreateAccount { sid, auth_token, friendly_name })
            .await
            .unwrap();
        host.stop().await;
        drop(host);
        while held.strong_count() > 0 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    }
    let kept = format!("SINEW_ACCOUNT_SID={ACCOUNT}\nSINEW_ADMIN_PASSWORD=drawn before\n");
    std::fs::write(data.join("credentials"), kept).unwrap();
    let running = sinew::serve(Config::in_folder(&data), &none).await.unwrap();
    let directory = running.host.directory();
    assert_eq!(directory.accounts().count(), 1);
    let admin = directory.user(ACCOUNT.parse().unwrap(), "admin").unwrap();
    assert!(api::password::verify(&admin.password_hash, "drawn before"));
    let text = std::fs::read_to_string(data.join("credentials")).unwrap();
    let secret = text.lines().find_map(|l| l.strip_prefix("SINEW_API_KEY_SECRET=")).unwrap();
    let key = text.lines().find_map(|l| l.strip_prefix("SINEW_API_KEY_SID=")).unwrap();
    assert!(directory.basic(key, secret).is_some());
    running.stop().await;
}
