//! Who calls: an access token with a routing grant, and what it may touch.

use super::Bridge;
use crate::answer::Trouble;
use crate::clock::real_now_s;
use access::{
    Role,
    token::{self, Claims, TokenError},
};
use host::Names;
use routing::{WorkerSid, WorkspaceSid};
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// A proved token that speaks for a workspace of its account.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    /// The workspace.
    pub(crate) workspace: WorkspaceSid,
    /// Its parts, as they were when the call came.
    pub(crate) names: Arc<Names>,
    /// The worker it speaks for; supervisors may have none.
    pub(crate) worker: Option<WorkerSid>,
    /// May touch other workers and all tasks.
    pub(crate) supervisor: bool,
    /// When the token ends, in seconds of the real clock.
    pub(crate) expires_s: i64,
    /// Names the token without keeping it.
    pub(crate) token_hash: [u8; 32],
}

impl Bridge {
    /// Proves a token.
    pub(crate) fn caller(&self, token: &str) -> Result<Caller, Trouble> {
        let claims = token::verify(&self.host.directory(), token, real_now_s())
            .map_err(|error| Trouble::unauthenticated(error.to_string()))?;
        let workspace = workspace_of(&claims)?;
        let names = self.host.names(workspace).filter(|names| names.account == claims.sub);
        Ok(Caller {
            workspace,
            names: names.ok_or_else(|| Trouble::forbidden("The token's workspace is gone"))?,
            worker: worker_of(&claims)?,
            supervisor: claims.principal().role() >= Role::Supervisor,
            expires_s: claims.exp,
            token_hash: Sha256::digest(token.as_bytes()).into(),
        })
    }
}

impl Bridge {
    /// Asked again and again while a socket is open: a person who was removed, or may less than
    /// before, listens no longer. The end of the token's time is not asked here.
    pub(crate) fn may_stay(&self, token: &str) -> Box<dyn Fn() -> bool + Send + Sync> {
        let (host, token) = (self.host.clone(), token.to_owned());
        Box::new(move || {
            let verified = token::verify(&host.directory(), &token, real_now_s());
            matches!(verified, Ok(_) | Err(TokenError::Expired))
        })
    }
}

fn workspace_of(claims: &Claims) -> Result<WorkspaceSid, Trouble> {
    let grant = claims.grants.task_router.as_ref();
    let sid = grant.and_then(|grant| grant.workspace_sid);
    let sid = sid.ok_or_else(|| Trouble::forbidden("The token has no grant for a workspace"))?;
    sid.to_string().parse().map_err(|_| Trouble::forbidden("The token's workspace is no workspace"))
}

fn worker_of(claims: &Claims) -> Result<Option<WorkerSid>, Trouble> {
    let grant = claims.grants.task_router.as_ref();
    let Some(sid) = grant.and_then(|grant| grant.worker_sid) else { return Ok(None) };
    let parsed = sid.to_string().parse();
    parsed.map(Some).map_err(|_| Trouble::forbidden("The token's worker is no worker"))
}

impl Caller {
    /// Refuses another workspace's path.
    pub(crate) fn within(&self, workspace: WorkspaceSid) -> Result<(), Trouble> {
        if workspace == self.workspace {
            return Ok(());
        }
        Err(Trouble::forbidden("The token does not speak for this workspace"))
    }

    /// Refuses another worker's path, unless a supervisor calls.
    pub(crate) fn speaks_for(&self, worker: WorkerSid) -> Result<(), Trouble> {
        if self.supervisor || self.worker == Some(worker) {
            return Ok(());
        }
        Err(Trouble::forbidden("The token does not speak for this worker"))
    }

    /// Refuses everybody but supervisors.
    pub(crate) fn supervises(&self) -> Result<(), Trouble> {
        if self.supervisor {
            return Ok(());
        }
        Err(Trouble::forbidden("This is for supervisors"))
    }
}
