//! A request as the transport received it: whole, immutable, cheap to clone.

use std::any::Any;
use std::borrow::Cow;
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Method, Uri, Version};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::content::Content;
use super::redact;
use super::urlencoded;
use super::views::Views;
use crate::error::{Error, Part, Result};

/// A request as the transport received it.
///
/// Given to handlers and predicates, and kept in every [`Captured`](crate::Captured) exchange.
/// Cloning shares the data. `Debug` and `Display` redact secrets; the accessors do not.
///
/// ```
/// use mockwire::{Reply, Request, sync::MockTransport};
///
/// let transport = MockTransport::new();
/// transport
///     .post("/users/{id}")
///     .reply_with(|request: &Request| Reply::text(format!("saved {}", request.param("id").unwrap())));
///
/// let request = http::Request::post("https://api.test/users/42").body(r#"{"name":"Ada"}"#)?;
/// transport.block_on(transport.call(request)).unwrap();
///
/// let captured = transport.last_request().unwrap();
/// assert_eq!(captured.request.path(), "/users/42");
/// assert_eq!(captured.request.json_value().unwrap()["name"], "Ada");
/// # Ok::<(), http::Error>(())
/// ```
#[derive(Clone)]
pub struct Request {
    data: Arc<Data>,
    params: Option<Arc<Params>>,
}

/// The values that a path template captured, by name.
pub(crate) type Params = Vec<(String, String)>;

struct Data {
    method: Method,
    url: Uri,
    version: Version,
    headers: HeaderMap,
    body: Bytes,
    /// The length that the body had, when less than that was kept.
    cut_from: Option<NonZeroUsize>,
    /// The length of the body, when it is kept compressed.
    #[cfg_attr(not(feature = "compression"), allow(dead_code))]
    packed_from: Option<NonZeroUsize>,
    views: Views,
}

impl Request {
    /// The request method.
    #[must_use]
    pub fn method(&self) -> &Method {
        &self.data.method
    }

    /// The URL as the client gave it: absolute for most clients, origin-form for some.
    #[must_use]
    pub fn url(&self) -> &Uri {
        &self.data.url
    }

    /// The HTTP version that the client asked for.
    #[must_use]
    pub fn version(&self) -> Version {
        self.data.version
    }

    /// The path of the URL, as it was sent (percent-encoded).
    #[must_use]
    pub fn path(&self) -> &str {
        self.data.url.path()
    }

    /// The host: of the URL, or of the `host` header when the URL has none.
    #[must_use]
    pub fn host(&self) -> Option<&str> {
        let header = || Some(self.host_field()?.0);
        match self.data.url.authority() {
            Some(authority) if is_plain_host(authority.as_str()) => Some(authority.as_str()),
            _ => self.data.url.host().or_else(header),
        }
    }

    /// The port that is said: in the URL, or in the `host` header when the URL has no host.
    pub(crate) fn port(&self) -> Option<u16> {
        match self.data.url.authority() {
            Some(authority) => authority.port_u16(),
            None => self.host_field()?.1.parse().ok(),
        }
    }

    /// Host and port of the `host` header (RFC 9110 §7.2).
    fn host_field(&self) -> Option<(&str, &str)> {
        let field = self.header("host")?;
        let is_port = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let parted = field.rsplit_once(':').filter(|(_, port)| is_port(port));
        Some(parted.unwrap_or((field, "")))
    }

    /// The first value of a query parameter, decoded.
    #[must_use]
    pub fn query(&self, name: &str) -> Option<Cow<'_, str>> {
        self.query_pairs()
            .find_map(|(key, value)| (key == name).then_some(value))
    }

    /// The name-value pairs of the query, decoded, in order.
    pub fn query_pairs(&self) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
        urlencoded::pairs(self.data.url.query().unwrap_or_default())
    }

    /// The header fields.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.data.headers
    }

    /// The first value of a header field, when it is visible ASCII. Names ignore case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.data.headers.get(name)?.to_str().ok()
    }

    /// The first value of a cookie (RFC 6265 §4.2).
    #[must_use]
    pub fn cookie(&self, name: &str) -> Option<&str> {
        self.cookies(name).next()
    }

    /// All values of a cookie: those of other paths and domains may come with it.
    pub(crate) fn cookies(&self, name: &str) -> impl Iterator<Item = &str> {
        let fields = self.data.headers.get_all("cookie").iter();
        fields
            .filter_map(|field| std::str::from_utf8(field.as_bytes()).ok())
            .flat_map(|field| field.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .filter_map(move |(key, value)| (key == name).then_some(value))
    }

    /// What the winning rule's path template captured under this name, decoded.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<&str> {
        self.params()
            .find_map(|(key, value)| (key == name).then_some(value))
    }

    /// What the winning rule's path template captured, in the template's order.
    pub fn params(&self) -> impl Iterator<Item = (&str, &str)> {
        let params = self.params.iter().flat_map(|params| params.iter());
        params.map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The body. See [`is_truncated`](Request::is_truncated).
    #[must_use]
    pub fn body(&self) -> &Bytes {
        &self.data.body
    }

    /// How many bytes the body had on arrival; more than [`body`](Request::body) has when the
    /// journal's cap on bodies cut it.
    #[must_use]
    pub fn body_len(&self) -> usize {
        let cut_from = self.data.cut_from.map(NonZeroUsize::get);
        cut_from.unwrap_or(self.data.body.len())
    }

    /// Whether the journal kept less than the whole body. Matchers and handlers always see it whole.
    #[must_use]
    pub fn is_truncated(&self) -> bool {
        self.data.cut_from.is_some()
    }

    /// The body as text.
    ///
    /// # Errors
    ///
    /// [`Part::Body`] when it is not UTF-8.
    pub fn text(&self) -> Result<&str> {
        std::str::from_utf8(&self.data.body).map_err(|error| {
            let shown = String::from_utf8_lossy(&self.data.body)
                .chars()
                .take(64)
                .collect::<String>();
            Error::invalid(Part::Body, shown, format!("not UTF-8: {error}"))
        })
    }

    /// The body as a JSON value: parsed once, then shared by matchers, handlers and captures.
    ///
    /// # Errors
    ///
    /// [`Part::Json`] when it is not JSON.
    pub fn json_value(&self) -> Result<Arc<Value>> {
        self.view()
    }

    /// The body as a value of type `T`, parsed from its JSON.
    ///
    /// # Errors
    ///
    /// [`Part::Json`] when the body is not JSON or does not fit the type.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_slice(&self.data.body).map_err(|error| self.json_error(&error))
    }

    /// Like [`json`](Request::json), but parsed once per request and type, then shared.
    ///
    /// # Errors
    ///
    /// [`Part::Json`] when the body is not JSON or does not fit the type.
    pub fn view<T: DeserializeOwned + Any + Send + Sync>(&self) -> Result<Arc<T>> {
        self.data.views.get_or_parse(|| self.json())
    }

    /// What the closure makes of the request: once per request and type, then shared by matchers,
    /// handlers and captures. Give each way of reading a type of its own. A failure is not kept.
    ///
    /// ```
    /// use mockwire::{Reply, sync::MockTransport};
    ///
    /// /// How many words a body has.
    /// struct Words(usize);
    ///
    /// let transport = MockTransport::new();
    /// transport.post("/").reply("thanks");
    /// # let request = http::Request::post("https://api.test/").body("one two").unwrap();
    /// # transport.block_on(transport.call(request)).unwrap();
    /// let request = transport.last_request().unwrap().request;
    /// let words = request.view_with(|it| Ok::<_, mockwire::Error>(Words(it.text()?.split(' ').count())))?;
    /// assert_eq!(words.0, 2);
    /// # Ok::<(), mockwire::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// What the closure fails with.
    pub fn view_with<T, E>(&self, read: impl FnOnce(&Self) -> Result<T, E>) -> Result<Arc<T>, E>
    where
        T: Any + Send + Sync,
    {
        self.data.views.get_or_parse(|| read(self))
    }

    /// The name-value pairs of an `application/x-www-form-urlencoded` body, decoded, in order.
    pub fn form_pairs(&self) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
        urlencoded::pairs(std::str::from_utf8(&self.data.body).unwrap_or_default())
    }

    pub(crate) fn from_http<B: Into<Content>>(request: http::Request<B>) -> Self {
        let (parts, body) = request.into_parts();
        Self::new(
            parts.method,
            parts.uri,
            parts.version,
            parts.headers,
            body.into().into_bytes(),
        )
    }

    pub(crate) fn new(
        method: Method,
        url: Uri,
        version: Version,
        headers: HeaderMap,
        body: Bytes,
    ) -> Self {
        let data = Data {
            method,
            url,
            version,
            headers,
            body,
            cut_from: None,
            packed_from: None,
            views: Views::default(),
        };
        Self {
            data: Arc::new(data),
            params: None,
        }
    }

    /// The same request as an `http` one, for a transport that it is passed through to.
    pub(crate) fn to_http(&self) -> http::Request<Bytes> {
        let mut request = http::Request::new(self.data.body.clone());
        *request.method_mut() = self.data.method.clone();
        *request.uri_mut() = self.data.url.clone();
        *request.version_mut() = self.data.version;
        *request.headers_mut() = self.data.headers.clone();
        request
    }

    pub(crate) fn with_params(mut self, params: Params) -> Self {
        if !params.is_empty() {
            self.params = Some(Arc::new(params));
        }
        self
    }

    /// The request with the first `cap` bytes of its body, when it has more.
    #[inline]
    pub(crate) fn cut(&self, cap: usize) -> Option<Self> {
        (self.data.body.len() > cap).then(|| self.cut_to(cap))
    }

    #[cold]
    fn cut_to(&self, cap: usize) -> Self {
        let body = &self.data.body;
        self.of(Data {
            cut_from: NonZeroUsize::new(body.len()),
            ..self.data.with_body(Bytes::copy_from_slice(&body[..cap]))
        })
    }

    /// The request with its body compressed, when that is larger than the threshold.
    #[cfg(feature = "compression")]
    pub(crate) fn packed(&self, threshold: usize) -> Option<Self> {
        let body = &self.data.body;
        (body.len() > threshold).then(|| {
            self.of(Data {
                packed_from: NonZeroUsize::new(body.len()),
                cut_from: self.data.cut_from,
                ..self.data.with_body(super::compression::pack(body))
            })
        })
    }

    /// The request with its body as it was before it was packed.
    #[cfg(feature = "compression")]
    pub(crate) fn unpacked(self) -> Self {
        let Some(len) = self.data.packed_from else {
            return self;
        };
        self.of(Data {
            cut_from: self.data.cut_from,
            ..self
                .data
                .with_body(super::compression::unpack(&self.data.body, len.get()))
        })
    }

    fn of(&self, data: Data) -> Self {
        Self {
            data: Arc::new(data),
            params: self.params.clone(),
        }
    }

    /// Marks the transport's own secret headers. Only on a request that nobody shares yet.
    pub(crate) fn mark_secrets(&mut self, names: &[http::HeaderName]) {
        if let Some(data) = Arc::get_mut(&mut self.data) {
            redact::mark(&mut data.headers, names);
        }
    }

    fn json_error(&self, error: &serde_json::Error) -> Error {
        let start: String = String::from_utf8_lossy(&self.data.body)
            .chars()
            .take(64)
            .collect();
        Error::invalid(Part::Json, start, error.to_string())
    }
}

/// Whether an authority is a host alone: no user, no port, no IPv6 address.
fn is_plain_host(authority: &str) -> bool {
    !authority
        .bytes()
        .any(|byte| matches!(byte, b'@' | b':' | b'['))
}

impl Data {
    /// The same request with another body.
    fn with_body(&self, body: Bytes) -> Self {
        Self {
            method: self.method.clone(),
            url: self.url.clone(),
            version: self.version,
            headers: self.headers.clone(),
            body,
            cut_from: None,
            packed_from: None,
            views: Views::default(),
        }
    }
}

impl PartialEq for Request {
    fn eq(&self, other: &Self) -> bool {
        let (a, b) = (&self.data, &other.data);
        a.method == b.method
            && a.url == b.url
            && a.version == b.version
            && a.headers == b.headers
            && a.body == b.body
            && self.body_len() == other.body_len()
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.data.method)
            .field("url", &redact::printable_url(&self.data.url))
            .field(
                "headers",
                &redact::printable(&self.data.headers).collect::<Vec<_>>(),
            )
            .field("body", &String::from_utf8_lossy(&self.data.body))
            .finish()
    }
}

/// `POST https://api.test/v1/messages`
impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = redact::printable_url(&self.data.url);
        write!(f, "{} {url}", self.data.method)
    }
}
