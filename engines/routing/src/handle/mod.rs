//! Commands: checked first, then recorded; a rejected command leaves no change behind.
//!
//! * [`Routing::record`] is the one door: outside replay, nothing else calls `apply`.
//! * After each command waiting tasks are settled (see `matching`), so between commands no
//!   waiting task has an eligible worker, unless there was too much to do (see `portion`).

mod activity;
mod callback;
mod capacity;
mod check_input;
mod expire;
mod follow;
mod note;
mod offer;
mod ordering;
mod portion;
mod prepare;
mod queue;
mod reservation;
mod schedule;
mod task;
mod task_channel;
mod task_create;
mod tell;
mod transfer;
mod walk;
mod worker;
mod worker_channel;
mod workflow;
mod workspace;

use crate::{
    change::Change,
    command::{ChannelRef, Command, IfMatch, Reply},
    event::Event,
    model::*,
    rejection::Rejection,
    state::Routing,
};
use base::Sid;

/// One step of a workspace.
pub type Turn<'a> = base::Turn<'a, Change, Event>;

pub(crate) use check_input::compile;
pub use follow::{Asking, Deed, OfferNames, REFUSED, Through, check_configuration};
pub(crate) use portion::Portion;
#[cfg(feature = "small-portions")]
pub use portion::cut_engines_into;

type Handled = Result<Reply, Rejection>;

impl Routing {
    /// Carries out a command, or refuses it and changes nothing.
    ///
    /// The effects of the turn are the events to announce, in order, each with its entities as
    /// they were at that moment.
    pub fn handle(&mut self, turn: &mut Turn<'_>, command: &Command) -> Result<Reply, Rejection> {
        self.begin();
        let reply = self.carry_out(turn, command);
        if reply.is_ok() {
            self.settle(turn);
            self.finish(turn);
        }
        self.parsed = None;
        Ok(self.as_settled(reply?))
    }

    fn carry_out(&mut self, turn: &mut Turn<'_>, command: &Command) -> Handled {
        if let Command::CreateWorkspace(new) = command {
            return self.create_workspace(turn, new);
        }
        if self.workspace.is_none() {
            return Err(Rejection::NoWorkspace);
        }
        match command {
            Command::CreateWorkspace(new) => self.create_workspace(turn, new),
            Command::UpdateWorkspace(patch) => self.update_workspace(turn, patch),
            Command::DeleteWorkspace => self.delete_workspace(turn),
            Command::CreateActivity(new) => self.create_activity(turn, new),
            Command::UpdateActivity { sid, friendly_name } => {
                self.update_activity(turn, *sid, friendly_name.as_deref())
            }
            Command::DeleteActivity(sid) => self.delete_activity(turn, *sid),
            Command::CreateTaskChannel(new) => self.create_task_channel(turn, new),
            Command::UpdateTaskChannel { channel, friendly_name, channel_optimized_routing } => {
                let name = friendly_name.as_deref();
                self.update_task_channel(turn, channel, name, *channel_optimized_routing)
            }
            Command::DeleteTaskChannel(channel) => self.delete_task_channel(turn, channel),
            Command::SetCapacity { if_match, body } => self.set_capacity(turn, *if_match, body),
            Command::SetSchedule { name, if_match, body } => {
                self.set_schedule(turn, name, *if_match, body)
            }
            Command::DeleteSchedule { name, if_match } => {
                self.delete_schedule(turn, name, *if_match)
            }
            Command::CreateWorker(new) => self.create_worker(turn, new),
            Command::UpdateWorker { sid, if_match, patch } => {
                self.update_worker(turn, *sid, *if_match, patch)
            }
            Command::DeleteWorker { sid, if_match } => self.delete_worker(turn, *sid, *if_match),
            Command::UpdateWorkerChannel { worker, channel, capacity, available } => {
                self.update_worker_channel(turn, *worker, channel, (*capacity, *available))
            }
            Command::CreateTaskQueue(new) => self.create_task_queue(turn, new),
            Command::UpdateTaskQueue { sid, patch } => self.update_task_queue(turn, *sid, patch),
            Command::SetOrdering { queue, if_match, body } => {
                self.set_ordering(turn, *queue, *if_match, body)
            }
            Command::DeleteTaskQueue(sid) => self.delete_task_queue(turn, *sid),
            Command::CreateWorkflow(new) => self.create_workflow(turn, new),
            Command::UpdateWorkflow { sid, patch } => self.update_workflow(turn, *sid, patch),
            Command::DeleteWorkflow(sid) => self.delete_workflow(turn, *sid),
            Command::CreateTask(new) => self.create_task(turn, new),
            Command::UpdateTask { sid, if_match, patch } => {
                self.update_task_fields(turn, *sid, *if_match, patch)
            }
            Command::DeleteTask { sid, if_match } => self.remove_task(turn, *sid, *if_match),
            Command::UpdateReservation { sid, owner, if_match, step } => {
                self.update_reservation(turn, *sid, (*owner, *if_match), step)
            }
            Command::AnswerCallback { reservation, stage, answer } => {
                self.answer_callback(turn, *reservation, *stage, answer)
            }
            Command::CreateTransfer(new) => self.create_transfer(turn, new),
            Command::CancelTransfer { sid, task } => self.cancel_transfer(turn, *task, *sid),
            Command::AskCallback { reservation } => self.ask_callback(turn, *reservation),
            Command::SetDisposition { task, code, note } => {
                self.dispose(turn, *task, code, note.as_deref())
            }
        }
    }

    /// The one door through which state moves.
    pub(crate) fn record(&mut self, turn: &mut Turn<'_>, change: Change) {
        let before = self.glance(&change);
        self.move_by(&change);
        self.note(turn, before, &change);
        turn.changes.push(change);
    }

    /// The entity of a reply as it is once everything has settled.
    fn as_settled(&self, reply: Reply) -> Reply {
        match reply {
            Reply::Task(task) => Reply::Task(self.task(task.sid).cloned().unwrap_or(task)),
            Reply::Worker(worker) => {
                let now = self.workers.get(worker.sid).map(|state| state.worker.clone());
                Reply::Worker(now.unwrap_or(worker))
            }
            Reply::WorkerChannel(channel) => {
                let now = self.worker_channel(channel.worker, channel.task_channel);
                Reply::WorkerChannel(now.unwrap_or(channel))
            }
            Reply::Reservation(reservation, task, name) => {
                let now = self.reservation(reservation.sid).cloned().unwrap_or(reservation);
                Reply::Reservation(now, self.task(task.sid).cloned().unwrap_or(task), name)
            }
            settled => settled,
        }
    }

    /// Call only behind the check that the workspace is there.
    pub(crate) fn workspace(&self) -> &Workspace {
        self.workspace.as_ref().expect("commands but the first need a workspace")
    }

    fn channel(&self, channel: &ChannelRef) -> Result<&TaskChannel, Rejection> {
        match channel {
            ChannelRef::Sid(sid) => {
                self.channels.get(*sid).ok_or_else(|| Rejection::Unknown(sid.sid()))
            }
            ChannelRef::Name(name) => {
                self.channels.named(name).ok_or_else(|| Rejection::UnknownChannel(name.clone()))
            }
        }
    }

    /// An activity named in a parameter.
    fn activity_in(
        &self,
        parameter: &'static str,
        sid: ActivitySid,
    ) -> Result<&Activity, Rejection> {
        let found = self.activities.get(&sid).map(|state| &state.activity);
        found.ok_or(Rejection::UnknownParameter { parameter, sid: sid.sid() })
    }
}

fn unknown(sid: Sid) -> Rejection {
    Rejection::Unknown(sid)
}

fn matches(if_match: IfMatch, current: u64) -> Result<(), Rejection> {
    match if_match {
        IfMatch::Any => Ok(()),
        IfMatch::Version(version) if version == current => Ok(()),
        IfMatch::Version(_) | IfMatch::Nothing => Err(Rejection::Stale { current }),
    }
}
