//! What a rule asks of a request: patterns (data) and predicates (closures), combined.

pub(crate) mod conditions;
pub(crate) mod exact;
pub(crate) mod explain;
pub(crate) mod path;
pub(crate) mod pattern;
pub(crate) mod reading;
pub(crate) mod target;
pub(crate) mod text;
mod words;

use std::fmt;
use std::ops::Not;
use std::panic::{AssertUnwindSafe, catch_unwind};

use http::HeaderName;

use self::exact::ExactTarget;
use self::pattern::{JsonTest, Pattern};
use self::reading::ReadingTest;
use crate::diagnosis::Check;
use crate::error::{Error, ErrorKind, Result};
use crate::mode::{AcceptPredicate, Mode};
use crate::model::request::Request;
use crate::state::State;

/// A condition on a request, made by the functions of this crate ([`header`](crate::header),
/// [`json`](crate::json), [`predicate`](crate::predicate), ...) and combined with
/// [`and`](Matcher::and), [`or`](Matcher::or) and `!`.
///
/// The mode is inferred from the transport that the matcher is used with:
///
/// ```
/// use mockwire::{Reply, header, json_at, sync::MockTransport};
///
/// let transport = MockTransport::new();
/// transport
///     .post("/chat")
///     .and(header("x-plan", "pro").or(json_at("/model", "small")))
///     .and(!header("x-plan", "trial"))
///     .reply(Reply::text("hello"));
/// ```
pub struct Matcher<M: Mode>(pub(crate) Node<M>);

impl<M: Mode> Clone for Matcher<M> {
    #[inline]
    fn clone(&self) -> Self {
        Self(match &self.0 {
            // What nearly every rule is.
            Node::Target(target) => Node::Target(target.clone()),
            node => node.clone(),
        })
    }
}

#[derive(Clone)]
pub(crate) enum Node<M: Mode> {
    All(Vec<Self>),
    Any(Vec<Self>),
    /// A mistake in building the matcher; comes out when it is given to a rule.
    Invalid(Error),
    Not(Box<Self>),
    Pattern(Box<Pattern>),
    Predicate {
        label: Box<str>,
        test: M::Predicate,
    },
    Reading(Box<ReadingTest>),
    State(Box<StateTest<M>>),
    Target(ExactTarget),
}

/// What is asked of the state of a conversation.
#[derive(Clone)]
pub(crate) struct StateTest<M: Mode> {
    pub(crate) state: State<M>,
    pub(crate) key: String,
    pub(crate) test: JsonTest,
}

/// A user's condition on a request. Implemented by every `Fn(&Request) -> bool`; a type of your own
/// implements it where it wraps what somebody else gives, as the module of a protocol does. See
/// [`Matcher::custom`].
pub trait Predicate {
    /// Whether a request satisfies it. `sequence` is the number of the request on its transport.
    ///
    /// # Errors
    ///
    /// What the caller of the transport is to get instead of an answer.
    fn test(&self, request: &Request, sequence: u64) -> Result<bool>;

    /// What it asks for, in parts, where it has any.
    #[doc(hidden)]
    fn explain(&self, _: &Request) -> Option<Vec<Check>> {
        None
    }
}

impl<F: Fn(&Request) -> bool> Predicate for F {
    fn test(&self, request: &Request, _: u64) -> Result<bool> {
        Ok(self(request))
    }
}

/// A request under test, with what was found out about it so far.
pub(crate) struct Subject<'a> {
    pub(crate) request: &'a Request,
    /// The number of the request on its transport, from 1.
    pub(crate) sequence: u64,
    /// What predicates said, by their address: each runs once per request.
    memo: Vec<(usize, Result<bool>)>,
}

impl<'a> Subject<'a> {
    pub(crate) fn new(request: &'a Request, sequence: u64) -> Self {
        Self {
            request,
            sequence,
            memo: Vec::new(),
        }
    }

    fn ask<P: Predicate + ?Sized>(&mut self, predicate: &P) -> Result<bool> {
        if let Some(known) = self.remembered(predicate) {
            return known;
        }
        let caught = catch_unwind(AssertUnwindSafe(|| {
            predicate.test(self.request, self.sequence)
        }));
        let answer = caught.unwrap_or_else(|panic| {
            Err(Error::new(ErrorKind::HandlerPanicked {
                rule: String::new(),
                message: panic_message(&*panic),
            }))
        });
        self.memo.push((address(predicate), answer.clone()));
        answer
    }

    fn remembered<P: Predicate + ?Sized>(&self, predicate: &P) -> Option<Result<bool>> {
        let key = address(predicate);
        let known = self.memo.iter().find(|(address, _)| *address == key);
        known.map(|(_, answer)| answer.clone())
    }
}

fn address<P: ?Sized>(predicate: &P) -> usize {
    std::ptr::from_ref(predicate).cast::<()>() as usize
}

/// The text of a panic, as `std` would print it.
pub(crate) fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "(a panic without a text)".to_owned())
}

impl<M: Mode> Matcher<M> {
    /// Matches every request.
    #[must_use]
    pub fn any() -> Self {
        Self(Node::All(Vec::new()))
    }

    /// A condition of a type of your own, under a name that a diagnosis tells; see
    /// [`predicate`](crate::predicate) for closures.
    ///
    /// ```
    /// use mockwire::{AcceptPredicate, Matcher, Mode, Predicate, Reply, Request, Result, sync::MockTransport};
    ///
    /// /// What a protocol's module wraps a user's closure in.
    /// struct OnText<F>(F);
    ///
    /// impl<F: Fn(&str) -> bool> Predicate for OnText<F> {
    ///     fn test(&self, request: &Request, _: u64) -> Result<bool> {
    ///         Ok((self.0)(request.text()?))
    ///     }
    /// }
    ///
    /// fn text<M: Mode + AcceptPredicate<OnText<F>>, F: Fn(&str) -> bool + 'static>(test: F) -> Matcher<M> {
    ///     Matcher::custom("text", OnText(test))
    /// }
    ///
    /// let transport = MockTransport::new();
    /// transport.post("/").and(text(|it| it.len() < 9)).reply("short");
    /// # let request = http::Request::post("https://api.test/").body("hello").unwrap();
    /// # assert!(transport.block_on(transport.call(request)).is_ok());
    /// ```
    #[must_use]
    pub fn custom<P>(label: &str, predicate: P) -> Self
    where
        P: Predicate + 'static,
        M: AcceptPredicate<P>,
    {
        Self(Node::Predicate {
            label: label.into(),
            test: M::erase_predicate(predicate),
        })
    }

    /// Both this and the other.
    #[must_use]
    pub fn and(self, other: impl Into<Self>) -> Self {
        let mut all = match self.0 {
            Node::All(all) => all,
            node => vec![node],
        };
        match other.into().0 {
            Node::All(others) => all.extend(others),
            node => all.push(node),
        }
        Self(Node::All(all))
    }

    /// This, or the other, or both.
    #[must_use]
    pub fn or(self, other: impl Into<Self>) -> Self {
        let mut any = match self.0 {
            Node::Any(any) => any,
            node => vec![node],
        };
        any.push(other.into().0);
        Self(Node::Any(any))
    }

    /// Whether a request satisfies the condition. Runs predicates.
    pub(crate) fn test(&self, subject: &mut Subject<'_>) -> Result<bool> {
        self.0.test(subject)
    }

    /// Marks what it asks of these header fields as secret: it is never printed.
    pub(crate) fn mark_secrets(&mut self, names: &[HeaderName]) {
        if !names.is_empty() {
            self.0.mark_secrets(names);
        }
    }

    /// The first mistake that was made in building it.
    pub(crate) fn mistake(&self) -> Option<Error> {
        self.0.mistake()
    }

    /// What all must be satisfied, outermost.
    pub(crate) fn required(&self) -> &[Node<M>] {
        match &self.0 {
            Node::All(all) => all,
            node => std::slice::from_ref(node),
        }
    }

    /// The patterns among what is required.
    pub(crate) fn required_patterns(&self) -> impl Iterator<Item = &Pattern> {
        self.required().iter().filter_map(|node| match node {
            Node::Pattern(pattern) => Some(&**pattern),
            _ => None,
        })
    }

    /// The exact target among what is required.
    pub(crate) fn exact_target(&self) -> Option<&ExactTarget> {
        self.required().iter().find_map(|node| match node {
            Node::Target(target) => Some(target),
            _ => None,
        })
    }

    /// Whether all that is required is an exact target, or patterns that satisfy `f`.
    pub(crate) fn is_only(&self, f: impl Fn(&Pattern) -> bool) -> bool {
        self.required().iter().all(|node| match node {
            Node::Pattern(pattern) => f(pattern),
            Node::Target(_) => true,
            _ => false,
        })
    }

    /// Whether the target of the request is what is required; for matchers that ask for no more.
    pub(crate) fn test_target(&self, request: &Request) -> bool {
        self.required().iter().all(|node| match node {
            Node::Pattern(pattern) => pattern.test_target(request),
            Node::Target(target) => target.test(request),
            _ => false,
        })
    }

    /// What the path templates capture from a request that matches.
    pub(crate) fn captures(&self, request: &Request) -> Vec<(String, String)> {
        let mut captures = Vec::new();
        self.0.capture(&Subject::new(request, 0), &mut captures);
        captures
    }
}

impl<M: Mode> Node<M> {
    fn test(&self, subject: &mut Subject<'_>) -> Result<bool> {
        match self {
            Self::All(all) => {
                for node in all {
                    if !node.test(subject)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Self::Any(any) => {
                for node in any {
                    if node.test(subject)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Self::Invalid(error) => Err(error.clone()),
            Self::Not(node) => node.test(subject).map(|matched| !matched),
            Self::Pattern(pattern) => Ok(pattern.test(subject)),
            Self::Predicate { test, .. } => subject.ask(&**test),
            Self::Reading(reading) => reading.test(subject.request),
            Self::State(state) => Ok(state.test()),
            Self::Target(target) => Ok(target.test(subject.request)),
        }
    }

    /// Of alternatives, the first that may have matched captures.
    fn capture(&self, subject: &Subject<'_>, captures: &mut Vec<(String, String)>) {
        match self {
            Self::All(nodes) => nodes.iter().for_each(|it| it.capture(subject, captures)),
            Self::Any(nodes) => {
                let matched = nodes.iter().find(|it| it.verdict(subject) != Some(false));
                matched
                    .into_iter()
                    .for_each(|it| it.capture(subject, captures));
            }
            Self::Pattern(pattern) => match &**pattern {
                Pattern::Path(path) if path.exact().is_none() => {
                    captures.extend(path.captures(subject.request.path()).unwrap_or_default());
                }
                _ => {}
            },
            _ => {}
        }
    }

    fn mistake(&self) -> Option<Error> {
        match self {
            Self::All(nodes) | Self::Any(nodes) => nodes.iter().find_map(Self::mistake),
            Self::Invalid(error) => Some(error.clone()),
            Self::Not(node) => node.mistake(),
            Self::Pattern(_)
            | Self::Predicate { .. }
            | Self::Reading(_)
            | Self::State(_)
            | Self::Target(_) => None,
        }
    }

    fn mark_secrets(&mut self, names: &[HeaderName]) {
        match self {
            Self::All(nodes) | Self::Any(nodes) => {
                nodes.iter_mut().for_each(|node| node.mark_secrets(names));
            }
            Self::Not(node) => node.mark_secrets(names),
            Self::Pattern(pattern) => {
                if let Pattern::Header { name, secret, .. } = &mut **pattern {
                    *secret |= names.contains(name);
                }
            }
            Self::Invalid(_)
            | Self::Predicate { .. }
            | Self::Reading(_)
            | Self::State(_)
            | Self::Target(_) => {}
        }
    }
}

impl<M: Mode> StateTest<M> {
    pub(crate) fn test(&self) -> bool {
        self.test.test(self.state.shared(&self.key).as_deref())
    }
}

impl<M: Mode> Not for Matcher<M> {
    type Output = Self;

    fn not(self) -> Self {
        Self(Node::Not(Box::new(self.0)))
    }
}

impl<M: Mode> From<Pattern> for Node<M> {
    fn from(pattern: Pattern) -> Self {
        Self::Pattern(Box::new(pattern))
    }
}

impl<M: Mode> From<Pattern> for Matcher<M> {
    fn from(pattern: Pattern) -> Self {
        Self(pattern.into())
    }
}

impl<M: Mode> From<Result<Pattern>> for Matcher<M> {
    fn from(result: Result<Pattern>) -> Self {
        Self(result.map_or_else(Node::Invalid, Node::from))
    }
}

impl<M: Mode> fmt::Debug for Matcher<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Matcher({self})")
    }
}
