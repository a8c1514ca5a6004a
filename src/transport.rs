//! The handle: what a test holds.

use std::fmt;
use std::panic::Location;

use crate::core::rules::Site;
use crate::core::{RuleId, ScopeId};
use crate::engine::{Engine, Settings};
use crate::error::{Error, Result};
use crate::flow::connect::Connect;
use crate::flow::respond::Respond;
use crate::flow::wait::WaitForRequests;
use crate::matcher::{Matcher, Subject, conditions};
use crate::mode::Mode;
use crate::model::captured::Captured;
use crate::model::concurrency::Concurrency;
use crate::model::content::Content;
use crate::model::request::Request;
use crate::options::Builder;
use crate::rule::Rule;
use crate::scope::Scope;
use crate::state::State;
use crate::verify::{self, Report};
use crate::when::When;

/// A mock transport: it stands where the network would, and answers.
///
/// Cloning gives another handle to the same transport. Use it through the aliases
/// [`sync::MockTransport`](crate::sync::MockTransport) (`Send + Sync`) and
/// [`local::MockTransport`](crate::local::MockTransport) (single-threaded: handlers may capture
/// anything). They have the same methods.
///
/// ```
/// use mockwire::{Reply, sync::MockTransport};
/// use serde_json::json;
///
/// let transport = MockTransport::new();
/// transport
///     .post("https://api.test/v1/messages")
///     .header("x-api-key", "secret")
///     .json_partial(json!({"stream": false}))
///     .times(1)
///     .reply(Reply::json(json!({"text": "hello"})));
///
/// let request = http::Request::post("https://api.test/v1/messages")
///     .header("x-api-key", "secret")
///     .body(r#"{"stream": false, "max_tokens": 8}"#)?;
/// let response = transport.block_on(transport.call(request))?;
///
/// assert_eq!(response.status(), 200);
/// assert_eq!(transport.requests().len(), 1);
/// transport.verify();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct MockTransport<M: Mode> {
    pub(crate) engine: M::Ptr<Engine<M>>,
}

impl<M: Mode> MockTransport<M> {
    /// A transport with the default options: unmatched requests are errors, time is
    /// [`Timing::Instant`](crate::Timing::Instant), the journal keeps 16,384 requests and 1 MiB of each body.
    #[must_use]
    pub fn new() -> Self {
        Self::with_settings(Settings::default())
    }

    /// A transport with other options.
    pub fn builder() -> Builder<M> {
        Builder::new()
    }

    pub(crate) fn with_settings(settings: Settings<M>) -> Self {
        Self {
            engine: Engine::new(settings).into(),
        }
    }

    /// Makes a request, as a client would. The future gives the response's head; the body streams.
    ///
    /// The request arrives (and is captured) with the future's first poll; dropping the future
    /// later cancels it.
    ///
    /// # Errors
    ///
    /// [`Unmatched`](crate::ErrorKind::Unmatched) with a diagnosis when no rule matches,
    /// [`Fault`](crate::ErrorKind::Fault) when the test scripted one, and what handlers fail with.
    pub fn call<B: Into<Content>>(&self, request: http::Request<B>) -> Respond<M> {
        Respond::new(self.engine.clone(), Request::from_http(request))
    }

    /// Opens a WebSocket connection, as a client would: a `GET` of a `ws:` or `wss:` URL
    /// (`http:` and `https:` stand for the same). What the handshake asks for besides is added;
    /// subprotocols are offered in `sec-websocket-protocol`.
    ///
    /// The request arrives with the future's first poll; dropping the future later cancels it.
    ///
    /// # Errors
    ///
    /// [`HandshakeRefused`](crate::ErrorKind::HandshakeRefused) with the response when the rule
    /// replies instead of accepting, [`ProtocolMismatch`](crate::ErrorKind::ProtocolMismatch),
    /// and those of [`call`](Self::call).
    pub fn connect(&self, request: http::Request<()>) -> Connect<M> {
        Connect::new(self.engine.clone(), request)
    }

    /// Begins a rule for the requests that match: add conditions, then end with a reply.
    #[track_caller]
    pub fn on(&self, matcher: impl Into<Matcher<M>>) -> When<M> {
        self.when(matcher.into(), None, Location::caller())
    }

    /// Begins a rule for `GET` and a target; see [`on`](crate::on) for targets.
    #[track_caller]
    pub fn get(&self, target: &str) -> When<M> {
        self.when(conditions::get(target), None, Location::caller())
    }

    /// Begins a rule for `POST` and a target; see [`on`](crate::on) for targets.
    #[track_caller]
    pub fn post(&self, target: &str) -> When<M> {
        self.when(conditions::post(target), None, Location::caller())
    }

    /// Begins a rule for `PUT` and a target; see [`on`](crate::on) for targets.
    #[track_caller]
    pub fn put(&self, target: &str) -> When<M> {
        self.when(conditions::put(target), None, Location::caller())
    }

    /// Begins a rule for `PATCH` and a target; see [`on`](crate::on) for targets.
    #[track_caller]
    pub fn patch(&self, target: &str) -> When<M> {
        self.when(conditions::patch(target), None, Location::caller())
    }

    /// Begins a rule for `DELETE` and a target; see [`on`](crate::on) for targets.
    #[track_caller]
    pub fn delete(&self, target: &str) -> When<M> {
        self.when(conditions::delete(target), None, Location::caller())
    }

    /// Begins a rule for WebSocket connections to a target; end it with
    /// [`accept`](When::accept), [`accept_with`](When::accept_with) or
    /// [`accept_by_hand`](When::accept_by_hand), or refuse them with a reply or a fault.
    #[track_caller]
    pub fn websocket(&self, target: &str) -> When<M> {
        self.when(conditions::websocket(target), None, Location::caller())
    }

    /// Begins the rule for everything that no other rule answers: the lowest priority there is.
    #[track_caller]
    pub fn otherwise(&self) -> When<M> {
        self.when(Matcher::any(), None, Location::caller())
            .priority(i32::MIN)
    }

    /// A scope: rules that are verified and removed when it is dropped.
    ///
    /// # Panics
    ///
    /// If the transport is disposed.
    #[must_use = "dropping the scope removes its rules"]
    #[track_caller]
    pub fn scope(&self) -> Scope<M> {
        let scope = self
            .engine
            .with(|core| core.ensure_alive().map(|()| core.scopes.insert(())));
        match scope {
            Ok(scope) => Scope::new(self.clone(), scope),
            Err(error) => panic!("{error}"),
        }
    }

    pub(crate) fn when(
        &self,
        matcher: Matcher<M>,
        scope: Option<ScopeId>,
        site: &'static Location<'static>,
    ) -> When<M> {
        When::new(self.clone(), matcher, scope, Site::Rust(site))
    }

    /// The rule with this id.
    ///
    /// # Errors
    ///
    /// [`StaleHandle`](crate::ErrorKind::StaleHandle) when it is gone.
    pub fn rule(&self, id: RuleId) -> Result<Rule<M>> {
        let rule = Rule::new(self.clone(), id);
        rule.try_calls().map(|_| rule)
    }

    /// Snapshots of all captured exchanges, in order of arrival.
    #[must_use]
    pub fn requests(&self) -> Vec<Captured> {
        self.engine.captured(0)
    }

    /// The captured exchanges whose requests match.
    ///
    /// # Panics
    ///
    /// If the matcher is malformed or one of its predicates panics.
    #[must_use]
    #[track_caller]
    pub fn requests_matching(&self, matcher: impl Into<Matcher<M>>) -> Vec<Captured> {
        match self.try_requests_matching(&matcher.into()) {
            Ok(found) => found,
            Err(error) => panic!("{error}"),
        }
    }

    pub(crate) fn try_requests_matching(&self, matcher: &Matcher<M>) -> Result<Vec<Captured>> {
        if let Some(error) = matcher.mistake() {
            return Err(error);
        }
        let mut found = Vec::new();
        for captured in self.requests() {
            let mut subject = Subject::new(&captured.request, captured.sequence);
            if matcher.test(&mut subject)? {
                found.push(captured);
            }
        }
        Ok(found)
    }

    /// The last captured exchange.
    #[must_use]
    pub fn last_request(&self) -> Option<Captured> {
        let last = self.engine.with(|core| core.journal.last());
        self.request(last)
    }

    /// The captured exchange with this number, counted from 1 in order of arrival.
    #[must_use]
    pub fn request(&self, number: u64) -> Option<Captured> {
        self.engine.captured_one(number)
    }

    /// How many captures had to go because the journal was full, since it was last cleared.
    #[must_use]
    pub fn dropped_requests(&self) -> u64 {
        self.engine.with(|core| core.journal.dropped())
    }

    /// How many exchanges are going on: no reply yet, or a body that is not taken to its end.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.engine.with(|core| core.exchanges.len())
    }

    /// How the limits on concurrency stand; `None` on a transport without any, where nothing is
    /// counted. See [`Builder::max_concurrent`].
    #[must_use]
    pub fn concurrency(&self) -> Option<Concurrency> {
        self.engine
            .with(|core| core.gate.as_ref().map(|gate| gate.snapshot()))
    }

    /// Waits until this many requests have arrived (and match, when
    /// [`matching`](WaitForRequests::matching) says what). Those that the journal has forgotten
    /// (see [`max_requests`](Builder::max_requests)) do not count.
    pub fn wait_for_requests(&self, n: usize) -> WaitForRequests<M> {
        WaitForRequests::new(self.engine.clone(), n)
    }

    /// Asserts that every rule has answered as often as it must, and that every request matched a
    /// rule.
    ///
    /// # Panics
    ///
    /// With the [`Report`] when that is not so.
    #[track_caller]
    pub fn verify(&self) {
        if let Err(report) = self.try_verify() {
            panic!("{report}");
        }
    }

    /// Like [`verify`](Self::verify), without the panic.
    ///
    /// # Errors
    ///
    /// The [`Report`] of what is not as expected.
    pub fn try_verify(&self) -> Result<(), Report> {
        verify::verify(&self.engine, None)
    }

    /// Asserts that every request has matched a rule.
    ///
    /// # Panics
    ///
    /// With the [`Report`] when one has not.
    #[track_caller]
    pub fn assert_no_unmatched(&self) {
        if let Err(report) = verify::no_unmatched(&self.engine) {
            panic!("{report}");
        }
    }

    /// Asserts how many requests have matched.
    ///
    /// # Panics
    ///
    /// With the requests that did and the nearest that did not, when it is another number.
    #[track_caller]
    pub fn assert_called(&self, matcher: impl Into<Matcher<M>>, times: impl Into<crate::Times>) {
        let matcher = self.engine.discreet(matcher);
        if let Err(text) = verify::called(&self.engine, &matcher, times.into()) {
            panic!("{text}");
        }
    }

    /// Asserts that requests matching these have arrived in this order; others may be in between.
    ///
    /// # Panics
    ///
    /// With what did arrive, when they have not.
    #[track_caller]
    pub fn assert_in_order(&self, matchers: impl IntoIterator<Item = Matcher<M>>) {
        let matchers = matchers.into_iter().map(|it| self.engine.discreet(it));
        let matchers: Vec<_> = matchers.collect();
        if let Err(text) = verify::in_order(&self.engine, &matchers) {
            panic!("{text}");
        }
    }

    /// The state of a scenario; `"started"` before anything has moved it.
    #[must_use]
    pub fn scenario(&self, name: &str) -> String {
        self.engine.with(|core| core.scenario(name).to_owned())
    }

    /// Moves a scenario to a state.
    pub fn set_scenario(&self, name: &str, state: &str) {
        self.engine.with(|core| {
            core.scenarios.insert(name.to_owned(), state.to_owned());
        });
    }

    /// The state of the conversation that goes over the transport: what handlers, conditions and
    /// the test remember together.
    #[must_use]
    pub fn state(&self) -> State<M> {
        let fresh = State::new();
        let made = self.engine.with(|core| match &core.state {
            Some(state) => state.clone(),
            None => {
                fresh.count_requests(core.journal.last());
                core.state.insert(fresh.clone()).clone()
            }
        });
        drop(fresh);
        made
    }

    /// Forgets the captures. Rules, their counts and scenarios stay; the numbers go on.
    pub fn clear(&self) {
        self.engine.settle(crate::core::Core::clear);
    }

    /// Makes the transport as new: no rules, captures, scopes, scenario states, and an empty
    /// [`state`](Self::state). Exchanges that are going on fail as stale.
    pub fn reset(&self) {
        self.engine.settle(crate::core::Core::reset);
    }

    /// Ends the transport, on every handle: exchanges that are going on fail, and so does every
    /// later call, with [`Disposed`](crate::ErrorKind::Disposed). Safe from inside a handler, and
    /// twice.
    pub fn dispose(&self) {
        self.engine.settle(|core| {
            core.disposed = true;
            core.reset()
        });
    }

    /// Whether the transport was disposed.
    #[must_use]
    pub fn is_disposed(&self) -> bool {
        self.engine.with(|core| core.disposed)
    }
}

impl<M: Mode> Default for MockTransport<M> {
    fn default() -> Self {
        Self::new()
    }
}

impl<M: Mode> Clone for MockTransport<M> {
    fn clone(&self) -> Self {
        Self {
            engine: self.engine.clone(),
        }
    }
}

impl<M: Mode> fmt::Debug for MockTransport<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (rules, requests) = self
            .engine
            .with(|core| (core.rules.iter().count(), core.journal.arrived()));
        f.debug_struct("MockTransport")
            .field("rules", &rules)
            .field("requests", &requests)
            .field("in_flight", &self.in_flight())
            .finish_non_exhaustive()
    }
}

impl<M: Mode> From<Error> for Matcher<M> {
    fn from(error: Error) -> Self {
        Self(crate::matcher::Node::Invalid(error))
    }
}
