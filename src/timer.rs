//! What moves a transport's time when it is real.

use std::future::Future;
use std::time::Duration;

use crate::mode::{AcceptSleep, Mode};

/// A clock and its alarms, for [`Timing::Real`](crate::Timing::Real): a runtime's timers.
///
/// With the feature `tokio` there is `TokioTimer`. For another runtime:
///
/// ```
/// use std::time::{Duration, Instant};
/// use mockwire::{Timer, sync::MockTransport};
///
/// struct SmolTimer(Instant);
///
/// impl Timer for SmolTimer {
///     type Sleep = futures_util::future::Map<smol::Timer, fn(Instant)>;
///
///     fn now(&self) -> Duration {
///         self.0.elapsed()
///     }
///
///     fn sleep(&self, duration: Duration) -> Self::Sleep {
///         futures_util::FutureExt::map(smol::Timer::after(duration), |_| ())
///     }
/// }
///
/// let transport = MockTransport::builder().timer(SmolTimer(Instant::now())).build();
/// let slept = smol::block_on(transport.sleep(Duration::from_millis(2)));
/// assert!(slept.is_ok() && transport.now() >= Duration::from_millis(2));
/// ```
pub trait Timer: 'static {
    /// Completes when the time has passed.
    type Sleep: Future<Output = ()> + 'static;

    /// How long since some moment that stays the same. Never goes back.
    fn now(&self) -> Duration;

    /// A future that completes after so long. Polled where the transport's futures are.
    fn sleep(&self, duration: Duration) -> Self::Sleep;
}

/// A timer for one mode, erased.
#[doc(hidden)]
pub trait AnyTimer<M: Mode> {
    fn now(&self) -> Duration;
    fn sleep(&self, duration: Duration) -> M::Sleep;
}

impl<M: AcceptSleep<T::Sleep>, T: Timer> AnyTimer<M> for T {
    fn now(&self) -> Duration {
        Timer::now(self)
    }

    fn sleep(&self, duration: Duration) -> M::Sleep {
        M::erase_sleep(Timer::sleep(self, duration))
    }
}
