//! What a rule answers with: a value.

mod streams;

use std::fmt;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;

use crate::error::{Error, ErrorKind, Part, Result, TOKEN};
use crate::fault::Fault;
use crate::model::content::Content;
use crate::model::from_exchange::Maker;
use crate::model::redact;
use crate::model::request::Request;
use crate::model::script::Script;
use crate::model::template::{Escaping, Template};

/// What a rule answers with: a status, header fields and a body, or a scripted failure.
///
/// A reply is a plain value: build it once, clone it, compare it. Malformed parts (a header value
/// with a line break, a status out of range) do not panic here: the first mistake is kept, and
/// comes out as an [`Error`] when the reply is given to a rule or returned by a handler.
///
/// ```
/// use mockwire::Reply;
/// use serde_json::json;
///
/// let created = Reply::json(json!({"id": "msg_1"}))
///     .with_status(201)
///     .header("request-id", "req_1");
/// let limited = Reply::status(429).header("retry-after", "1");
/// let streamed = Reply::stream(["data: 1\n\n", "data: 2\n\n"]).header("content-type", "text/event-stream");
/// assert_ne!(created, limited);
/// # let _ = streamed;
/// ```
#[derive(Clone, PartialEq)]
pub struct Reply {
    pub(crate) status: StatusCode,
    /// Shared by the clones of a reply.
    pub(crate) headers: Arc<HeaderMap>,
    pub(crate) body: ReplyBody,
    /// How long after the request the head comes.
    delay: Option<Box<Duration>>,
    /// The first mistake that was made in building it.
    invalid: Option<Error>,
}

/// The header fields of nearly all replies, made once.
static NO_HEADERS: LazyLock<Arc<HeaderMap>> = LazyLock::new(Arc::default);
static JSON_HEADERS: LazyLock<Arc<HeaderMap>> = LazyLock::new(|| {
    let json = HeaderValue::from_static("application/json");
    Arc::new(HeaderMap::from_iter([(header::CONTENT_TYPE, json)]))
});

/// The media types of nearly all replies. A value that is static is not counted when it is cloned, as it is
/// for each response.
const USUAL_TYPES: [&str; 3] = [
    "application/json",
    "text/event-stream",
    "text/plain; charset=utf-8",
];

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum ReplyBody {
    Empty,
    /// A body that the JavaScript edge keeps on its own side, under this number, and perhaps makes
    /// from a template.
    #[cfg_attr(not(all(feature = "js", target_arch = "wasm32")), allow(dead_code))]
    External {
        number: u32,
        template: Option<Box<Template>>,
        /// Where it refuses a request: for how long.
        retry_after: Option<Box<Duration>>,
    },
    /// No response at all: this failure.
    Fault(Fault),
    Frames(Arc<[Bytes]>),
    /// What this makes of each exchange.
    FromExchange(Maker),
    Full(Bytes),
    /// No response, ever.
    Never,
    Script(Arc<Script>),
    Template(Box<Template>),
}

impl Reply {
    /// A reply with this status and nothing else.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self::empty().with_status(status)
    }

    /// 200 with a JSON body, and `content-type: application/json`.
    #[must_use]
    pub fn json(value: impl Serialize) -> Self {
        let reply = Self {
            headers: JSON_HEADERS.clone(),
            ..Self::empty()
        };
        match serde_json::to_vec(&value) {
            Ok(text) => reply.body(text),
            Err(error) => reply.fail(Error::invalid(
                Part::Json,
                std::any::type_name_of_val(&value),
                format!("cannot be serialised: {error}"),
            )),
        }
    }

    /// 200 with a text body, and `content-type: text/plain; charset=utf-8`.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::empty()
            .content_type("text/plain; charset=utf-8")
            .body(text.into())
    }

    /// 200 with these bytes, and no content type.
    #[must_use]
    pub fn bytes(bytes: impl Into<Bytes>) -> Self {
        Self::empty().body(bytes.into())
    }

    /// 200 with a text that repeats parts of the request.
    ///
    /// Placeholders: `{{method}}`, `{{url}}`, `{{path}}`, `{{body}}`, `{{param.NAME}}`,
    /// `{{query.NAME}}`, `{{header.NAME}}`, `{{cookie.NAME}}`, `{{form.NAME}}` and
    /// `{{json POINTER}}` (RFC 6901). In a reply with a JSON content type, values are escaped for
    /// the inside of a string, and `{{json ..}}` is JSON. A value that the request does not have
    /// is an error ([`Part::Template`]) for the caller.
    ///
    /// ```
    /// use mockwire::{Reply, sync::MockTransport};
    ///
    /// let transport = MockTransport::new();
    /// transport.get("/users/{id}").reply(Reply::template("user {{param.id}}"));
    ///
    /// let request = http::Request::get("https://api.test/users/7").body(())?;
    /// let text = transport.block_on(async { transport.call(request).await?.into_body().text().await });
    /// assert_eq!(text?, "user 7");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn template(text: &str) -> Self {
        let reply = Self::empty().content_type("text/plain; charset=utf-8");
        match Template::parse(text) {
            Ok(template) => Self {
                body: ReplyBody::Template(Box::new(template)),
                ..reply
            },
            Err(error) => reply.fail(error),
        }
    }

    /// A redirection: this status (300 to 399) and a `location`.
    #[must_use]
    pub fn redirect(status: u16, location: &str) -> Self {
        let reply = Self::status(status).header("location", location);
        if reply.status.is_redirection() {
            reply
        } else {
            reply.fail(Error::invalid(
                Part::Status,
                status.to_string(),
                "a redirection has a status from 300 to 399",
            ))
        }
    }

    /// No response: the client sees this failure.
    #[must_use]
    pub fn fault(fault: Fault) -> Self {
        Self {
            body: ReplyBody::Fault(fault),
            ..Self::empty()
        }
    }

    /// No response, ever: the client waits until it gives up.
    #[must_use]
    pub fn never() -> Self {
        Self {
            body: ReplyBody::Never,
            ..Self::empty()
        }
    }

    /// Replaces the status. Final responses have 200 to 599.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        match final_status(status) {
            Ok(status) => {
                self.status = status;
                self
            }
            Err(error) => self.fail(error),
        }
    }

    /// Adds a header field. `content-type` replaces the one that the constructor set.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let Ok(name) = HeaderName::try_from(name) else {
            return self.fail(Error::invalid(Part::HeaderName, name, TOKEN));
        };
        let usual = USUAL_TYPES.iter().find(|usual| **usual == value);
        let parsed = match usual {
            Some(usual) => Ok(HeaderValue::from_static(usual)),
            None => HeaderValue::try_from(value),
        };
        match parsed {
            Ok(value) if name == header::CONTENT_TYPE => {
                Arc::make_mut(&mut self.headers).insert(name, value);
                self
            }
            Ok(value) => {
                Arc::make_mut(&mut self.headers).append(name, value);
                self
            }
            Err(_) => {
                let error = Error::field_value(&name, value);
                self.fail(error)
            }
        }
    }

    /// The head, or the failure, comes so long after the request, in the transport's time.
    #[must_use]
    pub fn delay(mut self, delay: Duration) -> Self {
        self.delay = (!delay.is_zero()).then(|| Box::new(delay));
        self
    }

    /// How long after the request the head comes. Few replies have one, so it is kept apart.
    pub(crate) fn head_delay(&self) -> Duration {
        self.delay.as_deref().copied().unwrap_or_default()
    }

    /// Replaces the body.
    #[must_use]
    pub fn body(mut self, content: impl Into<Content>) -> Self {
        let bytes = content.into().into_bytes();
        self.body = if bytes.is_empty() {
            ReplyBody::Empty
        } else {
            ReplyBody::Full(bytes)
        };
        self
    }

    /// Which failure this is, when it is one.
    #[must_use]
    pub fn as_fault(&self) -> Option<Fault> {
        match self.body {
            ReplyBody::Fault(fault) => Some(fault),
            _ => None,
        }
    }

    /// The reply, unless a mistake was made in building it.
    ///
    /// # Errors
    ///
    /// The first mistake: a malformed header or status, a body that the status forbids.
    pub fn validate(self) -> Result<Self> {
        match self.mistake() {
            Some(error) => Err(error),
            None => Ok(self),
        }
    }

    /// The first mistake that was made in building it.
    pub(crate) fn mistake(&self) -> Option<Error> {
        let has_body = !matches!(
            self.body,
            ReplyBody::Empty
                | ReplyBody::Fault(_)
                | ReplyBody::External { .. }
                | ReplyBody::FromExchange(_)
                | ReplyBody::Never
        );
        self.invalid.clone().or_else(|| {
            let status = self.status;
            (has_body && self.forbids_body())
                .then(|| Error::new(ErrorKind::BodyNotAllowed { status }))
        })
    }

    /// Whether a response with this status has no body (RFC 9110 §15).
    pub(super) fn forbids_body(&self) -> bool {
        matches!(self.status.as_u16(), 204 | 205 | 304)
    }

    pub(crate) fn empty() -> Self {
        Self {
            status: StatusCode::OK,
            headers: NO_HEADERS.clone(),
            body: ReplyBody::Empty,
            delay: None,
            invalid: None,
        }
    }

    /// Hands the body over to the JavaScript edge, which knows the reply by this number.
    #[cfg(all(feature = "js", target_arch = "wasm32"))]
    pub(crate) fn external(mut self, number: u32) -> Self {
        let template = match self.body {
            ReplyBody::Template(template) => Some(template),
            _ => None,
        };
        self.body = ReplyBody::External {
            number,
            template,
            retry_after: None,
        };
        self
    }

    /// For how long it refuses a request, where JavaScript makes it and is to say so.
    #[cfg(all(feature = "js", target_arch = "wasm32"))]
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match &self.body {
            ReplyBody::External { retry_after, .. } => retry_after.as_deref().copied(),
            _ => None,
        }
    }

    /// The number by which the JavaScript edge knows the reply.
    #[cfg(all(feature = "js", target_arch = "wasm32"))]
    pub(crate) fn external_number(&self) -> Option<u32> {
        match self.body {
            ReplyBody::External { number, .. } => Some(number),
            _ => None,
        }
    }

    pub(crate) fn is_template(&self) -> bool {
        self.as_template().is_some()
    }

    fn as_template(&self) -> Option<&Template> {
        match &self.body {
            ReplyBody::External { template, .. } => template.as_deref(),
            ReplyBody::Template(template) => Some(template),
            _ => None,
        }
    }

    pub(crate) fn fail(mut self, error: Error) -> Self {
        self.invalid.get_or_insert(error);
        self
    }

    /// The text of a template for this request; `None` for any other body.
    pub(crate) fn rendered(&self, request: &Request) -> Option<Result<String>> {
        let template = self.as_template()?;
        let content_type = self.headers.get(header::CONTENT_TYPE);
        let json =
            content_type.is_some_and(|value| value.as_bytes().windows(4).any(|w| w == b"json"));
        let escaping = if json {
            Escaping::Json
        } else {
            Escaping::Plain
        };
        Some(template.render(request, escaping))
    }

    pub(super) fn with_headers(mut self, headers: HeaderMap) -> Self {
        self.headers = headers.into();
        self
    }

    pub(crate) fn replace_header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::try_from(value) {
            Arc::make_mut(&mut self.headers).insert(name, value);
        }
        self
    }

    fn content_type(mut self, value: &'static str) -> Self {
        let value = HeaderValue::from_static(value);
        Arc::make_mut(&mut self.headers).insert(header::CONTENT_TYPE, value);
        self
    }
}

/// The status of a final response: 200 to 599 (RFC 9110 §15).
pub(crate) fn final_status(status: u16) -> Result<StatusCode> {
    let code = StatusCode::from_u16(status).ok();
    code.filter(|_| (200..600).contains(&status))
        .ok_or_else(|| {
            let reason = "a final response has a status from 200 to 599";
            Error::invalid(Part::Status, status.to_string(), reason)
        })
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers: Vec<_> = redact::printable(&self.headers).collect();
        let mut reply = f.debug_struct("Reply");
        reply.field("status", &self.status);
        reply.field("headers", &headers).field("body", &self.body);
        if let Some(error) = &self.invalid {
            reply.field("invalid", error);
        }
        reply.finish()
    }
}
