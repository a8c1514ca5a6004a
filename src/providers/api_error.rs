//! What goes wrong at a provider: the same words for all of them, each in its own envelope.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::millis;

/// An error of a provider's API. Each provider writes it in its own envelope, with its own status, words
/// and header fields.
///
/// ```
/// use std::time::Duration;
/// use mockwire::providers::{Answer, ApiError, anthropic};
/// use mockwire::sync::MockTransport;
///
/// let transport = MockTransport::new();
/// anthropic::messages(&transport).reply_after_failures(
///     2,
///     ApiError::overloaded().retry_after(Duration::from_secs(3)),
///     Answer::text("at last"),
/// );
///
/// let call = || {
///     let request = http::Request::post("https://api.anthropic.com/v1/messages");
///     let request = request.body(r#"{"model": "claude", "max_tokens": 8, "messages": []}"#).unwrap();
///     transport.block_on(transport.call(request)).unwrap()
/// };
/// let overloaded = call();
/// assert_eq!((overloaded.status().as_u16(), &overloaded.headers()["retry-after"]), (529, &"3".parse().unwrap()));
/// assert_eq!((call().status(), call().status()), (529.try_into().unwrap(), http::StatusCode::OK));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ApiError {
    pub(super) kind: ApiErrorKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) message: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) status: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) code: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) param: Option<String>,
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "optional_millis"
    )]
    pub(super) retry_after: Option<Duration>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) should_retry: Option<bool>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) in_stream: bool,
}

/// What kind of error it is; in the table, what goes over the wire.
///
/// | | Anthropic | OpenAI | Gemini |
/// |---|---|---|---|
/// | `Authentication` | 401 `authentication_error` | 401 `invalid_api_key` | 401 `UNAUTHENTICATED` |
/// | `Billing` | 402 `billing_error` | 429 `insufficient_quota` | 429 `RESOURCE_EXHAUSTED` |
/// | `InvalidRequest` | 400 `invalid_request_error` | 400 `invalid_request_error` | 400 `INVALID_ARGUMENT` |
/// | `NotFound` | 404 `not_found_error` | 404 `model_not_found` | 404 `NOT_FOUND` |
/// | `Overloaded` | 529 `overloaded_error` | 503 `server_error` | 503 `UNAVAILABLE` |
/// | `Permission` | 403 `permission_error` | 403 `unsupported_country_region_territory` | 403 `PERMISSION_DENIED` |
/// | `RateLimit` | 429 `rate_limit_error` | 429 `rate_limit_exceeded` | 429 `RESOURCE_EXHAUSTED` |
/// | `RequestTooLarge` | 413 `request_too_large` | 400 `context_length_exceeded` | 400 `INVALID_ARGUMENT` |
/// | `Server` | 500 `api_error` | 500 `server_error` | 500 `INTERNAL` |
/// | `Timeout` | 504 `timeout_error` | 408 `timeout` | 504 `DEADLINE_EXCEEDED` |
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum ApiErrorKind {
    /// The key is missing or wrong.
    Authentication,
    /// There is no money left: to try again does not help.
    Billing,
    /// The request is not as it must be.
    InvalidRequest,
    /// There is no such model or resource.
    NotFound,
    /// Everybody asks at once: try again later.
    Overloaded,
    /// The key may not do this.
    Permission,
    /// The client asks too fast. For limits that count, see [`RateLimit`](crate::RateLimit).
    RateLimit,
    /// The request is longer than the provider takes.
    RequestTooLarge,
    /// Something is broken at the provider.
    Server,
    /// The provider has taken too long.
    Timeout,
}

impl ApiError {
    /// An error of this kind.
    #[must_use]
    pub fn new(kind: ApiErrorKind) -> Self {
        Self {
            kind,
            message: None,
            status: None,
            code: None,
            param: None,
            retry_after: None,
            should_retry: None,
            in_stream: false,
        }
    }

    /// The key is missing or wrong.
    #[must_use]
    pub fn authentication() -> Self {
        Self::new(ApiErrorKind::Authentication)
    }

    /// There is no money left.
    #[must_use]
    pub fn billing() -> Self {
        Self::new(ApiErrorKind::Billing)
    }

    /// The request is not as it must be, and this is what is wrong with it.
    #[must_use]
    pub fn invalid_request(message: impl Into<String>) -> Self {
        Self::new(ApiErrorKind::InvalidRequest).message(message)
    }

    /// There is no such model or resource.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(ApiErrorKind::NotFound)
    }

    /// Everybody asks at once.
    #[must_use]
    pub fn overloaded() -> Self {
        Self::new(ApiErrorKind::Overloaded)
    }

    /// The key may not do this.
    #[must_use]
    pub fn permission() -> Self {
        Self::new(ApiErrorKind::Permission)
    }

    /// The client asks too fast.
    #[must_use]
    pub fn rate_limit() -> Self {
        Self::new(ApiErrorKind::RateLimit)
    }

    /// The request is longer than the provider takes.
    #[must_use]
    pub fn request_too_large() -> Self {
        Self::new(ApiErrorKind::RequestTooLarge)
    }

    /// Something is broken at the provider.
    #[must_use]
    pub fn server() -> Self {
        Self::new(ApiErrorKind::Server)
    }

    /// The provider has taken too long.
    #[must_use]
    pub fn timeout() -> Self {
        Self::new(ApiErrorKind::Timeout)
    }

    /// Says so in these words, instead of the provider's.
    #[must_use]
    pub fn message(mut self, message: impl Into<String>) -> Self {
        self.message = Some(message.into());
        self
    }

    /// With this status, instead of the kind's.
    #[must_use]
    pub fn status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    /// With this word in the envelope, instead of the kind's: Anthropic's `type`, OpenAI's `code`,
    /// Gemini's `status`.
    #[must_use]
    pub fn code(mut self, code: impl Into<String>) -> Self {
        self.code = Some(code.into());
        self
    }

    /// Which parameter is wrong (OpenAI).
    #[must_use]
    pub fn param(mut self, param: impl Into<String>) -> Self {
        self.param = Some(param.into());
        self
    }

    /// When to try again: `retry-after` in whole seconds, rounded up, and where that loses something and
    /// the provider knows it, `retry-after-ms`; with Gemini a `RetryInfo` in the body.
    #[must_use]
    pub fn retry_after(mut self, after: Duration) -> Self {
        self.retry_after = Some(after);
        self
    }

    /// Adds `x-should-retry`, which overrides what official clients think of the status.
    #[must_use]
    pub fn should_retry(mut self, should_retry: bool) -> Self {
        self.should_retry = Some(should_retry);
        self
    }

    /// As the first event of a stream that has begun with 200, where a stream is asked for.
    #[must_use]
    pub fn in_stream(mut self) -> Self {
        self.in_stream = true;
        self
    }

    /// `retry-after`, in whole seconds.
    pub(super) fn retry_after_seconds(&self) -> Option<u64> {
        let after = self.retry_after?;
        Some(after.as_secs() + u64::from(after.subsec_nanos() > 0))
    }
}

/// A duration that may be missing, as a number of milliseconds.
mod optional_millis {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::millis;

    #[derive(Serialize, Deserialize)]
    struct Millis(#[serde(with = "millis")] Duration);

    pub(super) fn serialize<S: Serializer>(
        duration: &Option<Duration>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        duration.map(Millis).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Duration>, D::Error> {
        Ok(Option::<Millis>::deserialize(deserializer)?.map(|Millis(duration)| duration))
    }
}
