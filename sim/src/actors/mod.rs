//! The people of a simulation. Each has its own branch of the seed and knows what anybody could
//! know: durable rows and the events it hears.

mod admin;
mod agent;
mod courier;
mod customer;

pub(crate) use admin::Admin;
pub(crate) use agent::Agent;
pub(crate) use courier::Courier;
pub(crate) use customer::Customer;

use crate::{agenda::Agenda, checks::Checks, faults::Switches, machine::Machine};
use base::Timestamp;
use host::delivery::Delivery;
use routing::{Command, Reply, WorkspaceSid};

/// Somebody.
pub(crate) enum Actor {
    /// Creates tasks and changes their mind.
    Customer(Customer),
    /// Works.
    Agent(Agent),
    /// Changes everything else.
    Admin(Admin),
    /// Tells what is to be told outside, for all workspaces.
    Courier(Courier),
}

/// What an actor sees of the world when it looks.
pub(crate) struct View<'a> {
    /// The time.
    pub now: Timestamp,
    /// Durable rows.
    pub checks: &'a Checks,
    /// `None` while it is down.
    pub machine: Option<&'a Machine>,
    /// What is on in this seed.
    pub switches: Switches,
    /// Nothing goes wrong any more; everybody does their work.
    pub is_calm: bool,
}

/// What an actor wants.
#[derive(Default)]
pub(crate) struct Wish {
    /// To be carried out now.
    pub commands: Vec<(WorkspaceSid, Command)>,
    /// To be written down now.
    pub notes: Vec<Note>,
    /// When to look again, in milliseconds; `None` for never.
    pub again_ms: Option<u64>,
}

/// What became of a delivery.
#[derive(Clone, Debug)]
pub(crate) struct Note {
    /// In which workspace.
    pub workspace: WorkspaceSid,
    /// The delivery as it is now.
    pub delivery: Delivery,
}

/// What became of a command.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// Carried out.
    Done(Box<Reply>),
    /// Refused by the engine.
    Rejected,
    /// Not now, or nobody knows: the caller may try again.
    Unclear,
    /// The workspace is gone.
    Gone,
}

impl Actor {
    /// Looks, and says what to do.
    pub(crate) fn look(&mut self, view: &View<'_>) -> Wish {
        match self {
            Self::Customer(customer) => customer.look(view),
            Self::Agent(agent) => agent.look(view),
            Self::Admin(admin) => admin.look(view),
            Self::Courier(courier) => courier.look(view),
        }
    }

    /// Hears what became of a command.
    pub(crate) fn hear(&mut self, command: &Command, outcome: &Outcome, now: Timestamp) {
        match self {
            Self::Agent(agent) => agent.hear(command, outcome, now),
            Self::Courier(courier) => courier.hear(command, outcome, now),
            Self::Customer(_) | Self::Admin(_) => {}
        }
    }

    /// A note of this actor is not durable, or nobody knows.
    pub(crate) fn unwritten(&mut self, note: Note, view: &View<'_>) {
        match self {
            Self::Courier(courier) => courier.unwritten(note, view),
            Self::Customer(_) | Self::Agent(_) | Self::Admin(_) => {}
        }
    }

    /// For the script.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Customer(_) => "customer",
            Self::Agent(_) => "agent",
            Self::Admin(_) => "admin",
            Self::Courier(_) => "courier",
        }
    }
}

/// Puts everybody on the agenda.
pub(crate) fn wake_all(agenda: &mut Agenda, actors: usize) {
    for actor in 0..actors {
        agenda.at(agenda.after(actor as i64 * 7), crate::agenda::What::Actor(actor));
    }
}
