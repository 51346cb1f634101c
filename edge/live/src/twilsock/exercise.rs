//! Everything that must hold for any bytes at all that a client sends. The fuzz target and the
//! stable tests share it.

use super::{
    codec::{self, FRAME_BYTES_MAX},
    session::{Closing, Denial, Effect, Purpose, Session},
    ticket::Tickets,
};
use access::token::{Claims, Grants, ServiceGrant};
use base::Sid;
use bytes::Bytes;
use std::sync::Arc;

const NOW_MS: i64 = 1_800_000_000_000;

/// Feeds bytes to a fresh connection and to one that is open.
///
/// # Panics
/// If something does not hold.
#[cfg_attr(not(feature = "fuzzing"), expect(unreachable_pub, reason = "the fuzz target calls it"))]
pub fn exercise(input: &[u8]) {
    if let Ok(packet) = codec::decode(input) {
        assert!(packet.payload.len() <= input.len() && input.len() <= FRAME_BYTES_MAX);
    }
    let init = br#"{"method":"init","id":"1","token":"t","payload_size":0}"#;
    let init = [format!("TWILSOCK V3.0 {}\r\n", init.len()).as_bytes(), init, b"\r\n"].concat();
    for before in [None, Some(&init[..])] {
        let tickets = Arc::new(Tickets::new([1; 32]));
        let mut session = Session::new(tickets, 1, Some(10), NOW_MS);
        if let Some(before) = before {
            check(&session.receive(before, NOW_MS, prove));
            assert!(session.is_open());
        }
        let effects = session.receive(input, NOW_MS, prove);
        check(&effects);
        for effect in &effects {
            if let Effect::Relay(relay) = effect {
                let response = http::Response::new(Bytes::from_static(b"{}"));
                let frame = session.answered(&relay.id, &response).expect("it is open");
                check(&[Effect::Send(frame)]);
            }
        }
        let (mut now_ms, mut wakes) = (NOW_MS, 0);
        while let Some(at_ms) = session.wake_at_ms() {
            wakes += 1;
            assert!(wakes < 20, "it wakes again and again at {now_ms}");
            now_ms = now_ms.max(at_ms);
            check(&session.wake(now_ms, |_| true));
        }
        check(&session.close(Closing::Offload, now_ms));
        let mut session = Session::new(Arc::new(Tickets::new([1; 32])), 1, Some(10), NOW_MS);
        check(&session.receive(before.unwrap_or_default(), NOW_MS, prove));
        check(&session.receive_long(input, NOW_MS));
    }
}

/// Whatever is sent can be read by a client that splits by line breaks.
fn check(effects: &[Effect]) {
    for effect in effects {
        let Effect::Send(frame) = effect else { continue };
        let breaks = frame.windows(2).filter(|two| two == b"\r\n").count();
        assert_eq!(breaks, 2, "{}", String::from_utf8_lossy(frame));
        assert!(codec::decode(frame).is_ok(), "{}", String::from_utf8_lossy(frame));
    }
}

fn prove(token: &str, _: Purpose) -> Result<Claims, Denial> {
    let grant = ServiceGrant { service_sid: Some("default".to_owned()), endpoint_id: None };
    let identity = Some(token.to_owned());
    let grants = Grants { identity, data_sync: Some(grant), ..Grants::default() };
    let exp = NOW_MS / 1_000 + 60;
    let (iss, sub) = (Sid::new(*b"SK", 1), Sid::new(*b"AC", 1));
    Ok(Claims { jti: None, iss, sub, iat: None, nbf: None, exp, grants })
}
