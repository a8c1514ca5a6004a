//! Whether a recorded request is the one that is made, and if not, where they first differ.

use std::borrow::Cow;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, Uri, Version};
use serde_json::Value;

use super::entry::RecordedRequest;
use super::match_on::Criteria;
use super::placeholder::{REDACTED_IN_URL, stands_for};
use super::times;
use crate::diagnosis::Check;
use crate::matcher::explain::{cut, cut_to_difference, dissimilarity};
use crate::matcher::pattern::actual_port;
use crate::model::json::{self, Comparison};
use crate::model::redact::{self, REDACTED};
use crate::model::request::Request;
use crate::model::urlencoded;

/// How many characters of a value are told.
const LONGEST: usize = 120;

/// A recorded request, made ready to be compared.
#[derive(Debug)]
pub(super) struct Recorded {
    request: RecordedRequest,
    origin: Origin,
    query: Vec<(String, String)>,
    json: Option<Value>,
}

/// A request that is made, made ready to be compared.
pub(super) struct Made<'a> {
    request: &'a Request,
    origin: Origin,
    query: Vec<(String, String)>,
    json: Option<Value>,
    /// The body of a form with several parts, with the boundary that recordings have.
    body: Bytes,
}

/// Where a request goes.
#[derive(Debug)]
struct Origin {
    scheme: Option<String>,
    host: Option<String>,
    port: Option<u16>,
}

/// One thing that has to agree.
#[derive(Clone, Copy)]
enum Aspect<'a> {
    Method,
    Url,
    Query,
    Header(&'a HeaderName),
    Body,
}

/// What was recorded, and what is there instead.
struct Difference {
    /// `JSON /model`, `query page`
    place: String,
    expected: String,
    actual: String,
    weight: u32,
}

impl Recorded {
    pub(super) fn new(request: RecordedRequest, criteria: &Criteria) -> Self {
        let whole = Request::new(
            request.method.clone(),
            request.url.clone(),
            Version::HTTP_11,
            request.headers.clone(),
            Bytes::new(),
        );
        Self {
            origin: Origin::of(&whole),
            query: query(&request.url, criteria),
            json: json_of(&request.body, criteria),
            request,
        }
    }

    /// The path, where it has to be exactly this one.
    pub(super) fn exact_path(&self) -> Option<&str> {
        let path = self.request.url.path();
        // What is a placeholder is rare, and may be anywhere.
        let is_exact = !path.contains("rec0") && !path.contains("0000-4000-");
        (is_exact && !path.contains(REDACTED_IN_URL)).then_some(path)
    }
}

impl<'a> Made<'a> {
    pub(super) fn new(request: &'a Request, criteria: &Criteria) -> Self {
        let body = super::multipart::with_stable_boundary(request.headers(), request.body());
        Self {
            origin: Origin::of(request),
            query: query(request.url(), criteria),
            json: json_of(&body, criteria),
            request,
            body,
        }
    }
}

/// Parsed, without what is ignored; `None` for what is no object or array.
fn json_of(body: &Bytes, criteria: &Criteria) -> Option<Value> {
    let mut value: Value = serde_json::from_slice(body).ok()?;
    if !value.is_object() && !value.is_array() {
        return None;
    }
    criteria
        .ignored_json
        .iter()
        .for_each(|it| it.take_out(&mut value));
    Some(value)
}

/// The parameters that count, those of one name together and in order.
fn query(url: &Uri, criteria: &Criteria) -> Vec<(String, String)> {
    let pairs = urlencoded::pairs(url.query().unwrap_or_default());
    let counting = pairs.filter(|(name, _)| !criteria.ignored_query.iter().any(|it| it == name));
    let owned = counting.map(|(name, value)| (name.into_owned(), value.into_owned()));
    let mut pairs: Vec<_> = owned.collect();
    pairs.sort_by(|(a, _), (b, _)| a.cmp(b));
    pairs
}

impl Criteria {
    /// Whether everything agrees.
    pub(super) fn agree(&self, recorded: &Recorded, made: &Made<'_>) -> bool {
        let mut aspects = self.aspects();
        aspects.all(|aspect| self.difference(aspect, recorded, made).is_none())
    }

    /// Everything that has to agree, and whether it does.
    pub(super) fn explain(&self, recorded: &Recorded, made: &Made<'_>) -> Vec<Check> {
        let check = |aspect| match self.difference(aspect, recorded, made) {
            None => {
                let (matcher, expected) = describe(aspect, recorded);
                Check {
                    matcher,
                    expected: cut(&expected, LONGEST),
                    actual: String::new(),
                    passed: true,
                    weight: 0,
                }
            }
            Some(difference) => {
                let mut check = Check {
                    matcher: difference.place,
                    expected: difference.expected,
                    actual: difference.actual,
                    passed: false,
                    weight: difference.weight,
                };
                cut_to_difference(&mut check);
                check
            }
        };
        self.aspects().map(check).collect()
    }

    fn aspects(&self) -> impl Iterator<Item = Aspect<'_>> {
        let when = |asked: bool, aspect| asked.then_some(aspect);
        let first = [
            when(self.method, Aspect::Method),
            Some(Aspect::Url),
            when(self.query, Aspect::Query),
        ];
        let headers = self.headers.iter().map(Aspect::Header);
        let body = when(self.body, Aspect::Body);
        first.into_iter().flatten().chain(headers).chain(body)
    }

    fn difference(
        &self,
        aspect: Aspect<'_>,
        recorded: &Recorded,
        made: &Made<'_>,
    ) -> Option<Difference> {
        let (expected, actual) = (&recorded.request, made.request);
        match aspect {
            Aspect::Method => (expected.method != actual.method()).then(|| Difference {
                place: "method".to_owned(),
                expected: expected.method.to_string(),
                actual: actual.method().to_string(),
                weight: 4,
            }),
            Aspect::Url => self.url_difference(recorded, made),
            Aspect::Query => query_difference(&recorded.query, &made.query),
            Aspect::Header(name) => header_difference(name, expected, actual),
            Aspect::Body => self.body_difference(recorded, made),
        }
    }

    fn url_difference(&self, recorded: &Recorded, made: &Made<'_>) -> Option<Difference> {
        let (expected, actual) = (recorded.request.url.path(), made.request.path());
        let same_path = stands_for(expected, actual);
        if same_path && !(self.origin && recorded.origin.differs(&made.origin)) {
            return None;
        }
        Some(Difference {
            place: "URL".to_owned(),
            expected: without_query(&recorded.request.url),
            actual: without_query(made.request.url()),
            weight: if same_path {
                5
            } else {
                3 + dissimilarity(expected, actual)
            },
        })
    }

    fn body_difference(&self, recorded: &Recorded, made: &Made<'_>) -> Option<Difference> {
        let (expected, actual) = (&recorded.request.body, &made.body);
        if let (Some(expected), Some(actual)) = (&recorded.json, &made.json) {
            return self.json_difference(expected, actual);
        }
        let same = if recorded.request.truncated {
            actual.starts_with(expected)
        } else {
            expected == actual || texts_agree(expected, actual)
        };
        (!same).then(|| Difference {
            place: "body".to_owned(),
            expected: excerpt(expected),
            actual: excerpt(actual),
            weight: 2,
        })
    }

    fn json_difference(&self, expected: &Value, actual: &Value) -> Option<Difference> {
        let comparison = if self.is_partial {
            Comparison::Includes
        } else {
            Comparison::Equal
        };
        if json::matches(expected, actual, comparison) {
            return None;
        }
        let mut actual = actual.clone();
        reconcile(None, expected, &mut actual);
        let difference = json::first_difference(expected, &actual, comparison)?;
        let text =
            |value: Option<Value>| value.map_or_else(|| MISSING.to_owned(), |it| it.to_string());
        let place = match difference.pointer.as_str() {
            "" => "JSON".to_owned(),
            pointer => format!("JSON {pointer}"),
        };
        Some(Difference {
            place,
            expected: text(difference.expected),
            actual: text(difference.actual),
            weight: 2,
        })
    }
}

const MISSING: &str = "(missing)";

/// What an aspect asks for, where it agrees.
fn describe(aspect: Aspect<'_>, recorded: &Recorded) -> (String, String) {
    let request = &recorded.request;
    match aspect {
        Aspect::Method => ("method".to_owned(), request.method.to_string()),
        Aspect::Url => ("URL".to_owned(), without_query(&request.url)),
        Aspect::Query => {
            let query = request.url.query().unwrap_or("(none)");
            ("query".to_owned(), query.to_owned())
        }
        Aspect::Header(name) => (format!("header {name}"), listed(name, &request.headers)),
        Aspect::Body => ("body".to_owned(), excerpt(&request.body)),
    }
}

impl Origin {
    fn of(request: &Request) -> Self {
        let lower = |text: &str| text.to_ascii_lowercase();
        Self {
            scheme: request.url().scheme_str().map(lower),
            host: request.host().map(lower),
            port: actual_port(request),
        }
    }

    /// What one of them does not say is not compared.
    fn differs(&self, other: &Self) -> bool {
        fn differ<T: PartialEq>(a: Option<&T>, b: Option<&T>) -> bool {
            a.zip(b).is_some_and(|(a, b)| a != b)
        }
        differ(self.scheme.as_ref(), other.scheme.as_ref())
            || differ(self.host.as_ref(), other.host.as_ref())
            || differ(self.port.as_ref(), other.port.as_ref())
    }
}

fn query_difference(
    recorded: &[(String, String)],
    made: &[(String, String)],
) -> Option<Difference> {
    let of = |pairs: &[(String, String)], name: &str| {
        let values = pairs.iter().filter(|(it, _)| it == name);
        values.map(|(_, value)| value.clone()).collect::<Vec<_>>()
    };
    let names = recorded.iter().chain(made).map(|(name, _)| name);
    let differs = |name: &&String| {
        let (expected, actual) = (of(recorded, name), of(made, name));
        let mut pairs = expected.iter().zip(&actual);
        expected.len() != actual.len() || pairs.any(|(a, b)| !stands_for(a, b))
    };
    let name = names.into_iter().find(differs)?;
    let told = |pairs| match &of(pairs, name)[..] {
        [] => MISSING.to_owned(),
        values => values
            .iter()
            .map(|it| format!("{it:?}"))
            .collect::<Vec<_>>()
            .join(", "),
    };
    Some(Difference {
        place: format!("query {name}"),
        expected: told(recorded),
        actual: told(made),
        weight: 2,
    })
}

fn header_difference(
    name: &HeaderName,
    recorded: &RecordedRequest,
    made: &Request,
) -> Option<Difference> {
    let texts = |headers: &HeaderMap| {
        let values = headers.get_all(name).iter();
        let text = |it: &http::HeaderValue| String::from_utf8_lossy(it.as_bytes()).into_owned();
        values.map(text).collect::<Vec<_>>()
    };
    let (expected, actual) = (texts(&recorded.headers), texts(made.headers()));
    let mut pairs = expected.iter().zip(&actual);
    if expected.len() == actual.len() && pairs.all(|(a, b)| stands_for(a, b)) {
        return None;
    }
    Some(Difference {
        place: format!("header {name}"),
        expected: listed(name, &recorded.headers),
        actual: listed(name, made.headers()),
        weight: 2,
    })
}

fn listed(name: &HeaderName, headers: &HeaderMap) -> String {
    let mut values = headers.get_all(name).iter().map(|value| {
        let text = String::from_utf8_lossy(value.as_bytes());
        let is_secret = value.is_sensitive() || redact::is_secret(name);
        if is_secret {
            REDACTED.to_owned()
        } else {
            format!("{text:?}")
        }
    });
    let first = values.next().unwrap_or_else(|| MISSING.to_owned());
    values.fold(first, |all, value| format!("{all}, {value}"))
}

fn without_query(url: &Uri) -> String {
    let text = redact::printable_url(url);
    text.split('?').next().unwrap_or_default().to_owned()
}

fn excerpt(body: &Bytes) -> String {
    match std::str::from_utf8(body) {
        Ok("") => "(no body)".to_owned(),
        Ok(text) => cut(text, LONGEST * 2),
        Err(_) => format!("{} bytes that are not UTF-8", body.len()),
    }
}

fn texts_agree(recorded: &Bytes, made: &Bytes) -> bool {
    let texts = (std::str::from_utf8(recorded), std::str::from_utf8(made));
    matches!(texts, (Ok(recorded), Ok(made)) if stands_for(recorded, made))
}

/// Puts what was recorded in the place of what it may stand for.
fn reconcile(key: Option<&str>, recorded: &Value, made: &mut Value) {
    match (recorded, &mut *made) {
        (Value::Object(recorded), Value::Object(made)) => {
            for (key, recorded) in recorded {
                if let Some(made) = made.get_mut(key) {
                    reconcile(Some(key), recorded, made);
                }
            }
            return;
        }
        (Value::Array(recorded), Value::Array(made)) => {
            for (recorded, made) in recorded.iter().zip(made) {
                reconcile(key, recorded, made);
            }
            return;
        }
        _ => {}
    }
    let text = match &*made {
        Value::String(text) => Cow::Borrowed(text.as_str()),
        other => Cow::Owned(other.to_string()),
    };
    let stands = recorded.as_str().is_some_and(|it| stands_for(it, &text));
    if stands || key.is_some_and(|key| times::stands_for(key, recorded, made)) {
        *made = recorded.clone();
    }
}
