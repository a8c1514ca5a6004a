//! What a request queue tells of itself and of its items.

use serde::Serialize;

/// How an item of a [`RequestQueue`](crate::RequestQueue) ended. Each ends once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Completion {
    /// It was cancelled while it waited, the queue was stopped with [`Stop::Cancel`] or its transport
    /// disposed, or its worker gave up in the middle of it.
    Cancelled,
    /// A worker has finished it.
    Done,
}

/// What a queue that stops does with the items that wait. Those that are being worked on go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Stop {
    /// They are worked on first.
    Drain,
    /// They are cancelled.
    Cancel,
}

/// How a queue stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct QueueStatus {
    /// How many items wait.
    pub waiting: usize,
    /// How many are being worked on: never more than there are workers.
    pub running: usize,
    /// The most that were ever worked on at once.
    pub peak: usize,
    /// How many workers have finished.
    pub done: u64,
    /// How many were cancelled.
    pub cancelled: u64,
    /// How the queue was stopped, if it was.
    pub stopped: Option<Stop>,
}
