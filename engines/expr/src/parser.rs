//! Tokens to tree, by recursive descent.
//!
//! * Recursion happens at parentheses and NOT only, and is counted.
//! * An error names what was expected and stands where something else was found.

use crate::{
    CompileError, Path, Place, Segment,
    decimal::Decimal,
    lexer::{Lexer, Symbol, Token, TokenKind},
    resolve::resolve,
    tree::{Branch, Comparison, Operand, Operator, Span, Tree},
    value::{Constant, Scalar},
};

/// Characters of one expression. A workflow may hold a megabyte; no one condition needs more than
/// this, and evaluating it for every worker must stay affordable.
pub const SOURCE_CHARS_MAX: usize = 65_536;

/// Parentheses and NOTs inside each other: far more than anyone can read, far less than the stack.
pub const DEPTH_MAX: usize = 64;

/// Reads a whole text.
pub(crate) fn parse(source: &str, place: Place) -> Result<Branch, CompileError> {
    let lexer = Lexer::new(source);
    if let Some((offset, _)) = source.char_indices().nth(SOURCE_CHARS_MAX) {
        let message = format!("an expression has at most {SOURCE_CHARS_MAX} characters");
        return Err(lexer.error_at(offset, message));
    }
    let ahead = Token { kind: TokenKind::End, span: Span { start: 0, end: 0 } };
    let mut parser = Parser { source, place, lexer, ahead, depth: 0 };
    parser.advance()?;
    let branch = parser.or()?;
    match parser.ahead.kind {
        TokenKind::End => Ok(branch),
        _ => Err(parser.after_condition("the end")),
    }
}

struct Parser<'a> {
    source: &'a str,
    place: Place,
    lexer: Lexer<'a>,
    ahead: Token<'a>,
    depth: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Keyword {
    And,
    Or,
    Not,
    Contains,
    Has,
    In,
}

const KEYWORDS: [(&str, Keyword); 6] = [
    ("AND", Keyword::And),
    ("OR", Keyword::Or),
    ("NOT", Keyword::Not),
    ("CONTAINS", Keyword::Contains),
    ("HAS", Keyword::Has),
    ("IN", Keyword::In),
];

impl<'a> Parser<'a> {
    fn or(&mut self) -> Result<Branch, CompileError> {
        self.joined(Keyword::Or, Tree::Or, Self::and)
    }

    fn and(&mut self) -> Result<Branch, CompileError> {
        self.joined(Keyword::And, Tree::And, Self::unary)
    }

    /// One condition, or several of them with `keyword` between.
    fn joined(
        &mut self,
        keyword: Keyword,
        join: fn(Box<[Branch]>) -> Tree,
        part: fn(&mut Self) -> Result<Branch, CompileError>,
    ) -> Result<Branch, CompileError> {
        let first = part(self)?;
        if self.keyword() != Some(keyword) {
            return Ok(first);
        }
        let mut span = first.span;
        let mut parts = vec![first];
        while self.keyword() == Some(keyword) {
            self.advance()?;
            parts.push(part(self)?);
            span = span.to(self.last_span(&parts));
        }
        Ok(Branch { span, tree: join(parts.into()) })
    }

    fn last_span(&self, parts: &[Branch]) -> Span {
        parts.last().map_or(self.ahead.span, |branch| branch.span)
    }

    fn unary(&mut self) -> Result<Branch, CompileError> {
        let start = self.ahead.span;
        if self.keyword() == Some(Keyword::Not) {
            self.deeper()?;
            self.advance()?;
            let inner = self.unary()?;
            self.depth -= 1;
            return Ok(Branch { span: start.to(inner.span), tree: Tree::Not(Box::new(inner)) });
        }
        if self.ahead.kind == TokenKind::Symbol(Symbol::Open) {
            self.deeper()?;
            self.advance()?;
            let mut inner = self.or()?;
            if self.ahead.kind != TokenKind::Symbol(Symbol::Close) {
                return Err(self.after_condition("`)`"));
            }
            inner.span = start.to(self.ahead.span);
            self.depth -= 1;
            self.advance()?;
            return Ok(inner);
        }
        self.comparison()
    }

    fn deeper(&mut self) -> Result<(), CompileError> {
        self.depth += 1;
        if self.depth <= DEPTH_MAX {
            return Ok(());
        }
        let message =
            format!("expected at most {DEPTH_MAX} parentheses and NOTs inside each other");
        Err(self.lexer.error_at(self.ahead.span.start, message))
    }

    fn comparison(&mut self) -> Result<Branch, CompileError> {
        let (left, left_span) = self.operand("a condition")?;
        let operator = self.operator(left_span)?;
        let (right, right_span) = self.operand("a value")?;
        let comparison = Comparison { left, operator, right };
        let tree = Tree::Compare { comparison, left: left_span, right: right_span };
        Ok(Branch { span: left_span.to(right_span), tree })
    }

    fn operator(&mut self, left: Span) -> Result<Operator, CompileError> {
        let operator = match (self.ahead.kind, self.keyword()) {
            (TokenKind::Symbol(Symbol::Equal), _) => Operator::Equal,
            (TokenKind::Symbol(Symbol::NotEqual), _) => Operator::NotEqual,
            (TokenKind::Symbol(Symbol::Less), _) => Operator::Less,
            (TokenKind::Symbol(Symbol::LessOrEqual), _) => Operator::LessOrEqual,
            (TokenKind::Symbol(Symbol::Greater), _) => Operator::Greater,
            (TokenKind::Symbol(Symbol::GreaterOrEqual), _) => Operator::GreaterOrEqual,
            (TokenKind::Symbol(Symbol::ArrowHas), _) | (_, Some(Keyword::Has)) => Operator::Has,
            (TokenKind::Symbol(Symbol::ArrowIn), _) | (_, Some(Keyword::In)) => Operator::In,
            (_, Some(Keyword::Contains)) => Operator::Contains,
            (_, Some(Keyword::Not)) => {
                self.advance()?;
                if self.keyword() != Some(Keyword::In) {
                    return Err(self.expected("IN after NOT"));
                }
                Operator::NotIn
            }
            (_, Some(Keyword::And | Keyword::Or)) | (TokenKind::End, _) => {
                return Err(self.bare_operand(left));
            }
            (TokenKind::Symbol(Symbol::Close), _) => return Err(self.bare_operand(left)),
            _ => return Err(self.expected(OPERATORS)),
        };
        self.advance()?;
        Ok(operator)
    }

    fn operand(&mut self, what: &str) -> Result<(Operand, Span), CompileError> {
        let start = self.ahead;
        match start.kind {
            TokenKind::Symbol(Symbol::OpenList) => self.list(),
            TokenKind::Name(name) if constant_name(name).is_none() => {
                if let Some((spelling, _)) = keyword_of(name) {
                    let found = self.found();
                    let message = format!(
                        "expected {what}, found {found}: \
                         {spelling} is an operator and cannot be a key"
                    );
                    return Err(self.lexer.error_at(start.span.start, message));
                }
                self.path(name)
            }
            _ => match self.scalar()? {
                Some(scalar) => Ok((Operand::Constant(Constant::Scalar(scalar)), start.span)),
                None => Err(self.expected(&format!("{what}: a key, a string, a number or a list"))),
            },
        }
    }

    /// A constant that is no list, if one is ahead.
    fn scalar(&mut self) -> Result<Option<Scalar>, CompileError> {
        let scalar = match self.ahead.kind {
            TokenKind::Text(text) => Scalar::Text(text.into()),
            TokenKind::Number(text) => Scalar::number(
                Decimal::from_plain(text)
                    .expect("the lexer reads digits with an optional fraction"),
            ),
            TokenKind::Name(name) => match constant_name(name) {
                Some(scalar) => scalar,
                None => return Ok(None),
            },
            TokenKind::Symbol(_) | TokenKind::End => return Ok(None),
        };
        self.advance()?;
        Ok(Some(scalar))
    }

    fn list(&mut self) -> Result<(Operand, Span), CompileError> {
        let start = self.ahead.span;
        let mut elements = Vec::new();
        self.advance()?;
        while self.ahead.kind != TokenKind::Symbol(Symbol::CloseList) {
            let Some(scalar) = self.scalar()? else {
                let wanted = if elements.is_empty() { "a constant or `]`" } else { "a constant" };
                return Err(self.expected(wanted));
            };
            elements.push(scalar);
            match self.ahead.kind {
                TokenKind::Symbol(Symbol::CloseList) => break,
                TokenKind::Symbol(Symbol::Comma) => self.advance()?,
                _ => return Err(self.expected("`,` or `]`")),
            }
            if self.ahead.kind == TokenKind::Symbol(Symbol::CloseList) {
                return Err(self.expected("a constant"));
            }
        }
        let span = start.to(self.ahead.span);
        self.advance()?;
        Ok((Operand::Constant(Constant::List(elements.into())), span))
    }

    fn path(&mut self, first: &str) -> Result<(Operand, Span), CompileError> {
        let mut span = self.ahead.span;
        let mut segments = vec![Segment::Key(first.into())];
        self.advance()?;
        loop {
            match self.ahead.kind {
                TokenKind::Symbol(Symbol::Dot) => {
                    self.advance()?;
                    let TokenKind::Name(name) = self.ahead.kind else {
                        return Err(self.expected("a key after `.`"));
                    };
                    segments.push(Segment::Key(name.into()));
                }
                TokenKind::Symbol(Symbol::OpenList) => {
                    self.advance()?;
                    segments.push(Segment::Index(self.index()?));
                    self.advance()?;
                    if self.ahead.kind != TokenKind::Symbol(Symbol::CloseList) {
                        return Err(self.expected("`]`"));
                    }
                }
                _ => break,
            }
            span = span.to(self.ahead.span);
            self.advance()?;
        }
        Ok((resolve(self.place, Path::new(segments)), span))
    }

    /// An index too large for any array is one past the end of them all.
    fn index(&self) -> Result<usize, CompileError> {
        match self.ahead.kind {
            TokenKind::Number(digits) if !digits.contains('.') => {
                Ok(digits.parse().unwrap_or(usize::MAX))
            }
            _ => Err(self.expected("the number of an element, from 0")),
        }
    }

    fn advance(&mut self) -> Result<(), CompileError> {
        self.ahead = self.lexer.next()?;
        Ok(())
    }

    fn keyword(&self) -> Option<Keyword> {
        match self.ahead.kind {
            TokenKind::Name(name) => keyword_of(name).map(|(_, keyword)| keyword),
            TokenKind::Number(_) | TokenKind::Text(_) | TokenKind::Symbol(_) | TokenKind::End => {
                None
            }
        }
    }

    fn expected(&self, what: &str) -> CompileError {
        let message = format!("expected {what}, found {}", self.found());
        self.lexer.error_at(self.ahead.span.start, message)
    }

    /// The error for whatever follows a whole condition.
    fn after_condition(&self, end: &str) -> CompileError {
        let is_operator = match (self.ahead.kind, self.keyword()) {
            (TokenKind::Symbol(symbol), _) => !matches!(
                symbol,
                Symbol::Open
                    | Symbol::Close
                    | Symbol::OpenList
                    | Symbol::CloseList
                    | Symbol::Comma
                    | Symbol::Dot
            ),
            (_, Some(Keyword::Contains | Keyword::Has | Keyword::In)) => true,
            _ => false,
        };
        let why = if is_operator { ": comparisons do not chain" } else { "" };
        let message = format!("expected AND, OR or {end}, found {}{why}", self.found());
        self.lexer.error_at(self.ahead.span.start, message)
    }

    fn bare_operand(&self, left: Span) -> CompileError {
        let (found, operand) = (self.found(), shown(left.text(self.source)));
        let message = format!(
            "expected {OPERATORS}, found {found}: {operand} alone is not a condition, \
             compare it with something"
        );
        self.lexer.error_at(self.ahead.span.start, message)
    }

    fn found(&self) -> String {
        match self.ahead.kind {
            TokenKind::End => "the end".into(),
            _ => shown(self.ahead.span.text(self.source)),
        }
    }
}

const OPERATORS: &str = "an operator (==, !=, <, <=, >, >=, CONTAINS, HAS, IN or NOT IN)";

/// Characters of the caller's text that a message repeats.
const SHOWN_CHARS_MAX: usize = 40;

fn shown(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARS_MAX) {
        Some((end, _)) => format!("`{}…`", &text[..end]),
        None => format!("`{text}`"),
    }
}

fn keyword_of(name: &str) -> Option<(&'static str, Keyword)> {
    KEYWORDS.into_iter().find(|(spelling, _)| spelling.eq_ignore_ascii_case(name))
}

/// The constants that are words. In lower case only: `TRUE` is a key.
fn constant_name(name: &str) -> Option<Scalar> {
    match name {
        "true" => Some(Scalar::Bool(true)),
        "false" => Some(Scalar::Bool(false)),
        "null" => Some(Scalar::Null),
        _ => None,
    }
}
