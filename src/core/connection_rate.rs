//! How many connections may be made in how much time.

use std::collections::VecDeque;
use std::time::Duration;

use crate::error::{Error, ErrorKind, Part, Result};

/// At most so many connections in any window of time: counted exactly, in the transport's time.
///
/// ```
/// use std::time::Duration;
/// use mockwire::connections::ConnectionRate;
///
/// let ms = Duration::from_millis;
/// let mut rate = ConnectionRate::new(2, ms(100))?;
/// rate.admit(ms(0))?;
/// rate.admit(ms(60))?;
/// assert_eq!(rate.retry_after(ms(70)), Some(ms(30)));
/// assert_eq!(rate.admit(ms(70)).unwrap_err().code(), "MOCKWIRE_CONNECTION_RATE_EXCEEDED");
/// rate.admit(ms(100))?;
/// # Ok::<(), mockwire::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionRate {
    limit: usize,
    window: Duration,
    /// When the latest were admitted, the earliest first: at most `limit`.
    admitted: VecDeque<Duration>,
}

impl ConnectionRate {
    /// At most `limit` connections in any `window`.
    ///
    /// # Errors
    ///
    /// [`Part::Option`] if either is zero: nothing, or everything, would be admitted for ever.
    pub fn new(limit: usize, window: Duration) -> Result<Self> {
        if limit == 0 || window.is_zero() {
            return Err(Error::invalid(
                Part::Option,
                format!("{limit} connections in {window:?}"),
                "a rate has a limit of at least one connection, and a window that takes time",
            ));
        }
        Ok(Self {
            limit,
            window,
            admitted: VecDeque::new(),
        })
    }

    /// Counts a connection that is made now, if there may be one.
    ///
    /// # Errors
    ///
    /// [`ConnectionRateExceeded`](ErrorKind::ConnectionRateExceeded) if there were too many; it says
    /// when there may be another. Those that are refused do not count.
    pub fn admit(&mut self, now: Duration) -> Result<()> {
        if let Some(retry_after) = self.retry_after(now) {
            return Err(Error::new(ErrorKind::ConnectionRateExceeded {
                limit: self.limit,
                window: self.window,
                retry_after,
            }));
        }
        if self.admitted.len() == self.limit {
            self.admitted.pop_front();
        }
        self.admitted.push_back(now);
        Ok(())
    }

    /// How long until there may be another connection; `None` if there may be one now.
    #[must_use]
    pub fn retry_after(&self, now: Duration) -> Option<Duration> {
        if self.admitted.len() < self.limit {
            return None;
        }
        // The latest `limit` of them are kept: when the first of those has left the window, the
        // others leave room for one.
        let free = self.admitted.front()?.saturating_add(self.window);
        (now < free).then(|| free - now)
    }
}
