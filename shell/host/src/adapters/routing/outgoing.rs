//! What a turn has to tell outside: instructions to ask for, and events to post.
//!
//! * Costs nothing where no URL is configured.
//! * What is to be told is named, not copied: whoever tells it reads the rows.

use crate::delivery::{About, Delivery};
use base::Sid;
use routing::{Change, Event, ReservationSid, Routing, Setting, TaskSid};
use store::RowWrite;

/// One row for everything to be told.
pub(super) fn rows(
    routing: &Routing,
    changes: &[Change],
    events: &[Event],
    rows: &mut Vec<RowWrite>,
) {
    for change in changes {
        match change {
            Change::TaskOffered { reservations, .. } => {
                for one in reservations.iter().filter(|one| one.callback.is_some()) {
                    rows.extend(callback(routing, one.sid, one.sid.sid()));
                }
            }
            Change::CallbackMoved { reservation, callback: Some(asked) } => {
                let sid = Delivery::sid_of_asking(*reservation, asked.until);
                rows.extend(callback(routing, *reservation, sid.sid()));
            }
            _ => {}
        }
    }
    let Some(workspace) = routing.settings() else { return };
    if workspace.event_callback_url.is_none() {
        return;
    }
    let wanted = events.iter().filter(|event| event.kind.is_posted_by(workspace));
    #[cfg(feature = "planted-bugs")]
    let wanted = wanted.skip(usize::from(
        events.len() > 1 && crate::planted::is(crate::planted::Planted::ForgetWebhooks),
    ));
    rows.extend(wanted.map(|event| webhook(event).row()));
}

fn callback(routing: &Routing, reservation: ReservationSid, sid: Sid) -> Option<RowWrite> {
    let one = routing.open_reservation(reservation)?;
    let asked = one.callback?;
    let about = About::Callback { reservation, stage: asked.stage };
    let asked_at = asked.until + base::Millis::secs(-routing::limits::CALLBACK_S);
    // Workers of one batch are asked about side by side.
    let order = None;
    Some(Delivery { order, ..Delivery::new(sid, about, Some(one.task), asked_at) }.row())
}

fn webhook(event: &Event) -> Delivery {
    let event_type = event.kind.as_str().to_owned();
    let about = About::Webhook { event: event.sid, event_type };
    let task = event.task.as_ref().map(|task| task.sid);
    let order = task.map(TaskSid::sid).or_else(|| subject(event));
    Delivery { order, ..Delivery::new(event.sid.sid(), about, task, event.at) }
}

/// What an event is about that is about no task.
fn subject(event: &Event) -> Option<Sid> {
    let worker = event.worker.as_ref().map(|worker| worker.sid.sid());
    worker.or_else(|| {
        Some(match event.setting.as_deref()? {
            Setting::Workspace(one) => one.sid.sid(),
            Setting::Activity(one) => one.sid.sid(),
            Setting::TaskChannel(one) => one.sid.sid(),
            Setting::TaskQueue(one) => one.sid.sid(),
            Setting::Workflow(one) => one.sid.sid(),
        })
    })
}
