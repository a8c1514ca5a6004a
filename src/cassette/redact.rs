//! What is not to be written onto a cassette.

use std::fmt;

use serde::Deserialize;

use super::pointer::Pointer;
use super::redactor::{Redactor, folded};
use super::secret::Secret;
use crate::error::{Error, Part, Result};
use crate::matcher::conditions::header_name;

/// What is never written: it is taken out of an entry before that is kept.
///
/// By itself: the values of `authorization`, `x-api-key`, `cookie`, `set-cookie` and their like, and of
/// every header field whose name ends with `-token`, `-secret`, `-api-key` or `-password`; the user and
/// password of a URL; parameters such as `key`, `access_token` or `signature` of queries and forms, also
/// where a URL stands in a body; and JSON members such as `access_token`, `client_secret` or `password`.
/// What was such a secret, and has eight characters or more, is taken out wherever else it stands in what
/// is recorded: as it is, percent-encoded, with JSON escapes, or in base64.
///
/// What cannot be seen cannot be taken out: a body that is compressed, or a secret that an event stream
/// tells in parts.
///
/// ```
/// use mockwire::cassette::Redaction;
///
/// let redaction = Redaction::new()
///     .header("x-session")
///     .query("ticket")
///     .json("/user/email")
///     .literal("correct horse battery staple");
/// assert!(!format!("{redaction:?}").contains("horse"));
/// ```
#[derive(Clone, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Redaction {
    /// Whether the usual secrets are taken out.
    usual: bool,
    headers: Vec<String>,
    query: Vec<String>,
    json: Vec<String>,
    literals: Vec<String>,
}

impl Redaction {
    /// The usual secrets.
    #[must_use]
    pub fn new() -> Self {
        Self {
            usual: true,
            ..Self::none()
        }
    }

    /// Nothing at all: for traffic without secrets.
    #[must_use]
    pub fn none() -> Self {
        Self {
            usual: false,
            headers: Vec::new(),
            query: Vec::new(),
            json: Vec::new(),
            literals: Vec::new(),
        }
    }

    /// Also the values of this header field, of requests and responses.
    #[must_use]
    pub fn header(mut self, name: &str) -> Self {
        self.headers.push(name.to_owned());
        self
    }

    /// Also this parameter of queries and forms.
    #[must_use]
    pub fn query(mut self, name: &str) -> Self {
        self.query.push(name.to_owned());
        self
    }

    /// Also what this JSON pointer (RFC 6901) leads to, in the bodies of requests and responses and in
    /// the data of events. `*` stands for any key or index.
    #[must_use]
    pub fn json(mut self, pointer: &str) -> Self {
        self.json.push(pointer.to_owned());
        self
    }

    /// Also this text, wherever it stands: as it is, percent-encoded, with JSON escapes, or in base64.
    #[must_use]
    pub fn literal(mut self, secret: &str) -> Self {
        self.literals.push(secret.to_owned());
        self
    }

    pub(super) fn compile(&self) -> Result<Redactor> {
        if self.literals.iter().any(String::is_empty) {
            let reason = "a secret is a text that is not empty";
            return Err(Error::invalid(Part::Option, "literal(\"\")", reason));
        }
        let headers = self.headers.iter().map(|it| header_name(it));
        let pointers = self.json.iter().map(|it| Pointer::parse(it));
        Ok(Redactor {
            usual: self.usual,
            headers: headers.collect::<Result<_>>()?,
            parameters: self.query.iter().map(|it| folded(it)).collect(),
            pointers: pointers.collect::<Result<_>>()?,
            literals: self.literals.iter().map(|it| Secret::new(it)).collect(),
        })
    }
}

impl Default for Redaction {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Redaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redaction")
            .field("usual", &self.usual)
            .field("headers", &self.headers)
            .field("query", &self.query)
            .field("json", &self.json)
            .field("literals", &self.literals.len())
            .finish()
    }
}
