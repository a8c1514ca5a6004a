//! Errors in words: what, where, and what to do.

use std::fmt;

use super::{ErrorKind, Part};
use crate::cassette::problem::describe;

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BodyNotAllowed { status } => write!(
                f,
                "a reply with status {} must not have a body: drop the body or choose another status",
                status.as_u16()
            ),
            Self::Cassette { path, problem } => describe(path.as_deref(), problem, f),
            Self::ConnectionRateExceeded {
                limit,
                window,
                retry_after,
            } => write!(
                f,
                "no more connections than {limit} may be made in {window:?}: try again in {retry_after:?}"
            ),
            Self::Disposed => {
                f.write_str("the transport is disposed: create a new one for further requests")
            }
            Self::DuplicateMessage { session, ago } => write!(
                f,
                "the session {session} was sent this message {ago:?} ago: give it an id of its own if it is another one"
            ),
            Self::EventTooLarge { limit } => write!(
                f,
                "a server-sent event has more than {limit} bytes: allow more of them with `max_event_bytes`, or look for a missing blank line"
            ),
            Self::Fault(fault) => fault.fmt(f),
            Self::HandlerFailed { rule } if rule.is_empty() => {
                f.write_str("the stream of a handler failed")
            }
            Self::HandlerPanicked { rule, message } if rule.is_empty() => {
                write!(f, "a handler or predicate panicked: {message}")
            }
            Self::HandlerFailed { rule } => write!(f, "the handler of the rule at {rule} failed"),
            Self::HandlerPanicked { rule, message } => {
                write!(
                    f,
                    "the handler or predicate of the rule at {rule} panicked: {message}"
                )
            }
            Self::HandshakeRefused { response, .. } => write!(
                f,
                "the WebSocket handshake was refused with status {}: connections are opened by a rule of `websocket` that ends with `accept`",
                response.status.as_u16()
            ),
            Self::HeldDropped => f.write_str(
                "the held request was dropped without a reply: call `reply` or `fail` on it",
            ),
            Self::Invalid {
                part,
                value,
                reason,
            } => write!(f, "invalid {part} {value:?}: {reason}"),
            Self::MissingField { of, field } => {
                write!(f, "the {of} has no {field}: call `{field}` on its builder")
            }
            Self::PassthroughFailed => {
                f.write_str("the transport that the request was passed through to failed")
            }
            Self::QueueFull { waiting } => write!(
                f,
                "the queue is full: {waiting} wait already, and no more may (`max_waiting`)"
            ),
            Self::QueueStopped => {
                f.write_str("the queue was stopped, and takes nothing more: make a new one")
            }
            Self::ProtocolMismatch { offered, chosen } if offered.is_empty() => write!(
                f,
                "the server chose the WebSocket subprotocol {chosen:?}, and the client has offered none: offer it in `sec-websocket-protocol`"
            ),
            Self::ProtocolMismatch { offered, chosen } => write!(
                f,
                "the server chose the WebSocket subprotocol {chosen:?}, and the client has offered {}",
                offered.join(", ")
            ),
            Self::SequenceExhausted { rule, replies } => write!(
                f,
                "the sequence of the rule at {rule} has given all it has ({replies}): add replies, or choose another end (repeat the last one, or cycle)"
            ),
            Self::SessionLimit { limit } => write!(
                f,
                "there are {limit} sessions, as many as there may be: remove one, or allow more with `limit`"
            ),
            Self::SocketAborted => f.write_str(
                "the other end of the WebSocket connection has gone without a closing handshake (close code 1006)",
            ),
            Self::SocketClosed => f.write_str(
                "the WebSocket connection is closed: open another one to send more",
            ),
            Self::SocketOnly { rule } => write!(
                f,
                "the rule at {rule} opens WebSocket connections and has no response: use `connect`"
            ),
            Self::StaleHandle { what } => write!(
                f,
                "this handle is stale: the {what} is gone (it was removed or is over, or the transport was reset)"
            ),
            Self::Stalled { waiting_for } => write!(
                f,
                "stalled: nothing can happen any more, and the future still waits for {waiting_for}"
            ),
            Self::TimedOut { waiting_for } => write!(f, "timed out waiting for {waiting_for}"),
            Self::Unmatched(diagnosis) => diagnosis.fmt(f),
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Body => "body",
            Self::Connection => "connection",
            Self::Event => "server-sent event",
            Self::HeaderName => "header name",
            Self::HeaderValue => "header value",
            Self::Json => "JSON",
            Self::Message => "message",
            Self::Method => "method",
            Self::Option => "option",
            Self::Pattern => "pattern",
            Self::Session => "session",
            Self::Status => "status",
            Self::Template => "template",
            Self::Url => "URL",
        })
    }
}
