//! Where the text of an answer is cut into the deltas of a stream.

use serde::{Deserialize, Serialize};

use super::usage::BYTES_PER_TOKEN;

/// Where the text of an answer, or the JSON of a tool's arguments, is cut into the deltas of a stream.
/// Never within a character: what tears characters is the wire, see [`Answer::script`].
///
/// ```
/// use mockwire::providers::Split;
///
/// fn pieces(split: Split, text: &str) -> Vec<String> {
///     split.pieces(text).map(str::to_owned).collect()
/// }
/// assert_eq!(pieces(Split::Words(1), "Hello, big  world"), ["Hello,", " big", "  world"]);
/// assert_eq!(pieces(Split::Characters(1), "a😀b"), ["a", "😀", "b"]);
/// assert_eq!(pieces(Split::Bytes(3), "a😀bcd"), ["a", "😀", "bcd"]);
/// assert_eq!(pieces(Split::Sizes(vec![1, 2]), "abcdefg"), ["a", "bc", "d", "ef", "g"]);
/// ```
///
/// [`Answer::script`]: super::Answer::script
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Split {
    /// After so many bytes of UTF-8; earlier where that would tear a character, and after one character
    /// at least.
    Bytes(usize),
    /// After so many characters (Unicode scalar values).
    Characters(usize),
    /// After these numbers of bytes, one after the other, and then again; characters stay whole.
    Sizes(Vec<usize>),
    /// After so many tokens. A token counts as four bytes, as it does for
    /// [`Rate::TokensPerSecond`](crate::Rate::TokensPerSecond).
    Tokens(usize),
    /// Not at all: one delta.
    Whole,
    /// After so many words, each with the white space before it.
    Words(usize),
}

impl Default for Split {
    fn default() -> Self {
        Self::Words(1)
    }
}

impl Split {
    /// The pieces of a text, none of them empty. A size of zero counts as one.
    pub fn pieces<'a>(&'a self, text: &'a str) -> impl Iterator<Item = &'a str> {
        let (mut rest, mut number) = (text, 0);
        std::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            let (piece, after) = rest.split_at(self.len(rest, number));
            (rest, number) = (after, number + 1);
            Some(piece)
        })
    }

    /// How long the piece with this number is, which begins here. The text is not empty.
    fn len(&self, text: &str, number: usize) -> usize {
        match self {
            Self::Bytes(bytes) => whole_characters(text, *bytes),
            Self::Characters(count) => {
                let mut starts = text.char_indices().skip((*count).max(1));
                starts.next().map_or(text.len(), |(at, _)| at)
            }
            Self::Sizes(sizes) => {
                let size = sizes.get(number % sizes.len().max(1));
                whole_characters(text, size.copied().unwrap_or(text.len()))
            }
            Self::Tokens(tokens) => whole_characters(text, tokens.saturating_mul(BYTES_PER_TOKEN)),
            Self::Whole => text.len(),
            Self::Words(words) => words_len(text, (*words).max(1)),
        }
    }
}

/// As many bytes as make whole characters, at most so many, but one character at least.
fn whole_characters(text: &str, bytes: usize) -> usize {
    let first = text.chars().next().map_or(0, char::len_utf8);
    let mut len = bytes.clamp(first, text.len());
    while !text.is_char_boundary(len) {
        len -= 1;
    }
    len
}

fn words_len(text: &str, words: usize) -> usize {
    let mut at = 0;
    for _ in 0..words {
        let rest = &text[at..];
        let word = rest.find(|c: char| !c.is_whitespace());
        let Some(word) = word else {
            return text.len();
        };
        let end = rest[word..].find(char::is_whitespace);
        at = end.map_or(text.len(), |end| at + word + end);
    }
    // White space at the end belongs to the last word.
    if text[at..].trim_start().is_empty() {
        return text.len();
    }
    at
}

#[cfg(test)]
mod tests {
    use super::Split;

    #[test]
    fn the_pieces_make_the_text_whatever_the_split() {
        let texts = [
            "",
            " ",
            "a",
            "😀",
            "Hello,  wörld \n",
            "  leading 日本語 text😀😀 ",
        ];
        let splits = [
            Split::Bytes(0),
            Split::Bytes(1),
            Split::Bytes(2),
            Split::Bytes(5),
            Split::Characters(0),
            Split::Characters(2),
            Split::Sizes(vec![]),
            Split::Sizes(vec![1, 3, 0]),
            Split::Tokens(1),
            Split::Tokens(usize::MAX),
            Split::Whole,
            Split::Words(0),
            Split::Words(2),
        ];
        for split in &splits {
            for text in texts {
                let pieces: Vec<_> = split.pieces(text).collect();
                assert_eq!(pieces.concat(), text, "{split:?}");
                assert!(pieces.iter().all(|piece| !piece.is_empty()), "{split:?}");
            }
        }
    }
}
