//! What callbacks go over: HTTPS whose certificate is checked, and connections used again.

use super::{ACCEPT, Floor, reaches_home};
use crate::{
    caller::Folder,
    peer::{Peer, Say},
};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use serde_json::json;
use std::{path::PathBuf, sync::Arc};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, crypto::ring::default_provider},
};

/// An authority that was made a moment ago and that nobody else trusts.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: Folder,
}

impl Authority {
    fn called(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        Self { issuer, folder: Folder::new() }
    }

    /// Its own certificate as a file.
    fn file(&self) -> PathBuf {
        let path = self.folder.path().join("authority.pem");
        std::fs::write(&path, self.issuer.pem()).unwrap();
        path
    }

    /// Speaks TLS with a certificate of this authority for one name or address.
    fn vouches_for(&self, name: &str) -> TlsAcceptor {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key.into())
            .unwrap();
        TlsAcceptor::from(Arc::new(config))
    }

    fn is_trusted(&self) -> impl FnOnce(&mut sinew::Config) {
        let file = self.file();
        move |config| {
            reaches_home(config);
            config.callback_ca = Some(file);
        }
    }
}

#[tokio::test]
async fn callbacks_and_webhooks_go_over_https_to_whom_an_added_authority_vouches_for() {
    let authority = Authority::called("Ours");
    let peer = Peer::secure(authority.vouches_for("127.0.0.1")).await;
    let floor = Floor::open(authority.is_trusted(), &["ann"]).await;
    peer.says("/assign", [ACCEPT]);
    floor.listen(&peer.url("/events"), "task.created").await;
    let workflow = floor.workflow(&[peer.url("/assign")]).await;
    let task = floor.task(&workflow).await;
    floor.becomes(&task, "assigned").await;
    assert!(peer.url("").starts_with("https://"));
    assert_eq!(peer.hears("/assign", 1).await[0].get("TaskSid"), task);
    assert_eq!(peer.hears("/events", 1).await[0].get("TaskSid"), task);
    let logged = floor.logged("Status=delivered", 2).await;
    assert!(logged.iter().all(|one| one["url"].as_str().unwrap().starts_with("https://")));
}

#[tokio::test]
async fn a_bad_certificate_is_refused_and_the_log_of_deliveries_says_so() {
    let (known, unknown) = (Authority::called("Ours"), Authority::called("Not ours"));
    let stranger = Peer::secure(unknown.vouches_for("127.0.0.1")).await;
    let elsewhere = Peer::secure(known.vouches_for("elsewhere.test")).await;
    let good = Peer::secure(known.vouches_for("127.0.0.1")).await;
    good.says("/assign", [ACCEPT]);
    let floor = Floor::open(known.is_trusted(), &["ann", "ben"]).await;
    for (bad, why) in [(&stranger, "UnknownIssuer"), (&elsewhere, "not valid for name")] {
        let workflow = floor.workflow(&[bad.url("/assign"), good.url("/assign")]).await;
        let task = floor.task(&workflow).await;
        floor.becomes(&task, "assigned").await;
        let logged = floor.logged(&format!("Status=failed&TaskSid={task}"), 1).await;
        let attempt = &logged[0]["attempts"][0];
        let error = attempt["error"].as_str().unwrap();
        assert!(error.starts_with("TLS: ") && error.contains(why), "{error}");
        assert_eq!(attempt["response_status"], json!(null));
        assert!(bad.connections() > 0 && bad.heard("/assign").is_empty(), "nothing was told");
    }
}

#[tokio::test]
async fn deliveries_to_one_origin_use_its_connections_again() {
    let peer = Peer::start().await;
    let floor = Floor::open(reaches_home, &[]).await;
    floor.listen(&peer.url("/events"), "task.created").await;
    let workflow = floor.workflow(&[]).await;
    for count in 1..=20 {
        floor.task(&workflow).await;
        peer.hears("/events", count).await;
        floor.logged("Status=delivered", count).await;
    }
    assert_eq!(peer.connections(), 1, "one after the other, over one connection");
    let tasks: Vec<_> = (0..60).map(|_| floor.task(&workflow)).collect();
    for task in tasks {
        task.await;
    }
    peer.hears("/events", 80).await;
    let connections = peer.connections();
    assert!(connections <= 8, "no more than are under way at once: {connections}");
}

#[tokio::test]
async fn a_connection_that_was_ended_meanwhile_costs_no_delivery() {
    let peer = Peer::start().await;
    let floor = Floor::open(reaches_home, &["ann", "ben"]).await;
    // The second request over the connection gets no answer; the third has a connection of its own.
    peer.says("/assign", [ACCEPT, Say::Close, ACCEPT]);
    let workflow = floor.workflow(&[peer.url("/assign")]).await;
    for _ in 0..2 {
        let task = floor.task(&workflow).await;
        floor.becomes(&task, "assigned").await;
    }
    let logged = floor.logged("Status=delivered", 2).await;
    assert!(logged.iter().all(|one| one["attempt_count"] == 1), "{logged:?}");
    let heard = peer.heard("/assign");
    assert_eq!((heard.len(), peer.connections()), (3, 2));
    let token = |at: usize| &heard[at].headers["i-twilio-idempotency-token"];
    assert_eq!(token(1), token(2), "both say that they are the same");
}

#[tokio::test]
async fn an_answer_that_was_not_read_to_its_end_costs_its_connection() {
    let peer = Peer::start().await;
    let floor = Floor::open(reaches_home, &[]).await;
    peer.says("/events", [Say::Endless, Say::Endless, Say::Other(204, "", String::new())]);
    floor.listen(&peer.url("/events"), "task.created").await;
    let workflow = floor.workflow(&[]).await;
    for count in 1..=4 {
        floor.task(&workflow).await;
        floor.logged("Status=delivered", count).await;
    }
    assert_eq!(peer.connections(), 3, "two that were given up, and one that serves two");
}
