//! Where a text is cut into frames.

use serde::{Deserialize, Serialize};

use crate::model::random::Random;

/// Where the bytes of a [`Script`](crate::Script) are cut into frames.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Chunking {
    /// After so many bytes, also within a character.
    Bytes(usize),
    /// After so many characters of UTF-8, and never within one. Bytes that are not UTF-8 count as
    /// characters of one byte.
    Characters(usize),
    /// After each line break.
    Lines,
    /// After a random number of bytes in this range, from the transport's seed.
    Random {
        /// The least number of bytes.
        min: usize,
        /// The greatest number of bytes.
        max: usize,
    },
    /// After these numbers of bytes, one after the other, and then again.
    Sizes(Vec<usize>),
}

impl Chunking {
    pub(super) fn mistake(&self) -> Option<&'static str> {
        let is_bad = match self {
            Self::Bytes(n) | Self::Characters(n) => *n == 0,
            Self::Lines => false,
            Self::Random { min, max } => *min == 0 || min > max,
            Self::Sizes(sizes) => sizes.is_empty() || sizes.contains(&0),
        };
        is_bad.then_some("a chunk has at least one byte, and `min` is not above `max`")
    }

    pub(super) fn draws(&self) -> bool {
        matches!(self, Self::Random { .. })
    }

    /// How long the `nth` chunk (from 0) is, which begins here. `bytes` has at least one.
    pub(super) fn len(&self, bytes: &[u8], nth: u64, random: &mut Random) -> usize {
        let wanted = match self {
            Self::Bytes(n) => *n,
            Self::Characters(n) => characters(bytes, *n),
            Self::Lines => {
                let line_break = bytes.iter().position(|byte| *byte == b'\n');
                line_break.map_or(bytes.len(), |at| at + 1)
            }
            Self::Random { min, max } => {
                let more = random.up_to((max - min) as u64);
                min + usize::try_from(more).unwrap_or(usize::MAX - min)
            }
            Self::Sizes(sizes) => {
                let at = nth % sizes.len() as u64;
                sizes[usize::try_from(at).unwrap_or_default()]
            }
        };
        wanted.clamp(1, bytes.len())
    }
}

/// How many bytes so many characters have.
fn characters(bytes: &[u8], count: usize) -> usize {
    let mut at = 0;
    for _ in 0..count {
        let Some(first) = bytes.get(at) else {
            break;
        };
        let len = match first {
            0xF0..=0xF4 => 4,
            0xE0..=0xEF => 3,
            0xC2..=0xDF => 2,
            _ => 1,
        };
        let character = bytes.get(at..at + len);
        let is_whole = character.is_some_and(|it| std::str::from_utf8(it).is_ok());
        at += if is_whole { len } else { 1 };
    }
    at
}
