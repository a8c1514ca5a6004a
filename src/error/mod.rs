//! What can go wrong: something is amiss, or the test asked for it ([`Fault`]).

mod kind;
mod words;

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::sync::Arc;

use http::HeaderName;

pub use self::kind::{ErrorKind, Part};
use crate::diagnosis::Diagnosis;
use crate::edge;
use crate::fault::Fault;

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
        self.kind().code()
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
