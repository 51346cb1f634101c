//! One attempt to tell something outside: what is sent, where to, and what the answer means.
//!
//! * What is told is read from rows and the log at the moment it is sent.
//! * An instruction goes to the engine before the attempt is over.
//! * Errors say what went wrong without attributes or tokens: they are logged and shown.

use crate::{
    answer,
    client::{Answer, Client, Post, Trouble, Wanted},
    sign,
};
use base::{Millis, Sid};
use host::{
    Host, Names, Refusal,
    delivery::{About, Attempt, Delivery},
};
use routing::{
    Alert, CallbackStage, Command, EventSid, Reply, Reservation, ReservationSid, Task, Worker,
    Workflow, WorkspaceSid,
    command::{CallbackAnswer, Followed},
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

/// What attempts share.
pub(crate) struct Desk {
    pub(crate) host: Host,
    pub(crate) client: Client,
}

/// What an attempt came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It was heard.
    Heard,
    /// It was not, and there is no use in trying again.
    GivenUp,
    /// It may be heard the next time.
    TryAgain,
}

/// A delivery after an attempt.
pub(crate) struct Outcome {
    pub(crate) delivery: Delivery,
    pub(crate) verdict: Verdict,
}

/// What goes wrong before anything is sent.
pub(crate) struct Unsent(pub(crate) String);

/// What is sent, and where to.
pub(crate) struct Letter {
    url: String,
    auth_token: String,
    parameters: Vec<(String, String)>,
}

impl Desk {
    /// What is to be sent about a delivery, as things are now; remembered in the delivery.
    pub(crate) fn letter(
        &self,
        workspace: WorkspaceSid,
        delivery: &mut Delivery,
    ) -> Result<Letter, Unsent> {
        let letter = match delivery.about {
            About::Callback { reservation, stage } => self.question(workspace, reservation, stage),
            About::Webhook { event, .. } => self.event(workspace, event),
        }?;
        delivery.url = Some(letter.url.clone());
        if let About::Callback { .. } = delivery.about {
            delivery.parameters = Some(letter.parameters.clone());
        }
        Ok(letter)
    }

    /// Tries once. `is_answered` is set once the answer is there: from then on it is too late to
    /// give up.
    pub(crate) async fn attempt(
        &self,
        workspace: WorkspaceSid,
        (mut delivery, letter): (Delivery, Letter),
        is_answered: Arc<AtomicBool>,
    ) -> Outcome {
        let began = (self.host.now(), Instant::now());
        let (verdict, attempt) = match delivery.about {
            About::Callback { reservation, stage } => {
                let answer = self.post(&letter, &delivery, Wanted::Body).await;
                is_answered.store(true, Ordering::Release);
                self.answered(workspace, (reservation, stage), answer).await
            }
            About::Webhook { .. } => heard(self.post(&letter, &delivery, Wanted::Status).await),
        };
        is_answered.store(true, Ordering::Release);
        let took = i64::try_from(began.1.elapsed().as_millis()).unwrap_or(i64::MAX);
        delivery.add(Attempt { at: began.0, took: Millis(took), ..attempt });
        Outcome { delivery, verdict }
    }

    /// Tells the engine what a callback URL said.
    async fn answered(
        &self,
        workspace: WorkspaceSid,
        (reservation, stage): (ReservationSid, CallbackStage),
        answer: Result<Answer, Trouble>,
    ) -> (Verdict, Attempt) {
        let (status, read) = match answer {
            Ok(answer) => (Some(answer.status), answer::read(&answer)),
            Err(trouble) => {
                let error = Some(trouble.to_string());
                (None, answer::Read { answer: CallbackAnswer::Failed, alert: None, error })
            }
        };
        let verdict = match read.answer {
            CallbackAnswer::Failed => Verdict::GivenUp,
            CallbackAnswer::Do(_) | CallbackAnswer::Nothing => Verdict::Heard,
        };
        let command = Command::AnswerCallback { reservation, stage, answer: read.answer };
        let followed = match self.host.routing(workspace, command).await {
            Ok(Reply::Callback(followed)) => told(followed),
            Ok(_) => (None, None),
            Err(Refusal::NoPartition) => (None, Some("The workspace is gone".to_owned())),
            Err(refusal) => (None, Some(refusal.to_string())),
        };
        let alert = read.alert.or(followed.0);
        (verdict, attempt(status, read.error.or(followed.1), alert))
    }

    async fn post(
        &self,
        letter: &Letter,
        delivery: &Delivery,
        wanted: Wanted,
    ) -> Result<Answer, Trouble> {
        let Letter { url, auth_token, parameters } = letter;
        let form =
            form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
        let signature = sign::signature(auth_token, url, parameters);
        // The event's SID, so that whoever stored the event knows it again.
        let key = match &delivery.about {
            About::Webhook { event, .. } => event.to_string(),
            About::Callback { .. } => delivery.sid.to_string(),
        };
        self.client.post(Post { url, form, signature, key }, wanted).await
    }

    fn event(&self, workspace: WorkspaceSid, event: EventSid) -> Result<Letter, Unsent> {
        let names = self.names(workspace)?;
        let url = names.workspace.event_callback_url.clone();
        let url = url.ok_or_else(|| unsent("The workspace has no EventCallbackUrl any more"))?;
        let logged =
            self.host.event(workspace, event).map_err(|_| unsent("The event cannot be read"))?;
        let logged = logged.ok_or_else(|| unsent("The event is no longer in the log"))?;
        let parameters = wire::event::parameters(&logged, names.account, workspace);
        self.addressed(names.account, url, parameters)
    }

    fn question(
        &self,
        workspace: WorkspaceSid,
        sid: ReservationSid,
        stage: CallbackStage,
    ) -> Result<Letter, Unsent> {
        let names = self.names(workspace)?;
        let reservation: Reservation = self.row(workspace, sid.sid())?;
        if reservation.callback.is_none_or(|asked| asked.stage != stage) {
            return Err(unsent("The reservation is no longer waiting for this answer"));
        }
        let task: Task = self.row(workspace, reservation.task.sid())?;
        let worker: Worker = self.row(workspace, reservation.worker.sid())?;
        let workflow = task.workflow.ok_or_else(|| unsent("The task has no workflow"))?;
        let workflow: Workflow = self.row(workspace, workflow.sid())?;
        let url = match stage {
            CallbackStage::First => workflow.assignment_callback_url,
            CallbackStage::Fallback => workflow.fallback_assignment_callback_url,
        };
        let url = url.ok_or_else(|| unsent("The workflow has no such URL any more"))?;
        let entities = (&reservation, &task, &worker);
        let parameters = wire::callback::parameters(entities, lend(&names), self.host.now());
        self.addressed(names.account, url, parameters)
    }

    fn addressed(
        &self,
        account: Sid,
        url: String,
        parameters: Vec<(&'static str, String)>,
    ) -> Result<Letter, Unsent> {
        let directory = self.host.directory();
        let account = directory.account(account).ok_or_else(|| unsent("The account is gone"))?;
        let auth_token = account.auth_token.reveal().to_owned();
        let owned = parameters.into_iter().map(|(name, value)| (name.to_owned(), value));
        Ok(Letter { url, auth_token, parameters: owned.collect() })
    }

    fn names(&self, workspace: WorkspaceSid) -> Result<Arc<Names>, Unsent> {
        self.host.names(workspace).ok_or_else(|| unsent("The workspace is gone"))
    }

    fn row<R: host::Record>(&self, workspace: WorkspaceSid, key: Sid) -> Result<R, Unsent> {
        let found = self.host.fetch::<R>(&workspace.to_string(), &key.to_string());
        let found = found.map_err(|_| unsent("The store cannot be read"))?;
        found.ok_or_else(|| Unsent(format!("{key} is gone")))
    }
}

fn unsent(why: &str) -> Unsent {
    Unsent(why.to_owned())
}

/// What the answer to a webhook means: whether it was heard is all that matters.
fn heard(answer: Result<Answer, Trouble>) -> (Verdict, Attempt) {
    match answer {
        Ok(answer) => {
            let verdict = match answer.status {
                200..300 => Verdict::Heard,
                429 | 500.. => Verdict::TryAgain,
                _ => Verdict::GivenUp,
            };
            let error =
                (verdict != Verdict::Heard).then(|| format!("The status is {}", answer.status));
            (verdict, attempt(Some(answer.status), error, None))
        }
        Err(trouble @ (Trouble::Url(_) | Trouble::Private(_))) => {
            (Verdict::GivenUp, attempt(None, Some(trouble.to_string()), None))
        }
        Err(trouble) => (Verdict::TryAgain, attempt(None, Some(trouble.to_string()), None)),
    }
}

/// Its time is set by whoever measures it.
fn attempt(response_status: Option<u16>, error: Option<String>, alert: Option<Alert>) -> Attempt {
    let (at, took) = (base::Timestamp(0), Millis(0));
    Attempt { at, took, response_status, error, alert: alert.map(Alert::code) }
}

/// What the engine made of an answer.
fn told(followed: Followed) -> (Option<Alert>, Option<String>) {
    match followed {
        Followed::Done(alert) => (alert, alert.map(|alert| alert.to_string())),
        Followed::Refused(alert) => (Some(alert), Some(alert.to_string())),
        Followed::Late(alert) => (alert, Some("The answer came too late".to_owned())),
    }
}

/// Lends a workspace's names to the shapes of `wire`.
fn lend(names: &Names) -> wire::Names<'_> {
    wire::Names {
        account: names.account,
        workspace: &names.workspace,
        activities: &names.activities,
        queues: &names.queues,
        workflows: &names.workflows,
        channels: &names.channels,
    }
}
