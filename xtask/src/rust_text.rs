//! Rust source as the laws see it: code only, with comments and the contents of strings blanked out.

/// The same text, byte for byte as long and with the same line ends, in which comments and the
/// contents of string literals are spaces.
pub(crate) fn code_only(source: &str) -> String {
    let bytes = source.as_bytes();
    let mut code = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let end = match bytes[at] {
            b'/' if bytes[at..].starts_with(b"//") => line_end(bytes, at),
            b'/' if bytes[at..].starts_with(b"/*") => block_comment_end(bytes, at),
            b'r' if !follows_word(bytes, at) && raw_hashes(bytes, at).is_some() => {
                raw_string_end(bytes, at)
            }
            b'"' => string_end(bytes, at),
            b'\'' => char_end(bytes, at),
            _ => {
                at += 1;
                continue;
            }
        };
        code[at..end]
            .iter_mut()
            .filter(|byte| **byte != b'\n')
            .for_each(|byte| *byte = b' ');
        at = end;
    }
    // Whole literals and comments were replaced, so no character is cut in two.
    String::from_utf8_lossy(&code).into_owned()
}

/// The words of a line: identifiers, keywords and numbers.
pub(crate) fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| !(c.is_alphanumeric() || c == '_'))
        .filter(|word| !word.is_empty())
}

fn line_end(bytes: &[u8], at: usize) -> usize {
    bytes[at..]
        .iter()
        .position(|byte| *byte == b'\n')
        .map_or(bytes.len(), |length| at + length)
}

/// Block comments nest.
fn block_comment_end(bytes: &[u8], mut at: usize) -> usize {
    let mut depth = 0;
    while at < bytes.len() {
        if bytes[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if bytes[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    bytes.len()
}

fn string_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// The number of `#` of a raw string that begins here with `r`.
fn raw_hashes(bytes: &[u8], at: usize) -> Option<usize> {
    let hashes = bytes[at + 1..]
        .iter()
        .take_while(|byte| **byte == b'#')
        .count();
    (bytes.get(at + 1 + hashes) == Some(&b'"')).then_some(hashes)
}

fn raw_string_end(bytes: &[u8], at: usize) -> usize {
    let hashes = raw_hashes(bytes, at).unwrap_or(0);
    let close = [b"\"".as_slice(), &vec![b'#'; hashes]].concat();
    let body = at + hashes + 2;
    let found = bytes[body..]
        .windows(close.len())
        .position(|window| window == close);
    found.map_or(bytes.len(), |length| body + length + close.len())
}

/// Whether this byte is inside or at the end of a word, as in `br"..."`, which is a raw string, or in
/// `for`, where the `r` begins nothing.
fn follows_word(bytes: &[u8], at: usize) -> bool {
    let before = at.checked_sub(1).map(|before| bytes[before]);
    before.is_some_and(|byte| byte.is_ascii_alphanumeric() && byte != b'b' || byte == b'_')
}

/// The end of a character literal; of a lifetime, only its quote.
fn char_end(bytes: &[u8], at: usize) -> usize {
    match bytes.get(at + 1) {
        // The escaped character may be a quote itself.
        Some(b'\\') => {
            let close = bytes[(at + 3).min(bytes.len())..]
                .iter()
                .position(|byte| *byte == b'\'');
            close.map_or(bytes.len(), |length| at + 3 + length + 1)
        }
        Some(first) => {
            let width = match first {
                0xf0.. => 4,
                0xe0.. => 3,
                0xc0.. => 2,
                _ => 1,
            };
            if bytes.get(at + 1 + width) == Some(&b'\'') {
                at + width + 2
            } else {
                at + 1
            }
        }
        None => bytes.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::{code_only, words};

    fn found(source: &str) -> Vec<String> {
        words(&code_only(source)).map(str::to_owned).collect()
    }

    #[test]
    fn comments_are_not_code() {
        assert_eq!(found("a // Rc\nb /* Rc /* Rc */ Rc */ c"), ["a", "b", "c"]);
    }

    #[test]
    fn strings_are_not_code() {
        assert_eq!(found(r#"a("Rc \" // Rc"); b"#), ["a", "b"]);
        assert_eq!(found("a(r#\"Rc \" Rc\"#, br\"Rc\\\", b)"), ["a", "b", "b"]);
        assert_eq!(found("for x in y { \"Rc\" }"), ["for", "x", "in", "y"]);
    }

    #[test]
    fn a_quote_in_a_character_opens_no_string() {
        assert_eq!(
            found("'\"' Rc '\\'' Rc '\\u{1F600}' é 'é'"),
            ["Rc", "Rc", "é"]
        );
    }

    #[test]
    fn a_lifetime_opens_no_character() {
        assert_eq!(found("&'a str, 'static"), ["a", "str", "static"]);
    }

    #[test]
    fn lines_stay_where_they_are() {
        let source = "a\n/* b\n*/ c\n\"d\n\" e";
        let code = code_only(source);
        assert_eq!(code.len(), source.len());
        assert_eq!(code.lines().nth(2).map(str::trim), Some("c"));
    }
}
