//! What a test asserts of a verdict.

use std::fmt;

use serde::Serialize;

use super::text::write_calls;
use super::{Call, Finding, Severity, Verdict};

/// What a client did that it should not have: the text of a failing assertion.
///
/// ```
/// use mockwire::{Reply, sync::MockTransport};
///
/// let transport = MockTransport::new();
/// transport.get("/").reply(Reply::status(429).header("retry-after", "3"));
/// for _ in 0..2 {
///     let request = http::Request::get("https://api.test/").body(())?;
///     transport.block_on(transport.call(request))?;
/// }
///
/// let violation = transport.verdict().try_honoured_retry_after().unwrap_err();
/// assert_eq!(violation.expected, "honour `retry-after`");
/// assert!(violation.to_string().contains("asks for 3s (`retry-after`): 3s too early"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Violation {
    /// What the client should have done, in words.
    pub expected: String,
    /// The calls in which it did not, with what was found there.
    pub calls: Vec<Call>,
}

impl Verdict {
    /// Asserts that nothing was found that is an [`Error`](Severity::Error) or a
    /// [`Warning`](Severity::Warning).
    ///
    /// # Panics
    ///
    /// With the [`Violation`] when that is not so.
    #[track_caller]
    pub fn assert_resilient(&self) {
        pass(self.try_resilient());
    }

    /// Like [`assert_resilient`](Self::assert_resilient), without the panic.
    ///
    /// # Errors
    ///
    /// The [`Violation`].
    pub fn try_resilient(&self) -> Result<(), Violation> {
        self.without("be resilient", |it| it.severity() > Severity::Note)
    }

    /// Asserts that no attempt came before the time that the answer before had asked for, in
    /// `retry-after` or `retry-after-ms`.
    ///
    /// # Panics
    ///
    /// With the [`Violation`] when that is not so.
    #[track_caller]
    pub fn assert_honoured_retry_after(&self) {
        pass(self.try_honoured_retry_after());
    }

    /// Like [`assert_honoured_retry_after`](Self::assert_honoured_retry_after), without the panic.
    ///
    /// # Errors
    ///
    /// The [`Violation`].
    pub fn try_honoured_retry_after(&self) -> Result<(), Violation> {
        self.without("honour `retry-after`", |it| {
            matches!(it, Finding::RetriedTooEarly { .. })
        })
    }

    /// Asserts that the client waited before each attempt, and longer each time, where no answer says
    /// how long.
    ///
    /// # Panics
    ///
    /// With the [`Violation`] when that is not so.
    #[track_caller]
    pub fn assert_backed_off(&self) {
        pass(self.try_backed_off());
    }

    /// Like [`assert_backed_off`](Self::assert_backed_off), without the panic.
    ///
    /// # Errors
    ///
    /// The [`Violation`].
    pub fn try_backed_off(&self) -> Result<(), Violation> {
        self.without("back off", |it| {
            matches!(
                it,
                Finding::DidNotBackOff { .. } | Finding::RetriedAtOnce { .. }
            )
        })
    }

    /// Asserts that no call had more attempts than this, the first one included.
    ///
    /// # Panics
    ///
    /// With the [`Violation`] when one had.
    #[track_caller]
    pub fn assert_max_attempts(&self, limit: usize) {
        pass(self.try_max_attempts(limit));
    }

    /// Like [`assert_max_attempts`](Self::assert_max_attempts), without the panic.
    ///
    /// # Errors
    ///
    /// The [`Violation`].
    pub fn try_max_attempts(&self, limit: usize) -> Result<(), Violation> {
        let too_many = |call: &Call| {
            let sequences: Vec<_> = call.attempts.iter().map(|it| it.sequence).collect();
            let finding = Finding::TooManyAttempts { sequences, limit };
            (call.attempts.len() > limit).then(|| vec![finding])
        };
        let expected = format!(
            "make at most {}",
            super::text::plural(limit as u64, "attempt")
        );
        self.violation(&expected, |call| too_many(call).unwrap_or_default())
    }

    /// Asserts that attempts can do no harm twice: those of a call have the same idempotency key, or a
    /// method that is idempotent, and no key stands for two calls.
    ///
    /// # Panics
    ///
    /// With the [`Violation`] when that is not so.
    #[track_caller]
    pub fn assert_idempotent(&self) {
        pass(self.try_idempotent());
    }

    /// Like [`assert_idempotent`](Self::assert_idempotent), without the panic.
    ///
    /// # Errors
    ///
    /// The [`Violation`].
    pub fn try_idempotent(&self) -> Result<(), Violation> {
        self.without("make requests that do no harm twice", |it| {
            matches!(
                it,
                Finding::IdempotencyKeyChanged { .. }
                    | Finding::IdempotencyKeyMissing { .. }
                    | Finding::IdempotencyKeyReused { .. }
                    | Finding::Hedged { safe: false, .. }
            )
        })
    }

    /// Asserts that the body of every answer was read to its end.
    ///
    /// # Panics
    ///
    /// With the [`Violation`] when one was left open, or cancelled.
    #[track_caller]
    pub fn assert_bodies_drained(&self) {
        pass(self.try_bodies_drained());
    }

    /// Like [`assert_bodies_drained`](Self::assert_bodies_drained), without the panic.
    ///
    /// # Errors
    ///
    /// The [`Violation`].
    pub fn try_bodies_drained(&self) -> Result<(), Violation> {
        self.without("read every body to its end", |it| {
            matches!(
                it,
                Finding::BodyCancelled { .. } | Finding::BodyLeftOpen { .. }
            )
        })
    }

    /// Asserts that the body of every answer was read to its end, or given up: none is left open.
    ///
    /// # Panics
    ///
    /// With the [`Violation`] when one was.
    #[track_caller]
    pub fn assert_bodies_released(&self) {
        pass(self.try_bodies_released());
    }

    /// Like [`assert_bodies_released`](Self::assert_bodies_released), without the panic.
    ///
    /// # Errors
    ///
    /// The [`Violation`].
    pub fn try_bodies_released(&self) -> Result<(), Violation> {
        self.without("leave no body open", |it| {
            matches!(it, Finding::BodyLeftOpen { .. })
        })
    }

    /// Asserts that nothing was tried again that another attempt does not change.
    ///
    /// # Panics
    ///
    /// With the [`Violation`] when something was.
    #[track_caller]
    pub fn assert_no_futile_retries(&self) {
        pass(self.try_no_futile_retries());
    }

    /// Like [`assert_no_futile_retries`](Self::assert_no_futile_retries), without the panic.
    ///
    /// # Errors
    ///
    /// The [`Violation`].
    pub fn try_no_futile_retries(&self) -> Result<(), Violation> {
        self.without("try again only what may help", |it| {
            matches!(it, Finding::FutileRetry { .. })
        })
    }

    /// Asserts that no call ended with an answer that is worth another attempt, or without one.
    ///
    /// # Panics
    ///
    /// With the [`Violation`] when one did.
    #[track_caller]
    pub fn assert_never_gave_up(&self) {
        pass(self.try_never_gave_up());
    }

    /// Like [`assert_never_gave_up`](Self::assert_never_gave_up), without the panic.
    ///
    /// # Errors
    ///
    /// The [`Violation`].
    pub fn try_never_gave_up(&self) -> Result<(), Violation> {
        self.without("never give up", |it| {
            matches!(it, Finding::GaveUp { .. } | Finding::NeverRetried { .. })
        })
    }

    /// Asserts that no attempt was made while another one of the same call was going on.
    ///
    /// # Panics
    ///
    /// With the [`Violation`] when one was.
    #[track_caller]
    pub fn assert_not_hedged(&self) {
        pass(self.try_not_hedged());
    }

    /// Like [`assert_not_hedged`](Self::assert_not_hedged), without the panic.
    ///
    /// # Errors
    ///
    /// The [`Violation`].
    pub fn try_not_hedged(&self) -> Result<(), Violation> {
        self.without("make one attempt at a time", |it| {
            matches!(it, Finding::Hedged { .. })
        })
    }

    /// A violation, if there are such findings.
    fn without(
        &self,
        expected: &str,
        forbidden: impl Fn(&Finding) -> bool,
    ) -> Result<(), Violation> {
        self.violation(expected, |call| {
            let forbidden = call.findings.iter().filter(|it| forbidden(it));
            forbidden.cloned().collect()
        })
    }

    fn violation(
        &self,
        expected: &str,
        found: impl Fn(&Call) -> Vec<Finding>,
    ) -> Result<(), Violation> {
        let calls = self.calls.iter().filter_map(|call| {
            let findings = found(call);
            let (request, attempts) = (call.request.clone(), call.attempts.clone());
            (!findings.is_empty()).then_some(Call {
                request,
                attempts,
                findings,
            })
        });
        let calls: Vec<_> = calls.collect();
        if calls.is_empty() {
            return Ok(());
        }
        let expected = expected.to_owned();
        Err(Violation { expected, calls })
    }
}

#[track_caller]
fn pass(asserted: Result<(), Violation>) {
    if let Err(violation) = asserted {
        panic!("{violation}");
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the client should {}, and did not", self.expected)?;
        write_calls(f, &self.calls, |_| true)
    }
}

impl std::error::Error for Violation {}
