//! The transport's time, as a test has it.

use std::time::Duration;

use crate::engine::Timing;
use crate::flow::sleep::Sleep;
use crate::mode::Mode;
use crate::transport::MockTransport;
use crate::wake::wake_all;

impl<M: Mode> MockTransport<M> {
    /// The transport's time: how long since its creation.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.engine.follow_clock();
        self.engine.with(|core| core.timeline.now())
    }

    /// Who moves the transport's time.
    #[must_use]
    pub fn timing(&self) -> Timing {
        self.engine.settings.timing
    }

    /// Moves the transport's time forward. Whoever waits for that is woken, and goes on in order of
    /// what was due first. At [`Duration::MAX`] time stands still.
    pub fn advance(&self, by: Duration) {
        let woken = self.engine.with(|core| {
            let to = core.timeline.now().saturating_add(by);
            core.timeline.advance_to(to)
        });
        wake_all(woken);
    }

    /// Sleeps for so long, in the transport's time, from this call on.
    ///
    /// With [`Timing::Instant`] nobody waits for it: a client that is given this instead of its
    /// runtime's timer backs off for a minute in no time.
    ///
    /// ```
    /// use std::time::Duration;
    /// use mockwire::sync::MockTransport;
    ///
    /// let transport = MockTransport::new();
    /// transport.block_on(transport.sleep(Duration::from_secs(3600)))?;
    /// assert_eq!(transport.now(), Duration::from_secs(3600));
    /// # Ok::<(), mockwire::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Disposed`](crate::ErrorKind::Disposed) when the transport ends before.
    pub fn sleep(&self, duration: Duration) -> Sleep<M> {
        Sleep::new(self.engine.clone(), duration)
    }

    /// Lets the streams go on that are held at this name, now and later; see
    /// [`Script::hold`](crate::Script::hold).
    pub fn release(&self, name: &str) {
        crate::flow::play::release(&self.engine, name);
    }
}
