//! Errors in Anthropic's envelope (<https://docs.anthropic.com/en/api/errors>).

use super::message::request_id;
use crate::providers::draws::Draws;
use crate::providers::pattern::Pattern;
use crate::providers::wire::Wire;
use crate::providers::{ApiError, ApiErrorKind};

pub(super) fn pattern(error: &ApiError) -> Pattern {
    let mut draws = Draws::default();
    let request_id = request_id(&mut draws);
    let (status, ..) = words(error.kind);
    let mut pattern = Pattern::json(draws, &body(error, &request_id))
        .status(error.status.unwrap_or(status))
        .field_drawn("request-id", &request_id);
    if let Some(seconds) = error.retry_after_seconds() {
        pattern = pattern.field("retry-after", &seconds.to_string());
    }
    let overloaded = (error.kind == ApiErrorKind::Overloaded).then_some(true);
    if let Some(should_retry) = error.should_retry.or(overloaded) {
        pattern = pattern.field("x-should-retry", &should_retry.to_string());
    }
    pattern
}

/// The body of an error response, and the data of an `error` event after its `type`.
pub(super) fn body(error: &ApiError, request_id: &Wire) -> Wire {
    let (_, kind, message) = words(error.kind);
    let details = Wire::object()
        .put("type", error.code.as_deref().unwrap_or(kind))
        .put("message", error.message.as_deref().unwrap_or(message));
    Wire::object()
        .put("type", "error")
        .put("error", details)
        .put("request_id", request_id)
}

/// The status, the type, and what it says.
fn words(kind: ApiErrorKind) -> (u16, &'static str, &'static str) {
    match kind {
        ApiErrorKind::Authentication => (401, "authentication_error", "invalid x-api-key"),
        ApiErrorKind::Billing => (402, "billing_error", "Your credit balance is too low"),
        ApiErrorKind::InvalidRequest => (400, "invalid_request_error", "Invalid request"),
        ApiErrorKind::NotFound => (404, "not_found_error", "Not found"),
        ApiErrorKind::Overloaded => (529, "overloaded_error", "Overloaded"),
        ApiErrorKind::Permission => (403, "permission_error", "Permission denied"),
        ApiErrorKind::RateLimit => (
            429,
            "rate_limit_error",
            "This request would exceed your organization's rate limit",
        ),
        ApiErrorKind::RequestTooLarge => {
            (413, "request_too_large", "Request exceeds the maximum size")
        }
        ApiErrorKind::Server => (500, "api_error", "Internal server error"),
        ApiErrorKind::Timeout => (504, "timeout_error", "Request timed out"),
    }
}
