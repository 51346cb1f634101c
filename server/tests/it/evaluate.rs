//! Every published expression case, and ours of the same kind, through HTTP.

use crate::caller::Server;
use serde_json::{Value, json};

fn cases(file: &str) -> Vec<Value> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../testkit/vectors");
    let text = std::fs::read_to_string(format!("{folder}/{file}")).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[tokio::test]
async fn every_expression_case_passes_through_http() {
    let server = Server::start().await;
    let owner = server.owner();
    let mut cases = cases("expressions.json");
    cases.extend(self::cases("expressions-choices.json"));
    cases.extend(self::cases("expressions-own.json"));
    assert!(cases.len() > 660, "{} cases", cases.len());
    let mut wrong = Vec::new();
    for case in &cases {
        let mut body = case.clone();
        for extra in ["id", "note", "expect"] {
            body.as_object_mut().unwrap().remove(extra);
        }
        let got = owner.post_json("/sinew/v1/Expressions/Evaluate", &body).await;
        let answer = got.json();
        let passed = match &case["expect"] {
            Value::Bool(expected) => got.status == 200 && answer == json!({"result": expected}),
            _ => {
                got.status == 400
                    && answer["code"] == 20001
                    && answer["message"].is_string()
                    && answer["position"]["line"].is_u64()
                    && answer["position"]["column"].is_u64()
            }
        };
        if !passed {
            wrong.push(format!("{}: {} {answer}", case["id"], got.status));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test]
async fn a_trace_and_bad_requests() {
    let server = Server::start().await;
    let owner = server.owner();
    let evaluate =
        async |body: Value| owner.post_json("/sinew/v1/Expressions/Evaluate", &body).await;
    let traced = evaluate(json!({
        "context": "filter", "expression": "a == 1 AND b == 2", "task": {"a": 1, "b": 3},
        "trace": true,
    }))
    .await
    .json();
    assert_eq!(traced["result"], false);
    assert!(traced["trace"].as_array().unwrap().len() >= 7, "{traced}");

    for (body, part) in [
        (json!({"expression": "1==1"}), "context"),
        (json!({"context": "nowhere", "expression": "1==1"}), "nowhere"),
        (json!({"context": "filter", "expression": "1==1", "task": []}), "task"),
        (json!({"context": "filter", "expression": "1==1", "now": "soon"}), "now"),
        (json!({"context": "filter", "expression": 7}), "string"),
    ] {
        let got = evaluate(body).await;
        assert_eq!((got.status, &got.json()["code"]), (400, &json!(20001)), "{}", got.text());
        assert!(got.text().contains(part), "{part}: {}", got.text());
    }
    let place = evaluate(json!({"context": "filter", "expression": "a ==\n  )"})).await.json();
    assert_eq!(place["position"], json!({"line": 2, "column": 3}));
    assert_eq!(place["details"]["position"], place["position"]);
    let nobody = server.nobody();
    let refused = nobody.post_json("/sinew/v1/Expressions/Evaluate", &json!({})).await;
    assert_eq!((refused.status, &refused.json()["code"]), (401, &json!(20003)));
}
