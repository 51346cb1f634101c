//! Items of a list or map: by place, and by what they hold.

use super::{OBJECT, item_range, object, service};
use crate::{Answer, Cx, Param, ParamKind, Permit, Reply, Routes};
use host::ItemSearch;
use serde::Serialize;
use wire::inspector::{InspectedItem, cursor};

pub(super) const RANGE: [Param; 4] = [
    Param::optional("From", ParamKind::Text),
    Param::optional("After", ParamKind::Text),
    Param::optional("Order", ParamKind::Word(&["asc", "desc"])),
    Param::optional("PageSize", ParamKind::Integer),
];

pub(super) fn routes() -> Routes {
    let [from, after, order, page_size] = RANGE;
    let filter = Param::optional("Filter", ParamKind::Text);
    Routes::at(OBJECT)
        .json()
        .get("/Items", "inspected_item.list", Permit::Admin, list)
        .params(&[from, after, order, page_size, filter])
}

#[derive(Serialize)]
struct Page<'a> {
    items: Vec<InspectedItem<'a>>,
    /// For `After`; there may be more behind it even where nothing was found.
    next: Option<String>,
}

async fn list(cx: Cx) -> Reply {
    let service = service(&cx)?;
    let object = object(&cx, service)?;
    let range = item_range(&cx, object.kind())?;
    if !object.kind().has_items() {
        return Ok(Answer::ok(&Page { items: Vec::new(), next: None }));
    }
    let search = ItemSearch { range, holds: cx.input.text("Filter").map(Into::into) };
    let searched = cx.host.sync_search_items(object.sid, search).await?;
    let items = searched.found.iter().map(|item| InspectedItem::new(item)).collect();
    Ok(Answer::ok(&Page { items, next: searched.next.as_ref().map(cursor) }))
}
