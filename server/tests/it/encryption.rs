//! Encryption at rest, from outside: planted values are looked for in every file, in logs and in
//! metrics, while keys come and go and the server is killed.

use crate::{
    caller::{ACCOUNT, ADMIN_PASSWORD, Caller, Folder, KEY_SECRET, TOKEN},
    program::{Program, program},
    socket::{Socket, token},
};
use serde_json::{Value, json};
use std::{
    fs::File,
    net::SocketAddr,
    path::PathBuf,
    process::{Command, Output},
    time::{Duration, Instant},
};

const ATTRIBUTE: &str = "planted-attribute";
const PAYLOAD: &str = "planted-payload";
const REASON: &str = "planted-reason";
/// All that was planted, credentials at the end.
const PLANTED: [&str; 7] =
    [ATTRIBUTE, PAYLOAD, REASON, TOKEN, KEY_SECRET, ADMIN_PASSWORD, "argon2"];

/// A server's folder, its configuration and what it wrote.
struct Site {
    folder: Folder,
    written: String,
}

impl Site {
    fn new() -> Self {
        Self { folder: Folder::new(), written: String::new() }
    }

    fn config(&self) -> PathBuf {
        self.folder.path().join("sinew.toml")
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Keys, newest first, each in a file of its own outside the data folder.
    fn configure(&self, ids: &[&str]) {
        let keys = ids.iter().map(|id| {
            let file = self.folder.path().join(format!("{id}.key"));
            let byte = id.bytes().fold(1, |sum: u8, byte| sum.wrapping_mul(31) ^ byte);
            std::fs::write(&file, format!("{byte:02x}").repeat(32)).unwrap();
            format!("{{ id = '{id}', file = '{}' }}", file.display())
        });
        let keys: Vec<String> = keys.collect();
        let text = format!("[encryption]\nkeys = [{}]\n", keys.join(", "));
        std::fs::write(self.config(), text).unwrap();
    }

    fn arguments(&self) -> [String; 4] {
        let config = self.config().display().to_string();
        ["--config".to_owned(), config, "--log".to_owned(), "trace".to_owned()]
    }

    /// With its log in a file, because a pipe takes only so much.
    fn start(&self) -> Program {
        let mut command = program(&self.folder, &self.arguments().each_ref().map(String::as_str));
        let log = File::options().create(true).append(true).open(self.log()).unwrap();
        Program::of(command.stderr(log))
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("server.log")
    }

    /// A start that is refused: the one line it says.
    fn refused(&self) -> String {
        let arguments = self.arguments();
        let ended = program(&self.folder, &arguments.each_ref().map(String::as_str)).output();
        let Output { status, stdout, stderr } = ended.unwrap();
        let said = String::from_utf8(stderr).unwrap();
        assert!(!status.success() && stdout.is_empty(), "{said}");
        let lines: Vec<&str> = said.lines().filter(|line| line.starts_with("sinew: ")).collect();
        assert_eq!(lines.len(), 1, "{said}");
        lines[0].to_owned()
    }

    fn stop(&mut self, program: Program) {
        let (out, log) = program.stop();
        self.written += &format!("{out}{log}");
        self.read_log();
    }

    /// SIGKILL.
    fn kill(&mut self, program: Program) {
        self.written += &program.kill();
        self.read_log();
    }

    fn read_log(&mut self) {
        self.written += &std::fs::read_to_string(self.log()).unwrap();
        std::fs::remove_file(self.log()).unwrap();
    }

    fn doctor(&self, more: &[&str]) -> (bool, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sinew"));
        command.arg("doctor").arg("--data").arg(self.data()).arg("--config").arg(self.config());
        let Output { status, stdout, stderr } = command.args(more).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (status.success(), text(stdout) + &text(stderr))
    }

    /// Until the running server has nothing left to do.
    fn settle(&self, is_settled: impl Fn(&str) -> bool) -> String {
        let began = Instant::now();
        loop {
            let (_, said) = self.doctor(&[]);
            if is_settled(&said) {
                return said;
            }
            assert!(began.elapsed() < Duration::from_secs(60), "{said}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// What was planted and lies in a file of the data folder, or in what the server wrote.
    fn exposed(&self) -> Vec<String> {
        let mut places = vec![("output".to_owned(), self.written.clone().into_bytes())];
        for file in std::fs::read_dir(self.data()).unwrap() {
            let path = file.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            places.push((name, std::fs::read(&path).unwrap()));
        }
        let mut exposed = Vec::new();
        for (name, bytes) in places {
            for value in PLANTED {
                if bytes.windows(value.len()).any(|part| part == value.as_bytes()) {
                    exposed.push(format!("{name} holds {value}"));
                }
            }
        }
        exposed
    }
}

/// A caller with the owner's credentials, and where it calls.
fn owner(program: &Program) -> (Caller, SocketAddr) {
    let address = program.url.strip_prefix("http://").unwrap().parse().unwrap();
    (Caller::at(address).basic(ACCOUNT, TOKEN), address)
}

/// What was planted where, to be read again.
#[derive(Default)]
struct Garden {
    paths: Vec<(String, Value)>,
    round: u32,
}

impl Garden {
    /// Values in each kind of row, change, event and delivery.
    async fn plant(&mut self, program: &Program) {
        let (owner, address) = owner(program);
        let (workspace, worker) = crate::caller::worker(&owner, "Ann").await;
        let base = format!("/taskrouter/v1/Workspaces/{workspace}");
        let unheard = [("EventCallbackUrl", "http://127.0.0.1:9/nobody")];
        assert_eq!(owner.post(&base, &unheard).await.status, 200);
        let attributes = json!({"name": ATTRIBUTE}).to_string();
        let form = [("Attributes", attributes.as_str())];
        assert_eq!(owner.post(&format!("{base}/Workers/{worker}"), &form).await.status, 200);
        let task = [("Attributes", attributes.as_str()), ("RoutingTarget", worker.as_str())];
        let kept = owner.made(&format!("{base}/Tasks"), &task).await;
        let ended = owner.made(&format!("{base}/Tasks"), &task).await;
        let cancel = [("AssignmentStatus", "canceled"), ("Reason", REASON)];
        let path = format!("{base}/Tasks/{ended}");
        assert_eq!(owner.post(&path, &cancel).await.status, 200);
        assert_eq!(owner.delete(&path).await.status, 204);

        self.round += 1;
        let name = format!("round-{}", self.round);
        let data = json!({"note": PAYLOAD}).to_string();
        let data = [("Data", data.as_str())];
        let service = "/sync/v1/Services/default";
        let named = [("UniqueName", name.as_str()), data[0]];
        owner.made(&format!("{service}/Documents"), &named).await;
        for (kind, item) in [("Lists", None), ("Maps", Some(("Key", "k")))] {
            let object = format!("{service}/{kind}/{name}");
            owner.made(&format!("{service}/{kind}"), &[("UniqueName", name.as_str())]).await;
            let form: Vec<(&str, &str)> = item.into_iter().chain(data).collect();
            let made = owner.post(&format!("{object}/Items"), &form).await;
            assert_eq!(made.status, 201, "{}", made.text());
            self.remember(&owner, &format!("{object}/Items")).await;
        }
        let stream = format!("{service}/Streams/{name}");
        owner.made(&format!("{service}/Streams"), &[("UniqueName", name.as_str())]).await;
        assert_eq!(owner.post(&format!("{stream}/Messages"), &data).await.status, 201);
        let mut socket = Socket::open(address, &token("ann")).await;
        let body = json!({"unique_name": format!("{name}-by-socket"), "data": {"note": PAYLOAD}});
        assert_eq!(socket.ask("POST", "/v3/Documents", &body).await.0, 201);

        self.remember(&owner, &format!("{base}/Tasks/{kept}")).await;
        self.remember(&owner, &format!("{base}/Workers/{worker}")).await;
        self.remember(&owner, &format!("{service}/Documents/{name}")).await;
        self.remember(&owner, &format!("{base}/Events?TaskSid={kept}")).await;
        let metrics = owner.get("/metrics").await.text();
        assert!(PLANTED.iter().all(|value| !metrics.contains(value)));
    }

    async fn remember(&mut self, owner: &Caller, path: &str) {
        let got = owner.get(path).await;
        assert_eq!(got.status, 200, "{path}: {}", got.text());
        assert!([ATTRIBUTE, PAYLOAD].iter().any(|value| got.text().contains(value)), "{path}");
        self.paths.push((path.to_owned(), essence(&got.json())));
    }

    /// Everything is as it was when it was planted.
    async fn is_whole(&self, program: &Program) {
        let (owner, _) = owner(program);
        for (path, before) in &self.paths {
            let got = owner.get(path).await;
            assert_eq!(got.status, 200, "{path}: {}", got.text());
            assert_eq!(essence(&got.json()), *before, "{path}");
        }
    }
}

/// What customers wrote in an answer; links name the port of the day, ages grow.
fn essence(answer: &Value) -> Value {
    match answer {
        Value::Object(fields) => {
            let kept = ["attributes", "data", "items", "events", "event_data", "task_attributes"];
            let kept = fields.iter().filter(|(name, _)| kept.contains(&name.as_str()));
            kept.map(|(name, value)| (name.clone(), essence(value))).collect()
        }
        Value::Array(all) => all.iter().map(essence).collect(),
        other => other.clone(),
    }
}

#[tokio::test]
async fn what_customers_wrote_is_in_no_file_log_or_metric_whatever_becomes_of_the_keys() {
    let (mut site, mut garden) = (Site::new(), Garden::default());
    site.configure(&["2026-05"]);
    let program = site.start();
    garden.plant(&program).await;
    assert_eq!(site.exposed(), [""; 0], "while it runs");
    site.kill(program);
    assert_eq!(site.exposed(), [""; 0], "after a kill");
    assert!(site.written.contains("task.create"), "the log had something to say");

    site.configure(&["2026-11", "2026-05"]);
    let program = site.start();
    garden.is_whole(&program).await;
    garden.plant(&program).await;
    site.kill(program);
    assert_eq!(site.exposed(), [""; 0], "killed on the way to a new key");
    let program = site.start();
    site.settle(|said| said.contains("key 2026-05: no longer used"));
    garden.is_whole(&program).await;
    assert_eq!(site.exposed(), [""; 0], "behind a new key");
    site.stop(program);

    site.configure(&["2026-11"]);
    let program = site.start();
    garden.is_whole(&program).await;
    garden.plant(&program).await;
    site.stop(program);
    assert_eq!(site.exposed(), [""; 0], "without the old key");
    let (is_well, said) = site.doctor(&["--compact"]);
    assert!(is_well, "{said}");
    let program = site.start();
    garden.is_whole(&program).await;
    site.stop(program);
    assert_eq!(site.exposed(), [""; 0], "written anew");
}

#[tokio::test]
async fn a_plain_store_is_enciphered_once_it_has_a_key_and_then_compacted() {
    let (mut site, mut garden) = (Site::new(), Garden::default());
    site.configure(&[]);
    let program = site.start();
    garden.plant(&program).await;
    site.stop(program);
    assert!(site.written.contains("NO ENCRYPTION KEY IS CONFIGURED"), "{}", site.written);
    let exposed = site.exposed();
    assert!(exposed.iter().any(|place| place.ends_with(PAYLOAD)), "{exposed:?}");
    assert!(exposed.iter().any(|place| place.ends_with(TOKEN)), "{exposed:?}");
    assert!(exposed.iter().all(|place| !place.starts_with("output")), "{exposed:?}");
    let (is_well, said) = site.doctor(&[]);
    assert!(is_well && said.contains("encryption: no key is configured"), "{said}");

    site.configure(&["first"]);
    let program = site.start();
    let said = site.settle(|said| said.contains("plain text: 0 texts"));
    assert!(said.contains("key first: enciphers what is written"), "{said}");
    garden.is_whole(&program).await;
    site.stop(program);
    let (_, said) = site.doctor(&[]);
    assert!(said.contains("sinew doctor --compact"), "{said}");
    let (is_well, said) = site.doctor(&["--compact"]);
    assert!(is_well, "{said}");
    assert_eq!(site.exposed(), [""; 0], "nothing is left of what was plain");
    let (is_well, said) = site.doctor(&[]);
    assert!(is_well && !said.contains("--compact"), "{said}");
    let program = site.start();
    garden.is_whole(&program).await;
    site.stop(program);
    assert!(site.written.contains("what is stored is enciphered"), "{}", site.written);
}

#[tokio::test]
async fn without_its_key_or_with_another_a_store_is_refused_and_left_as_it_is() {
    let (mut site, mut garden) = (Site::new(), Garden::default());
    site.configure(&["own"]);
    let program = site.start();
    garden.plant(&program).await;
    site.stop(program);
    let file = site.data().join(store_sqlite::FILE_NAME);
    let before = std::fs::read(&file).unwrap();
    let key = site.folder.path().join("own.key");
    let right = std::fs::read_to_string(&key).unwrap();

    site.configure(&[]);
    let said = site.refused();
    assert!(said.contains("key 'own'") && said.contains("encryption.keys"), "{said}");
    site.configure(&["other"]);
    assert!(site.refused().contains("key 'own'"));
    let (is_well, said) = site.doctor(&[]);
    assert!(!is_well && said.contains("key own: NEEDED AND NOT CONFIGURED"), "{said}");
    site.configure(&["own"]);
    std::fs::write(&key, "42".repeat(32)).unwrap();
    let said = site.refused();
    assert!(said.contains("'own'") && said.contains("not the one"), "{said}");
    assert!(!said.contains("4242"), "{said}");
    let (is_well, said) = site.doctor(&[]);
    assert!(!is_well && said.contains("CANNOT BE READ"), "{said}");
    assert!(said.contains("key 'own' does not open it: it is another key"), "{said}");
    std::fs::write(&key, "short").unwrap();
    assert!(site.refused().contains("key 'own' is not 32 bytes"));
    assert!(std::fs::read(&file).unwrap() == before, "nothing was changed");

    std::fs::write(&key, right).unwrap();
    let program = site.start();
    garden.is_whole(&program).await;
    site.stop(program);
}

#[tokio::test]
async fn the_doctor_shows_what_is_stored_when_asked_and_credentials_never() {
    let (mut site, mut garden) = (Site::new(), Garden::default());
    site.configure(&["own"]);
    let program = site.start();
    garden.plant(&program).await;

    let (is_well, said) = site.doctor(&[]);
    assert!(is_well && said.contains("sync_item"), "{said}");
    assert!(PLANTED.iter().all(|value| !said.contains(value)), "{said}");
    let (is_well, shown) = site.doctor(&["--decrypt"]);
    assert!(is_well, "beside the server");
    for value in [ATTRIBUTE, PAYLOAD, REASON] {
        assert!(shown.contains(value), "{value}");
    }
    for secret in [TOKEN, KEY_SECRET, ADMIN_PASSWORD, "argon2"] {
        assert!(!shown.contains(secret), "{secret}");
    }
    let (_, items) = site.doctor(&["--decrypt", "--table", "sync_item"]);
    let items: Vec<Value> = items.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(items.len(), 2);
    assert!(items.iter().all(|item| item["columns"]["data"]["note"] == PAYLOAD), "{items:?}");
    let (_, journal) = site.doctor(&["--decrypt", "--table", "journal", "--partition", "sync-0"]);
    assert!(journal.lines().all(|line| line.contains("\"partition\":\"sync-0\"")), "{journal}");
    for table in ["account", "session", "nonsense"] {
        let (is_well, said) = site.doctor(&["--decrypt", "--table", table]);
        assert!(!is_well && said.contains(table) && said.lines().count() == 1, "{said}");
    }
    site.stop(program);
}

#[cfg(target_os = "linux")]
#[test]
fn with_keys_no_crash_leaves_the_memory_in_a_file() {
    use rustix::process::{DumpableBehavior, dumpable_behavior, set_dumpable_behavior};
    let before = dumpable_behavior().unwrap();
    sinew::keep_memory_inside();
    assert_eq!(dumpable_behavior().unwrap(), DumpableBehavior::NotDumpable);
    set_dumpable_behavior(before).unwrap();
}
