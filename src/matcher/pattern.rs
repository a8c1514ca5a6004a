//! One thing that is asked of a request, as data.

use std::borrow::Cow;

use bytes::Bytes;
use http::{HeaderName, Method};
use serde_json::Value;

use super::Subject;
use super::path::{PathPattern, glob_matches};
use super::text::Test;

use crate::model::base64;
use crate::model::json::{self, Comparison};
use crate::model::request::Request;

/// One thing that is asked of a request.
#[derive(Clone, Debug)]
pub(crate) enum Pattern {
    /// The whole value of the `authorization` header, and what it stands for.
    Authorization {
        scheme: &'static str,
        value: String,
    },
    Body(Test),
    BodyBytes(Bytes),
    Cookie {
        name: String,
        test: Test,
    },
    Form {
        name: String,
        test: Test,
    },
    Header {
        name: HeaderName,
        test: Test,
        /// Whether its values are never printed.
        secret: bool,
    },
    Host(HostPattern),
    Json {
        pointer: String,
        test: JsonTest,
    },
    #[cfg(feature = "jsonpath")]
    JsonPath(Box<serde_json_path::JsonPath>),
    #[cfg(feature = "jsonschema")]
    JsonSchema(std::sync::Arc<jsonschema::Validator>),
    Method(Method),
    /// The number of the request on its transport, from 1.
    Nth {
        from: u64,
        to: Option<u64>,
    },
    Path(PathPattern),
    #[cfg(feature = "regex")]
    PathRegex(regex::Regex),
    Port(u16),
    Query {
        name: String,
        test: Test,
    },
    Scheme(String),
}

/// What is asked of a value in a JSON body.
#[derive(Clone, Debug)]
pub(crate) enum JsonTest {
    /// A string with this in it.
    Contains(String),
    Equals(Value),
    Includes(Value),
    Missing,
    Present,
}

/// A host name, perhaps with `*` in it; the case of letters means nothing.
#[derive(Clone, Debug)]
pub(crate) struct HostPattern {
    pub(crate) text: String,
    pub(crate) is_glob: bool,
}

impl HostPattern {
    pub(crate) fn new(host: &str) -> Self {
        Self {
            text: host.to_ascii_lowercase(),
            is_glob: host.contains('*'),
        }
    }

    pub(crate) fn test(&self, host: &str) -> bool {
        if self.is_glob {
            glob_matches(&self.text, &host.to_ascii_lowercase())
        } else {
            self.text.eq_ignore_ascii_case(host)
        }
    }
}

impl JsonTest {
    /// The value to compare with and how, when there is one.
    pub(crate) fn comparison(&self) -> Option<(&Value, Comparison)> {
        match self {
            Self::Equals(value) => Some((value, Comparison::Equal)),
            Self::Includes(value) => Some((value, Comparison::Includes)),
            Self::Contains(_) | Self::Missing | Self::Present => None,
        }
    }

    pub(crate) fn test(&self, actual: Option<&Value>) -> bool {
        match (self.comparison(), actual) {
            (Some((expected, comparison)), Some(actual)) => {
                json::matches(expected, actual, comparison)
            }
            (Some(_), None) => false,
            (None, actual) => match self {
                Self::Contains(part) => actual
                    .and_then(Value::as_str)
                    .is_some_and(|text| text.contains(part.as_str())),
                _ => actual.is_some() == matches!(self, Self::Present),
            },
        }
    }
}

impl Pattern {
    pub(crate) fn basic_auth(user: &str, password: &str) -> Self {
        let credentials = base64::encode(format!("{user}:{password}").as_bytes());
        Self::Authorization {
            scheme: "basic",
            value: format!("Basic {credentials}"),
        }
    }

    pub(crate) fn bearer(token: &str) -> Self {
        Self::Authorization {
            scheme: "bearer",
            value: format!("Bearer {token}"),
        }
    }

    pub(crate) fn test(&self, subject: &Subject<'_>) -> bool {
        let request = subject.request;
        match self {
            Self::Authorization { value, .. } => request
                .header("authorization")
                .is_some_and(|actual| same_credentials(actual, value)),
            Self::Body(test) => body_test(test, request),
            Self::BodyBytes(bytes) => request.body() == bytes,
            Self::Cookie { name, test } => test.test(request.cookies(name)),
            Self::Form { name, test } => test.test(values(request.form_pairs(), name)),
            Self::Header { name, test, .. } => test.test(header_values(request, name)),
            Self::Json { pointer, test } => {
                let body = request.json_value().ok();
                test.test(body.as_deref().and_then(|body| body.pointer(pointer)))
            }
            #[cfg(feature = "jsonpath")]
            Self::JsonPath(path) => {
                let body = request.json_value();
                body.is_ok_and(|body| !path.query(&body).is_empty())
            }
            #[cfg(feature = "jsonschema")]
            Self::JsonSchema(schema) => {
                let body = request.json_value();
                body.is_ok_and(|body| schema.is_valid(&body))
            }
            Self::Nth { from, to } => {
                subject.sequence >= *from && to.is_none_or(|to| subject.sequence <= to)
            }
            Self::Query { name, test } => test.test(values(request.query_pairs(), name)),
            _ => self.test_target(request),
        }
    }

    /// Tests what needs no decoding and no parsing: method, scheme, host, port and path.
    pub(crate) fn test_target(&self, request: &Request) -> bool {
        match self {
            Self::Host(host) => request.host().is_some_and(|actual| host.test(actual)),
            Self::Method(method) => request.method() == method,
            Self::Path(path) => path.test(request.path()),
            #[cfg(feature = "regex")]
            Self::PathRegex(regex) => regex.is_match(request.path()),
            Self::Port(port) => actual_port(request) == Some(*port),
            Self::Scheme(scheme) => request.url().scheme_str() == Some(scheme),
            _ => false,
        }
    }

    /// Whether [`test_target`](Self::test_target) is all there is to it.
    pub(crate) fn is_about_target(&self) -> bool {
        matches!(
            self,
            Self::Host(_) | Self::Method(_) | Self::Path(_) | Self::Port(_) | Self::Scheme(_)
        )
    }

    /// Whether the request line alone decides.
    #[cfg_attr(not(all(feature = "js", target_arch = "wasm32")), allow(dead_code))]
    pub(crate) fn needs_only_the_url(&self) -> bool {
        matches!(self, Self::Query { .. } | Self::Nth { .. }) || self.is_about_target()
    }
}

fn body_test(test: &Test, request: &Request) -> bool {
    match test {
        Test::Missing => request.body().is_empty(),
        Test::Present => !request.body().is_empty(),
        Test::Equals(text) => request.body() == text.as_bytes(),
        // A form with a file in it has texts to look for, too.
        test => test.test(std::iter::once(String::from_utf8_lossy(request.body()))),
    }
}

/// The scheme's case means nothing (RFC 9110 §11.1), the credentials' does.
fn same_credentials(actual: &str, expected: &str) -> bool {
    match (actual.split_once(' '), expected.split_once(' ')) {
        (Some((scheme, actual)), Some((expected_scheme, expected))) => {
            scheme.eq_ignore_ascii_case(expected_scheme) && actual.trim_start() == expected
        }
        _ => false,
    }
}

/// The values of a header field: as UTF-8, or else as Latin-1, which is how the web's clients send them.
pub(crate) fn header_values<'a>(
    request: &'a Request,
    name: &HeaderName,
) -> impl Iterator<Item = Cow<'a, str>> {
    let values = request.headers().get_all(name).iter();
    values.map(|value| match std::str::from_utf8(value.as_bytes()) {
        Ok(text) => text.into(),
        Err(_) => value
            .as_bytes()
            .iter()
            .map(|byte| char::from(*byte))
            .collect(),
    })
}

pub(crate) fn values<'a>(
    pairs: impl Iterator<Item = (Cow<'a, str>, Cow<'a, str>)>,
    name: &str,
) -> impl Iterator<Item = Cow<'a, str>> {
    pairs.filter_map(move |(key, value)| (key == name).then_some(value))
}

/// The port of the request, or the default one of its scheme.
pub(crate) fn actual_port(request: &Request) -> Option<u16> {
    let default = || match request.url().scheme_str()? {
        "http" | "ws" => Some(80),
        "https" | "wss" => Some(443),
        _ => None,
    };
    request.port().or_else(default)
}
