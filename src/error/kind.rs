//! What an error is about.

use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;

#[allow(unused_imports, reason = "the documentation names it")]
use super::{Error, StdError};
use crate::cassette::problem::Problem;
use crate::diagnosis::Diagnosis;
use crate::fault::Fault;
use crate::model::captured::ResponseHead;

/// What an [`Error`] is about.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A reply has a body although its status forbids one (204, 205, 304: RFC 9110 §15).
    BodyNotAllowed {
        /// The status that forbids a body.
        status: StatusCode,
    },
    /// A cassette cannot be read or written.
    Cassette {
        /// Its file, where it has one.
        path: Option<String>,
        /// What is wrong.
        problem: Problem,
    },
    /// Too many connections were made in too little time.
    ConnectionRateExceeded {
        /// How many there may be in a window.
        limit: usize,
        /// How long a window is.
        window: Duration,
        /// How long until there may be another.
        retry_after: Duration,
    },
    /// The transport was disposed: it answers nothing any more.
    Disposed,
    /// A message was sent to a session that has been sent the same before.
    DuplicateMessage {
        /// Who the session belongs to.
        session: String,
        /// How long ago the first one was sent.
        ago: Duration,
    },
    /// A server-sent event is larger than its reader allows.
    EventTooLarge {
        /// How many bytes an event may have there.
        limit: usize,
    },
    /// The test scripted this failure.
    Fault(Fault),
    /// A handler returned an error, which is the [`source`](StdError::source).
    HandlerFailed {
        /// Where the rule was registered.
        rule: String,
    },
    /// A handler or predicate panicked.
    HandlerPanicked {
        /// Where the rule was registered.
        rule: String,
        /// The text of the panic.
        message: String,
    },
    /// The WebSocket handshake was refused with a response (RFC 6455 §4.1).
    HandshakeRefused {
        /// Status and header fields.
        response: Box<ResponseHead>,
        /// The body, as far as the journal's cap on bodies allows.
        body: Bytes,
    },
    /// A held request was dropped without a reply.
    HeldDropped,
    /// Something given to the transport is malformed.
    Invalid {
        /// What was given: a URL, a header name, ...
        part: Part,
        /// The value as it was given.
        value: String,
        /// What is wrong with it and what would be right.
        reason: String,
    },
    /// Something was built without a part that it cannot do without.
    MissingField {
        /// What was built: a connection context.
        of: &'static str,
        /// The method of the builder that was not called.
        field: &'static str,
    },
    /// The transport that requests are passed through to failed; see the source.
    PassthroughFailed,
    /// The server chose a WebSocket subprotocol that the client has not offered.
    ProtocolMismatch {
        /// What the client has offered, in its order.
        offered: Vec<String>,
        /// What the server chose.
        chosen: String,
    },
    /// As many requests or items wait as may wait.
    QueueFull {
        /// How many wait.
        waiting: usize,
    },
    /// The queue was stopped: it takes nothing more.
    QueueStopped,
    /// A sequence of replies has no more, and was not told to repeat or to cycle.
    SequenceExhausted {
        /// Where the rule was registered.
        rule: String,
        /// How many replies the sequence has.
        replies: usize,
    },
    /// There are as many sessions as there may be.
    SessionLimit {
        /// How many there may be.
        limit: usize,
    },
    /// The other end of a WebSocket connection has gone without a closing handshake: what a
    /// client reports as close code 1006.
    SocketAborted,
    /// A WebSocket connection is closed, or is being closed by this end: nothing can be sent.
    SocketClosed,
    /// The rule opens WebSocket connections, and was asked for a plain response.
    SocketOnly {
        /// Where the rule was registered.
        rule: String,
    },
    /// A handle refers to something that is gone.
    StaleHandle {
        /// What the handle stood for: a rule, an exchange, a connection or a scope.
        what: &'static str,
    },
    /// Everything has settled and nothing can happen any more, yet the future is not complete.
    Stalled {
        /// What is being waited for.
        waiting_for: String,
    },
    /// The deadline passed, in the transport's time.
    TimedOut {
        /// What was being waited for.
        waiting_for: String,
    },
    /// No rule matched the request.
    Unmatched(Box<Diagnosis>),
}

/// Which input an [`ErrorKind::Invalid`] is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Part {
    /// The bytes of a body (a file that cannot be read, a stream that failed).
    Body,
    /// What is said of a connection: its id, its user, thread and run, its times.
    Connection,
    /// A field of a server-sent event (WHATWG HTML §9.2.5).
    Event,
    /// A header field name (RFC 9110 §5.1).
    HeaderName,
    /// A header field value (RFC 9110 §5.5).
    HeaderValue,
    /// A JSON text or a JSON pointer (RFC 8259, RFC 6901).
    Json,
    /// A message of a WebSocket connection (RFC 6455 §5.5, §7.4).
    Message,
    /// A request method (RFC 9110 §9).
    Method,
    /// An option of the transport or of a rule.
    Option,
    /// A pattern of a matcher: path, glob, template, regular expression.
    Pattern,
    /// Who a session belongs to.
    Session,
    /// A status code: final responses have 200 to 599 (RFC 9110 §15).
    Status,
    /// A template of a reply.
    Template,
    /// A request's URL.
    Url,
}

impl ErrorKind {
    /// A stable name for it, the same in Rust and in JavaScript.
    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::BodyNotAllowed { .. } => "MOCKWIRE_BODY_NOT_ALLOWED",
            Self::Cassette { problem, .. } => problem.code(),
            Self::ConnectionRateExceeded { .. } => "MOCKWIRE_CONNECTION_RATE_EXCEEDED",
            Self::Disposed => "MOCKWIRE_DISPOSED",
            Self::DuplicateMessage { .. } => "MOCKWIRE_DUPLICATE_MESSAGE",
            Self::EventTooLarge { .. } => "MOCKWIRE_EVENT_TOO_LARGE",
            Self::Fault(fault) => fault.code(),
            Self::HandlerFailed { .. } => "MOCKWIRE_HANDLER_FAILED",
            Self::HandlerPanicked { .. } => "MOCKWIRE_HANDLER_PANICKED",
            Self::HandshakeRefused { .. } => "MOCKWIRE_HANDSHAKE_REFUSED",
            Self::HeldDropped => "MOCKWIRE_HELD_DROPPED",
            Self::Invalid { part, .. } => part.code(),
            Self::MissingField { .. } => "MOCKWIRE_MISSING_FIELD",
            Self::PassthroughFailed => "MOCKWIRE_PASSTHROUGH_FAILED",
            Self::ProtocolMismatch { .. } => "MOCKWIRE_PROTOCOL_MISMATCH",
            Self::QueueFull { .. } => "MOCKWIRE_QUEUE_FULL",
            Self::QueueStopped => "MOCKWIRE_QUEUE_STOPPED",
            Self::SequenceExhausted { .. } => "MOCKWIRE_SEQUENCE_EXHAUSTED",
            Self::SessionLimit { .. } => "MOCKWIRE_SESSION_LIMIT",
            Self::SocketAborted => "MOCKWIRE_SOCKET_ABORTED",
            Self::SocketClosed => "MOCKWIRE_SOCKET_CLOSED",
            Self::SocketOnly { .. } => "MOCKWIRE_SOCKET_ONLY",
            Self::StaleHandle { .. } => "MOCKWIRE_STALE_HANDLE",
            Self::Stalled { .. } => "MOCKWIRE_STALLED",
            Self::TimedOut { .. } => "MOCKWIRE_TIMED_OUT",
            Self::Unmatched(_) => "MOCKWIRE_UNMATCHED",
        }
    }
}

impl Part {
    fn code(self) -> &'static str {
        match self {
            Self::Body => "MOCKWIRE_INVALID_BODY",
            Self::Connection => "MOCKWIRE_INVALID_CONNECTION",
            Self::Event => "MOCKWIRE_INVALID_EVENT",
            Self::HeaderName => "MOCKWIRE_INVALID_HEADER_NAME",
            Self::HeaderValue => "MOCKWIRE_INVALID_HEADER_VALUE",
            Self::Json => "MOCKWIRE_INVALID_JSON",
            Self::Message => "MOCKWIRE_INVALID_MESSAGE",
            Self::Method => "MOCKWIRE_INVALID_METHOD",
            Self::Option => "MOCKWIRE_INVALID_OPTION",
            Self::Pattern => "MOCKWIRE_INVALID_PATTERN",
            Self::Session => "MOCKWIRE_INVALID_SESSION",
            Self::Status => "MOCKWIRE_INVALID_STATUS",
            Self::Template => "MOCKWIRE_INVALID_TEMPLATE",
            Self::Url => "MOCKWIRE_INVALID_URL",
        }
    }
}
