//! A server with a small contact centre, and the clients that tests speak to it with.

use access::{
    Access, KeyUse, Secret,
    token::{Grants, TaskRouterGrant, mint},
};
use base::Sid;
use futures_util::StreamExt as _;
use host::Host;
use live::{Demo, Options};
use routing::{
    ActivitySid, Command, Reply, TaskQueueSid, WorkerSid, WorkflowSid, WorkspaceSid,
    command::{NewTask, NewTaskQueue, NewWorker, NewWorkflow, NewWorkspace},
};
use serde_json::{Value, json};
use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use store::MemoryStore;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpSocket, TcpStream},
    time::timeout,
};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, tungstenite::Message};

pub(crate) const ACCOUNT: Sid = Sid::new(*b"AC", 1);
pub(crate) const KEY: Sid = Sid::new(*b"SK", 1);
/// Whatever takes longer is broken.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server with one workspace: one queue for everybody, one workflow that leads there.
pub(crate) struct Centre {
    pub(crate) host: Host,
    pub(crate) address: String,
    pub(crate) workspace: WorkspaceSid,
    pub(crate) queue: TaskQueueSid,
    pub(crate) workflow: WorkflowSid,
}

/// What a token says.
pub(crate) struct Says {
    pub(crate) worker: Option<WorkerSid>,
    pub(crate) role: &'static str,
    pub(crate) life_s: i64,
}

impl Centre {
    pub(crate) async fn open() -> Self {
        Self::with(Options { demo: Some(Demo::default()), ..Options::default() }).await
    }

    pub(crate) async fn with(options: Options) -> Self {
        let store = Arc::new(MemoryStore::new());
        let host_options = host::Options { seed: Some(1), ..host::Options::default() };
        let host = Host::start(store, &host_options).expect("an empty store");
        credentials(&host).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address").to_string();
        let router = live::router(host.clone(), options);
        tokio::spawn(async move { axum::serve(listener, router).await });
        let new = NewWorkspace { friendly_name: "Demo".into(), ..NewWorkspace::default() };
        let workspace = host.create_workspace(ACCOUNT, new).await.expect("a workspace").sid;
        let new = NewTaskQueue { friendly_name: "All".into(), ..NewTaskQueue::default() };
        let made = host.routing(workspace, Command::CreateTaskQueue(new)).await;
        let Ok(Reply::TaskQueue(queue)) = made else { panic!("{made:?}") };
        let configuration = json!({"task_routing": {"default_filter": {"queue": queue.sid}}});
        let new = NewWorkflow {
            friendly_name: "Main".into(),
            configuration: configuration.to_string(),
            ..NewWorkflow::default()
        };
        let made = host.routing(workspace, Command::CreateWorkflow(new)).await;
        let Ok(Reply::Workflow(workflow)) = made else { panic!("{made:?}") };
        Self { host, address, workspace, queue: queue.sid, workflow: workflow.sid }
    }

    /// The activity of that name.
    pub(crate) fn activity(&self, name: &str) -> ActivitySid {
        let names = self.host.names(self.workspace).expect("the workspace");
        let found = names.activities.values().find(|activity| activity.friendly_name == name);
        found.expect("an activity of that name").sid
    }

    pub(crate) async fn worker(&self, name: &str, activity: &str) -> WorkerSid {
        let new = NewWorker {
            friendly_name: name.to_owned(),
            activity: Some(self.activity(activity)),
            ..NewWorker::default()
        };
        let made = self.host.routing(self.workspace, Command::CreateWorker(new)).await;
        let Ok(Reply::Worker(worker)) = made else { panic!("{made:?}") };
        worker.sid
    }

    pub(crate) async fn task(&self, new: NewTask) -> routing::Task {
        let made = self.host.routing(self.workspace, Command::CreateTask(new)).await;
        let Ok(Reply::Task(task)) = made else { panic!("{made:?}") };
        task
    }

    /// A token of a worker, good for an hour.
    pub(crate) fn token(&self, worker: WorkerSid) -> String {
        self.token_that(Says { worker: Some(worker), role: "worker", life_s: 3_600 })
    }

    pub(crate) fn supervisor(&self) -> String {
        self.token_that(Says { worker: None, role: "supervisor", life_s: 3_600 })
    }

    pub(crate) fn token_that(&self, says: Says) -> String {
        let access: Arc<Access> = self.host.directory();
        let key = access.key(KEY).expect("the key");
        let grant = TaskRouterGrant {
            workspace_sid: Some(self.workspace.sid()),
            worker_sid: says.worker.map(WorkerSid::sid),
            role: Some(says.role.to_owned()),
        };
        let grants =
            Grants { identity: Some("ann".into()), task_router: Some(grant), ..Grants::default() };
        mint(key, grants, now_s(), says.life_s).0
    }

    /// A socket that was greeted.
    pub(crate) async fn socket(&self, token: &str, more: &str) -> Socket {
        let mut socket = self.connect(token, more).await.expect("an upgrade");
        let init = socket.frame().await;
        assert_eq!(init["event_type"], "init");
        socket
    }

    /// A socket, or the status of the refusal.
    pub(crate) async fn connect(&self, token: &str, more: &str) -> Result<Socket, u16> {
        let path =
            format!("/v1/wschannels?token={token}&closeExistingSessions=false&clientVersion=2.1.1");
        Socket::open(&format!("ws://{}{path}{more}", self.address)).await
    }

    /// A greeted socket of a peer that can take next to nothing without reading.
    pub(crate) async fn narrow_socket(&self, token: &str) -> Socket {
        let narrow = TcpSocket::new_v4().expect("a socket");
        narrow.set_recv_buffer_size(4_096).expect("a small buffer");
        let address = self.address.parse().expect("an address");
        let stream = narrow.connect(address).await.expect("a connection");
        let url = format!("ws://{}/v1/wschannels?token={token}", self.address);
        let stream = MaybeTlsStream::Plain(stream);
        let (socket, _) = tokio_tungstenite::client_async(url, stream).await.expect("an upgrade");
        let mut socket = Socket(socket);
        socket.event("init").await;
        socket
    }

    /// One request of the library.
    pub(crate) async fn ask(&self, token: &str, method: &str, path: &str, params: Value) -> Answer {
        self.ask_with(token, method, path, params, "").await
    }

    pub(crate) async fn ask_with(
        &self,
        token: &str,
        method: &str,
        path: &str,
        params: Value,
        headers: &str,
    ) -> Answer {
        let url = format!("Workspaces/{}{path}", self.workspace);
        let body = json!({"url": url, "method": method, "params": params, "token": token});
        let headers = format!("content-type: application/x-www-form-urlencoded\r\n{headers}");
        self.http("POST", "/v1/wschannels", &headers, &body.to_string()).await
    }

    /// A plain request; the connection is closed after it.
    pub(crate) async fn http(&self, method: &str, path: &str, headers: &str, body: &str) -> Answer {
        let mut stream = TcpStream::connect(&self.address).await.expect("a connection");
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}\
             content-length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).await.expect("a request");
        let mut text = String::new();
        timeout(PATIENCE, stream.read_to_string(&mut text))
            .await
            .expect("an answer")
            .expect("text");
        let (head, body) = text.split_once("\r\n\r\n").expect("a head");
        let status = head.split(' ').nth(1).and_then(|s| s.parse().ok()).expect("a status");
        let body = serde_json::from_str(body).unwrap_or(Value::Null);
        Answer { status, head: head.to_ascii_lowercase(), body }
    }
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Value,
}

impl Answer {
    /// The payload of a request that must succeed.
    pub(crate) fn payload(mut self) -> Value {
        assert_eq!(self.status, 200, "{}", self.body);
        self.body["payload"].take()
    }

    /// The status of a refusal that says why.
    pub(crate) fn refused(&self) -> u16 {
        assert!(self.body["message"].is_string(), "{} {}", self.status, self.body);
        self.status
    }
}

/// A WebSocket client.
pub(crate) struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    pub(crate) async fn open(url: &str) -> Result<Self, u16> {
        use tokio_tungstenite::tungstenite::Error;
        match timeout(PATIENCE, tokio_tungstenite::connect_async(url)).await.expect("in time") {
            Ok((socket, _)) => Ok(Self(socket)),
            Err(Error::Http(response)) => Err(response.status().as_u16()),
            Err(error) => panic!("{error}"),
        }
    }

    /// The next frame that says something.
    pub(crate) async fn frame(&mut self) -> Value {
        loop {
            match self.message().await {
                Message::Text(text) if text.trim().is_empty() => {}
                Message::Text(text) => break serde_json::from_str(&text).expect("JSON"),
                Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("{other:?} instead of a frame"),
            }
        }
    }

    /// The next event's payload; it must be of this type.
    pub(crate) async fn event(&mut self, kind: &str) -> Value {
        let mut frame = self.frame().await;
        assert_eq!(frame["event_type"], kind, "{frame}");
        frame["payload"].take()
    }

    /// Reads on to the close frame: its code and reason.
    pub(crate) async fn closed(&mut self) -> (u16, String) {
        loop {
            match self.message().await {
                Message::Close(Some(frame)) => {
                    return (frame.code.into(), frame.reason.to_string());
                }
                Message::Text(_) | Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("{other:?} instead of a close frame"),
            }
        }
    }

    /// The next frame, or why there is none any more.
    pub(crate) async fn next_or_end(&mut self) -> Result<Value, String> {
        loop {
            match self.0.next().await {
                Some(Ok(Message::Text(text))) if text.trim().is_empty() => {}
                Some(Ok(Message::Text(text))) => {
                    return Ok(serde_json::from_str(&text).expect("JSON"));
                }
                Some(Ok(Message::Close(Some(frame)))) => return Err(frame.reason.to_string()),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err("the line is broken".to_owned()),
            }
        }
    }

    async fn message(&mut self) -> Message {
        let next = timeout(PATIENCE, self.0.next()).await.expect("a message in time");
        next.expect("an open socket").expect("a whole message")
    }

    /// Says goodbye.
    pub(crate) async fn leave(mut self) {
        self.0.close(None).await.expect("a goodbye");
    }
}

pub(crate) async fn credentials(host: &Host) {
    let auth_token = Secret::new("token");
    let friendly_name = String::new();
    let account = access::Command::CreateAccount { sid: ACCOUNT, auth_token, friendly_name };
    host.access(account).await.expect("an account");
    let key = access::Command::CreateApiKey {
        sid: KEY,
        account: ACCOUNT,
        secret: Secret::new("the key's secret"),
        purpose: KeyUse::Caller,
        friendly_name: String::new(),
    };
    host.access(key).await.expect("a key");
}

pub(crate) fn now_s() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    i64::try_from(since.as_secs()).expect("not yet")
}
