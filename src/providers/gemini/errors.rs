//! Errors in Google's envelope (<https://google.aip.dev/193>).

use std::time::Duration;

use super::content::JSON;
use crate::providers::draws::Draws;
use crate::providers::pattern::Pattern;
use crate::providers::wire::Wire;
use crate::providers::{ApiError, ApiErrorKind};

pub(super) fn pattern(error: &ApiError) -> Pattern {
    let pattern = Pattern::json(Draws::default(), &body(error)).status(status(error));
    let pattern = pattern.field("content-type", JSON);
    match error.should_retry {
        Some(should_retry) => pattern.field("x-should-retry", &should_retry.to_string()),
        None => pattern,
    }
}

/// The body of an error response, and of the chunk that breaks a stream off.
pub(super) fn body(error: &ApiError) -> Wire {
    let (_, word, message) = words(error.kind);
    let details = details(error);
    let error = Wire::object()
        .put("code", u64::from(status(error)))
        .put("message", error.message.as_deref().unwrap_or(message))
        .put("status", error.code.as_deref().unwrap_or(word))
        .put_some("details", (!details.is_empty()).then_some(details));
    Wire::object().put("error", error)
}

/// What was used up, and when to try again.
fn details(error: &ApiError) -> Vec<Wire> {
    let of = |kind: &str| {
        let kind = format!("type.googleapis.com/google.rpc.{kind}");
        Wire::object().put("@type", kind)
    };
    let mut details = Vec::new();
    if matches!(error.kind, ApiErrorKind::Billing | ApiErrorKind::RateLimit) {
        let quota = "GenerateRequestsPerMinutePerProjectPerModel";
        let violation = Wire::object().put("quotaId", quota);
        details.push(of("QuotaFailure").put("violations", vec![violation]));
    }
    if let Some(after) = error.retry_after {
        details.push(of("RetryInfo").put("retryDelay", seconds(after)));
    }
    details
}

/// As protocol buffers write a duration in JSON: `34s`, `34.4s`.
fn seconds(duration: Duration) -> String {
    let mut text = duration.as_secs().to_string();
    if duration.subsec_nanos() > 0 {
        let fraction = format!(".{:09}", duration.subsec_nanos());
        text.push_str(fraction.trim_end_matches('0'));
    }
    text.push('s');
    text
}

fn status(error: &ApiError) -> u16 {
    let (status, ..) = words(error.kind);
    error.status.unwrap_or(status)
}

/// The status, the word for it, and what it says.
fn words(kind: ApiErrorKind) -> (u16, &'static str, &'static str) {
    match kind {
        ApiErrorKind::Authentication => (
            401,
            "UNAUTHENTICATED",
            "Request had invalid authentication credentials.",
        ),
        ApiErrorKind::Billing | ApiErrorKind::RateLimit => (
            429,
            "RESOURCE_EXHAUSTED",
            "You exceeded your current quota, please check your plan.",
        ),
        ApiErrorKind::InvalidRequest => (
            400,
            "INVALID_ARGUMENT",
            "Request contains an invalid argument.",
        ),
        ApiErrorKind::NotFound => (404, "NOT_FOUND", "The model is not found."),
        ApiErrorKind::Overloaded => (
            503,
            "UNAVAILABLE",
            "The model is overloaded. Please try again later.",
        ),
        ApiErrorKind::Permission => (
            403,
            "PERMISSION_DENIED",
            "The caller does not have permission.",
        ),
        ApiErrorKind::RequestTooLarge => (
            400,
            "INVALID_ARGUMENT",
            "The input token count exceeds the maximum number of tokens allowed.",
        ),
        ApiErrorKind::Server => (500, "INTERNAL", "An internal error has occurred."),
        ApiErrorKind::Timeout => (
            504,
            "DEADLINE_EXCEEDED",
            "The request timed out. Please try again.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_written_as_protocol_buffers_write_them() {
        let shown = |millis| seconds(Duration::from_millis(millis));
        assert_eq!(
            [shown(34_400), shown(34_000), shown(1)],
            ["34.4s", "34s", "0.001s"]
        );
    }
}
