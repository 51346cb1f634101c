//! Everybody's line is cut at once, and everybody comes back at once: nobody is refused, and each
//! is told what it missed, in order and once. The benchmark does it with ten thousand.

use crate::{
    caller::Server,
    socket::{Socket, token},
};
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::net::SocketAddr;

const CROWD: u64 = 300;

/// Somebody who follows from behind an event, with the numbers of the events it was told until it
/// was told that it follows.
async fn come(address: SocketAddr, number: u64, map: &Value, after: u64) -> (Socket, Vec<u64>) {
    let mut socket = Socket::open(address, &token(&format!("somebody-{number}"))).await;
    let one = json!({"object_sid": map, "object_type": "map", "last_event_id": after});
    let body = json!({"action": "establish", "correlation_id": number, "requests": [one]});
    assert_eq!(socket.ask("POST", "/v4/Subscriptions", &body).await.0, 200);
    let mut missed = Vec::new();
    loop {
        let told = socket.told().await;
        assert_eq!(told["correlation_id"], number, "{told}");
        if told["event_type"] == "subscription_established" {
            assert_eq!(told["event"]["replay_status"], "completed");
            return (socket, missed);
        }
        missed.push(told["event"]["id"].as_u64().expect("an event has a number"));
    }
}

#[tokio::test]
async fn all_come_back_at_once_and_nobody_misses_anything() {
    let server = Server::start().await;
    let address = server.running.addr;
    let mut writer = Socket::open(address, &token("writer")).await;
    let (_, made) = writer.ask("POST", "/v3/Maps", &json!({})).await;
    let (map, first) = (made["sid"].clone(), made["last_event_id"].as_u64().unwrap());
    let items = format!("/v3/Maps/{}/Items", map.as_str().unwrap());
    let all = |after| {
        let come = |number| come(address, number, &made["sid"], after);
        join_all((0..CROWD).map(come))
    };

    let mut crowd = all(first).await;
    for round in 1..=3 {
        let last = first + round * 4;
        assert_eq!(
            writer.ask("POST", &items, &json!({"key": format!("k{round}"), "data": {}})).await.0,
            201
        );
        for (socket, _) in &mut crowd {
            assert_eq!(socket.told().await["event"]["id"], last - 3, "each hears it");
        }
        drop(crowd);
        for n in 0..3 {
            let item = json!({"key": format!("k{round}-{n}"), "data": {}});
            assert_eq!(writer.ask("POST", &items, &item).await.0, 201);
        }
        crowd = all(last - 3).await;
        for (_, missed) in &crowd {
            assert_eq!(*missed, [last - 2, last - 1, last], "round {round}");
        }
    }
    let map = map.as_str().unwrap().parse().unwrap();
    assert_eq!(server.running.host.sync_followers(map).len() as u64, CROWD);
}
