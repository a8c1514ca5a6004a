//! tokio's clock as a transport's time.

use std::sync::OnceLock;
use std::time::Duration;

use tokio::time::{Instant, Sleep};

use crate::timer::Timer;

/// tokio's clock and timers, for [`Builder::timer`](crate::Builder::timer).
///
/// Under `tokio::time::pause` (`#[tokio::test(start_paused = true)]`) nobody waits: tokio moves its
/// clock when every task is idle, and the transport's time follows it together with the client's
/// own timeouts. tokio's timers have a resolution of 1 ms.
///
/// ```
/// use std::time::Duration;
/// use mockwire::{Reply, Script, TokioTimer, sync::MockTransport};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let transport = MockTransport::builder().timer(TokioTimer::new()).build();
/// transport.get("/").reply(Reply::script(Script::new().frame("never ends").stall()));
///
/// let request = http::Request::get("https://api.test/").body(())?;
/// let body = transport.call(request).await?.into_body();
/// let read = tokio::time::timeout(Duration::from_secs(60), body.text()).await;
/// assert!(read.is_err());
/// assert_eq!(transport.now(), Duration::from_secs(60));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Default)]
pub struct TokioTimer {
    /// Read when it is first needed, which is within the runtime.
    start: OnceLock<Instant>,
}

impl TokioTimer {
    /// A timer that counts from its first use. That, and every other, is within a tokio runtime
    /// with time enabled.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl Timer for TokioTimer {
    type Sleep = Sleep;

    fn now(&self) -> Duration {
        self.start.get_or_init(Instant::now).elapsed()
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        tokio::time::sleep(duration)
    }
}
