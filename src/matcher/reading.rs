//! Something that is read off a request and compared: a condition of one's own that explains itself.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use serde_json::Value;

use super::explain::{LONGEST, cut, cut_to_difference, or_missing};
use super::pattern::JsonTest;
use super::{Matcher, Node, panic_message};
use crate::diagnosis::Check;
use crate::error::{Error, ErrorKind, Result};
use crate::mode::Mode;
use crate::model::json;
use crate::model::request::Request;

/// Something that is read off a request, made by [`reading`](crate::reading): ask it one thing, and it
/// is a [`Matcher`].
#[derive(Clone)]
#[must_use = "a reading asks nothing until `equals`, `contains`, ..."]
pub struct Reading {
    what: Box<str>,
    read: Reader,
}

type Reader = Arc<dyn Fn(&Request) -> Option<Value> + Send + Sync>;

/// What is asked of a reading.
#[derive(Clone)]
pub(crate) struct ReadingTest {
    reading: Reading,
    test: JsonTest,
}

impl Reading {
    pub(super) fn new(
        what: &str,
        read: impl Fn(&Request) -> Option<Value> + Send + Sync + 'static,
    ) -> Self {
        Self {
            what: what.into(),
            read: Arc::new(read),
        }
    }

    /// It is this value: `1` equals `1.0`, the order of keys means nothing.
    #[must_use]
    pub fn equals<M: Mode>(self, value: impl Into<Value>) -> Matcher<M> {
        self.asked(JsonTest::Equals(value.into()))
    }

    /// It says at least this; see [`json_partial`](crate::json_partial).
    #[must_use]
    pub fn includes<M: Mode>(self, value: impl Into<Value>) -> Matcher<M> {
        self.asked(JsonTest::Includes(value.into()))
    }

    /// It is a string with this in it.
    #[must_use]
    pub fn contains<M: Mode>(self, part: impl Into<String>) -> Matcher<M> {
        self.asked(JsonTest::Contains(part.into()))
    }

    /// It is there.
    #[must_use]
    pub fn exists<M: Mode>(self) -> Matcher<M> {
        self.asked(JsonTest::Present)
    }

    /// It is not there.
    #[must_use]
    pub fn missing<M: Mode>(self) -> Matcher<M> {
        self.asked(JsonTest::Missing)
    }

    fn asked<M: Mode>(self, test: JsonTest) -> Matcher<M> {
        let reading = self;
        Matcher(Node::Reading(Box::new(ReadingTest { reading, test })))
    }

    fn read(&self, request: &Request) -> Result<Option<Value>> {
        catch_unwind(AssertUnwindSafe(|| (self.read)(request))).map_err(|panic| {
            Error::new(ErrorKind::HandlerPanicked {
                rule: String::new(),
                message: panic_message(&*panic),
            })
        })
    }
}

impl ReadingTest {
    pub(super) fn test(&self, request: &Request) -> Result<bool> {
        let actual = self.reading.read(request)?;
        Ok(self.test.test(actual.as_ref()))
    }

    /// What was found; of two long values, where they first differ.
    pub(super) fn explain(&self, request: &Request) -> Check {
        let mut check = Check {
            matcher: self.reading.what.to_string(),
            expected: self.test.to_string(),
            actual: String::new(),
            passed: false,
            weight: 2,
        };
        let actual = match self.reading.read(request) {
            Ok(actual) => actual,
            Err(error) => {
                check.actual = error.to_string();
                return check;
            }
        };
        check.passed = self.test.test(actual.as_ref());
        if check.passed {
            check.expected = cut(&check.expected, LONGEST);
            return check;
        }
        check.actual = or_missing(actual.as_ref());
        let compared = self.test.comparison().zip(actual.as_ref());
        let difference = compared
            .and_then(|((expected, how), actual)| json::first_difference(expected, actual, how));
        if let Some(difference) = difference.filter(|it| !it.pointer.is_empty()) {
            check.matcher = format!("{} {}", check.matcher, difference.pointer);
            check.expected = or_missing(difference.expected.as_ref());
            check.actual = or_missing(difference.actual.as_ref());
        }
        cut_to_difference(&mut check);
        check
    }
}

/// `last user message "hello"`
impl fmt::Display for ReadingTest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let expected = cut(&self.test.to_string(), LONGEST);
        write!(f, "{} {expected}", self.reading.what)
    }
}

impl fmt::Debug for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reading({})", self.what)
    }
}
