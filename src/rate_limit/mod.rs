//! Limits on how much may be done in how much time, and what they say.

pub(crate) mod headers;

use std::fmt;
use std::time::Duration;

use http::HeaderMap;

use self::headers::{RateHeaders, RetryAfter, Style};
use crate::core::rate::{Asked, Kind, Taken};
use crate::error::{Error, Part, Result};
use crate::limits::read;
use crate::mode::{AcceptReading, Mode};
use crate::model::reply::Reply;
use crate::model::request::Request;

/// At most so many requests, or tokens, in so much of the transport's time. What is too much is
/// refused with 429 and counts for nothing.
///
/// Given to [`When::rate_limit`](crate::When::rate_limit) it limits one rule, given to
/// [`Builder::rate_limit`](crate::Builder::rate_limit) the whole transport. Where several apply
/// together, a request counts for all of them or for none.
///
/// ```
/// use std::time::Duration;
/// use mockwire::{RateHeaders, RateLimit, Reply, Request, RetryAfter, sync::MockTransport};
///
/// let tokens = |request: &Request| request.json_value().map_or(0, |it| it["max_tokens"].as_u64().unwrap_or(0));
/// let transport = MockTransport::builder()
///     .rate_limit(
///         RateLimit::token_bucket(1000, 10, Duration::from_secs(1))
///             .tokens(tokens)
///             .per_key(|request| request.header("x-api-key").unwrap_or_default().to_owned())
///             .headers(RateHeaders::OpenAi)
///             .retry_after(RetryAfter::Millis),
///     )
///     .build();
/// transport.post("/v1/chat").reply("hello");
///
/// let chat = || http::Request::post("https://api.test/v1/chat").body(r#"{"max_tokens": 600}"#).unwrap();
/// let first = transport.block_on(transport.call(chat()))?;
/// assert_eq!(first.headers()["x-ratelimit-remaining-tokens"], "400");
/// let refused = transport.block_on(transport.call(chat()))?;
/// assert_eq!(refused.status(), 429);
/// assert_eq!(refused.headers()["retry-after-ms"], "20000");
/// # Ok::<(), mockwire::Error>(())
/// ```
pub struct RateLimit<M: Mode> {
    kind: Kind,
    cost: Option<M::Reading<u64>>,
    key: Option<M::Reading<String>>,
    style: Style,
    refusal: Option<Reply>,
}

impl<M: Mode> RateLimit<M> {
    /// `limit` in each window of this length. Windows begin at the multiples of it, in the
    /// transport's time.
    #[must_use]
    pub fn fixed_window(limit: u64, per: Duration) -> Self {
        Self::of(Kind::FixedWindow { limit, per })
    }

    /// `limit` in any window of this length: what was counted comes back when it is so old.
    #[must_use]
    pub fn sliding_window(limit: u64, per: Duration) -> Self {
        Self::of(Kind::SlidingWindow { limit, per })
    }

    /// `capacity` at once; they come back steadily, `refill` of them in `per`.
    #[must_use]
    pub fn token_bucket(capacity: u64, refill: u64, per: Duration) -> Self {
        Self::of(Kind::TokenBucket {
            capacity,
            refill,
            per,
        })
    }

    /// Counts tokens, as many as the closure says, instead of requests. A request for more than
    /// there can ever be is refused without a time to try again.
    #[must_use]
    pub fn tokens<F>(mut self, tokens: F) -> Self
    where
        F: Fn(&Request) -> u64 + 'static,
        M: AcceptReading<F, u64>,
    {
        self.cost = Some(M::erase_reading(tokens));
        self.style.tokens = true;
        self
    }

    /// Counts separately for each key that the closure reads off a request: an account, a host.
    #[must_use]
    pub fn per_key<F>(mut self, key: F) -> Self
    where
        F: Fn(&Request) -> String + 'static,
        M: AcceptReading<F, String>,
    {
        self.key = Some(M::erase_reading(key));
        self
    }

    /// How a refusal says when to try again.
    #[must_use]
    pub fn retry_after(mut self, retry_after: RetryAfter) -> Self {
        self.style.retry_after = retry_after;
        self
    }

    /// In which header fields every reply says how the limit stands.
    #[must_use]
    pub fn headers(mut self, headers: RateHeaders) -> Self {
        self.style.headers = headers;
        self
    }

    /// Refuses with this reply, instead of 429 and a line of text. The header fields are added. One that
    /// is made [from the exchange](Reply::from_exchange) can say when to try again.
    #[must_use]
    pub fn refuse_with(mut self, reply: impl Into<Reply>) -> Self {
        self.refusal = Some(reply.into());
        self
    }

    fn of(kind: Kind) -> Self {
        Self {
            kind,
            cost: None,
            key: None,
            style: Style::default(),
            refusal: None,
        }
    }

    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    /// Which of these limits has refused a request, in words.
    pub(crate) fn refusing(limits: &[Self], taken: &Taken) -> Option<Box<str>> {
        let limit = limits.get(taken.refused?.by)?;
        Some(limit.to_string().into())
    }

    /// The first mistake that was made in writing it.
    pub(crate) fn mistake(&self) -> Option<Error> {
        let kind = self.kind.mistake().map(|reason| {
            let value = format!("{:?}", self.kind);
            Error::invalid(Part::Option, value, reason)
        });
        kind.or_else(|| self.refusal.as_ref()?.mistake())
    }

    /// What a request asks of these limits. The closures of the user are called outside every borrow.
    pub(crate) fn ask(limits: &[Self], request: &Request) -> Result<Vec<Asked>> {
        let asked = limits.iter().map(|limit| {
            let key = limit.key.as_ref().map(|key| read(&**key, request));
            let cost = limit.cost.as_ref().map(|cost| read(&**cost, request));
            Ok(Asked {
                key: key.transpose()?.unwrap_or_default(),
                cost: cost.transpose()?.unwrap_or(1),
            })
        });
        asked.collect()
    }

    /// The header fields that say how these limits stand; and the refusal, if it is one.
    pub(crate) fn tell(
        limits: &[Self],
        taken: &Taken,
        today: Duration,
    ) -> (HeaderMap, Option<Reply>) {
        let mut told: Vec<_> = limits.iter().zip(&taken.standings).collect();
        // What is scarcest is told last, so that its fields are the ones that stay.
        told.sort_by_key(|(_, standing)| std::cmp::Reverse(standing.remaining));
        let mut fields = HeaderMap::new();
        for (limit, standing) in &told {
            limit.style.tell(standing, today, &mut fields);
        }
        let refusal = taken.refused.and_then(|refused| {
            let limit = limits.get(refused.by)?;
            limit.style.refuse(refused, today, &mut fields);
            let plain = || Reply::text("too many requests").with_status(429);
            let refusal = limit.refusal.clone().unwrap_or_else(plain);
            Some(refusal.refusing_for(refused.retry_after))
        });
        (fields, refusal)
    }
}

impl<M: Mode> Clone for RateLimit<M> {
    fn clone(&self) -> Self {
        Self {
            kind: self.kind,
            cost: self.cost.clone(),
            key: self.key.clone(),
            style: self.style,
            refusal: self.refusal.clone(),
        }
    }
}

/// `3 requests in any 1s`
impl<M: Mode> fmt::Display for RateLimit<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match (self.style.tokens, self.kind.limit()) {
            (true, 1) => "token",
            (true, _) => "tokens",
            (false, 1) => "request",
            (false, _) => "requests",
        };
        match self.kind {
            Kind::FixedWindow { limit, per } => write!(f, "{limit} {what} in each {per:?}"),
            Kind::SlidingWindow { limit, per } => write!(f, "{limit} {what} in any {per:?}"),
            Kind::TokenBucket {
                capacity,
                refill,
                per,
            } => write!(
                f,
                "{capacity} {what} at once, {refill} more in each {per:?}"
            ),
        }
    }
}

impl<M: Mode> fmt::Debug for RateLimit<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimit")
            .field("kind", &self.kind)
            .field("style", &self.style)
            .finish_non_exhaustive()
    }
}
