//! Instructions for a reservation as they come: REST parameters, or the JSON of an answer.
//!
//! * Over REST every parameter of the instruction is checked and a wrong one is refused by name.
//! * In an answer a value of the wrong type is ignored, as the field does, unless the instruction
//!   cannot be followed without it.

use base::{Kind, Problem};
use routing::{
    ActivitySid, Alert,
    instruction::{CallInstruction, Instruction},
};
use serde_json::{Map, Value};

/// A parameter of an instruction.
struct Param {
    /// Its name over REST.
    rest: &'static str,
    is: Is,
}

/// What a parameter holds.
#[derive(Clone, Copy)]
enum Is {
    Text,
    Flag,
    Url,
    Sid(&'static str),
    Int(i64, i64),
    Word(&'static [&'static str]),
    /// Any number of these.
    Words(&'static [&'static str]),
}

const fn param(rest: &'static str, is: Is) -> Param {
    Param { rest, is }
}

const METHODS: Is = Is::Word(&["GET", "POST", "get", "post"]);
const CALL_EVENTS: &[&str] = &["initiated", "ringing", "answered", "completed"];
const CONFERENCE_EVENTS: &[&str] =
    &["start", "end", "join", "leave", "mute", "hold", "speaker", "modify", "announcement"];
const MODES: &[&str] = &["monitor", "whisper", "barge"];

const CALL: &[Param] = &[
    param("CallTo", Is::Text),
    param("CallFrom", Is::Text),
    param("CallUrl", Is::Url),
    param("CallAccept", Is::Flag),
    param("CallRecord", Is::Text),
    param("CallTimeout", Is::Int(1, 999)),
    param("CallStatusCallbackUrl", Is::Url),
];
const DEQUEUE: &[Param] = &[
    param("DequeueTo", Is::Text),
    param("DequeueFrom", Is::Text),
    param("DequeuePostWorkActivitySid", Is::Sid("WA")),
    param("DequeueRecord", Is::Text),
    param("DequeueTimeout", Is::Int(1, 999)),
    param("DequeueStatusCallbackUrl", Is::Url),
    param("DequeueStatusCallbackEvent", Is::Words(CALL_EVENTS)),
];
const REDIRECT: &[Param] = &[
    param("RedirectCallSid", Is::Sid("CA")),
    param("RedirectUrl", Is::Url),
    param("RedirectAccept", Is::Flag),
];
const CONFERENCE: &[Param] = &[
    param("To", Is::Text),
    param("From", Is::Text),
    param("PostWorkActivitySid", Is::Sid("WA")),
    param("Timeout", Is::Int(1, 999)),
    param("StatusCallback", Is::Url),
    param("StatusCallbackMethod", METHODS),
    param("StatusCallbackEvent", Is::Words(CALL_EVENTS)),
    param("Record", Is::Flag),
    param("Muted", Is::Flag),
    param("Beep", Is::Word(&["true", "false", "onEnter", "onExit"])),
    param("StartConferenceOnEnter", Is::Flag),
    param("EndConferenceOnExit", Is::Flag),
    param("WaitUrl", Is::Url),
    param("WaitMethod", METHODS),
    param("EarlyMedia", Is::Flag),
    param("MaxParticipants", Is::Int(2, 250)),
    param("ConferenceStatusCallback", Is::Url),
    param("ConferenceStatusCallbackMethod", METHODS),
    param("ConferenceStatusCallbackEvent", Is::Words(CONFERENCE_EVENTS)),
    param("ConferenceRecord", Is::Text),
    param("ConferenceTrim", Is::Word(&["trim-silence", "do-not-trim"])),
    param("RecordingChannels", Is::Word(&["mono", "dual"])),
    param("RecordingStatusCallback", Is::Url),
    param("RecordingStatusCallbackMethod", METHODS),
    param("ConferenceRecordingStatusCallback", Is::Url),
    param("ConferenceRecordingStatusCallbackMethod", METHODS),
    param("Region", Is::Text),
    param("SipAuthUsername", Is::Text),
    param("SipAuthPassword", Is::Text),
    param("EndConferenceOnCustomerExit", Is::Flag),
    param("BeepOnCustomerEntrance", Is::Flag),
    param("JitterBufferSize", Is::Word(&["large", "small", "medium", "off"])),
];
const SUPERVISE: &[Param] =
    &[param("Supervisor", Is::Sid("WK")), param("SupervisorMode", Is::Word(MODES))];

/// The instruction that REST parameters spell; `values` gives those of a name, in order.
pub fn of_parameters(
    name: &str,
    values: impl Fn(&str) -> Vec<String>,
) -> Result<Instruction, Problem> {
    let given = |name: &str| values(name).into_iter().rfind(|text| !text.is_empty());
    let check =
        |params: &[Param]| params.iter().try_for_each(|param| check(param, &values(param.rest)));
    Ok(match name {
        "accept" => Instruction::Accept,
        "reject" => {
            check(&[param("WorkerActivitySid", Is::Sid("WA"))])?;
            Instruction::Reject { activity: sid(given("WorkerActivitySid")) }
        }
        "call" => {
            check(CALL)?;
            let (to, from) = (given("CallTo"), given("CallFrom"));
            Instruction::Call(CallInstruction::Call { to, from, url: given("CallUrl") })
        }
        "dequeue" => {
            check(DEQUEUE)?;
            let (to, from) = (given("DequeueTo"), given("DequeueFrom"));
            let post_work_activity = sid(given("DequeuePostWorkActivitySid"));
            Instruction::Call(CallInstruction::Dequeue { to, from, post_work_activity })
        }
        "redirect" => {
            check(REDIRECT)?;
            let (call_sid, url) = (given("RedirectCallSid"), given("RedirectUrl"));
            Instruction::Call(CallInstruction::Redirect { call_sid, url })
        }
        "conference" => {
            check(CONFERENCE)?;
            let (to, from) = (given("To"), given("From"));
            let post_work_activity = sid(given("PostWorkActivitySid"));
            Instruction::Call(CallInstruction::Conference { to, from, post_work_activity })
        }
        "supervise" => {
            check(SUPERVISE)?;
            let supervisor = sid(given("Supervisor"));
            Instruction::Call(CallInstruction::Supervise { supervisor })
        }
        other => return Err(unknown(other)),
    })
}

fn unknown(name: &str) -> Problem {
    let name: String = name.chars().take(64).collect();
    let code = Alert::UnknownInstruction.code();
    Problem::new(Kind::Invalid, code, format!("Instruction: '{name}' is not a known value"))
}

fn check(param: &Param, values: &[String]) -> Result<(), Problem> {
    let wrong = |why: String| Problem::invalid(format!("{}: {why}", param.rest));
    for text in values.iter().filter(|text| !text.is_empty()) {
        let is_right = match param.is {
            Is::Text => true,
            Is::Flag => ["true", "false", "1", "0", "yes", "no"]
                .iter()
                .any(|word| text.eq_ignore_ascii_case(word)),
            Is::Url => is_url(text),
            Is::Sid(prefix) => is_sid(text, prefix),
            Is::Int(low, high) => text.parse().is_ok_and(|n: i64| (low..=high).contains(&n)),
            Is::Word(words) => words.contains(&text.as_str()),
            Is::Words(words) => text.split([' ', ',']).all(|one| words.contains(&one)),
        };
        if !is_right {
            return Err(wrong(expected(param.is)));
        }
    }
    Ok(())
}

fn expected(is: Is) -> String {
    match is {
        Is::Text => "must be a text".to_owned(),
        Is::Flag => "must be true or false".to_owned(),
        Is::Url => "must be an http or https URL".to_owned(),
        Is::Sid(prefix) => format!("must be a SID that begins with {prefix}"),
        Is::Int(low, high) => format!("must be a whole number between {low} and {high}"),
        Is::Word(words) => format!("must be one of {}", words.join(", ")),
        Is::Words(words) => format!("must be some of {}", words.join(", ")),
    }
}

fn is_url(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    rest.is_some_and(|rest| !rest.is_empty())
}

fn is_sid(text: &str, prefix: &str) -> bool {
    let digits = text.strip_prefix(prefix).unwrap_or_default();
    digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn sid<S: std::str::FromStr>(text: Option<String>) -> Option<S> {
    text.and_then(|text| text.parse().ok())
}

/// The instruction in a callback's answer; `None` where there is none.
pub fn of_answer(answer: &Map<String, Value>) -> Option<Result<Instruction, Alert>> {
    let name = answer.get("instruction")?;
    let Value::String(name) = name else { return Some(Err(Alert::UnknownInstruction)) };
    let text = |key: &str| {
        answer.get(key).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
    };
    let url = || text("url").filter(|url| is_url(url));
    Some(match name.as_str() {
        "accept" => Ok(Instruction::Accept),
        "reject" => match answer.get("activity_sid") {
            None | Some(Value::Null) => Ok(Instruction::Reject { activity: None }),
            Some(_) => match sid(text("activity_sid")) {
                Some(activity) => Ok(Instruction::Reject { activity: Some(activity) }),
                None => Err(Alert::RejectActivity),
            },
        },
        "call" => Ok(Instruction::Call(CallInstruction::Call {
            to: text("to"),
            from: text("from"),
            url: url(),
        })),
        "dequeue" => dequeue(answer, text),
        "redirect" => Ok(Instruction::Call(CallInstruction::Redirect {
            call_sid: text("call_sid"),
            url: url(),
        })),
        "conference" => match activity_after(answer) {
            Err(()) => Err(Alert::ConferenceActivity),
            Ok(post_work_activity) => Ok(Instruction::Call(CallInstruction::Conference {
                to: text("to"),
                from: text("from"),
                post_work_activity,
            })),
        },
        "supervise" if !text("mode").is_none_or(|mode| MODES.contains(&mode.as_str())) => {
            Err(Alert::SuperviseMode)
        }
        "supervise" => Ok(Instruction::Call(CallInstruction::Supervise {
            supervisor: sid(text("supervisor")),
        })),
        _ => Err(Alert::UnknownInstruction),
    })
}

fn dequeue(
    answer: &Map<String, Value>,
    text: impl Fn(&str) -> Option<String>,
) -> Result<Instruction, Alert> {
    let Ok(post_work_activity) = activity_after(answer) else {
        return Err(Alert::DequeueActivity);
    };
    if let Some(events) = text("status_callback_events")
        && !events.split([' ', ',']).all(|event| CALL_EVENTS.contains(&event))
    {
        return Err(Alert::DequeueEvents);
    }
    let (to, from) = (text("to"), text("from"));
    Ok(Instruction::Call(CallInstruction::Dequeue { to, from, post_work_activity }))
}

fn activity_after(answer: &Map<String, Value>) -> Result<Option<ActivitySid>, ()> {
    match answer.get("post_work_activity_sid") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => text.parse().map(Some).map_err(|_| ()),
        Some(_) => Err(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn spelled(name: &str, form: &[(&str, &str)]) -> Result<Instruction, Problem> {
        of_parameters(name, |wanted| {
            let found = form.iter().filter(|(name, _)| *name == wanted);
            found.map(|(_, value)| (*value).to_owned()).collect()
        })
    }

    fn answered(answer: &Value) -> Option<Result<Instruction, Alert>> {
        of_answer(answer.as_object().expect("an object"))
    }

    #[test]
    fn each_parameter_of_an_instruction_is_checked_by_name() {
        for (name, form) in [
            ("reject", ("WorkerActivitySid", "Available")),
            ("call", ("CallTimeout", "1000")),
            ("call", ("CallUrl", "ftp://example.com")),
            ("call", ("CallAccept", "perhaps")),
            ("dequeue", ("DequeueTimeout", "0")),
            ("dequeue", ("DequeueStatusCallbackEvent", "initiated,bored")),
            ("redirect", ("RedirectCallSid", "CA1")),
            ("conference", ("MaxParticipants", "1")),
            ("conference", ("WaitMethod", "PUT")),
            ("conference", ("Beep", "loudly")),
            ("supervise", ("SupervisorMode", "shout")),
        ] {
            let problem = spelled(name, &[form]).expect_err(form.0);
            assert_eq!(problem.code, 20001, "{}", form.0);
            assert!(problem.message.starts_with(form.0), "{}", problem.message);
        }
        assert_eq!(spelled("dance", &[]).expect_err("unknown").code, 55555);
    }

    #[test]
    fn parameters_of_other_instructions_do_not_matter() {
        let form = [("CallTimeout", "never"), ("To", "client:ann"), ("From", "")];
        let conference = CallInstruction::Conference {
            to: Some("client:ann".into()),
            from: None,
            post_work_activity: None,
        };
        assert_eq!(spelled("conference", &form), Ok(Instruction::Call(conference)));
        assert_eq!(spelled("accept", &form), Ok(Instruction::Accept));
    }

    #[test]
    fn an_answer_without_an_instruction_says_nothing() {
        assert_eq!(answered(&json!({})), None);
        assert_eq!(answered(&json!({"accept": true})), None);
        assert_eq!(answered(&json!({"instruction": 7})), Some(Err(Alert::UnknownInstruction)));
        assert_eq!(answered(&json!({"instruction": "nap"})), Some(Err(Alert::UnknownInstruction)));
    }

    #[test]
    fn a_reject_may_move_the_worker_but_only_somewhere() {
        let activity = "WA0000000000000000000000000000000a";
        let reject = |activity| Some(Ok(Instruction::Reject { activity }));
        assert_eq!(answered(&json!({"instruction": "reject"})), reject(None));
        let to = json!({"instruction": "reject", "activity_sid": activity});
        assert_eq!(answered(&to), reject(activity.parse().ok()));
        for wrong in [json!("Offline"), json!(""), json!(true)] {
            let answer = json!({"instruction": "reject", "activity_sid": wrong});
            assert_eq!(answered(&answer), Some(Err(Alert::RejectActivity)));
        }
    }

    #[test]
    fn a_value_of_another_type_is_as_good_as_none() {
        let answer = json!({"instruction": "conference", "from": true, "record": 1});
        let none = CallInstruction::Conference { to: None, from: None, post_work_activity: None };
        assert_eq!(answered(&answer), Some(Ok(Instruction::Call(none))));
        let answer = json!({"instruction": "dequeue", "status_callback_events": "bored"});
        assert_eq!(answered(&answer), Some(Err(Alert::DequeueEvents)));
    }
}
