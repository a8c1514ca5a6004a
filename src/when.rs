//! The builder of a rule: conditions, then how often, then the reply.

mod cassette;
mod reply;
mod socket;

use std::fmt;
use std::ops::RangeBounds;

use bytes::Bytes;

use serde_json::Value;

use crate::core::ScopeId;
use crate::core::connection_rate::ConnectionRate;
use crate::core::rules::{Action, Ease, Rule as Registration, Site, Step, Terms};
use crate::error::{Error, Part, Result};
use crate::matcher::{Matcher, conditions};
use crate::mode::{AcceptPredicate, Mode};
use crate::model::damage::Chaos;
use crate::model::request::Request;
use crate::model::times::Times;
use crate::rate_limit::RateLimit;
use crate::rule::Rule;
use crate::transport::MockTransport;

/// A rule that is being written: conditions, then how often it answers, then the reply, which
/// registers it.
///
/// Each condition has a function of the same name, where it is described, for use in
/// [`any_of`](crate::any_of) and the like.
#[must_use = "a rule without a reply is not registered: end with `reply`, `reply_with`, `hold`, ..."]
pub struct When<M: Mode> {
    transport: MockTransport<M>,
    matcher: Matcher<M>,
    times: Times,
    priority: i32,
    step: Option<Step>,
    scope: Option<ScopeId>,
    rates: Vec<RateLimit<M>>,
    chaos: Option<Chaos>,
    protocol: Option<String>,
    identify: Option<M::Identify>,
    connection_rate: Option<ConnectionRate>,
    site: Site,
}

impl<M: Mode> When<M> {
    pub(crate) fn new(
        transport: MockTransport<M>,
        matcher: Matcher<M>,
        scope: Option<ScopeId>,
        site: Site,
    ) -> Self {
        Self {
            matcher: transport.engine.discreet(matcher),
            transport,
            times: Times::ANY,
            priority: 0,
            step: None,
            scope,
            rates: Vec::new(),
            chaos: None,
            protocol: None,
            identify: None,
            connection_rate: None,
            site,
        }
    }

    /// Also this condition.
    pub fn and(mut self, matcher: impl Into<Matcher<M>>) -> Self {
        let matcher = self.transport.engine.discreet(matcher);
        self.matcher = self.matcher.and(matcher);
        self
    }

    /// See [`query`](crate::query).
    pub fn query(self, name: &str, value: &str) -> Self {
        self.and(conditions::query(name, value))
    }

    /// See [`query_contains`](crate::query_contains).
    pub fn query_contains(self, name: &str, part: &str) -> Self {
        self.and(conditions::query_contains(name, part))
    }

    /// See [`query_missing`](crate::query_missing).
    pub fn query_missing(self, name: &str) -> Self {
        self.and(conditions::query_missing(name))
    }

    /// See [`header`](crate::header).
    pub fn header(self, name: &str, value: &str) -> Self {
        self.and(conditions::header(name, value))
    }

    /// See [`header_contains`](crate::header_contains).
    pub fn header_contains(self, name: &str, part: &str) -> Self {
        self.and(conditions::header_contains(name, part))
    }

    /// See [`header_exists`](crate::header_exists).
    pub fn header_exists(self, name: &str) -> Self {
        self.and(conditions::header_exists(name))
    }

    /// See [`header_missing`](crate::header_missing).
    pub fn header_missing(self, name: &str) -> Self {
        self.and(conditions::header_missing(name))
    }

    /// See [`cookie`](crate::cookie).
    pub fn cookie(self, name: &str, value: &str) -> Self {
        self.and(conditions::cookie(name, value))
    }

    /// See [`form`](crate::form).
    pub fn form(self, name: &str, value: &str) -> Self {
        self.and(conditions::form(name, value))
    }

    /// See [`basic_auth`](crate::basic_auth).
    pub fn basic_auth(self, user: &str, password: &str) -> Self {
        self.and(conditions::basic_auth(user, password))
    }

    /// See [`bearer`](crate::bearer).
    pub fn bearer(self, token: &str) -> Self {
        self.and(conditions::bearer(token))
    }

    /// See [`body`](crate::body).
    pub fn body(self, text: &str) -> Self {
        self.and(conditions::body(text))
    }

    /// See [`body_bytes`](crate::body_bytes).
    pub fn body_bytes(self, bytes: impl Into<Bytes>) -> Self {
        self.and(conditions::body_bytes(bytes))
    }

    /// See [`body_contains`](crate::body_contains).
    pub fn body_contains(self, part: &str) -> Self {
        self.and(conditions::body_contains(part))
    }

    /// See [`json`](crate::json).
    pub fn json(self, value: impl Into<Value>) -> Self {
        self.and(conditions::json(value))
    }

    /// See [`json_partial`](crate::json_partial).
    pub fn json_partial(self, value: impl Into<Value>) -> Self {
        self.and(conditions::json_partial(value))
    }

    /// See [`json_at`](crate::json_at).
    pub fn json_at(self, pointer: &str, value: impl Into<Value>) -> Self {
        self.and(conditions::json_at(pointer, value))
    }

    /// See [`nth`](crate::nth).
    pub fn nth(self, numbers: impl RangeBounds<u64>) -> Self {
        self.and(conditions::nth(numbers))
    }

    /// A value of the transport's [`state`](MockTransport::state); see [`state_is`](crate::state_is).
    pub fn state_is(self, key: &str, value: impl Into<Value>) -> Self {
        let state = self.transport.state();
        self.and(conditions::state_is(&state, key, value))
    }

    /// A value of the transport's [`state`](MockTransport::state); see
    /// [`state_has`](crate::state_has).
    pub fn state_has(self, key: &str) -> Self {
        let state = self.transport.state();
        self.and(conditions::state_has(&state, key))
    }

    /// See [`predicate`](crate::predicate).
    #[track_caller]
    pub fn matching<F>(self, test: F) -> Self
    where
        F: Fn(&Request) -> bool + 'static,
        M: AcceptPredicate<F>,
    {
        self.and(conditions::predicate(test))
    }

    /// How often the rule answers: a number (exactly), or a range. An exhausted rule matches no
    /// more, and [`verify`](MockTransport::verify) fails below the lower bound. Exact also when
    /// many threads call at once.
    pub fn times(mut self, times: impl Into<Times>) -> Self {
        self.times = times.into();
        self
    }

    /// Exactly once.
    pub fn once(self) -> Self {
        self.times(1)
    }

    /// Need not be called at all: removes the lower bound of [`times`](Self::times).
    pub fn optional(mut self) -> Self {
        self.times = self.times.optional();
        self
    }

    /// Rules with a higher priority are asked first; among equals, those registered first. 0 unless
    /// said otherwise.
    pub fn priority(mut self, priority: i32) -> Self {
        self.priority = priority;
        self
    }

    /// Limits how fast the rule answers: what is too much is refused with 429, and takes no turn. More
    /// than one limit apply together.
    ///
    /// ```
    /// use std::time::Duration;
    /// use mockwire::{RateLimit, Reply, Timing, sync::MockTransport};
    ///
    /// let transport = MockTransport::builder().timing(Timing::Manual).build();
    /// let limit = RateLimit::fixed_window(1, Duration::from_secs(60));
    /// transport.get("/").rate_limit(limit).reply("ok");
    ///
    /// let get = || transport.call(http::Request::get("https://api.test/").body(()).unwrap());
    /// let first = transport.block_on(get())?;
    /// assert_eq!(first.headers()["ratelimit-remaining"], "0");
    /// transport.advance(Duration::from_secs(40));
    /// let refused = transport.block_on(get())?;
    /// assert_eq!((refused.status().as_u16(), &refused.headers()["retry-after"]), (429, &"20".parse().unwrap()));
    /// transport.advance(Duration::from_secs(20));
    /// assert_eq!(transport.block_on(get())?.status(), 200);
    /// # Ok::<(), mockwire::Error>(())
    /// ```
    pub fn rate_limit(mut self, limit: RateLimit<M>) -> Self {
        self.rates.push(limit);
        self
    }

    /// What goes wrong by chance with this rule's replies, instead of what goes wrong with all.
    pub fn chaos(mut self, chaos: Chaos) -> Self {
        self.chaos = Some(chaos);
        self
    }

    /// Makes the rule part of a scenario; see [`when_state`](Self::when_state) and
    /// [`then_state`](Self::then_state).
    ///
    /// ```
    /// use mockwire::{Reply, sync::MockTransport};
    ///
    /// let transport = MockTransport::new();
    /// transport.post("/login").in_scenario("session").then_state("in").reply(Reply::status(204));
    /// transport.get("/me").in_scenario("session").when_state("in").reply(Reply::text("Ada"));
    /// transport.get("/me").reply(Reply::status(401));
    ///
    /// let get = || http::Request::get("https://api.test/me").body(()).unwrap();
    /// let post = http::Request::post("https://api.test/login").body(()).unwrap();
    /// assert_eq!(transport.block_on(transport.call(get()))?.status(), 401);
    /// transport.block_on(transport.call(post))?;
    /// assert_eq!(transport.block_on(transport.call(get()))?.status(), 200);
    /// # Ok::<(), mockwire::Error>(())
    /// ```
    pub fn in_scenario(mut self, name: &str) -> Self {
        self.step_mut().scenario = name.to_owned();
        self
    }

    /// Answers only while the scenario is in this state. A scenario begins as `"started"`.
    pub fn when_state(mut self, state: &str) -> Self {
        self.step_mut().when = Some(state.to_owned());
        self
    }

    /// Moves the scenario to this state when it answers.
    pub fn then_state(mut self, state: &str) -> Self {
        self.step_mut().then = Some(state.to_owned());
        self
    }

    fn step_mut(&mut self) -> &mut Step {
        self.step.get_or_insert_default()
    }

    pub(crate) fn register(self, action: Action<M>) -> Result<Rule<M>> {
        if let Some(error) = self.matcher.mistake() {
            return Err(error);
        }
        if self.times.max.is_some_and(|max| max < self.times.min) {
            let (min, max) = (self.times.min, self.times.max.unwrap_or_default());
            let reason = "the lower bound is above the upper one";
            return Err(Error::invalid(
                Part::Option,
                format!("times({min}..={max})"),
                reason,
            ));
        }
        if self
            .step
            .as_ref()
            .is_some_and(|step| step.scenario.is_empty())
        {
            let reason = "`when_state` and `then_state` need `in_scenario`";
            return Err(Error::invalid(Part::Option, "scenario", reason));
        }
        if let Some(error) = self.rates.iter().find_map(RateLimit::mistake) {
            return Err(error);
        }
        let chaos = self.chaos.map(Chaos::validate).transpose()?;
        let terms = Terms {
            times: self.times,
            step: self.step,
            scope: self.scope,
            rates: self.rates,
            chaos,
        };
        let rule = Registration {
            ease: Ease::of(&self.matcher, &action, &terms.rates),
            matcher: self.matcher,
            action,
            priority: self.priority,
            site: self.site,
            terms: (!terms.is_none()).then(|| Box::new(terms)),
        };
        // Kept here, too: a rule that is refused is dropped outside the borrow.
        let rule: M::Ptr<Registration<M>> = rule.into();
        let id = self
            .transport
            .engine
            .with(|core| core.add_rule(rule.clone()))?;
        Ok(Rule::new(self.transport, id))
    }
}

/// Panics at the place where the user registers the rule: `unwrap_or_else` would not know it.
#[track_caller]
fn registered<T>(result: Result<T>) -> T {
    match result {
        Ok(rule) => rule,
        Err(error) => panic!("this rule cannot be registered: {error}"),
    }
}

/// A rule that is half written can be finished in several ways.
impl<M: Mode> Clone for When<M> {
    fn clone(&self) -> Self {
        Self {
            transport: self.transport.clone(),
            matcher: self.matcher.clone(),
            times: self.times,
            priority: self.priority,
            step: self.step.clone(),
            scope: self.scope,
            rates: self.rates.clone(),
            chaos: self.chaos.clone(),
            protocol: self.protocol.clone(),
            identify: self.identify.clone(),
            connection_rate: self.connection_rate.clone(),
            site: self.site.clone(),
        }
    }
}

impl<M: Mode> fmt::Debug for When<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "When({}, {})", self.matcher, self.times)
    }
}
