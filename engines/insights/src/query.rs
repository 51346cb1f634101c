//! A query: an expression over the items of one index of one workspace.

use crate::{Index, QuerySid};
use base::{Position, Sid, Timestamp};
use expr::{Expression, Place, Scope, Warning};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// A query that makes sense.
#[derive(Clone, Debug)]
pub struct Query {
    sid: QuerySid,
    workspace: Sid,
    index: Index,
    /// `None` holds for every item.
    condition: Option<Expression>,
}

/// Why a text is no query.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Invalid query: {message}")]
pub struct QueryError {
    /// For people.
    pub message: String,
    /// Where in the text.
    pub position: Position,
}

impl Query {
    /// Compiles the text; one without a word asks for every item. A key without `data.` before it
    /// is refused: it would be null, and hardly what was meant.
    pub fn parse(workspace: Sid, index: Index, text: &str) -> Result<Self, QueryError> {
        let sid = sid_of(workspace, index, text.trim());
        if text.trim().is_empty() {
            return Ok(Self { sid, workspace, index, condition: None });
        }
        let condition = Expression::compile(text, Place::LiveQuery)
            .map_err(|error| QueryError { message: error.message, position: error.position })?;
        let mut warnings = condition.lint().into_iter();
        let unprefixed = warnings.find(|warning| matches!(warning, Warning::Unprefixed { .. }));
        match unprefixed {
            None => Ok(Self { sid, workspace, index, condition: Some(condition) }),
            Some(warning) => {
                Err(QueryError { message: warning.to_string(), position: warning.position() })
            }
        }
    }

    /// Its name.
    pub fn sid(&self) -> QuerySid {
        self.sid
    }

    /// Whose items it asks for.
    pub fn workspace(&self) -> Sid {
        self.workspace
    }

    /// Which of them.
    pub fn index(&self) -> Index {
        self.index
    }

    /// Whether it holds for an item.
    pub fn holds(&self, item: &Value, now: Timestamp) -> bool {
        let scope = Scope { task: item, now, ..Scope::default() };
        self.condition.as_ref().is_none_or(|condition| condition.evaluate(&scope))
    }
}

fn sid_of(workspace: Sid, index: Index, text: &str) -> QuerySid {
    let mut hash = Sha256::new();
    for part in [&*workspace.to_string(), index.name(), text] {
        hash.update(part.len().to_be_bytes());
        hash.update(part.as_bytes());
    }
    let digest = hash.finalize();
    let (body, _) = digest.split_first_chunk().expect("a digest has 32 bytes");
    QuerySid::new(u128::from_be_bytes(*body))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const WORKSPACE: Sid = Sid::new(*b"WS", 1);

    fn parsed(text: &str) -> Result<Query, QueryError> {
        Query::parse(WORKSPACE, Index::Workers, text)
    }

    #[test]
    fn a_query_is_named_by_where_it_asks_and_what() {
        let sid = |workspace, index, text| Query::parse(workspace, index, text).unwrap().sid();
        let text = "data.sid == 'a'";
        let one = sid(WORKSPACE, Index::Workers, text);
        assert_eq!(one, sid(WORKSPACE, Index::Workers, " data.sid == 'a'\n"));
        assert_ne!(one, sid(WORKSPACE, Index::Tasks, text));
        assert_ne!(one, sid(Sid::new(*b"WS", 2), Index::Workers, text));
        assert_ne!(one, sid(WORKSPACE, Index::Workers, "data.sid == 'b'"));
        assert_eq!(one.to_string().parse(), Ok(one));
    }

    #[test]
    fn without_a_word_everything_is_asked_for() {
        let now = Timestamp(0);
        assert!(parsed(" ").unwrap().holds(&json!({}), now));
        let some = parsed("data.attributes.skills HAS 'de'").unwrap();
        assert!(some.holds(&json!({"attributes": {"skills": ["de"]}}), now));
        assert!(!some.holds(&Value::Null, now));
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        let refused = parsed("data.a ==").expect_err("half of it is missing");
        assert_eq!(refused.position.line, 1, "{refused}");
        let refused = parsed("data.a == 1 AND\n activity_name == 'Idle'").expect_err("no prefix");
        assert_eq!((refused.position.line, refused.position.column), (2, 2));
        assert!(refused.message.contains("write data. before the key"), "{refused}");
    }
}
