//! A visitor's token: names one task, ends by itself, and is kept nowhere.
//!
//! * `body.seal`, both base64url. The body is workspace, task, end and a random part; the seal is
//!   an HMAC-SHA256 over it.
//! * The key is drawn from the account's own signing key, so that a token outlives a restart; it is
//!   a key of its own, so that no seal fits anything else.

use crate::clock::real_now_s;
use access::Access;
use base::Sid;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use routing::{TaskSid, WorkspaceSid};
use sha2::Sha256;

/// As long as a task may wait where it says nothing else.
const LIFE_S: i64 = 86_400;
const BODY_BYTES: usize = 16 + 16 + 8 + 16;
const PURPOSE: &[u8] = b"sinew visitor token 1";

/// Makes and proves tokens.
pub(super) struct Signer {
    /// For accounts without a signing key: then tokens end with the process.
    fallback: [u8; 32],
}

/// What a token names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Visit {
    pub(super) workspace: WorkspaceSid,
    pub(super) task: TaskSid,
    /// Seconds of the real clock.
    pub(super) expires_s: i64,
}

impl Signer {
    pub(super) fn new() -> Self {
        Self { fallback: random() }
    }

    /// A token for a task that was just made.
    pub(super) fn sign(
        &self,
        access: &Access,
        account: Sid,
        workspace: WorkspaceSid,
        task: TaskSid,
    ) -> String {
        let mut body = Vec::with_capacity(BODY_BYTES);
        body.extend(workspace.body().to_be_bytes());
        body.extend(task.body().to_be_bytes());
        body.extend((real_now_s() + LIFE_S).to_be_bytes());
        body.extend(random::<16>());
        let seal = self.sealing(access, account, &body).finalize().into_bytes();
        format!("{}.{}", URL_SAFE_NO_PAD.encode(&body), URL_SAFE_NO_PAD.encode(seal))
    }

    /// What a token names, if it is one of ours and not over. `account` says whose a workspace is.
    pub(super) fn prove(
        &self,
        access: &Access,
        token: &str,
        account: impl Fn(WorkspaceSid) -> Option<Sid>,
    ) -> Option<Visit> {
        let (body, seal) = token.split_once('.')?;
        let body = URL_SAFE_NO_PAD.decode(body).ok()?;
        let seal = URL_SAFE_NO_PAD.decode(seal).ok()?;
        let visit = read(&body)?;
        let account = account(visit.workspace)?;
        self.sealing(access, account, &body).verify_slice(&seal).ok()?;
        (real_now_s() < visit.expires_s).then_some(visit)
    }

    fn sealing(&self, access: &Access, account: Sid, body: &[u8]) -> Hmac<Sha256> {
        let secret = match access.signing_key(account) {
            Some(key) => key.secret.reveal().as_bytes(),
            None => &self.fallback,
        };
        let mut own_key = mac(secret);
        own_key.update(PURPOSE);
        let mut sealing = mac(&own_key.finalize().into_bytes());
        sealing.update(body);
        sealing
    }
}

fn read(body: &[u8]) -> Option<Visit> {
    let body: &[u8; BODY_BYTES] = body.try_into().ok()?;
    let part = |at: usize| body[at..at + 16].try_into().map(u128::from_be_bytes).ok();
    Some(Visit {
        workspace: WorkspaceSid::new(part(0)?),
        task: TaskSid::new(part(16)?),
        expires_s: i64::from_be_bytes(body[32..40].try_into().ok()?),
    })
}

fn mac(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("HMAC takes keys of any length")
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCOUNT: Sid = Sid::new(*b"AC", 1);
    const WORKSPACE: WorkspaceSid = WorkspaceSid::new(7);

    #[test]
    fn a_token_names_its_task_and_nothing_else_passes() {
        let (signer, access) = (Signer::new(), Access::default());
        let token = signer.sign(&access, ACCOUNT, WORKSPACE, TaskSid::new(9));
        let prove = |signer: &Signer, token: &str| {
            signer.prove(&access, token, |sid| (sid == WORKSPACE).then_some(ACCOUNT))
        };
        let visit = prove(&signer, &token).unwrap();
        assert_eq!((visit.workspace, visit.task), (WORKSPACE, TaskSid::new(9)));
        assert_eq!(prove(&Signer::new(), &token), None);
        assert_eq!(signer.prove(&access, &token, |_| None), None);
        for at in 0..token.len() {
            let mut bytes = token.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            let forged = String::from_utf8(bytes).unwrap();
            // The last character of each part also carries bits that mean nothing.
            let same = prove(&signer, &forged) == Some(visit);
            assert!(!same || at + 1 == token.len(), "character {at}");
        }
        for text in ["", ".", "a.b", "AAAA.AAAA", "ä.ö"] {
            assert_eq!(prove(&signer, text), None, "{text}");
        }
    }

    #[test]
    fn two_tokens_of_one_task_differ() {
        let (signer, access) = (Signer::new(), Access::default());
        let sign = || signer.sign(&access, ACCOUNT, WORKSPACE, TaskSid::new(9));
        assert_ne!(sign(), sign());
    }
}
