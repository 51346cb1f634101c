//! Access tokens of workers, signed here as a customer's back end would.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha2::Sha256;

const LIFE_S: u64 = 3_600;

/// Whose key signs.
pub(crate) struct Signer {
    pub(crate) account: String,
    pub(crate) key: String,
    pub(crate) secret: String,
}

impl Signer {
    /// A token of one worker for the event socket.
    pub(crate) fn worker(&self, workspace: &str, worker: &str) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("now is after 1970").as_secs();
        let header = json!({"alg": "HS256", "typ": "JWT", "cty": "twilio-fpa;v=1"});
        let payload = json!({
            "jti": format!("{}-{now}", self.key),
            "iss": self.key,
            "sub": self.account,
            "iat": now,
            "exp": now + LIFE_S,
            "grants": {
                "identity": worker,
                "task_router": {
                    "workspace_sid": workspace,
                    "worker_sid": worker,
                    "role": "worker",
                },
            },
        });
        let signed = format!("{}.{}", encode(&header.to_string()), encode(&payload.to_string()));
        let mac = Hmac::<Sha256>::new_from_slice(self.secret.as_bytes());
        let mut mac = mac.expect("HMAC takes keys of any length");
        mac.update(signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
    }
}

fn encode(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_covers_header_and_payload() {
        // The key and the data are those of RFC 4231, test case 2.
        let mut mac = Hmac::<Sha256>::new_from_slice(b"Jefe").unwrap();
        mac.update(b"what do ya want for nothing?");
        let bytes = mac.finalize().into_bytes();
        assert_eq!(bytes[..4], [0x5b, 0xdc, 0xc1, 0x46]);
        let signer = |secret: &str| Signer {
            account: "AC1".into(),
            key: "SK1".into(),
            secret: secret.into(),
        };
        let token = signer("a").worker("WS1", "WK1");
        let parts: Vec<&str> = token.split('.').collect();
        let payload = URL_SAFE_NO_PAD.decode(parts[1]).unwrap();
        let payload: serde_json::Value = serde_json::from_slice(&payload).unwrap();
        assert_eq!(payload["grants"]["task_router"]["worker_sid"], "WK1");
        assert_eq!(payload["iss"], "SK1");
        assert_ne!(parts[2], signer("b").worker("WS1", "WK1").split('.').nth(2).unwrap());
    }
}
