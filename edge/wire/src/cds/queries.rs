//! Live queries: what one holds for, and what became of its items.
//!
//! * Revisions are numbers here: the library compares them as they come, and texts of digits would
//!   have another order.
//! * What is told is always in order, and says so: the library then remembers how far it was told,
//!   and begins there when it comes back.

use super::{Json, message};
use insights::{Item, QuerySid, Told, What};

/// A page of what a query holds for. `last` is the change up to which whoever has it knows
/// everything.
pub fn query_page(query: QuerySid, last: u64, items: &[Item], next: Option<&str>) -> String {
    let items: Vec<String> = items.iter().map(item).collect();
    Json::new()
        .plain("query_id", query)
        .number("last_event_id", last)
        .raw("items", &format!("[{}]", items.join(",")))
        .raw("meta", &Json::new().optional("next_token", next).end())
        .end()
}

/// A message to those who follow a query.
pub fn query_message(query: QuerySid, told: &Told) -> String {
    let shown = Json::new().plain("query_id", query);
    let (event_type, shown) = match &told.what {
        What::Updated(item) => (
            "live_query_item_updated",
            shown
                .plain("item_key", item.key)
                .raw("item_data", &item.data)
                .number("item_revision", item.revision),
        ),
        What::Removed { key, revision } => (
            "live_query_item_removed",
            shown.plain("item_key", key).number("item_revision", *revision),
        ),
        What::Whole(items) => {
            let items: Vec<String> = items.iter().map(item).collect();
            ("live_query_updated", shown.raw("items", &format!("[{}]", items.join(","))))
        }
    };
    let told = message(event_type, None, &shown.number("last_event_id", told.complete).end());
    let object = told.strip_suffix('}').unwrap_or(&told);
    format!("{object},\"strictly_ordered\":true}}")
}

fn item(item: &Item) -> String {
    Json::new()
        .plain("key", item.key)
        .raw("data", &item.data)
        .number("revision", item.revision)
        .end()
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::Sid;
    use serde_json::{Value, json};

    const QUERY: QuerySid = QuerySid::new(5);
    const KEY: Sid = Sid::new(*b"WK", 7);

    fn some() -> Item {
        Item { key: KEY, data: "{\"n\":1.0}".into(), revision: 12 }
    }

    fn read(json: &str) -> Value {
        serde_json::from_str(json).expect("JSON")
    }

    #[test]
    fn a_page_has_its_items_and_says_whether_there_are_more() {
        let page = query_page(QUERY, 12, &[some()], Some("t"));
        assert!(page.contains("{\"n\":1.0}"), "{page}");
        let item = json!({"key": KEY.to_string(), "data": {"n": 1.0}, "revision": 12});
        let expected = json!({
            "query_id": QUERY.to_string(), "last_event_id": 12, "items": [item],
            "meta": {"next_token": "t"},
        });
        assert_eq!(read(&page), expected);
    }

    #[test]
    fn every_message_is_in_order_and_says_how_far_it_goes() {
        let told = |what| read(&query_message(QUERY, &Told { what, complete: 11 }));
        let event = |extra: Value| {
            let mut event = json!({"query_id": QUERY.to_string(), "last_event_id": 11});
            event.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
            event
        };
        let key = KEY.to_string();
        let updated = told(What::Updated(some()));
        let data = json!({"item_key": key, "item_data": {"n": 1.0}, "item_revision": 12});
        let expected = json!({
            "event_type": "live_query_item_updated", "event": event(data), "strictly_ordered": true,
        });
        assert_eq!(updated, expected);
        let removed = told(What::Removed { key: KEY, revision: 12 });
        assert_eq!(removed["event"], event(json!({"item_key": key, "item_revision": 12})));
        assert_eq!(removed["event_type"], "live_query_item_removed");
        let whole = told(What::Whole(vec![some()]));
        let items = json!([{"key": key, "data": {"n": 1.0}, "revision": 12}]);
        assert_eq!(whole["event"], event(json!({"items": items})));
        assert_eq!(whole["event_type"], "live_query_updated");
    }
}
