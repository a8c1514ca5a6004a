//! By what a client is judged.

use std::fmt;
use std::time::Duration;

use super::fact::{Fact, Witness};
use super::{Verdict, group, judge};
use crate::model::captured::Captured;

/// By what a client is judged: given to
/// [`MockTransport::verdict_with`](crate::MockTransport::verdict_with).
///
/// ```
/// use mockwire::{Captured, Reply, sync::MockTransport, verdict::Criteria};
///
/// let transport = MockTransport::new();
/// transport.get("/models").reply(Reply::status(503));
/// for user in ["Ada", "Ada", "Bob"] {
///     let request = http::Request::get("https://api.test/models").header("x-user", user).body(())?;
///     transport.block_on(transport.call(request))?;
/// }
///
/// let user = |captured: &Captured| captured.request.header("x-user").map(str::to_owned);
/// let criteria = Criteria::new().group_by(user).max_attempts(1);
/// let verdict = transport.verdict_with(&criteria);
/// assert_eq!(verdict.calls.len(), 2);
/// assert!(verdict.try_max_attempts(1).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "criteria do nothing until a verdict is asked for with them"]
pub struct Criteria {
    key: Option<Key>,
    idempotency_headers: Vec<String>,
    pub(super) jitter: f64,
    pub(super) max_attempts: usize,
}

/// Which call a request is an attempt of.
type Key = Box<dyn Fn(&Captured) -> Option<String>>;

/// In which header fields clients send what stays the same over all attempts of a call
/// (draft-ietf-httpapi-idempotency-key-header).
const IDEMPOTENCY_HEADERS: [&str; 2] = ["idempotency-key", "x-idempotency-key"];

impl Criteria {
    /// The usual ones: attempts are grouped as the [module](super) says, a jitter of a quarter, at
    /// most 10 attempts.
    pub fn new() -> Self {
        Self {
            key: None,
            idempotency_headers: IDEMPOTENCY_HEADERS.map(str::to_owned).into(),
            jitter: 0.25,
            max_attempts: 10,
        }
    }

    /// Requests with the same key are attempts of the same call, whatever else is in them. Those
    /// without one (`None`) are grouped as usual.
    pub fn group_by<F>(mut self, key: F) -> Self
    where
        F: Fn(&Captured) -> Option<String> + 'static,
    {
        self.key = Some(Box::new(key));
        self
    }

    /// Another header field that carries an idempotency key, besides `idempotency-key` and
    /// `x-idempotency-key`.
    pub fn idempotency_header(mut self, name: &str) -> Self {
        self.idempotency_headers.push(name.to_owned());
        self
    }

    /// By what share of it chance may change a wait: from 0 to 1, and 0.25 unless said otherwise.
    ///
    /// Waits grow when none is shorter than the one before by more than that share, and the longest is
    /// longer than the first by more than it. So waits that double and vary by a quarter grow, waits
    /// that stay do not, and those that reach a cap may stay there. With 1 ("full jitter": anything
    /// between nothing and a bound that grows) single waits say nothing: then they need only be there.
    pub fn jitter(mut self, share: f64) -> Self {
        if !share.is_nan() {
            self.jitter = share.clamp(0.0, 1.0);
        }
        self
    }

    /// How many attempts a call may have; more are a storm
    /// ([`TooManyAttempts`](super::Finding::TooManyAttempts)). 10 unless said otherwise.
    pub fn max_attempts(mut self, attempts: usize) -> Self {
        self.max_attempts = attempts;
        self
    }

    /// The verdict on these requests, in order of arrival. The transport's time began `epoch` after
    /// 1970, and so many requests came before that nobody knows any more.
    pub(crate) fn verdict(
        &self,
        witnesses: &[Witness],
        epoch: Duration,
        forgotten: u64,
    ) -> Verdict {
        let facts = witnesses.iter().map(|witness| {
            let key = self.key.as_ref().and_then(|key| key(&witness.captured));
            Fact::new(witness, key, &self.idempotency_headers, epoch)
        });
        let facts: Vec<_> = facts.collect();
        let calls = judge::judge(&facts, &group::group(&facts), self);
        Verdict { calls, forgotten }
    }
}

impl Default for Criteria {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Criteria {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Criteria")
            .field("group_by", &self.key.is_some())
            .field("idempotency_headers", &self.idempotency_headers)
            .field("jitter", &self.jitter)
            .field("max_attempts", &self.max_attempts)
            .finish()
    }
}
