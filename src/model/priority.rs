//! How urgent something is that waits.

use serde::{Deserialize, Serialize};

/// How urgent a request is among those that wait for the same thing. Equals keep their order.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Priority {
    /// After all others.
    Low,
    /// What everything is unless said otherwise.
    #[default]
    Normal,
    /// Before what is normal.
    High,
    /// Before all others.
    Critical,
}

impl Priority {
    /// All of them, the least urgent first.
    pub const ALL: [Self; 4] = [Self::Low, Self::Normal, Self::High, Self::Critical];

    /// The priority so many steps above, or the highest.
    pub(crate) fn raised_by(self, steps: u128) -> Self {
        let room = Self::ALL.len() - 1 - self as usize;
        let steps = usize::try_from(steps).unwrap_or(room).min(room);
        Self::ALL[self as usize + steps]
    }
}
