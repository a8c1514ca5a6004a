//! What stands in a recording for what is not the same each time, or must not be told, and which
//! texts that may be: a secret, an id, a UUID.

use crate::model::redact::REDACTED;

/// A secret in a URL, where `<` and `>` may not be.
pub(super) const REDACTED_IN_URL: &str = "%3Credacted%3E";

/// What an id ends with, before its number.
const MARK: &str = "rec";
const UUID: &str = "00000000-0000-4000-8000-";

/// The id with this number: `msg_rec0001`.
pub(super) fn id(prefix: &str, number: usize) -> String {
    format!("{prefix}{MARK}{number:04}")
}

/// The UUID with this number, of the form of version 4 (RFC 9562 §5.4).
pub(super) fn uuid(number: usize) -> String {
    format!("{UUID}{number:012x}")
}

/// The number of an id that [`id`] has made; what comes before its mark.
pub(super) fn parse_id(token: &str) -> Option<(&str, usize)> {
    let digits = token.len() - token.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    let (head, number) = token.split_at(token.len() - digits);
    let prefix = head.strip_suffix(MARK)?;
    let ends_a_word = prefix.is_empty() || prefix.ends_with(['_', '-']);
    (ends_a_word && digits >= 4).then_some(())?;
    Some((prefix, number.parse().ok()?))
}

/// The number of a UUID that [`uuid`] has made.
pub(super) fn parse_uuid(text: &str) -> Option<usize> {
    let number = text.strip_prefix(UUID)?;
    usize::from_str_radix(number, 16).ok()
}

/// Whether a text is what was recorded, or what a placeholder in that may stand for.
pub(super) fn stands_for(recorded: &str, actual: &str) -> bool {
    if recorded == actual {
        return true;
    }
    let pieces = pieces(recorded);
    let is_literal = |piece: &Piece<'_>| matches!(piece, Piece::Literal(_));
    !pieces.iter().all(is_literal) && fits(&pieces, actual)
}

#[derive(Clone, Copy, Debug)]
enum Piece<'a> {
    /// Any text: a secret.
    Any,
    Literal(&'a str),
    /// Letters and digits: the rest of an id.
    Token,
    Uuid,
}

impl Piece<'_> {
    /// How much of the beginning of a text it takes.
    fn take(self, text: &str) -> Option<usize> {
        match self {
            Self::Any => Some(0),
            Self::Literal(literal) => text.starts_with(literal).then_some(literal.len()),
            Self::Token => {
                let end = text.find(|c: char| !is_token(c)).unwrap_or(text.len());
                (end > 0).then_some(end)
            }
            Self::Uuid => uuid_len(text),
        }
    }
}

/// What an id is made of.
pub(super) fn is_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-')
}

/// The length of a UUID, if the text begins with one.
pub(super) fn uuid_len(text: &str) -> Option<usize> {
    let bytes = text.as_bytes().get(..36)?;
    let fits = bytes.iter().enumerate().all(|(at, byte)| match at {
        8 | 13 | 18 | 23 => *byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    });
    fits.then_some(36)
}

fn pieces(recorded: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let (mut literal, mut at) = (0, 0);
    while at < recorded.len() {
        let rest = &recorded[at..];
        let found = placeholder(rest, recorded[..at].chars().next_back());
        let Some((skip, piece, len)) = found else {
            at += rest.chars().next().map_or(1, char::len_utf8);
            continue;
        };
        pieces.push(Piece::Literal(&recorded[literal..at + skip]));
        pieces.push(piece);
        at += skip + len;
        literal = at;
    }
    pieces.push(Piece::Literal(&recorded[literal..]));
    pieces
}

/// The placeholder that a text begins with: what of it is literal, what it stands for, and its length.
fn placeholder(text: &str, before: Option<char>) -> Option<(usize, Piece<'static>, usize)> {
    for redacted in [REDACTED, REDACTED_IN_URL] {
        if text.starts_with(redacted) {
            return Some((0, Piece::Any, redacted.len()));
        }
    }
    let first = text.chars().next()?;
    if before.is_some_and(is_token) || !is_token(first) {
        return None;
    }
    if let Some(len) = uuid_len(text) {
        parse_uuid(&text[..len])?;
        return Some((0, Piece::Uuid, len));
    }
    let end = text.find(|c: char| !is_token(c)).unwrap_or(text.len());
    let (prefix, _) = parse_id(&text[..end])?;
    Some((prefix.len(), Piece::Token, end - prefix.len()))
}

/// Whether the pieces, one after the other, are the text. Only a secret may be of any length, so it is
/// enough to go back to the last one.
fn fits(pieces: &[Piece<'_>], text: &str) -> bool {
    let (mut piece, mut at) = (0, 0);
    let mut last_any: Option<(usize, usize)> = None;
    loop {
        let taken = pieces.get(piece).map(|it| it.take(&text[at..]));
        match taken {
            None if at == text.len() => return true,
            Some(Some(len)) => {
                if let Piece::Any = pieces[piece] {
                    last_any = Some((piece, at));
                }
                at += len;
                piece += 1;
                continue;
            }
            _ => {}
        }
        // The last secret was one character longer.
        let Some((any, from)) = last_any else {
            return false;
        };
        let Some(next) = text[from..].chars().next() else {
            return false;
        };
        at = from + next.len_utf8();
        last_any = Some((any, at));
        piece = any + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_stand_for_what_they_say() {
        for (recorded, actual) in [
            ("plain", "plain"),
            ("<redacted>", ""),
            ("Bearer <redacted>", "Bearer sk-1"),
            ("a <redacted> b <redacted>!", "a b b c b!!"),
            ("/x/%3Credacted%3E/y", "/x/s3cr3t/y"),
            ("id msg_rec0001.", "id msg_01AbC."),
            ("msg_rec0001", "msg_rec0001"),
            (
                "00000000-0000-4000-8000-000000000001",
                "67E55044-10b1-426f-9247-bb680e5fe0c8",
            ),
            ("é<redacted>é", "é€é"),
        ] {
            assert!(stands_for(recorded, actual), "{recorded} {actual}");
        }
        for (recorded, actual) in [
            ("plain", "other"),
            ("Bearer <redacted>", "Basic x"),
            ("a<redacted>b", "ab!"),
            ("msg_rec0001", "req_01AbC"),
            ("msg_rec0001", "msg_"),
            ("msg_rec001", "msg_01AbC"),
            ("myrec0001", "my01AbC"),
            (
                "00000000-0000-4000-8000-000000000001",
                "67E55044-10b1-426f-9247",
            ),
        ] {
            assert!(!stands_for(recorded, actual), "{recorded} {actual}");
        }
    }

    #[test]
    fn ids_are_read_as_they_are_made() {
        assert_eq!(parse_id(&id("chatcmpl-", 12)), Some(("chatcmpl-", 12)));
        assert_eq!(parse_id(&id("", 12_345)), Some(("", 12_345)));
        assert_eq!(parse_id("record0001"), None);
        assert_eq!(parse_uuid(&uuid(300)), Some(300));
    }
}
