//! The conditions that a test writes: one function each.
//!
//! The builder of a rule ([`When`](crate::When)) has a method of the same name for each.

use std::ops::RangeBounds;
use std::panic::Location;

use bytes::Bytes;
use http::{HeaderName, Method};
use serde_json::Value;

use super::exact::ExactTarget;
use super::pattern::{HostPattern, JsonTest, Pattern};
use super::reading::Reading;
use super::text::Test;
use super::{Matcher, Node, StateTest, target};
use crate::error::{Error, Part, Result, TOKEN};
use crate::mode::{AcceptPredicate, Mode};
use crate::model::redact;
use crate::model::request::Request;
use crate::state::State;

/// A method and a target: a path (`/v1/{id}`), a whole URL (`https://api.test/v1`), or `*`.
///
/// In a path, `{id}` and `:id` capture (part of) a segment, `*` stands for any characters of a
/// segment and `**` for any number of segments. Segments are compared percent-decoded, and a slash at
/// the end counts. A URL without a port is for any port. A query in the target asks for those
/// parameters; further ones may be there.
pub fn on<M: Mode>(method: &str, target: &str) -> Matcher<M> {
    match method_pattern(method) {
        Ok(pattern) => of_target(method, Some(pattern), target),
        Err(error) => Matcher(Node::Invalid(error)),
    }
}

/// `GET` and a target; see [`on`].
pub fn get<M: Mode>(target: &str) -> Matcher<M> {
    on("GET", target)
}

/// `POST` and a target; see [`on`].
pub fn post<M: Mode>(target: &str) -> Matcher<M> {
    on("POST", target)
}

/// `PUT` and a target; see [`on`].
pub fn put<M: Mode>(target: &str) -> Matcher<M> {
    on("PUT", target)
}

/// `PATCH` and a target; see [`on`].
pub fn patch<M: Mode>(target: &str) -> Matcher<M> {
    on("PATCH", target)
}

/// `DELETE` and a target; see [`on`].
pub fn delete<M: Mode>(target: &str) -> Matcher<M> {
    on("DELETE", target)
}

/// `HEAD` and a target; see [`on`].
pub fn head<M: Mode>(target: &str) -> Matcher<M> {
    on("HEAD", target)
}

/// `OPTIONS` and a target; see [`on`].
pub fn options<M: Mode>(target: &str) -> Matcher<M> {
    on("OPTIONS", target)
}

/// A WebSocket handshake (RFC 6455 §4.1) and a target, whose scheme is `ws` or `wss`; see [`on`].
pub fn websocket<M: Mode>(target: &str) -> Matcher<M> {
    let target = match target.split_once("://") {
        Some(("http", rest)) => format!("ws://{rest}"),
        Some(("https", rest)) => format!("wss://{rest}"),
        _ => target.to_owned(),
    };
    get(&target).and(header("upgrade", "websocket"))
}

/// Any method and a target; see [`on`].
pub fn url<M: Mode>(target: &str) -> Matcher<M> {
    of_target("", None, target)
}

fn of_target<M: Mode>(method: &str, pattern: Option<Pattern>, target: &str) -> Matcher<M> {
    if let Some(exact) = ExactTarget::new(method, target) {
        return Matcher(Node::Target(exact));
    }
    of_patterns(pattern, target)
}

#[inline(never)]
fn of_patterns<M: Mode>(pattern: Option<Pattern>, target: &str) -> Matcher<M> {
    let mut patterns: Vec<Node<M>> = pattern.map(Node::from).into_iter().collect();
    match target::parse(target, &mut patterns) {
        Ok(()) => Matcher(Node::All(patterns)),
        Err(error) => Matcher(Node::Invalid(error)),
    }
}

/// This method. Methods are case-sensitive (RFC 9110 §9.1).
pub fn method_is<M: Mode>(method: &str) -> Matcher<M> {
    method_pattern(method).into()
}

fn method_pattern(method: &str) -> Result<Pattern> {
    Method::from_bytes(method.as_bytes())
        .map(Pattern::Method)
        .map_err(|_| Error::invalid(Part::Method, method, TOKEN))
}

/// This host; `*` stands for any characters (`*.test`).
pub fn host<M: Mode>(host: &str) -> Matcher<M> {
    Pattern::Host(HostPattern::new(host)).into()
}

/// This scheme: `http`, `https`.
pub fn scheme<M: Mode>(scheme: &str) -> Matcher<M> {
    Pattern::Scheme(scheme.to_ascii_lowercase()).into()
}

/// This port; the default one of the scheme when the URL has none.
pub fn port<M: Mode>(port: u16) -> Matcher<M> {
    Pattern::Port(port).into()
}

/// A query parameter with exactly this value (decoded).
pub fn query<M: Mode>(name: &str, value: &str) -> Matcher<M> {
    query_test(name, Test::Equals(value.into()))
}

/// A query parameter whose value contains this.
pub fn query_contains<M: Mode>(name: &str, part: &str) -> Matcher<M> {
    query_test(name, Test::Contains(part.into()))
}

/// A query parameter, whatever its value.
pub fn query_exists<M: Mode>(name: &str) -> Matcher<M> {
    query_test(name, Test::Present)
}

/// No such query parameter.
pub fn query_missing<M: Mode>(name: &str) -> Matcher<M> {
    query_test(name, Test::Missing)
}

pub(crate) fn query_test<M: Mode>(name: &str, test: Test) -> Matcher<M> {
    let name = name.to_owned();
    Pattern::Query { name, test }.into()
}

/// A header field with exactly this value.
pub fn header<M: Mode>(name: &str, value: &str) -> Matcher<M> {
    header_test(name, Test::Equals(value.into()))
}

/// A header field whose value contains this.
pub fn header_contains<M: Mode>(name: &str, part: &str) -> Matcher<M> {
    header_test(name, Test::Contains(part.into()))
}

/// A header field, whatever its value.
pub fn header_exists<M: Mode>(name: &str) -> Matcher<M> {
    header_test(name, Test::Present)
}

/// No such header field.
pub fn header_missing<M: Mode>(name: &str) -> Matcher<M> {
    header_test(name, Test::Missing)
}

pub(crate) fn header_test<M: Mode>(name: &str, test: Test) -> Matcher<M> {
    let pattern = header_name(name).and_then(|name| {
        test.validate_field(&name)?;
        let secret = redact::is_secret(&name);
        Ok(Pattern::Header { name, test, secret })
    });
    pattern.into()
}

pub(crate) fn header_name(name: &str) -> Result<HeaderName> {
    HeaderName::from_bytes(name.as_bytes())
        .map_err(|_| Error::invalid(Part::HeaderName, name, TOKEN))
}

/// A cookie with exactly this value.
pub fn cookie<M: Mode>(name: &str, value: &str) -> Matcher<M> {
    cookie_test(name, Test::Equals(value.into()))
}

pub(crate) fn cookie_test<M: Mode>(name: &str, test: Test) -> Matcher<M> {
    let name = name.to_owned();
    Pattern::Cookie { name, test }.into()
}

/// A form field (`application/x-www-form-urlencoded`) with exactly this value (decoded).
pub fn form<M: Mode>(name: &str, value: &str) -> Matcher<M> {
    form_test(name, Test::Equals(value.into()))
}

pub(crate) fn form_test<M: Mode>(name: &str, test: Test) -> Matcher<M> {
    let name = name.to_owned();
    Pattern::Form { name, test }.into()
}

/// `authorization: Basic` with this user and password (RFC 7617).
pub fn basic_auth<M: Mode>(user: &str, password: &str) -> Matcher<M> {
    Pattern::basic_auth(user, password).into()
}

/// `authorization: Bearer` with this token (RFC 6750).
pub fn bearer<M: Mode>(token: &str) -> Matcher<M> {
    Pattern::bearer(token).into()
}

/// Exactly this text as the body.
pub fn body<M: Mode>(text: &str) -> Matcher<M> {
    body_test(Test::Equals(text.into()))
}

/// Exactly these bytes as the body.
pub fn body_bytes<M: Mode>(bytes: impl Into<Bytes>) -> Matcher<M> {
    Pattern::BodyBytes(bytes.into()).into()
}

/// A body that contains this text; what is not UTF-8 may stand beside it, such as a file in a form.
pub fn body_contains<M: Mode>(part: &str) -> Matcher<M> {
    body_test(Test::Contains(part.into()))
}

pub(crate) fn body_test<M: Mode>(test: Test) -> Matcher<M> {
    Pattern::Body(test).into()
}

/// A JSON body equal to this value: `1` equals `1.0`, the order of keys means nothing.
pub fn json<M: Mode>(value: impl Into<Value>) -> Matcher<M> {
    json_test("", JsonTest::Equals(value.into()))
}

/// A JSON body that says at least this: objects may have further members, arrays further
/// elements at their end, at any depth.
pub fn json_partial<M: Mode>(value: impl Into<Value>) -> Matcher<M> {
    json_test("", JsonTest::Includes(value.into()))
}

/// A JSON body with a value equal to this at a JSON Pointer (RFC 6901): `/messages/0/role`.
pub fn json_at<M: Mode>(pointer: &str, value: impl Into<Value>) -> Matcher<M> {
    json_test(pointer, JsonTest::Equals(value.into()))
}

/// A JSON body with something at a JSON Pointer.
pub fn json_exists<M: Mode>(pointer: &str) -> Matcher<M> {
    json_test(pointer, JsonTest::Present)
}

/// Nothing at a JSON Pointer of the body; also when the body is no JSON.
pub fn json_missing<M: Mode>(pointer: &str) -> Matcher<M> {
    json_test(pointer, JsonTest::Missing)
}

pub(crate) fn json_test<M: Mode>(pointer: &str, test: JsonTest) -> Matcher<M> {
    if !pointer.is_empty() && !pointer.starts_with('/') {
        return Matcher(Node::Invalid(Error::invalid(
            Part::Json,
            pointer,
            "a JSON Pointer is empty or begins with `/`, as in `/messages/0/role`",
        )));
    }
    let pointer = pointer.to_owned();
    Pattern::Json { pointer, test }.into()
}

/// The requests with these numbers on their transport, from 1, in order of arrival: `nth(1..=1)`
/// is the first request, `nth(2..)` are all the others. Counts every request, matched or not.
///
/// To answer the same rule differently each time, use a sequence of replies instead.
pub fn nth<M: Mode>(numbers: impl RangeBounds<u64>) -> Matcher<M> {
    use std::ops::Bound;
    let from = match numbers.start_bound() {
        Bound::Included(n) => *n,
        Bound::Excluded(n) => n + 1,
        Bound::Unbounded => 1,
    };
    let to = match numbers.end_bound() {
        Bound::Included(n) => Some(*n),
        Bound::Excluded(n) => Some(n.saturating_sub(1)),
        Bound::Unbounded => None,
    };
    Pattern::Nth { from, to }.into()
}

/// Whatever this closure accepts. It runs at most once for each request, never under a lock, and
/// may use the transport. If it panics, the caller gets an error.
#[track_caller]
pub fn predicate<M, F>(test: F) -> Matcher<M>
where
    F: Fn(&Request) -> bool + 'static,
    M: AcceptPredicate<F>,
{
    let place = Location::caller();
    Matcher(Node::Predicate {
        label: format!("at {}:{}", place.file(), place.line()).into(),
        test: M::erase_predicate(test),
    })
}

/// A value of a conversation's [`state`](crate::state), equal to this.
///
/// It is asked before the rule is chosen, so two requests at once may both find it true; what only
/// one of them may do is a [scenario](crate::When::in_scenario).
pub fn state_is<M: Mode>(state: &State<M>, key: &str, value: impl Into<Value>) -> Matcher<M> {
    state_test(state, key, JsonTest::Equals(value.into()))
}

/// A value of a conversation's [`state`](crate::state), whatever it is.
pub fn state_has<M: Mode>(state: &State<M>, key: &str) -> Matcher<M> {
    state_test(state, key, JsonTest::Present)
}

pub(crate) fn state_test<M: Mode>(state: &State<M>, key: &str, test: JsonTest) -> Matcher<M> {
    Matcher(Node::State(Box::new(StateTest {
        state: state.clone(),
        key: key.to_owned(),
        test,
    })))
}

/// Something that the closure reads off a request, under a name that a diagnosis tells: what conditions
/// on the contents of a protocol are made of. `None` is "missing".
///
/// Unlike a [`predicate`] it says what it expected and what it found. It may run more than once for a
/// request, and again when that is diagnosed: let it have no effects. If it panics, the caller gets an
/// error.
///
/// ```
/// use mockwire::{Reply, reading, sync::MockTransport};
///
/// let transport = MockTransport::new();
/// let first_word = reading("first word", |request| {
///     let text = request.text().ok()?;
///     Some(text.split_whitespace().next()?.into())
/// });
/// transport.post("/say").and(first_word.equals("please")).reply("with pleasure");
///
/// let request = http::Request::post("https://api.test/say").body("now!").unwrap();
/// let error = transport.block_on(transport.call(request)).unwrap_err();
/// let check = &error.diagnosis().unwrap().nearest[0].checks[2];
/// assert_eq!((&*check.matcher, &*check.expected, &*check.actual), ("first word", r#""please""#, r#""now!""#));
/// ```
pub fn reading<F>(what: &str, read: F) -> Reading
where
    F: Fn(&Request) -> Option<Value> + Send + Sync + 'static,
{
    Reading::new(what, read)
}

/// All of these.
pub fn all_of<M: Mode>(matchers: impl IntoIterator<Item = Matcher<M>>) -> Matcher<M> {
    let all = matchers.into_iter();
    all.fold(Matcher::any(), |all, matcher| all.and(matcher))
}

/// At least one of these.
pub fn any_of<M: Mode>(matchers: impl IntoIterator<Item = Matcher<M>>) -> Matcher<M> {
    Matcher(Node::Any(
        matchers.into_iter().map(|matcher| matcher.0).collect(),
    ))
}

/// A path that this regular expression finds a match in. Anchor it with `^` and `$` for the whole.
#[cfg(feature = "regex")]
pub fn path_regex<M: Mode>(regex: &str) -> Matcher<M> {
    compile_regex(regex).map(Pattern::PathRegex).into()
}

/// A header field with a value that this regular expression finds a match in.
#[cfg(feature = "regex")]
pub fn header_regex<M: Mode>(name: &str, regex: &str) -> Matcher<M> {
    match compile_regex(regex) {
        Ok(regex) => header_test(name, Test::Regex(regex)),
        Err(error) => Matcher(Node::Invalid(error)),
    }
}

/// A query parameter with a value that this regular expression finds a match in.
#[cfg(feature = "regex")]
pub fn query_regex<M: Mode>(name: &str, regex: &str) -> Matcher<M> {
    match compile_regex(regex) {
        Ok(regex) => query_test(name, Test::Regex(regex)),
        Err(error) => Matcher(Node::Invalid(error)),
    }
}

/// A body that this regular expression finds a match in.
#[cfg(feature = "regex")]
pub fn body_regex<M: Mode>(regex: &str) -> Matcher<M> {
    match compile_regex(regex) {
        Ok(regex) => body_test(Test::Regex(regex)),
        Err(error) => Matcher(Node::Invalid(error)),
    }
}

#[cfg(feature = "regex")]
fn compile_regex(source: &str) -> Result<regex::Regex> {
    regex::Regex::new(source)
        .map_err(|error| Error::invalid(Part::Pattern, source, error.to_string()))
}

/// A JSON body in which this JSONPath query (RFC 9535) selects at least one node.
#[cfg(feature = "jsonpath")]
pub fn json_path<M: Mode>(query: &str) -> Matcher<M> {
    serde_json_path::JsonPath::parse(query)
        .map(|path| Pattern::JsonPath(Box::new(path)))
        .map_err(|error| Error::invalid(Part::Pattern, query, error.to_string()))
        .into()
}

/// A JSON body that is valid under this JSON Schema.
#[cfg(feature = "jsonschema")]
pub fn json_schema<M: Mode>(schema: &Value) -> Matcher<M> {
    jsonschema::validator_for(schema)
        .map(|validator| Pattern::JsonSchema(std::sync::Arc::new(validator)))
        .map_err(|error| Error::invalid(Part::Pattern, schema.to_string(), error.to_string()))
        .into()
}
