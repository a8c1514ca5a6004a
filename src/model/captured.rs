//! What the journal tells of one exchange.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};

use super::message::SocketMessage;
use super::request::Request;
use crate::core::RuleId;
use crate::error::Error;

/// A snapshot of one exchange: the request, who answered it, and how it went.
///
/// A snapshot does not change; ask the transport again for a newer one.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Captured {
    /// The number of the request on its transport, from 1, in order of arrival.
    pub sequence: u64,
    /// When it arrived, in the transport's time.
    pub at: Duration,
    /// How long it waited until the limits on concurrency admitted it; zero when it did not have to.
    pub queued: Duration,
    /// The request; its body cut at the journal's cap.
    pub request: Request,
    /// The rule that answered, if one did.
    pub rule: Option<RuleId>,
    /// How the exchange went.
    pub outcome: Outcome,
    /// Status and header fields of the response, once there are any.
    pub response: Option<ResponseHead>,
    /// How many bytes of the response body the client has taken.
    pub delivered: u64,
    /// What the client has taken of the response body, cut at the journal's cap on bodies. A body
    /// that is made for one exchange (by a handler, or passed through) is here once it is over.
    pub response_body: Bytes,
    /// What was said on the WebSocket connection that the request has opened, by both ends, in
    /// order: as many messages as the journal keeps requests, each cut at its cap on bodies.
    pub messages: Vec<SocketMessage>,
    /// How many messages had to go because there were more than are kept.
    pub dropped_messages: u64,
    /// How often an end of the connection had to wait, as the queue of the other one was full.
    pub blocked_sends: u64,
}

/// Status and header fields of a response.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct ResponseHead {
    /// The status.
    pub status: StatusCode,
    /// The header fields.
    pub headers: HeaderMap,
}

/// How an exchange went.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Outcome {
    /// The client dropped the future or the body before the end.
    Cancelled,
    /// The client has taken the response to its end.
    Done,
    /// The client got an error.
    Failed(Error),
    /// It is still going on: no reply yet, or the body is not taken to its end.
    #[default]
    Pending,
    /// No rule matched.
    Unmatched,
}

impl Outcome {
    /// A word for it: `cancelled`, `done`, `failed`, `pending` or `unmatched`.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Cancelled => "cancelled",
            Self::Done => "done",
            Self::Failed(_) => "failed",
            Self::Pending => "pending",
            Self::Unmatched => "unmatched",
        }
    }
}

impl fmt::Debug for ResponseHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers: Vec<_> = super::redact::printable(&self.headers).collect();
        f.debug_struct("ResponseHead")
            .field("status", &self.status)
            .field("headers", &headers)
            .finish()
    }
}

/// `#2 POST https://api.test/v1/messages -> 200 (done, 512 bytes)`
impl fmt::Display for Captured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{} {}", self.sequence, self.request)?;
        if let Some(response) = &self.response {
            write!(f, " -> {}", response.status.as_u16())?;
        }
        write!(f, " ({}, {} bytes)", self.outcome.as_str(), self.delivered)
    }
}
