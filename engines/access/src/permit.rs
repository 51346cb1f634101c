//! Who is calling, and whether that is enough for a route.

use crate::model::{Role, Seat, User};
use base::Sid;
use std::sync::Arc;

/// What a route asks of its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permit {
    /// Anybody, known or not.
    Public,
    /// Anybody known: a person about themselves.
    Signed,
    /// Who works on tasks: agents on their own ones, supervisors on all.
    Work,
    /// Who may see all of the account: supervisors and up.
    Read,
    /// Who may change what an account consists of: admins and keys.
    Write,
    /// Who may change people and other credentials: admins and keys.
    Admin,
}

/// A caller whose credentials were proved.
#[derive(Clone, Debug, PartialEq)]
pub struct Principal {
    /// The account everything happens in.
    pub account: Sid,
    /// On whose behalf.
    pub who: Who,
}

/// Which workspaces of the account a caller may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// All.
    Account,
    /// This one.
    Workspace(Sid),
    /// None.
    Nowhere,
}

/// On whose behalf a call is made.
#[derive(Clone, Debug, PartialEq)]
pub enum Who {
    /// The account's own token.
    Account,
    /// An API key.
    Key(Sid),
    /// A person with a session.
    Person(Arc<User>),
    /// A program of a person, by access token.
    Bearer {
        /// What the token calls the person.
        identity: String,
        /// From its grant: worker → agent, supervisor → supervisor.
        role: Role,
        /// The one workspace it is good for, where its grant names one.
        workspace: Option<Sid>,
        /// The worker it speaks for.
        seat: Option<Seat>,
    },
}

impl Principal {
    /// Keys and the account itself may do what an admin may.
    pub fn role(&self) -> Role {
        match &self.who {
            Who::Account | Who::Key(_) => Role::Admin,
            Who::Person(user) => user.role,
            Who::Bearer { role, .. } => *role,
        }
    }

    /// Whether the caller may use a route that asks for `permit`.
    pub fn may(&self, permit: Permit) -> bool {
        match permit {
            Permit::Public | Permit::Signed | Permit::Work => true,
            Permit::Read => self.role() >= Role::Supervisor,
            Permit::Write | Permit::Admin => self.role() == Role::Admin,
        }
    }

    /// The worker the caller works as.
    pub fn seat(&self) -> Option<Seat> {
        match &self.who {
            Who::Account | Who::Key(_) => None,
            Who::Person(user) => user.seat,
            Who::Bearer { seat, .. } => *seat,
        }
    }

    /// An agent sees their own workspace only, and a token the one it was made for, whatever its
    /// role.
    pub fn reach(&self) -> Reach {
        match &self.who {
            Who::Bearer { workspace: Some(only), .. } => Reach::Workspace(*only),
            _ if self.role() > Role::Agent => Reach::Account,
            _ => self.seat().map_or(Reach::Nowhere, |seat| Reach::Workspace(seat.workspace)),
        }
    }

    /// The person's name, if a person calls.
    pub fn username(&self) -> Option<&str> {
        match &self.who {
            Who::Account | Who::Key(_) => None,
            Who::Person(user) => Some(&user.username),
            Who::Bearer { identity, .. } => Some(identity),
        }
    }
}
