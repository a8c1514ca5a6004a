//! A text that is looked for in every form in which it may stand in another one.

use std::ops::Range;

use crate::model::base64;

/// The shortest beginning of a base64 text that is looked for: less would be found by chance.
const SHORTEST: usize = 6;

/// A text to be found: as it is, percent-encoded, with JSON escapes, or in base64.
pub(super) struct Secret {
    text: Vec<u8>,
    /// What all base64 texts have in common in which it stands: for each place in a group of three bytes
    /// where it may begin, in both alphabets (RFC 4648 §4, §5).
    base64: Vec<Vec<u8>>,
}

impl Secret {
    pub(super) fn new(text: &str) -> Self {
        let text = text.as_bytes().to_vec();
        let mut encoded = Vec::new();
        for before in 0..3 {
            let padded = [&vec![0; before][..], &text].concat();
            let whole = base64::encode(&padded);
            // The characters that no other byte has a part in.
            let from = (before * 8).div_ceil(6);
            let to = padded.len() * 8 / 6;
            let Some(common) = whole.get(from..to).filter(|it| it.len() >= SHORTEST) else {
                continue;
            };
            let url_safe = common.replace('+', "-").replace('/', "_");
            encoded.push(common.as_bytes().to_vec());
            if url_safe != common {
                encoded.push(url_safe.into_bytes());
            }
        }
        Self {
            text,
            base64: encoded,
        }
    }

    /// Where any of them stand in a text, in order, without overlap.
    pub(super) fn find_all(secrets: &[&Self], text: &[u8]) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        let mut at = 0;
        while at < text.len() {
            let here = secrets.iter().filter_map(|it| it.len_at(&text[at..])).max();
            match here {
                Some(len) => {
                    found.push(at..at + len);
                    at += len;
                }
                None => at += 1,
            }
        }
        found
    }

    /// How many bytes it has at the beginning of a text, if it stands there.
    fn len_at(&self, text: &[u8]) -> Option<usize> {
        let forms = std::iter::once(&self.text).chain(&self.base64);
        forms.filter_map(|form| prefix_len(form, text)).max()
    }
}

/// How many bytes of the text say what is wanted, if its beginning does.
fn prefix_len(wanted: &[u8], text: &[u8]) -> Option<usize> {
    let (mut said, mut at) = (0, 0);
    while said < wanted.len() {
        let (wanted, text) = (&wanted[said..], &text[at..]);
        let is_plain = *text.first()? == wanted[0];
        let escaped = unescape(text, wanted);
        let (bytes, len) = match escaped {
            // A `%` or a `\` may stand for itself, or begin what stands for it.
            Some((bytes, len)) if is_plain => match prefix_len(&wanted[bytes..], &text[len..]) {
                Some(rest) => return Some(at + len + rest),
                None => (1, 1),
            },
            Some(escaped) => escaped,
            None if is_plain => (1, 1),
            None => return None,
        };
        said += bytes;
        at += len;
    }
    Some(at)
}

/// How many of the wanted bytes an escape says, and how many bytes it has.
fn unescape(text: &[u8], wanted: &[u8]) -> Option<(usize, usize)> {
    match text.first()? {
        b'%' => {
            let byte = u8::try_from(hex(text.get(1..3)?)?).ok()?;
            (byte == wanted[0]).then_some((1, 3))
        }
        b'+' => (wanted[0] == b' ').then_some((1, 1)),
        b'\\' => {
            let (character, len) = json_escape(text)?;
            let mut buffer = [0; 4];
            let bytes = character.encode_utf8(&mut buffer).as_bytes();
            wanted.starts_with(bytes).then_some((bytes.len(), len))
        }
        _ => None,
    }
}

/// The character of a JSON escape (RFC 8259 §7), and the length of that.
fn json_escape(text: &[u8]) -> Option<(char, usize)> {
    let plain = |character| Some((character, 2));
    match text.get(1)? {
        b'"' => plain('"'),
        b'\\' => plain('\\'),
        b'/' => plain('/'),
        b'b' => plain('\u{8}'),
        b'f' => plain('\u{c}'),
        b'n' => plain('\n'),
        b'r' => plain('\r'),
        b't' => plain('\t'),
        b'u' => {
            let first = hex(text.get(2..6)?)?;
            if let Some(character) = char::from_u32(first) {
                return Some((character, 6));
            }
            let second = hex(text.get(8..12).filter(|_| text[6..].starts_with(b"\\u"))?)?;
            let units = [u16::try_from(first).ok()?, u16::try_from(second).ok()?];
            let character = char::decode_utf16(units).next()?.ok()?;
            Some((character, 12))
        }
        _ => None,
    }
}

fn hex(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |number, digit| {
        let digit = char::from(*digit).to_digit(16)?;
        Some(number * 16 + digit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_found(secret: &str, text: &str) -> bool {
        let found = Secret::find_all(&[&Secret::new(secret)], text.as_bytes());
        found.len() == 1
    }

    #[test]
    fn a_secret_is_found_in_every_form() {
        let secret = "pä\"ss/wörd €😀+1%\\";
        for text in [
            "x pä\"ss/wörd €😀+1%\\ y",
            r#""pä\"ss\/wörd €😀+1%\\""#,
            r#""p\u00e4\u0022ss/w\u00F6rd \u20ac\ud83d\ude00+1%\u005c""#,
            "p%C3%A4%22ss%2Fw%c3%b6rd+%E2%82%AC%F0%9F%98%80%2B1%25%5C",
            "p%C3%A4%22ss/w%C3%B6rd%20%E2%82%AC%F0%9F%98%80+1%25%5c",
        ] {
            assert!(is_found(secret, text), "{text}");
        }
        assert!(!is_found(secret, "pä\"ss/wörd €😀-1%\\"));
    }

    #[test]
    fn a_secret_is_found_in_base64_wherever_it_begins() {
        let secret = "s3cr3t?>~ÿ";
        for before in ["", "a", "ab", "user:"] {
            for after in ["", "x", "xy", "xyz"] {
                let encoded = base64::encode(format!("{before}{secret}{after}").as_bytes());
                let url_safe = encoded.replace('+', "-").replace('/', "_");
                let in_url = encoded.replace('+', "%2B").replace('/', "%2F");
                for text in [encoded, url_safe, in_url] {
                    assert!(is_found(secret, &text), "{text}");
                }
            }
        }
        assert!(!is_found(secret, &base64::encode(b"s3cr3t?>~?")));
    }
}
