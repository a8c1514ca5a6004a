//! Several replies, one after the other.

use serde::{Deserialize, Serialize};

/// What a sequence of replies does when it has given them all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum SequenceEnd {
    /// Fail: the next request gets [`ErrorKind::SequenceExhausted`](crate::ErrorKind). The default,
    /// because a request that nobody planned for should be noticed.
    #[default]
    Fail,
    /// Give the last reply again and again.
    #[serde(rename = "repeat")]
    RepeatLast,
    /// Start over.
    Cycle,
}

impl SequenceEnd {
    /// Which of `len` replies the `turn`-th request (from 0) gets; `None` when there is none left.
    pub(crate) fn index(self, turn: u64, len: usize) -> Option<usize> {
        let last = len.checked_sub(1)?;
        let turn = usize::try_from(turn).unwrap_or(usize::MAX);
        match self {
            _ if turn <= last => Some(turn),
            Self::Fail => None,
            Self::RepeatLast => Some(last),
            Self::Cycle => Some(turn % len),
        }
    }
}
