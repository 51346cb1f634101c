//! What can go wrong with a callback, an instruction or a known worker, by the numbers the field
//! knows.
//!
//! An alert is logged with the delivery it belongs to; only a refused instruction is also answered
//! with one. Those about known workers are told by Explain and by warnings.

use std::fmt;

macro_rules! alerts {
    ($($variant:ident = $code:literal, $message:literal;)+) => {
        /// An alert.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Alert { $(#[doc = $message] $variant),+ }

        impl Alert {
            /// Its number.
            pub const fn code(self) -> u32 {
                match self { $(Self::$variant => $code),+ }
            }

            /// What it means.
            pub const fn message(self) -> &'static str {
                match self { $(Self::$variant => $message),+ }
            }
        }
    };
}

alerts! {
    ContentType = 40000, "The answer to the assignment callback is not application/json";
    Unparsable = 40001, "The answer to the assignment callback is not a JSON object";
    NoInstruction = 40005, "The answer to the assignment callback has no instruction";
    RejectActivity = 40100, "The instruction reject has no valid activity_sid";
    CallTo = 40110, "The instruction call has no 'to', and the worker no contact_uri";
    CallFrom = 40111, "The instruction call has no 'from'";
    CallUrl = 40112, "The instruction call has no valid 'url'";
    CallFailed = 40113, "The instruction call could not be carried out: no call can be made here";
    CallNotPending = 40114, "The instruction call needs a pending reservation";
    RedirectUrl = 40120, "The instruction redirect has no valid 'url'";
    RedirectCallSid = 40121, "The instruction redirect has no 'call_sid'";
    RedirectFailed = 40122,
        "The instruction redirect could not be carried out: there are no calls here";
    RedirectNotPending = 40123, "The instruction redirect needs a pending reservation";
    DequeueActivity = 40130, "The instruction dequeue has no valid 'post_work_activity_sid'";
    DequeueTo = 40131, "The instruction dequeue has no 'to', and the worker no contact_uri";
    DequeueFrom = 40132, "The instruction dequeue has no 'from', and the task tells none";
    DequeueFailed = 40133,
        "The instruction dequeue could not be carried out: no call can be made here";
    DequeueEvents = 40134, "The instruction dequeue has no valid 'status_callback_events'";
    DequeueNotPending = 40135, "The instruction dequeue needs a pending reservation";
    ConferenceNotPending = 40136, "The instruction conference needs a pending reservation";
    ConferenceTo = 40137, "The instruction conference has no 'to', and the worker no contact_uri";
    ConferenceFrom = 40138, "The instruction conference has no 'from'";
    ConferenceActivity = 40139, "The instruction conference has no valid 'post_work_activity_sid'";
    DequeueNoCall = 40140, "The instruction dequeue needs a task with a call_sid";
    ConferenceNoCall = 40142,
        "The instruction conference needs a task with a call_sid or an outbound_to";
    ConferenceTooLate = 40144,
        "The reservation was no longer pending when the conference was to be made";
    ConferenceFailed = 40145,
        "The instruction conference could not be carried out: no call can be made here";
    SuperviseWorker = 40146, "The instruction supervise has no valid 'supervisor'";
    SuperviseMode = 40146, "The instruction supervise has no valid 'mode'";
    SuperviseNotAccepted = 40146, "The instruction supervise needs an accepted reservation";
    SuperviseFailed = 40146,
        "The instruction supervise could not be carried out: no call can be made here";
    SuperviseContact = 40147, "The instruction supervise needs the supervisor's contact_uri";
    SuperviseFrom = 40148, "The instruction supervise needs a task with a 'from'";
    TransferNoConference = 40149,
        "The instruction conference for a task that was handed over needs its conference_sid";
    TransferInstruction = 40151,
        "A task that was handed over takes accept, reject, conference and supervise only";
    KnownWorkerOutside = 40152, "The known worker is not in the target's task queue";
    KnownWorkerMissing = 40154, "The task has nothing where the target looks for a known worker";
    KnownWorkerUnknown = 40154, "The known worker that the task names does not exist";
    KnownWorkerElsewhere = 40155, "The known worker that the task names is in another workspace";
    UnknownInstruction = 55555, "The instruction is not known";
}

impl fmt::Display for Alert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}
