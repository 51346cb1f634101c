//! Pages of what is looked for rather than listed: rows that no column picks.
//!
//! * Whoever looks may stop before the page is full; the page is then shown short, and its link to
//!   the next one goes on where the look ended.
//! * A place in such a list is one text, which sorts as the list does.

use super::{Field, Items, Page, Start, Style, Token, Wanted};
use crate::{Cx, Problem, Reply};
use store::Direction;

/// What is looked for to fill a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// Which way.
    pub direction: Direction,
    /// Behind this place in that direction; `None` begins at the list's end on that side.
    pub after: Option<String>,
    /// At most so many.
    pub limit: usize,
}

/// What was found.
#[derive(Clone, Debug)]
pub struct Finding<T> {
    /// In the direction looked in, each with its place.
    pub rows: Vec<(T, String)>,
    /// Where the look ended although there may be more.
    pub looked_until: Option<String>,
}

impl Cx {
    /// A page of what `look` finds, in ascending order; `show` pushes the shape of each.
    pub async fn list_found<T>(
        &self,
        key: &'static str,
        look: impl AsyncFnOnce(Look) -> Result<Finding<T>, Problem>,
        mut show: impl FnMut(&T, &mut Items) -> Result<(), Problem>,
    ) -> Reply {
        let wanted = Wanted::parse(self.path(), &self.input)?;
        let found = look(wanted.look()?).await?;
        let (page, rows) = wanted.page_of(found);
        let mut items = Items::default();
        for (row, _) in &rows {
            show(row, &mut items)?;
        }
        Ok(page.envelope(self, Style::Meta, key, &items.json))
    }
}

impl Wanted {
    fn look(&self) -> Result<Look, Problem> {
        let limit = self.size + 1;
        let ascending = Look { direction: Direction::Ascending, after: None, limit };
        match &self.start {
            Start::First => Ok(ascending),
            Start::Skip(rows) => Ok(Look { limit: limit + rows, ..ascending }),
            Start::Token(Token { c, b, .. }) => {
                let [Field::Text(place)] = &c[..] else { return Err(super::foreign_token()) };
                let direction = if *b { Direction::Descending } else { Direction::Ascending };
                Ok(Look { direction, after: Some(place.clone()), limit })
            }
        }
    }

    /// The page and its rows in ascending order.
    fn page_of<T>(&self, found: Finding<T>) -> (Page, Vec<(T, String)>) {
        let Finding { mut rows, looked_until } = found;
        if let Start::Skip(skipped) = self.start {
            rows.drain(..skipped.min(rows.len()));
        }
        let more = rows.len() > self.size;
        rows.truncate(self.size);
        // Where a further look begins: behind the last row shown, or where this one ended.
        let last = rows.last().map(|(_, place)| place.clone()).filter(|_| more);
        let onwards = last.or(looked_until);
        let back = matches!(&self.start, Start::Token(token) if token.b);
        if back {
            rows.reverse();
        }
        let token = |place: Option<String>, b| {
            let c = vec![Field::Text(place?)];
            Some(Token { d: self.digest.clone(), c, b }.text())
        };
        let place = |row: Option<&(T, String)>| row.map(|(_, place)| place.clone());
        // An empty page lies between what was asked for and nothing.
        let from = match &self.start {
            Start::Token(Token { c, .. }) => match &c[..] {
                [Field::Text(place)] => Some(place.clone()),
                _ => None,
            },
            Start::First | Start::Skip(_) => None,
        };
        let (next, previous) = match back {
            false => {
                let before = place(rows.first()).or(from).filter(|_| self.number > 0);
                (onwards, before)
            }
            true => (place(rows.last()).or(from), onwards),
        };
        let page = Page {
            size: self.size,
            number: self.number,
            next: token(next, false),
            previous: token(previous, true),
            count: rows.len(),
        };
        (page, rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Input;

    fn wanted(query: &str) -> Wanted {
        Wanted::parse("/v1/Things", &Input::parse(b"", query.as_bytes()).unwrap()).unwrap()
    }

    fn rows(places: &[&str]) -> Vec<((), String)> {
        places.iter().map(|place| ((), (*place).to_owned())).collect()
    }

    fn found(places: &[&str], until: Option<&str>) -> Finding<()> {
        Finding { rows: rows(places), looked_until: until.map(str::to_owned) }
    }

    fn follow(token: &Option<String>, number: i64) -> Look {
        let token = token.as_deref().expect("there is a further page");
        wanted(&format!("PageSize=2&Page={number}&PageToken={token}")).look().unwrap()
    }

    #[test]
    fn a_full_page_goes_on_behind_its_last_row() {
        let first = wanted("PageSize=2");
        let look = first.look().unwrap();
        assert_eq!(look, Look { direction: Direction::Ascending, after: None, limit: 3 });
        let (page, shown) = first.page_of(found(&["a", "b", "c"], None));
        assert_eq!((shown, page.previous), (rows(&["a", "b"]), None));
        assert_eq!(follow(&page.next, 1).after.as_deref(), Some("b"));
    }

    #[test]
    fn a_look_that_ended_early_goes_on_where_it_ended_even_with_nothing_found() {
        let (page, shown) = wanted("PageSize=2").page_of(found(&["a"], Some("m")));
        assert_eq!(shown, rows(&["a"]));
        assert_eq!(follow(&page.next, 1).after.as_deref(), Some("m"));
        let (page, shown) = wanted("PageSize=2").page_of(found(&[], Some("m")));
        assert!(shown.is_empty());
        assert_eq!(follow(&page.next, 1).after.as_deref(), Some("m"));
    }

    #[test]
    fn the_way_back_shows_the_same_rows_in_the_same_order() {
        let (page, _) = wanted("PageSize=2").page_of(found(&["a", "b", "c"], None));
        let token = page.next.unwrap();
        let second = wanted(&format!("PageSize=2&Page=1&PageToken={token}"));
        let (page, shown) = second.page_of(found(&["c", "d"], None));
        assert_eq!((shown, &page.next), (rows(&["c", "d"]), &None));
        let back = follow(&page.previous, 0);
        let before_c = Some("c".to_owned());
        assert_eq!(back, Look { direction: Direction::Descending, after: before_c, limit: 3 });
        let token = page.previous.unwrap();
        let again = wanted(&format!("PageSize=2&Page=0&PageToken={token}"));
        let (page, shown) = again.page_of(found(&["b", "a"], None));
        assert_eq!((shown, page.previous), (rows(&["a", "b"]), None));
        assert_eq!(follow(&page.next, 1).after.as_deref(), Some("b"));
    }
}
