//! How often a rule may and must answer.

use std::fmt;
use std::ops::{RangeFrom, RangeFull, RangeInclusive, RangeToInclusive};

/// How often a rule answers: at least `min` times (or verification fails), at most `max` times
/// (then it matches no more).
///
/// Made with `into()` from a number or a range:
///
/// ```
/// use mockwire::Times;
///
/// assert_eq!(Times::from(2).to_string(), "exactly 2 times");
/// assert_eq!(Times::from(1..=3).to_string(), "1 to 3 times");
/// assert_eq!(Times::from(1..).to_string(), "at least once");
/// assert_eq!(Times::from(..=3).to_string(), "at most 3 times");
/// assert_eq!(Times::from(0).to_string(), "never");
/// assert_eq!(Times::from(..).to_string(), "any number of times");
/// assert_eq!(Times::from(0).to_string(), "never");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    pub(crate) min: u64,
    pub(crate) max: Option<u64>,
}

impl Times {
    /// Any number of times: the default.
    pub const ANY: Self = Self { min: 0, max: None };

    /// The same upper bound, with no lower one.
    #[must_use]
    pub fn optional(self) -> Self {
        Self { min: 0, ..self }
    }

    pub(crate) fn allows(self, hits: u64) -> bool {
        self.max.is_none_or(|max| hits < max)
    }
}

impl From<u64> for Times {
    fn from(n: u64) -> Self {
        Self {
            min: n,
            max: Some(n),
        }
    }
}

impl From<RangeInclusive<u64>> for Times {
    fn from(range: RangeInclusive<u64>) -> Self {
        Self {
            min: *range.start(),
            max: Some(*range.end()),
        }
    }
}

impl From<RangeFrom<u64>> for Times {
    fn from(range: RangeFrom<u64>) -> Self {
        Self {
            min: range.start,
            max: None,
        }
    }
}

impl From<RangeToInclusive<u64>> for Times {
    fn from(range: RangeToInclusive<u64>) -> Self {
        Self {
            min: 0,
            max: Some(range.end),
        }
    }
}

impl From<RangeFull> for Times {
    fn from(_: RangeFull) -> Self {
        Self::ANY
    }
}

impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.min, self.max) {
            (0, None) => f.write_str("any number of times"),
            (0, Some(0)) => f.write_str("never"),
            (0, Some(max)) => write!(f, "at most {}", Count(max)),
            (min, None) => write!(f, "at least {}", Count(min)),
            (min, Some(max)) if min == max => write!(f, "exactly {}", Count(min)),
            (min, Some(max)) => write!(f, "{min} to {}", Count(max)),
        }
    }
}

/// "never", "once" or "n times".
pub(crate) struct Count(pub(crate) u64);

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => f.write_str("never"),
            1 => f.write_str("once"),
            n => write!(f, "{n} times"),
        }
    }
}

/// "has never answered", "has answered once" or "has answered n times".
pub(crate) struct Answered(pub(crate) u64);

impl fmt::Display for Answered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => f.write_str("has never answered"),
            n => write!(f, "has answered {}", Count(n)),
        }
    }
}
