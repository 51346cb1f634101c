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
    /// A client library, through its socket and within the one service of its token.
    Endpoint,
    /// A client library whose token supervises a workspace.
    Supervision,
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
    /// A client library whose token was proved when its socket was opened.
    Endpoint {
        /// What the token calls the person.
        identity: Arc<str>,
        /// The service that its grant names: a SID, or a name for it.
        service: Arc<str>,
        /// The program, by the name that it or the server gave it.
        endpoint: Arc<str>,
        /// The workspace that the token supervises, if it does.
        supervises: Option<Sid>,
    },
}

impl Principal {
    /// Keys and the account itself may do what an admin may.
    pub fn role(&self) -> Role {
        match &self.who {
            Who::Account | Who::Key(_) => Role::Admin,
            Who::Person(user) => user.role,
            Who::Bearer { role, .. } => *role,
            Who::Endpoint { .. } => Role::Agent,
        }
    }

    /// Whether the caller may use a route that asks for `permit`.
    pub fn may(&self, permit: Permit) -> bool {
        let is_endpoint = matches!(self.who, Who::Endpoint { .. });
        match permit {
            Permit::Public => true,
            Permit::Endpoint => is_endpoint,
            Permit::Supervision => self.supervises().is_some(),
            Permit::Signed | Permit::Work => !is_endpoint,
            Permit::Read => self.role() >= Role::Supervisor,
            Permit::Write | Permit::Admin => self.role() == Role::Admin,
        }
    }

    /// The workspace that a client library's token supervises.
    pub fn supervises(&self) -> Option<Sid> {
        match &self.who {
            Who::Endpoint { supervises, .. } => *supervises,
            Who::Account | Who::Key(_) | Who::Person(_) | Who::Bearer { .. } => None,
        }
    }

    /// The worker the caller works as.
    pub fn seat(&self) -> Option<Seat> {
        match &self.who {
            Who::Account | Who::Key(_) => None,
            Who::Person(user) => user.seat,
            Who::Bearer { seat, .. } => *seat,
            Who::Endpoint { .. } => None,
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
            Who::Endpoint { identity, .. } => Some(identity),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_may_what_is_for_endpoints_and_nothing_else() {
        let account = Sid::new(*b"AC", 1);
        let (identity, service, endpoint) = ("ann".into(), "default".into(), "e".into());
        let who = Who::Endpoint { identity, service, endpoint, supervises: None };
        let endpoint = Principal { account, who };
        let owner = Principal { account, who: Who::Account };
        let others = [Permit::Signed, Permit::Work, Permit::Read, Permit::Write, Permit::Admin];
        for permit in others {
            assert!(!endpoint.may(permit) && owner.may(permit), "{permit:?}");
        }
        assert!(!endpoint.may(Permit::Supervision) && !owner.may(Permit::Supervision));
        assert!(endpoint.may(Permit::Endpoint) && !owner.may(Permit::Endpoint));
        assert!(endpoint.may(Permit::Public));
        assert_eq!((endpoint.reach(), endpoint.seat()), (Reach::Nowhere, None));
    }
}
