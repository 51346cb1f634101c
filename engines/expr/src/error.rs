//! Why a text is refused, and where.

use base::Position;

/// Why a text does not compile.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} (line {}, column {})", position.line, position.column)]
pub struct CompileError {
    /// What was expected and what was found.
    pub message: String,
    /// Where, counted from 1 in characters.
    pub position: Position,
}

/// The line and column of a byte offset. CR LF, LF and CR each end one line.
pub(crate) fn position_at(source: &str, offset: usize) -> Position {
    let mut position = Position { line: 1, column: 1 };
    let mut chars = source.char_indices().take_while(|(start, _)| *start < offset).peekable();
    while let Some((_, c)) = chars.next() {
        let half_of_crlf = c == '\r' && chars.peek().is_some_and(|(_, next)| *next == '\n');
        if (c == '\n' || c == '\r') && !half_of_crlf {
            position = Position { line: position.line + 1, column: 1 };
        } else {
            position.column += 1;
        }
    }
    position
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_characters_and_all_line_ends() {
        let source = "é\r\nb\rc\nd";
        let places: Vec<(u32, u32)> = source
            .char_indices()
            .filter(|(_, c)| c.is_alphabetic())
            .map(|(offset, _)| position_at(source, offset))
            .map(|at| (at.line, at.column))
            .collect();
        assert_eq!(places, [(1, 1), (2, 1), (3, 1), (4, 1)]);
        assert_eq!(position_at("éé", 4), Position { line: 1, column: 3 });
    }
}
