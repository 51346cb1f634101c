//! Pages of what is found by one key, read by whoever knows how.
//!
//! * A page begins behind a key, so what is removed meanwhile moves nothing.
//! * `Page` without a token is counted off a portion at a time: nothing is held of what is skipped.

use super::{Field, Items, Start, Style, Wanted, foreign_token};
use crate::{Cx, Problem, Reply};
use store::Direction;

/// What is read next.
#[derive(Clone, Debug)]
pub(crate) struct Turn {
    /// The key behind which it lies; from the beginning otherwise.
    pub(crate) after: Option<String>,
    /// Which way, in an ascending list.
    pub(crate) direction: Direction,
    /// At most.
    pub(crate) limit: usize,
}

impl Turn {
    /// Which way, in a list that runs this way.
    pub(crate) const fn within(&self, list: Direction) -> Direction {
        match (list, self.direction) {
            (Direction::Ascending, turn) => turn,
            (Direction::Descending, Direction::Ascending) => Direction::Descending,
            (Direction::Descending, Direction::Descending) => Direction::Ascending,
        }
    }

    /// The token's key is none of this list.
    pub(crate) fn foreign() -> Problem {
        foreign_token()
    }
}

impl Cx {
    /// A page of rows with their keys, which `read` finds in the order of the turn.
    pub(crate) async fn list_by_key<T, Fut>(
        &self,
        key: &'static str,
        size_max: usize,
        read: impl Fn(Turn) -> Fut,
        mut show: impl FnMut(&T, &mut Items) -> Result<(), Problem>,
    ) -> Reply
    where
        Fut: Future<Output = Result<Vec<(String, T)>, Problem>>,
    {
        let mut wanted = Wanted::within(self.path(), &self.input, size_max)?;
        let (mut after, direction) = match &wanted.start {
            Start::First | Start::Skip(_) => (None, Direction::Ascending),
            Start::Token(token) => match token.c.as_slice() {
                [Field::Text(key)] if token.b => (Some(key.clone()), Direction::Descending),
                [Field::Text(key)] => (Some(key.clone()), Direction::Ascending),
                _ => return Err(foreign_token()),
            },
        };
        if let Start::Skip(mut left) = wanted.start {
            while left > 0 {
                let limit = left.min(size_max);
                let passed = read(Turn { after: after.clone(), direction, limit }).await?;
                // At the end there is nothing to skip, and behind the last key nothing to read.
                left = if passed.len() < limit { 0 } else { left - limit };
                after = passed.last().map(|(key, _)| key.clone()).or(after);
            }
            wanted.start = Start::First;
        }
        let read = read(Turn { after, direction, limit: wanted.size + 1 }).await?;
        let mut rows =
            read.into_iter().map(|(key, row)| (row, vec![key.as_str().into()])).collect();
        let page = wanted.page(&mut rows, 0);
        let mut items = Items { json: Vec::with_capacity(rows.len() * 512) };
        for (row, _) in &rows {
            show(row, &mut items)?;
        }
        Ok(page.envelope(self, Style::Meta, key, &items.json))
    }
}
