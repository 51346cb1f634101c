//! `POST /chat/demo/requests`: a visitor's words become a task.

use super::{Demo, Desk};
use crate::{
    Peer,
    answer::{self, Trouble},
    body::Whole,
};
use axum::{extract::State, http::StatusCode, response::Response};
use base::{Attributes, Problem};
use host::Names;
use routing::{
    Command, Reply, TaskSid,
    command::{ChannelRef, NewTask},
};
use serde::{Deserialize, Serialize};

const NAME_CHARS_MAX: usize = 64;
const TEXT_CHARS_MAX: usize = 2_000;
/// The kind of work a visitor makes.
const CHANNEL: &str = "chat";

#[derive(Deserialize)]
struct Asked {
    name: Option<String>,
    topic: Option<String>,
    text: Option<String>,
}

/// What an agent sees.
#[derive(Serialize)]
struct Words<'a> {
    name: &'a str,
    topic: &'a str,
    text: &'a str,
    #[serde(rename = "channelType")]
    channel_type: &'static str,
}

#[derive(Serialize)]
struct Made {
    token: String,
    task_sid: TaskSid,
}

/// Checks the words, makes the task, gives a token for it.
pub(super) async fn make(
    State(desk): State<Desk>,
    peer: Peer,
    Whole(body): Whole,
) -> Result<Response, Trouble> {
    let desk = desk.0;
    let asked: Asked = serde_json::from_slice(&body)
        .map_err(|_| Trouble::invalid("The body must be JSON with name, topic and text"))?;
    let attributes = words(&asked, &desk.demo)?;
    if !desk.addresses.admit(peer.0) {
        return Err(Trouble::limited("Too many requests from this address; try again in a minute"));
    }
    let names = desk.workspace().ok_or_else(not_ready)?;
    let workspace = names.workspace.sid;
    let workflow = desk.demo.workflow.or_else(|| names.workflows.keys().next().copied());
    if !desk.crowd.admit(&desk.host, workspace, workflow).await? {
        return Err(Trouble::limited("Very many people are waiting; try again in a few minutes"));
    }
    let new = NewTask {
        attributes,
        workflow,
        task_channel: has_channel(&names).then(|| ChannelRef::Name(CHANNEL.to_owned())),
        ..NewTask::default()
    };
    let reply = desk.host.routing(workspace, Command::CreateTask(new)).await?;
    let Reply::Task(task) = reply else { return Err(Trouble::internal()) };
    let access = desk.host.directory();
    let token = desk.signer.sign(&access, names.account, workspace, task.sid);
    Ok(answer::json(StatusCode::CREATED, &Made { token, task_sid: task.sid }))
}

fn not_ready() -> Trouble {
    Trouble(Problem::unavailable("Nobody is set up to answer yet; try again later"))
}

fn has_channel(names: &Names) -> bool {
    names.channels.values().any(|channel| channel.unique_name == CHANNEL)
}

fn words(asked: &Asked, demo: &Demo) -> Result<Attributes, Trouble> {
    let name = bounded("name", asked.name.as_deref(), NAME_CHARS_MAX)?;
    let text = bounded("text", asked.text.as_deref(), TEXT_CHARS_MAX)?;
    let topic = asked.topic.as_deref().unwrap_or_default();
    if name.chars().any(char::is_control) {
        return Err(Trouble::invalid("name: must be one line of text"));
    }
    if !demo.topics.iter().any(|known| known.id == topic) {
        return Err(Trouble::invalid("topic: is not one of the topics offered"));
    }
    let words = Words { name, topic, text, channel_type: "web" };
    let written = serde_json::to_string(&words).expect("words are plain JSON");
    Attributes::new(written)
        .map_err(|_| Trouble::invalid("text: has too many line breaks and special characters"))
}

fn bounded<'a>(field: &str, value: Option<&'a str>, most: usize) -> Result<&'a str, Trouble> {
    let value = value.unwrap_or_default().trim();
    if (1..=most).contains(&value.chars().count()) {
        return Ok(value);
    }
    Err(Trouble::invalid(format!("{field}: must have 1 to {most} characters")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(name: &str, topic: &str, text: &str) -> Option<String> {
        let some = |text: &str| Some(text.to_owned());
        let asked = Asked { name: some(name), topic: some(topic), text: some(text) };
        words(&asked, &Demo::default()).err().map(|trouble| trouble.0.message)
    }

    #[test]
    fn words_are_bounded_and_the_field_is_named() {
        assert_eq!(refused("Ann", "order", "Where is it?"), None);
        assert_eq!(refused(&"é".repeat(64), "other", &"é".repeat(2_000)), None);
        for (name, topic, text, field) in [
            ("", "order", "x", "name"),
            ("  ", "order", "x", "name"),
            ("a\nb", "order", "x", "name"),
            (&*"a".repeat(65), "order", "x", "name"),
            ("Ann", "weather", "x", "topic"),
            ("Ann", "order", "", "text"),
            ("Ann", "order", &*"a".repeat(2_001), "text"),
            ("Ann", "order", &*"a\u{1}".repeat(1_000), "text"),
        ] {
            let message = refused(name, topic, text).expect("refused");
            assert!(message.starts_with(field), "{message}");
        }
    }
}
