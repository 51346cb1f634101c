//! Text to tokens.
//!
//! * Reads one token at a time, so an error is always the first one in the text.
//! * Knows no keywords: a word is a name until the parser says otherwise.

use crate::{CompileError, error::position_at, tree::Span};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token<'a> {
    pub(crate) kind: TokenKind<'a>,
    pub(crate) span: Span,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenKind<'a> {
    Name(&'a str),
    /// Digits, perhaps with a fraction.
    Number(&'a str),
    /// What stands between the quotes.
    Text(&'a str),
    Symbol(Symbol),
    End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Symbol {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    /// `>-`
    ArrowHas,
    /// `<-`
    ArrowIn,
    Open,
    Close,
    OpenList,
    CloseList,
    Comma,
    Dot,
}

/// Longer spellings first, so that `>=` is not read as `>` and `=`.
const SYMBOLS: [(&str, Symbol); 15] = [
    ("==", Symbol::Equal),
    ("!=", Symbol::NotEqual),
    ("<=", Symbol::LessOrEqual),
    (">=", Symbol::GreaterOrEqual),
    (">-", Symbol::ArrowHas),
    ("<-", Symbol::ArrowIn),
    ("=", Symbol::Equal),
    ("<", Symbol::Less),
    (">", Symbol::Greater),
    ("(", Symbol::Open),
    (")", Symbol::Close),
    ("[", Symbol::OpenList),
    ("]", Symbol::CloseList),
    (",", Symbol::Comma),
    (".", Symbol::Dot),
];

pub(crate) struct Lexer<'a> {
    source: &'a str,
    offset: usize,
}

impl<'a> Lexer<'a> {
    pub(crate) fn new(source: &'a str) -> Self {
        Self { source, offset: 0 }
    }

    /// The next token; [`TokenKind::End`] again and again after the last.
    pub(crate) fn next(&mut self) -> Result<Token<'a>, CompileError> {
        let rest = &self.source[self.offset..];
        let rest = rest.trim_start_matches(char::is_whitespace);
        let start = self.source.len() - rest.len();
        let (kind, len) = self.read(rest, start)?;
        self.offset = start + len;
        Ok(Token { kind, span: Span { start, end: self.offset } })
    }

    pub(crate) fn error_at(&self, offset: usize, message: impl Into<String>) -> CompileError {
        CompileError { message: message.into(), position: position_at(self.source, offset) }
    }

    fn read(&self, rest: &'a str, start: usize) -> Result<(TokenKind<'a>, usize), CompileError> {
        let Some(first) = rest.chars().next() else { return Ok((TokenKind::End, 0)) };
        if is_name_start(first) {
            let len = rest.find(|c| !is_name_part(c)).unwrap_or(rest.len());
            return Ok((TokenKind::Name(&rest[..len]), len));
        }
        if first.is_ascii_digit() {
            let len = number_len(rest);
            return Ok((TokenKind::Number(&rest[..len]), len));
        }
        if first == '\'' || first == '"' {
            let inside = &rest[1..];
            let len = inside.find(first).ok_or_else(|| {
                self.error_at(start, format!("expected another {first} to end this string"))
            })?;
            return Ok((TokenKind::Text(&inside[..len]), len + 2));
        }
        let symbol = SYMBOLS.iter().find(|(spelling, _)| rest.starts_with(spelling));
        symbol
            .map(|(spelling, symbol)| (TokenKind::Symbol(*symbol), spelling.len()))
            .ok_or_else(|| self.error_at(start, unexpected(first)))
    }
}

fn is_name_start(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_' || c == '$'
}

fn is_name_part(c: char) -> bool {
    is_name_start(c) || c.is_ascii_digit()
}

/// Digits and, if digits follow the point too, a fraction.
fn number_len(text: &str) -> usize {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let whole = digits(text);
    match text[whole..].strip_prefix('.').map(digits) {
        None | Some(0) => whole,
        Some(fraction) => whole + 1 + fraction,
    }
}

/// What to write instead of a character that has no meaning.
fn unexpected(c: char) -> String {
    let advice = match c {
        '-' => "a key cannot contain a hyphen, and there is no minus sign",
        '&' => "expected AND",
        '|' => "expected OR",
        '!' => "expected != or NOT",
        '‘' | '’' | '“' | '”' | '„' | '«' | '»' | '`' => {
            "expected a plain ' or \" as quote"
        }
        '\\' => "there are no escapes; use the other quote around the string",
        _ => "expected a key, a constant or an operator; other text must be in quotes",
    };
    format!("{} is not part of the language: {advice}", quoted(c))
}

fn quoted(c: char) -> String {
    if c.is_control() { format!("the character {}", c.escape_default()) } else { format!("`{c}`") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(source: &str) -> Vec<TokenKind<'_>> {
        let mut lexer = Lexer::new(source);
        let next = || lexer.next().expect(source).kind;
        std::iter::repeat_with(next).take_while(|kind| *kind != TokenKind::End).collect()
    }

    #[test]
    fn the_longest_spelling_wins() {
        use TokenKind::{Name, Number, Symbol as Sym, Text};
        assert_eq!(
            kinds("a>=1.50AND b>-'x' c.d[0]<-$_1"),
            [
                Name("a"),
                Sym(Symbol::GreaterOrEqual),
                Number("1.50"),
                Name("AND"),
                Name("b"),
                Sym(Symbol::ArrowHas),
                Text("x"),
                Name("c"),
                Sym(Symbol::Dot),
                Name("d"),
                Sym(Symbol::OpenList),
                Number("0"),
                Sym(Symbol::CloseList),
                Sym(Symbol::ArrowIn),
                Name("$_1"),
            ]
        );
        assert_eq!(kinds("1."), [Number("1"), Sym(Symbol::Dot)]);
    }

    #[test]
    fn the_other_quote_may_stand_inside() {
        assert_eq!(kinds("'\"'\"'\""), [TokenKind::Text("\""), TokenKind::Text("'")]);
        assert_eq!(kinds("'a\nb'"), [TokenKind::Text("a\nb")]);
    }
}
