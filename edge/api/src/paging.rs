//! Pages of a list: bounds, cursors, links, and both envelopes.
//!
//! * A token carries where the page begins, which way it runs, and a digest of path and filters: a
//!   token of another list is refused.
//! * Rows added or removed between two pages neither repeat nor hide the others.
//! * Links repeat the filters of the request and are absolute (newer products) or relative (2010).

mod found;
mod keyed;

pub use found::{Finding, Look};
pub(crate) use keyed::Turn;

use crate::{Answer, Cx, Input, Problem, Reply, input::wrong};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use host::Record;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use store::{Direction, Scan, Value};

const SIZE_DEFAULT: i64 = 50;
const SIZE_MAX: usize = 1_000;
/// Rows that `Page` without a token may skip: pages beyond that want a token.
const SKIPPED_MAX: i64 = 100_000;

/// What may stand in a query unescaped.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// A list to be shown.
#[derive(Clone, Debug)]
pub struct Listing {
    scan: Scan,
    key: &'static str,
    absolute: Absolute,
    style: Style,
}

/// Further scans that fill a page.
pub trait Also {
    /// The next one; `None` when there is no more.
    fn next(
        &mut self,
        cx: &Cx,
        so_far: Progress,
    ) -> impl Future<Output = Result<Option<Scan>, Problem>> + Send;
}

/// How far a page is that several scans fill.
#[derive(Clone, Debug)]
pub struct Progress {
    /// How the page is read: its order, where it begins, how many rows it takes.
    pub page: Scan,
    /// Rows found so far.
    pub found: usize,
    /// The key of the last of them.
    pub last: Option<Value>,
}

/// What stands around a page's items.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Style {
    /// `meta`: the newer products.
    Meta,
    /// The 2010-04-01 API: links relative to the product beside the one array.
    Of2010,
}

/// Whether `Page=3` without a token is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Absolute {
    Served,
    Refused,
}

impl Listing {
    /// The rows a scan finds, under `key`. The scan's `after` and `limit` are set by the page.
    pub fn of(key: &'static str, scan: Scan) -> Self {
        Self { scan, key, absolute: Absolute::Served, style: Style::Meta }
    }

    /// With the envelope of the 2010-04-01 API.
    #[must_use]
    pub fn in_2010_style(self) -> Self {
        Self { style: Style::Of2010, ..self }
    }

    /// `Page` without a token is 400/40153, as the incumbent answers on its big lists.
    #[must_use]
    pub fn by_token_only(self) -> Self {
        Self { absolute: Absolute::Refused, ..self }
    }
}

/// The JSON of a page's items, written as they are shown.
#[derive(Debug, Default)]
pub struct Items {
    json: Vec<u8>,
}

impl Items {
    /// Shows one.
    pub fn push<T: Serialize>(&mut self, shape: &T) {
        if !self.json.is_empty() {
            self.json.push(b',');
        }
        serde_json::to_writer(&mut self.json, shape).expect("shapes are plain data");
    }
}

impl Cx {
    /// A page of stored rows. `show` is called for each row in order and pushes its shape.
    pub async fn list<R: Record>(
        &self,
        listing: Listing,
        show: impl FnMut(&R, &mut Items) -> Result<(), Problem>,
    ) -> Reply {
        self.list_where(listing, |_: &R| Ok(true), show).await
    }

    /// The same of those rows only that `keep` holds for: for what no column tells. Rows are read
    /// until the page is full, so the scan should leave few to be passed over.
    pub async fn list_where<R: Record>(
        &self,
        listing: Listing,
        keep: impl Fn(&R) -> Result<bool, Problem>,
        show: impl FnMut(&R, &mut Items) -> Result<(), Problem>,
    ) -> Reply {
        let wanted = Wanted::of(self, &listing)?;
        let mut scan = wanted.turn(listing.scan.clone());
        let mut rows: Vec<(R, Vec<Value>)> = Vec::new();
        loop {
            let read: Vec<(R, Vec<Value>)> = self.host.list(scan.clone()).await?;
            let is_last = read.len() < scan.limit;
            scan.after = read.last().map(|(_, cursor)| cursor.clone());
            for (row, cursor) in read {
                if keep(&row)? {
                    rows.push((row, cursor));
                }
            }
            if is_last || rows.len() >= scan.limit {
                rows.truncate(scan.limit);
                return self.shown(&listing, &wanted, rows, show);
            }
        }
    }

    /// A page of stored rows, shown with something that is looked up for the whole page at once.
    pub async fn list_with<R: Record + Clone, X>(
        &self,
        listing: Listing,
        gather: impl AsyncFnOnce(Vec<R>) -> Result<X, Problem>,
        mut show: impl FnMut(&R, &X, &mut Items) -> Result<(), Problem>,
    ) -> Reply {
        let wanted = Wanted::of(self, &listing)?;
        let mut rows: Vec<(R, Vec<Value>)> =
            self.host.list(wanted.turn(listing.scan.clone())).await?;
        let page = wanted.page(&mut rows, listing.scan.order.len());
        let gathered = gather(rows.iter().map(|(row, _)| row.clone()).collect()).await?;
        let mut items = Items { json: Vec::with_capacity(rows.len() * 2_048) };
        for (row, _) in &rows {
            show(row, &gathered, &mut items)?;
        }
        Ok(page.envelope(self, listing.style, listing.key, &items.json))
    }

    /// A page of several scans of one table in one order: for a condition that one index does not
    /// serve. `also` is told how this page is read and what was found so far, and gives the next
    /// scan until there is none. The others are made once the first was read, so a row that goes
    /// over meanwhile is not missed; a row found twice is shown once, as it was found last.
    pub async fn list_and<R: Record>(
        &self,
        listing: Listing,
        mut also: impl Also,
        show: impl FnMut(&R, &mut Items) -> Result<(), Problem>,
    ) -> Reply {
        let wanted = Wanted::of(self, &listing)?;
        let scan = wanted.turn(listing.scan.clone());
        let mut rows: Vec<(R, Vec<Value>)> = self.host.list(scan.clone()).await?;
        loop {
            let found = rows.len();
            let last = rows.last().and_then(|(_, cursor)| cursor.last().cloned());
            let Some(also) = also.next(self, Progress { page: scan.clone(), found, last }).await?
            else {
                break;
            };
            assert_eq!(listing.scan.order, also.order, "all scans run in one order");
            let others: Vec<(R, Vec<Value>)> = self.host.list(wanted.turn(also)).await?;
            let twice: BTreeSet<&Value> = others.iter().filter_map(|(_, c)| c.last()).collect();
            rows.retain(|(_, cursor)| cursor.last().is_none_or(|key| !twice.contains(key)));
            rows.extend(others);
            rows.sort_by(|(_, one), (_, other)| scan.compare(one, other));
            rows.truncate(scan.limit);
        }
        self.shown(&listing, &wanted, rows, show)
    }

    fn shown<R>(
        &self,
        listing: &Listing,
        wanted: &Wanted,
        mut rows: Vec<(R, Vec<Value>)>,
        mut show: impl FnMut(&R, &mut Items) -> Result<(), Problem>,
    ) -> Reply {
        let page = wanted.page(&mut rows, listing.scan.order.len());
        let mut items = Items { json: Vec::with_capacity(rows.len() * 512) };
        for (row, _) in &rows {
            show(row, &mut items)?;
        }
        Ok(page.envelope(self, listing.style, listing.key, &items.json))
    }

    /// A page of entities that are all in memory, in the order they are to be shown, each with the
    /// values it is ordered by (the last one unique).
    pub fn list_of<T>(
        &self,
        key: &'static str,
        entries: Vec<(Vec<Value>, T)>,
        show: impl FnMut(&T, &mut Items) -> Result<(), Problem>,
    ) -> Reply {
        self.list_of_at_most(key, SIZE_MAX, entries, show)
    }

    /// The same where no page has more than `size_max` rows.
    pub(crate) fn list_of_at_most<T>(
        &self,
        key: &'static str,
        size_max: usize,
        entries: Vec<(Vec<Value>, T)>,
        mut show: impl FnMut(&T, &mut Items) -> Result<(), Problem>,
    ) -> Reply {
        let wanted = Wanted::within(self.path(), &self.input, size_max)?;
        let width = entries.first().map_or(0, |(cursor, _)| cursor.len());
        let mut rows: Vec<(T, Vec<Value>)> = entries.into_iter().map(|(c, e)| (e, c)).collect();
        wanted.cut(&mut rows);
        let page = wanted.page(&mut rows, width.saturating_sub(1));
        let mut items = Items::default();
        for (row, _) in &rows {
            show(row, &mut items)?;
        }
        Ok(page.envelope(self, Style::Meta, key, &items.json))
    }
}

/// Which page a request asks for.
#[derive(Debug)]
struct Wanted {
    size: usize,
    number: i64,
    start: Start,
    digest: String,
}

#[derive(Debug, PartialEq)]
enum Start {
    First,
    Skip(usize),
    Token(Token),
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Token {
    /// Of path and filters.
    d: String,
    /// The cursor of the row next to the page.
    c: Vec<Field>,
    /// Whether the page lies before that row.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    b: bool,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Field {
    Null,
    Int(i64),
    Text(String),
}

impl Wanted {
    fn parse(path: &str, input: &Input) -> Result<Self, Problem> {
        Self::within(path, input, SIZE_MAX)
    }

    /// Where no page has more rows than this.
    fn within(path: &str, input: &Input, size_max: usize) -> Result<Self, Problem> {
        let size_max = i64::try_from(size_max).unwrap_or(i64::MAX);
        let size = input.int("PageSize", 1..=i64::MAX);
        let size = size.map_err(|_| wrong("PageSize", "must be a whole number from 1 on"))?;
        let size = size.unwrap_or(SIZE_DEFAULT).min(size_max);
        let number = input.int("Page", 0..=i64::from(u32::MAX))?.unwrap_or(0);
        let digest = digest(path, input);
        let start = match input.text("PageToken") {
            Some(text) => Start::Token(Token::parse(text, &digest)?),
            None if number == 0 => Start::First,
            None if number * size > SKIPPED_MAX => {
                return Err(wrong("Page", "is too far; follow next_page_url instead"));
            }
            None => Start::Skip(usize::try_from(number * size).expect("it is bounded above")),
        };
        let size = usize::try_from(size).expect("it is at most what a page holds");
        Ok(Self { size, number, start, digest })
    }

    /// The page a request asks for, where the list has such.
    fn of(cx: &Cx, listing: &Listing) -> Result<Self, Problem> {
        let wanted = Self::parse(cx.path(), &cx.input)?;
        wanted.check(&listing.scan, listing.absolute)?;
        Ok(wanted)
    }

    /// A token made up by a client must not reach the store.
    fn check(&self, scan: &Scan, absolute: Absolute) -> Result<(), Problem> {
        match &self.start {
            Start::First => Ok(()),
            Start::Skip(_) if absolute == Absolute::Refused => {
                let message = "Absolute paging is not supported on this list; use PageToken";
                Err(Problem(base::Problem::new(base::Kind::Invalid, 40153, message)))
            }
            Start::Skip(_) => Ok(()),
            Start::Token(token) => {
                let columns = scan.order.iter().map(|(column, _)| *column).chain(["key"]);
                let columns: Vec<&str> = columns.collect();
                // Any column may be null in some row, but no row is without a key.
                let fits = |(field, column): (&Field, &&str)| {
                    field.value().fits(scan.table.kind(column))
                        && (**column != *"key" || *field != Field::Null)
                };
                let all_fit =
                    token.c.len() == columns.len() && token.c.iter().zip(&columns).all(fits);
                if all_fit { Ok(()) } else { Err(foreign_token()) }
            }
        }
    }

    /// The scan that reads this page and one row more.
    fn turn(&self, mut scan: Scan) -> Scan {
        scan.limit = self.size + 1;
        match &self.start {
            Start::First => {}
            Start::Skip(rows) => scan.limit += rows,
            Start::Token(token) => {
                let mut after: Vec<Value> = token.c.iter().map(Field::value).collect();
                if token.b {
                    if scan.order.is_empty() {
                        scan.order.push(("key", Direction::Ascending));
                        after.push(after[0].clone());
                    }
                    for (_, direction) in &mut scan.order {
                        *direction = match direction {
                            Direction::Ascending => Direction::Descending,
                            Direction::Descending => Direction::Ascending,
                        };
                    }
                }
                scan.after = Some(after);
            }
        }
        scan
    }

    /// What [`Wanted::turn`] does, for rows that are in memory and in order.
    fn cut<T>(&self, rows: &mut Vec<(T, Vec<Value>)>) {
        let Start::Token(token) = &self.start else { return rows.truncate(self.last()) };
        let cursor: Vec<Value> = token.c.iter().map(Field::value).collect();
        let key = cursor.last();
        let at = rows.iter().position(|(_, values)| values.last() == key);
        // The row itself may be gone: then the place is where it would stand, in ascending order.
        let place = at.unwrap_or_else(|| rows.partition_point(|(_, values)| *values < cursor));
        if token.b {
            rows.truncate(place);
            rows.reverse();
        } else {
            rows.drain(..place + usize::from(at.is_some()));
        }
        rows.truncate(self.size + 1);
    }

    fn last(&self) -> usize {
        match self.start {
            Start::Skip(rows) => rows + self.size + 1,
            Start::First | Start::Token(_) => self.size + 1,
        }
    }

    /// Cuts the rows to the page and says what lies around it. `ordered_by` columns come before
    /// the key in a cursor.
    fn page<T>(&self, rows: &mut Vec<(T, Vec<Value>)>, ordered_by: usize) -> Page {
        if let Start::Skip(skipped) = self.start {
            rows.drain(..skipped.min(rows.len()));
        }
        let more = rows.len() > self.size;
        rows.truncate(self.size);
        let back = matches!(&self.start, Start::Token(token) if token.b);
        if back {
            rows.reverse();
        }
        let (before, behind) = if back { (more, true) } else { (self.number > 0, more) };
        let token = |row: Option<&(T, Vec<Value>)>, b| {
            let c = row?.1[..=ordered_by].iter().map(Field::of).collect();
            Some(Token { d: self.digest.clone(), c, b }.text())
        };
        Page {
            size: self.size,
            number: self.number,
            next: if behind { token(rows.last(), false) } else { None },
            previous: if before { token(rows.first(), true) } else { None },
            count: rows.len(),
        }
    }
}

impl Token {
    fn parse(text: &str, digest: &str) -> Result<Self, Problem> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| foreign_token())?;
        let token: Self = serde_json::from_slice(&bytes).map_err(|_| foreign_token())?;
        if token.d != digest || token.c.is_empty() {
            return Err(foreign_token());
        }
        Ok(token)
    }

    fn text(&self) -> String {
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).expect("a token is plain data"))
    }
}

impl Field {
    fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Int(n) => Self::Int(*n),
            Value::Text(text) => Self::Text(text.as_ref().to_owned()),
        }
    }

    fn value(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Int(n) => Value::Int(*n),
            Self::Text(text) => Value::from(text.as_str()),
        }
    }
}

fn foreign_token() -> Problem {
    wrong("PageToken", "does not belong to this list")
}

/// FNV-1a over path and filters: tells lists apart, protects nothing.
fn digest(path: &str, input: &Input) -> String {
    let mut filters: Vec<_> = filters(input).collect();
    filters.sort_unstable();
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut eat = |text: &str| {
        for byte in text.bytes().chain([0]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    };
    eat(path);
    for (name, value) in filters {
        eat(name);
        eat(value);
    }
    format!("{hash:016x}")
}

fn filters(input: &Input) -> impl Iterator<Item = (&str, &str)> {
    let paging = ["PageSize", "Page", "PageToken"];
    input.pairs().filter(move |(name, _)| !paging.contains(name))
}

/// A page and what lies around it.
#[derive(Debug)]
struct Page {
    size: usize,
    number: i64,
    next: Option<String>,
    previous: Option<String>,
    count: usize,
}

#[derive(Serialize)]
struct Meta<'a> {
    first_page_url: String,
    key: &'a str,
    next_page_url: Option<String>,
    page: i64,
    page_size: usize,
    previous_page_url: Option<String>,
    url: String,
}

impl Page {
    fn envelope(&self, cx: &Cx, style: Style, key: &str, items: &[u8]) -> Answer {
        let json = match style {
            Style::Meta => {
                let at = format!("{}{}", cx.base(), cx.path());
                self.with_meta(&at, &cx.input, key, items)
            }
            Style::Of2010 => self.in_2010_style(cx.path(), &cx.input, key, items),
        };
        Answer::text(200, json)
    }

    fn with_meta(&self, at: &str, input: &Input, key: &str, items: &[u8]) -> Vec<u8> {
        let meta = Meta {
            first_page_url: self.link(at, input, 0, None),
            key,
            next_page_url: self.next(at, input),
            page: self.number,
            page_size: self.size,
            previous_page_url: self.previous(at, input),
            url: self.link(at, input, self.number, input.text("PageToken")),
        };
        let mut json = format!("{{\"{key}\":[").into_bytes();
        json.extend_from_slice(items);
        json.extend_from_slice(b"],\"meta\":");
        serde_json::to_writer(&mut json, &meta).expect("links are plain data");
        json.push(b'}');
        json
    }

    fn next(&self, at: &str, input: &Input) -> Option<String> {
        self.next.as_deref().map(|token| self.link(at, input, self.number + 1, Some(token)))
    }

    fn previous(&self, at: &str, input: &Input) -> Option<String> {
        let number = (self.number - 1).max(0);
        self.previous.as_deref().map(|token| self.link(at, input, number, Some(token)))
    }

    fn link(&self, at: &str, input: &Input, number: i64, token: Option<&str>) -> String {
        let mut url = format!("{at}?");
        for (name, value) in filters(input) {
            url.extend(utf8_percent_encode(name, QUERY));
            url.push('=');
            url.extend(utf8_percent_encode(value, QUERY));
            url.push('&');
        }
        url.push_str(&format!("PageSize={}&Page={number}", self.size));
        if let Some(token) = token {
            url.push_str("&PageToken=");
            url.push_str(token);
        }
        url
    }
}

#[derive(Debug, Serialize)]
struct Envelope2010 {
    end: i64,
    first_page_uri: String,
    next_page_uri: Option<String>,
    page: i64,
    page_size: usize,
    previous_page_uri: Option<String>,
    start: i64,
    uri: String,
}

impl Page {
    fn in_2010_style(&self, path: &str, input: &Input, key: &str, items: &[u8]) -> Vec<u8> {
        let count = |n: usize| i64::try_from(n).expect("pages are short");
        let start = self.number * count(self.size);
        let around = Envelope2010 {
            end: start + (count(self.count) - 1).max(0),
            first_page_uri: self.link(path, input, 0, None),
            next_page_uri: self.next(path, input),
            page: self.number,
            page_size: self.size,
            previous_page_uri: self.previous(path, input),
            start,
            uri: self.link(path, input, self.number, input.text("PageToken")),
        };
        let mut json = format!("{{\"{key}\":[").into_bytes();
        json.extend_from_slice(items);
        json.extend_from_slice(b"],");
        let around = serde_json::to_vec(&around).expect("links are plain data");
        json.extend_from_slice(&around[1..]);
        json
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    type Entry = (u32, Vec<Value>);

    fn input(query: &str) -> Input {
        Input::parse(b"", query.as_bytes()).unwrap()
    }

    fn entries(numbers: impl IntoIterator<Item = u32>) -> Vec<Entry> {
        numbers.into_iter().map(|n| (n, vec![Value::from(i64::from(n))])).collect()
    }

    /// One page of what is there, and what lies around it.
    fn read(query: &str, mut rows: Vec<Entry>) -> (Vec<u32>, Page) {
        let wanted = Wanted::parse("/v1/Things", &input(query)).unwrap();
        wanted.cut(&mut rows);
        let page = wanted.page(&mut rows, 0);
        (rows.into_iter().map(|(n, _)| n).collect(), page)
    }

    #[test]
    fn rows_that_come_and_go_between_pages_hide_no_other() {
        let (first, page) = read("PageSize=3", entries([2, 4, 6, 8, 10, 12]));
        assert_eq!(first, [2, 4, 6]);
        assert_eq!(page.previous, None);
        let next = format!("PageSize=3&Page=1&PageToken={}", page.next.unwrap());
        // 1 and 7 came, 4 and the page's last row went.
        let (second, page) = read(&next, entries([1, 2, 7, 8, 10, 12]));
        assert_eq!(second, [7, 8, 10]);
        let back = format!("PageSize=3&Page=0&PageToken={}", page.previous.unwrap());
        let (before, page) = read(&back, entries([1, 2, 3, 5, 7, 8, 10, 12]));
        assert_eq!(before, [2, 3, 5]);
        assert!(page.next.is_some() && page.previous.is_some());
    }

    #[test]
    fn the_last_page_has_no_next_and_an_empty_list_is_a_page() {
        let (all, page) = read("PageSize=3", entries([1, 2, 3]));
        assert_eq!((all.len(), page.next), (3, None));
        let (none, page) = read("", entries([]));
        assert_eq!((none.len(), page.size, page.next, page.previous), (0, 50, None, None));
        let (_, page) = read("PageSize=5000", entries([]));
        assert_eq!(page.size, 1_000);
        let (third, _) = read("PageSize=2&Page=2", entries(1..=5));
        assert_eq!(third, [5]);
    }

    #[test]
    fn a_token_belongs_to_its_list() {
        let (_, page) = read("PageSize=1&Name=a", entries([1, 2]));
        let token = page.next.unwrap();
        let refused = |path: &str, query: &str| {
            Wanted::parse(path, &input(&format!("{query}&PageToken={token}"))).is_err()
        };
        assert!(!refused("/v1/Things", "Name=a&PageSize=7"), "the size may change");
        assert!(refused("/v1/Things", "Name=b"));
        assert!(refused("/v1/Others", "Name=a"));
        let (things, at) = ("/v1/Things", input("PageToken=e30"));
        assert!(Wanted::parse(things, &at).is_err());
    }

    /// Forged tokens, from a seed: right and wrong digests, any number of fields of any kind.
    fn forged(seed: u64, digest: &str) -> String {
        let mut state = seed;
        let mut draw = |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) % below
        };
        let fields: Vec<serde_json::Value> = (0..draw(5))
            .map(|_| match draw(9) {
                0 | 1 => json!(null),
                2 => json!(i64::MIN),
                3 => json!(i64::MAX),
                4 => json!(u64::MAX),
                5 => json!(1.5),
                6 => json!(["x"]),
                7 => json!("\u{0}\u{10ffff}'; --"),
                _ => json!("WT00000000000000000000000000000001"),
            })
            .collect();
        let digest = if draw(8) == 0 { "0" } else { digest };
        let token = match draw(4) {
            0 => json!({"d": digest, "c": fields, "b": true}),
            1 => json!({"d": digest, "c": fields, "b": fields}),
            _ => json!({"d": digest, "c": fields}),
        };
        let mut bytes = serde_json::to_vec(&token).unwrap();
        if draw(6) == 0 {
            let at = usize::try_from(draw(bytes.len() as u64)).unwrap();
            bytes[at] = u8::try_from(draw(256)).unwrap();
        }
        URL_SAFE_NO_PAD.encode(bytes)
    }

    #[test]
    fn no_forged_token_reaches_the_store_unfit() {
        let (path, store) = ("/v1/Tasks", store::MemoryStore::new());
        let (ascending, descending) = (Direction::Ascending, Direction::Descending);
        let orders = [
            vec![],
            vec![("key", descending)],
            vec![("priority", descending), ("created_at", ascending)],
            vec![("queue", ascending)],
        ];
        let digest = digest(path, &input(""));
        let (mut passed, mut refused) = (0, 0);
        for seed in 0..20_000 {
            let token = input(&format!("PageToken={}", forged(seed, &digest)));
            let Ok(wanted) = Wanted::parse(path, &token) else { continue };
            for order in &orders {
                let partition = "WS00000000000000000000000000000001".into();
                let scan =
                    Scan { order: order.clone(), ..Scan::of(&host::tables::TASK, partition) };
                if wanted.check(&scan, Absolute::Refused).is_err() {
                    refused += 1;
                    continue;
                }
                passed += 1;
                let found = store::Store::scan(&store, &wanted.turn(scan));
                assert_eq!(found.unwrap(), []);
            }
            wanted.cut(&mut entries([1, 2, 3]));
        }
        assert!(passed > 100 && refused > 100, "{passed} passed, {refused} were refused");
    }

    #[test]
    fn the_newer_envelope_has_absolute_links_in_meta() {
        let (_, page) = read("PageSize=1&Page=1&Name=a%26b", entries([1, 2, 3]));
        let (at, input) = ("http://h/taskrouter/v1/Things", input("Name=a%26b&PageSize=1&Page=1"));
        let json = page.with_meta(at, &input, "things", b"{\"n\":2}");
        let shown: serde_json::Value = serde_json::from_slice(&json).unwrap();
        assert_eq!(shown["things"], json!([{"n": 2}]));
        let meta = &shown["meta"];
        assert_eq!(meta["key"], "things");
        assert_eq!((&meta["page"], &meta["page_size"]), (&json!(1), &json!(1)));
        let begins = |name: &str, end: &str| {
            let url = meta[name].as_str().unwrap();
            assert!(url.starts_with(&format!("{at}?Name=a%26b&PageSize=1&Page={end}")), "{url}");
        };
        begins("first_page_url", "0");
        begins("url", "1");
        begins("next_page_url", "2&PageToken=");
        begins("previous_page_url", "0&PageToken=");
    }

    #[test]
    fn the_envelope_of_2010_has_relative_links_beside_one_array() {
        let (_, page) = read("PageSize=2&Page=1", entries([1, 2, 3, 4, 5]));
        let (path, input) = ("/2010-04-01/Accounts/AC1/Calls.json", input("PageSize=2&Page=1"));
        let json = page.in_2010_style(path, &input, "calls", b"{\"n\":3},{\"n\":4}");
        let shown: serde_json::Value = serde_json::from_slice(&json).unwrap();
        let shown = shown.as_object().unwrap();
        assert_eq!(shown["calls"], json!([{"n": 3}, {"n": 4}]));
        assert_eq!((&shown["start"], &shown["end"]), (&json!(2), &json!(3)));
        assert_eq!(shown["uri"], format!("{path}?PageSize=2&Page=1"));
        let next = shown["next_page_uri"].as_str().unwrap();
        assert!(next.starts_with(&format!("{path}?PageSize=2&Page=2&PageToken=")), "{next}");
        // Python takes any other key for the list.
        let around = [
            "end",
            "first_page_uri",
            "next_page_uri",
            "page",
            "page_size",
            "previous_page_uri",
            "start",
            "uri",
        ];
        let others: Vec<_> = shown.keys().filter(|k| !around.contains(&k.as_str())).collect();
        assert_eq!(others, ["calls"]);
    }
}
