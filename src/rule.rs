//! A handle to a registered rule.

use std::fmt;

use crate::core::RuleId;
use crate::core::rules::Registered;
use crate::error::{Error, ErrorKind, Result};
use crate::mode::Mode;
use crate::model::captured::Captured;
use crate::model::times::{Answered, Times};
use crate::transport::MockTransport;

/// A handle to a registered rule. Dropping it changes nothing; the rule stays.
pub struct Rule<M: Mode> {
    transport: MockTransport<M>,
    id: RuleId,
}

impl<M: Mode> Rule<M> {
    pub(crate) fn new(transport: MockTransport<M>, id: RuleId) -> Self {
        Self { transport, id }
    }

    pub(crate) fn transport(&self) -> &MockTransport<M> {
        &self.transport
    }

    /// The rule's name, which captures refer to.
    #[must_use]
    pub fn id(&self) -> RuleId {
        self.id
    }

    /// How often the rule has answered; 0 when it is gone.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.try_calls().unwrap_or_default()
    }

    /// How often the rule has answered.
    ///
    /// # Errors
    ///
    /// [`StaleHandle`](ErrorKind::StaleHandle) when it is gone.
    pub fn try_calls(&self) -> Result<u64> {
        let hits = |registered: &Registered<M>| registered.hits();
        let calls = self
            .transport
            .engine
            .with(|core| core.rules.get(self.id).map(hits));
        calls.ok_or_else(|| Error::new(ErrorKind::StaleHandle { what: "rule" }))
    }

    /// The exchanges that the rule has answered.
    #[must_use]
    pub fn requests(&self) -> Vec<Captured> {
        let mut requests = self.transport.requests();
        requests.retain(|captured| captured.rule == Some(self.id));
        requests
    }

    /// Asserts how often the rule has answered.
    ///
    /// # Panics
    ///
    /// If it is another number, or the rule is gone and nobody knows.
    #[track_caller]
    pub fn assert_calls(&self, times: impl Into<Times>) {
        let times = times.into();
        let calls = match self.try_calls() {
            Ok(calls) => calls,
            Err(error) => panic!("whether the rule has answered {times} is not known: {error}"),
        };
        let enough = calls >= times.min && times.max.is_none_or(|max| calls <= max);
        assert!(
            enough,
            "{self:?} should have answered {times}, but {}",
            Answered(calls)
        );
    }

    /// Removes the rule. Exchanges that it answers go on; requests that it holds fail.
    ///
    /// # Errors
    ///
    /// [`StaleHandle`](ErrorKind::StaleHandle) when it is gone already.
    pub fn remove(&self) -> Result<()> {
        let aftermath = self
            .transport
            .engine
            .with(|core| core.remove_rule(self.id))?;
        aftermath.settle();
        Ok(())
    }
}

impl<M: Mode> fmt::Debug for Rule<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rule = self.transport.engine.with(|core| {
            core.rules
                .get(self.id)
                .map(|registered| registered.rule.clone())
        });
        match rule {
            Some(rule) => write!(f, "rule {} at {}", rule.matcher, rule.site),
            None => f.write_str("a rule that is gone"),
        }
    }
}
