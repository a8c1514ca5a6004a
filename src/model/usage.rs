//! How a connection is used: since when, and what passes over it.

use std::time::Duration;

use serde_json::Value;

use super::connection::{AgeWarning, Traffic};

/// How old a connection is when that is worth a warning, unless said otherwise.
pub(super) const WARN_AFTER: Duration = Duration::from_secs(2 * 60 * 60);

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Usage {
    pub(crate) connection_id: String,
    pub(crate) connected_at: Duration,
    pub(crate) last_activity: Duration,
    pub(crate) active: bool,
    pub(crate) state: Value,
    pub(crate) traffic: Traffic,
    pub(crate) warn_after: Duration,
}

impl Usage {
    /// Of a connection that was made then, and not used since.
    pub(crate) fn new(connection_id: String, connected_at: Duration) -> Self {
        Self {
            connection_id,
            connected_at,
            last_activity: connected_at,
            active: true,
            state: Value::Null,
            traffic: Traffic::default(),
            warn_after: WARN_AFTER,
        }
    }

    /// Time never moves back, and a closed connection is not used.
    pub(crate) fn touch(&mut self, now: Duration) {
        if self.active {
            self.last_activity = self.last_activity.max(now);
        }
    }

    /// Notes what has passed over it.
    pub(crate) fn add(&mut self, traffic: &Traffic, now: Duration) {
        self.touch(now);
        if self.active {
            self.traffic.add(traffic);
        }
    }

    pub(crate) fn age(&self, now: Duration) -> Duration {
        now.saturating_sub(self.connected_at)
    }

    pub(crate) fn age_warning(&self, now: Duration) -> Option<AgeWarning> {
        let (age, limit) = (self.age(now), self.warn_after);
        (self.active && age > limit).then_some(AgeWarning { age, limit })
    }
}
