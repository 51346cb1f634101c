//! What the answer of an assignment callback says.

use crate::client::Answer;
use routing::{Alert, command::CallbackAnswer};
use serde_json::Value;

/// The answer in the engine's words, the alert it raises, and what was wrong with it.
pub(crate) struct Read {
    pub(crate) answer: CallbackAnswer,
    pub(crate) alert: Option<Alert>,
    pub(crate) error: Option<String>,
}

/// Reads an answer: 200 and a JSON object, or 200 and nothing.
pub(crate) fn read(answer: &Answer) -> Read {
    if answer.status != 200 {
        let error = format!("The status is {} instead of 200", answer.status);
        return Read { answer: CallbackAnswer::Failed, alert: None, error: Some(error) };
    }
    let Some(body) = &answer.body else {
        return failed(Alert::Unparsable, "The answer is too large");
    };
    if body.trim_ascii().is_empty() {
        return Read { answer: CallbackAnswer::Nothing, alert: None, error: None };
    }
    let media = answer.content_type.split(';').next().unwrap_or_default().trim();
    if !media.eq_ignore_ascii_case("application/json") {
        return failed(Alert::ContentType, Alert::ContentType.message());
    }
    let object = match serde_json::from_slice(body) {
        Ok(Value::Object(object)) => object,
        Ok(Value::String(_)) => {
            return failed(Alert::Unparsable, "The answer is a JSON text: it was encoded twice");
        }
        Ok(_) => return failed(Alert::Unparsable, Alert::Unparsable.message()),
        Err(error) => {
            let (line, column) = (error.line(), error.column());
            let place = format!("The answer is not JSON (line {line}, column {column})");
            return failed(Alert::Unparsable, &place);
        }
    };
    match wire::instruction::of_answer(&object) {
        Some(Ok(instruction)) => {
            Read { answer: CallbackAnswer::Do(instruction), alert: None, error: None }
        }
        Some(Err(alert)) => waits(alert),
        None => waits(Alert::NoInstruction),
    }
}

fn failed(alert: Alert, error: &str) -> Read {
    Read { answer: CallbackAnswer::Failed, alert: Some(alert), error: Some(error.to_owned()) }
}

/// It was heard, but there is nothing to be done: the reservation waits.
fn waits(alert: Alert) -> Read {
    let error = Some(alert.message().to_owned());
    Read { answer: CallbackAnswer::Nothing, alert: Some(alert), error }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use routing::instruction::Instruction;

    fn told(status: u16, content_type: &str, body: &str) -> (CallbackAnswer, Option<u32>) {
        let (content_type, body) = (content_type.to_owned(), Some(Bytes::from(body.to_owned())));
        let read = read(&Answer { status, content_type, body });
        (read.answer, read.alert.map(Alert::code))
    }

    #[test]
    fn an_answer_is_a_json_object_with_status_200() {
        let json = "application/json; charset=utf-8";
        let accept = r#"{"instruction": "accept"}"#;
        assert_eq!(told(200, json, accept), (CallbackAnswer::Do(Instruction::Accept), None));
        assert_eq!(told(201, json, accept), (CallbackAnswer::Failed, None));
        assert_eq!(told(302, json, accept), (CallbackAnswer::Failed, None));
        assert_eq!(told(200, "text/html", accept), (CallbackAnswer::Failed, Some(40000)));
        assert_eq!(told(200, "", accept), (CallbackAnswer::Failed, Some(40000)));
        assert_eq!(told(200, json, "{"), (CallbackAnswer::Failed, Some(40001)));
        assert_eq!(told(200, json, "[]"), (CallbackAnswer::Failed, Some(40001)));
        let twice = r#""{\"instruction\": \"accept\"}""#;
        assert_eq!(told(200, json, twice), (CallbackAnswer::Failed, Some(40001)));
        assert_eq!(told(200, json, "{}"), (CallbackAnswer::Nothing, Some(40005)));
        assert_eq!(told(200, "", " \n"), (CallbackAnswer::Nothing, None));
        let nap = r#"{"instruction": "nap"}"#;
        assert_eq!(told(200, json, nap), (CallbackAnswer::Nothing, Some(55555)));
    }

    #[test]
    fn too_much_is_no_answer() {
        let endless = Answer { status: 200, content_type: "application/json".into(), body: None };
        let read = read(&endless);
        assert_eq!((read.answer, read.alert), (CallbackAnswer::Failed, Some(Alert::Unparsable)));
    }
}
