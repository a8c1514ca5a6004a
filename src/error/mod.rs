//! What can go wrong: something is amiss, or the test asked for it ([`Fault`]).

mod words;

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, StatusCode};

use crate::cassette::problem::Problem;
use crate::diagnosis::Diagnosis;
use crate::edge;
use crate::fault::Fault;
use crate::model::captured::ResponseHead;

/// The result of most calls of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Any error type that can be the source of an [`Error`].
pub type BoxError = Box<dyn StdError + Send + Sync>;

/// An error of the mock transport: what went wrong, where, and what to do about it.
///
/// Cheap to clone; two errors are equal when their [`kind`](Error::kind)s are. The text of
/// `Display` is for people and may change; match on the kind, on the `is_*` methods or on
/// [`code`](Error::code).
///
/// ```
/// use mockwire::{sync::MockTransport, ErrorKind};
///
/// let transport = MockTransport::new();
/// let request = http::Request::get("https://api.test/missing").body(())?;
/// let error = transport.block_on(transport.call(request)).unwrap_err();
///
/// assert!(error.is_unmatched());
/// assert_eq!(error.code(), "MOCKWIRE_UNMATCHED");
/// assert!(matches!(error.kind(), ErrorKind::Unmatched(_)));
/// # Ok::<(), http::Error>(())
/// ```
#[derive(Clone)]
pub struct Error(Arc<Inner>);

struct Inner {
    kind: ErrorKind,
    source: Option<Arc<dyn StdError + Send + Sync>>,
    /// Where the rule was registered that gave what is malformed.
    rule: Option<Box<str>>,
}

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

impl Error {
    pub(crate) fn new(kind: ErrorKind) -> Self {
        Self(Arc::new(Inner {
            kind,
            source: None,
            rule: None,
        }))
    }

    pub(crate) fn with_source(kind: ErrorKind, source: impl Into<BoxError>) -> Self {
        let source = Some(Arc::from(source.into()));
        Self(Arc::new(Inner {
            kind,
            source,
            rule: None,
        }))
    }

    pub(crate) fn invalid(part: Part, value: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::new(ErrorKind::Invalid {
            part,
            value: value.into(),
            reason: reason.into(),
        })
    }

    /// A value that no header field can have.
    #[cold]
    #[inline(never)]
    pub(crate) fn field_value(name: &HeaderName, value: &str) -> Self {
        let reason = format!("in the field {name}: {FIELD_VALUE}");
        Self::invalid(Part::HeaderValue, value, reason)
    }

    /// What a handler's stream failed with: a fault of ours stays one.
    pub(crate) fn of_stream(error: BoxError) -> Self {
        match error.downcast::<Self>() {
            Ok(error) => *error,
            Err(error) => match error.downcast::<Fault>() {
                Ok(fault) => (*fault).into(),
                Err(error) => {
                    let rule = String::new();
                    Self::with_source(ErrorKind::HandlerFailed { rule }, error)
                }
            },
        }
    }

    /// The same error, telling which rule's handler failed, or gave what is malformed.
    pub(crate) fn in_rule(self, site: &str) -> Self {
        let mut place = None;
        let kind = match self.kind().clone() {
            ErrorKind::HandlerFailed { rule } if rule.is_empty() => {
                ErrorKind::HandlerFailed { rule: site.into() }
            }
            ErrorKind::HandlerPanicked { rule, message } if rule.is_empty() => {
                let rule = site.into();
                ErrorKind::HandlerPanicked { rule, message }
            }
            kind @ (ErrorKind::BodyNotAllowed { .. } | ErrorKind::Invalid { .. })
                if self.0.rule.is_none() && !site.is_empty() =>
            {
                place = Some(site.into());
                kind
            }
            _ => return self,
        };
        Self(Arc::new(Inner {
            kind,
            source: self.0.source.clone(),
            rule: place,
        }))
    }

    /// The transport's own error, among another one and its sources: what a client's error comes
    /// from.
    ///
    /// ```
    /// use mockwire::{Error, Fault};
    ///
    /// let error = std::io::Error::from(Error::from(Fault::ConnectionReset));
    /// assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    /// assert!(Error::find(&error).is_some_and(Error::is_fault));
    /// ```
    #[must_use]
    pub fn find<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a Self> {
        let mut chain = std::iter::successors(Some(error), |&error| error.source());
        chain.find_map(|error| error.downcast_ref().or_else(|| edge::inside(error)))
    }

    /// What the error is about.
    #[must_use]
    pub fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }

    /// A stable name for the kind of error, the same in Rust and in JavaScript.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self.kind() {
            ErrorKind::BodyNotAllowed { .. } => "MOCKWIRE_BODY_NOT_ALLOWED",
            ErrorKind::Cassette { problem, .. } => problem.code(),
            ErrorKind::ConnectionRateExceeded { .. } => "MOCKWIRE_CONNECTION_RATE_EXCEEDED",
            ErrorKind::Disposed => "MOCKWIRE_DISPOSED",
            ErrorKind::DuplicateMessage { .. } => "MOCKWIRE_DUPLICATE_MESSAGE",
            ErrorKind::EventTooLarge { .. } => "MOCKWIRE_EVENT_TOO_LARGE",
            ErrorKind::Fault(fault) => fault.code(),
            ErrorKind::HandlerFailed { .. } => "MOCKWIRE_HANDLER_FAILED",
            ErrorKind::HandlerPanicked { .. } => "MOCKWIRE_HANDLER_PANICKED",
            ErrorKind::HandshakeRefused { .. } => "MOCKWIRE_HANDSHAKE_REFUSED",
            ErrorKind::HeldDropped => "MOCKWIRE_HELD_DROPPED",
            ErrorKind::Invalid { part, .. } => part.code(),
            ErrorKind::MissingField { .. } => "MOCKWIRE_MISSING_FIELD",
            ErrorKind::PassthroughFailed => "MOCKWIRE_PASSTHROUGH_FAILED",
            ErrorKind::ProtocolMismatch { .. } => "MOCKWIRE_PROTOCOL_MISMATCH",
            ErrorKind::QueueFull { .. } => "MOCKWIRE_QUEUE_FULL",
            ErrorKind::QueueStopped => "MOCKWIRE_QUEUE_STOPPED",
            ErrorKind::SequenceExhausted { .. } => "MOCKWIRE_SEQUENCE_EXHAUSTED",
            ErrorKind::SessionLimit { .. } => "MOCKWIRE_SESSION_LIMIT",
            ErrorKind::SocketAborted => "MOCKWIRE_SOCKET_ABORTED",
            ErrorKind::SocketClosed => "MOCKWIRE_SOCKET_CLOSED",
            ErrorKind::SocketOnly { .. } => "MOCKWIRE_SOCKET_ONLY",
            ErrorKind::StaleHandle { .. } => "MOCKWIRE_STALE_HANDLE",
            ErrorKind::Stalled { .. } => "MOCKWIRE_STALLED",
            ErrorKind::TimedOut { .. } => "MOCKWIRE_TIMED_OUT",
            ErrorKind::Unmatched(_) => "MOCKWIRE_UNMATCHED",
        }
    }

    /// Whether no rule matched the request.
    #[must_use]
    pub fn is_unmatched(&self) -> bool {
        matches!(self.kind(), ErrorKind::Unmatched(_))
    }

    /// Whether the test scripted this failure.
    #[must_use]
    pub fn is_fault(&self) -> bool {
        self.fault().is_some()
    }

    /// The scripted failure, if that is what this is.
    #[must_use]
    pub fn fault(&self) -> Option<Fault> {
        match self.kind() {
            ErrorKind::Fault(fault) => Some(*fault),
            _ => None,
        }
    }

    /// Why the request matched no rule, if that is what this is.
    #[must_use]
    pub fn diagnosis(&self) -> Option<&Diagnosis> {
        match self.kind() {
            ErrorKind::Unmatched(diagnosis) => Some(diagnosis),
            _ => None,
        }
    }
}

impl PartialEq for Error {
    fn eq(&self, other: &Self) -> bool {
        self.kind() == other.kind()
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // An unwrapped error is what a failing test prints: say it in words, on its own lines.
        write!(f, "{self}")?;
        match &self.0.source {
            Some(source) => caused_by(source.as_ref(), f),
            None => Ok(()),
        }
    }
}

/// The sources in words, each on its own line.
fn caused_by(source: &dyn StdError, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "\ncaused by: {source}")?;
    source.source().map_or(Ok(()), |next| caused_by(next, f))
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind().fmt(f)?;
        match &self.0.rule {
            Some(rule) => write!(f, " (the rule at {rule})"),
            None => Ok(()),
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

/// What names are made of (RFC 9110 §5.6.2): methods and header fields.
pub(crate) const TOKEN: &str = "it is made of letters, digits and !#$%&'*+-.^_`|~";

/// What is wrong with a value that `http` refuses (RFC 9110 §5.5).
pub(crate) const FIELD_VALUE: &str = "line breaks and other control characters may not be in it";

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

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        Self::new(ErrorKind::Fault(fault))
    }
}

/// The kind is that of a scripted [`Fault`], and `Other` for everything else. The error is its
/// [`source`](StdError::source).
impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        let kind = error.fault().map_or(io::ErrorKind::Other, Fault::io_kind);
        Self::new(kind, Cause(error))
    }
}

/// What an I/O error is made of: the source of that is this one's, so it needs one.
struct Cause(Error);

impl fmt::Debug for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl StdError for Cause {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&self.0)
    }
}
