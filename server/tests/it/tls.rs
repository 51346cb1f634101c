//! HTTPS on the same port. The certificate is made for these tests and is good for nothing else.

use crate::caller::{ADMIN_PASSWORD, Server};
use serde_json::json;
use sinew::config::TlsFiles;
use std::{path::Path, sync::Arc};
use tokio::net::TcpStream;
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{
        ClientConfig, RootCertStore,
        crypto::ring::default_provider,
        pki_types::{CertificateDer, pem::PemObject as _},
    },
};

async fn connect(server: &Server, cert: &Path) -> TlsStream<TcpStream> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(cert).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(server.running.addr).await.unwrap();
    let name = "localhost".try_into().unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap()
}

#[tokio::test]
async fn https_is_spoken_and_cookies_are_secure() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/tls");
    let (cert, key) = (folder.join("cert.pem"), folder.join("key.pem"));
    let server = Server::with(|config| {
        config.tls = Some(TlsFiles { cert: cert.clone(), key });
    })
    .await;
    assert!(server.running.url.starts_with("https://127.0.0.1:"));
    let host = format!("localhost:{}", server.running.addr.port());
    let caller = server.owner().with("host", &host);

    let stream = connect(&server, &cert).await;
    let path = "/taskrouter/v1/Workspaces";
    let got = caller.send_over(stream, "GET", path, None, String::new()).await;
    assert_eq!(got.status, 200);
    let link = got.json()["meta"]["url"].as_str().unwrap().to_owned();
    assert!(link.starts_with(&format!("https://{host}/taskrouter/v1/Workspaces?")), "{link}");

    let stream = connect(&server, &cert).await;
    let sign_in = json!({"username": "admin", "password": ADMIN_PASSWORD}).to_string();
    let (path, media) = ("/sinew/v1/Session", Some("application/json"));
    let nobody = server.nobody().with("host", &host);
    let got = nobody.send_over(stream, "POST", path, media, sign_in).await;
    assert!(got.header("set-cookie").ends_with("; Secure"), "{}", got.header("set-cookie"));
}
