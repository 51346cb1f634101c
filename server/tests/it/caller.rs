//! A server on a free port with its folder, and a plain HTTP caller.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, Method, Request};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use sinew::{Config, Given, Running};
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};
use tokio::io::{AsyncRead, AsyncWrite};

pub(crate) const ACCOUNT: &str = "AC0123456789abcdef0123456789abcdef";
pub(crate) const TOKEN: &str = "planted-auth-token";
pub(crate) const KEY: &str = "SK0123456789abcdef0123456789abcdef";
pub(crate) const KEY_SECRET: &str = "planted-key-secret";
pub(crate) const ADMIN_PASSWORD: &str = "planted-admin-password";

/// A folder that goes with the value.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let (process, n) = (std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let folder = std::env::temp_dir().join(format!("sinew-it-{process}-{n}"));
        _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The header that names somebody with a password.
pub(crate) fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

/// What the environment says in most tests.
pub(crate) fn given(name: &str) -> Option<String> {
    let value = match name {
        "SINEW_ACCOUNT_SID" => ACCOUNT,
        "SINEW_AUTH_TOKEN" => TOKEN,
        "SINEW_API_KEY_SID" => KEY,
        "SINEW_API_KEY_SECRET" => KEY_SECRET,
        "SINEW_ADMIN_PASSWORD" => ADMIN_PASSWORD,
        _ => return None,
    };
    Some(value.to_owned())
}

/// A running server.
pub(crate) struct Server {
    pub(crate) running: Running,
    pub(crate) folder: Folder,
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::with(|_| {}).await
    }

    /// Options beyond the address and the folder.
    pub(crate) async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let folder = Folder::new();
        let mut config = Config::in_folder(&folder.path().join("data"));
        change(&mut config);
        let running = sinew::serve(config, &Given::from(given)).await.expect("it starts");
        Self { running, folder }
    }

    /// Another one in the folder of one that ended.
    pub(crate) async fn again(folder: Folder, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config::in_folder(&folder.path().join("data"));
        change(&mut config);
        let running = sinew::serve(config, &Given::from(given)).await.expect("it starts");
        Self { running, folder }
    }

    /// The account's owner.
    pub(crate) fn owner(&self) -> Caller {
        self.nobody().basic(ACCOUNT, TOKEN)
    }

    /// Nobody known.
    pub(crate) fn nobody(&self) -> Caller {
        Caller::at(self.running.addr)
    }

    /// A person who signed in.
    pub(crate) async fn signed_in(&self, username: &str, password: &str) -> Caller {
        let body = serde_json::json!({"username": username, "password": password});
        let got = self.nobody().send_json("POST", "/sinew/v1/Session", &body).await;
        assert_eq!(got.status, 201, "{}", got.text());
        let cookie = got.headers["set-cookie"].to_str().unwrap();
        self.nobody().with("cookie", cookie.split(';').next().unwrap()).with("x-sinew-csrf", "1")
    }
}

/// Who calls, and with what.
#[derive(Clone)]
pub(crate) struct Caller {
    address: SocketAddr,
    headers: Vec<(String, String)>,
}

/// What came back.
pub(crate) struct Got {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Got {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl Caller {
    pub(crate) fn at(address: SocketAddr) -> Self {
        Self { address, headers: Vec::new() }
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn basic(self, user: &str, password: &str) -> Self {
        self.with("authorization", &basic(user, password))
    }

    pub(crate) async fn get(&self, path: &str) -> Got {
        self.send("GET", path, None, String::new()).await
    }

    /// A body that comes bit by bit.
    pub(crate) async fn open(&self, path: &str) -> hyper::body::Incoming {
        let stream = tokio::net::TcpStream::connect(self.address).await.unwrap();
        let response = self.ask(stream, "GET", path, None, String::new()).await;
        assert_eq!(response.status(), 200, "{path}");
        response.into_body()
    }

    /// The status alone, of answers that need not end.
    pub(crate) async fn status(
        &self,
        method: &str,
        path: &str,
        media: Option<&str>,
        body: String,
    ) -> u16 {
        let stream = tokio::net::TcpStream::connect(self.address).await.unwrap();
        self.ask(stream, method, path, media, body).await.status().as_u16()
    }

    /// Creates something; answers its SID.
    pub(crate) async fn made(&self, path: &str, form: &[(&str, &str)]) -> String {
        let got = self.post(path, form).await;
        assert_eq!(got.status, 201, "{path}: {}", got.text());
        got.json()["sid"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn delete(&self, path: &str) -> Got {
        self.send("DELETE", path, None, String::new()).await
    }

    pub(crate) async fn post(&self, path: &str, form: &[(&str, &str)]) -> Got {
        let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let pairs: Vec<String> =
            form.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
        let media = "application/x-www-form-urlencoded";
        self.send("POST", path, Some(media), pairs.join("&")).await
    }

    pub(crate) async fn post_json(&self, path: &str, body: &Value) -> Got {
        self.send_json("POST", path, body).await
    }

    pub(crate) async fn send_json(&self, method: &str, path: &str, body: &Value) -> Got {
        self.send(method, path, Some("application/json"), body.to_string()).await
    }

    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        media: Option<&str>,
        body: String,
    ) -> Got {
        let stream = tokio::net::TcpStream::connect(self.address).await.unwrap();
        self.send_over(stream, method, path, media, body).await
    }

    /// The same over a connection somebody else made.
    pub(crate) async fn send_over<S>(
        &self,
        stream: S,
        method: &str,
        path: &str,
        media: Option<&str>,
        body: String,
    ) -> Got
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (parts, body) = self.ask(stream, method, path, media, body).await.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Got { status: parts.status.as_u16(), headers: parts.headers, body }
    }

    async fn ask<S>(
        &self,
        stream: S,
        method: &str,
        path: &str,
        media: Option<&str>,
        body: String,
    ) -> http::Response<hyper::body::Incoming>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let method: Method = method.parse().unwrap();
        let mut request = Request::builder().method(method).uri(path);
        if !self.headers.iter().any(|(name, _)| name == "host") {
            request = request.header("host", self.address.to_string());
        }
        if let Some(media) = media {
            request = request.header("content-type", media);
        }
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let request = request.body(Full::new(Bytes::from(body))).unwrap();
        sender.send_request(request).await.unwrap()
    }
}

/// Makes a workspace and a worker in it; their SIDs.
pub(crate) async fn worker(owner: &Caller, name: &str) -> (String, String) {
    let made = owner.post("/taskrouter/v1/Workspaces", &[("FriendlyName", "Support")]).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let workspace = made.json()["sid"].as_str().unwrap().to_owned();
    let path = format!("/taskrouter/v1/Workspaces/{workspace}/Workers");
    let made = owner.post(&path, &[("FriendlyName", name)]).await;
    assert_eq!(made.status, 201, "{}", made.text());
    (workspace, made.json()["sid"].as_str().unwrap().to_owned())
}
