//! A reader of Rust text that is just good enough for lengths: it blanks comments and literals and
//! finds functions by their braces.
//!
//! * Blanking keeps every line break, so line numbers stay true.
//! * It is no parser: a macro that writes `fn` by halves would confuse it. None here does.

/// A function and its extent.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Function {
    pub(crate) name: String,
    /// The line of `fn`, counted from one.
    pub(crate) line: usize,
    /// Lines from `fn` to the closing brace.
    pub(crate) length: usize,
}

/// The functions with a body, outside modules marked `#[cfg(test)]`.
pub(crate) fn functions(source: &str) -> Vec<Function> {
    let code = blank(source);
    let code = without_test_modules(&code);
    let mut found = Vec::new();
    for (start, _) in code.match_indices("fn ") {
        let boundary = code[..start].chars().next_back().is_none_or(|c| !is_word(c));
        let name: String = code[start + 3..].chars().take_while(|c| is_word(*c)).collect();
        if !boundary || name.is_empty() {
            continue;
        }
        let Some(open) = body(&code, start) else { continue };
        let Some(end) = closing(&code, open) else { continue };
        let line = code[..start].matches('\n').count() + 1;
        let length = code[start..end].matches('\n').count() + 1;
        found.push(Function { name, line, length });
    }
    found
}

/// The position of the brace that opens the body, or nothing for a declaration.
fn body(code: &str, start: usize) -> Option<usize> {
    let mut depth = 0i32;
    for (offset, c) in code[start..].char_indices() {
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            ';' if depth == 0 => return None,
            '{' if depth == 0 => return Some(start + offset),
            _ => {}
        }
    }
    None
}

/// The position after the brace that closes the one at `open`.
fn closing(code: &str, open: usize) -> Option<usize> {
    let mut depth = 0i32;
    for (offset, c) in code[open..].char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => continue,
        }
        if depth == 0 {
            return Some(open + offset + 1);
        }
    }
    None
}

/// The code with every `#[cfg(test)] mod … { … }` blanked.
fn without_test_modules(code: &str) -> String {
    let mut code = code.to_owned();
    let mut from = 0;
    while let Some(found) = code[from..].find("#[cfg(test)]") {
        let start = from + found;
        from = start + 1;
        let after = code[start + "#[cfg(test)]".len()..].trim_start();
        if !after.starts_with("mod ") && !after.starts_with("pub(crate) mod ") {
            continue;
        }
        let Some(open) = body(&code, start) else { continue };
        let Some(end) = closing(&code, open) else { continue };
        let blanked: String =
            code[start..end].chars().map(|c| if c == '\n' { '\n' } else { ' ' }).collect();
        code.replace_range(start..end, &blanked);
    }
    code
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The source with comments, strings and characters replaced by blanks of the same line count.
pub(crate) fn blank(source: &str) -> String {
    let characters: Vec<char> = source.chars().collect();
    let mut out = String::with_capacity(source.len());
    let mut at = 0;
    while at < characters.len() {
        let end = literal_end(&characters, at);
        if end == at {
            out.push(characters[at]);
            at += 1;
            continue;
        }
        out.extend(characters[at..end].iter().map(|c| if *c == '\n' { '\n' } else { ' ' }));
        at = end;
    }
    out
}

/// The end of the comment or literal that begins at `at`, or `at` where none does.
fn literal_end(text: &[char], at: usize) -> usize {
    let next = text.get(at + 1).copied();
    let after_word = at > 0 && is_word(text[at - 1]);
    match text[at] {
        '/' if next == Some('/') => find(text, at, |rest| rest[0] == '\n'),
        '/' if next == Some('*') => block_comment(text, at),
        'r' if !after_word && matches!(next, Some('"' | '#')) => raw_string(text, at),
        '"' => string(text, at),
        '\'' => character(text, at),
        _ => at,
    }
}

fn find(text: &[char], from: usize, stop: impl Fn(&[char]) -> bool) -> usize {
    (from..text.len()).find(|at| stop(&text[*at..])).unwrap_or(text.len())
}

fn block_comment(text: &[char], at: usize) -> usize {
    let mut depth = 0i32;
    let mut here = at;
    while here < text.len() {
        match (text[here], text.get(here + 1)) {
            ('/', Some('*')) => (depth, here) = (depth + 1, here + 1),
            ('*', Some('/')) => (depth, here) = (depth - 1, here + 1),
            _ => {}
        }
        here += 1;
        if depth == 0 {
            return here;
        }
    }
    here
}

fn raw_string(text: &[char], at: usize) -> usize {
    let hashes = text[at + 1..].iter().take_while(|c| **c == '#').count();
    if text.get(at + 1 + hashes) != Some(&'"') {
        return at;
    }
    let end = find(text, at + 2 + hashes, |rest| {
        rest[0] == '"' && rest.len() > hashes && rest[1..=hashes].iter().all(|c| *c == '#')
    });
    (end + 1 + hashes).min(text.len())
}

fn string(text: &[char], at: usize) -> usize {
    let mut here = at + 1;
    while here < text.len() && text[here] != '"' {
        here += if text[here] == '\\' { 2 } else { 1 };
    }
    (here + 1).min(text.len())
}

/// A character literal, told apart from a lifetime by its closing quote.
fn character(text: &[char], at: usize) -> usize {
    match (text.get(at + 1), text.get(at + 2)) {
        (Some('\\'), _) => (find(text, at + 3, |rest| rest[0] == '\'') + 1).min(text.len()),
        (Some(_), Some('\'')) => at + 3,
        _ => at,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn braces_in_literals_and_comments_do_not_count() {
        let source = "fn a() {\n  let x = \"}\"; // }\n  let y = '}'; /* } */\n  \
                      let z = r#\"}\"}\"#;\n}\nfn b<'a>(x: &'a str) -> &'a str {\n  x\n}\n";
        let found = functions(source);
        assert_eq!(found[0], Function { name: "a".into(), line: 1, length: 5 });
        assert_eq!(found[1], Function { name: "b".into(), line: 6, length: 3 });
        assert_eq!(found.len(), 2);
    }

    #[test]
    fn declarations_and_test_modules_are_left_out() {
        let source = "trait T {\n fn d(&self, x: [u8; 3]);\n}\n#[cfg(test)]\nmod tests {\n \
                      fn long() {\n }\n}\nfn after() {}\n";
        let names: Vec<_> = functions(source).into_iter().map(|f| (f.name, f.line)).collect();
        assert_eq!(names, [("after".to_owned(), 9)]);
    }

    #[test]
    fn words_that_end_in_fn_are_no_functions() {
        assert_eq!(functions("let my_fn = 1; defn x() {}"), []);
    }
}
