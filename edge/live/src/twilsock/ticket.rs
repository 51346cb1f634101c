//! Continuation tokens and storage ids: what a client is given to be known by when it comes back.
//!
//! * A ticket names a session and proves, by a key that lives as long as this process, for whom it
//!   was written; somebody else's is worth nothing.
//! * A storage id follows from account, service and identity alone, so it is the same after any
//!   restart, and tells nothing of what it was made from.

use base::Sid;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;

/// Bytes of the proof that are kept.
const PROOF_BYTES: usize = 16;

/// Writes tickets and knows its own.
#[derive(Clone)]
pub(crate) struct Tickets {
    key: [u8; 32],
}

impl Tickets {
    /// `key` is random and known to nobody.
    pub(crate) const fn new(key: [u8; 32]) -> Self {
        Self { key }
    }

    /// A ticket for a session.
    pub(crate) fn write(&self, session: u128, account: Sid, identity: &str) -> String {
        let mut bytes = session.to_be_bytes().to_vec();
        let proof = self.proof(session, account, identity).finalize().into_bytes();
        bytes.extend_from_slice(&proof[..PROOF_BYTES]);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The session of a ticket that was written for this caller.
    pub(crate) fn read(&self, ticket: &str, account: Sid, identity: &str) -> Option<u128> {
        // A ticket has one length; whatever else came is not decoded.
        if ticket.len() > 64 {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(ticket).ok()?;
        let (session, proof) = bytes.split_first_chunk::<16>()?;
        let session = u128::from_be_bytes(*session);
        let wanted = self.proof(session, account, identity);
        (proof.len() == PROOF_BYTES && wanted.verify_truncated_left(proof).is_ok())
            .then_some(session)
    }

    fn proof(&self, session: u128, account: Sid, identity: &str) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).expect("any length is a key");
        mac.update(&session.to_be_bytes());
        mac.update(account.to_string().as_bytes());
        mac.update(identity.as_bytes());
        mac
    }
}

/// Where a browser keeps what this identity opened in this service.
pub(crate) fn storage_id(account: Sid, service: &str, identity: &str) -> String {
    let mut hash = Sha256::new();
    for part in ["storage", &account.to_string(), service, identity] {
        hash.update(part.len().to_be_bytes());
        hash.update(part.as_bytes());
    }
    let digest = hash.finalize();
    digest[..16].iter().fold(String::with_capacity(32), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a text does not fail");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCOUNT: Sid = Sid::new(*b"AC", 1);

    #[test]
    fn a_ticket_is_good_for_whom_it_was_written() {
        let tickets = Tickets::new([7; 32]);
        let ticket = tickets.write(42, ACCOUNT, "ann");
        assert_eq!(tickets.read(&ticket, ACCOUNT, "ann"), Some(42));
        assert_eq!(tickets.read(&ticket, ACCOUNT, "bob"), None);
        assert_eq!(tickets.read(&ticket, Sid::new(*b"AC", 2), "ann"), None);
        assert_eq!(Tickets::new([8; 32]).read(&ticket, ACCOUNT, "ann"), None);
        let cut = &ticket[..ticket.len() - 4];
        for other in ["", "ct-1", cut, &format!("{ticket}AAAA"), &"A".repeat(10_000)] {
            assert_eq!(tickets.read(other, ACCOUNT, "ann"), None, "{other}");
        }
    }

    #[test]
    fn storage_differs_by_service_and_identity_and_stays() {
        let ann = storage_id(ACCOUNT, "IS1", "ann");
        assert_eq!(ann, "19e7290ad11f0e609b5994139ff3bd2b", "stored in browsers: must not change");
        assert_ne!(ann, storage_id(ACCOUNT, "IS1", "bob"));
        assert_ne!(ann, storage_id(ACCOUNT, "IS2", "ann"));
        assert_ne!(storage_id(ACCOUNT, "a", "bc"), storage_id(ACCOUNT, "ab", "c"));
    }
}
