//! How a client behaved: what a retry policy is worth, said of the requests that were captured.
//!
//! [`MockTransport::verdict`] looks at everything that the journal has, finds out which requests
//! were attempts of one call, and tells what the client did well or badly: as data
//! ([`Verdict::calls`], [`Verdict::findings`]), as text (`Display`) and as assertions.
//!
//! ```
//! use std::time::Duration;
//! use mockwire::{Reply, SequenceEnd, sync::MockTransport};
//!
//! let transport = MockTransport::new();
//! let busy = Reply::status(429).header("retry-after", "3");
//! transport
//!     .get("/models")
//!     .reply_sequence([busy, Reply::text("ok")], SequenceEnd::Fail);
//!
//! let models = || http::Request::get("https://api.test/models").body(()).unwrap();
//! transport.block_on(async {
//!     let refused = transport.call(models()).await?;
//!     assert_eq!(refused.status(), 429);
//!     transport.sleep(Duration::from_secs(3)).await?; // what your client's back-off does
//!     transport.call(models()).await?.into_body().text().await
//! })?;
//!
//! let verdict = transport.verdict();
//! verdict.assert_resilient();
//! assert_eq!(verdict.calls.len(), 1);
//! assert_eq!(verdict.calls[0].attempts[1].waited, Some(Duration::from_secs(3)));
//! # Ok::<(), mockwire::Error>(())
//! ```
//!
//! # Which requests are one call
//!
//! Each request belongs to exactly one call. A request is an attempt of an earlier call when the
//! first of these that applies says so:
//!
//! 1. **Your own key** ([`Criteria::group_by`]): the same key, the same call.
//! 2. **The same idempotency key** (`idempotency-key`, `x-idempotency-key`, and
//!    [`Criteria::idempotency_header`]) with the same method, URL and body.
//! 3. **The same request id** (`x-request-id`, `request-id`, `x-client-request-id`,
//!    `amz-sdk-invocation-id`) with the same method and URL, unless the call has succeeded: ids are
//!    also handed on from one request to the next.
//! 4. **The same method, URL and body**, compared in full as far as the journal keeps them, unless the
//!    call has succeeded, or the two go on at the same time with different idempotency keys. Header
//!    fields need not be the same: clients count in them.
//!
//! A call has succeeded once an attempt has an answer below 400 whose body has not failed. So two
//! equal requests are two calls when the first was answered, and one when it failed. The header
//! field `x-stainless-retry-count` of several vendors' clients is taken as a hint where it is there:
//! a 0 begins a call.
//!
//! Equal requests that go on at the same time count as one call with concurrent attempts
//! ([`Finding::Hedged`]). A test that makes equal calls side by side says what tells them apart.
//!
//! # What is judged, and what is not
//!
//! * How long the client waited is counted from the moment when it knew how the attempt before went:
//!   the head had come, or the failure. A wait that is less than a millisecond too short is long
//!   enough: timers know no better.
//! * A `retry-after` in seconds (RFC 9110 §10.2.3; fractions are understood), a `retry-after` with a
//!   date, against the transport's clock ([`Builder::epoch`]), and a `retry-after-ms`, which comes first.
//! * Whether waits grow is asked of those that no answer has asked for; see [`Criteria::jitter`].
//! * Answers that are worth another attempt: 408, 425, 429, 500, 502, 503, 504 and 520 to 529. For those
//!   that are not, see [`Finding::FutileRetry`]. Of 409, 412, 417, 421, 423, 424, 428 and all other 5xx
//!   both is right, to try again and to give up. `x-should-retry` overrules all that.
//! * A request that no rule matched is the test's mistake: it is in its call, and not held against
//!   the client. How often a WebSocket reconnects after it was open is not judged.
//!
//! [`MockTransport::verdict`]: crate::MockTransport::verdict
//! [`Builder::epoch`]: crate::Builder::epoch

mod answer;
mod assertions;
mod back_off;
mod criteria;
mod fact;
mod finding;
mod group;
mod judge;
mod retry_after;
mod text;

use std::time::Duration;

use serde::{Serialize, Serializer};

pub use self::assertions::Violation;
pub use self::criteria::Criteria;
pub(crate) use self::fact::Witness;
pub use self::finding::{Finding, Severity};
pub use self::retry_after::Asked;
use crate::core::trace::Times;
use crate::mode::Mode;
use crate::model::captured::{Captured, Outcome};
use crate::model::millis;
use crate::rule::Rule;
use crate::transport::MockTransport;

/// How a client behaved, as far as the captured requests tell. See the [module](self).
///
/// `Display` is the whole story: each call that there is something to say about, its attempts, and
/// what was found. As JSON, times are milliseconds.
///
/// ```
/// use mockwire::{Reply, sync::MockTransport};
///
/// let transport = MockTransport::new();
/// transport.get("/").reply(Reply::status(503));
/// for _ in 0..3 {
///     let request = http::Request::get("https://api.test/").body(())?;
///     transport.block_on(transport.call(request))?;
/// }
///
/// let verdict = transport.verdict();
/// assert!(!verdict.is_resilient());
/// assert!(verdict.to_string().contains("! #2 and #3 came without any wait"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
#[must_use = "a verdict is for looking at: assert something"]
#[non_exhaustive]
pub struct Verdict {
    /// The calls, in the order of their first requests.
    pub calls: Vec<Call>,
    /// How many requests the journal had forgotten when the verdict was made: nothing is said of them.
    pub forgotten: u64,
}

/// What a client wanted once, and all requests that it made for that.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Call {
    /// Method and URL of the first request.
    pub request: String,
    /// The requests, in order of arrival. There is at least one.
    pub attempts: Vec<Attempt>,
    /// What there is to say about them.
    #[serde(serialize_with = "finding::told")]
    pub findings: Vec<Finding>,
}

/// One request of a call.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Attempt {
    /// The number of the request on its transport.
    pub sequence: u64,
    /// When it was made, in the transport's time.
    #[serde(with = "millis")]
    pub at: Duration,
    /// How long after the client knew how the attempt before went; `None` for the first one, and for
    /// one that did not wait for that.
    #[serde(with = "millis::option")]
    pub waited: Option<Duration>,
    /// The status of the answer, once its head has come.
    pub status: Option<u16>,
    /// How long the answer asks to wait before another attempt.
    pub asked: Option<Asked>,
    /// How the exchange went: [`Done`](Outcome::Done) when the body was taken to its end,
    /// [`Pending`](Outcome::Pending) when it was left.
    #[serde(serialize_with = "word")]
    pub outcome: Outcome,
    /// How many bytes of the answer's body the client has taken.
    pub delivered: u64,
}

impl Verdict {
    /// What there is to say, call by call.
    pub fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.calls.iter().flat_map(|call| &call.findings)
    }

    /// The call that has the request with this number.
    #[must_use]
    pub fn call_of(&self, sequence: u64) -> Option<&Call> {
        let has = |call: &&Call| call.attempts.iter().any(|it| it.sequence == sequence);
        self.calls.iter().find(has)
    }

    /// Leaves the calls that have one of these requests, which are in order.
    pub(crate) fn retain_answered(&mut self, answered: &[u64]) {
        let is_answered = |attempt: &Attempt| answered.binary_search(&attempt.sequence).is_ok();
        self.calls
            .retain(|call| call.attempts.iter().any(is_answered));
    }

    /// Whether nothing was found that is an error or a warning.
    #[must_use]
    pub fn is_resilient(&self) -> bool {
        self.findings().all(|it| it.severity() == Severity::Note)
    }
}

impl<M: Mode> MockTransport<M> {
    /// How the client behaved so far, by the usual [`Criteria`]. See [`verdict`](self).
    ///
    /// Ask when the run is over: a body that is being read counts as left open.
    ///
    /// ```
    /// use mockwire::{Reply, sync::MockTransport};
    ///
    /// let transport = MockTransport::new();
    /// transport.get("/").reply("hello");
    /// let request = http::Request::get("https://api.test/").body(())?;
    /// let response = transport.block_on(transport.call(request))?;
    ///
    /// assert!(transport.verdict().try_bodies_released().is_err());
    /// transport.block_on(response.into_body().text())?;
    /// transport.verdict().assert_bodies_drained();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn verdict(&self) -> Verdict {
        self.verdict_with(&Criteria::new())
    }

    /// How the client behaved so far, by these criteria.
    pub fn verdict_with(&self, criteria: &Criteria) -> Verdict {
        let epoch = self.engine.settings.epoch;
        criteria.verdict(&self.witnesses(), epoch, self.dropped_requests())
    }

    /// All captured exchanges, and when their clients got to know how they went.
    fn witnesses(&self) -> Vec<Witness> {
        let cap = self.engine.settings.body_bytes;
        self.engine.follow_clock();
        let seen: Vec<_> = self.engine.with(|core| {
            let seen = core.journal.since(0).map(|(number, entry)| {
                let rule = core.rule_of(entry).map(|rule| &**rule);
                (core.snapshot(number, entry, cap), entry.times(rule))
            });
            seen.collect()
        });
        let witness = |(captured, times): (Captured, Times)| Witness {
            captured: self.engine.shown(captured),
            head: times.head,
            end: times.end,
        };
        seen.into_iter().map(witness).collect()
    }
}

impl<M: Mode> Rule<M> {
    /// How the client behaved in the calls that this rule has answered, wholly or in part, by the usual
    /// [`Criteria`]. See [`verdict`](self).
    ///
    /// ```
    /// use mockwire::{Reply, sync::MockTransport};
    ///
    /// let transport = MockTransport::new();
    /// let models = transport.get("/models").reply(Reply::status(404));
    /// transport.get("/health").reply(Reply::status(503));
    /// for path in ["/models", "/health", "/health"] {
    ///     let request = http::Request::get(format!("https://api.test{path}")).body(())?;
    ///     transport.block_on(transport.call(request))?;
    /// }
    ///
    /// models.verdict().assert_resilient();
    /// assert!(transport.verdict().try_backed_off().is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn verdict(&self) -> Verdict {
        self.verdict_with(&Criteria::new())
    }

    /// How the client behaved in the calls that this rule has answered, by these criteria.
    pub fn verdict_with(&self, criteria: &Criteria) -> Verdict {
        let answered: Vec<u64> = self.requests().iter().map(|it| it.sequence).collect();
        let mut verdict = self.transport().verdict_with(criteria);
        verdict.retain_answered(&answered);
        verdict
    }
}

fn word<S: Serializer>(outcome: &Outcome, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(outcome.as_str())
}
