//! What is known of an exchange when its reply is made.

use std::time::Duration;

use super::random::Random;
use super::request::Request;

/// What is known of an exchange when its reply is made: the request, its number, the time, and where
/// random numbers come from. See [`Reply::from_exchange`](crate::Reply::from_exchange).
///
/// Everything in it is the same in every run of the same test, so what a reply is made of it is, too.
#[derive(Clone, Debug)]
pub struct Exchange {
    pub(crate) request: Request,
    pub(crate) sequence: u64,
    pub(crate) at: Duration,
    pub(crate) epoch: Duration,
    pub(crate) seed: u64,
    pub(crate) retry_after: Option<Duration>,
}

impl Exchange {
    /// The request.
    #[must_use]
    pub fn request(&self) -> &Request {
        &self.request
    }

    /// The number of the request on its transport, from 1, in order of arrival.
    #[must_use]
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// When the reply is made, in the transport's time.
    #[must_use]
    pub fn at(&self) -> Duration {
        self.at
    }

    /// The same as a date: how long after 1970-01-01, in UTC. See
    /// [`Builder::epoch`](crate::Builder::epoch).
    #[must_use]
    pub fn date(&self) -> Duration {
        self.epoch.saturating_add(self.at)
    }

    /// Where a [`RateLimit`](crate::RateLimit) refuses the request, and this is its refusal: how long
    /// until as much can be had. `None` where nothing refuses, or where it never can.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// The random numbers of this exchange, from the beginning: the same at each call. They come from
    /// the transport's [`seed`](crate::Builder::seed) and the number of the request, so they do not
    /// depend on what other exchanges draw.
    #[must_use]
    pub fn random(&self) -> Random {
        Random::of_exchange(self.seed.rotate_left(32), self.sequence)
    }
}
