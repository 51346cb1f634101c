//! `cargo xtask demo`: a small contact centre on a fresh store, until Ctrl-C.
//!
//! * Everything is made by public REST, as a user would make it.
//! * Passwords are new each time and are printed; nothing is kept: the folder goes at the end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use signal_hook::consts::{SIGINT, SIGTERM};

use crate::customers;
use crate::demo_state;
use crate::http::{Caller, Connection, text};
use crate::scratch::{Scratch, hex};
use crate::server::{Server, Settings};
use crate::test;

const LISTEN: &str = "127.0.0.1:8080";

/// Builds, starts, fills and keeps the demo until it is interrupted.
pub(crate) fn run(arguments: &[String]) -> Result<(), String> {
    let options = Options::parse(arguments)?;
    let over = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        let registered = signal_hook::flag::register(signal, Arc::clone(&over));
        registered.map_err(|error| format!("signals cannot be handled: {error}"))?;
    }
    test::build_release()?;
    let scratch = Scratch::new("demo");
    let mut settings = Settings::in_folder(scratch.path());
    settings.listen = options.listen;
    settings.options = vec!["--demo".to_owned()];
    let mut server = Server::start(&settings)?;
    let sign_ins = fill(&server.owner())?;
    let state = demo_state::start(&server.owner(), Arc::clone(&over))?;
    announce(&server, &settings, &sign_ins);
    let customers = options.customers.then(|| customers::start(server.address, Arc::clone(&over)));
    while !over.load(Ordering::Relaxed) && server.is_alive() {
        std::thread::sleep(Duration::from_millis(100));
    }
    let was_asked_to_end = over.swap(true, Ordering::Relaxed);
    state.join().expect("whoever writes the demo's state does not panic");
    if let Some(customers) = customers {
        customers.join().expect("simulated customers do not panic");
    }
    match was_asked_to_end {
        true => {
            println!("\nstopping; the demo's data is removed");
            server.stop()
        }
        false => Err(format!("the server has ended:\n{}", server.log_tail())),
    }
}

struct Options {
    listen: String,
    customers: bool,
}

impl Options {
    fn parse(arguments: &[String]) -> Result<Options, String> {
        let mut options = Options { listen: LISTEN.to_owned(), customers: false };
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--customers" => options.customers = true,
                "--listen" => {
                    options.listen = arguments.next().ok_or("--listen needs an address")?.clone();
                }
                other => return Err(format!("the demo knows no option {other:?}")),
            }
        }
        Ok(options)
    }
}

/// The server sends visitors' requests to the workspace of this name.
const WORKSPACE: &str = "Demo";
const WORKFLOW: &str = "Every request";

/// Queues: name, who belongs to it, and which requests go there.
const QUEUES: [(&str, &str, &str); 5] = [
    ("Spanish", "spoken_languages HAS 'spanish'", "rd.spoken_language_required == 'spanish'"),
    ("Orders", "routing.skills HAS 'orders'", "topic == 'order'"),
    ("Billing", "routing.skills HAS 'billing'", "topic == 'billing'"),
    ("Technical help", "routing.skills HAS 'technical'", "topic == 'technical'"),
    ("Everyone", "1==1", ""),
];

/// Someone who signs in to the desk.
struct Agent {
    username: &'static str,
    name: &'static str,
    languages: &'static [&'static str],
    skills: &'static [&'static str],
    experience: u32,
}

const AGENTS: [Agent; 5] = [
    agent("dana", "Dana Reyes", &["english", "spanish"], &["orders", "billing"], 9),
    agent("noor", "Noor Albright", &["english"], &["technical", "billing"], 7),
    agent("sam", "Sam Okafor", &["english", "french"], &["technical"], 5),
    agent("ines", "Ines Duarte", &["spanish", "portuguese"], &["technical"], 6),
    agent("kim", "Kim Lindqvist", &["english"], &["orders"], 2),
];

const fn agent(
    username: &'static str,
    name: &'static str,
    languages: &'static [&'static str],
    skills: &'static [&'static str],
    experience: u32,
) -> Agent {
    Agent { username, name, languages, skills, experience }
}

impl Agent {
    /// Attributes in the shape that contact centres keep about their people.
    fn attributes(&self) -> Value {
        let (first, last) = self.name.split_once(' ').expect("agents have two names");
        let levels: serde_json::Map<String, Value> =
            self.skills.iter().map(|skill| ((*skill).to_owned(), json!(self.experience))).collect();
        json!({
            "public_identity": first,
            "contact_uri": format!("client:{}", self.username),
            "roles": ["agent"],
            "spoken_languages": self.languages,
            "experience_level": self.experience,
            "first_name": first,
            "last_name": last,
            "full_name": self.name,
            "email": format!("{}@example.test", self.username),
            "department": "Contact Center",
            "routing": {"skills": self.skills, "levels": levels},
            "disabled_skills": {"skills": [], "levels": {}},
        })
    }
}

struct SignIn {
    username: String,
    password: String,
    about: String,
}

/// Makes the contact centre and returns who can sign in to it.
fn fill(owner: &Caller) -> Result<Vec<SignIn>, String> {
    let mut site = Site { connection: owner.connect().map_err(|error| error.to_string())? };
    let workspace = site.make("/taskrouter/v1/Workspaces", &[("FriendlyName", WORKSPACE)])?;
    let base = format!("/taskrouter/v1/Workspaces/{}", text(&workspace, "sid"));
    let offline = text(&workspace, "default_activity_sid");
    site.make(&format!("{base}/Activities"), &[("FriendlyName", "Break"), ("Available", "false")])?;
    let mut filters = Vec::new();
    let mut everyone = String::new();
    for (name, members, requests) in QUEUES {
        let fields = [("FriendlyName", name), ("TargetWorkers", members)];
        let queue = text(&site.make(&format!("{base}/TaskQueues"), &fields)?, "sid");
        match requests {
            "" => everyone = queue,
            _ => filters.push(json!({
                "filter_friendly_name": name,
                "expression": requests,
                "targets": [{"queue": queue}],
            })),
        }
    }
    let routing = json!({"task_routing": {
        "filters": filters,
        "default_filter": {"queue": everyone},
    }});
    let fields = [
        ("FriendlyName", WORKFLOW),
        ("TaskReservationTimeout", "45"),
        ("Configuration", &routing.to_string()),
    ];
    site.make(&format!("{base}/Workflows"), &fields)?;
    let mut sign_ins = Vec::new();
    for agent in &AGENTS {
        let attributes = agent.attributes().to_string();
        let fields = [
            ("FriendlyName", agent.username),
            ("ActivitySid", &offline),
            ("Attributes", &attributes),
        ];
        let worker = text(&site.make(&format!("{base}/Workers"), &fields)?, "sid");
        // Two chats at a time, as is usual at a desk.
        let channel = format!("{base}/Workers/{worker}/Channels/chat");
        site.make(&channel, &[("Capacity", "2")])?;
        sign_ins.push(site.user(agent.username, "agent", Some(&worker), describe(agent))?);
    }
    sign_ins.push(site.user("sofia", "supervisor", None, "supervisor".to_owned())?);
    Ok(sign_ins)
}

fn describe(agent: &Agent) -> String {
    let skills = match agent.skills {
        [] => "no special skill".to_owned(),
        skills => skills.join(", "),
    };
    format!("agent: {}; {skills}; experience {}", agent.languages.join(", "), agent.experience)
}

struct Site {
    connection: Connection,
}

impl Site {
    fn make(&mut self, path: &str, fields: &[(&str, &str)]) -> Result<Value, String> {
        let answer = self.connection.form(path, fields).and_then(|answer| answer.success());
        answer.map_err(|error| format!("{path}: {error}"))
    }

    fn user(
        &mut self,
        username: &str,
        role: &str,
        worker: Option<&str>,
        about: String,
    ) -> Result<SignIn, String> {
        let password = hex(12);
        let mut body = json!({"username": username, "password": password, "role": role});
        if let Some(worker) = worker {
            body["worker_sid"] = json!(worker);
        }
        let answer = self.connection.json("/sinew/v1/Users", &body);
        let answer = answer.and_then(|answer| answer.success());
        answer.map_err(|error| format!("the user {username}: {error}"))?;
        Ok(SignIn { username: username.to_owned(), password, about })
    }
}

fn announce(server: &Server, settings: &Settings, sign_ins: &[SignIn]) {
    let url = server.url();
    let credentials = &settings.credentials;
    println!("\nSinew is ready.\n");
    println!("  desk, sign in     {url}/");
    println!("  console           {url}/admin");
    println!("  a visitor's page  {url}/chat/demo");
    println!("  REST              {url}/taskrouter/v1/Workspaces");
    println!("    account SID     {}", credentials.account_sid);
    println!("    auth token      {}\n", credentials.auth_token);
    for SignIn { username, password, about } in sign_ins {
        println!("  {username:<8} {password}   {about}");
    }
    println!("  {:<8} {}   administrator\n", "admin", credentials.admin_password);
    println!("Agents begin offline: sign in, go available, then ask for help as a visitor.");
    println!("Ctrl-C ends the demo and removes its data.");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_queue_but_the_last_has_someone_who_does_not_belong_to_it() {
        let skilled = |skill| AGENTS.iter().filter(|a| a.skills.contains(&skill)).count();
        let spanish = AGENTS.iter().filter(|a| a.languages.contains(&"spanish")).count();
        for members in [skilled("orders"), skilled("billing"), skilled("technical"), spanish] {
            assert!((1..AGENTS.len()).contains(&members), "{members}");
        }
        assert!(QUEUES[..4].iter().all(|(_, _, requests)| !requests.is_empty()));
        assert_eq!(QUEUES[4].2, "");
    }

    #[test]
    fn options_are_read_and_unknown_ones_refused() {
        let words = |words: &[&str]| -> Vec<String> {
            words.iter().map(|word| (*word).to_owned()).collect()
        };
        let options = Options::parse(&words(&["--customers", "--listen", "127.0.0.1:0"])).unwrap();
        assert!(options.customers);
        assert_eq!(options.listen, "127.0.0.1:0");
        assert!(Options::parse(&words(&["--customer"])).is_err());
        assert!(Options::parse(&words(&["--listen"])).is_err());
    }
}
