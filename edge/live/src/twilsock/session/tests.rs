//! A conversation without a socket.

use super::*;
use access::token::{Grants, ServiceGrant, TaskRouterGrant};
use serde_json::Value;

const NOW_MS: i64 = 1_800_000_000_000;
const NOW_S: i64 = NOW_MS / 1_000;
const ACCOUNT: Sid = Sid::new(*b"AC", 1);

fn claims(identity: &str, life_s: i64) -> Claims {
    let grant = ServiceGrant { service_sid: Some("IS1".into()), endpoint_id: None };
    let identity = Some(identity.to_owned());
    let grants = Grants { identity, data_sync: Some(grant), ..Grants::default() };
    let (iss, iat, exp) = (Sid::new(*b"SK", 1), Some(NOW_S), NOW_S + life_s);
    Claims { jti: None, iss, sub: ACCOUNT, iat, nbf: None, exp, grants }
}

/// Tokens are `identity` or `identity/life in seconds`.
fn prove(token: &str, _: Purpose) -> Result<Claims, Denial> {
    match token.split_once('/') {
        _ if token == "expired" => Err(Denial::Token(TokenError::Expired)),
        _ if token == "forged" => Err(Denial::Token(TokenError::NotOurs)),
        _ if token == "busy" => Err(Denial::Busy { after_ms: 700 }),
        Some((identity, life_s)) => Ok(claims(identity, life_s.parse().expect("seconds"))),
        None => Ok(claims(token, 3_600)),
    }
}

fn session() -> Session {
    Session::new(Arc::new(Tickets::new([1; 32])), 0xfeed, None, NOW_MS)
}

fn frame(header: &Value, payload: &str) -> Bytes {
    let mut header = header.clone();
    header["payload_size"] = payload.len().into();
    codec::encode(&header, payload.as_bytes())
}

/// What was sent: header and payload of each frame.
fn sent(effects: &[Effect]) -> Vec<(Value, Value)> {
    let frames = effects.iter().filter_map(|effect| match effect {
        Effect::Send(frame) => Some(read(frame)),
        Effect::Opened(_) | Effect::Renewed(_) => None,
        Effect::Relay(_) | Effect::Ping | Effect::Hang => None,
    });
    frames.collect()
}

fn read(frame: &Bytes) -> (Value, Value) {
    let text = str::from_utf8(frame).expect("text");
    let parts: Vec<&str> = text.split("\r\n").collect();
    assert_eq!(parts.len(), 3, "{text}");
    assert_eq!(parts[0], format!("TWILSOCK V3.0 {}", parts[1].len()));
    let header: Value = serde_json::from_str(parts[1]).expect("a header");
    assert_eq!(header["payload_size"], parts[2].len());
    (header, serde_json::from_str(parts[2]).unwrap_or_default())
}

fn one(effects: &[Effect]) -> (Value, Value) {
    let mut sent = sent(effects);
    assert_eq!(sent.len(), 1, "{sent:?}");
    sent.remove(0)
}

fn tell(session: &mut Session, header: &Value, payload: &str, now_ms: i64) -> Vec<Effect> {
    session.receive(&frame(header, payload), now_ms, prove)
}

fn init(token: &str) -> Value {
    json!({
        "id": "TM1", "method": "init", "token": token, "continuation_token": null,
        "metadata": {"ver": "1.0.2"}, "tweaks": null,
        "registrations": [{
            "product": "data_sync", "type": "ers", "notification_protocol_version": 0,
            "message_types": ["twilio.sync.event"],
        }],
        "capabilities": ["client_update", "offline_storage", "telemetry.v1"],
    })
}

fn opened(token: &str) -> Session {
    let mut session = session();
    let effects = tell(&mut session, &init(token), "", NOW_MS);
    assert!(matches!(effects[0], Effect::Opened(_)), "{:?}", sent(&effects));
    session
}

#[test]
fn an_init_is_answered_with_what_the_client_needs() {
    let mut session = session();
    let effects = tell(&mut session, &init("ann"), "", NOW_MS);
    let Effect::Opened(granted) = &effects[0] else { panic!("it is open") };
    assert_eq!((&*granted.identity, granted.account), ("ann", ACCOUNT));
    assert_eq!(granted.service(Some("data_sync")).map(|s| &**s), Some("IS1"));
    assert_eq!(granted.service(Some("ip_messaging")), None);
    let (header, _) = one(&effects);
    assert_eq!((&header["method"], &header["id"]), (&json!("reply"), &json!("TM1")));
    assert_eq!(header["status"], json!({"code": 200, "status": "OK"}));
    assert_eq!(header["capabilities"], json!(["client_update", "offline_storage"]));
    assert_eq!(header["continuation_token_status"]["reissued"], false);
    assert_eq!(header["init_registrations"][0]["product"], "data_sync");
    assert_eq!(header["init_registrations"][0]["type"], "ers");
    assert_eq!(header["init_registrations"][0]["message_types"], json!(["twilio.sync.event"]));
    assert_eq!(header["init_registrations"][0]["status"], 200);
    let storage = header["offline_storage"]["data_sync"]["storage_id"].as_str().unwrap();
    assert_eq!(storage, storage_id(ACCOUNT, "IS1", "ann"));
    assert!(session.is_open());
}

#[test]
fn a_bad_token_is_refused_with_its_code_and_the_line_ends() {
    for (token, code, error) in [("expired", 401, 20104), ("forged", 401, 20101), ("", 403, 20403)]
    {
        let mut session = session();
        let effects = tell(&mut session, &init(token), "", NOW_MS);
        let (header, _) = one(&effects);
        assert_eq!(header["status"]["code"], code, "{token}");
        assert_eq!(header["status"]["errorCode"], error, "{token}");
        assert!(header["status"]["description"].is_string());
        assert!(!session.is_open());
        let late = NOW_MS + INIT_LIMIT_MS;
        assert_eq!(session.wake_at_ms(), Some(late));
        assert!(matches!(session.wake(late, |_| true)[..], [Effect::Hang]));
    }
    let (header, payload) = one(&tell(&mut session(), &init("busy"), "", NOW_MS));
    assert_eq!(
        (&header["status"]["code"], &header["status"]["errorCode"]),
        (&json!(429), &json!(51202))
    );
    assert_eq!(payload, json!({"backoff_policy": {"reconnect_min_ms": 700}}));
}

#[test]
fn a_product_without_its_grant_is_refused() {
    let mut wanted = init("ann");
    wanted["registrations"][0]["product"] = "ip_messaging".into();
    let (header, _) = one(&tell(&mut session(), &wanted, "", NOW_MS));
    assert_eq!(header["status"]["code"], 403);
    let mut both = init("ann");
    both["registrations"].as_array_mut().unwrap().push(json!({"product": "ip_messaging"}));
    let (header, _) = one(&tell(&mut session(), &both, "", NOW_MS));
    assert_eq!(header["init_registrations"][1]["status"], 403);
}

#[test]
fn nothing_passes_before_init() {
    for method in ["message", "update", "put_notification_ctx"] {
        let mut session = session();
        let wanted = json!({
            "id": "TM1", "method": method, "token": "ann", "active_grant": "data_sync",
            "http_request": {"host": "h", "path": "/v3/Documents", "method": "GET"},
        });
        let effects = tell(&mut session, &wanted, "", NOW_MS);
        assert_eq!(one(&effects).0["status"]["code"], 401, "{method}");
        assert!(!effects.iter().any(|effect| matches!(effect, Effect::Relay(_))));
    }
}

#[test]
fn a_client_that_shows_its_ticket_goes_on_with_its_session() {
    let mut first = session();
    let (header, _) = one(&tell(&mut first, &init("ann"), "", NOW_MS));
    let ticket = header["continuation_token"].clone();
    let again = |token: &str, ticket: &Value| {
        let tickets = Arc::new(Tickets::new([1; 32]));
        let mut session = Session::new(tickets, 0xbeef, None, NOW_MS);
        let mut init = init(token);
        init["continuation_token"] = ticket.clone();
        let effects = tell(&mut session, &init, "", NOW_MS);
        let Effect::Opened(granted) = &effects[0] else { panic!("it is open") };
        (granted.session, one(&effects).0)
    };
    let (session, header) = again("ann", &ticket);
    assert_eq!((session, &header["continuation_token"]), (0xfeed, &ticket));
    assert_eq!(header["continuation_token_status"]["reissued"], false);
    for (token, ticket) in [("bob", &ticket), ("ann", &json!("ct-of-another-server"))] {
        let (session, header) = again(token, ticket);
        assert_eq!(session, 0xbeef);
        assert_eq!(header["continuation_token_status"]["reissued"], true);
        assert_ne!(&header["continuation_token"], ticket);
    }
}

#[test]
fn a_token_is_warned_of_then_over() {
    let cases = [(5, 2_500), (3_600, 3_420_000), (100, 50_000), (86_400, 86_220_000)];
    for (life_s, warned_after_ms) in cases {
        let mut session = opened(&format!("ann/{life_s}"));
        let warned_at = NOW_MS + warned_after_ms;
        let mut woken = NOW_MS;
        while let Some(at) = session.wake_at_ms().filter(|at| *at < warned_at) {
            assert!(at > woken);
            woken = at;
            session.heard(at);
            assert!(matches!(session.wake(at, |_| true)[..], [Effect::Ping]));
        }
        assert_eq!(session.wake_at_ms(), Some(warned_at));
        let (header, _) = one(&session.wake(warned_at, |_| true));
        assert_eq!(header["method"], "client_update");
        assert_eq!(header["client_update_type"], "token_about_to_expire");
        let over = NOW_MS + life_s * 1_000;
        let (header, _) = one(&session.wake(over, |_| true));
        let expected = json!({"code": 410, "status": "TOKEN_EXPIRED"});
        assert_eq!((&header["method"], &header["status"]), (&json!("close"), &expected));
        assert!(!session.is_open());
        assert!(tell(&mut session, &json!({"method": "update", "id": "2"}), "", over).is_empty());
        assert!(matches!(session.wake(over + FAREWELL_MS, |_| true)[..], [Effect::Hang]));
        assert_eq!(session.wake_at_ms(), None);
    }
}

#[test]
fn a_new_token_prolongs_and_changes_nobody() {
    let mut session = opened("ann/10");
    let update = |token: &str| json!({"id": "TM2", "method": "update", "token": token});
    let (header, _) = one(&tell(&mut session, &update("bob/100"), "", NOW_MS));
    assert_eq!(header["status"]["code"], 403);
    let (header, _) = one(&tell(&mut session, &update("expired"), "", NOW_MS));
    assert_eq!(header["status"]["errorCode"], 20104);
    assert_eq!(session.wake_at_ms(), Some(NOW_MS + 5_000), "the old token still counts");
    assert_eq!(one(&session.wake(NOW_MS + 5_000, |_| true)).0["method"], "client_update");
    let (header, _) = one(&tell(&mut session, &update("ann/40"), "", NOW_MS + 6_000));
    assert_eq!(header["status"]["code"], 200);
    assert!(session.wake(NOW_MS + 10_000, |_| true).is_empty());
    assert_eq!(one(&session.wake(NOW_MS + 20_000, |_| true)).0["method"], "client_update");
    assert_eq!(one(&session.wake(NOW_MS + 40_000, |_| true)).0["status"]["code"], 410);
}

#[test]
fn a_new_token_may_add_a_grant_and_change_a_role_and_leave_no_service_out() {
    let mut session = opened("ann");
    let service = |sid: &str| {
        let endpoint_id = Some("another".into());
        Some(ServiceGrant { service_sid: Some(sid.into()), endpoint_id })
    };
    let mut renew = |change: &dyn Fn(&mut Grants)| {
        let prove = |token: &str, purpose| {
            let mut claims = prove(token, purpose)?;
            change(&mut claims.grants);
            Ok(claims)
        };
        let update = frame(&json!({"id": "TM2", "method": "update", "token": "ann"}), "");
        let effects = session.receive(&update, NOW_MS, prove);
        let renewed = effects.iter().find_map(|effect| match effect {
            Effect::Renewed(granted) => Some(granted.clone()),
            _ => None,
        });
        (one(&effects).0["status"]["code"].as_u64().unwrap(), renewed)
    };
    assert_eq!(renew(&|_| ()), (200, None));
    let (code, granted) = renew(&|grants| grants.data_sync = service("IS1"));
    assert_eq!((code, granted), (200, None), "a device keeps its name while it is connected");
    let (code, granted) = renew(&|grants| grants.chat = service("IS2"));
    let granted = granted.expect("a grant more");
    assert_eq!((code, granted.chat.as_deref()), (200, Some("IS2")));
    assert_eq!(renew(&|_| ()), (403, None), "it was opened for that service too");
    let (code, granted) = renew(&|grants| {
        let workspace_sid = Some(Sid::new(*b"WS", 1));
        let role = Some("supervisor".to_owned());
        grants.chat = service("IS2");
        grants.task_router = Some(TaskRouterGrant { workspace_sid, worker_sid: None, role });
    });
    let supervises = granted.expect("another role").supervises;
    assert_eq!((code, supervises), (200, Some(Sid::new(*b"WS", 1))));
    assert_eq!(renew(&|grants| grants.data_sync = service("IS3")).0, 403);
    assert_eq!(renew(&|grants| grants.data_sync = None).0, 403);
}

#[test]
fn a_request_that_is_too_long_is_refused_and_the_line_goes_on() {
    let header = json!({"id": "TM5", "method": "message", "payload_size": 9_999_999});
    let mut head = codec::encode(&header, b"").to_vec();
    head.extend_from_slice(b"{\"data\":");
    let mut session = opened("ann");
    let (reply, body) = one(&session.receive_long(&head, NOW_MS));
    assert_eq!((&reply["id"], &reply["http_status"]["code"]), (&json!("TM5"), &json!(413)));
    assert_eq!((&body["code"], session.is_open()), (&json!(54006), true));
    let other = codec::encode(&json!({"id": "TM6", "method": "ping", "payload_size": 9}), b"");
    assert_eq!(one(&session.receive_long(&other, NOW_MS)).0["status"]["code"], 417);
    assert_eq!(one(&opened("ann").receive_long(b"hello", NOW_MS)).0["status"]["code"], 406);
    let early = self::session().receive_long(&head, NOW_MS);
    assert_eq!(one(&early).0["status"]["code"], 417, "nobody asks before init");
}

#[test]
fn a_token_that_no_longer_holds_ends_the_connection() {
    let mut session = opened("ann");
    let (header, _) = one(&session.wake(NOW_MS + BEAT_MS, |_| false));
    assert_eq!((&header["method"], &header["status"]["code"]), (&json!("close"), &json!(401)));
}

#[test]
fn a_silent_line_is_dead() {
    let mut session = opened("ann");
    let mut now_ms = NOW_MS;
    for _ in 0..2 {
        now_ms += BEAT_MS;
        assert!(matches!(session.wake(now_ms, |_| true)[..], [Effect::Ping]));
    }
    assert!(matches!(session.wake(now_ms + BEAT_MS, |_| true)[..], [Effect::Hang]));
}

#[test]
fn a_message_becomes_a_request_and_its_answer_a_reply() {
    let mut session = opened("ann");
    let wanted = json!({
        "id": "TM9", "method": "message", "active_grant": "data_sync",
        "payload_type": "application/json",
        "http_request": {
            "host": "cds.us1.twilio.com", "path": "/v3/Maps/a%2Fb/Items", "method": "POST",
            "params": {"Key": "x%20y", "Filter": ["1", "%2B"]},
            "headers": {"If-Match": "3", "not a header": "x"},
        },
    });
    let effects = tell(&mut session, &wanted, "{\"n\":1}", NOW_MS);
    let [Effect::Relay(relay)] = &effects[..] else { panic!("{:?}", sent(&effects)) };
    assert_eq!(relay.principal.username(), Some("ann"));
    let request = &relay.request;
    let uri = "/v3/Maps/a%2Fb/Items?Filter=1&Filter=%2B&Key=x%20y";
    assert_eq!((request.method(), &*request.uri().to_string()), (&Method::POST, uri));
    assert_eq!(request.headers()["if-match"], "3");
    assert_eq!(request.headers()["content-type"], "application/json");
    assert_eq!(&request.body()[..], b"{\"n\":1}");
    let mut response = Response::new(Bytes::from_static(b"{\"sid\":\"ET1\"}"));
    *response.status_mut() = StatusCode::CREATED;
    let (header, body) = read(&session.answered("TM9", &response).expect("it is open"));
    assert_eq!((&header["method"], &header["id"]), (&json!("reply"), &json!("TM9")));
    assert_eq!(header["status"]["code"], 200);
    assert_eq!(header["http_status"], json!({"code": 201, "status": "Created"}));
    assert_eq!((&header["http_headers"], &body["sid"]), (&json!({}), &json!("ET1")));
    *response.status_mut() = StatusCode::NO_CONTENT;
    *response.body_mut() = Bytes::new();
    let (header, _) = read(&session.answered("TM9", &response).expect("it is open"));
    assert_eq!(header["payload_type"], Value::Null, "nothing has no type");
}

#[test]
fn a_message_without_a_grant_or_a_request_is_refused_as_http() {
    let http = json!({"host": "h", "path": "/v3/Documents", "method": "GET"});
    let relative = json!({"host": "h", "path": "v3/Documents", "method": "GET"});
    let spaced = json!({"host": "h", "path": "/v3/a b", "method": "GET"});
    let nested = json!({"host": "h", "path": "/v3", "method": "GET", "params": {"a": {"b": 1}}});
    let cases = [
        ("ip_messaging", &http, 403),
        ("something", &http, 403),
        ("data_sync", &Value::Null, 400),
        ("data_sync", &relative, 400),
        ("data_sync", &spaced, 400),
        ("data_sync", &nested, 400),
    ];
    for (grant, http, status) in cases {
        let wanted =
            json!({"id": "1", "method": "message", "active_grant": grant, "http_request": http});
        let (header, body) = one(&tell(&mut opened("ann"), &wanted, "", NOW_MS));
        assert_eq!(header["status"]["code"], 200, "{grant} {http}");
        assert_eq!(
            (&header["http_status"]["code"], &body["status"]),
            (&json!(status), &json!(status))
        );
    }
}

#[test]
fn requests_a_second_are_bound_where_that_was_asked_for() {
    let wanted = json!({
        "id": "1", "method": "message", "active_grant": "data_sync",
        "http_request": {"host": "h", "path": "/v3/Documents/a", "method": "GET"},
    });
    let mut session = Session::new(Arc::new(Tickets::new([1; 32])), 1, Some(3), NOW_MS);
    tell(&mut session, &init("ann"), "", NOW_MS);
    for now_ms in [NOW_MS, NOW_MS + 1_000] {
        for _ in 0..3 {
            let effects = tell(&mut session, &wanted, "", now_ms);
            assert!(matches!(effects[..], [Effect::Relay(_)]));
            session.answered("1", &Response::new(Bytes::new()));
        }
        let (header, body) = one(&tell(&mut session, &wanted, "", now_ms + 999));
        assert_eq!((&header["http_status"]["code"], &body["code"]), (&json!(429), &json!(51202)));
        assert_eq!(header["http_headers"]["retry-after"], "1");
    }
}

#[test]
fn requests_under_way_are_bound() {
    let mut session = opened("ann");
    let wanted = json!({
        "id": "1", "method": "message", "active_grant": "data_sync",
        "http_request": {"host": "h", "path": "/v3/Documents/a", "method": "GET"},
    });
    for _ in 0..UNDER_WAY_MAX {
        assert!(session.has_room());
        tell(&mut session, &wanted, "", NOW_MS);
    }
    assert!(!session.has_room());
    session.answered("1", &Response::new(Bytes::new()));
    assert!(session.has_room());
}

#[test]
fn a_value_of_another_type_is_refused_and_the_line_stays() {
    let message = json!({
        "id": "RQ1", "method": "message", "active_grant": "data_sync",
        "http_request": {"host": "h", "path": "/v3/Maps", "method": "GET"},
    });
    let with = |name: &str, value: Value| {
        let mut header = message.clone();
        header[name] = value;
        header
    };
    let mut session = opened("ann");
    let raw = |header: &Value| codec::encode(header, b"");
    let request = |field: &str, value: Value| {
        let mut header = message.clone();
        header["http_request"][field] = value;
        header
    };
    let wrong = [
        with("payload_type", json!(5)),
        with("payload_size", json!("0")),
        with("payload_size", json!(-1)),
        with("active_grant", json!(["data_sync"])),
        with("http_request", json!("GET /")),
        request("path", json!(7)),
        request("method", Value::Null),
        request("params", json!([])),
        request("headers", json!("none")),
    ];
    for header in &wrong {
        let (told, body) = one(&session.receive(&raw(header), NOW_MS, prove));
        assert_eq!((&told["method"], &told["id"]), (&json!("reply"), &json!("RQ1")), "{header}");
        assert_eq!(told["status"]["code"], 200, "{header}");
        assert_eq!(told["http_status"]["code"], 400, "{header}");
        assert_eq!((&body["status"], &body["code"]), (&json!(400), &json!(20001)), "{header}");
    }
    for method in ["init", "update", "ping", "unheard-of"] {
        let header = json!({"id": "TM9", "method": method, "token": 7});
        let (told, _) = one(&session.receive(&raw(&header), NOW_MS, prove));
        assert_eq!((&told["id"], &told["status"]["code"]), (&json!("TM9"), &json!(400)));
    }
    let reply = json!({"id": "TN1", "method": "reply", "payload_type": {}});
    assert!(session.receive(&raw(&reply), NOW_MS, prove).is_empty());
    let effects = tell(&mut session, &message, "", NOW_MS);
    assert!(matches!(effects[..], [Effect::Relay(_)]), "it goes on as if nothing had been");
    // Nobody is open for a packet that cannot be told which it was.
    for header in [json!({"id": 7, "method": "message"}), json!({"id": "RQ1"}), json!([])] {
        let mut session = opened("ann");
        let (told, _) = one(&session.receive(&raw(&header), NOW_MS, prove));
        assert_eq!((&told["method"], &told["status"]["code"]), (&json!("close"), &json!(417)));
    }
}

#[test]
fn a_value_of_another_type_is_refused_before_init_and_a_close_is_one() {
    let mut session = session();
    let mut wrong = init("ann");
    wrong["registrations"] = json!("data_sync");
    let (told, _) = one(&tell(&mut session, &wrong, "", NOW_MS));
    assert_eq!((&told["id"], &told["status"]["code"]), (&json!("TM1"), &json!(400)));
    let early = json!({"id": "RQ1", "method": "message", "http_request": 1});
    assert_eq!(one(&tell(&mut session, &early, "", NOW_MS)).0["status"]["code"], 401);
    assert!(matches!(tell(&mut session, &init("ann"), "", NOW_MS)[0], Effect::Opened(_)));
    let close = json!({"id": "TM2", "method": "close", "token": {}});
    let effects = tell(&mut session, &close, "", NOW_MS);
    assert!(matches!(effects[..], [Effect::Send(_), Effect::Hang]));
}

#[test]
fn what_is_no_frame_ends_the_connection_with_a_reason() {
    let cases: [(&[u8], u16); 3] =
        [(b"hello", 406), (b"TWILSOCK V3.0 x\r\n", 417), (b"TWILSOCK V3.0 2\r\n{}\r\n", 417)];
    for (bytes, code) in cases {
        let mut session = opened("ann");
        let (header, _) = one(&session.receive(bytes, NOW_MS, prove));
        assert_eq!((&header["method"], &header["status"]["code"]), (&json!("close"), &json!(code)));
        assert!(session.receive(bytes, NOW_MS, prove).is_empty(), "told once");
    }
    let (header, _) = one(&opened("ann").receive_text(NOW_MS));
    assert_eq!(header["status"]["code"], 406);
    let long = json!({"id": "x".repeat(ID_BYTES_MAX + 1), "method": "init", "token": "ann"});
    assert_eq!(one(&tell(&mut session(), &long, "", NOW_MS)).0["status"]["code"], 417);
}

#[test]
fn an_overflow_is_forgiven_once() {
    let mut session = opened("ann");
    assert!(session.overflowed(NOW_MS).is_empty());
    let (header, payload) = one(&session.overflowed(NOW_MS));
    assert_eq!((&header["method"], &header["status"]["code"]), (&json!("close"), &json!(308)));
    assert!(payload["backoff_policy"]["reconnect_min_ms"].as_u64().is_some());
}

#[test]
fn a_client_that_says_goodbye_is_answered_and_the_line_ends() {
    let mut session = opened("ann");
    let effects = tell(&mut session, &json!({"id": "TM3", "method": "close"}), "", NOW_MS);
    assert_eq!(one(&effects).0["status"]["code"], 200);
    assert!(matches!(effects[1], Effect::Hang));
    assert_eq!(session.answered("1", &Response::new(Bytes::new())), None);
    assert_eq!(session.wake_at_ms(), None);
}

#[test]
fn what_needs_no_answer_gets_none_and_the_rest_gets_one() {
    let mut session = opened("ann");
    for method in ["reply", "telemetry.v1"] {
        let told = json!({"id": "1", "method": method, "events": [{"start": -5}]});
        assert!(tell(&mut session, &told, "", NOW_MS).is_empty(), "{method}");
    }
    for (method, code) in [("put_notification_ctx", 200), ("ping", 200), ("subscribe", 400)] {
        let told = json!({"id": "1", "method": method});
        assert_eq!(one(&tell(&mut session, &told, "{}", NOW_MS)).0["status"]["code"], code);
    }
    assert_eq!(one(&tell(&mut session, &init("ann"), "", NOW_MS)).0["status"]["code"], 400);
}
