//! How many exchanges go on at once, how many wait for that, and what happens to their permits.

use std::time::Duration;

use serde::Serialize;

/// How the limits on concurrency stand; from
/// [`MockTransport::concurrency`](crate::MockTransport::concurrency).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Concurrency {
    /// How many more exchanges the limit on the whole transport lets go on; `None` without one.
    pub available: Option<usize>,
    /// How many exchanges go on: admitted, and not over.
    pub in_flight: usize,
    /// How many requests wait to be admitted.
    pub waiting: usize,
    /// The most exchanges that ever went on at once.
    pub peak: usize,
    /// The same for each key, in the order of their names. Of keys that nobody uses any more, the
    /// first thousand are kept.
    pub keys: Vec<KeyConcurrency>,
}

/// How the limit on one key stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct KeyConcurrency {
    /// The host, or what the transport's own function made of the request.
    pub key: String,
    /// How many more exchanges the limit on a key lets go on; `None` without one.
    pub available: Option<usize>,
    /// How many exchanges go on.
    pub in_flight: usize,
    /// How many requests wait to be admitted.
    pub waiting: usize,
    /// The most exchanges that ever went on at once.
    pub peak: usize,
}

impl Concurrency {
    /// How a key stands; `None` when no request had it.
    #[must_use]
    pub fn key(&self, key: &str) -> Option<&KeyConcurrency> {
        self.keys.iter().find(|it| it.key == key)
    }
}

/// What happened to a permit, and when; see
/// [`MockTransport::permit_events`](crate::MockTransport::permit_events).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PermitEvent {
    /// What happened.
    pub kind: PermitEventKind,
    /// The number of the request.
    pub sequence: u64,
    /// The host, or what the transport's own function made of the request.
    pub key: String,
    /// When it happened, in the transport's time.
    pub at: Duration,
}

/// What happened to a permit. Who waits either acquires one or abandons; who has acquired one
/// releases it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum PermitEventKind {
    /// Who waited is gone, without a permit.
    Abandoned,
    /// The request is admitted: at once, or after it has waited.
    Acquired,
    /// The exchange is over.
    Released,
    /// The request has to wait.
    Waiting,
}
