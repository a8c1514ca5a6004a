//! What has to agree for a recorded request to be the one that is made.

use http::HeaderName;
use serde::Deserialize;

use super::pointer::Pointer;
use crate::error::Result;
use crate::matcher::conditions::header_name;

/// What has to agree for a recorded request to be the one that is made: the method, the URL with its
/// query, and the body, unless said otherwise. JSON is compared as values.
///
/// What was redacted may be anything, and an id or a time that was made stable any other of its kind.
///
/// ```
/// use mockwire::cassette::MatchOn;
///
/// let match_on = MatchOn::new()
///     .ignoring_origin()
///     .ignoring_query_parameter("trace")
///     .header("anthropic-version")
///     .ignoring_json("/metadata")
///     .ignoring_json("/messages/*/id");
/// # let _ = match_on;
/// ```
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct MatchOn {
    method: bool,
    origin: bool,
    query: bool,
    ignored_query: Vec<String>,
    headers: Vec<String>,
    body: BodyMatch,
    ignored_json: Vec<String>,
}

/// How bodies are compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
enum BodyMatch {
    #[default]
    Exact,
    Ignored,
    /// JSON says at least what was recorded.
    Partial,
}

impl MatchOn {
    /// The method, the whole URL and the body.
    #[must_use]
    pub fn new() -> Self {
        Self {
            method: true,
            origin: true,
            query: true,
            ignored_query: Vec::new(),
            headers: Vec::new(),
            body: BodyMatch::Exact,
            ignored_json: Vec::new(),
        }
    }

    /// Not the method.
    #[must_use]
    pub fn ignoring_method(mut self) -> Self {
        self.method = false;
        self
    }

    /// Not the scheme, the host and the port: what was recorded from one server is replayed for
    /// another.
    #[must_use]
    pub fn ignoring_origin(mut self) -> Self {
        self.origin = false;
        self
    }

    /// Not the query.
    #[must_use]
    pub fn ignoring_query(mut self) -> Self {
        self.query = false;
        self
    }

    /// Not this parameter of the query.
    #[must_use]
    pub fn ignoring_query_parameter(mut self, name: &str) -> Self {
        self.ignored_query.push(name.to_owned());
        self
    }

    /// Also this header field.
    #[must_use]
    pub fn header(mut self, name: &str) -> Self {
        self.headers.push(name.to_owned());
        self
    }

    /// Not the body.
    #[must_use]
    pub fn ignoring_body(mut self) -> Self {
        self.body = BodyMatch::Ignored;
        self
    }

    /// A JSON body may have further members, and arrays further elements at their end.
    #[must_use]
    pub fn json_partial(mut self) -> Self {
        self.body = BodyMatch::Partial;
        self
    }

    /// Not this part of a JSON body: a JSON pointer (RFC 6901), in which `*` stands for any key or
    /// index.
    #[must_use]
    pub fn ignoring_json(mut self, pointer: &str) -> Self {
        self.ignored_json.push(pointer.to_owned());
        self
    }

    pub(super) fn compile(&self) -> Result<Criteria> {
        let headers = self.headers.iter().map(|name| header_name(name));
        let ignored = self.ignored_json.iter().map(|it| Pointer::parse(it));
        Ok(Criteria {
            method: self.method,
            origin: self.origin,
            query: self.query,
            ignored_query: self.ignored_query.clone(),
            headers: headers.collect::<Result<_>>()?,
            body: self.body != BodyMatch::Ignored,
            is_partial: self.body == BodyMatch::Partial,
            ignored_json: ignored.collect::<Result<_>>()?,
        })
    }
}

impl Default for MatchOn {
    fn default() -> Self {
        Self::new()
    }
}

/// The same, found to be well-formed.
#[derive(Clone, Debug)]
pub(super) struct Criteria {
    pub(super) method: bool,
    pub(super) origin: bool,
    pub(super) query: bool,
    pub(super) ignored_query: Vec<String>,
    pub(super) headers: Vec<HeaderName>,
    pub(super) body: bool,
    pub(super) is_partial: bool,
    pub(super) ignored_json: Vec<Pointer>,
}
